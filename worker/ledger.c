/*
 * ledger.c: outcomes into PostgreSQL. All outcomes that came while one statement ran leave together with the next; only after
 * its commit are the references acknowledged. Outcomes outlive an absent PostgreSQL, and one that takes no writes (its disk is
 * full): they are kept and recorded first on its return, before anything new starts. A statement that is refused for its data is
 * split in halves until the culprit is alone.
 */
#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "service.h"
#include "sql.h"
#include "worker.h"

#define STATEMENT_MAX 500
#define WAITING_MAX \
    STATEMENT_MAX /* as many wait while a statement is under way: nothing new starts, whose outcome would be known last of all */
#define RETRY_MS 200
#define RETRY_REFUSED_MS 1000
#define TOLD_EVERY_MS 10000

struct ledger {
    struct worker *worker;
    struct work_list waiting, sent;
    size_t waiting_count, sent_count, limit;
    struct event *timer;
    bool behind;     /* outcomes wait for PostgreSQL: until all of them are recorded nothing new starts */
    int64_t told_ms; /* that they are refused; 0: they are not */
};

static void flush_in(struct ledger *ledger, int64_t ms)
{
    struct timeval after = {ms / 1000, (ms % 1000) * 1000};

    if (!evtimer_pending(ledger->timer, NULL))
        evtimer_add(ledger->timer, &after);
}

static void tell_activity(const struct work *work)
{
    for (size_t i = 0; i <= work->lead; i++) {
        const struct delivery *delivery = &work->deliveries[i];
        enum delivery_state state = ledger_state_of(work, i);
        struct ref ref = {
            .event = delivery->event, .record = work->record, .seq = delivery->seq, .type = delivery->type};
        if (state == DELIVERY_OPEN)
            continue;
        snprintf(ref.tenant, sizeof ref.tenant, "%s", delivery->tenant);
        belt_activity_add(work->worker->activity, &ref, msg_delivery_state_name(state), work->worker->name);
    }
}

static void tell_ended(struct ledger *ledger, const struct db_result *result, size_t row)
{
    struct ref ref = {0};
    enum event_status status = (enum event_status)db_get_int(result, row, db_column(result, "status"));

    db_get_uuid(result, row, db_column(result, "event_id"), &ref.event);
    db_get_uuid(result, row, db_column(result, "record_id"), &ref.record);
    snprintf(ref.tenant, sizeof ref.tenant, "%s",
             db_get_text(result, row, db_column(result, "tenant_id"), NULL));
    if (msg_event_type(db_get_text(result, row, db_column(result, "event_type"), NULL), &ref.type) == 0)
        belt_activity_add(ledger->worker->activity, &ref, msg_event_status_name(status), NULL);
}

/* Nothing waits any more. */
static void catch_up(struct ledger *ledger)
{
    if (ledger->behind)
        worker_pump_in(ledger->worker, 0);
    ledger->behind = false;
}

/* A statement of ours was committed. */
static void taken(struct ledger *ledger)
{
    if (ledger->told_ms > 0)
        log_info("outcomes recorded again", LOG_STR("stage", ledger->worker->stage_name),
                 LOG_INT("waiting", ledger->waiting_count));
    ledger->told_ms = 0;
    if (ledger->waiting_count == 0)
        catch_up(ledger);
}

static void recorded(struct ledger *ledger, const struct db_result *result)
{
    uint8_t written[256] = {0};
    struct work *work;
    int64_t soonest_ms = INT64_MAX;

    for (size_t row = 0; row < db_rows(result); row++)
        if (db_is_null(result, row, db_column(result, "partition")))
            tell_ended(ledger, result, row);
        else
            written[db_get_int(result, row, db_column(result, "partition")) & 255] = 1;
    while ((work = TAILQ_FIRST(&ledger->sent))) {
        TAILQ_REMOVE(&ledger->sent, work, link);
        if (!work->lost && !written[work->partition]) {
            work_drop_items(work); /* fenced out: its owner handles what we did not record */
            work->lost = true;
        }
        if (!work->lost)
            tell_activity(work);
        if (!work->lost && (work->result == DELIVERY_BACKOFF || work->asserts) && work->wait_ms < soonest_ms)
            soonest_ms = work->wait_ms;
        if (!work->lost && work->result != DELIVERY_BACKOFF && work->lead + 1 < work->delivery_count)
            work_go_on(work);
        else
            work_finish(work);
    }
    ledger->sent_count = 0;
    taken(ledger);
    ledger->limit = ledger->limit * 2 < STATEMENT_MAX ? ledger->limit * 2 : STATEMENT_MAX;
    if (soonest_ms < INT64_MAX)
        stage_due_in(ledger->worker->stage, soonest_ms + 1);
    stage_flush(ledger->worker->stage);
}

static void put_back(struct ledger *ledger)
{
    TAILQ_CONCAT(&ledger->sent, &ledger->waiting, link);
    TAILQ_CONCAT(&ledger->waiting, &ledger->sent, link);
    ledger->waiting_count += ledger->sent_count;
    ledger->sent_count = 0;
}

/* What the platform said cannot be stored: without its text the outcome itself can. Refused even so, the outcome is let go: the
 * delivery stays open, and holds up only itself. */
