/* test_http.c: the server answers what is asked: routes, methods, types, bodies, credentials, problems. */
#include "http_toy_fixture.h"

#include <sys/socket.h>

#include "token_fixture.h"
#include "uuid.h"

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static void start(void)
{
    toy_start(&(struct toy_spec){.limits = toy_limits});
}

static void stop(void)
{
    toy_stop();
}

/* ---- routes and methods ---- */

START_TEST(a_route_answers_with_the_headers_of_every_answer)
{
    const struct http_answer *answer = toy_ask("GET /open", "", NULL);
    ck_assert_int_eq(answer->status, 200);
    ck_assert_str_eq(answer->body, "{\"open\":true}");
    ck_assert(answer_has(answer, "Content-Type", "application/json"));
    ck_assert(answer_has(answer, "X-Content-Type-Options", "nosniff"));
    ck_assert(answer_has(answer, "Cache-Control", "no-store"));
    ck_assert(answer_has(answer, "Content-Length", "13"));
    ck_assert(answer_has(answer, "Date", NULL));
}
END_TEST

START_TEST(an_unknown_path_is_404)
{
    static const char *const paths[] = {"/",        "/nothing",    "/open/",         "/openn",       "/OPEN",
                                        "/things/", "/things/1/2", "/open/1/parts/", "/open/../open"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char what[64];
        snprintf(what, sizeof what, "GET %s", paths[i]);
        toy_assert_problem(toy_ask(what, "", NULL), 404, "no-such-path");
    }
    ck_assert_ptr_nonnull(strstr(toy_ask("GET /nothing?a=b", "", NULL)->body, "\"instance\":\"/nothing\""));
}
END_TEST

START_TEST(another_method_is_405_and_says_which)
{
    const struct http_answer *answer = toy_ask("DELETE /open", "", NULL);
    toy_assert_problem(answer, 405, "method-not-allowed");
    ck_assert(answer_has(answer, "Allow", "GET, HEAD, POST, OPTIONS"));
    toy_assert_problem(toy_ask("PUT /open/big", "", NULL), 405, "method-not-allowed");
    answer = toy_ask("POST /things/7", JSON_TYPE, "{}");
    toy_assert_problem(answer, 405, "method-not-allowed");
    ck_assert(answer_has(answer, "Allow", "GET, HEAD, PATCH, DELETE, OPTIONS"));
}
END_TEST

START_TEST(options_says_which_methods_there_are)
{
    const struct http_answer *answer = toy_ask("OPTIONS /open/big", "Origin: http://elsewhere\r\n", NULL);
    ck_assert_int_eq(answer->status, 204);
    ck_assert(answer_has(answer, "Allow", "GET, HEAD, OPTIONS"));
    ck_assert(!answer_has(answer, "Access-Control-Allow-Origin", NULL));
    toy_assert_problem(toy_ask("OPTIONS /nothing", "", NULL), 404, "no-such-path");
}
END_TEST

START_TEST(an_unknown_method_is_501)
{
    toy_assert_problem(toy_ask("BREW /open", "", NULL), 501, "method-unknown");
    toy_assert_problem(toy_ask("TRACE /open", "", NULL), 501, "method-unknown");
}
END_TEST

