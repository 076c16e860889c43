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
#define PILED flow_size(2000, 100000)   /* of the tenant "filled", VERSIONS of a record: as rows */
#define DISTINCT flow_size(500, 880000) /* of one version, as rows */
#define POSTED flow_size(500, 20000)    /* through the API */
#define WAITING (PILED + DISTINCT + POSTED)
#define EMPTY flow_size(0, 10000) /* how fast these drain when nothing else waits is measured */
#define PROBE 300                 /* events whose rate is measured */
#define ROWS_MAX 40               /* of sync_events, found for one of them */
#define BELT_MAX 2600             /* references: what the hand takes, and what was on it before */
#define DRAIN_S flow_size(60, 180)

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

/* Rows that were found there through an index: our statements have no other way, the counting of this test has. */
static int64_t rows_read(void)
{
    return sql_int("SELECT sum(idx_tup_fetch)::int8 FROM pg_stat_user_tables WHERE "
                   "relname ~ '^sync_events_2'");
}

static int64_t rows_updated(void)
{
    return sql_int("SELECT sum(n_tup_upd)::int8 FROM pg_stat_user_tables WHERE relname ~ '^sync_events_2'");
}

/* For the planner the tables are as large as when millions wait, and of their parents it knows nothing, as ever: autovacuum does
 * not look at those. What it would do then is seen here, too. */
static void pretend_millions(void)
{
    sql_do("ANALYZE deliveries, sync_events");
    sql_do("DELETE FROM pg_statistic WHERE starelid IN ('deliveries'::regclass, 'sync_events'::regclass)");
    sql_do("UPDATE pg_class SET reltuples = 10000000 WHERE relkind = 'r' AND relname ~ "
           "'^(sync_events|deliveries)_2' AND relpages > 0");
}

static int64_t time_beside_a_backlog(void)
{
    int64_t read, updated, took;

    if (!flow_size(0, 1))
        pretend_millions();
    read = rows_read();
    updated = rows_updated();
    took = time_other("during");
    flow_wait(rows_updated() - updated >= 2 * PROBE, 20); /* PostgreSQL has counted */
    read = rows_read() - read;
    printf("%lld rows were found for an event\n", (long long)read / PROBE);
    ck_assert_msg(read / PROBE <= ROWS_MAX || flow_size(0, 1), "%lld rows were found for %d events",
                  (long long)read, PROBE);
    return took;
}

static int64_t empty_rate(void)
{
    return EMPTY * 1000 / (backlog_span_ms("empty", AWAY) + 1);
}

/* In the promised size alone: on a machine with others on it a rate says nothing. */
static void time_empty(void)
{
    if (EMPTY == 0)
        return;
    fake_control(AWAY, "{\"rules\":[{\"delay_ms\":20}]}");
    stack_stop("worker-" AWAY);
    backlog_fill("empty", EMPTY, 1, AWAY);
    stack_start("worker-" AWAY);
    flow_wait(backlog_delivered("empty", AWAY) == EMPTY, 120);
    printf("nothing else waits: %lld events/s\n", (long long)empty_rate());
}

static int64_t waiting(void)
{
    return sql_int("SELECT sum(waiting + backoff)::int8 FROM stage_counts WHERE stage = 'worker-" AWAY "'");
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
    time_empty();
    before = time_other("before");
    stack_kill("fake-platform-" AWAY);
    for (size_t i = 0; i < COUNT(processes); i++)
        before_kib[i] = stack_rss_kib(processes[i]);
    backlog_fill("filled", PILED, VERSIONS, AWAY);
    backlog_fill("distinct", DISTINCT, 1, AWAY);
    backlog_post("posted", "w", "user", AWAY, (int)POSTED);
    backlog_await_routed("posted", (int)POSTED);
    flow_wait(sql_int("SELECT count(*) FROM platform_status WHERE platform = '" AWAY
                      "' AND route = '' AND state <> "
                      "'closed'") == 1,
              20);
    during = time_beside_a_backlog();
    printf("%d events at the other platform: %lld ms before (p99 %lld ms), %lld ms while %ld wait (p99 %lld "
           "ms)\n",
           PROBE, (long long)before, (long long)backlog_p99_ms("before", OTHER), (long long)during, WAITING,
           (long long)backlog_p99_ms("during", OTHER));
    ck_assert_msg(during < 2 * before + 1000 * flow_patience(), "%lld ms before, %lld ms beside a backlog",
                  (long long)before, (long long)during);
    ck_assert_int_ge(waiting(), WAITING);
    ck_assert_int_le(backlog_on_belt(AWAY), BELT_MAX);
    check_sizes();
}
END_TEST

/* All of it, or in the promised size for three minutes: at least four fifths as fast as if nothing else waited. */
static void drain(int64_t began)
{
    int64_t end = began + (int64_t)(DRAIN_S * 1000 * flow_patience()), left = waiting(), first = left;

    while (left > 0 && clock_mono_ms() < end) {
        usleep(flow_size(20000, 1000000));
        left = waiting();
    }
    int64_t took = clock_mono_ms() - began;
    printf("%lld of %ld left after %lld ms, %lld events/s\n", (long long)left, WAITING, (long long)took,
           (long long)((first - left) * 1000 / (took + 1)));
    if (EMPTY == 0)
        ck_assert_int_eq(left, 0);
    else
        ck_assert_int_ge((first - left) * 1000 / (took + 1), empty_rate() * 4 / 5);
}

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
    drain(began);
    flow_wait(backlog_delivered("filled", AWAY) == PILED + 50, 60);
    requests = pick_int(fake_summary(AWAY), "/total");
    ck_assert_int_eq(pick_int(fake_summary(AWAY), "/out_of_order"), 0);
    ck_assert_int_eq(pick_int(fake_summary(AWAY), "/duplicates"), 0);
    ck_assert_int_eq(backlog_delivered("filled", AWAY), PILED + 50);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE tenant_id = 'filled' AND state = 2"),
                     PILED / VERSIONS + 50);
    printf("%lld requests for %ld events\n", (long long)requests, WAITING);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM deliveries d JOIN deliveries c ON c.event_id = d.covered_by AND "
                "c.target = d.target WHERE d.tenant_id = 'filled' AND d.state = 3 AND c.record_id = "
                "d.record_id AND c.version = %d",
                VERSIONS),
        PILED - PILED / VERSIONS);
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
