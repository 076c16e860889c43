/*
 * flow_conflicts.c: platforms that change the same record at once: what policies decide, what waits for a person, and what people do
 * with it, through the API and syncctl. Ids differ from claim to claim, so that they share one stack.
 */
#include "ctl_fixture.h"
#include "flow_fixture.h"

#define TO_ALL "\"bizoholic\",\"coreldove\",\"bizosaas\""

static const char *change(const char *type, const char *source, int base_version, const char *data)
{
    const char *base = base_version ? api_text("\"base_version\":%d,", base_version) : "";

    return api_event("{\"event_type\":\"%s\",\"source_platform\":\"%s\",\"target_platforms\":[" TO_ALL
                     "],\"tenant_id\":\"" API_TENANT "\",%s\"data\":%s}",
                     type, source, base, data);
}

static const struct api_answer *operate(const char *url, const char *body)
{
    return api_send(&(struct api_request){
        .method = "POST", .url = url, .token = api_token(API_TENANT, "operator"), .body = body});
}

/* 200, and the answer. */
static const struct json *look_up(const char *url)
{
    const struct api_answer *answer = api_get("%s", url);

    ck_assert_msg(answer->status == 200, "%s: %d %s", url, answer->status, answer->body);
    return answer->json;
}

static const char *id_of(const char *entity_id, const char *status)
{
    return sql_text("SELECT id FROM sync_conflicts WHERE entity_id = '%s' AND status = '%s'", entity_id,
                    status);
}

/* Its id, once a conflict of the record has this status. */
static const char *await_conflict(const char *entity_id, const char *status)
{
    flow_wait(id_of(entity_id, status), 10);
    return id_of(entity_id, status);
}

static const struct json *conflict_of(const char *id)
{
    return look_up(api_text("/sync/conflicts/%s", id));
}

static const char *held(const char *platform, const char *entity, const char *id, const char *field)
{
    const struct json *record = fake_record(platform, entity, API_TENANT, id);
    const char *text = pick_text(record, api_text("/data/%s", field));

    return text ? text : "";
}

static bool all_hold(const char *entity, const char *id, const char *const names[3], const char *value)
{
    static const char *const platforms[] = {"bizoholic", "coreldove", "bizosaas"};

    for (size_t i = 0; i < 3; i++)
        if (strcmp(held(platforms[i], entity, id, names[i]), value) != 0)
            return false;
    return true;
}

/* A user that all three have; then bizoholic and coreldove change e-mail and name at once. The conflict that waits. */
static const char *contested_user(const char *id)
{
    const char *first =
        change("user_created", "bizosaas", 0,
               api_text("{\"id\":\"%s\",\"email\":\"%s@example.com\",\"name\":\"Old\"}", id, id));

    api_await(first, "completed");
    api_await(change("user_updated", "bizoholic", 1,
                     api_text("{\"id\":\"%s\",\"email\":\"%s-b@example.com\",\"name\":\"B\"}", id, id)),
              "completed");
    change(
        "user_updated", "coreldove", 1,
        api_text("{\"id\":\"%s\",\"email\":\"%s-c@example.com\",\"name\":\"C\",\"phone\":\"+911\"}", id, id));
    return await_conflict(id, "waiting");
}

static const struct json *rule_of(const struct json *conflict, const char *field)
{
    const struct json *fields = pick(conflict, "/fields");

    for (size_t i = 0; i < json_count(fields); i++)
        if (strcmp(pick_text(json_at(fields, i), "/field"), field) == 0)
            return json_at(fields, i);
    ck_abort_msg("%s is not told of", field);
}

static const struct json *record_of(const char *id)
{
    return look_up(api_text("/sync/records/user/%s", id));
}

/* ---- decided by policies ---- */

