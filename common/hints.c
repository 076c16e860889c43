/* hints.c: see hints.h. A bucket of tokens per tenant; who finds it empty builds a backlog up. */
#include "hints.h"

#include <string.h>

#include "map.h"
#include "mem.h"

#define TENANTS_MAX 4096 /* remembered; past it all are forgotten, and begin with a full bucket */
#define BURST 500
#define PER_SECOND 250
#define SHARE_MIN 20

struct bucket {
    int64_t at_ms;
    int64_t thousandths; /* of a token */
};

struct hints {
    struct map *buckets; /* tenant → struct bucket */
    int64_t window;
};

struct hints *hints_new(int64_t window)
{
    struct hints *hints = mem_alloc(sizeof *hints);

    hints->buckets = map_new();
    hints->window = window;
    return hints;
}

static void forget(struct hints *hints)
{
    struct map_iter iter = {0};
    void *value;

    while (map_next(hints->buckets, &iter, NULL, NULL, &value))
        free(value);
    map_free(&hints->buckets);
}

void hints_free(struct hints **hintsp)
{
    if (!*hintsp)
        return;
    forget(*hintsp);
    free(*hintsp);
    *hintsp = NULL;
}

static struct bucket *bucket_of(struct hints *hints, const char *tenant, int64_t now_ms)
{
    struct bucket *bucket = map_get(hints->buckets, tenant, strlen(tenant));

    if (bucket)
        return bucket;
    if (map_count(hints->buckets) >= TENANTS_MAX) {
        forget(hints);
        hints->buckets = map_new();
    }
    bucket = mem_alloc(sizeof *bucket);
    *bucket = (struct bucket){.at_ms = now_ms, .thousandths = BURST * 1000};
    map_put(hints->buckets, tenant, strlen(tenant), bucket);
    return bucket;
}

int64_t hints_share(int64_t window)
{
    return window / 8 > SHARE_MIN ? window / 8 : SHARE_MIN;
}

int64_t hints_limit(struct hints *hints, const char *tenant, int64_t now_ms)
{
    struct bucket *bucket = bucket_of(hints, tenant, now_ms);

    if (now_ms > bucket->at_ms)
        bucket->thousandths += (now_ms - bucket->at_ms) * PER_SECOND;
    bucket->at_ms = now_ms;
    if (bucket->thousandths > BURST * 1000)
        bucket->thousandths = BURST * 1000;
    if (bucket->thousandths < 1000)
        return hints_share(hints->window);
    bucket->thousandths -= 1000;
    return hints->window;
}
