/*
 * flow_languages.c: every entity, verb and platform: what each platform says in its own words arrives at the others in theirs,
 * and the preview showed it before. The words are in tests/flow/languages/: "says" is posted by the platform, "gets" is what
 * it is sent; @ stands for the record's id.
 */
#include <stdio.h>

#include "flow_fixture.h"

static const char *const platforms[] = {"bizoholic", "bizosaas", "coreldove"};
static const char *const entities[] = {"user", "lead", "campaign", "product", "order"};
static const char *const verbs[] = {"create", "update", "delete"};

static struct json *read_file(const char *name)
{
    char text[65536];
    FILE *file = fopen(api_text("tests/flow/languages/%s.json", name), "r");

    ck_assert_msg(file != NULL, "tests/flow/languages/%s.json cannot be read: run this from the top", name);
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    struct json *json = pick_parse(text, len);
    ck_assert_msg(json != NULL, "%s.json is no JSON", name);
    return json;
}

/* The JSON with every "@" replaced by the id. */
static const char *with_id(const struct json *json, const char *id)
{
    struct buf out = BUF_INIT;

    for (const char *at = pick_print(json); *at; at++) {
        if (strncmp(at, "\"@\"", 3) != 0) {
            buf_add_ch(&out, *at);
            continue;
        }
        buf_addf(&out, "\"%s\"", id);
        at += 2;
    }
    return pick_keep(buf_detach(&out, NULL));
}

static const char *targets_of(const char *source)
{
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < COUNT(platforms); i++)
        if (strcmp(platforms[i], source) != 0)
            buf_addf(&out, "%s\"%s\"", out.len ? "," : "", platforms[i]);
    return pick_keep(buf_detach(&out, NULL));
}

static const char *event_body(const char *type, const char *source, const char *data)
{
    return api_text("{\"event_type\":\"%s\",\"source_platform\":\"%s\",\"target_platforms\":[%s],"
                    "\"user_id\":\"person7\",\"tenant_id\":\"" API_TENANT "\",\"data\":%s}",
                    type, source, targets_of(source), data);
}

/* ── what is the same in every delivery ── */

static void check_context(const struct json *got, const char *target)
{
    pick_equal(got, "/body/data/_platform_context",
               strcmp(target, "coreldove") == 0
                   ? "{\"currency\":\"INR\",\"locale\":\"en-IN\",\"timezone\":\"Asia/Kolkata\"}"
                   : "{\"currency\":\"USD\",\"locale\":\"en-US\",\"timezone\":\"UTC\"}");
}

static void check_envelope(const struct json *got, const char *id, const char *type, const char *source,
                           const char *target)
{
    pick_check(got, "/method", "POST");
    pick_check(got, "/body/event_id", id);
    pick_check(got, "/body/event_type", type);
    pick_check(got, "/body/source_platform", source);
    pick_check(got, "/body/tenant_id", API_TENANT);
    pick_check(got, "/body/user_id", "person7");
    ck_assert_uint_eq(json_count(pick(got, "/body")), 6);
    pick_check(got, "/headers/webhook-id", api_text("%s.%s", id, target));
    pick_check(got, "/headers/content-type", "application/json");
    pick_check(got, "/body/data/_sync_metadata/source_platform", source);
    pick_check(got, "/body/data/_sync_metadata/synced_from", source);
    pick_check(got, "/body/data/_sync_metadata/target_platform", target);
    pick_check(got, "/body/data/_sync_metadata/event_id", id);
    ck_assert(pick_text(got, "/body/data/_sync_metadata/transformed_at") != NULL);
    pick_check(got, "/body/data/_sync_metadata/sync_timestamp",
               pick_text(got, "/body/data/_sync_metadata/transformed_at"));
    ck_assert(pick_int(got, "/body/data/_sync_metadata/started_at") > 0);
    check_context(got, target);
}

