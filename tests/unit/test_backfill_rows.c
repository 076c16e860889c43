/* test_backfill_rows.c: what a list's answer and a file's lines say. */
#include <check.h>
#include <unistd.h>

#include "../../api-gateway/backfill_inside.h"

#define FILE_TEXT                                                                                  \
    "protocol = \"rest\"; base_url = \"X_URL\"; currency = \"USD\"; per_usd = \"1\"; rate_date = " \
    "\"2024-01-01\"; "                                                                             \
    "locale = \"en-US\"; timezone = \"UTC\"; path = \"/x/{entity}/{verb}\"; "                      \
    "routes: { analytics_updated: { path = \"/a\"; }; system_health: { path = \"/h\"; }; "         \
    "performance_metrics: { path = \"/m\"; }; config_changed: { path = \"/c\"; }; }; "             \
    "entities: { user: { names: { id = \"uid\"; }; required = [\"id\"]; }; };\n"

static struct conf conf = {.body_max = 1000, .json_depth_max = 64};
static struct gateway gateway = {.conf = &conf};
static struct backfill backfill = {.gateway = &gateway};
static struct backfill_job job;
static struct buf why;

static const char *no_variable(void *arg, const char *name)
{
    (void)arg, (void)name;
    return NULL;
}

/* The platform x with this group lists. */
static void begin_with(const char *lists)
{
    char dir[256], path[300];
    struct buf errors = BUF_INIT;
    snprintf(dir, sizeof dir, "%s/rows.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/x.conf", dir);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%s%s\n", FILE_TEXT, lists);
    fclose(file);
    gateway.platforms = platform_set_load(dir, no_variable, NULL, &errors);
    ck_assert_msg(gateway.platforms != NULL, "%s", errors.data);
    unlink(path);
    rmdir(dir);
    buf_release(&errors);
    job = (struct backfill_job){.backfill = &backfill,
                                .tenant = (char *)"t1",
                                .platform = (char *)"x",
                                .entities = {ENTITY_USER, ENTITY_LEAD},
                                .entity_count = 2};
    job.page.asked = 2;
    why = (struct buf)BUF_INIT;
}

static void end(void)
{
    backfill_page_reset(&job.page);
    free(job.page.rows);
    free(job.place.cursor);
    buf_release(&why);
    platform_set_free(&gateway.platforms);
}

static enum listing_verdict read_body(const char *body)
{
    struct answer answer = {.failure = ANSWER_OK, .status = 200, .body = body, .body_len = strlen(body)};
    size_t asked = job.page.asked;
    backfill_page_reset(&job.page);
    job.page.asked = asked;
    buf_reset(&why);
    return backfill_read_list(&job, &answer, &why);
}

static void next_is(const char *cursor, size_t entity_at, bool last)
{
    const char *is = job.page.next.cursor;
    ck_assert_msg((is && cursor && strcmp(is, cursor) == 0) || (!is && !cursor), "%s, not %s",
                  is ? is : "none", cursor ? cursor : "none");
    ck_assert_uint_eq(job.page.next.entity_at, entity_at);
    ck_assert(job.page.last == last);
}

START_TEST(a_cursor_leads_on_and_its_absence_to_the_next_entity_and_the_end)
{
    begin_with("lists: { path = \"/l/{entity}\"; };");
    ck_assert_int_eq(read_body("{\"data\":[{\"uid\":\"a\"},{\"uid\":2}],\"next_cursor\":\"n1\"}"),
                     LISTING_PAGE);
    ck_assert_uint_eq(job.page.count, 2);
    ck_assert_str_eq(job.page.rows[0].id, "a");
    ck_assert_str_eq(job.page.rows[1].id, "2");
    next_is("n1", 0, false);
    ck_assert_int_eq(read_body("{\"data\":[],\"next_cursor\":17}"), LISTING_PAGE);
    next_is("17", 0, false);
    ck_assert_int_eq(read_body("{\"data\":[],\"next_cursor\":\"\"}"), LISTING_PAGE);
    next_is(NULL, 1, false);
    job.place.entity_at = 1;
    ck_assert_int_eq(read_body("{\"data\":[]}"), LISTING_PAGE);
    next_is(NULL, 2, true);
    end();
}
END_TEST

START_TEST(pages_by_number_and_by_offset_end_with_one_that_is_not_full)
{
    static const char *const settings[] = {"page", "offset"};
    static const char *const second[] = {"2", "2"}, *const third[] = {"3", "4"};
    for (int i = 0; i < 2; i++) {
        char lists[128];
        snprintf(lists, sizeof lists, "lists: { path = \"/l\"; paging = \"%s\"; rows = \"\"; };",
                 settings[i]);
        begin_with(lists);
        ck_assert_int_eq(read_body("[{\"uid\":\"a\"},{\"uid\":\"b\"}]"), LISTING_PAGE);
        next_is(second[i], 0, false);
        backfill_place_copy(&job.place, &job.page.next);
        ck_assert_int_eq(read_body("[{\"uid\":\"c\"},{\"uid\":\"d\"}]"), LISTING_PAGE);
        next_is(third[i], 0, false);
        ck_assert_int_eq(read_body("[{\"uid\":\"e\"}]"), LISTING_PAGE);
        next_is(NULL, 1, false);
        end();
    }
}
END_TEST

