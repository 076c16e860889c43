/*
 * flow_late.c: a request that nobody waits for any more reaches the platform behind the version that overtook it (I4, I5): that version is
 * asserted once more, when no other one can come. The platform here takes whatever comes, whatever its version.
 */
#include "flow_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""
#define LATE_MS 3600 /* REQUEST_TIMEOUT and LATE_ARRIVAL */

static int64_t deliveries(const char *event, const char *column)
{
    return sql_int("SELECT %s FROM deliveries WHERE event_id = '%s'", column, event);
}

static const char *attempts(const char *event)
{
    return sql_text(
        "SELECT string_agg(outcome || COALESCE(' ' || http_status, ''), ', ' ORDER BY generation, sending) "
        "FROM sync_results WHERE event_id = '%s'",
        event);
}

static const char *change(const char *verb, const char *id, const char *fields)
{
    return api_event("{\"event_type\":\"user_%s\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
                     "\"coreldove\"]," TENANT ",\"max_retries\":50,\"data\":{\"user_id\":\"%s\",\"email\":"
                     "\"e@example.com\",\"name\":\"n\"%s}}",
                     verb, id, fields);
}

/* The platform reads this change of the record, so many times (-1: always), and keeps it; the rest it takes, whatever its version. */
static const char *send_late(const char *id, int times, const char *fields)
{
    fake_control("coreldove",
                 api_text("{\"strict\":false,\"ignore_lower_versions\":false,\"rules\":[{\"match\":"
                          "{\"id\":\"%s\"},\"action\":\"late\",\"times\":%d}]}",
                          id, times));
    const char *event = change("updated", id, fields);
    fake_await("coreldove", "/body/event_id", event);
    return event;
}

static int64_t there(const char *id, const char *pointer)
{
    const struct json *record = fake_record("coreldove", "user", API_TENANT, id);

    return record ? pick_int(record, pointer) : -1;
}

static bool is_there(const char *id)
{
    const struct json *record = fake_record("coreldove", "user", API_TENANT, id);

    return record && !json_bool(json_get(record, "deleted"));
}

/* Overtaken by another change, or by the end of its record, and then there after all: so a platform that takes whatever comes is wrong. */
static const char *overtake(const char *id, const char *lost, bool deletes)
{
    const char *next = change(deletes ? "deleted" : "updated", id, deletes ? "" : ",\"a\":2");

    api_await(next, "completed");
    api_await(lost, "completed");
    fake_control("coreldove", "{\"rules\":[],\"late_arrive\":true}");
    if (deletes)
        ck_assert(is_there(id));
    else
        ck_assert_int_eq(there(id, "/data/a"), 1);
    const struct json *look = api_look(next), *result = pick(look, "/results/0");
    pick_check(look, "/event/status", "completed");
    pick_check(result, "/status", "completed");
    pick_check(result, "/webhook_id", api_text("%s.coreldove", next));
    pick_check(result, "/assertion/status", "scheduled");
    pick_check(result, "/assertion/webhook_id", api_text("%s.coreldove.2", next));
    return next;
}

/* Once, and not before the lost one can no longer arrive. */
static void check_assertion(const char *lost, const char *next)
{
    flow_wait(deliveries(next, "state") == 2, 10);
    const struct json *again = fake_find("coreldove", 0, "/body/event_id", next, 1);
    pick_check(again, "/headers/webhook-id", api_text("%s.coreldove.2", next));
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", next), 2);
    ck_assert_str_eq(attempts(next), "delivered 200");
    ck_assert_int_ge(pick_int(again, "/body/data/_sync_metadata/started_at") -
                         pick_int(fake_find("coreldove", 0, "/body/event_id", lost, 0),
                                  "/body/data/_sync_metadata/started_at"),
                     LATE_MS);
    pick_check(api_look(next), "/event/status", "completed");
    ck_assert_int_eq(sql_int("SELECT open_count FROM sync_events WHERE id = '%s'", next), 0);
}

