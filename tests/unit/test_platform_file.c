/* test_platform_file.c: platform files, good and broken: each mistake is told with its line and the reason. */
#include <check.h>
#include <stdlib.h>

#include "mem.h"
#include "platform_dir_fixture.h"

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

/* Line n of the file is lines[n - 1]. */
static const char *const good[] = {
    "protocol = \"rest\";",                                                                  /* 1 */
    "base_url = \"X_URL\";",                                                                 /* 2 */
    "credential = \"X_KEY\";",                                                               /* 3 */
    "credential_header = \"X-Api-Key\";",                                                    /* 4 */
    "allow_private = false;",                                                                /* 5 */
    "bulk = true;",                                                                          /* 6 */
    "echo = \"content\";",                                                                   /* 7 */
    "currency = \"JPY\";",                                                                   /* 8 */
    "per_usd = \"157.25\";",                                                                 /* 9 */
    "rate_date = \"2024-02-29\";",                                                           /* 10 */
    "decimals = 0;",                                                                         /* 11 */
    "locale = \"ja-JP\";",                                                                   /* 12 */
    "timezone = \"Asia/Tokyo\";",                                                            /* 13 */
    "status_words: { active = \"on\"; inactive = \"off\"; };",                               /* 14 */
    "status_words_in = [\"user\"];",                                                         /* 15 */
    "path = \"/{verb}/{entity}\";",                                                          /* 16 */
    "entities: {",                                                                           /* 17 */
    "  user: {",                                                                             /* 18 */
    "    names: { id = \"uid\"; name = [\"nick\", \"alias\"]; };",                           /* 19 */
    "    required = [\"id\"];",                                                              /* 20 */
    "    defaults: { plan = \"free\"; tags = []; seats = 1; };",                             /* 21 */
    "    also: { name = \"display\"; };",                                                    /* 22 */
    "    rate_per_minute = 100;",                                                            /* 23 */
    "  };",                                                                                  /* 24 */
    "};",                                                                                    /* 25 */
    "routes: {",                                                                             /* 26 */
    "  user_updated: { method = \"PATCH\"; path = \"/u/{entity}\"; full = true;",            /* 27 */
    "    every_version = true; success_field = \"ok\"; success_value = \"yes\"; };",         /* 28 */
    "  lead_created: { takes = false; };",                                                   /* 29 */
    "  analytics_updated: { path = \"/a\"; every_version = false; rate_per_minute = 20; };", /* 30 */
    "  system_health: { takes = false; };",                                                  /* 31 */
    "  performance_metrics: { path = \"/m\"; };",                                            /* 32 */
    "  config_changed: { path = \"/c\"; };",                                                 /* 33 */
    "};",                                                                                    /* 34 */
};

static void write_changed(const char *name, int line, const char *replacement)
{
    struct buf text = BUF_INIT;
    for (int i = 0; i < COUNT(good); i++)
        buf_addf(&text, "%s\n", i + 1 == line ? replacement : good[i]);
    platform_dir_write(name, text.data);
    buf_release(&text);
}

static struct variable x_variables[] = {
    {"X_URL", "http://x"}, {"X_KEY", "k"}, {"BAD_URL", "ftp://x"}, {"BAD_KEY", "a b"}, {NULL, NULL}};

START_TEST(a_fourth_platform_is_a_fourth_file)
{
    struct buf errors = BUF_INIT;
    platform_dir_make();
    write_changed("x.conf", 0, NULL);
    platform_dir_write("notes.txt", "no platform");
    platform_dir_write(".hidden.conf", "no platform");
    struct platform_set *set = platform_set_load(platform_dir(), look_up, x_variables, &errors);
    ck_assert_msg(set != NULL, "%s", errors.data);
    ck_assert_uint_eq(platform_count(set), 1);
    const struct platform *x = platform_find(set, "x");
    ck_assert_str_eq(platform_credential(x), "k");
    ck_assert_str_eq(platform_credential_header(x), "X-Api-Key");
    ck_assert(platform_takes_bulk(x) && !platform_allows_private(x));
    ck_assert_int_eq(platform_rate_per_minute(x, EVENT_USER_CREATED), 100);
    ck_assert_int_eq(platform_rate_per_minute(x, EVENT_USER_DELETED), 100);
    ck_assert_int_eq(platform_rate_per_minute(x, EVENT_LEAD_CREATED), 0);
    ck_assert_int_eq(platform_rate_per_minute(x, EVENT_ANALYTICS_UPDATED), 20);
    ck_assert(platform_echoes(x) && !platform_returns_metadata(x));
    ck_assert_str_eq(platform_route(x, EVENT_USER_CREATED, VERB_CREATE)->path, "/create/user");
    const struct platform_route *route = platform_route(x, EVENT_USER_UPDATED, VERB_UPDATE);
    ck_assert_str_eq(route->path, "/u/user");
    ck_assert_int_eq(route->method, PLATFORM_PATCH);
    ck_assert_str_eq(route->success_field, "ok");
    ck_assert_str_eq(route->success_value, "yes");
    ck_assert(route->full && route->takes && platform_every_version(x, EVENT_USER_UPDATED));
    ck_assert(!platform_route(x, EVENT_LEAD_CREATED, VERB_CREATE)->takes);
    ck_assert(!platform_route(x, EVENT_SYSTEM_HEALTH, VERB_REPORT)->takes);
    ck_assert(!platform_every_version(x, EVENT_ANALYTICS_UPDATED));
    platform_set_free(&set);
    buf_release(&errors);
    platform_dir_remove();
}
END_TEST

