/*
 * contests.h: what a batch contests and settles, as rows of sync_conflicts: one for each event that contested fields. A contest that
 * begins and ends in one batch is written with what is left of it.
 */
#pragma once
#include "rows.h"

struct contests;
struct contests *contests_new(void);
void contests_free(struct contests **contests);

void contests_begin(struct contests *contests, const struct event_row *event, const struct folded *folded,
                    const struct merge *merge);
/* Of what the merge settled: by a decision, or by a change that took it into its own contest, or had seen it all. */
void contests_settle(struct contests *contests, unsigned partition, const struct merge *merge, bool decided);
/* Fills the arrays of the statement. */
void contests_write(const struct contests *contests, struct routing *routing);
