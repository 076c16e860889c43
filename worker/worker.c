/*
 * worker.c: the turn of a worker: references become works (one per record), works are read in batches, and start as the gate
 * lets them. While the platform is shut off (breaker open, Retry-After) reading stops and what is in hand leaves the belt: its
 * rows stay open in PostgreSQL and come back when the gate opens.
 */
#include "worker.h"

#include <event2/event.h>

#include "bulk.h"
#include "clock.h"
#include "dispatch.h"
#include "document.h"
#include "log.h"
#include "mem.h"
#include "plan.h"
#include "service.h"
#include "sharing.h"
#include "shipment.h"
#include "sql.h"
#include "stats.h"
#include "verdict.h"
#include "verify.h"

#define READY_MAX 200 /* records whose bodies are in memory, waiting for the gate */
#define READY_MIN 8
#define HAND_MAX 4000
#define WINDOW_START 10
#define WINDOW_UNSET 10 /* MAX_CONCURRENT_SYNCS of the original: not set */
#define RETRY_MS 200
#define STATUS_MS 1000

static void pump(struct worker *worker);

void worker_pump_in(struct worker *worker, int64_t ms)
{
    struct timeval after = {ms / 1000, (ms % 1000) * 1000};

    if (ms > 0 && evtimer_pending(worker->pump_timer, NULL))
        return;
    evtimer_add(worker->pump_timer, &after);
}

static void pump_cb(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    pump(arg);
}

size_t worker_ahead(const struct worker *worker)
{
    size_t twice = 2 * (size_t)gate_limit(&worker->gate, clock_mono_ms());

    if (worker->gate.state != GATE_CLOSED)
        return READY_MIN; /* soon a tenth of the window */
    if (worker->takes_bulk || twice > READY_MAX || platform_graphql_api(worker->platform))
        return READY_MAX;
    return twice > READY_MIN ? twice : READY_MIN;
}

static void pump(struct worker *worker)
{
    int64_t now = clock_mono_ms();
    bool shut = gate_is_shut(&worker->gate, now);

    stage_pause(worker->stage, shut);
    if (shut) {
        dispatch_release(worker);
    } else if (!ledger_is_behind(worker->ledger)) { /* else it pumps when what is known is recorded */
        dispatch_start(worker);
        sharing_look(worker);
        limits_wake(worker);
        /* Repeats wait for their tenth of the window: they must not keep others from being read. */
        if (!worker->reading && worker->queued.count > 0 &&
            dispatch_waiting(worker) - worker->repeats.count < worker_ahead(worker)) {
            if (store_up(worker->store))
                worker_read_next(worker);
            else
                worker_pump_in(worker, RETRY_MS);
        }
    }
    stats_set(worker->stat_window, worker->gate.alone ? (int64_t)worker->gate.window : worker->gate.slots);
    stats_set(worker->stat_flight, worker->gate.in_flight);
    stats_set(worker->stat_state, worker->gate.state);
    if (gate_wait_ms(&worker->gate, now) > 0)
        worker_pump_in(worker, gate_wait_ms(&worker->gate, now) + 1);
}

static void on_items(struct stage_item **items, size_t count, void *arg)
{
    struct worker *worker = arg;

    for (size_t i = 0; i < count; i++) {
        const struct uuid *record = &items[i]->ref.record;
        struct work *work = map_get(worker->works, record->bytes, sizeof record->bytes);
        if (!work) {
            work = work_new(worker, items[i]);
            work->state = WORK_QUEUED;
            work_add_item(work, items[i]);
            lanes_add(&worker->queued, work);
        } else if (work->state == WORK_QUEUED) {
            work_add_item(work, items[i]); /* one reading serves them all */
        } else {
            work->again = true; /* its row stays open and is looked at after what is in hand */
            if (work->next)
                stage_done(worker->stage, items[i]);
            else
                work->next = items[i];
        }
    }
    worker_pump_in(worker, 0);
}

