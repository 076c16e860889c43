/* test_lanes.c: whose turn it is, and which of a tenant's works is next. */
#include <check.h>
#include <stdlib.h>

#include "../../worker/lanes.h"
#include "../../worker/worker.h"
#include "mem.h"

#define EACH 500

/* The first half fails, the second does not; how many of the first `count` that are picked are of the second. */
static unsigned healthy_among(unsigned count, bool mixed)
{
    struct work *works = mem_array((size_t)2 * EACH, sizeof *works);
    struct lanes lanes;
    unsigned healthy = 0;

    lanes_init(&lanes);
    for (unsigned i = 0; i < 2 * EACH; i++) {
        works[i].priority = PRIORITY_NORMAL;
        lanes_add(&lanes, &works[i]);
    }
    lanes.mixed = mixed;
    for (unsigned i = 0; i < count; i++)
        healthy += lanes_next(&lanes) >= works + EACH;
    while (lanes_next(&lanes))
        ;
    free(works);
    return healthy;
}

START_TEST(works_are_picked_as_they_came)
{
    ck_assert_uint_eq(healthy_among(EACH, false), 0);
}
END_TEST

START_TEST(in_doubt_what_stands_behind_a_long_stretch_is_among_the_first)
{
    unsigned healthy = healthy_among(8, true);

    ck_assert_uint_ge(healthy, 2);
    ck_assert_uint_le(healthy, 6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lanes");
    TCase *tests = tcase_create("lanes");
    SRunner *runner;

    tcase_add_test(tests, works_are_picked_as_they_came);
    tcase_add_test(tests, in_doubt_what_stands_behind_a_long_stretch_is_among_the_first);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
