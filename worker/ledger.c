/*
 * ledger.c: outcomes into PostgreSQL. All outcomes that came while one statement ran leave together with the next; only after
 * its commit are the references acknowledged. Outcomes outlive an absent PostgreSQL: they are kept and recorded first on its
 * return. A statement that is refused for its data is split in halves until the culprit is alone.
 */
#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "service.h"
#include "sql.h"
#include "worker.h"

#define STATEMENT_MAX 500
#define RETRY_MS 200

struct ledger {
    struct worker *worker;
    struct work_list waiting, sent;
    size_t waiting_count, sent_count, limit;
    struct event *timer;
};

static void flush_in(struct ledger *ledger, int64_t ms)
{
    struct timeval after = {ms / 1000, (ms % 1000) * 1000};

    if (!evtimer_pending(ledger->timer, NULL))
        evtimer_add(ledger->timer, &after);
}

/* Does this outcome close the deliveries before the lead with it? */
static enum delivery_state state_of(const struct work *work, size_t index)
{
    if (index == work->lead)
        return work->result;
    switch (work->result) {
    case DELIVERY_DELIVERED:
    case DELIVERY_SKIPPED:
        return DELIVERY_SUPERSEDED;
    case DELIVERY_DEAD:
        return DELIVERY_DEAD; /* what would have carried them was given up */
    default:
        return DELIVERY_OPEN; /* they wait with it */
    }
}

struct outcome_arrays {
    struct db_array *event, *partition, *generation, *state, *attempts, *sendings, *wait, *status, *duration,
        *error, *covered, *steps;
};
struct attempt_arrays {
    struct db_array *event, *tenant, *generation, *sending, *at, *duration, *status, *outcome, *error,
        *excerpt, *costs;
};
struct platform_arrays {
    struct db_array *record, *partition, *tenant, *version, *event, *started, *id, *state, *steps;
};
struct id_arrays {
    struct db_array *tenant, *type, *id, *record, *partition;
};

static int costly(const struct work *work)
{
    int costs = 0;

    for (const struct attempt *attempt = work->attempts; attempt; attempt = attempt->next)
        costs += attempt->costs;
    return costs;
}

/* Counted in a smallint: a platform that asks for another second for days must not end the worker. */
static int at_most(int count)
{
    return count < INT16_MAX ? count : INT16_MAX;
}

/* A format byte, then the text. */
static void add_body(struct db_array *array, const char *text, size_t len)
{
    struct buf body = BUF_INIT;

    if (!text) {
        db_array_null(array);
        return;
    }
    buf_add_ch(&body, BODY_PLAIN);
    buf_add(&body, text, len);
    db_array_bytes(array, body.data, body.len);
    buf_release(&body);
}

static void add_steps(struct db_array *array, const char *steps)
{
    add_body(array, steps, steps ? strlen(steps) : 0);
}

static void add_outcomes(const struct work *work, struct outcome_arrays *a)
{
    for (size_t i = 0; i <= work->lead; i++) {
        const struct delivery *delivery = &work->deliveries[i];
        bool lead = i == work->lead;
        enum delivery_state state = state_of(work, i);
        if (state == DELIVERY_OPEN)
            continue;
        db_array_uuid(a->event, &delivery->event);
        db_array_int(a->partition, work->partition);
        db_array_int(a->generation, delivery->generation);
        db_array_int(a->state, state);
        db_array_int(a->attempts, delivery->attempts + (lead ? costly(work) : 0));
        db_array_int(a->sendings, at_most(delivery->sendings + (lead ? work->sent : 0)));
        db_array_int(a->wait, lead ? work->wait_ms : 0);
        if (lead && work->http_status > 0)
            db_array_int(a->status, work->http_status);
        else
            db_array_null(a->status);
        db_array_int(a->duration, lead ? work->duration_ms : 0);
        db_array_text(a->error, *work->error ? work->error : NULL);
        db_array_uuid(a->covered, lead ? NULL : &work_lead(work)->event);
        add_steps(a->steps, lead ? work->steps_done : NULL);
    }
}

