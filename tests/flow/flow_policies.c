/*
 * flow_policies.c: policies while the service runs: a tenant's own, version by version, through the API and syncctl; and what they
 * do. Tenants and ids differ from claim to claim, so that they share one stack.
 */
#include <stdio.h>

#include "alert_fixture.h"
#include "conflict_fixture.h"
#include "ctl_fixture.h"
#include "flow_fixture.h"

#define SOURCE_WINS "policies: { lead: { name = \"source_wins\"; }; };"

static const struct api_answer *put(const char *tenant, const char *role, const char *tag, const char *body)
{
    return api_send(&(struct api_request){.method = "PUT",
                                          .url = api_text("/sync/tenants/%s/policies", tenant),
                                          .token = api_token(tenant, role),
                                          .body = body,
                                          .headers = {tag ? api_text("If-Match: %s", tag) : NULL}});
}

static const struct api_answer *put_text(const char *tenant, const char *text)
{
    struct json *body = pick_keep_json(json_new_object());

    json_set(body, "text", json_new_text(text));
    return put(tenant, "admin", NULL, pick_print(body));
}

static const struct api_answer *look(const char *tenant, const char *role, const char *below)
{
    return api_send(&(struct api_request){.url = api_text("/sync/tenants/%s/policies%s", tenant, below),
                                          .token = api_token(tenant, role)});
}

static void taken(const struct api_answer *answer, const char *version)
{
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    pick_check(answer->json, "/version", version);
}

/* Two names of a lead at once; the conflict's document once policies have decided it. */
static const struct json *lead_conflict(const char *id)
{
    api_await(conflict_change(
                  "lead_created", "bizosaas", 0,
                  api_text("{\"id\":\"%s\",\"email\":\"%s@example.com\",\"status\":\"new\",\"name\":\"Old\"}",
                           id, id)),
              "completed");
    conflict_change("lead_updated", "bizoholic", 1, api_text("{\"id\":\"%s\",\"name\":\"B\"}", id));
    conflict_change("lead_updated", "coreldove", 1, api_text("{\"id\":\"%s\",\"name\":\"C\"}", id));
    return conflict_get(conflict_await(id, "resolved"));
}

/* ---- versions ---- */

/* A lead of which the policies in force are these; the conflict that told it. */
static const struct json *decided_by(const char *prefix, const char *version)
{
    int64_t end_ms = clock_mono_ms() +
                     (int64_t)(5000 * flow_patience()); /* what is promised: seconds, without being told */
    const struct json *conflict;

    for (int i = 0;; i++) {
        conflict = lead_conflict(api_text("%s-%d", prefix, i));
        if (strcmp(pick_text(conflict, "/resolutions/0/policies_version"), version) == 0)
            return conflict;
        ck_assert_msg(clock_mono_ms() < end_ms, "still decided by %s",
                      pick_text(conflict, "/resolutions/0/policies_version"));
    }
}

START_TEST(a_tenants_policies_hold_within_seconds_and_the_decision_names_their_version)
{
    pick_check(conflict_rule(decided_by("live1", "defaults 1"), "name"), "/policy", "latest_wins");
    taken(put_text(API_TENANT, SOURCE_WINS), "1");
    const struct json *conflict = decided_by("live2", "defaults 1, tenant 1");
    pick_check(conflict_rule(conflict, "name"), "/policy", "source_wins");
    pick_check(conflict_rule(conflict, "name"), "/value", "B");
    taken(put_text(API_TENANT, ""), "2");
    pick_check(conflict_rule(decided_by("live3", "defaults 1, tenant 2"), "name"), "/policy", "latest_wins");
}
END_TEST

