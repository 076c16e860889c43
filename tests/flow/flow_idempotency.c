/* flow_idempotency.c: posting again is safe: by key and by the body's own id, one after the other and at the same time. */
#include <stdlib.h>
#include <string.h>

#include "flow_fixture.h"

#define TOGETHER 20

static const char *body_of(const char *id, const char *name)
{
    return api_text("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                    "[\"coreldove\"],"
                    "\"data\":{\"id\":\"%s\",\"email\":\"i@example.com\",\"name\":\"%s\"}}",
                    id, name);
}

static const struct api_answer *post(const char *tenant, const char *key, const char *body)
{
    return api_send(&(struct api_request){
        .url = "/sync/events", .token = api_token(tenant, "service"), .key = key, .body = body});
}

static const char *created(const struct api_answer *answer)
{
    ck_assert_msg(answer->status == 200, "%d %s %s", answer->status, answer->why, answer->body);
    return pick_text(answer->json, "/event_id");
}

/* An operational event with an id of the client's own. */
static const char *health_of(const char *id, const char *of)
{
    return api_text("{\"id\":\"%s\",\"event_type\":\"system_health\",\"source_platform\":\"bizoholic\","
                    "\"target_platforms\":[\"coreldove\"],\"data\":{\"of\":\"%s\"}}",
                    id, of);
}

static int64_t stored(const char *entity_id)
{
    return sql_int("SELECT count(*) FROM sync_events WHERE entity_id = '%s'", entity_id);
}

START_TEST(the_same_key_and_body_give_the_same_answer)
{
    const char *body = body_of("same1", "S"), *first = created(post(API_TENANT, "key-same", body));

    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(created(post(API_TENANT, "key-same", body)), first);
    api_await(first, "completed");
    ck_assert_str_eq(created(post(API_TENANT, "key-same", body)), first);
    ck_assert_int_eq(stored("same1"), 1);
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", first), 1);
}
END_TEST

START_TEST(twenty_at_once_with_one_key_make_one_event)
{
    struct api_request requests[TOGETHER];
    const struct api_answer *answers[TOGETHER];
    const char *body = body_of("crowd1", "C");

    for (int i = 0; i < TOGETHER; i++)
        requests[i] = (struct api_request){.url = "/sync/events", .key = "key-crowd", .body = body};
    api_send_together(requests, answers, TOGETHER);
    for (int i = 0; i < TOGETHER; i++)
        ck_assert_str_eq(created(answers[i]), created(answers[0]));
    ck_assert_int_eq(stored("crowd1"), 1);
}
END_TEST

START_TEST(of_different_bodies_at_once_with_one_key_one_is_taken)
{
    struct api_request requests[TOGETHER];
    const struct api_answer *answers[TOGETHER];
    int taken = 0;

    for (int i = 0; i < TOGETHER; i++)
        requests[i] = (struct api_request){
            .url = "/sync/events", .key = "key-mixed", .body = body_of("mixed1", api_text("M %d", i))};
    api_send_together(requests, answers, TOGETHER);
    for (int i = 0; i < TOGETHER; i++) {
        ck_assert_msg(answers[i]->status == 200 || answers[i]->status == 422, "%d %s", answers[i]->status,
                      answers[i]->body);
        taken += answers[i]->status == 200;
    }
    ck_assert_int_eq(taken, 1);
    ck_assert_int_eq(stored("mixed1"), 1);
}
END_TEST

START_TEST(the_same_key_with_another_body_is_422)
{
    created(post(API_TENANT, "key-other", body_of("other1", "A")));
    const struct api_answer *answer = post(API_TENANT, "key-other", body_of("other1", "B"));

    ck_assert_int_eq(answer->status, 422);
    ck_assert_str_eq(api_header(answer, "Content-Type"), "application/problem+json");
    pick_check(answer->json, "/type", "urn:data-sync:problem:idempotency-mismatch");
    ck_assert_int_eq(stored("other1"), 1);
    created(post(API_TENANT, "key-other2", body_of("other1", "B")));
}
END_TEST

START_TEST(keys_of_two_tenants_do_not_meet)
{
    const char *body = body_of("tenants1", "T");
    const char *ours = created(post("left", "key-shared", body)),
               *theirs = created(post("right", "key-shared", body));

    ck_assert_str_ne(ours, theirs);
    created(post("left", "key-shared2", body_of("tenants2", "L")));
    created(post("right", "key-shared2", body_of("tenants2", "R")));
    ck_assert_int_eq(stored("tenants1"), 2);
    ck_assert_int_eq(stored("tenants2"), 2);
}
END_TEST

START_TEST(own_ids_of_two_tenants_do_not_meet)
{
    ck_assert_str_eq(api_event_of("left", "%s", health_of("shared-id", "left")), "shared-id");
    ck_assert_str_eq(api_event_of("right", "%s", health_of("shared-id", "right")), "shared-id");
    for (int i = 0; i < 2; i++) {
        const char *tenant = i ? "right" : "left";
        const struct api_answer *answer = api_send(
            &(struct api_request){.url = "/sync/events/shared-id", .token = api_token(tenant, "viewer")});

        pick_check(answer->json, "/event/data/of", tenant);
    }
    ck_assert_int_eq(api_get("/sync/events/shared-id")->status, 404);
}
END_TEST

START_TEST(an_own_id_with_another_body_is_422)
{
    ck_assert_str_eq(created(post(API_TENANT, NULL, health_of("mine1", "A"))), "mine1");
    ck_assert_int_eq(post(API_TENANT, NULL, health_of("mine1", "B"))->status, 422);
    ck_assert_str_eq(created(post(API_TENANT, NULL, health_of("mine1", "A"))), "mine1");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE client_id = 'mine1'"), 1);
}
END_TEST

START_TEST(a_key_and_an_own_id_of_two_events_leave_nothing_half_taken)
{
    const char *one = health_of("half1", "x"), *two = health_of("half2", "x");

    created(post(API_TENANT, "key-half1", one));
    ck_assert_int_eq(post(API_TENANT, "key-half1", two)->status, 422);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM idempotency_keys WHERE key = 'half2'"), 0);
    ck_assert_str_eq(created(post(API_TENANT, "key-half2", two)), "half2");
}
END_TEST

START_TEST(a_refused_event_does_not_take_its_key)
{
    const char *bad = "{\"event_type\":\"user_created\",\"source_platform\":\"nobody\",\"target_platforms\":["
                      "\"coreldove\"],\"data\":{}}";

    ck_assert_int_eq(post(API_TENANT, "key-refused", bad)->status, 422);
    created(post(API_TENANT, "key-refused", body_of("refused1", "R")));
}
END_TEST

START_TEST(a_bulk_repeated_with_its_key_answers_the_same_ids)
{
    const char *body = api_text("[%s,%s]", body_of("bulk1", "A"), body_of("bulk2", "B"));
    const struct api_request request = {.url = "/sync/events/bulk", .key = "key-bulk", .body = body};
    const struct api_answer *first = api_send(&request), *second = api_send(&request);

    ck_assert_msg(first->status == 200, "%d %s", first->status, first->body);
    ck_assert_str_eq(first->body, second->body);
    ck_assert_int_eq(stored("bulk1"), 1);
    ck_assert_int_eq(stored("bulk2"), 1);
}
END_TEST

START_TEST(a_key_that_is_no_key_is_400)
{
    char *long_key = pick_keep(calloc(1, 300));

    memset(long_key, 'k', 299);
    ck_assert_int_eq(post(API_TENANT, long_key, body_of("nokey1", "N"))->status, 400);
    ck_assert_int_eq(stored("nokey1"), 0);
}
END_TEST

START_TEST(keys_hold_when_the_gateway_was_killed)
{
    const char *body = body_of("killed1", "K"), *first = created(post(API_TENANT, "key-killed", body));

    stack_kill("api-gateway");
    stack_start("api-gateway");
    flow_wait(api_is_ready(), 20);
    ck_assert_str_eq(created(post(API_TENANT, "key-killed", body)), first);
    ck_assert_int_eq(post(API_TENANT, "key-killed", body_of("killed1", "L"))->status, 422);
    ck_assert_int_eq(stored("killed1"), 1);
}
END_TEST

int main(void)
{
    return flow_run(
        "idempotency", NULL,
        (const TTest *[]){
            the_same_key_and_body_give_the_same_answer, twenty_at_once_with_one_key_make_one_event,
            of_different_bodies_at_once_with_one_key_one_is_taken, the_same_key_with_another_body_is_422,
            keys_of_two_tenants_do_not_meet, own_ids_of_two_tenants_do_not_meet,
            an_own_id_with_another_body_is_422, a_key_and_an_own_id_of_two_events_leave_nothing_half_taken,
            a_refused_event_does_not_take_its_key, a_bulk_repeated_with_its_key_answers_the_same_ids,
            a_key_that_is_no_key_is_400, keys_hold_when_the_gateway_was_killed, NULL});
}
