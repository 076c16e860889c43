/* test_stream_failure.c: Redis killed, hanging, refusing, or something else: the connection comes back by itself. */
#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "redis_fixture.h"

START_TEST(without_redis_commands_are_answered_null_from_the_loop)
{
    struct redis redis;
    char url[64];
    struct redis_tally tally = {0, 0};
    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", redis_free_port());
    redis_open(&redis, url, 1000, 10);
    stream_send(redis.stream, stream_command("PING"), redis_on_tally, &tally);
    ck_assert_int_eq(tally.answers, 0);
    redis_until(&redis, tally.answers == 1);
    ck_assert_int_eq(tally.nulls, 1);
    stream_send(redis.stream, stream_command("PING"), NULL, NULL); /* nobody wants to know */
    redis_turn(&redis);
    ck_assert(!stream_up(redis.stream));
    redis_close(&redis);
}
END_TEST

START_TEST(client_kill_answers_each_command_null_once_and_reconnects)
{
    struct redis redis, killer;
    struct redis_tally tally = {0, 0};
    int changes[2] = {0, 0};
    char line[64];
    redis_open_test(&redis);
    redis_open_test(&killer);
    stream_on_state(redis.stream, redis_on_state, changes);
    snprintf(line, sizeof(line), "CLIENT KILL ID %s", redis_do(&redis, "CLIENT ID"));
    stream_send(redis.stream, redis_words("BLPOP", "never", "0"), redis_on_tally, &tally);
    for (int i = 0; i < 500; i++)
        stream_send(redis.stream, stream_command("PING"), redis_on_tally, &tally);
    redis_turn(&redis);
    ck_assert_int_eq(tally.answers, 0);
    ck_assert_str_eq(redis_do(&killer, line), "1");
    redis_until(&redis, changes[false] == 1);
    ck_assert(!stream_up(redis.stream));
    redis_until(&redis, tally.answers == 501);
    ck_assert_int_eq(tally.nulls, 501);
    redis_until(&redis, stream_up(redis.stream));
    ck_assert_int_eq(changes[true], 1);
    ck_assert_str_eq(redis_do(&redis, "PING"), "PONG");
    ck_assert_int_eq(tally.answers, 501);
    redis_close(&killer);
    redis_close(&redis);
}
END_TEST

START_TEST(a_command_without_an_answer_in_time_replaces_the_connection)
{
    struct redis redis;
    struct redis_tally tally = {0, 0};
    redis_open(&redis, redis_url(), 200, 10);
    redis_until(&redis, stream_up(redis.stream));
    int64_t id = strtoll(redis_do(&redis, "CLIENT ID"), NULL, 10);
    stream_send(redis.stream, redis_words("BLPOP", "never", "5"), redis_on_tally, &tally);
    stream_send(redis.stream, stream_command("PING"), redis_on_tally, &tally);
    int64_t start = clock_mono_ms();
    redis_until(&redis, tally.answers == 2);
    ck_assert_int_eq(tally.nulls, 2);
    ck_assert_int_ge(clock_mono_ms() - start, 190);
    ck_assert_int_lt(clock_mono_ms() - start, 2000);
    redis_until(&redis, stream_up(redis.stream));
    ck_assert_int_gt(strtoll(redis_do(&redis, "CLIENT ID"), NULL, 10), id);
    redis_close(&redis);
}
END_TEST

START_TEST(redis_stopped_and_started_comes_back_by_itself)
{
    struct redis_server server;
    struct redis redis;
    int changes[2] = {0, 0};
    struct redis_tally tally = {0, 0};
    redis_server_start(&server, 0, NULL);
    redis_open(&redis, server.url, WAIT_MS, 10);
    stream_on_state(redis.stream, redis_on_state, changes);
    for (int i = 1; i <= 2; i++) {
        redis_until(&redis, stream_up(redis.stream));
        ck_assert_str_eq(redis_call(&redis, stream_script("return 'script'", 0)), "script");
        stream_send(redis.stream, redis_words("BLPOP", "never", "0"), redis_on_tally, &tally);
        redis_turn(&redis);
        redis_server_stop(&server);
        redis_until(&redis, !stream_up(redis.stream) && tally.nulls == i);
        redis_server_start(&server, server.port, NULL);
    }
    redis_until(&redis, stream_up(redis.stream));
    ck_assert_str_eq(redis_call(&redis, stream_script("return 'script'", 0)), "script");
    ck_assert_int_eq(changes[true], 3);
    ck_assert_int_eq(changes[false], 2);
    redis_close(&redis);
    redis_server_stop(&server);
}
END_TEST

/* What the test writes to standard error until the returned descriptor is given to log_of. */
static int log_begin(void)
{
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    fclose(file);
    return kept;
}