START_TEST(a_text_with_a_mistake_is_refused_with_its_line_and_the_old_one_stays)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"policies: {\n lead: { nmae = \"source_wins\"; }; };", "policies:2: nmae"},
        {"policies: { leda: { name = \"source_wins\"; }; };", "policies:1: leda is no entity"},
        {"policies: {\n\n lead: { name = \"source_win\"; }; };", "policies:3:"},
        {"policies: { lead: { score = \"merge_smart\"; }; };", "is of the type number"},
        {"policies: { lead: {\n score: { strategy = \"custom_logic\"; expression = \"max(\"; }; }; };",
         "policies:2:"},
        {"rules: { lead: { r: { test = \"nmae == 1\"; message = \"m\"; }; }; };", "cannot be understood"},
        {"authorities: { lead = \"nobody\"; };", "which has no platform file"},
        {"tenants = ();", "tenants"},
        {"fields: { lead: { hobby = \"text\"; }; };", "fields"},
        {"@include \"/etc/passwd\"", "@include"},
        {"policies: {", "policies:1:"},
    };

    taken(put_text("wrong1", SOURCE_WINS), "1");
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct api_answer *answer = put_text("wrong1", rows[i].text);
        const char *detail = pick_text(answer->json, "/errors/0/detail");
        ck_assert_msg(answer->status == 422 && detail && strstr(detail, rows[i].says), "%s: %d %s",
                      rows[i].text, answer->status, answer->body);
    }
    pick_check(look("wrong1", "viewer", "")->json, "/text", SOURCE_WINS);
    ck_assert_int_eq(put("wrong1", "admin", NULL, "{\"note\":\"nothing\"}")->status, 422);
    ck_assert_int_eq(put("wrong1", "admin", NULL, "{\"text\":\"\",\"restore\":1}")->status, 422);
    ck_assert_int_eq(put("wrong1", "admin", NULL, "{\"text\":7}")->status, 422);
    ck_assert_int_eq(put("wrong1", "admin", NULL, "{\"text\":\"\",\"more\":7}")->status, 422);
    ck_assert_int_eq(put("wrong1", "admin", NULL, "{\"restore\":7}")->status, 422);
    ck_assert_int_eq(put("wrong1", "admin", "3", "{\"text\":\"\"}")->status, 422);
}
END_TEST

START_TEST(of_two_writers_the_second_is_told_that_the_first_was_faster)
{
    const struct api_answer *first = look("race1", "viewer", "");

    pick_equal(first->json, "/version", "0");
    ck_assert_str_eq(api_header(first, "ETag"), "\"0\"");
    taken(put("race1", "admin", "\"0\"", "{\"text\":\"\",\"note\":\"mine\"}"), "1");
    ck_assert_int_eq(put("race1", "admin", "\"0\"", "{\"text\":\"\"}")->status, 409);
    const struct api_request both[] = {{.method = "PUT",
                                        .url = "/sync/tenants/race1/policies",
                                        .token = api_token("race1", "admin"),
                                        .body = "{\"text\":\"\"}",
                                        .headers = {"If-Match: \"1\""}},
                                       {.method = "PUT",
                                        .url = "/sync/tenants/race1/policies",
                                        .token = api_token("race1", "admin"),
                                        .body = "{\"text\":\"\"}",
                                        .headers = {"If-Match: \"1\""}}};
    const struct api_answer *answers[2];
    api_send_together(both, answers, 2);
    ck_assert_int_eq(answers[0]->status + answers[1]->status, 200 + 409);
}
END_TEST

START_TEST(an_earlier_version_comes_back_as_a_new_one_and_each_says_who_wrote_it)
{
    taken(put_text("back1", SOURCE_WINS), "1");
    taken(put_text("back1", "rules: { lead: { score_in_range = false; }; };"), "2");
    const struct api_answer *answer = put("back1", "admin", "\"2\"", "{\"restore\":1,\"note\":\"too lax\"}");
    taken(answer, "3");
    pick_check(answer->json, "/text", SOURCE_WINS);
    pick_check(answer->json, "/restores", "1");
    pick_check(answer->json, "/policies_version", "defaults 1, tenant 3");
    pick_check(answer->json, "/note", "too lax");
    ck_assert_ptr_nonnull(pick_text(answer->json, "/author"));
    pick_check(look("back1", "viewer", "/versions/2")->json, "/text",
               "rules: { lead: { score_in_range = false; }; };");
    ck_assert_int_eq(look("back1", "viewer", "/versions/4")->status, 404);
    ck_assert_int_eq(look("back1", "viewer", "/versions/x")->status, 404);

    const struct json *page = look("back1", "viewer", "/versions?limit=2")->json;
    pick_check(page, "/versions/0/version", "3");
    pick_check(page, "/versions/1/version", "2");
    page = look("back1", "viewer", api_text("/versions?limit=2&cursor=%s", pick_text(page, "/next_cursor")))
               ->json;
    pick_check(page, "/versions/0/version", "1");
    pick_equal(page, "/next_cursor", "null");
}
END_TEST

