/* histogram.h: latencies in microseconds with an error below 1.6 %, in a fixed 15 KB. */
#pragma once
#include <stdint.h>

#include "buf.h"

#define HISTOGRAM_SUB 64 /* buckets per power of two */
#define HISTOGRAM_BUCKETS (HISTOGRAM_SUB * 30)

struct histogram {
    uint64_t count;
    int64_t sum, max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, int64_t value_us); /* negative counts as 0 */
int64_t histogram_quantile(const struct histogram *histogram, double q); /* upper edge of the bucket; 0 when empty */
/* {"count":…,"mean":…,"p50":…,"p95":…,"p99":…,"max":…} */
void histogram_json(const struct histogram *histogram, struct buf *out);
