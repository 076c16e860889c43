/* flow_queues.c: what syncctl queues and leases say is what stands in PostgreSQL and in Redis; one of them away hides no more than
 * its half. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_fixture.h"
#include "flow_fixture.h"

#define WAITING 40

static const char *const priorities[] = {"critical", "high", "normal", "low"};

static const struct json *stage_of(const struct json *queues, const char *name)
{
    const struct json *stages = json_get(queues, "stages");

    for (size_t i = 0; i < json_count(stages); i++)
        if (strcmp(pick_text(json_at(stages, i), "/stage"), name) == 0)
            return json_at(stages, i);
    ck_abort_msg("stage %s is missing: %s", name, pick_print(queues));
}

static void post_many(const char *target, int count)
{
    for (int i = 0; i < count; i++)
        api_event(
            "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":[\"%s\"]"
            ","
            "\"priority\":%d,\"data\":{\"user_id\":\"q%s%d\",\"email\":\"e@example.com\",\"name\":\"N\"}}",
            target, i % 2 ? 1 : 8, target, i);
}

static int64_t on_belt(const char *target, const char *priority)
{
    int64_t size = 0;

    for (int p = 0; p < 16; p++)
        size += redis_number("SCARD on:deliver:%s:%s:{p%02d}", target, priority, p);
    return size;
}

/* ── queues ── */

START_TEST(what_waits_and_what_is_on_the_belt_is_what_the_stores_say)
{
    stack_stop("worker-bizosaas");
    post_many("bizosaas", WAITING);
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE target = 'bizosaas' AND state = 0") == WAITING,
              10);
    flow_wait(on_belt("bizosaas", "critical") + on_belt("bizosaas", "low") == WAITING, 10);
    const struct json *queues = ctl_json("queues --json"), *stage = stage_of(queues, "worker-bizosaas");

    ck_assert_int_eq(pick_int(stage, "/waiting"), WAITING);
    for (size_t i = 0; i < COUNT(priorities); i++)
        ck_assert_int_eq(pick_int(stage, api_text("/on_belt/%s", priorities[i])),
                         on_belt("bizosaas", priorities[i]));
    ck_assert_int_eq(pick_int(stage, "/on_belt/critical"), WAITING / 2);
    ck_assert_int_eq(pick_int(stage, "/owners"), 0);
    ck_assert_int_eq(pick_int(stage, "/held"), 0);
    ck_assert_ptr_nonnull(pick_text(stage, "/oldest"));
    pick_check(stage_of(queues, "router"), "/waiting", "0");
    pick_check(stage_of(queues, "router"), "/owners", "1");
    pick_check(stage_of(queues, "router"), "/held", "16");
    ck_assert(!pick_text(stage_of(queues, "router"), "/oldest"));
    ctl_says(ctl("queues"), "0/16");
    stack_start("worker-bizosaas");
    flow_wait(pick_int(stage_of(ctl_json("queues --json"), "worker-bizosaas"), "/waiting") == 0, 15);
    flow_wait(pick_int(stage_of(ctl_json("queues --json"), "worker-bizosaas"), "/held") == 16, 15);
}
END_TEST

START_TEST(back_off_pauses_alerts_and_parked_entries_are_shown)
{
    fake_control("coreldove", "{\"rules\":[{\"match\":{\"id\":\"qcoreldove0\"},\"status\":500},"
                              "{\"match\":{\"path\":\"/api/sync/lead/create\"},\"status\":401}]}");
    post_many("coreldove", 1);
    api_event("{\"event_type\":\"lead_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
              "\"coreldove\"],"
              "\"data\":{\"id\":\"qlead\",\"email\":\"l@example.com\",\"status\":\"new\"}}");
    redis_line("XADD events:low:{p07} * hello world");
    flow_wait(sql_int("SELECT count(*) FROM sync_errors") == 1, 10);
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE target = 'coreldove' AND state = 1") >= 1, 10);
    flow_wait(sql_int("SELECT count(*) FROM platform_status WHERE state = 'paused' AND until > now()") >= 1,
              10);
    flow_wait(sql_int("SELECT count(*) FROM sync_alerts WHERE status <> 'resolved'") >= 1, 10);
    const struct json *queues = ctl_json("queues --json"), *stage = stage_of(queues, "worker-coreldove");
    ck_assert_int_eq(pick_int(stage, "/backoff"),
                     sql_int("SELECT sum(backoff) FROM stage_counts WHERE stage = 'worker-coreldove'"));
    ck_assert_int_ge(pick_int(stage, "/backoff"), 1);
    pick_check(queues, "/parked", "1");
    ck_assert_int_eq(pick_int(queues, "/alerts_open"),
                     sql_int("SELECT count(*) FROM sync_alerts WHERE status <> 'resolved'"));
    const struct ctl_answer *table = ctl("queues");
    ctl_says(table, "PostgreSQL up, Redis up");
    ctl_says(table, "paused");
    ctl_says(table, sql_text("SELECT reason FROM platform_status WHERE state = 'paused' LIMIT 1"));
    ctl_says(table, "alerts: ");
    ctl_says(table, "parked entries of the belt: 1: syncctl dead list");
    fake_control("coreldove", "{\"rules\":[]}");
}
END_TEST

/* ── leases ── */