/* data without what we add. */
static struct json *plain_data(const struct json *got)
{
    struct json *data = pick_keep_json(json_copy(pick(got, "/body/data")));

    json_remove(data, "_sync_metadata");
    json_remove(data, "_platform_context");
    return data;
}

static void check_data(const struct json *got, const char *expected, const char *what)
{
    const struct json *wanted = pick_parse(expected, strlen(expected));
    const struct json *is = plain_data(got);

    ck_assert_msg(json_equal(is, wanted), "%s:\n  got  %s\n  want %s", what, pick_print(is), expected);
}

/* As a set: the order of fields is no promise. */
static void check_changed(const struct json *got, const struct json *expected)
{
    const struct json *changed = pick(got, "/body/data/_sync_metadata/changed_fields");

    ck_assert_msg(json_count(changed) == json_count(expected), "%s, not %s", pick_print(changed),
                  pick_print(expected));
    for (size_t i = 0; i < json_count(expected); i++) {
        bool found = false;
        for (size_t j = 0; j < json_count(changed); j++)
            found |= json_equal(json_at(changed, j), json_at(expected, i));
        ck_assert_msg(found, "%s lacks %s", pick_print(changed), pick_print(json_at(expected, i)));
    }
}

/* ── the preview ── */

static struct json *preview(const char *body)
{
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = "/sync/mappings/preview", .body = body, .token = api_token(API_TENANT, "operator")});

    ck_assert_msg(answer->status == 200, "%d %s for %s", answer->status, answer->body, body);
    return pick(answer->json, "/targets");
}

static struct json *without_times(const struct json *body)
{
    struct json *copy = pick_keep_json(json_copy(body));
    struct json *metadata = json_get(json_get(copy, "data"), "_sync_metadata");

    json_remove(copy, "event_id");
    json_remove(metadata, "event_id");
    json_remove(metadata, "transformed_at");
    json_remove(metadata, "sync_timestamp");
    json_remove(metadata, "started_at");
    return copy;
}

static const struct json *shown_for(const struct json *shown, const char *target)
{
    for (size_t i = 0; i < json_count(shown); i++)
        if (strcmp(pick_text(json_at(shown, i), "/platform"), target) == 0)
            return json_at(shown, i);
    ck_abort_msg("%s is not shown in %s", target, pick_print(shown));
}

/* But for ids and times it is what came, to the byte. */
static void check_shown(const struct json *shown, const struct json *got, const char *target)
{
    const struct json *one = shown_for(shown, target);
    const char *id = pick_text(one, "/webhook_id"), *url = pick_text(one, "/url");

    pick_check(one, "/protocol", "rest");
    ck_assert(!pick_there(one, "/body/data/_sync_metadata/started_at"));
    pick_equal(one, "/rate",
               strcmp(target, "coreldove") == 0
                   ? "{\"currency\":\"INR\",\"per_usd\":\"83\",\"date\":\"2024-01-01\"}"
                   : "{\"currency\":\"USD\",\"per_usd\":\"1\",\"date\":\"2024-01-01\"}");
    pick_check(one, "/method", pick_text(got, "/method"));
    pick_check(one, "/path", pick_text(got, "/path"));
    ck_assert_str_eq(url, api_text("%s%s", fake_url(target), pick_text(got, "/path")));
    ck_assert_uint_eq(strlen(id), strlen(pick_text(got, "/headers/webhook-id")));
    ck_assert_str_eq(id + 36, api_text(".%s", target));
    ck_assert_str_eq(pick_print(without_times(pick(one, "/body"))),
                     pick_print(without_times(pick(got, "/body"))));
}

/* ── records ── */

