/* test_mapping_in.c: what comes in: names, words, text amounts, ids, the schema. */
#include "mapping_fixture.h"
#include "mem.h"

static const struct {
    const char *platform;
    enum entity entity;
    const char *raw, *common;
} came_in[] = {
    /* the common name is read everywhere, and wins; then the file's order */
    {"coreldove", ENTITY_PRODUCT, "{\"product_price\":5,\"price\":4}", "{\"price\":4}"},
    {"coreldove", ENTITY_PRODUCT, "{\"stock\":5}", "{\"inventory\":5}"},
    {"coreldove", ENTITY_PRODUCT, "{\"stock\":5,\"product_inventory\":6}", "{\"inventory\":6}"},
    {"coreldove", ENTITY_ORDER, "{\"total\":5}", "{\"amount\":5}"},
    {"coreldove", ENTITY_ORDER, "{\"total_amount\":6,\"total\":5}", "{\"amount\":5}"},
    {"bizoholic", ENTITY_ORDER, "{\"total\":5,\"order_id\":9}", "{\"total\":5,\"id\":9}"},
    {"coreldove", ENTITY_USER, "{\"user_id\":1,\"customer_id\":2}", "{\"id\":1}"},
    {"bizoholic", ENTITY_USER, "{\"customer_id\":2}", "{\"id\":2}"},
    {"bizoholic", ENTITY_USER, "{\"id\":null,\"user_id\":3}", "{\"id\":3}"},
    {"bizoholic", ENTITY_USER, "{\"id\":null}", "{}"},
    {"bizoholic", ENTITY_ORDER, "{\"id\":1,\"customer_id\":2,\"user_id\":3}",
     "{\"id\":1,\"customer_id\":2,\"user_id\":3}"},
    /* what no table names, null and nested things stay */
    {"bizoholic", ENTITY_USER, "{\"phone_number\":null,\"a\":{\"user_id\":1},\"b\":[null,{}],\"c\":true}",
     "{\"phone\":null,\"a\":{\"user_id\":1},\"b\":[null,{}],\"c\":true}"},
    /* times that say how far from UTC they are become UTC; nothing else does */
    {"coreldove", ENTITY_ORDER, "{\"created_at\":\"2026-01-31T12:00:00+05:30\"}",
     "{\"created_at\":\"2026-01-31T06:30:00Z\"}"},
    {"coreldove", ENTITY_ORDER, "{\"shipped_at\":\"2026-01-01 01:00:00.123456+05:30\"}",
     "{\"shipped_at\":\"2025-12-31T19:30:00.123456Z\"}"},
    {"bizosaas", ENTITY_USER, "{\"updated_at\":\"2026-01-31t12:00:00-00:00\"}",
     "{\"updated_at\":\"2026-01-31T12:00:00Z\"}"},
    {"bizosaas", ENTITY_USER, "{\"updated_at\":\"2026-01-31T12:00:00.5Z\"}",
     "{\"updated_at\":\"2026-01-31T12:00:00.5Z\"}"},
    {"bizosaas", ENTITY_USER, "{\"updated_at\":\"2026-01-31T12:00:00\"}",
     "{\"updated_at\":\"2026-01-31T12:00:00\"}"},
    {"bizosaas", ENTITY_USER,
     "{\"updated_at\":\"at noon\",\"seen_at\":5,\"left_at\":null,\"_at\":\"2026-01-31T12:00:00+01:00\"}",
     "{\"updated_at\":\"at noon\",\"seen_at\":5,\"left_at\":null,\"_at\":\"2026-01-31T12:00:00+01:00\"}"},
    {"bizosaas", ENTITY_USER, "{\"born\":\"2026-01-31T12:00:00+01:00\"}",
     "{\"born\":\"2026-01-31T12:00:00+01:00\"}"},
    /* our own additions are taken off, but only ours */
    {"coreldove", ENTITY_PRODUCT,
     "{\"id\":1,\"price_inr\":5,\"_sync_metadata\":{\"a\":1},\"_platform_context\":{}}", "{\"id\":1}"},
    {"bizosaas", ENTITY_PRODUCT, "{\"id\":1,\"price_inr\":5,\"_sync_metadata\":{\"a\":1}}",
     "{\"id\":1,\"price_inr\":5}"},
    /* text that is a number, where a number belongs */
    {"bizosaas", ENTITY_PRODUCT, "{\"id\":\"7\",\"price\":\"12.50\",\"inventory\":\"3\"}",
     "{\"id\":\"7\",\"price\":12.50,\"inventory\":3}"},
    {"bizosaas", ENTITY_PRODUCT, "{\"price\":\"12,50\"}", "{\"price\":\"12,50\"}"},
    {"bizosaas", ENTITY_ORDER, "{\"items\":[{\"price\":\"1.0\",\"sku\":\"1.0\"},7]}",
     "{\"items\":[{\"price\":1.0,\"sku\":\"1.0\"},7]}"},
    {"bizosaas", ENTITY_ORDER, "{\"items\":{\"price\":\"1\"}}", "{\"items\":{\"price\":\"1\"}}"},
    /* words */
    {"coreldove", ENTITY_USER, "{\"status\":\"pending_review\"}", "{\"status\":\"pending\"}"},
    {"coreldove", ENTITY_USER, "{\"status\":\"blocked\"}", "{\"status\":\"blocked\"}"},
    {"coreldove", ENTITY_ORDER, "{\"order_status\":\"draft\"}", "{\"status\":\"draft\"}"},
    {"coreldove", ENTITY_LEAD, "{\"status\":\"published\"}", "{\"status\":\"published\"}"},
    {"bizoholic", ENTITY_CAMPAIGN, "{\"campaign_status\":\"draft\"}", "{\"status\":\"draft\"}"},
    {"coreldove", ENTITY_CAMPAIGN, "{\"status\":5}", "{\"status\":5}"},
};

