/* test_service.c: a service is ready, scraped, reloaded, drained and supervised as service.h says. */
#include <check.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "service_fixture.h"

START_TEST(ready_is_what_all_checks_say_and_live_is_the_loop)
{
    tiny_start_service();
    tiny_expect(tiny_get("/livez"), "HTTP/1.1 200 OK");
    tiny_expect(tiny_get("/readyz"), "HTTP/1.1 503 ");
    tiny_expect(tiny_get("/readyz"), "\r\n\r\n{\"ready\":false,\"checks\":{\"store\":false,\"belt\":true}}");
    tiny_write("up", "");
    tiny_expect(tiny_get("/readyz"), "HTTP/1.1 200 OK");
    tiny_expect(tiny_get("/readyz"), "\r\n\r\n{\"ready\":true,\"checks\":{\"store\":true,\"belt\":true}}");
    tiny_wait_for("log", "\"what\":\"ready\"");
}
END_TEST

START_TEST(metrics_are_prometheus_text_with_hooks_called_first)
{
    tiny_start_service();
    tiny_expect(tiny_get("/metrics"), "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    tiny_expect(tiny_get("/metrics"), "# TYPE tiny_asked gauge\ntiny_asked 42\n");
    tiny_expect(tiny_get("/metrics"), "\nprocess_open_fds ");
    tiny_wait_until_get("/metrics", "\ntiny_beats_total 5\n");
}
END_TEST

START_TEST(only_get_without_a_body_and_with_short_headers_is_answered)
{
    char large[20000];

    tiny_start_service();
    tiny_expect(tiny_get("/other"), "HTTP/1.1 404 ");
    tiny_expect(tiny_ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), "HTTP/1.1 405 ");
    tiny_expect(tiny_ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), "Allow: GET\r\n");
    tiny_expect(tiny_ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"),
                "HTTP/1.1 413 ");
    snprintf(large, sizeof large, "GET /livez HTTP/1.1\r\nHost: x\r\nX: %06000d\r\n\r\n", 0);
    tiny_expect(tiny_ask(large), "200 OK");
    snprintf(large, sizeof large, "GET /livez HTTP/1.1\r\nHost: x\r\nX: %019000d\r\n\r\n", 0);
    ck_assert_ptr_null(strstr(tiny_ask(large), "200 OK"));
    tiny_expect(tiny_get("/livez"), "HTTP/1.1 200 OK");
}
END_TEST

static int64_t open_files(void)
{
    const char *line = strstr(tiny_get("/metrics"), "\nprocess_open_fds ");

    ck_assert_ptr_nonnull(line);
    return strtoll(line + sizeof "\nprocess_open_fds " - 1, NULL, 10);
}

