/*
 * flow_replicas.c: replicas of a stage share its partitions, hand over without a pause when one is told to end, take over within
 * LEASE_SECONDS when one dies or stands still, and one that wakes up too late changes nothing and starts no request.
 */
#include <signal.h>
#include <string.h>

#include "flow_fixture.h"
#include "map.h"
#include "mem.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""
#define LEASE_MS 3000
#define EVENTS_MAX 2000
#define PARTITIONS 16

static struct posted {
    const char *event;
    int64_t sent_us;
    int received;
    int64_t first_us, last_us;
} posted[EVENTS_MAX];
static size_t posted_count;

static void post(const char *prefix)
{
    struct posted *one = &posted[posted_count];

    ck_assert_uint_lt(posted_count, EVENTS_MAX);
    one->sent_us = clock_wall_us();
    one->event =
        api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                  "[\"coreldove\"]," TENANT ",\"max_retries\":50,\"data\":{\"user_id\":\"%s-%zu\",\"email\":"
                  "\"e@example.com\",\"name\":\"n\"}}",
                  prefix, posted_count++);
}

/* About a hundred events a second. */
static void post_for(int ms, const char *prefix)
{
    for (int64_t end = clock_mono_ms() + ms; clock_mono_ms() < end; usleep(8000))
        post(prefix);
}

static struct posted *find(const struct map *by_event, const struct json *request)
{
    const char *event = pick_text(request, "/body/event_id");

    return event ? map_get(by_event, event, strlen(event)) : NULL;
}

/* What the platform got of each: a repeated create that it refuses, because it has the record, becomes an update. */
static void look(void)
{
    struct map *by_event = map_new();
    const struct json *all = fake_received("coreldove", 0);

    for (size_t i = 0; i < posted_count; i++) {
        posted[i].received = 0;
        map_put(by_event, posted[i].event, strlen(posted[i].event), &posted[i]);
    }
    for (size_t i = 0; i < json_count(all); i++) {
        struct posted *one = find(by_event, json_at(all, i));
        int64_t at_us = pick_int(json_at(all, i), "/time_us");
        if (one && pick_int(json_at(all, i), "/status") == 409)
            continue;
        if (one && one->received++ == 0)
            one->first_us = at_us;
        if (one)
            one->last_us = at_us;
    }
    map_free(&by_event);
}

static int64_t unrouted(void)
{
    return sql_int("SELECT count(*) FROM sync_events WHERE status = 0");
}

static int64_t unfinished(void)
{
    return unrouted() + sql_int("SELECT count(*) FROM deliveries WHERE state IN (0, 1)");
}

/* Everything is delivered, once unless `again` says who may be repeated; the longest time from sending to its first receipt. */
static int64_t check_all(bool (*again)(const struct posted *one))
{
    int64_t longest_us = 0;

    flow_wait(unfinished() == 0, 20);
    look();
    for (size_t i = 0; i < posted_count; i++) {
        const struct posted *one = &posted[i];
        ck_assert_msg(one->received == 1 || (one->received == 2 && again && again(one)),
                      "event %zu, %s, came %d times", i, one->event, one->received);
        if (one->first_us - one->sent_us > longest_us)
            longest_us = one->first_us - one->sent_us;
    }
    return longest_us / 1000;
}

static int64_t owners(const char *stage)
{
    return sql_int("SELECT count(DISTINCT owner) FROM leases WHERE stage = '%s' AND until > now()", stage);
}

static int64_t held(const char *stage)
{
    return sql_int("SELECT count(*) FROM leases WHERE stage = '%s' AND until > now()", stage);
}

/* host:pid:start tells whose a partition is. */
static int64_t owned_by(const char *stage, const char *name)
{
    return sql_int("SELECT count(*) FROM leases WHERE stage = '%s' AND until > now() AND split_part(owner, "
                   "':', 2) = '%ld'",
                   stage, (long)stack_pid(name));
}

static int64_t owned_at_least(const char *stage)
{
    return sql_int("SELECT COALESCE(min(n), 0) FROM (SELECT count(*) AS n FROM leases WHERE stage = '%s' AND "
                   "until > now() GROUP BY owner) o",
                   stage);
}

START_TEST(replicas_that_are_started_later_own_a_third_each_within_seconds)
{
    static const char *const stages[][2] = {{"worker-coreldove", "worker-coreldove-3"},
                                            {"router", "router-3"}};

    for (size_t i = 0; i < COUNT(stages); i++) {
        flow_wait(owners(stages[i][0]) == 2 && held(stages[i][0]) == PARTITIONS, 10);
        stack_start(stages[i][1]);
        flow_wait(owners(stages[i][0]) == 3 && held(stages[i][0]) == PARTITIONS &&
                      owned_at_least(stages[i][0]) >= 4,
                  3);
    }
}
END_TEST

START_TEST(owners_leases_and_fences_are_shown_to_who_watches_all_tenants_alone)
{
    const struct json *leases =
        pick(api_send(&(struct api_request){.url = "/sync/status", .token = api_token("*", "viewer")})->json,
             "/leases");
    size_t routers = 0;

    for (size_t i = 0; i < json_count(leases); i++) {
        const struct json *lease = json_at(leases, i);
        if (strcmp(pick_text(lease, "/stage"), "router") != 0)
            continue;
        routers++;
        ck_assert_int_eq(
            sql_int("SELECT count(*) FROM leases WHERE stage = 'router' AND partition = %lld AND "
                    "owner = '%s' AND fence = %lld",
                    (long long)pick_int(lease, "/partition"), pick_text(lease, "/owner"),
                    (long long)pick_int(lease, "/fence")),
            1);
        ck_assert_ptr_nonnull(pick_text(lease, "/until"));
    }
    ck_assert_uint_eq(routers, PARTITIONS);
    pick_equal(
        api_send(&(struct api_request){.url = "/sync/status", .token = api_token(API_TENANT, "viewer")})
            ->json,
        "/leases", "absent");
}
END_TEST

