/* test_resolve_merge.c: merge_smart: members, elements, lines and money of two and three sides put together. */
#include <stdlib.h>

#include "resolve_fixture.h"

#define BZ "bizoholic"
#define CD "coreldove"
#define BS "bizosaas"

static const struct situation {
    const char *base;
    struct short_side sides[4];
    const char *expected;
    const char *why;
} situations[] = {
    /* objects */
    {"{\"a\":1,\"b\":1}",
     {{BZ, 5, "{\"a\":2,\"b\":1}"}, {CD, 9, "{\"a\":1,\"b\":3}"}},
     "{\"a\":2,\"b\":3}",
     "Merged"},
    {"{\"a\":1}",
     {{BZ, 5, "{\"a\":1,\"x\":1}"}, {CD, 9, "{\"a\":1,\"y\":2}"}, {BS, 7, "{\"a\":1,\"z\":3}"}},
     "{\"a\":1,\"x\":1,\"z\":3,\"y\":2}",
     "3 sides"},
    {"{\"a\":1,\"b\":1}",
     {{BZ, 5, "{\"b\":1}"}, {CD, 9, "{\"a\":1,\"b\":2}"}},
     "{\"b\":2}",
     ""}, /* removed */
    {NO_BASE,
     {{BZ, 5, "{\"b\":1}"}, {CD, 9, "{\"a\":1}"}},
     "{\"b\":1,\"a\":1}",
     ""}, /* not known to be removed */
    {"{\"a\":1}",
     {{BZ, 5, "{}"}, {CD, 9, "{\"a\":2}"}},
     "{\"a\":2}",
     "a: was changed elsewhere, so it stays; not taken: the "
     "removal, bizoholic's"},
    {"{\"a\":1,\"b\":1}", {{BZ, 5, "{}"}, {CD, 9, "{\"a\":2,\"b\":1}"}}, "{\"a\":2}", "removal"},
    {"{\"a\":{\"b\":{\"c\":1,\"d\":1}}}",
     {{BZ, 5, "{\"a\":{\"b\":{\"c\":2,\"d\":1}}}"}, {CD, 9, "{\"a\":{\"b\":{\"c\":1,\"d\":3}}}"}},
     "{\"a\":{\"b\":{\"c\":2,\"d\":3}}}",
     ""},
    {"{\"a\":{\"b\":1}}",
     {{BZ, 5, "{\"a\":{\"b\":2}}"}, {CD, 9, "{\"a\":{\"b\":3}}"}, {BS, 7, "{\"a\":{\"b\":4}}"}},
     "{\"a\":{\"b\":3}}",
     "a.b: the latest wins; not taken: bizosaas's of"},
    {"{\"a\":1}",
     {{BZ, 5, "{\"a\":{\"x\":1}}"}, {CD, 9, "{\"a\":[1]}"}},
     "{\"a\":[1]}",
     "a: the latest wins"},
    {"{\"a\":1}",
     {{BZ, 5, "{\"a\":null}"}, {CD, 9, "{\"a\":1,\"b\":1}"}},
     "{\"a\":null,\"b\":1}",
     ""}, /* null is a value */
    {"{\"a\":1}",
     {{BZ, 5, NULL}, {CD, 9, "{\"a\":2}"}},
     "{\"a\":2}",
     "the whole: was changed elsewhere, so it stays"},
    {NO_BASE, {{BZ, 9, NULL}, {CD, 5, "{\"a\":2}"}}, "{\"a\":2}", ""},
    {NULL, {{BZ, 5, "{\"a\":1}"}, {CD, 9, "{\"b\":2}"}}, "{\"a\":1,\"b\":2}", ""},
    /* lists: sets by value */
    {"[1,2,3]", {{BZ, 5, "[1,3]"}, {CD, 9, "[1,2,3,4]"}}, "[1,3,4]", ""},
    {"[1,2,3]", {{BZ, 5, "[1,3]"}, {CD, 9, "[2,3]"}, {BS, 7, "[1,2,3,5]"}}, "[3,5]", ""},
    {NO_BASE, {{BZ, 5, "[1,3]"}, {CD, 9, "[3,4]"}}, "[1,3,4]", ""},
    {"[]", {{BZ, 9, "[\"b\"]"}, {CD, 5, "[\"a\"]"}}, "[\"a\",\"b\"]", ""}, /* in the order of time */
    {"[1]", {{BZ, 5, "[1,2]"}, {CD, 9, "[1,2.0,3]"}}, "[1,2,3]", ""},
    {"[1]", {{BZ, 5, "[1,1]"}, {CD, 9, "[1,2]"}}, "[1,1,2]", ""}, /* one that stands twice is two */
    {"[1,1]", {{BZ, 5, "[1]"}, {CD, 9, "[1,1,2]"}}, "[1,2]", ""},
    {"[{\"a\":1,\"b\":2}]", {{BZ, 5, "[{\"b\":2,\"a\":1},3]"}, {CD, 9, "[]"}}, "[3]", ""},
    {"[null]", {{BZ, 5, "[null,1]"}, {CD, 9, "[]"}}, "[1]", ""},
    /* lists: by sku, else id */
    {"[{\"sku\":\"a\",\"n\":1}]",
     {{BZ, 5, "[{\"sku\":\"a\",\"n\":2}]"}, {CD, 9, "[{\"sku\":\"a\",\"n\":1},{\"sku\":\"b\"}]"}},
     "[{\"sku\":\"a\",\"n\":2},{\"sku\":\"b\"}]",
     ""},
    {"[{\"id\":1,\"n\":1,\"m\":1}]",
     {{BZ, 5, "[{\"id\":1,\"n\":2,\"m\":1}]"}, {CD, 9, "[{\"id\":\"1\",\"n\":1,\"m\":3}]"}},
     "[{\"id\":\"1\",\"n\":2,\"m\":3}]",
     ""},
    {"[{\"sku\":\"a\",\"n\":1}]",
     {{BZ, 5, "[{\"sku\":\"a\",\"n\":2}]"}, {CD, 9, "[]"}},
     "[{\"sku\":\"a\",\"n\":2}]",
     "[1]: was changed elsewhere"},
    {"[{\"sku\":\"a\",\"n\":1}]",
     {{BZ, 5, "[{\"sku\":\"a\",\"n\":2}]"}, {CD, 9, "[{\"sku\":\"a\",\"n\":3}]"}},
     "[{\"sku\":\"a\",\"n\":3}]",
     "[1].n: the latest wins; not taken: bizoholic's"},
    {NO_BASE,
     {{BZ, 5, "[{\"sku\":\"a\",\"n\":2}]"}, {CD, 9, "[{\"sku\":\"a\",\"m\":3},{\"id\":7}]"}},
     "[{\"sku\":\"a\",\"n\":2,\"m\":3},{\"id\":7}]",
     ""},
    {"[{\"sku\":\"\",\"id\":1,\"n\":1}]",
     {{BZ, 5, "[{\"sku\":\"\",\"id\":1,\"n\":2}]"}, {CD, 9, "[{\"sku\":\"\",\"id\":1,\"n\":1},2]"}},
     "[{\"sku\":\"\",\"id\":1,\"n\":2},2]",
     ""},
    {"[{\"id\":\"x\"},{\"id\":\"x\",\"n\":1}]",
     {{BZ, 5, "[{\"id\":\"x\"},{\"id\":\"x\",\"n\":2}]"},
      {CD, 9, "[{\"id\":\"x\"},{\"id\":\"x\",\"n\":1},{\"id\":\"y\"}]"}},
     "[{\"id\":\"x\"},{\"id\":\"x\",\"n\":2},{\"id\":\"y\"}]",
     ""},
    /* texts */
    {"\"a\"", {{BZ, 5, "\"a\\nb\""}, {CD, 9, "\"a\\nc\""}}, "\"a\\nb\\nc\"", ""},
    {"\"a\\n\"",
     {{BZ, 9, "\"a\\nb\""}, {CD, 5, "\"a\\nc\\nd\""}, {BS, 7, "\"a\\nb\""}},
     "\"a\\nc\\nd\\nb\"",
     ""},
    {"\"a\"",
     {{BZ, 5, "\"ab\""}, {CD, 9, "\"ac\""}},
     "\"ac\"",
     "the latest wins; not taken: bizoholic"}, /* no lines */
    {"\"a\"", {{BZ, 5, "\"a\\nb\""}, {CD, 9, "\"x\""}}, "\"x\"", "not taken: bizoholic"},
    {NO_BASE, {{BZ, 5, "\"a\\nb\""}, {CD, 9, "\"a\\nc\""}}, "\"a\\nc\"", "not taken: bizoholic"},
    /* what cannot be put together */
    {"1",
     {{BZ, 50000, "2"}, {CD, 9, "3"}},
     "2",
     "Nothing that could be put together: the latest wins, bizoholic's. Not taken"},
    {"[1]", {{BZ, 50000, "[1,2]"}, {CD, 9, "{\"a\":1}"}}, "[1,2]", "Not taken: coreldove"},
    {"1", {{BZ, 50000, NULL}, {CD, 9, "2"}}, "2", "Not taken: bizoholic"},
    {"1", {{BZ, 50000, "2 USD"}, {CD, 9, "300 INR"}}, "2 USD", "Nothing that could"},
};

