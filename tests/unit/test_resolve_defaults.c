/* test_resolve_defaults.c: the table of defaults, the types of conflicts, and what a person chooses. */
#include <stdlib.h>

#include "resolve_fixture.h"

#define BZ "bizoholic"
#define CD "coreldove"
#define BS "bizosaas"

/* ---- the shipped defaults ---- */

static const struct defaults {
    enum entity entity;
    const char *field, *base;
    struct short_side sides[4];
    const char *expected, *strategy;
    int confidence;
} defaults[] = {
    {ENTITY_USER,
     "email",
     "\"a@x.de\"",
     {{BZ, 5, "\"b@x.de\""}, {BS, 1, "\"c@x.de\""}},
     "WAITS \"c@x.de\"",
     "manual_review",
     0},
    {ENTITY_USER, "email", "\"a@x.de\"", {{BZ, 5, "\"b@x.de\""}}, "\"b@x.de\"", "agreed", 100},
    {ENTITY_USER, "name", "\"a\"", {{BZ, 5, "\"b\""}, {BS, 1, "\"c\""}}, "\"b\"", "latest_wins", 90},
    {ENTITY_USER,
     "preferences",
     "{\"a\":1}",
     {{BZ, 5, "{\"a\":2}"}, {BS, 1, "{\"a\":1,\"b\":3}"}},
     "{\"a\":2,\"b\":3}",
     "merge_smart",
     85},
    {ENTITY_LEAD,
     "status",
     "\"new\"",
     {{BZ, 5, "\"won\""}, {CD, 6, "\"lost\""}},
     "\"lost\"",
     "latest_wins",
     90},
    {ENTITY_LEAD, "score", "50", {{BZ, 5, "90"}, {CD, 6, "60"}}, "90", "custom_logic", 95},
    {ENTITY_LEAD, "score", "50", {{BZ, 5, "70"}, {CD, 6, "60"}}, "60", "custom_logic", 95},
    {ENTITY_LEAD,
     "contact_info",
     "{}",
     {{BZ, 5, "{\"a\":1}"}, {CD, 6, "{\"a\":2}"}},
     "{\"a\":1}",
     "source_wins",
     80},
    {ENTITY_LEAD,
     "notes",
     "\"a\"",
     {{BZ, 5, "\"a\\nb\""}, {CD, 6, "\"a\\nc\""}},
     "\"a\\nb\\nc\"",
     "merge_smart",
     85},
    {ENTITY_ORDER,
     "status",
     "\"pending\"",
     {{BZ, 5, "\"shipped\""}, {CD, 6, "\"paid\""}},
     "\"shipped\"",
     "latest_wins",
     90},
    {ENTITY_ORDER, "amount", "100", {{BZ, 5, "150"}, {CD, 4, "8300"}}, "8300 INR", "source_wins", 80},
    {ENTITY_ORDER, "amount", "100", {{BZ, 5, "201"}, {CD, 4, "8300"}}, "WAITS 8300 INR", "manual_review", 0},
    {ENTITY_ORDER,
     "items",
     "[{\"sku\":\"a\",\"n\":1}]",
     {{BZ, 5, "[{\"sku\":\"a\",\"n\":2}]"}, {CD, 4, "[{\"sku\":\"a\",\"n\":3}]"}},
     "WAITS [{\"sku\":\"a\",\"n\":2}]",
     "manual_review",
     0},
    {ENTITY_ORDER,
     "items",
     "[]",
     {{BZ, 5, "[{\"sku\":\"a\"}]"}, {CD, 4, "[{\"sku\":\"b\"}]"}},
     "[{\"sku\":\"b\"},{\"sku\":\"a\"}]",
     "merge_smart",
     85},
    {ENTITY_PRODUCT, "price", "1", {{BZ, 5, "2"}, {CD, 4, "3"}}, "2", "latest_wins", 90},
    {ENTITY_PRODUCT, "inventory", "9", {{BZ, 5, "7"}, {CD, 4, "8"}}, "6", "additive", 85},
    {ENTITY_PRODUCT, "inventory", NO_BASE, {{BZ, 5, "7"}, {CD, 4, "8"}}, "8", "additive", 85},
    {ENTITY_PRODUCT,
     "images",
     "[\"a\"]",
     {{BZ, 5, "[\"a\",\"b\"]"}, {CD, 4, "[\"c\"]"}},
     "[\"c\",\"b\"]",
     "merge_smart",
     85},
    {ENTITY_CAMPAIGN, "anything", "1", {{BZ, 5, "2"}, {CD, 4, "3"}}, "2", "latest_wins", 90},
};