START_TEST(head_answers_as_get_without_the_body)
{
    int fd = client_connect(toy_port);
    client_say(fd, "HEAD /open HTTP/1.1\r\nHost: a\r\n\r\nHEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
                   "GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
    const struct http_answer *answer = client_read_head_only(fd);
    ck_assert_int_eq(answer->status, 200);
    ck_assert(answer_has(answer, "Content-Length", "13"));
    ck_assert_int_eq(client_read_head_only(fd)->status, 404);
    ck_assert_str_eq(client_read(fd)->body, "{\"open\":true}");
    close(fd);
}
END_TEST

START_TEST(a_literal_segment_goes_before_one_in_braces)
{
    ck_assert_int_eq(toy_ask("GET /open/7/parts/8", "", NULL)->status, 200);
    toy_assert_problem(toy_ask("POST /things/bulk", "Content-Type: application/x-ndjson\r\n", "{}\n"), 401,
                       "token-missing");
}
END_TEST

START_TEST(a_request_id_is_echoed_when_it_is_printable_and_short)
{
    char headers[300] = "X-Request-Id: ";
    ck_assert(answer_has(toy_ask("GET /open", "X-Request-Id: abc-123\r\n", NULL), "X-Request-Id", "abc-123"));
    ck_assert(!answer_has(toy_ask("GET /open", "X-Request-Id: a b\r\n", NULL), "X-Request-Id", "a b"));
    memset(headers + 14, 'x', 128);
    memcpy(headers + 14 + 128, "\r\n", 3);
    char value[129];
    snprintf(value, sizeof value, "%.128s", headers + 14);
    ck_assert(answer_has(toy_ask("GET /open", headers, NULL), "X-Request-Id", value));
    memcpy(headers + 14 + 128, "x\r\n", 4);
    const struct http_answer *answer = toy_ask("GET /open", headers, NULL);
    const char *made = strstr(answer->head, "X-Request-Id: ");
    struct uuid uuid;
    ck_assert_ptr_nonnull(made);
    ck_assert_int_eq(uuid_parse(&uuid, made + 14, 36), 0);
    ck_assert_int_eq(uuid.bytes[6] >> 4, 7);
    ck_assert_int_eq(llabs(uuid_v7_ms(&uuid) - clock_wall_ms()) < 60000, 1);
}
END_TEST

/* ---- bodies and types ---- */

static const struct {
    const char *type, *what;
    int status;
} types[] = {
    {"Content-Type: application/json\r\n", "POST /open", 200},
    {"Content-Type: application/json; charset=utf-8\r\n", "POST /open", 200},
    {"Content-Type: Application/JSON;charset=\"UTF-8\"\r\n", "POST /open", 200},
    {"Content-Type: application/vnd.sync+json\r\n", "POST /open", 200},
    {"Content-Type: application/x-ndjson\r\n", "POST /open/bulk", 200},
    {"Content-Type: application/x-ndjson\r\n", "POST /open", 415},
    {"Content-Type: text/plain\r\n", "POST /open", 415},
    {"Content-Type: application/jsonx\r\n", "POST /open", 415},
    {"Content-Type: application/x-www-form-urlencoded\r\n", "POST /open", 415},
    {"Content-Type: application/json; charset=latin1\r\n", "POST /open", 415},
    {"Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "POST /open", 415},
    {"", "POST /open", 415},
};

START_TEST(a_body_has_to_say_that_it_is_json)
{
    const struct http_answer *answer = toy_ask(types[_i].what, types[_i].type, "{\"a\":1}");
    ck_assert_msg(answer->status == types[_i].status, "%s: %d", types[_i].type, answer->status);
}
END_TEST

START_TEST(an_empty_body_needs_no_type)
{
    ck_assert_str_eq(toy_ask("POST /open", "", NULL)->body, "{\"length\":0,\"sum\":0}");
    ck_assert_str_eq(toy_ask("POST /open", "", "")->body, "{\"length\":0,\"sum\":0}");
    toy_assert_problem(toy_ask("POST /json", "", NULL), 400, "not-json");
}
END_TEST

START_TEST(json_is_parsed_once_or_answered_400_with_the_place)
{
    ck_assert_str_eq(toy_ask("POST /json", JSON_TYPE, "{\"b\":[1, 0.10],\"a\":null}")->body,
                     "{\"b\":[1,0.10],\"a\":null}");
    const struct http_answer *answer = toy_ask("POST /json", JSON_TYPE, "{\"a\":{\"b\":tru}}");
    toy_assert_problem(answer, 400, "not-json");
    ck_assert_ptr_nonnull(strstr(answer->body, "\"errors\":[{\"pointer\":\"/a/b\",\"detail\":"));
    toy_assert_problem(toy_ask("POST /json", JSON_TYPE, "{\"a\":1,\"a\":2}"), 400, "not-json");
    toy_assert_problem(toy_ask("POST /json", JSON_TYPE, "null"), 400, "not-json");
    toy_assert_problem(toy_ask("POST /json/bulk", "Content-Type: application/x-ndjson\r\n", "{}\n"), 415,
                       "content-type");
}
END_TEST

START_TEST(chunks_arrive_as_one_body)
{
    const struct http_answer *answer = client_ask(
        toy_port, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n00002\r\nde\r\n0\r\nX-Trailer: y\r\n\r\n");
    ck_assert_str_eq(answer->body, "{\"length\":5,\"sum\":495}");
}
END_TEST

START_TEST(a_body_of_the_largest_size_is_taken_and_one_more_byte_is_not)
{
    size_t max = toy_limits.body_max;
    struct buf text = BUF_INIT;
    buf_addf(&text, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: %zu\r\n\r\n", max);
    for (size_t i = 0; i < max; i++)
        buf_add_ch(&text, 'a');
    ck_assert_str_eq(client_ask(toy_port, text.data)->body, "{\"length\":262144,\"sum\":25427968}");
    buf_reset(&text);
    buf_addf(&text, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: %zu\r\n\r\n", max + 1);
    const struct http_answer *answer = client_ask(toy_port, text.data); /* no byte of the body is sent */
    toy_assert_problem(answer, 413, "body-too-large");
    ck_assert(answer_has(answer, "Connection", "close"));
    buf_release(&text);
}
END_TEST

START_TEST(a_bulk_route_takes_larger_bodies)
{
    struct buf text = BUF_INIT;
    buf_add_str(&text, "POST /open/bulk HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 3000000\r\n\r\n");
    size_t head = text.len;
    while (text.len < head + 3000000)
        buf_add_ch(&text, 'b');
    ck_assert_str_eq(client_ask(toy_port, text.data)->body, "{\"length\":3000000,\"sum\":294000000}");
    buf_release(&text);
}
END_TEST

START_TEST(a_client_that_expects_100_gets_it_or_the_refusal_instead)
{
    int fd = client_connect(toy_port);
    client_say(fd, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE
                   "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    char text[64] = "";
    ck_assert_int_gt(recv(fd, text, sizeof text - 1, 0), 0);
    ck_assert_str_eq(text, "HTTP/1.1 100 Continue\r\n\r\n");
    client_say(fd, "{}");
    ck_assert_str_eq(client_read(fd)->body, "{\"length\":2,\"sum\":248}");
    client_say(fd, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE
                   "Expect: 100-continue\r\nContent-Length: 262145\r\n\r\n");
    toy_assert_problem(client_read(fd), 413, "body-too-large");
    ck_assert(client_closed(fd, 1000));
    close(fd);
    toy_assert_problem(client_ask(toy_port, "POST /things HTTP/1.1\r\nHost: a\r\n" JSON_TYPE
                                            "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
                       401, "token-missing");
}
END_TEST

START_TEST(what_a_handler_asks_for_is_there)
{
    struct buf token = token_hs256(
        HS256, "{\"sub\":\"u1\",\"tenant_id\":\"t1\",\"roles\":[\"viewer\"],\"exp\":9999999999}", TOY_SECRET);
    char headers[1024];
    snprintf(headers, sizeof headers,
             "Authorization: Bearer %s\r\ntraceparent: "
             "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
             token.data);
    ck_assert_str_eq(
        toy_ask("GET /things/a%2Fb%20c?x&q=1+2%263&q=no", headers, NULL)->body,
        "{\"id\":\"a/b c\",\"q\":\"1 2&3\",\"tenant\":\"t1\",\"subject\":\"u1\",\"role\":\"viewer\","
        "\"trace\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\",\"peer\":\"127.0.0.1\"}");
    const struct http_answer *answer = toy_ask("GET /things/1?tenant_id=t2", headers, NULL);
    ck_assert_ptr_nonnull(strstr(answer->body, "\"tenant\":null"));
    toy_assert_problem(toy_ask("GET /things/%0a", headers, NULL), 400, "malformed-request");
    toy_assert_problem(toy_ask("GET /things/%ff", headers, NULL), 400, "malformed-request");
    toy_assert_problem(toy_ask("GET /things/1?q=%01", headers, NULL), 400, "malformed-request");
    buf_release(&token);
}
END_TEST

/* ---- connections ---- */

START_TEST(a_connection_serves_many_requests)
{
    int fd = client_connect(toy_port);
    for (int i = 0; i < 200; i++) {
        client_say(fd, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 2\r\n\r\n{}");
        ck_assert_int_eq(client_read(fd)->status, 200);
    }
    ck_assert_int_eq(toy_stat("sync_http_requests_total{class=\"2xx\"} "), 200);
    close(fd);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    int fd = client_connect(toy_port);
    client_say(fd, "GET /open/late?ms=100 HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
                   "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 1\r\n\r\n1"
                   "GET /open HTTP/1.1\r\nHost : a\r\n\r\n"
                   "GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_str_eq(client_read(fd)->body, "{\"length\":0,\"sum\":0}");
    toy_assert_problem(client_read(fd), 404, "no-such-path");
    ck_assert_str_eq(client_read(fd)->body, "{\"length\":1,\"sum\":49}");
    toy_assert_problem(client_read(fd), 400, "malformed-request");
    ck_assert(client_closed(fd, 1000)); /* nothing behind a malformed request is believed */
    close(fd);
}
END_TEST

START_TEST(close_and_http_1_0_end_the_connection)
{
    int fd = client_connect(toy_port);
    client_say(fd, "GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    ck_assert_int_eq(client_read(fd)->status, 200);
    ck_assert(client_closed(fd, 1000));
    close(fd);
    fd = client_connect(toy_port);
    client_say(fd, "GET /open HTTP/1.0\r\n\r\n");
    ck_assert(client_closed(fd, 1000));
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *tests = tcase_create("http");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, a_route_answers_with_the_headers_of_every_answer);
    tcase_add_test(tests, an_unknown_path_is_404);
    tcase_add_test(tests, another_method_is_405_and_says_which);
    tcase_add_test(tests, options_says_which_methods_there_are);
    tcase_add_test(tests, an_unknown_method_is_501);
    tcase_add_test(tests, head_answers_as_get_without_the_body);
    tcase_add_test(tests, a_literal_segment_goes_before_one_in_braces);
    tcase_add_test(tests, a_request_id_is_echoed_when_it_is_printable_and_short);
    tcase_add_loop_test(tests, a_body_has_to_say_that_it_is_json, 0, sizeof types / sizeof *types);
    tcase_add_test(tests, an_empty_body_needs_no_type);
    tcase_add_test(tests, json_is_parsed_once_or_answered_400_with_the_place);
    tcase_add_test(tests, chunks_arrive_as_one_body);
    tcase_add_test(tests, a_body_of_the_largest_size_is_taken_and_one_more_byte_is_not);
    tcase_add_test(tests, a_bulk_route_takes_larger_bodies);
    tcase_add_test(tests, a_client_that_expects_100_gets_it_or_the_refusal_instead);
    tcase_add_test(tests, what_a_handler_asks_for_is_there);
    tcase_add_test(tests, a_connection_serves_many_requests);
    tcase_add_test(tests, pipelined_requests_are_answered_in_order);
    tcase_add_test(tests, close_and_http_1_0_end_the_connection);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
