/*
 * flow_faults.c: kill -9 of any one process, and an emptied Redis, while 5,000 events are posted (in `make test` 2,000): none is lost,
 * nothing arrives that was not accepted, and no platform sees another content under the same webhook-id.
 */
#include "flow_fixture.h"
#include "map.h"
#include "uuid.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""
#define SLICES 50
#define SLICE ((unsigned)flow_size(40, 100))
#define EVENTS (SLICES * SLICE)
#define RECORDS (EVENTS / 5 * 4) /* the rest are updates of the first of them */

static const char *const targets[] = {"coreldove", "bizosaas"};

static struct {
    const char *name;     /* of the round: ids begin with it */
    struct map *answered; /* own id → anything */
    struct map *accepted; /* our id → anything */
    int64_t after[COUNT(targets)];
    int64_t struck_us;
} round_;

static void begin(const char *name)
{
    round_.name = name;
    round_.answered = map_new();
    round_.accepted = map_new();
    for (size_t i = 0; i < COUNT(targets); i++)
        round_.after[i] = fake_total(targets[i]);
}

/* ── posting ── */

static void add_event(struct buf *body, unsigned n)
{
    buf_addf(body,
             "%s{\"id\":\"%s-%u\",\"event_type\":\"user_%s\",\"source_platform\":\"bizoholic\",\"target_"
             "platforms\":"
             "[\"coreldove\",\"bizosaas\"]," TENANT
             ",\"data\":{\"user_id\":\"%s-%u\",\"email\":\"e@example.com\",\"name\":\"n%u\"}}",
             n % SLICE ? "," : "", round_.name, n, n < RECORDS ? "created" : "updated", round_.name,
             n % RECORDS, n);
}

static bool take_results(const struct json *answer)
{
    const struct json *results = pick(answer, "/results");

    ck_assert_uint_eq(json_count(results), SLICE);
    for (size_t i = 0; i < SLICE; i++) {
        const char *id = pick_text(json_at(results, i), "/event_id");
        if (!id) {
            ck_assert_msg(pick_int(json_at(results, i), "/error/status") >= 500, "%s",
                          pick_print(json_at(results, i)));
            return false;
        }
        map_put(round_.answered, id, strlen(id), &round_);
    }
    return true;
}

/* A slice that was not answered is posted again: each event has an id of its own. */
static void post_slice(unsigned slice)
{
    struct buf body = BUF_INIT;
    int64_t end = clock_mono_ms() + (int64_t)(30000 * flow_patience());
    const struct api_answer *answer = NULL;

    buf_add_str(&body, "{\"events\":[");
    for (unsigned n = slice * SLICE; n < (slice + 1) * SLICE; n++)
        add_event(&body, n);
    buf_add_str(&body, "]}");
    do {
        ck_assert_msg(clock_mono_ms() < end, "slice %u is not taken: %d %s", slice,
                      answer ? answer->status : 0, answer ? answer->body : "");
        answer = api_post("/sync/events/bulk", body.data);
        if (answer->status == 0 || answer->status == 503)
            usleep(50000);
        else
            ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    } while (answer->status != 200 || !take_results(answer->json));
    buf_release(&body);
}

static void post(unsigned from, unsigned to)
{
    for (unsigned slice = from; slice < to; slice++)
        post_slice(slice);
}

/* ── what must hold ── */

/* More for a webhook-id: what came first under it. */
static void check_entry(struct map *by_id, const struct json *entry, bool may_repeat)
{
    const char *id = pick_text(entry, "/headers/webhook-id"), *event = pick_text(entry, "/body/event_id");
    const struct json *first = map_get(by_id, id, strlen(id));

    ck_assert_msg(map_get(round_.accepted, event, strlen(event)) != NULL, "never accepted: %s",
                  pick_print(entry));
    if (!first) {
        map_put(by_id, id, strlen(id), (void *)entry);
        return;
    }
    ck_assert_msg(may_repeat, "twice: %s\nand %s", pick_print(first), pick_print(entry));
    ck_assert_int_ge(pick_int(entry, "/time_us"), round_.struck_us);
    const struct json *body = pick(entry, "/body");
    ck_assert_msg(json_equal(fake_content(pick(first, "/body")), fake_content(body)) ||
                      strcmp(pick_text(entry, "/path"), pick_text(first, "/path")) != 0,
                  "another content under %s: %s\nand %s", id, pick_print(first), pick_print(entry));
}

static void check_target(size_t target, bool may_repeat)
{
    struct map *by_id = map_new();
    int64_t after = round_.after[target];
    const struct json *page;

    while (json_count(page = fake_received(targets[target], after)) > 0)
        for (size_t i = 0; i < json_count(page); i++) {
            check_entry(by_id, json_at(page, i), may_repeat);
            after = pick_int(json_at(page, i), "/seq");
        }
    map_free(&by_id);
    /* Each record, with the last value sent. */
    const char *field = target == 0 ? "/data/customer_name" : "/data/user_name";
    for (unsigned n = 0; n < RECORDS; n += 7) {
        const struct json *record =
            fake_record(targets[target], "user", API_TENANT, api_text("%s-%u", round_.name, n));
        ck_assert_msg(record != NULL, "%s has no %s-%u", targets[target], round_.name, n);
        pick_check(record, field, api_text("n%u", n + RECORDS < EVENTS ? n + RECORDS : n));
    }
}

