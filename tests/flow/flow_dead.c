/* flow_dead.c: what was given up, as an operator lists it, looks at it and sends it again with syncctl. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_fixture.h"
#include "flow_fixture.h"

#define SECRET_MAIL "nobody-may-see-this@example.com"

static const char *user_of(const char *tenant, const char *id, const char *targets)
{
    return api_event_of(
        tenant,
        "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":[%s],"
        "\"tenant_id\":\"%s\",\"data\":{\"user_id\":\"%s\",\"email\":\"" SECRET_MAIL "\",\"name\":\"N\"}}",
        targets, tenant, id);
}

static const char *user(const char *id)
{
    return user_of(API_TENANT, id, "\"coreldove\"");
}

/* An event of this id that the platform refuses for good. */
static const char *dead_user(const char *id, const char *body)
{
    fake_control(
        "coreldove",
        api_text("{\"rules\":[{\"match\":{\"id\":\"%s\"},\"status\":400,\"body\":\"%s\"}]}", id, body));
    const char *event = user(id);
    api_await(event, "failed");
    return event;
}

static void mend(const char *platform)
{
    fake_control(platform, "{\"rules\":[]}");
}

static const struct json *listed(const struct json *list, const char *kind, const char *member,
                                 const char *value)
{
    const struct json *rows = json_get(list, kind);

    for (size_t i = 0; i < json_count(rows); i++)
        if (strcmp(pick_text(json_at(rows, i), member), value) == 0)
            return json_at(rows, i);
    return NULL;
}

/* ── deliveries ── */

START_TEST(an_event_that_a_400_killed_is_listed_with_its_reason)
{
    const char *event = dead_user("dlist", "no");
    const struct json *row = listed(ctl_json("dead list --json"), "deliveries", "/event_id", event);

    ck_assert_msg(row != NULL, "%s is not listed", event);
    pick_check(row, "/target", "coreldove");
    pick_check(row, "/event_type", "user_created");
    pick_check(row, "/entity_id", "dlist");
    pick_check(row, "/tenant_id", API_TENANT);
    pick_check(row, "/sendings", "1");
    pick_check(row, "/http_status", "400");
    ck_assert_ptr_nonnull(strstr(pick_text(row, "/reason"), "400"));
    ck_assert_ptr_nonnull(pick_text(row, "/died_at"));
    ctl_says(ctl("dead list"), event);
    ck_assert_ptr_nonnull(
        listed(ctl_json("dead list --tenant " API_TENANT " --platform coreldove --since 1h --json"),
               "deliveries", "/event_id", event));
    ck_assert_ptr_null(
        listed(ctl_json("dead list --platform bizosaas --json"), "deliveries", "/event_id", event));
    ctl_says(ctl("dead list --tenant another"), "nothing is dead");
}
END_TEST

START_TEST(lists_are_cut_at_the_limit_newest_first_over_all_tenants)
{
    const char *events[3];

    fake_control("coreldove", "{\"rules\":[{\"status\":400}]}");
    for (int i = 0; i < 3; i++) {
        const char *tenant = api_text("limit%d", 2 - i);
        events[i] = user_of(tenant, "dlimit", "\"coreldove\"");
        flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s' AND state = 5", events[i]) ==
                      1,
                  10);
    }
    const struct json *list = ctl_json("dead list --limit 2 --json");
    ck_assert_uint_eq(json_count(json_get(list, "deliveries")), 2);
    pick_check(list, "/deliveries/0/event_id", events[2]);
    pick_check(list, "/deliveries/1/event_id", events[1]);
    ctl_says(ctl("dead list --limit 2"), "the newest 2; there may be more: --limit");
    mend("coreldove");
}
END_TEST

