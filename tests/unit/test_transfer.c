/* test_transfer.c: HTTP to platforms: addresses that are refused, redirects, sizes, and what a failure says about the request. */
#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transfer.h"
#include "transfer_server_fixture.h"

#define server transfer_server
#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

static struct event_base *base;
static struct transfers *transfers;

static struct {
    unsigned count;
    struct answer answer;
    char error[256], body[64];
} seen;

static void begin(void)
{
    memset(&seen, 0, sizeof seen);
    base = event_base_new();
    transfer_server_open(base, TRANSFER_MAX);
    transfers = transfers_new(base, 4);
}

static void end(void)
{
    transfers_free(&transfers);
    transfer_server_close();
    event_base_free(base);
}

static void on_answer(const struct answer *answer, void *arg)
{
    (void)arg;
    seen.count++;
    seen.answer = *answer;
    snprintf(seen.error, sizeof seen.error, "%s", answer->error ? answer->error : "");
    snprintf(seen.body, sizeof seen.body, "%.*s", (int)(answer->body_len < 63 ? answer->body_len : 63),
             answer->body ? answer->body : "");
    event_base_loopbreak(base);
}

static struct transfer_request request_to(const char *url)
{
    return (struct transfer_request){.method = PLATFORM_POST,
                                     .url = url,
                                     .body = "{}",
                                     .body_len = 2,
                                     .timeout_ms = 3000,
                                     .allow_private = true};
}

static void send_request(const struct transfer_request *request)
{
    unsigned before = seen.count;

    transfer_start(transfers, request, on_answer, NULL);
    ck_assert_uint_eq(seen.count, before); /* never from inside the call */
    event_base_dispatch(base);
    ck_assert_uint_eq(seen.count, before + 1);
}

static const char *own_url(const char *path)
{
    static char url[128];

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, path);
    return url;
}

/* ── addresses ── */

static const char *const forbidden[] = {"127.0.0.1",
                                        "localhost",
                                        "127.1",
                                        "2130706433",
                                        "0x7f000001",
                                        "0x7f.0.0.1",
                                        "0177.0.0.1",
                                        "0",
                                        "0.0.0.0",
                                        "[::1]",
                                        "[::]",
                                        "[::ffff:127.0.0.1]",
                                        "[::ffff:7f00:1]",
                                        "[::127.0.0.1]",
                                        "169.254.169.254",
                                        "[::ffff:169.254.169.254]",
                                        "[::ffff:a9fe:a9fe]",
                                        "2852039166",
                                        "0xa9fea9fe",
                                        "10.0.0.1",
                                        "10.255.255.255",
                                        "172.16.0.1",
                                        "172.31.255.255",
                                        "192.168.0.1",
                                        "100.64.0.1",
                                        "224.0.0.1",
                                        "255.255.255.255",
                                        "[fe80::1]",
                                        "[fc00::1]",
                                        "[fd12:3456::1]",
                                        "[ff02::1]",
                                        "[64:ff9b::7f00:1]",
                                        "[2002:7f00:1::]",
                                        "[::ffff:0:127.0.0.1]"};

START_TEST(an_address_inside_is_refused_however_it_is_written)
{
    char url[128];
    struct transfer_request request = request_to(url);

    server.manner = ANSWERS;
    server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    request.allow_private = false;
    snprintf(url, sizeof url, "http://%s:%d/", forbidden[_i], server.port);
    send_request(&request);
    ck_assert_msg(seen.answer.failure == ANSWER_FORBIDDEN_ADDRESS, "%s: %d %s", url, seen.answer.failure,
                  seen.error);
    ck_assert_uint_eq(server.connections, 0);
    ck_assert_ptr_nonnull(strstr(seen.error, "private"));
}
END_TEST

START_TEST(an_address_inside_may_be_called_where_the_file_allows_it)
{
    struct transfer_request request = request_to(own_url("/"));

    server.manner = ANSWERS;
    server.answer = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_OK);
    ck_assert_int_eq(seen.answer.status, 201);
    ck_assert_str_eq(seen.body, "ok");
    ck_assert(!seen.answer.html);
    ck_assert_int_eq(seen.answer.retry_after_ms, -1);
}
END_TEST

START_TEST(a_proxy_of_the_environment_is_not_taken)
{
    struct transfer_request request = request_to("http://192.0.2.1:9/");

    setenv("http_proxy", own_url(""), 1);
    setenv("ALL_PROXY", own_url(""), 1);
    request.allow_private = false;
    request.timeout_ms = 200;
    send_request(&request);
    ck_assert_uint_eq(server.connections, 0);
    ck_assert_int_eq(seen.answer.failure, ANSWER_TRANSPORT);
}
END_TEST

static const char *const other_schemes[] = {"ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://127.0.0.1/",
                                            "x"};

START_TEST(only_http_and_https_are_spoken)
{
    struct transfer_request request = request_to(other_schemes[_i]);

    send_request(&request);
    ck_assert_int_ne(seen.answer.failure, ANSWER_OK);
    ck_assert_int_ne(seen.answer.failure, ANSWER_TIMEOUT_SENT);
    ck_assert_str_eq(seen.body, "");
}
END_TEST

