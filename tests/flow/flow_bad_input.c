/*
 * flow_bad_input.c: requests that are wrong in body, path, method or type: each gets its status, a problem with a pointer to
 * the place, and harms nothing: the next good event still goes through.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/http_client_fixture.h"
#include "flow_fixture.h"
#include "good_event_fixture.h"
#include "proto.h"

/* ── what is not JSON ── */

static const struct {
    const char *body, *pointer;
} no_json[] = {
    {"", ""},
    {"{", ""},
    {"hello", ""},
    {"null", NULL},
    {"{'a':1}", ""},
    {"{\"event_type\":\"user_created\",}", ""},
    {"{\"event_type\":\"user_created\"} trailing", ""},
    {"{\"data\":{\"a\":NaN}}", "/data/a"},
    {"{\"data\":{\"a\":01}}", "/data/a"},
    {"{\"data\":{\"a\":\"\\u0000\"}}", "/data/a"},
    {"{\"data\":{\"a\":\"\\ud800\"}}", "/data/a"},
    {"{\"data\":{\"a\":\"\xff\"}}", "/data/a"},
    {"{\"data\":{\"a\":\"tab\there\"}}", "/data/a"},
    {"{\"data\":{\"name\":1,\"name\":2}}", "/data/name"},
    {"{\"event_type\":\"user_created\",\"event_type\":\"user_deleted\"}", "/event_type"},
    {"\xef\xbb\xbf{\"event_type\":\"user_created\"}", ""},
};

START_TEST(what_is_not_json_is_400_with_a_pointer)
{
    for (size_t i = 0; i < COUNT(no_json); i++) {
        const struct refusal due = {400, "not-json", no_json[i].pointer};

        good_event_check_refused(api_post("/sync/events", no_json[i].body), &due,
                                 api_text("body %s", no_json[i].body));
        good_event_goes_through(no_json[i].body);
    }
}
END_TEST

START_TEST(a_nul_byte_in_a_body_is_400)
{
    static const char body[] = "{\"data\":{\"a\":\"x\0y\"}}";
    const struct refusal due = {400, "not-json", "/data/a"};

    good_event_check_refused(
        api_send(&(struct api_request){.url = "/sync/events", .body = body, .body_len = sizeof body - 1}),
        &due, "NUL");
    good_event_goes_through("NUL");
}
END_TEST

/* ── what does not validate ── */

/* The README's event with one member replaced by the text given ("" leaves it out). */
static const char *event_with(const char *member, const char *value)
{
    static const char *const members[][2] = {
        {"event_type", "\"user_created\""},
        {"source_platform", "\"bizoholic\""},
        {"target_platforms", "[\"coreldove\"]"},
        {"tenant_id", "\"" API_TENANT "\""},
        {"data", "{\"id\":\"bad1\",\"email\":\"b@example.com\",\"name\":\"B\"}"}};
    struct buf body = BUF_INIT;
    bool known = false;

    buf_add_ch(&body, '{');
    for (size_t i = 0; i < COUNT(members); i++) {
        bool this_one = strcmp(members[i][0], member) == 0;
        const char *text = this_one ? value : members[i][1];

        known = known || this_one;
        if (*text)
            buf_addf(&body, "%s\"%s\":%s", body.len > 1 ? "," : "", members[i][0], text);
    }
    if (!known)
        buf_addf(&body, ",\"%s\":%s", member, value);
    buf_add_ch(&body, '}');
    return pick_keep(buf_detach(&body, NULL));
}

