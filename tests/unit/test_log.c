/* test_log.c: log lines, read from a socket that keeps each write apart. */
#include <check.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "json.h"
#include "log.h"
#include "mem.h"

static int reader = -1;
static int terminal = -1; /* where standard error went before */
static char written[65536];
static struct json *line;

static void capture(enum log_format format)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    terminal = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    reader = ends[0];
    clock_freeze(5000, 1769861696789);
    log_open("worker", LOG_LEVEL_INFO, format);
}

static void release(void)
{
    json_free(line);
    line = NULL;
    dup2(terminal, STDERR_FILENO);
    close(terminal);
    close(reader);
}

/* The next write, with its newline checked and taken off; false when there is none. */
static bool next_write(void)
{
    ssize_t len = recv(reader, written, sizeof written, MSG_DONTWAIT);
    if (len <= 0)
        return false;
    ck_assert_int_le(len, 4096);
    ck_assert_int_eq(written[len - 1], '\n');
    written[len - 1] = '\0';
    ck_assert_ptr_null(strchr(written, '\n'));
    return true;
}

static bool next_line(void)
{
    struct json_error error;
    bool ok;
    if (!next_write())
        return false;
    json_free(line);
    line = json_parse(written, strlen(written), 8, &error, &ok);
    ck_assert_msg(ok, "%s in: %s", error.detail, written);
    return true;
}

START_TEST(a_line_is_one_write_of_one_object_with_its_fields_in_order)
{
    capture(LOG_FORMAT_JSON);
    log_warn("delivery", LOG_STR("event", "e-1"), LOG_INT("attempt", 2), LOG_REAL("seconds", 0.25),
             LOG_BOOL("last", true), LOG_STR("platform", NULL));
    ck_assert(next_write());
    ck_assert_str_eq(written,
                     "{\"ts\":\"2026-01-31T12:14:56.789Z\",\"level\":\"warning\",\"program\":\"worker\","
                     "\"what\":\"delivery\","
                     "\"event\":\"e-1\",\"attempt\":2,\"seconds\":0.25,\"last\":true,\"platform\":null}");
    ck_assert(!next_write());
    release();
}
END_TEST

START_TEST(logfmt_quotes_what_is_not_a_plain_word)
{
    capture(LOG_FORMAT_LOGFMT);
    log_info("two words", LOG_STR("plain", "a-1"), LOG_STR("empty", ""), LOG_STR("equals", "a=b"),
             LOG_STR("quote", "\""), LOG_STR("none", NULL), LOG_INT("n", -1));
    ck_assert(next_write());
    ck_assert_str_eq(
        written,
        "ts=2026-01-31T12:14:56.789Z level=info program=worker what=\"two words\" plain=a-1 empty=\"\" "
        "equals=\"a=b\" quote=\"\\\"\" none=null n=-1");
    release();
}
END_TEST

START_TEST(auto_writes_json_when_standard_error_is_no_terminal)
{
    capture(LOG_FORMAT_AUTO);
    log_info("hello", LOG_NONE);
    ck_assert(next_line());
    ck_assert_str_eq(json_get_text(line, "what"), "hello");
    release();
}
END_TEST

START_TEST(control_characters_and_bad_utf8_cannot_forge_a_line)
{
    capture(_i == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT);
    log_info("hello", LOG_STR("text", "a\n\r\x1b[31m\x7f\xc2\x9b\xff\"b\\"));
    ck_assert(next_write());
    ck_assert_ptr_nonnull(strstr(written, "\"a\\n\\r\\u001b[31m\\u007f\\u009b\xef\xbf\xbd\\\"b\\\\\""));
    release();
}
END_TEST

