/*
 * ledger_params.c: what worker_outcome.sql takes: columns of outcomes, attempts, of what the platform has, of its own ids.
 *
 * What would break: columns whose places differ from the statement's, or rows of which one column lacks a value.
 */
#include "mem.h"
#include "service.h"
#include "worker.h"

/* Does this outcome close the deliveries before the lead with it? */
enum delivery_state ledger_state_of(const struct work *work, size_t index)
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
        *error, *covered, *steps, *lost, *overtook, *asserts;
};
struct attempt_arrays {
    struct db_array *event, *tenant, *generation, *sending, *at, *duration, *status, *outcome, *error,
        *excerpt, *costs;
};
struct platform_arrays {
    struct db_array *record, *partition, *tenant, *version, *event, *started, *id, *state, *steps, *lost,
        *lost_fields;
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

static void add_time(struct db_array *array, int64_t ms)
{
    if (ms > 0)
        db_array_time(array, ms);
    else
        db_array_null(array);
}

static void add_outcomes(const struct work *work, struct outcome_arrays *a)
{
    for (size_t i = 0; i <= work->lead; i++) {
        const struct delivery *delivery = &work->deliveries[i];
        bool lead = i == work->lead;
        enum delivery_state state = ledger_state_of(work, i);
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
        add_time(a->lost, lead && state == DELIVERY_BACKOFF ? work->noted_lost_ms : 0);
        add_time(a->overtook, lead ? work->noted_overtook_ms : 0);
        db_array_text(a->asserts, lead ? work->asserts : NULL);
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
    add_time(a->lost, work->noted_lost_ms);
    db_array_text(a->lost_fields, work->noted_fields);
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

struct db_params *ledger_params(const struct worker *worker, const struct work_list *works)
{
    struct db_params *params = db_params_new();
    const struct work *work;

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
    outcomes.lost = db_add_array(params, DB_TIME), outcomes.overtook = db_add_array(params, DB_TIME);
    outcomes.asserts = db_add_array(params, DB_TEXT);
    platforms.lost = db_add_array(params, DB_TIME), platforms.lost_fields = db_add_array(params, DB_TEXT);
    TAILQ_FOREACH(work, works, link)
    {
        add_attempts(
            work, &attempts); /* it happened, whatever becomes of the state: the statement checks the fence */
        add_outcomes(work, &outcomes);
        add_platform(work, &platforms);
        add_id(work, &ids);
    }
    return params;
}