START_TEST(two_names_at_once_are_resolved_by_the_latest_and_all_three_end_with_it)
{
    static const char *const names[] = {"contact_name", "name", "name"};

    api_await(
        change("lead_created", "bizosaas", 0,
               "{\"id\":\"lead1\",\"email\":\"lead1@example.com\",\"status\":\"new\",\"name\":\"Old\"}"),
        "completed");
    const char *b = change("lead_updated", "bizoholic", 1, "{\"id\":\"lead1\",\"name\":\"From B\"}");
    const char *c = change("lead_updated", "coreldove", 1, "{\"id\":\"lead1\",\"name\":\"From C\"}");
    const struct json *conflict = conflict_of(await_conflict("lead1", "resolved"));

    pick_check(conflict, "/entity_type", "lead");
    pick_check(conflict, "/decided_by", "resolver");
    pick_equal(conflict, "/base", "{\"name\":\"Old\"}");
    pick_equal(conflict, "/result", "{\"name\":\"From C\"}");
    pick_check(rule_of(conflict, "name"), "/policy", "latest_wins");
    pick_check(rule_of(conflict, "name"), "/chosen", "coreldove");
    pick_equal(conflict, "/confidence_score", "0.9");
    pick_check(conflict, "/strategy_used", "latest_wins");
    pick_equal(conflict, "/requires_manual_review", "false");
    pick_equal(conflict, "/applied_rules", "[\"name: latest_wins\"]");
    pick_check(conflict, "/sides/0/platform", "bizoholic");
    pick_check(conflict, "/sides/0/event_id", b);
    pick_equal(conflict, "/sides/0/version", "2");
    pick_equal(conflict, "/sides/0/data", "{\"name\":\"From B\"}");
    pick_check(conflict, "/sides/1/event_id", c);
    flow_wait(all_hold("lead", "lead1", names, "From C"), 10);
}
END_TEST

/* ---- decided by a person ---- */

START_TEST(what_waits_for_a_person_is_not_sent_to_the_sides_while_all_else_is)
{
    const char *id = contested_user("wait1");
    const struct json *conflict = conflict_of(id);

    pick_check(rule_of(conflict, "email"), "/policy", "manual_review");
    pick_equal(rule_of(conflict, "email"), "/waits", "true");
    pick_equal(rule_of(conflict, "name"), "/waits", "false");
    pick_equal(conflict, "/result", "{\"name\":\"C\"}");
    pick_equal(conflict, "/confidence_score", "0");
    pick_equal(conflict, "/requires_manual_review", "true");
    ck_assert_ptr_nonnull(pick_text(conflict, "/resolution_notes"));
    flow_wait(strcmp(held("bizoholic", "user", "wait1", "full_name"), "C") == 0, 10);
    flow_wait(strcmp(held("bizoholic", "user", "wait1", "phone_number"), "+911") == 0, 10);
    ck_assert_uint_eq(fake_count("bizoholic", 0, "/body/data/email_address", "wait1-c@example.com"), 0);
    pick_check(record_of("wait1"), "/data/email", "wait1-b@example.com");

    const struct api_answer *answer = operate(api_text("/sync/conflicts/%s/resolve", id),
                                              "{\"choose\":\"coreldove\",\"note\":\"by telephone\"}");
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    pick_check(answer->json, "/status", "resolved");
    pick_equal(answer->json, "/applied", "true");
    pick_check(answer->json, "/resolution_notes", "by telephone");
    pick_equal(answer->json, "/result", "{\"email\":\"wait1-c@example.com\",\"name\":\"C\"}");
    pick_check(rule_of(answer->json, "email"), "/chosen", "coreldove");
    pick_check(record_of("wait1"), "/data/email", "wait1-c@example.com");
    flow_wait(fake_count("bizoholic", 0, "/body/data/email_address", "wait1-c@example.com") > 0, 10);
}
END_TEST

START_TEST(of_two_persons_the_second_is_told_that_the_first_was_faster)
{
    const char *id = contested_user("race1"), *url = api_text("/sync/conflicts/%s/resolve", id);
    const char *token = api_token(API_TENANT, "operator");
    const struct api_request both[] = {
        {.url = url, .token = token, .body = "{\"fields\":{\"email\":\"bizoholic\"}}"},
        {.url = url, .token = token, .body = "{\"fields\":{\"email\":\"coreldove\"}}"}};
    const struct api_answer *answers[2];

    api_send_together(both, answers, 2);
    ck_assert_int_eq(answers[0]->status + answers[1]->status, 200 + 409);
    size_t first = answers[0]->status == 200 ? 0 : 1;
    pick_check(record_of("race1"), "/data/email", first == 0 ? "race1-b@example.com" : "race1-c@example.com");
    ck_assert_int_eq(operate(url, "{\"choose\":\"bizoholic\"}")->status, 409);
    ck_assert_int_eq(operate(url, "{\"data\":{\"email\":\"new@example.com\"}}")->status, 409);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE by_person AND entity_id = 'race1'"), 1);
}
END_TEST

