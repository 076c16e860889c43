/* test_policy.c: policy files, good and broken: what holds for whom, and each mistake with its line and the reason. */
#include <stdlib.h>

#include "mem.h"
#include "policy.h"

#include "mapping_fixture.h"

static struct policy_set *read_text(const char *text, struct buf *errors)
{
    return policy_set_read("p.conf", text, strlen(text), mapping_set, errors);
}

static struct policy_set *read_good(const char *text)
{
    struct buf errors = BUF_INIT;
    struct policy_set *set = read_text(text, &errors);
    ck_assert_msg(set != NULL, "%s", errors.data);
    buf_release(&errors);
    return set;
}

static enum strategy strategy_of(const struct policy_set *set, const char *tenant, enum entity entity,
                                 const char *field)
{
    return policy_find(set, tenant, entity, field)->strategy;
}

START_TEST(a_file_lies_over_the_defaults_and_a_tenant_over_the_file)
{
    struct policy_set *set =
        read_good("version = \"7\";\n"
                  "tenants = ( { tenant = \"acme\";\n"
                  "  authorities: { user = \"bizoholic\"; lead = \"bizosaas\"; };\n"
                  "  policies: { user: { name = \"source_wins\"; }; };\n"
                  "  rules: { order: { items_present = false; }; }; } );\n"
                  "authorities: { lead = \"coreldove\"; };\n"
                  "policies: { user: { name = \"manual_review\"; * = \"source_wins\"; }; };\n");
    ck_assert_str_eq(policy_version(set), "7");
    ck_assert_int_eq(strategy_of(set, NULL, ENTITY_USER, "name"), STRATEGY_MANUAL_REVIEW);
    ck_assert_int_eq(strategy_of(set, "other", ENTITY_USER, "name"), STRATEGY_MANUAL_REVIEW);
    ck_assert_int_eq(strategy_of(set, "acme", ENTITY_USER, "name"), STRATEGY_SOURCE_WINS);
    ck_assert_int_eq(strategy_of(set, NULL, ENTITY_USER, "hobby"), STRATEGY_SOURCE_WINS);
    ck_assert_int_eq(strategy_of(set, "acme", ENTITY_USER, "hobby"), STRATEGY_SOURCE_WINS);
    ck_assert_int_eq(strategy_of(set, NULL, ENTITY_LEAD, "hobby"), STRATEGY_LATEST_WINS);
    ck_assert_int_eq(strategy_of(set, "acme", ENTITY_PRODUCT, "inventory"), STRATEGY_ADDITIVE);
    /* Who is believed follows the authority of the entity, also in policies that were set before it. */
    ck_assert_str_eq(policy_find(set, NULL, ENTITY_USER, "email")->authority, "bizosaas");
    ck_assert_str_eq(policy_find(set, "acme", ENTITY_USER, "email")->authority, "bizoholic");
    ck_assert_str_eq(policy_find(set, "acme", ENTITY_USER, "name")->authority, "bizoholic");
    ck_assert_str_eq(policy_find(set, NULL, ENTITY_LEAD, "contact_info")->authority, "coreldove");
    ck_assert_str_eq(policy_find(set, "acme", ENTITY_LEAD, "contact_info")->authority, "bizosaas");
    ck_assert_str_eq(policy_authority(set, "acme", ENTITY_ORDER), "coreldove");
    ck_assert_uint_eq(policy_rule_count(set, "acme", ENTITY_ORDER),
                      policy_rule_count(set, NULL, ENTITY_ORDER) - 1);
    ck_assert_str_eq(policy_find(set, "acme", ENTITY_USER, "name")->tenant, "acme");
    ck_assert_uint_eq(policy_find(set, "acme", ENTITY_USER, "name")->line, 4);
    ck_assert_ptr_null(policy_find(set, "acme", ENTITY_USER, "email")->tenant);
    ck_assert_uint_eq(policy_tenant_count(set), 1);
    policy_set_free(&set);
}
END_TEST

