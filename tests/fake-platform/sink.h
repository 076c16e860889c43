/*
 * sink.h: what `--sink` keeps of the deliveries: counters, no bodies.
 *
 * The load generator numbers its events ("bench_n") and stamps them ("sent_us", wall clock in microseconds) inside `data`;
 * the sink finds both by scanning, so that it costs little of the two cores that it shares with what is measured.
 */
#pragma once
#include "http.h"

struct sink;
struct sink *sink_new(const char *platform);
void sink_free(struct sink **sink);
/*
 * GET /stats?first=N&count=M      counters; `missing` is of the events numbered N … N+M-1
 * GET /missing?first=N&count=M    {"missing":[…]}, at most 100,000 numbers
 * DELETE /stats                   starts at zero
 * anything else                   is a delivery
 */
void sink_request(struct http_conn *conn, const struct http_request *request, void *arg); /* arg: the sink */
