/* flow_bulk.c: many events in one request: as an array, in an object, one a line; a bad one harms itself alone. */
#include <string.h>

#include "flow_fixture.h"
#include "good_event_fixture.h"

#define BULK "/sync/events/bulk"

static const struct api_answer *post(const char *type, const char *body)
{
    return api_send(&(struct api_request){.url = BULK, .type = type, .body = body});
}

static const char *item(const char *id)
{
    return api_text("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                    "[\"coreldove\"],"
                    "\"data\":{\"id\":\"%s\",\"email\":\"b@example.com\",\"name\":\"B\"}}",
                    id);
}

/* Items `prefix`0 … prefix(count-1), between the texts given. */
static const char *items(const char *prefix, size_t count, const char *before, const char *between,
                         const char *after)
{
    struct buf body = BUF_INIT;

    buf_add_str(&body, before);
    for (size_t i = 0; i < count; i++)
        buf_addf(&body, "%s%s", i ? between : "", item(api_text("%s%zu", prefix, i)));
    buf_add_str(&body, after);
    return pick_keep(buf_detach(&body, NULL));
}

/* Everything was created, in order, and arrives. */
static void check_all(const struct api_answer *answer, const char *prefix, size_t count)
{
    ck_assert_msg(answer->status == 200, "%d %s %.500s", answer->status, answer->why, answer->body);
    ck_assert_uint_eq(json_count(pick(answer->json, "/results")), count);
    for (size_t i = 0; i < count; i++) {
        pick_check(answer->json, api_text("/results/%zu/status", i), "created");
        const char *id = pick_text(answer->json, api_text("/results/%zu/event_id", i));
        pick_check(fake_await("coreldove", "/body/event_id", id), "/body/data/customer_id",
                   api_text("%s%zu", prefix, i));
    }
}

START_TEST(an_array_an_object_and_lines_are_taken)
{
    check_all(post(NULL, items("array", 5, "[", ",", "]")), "array", 5);
    check_all(post(NULL, items("object", 5, "{\"events\":[", ",", "]}")), "object", 5);
    check_all(post("application/x-ndjson", items("lines", 5, "", "\n", "\n")), "lines", 5);
    check_all(post("application/x-ndjson", items("crlf", 5, "\r\n", "\r\n\r\n", "")), "crlf", 5);
    check_all(post(NULL, items("space", 5, " \n [ ", " , \t", "\n] \n")), "space", 5);
}
END_TEST

static void check_refused_item(const struct api_answer *answer, size_t place, const char *status,
                               const char *pointer)
{
    const char *at = api_text("/results/%zu", place);

    pick_check(answer->json, api_text("%s/status", at), "refused");
    pick_check(answer->json, api_text("%s/error/status", at), status);
    ck_assert_msg(pick_text(answer->json, api_text("%s/error/detail", at)) != NULL, "%s", answer->body);
    if (pointer)
        pick_check(answer->json, api_text("%s/error/errors/0/pointer", at), pointer);
}

START_TEST(one_bad_item_does_not_refuse_the_others)
{
    static const struct {
        const char *body, *status, *pointer;
    } bad[] = {
        {"{\"event_type\":\"user_renamed\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
         "\"coreldove\"],\"data\":{}}",
         "422", "/event_type"},
        {"7", "422", ""},
        {"null", "422", ""},
        {"{\"tenant_id\":\"somebody "
         "else\",\"event_type\":\"system_health\",\"source_platform\":\"bizoholic\","
         "\"target_platforms\":[\"coreldove\"],\"data\":{}}",
         "403", NULL},
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *first = api_text("first%zu", i), *last = api_text("last%zu", i);
        const struct api_answer *answer =
            post(NULL, api_text("[%s,%s,%s]", item(first), bad[i].body, item(last)));

        ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
        ck_assert_uint_eq(json_count(pick(answer->json, "/results")), 3);
        check_refused_item(answer, 1, bad[i].status, bad[i].pointer);
        fake_await("coreldove", "/body/event_id", pick_text(answer->json, "/results/0/event_id"));
        fake_await("coreldove", "/body/event_id", pick_text(answer->json, "/results/2/event_id"));
    }
}
END_TEST

START_TEST(a_line_that_is_not_json_does_not_refuse_the_others)
{
    const struct api_answer *answer =
        post("application/x-ndjson", api_text("%s\n{\"broken\n%s\n", item("line-first"), item("line-last")));

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    check_refused_item(answer, 1, "400", NULL);
    pick_check(answer->json, "/results/0/status", "created");
    pick_check(answer->json, "/results/2/status", "created");
}
END_TEST

START_TEST(a_bulk_of_bad_items_alone_is_answered_item_by_item)
{
    const struct api_answer *answer = post(NULL, "[{},[],\"x\"]");

    ck_assert_int_eq(answer->status, 200);
    for (size_t i = 0; i < 3; i++)
        check_refused_item(answer, i, "422", i ? "" : NULL);
    good_event_goes_through("bad items");
}
END_TEST

START_TEST(a_bulk_that_is_none_is_refused_whole)
{
    static const struct {
        const char *body;
        struct refusal due;
    } rows[] = {{"[", {400, "not-json", "/0"}},
                {"[{}", {400, "not-json", ""}},
                {"[{\"a\":1,\"a\":2}]", {400, "not-json", "/0/a"}},
                {"{}", {422, "invalid-bulk", "/events"}},
                {"{\"events\":{}}", {422, "invalid-bulk", "/events"}},
                {"{\"events\":[]}", {422, "invalid-bulk", "/events"}},
                {"[]", {422, "invalid-bulk", ""}},
                {"7", {422, "invalid-bulk", ""}},
                {"\"text\"", {422, "invalid-bulk", ""}}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        good_event_check_refused(post(NULL, rows[i].body), &rows[i].due, rows[i].body);
        good_event_goes_through(rows[i].body);
    }
    ck_assert_int_eq(post("text/csv", "a,b")->status, 415);
}
END_TEST

START_TEST(a_thousand_events_are_taken_and_one_more_is_413)
{
    const struct refusal due = {413, "too-many-events", ""};

    const struct api_answer *too_many = post(NULL, items("many", 1001, "[", ",", "]"));
    good_event_check_refused(too_many, &due, "1,001 events");
    ck_assert_ptr_nonnull(strstr(pick_text(too_many->json, "/detail"), "1000"));
    ck_assert_int_eq(post("application/x-ndjson", items("many", 1001, "", "\n", "\n"))->status, 413);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id LIKE 'many%%'"), 0);
    const struct api_answer *answer = post(NULL, items("thousand", 1000, "[", ",", "]"));
    ck_assert_msg(answer->status == 200, "%d %s %.300s", answer->status, answer->why, answer->body);
    ck_assert_uint_eq(json_count(pick(answer->json, "/results")), 1000);
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE entity_id LIKE 'thousand%%' AND status = 2") ==
                  1000,
              30);
    pick_equal(fake_summary("coreldove"), "/duplicates", "0");
}
END_TEST

