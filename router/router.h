/*
 * router.h: the modules of the router: batch (reads, writes, hands over) and route (decides one event; pure but for the
 * parameters it fills).
 */
#pragma once
#include <stdint.h>

#include "belt.h"
#include "db.h"
#include "map.h"
#include "merge.h"
#include "platform.h"
#include "policies.h"
#include "stage.h"

struct alerts;
struct event;
struct hints;
struct stat;
struct decision;
struct routing;
struct link_step;

struct queued {
    struct stage_item *item;
    uint64_t turn; /* of its priority: within it, tenants take turns */
};

struct router {
    struct service *service;
    struct store *store;
    struct stream *belt;
    struct stage *stage;
    struct platform_set *platforms; /* owned, as next_platforms */
    struct policies *policies;      /* main's */
    struct belt_activity *activity;
    int64_t window;
    /* waiting to be batched */
    struct queued *queue;
    size_t queued;
    uint64_t turn[PRIORITIES]; /* of what left the queue last */
    struct map *turns;         /* priority and tenant → the last turn given to it: a number, as a pointer */
    struct hints *hints;
    struct alerts *alerts;
    /* the batch under way */
    bool busy;
    struct decision *decisions;
    size_t count;
    size_t limit; /* of the next batch: halved by a refusal, whole again after a success */
    struct routing *routing;
    struct event *start_timer;
    struct stat *stat_routed, *stat_batch;
    bool due_running;
    bool brake_running;
    size_t braked; /* tenants, when last looked at */
    char *condemned;        /* why the next batch's only event is refused instead of routed */
    struct link_step *step; /* of a link: the lone event of the batch that is read next; NULL: none */
    struct platform_set *next_platforms; /* for after the batch under way, which points into the others */
};

struct router *router_new(struct service *service, struct store *store, struct stream *belt,
                          struct platform_set *platforms, struct policies *policies);
void router_free(struct router **router);
void router_drain(struct router *router, void (*drained)(void *arg), void *arg);
/* Platform files were read again: takes effect with the next batch; the set is the router's now. */
void router_set_platforms(struct router *router, struct platform_set *platforms);

#define ROUTER_BATCH_MAX 500
#define ROUTER_BATCH_LOW_MAX 100 /* of low priority in it */

/* brakes.c: what is braked is told to people, what is to be dropped is cancelled, what is let go is ready at once. */
void brakes_look(void *router);

/* batch.c: one batch at a time, from the queue to the hand-over. */
void batch_start_in(struct router *router, int64_t ms);
void batch_start(struct router *router);
void batch_drop(struct router *router, struct decision *decision); /* its item goes back to the stage */
void batch_again(struct router *router, int64_t pause_ms);         /* everything undecided is read anew */
void batch_read(struct router *router);                            /* reads what the batch holds */
void batch_write(struct router *router);                           /* what was decided */

/* One event as router_read.sql tells it; texts live as long as the result. */
struct event_row {
    struct uuid id, record_id, linked_id;
    bool linked;
    int64_t seq, created_ms, occurred_ms;
    int64_t base_version;    /* that its source had seen; 0: none */
    int64_t started_version; /* the highest that was ever started towards its source */
    bool owed;               /* deliveries to it are not finished, or were not when this was accepted */
    unsigned partition;
    int priority, status;
    enum event_type type;
    const char *type_name, *entity_id, *source, *targets, *tenant, *open_targets;
    bool expired;
    bool rested;   /* its record was not changed for ten minutes */
    bool braked;   /* its tenant's flow is paused */
    bool released; /* a person let it go: it does not count */
    const char *data; /* without the format byte; NULL when the format is not ours */
    size_t data_len;
    size_t row;    /* in the result: the record's columns are read when first needed */
    bool snapshot; /* a row of a backfill's page; then: */
    struct uuid backfill;
    int64_t snapshot_seq; /* merge.h */
    const char *held_by;  /* with commas: who needs no delivery when nothing is new */
    bool webhook;
    const char *history;  /* lines of earlier versions, as router_read.sql tells them; NULL: not needed */
    const char *audience; /* of the record before, with commas */
    bool decides;         /* a decision about what another event contested; then: */
    struct uuid contest;
    bool by_person;
    bool links; /* a step of a link; then: */
    struct uuid link;
    bool merged; /* its record was linked to another, by this link: */
    struct uuid merged_into, merging;
    bool under_link; /* the event's id belongs to a link: */
    struct uuid under;
    bool asserts;               /* makes a version whatever it changes */
    const struct json *origins; /* who said so once: link.h; NULL: this event does */
    const char *handed; /* fields delivered to its source shortly before, with commas; NULL: nothing was */
    const char
        *repairs; /* the named target lost or altered these fields of what it had; NULL: it is no repair */
};

void event_row_read(const struct db_result *result, size_t row, struct event_row *event);
void event_row_record(const struct db_result *result, size_t row, struct record *record); /* that there is */

/* What happens to one event of a batch. */
enum route_verdict {
    ROUTE_WRITE,  /* goes into the statement; then publishes `targets` */
    ROUTE_AGAIN,  /* was routed before: publishes `targets` only */
    ROUTE_HOLD,   /* its tenant is braked: off the belt, and nothing else */
    ROUTE_MOVE,   /* belongs to another record, and so perhaps to another partition */
    ROUTE_NOTHING /* finished */
};
struct decision {
    struct stage_item *item;
    enum route_verdict verdict;
    uint32_t targets; /* bit n: the n-th platform */
    bool contests;    /* the resolver has something to decide */
    struct uuid moved_to;
    bool binds; /* the id that it came under goes with it, by this link */
    struct uuid link;
};

/* A batch's rows for router_write.sql. */
struct routing;
struct routing_spec {
    const struct platform_set *platforms;
    struct policies *policies;
    const struct stage *stage;
    const char *writer;
    const uint8_t *lookup_key;
    int64_t partitions;
    const char *external_id; /* field by which users are bound, as by e-mail; "": none */
    bool by_email;
    int64_t brake_deletes, brake_percent, brake_changes; /* see conf_table.h */
    struct link_step *step; /* of the only event, when that is one of a link */
};
struct routing *routing_new(const struct routing_spec *spec);
void routing_free(struct routing **routing);
void routing_raise(const struct routing *routing,
                   struct alerts *alerts); /* hop_alerts.c; after it was written */
/* Two events of the batch are about this record: the versions between them are kept. */
void routing_expect(struct routing *routing, const struct uuid *record);
bool routing_meets_again(const struct routing *routing, const struct uuid *record);
/* Decides, and adds to the statement what is to be written. */
void route_event(struct routing *routing, const struct db_result *result, const struct event_row *event,
                 struct decision *decision);
/* The event and all its targets end as failed, for this reason. */
void route_refuse(struct routing *routing, const struct event_row *event, const char *why,
                  struct decision *decision);
size_t routing_count(const struct routing *routing); /* events to write */
/* The parameters of router_write.sql; routing keeps nothing of them. */
struct db_params *routing_params(struct routing *routing);
