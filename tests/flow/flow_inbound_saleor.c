/*
 * flow_inbound_saleor.c: somebody changes the shop itself, and the others hear of it; the shop signs with its own key, which the
 * gateway fetches.
 */
#include <string.h>

#include "digest.h"
#include "flow_fixture.h"
#include "webhook_fixture.h"

#define DOOR "/sync/inbound/coreldove"

/* POST to the shop's own routes for tests; a failed test when it refuses. */
static struct json *shop(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct json *shop(const char *path, const char *format, ...)
{
    struct buf body = BUF_INIT;
    va_list args;

    va_start(args, format);
    buf_vaddf(&body, format, args);
    va_end(args);
    const struct api_answer *answer =
        api_send(&(struct api_request){.url = api_text("%s%s", stack_setting("FAKE_SALEOR_URL"), path),
                                       .token = "",
                                       .body = api_text("%s", body.data)});
    ck_assert_msg(answer->status == 200, "%s: %d %s", body.data, answer->status, answer->body);
    buf_release(&body);
    return answer->json;
}

static struct json *counters(void)
{
    return pick(api_get("%s/inspect/webhooks", stack_setting("FAKE_SALEOR_URL"))->json, "/counters");
}

/* Everything that the shop had to tell has been told. */
static void await_told(void)
{
    flow_wait(pick_int(counters(), "/waiting") == 0 && pick_int(counters(), "/sent") > 0 &&
                  pick_int(counters(), "/delivered") + pick_int(counters(), "/refused") ==
                      pick_int(counters(), "/sent"),
              10);
}

/* With the shop's own key instead of the secret. */
static void sign_with_key(void)
{
    shop("/control", "{\"webhook\":{\"url\":\"%s" DOOR "\",\"secret\":null,\"retry_ms\":200}}",
         stack_setting("API_URL"));
}

static size_t heard(const char *platform, const char *pointer, const char *text)
{
    return fake_count(platform, 0, pointer, text);
}

START_TEST(a_customer_of_the_shop_reaches_the_others_and_every_change)
{
    sign_with_key();
    shop("/edit/customer",
         "{\"create\":{\"email\":\"Ann@Example.com\",\"firstName\":\"Ann\",\"lastName\":\"Lee\"}}");
    pick_check(fake_await("bizoholic", "/body/data/email_address", "ann@example.com"), "/body/data/full_name",
               "Ann Lee");
    pick_check(fake_await("bizosaas", "/body/data/user_email", "ann@example.com"), "/body/data/user_name",
               "Ann Lee");
    shop("/edit/customer", "{\"email\":\"ann@example.com\",\"set\":{\"lastName\":\"Leigh\"}}");
    fake_await("bizoholic", "/body/data/full_name", "Ann Leigh");
    fake_await("bizosaas", "/body/data/user_name", "Ann Leigh");
    shop("/edit/customer", "{\"email\":\"ann@example.com\",\"set\":{\"isActive\":false}}");
    fake_await("bizosaas", "/body/data/status", "inactive");
    shop("/edit/customer", "{\"email\":\"ann@example.com\",\"delete\":true}");
    fake_await("bizosaas", "/path", "/api/sync/user/delete");
    await_told();
    ck_assert_int_eq(pick_int(counters(), "/refused"), 0);
}
END_TEST

START_TEST(a_product_of_the_shop_waits_for_its_price_and_then_tells_its_stock)
{
    shop("/edit/product", "{\"create\":{\"name\":\"Tea\",\"price\":\"830\",\"quantity\":5,\"sku\":\"TEA\"}}");
    pick_check(fake_await("bizosaas", "/body/data/name", "Tea"), "/body/data/price", "10.00");
    fake_await("bizosaas", "/body/data/inventory", "5");
    shop("/edit/stock", "{\"sku\":\"TEA\",\"quantity\":0}");
    fake_await("bizosaas", "/body/data/inventory", "0");
    shop("/edit/stock", "{\"sku\":\"TEA\",\"quantity\":12}");
    fake_await("bizoholic", "/body/data/inventory", "12");
    await_told();
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE state = 5"), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM records WHERE entity_type = 'product'"), 1);
}
END_TEST

START_TEST(an_order_of_the_shop_reaches_the_others_with_its_customer_and_its_ways)
{
    shop("/edit/customer",
         "{\"create\":{\"email\":\"bob@example.com\",\"firstName\":\"Bob\",\"lastName\":\"Ray\"}}");
    struct json *order =
        shop("/edit/order",
             "{\"create\":{\"email\":\"bob@example.com\",\"lines\":[{\"sku\":\"TEA\",\"quantity\":2}]}}");
    struct json *sent = fake_await("bizosaas", "/path", "/api/sync/order/create");
    const char *id = pick_text(order, "/id");

    pick_check(sent, "/body/data/customer_email", "bob@example.com");
    pick_check(sent, "/body/data/amount", "20.00");
    pick_check(sent, "/body/data/items/0/quantity", "2");
    pick_check(sent, "/body/data/status", "confirmed");
    shop("/edit/order", "{\"id\":\"%s\",\"status\":\"pay\"}", id);
    fake_await("bizosaas", "/body/data/payment_status", "paid");
    shop("/edit/order", "{\"id\":\"%s\",\"status\":\"fulfill\"}", id);
    fake_await("bizosaas", "/body/data/status", "shipped");
    fake_await("bizoholic", "/body/data/status", "shipped");
    await_told();
    ck_assert_int_eq(pick_int(counters(), "/refused"), 0);
}
END_TEST

