/* flow_inbound.c: platforms' own webhooks come in: who is let in, what becomes of it, and that nothing becomes of it twice. */
#include <stdlib.h>
#include <string.h>

#include "flow_fixture.h"
#include "webhook_fixture.h"

#define TOGETHER 10
#define DOOR "/sync/inbound/bizosaas?tenant_id=" API_TENANT

static const char *lead(const char *id, const char *status)
{
    return api_text("{\"type\":\"lead_created\",\"timestamp\":\"%s\",\"data\":{\"id\":\"%s\",\"email\":"
                    "\"l@example.com\",\"status\":\"%s\",\"name\":\"L\"}}",
                    webhook_now(), id, status);
}

static int64_t stored(const char *entity_id)
{
    return sql_int("SELECT count(*) FROM sync_events WHERE entity_id = '%s'", entity_id);
}

static void check_problem(const struct api_answer *answer, int status, const char *type, const char *pointer)
{
    ck_assert_msg(answer->status == status, "%d instead of %d: %s", answer->status, status, answer->body);
    pick_check(answer->json, "/type", api_text("urn:data-sync:problem:%s", type));
    if (pointer)
        pick_check(answer->json, "/errors/0/pointer", pointer);
}

START_TEST(a_signed_webhook_becomes_an_event_for_the_others)
{
    const char *event = webhook_event(webhook_standard(DOOR, "msg-1", lead("in-1", "new")));

    api_await(event, "completed");
    pick_check(fake_await("bizoholic", "/body/event_id", event), "/body/data/lead_id", "in-1");
    pick_check(fake_await("coreldove", "/body/event_id", event), "/body/data/email", "l@example.com");
    ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/event_id", event), 0);
    ck_assert_str_eq(sql_text("SELECT source_platform || ' ' || subject || ' ' || tenant_id || ' ' || "
                              "(occurred_at IS NOT NULL) FROM sync_events WHERE id = '%s'",
                              event),
                     "bizosaas webhook:bizosaas " API_TENANT " true");
}
END_TEST

START_TEST(a_shops_webhook_becomes_an_event_in_our_words)
{
    const char *event = webhook_event(
        webhook_shop("customer_created", webhook_customer("CustomerCreated", "cust1", "null", "Ann")));
    struct json *sent = fake_await("bizoholic", "/body/event_id", event);

    pick_check(sent, "/path", "/api/sync/user/create");
    pick_check(sent, "/body/data/full_name", "Ann Lee");
    pick_check(sent, "/body/data/email_address", "cust1@example.com");
    pick_check(sent, "/body/data/user_id", "cust1");
    pick_check(fake_await("bizosaas", "/body/event_id", event), "/body/data/user_name", "Ann Lee");
    webhook_event(
        webhook_shop("customer_deleted", webhook_customer("CustomerDeleted", "cust1", "null", "Ann")));
    flow_wait(fake_count("bizoholic", 0, "/path", "/api/sync/user/delete") == 1, 10);
}
END_TEST

/* ---- who is let in ---- */

START_TEST(what_is_not_signed_well_is_refused_and_leaves_nothing)
{
    const char *body = lead("forged", "new"), *other = lead("forged", "lost");
    struct api_request none = {.url = DOOR, .token = "", .body = body},
                       tampered = webhook_standard(DOOR, "f1", other);
    struct api_request token = {.url = DOOR, .token = api_token(API_TENANT, "admin"), .body = body};
    struct api_request renamed = webhook_standard(DOOR, "f2", body);
    tampered.body = body;
    renamed.headers[0] = "webhook-id: f3";
    const struct api_request requests[] = {
        none,
        tampered,
        token,
        renamed,
        webhook_standard_of(DOOR, "f4", 0, "another secret", body),
        webhook_standard_of(DOOR, "f5", 310, WEBHOOK_SECRET, body),
        webhook_standard_of(DOOR, "f6", -310, WEBHOOK_SECRET, body),
        webhook_shop_of("/sync/inbound/coreldove", "customer_created", "another",
                        webhook_customer("CustomerCreated", "forged", "null", "F")),
        webhook_standard("/sync/inbound/coreldove", "f7",
                         webhook_customer("CustomerCreated", "forged", "null", "F")),
        webhook_shop_of(DOOR, "customer_created", WEBHOOK_SHOP_SECRET,
                        webhook_customer("CustomerCreated", "forged", "null", "F")),
    };

    for (size_t i = 0; i < COUNT(requests); i++)
        check_problem(webhook_send(requests[i]), 401, "bad-signature", NULL);
    ck_assert_int_eq(stored("forged"), 0);
    ck_assert(stack_metric("api-gateway",
                           "sync_inbound_webhooks_total{platform=\"bizosaas\",outcome=\"refused\"}") >= 8);
}
END_TEST

