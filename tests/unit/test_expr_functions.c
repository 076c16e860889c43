/* test_expr_functions.c: what each function of the expression language gives, for null and for the wrong type too. */
#include <check.h>

#include "email.h"
#include "expr_fixture.h"
#include "mem.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

static const struct expr_row numbers[] = {
    {"0.1 + 0.2", "{}", "0.3"},
    {"0.1 + 0.2 == 0.3", "{}", "true"},
    {"1.50 + 0.50", "{}", "2.00"},
    {"1.10 * 3", "{}", "3.30"},
    {"a * b", "{\"a\":0.1,\"b\":0.1}", "0.01"},
    {"1 - 0.9", "{}", "0.1"},
    {"a - b", "{\"a\":1e2,\"b\":5e-1}", "99.5"},
    {"99999999999999999999999999999999999999 + 0", "{}", "99999999999999999999999999999999999999"},
    {"99999999999999999999999999999999999999 + 1", "{}", "!column 40: the result has more than 38 digits"},
    {"99999999999999999999999999999999999999 + 99999999999999999999999999999999999999", "{}",
     "!the result has more than 38 digits"},
    {"a + 1", "{\"a\":1e38}", "!more than 38 digits"},
    {"a + 1", "{\"a\":1e400}", "!column 3: this computes with a number of more than 38 digits"},
    {"1e20 + 1e-20", "{}", "!more than 38 digits"},
    {"1e18 + 1e-19", "{}", "1000000000000000000.0000000000000000001"},
    {"1.00000000000000000000 + 100000000000000000000", "{}", "100000000000000000001"},
    {"1e19 * 1e19", "{}", "!more than 38 digits"},
    {"1e19 * 1e18", "{}", "10000000000000000000000000000000000000"},
    {"0.00000000000000000001 * 0.0000000000000000001", "{}", "!more than 38 digits"},
    {"a * b", "{\"a\":1.00000000000000000000,\"b\":2.00000000000000000000}", "2"},
    {"divide(1, 3, 2)", "{}", "0.33"},
    {"divide(2, 3, 2)", "{}", "0.67"},
    {"divide(1, 8, 2)", "{}", "0.13"},
    {"divide(-1, 8, 2)", "{}", "-0.13"},
    {"divide(1, -8, 2)", "{}", "-0.13"},
    {"divide(10, 4, 0)", "{}", "3"},
    {"divide(1.00499999999999, 1, 2)", "{}", "1.00"},
    {"divide(0, -7, 2)", "{}", "0.00"},
    {"divide(1, 3, 18)", "{}", "0.333333333333333333"},
    {"divide(1e37, 0.00000000001, 0)", "{}", "!more than 38 digits"},
    {"divide(0.5, 1e37, 0)", "{}", "0"},
    {"divide(5e36, 1e37, 0)", "{}", "1"},
    {"divide(99999999999999999999999999999999999999, 99999999999999999999999999999999999998, 18)", "{}",
     "1.000000000000000000"},
    {"divide(0.00000000000000000000000000000000000001, 7, 18)", "{}", "0.000000000000000000"},
    {"divide(1, 0, 2)", "{}", "!column 1: this divides by zero"},
    {"divide(1, a, 2)", "{\"a\":0.00}", "!divides by zero"},
    {"divide(1, 3, a)", "{\"a\":19}", "!whole number from 0 to 18"},
    {"divide(1, 3, a)", "{\"a\":1.5}", "!whole number from 0 to 18"},
    {"divide(1, 3, a)", "{\"a\":-1}", "!whole number from 0 to 18"},
    {"divide(a, 3, 2)", "{}", "!column 8: divide takes a number, and here is null"},
    {"round(2.5)", "{}", "3"},
    {"round(-2.5)", "{}", "-3"},
    {"round(2.4999)", "{}", "2"},
    {"round(1.005, 2)", "{}", "1.01"},
    {"round(1.5, 3)", "{}", "1.500"},
    {"round(99999999999999999999999999999999999999, 2)", "{}", "99999999999999999999999999999999999999"},
    {"round(0.00000000000000000000000000000000000005, 2)", "{}", "0.00"},
    {"round(a)", "{}", "null"},
    {"abs(-1.50)", "{}", "1.50"},
    {"abs(a)", "{\"a\":-7}", "7"},
    {"abs(a)", "{\"a\":7.10}", "7.10"},
    {"abs(a)", "{}", "null"},
    {"abs(a)", "{\"a\":\"7\"}", "!abs takes a number, and here is a text"},
    {"max(a, b)", "{\"a\":1.0,\"b\":0.99}", "1.0"},
    {"max(values)", "{\"values\":[3,null,12,5]}", "12"},
    {"min(values)", "{\"values\":[3,null,12,5]}", "3"},
    {"max(values)", "{\"values\":[1.0,1]}", "1.0"},
    {"max(values)", "{\"values\":[]}", "null"},
    {"max(values)", "{}", "null"},
    {"min(a, 3, 2)", "{}", "2"},
    {"max(values)", "{\"values\":[\"b\",\"a\"]}", "\"b\""},
    {"max(values)", "{\"values\":[1,\"a\"]}", "!compared with their like alone"},
    {"max(values)", "{\"values\":[true]}", "!here is true or false"},
    {"max(a)", "{\"a\":4}", "4"},
    {"sum(values)", "{\"values\":[0.1,0.2,null]}", "0.3"},
    {"sum(values)", "{}", "0"},
    {"sum(values)", "{\"values\":[\"1\"]}", "!sum adds numbers, and here is a text"},
    {"number(a)", "{\"a\":\"12.50\"}", "12.50"},
    {"number(a)", "{\"a\":12.50}", "12.50"},
    {"number(a)", "{\"a\":\"12 USD\"}", "null"},
    {"number(a)", "{\"a\":\"\"}", "null"},
    {"number(a)", "{\"a\":\"+1\"}", "null"},
    {"number(a)", "{\"a\":\"1e400\"}", "null"},
    {"number(a)", "{}", "null"},
    {"time(a)", "{\"a\":\"1970-01-01T00:01:00Z\"}", "60"},
    {"time(a)", "{\"a\":\"1970-01-01T01:00:00.250+01:00\"}", "0.25"},
    {"time(a)", "{\"a\":\"yesterday\"}", "null"},
    {"time(a)", "{}", "null"},
    {"time(a) > 0", "{\"a\":\"yesterday\"}", "!column 1: > takes a number or a text, and here is null"},
};