START_TEST(leases_name_the_owner_and_judge_the_copy_in_redis)
{
    const struct json *leases = ctl_json("leases --stage router --json");

    ck_assert_uint_eq(json_count(leases), 16);
    for (int p = 0; p < 16; p++) {
        const struct json *lease = json_at(leases, (size_t)p);
        ck_assert_int_eq(pick_int(lease, "/partition"), p);
        pick_check(lease, "/owner",
                   sql_text("SELECT owner FROM leases WHERE stage = 'router' AND partition = %d", p));
        pick_check(lease, "/fence", redis_line("HGET owner:router:{p%02d} fence", p));
        pick_check(lease, "/redis/verdict", "agrees");
        pick_equal(lease, "/alive", "true");
    }
    stack_stop("resolver"); /* nobody puts its copies right */
    redis_line("HSET owner:resolver:{p00} fence 999999");
    redis_line("HSET owner:resolver:{p01} fence 0");
    redis_line("DEL owner:resolver:{p02}");
    leases = ctl_json("leases --stage=resolver --json");
    pick_check(leases, "/0/redis/verdict", "higher");
    pick_check(leases, "/1/redis/verdict", "lower");
    pick_check(leases, "/2/redis/verdict", "absent");
    pick_check(leases, "/3/redis/verdict", "agrees");
    ck_assert(!pick_text(leases, "/0/owner"));
    ctl_says(ctl("leases --stage resolver"), "higher: 999999");
    ctl_says(ctl("leases --stage resolver"), "free");
    redis_line("DEL owner:resolver:{p00}");
    stack_start("resolver");
    ck_assert_int_eq(ctl("leases --stage nobody")->status, 1);
}
END_TEST

START_TEST(the_lease_of_a_killed_owner_is_shown_as_lapsed)
{
    stack_kill("router");
    flow_wait(strstr(ctl("leases --stage router")->text, "lapsed") != NULL, 15);
    pick_equal(ctl_json("leases --stage router --json"), "/0/alive", "false");
    pick_check(stage_of(ctl_json("queues --json"), "router"), "/owners", "0");
    stack_start("router");
    flow_wait(strstr(ctl("leases --stage router")->text, "lapsed") == NULL, 15);
}
END_TEST

/* ── one of the stores away ── */

START_TEST(without_redis_the_other_half_is_shown_and_the_exit_code_is_1)
{
    stack_stop("redis");
    const struct ctl_answer *queues = ctl("queues"), *json = ctl("queues --json"),
                            *leases = ctl("leases --stage router");
    stack_start("redis");

    ck_assert_int_eq(queues->status, 1);
    ctl_says(queues, "PostgreSQL up, Redis FAILS");
    ctl_says(queues, "16/16");
    ck_assert_ptr_nonnull(strstr(queues->said, "Redis cannot be reached"));
    const struct json *all = pick_parse(json->text, strlen(json->text));
    pick_equal(all, "/redis/up", "false");
    pick_equal(all, "/postgresql/up", "true");
    ck_assert(pick_there(stage_of(all, "router"), "/waiting") &&
              !pick_there(stage_of(all, "router"), "/on_belt"));
    ck_assert_int_eq(leases->status, 1);
    ctl_says(leases, "router");
    flow_wait(ctl("queues")->status == 0, 10);
}
END_TEST

START_TEST(without_postgresql_the_other_half_is_shown_and_the_exit_code_is_1)
{
    stack_stop("postgres");
    const struct ctl_answer *queues = ctl("queues"), *json = ctl("queues --json"),
                            *leases = ctl("leases --stage router"), *dead = ctl("dead list"),
                            *replay = ctl("dead replay some-id");
    stack_start("postgres");

    ck_assert_int_eq(queues->status, 1);
    ctl_says(queues, "PostgreSQL FAILS, Redis up");
    ck_assert_ptr_nonnull(strstr(queues->said, "PostgreSQL cannot be reached"));
    const struct json *all = pick_parse(json->text, strlen(json->text));
    pick_equal(all, "/postgresql/up", "false");
    pick_check(stage_of(all, "worker-coreldove"), "/on_belt/low", "0");
    ck_assert(!pick_there(stage_of(all, "router"), "/waiting") && !pick_there(all, "/alerts"));
    ck_assert_int_eq(leases->status, 1);
    ctl_says(leases, "not compared");
    ck_assert_int_eq(dead->status, 1);
    ck_assert_str_eq(dead->text, "");
    ck_assert_int_eq(replay->status, 1);
    flow_wait(ctl("queues")->status == 0, 20);
}
END_TEST

START_TEST(a_password_is_never_said)
{
    ctl_env("DATABASE_URL", "postgresql://u:hush-hush@127.0.0.1:1/nothing");
    ctl_env("REDIS_URL", "redis://u:hush-hush@127.0.0.1:1/0");
    const struct ctl_answer *queues = ctl("queues"), *json = ctl("queues --json");

    ck_assert_int_eq(queues->status, 1);
    ctl_says(queues, "PostgreSQL FAILS, Redis FAILS");
    ctl_says(queues, "worker-coreldove");
    ck_assert(!strstr(queues->text, "hush") && !strstr(queues->said, "hush") && !strstr(json->text, "hush"));
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=30s", "LEASE_SECONDS=2", NULL};
    static const struct stack_options options = {.env = env};

    return flow_run("queues", &options,
                    (const TTest *[]){what_waits_and_what_is_on_the_belt_is_what_the_stores_say,
                                      back_off_pauses_alerts_and_parked_entries_are_shown,
                                      leases_name_the_owner_and_judge_the_copy_in_redis,
                                      the_lease_of_a_killed_owner_is_shown_as_lapsed,
                                      without_redis_the_other_half_is_shown_and_the_exit_code_is_1,
                                      without_postgresql_the_other_half_is_shown_and_the_exit_code_is_1,
                                      a_password_is_never_said, NULL});
}