START_TEST(what_was_sent_and_answered_is_shown_and_personal_data_only_when_asked_for)
{
    const char *event = dead_user("dshow", "not \\u001b[2J here");
    const struct ctl_answer *shown = ctl("dead show %s", event), *with = ctl("dead show %s --data", event);

    ck_assert_int_eq(shown->status, 0);
    ctl_says(shown, "coreldove: dead, sent 1 times");
    ctl_says(shown, "HTTP 400  dead");
    ctl_says(shown, "fields       user_id, email, name");
    ctl_says(shown,
             api_text("webhook-id   %s", pick_text(fake_find("coreldove", 0, "/body/event_id", event, 0),
                                                   "/headers/webhook-id")));
    ck_assert_msg(!strstr(shown->text, SECRET_MAIL), "personal: %s", shown->text);
    ctl_says(with, SECRET_MAIL);
    /* The answer of a platform writes nothing on the terminal. */
    ctl_says(shown, "answer       not \\x1b[2J here");
    ck_assert_ptr_null(strchr(shown->text, '\x1b'));
    const struct json *json = ctl_json("dead show %s --json", event);
    pick_check(json, "/status", "failed");
    pick_check(json, "/deliveries/0/results/0/http_status", "400");
    ck_assert(!pick_there(json, "/data") && !strstr(pick_print(json), SECRET_MAIL));
}
END_TEST

START_TEST(a_clients_own_id_finds_its_event_and_one_of_two_tenants_is_asked_about)
{
    static const char *const body =
        "{\"id\":\"own-id\",\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\","
        "\"target_platforms\":[\"coreldove\"],\"data\":{\"user_id\":\"down\",\"email\":\"o@example.com\","
        "\"name\":\"N\"}}";
    api_event_of("own1", "%s", body);
    ctl_says(ctl("dead show own-id"), "own1");
    api_event_of("own2", "%s", body);
    const struct ctl_answer *both = ctl("dead show own-id");
    ck_assert_int_eq(both->status, 1);
    ck_assert_ptr_nonnull(strstr(both->said, "several tenants"));
    ck_assert(strstr(both->said, "tenant own1") && strstr(both->said, "tenant own2"));
    ck_assert_int_eq(ctl("dead show 018f0000-0000-7000-8000-000000000000")->status, 1);
}
END_TEST

START_TEST(a_replay_is_a_new_delivery_under_a_new_id_and_arrives)
{
    const char *event = dead_user("dreplay", "no");
    int64_t dead = sql_int("SELECT sum(dead) FROM stage_counts WHERE stage = 'worker-coreldove'");

    mend("coreldove");
    ctl_says(ctl("dead replay %s --dry-run", event), "to coreldove would be replayed");
    ck_assert_str_eq(api_status(event), "failed");
    ctl_says(ctl("dead replay %s", event), "is sent again to 1 of its targets");
    api_await(event, "completed");
    const struct json *first = fake_find("coreldove", 0, "/body/event_id", event, 0);
    const struct json *second = fake_find("coreldove", 0, "/body/event_id", event, 1);
    ck_assert_ptr_nonnull(second);
    ck_assert_str_ne(pick_text(first, "/headers/webhook-id"), pick_text(second, "/headers/webhook-id"));
    ck_assert_int_eq(sql_int("SELECT sum(dead) FROM stage_counts WHERE stage = 'worker-coreldove'"),
                     dead - 1);
    const struct ctl_answer *again = ctl("dead replay %s", event);
    ck_assert_int_eq(again->status, 1);
    ck_assert_ptr_nonnull(strstr(again->said, "is dead; see syncctl dead show"));
}
END_TEST

START_TEST(one_platform_is_replayed_and_the_other_stays_dead)
{
    static const char *const targets = "\"coreldove\",\"bizosaas\"";

    fake_control("coreldove", "{\"rules\":[{\"status\":400}]}");
    fake_control("bizosaas", "{\"rules\":[{\"status\":400}]}");
    const char *one = user_of("twice", "done", targets), *many = user_of("twice", "dmany", targets);
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id IN ('%s', '%s') AND state = 5", one,
                      many) == 4,
              10);
    mend("coreldove");
    ctl_says(ctl("dead replay %s --platform coreldove", one), "to 1 of its targets");
    ctl_says(ctl("dead replay --tenant twice --platform coreldove"), "1 replayed");
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id IN ('%s', '%s') AND state = 2", one,
                      many) == 2,
              10);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM deliveries WHERE event_id IN ('%s', '%s') AND target = 'bizosaas' "
                "AND state = 5 AND generation = 1",
                one, many),
        2);
    flow_wait(
        sql_int(
            "SELECT count(*) FROM sync_events WHERE tenant_id = 'twice' AND status = 3 AND dead_count = 1 "
            "AND open_count = 0") == 2,
        10);
    mend("bizosaas");
    ctl_says(ctl("dead replay --tenant '*' --platform bizosaas"), "2 replayed");
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = 'twice' AND status = 2") == 2, 10);
}
END_TEST

