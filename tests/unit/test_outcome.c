/* test_outcome.c: what a platform's answer means, for every status, verb and failure. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../worker/outcome.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)
#define VERBS 4

static const struct platform_route plain = {.path = "/x", .takes = true};

static struct outcome judge(const struct answer *answer, enum verb verb)
{
    struct outcome outcome;

    outcome_judge(answer, verb, &plain, &outcome);
    return outcome;
}

#define D OUTCOME_DELIVERED
#define R OUTCOME_RETRY
#define U OUTCOME_AS_UPDATE
#define C OUTCOME_AS_CREATE
#define P OUTCOME_ROUTE
#define X OUTCOME_DEAD

/* By verb: create, update, delete, report. */
static const struct row {
    int status;
    enum outcome_class class[VERBS];
    bool costs, platform_failed;
} rows[] = {
    {200, {D, D, D, D}, false, false}, {201, {D, D, D, D}, false, false}, {202, {D, D, D, D}, false, false},
    {204, {D, D, D, D}, false, false}, {299, {D, D, D, D}, false, false}, {300, {P, P, P, P}, false, false},
    {301, {P, P, P, P}, false, false}, {302, {P, P, P, P}, false, false}, {304, {P, P, P, P}, false, false},
    {307, {P, P, P, P}, false, false}, {308, {P, P, P, P}, false, false}, {400, {X, X, X, X}, false, false},
    {401, {P, P, P, P}, false, false}, {402, {X, X, X, X}, false, false}, {403, {P, P, P, P}, false, false},
    {404, {P, C, D, P}, false, false}, {405, {P, P, P, P}, false, false}, {406, {X, X, X, X}, false, false},
    {408, {R, R, R, R}, true, false},  {409, {U, X, X, X}, false, false}, {410, {X, X, X, X}, false, false},
    {412, {U, X, X, X}, false, false}, {413, {X, X, X, X}, false, false}, {415, {X, X, X, X}, false, false},
    {422, {X, X, X, X}, false, false}, {425, {R, R, R, R}, true, false},  {429, {R, R, R, R}, false, false},
    {431, {X, X, X, X}, false, false}, {451, {X, X, X, X}, false, false}, {499, {X, X, X, X}, false, false},
    {500, {R, R, R, R}, true, true},   {501, {R, R, R, R}, true, true},   {502, {R, R, R, R}, true, true},
    {503, {R, R, R, R}, true, true},   {504, {R, R, R, R}, true, true},   {507, {R, R, R, R}, true, true},
    {599, {R, R, R, R}, true, true},   {999, {R, R, R, R}, true, true},   {100, {P, P, P, P}, false, false},
    {0, {P, P, P, P}, false, false},
};

START_TEST(a_status_means_the_same_for_each_verb_as_the_table_says)
{
    const struct row *row = &rows[_i];

    for (unsigned verb = 0; verb < VERBS; verb++) {
        struct outcome outcome =
            judge(&(struct answer){.status = row->status, .retry_after_ms = -1, .body = "{}", .body_len = 2},
                  (enum verb)verb);
        ck_assert_msg(outcome.class == row->class[verb], "%d on verb %u gives %s", row->status, verb,
                      outcome_name(outcome.class));
        ck_assert_msg(outcome.costs == row->costs, "%d on verb %u: costs", row->status, verb);
        ck_assert_msg(outcome.platform_failed == row->platform_failed, "%d on verb %u: platform_failed",
                      row->status, verb);
        ck_assert(!(outcome.platform_ok && outcome.platform_failed));
        if (outcome.class == OUTCOME_DELIVERED)
            ck_assert_str_eq(outcome.error, "");
        else
            ck_assert_str_ne(outcome.error, "");
    }
}
END_TEST

static const struct {
    int status;
    enum verb verb;
    bool ok;
} healthy[] = {
    {200, VERB_CREATE, true},  {400, VERB_CREATE, true},  {422, VERB_UPDATE, true},
    {409, VERB_CREATE, true},  {410, VERB_UPDATE, true},  {404, VERB_UPDATE, true},
    {404, VERB_DELETE, true},  {404, VERB_CREATE, false}, {404, VERB_REPORT, false},
    {401, VERB_CREATE, false}, {403, VERB_UPDATE, false}, {302, VERB_CREATE, false},
    {429, VERB_CREATE, false}, {500, VERB_CREATE, false}, {408, VERB_CREATE, false},
};

START_TEST(an_answer_about_the_content_speaks_for_the_platforms_health)
{
    struct outcome outcome =
        judge(&(struct answer){.status = healthy[_i].status, .retry_after_ms = -1}, healthy[_i].verb);

    ck_assert_int_eq(outcome.platform_ok, healthy[_i].ok);
}
END_TEST

START_TEST(html_instead_of_json_is_the_routes_fault_only_where_it_says_success)
{
    static const char page[] = "<!DOCTYPE html><html></html>";

    for (unsigned verb = 0; verb < VERBS; verb++) {
        struct answer answer = {
            .status = 200, .html = true, .retry_after_ms = -1, .body = page, .body_len = sizeof page - 1};
        struct outcome outcome = judge(&answer, (enum verb)verb);
        ck_assert_int_eq(outcome.class, OUTCOME_ROUTE);
        ck_assert(!outcome.costs && !outcome.platform_ok && !outcome.platform_failed);
        answer.status = 502; /* a proxy's error page */
        ck_assert_int_eq(judge(&answer, (enum verb)verb).class, OUTCOME_RETRY);
        answer.status = 400;
        ck_assert_int_eq(judge(&answer, (enum verb)verb).class, OUTCOME_DEAD);
    }
}
END_TEST

