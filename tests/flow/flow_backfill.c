/* flow_backfill.c: first syncs of a platform's list: everything arrives once, live changes win, and people stay in charge. */
#include "backfill_fixture.h"
#include "flow_fixture.h"

static int64_t deliveries_of(const char *tenant)
{
    return sql_int("SELECT count(*) FROM deliveries WHERE tenant_id = '%s'", tenant);
}

static void change(const char *tenant, const char *id, const char *body, int status)
{
    const struct api_answer *answer = backfill_ask(tenant, "PATCH", api_text("/sync/backfill/%s", id), body);

    ck_assert_msg(answer->status == status, "%d %s", answer->status, answer->body);
}

#define RECORDS ((int)flow_size(700, 2000))

START_TEST(records_of_a_list_reach_the_two_others_once_and_unchanged_ones_nobody)
{
    static const char *const others[] = {"coreldove", "bizosaas"};
    const char *tenant = "all", *id;
    struct json *job;

    backfill_preload(tenant, "user", RECORDS);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":5000}");
    job = backfill_await(tenant, id, "done");
    pick_equal(job, "/read", api_text("%d", RECORDS));
    pick_equal(job, "/accepted", api_text("%d", RECORDS));
    pick_equal(job, "/unchanged", "0");
    for (size_t i = 0; i < COUNT(others); i++) {
        ck_assert_int_eq(backfill_kept(others[i], "user", tenant), RECORDS);
        ck_assert_uint_eq(fake_count(others[i], 0, "/body/tenant_id", tenant), RECORDS);
    }
    ck_assert_int_eq(deliveries_of(tenant), 2 * RECORDS);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = '%s' AND priority <> 3", tenant), 0);

    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":5000}");
    job = backfill_await(tenant, id, "done");
    pick_equal(job, "/accepted", api_text("%d", RECORDS));
    pick_equal(job, "/unchanged", api_text("%d", RECORDS));
    ck_assert_int_eq(deliveries_of(tenant), 2 * RECORDS);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM record_versions WHERE tenant_id = '%s'", tenant), RECORDS);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_conflicts WHERE tenant_id = '%s'", tenant), 0);
}
END_TEST

START_TEST(all_entities_that_the_platform_lists_are_read_customers_and_products_before_orders)
{
    const char *tenant = "kinds", *id;

    backfill_preload(tenant, "order", 3);
    backfill_preload(tenant, "product", 3);
    backfill_preload(tenant, "user", 3);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"rate\":5000,\"targets\":[\"bizosaas\"]}");
    pick_equal(backfill_await(tenant, id, "done"), "/accepted", "9");
    ck_assert_str_eq(
        sql_text("SELECT string_agg(DISTINCT target, ',') FROM deliveries WHERE tenant_id = '%s'", tenant),
        "bizosaas");
    ck_assert_int_eq(backfill_kept("bizosaas", "order", tenant), 3);
    ck_assert_str_eq(
        sql_text("SELECT string_agg(entity_type, ' ' ORDER BY seq) FROM sync_events WHERE tenant_id = '%s'",
                 tenant),
        "user user user product product product order order order");
}
END_TEST

START_TEST(who_lacks_the_record_gets_it_although_nothing_is_new)
{
    const char *tenant = "lacking", *id, *event;

    event = api_event_of(
        tenant, "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\","
                "\"target_platforms\":[\"coreldove\"],\"data\":{\"user_id\":\"seed-1\",\"full_name\":"
                "\"Seed 1\",\"email_address\":\"seed-1@example.com\",\"status\":\"active\","
                "\"price\":1,\"amount\":1}}");
    flow_wait(sql_int("SELECT status FROM sync_events WHERE id = '%s'", event) == 2, 10);
    backfill_preload(tenant, "user", 1);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"]}");
    backfill_await(tenant, id, "done");
    ck_assert_int_eq(backfill_kept("bizosaas", "user", tenant), 1);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM deliveries WHERE tenant_id = '%s' AND target = 'coreldove'", tenant),
        1);
    ck_assert_int_eq(sql_int("SELECT version FROM records WHERE tenant_id = '%s'", tenant), 1);
}
END_TEST

