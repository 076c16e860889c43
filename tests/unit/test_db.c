/* test_db.c: statements against a real server: each alone, as its role, for its tenant, under the ceiling, and how fast. */
#include <time.h>

#include "postgres.h"
#include "sql.h"

static struct db *db;

static void setup(void)
{
    open_log("test_db");
    base = event_base_new();
    db = open_db(server_url(), 1, 10000, 10000);
    make_table(db, "test_db_rows");
}

static void teardown(void)
{
    db_free(&db);
    event_base_free(base);
}

START_TEST(an_error_harms_only_its_own_statement)
{
    static const enum db_role roles[] = {DB_OWNER, DB_WRITER, DB_READER};
    struct answers answers[300] = {0};
    for (int i = 0; i < 300; i++) {
        struct db_params *params = db_params_new();
        db_add_int(params, i % 3);
        db_query(db, roles[_i], "select (12 / $1)::text", params, on_text, &answers[i]);
    }
    for (int i = 0; i < 300; i++) {
        run_until(&answers[i].total, 1, "an answer");
        ck_assert_int_eq(answers[i].last, i % 3 ? DB_OK : DB_REFUSED);
        ck_assert_str_eq(i % 3 ? answers[i].text : answers[i].sqlstate, i % 3 == 1   ? "12"
                                                                        : i % 3 == 2 ? "6"
                                                                                     : "22012");
    }
}
END_TEST

START_TEST(a_commit_that_fails_is_refused_and_leaves_nothing)
{
    enum db_role role = _i ? DB_WRITER : DB_OWNER;
    const char *twice = "insert into test_db_rows (twin) values (7), (7) returning 'inserted'";
    struct answers first = {0}, second = {0};
    db_query(db, role, twice, NULL, on_text, &first);
    db_query(db, role, "select count(*)::text from test_db_rows", NULL, on_text, &second);
    run_until(&second.total, 1, "the statement after it");
    ck_assert_int_eq(first.last, DB_REFUSED);
    ck_assert_str_eq(first.sqlstate, "23505");
    ck_assert_int_eq(second.last, DB_OK);
    ck_assert_str_eq(second.text, "0");
}
END_TEST

START_TEST(a_statement_that_is_no_query_has_no_rows)
{
    struct answers answers = ask_ok(db, DB_WRITER, "insert into test_db_rows (number) values (1)", NULL);
    ck_assert_uint_eq(answers.rows, 0);
    ck_assert_int_eq(ask_ok(db, DB_OWNER, "", NULL).last, DB_OK);
    ck_assert_str_eq(ask_ok(db, DB_WRITER, "select count(*)::text from test_db_rows", NULL).text, "1");
}
END_TEST

#define WHO "select current_user || '/' || coalesce(nullif(current_setting('sync.tenant', true), ''), '-')"

START_TEST(a_tenant_does_not_leak_to_the_next_statement)
{
    struct answers answers[6] = {0};
    ask_ok(db, DB_READER, "select 'warm'", NULL);
    db_query_tenant(db, "acme", WHO, NULL, on_text, &answers[0]);
    db_query(db, DB_READER, WHO, NULL, on_text, &answers[1]);
    db_query_tenant(db, "it's \\ \"other\"", WHO, NULL, on_text, &answers[2]);
    db_query_tenant(db, "acme", "select 1/0", NULL, on_text, &answers[3]);
    db_query(db, DB_READER, WHO, NULL, on_text, &answers[4]);
    db_query_tenant(db, "*", WHO, NULL, on_text, &answers[5]);
    run_until(&answers[5].total, 1, "the last tenant");
    ck_assert_str_eq(answers[0].text, "sync_reader/acme");
    ck_assert_str_eq(answers[1].text, "sync_reader/-");
    ck_assert_str_eq(answers[2].text, "sync_reader/it's \\ \"other\"");
    ck_assert_int_eq(answers[3].last, DB_REFUSED);
    ck_assert_str_eq(answers[4].text, "sync_reader/-");
    ck_assert_str_eq(answers[5].text, "sync_reader/*");
}
END_TEST

