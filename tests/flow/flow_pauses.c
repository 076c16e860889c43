/* flow_pauses.c: platforms and routes that rest and come back, and programs that are asked to end, to read anew, or lose a store. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "flow_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""

static const char *post(const char *type, const char *data)
{
    return api_event(
        "{\"event_type\":\"%s\",\"source_platform\":\"bizoholic\",\"target_platforms\":[\"bizosaas\"]," TENANT
        ",\"max_retries\":0,\"data\":%s}",
        type, data);
}

static const char *post_user(const char *id)
{
    return post("user_created",
                api_text("{\"id\":\"%s\",\"email\":\"%s@example.com\",\"name\":\"N\"}", id, id));
}

static const char *state_of(const char *event)
{
    return sql_text("SELECT state || ' ' || attempts FROM deliveries WHERE event_id = '%s'", event);
}

/* ── routes ── */

START_TEST(a_route_at_fault_is_paused_costs_no_attempt_and_comes_back_by_a_probe)
{
    static const struct {
        const char *path, *fault, *type, *more;
    } routes[] = {
        {"/api/sync/lead/create", "\"action\":\"html\"", "lead_created",
         "\"email\":\"l@example.com\",\"status\":\"new\""},
        {"/api/sync/campaign/create", "\"status\":401", "campaign_created",
         "\"name\":\"C\",\"status\":\"active\""},
        {"/api/sync/product/create", "\"action\":\"redirect\"", "product_created",
         "\"name\":\"P\",\"price\":1"},
        {"/api/sync/order/create", "\"status\":404", "order_created", "\"amount\":1,\"status\":\"paid\""},
    };
    struct buf rules = BUF_INIT;
    const char *first[COUNT(routes)], *second[COUNT(routes)];

    for (size_t i = 0; i < COUNT(routes); i++)
        buf_addf(&rules, "%s{\"match\":{\"path\":\"%s\"},\"times\":1,%s}", i ? "," : "", routes[i].path,
                 routes[i].fault);
    fake_control("bizosaas", api_text("{\"rules\":[%s]}", rules.data));
    buf_release(&rules);
    for (size_t i = 0; i < COUNT(routes); i++)
        first[i] = post(routes[i].type, api_text("{\"id\":\"route%zu\",%s}", i, routes[i].more));
    for (size_t i = 0; i < COUNT(routes); i++) {
        fake_await("bizosaas", "/body/event_id", first[i]);
        flow_wait(sql_int("SELECT count(*) FROM platform_status WHERE platform = 'bizosaas' AND route = '%s' "
                          "AND state = 'paused'",
                          routes[i].path) == 1,
                  5);
        second[i] = post(routes[i].type, api_text("{\"id\":\"route%zub\",%s}", i, routes[i].more));
    }
    api_await(post_user("route-other"), "completed"); /* another route is not concerned */
    ck_assert_str_eq(api_status(first[0]), "retry");
    for (size_t i = 0; i < COUNT(routes); i++) {
        api_await(first[i], "completed");
        api_await(second[i], "completed");
        ck_assert_str_eq(state_of(first[i]), "2 0");
        ck_assert_str_eq(state_of(second[i]), "2 0");
        ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/event_id", first[i]) +
                              fake_count("bizosaas", 0, "/body/event_id", second[i]),
                          3);
        ck_assert_int_eq(sql_int("SELECT count(*) FROM platform_status WHERE platform = 'bizosaas' AND route "
                                 "= '%s' AND state = 'paused'",
                                 routes[i].path),
                         0);
    }
    ck_assert_int_ge(stack_log_count("worker-bizosaas", "route paused"), 4);
}
END_TEST

static size_t completed(const char *const *events, size_t count)
{
    size_t done = 0;

    for (size_t i = 0; i < count; i++)
        done += strcmp(api_status(events[i]), "completed") == 0;
    return done;
}

