/* test_gate.c: window, breaker and Retry-After of one platform, with time as a variable. */
#include <check.h>
#include <stdlib.h>

#include "../../worker/share.h"

#define WINDOW_MAX 100
#define START_MS INT64_C(1000000)

static struct gate gate;
static int64_t now;
static uint64_t fresh_record;

static void begin(void)
{
    gate_init(&gate, 10, WINDOW_MAX);
    now = START_MS;
    fresh_record = 0;
}

/* As many as may start do, and succeed. */
static void full_window(void)
{
    unsigned started = 0;

    for (unsigned permits = gate_permits(&gate, now); started < permits; started++)
        gate_started(&gate);
    while (started-- > 0)
        gate_ok(&gate, ++fresh_record, now);
}

static bool fail_one(uint64_t record)
{
    gate_started(&gate);
    return gate_failed(&gate, record, now);
}

static void succeed_one(uint64_t record)
{
    gate_started(&gate);
    gate_ok(&gate, record, now);
}

static void open_it(void)
{
    for (unsigned i = 0; i < GATE_SEEN && gate.state == GATE_CLOSED; i++)
        fail_one(++fresh_record);
    ck_assert_int_eq(gate.state, GATE_OPEN);
}

/* ── requests that carry several records ── */

START_TEST(records_of_one_request_count_one_by_one_though_it_is_one_request)
{
    gate_started(&gate);
    for (uint64_t record = 1; record < GATE_MIN_RECORDS; record++)
        gate_note(&gate, record, false, now);
    ck_assert_int_eq(gate.state, GATE_CLOSED); /* the request itself tells last */
    ck_assert(gate_failed(&gate, GATE_MIN_RECORDS, now));
    ck_assert_int_eq(gate.state, GATE_OPEN);
    ck_assert_uint_eq(gate.in_flight, 0);
}
END_TEST

START_TEST(one_record_of_many_that_fails_is_the_records_trouble)
{
    gate_started(&gate);
    for (uint64_t record = 1; record < 20; record++)
        gate_note(&gate, record, true, now);
    ck_assert(!gate_failed(&gate, 20, now));
    ck_assert_int_eq(gate.state, GATE_CLOSED);
}
END_TEST

/* ── window ── */

START_TEST(the_window_doubles_with_each_full_window_until_the_first_setback)
{
    ck_assert_uint_eq(gate_permits(&gate, now), 10);
    full_window();
    ck_assert_uint_eq(gate_permits(&gate, now), 20);
    full_window();
    ck_assert_uint_eq(gate_permits(&gate, now), 40);
    gate_started(&gate);
    gate_slow_down(&gate, now);
    unsigned halved = gate_permits(&gate, now);
    ck_assert_uint_eq(halved, 20);
    for (int i = 0; i < 10; i++)
        full_window();
    ck_assert_uint_ge(gate_permits(&gate, now), halved + 8); /* by one each */
    ck_assert_uint_le(gate_permits(&gate, now), halved + 10);
}
END_TEST

START_TEST(records_that_fail_by_themselves_leave_the_window_as_it_is)
{
    full_window();
    for (uint64_t record = 1000; record < 1050; record++) { /* every other one */
        gate_started(&gate);
        ck_assert(!gate_record_failed(&gate, record, now));
        succeed_one(++fresh_record);
        now += 100;
    }
    ck_assert_uint_ge(gate_permits(&gate, now), 20);
    for (uint64_t record = 2000; record < 2000 + GATE_SEEN && gate.state == GATE_CLOSED; record++) {
        gate_started(&gate);
        gate_record_failed(&gate, record, now);
    }
    ck_assert_int_eq(gate.state, GATE_OPEN); /* none succeeds any more: it is the platform */
    ck_assert_uint_eq(gate.in_flight, 0);
}
END_TEST

START_TEST(the_window_never_passes_its_ceiling)
{
    for (int i = 0; i < 50; i++)
        full_window();
    ck_assert_uint_eq(gate_permits(&gate, now), WINDOW_MAX);
}
END_TEST

