/*
 * verify_job.c: the steps of a verification: which part and phase, the platform's pages under its window, breaker and pauses, and
 * what to do when a page does not come.
 */
#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "service.h"
#include "shipment.h"
#include "sql.h"
#include "stats.h"
#include "verdict.h"
#include "verify_inside.h"

#define NO_SLOT_MS 50
#define SHUT_MS 1000 /* at least, before a platform that is shut off is looked at again */
#define WAIT_MAX_MS 60000
#define PAUSED_MS 300000
#define MILLION 1000000

static const char *const phase_names[] = {"look", "turn", "search", "missing", "done"};

const char *verify_phase_name(enum verify_phase phase)
{
    return phase_names[phase];
}

enum verify_phase verify_phase_after(const struct verify *verify)
{
    static const enum verify_phase after[] = {
        [VERIFY_LOOK] = VERIFY_TURN, [VERIFY_SEARCH] = VERIFY_MISSING, [VERIFY_MISSING] = VERIFY_DONE};

    return verify->last ? after[verify->phase] : verify->phase;
}

/* ── waiting ── */

void verify_rest(struct verify *verify, int64_t ms, void (*after)(struct verify *verify))
{
    struct timeval wait = {ms / 1000, (ms % 1000) * 1000};

    if (verify_end_if_lost(verify))
        return;
    verify->after = after;
    verify->resting = true;
    evtimer_add(verify->timer, &wait);
}

static void on_waited(enum db_status status, const struct db_result *result, void *arg)
{
    struct verify *verify = arg;

    if (status == DB_REFUSED)
        log_error("verification cannot wait", LOG_STR("job", verify->job_text),
                  LOG_STR("error", db_message(result)));
    verify_end(verify); /* unsaid, its lease lapses */
}

static void leave(struct verify *verify, const char *state, const char *reason, int64_t ms)
{
    struct worker *worker = verify->worker;
    struct db_params *params = db_params_new();

    log_info("verification waits", LOG_STR("job", verify->job_text), LOG_STR("state", state),
             LOG_STR("reason", reason), LOG_INT("ms", ms));
    verify->wants = false;
    db_add_uuid(params, &verify->job);
    db_add_text(params, service_instance(worker->service));
    db_add_text(params, state);
    db_add_text(params, reason);
    if (ms > 0)
        db_add_int(params, ms);
    else
        db_add_null(params, DB_INT8);
    db_query(store_db(worker->store), DB_WRITER, sql_verify_wait, params, on_waited, verify);
}

void verify_wait(struct verify *verify, int64_t ms, const char *reason)
{
    int64_t backoff_ms = SHUT_MS << (verify->failures < 6 ? verify->failures : 6);

    if (ms <= 0)
        ms = backoff_ms < WAIT_MAX_MS ? backoff_ms : WAIT_MAX_MS;
    leave(verify, "running", reason, ms);
}

void verify_pause(struct verify *verify, const char *reason)
{
    leave(verify, "paused", reason, PAUSED_MS);
}

void verify_hold(struct verify *verify, const char *reason)
{
    leave(verify, "paused", reason, 0);
}

/* ── statements ── */

/* Owner: its callback. */
struct asking {
    struct verify *verify;
    void (*done)(struct verify *verify, const struct db_result *result);
};

static void on_answered(enum db_status status, const struct db_result *result, void *arg)
{
    struct asking asking = *(struct asking *)arg;

    free(arg);
    if (status == DB_REFUSED)
        log_error("statement of a verification refused", LOG_STR("job", asking.verify->job_text),
                  LOG_STR("sqlstate", db_sqlstate(result)), LOG_STR("error", db_message(result)));
    if (verify_end_if_lost(asking.verify))
        return;
    if (status == DB_OK)
        asking.done(asking.verify, result);
    else if (status == DB_REFUSED)
        verify_wait(asking.verify, 0, "PostgreSQL refused a step of it: the worker's log says why");
    else
        verify_rest(asking.verify, VERIFY_AGAIN_MS, verify_next); /* done or not: the part's row tells */
}

void verify_query(struct verify *verify, const char *sql, struct db_params *params,
                  void (*done)(struct verify *verify, const struct db_result *result))
{
    struct asking *asking = mem_alloc(sizeof *asking);

    *asking = (struct asking){verify, done};
    db_query(store_db(verify->worker->store), DB_WRITER, sql, params, on_answered, asking);
}

/* ── a page ── */

