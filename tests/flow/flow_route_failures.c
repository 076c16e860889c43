/*
 * flow_route_failures.c: what is the platform's fault as a whole, and not an event's: nothing dies of it, people are told why, the
 * rest goes on, and when it is mended everything goes out in order.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "alert_fixture.h"
#include "flow_fixture.h"
#include "tls_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""

static const char *post(const char *type, const char *targets, const char *data)
{
    return api_event(
        "{\"event_type\":\"%s\",\"source_platform\":\"bizoholic\",\"target_platforms\":[%s]," TENANT
        ",\"max_retries\":0,\"data\":%s}",
        type, targets, data);
}

static const char *operators(const char *url)
{
    const struct api_answer *answer =
        api_send(&(struct api_request){.url = url, .token = api_token("*", "operator")});

    ck_assert_msg(answer->status == 200, "%s: %d %s", url, answer->status, answer->body);
    return answer->body;
}

static int64_t dead(void)
{
    return sql_int("SELECT count(*) FROM deliveries WHERE state = 5");
}

/* ── each cause, all at once, each on a route of its own ── */

static const struct {
    const char *entity, *path, *fault, *more, *title, *says;
} causes[] = {
    {"user", "/api/sync/user/create", "\"status\":401", "\"email\":\"u@example.com\",\"name\":\"N\"",
     "bizosaas cannot be reached with what we have", "401: the platform refuses our credential"},
    {"lead", "/api/sync/lead/create", "\"status\":403", "\"email\":\"l@example.com\",\"status\":\"new\"",
     "/api/sync/lead/create is paused", "403: the platform forbids this"},
    {"campaign", "/api/sync/campaign/create", "\"status\":404", "\"name\":\"C\",\"status\":\"active\"",
     "/api/sync/campaign/create is paused", "404: the platform has no such route"},
    {"product", "/api/sync/product/create", "\"status\":405", "\"name\":\"P\",\"price\":1",
     "/api/sync/product/create is paused", "405: the platform's route takes no such method"},
    {"order", "/api/sync/order/create", "\"action\":\"redirect\"", "\"amount\":1,\"status\":\"paid\"",
     "/api/sync/order/create is paused", "a redirect"},
    {"analytics", "/api/sync/analytics/update", "\"action\":\"html\"", "\"visits\":1",
     "/api/sync/analytics/update is paused", "HTML where JSON was due"},
};
#define CAUSES COUNT(causes)
#define RECORDS 3

static const char *posted[CAUSES][RECORDS], *updates[CAUSES];

static void post_all(const char *prefix)
{
    for (size_t i = 0; i < CAUSES; i++) {
        bool record = strcmp(causes[i].entity, "analytics") != 0;
        for (int n = 0; n < RECORDS; n++)
            posted[i][n] = post(api_text("%s_%s", causes[i].entity, record ? "created" : "updated"),
                                "\"bizosaas\",\"coreldove\"",
                                api_text("{\"id\":\"%s%zu-%d\",%s}", prefix, i, n, causes[i].more));
        updates[i] = record ? post(api_text("%s_updated", causes[i].entity), "\"bizosaas\",\"coreldove\"",
                                   api_text("{\"id\":\"%s%zu-0\",\"note\":\"second\"}", prefix, i))
                            : NULL;
    }
}

static void break_all(void)
{
    struct buf rules = BUF_INIT;

    for (size_t i = 0; i < CAUSES; i++)
        buf_addf(&rules, "%s{\"match\":{\"path\":\"%s\"},%s}", i ? "," : "", causes[i].path, causes[i].fault);
    fake_control("bizosaas", api_text("{\"rules\":[%s]}", rules.data));
    buf_release(&rules);
}

static void check_all_told(void)
{
    for (size_t i = 0; i < CAUSES; i++) {
        alert_await("bizosaas", causes[i].title, 10);
        const struct json *alert = alert_open("bizosaas", causes[i].title);
        ck_assert_msg(strstr(pick_text(alert, "/message"), causes[i].says), "%s: %s", causes[i].path,
                      pick_print(alert));
        pick_check(alert, "/level", "error");
        pick_check(alert, "/platform", "bizosaas");
        ck_assert_ptr_null(pick(alert, "/tenant_id"));
        ck_assert_ptr_nonnull(strstr(operators("/sync/status"), causes[i].title));
    }
}

