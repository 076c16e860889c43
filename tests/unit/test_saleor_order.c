/* test_saleor_order.c: orders on their way to Saleor: placed to the paisa, then brought to the state that their status asks for. */
#include "saleor_order_fixture.h"

START_TEST(a_create_places_the_order_in_one_request)
{
    const char *steps = saleor_talk(
        &create, LINES({"orderBulkCreate", INPUT("UNCONFIRMED", OURS, LAMP_LINE, PENDING_META), PLACED}),
        SALEOR_DONE, "");
    ck_assert_str_eq(steps, "{\"version\":3,\"id\":\"" ORDER_ID "\",\"done\":[]}");
}
END_TEST

START_TEST(the_status_decides_in_which_state_it_is_placed)
{
    static const struct {
        const char *record, *variables;
    } rows[] = {
        {ORDER("paid", "100.00", TWO_LAMPS), INPUT("UNFULFILLED", OURS, LAMP_LINE, ID_META)},
        {ORDER("cancelled", "100.00", TWO_LAMPS), INPUT("CANCELED", OURS, LAMP_LINE, ID_META)},
        {ORDER("shipped", "100.00", TWO_LAMPS),
         INPUT("FULFILLED", OURS, LAMP_LINE,
               "\"fulfillments\":[{\"lines\":[{\"orderLineIndex\":0," LAMP
               ",\"quantity\":2,\"warehouse\":\"" WAREHOUSE_ID "\"}]}]," ID_META)},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct errand errand = create;
        errand.record = rows[i].record;
        saleor_talk(&errand, LINES({"orderBulkCreate", rows[i].variables, PLACED}), SALEOR_DONE, "");
    }
}
END_TEST

START_TEST(totals_are_exact_and_add_up_to_the_amount)
{
    static const struct {
        const char *amount, *items, *currency, *lines;
    } rows[] = {
        /* shipping on top: by share; the rest of the division with the last */
        {"110.00", "[{\"product_id\":\"p1\",\"price\":33.33},{\"product_id\":\"p1\",\"price\":66.66}]", "INR",
         LINE(LAMP, "1", "36.66", "36.66", "36.66", "36.66", "") "," LINE(LAMP, "1", "73.34", "73.34",
                                                                          "73.34", "73.34", "")},
        /* a discount: the price before it stays visible */
        {"90.00", TWO_LAMPS, "INR",
         LINE(LAMP, "2", "90.00", "90.00", "100.00", "100.00", ",\"productName\":\"Lamp\"")},
        /* no prices: by quantity */
        {"10.00", "[{\"product_id\":\"p1\",\"quantity\":1},{\"product_id\":\"p1\",\"quantity\":2}]", "INR",
         LINE(LAMP, "1", "3.33", "3.33", "3.33", "3.33", "") "," LINE(LAMP, "2", "6.67", "6.67", "6.67",
                                                                      "6.67", "")},
        /* 0.1 + 0.2 as a double says it */
        {"0.30000000000000004",
         "[{\"product_id\":\"p1\",\"price\":0.1},{\"product_id\":\"p1\",\"price\":0.2}]", "INR",
         LINE(LAMP, "1", "0.10", "0.10", "0.10", "0.10", "") "," LINE(LAMP, "1", "0.20", "0.20", "0.20",
                                                                      "0.20", "")},
        /* dollars; the item's total counts before its price */
        {"2.50", "[{\"product_id\":\"p1\",\"quantity\":3,\"price\":1,\"total\":2.50}]", "USD",
         LINE(LAMP, "3", "207.50", "207.50", "207.50", "207.50", "")},
        {"0", "[{\"product_id\":\"p1\",\"price\":0}]", "INR",
         LINE(LAMP, "1", "0.00", "0.00", "0.00", "0.00", "")},
    };
    static const struct saleor_parent both[] = {
        {ENTITY_USER, "customer_id", CUSTOMER_RECORD, NULL},
        {ENTITY_PRODUCT, "items[0].product_id", PRODUCT_RECORD, NULL},
        {ENTITY_PRODUCT, "items[1].product_id", PRODUCT_RECORD, NULL}};
    for (int i = 0; i < COUNT(rows); i++) {
        char record[512], notes[256];
        struct buf variables = BUF_INIT;
        struct errand errand = create;
        snprintf(record, sizeof record,
                 "{\"id\":\"o1\",\"amount\":%s,\"status\":\"paid\",\"customer_id\":\"c1\",\"items\":%s,"
                 "\"created_at\":\"2026-09-01T10:00:00Z\"}",
                 rows[i].amount, rows[i].items);
        snprintf(notes, sizeof notes,
                 "{\"amount\":{\"o\":\"x\",\"c\":\"%s\"},\"items\":{\"o\":\"x\",\"c\":\"%s\"}}",
                 rows[i].currency, rows[i].currency);
        buf_addf(&variables,
                 "{\"orders\":[{\"externalReference\":\"" RECORD_ID
                 "\",\"channel\":\"default-channel\",\"createdAt\":" CREATED
                 ",\"status\":\"UNFULFILLED\",\"user\":" OURS ",\"billingAddress\":" FILE_ADDRESS
                 ",\"currency\":\"INR\",\"languageCode\":\"EN_IN\",\"lines\":[%s]," ID_META "}]}",
                 rows[i].lines);
        errand.record = record;
        errand.notes = notes;
        errand.parents = both;
        errand.parent_count = 3;
        saleor_talk(&errand, LINES({"orderBulkCreate", variables.data, PLACED}), SALEOR_DONE, "");
        buf_release(&variables);
    }
}
END_TEST

