/* flow_outcomes.c: what becomes of a delivery when the platform answers badly, late or not at all. */
#include "flow_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""

static const char *user(const char *type, const char *id, const char *name, int max_retries)
{
    return api_event(
        "{\"event_type\":\"user_%s\",\"source_platform\":\"bizoholic\",\"target_platforms\":[\"coreldove\"]"
        "," TENANT
        ",\"max_retries\":%d,\"data\":{\"user_id\":\"%s\",\"email\":\"%s@example.com\",\"name\":\"%s\"}}",
        type, max_retries, id, id, name);
}

/* A rule for deliveries about one record. */
static void fault(const char *platform, const char *id, const char *rest)
{
    fake_control(platform, api_text("{\"rules\":[{\"match\":{\"id\":\"%s\"},%s}]}", id, rest));
}

static int64_t deliveries(const char *event, const char *column)
{
    return sql_int("SELECT %s FROM deliveries WHERE event_id = '%s'", column, event);
}

static const char *attempts(const char *event)
{
    return sql_text("SELECT string_agg(outcome || COALESCE(' ' || http_status, '') || CASE WHEN costs THEN ' "
                    "costs' ELSE '' END, "
                    "', ' ORDER BY generation, sending) FROM sync_results WHERE event_id = '%s'",
                    event);
}

static void check_same_content(const struct json *first, const struct json *again)
{
    ck_assert_str_eq(pick_print(fake_content(pick(again, "/body"))),
                     pick_print(fake_content(pick(first, "/body"))));
}

/* Since 1970, by the clock of the database, which is this machine's here; drawn before it could arrive. */
static void check_start(const struct json *entry, int64_t not_before_ms)
{
    int64_t started_ms = pick_int(entry, "/body/data/_sync_metadata/started_at");

    ck_assert_int_ge(started_ms, not_before_ms);
    ck_assert_int_le(started_ms, pick_int(entry, "/time_us") / 1000 + 50);
}

/* ── again later ── */

START_TEST(a_503_is_sent_again_under_the_same_id_with_the_same_content_and_each_attempt_is_recorded)
{
    fault("coreldove", "o503", "\"status\":503,\"times\":2");
    const char *id = user("created", "o503", "A", 3);
    api_await(id, "completed");
    const struct json *first = fake_find("coreldove", 0, "/body/event_id", id, 0);
    const struct json *second = fake_find("coreldove", 0, "/body/event_id", id, 1);
    const struct json *third = fake_find("coreldove", 0, "/body/event_id", id, 2);

    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", id), 3);
    pick_check(second, "/headers/webhook-id", pick_text(first, "/headers/webhook-id"));
    pick_check(third, "/headers/webhook-id", pick_text(first, "/headers/webhook-id"));
    check_same_content(first, second);
    check_same_content(first, third);
    check_start(first, pick_int(first, "/time_us") / 1000 - 10000);
    check_start(second, pick_int(first, "/time_us") / 1000); /* each attempt draws it anew */
    check_start(third, pick_int(second, "/time_us") / 1000);
    ck_assert_str_eq(attempts(id), "retry 503 costs, retry 503 costs, delivered 200");
    ck_assert_int_eq(
        sql_int("SELECT (extract(epoch FROM at) * 1000)::bigint FROM sync_results WHERE event_id = "
                "'%s' AND sending = 2",
                id),
        pick_int(second, "/body/data/_sync_metadata/started_at"));
    ck_assert_int_eq(deliveries(id, "attempts"), 2);
    ck_assert_int_eq(deliveries(id, "sendings"), 3);
    /* RETRY_SCHEDULE 100ms,200ms with jitter between half and the whole of each */
    ck_assert_int_ge(pick_int(second, "/time_us") - pick_int(first, "/time_us"), 50000);
    ck_assert_int_ge(pick_int(third, "/time_us") - pick_int(second, "/time_us"), 100000);
    ck_assert_int_le(pick_int(third, "/time_us") - pick_int(first, "/time_us"),
                     (int64_t)(1000000 * flow_patience()));
}
END_TEST

START_TEST(max_retries_is_respected_and_the_dead_keeps_every_attempt)
{
    fault("coreldove", "omax", "\"status\":500");
    const char *id = user("created", "omax", "A", 1), *none = user("created", "omax0", "A", 0);
    api_await(id, "failed");
    api_await(none, "completed");
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", id), 2);
    ck_assert_str_eq(attempts(id), "retry 500 costs, retry 500 costs");
    fault("coreldove", "omax0", "\"status\":500");
    none = user("updated", "omax0", "B", 0);
    api_await(none, "failed");
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", none), 1);
}
END_TEST

