/* sharing.c: see sharing.h. */
#include "sharing.h"

#include <event2/event.h>

#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "dispatch.h"
#include "log.h"
#include "mem.h"
#include "service.h"
#include "sql.h"
#include "stats.h"
#include "verify.h"
#include "worker.h"

#define BEAT_ALONE_MS 1000
#define BEAT_SHARED_MS 300
#define LENT_MS 900  /* with others: what was lent at a beat may be used so long after it was sent */
#define TRIES_MAX 10 /* of one beat, when others are faster */
#define SEEN_EVERY_MS 5000
#define HELD_SLACK_MS 20 /* by so much two processes' ideas of the database's time may differ */
#define WINDOW_START 10

struct sharing {
    struct worker *worker;
    struct event *timer;
    int64_t due_ms;     /* when the timer fires */
    struct share share; /* as read or written last, */
    int64_t number;     /* and its number */
    int64_t written_ms, sent_ms;
    bool beating, again;
    unsigned tries;
    bool probe_asked;
    int64_t held_until_ms; /* database time; told while it lasts */
    void (*left)(struct worker *worker);
    /* the beat under way */
    struct share next;
    struct share_report report;
    struct share_demand demands[SHARE_RATES_MAX];
    struct share_slice slice;
    bool writes, tells_seen;
    int64_t ok_ms;
};

static void beat(struct sharing *sharing);

static void arm(struct sharing *sharing, int64_t due_ms)
{
    int64_t wait = due_ms - clock_mono_ms();
    struct timeval after = {wait > 0 ? wait / 1000 : 0, wait > 0 ? wait % 1000 * 1000 : 0};

    sharing->due_ms = due_ms;
    evtimer_add(sharing->timer, &after);
}

/* Not all in step: who comes first would always find more. */
static int64_t jittered(int64_t ms)
{
    uint32_t bits;

    digest_random(&bits, sizeof bits);
    return ms * 4 / 5 + (int64_t)(bits % (uint32_t)(ms * 2 / 5));
}

static int64_t life_ms(const struct sharing *sharing)
{
    return sharing->worker->conf->lease_seconds;
}

static void arm_next(struct sharing *sharing)
{
    struct worker *worker = sharing->worker;
    bool often = !worker->gate.alone || limits_wait(worker);
    int64_t alone_ms = life_ms(sharing) / 5 < BEAT_ALONE_MS ? life_ms(sharing) / 5 : BEAT_ALONE_MS;

    arm(sharing, clock_mono_ms() + jittered(often && BEAT_SHARED_MS < alone_ms ? BEAT_SHARED_MS : alone_ms));
}

void sharing_beat_in(struct worker *worker, int64_t ms)
{
    struct sharing *sharing = worker->sharing;

    if (!sharing)
        return;
    if (sharing->beating)
        sharing->again = true;
    else if (sharing->sent_ms + ms < sharing->due_ms)
        arm(sharing, ms > 0 ? sharing->sent_ms + ms : clock_mono_ms());
}

/* ── what is told ── */

static void collect(struct sharing *sharing)
{
    struct worker *worker = sharing->worker;

    sharing->report = (struct share_report){.owner = service_instance(worker->service),
                                            .leaving = sharing->left != NULL,
                                            .alone = worker->gate.alone,
                                            .life_ms = life_ms(sharing),
                                            .window_max = worker->gate.window_max,
                                            .window_start = WINDOW_START,
                                            .news = gate_tell(&worker->gate),
                                            .held_until_ms = sharing->held_until_ms,
                                            .demands = sharing->demands,
                                            .demand_count = limits_ask(worker, sharing->demands)};
}

/* As it is at this moment; what is told of the past stays. */
static void look_again(struct sharing *sharing)
{
    struct worker *worker = sharing->worker;
    const struct gate *gate = &worker->gate;
    struct share_report *report = &sharing->report;
    size_t waiting = dispatch_waiting(worker) + worker->queued.count;

    report->in_flight = gate->in_flight;
    report->repeats_in_flight = worker->repeats_in_flight;
    report->need = gate->in_flight + (unsigned)(waiting < gate->window_max ? waiting : gate->window_max);
    report->seen = gate_seen_lately(gate, clock_mono_ms(), &report->ok);
    report->probes = gate->state == GATE_HALF_OPEN && waiting + gate->in_flight > 0;
}