START_TEST(aliases_words_and_text_amounts_are_read)
{
    struct json *raw = mapping_parse(came_in[_i].raw);
    struct json *common = mapping_in(mapping_platform(came_in[_i].platform), came_in[_i].entity, raw);
    mapping_check_equal(common, came_in[_i].common, came_in[_i].raw);
    mapping_check_equal(raw, came_in[_i].raw, "what came in is not touched");
    json_free(raw), json_free(common);
}
END_TEST

static const char big_in[] =
    "{\"id\":18446744073709551616,\"budget\":0.10,\"n\":1e400,\"m\":-0.0,\"deep\":[{\"x\":1.00}],"
    "\"text\":\"\\u00e9\\ud83d\\ude00 \\\"\\\\/\\n\",\"currency\":\"USD\"}";
static const char big_out[] =
    "{\"id\":18446744073709551616,\"budget\":0.10,\"n\":1e400,\"m\":-0.0,\"deep\":[{\"x\":1.00}],"
    "\"text\":\"\303\251\360\237\230\200 \\\"\\\\/\\n\",\"currency\":\"USD\"}";

START_TEST(numbers_and_text_leave_to_the_letter_as_they_came)
{
    struct mapping_trip trip = {"bizosaas", "bizosaas", ENTITY_CAMPAIGN, VERB_UPDATE};
    struct json *raw = mapping_parse(big_in);
    struct json *common = mapping_in(mapping_platform("bizosaas"), ENTITY_CAMPAIGN, raw);
    struct buf error = BUF_INIT;
    struct json *out = mapping_send(&trip, common, NULL, NULL, &error);
    mapping_check_text(common, big_out);
    mapping_check_text(out, big_out);
    json_free(raw), json_free(common), json_free(out);
    buf_release(&error);
}
END_TEST

