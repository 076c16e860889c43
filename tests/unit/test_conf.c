/* test_conf.c: variables, their kinds and ranges, secrets in files, production's rules, reloading, and .env.example. */
#include <check.h>
#include <unistd.h>

#include "conf.h"
#include "mem.h"

static struct conf conf;
static struct buf errors;
static char dir[64];

/* Each test runs in a process of its own: its environment is nobody else's. */
static void set_up(void)
{
    clearenv();
    setenv("ENVIRONMENT", "test", 1);
    snprintf(dir, sizeof dir, "/tmp/test_conf.XXXXXX");
    ck_assert(mkdtemp(dir) != NULL);
    buf_init(&errors);
}

static void tear_down(void)
{
    char command[96];

    conf_release(&conf);
    buf_release(&errors);
    snprintf(command, sizeof command, "/bin/rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static const char *write_file(const char *name, const char *content)
{
    static char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "w");
    ck_assert(file && fputs(content, file) >= 0 && fclose(file) == 0);
    return path;
}

static void expect_good(unsigned program)
{
    ck_assert_msg(conf_load(&conf, program, &errors) == 0, "%s", errors.data);
    ck_assert_str_eq(errors.data, "");
}

static void expect_mistake(unsigned program, const char *sentence)
{
    ck_assert_int_eq(conf_load(&conf, program, &errors), -1);
    ck_assert_msg(strstr(errors.data, sentence) != NULL, "\"%s\" is due and this is said: %s", sentence,
                  errors.data);
    ck_assert_msg(strchr(errors.data, '\n') == errors.data + errors.len - 1, "more than one line: %s",
                  errors.data);
}

START_TEST(without_variables_the_defaults_hold)
{
    expect_good(CONF_GATEWAY);
    ck_assert_str_eq(conf.listen_addr, "0.0.0.0:8025");
    ck_assert_str_eq(conf.database_writer_url, "");
    ck_assert_int_eq(conf.stream_window, 1000);
    ck_assert_int_eq(conf.sync_interval, 5000);
    ck_assert_int_eq(conf.body_max, 256 * 1024);
    ck_assert_int_eq(conf.outage_limit, INT64_C(72) * 3600 * 1000);
    ck_assert(conf.auth_required);
}
END_TEST

START_TEST(an_empty_variable_counts_as_not_set)
{
    setenv("STREAM_WINDOW", "", 1);
    setenv("REDIS_URL", "", 1);
    expect_good(CONF_ROUTER);
    ck_assert_int_eq(conf.stream_window, 1000);
    ck_assert_str_eq(conf.redis_url, "redis://localhost:6379/6");
}
END_TEST

static const struct {
    const char *variable, *text;
    size_t member;
    int64_t value;
} numbers[] = {
    {"STREAM_WINDOW", "20", offsetof(struct conf, stream_window), 20},
    {"STREAM_WINDOW", "100000", offsetof(struct conf, stream_window), 100000},
    {"REQUEST_TIMEOUT", "30", offsetof(struct conf, request_timeout), 30000},
    {"REQUEST_TIMEOUT", "250ms", offsetof(struct conf, request_timeout), 250},
    {"LEASE_SECONDS", "1m", offsetof(struct conf, lease_seconds), 60000},
    {"DRAIN_TIMEOUT", "0", offsetof(struct conf, drain_timeout), 0},
    {"BODY_MAX_BYTES", "2048", offsetof(struct conf, body_max), 2048},
    {"BODY_MAX_BYTES", "64k", offsetof(struct conf, body_max), 65536},
    {"BODY_MAX_BYTES", "1KiB", offsetof(struct conf, body_max), 1024},
    {"BODY_MAX_BYTES", "8MiB", offsetof(struct conf, body_max), 8388608},
    {"UNREAD_BODIES_MAX_BYTES", "1G", offsetof(struct conf, unread_bodies_max), 1073741824},
};

START_TEST(numbers_spans_and_sizes_are_read)
{
    int64_t value;

    setenv(numbers[_i].variable, numbers[_i].text, 1);
    expect_good(CONF_ALL);
    memcpy(&value, (const char *)&conf + numbers[_i].member, sizeof value);
    ck_assert_int_eq(value, numbers[_i].value);
}
END_TEST

static const struct {
    const char *word;
    bool value;
} booleans[] = {{"true", true},   {"1", true},  {"yes", true}, {"ON", true},
                {"false", false}, {"0", false}, {"No", false}, {"off", false}};

START_TEST(all_words_for_yes_and_no_are_read)
{
    setenv("AUTH_REQUIRED", booleans[_i].word, 1);
    expect_good(CONF_GATEWAY);
    ck_assert_int_eq(conf.auth_required, booleans[_i].value);
}
END_TEST

static const struct {
    const char *variable, *text, *sentence;
} mistakes[] = {
    {"STREAM_WINDOW", "5", "STREAM_WINDOW is \"5\": give a whole number from 20 to 100000\n"},
    {"STREAM_WINDOW", "100001", "from 20 to 100000"},
    {"STREAM_WINDOW", "1000 ", "STREAM_WINDOW is \"1000 \""},
    {"STREAM_WINDOW", " 1000", "STREAM_WINDOW is \" 1000\""},
    {"STREAM_WINDOW", "+1000", "STREAM_WINDOW is \"+1000\""},
    {"STREAM_WINDOW", "1e3", "STREAM_WINDOW is \"1e3\""},
    {"STREAM_WINDOW", "99999999999999999999", "from 20 to 100000"},
    {"LEASE_SECONDS", "0", "LEASE_SECONDS is \"0\": give a span from 1s to 1m "},
    {"LEASE_SECONDS", "soon", "give a span from 1s to 1m "},
    {"REQUEST_TIMEOUT", "-5", "give a span from 100ms to 10m "},
    {"BODY_MAX_BYTES", "1023", "BODY_MAX_BYTES is \"1023\": give a size from 1KiB to 16MiB "},
    {"BODY_MAX_BYTES", "10 apples", "give a size from 1KiB to 16MiB "},
    {"BODY_MAX_BYTES", "9223372036854775807k", "give a size"},
    {"AUTH_REQUIRED", "maybe", "AUTH_REQUIRED is \"maybe\": say true or false\n"},
    {"LOG_LEVEL", "loud", "LOG_LEVEL is \"loud\": say debug, info, warning or error\n"},
    {"LOG_FORMAT", "xml", "LOG_FORMAT is \"xml\": say json, logfmt or auto\n"},
    {"RETRY_SCHEDULE", "2s,,1m", "RETRY_SCHEDULE is \"2s,,1m\": give up to 32 spans"},
    {"RETRY_SCHEDULE", "2s,", "RETRY_SCHEDULE"},
    {"LISTEN_ADDR", "8025", "LISTEN_ADDR is \"8025\": give host:port"},
    {"LISTEN_ADDR", "::1:8025", "LISTEN_ADDR"},
    {"LISTEN_ADDR", "0.0.0.0:65536", "LISTEN_ADDR"},
    {"METRICS_ADDR", "of", "METRICS_ADDR is \"of\": give host:port, such as 127.0.0.1:0, or off\n"},
    {"BULK_BODY_MAX_BYTES", "12MiB",
     "BULK_BODY_MAX_BYTES is 12582912 bytes, which UNREAD_BODIES_MAX_BYTES (12582912) has no room for: lower "
     "the one, or give the other at least 12599296\n"},
    {"BODY_MAX_BYTES", "16MiB", "BODY_MAX_BYTES is 16777216 bytes, which UNREAD_BODIES_MAX_BYTES"},
    {"UNREAD_BODIES_MAX_BYTES", "10MiB", "give the other at least 10502144\n"},
    {"BIZOSAAS_BRAIN_URL", "bizosaas:8001",
     "BIZOSAAS_BRAIN_URL is \"bizosaas:8001\": give a base URL such as"},
    {"BIZOSAAS_BRAIN_URL", "http://", "give a base URL"},
    {"BIZOSAAS_BRAIN_URL", "http://a b", "give a base URL"},
};

START_TEST(a_wrong_value_gets_a_sentence_that_says_what_is_right)
{
    setenv(mistakes[_i].variable, mistakes[_i].text, 1);
    expect_mistake(CONF_ALL, mistakes[_i].sentence);
}
END_TEST

START_TEST(every_mistake_has_its_line)
{
    setenv("STREAM_WINDOW", "5", 1);
    setenv("DRAIN_TIMEOUT", "x", 1);
    setenv("LOG_LEVEL", "loud", 1);
    ck_assert_int_eq(conf_load(&conf, CONF_ROUTER, &errors), -1);
    ck_assert(strstr(errors.data, "STREAM_WINDOW is ") && strstr(errors.data, "\nDRAIN_TIMEOUT is ") &&
              strstr(errors.data, "\nLOG_LEVEL is "));
}
END_TEST

START_TEST(a_mistake_in_a_row_of_another_program_stops_nobody)
{
    setenv("BODY_MAX_BYTES", "x", 1);
    setenv("JWT_SECRET_FILE", "/nonexistent/secret", 1);
    expect_good(CONF_ROUTER);
    ck_assert_int_eq(conf.body_max, 256 * 1024);
    ck_assert_str_eq(conf.jwt_secret, "dev-secret-key");
}
END_TEST

START_TEST(a_secret_comes_from_its_file_less_one_line_end)
{
    setenv("JWT_SECRET_FILE", write_file("secret", "from a file\n\n"), 1);
    expect_good(CONF_GATEWAY);
    ck_assert_str_eq(conf.jwt_secret, "from a file\n");
}
END_TEST

START_TEST(a_secret_twice_is_a_mistake_and_is_not_shown)
{
    setenv("JWT_SECRET", "very secret", 1);
    setenv("JWT_SECRET_FILE", write_file("secret", "very secret"), 1);
    expect_mistake(CONF_GATEWAY, "JWT_SECRET and JWT_SECRET_FILE are both set: keep one of them\n");
    ck_assert_ptr_null(strstr(errors.data, "very secret"));
}
END_TEST

START_TEST(a_secret_file_that_is_missing_or_empty_is_a_mistake)
{
    setenv("JWT_SECRET_FILE", "/nonexistent/secret", 1);
    expect_mistake(CONF_GATEWAY,
                   "JWT_SECRET_FILE names \"/nonexistent/secret\", which cannot be read: No such file");
    conf_release(&conf);
    buf_reset(&errors);
    setenv("JWT_SECRET_FILE", write_file("secret", "\n"), 1);
    expect_mistake(CONF_GATEWAY, ", which is empty");
}
END_TEST

START_TEST(a_secret_file_without_end_is_refused)
{
    setenv("JWT_SECRET_FILE", "/dev/zero", 1);
    expect_mistake(CONF_GATEWAY, "JWT_SECRET_FILE names \"/dev/zero\", which cannot be read: File too large");
}
END_TEST

START_TEST(production_refuses_the_default_secret_and_short_ones)
{
    setenv("ENVIRONMENT", "production", 1);
    expect_mistake(CONF_GATEWAY, "JWT_SECRET is not set or is the default");
    conf_release(&conf);
    buf_reset(&errors);
    setenv("JWT_SECRET", "thirty-one bytes are not enough", 1);
    expect_mistake(CONF_WORKER, "JWT_SECRET is shorter than 32 bytes");
    ck_assert_ptr_null(strstr(errors.data, "not enough"));
    conf_release(&conf);
    buf_reset(&errors);
    setenv("JWT_SECRET", "thirty-two bytes are quite enough", 1);
    expect_good(CONF_GATEWAY);
}
END_TEST

START_TEST(production_is_the_default_and_its_spelling_does_not_matter)
{
    unsetenv("ENVIRONMENT");
    expect_mistake(CONF_GATEWAY, "JWT_SECRET");
    conf_release(&conf);
    buf_reset(&errors);
    setenv("ENVIRONMENT", "Production", 1);
    expect_mistake(CONF_GATEWAY, "JWT_SECRET");
}
END_TEST

START_TEST(production_refuses_to_go_without_tokens)
{
    setenv("ENVIRONMENT", "production", 1);
    setenv("JWT_SECRET", "thirty-two bytes are quite enough", 1);
    setenv("AUTH_REQUIRED", "false", 1);
    expect_mistake(CONF_GATEWAY, "AUTH_REQUIRED is false");
}
END_TEST

START_TEST(programs_without_tokens_need_no_secret_in_production)
{
    setenv("ENVIRONMENT", "production", 1);
    expect_good(CONF_ROUTER);
    conf_release(&conf);
    expect_good(CONF_CTL);
    ck_assert_int_eq(conf_check_secret(&conf, &errors), -1);
}
END_TEST

START_TEST(a_file_of_variables_fills_what_the_environment_leaves)
{
    setenv("ENV_FILE",
           write_file("env",
                      "# comment\n\nSTREAM_WINDOW=30\nSTREAM_WINDOW=40\r\n  export LOG_LEVEL=\"debug\"\n"
                      "JWT_ISSUER='a b'\nDRAIN_TIMEOUT=9s\nJWT_SECRET="),
           1);
    setenv("DRAIN_TIMEOUT", "3s", 1);
    expect_good(CONF_ALL);
    ck_assert_int_eq(conf.stream_window, 40);
    ck_assert_str_eq(conf.log_level, "debug");
    ck_assert_str_eq(conf.jwt_issuer, "a b");
    ck_assert_int_eq(conf.drain_timeout, 3000);
    ck_assert_str_eq(conf.jwt_secret, "dev-secret-key");
}
END_TEST

START_TEST(a_wrong_line_in_a_file_of_variables_is_named_by_its_number)
{
    setenv("ENV_FILE", write_file("env", "LOG_LEVEL=info\nmy secret password\n"), 1);
    expect_mistake(CONF_ROUTER, "ENV_FILE, line 2 of ");
    ck_assert_ptr_null(strstr(errors.data, "password"));
}
END_TEST

START_TEST(a_reload_takes_what_may_change_and_names_what_may_not)
{
    const char *old_issuer;

    setenv("ENV_FILE", write_file("env", "JWT_ISSUER=one\nSTREAM_WINDOW=30\nBODY_MAX_BYTES=2k\n"), 1);
    expect_good(CONF_ROUTER | CONF_GATEWAY);
    old_issuer = conf.jwt_issuer;
    write_file("env", "JWT_ISSUER=two\nSTREAM_WINDOW=40\n");
    ck_assert_int_eq(conf_reload(&conf, CONF_ROUTER, &errors), 0);
    ck_assert_str_eq(errors.data, "STREAM_WINDOW has changed: restart to make it hold\n");
    ck_assert_str_eq(conf.jwt_issuer, "two");
    ck_assert_str_eq(old_issuer, "one");
    ck_assert_int_eq(conf.stream_window, 30);
}
END_TEST

START_TEST(a_reload_with_a_mistake_changes_nothing)
{
    setenv("ENV_FILE", write_file("env", "LOG_LEVEL=error\nMY_KEY=old\n"), 1);
    expect_good(CONF_ROUTER);
    write_file("env", "LOG_LEVEL=debug\nSTREAM_WINDOW=1\nMY_KEY=new\n");
    ck_assert_int_eq(conf_reload(&conf, CONF_ROUTER, &errors), -1);
    ck_assert(strstr(errors.data, "STREAM_WINDOW is \"1\"") != NULL);
    ck_assert_str_eq(conf.log_level, "error");
    ck_assert_str_eq(conf_variable(&conf, "MY_KEY"), "old");
}
END_TEST

START_TEST(a_variable_that_a_data_file_names_is_found)
{
    setenv("MY_URL", "http://x", 1);
    setenv("MY_KEY_FILE", write_file("key", "k1\n"), 1);
    expect_good(CONF_WORKER);
    ck_assert_str_eq(conf_variable(&conf, "MY_URL"), "http://x");
    ck_assert_str_eq(conf_variable(&conf, "MY_KEY"), "k1");
    ck_assert_ptr_null(conf_variable(&conf, "MY_OTHER"));
    setenv("MY_KEY", "k2", 1);
    ck_assert_ptr_null(conf_variable(&conf, "MY_KEY"));
}
END_TEST

START_TEST(addresses_are_split)
{
    char host[16];
    uint16_t port;

    ck_assert_int_eq(conf_parse_addr("127.0.0.1:0", host, sizeof host, &port), 0);
    ck_assert_str_eq(host, "127.0.0.1");
    ck_assert_uint_eq(port, 0);
    ck_assert_int_eq(conf_parse_addr("[::1]:65535", host, sizeof host, &port), 0);
    ck_assert_str_eq(host, "::1");
    ck_assert_uint_eq(port, 65535);
    ck_assert_int_eq(conf_parse_addr("a-host-name-too-long:1", host, sizeof host, &port), -1);
    ck_assert_int_eq(conf_parse_addr(":1", host, sizeof host, &port), -1);
    ck_assert_int_eq(conf_parse_addr("host:", host, sizeof host, &port), -1);
    ck_assert_int_eq(conf_parse_addr("host:-1", host, sizeof host, &port), -1);
}
END_TEST

START_TEST(help_shows_the_rows_of_the_program_alone)
{
    struct buf out;

    buf_init(&out);
    conf_print_help(&out, CONF_ROUTER);
    ck_assert(strstr(out.data, "  STREAM_WINDOW=1000  (20 to 100000)\n      references on one stream") !=
              NULL);
    ck_assert(strstr(out.data, "REDIS_URL") != NULL);
    ck_assert_ptr_null(strstr(out.data, "LISTEN_ADDR"));
    buf_release(&out);
}
END_TEST

START_TEST(env_example_is_current)
{
    FILE *file = fopen(".env.example", "r");
    struct buf out, is;
    char line[512];

    ck_assert_msg(file != NULL, ".env.example cannot be read: run the tests from the top of the sources");
    buf_init(&out);
    buf_init(&is);
    conf_print_env(&out);
    while (fgets(line, sizeof line, file))
        buf_add_str(&is, line);
    fclose(file);
    ck_assert_msg(strcmp(out.data, is.data) == 0,
                  ".env.example is old: build/bin/syncctl config --format=env > .env.example");
    buf_release(&out);
    buf_release(&is);
}
END_TEST

START_TEST(env_example_itself_is_a_good_configuration)
{
    char copy[4096];
    FILE *file = fopen(".env.example", "r");
    struct buf all;

    ck_assert(file != NULL);
    buf_init(&all);
    while (fgets(copy, sizeof copy, file)) /* as if every variable were switched on */
        buf_add_str(&all, copy[0] == '#' && copy[1] != ' ' && copy[1] != '\n' ? copy + 1 : copy);
    fclose(file);
    setenv("ENV_FILE", write_file("env", all.data), 1);
    expect_good(CONF_ALL);
    ck_assert_int_eq(conf.stream_window, 1000);
    buf_release(&all);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("conf");
    Suite *suite = suite_create("conf");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, without_variables_the_defaults_hold);
    tcase_add_test(tcase, an_empty_variable_counts_as_not_set);
    tcase_add_loop_test(tcase, numbers_spans_and_sizes_are_read, 0, sizeof numbers / sizeof *numbers);
    tcase_add_loop_test(tcase, all_words_for_yes_and_no_are_read, 0, sizeof booleans / sizeof *booleans);
    tcase_add_loop_test(tcase, a_wrong_value_gets_a_sentence_that_says_what_is_right, 0,
                        sizeof mistakes / sizeof *mistakes);
    tcase_add_test(tcase, every_mistake_has_its_line);
    tcase_add_test(tcase, a_mistake_in_a_row_of_another_program_stops_nobody);
    tcase_add_test(tcase, a_secret_comes_from_its_file_less_one_line_end);
    tcase_add_test(tcase, a_secret_twice_is_a_mistake_and_is_not_shown);
    tcase_add_test(tcase, a_secret_file_that_is_missing_or_empty_is_a_mistake);
    tcase_add_test(tcase, a_secret_file_without_end_is_refused);
    tcase_add_test(tcase, production_refuses_the_default_secret_and_short_ones);
    tcase_add_test(tcase, production_is_the_default_and_its_spelling_does_not_matter);
    tcase_add_test(tcase, production_refuses_to_go_without_tokens);
    tcase_add_test(tcase, programs_without_tokens_need_no_secret_in_production);
    tcase_add_test(tcase, a_file_of_variables_fills_what_the_environment_leaves);
    tcase_add_test(tcase, a_wrong_line_in_a_file_of_variables_is_named_by_its_number);
    tcase_add_test(tcase, a_reload_takes_what_may_change_and_names_what_may_not);
    tcase_add_test(tcase, a_reload_with_a_mistake_changes_nothing);
    tcase_add_test(tcase, a_variable_that_a_data_file_names_is_found);
    tcase_add_test(tcase, addresses_are_split);
    tcase_add_test(tcase, help_shows_the_rows_of_the_program_alone);
    tcase_add_test(tcase, env_example_is_current);
    tcase_add_test(tcase, env_example_itself_is_a_good_configuration);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