/* The platform knows none of them: each update is answered 404, and becomes a create. */
START_TEST(a_paused_route_comes_back_by_a_probe_of_a_record_that_is_not_there_yet)
{
    const char *events[8] = {0};

    fake_control("bizosaas",
                 "{\"rules\":[{\"match\":{\"path\":\"/api/sync/user/update\"},\"action\":\"html\"}]}");
    for (size_t i = 0; i < COUNT(events); i++)
        events[i] =
            post("user_updated",
                 api_text("{\"id\":\"new%zu\",\"email\":\"new%zu@example.com\",\"name\":\"N\"}", i, i));
    flow_wait(sql_int("SELECT count(*) FROM platform_status WHERE platform = 'bizosaas' AND state = 'paused' "
                      "AND route = '/api/sync/user/update'") == 1,
              5);
    fake_control("bizosaas", "{\"rules\":[]}");
    flow_wait(completed(events, COUNT(events)) == COUNT(events), 20);
}
END_TEST

START_TEST(a_probe_that_turns_out_to_have_nothing_to_send_leaves_the_route_to_the_next)
{
    const char *bad[10];

    for (int i = 0; i <= 10; i++)
        api_await(post("lead_created",
                       api_text("{\"id\":\"stuck%d\",\"email\":\"s@example.com\",\"status\":\"new\"}", i)),
                  "completed");
    fake_control("bizosaas",
                 "{\"rules\":[{\"match\":{\"path\":\"/api/sync/lead/update\"},\"times\":1,\"status\":403}]}");
    const char *good = post("lead_updated", "{\"id\":\"stuck10\",\"name\":\"B\"}");
    fake_await("bizosaas", "/body/event_id", good);
    flow_wait(strcmp(state_of(good), "1 0") == 0, 5);
    for (int i = 0; i < 10; i++) /* no body can be built of these: required there, and cleared */
        bad[i] = post("lead_updated", api_text("{\"id\":\"stuck%d\",\"email\":null}", i));
    for (int i = 0; i < 10; i++)
        api_await(bad[i], "failed");
    api_await(good, "completed");
}
END_TEST

/* ── Retry-After ── */

static void check_hold(const char *name, const char *retry_after, int status, int64_t hold_ms)
{
    const char *others[10];

    fake_control(
        "bizosaas",
        api_text("{\"rules\":[{\"match\":{\"id\":\"%s\"},\"times\":1,\"status\":%d,\"retry_after\":\"%s\"}]}",
                 name, status, retry_after));
    const char *id = post_user(name);
    int64_t answered_us = pick_int(fake_await("bizosaas", "/body/event_id", id), "/time_us");
    for (int i = 0; i < 10; i++)
        others[i] = post_user(api_text("%s-%d", name, i));
    api_await(id, "completed");
    ck_assert_str_eq(state_of(id), "2 0");
    ck_assert_int_ge(pick_int(fake_find("bizosaas", 0, "/body/event_id", id, 1), "/time_us"),
                     answered_us + hold_ms * 1000);
    for (int i = 0; i < 10; i++) {
        api_await(others[i], "completed");
        int64_t at = pick_int(fake_find("bizosaas", 0, "/body/event_id", others[i], 0), "/time_us");
        ck_assert_msg(at >= answered_us + hold_ms * 1000, "%s: started %lld ms after the answer", name,
                      (long long)(at - answered_us) / 1000);
        ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/event_id", others[i]), 1);
    }
}

START_TEST(a_429_keeps_the_event_and_nothing_starts_before_retry_after_ends)
{
    time_t then = time(NULL) + 3;
    char date[64];

    check_hold("slow429", "2", 429, 1990);
    check_hold("slow503", "1", 503, 990);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
    then = time(NULL) + 3;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
    check_hold("slowdate", date, 429, 1900); /* whole seconds: between two and three */
}
END_TEST

START_TEST(a_retry_after_that_has_ended_is_not_shown_as_a_pause)
{
    check_hold("slowshown", "1", 429, 990);
    flow_wait(sql_int("SELECT count(*) FROM platform_status WHERE platform = 'bizosaas' AND route = '' AND "
                      "state = 'closed'") == 1,
              5);
    const struct api_answer *status = api_get("/sync/status");
    ck_assert_ptr_null(strstr(status->body, "Retry-After"));
    ck_assert_ptr_null(strstr(status->body, "\"paused\""));
}
END_TEST

