/* test_saleor_product.c: products on their way to Saleor: one product, one variant, its price and its stock. */
#include "mem.h"
#include "saleor_fixture.h"

#define LINES(...) (const struct say[]){__VA_ARGS__}, sizeof((struct say[]){__VA_ARGS__}) / sizeof(struct say)
#define META(json) "[{\"key\":\"data_sync\",\"value\":" json "}]"
#define LAMP                                                                                              \
    "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":12.50,\"inventory\":7,\"status\":\"active\",\"sku\":\"L-" \
    "1\","                                                                                                \
    "\"description\":\"A <lamp>\\nwith & without\"}"
#define LAMP_NOTES "{\"price\":{\"o\":\"coreldove\",\"c\":\"INR\",\"s\":1,\"t\":1}}"
#define RICH                                                                               \
    "\"{\\\"blocks\\\":[{\\\"type\\\":\\\"paragraph\\\",\\\"data\\\":{\\\"text\\\":\\\"A " \
    "&lt;lamp&gt;\\\"}},{"                                                                 \
    "\\\"type\\\":\\\"paragraph\\\",\\\"data\\\":{\\\"text\\\":\\\"with &amp; without\\\"}}]}\""
#define LAMP_META META("\"{\\\"id\\\":\\\"p1\\\"}\"")
#define LAMP_TEXT "\"name\":\"Lamp\",\"description\":" RICH
#define CREATE_VARIABLES                                                                           \
    "{\"input\":{" LAMP_TEXT ",\"productType\":\"" TYPE_ID "\",\"externalReference\":\"" RECORD_ID \
    "\",\"category\":\"" CATEGORY_ID "\",\"privateMetadata\":" LAMP_META "}}"
#define VARIANT_VARIABLES                                                                                   \
    "{\"input\":{\"product\":\"" PRODUCT_ID "\",\"externalReference\":\"" RECORD_ID "\",\"attributes\":[]," \
    "\"trackInventory\":true,\"sku\":\"L-1\",\"stocks\":[{\"warehouse\":\"" WAREHOUSE_ID                    \
    "\",\"quantity\":7}]}}"
#define LISTING(published)                                                                   \
    "{\"id\":\"" PRODUCT_ID "\",\"input\":{\"updateChannels\":[{\"channelId\":\"" CHANNEL_ID \
    "\",\"isPublished\":" published ",\"isAvailableForPurchase\":" published "}]}}"
#define PRICE(price) \
    "{\"id\":\"" VARIANT_ID "\",\"input\":[{\"channelId\":\"" CHANNEL_ID "\",\"price\":" price "}]}"
#define STOCK(quantity)                                                            \
    "{\"variantId\":\"" VARIANT_ID "\",\"stocks\":[{\"warehouse\":\"" WAREHOUSE_ID \
    "\",\"quantity\":" quantity "}]}"
#define BY_REFERENCE_ONLY "{\"externalReference\":\"" RECORD_ID "\"}"

#define PRODUCT_DONE "{\"product\":{\"id\":\"" PRODUCT_ID "\"},\"errors\":[]}"
#define VARIANT_DONE "{\"productVariant\":{\"id\":\"" VARIANT_ID "\"},\"errors\":[]}"
#define PRICE_DONE "{\"variant\":{\"id\":\"" VARIANT_ID "\"},\"errors\":[]}"
#define FOUND                                                                                         \
    "{\"id\":\"" PRODUCT_ID                                                                           \
    "\",\"defaultVariant\":{\"id\":\"other\"},\"variants\":[{\"id\":\"other\",\"externalReference\":" \
    "null},{\"id\":\"" VARIANT_ID "\",\"externalReference\":\"" RECORD_ID "\"}]}"
#define REFUSED(field, code) \
    "{\"errors\":[{\"field\":\"" field "\",\"code\":\"" code "\",\"message\":\"no\"}]}"

#define SAY_CREATE                                      \
    {                                                   \
        "productCreate", CREATE_VARIABLES, PRODUCT_DONE \
    }
