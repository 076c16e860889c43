/* test_belt_check.c: what is put right on the belt, on a real Redis (TEST_REDIS_URL): check.lua, aside.lua and belt_repair.c. */
#include <check.h>

#include "belt_fixture.h"
#include "belt_repair.h"
#include "clock.h"
#include "log.h"
#include "lua.h"
#include "mem.h"
#include "stats.h"

static int64_t claimed, pending;

/* "[taken put]" */
static const char *check_belt(void)
{
    static char text[48];
    long long numbers[4];
    struct stream_command *command = stream_script(lua_check, 4);

    stream_add(command, BELT_STREAM);
    stream_add(command, BELT_OTHER);
    stream_add(command, BELT_SET);
    stream_add(command, "on:" BELT_OTHER);
    const char *says = redis_call(&belt_redis, command);
    ck_assert_msg(sscanf(says, "[%lld %lld %lld %lld]", &numbers[0], &numbers[1], &numbers[2], &numbers[3]) ==
                      4,
                  "%s", says);
    claimed = numbers[2];
    pending = numbers[3];
    snprintf(text, sizeof text, "[%lld %lld]", numbers[0], numbers[1]);
    return text;
}

static const char *set_size(void)
{
    return redis_do(&belt_redis, "SCARD " BELT_SET);
}

START_TEST(what_agrees_is_left_as_it_is)
{
    ck_assert_str_eq(check_belt(), "[0 0]");
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 300);
    belt_publish_numbers(BELT_OTHER, BELT_WINDOW, 0, 3);
    ck_assert_str_eq(check_belt(), "[0 0]");
    belt_lease("7", "m");
    belt_read_from(">", 10);
    belt_acknowledge_numbers(0, 40, NULL, 7); /* their entry has others that are not done */
    ck_assert_str_eq(check_belt(), "[0 0]");
    ck_assert_str_eq(set_size(), "260");
}
END_TEST

START_TEST(ids_whose_entries_were_cut_off_may_be_published_again)
{
    for (int i = 0; i < 250; i++) /* an entry each */
        belt_publish_numbers(BELT_STREAM, BELT_WINDOW, i, i + 1);
    belt_lease("7", "m");
    belt_read_from(">", 10);
    char last[32], line[128];
    for (int i = 0; i < 200; i++) {
        const char *newest = redis_do(&belt_redis, "XREVRANGE " BELT_STREAM " + - COUNT 1");
        ck_assert_int_eq(sscanf(newest, "[[%31[0-9-]", last), 1);
        snprintf(line, sizeof line, "XDEL " BELT_STREAM " %s", last);
        redis_do(&belt_redis, line);
    }
    ck_assert_str_eq(set_size(), "250");
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 250), 0); /* that is the harm */
    ck_assert_str_eq(check_belt(), "[200 0]");
    ck_assert_str_eq(set_size(), "50");
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 250), 200);
    ck_assert_str_eq(check_belt(), "[0 0]");
}
END_TEST

START_TEST(a_set_without_its_stream_is_dropped)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 5);
    redis_do(&belt_redis, "DEL " BELT_STREAM);
    ck_assert_str_eq(check_belt(), "[5 0]");
    ck_assert_str_eq(redis_do(&belt_redis, "EXISTS " BELT_SET), "0");
}
END_TEST

START_TEST(ids_that_a_set_lost_come_back_from_what_was_not_handed_out)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 10); /* one entry, handed out, half of it done */
    belt_lease("7", "m");
    belt_read_from(">", 10);
    belt_acknowledge_numbers(0, 5, NULL, 7);
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 10, 20); /* not handed out */
    struct ref lost = belt_numbered_ref(12);
    char id[UUID_TEXT_LEN + 1], line[128];
    uuid_format(&lost.event, id);
    snprintf(line, sizeof line, "SREM " BELT_SET " %s", id);
    redis_do(&belt_redis, line);
    ck_assert_str_eq(check_belt(), "[0 1]");
    ck_assert_str_eq(set_size(), "15");
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 5, 20), 0);
}
END_TEST

START_TEST(a_deleted_set_is_made_anew_before_anything_is_published)
{
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 100);
    redis_do(&belt_redis, "DEL " BELT_SET);
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 101), 1);
    ck_assert_str_eq(set_size(), "101");
    ck_assert_str_eq(redis_do(&belt_redis, "XLEN " BELT_STREAM), "3");
}
END_TEST

START_TEST(of_an_entry_of_a_newer_version_every_uuid_counts_as_its_id)
{
    static const char theirs[] = "01890a5d-ac96-774b-bcce-b302099a8057";
    char line[256];

    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 5);
    snprintf(line, sizeof line, "XADD " BELT_STREAM " * v 2 x y|%s|z", theirs);
    redis_do(&belt_redis, line);
    snprintf(line, sizeof line, "SADD " BELT_SET " %s orphan", theirs);
    redis_do(&belt_redis, line);
    ck_assert_str_eq(check_belt(), "[1 0]");
    ck_assert_str_eq(redis_do(&belt_redis, "SISMEMBER " BELT_SET " orphan"), "0");
    redis_do(&belt_redis, "DEL " BELT_SET);
    ck_assert_str_eq(check_belt(), "[0 5]"); /* theirs is theirs to put in */
}
END_TEST

