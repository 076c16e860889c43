/* test_json.c: JSON values: what is built, asked, changed, written and compared. */
#include <check.h>

#include "json.h"
#include "mem.h"

static struct json *parse(const char *text)
{
    struct json_error error = {.detail = ""};
    bool ok;
    struct json *json = json_parse(text, strlen(text), JSON_DEPTH_MAX, &error, &ok);
    ck_assert_msg(ok, "%s at %zu of %s", error.detail, error.offset, text);
    return json;
}

static void expect_written(const struct json *json, const char *text)
{
    struct buf buf = BUF_INIT;
    json_write(&buf, json);
    ck_assert_str_eq(buf.data, text);
    buf_release(&buf);
}

static const struct {
    const char *text;
    const char *written; /* NULL: as it came */
} texts[] = {
    {"null", NULL},
    {" true ", "true"},
    {"false", NULL},
    {"0", NULL},
    {"-0", NULL},
    {"0.10", NULL},
    {"1e400", NULL},
    {"1E+2", NULL},
    {"18446744073709551616", NULL},
    {"9007199254740993", NULL},
    {"123456789012345678901234567890.123456789012345678901234567890", NULL},
    {"\"\"", NULL},
    {"\"a\\/b\"", "\"a/b\""},
    {"\"\\u00e9\\u20ac\\ud834\\udd1e\\u0041\"", "\"\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e"
                                                "A\""},
    {"\"\\\"\\\\\\b\\f\\n\\r\\t\\u001f\\u007f\"", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u001f\x7f\""},
    {"\"plain then \\n escape then plain\"", NULL},
    {"[]", NULL},
    {"{}", NULL},
    {"[ 1 , [ ] , { } , null , \"x\" ]", "[1,[],{},null,\"x\"]"},
    {"{ \"b\" : 1 , \"a\" : { \"c\" : [ null ] } , \"\" : \"\" }",
     "{\"b\":1,\"a\":{\"c\":[null]},\"\":\"\"}"},
    {"{\"\\u0061\\\"\":1}", "{\"a\\\"\":1}"},
    {"\r\n\t {\"a\":\n1}\n", "{\"a\":1}"},
};

START_TEST(a_text_leaves_as_it_came_less_the_blanks)
{
    struct json *json = parse(texts[_i].text), *copy = json_copy(json);
    const char *expected = texts[_i].written != NULL ? texts[_i].written : texts[_i].text;
    expect_written(json, expected);
    expect_written(copy, expected);
    ck_assert(json_equal(json, copy));
    json_free(json);
    expect_written(copy, expected);
    json_free(copy);
}
END_TEST

START_TEST(a_null_document_is_no_error)
{
    struct json_error error;
    bool ok = false;
    ck_assert_ptr_null(json_parse("null", 4, 1, &error, &ok));
    ck_assert(ok);
    ck_assert_int_eq(json_type(NULL), JSON_NULL);
    json_free(NULL);
    ck_assert_ptr_null(json_ref(NULL));
    ck_assert_ptr_null(json_copy(NULL));
}
END_TEST

START_TEST(only_the_length_given_is_read)
{
    struct json_error error;
    bool ok;
    struct json *json = json_parse("12345", 3, 1, &error, &ok);
    ck_assert(ok);
    expect_written(json, "123");
    json_free(json);
}
END_TEST

START_TEST(members_keep_their_order_when_replaced_and_lose_it_when_removed)
{
    struct json *object = parse("{\"z\":1,\"y\":2,\"x\":3}");
    json_set(object, "y", json_new_text("two"));
    expect_written(object, "{\"z\":1,\"y\":\"two\",\"x\":3}");
    json_remove(object, "z");
    json_remove(object, "absent");
    json_set(object, "z", NULL);
    expect_written(object, "{\"y\":\"two\",\"x\":3,\"z\":null}");
    ck_assert_uint_eq(json_count(object), 3);
    json_free(object);
}
END_TEST

