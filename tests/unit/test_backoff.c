/* test_backoff.c: when a failed delivery is tried again. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

static const struct {
    const char *schedule;
    unsigned steps; /* 0: refused */
    int64_t first_ms, last_ms;
} schedules[] = {
    {"2s,1m,15m,1h", 4, 2000, 3600000},
    {"100ms", 1, 100, 100},
    {"100ms, 200ms", 2, 100, 200},
    {" 1s,2s", 2, 1000, 2000},
    {"1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,2s", 16, 1000, 2000},
    {"1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s", 0, 0, 0},
    {"", 0, 0, 0},
    {" ", 0, 0, 0},
    {",", 0, 0, 0},
    {"1s,,2s", 0, 0, 0},
    {"0s", 0, 0, 0},
    {"1s,0ms", 0, 0, 0},
    {"-1s", 0, 0, 0},
    {"soon", 0, 0, 0},
    {"1s,2", 2, 1000, 2000},
    {"1s,2x", 0, 0, 0},
    {"1s;2s", 0, 0, 0},
    {"1s,99999999999999999999999999999999999h", 0, 0, 0},
};

START_TEST(a_schedule_is_a_list_of_spans_above_zero)
{
    struct backoff backoff;
    const char *why = "";
    int result = backoff_parse(&backoff, schedules[_i].schedule, &why);

    if (schedules[_i].steps == 0) {
        ck_assert_msg(result == -1, "'%s' is taken", schedules[_i].schedule);
        ck_assert_ptr_nonnull(strstr(why, "RETRY_SCHEDULE"));
        return;
    }
    ck_assert_msg(result == 0, "'%s' is refused: %s", schedules[_i].schedule, why);
    ck_assert_uint_eq(backoff.steps, schedules[_i].steps);
    ck_assert_int_eq(backoff.wait_ms[0], schedules[_i].first_ms);
    ck_assert_int_eq(backoff.wait_ms[backoff.steps - 1], schedules[_i].last_ms);
}
END_TEST

static const struct {
    unsigned repeat;
    int64_t whole_ms;
} repeats[] = {{0, 2000}, {1, 2000}, {2, 60000}, {3, 900000}, {4, 3600000}, {5, 3600000}, {1000000, 3600000}};

START_TEST(jitter_lies_between_half_and_the_whole_of_the_step_and_the_last_step_repeats)
{
    struct backoff backoff;
    const char *why;
    int64_t whole = repeats[_i].whole_ms, low = INT64_MAX, high = 0;

    ck_assert_int_eq(backoff_parse(&backoff, "2s,1m,15m,1h", &why), 0);
    ck_assert_int_eq(backoff_wait_ms(&backoff, repeats[_i].repeat, 0), whole / 2);
    ck_assert_int_eq(backoff_wait_ms(&backoff, repeats[_i].repeat, UINT32_MAX), whole);
    for (uint32_t i = 0; i < 1000; i++) {
        int64_t wait = backoff_wait_ms(&backoff, repeats[_i].repeat, i * 4294967u);
        low = wait < low ? wait : low;
        high = wait > high ? wait : high;
        ck_assert_int_ge(wait, whole / 2);
        ck_assert_int_le(wait, whole);
    }
    ck_assert_int_le(low, whole * 51 / 100);
    ck_assert_int_ge(high, whole * 99 / 100);
}
END_TEST

START_TEST(a_wait_of_one_millisecond_is_never_zero)
{
    struct backoff backoff;
    const char *why;

    ck_assert_int_eq(backoff_parse(&backoff, "1ms", &why), 0);
    ck_assert_int_eq(backoff_wait_ms(&backoff, 1, 0), 1);
    ck_assert_int_eq(backoff_wait_ms(&backoff, 1, UINT32_MAX), 1);
}
END_TEST

#define NOW_MS INT64_C(1445412480000) /* Wed, 21 Oct 2015 07:28:00 GMT */

static const struct {
    const char *value;
    int64_t wait_ms;
} retry_after[] = {
    {"2", 2000},
    {"0", 0},
    {"007", 7000},
    {"3600", 3600000},
    {"3601", 3600000},
    {"999999999", 3600000},
    {"1000000000", 3600000},
    {"99999999999999999999999999", 3600000},
    {"Wed, 21 Oct 2015 07:28:05 GMT", 5000},
    {"Wed, 21 Oct 2015 07:27:55 GMT", 0},
    {"Wed, 21 Oct 2015 07:28:00 GMT", 0},
    {"Wed, 21 Oct 2065 07:28:00 GMT", 3600000},
    {NULL, -1},
    {"", -1},
    {"-1", -1},
    {"+1", -1},
    {"1.5", -1},
    {"2s", -1},
    {"soon", -1},
};

START_TEST(retry_after_is_seconds_or_an_http_date_and_an_hour_at_most)
{
    ck_assert_msg(backoff_retry_after_ms(retry_after[_i].value, NOW_MS) == retry_after[_i].wait_ms,
                  "'%s' gives %lld", retry_after[_i].value ? retry_after[_i].value : "(none)",
                  (long long)backoff_retry_after_ms(retry_after[_i].value, NOW_MS));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backoff");
    TCase *tests = tcase_create("backoff");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, a_schedule_is_a_list_of_spans_above_zero, 0, COUNT(schedules));
    tcase_add_loop_test(tests, jitter_lies_between_half_and_the_whole_of_the_step_and_the_last_step_repeats,
                        0, COUNT(repeats));
    tcase_add_test(tests, a_wait_of_one_millisecond_is_never_zero);
    tcase_add_loop_test(tests, retry_after_is_seconds_or_an_http_date_and_an_hour_at_most, 0,
                        COUNT(retry_after));
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
