/* test_retention.c: days past their time go, what is unfinished stays; on a real PostgreSQL. */
#include <check.h>

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

START_TEST(resolved_alerts_are_kept_for_thirty_days_and_the_others_as_long_as_they_last)
{
    const char *days[] = {"7", "36500"};

    run("INSERT INTO sync_alerts (id, key, level, title, message, status, created_at, resolved_at) VALUES"
        " (gen_random_uuid(), 'old', 'error', '', '', 'resolved', now() - interval '90 days', now() - "
        "interval '31 days'),"
        " (gen_random_uuid(), 'young', 'error', '', '', 'resolved', now() - interval '90 days', now() - "
        "interval '29 days'),"
        " (gen_random_uuid(), 'lasting', 'error', '', '', 'active', now() - interval '90 days', NULL)");
    run("SET LOCAL ROLE sync_writer");
    ck_assert_msg(db_session_ask(session, sql_maintain, 2, days, 0) == 0, "%s", db_session_message(session));
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
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