static void check_all_through(void)
{
    for (size_t i = 0; i < CAUSES; i++) {
        for (int n = 0; n < RECORDS; n++) {
            api_await(posted[i][n], "completed");
            ck_assert_str_eq(
                sql_text("SELECT sum(attempts) FROM deliveries WHERE event_id = '%s'", posted[i][n]), "0");
        }
        if (updates[i])
            api_await(updates[i], "completed");
        alert_await_end("bizosaas", causes[i].title, 5);
    }
    ck_assert_int_eq(pick_int(fake_summary("bizosaas"), "/out_of_order"), 0);
    ck_assert_int_eq(dead(), 0);
}

/* In back-off, or behind one that is. */
static bool waits(const char *event)
{
    const char *status = api_status(event);

    return strcmp(status, "retry") == 0 || strcmp(status, "processing") == 0;
}

/* By itself, or in the version after it. */
static bool has_arrived(const char *event, const char *platform)
{
    return sql_int(
               "SELECT count(*) FROM deliveries WHERE event_id = '%s' AND target = '%s' AND state IN (2, 3)",
               event, platform) == 1;
}

START_TEST(each_cause_pauses_its_route_tells_people_and_costs_nothing)
{
    break_all();
    post_all("first");
    check_all_told();
    for (size_t i = 0; i < CAUSES; i++)
        for (int n = 0; n < RECORDS; n++) {
            flow_wait(waits(posted[i][n]), 5);
            flow_wait(has_arrived(posted[i][n], "coreldove"), 10);
        }
    ck_assert_int_eq(dead(), 0);
    api_await(post("system_health", "\"bizosaas\"", "{\"cpu\":1}"), "completed"); /* another route goes on */
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_alerts WHERE platform = 'bizosaas'"), CAUSES);
    fake_control("bizosaas", "{\"rules\":[]}");
    check_all_through();
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM sync_alerts WHERE status = 'resolved' AND resolved_at IS NOT NULL "
                "AND resolution_note = 'a delivery got through'"),
        CAUSES);
}
END_TEST

START_TEST(the_same_causes_within_the_hour_are_the_same_alerts_and_told_once)
{
    int told = stack_log_count("worker-bizosaas", "\"what\":\"alert\"") +
               stack_log_count("worker-bizosaas-2", "\"what\":\"alert\"");

    break_all();
    post_all("second");
    check_all_told();
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_alerts WHERE platform = 'bizosaas'"), CAUSES);
    ck_assert_int_eq(sql_int("SELECT min(times) FROM sync_alerts WHERE platform = 'bizosaas'") > 1, 1);
    ck_assert_int_eq(stack_log_count("worker-bizosaas", "\"what\":\"alert\"") +
                         stack_log_count("worker-bizosaas-2", "\"what\":\"alert\""),
                     told);
    ck_assert_int_eq(told, CAUSES);
    fake_control("bizosaas", "{\"rules\":[]}");
    check_all_through();
}
END_TEST

/* ── routes for updates ── */

static void post_leads(const char *prefix, const char *verb, const char *status, const char *events[4])
{
    for (int n = 0; n < 4; n++)
        events[n] = post(
            api_text("lead_%s", verb), "\"coreldove\"",
            api_text("{\"id\":\"%s%d\",\"email\":\"l@example.com\",\"status\":\"%s\"}", prefix, n, status));
}

static void await_four(const char *const events[4], const char *status)
{
    for (int n = 0; n < 4; n++)
        api_await(events[n], status);
}

START_TEST(updates_that_the_platform_answers_404_like_their_creates_wait_for_the_route)
{
    const char *created[4], *updated[4];

    post_leads("gone", "created", "new", created);
    await_four(created, "completed");
    fake_control("coreldove", "{\"rules\":[{\"match\":{\"entity\":\"lead\"},\"status\":404}]}");
    post_leads("gone", "updated", "won", updated);
    alert_await("coreldove", "/api/sync/lead/create is paused", 10);
    for (int n = 0; n < 4; n++)
        flow_wait(strcmp(api_status(updated[n]), "retry") == 0, 10);
    ck_assert_int_eq(dead(), 0);
    fake_control("coreldove", "{\"rules\":[]}");
    await_four(updated, "completed");
    for (int n = 0; n < 4; n++)
        pick_check(fake_record("coreldove", "lead", API_TENANT, api_text("gone%d", n)), "/data/status",
                   "won");
}
END_TEST

static const char *post_patient(const char *id, const char *status)
{
    return api_event(
        "{\"event_type\":\"lead_updated\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
        "[\"coreldove\"]," TENANT ",\"max_retries\":9,\"data\":{\"id\":\"%s\",\"status\":\"%s\"}}",
        id, status);
}

