/* test_db.c: asynchronous PostgreSQL against a real server: values, isolation of statements, roles, and every way to lose it. */
#include <time.h>

#include "postgres.h"

static struct db *db;
static struct proxy proxy;
static char proxy_url[1024];

static void setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    const char *level = getenv("LOG_LEVEL");
    log_open("test_db", level && !strcmp(level, "debug") ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
    base = event_base_new();
    db = open_db(server_url(), 1, 10000, 10000);
    ask_ok(db, DB_OWNER,
           "do $$ begin"
           "  perform pg_advisory_xact_lock(20260101);"
           "  if not exists (select from pg_roles where rolname = 'sync_writer') then create role sync_writer; end if;"
           "  if not exists (select from pg_roles where rolname = 'sync_reader') then create role sync_reader; end if;"
           "end $$", NULL);
    ask_ok(db, DB_OWNER, "drop table if exists test_db_rows", NULL);
    ask_ok(db, DB_OWNER, "create table test_db_rows (id uuid, number int8, body text, "
                         "twin int8 unique deferrable initially deferred)", NULL);
    ask_ok(db, DB_OWNER, "grant select, insert on test_db_rows to sync_writer, sync_reader", NULL);
}

static void teardown(void)
{
    db_free(&db);
    if (proxy.listener)
        proxy_refuse(&proxy);
    event_base_free(base);
}

static void open_through_proxy(unsigned waiting_max, int64_t timeout_ms)
{
    db_free(&db);
    proxy_start(&proxy, proxy_url, sizeof(proxy_url));
    db = open_db(proxy_url, 1, waiting_max, timeout_ms);
}

/* values */

static void on_scalars(enum db_status status, const struct db_result *result, void *arg)
{
    ck_assert_int_eq(status, DB_OK);
    struct uuid id;
    size_t len;
    ck_assert_int_eq(db_get_int(result, 0, db_column(result, "i8")), INT64_MIN);
    ck_assert_int_eq(db_get_int(result, 0, db_column(result, "i4")), -70000);
    ck_assert_int_eq(db_get_int(result, 0, db_column(result, "i2")), -2);
    ck_assert(db_get_bool(result, 0, db_column(result, "b")));
    ck_assert_str_eq(db_get_text(result, 0, db_column(result, "t"), &len), "Grüße");
    ck_assert_uint_eq(len, 7);
    ck_assert_str_eq(db_get_text(result, 0, db_column(result, "j"), &len), "{\"a\": 1}");
    ck_assert_uint_eq(len, 8);
    ck_assert_mem_eq(db_get_bytes(result, 0, db_column(result, "y"), &len), "a\0b", 3);
    ck_assert_uint_eq(len, 3);
    ck_assert_int_eq(db_get_uuid(result, 0, db_column(result, "u"), &id), 0);
    ck_assert_uint_eq(id.bytes[15], 15);
    ck_assert_int_eq(db_get_time_ms(result, 0, db_column(result, "ts")), 1700000000123);
    ck_assert_str_eq(db_get_text(result, 0, db_column(result, "ts_text"), NULL), "2023-11-14 22:13:20.123");
    ck_assert_int_eq(db_get_time_ms(result, 0, db_column(result, "before_1970")), -1);
    ck_assert_int_eq(db_get_time_ms(result, 0, db_column(result, "for_ever")), INT64_MAX);
    ck_assert_double_eq(db_get_real(result, 0, db_column(result, "d")), 0.5);
    *(unsigned *)arg = 1;
}

