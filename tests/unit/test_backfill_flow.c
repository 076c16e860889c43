/* test_backfill_flow.c: how fast a first sync goes, and how long it waits. */
#include <check.h>

#include "../../api-gateway/backfill_flow.h"

#define SECOND INT64_C(1000000)

/* Rows taken in `seconds` when each page takes `page_us` to come. */
static size_t rows_in(int64_t rate, size_t most, int64_t page_us, int64_t seconds)
{
    struct backfill_pace pace = {rate, 0};
    int64_t now_us = 0;
    size_t rows = 0;

    while ((now_us += backfill_pace_wait_us(&pace, now_us)) < seconds * SECOND) {
        size_t page = backfill_pace_rows(&pace, most);
        now_us += page_us;
        rows += page;
        backfill_pace_pay(&pace, page, now_us);
    }
    return rows;
}

static const struct {
    int64_t rate;
    size_t most;
    int64_t page_us;
} paces[] = {{100, 100, 1000}, {100, 1000, 300000}, {1000, 100, 50000},
             {7, 100, 1000},   {1, 100, 1000},      {50, 7, 20000}};

START_TEST(the_rate_is_kept_however_long_a_page_takes)
{
    size_t expected = (size_t)paces[_i].rate * 60,
           is = rows_in(paces[_i].rate, paces[_i].most, paces[_i].page_us, 60);

    ck_assert_msg(is >= expected * 9 / 10 && is <= expected * 11 / 10 + paces[_i].most, "%zu rows, not %zu",
                  is, expected);
}
END_TEST

START_TEST(a_long_wait_is_no_licence_to_rush)
{
    struct backfill_pace pace = {100, 0};

    backfill_pace_pay(&pace, 100, 3600 * SECOND); /* an hour without a page */
    ck_assert_int_eq(backfill_pace_wait_us(&pace, 3600 * SECOND), 0);
    backfill_pace_pay(&pace, 100, 3600 * SECOND);
    ck_assert_int_eq(backfill_pace_wait_us(&pace, 3600 * SECOND), SECOND);
}
END_TEST

START_TEST(an_empty_page_is_not_free)
{
    struct backfill_pace pace = {10, 5 * SECOND};

    backfill_pace_pay(&pace, 0, 5 * SECOND);
    ck_assert_int_eq(backfill_pace_wait_us(&pace, 5 * SECOND), SECOND / 10);
}
END_TEST

START_TEST(waits_double_up_to_a_ceiling_and_are_drawn_from_half_to_whole)
{
    static const int64_t most[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};

    for (int64_t n = 1; n <= 8; n++) {
        ck_assert_int_eq(backfill_retry_ms(n, 0), most[n - 1] / 2);
        for (uint32_t random = 1; random < 100; random++) {
            int64_t wait_ms = backfill_retry_ms(n, random * 40503001u);
            ck_assert_int_ge(wait_ms, most[n - 1] / 2);
            ck_assert_int_le(wait_ms, most[n - 1]);
        }
    }
    ck_assert_int_le(backfill_retry_ms(1000000, UINT32_MAX), 60000);
    ck_assert_int_ge(backfill_pause_ms(1, 0), 30000);
    ck_assert_int_le(backfill_pause_ms(1000000, UINT32_MAX), 900000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backfill_flow");
    TCase *tests = tcase_create("backfill_flow");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, the_rate_is_kept_however_long_a_page_takes, 0, sizeof paces / sizeof *paces);
    tcase_add_test(tests, a_long_wait_is_no_licence_to_rush);
    tcase_add_test(tests, an_empty_page_is_not_free);
    tcase_add_test(tests, waits_double_up_to_a_ceiling_and_are_drawn_from_half_to_whole);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