static const struct {
    int line;
    const char *replacement;
    int told_line;
    const char *reason;
} broken[] = {
    {1, "protocol = \"soap\";", 1, "protocol is \"soap\"; the choice is rest"},
    {1, "protocol = 1;", 1, "protocol must be a text in quotes"},
    {1, "protocoll = \"rest\";", 1, "protocoll is no setting that is known here"},
    {1, "protocol = ;", 1, "cannot be understood: syntax error"},
    {2, "", 1, "lacks the setting base_url"},
    {2, "base_url = \"http://x\";", 2, "base_url must be the name of an environment variable"},
    {2, "base_url = \"BAD_URL\";", 2, "base_url takes the value of BAD_URL, which must be an address"},
    {3, "credential = \"BAD_KEY\";", 3, "credential takes the value of BAD_KEY, which must be printable"},
    {3, "credential = true;", 3, "credential must be a text in quotes"},
    {4, "credential_header = \"X Key\";", 4, "credential_header must be the name of an HTTP header"},
    {4, "credential_header = \"X\\nY: z\";", 4, "credential_header must be the name of an HTTP header"},
    {5, "allow_private = \"yes\";", 5, "allow_private must be true or false"},
    {6, "bulk = true; bulk = false;", 6, "cannot be understood: duplicate setting name"},
    {7, "echo = \"all\";", 7, "echo is \"all\"; the choice is none, content, metadata"},
    {8, "", 1, "lacks the setting currency"},
    {8, "currency = \"yen\";", 8, "currency must be an ISO 4217 code"},
    {8, "currency = \"USD\";", 9, "per_usd must be \"1\" where the currency is USD"},
    {9, "per_usd = 157.25;", 9, "per_usd must be a text in quotes"},
    {9, "per_usd = \"0\";", 9, "per_usd must be a positive number"},
    {9, "per_usd = \"83 INR\";", 9, "per_usd must be a positive number"},
    {10, "rate_date = \"2023-02-29\";", 10, "rate_date must be a day"},
    {10, "rate_date = \"today\";", 10, "rate_date must be a day"},
    {10, "rate_date = \"2023-13-01\";", 10, "rate_date must be a day"},
    {10, "", 1, "lacks the setting rate_date"},
    {11, "decimals = 10;", 11, "decimals must lie between 0 and 9"},
    {11, "decimals = \"2\";", 11, "decimals must be a whole number"},
    {12, "locale = \"en IN\";", 12, "locale must be a language tag"},
    {13, "timezone = \"\";", 13, "timezone must be a time zone's name"},
    {14, "status_words: { active = \"on\"; inactive = \"on\"; };", 14,
     "inactive is \"on\", which stands for active already"},
    {14, "status_words = [\"on\"];", 14, "status_words must be a group"},
    {14, "status_words: { active = (\"on\", 1); };", 14, "active must be a text in quotes"},
    {15, "status_words_in = [\"users\"];", 15, "status_words_in is no entity"},
    {15, "status_words_in = 3;", 15, "status_words_in must be a text in quotes or a list of texts"},
    {16, "path = \"api\";", 16, "path must begin with /"},
    {16, "path = \"/{entity}/{action}\";", 16, "path may hold {entity}, {verb} and {id} but no other braces"},
    {16, "path = \"/a b\";", 16, "path must begin with / and hold neither blanks"},
    {16, "", 1, "lacks the setting path"},
    {14, "status_words: { active = (\"on\", \"on2\"); };", 14, "active must be a text in quotes"},
    {18, "  customer: {", 18, "customer is no entity; the choice is user, lead"},
    {18, "  user: { }; lead = 1; order: {", 18, "lead must be a group"},
    {19, "    names: { id = \"name\"; name = \"x\"; };", 18, "user gives the name name to both name and id"},
    {19, "    names: { id = \"uid\"; name = [\"nick\", \"uid\"]; };", 18,
     "user gives the name uid to both id and name"},
    {19, "    names: { id = \"\"; };", 19, "id must be a name of 1 to 64 bytes"},
    {19, "    names: { id = \"_sync_metadata\"; };", 19, "id is a name that the synchronization itself adds"},
    {19, "    names: { id = []; };", 19, "id must be a text in quotes or a list of texts"},
    {19, "    names: { id = [\"a\", 1]; };", 19, "cannot be understood: mismatched element type"},
    {19, "    names: { id = ((\"a\")); };", 19, "id must be a text in quotes or a list of texts"},
    {20, "    required = [1];", 20, "required must be a text in quotes or a list of texts"},
    {21, "    defaults: { seats = 1.5; };", 21, "seats has a fraction"},
    {21, "    defaults: { more: { seats = 1.5; }; };", 21, "seats has a fraction"},
    {22, "    also: { name = \"uid\"; };", 18, "user gives the name uid to both id and an addition"},
    {23, "    rate_per_minute = 0;", 23, "rate_per_minute must lie between 1 and 1000000"},
    {23, "    rate_per_second = 5;", 23, "rate_per_second is no setting that is known here"},
    {19,
     "    names: { id = \"uid\"; name = "
     "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"a\",\"b\",\"c\",\"d\"]; };",
     19, "name has more than 12 names"},
    {20, "    required = [\"uid\"];", 20,
     "required speaks of uid, which is what this platform calls id: give the common name"},
    {20, "    required = [\"id\", \"name\"]; holds = [\"email\"];", 20,
     "holds lacks name, which is required"},
    {20, "    holds = [\"nick\"];", 20, "holds speaks of nick, which is what this platform calls name"},
    {20, "    holds = 5;", 20, "holds must be a text in quotes or a list of texts"},
    {20, "    fixed = [\"alias\"];", 20, "fixed speaks of alias, which is what this platform calls name"},
    {20, "    fixed = [\"id\"];", 20, "fixed need not name id: it never changes"},
    {20, "    fixed: { id = 1; };", 20, "fixed must be a text in quotes or a list of texts"},
    {20, "    graphql: { holds = [\"nick\"]; };", 20, "holds speaks of nick"},
    {20, "    graphql: { keeps = [\"nick\"]; };", 20, "keeps is no setting that is known here"},
    {20, "    graphql = true;", 20, "graphql must be a group"},
    {21, "    defaults: { id = \"1\"; };", 21, "id cannot have a default: every record would get the same"},
    {21, "    defaults: { nick = \"x\"; };", 21,
     "defaults speaks of nick, which is what this platform calls name"},
    {22, "    also: { nick = \"display\"; };", 22,
     "also speaks of nick, which is what this platform calls name"},
    {22, "    also: { name = [\"display\"]; };", 22, "name must be a text in quotes"},
    {23, "    rate_per_minute = 1000001;", 23, "rate_per_minute must lie between 1 and 1000000"},
    {23, "    rate_per_minute = \"fast\";", 23, "rate_per_minute must be a whole number"},
    {27, "  user_updated: { rate_per_minute = 5;", 27,
     "rate_per_minute belongs into the group of the entity: its event types share one limit"},
    {30, "  analytics_updated: { path = \"/a\"; rate_per_minute = -1; };", 30,
     "rate_per_minute must lie between 1 and 1000000"},
    {30, "  analytics_updated: { path = 5; };", 30, "path must be a text in quotes"},
    {9, "per_usd = \"0.001\";", 9, "per_usd makes less than the smallest unit of one dollar"},
    {17, "entities: [", 18, "cannot be understood: syntax error"},
    {27, "  user_updated: { method = \"GET\";", 27,
     "method is \"GET\"; the choice is POST, PUT, PATCH, DELETE"},
    {27, "  user_updated: { path = \"u\";", 27, "path must begin with /"},
    {27, "  user_changed: { full = true;", 27, "user_changed is no event type"},
    {28, "    success_value = \"yes\"; };", 27, "user_updated has a success_value but no success_field"},
    {29, "  lead_created = true;", 29, "lead_created must be a group"},
    {30, "  analytics_updated: { path = \"/{entity}\"; };", 30, "path may hold neither {entity} nor {verb}"},
    {31, "", 1, "system_health has no path"},
};

