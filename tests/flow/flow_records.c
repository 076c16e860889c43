/*
 * flow_records.c: records and users as clients and operators look them up, and the original's way to send a user. Ids and addresses
 * differ from claim to claim, so that they share one stack.
 */
#include "ctl_fixture.h"
#include "flow_fixture.h"

static const struct api_answer *post_user_with(const char *token, const char *key, const char *body)
{
    return api_send(&(struct api_request){.url = "/sync/users", .token = token, .key = key, .body = body});
}

static const char *post_user(const char *body)
{
    const struct api_answer *answer = post_user_with(NULL, NULL, body);

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    return pick_text(answer->json, "/event_id");
}

/* base_version 0: none is said. */
static const char *send_on(int base_version, const char *type, const char *source, const char *targets,
                           const char *data)
{
    const char *base = base_version ? api_text("\"base_version\":%d,", base_version) : "",
               *id = api_event("{\"event_type\":\"%s\",\"source_platform\":\"%s\",\"target_platforms\":[%s],"
                               "\"tenant_id\":\"" API_TENANT "\",%s\"data\":%s}",
                               type, source, targets, base, data);

    api_await(id, "completed");
    return id;
}

#define send(...) send_on(0, __VA_ARGS__)
#define TO_ALL "\"bizoholic\",\"coreldove\",\"bizosaas\""

/* ---- the original's way to send a user ---- */

START_TEST(a_posted_user_goes_to_the_other_two_as_a_change_of_bizosaas)
{
    const struct api_answer *answer = post_user_with(
        NULL, NULL,
        "{\"user_id\":\"post1\",\"email\":\"post1@example.com\",\"name\":\"Post One\",\"phone\":null,"
        "\"profile_data\":{\"plan\":\"pro\"},\"preferences\":{\"language\":\"en\"},\"tenant_id\":"
        "\"" API_TENANT "\",\"platform_data\":{\"bizoholic\":{\"segment\":7}},\"nonsense\":[1]}");
    const char *id = pick_text(answer->json, "/event_id");

    ck_assert_int_eq(answer->status, 200);
    pick_equal(answer->json, "",
               api_text("{\"message\":\"User synchronized\",\"user_id\":\"post1\",\"event_id\":\"%s\"}", id));
    const struct json *event = api_await(id, "completed");
    pick_check(event, "/event/event_type", "user_updated");
    pick_check(event, "/event/source_platform", "bizosaas");
    pick_equal(event, "/event/target_platforms", "[\"bizoholic\",\"coreldove\"]");
    pick_equal(event, "/event/data/nonsense", "absent");
    const struct json *got = fake_await("bizoholic", "/body/event_id", id);
    pick_check(got, "/body/data/email_address", "post1@example.com");
    pick_equal(got, "/body/data/profile_data", "{\"plan\":\"pro\"}");
    pick_check(fake_await("coreldove", "/body/event_id", id), "/body/data/customer_name", "Post One");
    ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/event_id", id), 0);
}
END_TEST

START_TEST(a_user_is_shown_as_it_is_now_until_it_is_deleted)
{
    api_await(
        post_user(
            "{\"user_id\":81,\"email\":\"u81@example.com\",\"name\":\"First\",\"preferences\":{\"a\":1}}"),
        "completed");
    send_on(1, "user_updated", "coreldove", TO_ALL,
            "{\"customer_id\":\"81\",\"customer_name\":\"Second\",\"city\":\"Pune\"}");
    const struct json *user = api_found("/sync/users/81?tenant_id=" API_TENANT);
    pick_equal(user, "/user_id", "\"81\"");
    pick_check(user, "/email", "u81@example.com");
    pick_check(user, "/name", "Second");
    pick_equal(user, "/phone", "null");
    pick_equal(user, "/preferences", "{\"a\":1}");
    pick_equal(user, "/profile_data", "{}");
    pick_check(user, "/city", "Pune");
    pick_check(user, "/tenant_id", API_TENANT);
    pick_check(user, "/version", "2");
    send("user_deleted", "bizoholic", TO_ALL, "{\"id\":\"81\"}");
    ck_assert_int_eq(api_get("/sync/users/81")->status, 404);
    pick_equal(api_found("/sync/records/user/81"), "/deleted", "true");
}
END_TEST

