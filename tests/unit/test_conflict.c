/* test_conflict.c: stored conflicts as policies and people decide them; pure. */
#include "../../api-gateway/conflict_inside.h"
#include "mapping_fixture.h"
#include "msg.h"

/* The e-mail: bizoholic and coreldove; the name: coreldove, then bizosaas cleared it; the amount: in two currencies. */
static const char detail_text[] =
    "[{\"field\":\"email\",\"base\":\"a@x.de\",\"base_known\":true,\"sides\":["
    "{\"o\":\"bizoholic\",\"t\":1700000000000,\"s\":11,\"v\":2,\"x\":\"b@x.de\"},"
    "{\"o\":\"coreldove\",\"t\":1700000001000,\"s\":12,\"v\":3,\"x\":\"c@x.de\"}]},"
    "{\"field\":\"name\",\"base_known\":false,\"sides\":["
    "{\"o\":\"coreldove\",\"t\":1700000001000,\"s\":12,\"v\":3,\"x\":\"C\"},"
    "{\"o\":\"bizosaas\",\"t\":1700000002000,\"s\":13,\"v\":4}]},"
    "{\"field\":\"amount\",\"base\":1,\"base_known\":true,\"sides\":["
    "{\"o\":\"bizoholic\",\"t\":1700000000000,\"s\":11,\"v\":2,\"c\":\"USD\",\"x\":5},"
    "{\"o\":\"coreldove\",\"t\":1700000001000,\"s\":12,\"v\":3,\"c\":\"INR\",\"x\":500.0}]}]";
#define EVENT_11 "018bcfe5-6800-7000-8000-00000000000b"
#define SIDE_EVENTS "11=" EVENT_11 ",112=018bcfe5-6800-7000-8000-0000000000ff"

static struct json *detail;

static void load(void)
{
    mapping_load();
    detail = mapping_parse(detail_text);
}

static void unload(void)
{
    json_free(detail);
    mapping_unload();
}

/* ---- as it is stored ---- */

START_TEST(a_stored_conflict_is_read_with_the_fields_that_are_wanted)
{
    struct conflict conflict;
    struct uuid event;

    conflict_read(&conflict, detail, "name,emai", SIDE_EVENTS);
    ck_assert_uint_eq(conflict.count, 1);
    ck_assert_str_eq(conflict.fields[0].field, "name");
    ck_assert(!conflict.fields[0].base_known);
    ck_assert(conflict.fields[0].sides[0].present && !conflict.fields[0].sides[1].present);
    conflict_release(&conflict);
    conflict_read(&conflict, detail, NULL, SIDE_EVENTS);
    ck_assert_uint_eq(conflict.count, 3);
    ck_assert_int_eq(uuid_parse(&event, EVENT_11, UUID_TEXT_LEN), 0);
    ck_assert(uuid_equal(&conflict.fields[0].sides[0].event, &event));
    ck_assert_int_eq(conflict.fields[0].sides[1].event.bytes[15], 12); /* not kept: of its place */
    ck_assert_str_eq(conflict.fields[2].sides[1].currency, "INR");
    conflict_release(&conflict);
}
END_TEST

START_TEST(what_is_no_stored_conflict_has_no_fields)
{
    static const char *const texts[] = {NULL, "{\"email\":1}", "[{\"held\":1}]", "\"x\"",
                                        "[{\"field\":\"a\",\"base_known\":1}]"};

    for (int i = 0; i < COUNT(texts); i++) {
        struct json *json = mapping_parse(texts[i] ? texts[i] : "null");
        struct conflict conflict;
        conflict_read(&conflict, json, NULL, NULL);
        ck_assert_uint_eq(conflict.count, i == 4);
        ck_assert(i < 4 || !conflict.fields[0].base_known);
        conflict_release(&conflict);
        json_free(json);
    }
}
END_TEST

START_TEST(names_are_found_whole_in_a_list)
{
    ck_assert(conflict_names("a,bc,d", "bc") && conflict_names("a,bc,d", "d") && conflict_names("a", "a"));
    ck_assert(!conflict_names("a,bc,d", "b") && !conflict_names("", "a") && !conflict_names(NULL, "a"));
}
END_TEST

