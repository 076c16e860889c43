/*
 * flow_shared_limits.c: three replicas of a platform's worker are one to the platform: together they keep to its window, its rate,
 * its breaker and its Retry-After, whoever of them got the answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "digest.h"
#include "flow_fixture.h"
#include "msg.h"

#define REPLICAS 3
#define PARTITIONS 16
#define WINDOW 12
#define RATE 120 /* leads a minute: 12 at once, then 108 in the minute that tokens may last */
#define DELAY_MS 200
#define BREAKER "sync_breaker_state{platform=\"bizosaas\"}"

static const char *const workers[REPLICAS] = {"worker-bizosaas", "worker-bizosaas-2", "worker-bizosaas-3"};
static char dir[160];

/* ── whose record is it ── */

static unsigned partition_of(const char *entity, const char *id)
{
    struct uuid record;

    digest_record_id(&record, API_TENANT, entity, id);
    return msg_partition(&record, PARTITIONS);
}

static const char *owner_of(unsigned partition)
{
    const char *owner = sql_text(
        "SELECT owner FROM leases WHERE stage = 'worker-bizosaas' AND partition = %u AND until > now()",
        partition);

    return owner ? owner : "";
}

static bool all_own(int64_t replicas)
{
    return sql_int("SELECT count(DISTINCT owner) FROM leases WHERE stage = 'worker-bizosaas' AND until > "
                   "now()") == replicas &&
           sql_int("SELECT count(*) FROM leases WHERE stage = 'worker-bizosaas' AND until > now()") ==
               PARTITIONS &&
           sql_int("SELECT jsonb_array_length(shared->'replicas') FROM platform_status WHERE platform = "
                   "'bizosaas' AND route = ''") == replicas;
}

/* ── posting and what arrived ── */

static void add(struct buf *body, const char *entity, const char *id)
{
    buf_addf(body,
             "%s{\"event_type\":\"%s_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
             "\"bizosaas\"],\"tenant_id\":\"" API_TENANT
             "\",\"data\":{\"id\":\"%s\",\"email\":\"l@example.com\",\"name\":\"N\",\"status\":\"new\"}}",
             body->len > 0 ? "," : "", entity, id);
}

static void post_all(struct buf *body)
{
    const struct api_answer *answer =
        api_post("/sync/events/bulk", api_text("{\"events\":[%s]}", body->data));

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    buf_release(body);
}

static void post_many(const char *entity, const char *prefix, int count)
{
    struct buf body = BUF_INIT;

    for (int i = 0; i < count; i++)
        add(&body, entity, api_text("%s%d", prefix, i));
    post_all(&body);
}