START_TEST(doors_that_are_not_there_or_closed_say_so)
{
    check_problem(webhook_send(webhook_standard("/sync/inbound/nobody", "c1", lead("closed", "new"))), 404,
                  "no-such-platform", NULL);
    const struct api_answer *closed =
        webhook_send(webhook_standard("/sync/inbound/bizoholic", "c2", lead("closed", "new")));
    check_problem(closed, 403, "inbound-closed", NULL);
    ck_assert_ptr_nonnull(strstr(closed->body, "BIZOHOLIC_INBOUND_SECRET"));
    ck_assert_int_eq(stored("closed"), 0);
}
END_TEST

START_TEST(the_older_of_two_secrets_is_still_good)
{
    api_await(
        webhook_event(webhook_standard_of(DOOR, "rotated", 0, WEBHOOK_SECRET_OLD, lead("rotated", "new"))),
        "completed");
}
END_TEST

/* Only the body is signed: the header must not make a deletion of a change. */
START_TEST(a_header_cannot_say_another_event_than_the_signed_body)
{
    const char *body = webhook_customer("CustomerUpdated", "renamed", "null", "N");

    check_problem(webhook_send(webhook_shop("customer_deleted", body)), 422, "invalid-webhook",
                  "/__typename");
    ck_assert_int_eq(stored("renamed"), 0);
}
END_TEST

/* ---- whose it is ---- */

START_TEST(the_tenant_comes_from_the_body_the_address_or_the_configuration)
{
    const char *bodies[] = {
        api_text("{\"type\":\"lead_created\",\"tenant_id\":\"body-t\",\"data\":{\"id\":\"t1\",\"email\":\"a@"
                 "b.cd\",\"status\":\"new\"}}"),
        lead("t2", "new"),
    };
    webhook_event(webhook_standard("/sync/inbound/bizosaas", "t1", bodies[0]));
    webhook_event(webhook_standard("/sync/inbound/bizosaas?tenant_id=query-t", "t2", bodies[1]));
    webhook_event(webhook_shop("customer_created", webhook_customer("CustomerCreated", "t3", "null", "N")));
    ck_assert_str_eq(
        sql_text("SELECT string_agg(tenant_id, ' ' ORDER BY entity_id) FROM sync_events WHERE entity_id IN "
                 "('t1', 't2', 't3')"),
        "body-t query-t " API_TENANT);
    check_problem(webhook_send(webhook_standard(DOOR, "t4", bodies[0])), 403, "foreign-tenant", NULL);
    check_problem(webhook_send(webhook_shop_of("/sync/inbound/coreldove?tenant_id=other", "customer_created",
                                               WEBHOOK_SHOP_SECRET,
                                               webhook_customer("CustomerCreated", "t3", "null", "N"))),
                  403, "foreign-tenant", NULL); /* the address is not signed */
    check_problem(webhook_send(webhook_standard("/sync/inbound/bizosaas", "t5", bodies[1])), 422,
                  "invalid-webhook", "/tenant_id");
    check_problem(webhook_send(webhook_standard("/sync/inbound/bizosaas?tenant_id=*", "t6", bodies[1])), 422,
                  "invalid-webhook", "/tenant_id");
}
END_TEST

/* ---- once ---- */

START_TEST(a_repetition_gets_the_same_answer_and_makes_no_second_event)
{
    const char *body = lead("again", "new"),
               *shop = webhook_customer("CustomerCreated", "again2", "null", "A");
    const char *event = webhook_event(webhook_standard(DOOR, "again", body));
    const char *other = webhook_event(webhook_shop("customer_created", shop));

    for (int age_s = 0; age_s < 3; age_s++) {
        ck_assert_str_eq(webhook_event(webhook_standard_of(DOOR, "again", age_s, WEBHOOK_SECRET, body)),
                         event);
        ck_assert_str_eq(webhook_event(webhook_shop("customer_created", shop)), other);
    }
    api_await(event, "completed");
    ck_assert_str_eq(webhook_event(webhook_standard(DOOR, "again", body)), event);
    ck_assert_int_eq(stored("again"), 1);
    ck_assert_int_eq(stored("again2"), 1);
    ck_assert_uint_eq(fake_count("bizoholic", 0, "/body/event_id", event), 1);
    check_problem(webhook_send(webhook_standard(DOOR, "again", lead("again", "lost"))), 422,
                  "idempotency-mismatch", NULL);
}
END_TEST

