/* test_json_scan.c: what the strict scanner refuses, where and with which words; the conformance files of JSONTestSuite. */
#include <check.h>
#include <dirent.h>

#include "json.h"
#include "mem.h"

static const struct {
    const char *text;
    size_t offset;
    const char *pointer;
    const char *says;
} refused[] = {
    {"", 0, "", "is empty"},
    {"  \n", 3, "", "is empty"},
    {"\xef\xbb\xbf{}", 0, "", "byte order mark"},
    {"\xff\xfe{", 0, "", "UTF-8"},
    {"{} x", 3, "", "one JSON value and nothing else"},
    {"1 2", 2, "", "one JSON value and nothing else"},
    {"[1,2", 4, "", "close it with ]"},
    {"[1,", 3, "/1", "send the whole document"},
    {"[", 1, "/0", "send the whole document"},
    {"{", 1, "", "send the whole document"},
    {"{\"a\"", 4, "/a", "send the whole document"},
    {"{\"a\":", 5, "/a", "send the whole document"},
    {"{\"a\":1", 6, "", "close it with }"},
    {"{\"a\":1,", 7, "", "send the whole document"},
    {"[1,]", 2, "", "remove the comma before ]"},
    {"[,1]", 1, "/0", "missing before this comma"},
    {"[1,,2]", 3, "/1", "missing before this comma"},
    {"[1 2]", 3, "", "A comma or ] should be here"},
    {"[1}", 2, "", "A comma or ] should be here"},
    {"{\"a\":1,}", 6, "", "remove the comma before }"},
    {"{,\"a\":1}", 1, "", "remove the comma"},
    {"{\"a\":1 \"b\":2}", 7, "", "A comma or } should be here"},
    {"{\"a\" 1}", 5, "/a", "A colon should be here"},
    {"{a:1}", 1, "", "key in double quotes"},
    {"{1:1}", 1, "", "key in double quotes"},
    {"{'a':1}", 1, "", "key in double quotes"},
    {"{\"a\":'b'}", 5, "/a", "double quotes"},
    {"{\"a\":tru}", 5, "/a", "true or false"},
    {"{\"a\":True}", 5, "/a", "small letters"},
    {"{\"a\":nul}", 5, "/a", "write null"},
    {"{\"a\":NaN}", 5, "/a", "NaN and Infinity cannot be sent"},
    {"{\"a\":undefined}", 5, "/a", "A value should be here"},
    {"[1,//x\n2]", 3, "/1", "no comments"},
    {"[+1]", 1, "/0", "no plus sign"},
    {"[.5]", 1, "/0", "0.5 instead of .5"},
    {"[01]", 1, "/0", "no leading zeros"},
    {"[-01]", 2, "/0", "no leading zeros"},
    {"[-]", 2, "/0", "needs a digit after it"},
    {"[-Infinity]", 2, "/0", "needs a digit after it"},
    {"[1.]", 3, "/0", "after its point"},
    {"[1.e5]", 3, "/0", "after its point"},
    {"[1e]", 3, "/0", "digit after e"},
    {"[1e+]", 4, "/0", "digit after e"},
    {"[1e1234567890]", 3, "/0", "at most nine digits"},
    {"[0x10]", 2, "", "A comma or ] should be here"},
    {"{\"a\":\"b", 7, "/a", "close it with a double quote"},
    {"{\"a\":\"b\\", 8, "/a", "close it with a double quote"},
    {"{\"a", 3, "", "close it with a double quote"},
    {"[\"a\nb\"]", 3, "/0", "raw control character"},
    {"[\"a\tb\"]", 3, "/0", "\\u0009"},
    {"[\"\\x41\"]", 2, "/0", "escape is unknown"},
    {"[\"\\u00g0\"]", 2, "/0", "four hexadecimal digits"},
    {"[\"\\u12", 2, "/0", "four hexadecimal digits"},
    {"[\"ab\\u0000\"]", 4, "/0", "\\u0000 cannot be stored"},
    {"{\"a\\u0000b\":1}", 3, "", "\\u0000 cannot be stored"},
    {"[\"\\ud800\"]", 2, "/0", "half of a surrogate pair"},
    {"[\"\\udc00\\ud800\"]", 2, "/0", "half of a surrogate pair"},
    {"[\"\\ud800\\u0041\"]", 2, "/0", "half of a surrogate pair"},
    {"[\"\\ud800x\"]", 2, "/0", "half of a surrogate pair"},
    {"[\"\xff\"]", 2, "/0", "0xff is not UTF-8"},
    {"[\"\xc0\x80\"]", 2, "/0", "not UTF-8"},
    {"[\"\xed\xa0\x80\"]", 2, "/0", "not UTF-8"},
    {"[\"\xf4\x90\x80\x80\"]", 2, "/0", "not UTF-8"},
    {"[\"abcdefgh\xe2\x82\"]", 10, "/0", "not UTF-8"},
    {"[\"\xe2\x82", 2, "/0", "not UTF-8"},
    {"{\"a\":1,\"b\":2,\"a\":3}", 13, "/a", "in the object already"},
    {"{\"a\":1,\"\\u0061\":3}", 7, "/a", "in the object already"},
    {"{\"\":1,\"\":3}", 6, "/", "in the object already"},
    {"{\"\\u00e9\":1,\"\xc3\xa9\":3}", 12, "/\xc3\xa9", "in the object already"},
    {"{\"x\":[{\"a\":{}},{\"k\":[0,{\"b\":1,\"b\":2}]}]}", 30, "/x/1/k/1/b", "in the object already"},
    {"{\"a/b~c\":{\"\":[1,2,x]}}", 18, "/a~1b~0c//2", "A value should be here"},
    {"{\"\\u0061\\n\":[x]}", 13, "/a\n/0", "A value should be here"},
    {"{\"a\":{\"b\":1},\"c\":{\"d\":x}}", 22, "/c/d", "A value should be here"},
    {"{\"data\":{\"email\":\"a@b\",\"tags\":[\"x\",,]}}", 35, "/data/tags/1", "missing before this comma"},
};

