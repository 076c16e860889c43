/*
 * flow_misbehaving.c: a platform that answers slowly, not at all, in part, too much, or something else than an answer: what it was
 * sent arrives in the end as it should be, people can read why it took so long, the other platforms notice nothing, and no
 * answer, however large, makes the worker grow. Certificates and names: flow_route_failures.
 */
#include <stdio.h>
#include <string.h>

#include "flow_fixture.h"

#define PROMPT_US 4000000 /* to the platform that behaves; who waited for the other would wait longer */
#define GROWTH_KIB (10 * 1024)

#define USER "\"email\":\"m@example.com\",\"name\":\"N\""

static const char *body(const char *entity, const char *id, const char *fields)
{
    return api_text("{\"event_type\":\"%s_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                    "[\"coreldove\",\"bizosaas\"],\"data\":{\"id\":\"%s\",%s}}",
                    entity, id, fields);
}

/* ── each kind, all at once ── */

static const struct {
    const char *id, *action;
    const char *outcome, *says; /* of the first attempt in GET /sync/events/{id}; NULL: it is delivered */
    const char *entity,
        *fields; /* NULL: a user; a page and a redirect are taken for the route's fault, so theirs are others */
} kinds[] = {
    {"drip", "drip", "unknown", "timed out", NULL, NULL},
    {"hang", "hang", "unknown", "timed out", NULL, NULL},
    {"halfway", "reset_mid_answer", "unknown", "reset", NULL, NULL},
    {"truncated", "truncate", "unknown", "bytes", NULL, NULL},
    {"huge", "huge", "unknown", "larger than any that makes sense", NULL, NULL},
    {"endless", "endless", "unknown", "larger than any that makes sense", NULL, NULL},
    {"bomb", "gzip", NULL, NULL, NULL, NULL},
    {"page", "html", "route", "HTML where JSON was due", "lead",
     "\"email\":\"m@example.com\",\"status\":\"new\",\"note\":\"N\""},
    {"moved", "redirect", "route", "a redirect", "campaign",
     "\"name\":\"C\",\"status\":\"active\",\"note\":\"N\""},
};

static void misbehave(void)
{
    struct buf rules = BUF_INIT;

    for (size_t i = 0; i < COUNT(kinds); i++)
        buf_addf(&rules, "%s{\"match\":{\"id\":\"%s\"},\"action\":\"%s\",\"times\":1}", i ? "," : "",
                 kinds[i].id, kinds[i].action);
    fake_control("coreldove", api_text("{\"rules\":[%s]}", rules.data));
    buf_release(&rules);
}

static const struct json *result_of(const struct json *event, const char *target)
{
    for (size_t i = 0; i < json_count(pick(event, "/results")); i++)
        if (strcmp(pick_text(event, api_text("/results/%zu/target_platform", i)), target) == 0)
            return pick(event, api_text("/results/%zu", i));
    ck_abort_msg("there is no result of %s: %s", target, pick_print(event));
}

static void check_reason(size_t kind, const struct json *event)
{
    const struct json *result = result_of(event, "coreldove");
    const char *outcome = pick_text(result, "/attempts/0/outcome"),
               *error = pick_text(result, "/attempts/0/error_message");

    pick_check(result, "/status", "completed");
    if (!kinds[kind].outcome) {
        ck_assert_str_eq(outcome, "delivered");
        return;
    }
    ck_assert_msg(outcome && strcmp(outcome, kinds[kind].outcome) == 0 && error &&
                      strcasestr(error, kinds[kind].says),
                  "%s: %s", kinds[kind].id, pick_print(result));
}

/* Whatever was sent again: the same under the same id, and the platform has it as it should be. */
static void check_arrived(size_t kind, const char *id)
{
    const struct json *first = fake_find("coreldove", 0, "/body/event_id", id, 0), *again;
    const char *entity = kinds[kind].entity ? kinds[kind].entity : "user";
    size_t count = fake_count("coreldove", 0, "/body/event_id", id);

    ck_assert_uint_ge(count, kinds[kind].outcome ? 2 : 1);
    ck_assert_uint_le(count, kinds[kind].outcome ? 3 : 1); /* what was taken already becomes an update */
    for (size_t n = 1; n < count; n++) {
        again = fake_find("coreldove", 0, "/body/event_id", id, n);
        pick_check(again, "/headers/webhook-id", pick_text(first, "/headers/webhook-id"));
        ck_assert_str_eq(pick_print(fake_content(pick(again, "/body"))),
                         pick_print(fake_content(pick(first, "/body"))));
    }
    pick_check(fake_record("coreldove", entity, API_TENANT, kinds[kind].id),
               kinds[kind].entity ? "/data/note" : "/data/customer_name", "N");
}

/* Once, and soon. */
static void check_other(const char *id, int64_t posted_us)
{
    const struct json *entry = fake_await("bizosaas", "/body/event_id", id);
    int64_t took_us = pick_int(entry, "/time_us") - posted_us;

    ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/event_id", id), 1);
    ck_assert_msg(took_us < PROMPT_US * flow_patience(), "bizosaas got it after %lld us", (long long)took_us);
}

START_TEST(whatever_a_platform_does_all_arrives_the_reason_is_told_and_others_are_not_slowed)
{
    const char *events[COUNT(kinds)], *healthy[20];
    int64_t posted_us[COUNT(kinds)], healthy_us[COUNT(healthy)];

    misbehave();
    for (size_t i = 0; i < COUNT(kinds); i++) {
        posted_us[i] = clock_wall_us();
        events[i] = api_event("%s", kinds[i].entity ? body(kinds[i].entity, kinds[i].id, kinds[i].fields)
                                                    : body("user", kinds[i].id, USER));
    }
    for (size_t i = 0; i < COUNT(healthy); i++) {
        healthy_us[i] = clock_wall_us();
        healthy[i] = api_event("%s", body("user", api_text("healthy%zu", i), USER));
    }
    for (size_t i = 0; i < COUNT(healthy); i++)
        check_other(healthy[i], healthy_us[i]);
    for (size_t i = 0; i < COUNT(kinds); i++)
        check_other(events[i], posted_us[i]);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        check_reason(i, api_await(events[i], "completed"));
        check_arrived(i, events[i]);
    }
    for (size_t i = 0; i < COUNT(healthy); i++)
        api_await(healthy[i], "completed");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE state <> 2"), 0);
}
END_TEST