START_TEST(a_live_change_during_the_page_wins_on_all_platforms)
{
    const char *tenant = "live", *id;
    int64_t asked;

    backfill_preload_these(tenant, "user",
                           "{\"user_id\":\"l1\",\"full_name\":\"Old\",\"email_address\":\"l1@example.com\"}");
    fake_control("bizoholic",
                 "{\"rules\":[{\"match\":{\"operation\":\"list\",\"tenant\":\"live\"},\"delay_ms\":1500}]}");
    asked = backfill_asked();
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"]}");
    flow_wait(backfill_asked() > asked, 10); /* the page is made, and on its way */
    api_event_of(tenant,
                 "{\"event_type\":\"user_updated\",\"source_platform\":\"coreldove\",\"target_platforms\":"
                 "[\"bizoholic\",\"bizosaas\"],\"data\":{\"customer_id\":\"l1\",\"customer_name\":\"Live\","
                 "\"customer_email\":\"l1@example.com\"}}");
    backfill_await(tenant, id, "done");
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = '%s' AND status < 2", tenant) == 0,
              20);
    fake_control("bizoholic", "{\"rules\":[]}");
    ck_assert_str_eq(
        sql_text("SELECT " SQL_BODY("data") "::json ->> 'name' FROM records WHERE tenant_id = '%s'", tenant),
        "Live");
    pick_equal(fake_record("bizoholic", "user", tenant, "l1"), "/data/full_name", "\"Live\"");
    pick_equal(fake_record("bizosaas", "user", tenant, "l1"), "/data/user_name", "\"Live\"");
    pick_equal(fake_record("coreldove", "user", tenant, "l1"), "/data/customer_name", "\"Live\"");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_conflicts WHERE tenant_id = '%s'", tenant), 0);
}
END_TEST

START_TEST(a_record_deleted_during_the_page_stays_deleted)
{
    const char *tenant = "gone", *id, *event;
    int64_t asked;

    event = api_event_of(
        tenant, "{\"event_type\":\"user_created\",\"source_platform\":\"coreldove\",\"target_platforms\":"
                "[\"bizosaas\"],\"data\":{\"customer_id\":\"g1\",\"customer_name\":\"G\","
                "\"customer_email\":\"g1@example.com\"}}");
    flow_wait(sql_int("SELECT status FROM sync_events WHERE id = '%s'", event) == 2, 10);
    backfill_preload_these(
        tenant, "user",
        "{\"user_id\":\"g1\",\"full_name\":\"Still here\",\"email_address\":\"g1@example.com\"}");
    fake_control("bizoholic",
                 "{\"rules\":[{\"match\":{\"operation\":\"list\",\"tenant\":\"gone\"},\"delay_ms\":1500}]}");
    asked = backfill_asked();
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"]}");
    flow_wait(backfill_asked() > asked, 10);
    api_event_of(tenant,
                 "{\"event_type\":\"user_deleted\",\"source_platform\":\"coreldove\",\"target_platforms\":"
                 "[\"bizosaas\"],\"data\":{\"customer_id\":\"g1\"}}");
    pick_equal(backfill_await(tenant, id, "done"), "/unchanged", "1");
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = '%s' AND status < 2", tenant) == 0,
              20);
    fake_control("bizoholic", "{\"rules\":[]}");
    ck_assert_int_eq(backfill_kept("bizosaas", "user", tenant), 0);
    ck_assert_str_eq(sql_text("SELECT deleted FROM records WHERE tenant_id = '%s'", tenant), "t");
}
END_TEST

START_TEST(the_rate_is_kept)
{
    const char *tenant = "rate", *id;
    double rows, seconds;

    backfill_preload(tenant, "user", 600);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":200}");
    backfill_await(tenant, id, "done");
    rows = 600 - 100; /* the first page comes at once */
    seconds = (double)sql_int(
                  "SELECT (extract(epoch FROM ended_at - started_at) * 1000)::bigint FROM backfill_jobs "
                  "WHERE id = '%s'",
                  id) /
              1000;
    ck_assert_msg(rows / seconds > 160 && rows / seconds < 240, "%g rows a second", rows / seconds);
}
END_TEST

