/* rows.h: a batch's rows for router_write.sql, and the records that the batch has touched so far; of route.c and rows.c. */
#pragma once
#include "lookup.h"
#include "router.h"

struct contests;
struct history;

/* A record touched by this batch. Owner: routing->records. */
struct folded {
    struct uuid id;
    unsigned partition;
    enum entity entity;
    char *tenant, *entity_id;
    struct record record;
    struct uuid event; /* made the newest version */
    bool changed;
    uint32_t addressed; /* by this batch: bit n is the n-th platform */
    char *audience;       /* platforms ever named for it, with commas */
    struct history *made; /* the versions that this batch made: history.h */
    bool was_there, rested; /* before the batch; not deleted, and not changed for ten minutes */
    bool counts;            /* for the brake: a platform did it, just now */
};

struct routing {
    struct routing_spec spec; /* what it points to is lent */
    struct map *records;
    struct map *expected; /* record → how many events of the batch are about it, as a pointer */
    struct contests *contests;
    struct json *hops; /* array of {"tenant","platform","entity","field"}: people are told of them */
    size_t events;
    struct db_params *params;
    struct {
        struct db_array *id, *partition, *status, *version, *entity_id, *open, *dead, *error;
    } event;
    struct {
        struct db_array *id, *partition, *tenant, *type, *entity_id, *version, *vector, *deleted, *data,
            *notes, *event, *email_hash, *audience, *external_hash;
    } record;
    struct {
        struct db_array *delta, *kind;
    } brake; /* beside record */
    struct {
        struct db_array *record, *partition, *event, *version, *seq, *deleted, *tenant, *source, *changed,
            *data, *page;
    } version;
    struct {
        struct db_array *event, *target, *record, *partition, *seq, *version, *priority, *state, *tenant,
            *error, *named, *asserts;
    } delivery;
    struct {
        struct db_array *id, *record, *partition, *event, *tenant, *type, *entity_id, *kind, *fields, *detail,
            *version, *open;
    } conflict;
    struct {
        struct db_array *event, *partition, *fields, *status;
    } settled;
    struct {
        struct db_array *job, *partition;
    } unchanged;
    struct {
        struct db_array *link, *partition, *kind, *next, *version, *body, *notes;
    } step_row;
    struct {
        struct db_params *params; /* of router_bind.sql; NULL: there are none */
        struct db_array *event, *partition, *tenant, *platform, *entity_id, *record, *email, *external, *link;
    } fresh;
};

/* route.c: the record as this batch has it so far. */
struct folded *route_fold(struct routing *routing, const struct db_result *result,
                          const struct event_row *event);
/* source: NULL for the service's own changes. */
void route_merge(struct routing *routing, const struct db_result *result, const struct event_row *event,
                 const struct platform *source, const struct json *common, struct decision *decision);
/* What changed nothing goes nowhere. */
void route_skip(struct routing *routing, const struct event_row *event, const struct folded *folded,
                const char *why, struct decision *decision);

void routing_add_event(struct routing *routing, const struct event_row *event, enum event_status status,
                       int64_t version, const char *entity_id, int open, int dead, const char *error);
void routing_add_version(struct routing *routing, const struct event_row *event, const struct folded *folded,
                         const struct merge *merge);
struct delivery_row {
    const char *target;
    int64_t version;
    enum delivery_state state;
    bool named;
    const char *error; /* NULL: none */
    const char *
        asserts; /* fields, with commas, that go whatever the target is thought to have; "*" for all; NULL: none */
};
void routing_add_delivery(struct routing *routing, const struct event_row *event,
                          const struct delivery_row *delivery);
/* A row of a backfill changed nothing, and nobody gets it. */
void routing_add_unchanged(struct routing *routing, const struct event_row *event);
/* What look-ups go through: -1 when the data has none. */
int rows_email_hash(const struct routing *routing, const char *tenant, const struct json *data,
                    uint8_t hash[LOOKUP_HASH_LEN]);
int rows_external_hash(const struct routing *routing, const char *tenant, const struct json *data,
                       uint8_t hash[LOOKUP_HASH_LEN]);
/* A field of this event's record was stopped: hops.h. */
void routing_tell_hop(struct routing *routing, const struct event_row *event, enum entity entity,
                      const char *field);
/* A body: the format byte, and the text. */
void rows_add_body(struct db_array *array, const struct json *json);
