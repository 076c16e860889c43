/* timefmt.h: RFC 3339 in and out; milliseconds since 1970 UTC inside. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define TIMEFMT_LEN 24 /* 2026-01-31T12:34:56.789Z */
void timefmt_rfc3339(int64_t unix_ms, char text[TIMEFMT_LEN + 1]);
int timefmt_parse(const char *text, size_t len, int64_t *unix_ms); /* RFC 3339 with offset; also a space for T; -1 otherwise */
int timefmt_parse_http_date(const char *text, int64_t *unix_ms);   /* RFC 9110 §5.6.7, all three forms */
int timefmt_parse_span(const char *text, int64_t *ms);             /* "250ms" "2s" "1m" "1h" "3d", plain number = seconds */
