/* test_money.c: decimal amounts. */
#include <check.h>

#include "mem.h"
#include "money.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

static const struct {
    const char *text;
    int64_t minor;
    int exponent; /* -1: refused */
} parsed[] = {
    {"0", 0, 0},
    {"-0", 0, 0},
    {"0.00", 0, 0},
    {"0e99999999999999999999", 0, 0},
    {"12", 12, 0},
    {"-12", -12, 0},
    {"12.50", 125, 1},
    {"0.10", 1, 1},
    {"-0.10", -1, 1},
    {"1.5e2", 150, 0},
    {"1.5E+2", 150, 0},
    {"150e-2", 15, 1},
    {"1e18", 1000000000000000000, 0},
    {"9223372036854775807", INT64_MAX, 0},
    {"-9223372036854775807", -INT64_MAX, 0},
    {"9223372036.854775807", INT64_MAX, 9},
    {"0.000000001", 1, 9},
    {"1.00000000000000000000", 1, 0},
    {"1000000000000000000000e-20", 10, 0},
    {"100200300", 100200300, 0},
    {"9223372036854775808", 0, -1},
    {"1e19", 0, -1},
    {"0.0000000001", 0, -1},
    {"1e-10", 0, -1},
    {"1e400", 0, -1},
    {"1e-99999999999999999999", 0, -1},
    {"", 0, -1},
    {"-", 0, -1},
    {"+1", 0, -1},
    {".5", 0, -1},
    {"5.", 0, -1},
    {"01", 0, -1},
    {"00", 0, -1},
    {"-01.5", 0, -1},
    {"1e", 0, -1},
    {"1e+", 0, -1},
    {"1e+-5", 0, -1},
    {"1.2.3", 0, -1},
    {"1,5", 0, -1},
    {" 1", 0, -1},
    {"1 ", 0, -1},
    {"NaN", 0, -1},
    {"Infinity", 0, -1},
    {"0x10", 0, -1},
    {"12 USD", 0, -1},
};

START_TEST(a_number_is_read_with_the_digits_it_needs_or_refused)
{
    struct money money = {77, 7};
    int result = money_parse(parsed[_i].text, strlen(parsed[_i].text), &money);
    ck_assert_msg(result == (parsed[_i].exponent < 0 ? -1 : 0), "%s", parsed[_i].text);
    if (result == 0) {
        ck_assert_msg(money.minor == parsed[_i].minor, "%s: %lld", parsed[_i].text, (long long)money.minor);
        ck_assert_int_eq(money.exponent, parsed[_i].exponent);
    }
}
END_TEST

START_TEST(a_nul_ends_no_number)
{
    struct money money;
    ck_assert_int_eq(money_parse("1\0002", 3, &money), -1);
    ck_assert_int_eq(money_parse("\0", 1, &money), -1);
    ck_assert_int_eq(money_parse("1.\0", 3, &money), -1);
}
END_TEST

static const struct {
    struct money money;
    const char *text;
} formatted[] = {
    {{1250, 2}, "12.50"},
    {{-10, 2}, "-0.10"},
    {{3, 0}, "3"},
    {{0, 2}, "0.00"},
    {{5, 9}, "0.000000005"},
    {{-1, 1}, "-0.1"},
    {{INT64_MAX, 0}, "9223372036854775807"},
    {{INT64_MIN, 2}, "-92233720368547758.08"},
    {{INT64_MIN, 9}, "-9223372036.854775808"},
};

START_TEST(an_amount_is_written_with_exactly_its_decimals)
{
    struct buf buf = BUF_INIT;
    money_format(&buf, formatted[_i].money);
    ck_assert_str_eq(buf.data, formatted[_i].text);
    buf_release(&buf);
}
END_TEST

static const struct {
    struct money from;
    uint8_t exponent;
    int64_t minor;
    int result;
} rescaled[] = {
    {{125, 2}, 1, 13, 0},   {{-125, 2}, 1, -13, 0},     {{124, 2}, 1, 12, 0},
    {{-124, 2}, 1, -12, 0}, {{5, 1}, 0, 1, 0},          {{-5, 1}, 0, -1, 0},
    {{4, 1}, 0, 0, 0},      {{3, 0}, 2, 300, 0},        {{499, 3}, 0, 0, 0},
    {{500, 3}, 0, 1, 0},    {{INT64_MAX, 0}, 1, 0, -1}, {{INT64_MAX, 9}, 0, 9223372037, 0},
};

START_TEST(rounding_goes_half_away_from_zero)
{
    struct money money = rescaled[_i].from;
    ck_assert_int_eq(money_rescale(&money, rescaled[_i].exponent), rescaled[_i].result);
    if (rescaled[_i].result == 0) {
        ck_assert_int_eq(money.minor, rescaled[_i].minor);
        ck_assert_int_eq(money.exponent, rescaled[_i].exponent);
    }
}
END_TEST

