/* test_openapi.c: docs/openapi.json, as it is built in, and the table of routes say the same. */
#include <check.h>
#include <ctype.h>

#include "../../api-gateway/gateway.h"
#include "json.h"
#include "mem.h"

static struct json *doc;

static void load(void)
{
    struct json_error error;
    bool ok;
    doc = json_parse(docs_openapi, strlen(docs_openapi), JSON_DEPTH_MAX, &error, &ok);
    ck_assert_msg(ok, "openapi.json at byte %zu: %s", error.offset, error.detail);
}

static void unload(void)
{
    json_free(doc);
}

static const char *method_name(enum http_method method)
{
    switch (method) {
    case HTTP_GET:
        return "get";
    case HTTP_POST:
        return "post";
    case HTTP_DELETE:
        return "delete";
    case HTTP_PATCH:
        return "patch";
    case HTTP_PUT:
        return "put";
    }
    ck_abort_msg("a method without a name");
}

static const struct http_route *find_route(const char *path, const char *method)
{
    for (size_t i = 0; i < gateway_route_count; i++)
        if (strcmp(gateway_routes[i].path, path) == 0 &&
            strcmp(method_name(gateway_routes[i].method), method) == 0)
            return &gateway_routes[i];
    return NULL;
}

static struct json *operation_of(const struct http_route *route)
{
    return json_get(json_get(json_get(doc, "paths"), route->path), method_name(route->method));
}

START_TEST(every_route_is_described)
{
    for (size_t i = 0; i < gateway_route_count; i++)
        ck_assert_msg(operation_of(&gateway_routes[i]), "%s %s is served and not described",
                      method_name(gateway_routes[i].method), gateway_routes[i].path);
}
END_TEST

START_TEST(every_described_operation_is_served)
{
    struct json_iter paths = {NULL};
    const char *path, *method;
    struct json *item, *operation;
    while (json_next(json_get(doc, "paths"), &paths, &path, &item)) {
        struct json_iter methods = {NULL};
        while (json_next(item, &methods, &method, &operation))
            ck_assert_msg(find_route(path, method), "%s %s is described and not served", method, path);
    }
}
END_TEST

START_TEST(public_routes_and_no_others_are_described_as_open)
{
    for (size_t i = 0; i < gateway_route_count; i++) {
        struct json *security;
        bool open =
            json_find(operation_of(&gateway_routes[i]), "security", &security) && json_count(security) == 0;
        ck_assert_msg(open == (gateway_routes[i].role == AUTH_NONE), "%s: security does not fit its role",
                      gateway_routes[i].path);
    }
}
END_TEST

START_TEST(the_role_that_a_route_needs_is_named)
{
    for (size_t i = 0; i < gateway_route_count; i++) {
        const struct http_route *route = &gateway_routes[i];
        char words[64];
        if (route->role == AUTH_NONE)
            continue;
        const char *description = json_get_text(operation_of(route), "description");
        snprintf(words, sizeof words, "eeds the role %s", auth_role_name(route->role));
        ck_assert_msg(description && strstr(description, words), "%s %s: the description does not say '…%s'",
                      method_name(route->method), route->path, words);
    }
}
END_TEST

/* Without a role only reading is open: what takes a body has a credential of its own, a signature. */
START_TEST(routes_with_a_role_describe_401_403_and_success)
{
    for (size_t i = 0; i < gateway_route_count; i++) {
        bool open = gateway_routes[i].role == AUTH_NONE && gateway_routes[i].method == HTTP_GET;
        const struct json *responses = json_get(operation_of(&gateway_routes[i]), "responses");
        ck_assert_msg(json_get(responses, "200") || json_get(responses, "202"), "%s has no 200 or 202",
                      gateway_routes[i].path);
        bool secured = json_get(responses, "401") && json_get(responses, "403");
        ck_assert_msg(secured != open, "%s: 401 and 403", gateway_routes[i].path);
    }
}
END_TEST

/* "#/components/schemas/Event" → the value, or NULL. */
static struct json *resolve(const char *reference)
{
    struct json *at = doc;
    ck_assert_msg(strncmp(reference, "#/", 2) == 0, "%s leads out of the document", reference);
    for (const char *part = reference + 2; at; part += strcspn(part, "/") + 1) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(part, "/"), part);
        at = json_get(at, name);
        if (part[strcspn(part, "/")] == '\0')
            return at;
    }
    return NULL;
}

static unsigned check_references(const struct json *value)
{
    unsigned count = 0;
    struct json_iter iter = {NULL};
    const char *key;
    struct json *member;
    while (json_type(value) == JSON_OBJECT && json_next(value, &iter, &key, &member)) {
        if (strcmp(key, "$ref") == 0) {
            ck_assert_msg(resolve(json_text(member, NULL)), "%s leads nowhere", json_text(member, NULL));
            count++;
        }
        count += check_references(member);
    }
    for (size_t i = 0; json_type(value) == JSON_ARRAY && i < json_count(value); i++)
        count += check_references(json_at(value, i));
    return count;
}

START_TEST(every_reference_leads_somewhere)
{
    ck_assert_uint_gt(check_references(doc), 20);
}
END_TEST

static bool has_parameter(const struct json *operation, const char *name, const char *in)
{
    const struct json *parameters = json_get(operation, "parameters");
    for (size_t i = 0; i < json_count(parameters); i++) {
        const struct json *parameter = json_at(parameters, i);
        const char *reference = json_get_text(parameter, "$ref");
        if (reference)
            parameter = resolve(reference);
        if (strcmp(json_get_text(parameter, "name"), name) == 0 &&
            strcmp(json_get_text(parameter, "in"), in) == 0)
            return true;
    }
    return false;
}

START_TEST(parameters_of_paths_are_described)
{
    for (size_t i = 0; i < gateway_route_count; i++) {
        const char *open = strchr(gateway_routes[i].path, '{');
        char name[32];
        if (!open)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(open + 1, "}"), open + 1);
        ck_assert_msg(has_parameter(operation_of(&gateway_routes[i]), name, "path"), "%s",
                      gateway_routes[i].path);
    }
}
END_TEST

START_TEST(all_event_types_are_listed)
{
    const struct json *types = json_get(resolve("#/components/schemas/EventType"), "enum");
    ck_assert_uint_eq(json_count(types), EVENT_TYPES);
    for (size_t i = 0; i < json_count(types); i++) {
        enum event_type type;
        ck_assert_int_eq(msg_event_type(json_text(json_at(types, i), NULL), &type), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("openapi");
    TCase *tcase = tcase_create("openapi");
    tcase_add_checked_fixture(tcase, load, unload);
    tcase_add_test(tcase, every_route_is_described);
    tcase_add_test(tcase, every_described_operation_is_served);
    tcase_add_test(tcase, public_routes_and_no_others_are_described_as_open);
    tcase_add_test(tcase, the_role_that_a_route_needs_is_named);
    tcase_add_test(tcase, routes_with_a_role_describe_401_403_and_success);
    tcase_add_test(tcase, every_reference_leads_somewhere);
    tcase_add_test(tcase, parameters_of_paths_are_described);
    tcase_add_test(tcase, all_event_types_are_listed);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