static bool is_news(const struct gate_news *news)
{
    return news->opened || news->probe_failed || news->closed || news->shrank || news->earned > 0;
}

/* Alone, nothing new, and the others would still count with what was said last: it is enough to look. */
static bool is_quiet(const struct sharing *sharing)
{
    const struct share_report *report = &sharing->report;
    bool paused = sharing->share.held_until_ms > 0 && sharing->share.held_until_ms <= clock_db_ms();

    return report->alone && sharing->slice.alone && !report->leaving && !is_news(&report->news) &&
           report->demand_count == 0 && !sharing->tells_seen && !paused &&
           report->held_until_ms <= sharing->share.held_until_ms &&
           sharing->share.breaker == sharing->next.breaker && report->news.state == GATE_CLOSED &&
           sharing->sent_ms - sharing->written_ms < life_ms(sharing) / 2;
}

/* What people see in the row. */
static void add_state(const struct sharing *sharing, struct db_params *params)
{
    const struct share *next = &sharing->next;
    const struct gate_news *news = &sharing->report.news;

    if (next->held_until_ms > 0) {
        db_add_text(params, "paused");
        db_add_text(params, "the platform named a time in Retry-After");
        db_add_int(params, next->held_until_ms);
        return;
    }
    db_add_text(params, gate_state_name(next->breaker));
    db_add_text(params, news->opened || news->probe_failed ? sharing->worker->breaker_reason : NULL);
    db_add_int(params, next->breaker == GATE_OPEN ? next->open_until_ms : 0);
}

static void on_beat(enum db_status status, const struct db_result *result, void *arg);

static void send_step(struct sharing *sharing)
{
    struct worker *worker = sharing->worker;
    struct db_params *params = db_params_new();
    struct buf text = BUF_INIT;

    look_again(sharing);
    sharing->sent_ms = clock_mono_ms();
    sharing->ok_ms = worker->ok_ms;
    sharing->tells_seen = worker->ok_ms >= worker->told_ok_ms + SEEN_EVERY_MS;
    sharing->next = sharing->share;
    share_step(&sharing->next, &sharing->report, clock_db_ms(), &sharing->slice);
    gate_yield(&worker->gate, &sharing->slice);
    sharing->writes = !is_quiet(sharing);
    db_add_text(params, worker->name);
    db_add_int(params, sharing->number);
    if (sharing->writes)
        share_write(&text, &sharing->next);
    db_add_text(params, sharing->writes ? text.data : NULL);
    add_state(sharing, params);
    db_add_bool(params, sharing->tells_seen);
    buf_release(&text);
    db_query(store_db(worker->store), DB_WRITER, sql_platform_share, params, on_beat, sharing);
}

static void beat(struct sharing *sharing)
{
    if (sharing->beating || !store_up(sharing->worker->store)) {
        sharing->again = sharing->beating;
        arm_next(sharing);
        return;
    }
    sharing->beating = true;
    sharing->again = false;
    sharing->tries = 0;
    collect(sharing);
    send_step(sharing);
}

static void beat_cb(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    beat(arg);
}

/* ── what comes back ── */

static void follow(struct sharing *sharing)
{
    struct worker *worker = sharing->worker;
    const struct share_slice *slice = &sharing->slice;
    enum gate_state before = worker->gate.state;
    int64_t until = sharing->sent_ms + LENT_MS;

    if (slice->alone)
        until = sharing->written_ms + life_ms(sharing) * 9 / 10;
    gate_follow(&worker->gate, slice, clock_mono_ms(), until);
    limits_lent(worker, sharing->demands, sharing->report.demand_count, sharing->sent_ms + RATE_LENT_MS,
                slice->live);
    if (sharing->held_until_ms <= clock_db_ms())
        sharing->held_until_ms = 0;
    if (before != worker->gate.state && (before == GATE_CLOSED || worker->gate.state == GATE_CLOSED))
        log_info("breaker", LOG_STR("platform", worker->name), LOG_STR("from", gate_state_name(before)),
                 LOG_STR("to", gate_state_name(worker->gate.state)),
                 LOG_STR("error", "as another replica found"));
}

