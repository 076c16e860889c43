/* test_stream.c: the connection to Redis, on a real one (TEST_REDIS_URL) and on servers of its own to kill. */
#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "redis_fixture.h"
#include "stream_internal.h"

/* How often callbacks came, and how many of them without a reply. */
struct tally {
    int answers, nulls;
};

static void on_tally(const struct stream_reply *reply, void *arg)
{
    struct tally *tally = arg;
    tally->answers++;
    tally->nulls += reply == NULL;
}

static struct stream_command *words(const char *first, const char *second, const char *third)
{
    struct stream_command *command = stream_command(first);
    if (second)
        stream_add(command, second);
    if (third)
        stream_add(command, third);
    return command;
}

static const struct {
    const char *url, *host, *path;
    int port;
    const char *user, *password;
    int database;
} url_rows[] = {
    {"redis://localhost:6379/0", "localhost", NULL, 6379, NULL, NULL, 0},
    {"redis://redis", "redis", NULL, 6379, NULL, NULL, 0},
    {"redis://", "localhost", NULL, 6379, NULL, NULL, 0},
    {"redis://:secret@10.0.0.1:7000/3", "10.0.0.1", NULL, 7000, NULL, "secret", 3},
    {"redis://app:se:cret@h/", "h", NULL, 6379, "app", "se:cret", 0},
    {"redis://app:p%40ss%2fw%25@h", "h", NULL, 6379, "app", "p@ss/w%", 0},
    {"redis://:p@ss@h:1", "h", NULL, 1, NULL, "p@ss", 0},
    {"redis://:@h", "h", NULL, 6379, NULL, NULL, 0},
    {"redis://[::1]:6380/1", "::1", NULL, 6380, NULL, NULL, 1},
    {"redis://h/?db=4&timeout=5", "h", NULL, 6379, NULL, NULL, 4},
    {"redis://h?x=1", "h", NULL, 6379, NULL, NULL, 0},
    {"unix:///run/redis.sock", NULL, "/run/redis.sock", 0, NULL, NULL, 0},
    {"unix://:pw@/run/redis.sock?db=2", NULL, "/run/redis.sock", 0, NULL, "pw", 2},
};

START_TEST(a_url_says_where_and_who)
{
    struct stream_url url;
    const char *why = NULL;
    ck_assert_msg(stream_url_parse(&url, url_rows[_i].url, &why) == 0, "%s", why);
    ck_assert_pstr_eq(url.host, url_rows[_i].host);
    ck_assert_pstr_eq(url.path, url_rows[_i].path);
    ck_assert_pstr_eq(url.user, url_rows[_i].user);
    ck_assert_pstr_eq(url.password, url_rows[_i].password);
    ck_assert_int_eq(url.port, url_rows[_i].port);
    ck_assert_int_eq(url.database, url_rows[_i].database);
    stream_url_release(&url);
}
END_TEST

static const struct {
    const char *url, *why;
} bad_url_rows[] = {
    {"", "redis://"},
    {"localhost:6379", "redis://"},
    {"rediss://h", "TLS"},
    {"redis://user@h", "without a password"},
    {"redis://user:@h", "empty password"},
    {"redis://:p%4@h", "%25"},
    {"redis://:p%zz@h", "%25"},
    {"redis://:p%00@h", "%25"},
    {"redis://h:0", "port"},
    {"redis://h:65536", "port"},
    {"redis://h:port", "port"},
    {"redis://h:", "port"},
    {"redis://[::1", "bracket"},
    {"redis://h/zero", "database"},
    {"redis://h/0/1", "database"},
    {"redis://h/-1", "database"},
    {"redis://h?db=x", "db="},
    {"unix://run/redis.sock", "absolute"},
};

START_TEST(a_url_that_is_none_is_refused_with_a_sentence)
{
    const char *why = "";
    ck_assert_int_eq(stream_check_url(bad_url_rows[_i].url, &why), -1);
    ck_assert_msg(strstr(why, bad_url_rows[_i].why) != NULL, "'%s' says: %s", bad_url_rows[_i].url, why);
}
END_TEST

