/* verdict.c: see verdict.h. */
#include "verdict.h"

#include "assertion.h"
#include "clock.h"
#include "digest.h"
#include "log.h"
#include "mem.h"
#include "plan.h"
#include "send.h"
#include "sharing.h"
#include "stats.h"

#define EXCERPT_MAX 2048
#define PUT_OFF_MS 1000
#define ID_MAX 256
#define DOUBTS_GAP_MS 20
#define SHRANK_GAP_MS 100 /* between beats for setbacks */

void verdict_conclude(struct work *work, enum delivery_state result, const char *error)
{
    work->result = result;
    if (error && error != work->error)
        snprintf(work->error, sizeof work->error, "%s", error);
    plan_keep_steps(work);
    assertion_settle(work);
    work_forget_content(work); /* hundreds may wait for the next statement */
    ledger_add(work);
}

static uint32_t random_bits(void)
{
    uint32_t bits;

    digest_random(&bits, sizeof bits);
    return bits;
}

/* ── gate and route ── */

static uint64_t record_number(const struct work *work)
{
    uint64_t number;

    memcpy(&number, work->record.bytes + 8, sizeof number);
    return number;
}

/* What the other replicas must know goes out at once; the rest with the next beat. */
static void tell_others(struct worker *worker, enum gate_state before, const struct answer *whole,
                        const char *error)
{
    struct gate *gate = &worker->gate;

    if ((whole->status == 429 || whole->status == 503) && whole->retry_after_ms > 0) {
        gate_hold(gate, clock_mono_ms() + whole->retry_after_ms);
        sharing_hold(worker, whole->retry_after_ms);
    }
    if (before != gate->state) {
        if (*error)
            snprintf(worker->breaker_reason, sizeof worker->breaker_reason, "%s", error);
        log_warn("breaker", LOG_STR("platform", worker->name), LOG_STR("from", gate_state_name(before)),
                 LOG_STR("to", gate_state_name(gate->state)), LOG_STR("error", error));
        sharing_beat_in(worker, 0);
    } else if (gate->news.shrank) {
        sharing_beat_in(worker, gate->doubts ? DOUBTS_GAP_MS : SHRANK_GAP_MS);
    }
}

/* How many of the records were answered well, badly, or told to come later; the last of them speaks for the request. */
struct tally {
    size_t ok, failed, slow;
    size_t proofs; /* that the route is there: of those answered well, those that were not 404 */
    const struct verdict *last_ok, *last_failed, *fault;
};

static struct tally count_up(struct gate *gate, const struct verdict *verdicts, size_t count, int64_t now)
{
    struct tally tally = {0};

    for (size_t i = 0; i < count; i++) {
        const struct verdict *verdict = &verdicts[i], **last;
        if (verdict->outcome.class == OUTCOME_ROUTE)
            tally.fault = verdict;
        if (verdict->answer.status == 429) {
            tally.slow++;
            continue;
        }
        if (!verdict->outcome.platform_failed && !verdict->outcome.platform_ok)
            continue;
        last = verdict->outcome.platform_failed ? &tally.last_failed : &tally.last_ok;
        if (*last)
            gate_note(gate, record_number((*last)->work), !verdict->outcome.platform_failed, now);
        *last = verdict;
        tally.failed += verdict->outcome.platform_failed;
        tally.ok += !verdict->outcome.platform_failed;
        tally.proofs += !verdict->outcome.platform_failed && verdict->answer.status != 404;
    }
    return tally;
}

/* It dies of another one that costs. */
static bool is_last_attempt(const struct work *work)
{
    const struct delivery *lead = work_lead(work);

    return lead->attempts >= lead->max_retries;
}

void verdict_tell(struct worker *worker, const char *path, const struct answer *whole,
                  struct verdict *verdicts, size_t count)
{
    struct gate *gate = &worker->gate;
    int64_t now = clock_mono_ms();
    enum gate_state before = gate->state;
    struct tally tally = count_up(gate, verdicts, count, now);
    bool excused = gate->state != GATE_CLOSED, suspect;
    const char *error = tally.last_failed ? tally.last_failed->outcome.error : "";

