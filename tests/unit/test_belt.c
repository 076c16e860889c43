/* test_belt.c: publishing and acknowledging on a real Redis (TEST_REDIS_URL): belt.lua through belt.c. */
#include <check.h>

#include "belt_fixture.h"
#include "clock.h"
#include "log.h"
#include "lua.h"
#include "mem.h"

START_TEST(publishing_twice_adds_once)
{
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 10), 10);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 10), 0);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 5, 15), 5);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 3, 4), 0);
    ck_assert_str_eq(redis_do(&belt_redis, "SCARD " BELT_SET), "15");
    ck_assert_str_eq(redis_do(&belt_redis, "XLEN " BELT_STREAM), "2");
}
END_TEST

START_TEST(an_id_named_twice_in_one_call_is_one_reference)
{
    struct belt_call *call = belt_call_new(0);
    struct ref a = belt_numbered_ref(1), b = belt_numbered_ref(2);
    belt_publish(call, BELT_STREAM, BELT_WINDOW, &a);
    belt_publish(call, BELT_STREAM, BELT_WINDOW, &b);
    belt_publish(call, BELT_STREAM, BELT_WINDOW, &a);
    ck_assert_int_eq(belt_send_wait(call, "", 0).added, 2);
    belt_lease("7", "m");
    struct belt_reading reading = belt_read_from(">", 10);
    ck_assert_uint_eq(reading.entries, 1);
    ck_assert_uint_eq(reading.refs, 2);
}
END_TEST

START_TEST(an_entry_carries_at_most_64_references)
{
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 130), 130);
    belt_lease("7", "m");
    struct belt_reading reading = belt_read_from(">", 10);
    ck_assert_uint_eq(reading.entries, 3);
    ck_assert_uint_eq(reading.refs, 130);
    ck_assert_int_eq(reading.size, 130);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(reading.verdicts[i], MSG_OK);
}
END_TEST

START_TEST(thousands_of_references_in_one_call_are_packed)
{
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, 10000, 0, 5), 5);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, 10000, 0, 5000), 4995);
    ck_assert_str_eq(redis_do(&belt_redis, "XLEN " BELT_STREAM), "80"); /* 1 and 79 of 64 */
    belt_lease("7", "m");
    struct belt_reading reading = belt_read_from(">", 100);
    ck_assert_uint_eq(reading.refs, 5000);
    ck_assert_int_eq(belt_acknowledge_numbers(0, 5000, NULL, 7).result, BELT_OK);
    ck_assert_str_eq(redis_do(&belt_redis, "SCARD " BELT_SET), "0");
}
END_TEST

START_TEST(the_window_refuses_what_is_above_it)
{
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, 100, 0, 250), 100);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, 100, 250, 260), 0);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, 100, 250, 251), 0);
    ck_assert_str_eq(redis_do(&belt_redis, "SCARD " BELT_SET), "100");
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, 101, 250, 260), 1);
}
END_TEST

START_TEST(hints_flow_beyond_the_owners_nine_tenths)
{
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, 900, 0, 1000), 900);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, 900, 1000, 1010), 0);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 1000, 1010), 10);
    struct belt_call *call = belt_call_new(0);
    struct ref owner = belt_numbered_ref(2000), hint = belt_numbered_ref(2001);
    belt_publish(call, BELT_STREAM, 900, &owner);
    belt_publish(call, BELT_STREAM, BELT_WINDOW, &hint);
    ck_assert_int_eq(belt_send_wait(call, "", 0).added, 1);
}
END_TEST

