/* test_share_state.c: breaker, pauses and rates that replicas have together, and the document that says so. */
#include "../../worker/share.h"
#include "buf.h"
#include "share_fixture.h"

/* ── breaker ── */

START_TEST(a_breaker_that_one_opens_is_open_for_all_and_one_of_them_probes)
{
    step("a", 50), step("b", 50);
    telling("a", (struct gate_news){.opened = true});
    ck_assert_int_eq(step("b", 50).breaker, GATE_OPEN);
    ck_assert_int_eq(step("b", 50).open_left_ms, 1000);
    now += 900;
    ck_assert(!probing("b").probe); /* too early */
    now += 100;
    ck_assert(probing("b").probe);
    ck_assert(!probing("a").probe);
    ck_assert(probing("b").probe); /* for as long as it has something to send */
    ck_assert_int_eq(step("b", 0).breaker, GATE_HALF_OPEN);
    ck_assert(probing("a").probe);
}
END_TEST

START_TEST(a_prober_that_dies_is_followed_by_another)
{
    step("a", 50), step("b", 50);
    telling("a", (struct gate_news){.opened = true});
    now += 1000;
    ck_assert(probing("a").probe);
    now += LIFE_MS - 1;
    ck_assert(!probing("b").probe);
    now += 1;
    ck_assert(probing("b").probe);
}
END_TEST

START_TEST(a_probe_that_fails_doubles_the_wait_and_another_replicas_failure_does_not)
{
    step("a", 50), step("b", 50);
    telling("a", (struct gate_news){.opened = true});
    now += 1000;
    probing("a");
    telling("b", (struct gate_news){.probe_failed = true});
    ck_assert_int_eq(share.breaker, GATE_HALF_OPEN);
    telling("a", (struct gate_news){.probe_failed = true});
    ck_assert_int_eq(share.breaker, GATE_OPEN);
    ck_assert_int_eq(share.open_until_ms, now + 2000);
    telling("b", (struct gate_news){.opened = true}); /* nor one that was in flight */
    ck_assert_int_eq(share.open_until_ms, now + 2000);
}
END_TEST

static void after_an_outage(double proven)
{
    step("a", 500), step("b", 500);
    share.proven = proven;
    telling("a", (struct gate_news){.opened = true});
    now += 1000;
    probing("a");
    telling("a", (struct gate_news){.closed = true});
    ck_assert_int_eq(share.breaker, GATE_CLOSED);
}

START_TEST(after_an_outage_all_together_start_with_a_tenth_and_at_most_double_each_second)
{
    double allowed = 8;

    after_an_outage(80);
    int64_t closed = now;
    for (; now < closed + 6000; now += 100) {
        if (now > closed && (now - closed) % 1000 == 0)
            allowed *= 2;
        share.steep = true;
        telling("a", (struct gate_news){.earned = 500});
        telling("b", (struct gate_news){.earned = 500});
        unsigned sum = step("a", 500).slots + step("b", 500).slots;
        ck_assert_uint_le(sum, (unsigned)allowed);
        ck_assert_uint_ge(sum, allowed < WINDOW_MAX ? (unsigned)allowed : WINDOW_MAX);
    }
}
END_TEST

START_TEST(what_was_seen_before_the_breaker_closed_does_not_open_it_again)
{
    struct share_report old = report_of("b", 1);
    struct share_slice slice;

    after_an_outage(80);
    old.seen = 40;
    old.news.state = GATE_HALF_OPEN;
    share_step(&share, &old, now, &slice);
    ck_assert_uint_eq(step("a", 1).others_seen, 0);
    old.news.state = GATE_CLOSED;
    share_step(&share, &old, now, &slice);
    ck_assert_uint_eq(step("a", 1).others_seen, 40);
}
END_TEST

START_TEST(the_later_pause_counts_and_ends)
{
    struct share_report report = report_of("a", 1);
    struct share_slice slice;

    report.held_until_ms = now + 5000;
    share_step(&share, &report, now, &slice);
    report.held_until_ms = now + 3000;
    share_step(&share, &report, now, &slice);
    ck_assert_int_eq(step("b", 1).held_left_ms, 5000);
    now += 4999;
    ck_assert_int_eq(step("b", 1).held_left_ms, 1);
    now += 1;
    ck_assert_int_eq(step("b", 1).held_left_ms, 0);
    ck_assert_int_eq(share.held_until_ms, 0);
}
END_TEST