static const struct {
    enum answer_failure failure;
    enum outcome_class class;
    bool costs, platform_failed;
} failures[] = {
    {ANSWER_TRANSPORT, OUTCOME_RETRY, false, true},
    {ANSWER_TIMEOUT_SENT, OUTCOME_UNKNOWN, true, true},
    {ANSWER_TLS, OUTCOME_ROUTE, false, false},
    {ANSWER_TOO_LARGE, OUTCOME_UNKNOWN, true, false},
    {ANSWER_FORBIDDEN_ADDRESS, OUTCOME_ROUTE, false, false},
};

START_TEST(a_failure_without_an_answer_means_what_may_have_happened)
{
    for (unsigned verb = 0; verb < VERBS; verb++) {
        struct answer answer = {
            .failure = failures[_i].failure, .error = "it broke", .status = 200, .retry_after_ms = -1};
        struct outcome outcome = judge(&answer, (enum verb)verb);
        ck_assert_msg(outcome.class == failures[_i].class, "failure %d gives %s", failures[_i].failure,
                      outcome_name(outcome.class));
        ck_assert_int_eq(outcome.costs, failures[_i].costs);
        ck_assert_int_eq(outcome.platform_failed, failures[_i].platform_failed);
        ck_assert(!outcome.platform_ok);
        ck_assert_str_eq(outcome.error, "it broke");
    }
}
END_TEST

START_TEST(retry_after_makes_a_503_cost_no_attempt)
{
    struct answer answer = {.status = 503, .retry_after_ms = 0};

    ck_assert(!judge(&answer, VERB_CREATE).costs);
    ck_assert(judge(&answer, VERB_CREATE).platform_failed);
    answer.retry_after_ms = -1;
    ck_assert(judge(&answer, VERB_CREATE).costs);
    answer.status = 500;
    answer.retry_after_ms = 5000;
    ck_assert(judge(&answer, VERB_CREATE).costs);
}
END_TEST

static const struct {
    const char *field, *value, *body;
    bool passes;
} tests[] = {
    {NULL, NULL, "not json", true},
    {"success", NULL, "{\"success\":true}", true},
    {"success", NULL, "{\"success\":false}", false},
    {"success", NULL, "{\"success\":\"true\"}", false},
    {"success", NULL, "{\"success\":1}", false},
    {"success", NULL, "{\"success\":null}", false},
    {"success", NULL, "{}", false},
    {"success", NULL, "[true]", false},
    {"success", NULL, "true", false},
    {"success", NULL, "", false},
    {"success", NULL, "{\"success\":true", false},
    {"status", "ok", "{\"status\":\"ok\"}", true},
    {"status", "ok", "{\"status\":\"okay\"}", false},
    {"status", "ok", "{\"status\":true}", false},
    {"status", "7", "{\"status\":7}", true},
};

START_TEST(a_2xx_must_pass_the_sections_test)
{
    struct platform_route route = {
        .path = "/x", .takes = true, .success_field = tests[_i].field, .success_value = tests[_i].value};
    struct answer answer = {
        .status = 200, .retry_after_ms = -1, .body = tests[_i].body, .body_len = strlen(tests[_i].body)};
    struct outcome outcome;

    outcome_judge(&answer, VERB_CREATE, &route, &outcome);
    ck_assert_msg(outcome.class == (tests[_i].passes ? OUTCOME_DELIVERED : OUTCOME_DEAD), "%s gives %s",
                  tests[_i].body, outcome_name(outcome.class));
    ck_assert(outcome.platform_ok);
}
END_TEST

START_TEST(a_long_reason_is_cut_not_overrun)
{
    char reason[1000];
    struct answer answer = {.failure = ANSWER_TRANSPORT, .error = reason};

    memset(reason, 'x', sizeof reason);
    reason[sizeof reason - 1] = '\0';
    struct outcome outcome = judge(&answer, VERB_CREATE);
    ck_assert_uint_eq(strlen(outcome.error), sizeof outcome.error - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outcome");
    TCase *claims = tcase_create("outcome");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, claims);
    tcase_add_loop_test(claims, a_status_means_the_same_for_each_verb_as_the_table_says, 0, COUNT(rows));
    tcase_add_loop_test(claims, an_answer_about_the_content_speaks_for_the_platforms_health, 0,
                        COUNT(healthy));
    tcase_add_test(claims, html_instead_of_json_is_the_routes_fault_only_where_it_says_success);
    tcase_add_loop_test(claims, a_failure_without_an_answer_means_what_may_have_happened, 0, COUNT(failures));
    tcase_add_test(claims, retry_after_makes_a_503_cost_no_attempt);
    tcase_add_loop_test(claims, a_2xx_must_pass_the_sections_test, 0, COUNT(tests));
    tcase_add_test(claims, a_long_reason_is_cut_not_overrun);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
