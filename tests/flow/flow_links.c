/*
 * flow_links.c: one person under several ids: new ids that are bound by themselves, users that people link and split, and suggestions.
 * Ids and addresses differ from claim to claim, so that they share one stack.
 */
#include "ctl_fixture.h"
#include "flow_fixture.h"

static const char *user(const char *platform, const char *id, const char *email, const char *name,
                        const char *targets, const char *more)
{
    const char *event = api_event("{\"event_type\":\"user_created\",\"source_platform\":\"%s\","
                                  "\"target_platforms\":[%s],\"data\":{\"id\":\"%s\",\"email\":\"%s\","
                                  "\"name\":\"%s\"%s}}",
                                  platform, targets, id, email, name, more);

    /* Or "conflict", where an address waits for a person. */
    flow_wait(strcmp(api_status(event), "completed") == 0 || strcmp(api_status(event), "conflict") == 0, 20);
    return sql_text("SELECT record_id FROM sync_events WHERE id = '%s'", event);
}

static const char *update(const char *platform, const char *id, const char *fields, const char *targets)
{
    const char *event = api_event("{\"event_type\":\"user_updated\",\"source_platform\":\"%s\","
                                  "\"target_platforms\":[%s],\"data\":{\"id\":\"%s\",%s}}",
                                  platform, targets, id, fields);

    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE id = '%s' AND status > 0", event) == 1, 10);
    return event;
}

static const char *record_of(const char *event)
{
    return sql_text("SELECT record_id FROM sync_events WHERE id = '%s'", event);
}

static const struct json *shown(const char *id)
{
    return api_found(api_text("/sync/records/user/%s", id));
}

static const struct api_answer *decide(const char *method, const char *path, const char *body)
{
    return api_send(&(struct api_request){
        .method = method, .url = path, .token = api_token(API_TENANT, "operator"), .body = body});
}

static const struct json *link_of(const char *method, const char *path, const char *body)
{
    const struct api_answer *answer = decide(method, path, body);

    ck_assert_msg(answer->status == 200, "%s %s: %d %s", method, path, answer->status, answer->body);
    return answer->json;
}

/* Waits until what was decided has been done. */
static const struct json *link_done(const char *id)
{
    flow_wait(pick(api_found(api_text("/sync/links/%s", id)), "/applied") &&
                  json_bool(pick(api_found(api_text("/sync/links/%s", id)), "/applied")),
              10);
    return api_found(api_text("/sync/links/%s", id));
}

static const char *linked(const char *a, const char *b)
{
    const struct json *link = link_of("POST", "/sync/links", api_text("{\"users\":[\"%s\",\"%s\"]}", a, b));

    link_done(pick_text(link, "/id"));
    return pick_text(link, "/id");
}

static void split(const char *link)
{
    link_of("DELETE", api_text("/sync/links/%s", link), NULL);
    pick_check(link_done(link), "/status", "split");
}

/* ---- by itself ---- */

START_TEST(a_new_id_with_exactly_the_same_e_mail_is_bound_to_the_record_that_has_it)
{
    const char *older = user("bizoholic", "auto-1", "auto1@example.com", "Auto", "\"bizosaas\"", ""),
               *event = update("coreldove", "auto-c1",
                               "\"email\":\"AUTO1@Example.com\",\"name\":\"Auto\",\"city\":\"Pune\"",
                               "\"bizosaas\"");

    ck_assert_str_eq(record_of(event), older);
    pick_check(shown("auto-1"), "/data/city", "Pune");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM records WHERE entity_id = 'auto-c1'"), 0);
    ck_assert_str_eq(record_of(update("coreldove", "auto-c1", "\"city\":\"Mumbai\"", "\"bizosaas\"")), older);
    pick_check(shown("auto-1"), "/data/city", "Mumbai");
    /* The platform is told of the id that it knows, and as of something that it has. */
    const char *told = update("bizoholic", "auto-1", "\"phone\":\"+1 555 0100\"", "\"coreldove\"");
    const struct json *got = fake_await("coreldove", "/body/event_id", told);
    pick_check(got, "/body/data/customer_id", "auto-c1");
    pick_check(got, "/path", "/api/sync/user/update");
}
END_TEST

