/*
 * fake_fixture.h: the stack's fake platforms, asked and told through their own HTTP (tests/fake-platform/platform.h).
 *
 * Platforms by name: bizoholic, coreldove, bizosaas. Entries are as in GET /received: seq, time_us, method, path, status, fault,
 * headers, body. What is returned stays until the test program ends.
 */
#pragma once
#include <stdint.h>

#include "json.h"

const char *fake_url(const char *platform);
/* POST /control: {"strict":…,"ignore_lower_versions":…,"rules":[…]} (tests/fake-platform/faults.h); a failed test when refused. */
void fake_control(const char *platform, const char *json);
void fake_reset(const char *platform); /* no rules, nothing received, no records */

struct json *fake_received(const char *platform, int64_t after); /* the array, at most 10,000 entries after that seq */
struct json *fake_summary(const char *platform);                 /* total, duplicates, repeats, out_of_order, by_path, ... */
int64_t fake_total(const char *platform);
/* A record as the platform keeps it ({own_id, version, deleted, data, ...}); NULL when it has none. */
struct json *fake_record(const char *platform, const char *entity, const char *tenant, const char *id);

/* The n-th request (from 0) after seq `after` where the value at the JSON pointer is this text; NULL: not there (yet). */
struct json *fake_find(const char *platform, int64_t after, const char *pointer, const char *text, size_t n);
size_t fake_count(const char *platform, int64_t after, const char *pointer, const char *text);
/* A body, or an item of a bulk, without what each attempt draws anew (started_at): what the webhook-id is bound to. */
struct json *fake_content(const struct json *body);
/* Waits up to 10 s for it. */
struct json *fake_await(const char *platform, const char *pointer, const char *text);
struct json *fake_await_nth(const char *platform, const char *pointer, const char *text, size_t n);
