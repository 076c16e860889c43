/* test_transfer_room.c: what is kept of all answers together has a ceiling; who finds no room waits, and nobody for ever. */
#include <check.h>
#include <event2/event.h>
#include <stdio.h>

#include "transfer.h"
#include "transfer_server_fixture.h"

#define server transfer_server
#define TOGETHER 24 /* answers of TRANSFER_MAX: three times what there is room for */

static struct event_base *base;
static struct transfers *transfers;
static unsigned answered, whole, failures[8];
static size_t most;

static void begin(void)
{
    base = event_base_new();
    transfer_server_open(base, TRANSFER_MAX);
    server.together = TOGETHER;
    transfers = transfers_new(base, TOGETHER);
}

static void end(void)
{
    transfers_free(&transfers);
    transfer_server_close();
    event_base_free(base);
}

static void measure(void)
{
    if (transfers_held(transfers) > most)
        most = transfers_held(transfers);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    measure();
    if (arg && most > TRANSFERS_HELD_MAX - TRANSFER_MAX) /* there is little room left */
        event_base_loopbreak(base);
}

/* Looks at what is held every ms; breaks the loop at the ceiling, or not. */
static struct event *watch(bool breaks)
{
    static const struct timeval often = {0, 1000};
    struct event *tick = event_new(base, -1, EV_PERSIST, on_tick, breaks ? &most : NULL);

    event_add(tick, &often);
    return tick;
}

static void on_answer(const struct answer *answer, void *arg)
{
    (void)arg;
    measure();
    whole += answer->failure == ANSWER_OK && answer->body_len == TRANSFER_MAX;
    failures[answer->failure]++;
    if (++answered == TOGETHER)
        event_base_loopbreak(base);
}

static struct transfer *start(size_t keep_max, int64_t timeout_ms)
{
    char url[64];
    struct transfer_request request = {.method = PLATFORM_POST,
                                       .url = url,
                                       .body = "{}",
                                       .body_len = 2,
                                       .timeout_ms = timeout_ms,
                                       .allow_private = true,
                                       .keep_max = keep_max};

    snprintf(url, sizeof url, "http://127.0.0.1:%d/", server.port);
    return transfer_start(transfers, &request, on_answer, NULL);
}

START_TEST(many_large_answers_at_once_stay_below_the_ceiling_and_all_arrive_whole)
{
    struct event *tick = watch(false);

    server.manner = LARGE_TOGETHER;
    for (int i = 0; i < TOGETHER; i++)
        start(TRANSFER_MAX, 15000);
    event_base_dispatch(base);
    event_free(tick);
    ck_assert_uint_eq(whole, TOGETHER);
    ck_assert_uint_ge(most, TRANSFERS_HELD_MAX - TRANSFER_MAX); /* there was a rush */
    ck_assert_uint_le(most, TRANSFERS_HELD_MAX + 2 * TRANSFER_MAX);
    ck_assert_uint_eq(transfers_held(transfers), 0);
}
END_TEST

START_TEST(answers_without_end_are_refused_while_others_wait_for_room)
{
    server.manner = ENDLESS_CHUNKS;
    for (int i = 0; i < TOGETHER; i++)
        start(TRANSFER_MAX, 15000);
    event_base_dispatch(base);
    ck_assert_uint_eq(failures[ANSWER_TOO_LARGE], TOGETHER);
    ck_assert_uint_le(most, TRANSFERS_HELD_MAX + 2 * TRANSFER_MAX);
    ck_assert_uint_eq(transfers_held(transfers), 0);
}
END_TEST

START_TEST(an_abort_of_who_has_the_room_lets_the_others_go_on)
{
    struct transfer *started[TOGETHER];
    struct event *tick = watch(true);

    server.manner = LARGE_TOGETHER;
    for (int i = 0; i < TOGETHER; i++)
        started[i] = start(TRANSFER_MAX, 15000);
    event_base_dispatch(base);
    event_free(tick);
    ck_assert_uint_eq(answered, 0);
    for (int i = 0; i < TOGETHER / 2; i++)
        transfer_abort(transfers, started[i]);
    answered = TOGETHER / 2;
    event_base_dispatch(base);
    ck_assert_uint_eq(whole, TOGETHER / 2);
    ck_assert_uint_eq(transfers_held(transfers), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transfer_room");
    TCase *tests = tcase_create("transfer_room");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, many_large_answers_at_once_stay_below_the_ceiling_and_all_arrive_whole);
    tcase_add_test(tests, answers_without_end_are_refused_while_others_wait_for_room);
    tcase_add_test(tests, an_abort_of_who_has_the_room_lets_the_others_go_on);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