static void strip(struct ledger *ledger, struct work *work, const char *sqlstate)
{
    if (work->stripped) {
        TAILQ_REMOVE(&ledger->sent, work, link);
        ledger->sent_count--;
        work_finish(work);
        return;
    }
    work->stripped = true;
    snprintf(work->error, sizeof work->error, "the platform's answer could not be stored (%s)", sqlstate);
    free(work->learnt_id);
    work->learnt_id = NULL;
    while (work->attempts) {
        struct attempt *attempt = work->attempts;
        work->attempts = attempt->next;
        free(attempt->excerpt);
        free(attempt);
    }
}

static void refused(struct ledger *ledger, const struct db_result *result)
{
    const char *sqlstate = db_sqlstate(result);
    bool about_data = db_refused_data(sqlstate);

    if (about_data || ledger->told_ms == 0 || clock_mono_ms() - ledger->told_ms >= TOLD_EVERY_MS) {
        log_error("outcomes refused", LOG_STR("stage", ledger->worker->stage_name),
                  LOG_INT("outcomes", ledger->sent_count + ledger->waiting_count),
                  LOG_STR("sqlstate", sqlstate), LOG_STR("error", db_message(result)));
        ledger->told_ms = about_data ? ledger->told_ms : clock_mono_ms();
    }
    ledger->behind |= !about_data;
    if (about_data)
        ledger->limit = ledger->sent_count / 2 > 0 ? ledger->sent_count / 2 : 1;
    if (about_data && ledger->sent_count == 1)
        strip(ledger, TAILQ_FIRST(&ledger->sent), sqlstate);
    put_back(ledger);
    flush_in(ledger, about_data ? 1 : RETRY_REFUSED_MS);
}

static void on_recorded(enum db_status status, const struct db_result *result, void *arg)
{
    struct ledger *ledger = arg;

    if (status == DB_OK) {
        recorded(ledger, result);
        if (ledger->waiting_count > 0)
            flush_in(ledger, 0);
    } else if (status == DB_REFUSED) {
        refused(ledger, result);
    } else { /* not done, or not known: the statement is harmless when repeated */
        put_back(ledger);
        ledger->behind = true;
        flush_in(ledger, RETRY_MS);
    }
}

static void flush_cb(evutil_socket_t fd, short what, void *arg)
{
    struct ledger *ledger = arg;

    (void)fd;
    (void)what;
    if (ledger->sent_count > 0)
        return;
    if (ledger->waiting_count == 0) {
        catch_up(ledger);
        return;
    }
    if (!store_up(ledger->worker->store)) {
        ledger->behind = true; /* on_store goes on */
        return;
    }
    while (ledger->waiting_count > 0 && ledger->sent_count < ledger->limit) {
        struct work *work = TAILQ_FIRST(&ledger->waiting);
        TAILQ_REMOVE(&ledger->waiting, work, link);
        TAILQ_INSERT_TAIL(&ledger->sent, work, link);
        ledger->waiting_count--;
        ledger->sent_count++;
    }
    worker_pump_in(ledger->worker, 0); /* fewer wait */
    db_query(store_db(ledger->worker->store), DB_WRITER, sql_worker_outcome,
             ledger_params(ledger->worker, &ledger->sent), on_recorded, ledger);
}

void ledger_add(struct work *work)
{
    struct ledger *ledger = work->worker->ledger;

    work->state = WORK_RECORDING;
    TAILQ_INSERT_TAIL(&ledger->waiting, work, link);
    ledger->waiting_count++;
    if (ledger->sent_count == 0)
        flush_in(ledger, 0);
}

static void on_store(bool up, void *arg)
{
    struct ledger *ledger = arg;

    evtimer_del(ledger->timer);
    if (up)
        flush_in(ledger, 0);
    else
        ledger->behind = ledger_waiting(ledger) > 0;
}

bool ledger_is_behind(const struct ledger *ledger)
{
    return ledger->behind || ledger->waiting_count >= WAITING_MAX;
}

bool ledger_holds(const struct ledger *ledger, unsigned partition)
{
    const struct work *work;

    TAILQ_FOREACH(work, &ledger->sent, link)
    if (work->partition == partition && !work->lost)
        return true;
    TAILQ_FOREACH(work, &ledger->waiting, link)
    if (work->partition == partition && !work->lost)
        return true;
    return false;
}

size_t ledger_waiting(const struct ledger *ledger)
{
    return ledger->waiting_count + ledger->sent_count;
}

struct ledger *ledger_new(struct worker *worker)
{
    struct ledger *ledger = mem_alloc(sizeof *ledger);

    ledger->worker = worker;
    ledger->limit = STATEMENT_MAX;
    TAILQ_INIT(&ledger->waiting);
    TAILQ_INIT(&ledger->sent);
    ledger->timer = evtimer_new(service_base(worker->service), flush_cb, ledger);
    store_on_state(worker->store, on_store, ledger);
    return ledger;
}

void ledger_free(struct ledger **ledgerp)
{
    if (!*ledgerp)
        return;
    event_free((*ledgerp)->timer);
    free(*ledgerp);
    *ledgerp = NULL;
}
