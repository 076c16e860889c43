/*
 * worker.h: the modules of a worker: work (what is to be done for one record), reading (the rows for it), dispatch (which goes
 * next), send and bulk (what a request says), assertion (what may arrive late), shipment (one request in flight), verdict (what its answer does), ledger (outcomes
 * into PostgreSQL, then off the belt), worker (the turn that ties them together).
 *
 * Life of a work, one per record and target in this process:
 *
 *   queued ── read ──▶ reading ── rows ──▶ ready ── gate lets it ──▶ sending ── answer ──▶ recording ── committed ──▶ gone
 *     ▲                   │ nothing open, or one waits for its back-off: gone                              │
 *     └───────────────────┴──────────── a reference came meanwhile: look again ────────────────────────────┘
 *
 * Nothing durable is written before a send; what is in flight is memory, and PostgreSQL's rows stay open until an outcome.
 */
#pragma once
#include <stdint.h>
#include <sys/queue.h>

#include "alert.h"
#include "backoff.h"
#include "belt.h"
#include "bulk_answer.h"
#include "conf.h"
#include "credential.h"
#include "db.h"
#include "gate.h"
#include "json.h"
#include "lanes.h"
#include "map.h"
#include "mapping.h"
#include "outcome.h"
#include "parents.h"
#include "platform.h"
#include "policies.h"
#include "saleor.h"
#include "stage.h"
#include "store.h"
#include "transfer.h"

struct service;
struct worker;
struct shipment;
struct plan;
struct limits;
struct sharing;
struct share_demand;
struct verify;

enum work_state { WORK_QUEUED, WORK_READING, WORK_READY, WORK_SENDING, WORK_RECORDING };

/* One unfinished delivery of the work's record, oldest first. */
struct delivery {
    struct uuid event;
    int64_t seq, version, created_ms;
    int64_t lost_ms, overtook_ms; /* assertion.h; 0: nothing is lost */
    char *asserts;                /* it is an assertion: of these fields */
    int64_t asserts_from_ms;      /* it was not sent yet, and may be since then; 0: it was, or is none */
    int generation, attempts, sendings, max_retries;
    enum event_type type;
    enum priority priority;
    bool due; /* open, or its back-off is over */
    char *source, *user_id, *trace, *tenant, *entity_id;
};

struct work {
    TAILQ_ENTRY(work) link; /* of the lane or list of its state */
    struct lanes *lanes;    /* where it waits; NULL: nowhere */
    struct lane *lane;      /* there: its tenant's */
    struct work_list *list; /* of the lane */
    struct worker *worker;
    enum work_state state;
    struct uuid record; /* what orders it */
    unsigned partition;
    enum priority priority;
    bool fresh;           /* accepted a moment ago: it came as a hint, beside what has waited */
    enum event_type type; /* of its first reference: all of a record are about one entity */
    struct lanes *parked; /* queued there instead, for its rate; or NULL */
    bool woken;           /* was parked, and has a place now */
    bool again;           /* a reference came while it was in hand */
    bool lost;            /* the partition is no longer ours: recorded at most, never acknowledged */
    bool alone;           /* handed out often: handled by itself */
    char tenant[MSG_TENANT_MAX + 1];
    struct stage_item **items;
    size_t item_count;
    struct stage_item
        *next; /* of the references that came meanwhile: while it is held, so is the partition */
    /* as read */
    struct delivery *deliveries;
    size_t delivery_count;
    size_t lead; /* what is sent carries this one, and covers those before it */
    bool chosen; /* there is one to start: lead */
    bool has_record, record_deleted;
    int64_t record_version, certain_version, started_version, base_seq;
    struct uuid record_event, certain_event;
    char *record_entity_id, *platform_id, *platform_state;
    char *named_id;                   /* what the platform calls the record, where a link says so */
    struct json *data, *notes, *base; /* operational: data is the event's data */
    struct parents parents;           /* of an order: its customer and products, with their records */
    struct buf touched;               /* fields that are sent although base has the same value, with commas */
    int64_t record_lost_ms;           /* assertion.h: of deliveries that have ended, and what they carried */
    char *record_lost_fields;
    /* sending */
    enum verb verb;
    bool turned;        /* a create became an update, or the reverse */
    bool single;        /* goes by itself: a bulk left it without an answer */
    unsigned company;   /* at most so many together: it was in a bulk that was refused; 0: any number */
    struct plan *plan;  /* of what goes by GraphQL: plan.h */
    struct json *steps; /* done by an earlier sending, or known from the last delivery; or NULL */
    char *steps_done;   /* to be stored with the outcome */
    struct shipment *shipment; /* the request in flight that carries it, or NULL */
    int64_t began_ms;          /* database time; what the platform is told as started_at */
    int64_t lost_ms;           /* began then, and may still arrive; 0: none */
    /* outcome */
    enum delivery_state result;
    int64_t wait_ms;                          /* of BACKOFF, and of an assertion */
    char *asserts;                            /* DELIVERED, and to be asserted again: these fields */
    int64_t noted_lost_ms, noted_overtook_ms; /* of the delivery or, when it has ended, of the record */
    char *noted_fields;
    int http_status;
    int64_t duration_ms;
    int sent; /* transfers started for this outcome */
    char error[256];
    bool stripped;            /* of what PostgreSQL refused to store */
    char *learnt_id;          /* the platform's own id, from its answer */
    struct attempt *attempts; /* to be recorded, newest first */
};

