/*
 * test_accept_parse.c: bodies of new events: what is taken and as what, and each mistake with its status and pointer.
 */
#include <check.h>

#include "../../api-gateway/gateway.h"
#include "digest.h"
#include "mem.h"
#include "timefmt.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)
#define NOW "2026-06-01T12:00:00Z"

static struct platform_set *platforms;
static struct identity identity;
static struct accept_context context;
static struct arena *arena;
static struct accept_event event;
static struct problem problem;
static struct json *errors;
static struct json *body;

static const char *no_variable(void *arg, const char *name)
{
    (void)arg, (void)name;
    return NULL;
}

static void setup(void)
{
    struct buf why = BUF_INIT;
    platforms = platform_set_load("config/platforms", no_variable, NULL, &why);
    ck_assert_msg(platforms, "%s", why.data);
    identity = (struct identity){.subject = "shop", .tenant = "acme", .role = AUTH_SERVICE};
    context = (struct accept_context){.platforms = platforms, .identity = &identity, .max_retries = 3};
    ck_assert_int_eq(timefmt_parse(NOW, strlen(NOW), &context.now_ms), 0);
    arena = arena_new(1024);
    errors = json_new_array();
    body = NULL;
}

static void teardown(void)
{
    json_free(body);
    json_free(errors);
    arena_free(&arena);
    platform_set_free(&platforms);
}

static int parse(const char *text)
{
    struct json_error error;
    bool ok;
    json_free(body);
    json_free(errors);
    errors = json_new_array();
    problem = (struct problem){0};
    body = json_parse(text, strlen(text), JSON_DEPTH_MAX, &error, &ok);
    ck_assert_msg(ok, "%s: %s", text, error.detail);
    return accept_parse(&context, body, arena, &event, &problem, errors);
}

static void parse_good(const char *text)
{
    struct buf why = BUF_INIT;
    int status = parse(text);
    json_write(&why, errors);
    ck_assert_msg(status == 0, "%s\nis refused: %s", text, why.data);
    buf_release(&why);
}

/* An event with one member more, or another: later members stand before the usual ones, which are left out then. */
#define REST "\"source_platform\":\"bizoholic\",\"target_platforms\":[\"coreldove\",\"bizosaas\"]"
#define USER "\"data\":{\"user_id\":\"u1\",\"email\":\"u@example.com\",\"name\":\"U\"}"
#define TYPE "\"event_type\":\"user_created\""
#define GOOD "{" TYPE "," REST "," USER "}"
#define WITH(member) "{" TYPE "," REST "," USER "," member "}"
#define DATA(type, data) "{\"event_type\":\"" type "\"," REST ",\"data\":" data "}"

/* ---- mistakes ---- */

