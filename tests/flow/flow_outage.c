/*
 * flow_outage.c: a platform is switched off for a while and back on, with changes to new and known records going on all the time:
 * the others do not notice, and there everything arrives once, in order, versions that piled up as one.
 */
#include <stdlib.h>

#include "flow_fixture.h"

#define ROUNDS 40
#define OFF_AT 10 /* rounds */
#define ON_AT 30
#define PRODUCTS 5

static const char *users[ROUNDS], *orders[ROUNDS], *products[ROUNDS], *updates[ROUNDS];

static const char *post(const char *type, int priority, const char *data)
{
    return api_event(
        "{\"event_type\":\"%s\",\"source_platform\":\"bizoholic\",\"target_platforms\":[\"coreldove\","
        "\"bizosaas\"],\"tenant_id\":\"" API_TENANT "\",\"priority\":%d,\"data\":%s}",
        type, priority, data);
}

/* A customer with an order of higher priority, a product that has been there, and an order that may still be on its way. */
static void post_round(int n)
{
    int known = n % PRODUCTS, earlier = n * 7 % (n + 1);

    users[n] = post("user_created", 8,
                    api_text("{\"id\":\"u%d\",\"email\":\"u%d@example.com\",\"name\":\"N\"}", n, n));
    orders[n] = post(
        "order_created", 2,
        api_text("{\"id\":\"o%d\",\"amount\":%d,\"status\":\"pending\",\"customer_id\":\"u%d\",\"items\":[{"
                 "\"product_id\":\"p%d\"}]}",
                 n, n + 1, n, known));
    products[n] = post(n < PRODUCTS ? "product_created" : "product_updated", 5,
                       api_text("{\"id\":\"p%d\",\"name\":\"P\",\"price\":%d}", known, n + 1));
    updates[n] = post("order_updated", 2, api_text("{\"id\":\"o%d\",\"status\":\"s%d\"}", earlier, n));
}

static void await_all(const char *const events[ROUNDS])
{
    for (int n = 0; n < ROUNDS; n++) {
        const char *state = NULL;
        flow_wait((state = api_status(events[n])) && strcmp(state, "completed") == 0, 30);
        ck_assert_int_eq(
            sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s' AND (state = 2 OR (state = 3 AND "
                    "covered_by IS NOT NULL)) AND attempts = 0",
                    events[n]),
            2);
    }
}

/* Of what the platform took: no event twice, no version after a newer one. */
static void check_once_and_in_order(const char *platform)
{
    const struct json *all = fake_received(platform, 0);

    ck_assert_int_eq(pick_int(fake_summary(platform), "/out_of_order"), 0);
    for (size_t i = 0; i < json_count(all); i++)
        for (size_t k = i + 1; k < json_count(all); k++)
            ck_assert_msg(pick_int(json_at(all, i), "/status") >= 300 ||
                              pick_int(json_at(all, k), "/status") >= 300 ||
                              strcmp(pick_text(json_at(all, i), "/headers/webhook-id"),
                                     pick_text(json_at(all, k), "/headers/webhook-id")) != 0,
                          "%s took one twice: %s", platform, pick_print(json_at(all, k)));
}

static int64_t taken_us(const char *event)
{
    const struct json *entry;

    for (size_t n = 0; (entry = fake_find("coreldove", 0, "/body/event_id", event, n)); n++)
        if (pick_int(entry, "/status") < 300)
            return pick_int(entry, "/time_us");
    return 0;
}

/* The time at which the order was first there: by its creation, or by the version that came in its stead. */
static int64_t order_us(int n)
{
    const char *cover = sql_text(
        "SELECT covered_by FROM deliveries WHERE event_id = '%s' AND target = 'coreldove'", orders[n]);

    return taken_us(cover ? cover : orders[n]);
}

START_TEST(a_platform_switched_off_and_on_gets_everything_once_in_order_and_parents_first)
{
    int n = 0;

    for (; n < OFF_AT; n++)
        post_round(n);
    for (int i = 0; i < OFF_AT; i++)
        flow_wait(strcmp(api_status(orders[i]), "completed") == 0, 20);
    stack_kill("fake-platform-coreldove");
    for (; n < ON_AT; n++) {
        post_round(n);
        usleep(50000);
    }
    for (int i = OFF_AT; i < ON_AT; i++) /* the other platform does not notice */
        flow_wait(
            sql_int(
                "SELECT count(*) FROM deliveries WHERE event_id = '%s' AND target = 'bizosaas' AND state = 2",
                users[i]) == 1,
            5);
    flow_wait(
        sql_int(
            "SELECT count(*) FROM platform_status WHERE platform = 'coreldove' AND route = '' AND state = "
            "'open'") == 1,
        10);
    stack_start("fake-platform-coreldove");
    for (; n < ROUNDS; n++)
        post_round(n);
    await_all(users);
    await_all(orders);
    await_all(products);
    await_all(updates);
    check_once_and_in_order("coreldove");
    check_once_and_in_order("bizosaas");
    for (int i = OFF_AT; i < ON_AT; i++)
        ck_assert_msg(taken_us(users[i]) < order_us(i), "order %d came before its customer", i);
    ck_assert_int_gt(sql_int("SELECT count(*) FROM deliveries WHERE target = 'coreldove' AND state = 3"),
                     ON_AT - OFF_AT);
    for (int i = 0; i < PRODUCTS; i++)
        pick_check(fake_record("coreldove", "product", API_TENANT, api_text("p%d", i)), "/data/price_inr",
                   pick_text(fake_record("coreldove", "product", API_TENANT, api_text("p%d", i)),
                             "/data/product_price"));
    for (int i = OFF_AT; i < ROUNDS; i++)
        pick_check(
            fake_record("coreldove", "order", API_TENANT, api_text("o%d", i)), "/data/order_status",
            pick_text(fake_record("bizosaas", "order", API_TENANT, api_text("o%d", i)), "/data/status"));
}
END_TEST

/* Each is tried twice within a second, while successes are fresh and no breaker is open yet. */
START_TEST(what_fails_while_an_outage_begins_does_not_die_of_it)
{
    const char *failing[60];

    for (int n = 0; n < 60; n++)
        api_await(post("user_created", 5,
                       api_text("{\"id\":\"w%d\",\"email\":\"w%d@example.com\",\"name\":\"N\"}", n, n)),
                  "completed");
    fake_control("coreldove", "{\"rules\":[{\"status\":500}]}");
    for (int n = 0; n < 60; n++)
        failing[n] = api_event(
            "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\","
            "\"target_platforms\":[\"coreldove\"],\"tenant_id\":\"" API_TENANT
            "\",\"max_retries\":1,\"data\":{\"id\":\"x%d\",\"email\":\"x%d@example.com\",\"name\":\"N\"}}",
            n, n);
    for (int n = 0; n < 60; n++)
        flow_wait(
            sql_int("SELECT sum(sendings) FROM deliveries WHERE event_id = '%s'", failing[n]) >= 2 ||
                sql_int(
                    "SELECT count(*) FROM platform_status WHERE platform = 'coreldove' AND route = '' AND "
                    "state = 'open'") == 1,
            20);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE state = 5"), 0);
    fake_control("coreldove", "{\"rules\":[]}");
    for (int n = 0; n < 60; n++)
        api_await(failing[n], "completed");
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=300ms", "REQUEST_TIMEOUT=2s", NULL};
    static const struct stack_options options = {.env = env};

    return flow_run(
        "outage", &options,
        (const TTest *[]){a_platform_switched_off_and_on_gets_everything_once_in_order_and_parents_first,
                          what_fails_while_an_outage_begins_does_not_die_of_it, NULL});
}
