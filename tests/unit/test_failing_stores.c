/*
 * test_failing_stores.c: a connection to PostgreSQL and one to Redis, from the first to the last call, while in turn each call for
 * memory, each send, each receive and each call of libpq and hiredis fails. Whoever asked gets exactly one answer; what was
 * answered with yes stands in the table, and what was answered with no does not; and it works again by itself.
 */
#include <check.h>
#include <event2/event.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../failing/failing.h"
#include "clock.h"
#include "db.h"
#include "mem.h"
#include "stream.h"

#define INSERTS 4
#define DEADLINE_MS 10000
#define TRIES 20

/* What became of the inserts of a run, for whoever looks into the table afterwards; one of each strand. */
struct outcome {
    int64_t run;
    bool stored[INSERTS];  /* was told to be stored */
    bool unknown[INSERTS]; /* once nobody knew */
};
static struct outcome *reports;
#define report (&reports[sweep_strand])

static struct event_base *base;

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

/* Runs the loop until *count has this value. */
static void run_until(const int *count, int value)
{
    int64_t end = clock_mono_ms() + DEADLINE_MS;
    struct timeval tick = {0, 5000};
    struct event *timer = event_new(base, -1, EV_PERSIST, on_tick, NULL);
    event_add(timer, &tick);
    while (*count < value && clock_mono_ms() < end)
        event_base_loop(base, EVLOOP_ONCE);
    event_free(timer);
    sweep_expect(*count == value);
}

static const char *url_of(const char *variable)
{
    const char *url = getenv(variable);
    ck_assert_msg(url && *url, "%s must be set", variable);
    return url;
}

/* ---- PostgreSQL ---- */

struct answer {
    int count;
    enum db_status status;
    int64_t number;
};

static void on_answer(enum db_status status, const struct db_result *result, void *arg)
{
    struct answer *answer = arg;
    answer->count++;
    answer->status = status;
    if (status == DB_OK && db_rows(result) > 0)
        answer->number = db_get_int(result, 0, 0);
    if (status == DB_REFUSED)
        sweep_expect(db_sqlstate(result)[0] != ' ' && db_message(result)[0]);
}

static int64_t id_of(int i)
{
    return (report->run * SWEEP_STRANDS + sweep_strand) * INSERTS + i;
}

static void insert(struct db *db, int i, struct answer *answer)
{
    struct db_params *params = db_params_new();
    *answer = (struct answer){.count = 0};
    db_add_int(params, id_of(i));
    db_query(db, DB_OWNER, "insert into failing values ($1) on conflict do nothing returning id", params,
             on_answer, answer);
}

static void take_note(int i, const struct answer *answer)
{
    if (answer->status == DB_OK)
        report->stored[i] = true;
    if (answer->status == DB_UNKNOWN)
        report->unknown[i] = true;
}

/* As everybody does who must not lose something: again until it is known. */
static void insert_for_certain(struct db *db, int i)
{
    struct answer answer;
    for (int tries = 0; !report->stored[i]; tries++) {
        struct timeval pause = {0, 100000};
        sweep_expect(tries < TRIES);
        if (tries > 0) {
            event_base_loopexit(base, &pause);
            event_base_dispatch(base);
        }
        insert(db, i, &answer);
        run_until(&answer.count, 1);
        take_note(i, &answer);
    }
}