static int begin_head(void)
{
    static const char head[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nX: ";
    int fd = tiny_connect();

    send(fd, head, sizeof head - 1, MSG_NOSIGNAL);
    return fd;
}

#define IDLE 100 /* as many silent ones, as many that send a head byte by byte */

/* Each goes on for as long as it is let, and comes back when it was thrown out. */
static void press_on(int *fds)
{
    char byte;

    for (int i = 0; i < 2 * IDLE; i++) {
        bool slow = i >= IDLE, out = recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0;
        if (!out && (!slow || send(fds[i], "x", 1, MSG_NOSIGNAL) == 1))
            continue;
        close(fds[i]);
        fds[i] = slow ? begin_head() : tiny_connect();
    }
}

START_TEST(idle_and_slow_connections_keep_no_scrape_away_and_cost_few_descriptors)
{
    int fds[2 * IDLE];
    int64_t before, slowest_ms = 0;

    tiny_start_service();
    before = open_files();
    for (int i = 0; i < 2 * IDLE; i++)
        fds[i] = i < IDLE ? tiny_connect() : begin_head();
    for (int round = 0; round < 20; round++) {
        press_on(fds);
        int64_t began_ms = clock_mono_ms();
        tiny_expect(tiny_get("/metrics"), "HTTP/1.1 200 OK");
        int64_t took_ms = clock_mono_ms() - began_ms;
        slowest_ms = took_ms > slowest_ms ? took_ms : slowest_ms;
        ck_assert_int_le(open_files(), before + 16);
    }
    ck_assert_int_le(slowest_ms, 1000);
    for (int i = 0; i < 2 * IDLE; i++)
        close(fds[i]);
}
END_TEST

START_TEST(a_head_that_never_ends_is_cut_off)
{
    int64_t began_ms;
    char byte;
    int fd;

    setenv("CLIENT_TIMEOUT", "500ms", 1);
    tiny_start_service();
    began_ms = clock_mono_ms();
    fd = begin_head();
    while (recv(fd, &byte, 1, MSG_DONTWAIT) != 0 && send(fd, "x", 1, MSG_NOSIGNAL) == 1) {
        ck_assert_int_lt(clock_mono_ms() - began_ms, 20000);
        usleep(20000);
    }
    ck_assert_int_ge(clock_mono_ms() - began_ms, 400);
    ck_assert_int_lt(clock_mono_ms() - began_ms, 5000);
    close(fd);
}
END_TEST

START_TEST(term_drains_and_ends_with_0)
{
    tiny_start_service();
    tiny_write("up", "");
    tiny_wait_until_get("/readyz", "200 OK");
    kill(tiny_pid, SIGTERM);
    tiny_wait_for("draining", "");
    tiny_expect(tiny_get("/readyz"), "{\"ready\":false,\"checks\":{\"store\":true,\"belt\":true}}");
    ck_assert_int_eq(tiny_exit_status(), 0);
    tiny_wait_for("log", "\"what\":\"end\"");
}
END_TEST

START_TEST(a_second_term_ends_at_once)
{
    tiny_hangs = true;
    tiny_start_service();
    kill(tiny_pid, SIGTERM);
    tiny_wait_for("draining", "");
    kill(tiny_pid, SIGTERM);
    ck_assert_int_eq(tiny_exit_status(), 128 + SIGTERM);
}
END_TEST

START_TEST(a_drain_without_end_is_cut_off)
{
    tiny_hangs = true;
    setenv("DRAIN_TIMEOUT", "100ms", 1);
    tiny_start_service();
    kill(tiny_pid, SIGINT);
    ck_assert_int_eq(tiny_exit_status(), 0);
    tiny_wait_for("log", "\"state\":\"cut off\"");
}
END_TEST

START_TEST(hup_reloads_and_refuses_a_wrong_configuration)
{
    char path[128];

    snprintf(path, sizeof path, "%s/env", tiny_dir);
    setenv("ENV_FILE", path, 1);
    tiny_write("env", "JWT_ISSUER=one\n");
    tiny_start_service();
    tiny_write("env", "JWT_ISSUER=two\nSTREAM_WINDOW=99\n");
    kill(tiny_pid, SIGHUP);
    tiny_wait_for("issuer", "two");
    tiny_wait_for("log", "STREAM_WINDOW has changed: restart to make it hold");
    tiny_write("env", "JWT_ISSUER=three\nLOG_LEVEL=loud\n");
    kill(tiny_pid, SIGHUP);
    tiny_wait_for("log", "LOG_LEVEL is \\\"loud\\\"");
    ck_assert_str_eq(tiny_content("issuer"), "two");
    tiny_expect(tiny_get("/livez"), "200 OK");
}
END_TEST

START_TEST(the_service_manager_hears_ready_and_stopping)
{
    char name[64];
    int fd;

    snprintf(name, sizeof name, _i ? "@%s/notify" : "%s/notify", tiny_dir);
    fd = tiny_notify_socket(name);
    setenv("WATCHDOG_USEC", "100000", 1);
    tiny_start_service();
    tiny_expect_notice(fd, "WATCHDOG=1"); /* not READY=1: a check fails */
    tiny_write("up", "");
    tiny_expect_notice(fd, "READY=1");
    tiny_expect_notice(fd, "WATCHDOG=1");
    kill(tiny_pid, SIGTERM);
    tiny_expect_notice(fd, "STOPPING=1");
    ck_assert_int_eq(tiny_exit_status(), 0);
    close(fd);
}
END_TEST

START_TEST(an_address_in_use_is_fatal)
{
    static char *argv[] = {"tiny", "--platform=coreldove", NULL};
    char addr[32];
    pid_t first;

    tiny_start_service();
    first = tiny_pid;
    snprintf(addr, sizeof addr, "127.0.0.1:%u", (unsigned)tiny_port);
    setenv("METRICS_ADDR", addr, 1);
    tiny_start(2, argv);
    ck_assert_int_eq(tiny_exit_status(), 1);
    tiny_expect(tiny_content("log"), "where nothing can listen (Address already in use)");
    tiny_pid = first;
}
END_TEST

START_TEST(without_a_metrics_listener_it_still_runs)
{
    static char *argv[] = {"tiny", "--platform=coreldove", NULL};

    setenv("METRICS_ADDR", "off", 1);
    tiny_start(2, argv);
    tiny_wait_for("platform", "coreldove");
    ck_assert_ptr_null(strstr(tiny_content("log"), "\"what\":\"metrics\""));
    kill(tiny_pid, SIGTERM);
    ck_assert_int_eq(tiny_exit_status(), 0);
}
END_TEST

START_TEST(a_process_leaves_no_core_and_survives_a_broken_pipe)
{
    char path[64], line[256];
    bool core = false;
    FILE *file;

    tiny_start_service();
    snprintf(path, sizeof path, "/proc/%d/limits", (int)tiny_pid);
    file = fopen(path, "r");
    ck_assert(file != NULL);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "Max core file size        0                    0 ", 48) == 0)
            core = true;
    fclose(file);
    ck_assert_msg(core, "core dumps are on");
    kill(tiny_pid, SIGPIPE);
    tiny_expect(tiny_get("/livez"), "200 OK");
}
END_TEST