START_TEST(words_of_any_bytes_come_back)
{
    struct redis redis;
    redis_open_test(&redis);
    struct stream_command *command = stream_command("SET");
    stream_add_len(command, "k\0 \r\n", 5);
    stream_add_len(command, "$3\r\n*\0%s", 8);
    ck_assert_str_eq(redis_call(&redis, command), "OK");
    command = stream_command("GET");
    stream_add_len(command, "k\0 \r\n", 5);
    redis_call(&redis, command);
    ck_assert_uint_eq(redis.answer.len, 8);
    ck_assert_int_eq(memcmp(redis.answer.data, "$3\r\n*\0%s", 8), 0);
    struct uuid uuid = {.bytes = {1, 2, 3}};
    command = stream_command("ECHO");
    stream_add_uuid(command, &uuid);
    ck_assert_str_eq(redis_call(&redis, command), "01020300-0000-0000-0000-000000000000");
    command = stream_command("ECHO");
    stream_add_int(command, INT64_MIN);
    ck_assert_str_eq(redis_call(&redis, command), "-9223372036854775808");
    redis_close(&redis);
}
END_TEST

static void on_shape(const struct stream_reply *reply, void *arg)
{
    ck_assert_int_eq(reply_type(reply), REPLY_ARRAY);
    ck_assert_uint_eq(reply_count(reply), 6);
    ck_assert_int_eq(reply_int(reply_at(reply, 0)), -5);
    ck_assert_int_eq(reply_type(reply_at(reply, 1)), REPLY_TEXT);
    ck_assert_int_eq(reply_int(reply_at(reply, 1)), 42);
    ck_assert_int_eq(reply_int(reply_at(reply, 2)), 0); /* "4 2" */
    ck_assert_int_eq(reply_type(reply_at(reply, 3)), REPLY_NIL);
    ck_assert_int_eq(reply_type(reply_at(reply, 4)), REPLY_STATUS);
    ck_assert_uint_eq(reply_count(reply_at(reply, 5)), 1);
    ck_assert_str_eq(reply_text(reply_at(reply_at(reply, 5), 0), NULL), "x");
    ck_assert_ptr_null(reply_at(reply, 6));
    ck_assert_ptr_null(reply_text(reply_at(reply, 0), NULL));
    ck_assert_uint_eq(reply_count(reply_at(reply, 0)), 0);
    *(bool *)arg = true;
}

START_TEST(replies_of_every_shape_are_read)
{
    struct redis redis;
    bool done = false;
    redis_open_test(&redis);
    struct stream_command *command =
        words("EVAL", "return {-5, '42', '4 2', false, {ok='fine'}, {'x'}}", "0");
    stream_send(redis.stream, command, on_shape, &done);
    redis_until(&redis, done);
    ck_assert_int_eq(reply_type(NULL), REPLY_NIL);
    ck_assert_int_eq(reply_int(NULL), 0);
    redis_close(&redis);
}
END_TEST

static void on_error(const struct stream_reply *reply, void *arg)
{
    ck_assert(reply_is_error(reply, NULL));
    ck_assert(reply_is_error(reply, "WRONGTYPE"));
    ck_assert(!reply_is_error(reply, "WRONG"));
    ck_assert(!reply_is_error(reply, "ERR"));
    ck_assert(!reply_is_error(NULL, NULL));
    *(bool *)arg = true;
}

START_TEST(an_error_is_a_reply_and_has_a_code)
{
    struct redis redis;
    bool done = false;
    redis_open_test(&redis);
    redis_do(&redis, "SET text 1");
    stream_send(redis.stream, words("SCARD", "text", NULL), on_error, &done);
    redis_until(&redis, done);
    redis_close(&redis);
}
END_TEST

struct order {
    int next, wrong;
};

static void on_ordered(const struct stream_reply *reply, void *arg)
{
    struct order *order = arg;
    order->next++;
    order->wrong += reply_int(reply) != order->next;
}

START_TEST(pipelined_commands_are_answered_in_order)
{
    struct redis redis;
    struct order order = {0, 0};
    redis_open_test(&redis);
    for (int i = 0; i < 5000; i++)
        stream_send(redis.stream, words("INCR", "n", NULL), on_ordered, &order);
    ck_assert_int_eq(order.next, 0); /* never from within stream_send */
    redis_until(&redis, order.next == 5000);
    ck_assert_int_eq(order.wrong, 0);
    redis_close(&redis);
}
END_TEST

