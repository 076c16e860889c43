/* test_rate.c: requests a minute, with time as a variable. */
#include <check.h>
#include <stdlib.h>

#include "../../worker/rate.h"

#define START_MS INT64_C(5000000)
#define MINUTE_MS 60000
#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

static const int64_t limits[] = {1, 2, 3, 5, 9, 10, 19, 20, 50, 100, 200, 6000, 1000000};

/* Takes all that it may for `ms`, looking every step_ms; when each started goes into started (at most max). */
static int64_t take_all(struct rate *rate, int64_t ms, int64_t step_ms, int64_t *started, int64_t max)
{
    int64_t taken = 0;

    for (int64_t now = START_MS; now < START_MS + ms; now += step_ms)
        while (rate_tokens(rate, now) > 0) {
            ck_assert_int_eq(rate_wait_ms(rate, now), 0);
            rate_take(rate, 1, now);
            if (taken < max)
                started[taken] = now;
            taken++;
        }
    return taken;
}

START_TEST(no_minute_sees_more_than_the_limit)
{
    static int64_t started[20000];
    int64_t limit = limits[_i];
    struct rate rate = {0};

    rate_set(&rate, limit, START_MS);
    int64_t taken = take_all(&rate, 3 * MINUTE_MS, 7, started, COUNT(started));
    for (int64_t i = 0; i + limit < taken && i + limit < COUNT(started); i++)
        ck_assert_msg(started[i + limit] - started[i] >= MINUTE_MS, "%lld starts within %lld ms",
                      (long long)limit + 1, (long long)(started[i + limit] - started[i]));
    ck_assert_int_ge(taken, limit); /* and it is not far below: 9 in 10 of what three minutes allow */
    if (limit >= 20)
        ck_assert_int_ge(taken, 3 * limit * 9 / 10);
}
END_TEST

START_TEST(a_tenth_may_start_at_once)
{
    struct rate rate = {0};
    int64_t limit = limits[_i];

    rate_set(&rate, limit, START_MS);
    ck_assert_int_eq(rate_tokens(&rate, START_MS), limit >= 20 ? limit / 10 : 1);
}
END_TEST

START_TEST(the_wait_is_exactly_until_the_next_may_start)
{
    struct rate rate = {0};
    int64_t now = START_MS;

    rate_set(&rate, limits[_i], now);
    for (int i = 0; i < 100; i++) {
        int64_t wait = rate_wait_ms(&rate, now);
        if (wait > 0) {
            ck_assert_int_eq(rate_tokens(&rate, now + wait - 1), 0);
            now += wait;
        }
        ck_assert_int_gt(rate_tokens(&rate, now), 0);
        rate_take(&rate, 1, now);
    }
}
END_TEST

START_TEST(without_a_limit_nothing_waits)
{
    struct rate rate = {0};

    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(rate_wait_ms(&rate, START_MS), 0);
        rate_take(&rate, 1, START_MS);
    }
    rate_return(&rate, 1);
    ck_assert_int_eq(rate_tokens(&rate, START_MS), INT64_MAX);
}
END_TEST

START_TEST(a_place_that_was_not_used_is_there_again)
{
    struct rate rate = {0};

    rate_set(&rate, 5, START_MS);
    rate_take(&rate, 1, START_MS);
    ck_assert_int_eq(rate_tokens(&rate, START_MS), 0);
    rate_return(&rate, 1);
    ck_assert_int_eq(rate_tokens(&rate, START_MS), 1);
}
END_TEST

START_TEST(idle_time_saves_up_no_more_than_the_bucket)
{
    struct rate rate = {0};

    rate_set(&rate, 100, START_MS);
    ck_assert_int_eq(rate_tokens(&rate, START_MS + 3600000), 10);
}
END_TEST

START_TEST(another_limit_forgets_nothing_that_was_taken)
{
    struct rate rate = {0};

    rate_set(&rate, 100, START_MS);
    for (int i = 0; i < 10; i++)
        rate_take(&rate, 1, START_MS);
    rate_set(&rate, 100, START_MS); /* a reload without a change */
    ck_assert_int_eq(rate_tokens(&rate, START_MS), 0);
    rate_set(&rate, 200, START_MS);
    ck_assert_int_eq(rate_tokens(&rate, START_MS), 10);
    rate_set(&rate, 0, START_MS);
    ck_assert_int_eq(rate_wait_ms(&rate, START_MS), 0);
    rate_set(&rate, 20, START_MS);
    ck_assert_int_le(rate_tokens(&rate, START_MS), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate");
    TCase *tests = tcase_create("rate");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, no_minute_sees_more_than_the_limit, 0, COUNT(limits));
    tcase_add_loop_test(tests, a_tenth_may_start_at_once, 0, COUNT(limits));
    tcase_add_loop_test(tests, the_wait_is_exactly_until_the_next_may_start, 0, COUNT(limits) - 2);
    tcase_add_test(tests, without_a_limit_nothing_waits);
    tcase_add_test(tests, a_place_that_was_not_used_is_there_again);
    tcase_add_test(tests, idle_time_saves_up_no_more_than_the_bucket);
    tcase_add_test(tests, another_limit_forgets_nothing_that_was_taken);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
