/* test_http_guard.c: what hostile or broken clients do harms them alone. */
#include "http_toy_fixture.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define GET_OPEN "GET /open HTTP/1.1\r\nHost: a\r\n\r\n"
#define MIB 1024

static void start_with(void (*change)(struct toy_spec *spec))
{
    struct toy_spec spec = {.limits = toy_limits};
    if (change != NULL)
        change(&spec);
    toy_start(&spec);
}

static void assert_served(void)
{
    ck_assert_str_eq(client_ask(toy_port, GET_OPEN)->body, "{\"open\":true}");
}

static void assert_refused(const struct http_answer *answer, int status, const char *type)
{
    char urn[128];
    ck_assert_msg(answer->status == status, "%d instead of %d", answer->status, status);
    ck_assert(answer_has(answer, "Content-Type", "application/problem+json"));
    ck_assert(answer_has(answer, "Connection", "close"));
    snprintf(urn, sizeof urn, "\"type\":\"urn:data-sync:problem:%s\"", type);
    ck_assert_ptr_nonnull(strstr(answer->body, urn));
}

/* Every way of writing a request that two readers could take apart differently. */
static const char *const ambiguous[] = {
    "GET /open HTTP/1.1\r\n\r\n",
    "GET /open HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: +2\r\n\r\n{}",
    "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length : 2\r\n\r\n{}",
    "GET /open HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "GET /open HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n",
    "GET /open HTTP/1.1\nHost: a\n\n",
    "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE
    "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE
    "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "GET /open%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /open HTTP/1.1\r\nHost: a\r\nbad line\r\n\r\n",
    "\r\nGET /open HTTP/1.1\r\nHost: a\r\n\r\n",
    "nonsense\r\n\r\n",
};

START_TEST(an_ambiguous_request_is_400_and_ends_the_connection)
{
    start_with(NULL);
    for (size_t step = 1; step <= 1000; step += 999) { /* byte by byte, and at once */
        int fd = client_connect(toy_port);
        const char *text = ambiguous[_i];
        for (size_t at = 0, len = strlen(text); at < len; at += step) {
            client_send(fd, text + at, step < len - at ? step : len - at);
            if (step == 1)
                usleep(300);
        }
        client_say(fd, "GET /open/late HTTP/1.1\r\nHost: a\r\n\r\n"); /* what it may have smuggled */
        assert_refused(client_read(fd), 400, "malformed-request");
        ck_assert(client_closed(fd, 3000));
        close(fd);
    }
    assert_served();
    toy_stop();
}
END_TEST

START_TEST(a_nul_in_a_header_is_400)
{
    static const char text[] = "GET /open HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n";
    start_with(NULL);
    int fd = client_connect(toy_port);
    client_send(fd, text, sizeof text - 1);
    assert_refused(client_read(fd), 400, "malformed-request");
    close(fd);
    toy_stop();
}
END_TEST

START_TEST(headers_above_the_ceiling_are_431)
{
    start_with(NULL);
    int fd = client_connect(toy_port);
    client_say(fd, "GET /open HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 40; i++)
        client_say(fd, "X-A: 0123456789012345678901234567890123456789012345678901234567890123456789"
                       "0123456789012345678901234567890123456789012345678901234567890123456789"
                       "0123456789012345678901234567890123456789012345678901234567890123456789"
                       "0123456789012345678901234567890123456789012345678901234567890123456789"
                       "0123456789012345678901234567890123456789012345678901234567890123456789"
                       "0123456789012345678901234567890123456789012345678901234567890123456789\r\n");
    assert_refused(client_read(fd), 431, "headers-too-large");
    close(fd);
    ck_assert_int_ge(toy_stat("sync_http_refused_total{reason=\"too_large\"} "), 1);
    toy_stop();
}
END_TEST

/* Fills the socket with requests until the server takes no more or `count` are sent. */
static void pipeline(int fd, const char *request, int count)
{
    size_t len = strlen(request);
    for (int i = 0; i < count; i++) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
        if (poll(&poll_fd, 1, 500) != 1 || send(fd, request, len, MSG_NOSIGNAL | MSG_DONTWAIT) <= 0)
            return;
    }
}

START_TEST(ten_thousand_pipelined_requests_that_nobody_reads_cost_no_memory)
{
    start_with(NULL);
    int fds[20];
    for (size_t i = 0; i < 20; i++) {
        fds[i] = client_connect(toy_port);
        pipeline(fds[i], GET_OPEN, i == 0 ? 10000 : 100000);
    }
    assert_served();
    ck_assert_int_lt(toy_memory_kib(), 20 * MIB);
    for (size_t i = 0; i < 20; i++)
        close(fds[i]);
    toy_stop();
}
END_TEST

