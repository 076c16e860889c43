/*
 * flow_tenants_in_turn.c: nobody waits for another tenant's backlog: not before the worker, not before the router, and not when
 * there are more tenants than one look at the tables takes.
 *
 * The platform takes 20 ms for an answer and gets ten at a time, so that A's backlog lasts for seconds, on every machine.
 */
#include <stdio.h>

#include "backlog_fixture.h"
#include "flow_fixture.h"

#define TARGET "coreldove"
#define WAITING ((int)flow_size(2000, 100000))
#define OF_B 100
#define CROWD 40 /* tenants: more than a turn takes */
#define OF_EACH 10
#define BIG 2000

/* One after the other, as a person's changes come. */
static void post_singly(const char *tenant)
{
    for (int i = 0; i < OF_B; i++)
        api_event_of(
            tenant,
            "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
            "\"" TARGET "\"],\"tenant_id\":\"%s\",\"data\":{\"id\":\"s%d\",\"email\":\"s@example.com\","
            "\"name\":\"S\"}}",
            tenant, i);
}

static void fill_for(const char *tenant, const char *stopped, int count)
{
    stack_stop(stopped);
    if (count > 5000)
        backlog_fill(tenant, count, 1, TARGET);
    else
        backlog_post(tenant, "a", "user", TARGET, count);
}

/* How many rows of the big tenant are older than the last one of the crowd's. */
static int64_t before_the_last_of_the_crowd(const char *table, const char *column)
{
    return sql_int(
        "SELECT count(*) FROM %s WHERE tenant_id = 'big' AND %s < (SELECT max(%s) FROM %s WHERE tenant_id "
        "LIKE 'crowd%%')",
        table, column, column, table);
}

START_TEST(a_tenant_does_not_wait_for_anothers_backlog)
{
    int64_t alone, beside;

    fake_control(TARGET, "{\"rules\":[{\"delay_ms\":20}]}");
    post_singly("B-alone");
    flow_wait(backlog_delivered("B-alone", TARGET) == OF_B, 20);
    alone = backlog_p99_ms("B-alone", TARGET);
    fill_for("A", "worker-" TARGET, WAITING);
    if (WAITING <= 5000)
        backlog_await_routed("A", WAITING);
    stack_start("worker-" TARGET);
    flow_wait(backlog_delivered("A", TARGET) > 20, 20);
    post_singly("B-beside");
    flow_wait(backlog_delivered("B-beside", TARGET) == OF_B, 20);
    beside = backlog_p99_ms("B-beside", TARGET);
    ck_assert_int_lt(backlog_delivered("A", TARGET), WAITING); /* it has lasted */
    printf("p99 of a tenant alone: %lld ms, beside one with %d waiting: %lld ms\n", (long long)alone, WAITING,
           (long long)beside);
    ck_assert_msg(beside <= 2 * alone + flow_size(250, 20) * flow_patience(), "alone %lld ms, beside %lld ms",
                  (long long)alone, (long long)beside);
}
END_TEST

/* All of it waits before the router, the big one's first; and so before the worker, whose turns go on from one run to the next. */
START_TEST(more_tenants_than_a_turn_takes_all_have_their_turn)
{
    int64_t before;

    sql_do("UPDATE deliveries SET state = 6 WHERE tenant_id = 'A' AND state = 0");
    stack_stop("router");
    stack_stop("worker-" TARGET);
    backlog_post("big", "b", "user", TARGET, BIG);
    for (int n = 0; n < CROWD; n++)
        backlog_post(api_text("crowd%02d", n), "c", "user", TARGET, OF_EACH);
    redis_line("FLUSHALL"); /* hints: what comes, comes from the tables */
    stack_start("router");
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE status = 0") == 0, 30);
    before = before_the_last_of_the_crowd("record_versions", "created_at");
    printf("%d events of %d tenants: routed after %lld of another's %d", CROWD * OF_EACH, CROWD,
           (long long)before, BIG);
    ck_assert_int_lt(before, BIG * 3 / 4);
    redis_line("FLUSHALL");
    stack_start("worker-" TARGET);
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE tenant_id LIKE 'crowd%%' AND state = 2") ==
                  CROWD * OF_EACH,
              30);
    before = before_the_last_of_the_crowd("deliveries", "processed_at");
    printf(", delivered after %lld\n", (long long)before);
    ck_assert_int_lt(before, BIG / 2);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"MAX_HTTP_CONNECTIONS=10", "SYNC_INTERVAL_SECONDS=1s", NULL};
    static const struct stack_options options = {
        .env = env, .replicas = "worker-bizosaas=0,worker-bizoholic=0,resolver=0,monitor=0"};

    return flow_run("tenants_in_turn", &options,
                    (const TTest *[]){a_tenant_does_not_wait_for_anothers_backlog,
                                      more_tenants_than_a_turn_takes_all_have_their_turn, NULL});
}
