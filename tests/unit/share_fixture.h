/* share_fixture.h: what replicas tell each other of one platform, step by step, with time as a variable. */
#pragma once
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../worker/share.h"

#define START_MS INT64_C(50000000)
#define LIFE_MS 5000
#define WINDOW_MAX 100
#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

static struct share share;
static int64_t now;

static inline void begin(void)
{
    memset(&share, 0, sizeof share);
    now = START_MS;
}

static inline struct share_report report_of(const char *owner, unsigned need)
{
    return (struct share_report){.owner = owner,
                                 .life_ms = LIFE_MS,
                                 .need = need,
                                 .window_max = WINDOW_MAX,
                                 .window_start = 10,
                                 .news = {.state = share.breaker}};
}

static inline struct share_slice step(const char *owner, unsigned need)
{
    struct share_report report = report_of(owner, need);
    struct share_slice slice;

    share_step(&share, &report, now, &slice);
    return slice;
}

static inline struct share_slice probing(const char *owner)
{
    struct share_report report = report_of(owner, 1);
    struct share_slice slice;

    report.probes = true;
    report.news.state = GATE_HALF_OPEN;
    share_step(&share, &report, now, &slice);
    return slice;
}

static inline struct share_slice telling(const char *owner, struct gate_news news)
{
    struct share_report report = report_of(owner, 10);
    struct share_slice slice;

    report.news = news;
    share_step(&share, &report, now, &slice);
    return slice;
}

static inline int64_t tokens(const char *owner, int64_t per_minute, int64_t unused, int64_t want)
{
    struct share_demand demand = {.name = "user", .per_minute = per_minute, .unused = unused, .want = want};
    struct share_report report = report_of(owner, 1);
    struct share_slice slice;

    report.demands = &demand;
    report.demand_count = 1;
    share_step(&share, &report, now, &slice);
    return demand.granted;
}