    if (tally.slow > 0) {
        gate_slow_down(gate, now);
    } else if (tally.last_failed && tally.ok * 20 < tally.ok + tally.failed) {
        excused = (tally.last_failed->answer.status == 500 ? gate_record_failed : gate_failed)(
            gate, record_number(tally.last_failed->work), now);
    } else if (tally.last_ok) {
        gate_ok(gate, record_number(tally.last_ok->work), now);
    } else {
        gate_neutral(gate);
    }
    if (tally.ok > 0)
        worker->ok_ms = now;
    suspect = tally.failed > 0 && gate_is_suspect(gate, now);
    for (size_t i = 0; i < count; i++)
        if (verdicts[i].outcome.platform_failed &&
            (excused || (suspect && is_last_attempt(verdicts[i].work))))
            verdicts[i].outcome.costs = false;
    tell_others(worker, before, whole, error);
    if (tally.fault)
        route_pause(worker, path, &tally.fault->outcome);
    else if (tally.proofs > 0)
        route_resume(worker, path);
    else
        route_pause_go_on(worker, path); /* nothing is known about the route */
}

/* ── attempts ── */

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
             LOG_INT("version", work->record_version), LOG_INT("generation", lead->generation),
             LOG_INT("attempt", lead->sendings + work->sent), LOG_INT("status", answer->status),
             LOG_STR("outcome", outcome_name(outcome->class)), LOG_INT("started_at", work->began_ms),
             LOG_INT("ms", answer->duration_us / 1000), LOG_STR("error", outcome->error));
    stats_add(work->worker->stat_outcome[outcome->class], 1);
}

/* There when created, unknown when updated. Of one record that is the record's trouble, and tried again while attempts last; of
 * several, one after the other, it says that the platform has no route for updates. */
static void contradiction(struct work *work, struct outcome *outcome)
{
    const char *path = platform_route(work->worker->platform, work_lead(work)->type, VERB_UPDATE)->path;

    snprintf(outcome->error, sizeof outcome->error,
             "the platform has the record when it is created (409), and does not know it when it is updated "
             "(404)");
    outcome->class = OUTCOME_RETRY;
    outcome->costs = true;
    if (!route_doubt(work->worker, path, &work->record))
        return;
    snprintf(outcome->error, sizeof outcome->error,
             "404 to updates of records that the platform has: it has no such route");
    outcome->class = OUTCOME_ROUTE;
    outcome->costs = false;
    route_pause(work->worker, path, outcome);
}

/* No whole answer came to what was sent; or who answered had none either. */
static bool may_arrive_late(const struct answer *answer)
{
    return answer->failure == ANSWER_TIMEOUT_SENT || answer->status == 504;
}

void verdict_note(struct verdict *verdict)
{
    struct work *work = verdict->work;
    struct outcome *outcome = &verdict->outcome;

    work->http_status = verdict->answer.status;
    work->duration_ms = verdict->answer.duration_us / 1000;
    if (work->turned && (outcome->class == OUTCOME_AS_UPDATE || outcome->class == OUTCOME_AS_CREATE))
        contradiction(work, outcome);
    log_delivery(work, &verdict->answer, outcome);
    if (may_arrive_late(&verdict->answer))
        assertion_lost(work);
    if (outcome->class != OUTCOME_DELIVERED || work_lead(work)->sendings > 0 || work->attempts ||
        assertion_is_due(work))
        keep_attempt(work, outcome, &verdict->answer);
}

/* ── consequences ── */

/* Again later at no cost: bounded by OUTAGE_LIMIT. */
static void wait_out(struct work *work, const char *error)
{
    if (clock_db_ms() - work_lead(work)->created_ms <= work->worker->conf->outage_limit) {
        verdict_conclude(work, DELIVERY_BACKOFF, error);
        return;
    }
    snprintf(work->error, sizeof work->error, "outage: %.240s", error);
    verdict_conclude(work, DELIVERY_DEAD, work->error);
}

