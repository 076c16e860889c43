/* test_belt_read.c: the fenced read and its repairs on a real Redis (TEST_REDIS_URL): read.lua and lease.lua. */
#include <check.h>

#include "belt_fixture.h"
#include "clock.h"
#include "log.h"
#include "mem.h"

static const char *read_as(const char *fence, const char *mark, const char *from, int count)
{
    return redis_call(&belt_redis, belt_read_command(fence, mark, from, count, 0));
}

START_TEST(a_lease_is_copied_only_upwards)
{
    ck_assert_str_eq(belt_lease("7", "first"), "7");
    ck_assert_str_eq(belt_lease("6", "late"), "7");
    ck_assert_str_eq(redis_do(&belt_redis, "HMGET " BELT_OWNER " fence mark"), "[7 first]");
    ck_assert_str_eq(belt_lease("7", "again"), "7");
    ck_assert_str_eq(redis_do(&belt_redis, "HGET " BELT_OWNER " mark"), "first");
    ck_assert_str_eq(belt_lease("10", "next"), "10");
    ck_assert_str_eq(redis_do(&belt_redis, "HMGET " BELT_OWNER " fence mark"), "[10 next]");
}
END_TEST

START_TEST(reading_is_fenced_and_marked)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 1);
    ck_assert_str_eq(read_as("7", "m", ">", 10), "[0]");
    belt_lease("7", "m");
    ck_assert_str_eq(read_as("6", "m", ">", 10), "[-1 7]");
    ck_assert_str_eq(read_as("8", "m", "0", 10), "[-1 7]");
    ck_assert_str_eq(read_as("7", "other", ">", 10), "[-2]");
    ck_assert_str_eq(redis_do(&belt_redis, "XINFO GROUPS " BELT_STREAM), "[]"); /* nothing was done */
    ck_assert_uint_eq(belt_read_from(">", 10).refs, 1);
    redis_do(&belt_redis, "FLUSHALL");
    ck_assert_str_eq(read_as("7", "m", ">", 10), "[0]");
}
END_TEST

START_TEST(a_count_of_zero_skips_a_stream_and_still_says_its_size)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 2);
    belt_publish_numbers(BELT_OTHER, BELT_WINDOW, 0, 3);
    belt_lease("7", "m");
    ck_assert_str_eq(redis_call(&belt_redis, belt_read_command("7", "m", ">", 0, 0)), "[1 0 [[] []] [2 3]]");
    const char *read = redis_call(&belt_redis, belt_read_command("7", "m", ">", 0, 5));
    ck_assert_msg(strncmp(read, "[1 1 [[] [[", 11) == 0 && strstr(read, "]]]] [2 3]]"), "%s", read);
}
END_TEST

START_TEST(a_count_is_kept_and_the_rest_comes_next)
{
    for (int i = 0; i < 5; i++)
        belt_publish_numbers(BELT_STREAM, BELT_WINDOW, i, i + 1);
    belt_lease("7", "m");
    ck_assert_uint_eq(belt_read_from(">", 3).entries, 3);
    ck_assert_uint_eq(belt_read_from(">", 3).entries, 2);
    ck_assert_uint_eq(belt_read_from(">", 3).entries, 0);
}
END_TEST

START_TEST(a_deleted_group_is_made_anew_and_everything_is_read_again)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 3);
    belt_lease("7", "m");
    struct belt_reading first = belt_read_from(">", 10);
    ck_assert_int_eq(first.repaired, 1); /* it is made by the first reader */
    redis_do(&belt_redis, "XGROUP DESTROY " BELT_STREAM " sync");
    struct belt_reading again = belt_read_from(">", 10);
    ck_assert_int_eq(again.repaired, 1);
    ck_assert_uint_eq(again.refs, 3);
    ck_assert_int_eq(again.size, 3);
    ck_assert_str_eq(again.ids[0], first.ids[0]);
    ck_assert_int_eq(belt_read_from(">", 10).repaired, 0);
    redis_do(&belt_redis, "XGROUP DESTROY " BELT_STREAM " sync");
    struct belt_reading pending = belt_read_from("0", 10);
    ck_assert_int_eq(pending.repaired, 1);
    ck_assert_uint_eq(pending.entries, 0);
    ck_assert_uint_eq(belt_read_from(">", 10).refs, 3);
}
END_TEST

