/* test_resolve.c: each strategy in each situation, with two and with three sides. Merges: test_resolve_merge.c. */
#include <stdlib.h>

#include "resolve_fixture.h"

#define BZ "bizoholic"
#define CD "coreldove"
#define BS "bizosaas"

static const struct situation {
    const char *type, *policy;
    const char *base;
    struct short_side sides[4];
    const char *expected; /* resolve_text */
    const char *why;      /* a part of it */
} situations[] = {
    /* latest_wins */
    {"any", "\"latest_wins\"", "1", {{BZ, 5, "2"}, {CD, 9, "3"}}, "3", "Not taken: bizoholic's of"},
    {"any", "\"latest_wins\"", NO_BASE, {{BZ, 9, "2"}, {CD, 5, "3"}}, "2", "Not taken: coreldove's of"},
    {"any", "\"latest_wins\"", "1", {{BZ, 5, "2"}, {CD, 9, "3"}, {BS, 7, "4"}}, "3", "bizosaas's of"},
    {"any", "\"latest_wins\"", "1", {{CD, 5, "2"}, {BZ, 5, "3"}}, "2", "coreldove"}, /* a tie: by name */
    {"any", "\"latest_wins\"", "1", {{BZ, 5, "2"}, {CD, 9, NULL}}, "cleared", "Not taken: bizoholic"},
    {"any", "\"latest_wins\"", "1", {{BZ, 5, NULL}, {CD, 9, "2"}}, "2", "Not taken: bizoholic"},
    {"any", "\"latest_wins\"", "1", {{BZ, 5, "2"}, {BZ, 9, "3"}, {CD, 7, "4"}}, "3", "Not taken: coreldove"},
    /* no conflict */
    {"any", "\"manual_review\"", "1", {{BZ, 5, "2"}}, "2", "One side alone"},
    {"any", "\"manual_review\"", "1", {{BZ, 5, "2"}, {CD, 9, "2.0"}}, "2.0", "say the same"},
    {"any", "\"manual_review\"", "1", {{BZ, 5, "2"}, {CD, 9, "1.0"}}, "2", "One side alone"},
    {"any", "\"manual_review\"", "1", {{BZ, 5, "1"}, {CD, 9, "1"}}, "1", "No side changed"},
    {"any", "\"manual_review\"", "1", {{BZ, 5, NULL}, {CD, 9, "null"}}, "null", "say the same"},
    {"any", "\"manual_review\"", NULL, {{BZ, 5, NULL}, {CD, 9, "2"}}, "2", "One side alone"},
    {"any", "\"manual_review\"", "1", {{BZ, 5, "2"}, {BZ, 9, "3"}}, "3", "One side alone"},
    {"any", "\"manual_review\"", "1", {{BZ, 5, "2"}, {CD, 9, "2"}, {BS, 7, "2"}}, "2", "say the same"},
    /* source_wins */
    {"any",
     "\"source_wins\"",
     "1",
     {{CD, 5, "2"}, {BZ, 9, "3"}},
     "2",
     "coreldove is the authority. Not taken: biz"},
    {"any", "\"source_wins\"", NO_BASE, {{CD, 5, "2"}, {BZ, 9, "3"}, {BS, 99, "4"}}, "2", "bizosaas's of"},
    {"any", "\"source_wins\"", "1", {{BS, 9, "2"}, {BZ, 5, "3"}}, "2", "coreldove, did not change"},
    {"any", "\"source_wins\"", "1", {{BS, 9, "2"}, {BZ, 5, "3"}, {CD, 6, "1"}}, "2", "did not change"},
    {"any", "\"source_wins\"", "1", {{CD, 5, NULL}, {BZ, 9, "3"}}, "cleared", "authority"},
    {"any",
     "{ strategy = \"source_wins\"; authority = \"bizosaas\"; }",
     "1",
     {{BS, 5, "2"}, {CD, 9, "3"}, {BZ, 8, "4"}},
     "2",
     "bizosaas is the authority"},
    /* manual_review */
    {"any",
     "\"manual_review\"",
     "1",
     {{BZ, 5, "2"}, {CD, 9, "3"}},
     "WAITS 3",
     "Waits for a person: so the policy says"},
    {"any",
     "\"manual_review\"",
     NO_BASE,
     {{BZ, 5, "2"}, {CD, 9, "3"}, {BS, 8, "4"}},
     "WAITS 3",
     "Proposed: coreldove's"},
    /* max, min */
    {"number", "\"max\"", "1", {{BZ, 5, "10"}, {CD, 9, "9"}}, "10", "largest wins: bizoholic's"},
    {"number", "\"max\"", "99", {{BZ, 5, "10"}, {CD, 9, "9.5"}, {BS, 1, "10.01"}}, "10.01", "Not taken"},
    {"number",
     "\"max\"",
     NO_BASE,
     {{BZ, 5, "9007199254740993"}, {CD, 9, "9007199254740992"}},
     "9007199254740993",
     ""},
    {"number", "\"max\"", "1", {{BZ, 5, "10"}, {CD, 9, NULL}}, "10", "Not taken: coreldove"},
    {"number", "\"max\"", "1", {{BZ, 5, "10"}, {CD, 9, "\"many\""}}, "WAITS \"many\"", "cannot be compared"},
    {"number", "\"max\"", "1", {{BZ, 5, "1e99"}, {CD, 9, "2"}}, "WAITS 2", "cannot be compared exactly"},
    {"number", "\"min\"", "1", {{BZ, 5, "10"}, {CD, 9, "9"}}, "9", "smallest wins: coreldove's"},
    {"number", "\"min\"", "1", {{BZ, 5, "-0.1"}, {CD, 9, "0"}, {BS, 7, "-0.11"}}, "-0.11", ""},
    {"time",
     "\"max\"",
     NO_BASE,
     {{BZ, 5, "\"2026-01-01T00:00:00Z\""}, {CD, 9, "\"2026-01-01T00:00:00+01:00\""}},
     "\"2026-01-01T00:00:00Z\"",
     "bizoholic"},
    {"time",
     "\"min\"",
     NO_BASE,
     {{BZ, 5, "\"2026-01-01T00:00:00Z\""}, {CD, 9, "\"soon\""}},
     "WAITS \"soon\"",
     ""},
    {"money", "\"max\"", "1", {{BZ, 5, "2 USD"}, {CD, 9, "165 INR"}}, "2 USD", "bizoholic"},
    {"money", "\"min\"", "1", {{BZ, 5, "2 USD"}, {CD, 9, "165"}, {BS, 1, "2.01"}}, "165 INR", "coreldove"},
    {"money", "\"max\"", "0", {{BZ, 5, "2 USD"}, {CD, 9, "1 XAU"}}, "WAITS 1 XAU", "cannot be compared"},
    /* additive */
    {"number", "\"additive\"", "10", {{BZ, 5, "8"}, {CD, 9, "7"}}, "5", "2 sides added"},
    {"number", "\"additive\"", "10", {{BZ, 5, "8"}, {CD, 9, "7"}, {BS, 1, "15"}}, "10", "3 sides added"},
    {"number", "\"additive\"", "0.10", {{BZ, 5, "0.30"}, {CD, 9, "0.20"}}, "0.4", ""},
    {"number", "\"additive\"", NO_BASE, {{BZ, 5, "8"}, {CD, 9, "7"}}, "8", "No base is known"},
    {"number", "\"additive\"", NULL, {{BZ, 5, "8"}, {CD, 9, "7"}, {BS, 9, "9"}}, "9", "No base is known"},
    {"number", "\"additive\"", "10", {{BZ, 5, "8"}, {BZ, 7, "6"}, {CD, 9, "7"}}, "3", ""},
    {"number", "\"additive\"", "10", {{BZ, 5, "8"}, {CD, 9, "8.0"}}, "8.0", "say the same"},
    {"number", "\"additive\"", "10", {{BZ, 5, "8"}, {CD, 9, NULL}}, "8", "cleared the field"},
    {"number", "\"additive\"", "10", {{BZ, 5, "\"8\""}, {CD, 9, "7"}}, "WAITS 7", "cannot be computed"},
    {"number",
     "\"additive\"",
     "9223372036854775807",
     {{BZ, 5, "1"}, {CD, 9, "9223372036854775806"}},
     "0",
     ""},
    {"number",
     "\"additive\"",
     "1",
     {{BZ, 5, "9223372036854775807"}, {CD, 9, "9223372036854775806"}},
     "WAITS 9223372036854775806",
     "cannot be computed"},
    {"money",
     "\"additive\"",
     "10",
     {{BZ, 5, "8 USD"}, {CD, 9, "900 INR"}},
     "WAITS 900 INR",
     "different currencies"},
/* latest_wins with transitions */
#define GUARDED                                                                                              \
    "{ strategy = \"latest_wins\"; transitions: { new = [\"paid\", \"off\"]; paid = [\"sent\"]; sent = []; " \
    "off = []; }; }"
    {"text", GUARDED, "\"new\"", {{BZ, 5, "\"paid\""}, {CD, 9, "\"sent\""}}, "\"sent\"", "states allow"},
    {"text",
     GUARDED,
     "\"new\"",
     {{BZ, 9, "\"paid\""}, {CD, 5, "\"sent\""}},
     "\"sent\"",
     "Not taken: bizoholic"},
    {"text",
     GUARDED,
     "\"new\"",
     {{BZ, 5, "\"off\""}, {CD, 9, "\"sent\""}},
     "\"off\"",
     "Not taken: coreldove"},
    {"text",
     GUARDED,
     "\"new\"",
     {{BZ, 9, "\"off\""}, {CD, 5, "\"sent\""}},
     "\"sent\"",
     "Not taken: bizoholic"},
    {"text",
     GUARDED,
     "\"new\"",
     {{BZ, 5, "\"paid\""}, {CD, 9, "\"new\""}, {BS, 7, "\"sent\""}},
     "\"sent\"",
     ""},
    {"text",
     GUARDED,
     "\"sent\"",
     {{BZ, 5, "\"paid\""}, {CD, 9, "\"off\""}},
     "WAITS \"off\"",
     "no side's state may follow"},
    {"text",
     GUARDED,
     "\"sent\"",
     {{BZ, 5, "\"paid\""}, {CD, 9, "\"lost\""}},
     "\"lost\"",
     ""}, /* nobody forbade it */
    {"text",
     GUARDED,
     NO_BASE,
     {{BZ, 5, "\"sent\""}, {CD, 9, "\"paid\""}},
     "\"sent\"",
     "Not taken: coreldove"},
    {"text", GUARDED, "\"new\"", {{BZ, 5, "\"paid\""}, {CD, 9, NULL}}, "\"paid\"", "Not taken: coreldove"},
/* state_machine */
#define MACHINE                                                                                             \
    "{ strategy = \"state_machine\"; transitions: { new = [\"paid\", \"off\"]; paid = [\"sent\", \"off\"];" \
    " sent = [\"back\"]; off = []; back = [\"sent\"]; }; }"
    {"text",
     MACHINE,
     "\"new\"",
     {{BZ, 9, "\"paid\""}, {CD, 5, "\"sent\""}},
     "\"sent\"",
     "can follow the others"},
    {"text", MACHINE, "\"new\"", {{BZ, 9, "\"paid\""}, {CD, 5, "\"off\""}}, "\"off\"", ""},
    {"text", MACHINE, "\"new\"", {{BZ, 9, "\"sent\""}, {CD, 5, "\"off\""}}, "WAITS \"sent\"", "contradict"},
    {"text",
     MACHINE,
     "\"new\"",
     {{BZ, 9, "\"sent\""}, {CD, 5, "\"off\""}, {BS, 1, "\"paid\""}},
     "WAITS \"sent\"",
     ""},
    {"text",
     MACHINE,
     "\"new\"",
     {{BZ, 3, "\"sent\""}, {CD, 5, "\"back\""}, {BS, 9, "\"paid\""}},
     "\"back\"",
     ""},
    {"text",
     MACHINE,
     "\"paid\"",
     {{BZ, 9, "\"new\""}, {CD, 5, "\"off\""}},
     "\"off\"",
     "Not taken: bizoholic"},
    {"text", MACHINE, "\"off\"", {{BZ, 9, "\"new\""}, {CD, 5, "\"sent\""}}, "WAITS \"new\"", "contradict"},
    {"text",
     MACHINE,
     "\"new\"",
     {{BZ, 9, "\"sent\""}, {CD, 5, "\"lost\""}},
     "WAITS \"sent\"",
     "none that the transitions"},
    /* prefer_unless_blank */
    {"any", "\"prefer_unless_blank\"", "\"b\"", {{CD, 5, "\"x\""}, {BZ, 9, "\"y\""}}, "\"x\"", "preferred"},
    {"any",
     "\"prefer_unless_blank\"",
     "\"b\"",
     {{CD, 5, "\"  \""}, {BZ, 9, "\"y\""}},
     "\"y\"",
     "its value is blank"},
    {"any",
     "\"prefer_unless_blank\"",
     "\"b\"",
     {{CD, 9, NULL}, {BZ, 6, "\"y\""}, {BS, 5, "\"z\""}},
     "\"y\"",
     "blank"},
    {"any",
     "\"prefer_unless_blank\"",
     "\"b\"",
     {{CD, 90000, "[]"}, {BZ, 60000, "{}"}, {BS, 5, "\"z\""}},
     "\"z\"",
     "bizosaas's"},
    {"any",
     "\"prefer_unless_blank\"",
     "\"b\"",
     {{BZ, 6, "\"y\""}, {BS, 5, "\"z\""}},
     "\"y\"",
     "did not change"},
    {"any", "\"prefer_unless_blank\"", "\"b\"", {{CD, 6, "\"\""}, {BS, 5, NULL}}, "\"\"", "latest"},
    {"any", "\"prefer_unless_blank\"", "1", {{CD, 5, "0"}, {BZ, 9, "1.5"}}, "0", "not blank"},
    /* do_not_sync */
    {"any", "\"do_not_sync\"", "1", {{CD, 5, "2"}, {BZ, 9, "3"}}, "3", "never sent"},
    {"any",
     "\"do_not_sync\"",
     "1",
     {{CD, 5, "2"}, {BZ, 9, "3"}, {BS, 10, "4"}},
     "4",
     "each platform keeps its own"},
/* custom_logic */
#define CUSTOM(expression) "{ strategy = \"custom_logic\"; expression = \"" expression "\"; }"
#define SCORE CUSTOM("max(values) - min(values) > 10 ? max(values) : latest")
    {"number", SCORE, "50", {{BZ, 5, "70"}, {CD, 9, "55"}}, "70", "Not taken: coreldove"},
    {"number", SCORE, "50", {{BZ, 5, "60"}, {CD, 9, "50.5"}}, "50.5", "Not taken: bizoholic"},
    {"number", SCORE, "50", {{BZ, 5, "70"}, {CD, 9, "55"}, {BS, 7, "69"}}, "70", ""},
    {"number", SCORE, "50", {{BZ, 5, "70"}, {CD, 9, NULL}}, "70", "Not taken: coreldove"},
    {"number",
     SCORE,
     "50",
     {{BZ, 5, "70"}, {CD, 9, "\"hot\""}},
     "WAITS \"hot\"",
     "expression of the policy failed"},
    {"any", CUSTOM("by.coreldove"), "1", {{BZ, 9, "2"}, {CD, 5, "3"}}, "3", "decided: coreldove"},
    {"any", CUSTOM("by.coreldove"), "1", {{BZ, 9, "2"}, {BS, 5, "3"}}, "WAITS 2", "leaves it to one"},
    {"any", CUSTOM("base"), "1", {{BZ, 9, "2"}, {BS, 5, "3"}}, "1", "put together"},
    {"any", CUSTOM("earliest"), "1", {{BZ, 9, "2"}, {BS, 5, "3"}, {CD, 7, "4"}}, "3", ""},
    {"any", CUSTOM("42"), "1", {{BZ, 9, "2"}, {BS, 5, "3"}}, "WAITS 2", "made a value that no side has"},
    {"any", CUSTOM("sides[0].value"), "1", {{BZ, 9, "2"}, {BS, 5, "3"}}, "3", "decided: bizosaas"},
    {"any",
     CUSTOM("filter(latest, x, x in earliest)"),
     "[]",
     {{BZ, 9, "[1,2,3]"}, {BS, 5, "[3,4,2]"}},
     "[2,3]",
     "parts"},
    /* for a person, whatever the strategy says */
    {"any",
     "{ strategy = \"source_wins\"; person_on_difference = true; }",
     "1",
     {{BZ, 9, "2"}, {CD, 5, "3"}},
     "WAITS 3",
     "the sides differ. Proposed: coreldove's"},
    {"any",
     "{ strategy = \"source_wins\"; person_on_difference = true; }",
     "1",
     {{BZ, 9, "3"}, {CD, 5, "3"}},
     "3",
     ""},
    {"any",
     "{ strategy = \"source_wins\"; person_on_difference = true; }",
     "1",
     {{BZ, 9, "3"}},
     "3",
     "alone"},
#define AMOUNT "{ strategy = \"source_wins\"; person_above_usd = \"100\"; }"
    {"money",
     AMOUNT,
     "500",
     {{BZ, 9, "500.01 USD"}, {CD, 5, "33200 INR"}},
     "WAITS 33200 INR",
     "100 US dollars"},
    {"money", AMOUNT, "1", {{BZ, 9, "500 USD"}, {CD, 5, "33200 INR"}}, "33200 INR", "authority"},
    {"money",
     AMOUNT,
     "500",
     {{BZ, 9, "600"}, {BS, 5, "520"}, {CD, 7, "41500"}},
     "41500 INR",
     ""}, /* 600, 520, 500 */
    {"money", AMOUNT, "500", {{BZ, 9, "600"}, {BS, 5, "520"}, {CD, 7, "41499"}}, "WAITS 41499 INR", "apart"},
    {"money",
     AMOUNT,
     "500",
     {{BZ, 9, "600"}, {CD, 7, NULL}},
     "WAITS cleared",
     "cannot be compared in US dollars"},
    {"money", AMOUNT, "500", {{BZ, 9, "9000"}}, "9000 USD", "alone"}, /* a plain edit */
    {"money", AMOUNT, "500", {{BZ, 9, "0.01"}, {CD, 7, "1.00"}}, "0.01 USD", "say the same"},
};