START_TEST(a_bulk_that_is_too_large_is_413)
{
    struct buf body = BUF_INIT;
    const struct refusal due = {413, "body-too-large", NULL};

    buf_add_str(&body, "[\"");
    while (body.len < (size_t)11 << 20)
        buf_add_str(&body, "0123456789abcdef");
    buf_add_str(&body, "\"]");
    good_event_check_refused(post(NULL, body.data), &due, "11 MiB");
    buf_release(&body);
    good_event_goes_through("11 MiB");
}
END_TEST

/* An event of so many bytes. */
static const char *event_of_size(const char *id, size_t size)
{
    static const char head[] = "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\","
                               "\"target_platforms\":[\"coreldove\"],\"data\":{\"email\":\"b@example.com\","
                               "\"name\":\"B\",\"id\":\"%s\",\"note\":\"",
                      tail[] = "\"}}";
    struct buf body = BUF_INIT;

    buf_addf(&body, head, id);
    while (body.len + sizeof tail - 1 < size)
        buf_add_ch(&body, 'x');
    buf_add_str(&body, tail);
    return pick_keep(buf_detach(&body, NULL));
}

START_TEST(an_event_larger_than_one_body_may_be_is_413_by_its_index_and_the_others_are_taken)
{
    size_t most = 256 * 1024;
    const char *large = event_of_size("large", most + 1), *full = event_of_size("full", most);
    const char *const bodies[] = {api_text("[%s,%s,%s]", item("large-first0"), large, full),
                                  api_text("%s\n%s\n%s\n", item("large-first1"), large, full)};

    ck_assert_int_eq(post(NULL, api_text("[%s]", large))->status, 200);
    ck_assert_int_eq(api_post("/sync/events", large)->status, 413);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct api_answer *answer = post(i ? "application/x-ndjson" : NULL, bodies[i]);
        ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
        check_refused_item(answer, 1, "413", NULL);
        pick_check(answer->json, "/results/1/error/type", "urn:data-sync:problem:body-too-large");
        const char *detail = pick_text(answer->json, "/results/1/error/detail");
        ck_assert_msg(strstr(detail, "index 1 ") && strstr(detail, "262145") && strstr(detail, "262144"),
                      "%s", detail);
        pick_check(answer->json, "/results/0/status", "created");
        pick_check(answer->json, "/results/2/status", "created");
        fake_await("coreldove", "/body/event_id", pick_text(answer->json, "/results/0/event_id"));
    }
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id = 'large'"), 0);
}
END_TEST