START_TEST(policies_are_an_admins_to_change_and_tenants_never_meet)
{
    ck_assert_int_eq(put("role1", "operator", NULL, "{\"text\":\"\"}")->status, 403);
    taken(put("role1", "admin", NULL, "{\"text\":\"\"}"), "1");
    const struct api_request others[] = {
        {.method = "PUT", .token = api_token("other", "admin"), .body = "{\"text\":\"\"}"},
        {.method = "GET", .token = api_token("other", "viewer")},
        {.method = "PUT", .token = api_token("*", "operator"), .body = "{\"text\":\"\"}"},
        {.method = "GET", .token = api_token("*", "viewer")}};
    static const int statuses[] = {403, 404, 200, 200};

    for (size_t i = 0; i < COUNT(others); i++) {
        struct api_request request = others[i];
        request.url = "/sync/tenants/role1/policies";
        const struct api_answer *answer = api_send(&request);
        ck_assert_msg(answer->status == statuses[i], "%zu: %d %s", i, answer->status, answer->body);
    }
}
END_TEST

START_TEST(syncctl_sets_shows_and_brings_back_a_tenants_policies)
{
    const char *file = api_text("%s/mine.conf", stack_dir()), *bad = api_text("%s/bad.conf", stack_dir());
    FILE *out = fopen(file, "w"), *wrong = fopen(bad, "w");

    ck_assert(out && wrong);
    fputs(SOURCE_WINS "\n", out);
    fputs("\npolicies: { lead: { nmae = \"max\"; }; };\n", wrong);
    fclose(out);
    fclose(wrong);
    ctl_env("API_URL", stack_setting("API_URL"));
    ctl_env("JWT_SECRET", stack_setting("JWT_SECRET"));
    ctl_env("ENVIRONMENT", "development");
    ctl_says(ctl("policies show --tenant ctl1"), "nothing of its own");
    ctl_says(ctl("policies check %s --tenant ctl1", file), "no mistakes");
    ck_assert_ptr_nonnull(strstr(ctl("policies check %s --tenant ctl1", bad)->said, "policies:2: nmae"));
    ck_assert_ptr_nonnull(strstr(ctl("policies set %s --tenant ctl1", bad)->said, "policies:2: nmae"));
    ctl_says(ctl("policies set %s --tenant ctl1 --note first", file), "# version 1, by syncctl");
    ck_assert_ptr_nonnull(strstr(ctl("policies set %s --tenant ctl1 --over 0", file)->said, "faster"));
    ctl_says(ctl("policies restore 1 --tenant ctl1 --over 1"), "# version 2");
    ctl_says(ctl("policies versions --tenant ctl1"), "first");
    ctl_says(ctl("policies show --tenant ctl1 --version 1"), SOURCE_WINS);
    ck_assert_int_eq(ctl("policies set --tenant ctl1")->status, 2);
}
END_TEST

/* ---- what cannot be stored ---- */

START_TEST(a_verdict_that_cannot_be_stored_goes_to_a_person_and_the_others_are_decided)
{
    const char *names[] = {"odd", "even1", "even2"};

    stack_stop("resolver");
    for (size_t i = 0; i < COUNT(names); i++) {
        api_await(conflict_change(
                      "lead_created", "bizosaas", 0,
                      api_text("{\"id\":\"%s\",\"email\":\"o@example.com\",\"status\":\"new\"}", names[i])),
                  "completed");
        conflict_change("lead_updated", "bizoholic", 1,
                        api_text("{\"id\":\"%s\",\"status\":\"won\"}", names[i]));
        conflict_change("lead_updated", "coreldove", 1,
                        api_text("{\"id\":\"%s\",\"status\":\"lost\"}", names[i]));
    }
    for (size_t i = 0; i < COUNT(names); i++)
        conflict_await(names[i], "open");
    sql_do(
        "ALTER TABLE sync_conflicts ADD CONSTRAINT odd CHECK (entity_id <> 'odd' OR status <> 'deciding')");
    stack_start("resolver");
    const struct json *odd = conflict_get(conflict_await("odd", "waiting"));
    ck_assert_ptr_nonnull(strstr(pick_print(odd), "a person is to decide it"));
    conflict_await("even1", "resolved");
    conflict_await("even2", "resolved");
    sql_do("ALTER TABLE sync_conflicts DROP CONSTRAINT odd");
    ck_assert_int_eq(conflict_operate(api_text("/sync/conflicts/%s/resolve", pick_text(odd, "/id")),
                                      "{\"choose\":\"bizoholic\"}")
                         ->status,
                     200);
    conflict_await("odd", "resolved");
}
END_TEST

/* ---- what goes to and fro ---- */

