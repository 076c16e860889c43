/*
 * flow_original_client.c: a client of the service that this one replaced. It accepts 200 and 201 from a POST and nothing else,
 * reads text values, and forwards whatever headers its own caller sent. What it depends on must not change.
 */
#include "../unit/http_client_fixture.h"
#include <string.h>

#include "flow_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""

static const char *event_body(const char *id, const char *further)
{
    return api_text(
        "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
        "\"coreldove\","
        "\"bizosaas\"],\"data\":{\"user_id\":\"%s\",\"email\":\"o@example.com\",\"name\":\"O\"},%s" TENANT
        "}",
        id, further);
}

static const struct api_answer *create(const char *body)
{
    const struct api_answer *answer = api_post("/sync/events", body);

    ck_assert_msg(answer->status == 200, "%d %s %s", answer->status, answer->why, answer->body);
    return answer;
}

static const char *create_id(const char *body)
{
    return pick_text(create(body)->json, "/event_id");
}

/* ── create ── */

START_TEST(a_create_answers_200_with_text_values_only)
{
    const struct api_answer *answer = create(event_body("plain1", ""));
    struct json_iter iter = {0};
    struct json *value;
    const char *name;

    ck_assert_str_eq(api_header(answer, "Content-Type"), "application/json");
    while (json_next(answer->json, &iter, &name, &value))
        ck_assert_msg(json_type(value) == JSON_STRING, "%s is no text in %s", name, answer->body);
    ck_assert_uint_eq(json_count(answer->json), 2);
    pick_check(answer->json, "/status", "created");
}
END_TEST

START_TEST(the_same_posted_again_is_another_event)
{
    const char *first = create_id(event_body("again1", "")), *second = create_id(event_body("again1", ""));

    ck_assert_str_ne(first, second);
    api_await(first, "completed");
    api_await(second, "completed");
}
END_TEST

START_TEST(an_id_of_the_clients_own_is_returned_found_and_idempotent)
{
    static const char *const ids[] = {"evt-2024-000017", "a1b2c3d4-0000-4000-8000-000000000001",
                                      "mit Umlaut ä/ö?%20"};

    for (size_t i = 0; i < COUNT(ids); i++) {
        const char *body = event_body(api_text("own%zu", i), api_text("\"id\":\"%s\",", ids[i]));
        const char *path = i == 2 ? "mit%20Umlaut%20%C3%A4%2F%C3%B6%3F%2520" : ids[i];

        ck_assert_str_eq(create_id(body), ids[i]);
        ck_assert_str_eq(create_id(body), ids[i]);
        pick_check(api_await(path, "completed"), "/event/id", ids[i]);
        ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id = 'own%zu'", i), 1);
        pick_check(fake_await("coreldove", "/body/data/customer_id", api_text("own%zu", i)), "/body/event_id",
                   sql_text("SELECT id FROM sync_events WHERE entity_id = 'own%zu'", i));
    }
}
END_TEST

START_TEST(what_the_original_kept_itself_is_ignored_in_a_body)
{
    const char *id =
        create_id(event_body("kept1", "\"retry_count\":7,\"created_at\":\"2001-01-01T00:00:00\",\"status\":"
                                      "\"failed\",\"processed_at\":null,\"whatever\":{\"a\":[1]},"));
    const struct json *event = api_await(id, "completed");

    pick_equal(event, "/event/retry_count", "0");
    ck_assert_int_ne(strncmp(pick_text(event, "/event/created_at"), "2001", 4), 0);
}
END_TEST

START_TEST(an_explicit_null_counts_as_left_out)
{
    api_await(create_id(event_body("nulls1",
                                   "\"id\":null,\"user_id\":null,\"priority\":null,\"max_retries\":null,")),
              "completed");
}
END_TEST

/* ── get ── */