START_TEST(ten_repetitions_at_once_make_one_event)
{
    struct api_request requests[TOGETHER];
    const struct api_answer *answers[TOGETHER];
    const char *body = webhook_customer("CustomerCreated", "crowd", "null", "C");

    for (size_t i = 0; i < TOGETHER; i++)
        requests[i] = webhook_shop("customer_created", body);
    api_send_together(requests, answers, TOGETHER);
    for (size_t i = 0; i < TOGETHER; i++) {
        ck_assert_msg(answers[i]->status == 200, "%s", answers[i]->body);
        ck_assert_str_eq(pick_text(answers[i]->json, "/event_id"), pick_text(answers[0]->json, "/event_id"));
    }
    ck_assert_int_eq(stored("crowd"), 1);
}
END_TEST

/* A key of a client's own cannot take the place of a webhook's. */
START_TEST(a_webhooks_id_is_no_clients_key)
{
    const char *event = webhook_event(webhook_standard(DOOR, "shared-key", lead("key1", "new")));
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = "/sync/events",
        .key = "shared-key",
        .body = "{\"event_type\":\"lead_created\",\"source_platform\":\"bizosaas\",\"target_platforms\":["
                "\"bizoholic\"],"
                "\"data\":{\"id\":\"key2\",\"email\":\"l@example.com\",\"status\":\"new\"}}"});

    ck_assert_msg(answer->status == 200, "%s", answer->body);
    ck_assert_str_ne(pick_text(answer->json, "/event_id"), event);
}
END_TEST

/* ---- what does not validate ---- */

static const struct {
    const char *body; /* %s: the time now */
    int status;
    const char *type, *pointer;
} bad_bodies[] = {
    {"{\"user\":", 400, "not-json", "/user"},
    {"[]", 422, "invalid-webhook", ""},
    {"{\"issuedAt\":\"%s\"}", 422, "invalid-webhook", "/user"},
    {"{\"issuedAt\":\"%s\",\"user\":[]}", 422, "invalid-webhook", "/user"},
    {"{\"issuedAt\":\"%s\",\"user\":{\"email\":\"a@example.com\"}}", 422, "invalid-webhook", "/user/id"},
    {"{\"issuedAt\":\"%s\",\"user\":{\"id\":\"bad1\",\"email\":\"nobody\"}}", 422, "invalid-webhook",
     "/user/email"},
    {"{\"issuedAt\":\"%s\",\"user\":{\"id\":{},\"email\":\"a@example.com\"}}", 422, "invalid-webhook",
     "/user/id"},
    {"{\"user\":{\"id\":\"bad2\",\"email\":\"a@example.com\"}}", 422, "invalid-webhook", "/issuedAt"},
    {"{\"issuedAt\":\"yesterday\",\"user\":{\"id\":\"bad2\"}}", 422, "invalid-webhook", "/issuedAt"},
    {"{\"issuedAt\":\"2020-01-01T00:00:00Z\",\"user\":{\"id\":\"bad2\"}}", 422, "invalid-webhook",
     "/issuedAt"},
};

START_TEST(what_does_not_validate_is_refused_in_the_words_of_the_webhook)
{
    for (size_t i = 0; i < COUNT(bad_bodies); i++) {
        const char *at = strstr(bad_bodies[i].body, "%s");
        const char *body = at ? api_text("%.*s%s%s", (int)(at - bad_bodies[i].body), bad_bodies[i].body,
                                         webhook_now(), at + 2)
                              : bad_bodies[i].body;
        check_problem(webhook_send(webhook_shop("customer_updated", body)), bad_bodies[i].status,
                      bad_bodies[i].type, bad_bodies[i].pointer);
    }
    check_problem(
        webhook_send(webhook_standard(
            DOOR, "bad1", "{\"type\":\"lead_created\",\"data\":{\"id\":\"bad\",\"email\":\"nobody\"}}")),
        422, "invalid-webhook", "/data/email");
    check_problem(webhook_send(webhook_standard(DOOR, "bad2", "{\"data\":{\"id\":\"bad\"}}")), 422,
                  "invalid-webhook", "/type");
    ck_assert(stack_log_count("api-gateway", "webhook refused") > 0);
}
END_TEST

