/*
 * flow_saleor.c: customers, products and orders by GraphQL, against a shop that checks every document by Saleor's schema: what is
 * created, changed and deleted there, and that a delivery of several steps survives whatever comes between them.
 *
 * One request at a time is in flight (MAX_CONCURRENT_SYNCS=1): while one is answered late, what is posted gathers.
 */
#include <string.h>

#include "flow_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""

static struct json *shop(const char *path)
{
    const struct api_answer *answer = api_send(
        &(struct api_request){.url = api_text("%s%s", stack_setting("FAKE_SALEOR_URL"), path), .token = ""});

    ck_assert_msg(answer->status == 200, "%s: %d %s", path, answer->status, answer->body);
    return answer->json;
}

static void control(const char *json)
{
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = api_text("%s/control", stack_setting("FAKE_SALEOR_URL")), .token = "", .body = json});

    ck_assert_msg(answer->status == 200, "%s: %d %s", json, answer->status, answer->body);
}

static void fault(const char *rules)
{
    control(api_text("{\"rules\":[%s]}", rules));
}

static const char *post(const char *type, const char *data)
{
    return api_event(
        "{\"event_type\":\"%s\",\"source_platform\":\"bizosaas\",\"target_platforms\":[\"coreldove\"]," TENANT
        ",\"max_retries\":5,\"data\":%s}",
        type, data);
}

static const char *customer(const char *id, const char *name)
{
    return api_text("{\"id\":\"%s\",\"email\":\"%s@example.com\",\"name\":\"%s\"}", id, id, name);
}

static const char *record_id(const char *entity, const char *id)
{
    return sql_text("SELECT id FROM records WHERE tenant_id = '" API_TENANT
                    "' AND entity_type = '%s' AND entity_id = '%s'",
                    entity, id);
}

/* What the shop has under our record id; NULL: nothing. `list`: customers, products, orders. */
static struct json *held(const char *list, const char *entity, const char *id)
{
    const char *record = record_id(entity, id);

    return record ? pick(shop(api_text("/inspect/%s?externalReference=%s", list, record)),
                         api_text("/%s/0", list))
                  : NULL;
}

static struct json *there(const char *list, const char *entity, const char *id)
{
    struct json *found = held(list, entity, id);

    ck_assert_msg(found != NULL, "the shop has no %s %s", entity, id);
    return found;
}

static int64_t done(const char *operation)
{
    const struct json *counters = pick(shop("/inspect/counters"), "/operations");

    return pick_there(counters, api_text("/%s/done", operation))
               ? pick_int(counters, api_text("/%s/done", operation))
               : 0;
}

static const char *attempts(const char *event)
{
    return sql_text(
        "SELECT string_agg(outcome || CASE WHEN costs THEN ' costs' ELSE '' END, ', ' ORDER BY generation, "
        "sending) FROM sync_results WHERE event_id = '%s'",
        event);
}

/* The shop's own id is remembered, as the platform's and as a name of the record. */
static void check_remembered(const char *entity, const char *id, const struct json *there)
{
    const char *record = record_id(entity, id);

    ck_assert_str_eq(
        sql_text("SELECT platform_id FROM record_platforms WHERE platform = 'coreldove' AND record_id = '%s'",
                 record),
        pick_text(there, "/id"));
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM record_ids WHERE platform = 'coreldove' AND record_id = '%s' AND "
                "platform_id = '%s'",
                record, pick_text(there, "/id")),
        1);
}

/* ── created, changed, deleted ── */

START_TEST(a_customer_is_created_changed_and_deleted)
{
    api_await(post("user_created", customer("c1", "Asha Rao")), "completed");
    struct json *found = there("customers", "user", "c1");
    pick_check(found, "/firstName", "Asha");
    pick_check(found, "/lastName", "Rao");
    pick_check(found, "/email", "c1@example.com");
    check_remembered("user", "c1", found);
    api_await(post("user_updated", "{\"id\":\"c1\",\"name\":\"Asha Sen\",\"status\":\"inactive\"}"),
              "completed");
    found = there("customers", "user", "c1");
    pick_check(found, "/lastName", "Sen");
    pick_equal(found, "/isActive", "false");
    api_await(post("user_deleted", "{\"id\":\"c1\"}"), "completed");
    ck_assert_ptr_null(held("customers", "user", "c1"));
    ck_assert_str_eq(
        sql_text("SELECT state FROM record_platforms WHERE platform = 'coreldove' AND record_id = '%s'",
                 record_id("user", "c1")),
        "deleted");
    api_await(post("user_created", customer("c1", "Asha Again")), "completed");
    pick_check(there("customers", "user", "c1"), "/lastName", "Again");
}
END_TEST

