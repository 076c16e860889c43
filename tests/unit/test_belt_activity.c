/* test_belt_activity.c: the activity stream on a real Redis (TEST_REDIS_URL). */
#include <check.h>

#include "belt_fixture.h"
#include "clock.h"
#include "log.h"
#include "mem.h"

static int64_t lines_of_activity(void)
{
    const char *entries = redis_do(&belt_redis, "XRANGE activity - +");
    int64_t lines = 0;
    for (const char *at = entries; *at; at++) /* strstr is far too slow under a sanitizer */
        lines += at[0] == '{' && at[1] == '"' && at[2] == 't';
    return lines;
}

START_TEST(activity_leaves_packed)
{
    struct belt_activity *activity = belt_activity_new(belt_redis.base, belt_redis.stream, 1000);
    struct ref ref = belt_numbered_ref(1);
    for (int i = 0; i < 100; i++)
        belt_activity_add(activity, &ref, "delivered", i ? NULL : "coreldove");
    redis_until(&belt_redis, lines_of_activity() == 100);
    ck_assert_str_eq(redis_do(&belt_redis, "XLEN activity"), "2");
    const char *entries = redis_do(&belt_redis, "XRANGE activity - +");
    ck_assert_ptr_nonnull(strstr(entries, "[v 1 a {\"t\":"));
    ck_assert_ptr_nonnull(strstr(entries,
                                 ",\"event\":\"01000000-0000-0000-0000-000000000001\",\"tenant\":\"acme\","
                                 "\"type\":\"user_created\",\"state\":\"delivered\","
                                 "\"platform\":\"coreldove\",\"record\":\"00000000-"));
    belt_activity_free(&activity);
}
END_TEST

START_TEST(activity_is_capped)
{
    struct belt_activity *activity =
        belt_activity_new(belt_redis.base, belt_redis.stream, 100 * PROTO_REFS_MAX);
    struct ref ref = belt_numbered_ref(1);
    redis_do(&belt_redis, "CONFIG RESETSTAT");
    for (int entries = 100; entries <= 500; entries += 100) {
        char added[32];
        for (int i = 0; i < 100 * PROTO_REFS_MAX; i++)
            belt_activity_add(activity, &ref, "routed", NULL);
        snprintf(added, sizeof(added), "cmdstat_xadd:calls=%d,", entries);
        redis_until(&belt_redis, strstr(redis_do(&belt_redis, "INFO commandstats"), added));
    }
    int64_t left = strtoll(redis_do(&belt_redis, "XLEN activity"), NULL, 10);
    ck_assert_msg(left >= 100 && left < 130, "%lld entries are left of 500", (long long)left);
    belt_activity_free(&activity);
}
END_TEST

START_TEST(activity_keeps_to_its_ceiling)
{
    struct belt_activity *activity = belt_activity_new(belt_redis.base, belt_redis.stream, 100000);
    struct ref ref = belt_numbered_ref(1);
    for (int i = 0; i < 10100; i++) {
        ref.seq = i;
        belt_activity_add(activity, &ref, i < 100 ? "accepted" : "routed", NULL);
    }
    redis_until(&belt_redis, lines_of_activity() == 10000);
    ck_assert_ptr_null(
        strstr(redis_do(&belt_redis, "XRANGE activity - +"), "accepted")); /* the oldest gave way */
    belt_activity_free(&activity);
}
END_TEST

START_TEST(activity_asks_nothing_of_a_redis_that_is_away)
{
    struct redis away;
    struct ref ref = belt_numbered_ref(1);
    redis_open(&away, "redis://127.0.0.1:1", 1000, 10);
    struct belt_activity *activity = belt_activity_new(away.base, away.stream, 100);
    belt_activity_add(activity, &ref, "routed", NULL);
    redis_turn(&away);
    belt_activity_free(&activity);
    ck_assert_ptr_null(activity);
    redis_close(&away);
    activity = belt_activity_new(belt_redis.base, belt_redis.stream, 100); /* freed with an entry in flight */
    belt_activity_add(activity, &ref, "routed", NULL);
    belt_activity_free(&activity);
    redis_until(&belt_redis, lines_of_activity() == 1);
}
END_TEST

int main(void)
{
    log_open("test_belt_activity", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    Suite *suite = suite_create("belt_activity");
    TCase *tcase = tcase_create("belt_activity");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, belt_open, belt_close);
    tcase_add_test(tcase, activity_leaves_packed);
    tcase_add_test(tcase, activity_is_capped);
    tcase_add_test(tcase, activity_keeps_to_its_ceiling);
    tcase_add_test(tcase, activity_asks_nothing_of_a_redis_that_is_away);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