/* One sending that was not a success at first try. */
struct attempt {
    struct attempt *next;
    int sending;
    int64_t began_ms, duration_ms;
    int http_status;
    bool costs;
    enum outcome_class class;
    char error[256];
    char *excerpt;
    size_t excerpt_len;
};

struct worker {
    struct service *service;
    struct conf *conf;
    struct store *store;
    struct policies *policies; /* main's: which fields are sent at all */
    struct stream *belt;
    struct stage *stage;
    struct belt_activity *activity;
    struct transfers *transfers;
    struct platform_set *platforms;
    const struct platform *platform;
    const char *name; /* of the platform */
    char stage_name[64];
    struct gate gate;
    struct sharing *sharing;   /* with the platform's other workers */
    int64_t ok_ms, told_ok_ms; /* last good answer, and the one that platform_status knows */
    struct backoff backoff;
    struct map *works; /* record id → work */
    struct lanes queued;
    struct lanes ready, singles, repeats; /* dispatch.h */
    struct lanes queries, mutations;      /* dispatch.h: by GraphQL */
    struct saleor_place place;            /* document.h */
    bool place_known, place_asked;
    unsigned
        document_max[2]; /* operations in one document of queries, of mutations: what the platform bore */
    unsigned document_good[2];     /* as large ones in a row, since one was too much */
    bool documents_last;           /* the last request was a document: REST is next */
    size_t plans;                  /* begun */
    struct platform_set **retired; /* plans may point into them */
    size_t retired_count;
    bool takes_bulk;
    struct bulk_rest bulk_rest;
    struct limits *limits;
    bool reading;
    unsigned repeats_in_flight;
    struct event *pump_timer;
    struct map *routes; /* path → struct paused_route */
    struct map *doubts; /* path → records that speak against it */
    struct ledger *ledger;
    struct alerts *alerts;
    struct verify *verify; /* verify.h */
    int64_t alerts_read_ms;
    int64_t failing_since_ms; /* the breaker is not closed; 0: it is */
    char breaker_reason[256];
    struct credential credential;
    struct stat *stat_outcome[8], *stat_duration, *stat_window, *stat_flight, *stat_state;
    void (*drained)(void *arg);
    void *drained_arg;
};

/* worker.c */
struct worker *worker_new(struct service *service, struct store *store, struct stream *belt,
                          struct platform_set *platforms, const char *platform);
void worker_free(struct worker **worker);
void worker_drain(struct worker *worker, void (*drained)(void *arg), void *arg);
int worker_reload(
    struct worker *worker,
    struct platform_set *platforms); /* takes the set; -1: it lacks this platform, nothing is taken */
void worker_pump_in(struct worker *worker, int64_t ms);
/* Records to read while fewer wait for the gate: what is read cannot be overtaken by what is fresh, so it is no more than goes out soon. */
size_t worker_ahead(const struct worker *worker);
void worker_lose(struct work *work); /* its partition is no longer ours */

/* reading.c: takes the next records from `queued`; they come back into `ready` or `repeats`. */
void worker_read_next(struct worker *worker);