START_TEST(a_deleted_stream_takes_its_set_along)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 3);
    belt_lease("7", "m");
    belt_read_from(">", 10);
    redis_do(&belt_redis, "DEL " BELT_STREAM);
    struct belt_reading reading = belt_read_from(">", 10);
    ck_assert_int_eq(reading.repaired, 1);
    ck_assert_int_eq(reading.size, 0);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 3), 3);
    ck_assert_uint_eq(belt_read_from(">", 10).refs, 3);
}
END_TEST

START_TEST(a_hint_after_a_deleted_stream_drops_the_old_set)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 3);
    redis_do(&belt_redis, "DEL " BELT_STREAM);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 9, 10), 1);
    ck_assert_str_eq(redis_do(&belt_redis, "SCARD " BELT_SET), "1");
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 3), 3);
}
END_TEST

START_TEST(a_stream_emptied_by_hand_empties_its_set)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 3);
    belt_lease("7", "m");
    belt_read_from(">", 10);
    ck_assert_int_eq(belt_read_from(">", 10).repaired, 0);
    ck_assert_str_eq(redis_do(&belt_redis, "XTRIM " BELT_STREAM " MAXLEN 0"), "1");
    struct belt_reading reading = belt_read_from(">", 10);
    ck_assert_int_eq(reading.size, 0);
    ck_assert_int_eq(reading.repaired, 1);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 3), 3);
}
END_TEST

START_TEST(what_the_last_owner_left_pending_is_read_with_counts)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 2);
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 2, 3);
    belt_lease("7", "m");
    belt_read_from(">", 1);
    struct belt_reading pending = belt_read_from("0", 10);
    ck_assert_uint_eq(pending.entries, 1);
    ck_assert_int_eq(pending.counts[0], 2);
    belt_read_from(">", 10);
    pending = belt_read_from("0-0", 10);
    ck_assert_uint_eq(pending.entries, 1); /* the third time: alone */
    ck_assert_int_eq(pending.counts[0], 3);
    pending = belt_read_from(pending.ids[0], 10);
    ck_assert_uint_eq(pending.entries, 1);
    ck_assert_int_eq(pending.counts[0], 2);
    ck_assert_uint_eq(belt_read_from(pending.ids[0], 10).entries, 0);
    ck_assert_int_eq(pending.size, 3);
}
END_TEST

START_TEST(what_an_owner_is_given_again_does_not_count_as_handed_out)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 2);
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 2, 3);
    belt_lease("7", "m");
    belt_read_from(">", 10);
    for (int times = 0; times < 5; times++) {
        struct belt_reading again = belt_read_from("~0", 10);
        ck_assert_uint_eq(again.entries, 2);
        ck_assert_int_eq(again.counts[0], 1);
        ck_assert_int_eq(again.counts[1], 1);
    }
    ck_assert_int_eq(belt_read_from("0", 10).counts[0], 2);
}
END_TEST

START_TEST(pending_entries_that_were_trimmed_are_let_go)
{
    for (int i = 0; i < 6; i++)
        belt_publish_numbers(BELT_STREAM, BELT_WINDOW, i, i + 1);
    belt_lease("7", "m");
    belt_read_from(">", 10);
    ck_assert_str_eq(redis_do(&belt_redis, "XTRIM " BELT_STREAM " MAXLEN 2"), "4");
    struct belt_reading pending =
        belt_read_from("0", 3); /* a whole page is gone, and the next one is given */
    ck_assert_uint_eq(pending.entries, 2);
    ck_assert_int_eq(pending.size, 2); /* the four may be published again */
    ck_assert_int_eq(pending.repaired, 1);
    ck_assert_int_eq(pending.counts[0], 2);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 6), 4);
    ck_assert_ptr_nonnull(strstr(redis_do(&belt_redis, "XPENDING " BELT_STREAM " sync"), "[[owner 2]]"));
}
END_TEST

