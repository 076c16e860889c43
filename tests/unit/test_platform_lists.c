/* test_platform_lists.c: the group lists of platform files, shipped, minimal and broken. */
#include <check.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "platform.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)
/* clang-format off */
#define BEGINNING                                                          \
    "protocol = \"rest\";\nbase_url = \"X_URL\";\ncurrency = \"USD\";\n"   \
    "per_usd = \"1\";\nrate_date = \"2024-01-01\";\nlocale = \"en-US\";\n"  \
    "timezone = \"UTC\";\npath = \"/x/{entity}/{verb}\";\n"              \
    "routes: { analytics_updated: { path = \"/a\"; }; system_health: { path = \"/h\"; }; " \
    "performance_metrics: { path = \"/m\"; }; config_changed: { path = \"/c\"; }; };\n" \
    "entities: { user: { required = [\"id\"]; }; };\n"
/* clang-format on */
#define LISTS_LINE "11"

static const char *no_variable(void *arg, const char *name)
{
    (void)arg, (void)name;
    return NULL;
}

/* The platform x of a file with this group; NULL and what was said about it. */
static struct platform_set *load(const char *group, struct buf *errors)
{
    char dir[256], path[300];
    snprintf(dir, sizeof dir, "%s/lists.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/x.conf", dir);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%s%s\n", BEGINNING, group);
    fclose(file);
    struct platform_set *set = platform_set_load(dir, no_variable, NULL, errors);
    unlink(path);
    rmdir(dir);
    return set;
}

static struct platform_set *load_good(const char *group)
{
    struct buf errors = BUF_INIT;
    struct platform_set *set = load(group, &errors);
    ck_assert_msg(set != NULL, "%s", errors.data);
    buf_release(&errors);
    return set;
}

START_TEST(the_shipped_platforms_list_every_entity)
{
    struct buf errors = BUF_INIT;
    struct platform_set *set = platform_set_load("config/platforms", no_variable, NULL, &errors);
    ck_assert_msg(set != NULL, "%s", errors.data);
    for (size_t i = 0; i < platform_count(set); i++) {
        const struct platform_lists *lists = platform_lists(platform_at(set, i));
        ck_assert_ptr_nonnull(lists);
        ck_assert_str_eq(lists->paths[ENTITY_USER], "/api/sync/user");
        ck_assert_str_eq(lists->paths[ENTITY_ORDER], "/api/sync/order");
        ck_assert_str_eq(lists->rows, "data");
        ck_assert_str_eq(lists->next, "next_cursor");
        ck_assert_str_eq(lists->cursor_parameter, "cursor");
        ck_assert_str_eq(lists->limit_parameter, "limit");
        ck_assert_str_eq(lists->tenant_parameter, "tenant_id");
        ck_assert_str_eq(lists->tenant_member, "tenant_id");
        ck_assert_ptr_null(lists->record);
        ck_assert_int_eq(lists->paging, PLATFORM_CURSOR);
        ck_assert_int_eq(lists->page_rows, 100);
    }
    platform_set_free(&set);
    buf_release(&errors);
}
END_TEST

START_TEST(a_file_without_the_group_lists_nothing)
{
    struct platform_set *set = load_good("");
    ck_assert_ptr_null(platform_lists(platform_find(set, "x")));
    platform_set_free(&set);
}
END_TEST

START_TEST(paths_of_their_own_and_entities_without_a_list)
{
    struct platform_set *set = load_good(
        "lists: { paths: { user = \"/people?kind={entity}\"; lead = \"\"; }; path = \"/list/{entity}s\"; };");
    const struct platform_lists *lists = platform_lists(platform_find(set, "x"));
    ck_assert_str_eq(lists->paths[ENTITY_USER], "/people?kind=user");
    ck_assert_ptr_null(lists->paths[ENTITY_LEAD]);
    ck_assert_str_eq(lists->paths[ENTITY_ORDER], "/list/orders");
    platform_set_free(&set);
}
END_TEST