static void post_one(const char *entity, const char *id)
{
    struct buf body = BUF_INIT;

    add(&body, entity, id);
    post_all(&body);
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

/* When requests for this entity arrived after that seq, in order. */
static size_t arrivals(int64_t after, const char *entity, int64_t *times_us, size_t max)
{
    const struct json *all = fake_received("bizosaas", after);
    size_t count = 0;

    for (size_t i = 0; i < json_count(all) && count < max; i++)
        if (strstr(pick_text(json_at(all, i), "/path"), entity))
            times_us[count++] = pick_int(json_at(all, i), "/time_us");
    qsort(times_us, count, sizeof *times_us, by_value);
    return count;
}

static size_t came(int64_t after, const char *entity)
{
    static int64_t times[10000];

    return arrivals(after, entity, times, COUNT(times));
}

/* Nothing that was accepted is on its way. */
static void await_idle(void)
{
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE status < 2") == 0, 15);
}

/* ── breaker ── */

static int in_state(double least)
{
    int count = 0;

    for (int i = 0; i < REPLICAS; i++)
        count += stack_metric(workers[i], BREAKER) >= least;
    return count;
}

/* Records of one replica alone fail: the others learn it from that one, and one of them all probes. */
START_TEST(a_breaker_that_one_opens_is_open_in_all_within_a_second_and_one_of_them_probes)
{
    static int64_t times[1000];
    struct buf body = BUF_INIT;
    int64_t after = fake_total("bizosaas");
    const char *owner;

    flow_wait(all_own(REPLICAS), 10);
    owner = owner_of(partition_of("user", "brk0"));
    fake_control("bizosaas", "{\"rules\":[{\"status\":500}]}");
    for (int i = 0, n = 0; n < 10; i++)
        if (strcmp(owner_of(partition_of("user", api_text("brk%d", i))), owner) == 0)
            add(&body, "user", api_text("brk%d", i)), n++;
    post_all(&body);
    flow_wait(in_state(1) > 0, 5);
    int64_t open_ms = clock_mono_ms();
    flow_wait(in_state(1) == REPLICAS, 5);
    ck_assert_int_le(clock_mono_ms() - open_ms, 1000);

    int64_t before = fake_total("bizosaas");
    post_many("user", "all", 60); /* of all replicas */
    flow_wait(fake_total("bizosaas") >= before + 2, 8);
    size_t probes = arrivals(before, "user", times, COUNT(times));
    ck_assert_msg(times[probes - 1] - times[0] >= (int64_t)(probes - 1) * 950000, "%zu probes within %lld ms",
                  probes, (long long)(times[probes - 1] - times[0]) / 1000);
    fake_control("bizosaas", "{\"rules\":[]}");
    flow_wait(in_state(1) == 0, 10);
    await_idle();
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE target = 'bizosaas' AND state = 5"), 0);
    ck_assert_uint_ge(came(after, "user"), 70);
}
END_TEST

/* ── Retry-After ── */

static void http_date(time_t at, char *date, size_t size)
{
    strftime(date, size, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&at));
}

/* Events for all replicas come all the time; one answer to one of them asks for a pause. */
static void check_pause(const char *name, const char *retry_after, time_t until)
{
    static int64_t times[2000];
    int64_t after = fake_total("bizosaas"), asked_us = 0, end_us;
    const struct json *struck = NULL;
    bool flushed = false;

    fake_control(
        "bizosaas",
        api_text("{\"rules\":[{\"match\":{\"id\":\"%s30\"},\"times\":1,\"status\":429,\"retry_after\":"
                 "\"%s\"}]}",
                 name, retry_after));
    int64_t give_up_ms = clock_mono_ms() + (int64_t)(15000 * flow_patience());
    for (int i = 0; clock_mono_ms() < give_up_ms; i++) {
        post_one("user", api_text("%s%d", name, i));
        if (!struck &&
            (struck = fake_find("bizosaas", after, "/body/data/user_id", api_text("%s30", name), 0)))
            asked_us = pick_int(struck, "/time_us");
        if (struck && !flushed && clock_wall_us() > asked_us + 1100000) {
            redis_line("FLUSHALL");
            flushed = true;
        }
        if (flushed &&
            clock_wall_us() > (until > 0 ? (int64_t)until * 1000000 : asked_us + 2000000) + 1200000)
            break;
    }
    ck_assert_ptr_nonnull(struck);
    end_us = until > 0 ? (int64_t)until * 1000000 : asked_us + 2000000;
    size_t count = arrivals(after, "user", times, COUNT(times)), before = 0, first = 0;
    for (size_t i = 0; i < count; i++) {
        before += times[i] <= asked_us;
        ck_assert_msg(times[i] <= asked_us + 1000000 || times[i] >= end_us,
                      "one started %lld ms after the answer", (long long)(times[i] - asked_us) / 1000);
        if (!first && times[i] >= end_us)
            first = i;
    }
    ck_assert_uint_gt(before, 10);
    ck_assert_msg(first > 0 && times[first] <= end_us + 1000000, "the first came %lld ms after the end",
                  (long long)(times[first] - end_us) / 1000);
    await_idle();
}

START_TEST(no_replica_starts_anything_before_retry_after_ends_and_an_emptied_redis_forgets_no_pause)
{
    char date[64];
    time_t until;

    check_pause("secs", "2", 0);
    until = time(NULL) + 4;
    http_date(until, date, sizeof date);
    check_pause("date", date, until);
}
END_TEST

/* ── window ── */