static const struct {
    const char *body, *pointer;
} mistakes[] = {
    {"[]", ""},
    {"7", ""},
    {"\"text\"", ""},
    {"{" REST "," USER "}", "/event_type"},
    {"{\"event_type\":null," REST "," USER "}", "/event_type"},
    {"{\"event_type\":7," REST "," USER "}", "/event_type"},
    {"{\"event_type\":\"user_create\"," REST "," USER "}", "/event_type"},
    {"{\"event_type\":\"USER_CREATED\"," REST "," USER "}", "/event_type"},
    {"{\"event_type\":\"\"," REST "," USER "}", "/event_type"},
    {"{" TYPE ",\"target_platforms\":[\"coreldove\"]," USER "}", "/source_platform"},
    {"{" TYPE ",\"source_platform\":null,\"target_platforms\":[\"coreldove\"]," USER "}", "/source_platform"},
    {"{" TYPE ",\"source_platform\":1,\"target_platforms\":[\"coreldove\"]," USER "}", "/source_platform"},
    {"{" TYPE ",\"source_platform\":\"ebay\",\"target_platforms\":[\"coreldove\"]," USER "}",
     "/source_platform"},
    {"{" TYPE ",\"source_platform\":\"\",\"target_platforms\":[\"coreldove\"]," USER "}", "/source_platform"},
    {"{" TYPE ",\"source_platform\":\"bizoholic\"," USER "}", "/target_platforms"},
    {"{" TYPE ",\"source_platform\":\"bizoholic\",\"target_platforms\":null," USER "}", "/target_platforms"},
    {"{" TYPE ",\"source_platform\":\"bizoholic\",\"target_platforms\":[]," USER "}", "/target_platforms"},
    {"{" TYPE ",\"source_platform\":\"bizoholic\",\"target_platforms\":\"coreldove\"," USER "}",
     "/target_platforms"},
    {"{" TYPE ",\"source_platform\":\"bizoholic\",\"target_platforms\":{\"coreldove\":1}," USER "}",
     "/target_platforms"},
    {"{" TYPE ",\"source_platform\":\"bizoholic\",\"target_platforms\":[\"ebay\"]," USER "}",
     "/target_platforms/0"},
    {"{" TYPE ",\"source_platform\":\"bizoholic\",\"target_platforms\":[\"coreldove\",null]," USER "}",
     "/target_platforms/1"},
    {"{" TYPE ",\"source_platform\":\"bizoholic\",\"target_platforms\":[\"coreldove\",\"bizosaas\",3]," USER
     "}",
     "/target_platforms/2"},
    {"{" TYPE ",\"source_platform\":\"bizoholic\",\"target_platforms\":[\"\"]," USER "}",
     "/target_platforms/0"},
    {"{" TYPE "," REST "}", "/data"},
    {"{" TYPE "," REST ",\"data\":null}", "/data"},
    {"{" TYPE "," REST ",\"data\":[]}", "/data"},
    {"{" TYPE "," REST ",\"data\":\"x\"}", "/data"},
    {DATA("user_updated", "{\"name\":\"U\"}"), "/data"},
    {DATA("user_deleted", "{}"), "/data"},
    {DATA("user_updated", "{\"id\":null}"), "/data"},
    {DATA("user_updated", "{\"id\":\"\"}"), "/data/id"},
    {DATA("user_updated", "{\"id\":1.5}"), "/data/id"},
    {DATA("user_created", "{\"user_id\":{}}"), "/data/user_id"},
    {DATA("user_created", "{\"customer_id\":true}"), "/data/customer_id"},
    {DATA("user_created", "{\"id\":\"1\",\"email\":\"nobody\"}"), "/data/email"},
    {DATA("user_created", "{\"id\":\"1\",\"email_address\":\"nobody\"}"), "/data/email_address"},
    {DATA("user_created", "{\"id\":\"1\",\"email\":7}"), "/data/email"},
    {DATA("product_created", "{\"id\":\"1\",\"price\":\"cheap\"}"), "/data/price"},
    {DATA("order_created", "{\"id\":\"1\",\"items\":{}}"), "/data/items"},
    {DATA("lead_created", "{\"id\":\"1\",\"lead_status\":7}"), "/data/lead_status"},
    {WITH("\"tenant_id\":7"), "/tenant_id"},
    {WITH("\"id\":7"), "/id"},
    {WITH("\"id\":\"\""), "/id"},
    {WITH("\"user_id\":true"), "/user_id"},
    {WITH("\"user_id\":1.5"), "/user_id"},
    {WITH("\"user_id\":{}"), "/user_id"},
    {WITH("\"priority\":0"), "/priority"},
    {WITH("\"priority\":11"), "/priority"},
    {WITH("\"priority\":-1"), "/priority"},
    {WITH("\"priority\":2.5"), "/priority"},
    {WITH("\"priority\":\"2\""), "/priority"},
    {WITH("\"priority\":true"), "/priority"},
    {WITH("\"priority\":18446744073709551617"), "/priority"},
    {WITH("\"max_retries\":-1"), "/max_retries"},
    {WITH("\"max_retries\":101"), "/max_retries"},
    {WITH("\"max_retries\":\"3\""), "/max_retries"},
    {WITH("\"base_version\":0"), "/base_version"},
    {WITH("\"base_version\":-3"), "/base_version"},
    {WITH("\"base_version\":\"1\""), "/base_version"},
    {WITH("\"base_version\":9223372036854775808"), "/base_version"},
    {WITH("\"occurred_at\":\"yesterday\""), "/occurred_at"},
    {WITH("\"occurred_at\":1700000000"), "/occurred_at"},
    {WITH("\"occurred_at\":\"2026-06-01\""), "/occurred_at"},
    {WITH("\"deliver_at\":\"2026-13-01T00:00:00Z\""), "/deliver_at"},
    {WITH("\"deliver_at\":false"), "/deliver_at"},
    {WITH("\"expires_at\":\"2026-06-01T12:00:00Z\""), "/expires_at"},
    {WITH("\"expires_at\":\"2020-01-01T00:00:00Z\""), "/expires_at"},
    {WITH("\"expires_at\":\"soon\""), "/expires_at"},
    {WITH("\"deliver_at\":\"2026-06-03T00:00:00Z\",\"expires_at\":\"2026-06-02T00:00:00Z\""), "/expires_at"},
};