START_TEST(a_strategy_decides_as_its_page_says)
{
    const struct situation *row = &situations[_i];
    struct policy_set *policies = resolve_policies("x", row->type, row->policy, "");
    struct dispute dispute;
    struct buf text = BUF_INIT;
    resolve_begin(&dispute, policies, ENTITY_ORDER, "x", row->base, row->sides);
    resolve_run(&dispute);
    const struct resolution *out = &dispute.out;
    ck_assert_msg(strcmp(resolve_text(&text, out), row->expected) == 0, "row %d %s: %s instead of %s: %s", _i,
                  row->policy, text.data, row->expected, out->why.data);
    ck_assert_msg(strstr(out->why.data, row->why) != NULL, "row %d %s: %s", _i, row->policy, out->why.data);
    ck_assert_msg((out->confidence == 0) == out->waits, "row %d: confidence %d", _i, out->confidence);
    ck_assert(out->agreed == (out->types == 0));
    if (out->side != RESOLVE_MERGED)
        ck_assert(json_equal(out->value, dispute.sides[out->side].value));
    buf_release(&text);
    resolve_end(&dispute);
    policy_set_free(&policies);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolve");
    TCase *cases = tcase_create("fields");
    tcase_add_unchecked_fixture(cases, mapping_load, mapping_unload);
    tcase_add_loop_test(cases, a_strategy_decides_as_its_page_says, 0, COUNT(situations));
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
