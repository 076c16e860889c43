/* test_store.c: a service's database from absent to usable, on real, empty databases. */
#include "postgres.h"
#include "service.h"
#include "store.h"

static struct service *service;
static struct db *server;
static struct store *store;
static char name[64];
static unsigned ups, downs;

static void service_start(const char *url)
{
    static const struct service_spec spec = {
        .name = "test_store", .summary = "a test", .program = CONF_ROUTER};
    char program[] = "test_store", *argv[] = {program, NULL};
    setenv("ENVIRONMENT", "test", 1);
    setenv("LOG_LEVEL", "warning", 0);
    setenv("CONNECTION_POOL_SIZE", "1", 1);
    setenv("PARTITIONS", "16", 1);
    setenv("DATABASE_URL", url, 1);
    unsetenv("DATABASE_WRITER_URL");
    unsetenv("DATABASE_READER_URL");
    service = service_new(&spec, 1, argv);
    base = service_base(service);
}

static void setup(void)
{
    char url[1024];
    snprintf(name, sizeof(name), "test_store_%d", (int)getpid());
    snprintf(url, sizeof(url), "%s%cdbname=%s", server_url(), strchr(server_url(), '?') ? '&' : '?', name);
    service_start(url);
    server = open_db(server_url(), 1, 100, 20000);
    char sql[128];
    snprintf(sql, sizeof(sql), "create database %s", name);
    ask_ok(server, DB_OWNER, sql, NULL);
}

static void teardown(void)
{
    char sql[128];
    store_free(&store);
    snprintf(sql, sizeof(sql), "drop database %s with (force)", name);
    ask_ok(server, DB_OWNER, sql, NULL);
    db_free(&server);
    service_free(&service);
}

static void on_state(bool up, void *arg)
{
    (void)arg;
    ck_assert(store_up(store) == up);
    ups += up;
    downs += !up;
}

static void open_store(void)
{
    store = store_new(service);
    store_on_state(store, on_state, NULL);
}

static void on_key(enum db_status status, const struct db_result *result, void *arg)
{
    size_t len;
    ck_assert_int_eq(status, DB_OK);
    ck_assert_mem_eq(db_get_bytes(result, 0, 0, &len), store_fingerprint_key(store), 32);
    *(unsigned *)arg = 1;
}

START_TEST(a_new_database_becomes_usable_with_its_settings)
{
    open_store();
    ck_assert(!store_up(store));
    run_until(&ups, 1, "the store");
    ck_assert_int_eq(store_partitions(store), 16);
    unsigned done = 0;
    db_query(store_db(store), DB_OWNER, "select value from settings where name = 'fingerprint_key'", NULL,
             on_key, &done);
    run_until(&done, 1, "the key");
}
END_TEST

START_TEST(a_lost_connection_is_told_and_comes_back)
{
    open_store();
    run_until(&ups, 1, "the store");
    char sql[200];
    snprintf(sql, sizeof(sql),
             "select pg_terminate_backend(pid)::text from pg_stat_activity where datname = '%s'", name);
    ask_ok(server, DB_OWNER, sql, NULL);
    run_until(&downs, 1, "the loss");
    ck_assert_ptr_nonnull(store_fingerprint_key(store));
    run_until(&ups, 2, "the return");
}
END_TEST

START_TEST(a_database_that_comes_late_is_migrated_then)
{
    char rename[200];
    snprintf(rename, sizeof(rename), "alter database %s rename to %s_late", name, name);
    ask_ok(server, DB_OWNER, rename, NULL);
    open_store();
    run_for_ms(800);
    ck_assert_uint_eq(ups, 0);
    snprintf(rename, sizeof(rename), "alter database %s_late rename to %s", name, name);
    ask_ok(server, DB_OWNER, rename, NULL);
    run_until(&ups, 1, "the store");
}
END_TEST

START_TEST(a_database_that_comes_late_and_is_refused_ends_nothing)
{
    char sql[200];
    open_store();
    run_until(&ups, 1, "the store");
    store_free(&store);
    snprintf(sql, sizeof(sql), "alter database %s rename to %s_late", name, name);
    ask_ok(server, DB_OWNER, sql, NULL);
    service_conf(service)->partitions = 32;
    open_store();
    run_for_ms(300);
    snprintf(sql, sizeof(sql), "alter database %s_late rename to %s", name, name);
    ask_ok(server, DB_OWNER, sql, NULL);
    unsigned reached = 0;
    while (!reached) {
        run_for_ms(50);
        reached = db_up(store_db(store));
    }
    run_for_ms(500);
    ck_assert_uint_eq(ups, 1);
    ck_assert(!store_up(store));
}
END_TEST

START_TEST(a_refused_database_ends_the_start)
{
    open_store();
    run_until(&ups, 1, "the store");
    store_free(&store);
    service_conf(service)->partitions = 32;
    store_new(service);
}
END_TEST

/* The kernel takes the connections, nobody answers. */
START_TEST(a_silent_server_holds_up_neither_the_start_nor_the_loop)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    char url[128];
    int silent = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(silent, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(silent, 64), 0);
    getsockname(silent, (struct sockaddr *)&address, &len);
    snprintf(url, sizeof(url), "postgresql://nobody@127.0.0.1:%d/x", ntohs(address.sin_port));
    service_start(url);

    int64_t start = clock_mono_ms();
    open_store();
    ck_assert_int_lt(clock_mono_ms() - start, 3500);
    for (int i = 0; i < 60; i++) {
        start = clock_mono_ms();
        run_for_ms(50);
        ck_assert_int_lt(clock_mono_ms() - start, 500);
    }
    ck_assert(!store_up(store));
    store_free(&store);
    service_free(&service);
    close(silent);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("store");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_new_database_becomes_usable_with_its_settings);
    tcase_add_test(tcase, a_lost_connection_is_told_and_comes_back);
    tcase_add_test(tcase, a_database_that_comes_late_is_migrated_then);
    tcase_add_test(tcase, a_database_that_comes_late_and_is_refused_ends_nothing);
    tcase_add_exit_test(tcase, a_refused_database_ends_the_start, 1);
    TCase *silent = tcase_create("silent");
    tcase_set_timeout(silent, 60);
    tcase_add_test(silent, a_silent_server_holds_up_neither_the_start_nor_the_loop);
    return run_suite("store", (TCase *[]){tcase, silent}, 2);
}
