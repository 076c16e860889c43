/* test_syncctl_text.c: what syncctl prints of what others chose: nothing that moves a cursor, columns that stay columns. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../ctl/text.h"
#include "buf.h"

static const struct {
    const char *text;
    size_t len;
    const char *clean, *valid;
} texts[] = {
    {"plain text", 10, "plain text", "plain text"},
    {"Ašå 東京", 12, "Ašå 東京", "Ašå 東京"},
    {"a\x1b[2Jb", 6, "a\\x1b[2Jb", "a\x1b[2Jb"},
    {"a\nb\tc\r", 6, "a\\x0ab\\x09c\\x0d", "a\nb\tc\r"},
    {"\x7f", 1, "\\x7f", "\x7f"},
    {"\xc2\x9b"
     "31m",
     5, "\\xc2\\x9b31m",
     "\xc2\x9b"
     "31m"},
    {"\xc2\xa0", 2, "\xc2\xa0", "\xc2\xa0"},
    {"\xe2\x80\xaegnp", 6, "\\xe2\\x80\\xaegnp", "\xe2\x80\xaegnp"},
    {"\xe2\x80\xa8", 3, "\\xe2\\x80\\xa8", "\xe2\x80\xa8"},
    {"\xe2\x81\xa6x", 4, "\\xe2\\x81\\xa6x", "\xe2\x81\xa6x"},
    {"\xe2\x80\x93", 3, "\xe2\x80\x93", "\xe2\x80\x93"},
    {"\xff\xc3", 2, "\\xff\\xc3", "\\xff\\xc3"},
    {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"},
    {"a\0b", 3, "a\\x00b", "a\\x00b"},
    {"", 0, "", ""},
};

START_TEST(foreign_text_neither_moves_the_cursor_nor_breaks_json)
{
    struct buf out = BUF_INIT;

    text_clean(&out, texts[_i].text, texts[_i].len);
    ck_assert_str_eq(out.data, texts[_i].clean);
    buf_reset(&out);
    text_valid(&out, texts[_i].text, texts[_i].len);
    ck_assert_str_eq(out.data, texts[_i].valid);
    buf_release(&out);
}
END_TEST

static const struct {
    int64_t ms;
    const char *text;
} spans[] = {{-5, "0s"},         {0, "0s"},         {999, "0s"},         {1000, "1s"},
             {119999, "119s"},   {120000, "2m"},    {7199999, "119m"},   {7200000, "2h"},
             {172799999, "47h"}, {172800000, "2d"}, {8640000000, "100d"}};

START_TEST(spans_are_short)
{
    struct buf out = BUF_INIT;

    text_span(&out, spans[_i].ms);
    ck_assert_str_eq(out.data, spans[_i].text);
    buf_release(&out);
}
END_TEST

START_TEST(times_are_cut_to_seconds_and_ages_are_never_negative)
{
    struct buf out = BUF_INIT;

    text_time(&out, "2026-01-31T12:34:56.789Z");
    ck_assert_str_eq(out.data, "2026-01-31 12:34:56Z");
    buf_reset(&out);
    text_time(&out, NULL);
    ck_assert_str_eq(out.data, "-");
    buf_release(&out);
    ck_assert_int_eq(text_age_ms("1970-01-01T00:00:02.000Z", 5000), 3000);
    ck_assert_int_eq(text_age_ms("1970-01-01T00:00:09.000Z", 5000), 0);
    ck_assert_int_eq(text_age_ms(NULL, 5000), -1);
    ck_assert_int_eq(text_age_ms("soon", 5000), -1);
}
END_TEST

START_TEST(columns_are_as_wide_as_what_is_in_them)
{
    static const char *const headers[] = {"NAME", ">COUNT", "REASON", NULL};
    struct table *table = table_new(headers);
    struct json *row = json_new_object();
    struct buf out = BUF_INIT;

    json_set(row, "reason", json_new_text("two\nlines"));
    json_set(row, "count", json_new_int(1234567));
    table_text(table, "東京"); /* two characters, six bytes */
    table_int(table, -7);
    table_text(table, NULL);
    table_text(table, "longer name");
    table_json(table, row, "count");
    table_json(table, row, "reason");
    table_text(table, "");
    table_json(table, NULL, "count");
    table_json(table, row, "absent");
    table_end(&table, &out);
    ck_assert_ptr_null(table);
    ck_assert_str_eq(out.data, "NAME           COUNT  REASON\n"
                               "東京                -7  -\n"
                               "longer name  1234567  two\\x0alines\n"
                               "-                  -  -\n");
    buf_release(&out);
    json_free(row);
}
END_TEST

START_TEST(a_table_without_rows_is_nothing)
{
    static const char *const headers[] = {"NAME", NULL};
    struct table *table = table_new(headers);
    struct buf out = BUF_INIT;

    table_end(&table, &out);
    ck_assert_str_eq(out.data, "");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("syncctl text");
    Suite *suite = suite_create("syncctl text");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, foreign_text_neither_moves_the_cursor_nor_breaks_json, 0,
                        sizeof texts / sizeof *texts);
    tcase_add_loop_test(tests, spans_are_short, 0, sizeof spans / sizeof *spans);
    tcase_add_test(tests, times_are_cut_to_seconds_and_ages_are_never_negative);
    tcase_add_test(tests, columns_are_as_wide_as_what_is_in_them);
    tcase_add_test(tests, a_table_without_rows_is_nothing);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
