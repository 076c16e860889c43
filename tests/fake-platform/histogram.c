/* histogram.c: buckets that are linear inside each power of two; a wrong edge would falsify every latency printed. */
#include "histogram.h"

#include <inttypes.h>

/* Values below HISTOGRAM_SUB have a bucket each; above, the top six bits below the leading one choose it. */
static unsigned bucket_of(uint64_t value)
{
    unsigned shift, bucket;

    if (value < HISTOGRAM_SUB)
        return (unsigned)value;
    shift = 63 - (unsigned)__builtin_clzll(value) - 6;
    bucket = HISTOGRAM_SUB * (shift + 1) + (unsigned)(value >> shift) - HISTOGRAM_SUB;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static int64_t upper_edge(unsigned bucket)
{
    unsigned shift;

    if (bucket < HISTOGRAM_SUB)
        return bucket;
    shift = bucket / HISTOGRAM_SUB - 1;
    return (int64_t)((((uint64_t)(bucket % HISTOGRAM_SUB) + HISTOGRAM_SUB + 1) << shift) - 1);
}

void histogram_add(struct histogram *histogram, int64_t value_us)
{
    if (value_us < 0)
        value_us = 0;
    histogram->buckets[bucket_of((uint64_t)value_us)]++;
    histogram->count++;
    histogram->sum += value_us;
    if (value_us > histogram->max)
        histogram->max = value_us;
}

int64_t histogram_quantile(const struct histogram *histogram, double q)
{
    uint64_t wanted = (uint64_t)(q * (double)histogram->count + 0.9999999), sum = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sum += histogram->buckets[i];
        if (sum && sum >= wanted)
            return upper_edge(i) < histogram->max ? upper_edge(i) : histogram->max;
    }
    return histogram->max;
}

void histogram_json(const struct histogram *histogram, struct buf *out)
{
    buf_addf(out,
             "{\"count\":%" PRIu64 ",\"mean\":%" PRId64 ",\"p50\":%" PRId64 ",\"p95\":%" PRId64
             ",\"p99\":%" PRId64 ",\"max\":%" PRId64 "}",
             histogram->count, histogram->count ? histogram->sum / (int64_t)histogram->count : 0,
             histogram_quantile(histogram, 0.5), histogram_quantile(histogram, 0.95),
             histogram_quantile(histogram, 0.99), histogram->max);
}