static void check_refused(const char *expected)
{
    struct buf errors = BUF_INIT;
    struct platform_set *set = platform_set_load(platform_dir(), look_up, x_variables, &errors);
    ck_assert_msg(set == NULL, "taken, but should be: %s", expected);
    ck_assert_msg(strstr(errors.data, expected) != NULL, "expected: %s\nis: %s", expected, errors.data);
    ck_assert_int_eq(errors.data[errors.len - 1], '\n');
    buf_release(&errors);
}

START_TEST(a_broken_file_is_refused_with_its_line_and_the_reason)
{
    struct buf expected = BUF_INIT;
    platform_dir_make();
    write_changed("x.conf", broken[_i].line, broken[_i].replacement);
    buf_addf(&expected, "%s/x.conf:%d: %s", platform_dir(), broken[_i].told_line, broken[_i].reason);
    check_refused(expected.data);
    buf_release(&expected);
    platform_dir_remove();
}
END_TEST

START_TEST(all_mistakes_of_all_files_are_told_at_once)
{
    platform_dir_make();
    write_changed("x.conf", 9, "per_usd = \"0\"; bulk2 = 1;");
    write_changed("y.conf", 13, "timezone = 5;");
    check_refused("x.conf:9: per_usd must be");
    check_refused("x.conf:9: bulk2 is no setting");
    check_refused("y.conf:13: timezone must be");
    platform_dir_remove();
}
END_TEST