START_TEST(a_rejected_delivery_is_dead_at_once_with_the_platforms_words)
{
    fault("coreldove", "o400", "\"status\":400,\"body\":\"{\\\"why\\\":\\\"no such shop\\\"}\"");
    const char *id = user("created", "o400", "A", 3);
    api_await(id, "failed");

    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", id), 1);
    ck_assert_str_eq(attempts(id), "dead 400");
    ck_assert_ptr_nonnull(
        strstr(sql_text("SELECT " SQL_BODY("excerpt") " FROM sync_results WHERE event_id = '%s'", id),
               "no such shop"));
}
END_TEST

START_TEST(a_retry_by_the_api_is_a_new_delivery_under_a_new_id_and_arrives)
{
    fault("coreldove", "oretry", "\"status\":422,\"times\":1");
    const char *id = user("created", "oretry", "A", 3);
    api_await(id, "failed");
    int64_t dead = sql_int("SELECT sum(dead) FROM stage_counts WHERE stage = 'worker-coreldove'");
    const struct api_answer *answer =
        api_send(&(struct api_request){.method = "POST",
                                       .url = api_text("/sync/events/%s/retry", id),
                                       .token = api_token(API_TENANT, "operator")});
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    api_await(id, "completed");
    const struct json *first = fake_find("coreldove", 0, "/body/event_id", id, 0);
    const struct json *second = fake_find("coreldove", 0, "/body/event_id", id, 1);
    ck_assert_str_ne(pick_text(first, "/headers/webhook-id"), pick_text(second, "/headers/webhook-id"));
    ck_assert_ptr_nonnull(fake_record("coreldove", "user", API_TENANT, "oretry"));
    ck_assert_int_eq(sql_int("SELECT sum(dead) FROM stage_counts WHERE stage = 'worker-coreldove'"),
                     dead - 1);
}
END_TEST

/* ── unknown ── */

static const struct {
    const char *id, *rule, *outcome;
    bool applied; /* the platform had taken it all the same */
} unknowns[] = {
    {"uhang", "\"action\":\"hang\",\"times\":1", "unknown costs", false},
    /* On a connection used before, without a byte of an answer, libcurl itself sends once more. */
    {"ureset", "\"action\":\"reset\",\"times\":1", NULL, false},
    {"uclose", "\"action\":\"close\",\"times\":1", NULL, false},
    {"umid", "\"action\":\"reset_mid_answer\",\"times\":1", "unknown", true},
    {"ucut", "\"action\":\"truncate\",\"times\":1", "unknown", true},
    {"uhuge", "\"action\":\"huge\",\"times\":1", "unknown 200 costs", true},
};

static void check_unknown(size_t i)
{
    const char *record = unknowns[i].id;

    fault("coreldove", record, unknowns[i].rule);
    const char *id = user("created", record, "A", 3);
    api_await(id, "completed");
    const struct json *first = fake_find("coreldove", 0, "/body/event_id", id, 0);
    const struct json *last = fake_find("coreldove", 0, "/body/event_id", id, 1);
    ck_assert_ptr_nonnull(last);
    pick_check(last, "/headers/webhook-id", pick_text(first, "/headers/webhook-id"));
    check_same_content(first, last);
    const char *all = attempts(id);
    ck_assert_msg(!unknowns[i].outcome ||
                      (all && strncmp(all, unknowns[i].outcome, strlen(unknowns[i].outcome)) == 0),
                  "%s: %s", record, all ? all : "none");
    pick_check(fake_record("coreldove", "user", API_TENANT, record), "/data/customer_name", "A");
    /* What was taken already answers 409 to the second create: it is updated then. */
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", id), unknowns[i].applied ? 3 : 2);
}

START_TEST(an_outcome_nobody_can_know_is_sent_again_under_the_same_id)
{
    for (size_t i = 0; i < COUNT(unknowns); i++)
        check_unknown(i);
}
END_TEST

START_TEST(what_an_unknown_outcome_may_have_changed_is_asserted_by_the_next_version)
{
    api_await(user("created", "uback", "A", 3), "completed");
    fault("coreldove", "uback", "\"action\":\"reset_mid_answer\"");
    const char *lost = user("updated", "uback", "B", 100);
    fake_await("coreldove", "/body/event_id", lost);
    pick_check(fake_record("coreldove", "user", API_TENANT, "uback"), "/data/customer_name", "B");
    const char *back = user("updated", "uback", "A", 100); /* what the platform certainly had */
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s'", back) == 1, 5);
    fake_control("coreldove", "{\"rules\":[]}");
    api_await(back, "completed");
    const struct json *sent = fake_find("coreldove", 0, "/body/event_id", back, 0);
    ck_assert_msg(sent != NULL, "not sent: %s", pick_print(api_look(back)));
    pick_check(sent, "/body/data/customer_name", "A");
    pick_check(fake_record("coreldove", "user", API_TENANT, "uback"), "/data/customer_name", "A");
}
END_TEST