START_TEST(the_connection_has_its_database_and_name)
{
    struct redis redis, first;
    char url[256];
    redis_open_test(&first);
    snprintf(url, sizeof(url), "%s%cdb=5", redis_url(), strchr(redis_url(), '?') ? '&' : '?');
    redis_open(&redis, url, WAIT_MS, 10);
    redis_until(&redis, stream_up(redis.stream));
    ck_assert_str_eq(redis_do(&redis, "CLIENT GETNAME"), "unit_test");
    redis_do(&redis, "SET only here");
    ck_assert_ptr_nonnull(strstr(redis_do(&redis, "CLIENT INFO"), " db=5 "));
    ck_assert_str_eq(redis_do(&first, "GET only"), "nil");
    redis_close(&redis);
    redis_close(&first);
}
END_TEST

START_TEST(without_redis_commands_are_answered_null_from_the_loop)
{
    struct redis redis;
    char url[64];
    struct tally tally = {0, 0};
    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", redis_free_port());
    redis_open(&redis, url, 1000, 10);
    stream_send(redis.stream, stream_command("PING"), on_tally, &tally);
    ck_assert_int_eq(tally.answers, 0);
    redis_until(&redis, tally.answers == 1);
    ck_assert_int_eq(tally.nulls, 1);
    stream_send(redis.stream, stream_command("PING"), NULL, NULL); /* nobody wants to know */
    redis_turn(&redis);
    ck_assert(!stream_up(redis.stream));
    redis_close(&redis);
}
END_TEST

static void on_state(bool up, void *arg)
{
    int *changes = arg;
    changes[up]++;
}