START_TEST(a_platforms_token_posts_users_as_that_platform)
{
    const struct api_answer *answer =
        post_user_with(api_token_for(API_TENANT, "service", "coreldove", NULL), NULL,
                       "{\"user_id\":\"post2\",\"email\":\"post2@example.com\",\"name\":\"Two\"}");
    const struct json *event = api_await(pick_text(answer->json, "/event_id"), "completed");

    pick_check(event, "/event/source_platform", "coreldove");
    pick_equal(event, "/event/target_platforms", "[\"bizoholic\",\"bizosaas\"]");
}
END_TEST

START_TEST(a_posted_user_is_one_event_per_idempotency_key)
{
    static const char *const body =
        "{\"user_id\":\"post3\",\"email\":\"post3@example.com\",\"name\":\"Three\"}";
    const struct api_answer *first = post_user_with(NULL, "users-3", body),
                            *again = post_user_with(NULL, "users-3", body),
                            *other = post_user_with(
                                NULL, "users-3",
                                "{\"user_id\":\"post3\",\"email\":\"post3@example.com\",\"name\":\"3\"}");

    ck_assert_int_eq(first->status, 200);
    ck_assert_str_eq(first->body, again->body);
    ck_assert_int_eq(other->status, 422);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id = 'post3'"), 1);
}
END_TEST

