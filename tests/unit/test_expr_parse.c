/* test_expr_parse.c: what is no expression is refused with the column and what to write; and every expression ends. */
#include <check.h>

#include "clock.h"
#include "expr_fixture.h"
#include "mem.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

static const struct {
    const char *text;
    const char *why; /* the whole sentence */
} refused[] = {
    {"", "column 1: a value is missing at the end"},
    {"  ", "column 3: a value is missing at the end"},
    {"amuont >= 0", "column 1: there is no name amuont here; the nearest is amount"},
    {"score > 1 and STATUS == 'x'", "column 15: there is no name STATUS here; the nearest is status"},
    {"Null == a", "column 1: there is no name Null here; the nearest is null"},
    {"a AND b", "column 3: an operator is missing in front of AND"},
    {"cuont(items)", "column 1: there is no function cuont; the nearest is count"},
    {"frobnicate(items)", "column 1: there is no function frobnicate"},
    {"items.lower()", "column 7: a function stands in front of what it takes: write lower(…)"},
    {"a = 1", "column 3: write == to compare; nothing is assigned here"},
    {"a === 1", "column 3: write == to compare"},
    {"a && b", "column 3: write and"},
    {"a || b", "column 3: write or"},
    {"!a", "column 1: write not"},
    {"a <> 1", "column 3: write != to compare"},
    {"a / 2", "column 3: write divide(a, b, 2): a quotient needs to know to how many digits it is rounded"},
    {"email =~ '.*'",
     "column 7: there are no patterns here: is_email, starts_with, ends_with and contains look into a text"},
    {"a ?? b", "column 3: write coalesce(a, b) for a, or b where a is null"},
    {"{a: 1}", "column 1: there are no objects here, only lists: [1, 2]"},
    {"a; b", "column 2: this sign means nothing here; texts stand in quotes"},
    {"1 < a < 3", "column 7: comparisons form no chain: write a < b and b < c"},
    {"a == b == c", "column 8: comparisons form no chain: write a < b and b < c"},
    {"a b", "column 3: an operator is missing in front of b"},
    {"a 'b'", "column 3: an operator is missing in front of this text"},
    {"(a", "column 3: ) is missing at the end"},
    {"(a]", "column 3: ) is missing in front of ]"},
    {"[1, 2", "column 6: , is missing at the end"},
    {"[1, ]", "column 5: a value is missing in front of ]"},
    {"a ? b", "column 6: : is missing at the end"},
    {"a not b", "column 7: in is missing in front of b"},
    {"a.", "column 3: a name behind the point is missing at the end"},
    {"a.1", "column 3: a name behind the point is missing in front of 1"},
    {"and", "column 1: a value is missing in front of and"},
    {"a + ", "column 5: a value is missing at the end"},
    {"'abc", "column 1: this text has no quote at its end"},
    {"a == 'x\\q'", "column 8: behind a backslash in a text stands n, r, t, a quote or another backslash"},
    {"01", "column 1: A number has no leading zeros: write 1 instead of 01, or put it in quotes"},
    {"1.", "column 1: A number needs a digit after its point: write 1.0 or 1"},
    {"12USD", "column 1: a name does not begin with a digit, and a number does not end with a letter"},
    {"100000000000000000000000000000000000001e1", "column 1: this number has more than 38 digits"},
    {"a + [1]", "column 5: + takes a number or a text, and this is a list"},
    {"1 + 'a'", "column 3: + takes two of one type, and here are a number and a text"},
    {"'a' * 2", "column 1: * takes a number, and this is a text"},
    {"- 'a'", "column 3: - takes a number, and this is a text"},
    {"not 1", "column 5: not takes true or false, and this is a number"},
    {"1 and true", "column 1: and takes true or false, and this is a number"},
    {"a > 1 and 'x'", "column 11: and takes true or false, and this is a text"},
    {"1 ? 2 : 3", "column 1: ? takes true or false, and this is a number"},
    {"count(items) == '1'", "column 14: == takes two of one type, and here are a number and a text"},
    {"1 < 'a'", "column 3: < takes two of one type, and here are a number and a text"},
    {"a in 3", "column 6: in takes a list, and this is a number"},
    {"'x'.y", "column 1: a point takes an object, and this is a text"},
    {"1[0]", "column 1: [ ] takes a list or an object, and this is a number"},
    {"items[true]", "column 7: [ ] takes a number or a text, and this is true or false"},
    {"lower(1)", "column 7: lower takes a text, and this is a number"},
    {"lower()", "column 1: lower takes exactly 1 argument"},
    {"lower(a, b)", "column 10: lower takes no more than 1 argument"},
    {"divide(1, 2)", "column 1: divide takes exactly 3 arguments"},
    {"max()", "column 1: max takes at least 1 argument"},
    {"max(a, b, c, a, b, c, a, b, c)", "column 29: max takes no more than 8 arguments"},
    {"any(items)",
     "column 1: any takes exactly 3 arguments: a list, a name for the element, and what is to be said of it"},
    {"any(items, i)", "column 13: , is missing in front of )"},
    {"any(items, 1, true)", "column 12: a name for the element is missing in front of 1"},
    {"any(items, not, true)", "column 12: a name for the element is missing in front of not"},
    {"any(items, a, true)", "column 12: this name means something already: give the element another"},
    {"any(items, i, any(i, i, true))",
     "column 22: this name means something already: give the element another"},
    {"any(items, i, 1)", "column 15: any takes true or false, and this is a number"},
    {"any(items, i, i) and i", "column 22: there is no name i here; the nearest is a"},
    {"any(items, i, true, a)", "column 21: any takes no more than 3 arguments"},
    {"'\xc3\xa9' + \x01", "column 7: here stands a byte that belongs to no text in UTF-8"},
    {"a == '\xff'", "column 7: here stands a byte that belongs to no text in UTF-8"},
    {"'\xc3\xa9\xc3\xa9' == 1", "column 6: == takes two of one type, and here are a text and a number"},
};

