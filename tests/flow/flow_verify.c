/*
 * flow_verify.c: what platforms lost or altered behind everybody's back is found, told and put right: by REST and at a Saleor shop;
 * through deaths of the worker that looks, and through outages.
 *
 * A page has 100 rows, and takes half a second (VERIFY_RATE).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "backfill_fixture.h"
#include "conflict_fixture.h"
#include "ctl_fixture.h"
#include "flow_fixture.h"

#define RECORDS 40
#define LOST 3
#define ALTERED 2

/* ── variables that change while the stack runs ── */

static char own_dir[] = "/tmp/flow_verify.XXXXXX", env_file[64];

static bool set_variables(const char *text)
{
    FILE *file = fopen(strchr(env_file, '/'), "w");
    bool written = file && fputs(text, file) >= 0;

    return file && fclose(file) == 0 && written;
}

static void make_variables(void)
{
    bool made = mkdtemp(own_dir) && chmod(own_dir, 0755) == 0;

    snprintf(env_file, sizeof env_file, "ENV_FILE=%s/env", own_dir);
    if (!made || !set_variables("VERIFY_INTERVAL=0\n"))
        exit(1);
}

static void drop_variables(void)
{
    unlink(strchr(env_file, '/'));
    rmdir(own_dir);
}

/* ── verifications as an operator starts and watches them ── */

static const char *start(const char *tenant, const char *platform, bool dry_run)
{
    const struct api_answer *answer =
        backfill_ask(tenant, "POST", "/sync/verifications",
                     api_text("{\"platform\":\"%s\",\"entities\":[\"user\"],\"dry_run\":%s}", platform,
                              dry_run ? "true" : "false"));
    const char *id = answer->status == 202 ? pick_text(answer->json, "/id") : NULL;

    ck_assert_msg(id != NULL, "%d %s", answer->status, answer->body);
    ck_assert_str_eq(api_header(answer, "Location"), api_text("/sync/verifications/%s", id));
    return id;
}

static struct json *look(const char *tenant, const char *id)
{
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = api_text("/sync/verifications/%s", id), .token = api_token(tenant, "viewer")});

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    return answer->json;
}

static bool is_in(const char *tenant, const char *id, const char *state)
{
    return strcmp(pick_text(look(tenant, id), "/state"), state) == 0;
}

static struct json *await(const char *tenant, const char *id)
{
    flow_wait(is_in(tenant, id, "done"), 20);
    return look(tenant, id);
}

static void found(const struct json *job, const char *agreed, const char *differing, const char *missing,
                  const char *repaired)
{
    pick_equal(job, "/parts/0/agreed", agreed);
    pick_equal(job, "/parts/0/differing", differing);
    pick_equal(job, "/parts/0/missing", missing);
    pick_equal(job, "/parts/0/repaired", repaired);
    pick_equal(job, "/parts/1", "absent");
}

static size_t examples(const struct json *job, const char *kind, const char *field)
{
    const struct json *list = pick(job, "/examples");
    size_t count = 0;

    for (size_t i = 0; i < json_count(list); i++) {
        const char *first = pick_text(json_at(list, i), "/fields/0");
        count +=
            strcmp(pick_text(json_at(list, i), "/kind"), kind) == 0 && strcmp(first ? first : "", field) == 0;
    }
    return count;
}

/* ── who has what ── */

static void shop_tell(const char *path, const char *body)
{
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = api_text("%s%s", stack_setting("FAKE_SALEOR_URL"), path), .token = "", .body = body});

    ck_assert_msg(answer->status == 200, "%s: %d %s", body, answer->status, answer->body);
}

static int64_t shop_count(void)
{
    return pick_int(api_send(&(struct api_request){.url = api_text("%s/inspect/customers?limit=1",
                                                                   stack_setting("FAKE_SALEOR_URL")),
                                                   .token = ""})
                        ->json,
                    "/count");
}

static const char *record_of(const char *tenant, const char *id)
{
    return sql_text(
        "SELECT id FROM records WHERE tenant_id = '%s' AND entity_type = 'user' AND entity_id = '%s'", tenant,
        id);
}

static void drift(const char *platform, const char *tenant, const char *body)
{
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = api_text("%s/drift/user?tenant=%s", fake_url(platform), tenant), .token = "", .body = body});

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
}

/* A platform's user, to the others. */
static void post_user(const char *tenant, const char *type, const char *id, const char *name)
{
    api_event_of(
        tenant,
        "{\"event_type\":\"%s\",\"source_platform\":\"bizosaas\",\"target_platforms\":[\"bizoholic\","
        "\"coreldove\"],\"tenant_id\":\"%s\",\"data\":{\"user_id\":\"%s\",\"user_email\":\"%s@example.com\","
        "\"user_name\":\"%s\",\"preferences\":{\"lang\":\"de\"}}}",
        type, tenant, id, id, name);
}

