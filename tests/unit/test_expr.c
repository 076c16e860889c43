/* test_expr.c: what expressions give, over tables of expression, data and result. */
#include <check.h>

#include "expr_fixture.h"
#include "mem.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

static const struct expr_row policies[] = {
    {"max(values) - min(values) > 10 ? max(values) : latest", "{\"values\":[50,61],\"latest\":50}", "61"},
    {"max(values) - min(values) > 10 ? max(values) : latest", "{\"values\":[50,60],\"latest\":50}", "50"},
    {"max(values) - min(values) > 10 ? max(values) : latest", "{\"values\":[null,60],\"latest\":null}",
     "null"},
    {"max(values) - min(values) > 10 ? max(values) : latest", "{\"values\":[1.5,11.51,7],\"latest\":7}",
     "11.51"},
    {"latest < base ? earliest : latest", "{\"latest\":3,\"earliest\":5,\"base\":4}", "5"},
    {"time(times[-1]) - time(times[0]) <= 30",
     "{\"times\":[\"2026-01-31T12:00:00Z\",\"2026-01-31T12:00:30.001Z\"]}", "false"},
    {"coalesce(base, latest)", "{\"latest\":7}", "7"},
    {"amount >= 0", "{\"amount\":-0.01}", "false"},
    {"amount >= 0", "{}", "!column 1: >= takes a number or a text, and here is null"},
    {"amount == null or amount >= 0", "{}", "true"},
    {"amount == null or amount >= 0", "{\"amount\":\"12\"}", "!here are a text and a number"},
    {"email == null or is_email(email)", "{\"email\":\"a@example.com\"}", "true"},
    {"email == null or is_email(email)", "{\"email\":\"a@@example.com\"}", "false"},
    {"count(items) > 0", "{}", "false"},
    {"count(items) > 0", "{\"items\":[{}]}", "true"},
    {"score >= 0 and score <= 100", "{\"score\":100.0}", "true"},
    {"score >= 0 and score <= 100", "{\"score\":1e400}", "false"},
    {"currency in [\"USD\", \"INR\"]", "{\"currency\":\"EUR\"}", "false"},
    {"currency not in [\"USD\", \"INR\"]", "{\"currency\":\"EUR\"}", "true"},
    {"sum(map(items, i, i.price * i.quantity)) == amount",
     "{\"amount\":30.30,\"items\":[{\"price\":10.10,\"quantity\":2},{\"price\":\"10.1\",\"quantity\":1}]}",
     "!column 19: * takes a number, and here is a text"},
    {"sum(map(items, i, number(i.price) * i.quantity)) == amount",
     "{\"amount\":30.30,\"items\":[{\"price\":10.10,\"quantity\":2},{\"price\":\"10.1\",\"quantity\":1}]}",
     "true"},
    {"all(items, i, i.quantity > 0 and i.sku != null)", "{\"items\":[{\"sku\":\"x\",\"quantity\":1}]}",
     "true"},
};

static const struct expr_row operators[] = {
    {"1 + 2 * 3", "{}", "7"},
    {"(1 + 2) * 3", "{}", "9"},
    {"10 - 3 - 2", "{}", "5"},
    {"-2 * -3", "{}", "6"},
    {"- -a", "{\"a\":4}", "4"},
    {"2 - -2", "{}", "4"},
    {"not true or true", "{}", "true"},
    {"not (true or true)", "{}", "false"},
    {"not a == b", "{\"a\":1,\"b\":2}", "true"},
    {"true or false and false", "{}", "true"},
    {"(true or false) and false", "{}", "false"},
    {"1 + 1 == 2 and 3 > 2", "{}", "true"},
    {"a ? 1 : b ? 2 : 3", "{\"a\":false,\"b\":false}", "3"},
    {"a ? b ? 1 : 2 : 3", "{\"a\":true,\"b\":false}", "2"},
    {"true ? 1 : 2 + 3", "{}", "1"},
    {"a + 1 in [1, 2] ? 'x' : 'y'", "{\"a\":1}", "\"x\""},
    {"not a in [1]", "{\"a\":2}", "true"},
    {"a not in [1] and b", "{\"a\":2,\"b\":true}", "true"},
    {"a in b", "{\"a\":2}", "false"},
    {"a in b", "{\"a\":2,\"b\":[1,2.0]}", "true"},
    {"a in b", "{\"a\":{\"x\":[1]},\"b\":[{\"x\":[1.0]}]}", "true"},
    {"a in b", "{\"a\":2,\"b\":2}", "!in takes a list, and here is a number"},
    {"false and 1 + a == 2", "{}", "false"},
    {"true or a + 1 == 2", "{}", "true"},
    {"true and a", "{}", "!and takes true or false, and here is null"},
    {"not a", "{\"a\":0}", "!not takes true or false, and here is a number"},
    {"a ? 1 : 2", "{\"a\":\"true\"}", "!? takes true or false, and here is a text"},
    {"a + b", "{\"a\":\"x\",\"b\":\"y\"}", "\"xy\""},
    {"a + b", "{\"a\":\"x\",\"b\":1}",
     "!column 3: + takes two of one type, and here are a text and a number"},
    {"a + b", "{\"a\":1}", "!+ takes a number or a text, and here is null"},
    {"a - b", "{\"a\":1,\"b\":\"1\"}", "!- takes a number, and here is a text"},
    {"[1, a, 'x', [null]]", "{\"a\":{\"k\":1}}", "[1,{\"k\":1},\"x\",[null]]"},
    {"[]", "{}", "[]"},
    {"null", "{}", "null"},
    {"data", "{\"x\":1}", "{\"x\":1}"},
};