static const struct {
    const char *amount;
    const char *rate;
    char operation;
    const char *result; /* with two decimals; NULL: too large */
} computed[] = {
    {"1.00", "83", '/', "0.01"},
    {"0.01", "83", '*', "0.83"},
    {"0.41", "83", '/', "0.00"},
    {"0.415", "83", '/', "0.01"},
    {"-0.415", "83", '/', "-0.01"},
    {"10", "83", '*', "830.00"},
    {"830", "83", '/', "10.00"},
    {"19.99", "83.125", '*', "1661.67"},
    {"100", "83.125", '/', "1.20"},
    {"-100", "83.125", '/', "-1.20"},
    {"0", "83", '*', "0.00"},
    {"92233720368547758.07", "1", '*', "92233720368547758.07"},
    {"92233720368547758.07", "1.000000001", '*', NULL},
    {"9223372036854775807", "83", '*', NULL},
    {"9223372036854775807", "83", '/', NULL},
    {"9223372036854775807", "9223372036854775807", '/', "1.00"},
    {"9223372036854775807", "0.000000001", '/', NULL},
};

START_TEST(an_amount_times_or_over_a_rate_is_rounded_once)
{
    struct money amount, out;
    struct money_rate rate;
    struct buf buf = BUF_INIT;
    ck_assert_int_eq(money_parse(computed[_i].amount, strlen(computed[_i].amount), &amount), 0);
    ck_assert_int_eq(money_parse_rate(computed[_i].rate, &rate), 0);
    int result = computed[_i].operation == '*' ? money_multiply(amount, rate, 2, &out)
                                               : money_divide(amount, rate, 2, &out);
    ck_assert_int_eq(result, computed[_i].result == NULL ? -1 : 0);
    if (result == 0) {
        money_format(&buf, out);
        ck_assert_str_eq(buf.data, computed[_i].result);
    }
    buf_release(&buf);
}
END_TEST

START_TEST(between_two_currencies_nothing_is_rounded_on_the_way_through_dollars)
{
    struct money_rate inr = {83, 0}, eur = {92, 2};
    struct money out;
    /* 0.45 INR is 0.0054 USD; by way of 0.01 USD it would be 0.01 EUR, in truth it is 0.00498…  */
    ck_assert_int_eq(money_convert((struct money){45, 2}, inr, eur, 2, &out), 0);
    ck_assert_int_eq(out.minor, 0);
    ck_assert_int_eq(money_convert((struct money){100000, 2}, inr, eur, 2, &out), 0);
    ck_assert_int_eq(out.minor, 1108); /* 11.0843… */
}
END_TEST

START_TEST(a_rate_is_positive)
{
    static const char *const bad[] = {"0", "-1", "", "abc", "0.0000000001", "1e30"};
    struct money_rate rate;
    for (int i = 0; i < COUNT(bad); i++)
        ck_assert_msg(money_parse_rate(bad[i], &rate) == -1, "%s", bad[i]);
    ck_assert_int_eq(money_parse_rate("83.125", &rate), 0);
    ck_assert_int_eq(rate.value, 83125);
    ck_assert_int_eq(rate.exponent, 3);
}
END_TEST

START_TEST(amounts_compare_by_value)
{
    ck_assert_int_eq(money_compare((struct money){10, 1}, (struct money){1, 0}), 0);
    ck_assert_int_lt(money_compare((struct money){99, 2}, (struct money){1, 0}), 0);
    ck_assert_int_gt(money_compare((struct money){-99, 2}, (struct money){-1, 0}), 0);
    ck_assert_int_gt(money_compare((struct money){INT64_MAX, 0}, (struct money){INT64_MAX, 9}), 0);
    ck_assert_int_lt(money_compare((struct money){INT64_MIN, 0}, (struct money){INT64_MAX, 9}), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("money");
    TCase *tests = tcase_create("money");
    tcase_add_loop_test(tests, a_number_is_read_with_the_digits_it_needs_or_refused, 0, COUNT(parsed));
    tcase_add_test(tests, a_nul_ends_no_number);
    tcase_add_loop_test(tests, an_amount_is_written_with_exactly_its_decimals, 0, COUNT(formatted));
    tcase_add_loop_test(tests, rounding_goes_half_away_from_zero, 0, COUNT(rescaled));
    tcase_add_loop_test(tests, an_amount_times_or_over_a_rate_is_rounded_once, 0, COUNT(computed));
    tcase_add_test(tests, between_two_currencies_nothing_is_rounded_on_the_way_through_dollars);
    tcase_add_test(tests, a_rate_is_positive);
    tcase_add_test(tests, amounts_compare_by_value);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