START_TEST(two_ids_of_one_platform_are_never_bound_by_themselves)
{
    const char *first = user("bizoholic", "own-1", "own1@example.com", "Own", "\"coreldove\"", "");

    ck_assert_str_ne(user("bizoholic", "own-2", "own1@example.com", "Own", "\"bizosaas\"", ""), first);
    /* coreldove was sent the first one: it has an id for it. */
    ck_assert_str_ne(user("coreldove", "own-3", "own1@example.com", "Own", "\"bizosaas\"", ""), first);
    ck_assert_str_eq(sql_text("SELECT COALESCE(string_agg(to_jsonb(l)::text, ' '), '') FROM record_links l "
                              "WHERE entity_id LIKE 'own-%%'"),
                     "");
}
END_TEST

START_TEST(an_address_that_two_have_binds_nobody_and_tenants_never_meet)
{
    const char *first = user("bizoholic", "amb-1", "amb@example.com", "A", "\"bizosaas\"", ""),
               *second = user("bizoholic", "amb-2", "amb@example.com", "B", "\"bizosaas\"", ""),
               *third = user("coreldove", "amb-3", "amb@example.com", "C", "\"bizosaas\"", "");

    ck_assert_str_ne(third, first);
    ck_assert_str_ne(third, second);
    user("bizoholic", "far-1", "far@example.com", "F", "\"bizosaas\"", "");
    api_event_of("tenant-b", "{\"event_type\":\"user_created\",\"source_platform\":\"coreldove\","
                             "\"target_platforms\":[\"bizosaas\"],\"data\":{\"id\":\"far-2\","
                             "\"email\":\"far@example.com\",\"name\":\"F\"}}");
    flow_wait(sql_int("SELECT count(*) FROM records WHERE entity_id = 'far-2' AND tenant_id = 'tenant-b'") ==
                  1,
              10);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM record_links WHERE other_entity_id = 'far-2'"), 0);
}
END_TEST

START_TEST(an_external_id_binds_what_e_mail_does_not)
{
    const char *older =
        user("bizoholic", "ext-1", "ext1@example.com", "E", "\"bizosaas\"", ",\"tax_id\":\"T-1\"");

    ck_assert_str_eq(
        user("coreldove", "ext-2", "other@example.com", "E", "\"bizosaas\"", ",\"tax_id\":\" T-1 \""), older);
    ck_assert_str_ne(
        user("coreldove", "ext-3", "ext1@example.com", "E", "\"bizosaas\"", ",\"tax_id\":\"T-2\""), older);
}
END_TEST

START_TEST(what_was_bound_by_itself_is_split_into_a_record_with_what_its_platform_said)
{
    user("bizoholic", "bound-1", "bound@example.com", "Bound", "\"bizosaas\"", ",\"city\":\"Pune\"");
    user("coreldove", "bound-2", "bound@example.com", "Bound", "\"bizosaas\"", ",\"score\":7");
    update("coreldove", "bound-2", "\"district\":\"North\"", "\"bizosaas\"");
    pick_check(shown("bound-1"), "/data/district", "North");
    const struct json *link = pick(api_found("/sync/links?status=linked&limit=200"), "/links/0");
    pick_check(link, "/other/entity_id", "bound-2");
    pick_check(link, "/kind", "email");
    split(pick_text(link, "/id"));

    pick_equal(shown("bound-1"), "/data",
               "{\"id\":\"bound-1\",\"email\":\"bound@example.com\",\"name\":\"Bound\",\"city\":\"Pune\","
               "\"score\":null,\"district\":null}");
    pick_equal(shown("bound-2"), "/data",
               "{\"email\":\"bound@example.com\",\"name\":\"Bound\",\"score\":7,\"district\":\"North\","
               "\"id\":\"bound-2\"}");
    update("coreldove", "bound-2", "\"email\":\"bound@example.com\",\"district\":\"South\"", "\"bizosaas\"");
    pick_check(shown("bound-2"), "/data/district", "South");
    pick_equal(shown("bound-1"), "/data/district", "null");
}
END_TEST

