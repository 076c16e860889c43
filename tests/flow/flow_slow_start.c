/*
 * flow_slow_start.c: a platform that was away and is back with a backlog is not run over: two replicas together begin with a tenth of
 * the window and at most double it each second, and fresh events do not wait behind the backlog.
 */
#include <stdlib.h>

#include "flow_fixture.h"

#define WINDOW 40
#define DELAY_MS 100
#define BACKLOG 1000
#define FRESH_MS 2000

static int64_t times[10000];

static const char *bulk(const char *prefix, int from, int count)
{
    struct buf body = BUF_INIT;

    buf_add_str(&body, "{\"events\":[");
    for (int i = from; i < from + count; i++)
        buf_addf(&body,
                 "%s{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
                 "\"bizosaas\"],\"tenant_id\":\"" API_TENANT
                 "\",\"data\":{\"id\":\"%s%d\",\"email\":\"s@example.com\",\"name\":\"N\"}}",
                 i > from ? "," : "", prefix, i);
    buf_add_str(&body, "]}");
    return pick_keep(buf_detach(&body, NULL));
}

static void post(const char *prefix, int from, int count)
{
    const struct api_answer *answer = api_post("/sync/events/bulk", bulk(prefix, from, count));

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

/* When what the platform took arrived, after that seq, in order. */
static size_t arrivals(int64_t after)
{
    const struct json *all = fake_received("bizosaas", after);
    size_t count = 0;

    for (size_t i = 0; i < json_count(all) && count < COUNT(times); i++)
        if (pick_int(json_at(all, i), "/status") < 300)
            times[count++] = pick_int(json_at(all, i), "/time_us");
    qsort(times, count, sizeof *times, by_value);
    return count;
}

static bool idle(void)
{
    return sql_int("SELECT count(*) FROM sync_events WHERE status < 2") == 0;
}

static bool both_work(void)
{
    return sql_int("SELECT count(DISTINCT owner) FROM leases WHERE stage = 'worker-bizosaas' AND until > "
                   "now()") == 2 &&
           sql_int("SELECT jsonb_array_length(shared->'replicas') FROM platform_status WHERE platform = "
                   "'bizosaas' AND route = ''") == 2;
}

static void grow_the_window(void)
{
    flow_wait(both_work(), 10);
    fake_control("bizosaas", "{\"rules\":[{\"delay_ms\":20}]}");
    post("grow", 0, 900);
    flow_wait(idle(), 15);
    flow_wait(
        sql_int("SELECT round((shared->>'window')::numeric)::int8 FROM platform_status WHERE platform = "
                "'bizosaas' AND route = ''") == WINDOW,
        5);
}

static void check_growth(int64_t back_us, size_t count)
{
    size_t from = 0, seen = 0;

    for (size_t i = 0; i < count; i++) {
        if (times[i] <= back_us)
            continue;
        while (times[from] + (DELAY_MS - 5) * 1000 <= times[i])
            from++;
        int64_t second = (times[i] - back_us) / 1000000;
        double allowed = WINDOW / 10.0 * (double)(1 << (second < 10 ? second : 10));
        if (allowed > WINDOW)
            allowed = WINDOW;
        seen = i - from + 1 > seen ? i - from + 1 : seen;
        /* An eighth besides: what one replica has under way while its part has gone to the other. */
        ck_assert_msg((double)(i - from + 1) <= allowed + allowed / 8,
                      "%zu together %lld ms after it came back", i - from + 1,
                      (long long)(times[i] - back_us) / 1000);
    }
    ck_assert_uint_ge(seen, WINDOW / 3); /* and it grows, as far as a busy machine goes along */
}

START_TEST(a_platform_that_is_back_gets_a_tenth_first_and_at_most_twice_as_much_each_second)
{
    int64_t fresh_us[200], worst = 0, posted = 0;
    size_t late = 0;

    grow_the_window();
    fake_control("bizosaas", "{\"rules\":[{\"status\":503}]}");
    post("wait", 0, BACKLOG);
    flow_wait(
        sql_int("SELECT count(*) FROM platform_status WHERE platform = 'bizosaas' AND route = '' AND state "
                "<> 'closed'") == 1,
        10);
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE status = 0") == 0, 10);
    int64_t after = fake_total("bizosaas");
    fake_control("bizosaas", api_text("{\"rules\":[{\"delay_ms\":%d}]}", DELAY_MS));
    flow_wait(arrivals(after) > 1, 10); /* the probe, and what follows its answer */
    for (int64_t end = clock_mono_ms() + 5000; clock_mono_ms() < end && posted < (int64_t)COUNT(fresh_us);) {
        fresh_us[posted] = clock_wall_us();
        post("fresh", (int)posted++, 1);
        usleep(60000);
    }
    flow_wait(idle(), 40);
    size_t count = arrivals(after);
    int64_t back_us = times[0] + DELAY_MS * 1000 - 5000;
    check_growth(back_us, count);
    for (int64_t i = 0; i < posted; i++) {
        const struct json *entry =
            fake_find("bizosaas", after, "/body/data/user_id", api_text("fresh%lld", (long long)i), 0);
        ck_assert_ptr_nonnull(entry);
        int64_t took = pick_int(entry, "/time_us") - fresh_us[i];
        worst = took > worst ? took : worst;
        late += took > FRESH_MS * 1000;
    }
    ck_assert_msg(late * 100 <= (size_t)posted, "%zu of %lld fresh events late, one by %lld ms", late,
                  (long long)posted, (long long)worst / 1000);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE state = 5"), 0);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"MAX_CONCURRENT_SYNCS=40", "RETRY_SCHEDULE=300ms", "LEASE_SECONDS=2s",
                                      "REQUEST_TIMEOUT=3s", NULL};
    static const struct stack_options options = {.env = env, .replicas = "worker-bizosaas=2"};

    return flow_run(
        "slow start", &options,
        (const TTest *[]){a_platform_that_is_back_gets_a_tenth_first_and_at_most_twice_as_much_each_second,
                          NULL});
}