static const struct {
    const char *member, *value, *pointer;
} invalid[] = {
    {"event_type", "", "/event_type"},
    {"event_type", "null", "/event_type"},
    {"event_type", "7", "/event_type"},
    {"event_type", "\"user_renamed\"", "/event_type"},
    {"event_type", "\"\"", "/event_type"},
    {"source_platform", "", "/source_platform"},
    {"source_platform", "[]", "/source_platform"},
    {"source_platform", "\"shopify\"", "/source_platform"},
    {"source_platform", "\"../bizoholic\"", "/source_platform"},
    {"target_platforms", "", "/target_platforms"},
    {"target_platforms", "null", "/target_platforms"},
    {"target_platforms", "\"coreldove\"", "/target_platforms"},
    {"target_platforms", "{}", "/target_platforms"},
    {"target_platforms", "[]", "/target_platforms"},
    {"target_platforms", "[\"coreldove\",\"nobody\"]", "/target_platforms/1"},
    {"target_platforms", "[null]", "/target_platforms/0"},
    {"target_platforms", "[[\"coreldove\"]]", "/target_platforms/0"},
    {"tenant_id", "7", "/tenant_id"},
    {"data", "", "/data"},
    {"data", "null", "/data"},
    {"data", "[]", "/data"},
    {"data", "\"text\"", "/data"},
    {"data", "{\"id\":true,\"email\":\"b@example.com\",\"name\":\"B\"}", "/data/id"},
    {"data", "{\"id\":{},\"email\":\"b@example.com\",\"name\":\"B\"}", "/data/id"},
    {"data", "{\"id\":\"b\",\"email\":7,\"name\":\"B\"}", "/data/email"},
    {"data", "{\"id\":\"b\",\"email\":\"nobody\",\"name\":\"B\"}", "/data/email"},
    {"data", "{\"id\":\"b\",\"email_address\":\"nobody\",\"name\":\"B\"}", "/data/email_address"},
    {"data", "{\"id\":\"b\",\"email\":\"b@example.com\",\"full_name\":{}}", "/data/full_name"},
    {"id", "7", "/id"},
    {"id", "\"\"", "/id"},
    {"user_id", "{}", "/user_id"},
    {"priority", "0", "/priority"},
    {"priority", "11", "/priority"},
    {"priority", "\"5\"", "/priority"},
    {"priority", "1.5", "/priority"},
    {"max_retries", "-1", "/max_retries"},
    {"max_retries", "1e9", "/max_retries"},
    {"base_version", "\"1\"", "/base_version"},
    {"occurred_at", "\"yesterday\"", "/occurred_at"},
    {"deliver_at", "\"2026-13-01T00:00:00Z\"", "/deliver_at"},
    {"expires_at", "\"2001-01-01T00:00:00Z\"", "/expires_at"},
};

START_TEST(what_does_not_validate_is_422_with_a_pointer)
{
    const struct refusal due = {422, "invalid-event", NULL};

    for (size_t i = 0; i < COUNT(invalid); i++) {
        const char *body = event_with(invalid[i].member, invalid[i].value);
        struct refusal one = due;

        one.pointer = invalid[i].pointer;
        good_event_check_refused(api_post("/sync/events", body), &one, body);
        good_event_goes_through(body);
    }
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id IN ('b', 'bad1')"), 0);
}
END_TEST

static void detail_names(const char *member, const char *value, const char *name)
{
    const struct api_answer *answer = api_post("/sync/events", event_with(member, value));

    ck_assert_msg(strstr(pick_text(answer->json, "/errors/0/detail"), name), "%s: %s", name, answer->body);
}

START_TEST(an_unknown_name_is_answered_with_those_that_there_are)
{
    static const char *const platforms[] = {"bizoholic", "bizosaas", "coreldove"};
#define X(name, text, ...) text,
    static const char *const entities[] = {PROTO_ENTITIES(X)}, *const types[] = {PROTO_EVENT_TYPES(X)};
#undef X

    for (size_t i = 0; i < COUNT(platforms); i++) {
        detail_names("source_platform", "\"ebay\"", platforms[i]);
        detail_names("target_platforms", "[\"ebay\"]", platforms[i]);
    }
    for (size_t i = 0; i < COUNT(entities); i++)
        detail_names("event_type", "\"user_renamed\"", entities[i]);
    for (size_t i = COUNT(entities) * 3; i < COUNT(types); i++) /* without an entity */
        detail_names("event_type", "\"user_renamed\"", types[i]);
    detail_names("event_type", "\"user_renamed\"", "_created, _updated or _deleted");
}
END_TEST

START_TEST(a_body_that_is_no_object_is_422)
{
    const struct refusal due = {422, "invalid-event", ""};

    good_event_check_refused(api_post("/sync/events", "[]"), &due, "[]");
    good_event_check_refused(api_post("/sync/events", "7"), &due, "7");
    good_event_goes_through("[]");
}
END_TEST

START_TEST(all_mistakes_are_told_at_once)
{
    const struct api_answer *answer =
        api_post("/sync/events", "{\"source_platform\":7,\"priority\":99,\"data\":[]}");

    ck_assert_int_eq(answer->status, 422);
    ck_assert_uint_eq(json_count(pick(answer->json, "/errors")), 5);
}
END_TEST

START_TEST(an_update_and_a_deletion_without_an_id_are_422)
{
    static const char *const types[] = {"\"user_updated\"", "\"user_deleted\""};
    const struct refusal due = {422, "invalid-event", "/data"};

    for (size_t i = 0; i < COUNT(types); i++) {
        const char *body = api_text(
            "{\"event_type\":%s,\"source_platform\":\"bizoholic\",\"target_platforms\":[\"coreldove\"],"
            "\"data\":{\"name\":\"N\"}}",
            types[i]);
        good_event_check_refused(api_post("/sync/events", body), &due, body);
    }
}
END_TEST

/* ── too much ── */