START_TEST(what_is_no_expression_is_refused_with_column_and_advice)
{
    struct buf why = BUF_INIT;
    ck_assert_ptr_null(expr_parse(refused[_i].text, expr_row_names, &why));
    ck_assert_str_eq(why.data, refused[_i].why);
    buf_release(&why);
}
END_TEST

START_TEST(a_wrong_guess_is_shown_the_names)
{
    static const char *const names[] = {"values", "latest", NULL};
    struct buf why = BUF_INIT;
    ck_assert_ptr_null(expr_parse("newest_side", names, &why));
    ck_assert_str_eq(why.data, "column 1: there is no name newest_side here; there is values, latest");
    buf_release(&why);
}
END_TEST

START_TEST(what_can_never_be_true_or_false_is_no_test)
{
    struct buf why = BUF_INIT;
    ck_assert_ptr_null(expr_parse_test("score + 1", expr_row_names, &why));
    ck_assert_str_eq(why.data, "column 7: what is asked here takes true or false, and this is a number");
    struct expr *expr = expr_parse_test("data.wanted", expr_row_names, &why);
    ck_assert_ptr_nonnull(expr);
    expr_free(&expr);
    buf_release(&why);
}
END_TEST

static struct expr *parse_text(const struct buf *text, struct buf *why)
{
    return expr_parse(text->data, expr_row_names, why);
}

static void repeat(struct buf *text, const char *part, int times)
{
    for (int i = 0; i < times; i++)
        buf_add_str(text, part);
}

static const struct {
    const char *open, *middle, *close;
} nested[] = {
    {"(", "a", ")"},         {"[", "a", "]"},
    {"-", "a", ""},          {"not ", "a", ""},
    {"a ? ", "a", ":a"},     {"a ? a : ", "a", ""},
    {"lower(", "a", ")"},    {"a + ", "a", ""},
    {"a[", "a", "]"},        {"", "a", ".b"},
    {"a or ", "a", ""},      {"any(a, i, ", "true", ")"},
    {"a == (", "a", ")"},    {"", "a", "[0]"},
    {"coalesce(", "a", ")"}, {"filter(a, i, any(i, j, ", "true", "))"},
};

START_TEST(what_is_nested_too_deep_is_refused)
{
    struct buf text = BUF_INIT, why = BUF_INIT;
    repeat(&text, nested[_i].open, 300);
    buf_add_str(&text, nested[_i].middle);
    repeat(&text, nested[_i].close, 300);
    struct expr *expr = parse_text(&text, &why);
    ck_assert_ptr_null(expr);
    ck_assert_msg(strstr(why.data, "inside of each other") != NULL ||
                      strstr(why.data, "at most 4096 bytes") != NULL ||
                      strstr(why.data, "means something already") != NULL,
                  "%s", why.data);
    buf_release(&text);
    buf_release(&why);
}
END_TEST

START_TEST(a_text_of_more_than_4096_bytes_is_refused)
{
    struct buf text = BUF_INIT, why = BUF_INIT;
    repeat(&text, "a", 1);
    repeat(&text, " ", EXPR_TEXT_MAX - 1);
    struct expr *expr = parse_text(&text, &why);
    ck_assert_ptr_nonnull(expr);
    expr_free(&expr);
    repeat(&text, " ", 1);
    ck_assert_ptr_null(parse_text(&text, &why));
    ck_assert_str_eq(why.data, "an expression has at most 4096 bytes, and this one has 4097");
    buf_release(&text);
    buf_release(&why);
}
END_TEST