START_TEST(every_type_survives_the_round_trip)
{
    struct uuid id = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
    struct db_params *params = db_params_new();
    db_add_int(params, INT64_MIN);
    db_add_int(params, -70000);
    db_add_bool(params, true);
    db_add_text(params, "Grüße");
    db_add_text_len(params, "{\"a\":1}etc", 7);
    db_add_bytes(params, "a\0b", 3);
    db_add_uuid(params, &id);
    db_add_time(params, 1700000000123);
    unsigned done = 0;
    db_query(db, DB_OWNER,
             "select $1 as i8, $2::int4 as i4, (-2)::int2 as i2, $3 as b, $4 as t, $5::jsonb as j, $6 as y, $7 as u, $8 as ts,"
             " to_char($8 at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') as ts_text, 0.5::float8 as d,"
             " '1969-12-31 23:59:59.9995Z'::timestamptz as before_1970, 'infinity'::timestamptz as for_ever",
             params, on_scalars, &done);
    run_until(&done, 1, "scalars");
}
END_TEST

static void on_nulls(enum db_status status, const struct db_result *result, void *arg)
{
    ck_assert_int_eq(status, DB_OK);
    struct uuid id;
    for (int column = 0; column < 8; column++)
        ck_assert(db_is_null(result, 0, column));
    ck_assert_int_eq(db_get_int(result, 0, 0), 0);
    ck_assert(!db_get_bool(result, 0, 1));
    ck_assert_ptr_null(db_get_text(result, 0, 2, NULL));
    ck_assert_ptr_null(db_get_bytes(result, 0, 3, NULL));
    ck_assert_int_eq(db_get_uuid(result, 0, 4, &id), -1);
    ck_assert_int_eq(db_get_time_ms(result, 0, 5), INT64_MIN);
    *(unsigned *)arg = 1;
}

START_TEST(nulls_survive_the_round_trip)
{
    struct db_params *params = db_params_new();
    db_add_null(params, DB_INT8);
    db_add_null(params, DB_BOOL);
    db_add_text(params, NULL);
    db_add_null(params, DB_BYTEA);
    db_add_uuid(params, NULL);
    db_add_time(params, INT64_MIN);
    db_add_null(params, DB_INT4);
    db_add_null(params, DB_INT2);
    unsigned done = 0;
    db_query(db, DB_OWNER, "select $1, $2, $3, $4, $5, $6, $7, $8", params, on_nulls, &done);
    run_until(&done, 1, "nulls");
}
END_TEST

static void fill_array(struct db_array *array, enum db_type type)
{
    struct uuid id = {{0xab}};
    switch (type) {
    case DB_UUID:
        db_array_uuid(array, &id);
        db_array_uuid(array, NULL);
        break;
    case DB_TEXT:
        db_array_text(array, "a,b");
        db_array_text(array, NULL);
        db_array_text(array, "");
        break;
    case DB_BYTEA:
        db_array_bytes(array, "\0\377", 2);
        break;
    case DB_BOOL:
        db_array_bool(array, true);
        db_array_bool(array, false);
        break;
    case DB_TIME:
        db_array_time(array, 0);
        db_array_time(array, INT64_MIN);
        break;
    case DB_INT8:
        db_array_int(array, INT64_MAX);
        db_array_int(array, -1);
        break;
    case DB_INT4:
        db_array_int(array, INT32_MIN);
        db_array_null(array);
        break;
    case DB_INT2:
        db_array_int(array, -32768);
        break;
    }
}

static const struct {
    enum db_type type;
    const char *sql;
    const char *shown;
} arrays[] = {
    {DB_UUID, "select $1::text", "{ab000000-0000-0000-0000-000000000000,NULL}"},
    {DB_TEXT, "select $1::text", "{\"a,b\",NULL,\"\"}"},
    {DB_BYTEA, "select $1::text", "{\"\\\\x00ff\"}"},
    {DB_BOOL, "select $1::text", "{t,f}"},
    {DB_TIME, "select ($1::timestamptz[])[1]::text || ($1[2] is null)::text", "1970-01-01 00:00:00+00true"},
    {DB_INT8, "select $1::text", "{9223372036854775807,-1}"},
    {DB_INT4, "select $1::text", "{-2147483648,NULL}"},
    {DB_INT2, "select $1::text", "{-32768}"},
};

