/* verify.c: see verify.h. */
#include "verify_inside.h"

#include <event2/event.h>

#include "clock.h"
#include "gate.h"
#include "log.h"
#include "mem.h"
#include "service.h"
#include "shipment.h"
#include "sql.h"
#include "stats.h"

#define TICK_MS 250
#define CLAIM_EVERY_MS 500
#define SCHEDULE_EVERY_MS 2000
#define BEATS_PER_LEASE 3

/* ── the job ── */

void verify_end(struct verify *verify)
{
    verify->has_job = verify->lost = verify->wants = verify->resting = false;
    event_del(verify->timer);
    verify_page_reset(verify);
    free(verify->tenant);
    free(verify->cursor);
    verify->tenant = verify->cursor = NULL;
}

bool verify_end_if_lost(struct verify *verify)
{
    if (!verify->lost)
        return false;
    log_info("verification left to others", LOG_STR("job", verify->job_text));
    verify_end(verify);
    return true;
}

/* Another one's, or nobody's any more: at once where nothing is under way, else with its end. */
static void lose(struct verify *verify)
{
    verify->lost = true;
    if (verify->shipment) {
        struct shipment *shipment = verify->shipment;
        verify->shipment = NULL;
        gate_neutral(&verify->worker->gate);
        route_pause_go_on(verify->worker, shipment->path);
        transfer_abort(verify->worker->transfers, shipment->transfer);
        shipment_free(shipment);
        verify_end_if_lost(verify);
    } else if (verify->resting) {
        verify_end_if_lost(verify);
    }
}

