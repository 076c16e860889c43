/* flow_parents.c: an order whose customer or product is still on its way to a platform waits for it, there and for a while. */
#include "flow_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""
#define BOTH "\"coreldove\",\"bizosaas\""
#define WAIT_MS 3000 /* PARENT_WAIT */

static const char *post_user(const char *id, const char *targets, int max_retries)
{
    return api_event(
        "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\","
        "\"target_platforms\":[%s]," TENANT
        ",\"max_retries\":%d,\"priority\":10,\"data\":{\"user_id\":\"%s\",\"email\":\"c@example.com\","
        "\"name\":\"N\"}}",
        targets, max_retries, id);
}

static const char *order_data(const char *id, const char *customer, const char *product)
{
    return api_text("{\"id\":\"%s\",\"amount\":10,\"status\":\"paid\",\"customer_id\":\"%s\","
                    "\"items\":[{\"product_id\":\"%s\",\"quantity\":1}]}",
                    id, customer, product);
}

static const char *post_order(const char *id, const char *customer, const char *product, const char *targets)
{
    return api_event("{\"event_type\":\"order_created\",\"source_platform\":\"bizoholic\",\"target_"
                     "platforms\":[%s]," TENANT ",\"priority\":2,\"data\":%s}",
                     targets, order_data(id, customer, product));
}

static void fail_user(const char *platform, const char *id, const char *how)
{
    fake_control(platform,
                 api_text("{\"rules\":[{\"match\":{\"entity\":\"user\",\"id\":\"%s\"},%s}]}", id, how));
}

/* When a platform took an event, in its first sending that it answered with success. */
static int64_t taken_us(const char *platform, const char *event)
{
    const struct json *entry;

    for (size_t n = 0; (entry = fake_find(platform, 0, "/body/event_id", event, n)); n++)
        if (pick_int(entry, "/status") < 300)
            return pick_int(entry, "/time_us");
    return 0;
}

static const char *result_of(const char *event, const char *platform, const char *member)
{
    const struct json *results = pick(api_look(event), "/results");

    for (size_t i = 0; i < json_count(results); i++)
        if (strcmp(pick_text(json_at(results, i), "/target_platform"), platform) == 0)
            return pick_text(json_at(results, i), member);
    return NULL;
}

static bool waits_for(const char *event, const char *platform, const char *whom)
{
    const char *why = result_of(event, platform, "/error_message");

    return why && strstr(why, api_text("waits for %s", whom));
}

static void check_after(const char *platform, const char *order, const char *parent)
{
    int64_t parent_us = taken_us(platform, parent), order_us = taken_us(platform, order);

    ck_assert_msg(parent_us > 0 && order_us > parent_us, "%s: the order %lld us after what it needs",
                  platform, (long long)(order_us - parent_us));
}

START_TEST(an_order_waits_for_its_customer_where_it_is_missing_and_goes_at_once_elsewhere)
{
    fail_user("coreldove", "pa1", "\"status\":503,\"times\":3");
    const char *user = post_user("pa1", BOTH, 9), *order = post_order("pa1", "pa1", "none", BOTH);

    fake_await("bizosaas", "/body/event_id", order);
    flow_wait(waits_for(order, "coreldove", "user pa1 (customer_id)"), 3);
    ck_assert_str_eq(api_status(order), "retry");
    ck_assert_str_eq(result_of(order, "coreldove", "/status"), "retry");
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", order), 0);
    api_await(order, "completed");
    api_await(user, "completed");
    check_after("coreldove", order, user);
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", order), 1);
    ck_assert_str_eq(sql_text("SELECT attempts || ' ' || sendings FROM deliveries WHERE event_id = '%s' AND "
                              "target = 'coreldove'",
                              order),
                     "0 1");
}
END_TEST

START_TEST(an_order_waits_for_a_product_that_another_line_names)
{
    fake_control("coreldove",
                 "{\"rules\":[{\"match\":{\"entity\":\"product\"},\"status\":503,\"times\":2}]}");
    const char *product = api_event(
        "{\"event_type\":\"product_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
        "[\"coreldove\"]," TENANT ",\"max_retries\":9,\"data\":{\"id\":\"pp2\",\"name\":\"P\",\"price\":3}}");
    const char *order = api_event("{\"event_type\":\"order_created\",\"source_platform\":\"bizoholic\","
                                  "\"target_platforms\":[\"coreldove\"]," TENANT
                                  ",\"data\":{\"id\":\"pp2\",\"amount\":1,\"status\":\"paid\",\"items\":[{},"
                                  "{\"product_id\":\"pp2\"}]}}");
    flow_wait(waits_for(order, "coreldove", "product pp2 (items[1].product_id)"), 3);
    api_await(order, "completed");
    check_after("coreldove", order, product);
}
END_TEST

