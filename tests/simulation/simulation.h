/*
 * simulation.h: one small world, driven by one seed, in which the real router, workers and resolver live. docs/simulation.md
 *
 *   platforms, with edits of their own ──▶ post.c ──▶ tables ──▶ belt ──▶ the real router, worker, resolver ──▶ network ──▶ platforms
 *
 * Real: everything in router/, worker/ and resolver/ but their mains and worker/sharing.c, and what they use of common/. Models, in
 * memory: db.h with the statements of common/sql (fake_db.c, tables*.c), stage.h and belt.h (belt.c), the loop's timers, clocks, the
 * network (fakes.c, network.c) and the platforms (platforms.c). What would break: a model that keeps a promise which the real thing
 * does not.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "db.h"
#include "json.h"
#include "msg.h"
#include "platform.h"
#include "policy.h"
#include "transfer.h"

#define SIDES 3 /* platforms */
#define RECORDS_MAX 4
#define STAGES (SIDES + 2)
#define PROCESSES (2 * STAGES)
#define STAGE_ROUTER SIDES
#define STAGE_RESOLVER (SIDES + 1)
#define ACKED_MAX 8
#define TENANT "acme"
#define EDITS_MAX 4096

/* ── chance ── */
extern uint64_t chance_word; /* of the step under way: all that is drawn in it comes from it */
uint64_t chance_next(void);
unsigned chance_below(unsigned limit);
bool chance_in(unsigned times); /* once in so many times */

/* ── tables.c: what PostgreSQL holds ── */
struct event_row_model {
    struct uuid id, contest;
    int record, priority, status, source; /* source: SIDES is the service */
    int64_t seq, base_version, created_ms, occurred_ms, version;
    enum event_type type;
    char *targets; /* with commas */
    char *data;    /* with its format byte */
    size_t data_len;
    bool webhook, decides, by_person;
    char *subject; /* what is said of it when a schedule is printed */
};
struct delivery_model {
    int event, target;
    int64_t seq, version, next_attempt_ms, lost_ms, overtook_ms;
    enum delivery_state state;
    int priority, attempts, sendings, generation, covered_by; /* -1: nobody */
    bool named, ended;
    char *asserts, *error;
};
struct version_model {
    int64_t version, seq, created_ms;
    int event, source;
    bool deleted;
    char *changed, *base64, *data; /* data: with its format byte */
    size_t data_len;
};
struct place_model { /* record_platforms */
    bool there;
    int64_t certain_version, started_version, lost_ms;
    int certain_event;
    const char *state;
    char *lost_fields;
    int64_t acked_version[ACKED_MAX], acked_ms[ACKED_MAX];
    unsigned acked;
};
struct record_model {
    struct uuid id;
    char entity_id[16];
    bool there, deleted;
    int64_t version;
    char *vector, *data, *notes, *audience;
    size_t data_len, notes_len;
    int event;
    struct version_model *versions;
    size_t version_count, version_cap;
    struct place_model places[SIDES];
    struct delivery_model *deliveries[SIDES];
    size_t delivery_count[SIDES], delivery_cap[SIDES],
        delivery_first[SIDES]; /* none before first is unfinished */
};
enum conflict_status {
    CONFLICT_OPEN,
    CONFLICT_DECIDING,
    CONFLICT_WAITING,
    CONFLICT_RESOLVED,
    CONFLICT_REPLACED
};
struct conflict_model {
    struct uuid id;
    int event, record;
    int64_t version;
    enum conflict_status status;
    char *open_fields, *detail;
    size_t detail_len;
};

/* ── processes ── */
struct process {
    int index, stage; /* stage: a side's worker, STAGE_ROUTER, STAGE_RESOLVER */
    bool dead;
    char instance[16];
    struct router *router;
    struct worker *worker;
    struct resolver *resolver;
    struct stage *own;
};

/* ── platforms.c: what a platform has of a record, in its own words ── */
struct copy_model {
    bool there;
    int64_t version; /* of the last delivery */
    bool overwritten; /* a delivery came over what was set there */
    struct json *data;
};
struct side_model {
    const struct platform *platform;
    int64_t clock_wrong_ms;
    bool dedupes, newest_only, tells_base, upserts, webhooks,
        closed; /* how it behaves; closed: it answers nothing but 503 */
    int64_t edited_until_ms;
    struct copy_model copies[RECORDS_MAX];
    char **seen; /* webhook-ids it has taken, where it dedupes */
    size_t seen_count, seen_cap;
};

struct options {
    uint64_t seed;
    unsigned records, steps;
    unsigned faults; /* FAULT_ bits */
};
#define FAULTS(X)                                                                                           \
    X(LOSS, "requests and answers are lost")                                                                \
    X(DELAY, "requests arrive late") X(REFUSALS, "platforms answer 500, 429, 404")                          \
        X(DATABASE, "statements whose outcome is not known") X(CRASH, "processes end") X(FLUSH, "FLUSHALL") \
            X(TAKEOVER, "partitions change hands") X(WEBHOOKS, "platforms tell what they were told")        \
                X(CLOCKS, "clocks wrong by hours") X(DELETES, "records are deleted")                        \
                    X(CONTENTION, "platforms edit the same records at once")
enum {
#define X(name, text) FAULT_##name##_PLACE,
    FAULTS(X)
#undef X
        FAULT_KINDS
};
enum {
#define X(name, text) FAULT_##name = 1 << FAULT_##name##_PLACE,
    FAULTS(X)
#undef X
};
extern const char *const fault_names[FAULT_KINDS];

