/*
 * flow_event.c: what becomes of one event: who receives what, and what the books say afterwards. Ids differ from claim to claim,
 * so that they share one stack.
 */
#include "flow_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""
#define FROM_BIZOHOLIC "\"source_platform\":\"bizoholic\"," TENANT
#define TO_BOTH "\"target_platforms\":[\"coreldove\",\"bizosaas\"]"
#define TO_CORELDOVE "\"target_platforms\":[\"coreldove\"]"

static const char *user_event(const char *type, const char *targets, const char *data)
{
    return api_event("{\"event_type\":\"%s\"," FROM_BIZOHOLIC ",%s,\"data\":%s}", type, targets, data);
}

static struct json *result_for(const struct json *event, const char *target)
{
    const struct json *results = pick(event, "/results");

    for (size_t i = 0; i < json_count(results); i++)
        if (strcmp(pick_text(json_at(results, i), "/target_platform"), target) == 0)
            return json_at(results, i);
    ck_abort_msg("no result for %s in %s", target, pick_print(event));
}

static void check_delivered(const struct json *event, const char *target)
{
    const struct json *result = result_for(event, target);

    pick_check(result, "/status", "completed");
    pick_equal(result, "/success", "true");
}

/* ── the README's event ── */

static const char *readme_event(void)
{
    return user_event("user_created", TO_BOTH,
                      "{\"user_id\":\"user123\",\"email\":\"user@example.com\",\"name\":\"John Doe\"}");
}

START_TEST(the_readmes_event_arrives_at_both_targets_in_their_own_names)
{
    const char *id = readme_event();
    const struct json *coreldove = fake_await("coreldove", "/body/event_id", id);
    const struct json *bizosaas = fake_await("bizosaas", "/body/event_id", id);

    pick_check(coreldove, "/path", "/api/sync/user/create");
    pick_check(coreldove, "/body/data/customer_id", "user123");
    pick_check(coreldove, "/body/data/customer_email", "user@example.com");
    pick_check(coreldove, "/body/data/customer_name", "John Doe");
    pick_equal(coreldove, "/body/data/email", "absent");
    pick_equal(coreldove, "/body/data/_platform_context",
               "{\"currency\":\"INR\",\"locale\":\"en-IN\",\"timezone\":\"Asia/Kolkata\"}");
    pick_check(bizosaas, "/path", "/api/sync/user/create");
    pick_check(bizosaas, "/body/data/user_id", "user123");
    pick_check(bizosaas, "/body/data/user_email", "user@example.com");
    pick_check(bizosaas, "/body/data/user_name", "John Doe");
    pick_equal(bizosaas, "/body/data/_platform_context",
               "{\"currency\":\"USD\",\"locale\":\"en-US\",\"timezone\":\"UTC\"}");
    pick_check(bizosaas, "/body/event_type", "user_created");
    pick_check(bizosaas, "/body/source_platform", "bizoholic");
    pick_check(bizosaas, "/body/tenant_id", API_TENANT);
    pick_equal(bizosaas, "/body/user_id", "null");
}
END_TEST

START_TEST(a_delivery_tells_where_it_came_from)
{
    const char *id = user_event("user_created", TO_CORELDOVE,
                                "{\"id\":\"meta1\",\"email\":\"m@example.com\",\"name\":\"M\"}");
    const struct json *got = fake_await("coreldove", "/body/event_id", id);
    const char *record = sql_text("SELECT id FROM records WHERE entity_id = 'meta1'");

    pick_check(got, "/body/data/_sync_metadata/source_platform", "bizoholic");
    pick_check(got, "/body/data/_sync_metadata/synced_from", "bizoholic");
    pick_check(got, "/body/data/_sync_metadata/target_platform", "coreldove");
    pick_check(got, "/body/data/_sync_metadata/event_id", id);
    pick_check(got, "/body/data/_sync_metadata/record_id", record);
    pick_check(got, "/body/data/_sync_metadata/version", "1");
    ck_assert(pick_text(got, "/body/data/_sync_metadata/sync_timestamp") != NULL);
    ck_assert(pick_text(got, "/body/data/_sync_metadata/transformed_at") != NULL);
    ck_assert(pick_text(got, "/headers/webhook-id") != NULL);
    pick_check(got, "/headers/authorization", "Bearer");
}
END_TEST

