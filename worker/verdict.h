/*
 * verdict.h: what an answer does to the works that it is about: the gate learns, the attempt is kept, one log line, and the
 * outcome's consequence. The same for a single call, an item of a bulk and a step of a GraphQL plan.
 */
#pragma once
#include "worker.h"

/* One work's part of an answer. */
struct verdict {
    struct work *work;
    struct answer answer; /* in a bulk: the item's own status and text */
    struct outcome outcome;
    bool singly; /* told nothing for sure: the work goes again, by itself (bulk.c) */
};

/* The gate and the route's pause learn how a request ended, once for all its works. Where the platform counts as failing the
 * verdicts cost nothing afterwards. */
void verdict_tell(struct worker *worker, const char *path, const struct answer *whole,
                  struct verdict *verdicts, size_t count);
/* Attempt, log line, counters. */
void verdict_note(struct verdict *verdict);
/* verdict_note, and then: delivered, again later, the other verb, dead … */
void verdict_carry_out(struct verdict *verdict, const char *path);

/* The work has its result: to the ledger. */
void verdict_conclude(struct work *work, enum delivery_state result, const char *error);
/* Not sent: its route is resting for so long. */
void verdict_wait_for_route(struct work *work, const char *path, int64_t wait_ms);
/* In hand with attempts behind it, and nothing more may start now: looked at again soon. */
void verdict_put_off(struct work *work);
/* The partition was lost while it was on its way: only the attempt is recorded. */
void verdict_lost(struct work *work, bool reached);
void verdict_learn(struct work *work, const char *id); /* the platform's own id of the record */
