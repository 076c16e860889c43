/* test_stream.c: commands, replies, scripts and lifetimes on a real Redis (TEST_REDIS_URL). */
#include <check.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "redis_fixture.h"
#include "stream_internal.h"

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
        redis_words("EVAL", "return {-5, '42', '4 2', false, {ok='fine'}, {'x'}}", "0");
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
    stream_send(redis.stream, redis_words("SCARD", "text", NULL), on_error, &done);
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
        stream_send(redis.stream, redis_words("INCR", "n", NULL), on_ordered, &order);
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

START_TEST(above_the_ceiling_commands_are_answered_null)
{
    struct redis redis;
    struct redis_tally tally = {0, 0};
    redis_open(&redis, redis_url(), WAIT_MS, 10);
    redis_until(&redis, stream_up(redis.stream));
    for (int i = 0; i < 15; i++)
        stream_send(redis.stream, stream_command("PING"), redis_on_tally, &tally);
    redis_until(&redis, tally.answers == 15);
    ck_assert_int_eq(tally.nulls, 5);
    ck_assert_str_eq(redis_do(&redis, "PING"), "PONG");
    redis_close(&redis);
}
END_TEST

START_TEST(a_command_above_16_mib_is_not_sent)
{
    struct redis redis;
    struct redis_tally tally = {0, 0};
    char *word = mem_alloc(STREAM_COMMAND_MAX);
    redis_open_test(&redis);
    struct stream_command *command = stream_command("ECHO");
    stream_add_len(command, word, STREAM_COMMAND_MAX - 100);
    stream_add_len(command, word, 200);
    stream_send(redis.stream, command, redis_on_tally, &tally);
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
    struct redis_tally tally = {0, 0};
    redis_open_test(&redis);
    stream_send(redis.stream, redis_words("BLPOP", "never", "0"), redis_on_tally, &tally);
    redis_turn(&redis);
    for (int i = 0; i < 20; i++)
        stream_send(redis.stream, stream_command("PING"), redis_on_tally, &tally);
    stream_free(&redis.stream);
    ck_assert_ptr_null(redis.stream);
    ck_assert_int_eq(tally.answers, 21);
    ck_assert_int_eq(tally.nulls, 21);
    redis_close(&redis);
}
END_TEST

struct freeing {
    struct redis *redis;
    struct redis_tally tally;
    int free_at;
};

static void on_freeing(const struct stream_reply *reply, void *arg)
{
    struct freeing *freeing = arg;
    redis_on_tally(reply, &freeing->tally);
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
        stream_send(redis.stream, stream_command("QUIT"), redis_on_tally, &freeing.tally);
        stream_send(redis.stream, redis_words("BLPOP", "never", "0"), redis_on_tally, &freeing.tally);
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
    stream_send(redis.stream, redis_words("SCRIPT", "FLUSH", NULL), NULL, NULL);
    for (int i = 0; i < 50; i++)
        stream_send(redis.stream, script("k", "a"), on_script, &right);
    redis_until(&redis, right == 50);
    redis_do(&redis, "CONFIG RESETSTAT");
    redis_call(&redis, script("k", "a"));
    ck_assert_ptr_null(strstr(redis_do(&redis, "INFO commandstats"), "cmdstat_eval:"));
    redis_close(&redis);
}
END_TEST

int main(void)
{
    log_open("test_stream", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    Suite *suite = suite_create("stream");
    TCase *tcase = tcase_create("stream");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, words_of_any_bytes_come_back);
    tcase_add_test(tcase, replies_of_every_shape_are_read);
    tcase_add_test(tcase, an_error_is_a_reply_and_has_a_code);
    tcase_add_test(tcase, pipelined_commands_are_answered_in_order);
    tcase_add_test(tcase, the_connection_has_its_database_and_name);
    tcase_add_test(tcase, above_the_ceiling_commands_are_answered_null);
    tcase_add_test(tcase, a_command_above_16_mib_is_not_sent);
    tcase_add_test(tcase, freeing_answers_what_is_in_flight);
    tcase_add_test(tcase, a_callback_may_free_the_stream);
    tcase_add_test(tcase, a_callback_without_a_reply_may_free_the_stream);
    tcase_add_loop_test(tcase, the_hook_may_free_the_stream, 0, 2);
    tcase_add_test(tcase, a_callback_may_send);
    tcase_add_test(tcase, a_script_goes_by_its_hash_once_redis_knows_it);
    tcase_add_test(tcase, a_script_that_redis_forgot_is_sent_again);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