START_TEST(a_long_value_is_cut_and_the_fields_behind_it_stay)
{
    char text[20001];
    for (size_t i = 0; i < 20000; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    text[20000] = '\0';
    capture(LOG_FORMAT_JSON);
    log_info("hello", LOG_STR("text", text), LOG_INT("attempt", 7), LOG_STR("more", "whole"));
    ck_assert(next_line());
    size_t len;
    const char *cut = json_text(json_get(line, "text"), &len);
    ck_assert_uint_gt(len, 3000);
    ck_assert_str_eq(cut + len - 3, "\xe2\x80\xa6");
    ck_assert_int_eq(memcmp(cut, text, len - 3), 0);
    ck_assert_str_eq(json_get_text(line, "more"), "whole");
    int64_t attempt = 0;
    ck_assert_int_eq(json_int64(json_get(line, "attempt"), &attempt), 0);
    ck_assert_int_eq(attempt, 7);
    release();
}
END_TEST

START_TEST(fields_that_find_no_room_are_left_out_and_the_line_says_so)
{
    struct log_field fields[301];
    capture(LOG_FORMAT_JSON);
    for (int i = 0; i < 300; i++)
        fields[i] = (struct log_field)LOG_STR("a_key", "a value of some length");
    fields[300] = (struct log_field)LOG_NONE;
    log_write(LOG_LEVEL_INFO, "hello", fields);
    ck_assert(next_write());
    size_t len = strlen(written);
    ck_assert_uint_gt(len, 3900);
    ck_assert_str_eq(written + len - 12, ",\"cut\":true}");
    release();
}
END_TEST

START_TEST(lines_below_the_level_are_not_written)
{
    capture(LOG_FORMAT_JSON);
    log_debug("quiet", LOG_NONE);
    ck_assert(!next_write());
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("heard", LOG_NONE);
    ck_assert(next_line());
    ck_assert_str_eq(json_get_text(line, "level"), "debug");
    log_set_level(LOG_LEVEL_ERROR);
    ck_assert(!log_enabled(LOG_LEVEL_WARN));
    log_write(LOG_LEVEL_WARN, "quiet", &(struct log_field)LOG_NONE);
    ck_assert(!next_write());
    release();
}
END_TEST

START_TEST(a_flood_of_one_what_is_folded_into_a_count_and_others_pass)
{
    int64_t folded = 0;
    int lines = 0;
    capture(LOG_FORMAT_JSON);
    for (int i = 0; i < 1000; i++) {
        log_warn("flood", LOG_INT("i", i));
        while (next_line())
            lines++;
    }
    ck_assert_int_eq(lines, LOG_LINES_PER_SECOND);
    log_info("other", LOG_NONE);
    ck_assert(next_line());
    ck_assert_str_eq(json_get_text(line, "what"), "other");
    clock_freeze(6000, 1769861697789);
    log_info("other", LOG_NONE);
    ck_assert(next_line());
    ck_assert_str_eq(json_get_text(line, "what"), "flood");
    ck_assert_str_eq(json_get_text(line, "level"), "warning");
    ck_assert_int_eq(json_int64(json_get(line, "folded"), &folded), 0);
    ck_assert_int_eq(folded, 1000 - LOG_LINES_PER_SECOND);
    ck_assert(next_line());
    ck_assert_str_eq(json_get_text(line, "what"), "other");
    log_warn("flood", LOG_NONE);
    ck_assert(next_line());
    ck_assert_ptr_null(json_get(line, "folded"));
    ck_assert(!next_write());
    release();
}
END_TEST

START_TEST(how_many_lines_of_a_kind_pass_can_be_set)
{
    int lines = 0;
    capture(LOG_FORMAT_JSON);
    log_set_lines_per_second(LOG_LINES_PER_SECOND + 50);
    for (int i = 0; i < LOG_LINES_PER_SECOND + 60; i++) {
        log_warn("flood", LOG_INT("i", i));
        while (next_line())
            lines++;
    }
    log_set_lines_per_second(LOG_LINES_PER_SECOND);
    ck_assert_int_eq(lines, LOG_LINES_PER_SECOND + 50);
    release();
}
END_TEST

START_TEST(more_kinds_of_lines_than_are_watched_lose_no_count)
{
    int64_t folded = 0, value;
    capture(LOG_FORMAT_JSON);
    for (int kind = 0; kind < 300; kind++) {
        char what[32];
        snprintf(what, sizeof what, "kind-%d", kind);
        for (int i = 0; i < LOG_LINES_PER_SECOND + 3; i++) {
            log_info(what, LOG_NONE);
            while (next_line())
                folded += json_int64(json_get(line, "folded"), &value) == 0 ? value : 0;
        }
    }
    clock_freeze(7000, 1769861697789);
    log_info("end", LOG_NONE);
    while (next_line())
        folded += json_int64(json_get(line, "folded"), &value) == 0 ? value : 0;
    ck_assert_int_eq(folded, 300 * 3);
    release();
}
END_TEST

static const struct {
    const char *name;
    int level;
} levels[] = {
    {"debug", LOG_LEVEL_DEBUG},
    {"INFO", LOG_LEVEL_INFO},
    {"warn", LOG_LEVEL_WARN},
    {"Warning", LOG_LEVEL_WARN},
    {"error", LOG_LEVEL_ERROR},
    {"", -1},
    {"loud", -1},
    {"warnings", -1},
};

START_TEST(level_names_are_read_in_any_case)
{
    enum log_level level = LOG_LEVEL_DEBUG;
    ck_assert_int_eq(log_level_parse(levels[_i].name, &level), levels[_i].level < 0 ? -1 : 0);
    if (levels[_i].level >= 0)
        ck_assert_int_eq((int)level, levels[_i].level);
}
END_TEST

START_TEST(a_bug_aborts)
{
    bug("two is %d", 3);
}
END_TEST

START_TEST(a_fatal_error_exits_with_1)
{
    fatal("no port to listen on: %s", "all taken");
}
END_TEST

START_TEST(logging_leaves_errno_alone)
{
    capture(LOG_FORMAT_JSON);
    close(STDERR_FILENO);
    errno = EAGAIN;
    log_info("nobody reads this", LOG_NONE);
    ck_assert_int_eq(errno, EAGAIN);
    release();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tests = tcase_create("log");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_line_is_one_write_of_one_object_with_its_fields_in_order);
    tcase_add_test(tests, logfmt_quotes_what_is_not_a_plain_word);
    tcase_add_test(tests, auto_writes_json_when_standard_error_is_no_terminal);
    tcase_add_loop_test(tests, control_characters_and_bad_utf8_cannot_forge_a_line, 0, 2);
    tcase_add_test(tests, a_long_value_is_cut_and_the_fields_behind_it_stay);
    tcase_add_test(tests, fields_that_find_no_room_are_left_out_and_the_line_says_so);
    tcase_add_test(tests, lines_below_the_level_are_not_written);
    tcase_add_test(tests, a_flood_of_one_what_is_folded_into_a_count_and_others_pass);
    tcase_add_test(tests, how_many_lines_of_a_kind_pass_can_be_set);
    tcase_add_test(tests, more_kinds_of_lines_than_are_watched_lose_no_count);
    tcase_add_loop_test(tests, level_names_are_read_in_any_case, 0, sizeof levels / sizeof *levels);
    tcase_add_test_raise_signal(tests, a_bug_aborts, 6 /* SIGABRT */);
    tcase_add_exit_test(tests, a_fatal_error_exits_with_1, 1);
    tcase_add_test(tests, logging_leaves_errno_alone);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
