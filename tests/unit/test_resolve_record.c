/* test_resolve_record.c: the contested fields of a record together: who waits for whom, and business rules over the result. */
#include <stdlib.h>

#include "mem.h"
#include "resolve_fixture.h"

#define BZ "bizoholic"
#define CD "coreldove"
#define FIELDS_MAX 4

struct contested {
    const char *field, *base, *bizoholic, *coreldove; /* NULL: cleared */
    int64_t apart_ms;                                 /* coreldove's is so much later */
};

static const struct situation {
    enum entity entity;
    const char *data;
    struct contested fields[FIELDS_MAX];
    const char *outcomes[FIELDS_MAX]; /* resolve_text */
    unsigned types;
    const char *rule; /* that is broken; NULL: none */
    bool waits;
} situations[] = {
    /* What waits by its own policy holds up itself alone. */
    {ENTITY_USER,
     "{\"name\":\"a\",\"email\":\"a@x.de\"}",
     {{"email", "\"a@x.de\"", "\"b@x.de\"", "\"c@x.de\"", 1}, {"name", "\"a\"", "\"b\"", "\"c\"", 1}},
     {"WAITS \"c@x.de\"", "\"c\""},
     RESOLVE_VERSION_CONFLICT | RESOLVE_CONCURRENT_UPDATE,
     NULL,
     false},
    /* A rule that is broken by what came out holds up all that was contested; what was agreed goes on. */
    {ENTITY_PRODUCT,
     "{\"inventory\":3,\"price\":1}",
     {{"inventory", "3", "1", "1.5", 1}, {"price", "1", "2", "3", 1}, {"name", "\"a\"", "\"b\"", "\"b\"", 1}},
     {"-0.5", "3", "\"b\""},
     RESOLVE_VERSION_CONFLICT | RESOLVE_CONCURRENT_UPDATE | RESOLVE_BUSINESS_RULE_VIOLATION,
     "inventory_not_negative",
     true},
    {ENTITY_PRODUCT,
     "{\"inventory\":3,\"price\":1}",
     {{"inventory", "3", "2", "1", 40000}, {"price", "1", "2", "3", 40000}},
     {"0", "3"},
     RESOLVE_VERSION_CONFLICT,
     NULL,
     false},
    /* A rule is broken already, but reads nothing that was decided. */
    {ENTITY_PRODUCT,
     "{\"inventory\":-3,\"price\":1}",
     {{"price", "1", "2", "3", 40000}},
     {"3"},
     RESOLVE_VERSION_CONFLICT,
     NULL,
     false},
    {ENTITY_ORDER,
     "{\"amount\":5,\"items\":[1]}",
     {{"items", "[1,2]", "[1]", "[2]", 40000}},
     {"[]"},
     RESOLVE_VERSION_CONFLICT | RESOLVE_BUSINESS_RULE_VIOLATION,
     "items_present",
     true},
    {ENTITY_ORDER,
     "{\"amount\":5,\"items\":[1]}",
     {{"currency", "\"USD\"", "\"EUR\"", "\"XXX\"", 40000}},
     {"\"XXX\""},
     RESOLVE_VERSION_CONFLICT | RESOLVE_BUSINESS_RULE_VIOLATION,
     "currency_known",
     true},
    {ENTITY_LEAD,
     "{}",
     {{"score", "50", "60", "120", 40000}},
     {"120"},
     RESOLVE_VERSION_CONFLICT | RESOLVE_BUSINESS_RULE_VIOLATION,
     "score_in_range",
     true},
    {ENTITY_LEAD,
     "{}",
     {{"email", "\"a@x.de\"", "\"a\"", "\"b@x.de\"", 40000}},
     {"\"b@x.de\""},
     RESOLVE_VERSION_CONFLICT,
     NULL,
     false},
    {ENTITY_LEAD,
     "{}",
     {{"email", "\"a@x.de\"", "\"b@x.de\"", "\"a\"", 40000}},
     {"\"a\""},
     RESOLVE_VERSION_CONFLICT | RESOLVE_BUSINESS_RULE_VIOLATION,
     "email_shape",
     true},
    /* A plain edit breaks no rule here, however bad it is: there is nothing to decide. */
    {ENTITY_PRODUCT, "{\"price\":1}", {{"price", "1", "-5", "-5", 0}}, {"-5"}, 0, NULL, false},
    /* Three types, of two fields together. */
    {ENTITY_USER,
     "{}",
     {{"name", "\"a\"", "\"b\"", "\"c\"", 1}, {"status", NO_BASE, "\"b\"", "\"c\"", 1}},
     {"\"c\"", "\"c\""},
     RESOLVE_VERSION_CONFLICT | RESOLVE_DATA_MISMATCH | RESOLVE_CONCURRENT_UPDATE,
     NULL,
     true},
    {ENTITY_USER,
     "{}",
     {{"name", "\"a\"", "\"b\"", "\"c\"", 40000}, {"status", NO_BASE, "\"b\"", "\"c\"", 40000}},
     {"\"c\"", "\"c\""},
     RESOLVE_VERSION_CONFLICT | RESOLVE_DATA_MISMATCH,
     NULL,
     false},
};

