/* test_platform.c: the shipped platform files, and what a platform answers about itself. Files with mistakes: test_platform_file.c. */
#include <check.h>
#include <stdlib.h>

#include "mem.h"
#include "platform.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

struct variable {
    const char *name, *value;
};

static const char *look_up(void *arg, const char *name)
{
    for (const struct variable *row = arg; row != NULL && row->name != NULL; row++) {
        if (strcmp(row->name, name) == 0)
            return row->value;
    }
    return NULL;
}

static struct variable variables[] = {
    {"BIZOSAAS_BRAIN_URL", "http://127.0.0.1:8001//"},
    {"CORELDOVE_FRONTEND_URL", "https://shop.example/base"},
    {"CORELDOVE_API_KEY", "s3cret"},
    {NULL, NULL},
};

static struct platform_set *shipped(struct variable *environment)
{
    struct buf errors = BUF_INIT;
    struct platform_set *set = platform_set_load("config/platforms", look_up, environment, &errors);
    ck_assert_msg(set != NULL, "%s", errors.data);
    ck_assert_str_eq(errors.data, "");
    buf_release(&errors);
    return set;
}

START_TEST(the_shipped_files_describe_three_platforms_sorted_by_name)
{
    static const char *const names[] = {"bizoholic", "bizosaas", "coreldove"};
    static const char *const currencies[] = {"USD", "USD", "INR"};
    static const char *const locales[] = {"en-US", "en-US", "en-IN"};
    static const char *const zones[] = {"UTC", "UTC", "Asia/Kolkata"};
    struct platform_set *set = shipped(NULL);
    ck_assert_uint_eq(platform_count(set), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct platform *platform = platform_at(set, i);
        ck_assert_ptr_eq(platform, platform_find(set, names[i]));
        ck_assert_str_eq(platform_name(platform), names[i]);
        ck_assert_str_eq(platform_currency(platform), currencies[i]);
        ck_assert_str_eq(platform_locale(platform), locales[i]);
        ck_assert_str_eq(platform_timezone(platform), zones[i]);
        ck_assert_str_eq(platform_credential_header(platform), "Authorization");
        ck_assert(platform_allows_private(platform));
        ck_assert(!platform_takes_bulk(platform));
        for (int type = 0; type < EVENT_TYPES; type++)
            ck_assert_int_eq(platform_rate_per_minute(platform, type), 0);
    }
    ck_assert_ptr_null(platform_find(set, "shopify"));
    platform_set_free(&set);
    ck_assert_ptr_null(set);
}
END_TEST

START_TEST(addresses_and_credentials_come_from_the_variables_that_the_files_name)
{
    struct platform_set *set = shipped(variables);
    ck_assert_ptr_null(platform_base_url(platform_find(set, "bizoholic")));
    ck_assert_str_eq(platform_base_url(platform_find(set, "bizosaas")), "http://127.0.0.1:8001");
    ck_assert_str_eq(platform_base_url(platform_find(set, "coreldove")), "https://shop.example/base");
    ck_assert_ptr_null(platform_credential(platform_find(set, "bizosaas")));
    ck_assert_str_eq(platform_credential(platform_find(set, "coreldove")), "s3cret");
    platform_set_free(&set);
}
END_TEST

static const struct {
    enum event_type type;
    const char *path;
} routes[] = {
    {EVENT_USER_CREATED, "/api/sync/user/create"},
    {EVENT_USER_UPDATED, "/api/sync/user/update"},
    {EVENT_USER_DELETED, "/api/sync/user/delete"},
    {EVENT_LEAD_CREATED, "/api/sync/lead/create"},
    {EVENT_LEAD_UPDATED, "/api/sync/lead/update"},
    {EVENT_LEAD_DELETED, "/api/sync/lead/delete"},
    {EVENT_ORDER_CREATED, "/api/sync/order/create"},
    {EVENT_ORDER_UPDATED, "/api/sync/order/update"},
    {EVENT_ORDER_DELETED, "/api/sync/order/delete"},
    {EVENT_CAMPAIGN_CREATED, "/api/sync/campaign/create"},
    {EVENT_CAMPAIGN_UPDATED, "/api/sync/campaign/update"},
    {EVENT_CAMPAIGN_DELETED, "/api/sync/campaign/delete"},
    {EVENT_PRODUCT_CREATED, "/api/sync/product/create"},
    {EVENT_PRODUCT_UPDATED, "/api/sync/product/update"},
    {EVENT_PRODUCT_DELETED, "/api/sync/product/delete"},
    {EVENT_ANALYTICS_UPDATED, "/api/sync/analytics/update"},
    {EVENT_SYSTEM_HEALTH, "/api/sync/system/health"},
    {EVENT_PERFORMANCE_METRICS, "/api/sync/system/metrics"},
    {EVENT_CONFIG_CHANGED, "/api/sync/system/config"},
};

START_TEST(every_event_type_has_the_route_of_old_on_every_platform)
{
    struct platform_set *set = shipped(NULL);
    ck_assert_int_eq(COUNT(routes), EVENT_TYPES);
    for (size_t i = 0; i < platform_count(set); i++) {
        enum event_type type = routes[_i].type;
        const struct platform_route *route = platform_route(platform_at(set, i), type, msg_event_verb(type));
        ck_assert_str_eq(route->path, routes[_i].path);
        ck_assert_int_eq(route->method, PLATFORM_POST);
        ck_assert_ptr_null(route->success_field);
        ck_assert(route->takes && !route->full);
        ck_assert(platform_every_version(platform_at(set, i), type) ==
                  (msg_event_entity(type) == ENTITY_NONE));
    }
    platform_set_free(&set);
}
END_TEST

START_TEST(a_create_that_became_an_update_takes_the_updates_route)
{
    struct platform_set *set = shipped(NULL);
    const struct platform *platform = platform_find(set, "coreldove");
    ck_assert_str_eq(platform_route(platform, EVENT_ORDER_CREATED, VERB_UPDATE)->path,
                     "/api/sync/order/update");
    ck_assert_str_eq(platform_route(platform, EVENT_ORDER_UPDATED, VERB_CREATE)->path,
                     "/api/sync/order/create");
    ck_assert_str_eq(platform_route(platform, EVENT_CONFIG_CHANGED, VERB_UPDATE)->path,
                     "/api/sync/system/config");
    platform_set_free(&set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform");
    TCase *tests = tcase_create("platform");
    tcase_add_test(tests, the_shipped_files_describe_three_platforms_sorted_by_name);
    tcase_add_test(tests, addresses_and_credentials_come_from_the_variables_that_the_files_name);
    tcase_add_loop_test(tests, every_event_type_has_the_route_of_old_on_every_platform, 0, COUNT(routes));
    tcase_add_test(tests, a_create_that_became_an_update_takes_the_updates_route);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