START_TEST(a_product_is_created_with_price_and_stock_changed_and_deleted)
{
    api_await(post("product_created", "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":10,\"inventory\":5}"),
              "completed");
    struct json *found = there("products", "product", "p1");
    pick_check(found, "/name", "Lamp");
    pick_equal(found, "/variants/0/prices/default-channel", "{\"amount\":830,\"currency\":\"INR\"}");
    pick_equal(found, "/variants/0/stocks/default-warehouse", "5");
    check_remembered("product", "p1", found);
    int64_t finds = done("product");
    api_await(post("product_updated", "{\"id\":\"p1\",\"price\":12.5,\"inventory\":7}"), "completed");
    found = there("products", "product", "p1");
    pick_equal(found, "/variants/0/prices/default-channel/amount", "1037.5");
    pick_equal(found, "/variants/0/stocks/default-warehouse", "7");
    ck_assert_uint_eq(json_count(pick(found, "/variants")), 1);
    ck_assert_int_eq(done("product"), finds); /* the variant's id is known from the delivery before */
    api_await(post("product_deleted", "{\"id\":\"p1\"}"), "completed");
    ck_assert_ptr_null(held("products", "product", "p1"));
}
END_TEST

START_TEST(an_order_is_placed_fulfilled_and_cancelled)
{
    api_await(post("user_created", customer("oc", "Ola Order")), "completed");
    api_await(post("product_created", "{\"id\":\"op\",\"name\":\"Pen\",\"price\":2,\"inventory\":50}"),
              "completed");
    api_await(post("order_created",
                   "{\"id\":\"o1\",\"amount\":4,\"status\":\"pending\",\"customer_id\":\"oc\",\"items\":["
                   "{\"product_id\":\"op\",\"quantity\":2,\"price\":2}]}"),
              "completed");
    struct json *found = there("orders", "order", "o1");
    pick_equal(found, "/total/gross", "332");
    check_remembered("order", "o1", found);
    api_await(post("order_updated", "{\"id\":\"o1\",\"status\":\"shipped\"}"), "completed");
    pick_check(there("orders", "order", "o1"), "/status", "FULFILLED");
    api_await(post("order_created",
                   "{\"id\":\"o2\",\"amount\":2,\"status\":\"pending\",\"customer_id\":\"oc\",\"items\":["
                   "{\"product_id\":\"op\",\"quantity\":1,\"price\":2}]}"),
              "completed");
    api_await(post("order_deleted", "{\"id\":\"o2\"}"), "completed");
    pick_check(there("orders", "order", "o2"), "/status", "CANCELED");
}
END_TEST

START_TEST(what_the_shop_does_not_have_goes_by_rest)
{
    const char *lead =
        post("lead_created", "{\"id\":\"l1\",\"email\":\"l1@example.com\",\"status\":\"new\"}");

    api_await(lead, "completed");
    pick_check(fake_await("coreldove", "/body/event_id", lead), "/path", "/api/sync/lead/create");
}
END_TEST

/* ── between the steps ── */

START_TEST(a_delivery_goes_on_behind_the_steps_that_it_has_done)
{
    int64_t products = done("productCreate"), variants = done("productVariantCreate");

    fault("{\"match\":{\"operation\":\"productVariantChannelListingUpdate\"},\"times\":2,\"status\":500}");
    const char *id = post("product_created", "{\"id\":\"p5\",\"name\":\"Cup\",\"price\":3,\"inventory\":1}");
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s' AND steps IS NOT NULL", id) == 1,
              10);
    api_await(id, "completed");
    ck_assert_str_eq(attempts(id), "retry costs, retry costs, delivered");
    ck_assert_int_eq(done("productCreate"), products + 1);
    ck_assert_int_eq(done("productVariantCreate"), variants + 1);
    pick_equal(there("products", "product", "p5"), "/variants/0/prices/default-channel/amount", "249");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s' AND steps IS NULL", id),
                     1);
}
END_TEST

