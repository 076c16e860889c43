/*
 * test_stage.c: ownership of partitions on a real Redis and PostgreSQL: leases as lease_beat.sql gives them, and a stage that loses,
 * regains and is handed them (TEST_REDIS_URL, TEST_DATABASE_URL).
 */
#include "belt_fixture.h"
#include "postgres.h"
#include "service.h"
#include "sql.h"
#include "stage.h"
#include "store.h"

static struct service *service;
static struct store *store;
static struct stream *belt;
static struct stage *stage;
static struct stage_item *items[64];
static size_t item_count;
static unsigned losses;

#define until(condition)                                                                   \
    do {                                                                                   \
        int64_t until_end_ = clock_mono_ms() + DEADLINE_MS;                                \
        while (!(condition)) {                                                             \
            ck_assert_msg(clock_mono_ms() < until_end_, "waited in vain for " #condition); \
            event_base_loop(base, EVLOOP_NONBLOCK);                                        \
            usleep(500);                                                                   \
        }                                                                                  \
    } while (0)

static void setup_with(const char *lease)
{
    static const struct service_spec spec = {
        .name = "test_stage", .summary = "a test", .program = CONF_ROUTER};
    char program[] = "test_stage", *argv[] = {program, NULL};

    belt_open();
    setenv("ENVIRONMENT", "test", 1);
    setenv("LOG_LEVEL", "error", 0);
    setenv("PARTITIONS", "1", 1);
    setenv("LEASE_SECONDS", lease, 1);
    setenv("SYNC_INTERVAL_SECONDS", "60s", 1);
    setenv("DATABASE_URL", server_url(), 1);
    setenv("REDIS_URL", redis_url(), 1);
    service = service_new(&spec, 1, argv);
    base = service_base(service);
    store = store_new(service);
    belt = stream_new(
        base, &(struct stream_config){
                  .url = redis_url(), .name = "test_stage", .timeout_ms = WAIT_MS, .waiting_max = 1000});
    until(store_up(store) && stream_up(belt));
    ask_ok(store_db(store), DB_OWNER, "delete from leases", NULL);
    ask_ok(store_db(store), DB_OWNER, "delete from replicas", NULL);
}

static void setup(void)
{
    setup_with("2s");
}

static void teardown(void)
{
    store_free(&store);
    stream_end(belt);
    stage_free(&stage);
    stream_free(&belt);
    service_free(&service);
    belt_close();
}

/* ---- leases, as the statement gives them ---- */

struct beat {
    unsigned answers;
    bool owns;
    int64_t fence, lapse_ms;
};

static void on_beaten(enum db_status status, const struct db_result *result, void *arg)
{
    struct beat *beat = arg;

    ck_assert_int_eq(status, DB_OK);
    ck_assert_uint_eq(db_rows(result), 1);
    beat->answers = 1;
    beat->owns = !db_is_null(result, 0, db_column(result, "partition"));
    beat->fence = beat->owns ? db_get_int(result, 0, db_column(result, "fence")) : 0;
    beat->lapse_ms = db_is_null(result, 0, db_column(result, "lapse_ms"))
                         ? -1
                         : db_get_int(result, 0, db_column(result, "lapse_ms"));
}

/* A heartbeat for a stage of one partition with leases of a second. */
static struct beat beat(const char *owner, bool holds, int64_t steady_ms)
{
    struct beat answer = {0};
    struct db_params *params = db_params_new();

    db_add_text(params, "test");
    db_add_text(params, owner);
    db_add_int(params, 1);
    db_add_int(params, 1000);
    struct db_array *held = db_add_array(params, DB_INT2);
    if (holds)
        db_array_int(held, 0);
    db_add_array(params, DB_INT2);
    db_add_bool(params, false);
    db_add_int(params, steady_ms);
    db_add_text(params, "{}");
    db_query(store_db(store), DB_WRITER, sql_lease_beat, params, on_beaten, &answer);
    run_until(&answer.answers, 1, "the beat");
    return answer;
}

static void lease_exists(void)
{
    ask_ok(store_db(store), DB_OWNER, "insert into leases (stage, partition) values ('test', 0)", NULL);
}

static void lease_has_lapsed(void)
{
    ask_ok(store_db(store), DB_OWNER,
           "update leases set until = now() - interval '1 ms' where stage = 'test'", NULL);
    ask_ok(store_db(store), DB_OWNER,
           "update replicas set seen = now() - interval '1 minute' where owner = 'first'", NULL);
}

START_TEST(a_lease_lasts_nine_tenths_and_others_are_told_when_it_ends)
{
    lease_exists();
    ck_assert_int_eq(beat("first", false, INT32_MAX).fence, 1);
    struct beat other = beat("second", false, INT32_MAX);
    ck_assert(!other.owns);
    ck_assert_int_le(other.lapse_ms, 900);
    ck_assert_int_ge(other.lapse_ms, 1);
    ck_assert_int_eq(beat("first", true, INT32_MAX).lapse_ms, -1);
}
END_TEST

START_TEST(a_lapsed_lease_is_taken_only_when_postgresql_has_answered_for_a_whole_lease)
{
    lease_exists();
    beat("first", false, INT32_MAX);
    beat("second", false, INT32_MAX);
    lease_has_lapsed();
    ck_assert(!beat("second", false, 0).owns);
    ck_assert(!beat("second", false, 999).owns);
    ck_assert_int_eq(beat("second", false, 1000).fence, 2);
}
END_TEST

START_TEST(a_lease_that_was_given_back_is_taken_at_once)
{
    lease_exists();
    ck_assert_int_eq(beat("second", false, 0).fence, 1);
}
END_TEST

START_TEST(who_comes_back_too_late_renews_nothing)
{
    lease_exists();
    beat("first", false, INT32_MAX);
    beat("second", false, INT32_MAX);
    lease_has_lapsed();
    ck_assert_int_eq(beat("first", true, INT32_MAX).fence, 1); /* nobody was there before it */
    lease_has_lapsed();
    ck_assert_int_eq(beat("second", false, INT32_MAX).fence, 2);
    ck_assert(!beat("first", true, INT32_MAX).owns);
    ck_assert_int_eq(beat("second", true, INT32_MAX).fence, 2);
}
END_TEST

/* ---- a stage ---- */

static void on_items(struct stage_item **given, size_t count, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < count; i++)
        items[item_count++] = given[i];
}

