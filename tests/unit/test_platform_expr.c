/* test_platform_expr.c: the expressions of platform files: read and checked when the file is loaded; computed values and conditions
 * in what goes out. */
#include <check.h>

#include "delivery.h"
#include "json.h"
#include "mem.h"
#include "platform_dir_fixture.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)
#define MONEY "currency = \"USD\"; per_usd = \"1\";"

static struct platform_set *set;

static struct json *parse(const char *text)
{
    bool ok = true;
    struct json *json = text != NULL ? json_parse(text, strlen(text), JSON_DEPTH_MAX, NULL, &ok) : NULL;
    ck_assert_msg(ok, "%s", text);
    return json;
}

static void describe(const char *entities, const char *routes)
{
    struct buf text = BUF_INIT;
    buf_addf(&text,
             "base_url = \"X_URL\"; rate_date = \"2024-01-01\";\n" MONEY
             "\nlocale = \"en\"; timezone = \"UTC\";\n"
             "path = \"/{entity}/{verb}\";\nentities: {\n%s\n};\n"
             "routes: {\n%s\nanalytics_updated: { path = \"/a\"; %s }; system_health: { path = \"/b\"; };"
             "performance_metrics: { path = \"/c\"; }; config_changed: { path = \"/d\"; }; };\n",
             entities, routes, strstr(routes, "analytics") != NULL ? "" : "when = \"data.count > 0\";");
    platform_dir_write("x.conf", text.data);
    buf_release(&text);
}

static void load(const char *entities, const char *routes)
{
    struct buf errors = BUF_INIT;
    describe(entities, routes);
    set = platform_dir_load(&errors);
    ck_assert_msg(set != NULL, "%s", errors.data);
    buf_release(&errors);
}

static const struct {
    const char *entities, *routes;
    const char *mistake; /* behind the file's name */
} broken[] = {
    {"user: { computed: { first = \"splt(name, ' ')[0]\"; }; };", "",
     ":6: first is no expression: column 1: there is no function splt; the nearest is split\n"},
    {"user: {\n computed: {\n first = \"nmae\"; }; };", "",
     ":8: first is no expression: column 1: there is no name nmae here; the nearest is name\n"},
    {"user: { computed: { email = \"name\"; }; };", "",
     ":6: email is a field of the record: a computed value needs another name\n"},
    {"user: { names: { name = \"nick\"; }; computed: { nick = \"name\"; }; };", "",
     ":6: user gives the name nick to both name and an addition\n"},
    {"user: { computed: { first = 3; }; };", "", ":6: first must be an expression in quotes\n"},
    {"user: { };", "user_created: { when = \"amount > 3\"; };",
     ":9: when is no condition: column 1: there is no name amount here; there is name, email"},
    {"user: { };", "user_created: {\n when = \"email + 'x'\"; };",
     ":10: when is no condition: column 7: what is asked here takes true or false, and this is a text\n"},
    {"user: { };", "user_created: { when = true; };", ":9: when must be a text in quotes\n"},
    {"user: { };", "config_changed2: { when = \"true\"; };", ":9: config_changed2 is no event type\n"},
};

START_TEST(a_mistake_in_an_expression_is_told_with_its_line_when_the_file_is_loaded)
{
    struct buf errors = BUF_INIT;
    describe(broken[_i].entities, broken[_i].routes);
    ck_assert_ptr_null(platform_dir_load(&errors));
    const char *mistake = strstr(errors.data, "x.conf:");
    ck_assert_msg(mistake != NULL, "%s", errors.data);
    ck_assert_msg(strncmp(mistake + 6, broken[_i].mistake, strlen(broken[_i].mistake)) == 0, "%s not %s",
                  mistake + 6, broken[_i].mistake);
    buf_release(&errors);
}
END_TEST

#define USER                                                                                  \
    "user: { names: { id = \"uid\"; name = \"nick\"; vat = \"vat_number\"; };\n"              \
    "computed: { first_name = \"split(name, ' ')[0]\"; label = \"coalesce(vat, '-') + '/' + " \
    "data.country\"; }; };"

