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

static bool advance(struct step step)
{
    struct merge merge;
    bool advanced;

    world_apply(&world, &step, &merge);
    advanced = merge.advanced;
    merge_release(&merge);
    world_decide(&world);
    return advanced;
}

#define CREATE(platform, seq, at, data)         \
    (struct step)                               \
    {                                           \
        platform, VERB_CREATE, seq, at, data, 0 \
    }
#define UPDATE(platform, seq, at, data)         \
    (struct step)                               \
    {                                           \
        platform, VERB_UPDATE, seq, at, data, 0 \
    }
#define DELETE(platform, seq, at)               \
    (struct step)                               \
    {                                           \
        platform, VERB_DELETE, seq, at, "{}", 0 \
    }

START_TEST(the_first_change_makes_version_1_with_the_records_own_id)
{
    ck_assert(advance(CREATE("bizoholic", 1, 0, "{\"id\":\"theirs\",\"name\":\"A\"}")));
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
    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\",\"age\":5}"));
    ck_assert(!advance(UPDATE("bizosaas", 2, 10, "{\"name\":\"A\",\"age\":5.0}")));
    ck_assert_int_eq(world.record.version, 1);
    mapping_check_equal(world.record.vector, "{\"bizoholic\":1}", "vector");
}
END_TEST

START_TEST(an_empty_create_makes_a_version_once)
{
    ck_assert(advance(CREATE("bizoholic", 1, 0, "{}")));
    ck_assert(!advance(UPDATE("bizoholic", 2, 1, "{}")));
    ck_assert_int_eq(world.record.version, 1);
}
END_TEST

START_TEST(each_platform_counts_its_own_changes)
{
    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    advance(UPDATE("bizosaas", 2, 10, "{\"phone\":\"1\"}"));
    advance(UPDATE("bizoholic", 3, 20, "{\"name\":\"B\"}"));
    ck_assert_int_eq(world.record.version, 3);
    mapping_check_equal(world.record.vector, "{\"bizoholic\":2,\"bizosaas\":1}", "vector");
    mapping_check_equal(json_get(json_get(world.record.notes, "phone"), "v"), "2", "version of the note");
}
END_TEST

START_TEST(an_absent_field_is_untouched_and_null_clears)
{
    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\",\"phone\":\"1\"}"));
    ck_assert(advance(UPDATE("bizoholic", 2, 10, "{\"phone\":null}")));
    mapping_check_equal(world.record.data, "{\"id\":\"u1\",\"name\":\"A\",\"phone\":null}", "cleared");
    ck_assert(!advance(
        UPDATE("bizoholic", 3, 20, "{\"phone\":null,\"fax\":null}")));   /* was cleared; was never there */
    ck_assert(!advance(UPDATE("bizoholic", 1, 0, "{\"phone\":\"1\"}"))); /* older than what cleared it */
    ck_assert(advance(UPDATE("bizoholic", 4, 30, "{\"phone\":\"2\"}")));
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

    advance(pair->a);
    advance(pair->b);
    ck_assert(json_equal(json_get(world.record.data, "name"), expected));
    if (json_get(sent_a, "name") && json_get(sent_b, "name") && pair->b.base == 0) {
        world_release(&world);
        world_init(&world);
        advance(pair->b);
        advance(pair->a);
        ck_assert(json_equal(json_get(world.record.data, "name"), expected));
    }
    json_free(sent_a);
    json_free(sent_b);
}
END_TEST

START_TEST(fields_that_only_one_side_touched_merge_silently)
{
    struct merge merge;

    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\",\"phone\":\"1\"}"));
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

/* ── concurrent changes ── */

#define SIDES(base, held, sent) \
    "[{\"field\":\"name\"," base "\"base_known\":true,\"sides\":[" held "," sent "]}]"
#define HELD "{\"o\":\"bizoholic\",\"t\":1700000000000,\"s\":1,\"v\":1,\"x\":\"A\"}"

static const struct {
    struct step held, sent;
    const char *contested; /* NULL: none */
} contests[] = {
    /* not seen: contested, however far apart in time */
    {{"bizoholic", VERB_CREATE, 1, 0, "{\"name\":\"A\"}", 0},
     {"bizosaas", VERB_UPDATE, 2, 900000, "{\"name\":\"B\"}", 0},
     SIDES("", HELD, "{\"o\":\"bizosaas\",\"t\":1700000900000,\"s\":2,\"v\":2,\"b\":0,\"x\":\"B\"}")},
    {{"bizoholic", VERB_CREATE, 1, 0, "{\"name\":\"A\"}", 0},
     {"bizosaas", VERB_UPDATE, 2, -5, "{\"name\":null}", 0},
     NULL}, /* cleared what it did not have */
    /* its own, seen, equal, another field */
    {{"bizoholic", VERB_CREATE, 1, 0, "{\"name\":\"A\"}", 0},
     {"bizoholic", VERB_UPDATE, 2, 10, "{\"name\":\"B\"}", 0},
     NULL},
    {{"bizoholic", VERB_CREATE, 1, 0, "{\"name\":\"A\"}", 0},
     {"bizosaas", VERB_UPDATE, 2, 10, "{\"name\":\"B\"}", 1},
     NULL},
    {{"bizoholic", VERB_CREATE, 1, 0, "{\"name\":\"A\"}", 0},
     {"bizosaas", VERB_UPDATE, 2, 10, "{\"name\":\"A\"}", 0},
     NULL},
    {{"bizoholic", VERB_CREATE, 1, 0, "{\"name\":\"A\"}", 0},
     {"bizosaas", VERB_UPDATE, 2, 10, "{\"phone\":\"1\"}", 0},
     NULL},
};