START_TEST(the_tax_is_taken_off_to_the_paisa)
{
    static const char *const settings[] = {"tax_rate = \"0\"", "tax_rate = \"0.18\"", NULL};
    saleor_load_with(settings);
    struct errand errand = create;
    errand.record = ORDER("paid", "99.99", "[{\"product_id\":\"p1\",\"price\":110}]");
    saleor_talk(&errand,
                LINES({"orderBulkCreate",
                       INPUT("UNFULFILLED", OURS,
                             "{" LAMP ",\"createdAt\":" CREATED
                             ",\"isShippingRequired\":false,\"isGiftCard\":false,\"quantity\":1,"
                             "\"totalPrice\":{\"gross\":99.99,\"net\":84.74},\"undiscountedTotalPrice\":{"
                             "\"gross\":110.00,\"net\":"
                             "93.22},\"taxRate\":0.18,\"taxClassId\":\"" TAX_ID
                             "\",\"warehouse\":\"" WAREHOUSE_ID "\"}",
                             ID_META),
                       PLACED}),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(the_customer_is_named_in_every_way_there_is)
{
    static const struct saleor_parent with_id[] = {
        {ENTITY_USER, "customer_id", CUSTOMER_RECORD, USER_ID},
        {ENTITY_PRODUCT, "items[0].product_id", PRODUCT_RECORD, NULL}};
    struct errand errand = create, stranger = create;
    errand.record =
        "{\"id\":\"o1\",\"amount\":100,\"status\":\"paid\",\"customer_id\":\"c1\",\"email\":\"a@x.in\","
        "\"items\":" TWO_LAMPS ",\"created_at\":\"2026-09-01T10:00:00Z\"}";
    errand.parents = with_id;
    saleor_talk(
        &errand,
        LINES(
            {"orderBulkCreate", INPUT("UNFULFILLED", "{\"id\":\"" USER_ID "\"}", LAMP_LINE, ID_META),
             NOT_PLACED("user.id", "NOT_FOUND")},
            {"orderBulkCreate", INPUT("UNFULFILLED", OURS, LAMP_LINE, ID_META),
             NOT_PLACED("user.external_reference", "NOT_FOUND")},
            {"orderBulkCreate", INPUT("UNFULFILLED", "{\"email\":\"a@x.in\"}", LAMP_LINE, ID_META), PLACED}),
        SALEOR_DONE, "");
    saleor_talk(&create, LINES({"orderBulkCreate", NULL, NOT_PLACED("user.external_reference", "NOT_FOUND")}),
                SALEOR_DEAD, "customer_id: the shop has no such customer");
    stranger.parents = parents + 1;
    stranger.parent_count = 1;
    saleor_talk(&stranger, NULL, 0, SALEOR_DEAD, "customer_id: the order names no customer");
}
END_TEST

START_TEST(an_item_is_named_in_every_way_there_is)
{
    static const struct saleor_parent with_id[] = {
        {ENTITY_USER, "customer_id", CUSTOMER_RECORD, NULL},
        {ENTITY_PRODUCT, "items[0].product_id", PRODUCT_RECORD, PRODUCT_ID}};
    struct errand by_product = create, by_sku = create;
    by_product.parents = with_id;
    saleor_talk(
        &by_product,
        LINES({"orderBulkCreate", NULL, NOT_PLACED("lines.0.variant_external_reference", "NOT_FOUND")},
              {"product", "{\"id\":\"" PRODUCT_ID "\"}",
               "{\"id\":\"" PRODUCT_ID "\",\"defaultVariant\":{\"id\":\"" VARIANT_ID "\"},\"variants\":[]}"},
              {"orderBulkCreate",
               INPUT("UNCONFIRMED", OURS,
                     LINE("\"variantId\":\"" VARIANT_ID "\"", "2", "100.00", "100.00", "100.00", "100.00",
                          ",\"productName\":\"Lamp\""),
                     PENDING_META),
               PLACED}),
        SALEOR_DONE, "");
    by_sku.record =
        ORDER("paid", "100.00", "[{\"sku\":\"L-1\",\"price\":50},{\"sku\":\"L-1\",\"price\":50}]");
    by_sku.parent_count = 1;
    saleor_talk(&by_sku,
                LINES({"productVariants", "{\"skus\":[\"L-1\"]}",
                       "{\"edges\":[{\"node\":{\"id\":\"" VARIANT_ID "\",\"sku\":\"L-1\"}}]}"},
                      {"orderBulkCreate",
                       INPUT("UNFULFILLED", OURS,
                             LINE("\"variantId\":\"" VARIANT_ID "\"", "1", "50.00", "50.00", "50.00", "50.00",
                                  "") "," LINE("\"variantId\":\"" VARIANT_ID "\"", "1", "50.00", "50.00",
                                               "50.00", "50.00", ""),
                             ID_META),
                       PLACED}),
                SALEOR_DONE, "");
    saleor_talk(&by_sku, LINES({"productVariants", NULL, "{\"edges\":[]}"}), SALEOR_DEAD,
                "items[0].sku: the shop has no");
    saleor_talk(
        &create,
        LINES({"orderBulkCreate", NULL, NOT_PLACED("lines.0.variant_external_reference", "NOT_FOUND")}),
        SALEOR_DEAD, "items[0]: the shop has no such product");
}
END_TEST

START_TEST(an_order_without_items_needs_a_variant_that_stands_for_them)
{
    static const char *const settings[] = {"# variant = \"MISC\";", "variant = \"MISC\";", NULL};
    struct errand errand = create;
    errand.record = "{\"id\":\"o1\",\"amount\":12.34,\"status\":\"paid\",\"customer_id\":\"c1\","
                    "\"created_at\":\"2026-09-01T10:00:00Z\"}";
    saleor_check_impossible(&errand, "items: Saleor takes no order without items");
    saleor_load_with(settings);
    saleor_talk(
        &errand,
        LINES({"productVariants", "{\"skus\":[\"MISC\"]}",
               "{\"edges\":[{\"node\":{\"id\":\"" VARIANT_ID "\",\"sku\":\"MISC\"}}]}"},
              {"orderBulkCreate",
               INPUT("UNFULFILLED", OURS,
                     LINE("\"variantId\":\"" VARIANT_ID "\"", "1", "12.34", "12.34", "12.34", "12.34", ""),
                     ID_META),
               PLACED}),
        SALEOR_DONE, "");
}
END_TEST

START_TEST(an_order_that_saleor_could_not_hold_is_dead_with_the_field_named)
{
    static const char *const rows[][2] = {
        {ORDER("paid", "1", "[{\"product_id\":\"p1\",\"quantity\":0}]"), "items[0].quantity"},
        {ORDER("paid", "1", "[{\"product_id\":\"p1\",\"quantity\":1.5}]"), "items[0].quantity"},
        {ORDER("paid", "1", "[{\"product_id\":\"p1\",\"quantity\":2147483648}]"), "items[0].quantity"},
        {ORDER("paid", "1", "[{\"product_id\":\"p1\",\"price\":-1}]"), "items[0].price"},
        {ORDER("paid", "1", "[{\"product_id\":\"p1\",\"price\":999999999999,\"quantity\":2147483647}]"),
         "items[0].price"},
        {ORDER("paid", "1", "[{\"product_id\":\"p1\",\"price\":1},{\"product_id\":\"p1\",\"sku\":\"x\"}]"),
         "items[1].price: is missing"},
        {ORDER("paid", "1", "[{\"name\":\"what?\"}]"), "items[0].product_id"},
        {ORDER("paid", "1", "[null]"), "items[0]"},
        {ORDER("paid", "1", "[7]"), "items[0]"},
        {ORDER("paid", "-1", TWO_LAMPS), "amount"},
        {ORDER("paid", "1e400", TWO_LAMPS), "amount"},
        {"{\"id\":\"o1\",\"status\":\"paid\",\"items\":" TWO_LAMPS "}", "amount"},
        {"{\"id\":\"o1\",\"amount\":1,\"items\":" TWO_LAMPS "}", "status"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct errand errand = create;
        errand.record = rows[i][0];
        if (strstr(rows[i][1], "product_id") != NULL)
            errand.parent_count = 1;
        saleor_check_impossible(&errand, rows[i][1]);
    }
}
END_TEST

START_TEST(addresses_come_from_the_order_where_it_has_them)
{
    struct errand errand = create;
    errand.record =
        "{\"id\":\"o1\",\"amount\":100,\"status\":\"paid\",\"customer_id\":\"c1\",\"items\":" TWO_LAMPS
        ",\"created_at\":\"2026-09-01T10:00:00Z\",\"billing_address\":{\"name\":\"Asha Rao\",\"street\":\"1 "
        "MG Road\","
        "\"city\":\"Pune\",\"zip\":\"411001\",\"state\":\"MH\",\"country\":\"IN\",\"phone\":\"+91 20\"},"
        "\"shipping_address\":{\"first_name\":\"Ben\",\"line1\":\"2 High St\",\"postcode\":\"a far too long "
        "postal code\","
        "\"country\":\"UK\"}}";
    saleor_talk(&errand,
                LINES({"orderBulkCreate",
                       "{\"orders\":[{\"externalReference\":\"" RECORD_ID
                       "\",\"channel\":\"default-channel\",\"createdAt\":" CREATED
                       ",\"status\":\"UNFULFILLED\",\"user\":" OURS
                       ",\"billingAddress\":{\"firstName\":\"Asha\",\"lastName\":\"Rao\",\"streetAddress1\":"
                       "\"1 MG Road\",\"city\":"
                       "\"Pune\",\"postalCode\":\"411001\",\"countryArea\":\"MH\",\"phone\":\"+91 "
                       "20\",\"country\":\"IN\","
                       "\"skipValidation\":true},\"shippingAddress\":{\"firstName\":\"Ben\","
                       "\"streetAddress1\":\"2 High St\","
                       "\"country\":\"IN\",\"skipValidation\":true},\"currency\":\"INR\",\"languageCode\":"
                       "\"EN_IN\",\"lines\":[" LAMP_LINE "]," ID_META "}]}",
                       PLACED}),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(an_order_dated_in_the_future_or_not_at_all_is_of_now)
{
    static const char *const dates[] = {"\"2030-01-01T00:00:00Z\"", "\"soon\"", "7", "null"};
    for (int i = 0; i < COUNT(dates); i++) {
        char record[300];
        struct errand errand = create;
        snprintf(record, sizeof record,
                 "{\"id\":\"o1\",\"amount\":1,\"status\":\"paid\",\"items\":[{\"product_id\":\"p1\"}],"
                 "\"created_at\":%s}",
                 dates[i]);
        errand.record = record;
        struct saleor_plan *plan = saleor_begin(&errand);
        const struct saleor_operation *operation = saleor_plan_next(plan);
        const struct json *order = json_at(json_get(operation->part.variables, "orders"), 0);
        ck_assert_str_eq(json_get_text(order, "createdAt"), "2026-09-21T14:13:20.000Z");
        saleor_plan_free(&plan);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("saleor_order");
    TCase *tc = tcase_create("order");
    tcase_add_checked_fixture(tc, saleor_load, saleor_unload);
    tcase_add_test(tc, a_create_places_the_order_in_one_request);
    tcase_add_test(tc, the_status_decides_in_which_state_it_is_placed);
    tcase_add_test(tc, totals_are_exact_and_add_up_to_the_amount);
    tcase_add_test(tc, the_tax_is_taken_off_to_the_paisa);
    tcase_add_test(tc, the_customer_is_named_in_every_way_there_is);
    tcase_add_test(tc, an_item_is_named_in_every_way_there_is);
    tcase_add_test(tc, an_order_without_items_needs_a_variant_that_stands_for_them);
    tcase_add_test(tc, an_order_that_saleor_could_not_hold_is_dead_with_the_field_named);
    tcase_add_test(tc, addresses_come_from_the_order_where_it_has_them);
    tcase_add_test(tc, an_order_dated_in_the_future_or_not_at_all_is_of_now);
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