START_TEST(a_window_that_is_not_used_does_not_grow)
{
    for (uint64_t record = 1; record < 1000; record++)
        succeed_one(record);
    ck_assert_uint_eq(gate_permits(&gate, now), 10);
}
END_TEST

START_TEST(what_is_in_flight_counts_against_the_window)
{
    for (unsigned left = 10; left > 0; left--) {
        ck_assert_uint_eq(gate_permits(&gate, now), left);
        gate_started(&gate);
    }
    ck_assert_uint_eq(gate_permits(&gate, now), 0);
    gate_neutral(&gate);
    ck_assert_uint_eq(gate_permits(&gate, now), 1);
}
END_TEST

START_TEST(setbacks_halve_the_window_once_a_second_and_never_below_one)
{
    unsigned before = gate_permits(&gate, now);

    for (int i = 0; i < 4; i++) {
        gate_started(&gate);
        gate_slow_down(&gate, now);
    }
    ck_assert_uint_eq(gate_permits(&gate, now), before / 2);
    now += 999;
    gate_started(&gate);
    gate_slow_down(&gate, now);
    ck_assert_uint_eq(gate_permits(&gate, now), before / 2);
    now += 1;
    gate_started(&gate);
    gate_slow_down(&gate, now);
    ck_assert_uint_eq(gate_permits(&gate, now), before / 4);
    for (int i = 0; i < 20; i++) {
        now += 1000;
        gate_started(&gate);
        gate_slow_down(&gate, now);
    }
    ck_assert_uint_eq(gate_permits(&gate, now), 1);
    ck_assert_int_eq(gate.state, GATE_CLOSED); /* however often it asks to slow down, it is not away */
}
END_TEST

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

/* ── with other replicas ── */

static void lend(unsigned slots, unsigned live)
{
    struct share_slice slice = {.alone = live == 1,
                                .live = live,
                                .window = 10,
                                .proven = 10,
                                .slots = slots,
                                .repeats = 1,
                                .closed_age_ms = -1};

    gate_follow(&gate, &slice, now, now + 900);
}

START_TEST(what_was_not_lent_or_was_lent_too_long_ago_is_not_used)
{
    gate_share(&gate);
    ck_assert_uint_eq(gate_permits(&gate, now), 0);
    lend(4, 3);
    ck_assert_uint_eq(gate_permits(&gate, now), 4);
    ck_assert_uint_eq(gate_permits(&gate, now + 899), 4);
    ck_assert_uint_eq(gate_permits(&gate, now + 900), 0);
}
END_TEST

START_TEST(a_half_open_breaker_lets_only_the_prober_start)
{
    gate_share(&gate);
    lend(4, 3);
    open_it();
    now += 1000;
    gate.lent_until_ms = now + 900;
    ck_assert_uint_eq(gate_permits(&gate, now), 0);
    gate.probe = true;
    ck_assert_uint_eq(gate_permits(&gate, now), 1);
    succeed_one(1);
    ck_assert_int_eq(gate.state, GATE_CLOSED);
    ck_assert(gate_tell(&gate).closed);
    ck_assert_uint_eq(gate_permits(&gate, now), 0); /* until its part of the tenth is lent */
}
END_TEST

START_TEST(what_happened_here_is_newer_than_what_the_others_say)
{
    struct share_slice closed = {.live = 2, .slots = 5, .window = 10, .closed_age_ms = -1};

    gate_share(&gate);
    lend(4, 2);
    open_it();
    gate_follow(&gate, &closed, now, now + 900);
    ck_assert_int_eq(gate.state, GATE_OPEN);
    ck_assert(gate_tell(&gate).opened);
    gate_follow(&gate, &closed, now, now + 900);
    ck_assert_int_eq(gate.state, GATE_CLOSED);
}
END_TEST

START_TEST(an_outage_shows_as_soon_to_many_as_to_one)
{
    unsigned failed = 0;

    gate_share(&gate);
    lend(10, 4);
    for (uint64_t record = 1; record <= 1000; record++)
        succeed_one(record);
    while (gate.state == GATE_CLOSED && failed < 1000)
        fail_one(100000 + failed++);
    ck_assert_uint_le(failed, GATE_SEEN / 4);
}
END_TEST

