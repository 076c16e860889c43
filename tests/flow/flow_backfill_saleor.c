/* flow_backfill_saleor.c: first sync of a Saleor shop: its own lists, read by GraphQL page by page. */
#include "backfill_fixture.h"
#include "flow_fixture.h"

static void shop(const char *path, const char *body)
{
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = api_text("%s%s", stack_setting("FAKE_SALEOR_URL"), path), .token = "", .body = body});

    ck_assert_msg(answer->status == 200, "%s: %d %s", body, answer->status, answer->body);
}

static void fill_shop(void)
{
    for (int i = 1; i <= 120; i++)
        shop(
            "/edit/customer",
            api_text("{\"create\":{\"email\":\"c%d@example.com\",\"firstName\":\"Ann\",\"lastName\":\"%d\"}}",
                     i, i));
    for (int i = 1; i <= 3; i++)
        shop("/edit/product",
             api_text("{\"create\":{\"name\":\"Shoe %d\",\"price\":\"166\",\"quantity\":7,\"sku\":\"S%d\"}}",
                      i, i));
    shop("/edit/order",
         "{\"create\":{\"email\":\"c1@example.com\",\"lines\":[{\"sku\":\"S1\",\"quantity\":2}]}}");
}

static const char *start(const char *tenant, const char *entities)
{
    return backfill_start(
        tenant, "{\"platform\":\"coreldove\",\"entities\":[%s],\"targets\":[\"bizosaas\"],\"rate\":500}",
        entities);
}

static struct json *kept_first(const char *entity, const char *tenant)
{
    return pick(api_get("%s/records/%s?tenant=%s&limit=1", fake_url("bizosaas"), entity, tenant)->json,
                "/records/0");
}

START_TEST(a_shops_customers_products_and_orders_reach_the_others_once)
{
    const char *tenant = "shop", *all = "\"user\",\"product\",\"order\"";
    struct json *job;

    fill_shop();
    job = backfill_await(tenant, start(tenant, all), "done");
    pick_equal(job, "/accepted", "124");
    pick_equal(job, "/pages", "5"); /* of customers three */
    ck_assert_int_eq(backfill_kept("bizosaas", "user", tenant), 120);
    ck_assert_int_eq(backfill_kept("bizosaas", "product", tenant), 3);
    ck_assert_int_eq(backfill_kept("bizosaas", "order", tenant), 1);
    pick_equal(kept_first("product", tenant), "/data/price", "2.00"); /* 166 INR */
    pick_equal(kept_first("product", tenant), "/data/inventory", "7");
    pick_equal(kept_first("order", tenant), "/data/customer_email", "\"c1@example.com\"");
    pick_equal(backfill_await(tenant, start(tenant, all), "done"), "/unchanged", "124");
    ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/tenant_id", tenant), 124);
}
END_TEST

START_TEST(throttling_passes_and_a_wrong_credential_pauses)
{
    const char *tenant = "shop2", *id;
    struct json *job;

    shop("/edit/customer",
         "{\"create\":{\"email\":\"again@example.com\",\"firstName\":\"A\",\"lastName\":\"B\"}}");
    shop("/control",
         "{\"rules\":[{\"action\":\"throttled\",\"times\":1},{\"action\":\"throttled_document\",\"times\":1},"
         "{\"status\":502,\"times\":1}]}");
    pick_equal(backfill_await(tenant, start(tenant, "\"product\""), "done"), "/refused", "0");
    shop("/control", "{\"token\":\"another\"}");
    id = start(tenant, "\"user\"");
    job = backfill_await(tenant, id, "paused");
    ck_assert_msg(strstr(pick_text(job, "/reason"), "the shop: ") != NULL, "%s", pick_text(job, "/reason"));
    ck_assert_int_eq(backfill_ask(tenant, "DELETE", api_text("/sync/backfill/%s", id), NULL)->status, 200);
    api_send(&(struct api_request){
        .method = "DELETE", .url = api_text("%s/control", stack_setting("FAKE_SALEOR_URL")), .token = ""});
}
END_TEST

START_TEST(a_list_that_shows_nothing_says_so)
{
    const char *tenant = "shop3";
    struct json *job;

    shop("/control", "{\"permissions\":[\"MANAGE_USERS\"]}");
    job = backfill_await(tenant, start(tenant, "\"product\""), "done");
    ck_assert_msg(strstr(pick_text(job, "/reason"), "what the credential may see") != NULL, "%s",
                  pick_print(job));
    api_send(&(struct api_request){
        .method = "DELETE", .url = api_text("%s/control", stack_setting("FAKE_SALEOR_URL")), .token = ""});
}
END_TEST

int main(void)
{
    return flow_run("backfill_saleor", &(struct stack_options){.saleor = true},
                    (const TTest *[]){a_shops_customers_products_and_orders_reach_the_others_once,
                                      throttling_passes_and_a_wrong_credential_pauses,
                                      a_list_that_shows_nothing_says_so, NULL});
}
