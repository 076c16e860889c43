/* test_saleor_order.c: orders on their way to Saleor: placed to the paisa, then brought to the state that their status asks for. */
#include "mem.h"
#include "saleor_fixture.h"

#define LINES(...) (const struct say[]){__VA_ARGS__}, sizeof((struct say[]){__VA_ARGS__}) / sizeof(struct say)
#define META(json) "\"privateMetadata\":[{\"key\":\"data_sync\",\"value\":" json "}]"
#define NOTES "{\"amount\":{\"o\":\"coreldove\",\"c\":\"INR\"},\"items\":{\"o\":\"coreldove\",\"c\":\"INR\"}}"
#define ORDER(status, amount, items)                                                                         \
    "{\"id\":\"o1\",\"amount\":" amount ",\"status\":\"" status "\",\"customer_id\":\"c1\",\"items\":" items \
    ",\"created_at\":\"2026-09-01T10:00:00Z\"}"
#define TWO_LAMPS "[{\"product_id\":\"p1\",\"quantity\":2,\"price\":50.00,\"name\":\"Lamp\"}]"
#define BY_REFERENCE_ONLY "{\"externalReference\":\"" RECORD_ID "\"}"
#define CREATED "\"2026-09-01T10:00:00.000Z\""
#define FILE_ADDRESS                                                                                 \
    "{\"firstName\":\"Not\",\"lastName\":\"given\",\"streetAddress1\":\"Not given\",\"city\":\"Not " \
    "given\",\"country\":"                                                                           \
    "\"IN\",\"skipValidation\":true}"
#define LINE(variant, quantity, gross, net, listed, listed_net, rest)                                     \
    "{" variant ",\"createdAt\":" CREATED                                                                 \
    ",\"isShippingRequired\":false,\"isGiftCard\":false,\"quantity\":" quantity                           \
    ",\"totalPrice\":{\"gross\":" gross ",\"net\":" net "},\"undiscountedTotalPrice\":{\"gross\":" listed \
    ",\"net\":" listed_net "},\"taxRate\":0,\"taxClassId\":\"" TAX_ID "\",\"warehouse\":\"" WAREHOUSE_ID  \
    "\"" rest "}"
#define LAMP "\"variantExternalReference\":\"" PRODUCT_RECORD "\""
#define LAMP_LINE LINE(LAMP, "2", "100.00", "100.00", "100.00", "100.00", ",\"productName\":\"Lamp\"")
#define INPUT(status, user, lines, rest)                                                                     \
    "{\"orders\":[{\"externalReference\":\"" RECORD_ID                                                       \
    "\",\"channel\":\"default-channel\",\"createdAt\":" CREATED ",\"status\":\"" status "\",\"user\":" user  \
    ",\"billingAddress\":" FILE_ADDRESS ",\"currency\":\"INR\",\"languageCode\":\"EN_IN\",\"lines\":[" lines \
    "]," rest "}]}"
#define OURS "{\"externalReference\":\"" CUSTOMER_RECORD "\"}"
#define ID_META META("\"{\\\"id\\\":\\\"o1\\\"}\"")
#define PLACED \
    "{\"results\":[{\"order\":{\"id\":\"" ORDER_ID "\",\"status\":\"UNCONFIRMED\"},\"errors\":[]}]}"
#define NOT_PLACED(path, code)                                                          \
    "{\"results\":[{\"order\":null,\"errors\":[{\"path\":\"" path "\",\"code\":\"" code \
    "\",\"message\":\"no\"}]}]}"
#define REFUSED(field, code) \
    "{\"order\":null,\"errors\":[{\"field\":\"" field "\",\"code\":\"" code "\",\"message\":\"no\"}]}"
#define DONE "{\"order\":{\"id\":\"" ORDER_ID "\"},\"errors\":[]}"
#define IS(state, lines) "{\"id\":\"" ORDER_ID "\",\"status\":\"" state "\",\"lines\":" lines "}"
#define TWO_OPEN                                                                           \
    "[{\"id\":\"T3JkZXJMaW5lOjE=\",\"quantityToFulfill\":2},{\"id\":\"T3JkZXJMaW5lOjI=\"," \
    "\"quantityToFulfill\":0}]"