START_TEST(an_event_is_completed_with_one_result_per_target)
{
    const struct json *event = api_await(
        user_event("user_created", TO_BOTH, "{\"id\":\"done1\",\"email\":\"d@example.com\",\"name\":\"D\"}"),
        "completed");

    ck_assert_uint_eq(json_count(pick(event, "/results")), 2);
    check_delivered(event, "coreldove");
    check_delivered(event, "bizosaas");
    ck_assert(pick_text(event, "/event/processed_at") != NULL);
}
END_TEST

START_TEST(the_books_have_the_record_its_version_and_what_each_platform_has)
{
    const char *id =
        user_event("user_created", TO_BOTH, "{\"id\":\"books1\",\"email\":\"b@example.com\",\"name\":\"B\"}");

    api_await(id, "completed");
    const char *record =
        sql_text("SELECT id FROM records WHERE tenant_id = '%s' AND entity_type = 'user' AND "
                 "entity_id = 'books1' AND version = 1 AND NOT deleted",
                 API_TENANT);
    ck_assert_msg(record != NULL, "there is no record");
    ck_assert_str_eq(
        sql_text("SELECT " SQL_BODY("data") "::jsonb ->> 'email' FROM records WHERE id = '%s'", record),
        "b@example.com");
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM record_versions WHERE record_id = '%s' AND version = 1 AND "
                "source = 'bizoholic' AND event_id = '%s'",
                record, id),
        1);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM record_platforms WHERE record_id = '%s' AND state = 'present' AND "
                "certain_version = 1 AND platform IN ('coreldove', 'bizosaas') AND "
                "platform_id LIKE platform || '-user-%%'",
                record),
        2);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s' AND state = 2 AND sendings = 1", id),
        2);
}
END_TEST

/* ── later changes ── */

START_TEST(an_update_sends_the_difference_and_what_is_required)
{
    api_await(user_event("user_created", TO_BOTH,
                         "{\"id\":\"diff1\",\"email\":\"d@example.com\",\"name\":\"Old\",\"phone\":\"1\","
                         "\"city\":\"Pune\"}"),
              "completed");
    const char *id =
        user_event("user_updated", TO_BOTH, "{\"id\":\"diff1\",\"name\":\"New\",\"city\":\"Pune\"}");
    const struct json *got = fake_await("coreldove", "/body/event_id", id);

    pick_check(got, "/path", "/api/sync/user/update");
    pick_check(got, "/body/data/customer_id", "diff1");
    pick_check(got, "/body/data/customer_name", "New");
    pick_check(got, "/body/data/customer_email", "d@example.com");
    pick_equal(got, "/body/data/customer_phone", "absent");
    pick_equal(got, "/body/data/city", "absent");
    pick_equal(got, "/body/data/_sync_metadata/changed_fields", "[\"customer_name\"]");
    pick_check(got, "/body/data/_sync_metadata/version", "2");
    api_await(id, "completed");
    pick_equal(fake_record("coreldove", "user", API_TENANT, "diff1"), "/data/customer_phone", "\"1\"");
}
END_TEST

START_TEST(an_update_that_changes_nothing_is_skipped)
{
    const char *data = "{\"id\":\"same1\",\"email\":\"s@example.com\",\"name\":\"S\"}";
    api_await(user_event("user_created", TO_CORELDOVE, data), "completed");
    const char *id = user_event("user_updated", TO_CORELDOVE, data);
    const struct json *event = api_await(id, "completed");

    pick_check(result_for(event, "coreldove"), "/status", "skipped");
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", id), 0);
}
END_TEST

START_TEST(an_explicit_null_clears_a_field)
{
    api_await(user_event("user_created", TO_CORELDOVE,
                         "{\"id\":\"null1\",\"email\":\"n@example.com\",\"name\":\"N\",\"phone\":\"1\"}"),
              "completed");
    const char *id = user_event("user_updated", TO_CORELDOVE, "{\"id\":\"null1\",\"phone\":null}");

    pick_equal(fake_await("coreldove", "/body/event_id", id), "/body/data/customer_phone", "null");
}
END_TEST