static const struct {
    const char *platform;
    enum entity entity;
    const char *raw;
    int result;
    const char *id; /* or the member that is wrong */
} ids[] = {
    {"bizoholic", ENTITY_USER, "{\"id\":\"a\",\"user_id\":\"b\"}", 0, "a"},
    {"bizoholic", ENTITY_USER, "{\"user_id\":\"b\",\"customer_id\":\"c\"}", 0, "b"},
    {"bizoholic", ENTITY_USER, "{\"customer_id\":\"c\"}", 0, "c"},
    {"coreldove", ENTITY_USER, "{\"customer_id\":\"c\",\"user_id\":\"b\"}", 0, "b"},
    {"coreldove", ENTITY_PRODUCT, "{\"product_id\":42}", 0, "42"},
    {"bizosaas", ENTITY_LEAD, "{\"lead_id\":\"l\"}", 0, "l"},
    {"bizosaas", ENTITY_CAMPAIGN, "{\"campaign_id\":\"c\"}", 0, "c"},
    {"bizosaas", ENTITY_ORDER, "{\"order_id\":\"o\"}", 0, "o"},
    {"bizosaas", ENTITY_ORDER, "{\"customer_id\":\"c\"}", 1, NULL},
    {"bizosaas", ENTITY_ORDER, "{}", 1, NULL},
    {"bizosaas", ENTITY_ORDER, "{\"id\":null}", 1, NULL},
    {"bizosaas", ENTITY_ORDER, "{\"id\":null,\"order_id\":\"o\"}", 0, "o"},
    {"bizosaas", ENTITY_ORDER, "{\"id\":0}", 0, "0"},
    {"bizosaas", ENTITY_ORDER, "{\"id\":-7}", 0, "-7"},
    {"bizosaas", ENTITY_ORDER, "{\"id\":18446744073709551616}", 0, "18446744073709551616"},
    {"bizosaas", ENTITY_ORDER, "{\"id\":1e2}", 0, "100"},
    {"bizosaas", ENTITY_ORDER, "{\"id\":12.0}", 0, "12"},
    {"bizosaas", ENTITY_ORDER, "{\"id\":1.5}", -1, "id"},
    {"bizosaas", ENTITY_ORDER, "{\"id\":1e400}", -1, "id"},
    {"bizosaas", ENTITY_ORDER, "{\"id\":\"\"}", -1, "id"},
    {"bizosaas", ENTITY_ORDER, "{\"order_id\":true}", -1, "order_id"},
    {"coreldove", ENTITY_PRODUCT, "{\"product_id\":{}}", -1, "product_id"},
    {"bizosaas", ENTITY_ORDER, "{\"id\":[],\"order_id\":\"o\"}", -1, "id"},
    {"bizosaas", ENTITY_NONE, "{\"id\":\"x\"}", 1, NULL},
};

START_TEST(the_entity_id_is_the_first_of_its_names)
{
    struct json *raw = mapping_parse(ids[_i].raw);
    struct buf id = BUF_INIT;
    const char *member = "";
    ck_assert_msg(mapping_entity_id(mapping_platform(ids[_i].platform), ids[_i].entity, raw, &id, &member) ==
                      ids[_i].result,
                  "%s", ids[_i].raw);
    if (ids[_i].result == 0)
        ck_assert_str_eq(id.data, ids[_i].id);
    if (ids[_i].result < 0)
        ck_assert_str_eq(member, ids[_i].id);
    buf_release(&id);
    json_free(raw);
}
END_TEST

START_TEST(an_id_has_at_most_256_bytes)
{
    for (size_t len = 256; len <= 257; len++) {
        struct json *raw = json_new_object();
        struct buf text = BUF_INIT, id = BUF_INIT;
        const char *member;
        while (text.len < len)
            buf_add_ch(&text, 'x');
        json_set(raw, "id", json_new_text(text.data));
        ck_assert_int_eq(mapping_entity_id(mapping_platform("bizosaas"), ENTITY_LEAD, raw, &id, &member),
                         len == 256 ? 0 : -1);
        buf_release(&text), buf_release(&id);
        json_free(raw);
    }
}
END_TEST

/* ---- the schema ---- */