static void check_arrival(const struct json *step, const char *verb, const char *id, const char *type,
                          const char *source, const char *target, const char *record, int64_t version,
                          const struct json *shown)
{
    const struct json *got = fake_await(target, "/body/event_id", id);
    const struct json *changed = json_get(json_get(step, "changed"), target);

    check_envelope(got, id, type, source, target);
    pick_check(got, "/path", pick_text(step, "/path"));
    check_data(got, with_id(json_get(json_get(step, "gets"), target), record),
               api_text("%s of %s from %s to %s", verb, type, source, target));
    ck_assert_int_eq(pick_int(got, "/body/data/_sync_metadata/version"), version);
    pick_check(got, "/body/data/_sync_metadata/record_id",
               sql_text("SELECT id FROM records WHERE entity_id = '%s'", record));
    if (changed)
        check_changed(got, changed);
    ck_assert_msg((pick_int(got, "/status") == 200), "%s refused it: %s", target, pick_print(got));
    check_shown(shown, got, target);
}

static void check_life(const struct json *language, const char *source)
{
    const char *entity = pick_text(language, "/entity");
    const char *record = api_text("%s-%s", entity, source);

    for (size_t v = 0; v < COUNT(verbs); v++) {
        const struct json *step = json_get(language, verbs[v]);
        const char *type = api_text("%s_%sd", entity, verbs[v]);
        const char *body =
            event_body(type, source, with_id(json_get(json_get(step, "says"), source), record));
        const struct json *shown = preview(body);
        const char *id = api_event("%s", body);
        const struct json *event = api_await(id, "completed");
        for (size_t t = 0; t < COUNT(platforms); t++)
            if (strcmp(platforms[t], source) != 0)
                check_arrival(step, verbs[v], id, type, source, platforms[t], record, (int64_t)v + 1, shown);
        ck_assert_uint_eq(json_count(pick(event, "/results")), COUNT(platforms) - 1);
    }
}

static void check_entity(const char *entity)
{
    const struct json *language = read_file(entity);

    for (size_t s = 0; s < COUNT(platforms); s++)
        check_life(language, platforms[s]);
}

START_TEST(users_arrive_at_every_platform_in_its_own_words)
{
    check_entity(entities[0]);
}
END_TEST

START_TEST(leads_arrive_at_every_platform_in_its_own_words)
{
    check_entity(entities[1]);
}
END_TEST

START_TEST(campaigns_arrive_at_every_platform_in_its_own_words)
{
    check_entity(entities[2]);
}
END_TEST

START_TEST(products_arrive_at_every_platform_in_its_own_words)
{
    check_entity(entities[3]);
}
END_TEST

START_TEST(orders_arrive_at_every_platform_in_its_own_words)
{
    check_entity(entities[4]);
}
END_TEST

/* ── operational data ── */

START_TEST(operational_data_arrives_at_every_platform_as_it_is)
{
    const struct json *rows = read_file("operational");

    for (size_t i = 0; i < json_count(rows); i++)
        for (size_t s = 0; s < COUNT(platforms); s++) {
            const struct json *row = json_at(rows, i);
            const char *type = pick_text(row, "/event_type");
            const char *data = pick_print(json_get(row, "data"));
            const char *body = event_body(type, platforms[s], data);
            const struct json *shown = preview(body);
            const char *id = api_event("%s", body);
            for (size_t t = 0; t < COUNT(platforms); t++) {
                if (t == s)
                    continue;
                const struct json *got = fake_await(platforms[t], "/body/event_id", id);
                check_envelope(got, id, type, platforms[s], platforms[t]);
                pick_check(got, "/path", pick_text(row, "/path"));
                check_data(got, data, type);
                ck_assert(!pick_there(got, "/body/data/_sync_metadata/record_id"));
                check_shown(shown, got, platforms[t]);
            }
        }
}
END_TEST

/* ── what a preview does not do ── */

START_TEST(a_preview_stores_and_sends_nothing)
{
    const char *body = event_body("user_created", "bizoholic",
                                  "{\"id\":\"never\",\"email\":\"n@example.com\",\"name\":\"N\"}");
    int64_t before = fake_total("bizosaas");

    preview(body);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id = 'never'"), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM records WHERE entity_id = 'never'"), 0);
    ck_assert_int_eq(fake_total("bizosaas"), before);
}
END_TEST

