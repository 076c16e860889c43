/* test_syncctl_map.c: syncctl map as it is typed: an event in, what each platform would get out; nothing runs meanwhile. */
#include <check.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "json.h"
#include "mem.h"

static struct buf out;
static char file[256];

/* The exit code of `syncctl map ARGUMENTS` with the event in `file`; what it says goes to out. */
static int map(const char *arguments)
{
    const char *bin = getenv("BIN_DIR");
    char command[1024], line[4096];

    snprintf(command, sizeof command, "%s/syncctl map %s 2>&1 < %s", bin ? bin : "build/bin", arguments,
             file);
    FILE *pipe = popen(command, "r");
    ck_assert(pipe != NULL);
    buf_reset(&out);
    while (fgets(line, sizeof line, pipe))
        buf_add_str(&out, line);
    int status = pclose(pipe);
    ck_assert_msg(WIFEXITED(status), "map %s ends by a signal: %s", arguments, out.data);
    return WEXITSTATUS(status);
}

static void write_event(const char *text)
{
    FILE *f = fopen(file, "w");
    ck_assert(f != NULL);
    fputs(text, f);
    fclose(f);
}

static void set_up(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(file, sizeof file, "%s/event.XXXXXX", base ? base : "/tmp");
    int fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    close(fd);
    buf_init(&out);
    unsetenv("ENV_FILE");
    unsetenv("PLATFORM_DIR");
    unsetenv("SALEOR_API_URL");
    setenv("BIZOSAAS_BRAIN_URL", "http://brain.example", 1);
    unsetenv("CORELDOVE_FRONTEND_URL");
}

static void tear_down(void)
{
    unlink(file);
    buf_release(&out);
}

static struct json *targets(int status, const char *arguments, size_t count)
{
    bool ok;
    int is = map(arguments);
    ck_assert_msg(is == status, "map %s ends with %d: %s", arguments, is, out.data);
    struct json *answer = json_parse(out.data, out.len, JSON_DEPTH_MAX, NULL, &ok);
    ck_assert_msg(ok, "no JSON: %s", out.data);
    struct json *list = json_ref(json_get(answer, "targets"));
    json_free(answer);
    ck_assert_msg(json_count(list) == count, "%zu targets: %s", json_count(list), out.data);
    return list;
}

#define LEAD "{\"event_type\":\"lead_created\",\"source_platform\":\"coreldove\",\"tenant_id\":\"t\","
#define LEAD_DATA "\"data\":{\"id\":7,\"email\":\"l@example.com\",\"status\":\"won\"}}"

START_TEST(all_but_the_source_are_shown_where_no_targets_are_named)
{
    write_event(LEAD LEAD_DATA);
    struct json *list = targets(0, "", 2);
    const struct json *first = json_at(list, 0), *second = json_at(list, 1);
    const struct json *data = json_get(json_get(first, "body"), "data");
    ck_assert_str_eq(json_get_text(first, "platform"), "bizoholic");
    ck_assert_str_eq(json_get_text(data, "lead_id"), "7");
    ck_assert_str_eq(json_get_text(data, "lead_status"), "won");
    ck_assert_str_eq(json_get_text(second, "url"), "http://brain.example/api/sync/lead/create");
    json_free(list);
    json_free(targets(0, "-", 2));
    json_free(targets(0, file, 2));
    json_free(targets(0, "--platform bizosaas", 1));
    json_free(targets(0, "--platform=bizosaas -", 1));
}
END_TEST

START_TEST(the_named_targets_are_shown_and_the_source_is_skipped)
{
    write_event(LEAD "\"target_platforms\":[\"bizosaas\",\"coreldove\"]," LEAD_DATA);
    struct json *list = targets(0, "", 2);
    ck_assert_str_eq(json_get_text(json_at(list, 1), "platform"), "coreldove");
    ck_assert_str_eq(json_get_text(json_at(list, 1), "skipped"), "the event came from this platform");
    json_free(list);
}
END_TEST

START_TEST(a_target_that_fails_makes_the_exit_code_1_and_the_others_are_shown)
{
    write_event(LEAD "\"data\":{\"id\":7,\"email\":\"l@example.com\"}}");
    struct json *list = targets(1, "", 2);
    ck_assert_ptr_nonnull(json_get(json_at(list, 0), "body"));
    ck_assert_str_eq(json_get_text(json_at(list, 1), "field"), "status");
    json_free(list);
}
END_TEST