START_TEST(parts_of_all_sides_are_put_together)
{
    const struct situation *row = &situations[_i];
    struct policy_set *policies = resolve_policies("x", "any", "\"merge_smart\"", "");
    struct dispute dispute;
    struct buf text = BUF_INIT;
    resolve_begin(&dispute, policies, ENTITY_ORDER, "x", row->base, row->sides);
    resolve_run(&dispute);
    ck_assert_msg(strcmp(resolve_text(&text, &dispute.out), row->expected) == 0,
                  "row %d: %s instead of %s: %s", _i, text.data, row->expected, dispute.out.why.data);
    ck_assert_msg(strstr(dispute.out.why.data, row->why) != NULL, "row %d: %s", _i, dispute.out.why.data);
    ck_assert_int_eq(dispute.out.confidence, 85);
    buf_release(&text);
    resolve_end(&dispute);
    policy_set_free(&policies);
}
END_TEST

static const struct same_element {
    const char *base;
    struct short_side sides[4];
    bool waits;
} same_elements[] = {
    {"[{\"sku\":\"a\",\"n\":1}]",
     {{BZ, 5, "[{\"sku\":\"a\",\"n\":2}]"}, {CD, 9, "[{\"sku\":\"a\",\"n\":3}]"}},
     true},
    {"[{\"sku\":\"a\",\"n\":1}]",
     {{BZ, 5, "[{\"sku\":\"a\",\"n\":2}]"}, {CD, 9, "[{\"sku\":\"a\",\"n\":1,\"m\":3}]"}},
     true},
    {"[{\"sku\":\"a\",\"n\":1}]", {{BZ, 5, "[{\"sku\":\"a\",\"n\":2}]"}, {CD, 9, "[]"}}, true},
    {"[{\"sku\":\"a\",\"n\":1}]",
     {{BZ, 5, "[{\"sku\":\"a\",\"n\":2}]"}, {CD, 9, "[{\"sku\":\"a\",\"n\":2},{\"sku\":\"b\"}]"}},
     false},
    {"[{\"sku\":\"a\"},{\"sku\":\"b\"}]",
     {{BZ, 5, "[{\"sku\":\"a\",\"n\":2},{\"sku\":\"b\"}]"}, {CD, 9, "[{\"sku\":\"a\"}]"}},
     false},
    {NO_BASE, {{BZ, 5, "[{\"sku\":\"a\",\"n\":2}]"}, {CD, 9, "[{\"sku\":\"a\",\"n\":3}]"}}, true},
    {NO_BASE,
     {{BZ, 5, "[{\"sku\":\"a\",\"n\":2}]"},
      {CD, 9, "[{\"sku\":\"b\",\"n\":3}]"},
      {BS, 7, "[{\"sku\":\"c\"}]"}},
     false},
    {"[1]", {{BZ, 5, "[]"}, {CD, 9, "[1,2]"}}, false},
    {"[{\"sku\":\"a\"}]",
     {{BZ, 5, "[{\"sku\":\"a\"},{\"sku\":\"b\"}]"},
      {CD, 9, "[{\"sku\":\"a\",\"n\":1}]"},
      {BS, 7, "[{\"sku\":\"a\",\"n\":2}]"}},
     true},
};

