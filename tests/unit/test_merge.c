/* test_merge.c: one change applied to one record. */
#include "merge.h"
#include "merge_world_fixture.h"

static struct world world;

static void begin(void)
{
    mapping_load();
    world_init(&world);
}

static void end(void)
{
    world_release(&world);
    mapping_unload();
}

START_TEST(the_first_change_makes_version_1_with_the_records_own_id)
{
    ck_assert(world_advance(&world, CREATE("bizoholic", 1, 0, "{\"id\":\"theirs\",\"name\":\"A\"}")));
    ck_assert(world.record.exists && !world.record.deleted);
    ck_assert_int_eq(world.record.version, 1);
    mapping_check_equal(world.record.data, "{\"id\":\"u1\",\"name\":\"A\"}", "data");
    mapping_check_equal(world.record.vector, "{\"bizoholic\":1}", "vector");
    mapping_check_equal(json_get(world.record.notes, "name"),
                        "{\"o\":\"bizoholic\",\"t\":1700000000000,\"s\":1,\"v\":1}", "note");
}
END_TEST

START_TEST(a_change_without_a_difference_makes_no_version)
{
    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\",\"age\":5}"));
    ck_assert(!world_advance(&world, UPDATE("bizosaas", 2, 10, "{\"name\":\"A\",\"age\":5.0}")));
    ck_assert_int_eq(world.record.version, 1);
    mapping_check_equal(world.record.vector, "{\"bizoholic\":1}", "vector");
}
END_TEST

START_TEST(an_empty_create_makes_a_version_once)
{
    ck_assert(world_advance(&world, CREATE("bizoholic", 1, 0, "{}")));
    ck_assert(!world_advance(&world, UPDATE("bizoholic", 2, 1, "{}")));
    ck_assert_int_eq(world.record.version, 1);
}
END_TEST

START_TEST(each_platform_counts_its_own_changes)
{
    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    world_advance(&world, UPDATE("bizosaas", 2, 10, "{\"phone\":\"1\"}"));
    world_advance(&world, UPDATE("bizoholic", 3, 20, "{\"name\":\"B\"}"));
    ck_assert_int_eq(world.record.version, 3);
    mapping_check_equal(world.record.vector, "{\"bizoholic\":2,\"bizosaas\":1}", "vector");
    mapping_check_equal(json_get(json_get(world.record.notes, "phone"), "v"), "2", "version of the note");
}
END_TEST

START_TEST(an_absent_field_is_untouched_and_null_clears)
{
    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\",\"phone\":\"1\"}"));
    ck_assert(world_advance(&world, UPDATE("bizoholic", 2, 10, "{\"phone\":null}")));
    mapping_check_equal(world.record.data, "{\"id\":\"u1\",\"name\":\"A\",\"phone\":null}", "cleared");
    ck_assert(
        !world_advance(&world, UPDATE("bizoholic", 3, 20,
                                      "{\"phone\":null,\"fax\":null}"))); /* was cleared; was never there */
    ck_assert(!world_advance(
        &world, UPDATE("bizoholic", 1, 0, "{\"phone\":\"1\"}"))); /* older than what cleared it */
    ck_assert(world_advance(&world, UPDATE("bizoholic", 4, 30, "{\"phone\":\"2\"}")));
    mapping_check_equal(json_get(world.record.data, "phone"), "\"2\"", "set again");
}
END_TEST

/* Two changes of one field; which of them stays, in whichever order they are handled. */
static const struct pair {
    struct step a, b;
    bool b_wins;
} pairs[] = {
    {{"bizoholic", VERB_CREATE, 1, 0, "{\"name\":\"A\"}", 0},
     {"bizoholic", VERB_UPDATE, 2, 0, "{\"name\":\"B\"}", 0},
     true},
    /* one platform: seq decides, whatever its clock says */
    {{"bizoholic", VERB_UPDATE, 1, 5000, "{\"name\":\"A\"}", 0},
     {"bizoholic", VERB_UPDATE, 2, 0, "{\"name\":\"B\"}", 0},
     true},
    /* two platforms: time decides, whatever came first */
    {{"bizoholic", VERB_UPDATE, 1, 5000, "{\"name\":\"A\"}", 0},
     {"bizosaas", VERB_UPDATE, 2, 4999, "{\"name\":\"B\"}", 0},
     false},
    {{"bizoholic", VERB_UPDATE, 1, 5000, "{\"name\":\"A\"}", 0},
     {"bizosaas", VERB_UPDATE, 2, 5001, "{\"name\":\"B\"}", 0},
     true},
    {{"bizoholic", VERB_UPDATE, 1, 0, "{\"name\":\"A\"}", 0},
     {"bizosaas", VERB_UPDATE, 2, 90000, "{\"name\":\"B\"}", 0},
     true},
    {{"bizosaas", VERB_UPDATE, 9, 0, "{\"name\":\"A\"}", 0},
     {"bizoholic", VERB_UPDATE, 2, 1, "{\"name\":\"B\"}", 0},
     true},
    /* the same millisecond: the platform's name */
    {{"bizoholic", VERB_UPDATE, 1, 0, "{\"name\":\"A\"}", 0},
     {"bizosaas", VERB_UPDATE, 2, 0, "{\"name\":\"B\"}", 0},
     true},
    {{"bizoholic", VERB_UPDATE, 3, 0, "{\"name\":\"A\"}", 0},
     {"bizosaas", VERB_UPDATE, 2, 0, "{\"name\":\"B\"}", 0},
     true},
    /* what had been seen, whatever the clocks say */
    {{"bizoholic", VERB_CREATE, 1, 5000, "{\"name\":\"A\"}", 0},
     {"bizosaas", VERB_UPDATE, 2, 0, "{\"name\":\"B\"}", 1},
     true},
    {{"coreldove", VERB_UPDATE, 1, 0, "{\"name\":\"A\"}", 0},
     {"coreldove", VERB_UPDATE, 2, 1, "{\"name\":null}", 0},
     true},
};

