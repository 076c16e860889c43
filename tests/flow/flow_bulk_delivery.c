/*
 * flow_bulk_delivery.c: deliveries many at a time: what an answer to a bulk does to each of its items, and to the next bulks.
 *
 * One request at a time is in flight (MAX_CONCURRENT_SYNCS=1): while a first bulk is answered late, what is posted gathers, and
 * leaves in one bulk.
 */
#include <stdlib.h>
#include <string.h>

#include "flow_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""
#define BULK "/api/sync/bulk"
#define SINGLE "/api/sync/user/create"
#define LATE "{\"match\":{\"path\":\"" BULK "\"},\"times\":1,\"delay_ms\":500}"
#define ITEMS_MAX 16

static const char *user(const char *type, const char *id, const char *name)
{
    return api_text("{\"event_type\":\"user_%s\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                    "[\"bizosaas\"]," TENANT ",\"max_retries\":3,\"data\":{\"user_id\":\"%s\",\"email\":"
                    "\"%s@example.com\",\"name\":\"%s\"}}",
                    type, id, id, name);
}

/* What was posted together, after a bulk that holds the platform up; `after` is the last request before that. */
struct load {
    size_t count;
    const char *ids[ITEMS_MAX];
    int64_t after;
};

/* A bulk of one, which is answered late; rules for what comes after it. */
static struct load hold_up(const char *prefix, const char *rules)
{
    struct load load = {.after = fake_total("bizosaas")};

    fake_control("bizosaas", api_text("{\"rules\":[" LATE "%s%s]}", *rules ? "," : "", rules));
    const char *opener = api_event("%s", user("created", api_text("%s-opener", prefix), "N"));
    flow_wait(fake_count("bizosaas", load.after, "/body/events/0/event_id", opener) == 1, 5);
    load.after++;
    return load;
}

static void post_users(struct load *load, const char *prefix, size_t count, const char *name)
{
    struct buf body = BUF_INIT;

    for (size_t i = 0; i < count; i++)
        buf_addf(&body, "%s%s", i ? "," : "[", user("created", api_text("%s%zu", prefix, i), name));
    buf_add_str(&body, "]");
    const struct api_answer *answer = api_post("/sync/events/bulk", pick_keep(buf_detach(&body, NULL)));
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    for (size_t i = 0; i < count; i++)
        load->ids[i] = pick_text(answer->json, api_text("/results/%zu/event_id", i));
    load->count = count;
}

static struct load post(const char *prefix, size_t count, const char *rules)
{
    struct load load = hold_up(prefix, rules);

    post_users(&load, prefix, count, "N");
    return load;
}

static void await_all(const struct load *load, const char *status)
{
    for (size_t i = 0; i < load->count; i++)
        api_await(load->ids[i], status);
}

/* How many items each bulk since then had, and what went to other paths: "8 4 4 single 2 ..." */
static const char *shape(const struct load *load)
{
    const struct json *all = fake_received("bizosaas", load->after);
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < json_count(all); i++) {
        const struct json *entry = json_at(all, i);
        if (strcmp(pick_text(entry, "/path"), BULK) == 0)
            buf_addf(&text, "%s%zu", text.len ? " " : "", json_count(pick(entry, "/body/events")));
        else
            buf_addf(&text, "%s%s", text.len ? " " : "", "single");
    }
    return pick_keep(buf_detach(&text, NULL));
}

/* The event's item in a bulk that was received. */
static struct json *item_of(const struct json *bulk, const char *event)
{
    const struct json *events = pick(bulk, "/body/events");

    for (size_t i = 0; i < json_count(events); i++)
        if (strcmp(pick_text(json_at(events, i), "/event_id"), event) == 0)
            return json_at(events, i);
    return NULL;
}

static const char *attempts(const char *event)
{
    return sql_text(
        "SELECT string_agg(outcome || COALESCE(' ' || http_status, '') || CASE WHEN costs THEN ' "
        "costs' ELSE '' END, ', ' ORDER BY generation, sending) FROM sync_results WHERE event_id = '%s'",
        event);
}

static bool alert_is(const char *status)
{
    return sql_int("SELECT count(*) FROM sync_alerts WHERE platform = 'bizosaas' AND title LIKE '%%bulk "
                   "route%%' AND "
                   "status = '%s'",
                   status) > 0;
}

/* A name, and notes of 200 kB behind it. */
static const char *large_text(void)
{
    static const char head[] = "N\",\"notes\":\"";
    char *text = pick_keep(malloc(200001));

    memset(text, 'n', 200000);
    memcpy(text, head, sizeof head - 1);
    text[200000] = '\0';
    return text;
}

