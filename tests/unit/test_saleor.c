/* test_saleor.c: the place (channel, warehouse …), previews, and plans side by side in one document. */
#include "mem.h"
#include "saleor_fixture.h"

/* ---- the place ---- */

#define CHANNEL "{\"id\":\"C1\",\"currencyCode\":\"INR\",\"defaultCountry\":{\"code\":\"IN\"}}"
#define TAXES                                             \
    "{\"edges\":[{\"node\":{\"id\":\"X1\",\"name\":\"No " \
    "Taxes\"}},{\"node\":{\"id\":\"X2\",\"name\":\"GST\"}}]}"
#define NODE(id) "{\"edges\":[{\"node\":{\"id\":\"" id "\",\"slug\":\"x\"}}]}"

static int read_place(const char *body, struct saleor_place *told, struct buf *error)
{
    struct graphql_answer *answer = graphql_answer_read(body, strlen(body), 200, SALEOR_PLACE_PARTS);
    int result = saleor_place_read(saleor_target(), answer, told, error);
    graphql_answer_free(&answer);
    return result;
}

START_TEST(the_place_is_looked_up_by_the_slugs_of_the_file)
{
    struct graphql_part parts[SALEOR_PLACE_PARTS];
    struct buf body = BUF_INIT;
    size_t count = saleor_place_parts(saleor_target(), parts);
    ck_assert_uint_eq(count, 5);
    graphql_compose(&body, parts, count);
    ck_assert_ptr_nonnull(strstr(
        body.data, "\"variables\":{\"o0_slug\":\"default-channel\",\"o1_slugs\":[\"default-warehouse\"],"
                   "\"o2_slugs\":[\"default-type\"],\"o4_slug\":\"default-category\"}"));
    saleor_note_request("place", parts, count);
    for (size_t i = 0; i < count; i++)
        json_free((struct json *)parts[i].variables);
    buf_release(&body);
}
END_TEST

START_TEST(the_place_is_read_from_the_answer)
{
    struct saleor_place told;
    struct buf error = BUF_INIT;
    ck_assert_int_eq(read_place("{\"data\":{\"o0\":" CHANNEL ",\"o1\":" NODE("W1") ",\"o2\":" NODE(
                                    "T1") ",\"o3\":" TAXES ",\"o4\":{\"id\":\"K1\"}}}",
                                &told, &error),
                     0);
    ck_assert_str_eq(told.channel_id, "C1");
    ck_assert_str_eq(told.warehouse_id, "W1");
    ck_assert_str_eq(told.product_type_id, "T1");
    ck_assert_str_eq(told.tax_class_id, "X1");
    ck_assert_str_eq(told.category_id, "K1");
    ck_assert_str_eq(told.country, "IN");
    buf_release(&error);
}
END_TEST