START_TEST(a_person_can_pause_it_let_it_go_on_faster_and_cancel_it)
{
    const char *tenant = "person", *other = "beside", *id, *last;
    int64_t read;

    backfill_preload(tenant, "user", 600);
    backfill_preload(other, "user", 1);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":50}");
    flow_wait(pick_int(backfill_look(tenant, id), "/read") >= 100, 10);
    change(tenant, id, "{\"state\":\"paused\"}", 200);
    ck_assert_str_eq(backfill_state(tenant, id), "paused");
    flow_wait(stack_log_count("api-gateway", api_text("\"first sync let go of\",\"job\":\"%s\"", id)) > 0,
              10);
    read = pick_int(backfill_look(tenant, id), "/read");
    backfill_await(other, backfill_start(other, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"]}"),
                   "done");
    ck_assert_int_eq(pick_int(backfill_look(tenant, id), "/read"), read);
    ck_assert_str_eq(backfill_state(tenant, id), "paused");

    change(tenant, id, "{\"state\":\"running\",\"rate\":100}", 200);
    flow_wait(pick_int(backfill_look(tenant, id), "/read") > read, 10);
    change(tenant, id, "{\"rate\":5000}", 200);
    pick_equal(backfill_await(tenant, id, "done"), "/accepted", "600");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = '%s'", tenant), 600);
    change(tenant, id, "{\"state\":\"paused\"}", 409);

    last = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":10}");
    flow_wait(pick_int(backfill_look(tenant, last), "/read") > 0, 10);
    for (int i = 0; i < 2; i++) { /* the second time it is shown again */
        const struct api_answer *answer =
            backfill_ask(tenant, "DELETE", api_text("/sync/backfill/%s", last), NULL);
        ck_assert_int_eq(answer->status, 200);
        pick_check(answer->json, "/state", "cancelled");
    }
    change(tenant, last, "{\"state\":\"running\"}", 409);
    ck_assert_int_eq(backfill_ask(tenant, "DELETE", api_text("/sync/backfill/%s", id), NULL)->status, 409);
}
END_TEST

static const struct {
    const char *fault, *reason;
} faults[] = {{"\"status\":401", "credential"},
              {"\"status\":404", "path"},
              {"\"action\":\"html\"", "HTML"},
              {"\"action\":\"redirect\"", "leads elsewhere"},
              {"\"status\":200,\"body\":\"{}\"", "no list at data"},
              {"\"status\":200,\"body\":\"[\"", "no JSON"},
              {"\"status\":200,\"body\":\"{\\\"data\\\":[],\\\"next_cursor\\\":\\\"1\\\"}\"", "same page"}};

START_TEST(a_list_at_fault_pauses_the_job_with_the_reason_until_it_is_resumed)
{
    for (size_t i = 0; i < COUNT(faults); i++) {
        const char *tenant = api_text("fault%zu", i), *id;
        struct json *job;
        backfill_preload(tenant, "user", 2);
        fake_control("bizoholic",
                     api_text("{\"rules\":[{\"match\":{\"operation\":\"list\"},%s}]}", faults[i].fault));
        id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"]}");
        job = backfill_await(tenant, id, "paused");
        ck_assert_msg(strstr(pick_text(job, "/reason"), faults[i].reason), "%s", pick_text(job, "/reason"));
        ck_assert(pick_text(job, "/retry_at") != NULL);
        fake_control("bizoholic", "{\"rules\":[]}");
        change(tenant, id, "{\"state\":\"running\"}", 200);
        job = backfill_await(tenant, id, "done");
        pick_equal(job, "/accepted", "2");
        pick_equal(job, "/reason", "null");
    }
}
END_TEST

START_TEST(what_passes_is_waited_for_as_long_as_the_platform_says)
{
    const char *tenant = "slow", *id;
    struct json *job;

    backfill_preload(tenant, "user", 2);
    fake_control(
        "bizoholic",
        "{\"rules\":[{\"match\":{\"operation\":\"list\"},\"status\":429,\"retry_after\":\"3\",\"times\":1},"
        "{\"match\":{\"operation\":\"list\"},\"action\":\"reset\",\"times\":1}]}");
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"]}");
    flow_wait(pick_text(backfill_look(tenant, id), "/reason") != NULL, 10);
    job = backfill_look(tenant, id);
    pick_check(job, "/state", "running");
    ck_assert_int_ge(
        sql_int("SELECT (extract(epoch FROM retry_at - updated_at) * 1000)::bigint FROM backfill_jobs "
                "WHERE id = '%s'",
                id),
        2999);
    pick_equal(backfill_await(tenant, id, "done"), "/accepted", "2");
    ck_assert_int_ge(
        sql_int("SELECT (extract(epoch FROM ended_at - started_at) * 1000)::bigint FROM backfill_jobs "
                "WHERE id = '%s'",
                id),
        2999);
    fake_control("bizoholic", "{\"rules\":[]}");
}
END_TEST