START_TEST(an_item_that_two_sides_changed_is_for_a_person)
{
    const struct same_element *row = &same_elements[_i];
    struct buf errors = BUF_INIT;
    struct policy_set *policies = policy_set_load("", mapping_set, &errors);
    struct dispute dispute;
    resolve_begin(&dispute, policies, ENTITY_ORDER, "items", row->base, row->sides);
    resolve_run(&dispute);
    ck_assert_msg(dispute.out.waits == row->waits, "row %d: %s", _i, dispute.out.why.data);
    resolve_end(&dispute);
    policy_set_free(&policies);
    buf_release(&errors);
}
END_TEST

/* 83 INR are a US dollar. */
static const struct priced {
    const char *base, *base_currency;
    struct short_side sides[4];
    const char *expected;
} priced[] = {
    /* What bizosaas got of the base is the base: only the new item is its own, and it enters in the record's currency. */
    {"[{\"sku\":\"a\",\"price\":1.00,\"n\":1}]",
     "INR",
     {{BS, 5, "[{\"sku\":\"a\",\"price\":0.01,\"n\":1},{\"sku\":\"b\",\"price\":2}] USD"},
      {CD, 9, "[{\"sku\":\"a\",\"price\":1.00,\"n\":5}] INR"}},
     "[{\"sku\":\"a\",\"price\":1.00,\"n\":5},{\"sku\":\"b\",\"price\":166.00}] INR"},
    {NO_BASE,
     NULL,
     {{BS, 9, "[{\"sku\":\"b\",\"price\":2}] USD"},
      {CD, 5, "[{\"sku\":\"a\",\"price\":83,\"total\":166}] INR"}},
     "[{\"sku\":\"a\",\"price\":1.00,\"total\":2.00},{\"sku\":\"b\",\"price\":2}] USD"},
    {"[{\"sku\":\"a\",\"price\":1}]",
     "USD",
     {{BS, 5, "[{\"sku\":\"a\",\"price\":1},{\"sku\":\"b\",\"price\":2}] USD"}, {CD, 9, "[] INR"}},
     "[{\"sku\":\"b\",\"price\":2}] USD"},
    {"[{\"sku\":\"a\",\"price\":1}]",
     "XAU",
     {{BS, 5, "[{\"sku\":\"a\",\"price\":2}] USD"}, {CD, 9, "[{\"sku\":\"c\",\"price\":3}] INR"}},
     "WAITS [{\"sku\":\"c\",\"price\":3}] INR"},
};

