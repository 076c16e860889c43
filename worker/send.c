/*
 * send.c: one work's request: the body is built now, from the record as it is; then headers, signature, transfer, and what the
 * answer means for the work.
 */
#include "clock.h"
#include "delivery.h"
#include "digest.h"
#include "log.h"
#include "mem.h"
#include "service.h"
#include "stats.h"
#include "worker.h"

#define EXCERPT_MAX 2048

static void conclude(struct work *work, enum delivery_state result, const char *error)
{
    work->result = result;
    if (error && error != work->error)
        snprintf(work->error, sizeof work->error, "%s", error);
    work_forget_content(work); /* hundreds may wait for the next statement */
    ledger_add(work);
}

/* What goes out now, from the record as it is. */
static struct delivery_source source_of(const struct work *work, const struct platform_route *route)
{
    const struct delivery *lead = work_lead(work);
    bool update = work->verb == VERB_UPDATE && work->certain_version > 0 && !work->turned && !route->full;

    return (struct delivery_source){.target = work->worker->platform,
                                    .platforms = work->worker->platforms,
                                    .event = lead->event,
                                    .type = lead->type,
                                    .verb = work->verb,
                                    .generation = lead->generation,
                                    .source_platform = lead->source,
                                    .tenant = lead->tenant,
                                    .user_id = lead->user_id,
                                    .created_ms = lead->created_ms,
                                    .has_record = work->has_record,
                                    .record = work->record,
                                    .version = work->record_version,
                                    .data = work->data,
                                    .notes = work->notes,
                                    .base = update ? work->base : NULL,
                                    .base_seq = work->base_seq};
}

/* The route's path of what will be called. */
static const struct platform_route *route_of(const struct work *work)
{
    return platform_route(work->worker->platform, work_lead(work)->type, work->verb);
}

static void keep_attempt(struct work *work, const struct outcome *outcome, const struct answer *answer)
{
    struct attempt *attempt = mem_alloc(sizeof *attempt);
    size_t excerpt = answer->body_len < EXCERPT_MAX ? answer->body_len : EXCERPT_MAX;
    int before = 0;

    for (const struct attempt *at = work->attempts; at; at = at->next)
        before++;
    attempt->sending = work_lead(work)->sendings + before + 1;
    attempt->began_ms = work->began_ms;
    attempt->duration_ms = answer->duration_us / 1000;
    attempt->http_status = answer->status;
    attempt->costs = outcome->costs;
    attempt->class = outcome->class;
    snprintf(attempt->error, sizeof attempt->error, "%s", outcome->error);
    if (excerpt > 0) {
        attempt->excerpt = mem_alloc(excerpt);
        memcpy(attempt->excerpt, answer->body, excerpt);
        attempt->excerpt_len = excerpt;
    }
    attempt->next = work->attempts;
    work->attempts = attempt;
}

static void log_delivery(const struct work *work, const struct answer *answer, const struct outcome *outcome)
{
    const struct delivery *lead = work_lead(work);
    char event[UUID_TEXT_LEN + 1];

    uuid_format(&lead->event, event);
    log_info("delivery", LOG_STR("event", event), LOG_STR("target", work->worker->name),
             LOG_STR("type", msg_event_type_name(lead->type)), LOG_STR("verb", msg_verb_name(work->verb)),
             LOG_INT("version", work->record_version), LOG_INT("attempt", lead->sendings + 1),
             LOG_INT("status", answer->status), LOG_STR("outcome", outcome_name(outcome->class)),
             LOG_INT("ms", answer->duration_us / 1000), LOG_STR("error", outcome->error));
    stats_add(work->worker->stat_outcome[outcome->class], 1);
    stats_observe_us(work->worker->stat_duration, answer->duration_us);
}

static uint64_t record_number(const struct work *work)
{
    uint64_t number;

    memcpy(&number, work->record.bytes + 8, sizeof number);
    return number;
}