START_TEST(client_kill_answers_each_command_null_once_and_reconnects)
{
    struct redis redis, killer;
    struct tally tally = {0, 0};
    int changes[2] = {0, 0};
    char line[64];
    redis_open_test(&redis);
    redis_open_test(&killer);
    stream_on_state(redis.stream, on_state, changes);
    snprintf(line, sizeof(line), "CLIENT KILL ID %s", redis_do(&redis, "CLIENT ID"));
    stream_send(redis.stream, words("BLPOP", "never", "0"), on_tally, &tally);
    for (int i = 0; i < 500; i++)
        stream_send(redis.stream, stream_command("PING"), on_tally, &tally);
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
    struct tally tally = {0, 0};
    redis_open(&redis, redis_url(), 200, 10);
    redis_until(&redis, stream_up(redis.stream));
    int64_t id = strtoll(redis_do(&redis, "CLIENT ID"), NULL, 10);
    stream_send(redis.stream, words("BLPOP", "never", "5"), on_tally, &tally);
    stream_send(redis.stream, stream_command("PING"), on_tally, &tally);
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
    struct tally tally = {0, 0};
    redis_server_start(&server, 0, NULL);
    redis_open(&redis, server.url, WAIT_MS, 10);
    stream_on_state(redis.stream, on_state, changes);
    for (int i = 1; i <= 2; i++) {
        redis_until(&redis, stream_up(redis.stream));
        ck_assert_str_eq(redis_call(&redis, stream_script("return 'script'", 0)), "script");
        stream_send(redis.stream, words("BLPOP", "never", "0"), on_tally, &tally);
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

START_TEST(above_the_ceiling_commands_are_answered_null)
{
    struct redis redis;
    struct tally tally = {0, 0};
    redis_open(&redis, redis_url(), WAIT_MS, 10);
    redis_until(&redis, stream_up(redis.stream));
    for (int i = 0; i < 15; i++)
        stream_send(redis.stream, stream_command("PING"), on_tally, &tally);
    redis_until(&redis, tally.answers == 15);
    ck_assert_int_eq(tally.nulls, 5);
    ck_assert_str_eq(redis_do(&redis, "PING"), "PONG");
    redis_close(&redis);
}
END_TEST

START_TEST(a_command_above_16_mib_is_not_sent)
{
    struct redis redis;
    struct tally tally = {0, 0};
    char *word = mem_alloc(STREAM_COMMAND_MAX);
    redis_open_test(&redis);
    struct stream_command *command = stream_command("ECHO");
    stream_add_len(command, word, STREAM_COMMAND_MAX - 100);
    stream_add_len(command, word, 200);
    stream_send(redis.stream, command, on_tally, &tally);
    redis_until(&redis, tally.nulls == 1);
    ck_assert_str_eq(redis_do(&redis, "PING"), "PONG");
    command = stream_command("NEVER"); /* sent */
    stream_command_free(&command);
    ck_assert_ptr_null(command);
    free(word);
    redis_close(&redis);
}
END_TEST

START_TEST(freeing_answers_what_is_in_flight)
{
    struct redis redis;
    struct tally tally = {0, 0};
    redis_open_test(&redis);
    stream_send(redis.stream, words("BLPOP", "never", "0"), on_tally, &tally);
    redis_turn(&redis);
    for (int i = 0; i < 20; i++)
        stream_send(redis.stream, stream_command("PING"), on_tally, &tally);
    stream_free(&redis.stream);
    ck_assert_ptr_null(redis.stream);
    ck_assert_int_eq(tally.answers, 21);
    ck_assert_int_eq(tally.nulls, 21);
    redis_close(&redis);
}
END_TEST

struct freeing {
    struct redis *redis;
    struct tally tally;
    int free_at;
};

static void on_freeing(const struct stream_reply *reply, void *arg)
{
    struct freeing *freeing = arg;
    on_tally(reply, &freeing->tally);
    if (freeing->tally.answers == freeing->free_at)
        stream_free(&freeing->redis->stream);
}

START_TEST(a_callback_may_free_the_stream)
{
    struct redis redis;
    struct freeing freeing = {.redis = &redis, .free_at = 3};
    redis_open_test(&redis);
    for (int i = 0; i < 10; i++)
        stream_send(redis.stream, stream_command("PING"), on_freeing, &freeing);
    redis_until(&redis, !redis.stream);
    ck_assert_int_eq(freeing.tally.answers, 10);
    ck_assert_int_eq(freeing.tally.nulls, 7);
    redis_close(&redis);
}
END_TEST

START_TEST(a_callback_without_a_reply_may_free_the_stream)
{
    struct redis redis;
    struct freeing freeing = {.redis = &redis, .free_at = 3};
    redis_open(&redis, "redis://127.0.0.1:1", 1000, 10);
    for (int i = 0; i < 10; i++)
        stream_send(redis.stream, stream_command("PING"), on_freeing, &freeing);
    redis_until(&redis, !redis.stream);
    ck_assert_int_eq(freeing.tally.nulls, 10);
    redis_close(&redis);
}
END_TEST

static void on_state_free(bool up, void *arg)
{
    struct freeing *freeing = arg;
    if (up == freeing->free_at)
        stream_free(&freeing->redis->stream);
}

START_TEST(the_hook_may_free_the_stream)
{
    struct redis redis;
    struct freeing freeing = {.redis = &redis, .free_at = _i};
    redis_open(&redis, redis_url(), WAIT_MS, 10);
    stream_on_state(redis.stream, on_state_free, &freeing);
    if (_i == false) {
        redis_until(&redis, stream_up(redis.stream));
        stream_send(redis.stream, stream_command("QUIT"), on_tally, &freeing.tally);
        stream_send(redis.stream, words("BLPOP", "never", "0"), on_tally, &freeing.tally);
    }
    redis_until(&redis, !redis.stream);
    ck_assert_int_eq(freeing.tally.answers, _i == false ? 2 : 0);
    redis_close(&redis);
}
END_TEST

struct chain {
    struct redis *redis;
    int left;
};

static void on_link(const struct stream_reply *reply, void *arg)
{
    struct chain *chain = arg;
    (void)reply;
    if (--chain->left > 0)
        stream_send(chain->redis->stream, stream_command("PING"), on_link, chain);
}

START_TEST(a_callback_may_send)
{
    struct redis redis;
    struct chain chain = {&redis, 100};
    redis_open_test(&redis);
    stream_send(redis.stream, stream_command("PING"), on_link, &chain);
    redis_until(&redis, chain.left == 0);
    chain.left = 100; /* also with Redis gone, while the stream is being freed */
    stream_send(redis.stream, stream_command("PING"), on_link, &chain);
    stream_free(&redis.stream);
    ck_assert_int_eq(chain.left, 0);
    redis_close(&redis);
}
END_TEST

static const char script_text[] = "return {KEYS[1], ARGV[1]}";

static struct stream_command *script(const char *key, const char *argument)
{
    struct stream_command *command = stream_script(script_text, 1);
    stream_add(command, key);
    stream_add(command, argument);
    return command;
}

START_TEST(a_script_goes_by_its_hash_once_redis_knows_it)
{
    struct redis redis;
    redis_open_test(&redis);
    redis_do(&redis, "CONFIG RESETSTAT");
    for (int i = 0; i < 5; i++)
        ck_assert_str_eq(redis_call(&redis, script("k", "a")), "[k a]");
    const char *stats = redis_do(&redis, "INFO commandstats");
    ck_assert_ptr_nonnull(strstr(stats, "cmdstat_eval:calls=1,"));
    ck_assert_ptr_nonnull(strstr(stats, "cmdstat_evalsha:calls=4,"));
    redis_close(&redis);
}
END_TEST

static void on_script(const struct stream_reply *reply, void *arg)
{
    int *right = arg;
    *right += reply_count(reply) == 2 && strcmp(reply_text(reply_at(reply, 1), NULL), "a") == 0;
}

START_TEST(a_script_that_redis_forgot_is_sent_again)
{
    struct redis redis;
    int right = 0;
    redis_open_test(&redis);
    redis_call(&redis, script("k", "a"));
    stream_send(redis.stream, words("SCRIPT", "FLUSH", NULL), NULL, NULL);
    for (int i = 0; i < 50; i++)
        stream_send(redis.stream, script("k", "a"), on_script, &right);
    redis_until(&redis, right == 50);
    redis_do(&redis, "CONFIG RESETSTAT");
    redis_call(&redis, script("k", "a"));
    ck_assert_ptr_null(strstr(redis_do(&redis, "INFO commandstats"), "cmdstat_eval:"));
    redis_close(&redis);
}
END_TEST

#define ROWS(rows) (int)(sizeof(rows) / sizeof(rows[0]))

static void add_lifetime_tests(TCase *tcase)
{
    tcase_add_test(tcase, freeing_answers_what_is_in_flight);
    tcase_add_test(tcase, a_callback_may_free_the_stream);
    tcase_add_test(tcase, a_callback_without_a_reply_may_free_the_stream);
    tcase_add_loop_test(tcase, the_hook_may_free_the_stream, 0, 2);
    tcase_add_test(tcase, a_callback_may_send);
}

static void add_failure_tests(TCase *tcase)
{
    tcase_add_test(tcase, without_redis_commands_are_answered_null_from_the_loop);
    tcase_add_test(tcase, client_kill_answers_each_command_null_once_and_reconnects);
    tcase_add_test(tcase, a_command_without_an_answer_in_time_replaces_the_connection);
    tcase_add_test(tcase, redis_stopped_and_started_comes_back_by_itself);
    tcase_add_test(tcase, a_wrong_password_is_tried_again_and_never_logged);
    tcase_add_test(tcase, no_password_where_one_is_wanted_is_not_up);
    tcase_add_loop_test(tcase, what_does_not_answer_like_redis_is_never_up_and_tried_again, 0,
                        ROWS(greetings));
    tcase_add_test(tcase, above_the_ceiling_commands_are_answered_null);
    tcase_add_test(tcase, a_command_above_16_mib_is_not_sent);
}

int main(void)
{
    log_open("test_stream", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    Suite *suite = suite_create("stream");
    TCase *tcase = tcase_create("stream");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_url_says_where_and_who, 0, ROWS(url_rows));
    tcase_add_loop_test(tcase, a_url_that_is_none_is_refused_with_a_sentence, 0, ROWS(bad_url_rows));
    tcase_add_test(tcase, words_of_any_bytes_come_back);
    tcase_add_test(tcase, replies_of_every_shape_are_read);
    tcase_add_test(tcase, an_error_is_a_reply_and_has_a_code);
    tcase_add_test(tcase, pipelined_commands_are_answered_in_order);
    tcase_add_test(tcase, the_connection_has_its_database_and_name);
    tcase_add_test(tcase, a_script_goes_by_its_hash_once_redis_knows_it);
    tcase_add_test(tcase, a_script_that_redis_forgot_is_sent_again);
    add_failure_tests(tcase);
    add_lifetime_tests(tcase);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