/* One is superseded by what overtook it, one had been repeated before that, one is overtaken by the end of its record. */
START_TEST(what_arrives_behind_the_version_that_overtook_it_is_overwritten_by_an_assertion)
{
    static const char *const ids[] = {"lsup", "lrep", "ldel"};
    const char *lost[COUNT(ids)], *next[COUNT(ids)];
    int64_t waiting =
        sql_int("SELECT COALESCE(sum(backoff), 0) FROM stage_counts WHERE stage = 'worker-coreldove'");

    for (size_t i = 0; i < COUNT(ids); i++) {
        api_await(change("created", ids[i], ",\"a\":0,\"b\":0,\"c\":0"), "completed");
        lost[i] = send_late(ids[i], 1, ",\"a\":1,\"b\":1");
        if (i == 1)
            api_await(lost[i], "completed");
        next[i] = overtake(ids[i], lost[i], i == 2);
    }
    for (size_t i = 0; i < COUNT(ids); i++)
        check_assertion(lost[i], next[i]);
    ck_assert_int_eq(there("lsup", "/data/a"), 2);
    ck_assert_int_eq(there("lsup", "/data/b"), 1);
    ck_assert_int_eq(there("lrep", "/data/a"), 2);
    ck_assert(!is_there("ldel"));
    const struct json *sent = pick(fake_find("coreldove", 0, "/body/event_id", next[0], 1), "/body/data");
    ck_assert_int_eq(pick_int(sent, "/b"), 1); /* what the lost one carried, and no more than is required */
    ck_assert(!json_get(sent, "c"));
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", lost[1]),
                      2); /* the same under the same id */
    ck_assert_int_eq(deliveries(lost[1], "generation"), 1);
    ck_assert_int_eq(
        sql_int("SELECT COALESCE(sum(backoff), 0) FROM stage_counts WHERE stage = 'worker-coreldove'"),
        waiting);
}
END_TEST

START_TEST(what_waits_to_be_asserted_holds_up_nothing_and_goes_with_a_newer_version_when_it_is_due)
{
    api_await(change("created", "lnext", ",\"a\":0,\"b\":0"), "completed");
    const char *lost = send_late("lnext", 1, ",\"a\":1");
    const char *next = change("updated", "lnext", ",\"a\":2"), *third, *fourth;
    api_await(next, "completed");
    api_await(lost, "completed");
    third = change("updated", "lnext", ",\"b\":3");
    api_await(third, "completed");
    ck_assert_int_eq(
        sql_int("SELECT (t.processed_at < n.next_attempt_at)::int FROM deliveries t, deliveries n "
                "WHERE t.event_id = '%s' AND n.event_id = '%s'",
                third, next),
        1);
    ck_assert_int_eq(deliveries(next, "state"), 1);
    ck_assert_int_eq(deliveries(third, "generation"), 1); /* one assertion, whoever comes between */
    stack_stop("worker-coreldove");
    flow_wait(deliveries(next, "(next_attempt_at < now())::int") == 1, 10);
    fourth = change("updated", "lnext", ",\"b\":4");
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s'", fourth) == 1, 10);
    fake_control("coreldove", "{\"rules\":[],\"late_arrive\":true}");
    stack_start("worker-coreldove");
    api_await(fourth, "completed");
    flow_wait(deliveries(next, "state") == 3, 10);
    ck_assert_str_eq(sql_text("SELECT covered_by FROM deliveries WHERE event_id = '%s'", next), fourth);
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", next), 1);
    ck_assert_int_eq(there("lnext", "/data/a"), 2);
    ck_assert_int_eq(there("lnext", "/data/b"), 4);
    ck_assert_int_eq(deliveries(fourth, "generation"), 1);
    pick_check(api_look(next), "/event/status", "completed");
}
END_TEST

/* Nobody knows of its sending: its worker died with it, and the next one finds only what was in hand. */
START_TEST(what_was_in_a_dead_workers_hands_may_arrive_late_too)
{
    api_await(change("created", "ldead", ",\"a\":0"), "completed");
    const char *lost = send_late("ldead", -1, ",\"a\":1"), *next;
    stack_kill("worker-coreldove");
    fake_control("coreldove", "{\"rules\":[]}");
    next = change("updated", "ldead", ",\"a\":2");
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s'", next) == 1, 10);
    stack_start("worker-coreldove");
    api_await(next, "completed");
    api_await(lost, "completed");
    fake_control("coreldove", "{\"rules\":[],\"late_arrive\":true}");
    ck_assert_int_eq(there("ldead", "/data/a"), 1);
    check_assertion(lost, next);
    ck_assert_int_eq(there("ldead", "/data/a"), 2);
}
END_TEST

int main(void)
{
    static const char *const env[] = {
        "RETRY_SCHEDULE=100ms,200ms", "REQUEST_TIMEOUT=600ms",    "LATE_ARRIVAL=3s",
        "LEASE_SECONDS=1s",           "SYNC_INTERVAL_SECONDS=1s", NULL};
    static const struct stack_options options = {
        .env = env, .replicas = "worker-bizosaas=0,worker-bizoholic=0,resolver=0,monitor=0"};

    return flow_run(
        "late", &options,
        (const TTest *[]){
            what_arrives_behind_the_version_that_overtook_it_is_overwritten_by_an_assertion,
            what_waits_to_be_asserted_holds_up_nothing_and_goes_with_a_newer_version_when_it_is_due,
            what_was_in_a_dead_workers_hands_may_arrive_late_too, NULL});
}