/* ── answers ── */

START_TEST(a_redirect_is_an_answer_and_not_followed)
{
    struct transfer_request request = request_to(own_url("/"));
    char answer[200];

    snprintf(answer, sizeof answer, "HTTP/1.1 307 Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
             own_url("/elsewhere"));
    server.manner = ANSWERS;
    server.answer = answer;
    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_OK);
    ck_assert_int_eq(seen.answer.status, 307);
    ck_assert_uint_eq(server.connections, 1);
}
END_TEST

static const struct {
    const char *answer;
    bool html;
    int64_t retry_after_ms;
} heads[] = {
    {"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 2\r\n\r\nhi", true, -1},
    {"HTTP/1.1 200 OK\r\nCONTENT-TYPE: text/html\r\nContent-Length: 0\r\n\r\n", true, -1},
    {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", true, -1},
    {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", false, -1},
    {"HTTP/1.1 503 Away\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", false, 7000},
    {"HTTP/1.1 429 Slow\r\nretry-after:   7  \r\nContent-Length: 0\r\n\r\n", false, 7000},
    {"HTTP/1.1 429 Slow\r\nRetry-After: Wed, 21 Oct 2099 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n", false,
     3600000},
    {"HTTP/1.1 429 Slow\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n", false,
     0},
    {"HTTP/1.1 429 Slow\r\nRetry-After:\r\nContent-Length: 0\r\n\r\n", false, -1},
    {"HTTP/1.1 429 Slow\r\nRetry-After: whenever\r\nContent-Length: 0\r\n\r\n", false, -1},
    {"HTTP/1.1 429 Slow\r\nRetry-After: "
     "1111111111111111111111111111111111111111111111111111111111111111111111111\r\n"
     "Content-Length: 0\r\n\r\n",
     false, 3600000},
};

START_TEST(type_and_retry_after_are_read_from_the_head)
{
    struct transfer_request request = request_to(own_url("/"));

    server.manner = ANSWERS;
    server.answer = heads[_i].answer;
    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_OK);
    ck_assert_int_eq(seen.answer.html, heads[_i].html);
    ck_assert_int_eq(seen.answer.retry_after_ms, heads[_i].retry_after_ms);
}
END_TEST

START_TEST(an_answer_past_the_ceiling_ends_and_what_was_done_is_unknown)
{
    struct transfer_request request = request_to(own_url("/"));

    server.manner = HUGE_ANSWER;
    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_TOO_LARGE);
    ck_assert_uint_le(seen.answer.body_len, TRANSFER_KEEP);
}
END_TEST

static const enum server_manner endless[] = {ENDLESS_HEAD, ENDLESS_CHUNKS};

START_TEST(heads_and_chunks_without_end_are_cut_off)
{
    struct transfer_request request = request_to(own_url("/"));

    server.manner = endless[_i];
    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_TOO_LARGE);
    ck_assert_uint_le(seen.answer.body_len, TRANSFER_KEEP);
}
END_TEST

/* A bomb does no harm to who does not open it. */
START_TEST(a_packed_answer_is_not_unpacked)
{
    struct transfer_request request = request_to(own_url("/"));

    server.manner = ANSWERS;
    server.answer = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\n\x1f\x8b\x08zip";
    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_OK);
    ck_assert_uint_eq(seen.answer.body_len, 6);
    ck_assert_int_eq((unsigned char)seen.body[0], 0x1f);
}
END_TEST

START_TEST(an_answer_at_the_ceiling_is_taken_and_its_beginning_kept)
{
    struct transfer_request request = request_to(own_url("/"));

    server.manner = LARGE_ANSWER;
    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_OK);
    ck_assert_uint_eq(seen.answer.body_len, TRANSFER_KEEP);
}
END_TEST

START_TEST(connections_are_used_again)
{
    struct transfer_request request = request_to(own_url("/"));

    server.manner = ANSWERS;
    server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for (int i = 0; i < 5; i++)
        send_request(&request);
    ck_assert_uint_eq(server.connections, 1);
}
END_TEST

/* ── failures ── */

START_TEST(a_time_out_after_the_request_was_sent_leaves_its_outcome_unknown)
{
    struct transfer_request request = request_to(own_url("/"));

    server.manner = SILENT;
    request.timeout_ms = 150;
    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_TIMEOUT_SENT);
    ck_assert_int_ge(seen.answer.duration_us, 100000);
}
END_TEST

START_TEST(a_refused_connection_is_known_to_have_done_nothing)
{
    struct transfer_request request = request_to(own_url("/"));

    close(server.listener);
    event_del(server.accepting);
    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_TRANSPORT);
    ck_assert_str_ne(seen.error, "");
}
END_TEST

START_TEST(an_unknown_name_is_known_to_have_done_nothing)
{
    struct transfer_request request = request_to("http://nowhere.invalid/");

    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_TRANSPORT);
}
END_TEST