static void life_of_a_database_connection(void)
{
    base = event_base_new();
    struct db_config config = {.url = url_of("TEST_DATABASE_URL"),
                               .writer_url = "",
                               .reader_url = url_of("TEST_DATABASE_URL"),
                               .connections = 1,
                               .waiting_max = 100,
                               .timeout_ms = 3000,
                               .name = "failing"};
    struct db *db = db_new(base, &config);
    struct answer refused = {0}, read = {0}, gone = {0}, together[INSERTS - 1];
    for (int i = 0; i < INSERTS - 1; i++)
        insert(db, i, &together[i]);
    db_query(db, DB_OWNER, "select 1 / (random() * 0)::int", NULL, on_answer, &refused);
    db_query_tenant(db, "acme", "select 42::int8", NULL, on_answer, &read);
    for (int i = 0; i < INSERTS - 1; i++) {
        run_until(&together[i].count, 1);
        take_note(i, &together[i]);
    }
    run_until(&refused.count, 1);
    run_until(&read.count, 1);
    sweep_expect(refused.status != DB_OK);
    sweep_expect(read.status != DB_OK || read.number == 42);
    db_query(db, DB_OWNER, "select pg_terminate_backend(pg_backend_pid())", NULL, on_answer, &gone);
    run_until(&gone.count, 1);
    sweep_expect(gone.status != DB_OK);
    for (int i = 0; i < INSERTS; i++)
        insert_for_certain(db, i);
    sweep_expect(together[0].count == 1 && refused.count == 1 && gone.count == 1);
    db_free(&db);
    event_base_free(base);
}

static PGconn *witness;

static void call_witness(void)
{
    witness = PQconnectdb(url_of("TEST_DATABASE_URL"));
    ck_assert_int_eq(PQstatus(witness), CONNECTION_OK);
}

static bool is_there(int i)
{
    char text[100];
    snprintf(text, sizeof text, "select 1 from failing where id = %lld", (long long)id_of(i));
    PGresult *result = PQexec(witness, text);
    ck_assert_int_eq(PQresultStatus(result), PGRES_TUPLES_OK);
    bool there = PQntuples(result) == 1;
    PQclear(result);
    return there;
}

static void check_the_table(void)
{
    if (!witness)
        call_witness();
    for (int i = 0; i < INSERTS; i++)
        ck_assert_msg(!report->stored[i] || is_there(i), "insert %d was told to be stored and is not", i);
    *report = (struct outcome){.run = report->run + 1};
}