/* ── away ── */

START_TEST(a_platform_that_is_away_costs_no_attempt_and_gets_everything_when_it_returns)
{
    const char *events[40];

    stack_kill("fake-platform-bizosaas");
    for (size_t i = 0; i < COUNT(events); i++)
        events[i] = post_user(api_text("away%zu", i));
    flow_wait(sql_int("SELECT count(*) FROM platform_status WHERE platform = 'bizosaas' AND route = '' AND "
                      "state = 'open'") == 1,
              10);
    const char *elsewhere = api_event(
        "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
        "[\"coreldove\"]," TENANT ",\"data\":{\"id\":\"near\",\"email\":\"n@example.com\",\"name\":\"N\"}}");
    api_await(elsewhere, "completed");
    stack_start("fake-platform-bizosaas");
    for (size_t i = 0; i < COUNT(events); i++) {
        api_await(events[i], "completed");
        ck_assert_str_eq(state_of(events[i]), "2 0");
    }
    ck_assert_int_eq(sql_int("SELECT count(*) FROM platform_status WHERE platform = 'bizosaas' AND route = "
                             "'' AND state = 'closed'"),
                     1);
    ck_assert_int_eq(pick_int(fake_summary("bizosaas"), "/repeats"), 0);
}
END_TEST

/* ── TERM and HUP ── */

static void check_stop(const char *program)
{
    const char *events[30];
    int64_t repeats = pick_int(fake_summary("bizosaas"), "/repeats"), total = fake_total("bizosaas");

    fake_control("bizosaas", "{\"rules\":[{\"delay_ms\":300}]}");
    for (size_t i = 0; i < COUNT(events); i++)
        events[i] = post_user(api_text("term-%s-%zu", program, i));
    flow_wait(fake_total("bizosaas") > total, 10);
    stack_stop(program); /* a failed test when it does not end by itself within ten seconds */
    ck_assert_int_eq(sql_int("SELECT count(*) FROM leases WHERE stage LIKE '%s%%' AND owner IS NOT NULL",
                             strcmp(program, "router") == 0 ? "router" : "worker-bizosaas"),
                     0);
    stack_start(program);
    for (size_t i = 0; i < COUNT(events); i++)
        api_await(events[i], "completed");
    ck_assert_int_eq(pick_int(fake_summary("bizosaas"), "/repeats"), repeats);
    fake_control("bizosaas", "{\"rules\":[]}");
}

START_TEST(a_worker_asked_to_end_sends_nothing_twice)
{
    check_stop("worker-bizosaas");
}
END_TEST

START_TEST(a_router_asked_to_end_loses_and_repeats_nothing)
{
    check_stop("router");
}
END_TEST

START_TEST(an_update_that_follows_while_the_first_is_in_flight_survives_a_drain)
{
    int64_t repeats = pick_int(fake_summary("bizosaas"), "/repeats");

    fake_control("bizosaas", "{\"rules\":[{\"match\":{\"id\":\"drain\"},\"delay_ms\":400}]}");
    const char *first = post_user("drain");
    fake_await("bizosaas", "/body/event_id", first);
    const char *second = post("user_updated", "{\"id\":\"drain\",\"name\":\"Second\"}");
    fake_await("bizosaas", "/body/event_id", second);
    stack_stop("worker-bizosaas");
    stack_start("worker-bizosaas");
    api_await(second, "completed");
    ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/event_id", second), 1);
    ck_assert_int_eq(pick_int(fake_summary("bizosaas"), "/repeats"), repeats);
    fake_control("bizosaas", "{\"rules\":[]}");
}
END_TEST

