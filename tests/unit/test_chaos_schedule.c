/* test_chaos_schedule.c: what strikes when in tests/chaos depends on the seed alone. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/chaos/schedule.h"

#define MINUTES_MS (20 * 60000)

static struct schedule schedules[4]; /* freed behind each test */
static char *texts[4];
static size_t schedule_count, text_count;

static struct schedule drawn_for(int64_t span_ms, uint64_t seed, unsigned replicas, const char *only)
{
    struct schedule *schedule = &schedules[schedule_count++];

    schedule_draw(schedule, seed, span_ms, replicas, only);
    return *schedule;
}

static struct schedule drawn(uint64_t seed, unsigned replicas, const char *only)
{
    struct schedule schedule = drawn_for(MINUTES_MS, seed, replicas, only);

    ck_assert_uint_gt(schedule.count, 200);
    return schedule;
}

static const char *text_of(const struct schedule *schedule)
{
    char **text = &texts[text_count++];
    size_t size;
    FILE *out = open_memstream(text, &size);

    schedule_write(schedule, out);
    fclose(out);
    return *text;
}

static void tear_down(void)
{
    while (schedule_count > 0)
        schedule_free(&schedules[--schedule_count]);
    while (text_count > 0)
        free(texts[--text_count]);
}

START_TEST(a_seed_draws_the_same_schedule_each_time)
{
    struct schedule one = drawn(7, 2, NULL), same = drawn(7, 2, NULL), other = drawn(8, 2, NULL);

    ck_assert_str_eq(text_of(&one), text_of(&same));
    ck_assert_str_ne(text_of(&one), text_of(&other));
}
END_TEST

START_TEST(a_longer_run_begins_as_a_shorter_one)
{
    struct schedule shorter = drawn_for(60000, 7, 1, NULL), longer = drawn(7, 1, NULL);
    const char *text = text_of(&shorter);

    ck_assert_int_eq(strncmp(text_of(&longer), text, strlen(text)), 0);
}
END_TEST

START_TEST(an_object_is_struck_once_at_a_time_and_at_most_two_are)
{
    struct schedule schedule = drawn(3, 2, NULL);

    for (size_t i = 0; i < schedule.count; i++) {
        unsigned together = 0;
        for (size_t before = 0; before < i; before++) {
            const struct fault *a = &schedule.faults[before], *b = &schedule.faults[i];
            if (a->at_ms + a->for_ms < b->at_ms)
                continue;
            together++;
            ck_assert_msg(strcmp(a->object, b->object) != 0, "%s is struck twice at %lld", b->object,
                          (long long)b->at_ms);
        }
        ck_assert_uint_lt(together, 2);
    }
}
END_TEST

START_TEST(every_kind_comes_up_and_second_replicas_only_where_there_are_some)
{
    struct schedule two = drawn(5, 2, NULL), one = drawn(5, 1, NULL);
    const char *text = text_of(&two);

    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++)
        ck_assert_msg(strstr(text, fault_kind_name((enum fault_kind)kind)), "no %s",
                      fault_kind_name((enum fault_kind)kind));
    ck_assert(strstr(text, "router-2") != NULL);
    ck_assert(strstr(text_of(&one), "-2 ") == NULL);
}
END_TEST

START_TEST(only_what_was_asked_for_strikes)
{
    struct schedule schedule = drawn(5, 1, "cut,stop");

    for (size_t i = 0; i < schedule.count; i++)
        ck_assert(schedule.faults[i].kind == FAULT_CUT || schedule.faults[i].kind == FAULT_STOP);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chaos_schedule");
    TCase *tcase = tcase_create("chaos_schedule");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, a_seed_draws_the_same_schedule_each_time);
    tcase_add_test(tcase, a_longer_run_begins_as_a_shorter_one);
    tcase_add_test(tcase, an_object_is_struck_once_at_a_time_and_at_most_two_are);
    tcase_add_test(tcase, every_kind_comes_up_and_second_replicas_only_where_there_are_some);
    tcase_add_test(tcase, only_what_was_asked_for_strikes);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