#define BY_ID "{\"id\":\"" ORDER_ID "\"}"
#define FULFIL                                                                                    \
    "{\"order\":\"" ORDER_ID                                                                      \
    "\",\"input\":{\"lines\":[{\"orderLineId\":\"T3JkZXJMaW5lOjE=\",\"stocks\":[{\"quantity\":2," \
    "\"warehouse\":\"" WAREHOUSE_ID "\"}]}],\"notifyCustomer\":false,\"allowStockToBeExceeded\":true}}"

static const struct saleor_parent parents[] = {{ENTITY_USER, "customer_id", CUSTOMER_RECORD, NULL},
                                               {ENTITY_PRODUCT, "items[0].product_id", PRODUCT_RECORD, NULL}};
#define PARENTS .parents = parents, .parent_count = 2

static const struct errand create = {ENTITY_ORDER,   EVENT_ORDER_CREATED,
                                     VERB_CREATE,    ORDER("pending", "100.00", TWO_LAMPS),
                                     .notes = NOTES, PARENTS};
static const struct errand change = {ENTITY_ORDER,   EVENT_ORDER_UPDATED,
                                     VERB_UPDATE,    ORDER("paid", "100.00", TWO_LAMPS),
                                     .notes = NOTES, PARENTS};
static const struct errand erase = {ENTITY_ORDER, EVENT_ORDER_UPDATED, VERB_DELETE, .record = NULL};
#define PENDING_META META("\"{\\\"id\\\":\\\"o1\\\",\\\"status\\\":\\\"pending\\\"}\"")

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