/* Seen from a connection whose next statement names neither role nor tenant, as behind a pooler. */
START_TEST(role_and_tenant_end_with_their_transaction)
{
    char before[256];
    snprintf(before, sizeof(before), "%s", ask_ok(db, DB_OWNER, WHO, NULL).text);
    struct db_params *params = db_params_new();
    db_add_text(params, "sync_reader");
    if (_i)
        db_add_text(params, "acme");
    struct answers scope = ask_ok(db, DB_OWNER, _i ? sql_db_tenant : sql_db_role, params);
    ck_assert_str_eq(scope.text, "sync_reader");
    ck_assert_str_eq(ask_ok(db, DB_OWNER, WHO, NULL).text, before);
}
END_TEST

START_TEST(roles_are_taken_for_one_transaction)
{
    char user[256];
    snprintf(user, sizeof(user), "%s", ask_ok(db, DB_OWNER, "select current_user::text", NULL).text);
    ck_assert_str_ne(user, "sync_writer");
    ck_assert_str_eq(ask_ok(db, DB_WRITER, "select current_user::text", NULL).text, "sync_writer");
    ck_assert_str_eq(ask(db, DB_WRITER, "create role test_db_never", NULL).sqlstate, "42501");
    ck_assert_str_eq(ask_ok(db, DB_WRITER, "select session_user::text", NULL).text, user);
}
END_TEST

START_TEST(logins_of_their_own_are_used_as_they_are)
{
    db_free(&db);
    struct db_config config = {.url = server_url(),
                               .writer_url = server_url(),
                               .reader_url = server_url(),
                               .connections = 1,
                               .waiting_max = 100,
                               .timeout_ms = 5000,
                               .name = "unit-test"};
    db = db_new(base, &config);
    ck_assert_str_ne(ask_ok(db, DB_WRITER, "select current_user::text", NULL).text, "sync_writer");
    struct answers answers = {0};
    db_query_tenant(db, "acme",
                    "select current_setting('sync.tenant') from pg_roles where rolname = session_user"
                    " and rolname = current_user",
                    NULL, on_text, &answers);
    run_until(&answers.total, 1, "the reader");
    ck_assert_str_eq(answers.text, "acme");
}
END_TEST

START_TEST(a_connection_has_the_time_outs_unless_the_url_has_options)
{
    ck_assert_str_eq(ask_ok(db, DB_OWNER, "select current_setting('statement_timeout')", NULL).text, "30s");
    ck_assert_str_eq(ask_ok(db, DB_OWNER, "select current_setting('application_name')", NULL).text,
                     "unit-test");
    char url[1024];
    snprintf(url, sizeof(url), "%s%coptions=", server_url(), strchr(server_url(), '?') ? '&' : '?');
    db_free(&db);
    db = open_db(url, 1, 10, 10000);
    ck_assert_str_eq(ask_ok(db, DB_OWNER, "select current_setting('statement_timeout')", NULL).text, "0");
}
END_TEST

START_TEST(the_clock_of_the_database_is_learnt)
{
    clock_set_db_offset_ms(123456789);
    db_free(&db);
    db = open_db(server_url(), 1, 10, 10000);
    ask_ok(db, DB_OWNER, "select 'x'", NULL);
    ck_assert_int_lt(llabs(clock_db_offset_ms()), 2000);
}
END_TEST

/* ceilings */

START_TEST(past_the_ceiling_a_statement_is_not_sent)
{
    db_free(&db);
    db = open_db(server_url(), 1, 3, 10000);
    ask_ok(db, DB_WRITER, "select 'up'", NULL);
    struct answers answers = {0};
    for (int i = 0; i < 5; i++)
        db_query(db, DB_WRITER, "select pg_sleep(0.05)::text", NULL, on_answer, &answers);
    ck_assert_uint_eq(answers.total, 0);
    run_until(&answers.total, 5, "all answers");
    ck_assert_uint_eq(answers.by_status[DB_OK], 3);
    ck_assert_uint_eq(answers.by_status[DB_AWAY], 2);
    ask_ok(db, DB_WRITER, "select 'room again'", NULL);
}
END_TEST

START_TEST(a_large_pipeline_with_large_answers_does_not_lock_up)
{
    enum { COUNT = 1000 };
    char *body = mem_alloc(64 * 1024);
    memset(body, 'x', 64 * 1024);
    struct answers answers = {0};
    for (int i = 0; i < COUNT; i++) {
        struct db_params *params = db_params_new();
        db_add_text_len(params, body, 64 * 1024);
        db_query(db, DB_WRITER, "select $1 from generate_series(1, 2)", params, on_answer, &answers);
    }
    run_until(&answers.by_status[DB_OK], COUNT, "all answers");
    free(body);
}
END_TEST