/* The gate learns; true when the failure is the platform's, so that it costs no attempt. */
static bool tell_gate(struct work *work, const struct answer *answer, const struct outcome *outcome)
{
    struct worker *worker = work->worker;
    int64_t now = clock_mono_ms();
    enum gate_state before = worker->gate.state;
    bool excused = false;

    if (outcome->platform_ok)
        worker->ok_ms = now;

    if (work_lead(work)->sendings > 0)
        worker->repeats_in_flight--;
    if (answer->status == 429)
        gate_slow_down(&worker->gate, now);
    else if (outcome->platform_failed)
        excused = gate_failed(&worker->gate, record_number(work), now);
    else if (outcome->platform_ok)
        gate_ok(&worker->gate, record_number(work), now);
    else
        gate_neutral(&worker->gate);
    if ((answer->status == 429 || answer->status == 503) && answer->retry_after_ms > 0) {
        gate_hold(&worker->gate, now + answer->retry_after_ms);
        worker->held = true;
        platform_status_write(worker, "", "paused", "the platform named a time in Retry-After",
                              answer->retry_after_ms);
    } else if (worker->held && outcome->platform_ok && !gate_is_shut(&worker->gate, now)) {
        worker->held = false;
        platform_status_write(worker, "", gate_state_name(worker->gate.state), NULL, 0);
    } else if (before != worker->gate.state) {
        log_warn("breaker", LOG_STR("platform", worker->name), LOG_STR("from", gate_state_name(before)),
                 LOG_STR("to", gate_state_name(worker->gate.state)), LOG_STR("error", outcome->error));
        platform_status_write(worker, "", gate_state_name(worker->gate.state), outcome->error,
                              worker->gate.state == GATE_OPEN ? worker->gate.open_wait_ms : 0);
    }
    return excused;
}

static uint32_t random_bits(void)
{
    uint32_t bits;

    digest_random(&bits, sizeof bits);
    return bits;
}

/* Again later at no cost: bounded by OUTAGE_LIMIT. */
static void wait_out(struct work *work, const char *error)
{
    if (clock_db_ms() - work_lead(work)->created_ms <= work->worker->conf->outage_limit) {
        conclude(work, DELIVERY_BACKOFF, error);
        return;
    }
    snprintf(work->error, sizeof work->error, "outage: %.240s", error);
    conclude(work, DELIVERY_DEAD, work->error);
}

/* Again later, or given up: attempts that cost are counted. */
static void again_later(struct work *work, const struct answer *answer, struct outcome *outcome)
{
    const struct delivery *lead = work_lead(work);
    struct worker *worker = work->worker;
    int spent = lead->attempts + (outcome->costs ? 1 : 0);

    if (spent > lead->max_retries) {
        conclude(work, DELIVERY_DEAD, outcome->error);
        return;
    }
    work->wait_ms = backoff_wait_ms(&worker->backoff, (unsigned)(spent > 0 ? spent : 1), random_bits());
    if (answer->retry_after_ms >= 0)
        work->wait_ms = answer->retry_after_ms + random_bits() % 500;
    if (outcome->costs)
        conclude(work, DELIVERY_BACKOFF, outcome->error);
    else
        wait_out(work, outcome->error);
}

/* The platform's own id of the record, from the answer to a create. */
static void learn_id(struct work *work, const struct answer *answer)
{
    struct json_error error;
    struct json *json;
    const char *id;
    bool ok;

    if (!work->has_record || work->verb != VERB_CREATE || answer->body_len < 2 || answer->body[0] != '{')
        return;
    json = json_parse(answer->body, answer->body_len, JSON_DEPTH_MAX, &error, &ok);
    if (ok && (id = json_text(json_get(json, "id"), NULL)) && *id && strlen(id) <= 256 &&
        strcmp(id, work->record_entity_id) != 0)
        work->learnt_id = mem_strdup(id);
    json_free(json);
}

static void turn(struct work *work, enum verb verb)
{
    work->turned = true;
    work->verb = verb;
    if (stage_holds(work->worker->stage, work->partition))
        send_start(work);
    else
        conclude(work, DELIVERY_OPEN,
                 NULL); /* nothing more is started: the partition may be another's by now */
}

static void on_answer(const struct answer *answer, void *arg)
{
    struct work *work = arg;
    const struct platform_route *route = route_of(work);
    struct outcome outcome;

    work->transfer = NULL;
    work->http_status = answer->status;
    work->duration_ms = answer->duration_us / 1000;
    outcome_judge(answer, work->verb, route, &outcome);
    if (tell_gate(work, answer, &outcome))
        outcome.costs = false;
    if (work->turned && (outcome.class == OUTCOME_AS_UPDATE || outcome.class == OUTCOME_AS_CREATE))
        outcome.class = OUTCOME_DEAD; /* there when created, unknown when updated: nothing more to try */
    log_delivery(work, answer, &outcome);
    if (outcome.class != OUTCOME_DELIVERED || work_lead(work)->sendings > 0 || work->attempts)
        keep_attempt(work, &outcome, answer);
    if (outcome.platform_ok)
        route_resume(work->worker, route->path);
    else if (outcome.class != OUTCOME_ROUTE)
        route_pause_go_on(work->worker, route->path); /* nothing is known about the route */
    switch (outcome.class) {
    case OUTCOME_DELIVERED:
        learn_id(work, answer);
        conclude(work, DELIVERY_DELIVERED, NULL);
        break;
    case OUTCOME_AS_UPDATE:
        turn(work, VERB_UPDATE);
        break;
    case OUTCOME_AS_CREATE:
        turn(work, VERB_CREATE);
        break;
    case OUTCOME_ROUTE:
        route_pause(work->worker, route->path, outcome.error);
        work->wait_ms = route_pause_wait_ms(work->worker, route->path) + random_bits() % 1000;
        wait_out(work, outcome.error);
        break;
    case OUTCOME_RETRY:
    case OUTCOME_UNKNOWN:
        again_later(work, answer, &outcome);
        break;
    case OUTCOME_DEAD:
        conclude(work, DELIVERY_DEAD, outcome.error);
        break;
    }
    worker_pump_in(work->worker, 0);
}