/* status words × states: what is asked after orderUpdate, when Saleor's id is not known yet. */
START_TEST(an_update_brings_the_order_to_the_state_that_its_status_asks_for)
{
    static const struct {
        const char *status, *state, *then, *then_again;
        enum saleor_verdict verdict;
        const char *why;
    } rows[] = {
        {"paid", "UNCONFIRMED", "orderConfirm", NULL, SALEOR_DONE, ""},
        {"paid", "UNFULFILLED", NULL, NULL, SALEOR_DONE, ""},
        {"paid", "FULFILLED", NULL, NULL, SALEOR_DONE, ""},
        {"paid", "CANCELED", NULL, NULL, SALEOR_DEAD,
         "status: Saleor cannot bring back an order that is CANCELED"},
        {"paid", "DRAFT", NULL, NULL, SALEOR_DEAD, "status"},
        {"shipped", "UNCONFIRMED", "orderConfirm", "orderFulfill", SALEOR_DONE, ""},
        {"shipped", "UNFULFILLED", "orderFulfill", NULL, SALEOR_DONE, ""},
        {"shipped", "PARTIALLY_FULFILLED", "orderFulfill", NULL, SALEOR_DONE, ""},
        {"shipped", "FULFILLED", NULL, NULL, SALEOR_DONE, ""},
        {"shipped", "EXPIRED", NULL, NULL, SALEOR_DEAD, "status"},
        {"cancelled", "UNCONFIRMED", "orderCancel", NULL, SALEOR_DONE, ""},
        {"cancelled", "UNFULFILLED", "orderCancel", NULL, SALEOR_DONE, ""},
        {"cancelled", "CANCELED", NULL, NULL, SALEOR_DONE, ""},
        {"cancelled", "FULFILLED", NULL, NULL, SALEOR_DEAD,
         "status: Saleor cancels no order that is FULFILLED"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        char record[128], state[300];
        struct errand errand = change;
        struct say lines[3] = {{"order", BY_REFERENCE_ONLY, state}};
        size_t count = 1;
        snprintf(record, sizeof record, "{\"id\":\"o1\",\"amount\":1,\"status\":\"%s\"}", rows[i].status);
        snprintf(state, sizeof state, "{\"id\":\"%s\",\"status\":\"%s\",\"lines\":%s}", ORDER_ID,
                 rows[i].state, TWO_OPEN);
        errand.record = record;
        errand.base = record;
        /* The difference is the status alone: the metadata goes along, for a word of before may stand in it. */
        errand.base = "{\"id\":\"o1\",\"amount\":1,\"status\":\"pending\"}";
        struct say all[4] = {{"orderUpdate",
                              "{\"externalReference\":\"" RECORD_ID "\",\"input\":{" ID_META "}}",
                              "{\"order\":null,\"errors\":[]}"}};
        if (rows[i].then != NULL)
            lines[count++] =
                (struct say){rows[i].then, strcmp(rows[i].then, "orderFulfill") == 0 ? FULFIL : BY_ID, DONE};
        if (rows[i].then_again != NULL)
            lines[count++] = (struct say){rows[i].then_again, FULFIL, DONE};
        memcpy(all + 1, lines, count * sizeof lines[0]);
        saleor_talk(&errand, all, count + 1, rows[i].verdict, rows[i].why);
    }
}
END_TEST

#define SAY_UPDATE                      \
    {                                   \
        "orderUpdate", BY_ID_META, DONE \
    }
#define BY_ID_META "{\"id\":\"" ORDER_ID "\",\"input\":{" ID_META "}}"

START_TEST(with_a_known_id_confirming_and_cancelling_need_no_look)
{
    struct errand paid = change, cancelled = change;
    paid.platform_id = cancelled.platform_id = ORDER_ID;
    paid.base = cancelled.base = ORDER("pending", "100.00", TWO_LAMPS);
    cancelled.record = ORDER("cancelled", "100.00", TWO_LAMPS);
    saleor_talk(&paid, LINES(SAY_UPDATE, {"orderConfirm", BY_ID, DONE}), SALEOR_DONE, "");
    saleor_talk(&cancelled, LINES(SAY_UPDATE, {"orderCancel", BY_ID, DONE}), SALEOR_DONE, "");
    saleor_talk(&paid,
                LINES(SAY_UPDATE, {"orderConfirm", BY_ID, REFUSED("id", "INVALID")},
                      {"order", BY_ID, IS("UNFULFILLED", "[]")}),
                SALEOR_DONE, "");
    saleor_talk(&cancelled,
                LINES(SAY_UPDATE, {"orderCancel", BY_ID, REFUSED("order", "CANNOT_CANCEL_ORDER")},
                      {"order", BY_ID, IS("FULFILLED", "[]")}),
                SALEOR_DEAD, "FULFILLED");
    saleor_talk(&paid,
                LINES(SAY_UPDATE, {"orderConfirm", BY_ID, REFUSED("id", "INVALID")},
                      {"order", BY_ID, IS("UNCONFIRMED", "[]")},
                      {"orderConfirm", BY_ID, REFUSED("id", "INVALID")}),
                SALEOR_DEAD, "id: orderConfirm: no (INVALID)");
}
END_TEST

START_TEST(amount_and_items_of_a_placed_order_stay_and_the_outcome_says_so)
{
    struct errand errand = change;
    errand.base = ORDER("paid", "90.00", "[]");
    saleor_talk(&errand, NULL, 0, SALEOR_SKIPPED, "Saleor cannot change amount, items of this order");
    errand.base = change.record;
    saleor_talk(&errand, NULL, 0, SALEOR_SKIPPED, "has this already");
}
END_TEST

START_TEST(what_can_change_in_a_placed_order_is_changed)
{
    struct errand errand = change;
    errand.record = "{\"id\":\"o1\",\"amount\":1,\"status\":\"paid\",\"email\":\"b@x.in\",\"gift\":true,"
                    "\"shipping_address\":{"
                    "\"city\":\"Pune\",\"country\":\"IN\"}}";
    errand.base = "{\"id\":\"o1\",\"amount\":2,\"status\":\"paid\",\"email\":\"a@x.in\"}";
    saleor_talk(&errand,
                LINES({"orderUpdate",
                       "{\"externalReference\":\"" RECORD_ID
                       "\",\"input\":{\"shippingAddress\":{\"city\":\"Pune\",\"country\":"
                       "\"IN\",\"skipValidation\":true},\"userEmail\":\"b@x.in\"," META(
                           "\"{\\\"id\\\":\\\"o1\\\",\\\"gift\\\":true}\"") "}}",
                       DONE}),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(a_create_whose_answer_was_lost_becomes_an_update)
{
    struct errand errand = create;
    errand.record = ORDER("shipped", "100.00", TWO_LAMPS);
    saleor_talk(
        &errand,
        LINES({"orderBulkCreate", NULL, NOT_PLACED("external_reference", "UNIQUE")},
              {"orderUpdate", "{\"externalReference\":\"" RECORD_ID "\",\"input\":{" ID_META "}}", DONE},
              {"order", BY_ID, IS("FULFILLED", "[]")}),
        SALEOR_DONE, "");
}
END_TEST

START_TEST(an_update_of_one_that_is_not_there_becomes_a_create)
{
    static const char base[] = ORDER("pending", "100.00", TWO_LAMPS);
    struct errand errand = change, known = change;
    errand.base = known.base = base;
    known.platform_id = ORDER_ID;
    saleor_talk(&errand,
                LINES({"orderUpdate", NULL, REFUSED("externalReference", "NOT_FOUND")},
                      {"orderBulkCreate", INPUT("UNFULFILLED", OURS, LAMP_LINE, ID_META), PLACED}),
                SALEOR_DONE, "");
    saleor_talk(&known,
                LINES({"orderUpdate", NULL, REFUSED("id", "NOT_FOUND")},
                      {"orderUpdate", NULL, REFUSED("externalReference", "NOT_FOUND")},
                      {"orderBulkCreate", INPUT("UNFULFILLED", OURS, LAMP_LINE, ID_META), PLACED}),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(deleting_is_cancelling)
{
    struct errand known = erase;
    known.platform_id = ORDER_ID;
    saleor_talk(&erase,
                LINES({"order", BY_REFERENCE_ONLY, IS("UNFULFILLED", "[]")}, {"orderCancel", BY_ID, DONE}),
                SALEOR_DONE, "");
    saleor_talk(&erase, LINES({"order", BY_REFERENCE_ONLY, "null"}), SALEOR_DONE, "");
    saleor_talk(&erase, LINES({"order", BY_REFERENCE_ONLY, IS("CANCELED", "[]")}), SALEOR_DONE, "");
    saleor_talk(&erase, LINES({"order", BY_REFERENCE_ONLY, IS("FULFILLED", "[]")}), SALEOR_DEAD, "FULFILLED");
    saleor_talk(&known, LINES({"orderCancel", BY_ID, DONE}), SALEOR_DONE, "");
    saleor_talk(
        &known,
        LINES({"orderCancel", BY_ID, REFUSED("id", "NOT_FOUND")}, {"order", BY_REFERENCE_ONLY, "null"}),
        SALEOR_DONE, "");
}
END_TEST

START_TEST(an_update_can_be_resumed_from_every_step)
{
    static const struct say all[] = {
        {"orderUpdate", "{\"id\":\"" ORDER_ID "\",\"input\":{" ID_META "}}", DONE},
        {"order", BY_ID, IS("UNCONFIRMED", TWO_OPEN)},
        {"orderConfirm", BY_ID, DONE},
        {"orderFulfill", FULFIL, DONE},
    };
    static const char *const states[] = {"UNCONFIRMED", "UNCONFIRMED", "UNCONFIRMED", "UNFULFILLED"};
    for (size_t cut = 0; cut < 4; cut++) {
        struct say first[4], rest[5];
        size_t count = 0;
        char state[300];
        struct errand errand = change;
        errand.record = ORDER("shipped", "100.00", TWO_LAMPS);
        errand.base = ORDER("pending", "100.00", TWO_LAMPS);
        errand.platform_id = ORDER_ID;
        memcpy(first, all, sizeof all);
        first[cut].answer = NULL;
        char *steps = mem_strdup(saleor_talk(&errand, first, cut + 1, SALEOR_GO_ON, ""));
        errand.steps = steps;
        snprintf(state, sizeof state, "{\"id\":\"%s\",\"status\":\"%s\",\"lines\":%s}", ORDER_ID, states[cut],
                 TWO_OPEN);
        if (cut == 0)
            rest[count++] = all[0];
        rest[count++] = (struct say){"order", BY_ID, state};
        if (cut < 3)
            rest[count++] = all[2];
        rest[count++] = all[3];
        saleor_talk(&errand, rest, count, SALEOR_DONE, "");
        free(steps);
    }
}
END_TEST

START_TEST(each_error_code_has_its_verdict)
{
    static const struct {
        const char *answer;
        enum saleor_verdict verdict;
        const char *why;
    } rows[] = {
        {NOT_PLACED("billing_address", "INVALID"), SALEOR_DEAD, "billing_address: orderBulkCreate"},
        {NOT_PLACED("currency", "INCORRECT_CURRENCY"), SALEOR_DEAD, "currency: "},
        {NOT_PLACED("lines.0.quantity", "INVALID_QUANTITY"), SALEOR_DEAD, "lines.0.quantity: "},
        {NOT_PLACED("channel", "NOT_FOUND"), SALEOR_RETRY, "not there any more"},
        {NOT_PLACED("lines.0.warehouse", "NOT_FOUND"), SALEOR_RETRY, "not there any more"},
        {NOT_PLACED("created_at", "FUTURE_DATE"), SALEOR_DEAD, "created_at: "},
        {"{\"results\":[{\"order\":null,\"errors\":[]}]}", SALEOR_RETRY, "gave no reason"},
        {"{\"results\":[]}", SALEOR_RETRY, "gave no reason"},
        {"!{\"data\":{\"o0\":null},\"errors\":[{\"message\":\"x\",\"path\":[\"o0\"],\"extensions\":{"
         "\"exception\":{\"code\":"
         "\"PermissionDenied\"}}}]}",
         SALEOR_HOLD, "may not"},
    };
    for (int i = 0; i < COUNT(rows); i++)
        saleor_talk(&create, LINES({"orderBulkCreate", NULL, rows[i].answer}), rows[i].verdict, rows[i].why);
    struct errand shipped = change;
    shipped.record = ORDER("shipped", "100.00", TWO_LAMPS);
    shipped.platform_id = ORDER_ID;
    saleor_talk(&shipped,
                LINES({"orderUpdate", NULL, DONE}, {"order", BY_ID, IS("UNFULFILLED", TWO_OPEN)},
                      {"orderFulfill", FULFIL, REFUSED("order", "CANNOT_FULFILL_UNPAID_ORDER")}),
                SALEOR_DEAD, "CANNOT_FULFILL_UNPAID_ORDER");
    saleor_talk(&shipped,
                LINES({"orderUpdate", NULL, DONE}, {"order", BY_ID, IS("UNFULFILLED", TWO_OPEN)},
                      {"orderFulfill", FULFIL, REFUSED("orderLineId", "FULFILL_ORDER_LINE")},
                      {"order", BY_ID, IS("FULFILLED", "[]")}),
                SALEOR_DONE, "");
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
    tcase_add_test(tc, an_update_brings_the_order_to_the_state_that_its_status_asks_for);
    tcase_add_test(tc, with_a_known_id_confirming_and_cancelling_need_no_look);
    tcase_add_test(tc, amount_and_items_of_a_placed_order_stay_and_the_outcome_says_so);
    tcase_add_test(tc, what_can_change_in_a_placed_order_is_changed);
    tcase_add_test(tc, a_create_whose_answer_was_lost_becomes_an_update);
    tcase_add_test(tc, an_update_of_one_that_is_not_there_becomes_a_create);
    tcase_add_test(tc, deleting_is_cancelling);
    tcase_add_test(tc, an_update_can_be_resumed_from_every_step);
    tcase_add_test(tc, each_error_code_has_its_verdict);
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
