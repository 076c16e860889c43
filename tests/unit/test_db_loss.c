/* test_db_loss.c: every way to lose the server: what the callers are told, and that it comes back by itself. */
#include "postgres.h"

static struct db *db;
static struct proxy proxy;
static char proxy_url[1024];

static void setup(void)
{
    open_log("test_db_loss");
    base = event_base_new();
    db = open_db(server_url(), 1, 10000, 10000);
    make_table(db, "test_db_loss");
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

START_TEST(a_backend_killed_in_the_middle_leaves_unknown_and_is_replaced)
{
    ask_ok(db, DB_OWNER, "select 'up'", NULL);
    struct answers slow = {0}, behind = {0};
    db_query(db, DB_WRITER, "select pg_sleep(30), 'test_db_victim'", NULL, on_answer, &slow);
    db_query(db, DB_WRITER, "insert into test_db_loss (number) values (1)", NULL, on_answer, &behind);
    unsigned killed = 0;
    while (!killed)
        killed = ask_ok(db, DB_OWNER,
                        "select 'x' from (select pg_terminate_backend(pid) from pg_stat_activity where state "
                        "= 'active'"
                        " and query like '%''test_db_victim''' and pid <> pg_backend_pid()) k",
                        NULL)
                     .rows > 0;
    run_until(&behind.total, 1, "the lost statements");
    ck_assert_int_eq(slow.last, DB_UNKNOWN);
    ck_assert_int_eq(behind.last, DB_UNKNOWN);
    struct answers again;
    do {
        run_for_ms(20);
        again = ask(db, DB_WRITER, "select count(*)::text from test_db_loss", NULL);
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

int main(void)
{
    TCase *loss = tcase_create("loss");
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
    return run_suite("db_loss", (TCase *[]){loss}, 1);
}