static void add_by_hand(const char *version, int refs, const char *ref)
{
    struct stream_command *command = stream_command("XADD");
    stream_add(command, BELT_STREAM);
    stream_add(command, "*");
    stream_add(command, "v");
    stream_add(command, version);
    for (int i = 0; i < refs; i++) {
        stream_add(command, "r");
        stream_add(command, ref);
    }
    redis_call(&belt_redis, command);
}

START_TEST(poison_by_hand_is_told_from_newer_entries_and_leaves_the_set_alone)
{
    static const char good[] = "01890a5d-ac96-774b-bcce-b302099a8057 0a0b0c0d-1111-8222-8333-444455556666 7 "
                               "user_created - acme";
    static const enum msg_verdict expected[] = {MSG_POISON, MSG_NEWER,  MSG_POISON, MSG_POISON,
                                                MSG_POISON, MSG_POISON, MSG_OK};
    redis_do(&belt_redis, "XADD " BELT_STREAM " * hello world");
    add_by_hand("2", 70, good);
    add_by_hand("1", 65, good);
    add_by_hand("1", 1, "not a reference");
    add_by_hand("1", 0, "");
    redis_do(&belt_redis, "XADD " BELT_STREAM " 99999999999999-18446744073709551615 note x");
    add_by_hand("1", 1, good);
    belt_lease("7", "m");
    struct belt_reading reading = belt_read_from(">", 10);
    ck_assert_uint_eq(reading.entries, 7);
    for (size_t i = 0; i < reading.entries; i++)
        ck_assert_int_eq(reading.verdicts[i], expected[i]);
    ck_assert_int_eq(reading.size, 1);
    for (size_t i = 0; i < 6; i++) {
        if (reading.verdicts[i] == MSG_POISON)
            ck_assert_int_eq(belt_acknowledge_numbers(0, 0, reading.ids[i], 7).result, BELT_OK);
    }
    struct belt_reading left = belt_read_from("0", 10);
    ck_assert_uint_eq(left.entries, 2);
    ck_assert_int_eq(left.verdicts[0], MSG_NEWER);
    ck_assert_int_eq(left.verdicts[1], MSG_OK);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 1),
                     1); /* after an odd id it still takes new ones */
}
END_TEST

int main(void)
{
    log_open("test_belt_read", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    Suite *suite = suite_create("belt_read");
    TCase *tcase = tcase_create("belt_read");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, belt_open, belt_close);
    tcase_add_test(tcase, a_lease_is_copied_only_upwards);
    tcase_add_test(tcase, reading_is_fenced_and_marked);
    tcase_add_test(tcase, a_count_of_zero_skips_a_stream_and_still_says_its_size);
    tcase_add_test(tcase, a_count_is_kept_and_the_rest_comes_next);
    tcase_add_test(tcase, a_deleted_group_is_made_anew_and_everything_is_read_again);
    tcase_add_test(tcase, a_deleted_stream_takes_its_set_along);
    tcase_add_test(tcase, a_hint_after_a_deleted_stream_drops_the_old_set);
    tcase_add_test(tcase, a_stream_emptied_by_hand_empties_its_set);
    tcase_add_test(tcase, what_the_last_owner_left_pending_is_read_with_counts);
    tcase_add_test(tcase, what_an_owner_is_given_again_does_not_count_as_handed_out);
    tcase_add_test(tcase, pending_entries_that_were_trimmed_are_let_go);
    tcase_add_test(tcase, poison_by_hand_is_told_from_newer_entries_and_leaves_the_set_alone);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
