/* test_accept_slice.c: where the items of a bulk begin and end in its text. */
#include <check.h>

#include "../../api-gateway/gateway.h"
#include "mem.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

static const struct {
    const char *text;
    const char *items[4];
} arrays[] = {
    {"[]", {NULL}},
    {"[ ]", {NULL}},
    {"[1]", {"1"}},
    {"[ 1 ,2,\n-3e1 ]", {"1", "2", "-3e1"}},
    {"[{\"a\":[1,{\"b\":\"]}\"}]} , [ [],[] ] ]", {"{\"a\":[1,{\"b\":\"]}\"}]}", "[ [],[] ]"}},
    {"[\"a,\\\"]\\\\\",null,true]", {"\"a,\\\"]\\\\\"", "null", "true"}},
};

START_TEST(items_of_an_array_are_found_in_its_text)
{
    struct slice item;
    const char *text = arrays[_i].text, *at = text + 1, *end = text + strlen(text) - 1;
    for (size_t i = 0; arrays[_i].items[i]; i++) {
        ck_assert_msg(slice_next_element(&at, end, &item), "%s: no item %zu", text, i);
        ck_assert_uint_eq(item.len, strlen(arrays[_i].items[i]));
        ck_assert_mem_eq(item.text, arrays[_i].items[i], item.len);
    }
    ck_assert_msg(!slice_next_element(&at, end, &item), "%s: one item more", text);
}
END_TEST

START_TEST(a_member_is_found_behind_any_other)
{
    static const char text[] = "{ \"a\" : {\"events\":1} , \"b\":\"\\\"events\\\":2\",\"events\" : [ 3 ] }";
    struct slice value;
    ck_assert(slice_member(text, sizeof text - 1, "events", &value));
    ck_assert_uint_eq(value.len, 5);
    ck_assert_mem_eq(value.text, "[ 3 ]", 5);
    ck_assert(!slice_member(text, sizeof text - 1, "event", &value));
    ck_assert(!slice_member("{}", 2, "events", &value));
}
END_TEST

START_TEST(blank_lines_and_carriage_returns_are_no_items)
{
    static const char text[] = "\n {\"a\":1}\r\n\r\n  \t\n{\"b\":2}";
    const char *at = text, *end = text + sizeof text - 1;
    struct slice line;
    ck_assert(slice_next_line(&at, end, &line));
    ck_assert_uint_eq(line.len, 7);
    ck_assert_mem_eq(line.text, "{\"a\":1}", 7);
    ck_assert(slice_next_line(&at, end, &line));
    ck_assert_mem_eq(line.text, "{\"b\":2}", 7);
    ck_assert(!slice_next_line(&at, end, &line));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accept_slice");
    TCase *tcase = tcase_create("slices");
    tcase_add_loop_test(tcase, items_of_an_array_are_found_in_its_text, 0, COUNT(arrays));
    tcase_add_test(tcase, a_member_is_found_behind_any_other);
    tcase_add_test(tcase, blank_lines_and_carriage_returns_are_no_items);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