START_TEST(the_later_change_stays_in_whichever_order_they_are_handled)
{
    const struct pair *pair = &pairs[_i];
    struct json *sent_a = mapping_parse(pair->a.data), *sent_b = mapping_parse(pair->b.data);
    const struct json *expected = json_get(pair->b_wins ? sent_b : sent_a, "name");

    world_advance(&world, pair->a);
    world_advance(&world, pair->b);
    ck_assert(json_equal(json_get(world.record.data, "name"), expected));
    if (json_get(sent_a, "name") && json_get(sent_b, "name") && pair->b.base == 0) {
        world_release(&world);
        world_init(&world);
        world_advance(&world, pair->b);
        world_advance(&world, pair->a);
        ck_assert(json_equal(json_get(world.record.data, "name"), expected));
    }
    json_free(sent_a);
    json_free(sent_b);
}
END_TEST

START_TEST(a_value_said_again_outlasts_what_its_platform_said_in_between)
{
    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    ck_assert(!world_advance(&world, UPDATE("bizoholic", 3, 20, "{\"name\":\"A\"}")));
    ck_assert(!world_advance(&world, UPDATE("bizoholic", 2, 10, "{\"name\":\"B\"}")));
    mapping_check_equal(world.record.data, "{\"id\":\"u1\",\"name\":\"A\"}", "data");
    ck_assert(world_advance(&world, UPDATE("bizoholic", 4, 30, "{\"name\":\"C\"}")));
}
END_TEST

START_TEST(fields_that_only_one_side_touched_merge_silently)
{
    struct merge merge;

    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\",\"phone\":\"1\"}"));
    world_apply(&world, &(struct step){"bizosaas", VERB_UPDATE, 2, 10, "{\"name\":\"A\",\"phone\":\"2\"}", 1},
                &merge);
    mapping_check_equal(merge.changed, "[\"phone\"]", "changed");
    merge_release(&merge);
    world_apply(&world, &(struct step){"coreldove", VERB_UPDATE, 3, 20, "{\"name\":\"C\"}", 2}, &merge);
    mapping_check_equal(merge.changed, "[\"name\"]", "changed");
    merge_release(&merge);
    mapping_check_equal(world.record.data, "{\"id\":\"u1\",\"name\":\"C\",\"phone\":\"2\"}", "both");
}
END_TEST

/* ── tombstones ── */

START_TEST(a_delete_leaves_a_tombstone_with_its_data)
{
    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    ck_assert(world_advance(&world, DELETE("bizosaas", 2, 10)));
    ck_assert(world.record.deleted);
    ck_assert_int_eq(world.record.version, 2);
    mapping_check_equal(world.record.data, "{\"id\":\"u1\",\"name\":\"A\"}", "data stays");
}
END_TEST

START_TEST(a_delete_of_the_unknown_is_a_tombstone_too)
{
    ck_assert(world_advance(&world, DELETE("bizoholic", 5, 10)));
    ck_assert(world.record.exists && world.record.deleted);
    ck_assert(
        world_advance(&world, CREATE("bizoholic", 4, 0, "{\"name\":\"A\"}"))); /* its create, handled late */
    ck_assert(world.record.deleted);
    mapping_check_equal(json_get(world.record.data, "name"), "\"A\"", "known, and gone");
}
END_TEST

START_TEST(a_later_change_revives_and_an_earlier_one_does_not)
{
    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    world_advance(&world, DELETE("bizoholic", 3, 100));
    world_advance(&world, UPDATE("bizosaas", 2, 50, "{\"name\":\"B\"}"));
    ck_assert(world.record.deleted);
    ck_assert(world_advance(&world, CREATE("bizosaas", 4, 200, "{\"name\":\"B\"}")));
    ck_assert(!world.record.deleted);
}
END_TEST