/* The most that were at the platform together, each for DELAY_MS. */
static size_t most_together(const int64_t *times_us, size_t count)
{
    size_t most = 0;

    for (size_t i = 0, from = 0; i < count; i++) {
        while (times_us[from] + (DELAY_MS - 10) * 1000 <= times_us[i])
            from++;
        most = i - from + 1 > most ? i - from + 1 : most;
    }
    return most;
}

static size_t deliver_slowly(const char *prefix, int users)
{
    static int64_t times[2000];
    int64_t after = fake_total("bizosaas");

    fake_control("bizosaas", api_text("{\"rules\":[{\"delay_ms\":%d}]}", DELAY_MS));
    post_many("user", prefix, users);
    await_idle();
    return most_together(times, arrivals(after, "user", times, COUNT(times)));
}

START_TEST(all_together_start_no_more_than_the_window_and_a_dead_replicas_part_comes_back)
{
    size_t most = deliver_slowly("win", 150);

    ck_assert_uint_le(most, WINDOW);
    ck_assert_uint_ge(most, WINDOW * 3 / 4);
    for (int i = 0; i < REPLICAS; i++) /* each had its part in it */
        ck_assert_msg(stack_metric(workers[i],
                                   "sync_deliveries_total{platform=\"bizosaas\",outcome=\"delivered\"}") > 0,
                      "%s delivered nothing", workers[i]);
    stack_kill(workers[1]);
    flow_wait(all_own(REPLICAS - 1), 10);
    most = deliver_slowly("dead", 60);
    ck_assert_uint_le(most, WINDOW);
    ck_assert_uint_ge(most, WINDOW * 3 / 4);
    stack_start(workers[1]);
    flow_wait(all_own(REPLICAS), 10);
    fake_control("bizosaas", "{\"rules\":[]}");
}
END_TEST

/* ── rate ── */

START_TEST(all_together_keep_to_the_rate_of_an_entity)
{
    static int64_t times[1000];
    int64_t after = fake_total("bizosaas");

    post_many("lead", "rate", 60);
    flow_wait(came(after, "lead") >= 18, 15);
    size_t count = arrivals(after, "lead", times, COUNT(times));
    for (size_t i = 0; i < count; i++) { /* a second's worth may be lent ahead */
        double places = RATE / 10 + (double)(times[i] - times[0] + 1200000) / 1e6 * RATE * 0.9 / 60;
        ck_assert_msg((double)i < places + 1, "%zu came within %lld ms", i + 1,
                      (long long)(times[i] - times[0]) / 1000);
    }
    ck_assert_uint_lt(count, 60);
}
END_TEST

/* The shipped files, with a limit for bizosaas' leads. */
static void make_dir(void)
{
    const char *base = getenv("TMPDIR");
    char line[1000];

    snprintf(dir, sizeof dir, "%s/shared.XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(dir))
        exit(1);
    snprintf(line, sizeof line,
             "chmod 755 '%s' && cp config/platforms/*.conf '%s' && sed -i 's|^  lead: {|  lead: { "
             "rate_per_minute = %d;|' '%s/bizosaas.conf'",
             dir, dir, RATE, dir);
    if (system(line) != 0)
        exit(1);
}

int main(void)
{
    char variable[300], line[400];
    const char *const env[] = {variable,           "MAX_CONCURRENT_SYNCS=12", "RETRY_SCHEDULE=300ms",
                               "LEASE_SECONDS=2s", "REQUEST_TIMEOUT=3s",      NULL};
    const struct stack_options options = {.env = env, .replicas = "worker-bizosaas=3"};

    make_dir();
    snprintf(variable, sizeof variable, "PLATFORM_DIR=%s", dir);
    int status =
        flow_run("shared limits", &options,
                 (const TTest *[]){
                     a_breaker_that_one_opens_is_open_in_all_within_a_second_and_one_of_them_probes,
                     no_replica_starts_anything_before_retry_after_ends_and_an_emptied_redis_forgets_no_pause,
                     all_together_start_no_more_than_the_window_and_a_dead_replicas_part_comes_back,
                     all_together_keep_to_the_rate_of_an_entity, NULL});
    snprintf(line, sizeof line, "rm -f '%s'/*.conf && rmdir '%s'", dir, dir);
    return system(line) != 0 ? 1 : status;
}
