/* flow_inbound_echo.c: a shop tells of every change, those that it was sent included; what is no change of its own goes nowhere. */
#include "flow_fixture.h"
#include "timefmt.h"
#include "webhook_fixture.h"

START_TEST(what_was_delivered_to_the_shop_comes_back_as_no_change)
{
    const char *event =
        api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizosaas\",\"target_platforms\":"
                  "[\"coreldove\",\"bizoholic\"],\"data\":{\"user_id\":\"echo1\",\"user_email\":"
                  "\"echo1@example.com\",\"user_name\":\"Ann Lee\",\"status\":\"active\"}}");
    api_await(event, "completed");
    const char *record = sql_text("SELECT record_id FROM sync_events WHERE id = '%s'", event);
    int64_t before[] = {fake_total("bizosaas"), fake_total("bizoholic"), fake_total("coreldove")};
    const char *named = api_text("\"%s\"", record);
    const char *echo = webhook_event(
        webhook_shop("customer_created", webhook_customer("CustomerCreated", "echo1", named, "Ann")));

    api_await(echo, "completed");
    ck_assert_str_eq(sql_text("SELECT record_id FROM sync_events WHERE id = '%s'", echo), record);
    ck_assert_int_eq(sql_int("SELECT version FROM records WHERE id = '%s'", record), 1);
    ck_assert_int_eq(fake_total("bizosaas"), before[0]);
    ck_assert_int_eq(fake_total("bizoholic"), before[1]);
    ck_assert_int_eq(fake_total("coreldove"), before[2]);
}
END_TEST

START_TEST(our_record_id_leads_to_our_record_whatever_the_shop_calls_it)
{
    const char *event =
        api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizosaas\",\"target_platforms\":"
                  "[\"coreldove\"],\"data\":{\"user_id\":\"own7\",\"user_email\":\"own7@example.com\","
                  "\"user_name\":\"Old Lee\"}}");
    api_await(event, "completed");
    const char *record = sql_text("SELECT record_id FROM sync_events WHERE id = '%s'", event);
    const char *named = api_text("\"%s\"", record);
    const char *change = webhook_event(
        webhook_shop("customer_updated", webhook_customer("CustomerUpdated", "shop7", named, "New")));

    ck_assert_str_eq(sql_text("SELECT record_id FROM sync_events WHERE id = '%s'", change), record);
    /* The shop cannot have seen the old name yet: it is decided first. */
    pick_check(fake_await("bizosaas", "/body/data/user_name", "New Lee"), "/body/data/user_id", "own7");
    change = webhook_event(webhook_shop(
        "customer_updated", api_text("{\"tenant_id\":\"another\",%s",
                                     webhook_customer("CustomerUpdated", "shop8", named, "Stolen") + 1)));
    ck_assert_str_ne(sql_text("SELECT record_id FROM sync_events WHERE id = '%s'", change), record);
}
END_TEST

/* The shop was told nothing of the second change when it told of the first one. */
START_TEST(what_the_shop_had_before_is_no_change_back)
{
    const char *event =
        api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizosaas\",\"target_platforms\":"
                  "[\"coreldove\"],\"data\":{\"user_id\":\"stale1\",\"user_email\":\"stale1@example.com\","
                  "\"user_name\":\"First Lee\",\"status\":\"active\"}}");
    api_await(event, "completed");
    const char *record = sql_text("SELECT record_id FROM sync_events WHERE id = '%s'", event);
    const char *named = api_text("\"%s\"", record);
    fake_control("coreldove", "{\"rules\":[{\"status\":503}]}");
    api_event("{\"event_type\":\"user_updated\",\"source_platform\":\"bizosaas\",\"target_platforms\":["
              "\"coreldove\"],"
              "\"data\":{\"user_id\":\"stale1\",\"user_name\":\"Second Lee\"}}");
    flow_wait(sql_int("SELECT version FROM records WHERE id = '%s'", record) == 2, 10);
    const char *echo = webhook_event(
        webhook_shop("customer_updated", webhook_customer("CustomerUpdated", "stale1", named, "First")));
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE id = '%s' AND status = 2", echo) == 1, 10);
    ck_assert_str_eq(
        sql_text("SELECT " SQL_BODY("data") "::json ->> 'name' FROM records WHERE id = '%s'", record),
        "Second Lee");
    ck_assert_int_eq(sql_int("SELECT version FROM records WHERE id = '%s'", record), 2);
    webhook_event(
        webhook_shop("customer_updated", webhook_customer("CustomerUpdated", "stale1", named, "Third")));
    pick_check(fake_await("bizosaas", "/body/data/user_name", "Third Lee"), "/body/data/user_id", "stale1");
    fake_control("coreldove", "{\"rules\":[]}");
}
END_TEST

