/*
 * flow_order.c: versions of a record reach a platform in the order in which they were made, also where priorities turned round the order
 * of acceptance; and what waits while PostgreSQL comes and goes is not taken for poison.
 */
#include "flow_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""

static const char *post(const char *id, const char *verb, int priority, const char *fields)
{
    return api_event("{\"event_type\":\"user_%s\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
                     "\"coreldove\"]," TENANT ",\"priority\":%d,\"max_retries\":50,\"data\":{\"user_id\":\"%"
                     "s\",\"email\":\"e@example.com\",\"name\":\"n\"%s}}",
                     verb, priority, id, fields);
}

static int64_t version_of(const char *event)
{
    return sql_int("SELECT COALESCE((SELECT version FROM sync_events WHERE id = '%s'), 0)", event);
}

/* Out of the router's sight, as if it were behind a long queue of its priority. */
static void hold_back(const char *event, bool held)
{
    sql_do("UPDATE sync_events SET status = %d WHERE id = '%s'", held ? 4 : 0, event);
}

/* Accepted first, routed last: its version is the highest, and carries both changes. */
START_TEST(what_is_routed_last_is_sent_last_though_it_was_accepted_first)
{
    api_await(post("turned", "created", 5, ",\"low\":0,\"high\":0"), "completed");
    stack_stop("worker-coreldove");
    stack_stop("router");
    const char *low = post("turned", "updated", 10, ",\"low\":1");
    const char *high = post("turned", "updated", 1, ",\"high\":1");
    hold_back(low, true);
    stack_start("router");
    flow_wait(version_of(high) == 2, 20);
    hold_back(low, false);
    flow_wait(version_of(low) == 3, 20);
    stack_start("worker-coreldove");
    api_await(low, "completed");
    api_await(high, "completed");
    const struct json *record = fake_record("coreldove", "user", API_TENANT, "turned");
    ck_assert_int_eq(pick_int(record, "/data/low"), 1);
    ck_assert_int_eq(pick_int(record, "/data/high"), 1);
    ck_assert_int_eq(pick_int(record, "/version"), 3);
}
END_TEST

/* The first sending's outcome is not known when the other change is routed: either the same goes out again, or the newer one. */
START_TEST(what_is_routed_between_two_sendings_does_not_change_the_content)
{
    api_await(post("between", "created", 5, ",\"low\":0,\"high\":0"), "completed");
    fake_control("coreldove",
                 "{\"rules\":[{\"match\":{\"id\":\"between\"},\"action\":\"truncate\",\"times\":1}]}");
    stack_stop("router");
    const char *low = post("between", "updated", 10, ",\"low\":1");
    const char *high = post("between", "updated", 1, ",\"high\":1");
    hold_back(low, true);
    stack_start("router");
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s' AND state = 1", high) == 1, 20);
    hold_back(low, false);
    api_await(high, "completed");
    api_await(low, "completed");
    const struct json *first = fake_find("coreldove", 0, "/body/event_id", high, 0),
                      *second = fake_find("coreldove", 0, "/body/event_id", high, 1);
    if (second)
        ck_assert_msg(json_equal(fake_content(pick(first, "/body")), fake_content(pick(second, "/body"))),
                      "%s\nand %s", pick_print(first), pick_print(second));
    const struct json *record = fake_record("coreldove", "user", API_TENANT, "between");
    ck_assert_int_eq(pick_int(record, "/data/low"), 1);
    ck_assert_int_eq(pick_int(record, "/data/high"), 1);
    fake_control("coreldove", "{\"rules\":[]}");
}
END_TEST

/* Two workers end on it, so that it is handled alone from then on; but each time that the lease runs out it is only let go and
 * handed out again: nobody died of that, however often. */
START_TEST(what_is_handed_out_again_after_postgres_was_away_is_no_poison)
{
    const char *event;
    int64_t after = fake_total("coreldove");

    fake_control("coreldove", "{\"rules\":[{\"match\":{\"id\":\"patient\"},\"action\":\"hang\"}]}");
    event = post("patient", "created", 5, "");
    for (size_t n = 0, sent = 0; n < 5; n++) {
        int lost = stack_log_count("worker-coreldove", "lease ran out");
        const char *ended = n < 2 ? "worker-coreldove" : "postgres";
        flow_wait(fake_count("coreldove", after, "/body/event_id", event) > sent, 20);
        stack_kill(ended);
        if (n >= 2)
            flow_wait(stack_log_count("worker-coreldove", "lease ran out") > lost, 20);
        sent = fake_count("coreldove", after, "/body/event_id", event);
        stack_start(ended);
    }
    fake_control("coreldove", "{\"rules\":[]}");
    flow_wait(sql_int("SELECT state FROM deliveries WHERE event_id = '%s'", event) > 1, 20);
    ck_assert_msg(sql_int("SELECT state FROM deliveries WHERE event_id = '%s'", event) == 2, "%s",
                  sql_text("SELECT error FROM deliveries WHERE event_id = '%s'", event));
}
END_TEST

/* What others changed before carries the required fields as they were then, over what the platform has changed itself meanwhile. */
START_TEST(a_change_made_while_another_is_still_to_be_sent_to_its_platform_goes_back_there_too)
{
    api_await(post("beside", "created", 5, ""), "completed");
    stack_stop("worker-coreldove");
    const char *other = post("beside", "updated", 5, ",\"city\":\"Pune\"");
    flow_wait(version_of(other) == 2, 20);
    const char *own =
        api_event("{\"event_type\":\"user_updated\",\"source_platform\":\"coreldove\",\"target_platforms\":["
                  "\"bizoholic\"]," TENANT ",\"base_version\":1,\"data\":{\"customer_id\":\"beside\","
                  "\"customer_name\":\"own\"}}");
    flow_wait(version_of(own) == 3, 20);
    stack_start("worker-coreldove");
    const struct json *got = fake_await("coreldove", "/body/data/customer_name", "own");
    pick_equal(got, "/body/data/_sync_metadata/version", "3");
    pick_check(fake_record("coreldove", "user", API_TENANT, "beside"), "/data/customer_name", "own");
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=3s", "LEASE_SECONDS=1s", "SYNC_INTERVAL_SECONDS=1s",
                                      "REQUEST_TIMEOUT=60s", NULL};
    static const struct stack_options options = {
        .env = env, .replicas = "worker-bizosaas=0,worker-bizoholic=0,resolver=0"};

    return flow_run(
        "order", &options,
        (const TTest *[]){what_is_routed_last_is_sent_last_though_it_was_accepted_first,
                          what_is_routed_between_two_sendings_does_not_change_the_content,
                          a_change_made_while_another_is_still_to_be_sent_to_its_platform_goes_back_there_too,
                          what_is_handed_out_again_after_postgres_was_away_is_no_poison, NULL});
}
