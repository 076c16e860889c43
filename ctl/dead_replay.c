/*
 * dead_replay.c: syncctl dead replay: what was given up is sent again, as POST /sync/events/{id}/retry does it: a new delivery
 * of the current record, under a new webhook-id.
 *
 * Many go in pages, by tenant and oldest event first, each page in one transaction and no faster than --rate. What dies again
 * meanwhile is not met again, because it lies behind; cut short, the same command goes on, because what was replayed is not dead.
 */
#include <unistd.h>

#include "auth.h"
#include "clock.h"
#include "dead.h"
#include "mem.h"
#include "row.h"
#include "sql.h"
#include "store.h"
#include "text.h"
#include "uuid.h"

#define PAGE 100
#define RATE_MAX 10000
#define TELL_EVERY_MS 1000
#define WRITER "syncctl" /* whose row of the counters changes */

struct replay {
    struct stores *stores;
    struct conf conf;
    const char *id, *tenant, *platform;
    int64_t since_ms, rate;
    bool dry_run;
    /* one page */
    struct uuid events[PAGE];
    size_t count;
    /* in all */
    char last_tenant[AUTH_TENANT_MAX + 1]; /* the place of the last one that was read */
    struct uuid last;
    struct uuid lowest;
    int64_t found, deliveries, rerouted, overtaken;
    int64_t began_ms, told_ms;
};

/* ---- the belt ---- */

void dead_publish(struct stores *stores, const struct conf *conf, const struct db_result *result, size_t row)
{
    const char *target = db_get_text(result, row, db_column(result, "target"), NULL);
    unsigned partition = (unsigned)db_get_int(result, row, db_column(result, "partition"));
    enum priority priority = (enum priority)db_get_int(result, row, db_column(result, "priority"));
    struct belt_call *call;
    char key[MSG_KEY_MAX];
    struct ref ref;

    if (stores_redis_failed(stores))
        return;
    store_read_ref(result, row, &ref);
    if (target)
        msg_key_deliver(key, target, priority, partition);
    else
        msg_key_events(key, priority, partition);
    call = belt_call_new(partition);
    belt_publish(call, key, conf->stream_window * 9 / 10, &ref);
    stores_publish(stores, call);
}

/* ---- one event ---- */

/* A row per target to publish, or one without target: the event goes to the router, or nothing of it was dead any more. */
static void on_replayed(const struct db_result *result, void *arg)
{
    struct replay *replay = arg;
    int rerouted = db_column(result, "rerouted"), target = db_column(result, "target");

    for (size_t row = 0; row < db_rows(result); row++) {
        if (db_get_bool(result, row, rerouted))
            replay->rerouted++;
        else if (!db_is_null(result, row, target))
            replay->deliveries++;
        else
            replay->overtaken++;
        if (db_get_bool(result, row, rerouted) || !db_is_null(result, row, target))
            dead_publish(replay->stores, &replay->conf, result, row);
    }
}

/* The page, in one transaction. */
static int replay_page(struct replay *replay)
{
    struct db_params *params = db_params_new();
    struct db_array *events = db_add_array(params, DB_UUID);

    for (size_t i = 0; i < replay->count; i++)
        db_array_uuid(events, &replay->events[i]);
    db_add_null(params, DB_TEXT);
    db_add_null(params, DB_TEXT);
    db_add_text(params, WRITER);
    db_add_text(params, replay->platform);
    stores_ask(replay->stores, DB_WRITER, sql_retry_event, params, on_replayed, replay);
    return stores_postgres_failed(replay->stores) ? -1 : 0; /* Redis may fail: the owners find the rows */
}

/* How many of its deliveries are dead, to the platform asked for or to all. */
static size_t count_dead(const struct replay *replay, const struct json *event)
{
    const struct json *deliveries = json_get(event, "deliveries");
    size_t dead = 0;

    for (size_t i = 0; i < json_count(deliveries); i++) {
        const struct json *row = json_at(deliveries, i);
        if (replay->platform && strcmp(row_text(row, "target"), replay->platform) != 0)
            continue;
        dead += strcmp(row_text(row, "state"), "dead") == 0;
        if (replay->dry_run && strcmp(row_text(row, "state"), "dead") == 0)
            printf("event %s to %s would be replayed\n", row_text(event, "event_id"),
                   row_text(row, "target"));
    }
    return dead;
}

static int replay_event(struct replay *replay)
{
    struct json *event = dead_find_event(replay->stores, replay->id);
    const char *id;
    int code;

    if (!event)
        return 1;
    id = row_text(event, "event_id");
    replay->count = 1;
    uuid_parse(&replay->events[0], id, strlen(id));
    if (count_dead(replay, event) == 0) {
        code = ctl_fail("nothing of event %s%s%s is dead; see syncctl dead show", id,
                        replay->platform ? " to " : "", replay->platform ? replay->platform : "");
    } else if (replay->dry_run) {
        code = 0;
    } else {
        code = replay_page(replay) ? 1 : 0;
        if (code == 0)
            printf(replay->rerouted
                       ? "event %s is routed anew\n"
                       : "event %s is sent again to %lld of its targets, under new webhook-ids\n",
                   id, (long long)replay->deliveries);
    }
    json_free(event);
    return code;
}