/* ---- by people ---- */

START_TEST(a_person_links_two_users_and_what_comes_under_either_id_reaches_the_older)
{
    const char *older = user("bizoholic", "hand-1", "hand1@example.com", "Hand One", "\"bizosaas\"", "");

    user("coreldove", "hand-2", "hand2@example.com", "Hand Two", "\"bizosaas\"", ",\"city\":\"Pune\"");
    const char *link = linked("hand-2", older);
    const struct json *record = shown("hand-1");
    pick_check(record, "/record_id", older);
    pick_check(record, "/data/city", "Pune");
    pick_check(record, "/data/name", "Hand Two");
    pick_equal(record, "/version", "2");
    pick_check(shown("hand-2"), "/record_id", older);
    pick_check(api_found(api_text("/sync/links/%s", link)), "/record/entity_id", "hand-1");
    /* Under its id, also from a platform that never named it before. */
    ck_assert_str_eq(record_of(update("coreldove", "hand-2", "\"city\":\"Mumbai\"", "\"bizosaas\"")), older);
    ck_assert_str_eq(record_of(update("bizosaas", "hand-2", "\"zip\":\"1\"", "\"coreldove\"")), older);
    pick_check(shown("hand-1"), "/data/city", "Mumbai");
    pick_check(shown("hand-1"), "/data/zip", "1");
    /* What the older becomes goes to the platforms of both, under the id each knows. */
    const char *told = update("bizoholic", "hand-1", "\"phone\":\"1\"", "\"coreldove\"");
    pick_check(fake_await("coreldove", "/body/event_id", told), "/body/data/customer_id", "hand-2");
}
END_TEST

START_TEST(a_wrong_link_is_split_again_with_both_histories_intact)
{
    user("bizoholic", "wrong-1", "wrong1@example.com", "Wrong One", "\"bizosaas\"", ",\"city\":\"Pune\"");
    user("coreldove", "wrong-2", "wrong2@example.com", "Wrong Two", "\"bizosaas\"", ",\"zip\":\"2\"");
    const char *link = linked("wrong-1", "wrong-2");
    update("coreldove", "wrong-2", "\"zip\":\"3\"", "\"bizosaas\"");
    update("bizoholic", "wrong-1", "\"city\":\"Goa\"", "\"bizosaas\"");
    split(link);

    pick_equal(shown("wrong-1"), "/data",
               "{\"id\":\"wrong-1\",\"email\":\"wrong1@example.com\",\"name\":\"Wrong "
               "One\",\"city\":\"Goa\",\"zip\":null}");
    pick_equal(shown("wrong-2"), "/data",
               "{\"id\":\"wrong-2\",\"email\":\"wrong2@example.com\",\"name\":\"Wrong Two\",\"zip\":\"3\"}");
    ck_assert_uint_ge(json_count(pick(api_found("/sync/records/user/wrong-1/versions"), "/versions")), 4);
    pick_check(api_found("/sync/records/user/wrong-2/versions"), "/versions/1/data/zip", "2");
    /* Each stands for itself, and the platforms have them so. */
    update("coreldove", "wrong-2", "\"zip\":\"4\"", "\"bizosaas\"");
    pick_check(shown("wrong-2"), "/data/zip", "4");
    pick_equal(shown("wrong-1"), "/data/zip", "null");
    flow_wait(
        sql_int(
            "SELECT count(*) FROM deliveries d JOIN records r ON r.id = d.record_id WHERE r.entity_id LIKE "
            "'wrong-%%' AND d.state IN (0, 1)") == 0,
        10);
    pick_check(fake_record("bizosaas", "user", API_TENANT, "wrong-1"), "/data/user_name", "Wrong One");
    pick_check(fake_record("bizosaas", "user", API_TENANT, "wrong-2"), "/data/user_name", "Wrong Two");
    pick_check(fake_record("bizosaas", "user", API_TENANT, "wrong-2"), "/data/zip", "4");
}
END_TEST

