/* test_stream_url.c: what a Redis URL says, and sentences for those that say nothing; no connection is made. */
#include <check.h>

#include "log.h"
#include "mem.h"
#include "stream_internal.h"

static const struct {
    const char *url, *host, *path;
    int port;
    const char *user, *password;
    int database;
} url_rows[] = {
    {"redis://localhost:6379/0", "localhost", NULL, 6379, NULL, NULL, 0},
    {"redis://redis", "redis", NULL, 6379, NULL, NULL, 0},
    {"redis://", "localhost", NULL, 6379, NULL, NULL, 0},
    {"redis://:secret@10.0.0.1:7000/3", "10.0.0.1", NULL, 7000, NULL, "secret", 3},
    {"redis://app:se:cret@h/", "h", NULL, 6379, "app", "se:cret", 0},
    {"redis://app:p%40ss%2fw%25@h", "h", NULL, 6379, "app", "p@ss/w%", 0},
    {"redis://:p@ss@h:1", "h", NULL, 1, NULL, "p@ss", 0},
    {"redis://:@h", "h", NULL, 6379, NULL, NULL, 0},
    {"redis://[::1]:6380/1", "::1", NULL, 6380, NULL, NULL, 1},
    {"redis://h/?db=4&timeout=5", "h", NULL, 6379, NULL, NULL, 4},
    {"redis://h?x=1", "h", NULL, 6379, NULL, NULL, 0},
    {"unix:///run/redis.sock", NULL, "/run/redis.sock", 0, NULL, NULL, 0},
    {"unix://:pw@/run/redis.sock?db=2", NULL, "/run/redis.sock", 0, NULL, "pw", 2},
};

START_TEST(a_url_says_where_and_who)
{
    struct stream_url url;
    const char *why = NULL;
    ck_assert_msg(stream_url_parse(&url, url_rows[_i].url, &why) == 0, "%s", why);
    ck_assert_pstr_eq(url.host, url_rows[_i].host);
    ck_assert_pstr_eq(url.path, url_rows[_i].path);
    ck_assert_pstr_eq(url.user, url_rows[_i].user);
    ck_assert_pstr_eq(url.password, url_rows[_i].password);
    ck_assert_int_eq(url.port, url_rows[_i].port);
    ck_assert_int_eq(url.database, url_rows[_i].database);
    stream_url_release(&url);
}
END_TEST

static const struct {
    const char *url, *why;
} bad_url_rows[] = {
    {"", "redis://"},
    {"localhost:6379", "redis://"},
    {"rediss://h", "TLS"},
    {"redis://user@h", "without a password"},
    {"redis://user:@h", "empty password"},
    {"redis://:p%4@h", "%25"},
    {"redis://:p%zz@h", "%25"},
    {"redis://:p%00@h", "%25"},
    {"redis://h:0", "port"},
    {"redis://h:65536", "port"},
    {"redis://h:port", "port"},
    {"redis://h:", "port"},
    {"redis://[::1", "bracket"},
    {"redis://h/zero", "database"},
    {"redis://h/0/1", "database"},
    {"redis://h/-1", "database"},
    {"redis://h?db=x", "db="},
    {"unix://run/redis.sock", "absolute"},
};

START_TEST(a_url_that_is_none_is_refused_with_a_sentence)
{
    const char *why = "";
    ck_assert_int_eq(stream_check_url(bad_url_rows[_i].url, &why), -1);
    ck_assert_msg(strstr(why, bad_url_rows[_i].why) != NULL, "'%s' says: %s", bad_url_rows[_i].url, why);
}
END_TEST

#define ROWS(rows) (int)(sizeof(rows) / sizeof(rows[0]))

int main(void)
{
    log_open("test_stream_url", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    Suite *suite = suite_create("stream_url");
    TCase *tcase = tcase_create("stream_url");
    tcase_add_loop_test(tcase, a_url_says_where_and_who, 0, ROWS(url_rows));
    tcase_add_loop_test(tcase, a_url_that_is_none_is_refused_with_a_sentence, 0, ROWS(bad_url_rows));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