/* speed: printed with LOG_LEVEL=debug */

static int64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void bench_trivial(const char *what, enum db_role role)
{
    enum { COUNT = 20000 };
    struct answers answers = {0};
    ask_ok(db, role, "select 'warm'", NULL);
    int64_t start = clock_mono_us(), cpu = cpu_us();
    for (int sent = 0; sent < COUNT;) {
        for (int i = 0; i < 500; i++, sent++) {
            struct db_params *params = db_params_new();
            db_add_int(params, sent);
            db_query(db, role, "select $1", params, on_answer, &answers);
        }
        run_until(&answers.by_status[DB_OK], (unsigned)sent - 250, what);
    }
    run_until(&answers.by_status[DB_OK], COUNT, what);
    int64_t span = clock_mono_us() - start;
    log_debug("bench", LOG_STR("of", what), LOG_INT("per_second", COUNT * INT64_C(1000000) / span),
              LOG_REAL("client_cpu_us", (double)(cpu_us() - cpu) / COUNT));
    ck_assert_int_lt(span, 20 * 1000000);
}

START_TEST(many_small_statements_pass_through_one_connection)
{
    bench_trivial("trivial, owner", DB_OWNER);
    bench_trivial("trivial, writer by role", DB_WRITER);
}
END_TEST

START_TEST(five_hundred_rows_cost_the_client_less_than_a_millisecond)
{
    enum { ROWS = 500, TIMES = 20 };
    struct answers answers = {0};
    struct uuid id;
    ask_ok(db, DB_WRITER, "select 'warm'", NULL);
    int64_t cpu = cpu_us();
    for (int i = 0; i < TIMES; i++) {
        struct db_params *params = db_params_new();
        struct db_array *ids = db_add_array(params, DB_UUID);
        struct db_array *numbers = db_add_array(params, DB_INT8);
        struct db_array *bodies = db_add_array(params, DB_TEXT);
        for (int row = 0; row < ROWS; row++) {
            memset(&id, row & 255, sizeof(id));
            db_array_uuid(ids, &id);
            db_array_int(numbers, row);
            db_array_text(
                bodies,
                "a body of about one hundred bytes, as a small event has it, give or take a few of them");
        }
        db_query(db, DB_WRITER,
                 "insert into test_db_rows (id, number, body) select * from unnest($1, $2, $3)", params,
                 on_answer, &answers);
    }
    run_until(&answers.by_status[DB_OK], TIMES, "the inserts");
    cpu = (cpu_us() - cpu) / TIMES;
    log_debug("bench", LOG_STR("of", "500 rows by unnest"), LOG_INT("client_cpu_us", cpu));
#if !defined(__SANITIZE_ADDRESS__)
    ck_assert_int_lt(cpu, 1000);
#endif
    ck_assert_str_eq(ask_ok(db, DB_WRITER, "select count(*)::text from test_db_rows", NULL).text, "10000");
}
END_TEST

int main(void)
{
    TCase *statements = tcase_create("statements");
    tcase_add_checked_fixture(statements, setup, teardown);
    tcase_set_timeout(statements, 60);
    tcase_add_loop_test(statements, an_error_harms_only_its_own_statement, 0, 3);
    tcase_add_loop_test(statements, a_commit_that_fails_is_refused_and_leaves_nothing, 0, 2);
    tcase_add_test(statements, a_statement_that_is_no_query_has_no_rows);
    tcase_add_test(statements, a_tenant_does_not_leak_to_the_next_statement);
    tcase_add_loop_test(statements, role_and_tenant_end_with_their_transaction, 0, 2);
    tcase_add_test(statements, roles_are_taken_for_one_transaction);
    tcase_add_test(statements, logins_of_their_own_are_used_as_they_are);
    tcase_add_test(statements, a_connection_has_the_time_outs_unless_the_url_has_options);
    tcase_add_test(statements, the_clock_of_the_database_is_learnt);
    tcase_add_test(statements, past_the_ceiling_a_statement_is_not_sent);
    tcase_add_test(statements, a_large_pipeline_with_large_answers_does_not_lock_up);
    tcase_add_test(statements, many_small_statements_pass_through_one_connection);
    tcase_add_test(statements, five_hundred_rows_cost_the_client_less_than_a_millisecond);
    return run_suite("db", (TCase *[]){statements}, 1);
}