static int64_t lead_version(const char *id)
{
    return sql_int("SELECT version FROM records WHERE entity_id = '%s'", id);
}

static const char *rename_lead(const char *source, const char *name)
{
    const char *event = conflict_change("lead_updated", source, (int)lead_version("hop"),
                                        api_text("{\"id\":\"hop\",\"name\":\"%s\"}", name));

    api_await(event, "completed");
    return event;
}

START_TEST(a_platform_that_answers_each_delivery_with_another_value_is_stopped_and_people_are_told)
{
    static const char *const names[] = {"contact_name", "name", "name"};
    const char *event = NULL;

    api_await(
        conflict_change("lead_created", "bizosaas", 0,
                        "{\"id\":\"hop\",\"email\":\"h@example.com\",\"status\":\"new\",\"name\":\"n\"}"),
        "completed");
    for (int n = 1; n <= 2; n++) { /* the second right one answers a delivery, too */
        rename_lead("bizosaas", api_text("right %d", n));
        event = rename_lead("coreldove", api_text("left %d", n));
    }
    ck_assert_ptr_nonnull(strstr(pick_print(api_look(event)), "went to and fro"));
    flow_wait(strcmp(conflict_held("bizoholic", "lead", "hop", names[0]), "right 2") == 0, 5);
    pick_check(api_found("/sync/records/lead/hop"), "/data/name", "right 2");
    alert_await("coreldove", "name of leads goes to and fro", 5);
}
END_TEST

/* ---- what policies keep back ---- */

START_TEST(what_is_not_to_be_synced_is_on_the_record_and_reaches_nobody)
{
    taken(put_text(API_TENANT, "policies: { user: { phone = \"do_not_sync\"; }; };"),
          api_text("%d", (int)pick_int(look(API_TENANT, "viewer", "")->json, "/version") + 1));
    /* Within seconds, as above: until then a user is sent with it. */
    int64_t end_ms = clock_mono_ms() + (int64_t)(5000 * flow_patience());
    for (int i = 0;; i++) {
        const char *id = api_text("quiet%d", i);
        api_await(conflict_change("user_created", "bizosaas", 0,
                                  api_text("{\"id\":\"%s\",\"email\":\"%s@example.com\",\"name\":\"N\","
                                           "\"phone\":\"+911\"}",
                                           id, id)),
                  "completed");
        pick_check(conflict_record(id), "/data/phone", "+911");
        ck_assert_str_eq(conflict_held("coreldove", "user", id, "customer_name"), "N");
        if (!*conflict_held("coreldove", "user", id, "customer_phone") &&
            !*conflict_held("bizoholic", "user", id, "phone_number"))
            break;
        ck_assert_msg(clock_mono_ms() < end_ms, "it is sent still");
    }
    taken(put_text(API_TENANT, ""),
          api_text("%d", (int)pick_int(look(API_TENANT, "viewer", "")->json, "/version") + 1));
}
END_TEST

/* ---- business rules ---- */

START_TEST(a_change_that_breaks_a_rule_waits_for_a_person_and_the_rest_of_it_goes_on)
{
    api_await(
        conflict_change("lead_created", "bizosaas", 0,
                        "{\"id\":\"rule1\",\"email\":\"rule1@example.com\",\"status\":\"new\",\"score\":50}"),
        "completed");
    const char *event = conflict_change("lead_updated", "bizoholic", 1,
                                        "{\"id\":\"rule1\",\"lead_score\":101,\"contact_name\":\"N\"}");
    const char *id = conflict_await("rule1", "waiting");
    const struct json *conflict = conflict_get(id);

    pick_check(conflict, "/type", "business_rule_violation");
    pick_equal(conflict, "/types", "[\"business_rule_violation\"]");
    pick_equal(conflict, "/base", "{\"score\":50}");
    pick_equal(conflict_rule(conflict, "score"), "/waits", "true");
    ck_assert_ptr_nonnull(strstr(pick_text(conflict_rule(conflict, "score"), "/why"), "between 0 and 100"));
    api_await(event, "conflict");
    ck_assert_uint_eq(json_count(pick(api_found("/sync/events?status=conflict&entity_id=rule1"), "/events")),
                      1);
    const struct json *record = api_found("/sync/records/lead/rule1");
    pick_equal(record, "/data/score", "50");
    pick_check(record, "/data/name", "N");
    flow_wait(strcmp(conflict_held("coreldove", "lead", "rule1", "name"), "N") == 0, 10);
    ck_assert_str_eq(conflict_held("coreldove", "lead", "rule1", "score"), "50");

    const struct api_answer *answer =
        conflict_operate(api_text("/sync/conflicts/%s/resolve", id), "{\"choose\":\"bizoholic\"}");
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    pick_equal(api_found("/sync/records/lead/rule1"), "/data/score", "101");
    flow_wait(strcmp(conflict_held("coreldove", "lead", "rule1", "score"), "101") == 0, 10);
    api_await(event, "completed");
}
END_TEST