/* ---- what people choose ---- */

static struct conflict_row waiting(const char *open_fields)
{
    struct conflict_row row = {
        .entity = ENTITY_ORDER, .status = "waiting", .open_fields = open_fields, .detail = detail};

    conflict_read(&row.conflict, detail, NULL, SIDE_EVENTS);
    return row;
}

START_TEST(choices_become_decisions)
{
    static const struct {
        const char *open, *body;
        const char *data; /* NULL: refused */
        const char *why;  /* pointer of the first mistake; NULL: too late */
    } rows[] = {
        {"email,name,amount", "{\"choose\":\"coreldove\"}",
         "{\"email\":\"c@x.de\",\"name\":\"C\",\"amount\":500.0,\"_currencies\":{\"amount\":\"INR\"}}", NULL},
        {"email,name", "{\"choose\":\"bizoholic\"}", "{\"email\":\"b@x.de\"}",
         NULL},                                                               /* the name goes on waiting */
        {"email,name", "{\"choose\":\"bizosaas\"}", "{\"name\":null}", NULL}, /* that side cleared it */
        {"email", "{\"choose\":\"bizosaas\"}", NULL, "/choose"},
        {"", "{\"choose\":\"bizoholic\"}", NULL, NULL},
        {"email,name", "{\"fields\":{\"email\":\"bizoholic\",\"name\":\"coreldove\"}}",
         "{\"email\":\"b@x.de\",\"name\":\"C\"}", NULL},
        {"email,name", "{\"fields\":{\"email\":\"bizoholic\",\"name\":\"bizoholic\"}}", NULL, "/fields/name"},
        {"name", "{\"fields\":{\"email\":\"bizoholic\",\"name\":\"coreldove\"}}", NULL, NULL},
        {"amount", "{\"data\":{\"amount\":500}}", "{\"amount\":500,\"_currencies\":{\"amount\":\"INR\"}}",
         NULL}, /* the amount of a side */
        {"amount", "{\"data\":{\"amount\":7}}", "{\"amount\":7,\"_currencies\":{\"amount\":\"USD\"}}", NULL},
        {"amount", "{\"data\":{\"amount\":\"7\"}}", NULL, "/data/amount"},
        {"name", "{\"data\":{\"name\":null}}", "{\"name\":null}", NULL},
        {"name", "{\"data\":{\"_currencies\":{}}}", NULL, "/data/_currencies"},
        {"name", "{\"data\":{\"name\":\"N\"},\"choose\":\"coreldove\"}", NULL, ""},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct conflict_row row = waiting(rows[i].open);
        struct json *body = mapping_parse(rows[i].body), *errors = json_new_array();
        struct conflict_decision decision;
        int status = conflict_choose(&row, mapping_set, body, &decision, errors);
        const char *pointer = json_get_text(json_count(errors) ? json_at(errors, 0) : NULL, "pointer");
        ck_assert_msg((status == 0) == (rows[i].data != NULL), "row %d", i);
        if (rows[i].data)
            mapping_check_text(decision.data, rows[i].data);
        else if (rows[i].why)
            ck_assert_msg(pointer && strcmp(pointer, rows[i].why) == 0, "row %d: %s", i, pointer);
        else
            ck_assert_msg(decision.late && !pointer, "row %d", i);
        conflict_decision_release(&decision);
        conflict_release(&row.conflict);
        json_free(body);
        json_free(errors);
    }
}
END_TEST

