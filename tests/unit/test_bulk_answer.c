/* test_bulk_answer.c: what the answer to a bulk means, item by item; and when bulks rest. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../worker/bulk_answer.h"

#define E0 "01890000-0000-7000-8000-000000000000"
#define E1 "01890000-0000-7000-8000-000000000001"
#define E2 "01890000-0000-7000-8000-000000000002"
#define FOREIGN "01890000-0000-7000-8000-00000000000f"

static const struct {
    enum answer_failure failure;
    int status;
    enum bulk_meaning meaning;
} meanings[] = {
    {ANSWER_OK, 200, BULK_ITEMS},         {ANSWER_OK, 207, BULK_ITEMS},
    {ANSWER_OK, 400, BULK_SPLIT},         {ANSWER_OK, 413, BULK_SPLIT},
    {ANSWER_OK, 422, BULK_SPLIT},         {ANSWER_OK, 409, BULK_SPLIT},
    {ANSWER_OK, 404, BULK_ABSENT},        {ANSWER_OK, 405, BULK_ABSENT},
    {ANSWER_OK, 501, BULK_ABSENT},        {ANSWER_OK, 401, BULK_WHOLE},
    {ANSWER_OK, 403, BULK_WHOLE},         {ANSWER_OK, 408, BULK_WHOLE},
    {ANSWER_OK, 425, BULK_WHOLE},         {ANSWER_OK, 429, BULK_WHOLE},
    {ANSWER_OK, 500, BULK_WHOLE},         {ANSWER_OK, 503, BULK_WHOLE},
    {ANSWER_OK, 302, BULK_WHOLE},         {ANSWER_TRANSPORT, 0, BULK_WHOLE},
    {ANSWER_TIMEOUT_SENT, 0, BULK_WHOLE}, {ANSWER_TIMEOUT_SENT, 200, BULK_WHOLE},
    {ANSWER_TLS, 0, BULK_WHOLE},          {ANSWER_TOO_LARGE, 200, BULK_ITEMS},
    {ANSWER_TOO_LARGE, 500, BULK_WHOLE},
};

START_TEST(an_answer_speaks_of_items_of_the_whole_or_says_that_there_is_no_bulk)
{
    struct answer answer = {.failure = meanings[_i].failure, .status = meanings[_i].status};

    ck_assert_int_eq(bulk_answer_meaning(&answer), meanings[_i].meaning);
}
END_TEST

static const struct {
    const char *body;
    int statuses[3];
    bool strange; /* and why is told */
} answers[] = {
    {"{\"results\":[{\"event_id\":\"" E0 "\",\"status\":200},{\"event_id\":\"" E1
     "\",\"status\":422},{\"event_id\":\"" E2 "\",\"status\":503}]}",
     {200, 422, 503},
     false},
    /* in another order: each has its answer */
    {"{\"results\":[{\"event_id\":\"" E2 "\",\"status\":201},{\"event_id\":\"" E0
     "\",\"status\":202},{\"event_id\":\"" E1 "\",\"status\":409}]}",
     {202, 409, 201},
     false},
    {"{\"results\":[{\"event_id\":\"" E0 "\",\"status\":200},{\"event_id\":\"" E1 "\",\"status\":200}]}",
     {200, 200, 0},
     true},
    {"{\"results\":[{\"event_id\":\"" E0 "\",\"status\":200},{\"event_id\":\"" FOREIGN
     "\",\"status\":200},{\"event_id\":\"" E2 "\",\"status\":200}]}",
     {200, 0, 200},
     true},
    /* twice the same, neither at its place: nobody knows which one holds */
    {"{\"results\":[{\"event_id\":\"" E1 "\",\"status\":200},{\"event_id\":\"" E2
     "\",\"status\":500},{\"event_id\":\"" E1 "\",\"status\":200}]}",
     {0, 0, 500},
     true},
    {"{\"results\":[{\"event_id\":\"" E0 "\",\"status\":200},{\"event_id\":\"" E1
     "\",\"status\":200},{\"event_id\":\"" E2 "\",\"status\":200},{\"event_id\":\"" FOREIGN
     "\",\"status\":200}]}",
     {200, 200, 200},
     true},
    {"{\"results\":[{\"event_id\":\"" E0 "\",\"status\":\"ok\"},{\"event_id\":\"" E1
     "\",\"status\":0},{\"event_id\":\"" E2 "\",\"status\":600}]}",
     {0, 0, 0},
     true},
    {"{\"results\":[{\"event_id\":\"" E0 "\"},{\"event_id\":7,\"status\":200},null]}", {0, 0, 0}, true},
    {"{\"results\":{\"" E0 "\":200}}", {0, 0, 0}, true},
    {"{\"results\":[]}", {0, 0, 0}, true},
    {"{\"success\":true}", {0, 0, 0}, true},
    {"[]", {0, 0, 0}, true},
    {"null", {0, 0, 0}, true},
    {"", {0, 0, 0}, true},
    {"OK", {0, 0, 0}, true},
    {"{\"results\":[{\"event_id\":\"" E0 "\",\"status\":200}", {0, 0, 0}, true}, /* cut short */
};

