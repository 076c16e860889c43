/* test_share.c: how the window of one platform is divided among replicas, lent and given back; test_share_state.c has the rest. */
#include "../../worker/share.h"
#include "share_fixture.h"

static unsigned lent(void)
{
    unsigned sum = 0;

    for (size_t i = 0; i < share.replica_count; i++)
        sum += share.replicas[i].lent;
    return sum;
}

/* ── dividing ── */

static const struct {
    unsigned total, count, needs[4], slots[4];
} divisions[] = {
    {12, 3, {50, 50, 50}, {4, 4, 4}}, {12, 3, {50, 2, 50}, {5, 2, 5}},
    {12, 3, {50, 0, 0}, {10, 1, 1}},  {12, 2, {0, 0}, {6, 6}},
    {100, 2, {90, 20}, {80, 20}},     {3, 3, {9, 0, 9}, {1, 1, 1}},
    {2, 3, {9, 9, 0}, {1, 1, 0}},     {10, 1, {3}, {10}},
    {1, 2, {0, 5}, {0, 1}},           {100, 4, {1, 1, 1, 1}, {25, 25, 25, 25}},
};

START_TEST(slots_go_to_who_needs_them_and_each_has_one_while_there_are_enough)
{
    unsigned slots[4];

    share_divide(divisions[_i].total, divisions[_i].needs, slots, divisions[_i].count, START_MS);
    for (unsigned i = 0; i < divisions[_i].count; i++)
        ck_assert_msg(slots[i] == divisions[_i].slots[i], "replica %u: %u instead of %u", i, slots[i],
                      divisions[_i].slots[i]);
}
END_TEST

START_TEST(a_division_gives_all_away_and_never_more)
{
    srand(7);
    for (int round = 0; round < 20000; round++) {
        unsigned needs[SHARE_REPLICAS_MAX], slots[SHARE_REPLICAS_MAX], sum = 0;
        unsigned count = 1 + (unsigned)rand() % SHARE_REPLICAS_MAX, total = (unsigned)rand() % 300;
        for (unsigned i = 0; i < count; i++)
            needs[i] = rand() % 3 ? (unsigned)rand() % 100 : 0;
        share_divide(total, needs, slots, count, START_MS + round * 137);
        for (unsigned i = 0; i < count; i++)
            sum += slots[i];
        ck_assert_uint_le(sum, total);
        if (total >= count)
            ck_assert_uint_eq(sum, total);
    }
}
END_TEST

START_TEST(fewer_slots_than_replicas_go_round_second_by_second)
{
    unsigned needs[] = {5, 5, 5}, slots[3], had[3] = {0};

    for (int second = 0; second < 3; second++) {
        share_divide(1, needs, slots, 3, START_MS + second * 1000);
        ck_assert_uint_eq(slots[0] + slots[1] + slots[2], 1);
        for (int i = 0; i < 3; i++)
            had[i] += slots[i];
    }
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(had[i], 1);
}
END_TEST

/* ── lending ── */

START_TEST(alone_it_has_the_whole_window)
{
    struct share_slice slice = step("a", 3);

    ck_assert(slice.alone);
    ck_assert_uint_eq(slice.slots, WINDOW_MAX);
    ck_assert_uint_eq((unsigned)slice.window, 10);
}
END_TEST

START_TEST(who_joins_gets_nothing_until_the_other_has_given_back)
{
    step("a", 50);
    struct share_slice b = step("b", 50);
    ck_assert(!b.alone);
    ck_assert_uint_eq(b.slots, 0);
    struct share_slice a = step("a", 50);
    ck_assert(!a.alone);
    ck_assert_uint_eq(a.slots, 5);
    ck_assert_uint_eq(step("b", 50).slots, 5);
    ck_assert_uint_eq(lent(), 10);
}
END_TEST

START_TEST(what_is_still_in_flight_is_not_lent_to_another)
{
    struct share_report busy = report_of("a", 10);
    struct share_slice slice;

    step("a", 10);
    step("b", 10);
    busy.in_flight = 8;
    share_step(&share, &busy, now, &slice);
    ck_assert_uint_eq(slice.slots, 5);
    ck_assert_uint_eq(step("b", 10).slots, 2);
}
END_TEST

START_TEST(all_together_never_have_more_than_the_window)
{
    static const char *const owners[] = {"a", "b", "c", "d"};
    unsigned slots[COUNT(owners)] = {0}, flight[COUNT(owners)] = {0};

    srand(11);
    step("a", 5), step("b", 5), step("c", 5), step("d", 5);
    for (int i = 0; i < COUNT(owners); i++)
        slots[i] = step(owners[i], 5).slots;
    for (int round = 0; round < 20000; round++) {
        int i = rand() % COUNT(owners);
        struct share_report report = report_of(owners[i], (unsigned)rand() % 30);
        struct share_slice slice;
        now += rand() % 200;
        for (int k = 0; k < COUNT(owners); k++) /* they start and end what they may */
            flight[k] = slots[k] > 0 && rand() % 2 ? (unsigned)rand() % (slots[k] + 1) : flight[k];
        report.in_flight = flight[i];
        for (int k = 0; k < COUNT(owners); k++)
            if (k != i) /* nobody is silent for long */
                share.replicas[k].until_ms = now + LIFE_MS;
        share_step(&share, &report, now, &slice);
        slots[i] = slice.slots;
        ck_assert_uint_eq((unsigned)slice.window, 10);
        ck_assert_uint_le(flight[0] + flight[1] + flight[2] + flight[3], 10);
        ck_assert_uint_le(lent(), 10);
    }
}
END_TEST