static const char *filled(size_t len, const char *before, const char *after)
{
    struct buf text = BUF_INIT;

    buf_add_str(&text, before);
    buf_reserve(&text, len);
    while (len--)
        buf_add_ch(&text, 'x');
    buf_add_str(&text, after);
    return pick_keep(buf_detach(&text, NULL));
}

/* depth arrays inside data, which is at depth 2. */
static const char *nested(int depth)
{
    struct buf text = BUF_INIT;

    buf_add_str(&text, "{\"id\":\"deep\",\"email\":\"d@example.com\",\"name\":\"D\",\"deep\":");
    for (int i = 0; i < depth; i++)
        buf_add_ch(&text, '[');
    for (int i = 0; i < depth; i++)
        buf_add_ch(&text, ']');
    buf_add_ch(&text, '}');
    return event_with("data", pick_keep(buf_detach(&text, NULL)));
}

START_TEST(a_body_that_is_too_deep_is_400_and_the_deepest_is_taken)
{
    const struct api_answer *answer = api_post("/sync/events", nested(63));

    ck_assert_int_eq(answer->status, 400);
    ck_assert_msg(strncmp(pick_text(answer->json, "/errors/0/pointer"), "/data/deep/0/0", 14) == 0, "%s",
                  answer->body);
    ck_assert_int_eq(api_post("/sync/events", nested(100000))->status, 400);
    ck_assert_int_eq(api_post("/sync/events", nested(62))->status, 200);
    good_event_goes_through("depth");
}
END_TEST

START_TEST(a_body_that_is_too_large_is_413_and_the_largest_is_taken)
{
    const char *before = "{\"id\":\"large\",\"email\":\"l@example.com\",\"name\":\"L\",\"text\":\"";
    size_t room = 262144 - strlen(event_with("data", api_text("%s\"}", before)));
    const struct refusal due = {413, "body-too-large", NULL};

    ck_assert_int_eq(api_post("/sync/events", event_with("data", filled(room, before, "\"}")))->status, 200);
    good_event_check_refused(api_post("/sync/events", event_with("data", filled(room + 1, before, "\"}"))),
                             &due, "too large");
    good_event_check_refused(api_post("/sync/events", filled(8 << 20, "\"", "\"")), &due, "8 MiB");
    good_event_goes_through("too large");
}
END_TEST

START_TEST(too_long_texts_are_422)
{
    static const struct {
        const char *member, *before, *after, *pointer;
        size_t len;
    } rows[] = {{"id", "\"", "\"", "/id", 129},
                {"user_id", "\"", "\"", "/user_id", 257},
                {"data", "{\"id\":\"", "\",\"email\":\"l@example.com\",\"name\":\"L\"}", "/data/id", 257},
                {"data", "{\"id\":\"l\",\"email\":\"l@example.com\",\"name\":\"", "\"}", "/data/name", 1001}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct refusal due = {422, "invalid-event", rows[i].pointer};

        good_event_check_refused(
            api_post("/sync/events",
                     event_with(rows[i].member, filled(rows[i].len, rows[i].before, rows[i].after))),
            &due, rows[i].pointer);
    }
    good_event_goes_through("too long texts");
}
END_TEST

/* ── the request itself ── */

START_TEST(another_content_type_is_415)
{
    static const char *const types[] = {"",
                                        "text/plain",
                                        "application/x-www-form-urlencoded",
                                        "application/xml",
                                        "multipart/form-data; boundary=x",
                                        "application/json; charset=utf-16"};
    const struct refusal due = {415, "content-type", NULL};

    for (size_t i = 0; i < COUNT(types); i++) {
        good_event_check_refused(api_send(&(struct api_request){.url = "/sync/events",
                                                                .body = good_event_body("type"),
                                                                .type = types[i]}),
                                 &due, types[i]);
        good_event_goes_through(types[i]);
    }
    ck_assert_int_eq(api_send(&(struct api_request){.url = "/sync/events",
                                                    .body = good_event_body("type"),
                                                    .type = "Application/JSON; charset=UTF-8"})
                         ->status,
                     200);
}
END_TEST

START_TEST(another_method_is_405_with_allow)
{
    static const char *const rows[][3] = {
        {"DELETE", "/sync/events", "POST"}, {"PUT", "/sync/events", "GET"},
        {"PATCH", "/sync/events/x", "GET"}, {"GET", "/sync/events/x/retry", "POST"},
        {"POST", "/health", "GET"},         {"POST", "/sync/status", "GET"}};
    const struct refusal due = {405, "method-not-allowed", NULL};

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct api_answer *answer =
            api_send(&(struct api_request){.method = rows[i][0], .url = rows[i][1]});

        good_event_check_refused(answer, &due, rows[i][1]);
        ck_assert_msg(api_header(answer, "Allow") && strstr(api_header(answer, "Allow"), rows[i][2]), "%s",
                      answer->head);
    }
    good_event_goes_through("405");
}
END_TEST