START_TEST(a_get_has_every_field_of_event_and_results)
{
    static const char *const event_fields[] = {
        "id",        "event_type", "source_platform", "target_platforms", "data",
        "tenant_id", "user_id",    "priority",        "retry_count",      "max_retries",
        "status",    "created_at", "processed_at",    "error_message",    "processing_time_ms"};
    static const char *const result_fields[] = {"id",           "event_id",          "target_platform",
                                                "status",       "success",           "error_message",
                                                "processed_at", "processing_time_ms"};
    const char *id = create_id(event_body("get1", "\"user_id\":\"caller7\",\"priority\":3,"));
    const struct json *event = api_await(id, "completed");

    for (size_t i = 0; i < COUNT(event_fields); i++)
        ck_assert_msg(pick_there(event, api_text("/event/%s", event_fields[i])), "no event.%s in %s",
                      event_fields[i], pick_print(event));
    for (size_t i = 0; i < COUNT(result_fields); i++)
        ck_assert_msg(pick_there(event, api_text("/results/0/%s", result_fields[i])), "no %s in %s",
                      result_fields[i], pick_print(event));
    ck_assert_uint_eq(json_count(pick(event, "/results")), 2);
    pick_check(event, "/event/id", id);
    pick_check(event, "/results/0/event_id", id);
    pick_check(event, "/event/user_id", "caller7");
    pick_equal(event, "/event/target_platforms", "[\"coreldove\",\"bizosaas\"]");
    pick_equal(event, "/event/data", "{\"user_id\":\"get1\",\"email\":\"o@example.com\",\"name\":\"O\"}");
    pick_equal(event, "/event/priority", "3");
    pick_equal(event, "/event/max_retries", "3");
    pick_equal(event, "/event/error_message", "null");
    ck_assert_int_ge(pick_int(event, "/event/processing_time_ms"), 0);
}
END_TEST

START_TEST(an_unknown_event_is_404)
{
    static const char *const ids[] = {"nobody", "00000000-0000-4000-8000-000000000000",
                                      "01930000-0000-7000-8000-000000000000"};

    for (size_t i = 0; i < COUNT(ids); i++)
        ck_assert_int_eq(api_get("/sync/events/%s", ids[i])->status, 404);
}
END_TEST

/* ── list ── */

/* A tenant of its own, so that the counts are known. */
static const char *list_body(int n)
{
    return api_text("{\"event_type\":\"%s\",\"source_platform\":\"%s\",\"target_platforms\":[\"bizosaas\"],"
                    "\"data\":{\"id\":"
                    "\"list%d\",\"email\":\"l@example.com\",\"name\":\"L\",\"status\":\"new\"}}",
                    n % 2 ? "lead_created" : "user_created", n % 3 ? "bizoholic" : "coreldove", n);
}

static struct json *list(const char *query)
{
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = api_text("/sync/events?%s", query), .token = api_token("lists", "viewer")});

    ck_assert_msg(answer->status == 200, "%s: %d %s", query, answer->status, answer->body);
    return answer->json;
}

START_TEST(a_list_is_newest_first_with_total_limit_and_offset)
{
    enum { EVENTS = 12 };
    const char *ids[EVENTS];

    for (int i = 0; i < EVENTS; i++)
        ids[i] = api_event_of("lists", "%s", list_body(i));
    flow_wait(pick_int(list("status=completed"), "/total") == EVENTS, 20);
    const struct json *all = list("tenant_id=lists");
    pick_equal(all, "/total", "12");
    pick_equal(all, "/limit", "50");
    pick_equal(all, "/offset", "0");
    for (int i = 0; i < EVENTS; i++)
        pick_check(all, api_text("/events/%d/id", i), ids[EVENTS - 1 - i]);
    const struct json *part = list("limit=5&offset=10");
    pick_equal(part, "/limit", "5");
    pick_equal(part, "/offset", "10");
    pick_equal(part, "/total", "12");
    ck_assert_uint_eq(json_count(pick(part, "/events")), 2);
    pick_check(part, "/events/1/id", ids[0]);
    ck_assert_uint_eq(json_count(pick(list("limit=100000"), "/events")), EVENTS);
    pick_equal(list("limit=100000"), "/limit", "200");
    pick_equal(list("status=failed"), "/total", "0");
    pick_equal(list("event_type=lead_created"), "/total", "6");
    pick_equal(list("source_platform=coreldove"), "/total", "4");
    pick_equal(list("target_platform=coreldove"), "/total", "0");
    pick_equal(list("entity_id=list3"), "/total", "1");
    pick_equal(list("entity_id=list3"), "/events/0/data/id", "\"list3\"");
}
END_TEST

