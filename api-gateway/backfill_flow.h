/*
 * backfill_flow.h: how fast a first sync may go, and how long it waits after a failure; pure.
 *
 * Rows are paid for after they came: a page moves the time of the next by its rows over the rate, counted from when it was due,
 * so that slow answers do not lower the rate; but not from further back than a second, so that a long wait is no licence to rush.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct backfill_pace {
    int64_t rate;   /* rows a second */
    int64_t due_us; /* of the next page, monotonic */
};

void backfill_pace_pay(struct backfill_pace *pace, size_t rows, int64_t now_us);
int64_t backfill_pace_wait_us(const struct backfill_pace *pace, int64_t now_us);
/* Rows to ask for: a second's worth, within what the source gives at once. */
size_t backfill_pace_rows(const struct backfill_pace *pace, size_t most);
/* After the n-th failure in a row, n from 1: of what passes by itself, and of what a person should look at. random: any 32 bits. */
int64_t backfill_retry_ms(int64_t failures, uint32_t random);
int64_t backfill_pause_ms(int64_t failures, uint32_t random);
