/* test_timefmt.c: times and spans as text. */
#include <check.h>
#include <time.h>

#include "clock.h"
#include "mem.h"
#include "timefmt.h"

static const struct {
    int64_t ms;
    const char *text;
} written[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {-1, "1969-12-31T23:59:59.999Z"},
    {1769861696789, "2026-01-31T12:14:56.789Z"},
    {951782400000, "2000-02-29T00:00:00.000Z"},
    {4107542399999, "2100-02-28T23:59:59.999Z"},
    {-62167219200000, "0000-01-01T00:00:00.000Z"},
    {253402300799999, "9999-12-31T23:59:59.999Z"},
    {253402300800000, "9999-12-31T23:59:59.999Z"},
    {INT64_MAX, "9999-12-31T23:59:59.999Z"},
    {INT64_MIN, "0000-01-01T00:00:00.000Z"},
};

START_TEST(a_time_is_written_in_utc_with_milliseconds)
{
    char text[TIMEFMT_LEN + 1];
    timefmt_rfc3339(written[_i].ms, text);
    ck_assert_str_eq(text, written[_i].text);
}
END_TEST

START_TEST(every_day_of_ten_thousand_years_is_the_c_librarys_and_comes_back)
{
    for (int64_t day = -719528; day <= 2932896; day += 1) {
        char text[TIMEFMT_LEN + 1], expected[48];
        time_t seconds = day * 86400 + 3661;
        struct tm tm;
        int64_t back = 0;
        timefmt_rfc3339((int64_t)seconds * 1000 + 5, text);
        if (day % 7 == 0) { /* the C library is slow */
            gmtime_r(&seconds, &tm);
            snprintf(expected, sizeof expected, "%04d-%02d-%02dT01:01:01.005Z", tm.tm_year + 1900,
                     tm.tm_mon + 1, tm.tm_mday);
            if (strcmp(text, expected) != 0) /* an assertion that holds costs a message to check's parent */
                ck_assert_str_eq(text, expected);
        }
        if (timefmt_parse(text, TIMEFMT_LEN, &back) != 0 || back != (int64_t)seconds * 1000 + 5)
            ck_abort_msg("%s is read as %lld", text, (long long)back);
    }
}
END_TEST

static const struct {
    const char *text;
    int64_t ms; /* -1: refused */
} read_in[] = {
    {"2026-01-31T12:14:56.789Z", 1769861696789},
    {"2026-01-31t12:14:56.789z", 1769861696789},
    {"2026-01-31 12:14:56.789Z", 1769861696789},
    {"2026-01-31T12:14:56Z", 1769861696000},
    {"2026-01-31T12:14:56.7Z", 1769861696700},
    {"2026-01-31T12:14:56.789999999999Z", 1769861696789},
    {"2026-01-31T17:44:56.789+05:30", 1769861696789},
    {"2026-01-30T18:14:56.789-18:00", 1769861696789},
    {"2026-01-31T12:14:56.789-00:00", 1769861696789},
    {"2016-12-31T23:59:60Z", 1483228800000},
    {"2017-01-01T05:29:60.500+05:30", 1483228800000},
    {"2024-02-29T00:00:00Z", 1709164800000},
    {"2026-01-31T12:14:60Z", -1},
    {"2026-01-31T12:14:56.789", -1},
    {"2026-01-31T12:14:56.Z", -1},
    {"2026-01-31T12:14Z", -1},
    {"2026-01-31", -1},
    {"2026-01-31T24:00:00Z", -1},
    {"2026-01-31T12:60:00Z", -1},
    {"2026-01-31T12:14:61Z", -1},
    {"2026-02-29T00:00:00Z", -1},
    {"2100-02-29T00:00:00Z", -1},
    {"2026-00-10T00:00:00Z", -1},
    {"2026-13-10T00:00:00Z", -1},
    {"2026-01-00T00:00:00Z", -1},
    {"2026-1-31T12:14:56Z", -1},
    {"+2026-01-31T12:14:56Z", -1},
    {"2026-01-31T12:14:56+24:00", -1},
    {"2026-01-31T12:14:56+05:60", -1},
    {"2026-01-31T12:14:56+0530", -1},
    {"2026-01-31T12:14:56Z ", -1},
    {" 2026-01-31T12:14:56Z", -1},
    {"2026-01-31_12:14:56Z", -1},
    {"1769861696", -1},
    {"", -1},
};