START_TEST(updates_that_are_404_while_creates_are_409_wait_for_the_route)
{
    const char *created[4], *updated[4];

    post_leads("upd", "created", "new", created);
    await_four(created, "completed");
    fake_control("coreldove",
                 "{\"rules\":[{\"match\":{\"path\":\"/api/sync/lead/update\"},\"status\":404}]}");
    for (int n = 0; n < 4; n++)
        updated[n] = post_patient(api_text("upd%d", n), "won");
    alert_await("coreldove", "/api/sync/lead/update is paused", 15);
    ck_assert_ptr_nonnull(
        strstr(pick_text(alert_open("coreldove", "/api/sync/lead/update is paused"), "/message"),
               "has no such route"));
    ck_assert_int_eq(dead(), 0);
    fake_control("coreldove", "{\"rules\":[]}");
    await_four(updated, "completed");
    alert_await_end("coreldove", "/api/sync/lead/update is paused", 5);
}
END_TEST

START_TEST(one_record_that_is_there_and_not_there_pauses_no_route)
{
    const char *created[4];

    post_leads("one", "created", "new", created);
    await_four(created, "completed");
    fake_control("coreldove", "{\"rules\":[{\"match\":{\"path\":\"/api/sync/lead/update\",\"id\":\"one0\"},"
                              "\"status\":404}]}");
    const char *odd = api_event("{\"event_type\":\"lead_updated\",\"source_platform\":\"bizoholic\","
                                "\"target_platforms\":[\"coreldove\"]," TENANT
                                ",\"max_retries\":1,\"data\":{\"id\":\"one0\",\"status\":\"won\"}}");
    for (int n = 1; n < 4; n++)
        api_await(post_patient(api_text("one%d", n), "won"), "completed");
    api_await(odd, "failed");
    ck_assert_ptr_null(alert_open("coreldove", "/api/sync/lead/update is paused"));
    sql_do("UPDATE deliveries SET state = 2 WHERE event_id = '%s'",
           odd); /* for the others, who count the dead */
    fake_control("coreldove", "{\"rules\":[]}");
}
END_TEST

/* ── TLS ── */

static void await_told(const char *event, const char *reason)
{
    int64_t end = clock_mono_ms() + (int64_t)(8000 * flow_patience());
    const char *look;

    while (!strstr(look = pick_print(api_look(event)), reason)) {
        ck_assert_msg(clock_mono_ms() < end, "no word of \"%s\": %s", reason, look);
        usleep(50000);
    }
}

static char own_dir[256]; /* platform files, in which bizoholic's base URL is TEST_BASE_URL of the file env */

static void write_to(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

static void write_file(const char *name, const char *text)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", own_dir, name);
    write_to(path, text);
}

static void reload(void)
{
    int reloads = stack_log_count("worker-bizoholic", "\"reload");

    stack_signal("worker-bizoholic", SIGHUP);
    flow_wait(stack_log_count("worker-bizoholic", "\"reload") > reloads, 5);
}

START_TEST(a_certificate_that_nobody_vouches_for_pauses_and_a_mended_address_brings_all_through)
{
    const char *events[3];
    int tls = tls_port();
    pid_t server = tls_start(tls, own_dir);
    write_file("env", api_text("TEST_BASE_URL=https://127.0.0.1:%d\n", tls));
    reload();
    for (int n = 0; n < 3; n++)
        events[n] = api_event(
            "{\"event_type\":\"user_created\",\"source_platform\":\"coreldove\",\"target_platforms\":"
            "[\"bizoholic\"]," TENANT
            ",\"max_retries\":0,\"data\":{\"id\":\"tls%d\",\"email\":\"t@example.com\",\"name\":\"N\"}}",
            n);
    alert_await("bizoholic", "bizoholic cannot be reached with what we have", 10);
    ck_assert_ptr_nonnull(
        strstr(pick_text(alert_open("bizoholic", "bizoholic cannot be reached"), "/message"), "certificate"));
    for (int n = 0; n < 3; n++)
        flow_wait(strcmp(api_status(events[n]), "retry") == 0, 5);
    await_told(events[0], "certificate");
    ck_assert_int_eq(dead(), 0);
    write_file("env", api_text("TEST_BASE_URL=%s\n", fake_url("bizoholic")));
    reload();
    for (int n = 0; n < 3; n++)
        api_await(events[n], "completed");
    alert_await_end("bizoholic", "bizoholic cannot be reached", 5);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}