static int64_t count_status(int status)
{
    return sql_int("SELECT count(*) FROM sync_events WHERE client_id LIKE '%s-%%' AND status = %d",
                   round_.name, status);
}

/* Platforms get our ids. */
static void learn_accepted(void)
{
    const char *ids = sql_text(
        "SELECT string_agg(id::text, '') FROM sync_events WHERE client_id LIKE '%s-%%'", round_.name);

    for (; *ids; ids += UUID_TEXT_LEN)
        map_put(round_.accepted, ids, UUID_TEXT_LEN, &round_);
    ck_assert_uint_eq(map_count(round_.accepted), EVENTS);
}

static void check_all(bool may_repeat)
{
    ck_assert_uint_eq(map_count(round_.answered), EVENTS);
    flow_wait(count_status(0) + count_status(1) == 0, 40);
    ck_assert_msg(count_status(2) == EVENTS, "%lld completed, of the others: %s", (long long)count_status(2),
                  sql_text("SELECT string_agg(DISTINCT COALESCE(e.error, d.error), ' ') FROM sync_events e "
                           "LEFT JOIN deliveries d ON d.event_id = e.id AND d.state = 5 "
                           "WHERE e.client_id LIKE '%s-%%' AND e.status <> 2",
                           round_.name));
    learn_accepted();
    ck_assert_int_eq(
        sql_int(
            "SELECT count(DISTINCT d.record_id) FROM deliveries d JOIN sync_events e ON e.id = d.event_id "
            "WHERE e.client_id LIKE '%s-%%' AND d.state = 2",
            round_.name),
        RECORDS);
    for (size_t i = 0; i < COUNT(targets); i++)
        check_target(i, may_repeat);
    map_free(&round_.answered);
    map_free(&round_.accepted);
}

static void kill_during(const char *program, bool may_repeat)
{
    begin(program);
    post(0, 20);
    round_.struck_us = clock_wall_us();
    stack_kill(program);
    if (strcmp(program, "api-gateway") != 0 && strcmp(program, "postgres") != 0)
        post(20, 30); /* others go on without it */
    stack_start(program);
    post(30, SLICES);
    if (strcmp(program, "api-gateway") == 0 || strcmp(program, "postgres") == 0)
        post(20, 30);
    check_all(may_repeat);
}

START_TEST(a_killed_gateway_loses_nothing_that_it_accepted)
{
    kill_during("api-gateway", false);
}
END_TEST

START_TEST(a_killed_router_loses_nothing)
{
    kill_during("router", false);
}
END_TEST

START_TEST(a_killed_worker_loses_nothing_and_repeats_only_what_it_had_in_flight)
{
    kill_during("worker-coreldove", true);
}
END_TEST

START_TEST(a_killed_resolver_or_monitor_is_not_missed)
{
    stack_kill("monitor");
    kill_during("resolver", false);
    stack_start("monitor");
}
END_TEST

START_TEST(a_killed_redis_loses_nothing)
{
    kill_during("redis", false);
}
END_TEST

/* An outcome that was known when PostgreSQL died is kept and recorded on its return; on a machine short of time a lease may run
 * out before that is known, and then the same content goes out once more under the same webhook-id (I3). */
START_TEST(a_killed_postgres_loses_nothing)
{
    kill_during("postgres", true);
}
END_TEST

START_TEST(an_emptied_redis_loses_nothing_and_repeats_nothing)
{
    begin("flush");
    post(0, 25);
    round_.struck_us = clock_wall_us();
    ck_assert_str_eq(redis_line("FLUSHALL"), "OK");
    post(25, SLICES);
    check_all(false);
}
END_TEST

/* Nobody starts them again within the claim: the other replica takes their partitions. */
START_TEST(the_other_replica_takes_over_within_the_lease)
{
    begin("takeover");
    post(0, 10);
    round_.struck_us = clock_wall_us();
    stack_kill("router-2");
    stack_kill("worker-coreldove-2");
    stack_kill("worker-bizosaas-2");
    post(10, SLICES);
    check_all(true);
    ck_assert_int_eq(
        sql_int(
            "SELECT count(*) FROM leases WHERE stage IN ('router', 'worker-coreldove', 'worker-bizosaas') "
            "AND until > now()"),
        48);
    stack_start("router-2");
    stack_start("worker-coreldove-2");
    stack_start("worker-bizosaas-2");
    flow_wait(sql_int("SELECT count(DISTINCT owner) FROM leases WHERE stage IN ('router', "
                      "'worker-coreldove', 'worker-bizosaas')") == 6,
              10);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=100ms,200ms", "LEASE_SECONDS=4s",
                                      "SYNC_INTERVAL_SECONDS=1s", NULL};
    static const struct stack_options options = {
        .env = env, .replicas = "router=2,worker-coreldove=2,worker-bizosaas=2,worker-bizoholic=0"};

    return flow_run(
        "faults", &options,
        (const TTest *[]){a_killed_gateway_loses_nothing_that_it_accepted, a_killed_router_loses_nothing,
                          a_killed_worker_loses_nothing_and_repeats_only_what_it_had_in_flight,
                          a_killed_resolver_or_monitor_is_not_missed, a_killed_redis_loses_nothing,
                          a_killed_postgres_loses_nothing, an_emptied_redis_loses_nothing_and_repeats_nothing,
                          the_other_replica_takes_over_within_the_lease, NULL});
}
