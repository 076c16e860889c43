/*
 * flow_conflicts.c: platforms that change the same record at once: what policies decide, what waits for a person, and what people do
 * with it, through the API and syncctl. Ids differ from claim to claim, so that they share one stack.
 */
#include "conflict_fixture.h"
#include "ctl_fixture.h"
#include "flow_fixture.h"
#include "postgres_fixture.h"

/* ---- decided by policies ---- */

START_TEST(two_names_at_once_are_resolved_by_the_latest_and_all_three_end_with_it)
{
    static const char *const names[] = {"contact_name", "name", "name"};

    api_await(conflict_change(
                  "lead_created", "bizosaas", 0,
                  "{\"id\":\"lead1\",\"email\":\"lead1@example.com\",\"status\":\"new\",\"name\":\"Old\"}"),
              "completed");
    const char *b = conflict_change("lead_updated", "bizoholic", 1, "{\"id\":\"lead1\",\"name\":\"From B\"}");
    const char *c = conflict_change("lead_updated", "coreldove", 1, "{\"id\":\"lead1\",\"name\":\"From C\"}");
    const struct json *conflict = conflict_get(conflict_await("lead1", "resolved"));

    pick_check(conflict, "/entity_type", "lead");
    pick_check(conflict, "/decided_by", "resolver");
    pick_equal(conflict, "/base", "{\"name\":\"Old\"}");
    pick_equal(conflict, "/result", "{\"name\":\"From C\"}");
    pick_check(conflict_rule(conflict, "name"), "/policy", "latest_wins");
    pick_check(conflict_rule(conflict, "name"), "/chosen", "coreldove");
    pick_equal(conflict, "/confidence_score", "0.9");
    pick_check(conflict, "/strategy_used", "latest_wins");
    pick_equal(conflict, "/requires_manual_review", "false");
    pick_equal(conflict, "/applied_rules", "[\"name: latest_wins\"]");
    pick_check(conflict, "/sides/0/platform", "bizoholic");
    pick_check(conflict, "/sides/0/event_id", b);
    pick_equal(conflict, "/sides/0/version", "2");
    pick_equal(conflict, "/sides/0/data", "{\"name\":\"From B\"}");
    pick_check(conflict, "/sides/1/event_id", c);
    flow_wait(conflict_all_hold("lead", "lead1", names, "From C"), 10);
}
END_TEST

/* ---- decided by a person ---- */

START_TEST(what_waits_for_a_person_is_not_sent_to_the_sides_while_all_else_is)
{
    const char *id = conflict_of_user("wait1");
    const struct json *conflict = conflict_get(id);

    pick_check(conflict_rule(conflict, "email"), "/policy", "manual_review");
    pick_equal(conflict_rule(conflict, "email"), "/waits", "true");
    pick_equal(conflict_rule(conflict, "name"), "/waits", "false");
    pick_equal(conflict, "/result", "{\"name\":\"C\"}");
    pick_equal(conflict, "/confidence_score", "0");
    flow_wait(strcmp(conflict_held("bizoholic", "user", "wait1", "phone_number"), "+911") == 0, 10);
    pick_check(conflict_record("wait1"), "/data/email", "wait1-b@example.com");
    conflict_change("user_updated", "bizosaas", (int)pick_int(conflict_record("wait1"), "/version"),
                    "{\"id\":\"wait1\",\"city\":\"Pune\"}");
    /* A required field goes as the side has it. */
    pick_check(fake_await("coreldove", "/body/data/city", "Pune"), "/body/data/customer_email",
               "wait1-c@example.com");

    const struct api_answer *answer = conflict_operate(
        api_text("/sync/conflicts/%s/resolve", id), "{\"choose\":\"coreldove\",\"note\":\"by telephone\"}");
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    pick_check(answer->json, "/status", "resolved");
    pick_equal(answer->json, "/applied", "true");
    pick_check(answer->json, "/resolution_notes", "by telephone");
    pick_equal(answer->json, "/result", "{\"email\":\"wait1-c@example.com\",\"name\":\"C\"}");
    pick_check(conflict_rule(answer->json, "email"), "/chosen", "coreldove");
    pick_check(conflict_record("wait1"), "/data/email", "wait1-c@example.com");
    flow_wait(fake_count("bizoholic", 0, "/body/data/email_address", "wait1-c@example.com") > 0, 10);
}
END_TEST