/* ── retry ── */

START_TEST(a_retry_of_what_is_done_is_refused_in_the_originals_words)
{
    const char *id = create_id(event_body("done1", ""));

    api_await(id, "completed");
    const struct api_answer *answer =
        api_send(&(struct api_request){.method = "POST",
                                       .url = api_text("/sync/events/%s/retry", id),
                                       .token = api_token(API_TENANT, "operator")});
    ck_assert_int_eq(answer->status, 400);
    const char *detail = pick_text(answer->json, "/detail");
    ck_assert_msg(detail && strncmp(detail, "Event cannot be retried", 23) == 0, "%s", answer->body);
    answer = api_send(&(struct api_request){
        .method = "POST", .url = "/sync/events/none/retry", .token = api_token(API_TENANT, "operator")});
    ck_assert_int_eq(answer->status, 404);
}
END_TEST

START_TEST(a_retry_sends_the_failed_target_alone_under_a_new_id)
{
    fake_control("coreldove", "{\"rules\":[{\"match\":{\"id\":\"retry1\"},\"status\":422,\"times\":1}]}");
    const char *id = create_id(event_body("retry1", ""));

    api_await(id, "failed");
    const struct api_answer *answer =
        api_send(&(struct api_request){.method = "POST",
                                       .url = api_text("/sync/events/%s/retry", id),
                                       .token = api_token(API_TENANT, "operator")});
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    pick_check(answer->json, "/message", "Event queued for retry");
    pick_check(answer->json, "/event_id", id);
    api_await(id, "completed");
    const struct json *first = fake_await_nth("coreldove", "/body/event_id", id, 0);
    const struct json *second = fake_await_nth("coreldove", "/body/event_id", id, 1);
    ck_assert_str_ne(pick_text(first, "/headers/webhook-id"), pick_text(second, "/headers/webhook-id"));
    ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/event_id", id), 1);
}
END_TEST

/* ── the service itself ── */

START_TEST(the_root_health_status_and_metrics_have_the_originals_fields)
{
    static const char *const shapes[][8] = {
        {"/", "message", "version", "environment", "docs"},
        {"/health", "status", "timestamp", "environment", "services"},
        {"/sync/status", "queue_size", "processing", "pending", "retry", "sync_engine_active", "timestamp"},
        {"/sync/metrics?hours=24&tenant_id=" API_TENANT, "total_events", "events_processed", "events_failed",
         "events_pending", "average_processing_time_ms", "platforms_synced", "last_sync_time"}};

    api_await(create_id(event_body("shape1", "")), "completed");
    for (size_t i = 0; i < COUNT(shapes); i++) {
        const struct api_answer *answer = api_get("%s", shapes[i][0]);

        ck_assert_msg(answer->status == 200, "%s: %d %s", shapes[i][0], answer->status, answer->body);
        for (size_t f = 1; f < COUNT(shapes[i]) && shapes[i][f]; f++)
            ck_assert_msg(pick_there(answer->json, api_text("/%s", shapes[i][f])), "%s has no %s: %s",
                          shapes[i][0], shapes[i][f], answer->body);
    }
}
END_TEST

START_TEST(health_needs_no_token_and_names_both_stores)
{
    const struct api_answer *answer = api_send(&(struct api_request){.url = "/health", .token = ""});

    ck_assert_int_eq(answer->status, 200);
    pick_check(answer->json, "/status", "healthy");
    pick_check(answer->json, "/services/redis", "healthy");
    pick_check(answer->json, "/services/postgresql", "healthy");
}
END_TEST

START_TEST(metrics_count_what_was_posted)
{
    const char *path = "/sync/metrics?hours=1";
    const char *token = api_token("counted", "viewer");

    for (int i = 0; i < 3; i++)
        api_event_of("counted", "%s", list_body(i));
    flow_wait(pick_int(api_send(&(struct api_request){.url = path, .token = token})->json,
                       "/events_processed") == 3,
              20);
    const struct json *metrics = api_send(&(struct api_request){.url = path, .token = token})->json;
    pick_equal(metrics, "/total_events", "3");
    pick_equal(metrics, "/events_failed", "0");
    pick_equal(metrics, "/events_pending", "0");
    ck_assert_msg(strstr(pick_print(pick(metrics, "/platforms_synced")), "bizosaas") != NULL, "%s",
                  pick_print(metrics));
    ck_assert(pick_text(metrics, "/last_sync_time") != NULL);
}
END_TEST

