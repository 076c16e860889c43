/* test_syncctl_policies.c: syncctl policies as it is typed: what holds, for whom, and the mistakes of a file; nothing runs meanwhile. */
#include <check.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "json.h"
#include "mem.h"

static struct buf out;
static char file[256];

static int policies(const char *arguments)
{
    const char *bin = getenv("BIN_DIR");
    char command[1024], line[4096];

    snprintf(command, sizeof command, "%s/syncctl policies %s 2>&1", bin ? bin : "build/bin", arguments);
    FILE *pipe = popen(command, "r");
    ck_assert(pipe != NULL);
    buf_reset(&out);
    while (fgets(line, sizeof line, pipe))
        buf_add_str(&out, line);
    int status = pclose(pipe);
    ck_assert_msg(WIFEXITED(status), "policies %s ends by a signal: %s", arguments, out.data);
    return WEXITSTATUS(status);
}

static void check_run(int status, const char *arguments, const char *part)
{
    int is = policies(arguments);
    ck_assert_msg(is == status, "policies %s ends with %d: %s", arguments, is, out.data);
    ck_assert_msg(strstr(out.data, part) != NULL, "policies %s says %s", arguments, out.data);
}

static void write_file(const char *text)
{
    FILE *f = fopen(file, "w");
    ck_assert(f != NULL);
    fputs(text, f);
    fclose(f);
    setenv("POLICIES_FILE", file, 1);
}

static void set_up(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(file, sizeof file, "%s/policies.XXXXXX", base ? base : "/tmp");
    int fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    close(fd);
    buf_init(&out);
    unsetenv("ENV_FILE");
    unsetenv("PLATFORM_DIR");
    unsetenv("POLICIES_FILE");
}

static void tear_down(void)
{
    unlink(file);
    buf_release(&out);
}

#define ACME                                               \
    "version = \"5\";\ntenants = ( { tenant = \"acme\";\n" \
    "  policies: { order: { amount = \"max\"; }; }; } );\n"

START_TEST(the_defaults_hold_without_a_file)
{
    check_run(0, "", "defaults, version defaults 1");
    check_run(0, "explain order amount",
              "order.amount: source_wins, authority coreldove; a person where sides are more than 100");
    check_run(0, "explain --tenant t order amount", "rule amount_not_negative: an amount is not below zero");
    check_run(0, "explain order status", "pending may become confirmed");
    check_run(0, "explain lead hobby", "for every field without a line of its own");
}
END_TEST

START_TEST(a_tenants_policy_is_shown_with_where_it_was_set)
{
    write_file(ACME);
    check_run(0, "explain --tenant acme order amount", "order.amount: max\nset in tenant acme, ");
    check_run(0, "explain --tenant acme order amount", ":3\n");
    check_run(0, "explain --tenant other order amount", "source_wins");
    check_run(0, "--tenant acme", "max [tenant acme]");
}
END_TEST

START_TEST(all_mistakes_of_a_file_are_told_and_the_exit_code_is_1)
{
    char arguments[300];
    write_file("version = \"5\";\npolicies: {\n user: { nmae = \"max\"; };\n usr: {}; };\n");
    snprintf(arguments, sizeof arguments, "--check %s", file);
    check_run(1, arguments, ":3: nmae is no field of user");
    check_run(1, arguments, ":4: usr is no entity");
    check_run(1, "", "the policy file is refused");
    write_file(ACME);
    check_run(0, arguments, ": version 5, no mistakes");
    check_run(0, "--check config/policies.conf", "no mistakes");
}
END_TEST

START_TEST(the_list_is_json_on_demand)
{
    bool ok;
    check_run(0, "--json --tenant t", "\"version\":\"defaults 1\"");
    struct json *json = json_parse(out.data, out.len, JSON_DEPTH_MAX, NULL, &ok);
    ck_assert_msg(ok, "%s", out.data);
    struct json *order = json_get(json_get(json, "entities"), "order");
    ck_assert_str_eq(json_get_text(order, "authority"), "coreldove");
    ck_assert_uint_eq(json_count(json_get(order, "policies")), 5);
    ck_assert_uint_eq(json_count(json_get(order, "rules")), 3);
    json_free(json);
    check_run(0, "explain --json lead score", "\"strategy\":\"custom_logic\",\"expression\":\"max(values)");
}
END_TEST

START_TEST(a_wrong_command_line_is_told)
{
    check_run(2, "explain order", "needs an entity and a field");
    check_run(2, "explain", "needs an entity and a field");
    check_run(1, "explain orders amount", "orders is no entity");
    check_run(2, "--chek x", "--chek is no option");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("syncctl_policies");
    TCase *cases = tcase_create("policies");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, the_defaults_hold_without_a_file);
    tcase_add_test(cases, a_tenants_policy_is_shown_with_where_it_was_set);
    tcase_add_test(cases, all_mistakes_of_a_file_are_told_and_the_exit_code_is_1);
    tcase_add_test(cases, the_list_is_json_on_demand);
    tcase_add_test(cases, a_wrong_command_line_is_told);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