START_TEST(rfc_3339_times_are_read_and_nothing_else)
{
    int64_t ms = 42;
    int result = timefmt_parse(read_in[_i].text, strlen(read_in[_i].text), &ms);
    ck_assert_msg(result == (read_in[_i].ms < 0 ? -1 : 0), "%s", read_in[_i].text);
    ck_assert_int_eq(ms, read_in[_i].ms < 0 ? 42 : read_in[_i].ms);
}
END_TEST

START_TEST(a_nul_inside_a_time_is_refused)
{
    int64_t ms;
    ck_assert_int_eq(timefmt_parse("2026-01-31T12:14:56Z\0", 21, &ms), -1);
    ck_assert_int_eq(timefmt_parse("2026-01-31\00012:14:56Z", 20, &ms), -1);
}
END_TEST

static const struct {
    const char *text;
    int64_t ms;
} http_dates[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777000},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777000},
    {"Sun Nov  6 08:49:37 1994", 784111777000},
    {"Sat Jan 31 12:14:56 2026", 1769861696000},
    {"Saturday, 31-Jan-76 12:14:56 GMT", 3347698496000}, /* 2076: not more than 50 years after 2026 */
    {"Monday, 31-Jan-77 12:14:56 GMT", 223560896000},    /* 1977 */
    {"Sun, 06 Nov 1994 08:49:37", -1},
    {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
    {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 31 Feb 1994 08:49:37 GMT", -1},
    {"Son, 06 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 06 nov 1994 08:49:37 GMT", -1},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
    {"120", -1},
    {"", -1},
};

START_TEST(all_three_forms_of_http_dates_are_read)
{
    int64_t ms = 42;
    clock_freeze(1, 1769861696789); /* 2026 */
    int result = timefmt_parse_http_date(http_dates[_i].text, &ms);
    ck_assert_msg(result == (http_dates[_i].ms < 0 ? -1 : 0), "%s", http_dates[_i].text);
    if (result == 0)
        ck_assert_int_eq(ms, http_dates[_i].ms);
}
END_TEST

static const struct {
    const char *text;
    int64_t ms;
} spans[] = {
    {"250ms", 250},
    {"2s", 2000},
    {"1m", 60000},
    {"1h", 3600000},
    {"3d", 259200000},
    {"5", 5000},
    {"0", 0},
    {"0ms", 0},
    {"", -1},
    {"s", -1},
    {"-1s", -1},
    {"+1s", -1},
    {"1 s", -1},
    {"1S", -1},
    {"1.5s", -1},
    {"1w", -1},
    {"1sec", -1},
    {" 1s", -1},
    {"9223372036854775807ms", INT64_MAX},
    {"9223372036854775808ms", -1},
    {"9223372036854775807", -1},
    {"106751991168d", -1},
};

START_TEST(spans_carry_their_unit_and_never_overflow)
{
    int64_t ms = 42;
    int result = timefmt_parse_span(spans[_i].text, &ms);
    ck_assert_msg(result == (spans[_i].ms < 0 ? -1 : 0), "%s", spans[_i].text);
    if (result == 0)
        ck_assert_int_eq(ms, spans[_i].ms);
}
END_TEST

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

int main(void)
{
    Suite *suite = suite_create("timefmt");
    TCase *tests = tcase_create("timefmt");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_time_is_written_in_utc_with_milliseconds, 0, COUNT(written));
    tcase_add_test(tests, every_day_of_ten_thousand_years_is_the_c_librarys_and_comes_back);
    tcase_add_loop_test(tests, rfc_3339_times_are_read_and_nothing_else, 0, COUNT(read_in));
    tcase_add_test(tests, a_nul_inside_a_time_is_refused);
    tcase_add_loop_test(tests, all_three_forms_of_http_dates_are_read, 0, COUNT(http_dates));
    tcase_add_loop_test(tests, spans_carry_their_unit_and_never_overflow, 0, COUNT(spans));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