START_TEST(only_what_paths_names_is_listed_where_there_is_no_path)
{
    struct platform_set *set = load_good("lists: { paths: { user = \"/people\"; }; };");
    const struct platform_lists *lists = platform_lists(platform_find(set, "x"));
    ck_assert_str_eq(lists->paths[ENTITY_USER], "/people");
    ck_assert_ptr_null(lists->paths[ENTITY_PRODUCT]);
    platform_set_free(&set);
}
END_TEST

START_TEST(an_empty_text_says_that_there_is_none)
{
    struct platform_set *set = load_good(
        "lists: { path = \"/l/{entity}\"; rows = \"\"; record = \"attributes\"; tenant_parameter = \"\"; "
        "tenant_member = \"\"; paging = \"offset\"; cursor_parameter = \"skip\"; page_rows = 7; };");
    const struct platform_lists *lists = platform_lists(platform_find(set, "x"));
    ck_assert_ptr_null(lists->rows);
    ck_assert_ptr_null(lists->tenant_parameter);
    ck_assert_ptr_null(lists->tenant_member);
    ck_assert_str_eq(lists->record, "attributes");
    ck_assert_str_eq(lists->cursor_parameter, "skip");
    ck_assert_int_eq(lists->paging, PLATFORM_OFFSET);
    ck_assert_int_eq(lists->page_rows, 7);
    platform_set_free(&set);
}
END_TEST

static const struct {
    const char *group, *said; /* what the one complaint must say */
} broken[] = {
    {"lists: { path = \"api\"; };", "path must begin with /"},
    {"lists: { path = \"/a b\"; };", "blanks"},
    {"lists: { path = \"/{entity}/{verb}\"; };", "not {verb}"},
    {"lists: { path = \"/{id}\"; };", "no other braces"},
    {"lists: { path = 7; };", "must be a text"},
    {"lists: { path = \"/l\"; pth = \"/l\"; };", "no setting that is known"},
    {"lists: { paths: { person = \"/l\"; }; };", "is no entity"},
    {"lists: { paths: { user = 1; }; };", "must be a text"},
    {"lists: { paths: { user = \"l\"; }; };", "must begin with /"},
    {"lists: { path = \"/l\"; rows = \"a..b\"; };", "rows "},
    {"lists: { path = \"/l\"; next = \"\"; };", "next "},
    {"lists: { path = \"/l\"; paging = \"sometimes\"; };", "cursor, page, offset"},
    {"lists: { path = \"/l\"; page_rows = 0; };", "from 1 to 1000"},
    {"lists: { path = \"/l\"; page_rows = 1001; };", "from 1 to 1000"},
    {"lists: { path = \"/l\"; page_rows = \"9\"; };", "whole number"},
    {"lists: { path = \"/l\"; cursor_parameter = \"\"; };", "query parameter"},
    {"lists: { path = \"/l\"; limit_parameter = \"a&b\"; };", "query parameter"},
    {"lists: { path = \"/l\"; tenant_parameter = \"a=b\"; };", "query parameter"},
    {"lists = [];", "must be a group"},
};

START_TEST(a_mistake_is_refused_with_file_line_and_reason)
{
    struct buf errors = BUF_INIT;
    struct platform_set *set = load(broken[_i].group, &errors);
    ck_assert_ptr_null(set);
    ck_assert_msg(strstr(errors.data, "x.conf:" LISTS_LINE ": ") != NULL, "%s", errors.data);
    ck_assert_msg(strstr(errors.data, broken[_i].said) != NULL, "%s", errors.data);
    ck_assert_msg(strchr(errors.data, '\n') == strrchr(errors.data, '\n'), "said more than once: %s",
                  errors.data);
    buf_release(&errors);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform_lists");
    TCase *tcase = tcase_create("platform_lists");
    tcase_add_test(tcase, the_shipped_platforms_list_every_entity);
    tcase_add_test(tcase, a_file_without_the_group_lists_nothing);
    tcase_add_test(tcase, paths_of_their_own_and_entities_without_a_list);
    tcase_add_test(tcase, only_what_paths_names_is_listed_where_there_is_no_path);
    tcase_add_test(tcase, an_empty_text_says_that_there_is_none);
    tcase_add_loop_test(tcase, a_mistake_is_refused_with_file_line_and_reason, 0, COUNT(broken));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