static void on_lost(unsigned partition, void *arg)
{
    (void)partition, (void)arg;
    losses++;
    while (item_count > 0)
        stage_drop(stage, items[--item_count]);
}

static void key(char text[MSG_KEY_MAX], enum priority priority, unsigned partition, void *arg)
{
    (void)arg;
    msg_key_events(text, priority, partition);
}

static void begin(void)
{
    struct stage_spec spec = {.name = PROTO_STAGE_ROUTER,
                              .priorities = PRIORITIES,
                              .key = key,
                              .ready_sql = sql_ready_events,
                              .hand_max = 100,
                              .on_items = on_items,
                              .on_lost = on_lost};

    stage = stage_new(service, store, belt, &spec);
}

static bool copied(void)
{
    return strcmp(redis_do(&belt_redis, "HGET " BELT_OWNER " fence"), "nil") != 0;
}

static unsigned seen_by_late;
static bool lost_before;

static void stall(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    usleep(1900000); /* as a process that was stopped */
}

static void some_io(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    lost_before = losses > 0;
    seen_by_late = 1;
}

/* Both are due in one turn of the loop; while the first one runs the lease ends. */
START_TEST(a_turn_that_finds_its_lease_expired_lets_go_before_any_io)
{
    int first[2], second[2];

    begin();
    until(copied() && stage_holds(stage, 0));
    ck_assert(pipe(first) == 0 && pipe(second) == 0 && write(first[1], "x", 1) == 1 &&
              write(second[1], "x", 1) == 1);
    struct event *one = event_new(base, first[0], EV_READ, stall, NULL);
    struct event *two = event_new(base, second[0], EV_READ, some_io, NULL);
    event_add(one, NULL);
    event_add(two, NULL);
    losses = 0;
    run_until(&seen_by_late, 1, "what came meanwhile");
    ck_assert(lost_before);
    event_free(one);
    event_free(two);
}
END_TEST

static void set_lease(const char *owner, const char *end)
{
    char sql[300];

    snprintf(
        sql, sizeof sql,
        "insert into leases as l (stage, partition, owner, fence, until) values ('router', 0, %s, 1, %s) on "
        "conflict (stage, partition) do update set owner = excluded.owner, fence = l.fence + 1, until = "
        "excluded.until",
        owner, end);
    ask_ok(store_db(store), DB_OWNER, sql, NULL);
}

/* Beats come once a second with leases this long. */
START_TEST(what_another_gives_back_is_taken_at_once_when_it_says_so)
{
    teardown();
    setup_with("20s");
    set_lease("'other'", "now() + interval '1 hour'");
    begin();
    until(strcmp(redis_do(&belt_redis, "XLEN handover:router"), "1") == 0); /* it says that it is there */
    for (int round = 0; round < 5; round++) {
        set_lease("null", "'-infinity'");
        int64_t told_ms = clock_mono_ms();
        redis_do(&belt_redis, "XADD handover:router MAXLEN 1 * by other");
        until(stage_partitions_held(stage) == 1);
        ck_assert_int_lt(clock_mono_ms() - told_ms, 300);
        losses = 0;
        set_lease("'other'", "now() + interval '1 hour'");
        until(losses > 0);
    }
}
END_TEST

START_TEST(without_its_copy_in_redis_an_owner_asks_postgresql_and_goes_on)
{
    begin();
    until(copied());
    redis_do(&belt_redis, "DEL " BELT_OWNER);
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 1);
    until(item_count == 1);
    ck_assert(copied());
}
END_TEST