/* No delivery told it of its own change: what it certainly has is what it had before that. */
START_TEST(what_a_platform_changed_and_another_one_set_back_is_sent_to_it)
{
    api_await(user("created", "uaba", "A", 3), "completed");
    api_await(
        api_event("{\"event_type\":\"user_updated\",\"source_platform\":\"coreldove\",\"target_platforms\":"
                  "[\"bizosaas\"]," TENANT ",\"data\":{\"customer_id\":\"uaba\",\"customer_name\":\"B\"},"
                  "\"base_version\":1}"),
        "completed");
    const char *back = api_event(
        "{\"event_type\":\"user_updated\",\"source_platform\":\"bizosaas\",\"target_platforms\":"
        "[\"coreldove\"]," TENANT ",\"data\":{\"user_id\":\"uaba\",\"user_name\":\"A\"},\"base_version\":2}");
    api_await(back, "completed");
    pick_check(fake_find("coreldove", 0, "/body/event_id", back, 0), "/body/data/customer_name", "A");
}
END_TEST

/* It may not come over that change: the newest version goes there instead. */
START_TEST(what_is_repeated_to_a_platform_gives_way_to_its_own_newer_change)
{
    api_await(user("created", "umove", "A", 3), "completed");
    fault("coreldove", "umove", "\"status\":503,\"times\":3");
    const char *id = user("updated", "umove", "B", 10);
    fake_await("coreldove", "/body/event_id", id);
    const char *other =
        api_event("{\"event_type\":\"user_updated\",\"source_platform\":\"coreldove\",\"target_platforms\":"
                  "[\"bizosaas\"],\"base_version\":2," TENANT
                  ",\"data\":{\"customer_id\":\"umove\",\"customer_name\":\"C\"}}");
    api_await(other, "completed");
    api_await(id, "completed");
    flow_wait(sql_int("SELECT count(*) FROM deliveries d JOIN sync_events e ON e.id = d.event_id "
                      "WHERE e.id = '%s' AND d.target = 'coreldove' AND d.state = 2",
                      other) == 1,
              10);
    pick_check(fake_record("coreldove", "user", API_TENANT, "umove"), "/data/customer_name", "C");
}
END_TEST

/* ── there already, not there ── */

START_TEST(a_create_of_what_is_there_becomes_an_update)
{
    const char *body = "{\"event_id\":\"x\",\"tenant_id\":\"" API_TENANT
                       "\",\"data\":{\"customer_id\":\"there\",\"customer_name\":\"Old\"}}";
    api_send(&(struct api_request){
        .url = api_text("%s/api/sync/user/create", fake_url("coreldove")), .body = body, .token = ""});
    const char *id = user("created", "there", "New", 0);
    api_await(id, "completed");
    pick_check(fake_find("coreldove", 0, "/body/event_id", id, 0), "/path", "/api/sync/user/create");
    pick_check(fake_find("coreldove", 0, "/body/event_id", id, 1), "/path", "/api/sync/user/update");
    pick_check(fake_record("coreldove", "user", API_TENANT, "there"), "/data/customer_name", "New");
}
END_TEST

START_TEST(an_update_of_what_is_not_there_becomes_a_create_with_everything)
{
    api_await(user("created", "gone", "A", 0), "completed");
    fake_reset("coreldove");
    const char *id = user("updated", "gone", "B", 0);
    api_await(id, "completed");
    const struct json *create = fake_find("coreldove", 0, "/body/event_id", id, 1);
    pick_check(create, "/path", "/api/sync/user/create");
    pick_check(create, "/body/data/customer_email", "gone@example.com");
    pick_check(fake_record("coreldove", "user", API_TENANT, "gone"), "/data/customer_name", "B");
}
END_TEST

/* ── order ── */

START_TEST(one_record_that_fails_holds_up_only_itself)
{
    fault("coreldove", "held", "\"status\":500");
    const char *held = user("created", "held", "A", 100), *others[20];
    fake_await("coreldove", "/body/event_id", held);
    for (int i = 0; i < 20; i++)
        others[i] = user("created", api_text("free%d", i), "A", 0);
    for (int i = 0; i < 20; i++)
        api_await(others[i], "completed");
    ck_assert_str_eq(api_status(held), "retry");
    fake_control("coreldove", "{\"rules\":[]}");
    api_await(held, "completed");
}
END_TEST

