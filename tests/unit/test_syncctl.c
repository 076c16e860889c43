/* test_syncctl.c: the operator's command as it is typed: tokens that the gateway takes, the configuration, migrations. */
#include <check.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth.h"
#include "clock.h"
#include "conf.h"
#include "mem.h"

#define SECRET "thirty-two bytes are quite enough"

static struct buf out;

/* Runs `syncctl ARGUMENTS` with standard error joined to its output, and gives the exit code. */
static int syncctl(const char *arguments)
{
    const char *bin = getenv("BIN_DIR");
    char command[512], line[1024];
    FILE *pipe;
    int status;

    snprintf(command, sizeof command, "%s/syncctl %s 2>&1", bin ? bin : "build/bin", arguments);
    pipe = popen(command, "r");
    ck_assert(pipe != NULL);
    buf_reset(&out);
    while (fgets(line, sizeof line, pipe))
        buf_add_str(&out, line);
    status = pclose(pipe);
    ck_assert_msg(WIFEXITED(status), "%s: ends by a signal: %s", arguments, out.data);
    return WEXITSTATUS(status);
}

static void expect(const char *arguments, int status, const char *part)
{
    int is = syncctl(arguments);

    ck_assert_msg(is == status, "syncctl %s ends with %d: %s", arguments, is, out.data);
    ck_assert_msg(strstr(out.data, part) != NULL, "\"%s\" is due and this comes: %s", part, out.data);
}

static void set_up(void)
{
    buf_init(&out);
    unsetenv("ENV_FILE");
    unsetenv("JWT_ISSUER");
    unsetenv("JWT_AUDIENCE");
    setenv("ENVIRONMENT", "production", 1);
    setenv("JWT_SECRET", SECRET, 1);
}

static void tear_down(void)
{
    buf_release(&out);
}

START_TEST(a_token_is_one_that_the_gateway_takes)
{
    const struct auth_keys keys = {SECRET, "", "https://issuer", "sync", false};
    struct identity identity;
    const char *why = NULL;
    int64_t left_ms;

    setenv("JWT_ISSUER", "https://issuer", 1);
    setenv("JWT_AUDIENCE", "sync", 1);
    expect("token --tenant t1 --role=service --platform coreldove --ttl 10m", 0, ".");
    ck_assert_uint_eq(strcspn(out.data, "\n"), out.len - 1);
    out.data[out.len - 1] = '\0';
    ck_assert_msg(auth_check(&keys, out.data, clock_db_ms(), &identity, &why) == 0, "%s", why);
    ck_assert_str_eq(identity.tenant, "t1");
    ck_assert_str_eq(identity.platform, "coreldove");
    ck_assert_str_eq(identity.subject, "coreldove");
    ck_assert_int_eq(identity.role, AUTH_SERVICE);
    left_ms = identity.expires_ms - clock_db_ms();
    ck_assert(left_ms > 590000 && left_ms <= 600000);
}
END_TEST

START_TEST(production_gets_no_token_of_a_weak_secret)
{
    setenv("JWT_SECRET", "short", 1);
    expect("token --tenant t1 --role viewer", 1, "syncctl: JWT_SECRET is shorter than 32 bytes");
    ck_assert_ptr_null(strstr(out.data, "eyJ"));
    unsetenv("JWT_SECRET");
    expect("token --tenant t1 --role viewer", 1, "syncctl: JWT_SECRET is not set or is the default");
    setenv("ENVIRONMENT", "development", 1);
    expect("token --tenant t1 --role viewer", 0, "eyJ");
}
END_TEST