static void ask(struct verify *verify);

/* Of the gate's learning nothing but the record matters of a work. */
static void tell_gate(struct worker *worker, const char *path, const struct answer *answer,
                      const struct uuid *job)
{
    static const struct platform_route any = {.takes = true};
    struct work stand_in = {.worker = worker, .record = *job};
    struct verdict verdict = {.work = &stand_in, .answer = *answer};

    outcome_judge(answer, VERB_REPORT, &any, &verdict.outcome);
    verdict.outcome.everywhere = false;
    if (verdict.outcome.class ==
        OUTCOME_ROUTE) /* the list is at fault: the verification is paused, deliveries are not */
        verdict.outcome = (struct outcome){.class = OUTCOME_DEAD};
    verdict_tell(worker, path, answer, &verdict, 1);
}

static void shrink(struct verify *verify, const char *why)
{
    if (verify->rows_max <= 1) {
        verify_pause(verify, why);
        return;
    }
    verify->rows_max /= 2;
    verify_rest(verify, NO_SLOT_MS, ask);
}

static void on_page(struct shipment *shipment, const struct answer *answer)
{
    struct worker *worker = shipment->worker;
    struct verify *verify = worker->verify;
    struct buf why = BUF_INIT;

    verify->shipment = NULL;
    tell_gate(worker, shipment->path, answer, &verify->job);
    verify_page_reset(verify);
    switch (verify_page_read(verify, answer, &why)) {
    case LISTING_PAGE:
        verify->wants = false;
        verify_page_judge(verify);
        break;
    case LISTING_SMALLER:
        shrink(verify, why.data);
        break;
    case LISTING_LATER:
        verify_wait(verify, answer->retry_after_ms, why.data);
        break;
    case LISTING_PAUSE:
        verify_pause(verify, why.data);
        break;
    }
    buf_release(&why);
}

static void send_request(struct verify *verify)
{
    static const struct shipment_kind page = {.answered = on_page};
    struct worker *worker = verify->worker;
    struct listing_page listing = {worker->platform, verify->entity, verify->tenant, verify->cursor,
                                   verify->rows_max};
    bool graphql = listing_by_graphql(worker->platform, verify->entity);
    struct buf url = BUF_INIT, body = BUF_INIT, credential = BUF_INIT;
    struct transfer_request request = {.method = graphql ? PLATFORM_POST : PLATFORM_GET,
                                       .timeout_ms = worker->conf->request_timeout,
                                       .allow_private = platform_allows_private(worker->platform),
                                       .keep_max = TRANSFER_MAX};

    listing_url(&listing, &url);
    listing_body(&listing, &body);
    credential_add(&worker->credential, worker->conf, worker->platform, &credential);
    request.url = url.data;
    request.headers[0] = credential.data;
    request.headers[1] = "Accept: application/json";
    request.headers[2] = graphql ? "Content-Type: application/json" : NULL;
    request.body = body.data;
    request.body_len = body.len;
    verify->shipment = shipment_new(worker, &page, listing_path(worker->platform, verify->entity), 0);
    shipment_start(verify->shipment, &request);
    buf_release(&url);
    buf_release(&body);
    buf_release(&credential);
}

/* Shut off, or its list rests: told, and looked at again then. */
static bool is_away(struct verify *verify)
{
    struct worker *worker = verify->worker;
    int64_t now = clock_mono_ms(),
            wait_ms = route_pause_wait_ms(worker, listing_path(worker->platform, verify->entity));
    struct buf why = BUF_INIT;
    bool shut = gate_is_shut(&worker->gate, now);

    if (shut) {
        wait_ms = gate_wait_ms(&worker->gate, now);
        buf_addf(&why, "the platform is shut off: %s",
                 *worker->breaker_reason ? worker->breaker_reason : "it asked for a pause");
    } else if (wait_ms > 0) {
        buf_add_str(&why, "the platform's list rests after a failure");
    }
    if (shut || wait_ms > 0)
        verify_wait(verify, wait_ms > SHUT_MS ? wait_ms : SHUT_MS, why.data);
    buf_release(&why);
    return shut || wait_ms > 0;
}