static const struct expr_row texts[] = {
    {"lower(a)", "{\"a\":\"AbC-\\u00c9\"}", "\"abc-\xc3\x89\""},
    {"upper(a)", "{\"a\":\"az@[`{\"}", "\"AZ@[`{\""},
    {"lower(a)", "{}", "null"},
    {"lower(a)", "{\"a\":1}", "!lower takes a text, and here is a number"},
    {"trim(a)", "{\"a\":\" \\t x y \\n\"}", "\"x y\""},
    {"trim(a)", "{\"a\":\"  \"}", "\"\""},
    {"trim(a)", "{}", "null"},
    {"length(a)", "{\"a\":\"\\u00e9\\ud83d\\ude00x\"}", "3"},
    {"length(a)", "{}", "0"},
    {"length(a)", "{\"a\":[1]}", "!length takes a text, and here is a list"},
    {"contains(a, 'b')", "{\"a\":\"abc\"}", "true"},
    {"contains(a, '')", "{\"a\":\"\"}", "true"},
    {"contains(a, 'd')", "{\"a\":\"abc\"}", "false"},
    {"contains(a, 'd')", "{}", "false"},
    {"contains(a, 2)", "{\"a\":[1,2.0]}", "true"},
    {"contains(a, 3)", "{\"a\":[1,2.0]}", "false"},
    {"contains(a, b)", "{\"a\":\"x\"}",
     "!contains looks for a text in a text, and here it is to look for null"},
    {"starts_with(a, 'ab')", "{\"a\":\"abc\"}", "true"},
    {"starts_with(a, 'abcd')", "{\"a\":\"abc\"}", "false"},
    {"starts_with(a, 'b')", "{}", "false"},
    {"ends_with(a, 'bc')", "{\"a\":\"abc\"}", "true"},
    {"ends_with(a, 'ab')", "{\"a\":\"abc\"}", "false"},
    {"is_blank(a)", "{}", "true"},
    {"is_blank(a)", "{\"a\":\" \\t\"}", "true"},
    {"is_blank(a)", "{\"a\":\"x\"}", "false"},
    {"is_blank(a)", "{\"a\":[]}", "true"},
    {"is_blank(a)", "{\"a\":{}}", "true"},
    {"is_blank(a)", "{\"a\":[null]}", "false"},
    {"is_blank(a)", "{\"a\":0}", "false"},
    {"is_blank(a)", "{\"a\":false}", "false"},
    {"is_email(a)", "{}", "false"},
    {"is_email(a)", "{\"a\":5}", "false"},
    {"is_email(a)", "{\"a\":\"name@example.com\"}", "true"},
    {"text(a)", "{\"a\":1.50}", "\"1.50\""},
    {"text(a)", "{\"a\":1e2}", "\"100\""},
    {"text(a)", "{\"a\":1e400}", "!more than 38 digits"},
    {"text(a)", "{\"a\":true}", "\"true\""},
    {"text(a)", "{}", "null"},
    {"text(a)", "{\"a\":[1]}", "!text takes true or false, a number or a text, and here is a list"},
    {"text(round(a, 2)) + ' USD'", "{\"a\":12.5}", "\"12.50 USD\""},
    {"split(a, ', ')", "{\"a\":\"x, y,z, \"}", "[\"x\",\"y,z\",\"\"]"},
    {"split(a, ',')", "{\"a\":\"\"}", "[\"\"]"},
    {"split(a, ',')", "{}", "null"},
    {"split(a, '')", "{\"a\":\"x\"}", "!split needs to know what stands between the parts"},
    {"join(a, ' ')", "{\"a\":[\"x\",\"y\"]}", "\"x y\""},
    {"join(a, ' ')", "{}", "\"\""},
    {"join(a, ' ')", "{\"a\":[1]}", "!text(…) makes one of a number"},
    {"join(split(a, ','), '+')", "{\"a\":\"1,2,3\"}", "\"1+2+3\""},
    {"'it\\'s \"\\\\\" ' + \"a\\n\"", "{}", "\"it's \\\"\\\\\\\" a\\n\""},
};