static const struct {
    const char *arguments;
    int status;
    const char *part;
} command_lines[] = {
    {"", 2, "syncctl: give a command; see syncctl --help\n"},
    {"tokens", 2, "syncctl: tokens is no command"},
    {"--version", 0, "syncctl 1.0.0\n"},
    {"--help", 0, "\n  token --tenant T --role R [--platform P] [--ttl 1h] [--subject S]\n"},
    {"--help", 0, "\n  JWT_ISSUER="},
    {"token --role viewer", 2, "syncctl: token needs --tenant"},
    {"token --tenant t", 2, "syncctl: token needs --role"},
    {"token --tenant", 2, "syncctl: --tenant needs a value"},
    {"token --tenant t --role viewer --color red", 2, "syncctl: --color is no option of token"},
    {"token --tenant t --role root", 1, "--role is \"root\": say viewer, service, operator or admin"},
    {"token --tenant t --role viewer --ttl 0", 1, "--ttl is \"0\": give a span from 1s to 365d"},
    {"token --tenant t --role viewer --ttl 366d", 1, "--ttl is \"366d\""},
    {"token --tenant t --role viewer --platform a-platform-with-a-long-long-name", 1, "--platform is longer"},
    {"config", 0, "  REDIS_URL=redis://localhost:6379/6  (or REDIS_URL_FILE)\n"},
    {"config --format=env", 0, "\n#STREAM_WINDOW=1000\n"},
    {"config --format markdown", 0, "\n| `STREAM_WINDOW` | `1000` | 20 to 100000 | all |  | references"},
    {"config --format=xml", 2, "--format is \"xml\": say help, env, markdown or mdoc"},
    {"--help", 0, "\n  queues [--json]\n"},
    {"--help", 0, "\n  dead replay ID [--platform P] | --tenant T --platform P"},
    {"dead --help", 0, "\n\n  dead list [--tenant T]"},
    {"queues all", 2, "syncctl: all is no option of queues"},
    {"leases --stage", 2, "syncctl: --stage needs a value"},
    {"dead", 2, "syncctl: dead: say list, show or replay"},
    {"dead lists", 2, "syncctl: dead: say list, show or replay"},
    {"dead list x", 2, "syncctl: x is no option of dead list"},
    {"dead list --limit 0", 2, "--limit is \"0\": give a whole number from 1 to 10000"},
    {"dead list --limit 1e3", 2, "--limit is \"1e3\""},
    {"dead list --since yesterday", 2, "--since is \"yesterday\": give a span such as 30m, 24h or 7d"},
    {"dead show", 2, "syncctl: dead show needs an ID"},
    {"dead show --json", 2, "syncctl: dead show needs an ID"},
    {"dead replay", 2, "syncctl: dead replay needs an ID, or --tenant and --platform"},
    {"dead replay --tenant t", 2, "syncctl: dead replay needs an ID, or --tenant and --platform"},
    {"dead replay x --tenant t --platform p", 2, "takes an ID, or --tenant and --platform; not both"},
    {"dead replay --tenant t --platform p --rate 0", 2,
     "--rate is \"0\": give a whole number from 1 to 10000"},
    {"config --format=mdoc --program router", 0, ".It Ev STREAM_WINDOW\nreferences on one stream"},
    {"config --program=cook", 2, "--program is \"cook\": say api-gateway, router, worker"},
};

START_TEST(the_command_line_is_answered)
{
    expect(command_lines[_i].arguments, command_lines[_i].status, command_lines[_i].part);
}
END_TEST

START_TEST(a_wrong_variable_is_named)
{
    setenv("PARTITIONS", "0", 1);
    expect("migrate", 1, "syncctl: PARTITIONS is \"0\": give a whole number from 1 to 256\n");
}
END_TEST

START_TEST(what_is_no_url_is_named_and_not_quoted)
{
    setenv("DATABASE_URL", "hush-hush", 1);
    expect("queues", 1, "syncctl: DATABASE_URL cannot be read: write it as postgresql://");
    ck_assert_ptr_null(strstr(out.data, "hush"));
    setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nothing", 1);
    setenv("DATABASE_READER_URL", "hush-hush", 1);
    expect("dead list", 1, "syncctl: DATABASE_READER_URL cannot be read");
    unsetenv("DATABASE_READER_URL");
    setenv("REDIS_URL", "http://hush-hush", 1);
    expect("leases", 1, "syncctl: REDIS_URL: ");
    ck_assert_ptr_null(strstr(out.data, "hush"));
    unsetenv("REDIS_URL");
}
END_TEST

START_TEST(migrating_twice_changes_nothing_and_other_partitions_are_refused)
{
    const char *url = getenv("TEST_DATABASE_OWNER_URL");

    ck_assert_msg(url != NULL, "TEST_DATABASE_OWNER_URL is not set: start this test with tests/run");
    setenv("DATABASE_URL", url, 1);
    expect("migrate", 0, "the database is up to date\n");
    expect("migrate", 0, "the database is up to date\n");
    setenv("PARTITIONS", "8", 1);
    expect("migrate", 1, "syncctl: ");
    ck_assert_ptr_null(strstr(out.data, "up to date"));
}
END_TEST

START_TEST(migrating_without_a_database_says_so)
{
    setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nothing", 1);
    expect("migrate", 1, "syncctl: ");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("syncctl");
    Suite *suite = suite_create("syncctl");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_token_is_one_that_the_gateway_takes);
    tcase_add_test(tcase, production_gets_no_token_of_a_weak_secret);
    tcase_add_loop_test(tcase, the_command_line_is_answered, 0, sizeof command_lines / sizeof *command_lines);
    tcase_add_test(tcase, a_wrong_variable_is_named);
    tcase_add_test(tcase, what_is_no_url_is_named_and_not_quoted);
    tcase_add_test(tcase, migrating_twice_changes_nothing_and_other_partitions_are_refused);
    tcase_add_test(tcase, migrating_without_a_database_says_so);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