START_TEST(a_long_id_in_another_script_is_told_without_half_a_character)
{
    struct buf id = BUF_INIT;

    buf_add_str(&id, "x");
    for (int i = 0; i < 60; i++)
        buf_add_str(&id, "\xF0\x9F\x9A\x9A"); /* 241 bytes */
    fake_control("coreldove", "{\"rules\":[{\"match\":{\"entity\":\"user\"},\"status\":503,\"times\":2}]}");
    const char *user = post_user(id.data, "\"coreldove\"", 9);
    const char *order = post_order("pa-long", id.data, "none", "\"coreldove\"");
    flow_wait(waits_for(order, "coreldove", "user x\xF0\x9F\x9A\x9A"), 3);
    api_await(order, "completed");
    check_after("coreldove", order, user);
    ck_assert_int_eq(stack_log_count("worker-coreldove", "outcomes refused"), 0);
    buf_release(&id);
}
END_TEST

START_TEST(an_order_does_not_wait_longer_than_parent_wait)
{
    fail_user("coreldove", "pa3", "\"status\":503");
    const char *user = post_user("pa3", "\"coreldove\"", 99);
    const char *order = post_order("pa3", "pa3", "none", "\"coreldove\"");

    flow_wait(waits_for(order, "coreldove", "user pa3"), 3);
    int64_t began_us =
        sql_int("SELECT (extract(epoch FROM held_since) * 1000000)::int8 FROM deliveries WHERE "
                "event_id = '%s'",
                order);
    stack_kill("worker-coreldove"); /* it still knows how long it has waited */
    stack_start("worker-coreldove");
    api_await(order, "completed");
    ck_assert_int_ge(taken_us("coreldove", order) - began_us, (WAIT_MS - 10) * 1000);
    ck_assert_int_le(taken_us("coreldove", order) - began_us,
                     (int64_t)(WAIT_MS + 7000 * flow_patience()) * 1000);
    ck_assert_str_eq(api_status(user), "retry");
    fake_control("coreldove", "{\"rules\":[]}");
    api_await(user, "completed");
}
END_TEST

START_TEST(a_dead_parent_holds_nothing_up)
{
    fail_user("coreldove", "pa4", "\"status\":422");
    const char *user = post_user("pa4", "\"coreldove\"", 0);
    api_await(user, "failed");
    int64_t began_us = clock_wall_us();
    const char *order = post_order("pa4", "pa4", "none", "\"coreldove\"");
    api_await(order, "completed");
    ck_assert_int_lt(taken_us("coreldove", order) - began_us, (int64_t)(1000000 * flow_patience()));
}
END_TEST

START_TEST(a_parent_that_ends_dead_lets_the_order_go)
{
    fail_user("coreldove", "pa5", "\"status\":503");
    const char *user = post_user("pa5", "\"coreldove\"", 2);
    const char *order = post_order("pa5", "pa5", "none", "\"coreldove\"");
    flow_wait(waits_for(order, "coreldove", "user pa5"), 3);
    api_await(user, "failed");
    api_await(order, "completed");
    ck_assert(
        sql_int("SELECT (processed_at - held_since < interval '%d ms')::int FROM deliveries WHERE event_id "
                "= '%s'",
                WAIT_MS, order) == 1 ||
        flow_patience() > 1);
}
END_TEST