START_TEST(a_refusal_says_where_it_was_and_what_would_be_right)
{
    struct json_error error;
    bool ok = true;
    const char *text = refused[_i].text;
    char *exact = mem_alloc(strlen(text) + 1); /* its end is the end of the memory: reading past it is seen */
    char *copy = memcpy(exact + 1, text, strlen(text));
    ck_assert_int_eq(json_check(copy, strlen(text), 64, &error), -1);
    ck_assert_msg(strstr(error.detail, refused[_i].says) != NULL, "%s: %s", text, error.detail);
    ck_assert_uint_lt(strlen(error.detail), sizeof error.detail - 1);
    ck_assert_msg(error.offset == refused[_i].offset, "%s: offset %zu", text, error.offset);
    ck_assert_str_eq(error.pointer, refused[_i].pointer);
    ck_assert_ptr_null(json_parse(copy, strlen(text), 64, &error, &ok));
    ck_assert(!ok);
    ck_assert_int_eq(json_check(copy, strlen(text), 64, NULL), -1);
    free(exact);
}
END_TEST

START_TEST(a_raw_nul_is_refused_anywhere)
{
    struct json_error error;
    ck_assert_int_eq(json_check("[\"a\0b\"]", 7, 64, &error), -1);
    ck_assert_uint_eq(error.offset, 3);
    ck_assert_ptr_null(strstr(error.detail, "\\u0000")); /* which would be refused just so */
    ck_assert_ptr_nonnull(strstr(error.detail, "remove it"));
    ck_assert_int_eq(json_check("[1,\0]", 5, 64, &error), -1);
    ck_assert_uint_eq(error.offset, 3);
    ck_assert_int_eq(json_check("1\0", 2, 64, &error), -1);
    ck_assert_uint_eq(error.offset, 1);
}
END_TEST

START_TEST(depth_counts_open_objects_and_arrays)
{
    static const struct {
        const char *text;
        unsigned depth;
    } nested[] = {{"1", 0}, {"[]", 1}, {"[[],{}]", 2}, {"{\"a\":{\"b\":[0]}}", 3}};
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        struct json_error error;
        const char *text = nested[i].text;
        ck_assert_int_eq(json_check(text, strlen(text), nested[i].depth, &error), 0);
        if (nested[i].depth > 0) {
            ck_assert_int_eq(json_check(text, strlen(text), nested[i].depth - 1, &error), -1);
            ck_assert_ptr_nonnull(strstr(error.detail, "nested too deep"));
        }
    }
}
END_TEST

START_TEST(no_caller_gets_past_the_deepest_level)
{
    char text[2 * JSON_DEPTH_MAX + 2];
    struct json_error error;
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    ck_assert_int_eq(json_check(text + 1, 2 * JSON_DEPTH_MAX, 1000000, &error), 0);
    ck_assert_int_eq(json_check(text, 2 * JSON_DEPTH_MAX + 2, 1000000, &error), -1);
    ck_assert_uint_eq(error.offset, JSON_DEPTH_MAX);
    ck_assert_uint_eq(strlen(error.pointer), 2 * JSON_DEPTH_MAX);
}
END_TEST

