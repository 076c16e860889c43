/* test_migrate.c: migrations on real, empty databases: once, together, refused with a sentence, and without the rights. */
#include <sys/wait.h>

#include "migrate.h"
#include "postgres.h"

static struct db *server; /* the database of TEST_DATABASE_URL: makes and drops the others */
static char name[64];     /* of this test's own database */
static char url[1024];
static struct buf error = BUF_INIT;

static void url_with(char *out, size_t size, const char *settings)
{
    snprintf(out, size, "%s%c%s", server_url(), strchr(server_url(), '?') ? '&' : '?', settings);
}

static void server_do(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void server_do(const char *format, ...)
{
    struct buf sql = BUF_INIT;
    va_list args;
    va_start(args, format);
    buf_vaddf(&sql, format, args);
    va_end(args);
    ask_ok(server, DB_OWNER, sql.data, NULL);
    buf_release(&sql);
}

static void setup(void)
{
    open_log("test_migrate");
    base = event_base_new();
    server = open_db(server_url(), 1, 100, 20000);
    snprintf(name, sizeof(name), "test_migrate_%d", (int)getpid());
    server_do("create database %s", name);
    char setting[80];
    snprintf(setting, sizeof(setting), "dbname=%s", name);
    url_with(url, sizeof(url), setting);
}

static void teardown(void)
{
    server_do("drop database %s with (force)", name);
    server_do("drop role if exists %s", name);
    db_free(&server);
    event_base_free(base);
    buf_release(&error);
}

static int newest(void)
{
    int number = 0;
    for (const struct migration *m = migrations; m->sql; m++)
        number = m->number;
    return number;
}

/* The first value of a statement in this test's database, as text. */
static const char *value(const char *sql)
{
    static struct answers answers;
    struct db *db = open_db(url, 1, 10, 10000);
    answers = ask_ok(db, DB_OWNER, sql, NULL);
    db_free(&db);
    return answers.text;
}

static void migrate_ok(const char *with)
{
    buf_reset(&error);
    int status = migrate_run(with, 16, &error);
    ck_assert_msg(status == 0, "status %d: %s", status, error.data);
    ck_assert_uint_eq(error.len, 0);
}

static void migrate_refused(const char *with, int64_t partitions, const char *sentence)
{
    buf_reset(&error);
    int status = migrate_run(with, partitions, &error);
    ck_assert_msg(status == -1, "status %d: %s", status, error.data);
    ck_assert_msg(strstr(error.data, sentence) != NULL, "\"%s\" lacks \"%s\"", error.data, sentence);
}

START_TEST(an_empty_database_gets_every_migration_and_its_settings)
{
    char state[64], key[256];
    migrate_ok(url);
    snprintf(state, sizeof(state), "%d/%d", newest(), newest());
    ck_assert_str_eq(
        value("select count(*) || '/' || max(number) from schema_migrations where min_reader >= 1"), state);
    ck_assert_str_eq(value("select convert_from(value, 'UTF8') from settings where name = 'partitions'"),
                     "16");
    ck_assert_str_eq(value("select length(value)::text from settings where name = 'fingerprint_key'"), "32");
    snprintf(key, sizeof(key), "%s",
             value("select encode(value, 'hex') from settings where name = 'fingerprint_key'"));
    migrate_ok(url);
    ck_assert_str_eq(value("select encode(value, 'hex') from settings where name = 'fingerprint_key'"), key);
    ck_assert_str_eq(value("select count(*)::text from settings"), "2");
}
END_TEST

START_TEST(replicas_that_start_together_migrate_once)
{
    enum { REPLICAS = 6 };
    pid_t children[REPLICAS];
    for (int i = 0; i < REPLICAS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(migrate_run(url, 16, &error) & 0x7f);
    }
    for (int i = 0; i < REPLICAS; i++) {
        int status;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 0);
    }
    char count[16];
    snprintf(count, sizeof(count), "%d", newest());
    ck_assert_str_eq(value("select count(*)::text from schema_migrations"), count);
}
END_TEST

START_TEST(another_number_of_partitions_is_refused)
{
    migrate_ok(url);
    migrate_refused(url, 32,
                    "PARTITIONS is 32, but this database was initialised with 16: set PARTITIONS=16");
    migrate_ok(url);
}
END_TEST