START_TEST(an_order_of_high_priority_waits_for_a_product_of_low_priority_in_the_same_bulk)
{
    struct buf body = BUF_INIT;
    const struct api_answer *answer;

    fake_control("coreldove", "{\"rules\":[{\"match\":{\"entity\":\"product\"},\"delay_ms\":30}]}");
    buf_add_str(&body, "{\"events\":[");
    for (int i = 0; i < 20; i++)
        buf_addf(&body,
                 "%s{\"event_type\":\"order_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                 "[\"coreldove\"]," TENANT ",\"priority\":2,\"data\":%s}",
                 i ? "," : "", order_data(api_text("inv%d", i), "none", api_text("inv%d", i)));
    for (int i = 0; i < 20; i++)
        buf_addf(
            &body,
            ",{\"event_type\":\"product_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
            "[\"coreldove\"]," TENANT
            ",\"priority\":10,\"data\":{\"id\":\"inv%d\",\"name\":\"P\",\"price\":1}}",
            i);
    buf_add_str(&body, "]}");
    answer = api_post("/sync/events/bulk", body.data);
    buf_release(&body);
    ck_assert_int_eq(answer->status, 200);
    for (int i = 0; i < 20; i++) {
        const char *order = pick_text(answer->json, api_text("/results/%d/event_id", i));
        const char *product = pick_text(answer->json, api_text("/results/%d/event_id", 20 + i));
        api_await(order, "completed");
        check_after("coreldove", order, product);
    }
}
END_TEST

START_TEST(a_parent_under_the_id_that_its_platform_gave_it_is_found)
{
    fail_user("bizosaas", "pa7", "\"status\":503,\"times\":3");
    const char *user = post_user("pa7", BOTH, 9);
    flow_wait(
        sql_int("SELECT count(*) FROM record_ids WHERE platform = 'coreldove' AND entity_type = 'user' AND "
                "record_id = (SELECT record_id FROM sync_events WHERE id = '%s')",
                user) == 1,
        5);
    const char *own =
        sql_text("SELECT platform_id FROM record_ids WHERE platform = 'coreldove' AND record_id = "
                 "(SELECT record_id FROM sync_events WHERE id = '%s')",
                 user);
    ck_assert_str_ne(own, "pa7");
    const char *order = api_event("{\"event_type\":\"order_created\",\"source_platform\":\"coreldove\","
                                  "\"target_platforms\":[\"bizosaas\"]," TENANT ",\"data\":%s}",
                                  order_data("pa7", own, "none"));
    flow_wait(waits_for(order, "bizosaas", api_text("user %s", own)), 3);
    api_await(order, "completed");
    check_after("bizosaas", order, user);
}
END_TEST

START_TEST(what_the_platform_has_or_knows_already_holds_nothing_up)
{
    const char *user = post_user("pa8", "\"coreldove\"", 0);
    api_await(user, "completed");
    fail_user("coreldove", "pa8", "\"status\":503,\"times\":4");
    const char *update = api_event("{\"event_type\":\"user_updated\",\"source_platform\":\"bizoholic\","
                                   "\"target_platforms\":[\"coreldove\"]," TENANT
                                   ",\"max_retries\":9,\"data\":{\"user_id\":\"pa8\",\"name\":\"M\"}}");
    const char *order = post_order("pa8", "pa8", "none", "\"coreldove\""); /* its customer is there */
    api_await(order, "completed");
    ck_assert_str_eq(api_status(update), "retry");
    api_await(update, "completed");

    const char *early =
        post_order("pa8b", "pa8b", "none", "\"coreldove\""); /* nobody ever saw this customer */
    api_await(early, "completed");
    fail_user("coreldove", "pa8b", "\"status\":503,\"times\":4");
    user = post_user("pa8b", "\"coreldove\"", 9);
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s' AND state = 1", user) == 1, 5);
    const char *later = api_event("{\"event_type\":\"order_updated\",\"source_platform\":\"bizoholic\","
                                  "\"target_platforms\":[\"coreldove\"]," TENANT
                                  ",\"data\":{\"id\":\"pa8b\",\"status\":\"shipped\"}}");
    api_await(later, "completed");
    const char *gone =
        api_event("{\"event_type\":\"order_deleted\",\"source_platform\":\"bizoholic\","
                  "\"target_platforms\":[\"coreldove\"]," TENANT ",\"data\":{\"id\":\"pa8b\"}}");
    api_await(gone, "completed");
    ck_assert_str_eq(api_status(user), "retry");
    api_await(user, "completed");
}
END_TEST

START_TEST(versions_of_an_order_that_waits_arrive_as_one_and_do_not_lengthen_the_wait)
{
    const char *last = NULL;
    int sent = 0;

    fail_user("coreldove", "pa9", "\"status\":503");
    const char *user = post_user("pa9", "\"coreldove\"", 99);
    const char *order = post_order("pa9", "pa9", "none", "\"coreldove\"");
    flow_wait(waits_for(order, "coreldove", "user pa9"), 3);
    for (; fake_count("coreldove", 0, "/body/data/order_id", "pa9") == 0 && sent < 60; sent++) {
        last = api_event(
            "{\"event_type\":\"order_updated\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
            "[\"coreldove\"]," TENANT ",\"data\":{\"id\":\"pa9\",\"status\":\"s%d\"}}",
            sent);
        usleep(200000);
    }
    ck_assert_int_lt(sent, 60); /* an update each 200 ms does not hold it for ever */
    api_await(order, "completed");
    api_await(last, "completed");
    ck_assert_str_eq(result_of(order, "coreldove", "/status"), "superseded");
    pick_check(fake_record("coreldove", "order", API_TENANT, "pa9"), "/data/order_status",
               api_text("s%d", sent - 1));
    ck_assert_int_eq(pick_int(fake_summary("coreldove"), "/out_of_order"), 0);
    ck_assert_str_eq(api_status(user), "retry");
    fake_control("coreldove", "{\"rules\":[]}");
    api_await(user, "completed");
}
END_TEST

START_TEST(a_customer_that_is_accepted_and_not_routed_yet_is_on_its_way)
{
    stack_stop("worker-coreldove");
    const char *order = post_order("pa10", "pa10", "none", "\"coreldove\"");
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s'", order) == 1, 5);
    stack_stop("router");
    const char *user = post_user("pa10", "\"coreldove\"", 3);
    stack_start("worker-coreldove");
    flow_wait(waits_for(order, "coreldove", "user pa10"), 10);
    stack_start("router");
    api_await(order, "completed");
    check_after("coreldove", order, user);
}
END_TEST

START_TEST(after_an_outage_longer_than_the_wait_customers_still_come_before_their_orders)
{
    const char *users[20], *orders[20];

    stack_kill("fake-platform-coreldove");
    for (size_t i = 0; i < COUNT(users); i++)
        orders[i] = post_order(api_text("out%zu", i), api_text("out%zu", i), "none", "\"coreldove\"");
    for (size_t i = 0; i < COUNT(users); i++)
        users[i] = post_user(api_text("out%zu", i), "\"coreldove\"", 0);
    flow_wait(
        sql_int(
            "SELECT count(*) FROM platform_status WHERE platform = 'coreldove' AND route = '' AND state = "
            "'open' AND since < now() - interval '%d ms'",
            WAIT_MS + 2000) == 1,
        20);
    stack_start("fake-platform-coreldove");
    for (size_t i = 0; i < COUNT(users); i++) {
        api_await(orders[i], "completed");
        check_after("coreldove", orders[i], users[i]);
        ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", orders[i]), 1);
    }
}
END_TEST

START_TEST(with_no_wait_an_order_goes_before_its_customer)
{
    fail_user("coreldove", "zero", "\"status\":503,\"times\":3");
    const char *user = post_user("zero", "\"coreldove\"", 9);
    fake_await("coreldove", "/body/event_id", user);
    const char *order = post_order("zero", "zero", "none", "\"coreldove\"");
    api_await(order, "completed");
    ck_assert_str_eq(api_status(user), "retry");
    api_await(user, "completed");
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=600ms", "REQUEST_TIMEOUT=2s", "PARENT_WAIT=3s",
                                      "LEASE_SECONDS=2s", NULL};
    static const char *const never[] = {"RETRY_SCHEDULE=1s", "PARENT_WAIT=0", NULL};
    static const struct stack_options options = {.env = env};
    static const struct stack_options no_wait = {.env = never};
    int failed =
        flow_run("parents", &options,
                 (const TTest *[]){
                     an_order_waits_for_its_customer_where_it_is_missing_and_goes_at_once_elsewhere,
                     an_order_waits_for_a_product_that_another_line_names,
                     a_long_id_in_another_script_is_told_without_half_a_character,
                     an_order_does_not_wait_longer_than_parent_wait, a_dead_parent_holds_nothing_up,
                     a_parent_that_ends_dead_lets_the_order_go,
                     an_order_of_high_priority_waits_for_a_product_of_low_priority_in_the_same_bulk,
                     a_parent_under_the_id_that_its_platform_gave_it_is_found,
                     what_the_platform_has_or_knows_already_holds_nothing_up,
                     versions_of_an_order_that_waits_arrive_as_one_and_do_not_lengthen_the_wait,
                     a_customer_that_is_accepted_and_not_routed_yet_is_on_its_way,
                     after_an_outage_longer_than_the_wait_customers_still_come_before_their_orders, NULL});

    return failed | flow_run("no wait", &no_wait,
                             (const TTest *[]){with_no_wait_an_order_goes_before_its_customer, NULL});
}