static const struct expr_row lists[] = {
    {"count(items)", "{\"items\":[1,2,3]}", "3"},
    {"count(customer)", "{\"customer\":{\"x\":1}}", "1"},
    {"count(items)", "{}", "0"},
    {"count(a)", "{\"a\":\"abc\"}", "!count takes a list or an object, and here is a text"},
    {"any(items, i, i > 2)", "{\"items\":[1,2,3]}", "true"},
    {"any(items, i, i > 3)", "{\"items\":[1,2,3]}", "false"},
    {"any(items, i, i > 1)", "{\"items\":[2,\"x\"]}", "true"},
    {"any(items, i, i > 3)", "{}", "false"},
    {"all(items, i, i > 0)", "{\"items\":[1,2,3]}", "true"},
    {"all(items, i, i > 1)", "{\"items\":[1,\"x\"]}", "false"},
    {"all(items, i, i > 1)", "{}", "true"},
    {"all(items, i, i)", "{\"items\":[1]}", "!column 15: all takes true or false, and here is a number"},
    {"filter(items, i, i > 1)", "{\"items\":[1,2,3]}", "[2,3]"},
    {"filter(items, i, i > 1)", "{}", "[]"},
    {"map(items, i, i.sku)", "{\"items\":[{\"sku\":\"a\"},{},7]}", "[\"a\",null,null]"},
    {"map(items, i, map(i, j, [i, j]))", "{\"items\":[[1],[2]]}", "[[[[1],1]],[[[2],2]]]"},
    {"map(items, i, count(filter(items, j, j < i)))", "{\"items\":[5,3,4]}", "[2,0,1]"},
    {"map(items, i, 1) + 1", "{}", "!!+ takes a number or a text, and this is a list"},
    {"count(map(items, i, i)) == 33",
     "{\"items\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33]"
     "}",
     "true"},
    {"any(a, i, true)", "{\"a\":{}}", "!any takes a list, and here is an object"},
    {"coalesce(a, b, 3)", "{\"b\":false}", "false"},
    {"coalesce(a, b)", "{}", "null"},
    {"coalesce(1, 1 + a)", "{}", "1"},
    {"type(a)", "{}", "\"null\""},
    {"map([true, 1, 'x', [], customer], i, type(i))", "{\"customer\":{}}",
     "[\"boolean\",\"number\",\"text\",\"list\",\"object\"]"},
};

