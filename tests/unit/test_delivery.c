/* test_delivery.c: what goes out for one delivery: which verb is called, under which id and path, with which body. */
#include <stdlib.h>

#include "delivery.h"
#include "mapping_fixture.h"
#include "mem.h"
#include "platform_dir_fixture.h"

static struct platform_set *set;

static void load(void)
{
    struct buf errors = BUF_INIT;
    platform_dir_make();
    platform_dir_write(
        "x.conf", "base_url = \"X_URL\"; currency = \"INR\"; per_usd = \"83\"; rate_date = \"2024-01-01\";"
                  "locale = \"en-IN\"; timezone = \"Asia/Kolkata\"; path = \"/v1/{entity}/{id}/{verb}/{id}\";"
                  "entities: { order: { fixed = [\"items\"]; }; };"
                  "routes: { user_created: { path = \"/plain\"; };"
                  " analytics_updated: { path = \"/a\"; }; system_health: { path = \"/b\"; };"
                  " performance_metrics: { path = \"/c\"; }; config_changed: { path = \"/d\"; }; };");
    set = platform_dir_load(&errors);
    ck_assert_msg(set != NULL, "%s", errors.data);
    buf_release(&errors);
}

static void unload(void)
{
    platform_set_free(&set);
    platform_dir_remove();
}

/* ---- verb ---- */

static const struct {
    enum event_type type;
    bool record_deleted;
    int64_t certain_version;
    bool deleted_there, created;
    enum verb verb;
} verbs[] = {
    {EVENT_USER_CREATED, false, 0, false, true, VERB_CREATE},
    {EVENT_USER_UPDATED, false, 0, false, true, VERB_CREATE},  /* its create is still open */
    {EVENT_USER_UPDATED, false, 0, false, false, VERB_UPDATE}, /* the target may have it from elsewhere */
    {EVENT_USER_CREATED, false, 3, false, true, VERB_UPDATE},
    {EVENT_USER_UPDATED, false, 3, true, false, VERB_CREATE}, /* it was deleted there */
    {EVENT_USER_UPDATED, true, 3, false, false, VERB_DELETE},
    {EVENT_USER_DELETED, false, 3, false, false, VERB_UPDATE}, /* and came back meanwhile */
    {EVENT_USER_DELETED, true, 0, false, true, VERB_DELETE},
    {EVENT_CONFIG_CHANGED, false, 0, false, false, VERB_REPORT},
};

START_TEST(the_verb_is_what_the_record_and_the_target_need)
{
    ck_assert_int_eq(delivery_verb(verbs[_i].type, verbs[_i].record_deleted, verbs[_i].certain_version,
                                   verbs[_i].deleted_there, verbs[_i].created),
                     verbs[_i].verb);
}
END_TEST

/* ---- path ---- */

static const struct {
    enum event_type type;
    enum verb verb;
    const char *data, *platform_id, *path;
} paths[] = {
    {EVENT_USER_CREATED, VERB_CREATE, "{\"id\":\"u1\"}", NULL, "/plain"},
    {EVENT_USER_CREATED, VERB_UPDATE, "{\"id\":\"u1\"}", NULL, "/v1/user/u1/update/u1"},
    {EVENT_USER_UPDATED, VERB_UPDATE, "{\"id\":\"u1\"}", "77", "/v1/user/77/update/77"},
    {EVENT_ORDER_DELETED, VERB_DELETE, "{\"id\":12}", NULL, "/v1/order/12/delete/12"},
    {EVENT_LEAD_UPDATED, VERB_UPDATE, "{\"id\":\"a/b c?#%\xc3\xa9\xf0\x9f\x98\x80..\"}", NULL,
     "/v1/lead/a%2Fb%20c%3F%23%25%C3%A9%F0%9F%98%80../update/a%2Fb%20c%3F%23%25%C3%A9%F0%9F%98%80.."},
    {EVENT_LEAD_UPDATED, VERB_UPDATE, "{\"id\":\"{id}\"}", NULL, "/v1/lead/%7Bid%7D/update/%7Bid%7D"},
    {EVENT_SYSTEM_HEALTH, VERB_REPORT, "{\"id\":1}", NULL, "/b"},
};

