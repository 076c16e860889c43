/* proof_impl.h: what the files of proof share. */
#pragma once
#include "attempts.h"
#include "proof.h"
#include "proof_edits.h"
#include "store.h"

enum { OUTCOME_OPEN, OUTCOME_BACKOFF, OUTCOME_DELIVERED, OUTCOME_SUPERSEDED, OUTCOME_SKIPPED, OUTCOME_DEAD };

/* A row of deliveries. */
struct outcome {
    char event[40], target[16], covered_by[40];
    int state, attempts, sendings, generation;
    int64_t version, seq;
    char error[120];
};

/* The longest of its kind. */
struct pause {
    int64_t from_us, lasted_us;
};

struct finding {
    size_t count;
    struct buf lines;
};

/* X(name, why something was sent again under its webhook-id) */
#define REASONS(X)                                                          \
    X(REFUSED, "the platform had answered that it did not take it")         \
    X(BROKEN, "the platform's answer was broken off, or none")              \
    X(ROUTE, "the connection was cut or held up")                           \
    X(KILLED, "its worker was killed")                                      \
    X(STOPPED, "its worker was stopped for longer than its lease")          \
    X(LEASE, "its worker had no PostgreSQL to renew its lease with")        \
    X(TIMEOUT, "the answer took longer than REQUEST_TIMEOUT, by itself")
enum reason {
#define X(name, text) REASON_##name,
    REASONS(X)
#undef X
    REASON_COUNT
};

enum { ASSERTED_UNKNOWN, ASSERTED_HANDS, ASSERTED_COUNT };

struct proof {
    struct ledger *ledger;
    struct edits *edits; /* NULL: the load is the ledger's */
    struct proof_edits edit_counts;
    const void *waiting; /* for proof_edits_wait */
    const struct strikes *strikes;
    struct receipts *receipts;
    struct attempts *attempts;
    int64_t began_us;
    struct finding findings[CHECK_COUNT];
    struct outcome *outcomes;
    size_t outcome_count;
    struct map *by_delivery; /* "event.target" → struct outcome */
    size_t delivered, superseded, skipped, dead, unknown_taken, changed_nothing;
    size_t records_compared, fields_left_out;
    size_t late, starts, again[REASON_COUNT], asserted[ASSERTED_COUNT];
    struct pause stall, platform_stalls[PLATFORMS], refusal, recoveries[FAULT_KIND_COUNT];
};

struct outcome *proof_outcome(const struct proof *proof, const char *event, const char *target);
void proof_read_outcomes(struct proof *proof);
bool proof_arrived(const struct proof *proof, const struct outcome *outcome); /* did the platform answer well? */
/* Where the chain of covers ends: a delivery that was delivered, skipped or dead; NULL: nowhere. */
const struct outcome *proof_cover(const struct proof *proof, const struct outcome *outcome);
double proof_second(const struct proof *proof, int64_t time_us); /* of the run */

void proof_accepted(struct proof *proof); /* proof_accepted.c: what was accepted is stored, once and in order */
void proof_outcomes(struct proof *proof); /* proof_outcomes.c: each accepted event has an end that is true */
void proof_statuses(struct proof *proof); /* and its status says so, as does what operators see */
void proof_receipts(struct proof *proof); /* proof_receipts.c: nothing else arrived, under its own id, with one content */
void proof_order(struct proof *proof);    /* proof_order.c: versions started in order, one after the other */
void proof_records(struct proof *proof);  /* proof_records.c: records agree everywhere */
void proof_belt(struct proof *proof);     /* proof.c: nothing is left, the counts agree */
void proof_pace(struct proof *proof);     /* proof_pace.c: how long nothing moved */
void proof_pace_write(const struct proof *proof, FILE *out);
/* proof_again.c: why was it sent again between the two? A reason, or -1; `why` gets what is known. */
int proof_again(const struct proof *proof, const struct receipt *first, const struct receipt *again, enum check *check,
                char *why, size_t why_size);
/* proof_asserted.c: why was a version asserted again? For the first receipt under the assertion's id. */
void proof_asserted(struct proof *proof, const struct receipt *assertion);
/* Which fault of these kinds (bits) struck the object, or a replica of it, at any time between. */
#define BIT(kind) (1u << FAULT_##kind)
#define BROKEN_KINDS (BIT(CUT) | BIT(STALL) | BIT(HOLD) | BIT(DELAY) | BIT(CUT_AFTER) | BIT(REFUSE))
bool proof_struck(const struct proof *proof, const char *object, unsigned kinds, int64_t from_us, int64_t to_us);