/* Beats come every 750 ms: without word from the leaver, its partitions would rest for up to that long. */
START_TEST(a_replica_that_is_told_to_end_hands_over_without_a_pause)
{
    static const char *const leavers[] = {"worker-coreldove-3", "router-3"};

    for (size_t i = 0; i < COUNT(leavers); i++) {
        posted_count = 0;
        post_for(100, leavers[i]);
        stack_signal(leavers[i], SIGTERM);
        post_for(700, leavers[i]);
        int64_t longest_ms = check_all(NULL);
        ck_assert_msg(longest_ms < 500 * flow_patience(), "%s: an event took %lld ms", leavers[i],
                      (long long)longest_ms);
        flow_wait(!stack_running(leavers[i]), 5);
    }
}
END_TEST

static int64_t struck_us; /* when a process was killed or stopped */

/* On its way when its owner was struck: nobody knows whether it arrived. */
static bool was_in_flight(const struct posted *one)
{
    return one->first_us <= struck_us;
}

static bool all_are_owned_by(const char *stage, const char *name)
{
    return owned_by(stage, name) == PARTITIONS;
}

static void check_taken_over_in_time(void)
{
    flow_wait(all_are_owned_by("worker-coreldove", "worker-coreldove-2") &&
                  all_are_owned_by("router", "router-2"),
              10);
    int64_t took_ms = (clock_wall_us() - struck_us) / 1000;
    ck_assert_msg(took_ms <= LEASE_MS + 300 * flow_patience(), "taken over after %lld ms",
                  (long long)took_ms);
}

/* Of one partition, what was pending is sent before what came later. */
static void check_pending_came_first(size_t before)
{
    int64_t latest_us[PARTITIONS] = {0};
    char *partitions = (char *)(uintptr_t)sql_text(
        "SELECT string_agg(partition::text, ' ' ORDER BY seq) FROM sync_events WHERE id >= '%s'",
        posted[0].event);

    for (size_t i = 0; i < posted_count; i++) {
        long partition = strtol(partitions, &partitions, 10);
        if (i < before && posted[i].last_us > latest_us[partition])
            latest_us[partition] = posted[i].last_us;
        if (i >= before)
            ck_assert_msg(posted[i].first_us >= latest_us[partition], "event %zu overtook its partition", i);
    }
}

static void post_many(const char *prefix, int count)
{
    for (int i = 0; i < count; i++)
        post(prefix);
}

START_TEST(what_killed_ones_left_is_taken_over_in_time_and_finished_first)
{
    posted_count = 0;
    fake_reset("coreldove");
    fake_control("coreldove", "{\"rules\":[{\"delay_ms\":1500,\"times\":60}]}");
    post_many("pending", 60);
    flow_wait(fake_total("coreldove") >= 12 && unrouted() == 0, 5);
    struck_us = clock_wall_us();
    kill(stack_pid("worker-coreldove"), SIGKILL);
    kill(stack_pid("router"), SIGKILL);
    fake_control("coreldove", "{\"rules\":[]}");
    post_many("later", 60);
    check_taken_over_in_time();
    check_all(was_in_flight);
    check_pending_came_first(60);
    stack_start("worker-coreldove");
    stack_start("router");
}
END_TEST

/* Hands are full and answers lie in sockets when they wake up; others have all of their partitions by then. */
START_TEST(those_who_wake_up_too_late_change_nothing_and_start_no_request)
{
    flow_wait(owners("worker-coreldove") == 2 && owners("router") == 2, 5);
    posted_count = 0;
    fake_reset("coreldove");
    fake_control("coreldove", "{\"rules\":[{\"delay_ms\":100}]}");
    post_many("held", 100);
    flow_wait(fake_total("coreldove") >= 20, 5);
    stack_signal("router", SIGSTOP);
    stack_signal("worker-coreldove", SIGSTOP);
    usleep(20000); /* what it wrote is with the platform */
    struck_us = clock_wall_us();
    post_many("meanwhile", 50);
    check_taken_over_in_time();
    stack_signal("worker-coreldove", SIGCONT);
    stack_signal("router", SIGCONT);
    post_many("awake", 50);
    check_all(was_in_flight);
    flow_wait(owners("worker-coreldove") == 2 && owners("router") == 2, 5);
    ck_assert_int_ge(stack_log_count("worker-coreldove", "lease ran out"), PARTITIONS / 2);
    ck_assert_int_ge(stack_log_count("router", "lease ran out"), PARTITIONS / 2);
    /* What happened is on record, though it changed no state. */
    ck_assert_int_ge(sql_int("SELECT count(*) FROM sync_results WHERE error LIKE 'the partition went to %%'"),
                     1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE state <> 2"), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM records WHERE version <> 1"), 0);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=300ms", "LEASE_SECONDS=3s", "SYNC_INTERVAL_SECONDS=1s",
                                      NULL};
    static const struct stack_options options = {
        .env = env,
        .replicas = "worker-coreldove=2,router=2,worker-bizosaas=0,worker-bizoholic=0,resolver=0,monitor=0"};

    return flow_run("replicas", &options,
                    (const TTest *[]){replicas_that_are_started_later_own_a_third_each_within_seconds,
                                      owners_leases_and_fences_are_shown_to_who_watches_all_tenants_alone,
                                      a_replica_that_is_told_to_end_hands_over_without_a_pause,
                                      what_killed_ones_left_is_taken_over_in_time_and_finished_first,
                                      those_who_wake_up_too_late_change_nothing_and_start_no_request, NULL});
}
