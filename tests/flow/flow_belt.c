/* flow_belt.c: the belt's rules, seen from outside, and what hands and accidents do to it: foreign entries, keys of another type,
 * everything gone. SYNC_INTERVAL_SECONDS is long here: what comes back soon was noticed, not found by the way. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_fixture.h"
#include "load_fixture.h"

#define WORKER "worker-coreldove"
#define WINDOW 20

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

/* ── what stands in Redis ── */

/* Of everything that Redis was told since it started. */
static bool redis_was_told(const char *text)
{
    const char *path = api_text("%s/redis/appendonlydir", stack_dir());
    DIR *dir = opendir(path);
    bool told = false;

    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *name = api_text("%s/%s", path, entry->d_name);
        FILE *file = strstr(entry->d_name, ".incr.aof") ? fopen(name, "r") : NULL;
        char *all = file ? pick_keep(malloc(16 << 20)) : NULL;
        size_t len = all ? fread(all, 1, 16 << 20, file) : 0;
        told |= len > 0 && memmem(all, len, text, strlen(text)) != NULL;
        if (file)
            fclose(file);
    }
    closedir(dir);
    return told;
}

START_TEST(redis_is_told_references_and_nothing_of_what_they_mean)
{
    const char *event = api_event(
        "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
        "\"coreldove\"],"
        "\"data\":{\"user_id\":\"very-own-id\",\"email\":\"hidden@example.com\",\"name\":\"Nomen Nescio\"}}");

    api_await(event, "completed");
    flow_wait(redis_was_told(event), 5);
    ck_assert(!redis_was_told("hidden@example.com"));
    ck_assert(!redis_was_told("Nomen Nescio"));
    ck_assert(!redis_was_told("very-own-id"));
}
END_TEST

/* ── the window ── */

static int64_t fullest_set(void)
{
    int64_t most = 0;

    for (int p = 0; p < 16; p++) {
        int64_t size = redis_number("SCARD on:deliver:coreldove:normal:{p%02d}", p);
        most = size > most ? size : most;
    }
    return most;
}

START_TEST(hints_fill_the_window_and_owners_leave_a_tenth_of_it)
{
    int64_t most = 0, now;

    load_begin("tenth");
    stack_signal(WORKER, SIGSTOP);
    load_post(400);
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE target = 'coreldove' AND state = 0") == 400, 10);
    flow_wait(fullest_set() == WINDOW, 10); /* and no further */
    fake_control("coreldove", "{\"rules\":[{\"delay_ms\":100}]}");
    redis_line("FLUSHALL"); /* from here on only the owner publishes */
    stack_signal(WORKER, SIGCONT);
    flow_wait(((void)(now = fullest_set()), most = now > most ? now : most,
               sql_int("SELECT count(*) FROM deliveries WHERE target = 'coreldove' AND state = 0") == 0),
              30);
    ck_assert_int_le(most, WINDOW * 9 / 10);
    ck_assert_int_gt(most, WINDOW / 2);
    fake_control("coreldove", "{\"rules\":[]}");
    load_check_delivered_once();
    belt_check_empty();
}
END_TEST

/* ── everything gone ── */

START_TEST(what_is_in_flight_when_everything_is_flushed_is_not_published_again)
{
    double published = stack_metric(WORKER, "sync_ready_published_total");
    int64_t copied = belt_repairs(WORKER, "lease");
    const char *events[8];

    fake_control("coreldove", "{\"rules\":[{\"delay_ms\":2500}]}");
    for (size_t i = 0; i < COUNT(events); i++)
        events[i] = post(api_text("in-flight-%zu", i));
    for (size_t i = 0; i < COUNT(events); i++)
        flow_wait(fake_find("coreldove", 0, "/body/event_id", events[i], 0) != NULL, 5);
    redis_line("FLUSHALL");
    flow_wait(belt_repairs(WORKER, "lease") >= copied + 16, 5);
    flow_wait(belt_look("deliver:coreldove:*").ids == 0, 1);
    ck_assert_str_ne(api_status(events[0]), "completed");
    for (size_t i = 0; i < COUNT(events); i++) {
        api_await(events[i], "completed");
        ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", events[i]), 1);
    }
    ck_assert(stack_metric(WORKER, "sync_ready_published_total") == published);
    fake_control("coreldove", "{\"rules\":[]}");
}
END_TEST

/* An entry far ahead leaves the doorbells listening where nothing will come for long: unless they start again at 0. */
START_TEST(after_everything_was_flushed_what_waited_comes_at_once_and_doorbells_ring)
{
    static const char *const streams[] = {"events", "deliver:coreldove"};
    int64_t parked = sql_int("SELECT count(*) FROM sync_errors"), began;

    for (size_t i = 0; i < COUNT(streams); i++)
        for (int p = 0; p < 16; p++)
            redis_line("XADD %s:normal:{p%02d} 99999999999999-0 far ahead", streams[i], p);
    flow_wait(sql_int("SELECT count(*) FROM sync_errors") == parked + 32, 10);
    load_begin("flush");
    stack_signal(WORKER, SIGSTOP);
    load_post(100);
    flow_wait(belt_look("deliver:coreldove:*").ids >= 100, 10);
    redis_line("FLUSHALL");
    stack_signal(WORKER, SIGCONT);
    flow_wait(load_completed() == 100, 8); /* far less than the interval of the sweep */
    load_check_delivered_once();
    began = clock_mono_ms();
    for (int i = 0; i < 10; i++)
        api_await(post(api_text("ring-%d", i)), "completed");
    ck_assert_msg(clock_mono_ms() - began < 5000 * flow_patience(), "ten events took %lld ms: nobody rang",
                  (long long)(clock_mono_ms() - began));
}
END_TEST

int main(void)
{
    static const char *const env[] = {"SYNC_INTERVAL_SECONDS=60s", "LEASE_SECONDS=20s", "STREAM_WINDOW=20",
                                      NULL};
    static const struct stack_options options = {.env = env};

    return flow_run(
        "belt", &options,
        (const TTest *[]){an_entry_put_in_by_hand_is_parked_with_its_reason_and_harms_nobody,
                          an_entry_of_a_newer_version_is_left_for_a_newer_process,
                          a_key_of_another_type_is_put_aside_and_everything_flows_on,
                          redis_is_told_references_and_nothing_of_what_they_mean,
                          hints_fill_the_window_and_owners_leave_a_tenth_of_it,
                          what_is_in_flight_when_everything_is_flushed_is_not_published_again,
                          after_everything_was_flushed_what_waited_comes_at_once_and_doorbells_ring, NULL});
}