START_TEST(the_shipped_file_is_the_defaults)
{
    struct buf errors = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
    struct policy_set *built_in = policy_set_load("", mapping_set, &errors);
    struct policy_set *shipped = policy_set_load("config/policies.conf", mapping_set, &errors);
    ck_assert_msg(built_in != NULL && shipped != NULL, "%s", errors.data);
    for (int entity = 0; entity < ENTITY_NONE; entity++) {
        size_t count = policy_count(shipped, NULL, (enum entity)entity);
        ck_assert_uint_eq(count, policy_count(built_in, NULL, (enum entity)entity));
        for (size_t i = 0; i < count; i++) {
            struct json *is = policy_describe(policy_at(shipped, NULL, (enum entity)entity, i));
            struct json *was = policy_describe(policy_at(built_in, NULL, (enum entity)entity, i));
            json_remove(is, "file");
            json_remove(was, "file");
            buf_reset(&a);
            buf_reset(&b);
            json_write(&a, is);
            json_write(&b, was);
            ck_assert_str_eq(a.data, b.data);
            json_free(is);
            json_free(was);
        }
    }
    policy_set_free(&built_in);
    policy_set_free(&shipped);
    buf_release(&a);
    buf_release(&b);
    buf_release(&errors);
}
END_TEST

static const struct {
    const char *lines; /* from line 2 on */
    const char *told;
} broken[] = {
    {"policies: { usr: { name = \"max\"; }; };", "p.conf:2: usr is no entity; the choice is user, lead"},
    {"policies: { user: { nmae = \"latest_wins\"; }; };",
     "p.conf:2: nmae is no field of user that a platform knows"},
    {"policies: {\n lead: { contact_name = \"latest_wins\"; }; };",
     "p.conf:3: contact_name is what bizoholic calls name"},
    {"policies: { user: {\n\n name = \"newest\"; }; };",
     "p.conf:4: name is \"newest\"; the choice is latest_wins, source"},
    {"policies: { user: { name = 3; }; };", "p.conf:2: name must be a strategy in quotes, or {"},
    {"policies: { user: { name = \"max\"; }; };",
     "p.conf:2: name is of the type text, and max works with number, money, time"},
    {"policies: { order: { amount = \"merge_smart\"; }; };",
     "amount is of the type money, and merge_smart works with any"},
    {"policies: { order: { items = \"additive\"; }; };",
     "items is of the type list, and additive works with number, money"},
    {"policies: { order: { * = \"additive\"; }; };", "* is of the type any, and additive works with"},
    {"policies: { lead: { score: { strategy = \"custom_logic\"; }; }; };",
     "p.conf:2: score needs an expression"},
    {"policies: { lead: { score: {\n strategy = \"custom_logic\";\n expression = \"max(valuess)\"; }; }; };",
     "p.conf:4: expression cannot be understood: "},
    {"policies: { lead: { score: { strategy = \"custom_logic\"; expression = \"max(\"; }; }; };",
     "cannot be understood"},
    {"policies: { lead: { score: { strategy = \"max\"; expression = \"latest\"; }; }; };",
     "expression belongs to custom_logic, not to max"},
    {"policies: { lead: { score: { strategy = \"max\"; authority = \"bizosaas\"; }; }; };",
     "authority belongs to source_wins"},
    {"policies: { lead: { score: { strategy = \"source_wins\"; authority = \"nobody\"; }; }; };",
     "authority is \"nobody\", which has no platform file; the choice is bizoholic, bizosaas, coreldove"},
    {"policies: { lead: { status: { strategy = \"state_machine\"; }; }; };", "status needs transitions"},
    {"policies: { lead: { status: { strategy = \"state_machine\"; transitions: { a = [\"b\"]; }; }; }; };",
     "a leads to \"b\", which is no state here"},
    {"policies: { lead: { status: { strategy = \"max\"; transitions: { a = []; }; }; }; };",
     "transitions belongs to state_machine"},
    {"policies: { lead: { score: { strategy = \"latest_wins\"; transitions: { a = []; }; }; }; };",
     "score is of the type number, and transitions works with text"},
    {"policies: { lead: { score: { strategy = \"max\"; person_above_usd = \"5\"; }; }; };",
     "person_above_usd works with money"},
    {"policies: { order: { amount: { strategy = \"max\"; person_above_usd = \"much\"; }; }; };",
     "must be an amount of US dollars"},
    {"policies: { order: { amount: { strategy = \"max\"; person_above_usd = \"-1\"; }; }; };",
     "must be an amount of US dollars"},
    {"policies: { user: { preferences: { strategy = \"merge_smart\"; person_on_same_element = true; }; }; };",
     "person_on_same_element works with list"},
    {"policies: { user: { name: { strateggy = \"max\"; }; }; };",
     "strateggy is no setting that is known here"},
    {"fields: { user: { hobby = \"txt\"; }; };",
     "p.conf:2: hobby is \"txt\"; the choice is any, text, number"},
    {"fields: { user: { name = \"number\"; }; };", "p.conf:2: name is of the type text already"},
    {"authorities: { user = \"nobody\"; };", "p.conf:2: user is \"nobody\", which has no platform file"},
    {"authorities: { analytics = \"bizosaas\"; };", "analytics is no entity"},
    {"rules: { lead: { r: { test = \"scre > 1\"; message = \"m\"; }; }; };", "test cannot be understood: "},
    {"rules: { lead: { r: { test = \"score + 1\"; message = \"m\"; }; }; };", "test cannot be understood: "},
    {"rules: { lead: { r: { test = \"score > 1\"; }; }; };", "p.conf:2: r lacks the setting message"},
    {"rules: { lead: { r = false; }; };", "r is no rule that could be taken away"},
    {"rules: { lead: { score_in_range = true; }; };", "must be { test ="},
    {"tenants = ( { policies: {}; } );", "lacks the setting tenant"},
    {"tenants = ( { tenant = \"a\"; }, { tenant = \"a\"; } );",
     "tenant is \"a\", which stands in this list already"},
    {"tenants = ( { tenant = \"a\"; policies: { user: { nmae = \"max\"; }; }; } );", "nmae is no field"},
    {"tenants: { a: {}; };", "tenants must be a list of groups"},
    {"polices: {};", "polices is no setting that is known here"},
    {"policies: { user: { name = }; };", "p.conf:2: cannot be understood: syntax error"},
};