START_TEST(an_event_that_nobody_asked_for_is_no_error)
{
    const struct api_answer *answers[] = {
        webhook_send(webhook_shop("page_created", "{\"__typename\":\"PageCreated\",\"page\":{}}")),
        webhook_send(webhook_standard(DOOR, "nobody", "{\"type\":\"invoice.paid\",\"data\":{}}")),
    };
    for (size_t i = 0; i < COUNT(answers); i++) {
        ck_assert_msg(answers[i]->status == 200, "%s", answers[i]->body);
        pick_check(answers[i]->json, "/status", "ignored");
    }
}
END_TEST

START_TEST(a_body_over_the_limit_is_refused)
{
    size_t len = 256 * 1024 + 1;
    char *body = pick_keep(malloc(len + 1));
    memset(body, ' ', len);
    body[len] = '\0';
    memcpy(body, "{}", 2);
    ck_assert_int_eq(webhook_send(webhook_shop("customer_updated", body))->status, 413);
}
END_TEST

/* The older payloads of a shop are lists. */
START_TEST(all_objects_of_a_list_become_events_or_none)
{
    const char *good =
        api_text("[{\"issuedAt\":\"%s\",\"user\":{\"id\":\"list1\",\"email\":\"a@example.com\"}},"
                 "{\"user\":{\"id\":\"list2\",\"email\":\"b@example.com\"}},"
                 "{\"id\":\"list3\",\"email\":\"c@example.com\"}]",
                 webhook_now());
    const char *bad =
        api_text("[{\"issuedAt\":\"%s\",\"user\":{\"id\":\"list4\",\"email\":\"a@example.com\"}},"
                 "{\"user\":{\"id\":\"list5\",\"email\":\"nobody\"}}]",
                 webhook_now());
    const struct api_answer *answer = webhook_send(webhook_shop("customer_updated", good));
    const struct api_answer *again = webhook_send(webhook_shop("customer_updated", good));

    ck_assert_msg(answer->status == 200, "%s", answer->body);
    ck_assert_str_eq(answer->body, again->body);
    pick_check(answer->json, "/results/2/status", "created");
    ck_assert_int_eq(stored("list1") + stored("list2") + stored("list3"), 3);
    check_problem(webhook_send(webhook_shop("customer_updated", bad)), 422, "invalid-webhook",
                  "/1/user/email");
    ck_assert_int_eq(stored("list4"), 0);
}
END_TEST

/* ---- faults ---- */

START_TEST(without_the_database_the_sender_is_told_to_come_again)
{
    const char *body = lead("later", "new");
    stack_stop("postgres");
    const struct api_answer *answer = webhook_send(webhook_standard(DOOR, "later", body));
    ck_assert_msg(answer->status == 503, "%d %s", answer->status, answer->body);
    ck_assert_ptr_nonnull(api_header(answer, "Retry-After"));
    stack_start("postgres");
    flow_wait(webhook_send(webhook_standard(DOOR, "later", body))->status == 200, 20);
    ck_assert_int_eq(stored("later"), 1);
}
END_TEST

int main(void)
{
    static const char *const env[] = {WEBHOOK_ENV, NULL};
    return flow_run(
        "inbound", &(struct stack_options){.env = env},
        (const TTest *[]){
            a_signed_webhook_becomes_an_event_for_the_others, a_shops_webhook_becomes_an_event_in_our_words,
            what_is_not_signed_well_is_refused_and_leaves_nothing, doors_that_are_not_there_or_closed_say_so,
            the_older_of_two_secrets_is_still_good, a_header_cannot_say_another_event_than_the_signed_body,
            the_tenant_comes_from_the_body_the_address_or_the_configuration,
            a_repetition_gets_the_same_answer_and_makes_no_second_event,
            ten_repetitions_at_once_make_one_event, a_webhooks_id_is_no_clients_key,

            what_does_not_validate_is_refused_in_the_words_of_the_webhook,
            an_event_that_nobody_asked_for_is_no_error, a_body_over_the_limit_is_refused,
            all_objects_of_a_list_become_events_or_none,
            without_the_database_the_sender_is_told_to_come_again, NULL});
}
