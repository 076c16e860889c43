/* test_saleor_customer.c: users on their way to Saleor: each verb in each situation, each error code. */
#include "mem.h"
#include "saleor_fixture.h"

#define ASHA \
    "{\"id\":\"u1\",\"name\":\"Asha Rao\",\"email\":\"a@x.in\",\"phone\":\"+91 1\",\"status\":\"active\"}"
#define META(json) "[{\"key\":\"data_sync\",\"value\":" json "}]"
#define ASHA_META META("\"{\\\"id\\\":\\\"u1\\\",\\\"phone\\\":\\\"+91 1\\\"}\"")
#define ASHA_FIELDS "\"firstName\":\"Asha\",\"lastName\":\"Rao\",\"email\":\"a@x.in\",\"isActive\":true"
#define ASHA_CREATE                                                                                          \
    "{\"input\":{" ASHA_FIELDS ",\"externalReference\":\"" RECORD_ID "\",\"privateMetadata\":" ASHA_META "}" \
    "}"
#define DONE "{\"user\":{\"id\":\"" USER_ID "\"},\"errors\":[]}"
#define REFUSED(field, code) \
    "{\"user\":null,\"errors\":[{\"field\":\"" field "\",\"code\":\"" code "\",\"message\":\"no\"}]}"
#define LINES(...) (const struct say[]){__VA_ARGS__}, sizeof((struct say[]){__VA_ARGS__}) / sizeof(struct say)

static const struct errand create = {ENTITY_USER, EVENT_USER_CREATED, VERB_CREATE, ASHA, .parents = NULL};
static const struct errand change = {ENTITY_USER, EVENT_USER_UPDATED, VERB_UPDATE, ASHA, .parents = NULL};
static const struct errand erase = {ENTITY_USER, EVENT_USER_DELETED, VERB_DELETE, .record = NULL};

START_TEST(a_create_is_one_request_with_our_record_id)
{
    const char *steps = saleor_talk(&create, LINES({"customerCreate", ASHA_CREATE, DONE}), SALEOR_DONE, "");
    ck_assert_str_eq(steps, "{\"version\":3,\"id\":\"" USER_ID "\",\"done\":[]}");
}
END_TEST