START_TEST(a_mistake_is_told_with_its_line_and_reason)
{
    struct buf text = BUF_INIT, errors = BUF_INIT;
    buf_addf(&text, "version = \"1\";\n%s\n", broken[_i].lines);
    struct policy_set *set = read_text(text.data, &errors);
    ck_assert_msg(set == NULL, "taken: %s", broken[_i].lines);
    ck_assert_msg(strstr(errors.data, broken[_i].told) != NULL, "%s\n  is told as %s\n  not as     %s",
                  broken[_i].lines, errors.data, broken[_i].told);
    buf_release(&text);
    buf_release(&errors);
}
END_TEST

START_TEST(all_mistakes_are_told_at_once)
{
    struct buf errors = BUF_INIT;
    struct policy_set *set = read_text("policies: { user: {\nnmae = \"max\";\nname = \"max\"; }; };\n"
                                       "rules: { lead: {\nr: { test = \"x\"; message = \"m\"; }; }; };\n",
                                       &errors);
    ck_assert_ptr_null(set);
    ck_assert_msg(strstr(errors.data, "p.conf:2: nmae") != NULL &&
                      strstr(errors.data, "p.conf:3: name") != NULL &&
                      strstr(errors.data, "p.conf:5: test") != NULL &&
                      strstr(errors.data, "lacks the setting version") != NULL,
                  "%s", errors.data);
    buf_release(&errors);
}
END_TEST

START_TEST(a_field_of_ones_own_is_declared_first)
{
    struct policy_set *set =
        read_good("version = \"1\";\nfields: { order: { gift_note = \"text\"; weight = \"number\"; }; };\n"
                  "policies: { order: { gift_note = \"merge_smart\"; weight = \"max\"; }; };\n"
                  "rules: { order: { light: { test = \"weight == null or weight < 30\";"
                  " message = \"it is too heavy\"; }; }; };\n");
    struct json *data = mapping_parse("{\"weight\":31,\"items\":[1]}");
    struct buf why = BUF_INIT;
    const struct policy_rule *rule = policy_check(set, "t", ENTITY_ORDER, data, NULL, &why);
    ck_assert_int_eq(strategy_of(set, NULL, ENTITY_ORDER, "weight"), STRATEGY_MAX);
    ck_assert_msg(rule != NULL && strcmp(rule->name, "light") == 0, "%s", why.data);
    ck_assert_str_eq(why.data, "the rule light is broken: it is too heavy");
    json_free(data);
    buf_release(&why);
    policy_set_free(&set);
}
END_TEST