START_TEST(versions_that_pile_up_while_a_record_backs_off_collapse_into_one_delivery)
{
    const char *events[10];

    fault("coreldove", "pile", "\"status\":503,\"retry_after\":\"2\",\"times\":1");
    events[0] = user("created", "pile", "v0", 3);
    fake_await("coreldove", "/body/event_id", events[0]);
    for (int i = 1; i < 10; i++)
        events[i] = user("updated", "pile", api_text("v%d", i), 3);
    for (int i = 0; i < 10; i++)
        api_await(events[i], "completed");
    for (int i = 0; i < 9; i++) {
        ck_assert_int_eq(deliveries(events[i], "state"), 3); /* superseded */
        ck_assert_str_eq(sql_text("SELECT covered_by FROM deliveries WHERE event_id = '%s'", events[i]),
                         events[9]);
        ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", events[i]), i == 0 ? 1 : 0);
    }
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", events[9]), 1);
    pick_check(fake_record("coreldove", "user", API_TENANT, "pile"), "/data/customer_name", "v9");
    pick_equal(fake_record("coreldove", "user", API_TENANT, "pile"), "/version", "10");
}
END_TEST

START_TEST(updates_of_one_record_arrive_in_order_under_delays_and_failures)
{
    const char *last = NULL;

    fake_control("coreldove", "{\"rules\":[{\"match\":{\"id\":\"order\",\"every\":3},\"delay_ms\":90},"
                              "{\"match\":{\"id\":\"order\",\"every\":7},\"status\":503},"
                              "{\"match\":{\"id\":\"order\",\"every\":2},\"delay_ms\":20}]}");
    int64_t out_of_order = pick_int(fake_summary("coreldove"), "/out_of_order");
    for (int i = 0; i < 50; i++)
        last = user(i ? "updated" : "created", "order", api_text("n%d", i), 100);
    api_await(last, "completed");
    ck_assert_int_eq(pick_int(fake_summary("coreldove"), "/out_of_order"), out_of_order);
    pick_check(fake_record("coreldove", "user", API_TENANT, "order"), "/data/customer_name", "n49");
    pick_equal(fake_record("coreldove", "user", API_TENANT, "order"), "/version", "50");
    flow_wait(sql_int("SELECT count(*) FROM deliveries d JOIN sync_events e ON e.id = d.event_id "
                      "WHERE e.entity_id = 'order' AND d.state NOT IN (2, 3)") == 0,
              5);
}
END_TEST

START_TEST(every_operational_event_is_sent_in_order_and_without_waiting_for_the_next_comparison)
{
    const char *events[30];
    int64_t began = clock_mono_ms();

    for (int i = 0; i < 30; i++)
        events[i] = api_event("{\"event_type\":\"system_health\",\"source_platform\":\"bizosaas\",\"target_"
                              "platforms\":[\"coreldove\"]," TENANT ",\"data\":{\"n\":%d}}",
                              i);
    for (int i = 0; i < 30; i++)
        api_await(events[i], "completed");
    ck_assert_int_lt(clock_mono_ms() - began, (int64_t)(5000 * flow_patience()));
    for (int i = 1; i < 30; i++)
        ck_assert_int_lt(pick_int(fake_find("coreldove", 0, "/body/event_id", events[i - 1], 0), "/seq"),
                         pick_int(fake_find("coreldove", 0, "/body/event_id", events[i], 0), "/seq"));
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=100ms,200ms", "REQUEST_TIMEOUT=600ms",
                                      "SYNC_INTERVAL_SECONDS=10s", NULL};
    static const struct stack_options options = {.env = env};

    return flow_run(
        "outcomes", &options,
        (const TTest *[]){
            a_503_is_sent_again_under_the_same_id_with_the_same_content_and_each_attempt_is_recorded,
            max_retries_is_respected_and_the_dead_keeps_every_attempt,
            a_rejected_delivery_is_dead_at_once_with_the_platforms_words,
            a_retry_by_the_api_is_a_new_delivery_under_a_new_id_and_arrives,
            an_outcome_nobody_can_know_is_sent_again_under_the_same_id,
            what_an_unknown_outcome_may_have_changed_is_asserted_by_the_next_version,
            what_a_platform_changed_and_another_one_set_back_is_sent_to_it,
            what_is_repeated_to_a_platform_gives_way_to_its_own_newer_change,
            a_create_of_what_is_there_becomes_an_update,
            an_update_of_what_is_not_there_becomes_a_create_with_everything,
            one_record_that_fails_holds_up_only_itself,
            versions_that_pile_up_while_a_record_backs_off_collapse_into_one_delivery,
            updates_of_one_record_arrive_in_order_under_delays_and_failures,
            every_operational_event_is_sent_in_order_and_without_waiting_for_the_next_comparison, NULL});
}