static void add_attempts(const struct work *work, struct attempt_arrays *a)
{
    for (const struct attempt *attempt = work->attempts; attempt; attempt = attempt->next) {
        db_array_uuid(a->event, &work_lead(work)->event);
        db_array_text(a->tenant, work_lead(work)->tenant);
        db_array_int(a->generation, work_lead(work)->generation);
        db_array_int(a->sending, at_most(attempt->sending));
        db_array_time(a->at, attempt->began_ms);
        db_array_int(a->duration, attempt->duration_ms);
        if (attempt->http_status > 0)
            db_array_int(a->status, attempt->http_status);
        else
            db_array_null(a->status);
        db_array_text(a->outcome, outcome_name(attempt->class));
        db_array_text(a->error, *attempt->error ? attempt->error : NULL);
        add_body(a->excerpt, attempt->excerpt, attempt->excerpt_len);
        db_array_bool(a->costs, attempt->costs);
    }
}

static void add_platform(const struct work *work, struct platform_arrays *a)
{
    bool certain = work->result == DELIVERY_DELIVERED;

    if (!work->has_record || work->sent == 0 || (!certain && work->result != DELIVERY_DEAD))
        return;
    db_array_uuid(a->record, &work->record);
    db_array_int(a->partition, work->partition);
    db_array_text(a->tenant, work_lead(work)->tenant);
    if (certain)
        db_array_int(a->version, work->record_version);
    else
        db_array_null(a->version);
    db_array_uuid(a->event, certain ? &work->record_event : NULL);
    db_array_int(a->started, work->record_version);
    db_array_text(a->id, work->learnt_id);
    db_array_text(a->state, !certain ? "failed" : work->verb == VERB_DELETE ? "deleted" : "present");
    add_steps(a->steps, work->steps_done);
}

static void add_id(const struct work *work, struct id_arrays *a)
{
    if (!work->learnt_id)
        return;
    db_array_text(a->tenant, work_lead(work)->tenant);
    db_array_text(a->type, msg_entity_name(msg_event_entity(work_lead(work)->type)));
    db_array_text(a->id, work->learnt_id);
    db_array_uuid(a->record, &work->record);
    db_array_int(a->partition, work->partition);
}

static struct outcome_arrays outcome_arrays(struct db_params *p)
{
    struct outcome_arrays a;

    a.event = db_add_array(p, DB_UUID), a.partition = db_add_array(p, DB_INT2),
    a.generation = db_add_array(p, DB_INT2);
    a.state = db_add_array(p, DB_INT2), a.attempts = db_add_array(p, DB_INT2),
    a.sendings = db_add_array(p, DB_INT2);
    a.wait = db_add_array(p, DB_INT8), a.status = db_add_array(p, DB_INT2),
    a.duration = db_add_array(p, DB_INT4);
    a.error = db_add_array(p, DB_TEXT), a.covered = db_add_array(p, DB_UUID);
    return a;
}

static struct attempt_arrays attempt_arrays(struct db_params *p)
{
    struct attempt_arrays a;

    a.event = db_add_array(p, DB_UUID), a.tenant = db_add_array(p, DB_TEXT),
    a.generation = db_add_array(p, DB_INT2);
    a.sending = db_add_array(p, DB_INT2), a.at = db_add_array(p, DB_TIME),
    a.duration = db_add_array(p, DB_INT4);
    a.status = db_add_array(p, DB_INT2), a.outcome = db_add_array(p, DB_TEXT),
    a.error = db_add_array(p, DB_TEXT);
    a.excerpt = db_add_array(p, DB_BYTEA), a.costs = db_add_array(p, DB_BOOL);
    return a;
}

static struct platform_arrays platform_arrays(struct db_params *p)
{
    struct platform_arrays a;

    a.record = db_add_array(p, DB_UUID), a.partition = db_add_array(p, DB_INT2),
    a.tenant = db_add_array(p, DB_TEXT);
    a.version = db_add_array(p, DB_INT8), a.event = db_add_array(p, DB_UUID),
    a.started = db_add_array(p, DB_INT8);
    a.id = db_add_array(p, DB_TEXT), a.state = db_add_array(p, DB_TEXT);
    return a;
}