static int64_t changes_of_others(void)
{
    return sql_int("SELECT count(*) FROM record_versions v JOIN records r ON r.id = v.record_id WHERE "
                   "r.entity_id LIKE 'echo-%%' "
                   "AND v.source <> 'bizosaas'");
}

/* Every step of a delivery makes the shop tell of it, also between the steps, when half of it is there. */
START_TEST(what_goes_to_the_shop_comes_back_and_goes_nowhere)
{
    static const char *const events[] = {
        "\"user_created\",\"data\":{\"user_id\":\"echo-u\",\"user_email\":\"Echo@Example.com\",\"user_name\":"
        "\" Ann  van Lee\","
        "\"user_phone\":\"+4412345\",\"user_note\":\"n\"}",
        "\"product_created\",\"data\":{\"id\":\"echo-p\",\"name\":\"Cup\",\"price\":10.05,\"inventory\":5,"
        "\"description\":\"a < "
        "b & c\\nsecond\\n\"}",
        "\"order_created\",\"data\":{\"id\":\"echo-o\",\"amount\":20.10,\"status\":\"processing\",\"customer_"
        "id\":\"echo-u\","
        "\"items\":[{\"product_id\":\"echo-p\",\"quantity\":2,\"price\":10.05,\"name\":\"Cup\"}]}",
        "\"user_updated\",\"data\":{\"user_id\":\"echo-u\",\"user_name\":\"Ann Leigh\"}",
        "\"user_updated\",\"data\":{\"user_id\":\"echo-u\",\"user_email\":\"echo2@example.com\"}",
        "\"product_updated\",\"data\":{\"id\":\"echo-p\",\"price\":11}",
        "\"product_updated\",\"data\":{\"id\":\"echo-p\",\"inventory\":7}",
        "\"order_updated\",\"data\":{\"id\":\"echo-o\",\"status\":\"delivered\"}",
    };
    const char *last[COUNT(events)];

    await_told();
    int64_t told = pick_int(counters(), "/sent");
    size_t before = (size_t)fake_total("bizosaas");
    for (size_t i = 0; i < COUNT(events); i++)
        last[i] =
            api_event("{\"source_platform\":\"bizosaas\",\"target_platforms\":[\"coreldove\",\"bizoholic\"],"
                      "\"event_type\":%s}",
                      events[i]);
    for (size_t i = 0; i < COUNT(events); i++)
        api_await(last[i], "completed");
    await_told();
    ck_assert_int_ge(pick_int(counters(), "/sent") - told, 6);
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE status IN (0, 1)") == 0, 10);
    ck_assert_int_eq(changes_of_others(), 0);
    ck_assert_uint_eq((size_t)fake_total("bizosaas"), before);
    ck_assert_int_eq(pick_int(counters(), "/refused"), 0);
}
END_TEST

START_TEST(what_the_shop_changes_of_it_reaches_the_others_once)
{
    const char *record = sql_text("SELECT id FROM records WHERE entity_id = 'echo-u'");
    const char *order = sql_text("SELECT id FROM records WHERE entity_id = 'echo-o'");

    /* Until BASE_GUARD after its answer nobody knows that the shop's people have seen it. */
    flow_wait(
        sql_int("SELECT count(*) FROM record_platforms p JOIN records r ON r.id = p.record_id WHERE "
                "r.entity_id LIKE 'echo-%%' AND p.platform = 'coreldove' AND "
                "(p.acked_versions[1] < r.version OR p.acked_at[1] > now() - interval '2.1 seconds')") == 0,
        10);
    shop("/edit/customer", "{\"externalReference\":\"%s\",\"set\":{\"lastName\":\"Shopped\"}}", record);
    pick_check(fake_await("bizosaas", "/body/data/user_name", "Ann Shopped"), "/body/data/user_id", "echo-u");
    shop("/edit/stock", "{\"externalReference\":\"%s\",\"quantity\":3}",
         sql_text("SELECT id FROM records WHERE entity_id = 'echo-p'"));
    fake_await("bizosaas", "/body/data/inventory", "3");
    shop("/edit/order", "{\"externalReference\":\"%s\",\"status\":\"pay\"}", order);
    pick_check(fake_await("bizosaas", "/body/data/id", "echo-o"), "/body/data/payment_status", "paid");
    await_told();
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE status IN (0, 1)") == 0, 10);
    ck_assert_int_eq(changes_of_others(), 3);
}
END_TEST

/* The same bytes, as Saleor sends them when the answer was lost. */
START_TEST(a_webhook_that_is_sent_again_makes_no_second_event)
{
    int64_t events = sql_int("SELECT count(*) FROM sync_events"), total = fake_total("bizosaas");
    await_told();
    for (int n = 1; n <= 3; n++)
        shop("/edit/resend", "{\"n\":%d}", n);
    await_told();
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events"), events);
    ck_assert_int_eq(fake_total("bizosaas"), total);
}
END_TEST

