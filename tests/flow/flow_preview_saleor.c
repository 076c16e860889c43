/*
 * flow_preview_saleor.c: what a preview shows of deliveries by GraphQL is what the shop is asked then: the same operations in the
 * same order, and the same variables where no id of the shop's own stands in them.
 */
#include "flow_fixture.h"

static struct json *shop(const char *path)
{
    const struct api_answer *answer = api_send(
        &(struct api_request){.url = api_text("%s%s", stack_setting("FAKE_SALEOR_URL"), path), .token = ""});

    ck_assert_msg(answer->status == 200, "%s: %d %s", path, answer->status, answer->body);
    return answer->json;
}

static const char *body_of(const char *type, const char *data)
{
    return api_text(
        "{\"event_type\":\"%s\",\"source_platform\":\"bizosaas\",\"target_platforms\":[\"coreldove\"],"
        "\"tenant_id\":\"" API_TENANT "\",\"data\":%s}",
        type, data);
}

static struct json *preview(const char *body)
{
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = "/sync/mappings/preview", .body = body, .token = api_token(API_TENANT, "operator")});

    ck_assert_msg(answer->status == 200, "%d %s for %s", answer->status, answer->body, body);
    return pick(answer->json, "/targets/0");
}

static int64_t last_request(void)
{
    const struct json *all = pick(shop("/inspect/requests"), "/requests");

    return json_count(all) ? pick_int(json_at(all, json_count(all) - 1), "/n") : 0;
}

/* The operations that the shop was asked for since, with blanks between. */
static const char *asked_since(int64_t n)
{
    const struct json *all = pick(shop(api_text("/inspect/requests?after=%lld", (long long)n)), "/requests");
    struct buf names = BUF_INIT;

    for (size_t i = 0; i < json_count(all); i++) {
        const struct json *operations = json_get(json_at(all, i), "operations");
        for (size_t j = 0; j < json_count(operations); j++)
            buf_addf(&names, "%s%s", names.len ? " " : "", json_text(json_at(operations, j), NULL));
    }
    return pick_keep(buf_detach(&names, NULL));
}

static const char *shown_operations(const struct json *target)
{
    const struct json *operations = pick(target, "/operations");
    struct buf names = BUF_INIT;

    for (size_t i = 0; i < json_count(operations); i++)
        buf_addf(&names, "%s%s", names.len ? " " : "", pick_text(json_at(operations, i), "/operation"));
    return pick_keep(buf_detach(&names, NULL));
}

static const struct {
    const char *type, *data, *verb, *operations;
} rows[] = {
    {"user_created", "{\"id\":\"c1\",\"email\":\"c1@example.com\",\"name\":\"Asha de la Rao\"}", "create",
     "customerCreate"},
    {"user_updated", "{\"id\":\"c1\",\"name\":\"Asha Sen\"}", "update", "customerUpdate"},
    {"product_created",
     "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":10,\"inventory\":5,\"status\":\"active\"}", "create",
     "productCreate productVariantCreate productChannelListingUpdate productVariantChannelListingUpdate"},
    {"order_created",
     "{\"id\":\"o1\",\"amount\":20,\"status\":\"pending\",\"customer_id\":\"c1\",\"items\":[{\"product_id\":"
     "\"p1\","
     "\"price\":10,\"quantity\":2}]}",
     "create", "orderBulkCreate"},
    {"user_deleted", "{\"id\":\"c1\"}", "delete", "customerDelete"},
};

START_TEST(the_operations_that_are_shown_are_those_that_are_sent)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *body = body_of(rows[i].type, rows[i].data);
        const struct json *shown = preview(body);
        int64_t before = last_request();

        pick_check(shown, "/protocol", "graphql");
        pick_check(shown, "/verb", rows[i].verb);
        ck_assert_msg(strncmp(pick_text(shown, "/url"), "http://", 7) == 0, "%s", pick_print(shown));
        ck_assert_str_eq(shown_operations(shown), rows[i].operations);
        api_await(api_event("%s", body), "completed");
        ck_assert_str_eq(asked_since(before), rows[i].operations);
    }
}
END_TEST

START_TEST(the_variables_that_are_shown_are_what_the_shop_has_then)
{
    const char *body =
        body_of("user_created",
                "{\"id\":\"c2\",\"email\":\"c2@example.com\",\"name\":\"Ben Roy\",\"plan\":\"gold\"}");
    const struct json *input = pick(preview(body), "/operations/0/variables/input");

    api_await(api_event("%s", body), "completed");
    const struct json *there = pick(shop("/inspect/customers?email=c2%40example.com"), "/customers/0");
    pick_check(there, "/firstName", pick_text(input, "/firstName"));
    pick_check(there, "/lastName", pick_text(input, "/lastName"));
    pick_check(there, "/externalReference", pick_text(input, "/externalReference"));
}
END_TEST

START_TEST(what_cannot_be_sent_by_graphql_fails_in_the_preview_with_the_sentence_of_the_delivery)
{
    const char *body = body_of(
        "order_created", "{\"id\":\"o9\",\"amount\":5,\"status\":\"pending\",\"items\":[{\"price\":5}]}");
    const struct json *shown = preview(body);
    const char *id = api_event("%s", body);

    api_await(id, "failed");
    ck_assert_msg(pick_text(shown, "/failed") != NULL, "%s", pick_print(shown));
    ck_assert_str_eq(sql_text("SELECT error FROM deliveries WHERE event_id = '%s'", id),
                     pick_text(shown, "/failed"));
}
END_TEST

START_TEST(what_has_no_graphql_is_shown_by_rest)
{
    const struct json *shown =
        preview(body_of("lead_created", "{\"id\":\"l1\",\"email\":\"l@example.com\",\"status\":\"new\"}"));

    pick_check(shown, "/protocol", "rest");
    pick_check(shown, "/path", "/api/sync/lead/create");
}
END_TEST

int main(void)
{
    static const struct stack_options options = {.saleor = true};

    return flow_run(
        "preview_saleor", &options,
        (const TTest *[]){
            what_has_no_graphql_is_shown_by_rest, the_variables_that_are_shown_are_what_the_shop_has_then,
            the_operations_that_are_shown_are_those_that_are_sent,
            what_cannot_be_sent_by_graphql_fails_in_the_preview_with_the_sentence_of_the_delivery, NULL});
}
