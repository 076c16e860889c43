/* test_merge_order.c: changes of one record, handled in every order: priorities decide when, never what wins. */
#include "merge.h"
#include "merge_world_fixture.h"

#define CHANGES 5

static uint64_t random_state;

static unsigned below(unsigned limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % limit;
}

static const char *const platforms[] = {"bizoholic", "bizosaas", "coreldove"};
static const char *const fields[] = {"name", "phone", "city"};

/* What everybody had seen: version 1. Values differ from each other, or say often the same: an equal one is no conflict. No
 * platform's clock runs backwards. */
static void make_changes(struct step steps[CHANGES], struct buf texts[CHANGES], bool equal, bool deletes)
{
    int64_t clocks[3] = {below(50), below(50), below(50)};

    for (int i = 0; i < CHANGES; i++) {
        unsigned platform = below(3), first = below(3);
        clocks[platform] += 1 + below(40);
        steps[i] = (struct step){platforms[platform], VERB_UPDATE, i + 2, clocks[platform], NULL, 1};
        if (deletes && below(5) == 0)
            steps[i].verb = VERB_DELETE;
        buf_addf(&texts[i], "{\"%s\":\"a%u\",\"%s\":\"b%u\"}", fields[first], equal ? below(2) : (unsigned)i,
                 fields[(first + 1) % 3], equal ? below(2) : (unsigned)i);
        steps[i].data = texts[i].data;
    }
}

/* decide_every: after so many changes each, the contests that wait are decided; and at the end. */
static void play(const struct step steps[CHANGES], const unsigned order[CHANGES], unsigned decide_every,
                 struct buf *result)
{
    struct world world;

    world_init(&world);
    world_step(&world, (struct step){"bizoholic", VERB_CREATE, 1, 0,
                                     "{\"name\":\"n\",\"phone\":\"p\",\"city\":\"c\"}", 0});
    for (unsigned i = 0; i < CHANGES; i++) {
        world_step(&world, steps[order[i]]);
        if (decide_every && i % decide_every == 0)
            world_decide(&world);
    }
    world_decide(&world);
    world_write(&world, result);
    world_release(&world);
}

/* Of one platform in the order of acceptance: a value that it took back is known only then. */
static void shuffle(const struct step steps[CHANGES], unsigned order[CHANGES], bool within)
{
    for (unsigned i = CHANGES - 1; i > 0; i--) {
        unsigned j = below(i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (unsigned i = 0; !within && i < CHANGES; i++)
        for (unsigned j = i + 1; j < CHANGES; j++)
            if (order[j] < order[i] && strcmp(steps[order[j]].platform, steps[order[i]].platform) == 0) {
                unsigned kept = order[i];
                order[i] = order[j];
                order[j] = kept;
            }
}

static void check_orders(bool equal, bool deletes, bool within)
{
    struct step steps[CHANGES];
    struct buf texts[CHANGES] = {BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT}, expected = BUF_INIT;
    unsigned order[CHANGES] = {0, 1, 2, 3, 4};

    make_changes(steps, texts, equal, deletes);
    play(steps, order, 0, &expected);
    for (int i = 0; i < 30; i++) {
        struct buf is = BUF_INIT;
        unsigned decide_every = below(4);
        shuffle(steps, order, within);
        play(steps, order, decide_every, &is);
        if (strcmp(is.data, expected.data) != 0)
            for (int k = 0; k < CHANGES; k++)
                printf("%d: %s %s at %lld %s\n", k, steps[k].platform,
                       steps[k].verb == VERB_DELETE ? "deletes" : "", (long long)steps[k].at_ms,
                       steps[k].data);
        ck_assert_msg(strcmp(is.data, expected.data) == 0,
                      "order %u%u%u%u%u, decided every %u, gives %s, in order of seq %s", order[0], order[1],
                      order[2], order[3], order[4], decide_every, is.data, expected.data);
        buf_release(&is);
    }
    for (int i = 0; i < CHANGES; i++)
        buf_release(&texts[i]);
    buf_release(&expected);
}

START_TEST(every_order_of_handling_ends_with_the_same_record)
{
    random_state = (uint64_t)_i + 1;
    for (int round = 0; round < 20; round++)
        check_orders(false, false, true);
}
END_TEST

START_TEST(equal_values_are_sides_too)
{
    random_state = (uint64_t)_i + 101;
    for (int round = 0; round < 20; round++)
        check_orders(true, false, false);
}
END_TEST

START_TEST(deletions_in_every_order_end_the_same)
{
    random_state = (uint64_t)_i + 201;
    for (int round = 0; round < 20; round++)
        check_orders(false, true, true);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge_order");
    TCase *tests = tcase_create("merge_order");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, mapping_load, mapping_unload);
    tcase_add_loop_test(tests, every_order_of_handling_ends_with_the_same_record, 0, 10);
    tcase_add_loop_test(tests, equal_values_are_sides_too, 0, 10);
    tcase_add_loop_test(tests, deletions_in_every_order_end_the_same, 0, 10);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
