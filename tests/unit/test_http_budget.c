/* test_http_budget.c: what all connections together hold has a ceiling, and who is slowest makes room. */
#include "http_toy_fixture.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define GET_OPEN "GET /open HTTP/1.1\r\nHost: a\r\n\r\n"
#define MIB 1024

static void assert_served(void)
{
    ck_assert_str_eq(client_ask(toy_port, GET_OPEN)->body, "{\"open\":true}");
}

static int post_and_stall(size_t sent)
{
    struct buf text = BUF_INIT;
    int fd = client_connect(toy_port);
    buf_add_str(&text, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 100000\r\n\r\n");
    while (text.len < sent)
        buf_add_ch(&text, ' ');
    client_send(fd, text.data, text.len);
    buf_release(&text);
    return fd;
}

START_TEST(a_body_that_has_stalled_makes_room_for_a_small_one)
{
    struct toy_spec spec = {.limits = toy_limits};
    spec.limits.unread_bodies_max = 203000;
    char body[4000];
    memset(body, ' ', sizeof body);
    body[sizeof body - 1] = '\0';
    toy_start(&spec);
    int first = post_and_stall(98000), second = post_and_stall(98000);
    toy_wait(toy_stat("sync_http_unread_bytes ") > 196000);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(toy_ask("POST /open", JSON_TYPE, body)->status, 200);
    }
    const struct http_answer *answer = client_read(first); /* the one that began first */
    ck_assert_int_eq(answer->status, 503);
    ck_assert(answer_has(answer, "Retry-After", "1"));
    ck_assert(!client_closed(second, 300));
    close(first);
    close(second);
    toy_stop();
}
END_TEST

START_TEST(answers_that_nobody_reads_have_a_ceiling_together)
{
    struct toy_spec spec = {.limits = toy_limits};
    spec.limits.unsent_answers_max = 16 * MIB * 1024;
    spec.limits.client_timeout_ms = 60000;
    int fds[60], small = 4096;
    toy_start(&spec);
    for (size_t i = 0; i < 60; i++) {
        fds[i] = client_connect(toy_port);
        setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        client_say(fds[i], "GET /open/big?mib=12 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    assert_served();
    toy_wait(toy_stat("sync_http_unsent_bytes ") <= 16 * MIB * 1024);
    ck_assert_int_lt(toy_memory_kib(), 80 * MIB);
    for (size_t i = 0; i < 60; i++)
        close(fds[i]);
    toy_stop();
}
END_TEST

/* Each in a segment that ends with its byte: libevent would keep a kilobyte for it. */
START_TEST(chunks_of_one_byte_cost_no_more_than_they_say)
{
    struct toy_spec spec = {.limits = toy_limits};
    toy_start(&spec);
    int fd = client_connect(toy_port), one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    client_say(fd, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n");
    client_say(fd, "1\r\nx");
    for (int i = 0; i < 20000; i++) {
        client_say(fd, "\r\n1\r\nx");
        usleep(20);
    }
    client_say(fd, "\r\n");
    assert_served();
    ck_assert_int_lt(toy_memory_kib(), 16 * MIB);
    client_say(fd, "0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(client_read(fd)->body, "{\"length\":20001,"));
    close(fd);
    toy_stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_budget");
    TCase *tests = tcase_create("budget");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_body_that_has_stalled_makes_room_for_a_small_one);
    tcase_add_test(tests, answers_that_nobody_reads_have_a_ceiling_together);
    tcase_add_test(tests, chunks_of_one_byte_cost_no_more_than_they_say);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