#define SAY_VARIANT                                             \
    {                                                           \
        "productVariantCreate", VARIANT_VARIABLES, VARIANT_DONE \
    }
#define SAY_LISTING                                                  \
    {                                                                \
        "productChannelListingUpdate", LISTING("true"), PRODUCT_DONE \
    }
#define SAY_PRICE                                                        \
    {                                                                    \
        "productVariantChannelListingUpdate", PRICE("12.50"), PRICE_DONE \
    }
#define SAY_FIND                            \
    {                                       \
        "product", BY_REFERENCE_ONLY, FOUND \
    }
#define IDS "{\"version\":2,\"id\":\"" PRODUCT_ID "\",\"variant\":\"" VARIANT_ID "\",\"done\":[]}"

static const struct errand create = {ENTITY_PRODUCT, EVENT_PRODUCT_CREATED, VERB_CREATE, LAMP,
                                     .notes = LAMP_NOTES};
static const struct errand change = {ENTITY_PRODUCT, EVENT_PRODUCT_UPDATED, VERB_UPDATE, LAMP,
                                     .notes = LAMP_NOTES};
static const struct errand erase = {ENTITY_PRODUCT, EVENT_PRODUCT_DELETED, VERB_DELETE, .record = NULL};

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

#define BASE(name, price, inventory, status, sku)                                       \
    "{\"id\":\"p1\",\"name\":\"" name "\",\"price\":" price ",\"inventory\":" inventory \
    ",\"status\":\"" status "\",\"sku\":\"" sku "\",\"description\":\"A <lamp>\\nwith & without\"}"

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

START_TEST(a_create_whose_answer_was_lost_becomes_an_update_of_everything)
{
    saleor_talk(
        &create,
        LINES({"productCreate", NULL, REFUSED("externalReference", "UNIQUE")},
              {"productUpdate",
               "{\"externalReference\":\"" RECORD_ID "\",\"input\":{" LAMP_TEXT
               ",\"privateMetadata\":" LAMP_META "}}",
               PRODUCT_DONE},
              {"product", "{\"id\":\"" PRODUCT_ID "\"}", "{\"id\":\"" PRODUCT_ID "\",\"variants\":[]}"},
              SAY_VARIANT, SAY_LISTING, SAY_PRICE),
        SALEOR_DONE, "");
}
END_TEST