START_TEST(what_had_not_been_seen_is_contested_with_all_sides)
{
    struct merge merge;

    advance(contests[_i].held);
    world_apply(&world, &contests[_i].sent, &merge);
    mapping_check_equal(merge.contested, contests[_i].contested ? contests[_i].contested : "[]", "contested");
    merge_release(&merge);
}
END_TEST

static bool withholds(const char *field, const char *platform)
{
    struct json_iter iter = {0};
    const struct json *value;
    const char *name;
    bool present, found = false;

    while (merge_next_withheld(world.record.notes, &iter, platform, world.record.version, &name, &value,
                               &present))
        found |= strcmp(name, field) == 0;
    return found;
}

START_TEST(what_is_contested_keeps_its_value_and_is_withheld_from_the_sides_until_decided)
{
    struct merge merge;

    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\",\"phone\":\"1\"}"));
    world_apply(&world, &UPDATE("bizosaas", 2, 10, "{\"name\":\"B\",\"phone\":\"1\"}"), &merge);
    ck_assert(merge.advanced);
    mapping_check_equal(merge.changed, "[]", "changed");
    merge_release(&merge);
    mapping_check_equal(json_get(world.record.data, "name"), "\"A\"", "value");
    ck_assert(withholds("name", "bizoholic"));
    ck_assert(withholds("name", "bizosaas"));
    ck_assert(!withholds("name", "coreldove"));
    ck_assert(!withholds("phone", "bizoholic"));
    world_decide(&world);
    mapping_check_equal(json_get(world.record.data, "name"), "\"B\"", "decided");
    ck_assert(!withholds("name", "bizoholic"));
}
END_TEST

/* The base is what both had seen: here 5, after the platform's own 10 → 5 that the other had been sent. */
START_TEST(the_base_is_the_last_that_all_sides_had_seen)
{
    struct merge merge;

    advance(CREATE("bizoholic", 1, 0, "{\"stock\":10}"));
    world_step(&world, (struct step){"bizoholic", VERB_UPDATE, 2, 10, "{\"stock\":5}", 1});
    world_step(&world, (struct step){"bizoholic", VERB_UPDATE, 3, 20, "{\"stock\":4}", 1});
    world_apply(&world, &(struct step){"bizosaas", VERB_UPDATE, 4, 30, "{\"stock\":3}", 2}, &merge);
    mapping_check_equal(json_get(json_at(merge.contested, 0), "base"), "5", "base");
    merge_release(&merge);
    world_apply(&world, &(struct step){"coreldove", VERB_UPDATE, 5, 30, "{\"stock\":9}", 1}, &merge);
    mapping_check_equal(json_get(json_at(merge.contested, 0), "base"), "10", "base of three");
    ck_assert_uint_eq(json_count(json_get(json_at(merge.contested, 0), "sides")), 3);
    mapping_check_equal(merge.settled, "[{\"field\":\"stock\",\"event\":\"e4\"}]", "taken in");
    merge_release(&merge);
}
END_TEST

START_TEST(an_automatic_decision_is_made_again_when_another_side_comes)
{
    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    advance(UPDATE("bizosaas", 2, 20, "{\"name\":\"B\"}"));
    mapping_check_equal(json_get(world.record.data, "name"), "\"B\"", "decided");
    world_step(&world, (struct step){"coreldove", VERB_UPDATE, 3, 30, "{\"name\":\"C\"}", 1});
    ck_assert_uint_eq(json_count(json_get(json_at(world.open, 0), "sides")), 2); /* it had seen A */
    world_decide(&world);
    mapping_check_equal(json_get(world.record.data, "name"), "\"C\"", "decided again");
    world_step(&world,
               (struct step){"bizoholic", VERB_UPDATE, 4, 0, "{\"name\":\"D\"}", world.record.version});
    ck_assert_uint_eq(json_count(world.open), 0); /* it had seen the decision */
    mapping_check_equal(json_get(world.record.data, "name"), "\"D\"", "seen");
}
END_TEST