static const struct api_answer *send_signed(const char *signature)
{
    struct api_request request = {
        .url = DOOR,
        .token = "",
        .body = api_text("{\"issuedAt\":\"%s\",\"user\":{\"id\":\"jws\"}}", webhook_now())};
    request.headers[0] = "Saleor-Event: customer_updated";
    request.headers[1] = api_text("Saleor-Signature: %s", signature);
    return api_send(&request);
}

/* A JWS with this header and a signature that is none. */
static const char *forge(const char *header)
{
    struct buf text = BUF_INIT;

    digest_base64(&text, header, strlen(header));
    text.data[strcspn(text.data, "=")] = '\0';
    const char *signature = api_text("%s..AAAA", text.data);
    buf_release(&text);
    return signature;
}

static const char *kid(void)
{
    return pick_text(api_get("%s/.well-known/jwks.json", stack_setting("FAKE_SALEOR_URL"))->json,
                     "/keys/0/kid");
}

START_TEST(what_the_shop_did_not_sign_is_refused)
{
    const char *const forged[] = {
        forge(api_text("{\"alg\":\"RS256\",\"kid\":\"%s\",\"b64\":false}", kid())),
        forge(api_text("{\"alg\":\"none\",\"kid\":\"%s\",\"b64\":false}", kid())),
        forge(api_text("{\"alg\":\"HS256\",\"kid\":\"%s\",\"b64\":false}", kid())),
        forge(api_text("{\"alg\":\"RS256\",\"kid\":\"%s\"}", kid())),
        forge("{}"),
        "not.a.jws",
    };

    for (size_t i = 0; i < COUNT(forged); i++) {
        const struct api_answer *answer = send_signed(forged[i]);
        ck_assert_msg(answer->status == 401, "%s: %d %s", forged[i], answer->status, answer->body);
    }
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id = 'jws'"), 0);
}
END_TEST

/* It may be newer than the keys that were fetched a moment ago, and the shop gives up on a 401. */
START_TEST(a_key_that_is_not_known_yet_may_come_again_and_is_not_asked_for_each_time)
{
    int fetched = stack_log_count("api-gateway", "keys of webhooks fetched");

    for (int i = 0; i < 5; i++) {
        const struct api_answer *answer =
            send_signed(forge("{\"alg\":\"RS256\",\"kid\":\"newer\",\"b64\":false}"));
        ck_assert_msg(answer->status == 503, "%d %s", answer->status, answer->body);
        ck_assert_ptr_nonnull(api_header(answer, "Retry-After"));
    }
    ck_assert_int_eq(stack_log_count("api-gateway", "keys of webhooks fetched"), fetched);
}
END_TEST

/* Nobody can say whose the signature is: the shop sends again what is answered so. */
START_TEST(while_the_shops_keys_cannot_be_fetched_the_sender_is_told_to_come_again)
{
    stack_stop("api-gateway"); /* forgets the keys */
    stack_stop("fake-saleor");
    stack_start("api-gateway");
    flow_wait(api_is_ready(), 20);
    for (int i = 0; i < 3; i++) {
        const struct api_answer *answer = send_signed(forge("{\"alg\":\"RS256\",\"b64\":false}"));
        ck_assert_msg(answer->status == 503, "%d %s", answer->status, answer->body);
        pick_check(answer->json, "/type", "urn:data-sync:problem:keys-unavailable");
        ck_assert_str_eq(api_header(answer, "Retry-After"), "5");
    }
    stack_start("fake-saleor");
    sign_with_key();
    shop("/edit/customer", "{\"create\":{\"email\":\"late@example.com\",\"firstName\":\"Late\"}}");
    fake_await("bizosaas", "/body/data/user_email", "late@example.com");
    ck_assert_uint_eq(heard("bizosaas", "/body/data/user_email", "late@example.com"), 1);
    ck_assert_int_eq(stack_log_count("api-gateway", "keys of webhooks fetched"), 2);
}
END_TEST

int main(void)
{
    static const char *const env[] = {WEBHOOK_ENV, NULL};
    return flow_run(
        "inbound_saleor", &(struct stack_options){.env = env, .saleor = true},
        (const TTest *[]){a_customer_of_the_shop_reaches_the_others_and_every_change,
                          a_product_of_the_shop_waits_for_its_price_and_then_tells_its_stock,
                          an_order_of_the_shop_reaches_the_others_with_its_customer_and_its_ways,
                          what_goes_to_the_shop_comes_back_and_goes_nowhere,
                          what_the_shop_changes_of_it_reaches_the_others_once,
                          a_webhook_that_is_sent_again_makes_no_second_event,
                          what_the_shop_did_not_sign_is_refused,
                          a_key_that_is_not_known_yet_may_come_again_and_is_not_asked_for_each_time,
                          while_the_shops_keys_cannot_be_fetched_the_sender_is_told_to_come_again, NULL});
}
