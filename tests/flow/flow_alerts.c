/* flow_alerts.c: alerts: raised and resolved, kept through the loss of whoever raised them, told, and shown to whom they concern. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "alert_fixture.h"
#include "flow_fixture.h"

static const char *post(const char *type, const char *data)
{
    return api_event(
        "{\"event_type\":\"%s\",\"source_platform\":\"bizoholic\",\"target_platforms\":[\"coreldove\"],"
        "\"tenant_id\":\"" API_TENANT "\",\"max_retries\":0,\"data\":%s}",
        type, data);
}

static void forbid(const char *path, const char *more)
{
    fake_control("coreldove",
                 api_text("{\"rules\":[{\"match\":{\"path\":\"%s\"},\"status\":403%s}]}", path, more));
}

/* ── raised and resolved ── */

START_TEST(a_breaker_that_stays_open_is_told_and_resolved_when_the_platform_returns)
{
    const char *events[10];

    stack_kill("fake-platform-coreldove");
    for (size_t i = 0; i < COUNT(events); i++)
        events[i] = post("user_created",
                         api_text("{\"id\":\"brk%zu\",\"email\":\"b@example.com\",\"name\":\"N\"}", i));
    pick_check(alert_await("coreldove", "coreldove does not answer as it should", 15), "/level", "critical");
    stack_start("fake-platform-coreldove");
    for (size_t i = 0; i < COUNT(events); i++)
        api_await(events[i], "completed");
    alert_await_end("coreldove", "coreldove does not answer", 10);
}
END_TEST

START_TEST(an_alert_outlives_the_worker_that_raised_it_and_is_resolved_by_the_next)
{
    forbid("/api/sync/campaign/create", "");
    const char *event = post("campaign_created", "{\"id\":\"heir\",\"name\":\"C\",\"status\":\"active\"}");
    alert_await("coreldove", "/api/sync/campaign/create is paused", 10);
    stack_kill("worker-coreldove");
    fake_control("coreldove", "{\"rules\":[]}");
    stack_start("worker-coreldove");
    api_await(event, "completed");
    alert_await_end("coreldove", "/api/sync/campaign/create is paused", 15);
}
END_TEST

START_TEST(an_alert_of_a_time_without_postgres_is_written_on_its_return)
{
    forbid("/api/sync/lead/delete", ",\"delay_ms\":700");
    api_await(post("lead_created", "{\"id\":\"dark\",\"email\":\"d@example.com\",\"status\":\"new\"}"),
              "completed");
    int64_t before = fake_total("coreldove");
    const char *event = post("lead_deleted", "{\"id\":\"dark\"}");
    flow_wait(fake_count("coreldove", before, "/body/event_id", event) > 0, 10);
    stack_kill("postgres");
    flow_wait(stack_log_count("worker-coreldove", "/api/sync/lead/delete") > 0, 10);
    stack_start("postgres");
    flow_wait(api_is_ready(), 20);
    flow_wait(
        sql_int("SELECT count(*) FROM sync_alerts WHERE key = 'coreldove route /api/sync/lead/delete'") == 1,
        20);
    fake_control("coreldove", "{\"rules\":[]}");
    api_await(event, "completed");
}
END_TEST

/* ── who is told ── */