static void transfer(struct work *work, const struct platform_route *route,
                     const struct delivery_source *source, const struct buf *body)
{
    struct worker *worker = work->worker;
    const struct delivery *lead = work_lead(work);
    struct buf url = BUF_INIT, headers[6];
    struct transfer_request request = {.method = route->method,
                                       .body = body->data,
                                       .body_len = body->len,
                                       .timeout_ms = worker->conf->request_timeout,
                                       .allow_private = platform_allows_private(worker->platform)};
    char id[MSG_KEY_MAX];
    int64_t timestamp_s = clock_db_ms() / 1000;
    unsigned count = 0;

    for (unsigned i = 0; i < 6; i++)
        buf_init(&headers[i]);
    delivery_webhook_id(source, id);
    buf_addf(&url, "%s%s", platform_base_url(worker->platform), route->path);
    buf_add_str(&headers[count++], "Content-Type: application/json");
    buf_addf(&headers[count++], "webhook-id: %s", id);
    buf_addf(&headers[count++], "webhook-timestamp: %lld", (long long)timestamp_s);
    credential_add(&worker->credential, worker->conf, worker->platform, &headers[count++]);
    if (*worker->conf->webhook_secret)
        credential_sign(worker->conf->webhook_secret, id, timestamp_s, body, &headers[count++]);
    if (lead->trace)
        buf_addf(&headers[count++], "traceparent: %s", lead->trace);
    for (unsigned i = 0; i < count; i++)
        request.headers[i] = headers[i].data;
    request.url = url.data;
    work->state = WORK_SENDING;
    work->sent++;
    work->began_ms = clock_db_ms();
    route_pause_probe(worker, route->path);
    gate_started(&worker->gate);
    if (lead->sendings > 0)
        worker->repeats_in_flight++;
    work->transfer = transfer_start(worker->transfers, &request, on_answer, work);
    for (unsigned i = 0; i < 6; i++)
        buf_release(&headers[i]);
    buf_release(&url);
}

/* Not sent: its route is at fault, and resting. */
static void wait_out_pause(struct work *work, const char *path)
{
    const char *reason = route_pause_reason(work->worker, path);
    char error[256];

    snprintf(error, sizeof error, "the route is paused: %s",
             reason ? reason : "its cause is with another worker");
    wait_out(work, error);
}

void send_start(struct work *work)
{
    const struct platform_route *route = route_of(work);
    struct buf body = BUF_INIT, error = BUF_INIT;
    int64_t wait_ms = route_pause_wait_ms(work->worker, route->path);

    if (!route->takes) {
        conclude(work, DELIVERY_SKIPPED, "this platform does not take this type of event");
    } else if (!platform_base_url(work->worker->platform)) {
        conclude(work, DELIVERY_SKIPPED, "this platform has no base URL");
    } else if (wait_ms > 0) {
        work->wait_ms = wait_ms + random_bits() % 1000;
        wait_out_pause(work, route->path);
    } else {
        struct delivery_source source = source_of(work, route);
        switch (delivery_body(&source, &body, &error)) {
        case DELIVERY_BUILT:
            transfer(work, route, &source, &body);
            break;
        case DELIVERY_NOTHING:
            conclude(work, DELIVERY_SKIPPED, "the platform has this already");
            break;
        case DELIVERY_IMPOSSIBLE:
            conclude(work, DELIVERY_DEAD, error.data);
            break;
        }
    }
    buf_release(&body);
    buf_release(&error);
}

void send_abort(struct work *work)
{
    struct answer answer = {.duration_us = (clock_db_ms() - work->began_ms) * 1000};
    struct outcome outcome = {.class = OUTCOME_UNKNOWN,
                              .error = "the partition went to another worker while this was in flight"};

    if (work_lead(work)->sendings > 0)
        work->worker->repeats_in_flight--;
    gate_neutral(&work->worker->gate);
    route_pause_go_on(work->worker, route_of(work)->path);
    if (transfer_abort(work->worker->transfers, work->transfer))
        keep_attempt(work, &outcome, &answer);
    work->transfer = NULL;
}