END_TEST

/* ── a name ── */

#define INSIDE "metadata.internal" /* in the stack's own /etc/hosts: the metadata service of a cloud */

static void allow_private(const char *allowed)
{
    char command[700];

    snprintf(command, sizeof command,
             "sed -i 's/^allow_private = .*/allow_private = %s;/' %s/platforms/bizoholic.conf", allowed,
             own_dir);
    ck_assert_int_eq(system(command), 0);
    reload();
}

START_TEST(a_name_that_leads_inside_is_not_called_and_a_mended_one_brings_all_through)
{
    write_file("env", "TEST_BASE_URL=http://" INSIDE "\n");
    allow_private("false");
    const char *event = api_event(
        "{\"event_type\":\"user_created\",\"source_platform\":\"coreldove\",\"target_platforms\":["
        "\"bizoholic\"]," TENANT
        ",\"max_retries\":0,\"data\":{\"id\":\"inside\",\"email\":\"t@example.com\",\"name\":\"N\"}}");
    flow_wait(strcmp(api_status(event), "retry") == 0, 10);
    await_told(event, "leads to a private or link-local address");
    alert_await("bizoholic", "bizoholic cannot be reached with what we have", 10);
    write_file("env", api_text("TEST_BASE_URL=%s\n", fake_url("bizoholic")));
    allow_private("true");
    api_await(event, "completed");
    ck_assert_uint_eq(fake_count("bizoholic", 0, "/body/event_id", event), 1);
    alert_await_end("bizoholic", "bizoholic cannot be reached", 5);
}
END_TEST

/* A view of the files in which there is such a name; the whole stack is in it. */
static void name_the_inside(void)
{
    char hosts[300];
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
        abort();
    if (uid != 0) {
        write_to("/proc/self/setgroups", "deny");
        write_to("/proc/self/uid_map", api_text("%u %u 1", uid, uid));
        write_to("/proc/self/gid_map", api_text("%u %u 1", gid, gid));
    }
    write_file("hosts", "127.0.0.1 localhost\n::1 localhost\n169.254.169.254 " INSIDE "\n");
    snprintf(hosts, sizeof hosts, "%s/hosts", own_dir);
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(hosts, "/etc/hosts", NULL, MS_BIND, NULL) != 0)
        abort();
}

/* Platform files of our own, before the stack starts. */
static void prepare(void)
{
    char command[2048];

    snprintf(own_dir, sizeof own_dir, "%s/route-failures.XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(own_dir))
        abort();
    chmod(own_dir, 0755);
    snprintf(command, sizeof command,
             "mkdir %s/platforms && cp config/platforms/*.conf %s/platforms && chmod -R a+rX %s && sed -i "
             "s/BIZOHOLIC_FRONTEND_URL/TEST_BASE_URL/ %s/platforms/bizoholic.conf && echo "
             "TEST_BASE_URL=http://127.0.0.1:1 > %s/env",
             own_dir, own_dir, own_dir, own_dir, own_dir);
    if (system(command) != 0)
        abort();
    name_the_inside();
}

int main(void)
{
    static char files[300], env_file[300], command[300];
    static const char *const env[] = {
        "RETRY_SCHEDULE=300ms", "REQUEST_TIMEOUT=3s", "LEASE_SECONDS=2s", files, env_file, NULL};
    static const struct stack_options options = {.env = env, .replicas = "worker-bizosaas=2"};
    int status;

    prepare();
    snprintf(files, sizeof files, "PLATFORM_DIR=%s/platforms", own_dir);
    snprintf(env_file, sizeof env_file, "ENV_FILE=%s/env", own_dir);
    status =
        flow_run("route failures", &options,
                 (const TTest *[]){
                     each_cause_pauses_its_route_tells_people_and_costs_nothing,
                     the_same_causes_within_the_hour_are_the_same_alerts_and_told_once,
                     updates_that_the_platform_answers_404_like_their_creates_wait_for_the_route,
                     updates_that_are_404_while_creates_are_409_wait_for_the_route,
                     one_record_that_is_there_and_not_there_pauses_no_route,
                     a_certificate_that_nobody_vouches_for_pauses_and_a_mended_address_brings_all_through,
                     a_name_that_leads_inside_is_not_called_and_a_mended_one_brings_all_through, NULL});
    snprintf(command, sizeof command, "rm -rf %s", own_dir);
    return system(command) != 0 ? 1 : status;
}
