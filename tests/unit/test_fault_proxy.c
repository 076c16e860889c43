/*
 * test_fault_proxy.c: what the proxy of tests/chaos does to connections. The proxy runs in a child process; the test is the client and
 * the target.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "json.h"
#include "tests/fault-proxy/proxy.h"

static int target = -1, control = -1, front_port;
static pid_t proxy_pid;

static int listen_somewhere(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert(bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 16) == 0);
    getsockname(fd, (struct sockaddr *)&address, &len);
    *port = ntohs(address.sin_port);
    return fd;
}

static int connect_to(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void run_proxy(int target_port, int ports[2])
{
    struct event_base *base = event_base_new();
    struct proxy *proxy = proxy_new(base);
    char error[256], address[32];
    int found[2];

    snprintf(address, sizeof address, "127.0.0.1:%d", target_port);
    if (proxy_add(proxy, "front", "127.0.0.1:0", address, error, sizeof error) != 0 ||
        (found[1] = proxy_control(proxy, "127.0.0.1:0", error, sizeof error)) < 0)
        _exit(1);
    found[0] = proxy_port(proxy, "front");
    if (write(ports[1], found, sizeof found) != sizeof found)
        _exit(1);
    close(target);
    signal(SIGPIPE, SIG_IGN);
    event_base_dispatch(base);
}

static void begin(void)
{
    int target_port, ports[2], found[2];

    target = listen_somewhere(&target_port);
    ck_assert(pipe(ports) == 0);
    if ((proxy_pid = fork()) == 0)
        run_proxy(target_port, ports);
    ck_assert(read(ports[0], found, sizeof found) == sizeof found);
    front_port = found[0];
    ck_assert((control = connect_to(found[1])) >= 0);
}

static void end(void)
{
    kill(proxy_pid, SIGKILL);
    waitpid(proxy_pid, NULL, 0);
}

/* One line to the control port, one back. */
static const char *tell(const char *line)
{
    static char answer[2048];
    size_t len = 0;

    dprintf(control, "%s\n", line);
    while (len == 0 || answer[len - 1] != '\n') {
        ssize_t n = recv(control, answer + len, sizeof answer - len - 1, 0);
        ck_assert_int_gt(n, 0);
        len += (size_t)n;
    }
    answer[len - 1] = '\0';
    return answer;
}

#define ck_tell(line) ck_assert_str_eq(tell(line), "ok")

struct pair {
    int client, server;
};
static struct pair pair_open(void)
{
    struct pair pair = {connect_to(front_port), -1};

    ck_assert_int_ge(pair.client, 0);
    ck_assert_int_ge(pair.server = accept(target, NULL, NULL), 0);
    return pair;
}

static bool comes(int fd, int timeout_ms)
{
    struct pollfd waits = {.fd = fd, .events = POLLIN};

    return poll(&waits, 1, timeout_ms) > 0;
}

/* Within 3 s: the text, "" for an orderly end, or "reset". */
static const char *get(int fd)
{
    static char text[64];

    ck_assert_msg(comes(fd, 3000), "nothing comes");
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    if (n < 0)
        return "reset";
    text[n] = '\0';
    return text;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

START_TEST(bytes_and_ends_go_both_ways)
{
    struct pair pair = pair_open();

    say(pair.client, "ask");
    ck_assert_str_eq(get(pair.server), "ask");
    shutdown(pair.client, SHUT_WR);
    ck_assert_str_eq(get(pair.server), "");
    say(pair.server, "answer"); /* half closed: the other way is open */
    ck_assert_str_eq(get(pair.client), "answer");
    close(pair.server);
    ck_assert_str_eq(get(pair.client), "");
}
END_TEST

START_TEST(much_goes_through_unchanged)
{
    struct pair pair = pair_open();
    static char sent[1 << 20], got[1 << 20];
    size_t written = 0, read = 0;

    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 7 + (i >> 9));
    while (read < sizeof got) {
        ssize_t n = send(pair.client, sent + written, sizeof sent - written, MSG_NOSIGNAL | MSG_DONTWAIT);
        written += n > 0 ? (size_t)n : 0;
        n = recv(pair.server, got + read, sizeof got - read, MSG_DONTWAIT);
        read += n > 0 ? (size_t)n : 0;
    }
    ck_assert_int_eq(memcmp(sent, got, sizeof sent), 0);
}
END_TEST

START_TEST(cut_resets_both_sides)
{
    struct pair pair = pair_open();

    say(pair.client, "ask");
    ck_assert_str_eq(get(pair.server), "ask");
    ck_tell("front cut");
    ck_assert_str_eq(get(pair.client), "reset");
    ck_assert_str_eq(get(pair.server), "reset");
    pair = pair_open(); /* later ones go through */
    say(pair.client, "ask");
    ck_assert_str_eq(get(pair.server), "ask");
}
END_TEST

