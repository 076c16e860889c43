/* rate.c: see rate.h. */
#include "rate.h"

#define MINUTE_US ((60000 + RATE_LENT_MS) * INT64_C(1000))

static int64_t bucket_of(const struct rate *rate)
{
    return rate->per_minute >= 20 ? rate->per_minute / 10 : 1;
}

/* Between two tokens: a minute brings what the bucket does not hold. One a minute is one a minute. */
static int64_t interval_us(const struct rate *rate)
{
    int64_t refill = rate->per_minute - bucket_of(rate);

    return MINUTE_US / (refill > 0 ? refill : 1);
}

static int64_t missing_us(const struct rate *rate, int64_t now_ms)
{
    int64_t missing = rate->full_us - now_ms * 1000;

    return missing > 0 ? missing : 0;
}

void rate_set(struct rate *rate, int64_t per_minute, int64_t now_ms)
{
    struct rate old = *rate;

    if (old.per_minute == per_minute)
        return;
    rate->per_minute = per_minute;
    if (old.per_minute > 0 && per_minute > 0)
        rate->full_us = now_ms * 1000 + missing_us(&old, now_ms) / interval_us(&old) * interval_us(rate);
}

int64_t rate_tokens(const struct rate *rate, int64_t now_ms)
{
    int64_t interval;

    if (rate->per_minute == 0)
        return INT64_MAX;
    interval = interval_us(rate);
    int64_t taken = (missing_us(rate, now_ms) + interval - 1) / interval;
    return taken < bucket_of(rate) ? bucket_of(rate) - taken : 0;
}

int64_t rate_wait_ms(const struct rate *rate, int64_t now_ms)
{
    int64_t wait_us;

    if (rate->per_minute == 0)
        return 0;
    wait_us = missing_us(rate, now_ms) - (bucket_of(rate) - 1) * interval_us(rate);
    return wait_us > 0 ? (wait_us + 999) / 1000 : 0;
}

void rate_take(struct rate *rate, int64_t tokens, int64_t now_ms)
{
    if (rate->per_minute > 0 && tokens > 0)
        rate->full_us = now_ms * 1000 + missing_us(rate, now_ms) + tokens * interval_us(rate);
}

void rate_return(struct rate *rate, int64_t tokens)
{
    if (rate->per_minute > 0)
        rate->full_us -= tokens * interval_us(rate);
}