START_TEST(a_long_pointer_is_cut_between_characters)
{
    for (size_t shift = 0; shift < 4; shift++) {
        struct buf text = BUF_INIT;
        struct json_error error;
        buf_add_str(&text, "{\"");
        buf_add(&text, "abc", shift);
        for (int i = 0; i < 100; i++)
            buf_add_str(&text, "\xe2\x82\xac/");
        buf_add_str(&text, "\":[x]}");
        ck_assert_int_eq(json_check(text.data, text.len, 64, &error), -1);
        size_t len = strlen(error.pointer);
        ck_assert_uint_ge(len, sizeof error.pointer - 4);
        ck_assert_uint_lt(len, sizeof error.pointer);
        /* what is there is whole: euro signs and ~1 alternate behind the first letters */
        const char *tail = error.pointer + 1 + shift;
        size_t rest = len - 1 - shift;
        ck_assert(rest % 5 == 0 || rest % 5 == 3);
        ck_assert_int_eq(memcmp(tail + rest / 5 * 5, "\xe2\x82\xac", rest % 5), 0);
        buf_release(&text);
    }
}
END_TEST

/* Keys k0 ... k<count-1>, then once more the one given. */
static void object_with_duplicate(struct buf *text, int count, int duplicate)
{
    buf_reset(text);
    buf_add_ch(text, '{');
    for (int i = 0; i < count; i++)
        buf_addf(text, "\"k%d\":{\"k%d\":[]},", i, i);
    buf_addf(text, "\"\\u006b%d\":0}", duplicate);
}

START_TEST(a_duplicate_is_found_in_objects_of_any_size)
{
    struct buf text = BUF_INIT;
    struct json_error error;
    char pointer[32];
    for (int count = 1; count < 100000; count = count < 70 ? count + 1 : count * 3) {
        for (int part = 0; part < 3; part++) {
            int duplicate = part == 0 ? 0 : part == 1 ? count / 2 : count - 1;
            object_with_duplicate(&text, count, duplicate);
            ck_assert_int_eq(json_check(text.data, text.len, 64, &error), -1);
            snprintf(pointer, sizeof pointer, "/k%d", duplicate);
            ck_assert_str_eq(error.pointer, pointer);
            object_with_duplicate(&text, count, count);
            ck_assert_int_eq(json_check(text.data, text.len, 64, &error), 0);
        }
    }
    buf_release(&text);
}
END_TEST

START_TEST(a_million_keys_take_no_quadratic_time)
{
    struct buf text = BUF_INIT;
    struct json_error error;
    buf_add_str(&text, "{\"\":0");
    for (int i = 0; i < 1000000; i++)
        buf_addf(&text, ",\"%d\":0", i);
    buf_add_str(&text, "}");
    ck_assert_int_eq(json_check(text.data, text.len, 64, &error),
                     0); /* 10^12 comparisons would not end in time */
    buf_release(&text);
}
END_TEST

/* Plain bytes are skipped eight at a time: something special must be seen at each place of a word. */
START_TEST(a_special_byte_is_seen_at_every_place_of_a_string)
{
    for (size_t len = 1; len < 40; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char text[44] = "\"";
                struct json_error error;
                memset(text + 1, 'a' + (int)(at % 26), len);
                text[1 + at] = (char)byte;
                text[1 + len] = '"';
                bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
                /* a backslash makes an escape of what follows; a to z know some */
                if (byte == '\\')
                    continue;
                ck_assert_int_eq(json_check(text, len + 2, 1, &error), plain ? 0 : -1);
                if (!plain)
                    ck_assert_uint_eq(error.offset, byte == '"' ? at + 2 : at + 1);
            }
        }
    }
}
END_TEST

/* Refused by intention: what two readers could understand differently, or PostgreSQL and C strings cannot hold. */
static const char *const stricter[] = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_object_escaped_null_in_key.json",
    "y_string_null_escape.json",
};