START_TEST(what_somebody_else_read_in_the_group_becomes_the_owners)
{
    for (int i = 0; i < 120; i++)
        belt_publish_numbers(BELT_STREAM, BELT_WINDOW, i, i + 1);
    belt_lease("7", "m");
    ck_assert_uint_eq(belt_read_from(">", 10).entries, 10);
    redis_do(&belt_redis, "XREADGROUP GROUP sync somebody COUNT 110 STREAMS " BELT_STREAM " >");
    ck_assert_str_eq(check_belt(), "[0 0]");
    ck_assert_int_eq(claimed, 110);
    ck_assert_int_eq(pending, 120);
    ck_assert_uint_eq(belt_read_from("~0", 200).entries, 120);
    check_belt();
    ck_assert_int_eq(claimed, 0);
    ck_assert_ptr_null(strstr(redis_do(&belt_redis, "XINFO CONSUMERS " BELT_STREAM " sync"), "somebody"));
}
END_TEST

/* ---- keys of another type ---- */

static void on_aside(int64_t found, void *arg)
{
    *(int64_t *)arg = found;
}

static int64_t set_aside(void)
{
    static const struct belt_name names[] = {
        {BELT_OWNER, "hash"}, {BELT_STREAM, "stream"}, {BELT_SET, "set"}};
    int64_t found = -2;

    belt_set_aside(belt_redis.stream, names, 3, on_aside, &found);
    redis_until(&belt_redis, found != -2);
    return found;
}

START_TEST(a_key_of_another_type_is_renamed_and_kept_for_a_while)
{
    redis_do(&belt_redis, "SET " BELT_OWNER " mine");
    redis_do(&belt_redis, "LPUSH " BELT_SET " a b");
    belt_publish_numbers(BELT_OTHER, BELT_WINDOW, 0, 1);
    ck_assert_int_eq(set_aside(), 2);
    ck_assert_str_eq(redis_do(&belt_redis, "GET aside:" BELT_OWNER), "mine");
    ck_assert_str_eq(redis_do(&belt_redis, "LLEN aside:" BELT_SET), "2");
    ck_assert_int_gt(strtol(redis_do(&belt_redis, "TTL aside:" BELT_SET), NULL, 10), 600000);
    ck_assert_int_eq(set_aside(), 0);
    ck_assert_str_eq(belt_lease("7", "m"), "7");
    ck_assert_int_eq(belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 1), 1);
    ck_assert_int_eq(set_aside(), 0); /* what is right stays */
    struct buf text = BUF_INIT;
    stats_write(&text);
    ck_assert_ptr_nonnull(strstr(text.data, "\nsync_belt_repairs_total{what=\"key\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "\nsync_belt_repairs_total{what=\"set\"} 0\n"));
    buf_release(&text);
}
END_TEST

START_TEST(a_hint_to_a_key_of_another_type_leaves_nothing_half_done)
{
    struct belt_call *call = belt_call_new(0);
    struct ref ref = belt_numbered_ref(1);

    redis_do(&belt_redis, "SET " BELT_STREAM " text");
    belt_publish(call, BELT_STREAM, BELT_WINDOW, &ref);
    ck_assert_int_eq(belt_send_wait(call, "", 0).result, BELT_AWAY);
    ck_assert_str_eq(redis_do(&belt_redis, "EXISTS " BELT_SET), "0");
}
END_TEST

int main(void)
{
    log_open("test_belt_check", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    Suite *suite = suite_create("belt_check");
    TCase *tcase = tcase_create("belt_check");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, belt_open, belt_close);
    tcase_add_test(tcase, what_agrees_is_left_as_it_is);
    tcase_add_test(tcase, ids_whose_entries_were_cut_off_may_be_published_again);
    tcase_add_test(tcase, a_set_without_its_stream_is_dropped);
    tcase_add_test(tcase, ids_that_a_set_lost_come_back_from_what_was_not_handed_out);
    tcase_add_test(tcase, a_deleted_set_is_made_anew_before_anything_is_published);
    tcase_add_test(tcase, of_an_entry_of_a_newer_version_every_uuid_counts_as_its_id);
    tcase_add_test(tcase, what_somebody_else_read_in_the_group_becomes_the_owners);
    tcase_add_test(tcase, a_key_of_another_type_is_renamed_and_kept_for_a_while);
    tcase_add_test(tcase, a_hint_to_a_key_of_another_type_leaves_nothing_half_done);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
