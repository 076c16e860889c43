/*
 * dispatch.h: which work goes next, once it has been read. By the way that it goes:
 *
 *   ready     its first sending, by REST: singly, or in bulks where the platform takes them
 *   singles   by REST and by itself: what a bulk left without an answer, what was handed out often
 *   repeats   by REST, sent before: at most a tenth of the window
 *   queries, mutations   by GraphQL, by what their plans ask next (plan.h)
 *
 * The ledger has them afterwards; what comes back (the other verb, half of a bulk) stands at the head of its lane.
 */
#pragma once
#include "worker.h"

void dispatch_init(struct worker *worker);
void dispatch_add(struct work *work);   /* was read, has something to send */
void dispatch_again(struct work *work); /* goes next, before those that wait */
struct work *dispatch_next(
    struct worker *worker); /* the next one of `ready`, in this worker's partitions; NULL: none */
struct work *dispatch_take(struct lanes *lanes);
size_t dispatch_waiting(const struct worker *worker);
/* Starts what the gate lets. */
void dispatch_start(struct worker *worker);
/* Everything that waits leaves the belt; its rows stay open. */
void dispatch_release(struct worker *worker);
