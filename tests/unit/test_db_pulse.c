/* test_db_pulse.c: a server that is there and says nothing counts as away within a second; a slow one does not. */
#include "postgres.h"

static struct db *db;
static struct proxy proxy;
static char proxy_url[1024];
static unsigned ups, downs;

static void on_state(bool up, void *arg)
{
    (void)arg;
    ups += up;
    downs += !up;
}

static void setup(void)
{
    open_log("test_db_pulse");
    base = event_base_new();
    proxy_start(&proxy, proxy_url, sizeof(proxy_url));
}

static void open_with(unsigned connections)
{
    db = open_db(proxy_url, connections, 100, 10000);
    db_on_state(db, on_state, NULL);
    run_until(&ups, 1, "the first connection");
    ask_ok(db, DB_READER, "select 'up'", NULL);
    run_for_ms(200); /* all of them */
}

static void teardown(void)
{
    db_free(&db);
    proxy_refuse(&proxy);
    event_base_free(base);
}

/* One connection: all are busy, and a spare one has to ask. Two: the second asks. */
START_TEST(a_silent_server_is_away_within_a_second_and_its_late_answer_still_counts)
{
    open_with((unsigned)_i);
    proxy_stall(&proxy, true);
    int64_t start = clock_mono_ms();
    struct answers early = {0};
    db_query(db, DB_WRITER, "select 'late'", NULL, on_text, &early);
    run_until(&downs, 1, "its absence");
    int64_t took_ms = clock_mono_ms() - start;
    ck_assert_msg(took_ms > 400 && took_ms < 2500, "after %lld ms", (long long)took_ms);
    ck_assert(!db_up(db));
    ck_assert_int_eq(ask(db, DB_WRITER, "select 'x'", NULL).last, DB_AWAY);
    run_for_ms(700);
    ck_assert_uint_eq(early.total, 0);
    proxy_stall(&proxy, false);
    run_until(&early.total, 1, "the late answer");
    ck_assert_int_eq(early.last, DB_OK);
    ck_assert_str_eq(early.text, "late");
    run_until(&ups, 2, "its return");
    ck_assert_str_eq(ask_ok(db, DB_WRITER, "select 'back'", NULL).text, "back");
    ck_assert_uint_eq(downs, 1);
}
END_TEST

START_TEST(a_slow_statement_is_no_silence)
{
    open_with((unsigned)_i);
    struct answers slow = {0};
    for (int i = 0; i < _i; i++)
        db_query(db, DB_WRITER, "select pg_sleep(1.8)", NULL, on_answer, &slow);
    run_until(&slow.total, (unsigned)_i, "the slow statements");
    ck_assert_uint_eq(slow.by_status[DB_OK], (unsigned)_i);
    ck_assert_uint_eq(downs, 0);
}
END_TEST

START_TEST(readers_of_a_silent_server_are_told_so_at_once)
{
    open_with(1);
    proxy_stall(&proxy, true);
    struct answers read = {0};
    db_query(db, DB_READER, "select 'nobody waits for this'", NULL, on_text, &read);
    run_until(&read.total, 1, "the reader's answer");
    ck_assert_int_eq(read.last, DB_AWAY);
    proxy_stall(&proxy, false);
    struct answers again;
    do {
        run_for_ms(20);
        again = ask(db, DB_READER, "select 'mine'", NULL);
    } while (again.last == DB_AWAY);
    ck_assert_str_eq(again.text, "mine");
    ck_assert_uint_eq(read.total, 1);
}
END_TEST

START_TEST(a_connection_that_the_network_forgot_is_replaced_and_the_server_is_up_again)
{
    db = open_db(proxy_url, 2, 100, 1500);
    db_on_state(db, on_state, NULL);
    run_until(&ups, 1, "the first connection");
    run_for_ms(200);
    proxy_stall(&proxy, true);
    struct answers lost = {0};
    db_query(db, DB_WRITER, "select 'x'", NULL, on_answer, &lost);
    run_until(&lost.total, 1, "its end");
    ck_assert_int_eq(lost.last, DB_UNKNOWN);
    ck_assert_uint_eq(downs, 1);
    proxy.stalled = false; /* for the connections to come alone */
    run_until(&ups, 2, "another connection");
    ck_assert_str_eq(ask_ok(db, DB_WRITER, "select 'back'", NULL).text, "back");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("db_pulse");
    TCase *tcase = tcase_create("pulse");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_silent_server_is_away_within_a_second_and_its_late_answer_still_counts, 1,
                        3);
    tcase_add_loop_test(tcase, a_slow_statement_is_no_silence, 1, 3);
    tcase_add_test(tcase, readers_of_a_silent_server_are_told_so_at_once);
    tcase_add_test(tcase, a_connection_that_the_network_forgot_is_replaced_and_the_server_is_up_again);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