static const struct {
    enum verb verb;
    const char *data, *base;
    const char *out; /* NULL: not built */
    const char *changed;
    const char *error;
} sent[] = {
    {VERB_CREATE, "{\"id\":1,\"name\":\"Ada Lovelace\",\"country\":\"UK\"}", NULL,
     "{\"uid\":1,\"nick\":\"Ada Lovelace\",\"country\":\"UK\",\"first_name\":\"Ada\",\"label\":\"-/UK\"}",
     "[\"uid\",\"nick\",\"country\",\"first_name\",\"label\"]", ""},
    /* it follows what it is computed from, and goes out only with a change of its own */
    {VERB_UPDATE, "{\"id\":1,\"name\":\"Ada King\",\"country\":\"UK\",\"vat\":\"7\"}",
     "{\"id\":1,\"name\":\"Ada Lovelace\",\"country\":\"UK\"}",
     "{\"uid\":1,\"nick\":\"Ada King\",\"vat_number\":\"7\",\"label\":\"7/UK\"}",
     "[\"nick\",\"vat_number\",\"label\"]", ""},
    /* the base could not give it */
    {VERB_UPDATE, "{\"id\":1,\"name\":\"Ada\",\"country\":\"UK\"}", "{\"id\":1,\"name\":\"Ada\"}",
     "{\"uid\":1,\"country\":\"UK\",\"label\":\"-/UK\"}", "[\"country\",\"label\"]", ""},
    /* null is a value */
    {VERB_UPDATE, "{\"id\":1,\"name\":null,\"country\":\"UK\"}",
     "{\"id\":1,\"name\":\"Ada\",\"country\":\"UK\"}", "{\"uid\":1,\"nick\":null,\"first_name\":null}",
     "[\"nick\",\"first_name\"]", ""},
    {VERB_UPDATE, "{\"id\":1,\"name\":\"Ada\",\"country\":\"UK\"}",
     "{\"id\":1,\"name\":\"Ada\",\"country\":\"UK\"}", NULL, NULL, "the platform has this already"},
    {VERB_UPDATE, "{\"id\":1,\"name\":\"Ada\"}", NULL, NULL, NULL,
     "label cannot be computed for x: column 28: + takes a number or a text, and here is null"},
    {VERB_DELETE, "{\"id\":1,\"name\":\"Ada\"}", NULL, "{\"uid\":1}", "[]", ""},
};

static enum event_type user_type(enum verb verb)
{
    enum event_type type;
    ck_assert_int_eq(msg_event_type(verb == VERB_CREATE   ? "user_created"
                                    : verb == VERB_UPDATE ? "user_updated"
                                                          : "user_deleted",
                                    &type),
                     0);
    return type;
}

static struct delivery_source source_of(enum event_type type, enum verb verb, const struct json *data,
                                        const struct json *base)
{
    return (struct delivery_source){.target = platform_at(set, 0),
                                    .platforms = set,
                                    .type = type,
                                    .verb = verb,
                                    .generation = 1,
                                    .source_platform = "y",
                                    .tenant = "t",
                                    .has_record = msg_event_entity(type) < ENTITY_NONE,
                                    .version = 1,
                                    .data = data,
                                    .base = base};
}

START_TEST(a_computed_value_goes_out_beside_the_fields_when_it_is_another)
{
    struct json *data = parse(sent[_i].data), *base = parse(sent[_i].base), *out = NULL;
    struct buf error = BUF_INIT, field = BUF_INIT;
    load(USER, "");
    struct delivery_source source = source_of(user_type(sent[_i].verb), sent[_i].verb, data, base);
    source.field = &field;
    enum delivery_built built = delivery_data(&source, &out, &error);
    ck_assert_str_eq(error.data, sent[_i].error);
    ck_assert_int_eq(built == DELIVERY_BUILT, sent[_i].out != NULL);
    ck_assert_str_eq(field.data, built == DELIVERY_IMPOSSIBLE ? "label" : "");
    if (out != NULL) {
        struct json *wanted = parse(sent[_i].out), *changed = parse(sent[_i].changed);
        struct buf text = BUF_INIT;
        json_write(&text, out);
        ck_assert_msg(json_equal(json_get(json_get(out, "_sync_metadata"), "changed_fields"), changed), "%s",
                      text.data);
        json_remove(out, "_sync_metadata");
        json_remove(out, "_platform_context");
        ck_assert_msg(json_equal(out, wanted), "%s not %s", text.data, sent[_i].out);
        json_free(wanted), json_free(changed);
        buf_release(&text);
    }
    json_free(data), json_free(base), json_free(out);
    buf_release(&error), buf_release(&field);
    platform_set_free(&set);
}
END_TEST