static int64_t unfinished(const char *tenant)
{
    return sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = '%s' AND status < 2", tenant);
}

static int64_t repairs(const char *tenant)
{
    return sql_int("SELECT count(*) FROM deliveries d JOIN sync_events e ON e.id = d.event_id WHERE "
                   "e.tenant_id = '%s' AND "
                   "e.repairs IS NOT NULL AND d.state = 2",
                   tenant);
}

static int64_t sendings(void)
{
    return pick_int(fake_summary("bizoholic"), "/webhook_ids");
}

/* ── claims ── */

static void lose_and_alter(const char *tenant)
{
    drift("bizoholic", tenant,
          "{\"lose\":[\"v1\",\"v2\",\"v3\"],\"alter\":{\"v4\":{\"email_address\":\"else@example.com\"},"
          "\"v5\":{\"full_name\":\"Somebody Else\"}}}");
    for (int i = 11; i <= 13; i++)
        shop_tell("/drift/customer", api_text("{\"externalReference\":\"%s\",\"lose\":true}",
                                              record_of(tenant, api_text("v%d", i))));
    shop_tell("/drift/customer",
              api_text("{\"externalReference\":\"%s\",\"alter\":{\"email\":\"else@example.com\"}}",
                       record_of(tenant, "v14")));
    shop_tell("/drift/customer", api_text("{\"externalReference\":\"%s\",\"alter\":{\"lastName\":\"Else\"}}",
                                          record_of(tenant, "v15")));
}

/* At both platforms at the same time: they have workers of their own. */
static void verify_both(const char *tenant, bool dry_run, struct json *jobs[2])
{
    const char *rest = start(tenant, "bizoholic", dry_run), *shop = start(tenant, "coreldove", dry_run);

    jobs[0] = await(tenant, rest);
    jobs[1] = await(tenant, shop);
}

static void check_repairs(const struct json *job, const char *tenant)
{
    const struct json *list = pick(job, "/examples");

    ck_assert_uint_eq(json_count(list), LOST + ALTERED);
    for (size_t i = 0; i < json_count(list); i++) {
        const struct api_answer *answer = api_send(&(struct api_request){
            .url = api_text("/sync/events/%s", pick_text(json_at(list, i), "/event_id")),
            .token = api_token(tenant, "viewer")});
        pick_check(answer->json, "/event/source_platform", "service");
        pick_check(answer->json, "/event/status", "completed");
        pick_equal(answer->json, "/results/1", "absent"); /* nobody else hears of it */
        pick_equal(answer->json, "/results/0/assertion", "null");
    }
}

START_TEST(what_was_lost_and_altered_is_told_then_sent_again_and_nothing_else)
{
    const char *tenant = "verified";
    struct json *jobs[2];
    int64_t sent;

    shop_tell("/control", "{\"webhook\":null}");
    for (int i = 1; i <= RECORDS; i++)
        post_user(tenant, "user_created", api_text("v%d", i), api_text("Person %d", i));
    flow_wait(backfill_kept("bizoholic", "user", tenant) == RECORDS && shop_count() == RECORDS &&
                  unfinished(tenant) == 0,
              20);
    lose_and_alter(tenant);
    sent = sendings();

    verify_both(tenant, true, jobs);
    for (int i = 0; i < 2; i++) {
        found(jobs[i], "35", "2", "3", "0");
        pick_equal(jobs[i], "/parts/0/agreement_percent", "87.50");
        ck_assert_uint_eq(examples(jobs[i], "differing", "email"), 1);
        ck_assert_uint_eq(examples(jobs[i], "differing", "name"), 1);
        ck_assert_uint_eq(examples(jobs[i], "missing", ""), LOST);
    }
    ck_assert_int_eq(sendings(), sent);
    ck_assert_int_eq(repairs(tenant), 0);

    verify_both(tenant, false, jobs);
    flow_wait(repairs(tenant) == 2 * (LOST + ALTERED) && unfinished(tenant) == 0, 10);
    for (int i = 0; i < 2; i++) {
        found(jobs[i], "35", "2", "3", "5");
        check_repairs(jobs[i], tenant);
    }
    ck_assert_int_eq(sendings(), sent + LOST + ALTERED);
    ck_assert_int_eq(shop_count(), RECORDS);
    pick_equal(fake_summary("bizoholic"), "/duplicates", "0");
    pick_equal(fake_summary("bizoholic"), "/by_path/~1api~1sync~1user~1update",
               "2"); /* the others are created */
    pick_check(fake_record("bizoholic", "user", tenant, "v4"), "/data/email_address", "v4@example.com");
    pick_equal(fake_record("bizoholic", "user", tenant, "v1"), "/data/preferences", "{\"lang\":\"de\"}");

    verify_both(tenant, false, jobs);
    for (int i = 0; i < 2; i++) {
        found(jobs[i], "40", "0", "0", "0");
        pick_equal(jobs[i], "/parts/0/agreement_percent", "100.00");
        ck_assert_int_le(pick_int(jobs[i], "/parts/0/compared"),
                         10); /* new versions; else the hashes say it */
        pick_equal(jobs[i], "/parts/0/buckets_differing", "0");
    }
    pick_equal(await(tenant, start(tenant, "bizoholic", true)), "/parts/0/compared", "0");
    ck_assert_double_eq(
        stack_metric("worker-bizoholic", "sync_agreement_ppm{platform=\"bizoholic\",entity=\"user\"}"),
        1000000);
}
END_TEST