/* ── as it should be ── */

START_TEST(what_is_ready_together_goes_in_one_bulk_signed_as_a_whole_with_ids_of_its_items)
{
    struct load load = post("whole", 6, "");

    await_all(&load, "completed");
    ck_assert_str_eq(shape(&load), "6");
    const struct json *entry = json_at(fake_received("bizosaas", load.after), 0);
    pick_equal(entry, "/headers/webhook-signature", "true");
    pick_equal(entry, "/items", "[200,200,200,200,200,200]");
    ck_assert_ptr_nonnull(pick_text(entry, "/headers/webhook-id"));
    for (size_t i = 0; i < 6; i++) {
        const struct json *item = item_of(entry, load.ids[i]);
        ck_assert_ptr_nonnull(item);
        pick_check(item, "/operation", "create");
        pick_check(item, "/webhook_id", api_text("%s.bizosaas", load.ids[i]));
        pick_check(item, "/event_type", "user_created");
        pick_check(item, "/source_platform", "bizoholic");
        pick_check(item, "/tenant_id", API_TENANT);
        pick_equal(item, "/user_id", "null");
        pick_check(item, "/data/user_id", api_text("whole%zu", i));
        pick_check(item, "/data/_sync_metadata/target_platform", "bizosaas");
        ck_assert_int_le(pick_int(item, "/data/_sync_metadata/started_at"),
                         pick_int(entry, "/time_us") / 1000 + 50);
        pick_check(fake_record("bizosaas", "user", API_TENANT, api_text("whole%zu", i)), "/data/user_name",
                   "N");
        ck_assert_int_eq(sql_int("SELECT sendings FROM deliveries WHERE event_id = '%s'", load.ids[i]), 1);
        ck_assert_int_eq(
            sql_int("SELECT count(*) FROM record_ids WHERE platform = 'bizosaas' AND record_id = (SELECT "
                    "record_id FROM sync_events WHERE id = '%s')",
                    load.ids[i]),
            1);
    }
}
END_TEST

START_TEST(a_bulk_holds_sync_batch_size_items_at_most)
{
    struct load load = post("size", 14, "");

    await_all(&load, "completed");
    ck_assert_str_eq(shape(&load), "8 6");
}
END_TEST

START_TEST(a_bulk_holds_a_mebibyte_at_most)
{
    struct load load = hold_up("large", "");

    post_users(&load, "large", 6, large_text());
    await_all(&load, "completed");
    const struct json *all = fake_received("bizosaas", load.after);
    ck_assert_uint_ge(json_count(all), 2);
    for (size_t i = 0; i < json_count(all); i++) {
        pick_check(json_at(all, i), "/path", BULK);
        ck_assert_uint_le(strlen(pick_print(pick(json_at(all, i), "/body"))), 1024 * 1024);
    }
}
END_TEST

START_TEST(a_lone_event_does_not_wait_for_company)
{
    int64_t began = clock_mono_ms();

    fake_control("bizosaas", "{\"rules\":[]}");
    const char *id = api_event("%s", user("created", "lone", "N"));
    api_await(id, "completed");
    ck_assert_int_lt(clock_mono_ms() - began, (int64_t)(1000 * flow_patience()));
    pick_check(fake_await("bizosaas", "/body/events/0/event_id", id), "/path", BULK);
}
END_TEST

START_TEST(one_version_of_a_record_goes_in_one_bulk)
{
    struct load load = post("version", 1, "");

    await_all(&load, "completed");
    for (int i = 0; i < 12; i++)
        load.ids[0] = api_event("%s", user("updated", "version0", api_text("n%d", i)));
    api_await(load.ids[0], "completed");
    const struct json *all = fake_received("bizosaas", load.after);
    for (size_t i = 0; i < json_count(all); i++)
        ck_assert_uint_le(json_count(pick(json_at(all, i), "/body/events")), 1);
    pick_equal(fake_summary("bizosaas"), "/out_of_order", "0");
}
END_TEST

/* ── items ── */