START_TEST(a_place_that_is_not_there_names_its_setting)
{
    static const char *const rows[][2] = {
        {"{\"o0\":null}", "no channel \"default-channel\", which graphql.channel"},
        {"{\"o0\":{\"id\":\"C1\",\"currencyCode\":\"USD\"}}",
         "is in USD, and the platform file says that its currency is INR"},
        {"{\"o0\":" CHANNEL ",\"o1\":{\"edges\":[]}}", "graphql.warehouse"},
        {"{\"o0\":" CHANNEL ",\"o1\":" NODE("W1") ",\"o2\":null}", "graphql.product_type"},
        {"{\"o0\":" CHANNEL ",\"o1\":" NODE("W1") ",\"o2\":" NODE("T1") ",\"o3\":" TAXES ",\"o4\":null}",
         "graphql.category"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct saleor_place told;
        struct buf body = BUF_INIT, error = BUF_INIT;
        buf_addf(&body, "{\"data\":%s}", rows[i][0]);
        ck_assert_int_eq(read_place(body.data, &told, &error), -1);
        ck_assert_msg(strstr(error.data, rows[i][1]) != NULL, "%s", error.data);
        buf_release(&body);
        buf_release(&error);
    }
    struct saleor_place told;
    struct buf error = BUF_INIT;
    ck_assert_int_eq(read_place("{\"data\":{\"o0\":" CHANNEL
                                ",\"o1\":null},\"errors\":[{\"message\":\"You need "
                                "MANAGE_PRODUCTS\",\"path\":[\"o1\"]}]}",
                                &told, &error),
                     -1);
    ck_assert_ptr_nonnull(strstr(error.data, "MANAGE_PRODUCTS"));
    buf_release(&error);
}
END_TEST

/* ---- previews ---- */

static struct json *preview(enum entity entity, enum event_type type, enum verb verb, const char *record_text,
                            struct buf *remark, struct buf *error)
{
    static const struct saleor_parent parents[] = {
        {ENTITY_USER, "customer_id", CUSTOMER_RECORD, NULL},
        {ENTITY_PRODUCT, "items[0].product_id", PRODUCT_RECORD, NULL}};
    struct json *record = saleor_parse(record_text);
    struct saleor_request request = {.target = saleor_target(),
                                     .platforms = saleor_platforms(),
                                     .entity = entity,
                                     .type = type,
                                     .verb = verb,
                                     .record_id = RECORD_ID,
                                     .record = record,
                                     .parents = parents,
                                     .parent_count = 2,
                                     .now_ms = NOW_MS};
    struct json *operations = saleor_preview(&request, remark, error);
    json_free(record);
    return operations;
}

START_TEST(a_preview_shows_every_operation_with_placeholders)
{
    static const struct {
        enum entity entity;
        enum event_type type;
        enum verb verb;
        const char *record, *operations;
    } rows[] = {
        {ENTITY_USER, EVENT_USER_CREATED, VERB_CREATE, "{\"id\":\"u\",\"name\":\"A\",\"email\":\"a@x.in\"}",
         "customerCreate "},
        {ENTITY_USER, EVENT_USER_UPDATED, VERB_UPDATE, "{\"id\":\"u\",\"name\":\"A\",\"email\":\"a@x.in\"}",
         "customerUpdate "},
        {ENTITY_USER, EVENT_USER_DELETED, VERB_DELETE, "null", "customerDelete "},
        {ENTITY_PRODUCT, EVENT_PRODUCT_CREATED, VERB_CREATE,
         "{\"id\":\"p\",\"name\":\"L\",\"currency\":\"INR\",\"price\":1,\"inventory\":2}",
         "productCreate productVariantCreate productChannelListingUpdate "
         "productVariantChannelListingUpdate "},
        {ENTITY_PRODUCT, EVENT_PRODUCT_UPDATED, VERB_UPDATE,
         "{\"id\":\"p\",\"name\":\"L\",\"currency\":\"INR\",\"price\":1,\"inventory\":2,\"sku\":\"s\"}",
         "productUpdate product productVariantUpdate productChannelListingUpdate "
         "productVariantChannelListingUpdate "
         "productVariantStocksUpdate "},
        {ENTITY_PRODUCT, EVENT_PRODUCT_DELETED, VERB_DELETE, "null", "productDelete "},
        {ENTITY_ORDER, EVENT_ORDER_CREATED, VERB_CREATE,
         "{\"id\":\"o\",\"currency\":\"INR\",\"amount\":1,\"status\":\"paid\",\"items\":[{\"product_id\":"
         "\"p\"}]}",
         "orderBulkCreate "},
        {ENTITY_ORDER, EVENT_ORDER_CREATED, VERB_CREATE,
         "{\"id\":\"o\",\"currency\":\"INR\",\"amount\":1,\"status\":\"paid\",\"items\":[{\"product_id\":"
         "\"p\"},{\"sku\":\"s\"}]}",
         "productVariants orderBulkCreate "},
        {ENTITY_ORDER, EVENT_ORDER_UPDATED, VERB_UPDATE,
         "{\"id\":\"o\",\"currency\":\"INR\",\"amount\":1,\"status\":\"shipped\"}",
         "orderUpdate order orderConfirm orderFulfill "},
        {ENTITY_ORDER, EVENT_ORDER_UPDATED, VERB_UPDATE,
         "{\"id\":\"o\",\"currency\":\"INR\",\"amount\":1,\"status\":\"cancelled\"}",
         "orderUpdate orderCancel "},
        {ENTITY_ORDER, EVENT_ORDER_UPDATED, VERB_DELETE, "null", "order orderCancel "},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct buf names = BUF_INIT, remark = BUF_INIT, error = BUF_INIT;
        struct json *operations =
            preview(rows[i].entity, rows[i].type, rows[i].verb, rows[i].record, &remark, &error);
        ck_assert_msg(operations != NULL, "row %d: %s", i, error.data);
        for (size_t j = 0; j < json_count(operations); j++) {
            const struct json *shown = json_at(operations, j);
            const struct graphql_part part = {json_get_text(shown, "document"), json_get(shown, "variables")};
            buf_addf(&names, "%s ", json_get_text(shown, "operation"));
            saleor_note_request("preview", &part, 1);
        }
        ck_assert_str_eq(names.data, rows[i].operations);
        json_free(operations);
        buf_release(&names);
        buf_release(&remark);
        buf_release(&error);
    }
}
END_TEST

START_TEST(a_preview_says_why_there_is_nothing_to_see)
{
    struct buf error = BUF_INIT;
    ck_assert_ptr_null(preview(
        ENTITY_PRODUCT, EVENT_PRODUCT_CREATED, VERB_CREATE,
        "{\"id\":\"p\",\"name\":\"L\",\"currency\":\"INR\",\"price\":1,\"inventory\":-2}", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.data, "inventory"));
    buf_release(&error);
}
END_TEST

/* ---- several plans in one document ---- */

START_TEST(plans_side_by_side_answer_each_for_itself)
{
    static const struct errand errands[] = {
        {ENTITY_USER, EVENT_USER_CREATED, VERB_CREATE, "{\"id\":\"u\",\"name\":\"A\",\"email\":\"a@x.in\"}",
         .base = NULL},
        {ENTITY_PRODUCT, EVENT_PRODUCT_CREATED, VERB_CREATE,
         "{\"id\":\"p\",\"name\":\"L\",\"currency\":\"INR\",\"price\":1}", .base = NULL},
        {ENTITY_USER, EVENT_USER_DELETED, VERB_DELETE, .record = NULL},
    };
    static const char body[] = "{\"data\":{\"o0\":{\"user\":{\"id\":\"" USER_ID
                               "\"},\"errors\":[]},\"o1\":null,\"o2\":{\"errors\":[{\"field\":\"id\","
                               "\"code\":\"DELETE_STAFF_ACCOUNT\",\"message\":\"no\"}]}},\"errors\":[{"
                               "\"message\":\"Internal Server Error\",\"path\":"
                               "[\"o1\"],\"extensions\":{\"exception\":{\"code\":\"OperationalError\"}}}]}";
    static const enum saleor_verdict verdicts[] = {SALEOR_DONE, SALEOR_RETRY, SALEOR_DEAD};
    struct saleor_plan *plans[3];
    struct graphql_part parts[3];
    for (int i = 0; i < 3; i++) {
        plans[i] = saleor_begin(&errands[i]);
        parts[i] = saleor_plan_next(plans[i])->part;
    }
    saleor_note_request("several", parts, 3);
    struct graphql_answer *answer = graphql_answer_read(body, strlen(body), 200, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(saleor_plan_answer(plans[i], answer, i), verdicts[i]);
        ck_assert_int_eq(saleor_plan_verdict(plans[i]), verdicts[i]);
        saleor_plan_free(&plans[i]);
    }
    graphql_answer_free(&answer);
}
END_TEST

/* Whatever a shop answers, a plan ends; sanitizers look on. */
START_TEST(nonsense_answers_end_a_plan_within_its_bounds)
{
    static const struct errand errands[] = {
        {ENTITY_USER, EVENT_USER_CREATED, VERB_CREATE, "{\"id\":\"u\",\"name\":\"A\",\"email\":\"a@x.in\"}",
         .base = NULL},
        {ENTITY_USER, EVENT_USER_UPDATED, VERB_UPDATE, "{\"id\":\"u\",\"name\":\"A\",\"email\":\"a@x.in\"}",
         .base = NULL},
        {ENTITY_PRODUCT, EVENT_PRODUCT_CREATED, VERB_CREATE,
         "{\"id\":\"p\",\"name\":\"L\",\"currency\":\"INR\",\"price\":1,\"status\":\"active\",\"inventory\":"
         "2}",
         .base = NULL},
        {ENTITY_PRODUCT, EVENT_PRODUCT_UPDATED, VERB_UPDATE,
         "{\"id\":\"p\",\"name\":\"L\",\"currency\":\"INR\",\"price\":1,\"sku\":\"s\",\"inventory\":2}",
         .base = NULL},
        {ENTITY_ORDER, EVENT_ORDER_CREATED, VERB_CREATE,
         "{\"id\":\"o\",\"currency\":\"INR\",\"amount\":1,\"status\":\"paid\",\"email\":\"a@x.in\",\"items\":"
         "[{\"sku\":\"s\"}]}",
         .base = NULL},
        {ENTITY_ORDER, EVENT_ORDER_UPDATED, VERB_UPDATE,
         "{\"id\":\"o\",\"currency\":\"INR\",\"amount\":1,\"status\":\"shipped\"}", .base = NULL},
        {ENTITY_ORDER, EVENT_ORDER_UPDATED, VERB_DELETE, .record = NULL},
    };
    static const char *const answers[] = {
        "null",
        "7",
        "[]",
        "{}",
        "\"x\"",
        "{\"errors\":7}",
        "{\"errors\":[7,null,[]]}",
        "{\"errors\":[{}]}",
        "{\"errors\":[{\"code\":\"NOT_FOUND\",\"field\":\"id\"}]}",
        "{\"errors\":[{\"code\":\"UNIQUE\",\"field\":\"externalReference\"}]}",
        "{\"errors\":[{\"code\":\"INVALID\",\"field\":7,\"message\":{}}]}",
        "{\"results\":[{\"errors\":[{\"code\":\"NOT_FOUND\",\"path\":\"lines.\"}]}]}",
        "{\"results\":[{\"errors\":[{\"code\":\"NOT_FOUND\",\"path\":\"lines.99.x\"}]}]}",
        "{\"results\":[{\"errors\":[{\"code\":\"NOT_FOUND\",\"path\":\"user\"}]}]}",
        "{\"results\":[{\"errors\":[{\"code\":\"UNIQUE\",\"path\":\"external_reference\"}]}]}",
        "{\"results\":[7]}",
        "{\"user\":7,\"product\":[],\"productVariant\":\"x\",\"order\":{\"id\":7}}",
        "{\"id\":7,\"status\":8,\"lines\":9,\"variants\":[1],\"defaultVariant\":2,\"edges\":[3]}",
        ("{\"id\":\"\",\"status\":\"\",\"lines\":[7,{\"quantityToFulfill\":\"x\"}],\"edges\":[{\"node\":{"
         "\"sku\":\"s\"}}]}"),
        "{\"id\":\"T3JkZXI6NQ==\",\"status\":\"A_STATE_THAT_IS_LONGER_THAN_ANY_THAT_THERE_IS_TODAY\"}",
    };
    for (int i = 0; i < COUNT(errands); i++) {
        for (int j = 0; j < COUNT(answers); j++) {
            struct saleor_plan *plan = saleor_begin(&errands[i]);
            struct buf body = BUF_INIT;
            int count = 0;
            buf_addf(&body, "{\"data\":{\"o0\":%s}}", answers[j]);
            for (; saleor_plan_next(plan) != NULL; count++) {
                struct graphql_answer *answer = graphql_answer_read(body.data, body.len, 200, 1);
                saleor_plan_answer(plan, answer, 0);
                graphql_answer_free(&answer);
                ck_assert_msg(count < 20, "errand %d, answer %s", i, answers[j]);
            }
            ck_assert_int_ne(saleor_plan_verdict(plan), SALEOR_GO_ON);
            saleor_plan_free(&plan);
            buf_release(&body);
        }
    }
}
END_TEST

/* ---- the group in the file ---- */

static const char *api_url;

static const char *look_up(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "SALEOR_API_URL") == 0 ? api_url : NULL;
}