START_TEST(a_database_that_asks_for_a_newer_program_is_refused)
{
    migrate_ok(url);
    value("insert into schema_migrations (number, name, min_reader) values (998, '998_later', 1)");
    migrate_ok(url);
    value("insert into schema_migrations (number, name, min_reader) values (999, '999_contract', 998)");
    migrate_refused(url, 16, "asks for programs that know migration 998");
}
END_TEST

START_TEST(a_migration_that_fails_leaves_nothing)
{
    value("create table sync_events (id int)");
    migrate_refused(url, 16, "PostgreSQL refuses migration 001");
    ck_assert_str_eq(value("select coalesce(to_regclass('schema_migrations')::text, 'none')"), "none");
    value("drop table sync_events");
    migrate_ok(url);
}
END_TEST

START_TEST(the_table_of_another_program_is_left_alone)
{
    value("create table schema_migrations (version text)");
    migrate_refused(url, 16, "schema_migrations of another program");
}
END_TEST

START_TEST(a_login_without_the_right_to_create_tables_is_told_the_grant)
{
    char settings[200], as_login[1200];
    server_do("create role %s login password 'of-a-test'", name);
    snprintf(settings, sizeof(settings), "dbname=%s&user=%s&password=of-a-test", name, name);
    url_with(as_login, sizeof(as_login), settings);
    value("revoke create on schema public from public");
    migrate_refused(as_login, 16, "run GRANT CREATE ON SCHEMA \"public\" TO \"test_migrate_");
}
END_TEST

START_TEST(a_login_without_the_right_over_the_roles_is_told_so)
{
    char settings[200], as_login[1200];
    migrate_ok(url); /* makes the roles, which belong to the whole server */
    server_do("drop database %s with (force)", name);
    server_do("create role %s login password 'of-a-test'", name);
    server_do("create database %s owner %s", name, name);
    snprintf(settings, sizeof(settings), "dbname=%s&user=%s&password=of-a-test", name, name);
    url_with(as_login, sizeof(as_login), settings);
    migrate_refused(as_login, 16, "sync_writer, sync_reader TO \"test_migrate_");
    server_do("alter role %s createrole", name);
    server_do("grant sync_writer, sync_reader to %s with admin option", name);
    migrate_ok(as_login);
}
END_TEST

START_TEST(a_server_that_is_away_is_no_refusal)
{
    ck_assert_int_eq(migrate_run("postgresql://127.0.0.1:1/x", 16, &error), 1);
    ck_assert_msg(strstr(error.data, "PostgreSQL cannot be reached") != NULL, "%s", error.data);
}
END_TEST

START_TEST(a_url_that_cannot_be_read_is_refused_without_being_shown)
{
    migrate_refused("postgresql://me:secret%zz@[localhost/x", 16, "DATABASE_URL cannot be read");
    ck_assert_ptr_null(strstr(error.data, "secret"));
}
END_TEST

START_TEST(a_migrator_waits_for_another_only_for_a_while)
{
    struct answers lock = {0};
    struct db *other = open_db(url, 1, 10, 20000);
    ask_ok(other, DB_OWNER, "select 'up'", NULL);
    db_query(other, DB_OWNER, "select pg_advisory_xact_lock(7306086988), pg_sleep(8)", NULL, on_answer,
             &lock);
    run_for_ms(300);
    int64_t start = clock_mono_ms();
    ck_assert_int_eq(migrate_run(url, 16, &error), 1);
    ck_assert_int_lt(clock_mono_ms() - start, 7000);
    db_free(&other);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("migrate");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, an_empty_database_gets_every_migration_and_its_settings);
    tcase_add_test(tcase, replicas_that_start_together_migrate_once);
    tcase_add_test(tcase, another_number_of_partitions_is_refused);
    tcase_add_test(tcase, a_database_that_asks_for_a_newer_program_is_refused);
    tcase_add_test(tcase, a_migration_that_fails_leaves_nothing);
    tcase_add_test(tcase, the_table_of_another_program_is_left_alone);
    tcase_add_test(tcase, a_login_without_the_right_to_create_tables_is_told_the_grant);
    tcase_add_test(tcase, a_login_without_the_right_over_the_roles_is_told_so);
    tcase_add_test(tcase, a_server_that_is_away_is_no_refusal);
    tcase_add_test(tcase, a_url_that_cannot_be_read_is_refused_without_being_shown);
    tcase_add_test(tcase, a_migrator_waits_for_another_only_for_a_while);
    return run_suite("migrate", &tcase, 1);
}
