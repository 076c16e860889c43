/*
 * flow_backlog.c: a platform is away and a backlog builds up: it lies in PostgreSQL, the belt and the processes stay at their size,
 * the other platform does not notice. When the platform is back, what waited drains in order, versions that piled up go out as one,
 * and what is accepted meanwhile does not wait behind it.
 */
#include <stdio.h>

#include "backlog_fixture.h"
#include "flow_fixture.h"

#define AWAY "coreldove"
#define OTHER "bizosaas"
#define VERSIONS 10
#define WAITING flow_size(3000, 1000000)
#define FILLED flow_size(2000, 990000) /* of them as rows, the rest through the API */
#define PROBE 300                      /* events whose rate is measured */
#define BELT_MAX 2600                  /* references: what the hand takes, and what was on it before */

static const char *const processes[] = {"api-gateway", "router", "worker-" AWAY, "worker-" OTHER, "redis"};
static long before_kib[COUNT(processes)];

/* How fast the other platform gets what is posted. */
static int64_t time_other(const char *tenant)
{
    backlog_post(tenant, "p", "user", OTHER "\",\"" AWAY, PROBE);
    flow_wait(backlog_delivered(tenant, OTHER) == PROBE, 30);
    return sql_int(
        "SELECT (extract(epoch FROM max(d.processed_at) - min(e.created_at)) * 1000)::int8 FROM deliveries d "
        "JOIN sync_events e ON e.id = d.event_id WHERE d.tenant_id = '%s' AND d.target = '" OTHER "'",
        tenant);
}

static void check_sizes(void)
{
    for (size_t i = 0; i < COUNT(processes); i++) {
        long now = stack_rss_kib(processes[i]);
        printf("%s: %ld kB before, %ld kB with %ld waiting\n", processes[i], before_kib[i], now, WAITING);
        ck_assert_msg(now < before_kib[i] + 24 * 1024, "%s has grown from %ld to %ld kB", processes[i],
                      before_kib[i], now);
    }
}

START_TEST(a_backlog_lies_in_postgres_and_the_others_do_not_notice)
{
    int64_t before, during;

    time_other("warm");
    before = time_other("before");
    stack_kill("fake-platform-" AWAY);
    for (size_t i = 0; i < COUNT(processes); i++)
        before_kib[i] = stack_rss_kib(processes[i]);
    backlog_fill("filled", FILLED, VERSIONS, AWAY);
    backlog_post("posted", "w", "user", AWAY, (int)(WAITING - FILLED));
    backlog_await_routed("posted", (int)(WAITING - FILLED));
    flow_wait(sql_int("SELECT count(*) FROM platform_status WHERE platform = '" AWAY
                      "' AND route = '' AND state <> "
                      "'closed'") == 1,
              20);
    during = time_other("during");
    printf("%d events at the other platform: %lld ms before, %lld ms while %ld wait\n", PROBE,
           (long long)before, (long long)during, WAITING);
    ck_assert_msg(during < 2 * before + 1000 * flow_patience(), "%lld ms before, %lld ms beside a backlog",
                  (long long)before, (long long)during);
    ck_assert_int_ge(
        sql_int("SELECT sum(waiting + backoff) FROM stage_counts WHERE stage = 'worker-" AWAY "'"), WAITING);
    ck_assert_int_le(backlog_on_belt(AWAY), BELT_MAX);
    check_sizes();
}
END_TEST

START_TEST(it_drains_in_order_folded_and_beside_what_is_new)
{
    int64_t requests, began;

    stack_start("fake-platform-" AWAY);
    fake_control(AWAY, "{\"rules\":[{\"delay_ms\":20}]}");
    flow_wait(backlog_delivered("filled", AWAY) > 0, 60);
    began = clock_mono_ms();
    for (int i = 0; i < 50; i++) /* of a tenant that has a backlog itself */
        api_event_of(
            "filled",
            "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
            "[\"" AWAY "\"],\"tenant_id\":\"filled\",\"priority\":5,\"data\":{\"id\":\"new%d\","
            "\"email\":\"n@example.com\",\"name\":\"N\"}}",
            i);
    flow_wait(
        sql_int(
            "SELECT count(*) FROM deliveries d JOIN sync_events e ON e.id = d.event_id WHERE e.tenant_id = "
            "'filled' AND e.entity_id LIKE 'new%%' AND d.state = 2") == 50,
        10);
    ck_assert_int_lt(
        sql_int("SELECT (percentile_disc(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM d.processed_at - "
                "e.created_at)) * 1000)::int8 FROM deliveries d JOIN sync_events e ON e.id = d.event_id "
                "WHERE e.tenant_id = 'filled' AND e.entity_id LIKE 'new%%'"),
        (int64_t)(2000 * flow_patience()));
    flow_wait(sql_int("SELECT sum(waiting + backoff) FROM stage_counts WHERE stage = 'worker-" AWAY "'") == 0,
              30 + WAITING / 200);
    printf("drained within %lld ms\n", (long long)(clock_mono_ms() - began));
    requests = pick_int(fake_summary(AWAY), "/total");
    ck_assert_int_eq(pick_int(fake_summary(AWAY), "/out_of_order"), 0);
    ck_assert_int_eq(pick_int(fake_summary(AWAY), "/duplicates"), 0);
    ck_assert_int_eq(backlog_delivered("filled", AWAY), FILLED + 50);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE tenant_id = 'filled' AND state = 2"),
                     FILLED / VERSIONS + 50);
    printf("%lld requests for %ld events\n", (long long)requests, WAITING);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM deliveries d JOIN deliveries c ON c.event_id = d.covered_by AND "
                "c.target = d.target WHERE d.tenant_id = 'filled' AND d.state = 3 AND c.record_id = "
                "d.record_id AND c.version = %d",
                VERSIONS),
        FILLED - FILLED / VERSIONS);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=500ms", "FAKE_PLATFORM_OPTIONS=--keep 1000", NULL};
    static const struct stack_options options = {.env = env,
                                                 .replicas = "worker-bizoholic=0,resolver=0,monitor=0"};

    return flow_run("backlog", &options,
                    (const TTest *[]){a_backlog_lies_in_postgres_and_the_others_do_not_notice,
                                      it_drains_in_order_folded_and_beside_what_is_new, NULL});
}