START_TEST(absent_and_null_members_can_be_told_apart)
{
    struct json *object = parse("{\"n\":null,\"t\":\"x\",\"i\":1}"), *value = object;
    ck_assert(json_find(object, "n", &value));
    ck_assert_ptr_null(value);
    ck_assert(!json_find(object, "absent", &value));
    ck_assert_ptr_null(value);
    ck_assert(json_find(object, "t", NULL));
    ck_assert(!json_find(NULL, "t", &value));
    ck_assert(!json_find(json_get(object, "t"), "t", &value));
    ck_assert_str_eq(json_get_text(object, "t"), "x");
    ck_assert_ptr_null(json_get_text(object, "i"));
    ck_assert_ptr_null(json_get_text(object, "n"));
    ck_assert_ptr_null(json_get_text(object, "absent"));
    ck_assert_ptr_null(json_get_text(NULL, "t"));
    json_free(object);
}
END_TEST

START_TEST(a_walk_gives_each_member_once_in_order)
{
    struct json *object = parse("{\"c\":1,\"a\":null,\"b\":[]}"), *value;
    struct json_iter iter = {NULL};
    struct buf seen = BUF_INIT;
    const char *key;
    while (json_next(object, &iter, &key, &value))
        buf_addf(&seen, "%s:%s ", key, json_type_name(json_type(value)));
    ck_assert_str_eq(seen.data, "c:number a:null b:array ");
    ck_assert(!json_next(object, &iter, &key, &value));
    buf_release(&seen);
    json_free(object);
    object = json_new_object();
    iter = (struct json_iter){NULL};
    ck_assert(!json_next(object, &iter, &key, &value));
    json_free(object);
}
END_TEST

START_TEST(values_are_built_by_hand_too)
{
    struct json *object = json_new_object(), *array = json_new_array();
    json_set(object, "list", array);
    json_append(array, json_new_int(INT64_MIN));
    json_append(array, json_new_number("0.10"));
    json_append(array, json_new_bool(false));
    json_append(array, json_new_text(NULL));
    json_append(array, json_new_text_len("abc", 2));
    expect_written(object, "{\"list\":[-9223372036854775808,0.10,false,null,\"ab\"]}");
    ck_assert_uint_eq(json_count(array), 5);
    ck_assert_uint_eq(json_count(json_at(array, 0)), 0);
    ck_assert_ptr_null(json_at(array, 3));
    ck_assert_ptr_null(json_at(array, 5));
    struct json *kept = json_ref(array);
    json_free(object);
    ck_assert_uint_eq(json_count(kept), 5);
    json_free(kept);
}
END_TEST

START_TEST(a_copy_is_deep)
{
    struct json *original = parse("{\"a\":{\"b\":[1.50]}}"), *copy = json_copy(original);
    json_append(json_get(json_get(copy, "a"), "b"), json_new_int(2));
    expect_written(original, "{\"a\":{\"b\":[1.50]}}");
    expect_written(copy, "{\"a\":{\"b\":[1.50,2]}}");
    json_free(original);
    json_free(copy);
}
END_TEST

START_TEST(nothing_is_coerced)
{
    struct json *array = parse("[\"12\",true,12,null]");
    int64_t value = 42;
    size_t len = 42;
    ck_assert_int_eq(json_int64(json_at(array, 0), &value), -1);
    ck_assert_int_eq(json_int64(json_at(array, 1), &value), -1);
    ck_assert_int_eq(json_int64(json_at(array, 3), &value), -1);
    ck_assert_int_eq(value, 42);
    ck_assert_int_eq(json_int64(json_at(array, 2), &value), 0);
    ck_assert_int_eq(value, 12);
    ck_assert_ptr_null(json_text(json_at(array, 1), &len));
    ck_assert_uint_eq(len, 0);
    ck_assert_ptr_null(json_text(array, NULL));
    ck_assert_str_eq(json_text(json_at(array, 2), &len), "12");
    ck_assert_uint_eq(len, 2);
    ck_assert(json_bool(json_at(array, 1)));
    json_free(array);
}
END_TEST

START_TEST(asking_the_wrong_type_is_a_bug)
{
    struct json *array = parse("[\"true\"]");
    switch (_i) {
    case 0:
        json_bool(json_at(array, 0));
        break;
    case 1:
        json_set(array, "a", NULL);
        break;
    case 2:
        json_append(json_at(array, 0), NULL);
        break;
    case 3:
        json_at(NULL, 0);
        break;
    case 4:
        json_new_number("01");
        break;
    case 5:
        json_new_number("1 ");
        break;
    case 6:
        json_new_number("");
        break;
    default:
        json_remove(NULL, "a");
    }
}
END_TEST