START_TEST(a_mistake_is_422_and_its_pointer_names_it)
{
    const char *text = mistakes[_i].body;
    ck_assert_msg(parse(text) == -1, "%s is taken", text);
    ck_assert_int_eq(problem.status, 422);
    ck_assert_ptr_eq(problem.errors, errors);
    ck_assert_msg(json_count(errors) == 1, "%s: %zu mistakes", text, json_count(errors));
    ck_assert_msg(strcmp(json_get_text(json_at(errors, 0), "pointer"), mistakes[_i].pointer) == 0,
                  "%s: pointer %s", text, json_get_text(json_at(errors, 0), "pointer"));
    ck_assert_msg(strlen(json_get_text(json_at(errors, 0), "detail")) > 10, "%s: a sentence is due", text);
}
END_TEST

START_TEST(all_mistakes_are_told_at_once)
{
    ck_assert_int_eq(parse("{\"event_type\":1,\"priority\":\"x\",\"expires_at\":0}"), -1);
    ck_assert_uint_eq(json_count(errors), 6); /* those three, source, targets, data */
}
END_TEST

START_TEST(an_id_too_long_is_counted_in_characters)
{
    char text[1024], id[3 * ACCEPT_CLIENT_ID_MAX + 4];
    for (int characters = ACCEPT_CLIENT_ID_MAX; characters <= ACCEPT_CLIENT_ID_MAX + 1; characters++) {
        for (int i = 0; i < characters; i++)
            memcpy(id + 3 * i, "€", 4);
        snprintf(text, sizeof text, "{" TYPE "," REST "," USER ",\"id\":\"%s\"}", id);
        ck_assert_int_eq(parse(text), characters == ACCEPT_CLIENT_ID_MAX ? 0 : -1);
    }
}
END_TEST

/* ---- tenants and platforms ---- */

START_TEST(a_token_of_one_tenant_cannot_write_into_another)
{
    ck_assert_int_eq(parse(WITH("\"tenant_id\":\"other\"")), -1);
    ck_assert_int_eq(problem.status, 403);
    ck_assert_int_eq(parse(WITH("\"tenant_id\":\"*\"")), -1);
    ck_assert_int_eq(problem.status, 403);
    parse_good(WITH("\"tenant_id\":\"acme\""));
    parse_good(WITH("\"tenant_id\":null"));
    ck_assert_str_eq(event.tenant, "acme");
}
END_TEST