START_TEST(what_was_on_its_way_to_the_younger_is_superseded)
{
    user("bizoholic", "way-1", "way1@example.com", "Way", "\"bizosaas\"", "");
    fake_control("coreldove", "{\"rules\":[{\"fault\":\"status\",\"status\":503,\"times\":1000,\"match\":{"
                              "\"path\":\"/api/sync/user\"}}]}");
    const char *event = api_event(
        "{\"event_type\":\"user_created\",\"source_platform\":\"bizosaas\",\"target_platforms\":"
        "[\"coreldove\"],\"data\":{\"id\":\"way-2\",\"email\":\"way2@example.com\",\"name\":\"W\"}}");
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s' AND state = 1", event) == 1, 10);
    linked("way-1", "way-2");
    api_await(event, "completed");
    fake_control("coreldove", "{\"rules\":[]}");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s' AND state = 3", event),
                     1);
}
END_TEST

START_TEST(of_two_persons_one_is_told_that_the_other_was_faster)
{
    user("bizoholic", "fast-1", "fast1@example.com", "Fast", "\"bizosaas\"", "");
    user("coreldove", "fast-2", "fast2@example.com", "Fast", "\"bizosaas\"", "");
    user("coreldove", "fast-3", "fast3@example.com", "Fast", "\"bizosaas\"", "");
    const char *link = linked("fast-1", "fast-2"), *path = api_text("/sync/links/%s", link);

    ck_assert_int_eq(decide("POST", "/sync/links", "{\"users\":[\"fast-1\",\"fast-2\"]}")->status, 409);
    ck_assert_int_eq(decide("POST", "/sync/links", "{\"users\":[\"fast-3\",\"fast-2\"]}")->status, 409);
    ck_assert_int_eq(decide("POST", api_text("%s/refuse", path), NULL)->status, 409);
    split(link);
    ck_assert_int_eq(decide("DELETE", path, NULL)->status, 409);
    link_of("POST", api_text("%s/confirm", path), "{\"note\":\"after all\"}");
    pick_check(link_done(link), "/note", "after all");
    pick_check(shown("fast-2"), "/entity_id", "fast-1");
}
END_TEST

/* ---- routers die ---- */

#define CRASHED 6

static int64_t links_undone(void)
{
    return sql_int(
        "SELECT count(*) FROM record_links l LEFT JOIN sync_events e ON e.link_id = l.id AND e.status = 0 "
        "WHERE l.status NOT IN ('linked', 'split', 'suggested', 'refused') OR e.id IS NOT NULL");
}

static void die_again_and_again(void)
{
    for (int i = 0; i < 4 && links_undone() > 0; i++) {
        stack_start("router");
        usleep(30000 * (unsigned)(i + 1));
        stack_kill("router");
    }
    stack_start("router");
    flow_wait(links_undone() == 0, 30);
}

START_TEST(links_go_on_where_routers_that_died_left_them)
{
    struct api_request requests[CRASHED];
    const struct api_answer *answers[CRASHED];
    const char *token = api_token(API_TENANT, "operator");

    for (int i = 0; i < CRASHED; i++) {
        user("bizoholic", api_text("crash-%d", i), api_text("crash%d@example.com", i),
             api_text("Crash %d", i), "\"bizosaas\"", "");
        user("coreldove", api_text("crush-%d", i), api_text("crush%d@example.com", i),
             api_text("Crush %d", i), "\"bizosaas\"", ",\"zip\":\"1\"");
        requests[i] = (struct api_request){.url = "/sync/links",
                                           .token = token,
                                           .body = api_text("{\"users\":[\"crash-%d\",\"crush-%d\"]}", i, i)};
    }
    stack_kill("router");
    stack_kill("router-2");
    api_send_together(requests, answers, CRASHED);
    for (int i = 0; i < CRASHED; i++)
        pick_equal(answers[i]->json, "/applied", "false");
    die_again_and_again();
    for (int i = 0; i < CRASHED; i++) {
        pick_check(shown(api_text("crush-%d", i)), "/entity_id", api_text("crash-%d", i));
        pick_equal(shown(api_text("crash-%d", i)), "/version", "2");
        requests[i] =
            (struct api_request){.method = "DELETE",
                                 .url = api_text("/sync/links/%s", pick_text(answers[i]->json, "/id")),
                                 .token = token};
    }
    stack_kill("router");
    api_send_together(requests, answers, CRASHED);
    die_again_and_again();
    stack_start("router-2");
    for (int i = 0; i < CRASHED; i++) {
        pick_check(shown(api_text("crush-%d", i)), "/data/name", api_text("Crush %d", i));
        pick_equal(shown(api_text("crush-%d", i)), "/version", "2");
        pick_check(shown(api_text("crash-%d", i)), "/data/name", api_text("Crash %d", i));
        pick_equal(shown(api_text("crash-%d", i)), "/version", "3");
    }
}
END_TEST

