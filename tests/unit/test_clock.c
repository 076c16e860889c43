/* test_clock.c: the three times. */
#include <check.h>

#include "clock.h"
#include "mem.h"

START_TEST(a_frozen_clock_stands_until_it_is_moved)
{
    clock_freeze(500, 1700000000000);
    ck_assert_int_eq(clock_mono_ms(), 500);
    ck_assert_int_eq(clock_mono_us(), 500000);
    ck_assert_int_eq(clock_wall_ms(), 1700000000000);
    ck_assert_int_eq(clock_wall_us(), 1700000000000000);
    clock_freeze(501, 1700000000009);
    ck_assert_int_eq(clock_mono_ms(), 501);
    ck_assert_int_eq(clock_wall_ms(), 1700000000009);
}
END_TEST

START_TEST(a_negative_time_lets_the_clock_run_again)
{
    clock_freeze(1, 1);
    clock_freeze(-1, 0);
    int64_t before_us = clock_mono_us();
    while (clock_mono_us() == before_us)
        continue;
    ck_assert_int_gt(clock_mono_us(), before_us);
    ck_assert_int_gt(clock_wall_ms(), 1700000000000);
}
END_TEST

START_TEST(database_time_is_wall_time_with_the_offset_learnt)
{
    clock_freeze(1, 1000000);
    clock_set_db_offset_ms(-2500);
    ck_assert_int_eq(clock_db_offset_ms(), -2500);
    ck_assert_int_eq(clock_db_ms(), 997500);
    clock_set_db_offset_ms(300);
    ck_assert_int_eq(clock_db_ms(), 1000300);
}
END_TEST

START_TEST(database_time_stands_while_wall_time_or_offset_step_back)
{
    clock_freeze(1, 1000000);
    clock_set_db_offset_ms(50);
    ck_assert_int_eq(clock_db_ms(), 1000050);
    clock_set_db_offset_ms(-50);
    ck_assert_int_eq(clock_db_ms(), 1000050);
    clock_freeze(2, 400);
    ck_assert_int_eq(clock_db_ms(), 1000050);
    clock_freeze(3, 1000101);
    ck_assert_int_eq(clock_db_ms(), 1000051);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *tests = tcase_create("clock");
    tcase_add_test(tests, a_frozen_clock_stands_until_it_is_moved);
    tcase_add_test(tests, a_negative_time_lets_the_clock_run_again);
    tcase_add_test(tests, database_time_is_wall_time_with_the_offset_learnt);
    tcase_add_test(tests, database_time_stands_while_wall_time_or_offset_step_back);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
