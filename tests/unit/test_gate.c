/* test_gate.c: window and Retry-After of one platform, and what other replicas lend of it; test_gate_breaker.c: its breaker. */
#include "../../worker/share.h"
#include "gate_fixture.h"

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