/* ---- suggestions ---- */

static const struct json *suggestion(const char *a, const char *b)
{
    const struct json *links = pick(api_found("/sync/links?status=suggested&limit=200"), "/links");

    for (size_t i = 0; i < json_count(links); i++)
        if (strcmp(pick_text(json_at(links, i), "/record/entity_id"), a) == 0 &&
            strcmp(pick_text(json_at(links, i), "/other/entity_id"), b) == 0)
            return json_at(links, i);
    return NULL;
}

START_TEST(who_may_be_one_person_is_suggested_with_reasons_and_a_person_decides)
{
    user("bizoholic", "sug-1", "john.smith@example.com", "John Smith", "\"bizosaas\"",
         ",\"phone\":\"+49 30 123456\",\"address\":\"12 Long Street\"");
    user("coreldove", "sug-2", "jsmith@example.org", "Jonh Smith", "\"bizosaas\"",
         ",\"phone\":\"0049 (30) 123-456\"");
    user("coreldove", "sug-3", "anna@example.org", "Anna Smith", "\"bizosaas\"",
         ",\"phone\":\"+4930123456\"");
    user("coreldove", "sug-4", "other@example.net", "Jon Smith", "\"bizosaas\"",
         ",\"address\":\"12, Long St.\"");
    flow_wait(suggestion("sug-1", "sug-2") && suggestion("sug-1", "sug-4"), 15);
    const struct json *link = suggestion("sug-1", "sug-2"), *other = suggestion("sug-1", "sug-4");
    pick_check(link, "/kind", "suggestion");
    pick_check(link, "/why/0", "phone");
    ck_assert_int_eq(strncmp(pick_text(link, "/why/1"), "name 0.", 7), 0);
    ck_assert_ptr_null(suggestion("sug-1", "sug-3")); /* of one household */
    /* Refused: not suggested again, whatever changes. */
    link_of("POST", api_text("/sync/links/%s/refuse", pick_text(other, "/id")), "{\"note\":\"his son\"}");
    link_of("POST", api_text("/sync/links/%s/confirm", pick_text(link, "/id")), NULL);
    link_done(pick_text(link, "/id"));
    pick_check(shown("sug-2"), "/entity_id", "sug-1");
    update("coreldove", "sug-4", "\"city\":\"Leeds\"", "\"bizosaas\"");
    user("coreldove", "sug-5", "late@example.net", "Jon Smith", "\"bizosaas\"",
         ",\"address\":\"12, Long St.\"");
    flow_wait(suggestion("sug-4", "sug-5"), 15);
    ck_assert_ptr_null(suggestion("sug-1", "sug-4"));
    pick_check(api_found(api_text("/sync/links/%s", pick_text(other, "/id"))), "/status", "refused");
}
END_TEST

START_TEST(nothing_plain_is_kept_beside_users_to_find_similar_ones)
{
    flow_wait(sql_int("SELECT count(*) FROM similar_keys") > 0, 10);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM similar_keys f WHERE f::text ~* 'smith|example'"), 0);
    ck_assert_int_eq(stack_log_count("resolver", "keyed hashes"), 1);
}
END_TEST