START_TEST(of_two_persons_the_second_is_told_that_the_first_was_faster)
{
    const char *id = conflict_of_user("race1"), *url = api_text("/sync/conflicts/%s/resolve", id);
    const char *token = api_token(API_TENANT, "operator");
    const struct api_request both[] = {
        {.url = url, .token = token, .body = "{\"fields\":{\"email\":\"bizoholic\"}}"},
        {.url = url, .token = token, .body = "{\"fields\":{\"email\":\"coreldove\"}}"}};
    const struct api_answer *answers[2];

    api_send_together(both, answers, 2);
    ck_assert_int_eq(answers[0]->status + answers[1]->status, 200 + 409);
    size_t first = answers[0]->status == 200 ? 0 : 1;
    pick_check(conflict_record("race1"), "/data/email",
               first == 0 ? "race1-b@example.com" : "race1-c@example.com");
    ck_assert_int_eq(conflict_operate(url, "{\"choose\":\"bizoholic\"}")->status, 409);
    ck_assert_int_eq(conflict_operate(url, "{\"data\":{\"email\":\"new@example.com\"}}")->status, 409);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE by_person AND entity_id = 'race1'"), 1);
}
END_TEST

START_TEST(a_person_may_say_what_no_side_says)
{
    const char *url = api_text("/sync/conflicts/%s/resolve", conflict_of_user("merge1"));
    const struct api_answer *answer = conflict_operate(url, "{\"data\":{\"email\":\"merge1@example.net\"}}");

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    pick_equal(conflict_rule(answer->json, "email"), "/chosen", "null");
    pick_check(conflict_record("merge1"), "/data/email", "merge1@example.net");
    pick_check(conflict_record("merge1"), "/fields/email/origin", "service");
    flow_wait(fake_count("bizoholic", 0, "/body/data/email_address", "merge1@example.net") > 0, 10);
}
END_TEST

START_TEST(what_is_wrong_with_a_decision_is_named)
{
    static const struct {
        const char *body;
        int status;
        const char *pointer; /* NULL: none */
    } rows[] = {
        {"{\"choose\":\"nobody\"}", 422, "/choose"},
        {"{\"choose\":\"bizosaas\"}", 422, "/choose"}, /* has no side */
        {"{\"choose\":7}", 422, "/choose"},
        {"{\"fields\":{\"phone\":\"coreldove\"}}", 422, "/fields/phone"},
        {"{\"fields\":{\"email\":\"bizosaas\"}}", 422, "/fields/email"},
        {"{\"fields\":{}}", 422, "/fields"},
        {"{\"fields\":{\"name\":\"bizoholic\"}}", 409, NULL}, /* a policy decided it */
        {"{\"data\":{\"email\":7}}", 422, "/data/email"},
        {"{\"data\":{\"email\":\"nobody\"}}", 422, "/data/email"},
        {"{\"data\":{\"a/b\":1}}", 422, "/data/a~1b"},
        {"{\"note\":\"why\"}", 422, ""},
        {"{\"choose\":\"bizoholic\",\"data\":{}}", 422, ""},
        {"{\"choose\":\"bizoholic\",\"nonsense\":1}", 422, "/nonsense"},
        {"{\"choose\":\"bizoholic\",\"note\":7}", 422, "/note"},
        {"[]", 422, ""},
        {"{", 400, NULL},
    };
    const char *id = conflict_of_user("bad1"), *url = api_text("/sync/conflicts/%s/resolve", id);

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct api_answer *answer = conflict_operate(url, rows[i].body);
        const char *pointer = pick_text(answer->json, "/errors/0/pointer");
        ck_assert_msg(answer->status == rows[i].status &&
                          (!rows[i].pointer || (pointer && strcmp(pointer, rows[i].pointer) == 0)),
                      "%s: %d %s", rows[i].body, answer->status, answer->body);
    }
    pick_check(conflict_get(id), "/status", "waiting");
    ck_assert_int_eq(api_post(url, "{\"choose\":\"bizoholic\"}")->status, 403);
}
END_TEST