void verdict_wait_for_route(struct work *work, const char *path, int64_t wait_ms)
{
    const char *reason = route_pause_reason(work->worker, path);
    char error[256];

    work->wait_ms = wait_ms + random_bits() % 1000;
    snprintf(error, sizeof error, "the route is paused: %s",
             reason ? reason : "its cause is with another worker");
    wait_out(work, error);
}

void verdict_put_off(struct work *work)
{
    work->wait_ms = PUT_OFF_MS + random_bits() % PUT_OFF_MS;
    wait_out(work, work->attempts ? work->attempts->error : NULL);
}

void verdict_lost(struct work *work, bool reached)
{
    struct answer answer = {.duration_us = (clock_db_ms() - work->began_ms) * 1000};
    struct outcome outcome = {.class = OUTCOME_UNKNOWN,
                              .error = "the partition went to another worker while this was in flight"};

    if (reached) {
        log_delivery(work, &answer, &outcome);
        keep_attempt(work, &outcome, &answer);
    }
    work->result = DELIVERY_OPEN; /* only the attempt is recorded */
    ledger_add(work);
}

/* Again later, or given up: attempts that cost are counted. */
static void again_later(struct work *work, const struct answer *answer, const struct outcome *outcome)
{
    const struct delivery *lead = work_lead(work);
    int spent = lead->attempts + (outcome->costs ? 1 : 0);

    if (spent > lead->max_retries) {
        verdict_conclude(work, DELIVERY_DEAD, outcome->error);
        return;
    }
    work->wait_ms = backoff_wait_ms(&work->worker->backoff, (unsigned)(spent > 0 ? spent : 1), random_bits());
    if (answer->retry_after_ms >= 0)
        work->wait_ms = answer->retry_after_ms + random_bits() % 500;
    if (outcome->costs)
        verdict_conclude(work, DELIVERY_BACKOFF, outcome->error);
    else
        wait_out(work, outcome->error);
}

void verdict_learn(struct work *work, const char *id)
{
    if (*id && strlen(id) <= ID_MAX && strcmp(id, work->record_entity_id) != 0 && !work->learnt_id)
        work->learnt_id = mem_strdup(id);
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
    if (ok && (id = json_text(json_get(json, "id"), NULL)))
        verdict_learn(work, id);
    json_free(json);
}

static void turn(struct work *work, enum verb verb)
{
    work->turned = true;
    work->verb = verb;
    send_again(work);
}

void verdict_carry_out(struct verdict *verdict, const char *path)
{
    struct work *work = verdict->work;
    const struct outcome *outcome = &verdict->outcome;

    verdict_note(verdict);
    switch (outcome->class) {
    case OUTCOME_DELIVERED:
        if (work->turned &&
            work->verb == VERB_CREATE) /* the 404 before it was about the record: updates get through */
            route_resume(work->worker,
                         platform_route(work->worker->platform, work_lead(work)->type, VERB_UPDATE)->path);
        learn_id(work, &verdict->answer);
        verdict_conclude(work, DELIVERY_DELIVERED, NULL);
        break;
    case OUTCOME_AS_UPDATE:
        turn(work, VERB_UPDATE);
        break;
    case OUTCOME_AS_CREATE:
        turn(work, VERB_CREATE);
        break;
    case OUTCOME_ROUTE:
        work->wait_ms = route_pause_wait_ms(work->worker, path) + random_bits() % 1000;
        wait_out(work, outcome->error);
        break;
    case OUTCOME_RETRY:
    case OUTCOME_UNKNOWN:
        again_later(work, &verdict->answer, outcome);
        break;
    case OUTCOME_DEAD:
        verdict_conclude(work, DELIVERY_DEAD, outcome->error);
        break;
    }
}