static void ask(struct verify *verify)
{
    struct worker *worker = verify->worker;
    const char *why = listing_obstacle(worker->platform, verify->entity);

    if (why) {
        verify_pause(verify, why);
        return;
    }
    verify->wants = true;
    if (is_away(verify))
        return;
    if (ledger_is_behind(worker->ledger) || gate_permits(&worker->gate, clock_mono_ms()) == 0) {
        verify_rest(verify, NO_SLOT_MS, ask);
        return;
    }
    if (verify->rows_max > listing_rows_max(worker->platform, verify->entity))
        verify->rows_max = listing_rows_max(worker->platform, verify->entity);
    if (verify->rows_max > (size_t)worker->conf->verify_rate)
        verify->rows_max = (size_t)worker->conf->verify_rate;
    send_request(verify);
}

/* ── where it is ── */

static enum verify_phase read_phase(const char *name)
{
    for (int phase = 0; phase < VERIFY_PHASES; phase++)
        if (strcmp(name, phase_names[phase]) == 0)
            return (enum verify_phase)phase;
    bug("a verification is in phase %s", name);
}

static void read_searched(struct verify *verify, const struct db_result *result)
{
    int64_t buckets[DRIFT_BUCKETS];
    size_t count = db_get_ints(result, 0, db_column(result, "searched"), buckets, DRIFT_BUCKETS);

    memset(verify->searched, 0, sizeof verify->searched);
    for (size_t i = 0; i < count; i++)
        verify->searched[buckets[i] & (DRIFT_BUCKETS - 1)] = true;
}

static void read_part(struct verify *verify, const struct db_result *result)
{
    size_t len = 0;
    const void *sums = db_get_bytes(result, 0, db_column(result, "sums"), &len);

    verify->place = db_get_int(result, 0, db_column(result, "place"));
    verify->steps = db_get_int(result, 0, db_column(result, "steps"));
    verify->began_ms = db_get_time_ms(result, 0, db_column(result, "began_at"));
    verify->asked_ms = db_get_time_ms(result, 0, db_column(result, "now"));
    free(verify->tenant);
    free(verify->cursor);
    verify->tenant = mem_strdup(db_get_text(result, 0, db_column(result, "tenant_id"), NULL));
    verify->cursor = mem_strdup(db_get_text(result, 0, db_column(result, "cursor"), NULL));
    msg_entity(db_get_text(result, 0, db_column(result, "entity_type"), NULL), &verify->entity);
    verify->phase = read_phase(db_get_text(result, 0, db_column(result, "phase"), NULL));
    verify->has_record = db_get_uuid(result, 0, db_column(result, "after"), &verify->record) == 0;
    drift_read(&verify->sums, sums, sums ? len : 0);
    read_searched(verify, result);
}

/* Parts in a million that agree, once it is known. */
static void show_agreement(struct verify *verify, const struct db_result *result, size_t row)
{
    enum entity entity;
    const char *name = db_get_text(result, row, db_column(result, "entity_type"), NULL);
    char labels[96];

    if (!name || msg_entity(name, &entity) != 0)
        return;
    int64_t agreed = db_get_int(result, row, db_column(result, "agreed"));
    int64_t all = agreed + db_get_int(result, row, db_column(result, "differing"));
    if (all == 0)
        return; /* nothing was to be compared */
    if (!verify->stat_ppm[entity]) {
        snprintf(labels, sizeof labels, "platform=\"%s\",entity=\"%s\"", verify->worker->name, name);
        verify->stat_ppm[entity] = stats_register(
            STATS_GAUGE, "sync_agreement_ppm", labels,
            "Records that a platform has as it should, in a million, at the last verification");
    }
    stats_set(verify->stat_ppm[entity], agreed * MILLION / all);
}

static void on_part(struct verify *verify, const struct db_result *result)
{
    if (db_rows(result) == 0) {
        verify->lost = true;
        verify_end_if_lost(verify);
        return;
    }
    if (db_is_null(result, 0, db_column(result, "place"))) {
        for (size_t row = 0; row < db_rows(result); row++)
            show_agreement(verify, result, row);
        log_info("verification done", LOG_STR("job", verify->job_text),
                 LOG_STR("platform", verify->worker->name));
        verify_end(verify);
        return;
    }
    read_part(verify, result);
    verify_page_reset(verify);
    if (verify->phase == VERIFY_TURN)
        verify_step_turn(verify);
    else if (verify->phase == VERIFY_MISSING)
        verify_page_miss(verify);
    else
        ask(verify);
}

void verify_next(struct verify *verify)
{
    struct db_params *params = db_params_new();

    db_add_uuid(params, &verify->job);
    db_add_text(params, service_instance(verify->worker->service));
    verify_query(verify, sql_verify_part, params, on_part);
}