/* work.c */
struct work *work_new(struct worker *worker, const struct stage_item *item);
void work_free(struct work *work);
void work_add_item(struct work *work, struct stage_item *item);
void work_drop_items(struct work *work);     /* back to the stage, not acknowledged */
void work_done_items(struct work *work);     /* acknowledged */
void work_forget_content(struct work *work); /* the documents: once nothing will be sent any more */
void work_forget_rows(struct work *work);
/* The work is over for now: acknowledged; looked at again when a reference came meanwhile, else freed. */
void work_finish(struct work *work);
/* The lead is closed, but not those behind it (each version is sent): their references stay in hand, the next one follows. */
void work_go_on(struct work *work);
/* Rows of worker_read.sql from `row` on that belong to one record: into the work; the first row behind them. */
size_t work_read_rows(struct work *work, const struct db_result *result, size_t row);
/* Versions that the next body needs: one row of worker_bases.sql each. */
struct version_params {
    struct db_array *base_record, *base_version, *base_event, *touched_record, *touched_event,
        *content_record, *content_version;
};
void work_ask_versions(const struct work *work, struct version_params *params);
void work_read_version(struct work *work, const struct db_result *result, size_t row);
void work_adapt(struct work *work); /* work_adapt.c: data and base become what this target is told */
/* Does the field wait for a person, so that nothing can be said of it? */
bool work_awaits(const struct work *work, const char *field);
void work_settle(struct work *work); /* everything is read: what will be called */
/* Which delivery to start: false when none is open, or one of them still waits. */
bool work_choose(struct work *work);
const struct delivery *work_lead(const struct work *work);

/* route_pause.c: routes that are at fault (credential, path, TLS) rest, and are probed by one delivery at a time. */
struct paused_route {
    char *path;
    char reason[256];
    int64_t until_ms;
    int64_t wait_ms;
    bool probing;
    bool everywhere; /* its fault is all routes' */
    bool told;       /* platform_status has it: when that has it no more, another replica got through */
    bool seen;
};
/* Why the route is paused; NULL: it is not, or that was read from PostgreSQL without a reason. */
const char *route_pause_reason(struct worker *worker, const char *path);
/* Milliseconds until the route may be tried; 0: now. */
int64_t route_pause_wait_ms(struct worker *worker, const char *path);
void route_pause_probe(struct worker *worker,
                       const char *path); /* a request starts: where the route was paused, as its probe */
void route_pause_go_on(struct worker *worker,
                       const char *path); /* the probe ended and told nothing about the route */
void route_pause(struct worker *worker, const char *path, const struct outcome *outcome);
/* An answer speaks against the route, if it is not the record's own trouble: true when enough records in a row say so. */
bool route_doubt(struct worker *worker, const char *path, const struct uuid *record);
void route_resume(struct worker *worker, const char *path);
void route_pauses_free(struct worker *worker);
void platform_status_write(struct worker *worker, const char *route, const char *state, const char *reason,
                           int64_t wait_ms);
void route_pauses_seen(struct worker *worker, const struct db_result *result); /* of a beat (sharing.h) */

/* ledger.c */
struct ledger *ledger_new(struct worker *worker);
void ledger_free(struct ledger **ledger);
void ledger_add(struct work *work); /* has its result: recorded with the next statement */
size_t ledger_waiting(const struct ledger *ledger);
bool ledger_holds(const struct ledger *ledger, unsigned partition); /* an outcome that is not recorded yet */
/* PostgreSQL was away, or refuses outcomes, and some of them still wait, or many do: they go first, nothing new starts meanwhile. */
bool ledger_is_behind(const struct ledger *ledger);
/* ledger_params.c: parameters of worker_outcome.sql. */
struct db_params *ledger_params(const struct worker *worker, const struct work_list *works);
/* What becomes of a delivery with the outcome: of those before the lead, does it close them with it? */
enum delivery_state ledger_state_of(const struct work *work, size_t index);

/* alert.c: what people must know about this platform. `cause` tells its alerts apart: "route /api/sync/user/create", "bulk".
 * One that is raised again while it is active is the same alert; raising and resolving again and again is cheap. */
void alert_raise(struct worker *worker, const char *cause, enum alert_level level, const char *title,
                 const char *message);
void alert_resolve(struct worker *worker, const char *cause, const char *note);
void alert_resolve_own(struct worker *worker, const char *cause,
                       const char *note); /* not what another replica still speaks of */
void alert_watch(struct worker *worker); /* with the heartbeat: the breaker, and what other replicas raised */

/* limit.c: rate_per_minute of the platform's file: a record takes its place in the minute before it is read. */
struct limits *limits_new(void);
void limits_set(struct worker *worker); /* from the file, at start and after a reload */
bool limit_lets(struct work *work);     /* false: parked until there is a place, or off the belt */
bool limit_lets_repeat(struct work *work);
void limit_return(struct work *work); /* the place was not used */
void limit_leave(struct work *work);  /* parked no more */
void limits_wake(struct worker *worker);
bool limits_wait(const struct worker *worker); /* something waits for a token */
/* For the beat (sharing.h): gives back what is not used, and asks; what was lent. */
size_t limits_ask(struct worker *worker, struct share_demand *demands);
void limits_lent(struct worker *worker, const struct share_demand *demands, size_t count, int64_t until_ms,
                 unsigned live);
void limits_release(struct worker *worker);