START_TEST(a_delete_that_is_handled_after_a_later_change_deletes_nothing)
{
    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    world_advance(&world, UPDATE("bizoholic", 3, 200, "{\"phone\":\"1\"}"));
    ck_assert(!world_advance(&world, DELETE("bizoholic", 2, 100)));
    ck_assert(!world.record.deleted);
    ck_assert(!world_advance(&world, DELETE("bizosaas", 4, 150)));
    ck_assert(!world.record.deleted);
    ck_assert(world_advance(&world, DELETE("bizosaas", 5, 201)));
    ck_assert(world.record.deleted);
}
END_TEST

START_TEST(what_brought_a_record_back_outlives_earlier_deletes_although_no_field_changed)
{
    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    world_advance(&world, DELETE("bizoholic", 2, 100));
    ck_assert(world_advance(&world, UPDATE("bizoholic", 4, 300, "{\"name\":\"A\"}")));
    ck_assert(!world_advance(&world, DELETE("bizosaas", 3, 200)));
    ck_assert(!world.record.deleted);
}
END_TEST

/* ── time ── */

#define NOT_GIVEN INT64_MIN

static const struct {
    int64_t occurred_ms;
    const char *data;
    int64_t time_ms;
} times[] = {
    {NOT_GIVEN, "{}", T0},
    {T0 - 1000, "{}", T0 - 1000},
    {T0 - 59999, "{}", T0 - 59999},
    {T0 - 60000, "{}", T0},
    {T0, "{}", T0},
    {T0 + 1, "{}", T0},
    {T0 - 7200000, "{}", T0},
    {NOT_GIVEN, "{\"updated_at\":\"2023-11-14T22:13:19Z\"}", T0 - 1000},
    {NOT_GIVEN, "{\"updated_at\":\"2023-11-14T20:13:19Z\"}", T0},
    {NOT_GIVEN, "{\"updated_at\":\"yesterday\"}", T0},
    {NOT_GIVEN, "{\"updated_at\":12}", T0},
    {T0 - 5000, "{\"updated_at\":\"2023-11-14T22:13:19Z\"}", T0 - 5000},
    {T0 - 7200000, "{\"updated_at\":\"2023-11-14T22:13:19Z\"}",
     T0}, /* what was said first is wrong by hours */
};

START_TEST(a_platforms_clock_counts_only_within_a_minute_before_acceptance)
{
    struct json *data = mapping_parse(times[_i].data);

    ck_assert_int_eq(merge_time_ms(T0, times[_i].occurred_ms, data), times[_i].time_ms);
    ck_assert_int_eq(merge_time_ms(T0, NOT_GIVEN, NULL), T0);
    json_free(data);
}
END_TEST

START_TEST(a_copy_shares_nothing)
{
    struct record copy;

    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    record_copy(&copy, &world.record);
    world_advance(&world, UPDATE("bizoholic", 2, 1, "{\"name\":\"B\"}"));
    mapping_check_equal(copy.data, "{\"id\":\"u1\",\"name\":\"A\"}", "data");
    mapping_check_equal(copy.vector, "{\"bizoholic\":1}", "vector");
    ck_assert_int_eq(copy.version, 1);
    record_release(&copy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge");
    TCase *tests = tcase_create("merge");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, the_first_change_makes_version_1_with_the_records_own_id);
    tcase_add_test(tests, a_change_without_a_difference_makes_no_version);
    tcase_add_test(tests, an_empty_create_makes_a_version_once);
    tcase_add_test(tests, each_platform_counts_its_own_changes);
    tcase_add_test(tests, an_absent_field_is_untouched_and_null_clears);
    tcase_add_loop_test(tests, the_later_change_stays_in_whichever_order_they_are_handled, 0, COUNT(pairs));
    tcase_add_test(tests, a_value_said_again_outlasts_what_its_platform_said_in_between);
    tcase_add_test(tests, fields_that_only_one_side_touched_merge_silently);
    tcase_add_test(tests, a_delete_leaves_a_tombstone_with_its_data);
    tcase_add_test(tests, a_delete_of_the_unknown_is_a_tombstone_too);
    tcase_add_test(tests, a_later_change_revives_and_an_earlier_one_does_not);
    tcase_add_test(tests, a_delete_that_is_handled_after_a_later_change_deletes_nothing);
    tcase_add_test(tests, what_brought_a_record_back_outlives_earlier_deletes_although_no_field_changed);
    tcase_add_loop_test(tests, a_platforms_clock_counts_only_within_a_minute_before_acceptance, 0,
                        COUNT(times));
    tcase_add_test(tests, a_copy_shares_nothing);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