START_TEST(a_stalled_route_accepts_and_forwards_nothing_until_it_heals)
{
    struct pair old = pair_open(), fresh;

    ck_tell("front stall");
    say(old.client, "old");
    fresh.client = connect_to(front_port);
    ck_assert_int_ge(fresh.client, 0);
    say(fresh.client, "new");
    ck_assert(!comes(old.server, 150));
    ck_tell("front heal");
    ck_assert_str_eq(get(old.server), "old");
    ck_assert_int_ge(fresh.server = accept(target, NULL, NULL), 0);
    ck_assert_str_eq(get(fresh.server), "new");
}
END_TEST

START_TEST(what_was_held_arrives_behind_what_came_later_though_its_sender_is_gone)
{
    struct pair old = pair_open(), fresh;

    ck_tell("front hold");
    say(old.client, "old");
    close(old.client);
    fresh = pair_open();
    say(fresh.client, "new");
    ck_assert_str_eq(get(fresh.server), "new");
    ck_assert(!comes(old.server, 150));
    ck_tell("front heal");
    ck_assert_str_eq(get(old.server), "old");
}
END_TEST

START_TEST(each_way_has_its_own_delay)
{
    struct pair pair = pair_open();
    int64_t began;

    ck_tell("front delay 200 0");
    began = clock_mono_ms();
    say(pair.client, "ask");
    ck_assert_str_eq(get(pair.server), "ask");
    ck_assert_int_ge(clock_mono_ms() - began, 199);
    began = clock_mono_ms();
    say(pair.server, "answer");
    ck_assert_str_eq(get(pair.client), "answer");
    ck_assert_int_lt(clock_mono_ms() - began, 150);
}
END_TEST

START_TEST(a_connection_ends_after_so_many_bytes)
{
    struct pair pair = pair_open();

    ck_tell("front cut-after 5");
    say(pair.client, "abc");
    ck_assert_str_eq(get(pair.server), "abc");
    say(pair.client, "defg");
    ck_assert_str_eq(get(pair.server), "de");
    ck_assert_str_eq(get(pair.server), "");
}
END_TEST

START_TEST(who_is_refused_is_let_in_after_heal)
{
    struct pair pair = pair_open();

    ck_tell("front refuse");
    ck_assert_int_eq(connect_to(front_port), -1);
    say(pair.client, "still"); /* what is connected stays */
    ck_assert_str_eq(get(pair.server), "still");
    ck_tell("all heal");
    pair_open();
}
END_TEST

START_TEST(one_connection_alone_can_be_struck)
{
    struct pair first = pair_open(), second = pair_open();
    struct json_error where;
    char line[64];
    bool ok;

    const char *text = tell("list");
    struct json *routes = json_parse(text, strlen(text), 16, &where, &ok);
    ck_assert_msg(ok, "%s", text);
    const struct json *ids = json_get(json_get(routes, "front"), "connections");
    ck_assert_uint_eq(json_count(ids), 2);
    snprintf(line, sizeof line, "front/%s cut", json_text(json_at(ids, 0), NULL));
    ck_tell(line);
    ck_assert_str_eq(get(first.client), "reset");
    say(second.client, "here");
    ck_assert_str_eq(get(second.server), "here");
    json_free(routes);
}
END_TEST

START_TEST(what_it_does_not_understand_changes_nothing)
{
    static const char *const lines[] = {"front",        "front burn",    "back cut",
                                        "front delay",  "front delay x", "front cut-after -1",
                                        "front/99 cut", "front stall 3"};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(strncmp(tell(lines[i]), "error: ", 7) == 0, "%s: taken", lines[i]);
    struct pair pair = pair_open();
    say(pair.client, "ask");
    ck_assert_str_eq(get(pair.server), "ask");
}
END_TEST

START_TEST(a_target_that_is_away_looks_so)
{
    close(target);
    int client = connect_to(front_port);

    ck_assert_int_ge(client, 0);
    ck_assert_str_eq(get(client), "reset");
}
END_TEST

int main(void)
{
    const TTest *const claims[] = {bytes_and_ends_go_both_ways,
                                   much_goes_through_unchanged,
                                   cut_resets_both_sides,
                                   a_stalled_route_accepts_and_forwards_nothing_until_it_heals,
                                   what_was_held_arrives_behind_what_came_later_though_its_sender_is_gone,
                                   each_way_has_its_own_delay,
                                   a_connection_ends_after_so_many_bytes,
                                   who_is_refused_is_let_in_after_heal,
                                   one_connection_alone_can_be_struck,
                                   what_it_does_not_understand_changes_nothing,
                                   a_target_that_is_away_looks_so};
    Suite *suite = suite_create("fault_proxy");
    TCase *tcase = tcase_create("fault_proxy");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, begin, end);
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
        tcase_add_test(tcase, claims[i]);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
