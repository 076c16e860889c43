/* backoff.c: see backoff.h. */
#include "backoff.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "timefmt.h"

int backoff_parse(struct backoff *backoff, const char *schedule, const char **why)
{
    char word[32];

    memset(backoff, 0, sizeof *backoff);
    for (const char *at = schedule; *at;) {
        size_t len = strcspn(at, ",");
        while (len > 0 && isspace((unsigned char)*at))
            at++, len--;
        *why = "RETRY_SCHEDULE must be spans such as 2s,1m,15m,1h: at most 16, each above zero";
        if (len == 0 || len >= sizeof word || backoff->steps == BACKOFF_STEPS_MAX)
            return -1;
        snprintf(word, sizeof word, "%.*s", (int)len, at);
        if (timefmt_parse_span(word, &backoff->wait_ms[backoff->steps]) != 0 ||
            backoff->wait_ms[backoff->steps] <= 0)
            return -1;
        backoff->steps++;
        at += len;
        at += *at == ',';
    }
    *why = "RETRY_SCHEDULE is empty: give spans such as 2s,1m,15m,1h";
    return backoff->steps > 0 ? 0 : -1;
}

int64_t backoff_wait_ms(const struct backoff *backoff, unsigned repeat, uint32_t random)
{
    unsigned step = repeat == 0 ? 0 : repeat - 1;
    int64_t whole = backoff->wait_ms[step < backoff->steps ? step : backoff->steps - 1];

    int64_t half = whole / 2;

    return whole - half + (int64_t)((double)random / 4294967296.0 * (double)(half + 1));
}

int64_t backoff_retry_after_ms(const char *value, int64_t now_ms)
{
    int64_t ms;

    if (!value || !*value)
        return -1;
    if (strspn(value, "0123456789") == strlen(value)) {
        if (strlen(value) > 9)
            return BACKOFF_RETRY_AFTER_MAX_MS;
        ms = strtoll(value, NULL, 10) * 1000;
    } else if (timefmt_parse_http_date(value, &ms) == 0) {
        ms -= now_ms;
    } else {
        return -1;
    }
    if (ms < 0)
        return 0;
    return ms < BACKOFF_RETRY_AFTER_MAX_MS ? ms : BACKOFF_RETRY_AFTER_MAX_MS;
}