START_TEST(the_address_of_the_api_ends_with_its_path_and_a_slash)
{
    static const char *const rows[][2] = {
        {"https://shop.example", "https://shop.example/graphql/"},
        {"https://shop.example/", "https://shop.example/graphql/"},
        {"https://shop.example/graphql", "https://shop.example/graphql/"},
        {"https://shop.example/graphql/", "https://shop.example/graphql/"},
        {"http://127.0.0.1:8000/eu//", "http://127.0.0.1:8000/eu/graphql/"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct buf errors = BUF_INIT;
        api_url = rows[i][0];
        struct platform_set *set = platform_set_load("config/platforms", look_up, NULL, &errors);
        ck_assert_msg(set != NULL, "%s", errors.data);
        ck_assert_str_eq(platform_graphql(platform_find(set, "coreldove"), ENTITY_USER)->url, rows[i][1]);
        ck_assert_ptr_null(platform_graphql(platform_find(set, "coreldove"), ENTITY_LEAD));
        ck_assert_ptr_null(platform_graphql(platform_find(set, "bizosaas"), ENTITY_USER));
        platform_set_free(&set);
        buf_release(&errors);
    }
}
END_TEST

START_TEST(without_its_address_everything_goes_by_rest)
{
    struct buf errors = BUF_INIT;
    api_url = NULL;
    struct platform_set *set = platform_set_load("config/platforms", look_up, NULL, &errors);
    for (int entity = 0; entity < ENTITY_NONE; entity++)
        ck_assert_ptr_null(platform_graphql(platform_find(set, "coreldove"), (enum entity)entity));
    platform_set_free(&set);
    buf_release(&errors);
}
END_TEST

START_TEST(a_mistake_in_the_group_is_told_with_file_line_and_reason)
{
    static const struct {
        const char *old, *new, *why;
    } rows[] = {
        {"dialect = \"saleor\"", "dialect = \"magento\"", "dialect"},
        {"base_url = \"SALEOR_API_URL\";", "", "base_url"},
        {"entities = [\"user\", \"product\", \"order\"]", "entities = [\"user\", \"lead\"]",
         "names lead, which Saleor does not have"},
        {"channel = \"default-channel\"", "channel = \"Default Channel\"", "must be a slug"},
        {"channel = \"default-channel\";", "", "channel"},
        {"language = \"EN_IN\"", "language = \"en-IN\"", "must be a language code"},
        {"tax_rate = \"0\"", "tax_rate = \"18\"", "must be a rate between"},
        {"tax_rate = \"0\"", "tax_rate = \"0.18125\"", "must be a rate between"},
        {"tax_rate = \"0\"", "tax_rate = \"-0.1\"", "must be a rate between"},
        {"country = \"IN\"", "country = \"India\"", "must be a country's code"},
        {"cancel = [\"cancelled\"", "cancel = [\"paid\", \"cancelled\"",
         "has \"paid\", which stands in another list already"},
        {"batch = 4", "batch = 0", "must lie between 1 and 50"},
        {"batch = 4", "batch = 51", "must lie between 1 and 50"},
        {"batch = 4;", "batch = 4; bunch = 5;", "bunch"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const char *const replacements[] = {rows[i].old, rows[i].new, NULL};
        saleor_refuse_with(replacements, rows[i].why);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("saleor");
    TCase *tc = tcase_create("saleor");
    tcase_add_checked_fixture(tc, saleor_load, saleor_unload);
    tcase_add_test(tc, the_place_is_looked_up_by_the_slugs_of_the_file);
    tcase_add_test(tc, the_place_is_read_from_the_answer);
    tcase_add_test(tc, a_place_that_is_not_there_names_its_setting);
    tcase_add_test(tc, a_preview_shows_every_operation_with_placeholders);
    tcase_add_test(tc, a_preview_says_why_there_is_nothing_to_see);
    tcase_add_test(tc, plans_side_by_side_answer_each_for_itself);
    tcase_add_test(tc, nonsense_answers_end_a_plan_within_its_bounds);
    tcase_add_test(tc, the_address_of_the_api_ends_with_its_path_and_a_slash);
    tcase_add_test(tc, without_its_address_everything_goes_by_rest);
    tcase_add_test(tc, a_mistake_in_the_group_is_told_with_file_line_and_reason);
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