START_TEST(events_of_one_record_in_a_bulk_keep_their_order)
{
    struct buf body = BUF_INIT;

    for (int i = 0; i < 50; i++)
        buf_addf(&body,
                 "{\"event_type\":\"user_updated\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
                 "\"coreldove\"],\"data\":"
                 "{\"id\":\"order1\",\"email\":\"b@example.com\",\"name\":\"N %d\"}}\n",
                 i);
    const struct api_answer *answer = post("application/x-ndjson", body.data);
    buf_release(&body);
    ck_assert_int_eq(answer->status, 200);
    api_await(pick_text(answer->json, "/results/49/event_id"), "completed");
    pick_check(fake_record("coreldove", "user", API_TENANT, "order1"), "/data/customer_name", "N 49");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM (SELECT version, lag(version) OVER (ORDER BY seq) AS "
                             "before FROM sync_events "
                             "WHERE entity_id = 'order1') v WHERE version <> before + 1"),
                     0);
}
END_TEST

/* What PostgreSQL refuses, and validation does not know: the batch is split in halves until it is alone. */
START_TEST(an_event_that_the_database_refuses_is_refused_alone)
{
    struct buf body = BUF_INIT;

    sql_do("CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
           "IF NEW.entity_id = 'poison' THEN RAISE EXCEPTION USING ERRCODE = '22003', MESSAGE = 'out of "
           "range'; END IF; "
           "RETURN NEW; END $$; "
           "CREATE TRIGGER refuse_poison BEFORE INSERT ON sync_events FOR EACH ROW EXECUTE FUNCTION "
           "refuse_poison()");
    for (int i = 0; i < 20; i++)
        buf_addf(&body, "%s%s", i ? "," : "[", item(i == 13 ? "poison" : api_text("beside%d", i)));
    buf_add_ch(&body, ']');
    const struct api_answer *answer = post(NULL, body.data);
    buf_release(&body);
    sql_do("DROP TRIGGER refuse_poison ON sync_events");
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    for (int i = 0; i < 20; i++)
        pick_check(answer->json, api_text("/results/%d/status", i), i == 13 ? "refused" : "created");
    pick_check(answer->json, "/results/13/error/type", "urn:data-sync:problem:not-storable");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id LIKE 'beside%%'"), 19);
    /* In the order of arrival all the same. */
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM (SELECT substr(entity_id, 7)::int < lag(substr(entity_id, 7)::int) "
                "OVER (ORDER BY seq) AS overtaken FROM sync_events WHERE entity_id LIKE 'beside%%') s "
                "WHERE overtaken"),
        0);
}
END_TEST

int main(void)
{
    return flow_run(
        "bulk", NULL,
        (const TTest *[]){an_array_an_object_and_lines_are_taken, one_bad_item_does_not_refuse_the_others,
                          a_line_that_is_not_json_does_not_refuse_the_others,
                          a_bulk_of_bad_items_alone_is_answered_item_by_item,
                          a_bulk_that_is_none_is_refused_whole,
                          a_thousand_events_are_taken_and_one_more_is_413, a_bulk_that_is_too_large_is_413,
                          an_event_larger_than_one_body_may_be_is_413_by_its_index_and_the_others_are_taken,
                          events_of_one_record_in_a_bulk_keep_their_order,
                          an_event_that_the_database_refuses_is_refused_alone, NULL});
}