START_TEST(a_late_side_against_a_persons_decision_is_a_new_contest_of_the_two)
{
    struct merge merge;
    struct json *data = mapping_parse("{\"name\":\"Both\"}");
    struct change decision = {.entity = ENTITY_USER,
                              .verb = VERB_UPDATE,
                              .entity_id = "u1",
                              .event_id = "d",
                              .seq = 3,
                              .time_ms = T0 + 50,
                              .data = data,
                              .decides = "e2",
                              .knows_all = true};

    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    world_step(&world, UPDATE("bizosaas", 2, 20, "{\"name\":\"B\"}"));
    world_change(&world, &decision, &merge);
    mapping_check_equal(merge.changed, "[\"name\"]", "decided");
    merge_release(&merge);
    world_apply(&world, &(struct step){"coreldove", VERB_UPDATE, 4, 30, "{\"name\":\"C\"}", 1}, &merge);
    mapping_check_equal(json_get(json_at(merge.contested, 0), "sides"),
                        "[{\"o\":\"service\",\"t\":1700000000050,\"s\":3,\"v\":3,\"b\":0,\"x\":\"Both\"},"
                        "{\"o\":\"coreldove\",\"t\":1700000000030,\"s\":4,\"v\":4,\"b\":1,\"x\":\"C\"}]",
                        "sides");
    merge_release(&merge);
    world_apply(&world, &(struct step){"bizosaas", VERB_UPDATE, 1, 5, "{\"name\":\"Late\"}", 1}, &merge);
    ck_assert(!merge.advanced && !merge.noted); /* its platform had its later word decided upon */
    merge_release(&merge);
    json_free(data);
}
END_TEST

START_TEST(a_decision_about_what_another_contest_has_replaced_changes_nothing)
{
    struct merge merge;
    struct json *data = mapping_parse("{\"name\":\"B\"}");
    struct change decision = {.entity = ENTITY_USER,
                              .verb = VERB_UPDATE,
                              .entity_id = "u1",
                              .event_id = "d",
                              .seq = 9,
                              .time_ms = T0,
                              .data = data,
                              .decides = "e2"};

    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    world_step(&world, UPDATE("bizosaas", 2, 20, "{\"name\":\"B\"}"));
    world_step(&world, UPDATE("coreldove", 3, 30, "{\"name\":\"C\"}"));
    world_change(&world, &decision, &merge);
    ck_assert(!merge.advanced && !merge.noted);
    merge_release(&merge);
    json_free(data);
}
END_TEST

/* ── tombstones ── */

START_TEST(a_delete_leaves_a_tombstone_with_its_data)
{
    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    ck_assert(advance(DELETE("bizosaas", 2, 10)));
    ck_assert(world.record.deleted);
    ck_assert_int_eq(world.record.version, 2);
    mapping_check_equal(world.record.data, "{\"id\":\"u1\",\"name\":\"A\"}", "data stays");
}
END_TEST

START_TEST(a_delete_of_the_unknown_is_a_tombstone_too)
{
    ck_assert(advance(DELETE("bizoholic", 5, 10)));
    ck_assert(world.record.exists && world.record.deleted);
    ck_assert(advance(CREATE("bizoholic", 4, 0, "{\"name\":\"A\"}"))); /* its create, handled late */
    ck_assert(world.record.deleted);
    mapping_check_equal(json_get(world.record.data, "name"), "\"A\"", "known, and gone");
}
END_TEST

START_TEST(a_later_change_revives_and_an_earlier_one_does_not)
{
    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    advance(DELETE("bizoholic", 3, 100));
    advance(UPDATE("bizosaas", 2, 50, "{\"name\":\"B\"}"));
    ck_assert(world.record.deleted);
    ck_assert(advance(CREATE("bizosaas", 4, 200, "{\"name\":\"B\"}")));
    ck_assert(!world.record.deleted);
}
END_TEST

START_TEST(a_delete_that_is_handled_after_a_later_change_deletes_nothing)
{
    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    advance(UPDATE("bizoholic", 3, 200, "{\"phone\":\"1\"}"));
    ck_assert(!advance(DELETE("bizoholic", 2, 100)));
    ck_assert(!world.record.deleted);
    ck_assert(!advance(DELETE("bizosaas", 4, 150)));
    ck_assert(!world.record.deleted);
    ck_assert(advance(DELETE("bizosaas", 5, 201)));
    ck_assert(world.record.deleted);
}
END_TEST

START_TEST(what_brought_a_record_back_outlives_earlier_deletes_although_no_field_changed)
{
    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    advance(DELETE("bizoholic", 2, 100));
    ck_assert(advance(UPDATE("bizoholic", 4, 300, "{\"name\":\"A\"}")));
    ck_assert(!advance(DELETE("bizosaas", 3, 200)));
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

    advance(CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    record_copy(&copy, &world.record);
    advance(UPDATE("bizoholic", 2, 1, "{\"name\":\"B\"}"));
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
    tcase_add_test(tests, fields_that_only_one_side_touched_merge_silently);
    tcase_add_loop_test(tests, what_had_not_been_seen_is_contested_with_all_sides, 0, COUNT(contests));
    tcase_add_test(tests, what_is_contested_keeps_its_value_and_is_withheld_from_the_sides_until_decided);
    tcase_add_test(tests, the_base_is_the_last_that_all_sides_had_seen);
    tcase_add_test(tests, an_automatic_decision_is_made_again_when_another_side_comes);
    tcase_add_test(tests, a_late_side_against_a_persons_decision_is_a_new_contest_of_the_two);
    tcase_add_test(tests, a_decision_about_what_another_contest_has_replaced_changes_nothing);
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