static void read_answer(const struct answer *answer, const int *statuses, bool strange)
{
    static const char *const texts[] = {E0, E1, E2};
    struct uuid events[3];
    struct bulk_item items[3];
    struct json *root;
    const char *why;
    size_t unknown = 0;

    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(uuid_parse(&events[i], texts[i], strlen(texts[i])), 0);
        unknown += statuses[i] == 0;
    }
    ck_assert_uint_eq(bulk_answer_read(answer, events, 3, items, &root, &why), unknown);
    for (size_t i = 0; i < 3; i++)
        ck_assert_msg(items[i].status == statuses[i], "%s: item %zu is %d", answer->body, i, items[i].status);
    ck_assert_int_eq(why != NULL, strange);
    json_free(root);
}

START_TEST(an_item_has_the_status_of_the_one_result_about_it_or_none)
{
    struct answer answer = {.status = 200, .body = answers[_i].body, .body_len = strlen(answers[_i].body)};

    read_answer(&answer, answers[_i].statuses, answers[_i].strange);
}
END_TEST

START_TEST(html_and_answers_beyond_all_sense_leave_every_item_unknown)
{
    static const int none[3];
    const char *good = answers[0].body;

    read_answer(&(struct answer){.status = 200, .html = true, .body = good, .body_len = strlen(good)}, none,
                true);
    read_answer(
        &(struct answer){.failure = ANSWER_TOO_LARGE, .status = 200, .body = good, .body_len = strlen(good)},
        none, true);
}
END_TEST

START_TEST(bulks_rest_ten_minutes_after_there_was_none)
{
    struct bulk_rest rest = {0};

    ck_assert(bulk_rest_is_over(&rest, 1000));
    bulk_rest_absent(&rest, 1000);
    ck_assert(!bulk_rest_is_over(&rest, 1000 + 10 * 60 * 1000 - 1));
    ck_assert(bulk_rest_is_over(&rest, 1000 + 10 * 60 * 1000));
}
END_TEST

START_TEST(bulks_rest_when_three_answers_in_a_row_were_none)
{
    struct bulk_rest rest = {0};

    bulk_rest_answered(&rest, false, 0);
    bulk_rest_answered(&rest, false, 0);
    bulk_rest_answered(&rest, true, 0);
    bulk_rest_answered(&rest, false, 0);
    bulk_rest_answered(&rest, false, 0);
    ck_assert(bulk_rest_is_over(&rest, 0));
    bulk_rest_answered(&rest, false, 0);
    ck_assert(!bulk_rest_is_over(&rest, BULK_REST_MS - 1));
    ck_assert(bulk_rest_is_over(&rest, BULK_REST_MS));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bulk_answer");
    TCase *tcase = tcase_create("answers");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tcase, an_answer_speaks_of_items_of_the_whole_or_says_that_there_is_no_bulk, 0,
                        sizeof meanings / sizeof *meanings);
    tcase_add_loop_test(tcase, an_item_has_the_status_of_the_one_result_about_it_or_none, 0,
                        sizeof answers / sizeof *answers);
    tcase_add_test(tcase, html_and_answers_beyond_all_sense_leave_every_item_unknown);
    tcase_add_test(tcase, bulks_rest_ten_minutes_after_there_was_none);
    tcase_add_test(tcase, bulks_rest_when_three_answers_in_a_row_were_none);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