/* The suite leaves these open; they are no valid UTF-8 or hold half of a surrogate pair. */
static const char *const open_but_refused[] = {
    "i_object_key_lone_2nd_surrogate.json",
    "i_string_1st_surrogate_but_2nd_missing.json",
    "i_string_1st_valid_surrogate_2nd_invalid.json",
    "i_string_UTF-16LE_with_BOM.json",
    "i_string_UTF-8_invalid_sequence.json",
    "i_string_UTF8_surrogate_U+D800.json",
    "i_string_incomplete_surrogate_and_escape_valid.json",
    "i_string_incomplete_surrogate_pair.json",
    "i_string_incomplete_surrogates_escape_valid.json",
    "i_string_invalid_lonely_surrogate.json",
    "i_string_invalid_surrogate.json",
    "i_string_invalid_utf-8.json",
    "i_string_inverted_surrogates_U+1D11E.json",
    "i_string_iso_latin_1.json",
    "i_string_lone_second_surrogate.json",
    "i_string_lone_utf8_continuation_byte.json",
    "i_string_not_in_unicode_range.json",
    "i_string_overlong_sequence_2_bytes.json",
    "i_string_overlong_sequence_6_bytes.json",
    "i_string_overlong_sequence_6_bytes_null.json",
    "i_string_truncated-utf-8.json",
    "i_string_utf16BE_no_BOM.json",
    "i_string_utf16LE_no_BOM.json",
    "i_structure_500_nested_arrays.json",
    "i_structure_UTF-8_BOM_empty_object.json",
};

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static const char *conformance_dir(void)
{
    const char *dir = getenv("JSON_CONFORMANCE_DIR");
    return dir != NULL ? dir : "../shared/data/json-conformance";
}

static void read_file(const char *name, struct buf *text)
{
    char path[4096], block[4096];
    size_t len;
    snprintf(path, sizeof path, "%s/%s", conformance_dir(), name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    buf_reset(text);
    while ((len = fread(block, 1, sizeof block, file)) > 0)
        buf_add(text, block, len);
    fclose(file);
}

/* 0, -1, or -2 for either. */
static int expected_verdict(const char *name)
{
    if (*name == 'n' || is_among(name, stricter, sizeof stricter / sizeof *stricter))
        return -1;
    if (*name == 'y')
        return 0;
    return is_among(name, open_but_refused, sizeof open_but_refused / sizeof *open_but_refused) ? -1 : -2;
}

static void check_file(const char *name, struct buf *text)
{
    struct json_error error = {.detail = ""};
    int expected = expected_verdict(name);
    bool ok;
    read_file(name, text);
    int verdict = json_check(text->data, text->len, JSON_DEPTH_MAX, &error);
    ck_assert_msg(expected == -2 || verdict == expected, "%s: %d %s", name, verdict, error.detail);
    struct json *json = json_parse(text->data, text->len, JSON_DEPTH_MAX, &error, &ok);
    ck_assert_msg(ok == (verdict == 0), "%s: json_parse and json_check differ", name);
    json_free(json);
}

START_TEST(every_conformance_file_gets_the_right_verdict)
{
    DIR *dir = opendir(conformance_dir());
    if (dir == NULL && getenv("JSON_CONFORMANCE_DIR") == NULL) {
        printf("SKIPPED: the JSONTestSuite files are not in %s\n",
               conformance_dir()); /* a clone of the project alone */
        return;
    }
    ck_assert_msg(dir != NULL, "%s cannot be read", conformance_dir());
    struct buf text = BUF_INIT;
    int files = 0, named = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strlen(entry->d_name) < 2 || entry->d_name[1] != '_' || strchr("yni", entry->d_name[0]) == NULL)
            continue;
        check_file(entry->d_name, &text);
        files++;
        named += entry->d_name[0] != 'n' && expected_verdict(entry->d_name) == -1;
    }
    closedir(dir);
    buf_release(&text);
    ck_assert_int_ge(files, 300);
    ck_assert_int_eq(named, (int)(sizeof stricter / sizeof *stricter +
                                  sizeof open_but_refused / sizeof *open_but_refused));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_scan");
    TCase *tests = tcase_create("json_scan");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_refusal_says_where_it_was_and_what_would_be_right, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tests, a_raw_nul_is_refused_anywhere);
    tcase_add_test(tests, depth_counts_open_objects_and_arrays);
    tcase_add_test(tests, no_caller_gets_past_the_deepest_level);
    tcase_add_test(tests, a_long_pointer_is_cut_between_characters);
    tcase_add_test(tests, a_duplicate_is_found_in_objects_of_any_size);
    tcase_add_test(tests, a_million_keys_take_no_quadratic_time);
    tcase_add_test(tests, a_special_byte_is_seen_at_every_place_of_a_string);
    tcase_add_test(tests, every_conformance_file_gets_the_right_verdict);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