START_TEST(what_goes_by_graphql_is_shown_as_operations)
{
    setenv("SALEOR_API_URL", "http://shop.example", 1);
    write_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizosaas\",\"data\":{\"id\":\"u\","
                "\"email\":\"u@example.com\",\"name\":\"Asha Rao\"}}");
    struct json *list = targets(0, "--platform coreldove", 1);
    const struct json *operation = json_at(json_get(json_at(list, 0), "operations"), 0);
    ck_assert_str_eq(json_get_text(operation, "operation"), "customerCreate");
    ck_assert_str_eq(json_get_text(json_get(json_get(operation, "variables"), "input"), "firstName"), "Asha");
    json_free(list);
    setenv("SALEOR_API_URL", "", 1);
}
END_TEST

static const struct {
    const char *event, *arguments;
    int status;
    const char *part;
} refused[] = {
    {"[]", "", 1, "syncctl: the event must be an object"},
    {"{\"event_type\":", "", 1, "syncctl: the event is not JSON: byte 14"},
    {"{}", "", 1, "syncctl: event_type must be one of the event types"},
    {"{\"event_type\":\"user_created\"}", "", 1, "syncctl: source_platform must be"},
    {"{\"event_type\":\"user_created\",\"source_platform\":\"ebay\"}", "", 1,
     "syncctl: source_platform must be"},
    {LEAD "\"data\":[]}", "", 1, "syncctl: data must be an object"},
    {LEAD "\"data\":{\"id\":true}}", "", 1, "syncctl: /data/id: the id must be"},
    {LEAD "\"data\":{\"email\":\"nobody\",\"score\":\"x\"}}", "", 1,
     "syncctl: /data/score: score must be a number"},
    {"{\"event_type\":\"lead_updated\",\"source_platform\":\"coreldove\",\"data\":{}}", "", 1,
     "syncctl: data must hold the id"},
    {LEAD "\"target_platforms\":\"bizosaas\"," LEAD_DATA, "", 1,
     "syncctl: target_platforms must be an array"},
    {LEAD "\"target_platforms\":[\"ebay\"]," LEAD_DATA, "", 1,
     "syncctl: /target_platforms/0: a target must be"},
    {LEAD LEAD_DATA, "--platform ebay", 1, "syncctl: --platform is \"ebay\", which has no file"},
    {LEAD LEAD_DATA, "/no/such/file", 1, "syncctl: /no/such/file cannot be opened: No such file"},
    {LEAD LEAD_DATA, "/tmp", 1, "syncctl: /tmp cannot be read"},
    {LEAD LEAD_DATA, "--platform", 2, "syncctl: --platform needs a value"},
    {LEAD LEAD_DATA, "--color red", 2, "syncctl: --color is no option of map"},
    {LEAD LEAD_DATA, "a b", 2, "syncctl: a is no option of map"},
};

START_TEST(what_cannot_be_shown_is_refused_with_a_sentence)
{
    write_event(refused[_i].event);
    int status = map(refused[_i].arguments);
    ck_assert_msg(status == refused[_i].status, "%d: %s", status, out.data);
    ck_assert_msg(strstr(out.data, refused[_i].part), "\"%s\" is due and this comes: %s", refused[_i].part,
                  out.data);
}
END_TEST

START_TEST(files_with_a_mistake_are_told_by_line)
{
    char dir[300], path[400];
    snprintf(dir, sizeof dir, "%s.d", file);
    snprintf(path, sizeof path, "%s/x.conf", dir);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    FILE *f = fopen(path, "w");
    fputs("\n\npath = ;\n", f);
    fclose(f);
    setenv("PLATFORM_DIR", dir, 1);
    write_event(LEAD LEAD_DATA);
    ck_assert_int_eq(map(""), 1);
    ck_assert_msg(strstr(out.data, "/x.conf:3: cannot be understood: syntax error"), "%s", out.data);
    unlink(path);
    rmdir(dir);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("syncctl map");
    Suite *suite = suite_create("syncctl map");
    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, all_but_the_source_are_shown_where_no_targets_are_named);
    tcase_add_test(tests, the_named_targets_are_shown_and_the_source_is_skipped);
    tcase_add_test(tests, a_target_that_fails_makes_the_exit_code_1_and_the_others_are_shown);
    tcase_add_test(tests, what_goes_by_graphql_is_shown_as_operations);
    tcase_add_loop_test(tests, what_cannot_be_shown_is_refused_with_a_sentence, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tests, files_with_a_mistake_are_told_by_line);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