START_TEST(a_worker_killed_between_two_steps_leaves_nothing_half_done_or_twice)
{
    fault("{\"match\":{\"operation\":\"productVariantCreate\"},\"times\":1,\"action\":\"hang\",\"apply\":"
          "true}");
    const char *id =
        post("product_created", "{\"id\":\"pk\",\"name\":\"Kettle\",\"price\":5,\"inventory\":2}");
    flow_wait(json_count(pick(held("products", "product", "pk"), "/variants")) == 1, 10);
    stack_kill("worker-coreldove");
    stack_start("worker-coreldove");
    api_await(id, "completed");
    struct json *found = there("products", "product", "pk");
    ck_assert_uint_eq(json_count(pick(found, "/variants")), 1);
    pick_equal(found, "/variants/0/prices/default-channel/amount", "415");
    pick_equal(found, "/variants/0/stocks/default-warehouse", "2");
    pick_equal(shop(api_text("/inspect/products?externalReference=%s", record_id("product", "pk"))), "/count",
               "1");
}
END_TEST

/* ── documents ── */

/* Customers `prefix`0 … that gather while the shop takes its time with another one. */
static void gather(const char *prefix, size_t count, const char *rules, const char **ids)
{
    fault(api_text("{\"match\":{\"text\":\"%s-opener@\"},\"times\":1,\"delay_ms\":800}%s%s", prefix,
                   *rules ? "," : "", rules));
    int64_t after = pick_int(shop("/inspect/counters"), "/requests");
    const char *opener = post("user_created", customer(api_text("%s-opener", prefix), "First One"));

    flow_wait(record_id("user", api_text("%s-opener", prefix)) != NULL, 5);
    usleep(100000); /* it is read and on its way */
    (void)after;
    for (size_t i = 0; i < count; i++)
        ids[i] = post("user_created", customer(api_text("%s%zu", prefix, i), "Many Others"));
    api_await(opener, "completed");
}

START_TEST(operations_that_are_due_together_share_a_document)
{
    const char *ids[4];
    int64_t before = pick_int(shop("/inspect/counters"), "/requests");

    gather("share", 4, "", ids);
    for (size_t i = 0; i < 4; i++)
        api_await(ids[i], "completed");
    ck_assert_int_eq(pick_int(shop("/inspect/counters"), "/requests"),
                     before + 2); /* the opener, and four aliases */
}
END_TEST

START_TEST(one_parts_failure_is_no_others)
{
    const char *ids[4];
    int64_t before = done("customerCreate");

    gather("partial", 4,
           "{\"match\":{\"operation\":\"customerCreate\",\"alias\":\"o1\"},\"times\":1,"
           "\"action\":\"alias_error\"}",
           ids);
    flow_wait(
        sql_int("SELECT count(*) FROM sync_events WHERE id IN ('%s', '%s', '%s', '%s') AND status IN (2, 3)",
                ids[0], ids[1], ids[2], ids[3]) == 4,
        10);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM sync_results WHERE outcome = 'dead' AND event_id IN ('%s', '%s', '%s', "
                "'%s')",
                ids[0], ids[1], ids[2], ids[3]),
        1);
    ck_assert_int_eq(done("customerCreate"), before + 4); /* the opener, and three of four */
}
END_TEST

START_TEST(a_refused_document_is_split_until_the_culprit_is_alone)
{
    const char *ids[4];

    gather("poison", 4, "{\"match\":{\"text\":\"poison2@\"},\"action\":\"document_error\"}", ids);
    for (size_t i = 0; i < 4; i++)
        api_await(ids[i], i == 2 ? "failed" : "completed");
    ck_assert_str_eq(attempts(ids[2]), "dead");
    fault("");
}
END_TEST