START_TEST(a_page_that_is_too_large_is_asked_for_in_smaller_ones)
{
    const char *tenant = "large", *id;
    struct buf records = BUF_INIT;

    for (int i = 0; i < 40; i++)
        buf_addf(&records,
                 "%s{\"user_id\":\"big%d\",\"full_name\":\"B\",\"email_address\":\"b%d@example.com\","
                 "\"note\":\"%*s\"}",
                 i ? "," : "", i, i, 60000, "x");
    backfill_preload_these(tenant, "user", records.data);
    buf_release(&records);
    id = backfill_start(tenant,
                        "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"targets\":[\"bizosaas\"]}");
    pick_equal(backfill_await(tenant, id, "done"), "/accepted", "40");
}
END_TEST

START_TEST(a_bad_row_and_a_row_of_another_tenant_are_refused_and_the_others_go_on)
{
    const char *tenant = "rows", *id;
    struct json *job;

    fake_control(
        "bizoholic",
        "{\"rules\":[{\"match\":{\"operation\":\"list\"},\"status\":200,\"body\":\"{\\\"data\\\":["
        "{\\\"user_id\\\":\\\"r1\\\",\\\"full_name\\\":\\\"R\\\",\\\"email_address\\\":\\\"r1@example."
        "com\\\"},"
        "{\\\"user_id\\\":\\\"r2\\\",\\\"tenant_id\\\":\\\"somebody\\\",\\\"full_name\\\":\\\"Secret\\\"},7,"
        "{\\\"full_name\\\":\\\"Nobody\\\"},{\\\"user_id\\\":\\\"r5\\\",\\\"email_address\\\":\\\"no "
        "address\\\"}"
        "],\\\"next_cursor\\\":null}\"}]}");
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"]}");
    job = backfill_await(tenant, id, "done");
    fake_control("bizoholic", "{\"rules\":[]}");
    pick_equal(job, "/read", "5");
    pick_equal(job, "/accepted", "1");
    pick_equal(job, "/refused", "4");
    pick_equal(job, "/refusals/0/row", "2");
    pick_check(job, "/refusals/0/reason", "the row belongs to another tenant");
    pick_check(job, "/refusals/1/reason", "the row is no object");
    ck_assert_ptr_nonnull(strstr(pick_text(job, "/refusals/2/reason"), "no id"));
    pick_check(job, "/refusals/3/entity_id", "r5");
    ck_assert_ptr_nonnull(strstr(pick_text(job, "/refusals/3/reason"), "/data/email_address"));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM records WHERE tenant_id = '%s'", tenant), 1);
}
END_TEST

START_TEST(live_events_beside_it_do_not_wait)
{
    const char *tenant = "crowd", *id;
    int64_t slowest_us = 0;

    backfill_preload(tenant, "user", 8000);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":400}");
    flow_wait(pick_int(backfill_look(tenant, id), "/read") > 0, 10);
    for (int i = 0; i < 6; i++) {
        int64_t began_us = clock_mono_us();
        const char *event =
            api_event_of("fresh",
                         "{\"event_type\":\"lead_created\",\"source_platform\":\"bizoholic\","
                         "\"target_platforms\":[\"bizosaas\"],\"data\":{\"lead_id\":\"live%d\","
                         "\"contact_email\":\"l@example.com\",\"lead_status\":\"new\"}}",
                         i);
        flow_wait(sql_int("SELECT status FROM sync_events WHERE id = '%s'", event) == 2, 10);
        if (clock_mono_us() - began_us > slowest_us)
            slowest_us = clock_mono_us() - began_us;
    }
    ck_assert_str_ne(backfill_state(tenant, id), "done");
    ck_assert_msg(slowest_us < 3000000 * flow_patience(), "%g s", (double)slowest_us / 1000000);
    ck_assert_int_eq(backfill_ask(tenant, "DELETE", api_text("/sync/backfill/%s", id), NULL)->status, 200);
}
END_TEST

int main(void)
{
    return flow_run(
        "backfill", NULL,
        (const TTest *[]){records_of_a_list_reach_the_two_others_once_and_unchanged_ones_nobody,
                          all_entities_that_the_platform_lists_are_read_customers_and_products_before_orders,
                          who_lacks_the_record_gets_it_although_nothing_is_new,
                          a_live_change_during_the_page_wins_on_all_platforms,
                          a_record_deleted_during_the_page_stays_deleted, the_rate_is_kept,
                          a_person_can_pause_it_let_it_go_on_faster_and_cancel_it,
                          a_list_at_fault_pauses_the_job_with_the_reason_until_it_is_resumed,
                          what_passes_is_waited_for_as_long_as_the_platform_says,
                          a_page_that_is_too_large_is_asked_for_in_smaller_ones,
                          a_bad_row_and_a_row_of_another_tenant_are_refused_and_the_others_go_on,
                          live_events_beside_it_do_not_wait, NULL});
}