START_TEST(many_are_replayed_in_pages_no_faster_than_the_rate)
{
    const int count = 250;
    struct buf body = BUF_INIT;

    fake_control("coreldove", "{\"rules\":[{\"status\":400}]}");
    for (int i = 0; i < count; i++)
        buf_addf(&body,
                 "%s{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
                 "\"coreldove\"],"
                 "\"tenant_id\":\"pages\",\"data\":{\"user_id\":\"p%d\",\"email\":\"e@example.com\",\"name\":"
                 "\"N\"}}",
                 i ? "," : "", i);
    const struct api_answer *answer = api_send(&(struct api_request){.url = "/sync/events/bulk",
                                                                     .token = api_token("pages", "service"),
                                                                     .body = api_text("[%s]", body.data)});
    buf_release(&body);
    ck_assert_msg(answer->status / 100 == 2, "%d %s", answer->status, answer->body);
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE tenant_id = 'pages' AND state = 5") == count,
              30);
    ctl_says(ctl("dead replay --tenant pages --platform coreldove --dry-run"), "250 would be replayed");
    ctl_says(ctl("dead replay --tenant pages --platform coreldove --since 1s --dry-run"), "replayed");
    mend("coreldove");
    int64_t began = clock_mono_ms();
    ctl_says(ctl("dead replay --tenant pages --platform coreldove --rate 200"), "250 replayed");
    ck_assert_int_ge(clock_mono_ms() - began, 1250);
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = 'pages' AND status = 2") == count,
              30);
    ck_assert_int_eq(
        sql_int("SELECT sum(failed) FROM sync_metrics WHERE tenant_id = 'pages' AND platform = ''"), 0);
}
END_TEST

START_TEST(what_the_router_refused_is_routed_anew)
{
    const char *event = dead_user("danew", "no");

    mend("coreldove");
    sql_do("UPDATE sync_events SET error = 'refused' WHERE id = '%s'", event);
    ctl_says(ctl("dead replay %s", event), "is routed anew");
    api_await(event, "completed");
    ck_assert_ptr_nonnull(fake_record("coreldove", "user", API_TENANT, "danew"));
}
END_TEST

/* ── parked entries ── */

static const char *parked_id(const char *entry_id)
{
    const struct json *row = listed(ctl_json("dead list --json"), "parked", "/entry_id", entry_id);

    ck_assert_msg(row != NULL, "entry %s is not listed", entry_id);
    return pick_text(row, "/id");
}

START_TEST(garbage_on_the_belt_is_parked_listed_shown_and_removed)
{
    const char *entry = redis_line("XADD events:high:{p03} * hello \x1b[31mworld"), *id;

    flow_wait(sql_int("SELECT count(*) FROM sync_errors WHERE entry_id = '%s'", entry) == 1, 10);
    id = parked_id(entry);
    ctl_says(ctl("dead list"), "events:high:{p03}");
    const struct ctl_answer *shown = ctl("dead show %s", id);
    ctl_says(shown, "reason       the entry does not begin with its version");
    ctl_says(shown, "  hello\n  \\x1b[31mworld\n");
    ctl_says(ctl("dead replay %s --dry-run", id), "would be removed");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_errors WHERE entry_id = '%s'", entry), 1);
    ctl_says(ctl("dead replay %s", id), "names no event of ours: there is nothing to publish");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_errors WHERE entry_id = '%s'", entry), 0);
    ck_assert_int_eq(ctl("dead show %s", id)->status, 1);
    ck_assert_int_eq(ctl("dead replay %s", id)->status, 1);
}
END_TEST

/* As a stage keeps it, of an event that it names in words that nobody can read. */
static const char *park(const char *stage, const char *stream, const char *event)
{
    sql_do("INSERT INTO sync_errors (stage, stream, entry_id, reason, entry) VALUES ('%s', '%s', '%s-0', "
           "'broken', "
           "'\\x00'::bytea || convert_to(E'v\\n1\\nr\\n%s broken\\n', 'UTF8'))",
           stage, stream, event, event);
    return parked_id(api_text("%s-0", event));
}