START_TEST(a_full_route_gets_computed_values_that_did_not_change_too)
{
    struct json *data = parse("{\"id\":1,\"name\":\"Ada K\",\"country\":\"UK\",\"x\":2}"),
                *base = parse("{\"id\":1,\"name\":\"Ada K\",\"country\":\"UK\",\"x\":1}"), *out = NULL;
    struct buf error = BUF_INIT;
    load(USER, "user_updated: { full = true; };");
    struct delivery_source source = source_of(user_type(VERB_UPDATE), VERB_UPDATE, data, base);
    ck_assert_int_eq(delivery_data(&source, &out, &error), DELIVERY_BUILT);
    ck_assert_str_eq(json_get_text(out, "first_name"), "Ada");
    ck_assert_uint_eq(json_count(json_get(json_get(out, "_sync_metadata"), "changed_fields")), 1);
    json_free(data), json_free(base), json_free(out);
    buf_release(&error);
    platform_set_free(&set);
}
END_TEST

START_TEST(what_comes_back_under_a_computed_name_is_no_change)
{
    struct json *sent_back = parse("{\"uid\":1,\"nick\":\"Ada K\",\"first_name\":\"Ada\",\"label\":\"?\"}"),
                *wanted = parse("{\"id\":1,\"name\":\"Ada K\"}");
    load(USER, "");
    struct json *common = mapping_in(platform_at(set, 0), ENTITY_USER, sent_back);
    ck_assert(json_equal(common, wanted));
    json_free(sent_back), json_free(wanted), json_free(common);
    platform_set_free(&set);
}
END_TEST

static const struct {
    enum verb verb;
    const char *data;
    enum delivery_built built;
    const char *error;
} conditions[] = {
    {VERB_CREATE, "{\"id\":1,\"score\":50}", DELIVERY_BUILT, ""},
    {VERB_CREATE, "{\"id\":1,\"score\":49.5}", DELIVERY_NOTHING,
     "this platform takes this only when score >= 50"},
    {VERB_CREATE, "{\"id\":1}", DELIVERY_IMPOSSIBLE,
     "the condition of x for this route, score >= 50, cannot be tested: column 1: >= takes a number or a "
     "text, "
     "and here is null"},
    {VERB_UPDATE, "{\"id\":1,\"score\":1}", DELIVERY_BUILT, ""}, /* a route of its own */
};

START_TEST(a_route_lets_go_only_what_its_condition_holds_for)
{
    struct json *data = parse(conditions[_i].data);
    struct buf body = BUF_INIT, error = BUF_INIT;
    enum event_type type;
    load("lead: { };", "lead_created: { when = \"score >= 50\"; };");
    ck_assert_int_eq(msg_event_type("lead_created", &type), 0);
    struct delivery_source source = source_of(type, conditions[_i].verb, data, NULL);
    ck_assert_int_eq(delivery_body(&source, &body, &error), conditions[_i].built);
    ck_assert_str_eq(error.data, conditions[_i].error);
    ck_assert_int_eq(body.len > 0, conditions[_i].built == DELIVERY_BUILT);
    json_free(data);
    buf_release(&body), buf_release(&error);
    platform_set_free(&set);
}
END_TEST

START_TEST(a_type_without_a_record_has_its_data_to_ask)
{
    static const char *const rows[] = {"{\"count\":1}", "{\"count\":0}"};
    enum event_type type;
    load("lead: { };", "");
    ck_assert_int_eq(msg_event_type("analytics_updated", &type), 0);
    for (int i = 0; i < COUNT(rows); i++) {
        struct json *data = parse(rows[i]);
        struct buf body = BUF_INIT, error = BUF_INIT;
        struct delivery_source source = source_of(type, VERB_REPORT, data, NULL);
        ck_assert_int_eq(delivery_body(&source, &body, &error), i == 0 ? DELIVERY_BUILT : DELIVERY_NOTHING);
        json_free(data);
        buf_release(&body), buf_release(&error);
    }
    platform_set_free(&set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform_expr");
    TCase *tests = tcase_create("platform_expr");
    tcase_add_checked_fixture(tests, platform_dir_make, platform_dir_remove);
    tcase_add_loop_test(tests, a_mistake_in_an_expression_is_told_with_its_line_when_the_file_is_loaded, 0,
                        COUNT(broken));
    tcase_add_loop_test(tests, a_computed_value_goes_out_beside_the_fields_when_it_is_another, 0,
                        COUNT(sent));
    tcase_add_test(tests, a_full_route_gets_computed_values_that_did_not_change_too);
    tcase_add_test(tests, what_comes_back_under_a_computed_name_is_no_change);
    tcase_add_loop_test(tests, a_route_lets_go_only_what_its_condition_holds_for, 0, COUNT(conditions));
    tcase_add_test(tests, a_type_without_a_record_has_its_data_to_ask);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
