/* test_gate_breaker.c: when the breaker of one platform opens, who probes, and how it begins again. */
#include "../../worker/share.h"
#include "gate_fixture.h"

/* ── breaker ── */

static const struct {
    unsigned ok, failed;
    bool opens;
} mixes[] = {{0, 4, false},  {0, 5, true},  {1, 4, false},  {1, 19, false}, {1, 20, true},
             {2, 38, false}, {2, 39, true}, {5, 95, false}, {5, 96, true},  {10, 40, false}};

START_TEST(the_breaker_opens_when_fewer_than_1_in_20_records_succeed_and_enough_were_seen)
{
    bool excused = false;

    for (unsigned i = 0; i < mixes[_i].ok; i++)
        succeed_one(++fresh_record);
    for (unsigned i = 0; i < mixes[_i].failed; i++) {
        ck_assert_int_eq(gate.state, GATE_CLOSED);
        ck_assert(!excused);
        excused = fail_one(++fresh_record);
    }
    ck_assert_int_eq(gate.state == GATE_OPEN, mixes[_i].opens);
    ck_assert_int_eq(excused, mixes[_i].opens); /* the failure that opens it costs no attempt */
}
END_TEST

START_TEST(one_record_that_fails_again_and_again_opens_nothing)
{
    for (int i = 0; i < 1000; i++) {
        ck_assert(!fail_one(7));
        now += 10;
    }
    ck_assert_int_eq(gate.state, GATE_CLOSED);
}
END_TEST

START_TEST(what_a_record_did_last_is_what_counts)
{
    for (uint64_t record = 1; record <= 4; record++)
        fail_one(record);
    for (uint64_t record = 1; record <= 4; record++)
        succeed_one(record);
    for (uint64_t record = 1; record <= 4; record++)
        ck_assert(!fail_one(record));
    ck_assert(fail_one(5));
}
END_TEST

START_TEST(failures_of_the_last_minute_count_when_few_came_in_ten_seconds)
{
    for (uint64_t record = 1; record <= 4; record++) {
        fail_one(record);
        now += 14000;
    }
    ck_assert(fail_one(5));
    ck_assert_int_eq(gate.state, GATE_OPEN);
}
END_TEST

START_TEST(successes_older_than_ten_seconds_do_not_excuse_an_outage)
{
    for (uint64_t record = 1; record <= 50; record++)
        succeed_one(record);
    now += 10000;
    for (uint64_t record = 101; record <= 104; record++)
        ck_assert(!fail_one(record));
    ck_assert(fail_one(105));
}
END_TEST

START_TEST(failures_older_than_a_minute_are_forgotten)
{
    for (uint64_t record = 1; record <= 4; record++)
        fail_one(record);
    now += 60000;
    ck_assert(!fail_one(5));
    ck_assert_int_eq(gate.state, GATE_CLOSED);
}
END_TEST

START_TEST(an_outage_shows_at_once_after_thousands_of_successes)
{
    for (uint64_t record = 1; record <= 10000; record++)
        succeed_one(record);
    unsigned failed = 0;
    while (gate.state == GATE_CLOSED && failed < 1000)
        fail_one(100000 + failed++);
    ck_assert_uint_le(failed, GATE_SEEN);
    ck_assert_uint_ge(failed, GATE_SEEN * 9 / 10);
}
END_TEST

START_TEST(records_that_fail_one_after_the_other_are_suspect_until_one_succeeds)
{
    for (uint64_t record = 1; record <= 40; record++)
        succeed_one(record);
    now += 100;
    for (uint64_t record = 101; record <= 105; record++) {
        ck_assert(!gate_is_suspect(&gate, now));
        ck_assert(!fail_one(record));
        ck_assert(!fail_one(record)); /* one record is one */
    }
    ck_assert(gate_is_suspect(&gate, now));
    ck_assert(!gate_is_suspect(&gate, now + 60000));
    now += 100;
    succeed_one(1);
    ck_assert(!gate_is_suspect(&gate, now));
}
END_TEST

START_TEST(rejections_of_content_neither_open_nor_close_the_breaker)
{
    for (int i = 0; i < 100; i++) {
        gate_started(&gate);
        gate_neutral(&gate);
    }
    ck_assert_int_eq(gate.state, GATE_CLOSED);
    open_it();
    now += 1000;
    ck_assert_uint_eq(gate_permits(&gate, now), 1);
    gate_started(&gate);
    gate_neutral(&gate);
    ck_assert_int_eq(gate.state, GATE_HALF_OPEN);
    ck_assert_uint_eq(gate_permits(&gate, now), 1);
}
END_TEST