START_TEST(large_answers_are_made_one_at_a_time)
{
    start_with(NULL);
    int fd = client_connect(toy_port);
    pipeline(fd, "GET /open/big?mib=8 HTTP/1.1\r\nHost: a\r\n\r\n", 10000);
    assert_served();
    ck_assert_int_lt(toy_memory_kib(), 32 * MIB);
    close(fd);
    toy_stop();
}
END_TEST

START_TEST(a_pipeline_is_answered_whole_once_it_is_read)
{
    start_with(NULL);
    int fd = client_connect(toy_port);
    pid_t reader = fork();
    if (reader == 0) {
        size_t got = 0;
        char piece[65536];
        for (ssize_t n; (n = recv(fd, piece, sizeof piece, 0)) > 0;) {
            for (ssize_t i = 0; i < n; i++)
                got += piece[i] == '}';
            if (got == 10000)
                _exit(0);
        }
        _exit(1);
    }
    for (int i = 0; i < 10000; i++)
        client_say(fd, GET_OPEN);
    int status;
    waitpid(reader, &status, 0);
    ck_assert_int_eq(status, 0);
    ck_assert_int_lt(toy_memory_kib(), 20 * MIB);
    close(fd);
    toy_stop();
}
END_TEST

static void small_budget(struct toy_spec *spec)
{
    spec->limits.unread_bodies_max = 200000;
}

START_TEST(bodies_above_the_budget_of_all_together_are_503)
{
    int fds[3];
    struct buf text = BUF_INIT;
    start_with(small_budget);
    buf_add_str(&text, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 100000\r\n\r\n");
    while (text.len < 90000)
        buf_add_ch(&text, ' ');
    for (size_t i = 0; i < 2; i++) { /* two unfinished ones, of 90,000 bytes each */
        fds[i] = client_connect(toy_port);
        client_send(fds[i], text.data, text.len);
    }
    toy_wait(toy_stat("sync_http_unread_bytes ") > 170000);
    fds[2] = client_connect(toy_port);
    client_send(fds[2], text.data, text.len);
    const struct http_answer *answer = client_read(fds[2]);
    assert_refused(answer, 503, "overloaded");
    ck_assert(answer_has(answer, "Retry-After", "1"));
    assert_served(); /* small ones still fit */
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    toy_wait(toy_stat("sync_http_unread_bytes ") < 2000);
    buf_release(&text);
    toy_stop();
}
END_TEST

/* Sending it again would never help. */
START_TEST(a_body_above_its_routes_limit_is_413_even_above_the_budget)
{
    static const struct {
        const char *path, *limit;
    } rows[] = {{"/open", " 262144 bytes"}, {"/open/bulk", " 10485760 bytes"}};
    start_with(small_budget);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = client_connect(toy_port);
        char head[160];
        snprintf(head, sizeof head,
                 "POST %s HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 40000000\r\n\r\n",
                 rows[i].path);
        client_say(fd, head);
        const struct http_answer *answer = client_read(fd);
        assert_refused(answer, 413, "body-too-large");
        ck_assert_msg(strstr(answer->body, rows[i].limit), "%s", answer->body);
        close(fd);
    }
    assert_served();
    toy_stop();
}
END_TEST

START_TEST(chunked_bodies_count_against_the_budget_too)
{
    struct buf chunk = BUF_INIT;
    start_with(small_budget);
    buf_add_str(&chunk, "8000\r\n");
    while (chunk.len < 6 + 0x8000)
        buf_add_ch(&chunk, 'x');
    buf_add_str(&chunk, "\r\n");
    int fd = client_connect(toy_port);
    client_say(fd, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 7; i++)
        client_send(fd, chunk.data, chunk.len);
    assert_refused(client_read(fd), 503, "overloaded");
    close(fd);
    buf_release(&chunk);
    toy_stop();
}
END_TEST

static void two_requests_open(struct toy_spec *spec)
{
    spec->limits.requests_max = 2;
    spec->auth_open = true;
}

START_TEST(more_waiting_requests_than_the_ceiling_are_503_but_public_ones_pass)
{
    int fds[3];
    start_with(two_requests_open);
    for (size_t i = 0; i < 3; i++) {
        fds[i] = client_connect(toy_port);
        client_say(fds[i],
                   "POST /late?ms=700 HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 2\r\n\r\n{}");
        usleep(50000);
    }
    const struct http_answer *answer = client_read(fds[2]);
    ck_assert_int_eq(answer->status, 503);
    ck_assert(answer_has(answer, "Retry-After", "1"));
    assert_served();
    ck_assert_int_eq(client_read(fds[0])->status, 200);
    ck_assert_int_eq(client_read(fds[1])->status, 200);
    client_say(fds[2], "POST /late?ms=1 HTTP/1.1\r\nHost: a\r\n\r\n"); /* its connection is still good */
    ck_assert_int_eq(client_read(fds[2])->status, 200);
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    toy_stop();
}
END_TEST

