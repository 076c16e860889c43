/* test_retention.c: days past their time go, what is unfinished stays; on a real PostgreSQL. */
#include <check.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db_session.h"
#include "log.h"
#include "mem.h"
#include "migrate.h"
#include "sql.h"

static struct db_session *session;

static void run(const char *sql)
{
    ck_assert_msg(db_session_run(session, sql) == 0, "%s: %s", sql, db_session_message(session));
}

static const char *value(const char *sql)
{
    ck_assert_msg(db_session_ask(session, sql, 0, NULL, 0) == 0, "%s: %s", sql, db_session_message(session));
    return db_session_value(session, 0);
}

/* Two days of January in every time-ordered table, and 30 events with a delivery each: every third one is unfinished. */
static const char two_old_days[] =
    "DO $$ DECLARE p text; today text := to_char((now() AT TIME ZONE 'UTC')::date, '_YYYYMMDD');"
    " start uuid := sync_uuid_floor((now() AT TIME ZONE 'UTC')::date::timestamp AT TIME ZONE 'UTC');"
    " stop uuid := sync_uuid_floor(((now() AT TIME ZONE 'UTC')::date + 1)::timestamp AT TIME ZONE 'UTC');"
    " second uuid := sync_uuid_floor('2026-01-02 00:00+00'); BEGIN"
    " FOREACH p IN ARRAY ARRAY['sync_events', 'deliveries', 'sync_results', 'record_versions'] LOOP"
    "  EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', p, p || today);"
    "  EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (MINVALUE) TO (%L)', p || "
    "'_20260101', p, second);"
    "  EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', p || '_20260102', p, "
    "second, start);"
    "  EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', p, p || today, "
    "start, stop);"
    " END LOOP; END $$;"
    "INSERT INTO sync_events (id, record_id, seq, partition, priority, priority_given, max_retries, "
    "event_type, entity_type,"
    "  entity_id, source_platform, target_platforms, tenant_id, data, status)"
    " SELECT (substr(sync_uuid_floor('2026-01-01 10:00+00'::timestamptz + n * interval '1 hour')::text, 1, "
    "24)"
    "  || lpad(n::text, 12, '0'))::uuid, md5(n::text)::uuid, n, 0, 2, 5, 3, 'user_created', 'user', 'u', "
    "'bizoholic',"
    "  '{coreldove}', 't', '\\x00', CASE WHEN n % 3 = 0 THEN 1 ELSE 2 END FROM generate_series(1, 30) n;"
    "INSERT INTO deliveries (event_id, target, record_id, seq, partition, priority, tenant_id, state)"
    " SELECT id, 'coreldove', record_id, seq, 0, 2, 't', CASE WHEN status = 1 THEN 0 ELSE 2 END FROM "
    "sync_events;";