START_TEST(a_hand_over_is_one_step)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 2);
    belt_lease("7", "m");
    struct belt_reading reading = belt_read_from(">", 10);
    struct belt_call *call = belt_call_new(0);
    struct ref done = belt_numbered_ref(0), left = belt_numbered_ref(1);
    ck_assert(belt_call_empty(call));
    belt_ack_ref(call, BELT_STREAM, &done.event);
    belt_ack_ref(call, BELT_STREAM, &left.event);
    belt_ack_entry(call, BELT_STREAM, reading.ids[0]);
    belt_publish(call, BELT_OTHER, BELT_WINDOW, &done);
    belt_publish(call, BELT_OTHER, BELT_WINDOW, &left);
    belt_publish(call, "conflicts:{p00}", BELT_WINDOW, &left);
    ck_assert(!belt_call_empty(call));
    struct belt_outcome outcome = belt_send_wait(call, PROTO_STAGE_ROUTER, 7);
    ck_assert_int_eq(outcome.result, BELT_OK);
    ck_assert_int_eq(outcome.added, 3);
    ck_assert_str_eq(redis_do(&belt_redis, "XLEN " BELT_STREAM), "0");
    ck_assert_str_eq(redis_do(&belt_redis, "EXISTS " BELT_SET), "0");
    ck_assert_str_eq(redis_do(&belt_redis, "XPENDING " BELT_STREAM " sync"), "[0 nil nil nil]");
    ck_assert_str_eq(redis_do(&belt_redis, "SCARD on:" BELT_OTHER), "2");
    ck_assert_str_eq(redis_do(&belt_redis, "XLEN conflicts:{p00}"), "1");
}
END_TEST

START_TEST(a_packed_entry_goes_only_with_its_last_reference)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 3);
    belt_lease("7", "m");
    struct belt_reading reading = belt_read_from(">", 10);
    ck_assert_int_eq(belt_acknowledge_numbers(0, 2, NULL, 7).result, BELT_OK);
    ck_assert_str_eq(redis_do(&belt_redis, "XLEN " BELT_STREAM), "1");
    ck_assert_str_eq(redis_do(&belt_redis, "SCARD " BELT_SET), "1");
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 2, 3), 0);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 1), 1); /* done, and due again */
    ck_assert_int_eq(belt_acknowledge_numbers(2, 3, reading.ids[0], 7).result, BELT_OK);
    ck_assert_str_eq(redis_do(&belt_redis, "XLEN " BELT_STREAM), "1");
    ck_assert_str_eq(redis_do(&belt_redis, "SCARD " BELT_SET), "1");
}
END_TEST

/* Everything that a refused call could have touched. */
static char *everything(void)
{
    struct buf all;
    buf_init(&all);
    static const char *const commands[] = {"XRANGE " BELT_STREAM " - +", "XPENDING " BELT_STREAM " sync",
                                           "SMEMBERS " BELT_SET, "EXISTS " BELT_OTHER, "HGETALL " BELT_OWNER};
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        buf_add_str(&all, redis_do(&belt_redis, commands[i]));
    return buf_detach(&all, NULL);
}

static const struct {
    const char *stands; /* NULL: no owner key */
    int64_t fence;
} stale_rows[] = {{"8", 7}, {"6", 7}, {NULL, 7}, {"77", 7}, {"8", -1}};

START_TEST(a_stale_fence_changes_nothing)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 3);
    belt_lease("7", "m");
    struct belt_reading reading = belt_read_from(">", 10);
    redis_do(&belt_redis, "DEL " BELT_OWNER);
    if (stale_rows[_i].stands)
        belt_lease(stale_rows[_i].stands, "m");
    char *before = everything();
    struct belt_call *call = belt_call_new(0);
    struct ref ref = belt_numbered_ref(0), fresh = belt_numbered_ref(9);
    belt_ack_ref(call, BELT_STREAM, &ref.event);
    belt_ack_entry(call, BELT_STREAM, reading.ids[0]);
    belt_publish(call, BELT_OTHER, BELT_WINDOW, &fresh);
    struct belt_outcome outcome = belt_send_wait(call, PROTO_STAGE_ROUTER, stale_rows[_i].fence);
    ck_assert_int_eq(outcome.result, BELT_FENCED);
    ck_assert_int_eq(outcome.added, 0);
    char *after = everything();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}
END_TEST