START_TEST(an_unknown_path_is_404)
{
    static const char *const paths[] = {"/nothing",         "/sync",   "/sync/events/",
                                        "/sync/events/a/b", "/Health", "/sync/events/../status"};
    const struct refusal due = {404, "no-such-path", NULL};

    for (size_t i = 0; i < COUNT(paths); i++)
        good_event_check_refused(api_get("%s", paths[i]), &due, paths[i]);
    ck_assert_int_eq(api_get("/sync/events/%%00")->status, 400);
    good_event_goes_through("404");
}
END_TEST

static const struct {
    const char *query, *name;
} bad_queries[] = {{"limit=0", "limit"},
                   {"limit=ten", "limit"},
                   {"limit=-1", "limit"},
                   {"offset=-1", "offset"},
                   {"status=lost", "status"},
                   {"from=yesterday", "from"},
                   {"cursor=%25%25", "cursor"},
                   {"event_type=user_renamed", "event_type must be one of"},
                   {"source_platform=ebay", "source_platform must be a configured platform: bizoholic"},
                   {"target_platform=ebay", "target_platform must be a configured platform: bizoholic"}};

START_TEST(a_bad_filter_of_a_list_is_422)
{
    for (size_t i = 0; i < COUNT(bad_queries); i++) {
        const struct api_answer *answer = api_get("/sync/events?%s", bad_queries[i].query);

        ck_assert_msg(answer->status == 422, "%s: %d %s", bad_queries[i].query, answer->status, answer->body);
        ck_assert_msg(strstr(answer->body, bad_queries[i].name), "%s: %s", bad_queries[i].query,
                      answer->body);
    }
}
END_TEST

/* Sent as they stand, since no HTTP library would. */
static const char *const broken[] = {
    "GARBAGE\r\n\r\n",
    "GET /health HTTP/1.1\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "POST /sync/events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "POST /sync/events HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
    "POST /sync/events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /sync/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost : a\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: a\r\nX-Folded: one\r\n two\r\n\r\n",
};

START_TEST(broken_http_is_refused_and_the_connection_ends)
{
    for (size_t i = 0; i < COUNT(broken); i++) {
        int fd = client_connect(stack_port("API_URL"));

        client_say(fd, broken[i]);
        int status = client_read(fd)->status;
        ck_assert_msg(status == 400 || status == 501, "%s: %d", broken[i], status);
        ck_assert_msg(client_closed(fd, 2000), "the connection stays open after: %s", broken[i]);
        close(fd);
        good_event_goes_through(broken[i]);
    }
}
END_TEST

START_TEST(a_chunk_size_that_is_no_hexadecimal_number_is_refused)
{
    static const char *const sizes[] = {"0x5", "+5", "-5", "5 5", "fffffffffffffffff", ""};

    for (size_t i = 0; i < COUNT(sizes); i++) {
        int fd = client_connect(stack_port("API_URL"));

        client_say(fd, api_text("POST /sync/events HTTP/1.1\r\nHost: a\r\nContent-Type: "
                                "application/json\r\nAuthorization: Bearer "
                                "%s\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\nhello\r\n0\r\n\r\n",
                                api_token(API_TENANT, "service"), sizes[i]));
        int status = client_read(fd)->status;
        ck_assert_msg(status == 400 || status == 413, "%s: %d", sizes[i], status);
        ck_assert_msg(client_closed(fd, 2000), "the connection stays open after: %s", sizes[i]);
        close(fd);
        good_event_goes_through(sizes[i]);
    }
}
END_TEST

int main(void)
{
    return flow_run("bad_input", NULL,
                    (const TTest *[]){
                        what_is_not_json_is_400_with_a_pointer, a_nul_byte_in_a_body_is_400,
                        what_does_not_validate_is_422_with_a_pointer,
                        an_unknown_name_is_answered_with_those_that_there_are,
                        a_body_that_is_no_object_is_422, all_mistakes_are_told_at_once,
                        an_update_and_a_deletion_without_an_id_are_422,
                        a_body_that_is_too_deep_is_400_and_the_deepest_is_taken,
                        a_body_that_is_too_large_is_413_and_the_largest_is_taken, too_long_texts_are_422,
                        another_content_type_is_415, another_method_is_405_with_allow, an_unknown_path_is_404,
                        a_bad_filter_of_a_list_is_422, broken_http_is_refused_and_the_connection_ends,
                        a_chunk_size_that_is_no_hexadecimal_number_is_refused, NULL});
}
