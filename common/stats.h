/*
 * stats.h: the metrics registry: counters, gauges and histograms kept on the path (I10), printed as Prometheus text.
 *
 * A service lists its metrics once in an X-macro table of rows with their help text:
 *   #define ROUTER_STATS(X) \
 *       X(routed, STATS_COUNTER, "sync_events_routed_total", "Events that were routed")
 * and registers each at start. Label pairs are given at registration ("platform=\"coreldove\",outcome=\"dead\"").
 */
#pragma once
#include <stdint.h>

#include "buf.h"

enum stats_kind { STATS_COUNTER, STATS_GAUGE, STATS_HISTOGRAM };
struct stat;

struct stat *stats_register(enum stats_kind kind, const char *name, const char *labels, const char *help); /* lives for ever */
void stats_add(struct stat *stat, int64_t delta);
void stats_set(struct stat *stat, int64_t value);
void stats_observe_us(struct stat *stat, int64_t us); /* histogram of seconds; buckets double from 0.5 ms to 65 s */
int64_t stats_value(const struct stat *stat);         /* of a counter or gauge; a histogram's count */
void stats_write(struct buf *out);                    /* text exposition format 0.0.4, with process_* basics */
/* Index of the latency bucket that sync_metrics rows use: 0 for <= 1 ms, doubling, STATS_BUCKETS - 1 for the rest. */
#define STATS_BUCKETS 18
unsigned stats_bucket(int64_t ms);
int64_t stats_bucket_limit_ms(unsigned bucket);       /* upper limit; the last has INT64_MAX */