START_TEST(who_is_not_bound_to_a_tenant_names_one)
{
    static const char *const bad[] = {GOOD,
                                      WITH("\"tenant_id\":null"),
                                      WITH("\"tenant_id\":\"\""),
                                      WITH("\"tenant_id\":\"*\""),
                                      WITH("\"tenant_id\":\"a\\u0001b\""),
                                      WITH("\"tenant_id\":\"a\\u007fb\""),
                                      WITH("\"tenant_id\":\"a\\u0085b\"")};
    for (int open = 0; open < 2; open++) {
        snprintf(identity.tenant, sizeof identity.tenant, "%s", open ? "" : AUTH_ALL_TENANTS);
        for (int i = 0; i < COUNT(bad); i++) {
            ck_assert_msg(parse(bad[i]) == -1, "%s", bad[i]);
            ck_assert_int_eq(problem.status, 422);
            ck_assert_str_eq(json_get_text(json_at(errors, 0), "pointer"), "/tenant_id");
        }
        parse_good(WITH("\"tenant_id\":\"Zürich 1\""));
        ck_assert_str_eq(event.tenant, "Zürich 1");
    }
}
END_TEST

START_TEST(a_tenant_has_at_most_128_bytes)
{
    char text[1024];
    identity.tenant[0] = '\0';
    for (int len = 128; len <= 129; len++) {
        snprintf(text, sizeof text, "{" TYPE "," REST "," USER ",\"tenant_id\":\"%0*d\"}", len, 7);
        ck_assert_int_eq(parse(text), len == 128 ? 0 : -1);
    }
}
END_TEST

START_TEST(a_platforms_token_speaks_only_for_it)
{
    snprintf(identity.platform, sizeof identity.platform, "coreldove");
    ck_assert_int_eq(parse(GOOD), -1);
    ck_assert_int_eq(problem.status, 403);
    snprintf(identity.platform, sizeof identity.platform, "bizoholic");
    parse_good(GOOD);
}
END_TEST

/* ---- what is taken ---- */

START_TEST(the_events_of_the_readme_are_taken_with_defaults)
{
    parse_good(
        "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
        "\"coreldove\","
        "\"bizosaas\"],\"data\":{\"user_id\":\"user123\",\"email\":\"user@example.com\",\"name\":\"John "
        "Doe\"},"
        "\"tenant_id\":\"acme\",\"user_id\":null,\"priority\":5,\"max_retries\":3,\"base_version\":null,"
        "\"occurred_at\":null,\"deliver_at\":null,\"expires_at\":null}");
    ck_assert_int_eq(event.type, EVENT_USER_CREATED);
    ck_assert_str_eq(event.source, "bizoholic");
    ck_assert_str_eq(event.targets, "coreldove,bizosaas");
    ck_assert_str_eq(event.entity_id, "user123");
    ck_assert_str_eq(event.subject, "shop");
    ck_assert_int_eq(event.priority_given, 5);
    ck_assert_int_eq(event.priority, PRIORITY_NORMAL);
    ck_assert_int_eq(event.max_retries, 3);
    ck_assert_int_eq(event.base_version, 0);
    ck_assert(event.occurred_ms == ACCEPT_NO_TIME && event.deliver_ms == ACCEPT_NO_TIME);
    ck_assert(!event.client_id && !event.user_id && !event.trace);
}
END_TEST

START_TEST(members_that_nobody_knows_are_ignored)
{
    parse_good(
        WITH("\"retry_count\":\"x\",\"created_at\":7,\"processed_at\":[],\"status\":{},\"anything\":1"));
}
END_TEST

START_TEST(optional_members_that_are_null_count_as_absent)
{
    parse_good(WITH("\"id\":null,\"priority\":null,\"max_retries\":null,\"user_id\":null"));
    ck_assert_int_eq(event.priority_given, 5);
    ck_assert_int_eq(event.max_retries, 3);
}
END_TEST

static const struct {
    const char *given;
    enum priority priority;
} priorities[] = {{"1", PRIORITY_CRITICAL}, {"2", PRIORITY_HIGH},   {"3", PRIORITY_HIGH},
                  {"4", PRIORITY_NORMAL},   {"5", PRIORITY_NORMAL}, {"6", PRIORITY_LOW},
                  {"10", PRIORITY_LOW},     {"1e1", PRIORITY_LOW}};