START_TEST(each_item_ends_by_its_own_status)
{
    api_send(
        &(struct api_request){.url = api_text("%s" SINGLE, fake_url("bizosaas")),
                              .body = "{\"tenant_id\":\"" API_TENANT "\",\"data\":{\"user_id\":\"item3\"}}",
                              .token = "",
                              .headers = {0}});
    struct load load = post("item", 6,
                            "{\"match\":{\"id\":\"item1\"},\"times\":1,\"status\":422},"
                            "{\"match\":{\"id\":\"item2\"},\"times\":1,\"status\":503},"
                            "{\"match\":{\"id\":\"item4\"},\"times\":1,\"status\":429}");

    api_await(load.ids[0], "completed");
    api_await(load.ids[1], "failed");
    for (size_t i = 2; i < 6; i++)
        api_await(load.ids[i], "completed");
    ck_assert_str_eq(attempts(load.ids[1]), "dead 422");
    ck_assert_str_eq(attempts(load.ids[2]), "retry 503 costs, delivered 200");
    ck_assert_str_eq(attempts(load.ids[3]), "as_update 409, delivered 200");
    ck_assert_str_eq(attempts(load.ids[4]), "retry 429, delivered 200");
    ck_assert_ptr_null(
        sql_text("SELECT string_agg(outcome, ',') FROM sync_results WHERE event_id = '%s'", load.ids[0]));
    /* Repeats go by themselves. */
    pick_check(fake_find("bizosaas", load.after, "/body/event_id", load.ids[2], 0), "/headers/webhook-id",
               api_text("%s.bizosaas", load.ids[2]));
    ck_assert_ptr_nonnull(fake_find("bizosaas", load.after, "/body/event_id", load.ids[4], 0));
}
END_TEST

START_TEST(an_item_at_whose_status_a_route_would_be_paused_shows_by_itself_what_it_is)
{
    struct load load = post("route", 4,
                            "{\"match\":{\"id\":\"route1\"},\"times\":1,\"status\":403},"
                            "{\"match\":{\"id\":\"route2\"},\"times\":1,\"status\":404}");

    await_all(&load, "completed");
    ck_assert_str_eq(shape(&load), "4 single single");
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM platform_status WHERE platform = 'bizosaas' AND state = 'paused'"), 0);
}
END_TEST

/* ── answers that are none ── */

static const struct {
    const char *name, *rule;
    size_t singles;
} strange[] = {
    {"strangehtml", "\"action\":\"html\",\"apply\":true", 4},
    {"strangefew", "\"action\":\"too_few\"", 2},
    {"strangeids", "\"action\":\"foreign_ids\"", 4},
    {"strangeno", "\"action\":\"no_results\"", 4},
    {"strangest", "\"action\":\"no_statuses\"", 4},
    {"strangeempty", "\"action\":\"empty\"", 4},
    {"strangehuge", "\"action\":\"huge\"", 4},
};

static void check_strange(size_t n)
{
    struct load load = post(strange[n].name, 4,
                            api_text("{\"match\":{\"path\":\"" BULK "\"},\"times\":1,%s}", strange[n].rule));

    await_all(&load, "completed");
    const struct json *bulk = json_at(fake_received("bizosaas", load.after), 0);
    ck_assert_uint_eq(json_count(pick(bulk, "/body/events")), 4);
    size_t singles = 0;
    for (size_t i = 0; i < 4; i++) {
        const struct json *single = fake_find("bizosaas", load.after, "/body/event_id", load.ids[i], 0);
        if (!single)
            continue;
        singles++;
        pick_check(single, "/headers/webhook-id", api_text("%s.bizosaas", load.ids[i]));
        pick_equal(fake_content(pick(single, "/body")), "/data",
                   pick_print(pick(fake_content(item_of(bulk, load.ids[i])), "/data")));
        ck_assert_int_eq(strncmp(attempts(load.ids[i]), "unknown 200", 11), 0);
    }
    ck_assert_msg(singles == strange[n].singles, "%s: %zu went singly: %s", strange[n].name, singles,
                  shape(&load));
    flow_wait(alert_is("active"), 5);
}

START_TEST(items_that_an_answer_leaves_open_go_singly_under_their_ids_and_an_alert_says_why)
{
    for (size_t n = 0; n < COUNT(strange); n++) {
        check_strange(n);
        struct load good = post(api_text("good%zu", n), 2, "");
        await_all(&good, "completed");
        ck_assert_str_eq(shape(&good), "2"); /* one such answer does not end bulks */
        flow_wait(!alert_is("active"), 5);
    }
}
END_TEST

/* ── the whole ── */

/* The sizes of the bulks that held the event, then "single". */
static const char *company_of(const struct load *load, const char *event)
{
    const struct json *all = fake_received("bizosaas", load->after);
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < json_count(all); i++) {
        const struct json *entry = json_at(all, i);
        const char *single = pick_text(entry, "/body/event_id");
        if (item_of(entry, event))
            buf_addf(&text, "%s%zu", text.len ? " " : "", json_count(pick(entry, "/body/events")));
        else if (single && strcmp(single, event) == 0)
            buf_add_str(&text, " single");
    }
    return pick_keep(buf_detach(&text, NULL));
}