START_TEST(what_is_wrong_with_a_user_is_named_in_its_own_words)
{
    static const struct {
        const char *body;
        int status;
        const char *errors; /* their pointers; NULL: none */
    } rows[] = {
        {"{\"user_id\":\"w\",\"name\":\"N\"}", 422, "/email"},
        {"{\"name\":null}", 422, "/user_id /email /name"},
        {"{\"user_id\":\"w\",\"email\":\"nobody\",\"name\":\"N\"}", 422, "/email"},
        {"{\"user_id\":true,\"email\":\"w@example.com\",\"name\":\"N\"}", 422, "/user_id"},
        {"{\"user_id\":\"w\",\"email\":\"w@example.com\",\"name\":7,\"profile_data\":\"x\"}", 422,
         "/profile_data /name"},
        {"[]", 422, ""},
        {"{\"user_id\":\"w\",\"email\":\"w@example.com\",\"name\":\"N\",\"tenant_id\":\"another\"}", 403,
         NULL},
        {"{\"user_id\"", 400, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct api_answer *answer = post_user_with(NULL, NULL, rows[i].body);
        const char *pointers = "";
        const struct json *errors = pick(answer->json, "/errors");
        for (size_t n = 0; n < json_count(errors); n++)
            pointers = api_text("%s%s%s", pointers, n ? " " : "", pick_text(json_at(errors, n), "/pointer"));
        ck_assert_msg(answer->status == rows[i].status &&
                          (!rows[i].errors || strcmp(pointers, rows[i].errors) == 0),
                      "%s: %d %s", rows[i].body, answer->status, answer->body);
    }
    ck_assert_int_eq(post_user_with(api_token(API_TENANT, "viewer"), NULL, rows[0].body)->status, 403);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id = 'w'"), 0);
}
END_TEST

/* ---- records ---- */

START_TEST(a_record_tells_its_fields_origins_and_what_each_platform_has)
{
    send("user_created", "bizoholic", TO_ALL,
         "{\"user_id\":\"rec1\",\"email\":\"rec1@example.com\",\"full_name\":\"One\",\"phone\":\"1\"}");
    send_on(1, "user_updated", "coreldove", TO_ALL, "{\"customer_id\":\"rec1\",\"customer_name\":\"Two\"}");
    const struct json *record = api_found("/sync/records/user/rec1");

    pick_check(record, "/entity_type", "user");
    pick_check(record, "/entity_id", "rec1");
    pick_check(record, "/tenant_id", API_TENANT);
    pick_equal(record, "/version", "2");
    pick_equal(record, "/vector", "{\"bizoholic\":1,\"coreldove\":1,\"bizosaas\":0,\"service\":0}");
    pick_equal(record, "/deleted", "false");
    pick_equal(record, "/data",
               "{\"id\":\"rec1\",\"email\":\"rec1@example.com\",\"name\":\"Two\",\"phone\":\"1\"}");
    pick_check(record, "/fields/name/origin", "coreldove");
    pick_check(record, "/fields/email/origin", "bizoholic");
    ck_assert_str_eq(pick_text(record, "/fields/email/time"), pick_text(record, "/fields/phone/time"));
    ck_assert_int_lt(strcmp(pick_text(record, "/fields/email/time"), pick_text(record, "/fields/name/time")),
                     0);
    pick_equal(record, "/platforms/bizosaas/version", "2");
    pick_check(record, "/platforms/bizosaas/state", "present");
    ck_assert_ptr_nonnull(pick_text(record, "/platforms/bizosaas/delivered_at"));
    pick_equal(record, "/platforms/coreldove/version", "1");
    ck_assert_int_eq(strncmp(pick_text(record, "/platforms/coreldove/platform_id"), "coreldove-user-", 15),
                     0);
    pick_equal(record, "/also", "absent");
    /* Deliveries carry our own id. */
    const char *ours = pick_text(record, "/record_id");
    pick_equal(api_found(api_text("/sync/records/user/%s", ours)), "", pick_print(record));
    ck_assert_int_eq(api_get("/sync/records/lead/%s", ours)->status, 404);
}
END_TEST

START_TEST(money_is_shown_in_the_currency_it_came_in)
{
    send("product_created", "coreldove", TO_ALL,
         "{\"product_id\":\"rec2\",\"product_name\":\"P\",\"product_price\":8300}");
    const struct json *record = api_found("/sync/records/product/rec2");

    pick_equal(record, "/data/price", "8300");
    pick_check(record, "/fields/price/currency", "INR");
}
END_TEST

START_TEST(versions_come_newest_first_in_pages_that_neither_skip_nor_repeat)
{
    const char *events[5], *cursor = NULL;
    int64_t expected = 5;

    for (int i = 0; i < 5; i++)
        events[i] =
            send(i == 4 ? "user_deleted" : "user_updated", "bizoholic", TO_ALL,
                 api_text("{\"user_id\":\"ver1\",\"email\":\"ver1@example.com\",\"name\":\"%d\"}", i + 1));
    do {
        const struct json *page = api_found(api_text("/sync/records/user/ver1/versions?limit=2%s%s",
                                                     cursor ? "&cursor=" : "", cursor ? cursor : ""));
        const struct json *versions = pick(page, "/versions");
        ck_assert_uint_eq(json_count(versions), expected > 1 ? 2 : 1);
        for (size_t i = 0; i < json_count(versions); i++, expected--) {
            const struct json *version = json_at(versions, i);
            ck_assert_int_eq(pick_int(version, "/version"), expected);
            pick_check(version, "/event_id", events[expected - 1]);
            pick_check(version, "/source", "bizoholic");
            pick_equal(version, "/deleted", expected == 5 ? "true" : "false");
            pick_check(version, "/data/name", expected == 5 ? "4" : api_text("%d", (int)expected));
            pick_equal(version, "/changed",
                       expected == 5   ? "[]"
                       : expected == 1 ? "[\"email\",\"name\"]"
                                       : "[\"name\"]");
        }
        cursor = pick_text(page, "/next_cursor");
    } while (cursor);
    ck_assert_int_eq(expected, 0);
}
END_TEST

/* ---- found by something else ---- */

START_TEST(a_record_is_found_by_what_a_platform_calls_it)
{
    send("user_created", "bizoholic", TO_ALL,
         "{\"user_id\":\"plat1\",\"email\":\"plat1@example.com\",\"name\":\"P\"}");
    const char *theirs = pick_text(api_found("/sync/records/user/plat1"), "/platforms/coreldove/platform_id");

    pick_check(api_found(api_text("/sync/records/user?platform=coreldove&platform_id=%s", theirs)),
               "/entity_id", "plat1");
    /* Without an id of its own, a platform's is the entity's. */
    pick_check(api_found("/sync/records/user?platform=bizoholic&platform_id=plat1"), "/entity_id", "plat1");
    ck_assert_int_eq(api_get("/sync/records/user?platform=bizosaas&platform_id=%s", theirs)->status, 404);
    ck_assert_int_eq(api_get("/sync/records/lead?platform=coreldove&platform_id=%s", theirs)->status, 404);
}
END_TEST

START_TEST(records_are_found_by_their_e_mail_of_now_whatever_its_case)
{
    send("user_created", "bizoholic", TO_ALL,
         "{\"user_id\":\"mail1\",\"email\":\"Ann.Mail@Example.com\",\"name\":\"A\"}");
    const struct json *found = api_found("/sync/records/user?email=ann.mail%40example.COM");
    pick_check(found, "/entity_id", "mail1");
    pick_check(found, "/data/email", "Ann.Mail@Example.com");
    pick_equal(found, "/also", "[]");
    ck_assert_int_eq(api_get("/sync/records/lead?email=ann.mail@example.com")->status, 404);

    send("user_created", "coreldove", TO_ALL,
         "{\"id\":\"mail2\",\"email\":\"ann.mail@example.com\",\"name\":\"A\"}");
    found = api_found("/sync/records/user?email=ann.mail@example.com");
    pick_check(found, "/entity_id", "mail1");
    ck_assert_uint_eq(json_count(pick(found, "/also")), 1);
    pick_check(found, "/also/0/entity_id", "mail2");
    pick_equal(found, "/more", "false");

    send("user_deleted", "bizoholic", TO_ALL, "{\"id\":\"mail1\"}");
    pick_check(api_found("/sync/records/user?email=ann.mail@example.com"), "/entity_id", "mail2");
    send_on(1, "user_updated", "coreldove", TO_ALL, "{\"id\":\"mail2\",\"email\":\"ann.new@example.com\"}");
    pick_check(api_found("/sync/records/user?email=ann.new@example.com"), "/entity_id", "mail2");
    found = api_found("/sync/records/user?email=ann.mail@example.com");
    pick_check(found, "/entity_id", "mail1");
    pick_equal(found, "/also", "[]");
    /* The column holds no address. */
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM records WHERE email_hash IS NOT NULL AND length(email_hash) <> 16"), 0);
}
END_TEST

START_TEST(what_was_linked_or_merged_leads_to_the_record_that_stands_for_it)
{
    send("user_created", "bizoholic", TO_ALL,
         "{\"user_id\":\"link1\",\"email\":\"link1@example.com\",\"name\":\"L\"}");
    send("user_created", "bizoholic", TO_ALL,
         "{\"user_id\":\"link2\",\"email\":\"link1@example.com\",\"name\":\"L\"}");
    sql_do("UPDATE records SET merged_into = (SELECT id FROM records WHERE entity_id = 'link1') WHERE "
           "entity_id = 'link2'");
    sql_do("INSERT INTO record_ids (tenant_id, entity_type, platform, platform_id, record_id) SELECT "
           "tenant_id, entity_type, "
           "'bizosaas', 'link3', id FROM records WHERE entity_id = 'link1'");

    pick_check(api_found("/sync/records/user/link2"), "/entity_id", "link1");
    pick_check(api_found("/sync/records/user/link2/versions"), "/entity_id", "link1");
    pick_equal(api_found("/sync/records/user?email=link1@example.com"), "/also", "[]");
    pick_check(api_found("/sync/records/user?platform=bizosaas&platform_id=link3"), "/entity_id", "link1");
    /* A posted user is bizosaas's: so is the id that it is looked up by. */
    pick_check(api_found("/sync/users/link3"), "/user_id", "link1");
    ck_assert_int_eq(api_get("/sync/records/user/link3")->status, 404);
}
END_TEST

START_TEST(questions_that_name_no_record_are_refused_with_what_to_change)
{
    static const struct {
        const char *url;
        int status;
        const char *parameter;
    } rows[] = {
        {"/sync/records/user", 422, "email"},
        {"/sync/records/user?platform=coreldove", 422, "platform_id"},
        {"/sync/records/user?platform_id=7", 422, "email"},
        {"/sync/records/user?platform=coreldove&platform_id=7&email=a@example.com", 422, "email"},
        {"/sync/records/user?platform=nobody&platform_id=7", 422, "platform"},
        {"/sync/records/user?email=nobody", 422, "email"},
        {"/sync/records/user/rec1/versions?cursor=AAAA", 422, "cursor"},
        {"/sync/records/user/rec1/versions?limit=0", 422, "limit"},
        {"/sync/records/nothing/rec1", 404, NULL},
        {"/sync/records/user/not-there", 404, NULL},
        {"/sync/records/user/not-there/versions", 404, NULL},
        {"/sync/records/user?email=not-there@example.com", 404, NULL},
        {"/sync/users/not-there", 404, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct api_answer *answer = api_get("%s", rows[i].url);
        const char *parameter = pick_text(answer->json, "/errors/0/parameter");
        ck_assert_msg(answer->status == rows[i].status &&
                          strcmp(parameter ? parameter : "", rows[i].parameter ? rows[i].parameter : "") == 0,
                      "%s: %d %s", rows[i].url, answer->status, answer->body);
    }
}
END_TEST

START_TEST(tenants_never_meet)
{
    static const char *const urls[] = {"/sync/records/user/own1?x=1",
                                       "/sync/records/user/%s?x=1",
                                       "/sync/records/user/own1/versions?x=1",
                                       "/sync/users/own1?x=1",
                                       "/sync/records/user?email=own1@example.com",
                                       "/sync/records/user?platform=coreldove&platform_id=own1",
                                       "/sync/records/user?platform=coreldove&platform_id=%s"};
    send("user_created", "bizoholic", TO_ALL,
         "{\"user_id\":\"own1\",\"email\":\"own1@example.com\",\"name\":\"O\"}");
    const struct json *record = api_found("/sync/records/user/own1");

    for (size_t i = 0; i < COUNT(urls); i++) {
        const char *id = pick_text(record, strstr(urls[i], "platform_id") ? "/platforms/coreldove/platform_id"
                                                                          : "/record_id");
        const char *mark = strstr(urls[i], "%s");
        const char *url = mark ? api_text("%.*s%s%s", (int)(mark - urls[i]), urls[i], id, mark + 2) : urls[i];
        const char *foreign = api_token("another", "admin"), *all = api_token("*", "operator");
        const char *named = api_text("%s&tenant_id=" API_TENANT, url);
        ck_assert_msg(api_get("%s", url)->status == 200, "%s", url);
        ck_assert_msg(api_send(&(struct api_request){.url = url, .token = foreign})->status == 404, "%s",
                      url);
        ck_assert_msg(api_send(&(struct api_request){.url = named, .token = foreign})->status == 404, "%s",
                      named);
        ck_assert_msg(api_send(&(struct api_request){.url = url, .token = all})->status == 422, "%s", url);
        ck_assert_msg(api_send(&(struct api_request){.url = named, .token = all})->status == 200, "%s",
                      named);
    }
}
END_TEST

/* ---- syncctl ---- */

/* After tokens were made: what makes them takes the secret away. */
static void ctl_on_the_api(void)
{
    ctl_env("API_URL", stack_setting("API_URL"));
    ctl_env("JWT_SECRET", stack_setting("JWT_SECRET"));
    ctl_env("ENVIRONMENT", "development");
}

START_TEST(syncctl_shows_what_the_api_tells)
{
    send("user_created", "bizoholic", TO_ALL,
         "{\"user_id\":\"ctl 1/\xc3\xa9\",\"email\":\"ctl1@example.com\",\"name\":\"C "
         "\\u001b[2J\",\"city\":\"Pune\"}");
    send_on(1, "user_updated", "coreldove", TO_ALL, "{\"customer_id\":\"ctl 1/\xc3\xa9\",\"city\":null}");
    const struct json *record = api_found("/sync/records/user/ctl%201%2F%C3%A9");
    ctl_on_the_api();
    const struct ctl_answer *shown = ctl("records show user 'ctl 1/\xc3\xa9' --tenant " API_TENANT);

    pick_equal(ctl_json("records show user 'ctl 1/\xc3\xa9' --tenant " API_TENANT " --json"), "",
               pick_print(record));
    ctl_says(shown, "version    2, of bizoholic 1, coreldove 1\n");
    ctl_says(shown, "\"C \\u001b[2J\"");
    ctl_says(shown, pick_text(record, "/platforms/bizosaas/platform_id"));
    ck_assert_ptr_null(strchr(shown->text, '\x1b'));
    pick_check(ctl_json("records find user --tenant " API_TENANT " --email CTL1@example.com --json"),
               "/record_id", pick_text(record, "/record_id"));
    pick_check(ctl_json("records find user --tenant " API_TENANT
                        " --platform bizosaas --platform-id %s --json",
                        pick_text(record, "/platforms/bizosaas/platform_id")),
               "/record_id", pick_text(record, "/record_id"));
    const struct json *versions = ctl_json(
        "records versions user %s --tenant " API_TENANT " --limit 1 --json", pick_text(record, "/record_id"));
    ck_assert_uint_eq(json_count(pick(versions, "/versions")), 1);
    pick_equal(versions, "/versions/0/changed", "[\"city\"]");
    ctl_says(ctl("records versions user %s --tenant " API_TENANT, pick_text(record, "/record_id")),
             "email, name, city");
}
END_TEST

START_TEST(syncctl_says_what_is_wrong_with_a_question)
{
    static const struct {
        const char *arguments;
        int status;
        const char *said;
    } rows[] = {
        {"records", 2, "say show, versions or find"},
        {"records show user --tenant t", 2, "records show needs a type and an id"},
        {"records show user u", 2, "needs --tenant"},
        {"records find user --tenant t", 2, "either --email, or --platform"},
        {"records find user --tenant t --platform coreldove", 2, "either --email, or --platform"},
        {"records show user u --tenant t --email a@example.com", 2, "are for records find"},
        {"records versions user u --tenant t --limit 0", 2, "--limit is \"0\""},
        {"records show user nobody --tenant t", 1, "404: There is no such record"},
    };
    ctl_on_the_api();
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct ctl_answer *answer = ctl("%s", rows[i].arguments);
        ck_assert_msg(answer->status == rows[i].status && strstr(answer->said, rows[i].said), "%s: %d %s",
                      rows[i].arguments, answer->status, answer->said);
    }
}
END_TEST

int main(void)
{
    return flow_run("records", NULL,
                    (const TTest *[]){a_posted_user_goes_to_the_other_two_as_a_change_of_bizosaas,
                                      a_user_is_shown_as_it_is_now_until_it_is_deleted,
                                      a_platforms_token_posts_users_as_that_platform,
                                      a_posted_user_is_one_event_per_idempotency_key,
                                      what_is_wrong_with_a_user_is_named_in_its_own_words,
                                      a_record_tells_its_fields_origins_and_what_each_platform_has,
                                      money_is_shown_in_the_currency_it_came_in,
                                      versions_come_newest_first_in_pages_that_neither_skip_nor_repeat,
                                      a_record_is_found_by_what_a_platform_calls_it,
                                      records_are_found_by_their_e_mail_of_now_whatever_its_case,
                                      what_was_linked_or_merged_leads_to_the_record_that_stands_for_it,
                                      questions_that_name_no_record_are_refused_with_what_to_change,
                                      tenants_never_meet, syncctl_shows_what_the_api_tells,
                                      syncctl_says_what_is_wrong_with_a_question, NULL});
}
