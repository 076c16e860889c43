/* test_mapping.c: records in every platform's words. Its table is the promise to the platforms. */
#include "mapping_fixture.h"
#include "mem.h"

/* `own` is what the platform sends and is sent; `minimal` what an update without a change still carries. */
static const struct {
    const char *platform;
    enum entity entity;
    const char *own, *common, *minimal;
} words[] = {
    {"bizoholic", ENTITY_USER,
     "{\"user_id\":\"u1\",\"full_name\":\"Asha Rao\",\"email_address\":\"a@x.in\",\"phone_number\":\"+91 "
     "1\",\"status\":\"active\",\"city\":\"Pune\"}",
     "{\"id\":\"u1\",\"name\":\"Asha Rao\",\"email\":\"a@x.in\",\"phone\":\"+91 "
     "1\",\"status\":\"active\",\"city\":\"Pune\"}",
     "{\"user_id\":\"u1\",\"full_name\":\"Asha Rao\",\"email_address\":\"a@x.in\"}"},
    {"bizosaas", ENTITY_USER,
     "{\"user_id\":\"u1\",\"user_name\":\"Asha Rao\",\"user_email\":\"a@x.in\",\"user_phone\":\"+91 "
     "1\",\"status\":\"active\",\"city\":\"Pune\"}",
     "{\"id\":\"u1\",\"name\":\"Asha Rao\",\"email\":\"a@x.in\",\"phone\":\"+91 "
     "1\",\"status\":\"active\",\"city\":\"Pune\"}",
     "{\"user_id\":\"u1\",\"user_name\":\"Asha Rao\",\"user_email\":\"a@x.in\"}"},
    {"coreldove", ENTITY_USER,
     "{\"customer_id\":\"u1\",\"customer_name\":\"Asha "
     "Rao\",\"customer_email\":\"a@x.in\",\"customer_phone\":\"+91 "
     "1\",\"status\":\"published\",\"city\":\"Pune\"}",
     "{\"id\":\"u1\",\"name\":\"Asha Rao\",\"email\":\"a@x.in\",\"phone\":\"+91 "
     "1\",\"status\":\"active\",\"city\":\"Pune\"}",
     "{\"customer_id\":\"u1\",\"customer_name\":\"Asha Rao\",\"customer_email\":\"a@x.in\"}"},
    {"bizoholic", ENTITY_LEAD,
     "{\"lead_id\":\"l1\",\"contact_name\":\"Ben\",\"contact_email\":\"b@x.in\",\"lead_score\":7,\"lead_"
     "status\":\"pending\",\"source\":\"web\"}",
     "{\"id\":\"l1\",\"name\":\"Ben\",\"email\":\"b@x.in\",\"score\":7,\"status\":\"pending\",\"source\":"
     "\"web\"}",
     "{\"lead_id\":\"l1\",\"contact_email\":\"b@x.in\",\"lead_status\":\"pending\"}"},
    {"bizosaas", ENTITY_LEAD,
     "{\"id\":\"l1\",\"name\":\"Ben\",\"email\":\"b@x.in\",\"score\":7,\"status\":\"pending\",\"source\":"
     "\"web\"}",
     "{\"id\":\"l1\",\"name\":\"Ben\",\"email\":\"b@x.in\",\"score\":7,\"status\":\"pending\",\"source\":"
     "\"web\"}",
     "{\"id\":\"l1\",\"email\":\"b@x.in\",\"status\":\"pending\"}"},
    {"coreldove", ENTITY_LEAD,
     "{\"id\":\"l1\",\"name\":\"Ben\",\"email\":\"b@x.in\",\"score\":7,\"status\":\"pending\",\"source\":"
     "\"web\"}",
     "{\"id\":\"l1\",\"name\":\"Ben\",\"email\":\"b@x.in\",\"score\":7,\"status\":\"pending\",\"source\":"
     "\"web\"}",
     "{\"id\":\"l1\",\"email\":\"b@x.in\",\"status\":\"pending\"}"},
    {"bizoholic", ENTITY_CAMPAIGN,
     "{\"campaign_id\":\"c1\",\"campaign_name\":\"Diwali\",\"campaign_budget\":10,\"campaign_status\":"
     "\"inactive\",\"tags\":[1]}",
     "{\"id\":\"c1\",\"name\":\"Diwali\",\"budget\":10,\"status\":\"inactive\",\"tags\":[1]}",
     "{\"campaign_id\":\"c1\",\"campaign_name\":\"Diwali\",\"campaign_status\":\"inactive\"}"},
    {"bizosaas", ENTITY_CAMPAIGN,
     "{\"id\":\"c1\",\"name\":\"Diwali\",\"budget\":10,\"status\":\"inactive\",\"tags\":[1]}",
     "{\"id\":\"c1\",\"name\":\"Diwali\",\"budget\":10,\"status\":\"inactive\",\"tags\":[1]}",
     "{\"id\":\"c1\",\"name\":\"Diwali\",\"status\":\"inactive\"}"},
    {"coreldove", ENTITY_CAMPAIGN,
     "{\"id\":\"c1\",\"name\":\"Diwali\",\"budget\":830,\"status\":\"draft\",\"tags\":[1]}",
     "{\"id\":\"c1\",\"name\":\"Diwali\",\"budget\":830,\"status\":\"inactive\",\"tags\":[1]}",
     "{\"id\":\"c1\",\"name\":\"Diwali\",\"status\":\"draft\"}"},
    {"bizoholic", ENTITY_PRODUCT,
     "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":10,\"inventory\":5,\"status\":\"pending\",\"variants\":[{"
     "\"sku\":\"a\",\"price\":1}]}",
     "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":10,\"inventory\":5,\"status\":\"pending\",\"variants\":[{"
     "\"sku\":\"a\",\"price\":1}]}",
     "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":10}"},
    {"bizosaas", ENTITY_PRODUCT,
     "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":10,\"inventory\":5,\"status\":\"pending\",\"variants\":[{"
     "\"sku\":\"a\",\"price\":1}]}",
     "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":10,\"inventory\":5,\"status\":\"pending\",\"variants\":[{"
     "\"sku\":\"a\",\"price\":1}]}",
     "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":10}"},
    {"coreldove", ENTITY_PRODUCT,
     "{\"product_id\":\"p1\",\"product_name\":\"Lamp\",\"product_price\":830,\"price_inr\":830,\"product_"
     "inventory\":5,\"status\":\"pending_review\",\"variants\":[{\"sku\":\"a\",\"price\":83}]}",
     "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":830,\"inventory\":5,\"status\":\"pending\",\"variants\":[{"
     "\"sku\":\"a\",\"price\":83}]}",
     "{\"product_id\":\"p1\",\"product_name\":\"Lamp\",\"product_price\":830,\"price_inr\":830}"},
    {"bizoholic", ENTITY_ORDER,
     "{\"id\":\"o1\",\"amount\":20,\"status\":\"pending\",\"items\":[{\"sku\":\"a\",\"price\":10,"
     "\"quantity\":2}],\"currency\":\"USD\"}",
     "{\"id\":\"o1\",\"amount\":20,\"status\":\"pending\",\"items\":[{\"sku\":\"a\",\"price\":10,"
     "\"quantity\":2}],\"currency\":\"USD\"}",
     "{\"id\":\"o1\",\"amount\":20,\"status\":\"pending\"}"},
    {"bizosaas", ENTITY_ORDER,
     "{\"id\":\"o1\",\"amount\":20,\"status\":\"pending\",\"items\":[{\"sku\":\"a\",\"price\":10,"
     "\"quantity\":2}],\"currency\":\"USD\"}",
     "{\"id\":\"o1\",\"amount\":20,\"status\":\"pending\",\"items\":[{\"sku\":\"a\",\"price\":10,"
     "\"quantity\":2}],\"currency\":\"USD\"}",
     "{\"id\":\"o1\",\"amount\":20,\"status\":\"pending\"}"},
    {"coreldove", ENTITY_ORDER,
     "{\"order_id\":\"o1\",\"order_total\":1660,\"order_status\":\"pending\",\"order_items\":[{\"sku\":\"a\","
     "\"price\":830,\"quantity\":2}],\"currency\":\"INR\"}",
     "{\"id\":\"o1\",\"amount\":1660,\"status\":\"pending\",\"items\":[{\"sku\":\"a\",\"price\":830,"
     "\"quantity\":2}],\"currency\":\"INR\"}",
     "{\"order_id\":\"o1\",\"order_total\":1660,\"order_status\":\"pending\"}"},
};

