/* test_mapping_out.c: what goes out: differences, required fields, defaults, money. */
#include "mapping_fixture.h"
#include "mem.h"

static void check_refused(const struct mapping_trip *trip, const char *record_text, const char *base_text,
                          const char *sentence)
{
    struct json *record = mapping_parse(record_text), *base = mapping_parse(base_text);
    struct buf error = BUF_INIT;
    struct json *out = mapping_send(trip, record, base, NULL, &error);
    ck_assert_msg(out == NULL, "sent, but should be refused: %s", sentence);
    ck_assert_str_eq(error.data, sentence);
    json_free(record), json_free(base);
    buf_release(&error);
}

static const struct {
    struct mapping_trip trip;
    const char *record, *base, *out, *changed;
} sent[] = {
    /* only what changed, and what is required */
    {{"bizosaas", "bizoholic", ENTITY_USER, VERB_UPDATE},
     "{\"id\":1,\"email\":\"a@b\",\"name\":\"A\",\"phone\":\"2\",\"x\":1}",
     "{\"id\":1,\"email\":\"a@b\",\"name\":\"A\",\"phone\":\"1\",\"x\":1}",
     "{\"user_id\":1,\"email_address\":\"a@b\",\"full_name\":\"A\",\"phone_number\":\"2\"}",
     "[\"phone_number\"]"},
    /* equal by value is equal */
    {{"bizosaas", "bizoholic", ENTITY_LEAD, VERB_UPDATE},
     "{\"id\":1,\"score\":1.0,\"t\":{\"a\":1,\"b\":2}}",
     "{\"id\":1,\"score\":1,\"t\":{\"b\":2.0,\"a\":1}}",
     "{\"lead_id\":1}",
     "[]"},
    /* null clears, absent in the record too */
    {{"bizosaas", "bizoholic", ENTITY_LEAD, VERB_UPDATE},
     "{\"id\":1,\"name\":null,\"x\":null}",
     "{\"id\":1,\"name\":\"B\",\"score\":3}",
     "{\"lead_id\":1,\"contact_name\":null,\"x\":null,\"lead_score\":null}",
     "[\"contact_name\",\"x\",\"lead_score\"]"},
    {{"bizosaas", "bizoholic", ENTITY_LEAD, VERB_UPDATE},
     "{\"id\":1,\"x\":null}",
     "{\"id\":1,\"x\":null}",
     "{\"lead_id\":1}",
     "[]"},
    /* an update of a record that never had a required field goes without it */
    {{"bizosaas", "bizoholic", ENTITY_USER, VERB_UPDATE},
     "{\"id\":1,\"name\":\"A\"}",
     NULL,
     "{\"user_id\":1,\"full_name\":\"A\"}",
     "[\"user_id\",\"full_name\"]"},
    /* defaults are for creates, and only for what is missing */
    {{"bizosaas", "bizoholic", ENTITY_LEAD, VERB_CREATE},
     "{\"id\":1,\"email\":\"a@b\"}",
     NULL,
     "{\"lead_id\":1,\"contact_email\":\"a@b\",\"lead_score\":0,\"lead_status\":\"new\",\"source\":\"cross_"
     "platform_sync\"}",
     "[\"lead_id\",\"contact_email\"]"},
    {{"bizosaas", "bizoholic", ENTITY_LEAD, VERB_CREATE},
     "{\"id\":1,\"email\":\"a@b\",\"score\":null,\"status\":\"won\",\"source\":\"ad\"}",
     NULL,
     "{\"lead_id\":1,\"contact_email\":\"a@b\",\"lead_score\":0,\"lead_status\":\"won\",\"source\":\"ad\"}",
     NULL},
    {{"bizosaas", "bizoholic", ENTITY_LEAD, VERB_UPDATE},
     "{\"id\":1,\"email\":\"a@b\"}",
     NULL,
     "{\"lead_id\":1,\"contact_email\":\"a@b\"}",
     NULL},
    {{"bizosaas", "coreldove", ENTITY_PRODUCT, VERB_CREATE},
     "{\"id\":1,\"name\":\"L\",\"price\":1}",
     NULL,
     "{\"product_id\":1,\"product_name\":\"L\",\"product_price\":83.00,\"price_inr\":83.00,\"variants\":[]}",
     NULL},
    /* the addition goes with its field, and never alone */
    {{"bizosaas", "coreldove", ENTITY_PRODUCT, VERB_UPDATE},
     "{\"id\":1,\"price\":2,\"price_inr\":7}",
     "{\"id\":1,\"price\":1}",
     "{\"product_id\":1,\"product_price\":166.00,\"price_inr\":166.00}",
     "[\"product_price\"]"},
    {{"bizosaas", "coreldove", ENTITY_PRODUCT, VERB_UPDATE},
     "{\"id\":1,\"price_inr\":7}",
     NULL,
     "{\"product_id\":1}",
     NULL},
    /* money */
    {{"coreldove", "bizosaas", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"amount\":1.00,\"total\":\"41.5\",\"price\":-100,\"budget\":0}",
     NULL,
     "{\"id\":1,\"amount\":0.01,\"total\":0.50,\"price\":-1.20,\"budget\":0.00}",
     NULL},
    {{"bizosaas", "coreldove", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"amount\":0.30000000000000004}",
     NULL,
     "{\"order_id\":1,\"order_total\":24.90}",
     NULL},
    {{"coreldove", "bizosaas", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"amount\":83,\"currency\":\"USD\"}",
     NULL,
     "{\"id\":1,\"amount\":83,\"currency\":\"USD\"}",
     NULL},
    {{"bizosaas", "bizoholic", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"amount\":83,\"currency\":\"INR\"}",
     NULL,
     "{\"id\":1,\"amount\":1.00,\"currency\":\"USD\"}",
     NULL},
    {{"bizosaas", "coreldove", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"amount\":83.125,\"currency\":\"INR\"}",
     NULL,
     "{\"order_id\":1,\"order_total\":83.125,\"currency\":\"INR\"}",
     NULL},
    {{"bizosaas", "bizoholic", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"currency\":\"INR\"}",
     "{\"id\":1,\"currency\":\"USD\"}",
     "{\"id\":1}",
     "[]"},
    {{"bizosaas", "coreldove", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"items\":[{\"price\":1,\"total\":\"2\",\"amount\":3},{\"price\":83,\"currency\":\"INR\"},{"
     "\"price\":null},5]}",
     NULL,
     "{\"order_id\":1,\"order_items\":[{\"price\":83.00,\"total\":166.00,\"amount\":3},{\"price\":83,"
     "\"currency\":\"INR\"},{\"price\":null},5]}",
     NULL},
    /* a member under a name that means another field there would overwrite it on the way back */
    {{"bizosaas", "coreldove", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"amount\":1,\"total\":5}",
     NULL,
     "{\"order_id\":1,\"order_total\":83.00}",
     NULL},
    {{"bizosaas", "coreldove", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"total\":1}",
     NULL,
     "{\"order_id\":1,\"total\":83.00}",
     NULL},
    {{"bizosaas", "bizoholic", ENTITY_USER, VERB_UPDATE},
     "{\"id\":1,\"_sync_metadata\":1,\"_platform_context\":2}",
     NULL,
     "{\"user_id\":1}",
     NULL},
};

START_TEST(the_difference_goes_out_with_what_is_required)
{
    mapping_check_send(&sent[_i].trip, sent[_i].record, sent[_i].base, sent[_i].out, sent[_i].changed);
}
END_TEST

static const struct {
    struct mapping_trip trip;
    const char *record, *base, *sentence;
} refused[] = {
    {{"bizosaas", "bizoholic", ENTITY_USER, VERB_CREATE},
     "{\"id\":1,\"name\":\"A\"}",
     NULL,
     "bizoholic requires email for a create, and this user has none"},
    {{"bizosaas", "bizoholic", ENTITY_USER, VERB_CREATE},
     "{\"id\":1,\"name\":null,\"email\":\"a@b\"}",
     NULL,
     "bizoholic requires name for a create, and this user has none"},
    {{"bizoholic", "bizosaas", ENTITY_LEAD, VERB_CREATE},
     "{\"id\":1,\"email\":\"a@b\"}",
     NULL,
     "bizosaas requires status for a create, and this lead has none"},
    {{"bizoholic", "coreldove", ENTITY_CAMPAIGN, VERB_CREATE},
     "{\"id\":1,\"status\":\"active\"}",
     NULL,
     "coreldove requires name for a create, and this campaign has none"},
    {{"bizoholic", "coreldove", ENTITY_PRODUCT, VERB_CREATE},
     "{\"id\":1,\"name\":\"L\"}",
     NULL,
     "coreldove requires price for a create, and this product has none"},
    {{"bizoholic", "coreldove", ENTITY_ORDER, VERB_CREATE},
     "{\"id\":1,\"status\":\"x\"}",
     NULL,
     "coreldove requires amount for a create, and this order has none"},
    {{"bizosaas", "bizoholic", ENTITY_USER, VERB_UPDATE},
     "{\"id\":1,\"email\":null}",
     "{\"id\":1,\"email\":\"a@b\"}",
     "bizoholic requires email, and this user had it cleared"},
    {{"bizosaas", "bizoholic", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"amount\":5,\"currency\":\"EUR\"}",
     NULL,
     "amount cannot be given in USD: it is in EUR, and no platform file has a rate for that"},
    {{"bizosaas", "coreldove", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"amount\":9000000000000000000}",
     NULL,
     "amount cannot be given in INR: it is too large"},
    {{"bizosaas", "coreldove", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"amount\":\"much\"}",
     NULL,
     "amount is not a number, so it is no amount"},
    {{"bizosaas", "coreldove", ENTITY_ORDER, VERB_UPDATE},
     "{\"id\":1,\"items\":[{\"price\":\"much\"}]}",
     NULL,
     "items.price is not a number, so it is no amount"},
};

START_TEST(what_cannot_be_sent_is_refused_and_the_field_named)
{
    check_refused(&refused[_i].trip, refused[_i].record, refused[_i].base, refused[_i].sentence);
}
END_TEST

/* ---- currencies by note ---- */

static struct json *send_with_notes(const char *record_text, const char *notes_text, const char *base_text,
                                    int64_t base_seq, struct buf *error)
{
    struct json *record = mapping_parse(record_text), *notes = mapping_parse(notes_text),
                *base = mapping_parse(base_text);
    struct mapping_request request = {
        .target = mapping_platform("coreldove"),
        .platforms = mapping_set,
        .entity = ENTITY_ORDER,
        .type = EVENT_ORDER_UPDATED,
        .verb = VERB_UPDATE,
        .record = record,
        .notes = notes,
        .base = base,
        .base_seq = base_seq,
    };
    struct json *out = mapping_out(&request, NULL, error);
    json_free(record), json_free(notes), json_free(base);
    return out;
}

static const struct {
    const char *record, *notes, *out; /* out NULL: refused */
} noted[] = {
    {"{\"amount\":1,\"currency\":\"INR\"}", "{\"amount\":{\"c\":\"USD\"}}",
     "{\"order_total\":83.00,\"currency\":\"INR\"}"},
    {"{\"amount\":1,\"currency\":\"USD\"}", "{\"amount\":{\"o\":\"coreldove\"}}",
     "{\"order_total\":83.00,\"currency\":\"INR\"}"},
    {"{\"amount\":1}", "{\"amount\":{\"o\":\"bizosaas\"}}", "{\"order_total\":83.00}"},
    {"{\"amount\":1}", "{\"amount\":{\"o\":\"coreldove\"}}", "{\"order_total\":1}"},
    {"{\"amount\":1,\"currency\":\"USD\"}", NULL, "{\"order_total\":83.00,\"currency\":\"INR\"}"},
    {"{\"amount\":1}", NULL, NULL},
    {"{\"amount\":1}", "{\"amount\":{\"o\":\"service\"}}", NULL},
};

START_TEST(the_currency_is_the_notes_else_the_datas_else_the_origins)
{
    struct buf error = BUF_INIT;
    struct json *out = send_with_notes(noted[_i].record, noted[_i].notes, NULL, 0, &error);
    if (noted[_i].out != NULL)
        mapping_check_equal(out, noted[_i].out, error.data);
    else
        ck_assert_str_eq(error.data,
                         "amount cannot be given in INR: its currency is not known; send a currency with it");
    ck_assert((out == NULL) == (noted[_i].out == NULL));
    json_free(out);
    buf_release(&error);
}
END_TEST

START_TEST(the_same_digits_in_another_currency_are_a_change)
{
    static const char record[] = "{\"amount\":5}", now[] = "{\"amount\":{\"c\":\"USD\",\"s\":9}}";
    static const struct {
        int64_t base_seq;
        const char *out;
    } rows[] = {
        {8, "{\"order_total\":415.00}"}, {9, "{\"order_total\":415.00}"}, {0, "{\"order_total\":415.00}"}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct buf error = BUF_INIT;
        struct json *changed = json_new_array();
        struct json *data = mapping_parse(record), *notes = mapping_parse(now);
        struct mapping_request request = {
            .target = mapping_platform("coreldove"),
            .platforms = mapping_set,
            .entity = ENTITY_ORDER,
            .type = EVENT_ORDER_UPDATED,
            .verb = VERB_UPDATE,
            .record = data,
            .notes = notes,
            .base = data,
            .base_seq = rows[i].base_seq,
        };
        struct json *out = mapping_out(&request, changed, &error);
        mapping_check_equal(out, rows[i].out, error.data); /* required, so always there */
        mapping_check_equal(changed, rows[i].base_seq == 8 ? "[\"order_total\"]" : "[]", "changed");
        json_free(out), json_free(changed), json_free(data), json_free(notes);
        buf_release(&error);
    }
}
END_TEST

START_TEST(the_currency_to_note_is_the_datas_own_else_the_platforms)
{
    struct json *plain = mapping_parse("{\"price\":1}"),
                *own = mapping_parse("{\"price\":1,\"currency\":\"EUR\"}");
    ck_assert_str_eq(mapping_currency(mapping_platform("coreldove"), "price", plain), "INR");
    ck_assert_str_eq(mapping_currency(mapping_platform("coreldove"), "price", own), "EUR");
    ck_assert_str_eq(mapping_currency(mapping_platform("bizoholic"), "items", plain), "USD");
    ck_assert_ptr_null(mapping_currency(mapping_platform("coreldove"), "name", own));
    ck_assert_ptr_null(mapping_currency(mapping_platform("coreldove"), "currency", own));
    json_free(plain), json_free(own);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mapping_out");
    TCase *tests = tcase_create("mapping_out");
    tcase_add_checked_fixture(tests, mapping_load, mapping_unload);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, the_difference_goes_out_with_what_is_required, 0, COUNT(sent));
    tcase_add_loop_test(tests, what_cannot_be_sent_is_refused_and_the_field_named, 0, COUNT(refused));
    tcase_add_loop_test(tests, the_currency_is_the_notes_else_the_datas_else_the_origins, 0, COUNT(noted));
    tcase_add_test(tests, the_same_digits_in_another_currency_are_a_change);
    tcase_add_test(tests, the_currency_to_note_is_the_datas_own_else_the_platforms);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