START_TEST(who_puts_it_right_itself_needs_nobody)
{
    api_await(
        conflict_change("lead_created", "bizosaas", 0,
                        "{\"id\":\"rule2\",\"email\":\"rule2@example.com\",\"status\":\"new\",\"score\":50}"),
        "completed");
    conflict_change("lead_updated", "bizoholic", 1, "{\"id\":\"rule2\",\"lead_score\":-1}");
    const char *id = conflict_await("rule2", "waiting");
    conflict_change("lead_updated", "bizoholic", 1, "{\"id\":\"rule2\",\"lead_score\":60}");
    flow_wait(strcmp(conflict_held("coreldove", "lead", "rule2", "score"), "60") == 0, 10);
    pick_check(conflict_get(id), "/status", "replaced");
    pick_equal(api_found("/sync/records/lead/rule2"), "/data/score", "60");
}
END_TEST

START_TEST(a_record_that_is_made_with_a_broken_rule_is_made_without_that_field)
{
    const char *event = conflict_change("order_created", "coreldove", 0,
                                        "{\"id\":\"rule3\",\"order_total\":-5,\"order_status\":\"pending\","
                                        "\"order_items\":[{\"sku\":\"a\"}]}");
    const char *id = conflict_await("rule3", "waiting");
    const struct json *looked = api_await(event, "conflict");

    pick_check(looked, "/results/0/status", "skipped");
    ck_assert(!pick_there(api_found("/sync/records/order/rule3"), "/data/amount"));
    const struct api_answer *answer =
        conflict_operate(api_text("/sync/conflicts/%s/resolve", id), "{\"data\":{\"amount\":5}}");
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    flow_wait(*conflict_held("bizosaas", "order", "rule3", "amount"), 10);
    ck_assert_str_eq(conflict_held("bizosaas", "order", "rule3", "status"), "pending");
}
END_TEST

START_TEST(a_value_of_another_type_waits_for_a_person_unless_it_is_an_amount_in_quotes)
{
    api_await(conflict_change("product_created", "bizosaas", 0,
                              "{\"id\":\"type1\",\"name\":\"P\",\"price\":5,\"images\":[\"a\"],\"hobby\":1}"),
              "completed");
    conflict_change("product_updated", "bizosaas", 0,
                    "{\"id\":\"type1\",\"price\":\"6\",\"hobby\":{\"a\":1}}");
    const struct json *conflict = conflict_get(conflict_await("type1", "waiting"));
    pick_check(conflict, "/type", "schema_change");
    pick_equal(conflict, "/base", "{\"hobby\":1}");
    pick_equal(api_found("/sync/records/product/type1"), "/data/hobby", "1");
    pick_check(api_found("/sync/records/product/type1"), "/data/price", "6");
}
END_TEST

int main(void)
{
    return flow_run(
        "policies", NULL,
        (const TTest *[]){
            a_tenants_policies_hold_within_seconds_and_the_decision_names_their_version,
            a_text_with_a_mistake_is_refused_with_its_line_and_the_old_one_stays,
            of_two_writers_the_second_is_told_that_the_first_was_faster,
            an_earlier_version_comes_back_as_a_new_one_and_each_says_who_wrote_it,
            policies_are_an_admins_to_change_and_tenants_never_meet,
            syncctl_sets_shows_and_brings_back_a_tenants_policies,
            a_verdict_that_cannot_be_stored_goes_to_a_person_and_the_others_are_decided,
            a_platform_that_answers_each_delivery_with_another_value_is_stopped_and_people_are_told,
            what_is_not_to_be_synced_is_on_the_record_and_reaches_nobody,
            a_change_that_breaks_a_rule_waits_for_a_person_and_the_rest_of_it_goes_on,
            who_puts_it_right_itself_needs_nobody,
            a_record_that_is_made_with_a_broken_rule_is_made_without_that_field,
            a_value_of_another_type_waits_for_a_person_unless_it_is_an_amount_in_quotes, NULL});
}