START_TEST(every_entity_comes_in_under_common_names_and_words)
{
    struct json *own = mapping_parse(words[_i].own);
    struct json *common = mapping_in(mapping_platform(words[_i].platform), words[_i].entity, own);
    struct json *errors = json_new_array();
    mapping_check_equal(common, words[_i].common, words[_i].platform);
    ck_assert_uint_eq(
        mapping_check(mapping_platform(words[_i].platform), words[_i].entity, common, own, errors), 0);
    json_free(own), json_free(common), json_free(errors);
}
END_TEST

START_TEST(every_platform_gets_every_entity_of_every_other_in_its_own_words_for_every_verb)
{
    for (int to = 0; to < COUNT(words); to++) {
        if (words[to].entity != words[_i].entity)
            continue;
        struct mapping_trip trip = {words[_i].platform, words[to].platform, words[_i].entity, VERB_CREATE};
        const char *record = words[_i].common;
        mapping_check_send(&trip, record, NULL, words[to].own, NULL);
        trip.verb = VERB_UPDATE;
        mapping_check_send(&trip, record, NULL, words[to].own, NULL);
        mapping_check_send(&trip, record, record, words[to].minimal, "[]");
        trip.verb = VERB_DELETE;
        mapping_check_send(&trip, record, record, words[to].minimal, "[]");
    }
}
END_TEST