START_TEST(two_files_cannot_disagree_about_a_currency)
{
    platform_dir_make();
    write_changed("x.conf", 0, NULL);
    write_changed("y.conf", 9, "per_usd = \"150\";");
    check_refused("y.conf: per_usd and decimals of JPY differ");
    write_changed("y.conf", 9, "per_usd = \"157.250\";");
    struct buf errors = BUF_INIT;
    struct platform_set *set = platform_set_load(platform_dir(), look_up, x_variables, &errors);
    ck_assert_msg(set != NULL, "%s", errors.data);
    platform_set_free(&set);
    buf_release(&errors);
    platform_dir_remove();
}
END_TEST

START_TEST(a_files_name_must_fit_the_belt)
{
    platform_dir_make();
    write_changed("X.conf", 0, NULL);
    check_refused("X.conf: the file's name is the platform's, and it must be lower-case");
    platform_dir_remove();
    platform_dir_make();
    write_changed("service.conf", 0, NULL);
    check_refused("the word service stands for the synchronization itself");
    platform_dir_remove();
}
END_TEST

START_TEST(an_empty_or_missing_folder_is_a_mistake)
{
    platform_dir_make();
    check_refused("holds no platform file");
    platform_dir_remove();
    check_refused("cannot be opened");
}
END_TEST

START_TEST(what_is_no_text_is_refused)
{
    platform_dir_make();
    platform_dir_write("x.conf", "path = \"\xff\";");
    check_refused("x.conf: is not UTF-8");
    platform_dir_write("x.conf", "");
    check_refused("x.conf:1: lacks the setting currency");
    struct buf large = BUF_INIT;
    while (large.len <= 1024 * 1024)
        buf_add_str(&large, "# the same comment once more\n");
    platform_dir_write("x.conf", large.data);
    check_refused("x.conf: is larger than 1 MiB");
    buf_release(&large);
    platform_dir_remove();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform_file");
    TCase *tests = tcase_create("platform_file");
    tcase_add_test(tests, a_fourth_platform_is_a_fourth_file);
    tcase_add_loop_test(tests, a_broken_file_is_refused_with_its_line_and_the_reason, 0, COUNT(broken));
    tcase_add_test(tests, all_mistakes_of_all_files_are_told_at_once);
    tcase_add_test(tests, two_files_cannot_disagree_about_a_currency);
    tcase_add_test(tests, a_files_name_must_fit_the_belt);
    tcase_add_test(tests, an_empty_or_missing_folder_is_a_mistake);
    tcase_add_test(tests, what_is_no_text_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