/* Records that bizoholic told of: it should have them. */
static void take_in(const char *tenant, int count)
{
    backfill_preload(tenant, "user", count);
    backfill_await(
        tenant,
        backfill_start(tenant,
                       "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":5000,\"targets\":"
                       "[\"bizosaas\"]}"),
        "done");
}

START_TEST(another_worker_goes_on_with_the_page_that_was_not_noted)
{
    const char *tenant = "killed", *id;
    int64_t asked;

    take_in(tenant, 250);
    asked = backfill_asked();
    id = start(tenant, "bizoholic", true);
    flow_wait(pick_int(look(tenant, id), "/parts/0/agreed") == 100, 10);
    stack_kill("worker-bizoholic");
    ck_assert(is_in(tenant, id, "running"));
    stack_start("worker-bizoholic");
    found(await(tenant, id), "250", "0", "0", "0");
    pick_equal(look(tenant, id), "/parts/0/pages", "3");
    ck_assert_int_le(backfill_asked(), asked + 4);
}
END_TEST

START_TEST(while_the_platform_is_away_it_waits_and_says_so)
{
    const char *tenant = "away", *id;

    take_in(tenant, 5);
    fake_control("bizoholic", "{\"rules\":[{\"match\":{\"operation\":\"list\"},\"status\":503}]}");
    id = start(tenant, "bizoholic", true);
    flow_wait(pick_text(look(tenant, id), "/reason") != NULL, 10);
    pick_check(look(tenant, id), "/state", "running");
    ck_assert_msg(strstr(pick_text(look(tenant, id), "/reason"), "503") != NULL, "%s",
                  pick_print(look(tenant, id)));
    fake_control("bizoholic", "{\"rules\":[]}");
    found(await(tenant, id), "5", "0", "0", "0");
    pick_equal(look(tenant, id), "/reason", "null");
}
END_TEST

/* One there that nobody knows, one deleted here, one given up, and a list that shows nothing. */
START_TEST(what_is_not_ours_stays_and_what_is_given_up_is_left_out)
{
    const char *tenant = "odd";
    struct json *job;

    for (int i = 1; i <= 4; i++)
        post_user(tenant, "user_created", api_text("o%d", i), "Odd");
    flow_wait(backfill_kept("bizoholic", "user", tenant) == 4 && unfinished(tenant) == 0, 10);
    post_user(tenant, "user_deleted", "o1", "Odd");
    flow_wait(backfill_kept("bizoholic", "user", tenant) == 3 && unfinished(tenant) == 0, 10);
    fake_control("bizoholic", "{\"rules\":[{\"match\":{\"id\":\"o2\"},\"status\":422}]}");
    post_user(tenant, "user_updated", "o2", "Refused");
    flow_wait(unfinished(tenant) == 0, 10);
    fake_control("bizoholic", "{\"rules\":[]}");
    backfill_preload_these(
        tenant, "user",
        "{\"user_id\":\"o1\",\"email_address\":\"o1@example.com\",\"full_name\":\"Back\"},"
        "{\"user_id\":\"stranger\",\"email_address\":\"s@example.com\",\"full_name\":\"S\"}");

    job = await(tenant, start(tenant, "bizoholic", false));
    found(job, "2", "0", "0", "1");
    pick_equal(job, "/parts/0/undeleted", "1");
    pick_equal(job, "/parts/0/unknown", "1");
    pick_equal(job, "/parts/0/left_out", "{\"moving\":0,\"dead\":1,\"contested\":0}");
    ck_assert_uint_eq(examples(job, "unknown", ""), 1);
    flow_wait(fake_record("bizoholic", "user", tenant, "o1") == NULL ||
                  json_bool(pick(fake_record("bizoholic", "user", tenant, "o1"), "/deleted")),
              10);
    ck_assert_int_eq(backfill_kept("bizoholic", "user", tenant), 4); /* the stranger stays */
}
END_TEST