START_TEST(a_default_holds_where_no_file_says_anything)
{
    const struct defaults *row = &defaults[_i];
    struct buf errors = BUF_INIT, text = BUF_INIT;
    struct policy_set *policies = policy_set_load("", mapping_set, &errors);
    struct dispute dispute;
    ck_assert_msg(policies != NULL, "%s", errors.data);
    resolve_begin(&dispute, policies, row->entity, row->field, row->base, row->sides);
    resolve_run(&dispute);
    ck_assert_msg(strcmp(resolve_text(&text, &dispute.out), row->expected) == 0, "%s: %s instead of %s: %s",
                  row->field, text.data, row->expected, dispute.out.why.data);
    ck_assert_str_eq(dispute.out.strategy, row->strategy);
    ck_assert_int_eq(dispute.out.confidence, row->confidence);
    resolve_end(&dispute);
    policy_set_free(&policies);
    buf_release(&text);
    buf_release(&errors);
}
END_TEST

/* ---- types ---- */

static const struct kinds {
    const char *base;
    struct short_side sides[4];
    unsigned types;
    bool waits;
} kinds[] = {
    {"1", {{BZ, 0, "2"}, {CD, 30000, "3"}}, RESOLVE_VERSION_CONFLICT, false},
    {"1", {{BZ, 0, "2"}, {CD, 29999, "3"}}, RESOLVE_VERSION_CONFLICT | RESOLVE_CONCURRENT_UPDATE, false},
    {NO_BASE, {{BZ, 0, "2"}, {CD, 30000, "3"}}, RESOLVE_DATA_MISMATCH, false},
    {NO_BASE, {{BZ, 0, "2"}, {CD, 1, "3"}}, RESOLVE_DATA_MISMATCH | RESOLVE_CONCURRENT_UPDATE, false},
    {"1", {{BZ, 0, "2"}, {CD, 20000, "3"}, {BS, 40000, "4"}}, RESOLVE_VERSION_CONFLICT, false},
    {"1", {{BZ, 0, "2"}, {CD, 30000, "\"3\""}}, RESOLVE_VERSION_CONFLICT | RESOLVE_SCHEMA_CHANGE, false},
    {NO_BASE,
     {{BZ, 0, "2"}, {CD, 30000, NULL}},
     RESOLVE_DATA_MISMATCH,
     false}, /* clearing is no other type */
    {"1",
     {{BZ, 0, "2"}, {CD, 1, "[3]"}},
     RESOLVE_VERSION_CONFLICT | RESOLVE_CONCURRENT_UPDATE | RESOLVE_SCHEMA_CHANGE,
     true},
};

START_TEST(more_than_two_types_at_once_go_to_a_person)
{
    const struct kinds *row = &kinds[_i];
    struct policy_set *policies = resolve_policies("x", "any", "\"latest_wins\"", "");
    struct dispute dispute;
    resolve_begin(&dispute, policies, ENTITY_ORDER, "x", row->base, row->sides);
    resolve_run(&dispute);
    ck_assert_uint_eq(dispute.out.types, row->types);
    ck_assert_int_eq(dispute.out.waits, row->waits);
    resolve_end(&dispute);
    policy_set_free(&policies);
}
END_TEST

START_TEST(what_a_person_chose_is_the_last_side_of_that_platform)
{
    const struct short_side sides[] = {{BZ, 5, "1"}, {CD, 6, "2"}, {BZ, 3, "3"}, {NULL, 0, NULL}};
    struct policy_set *policies = resolve_policies("x", "any", "\"manual_review\"", "");
    struct dispute dispute;
    size_t side;
    resolve_begin(&dispute, policies, ENTITY_ORDER, "x", "0", sides);
    ck_assert_int_eq(resolve_side_of(&dispute.input, BZ, &side), 0);
    ck_assert_uint_eq(side, 0);
    ck_assert_int_eq(resolve_side_of(&dispute.input, BS, &side), -1);
    resolve_end(&dispute);
    policy_set_free(&policies);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolve_defaults");
    TCase *cases = tcase_create("fields");
    tcase_add_unchecked_fixture(cases, mapping_load, mapping_unload);
    tcase_add_loop_test(cases, a_default_holds_where_no_file_says_anything, 0, COUNT(defaults));
    tcase_add_loop_test(cases, more_than_two_types_at_once_go_to_a_person, 0, COUNT(kinds));
    tcase_add_test(cases, what_a_person_chose_is_the_last_side_of_that_platform);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