static void make_the_table(void)
{
    call_witness();
    PQclear(PQexec(witness, "set client_min_messages = error"));
    PQclear(PQexec(witness, "drop table if exists failing"));
    PGresult *result = PQexec(witness, "create table failing (id int8 primary key)");
    ck_assert_int_eq(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(witness);
    witness = NULL; /* each strand has its own */
}

/* ---- Redis ---- */

struct tally {
    int count, good;
};

static void on_reply(const struct stream_reply *reply, void *arg)
{
    struct tally *tally = arg;
    tally->count++;
    tally->good += reply != NULL && reply_type(reply) != REPLY_ERROR;
}

static void send_word(struct stream *stream, const char *verb, const char *word, struct tally *tally)
{
    struct stream_command *command = stream_command(verb);
    if (word)
        stream_add(command, word);
    stream_send(stream, command, on_reply, tally);
}

static void send_script(struct stream *stream, struct tally *tally)
{
    struct stream_command *command =
        stream_script("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}", 1);
    stream_add(command, "failing");
    stream_add(command, "word");
    stream_send(stream, command, on_reply, tally);
}

static void wait_until_up(struct stream *stream)
{
    for (int64_t end = clock_mono_ms() + DEADLINE_MS; !stream_up(stream) && clock_mono_ms() < end;) {
        struct timeval tick = {0, 5000};
        event_base_loopexit(base, &tick);
        event_base_dispatch(base);
    }
    sweep_expect(stream_up(stream));
}

static void script_for_certain(struct stream *stream)
{
    struct tally tally = {0, 0};
    for (int tries = 1; tally.good == 0; tries++) {
        sweep_expect(tries < TRIES);
        wait_until_up(stream);
        send_script(stream, &tally);
        run_until(&tally.count, tries);
    }
}

static void life_of_a_redis_connection(void)
{
    base = event_base_new();
    struct stream_config config = {
        .url = url_of("TEST_REDIS_URL"), .name = "failing", .timeout_ms = 2000, .waiting_max = 100};
    struct stream *stream = stream_new(base, &config);
    struct tally tally = {0, 0};
    send_word(stream, "PING", NULL, &tally); /* too early: NULL, from the loop */
    sweep_expect(tally.count == 0);
    run_until(&tally.count, 1);
    wait_until_up(stream);
    send_word(stream, "PING", "word", &tally);
    send_script(stream, &tally);
    send_script(stream, &tally);
    send_word(stream, "NOCOMMAND", "x", &tally);
    run_until(&tally.count, 5);
    send_word(stream, "QUIT", NULL, &tally);
    run_until(&tally.count, 6);
    script_for_certain(stream);
    send_script(stream, &tally); /* answered by stream_free, or before */
    stream_free(&stream);
    sweep_expect(tally.count == 7);
    event_base_free(base);
}

/* ---- the sweeps ---- */

static const struct {
    const char *name;
    enum failing_kind kind;
    enum failing_way way;
    bool stays;
} faults[] = {
    {"memory", FAILING_MEMORY, 0, false},
    {"memory for good", FAILING_MEMORY, 0, true},
    {"sends reset", FAILING_SENDING, FAILING_RESET, false},
    {"sends into a closed pipe", FAILING_SENDING, FAILING_PIPE, false},
    {"sends interrupted", FAILING_SENDING, FAILING_INTERRUPTED, false},
    {"sends that would block", FAILING_SENDING, FAILING_AGAIN, false},
    {"sends cut short", FAILING_SENDING, FAILING_SHORT, false},
    {"sends always cut short", FAILING_SENDING, FAILING_SHORT, true},
    {"receives reset", FAILING_RECEIVING, FAILING_RESET, false},
    {"receives at the end", FAILING_RECEIVING, FAILING_PIPE, false},
    {"receives interrupted", FAILING_RECEIVING, FAILING_INTERRUPTED, false},
    {"receives that would block", FAILING_RECEIVING, FAILING_AGAIN, false},
    {"receives cut short", FAILING_RECEIVING, FAILING_SHORT, false},
    {"receives always cut short", FAILING_RECEIVING, FAILING_SHORT, true},
    {"calls of libpq", FAILING_LIBPQ, 0, false},
    {"calls of hiredis, out of memory", FAILING_HIREDIS, 0, false},
    {"calls of hiredis, disk full", FAILING_HIREDIS, 1, false},
    {"calls of hiredis, scripts lost", FAILING_HIREDIS, 2, false},
    {"calls of hiredis, loading", FAILING_HIREDIS, 3, false},
    {"calls of hiredis, a replica", FAILING_HIREDIS, 4, false},
};
#define FAULTS (int)(sizeof faults / sizeof *faults)
#define LIBPQ_FAULT 14

static void sweep_fault(const char *what, void (*life)(void), int fault, void (*check)(void))
{
    char name[100];
    snprintf(name, sizeof name, "%s, %s", what, faults[fault].name);
    sweep_run(&(struct sweep){.name = name,
                              .life = life,
                              .kind = faults[fault].kind,
                              .way = faults[fault].way,
                              .stays = faults[fault].stays,
                              .check = check});
}

START_TEST(a_database_connection_survives_and_tells_the_truth_whatever_call_fails)
{
    const size_t size = SWEEP_STRANDS * sizeof *reports;
    reports = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(reports != MAP_FAILED);
    make_the_table();
    sweep_fault("postgresql", life_of_a_database_connection, _i, check_the_table);
    munmap(reports, size);
}
END_TEST

START_TEST(a_redis_connection_survives_and_answers_once_whatever_call_fails)
{
    if (_i != LIBPQ_FAULT)
        sweep_fault("redis", life_of_a_redis_connection, _i, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failing_stores");
    TCase *tests = tcase_create("failing_stores");
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, a_database_connection_survives_and_tells_the_truth_whatever_call_fails, 0,
                        LIBPQ_FAULT + 1);
    tcase_add_loop_test(tests, a_redis_connection_survives_and_answers_once_whatever_call_fails, 0, FAULTS);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