START_TEST(a_deletion_arrives_and_leaves_a_tombstone)
{
    api_await(
        user_event("user_created", TO_BOTH, "{\"id\":\"gone1\",\"email\":\"g@example.com\",\"name\":\"G\"}"),
        "completed");
    const char *id = user_event("user_deleted", TO_BOTH, "{\"id\":\"gone1\"}");
    const struct json *event = api_await(id, "completed");

    check_delivered(event, "coreldove");
    pick_check(fake_await("coreldove", "/body/event_id", id), "/path", "/api/sync/user/delete");
    pick_check(fake_await("bizosaas", "/body/event_id", id), "/body/data/user_id", "gone1");
    pick_equal(fake_record("bizosaas", "user", API_TENANT, "gone1"), "/deleted", "true");
    ck_assert_str_eq(sql_text("SELECT deleted FROM records WHERE entity_id = 'gone1'"), "t");
    ck_assert_str_eq(
        sql_text("SELECT string_agg(DISTINCT p.state, ',') FROM record_platforms p JOIN records r ON "
                 "r.id = p.record_id WHERE r.entity_id = 'gone1'"),
        "deleted");
}
END_TEST

/* The platform may have it from before: it is asked to update first, and its 404 makes that a create. */
static const struct json *check_created_after_404(const char *platform, const char *id)
{
    const struct json *update = fake_await(platform, "/body/event_id", id);
    const struct json *create = fake_await_nth(platform, "/body/event_id", id, 1);

    pick_check(update, "/path", "/api/sync/user/update");
    ck_assert_int_eq(pick_int(update, "/status"), 404);
    pick_check(create, "/path", "/api/sync/user/create");
    ck_assert_int_eq(pick_int(create, "/status"), 200);
    pick_check(create, "/headers/webhook-id", pick_text(update, "/headers/webhook-id"));
    check_delivered(api_await(id, "completed"), platform);
    return create;
}

START_TEST(an_update_of_an_unknown_record_creates_it)
{
    const char *id = user_event("user_updated", TO_CORELDOVE,
                                "{\"id\":\"new1\",\"email\":\"n@example.com\",\"name\":\"N\"}");

    pick_check(check_created_after_404("coreldove", id), "/body/data/customer_id", "new1");
}
END_TEST

START_TEST(an_update_creates_the_record_at_a_platform_that_never_had_it)
{
    api_await(user_event("user_created", TO_CORELDOVE,
                         "{\"id\":\"later1\",\"email\":\"l@example.com\",\"name\":\"L\",\"phone\":\"7\"}"),
              "completed");
    const char *id = user_event("user_updated", "\"target_platforms\":[\"bizosaas\"]",
                                "{\"id\":\"later1\",\"name\":\"L2\"}");
    const struct json *create = check_created_after_404("bizosaas", id);

    pick_check(create, "/body/data/user_name", "L2");
    pick_check(create, "/body/data/user_email", "l@example.com");
    pick_check(create, "/body/data/user_phone", "7");
}
END_TEST

START_TEST(a_create_of_what_the_platform_has_already_becomes_an_update)
{
    const struct api_answer *there = api_send(&(struct api_request){
        .url = api_text("%s/api/sync/user/create", fake_url("coreldove")),
        .token = "",
        .body = "{\"tenant_id\":\"" API_TENANT
                "\",\"data\":{\"customer_id\":\"there1\",\"customer_name\":\"Theirs\"}}"});
    ck_assert_int_eq(there->status, 200);
    const char *id = user_event("user_created", TO_CORELDOVE,
                                "{\"id\":\"there1\",\"email\":\"t@example.com\",\"name\":\"Ours\"}");

    check_delivered(api_await(id, "completed"), "coreldove");
    const struct json *create = fake_await("coreldove", "/body/event_id", id);
    const struct json *update = fake_await_nth("coreldove", "/body/event_id", id, 1);
    pick_check(create, "/path", "/api/sync/user/create");
    ck_assert_int_eq(pick_int(create, "/status"), 409);
    pick_check(update, "/path", "/api/sync/user/update");
    pick_equal(fake_record("coreldove", "user", API_TENANT, "there1"), "/data/customer_name", "\"Ours\"");
}
END_TEST

/* ── targets ── */