START_TEST(successes_of_others_speak_for_the_platform)
{
    gate_share(&gate);
    lend(10, 2);
    gate.others_seen = gate.others_ok = 20;
    for (uint64_t record = 1; record <= 40; record++)
        ck_assert(!fail_one(record));
}
END_TEST

/* ── Retry-After ── */

START_TEST(nothing_starts_before_retry_after_ends)
{
    gate_hold(&gate, now + 5000);
    ck_assert(gate_is_shut(&gate, now));
    ck_assert_uint_eq(gate_permits(&gate, now + 4999), 0);
    ck_assert_int_eq(gate_wait_ms(&gate, now), 5000);
    gate_hold(&gate, now + 3000); /* an earlier end does not shorten it */
    ck_assert_uint_eq(gate_permits(&gate, now + 4999), 0);
    ck_assert_uint_eq(gate_permits(&gate, now + 5000), 10);
    ck_assert(!gate_is_shut(&gate, now + 5000));
}
END_TEST

START_TEST(a_hold_outlasts_the_breakers_wait)
{
    open_it();
    gate_hold(&gate, now + 5000);
    ck_assert_int_eq(gate_wait_ms(&gate, now), 5000);
    ck_assert_uint_eq(gate_permits(&gate, now + 2000), 0);
    ck_assert_uint_eq(gate_permits(&gate, now + 5000), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *tests = tcase_create("gate");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, records_of_one_request_count_one_by_one_though_it_is_one_request);
    tcase_add_test(tests, one_record_of_many_that_fails_is_the_records_trouble);
    tcase_add_test(tests, the_window_doubles_with_each_full_window_until_the_first_setback);
    tcase_add_test(tests, records_that_fail_by_themselves_leave_the_window_as_it_is);
    tcase_add_test(tests, the_window_never_passes_its_ceiling);
    tcase_add_test(tests, a_window_that_is_not_used_does_not_grow);
    tcase_add_test(tests, what_is_in_flight_counts_against_the_window);
    tcase_add_test(tests, setbacks_halve_the_window_once_a_second_and_never_below_one);
    tcase_add_loop_test(tests, the_breaker_opens_when_fewer_than_1_in_20_records_succeed_and_enough_were_seen,
                        0, (int)(sizeof mixes / sizeof *mixes));
    tcase_add_test(tests, one_record_that_fails_again_and_again_opens_nothing);
    tcase_add_test(tests, what_a_record_did_last_is_what_counts);
    tcase_add_test(tests, failures_of_the_last_minute_count_when_few_came_in_ten_seconds);
    tcase_add_test(tests, successes_older_than_ten_seconds_do_not_excuse_an_outage);
    tcase_add_test(tests, failures_older_than_a_minute_are_forgotten);
    tcase_add_test(tests, an_outage_shows_at_once_after_thousands_of_successes);
    tcase_add_test(tests, rejections_of_content_neither_open_nor_close_the_breaker);
    tcase_add_test(tests, an_open_breaker_lets_nothing_through_until_one_probe);
    tcase_add_test(tests, a_probe_waits_for_what_was_in_flight_when_the_breaker_opened);
    tcase_add_test(tests, the_wait_doubles_with_each_failed_probe_up_to_thirty_seconds);
    tcase_add_test(tests, after_an_outage_a_tenth_starts_and_at_most_doubles_each_second);
    tcase_add_test(tests, a_slow_start_says_when_more_may_start);
    tcase_add_test(tests, what_was_not_lent_or_was_lent_too_long_ago_is_not_used);
    tcase_add_test(tests, a_half_open_breaker_lets_only_the_prober_start);
    tcase_add_test(tests, what_happened_here_is_newer_than_what_the_others_say);
    tcase_add_test(tests, an_outage_shows_as_soon_to_many_as_to_one);
    tcase_add_test(tests, successes_of_others_speak_for_the_platform);
    tcase_add_test(tests, nothing_starts_before_retry_after_ends);
    tcase_add_test(tests, a_hold_outlasts_the_breakers_wait);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
