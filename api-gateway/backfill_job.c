/*
 * backfill_job.c: one job's way round: draw, ask, feed, step; see backfill_inside.h for the phases.
 *
 * What would break: a job may be lost at any moment (paused, cancelled, taken); it is freed where nothing is under way for it,
 * so every callback begins with end_if_lost.
 */
#include <event2/event.h>

#include "backfill_inside.h"
#include "clock.h"
#include "digest.h"
#include "log.h"
#include "sql.h"

#define FULL_POLL_MS 500 /* the window is full: looks again so often */
#define AGAIN_MS 1000    /* the database is away, or took nothing in */
#define PAGES_PER_SECOND 20

static const char *const phase_names[BACKFILL_PHASES] = {"resting", "drawing",  "asking",
                                                         "feeding", "stepping", "waiting"};

static void draw(struct backfill_job *job);

static void enter(struct backfill_job *job, enum backfill_phase phase)
{
    log_debug("first sync", LOG_STR("job", job->id_text), LOG_STR("from", phase_names[job->phase]),
              LOG_STR("to", phase_names[phase]));
    job->phase = phase;
}

static struct gateway *gateway_of(const struct backfill_job *job)
{
    return job->backfill->gateway;
}

static bool end_if_lost(struct backfill_job *job)
{
    if (!job->lost)
        return false;
    log_info("first sync let go of", LOG_STR("job", job->id_text), LOG_STR("phase", phase_names[job->phase]));
    backfill_job_end(job);
    return true;
}

void backfill_job_lose(struct backfill_job *job)
{
    bool nothing_under_way = job->transfer || job->phase == BACKFILL_RESTING;
    job->lost = true;
    if (job->transfer)
        transfer_abort(gateway_of(job)->transfers, job->transfer);
    job->transfer = NULL;
    if (nothing_under_way)
        end_if_lost(job);
}

/* ---- resting ---- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    draw(arg);
}

static void rest_us(struct backfill_job *job, int64_t us)
{
    struct timeval span = {us / 1000000, us % 1000000};
    enter(job, BACKFILL_RESTING);
    evtimer_add(job->timer, &span);
}

void backfill_job_start(struct backfill_job *job)
{
    job->timer = evtimer_new(service_base(gateway_of(job)->service), on_timer, job);
    rest_us(job, 0);
}

void backfill_again(struct backfill_job *job)
{
    rest_us(job, (int64_t)AGAIN_MS * 1000);
}

/* ---- waiting: the job goes back into the table ---- */

static void on_waiting(enum db_status status, const struct db_result *result, void *arg)
{
    struct backfill_job *job = arg;
    if (status == DB_REFUSED)
        log_error("first sync cannot wait", LOG_STR("job", job->id_text),
                  LOG_STR("error", db_message(result)));
    backfill_job_end(job); /* unsaid, its lease lapses, and it is taken up again */
}

static void leave(struct backfill_job *job, const char *state, int64_t wait_ms, const char *reason)
{
    struct db_params *params = db_params_new();
    enter(job, BACKFILL_WAITING);
    log_warn("first sync stops", LOG_STR("job", job->id_text), LOG_STR("platform", job->platform),
             LOG_STR("state", state), LOG_STR("reason", reason), LOG_INT("retry_ms", wait_ms));
    db_add_uuid(params, &job->id);
    db_add_text(params, service_instance(gateway_of(job)->service));
    db_add_text(params, state);
    db_add_text(params, reason);
    db_add_int(params, wait_ms);
    db_query(store_db(gateway_of(job)->store), DB_WRITER, sql_backfill_wait, params, on_waiting, job);
}

static uint32_t random_bits(void)
{
    uint32_t bits;
    digest_random(&bits, sizeof bits);
    return bits;
}

void backfill_wait(struct backfill_job *job, int64_t wait_ms, const char *reason)
{
    int64_t backoff_ms = backfill_retry_ms(job->failures + 1, random_bits());
    stats_add(job->backfill->waited, 1);
    leave(job, "running", wait_ms > backoff_ms ? wait_ms : backoff_ms, reason);
}

void backfill_pause(struct backfill_job *job, const char *reason)
{
    stats_add(job->backfill->paused, 1);
    leave(job, "paused", backfill_pause_ms(job->failures + 1, random_bits()), reason);
}

void backfill_fail(struct backfill_job *job, const char *reason)
{
    stats_add(job->backfill->failed, 1);
    leave(job, "failed", 0, reason);
}

/* ---- drawing ---- */

static void on_drawn(enum db_status status, const struct db_result *result, void *arg)
{
    struct backfill_job *job = arg;
    if (status == DB_REFUSED)
        log_error("first sync cannot draw", LOG_STR("job", job->id_text),
                  LOG_STR("error", db_message(result)));
    if (status == DB_OK && db_rows(result) == 0)
        job->lost = true;
    if (end_if_lost(job))
        return;
    if (status != DB_OK) {
        backfill_again(job);
        return;
    }
    int64_t waiting = db_get_int(result, 0, db_column(result, "waiting"));
    int64_t room = gateway_of(job)->conf->backfill_window - waiting;
    if (room <= 0) {
        rest_us(job, (int64_t)FULL_POLL_MS * 1000);
        return;
    }
    job->page.seq = job->file ? job->snapshot_seq : db_get_int(result, 0, db_column(result, "seq"));
    job->page.asked_ms = job->file ? job->as_of_ms : db_get_time_ms(result, 0, db_column(result, "now"));
    job->page.room_left = (size_t)room;
    enter(job, BACKFILL_ASKING);
    backfill_ask(job);
}