/* ── rates ── */

static const int64_t limits[] = {1, 2, 5, 20, 60, 600, 6000};

/* Three replicas ask when they like and use what they were lent up to RATE_LENT_MS later, or give it back. */
START_TEST(no_minute_of_all_sees_more_than_the_rate)
{
    static const char *const owners[] = {"a", "b", "c"};
    static int64_t used[60000];
    int64_t limit = limits[_i], have[3] = {0}, lent_ms[3] = {0};
    size_t count = 0;

    srand(3);
    for (; now < START_MS + 200000; now += 10) {
        int i = rand() % 3;
        if (now - lent_ms[i] >= 100) {
            int64_t unused = have[i];
            have[i] = tokens(owners[i], limit, unused, rand() % 4 ? limit : 1);
            lent_ms[i] = now;
        }
        int k = rand() % 3;
        for (int64_t n = rand() % 2 ? have[k] : 0; n > 0 && now - lent_ms[k] <= RATE_LENT_MS; n--, have[k]--)
            if (count < (size_t)COUNT(used))
                used[count++] = now;
    }
    for (size_t i = 0; i + (size_t)limit < count; i++)
        ck_assert_int_ge(used[i + (size_t)limit] - used[i], 60000);
    ck_assert_uint_ge(count, (size_t)(limit * 3 * 8 / 10));
}
END_TEST

START_TEST(a_rate_is_remembered_when_everybody_starts_anew)
{
    ck_assert_int_eq(tokens("a", 60, 0, 100), 6);
    now += LIFE_MS;
    ck_assert_int_le(tokens("b", 60, 0, 100), 5);
    ck_assert_uint_eq(share.replica_count, 1);
}
END_TEST

/* ── the document ── */

START_TEST(the_document_comes_back_as_it_was_written)
{
    struct buf text = BUF_INIT, again = BUF_INIT;
    struct share read;

    after_an_outage(33.5);
    tokens("c", 600, 0, 100);
    telling("a", (struct gate_news){.opened = true});
    now += 1000;
    probing("c");
    share.held_until_ms = now + 77;
    share_write(&text, &share);
    ck_assert_int_eq(share_read(&read, text.data, text.len), 0);
    share_write(&again, &read);
    ck_assert_str_eq(text.data, again.data);
    ck_assert_str_eq(read.prober, "c");
    ck_assert_uint_eq(read.replica_count, 3);
    buf_release(&text);
    buf_release(&again);
}
END_TEST

static const char *const odd[] = {"",
                                  "[]",
                                  "7",
                                  "{\"window\":",
                                  "{\"window\":\"x\",\"replicas\":{},\"rates\":[1]}",
                                  "{\"replicas\":[7,{\"owner\":8,\"lent\":-1}],\"rates\":{\"user\":null}}",
                                  "{}"};

START_TEST(a_document_that_is_none_is_an_empty_one)
{
    struct share_slice slice;
    struct share_report report = report_of("a", 1);

    share_read(&share, odd[_i], strlen(odd[_i]));
    share_step(&share, &report, now, &slice);
    ck_assert_uint_eq(slice.slots, WINDOW_MAX);
    ck_assert_uint_eq((unsigned)slice.window, 10);
    ck_assert_int_eq(slice.breaker, GATE_CLOSED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("share state");
    TCase *tests = tcase_create("share state");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, a_breaker_that_one_opens_is_open_for_all_and_one_of_them_probes);
    tcase_add_test(tests, a_prober_that_dies_is_followed_by_another);
    tcase_add_test(tests, a_probe_that_fails_doubles_the_wait_and_another_replicas_failure_does_not);
    tcase_add_test(tests, after_an_outage_all_together_start_with_a_tenth_and_at_most_double_each_second);
    tcase_add_test(tests, what_was_seen_before_the_breaker_closed_does_not_open_it_again);
    tcase_add_test(tests, the_later_pause_counts_and_ends);
    tcase_add_loop_test(tests, no_minute_of_all_sees_more_than_the_rate, 0, COUNT(limits));
    tcase_add_test(tests, a_rate_is_remembered_when_everybody_starts_anew);
    tcase_add_test(tests, the_document_comes_back_as_it_was_written);
    tcase_add_loop_test(tests, a_document_that_is_none_is_an_empty_one, 0, COUNT(odd));
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