static struct id_arrays id_arrays(struct db_params *p)
{
    struct id_arrays a;

    a.tenant = db_add_array(p, DB_TEXT), a.type = db_add_array(p, DB_TEXT), a.id = db_add_array(p, DB_TEXT);
    a.record = db_add_array(p, DB_UUID), a.partition = db_add_array(p, DB_INT2);
    return a;
}

static struct db_params *parameters(struct ledger *ledger)
{
    struct worker *worker = ledger->worker;
    struct db_params *params = db_params_new();
    struct work *work;

    db_add_text(params, worker->stage_name);
    db_add_text(params, service_instance(worker->service));
    stage_add_fences(worker->stage, params);
    db_add_text(params, service_instance(worker->service));
    db_add_text(params, worker->name);
    struct outcome_arrays outcomes = outcome_arrays(params);
    struct attempt_arrays attempts = attempt_arrays(params);
    struct platform_arrays platforms = platform_arrays(params);
    struct id_arrays ids = id_arrays(params);
    outcomes.steps = db_add_array(params, DB_BYTEA), platforms.steps = db_add_array(params, DB_BYTEA);
    TAILQ_FOREACH(work, &ledger->sent, link)
    {
        add_attempts(
            work, &attempts); /* it happened, whatever becomes of the state: the statement checks the fence */
        add_outcomes(work, &outcomes);
        add_platform(work, &platforms);
        add_id(work, &ids);
    }
    return params;
}

static void tell_activity(const struct work *work)
{
    for (size_t i = 0; i <= work->lead; i++) {
        const struct delivery *delivery = &work->deliveries[i];
        enum delivery_state state = state_of(work, i);
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
        if (!work->lost && work->result == DELIVERY_BACKOFF && work->wait_ms < soonest_ms)
            soonest_ms = work->wait_ms;
        if (!work->lost && work->result != DELIVERY_BACKOFF && work->lead + 1 < work->delivery_count)
            work_go_on(work);
        else
            work_finish(work);
    }
    ledger->sent_count = 0;
    ledger->limit = ledger->limit * 2 < STATEMENT_MAX ? ledger->limit * 2 : STATEMENT_MAX;
    if (soonest_ms < INT64_MAX)
        stage_ready_in(ledger->worker->stage, soonest_ms + 1);
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
    bool about_data =
        strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0 || strncmp(sqlstate, "54", 2) == 0;

    log_error("outcomes refused", LOG_INT("outcomes", ledger->sent_count), LOG_STR("sqlstate", sqlstate),
              LOG_STR("error", db_message(result)));
    if (about_data)
        ledger->limit = ledger->sent_count / 2 > 0 ? ledger->sent_count / 2 : 1;
    if (about_data && ledger->sent_count == 1)
        strip(ledger, TAILQ_FIRST(&ledger->sent), sqlstate);
    put_back(ledger);
    flush_in(ledger, about_data ? 1 : RETRY_MS);
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
        flush_in(ledger, RETRY_MS);
    }
}

static void flush_cb(evutil_socket_t fd, short what, void *arg)
{
    struct ledger *ledger = arg;

    (void)fd;
    (void)what;
    if (ledger->sent_count > 0 || ledger->waiting_count == 0)
        return;
    if (!store_up(ledger->worker->store)) {
        flush_in(ledger, RETRY_MS);
        return;
    }
    while (ledger->waiting_count > 0 && ledger->sent_count < ledger->limit) {
        struct work *work = TAILQ_FIRST(&ledger->waiting);
        TAILQ_REMOVE(&ledger->waiting, work, link);
        TAILQ_INSERT_TAIL(&ledger->sent, work, link);
        ledger->waiting_count--;
        ledger->sent_count++;
    }
    db_query(store_db(ledger->worker->store), DB_WRITER, sql_worker_outcome, parameters(ledger), on_recorded,
             ledger);
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