START_TEST(a_hangup_reads_the_configuration_anew_and_work_goes_on)
{
    static const char *const programs[] = {"router", "worker-bizosaas", "api-gateway", "resolver", "monitor"};
    pid_t before[COUNT(programs)];
    const char *event = NULL;

    for (size_t i = 0; i < COUNT(programs); i++)
        before[i] = stack_pid(programs[i]);
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < COUNT(programs); i++)
            stack_signal(programs[i], SIGHUP);
        event = post_user(api_text("hup%d", round));
    }
    api_await(event, "completed");
    for (size_t i = 0; i < COUNT(programs); i++) {
        ck_assert(stack_running(programs[i]));
        ck_assert_int_eq(stack_pid(programs[i]), before[i]);
    }
}
END_TEST

/* ── leases ── */

START_TEST(a_statement_that_takes_longer_than_the_lease_does_not_cost_it)
{
    int ran_out = stack_log_count("worker-bizosaas", "lease ran out");
    int64_t fences = sql_int("SELECT sum(fence) FROM leases WHERE stage = 'worker-bizosaas'");

    fake_control("bizosaas", "{\"rules\":[{\"match\":{\"id\":\"long\"},\"delay_ms\":500}]}");
    const char *event = post_user("long");
    fake_await("bizosaas", "/body/event_id", event);
    pid_t child = fork();
    if (child ==
        0) { /* the statement that records the outcome waits for this row: four seconds, the lease has two */
        sql_do("SELECT pg_sleep(4) FROM (SELECT id FROM sync_events WHERE id = '%s' FOR UPDATE) e", event);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    api_await(event, "completed");
    ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/event_id", event), 1);
    ck_assert_int_eq(sql_int("SELECT sum(fence) FROM leases WHERE stage = 'worker-bizosaas'"), fences);
    ck_assert_int_eq(stack_log_count("worker-bizosaas", "lease ran out"), ran_out);
}
END_TEST

/* ── readiness ── */

static int readiness(const char *setting)
{
    const char *url = stack_setting(setting);

    return api_send(
               &(struct api_request){
                   .url = api_text("%.*sreadyz", (int)(strlen(url) - strlen("metrics")), url), .token = ""})
        ->status;
}

START_TEST(readiness_follows_the_stores)
{
    static const char *const settings[] = {"METRICS_URL_router", "METRICS_URL_worker_bizosaas",
                                           "METRICS_URL_api_gateway"};
    static const char *const stores[] = {"postgres", "redis"};

    for (size_t store = 0; store < COUNT(stores); store++) {
        for (size_t i = 0; i < COUNT(settings); i++)
            flow_wait(readiness(settings[i]) == 200, 10);
        stack_kill(stores[store]);
        for (size_t i = 0; i < COUNT(settings); i++)
            if (store == 0 || i < 2) /* the gateway accepts without Redis */
                flow_wait(readiness(settings[i]) == 503, 10);
        stack_start(stores[store]);
        for (size_t i = 0; i < COUNT(settings); i++)
            flow_wait(readiness(settings[i]) == 200, 20);
    }
    api_await(post_user("ready"), "completed");
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=100ms,200ms", "REQUEST_TIMEOUT=2s", "LEASE_SECONDS=2s",
                                      NULL};
    static const struct stack_options options = {.env = env};

    return flow_run(
        "pauses", &options,
        (const TTest *[]){a_route_at_fault_is_paused_costs_no_attempt_and_comes_back_by_a_probe,
                          a_paused_route_comes_back_by_a_probe_of_a_record_that_is_not_there_yet,
                          a_probe_that_turns_out_to_have_nothing_to_send_leaves_the_route_to_the_next,
                          a_429_keeps_the_event_and_nothing_starts_before_retry_after_ends,
                          a_retry_after_that_has_ended_is_not_shown_as_a_pause,
                          a_platform_that_is_away_costs_no_attempt_and_gets_everything_when_it_returns,
                          a_worker_asked_to_end_sends_nothing_twice,
                          a_router_asked_to_end_loses_and_repeats_nothing,
                          an_update_that_follows_while_the_first_is_in_flight_survives_a_drain,
                          a_hangup_reads_the_configuration_anew_and_work_goes_on,
                          a_statement_that_takes_longer_than_the_lease_does_not_cost_it,
                          readiness_follows_the_stores, NULL});
}