START_TEST(a_client_that_leaves_while_its_answer_is_pending_is_forgotten)
{
    start_with(NULL);
    for (int i = 0; i < 100; i++) {
        int fd = client_connect(toy_port);
        client_say(fd,
                   "POST /open/late?ms=300 HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 2\r\n\r\n{}");
        if (i % 2 == 0) { /* by a reset */
            struct linger hard = {1, 0};
            usleep(1000);
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        close(fd);
    }
    toy_wait(toy_stat("sync_http_connections ") == 1);
    toy_wait(toy_stat("sync_http_requests_pending ") == 1 && toy_stat("sync_http_unread_bytes ") < 2000);
    assert_served();
    toy_stop();
}
END_TEST

START_TEST(a_body_that_ends_early_ends_quietly)
{
    start_with(NULL);
    int fd = client_connect(toy_port);
    client_say(fd, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 100\r\n\r\n{}");
    shutdown(fd, SHUT_WR);
    char byte;
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
    close(fd);
    assert_served();
    toy_stop();
}
END_TEST

START_TEST(what_is_sent_ahead_while_an_answer_is_pending_waits)
{
    start_with(NULL);
    int fd = client_connect(toy_port);
    client_say(fd, "GET /open/late?ms=200 HTTP/1.1\r\nHost: a\r\n\r\n");
    usleep(50000);
    for (int i = 0; i < 50; i++)
        client_say(fd, GET_OPEN);
    ck_assert_str_eq(client_read(fd)->body, "{\"length\":0,\"sum\":0}");
    for (int i = 0; i < 50; i++)
        ck_assert_str_eq(client_read(fd)->body, "{\"open\":true}");
    close(fd);
    toy_stop();
}
END_TEST

START_TEST(a_large_refused_body_still_lets_the_client_read_why)
{
    struct buf text = BUF_INIT;
    start_with(NULL);
    buf_add_str(&text, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 2000000\r\n\r\n");
    while (text.len < 2000000)
        buf_add_ch(&text, ' ');
    int fd = client_connect(toy_port);
    client_send(fd, text.data, text.len); /* all of it, before reading */
    assert_refused(client_read(fd), 413, "body-too-large");
    close(fd);
    buf_release(&text);
    toy_stop();
}
END_TEST

START_TEST(draining_answers_what_is_pending_and_takes_nothing_new)
{
    start_with(NULL);
    int idle = client_connect(toy_port), busy = client_connect(toy_port), half = client_connect(toy_port);
    client_say(idle, GET_OPEN);
    ck_assert_int_eq(client_read(idle)->status, 200);
    client_say(busy, "GET /open/late?ms=500 HTTP/1.1\r\nHost: a\r\n\r\n");
    client_say(half, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 2\r\n\r\n");
    usleep(100000);
    kill(toy_pid, SIGTERM);
    ck_assert(client_closed(idle, 400));
    ck_assert_int_eq(client_try_connect(toy_port), -1);
    client_say(half, "{}");
    const struct http_answer *answer = client_read(half);
    ck_assert_int_eq(answer->status, 200);
    ck_assert(answer_has(answer, "Connection", "close"));
    answer = client_read(busy);
    ck_assert_int_eq(answer->status, 200);
    ck_assert(answer_has(answer, "Connection", "close"));
    int status;
    ck_assert_int_eq(waitpid(toy_pid, &status, 0), toy_pid);
    ck_assert_int_eq(status, 0);
    close(idle);
    close(busy);
    close(half);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_guard");
    TCase *tests = tcase_create("guard");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, an_ambiguous_request_is_400_and_ends_the_connection, 0,
                        sizeof ambiguous / sizeof *ambiguous);
    tcase_add_test(tests, a_nul_in_a_header_is_400);
    tcase_add_test(tests, headers_above_the_ceiling_are_431);
    tcase_add_test(tests, ten_thousand_pipelined_requests_that_nobody_reads_cost_no_memory);
    tcase_add_test(tests, large_answers_are_made_one_at_a_time);
    tcase_add_test(tests, a_pipeline_is_answered_whole_once_it_is_read);
    tcase_add_test(tests, bodies_above_the_budget_of_all_together_are_503);
    tcase_add_test(tests, a_body_above_its_routes_limit_is_413_even_above_the_budget);
    tcase_add_test(tests, chunked_bodies_count_against_the_budget_too);
    tcase_add_test(tests, more_waiting_requests_than_the_ceiling_are_503_but_public_ones_pass);
    tcase_add_test(tests, a_client_that_leaves_while_its_answer_is_pending_is_forgotten);
    tcase_add_test(tests, a_body_that_ends_early_ends_quietly);
    tcase_add_test(tests, what_is_sent_ahead_while_an_answer_is_pending_waits);
    tcase_add_test(tests, a_large_refused_body_still_lets_the_client_read_why);
    tcase_add_test(tests, draining_answers_what_is_pending_and_takes_nothing_new);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