/* ---- taken back ---- */

START_TEST(a_decision_is_taken_back_and_touches_its_own_fields_alone)
{
    const char *id = conflict_of_user("undo1"), *undo = api_text("/sync/conflicts/%s/undo", id);

    ck_assert_int_eq(conflict_operate(undo, NULL)->status, 409); /* it waits */
    conflict_operate(api_text("/sync/conflicts/%s/resolve", id), "{\"choose\":\"coreldove\"}");
    api_await(conflict_change("user_updated", "bizosaas", (int)pick_int(conflict_record("undo1"), "/version"),
                              "{\"id\":\"undo1\",\"phone\":\"+922\"}"),
              "completed");
    const struct api_answer *answer = conflict_operate(undo, "{\"note\":\"wrong person\"}");
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    pick_check(answer->json, "/status", "undone");
    pick_equal(answer->json, "/applied", "true");
    const struct json *record = conflict_record("undo1");
    pick_check(record, "/data/email", "undo1-b@example.com");
    pick_check(record, "/data/name", "B");
    pick_check(record, "/data/phone", "+922");
    flow_wait(fake_count("coreldove", 0, "/body/data/customer_email", "undo1-b@example.com") > 0, 10);
    ck_assert_int_eq(conflict_operate(undo, NULL)->status, 409);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_conflicts WHERE entity_id = 'undo1'"), 1);
}
END_TEST

START_TEST(a_decision_whose_field_changed_since_is_not_taken_back)
{
    const char *id = conflict_of_user("undo2");

    conflict_operate(api_text("/sync/conflicts/%s/resolve", id), "{\"choose\":\"coreldove\"}");
    api_await(conflict_change("user_updated", "bizosaas", (int)pick_int(conflict_record("undo2"), "/version"),
                              "{\"id\":\"undo2\",\"email\":\"undo2-later@example.com\"}"),
              "completed");
    ck_assert_int_eq(conflict_operate(api_text("/sync/conflicts/%s/undo", id), "{}")->status, 409);
    pick_check(conflict_get(id), "/status", "resolved");
    pick_check(conflict_record("undo2"), "/data/email", "undo2-later@example.com");
}
END_TEST

/* ---- looked up ---- */

START_TEST(conflicts_are_listed_in_pages_by_status_and_type_and_tenants_never_meet)
{
    const char *id = conflict_of_user("list1"), *foreign = api_token("another", "admin");
    const struct json *page = api_found("/sync/conflicts?status=waiting&entity_type=user&limit=1");

    pick_check(page, "/conflicts/0/id", id);
    pick_equal(page, "/conflicts/0/open_fields", "[\"email\"]");
    conflict_of_user("list2");
    page = api_found("/sync/conflicts?status=waiting&limit=1");
    pick_check(page, "/conflicts/0/entity_id", "list2");
    page = api_found(
        api_text("/sync/conflicts?status=waiting&limit=1&cursor=%s", pick_text(page, "/next_cursor")));
    pick_check(page, "/conflicts/0/id", id);
    pick_equal(api_found("/sync/conflicts?entity_type=order"), "/conflicts", "[]");
    ck_assert_int_eq(api_get("/sync/conflicts?status=nonsense")->status, 422);
    ck_assert_int_eq(api_get("/sync/conflicts?entity_type=nonsense")->status, 422);
    ck_assert_int_eq(api_get("/sync/conflicts/nonsense")->status, 404);

    const char *url = api_text("/sync/conflicts/%s", id);
    ck_assert_int_eq(api_send(&(struct api_request){.url = url, .token = foreign})->status, 404);
    pick_equal(api_send(&(struct api_request){.url = "/sync/conflicts", .token = foreign})->json,
               "/conflicts", "[]");
    ck_assert_int_eq(api_send(&(struct api_request){.url = api_text("%s/resolve", url),
                                                    .token = foreign,
                                                    .body = "{\"choose\":\"bizoholic\"}"})
                         ->status,
                     404);
    ck_assert_int_eq(
        api_send(&(struct api_request){.method = "POST", .url = api_text("%s/undo", url), .token = foreign})
            ->status,
        404);
    pick_check(conflict_get(id), "/status", "waiting");
}
END_TEST