START_TEST(a_path_holds_the_platforms_id_else_the_records_and_nothing_that_could_leave_it)
{
    struct json *data = mapping_parse(paths[_i].data);
    struct delivery_source source = {.target = platform_find(set, "x"),
                                     .type = paths[_i].type,
                                     .verb = paths[_i].verb,
                                     .data = data,
                                     .platform_id = paths[_i].platform_id};
    struct buf path = BUF_INIT;
    delivery_path(&source, &path);
    ck_assert_str_eq(path.data, paths[_i].path);
    buf_release(&path);
    json_free(data);
}
END_TEST

/* ---- body ---- */

static const char event_id[] = "01890000-0000-7000-8000-000000000001",
                  record_id[] = "01890000-0000-8000-8000-000000000002";

static struct delivery_source order(struct json *data, struct json *base)
{
    struct delivery_source source = {.target = platform_find(set, "x"),
                                     .platforms = set,
                                     .type = EVENT_ORDER_UPDATED,
                                     .verb = VERB_UPDATE,
                                     .generation = 1,
                                     .source_platform = "home",
                                     .tenant = "t\"1",
                                     .has_record = true,
                                     .version = 4,
                                     .data = data,
                                     .base = base};
    ck_assert_int_eq(uuid_parse(&source.event, event_id, strlen(event_id)), 0);
    ck_assert_int_eq(uuid_parse(&source.record, record_id, strlen(record_id)), 0);
    return source;
}

START_TEST(a_body_says_what_changed_where_it_came_from_and_what_it_is_about)
{
    struct json *data = mapping_parse("{\"id\":1,\"note\":\"b\",\"items\":[2]}"),
                *base = mapping_parse("{\"id\":1,\"note\":\"a\",\"items\":[1]}");
    struct delivery_source source = order(data, base);
    struct buf body = BUF_INIT, item = BUF_INIT, error = BUF_INIT;
    ck_assert_int_eq(delivery_body(&source, &body, &error), DELIVERY_BUILT);
    static const char expected[] =
        "{\"event_id\":\"01890000-0000-7000-8000-000000000001\",\"event_type\":\"order_updated\","
        "\"source_platform\":\"home\",\"tenant_id\":\"t\\\"1\",\"user_id\":null,\"data\":{\"id\":1,\"note\":"
        "\"b\","
        "\"_sync_metadata\":{\"source_platform\":\"home\",\"target_platform\":\"x\",\"synced_from\":\"home\","
        "\"transformed_at\":\"1970-01-01T00:00:00.000Z\",\"sync_timestamp\":\"1970-01-01T00:00:00.000Z\","
        "\"event_id\":\"01890000-0000-7000-8000-000000000001\",\"record_id\":\"01890000-0000-8000-8000-"
        "000000000002\","
        "\"version\":4,\"changed_fields\":[\"note\"]},\"_platform_context\":{\"currency\":\"INR\",\"locale\":"
        "\"en-IN\","
        "\"timezone\":\"Asia/Kolkata\"}}}";
    ck_assert_str_eq(body.data, expected);
    delivery_bulk_item(&source, &body, &item);
    ck_assert_int_eq(strncmp(item.data, expected, sizeof expected - 2), 0);
    ck_assert_str_eq(item.data + sizeof expected - 2,
                     ",\"operation\":\"update\",\"webhook_id\":\"01890000-0000-7000-8000-000000000001.x\"}");
    json_free(data), json_free(base);
    buf_release(&body), buf_release(&item), buf_release(&error);
}
END_TEST

/* body is the other one with these words in it, once. */
static void check_differs_only_by(const char *body, const char *words, const char *other)
{
    const char *at = strstr(body, words);
    ck_assert_msg(at != NULL, "%s is not in %s", words, body);
    ck_assert_int_eq(strncmp(body, other, (size_t)(at - body)), 0);
    ck_assert_str_eq(at + strlen(words), other + (at - body));
}

START_TEST(a_body_tells_when_its_attempt_began_and_one_that_is_only_shown_tells_nothing)
{
    struct json *data = mapping_parse("{\"id\":1,\"note\":\"b\"}"),
                *base = mapping_parse("{\"id\":1,\"note\":\"a\"}");
    struct delivery_source source = order(data, base);
    struct buf shown = BUF_INIT, first = BUF_INIT, again = BUF_INIT, error = BUF_INIT;
    ck_assert_int_eq(delivery_body(&source, &shown, &error), DELIVERY_BUILT);
    source.started_ms = 1767225600123;
    ck_assert_int_eq(delivery_body(&source, &first, &error), DELIVERY_BUILT);
    source.started_ms = 1767225601000;
    ck_assert_int_eq(delivery_body(&source, &again, &error), DELIVERY_BUILT);
    ck_assert_ptr_null(strstr(shown.data, "started_at"));
    check_differs_only_by(first.data, ",\"started_at\":1767225600123", shown.data);
    check_differs_only_by(again.data, ",\"started_at\":1767225601000", shown.data);
    json_free(data), json_free(base);
    buf_release(&shown), buf_release(&first), buf_release(&again), buf_release(&error);
}
END_TEST