/* Everything said on the channels from now on goes into a file. */
static pid_t listen_to_channels(const char *path)
{
    char command[1024];
    pid_t pid;

    snprintf(command, sizeof command,
             "exec redis-cli -u '%s' --no-auth-warning subscribe alerts:new alerts:resolved >%s",
             stack_setting("REDIS_URL"), path);
    if ((pid = fork()) == 0) {
        execlp("sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    flow_wait(redis_number("PUBLISH alerts:new {}") > 0, 5);
    return pid;
}

static int count_lines(const char *path, const char *one, const char *two)
{
    char line[2048];
    int count = 0;
    FILE *file = fopen(path, "r");

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, one) && strstr(line, two);
    fclose(file);
    return count;
}

START_TEST(channels_carry_each_alert_and_its_end)
{
    const char *path = api_text("%s/told", stack_dir());
    pid_t pid = listen_to_channels(path);

    forbid("/api/sync/product/delete", ",\"times\":1");
    api_await(post("product_created", "{\"id\":\"chan\",\"name\":\"P\",\"price\":1}"), "completed");
    api_await(post("product_deleted", "{\"id\":\"chan\"}"), "completed");
    flow_wait(count_lines(path, "/api/sync/product/delete is paused", "\"resolved\"") == 1, 5);
    ck_assert_int_eq(count_lines(path, "/api/sync/product/delete is paused", "\"active\""), 1);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    unlink(path);
}
END_TEST

static size_t alerts_seen(const char *tenant, const char *title)
{
    const struct api_answer *answer = api_send(
        &(struct api_request){.url = "/sync/alerts?limit=200", .token = api_token(tenant, "viewer")});
    const struct json *alerts = pick(answer->json, "/alerts");
    size_t seen = 0;

    ck_assert_int_eq(answer->status, 200);
    for (size_t i = 0; i < json_count(alerts); i++)
        if (strstr(pick_text(json_at(alerts, i), "/title"), title)) {
            seen++;
            if (strcmp(tenant, "*") != 0 && !pick(json_at(alerts, i), "/tenant_id"))
                ck_assert_ptr_null(pick(json_at(alerts, i), "/resolution_note"));
        }
    return seen;
}

START_TEST(a_tenant_sees_its_own_alerts_and_those_that_tell_nothing_of_others)
{
    static const struct {
        const char *tenant, *shared, *title;
        size_t own, other, all;
    } rows[] = {
        {"'" API_TENANT "'", "false", "of one tenant", 1, 0, 1},
        {"NULL", "false", "of the service alone", 0, 0, 1},
        {"NULL", "true", "of the service for all", 1, 1, 1},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        sql_do("INSERT INTO sync_alerts (id, key, level, title, message, tenant_id, shared, status, "
               "resolution_note, "
               "resolved_at) VALUES (gen_random_uuid(), 'see%zu', 'warning', '%s', 'm', %s, %s, 'resolved', "
               "'a note', now())",
               i, rows[i].title, rows[i].tenant, rows[i].shared);
        ck_assert_uint_eq(alerts_seen(API_TENANT, rows[i].title), rows[i].own);
        ck_assert_uint_eq(alerts_seen("another", rows[i].title), rows[i].other);
        ck_assert_uint_eq(alerts_seen("*", rows[i].title), rows[i].all);
    }
}
END_TEST

START_TEST(alerts_are_filtered_and_paged)
{
    static const char *const refused[] = {"status=open", "level=fatal", "platform=amazon",
                                          "cursor=x",    "limit=0",     "limit=many"};
    const char *cursor = NULL;
    int64_t all = sql_int("SELECT count(*) FROM sync_alerts"), seen = 0;

    do {
        const struct api_answer *page = api_send(&(struct api_request){
            .url = api_text("/sync/alerts?limit=2%s%s", cursor ? "&cursor=" : "", cursor ? cursor : ""),
            .token = api_token("*", "viewer")});
        ck_assert_int_eq(page->status, 200);
        seen += (int64_t)json_count(pick(page->json, "/alerts"));
        cursor = pick_text(page->json, "/next_cursor");
    } while (cursor && seen <= all);
    ck_assert_int_eq(seen, all);
    for (size_t i = 0; i < COUNT(refused); i++)
        ck_assert_msg(api_get("/sync/alerts?%s", refused[i])->status == 422, "%s", refused[i]);
    ck_assert_uint_eq(json_count(pick(api_get("/sync/alerts?platform=bizosaas")->json, "/alerts")), 0);
    ck_assert_uint_eq(
        json_count(pick(api_get("/sync/alerts?level=critical&status=resolved")->json, "/alerts")), 1);
    ck_assert_int_eq(api_get("/sync/alerts?tenant_id=another")->status, 404);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=300ms", "REQUEST_TIMEOUT=3s", "BREAKER_ALERT=2s",
                                      "LEASE_SECONDS=2s", NULL};
    static const struct stack_options options = {.env = env};

    return flow_run(
        "alerts", &options,
        (const TTest *[]){a_breaker_that_stays_open_is_told_and_resolved_when_the_platform_returns,
                          an_alert_outlives_the_worker_that_raised_it_and_is_resolved_by_the_next,
                          an_alert_of_a_time_without_postgres_is_written_on_its_return,
                          channels_carry_each_alert_and_its_end,
                          a_tenant_sees_its_own_alerts_and_those_that_tell_nothing_of_others,
                          alerts_are_filtered_and_paged, NULL});
}