static const enum server_manner cut_short[] = {READS_AND_CLOSES, HALF_AN_ANSWER};

START_TEST(an_answer_cut_short_leaves_the_outcome_unknown)
{
    struct transfer_request request = request_to(own_url("/"));

    server.manner = cut_short[_i];
    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_TIMEOUT_SENT);
}
END_TEST

START_TEST(a_server_without_tls_is_a_fault_of_the_route)
{
    char url[64];
    struct transfer_request request = request_to(url);

    snprintf(url, sizeof url, "https://127.0.0.1:%d/", server.port);
    server.manner = ANSWERS;
    server.answer = "HTTP/1.1 400 Bad\r\n\r\n";
    send_request(&request);
    ck_assert_int_eq(seen.answer.failure, ANSWER_TLS);
}
END_TEST

static void on_first_byte(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    event_base_loopbreak(base);
}

START_TEST(an_abort_calls_nobody_and_knows_whether_the_request_went_out)
{
    struct transfer_request request = request_to(own_url("/"));
    struct transfer *transfer = transfer_start(transfers, &request, on_answer, NULL);
    struct event *later = evtimer_new(base, on_first_byte, NULL);
    const struct timeval soon = {0, 200000};

    ck_assert(!transfer_abort(transfers, transfer)); /* before the loop turned */
    server.manner = SILENT;
    transfer = transfer_start(transfers, &request, on_answer, NULL);
    event_add(later, &soon);
    event_base_dispatch(base);
    ck_assert(transfer_abort(transfers, transfer));
    event_add(later, &soon);
    event_base_dispatch(base);
    ck_assert_uint_eq(seen.count, 0);
    event_free(later);
}
END_TEST

static const struct {
    enum platform_method method;
    const char *line;
} methods[] = {{PLATFORM_POST, "POST /p"},
               {PLATFORM_PUT, "PUT /p"},
               {PLATFORM_PATCH, "PATCH /p"},
               {PLATFORM_DELETE, "DELETE /p"}};

START_TEST(each_method_is_spoken_also_on_a_handle_used_before)
{
    struct transfer_request request = request_to(own_url("/p"));
    int pair[2];
    char line[32] = "";

    /* The request itself comes back as the answer's body, by a child of its own. */
    ck_assert_int_eq(pipe(pair), 0);
    event_del(server.accepting);
    if (fork() == 0) {
        int fd = accept(server.listener, NULL, NULL);
        char got[4096];
        for (ssize_t len; (len = recv(fd, got, sizeof got, 0)) > 0;) {
            ck_assert_int_eq(write(pair[1], got, 16), 16);
            transfer_server_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 38);
        }
        _exit(0);
    }
    send_request(&request);
    ck_assert_int_eq(read(pair[0], line, 16), 16);
    request.method = methods[_i].method;
    send_request(&request);
    ck_assert_int_eq(read(pair[0], line, 16), 16);
    ck_assert_msg(strncmp(line, methods[_i].line, strlen(methods[_i].line)) == 0, "%s", line);
    ck_assert_int_eq(seen.answer.status, 200);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transfer");
    TCase *tests = tcase_create("transfer");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 20);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, an_address_inside_is_refused_however_it_is_written, 0, COUNT(forbidden));
    tcase_add_test(tests, an_address_inside_may_be_called_where_the_file_allows_it);
    tcase_add_test(tests, a_proxy_of_the_environment_is_not_taken);
    tcase_add_loop_test(tests, only_http_and_https_are_spoken, 0, COUNT(other_schemes));
    tcase_add_test(tests, a_redirect_is_an_answer_and_not_followed);
    tcase_add_loop_test(tests, type_and_retry_after_are_read_from_the_head, 0, COUNT(heads));
    tcase_add_test(tests, an_answer_past_the_ceiling_ends_and_what_was_done_is_unknown);
    tcase_add_loop_test(tests, heads_and_chunks_without_end_are_cut_off, 0, COUNT(endless));
    tcase_add_test(tests, a_packed_answer_is_not_unpacked);
    tcase_add_test(tests, an_answer_at_the_ceiling_is_taken_and_its_beginning_kept);
    tcase_add_test(tests, connections_are_used_again);
    tcase_add_test(tests, a_time_out_after_the_request_was_sent_leaves_its_outcome_unknown);
    tcase_add_test(tests, a_refused_connection_is_known_to_have_done_nothing);
    tcase_add_test(tests, an_unknown_name_is_known_to_have_done_nothing);
    tcase_add_loop_test(tests, an_answer_cut_short_leaves_the_outcome_unknown, 0, COUNT(cut_short));
    tcase_add_test(tests, a_server_without_tls_is_a_fault_of_the_route);
    tcase_add_test(tests, an_abort_calls_nobody_and_knows_whether_the_request_went_out);
    tcase_add_loop_test(tests, each_method_is_spoken_also_on_a_handle_used_before, 0, COUNT(methods));
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