START_TEST(an_instance_is_host_pid_and_start)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-";
    const char *instance;
    char pid[32];

    tiny_start_service();
    instance = tiny_content("instance");
    snprintf(pid, sizeof pid, ":%d:", (int)tiny_pid);
    ck_assert_ptr_nonnull(strstr(instance, pid));
    ck_assert_uint_eq(strspn(instance, allowed), strlen(instance));
    ck_assert_uint_le(strlen(instance), 64);
}
END_TEST

static const struct {
    const char *arguments[3];
    const char *variable, *value;
    int status;
    const char *out, *log;
} command_lines[] = {
    {{"--version"}, NULL, NULL, 0, "tiny 1.0.0\n", ""},
    {{"--help"}, NULL, NULL, 0, "Usage: tiny --platform VALUE [--check]\n\nServes nothing.\n", ""},
    {{"--help"}, NULL, NULL, 0, "\n  --platform VALUE   the platform to serve\n", ""},
    {{"--help"}, NULL, NULL, 0, "\n  RETRY_SCHEDULE=2s,1m,15m,1h  (HUP reloads)\n", ""},
    {{"--platform", "x", "--check"}, NULL, NULL, 0, "configuration ok\n", ""},
    {{"--platform=x", "--check"},
     "STREAM_WINDOW",
     "5",
     1,
     "",
     "tiny: STREAM_WINDOW is \"5\": give a whole number"},
    {{"--platform=x", "--check"},
     "PLATFORM_DIR",
     "missing",
     1,
     "",
     "tiny: PLATFORM_DIR is \"missing\": name"},
    {{"--platform=x", "--check"}, "REDIS_URL", "http://x", 1, "", "tiny: REDIS_URL: "},
    {{"--platform=x", "--check"}, "DATABASE_URL", "mysql://x", 1, "", "tiny: DATABASE_URL cannot be read"},
    {{"--platform=x", "--check"}, "ENVIRONMENT", "production", 1, "", "tiny: JWT_SECRET is not set"},
    {{"--platform=x"}, "STREAM_WINDOW", "5", 1, "", "tiny: STREAM_WINDOW is \"5\""},
    {{"--check"}, NULL, NULL, 2, "", "tiny: --platform must be given"},
    {{"--platform"}, NULL, NULL, 2, "", "tiny: --platform needs a value"},
    {{"--platform", "--check"}, NULL, NULL, 2, "", "tiny: --platform needs a value"},
    {{"--platform="}, NULL, NULL, 2, "", "tiny: --platform= needs a value"},
    {{"--platforms", "x"}, NULL, NULL, 2, "", "tiny: --platforms is no option"},
    {{"x"}, NULL, NULL, 2, "", "tiny: x is no option; see tiny --help"},
};

START_TEST(the_command_line_is_answered)
{
    char *argv[5] = {"tiny"};
    int argc = 1;

    while (argc < 4 && command_lines[_i].arguments[argc - 1]) {
        argv[argc] = mem_strdup(command_lines[_i].arguments[argc - 1]);
        argc++;
    }
    if (command_lines[_i].variable)
        setenv(command_lines[_i].variable, command_lines[_i].value, 1);
    tiny_start(argc, argv);
    ck_assert_int_eq(tiny_exit_status(), command_lines[_i].status);
    tiny_expect(tiny_content("out"), command_lines[_i].out);
    tiny_expect(tiny_content("log"), command_lines[_i].log);
    while (--argc > 0)
        free(argv[argc]);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("service");
    Suite *suite = suite_create("service");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, tiny_set_up, tiny_tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, ready_is_what_all_checks_say_and_live_is_the_loop);
    tcase_add_test(tcase, metrics_are_prometheus_text_with_hooks_called_first);
    tcase_add_test(tcase, only_get_without_a_body_and_with_short_headers_is_answered);
    tcase_add_test(tcase, idle_and_slow_connections_keep_no_scrape_away_and_cost_few_descriptors);
    tcase_add_test(tcase, a_head_that_never_ends_is_cut_off);
    tcase_add_test(tcase, term_drains_and_ends_with_0);
    tcase_add_test(tcase, a_second_term_ends_at_once);
    tcase_add_test(tcase, a_drain_without_end_is_cut_off);
    tcase_add_test(tcase, hup_reloads_and_refuses_a_wrong_configuration);
    tcase_add_loop_test(tcase, the_service_manager_hears_ready_and_stopping, 0, 2);
    tcase_add_test(tcase, an_address_in_use_is_fatal);
    tcase_add_test(tcase, without_a_metrics_listener_it_still_runs);
    tcase_add_test(tcase, a_process_leaves_no_core_and_survives_a_broken_pipe);
    tcase_add_test(tcase, an_instance_is_host_pid_and_start);
    tcase_add_loop_test(tcase, the_command_line_is_answered, 0, sizeof command_lines / sizeof *command_lines);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