static const struct expr_row comparisons[] = {
    {"a == b", "{\"a\":1,\"b\":1.0}", "true"},
    {"a == b", "{\"a\":100,\"b\":1e2}", "true"},
    {"a == b", "{\"a\":9007199254740993,\"b\":9007199254740992}", "false"},
    {"a > b", "{\"a\":9007199254740993,\"b\":9007199254740992}", "true"},
    {"a == b", "{\"a\":\"1\",\"b\":1}", "false"},
    {"a != b", "{\"a\":\"1\",\"b\":1}", "true"},
    {"a == b", "{}", "true"},
    {"a == null", "{\"a\":null}", "true"},
    {"a == null", "{\"a\":0}", "false"},
    {"a == b", "{\"a\":[1,{\"x\":2}],\"b\":[1.0,{\"x\":2e0}]}", "true"},
    {"a == b", "{\"a\":[1],\"b\":[1,null]}", "false"},
    {"a == b", "{\"a\":{\"x\":1,\"y\":2},\"b\":{\"y\":2,\"x\":1}}", "true"},
    {"a == b", "{\"a\":{\"x\":null},\"b\":{\"y\":null}}", "false"},
    {"a == b", "{\"a\":true,\"b\":false}", "false"},
    {"a == [1, 'x']", "{\"a\":[1,\"x\"]}", "true"},
    {"a < b", "{\"a\":-2,\"b\":-1}", "true"},
    {"a < b", "{\"a\":-1e30,\"b\":1e-30}", "true"},
    {"a < b", "{\"a\":1e-400,\"b\":1e400}", "true"},
    {"a < b", "{\"a\":-1e400,\"b\":-1e-400}", "true"},
    {"a < b", "{\"a\":0.5,\"b\":0.50}", "false"},
    {"a <= b", "{\"a\":0.5,\"b\":0.50}", "true"},
    {"a >= b", "{\"a\":-0.0,\"b\":0}", "true"},
    {"a < b", "{\"a\":\"a\",\"b\":\"b\"}", "true"},
    {"a < b", "{\"a\":\"a\",\"b\":\"aa\"}", "true"},
    {"a > b", "{\"a\":\"Z\",\"b\":\"a\"}", "false"},
    {"a < b", "{\"a\":\"z\",\"b\":\"\\u00e9\"}", "true"},
    {"a < b", "{\"a\":1,\"b\":\"2\"}", "!< takes two of one type, and here are a number and a text"},
    {"a < b", "{\"a\":[1],\"b\":[2]}", "!< takes a number or a text, and here is a list"},
    {"a < b", "{\"a\":true,\"b\":true}", "!here is true or false"},
    {"time(a) < time(b)", "{\"a\":\"2026-01-31T12:00:00+05:30\",\"b\":\"2026-01-31T07:00:00Z\"}", "true"},
};

