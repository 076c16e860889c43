/*
 * parents_first.h: an order whose customer or product is still on its way to the platform waits for it.
 *
 *   read ── names no parents ───────────────────────────────────────────────▶ goes on
 *     └──── one statement: where are they? ── the platform has them, ───────▶ goes on
 *                    │                         or nothing of them is on its way, or PARENT_WAIT is over
 *                    └── on their way ──▶ backoff at no cost, 50 ms growing to 5 s ──▶ read again
 *
 * The time counts from the first time that the order would have gone, not from its acceptance: after an outage of ten minutes
 * customers still go out before their orders. It stands still while the platform's breaker is not closed.
 */
#pragma once
#include "worker.h"

/* Does the work's record name parents that must be looked at? Fills work->parents. Deletes wait for nobody. */
bool parents_first_find(struct work *work);

/* What becomes of a work whose parents were looked at. */
struct parents_first_ways {
    void (*go_on)(struct work *work);   /* work->parents have their true records */
    void (*go_back)(struct work *work); /* PostgreSQL did not answer: read again */
};
/* The works are in reading; those that wait end in the ledger, those that were lost meanwhile are finished. Copies `works`. */
void parents_first_read(struct worker *worker, struct work *const *works, size_t count,
                        const struct parents_first_ways *ways);
