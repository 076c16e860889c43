/*
 * flow_isolation.c: records that answer 500, and wait long for their next attempt, do not slow the healthy ones of the same tenant
 * and partitions: those are delivered as fast as if all were healthy.
 *
 * The platform takes 10 ms for an answer, so that what is compared is the service's doing and not the machine's. Both kinds wait
 * before the worker starts; the time counts from the first delivery to the last.
 */
#include <stdio.h>

#include "backlog_fixture.h"
#include "flow_fixture.h"

#define TARGET "bizosaas"
#define EACH ((int)flow_size(1500, 10000))
#define TURN 50 /* of each kind, by turns; far more failures in a row are an outage (gate.h) */
#define ROUNDS 2

/* Half of the records are leads, which fail when they are sick. */
static int64_t time_healthy(const char *tenant, bool sick)
{
    const char *rules = sick ? "{\"rules\":[{\"match\":{\"entity\":\"lead\"},\"status\":500,\"delay_ms\":10},"
                               "{\"delay_ms\":10}]}"
                             : "{\"rules\":[{\"delay_ms\":10}]}";

    stack_stop("worker-" TARGET);
    fake_control(TARGET, rules);
    for (int part = 0; part < EACH / TURN; part++) {
        backlog_post(tenant, api_text("u%d-", part), "user", TARGET, TURN);
        backlog_post(tenant, api_text("l%d-", part), "lead", TARGET, TURN);
    }
    backlog_await_routed(tenant, 2 * EACH);
    stack_start("worker-" TARGET);
    flow_wait(backlog_delivered(tenant, TARGET) == (sick ? EACH : 2 * EACH), 20 + EACH / 20);
    return backlog_span_ms(tenant, TARGET);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

START_TEST(records_that_fail_and_wait_do_not_slow_the_healthy_ones)
{
    int64_t healthy = INT64_MAX, sick = INT64_MAX, backoff, bound;

    for (int round = 0; round < ROUNDS; round++) {
        healthy = smaller(healthy, time_healthy(api_text("healthy%d", round), false));
        sick = smaller(sick, time_healthy(api_text("sick%d", round), true));
    }
    backoff = sql_int("SELECT count(*) FROM deliveries WHERE state = 1");
    bound = flow_size(healthy * 16 / 10 + 300, healthy * 11 / 10);
    printf("%d healthy records: beside as many healthy ones %lld ms, beside failing ones %lld ms\n", EACH,
           (long long)healthy, (long long)sick);
    ck_assert_int_eq(backoff, (int64_t)ROUNDS * EACH);
    ck_assert_msg(sick <= bound, "beside healthy ones %lld ms, beside failing ones %lld ms",
                  (long long)healthy, (long long)sick);
}
END_TEST

/* Their back-off ends all at once: repeats get a tenth of the window, and what comes meanwhile does not wait for them. */
START_TEST(repeats_that_come_due_together_do_not_hold_up_what_is_new)
{
    sql_do("UPDATE deliveries SET next_attempt_at = now() WHERE state = 1");
    backlog_post("fresh", "f", "user", TARGET, 100);
    flow_wait(backlog_delivered("fresh", TARGET) == 100, 10);
    ck_assert_int_gt(sql_int("SELECT count(*) FROM deliveries WHERE state = 1 AND sendings = 1"), 0);
    printf("beside %d repeats that are due: p99 %lld ms\n", ROUNDS * EACH,
           (long long)backlog_p99_ms("fresh", TARGET));
    ck_assert_int_lt(backlog_p99_ms("fresh", TARGET), (int64_t)(2000 * flow_patience()));
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=20m", NULL};
    static const struct stack_options options = {
        .env = env, .replicas = "worker-coreldove=0,worker-bizoholic=0,resolver=0,monitor=0"};

    return flow_run("isolation", &options,
                    (const TTest *[]){records_that_fail_and_wait_do_not_slow_the_healthy_ones,
                                      repeats_that_come_due_together_do_not_hold_up_what_is_new, NULL});
}
