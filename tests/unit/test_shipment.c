/* test_shipment.c: one request for several works: who is told of its answer when some of them have left, and what the gate counts. */
#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../worker/shipment.h"
#include "log.h"
#include "mem.h"
#include "stats.h"
#include "transfer_server_fixture.h"

#define WORKS 3

static struct event_base *base;
static struct worker worker;
static struct work *works[WORKS];
static struct {
    unsigned count;
    int status;
    bool here[WORKS]; /* still in the shipment when the answer came */
} answered;

static void ignore(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

static void on_answered(struct shipment *shipment, const struct answer *answer)
{
    answered.count++;
    answered.status = answer->status;
    for (size_t i = 0; i < shipment->count; i++) {
        answered.here[i] = shipment->works[i] != NULL;
        if (shipment->works[i])
            ck_assert_ptr_null(shipment->works[i]->shipment); /* free for another one */
    }
    gate_neutral(&worker.gate);
    event_base_loopbreak(base);
}

static const struct shipment_kind kind = {.answered = on_answered};

static void begin(void)
{
    log_open("test_shipment", LOG_LEVEL_ERROR, LOG_FORMAT_JSON);
    memset(&answered, 0, sizeof answered);
    memset(&worker, 0, sizeof worker);
    base = event_base_new();
    transfer_server_open(base, TRANSFER_MAX);
    worker.transfers = transfers_new(base, 4);
    worker.routes = map_new();
    worker.works = map_new();
    worker.pump_timer = evtimer_new(base, ignore, NULL);
    worker.stat_duration = stats_register(STATS_HISTOGRAM, "test_seconds", "", "of the test");
    gate_init(&worker.gate, 10, 100);
    for (int i = 0; i < WORKS; i++) {
        works[i] = mem_alloc(sizeof *works[i]);
        works[i]->worker = &worker;
        works[i]->deliveries = mem_array(1, sizeof *works[i]->deliveries);
        works[i]->delivery_count = 1;
    }
}

static void end(void)
{
    for (int i = 0; i < WORKS; i++) {
        free(works[i]->deliveries);
        free(works[i]);
    }
    transfers_free(&worker.transfers);
    map_free(&worker.routes);
    map_free(&worker.works);
    event_free(worker.pump_timer);
    transfer_server_close();
    event_base_free(base);
}

static struct shipment *start(void)
{
    char url[64];
    struct transfer_request request = {
        .url = url, .body = "{}", .body_len = 2, .timeout_ms = 3000, .allow_private = true};
    struct shipment *shipment = shipment_new(&worker, &kind, "/path", WORKS);

    snprintf(url, sizeof url, "http://127.0.0.1:%d/path", transfer_server.port);
    for (int i = 0; i < WORKS; i++)
        shipment_add(shipment, works[i]);
    shipment_start(shipment, &request);
    return shipment;
}

/* Runs until the server has the request. */
static void run_until_sent(void)
{
    while (transfer_server.connections == 0)
        event_base_loop(base, EVLOOP_ONCE);
    for (int i = 0; i < 20; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
}

START_TEST(a_request_counts_once_however_many_works_it_carries)
{
    transfer_server.manner = ANSWERS;
    transfer_server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    struct shipment *shipment = start();

    ck_assert_uint_eq(worker.gate.in_flight, 1);
    for (int i = 0; i < WORKS; i++) {
        ck_assert_ptr_eq(works[i]->shipment, shipment);
        ck_assert_int_eq(works[i]->state, WORK_SENDING);
    }
    event_base_dispatch(base);
    ck_assert_uint_eq(answered.count, 1);
    ck_assert_int_eq(answered.status, 200);
    ck_assert_uint_eq(worker.gate.in_flight, 0);
}
END_TEST

START_TEST(a_work_that_leaves_takes_nobody_with_it)
{
    transfer_server.manner = ANSWERS;
    transfer_server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    start();

    ck_assert(shipment_leave(works[1])); /* what became of its part nobody knows */
    ck_assert_ptr_null(works[1]->shipment);
    ck_assert_uint_eq(worker.gate.in_flight, 1);
    event_base_dispatch(base);
    ck_assert_uint_eq(answered.count, 1);
    ck_assert(answered.here[0] && !answered.here[1] && answered.here[2]);
}
END_TEST

START_TEST(the_last_one_that_leaves_ends_the_request)
{
    transfer_server.manner = SILENT;
    worker.repeats_in_flight = 0;
    works[0]->deliveries[0].sendings = 1; /* the first one makes it a repeat */
    start();
    ck_assert_uint_eq(worker.repeats_in_flight, 1);
    run_until_sent();
    for (int i = 0; i < WORKS; i++)
        ck_assert(shipment_leave(works[i]));
    ck_assert_uint_eq(worker.gate.in_flight, 0);
    ck_assert_uint_eq(worker.repeats_in_flight, 0);
    event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(answered.count, 0);
}
END_TEST

START_TEST(what_was_not_sent_yet_is_known_to_have_done_nothing)
{
    start();
    shipment_leave(works[2]);
    shipment_leave(works[0]);
    ck_assert(!shipment_leave(works[1]));
    ck_assert_uint_eq(worker.gate.in_flight, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shipment");
    TCase *tcase = tcase_create("shipment");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 20);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, a_request_counts_once_however_many_works_it_carries);
    tcase_add_test(tcase, a_work_that_leaves_takes_nobody_with_it);
    tcase_add_test(tcase, the_last_one_that_leaves_ends_the_request);
    tcase_add_test(tcase, what_was_not_sent_yet_is_known_to_have_done_nothing);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
