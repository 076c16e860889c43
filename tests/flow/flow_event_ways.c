/*
 * flow_event_ways.c: the ways of events: which door of each platform, in which order, and how fast on an idle stack.
 */
#include <stdio.h>
#include <stdlib.h>

#include "digest.h"
#include "flow_fixture.h"
#include "msg.h"

static const char *const platforms[] = {"bizoholic", "coreldove", "bizosaas"};

static const char *other(size_t platform, size_t step)
{
    return platforms[(platform + step) % COUNT(platforms)];
}

/* ── each type of event has its door ── */

/* Enough for every platform and entity. */
static const char *whole_record(const char *id)
{
    return api_text("{\"id\":\"%s\",\"email\":\"e@example.com\",\"name\":\"N\",\"status\":\"new\",\"price\":"
                    "1,\"amount\":2}",
                    id);
}

static const char *post_from(size_t source, const char *type, const char *data)
{
    return api_event("{\"event_type\":\"%s\",\"source_platform\":\"%s\",\"target_platforms\":[\"%s\",\"%s\"],"
                     "\"tenant_id\":\"" API_TENANT "\",\"data\":%s}",
                     type, platforms[source], other(source, 1), other(source, 2), data);
}

static void check_doors(size_t source, const char *event, const char *path)
{
    for (size_t step = 1; step <= 2; step++) {
        const char *target = other(source, step);

        pick_check(fake_await(target, "/body/event_id", event), "/path", path);
        ck_assert_uint_eq(fake_count(target, 0, "/body/event_id", event), 1);
    }
}

/* Created, updated and deleted by each platform: so each platform gets each from the two others. */
static void walk_entity(size_t source, const char *entity)
{
    static const char *const verbs[][2] = {
        {"created", "create"}, {"updated", "update"}, {"deleted", "delete"}};
    const char *id = api_text("door-%s-%s", entity, platforms[source]);
    const char *changes[] = {whole_record(id), api_text("{\"id\":\"%s\",\"note\":\"changed\"}", id),
                             api_text("{\"id\":\"%s\"}", id)};

    for (size_t i = 0; i < COUNT(verbs); i++) {
        const char *event = post_from(source, api_text("%s_%s", entity, verbs[i][0]), changes[i]);

        api_await(event, "completed");
        check_doors(source, event, api_text("/api/sync/%s/%s", entity, verbs[i][1]));
    }
}

START_TEST(each_record_event_reaches_its_door_at_each_platform)
{
    static const char *const entities[] = {"user", "lead", "order", "campaign", "product"};

    for (size_t i = 0; i < COUNT(entities); i++)
        for (size_t source = 0; source < COUNT(platforms); source++)
            walk_entity(source, entities[i]);
}
END_TEST

START_TEST(each_operational_event_reaches_its_door_at_each_platform)
{
    static const char *const doors[][2] = {{"analytics_updated", "/api/sync/analytics/update"},
                                           {"system_health", "/api/sync/system/health"},
                                           {"performance_metrics", "/api/sync/system/metrics"},
                                           {"config_changed", "/api/sync/system/config"}};

    for (size_t i = 0; i < COUNT(doors); i++)
        for (size_t source = 0; source < COUNT(platforms); source++) {
            const char *event = post_from(source, doors[i][0], "{\"value\":7,\"nested\":{\"a\":[1,2]}}");

            check_doors(source, event, doors[i][1]);
            pick_equal(fake_await(other(source, 1), "/body/event_id", event), "/body/data/nested",
                       "{\"a\":[1,2]}");
            api_await(event, "completed");
        }
}
END_TEST

/* ── order ── */

START_TEST(operational_events_arrive_in_order_and_are_never_merged)
{
    enum { EVENTS = 30 };

    for (int i = 0; i < EVENTS; i++)
        api_event("{\"event_type\":\"performance_metrics\",\"source_platform\":\"bizosaas\",\"target_"
                  "platforms\":[\"coreldove\"],"
                  "\"tenant_id\":\"" API_TENANT "\",\"data\":{\"series\":\"order\",\"n\":%d}}",
                  i);
    flow_wait(fake_count("coreldove", 0, "/body/data/series", "order") >= EVENTS, 20);
    for (int i = 0; i < EVENTS; i++)
        ck_assert_int_eq(
            pick_int(fake_find("coreldove", 0, "/body/data/series", "order", (size_t)i), "/body/data/n"), i);
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/data/series", "order"), EVENTS);
}
END_TEST