START_TEST(a_refused_bulk_is_split_in_halves_until_the_culprit_is_alone)
{
    static const int statuses[] = {400, 413, 422};

    for (size_t n = 0; n < COUNT(statuses); n++) {
        const char *prefix = api_text("split%zu", n);
        struct load load = post(prefix, 8,
                                api_text("{\"match\":{\"path\":\"" BULK "\",\"id\":\"%s5\"},\"status\":%d},"
                                         "{\"match\":{\"path\":\"" SINGLE "\",\"id\":\"%s5\"},\"status\":%d}",
                                         prefix, statuses[n], prefix, statuses[n]));
        for (size_t i = 0; i < 8; i++)
            api_await(load.ids[i], i == 5 ? "failed" : "completed");
        ck_assert_str_eq(company_of(&load, load.ids[5]), "8 4 2 single");
        ck_assert_uint_eq(json_count(fake_received("bizosaas", load.after)),
                          7); /* 8, 4, 4, 2, 2, and two alone */
        ck_assert_ptr_nonnull(strstr(attempts(load.ids[5]), api_text("dead %d", statuses[n])));
        ck_assert_ptr_null(strstr(attempts(load.ids[5]), "costs"));
        ck_assert_int_eq(sql_int("SELECT attempts FROM deliveries WHERE event_id = '%s'", load.ids[5]), 0);
    }
}
END_TEST

START_TEST(a_whole_that_fails_comes_again_item_by_item_under_the_same_ids)
{
    struct load load = post("late", 4, "{\"match\":{\"path\":\"" BULK "\"},\"times\":1,\"status\":503}");

    await_all(&load, "completed");
    for (size_t i = 0; i < 4; i++)
        pick_check(fake_find("bizosaas", load.after, "/body/event_id", load.ids[i], 0), "/headers/webhook-id",
                   api_text("%s.bizosaas", load.ids[i]));
}
END_TEST

START_TEST(a_credential_that_bulks_are_refused_for_pauses_their_route_and_a_probe_brings_it_back)
{
    struct load load = post("pause", 4, "{\"match\":{\"path\":\"" BULK "\"},\"times\":1,\"status\":401}");

    flow_wait(sql_int("SELECT count(*) FROM platform_status WHERE platform = 'bizosaas' AND route = '" BULK
                      "' AND state "
                      "= 'paused'") == 1,
              5);
    await_all(&load, "completed");
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(sql_int("SELECT attempts FROM deliveries WHERE event_id = '%s'", load.ids[i]), 0);
}
END_TEST

START_TEST(where_there_is_no_bulk_all_go_singly)
{
    struct load load = post("absent", 4, "{\"match\":{\"path\":\"" BULK "\"},\"times\":1,\"status\":404}");

    await_all(&load, "completed");
    ck_assert_str_eq(shape(&load), "4 single single single single");
    const char *next = api_event("%s", user("created", "absent-next", "N")); /* bulks rest */
    api_await(next, "completed");
    pick_check(fake_find("bizosaas", load.after, "/body/event_id", next, 0), "/path", SINGLE);
    ck_assert_int_eq(sql_int("SELECT attempts FROM deliveries WHERE event_id = '%s'", load.ids[0]), 0);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=100ms,200ms", "SYNC_BULK_PLATFORMS=coreldove, bizosaas",
                                      "SYNC_BATCH_SIZE=8",          "MAX_CONCURRENT_SYNCS=1",
                                      "WEBHOOK_SECRET=bulk-secret", NULL};
    static const struct stack_options options = {.env = env};

    return flow_run("bulk_delivery", &options,
                    (const TTest *[]){
                        what_is_ready_together_goes_in_one_bulk_signed_as_a_whole_with_ids_of_its_items,
                        a_bulk_holds_sync_batch_size_items_at_most, a_bulk_holds_a_mebibyte_at_most,
                        a_lone_event_does_not_wait_for_company, one_version_of_a_record_goes_in_one_bulk,
                        each_item_ends_by_its_own_status,
                        an_item_at_whose_status_a_route_would_be_paused_shows_by_itself_what_it_is,
                        items_that_an_answer_leaves_open_go_singly_under_their_ids_and_an_alert_says_why,
                        a_refused_bulk_is_split_in_halves_until_the_culprit_is_alone,
                        a_whole_that_fails_comes_again_item_by_item_under_the_same_ids,
                        a_credential_that_bulks_are_refused_for_pauses_their_route_and_a_probe_brings_it_back,
                        where_there_is_no_bulk_all_go_singly, NULL});
}