START_TEST(an_open_breaker_lets_nothing_through_until_one_probe)
{
    open_it();
    ck_assert(gate_is_shut(&gate, now));
    ck_assert_int_eq(gate_wait_ms(&gate, now), 1000);
    ck_assert_uint_eq(gate_permits(&gate, now), 0);
    now += 999;
    ck_assert_uint_eq(gate_permits(&gate, now), 0);
    now += 1;
    ck_assert(!gate_is_shut(&gate, now));
    ck_assert_uint_eq(gate_permits(&gate, now), 1);
    ck_assert_int_eq(gate.state, GATE_HALF_OPEN);
    gate_started(&gate);
    ck_assert_uint_eq(gate_permits(&gate, now), 0);
}
END_TEST

START_TEST(a_probe_waits_for_what_was_in_flight_when_the_breaker_opened)
{
    gate_started(&gate);
    open_it();
    now += 1000;
    ck_assert_uint_eq(gate_permits(&gate, now), 0);
    ck_assert(gate_failed(&gate, 99, now)); /* excused: it began before */
    now += 30000;
    ck_assert_uint_eq(gate_permits(&gate, now), 1);
}
END_TEST

START_TEST(the_wait_doubles_with_each_failed_probe_up_to_thirty_seconds)
{
    static const int64_t waits[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};

    open_it();
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        ck_assert_int_eq(gate_wait_ms(&gate, now), waits[i]);
        now += waits[i];
        ck_assert_uint_eq(gate_permits(&gate, now), 1);
        ck_assert(fail_one(1)); /* a probe costs nothing */
        ck_assert_int_eq(gate.state, GATE_OPEN);
    }
    now += 30000;
    ck_assert_uint_eq(gate_permits(&gate, now), 1);
    succeed_one(1);
    ck_assert_int_eq(gate.state, GATE_CLOSED);
    now += 60000;
    open_it();
    ck_assert_int_eq(gate_wait_ms(&gate, now), 1000); /* from the start again */
}
END_TEST

START_TEST(after_an_outage_a_tenth_starts_and_at_most_doubles_each_second)
{
    double allowed = WINDOW_MAX / 10;

    for (int i = 0; i < 50; i++)
        full_window();
    open_it();
    now += 1000;
    ck_assert_uint_eq(gate_permits(&gate, now), 1);
    succeed_one(1);
    int64_t closed = now;
    for (; now < closed + 8000; now += 50) {
        if (now > closed && (now - closed) % 1000 == 0)
            allowed *= 2;
        ck_assert_uint_le(gate_permits(&gate, now), (unsigned)(allowed < WINDOW_MAX ? allowed : WINDOW_MAX));
        ck_assert_uint_ge(gate_permits(&gate, now), 1);
        full_window();
    }
    for (int i = 0; i < 200; i++)
        full_window();
    ck_assert_uint_eq(gate_permits(&gate, now), WINDOW_MAX);
}
END_TEST

START_TEST(a_slow_start_says_when_more_may_start)
{
    open_it();
    now += 1000;
    gate_permits(&gate, now);
    succeed_one(1);
    ck_assert_int_gt(gate_wait_ms(&gate, now), 0);
    ck_assert_int_le(gate_wait_ms(&gate, now), 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate breaker");
    TCase *tests = tcase_create("gate breaker");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, the_breaker_opens_when_fewer_than_1_in_20_records_succeed_and_enough_were_seen,
                        0, (int)(sizeof mixes / sizeof *mixes));
    tcase_add_test(tests, one_record_that_fails_again_and_again_opens_nothing);
    tcase_add_test(tests, what_a_record_did_last_is_what_counts);
    tcase_add_test(tests, failures_of_the_last_minute_count_when_few_came_in_ten_seconds);
    tcase_add_test(tests, successes_older_than_ten_seconds_do_not_excuse_an_outage);
    tcase_add_test(tests, failures_older_than_a_minute_are_forgotten);
    tcase_add_test(tests, an_outage_shows_at_once_after_thousands_of_successes);
    tcase_add_test(tests, records_that_fail_one_after_the_other_are_suspect_until_one_succeeds);
    tcase_add_test(tests, rejections_of_content_neither_open_nor_close_the_breaker);
    tcase_add_test(tests, an_open_breaker_lets_nothing_through_until_one_probe);
    tcase_add_test(tests, a_probe_waits_for_what_was_in_flight_when_the_breaker_opened);
    tcase_add_test(tests, the_wait_doubles_with_each_failed_probe_up_to_thirty_seconds);
    tcase_add_test(tests, after_an_outage_a_tenth_starts_and_at_most_doubles_each_second);
    tcase_add_test(tests, a_slow_start_says_when_more_may_start);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