static const struct {
    const char *text;
    bool whole;
    int64_t value;
} integers[] = {
    {"0", true, 0},
    {"-0", true, 0},
    {"0.000", true, 0},
    {"0e999999999", true, 0},
    {"7", true, 7},
    {"1e2", true, 100},
    {"1E+2", true, 100},
    {"1.50e1", true, 15},
    {"1.0", true, 1},
    {"1500e-2", true, 15},
    {"0.0015e4", true, 15},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"922337203685477580700e-2", true, INT64_MAX},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"9999999999999999999", false, 0},
    {"18446744073709551617", false, 0},
    {"99999999999999999999999", false, 0},
    {"1e19", false, 0},
    {"1e999999999", false, 0},
    {"0.5", false, 0},
    {"1.5", false, 0},
    {"15e-1", false, 0},
    {"1e-999999999", false, 0},
    {"9007199254740993.5", false, 0},
};

START_TEST(a_whole_number_is_read_from_its_text)
{
    struct json *number = parse(integers[_i].text);
    int64_t value = 42;
    ck_assert_int_eq(json_int64(number, &value), integers[_i].whole ? 0 : -1);
    ck_assert_int_eq(value, integers[_i].whole ? integers[_i].value : 42);
    json_free(number);
}
END_TEST

static const struct {
    const char *a;
    const char *b;
    bool equal;
} pairs[] = {
    {"1.0", "1", true},
    {"1e2", "100", true},
    {"100", "1E+2", true},
    {"0.10", "0.1", true},
    {"-0", "0", true},
    {"0.0", "0e5", true},
    {"1200e-2", "12", true},
    {"0.00012e4", "1.2", true},
    {"0.5", "5e-1", true},
    {"1e999999999", "10e999999998", true},
    {"1", "-1", false},
    {"1", "0", false},
    {"10", "1", false},
    {"0.1", "0.01", false},
    {"9007199254740993", "9007199254740992", false},
    {"18446744073709551616", "18446744073709551617", false},
    {"1e400", "1e401", false},
    {"0.1000000000000000000000000001", "0.1", false},
    {"1", "\"1\"", false},
    {"null", "false", false},
    {"null", "null", true},
    {"true", "true", true},
    {"true", "false", false},
    {"\"a\"", "\"\\u0061\"", true},
    {"\"a\"", "\"A\"", false},
    {"\"a\"", "\"ab\"", false},
    {"[1,2]", "[1.0,2.0]", true},
    {"[1,2]", "[2,1]", false},
    {"[1]", "[1,null]", false},
    {"[]", "{}", false},
    {"{\"a\":1,\"b\":[{}]}", "{\"b\":[{}],\"a\":1.00}", true},
    {"{\"a\":1}", "{\"a\":2}", false},
    {"{\"a\":null}", "{}", false},
    {"{\"a\":null}", "{\"b\":null}", false},
    {"{\"a\":null}", "{\"a\":null}", true},
};

START_TEST(values_are_compared_by_what_they_mean)
{
    struct json *a = parse(pairs[_i].a), *b = parse(pairs[_i].b);
    ck_assert(json_equal(a, b) == pairs[_i].equal);
    ck_assert(json_equal(b, a) == pairs[_i].equal);
    ck_assert(json_equal(a, a));
    json_free(a);
    json_free(b);
}
END_TEST

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tests = tcase_create("json");
    tcase_add_loop_test(tests, a_text_leaves_as_it_came_less_the_blanks, 0, COUNT(texts));
    tcase_add_test(tests, a_null_document_is_no_error);
    tcase_add_test(tests, only_the_length_given_is_read);
    tcase_add_test(tests, members_keep_their_order_when_replaced_and_lose_it_when_removed);
    tcase_add_test(tests, absent_and_null_members_can_be_told_apart);
    tcase_add_test(tests, a_walk_gives_each_member_once_in_order);
    tcase_add_test(tests, values_are_built_by_hand_too);
    tcase_add_test(tests, a_copy_is_deep);
    tcase_add_test(tests, nothing_is_coerced);
    tcase_add_loop_test_raise_signal(tests, asking_the_wrong_type_is_a_bug, 6 /* SIGABRT */, 0, 8);
    tcase_add_loop_test(tests, a_whole_number_is_read_from_its_text, 0, COUNT(integers));
    tcase_add_loop_test(tests, values_are_compared_by_what_they_mean, 0, COUNT(pairs));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
