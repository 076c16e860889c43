/* backlog_fixture.h: many events at once, for tests of what waits: through the API, or as rows that the router would have written. */
#pragma once
#include <stdint.h>

/* POST of events {user_created …}, 100 a request: `count` records named prefix0 …, of one entity ("user", "lead"). */
void backlog_post(const char *tenant, const char *prefix, const char *entity, const char *target, int count);
/* Waits until that many of the tenant are routed. */
void backlog_await_routed(const char *tenant, int count);
/* Rows of `count` events on records of `versions` versions each, routed and open for one target. */
void backlog_fill(const char *tenant, long count, long versions, const char *target);

int64_t backlog_delivered(const char *tenant, const char *target);
/* Of the tenant's events to the target: milliseconds from acceptance to the record of the delivery that 99 % do not exceed. */
int64_t backlog_p99_ms(const char *tenant, const char *target);
/* Until the last of them was delivered, since the first. */
int64_t backlog_span_ms(const char *tenant, const char *target);
/* References on the belt for a target. */
int64_t backlog_on_belt(const char *target);
