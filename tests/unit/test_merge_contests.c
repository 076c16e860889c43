/* test_merge_contests.c: changes that had not seen each other. */
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

    world_advance(&world, contests[_i].held);
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

    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\",\"phone\":\"1\"}"));
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

    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"stock\":10}"));
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
    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    world_advance(&world, UPDATE("bizosaas", 2, 20, "{\"name\":\"B\"}"));
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

    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
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

    world_advance(&world, CREATE("bizoholic", 1, 0, "{\"name\":\"A\"}"));
    world_step(&world, UPDATE("bizosaas", 2, 20, "{\"name\":\"B\"}"));
    world_step(&world, UPDATE("coreldove", 3, 30, "{\"name\":\"C\"}"));
    world_change(&world, &decision, &merge);
    ck_assert(!merge.advanced && !merge.noted);
    merge_release(&merge);
    json_free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge_contests");
    TCase *tests = tcase_create("merge_contests");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, what_had_not_been_seen_is_contested_with_all_sides, 0, COUNT(contests));
    tcase_add_test(tests, what_is_contested_keeps_its_value_and_is_withheld_from_the_sides_until_decided);
    tcase_add_test(tests, the_base_is_the_last_that_all_sides_had_seen);
    tcase_add_test(tests, an_automatic_decision_is_made_again_when_another_side_comes);
    tcase_add_test(tests, a_late_side_against_a_persons_decision_is_a_new_contest_of_the_two);
    tcase_add_test(tests, a_decision_about_what_another_contest_has_replaced_changes_nothing);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