START_TEST(throttling_costs_nothing)
{
    fault("{\"times\":2,\"action\":\"throttled\",\"retry_after\":\"1\"},{\"times\":1,\"action\":\"throttled_"
          "document\"}");
    const char *id = post("user_created", customer("slow", "Slow One"));

    api_await(id, "completed");
    ck_assert_str_eq(attempts(id), "retry, retry, retry, delivered");
    ck_assert_int_eq(sql_int("SELECT attempts FROM deliveries WHERE event_id = '%s'", id), 0);
}
END_TEST

START_TEST(a_document_that_costs_too_much_is_made_smaller)
{
    const char *ids[4];

    control("{\"limits\":{\"mutations\":2}}");
    gather("costly", 4, "", ids);
    for (size_t i = 0; i < 4; i++)
        api_await(ids[i], "completed");
    ck_assert_int_eq(
        sql_int("SELECT sum(attempts) FROM deliveries WHERE event_id IN ('%s', '%s', '%s', '%s')", ids[0],
                ids[1], ids[2], ids[3]),
        0);
    control("{\"limits\":{\"mutations\":4}}");
}
END_TEST

START_TEST(a_permission_that_is_missing_pauses_the_shop_and_comes_back_by_a_probe)
{
    control("{\"permissions\":[\"MANAGE_PRODUCTS\"]}");
    const char *id = post("user_created", customer("forbidden", "No Body"));

    flow_wait(sql_int("SELECT count(*) FROM platform_status WHERE platform = 'coreldove' AND route = "
                      "'/graphql/' AND state = "
                      "'paused'") == 1,
              10);
    const char *other = post("user_created", customer("forbidden2", "No Body"));
    const char *lead =
        post("lead_created", "{\"id\":\"l2\",\"email\":\"l2@example.com\",\"status\":\"new\"}");
    api_await(lead, "completed"); /* REST goes on */
    control("{\"permissions\":null}");
    api_await(id, "completed");
    api_await(other, "completed");
    ck_assert_int_eq(sql_int("SELECT attempts FROM deliveries WHERE event_id = '%s'", id), 0);
    flow_wait(sql_int("SELECT count(*) FROM platform_status WHERE platform = 'coreldove' AND route = "
                      "'/graphql/' AND state = "
                      "'paused'") == 0,
              10);
}
END_TEST

START_TEST(an_outcome_that_nobody_knows_is_asked_again_with_the_same_result)
{
    static const char *const actions[] = {"reset_mid_answer", "truncate", "empty", "huge"};

    for (size_t i = 0; i < COUNT(actions); i++) {
        const char *name = api_text("lost%zu", i);
        fault(api_text("{\"match\":{\"operation\":\"customerCreate\"},\"times\":1,\"action\":\"%s\"}",
                       actions[i]));
        const char *id = post("user_created", customer(name, "Lost Answer"));
        api_await(id, "completed");
        pick_equal(shop(api_text("/inspect/customers?externalReference=%s", record_id("user", name))),
                   "/count", "1");
        check_remembered("user", name, there("customers", "user", name));
    }
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=100ms,200ms", "MAX_CONCURRENT_SYNCS=1", NULL};
    static const struct stack_options options = {.env = env, .saleor = true};

    return flow_run("saleor", &options,
                    (const TTest *[]){
                        a_customer_is_created_changed_and_deleted,
                        a_product_is_created_with_price_and_stock_changed_and_deleted,
                        an_order_is_placed_fulfilled_and_cancelled, what_the_shop_does_not_have_goes_by_rest,
                        a_delivery_goes_on_behind_the_steps_that_it_has_done,
                        a_worker_killed_between_two_steps_leaves_nothing_half_done_or_twice,
                        operations_that_are_due_together_share_a_document, one_parts_failure_is_no_others,
                        a_refused_document_is_split_until_the_culprit_is_alone, throttling_costs_nothing,
                        a_document_that_costs_too_much_is_made_smaller,
                        an_outcome_that_nobody_knows_is_asked_again_with_the_same_result,
                        a_permission_that_is_missing_pauses_the_shop_and_comes_back_by_a_probe, NULL});
}