/* Over data made to cost as much as can be: a list of 20,000 elements, a text of a megabyte, a deep and wide object. */
static struct json *expensive(void)
{
    struct buf text = BUF_INIT;
    buf_add_str(&text, "{\"items\":[1");
    repeat(&text, ",1", 20000);
    buf_add_str(&text, "],\"b\":[1");
    repeat(&text, ",1", 999);
    buf_add_str(&text, "],\"name\":\"");
    repeat(&text, "aaaaaaaaaaaaaaaa", 65536);
    buf_add_str(&text, "\",\"a\":1");
    repeat(&text, "0", 100000);
    buf_add_str(&text, "}");
    struct json *json = expr_row_json(text.data);
    buf_release(&text);
    return json;
}

static const char *const endless[] = {
    "all(items, i, all(items, j, all(items, k, i == j)))",
    "all(items, i, items == items)",
    "all(items, i, contains(name, 'b') == false)",
    "all(items, i, lower(name) == name)",
    "all(items, i, name + name != name)",
    "all(items, i, a == a and a > 1)",
    "all(items, i, length(name) > 1)",
    "map(items, i, data)",
    "map(b, i, data)", /* what it makes is small, and what is written is not */
    "map(b, i, name)",
    "map(b, i, items)",
    "map([b, b, b, b, b, b, b, b, b, b, b], i, [i, i, i, i, i, i, i, i, i, i, i])",
    "map(items, i, [data, data, data])",
    "map(items, i, map(items, j, map(items, k, 1)))",
    "map(items, i, name)",
    "map(items, i, items)",
    "sum(map(items, i, sum(items)))",
    "all(items, i, i not in items or i in items)",
    "all(items, i, split(name, 'a') != items)",
    "map([items, items, items, items, items], i, map(i, j, items))",
    "join(map(items, i, name), name)",
    "all(items, i, is_blank(trim(name)) == false)",
    "all(items, i, max(items) == 1)",
    "all(items, i, data == data)",
};

#ifdef __SANITIZE_ADDRESS__
#define ENDS_MS 30000 /* each allocation costs many times as much */
#else
#define ENDS_MS 1000
#endif

START_TEST(an_expression_ends_whatever_the_data)
{
    struct buf why = BUF_INIT;
    struct json *record = expensive(), *result = NULL;
    struct expr *expr = expr_parse(endless[_i], expr_row_names, &why);
    ck_assert_msg(expr != NULL, "%s: %s", endless[_i], why.data);
    int64_t start = clock_mono_ms();
    int failed = expr_eval_record(expr, record, &result, &why);
    ck_assert_msg(failed == -1, "%s", endless[_i]);
    ck_assert_msg(strstr(why.data, "more than 100000 steps") != NULL ||
                      strstr(why.data, "more than 1048576 bytes") != NULL,
                  "%s: %s", endless[_i], why.data);
    ck_assert_msg(clock_mono_ms() - start < ENDS_MS, "%s took %lld ms", endless[_i],
                  (long long)(clock_mono_ms() - start));
    ck_assert_ptr_null(result);
    expr_free(&expr);
    json_free(record);
    buf_release(&why);
}
END_TEST

START_TEST(a_sentence_holds_no_value_of_the_data)
{
    static const char *const expressions[] = {"email > 1",          "sum(values)",    "max(values)",
                                              "email - 1",          "items[email.x]", "join([email, 1], '')",
                                              "divide(email, 1, 2)"};
    struct json *record = expr_row_json("{\"email\":\"secret@example.com\",\"values\":[\"secret\",1]}"),
                *result;
    for (int i = 0; i < COUNT(expressions); i++) {
        struct buf why = BUF_INIT;
        struct expr *expr = expr_parse(expressions[i], expr_row_names, &why);
        ck_assert_msg(expr != NULL, "%s", why.data);
        ck_assert_int_eq(expr_eval_record(expr, record, &result, &why), -1);
        ck_assert_ptr_null(strstr(why.data, "secret"));
        expr_free(&expr);
        buf_release(&why);
    }
    json_free(record);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("expr_parse");
    TCase *tests = tcase_create("expr_parse");
    tcase_set_timeout(tests, 60); /* sanitizers, and other tests beside */
    tcase_add_loop_test(tests, what_is_no_expression_is_refused_with_column_and_advice, 0, COUNT(refused));
    tcase_add_test(tests, a_wrong_guess_is_shown_the_names);
    tcase_add_test(tests, what_can_never_be_true_or_false_is_no_test);
    tcase_add_loop_test(tests, what_is_nested_too_deep_is_refused, 0, COUNT(nested));
    tcase_add_test(tests, a_text_of_more_than_4096_bytes_is_refused);
    tcase_add_loop_test(tests, an_expression_ends_whatever_the_data, 0, COUNT(endless));
    tcase_add_test(tests, a_sentence_holds_no_value_of_the_data);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