START_TEST(what_a_platform_was_sent_comes_back_as_unchanged)
{
    for (int to = 0; to < COUNT(words); to++) {
        if (words[to].entity != words[_i].entity)
            continue;
        struct json *held = mapping_parse(words[_i].common), *own = mapping_parse(words[to].own);
        struct json *notes = mapping_notes(mapping_platform(words[_i].platform), held);
        struct json *back = mapping_in(mapping_platform(words[to].platform), words[to].entity, own);
        struct json_iter iter = {NULL};
        const char *field;
        struct json *value;
        while (json_next(back, &iter, &field, &value))
            ck_assert_msg(mapping_unchanged(mapping_platform(words[to].platform), words[to].entity, field,
                                            json_get(held, field), json_get(notes, field), value),
                          "%s of %s at %s", field, words[_i].own, words[to].platform);
        json_free(held), json_free(own), json_free(notes), json_free(back);
    }
}
END_TEST

/* ---- operational data, additions ---- */

START_TEST(operational_data_goes_through_as_it_is)
{
    static const char data[] =
        "{\"user_id\":1,\"price\":\"1\",\"status\":\"published\",\"currency\":\"EUR\",\"x\":null}";
    struct json *raw = mapping_parse(data);
    for (int type = 0; type < EVENT_TYPES; type++) {
        if (msg_event_entity(type) != ENTITY_NONE)
            continue;
        for (size_t i = 0; i < platform_count(mapping_set); i++) {
            struct buf error = BUF_INIT;
            struct json *common = mapping_in(platform_at(mapping_set, i), ENTITY_NONE, raw);
            struct mapping_request request = {.target = platform_at(mapping_set, i),
                                              .platforms = mapping_set,
                                              .entity = ENTITY_NONE,
                                              .type = type,
                                              .verb = VERB_REPORT,
                                              .record = common};
            struct json *out = mapping_out(&request, NULL, &error);
            mapping_check_text(out, data);
            json_free(common), json_free(out);
            buf_release(&error);
        }
    }
    json_free(raw);
}
END_TEST

START_TEST(a_delivery_says_where_it_comes_from_and_what_money_and_time_mean_there)
{
    struct json *data = mapping_parse("{\"id\":1}"), *changed = mapping_parse("[\"id\"]");
    struct mapping_request request = {
        .target = mapping_platform("coreldove"), .platforms = mapping_set, .entity = ENTITY_USER};
    struct mapping_context context = {"bizoholic", "coreldove",   "e-1",         "r-1",
                                      3,           1769861696789, 1769861700000, changed};
    mapping_decorate(&request, &context, data);
    mapping_check_equal(
        data,
        "{\"id\":1,\"_sync_metadata\":{\"source_platform\":\"bizoholic\",\"target_platform\":\"coreldove\","
        "\"synced_from\":\"bizoholic\",\"transformed_at\":\"2026-01-31T12:14:56.789Z\","
        "\"sync_timestamp\":\"2026-01-31T12:14:56.789Z\",\"event_id\":\"e-1\",\"record_id\":\"r-1\","
        "\"version\":3,\"started_at\":1769861700000,"
        "\"changed_fields\":[\"id\"]},\"_platform_context\":{\"currency\":\"INR\",\"locale\":\"en-IN\","
        "\"timezone\":\"Asia/Kolkata\"}}",
        "a record");
    json_free(data), json_free(changed);
    data = mapping_parse("{}");
    request.target = mapping_platform("bizosaas");
    context = (struct mapping_context){"bizoholic", "bizosaas", "e-2", NULL, 0, 0, 0, NULL};
    mapping_decorate(&request, &context, data);
    mapping_check_equal(
        data,
        "{\"_sync_metadata\":{\"source_platform\":\"bizoholic\",\"target_platform\":\"bizosaas\","
        "\"synced_from\":\"bizoholic\",\"transformed_at\":\"1970-01-01T00:00:00.000Z\","
        "\"sync_timestamp\":\"1970-01-01T00:00:00.000Z\",\"event_id\":\"e-2\"},\"_platform_context\":"
        "{\"currency\":\"USD\",\"locale\":\"en-US\",\"timezone\":\"UTC\"}}",
        "operational data");
    json_free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mapping");
    TCase *tests = tcase_create("mapping");
    tcase_add_checked_fixture(tests, mapping_load, mapping_unload);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, every_entity_comes_in_under_common_names_and_words, 0, COUNT(words));
    tcase_add_loop_test(tests,
                        every_platform_gets_every_entity_of_every_other_in_its_own_words_for_every_verb, 0,
                        COUNT(words));
    tcase_add_loop_test(tests, what_a_platform_was_sent_comes_back_as_unchanged, 0, COUNT(words));
    tcase_add_test(tests, operational_data_goes_through_as_it_is);
    tcase_add_test(tests, a_delivery_says_where_it_comes_from_and_what_money_and_time_mean_there);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
