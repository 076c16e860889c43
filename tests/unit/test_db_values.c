/* test_db_values.c: parameters, arrays and results against a real server: everything comes back as it went. */
#include "postgres.h"

static struct db *db;

static void setup(void)
{
    open_log("test_db_values");
    base = event_base_new();
    db = open_db(server_url(), 1, 10000, 10000);
}

static void teardown(void)
{
    db_free(&db);
    event_base_free(base);
}

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
             "select $1 as i8, $2::int4 as i4, (-2)::int2 as i2, $3 as b, $4 as t, $5::jsonb as j, $6 as y, "
             "$7 as u, $8 as ts,"
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
    snprintf(url, sizeof(url), "%s%coptions=-c%%20timezone%%3DUTC", server_url(),
             strchr(server_url(), '?') ? '&' : '?');
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
    db_query(db, DB_OWNER,
             "select array[1,null,-3]::int8[], array[7,8,9]::int2[], '{}'::int4[], null::int8[],"
             " array['ab',null,'']",
             NULL, on_arrays, &done);
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

int main(void)
{
    enum { ARRAYS = sizeof(arrays) / sizeof(arrays[0]) };
    TCase *values = tcase_create("values");
    tcase_add_checked_fixture(values, setup, teardown);
    tcase_set_timeout(values, 60);
    tcase_add_test(values, every_type_survives_the_round_trip);
    tcase_add_test(values, nulls_survive_the_round_trip);
    tcase_add_loop_test(values, every_array_arrives_as_it_was_made, 0, ARRAYS);
    tcase_add_loop_test(values, an_empty_array_is_an_array, 0, ARRAYS);
    tcase_add_test(values, arrays_are_read_back_with_their_nulls);
    tcase_add_loop_test_raise_signal(values, a_getter_that_does_not_fit_is_a_bug, SIGABRT, 0, 3);
    tcase_add_test_raise_signal(values, an_integer_that_does_not_fit_its_array_is_a_bug, SIGABRT);
    return run_suite("db_values", (TCase *[]){values}, 1);
}