START_TEST(a_parked_entry_of_an_event_that_waits_is_published_again)
{
    stack_stop("worker-coreldove");
    const char *event = user("dwaits");
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s' AND state = 0", event) == 1, 10);
    const char *stream =
        api_text("deliver:coreldove:normal:{p%02d}",
                 (int)sql_int("SELECT partition FROM deliveries WHERE event_id = '%s'", event));
    redis_line("DEL %s on:%s", stream, stream);
    const char *id = park("worker-coreldove", stream, event);
    ctl_says(ctl("dead replay %s --dry-run", id), "waits for worker-coreldove: it would be published again");
    ck_assert_int_eq(redis_number("SCARD on:%s", stream), 0);
    ctl_says(ctl("dead replay %s", id), "waits for worker-coreldove: it is published again");
    ck_assert_int_eq(redis_number("SISMEMBER on:%s %s", stream, event), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_errors WHERE reason = 'broken'"), 0);
    stack_start("worker-coreldove");
    api_await(event, "completed");
    id = park("router", "events:normal:{p00}", event);
    ctl_says(ctl("dead replay %s", id), "waits for nothing that the belt could bring (completed)");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_errors WHERE reason = 'broken'"), 0);
}
END_TEST

/* ── stores away ── */

START_TEST(without_redis_a_replay_is_recorded_and_goes_out_on_its_return)
{
    const char *event = dead_user("dnored", "no"), *parked = park("router", "events:low:{p01}", event);

    mend("coreldove");
    stack_stop("redis");
    const struct ctl_answer *entry = ctl("dead replay %s", parked), *replayed = ctl("dead replay %s", event);
    ck_assert_int_eq(entry->status, 1);
    ck_assert_ptr_nonnull(strstr(entry->said, "there is no Redis to do it"));
    ck_assert_int_eq(replayed->status, 0);
    ck_assert_ptr_nonnull(strstr(replayed->said, "goes out when Redis is back"));
    ck_assert_int_eq(sql_int("SELECT generation FROM deliveries WHERE event_id = '%s'", event), 2);
    stack_start("redis");
    api_await(event, "completed");
    ck_assert_int_eq(ctl("dead replay %s", parked)->status, 0);
}
END_TEST

START_TEST(a_login_that_may_only_read_lists_and_shows_all_tenants)
{
    const char *event = dead_user("dreader", "no"), *url = stack_setting("DATABASE_URL");

    sql_do("CREATE ROLE looks LOGIN PASSWORD 'looks' IN ROLE sync_reader");
    ctl_env("DATABASE_READER_URL", api_text("postgresql://looks:looks@%s", strchr(url, '@') + 1));
    ck_assert_ptr_nonnull(listed(ctl_json("dead list --json"), "deliveries", "/event_id", event));
    ctl_says(ctl("dead show %s", event), "HTTP 400");
    ctl_says(ctl("queues"), "worker-coreldove");
    ctl_says(ctl("leases --stage router"), "agrees");
    mend("coreldove");
    ctl_says(ctl("dead replay %s", event), "is sent again");
}
END_TEST

int main(void)
{
    static const char *const env[] = {"SYNC_INTERVAL_SECONDS=1s", NULL};
    static const struct stack_options options = {.env = env};

    return flow_run(
        "dead", &options,
        (const TTest *[]){an_event_that_a_400_killed_is_listed_with_its_reason,
                          lists_are_cut_at_the_limit_newest_first_over_all_tenants,
                          what_was_sent_and_answered_is_shown_and_personal_data_only_when_asked_for,
                          a_clients_own_id_finds_its_event_and_one_of_two_tenants_is_asked_about,
                          a_replay_is_a_new_delivery_under_a_new_id_and_arrives,
                          one_platform_is_replayed_and_the_other_stays_dead,
                          many_are_replayed_in_pages_no_faster_than_the_rate,
                          what_the_router_refused_is_routed_anew,
                          garbage_on_the_belt_is_parked_listed_shown_and_removed,
                          a_parked_entry_of_an_event_that_waits_is_published_again,
                          without_redis_a_replay_is_recorded_and_goes_out_on_its_return,
                          a_login_that_may_only_read_lists_and_shows_all_tenants, NULL});
}