START_TEST(a_preview_names_the_field_that_fails_one_target_and_shows_the_others)
{
    const struct json *shown =
        preview(event_body("lead_created", "coreldove", "{\"id\":\"l\",\"email\":\"l@example.com\"}"));

    pick_check(shown_for(shown, "bizosaas"), "/failed",
               "bizosaas requires status for a create, and this lead has none");
    pick_check(shown_for(shown, "bizosaas"), "/field", "status");
    pick_check(shown_for(shown, "bizoholic"), "/body/data/lead_status", "new");
}
END_TEST

START_TEST(a_preview_of_what_does_not_validate_is_refused_as_the_event_is)
{
    const char *body =
        event_body("user_created", "bizoholic", "{\"id\":\"x\",\"email_address\":\"nobody\",\"name\":\"N\"}");
    const struct api_answer *event = api_post("/sync/events", body);
    const struct api_answer *shown = api_send(&(struct api_request){
        .url = "/sync/mappings/preview", .body = body, .token = api_token(API_TENANT, "operator")});

    ck_assert_int_eq(shown->status, 422);
    ck_assert_str_eq(pick_print(pick(shown->json, "/errors")), pick_print(pick(event->json, "/errors")));
}
END_TEST

START_TEST(a_preview_is_for_operators_of_the_tenant)
{
    const char *body = event_body("user_updated", "bizosaas", "{\"id\":\"user-bizosaas\",\"name\":\"N\"}");

    ck_assert_int_eq(api_post("/sync/mappings/preview", body)->status, 403); /* as a service */
    ck_assert_int_eq(
        api_send(&(struct api_request){.url = "/sync/mappings/preview", .body = body, .token = ""})->status,
        401);
    ck_assert_int_eq(api_send(&(struct api_request){.url = "/sync/mappings/preview",
                                                    .body = body,
                                                    .token = api_token("another", "operator")})
                         ->status,
                     403);
}
END_TEST

START_TEST(a_preview_shows_nothing_of_another_tenants_record)
{
    const char *id =
        api_event("%s", event_body("user_created", "bizoholic",
                                   "{\"id\":\"shared\",\"email\":\"s@example.com\",\"name\":\"S\"}"));
    api_await(id, "completed");
    const char *record = sql_text("SELECT id FROM records WHERE entity_id = 'shared'");
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = "/sync/mappings/preview",
        .body = api_text("{\"event_type\":\"user_updated\",\"source_platform\":\"bizoholic\","
                         "\"target_platforms\":[\"bizosaas\"],\"data\":{\"id\":\"shared\",\"phone\":\"1\","
                         "\"_sync_metadata\":{\"record_id\":\"%s\"}}}",
                         record),
        .token = api_token("another", "operator")});

    ck_assert_int_eq(answer->status, 200);
    pick_equal(answer->json, "/record", "null");
    ck_assert(strcmp(pick_text(answer->json, "/event/record_id"), record) != 0);
    ck_assert(!strstr(answer->body, "s@example.com"));
}
END_TEST

int main(void)
{
    return flow_run("languages", NULL,
                    (const TTest *[]){users_arrive_at_every_platform_in_its_own_words,
                                      leads_arrive_at_every_platform_in_its_own_words,
                                      campaigns_arrive_at_every_platform_in_its_own_words,
                                      products_arrive_at_every_platform_in_its_own_words,
                                      orders_arrive_at_every_platform_in_its_own_words,
                                      operational_data_arrives_at_every_platform_as_it_is,
                                      a_preview_stores_and_sends_nothing,
                                      a_preview_names_the_field_that_fails_one_target_and_shows_the_others,
                                      a_preview_of_what_does_not_validate_is_refused_as_the_event_is,
                                      a_preview_is_for_operators_of_the_tenant,
                                      a_preview_shows_nothing_of_another_tenants_record, NULL});
}