START_TEST(prices_in_a_merged_list_are_in_one_currency)
{
    const struct priced *row = &priced[_i];
    struct policy_set *policies = resolve_policies("items", "list", "\"merge_smart\"", "");
    struct dispute dispute;
    struct buf text = BUF_INIT;
    resolve_begin(&dispute, policies, ENTITY_ORDER, "items", row->base, row->sides);
    dispute.input.base_currency = row->base_currency;
    resolve_run(&dispute);
    ck_assert_msg(strcmp(resolve_text(&text, &dispute.out), row->expected) == 0,
                  "row %d: %s instead of %s: %s", _i, text.data, row->expected, dispute.out.why.data);
    buf_release(&text);
    resolve_end(&dispute);
    policy_set_free(&policies);
}
END_TEST

START_TEST(many_places_are_counted_not_listed)
{
    struct buf base = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
    struct policy_set *policies = resolve_policies("x", "any", "\"merge_smart\"", "");
    struct dispute dispute;
    for (int i = 0; i < 100; i++) {
        buf_addf(&base, "%s\"k%d\":0", i > 0 ? "," : "{", i);
        buf_addf(&a, "%s\"k%d\":1", i > 0 ? "," : "{", i);
        buf_addf(&b, "%s\"k%d\":2", i > 0 ? "," : "{", i);
    }
    buf_add_ch(&base, '}');
    buf_add_ch(&a, '}');
    buf_add_ch(&b, '}');
    const struct short_side sides[] = {{BZ, 5, a.data}, {CD, 9, b.data}, {NULL, 0, NULL}};
    resolve_begin(&dispute, policies, ENTITY_ORDER, "x", base.data, sides);
    resolve_run(&dispute);
    ck_assert_msg(strstr(dispute.out.why.data, "So in 80 more places") != NULL, "%s", dispute.out.why.data);
    ck_assert_uint_lt(dispute.out.why.len, 4096);
    resolve_end(&dispute);
    policy_set_free(&policies);
    buf_release(&base);
    buf_release(&a);
    buf_release(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolve_merge");
    TCase *cases = tcase_create("merges");
    tcase_add_unchecked_fixture(cases, mapping_load, mapping_unload);
    tcase_add_loop_test(cases, parts_of_all_sides_are_put_together, 0, COUNT(situations));
    tcase_add_loop_test(cases, an_item_that_two_sides_changed_is_for_a_person, 0, COUNT(same_elements));
    tcase_add_loop_test(cases, prices_in_a_merged_list_are_in_one_currency, 0, COUNT(priced));
    tcase_add_test(cases, many_places_are_counted_not_listed);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