static const char *issued(const char *time, const char *name)
{
    return api_text("{\"issuedAt\":\"%s\",\"user\":{\"id\":\"order1\",\"email\":\"order1@example.com\","
                    "\"firstName\":\"%s\","
                    "\"isActive\":true}}",
                    time, name);
}

/* The shop sends its webhooks in no order, and again when one failed. */
START_TEST(an_older_webhook_that_comes_later_changes_nothing_back)
{
    char early[TIMEFMT_LEN + 1], late[TIMEFMT_LEN + 1];
    timefmt_rfc3339(clock_wall_ms() - 200000, early);
    timefmt_rfc3339(clock_wall_ms() - 100000, late);
    const char *event = webhook_event(webhook_shop("customer_updated", issued(late, "Late")));
    fake_await("bizosaas", "/body/event_id", event);
    event = webhook_event(webhook_shop("customer_updated", issued(early, "Early")));
    api_await(event, "completed");
    ck_assert_str_eq(
        sql_text("SELECT " SQL_BODY("data") "::json ->> 'name' FROM records WHERE entity_id = 'order1'"),
        "Late");
    ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/data/user_name", "Early"), 0);
}
END_TEST

START_TEST(a_clock_that_was_ahead_does_not_hold_the_shop_back)
{
    const char *event =
        webhook_event(webhook_shop("customer_updated", issued("2099-01-01T00:00:00Z", "Ahead")));
    fake_await("bizosaas", "/body/event_id", event);
    event = webhook_event(webhook_shop("customer_updated", issued(webhook_now(), "Right")));
    fake_await("bizosaas", "/body/event_id", event);
    fake_await("bizosaas", "/body/data/user_name", "Right");
}
END_TEST

START_TEST(a_deletion_that_comes_back_is_no_second_one)
{
    const char *event =
        api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizosaas\",\"target_platforms\":"
                  "[\"coreldove\"],\"data\":{\"user_id\":\"gone1\",\"user_email\":\"gone1@example.com\","
                  "\"user_name\":\"G\"}}");
    api_await(event, "completed");
    const char *named =
        api_text("\"%s\"", sql_text("SELECT record_id FROM sync_events WHERE id = '%s'", event));
    api_await(api_event("{\"event_type\":\"user_deleted\",\"source_platform\":\"bizosaas\",\"target_"
                        "platforms\":[\"coreldove\"],"
                        "\"data\":{\"user_id\":\"gone1\"}}"),
              "completed");
    size_t before = fake_count("coreldove", 0, "/body/data/customer_id", "gone1");
    api_await(webhook_event(
                  webhook_shop("customer_deleted", webhook_customer("CustomerDeleted", "gone1", named, "G"))),
              "completed");
    ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/data/user_id", "gone1"), 0);
    ck_assert_uint_eq(fake_count("bizoholic", 0, "/body/data/user_id", "gone1"), 0);
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/data/customer_id", "gone1"), before);
}
END_TEST

int main(void)
{
    static const char *const env[] = {WEBHOOK_ENV, NULL};
    return flow_run("inbound_echo", &(struct stack_options){.env = env},
                    (const TTest *[]){what_was_delivered_to_the_shop_comes_back_as_no_change,
                                      our_record_id_leads_to_our_record_whatever_the_shop_calls_it,
                                      what_the_shop_had_before_is_no_change_back,
                                      an_older_webhook_that_comes_later_changes_nothing_back,
                                      a_clock_that_was_ahead_does_not_hold_the_shop_back,
                                      a_deletion_that_comes_back_is_no_second_one, NULL});
}