START_TEST(a_person_may_say_what_no_side_says)
{
    const char *url = api_text("/sync/conflicts/%s/resolve", contested_user("merge1"));
    const struct api_answer *answer = operate(url, "{\"data\":{\"email\":\"merge1@example.net\"}}");

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    pick_equal(rule_of(answer->json, "email"), "/chosen", "null");
    pick_check(record_of("merge1"), "/data/email", "merge1@example.net");
    pick_check(record_of("merge1"), "/fields/email/origin", "service");
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
    const char *id = contested_user("bad1"), *url = api_text("/sync/conflicts/%s/resolve", id);

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct api_answer *answer = operate(url, rows[i].body);
        const char *pointer = pick_text(answer->json, "/errors/0/pointer");
        ck_assert_msg(answer->status == rows[i].status &&
                          (!rows[i].pointer || (pointer && strcmp(pointer, rows[i].pointer) == 0)),
                      "%s: %d %s", rows[i].body, answer->status, answer->body);
    }
    pick_check(conflict_of(id), "/status", "waiting");
    ck_assert_int_eq(api_post(url, "{\"choose\":\"bizoholic\"}")->status, 403);
}
END_TEST

/* ---- taken back ---- */

START_TEST(a_decision_is_taken_back_and_touches_its_own_fields_alone)
{
    const char *id = contested_user("undo1"), *undo = api_text("/sync/conflicts/%s/undo", id);

    ck_assert_int_eq(operate(undo, NULL)->status, 409); /* it waits */
    operate(api_text("/sync/conflicts/%s/resolve", id), "{\"choose\":\"coreldove\"}");
    api_await(change("user_updated", "bizosaas", (int)pick_int(record_of("undo1"), "/version"),
                     "{\"id\":\"undo1\",\"phone\":\"+922\"}"),
              "completed");
    const struct api_answer *answer = operate(undo, "{\"note\":\"wrong person\"}");
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    pick_check(answer->json, "/status", "undone");
    pick_equal(answer->json, "/applied", "true");
    const struct json *record = record_of("undo1");
    pick_check(record, "/data/email", "undo1-b@example.com");
    pick_check(record, "/data/name", "B");
    pick_check(record, "/data/phone", "+922");
    flow_wait(fake_count("coreldove", 0, "/body/data/customer_email", "undo1-b@example.com") > 0, 10);
    ck_assert_int_eq(operate(undo, NULL)->status, 409);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_conflicts WHERE entity_id = 'undo1'"), 1);
}
END_TEST

START_TEST(a_decision_whose_field_changed_since_is_not_taken_back)
{
    const char *id = contested_user("undo2");

    operate(api_text("/sync/conflicts/%s/resolve", id), "{\"choose\":\"coreldove\"}");
    api_await(change("user_updated", "bizosaas", (int)pick_int(record_of("undo2"), "/version"),
                     "{\"id\":\"undo2\",\"email\":\"undo2-later@example.com\"}"),
              "completed");
    ck_assert_int_eq(operate(api_text("/sync/conflicts/%s/undo", id), "{}")->status, 409);
    pick_check(conflict_of(id), "/status", "resolved");
    pick_check(record_of("undo2"), "/data/email", "undo2-later@example.com");
}
END_TEST

/* ---- looked up ---- */

START_TEST(conflicts_are_listed_in_pages_by_status_and_type_and_tenants_never_meet)
{
    const char *id = contested_user("list1"), *foreign = api_token("another", "admin");
    const struct json *page = look_up("/sync/conflicts?status=waiting&entity_type=user&limit=1");

    pick_check(page, "/conflicts/0/id", id);
    pick_equal(page, "/conflicts/0/open_fields", "[\"email\"]");
    contested_user("list2");
    page = look_up("/sync/conflicts?status=waiting&limit=1");
    pick_check(page, "/conflicts/0/entity_id", "list2");
    page = look_up(
        api_text("/sync/conflicts?status=waiting&limit=1&cursor=%s", pick_text(page, "/next_cursor")));
    pick_check(page, "/conflicts/0/id", id);
    pick_equal(look_up("/sync/conflicts?entity_type=order"), "/conflicts", "[]");
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
    pick_check(conflict_of(id), "/status", "waiting");
}
END_TEST

int main(void)
{
    return flow_run(
        "conflicts", NULL,
        (const TTest *[]){two_names_at_once_are_resolved_by_the_latest_and_all_three_end_with_it,
                          what_waits_for_a_person_is_not_sent_to_the_sides_while_all_else_is,
                          of_two_persons_the_second_is_told_that_the_first_was_faster,
                          a_person_may_say_what_no_side_says, what_is_wrong_with_a_decision_is_named,
                          a_decision_is_taken_back_and_touches_its_own_fields_alone,
                          a_decision_whose_field_changed_since_is_not_taken_back,
                          conflicts_are_listed_in_pages_by_status_and_type_and_tenants_never_meet, NULL});
}