static void setup(void)
{
    const char *url = getenv("TEST_DATABASE_URL");
    struct buf error = BUF_INIT;

    log_open("test_retention", LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    ck_assert_msg(url && *url, "TEST_DATABASE_URL is not set");
    ck_assert_msg(migrate_run(url, 16, &error) == 0, "%s", error.data);
    session = db_session_open(url, "test_retention", &error);
    ck_assert_msg(session != NULL, "%s", error.data);
    buf_release(&error);
    run("begin");
    run(two_old_days);
}

static void teardown(void)
{
    db_session_close(&session);
}

START_TEST(days_past_their_time_go_and_unfinished_rows_stay)
{
    ck_assert_str_eq(value("SELECT count(*)::text FROM sync_events"), "30");
    ck_assert_str_eq(value("SELECT sync_drop_days(30)::text"), "8");
    ck_assert_str_eq(value("SELECT count(*)::text FROM sync_events WHERE status = 1"), "10");
    ck_assert_str_eq(value("SELECT count(*)::text FROM sync_events"), "10");
    ck_assert_str_eq(value("SELECT count(*)::text FROM deliveries"), "10");
    ck_assert_str_eq(value("SELECT count(*)::text FROM deliveries WHERE state = 0"), "10");
    ck_assert_str_eq(value("SELECT sync_drop_days(30)::text"), "0");
}
END_TEST

START_TEST(days_within_their_time_stay)
{
    ck_assert_str_eq(value("SELECT sync_drop_days(36500)::text"), "0");
    ck_assert_str_eq(value("SELECT count(*)::text FROM sync_events"), "30");
}
END_TEST

START_TEST(the_writer_may_drop_days_and_make_them)
{
    run("SET LOCAL ROLE sync_writer");
    ck_assert_str_eq(value("SELECT sync_drop_days(30)::text"), "8");
    ck_assert_str_eq(value("SELECT sync_make_days(5)::text"), "12");
}
END_TEST

/* As the writer. */
static void maintain_days(const char *days, const char *parked_max)
{
    const char *values[] = {"7", days, "30", parked_max};

    run("SET LOCAL ROLE sync_writer");
    ck_assert_msg(db_session_ask(session, sql_maintain, 4, values, 0) == 0, "%s",
                  db_session_message(session));
}

/* With everything but parked entries as it is unless said otherwise. */
static void maintain(const char *parked_max)
{
    maintain_days("36500", parked_max);
}

START_TEST(conflicts_go_with_their_events_but_for_those_that_wait)
{
    run("INSERT INTO sync_conflicts (id, record_id, event_id, tenant_id, entity_type, entity_id, type, "
        "status, fields,"
        " detail) SELECT sync_uuid_floor(now() - n * interval '1 day'), gen_random_uuid(), "
        "gen_random_uuid(), 't',"
        " 'user', n::text, 'x', CASE n % 2 WHEN 0 THEN 'waiting' ELSE 'resolved' END, '{}', '' FROM "
        "generate_series(27, 34) n");
    maintain("1");
    ck_assert_str_eq(value("SELECT count(*)::text FROM sync_conflicts"), "8");
    maintain_days("30", "1");
    ck_assert_str_eq(value("SELECT string_agg(entity_id, ' ' ORDER BY entity_id) FROM sync_conflicts"),
                     "27 28 29 30 32 34");
}
END_TEST

START_TEST(of_parked_entries_the_newest_are_kept)
{
    run("INSERT INTO sync_errors (stage, stream, entry_id, reason, entry) SELECT 'router', 's', n::text, "
        "'r', '\\x00' "
        "FROM generate_series(1, 12) n");
    maintain("12");
    ck_assert_str_eq(value("SELECT count(*)::text FROM sync_errors"), "12");
    maintain("5");
    ck_assert_str_eq(value("SELECT string_agg(entry_id, ' ' ORDER BY id) FROM sync_errors"), "8 9 10 11 12");
}
END_TEST

START_TEST(counts_of_a_minute_and_keys_go_when_their_time_is_over)
{
    run("INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type) VALUES"
        " (now() - interval '8 days', 'w', 't', '', 'old'), (now() - interval '6 days', 'w', 't', '', "
        "'young')");
    run("INSERT INTO idempotency_keys (tenant_id, kind, key, event_id, fingerprint, expires_at)"
        " SELECT 't', 0, n::text, gen_random_uuid(), '\\x00', now() + (n - 10001) * interval '1 s' FROM "
        "generate_series(0, 10005) n");
    maintain("1");
    ck_assert_str_eq(value("SELECT string_agg(event_type, ' ') FROM sync_metrics"), "young");
    ck_assert_str_eq(value("SELECT count(*)::text FROM idempotency_keys WHERE expires_at < now()"), "1");
    maintain("1");
    ck_assert_str_eq(value("SELECT count(*)::text FROM idempotency_keys WHERE expires_at < now()"), "0");
    ck_assert_str_eq(value("SELECT count(*)::text FROM idempotency_keys"), "5");
}
END_TEST

START_TEST(replicas_that_nobody_has_heard_of_for_a_day_are_forgotten)
{
    run("INSERT INTO replicas (stage, owner, seen) VALUES ('worker-gone', 'a', now() - interval '25 hours'),"
        " ('worker-gone', 'b', now() - interval '23 hours')");
    maintain("1");
    ck_assert_str_eq(value("SELECT string_agg(owner, ' ') FROM replicas"), "b");
}
END_TEST

START_TEST(counts_of_writers_are_folded_and_their_sums_stay)
{
    run("INSERT INTO stage_counts (stage, writer, waiting, backoff, dead) VALUES ('router', '', 5, 0, 1),"
        " ('router', 'gateway:1', 100, 0, 0), ('router', 'router:2', -98, 0, 2), ('worker-x', 'w:3', 4, 3, "
        "0)");
    run("SET LOCAL ROLE sync_writer");
    ck_assert_msg(db_session_ask(session, sql_fold_counts, 0, NULL, 0) == 0, "%s",
                  db_session_message(session));
    ck_assert_str_eq(
        value("SELECT string_agg(concat_ws(' ', stage, writer, waiting, backoff, dead), ', ' ORDER BY "
              "stage) FROM stage_counts"),
        "router  7 0 3, worker-x  4 3 0");
}
END_TEST

/* The days of the other tests were made in a transaction that nobody sees; these stay, for a second session to meet. */
START_TEST(a_drop_that_is_cut_off_in_the_middle_leaves_every_row_where_it_was)
{
    struct buf error = BUF_INIT;
    struct db_session *other = db_session_open(getenv("TEST_DATABASE_URL"), "test_retention_other", &error);
    const char *before;

    ck_assert_msg(other != NULL, "%s", error.data);
    run("commit");
    before = strdup(
        value("SELECT string_agg(c.relname || pg_get_expr(c.relpartbound, c.oid), ' ' ORDER BY c.relname) "
              "FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'"));
    /* The children come first: by then results, versions and deliveries were moved and their days dropped. */
    ck_assert_int_eq(db_session_run(other, "BEGIN; SELECT count(*) FROM sync_events"), 0);
    run("SET lock_timeout = 0");
    ck_assert_int_ne(db_session_run(session, "SELECT sync_drop_days(30)"),
                     0); /* waits for the reader, and gives up */
    ck_assert_str_eq(db_session_sqlstate(session), "55P03");
    pid_t child = fork();
    if (child == 0) {
        struct db_session *killer = db_session_open(getenv("TEST_DATABASE_URL"), "killer", &error);
        const char *kill =
            "SELECT pg_terminate_backend(pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT "
            "l.granted AND a.application_name = 'test_retention'";
        while (db_session_ask(killer, kill, 0, NULL, 0) == 0 && !db_session_value(killer, 0))
            usleep(10000);
        _exit(0);
    }
    ck_assert_int_ne(db_session_run(session, "SELECT sync_drop_days(30)"),
                     0); /* its process ends where it waits */
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert(db_session_lost(session));
    db_session_run(other, "ROLLBACK");
    db_session_close(&session);
    session = other;
    ck_assert_str_eq(
        value("SELECT string_agg(c.relname || pg_get_expr(c.relpartbound, c.oid), ' ' ORDER BY c.relname) "
              "FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'"),
        before);
    ck_assert_str_eq(value("SELECT count(*)::text FROM sync_events"), "30");
    ck_assert_str_eq(value("SELECT count(*)::text FROM deliveries"), "30");
    ck_assert_str_eq(value("SELECT sync_drop_days(30)::text"), "8"); /* and the next time it goes well */
    ck_assert_str_eq(value("SELECT count(*)::text FROM deliveries WHERE state = 0"), "10");
    ck_assert_str_eq(value("SELECT count(*)::text FROM sync_events"), "10");
    free((void *)(uintptr_t)before);
}
END_TEST

START_TEST(resolved_alerts_are_kept_for_thirty_days_and_the_others_as_long_as_they_last)
{
    run("INSERT INTO sync_alerts (id, key, level, title, message, status, created_at, resolved_at) VALUES"
        " (gen_random_uuid(), 'old', 'error', '', '', 'resolved', now() - interval '90 days', now() - "
        "interval '31 days'),"
        " (gen_random_uuid(), 'young', 'error', '', '', 'resolved', now() - interval '90 days', now() - "
        "interval '29 days'),"
        " (gen_random_uuid(), 'lasting', 'error', '', '', 'active', now() - interval '90 days', NULL)");
    maintain("10000");
    ck_assert_str_eq(value("SELECT string_agg(key, ' ' ORDER BY key) FROM sync_alerts"), "lasting young");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retention");
    TCase *tcase = tcase_create("retention");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, days_past_their_time_go_and_unfinished_rows_stay);
    tcase_add_test(tcase, days_within_their_time_stay);
    tcase_add_test(tcase, the_writer_may_drop_days_and_make_them);
    tcase_add_test(tcase, resolved_alerts_are_kept_for_thirty_days_and_the_others_as_long_as_they_last);
    tcase_add_test(tcase, conflicts_go_with_their_events_but_for_those_that_wait);
    tcase_add_test(tcase, of_parked_entries_the_newest_are_kept);
    tcase_add_test(tcase, counts_of_a_minute_and_keys_go_when_their_time_is_over);
    tcase_add_test(tcase, replicas_that_nobody_has_heard_of_for_a_day_are_forgotten);
    tcase_add_test(tcase, counts_of_writers_are_folded_and_their_sums_stay);
    tcase_add_test(
        tcase, a_drop_that_is_cut_off_in_the_middle_leaves_every_row_where_it_was); /* last: its rows stay */
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