static void log_of(int kept, char *text, size_t size)
{
    ssize_t len = pread(STDERR_FILENO, text, size - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    dup2(kept, STDERR_FILENO);
    close(kept);
}

START_TEST(a_wrong_password_is_tried_again_and_never_logged)
{
    struct redis_server server;
    struct redis admin, redis;
    char url[128], text[8192];
    redis_server_start(&server, 0, "right-word");
    redis_open(&admin, server.url, WAIT_MS, 10);
    redis_until(&admin, stream_up(admin.stream));
    snprintf(url, sizeof(url), "redis://:later-word@127.0.0.1:%d/1", server.port);
    int kept = log_begin();
    redis_open(&redis, url, WAIT_MS, 10);
    const char *rejected = "acl_access_denied_auth:3"; /* of INFO stats since 7.0 */
    for (int i = 0; i < 40 && !strstr(redis_do(&admin, "INFO stats"), rejected); i++)
        redis_turn(&redis);
    ck_assert(!stream_up(redis.stream));
    ck_assert_str_eq(redis_do(&admin, "CONFIG SET requirepass later-word"), "OK");
    redis_until(&redis, stream_up(redis.stream));
    log_of(kept, text, sizeof(text));
    const char *said = strstr(text, "WRONGPASS");
    ck_assert_msg(said && !strstr(said + 1, "WRONGPASS"), "said once: %s", text);
    ck_assert_ptr_null(strstr(text, "later-word"));
    ck_assert_ptr_null(strstr(text, "right-word"));
    redis_close(&redis);
    redis_close(&admin);
    redis_server_stop(&server);
}
END_TEST

START_TEST(no_password_where_one_is_wanted_is_not_up)
{
    struct redis_server server;
    struct redis redis, admin;
    char url[64];
    redis_server_start(&server, 0, "word");
    redis_open(&admin, server.url, WAIT_MS, 10);
    redis_until(&admin, stream_up(admin.stream));
    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", server.port);
    redis_open(&redis, url, WAIT_MS, 10);
    for (int i = 0; i < 10; i++) {
        redis_turn(&redis);
        ck_assert(!stream_up(redis.stream));
    }
    redis_close(&redis);
    redis_close(&admin);
    redis_server_stop(&server);
}
END_TEST

/* A server that takes connections and answers with `greeting`, or not at all when it is NULL. */
struct impostor {
    int fd, port, connections;
    const char *greeting;
    struct event *event;
};

static void on_visitor(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct impostor *impostor = arg;
    int visitor = accept(fd, NULL, NULL);
    impostor->connections++;
    if (impostor->greeting)
        ck_assert_int_gt(write(visitor, impostor->greeting, strlen(impostor->greeting)), 0);
}

static void impostor_start(struct impostor *impostor, struct event_base *base)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)impostor->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    impostor->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(impostor->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    ck_assert_int_eq(bind(impostor->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(impostor->fd, 5), 0);
    impostor->event = event_new(base, impostor->fd, EV_READ | EV_PERSIST, on_visitor, impostor);
    event_add(impostor->event, NULL);
}

static const char *const greetings[] = {
    NULL,
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "-ERR max number of clients reached\r\n",
    "*-7\r\n",
    "-LOADING Redis is loading the dataset in memory\r\n-LOADING x\r\n",
};

START_TEST(what_does_not_answer_like_redis_is_never_up_and_tried_again)
{
    struct redis redis;
    char url[64];
    struct impostor impostor = {.port = redis_free_port(), .greeting = greetings[_i]};
    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", impostor.port);
    redis_open(&redis, url, 150, 10);
    impostor_start(&impostor, redis.base);
    redis_until(&redis, impostor.connections >= 3);
    ck_assert(!stream_up(redis.stream));
    event_free(impostor.event);
    close(impostor.fd);
    redis_close(&redis);
}
END_TEST

#define ROWS(rows) (int)(sizeof(rows) / sizeof(rows[0]))

int main(void)
{
    log_open("test_stream_failure", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    Suite *suite = suite_create("stream_failure");
    TCase *tcase = tcase_create("stream_failure");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, without_redis_commands_are_answered_null_from_the_loop);
    tcase_add_test(tcase, client_kill_answers_each_command_null_once_and_reconnects);
    tcase_add_test(tcase, a_command_without_an_answer_in_time_replaces_the_connection);
    tcase_add_test(tcase, redis_stopped_and_started_comes_back_by_itself);
    tcase_add_test(tcase, a_wrong_password_is_tried_again_and_never_logged);
    tcase_add_test(tcase, no_password_where_one_is_wanted_is_not_up);
    tcase_add_loop_test(tcase, what_does_not_answer_like_redis_is_never_up_and_tried_again, 0,
                        ROWS(greetings));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