/* One of them is sent at a time; those behind it follow at once, not when PostgreSQL is next compared with the belt. */
START_TEST(operational_events_that_pile_up_do_not_wait_for_the_sync_interval)
{
    enum { EVENTS = 50 };
    struct buf body = BUF_INIT;

    for (int i = 0; i < EVENTS; i++)
        buf_addf(&body,
                 "%s{\"event_type\":\"system_health\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                 "[\"bizosaas\"],"
                 "\"tenant_id\":\"" API_TENANT "\",\"data\":{\"series\":\"pile\",\"n\":%d}}",
                 i ? "," : "[", i);
    buf_add_ch(&body, ']');
    const struct api_answer *answer = api_post("/sync/events/bulk", body.data);
    buf_release(&body);
    ck_assert_int_eq(answer->status, 200);
    flow_wait(fake_count("bizosaas", 0, "/body/data/series", "pile") >= EVENTS, 15);
    for (int i = 0; i < EVENTS; i++)
        ck_assert_int_eq(
            pick_int(fake_find("bizosaas", 0, "/body/data/series", "pile", (size_t)i), "/body/data/n"), i);
}
END_TEST

START_TEST(versions_of_a_record_arrive_in_order_and_end_with_the_newest)
{
    enum { CHANGES = 30 };
    const char *last = NULL;

    for (int i = 0; i < CHANGES; i++)
        last = api_event("{\"event_type\":\"user_%s\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                         "[\"coreldove\"],"
                         "\"tenant_id\":\"" API_TENANT
                         "\",\"data\":{\"id\":\"seq1\",\"email\":\"s@example.com\",\"name\":\"N %d\"}}",
                         i ? "updated" : "created", i);
    api_await(last, "completed");
    ck_assert_int_eq(pick_int(fake_record("coreldove", "user", API_TENANT, "seq1"), "/version"), CHANGES);
    pick_check(fake_record("coreldove", "user", API_TENANT, "seq1"), "/data/customer_name",
               api_text("N %d", CHANGES - 1));
    ck_assert_int_eq(pick_int(fake_summary("coreldove"), "/out_of_order"), 0);
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE entity_id = 'seq1' AND status = 2") == CHANGES,
              10);
}
END_TEST

/* The n-th user id whose record is of partition 0. */
static const char *id_in_partition(int n)
{
    for (int i = 0;; i++) {
        const char *id = api_text("prio%d", i);
        struct uuid record;

        digest_record_id(&record, API_TENANT, "user", id);
        if (msg_partition(&record, 16) == 0 && n-- == 0)
            return id;
    }
}

static const char *post_with_priority(const char *id, int priority)
{
    return api_event(
        "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
        "\"coreldove\"],"
        "\"tenant_id\":\"" API_TENANT
        "\",\"priority\":%d,\"data\":{\"id\":\"%s\",\"email\":\"p@example.com\",\"name\":\"P\"}}",
        priority, id);
}

START_TEST(a_critical_event_overtakes_a_backlog_of_low_ones)
{
    enum { LOW = 60 };
    const char *critical, *low[LOW];

    stack_stop("router");
    for (int i = 0; i < LOW; i++)
        low[i] = post_with_priority(id_in_partition(i), 10);
    critical = post_with_priority(id_in_partition(LOW), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id LIKE 'prio%%' AND status = 0"),
                     LOW + 1);
    stack_start("router");
    int64_t seq = pick_int(fake_await("coreldove", "/body/event_id", critical), "/seq");
    int before = 0;
    for (int i = 0; i < LOW; i++)
        before += pick_int(fake_await("coreldove", "/body/event_id", low[i]), "/seq") < seq;
    ck_assert_msg(before < 10, "%d of %d low ones came before the critical one", before, LOW);
}
END_TEST

START_TEST(priorities_are_four_streams)
{
    static const struct {
        int given;
        const char *stored;
    } rows[] = {{1, "0"}, {2, "1"}, {3, "1"}, {4, "2"}, {5, "2"}, {6, "3"}, {10, "3"}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *id = post_with_priority(api_text("stream%zu", i), rows[i].given);

        ck_assert_str_eq(sql_text("SELECT priority FROM sync_events WHERE id = '%s'", id), rows[i].stored);
        ck_assert_int_eq(pick_int(api_await(id, "completed"), "/event/priority"), rows[i].given);
    }
}
END_TEST

/* ── speed ── */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* From just before the post to the platform's reading of the request: both are this machine's clock. 20 events a second are
 * the pace that counts as idle; nobody asks for anything meanwhile. */
static int64_t median_us(int round)
{
    enum { EVENTS = 50 };
    int64_t sent[EVENTS], took[EVENTS];
    const char *id[EVENTS];

    for (int i = 0; i < EVENTS; i++) {
        const struct api_answer *answer = api_post(
            "/sync/events",
            api_text("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\","
                     "\"target_platforms\":[\"coreldove\",\"bizosaas\"],\"tenant_id\":\"" API_TENANT
                     "\",\"data\":{\"id\":\"fast%d-%d\",\"email\":\"f@example.com\",\"name\":\"F\"}}",
                     round, i));
        ck_assert_int_eq(answer->status, 200);
        sent[i] = answer->sent_us;
        id[i] = pick_text(answer->json, "/event_id");
        usleep(50000);
    }
    for (int i = 0; i < EVENTS; i++) {
        int64_t one = pick_int(fake_await("coreldove", "/body/event_id", id[i]), "/time_us");
        int64_t two = pick_int(fake_await("bizosaas", "/body/event_id", id[i]), "/time_us");

        took[i] = (one > two ? one : two) - sent[i];
    }
    qsort(took, EVENTS, sizeof *took, compare);
    return took[EVENTS / 2];
}

/* Of all processors, how much did nothing since the last call: 0 to 1. */
static double idle_share(void)
{
    static long long before[2];
    long long user, nice, system, idle, wait, irq, softirq, now[2];
    FILE *file = fopen("/proc/stat", "r");

    ck_assert(file && fscanf(file, "cpu %lld %lld %lld %lld %lld %lld %lld", &user, &nice, &system, &idle,
                             &wait, &irq, &softirq) == 7);
    fclose(file);
    now[0] = idle + wait;
    now[1] = now[0] + user + nice + system + irq + softirq;
    double share = now[1] > before[1] ? (double)(now[0] - before[0]) / (double)(now[1] - before[1]) : 1;
    before[0] = now[0];
    before[1] = now[1];
    return share;
}

/* Of up to five rounds the best counts. The figure means something only where nothing else works on this machine meanwhile:
 * the stack alone leaves more than half of it idle. On a busy one, or with sanitizers, more is allowed. */
START_TEST(the_median_from_post_to_both_platforms_is_under_30_ms_when_idle)
{
    int64_t best = INT64_MAX, limit = 100000;

    idle_share();
    for (int round = 0; round < 5 && best >= 30000; round++) {
        fake_reset("coreldove");
        fake_reset("bizosaas");
        int64_t median = median_us(round);
        if (idle_share() > 0.5 && flow_patience() <= 1)
            limit = 30000;
        best = median < best ? median : best;
    }
    ck_assert_msg(best < limit, "the median is %lld us, %lld us are allowed", (long long)best,
                  (long long)limit);
}
END_TEST

int main(void)
{
    return flow_run("event_ways", NULL,
                    (const TTest *[]){each_record_event_reaches_its_door_at_each_platform,
                                      each_operational_event_reaches_its_door_at_each_platform,
                                      operational_events_arrive_in_order_and_are_never_merged,
                                      operational_events_that_pile_up_do_not_wait_for_the_sync_interval,
                                      versions_of_a_record_arrive_in_order_and_end_with_the_newest,
                                      a_critical_event_overtakes_a_backlog_of_low_ones,
                                      priorities_are_four_streams,
                                      the_median_from_post_to_both_platforms_is_under_30_ms_when_idle, NULL});
}
