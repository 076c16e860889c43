/* proof_impl.h: what the files of proof share. */
#pragma once
#include "proof.h"
#include "store.h"

/* A row of deliveries. */
struct outcome {
    char event[40], target[16], covered_by[40];
    int state, generation, sendings;
    int64_t version, seq;
    char error[120];
};

struct finding {
    struct finding *next;
    char kind[64];
    size_t count;
    struct buf lines;
};

enum duplicate_reason { DUPLICATE_ANSWER, DUPLICATE_CRASH, DUPLICATE_PAUSE, DUPLICATE_CUT, DUPLICATE_REASONS };

struct proof {
    struct ledger *ledger;
    const struct strikes *strikes;
    struct receipts *receipts;
    int64_t began_us;
    struct finding *findings;
    struct outcome *outcomes;
    size_t outcome_count;
    struct map *by_delivery; /* "event.target" → struct outcome */
    size_t delivered, superseded, skipped, dead, parked, unknown_taken, changed_nothing, records_compared, records_left_out;
    size_t late, duplicates[DUPLICATE_REASONS];
    int64_t stall_us, stall_at_us;
};

struct outcome *proof_outcome(const struct proof *proof, const char *event, const char *target);
double proof_second(const struct proof *proof, int64_t time_us); /* of the run */

void proof_accepted(struct proof *proof);   /* proof_accepted.c: what was accepted is stored, once and in order */
void proof_outcomes(struct proof *proof);   /* proof_outcomes.c: each accepted event has an end that is true */
void proof_receipts(struct proof *proof);   /* proof_receipts.c: nothing else arrived, repetitions are explained, order holds */
void proof_records(struct proof *proof);    /* proof_records.c: records agree everywhere */
void proof_belt(struct proof *proof);       /* proof.c: nothing is left, the counts agree */