static void read_row(struct sharing *sharing, const struct db_result *result)
{
    size_t len;
    const char *text = db_get_text(result, 0, db_column(result, "shared"), &len);

    if (share_read(&sharing->share, text ? text : "{}", text ? len : 2) != 0)
        log_error("what replicas share cannot be read and begins anew",
                  LOG_STR("platform", sharing->worker->name));
    sharing->number = db_get_int(result, 0, db_column(result, "number"));
}

/* True: the step counts. False: another replica was faster, and what it wrote is read. */
static bool take_answer(struct sharing *sharing, const struct db_result *result)
{
    int written = db_column(result, "written");

    if (sharing->writes && !db_is_null(result, 0, written)) {
        sharing->share = sharing->next;
        sharing->number = db_get_int(result, 0, written);
        sharing->written_ms = sharing->sent_ms;
        if (sharing->tells_seen)
            sharing->worker->told_ok_ms = sharing->ok_ms;
        return true;
    }
    if (!sharing->writes && sharing->number == db_get_int(result, 0, db_column(result, "number")))
        return true;
    read_row(sharing, result);
    return false;
}

static void end_beat(struct sharing *sharing)
{
    void (*left)(struct worker * worker) = sharing->left;

    sharing->beating = false;
    if (left && sharing->report.leaving) {
        sharing->left = NULL;
        event_del(sharing->timer);
        left(sharing->worker);
        return;
    }
    arm_next(sharing);
    if (sharing->again)
        arm(sharing, clock_mono_ms());
    worker_pump_in(sharing->worker, 0);
}

static void on_beat(enum db_status status, const struct db_result *result, void *arg)
{
    struct sharing *sharing = arg;
    struct worker *worker = sharing->worker;

    if (status == DB_REFUSED)
        log_error("shared limits refused", LOG_STR("platform", worker->name),
                  LOG_STR("error", db_message(result)));
    if (status != DB_OK) { /* tokens that were to be given back are lost: better than twice there */
        gate_tell_again(&worker->gate, &sharing->report.news);
        end_beat(sharing);
        return;
    }
    route_pauses_seen(worker, result);
    if (take_answer(sharing, result)) {
        follow(sharing);
    } else if (++sharing->tries < TRIES_MAX) {
        send_step(sharing);
        return;
    } else {
        gate_tell_again(&worker->gate, &sharing->report.news);
        sharing->again = true;
    }
    end_beat(sharing);
}

/* ── from the worker ── */

void sharing_hold(struct worker *worker, int64_t wait_ms)
{
    struct sharing *sharing = worker->sharing;
    int64_t until_ms = clock_db_ms() + wait_ms + HELD_SLACK_MS;
    bool fresh = sharing->held_until_ms <= clock_db_ms();

    if (until_ms > sharing->held_until_ms)
        sharing->held_until_ms = until_ms;
    sharing_beat_in(worker, fresh ? 0 : BEAT_SHARED_MS); /* those in flight say it once more each */
}

void sharing_look(struct worker *worker)
{
    struct sharing *sharing = worker->sharing;
    bool asks = worker->gate.state == GATE_HALF_OPEN && !worker->gate.probe &&
                (dispatch_waiting(worker) > 0 || verify_wants(worker->verify));

    if (asks && !sharing->probe_asked)
        sharing_beat_in(worker, 0);
    sharing->probe_asked = asks;
}

void sharing_leave(struct worker *worker, void (*left)(struct worker *worker))
{
    worker->sharing->left = left;
    if (store_up(worker->store)) {
        sharing_beat_in(worker, 0);
        return;
    }
    worker->sharing->left = NULL;
    left(worker);
}

struct sharing *sharing_new(struct worker *worker)
{
    struct sharing *sharing = mem_alloc(sizeof *sharing);

    sharing->worker = worker;
    sharing->timer = evtimer_new(service_base(worker->service), beat_cb, sharing);
    gate_share(&worker->gate);
    arm(sharing, clock_mono_ms());
    return sharing;
}

void sharing_free(struct sharing **sharing)
{
    if (!*sharing)
        return;
    event_free((*sharing)->timer);
    free(*sharing);
    *sharing = NULL;
}