START_TEST(acknowledging_needs_a_fence)
{
    struct stream_command *command = stream_script(lua_belt, 3);
    static const char *const words[] = {BELT_OWNER, BELT_STREAM, BELT_SET, "", "1", "0", "0", "0"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        stream_add(command, words[i]);
    ck_assert_str_eq(redis_call(&belt_redis, command), "(ERR acknowledging needs a fence)");
}
END_TEST

START_TEST(without_redis_the_call_says_so)
{
    struct redis away;
    struct belt_outcome outcome = {0, BELT_OK, 1};
    struct belt_call *call = belt_call_new(0);
    struct ref ref = belt_numbered_ref(1);
    redis_open(&away, "redis://127.0.0.1:1", 1000, 10);
    belt_publish(call, BELT_STREAM, BELT_WINDOW, &ref);
    belt_send(away.stream, call, "", 0, belt_on_sent, &outcome);
    redis_until(&away, outcome.calls == 1);
    ck_assert_int_eq(outcome.result, BELT_AWAY);
    ck_assert_int_eq(outcome.added, 0);
    call = belt_call_new(0); /* never sent */
    belt_publish(call, BELT_STREAM, BELT_WINDOW, &ref);
    belt_ack_ref(call, BELT_STREAM, &ref.event);
    belt_call_free(&call);
    belt_call_free(&call);
    redis_close(&away);
}
END_TEST

START_TEST(a_full_redis_refuses_hints_and_lets_hand_overs_finish)
{
    struct redis shared = belt_redis;
    struct redis_server server;
    redis_server_start(&server, 0, NULL);
    redis_open(&belt_redis, server.url, WAIT_MS, 10);
    redis_until(&belt_redis, stream_up(belt_redis.stream));
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 1);
    belt_lease("7", "m");
    struct belt_reading reading = belt_read_from(">", 10);
    ck_assert_str_eq(redis_do(&belt_redis, "CONFIG SET maxmemory 1"), "OK");
    struct belt_call *call = belt_call_new(0);
    struct ref ref = belt_numbered_ref(0), fresh = belt_numbered_ref(1);
    belt_publish(call, BELT_OTHER, BELT_WINDOW, &fresh);
    ck_assert_int_eq(belt_send_wait(call, "", 0).result, BELT_AWAY);
    ck_assert_str_eq(redis_do(&belt_redis, "EXISTS " BELT_OTHER " on:" BELT_OTHER), "0");
    call = belt_call_new(0);
    belt_ack_ref(call, BELT_STREAM, &ref.event);
    belt_ack_entry(call, BELT_STREAM, reading.ids[0]);
    belt_publish(call, BELT_OTHER, BELT_WINDOW, &ref);
    struct belt_outcome hand_over = belt_send_wait(call, PROTO_STAGE_ROUTER, 7);
    ck_assert_int_eq(hand_over.result, BELT_OK);
    ck_assert_int_eq(hand_over.added, 1);
    ck_assert_str_eq(redis_do(&belt_redis, "SCARD on:" BELT_OTHER), "1");
    ck_assert_str_eq(redis_do(&belt_redis, "XLEN " BELT_STREAM), "0");
    redis_close(&belt_redis);
    redis_server_stop(&server);
    belt_redis = shared;
}
END_TEST

int main(void)
{
    log_open("test_belt", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    Suite *suite = suite_create("belt");
    TCase *tcase = tcase_create("belt");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, belt_open, belt_close);
    tcase_add_test(tcase, publishing_twice_adds_once);
    tcase_add_test(tcase, an_id_named_twice_in_one_call_is_one_reference);
    tcase_add_test(tcase, an_entry_carries_at_most_64_references);
    tcase_add_test(tcase, thousands_of_references_in_one_call_are_packed);
    tcase_add_test(tcase, the_window_refuses_what_is_above_it);
    tcase_add_test(tcase, hints_flow_beyond_the_owners_nine_tenths);
    tcase_add_test(tcase, a_hand_over_is_one_step);
    tcase_add_test(tcase, a_packed_entry_goes_only_with_its_last_reference);
    tcase_add_loop_test(tcase, a_stale_fence_changes_nothing, 0,
                        (int)(sizeof(stale_rows) / sizeof(stale_rows[0])));
    tcase_add_test(tcase, acknowledging_needs_a_fence);
    tcase_add_test(tcase, without_redis_the_call_says_so);
    tcase_add_test(tcase, a_full_redis_refuses_hints_and_lets_hand_overs_finish);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