START_TEST(every_array_arrives_as_it_was_made)
{
    struct db_params *params = db_params_new();
    fill_array(db_add_array(params, arrays[_i].type), arrays[_i].type);
    char url[1024];
    snprintf(url, sizeof(url), "%s%coptions=-c%%20timezone%%3DUTC", server_url(), strchr(server_url(), '?') ? '&' : '?');
    db_free(&db);
    db = open_db(url, 1, 10, 10000);
    struct answers answers = ask_ok(db, DB_OWNER, arrays[_i].sql, params);
    ck_assert_str_eq(answers.text, arrays[_i].shown);
}
END_TEST

START_TEST(an_empty_array_is_an_array)
{
    struct db_params *params = db_params_new();
    struct db_array *array = db_add_array(params, arrays[_i].type);
    ck_assert_uint_eq(db_array_count(array), 0);
    struct answers answers = ask_ok(db, DB_OWNER, "select $1::text || cardinality($1)::text", params);
    ck_assert_str_eq(answers.text, "{}0");
}
END_TEST

static void on_arrays(enum db_status status, const struct db_result *result, void *arg)
{
    int64_t values[4];
    const char *texts[4];
    size_t lens[4];
    ck_assert_int_eq(status, DB_OK);
    ck_assert_uint_eq(db_get_ints(result, 0, 0, values, 4), 3);
    ck_assert_int_eq(values[0], 1);
    ck_assert_int_eq(values[1], INT64_MIN); /* null */
    ck_assert_int_eq(values[2], -3);
    ck_assert_uint_eq(db_get_ints(result, 0, 1, values, 2), 2);
    ck_assert_int_eq(values[1], 8);
    ck_assert_uint_eq(db_get_ints(result, 0, 2, values, 4), 0);
    ck_assert_uint_eq(db_get_ints(result, 0, 3, values, 4), 0);
    ck_assert_uint_eq(db_get_texts(result, 0, 4, texts, lens, 4), 3);
    ck_assert_mem_eq(texts[0], "ab", 2);
    ck_assert_uint_eq(lens[0], 2);
    ck_assert_ptr_null(texts[1]);
    ck_assert_uint_eq(lens[2], 0);
    *(unsigned *)arg = 1;
}

START_TEST(arrays_are_read_back_with_their_nulls)
{
    unsigned done = 0;
    db_query(db, DB_OWNER, "select array[1,null,-3]::int8[], array[7,8,9]::int2[], '{}'::int4[], null::int8[],"
                           " array['ab',null,'']", NULL, on_arrays, &done);
    run_until(&done, 1, "arrays");
}
END_TEST

static void read_as_text(enum db_status status, const struct db_result *result, void *arg)
{
    (void)status, (void)arg;
    db_get_text(result, 0, 0, NULL);
}

static void read_missing_column(enum db_status status, const struct db_result *result, void *arg)
{
    (void)status, (void)arg;
    db_column(result, "nonsense");
}

static void read_missing_row(enum db_status status, const struct db_result *result, void *arg)
{
    (void)status, (void)arg;
    db_get_int(result, 1, 0);
}

START_TEST(a_getter_that_does_not_fit_is_a_bug)
{
    static const db_cb wrong[] = {read_as_text, read_missing_column, read_missing_row};
    struct answers never = {0};
    db_query(db, DB_OWNER, "select 1 as number", NULL, wrong[_i], NULL);
    run_until(&never.total, 1, "the abort");
}
END_TEST

START_TEST(an_integer_that_does_not_fit_its_array_is_a_bug)
{
    struct db_params *params = db_params_new();
    db_array_int(db_add_array(params, DB_INT2), 40000);
}
END_TEST

