/* test_buf.c: the growing buffer. */
#include <check.h>

#include "buf.h"
#include "mem.h"

START_TEST(an_empty_buffer_is_an_empty_text)
{
    struct buf fresh = BUF_INIT, made;
    buf_init(&made);
    ck_assert_str_eq(fresh.data, "");
    ck_assert_str_eq(made.data, "");
    buf_reset(&fresh);
    buf_add(&fresh, NULL, 0);
    buf_release(&fresh);
    buf_release(&fresh);
    ck_assert_str_eq(fresh.data, "");
    ck_assert_int_eq(buf_empty[0], '\0');
}
END_TEST

START_TEST(everything_that_is_added_follows_and_a_nul_ends_it)
{
    struct buf buf = BUF_INIT;
    buf_add_str(&buf, "a");
    buf_add_ch(&buf, '-');
    buf_add_int(&buf, INT64_MIN);
    buf_add_int(&buf, 0);
    buf_add_int(&buf, INT64_MAX);
    buf_addf(&buf, "|%s|%d", "x", 7);
    buf_add_hex(&buf, "\x00\xff\x1a", 3);
    ck_assert_str_eq(buf.data, "a--922337203685477580809223372036854775807|x|700ff1a");
    ck_assert_uint_eq(buf.len, strlen(buf.data));
    size_t cap = buf.cap;
    buf_reset(&buf);
    ck_assert_str_eq(buf.data, "");
    ck_assert_uint_eq(buf.cap, cap);
    buf_release(&buf);
}
END_TEST

START_TEST(a_formatted_text_of_any_length_is_whole)
{
    char long_text[5001];
    memset(long_text, 'x', 5000);
    long_text[5000] = '\0';
    for (int len = 0; len <= 5000; len += len < 200 ? 1 : 97) {
        struct buf buf = BUF_INIT;
        buf_addf(&buf, "%.*s", len, long_text);
        ck_assert_uint_eq(buf.len, (size_t)len);
        ck_assert_uint_eq(strlen(buf.data), (size_t)len);
        buf_release(&buf);
    }
}
END_TEST

START_TEST(a_reserve_lasts_for_what_was_promised)
{
    for (size_t more = 0; more < 300; more++) {
        struct buf buf = BUF_INIT;
        buf_add_str(&buf, "abc");
        buf_reserve(&buf, more);
        char *data = buf.data;
        for (size_t i = 0; i < more; i++)
            buf_add_ch(&buf, 'z');
        ck_assert_ptr_eq(buf.data, data);
        buf_release(&buf);
    }
}
END_TEST

static const struct {
    const char *text;
    size_t len;
    const char *json;
} strings[] = {
    {"", 0, "\"\""},
    {"plain /text", 11, "\"plain /text\""},
    {"\"\\\b\f\n\r\t", 7, "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
    {"\x01\x1f\x7f", 3, "\"\\u0001\\u001f\x7f\""},
    {"a\0b", 3, "\"a\\u0000b\""},
    {"\xc3\xa9\xe6\x97\xa5\xf0\x9d\x84\x9e", 9, "\"\xc3\xa9\xe6\x97\xa5\xf0\x9d\x84\x9e\""},
    {"a\xff", 2, "\"a\xef\xbf\xbd\""},
    {"\xc3", 1, "\"\xef\xbf\xbd\""},
    {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
};

START_TEST(a_json_string_is_escaped_where_it_must_be_and_always_utf8)
{
    struct buf buf = BUF_INIT;
    buf_add_json(&buf, strings[_i].text, strings[_i].len);
    ck_assert_str_eq(buf.data, strings[_i].json);
    buf_release(&buf);
}
END_TEST

START_TEST(detached_memory_belongs_to_the_caller)
{
    struct buf buf = BUF_INIT;
    size_t len = 99;
    char *nothing = buf_detach(&buf, &len);
    ck_assert_str_eq(nothing, "");
    ck_assert_uint_eq(len, 0);
    buf_add_str(&buf, "text");
    char *text = buf_detach(&buf, NULL);
    ck_assert_str_eq(text, "text");
    ck_assert_uint_eq(buf.len, 0);
    ck_assert_str_eq(buf.data, "");
    free(nothing);
    free(text);
    buf_release(&buf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("buf");
    TCase *tests = tcase_create("buf");
    tcase_add_test(tests, an_empty_buffer_is_an_empty_text);
    tcase_add_test(tests, everything_that_is_added_follows_and_a_nul_ends_it);
    tcase_add_test(tests, a_formatted_text_of_any_length_is_whole);
    tcase_add_test(tests, a_reserve_lasts_for_what_was_promised);
    tcase_add_loop_test(tests, a_json_string_is_escaped_where_it_must_be_and_always_utf8, 0,
                        sizeof strings / sizeof *strings);
    tcase_add_test(tests, detached_memory_belongs_to_the_caller);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
