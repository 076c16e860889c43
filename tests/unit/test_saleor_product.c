/* test_saleor_product.c: products on their way to Saleor: one product, one variant, its price and its stock. */
#include "saleor_product_fixture.h"

START_TEST(a_create_makes_product_variant_listing_and_price)
{
    const char *steps =
        saleor_talk(&create, LINES(SAY_CREATE, SAY_VARIANT, SAY_LISTING, SAY_PRICE), SALEOR_DONE, "");
    ck_assert_str_eq(steps,
                     "{\"version\":3,\"id\":\"" PRODUCT_ID "\",\"variant\":\"" VARIANT_ID "\",\"done\":[]}");
}
END_TEST

START_TEST(a_product_without_stock_and_sku_says_nothing_of_them)
{
    struct errand errand = create;
    errand.record = "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":5}";
    saleor_talk(&errand,
                LINES({"productCreate", NULL, PRODUCT_DONE},
                      {"productVariantCreate",
                       "{\"input\":{\"product\":\"" PRODUCT_ID "\",\"externalReference\":\"" RECORD_ID
                       "\",\"attributes\":[],\"trackInventory\":true}}",
                       VARIANT_DONE},
                      {"productChannelListingUpdate",
                       "{\"id\":\"" PRODUCT_ID
                       "\",\"input\":{\"updateChannels\":[{\"channelId\":\"" CHANNEL_ID "\"}]}}",
                       PRODUCT_DONE},
                      {"productVariantChannelListingUpdate", PRICE("5.00"), PRICE_DONE}),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(an_update_with_known_ids_is_one_request_for_what_changed)
{
    static const struct {
        const char *base, *operation, *variables, *answer;
    } rows[] = {
        {BASE("Lamp", "10", "7", "active", "L-1"), "productVariantChannelListingUpdate", PRICE("12.50"),
         PRICE_DONE},
        {BASE("Lamp", "12.50", "8", "active", "L-1"), "productVariantStocksUpdate", STOCK("7"), VARIANT_DONE},
        {BASE("Lamp", "12.50", "7", "active", "L-0"), "productVariantUpdate",
         "{\"id\":\"" VARIANT_ID "\",\"input\":{\"sku\":\"L-1\"}}", VARIANT_DONE},
        {BASE("Lump", "12.50", "7", "active", "L-1"), "productUpdate",
         "{\"id\":\"" PRODUCT_ID "\",\"input\":{\"name\":\"Lamp\"}}", PRODUCT_DONE},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct errand errand = change;
        errand.base = rows[i].base;
        errand.steps = IDS;
        saleor_talk(&errand, LINES({rows[i].operation, rows[i].variables, rows[i].answer}), SALEOR_DONE, "");
    }
}
END_TEST

START_TEST(an_update_without_known_ids_looks_them_up_first)
{
    struct errand errand = change;
    errand.base = BASE("Lamp", "10", "8", "active", "L-1");
    const char *steps = saleor_talk(
        &errand, LINES(SAY_FIND, SAY_PRICE, {"productVariantStocksUpdate", STOCK("7"), VARIANT_DONE}),
        SALEOR_DONE, "");
    ck_assert_ptr_nonnull(strstr(steps, "\"variant\":\"" VARIANT_ID "\""));
}
END_TEST

START_TEST(an_update_of_the_name_alone_needs_no_look_up)
{
    struct errand errand = change;
    errand.base = BASE("Lump", "12.50", "7", "active", "L-1");
    saleor_talk(
        &errand,
        LINES({"productUpdate", "{\"externalReference\":\"" RECORD_ID "\",\"input\":{\"name\":\"Lamp\"}}",
               PRODUCT_DONE}),
        SALEOR_DONE, "");
}
END_TEST

START_TEST(what_the_platform_has_already_is_not_sent)
{
    struct errand errand = change;
    errand.base = LAMP;
    saleor_talk(&errand, NULL, 0, SALEOR_SKIPPED, "has this already");
}
END_TEST

START_TEST(status_decides_whether_a_product_is_published)
{
    static const struct {
        const char *before, *now, *listing;
        bool metadata;
    } rows[] = {
        {"inactive", "active", LISTING("true"), false},
        {"active", "inactive", LISTING("false"), false},
        {"active", "pending", LISTING("false"), true}, /* the word itself goes into the metadata */
    };
    for (int i = 0; i < COUNT(rows); i++) {
        char record[200], base[200];
        struct errand errand = change;
        snprintf(record, sizeof record, "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":1,\"status\":\"%s\"}",
                 rows[i].now);
        snprintf(base, sizeof base, "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":1,\"status\":\"%s\"}",
                 rows[i].before);
        errand.record = record;
        errand.base = base;
        errand.steps = IDS;
        const struct say said = {"productUpdate",
                                 "{\"id\":\"" PRODUCT_ID "\",\"input\":{\"privateMetadata\":" META(
                                     "\"{\\\"id\\\":\\\"p1\\\",\\\"status\\\":\\\"pending\\\"}\"") "}}",
                                 PRODUCT_DONE};
        const struct say listed = {"productChannelListingUpdate", rows[i].listing, PRODUCT_DONE};
        const struct say both[] = {said, listed};
        saleor_talk(&errand, rows[i].metadata ? both : &listed, rows[i].metadata ? 2 : 1, SALEOR_DONE, "");
    }
}
END_TEST

START_TEST(prices_are_exact_in_the_shops_currency)
{
    static const struct {
        const char *price, *currency, *sent;
    } rows[] = {
        {"12.50", "INR", "12.50"},
        {"0.1", "INR", "0.10"},
        {"1", "USD", "83.00"},
        {"19.99", "USD", "1659.17"},
        {"0", "INR", "0.00"},
        {"1e2", "INR", "100.00"},
        {"0.30000000000000004", "INR", "0.30"},
        {"9999999999999.99", "INR", "9999999999999.99"},
        {"-0", "INR", "0.00"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        char record[200], notes[200], variables[300];
        struct errand errand = change;
        snprintf(record, sizeof record, "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":%s}", rows[i].price);
        snprintf(notes, sizeof notes, "{\"price\":{\"o\":\"bizosaas\",\"c\":\"%s\"}}", rows[i].currency);
        snprintf(variables, sizeof variables,
                 "{\"id\":\"%s\",\"input\":[{\"channelId\":\"%s\",\"price\":%s}]}", VARIANT_ID, CHANNEL_ID,
                 rows[i].sent);
        errand.record = record;
        errand.notes = notes;
        errand.base = "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":777}";
        errand.steps = IDS;
        saleor_talk(&errand, LINES({"productVariantChannelListingUpdate", variables, PRICE_DONE}),
                    SALEOR_DONE, "");
    }
}
END_TEST

START_TEST(what_is_no_price_or_stock_is_dead_with_the_field_named)
{
    static const struct {
        const char *record, *why;
    } rows[] = {
        {"{\"id\":\"p1\",\"name\":\"L\",\"price\":-1}", "price"},
        {"{\"id\":\"p1\",\"name\":\"L\",\"price\":1e400}", "price"},
        {"{\"id\":\"p1\",\"name\":\"L\",\"price\":10000000000000000}", "price"},
        {"{\"id\":\"p1\",\"name\":\"L\"}", "price"},
        {"{\"id\":\"p1\",\"name\":\"L\",\"price\":1,\"inventory\":-1}", "inventory"},
        {"{\"id\":\"p1\",\"name\":\"L\",\"price\":1,\"inventory\":2.5}", "inventory"},
        {"{\"id\":\"p1\",\"name\":\"L\",\"price\":1,\"inventory\":2147483648}", "inventory"},
        {"{\"id\":\"p1\",\"name\":\"L\",\"price\":1,\"inventory\":\"many\"}", "inventory"},
        {"{\"id\":\"p1\",\"price\":1}", "name"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct errand errand = create;
        errand.record = rows[i].record;
        saleor_check_impossible(&errand, rows[i].why);
    }
}
END_TEST

START_TEST(a_stock_that_was_cleared_is_none)
{
    struct errand errand = change;
    errand.record = "{\"id\":\"p1\",\"name\":\"L\",\"price\":1}";
    errand.base = "{\"id\":\"p1\",\"name\":\"L\",\"price\":1,\"inventory\":4}";
    errand.steps = IDS;
    saleor_talk(&errand, LINES({"productVariantStocksUpdate", STOCK("0"), VARIANT_DONE}), SALEOR_DONE, "");
}
END_TEST

START_TEST(a_delete_is_done_when_nothing_is_there)
{
    const char *steps =
        saleor_talk(&erase, LINES({"productDelete", BY_REFERENCE_ONLY, PRODUCT_DONE}), SALEOR_DONE, "");
    ck_assert_str_eq(steps, "{\"version\":3,\"done\":[]}");
    saleor_talk(&erase, LINES({"productDelete", NULL, REFUSED("externalReference", "NOT_FOUND")}),
                SALEOR_DONE, "");
    struct errand by_id = erase;
    by_id.platform_id = PRODUCT_ID;
    saleor_talk(&by_id, LINES({"productDelete", "{\"id\":\"" PRODUCT_ID "\"}", PRODUCT_DONE}), SALEOR_DONE,
                "");
}
END_TEST

START_TEST(a_description_of_an_editor_stays_as_it_is)
{
    struct errand errand = change;
    errand.record = "{\"id\":\"p1\",\"name\":\"L\",\"price\":1,\"description\":{\"blocks\":[]}}";
    errand.base = "{\"id\":\"p1\",\"name\":\"L\",\"price\":1}";
    saleor_talk(&errand,
                LINES({"productUpdate",
                       "{\"externalReference\":\"" RECORD_ID
                       "\",\"input\":{\"description\":\"{\\\"blocks\\\":[]}\"}}",
                       PRODUCT_DONE}),
                SALEOR_DONE, "");
    errand.record = "{\"id\":\"p1\",\"name\":\"L\",\"price\":1}";
    errand.base = "{\"id\":\"p1\",\"name\":\"L\",\"price\":1,\"description\":\"x\"}";
    saleor_talk(
        &errand,
        LINES({"productUpdate", "{\"externalReference\":\"" RECORD_ID "\",\"input\":{\"description\":null}}",
               PRODUCT_DONE}),
        SALEOR_DONE, "");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("saleor_product");
    TCase *tc = tcase_create("product");
    tcase_add_checked_fixture(tc, saleor_load, saleor_unload);
    tcase_add_test(tc, a_create_makes_product_variant_listing_and_price);
    tcase_add_test(tc, a_product_without_stock_and_sku_says_nothing_of_them);
    tcase_add_test(tc, an_update_with_known_ids_is_one_request_for_what_changed);
    tcase_add_test(tc, an_update_without_known_ids_looks_them_up_first);
    tcase_add_test(tc, an_update_of_the_name_alone_needs_no_look_up);
    tcase_add_test(tc, what_the_platform_has_already_is_not_sent);
    tcase_add_test(tc, status_decides_whether_a_product_is_published);
    tcase_add_test(tc, prices_are_exact_in_the_shops_currency);
    tcase_add_test(tc, what_is_no_price_or_stock_is_dead_with_the_field_named);
    tcase_add_test(tc, a_stock_that_was_cleared_is_none);
    tcase_add_test(tc, a_delete_is_done_when_nothing_is_there);
    tcase_add_test(tc, a_description_of_an_editor_stays_as_it_is);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
