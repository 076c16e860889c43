/* flow_slow_store.c: PostgreSQL is there and slow: events wait for their commit, and who waits in vain is told the truth. */
#include <string.h>
#include <sys/wait.h>

#include "flow_fixture.h"

#define WAITING 4

static const char *body_of(const char *id)
{
    return api_text("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                    "[\"coreldove\"],\"data\":{\"id\":\"%s\",\"email\":\"s@example.com\",\"name\":\"S\"}}",
                    id);
}

/* Nobody writes events meanwhile; nobody tries to, either, once the ones of before are through. */
static pid_t hold_commits(int seconds)
{
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE status < 2") == 0, 20);
    pid_t child = fork();

    if (child == 0) {
        sql_do("BEGIN; LOCK TABLE sync_events IN SHARE MODE; SELECT pg_sleep(%d); COMMIT", seconds);
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    flow_wait(sql_int("SELECT count(*) FROM pg_locks WHERE relation = 'sync_events'::regclass AND mode = "
                      "'ShareLock' AND granted") == 1,
              10);
    return child;
}

/* The event whose commit runs, until it has stood at the lock. */
static pid_t post_first(const char *id)
{
    pid_t child = fork();

    if (child == 0) {
        api_post("/sync/events", body_of(id));
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    flow_wait(sql_int("SELECT count(*) FROM pg_locks WHERE relation = 'sync_events'::regclass AND NOT "
                      "granted") > 0,
              10);
    return child;
}

static void post_behind(const char *name, const struct api_answer **answers)
{
    struct api_request requests[WAITING];

    for (int i = 0; i < WAITING; i++)
        requests[i] = (struct api_request){.url = "/sync/events", .body = body_of(api_text("%s%d", name, i))};
    api_send_together(requests, answers, WAITING);
}

static int64_t stored(const char *name)
{
    return sql_int("SELECT count(*) FROM sync_events WHERE entity_id LIKE '%s%%'", name);
}

START_TEST(an_event_waits_for_a_slow_database_and_is_stored)
{
    const struct api_answer *answers[WAITING];
    pid_t lock = hold_commits(3), first = post_first("first-slow");

    post_behind("slow", answers);
    for (int i = 0; i < WAITING; i++)
        ck_assert_msg(answers[i]->status == 200, "%d %s", answers[i]->status, answers[i]->body);
    ck_assert_int_eq(stored("slow"), WAITING);
    ck_assert_int_eq(waitpid(first, NULL, 0), first);
    ck_assert_int_eq(waitpid(lock, NULL, 0), lock);
}
END_TEST

START_TEST(an_event_that_waited_in_vain_is_503_overloaded_and_not_stored)
{
    const struct api_answer *answers[WAITING];
    pid_t lock = hold_commits(8), first = post_first("first-late");

    post_behind("late", answers);
    for (int i = 0; i < WAITING; i++) {
        ck_assert_msg(answers[i]->status == 503, "%d %s", answers[i]->status, answers[i]->body);
        ck_assert_str_eq(pick_text(answers[i]->json, "/type"), "urn:data-sync:problem:overloaded");
        ck_assert_ptr_nonnull(strstr(pick_text(answers[i]->json, "/detail"), "nothing was stored"));
        ck_assert_str_eq(api_header(answers[i], "Retry-After"), "1");
        ck_assert_msg(answers[i]->took_us > 4900000, "after %lld us", (long long)answers[i]->took_us);
    }
    flow_wait(stack_log_count("api-gateway", "events refused after waiting") > 0, 3);
    ck_assert_int_eq(stack_log_count("api-gateway", "the database is away"), 0);
    ck_assert_int_eq(waitpid(lock, NULL, 0), lock);
    ck_assert_int_eq(waitpid(first, NULL, 0), first);
    api_event("%s", body_of("after-late"));
    ck_assert_int_eq(stored("late"), 0);
}
END_TEST

START_TEST(without_the_database_an_event_is_503_unavailable_within_a_second)
{
    stack_stop("postgres");
    const struct api_answer *answer = api_post("/sync/events", body_of("away"));

    ck_assert_int_eq(answer->status, 503);
    ck_assert_str_eq(pick_text(answer->json, "/type"), "urn:data-sync:problem:unavailable");
    ck_assert_msg(answer->took_us < 1000000 * flow_patience(), "after %lld us", (long long)answer->took_us);
    flow_wait(stack_log_count("api-gateway", "the database is away") > 0, 3);
    stack_start("postgres");
}
END_TEST

int main(void)
{
    return flow_run("slow_store", NULL,
                    (const TTest *[]){an_event_waits_for_a_slow_database_and_is_stored,
                                      an_event_that_waited_in_vain_is_503_overloaded_and_not_stored,
                                      without_the_database_an_event_is_503_unavailable_within_a_second,
                                      NULL});
}
