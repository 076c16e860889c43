/* test_stats.c: the registry, its Prometheus text and the latency buckets. */
#include <check.h>

#include "mem.h"
#include "stats.h"

static struct buf written(void)
{
    struct buf out;

    buf_init(&out);
    stats_write(&out);
    return out;
}

static void expect_text(const char *part)
{
    struct buf out = written();

    ck_assert_msg(strstr(out.data, part) != NULL, "this is due:\n%s\nand this is said:\n%s", part, out.data);
    buf_release(&out);
}

START_TEST(a_counter_adds_up)
{
    struct stat *stat = stats_register(STATS_COUNTER, "sync_routed_total", "", "Events that were routed");

    stats_add(stat, 2);
    stats_add(stat, 40);
    ck_assert_int_eq(stats_value(stat), 42);
    expect_text("# HELP sync_routed_total Events that were routed\n# TYPE sync_routed_total counter\n"
                "sync_routed_total 42\n");
}
END_TEST

START_TEST(a_gauge_goes_up_and_down)
{
    struct stat *stat = stats_register(STATS_GAUGE, "sync_open", NULL, "Open deliveries");

    stats_set(stat, 7);
    stats_add(stat, -9);
    expect_text("# TYPE sync_open gauge\nsync_open -2\n");
}
END_TEST

START_TEST(series_of_one_name_stand_together_under_one_head)
{
    struct stat *a = stats_register(STATS_COUNTER, "sync_sent_total", "platform=\"a\"", "Sent");

    stats_register(STATS_COUNTER, "sync_other_total", "", "Other");
    stats_add(stats_register(STATS_COUNTER, "sync_sent_total", "platform=\"b\"", "Sent"), 5);
    stats_add(a, 1);
    expect_text(
        "# HELP sync_sent_total Sent\n# TYPE sync_sent_total counter\n"
        "sync_sent_total{platform=\"a\"} 1\nsync_sent_total{platform=\"b\"} 5\n# HELP sync_other_total");
}
END_TEST

START_TEST(the_same_series_is_the_same_metric)
{
    struct stat *a = stats_register(STATS_COUNTER, "sync_twice_total", "x=\"1\"", "Twice");

    ck_assert_ptr_eq(a, stats_register(STATS_COUNTER, "sync_twice_total", "x=\"1\"", "Twice"));
    ck_assert_ptr_ne(a, stats_register(STATS_COUNTER, "sync_twice_total", "x=\"2\"", "Twice"));
}
END_TEST

START_TEST(a_histogram_counts_each_time_once_and_adds_the_buckets_up)
{
    struct stat *stat = stats_register(STATS_HISTOGRAM, "sync_seconds", "target=\"a\"", "Seconds");
    static const int64_t times_us[] = {-5, 0, 500, 501, 1000, 2500, 65536000, 65536001};

    for (size_t i = 0; i < sizeof times_us / sizeof *times_us; i++)
        stats_observe_us(stat, times_us[i]);
    ck_assert_int_eq(stats_value(stat), 8);
    expect_text("# TYPE sync_seconds histogram\n"
                "sync_seconds_bucket{target=\"a\",le=\"0.0005\"} 3\n"
                "sync_seconds_bucket{target=\"a\",le=\"0.0010\"} 5\n"
                "sync_seconds_bucket{target=\"a\",le=\"0.0020\"} 5\n"
                "sync_seconds_bucket{target=\"a\",le=\"0.0040\"} 6\n");
    expect_text("sync_seconds_bucket{target=\"a\",le=\"32.7680\"} 6\n"
                "sync_seconds_bucket{target=\"a\",le=\"65.5360\"} 7\n"
                "sync_seconds_bucket{target=\"a\",le=\"+Inf\"} 8\n"
                "sync_seconds_sum{target=\"a\"} 131.076502\n"
                "sync_seconds_count{target=\"a\"} 8\n");
}
END_TEST