static const struct {
    const char *platform;
    enum entity entity;
    const char *raw;
    const char *pointers; /* of the mistakes, with blanks between; "" none */
} checked[] = {
    {"bizoholic", ENTITY_USER, "{}", ""},
    {"bizoholic", ENTITY_USER, "{\"email_address\":null,\"full_name\":null}", ""},
    {"bizoholic", ENTITY_USER, "{\"email_address\":\"no address\"}", "/data/email_address"},
    {"coreldove", ENTITY_USER, "{\"email\":\"x@\"}", "/data/email"},
    {"coreldove", ENTITY_USER, "{\"email\":\"@x.in\"}", "/data/email"},
    {"coreldove", ENTITY_USER, "{\"email\":\"a@b@c\"}", "/data/email"},
    {"coreldove", ENTITY_USER, "{\"email\":\"a@b..c\"}", "/data/email"},
    {"coreldove", ENTITY_USER, "{\"email\":\"Asha <a@b.c>\"}", "/data/email"},
    {"coreldove", ENTITY_USER, "{\"email\":5}", "/data/email"},
    {"coreldove", ENTITY_USER, "{\"email\":\"dev@localhost\"}", ""},
    {"coreldove", ENTITY_USER, "{\"email\":\"a.b+c@x.co.in\"}", ""},
    {"coreldove", ENTITY_USER, "{\"email\":\"jos\303\251@b\303\274cher.example\"}", ""},
    {"bizosaas", ENTITY_USER, "{\"user_name\":5,\"user_email\":true}", "/data/user_name /data/user_email"},
    {"bizosaas", ENTITY_USER, "{\"user_phone\":919876543210}", ""},
    {"bizosaas", ENTITY_USER, "{\"user_phone\":[]}", "/data/user_phone"},
    {"bizosaas", ENTITY_USER, "{\"id\":{}}", "/data/id"},
    {"bizosaas", ENTITY_USER, "{\"preferences\":5,\"profile_data\":\"x\"}", ""},
    {"bizoholic", ENTITY_LEAD, "{\"lead_score\":\"high\",\"lead_status\":\"\"}",
     "/data/lead_status /data/lead_score"},
    {"bizoholic", ENTITY_LEAD, "{\"lead_score\":\"7\"}", ""},
    {"bizoholic", ENTITY_CAMPAIGN, "{\"campaign_budget\":\"a lot\"}", "/data/campaign_budget"},
    {"bizoholic", ENTITY_CAMPAIGN, "{\"campaign_budget\":\"10.5\"}", ""},
    {"bizoholic", ENTITY_CAMPAIGN, "{\"campaign_budget\":0.30000000000000004}", ""},
    {"bizoholic", ENTITY_CAMPAIGN, "{\"campaign_budget\":1e400}", "/data/campaign_budget"},
    {"coreldove", ENTITY_PRODUCT, "{\"stock\":[],\"price\":{},\"variants\":1}",
     "/data/price /data/stock /data/variants"},
    {"coreldove", ENTITY_ORDER, "{\"order_items\":{},\"total\":true,\"currency\":\"rupees\"}",
     "/data/currency /data/total /data/order_items"},
    {"coreldove", ENTITY_ORDER, "{\"currency\":5}", "/data/currency"},
    {"coreldove", ENTITY_ORDER, "{\"currency\":\"EUR\",\"name\":5,\"email\":5}", ""},
    {"coreldove", ENTITY_NONE, "{\"email\":5}", ""},
};

START_TEST(mistakes_are_told_with_the_name_that_the_platform_used)
{
    struct json *raw = mapping_parse(checked[_i].raw);
    struct json *common = mapping_in(mapping_platform(checked[_i].platform), checked[_i].entity, raw);
    struct json *errors = json_new_array();
    struct buf pointers = BUF_INIT;
    unsigned count =
        mapping_check(mapping_platform(checked[_i].platform), checked[_i].entity, common, raw, errors);
    ck_assert_uint_eq(count, json_count(errors));
    for (size_t i = 0; i < json_count(errors); i++) {
        buf_addf(&pointers, "%s%s", i > 0 ? " " : "", json_get_text(json_at(errors, i), "pointer"));
        ck_assert_uint_gt(strlen(json_get_text(json_at(errors, i), "detail")), 10);
    }
    ck_assert_str_eq(pointers.data, checked[_i].pointers);
    buf_release(&pointers);
    json_free(raw), json_free(common), json_free(errors);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mapping_in");
    TCase *tests = tcase_create("mapping_in");
    tcase_add_checked_fixture(tests, mapping_load, mapping_unload);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, aliases_words_and_text_amounts_are_read, 0, COUNT(came_in));
    tcase_add_test(tests, numbers_and_text_leave_to_the_letter_as_they_came);
    tcase_add_loop_test(tests, the_entity_id_is_the_first_of_its_names, 0, COUNT(ids));
    tcase_add_test(tests, an_id_has_at_most_256_bytes);
    tcase_add_loop_test(tests, mistakes_are_told_with_the_name_that_the_platform_used, 0, COUNT(checked));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