START_TEST(the_source_among_the_targets_is_skipped)
{
    const char *id = user_event("user_created", "\"target_platforms\":[\"bizoholic\",\"coreldove\"]",
                                "{\"id\":\"src1\",\"email\":\"s@example.com\",\"name\":\"S\"}");
    const struct json *event = api_await(id, "completed");

    check_delivered(event, "coreldove");
    pick_check(result_for(event, "bizoholic"), "/status", "skipped");
    ck_assert_uint_eq(fake_count("bizoholic", 0, "/body/event_id", id), 0);
}
END_TEST

START_TEST(an_event_for_its_source_alone_is_completed_at_once)
{
    const char *id =
        user_event("analytics_updated", "\"target_platforms\":[\"bizoholic\"]", "{\"visits\":7}");
    const struct json *event = api_await(id, "completed");

    pick_check(result_for(event, "bizoholic"), "/status", "skipped");
    ck_assert_uint_eq(fake_count("bizoholic", 0, "/body/event_id", id), 0);
}
END_TEST

START_TEST(a_target_that_misses_a_required_field_fails_and_names_it)
{
    const char *id = user_event("user_created", TO_CORELDOVE, "{\"id\":\"miss1\",\"name\":\"No Mail\"}");
    const struct json *event = api_await(id, "failed");
    const char *why = pick_text(result_for(event, "coreldove"), "/error_message");

    pick_check(result_for(event, "coreldove"), "/status", "failed");
    pick_equal(result_for(event, "coreldove"), "/success", "false");
    ck_assert_msg(why && strstr(why, "email"), "the reason names no e-mail: %s", pick_print(event));
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", id), 0);
}
END_TEST

/* ── words and money ── */

START_TEST(money_and_status_words_become_the_shops)
{
    const char *id = user_event("product_created", TO_BOTH,
                                "{\"id\":\"lamp1\",\"name\":\"Lamp\",\"price\":12.50,\"status\":\"active\"}");
    const struct json *coreldove = fake_await("coreldove", "/body/event_id", id);
    const struct json *bizosaas = fake_await("bizosaas", "/body/event_id", id);

    pick_equal(coreldove, "/body/data/product_price", "1037.50");
    pick_equal(coreldove, "/body/data/price_inr", "1037.50");
    pick_check(coreldove, "/body/data/status", "published");
    pick_equal(coreldove, "/body/data/variants", "[]");
    pick_equal(bizosaas, "/body/data/price", "12.50");
    pick_check(bizosaas, "/body/data/status", "active");
}
END_TEST

START_TEST(money_and_status_words_of_the_shop_become_common)
{
    const char *id =
        api_event("{\"event_type\":\"product_created\",\"source_platform\":\"coreldove\"," TENANT
                  ",\"target_platforms\":[\"bizoholic\"],\"data\":{\"product_id\":\"lamp2\",\"product_name\":"
                  "\"Lamp\",\"product_price\":830,\"price_inr\":830,\"status\":\"draft\",\"stock\":4}}");
    const struct json *got = fake_await("bizoholic", "/body/event_id", id);

    pick_equal(got, "/body/data/id", "\"lamp2\"");
    pick_equal(got, "/body/data/price", "10");
    pick_equal(got, "/body/data/inventory", "4");
    pick_check(got, "/body/data/status", "inactive");
    pick_equal(got, "/body/data/price_inr", "absent");
}
END_TEST

int main(void)
{
    return flow_run(
        "event", NULL,
        (const TTest *[]){
            the_readmes_event_arrives_at_both_targets_in_their_own_names, a_delivery_tells_where_it_came_from,
            an_event_is_completed_with_one_result_per_target,
            the_books_have_the_record_its_version_and_what_each_platform_has,
            an_update_sends_the_difference_and_what_is_required, an_update_that_changes_nothing_is_skipped,
            an_explicit_null_clears_a_field, a_deletion_arrives_and_leaves_a_tombstone,
            an_update_of_an_unknown_record_creates_it,
            an_update_creates_the_record_at_a_platform_that_never_had_it,
            a_create_of_what_the_platform_has_already_becomes_an_update,
            the_source_among_the_targets_is_skipped, an_event_for_its_source_alone_is_completed_at_once,
            a_target_that_misses_a_required_field_fails_and_names_it, money_and_status_words_become_the_shops,
            money_and_status_words_of_the_shop_become_common, NULL});
}