START_TEST(a_histogram_without_labels_has_only_le)
{
    stats_register(STATS_HISTOGRAM, "sync_plain_seconds", "", "Seconds");
    expect_text("sync_plain_seconds_bucket{le=\"+Inf\"} 0\nsync_plain_seconds_sum 0.000000\n"
                "sync_plain_seconds_count 0\n");
}
END_TEST

START_TEST(the_process_tells_its_basics)
{
    static const char *const names[] = {"process_cpu_seconds_total ",
                                        "process_resident_memory_bytes ",
                                        "process_virtual_memory_bytes ",
                                        "process_open_fds ",
                                        "process_max_fds ",
                                        "process_start_time_seconds "};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf out = written();
        char line[64];
        const char *at;

        snprintf(line, sizeof line, "\n%s", names[i]);
        at = strstr(out.data, line);
        ck_assert_msg(at != NULL, "%s is missing", names[i]);
        ck_assert_msg(strtod(at + strlen(line), NULL) > 0 || i == 0, "%sis not above 0", names[i]);
        buf_release(&out);
    }
}
END_TEST

START_TEST(a_counter_that_falls_is_a_bug)
{
    stats_add(stats_register(STATS_COUNTER, "sync_fall_total", "", "Falls"), -1);
}
END_TEST

START_TEST(one_name_of_two_kinds_is_a_bug)
{
    stats_register(STATS_COUNTER, "sync_kind", "", "Kind");
    stats_register(STATS_GAUGE, "sync_kind", "", "Kind");
}
END_TEST

static const char *const bad_labels[] = {"platform",         "platform=",         "=\"a\"",
                                         "platform=\"a",     "platform=\"a\"b\"", "platform=\"a\\\"",
                                         "platform=\"a\nb\""};

START_TEST(a_label_that_would_break_the_text_is_a_bug)
{
    stats_register(STATS_COUNTER, "sync_label_total", bad_labels[_i], "Label");
}
END_TEST

START_TEST(latency_buckets_double_from_one_ms)
{
    ck_assert_uint_eq(stats_bucket(-1), 0);
    ck_assert_uint_eq(stats_bucket(0), 0);
    ck_assert_uint_eq(stats_bucket(1), 0);
    ck_assert_uint_eq(stats_bucket(2), 1);
    ck_assert_uint_eq(stats_bucket(3), 2);
    ck_assert_uint_eq(stats_bucket(INT64_MAX), STATS_BUCKETS - 1);
    for (unsigned i = 0; i + 1 < STATS_BUCKETS; i++) {
        ck_assert_int_eq(stats_bucket_limit_ms(i), INT64_C(1) << i);
        ck_assert_uint_eq(stats_bucket(stats_bucket_limit_ms(i)), i);
        ck_assert_uint_eq(stats_bucket(stats_bucket_limit_ms(i) + 1), i + 1);
    }
    ck_assert_int_eq(stats_bucket_limit_ms(STATS_BUCKETS - 1), INT64_MAX);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("stats");
    Suite *suite = suite_create("stats");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_counter_adds_up);
    tcase_add_test(tcase, a_gauge_goes_up_and_down);
    tcase_add_test(tcase, series_of_one_name_stand_together_under_one_head);
    tcase_add_test(tcase, the_same_series_is_the_same_metric);
    tcase_add_test(tcase, a_histogram_counts_each_time_once_and_adds_the_buckets_up);
    tcase_add_test(tcase, a_histogram_without_labels_has_only_le);
    tcase_add_test(tcase, the_process_tells_its_basics);
    tcase_add_test_raise_signal(tcase, a_counter_that_falls_is_a_bug, 6);
    tcase_add_test_raise_signal(tcase, one_name_of_two_kinds_is_a_bug, 6);
    tcase_add_loop_test_raise_signal(tcase, a_label_that_would_break_the_text_is_a_bug, 6, 0,
                                     sizeof bad_labels / sizeof *bad_labels);
    tcase_add_test(tcase, latency_buckets_double_from_one_ms);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