/* ---- money ---- */

START_TEST(money_keeps_its_currency_when_it_is_decided_and_when_that_is_taken_back)
{
    api_await(conflict_change(
                  "order_created", "bizosaas", 0,
                  "{\"id\":\"money1\",\"amount\":100,\"status\":\"pending\",\"items\":[{\"sku\":\"A\"}]}"),
              "completed");
    conflict_change("order_updated", "bizoholic", 1, "{\"id\":\"money1\",\"amount\":500}");
    conflict_change("order_updated", "coreldove", 1, "{\"order_id\":\"money1\",\"order_total\":83000}");
    const char *id = conflict_await("money1", "waiting");
    pick_equal(conflict_get(id), "/sides/1/currencies", "{\"amount\":\"INR\"}");
    const struct api_answer *answer =
        conflict_operate(api_text("/sync/conflicts/%s/resolve", id), "{\"choose\":\"coreldove\"}");
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    const struct json *record = api_found("/sync/records/order/money1");
    pick_equal(record, "/data",
               "{\"id\":\"money1\",\"amount\":83000,\"status\":\"pending\",\"items\":[{\"sku\":"
               "\"A\"}]}");
    pick_check(record, "/fields/amount/currency", "INR");
    flow_wait(strcmp(conflict_held("bizosaas", "order", "money1", "amount"), "1000.00") == 0, 10);

    ck_assert_int_eq(conflict_operate(api_text("/sync/conflicts/%s/undo", id), NULL)->status, 200);
    record = api_found("/sync/records/order/money1");
    pick_equal(record, "/data/amount", "500");
    pick_check(record, "/fields/amount/currency", "USD");
    flow_wait(strcmp(conflict_held("bizosaas", "order", "money1", "amount"), "500") == 0, 10);
}
END_TEST

/* ---- what if ---- */

static const struct api_answer *simulate(const char *policies, const char *more)
{
    return conflict_operate("/sync/conflicts/simulate", api_text("{\"policies\":\"%s\"%s}", policies, more));
}

START_TEST(a_simulation_tells_what_other_policies_would_have_made_of_it_and_writes_nothing)
{
    static const char *const others =
        "version = \\\"trial\\\"; policies: { user: { email = \\\"latest_wins\\\"; }; };";
    conflict_of_user("what1");
    conflict_of_user("what2");
    int64_t events = sql_int("SELECT count(*) FROM sync_events"),
            users = sql_int("SELECT count(*) FROM sync_conflicts WHERE entity_type = 'user'");
    const struct api_answer *answer = simulate(others, ",\"days\":1,\"entity_type\":\"user\"");

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    ck_assert_int_eq(pick_int(answer->json, "/examined"), users);
    ck_assert_int_eq(pick_int(answer->json, "/different"), users);
    ck_assert_int_eq(pick_int(answer->json, "/fields_different"), users); /* the names end as they did */
    ck_assert_int_eq(pick_int(answer->json, "/waited"), users);
    pick_equal(answer->json, "/would_wait", "0");
    pick_equal(answer->json, "/complete", "true");
    pick_check(answer->json, "/policies_version", "trial");
    pick_check(answer->json, "/examples/0/entity_id", "what2");
    pick_check(answer->json, "/examples/0/field", "email");
    pick_equal(answer->json, "/examples/0/was/waits", "true");
    pick_check(answer->json, "/examples/0/would_be/value", "what2-c@example.com");
    pick_check(answer->json, "/examples/0/would_be/policy", "latest_wins");
    answer = simulate("version = \\\"as they are\\\";", "");
    pick_equal(answer->json, "/different", "0");
    ck_assert_int_ge(pick_int(answer->json, "/examined"), users);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events"), events);
    pick_check(conflict_get(conflict_id("what1", "waiting")), "/status", "waiting");
}
END_TEST

