/* flow_belt.c: what hands and accidents do to the belt: foreign entries, keys of another type, everything gone. */
#include <stdio.h>

#include "flow_fixture.h"

static const char *post(const char *id)
{
    return api_event(
        "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
        "[\"coreldove\"],\"data\":{\"user_id\":\"%s\",\"email\":\"e@example.com\",\"name\":\"N\"}}",
        id);
}

/* Clock ticks (1/100 s) of processor time that a process has used. */
static long ticks_of(const char *name)
{
    char path[64];
    unsigned long user = 0, system = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)stack_pid(name));
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(
        fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    fclose(file);
    return (long)(user + system);
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

START_TEST(a_key_of_another_type_spins_no_core_and_is_forgotten_once_it_is_gone)
{
    for (int p = 0; p < 16; p++) {
        redis_line("DEL events:normal:{p%02d}", p);
        redis_line("SET events:normal:{p%02d} text", p);
    }
    const char *event = post("beside-text"); /* its hint is refused: it waits in PostgreSQL */
    flow_wait(stack_log_count("router", "read refused") > 16, 20);
    long before = ticks_of("router");
    int64_t began = clock_mono_ms();
    flow_wait(clock_mono_ms() - began >= 2000, 10);
    ck_assert_msg(ticks_of("router") - before < 50 * flow_patience(), "the router used %ld ticks in 2 s",
                  ticks_of("router") - before);
    for (int p = 0; p < 16; p++)
        redis_line("DEL events:normal:{p%02d}", p);
    api_await(event, "completed");
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
                                      a_key_of_another_type_spins_no_core_and_is_forgotten_once_it_is_gone,
                                      events_flow_on_after_everything_was_flushed, NULL});
}
