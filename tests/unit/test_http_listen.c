/* test_http_listen.c: connections that are slow, idle or too many make room for honest ones. */
#include "http_toy_fixture.h"

#include <sys/socket.h>

#define GET_OPEN "GET /open HTTP/1.1\r\nHost: a\r\n\r\n"

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

static void short_timeout(struct toy_spec *spec)
{
    spec->limits.client_timeout_ms = 400;
}

START_TEST(three_hundred_slow_clients_are_swept_while_others_are_served)
{
    int fds[300];
    start_with(short_timeout);
    for (size_t i = 0; i < 300; i++) {
        fds[i] = client_connect(toy_port);
        client_say(fds[i], "GET /open HTTP/1.1\r\nHost: a\r\nX-A: ");
    }
    int64_t until = clock_mono_ms() + 600;
    while (clock_mono_ms() < until) { /* a byte now and then keeps nobody alive */
        for (size_t i = 0; i < 300; i++)
            client_say(fds[i], "a");
        assert_served();
    }
    for (size_t i = 0; i < 300; i++) {
        assert_refused(client_read(fds[i]), 408, "too-slow");
        close(fds[i]);
    }
    assert_served();
    ck_assert_int_eq(toy_stat("sync_http_refused_total{reason=\"slow\"} "), 300);
    toy_stop();
}
END_TEST

START_TEST(a_slow_body_is_swept)
{
    start_with(short_timeout);
    int fd = client_connect(toy_port);
    client_say(fd, "POST /open HTTP/1.1\r\nHost: a\r\n" JSON_TYPE "Content-Length: 1000\r\n\r\n{");
    for (int i = 0; i < 10; i++) {
        usleep(50000);
        client_say(fd, " ");
    }
    assert_refused(client_read(fd), 408, "too-slow");
    ck_assert(client_closed(fd, 3000));
    close(fd);
    toy_stop();
}
END_TEST

static void short_idle(struct toy_spec *spec)
{
    spec->limits.idle_timeout_ms = 200;
}

START_TEST(an_idle_connection_is_closed_without_a_word)
{
    start_with(short_idle);
    int silent = client_connect(toy_port), used = client_connect(toy_port);
    client_say(used, GET_OPEN);
    ck_assert_int_eq(client_read(used)->status, 200);
    char byte;
    ck_assert(client_closed(silent, 3000));
    ck_assert_int_eq(recv(used, &byte, 1, 0), 0);
    close(silent);
    close(used);
    toy_stop();
}
END_TEST

START_TEST(a_client_that_does_not_read_is_closed)
{
    start_with(short_timeout);
    int fd = client_connect(toy_port);
    client_say(fd, "GET /open/big?mib=32 HTTP/1.1\r\nHost: a\r\n\r\n"); /* more than the kernel takes */
    usleep(100000);
    toy_wait(toy_stat("sync_http_connections ") == 1); /* the one that asks */
    ck_assert_int_eq(client_read(fd)->status, 0);      /* cut short */
    close(fd);
    toy_stop();
}
END_TEST

static void ten_connections(struct toy_spec *spec)
{
    spec->limits.connections_max = 10;
}

START_TEST(at_the_cap_the_longest_idle_connection_makes_room)
{
    int fds[10];
    start_with(ten_connections);
    for (size_t i = 0; i < 10; i++) {
        fds[i] = client_connect(toy_port);
        client_say(fds[i], GET_OPEN);
        ck_assert_int_eq(client_read(fds[i])->status, 200);
    }
    client_say(fds[0], GET_OPEN); /* the second is now idle for longest */
    ck_assert_int_eq(client_read(fds[0])->status, 200);
    assert_served();
    ck_assert(client_closed(fds[1], 1000));
    client_say(fds[0], GET_OPEN);
    ck_assert_int_eq(client_read(fds[0])->status, 200);
    client_say(fds[2], GET_OPEN);
    ck_assert_int_eq(client_read(fds[2])->status, 200);
    for (size_t i = 0; i < 10; i++)
        close(fds[i]);
    toy_stop();
}
END_TEST

