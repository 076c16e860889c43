/* flow_belt.c: what hands and accidents do to the belt: foreign entries, keys of another type, everything gone. */
#include "flow_fixture.h"

static const char *post(const char *id)
{
    return api_event(
        "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
        "[\"coreldove\"],\"data\":{\"user_id\":\"%s\",\"email\":\"e@example.com\",\"name\":\"N\"}}",
        id);
}

START_TEST(an_entry_put_in_by_hand_is_parked_with_its_reason_and_harms_nobody)
{
    redis_line("XADD events:high:{p03} * hello world");
    redis_line("XADD deliver:coreldove:low:{p01} * v 1 r nonsense");
    flow_wait(sql_int("SELECT count(*) FROM sync_errors") == 2, 10);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM sync_errors WHERE stream = 'events:high:{p03}' AND reason <> ''"), 1);
    flow_wait(redis_number("XLEN events:high:{p03}") == 0, 10);
    api_await(post("after-poison"), "completed");
}
END_TEST

START_TEST(an_entry_of_a_newer_version_is_left_for_a_newer_process)
{
    redis_line("XADD events:low:{p05} * v 2 x y");
    api_await(post("after-newer"), "completed");
    flow_wait(redis_line("XPENDING events:low:{p05} sync")[1] == '1', 10);
    ck_assert_int_eq(redis_number("XLEN events:low:{p05}"), 1);
    redis_line("DEL events:low:{p05}");
}
END_TEST

START_TEST(a_key_of_another_type_is_put_aside_and_everything_flows_on)
{
    double before = stack_metric("router", "sync_belt_repairs_total{what=\"key\"}");

    for (int p = 0; p < 16; p++) {
        redis_line("DEL events:normal:{p%02d} on:deliver:coreldove:normal:{p%02d} owner:router:{p%02d}", p, p,
                   p);
        redis_line("SET events:normal:{p%02d} text", p);
        redis_line("SET on:deliver:coreldove:normal:{p%02d} text", p);
        redis_line("SET owner:router:{p%02d} text", p);
    }
    redis_line("DEL activity");
    redis_line("LPUSH activity x");
    api_await(post("beside-text"), "completed");
    for (int p = 0; p < 16; p++) {
        flow_wait(strcmp(redis_line("GET aside:events:normal:{p%02d}", p), "text") == 0, 10);
        flow_wait(strcmp(redis_line("GET aside:on:deliver:coreldove:normal:{p%02d}", p), "text") == 0, 10);
        flow_wait(strcmp(redis_line("GET aside:owner:router:{p%02d}", p), "text") == 0, 10);
    }
    ck_assert(stack_metric("router", "sync_belt_repairs_total{what=\"key\"}") >= before + 32);
    ck_assert_int_ge(stack_log_count("router", "aside:"), 32);
    api_await(post("after-text"), "completed");
    flow_wait(strcmp(redis_line("TYPE activity"), "stream") == 0, 10);
}
END_TEST

START_TEST(events_flow_on_after_everything_was_flushed)
{
    redis_line("FLUSHALL");
    api_await(post("after-flush"), "completed");
}
END_TEST

int main(void)
{
    return flow_run("belt", NULL,
                    (const TTest *[]){an_entry_put_in_by_hand_is_parked_with_its_reason_and_harms_nobody,
                                      an_entry_of_a_newer_version_is_left_for_a_newer_process,
                                      a_key_of_another_type_is_put_aside_and_everything_flows_on,
                                      events_flow_on_after_everything_was_flushed, NULL});
}