/* ---- many ---- */

static void on_page(const struct db_result *result, void *arg)
{
    struct replay *replay = arg;

    replay->count = db_rows(result);
    for (size_t row = 0; row < replay->count; row++)
        db_get_uuid(result, row, db_column(result, "event_id"), &replay->events[row]);
    if (replay->count == 0)
        return;
    replay->last = replay->events[replay->count - 1];
    snprintf(replay->last_tenant, sizeof replay->last_tenant, "%s",
             db_get_text(result, replay->count - 1, db_column(result, "tenant_id"), NULL));
}

static int read_page(struct replay *replay)
{
    struct db_params *params = db_params_new();

    replay->count = 0;
    db_add_text(params, replay->tenant);
    db_add_text(params, replay->platform);
    db_add_text(params, replay->last_tenant);
    db_add_uuid(params, &replay->last);
    db_add_uuid(params, &replay->lowest);
    db_add_int(params, replay->rate < PAGE ? replay->rate : PAGE);
    if (stores_ask(replay->stores, DB_READER, sql_ctl_dead_page, params, on_page, replay) != 0)
        return -1;
    replay->found += (int64_t)replay->count;
    return 0;
}

static void tell(struct replay *replay)
{
    if (replay->dry_run) {
        printf("%lld would be replayed\n", (long long)replay->found);
        return;
    }
    printf("%lld replayed", (long long)replay->deliveries);
    if (replay->rerouted > 0)
        printf(", %lld routed anew", (long long)replay->rerouted);
    if (replay->overtaken > 0)
        printf(", %lld no longer dead meanwhile", (long long)replay->overtaken);
    putchar('\n');
    fflush(stdout);
}

/* So that what was replayed since the beginning is never above the rate. */
static void pace(const struct replay *replay)
{
    int64_t due_ms = replay->began_ms + replay->found * 1000 / replay->rate, now_ms = clock_mono_ms();

    if (due_ms > now_ms)
        usleep((useconds_t)(due_ms - now_ms) * 1000);
}

static int replay_paced(struct replay *replay)
{
    if (replay_page(replay) != 0)
        return -1;
    if (clock_mono_ms() - replay->told_ms >= TELL_EVERY_MS) {
        replay->told_ms = clock_mono_ms();
        tell(replay);
    }
    pace(replay);
    return 0;
}

static int replay_many(struct replay *replay)
{
    int failed;

    uuid_v7_floor(&replay->lowest, replay->since_ms);
    if (replay->since_ms == 0)
        memset(replay->lowest.bytes, 0, sizeof replay->lowest.bytes);
    replay->began_ms = replay->told_ms = clock_mono_ms();
    while ((failed = read_page(replay)) == 0 && replay->count > 0)
        if (!replay->dry_run && (failed = replay_paced(replay)) != 0)
            break;
    tell(replay);
    return failed ? 1 : 0;
}

/* ---- the command ---- */

static int run(struct replay *replay)
{
    int code;

    if (!replay->dry_run && !stores_redis_up(replay->stores))
        ctl_fail("what is replayed goes out when Redis is back: the owners of the partitions find it by "
                 "themselves");
    if (replay->id && dead_parked_number(replay->id) > 0)
        code = dead_parked_replay(replay->stores, &replay->conf, replay->id, replay->dry_run);
    else if (replay->id)
        code = replay_event(replay);
    else
        code = replay_many(replay);
    return fflush(stdout) ? ctl_fail("the output cannot be written") : code;
}

static int check(const struct replay *replay)
{
    if (replay->id && (replay->tenant || replay->since_ms))
        return ctl_fail("dead replay takes an ID, or --tenant and --platform; not both");
    if (!replay->id && (!replay->tenant || !replay->platform))
        return ctl_fail("dead replay needs an ID, or --tenant and --platform; see syncctl --help");
    return 0;
}

int dead_replay(int argc, char **argv)
{
    const char *since = NULL, *rate = "200";
    struct replay replay = {.dry_run = false};
    const struct ctl_option options[] = {{"tenant", &replay.tenant, false},
                                         {"platform", &replay.platform, false},
                                         {"since", &since, false},
                                         {"rate", &rate, false},
                                         {NULL, NULL, false}};
    int code = 1;

    argc = ctl_take_flag(argc, argv, "--dry-run", &replay.dry_run);
    replay.id = dead_take_id(&argc, &argv);
    if (ctl_read_options(options, argc, argv) || dead_read_since(since, &replay.since_ms) ||
        dead_read_number("rate", rate, RATE_MAX, &replay.rate) || check(&replay))
        return CTL_USAGE;
    replay.tenant = dead_tenant(replay.tenant);
    if (ctl_load(&replay.conf))
        return 1;
    if ((replay.stores = stores_open(&replay.conf))) {
        code = run(&replay);
        stores_close(&replay.stores);
    }
    conf_release(&replay.conf);
    return code;
}