/* ── headers of somebody else ── */

/* The request as a proxy would send it: its own caller's headers, a body of its own. */
static int ask_raw(const char *headers, const char *body, bool *closed)
{
    int fd = client_connect(stack_port("API_URL"));
    const struct http_answer *answer;

    client_say(fd, api_text("POST /sync/events HTTP/1.1\r\nAuthorization: Bearer %s\r\nContent-Type: "
                            "application/json\r\n%s\r\n%s",
                            api_token(API_TENANT, "service"), headers, body));
    answer = client_read(fd);
    *closed = client_closed(fd, 200);
    close(fd);
    return answer->status;
}

START_TEST(foreign_headers_do_no_harm)
{
    const char *body = event_body("foreign1", "");
    const char *headers = api_text(
        "Host: shop.example.org\r\nCookie: session=abc; theme=dark\r\nAccept-Encoding: gzip, br\r\n"
        "X-Forwarded-For: 203.0.113.7\r\nReferer: https://shop.example.org/\r\nContent-Length: %zu\r\n",
        strlen(body));
    bool closed;

    ck_assert_int_eq(ask_raw(headers, body, &closed), 200);
    ck_assert(!closed);
}
END_TEST

START_TEST(a_chunked_body_is_read)
{
    const char *body = event_body("chunked1", "");
    size_t half = strlen(body) / 2;
    bool closed;

    ck_assert_int_eq(ask_raw("Host: gateway\r\nTransfer-Encoding: chunked\r\n",
                             api_text("%zx\r\n%.*s\r\n%zx\r\n%s\r\n0\r\n\r\n", half, (int)half, body,
                                      strlen(body) - half, body + half),
                             &closed),
                     200);
}
END_TEST

START_TEST(a_body_longer_than_its_content_length_is_refused)
{
    const char *body = event_body("short1", "");
    bool closed;

    ck_assert_int_eq(
        ask_raw(api_text("Host: gateway\r\nContent-Length: %zu\r\n", strlen(body) - 9), body, &closed), 400);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id = 'short1'"), 0);
    create(event_body("short2", ""));
}
END_TEST

START_TEST(a_client_that_ends_before_its_content_length_leaves_no_trace)
{
    const char *body = event_body("long1", "");
    int fd = client_connect(stack_port("API_URL"));

    client_say(
        fd,
        api_text("POST /sync/events HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %s\r\nContent-Type: "
                 "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 api_token(API_TENANT, "service"), strlen(body) + 50, body));
    close(fd);
    create(event_body("long2", ""));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id = 'long1'"), 0);
    ck_assert_int_eq(stack_log_count("api-gateway", "\"level\":\"error\""), 0);
}
END_TEST

int main(void)
{
    return flow_run(
        "original_client", NULL,
        (const TTest *[]){a_create_answers_200_with_text_values_only, the_same_posted_again_is_another_event,
                          an_id_of_the_clients_own_is_returned_found_and_idempotent,
                          what_the_original_kept_itself_is_ignored_in_a_body,
                          an_explicit_null_counts_as_left_out, a_get_has_every_field_of_event_and_results,
                          an_unknown_event_is_404, a_list_is_newest_first_with_total_limit_and_offset,
                          a_retry_of_what_is_done_is_refused_in_the_originals_words,
                          a_retry_sends_the_failed_target_alone_under_a_new_id,
                          the_root_health_status_and_metrics_have_the_originals_fields,
                          health_needs_no_token_and_names_both_stores, metrics_count_what_was_posted,
                          foreign_headers_do_no_harm, a_chunked_body_is_read,
                          a_body_longer_than_its_content_length_is_refused,
                          a_client_that_ends_before_its_content_length_leaves_no_trace, NULL});
}