START_TEST(a_variant_whose_answer_was_lost_is_looked_up)
{
    saleor_talk(&create,
                LINES(SAY_CREATE, {"productVariantCreate", NULL, REFUSED("externalReference", "UNIQUE")},
                      {"product", "{\"id\":\"" PRODUCT_ID "\"}", FOUND}, SAY_LISTING, SAY_PRICE),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(a_product_of_the_shops_own_keeps_its_variant)
{
    struct errand errand = change;
    errand.base = BASE("Lamp", "10", "7", "active", "L-1");
    errand.platform_id = PRODUCT_ID;
    saleor_talk(&errand,
                LINES({"product", "{\"id\":\"" PRODUCT_ID "\"}",
                       "{\"id\":\"" PRODUCT_ID "\",\"defaultVariant\":{\"id\":\"" VARIANT_ID
                       "\"},\"variants\":[{\"id\":\"" VARIANT_ID "\",\"externalReference\":null}]}"},
                      SAY_PRICE),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(an_update_of_one_that_is_not_there_becomes_a_create)
{
    struct errand price = change, name = change;
    price.base = BASE("Lamp", "10", "7", "active", "L-1");
    name.base = BASE("Lump", "12.50", "7", "active", "L-1");
    saleor_talk(
        &price,
        LINES({"product", BY_REFERENCE_ONLY, "null"}, SAY_CREATE, SAY_VARIANT, SAY_LISTING, SAY_PRICE),
        SALEOR_DONE, "");
    saleor_talk(&name,
                LINES({"productUpdate", NULL, REFUSED("externalReference", "NOT_FOUND")}, SAY_CREATE,
                      SAY_VARIANT, SAY_LISTING, SAY_PRICE),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(ids_that_are_gone_are_looked_up_again)
{
    struct errand errand = change;
    errand.base = BASE("Lamp", "10", "7", "active", "L-1");
    errand.steps =
        "{\"version\":2,\"id\":\"UHJvZHVjdDox\",\"variant\":\"UHJvZHVjdFZhcmlhbnQ6MQ==\",\"done\":[]}";
    saleor_talk(
        &errand,
        LINES({"productVariantChannelListingUpdate", NULL, REFUSED("id", "NOT_FOUND")}, SAY_FIND, SAY_PRICE),
        SALEOR_DONE, "");
    errand.platform_id = "UHJvZHVjdDox";
    errand.steps = NULL;
    saleor_talk(&errand, LINES({"product", "{\"id\":\"UHJvZHVjdDox\"}", "null"}, SAY_FIND, SAY_PRICE),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(a_product_that_is_in_no_channel_is_listed_before_it_is_priced)
{
    struct errand errand = change;
    errand.base = BASE("Lamp", "10", "7", "active", "L-1");
    errand.steps = IDS;
    saleor_talk(&errand,
                LINES({"productVariantChannelListingUpdate", NULL,
                       REFUSED("input", "PRODUCT_NOT_ASSIGNED_TO_CHANNEL")},
                      SAY_LISTING, SAY_PRICE),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(a_product_without_a_category_gets_all_but_its_publication)
{
    const char *steps =
        saleor_talk(&create,
                    LINES(SAY_CREATE, SAY_VARIANT,
                          {"productChannelListingUpdate", LISTING("true"),
                           REFUSED("isPublished", "PRODUCT_WITHOUT_CATEGORY")},
                          {"productChannelListingUpdate", LISTING("false"), PRODUCT_DONE}, SAY_PRICE),
                    SALEOR_DEAD, "status: Saleor publishes no product without a category");
    ck_assert_ptr_nonnull(strstr(steps, "\"done\":[]"));
}
END_TEST

START_TEST(each_error_code_has_its_verdict)
{
    static const struct {
        const char *answer;
        enum saleor_verdict verdict;
        const char *why;
        bool lost;
    } rows[] = {
        {REFUSED("name", "REQUIRED"), SALEOR_DEAD, "name: productCreate", false},
        {REFUSED("attributes", "REQUIRED"), SALEOR_DEAD, "attributes of the product type: productCreate",
         false},
        {REFUSED("slug", "UNIQUE"), SALEOR_RETRY, "slug", false},
        {REFUSED("productType", "NOT_FOUND"), SALEOR_RETRY, "not there any more", true},
        {REFUSED("category", "GRAPHQL_ERROR"), SALEOR_RETRY, "not there any more", true},
        {REFUSED("description", "GRAPHQL_ERROR"), SALEOR_DEAD, "description: productCreate", false},
        {REFUSED("", "PERMISSION_DENIED"), SALEOR_HOLD, "may not", false},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        saleor_talk(&create, LINES({"productCreate", NULL, rows[i].answer}), rows[i].verdict, rows[i].why);
        saleor_talk(&create, LINES(SAY_CREATE, {"productVariantCreate", NULL, rows[i].answer}),
                    rows[i].verdict,
                    rows[i].verdict == SALEOR_RETRY && !rows[i].lost ? ""
                    : strchr(rows[i].why, ':')                       ? "productVariantCreate"
                                                                     : rows[i].why);
        if (i == 1)
            i++; /* the slug is the product's */
    }
    saleor_talk(&create, LINES({"productCreate", NULL, rows[2].answer}), SALEOR_RETRY, "slug");
    saleor_talk(&create, LINES(SAY_CREATE, {"productVariantCreate", NULL, REFUSED("sku", "UNIQUE")}),
                SALEOR_DEAD, "sku: productVariantCreate");
    saleor_talk(&create,
                LINES(SAY_CREATE, SAY_VARIANT, SAY_LISTING,
                      {"productVariantChannelListingUpdate", NULL, REFUSED("price", "INVALID")}),
                SALEOR_DEAD, "price: ");
}
END_TEST

START_TEST(a_lost_place_is_told)
{
    struct saleor_plan *plan = saleor_begin(&create);
    static const char body[] = "{\"data\":{\"o0\":" REFUSED("productType", "NOT_FOUND") "}}";
    struct graphql_answer *answer = graphql_answer_read(body, strlen(body), 200, 1);
    ck_assert_ptr_nonnull(saleor_plan_next(plan));
    ck_assert(!saleor_plan_lost_place(plan));
    ck_assert_int_eq(saleor_plan_answer(plan, answer, 0), SALEOR_RETRY);
    ck_assert(saleor_plan_lost_place(plan));
    graphql_answer_free(&answer);
    saleor_plan_free(&plan);
}
END_TEST

/* The create breaks off after each of its steps; the next attempt does the rest, and asks for what may have happened. */
START_TEST(a_create_can_be_resumed_from_every_step)
{
    static const struct say all[] = {SAY_CREATE, SAY_VARIANT, SAY_LISTING, SAY_PRICE};
    for (size_t cut = 0; cut < 4; cut++) {
        struct say first[4], rest[5];
        size_t count = 0;
        memcpy(first, all, sizeof all);
        first[cut].answer = NULL;
        char *steps = mem_strdup(saleor_talk(&create, first, cut + 1, SALEOR_GO_ON, ""));
        struct errand again = create;
        again.steps = steps;
        if (cut == 1)
            rest[count++] = (struct say){"product", "{\"id\":\"" PRODUCT_ID "\"}",
                                         "{\"id\":\"" PRODUCT_ID "\",\"variants\":[]}"};
        for (size_t i = cut; i < 4; i++)
            rest[count++] = all[i];
        saleor_talk(&again, rest, count, SALEOR_DONE, "");
        free(steps);
    }
}
END_TEST

START_TEST(an_update_can_be_resumed_from_every_step)
{
    static const struct say all[] = {
        {"productUpdate", "{\"id\":\"" PRODUCT_ID "\",\"input\":{\"name\":\"Lamp\"}}", PRODUCT_DONE},
        {"productVariantUpdate", NULL, VARIANT_DONE},
        SAY_LISTING,
        SAY_PRICE,
        {"productVariantStocksUpdate", STOCK("7"), VARIANT_DONE},
    };
    for (size_t cut = 0; cut < 5; cut++) {
        struct say first[5];
        struct errand errand = change;
        errand.base = BASE("Lump", "10", "8", "inactive", "L-0");
        errand.steps = IDS;
        memcpy(first, all, sizeof all);
        first[cut].answer = NULL;
        char *steps = mem_strdup(saleor_talk(&errand, first, cut + 1, SALEOR_GO_ON, ""));
        errand.steps = steps;
        saleor_talk(&errand, all + cut, 5 - cut, SALEOR_DONE, "");
        free(steps);
    }
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
    tcase_add_test(tc, a_create_whose_answer_was_lost_becomes_an_update_of_everything);
    tcase_add_test(tc, a_variant_whose_answer_was_lost_is_looked_up);
    tcase_add_test(tc, a_product_of_the_shops_own_keeps_its_variant);
    tcase_add_test(tc, an_update_of_one_that_is_not_there_becomes_a_create);
    tcase_add_test(tc, ids_that_are_gone_are_looked_up_again);
    tcase_add_test(tc, a_product_that_is_in_no_channel_is_listed_before_it_is_priced);
    tcase_add_test(tc, a_product_without_a_category_gets_all_but_its_publication);
    tcase_add_test(tc, each_error_code_has_its_verdict);
    tcase_add_test(tc, a_lost_place_is_told);
    tcase_add_test(tc, a_create_can_be_resumed_from_every_step);
    tcase_add_test(tc, an_update_can_be_resumed_from_every_step);
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