/* ── answers of 10 MB ── */

static long pss_kib(const char *name)
{
    char line[256];
    long kib = 0;
    FILE *file = fopen(api_text("/proc/%ld/smaps_rollup", (long)stack_pid(name)), "r");

    ck_assert_msg(file != NULL, "the memory of %s cannot be read", name);
    while (kib == 0 && fgets(line, sizeof line, file))
        if (sscanf(line, "Pss: %ld kB", &kib) != 1)
            kib = 0;
    fclose(file);
    ck_assert_int_gt(kib, 0);
    return kib;
}

static struct {
    long before, most, looks;
} memory;

static void measure(void)
{
    long now = pss_kib("worker-coreldove");

    memory.most = now > memory.most ? now : memory.most;
    if (memory.looks++ == 0)
        memory.before = now;
}

static bool all_completed(void)
{
    return sql_int("SELECT count(*) FROM deliveries d JOIN sync_events e ON e.id = d.event_id "
                   "WHERE e.entity_id LIKE 'big%%' AND d.state = 2") == 2 * flow_size(24, 240);
}

START_TEST(answers_of_10_mb_packed_and_endless_ones_do_not_make_the_worker_grow)
{
    static const char *const actions[] = {"huge", "endless", "gzip"};
    long count = flow_size(24, 240);
    int64_t end_ms = clock_mono_ms() + (int64_t)(30000 * flow_patience());
    struct buf rules = BUF_INIT, bulk = BUF_INIT;

    for (long i = 0; i < count; i++)
        buf_addf(&rules, "%s{\"match\":{\"id\":\"big%ld\"},\"action\":\"%s\",\"times\":1}", i ? "," : "", i,
                 actions[(size_t)i % COUNT(actions)]);
    fake_control("coreldove", api_text("{\"rules\":[%s]}", rules.data));
    buf_release(&rules);
    for (long i = 0; i < count; i++)
        buf_addf(&bulk, "%s%s", i ? "," : "[", body("user", api_text("big%ld", i), USER));
    buf_add_ch(&bulk, ']');
    measure();
    ck_assert_int_eq(api_post("/sync/events/bulk", bulk.data)->status, 200);
    buf_release(&bulk);
    while (!all_completed()) {
        ck_assert_msg(clock_mono_ms() < end_ms, "they do not arrive");
        measure();
    }
    printf("answers of 10 MB: the worker has %ld KiB before and %ld at most, of %ld times looked\n",
           memory.before, memory.most, memory.looks);
    if (flow_patience() <= 1) /* a sanitizer keeps what was freed */
        ck_assert_msg(memory.most <= memory.before + GROWTH_KIB, "the worker grew from %ld to %ld KiB",
                      memory.before, memory.most);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=100ms,200ms", "REQUEST_TIMEOUT=1s",
                                      "SYNC_INTERVAL_SECONDS=1s", NULL};
    static const struct stack_options options = {.env = env, .replicas = "worker-bizoholic=0"};

    return flow_run(
        "misbehaving", &options,
        (const TTest *[]){whatever_a_platform_does_all_arrives_the_reason_is_told_and_others_are_not_slowed,
                          answers_of_10_mb_packed_and_endless_ones_do_not_make_the_worker_grow, NULL});
}