START_TEST(nothing_goes_out_where_the_target_has_all_or_cannot_change_the_rest)
{
    static const struct {
        const char *data, *error;
    } rows[] = {{"{\"id\":1,\"items\":[1]}", "the platform has this already"},
                {"{\"id\":1,\"items\":[2]}", "the platform cannot change items"}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct json *data = mapping_parse(rows[i].data), *base = mapping_parse("{\"id\":1,\"items\":[1]}");
        struct delivery_source source = order(data, base);
        struct buf body = BUF_INIT, error = BUF_INIT;
        ck_assert_int_eq(delivery_body(&source, &body, &error), DELIVERY_NOTHING);
        ck_assert_str_eq(error.data, rows[i].error);
        ck_assert_uint_eq(body.len, 0);
        json_free(data), json_free(base);
        buf_release(&body), buf_release(&error);
    }
}
END_TEST

START_TEST(what_cannot_go_out_names_the_field)
{
    struct json *data = mapping_parse("{\"id\":1,\"amount\":5,\"currency\":\"EUR\"}");
    struct delivery_source source = order(data, NULL);
    struct buf body = BUF_INIT, error = BUF_INIT, field = BUF_INIT;
    source.field = &field;
    ck_assert_int_eq(delivery_body(&source, &body, &error), DELIVERY_IMPOSSIBLE);
    ck_assert_str_eq(field.data, "amount");
    ck_assert_str_eq(error.data,
                     "amount cannot be given in INR: it is in EUR, and no platform file has a rate for that");
    json_free(data);
    buf_release(&body), buf_release(&error), buf_release(&field);
}
END_TEST

START_TEST(an_id_that_would_lead_to_another_route_is_not_sent)
{
    static const char *const records[] = {"{}", "{\"id\":\"\"}", "{\"id\":\".\"}", "{\"id\":\"..\"}"};
    for (int i = 0; i < COUNT(records); i++) {
        struct json *data = mapping_parse(records[i]);
        struct delivery_source source = order(data, NULL);
        struct buf body = BUF_INIT, error = BUF_INIT;
        ck_assert_int_eq(delivery_body(&source, &body, &error), DELIVERY_IMPOSSIBLE);
        ck_assert_str_eq(
            error.data,
            "x is called by the id of the record, and this one has none that can stand in a path");
        source.platform_id = "7"; /* but by its own id it may be called */
        buf_reset(&error);
        ck_assert_int_eq(delivery_body(&source, &body, &error), DELIVERY_BUILT);
        json_free(data);
        buf_release(&body), buf_release(&error);
    }
}
END_TEST

START_TEST(a_retried_delivery_has_another_id)
{
    struct delivery_source source = order(NULL, NULL);
    char id[MSG_KEY_MAX];
    delivery_webhook_id(&source, id);
    ck_assert_str_eq(id, "01890000-0000-7000-8000-000000000001.x");
    source.generation = 2;
    delivery_webhook_id(&source, id);
    ck_assert_str_eq(id, "01890000-0000-7000-8000-000000000001.x.2");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("delivery");
    TCase *tests = tcase_create("delivery");
    tcase_add_checked_fixture(tests, load, unload);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, the_verb_is_what_the_record_and_the_target_need, 0, COUNT(verbs));
    tcase_add_loop_test(tests, a_path_holds_the_platforms_id_else_the_records_and_nothing_that_could_leave_it,
                        0, COUNT(paths));
    tcase_add_test(tests, a_body_says_what_changed_where_it_came_from_and_what_it_is_about);
    tcase_add_test(tests, a_body_tells_when_its_attempt_began_and_one_that_is_only_shown_tells_nothing);
    tcase_add_test(tests, nothing_goes_out_where_the_target_has_all_or_cannot_change_the_rest);
    tcase_add_test(tests, what_cannot_go_out_names_the_field);
    tcase_add_test(tests, an_id_that_would_lead_to_another_route_is_not_sent);
    tcase_add_test(tests, a_retried_delivery_has_another_id);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