static const struct {
    const char *address;
    bool good;
} addresses[] = {
    {"a@b", true},
    {"name.surname+tag@mail.example.co.in", true},
    {"\xc3\xa9@example.com", true},
    {"", false},
    {"@", false},
    {"a@", false},
    {"@b", false},
    {"a@b@c", false},
    {"a b@c", false},
    {".a@b", false},
    {"a.@b", false},
    {"a@.b", false},
    {"a@b.", false},
    {"a..b@c", false},
    {"a@b..c", false},
    {"\"a\"@b", false},
    {"a@b\n", false},
    {"1234567890123456789012345678901234567890123456789012345678901234@b", true},
    {"12345678901234567890123456789012345678901234567890123456789012345@b", false},
};

START_TEST(numbers_are_exact_and_rounded_where_it_is_said)
{
    expr_row_check(&numbers[_i]);
}
END_TEST

START_TEST(a_function_of_null_is_null_and_a_question_about_it_is_answered_no)
{
    expr_row_check(&texts[_i]);
}
END_TEST

START_TEST(a_list_that_is_absent_has_no_elements)
{
    expr_row_check(&lists[_i]);
}
END_TEST

START_TEST(an_address_has_the_shape_that_real_ones_have)
{
    const char *address = addresses[_i].address;
    char with_more[300];
    ck_assert_msg(email_is_valid(address, strlen(address)) == addresses[_i].good, "%s", address);
    snprintf(with_more, sizeof with_more, "%s@", address); /* what stands behind it is not read */
    ck_assert_msg(email_is_valid(with_more, strlen(address)) == addresses[_i].good, "%s", address);
}
END_TEST

START_TEST(an_address_has_at_most_254_bytes)
{
    char address[256];
    memset(address, 'x', sizeof address);
    address[3] = '@';
    ck_assert(email_is_valid(address, 254));
    ck_assert(!email_is_valid(address, 255));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("expr_functions");
    TCase *tests = tcase_create("expr_functions");
    tcase_add_loop_test(tests, numbers_are_exact_and_rounded_where_it_is_said, 0, COUNT(numbers));
    tcase_add_loop_test(tests, a_function_of_null_is_null_and_a_question_about_it_is_answered_no, 0,
                        COUNT(texts));
    tcase_add_loop_test(tests, a_list_that_is_absent_has_no_elements, 0, COUNT(lists));
    tcase_add_loop_test(tests, an_address_has_the_shape_that_real_ones_have, 0, COUNT(addresses));
    tcase_add_test(tests, an_address_has_at_most_254_bytes);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