START_TEST(what_a_policy_decided_waits_for_nobody)
{
    struct conflict_step step = {
        .kind = "policy",
        .rules =
            mapping_parse("[{\"field\":\"name\",\"policy\":\"latest_wins\",\"value\":\"C\",\"waits\":false},"
                          "{\"field\":\"email\",\"policy\":\"manual_review\",\"waits\":true}]")};
    struct conflict_row row = waiting("email,name");

    row.steps = &step;
    row.step_count = 1;
    ck_assert(conflict_row_waits(&row, "email") && !conflict_row_waits(&row, "name"));
    row.open_fields = "name"; /* a person has decided the e-mail */
    ck_assert(!conflict_row_waits(&row, "email"));
    row.open_fields = "email";
    row.status = "deciding";
    ck_assert(!conflict_row_waits(&row, "email"));
    json_free(step.rules);
    conflict_release(&row.conflict);
}
END_TEST

/* ---- what if ---- */

static const struct {
    const char *policies, *rules; /* and how they decided */
    int different, fields, waited, would_wait;
} whatifs[] = {
    /* the e-mail waited, and would be decided */
    {"policies: { user: { email = \"latest_wins\"; }; };",
     "[{\"field\":\"email\",\"value\":\"c@x.de\",\"waits\":true}]", 1, 1, 1, 0},
    /* what is proposed is no end */
    {"", "[{\"field\":\"email\",\"value\":\"b@x.de\",\"waits\":true}]", 0, 0, 1, 1},
    {"", "[{\"field\":\"name\",\"value\":null,\"waits\":false}]", 0, 0, 0, 0},
    {"policies: { user: { name = \"prefer_unless_blank\"; }; };",
     "[{\"field\":\"name\",\"value\":null,\"waits\":false}]", 1, 1, 0, 0},
    /* three types of conflict at once: all of it goes to a person */
    {"policies: { user: { email = \"latest_wins\"; name = \"manual_review\"; }; };",
     "[{\"field\":\"email\",\"waits\":true},{\"field\":\"name\",\"value\":null,\"waits\":false}]", 1, 1, 1,
     1},
};

START_TEST(a_conflict_is_different_when_a_field_ends_otherwise)
{
    struct buf text = BUF_INIT, errors = BUF_INIT;
    struct json *rules = mapping_parse(whatifs[_i].rules);

    buf_addf(&text, "version = \"t\"; %s", whatifs[_i].policies);
    struct policy_set *policies = policy_set_read("t", text.data, text.len, mapping_set, &errors);
    ck_assert_msg(policies, "%s", errors.data);
    struct conflict_whatif whatif = {.policies = policies, .examples = json_new_array()};
    for (int i = 0; i < CONFLICT_EXAMPLES_MAX + 3; i++)
        conflict_whatif_add(&whatif, mapping_set,
                            &(struct conflict_past){.tenant = "t",
                                                    .entity_id = "u",
                                                    .side_events = SIDE_EVENTS,
                                                    .entity = ENTITY_USER,
                                                    .detail = detail,
                                                    .rules = rules});
    int times = CONFLICT_EXAMPLES_MAX + 3;
    ck_assert_int_eq(whatif.examined, times);
    ck_assert_int_eq(whatif.different, whatifs[_i].different * times);
    ck_assert_int_eq(whatif.fields_different, whatifs[_i].fields * times);
    ck_assert_int_eq(whatif.waited, whatifs[_i].waited * times);
    ck_assert_int_eq(whatif.would_wait, whatifs[_i].would_wait * times);
    ck_assert_uint_eq(json_count(whatif.examples), whatifs[_i].different ? CONFLICT_EXAMPLES_MAX : 0);
    json_free(whatif.examples);
    policy_set_free(&policies);
    json_free(rules);
    buf_release(&text);
    buf_release(&errors);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conflict");
    TCase *tcase = tcase_create("conflict");
    tcase_add_checked_fixture(tcase, load, unload);
    tcase_add_test(tcase, a_stored_conflict_is_read_with_the_fields_that_are_wanted);
    tcase_add_test(tcase, what_is_no_stored_conflict_has_no_fields);
    tcase_add_test(tcase, names_are_found_whole_in_a_list);
    tcase_add_test(tcase, choices_become_decisions);
    tcase_add_test(tcase, what_a_policy_decided_waits_for_nobody);
    tcase_add_loop_test(tcase, a_conflict_is_different_when_a_field_ends_otherwise, 0, COUNT(whatifs));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