START_TEST(below_a_higher_copy_nothing_is_read)
{
    begin();
    until(copied());
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 1);
    until(item_count == 1);
    stage_done(stage, items[--item_count]);
    until(strcmp(redis_do(&belt_redis, "XLEN " BELT_STREAM), "0") == 0);
    redis_do(&belt_redis, "HSET " BELT_OWNER " fence 99");
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 1, 2);
    run_for_ms(1500);
    ck_assert_uint_eq(item_count, 0);
    ck_assert_str_eq(redis_do(&belt_redis, "HGET " BELT_OWNER " fence"), "99");
    ck_assert_str_eq(redis_do(&belt_redis, "XLEN " BELT_STREAM), "1");
}
END_TEST

/* ---- handed out often ---- */

static char entry[64]; /* three references in one, handed out twice */

static void leave_pending(void)
{
    char line[200];

    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 0, 3);
    redis_do(&belt_redis, "XGROUP CREATE " BELT_STREAM " sync 0");
    const char *read = redis_do(&belt_redis, "XREADGROUP GROUP sync owner STREAMS " BELT_STREAM " >");
    ck_assert(sscanf(read, "[[" BELT_STREAM " [[%60[0-9-]", entry) == 1);
    snprintf(line, sizeof line, "XCLAIM " BELT_STREAM " sync owner 0 %s RETRYCOUNT 2 JUSTID", entry);
    redis_do(&belt_redis, line);
}

static void note(const char *fence, int number)
{
    char event[UUID_TEXT_LEN + 1], value[200];
    struct ref ref = belt_numbered_ref(number);
    struct stream_command *command = stream_command("HSET");

    uuid_format(&ref.event, event);
    snprintf(value, sizeof value, "%s %s %s", fence, entry, event);
    stream_add(command, BELT_OWNER);
    stream_add(command, "alone");
    stream_add(command, value);
    redis_call(&belt_redis, command);
}

static void check_next(int number, unsigned handouts)
{
    until(item_count == 1);
    run_for_ms(50);
    ck_assert_uint_eq(item_count, 1); /* nothing beside it */
    ck_assert_int_eq(items[0]->ref.seq, number);
    ck_assert_uint_eq(items[0]->handouts, handouts);
    stage_done(stage, items[--item_count]);
}

START_TEST(the_third_time_the_references_of_an_entry_come_one_by_one)
{
    leave_pending();
    begin();
    for (int number = 0; number < 3; number++)
        check_next(number, STAGE_HANDOUTS_ALONE);
    until(strcmp(redis_do(&belt_redis, "XLEN " BELT_STREAM), "0") == 0);
    belt_publish_numbers(BELT_STREAM, BELT_WINDOW, 5, 7);
    until(item_count == 2);
    ck_assert_uint_eq(items[0]->handouts, 1);
}
END_TEST

START_TEST(only_the_one_that_an_earlier_owner_began_is_to_be_parked)
{
    leave_pending();
    note("0", 1);
    begin();
    check_next(0, STAGE_HANDOUTS_ALONE);
    check_next(1, STAGE_HANDOUTS_PARK);
    check_next(2, STAGE_HANDOUTS_ALONE);
}
END_TEST

START_TEST(what_an_owner_began_itself_before_its_lease_ran_out_is_not_to_be_parked)
{
    leave_pending();
    note("1", 0); /* the fence that it is going to have */
    begin();
    check_next(0, STAGE_HANDOUTS_ALONE);
    ck_assert_int_eq(stage_fence(stage, 0), 1);
}
END_TEST

int main(void)
{
    open_log("test_stage");
    TCase *tcase = tcase_create("stage");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_lease_lasts_nine_tenths_and_others_are_told_when_it_ends);
    tcase_add_test(tcase, a_lapsed_lease_is_taken_only_when_postgresql_has_answered_for_a_whole_lease);
    tcase_add_test(tcase, a_lease_that_was_given_back_is_taken_at_once);
    tcase_add_test(tcase, who_comes_back_too_late_renews_nothing);
    tcase_add_test(tcase, a_turn_that_finds_its_lease_expired_lets_go_before_any_io);
    tcase_add_test(tcase, what_another_gives_back_is_taken_at_once_when_it_says_so);
    tcase_add_test(tcase, without_its_copy_in_redis_an_owner_asks_postgresql_and_goes_on);
    tcase_add_test(tcase, below_a_higher_copy_nothing_is_read);
    tcase_add_test(tcase, the_third_time_the_references_of_an_entry_come_one_by_one);
    tcase_add_test(tcase, only_the_one_that_an_earlier_owner_began_is_to_be_parked);
    tcase_add_test(tcase, what_an_owner_began_itself_before_its_lease_ran_out_is_not_to_be_parked);
    return run_suite("stage", &tcase, 1);
}