static size_t begin(const struct situation *row, struct policy_set *policies,
                    struct dispute disputes[FIELDS_MAX], struct resolve_input inputs[FIELDS_MAX])
{
    size_t count = 0;
    for (; count < FIELDS_MAX && row->fields[count].field != NULL; count++) {
        const struct contested *field = &row->fields[count];
        const struct short_side sides[] = {
            {BZ, 0, field->bizoholic}, {CD, field->apart_ms, field->coreldove}, {NULL, 0, NULL}};
        resolve_begin(&disputes[count], policies, row->entity, field->field, field->base, sides);
        inputs[count] = disputes[count].input;
        inputs[count].policy = NULL; /* found by the field's name */
    }
    return count;
}

static void check_field(const struct situation *row, int place, const struct record_resolution *out)
{
    struct buf text = BUF_INIT, due = BUF_INIT;
    bool contested = !out->fields[place].agreed, already = strncmp(row->outcomes[place], "WAITS", 5) == 0;
    buf_addf(&due, "%s%s", row->waits && contested && !already ? "WAITS " : "", row->outcomes[place]);
    ck_assert_msg(strcmp(resolve_text(&text, &out->fields[place]), due.data) == 0,
                  "%s: %s instead of %s: %s%s", row->fields[place].field, text.data, due.data,
                  out->fields[place].why.data, out->why.data);
    ck_assert(!out->fields[place].waits || strcmp(out->fields[place].strategy, "manual_review") == 0);
    buf_release(&text);
    buf_release(&due);
}

START_TEST(fields_wait_alone_or_all_together)
{
    const struct situation *row = &situations[_i];
    struct buf errors = BUF_INIT;
    struct policy_set *policies = policy_set_load("", mapping_set, &errors);
    struct dispute disputes[FIELDS_MAX];
    struct resolve_input inputs[FIELDS_MAX];
    struct record_resolution out;
    struct json *data = mapping_parse(row->data);
    size_t count = begin(row, policies, disputes, inputs);
    const struct resolve_record_input input = {policies, mapping_set, "t", row->entity, data, inputs, count};
    resolve_record(&input, &out);
    ck_assert_msg(out.waits == row->waits, "row %d: %s", _i, out.why.data);
    ck_assert_msg(out.types == row->types, "row %d: types %u: %s", _i, out.types, out.why.data);
    ck_assert_msg((out.rule == NULL) == (row->rule == NULL) &&
                      (!out.rule || strcmp(out.rule, row->rule) == 0),
                  "row %d: %s", _i, out.why.data);
    ck_assert((out.why.len > 0) == row->waits);
    for (size_t i = 0; i < count; i++) {
        check_field(row, (int)i, &out);
        resolve_end(&disputes[i]);
    }
    mapping_check_equal(data, row->data, "the record itself is left alone");
    record_resolution_release(&out);
    policy_set_free(&policies);
    json_free(data);
    buf_release(&errors);
}
END_TEST

START_TEST(a_tenants_own_rule_and_policy_hold_for_it_alone)
{
    static const char text[] =
        "version = \"1\";\ntenants = ( { tenant = \"acme\";\n"
        "  policies: { product: { price = \"min\"; }; };\n"
        "  rules: { product: { cheap: { test = \"price < 2\"; message = \"m\"; }; }; }; } );\n";
    const struct situation row = {ENTITY_PRODUCT, "{}", {{"price", "9", "5", "7", 40000}}, {NULL}, 0,
                                  NULL,           false};
    struct buf errors = BUF_INIT;
    struct policy_set *policies = policy_set_read("p", text, strlen(text), mapping_set, &errors);
    struct dispute disputes[FIELDS_MAX];
    struct resolve_input inputs[FIELDS_MAX];
    struct record_resolution out;
    ck_assert_msg(policies != NULL, "%s", errors.data);
    size_t count = begin(&row, policies, disputes, inputs);
    struct resolve_record_input input = {policies, mapping_set, "acme", ENTITY_PRODUCT, NULL, inputs, count};
    resolve_record(&input, &out);
    ck_assert_str_eq(out.rule, "cheap");
    mapping_check_equal(out.fields[0].value, "5", "the proposal is the tenant's policy's");
    record_resolution_release(&out);
    input.tenant = "other";
    resolve_record(&input, &out);
    ck_assert(!out.waits);
    mapping_check_equal(out.fields[0].value, "7", "everybody's");
    record_resolution_release(&out);
    resolve_end(&disputes[0]);
    policy_set_free(&policies);
    buf_release(&errors);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolve_record");
    TCase *cases = tcase_create("records");
    tcase_add_unchecked_fixture(cases, mapping_load, mapping_unload);
    tcase_add_loop_test(cases, fields_wait_alone_or_all_together, 0, COUNT(situations));
    tcase_add_test(cases, a_tenants_own_rule_and_policy_hold_for_it_alone);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