static const struct expr_row paths[] = {
    {"customer.address.city", "{\"customer\":{\"address\":{\"city\":\"Pune\"}}}", "\"Pune\""},
    {"customer.address.city", "{\"customer\":{}}", "null"},
    {"customer.address.city", "{}", "null"},
    {"customer.address.city", "{\"customer\":\"me\"}", "null"},
    {"customer.in.not", "{\"customer\":{\"in\":{\"not\":1}}}", "1"},
    {"items[0].sku", "{\"items\":[{\"sku\":\"a\"},{\"sku\":\"b\"}]}", "\"a\""},
    {"items[-1].sku", "{\"items\":[{\"sku\":\"a\"},{\"sku\":\"b\"}]}", "\"b\""},
    {"items[2].sku", "{\"items\":[{\"sku\":\"a\"},{\"sku\":\"b\"}]}", "null"},
    {"items[-3]", "{\"items\":[1,2]}", "null"},
    {"items[99999999999999999999]", "{\"items\":[1,2]}", "null"},
    {"items[count(items) - 1]", "{\"items\":[1,2]}", "2"},
    {"items[1.0]", "{\"items\":[1,2]}", "2"},
    {"items[0.5]", "{\"items\":[1,2]}", "!the place in a list is a whole number"},
    {"items[true ? a : 1]", "{\"items\":[1,2]}",
     "!column 12: [ ] takes a number or a text, and here is null"},
    {"customer['first name']", "{\"customer\":{\"first name\":\"A\"}}", "\"A\""},
    {"customer[a]", "{\"customer\":{\"x\":1},\"a\":\"x\"}", "1"},
    {"customer[0]", "{\"customer\":{\"x\":1}}", "null"},
    {"items['x']", "{\"items\":[1]}", "null"},
    {"data.country == 'IN'", "{\"country\":\"IN\"}", "true"},
    {"data['a'] == a", "{\"a\":[1]}", "true"},
    {"[1, 2, 3][1]", "{}", "2"},
    {"split(name, ' ')[0]", "{\"name\":\"Ada Lovelace\"}", "\"Ada\""},
    {"a", "{\"a\":1.10}", "1.10"},
    {"a", "{\"a\":1e400}", "1e400"},
    {"[a]", "{\"a\":0.30000000000000000000000000000000000000000000000000000000001}",
     "[0.30000000000000000000000000000000000000000000000000000000001]"},
};

START_TEST(a_policy_or_rule_gives_what_it_says)
{
    expr_row_check(&policies[_i]);
}
END_TEST

START_TEST(operators_bind_as_documented)
{
    expr_row_check(&operators[_i]);
}
END_TEST

START_TEST(values_compare_by_value_and_order_lies_between_like_alone)
{
    expr_row_check(&comparisons[_i]);
}
END_TEST

START_TEST(a_path_leads_to_the_value_or_to_null)
{
    expr_row_check(&paths[_i]);
}
END_TEST

START_TEST(values_come_by_the_place_of_their_name)
{
    static const char *const policy_names[] = {"values", "latest", NULL};
    struct buf why = BUF_INIT;
    struct json *list = expr_row_json("[1,20]"), *latest = expr_row_json("1"), *result;
    const struct json *const values[] = {list, latest};
    struct expr *expr =
        expr_parse("max(values) - min(values) > 10 ? max(values) : latest", policy_names, &why);
    ck_assert_ptr_nonnull(expr);
    ck_assert_int_eq(expr_eval(expr, values, &result, &why), 0);
    ck_assert_str_eq(json_text(result, NULL), "20");
    json_free(result);
    ck_assert(expr_uses(expr, "latest"));
    ck_assert(!expr_uses(expr, "base"));
    ck_assert_str_eq(expr_text(expr), "max(values) - min(values) > 10 ? max(values) : latest");
    expr_free(&expr);
    ck_assert_ptr_null(expr);
    json_free(list), json_free(latest);
}
END_TEST

START_TEST(a_test_gives_true_or_false_or_a_sentence)
{
    struct buf why = BUF_INIT;
    struct json *record = expr_row_json("{\"amount\":5}"), *empty = expr_row_json("{}");
    bool yes = false;
    struct expr *expr = expr_parse_test("amount > 3", expr_row_names, &why);
    ck_assert_int_eq(expr_test_record(expr, record, &yes, &why), 0);
    ck_assert(yes);
    ck_assert_int_eq(expr_test_record(expr, empty, &yes, &why), -1);
    ck_assert(!yes);
    expr_free(&expr);
    buf_reset(&why);
    expr = expr_parse_test("amount", expr_row_names, &why);
    ck_assert_int_eq(expr_test_record(expr, record, &yes, &why), -1);
    ck_assert_str_eq(why.data, "column 1: this gives a number, and true or false is asked for here");
    expr_free(&expr);
    json_free(record), json_free(empty);
    buf_release(&why);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("expr");
    TCase *tests = tcase_create("expr");
    tcase_add_loop_test(tests, a_policy_or_rule_gives_what_it_says, 0, COUNT(policies));
    tcase_add_loop_test(tests, operators_bind_as_documented, 0, COUNT(operators));
    tcase_add_loop_test(tests, values_compare_by_value_and_order_lies_between_like_alone, 0,
                        COUNT(comparisons));
    tcase_add_loop_test(tests, a_path_leads_to_the_value_or_to_null, 0, COUNT(paths));
    tcase_add_test(tests, values_come_by_the_place_of_their_name);
    tcase_add_test(tests, a_test_gives_true_or_false_or_a_sentence);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