void worker_lose(struct work *work)
{
    struct worker *worker = work->worker;

    work_drop_items(work);
    work->again = false;
    if (work->state == WORK_RECORDING)
        return; /* its outcome is known: until that is in the tables nobody here starts the record again */
    work->lost = true;
    map_remove(worker->works, work->record.bytes, sizeof work->record.bytes);
    if (work->parked)
        limit_leave(work);
    else
        lanes_leave(work);
    switch (work->state) {
    case WORK_QUEUED:
        work_finish(work);
        break;
    case WORK_READY:
        if (work->sent > 0)
            verdict_lost(work, false);
        else
            work_finish(work);
        break;
    case WORK_SENDING:
        verdict_lost(work, shipment_leave(work));
        break;
    case WORK_READING:
    case WORK_RECORDING:
        break; /* finished when the answer comes */
    }
}

static void on_lost(unsigned partition, void *arg)
{
    struct worker *worker = arg;
    struct map_iter iter = {0};
    void *value;

    while (map_next(worker->works, &iter, NULL, NULL, &value)) {
        struct work *work = value;
        if (work->partition == partition)
            worker_lose(work);
    }
}

/* Another replica is there, or this one ends: what has not begun goes to the next owner; what is in flight ends here. */
static void on_releasing(unsigned partition, void *arg)
{
    struct worker *worker = arg;
    struct map_iter iter = {0};
    void *value;

    while (map_next(worker->works, &iter, NULL, NULL, &value)) {
        struct work *work = value;
        if (work->partition != partition || work->sent > 0 ||
            (work->state != WORK_QUEUED && work->state != WORK_READY))
            continue;
        if (work->parked)
            limit_leave(work);
        else
            lanes_leave(work);
        work->again = false;
        work_finish(work);
    }
}

static bool busy(const struct ref *ref, void *arg)
{
    struct worker *worker = arg;

    return map_get(worker->works, ref->record.bytes, sizeof ref->record.bytes) != NULL;
}

static bool unrecorded(unsigned partition, void *arg)
{
    const struct worker *worker = arg;

    return worker->ledger && ledger_holds(worker->ledger, partition);
}

static void key(char text[MSG_KEY_MAX], enum priority priority, unsigned partition, void *arg)
{
    struct worker *worker = arg;

    msg_key_deliver(text, worker->name, priority, partition);
}

static void heartbeat(void *arg)
{
    struct worker *worker = arg;

    alert_watch(worker);
    worker_pump_in(worker, 0);
}

static void register_stats(struct worker *worker)
{
    char labels[96];

    for (unsigned class = 0; class <= OUTCOME_DEAD; class ++) {
        snprintf(labels, sizeof labels, "platform=\"%s\",outcome=\"%s\"", worker->name,
                 outcome_name((enum outcome_class) class));
        worker->stat_outcome[class] =
            stats_register(STATS_COUNTER, "sync_deliveries_total", labels, "Sendings by outcome");
    }
    snprintf(labels, sizeof labels, "platform=\"%s\"", worker->name);
    worker->stat_duration =
        stats_register(STATS_HISTOGRAM, "sync_delivery_seconds", labels, "Time of one sending");
    worker->stat_window = stats_register(STATS_GAUGE, "sync_window", labels,
                                         "Requests that may be in flight together, of this replica");
    worker->stat_flight = stats_register(STATS_GAUGE, "sync_in_flight", labels, "Requests in flight");
    worker->stat_state =
        stats_register(STATS_GAUGE, "sync_breaker_state", labels, "0 closed, 1 open, 2 half open");
}

static unsigned window_max(const struct conf *conf)
{
    int64_t set =
        conf->max_concurrent_syncs != WINDOW_UNSET ? conf->max_concurrent_syncs : conf->max_http_connections;

    return (unsigned)(set < conf->max_http_connections ? set : conf->max_http_connections);
}

struct worker *worker_new(struct service *service, struct store *store, struct stream *belt,
                          struct platform_set *platforms, const char *platform)
{
    struct worker *worker = mem_alloc(sizeof *worker);
    const char *why = "";