/* After tokens were made: what makes them takes the secret away. */
static void ctl_on_the_api(void)
{
    ctl_env("API_URL", stack_setting("API_URL"));
    ctl_env("JWT_SECRET", stack_setting("JWT_SECRET"));
    ctl_env("ENVIRONMENT", "development");
}

START_TEST(syncctl_links_shows_and_splits_as_the_api_does)
{
    user("bizoholic", "ctl-1", "ctl1@example.com", "Walter Ctl", "\"bizosaas\"", "");
    user("coreldove", "ctl-2", "ctl2@example.com", "Wilma Ctl", "\"bizosaas\"", "");
    ctl_on_the_api();
    const struct json *link = ctl_json("links link ctl-1 ctl-2 --tenant " API_TENANT " --note same --json");
    const char *id = pick_text(link, "/id");

    link_done(id);
    pick_check(link, "/note", "same");
    ctl_says(ctl("links list --status linked --tenant " API_TENANT), id);
    ctl_says(ctl("links show %s --tenant " API_TENANT, id), "older     ctl-1, record ");
    pick_check(shown("ctl-2"), "/entity_id", "ctl-1");
    ctl_says(ctl("links split %s --tenant " API_TENANT " --note wrong", id), "note      wrong");
    link_done(id);
    pick_check(shown("ctl-2"), "/data/name", "Wilma Ctl");
    ck_assert_int_eq(ctl("links refuse %s --tenant " API_TENANT, id)->status, 1);
    ck_assert_int_eq(ctl("links confirm --tenant " API_TENANT)->status, 2);
}
END_TEST

START_TEST(what_is_wrong_with_a_question_about_links_is_said)
{
    static const struct {
        const char *method, *path, *body;
        int status;
    } rows[] = {
        {"POST", "/sync/links", "{}", 422},
        {"POST", "/sync/links", "{\"users\":[\"a\",\"b\"],\"x\":1}", 422},
        {"POST", "/sync/links", "{\"users\":[\"nobody-1\",\"nobody-2\"]}", 404},
        {"GET", "/sync/links?status=odd", NULL, 422},
        {"POST", "/sync/links/nothing/confirm", NULL, 404},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct api_answer *answer = decide(rows[i].method, rows[i].path, rows[i].body);
        ck_assert_msg(answer->status == rows[i].status, "%s: %d %s", rows[i].path, answer->status,
                      answer->body);
    }
    ck_assert_int_eq(api_send(&(struct api_request){.url = "/sync/links",
                                                    .token = api_token(API_TENANT, "service"),
                                                    .body = "{\"users\":[\"a\",\"b\"]}"})
                         ->status,
                     403);
    ck_assert_int_eq(api_send(&(struct api_request){.url = "/sync/links?tenant_id=tenant-b"})->status, 404);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"LINK_EXTERNAL_ID=tax_id", "LEASE_SECONDS=2s", NULL};

    return flow_run(
        "links", &(struct stack_options){.env = env, .replicas = "router=2"},
        (const TTest *[]){a_new_id_with_exactly_the_same_e_mail_is_bound_to_the_record_that_has_it,
                          two_ids_of_one_platform_are_never_bound_by_themselves,
                          an_address_that_two_have_binds_nobody_and_tenants_never_meet,
                          an_external_id_binds_what_e_mail_does_not,
                          what_was_bound_by_itself_is_split_into_a_record_with_what_its_platform_said,
                          a_person_links_two_users_and_what_comes_under_either_id_reaches_the_older,
                          a_wrong_link_is_split_again_with_both_histories_intact,
                          what_was_on_its_way_to_the_younger_is_superseded,
                          of_two_persons_one_is_told_that_the_other_was_faster,
                          links_go_on_where_routers_that_died_left_them,
                          who_may_be_one_person_is_suggested_with_reasons_and_a_person_decides,
                          nothing_plain_is_kept_beside_users_to_find_similar_ones,
                          syncctl_links_shows_and_splits_as_the_api_does,
                          what_is_wrong_with_a_question_about_links_is_said, NULL});
}