START_TEST(policies_that_cannot_be_are_refused_with_their_line)
{
    static const struct {
        const char *policies, *more, *pointer, *detail;
    } rows[] = {
        {"version = \\\"x\\\";\\npolicies: { user: { emial = \\\"latest_wins\\\"; }; };", "", "/policies",
         "policies:2: "},
        {"version = ", "", "/policies", "policies:1: "},
        {"@include \\\"/etc/passwd\\\"", "", "/policies", "@include cannot be followed"},
        {"version = \\\"x\\\";", ",\"days\":0", "/days", "from 1 to"},
        {"version = \\\"x\\\";", ",\"entity_type\":\"shop\"", "/entity_type", "one of user"},
        {"version = \\\"x\\\";", ",\"nonsense\":0", "", "no member nonsense"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct api_answer *answer = simulate(rows[i].policies, rows[i].more);
        const char *detail = pick_text(answer->json, "/errors/0/detail");
        ck_assert_msg(answer->status == 422 && detail && strstr(detail, rows[i].detail), "%s: %d %s",
                      rows[i].policies, answer->status, answer->body);
        pick_check(answer->json, "/errors/0/pointer", rows[i].pointer);
    }
    ck_assert_int_eq(api_post("/sync/conflicts/simulate", "{\"policies\":\"\"}")->status, 403);
}
END_TEST

/* ---- syncctl ---- */

/* After tokens were made: what makes them takes the secret away. */
static void ctl_on_the_api(void)
{
    ctl_env("API_URL", stack_setting("API_URL"));
    ctl_env("JWT_SECRET", stack_setting("JWT_SECRET"));
    ctl_env("ENVIRONMENT", "development");
}

#define CTL_TENANT " --tenant " API_TENANT

START_TEST(syncctl_lists_shows_decides_and_takes_back)
{
    const char *id = conflict_of_user("ctl1");

    ctl_on_the_api();
    pick_check(ctl_json("conflicts list" CTL_TENANT " --type user --limit 1 --json"), "/conflicts/0/id", id);
    ctl_says(ctl("conflicts list" CTL_TENANT), id);
    const struct ctl_answer *shown = ctl("conflicts show %s" CTL_TENANT, id);
    ctl_says(shown, "user ctl1, waiting\n");
    ctl_says(shown, "\"ctl1-b@example.com\"");
    ctl_says(shown, "(waits)");
    const struct json *decided =
        ctl_json("conflicts resolve %s" CTL_TENANT " --fields email=coreldove --note 'by phone' --json", id);
    pick_check(decided, "/status", "resolved");
    pick_check(decided, "/decided_by", "syncctl");
    pick_check(decided, "/resolution_notes", "by phone");
    ctl_says(ctl("conflicts undo %s" CTL_TENANT, id), "user ctl1, undone\n");
    pick_check(ctl_json("records show user ctl1" CTL_TENANT " --json"), "/data/email", "ctl1-b@example.com");
}
END_TEST

START_TEST(syncctl_says_what_is_wrong_with_a_decision)
{
    static const struct {
        const char *arguments;
        int status;
        const char *said;
    } rows[] = {
        {"conflicts", 2, "say list, show, resolve, undo or simulate"},
        {"conflicts show" CTL_TENANT, 2, "needs the conflict's id"},
        {"conflicts resolve x" CTL_TENANT, 2, "needs one of --choose, --fields and --data"},
        {"conflicts resolve x" CTL_TENANT " --fields email", 1, "give FIELD=PLATFORM"},
        {"conflicts resolve x" CTL_TENANT " --data {", 1, "--data is not JSON"},
        {"conflicts list" CTL_TENANT " --choose a", 2, "--choose is no option of conflicts list"},
        {"conflicts list" CTL_TENANT " --status never", 1, "422: "},
        {"conflicts undo x" CTL_TENANT, 1, "404: There is no such conflict"},
    };
    ctl_on_the_api();
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct ctl_answer *answer = ctl("%s", rows[i].arguments);
        ck_assert_msg(answer->status == rows[i].status && strstr(answer->said, rows[i].said), "%s: %d %s",
                      rows[i].arguments, answer->status, answer->said);
    }
}
END_TEST

/* ---- while policies are away ---- */

static int64_t resolver_count(void)
{
    return sql_int("SELECT COALESCE(sum(waiting), 0)::bigint FROM stage_counts WHERE stage = 'resolver'");
}