static void on_claimed(enum db_status status, const struct db_result *result, void *arg)
{
    struct verify *verify = arg;

    verify->busy = false;
    if (status == DB_REFUSED)
        log_error("verifications cannot be taken up", LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
    if (status != DB_OK || db_rows(result) == 0)
        return;
    verify->has_job = true;
    verify->lost = false;
    db_get_uuid(result, 0, db_column(result, "id"), &verify->job);
    uuid_format(&verify->job, verify->job_text);
    verify->repair = db_get_bool(result, 0, db_column(result, "repair"));
    verify->resumed = db_get_bool(result, 0, db_column(result, "resumed"));
    verify->failures = db_get_int(result, 0, db_column(result, "failures"));
    verify->rows_max = PLATFORM_PAGE_ROWS_MAX;
    verify->beat_ms = clock_mono_ms();
    log_info("verification taken up", LOG_STR("job", verify->job_text),
             LOG_STR("platform", verify->worker->name), LOG_BOOL("repair", verify->repair));
    if (verify->draining)
        verify->lost = true;
    if (!verify_end_if_lost(verify))
        verify_next(verify);
}

static void claim(struct verify *verify)
{
    struct worker *worker = verify->worker;
    struct db_params *params = db_params_new();

    db_add_text(params, service_instance(worker->service));
    db_add_int(params, worker->conf->lease_seconds);
    db_add_text(params, worker->name);
    verify->busy = true;
    verify->claim_ms = clock_mono_ms();
    db_query(store_db(worker->store), DB_WRITER, sql_verify_claim, params, on_claimed, verify);
}

static void on_beat(enum db_status status, const struct db_result *result, void *arg)
{
    struct verify *verify = arg;

    verify->busy = false;
    if (status == DB_OK && db_rows(result) == 0 && verify->has_job && !verify->lost)
        lose(verify);
}

static void beat(struct verify *verify)
{
    struct worker *worker = verify->worker;
    struct db_params *params = db_params_new();

    db_add_uuid(params, &verify->job);
    db_add_text(params, service_instance(worker->service));
    db_add_int(params, worker->conf->lease_seconds);
    verify->busy = true;
    verify->beat_ms = clock_mono_ms();
    db_query(store_db(worker->store), DB_WRITER, sql_verify_beat, params, on_beat, verify);
}

/* ── the schedule ── */

static void add_entities(const struct platform *platform, struct buf *list)
{
    static const enum entity order[] = {ENTITY_USER, ENTITY_LEAD, ENTITY_CAMPAIGN, ENTITY_PRODUCT,
                                        ENTITY_ORDER};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (!listing_obstacle(platform, order[i]))
            buf_addf(list, "%s%s", list->len > 0 ? "," : "", msg_entity_name(order[i]));
}

static void on_scheduled(enum db_status status, const struct db_result *result, void *arg)
{
    struct verify *verify = arg;

    verify->busy = false;
    if (status == DB_REFUSED)
        log_error("verification cannot be scheduled", LOG_STR("error", db_message(result)));
    else if (status == DB_OK && db_get_bool(result, 0, db_column(result, "made")))
        verify->claim_ms = 0;
}

static void schedule(struct verify *verify)
{
    struct worker *worker = verify->worker;
    struct buf entities = BUF_INIT;
    struct uuid id;

    verify->schedule_ms = clock_mono_ms();
    add_entities(worker->platform, &entities);
    if (entities.len > 0) {
        struct db_params *params = db_params_new();
        uuid_v7(&id, clock_db_ms());
        db_add_uuid(params, &id);
        db_add_text(params, "*");
        db_add_text(params, worker->name);
        db_add_text(params, entities.data);
        db_add_bool(params, worker->conf->verify_repair);
        db_add_text(params, "schedule");
        db_add_int(params, worker->conf->verify_interval);
        verify->busy = true;
        db_query(store_db(worker->store), DB_WRITER, sql_verify_create, params, on_scheduled, verify);
    }
    buf_release(&entities);
}

static void on_tick(void *arg)
{
    struct verify *verify = arg;
    struct worker *worker = verify->worker;
    int64_t now = clock_mono_ms();

    if (verify->draining || verify->busy || !store_up(worker->store))
        return;
    if (verify->has_job && now - verify->beat_ms >= worker->conf->lease_seconds / BEATS_PER_LEASE)
        beat(verify);
    else if (worker->conf->verify_interval > 0 && now - verify->schedule_ms >= SCHEDULE_EVERY_MS)
        schedule(verify);
    else if (!verify->has_job && now - verify->claim_ms >= CLAIM_EVERY_MS)
        claim(verify);
}

/* ── the module ── */

static void timer_cb(evutil_socket_t fd, short what, void *arg)
{
    struct verify *verify = arg;

    (void)fd, (void)what;
    verify->resting = false;
    if (!verify_end_if_lost(verify))
        verify->after(verify);
}

static void register_stats(struct verify *verify)
{
    static const char *const names[] = {
#define X(name, text) text,
        VERIFY_FINDINGS(X)
#undef X
    };
    char labels[96];

    for (size_t i = 0; i < FOUND_NOTHING; i++) {
        snprintf(labels, sizeof labels, "platform=\"%s\",finding=\"%s\"", verify->worker->name, names[i]);
        verify->stat_found[i] = stats_register(STATS_COUNTER, "sync_verified_records_total", labels,
                                               "Records of platforms that were looked at, by what was found");
    }
    snprintf(labels, sizeof labels, "platform=\"%s\"", verify->worker->name);
    verify->stat_repaired = stats_register(STATS_COUNTER, "sync_drift_repairs_total", labels,
                                           "Repairs of what platforms lost or altered");
}

struct verify *verify_new(struct worker *worker)
{
    struct verify *verify = mem_alloc(sizeof *verify);

    verify->worker = worker;
    verify->timer = evtimer_new(service_base(worker->service), timer_cb, verify);
    register_stats(verify);
    service_every(worker->service, TICK_MS, on_tick, verify);
    return verify;
}

static void on_left(enum db_status status, const struct db_result *result, void *arg)
{
    (void)status, (void)result, (void)arg; /* unsaid, the lease lapses by itself */
}

void verify_drain(struct verify *verify)
{
    struct worker *worker = verify->worker;
    struct db_params *params;

    verify->draining = true;
    if (!verify->has_job || verify->lost || !store_up(worker->store))
        return;
    params = db_params_new();
    db_add_uuid(params, &verify->job);
    db_add_text(params, service_instance(worker->service));
    db_add_text(params, "running");
    db_add_null(params, DB_TEXT);
    db_add_null(params, DB_INT8);
    db_query(store_db(worker->store), DB_WRITER, sql_verify_wait, params, on_left, NULL);
    lose(verify);
}

bool verify_wants(const struct verify *verify)
{
    return verify && verify->wants;
}

void verify_free(struct verify **verifyp)
{
    struct verify *verify = *verifyp;

    if (!verify)
        return;
    if (verify->shipment)
        shipment_free(verify->shipment); /* its transfer ended with the others */
    verify_end(verify);
    free(verify->rows);
    event_free(verify->timer);
    free(verify);
    *verifyp = NULL;
}
