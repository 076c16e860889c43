/* backfill_flow.c: see backfill_flow.h. */
#include "backfill_flow.h"

#define SECOND_US 1000000
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS 60000
#define PAUSE_FIRST_MS 60000
#define PAUSE_MOST_MS 900000

void backfill_pace_pay(struct backfill_pace *pace, size_t rows, int64_t now_us)
{
    int64_t from_us = pace->due_us < now_us - SECOND_US ? now_us - SECOND_US : pace->due_us;

    pace->due_us = from_us + (int64_t)(rows > 0 ? rows : 1) * SECOND_US / pace->rate;
}

int64_t backfill_pace_wait_us(const struct backfill_pace *pace, int64_t now_us)
{
    return pace->due_us > now_us ? pace->due_us - now_us : 0;
}

size_t backfill_pace_rows(const struct backfill_pace *pace, size_t most)
{
    return (uint64_t)pace->rate < most ? (size_t)pace->rate : most;
}

/* Doubling, drawn between half and the whole, so that jobs of one platform do not return together. */
static int64_t backoff_ms(int64_t failures, int64_t first_ms, int64_t most_ms, uint32_t random)
{
    int64_t wait_ms = first_ms;

    while (--failures > 0 && wait_ms < most_ms)
        wait_ms *= 2;
    wait_ms = wait_ms < most_ms ? wait_ms : most_ms;
    return wait_ms / 2 + (int64_t)(random % (uint64_t)(wait_ms / 2 + 1));
}

int64_t backfill_retry_ms(int64_t failures, uint32_t random)
{
    return backoff_ms(failures, RETRY_FIRST_MS, RETRY_MOST_MS, random);
}

int64_t backfill_pause_ms(int64_t failures, uint32_t random)
{
    return backoff_ms(failures, PAUSE_FIRST_MS, PAUSE_MOST_MS, random);
}