START_TEST(without_the_resolver_a_person_decides_all_or_nothing_and_counters_stay_right)
{
    const char *const names[] = {"away1", "away2"};
    const char *urls[2];

    stack_stop("resolver");
    for (size_t i = 0; i < COUNT(names); i++) {
        api_await(conflict_change("user_created", "bizosaas", 0,
                                  api_text("{\"id\":\"%s\",\"email\":\"%s@example.com\",\"name\":\"Old\"}",
                                           names[i], names[i])),
                  "completed");
        conflict_change("user_updated", "bizoholic", 1,
                        api_text("{\"id\":\"%s\",\"name\":\"B\",\"phone\":\"1\"}", names[i]));
        conflict_change("user_updated", "coreldove", 1,
                        api_text("{\"id\":\"%s\",\"name\":\"C\",\"phone\":\"2\"}", names[i]));
        urls[i] = api_text("/sync/conflicts/%s/resolve", conflict_await(names[i], "open"));
    }
    ck_assert_int_eq(resolver_count(), 2);
    ck_assert_int_eq(conflict_operate(urls[0], "{\"fields\":{\"name\":\"bizoholic\"}}")->status, 409);
    const struct api_answer *answer = conflict_operate(urls[0], "{\"choose\":\"bizoholic\"}");
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    pick_check(answer->json, "/status", "resolved");
    pick_check(conflict_record("away1"), "/data/name", "B");
    ck_assert_int_eq(resolver_count(), 1);
    /* A third change takes both fields over: one conflict is left, with all sides. */
    conflict_change("user_updated", "bizosaas", 1, "{\"id\":\"away2\",\"name\":\"S\",\"phone\":\"3\"}");
    conflict_await("away2", "replaced");
    ck_assert_int_eq(resolver_count(), 1);
    ck_assert_uint_eq(json_count(pick(conflict_get(conflict_id("away2", "open")), "/sides")), 3);
    stack_start("resolver");
    pick_check(conflict_get(conflict_await("away2", "resolved")), "/result/name", "S");
    flow_wait(resolver_count() == 0, 10);
}
END_TEST

/* ---- without PostgreSQL ---- */

START_TEST(a_decision_is_503_within_a_second_while_postgres_hangs_and_is_made_afterwards)
{
    const char *id = conflict_of_user("hang1"), *url = api_text("/sync/conflicts/%s/resolve", id);

    conflict_operate("/sync/conflicts/simulate", "{}"); /* makes the token while there is time */
    postgres_hang(true);
    const struct api_answer *answer = conflict_operate(url, "{\"choose\":\"coreldove\"}");
    postgres_hang(false);
    ck_assert_msg(answer->status == 503, "%d %s", answer->status, answer->body);
    ck_assert_ptr_nonnull(api_header(answer, "Retry-After"));
    ck_assert_int_lt(answer->took_us, (int64_t)(1500000 * flow_patience()));
    flow_wait(conflict_operate(url, "{\"choose\":\"coreldove\"}")->status == 200, 10);
    pick_check(conflict_record("hang1"), "/data/email", "hang1-c@example.com");
}
END_TEST

int main(void)
{
    return flow_run(
        "conflicts", NULL,
        (const TTest *[]){
            two_names_at_once_are_resolved_by_the_latest_and_all_three_end_with_it,
            what_waits_for_a_person_is_not_sent_to_the_sides_while_all_else_is,
            of_two_persons_the_second_is_told_that_the_first_was_faster, a_person_may_say_what_no_side_says,
            what_is_wrong_with_a_decision_is_named, a_decision_is_taken_back_and_touches_its_own_fields_alone,
            a_decision_whose_field_changed_since_is_not_taken_back,
            conflicts_are_listed_in_pages_by_status_and_type_and_tenants_never_meet,
            money_keeps_its_currency_when_it_is_decided_and_when_that_is_taken_back,
            a_simulation_tells_what_other_policies_would_have_made_of_it_and_writes_nothing,
            policies_that_cannot_be_are_refused_with_their_line, syncctl_lists_shows_decides_and_takes_back,
            syncctl_says_what_is_wrong_with_a_decision,
            without_the_resolver_a_person_decides_all_or_nothing_and_counters_stay_right,
            a_decision_is_503_within_a_second_while_postgres_hangs_and_is_made_afterwards, NULL});
}