START_TEST(priorities_1_to_10_become_four)
{
    char text[512];
    snprintf(text, sizeof text, "{" TYPE "," REST "," USER ",\"priority\":%s}", priorities[_i].given);
    parse_good(text);
    ck_assert_int_eq(event.priority, priorities[_i].priority);
}
END_TEST

START_TEST(targets_are_folded_and_the_source_among_them_is_kept)
{
    parse_good("{" TYPE ",\"source_platform\":\"bizoholic\",\"target_platforms\":[\"coreldove\","
               "\"bizoholic\",\"coreldove\"]," USER "}");
    ck_assert_str_eq(event.targets, "coreldove,bizoholic");
    parse_good("{" TYPE ",\"source_platform\":\"bizoholic\",\"target_platforms\":[\"bizoholic\"]," USER "}");
    ck_assert_str_eq(event.targets, "bizoholic");
}
END_TEST

static const struct {
    const char *type, *source, *data, *id;
} ids[] = {
    {"user_updated", "bizoholic", "{\"id\":\"7\"}", "7"},
    {"user_updated", "bizoholic", "{\"id\":7}", "7"},
    {"user_updated", "bizoholic", "{\"id\":18446744073709551616}", "18446744073709551616"},
    {"user_updated", "bizoholic", "{\"user_id\":\"a/b c\"}", "a/b c"},
    {"user_updated", "coreldove", "{\"customer_id\":12}", "12"},
    {"user_deleted", "bizosaas", "{\"customer_id\":\"12\"}", "12"},
    {"user_updated", "bizoholic", "{\"id\":null,\"user_id\":\"9\"}", "9"},
    {"lead_updated", "bizoholic", "{\"lead_id\":\"L1\"}", "L1"},
    {"campaign_updated", "bizoholic", "{\"campaign_id\":\"C1\"}", "C1"},
    {"product_updated", "coreldove", "{\"product_id\":\"P1\"}", "P1"},
    {"order_updated", "coreldove", "{\"order_id\":\"O1\",\"id\":\"first\"}", "first"},
    {"order_updated", "bizosaas", "{\"order_id\":\"O1\"}", "O1"},
};

START_TEST(the_record_is_found_under_any_of_its_names)
{
    char text[512];
    struct uuid record;
    snprintf(
        text, sizeof text,
        "{\"event_type\":\"%s\",\"source_platform\":\"%s\",\"target_platforms\":[\"bizosaas\"],\"data\":%s}",
        ids[_i].type, ids[_i].source, ids[_i].data);
    parse_good(text);
    ck_assert_str_eq(event.entity_id, ids[_i].id);
    digest_record_id(&record, "acme", msg_entity_name(msg_event_entity(event.type)), ids[_i].id);
    ck_assert(uuid_equal(&record, &event.record_id));
}
END_TEST

START_TEST(a_create_without_an_id_gets_the_events)
{
    char id[UUID_TEXT_LEN + 1];
    parse_good(DATA("lead_created", "{\"contact_name\":\"L\"}"));
    uuid_format(&event.id, id);
    ck_assert_str_eq(event.entity_id, id);
    ck_assert_str_eq(event.data + 1, "{\"contact_name\":\"L\"}");
    ck_assert_int_eq(uuid_v7_ms(&event.id), context.now_ms);
}
END_TEST

START_TEST(operational_events_are_ordered_by_tenant_and_type)
{
    struct uuid record;
    parse_good(DATA("system_health", "{\"id\":{},\"email\":7}"));
    ck_assert_str_eq(event.entity_id, "");
    digest_record_id(&record, "acme", "", "system_health");
    ck_assert(uuid_equal(&record, &event.record_id));
}
END_TEST

