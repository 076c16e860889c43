/* test_store.c: a service's database from absent to usable, on real, empty databases; the service itself is played here. */
#include "postgres.h"
#include "service.h"
#include "store.h"

static struct conf conf;
static struct db *server;
static struct store *store;
static struct proxy proxy;
static char name[64];
static char url[1024];
static unsigned ups, downs;
static service_ready_hook check;
static void *check_arg;

/* service.h, as far as store uses it */
struct event_base *service_base(struct service *service)
{
    (void)service;
    return base;
}

struct conf *service_conf(struct service *service)
{
    (void)service;
    return &conf;
}

const char *service_instance(struct service *service)
{
    (void)service;
    return "host:1:2";
}

void service_add_check(struct service *service, const char *check_name, service_ready_hook hook, void *arg)
{
    (void)service;
    ck_assert_str_eq(check_name, "postgresql");
    check = hook;
    check_arg = arg;
}

static void server_do(const char *format)
{
    char sql[256];
    snprintf(sql, sizeof(sql), "%s %s", format, name);
    ask_ok(server, DB_OWNER, sql, NULL);
}

static void setup(void)
{
    open_log("test_store");
    base = event_base_new();
    server = open_db(server_url(), 1, 100, 20000);
    snprintf(name, sizeof(name), "test_store_%d", (int)getpid());
    server_do("create database");
    proxy_start(&proxy, url, sizeof(url));
    size_t len = strlen(url);
    snprintf(url + len, sizeof(url) - len, "&dbname=%s", name);
    conf.database_url = url;
    conf.database_writer_url = conf.database_reader_url = "";
    conf.partitions = 16;
    conf.connection_pool_size = 1;
    conf.requests_max = 100;
}

static void teardown(void)
{
    store_free(&store);
    if (proxy.listener)
        proxy_refuse(&proxy);
    ask_ok(server, DB_OWNER, "select 'up'", NULL);
    char sql[128];
    snprintf(sql, sizeof(sql), "drop database %s with (force)", name);
    ask_ok(server, DB_OWNER, sql, NULL);
    db_free(&server);
    event_base_free(base);
}

static void on_state(bool up, void *arg)
{
    (void)arg;
    ck_assert(store_up(store) == up);
    ups += up;
    downs += !up;
}

/* The proxy runs on the loop, which migrate_run blocks: what blocks goes to the server directly. */
static void go_direct(void)
{
    snprintf(url, sizeof(url), "%s%cdbname=%s", server_url(), strchr(server_url(), '?') ? '&' : '?', name);
}

static void open_store(void)
{
    store = store_new(NULL);
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
    go_direct();
    open_store();
    ck_assert(!store_up(store));
    ck_assert(!check(check_arg));
    run_until(&ups, 1, "the store");
    ck_assert(check(check_arg));
    ck_assert_int_eq(store_partitions(store), 16);
    unsigned done = 0;
    db_query(store_db(store), DB_OWNER, "select value from settings where name = 'fingerprint_key'", NULL,
             on_key, &done);
    run_until(&done, 1, "the key");
}
END_TEST

START_TEST(a_lost_connection_is_told_and_comes_back)
{
    go_direct();
    open_store();
    run_until(&ups, 1, "the store");
    char sql[200];
    snprintf(sql, sizeof(sql),
             "select pg_terminate_backend(pid)::text from pg_stat_activity where datname = '%s'", name);
    ask_ok(server, DB_OWNER, sql, NULL);
    run_until(&downs, 1, "the loss");
    ck_assert(!check(check_arg));
    ck_assert_ptr_nonnull(store_fingerprint_key(store));
    run_until(&ups, 2, "the return");
}
END_TEST

START_TEST(a_database_that_comes_late_is_migrated_then)
{
    char rename[200];
    go_direct();
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
    go_direct();
    open_store();
    run_until(&ups, 1, "the store");
    store_free(&store);
    snprintf(sql, sizeof(sql), "alter database %s rename to %s_late", name, name);
    ask_ok(server, DB_OWNER, sql, NULL);
    conf.partitions = 32;
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
    go_direct();
    open_store();
    run_until(&ups, 1, "the store");
    store_free(&store);
    conf.partitions = 32;
    store_new(NULL);
}
END_TEST

START_TEST(a_silent_server_does_not_stop_the_start)
{
    proxy_stall(&proxy, true);
    int64_t start = clock_mono_ms();
    open_store();
    ck_assert_int_lt(clock_mono_ms() - start, 3500);
    ck_assert(!store_up(store));
    proxy_refuse(&proxy);
    start = clock_mono_ms();
    for (int i = 0; i < 20; i++)
        run_for_ms(50);
    ck_assert_int_lt(clock_mono_ms() - start, 2000);
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
    tcase_add_test(tcase, a_silent_server_does_not_stop_the_start);
    return run_suite("store", &tcase, 1);
}