    worker->service = service;
    worker->conf = service_conf(service);
    worker->store = store;
    worker->belt = belt;
    worker->platforms = platforms;
    worker->platform = platform_find(platforms, platform);
    worker->name = platform;
    snprintf(worker->stage_name, sizeof worker->stage_name, PROTO_STAGE_WORKER "%s", platform);
    if (backoff_parse(&worker->backoff, worker->conf->retry_schedule, &why) != 0)
        fatal("%s", why);
    gate_init(&worker->gate, WINDOW_START, window_max(worker->conf));
    worker->works = map_new();
    worker->routes = map_new();
    worker->doubts = map_new();
    lanes_init(&worker->queued);
    dispatch_init(worker);
    bulk_configure(worker);
    document_configure(worker);
    worker->limits = limits_new();
    limits_set(worker);
    register_stats(worker);
    worker->transfers = transfers_new(service_base(service), (unsigned)worker->conf->max_http_connections);
    worker->pump_timer = evtimer_new(service_base(service), pump_cb, worker);
    worker->ledger = ledger_new(worker);
    worker->alerts = alerts_new(service_base(service), store, belt, platform);
    worker->activity = belt_activity_new(service_base(service), belt, worker->conf->activity_max);
    struct stage_spec spec = {.name = worker->stage_name,
                              .priorities = PRIORITIES,
                              .key = key,
                              .ready_sql = sql_ready_deliveries,
                              .ready_argument = worker->name,
                              .hand_max = HAND_MAX,
                              .on_items = on_items,
                              .on_lost = on_lost,
                              .on_releasing = on_releasing,
                              .busy = busy,
                              .unrecorded = unrecorded,
                              .arg = worker};
    worker->stage = stage_new(service, store, belt, &spec);
    worker->sharing = sharing_new(worker);
    worker->verify = verify_new(worker);
    service_every(service, STATUS_MS, heartbeat, worker);
    return worker;
}

int worker_reload(struct worker *worker, struct platform_set *platforms)
{
    const struct platform *platform = platform_find(platforms, worker->name);
    const char *why = "";
    struct backoff backoff;

    if (!platform)
        return -1;
    if (backoff_parse(&backoff, worker->conf->retry_schedule, &why) == 0)
        worker->backoff = backoff;
    else
        log_error("the old schedule stays", LOG_STR("reason", why));
    gate_set_window_max(&worker->gate, window_max(worker->conf));
    plan_retire_set(worker, worker->platforms);
    worker->platforms = platforms;
    worker->platform = platform;
    bulk_configure(worker);
    document_configure(worker);
    limits_set(worker);
    credential_release(&worker->credential);
    return 0;
}

static void on_left(struct worker *worker)
{
    worker->drained(worker->drained_arg);
}

static void on_stage_drained(void *arg)
{
    sharing_leave(arg, on_left);
}

void worker_drain(struct worker *worker, void (*drained)(void *arg), void *arg)
{
    worker->drained = drained;
    worker->drained_arg = arg;
    verify_drain(worker->verify);
    dispatch_release(worker); /* what was not started goes to the next owner; what is in flight ends */
    stage_drain(worker->stage, on_stage_drained, worker);
}

void worker_free(struct worker **workerp)
{
    struct worker *worker = *workerp;
    struct map_iter iter = {0};
    void *value;

    if (!worker)
        return;
    transfers_free(&worker->transfers);
    verify_free(&worker->verify);
    ledger_free(&worker->ledger);
    alerts_free(&worker->alerts);
    while (map_next(worker->works, &iter, NULL, NULL, &value))
        work_free(value);
    map_free(&worker->works);
    route_pauses_free(worker);
    sharing_free(&worker->sharing);
    stage_free(&worker->stage);
    belt_activity_free(&worker->activity);
    event_free(worker->pump_timer);
    free(worker->retired);
    free(worker->limits);
    platform_set_free(&worker->platforms);
    credential_release(&worker->credential);
    free(worker);
    *workerp = NULL;
}
