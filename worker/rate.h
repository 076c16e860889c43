/*
 * rate.h: so many requests a minute, and no more in any minute; pure: time is an argument.
 *
 * A token bucket: a tenth of the minute's requests may start at once, the others come back evenly, so that bucket and refill of
 * a minute together are what was asked for. Kept as one time (the generic cell rate algorithm, ITU-T I.371): when the bucket
 * would be full again. A token may be used up to RATE_LENT_MS after it was taken: the minute is longer by that.
 */
#pragma once
#include <stdint.h>

#define RATE_LENT_MS 1000

struct rate {
    int64_t per_minute; /* 0: no limit */
    int64_t full_us;    /* when the bucket is full again */
};

/* Changes the limit; what was taken stays taken. */
void rate_set(struct rate *rate, int64_t per_minute, int64_t now_ms);
int64_t rate_tokens(const struct rate *rate, int64_t now_ms); /* how many may start now */
int64_t rate_wait_ms(const struct rate *rate, int64_t now_ms); /* until one may; 0: now */
void rate_take(struct rate *rate, int64_t tokens, int64_t now_ms);
void rate_return(struct rate *rate, int64_t tokens); /* that were taken and not used */
