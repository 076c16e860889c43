/* test_hints.c: how far hints of a tenant may fill a stream, with time as a variable. */
#include <check.h>
#include <stdlib.h>

#include "buf.h"
#include "hints.h"

#define WINDOW 1000
#define SHARE 125

static int64_t limit_after(struct hints *hints, const char *tenant, int count, int64_t now_ms)
{
    int64_t limit = 0;

    while (count-- > 0)
        limit = hints_limit(hints, tenant, now_ms);
    return limit;
}

START_TEST(who_publishes_much_leaves_the_window_to_the_others)
{
    struct hints *hints = hints_new(WINDOW);

    ck_assert_int_eq(limit_after(hints, "much", 500, 1000), WINDOW);
    ck_assert_int_eq(limit_after(hints, "much", 1, 1000), SHARE);
    ck_assert_int_eq(limit_after(hints, "few", 1, 1000), WINDOW);
    hints_free(&hints);
}
END_TEST

START_TEST(who_stops_publishing_has_the_window_again)
{
    struct hints *hints = hints_new(WINDOW);

    ck_assert_int_eq(limit_after(hints, "much", 10000, 1000), SHARE);
    ck_assert_int_eq(limit_after(hints, "much", 1, 1003), SHARE);
    ck_assert_int_eq(limit_after(hints, "much", 1, 1007), WINDOW);
    ck_assert_int_eq(limit_after(hints, "much", 1, 1007), SHARE);
    ck_assert_int_eq(limit_after(hints, "much", 500, 100000), WINDOW);
    ck_assert_int_eq(limit_after(hints, "much", 1, 100000), SHARE);
    hints_free(&hints);
}
END_TEST

START_TEST(time_that_goes_back_gives_nothing)
{
    struct hints *hints = hints_new(WINDOW);

    ck_assert_int_eq(limit_after(hints, "much", 501, 5000), SHARE);
    ck_assert_int_eq(limit_after(hints, "much", 1, 1000), SHARE);
    hints_free(&hints);
}
END_TEST

START_TEST(tenants_without_end_take_no_memory_without_end)
{
    struct hints *hints = hints_new(WINDOW);

    for (int n = 0; n < 20000; n++) {
        struct buf tenant = BUF_INIT;
        buf_addf(&tenant, "tenant-%d", n);
        ck_assert_int_eq(hints_limit(hints, tenant.data, 1000), WINDOW);
        buf_release(&tenant);
    }
    ck_assert_int_eq(limit_after(hints, "tenant-19999", 499, 1000), WINDOW);
    ck_assert_int_eq(limit_after(hints, "tenant-19999", 1, 1000), SHARE);
    hints_free(&hints);
}
END_TEST

START_TEST(a_small_window_leaves_everybody_something)
{
    ck_assert_int_eq(hints_share(20), 20);
    ck_assert_int_eq(hints_share(1000), SHARE);
    ck_assert_int_eq(hints_share(100000), 12500);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hints");
    TCase *tcase = tcase_create("hints");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, who_publishes_much_leaves_the_window_to_the_others);
    tcase_add_test(tcase, who_stops_publishing_has_the_window_again);
    tcase_add_test(tcase, time_that_goes_back_gives_nothing);
    tcase_add_test(tcase, tenants_without_end_take_no_memory_without_end);
    tcase_add_test(tcase, a_small_window_leaves_everybody_something);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
