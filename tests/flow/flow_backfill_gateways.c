/* flow_backfill_gateways.c: two gateways share first syncs, and one that dies leaves its own to the other. */
#include <signal.h>
#include <stdlib.h>

#include "backfill_fixture.h"
#include "flow_fixture.h"

static const char *const gateways[] = {"api-gateway", "api-gateway-2"};

/* Which of the two runs the job: its instance is host:pid:start. -1: nobody. */
static int owner_of(const char *id)
{
    const char *owner = sql_text("SELECT split_part(owner, ':', 2) FROM backfill_jobs WHERE id = '%s'", id);

    for (int i = 0; owner && i < 2; i++)
        if (stack_running(gateways[i]) && strtol(owner, NULL, 10) == (long)stack_pid(gateways[i]))
            return i;
    return -1;
}

static int64_t read_by(const char *id)
{
    return sql_int("SELECT read FROM backfill_jobs WHERE id = '%s'", id);
}

static int64_t taken_up(const char *id)
{
    const char *line = api_text("\"first sync taken up\",\"job\":\"%s\"", id);

    return stack_log_count(gateways[0], line) + stack_log_count(gateways[1], line);
}

static void all_arrived_once(const char *tenant, const char *id, int count)
{
    flow_wait(sql_int("SELECT count(*) FROM backfill_jobs WHERE id = '%s' AND state = 'done'", id) == 1, 30);
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE backfill = '%s' AND status IN (0, 1)", id) == 0,
              30);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE backfill = '%s'", id), count);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE tenant_id = '%s' AND state = 2", tenant),
                     2 * count);
    ck_assert_int_eq(sql_int("SELECT read FROM backfill_jobs WHERE id = '%s'", id), count);
    ck_assert_int_eq(backfill_kept("bizosaas", "user", tenant), count);
    ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/tenant_id", tenant), (size_t)count);
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/tenant_id", tenant), (size_t)count);
}

START_TEST(of_two_gateways_one_runs_it)
{
    const char *tenant = "two", *id;

    backfill_preload(tenant, "user", 400);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":200}");
    all_arrived_once(tenant, id, 400);
    ck_assert_int_eq(taken_up(id), 1);
}
END_TEST

START_TEST(a_gateway_that_dies_leaves_its_job_to_the_other_and_nothing_comes_twice)
{
    const char *tenant = "dies", *id;
    int64_t read, before = clock_mono_ms();
    int owner = -1;

    backfill_preload(tenant, "user", 900);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":300}");
    flow_wait(read_by(id) >= 300 && (owner = owner_of(id)) >= 0, 20);
    stack_kill(gateways[owner]);
    before = clock_mono_ms();
    read = read_by(id);
    flow_wait(read_by(id) > read, 20);
    ck_assert_int_eq(owner_of(id), 1 - owner);
    ck_assert_msg(clock_mono_ms() - before < 8000 * flow_patience(), "taken over after %lld ms",
                  (long long)(clock_mono_ms() - before));
    all_arrived_once(tenant, id, 900);
    ck_assert_int_eq(taken_up(id), 2);
    stack_start(gateways[owner]);
}
END_TEST

START_TEST(a_gateway_that_is_told_to_end_hands_its_job_over_at_once)
{
    const char *tenant = "ends", *id;
    int64_t began;
    int owner = -1;

    backfill_preload(tenant, "user", 700);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":200}");
    flow_wait(read_by(id) >= 200 && (owner = owner_of(id)) >= 0, 20);
    began = clock_mono_ms();
    stack_stop(gateways[owner]);
    flow_wait(owner_of(id) == 1 - owner, 20);
    ck_assert_msg(clock_mono_ms() - began < 4000 * flow_patience(), "after %lld ms",
                  (long long)(clock_mono_ms() - began));
    stack_start(gateways[owner]);
    all_arrived_once(tenant, id, 700);
}
END_TEST

START_TEST(a_gateway_that_was_frozen_finds_its_job_taken_and_lets_go)
{
    const char *tenant = "frozen", *id;
    int owner = -1;

    backfill_preload(tenant, "user", 900);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":200}");
    flow_wait(read_by(id) >= 200 && (owner = owner_of(id)) >= 0, 20);
    stack_signal(gateways[owner], SIGSTOP);
    flow_wait(owner_of(id) == 1 - owner, 20);
    stack_signal(gateways[owner], SIGCONT);
    all_arrived_once(tenant, id, 900);
}
END_TEST

START_TEST(it_goes_on_after_postgresql_was_away)
{
    const char *tenant = "away", *id;

    backfill_preload(tenant, "user", 700);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":200}");
    flow_wait(read_by(id) >= 200, 20);
    stack_kill("postgres");
    stack_start("postgres");
    flow_wait(sql_int("SELECT count(*) FROM backfill_jobs WHERE id = '%s' AND state = 'done'", id) == 1, 40);
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE backfill = '%s' AND status IN (0, 1)", id) == 0,
              30);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE backfill = '%s'", id), 700);
    ck_assert_int_eq(backfill_kept("bizosaas", "user", tenant), 700);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"LEASE_SECONDS=3s", NULL};

    return flow_run("backfill_gateways", &(struct stack_options){.env = env, .replicas = "api-gateway=2"},
                    (const TTest *[]){of_two_gateways_one_runs_it,
                                      a_gateway_that_dies_leaves_its_job_to_the_other_and_nothing_comes_twice,
                                      a_gateway_that_is_told_to_end_hands_its_job_over_at_once,
                                      a_gateway_that_was_frozen_finds_its_job_taken_and_lets_go,
                                      it_goes_on_after_postgresql_was_away, NULL});
}