START_TEST(an_update_says_only_what_changed)
{
    static const struct {
        const char *base, *input;
    } rows[] = {
        {"{\"id\":\"u1\",\"name\":\"Asha R\",\"email\":\"a@x.in\",\"phone\":\"+91 1\",\"status\":\"active\"}",
         "{\"firstName\":\"Asha\",\"lastName\":\"Rao\"}"},
        {"{\"id\":\"u1\",\"name\":\"Asha Rao\",\"email\":\"b@x.in\",\"phone\":\"+91 "
         "1\",\"status\":\"active\"}",
         "{\"email\":\"a@x.in\"}"},
        {"{\"id\":\"u1\",\"name\":\"Asha Rao\",\"email\":\"a@x.in\",\"phone\":\"+91 "
         "2\",\"status\":\"active\"}",
         "{\"privateMetadata\":" ASHA_META "}"},
        {"{\"id\":\"u1\",\"name\":\"Asha Rao\",\"email\":\"a@x.in\",\"phone\":\"+91 "
         "1\",\"status\":\"inactive\"}",
         "{\"isActive\":true}"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct errand errand = change;
        char variables[512];
        errand.base = rows[i].base;
        snprintf(variables, sizeof variables, "{\"externalReference\":\"%s\",\"input\":%s}", RECORD_ID,
                 rows[i].input);
        saleor_talk(&errand, LINES({"customerUpdate", variables, DONE}), SALEOR_DONE, "");
    }
}
END_TEST

START_TEST(what_the_platform_has_already_is_not_sent)
{
    struct errand errand = change;
    errand.base = ASHA;
    saleor_talk(&errand, NULL, 0, SALEOR_SKIPPED, "has this already");
}
END_TEST

START_TEST(an_update_by_a_known_id_of_saleor_uses_it)
{
    struct errand errand = change;
    errand.platform_id = USER_ID;
    saleor_talk(
        &errand,
        LINES({"customerUpdate",
               "{\"id\":\"" USER_ID "\",\"input\":{" ASHA_FIELDS ",\"privateMetadata\":" ASHA_META "}}",
               DONE}),
        SALEOR_DONE, "");
}
END_TEST

START_TEST(an_id_that_is_none_of_saleors_is_not_used)
{
    static const char *const ids[] = {"cust-77", "12", "", PRODUCT_ID};
    for (int i = 0; i < COUNT(ids); i++) {
        struct errand errand = change;
        errand.platform_id = ids[i];
        saleor_talk(&errand,
                    LINES({"customerUpdate",
                           "{\"externalReference\":\"" RECORD_ID "\",\"input\":{" ASHA_FIELDS
                           ",\"privateMetadata\":" ASHA_META "}}",
                           DONE}),
                    SALEOR_DONE, "");
    }
}
END_TEST

START_TEST(a_create_of_one_that_has_an_id_there_is_an_update)
{
    struct errand errand = create;
    errand.platform_id = USER_ID;
    saleor_talk(&errand, LINES({"customerUpdate", NULL, DONE}), SALEOR_DONE, "");
}
END_TEST

START_TEST(a_create_whose_answer_was_lost_becomes_an_update)
{
    saleor_talk(&create,
                LINES({"customerCreate", NULL, REFUSED("externalReference", "UNIQUE")},
                      {"customerUpdate",
                       "{\"externalReference\":\"" RECORD_ID "\",\"input\":{" ASHA_FIELDS
                       ",\"privateMetadata\":" ASHA_META "}}",
                       DONE}),
                SALEOR_DONE, "");
}
END_TEST

#define TAKEN                                                     \
    {                                                             \
        "customerCreate", ASHA_CREATE, REFUSED("email", "UNIQUE") \
    }
#define WHOSE "{\"email\":\"a@x.in\"}"

START_TEST(a_customer_of_the_shop_with_that_address_becomes_ours)
{
    static const char *const references[] = {"null", "\"\""};
    for (int i = 0; i < COUNT(references); i++) {
        char found[256];
        snprintf(found, sizeof found, "{\"id\":\"%s\",\"externalReference\":%s,\"isStaff\":false}", USER_ID,
                 references[i]);
        saleor_talk(&create,
                    LINES(TAKEN, {"user", WHOSE, found},
                          {"customerUpdate",
                           "{\"id\":\"" USER_ID "\",\"input\":{" ASHA_FIELDS
                           ",\"externalReference\":\"" RECORD_ID "\",\"privateMetadata\":" ASHA_META "}}",
                           DONE}),
                    SALEOR_DONE, "");
    }
}
END_TEST

START_TEST(one_that_is_ours_already_is_updated_and_keeps_its_reference)
{
    saleor_talk(
        &create,
        LINES(TAKEN,
              {"user", WHOSE,
               "{\"id\":\"" USER_ID "\",\"externalReference\":\"" RECORD_ID "\",\"isStaff\":false}"},
              {"customerUpdate",
               "{\"id\":\"" USER_ID "\",\"input\":{" ASHA_FIELDS ",\"privateMetadata\":" ASHA_META "}}",
               DONE}),
        SALEOR_DONE, "");
}
END_TEST

START_TEST(an_address_of_somebody_else_is_dead_with_the_field_named)
{
    static const struct {
        const char *found, *why;
    } rows[] = {
        {"{\"id\":\"" USER_ID "\",\"externalReference\":\"somebody-else\",\"isStaff\":false}",
         "email: another customer"},
        {"{\"id\":\"" USER_ID "\",\"externalReference\":null,\"isStaff\":true}",
         "email: the address belongs to one of"},
        {"null", "email: Saleor says that the address is taken"},
    };
    for (int i = 0; i < COUNT(rows); i++)
        saleor_talk(&create, LINES(TAKEN, {"user", WHOSE, rows[i].found}), SALEOR_DEAD, rows[i].why);
    saleor_talk(&change, LINES({"customerUpdate", NULL, REFUSED("email", "UNIQUE")}), SALEOR_DEAD,
                "email: another customer");
}
END_TEST

START_TEST(an_update_of_one_that_is_not_there_becomes_a_create)
{
    struct errand by_id = change, difference = change;
    by_id.platform_id = USER_ID;
    difference.base = "{\"id\":\"u1\",\"name\":\"Other\",\"email\":\"a@x.in\"}";
    saleor_talk(&change,
                LINES({"customerUpdate", NULL, REFUSED("externalReference", "NOT_FOUND")},
                      {"customerCreate", ASHA_CREATE, DONE}),
                SALEOR_DONE, "");
    saleor_talk(
        &by_id,
        LINES({"customerUpdate", NULL, REFUSED("id", "NOT_FOUND")}, {"customerCreate", ASHA_CREATE, DONE}),
        SALEOR_DONE, "");
    saleor_talk(&difference,
                LINES({"customerUpdate", NULL, REFUSED("externalReference", "NOT_FOUND")},
                      {"customerCreate", ASHA_CREATE, DONE}),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(contradicting_answers_end_in_another_attempt)
{
    struct say lines[16];
    for (int i = 0; i < 16; i += 2) {
        lines[i] = (struct say){"customerCreate", NULL, REFUSED("externalReference", "UNIQUE")};
        lines[i + 1] = (struct say){"customerUpdate", NULL, REFUSED("externalReference", "NOT_FOUND")};
    }
    saleor_talk(&create, lines, 16, SALEOR_RETRY, "contradict");
}
END_TEST

START_TEST(a_delete_needs_no_record_and_is_done_when_nothing_is_there)
{
    struct errand by_id = erase;
    by_id.platform_id = USER_ID;
    saleor_talk(&erase, LINES({"customerDelete", "{\"externalReference\":\"" RECORD_ID "\"}", DONE}),
                SALEOR_DONE, "");
    saleor_talk(&by_id, LINES({"customerDelete", "{\"id\":\"" USER_ID "\"}", DONE}), SALEOR_DONE, "");
    saleor_talk(&erase, LINES({"customerDelete", NULL, REFUSED("externalReference", "NOT_FOUND")}),
                SALEOR_DONE, "");
    saleor_talk(&erase, LINES({"customerDelete", NULL, REFUSED("id", "DELETE_STAFF_ACCOUNT")}), SALEOR_DEAD,
                "DELETE_STAFF_ACCOUNT");
}
END_TEST

START_TEST(each_error_code_has_its_verdict)
{
    static const struct {
        const char *answer;
        enum saleor_verdict verdict;
        const char *why;
    } rows[] = {
        {REFUSED("email", "INVALID"), SALEOR_DEAD, "email: customerCreate: no (INVALID)"},
        {REFUSED("email", "REQUIRED"), SALEOR_DEAD, "email: customerCreate"},
        {REFUSED("firstName", "INVALID"), SALEOR_DEAD, "name: customerCreate"},
        {REFUSED("isActive", "GRAPHQL_ERROR"), SALEOR_DEAD, "status: customerCreate"},
        {REFUSED("somethingNew", "SOMETHING_NEW"), SALEOR_DEAD,
         "somethingNew: customerCreate: no (SOMETHING_NEW)"},
        {REFUSED("", "PERMISSION_DENIED"), SALEOR_HOLD, "may not"},
        {"{\"user\":null,\"errors\":[{\"message\":\"no\"}]}", SALEOR_DEAD, "customerCreate: no (no code)"},
        {"!{\"data\":{\"o0\":null},\"errors\":[{\"message\":\"To access this path, you need one of the "
         "following "
         "permissions: "
         "MANAGE_USERS\",\"path\":[\"o0\"],\"extensions\":{\"exception\":{\"code\":\"PermissionDenied\"}}}]}",
         SALEOR_HOLD, "MANAGE_USERS"},
        {"!{\"data\":{\"o0\":null},\"errors\":[{\"message\":\"Internal Server "
         "Error\",\"path\":[\"o0\"],\"extensions\":{"
         "\"exception\":{\"code\":\"OperationalError\"}}}]}",
         SALEOR_RETRY, "Internal Server Error"},
        {"!{\"data\":{\"o0\":null},\"errors\":[{\"message\":\"Throttled\",\"path\":[\"o0\"],\"extensions\":{"
         "\"code\":"
         "\"THROTTLED\"}}]}",
         SALEOR_SLOW_DOWN, "slow down"},
        {"!{\"data\":{\"o0\":null},\"errors\":[{\"message\":\"Invalid ID: x. Expected: "
         "User\",\"path\":[\"o0\"],"
         "\"extensions\":{\"exception\":{\"code\":\"GraphQLError\"}}}]}",
         SALEOR_DEAD, "Invalid ID"},
        {"!{\"data\":{\"o0\":null}}", SALEOR_RETRY, "neither a result nor errors"},
        {"[]", SALEOR_RETRY, "neither a result nor errors"},
    };
    for (int i = 0; i < COUNT(rows); i++)
        saleor_talk(&create, LINES({"customerCreate", NULL, rows[i].answer}), rows[i].verdict, rows[i].why);
}
END_TEST

START_TEST(names_are_split_at_the_first_blank)
{
    static const struct {
        const char *name, *first, *last;
    } rows[] = {
        {"Asha Rao", "Asha", "Rao"},
        {"Cher", "Cher", ""},
        {"Ludwig  van Beethoven ", "Ludwig", "van Beethoven"},
        {"  Padded Name", "Padded", "Name"},
        {"👩‍🚀 Nova", "👩‍🚀", "Nova"},
        {"🦄", "🦄", ""},
        {"محمد بن سلمان", "محمد", "بن سلمان"},
        {"\\u200fשרה כהן", "\\u200fשרה", "כהן"},
        {"A\\tB", "A", "B"},
        {"O'Neil-Smith Jr. III", "O'Neil-Smith", "Jr. III"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        char record[256], variables[512];
        snprintf(record, sizeof record, "{\"id\":\"u1\",\"name\":\"%s\",\"email\":\"a@x.in\"}", rows[i].name);
        snprintf(variables, sizeof variables,
                 "{\"input\":{\"firstName\":\"%s\",\"lastName\":\"%s\",\"email\":\"a@x.in\","
                 "\"externalReference\":\"%s\","
                 "\"privateMetadata\":" META("\"{\\\"id\\\":\\\"u1\\\"}\"") "}}",
                 rows[i].first, rows[i].last, RECORD_ID);
        struct errand errand = create;
        errand.record = record;
        saleor_talk(&errand, LINES({"customerCreate", variables, DONE}), SALEOR_DONE, "");
    }
}
END_TEST

START_TEST(what_saleor_has_no_place_for_goes_into_its_private_metadata)
{
    struct errand errand = create;
    errand.record = "{\"id\":7,\"name\":\"A B\",\"email\":\"a@x.in\",\"status\":\"pending\",\"note\":\"vip\","
                    "\"preferences\":{\"news\":true,\"n\":0.10},\"tags\":[\"x\"],\"gone\":null}";
    saleor_talk(
        &errand,
        LINES({"customerCreate",
               "{\"input\":{\"firstName\":\"A\",\"lastName\":\"B\",\"email\":\"a@x.in\",\"note\":\"vip\","
               "\"externalReference\":\"" RECORD_ID
               "\",\"privateMetadata\":" META("\"{\\\"id\\\":7,\\\"status\\\":\\\"pending\\\","
                                              "\\\"preferences\\\":{\\\"news\\\":true,\\\"n\\\":0.10},"
                                              "\\\"tags\\\":[\\\"x\\\"]}\"") "}}",
               DONE}),
        SALEOR_DONE, "");
}
END_TEST

START_TEST(a_cleared_note_is_cleared_there)
{
    struct errand errand = change;
    errand.record = "{\"id\":\"u1\",\"name\":\"A B\",\"email\":\"a@x.in\"}";
    errand.base = "{\"id\":\"u1\",\"name\":\"A B\",\"email\":\"a@x.in\",\"note\":\"vip\"}";
    saleor_talk(&errand,
                LINES({"customerUpdate",
                       "{\"externalReference\":\"" RECORD_ID "\",\"input\":{\"note\":null}}", DONE}),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(a_text_of_100_kb_with_emoji_goes_through)
{
    struct buf record = BUF_INIT;
    struct errand errand = create;
    buf_add_str(&record, "{\"id\":\"u1\",\"name\":\"A B\",\"email\":\"a@x.in\",\"note\":\"");
    for (int i = 0; i < 25000; i++)
        buf_add_str(&record, "🦄");
    buf_add_str(&record, "\"}");
    errand.record = record.data;
    saleor_talk(&errand, LINES({"customerCreate", NULL, DONE}), SALEOR_DONE, "");
    buf_release(&record);
}
END_TEST

START_TEST(a_record_that_lacks_what_is_required_cannot_be_created)
{
    static const char *const rows[][2] = {
        {"{\"id\":\"u1\",\"name\":\"A\"}", "email"},
        {"{\"id\":\"u1\",\"email\":\"a@x.in\"}", "name"},
        {"{\"id\":\"u1\",\"email\":null,\"name\":\"A\"}", "email"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct errand errand = create;
        errand.record = rows[i][0];
        saleor_check_impossible(&errand, rows[i][1]);
    }
}
END_TEST

START_TEST(a_plan_goes_on_where_the_attempt_before_ended)
{
    struct errand again = create;
    again.steps = "{\"version\":3,\"done\":[\"create\"],\"id\":\"" USER_ID "\"}";
    saleor_talk(&again, NULL, 0, SALEOR_DONE, "");
    again.steps = "{\"version\":2,\"done\":[\"create\"],\"id\":\"" USER_ID "\"}"; /* the record moved on */
    saleor_talk(&again, LINES({"customerUpdate", NULL, DONE}), SALEOR_DONE, "");
    again.steps = "{\"version\":3,\"done\":\"?\",\"id\":7}"; /* not ours: as if there were none */
    saleor_talk(&again, LINES({"customerCreate", NULL, DONE}), SALEOR_DONE, "");
}
END_TEST

START_TEST(an_operation_is_the_same_until_it_is_answered)
{
    struct saleor_plan *plan = saleor_begin(&create);
    const struct saleor_operation *first = saleor_plan_next(plan);
    const struct json *variables = first->part.variables;
    ck_assert_ptr_eq(saleor_plan_next(plan), first);
    ck_assert_ptr_eq(saleor_plan_next(plan)->part.variables, variables);
    ck_assert_int_eq(saleor_plan_refused(plan, "too much"), SALEOR_DEAD);
    ck_assert_str_eq(saleor_plan_why(plan), "customerCreate: too much");
    ck_assert_ptr_null(saleor_plan_next(plan));
    saleor_plan_free(&plan);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("saleor_customer");
    TCase *tc = tcase_create("customer");
    tcase_add_checked_fixture(tc, saleor_load, saleor_unload);
    tcase_add_test(tc, a_create_is_one_request_with_our_record_id);
    tcase_add_test(tc, an_update_says_only_what_changed);
    tcase_add_test(tc, what_the_platform_has_already_is_not_sent);
    tcase_add_test(tc, an_update_by_a_known_id_of_saleor_uses_it);
    tcase_add_test(tc, an_id_that_is_none_of_saleors_is_not_used);
    tcase_add_test(tc, a_create_of_one_that_has_an_id_there_is_an_update);
    tcase_add_test(tc, a_create_whose_answer_was_lost_becomes_an_update);
    tcase_add_test(tc, a_customer_of_the_shop_with_that_address_becomes_ours);
    tcase_add_test(tc, one_that_is_ours_already_is_updated_and_keeps_its_reference);
    tcase_add_test(tc, an_address_of_somebody_else_is_dead_with_the_field_named);
    tcase_add_test(tc, an_update_of_one_that_is_not_there_becomes_a_create);
    tcase_add_test(tc, contradicting_answers_end_in_another_attempt);
    tcase_add_test(tc, a_delete_needs_no_record_and_is_done_when_nothing_is_there);
    tcase_add_test(tc, each_error_code_has_its_verdict);
    tcase_add_test(tc, names_are_split_at_the_first_blank);
    tcase_add_test(tc, what_saleor_has_no_place_for_goes_into_its_private_metadata);
    tcase_add_test(tc, a_cleared_note_is_cleared_there);
    tcase_add_test(tc, a_text_of_100_kb_with_emoji_goes_through);
    tcase_add_test(tc, a_record_that_lacks_what_is_required_cannot_be_created);
    tcase_add_test(tc, a_plan_goes_on_where_the_attempt_before_ended);
    tcase_add_test(tc, an_operation_is_the_same_until_it_is_answered);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
