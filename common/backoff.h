/*
 * backoff.h: when a failed delivery is tried again; pure.
 *
 * RETRY_SCHEDULE is a list of waits ("2s,1m,15m,1h"); the last one repeats. Jitter draws between half and the whole wait
 * ("equal jitter", AWS Architecture Blog, Exponential Backoff And Jitter), so that what failed together does not return together.
 */
#pragma once
#include <stdint.h>

#define BACKOFF_STEPS_MAX 16
#define BACKOFF_RETRY_AFTER_MAX_MS 3600000

struct backoff {
    int64_t wait_ms[BACKOFF_STEPS_MAX];
    unsigned steps;
};

/* -1 and a sentence: not a list of spans, none, too many, or one of zero. */
int backoff_parse(struct backoff *backoff, const char *schedule, const char **why);
/* The wait before repeat number `repeat` (1 is the first). random: any 32 bits. */
int64_t backoff_wait_ms(const struct backoff *backoff, unsigned repeat, uint32_t random);
/* Retry-After: seconds or an HTTP date, at most an hour from now; -1: absent or unreadable. */
int64_t backoff_retry_after_ms(const char *value, int64_t now_ms);