START_TEST(data_keeps_its_numbers_and_its_order)
{
    static const char text[] =
        "{\"z\":0.10,\"id\":\"1\",\"a\":[1e400,18446744073709551616],\"ü\":\"/\\n\",\"n\":null}";
    parse_good(
        DATA("lead_updated",
             "{ \"z\" : 0.10, \"id\":\"1\",\"a\":[1e400,18446744073709551616],\"ü\":\"\\/\\n\",\"n\":null}"));
    ck_assert_int_eq(event.data[0], BODY_PLAIN);
    ck_assert_uint_eq(event.data_len, sizeof text);
    ck_assert_mem_eq(event.data + 1, text, sizeof text - 1);
}
END_TEST

START_TEST(user_ids_may_be_whole_numbers)
{
    parse_good(WITH("\"user_id\":42"));
    ck_assert_str_eq(event.user_id, "42");
    parse_good(WITH("\"user_id\":\"forty two\""));
    ck_assert_str_eq(event.user_id, "forty two");
}
END_TEST

START_TEST(times_are_read_with_their_offset)
{
    int64_t ms;
    context.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    parse_good(WITH("\"occurred_at\":\"2026-06-01T13:59:59.5+02:00\",\"deliver_at\":\"2026-06-01T12:00:01Z\","
                    "\"expires_at\":"
                    "\"2026-06-01T12:00:02Z\",\"base_version\":9223372036854775807,\"max_retries\":0"));
    ck_assert_int_eq(event.occurred_ms, context.now_ms - 500);
    ck_assert_int_eq(event.deliver_ms, context.now_ms + 1000);
    ck_assert_int_eq(event.expires_ms, context.now_ms + 2000);
    ck_assert_int_eq(event.base_version, INT64_MAX);
    ck_assert_int_eq(event.max_retries, 0);
    ck_assert_str_eq(event.trace, context.trace);
    ck_assert_int_eq(timefmt_parse(NOW, strlen(NOW), &ms), 0);
}
END_TEST

START_TEST(a_deliver_at_that_has_passed_means_now)
{
    parse_good(WITH("\"deliver_at\":\"" NOW "\""));
    ck_assert(event.deliver_ms == ACCEPT_NO_TIME);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accept_parse");
    TCase *tcase = tcase_create("bodies");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_mistake_is_422_and_its_pointer_names_it, 0, COUNT(mistakes));
    tcase_add_test(tcase, all_mistakes_are_told_at_once);
    tcase_add_test(tcase, an_id_too_long_is_counted_in_characters);
    tcase_add_test(tcase, a_token_of_one_tenant_cannot_write_into_another);
    tcase_add_test(tcase, who_is_not_bound_to_a_tenant_names_one);
    tcase_add_test(tcase, a_tenant_has_at_most_128_bytes);
    tcase_add_test(tcase, a_platforms_token_speaks_only_for_it);
    tcase_add_test(tcase, the_events_of_the_readme_are_taken_with_defaults);
    tcase_add_test(tcase, members_that_nobody_knows_are_ignored);
    tcase_add_test(tcase, optional_members_that_are_null_count_as_absent);
    tcase_add_loop_test(tcase, priorities_1_to_10_become_four, 0, COUNT(priorities));
    tcase_add_test(tcase, targets_are_folded_and_the_source_among_them_is_kept);
    tcase_add_loop_test(tcase, the_record_is_found_under_any_of_its_names, 0, COUNT(ids));
    tcase_add_test(tcase, a_create_without_an_id_gets_the_events);
    tcase_add_test(tcase, operational_events_are_ordered_by_tenant_and_type);
    tcase_add_test(tcase, data_keeps_its_numbers_and_its_order);
    tcase_add_test(tcase, user_ids_may_be_whole_numbers);
    tcase_add_test(tcase, times_are_read_with_their_offset);
    tcase_add_test(tcase, a_deliver_at_that_has_passed_means_now);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
