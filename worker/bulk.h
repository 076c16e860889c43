/*
 * bulk.h: REST deliveries many at a time, where the platform's file says bulk or SYNC_BULK_PLATFORMS names it. DESIGN §5, "Bulk".
 *
 *   ready works ──▶ one bulk, when it is full or nothing else is ready ──▶ answer
 *     item delivered, dead, again later …     as for a single call
 *     item that was to change its verb        ready again, in the next bulk
 *     item unknown, or the route's fault      ready again, alone (work->single)
 *     the whole refused                       ready again, at most half as many together (work->company)
 *     no bulk there                           ready again, alone; bulks rest
 *
 * Repeats go alone: what spoils a bulk spoils the others' chances once only.
 */
#pragma once
#include "worker.h"

/* SYNC_BULK_PLATFORMS names platforms: -1 and a sentence when it does not. */
int bulk_check(const struct conf *conf, const struct platform_set *platforms, struct buf *errors);
/* The platform's file or the configuration changed. */
void bulk_configure(struct worker *worker);
/* May what is ready leave in bulks now? */
bool bulk_is_open(const struct worker *worker);
/* Gathers a bulk that begins with this work and starts it; fewer than one request when all of them are concluded without. */
void bulk_start(struct work *first);