static const struct {
    enum entity entity;
    const char *data;
    const char *broken; /* NULL: all rules hold */
} records[] = {
    {ENTITY_USER, "{\"email\":\"a@example.com\"}", NULL},
    {ENTITY_USER, "{}", NULL},
    {ENTITY_USER, "{\"email\":\"\"}", NULL},
    {ENTITY_USER, "{\"email\":\"a.example.com\"}", "email_shape"},
    {ENTITY_LEAD, "{\"score\":100}", NULL},
    {ENTITY_LEAD, "{\"score\":100.5}", "score_in_range"},
    {ENTITY_LEAD, "{\"score\":-1}", "score_in_range"},
    {ENTITY_LEAD, "{\"score\":\"high\"}", "score_in_range"}, /* cannot be tested */
    {ENTITY_CAMPAIGN, "{\"budget\":-0.01}", "budget_not_negative"},
    {ENTITY_PRODUCT, "{\"price\":0,\"inventory\":0,\"currency\":\"INR\"}", NULL},
    {ENTITY_PRODUCT, "{\"price\":-1}", "price_not_negative"},
    {ENTITY_PRODUCT, "{\"inventory\":-1}", "inventory_not_negative"},
    {ENTITY_PRODUCT, "{\"currency\":\"EUR\"}", "currency_known"},
    {ENTITY_ORDER, "{\"amount\":1,\"items\":[{}],\"currency\":\"USD\"}", NULL},
    {ENTITY_ORDER, "{\"amount\":-1,\"items\":[1]}", "amount_not_negative"},
    {ENTITY_ORDER, "{\"amount\":1,\"items\":[]}", "items_present"},
    {ENTITY_ORDER, "{\"amount\":1}", "items_present"},
};

START_TEST(a_default_rule_tells_good_records_from_bad_ones)
{
    struct policy_set *set = read_good("version = \"1\";");
    struct json *data = mapping_parse(records[_i].data);
    struct buf why = BUF_INIT;
    const struct policy_rule *rule = policy_check(set, NULL, records[_i].entity, data, NULL, &why);
    const char *is = rule != NULL ? rule->name : "no rule",
               *due = records[_i].broken ? records[_i].broken : "no rule";
    ck_assert_msg(strcmp(is, due) == 0, "%s breaks %s, not %s: %s", records[_i].data, is, due, why.data);
    ck_assert_msg(strstr(why.data, "high") == NULL, "a value in %s", why.data);
    json_free(data);
    buf_release(&why);
    policy_set_free(&set);
}
END_TEST

START_TEST(only_rules_that_read_what_changed_are_asked)
{
    struct policy_set *set = read_good("version = \"1\";");
    struct json *data = mapping_parse("{\"amount\":-1}"), *fields = mapping_parse("[\"status\"]");
    ck_assert_ptr_null(policy_check(set, NULL, ENTITY_ORDER, data, fields, NULL));
    json_append(fields, json_new_text("amount"));
    ck_assert_str_eq(policy_check(set, NULL, ENTITY_ORDER, data, fields, NULL)->name, "amount_not_negative");
    json_free(data);
    json_free(fields);
    policy_set_free(&set);
}
END_TEST

START_TEST(a_text_with_a_nul_or_too_large_is_refused)
{
    struct buf errors = BUF_INIT, text = BUF_INIT;
    ck_assert_ptr_null(policy_set_read("p", "version = \"1\";\0x", 16, mapping_set, &errors));
    ck_assert_msg(strstr(errors.data, "NUL") != NULL, "%s", errors.data);
    buf_add_str(&text, "version = \"1\"; #");
    for (int i = 0; i < 1024 * 1024; i++)
        buf_add_ch(&text, 'x');
    ck_assert_ptr_null(policy_set_read("p", text.data, text.len, mapping_set, &errors));
    ck_assert_msg(strstr(errors.data, "larger than 1 MiB") != NULL, "%s", errors.data);
    ck_assert_ptr_null(policy_set_load("/nowhere/p.conf", mapping_set, &errors));
    ck_assert_msg(strstr(errors.data, "cannot be opened") != NULL, "%s", errors.data);
    buf_release(&errors);
    buf_release(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *cases = tcase_create("policy");
    tcase_add_unchecked_fixture(cases, mapping_load, mapping_unload);
    tcase_add_test(cases, a_file_lies_over_the_defaults_and_a_tenant_over_the_file);
    tcase_add_test(cases, the_shipped_file_is_the_defaults);
    tcase_add_loop_test(cases, a_mistake_is_told_with_its_line_and_reason, 0, COUNT(broken));
    tcase_add_test(cases, all_mistakes_are_told_at_once);
    tcase_add_test(cases, a_field_of_ones_own_is_declared_first);
    tcase_add_loop_test(cases, a_default_rule_tells_good_records_from_bad_ones, 0, COUNT(records));
    tcase_add_test(cases, only_rules_that_read_what_changed_are_asked);
    tcase_add_test(cases, a_text_with_a_nul_or_too_large_is_refused);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
