/*
 * plan.h: a work that goes by GraphQL: a short list of operations, one after the other (common/saleor.h).
 *
 *   dispatch_add ──▶ due ── plan_next: an operation ──▶ in a document, in flight ── its part of the answer ──▶ over: concluded
 *                     ▲                                                                        │
 *                     └──────────────────────────── go on ─────────────────────────────────────┘
 *
 * Between two operations the work is ready again, at the head of its lane; nothing is written meanwhile. What was done is stored
 * with the outcome (deliveries.steps, record_platforms.steps), so that the next sending goes on there. A process that dies in
 * between leaves nothing: the look-up at the beginning finds what is there already.
 */
#pragma once
#include "saleor.h"
#include "worker.h"

/* Does this work's entity go by GraphQL? */
bool plan_takes(const struct work *work);
/* The next operation; NULL: there is none, and the work is concluded. The place must be known. */
const struct saleor_operation *plan_next(struct work *work);
/* Its part of an answer to that operation. GO_ON: there is another one. */
enum saleor_verdict plan_answer(struct work *work, const struct graphql_answer *answer, size_t part);
enum saleor_verdict plan_refused(struct work *work, const char *why); /* the operation can never be taken */
const char *plan_why(const struct work *work);
/* Of a plan that was begun: is its next operation a mutation? */
bool plan_mutates(const struct work *work);
/* The steps done so far, to be stored with the outcome: called when the work is concluded. */
void plan_keep_steps(struct work *work);
void plan_free(struct work *work); /* nothing when there is none */

/* A platform set that plans may still point into: freed with the last of them. */
void plan_retire_set(struct worker *worker, struct platform_set *set);
