/*
 * flow_handover.c: replicas share, and what one of them knows when PostgreSQL goes away it records on its return, before its partitions
 * go to another.
 */
#include <signal.h>

#include "flow_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""
#define EVENTS 24

static int64_t owned(const char *what)
{
    return sql_int("SELECT %s FROM leases WHERE stage = 'worker-coreldove' AND until > now()", what);
}

static int64_t seen(void)
{
    return sql_int(
        "SELECT count(*) FROM replicas WHERE stage = 'worker-coreldove' AND seen > now() - interval '2 s'");
}

static const char *post(size_t n)
{
    return api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_"
                     "platforms\":[\"coreldove\"]," TENANT
                     ",\"max_retries\":50,\"data\":{\"user_id\":\"known-%zu\",\"email\":\"e@example.com\","
                     "\"name\":\"n\"}}",
                     n);
}

/* The answers come while PostgreSQL is away, then the lease runs out, and another replica waits for its share. */
START_TEST(an_outcome_that_is_known_is_recorded_before_the_partition_is_given_back)
{
    const char *events[EVENTS];

    stack_kill("worker-coreldove");
    flow_wait(owned("count(DISTINCT owner)") == 1 && owned("count(*)") == 16, 20);
    fake_control("coreldove", "{\"rules\":[{\"delay_ms\":2500,\"times\":24}]}");
    for (size_t n = 0; n < EVENTS; n++)
        events[n] = post(n);
    flow_wait(fake_total("coreldove") == EVENTS, 10);
    stack_start("worker-coreldove");
    flow_wait(seen() == 2, 10);
    int lost = stack_log_count("worker-coreldove-2", "lease ran out");
    stack_kill("postgres");
    flow_wait(stack_log_count("worker-coreldove-2", "\"outcome\":\"delivered\"") >= EVENTS, 10);
    flow_wait(stack_log_count("worker-coreldove-2", "lease ran out") > lost, 20);
    /* The other one says first that it is there. */
    stack_signal("worker-coreldove-2", SIGSTOP);
    stack_start("postgres");
    flow_wait(seen() == 1, 10);
    stack_signal("worker-coreldove-2", SIGCONT);
    flow_wait(owned("count(DISTINCT owner)") == 2 && owned("count(*)") == 16, 20);
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE state IN (0, 1)") == 0, 20);
    for (size_t n = 0; n < EVENTS; n++)
        ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", events[n]), 1);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=300ms", "LEASE_SECONDS=4s", "SYNC_INTERVAL_SECONDS=1s",
                                      "MAX_CONCURRENT_SYNCS=100", NULL};
    static const struct stack_options options = {
        .env = env,
        .replicas = "worker-coreldove=2,worker-bizosaas=0,worker-bizoholic=0,resolver=0,monitor=0"};

    return flow_run(
        "handover", &options,
        (const TTest *[]){an_outcome_that_is_known_is_recorded_before_the_partition_is_given_back, NULL});
}