START_TEST(rows_and_records_are_found_by_their_paths)
{
    begin_with("lists: { path = \"/l\"; rows = \"result.items\"; record = \"attributes\"; next = "
               "\"result.page.next\"; "
               "tenant_member = \"\"; };");
    ck_assert_int_eq(
        read_body("{\"result\":{\"items\":[{\"attributes\":{\"uid\":\"a\",\"tenant_id\":\"t2\"}},{}],"
                  "\"page\":{\"next\":\"z\"}}}"),
        LISTING_PAGE);
    ck_assert_uint_eq(job.page.count, 2);
    ck_assert_uint_eq(job.page.refused, 1);
    ck_assert_str_eq(json_get_text(job.page.rows[0].data, "tenant_id"),
                     "t2"); /* a field like any other here */
    next_is("z", 0, false);
    end();
}
END_TEST

static const struct {
    struct answer answer;
    enum listing_verdict verdict;
} answers[] = {
    {{.failure = ANSWER_TRANSPORT, .error = "refused"}, LISTING_LATER},
    {{.failure = ANSWER_TIMEOUT_SENT}, LISTING_LATER},
    {{.failure = ANSWER_TLS}, LISTING_PAUSE},
    {{.failure = ANSWER_FORBIDDEN_ADDRESS}, LISTING_PAUSE},
    {{.failure = ANSWER_TOO_LARGE}, LISTING_SMALLER},
    {{.status = 200}, LISTING_PAGE},
    {{.status = 204}, LISTING_PAGE},
    {{.status = 200, .html = true}, LISTING_PAUSE},
    {{.status = 302}, LISTING_PAUSE},
    {{.status = 400}, LISTING_PAUSE},
    {{.status = 401}, LISTING_PAUSE},
    {{.status = 403}, LISTING_PAUSE},
    {{.status = 404, .html = true}, LISTING_PAUSE},
    {{.status = 405}, LISTING_PAUSE},
    {{.status = 408}, LISTING_LATER},
    {{.status = 410}, LISTING_PAUSE},
    {{.status = 413}, LISTING_SMALLER},
    {{.status = 425}, LISTING_LATER},
    {{.status = 429}, LISTING_LATER},
    {{.status = 500}, LISTING_LATER},
    {{.status = 503, .html = true}, LISTING_LATER},
};

START_TEST(every_answer_has_its_verdict_and_a_sentence)
{
    struct buf text = BUF_INIT;
    ck_assert_int_eq(listing_judge(&answers[_i].answer, &text), answers[_i].verdict);
    ck_assert((text.len > 0) == (answers[_i].verdict != LISTING_PAGE));
    buf_release(&text);
}
END_TEST

/* ---- lines ---- */

static void read_all(const char *text, size_t per_page, size_t rows, size_t refused)
{
    size_t count = 0, bad = 0, pages = 0;
    job.place.part = 1;
    do {
        backfill_page_reset(&job.page);
        job.page.asked = per_page;
        backfill_read_lines(&job, text, strlen(text), 1, 1);
        count += job.page.count;
        bad += job.page.refused;
        ck_assert_uint_le(job.page.count, per_page);
        backfill_place_copy(&job.place, &job.page.next);
        ck_assert_uint_lt(++pages, 100);
    } while (job.place.chunk < 2);
    ck_assert_uint_eq(count, rows);
    ck_assert_uint_eq(bad, refused);
}

START_TEST(lines_are_read_in_pages_of_any_size_once_each)
{
    static const char text[] =
        "{\"uid\":\"1\"}\n\n  \n{\"uid\":\"2\"}\r\nbad\n{\"uid\":\"3\"}\n{\"lead\":1}\n{\"uid\":\"4\"}";
    for (size_t per_page = 1; per_page < 10; per_page++) {
        begin_with("");
        job.entity_count = 1;
        job.file = true;
        read_all(text, per_page, 6, 2);
        ck_assert_int_eq(job.place.line, 8);
        ck_assert_int_eq(job.place.chunk_line, 0);
        end();
    }
}
END_TEST

START_TEST(a_chunk_without_lines_is_passed_over)
{
    begin_with("");
    read_all("\n\n", 5, 0, 0);
    ck_assert_int_eq(job.place.line, 2);
    end();
}
END_TEST

START_TEST(a_line_that_is_too_long_is_refused_alone)
{
    struct buf text = BUF_INIT;
    begin_with("");
    job.entity_count = 1;
    buf_addf(&text, "{\"uid\":\"%01100d\"}\n{\"uid\":\"2\"}\n", 7);
    read_all(text.data, 5, 2, 1);
    buf_release(&text);
    end();
}
END_TEST

START_TEST(a_line_may_say_its_entity_where_the_job_names_several_or_none)
{
    begin_with("");
    read_all("{\"entity_type\":\"user\",\"data\":{\"uid\":\"1\"}}\n{\"entity_type\":\"order\",\"data\":{"
             "\"id\":1}}\n{\"uid\":\"2\"}\n",
             5, 3, 2);
    end();
    begin_with("");
    job.entity_count = 0;
    read_all("{\"entity_type\":\"user\",\"data\":{\"uid\":\"1\"}}\n{\"entity_type\":\"order\",\"data\":{"
             "\"id\":1}}\n",
             5, 2, 0);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backfill_rows");
    TCase *tests = tcase_create("backfill_rows");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_cursor_leads_on_and_its_absence_to_the_next_entity_and_the_end);
    tcase_add_test(tests, pages_by_number_and_by_offset_end_with_one_that_is_not_full);
    tcase_add_test(tests, rows_and_records_are_found_by_their_paths);
    tcase_add_loop_test(tests, every_answer_has_its_verdict_and_a_sentence, 0,
                        sizeof answers / sizeof *answers);
    tcase_add_test(tests, lines_are_read_in_pages_of_any_size_once_each);
    tcase_add_test(tests, a_chunk_without_lines_is_passed_over);
    tcase_add_test(tests, a_line_that_is_too_long_is_refused_alone);
    tcase_add_test(tests, a_line_may_say_its_entity_where_the_job_names_several_or_none);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