START_TEST(a_list_that_shows_nothing_sends_nothing_until_a_person_says_so)
{
    const char *tenant = "emptied", *id;

    take_in(tenant, 3);
    drift("bizoholic", tenant, "{\"lose\":[\"seed-1\",\"seed-2\",\"seed-3\"]}");
    id = start(tenant, "bizoholic", false);
    flow_wait(is_in(tenant, id, "paused"), 10);
    ck_assert_int_eq(repairs(tenant), 0);
    ck_assert_int_eq(
        backfill_ask(tenant, "PATCH", api_text("/sync/verifications/%s", id), "{\"state\":\"running\"}")
            ->status,
        200);
    found(await(tenant, id), "0", "0", "3", "3");
    flow_wait(backfill_kept("bizoholic", "user", tenant) == 3, 10);
}
END_TEST

/* Over all tenants, by syncctl: each sees its own. */
START_TEST(a_tenant_sees_its_own_figures_alone)
{
    const struct ctl_answer *answer;
    const struct api_answer *other;
    struct json *mine;

    post_user("mine", "user_created", "m1", "Mine");
    post_user("theirs", "user_created", "t1", "Theirs");
    flow_wait(backfill_kept("bizoholic", "user", "mine") == 1 &&
                  backfill_kept("bizoholic", "user", "theirs") == 1,
              10);
    drift("bizoholic", "theirs", "{\"lose\":[\"t1\"]}");
    ctl_env("JWT_SECRET", stack_setting("JWT_SECRET"));
    ctl_env("ENVIRONMENT", "development");
    answer = ctl("verify --platform bizoholic --entity user --url %s", stack_setting("API_URL"));
    ck_assert_int_eq(answer->status, 1);
    ctl_says(answer, "mine user: 100.00 % agree");
    ctl_says(answer, "theirs user: 0.00 % agree; 0 agree, 0 differ, 1 are missing");
    ctl_says(answer, "  missing user t1");
    mine = look("mine",
                sql_text("SELECT id FROM verifications WHERE tenant_id = '*' AND platform = 'bizoholic'"));
    pick_check(mine, "/parts/0/tenant_id", "mine");
    pick_equal(mine, "/parts/1", "absent");
    pick_equal(mine, "/examples", "[]");
    ck_assert_int_eq(
        backfill_ask("mine", "DELETE", api_text("/sync/verifications/%s", pick_text(mine, "/id")), NULL)
            ->status,
        404);
    other = api_send(&(struct api_request){.method = "POST",
                                           .url = "/sync/verifications",
                                           .body = "{\"platform\":\"bizoholic\"}",
                                           .token = api_token("mine", "viewer")});
    ck_assert_int_eq(other->status, 403);
}
END_TEST

/* The fake gets both changes, and holds a side of the field that waits for a person. */
START_TEST(what_waits_for_a_person_is_left_out)
{
    struct json *job;

    conflict_of_user("w1");
    flow_wait(unfinished(API_TENANT) == 0, 10);
    job = await(API_TENANT, start(API_TENANT, "bizoholic", true));
    pick_equal(job, "/parts/0/left_out/contested", "1");
}
END_TEST

static int64_t scheduled(void)
{
    return sql_int(
        "SELECT count(*) FROM verifications WHERE scheduled AND state = 'done' AND platform = 'bizoholic'");
}

START_TEST(a_schedule_looks_again_and_again)
{
    ck_assert(set_variables("VERIFY_INTERVAL=1s\n"));
    stack_signal("worker-bizoholic", SIGHUP);
    flow_wait(scheduled() >= 2, 20);
    pick_check(backfill_ask(API_TENANT, "GET", "/sync/verifications?platform=bizoholic&limit=1", NULL)->json,
               "/jobs/0/tenant_id", "*");
    ck_assert_int_eq(repairs(API_TENANT), 0);
    ck_assert(set_variables("VERIFY_INTERVAL=0\n"));
    stack_signal("worker-bizoholic", SIGHUP);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"VERIFY_RATE=200", "VERIFY_REPAIR_RATE=100", "LEASE_SECONDS=2s",
                                      env_file, NULL};

    make_variables();
    int status =
        flow_run("verify", &(struct stack_options){.saleor = true, .env = env},
                 (const TTest *[]){what_was_lost_and_altered_is_told_then_sent_again_and_nothing_else,
                                   another_worker_goes_on_with_the_page_that_was_not_noted,
                                   while_the_platform_is_away_it_waits_and_says_so,
                                   what_is_not_ours_stays_and_what_is_given_up_is_left_out,
                                   a_list_that_shows_nothing_sends_nothing_until_a_person_says_so,
                                   a_tenant_sees_its_own_figures_alone, what_waits_for_a_person_is_left_out,
                                   a_schedule_looks_again_and_again, NULL});
    drop_variables();
    return status;
}