START_TEST(at_the_cap_busy_connections_are_left_alone)
{
    int fds[10];
    start_with(ten_connections);
    for (size_t i = 0; i < 10; i++) {
        fds[i] = client_connect(toy_port);
        client_say(fds[i], "GET /open/late?ms=1000 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    usleep(100000);
    int late = client_connect(toy_port);
    ck_assert(client_closed(late, 900));
    for (size_t i = 0; i < 10; i++) {
        ck_assert_int_eq(client_read(fds[i])->status, 200);
        close(fds[i]);
    }
    close(late);
    toy_stop();
}
END_TEST

static void few_files(struct toy_spec *spec)
{
    spec->files_max = 64;
}

static long cpu_ticks(void)
{
    char path[64];
    long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", toy_pid);
    FILE *file = fopen(path, "r");
    ck_assert_int_eq(
        fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system), 2);
    fclose(file);
    return user + system;
}

/* Busy ones, so that none can be closed to make room. */
static void open_busy(int fds[200])
{
    for (size_t i = 0; i < 200; i++) {
        fds[i] = client_connect(toy_port);
        client_say(fds[i], "GET /open/late?ms=1500 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
}

static void assert_calm_and_back(int fds[200])
{
    usleep(200000);
    long before = cpu_ticks();
    usleep(1000000);
    ck_assert_int_lt(cpu_ticks() - before, sysconf(_SC_CLK_TCK) / 4);
    for (size_t i = 0; i < 200; i++)
        close(fds[i]);
    toy_wait(client_ask(toy_port, GET_OPEN)->status == 200);
    toy_wait(toy_stat("sync_http_connections ") <= 2);
}

START_TEST(with_few_descriptors_from_the_start_there_are_fewer_connections)
{
    int fds[200];
    start_with(few_files);
    open_busy(fds);
    ck_assert(client_closed(fds[50], 1000)); /* of 64, a quarter is kept: refused instead of waiting */
    assert_calm_and_back(fds);
    toy_stop();
}
END_TEST

START_TEST(running_out_of_descriptors_neither_spins_nor_lasts)
{
    int fds[200];
    start_with(NULL);
    struct rlimit files;
    ck_assert_int_eq(prlimit(toy_pid, RLIMIT_NOFILE, NULL, &files), 0);
    files.rlim_cur = 64;
    ck_assert_int_eq(prlimit(toy_pid, RLIMIT_NOFILE, &files, NULL), 0);
    open_busy(fds);
    assert_calm_and_back(fds);
    toy_stop();
}
END_TEST

START_TEST(without_descriptors_idle_connections_make_room)
{
    int fds[200];
    start_with(NULL);
    struct rlimit files;
    ck_assert_int_eq(prlimit(toy_pid, RLIMIT_NOFILE, NULL, &files), 0);
    for (size_t i = 0; i < 200; i++)
        fds[i] = client_connect(toy_port);
    assert_served();
    files.rlim_cur = 150;
    ck_assert_int_eq(prlimit(toy_pid, RLIMIT_NOFILE, &files, NULL), 0);
    int64_t start = clock_mono_ms();
    for (int i = 0; i < 20; i++)
        assert_served();
    ck_assert_int_lt(clock_mono_ms() - start, 1500); /* and not one every 100 ms */
    for (size_t i = 0; i < 200; i++)
        close(fds[i]);
    toy_stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_listen");
    TCase *tests = tcase_create("listen");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, three_hundred_slow_clients_are_swept_while_others_are_served);
    tcase_add_test(tests, a_slow_body_is_swept);
    tcase_add_test(tests, an_idle_connection_is_closed_without_a_word);
    tcase_add_test(tests, a_client_that_does_not_read_is_closed);
    tcase_add_test(tests, at_the_cap_the_longest_idle_connection_makes_room);
    tcase_add_test(tests, at_the_cap_busy_connections_are_left_alone);
    tcase_add_test(tests, with_few_descriptors_from_the_start_there_are_fewer_connections);
    tcase_add_test(tests, running_out_of_descriptors_neither_spins_nor_lasts);
    tcase_add_test(tests, without_descriptors_idle_connections_make_room);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