static void draw(struct backfill_job *job)
{
    struct gateway *gateway = gateway_of(job);
    int64_t wait_us = backfill_pace_wait_us(&job->pace, clock_mono_us());
    if (wait_us > 0 || !store_up(gateway->store)) {
        rest_us(job, wait_us > 0 ? wait_us : (int64_t)AGAIN_MS * 1000);
        return;
    }
    struct db_params *params = db_params_new();
    db_add_uuid(params, &job->id);
    db_add_text(params, service_instance(gateway->service));
    db_add_int(params, gateway->conf->backfill_window);
    backfill_page_reset(&job->page);
    enter(job, BACKFILL_DRAWING);
    db_query(store_db(gateway->store), DB_WRITER, sql_backfill_draw, params, on_drawn, job);
}

/* ---- feeding ---- */

void backfill_on_page(struct backfill_job *job)
{
    if (end_if_lost(job))
        return;
    enter(job, BACKFILL_FEEDING);
    backfill_feed(job);
}

/* ---- stepping ---- */

static void add_refusals(const struct backfill_job *job, struct db_params *params)
{
    const struct backfill_page *page = &job->page;
    struct db_array *places = db_add_array(params, DB_INT8), *types = db_add_array(params, DB_TEXT);
    struct db_array *ids = db_add_array(params, DB_TEXT), *reasons = db_add_array(params, DB_TEXT);
    int64_t room = BACKFILL_REFUSED_MAX - job->refused;
    for (size_t i = 0; i < page->count && room > 0; i++) {
        const struct backfill_row *row = &page->rows[i];
        if (!row->reason)
            continue;
        db_array_int(places, row->place);
        db_array_text(types, row->entity < ENTITY_NONE ? msg_entity_name(row->entity) : NULL);
        db_array_text(ids, row->id);
        db_array_text(reasons, row->reason);
        room--;
    }
}

static void count_step(struct backfill_job *job)
{
    struct backfill_page *page = &job->page;
    struct backfill *backfill = job->backfill;
    stats_add(backfill->pages, 1);
    stats_add(backfill->accepted, (int64_t)(page->count - page->refused));
    stats_add(backfill->refused, (int64_t)page->refused);
    job->read += (int64_t)page->count;
    job->refused += (int64_t)page->refused;
    job->failures = 0;
    backfill_place_copy(&job->place, &page->next);
}

static void on_stepped(enum db_status status, const struct db_result *result, void *arg)
{
    struct backfill_job *job = arg;
    struct backfill_page *page = &job->page;
    size_t least = job->file ? 1 : (size_t)(job->pace.rate / PAGES_PER_SECOND);
    if (status == DB_REFUSED)
        log_error("step of a first sync refused", LOG_STR("job", job->id_text),
                  LOG_STR("error", db_message(result)));
    /* Not ours, or nobody knows: whoever takes it up reads what was noted, and the keys keep rows from coming twice. */
    if (status == DB_UNKNOWN || (status == DB_OK && db_rows(result) == 0))
        job->lost = true;
    if (end_if_lost(job))
        return;
    if (status != DB_OK) {
        backfill_again(job);
        return;
    }
    count_step(job);
    if (page->last) {
        stats_add(job->backfill->done, 1);
        log_info("first sync done", LOG_STR("job", job->id_text), LOG_STR("platform", job->platform),
                 LOG_INT("read", job->read), LOG_INT("refused", job->refused));
        backfill_job_end(job);
        return;
    }
    job->pace.rate = db_get_int(result, 0, db_column(result, "rate"));
    backfill_pace_pay(&job->pace, page->count > least ? page->count : least, clock_mono_us());
    backfill_page_reset(page);
    rest_us(job, backfill_pace_wait_us(&job->pace, clock_mono_us()));
}

static void step(struct backfill_job *job)
{
    struct gateway *gateway = gateway_of(job);
    const struct backfill_page *page = &job->page;
    const struct backfill_place *next = &page->next;
    struct db_params *params = db_params_new();
    db_add_uuid(params, &job->id);
    db_add_text(params, service_instance(gateway->service));
    db_add_int(params, (int64_t)next->entity_at);
    db_add_text(params, next->cursor);
    db_add_int(params, next->part);
    db_add_int(params, next->chunk);
    db_add_int(params, next->chunk_line);
    db_add_int(params, next->line);
    db_add_int(params, (int64_t)page->count);
    db_add_int(params, (int64_t)(page->count - page->refused));
    db_add_int(params, (int64_t)page->refused);
    db_add_bool(params, page->last);
    db_add_int(params, job->read + 1);
    add_refusals(job, params);
    enter(job, BACKFILL_STEPPING);
    db_query(store_db(gateway->store), DB_WRITER, sql_backfill_step, params, on_stepped, job);
}

void backfill_on_fed(struct backfill_job *job, bool stored)
{
    if (end_if_lost(job))
        return;
    if (stored)
        step(job);
    else
        backfill_again(job);
}