START_TEST(what_a_dead_replica_had_comes_back)
{
    step("a", 50), step("b", 50), step("a", 50), step("b", 50);
    for (int i = 0; i < 10; i++) {
        now += LIFE_MS / 10;
        ck_assert_uint_eq(step("a", 50).slots, i < 9 ? 5 : WINDOW_MAX);
    }
    ck_assert_uint_eq(share.replica_count, 1);
}
END_TEST

START_TEST(who_leaves_gives_back_at_once)
{
    struct share_report leaving = report_of("b", 0);
    struct share_slice slice;

    step("a", 50), step("b", 50), step("a", 50), step("b", 50);
    leaving.leaving = true;
    share_step(&share, &leaving, now, &slice);
    ck_assert_uint_eq(slice.slots, 0);
    ck_assert(step("a", 50).alone);
}
END_TEST

START_TEST(repeats_of_all_have_a_tenth_of_the_window)
{
    static const char *const owners[] = {"a", "b", "c"};
    unsigned ever = 0;

    share.window = 100;
    for (int second = 0; second < 6; second++, now += 1000) {
        unsigned sum = 0;
        for (int twice = 0; twice < 2; twice++)
            for (int i = 0; i < COUNT(owners); i++)
                step(owners[i], 50);
        for (size_t i = 0; i < share.replica_count; i++)
            sum += share.replicas[i].repeats;
        ck_assert_uint_eq(sum, 10);
    }
    share.window = 9; /* one for all, in turns */
    for (int second = 0; second < 6; second++, now += 1000)
        for (int beat = 0; beat < 2 * COUNT(owners); beat++) {
            unsigned sum = 0, i = (unsigned)beat % COUNT(owners);
            ever |= step(owners[i], 50).repeats << i;
            for (size_t k = 0; k < share.replica_count; k++)
                sum += share.replicas[k].repeats;
            if (second > 0)
                ck_assert_uint_le(sum, 1);
        }
    ck_assert_uint_eq(ever, 7);
}
END_TEST

/* ── the window of all ── */

START_TEST(a_setback_of_one_halves_the_window_of_all_once_a_second)
{
    step("a", 50), step("b", 50), step("a", 50), step("b", 50);
    ck_assert_uint_eq((unsigned)telling("a", (struct gate_news){.shrank = true}).window, 5);
    ck_assert_uint_eq((unsigned)telling("b", (struct gate_news){.shrank = true}).window, 5);
    now += 1000;
    ck_assert_uint_eq((unsigned)telling("b", (struct gate_news){.shrank = true}).window, 2);
    ck_assert_uint_le(step("a", 50).slots + step("b", 50).slots, 2);
}
END_TEST

START_TEST(successes_of_all_let_the_window_grow_and_at_most_double_it)
{
    step("a", 50), step("b", 50), step("a", 50), step("b", 50);
    ck_assert_uint_eq((unsigned)telling("a", (struct gate_news){.earned = 5}).window, 15);
    ck_assert_uint_eq((unsigned)telling("b", (struct gate_news){.earned = 500}).window, 30);
    for (int i = 0; i < 10; i++)
        telling("a", (struct gate_news){.earned = 500});
    ck_assert_uint_eq((unsigned)share.window, WINDOW_MAX);
}
END_TEST

START_TEST(the_window_of_one_that_was_alone_is_kept_when_another_joins)
{
    struct share_report report = report_of("a", 50);
    struct share_slice slice;

    step("a", 50);
    report.alone = true;
    report.news = (struct gate_news){.window = 64, .proven = 80};
    share_step(&share, &report, now, &slice);
    ck_assert_uint_eq(step("b", 50).slots, 0);
    ck_assert_uint_eq(step("a", 50).slots, 32);
    ck_assert_uint_eq(step("b", 50).slots, 32);
}
END_TEST

START_TEST(who_believes_to_be_alone_after_its_time_has_no_word)
{
    struct share_report report = report_of("a", 50);
    struct share_slice slice;

    step("a", 50);
    now += LIFE_MS;
    step("b", 50);
    share.window = 20;
    report.alone = true;
    report.news = (struct gate_news){.window = 64};
    share_step(&share, &report, now, &slice);
    ck_assert_uint_eq((unsigned)share.window, 20);
    ck_assert_uint_eq(slice.slots, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("share");
    TCase *tests = tcase_create("share");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, slots_go_to_who_needs_them_and_each_has_one_while_there_are_enough, 0,
                        COUNT(divisions));
    tcase_add_test(tests, a_division_gives_all_away_and_never_more);
    tcase_add_test(tests, fewer_slots_than_replicas_go_round_second_by_second);
    tcase_add_test(tests, alone_it_has_the_whole_window);
    tcase_add_test(tests, who_joins_gets_nothing_until_the_other_has_given_back);
    tcase_add_test(tests, what_is_still_in_flight_is_not_lent_to_another);
    tcase_add_test(tests, all_together_never_have_more_than_the_window);
    tcase_add_test(tests, what_a_dead_replica_had_comes_back);
    tcase_add_test(tests, who_leaves_gives_back_at_once);
    tcase_add_test(tests, repeats_of_all_have_a_tenth_of_the_window);
    tcase_add_test(tests, a_setback_of_one_halves_the_window_of_all_once_a_second);
    tcase_add_test(tests, successes_of_all_let_the_window_grow_and_at_most_double_it);
    tcase_add_test(tests, the_window_of_one_that_was_alone_is_kept_when_another_joins);
    tcase_add_test(tests, who_believes_to_be_alone_after_its_time_has_no_word);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