struct world {
    struct options options;
    bool healing;
    int64_t now_ms; /* true time, also the database's */
    int64_t seq;
    uint32_t ids;
    struct event_row_model *events;
    size_t event_count, event_cap;
    struct conflict_model *conflicts;
    size_t conflict_count, conflict_cap;
    struct record_model records[RECORDS_MAX];
    struct side_model sides[SIDES];
    struct process *processes[PROCESSES];
    int owner[STAGES]; /* index of the process */
    int64_t fence[STAGES];
    uint64_t steps;
    unsigned edits;
    char *failure; /* NULL: none yet */
    FILE *trace;   /* NULL: nothing is told */
};
extern struct world world;
extern struct platform_set *the_platforms;
extern struct policy_set *the_policies;
extern struct conf the_conf;

/* The first failure of the world stays. `what` in a word or two names the broken promise; it is compared while shrinking. */
void fail(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tell(const char *format, ...) __attribute__((format(printf, 1, 2))); /* a line of the printed schedule */

void sim_uuid(struct uuid *uuid, uint32_t index); /* version 7 of now; index is found again by uuid_index */
uint32_t uuid_index(const struct uuid *uuid);
int side_index(const char *name, size_t len); /* SIDES: service or unknown */
const char *side_name(int side);

/* fake_db.c: values, and statements on their way */
struct cell {
    int64_t number;
    const char *text;
    size_t len;
    bool null;
};
struct db_array {
    enum db_type type;
    size_t count, cap;
    struct cell *cells;
};
struct db_params {
    struct db_array arrays[120];
    size_t count;
};
struct db_result {
    const char *const *names;
    int columns;
    size_t rows, cap;
    struct cell *cells;
    const char *sqlstate;
};
struct db_result *result_new(const char *const *names, int columns);
struct cell *result_row(struct db_result *result); /* all null */
void cell_int(struct cell *cell, int64_t value);
void cell_text(struct cell *cell, const char *text); /* kept by reference; NULL: null */
void cell_bytes(struct cell *cell, const char *bytes, size_t len);
void cell_uuid(struct cell *cell, const struct uuid *uuid); /* by reference */
bool db_step_execute(void);                                 /* false: nothing to do */
bool db_step_answer(void);
size_t db_in_flight(void);
void db_forget(const struct process *process);
void db_reset(void);

/* tables*.c */
void tables_reset(void);
struct db_result *tables_run(const char *sql, const struct db_params *params);
bool tables_hold(const struct db_params *params, size_t partitions_at); /* is the fence the stage's? */
int tables_add_event(const struct event_row_model *event);
int tables_event(const struct uuid *id); /* bug when there is none */
struct record_model *tables_record(const struct uuid *id);
struct db_result *router_read(const struct db_params *params);
struct db_result *router_write(const struct db_params *params);
struct db_result *worker_read(const struct db_params *params);
struct db_result *worker_bases(const struct db_params *params);
struct db_result *worker_outcome(const struct db_params *params);
struct db_result *resolver_read(const struct db_params *params);
struct db_result *resolver_write(const struct db_params *params);
char *bytes_copy(const void *bytes, size_t len);
/* Can the rows be started? As ready_*.sql. */
bool delivery_is_open(const struct delivery_model *delivery);
bool delivery_waits(const struct delivery_model *delivery);
bool delivery_is_early_assertion(const struct delivery_model *delivery);

/* belt.c: streams, stages, leases */
void belt_reset(void);
void belt_flush(void); /* FLUSHALL */
void belt_add(int stage, const struct ref *ref, enum priority priority);
bool belt_hand_out(int stage);
bool belt_repair(int stage); /* publishes what is ready */
bool belt_is_quiet(void);
void stage_give(int stage, struct process *process); /* the lease, under a new fence */
void stage_take(int stage);                          /* its owner is told that it lost it */

/* fakes.c: loop, clocks */
void timers_reset(void);
bool timers_fire(void);       /* one that is due */
int64_t timers_next_ms(void); /* INT64_MAX: none */
void timers_forget(const struct process *process);

/* network.c */
void network_reset(void);
bool network_arrive(void); /* a request reaches its platform */
bool network_answer(void);
int64_t network_next_ms(void);
size_t network_in_flight(void);
void network_forget(const struct process *process);

/* platforms.c */
void platforms_reset(void);
struct copy_model *platform_copy(int side, int record);
void platform_take(int side, const char *url, const char *webhook_id, const struct json *body, int *status);
/* post.c: edits, and how they reach the gateway */
void post_reset(void);
bool post_edit(void);
bool post_arrive(void);
int64_t post_deadline_ms(void); /* a post without a base is accepted before */
void post_webhook(int side, int record, bool deleted);
size_t post_in_flight(void);
bool post_person(void); /* decides what waits for a person */
bool post_retry_dead(void);

/* check.c */
void check_reset(void);
bool check_was_edited(int side, int record, const char *field, const struct json *value);
void check_edit(int side, int record, const char *field, const struct json *value);
void check_started(int side, int record, const char *verb, const char *webhook_id, int64_t version,
                   const struct json *data);
void check_version(const struct record_model *record, const struct event_row_model *event);
void check_contest(const struct record_model *record, const struct event_row_model *event, const char *detail,
                   size_t len);
void check_decision(const struct conflict_model *conflict, const char *data, size_t len);
void check_outcome(int target, const struct delivery_model *delivery, enum delivery_state state, int generation);
void check_routed(const struct event_row_model *event);
void check_at_rest(void);
/* check_contest.c */
struct json *check_parse(const char *bytes, size_t len); /* check.c: what stands behind the format byte; NULL: nothing */
const struct json *check_field(const struct json *detail, const char *field);

/* world.c */
void world_run(const struct options *options, const uint64_t *words, size_t count);
struct process *process_new(int index, int stage);
void process_end(struct process *process); /* as by SIGKILL */

/* heap.c */
void heap_mark(void);  /* what is there now stays */
void heap_reset(void); /* all since the mark is gone */
