/*
 * flow_handouts.c: an event on which every worker ends is handled alone the third time, and parked at the fourth; the others of its
 * entry are delivered. Workers that end for other reasons take nothing along that they did not begin.
 *
 * One partition, and events accepted together, so that they stand in one entry. The worker is killed by this test at the moment when
 * the platform receives the poison.
 */
#include "flow_fixture.h"
#include "mem.h"

#define EVENTS 30
#define WORKER "worker-coreldove"

static const char *events[EVENTS];

static void post(const char *prefix)
{
    struct buf body = BUF_INIT;
    const struct api_answer *answer;

    for (size_t i = 0; i < EVENTS; i++)
        buf_addf(
            &body,
            "%c{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
            "\"coreldove\"],\"data\":{\"user_id\":\"%s-%zu\",\"email\":\"e@example.com\",\"name\":\"n\"}}",
            i ? ',' : '[', prefix, i);
    buf_add_ch(&body, ']');
    answer = api_post("/sync/events/bulk", body.data);
    buf_release(&body);
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    for (size_t i = 0; i < EVENTS; i++)
        events[i] = pick_text(answer->json, api_text("/results/%zu/event_id", i));
}

static int64_t in_state(int state)
{
    return sql_int("SELECT count(*) FROM deliveries WHERE state = %d AND event_id >= '%s'", state, events[0]);
}

static int64_t pending_entries(void)
{
    const char *line = redis_line("XPENDING deliver:coreldove:normal:{p00} sync");

    return strtoll(line + 1, NULL, 10);
}

static void end_worker(void)
{
    stack_kill(WORKER);
    stack_start(WORKER);
}

/* In one entry, or it is no test. */
static void check_packed(void)
{
    flow_wait(pending_entries() > 0, 10);
    ck_assert_int_eq(redis_number("XLEN deliver:coreldove:normal:{p00}"), 1);
}

START_TEST(whoever_every_worker_ends_on_is_parked_at_the_fourth_time_and_nobody_else)
{
    size_t received;

    fake_control("coreldove", "{\"rules\":[{\"match\":{\"id\":\"poison-4\"},\"action\":\"hang\"},"
                              "{\"delay_ms\":150}]}");
    post("poison");
    check_packed();
    for (received = 1; received <= 3; received++) {
        flow_wait(fake_count("coreldove", 0, "/body/event_id", events[4]) == received, 15);
        end_worker();
    }
    fake_control("coreldove", "{\"rules\":[{\"match\":{\"id\":\"poison-4\"},\"action\":\"hang\"}]}");
    flow_wait(in_state(2) == EVENTS - 1 && in_state(5) == 1, 15);
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", events[4]), 3);
    ck_assert_str_eq(sql_text("SELECT event_id::text FROM deliveries WHERE state = 5"), events[4]);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE error LIKE 'handed out several times%%'"),
                     1);
    ck_assert_str_eq(api_status(events[4]), "failed");
}
END_TEST

/* Whom the third death found alone may be its cause; the others were not begun. */
START_TEST(three_deaths_that_nobody_caused_cost_at_most_one)
{
    fake_reset("coreldove");
    fake_control("coreldove", "{\"rules\":[{\"action\":\"hang\"}]}");
    post("innocent");
    check_packed();
    for (int64_t deaths = 0, before = 0; deaths < 3; deaths++) {
        flow_wait(fake_total("coreldove") > before, 15);
        before = fake_total("coreldove");
        end_worker();
    }
    fake_control("coreldove", "{\"rules\":[]}");
    flow_wait(in_state(0) + in_state(1) == 0, 15);
    ck_assert_int_le(in_state(5), 1);
    ck_assert_int_ge(in_state(2), EVENTS - 1);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"PARTITIONS=1", "LEASE_SECONDS=1s", "SYNC_INTERVAL_SECONDS=1s",
                                      "REQUEST_TIMEOUT=60s", NULL};
    static const struct stack_options options = {
        .env = env, .replicas = "worker-bizosaas=0,worker-bizoholic=0,resolver=0,monitor=0"};

    return flow_run(
        "handouts", &options,
        (const TTest *[]){whoever_every_worker_ends_on_is_parked_at_the_fourth_time_and_nobody_else,
                          three_deaths_that_nobody_caused_cost_at_most_one, NULL});
}