/* statements */

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
        ck_assert_str_eq(i % 3 ? answers[i].text : answers[i].sqlstate, i % 3 == 1 ? "12" : i % 3 == 2 ? "6" : "22012");
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
    struct db_config config = {.url = server_url(), .writer_url = server_url(), .reader_url = server_url(), .connections = 1,
                               .waiting_max = 100, .timeout_ms = 5000, .name = "unit-test"};
    db = db_new(base, &config);
    ck_assert_str_ne(ask_ok(db, DB_WRITER, "select current_user::text", NULL).text, "sync_writer");
    struct answers answers = {0};
    db_query_tenant(db, "acme", "select current_setting('sync.tenant') from pg_roles where rolname = session_user"
                                " and rolname = current_user", NULL, on_text, &answers);
    run_until(&answers.total, 1, "the reader");
    ck_assert_str_eq(answers.text, "acme");
}
END_TEST

START_TEST(a_connection_has_the_time_outs_unless_the_url_has_options)
{
    ck_assert_str_eq(ask_ok(db, DB_OWNER, "select current_setting('statement_timeout')", NULL).text, "30s");
    ck_assert_str_eq(ask_ok(db, DB_OWNER, "select current_setting('application_name')", NULL).text, "unit-test");
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

/* losing the server */

START_TEST(a_backend_killed_in_the_middle_leaves_unknown_and_is_replaced)
{
    ask_ok(db, DB_OWNER, "select 'up'", NULL);
    struct answers slow = {0}, behind = {0};
    db_query(db, DB_WRITER, "select pg_sleep(30), 'test_db_victim'", NULL, on_answer, &slow);
    db_query(db, DB_WRITER, "insert into test_db_rows (number) values (1)", NULL, on_answer, &behind);
    unsigned killed = 0;
    while (!killed)
        killed = ask_ok(db, DB_OWNER, "select 'x' from (select pg_terminate_backend(pid) from pg_stat_activity where state = 'active'"
                                      " and query like '%''test_db_victim''' and pid <> pg_backend_pid()) k", NULL).rows > 0;
    run_until(&behind.total, 1, "the lost statements");
    ck_assert_int_eq(slow.last, DB_UNKNOWN);
    ck_assert_int_eq(behind.last, DB_UNKNOWN);
    struct answers again;
    do {
        run_for_ms(20);
        again = ask(db, DB_WRITER, "select count(*)::text from test_db_rows", NULL);
    } while (again.last == DB_AWAY);
    ck_assert_int_eq(again.last, DB_OK);
    ck_assert_str_eq(again.text, "0");
}
END_TEST

static unsigned ups, downs;
static void on_state(bool up, void *arg)
{
    ck_assert_ptr_eq(arg, &ups);
    ups += up;
    downs += !up;
}

START_TEST(a_server_that_stops_is_away_and_comes_back_by_itself)
{
    open_through_proxy(100, 5000);
    db_on_state(db, on_state, &ups);
    run_until(&ups, 1, "the first connection");
    ck_assert(db_up(db));
    struct answers lost = {0};
    db_query(db, DB_WRITER, "select pg_sleep(1)", NULL, on_answer, &lost);
    run_for_ms(50);
    proxy_refuse(&proxy);
    run_until(&lost.total, 1, "the lost statement");
    ck_assert_int_eq(lost.last, DB_UNKNOWN);
    ck_assert_uint_eq(downs, 1);
    ck_assert(!db_up(db));
    ck_assert_int_eq(ask(db, DB_WRITER, "select 'x'", NULL).last, DB_AWAY);
    run_for_ms(700);
    ck_assert_uint_eq(downs, 1);
    proxy_listen(&proxy);
    run_until(&ups, 2, "the connection after the outage");
    ck_assert_str_eq(ask_ok(db, DB_WRITER, "select 'back'", NULL).text, "back");
}
END_TEST

START_TEST(what_never_left_is_away_and_what_may_have_left_is_unknown)
{
    enum { COUNT = 40, SIZE = 1024 * 1024 };
    open_through_proxy(100, 20000);
    ask_ok(db, DB_WRITER, "select 'up'", NULL);
    proxy_stall(&proxy, true);
    char *body = mem_alloc(SIZE);
    memset(body, 'x', SIZE);
    struct answers answers = {0};
    for (int i = 0; i < COUNT; i++) {
        struct db_params *params = db_params_new();
        db_add_text_len(params, body, SIZE);
        db_query(db, DB_WRITER, "select length($1)", params, on_answer, &answers);
    }
    run_for_ms(200);
    ck_assert_uint_eq(answers.total, 0);
    proxy_refuse(&proxy);
    run_until(&answers.total, COUNT, "all answers");
    ck_assert_uint_ge(answers.by_status[DB_UNKNOWN], 1);
    ck_assert_uint_ge(answers.by_status[DB_AWAY], 10);
    ck_assert_uint_eq(answers.by_status[DB_UNKNOWN] + answers.by_status[DB_AWAY], COUNT);
    free(body);
}
END_TEST

START_TEST(no_answer_in_time_costs_the_connection)
{
    open_through_proxy(100, 300);
    ask_ok(db, DB_WRITER, "select 'up'", NULL);
    proxy_stall(&proxy, true);
    int64_t start = clock_mono_ms();
    struct answers answers = ask(db, DB_WRITER, "select 'x'", NULL);
    ck_assert_int_eq(answers.last, DB_UNKNOWN);
    ck_assert_int_ge(clock_mono_ms() - start, 290);
    ck_assert_int_lt(clock_mono_ms() - start, 1500);
    proxy_stall(&proxy, false);
    do {
        run_for_ms(20);
        answers = ask(db, DB_WRITER, "select 'x'", NULL);
    } while (answers.last == DB_AWAY);
    ck_assert_int_eq(answers.last, DB_OK);
    ck_assert_uint_ge(proxy.accepted, 2);
}
END_TEST

START_TEST(steady_traffic_does_not_run_into_the_time_out)
{
    db_free(&db);
    db = open_db(server_url(), 1, 100, 300);
    int64_t end = clock_mono_ms() + 900;
    while (clock_mono_ms() < end)
        ask_ok(db, DB_WRITER, "select pg_sleep(0.05)::text", NULL);
}
END_TEST

START_TEST(a_server_that_never_greets_is_given_up_after_three_seconds)
{
    db_free(&db);
    proxy_start(&proxy, proxy_url, sizeof(proxy_url));
    proxy_stall(&proxy, true);
    db = open_db(proxy_url, 1, 100, 1000);
    int64_t start = clock_mono_ms();
    ck_assert_int_eq(ask(db, DB_WRITER, "select 'x'", NULL).last, DB_AWAY);
    ck_assert_int_ge(clock_mono_ms() - start, 2900);
    ck_assert_int_lt(clock_mono_ms() - start, 5000);
    proxy_stall(&proxy, false);
    db_on_state(db, on_state, &ups);
    run_until(&ups, 1, "the connection");
}
END_TEST

static void ask_again_when_away(enum db_status status, const struct db_result *result, void *arg)
{
    (void)result;
    if (status == DB_AWAY)
        db_query(db, DB_WRITER, "select 'x'", NULL, ask_again_when_away, arg);
    else
        *(unsigned *)arg = 1;
}

START_TEST(a_caller_that_asks_again_at_once_does_not_starve_the_loop)
{
    open_through_proxy(100, 1000);
    proxy_refuse(&proxy);
    unsigned done = 0;
    db_query(db, DB_WRITER, "select 'x'", NULL, ask_again_when_away, &done);
    run_for_ms(300);
    ck_assert_uint_eq(done, 0);
    proxy_listen(&proxy);
    run_until(&done, 1, "the answer");
}
END_TEST

START_TEST(freeing_answers_what_is_in_flight)
{
    struct answers slow = {0}, early = {0};
    ask_ok(db, DB_WRITER, "select 'up'", NULL);
    db_query(db, DB_WRITER, "select pg_sleep(30)", NULL, on_answer, &slow);
    run_for_ms(20);
    db_query(db, DB_READER, "select 1", NULL, on_answer, &early);
    db_free(&db);
    ck_assert_uint_eq(slow.by_status[DB_UNKNOWN], 1);
    ck_assert_uint_eq(early.by_status[DB_AWAY], 1);
}
END_TEST

START_TEST(a_url_that_cannot_be_read_ends_the_start)
{
    open_db("postgresql://[localhost/x", 1, 1, 1);
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
            db_array_text(bodies, "a body of about one hundred bytes, as a small event has it, give or take a few of them");
        }
        db_query(db, DB_WRITER, "insert into test_db_rows (id, number, body) select * from unnest($1, $2, $3)", params,
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
    enum { ARRAYS = sizeof(arrays) / sizeof(arrays[0]) };
    TCase *values = tcase_create("values"), *statements = tcase_create("statements"), *loss = tcase_create("loss");
    tcase_add_checked_fixture(values, setup, teardown);
    tcase_add_test(values, every_type_survives_the_round_trip);
    tcase_add_test(values, nulls_survive_the_round_trip);
    tcase_add_loop_test(values, every_array_arrives_as_it_was_made, 0, ARRAYS);
    tcase_add_loop_test(values, an_empty_array_is_an_array, 0, ARRAYS);
    tcase_add_test(values, arrays_are_read_back_with_their_nulls);
    tcase_add_loop_test_raise_signal(values, a_getter_that_does_not_fit_is_a_bug, SIGABRT, 0, 3);
    tcase_add_test_raise_signal(values, an_integer_that_does_not_fit_its_array_is_a_bug, SIGABRT);

    tcase_add_checked_fixture(statements, setup, teardown);
    tcase_set_timeout(statements, 60);
    tcase_add_loop_test(statements, an_error_harms_only_its_own_statement, 0, 3);
    tcase_add_loop_test(statements, a_commit_that_fails_is_refused_and_leaves_nothing, 0, 2);
    tcase_add_test(statements, a_statement_that_is_no_query_has_no_rows);
    tcase_add_test(statements, a_tenant_does_not_leak_to_the_next_statement);
    tcase_add_test(statements, roles_are_taken_for_one_transaction);
    tcase_add_test(statements, logins_of_their_own_are_used_as_they_are);
    tcase_add_test(statements, a_connection_has_the_time_outs_unless_the_url_has_options);
    tcase_add_test(statements, the_clock_of_the_database_is_learnt);
    tcase_add_test(statements, past_the_ceiling_a_statement_is_not_sent);
    tcase_add_test(statements, a_large_pipeline_with_large_answers_does_not_lock_up);
    tcase_add_test(statements, many_small_statements_pass_through_one_connection);
    tcase_add_test(statements, five_hundred_rows_cost_the_client_less_than_a_millisecond);

    tcase_add_checked_fixture(loss, setup, teardown);
    tcase_set_timeout(loss, 60);
    tcase_add_test(loss, a_backend_killed_in_the_middle_leaves_unknown_and_is_replaced);
    tcase_add_test(loss, a_server_that_stops_is_away_and_comes_back_by_itself);
    tcase_add_test(loss, what_never_left_is_away_and_what_may_have_left_is_unknown);
    tcase_add_test(loss, no_answer_in_time_costs_the_connection);
    tcase_add_test(loss, steady_traffic_does_not_run_into_the_time_out);
    tcase_add_test(loss, a_server_that_never_greets_is_given_up_after_three_seconds);
    tcase_add_test(loss, a_caller_that_asks_again_at_once_does_not_starve_the_loop);
    tcase_add_test(loss, freeing_answers_what_is_in_flight);
    tcase_add_exit_test(loss, a_url_that_cannot_be_read_ends_the_start, 1);

    Suite *suite = suite_create("db");
    suite_add_tcase(suite, values);
    suite_add_tcase(suite, statements);
    suite_add_tcase(suite, loss);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
