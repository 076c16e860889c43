/*
 * flow_attempts.c: what was sent is recorded, whoever goes on with it (DESIGN §3: fences never refuse the record of an attempt), and
 * nobody goes on with it because of a message that came late.
 */
#include <signal.h>

#include "flow_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""

static int64_t recorded(const char *event, const char *outcome, const struct json *entry)
{
    return sql_int("SELECT count(*) FROM sync_results WHERE event_id = '%s' AND outcome = '%s' AND "
                   "(extract(epoch FROM at) * 1000)::bigint = %lld",
                   event, outcome, (long long)pick_int(entry, "/body/data/_sync_metadata/started_at"));
}

/* Both gave their sending the number 1. */
START_TEST(a_sending_whose_worker_lost_the_partition_is_recorded_beside_those_of_the_next_owner)
{
    stack_kill("worker-coreldove-2");
    fake_control("coreldove", "{\"rules\":[{\"match\":{\"id\":\"lost\"},\"action\":\"hang\",\"times\":1},"
                              "{\"match\":{\"id\":\"lost\"},\"status\":503,\"times\":1}]}");
    const char *event =
        api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\","
                  "\"target_platforms\":[\"coreldove\"]," TENANT
                  ",\"max_retries\":50,\"data\":{\"user_id\":\"lost\",\"email\":\"e@example.com\","
                  "\"name\":\"n\"}}");
    const struct json *first = fake_await("coreldove", "/body/event_id", event);

    stack_signal("worker-coreldove", SIGSTOP);
    stack_start("worker-coreldove-2");
    api_await(event, "completed");
    const struct json *second = fake_find("coreldove", 0, "/body/event_id", event, 1),
                      *third = fake_find("coreldove", 0, "/body/event_id", event, 2);
    stack_signal("worker-coreldove", SIGCONT);
    flow_wait(recorded(event, "unknown", first) == 1, 10);
    ck_assert_int_eq(recorded(event, "retry", second), 1);
    ck_assert_int_eq(recorded(event, "delivered", third), 1);
    ck_assert_int_eq(stack_log_count("worker-coreldove", "\"outcome\":\"unknown\""), 1);
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", event), 3);
    ck_assert_int_eq(sql_int("SELECT state FROM deliveries WHERE event_id = '%s'", event), 2);
}
END_TEST

/* ── a heartbeat that was held up ── */

/* How many partitions a replica takes with a beat, though PostgreSQL answered all that it noticed. */
static int64_t taken_by_beat(const char *owner)
{
    return sql_int("SELECT count(b.partition) FROM %s('worker-coreldove', '%s', 16, 1000, '{}', '{}', false, "
                   "2147483647, '{}') b",
                   sql_text("SELECT proname FROM pg_proc WHERE proname LIKE 'sync_lease_beat_%%'"), owner);
}

/* It waits in a connection that hangs, and arrives when leases have lapsed that nobody could renew. */
START_TEST(a_heartbeat_that_was_held_up_takes_nobodys_partitions)
{
    stack_kill("worker-coreldove");
    stack_kill("worker-coreldove-2");
    flow_wait(sql_int("SELECT count(*) FROM leases WHERE stage = 'worker-coreldove' AND until > now()") == 0,
              10);
    ck_assert_int_eq(taken_by_beat("late"), 0); /* its first */
    ck_assert_int_eq(sql_int("WITH u AS (UPDATE replicas SET seen = now() - interval '0.6 s' WHERE owner = "
                             "'late' RETURNING 1) SELECT count(*) FROM u"),
                     1);
    ck_assert_int_eq(taken_by_beat("late"), 0);
    flow_wait(taken_by_beat("late") > 0, 10); /* two beats in half a lease */
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=100ms", "LEASE_SECONDS=1s", "SYNC_INTERVAL_SECONDS=1s",
                                      NULL};
    static const struct stack_options options = {
        .env = env,
        .replicas = "worker-coreldove=2,worker-bizosaas=0,worker-bizoholic=0,resolver=0,monitor=0"};

    return flow_run("attempts", &options,
                    (const TTest *[]){
                        a_sending_whose_worker_lost_the_partition_is_recorded_beside_those_of_the_next_owner,
                        a_heartbeat_that_was_held_up_takes_nobodys_partitions, NULL});
}
