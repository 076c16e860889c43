/*
 * backfill.c: the first syncs that this gateway runs. Once a second it takes up what nobody runs; several gateways share the work,
 * and one that dies leaves its jobs to the others when their leases have lapsed.
 */
#include <event2/event.h>

#include "backfill_inside.h"
#include "clock.h"
#include "log.h"
#include "map.h"
#include "sql.h"

#define TICK_MS 250
#define CLAIM_EVERY_MS 1000
#define BEATS_PER_LEASE 3

/* ---- taking up ---- */

static char *text_of(const struct db_result *result, size_t row, const char *name)
{
    return mem_strdup(db_get_text(result, row, db_column(result, name), NULL));
}

static int64_t int_of(const struct db_result *result, size_t row, const char *name)
{
    int column = db_column(result, name);
    return db_is_null(result, row, column) ? 0 : db_get_int(result, row, column);
}

static void read_entities(struct backfill_job *job, const char *list)
{
    while (list && *list) {
        char name[32];
        enum entity entity;
        size_t len = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)len, list);
        if (msg_entity(name, &entity) == 0 && entity != ENTITY_NONE && job->entity_count < ENTITY_NONE)
            job->entities[job->entity_count++] = entity;
        list += len + (list[len] == ',');
    }
}

static void read_place(struct backfill_job *job, const struct db_result *result, size_t row)
{
    job->place = (struct backfill_place){.entity_at = (size_t)int_of(result, row, "entity_at"),
                                         .cursor = text_of(result, row, "cursor"),
                                         .part = int_of(result, row, "part"),
                                         .chunk = int_of(result, row, "chunk"),
                                         .chunk_line = int_of(result, row, "chunk_line"),
                                         .line = int_of(result, row, "line")};
}

static struct backfill_job *job_new(struct backfill *backfill, const struct db_result *result, size_t row)
{
    struct backfill_job *job = mem_alloc(sizeof *job);
    const char *source = db_get_text(result, row, db_column(result, "source"), NULL);
    job->backfill = backfill;
    job->claimed_us = clock_mono_us();
    db_get_uuid(result, row, db_column(result, "id"), &job->id);
    uuid_format(&job->id, job->id_text);
    job->tenant = text_of(result, row, "tenant_id");
    job->platform = text_of(result, row, "platform");
    job->subject = text_of(result, row, "subject");
    job->targets = text_of(result, row, "targets");
    job->file = strcmp(source, "file") == 0;
    read_entities(job, db_get_text(result, row, db_column(result, "entities"), NULL));
    read_place(job, result, row);
    job->read = int_of(result, row, "read");
    job->refused = int_of(result, row, "refused");
    job->failures = int_of(result, row, "failures");
    job->as_of_ms = db_get_time_ms(result, row, db_column(result, "as_of"));
    job->snapshot_seq = int_of(result, row, "snapshot_seq");
    job->pace = (struct backfill_pace){int_of(result, row, "rate"), clock_mono_us()};
    job->rows_max = job->file ? BACKFILL_FILE_PAGE : PLATFORM_PAGE_ROWS_MAX;
    return job;
}

void backfill_job_end(struct backfill_job *job)
{
    struct backfill *backfill = job->backfill;
    TAILQ_REMOVE(&backfill->jobs, job, link);
    stats_set(backfill->running_now, (int64_t)--backfill->count);
    if (job->timer)
        event_free(job->timer);
    backfill_page_reset(&job->page);
    credential_release(&job->credential);
    free(job->page.rows);
    free(job->place.cursor);
    free(job->tenant);
    free(job->platform);
    free(job->subject);
    free(job->targets);
    free(job);
}

static void on_claimed(enum db_status status, const struct db_result *result, void *arg)
{
    struct backfill *backfill = arg;
    backfill->claiming = false;
    if (status == DB_REFUSED)
        log_error("first syncs cannot be taken up", LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
    for (size_t row = 0; status == DB_OK && row < db_rows(result); row++) {
        struct backfill_job *job = job_new(backfill, result, row);
        TAILQ_INSERT_TAIL(&backfill->jobs, job, link);
        stats_set(backfill->running_now, (int64_t)++backfill->count);
        log_info("first sync taken up", LOG_STR("job", job->id_text), LOG_STR("platform", job->platform),
                 LOG_STR("source", job->file ? "file" : "list"), LOG_INT("read", job->read));
        backfill_job_start(job);
    }
}

static int64_t lease_ms(const struct backfill *backfill)
{
    return backfill->gateway->conf->lease_seconds;
}

static void claim(struct backfill *backfill)
{
    const struct gateway *gateway = backfill->gateway;
    size_t most = (size_t)gateway->conf->backfill_jobs;
    if (backfill->claiming || backfill->count >= most)
        return;
    struct db_params *params = db_params_new();
    db_add_text(params, service_instance(gateway->service));
    db_add_int(params, lease_ms(backfill));
    db_add_int(params, (int64_t)(most - backfill->count));
    backfill->claiming = true;
    backfill->claim_ms = clock_mono_ms();
    db_query(store_db(gateway->store), DB_WRITER, sql_backfill_claim, params, on_claimed, backfill);
}

void backfill_claim_soon(struct backfill *backfill)
{
    backfill->claim_ms = 0;
}

/* ---- keeping ---- */

/* Owner: the beat's callback. */
struct beat {
    struct backfill *backfill;
    int64_t sent_us;
};

static void keep_or_lose(struct beat *beat, const struct db_result *result)
{
    struct backfill *backfill = beat->backfill;
    struct map *rates = map_new();
    int64_t *kept = mem_array(db_rows(result) + 1, sizeof *kept);
    for (size_t row = 0; row < db_rows(result); row++) {
        struct uuid id;
        db_get_uuid(result, row, db_column(result, "id"), &id);
        kept[row] = db_get_int(result, row, db_column(result, "rate"));
        map_put(rates, id.bytes, sizeof id.bytes, &kept[row]);
    }
    for (struct backfill_job *job = TAILQ_FIRST(&backfill->jobs), *next; job; job = next) {
        const int64_t *rate = map_get(rates, job->id.bytes, sizeof job->id.bytes);
        next = TAILQ_NEXT(job, link);
        if (rate)
            job->pace.rate = *rate;
        else if (job->claimed_us < beat->sent_us && job->phase != BACKFILL_WAITING)
            backfill_job_lose(job);
    }
    map_free(&rates);
    free(kept);
}

static void on_beat(enum db_status status, const struct db_result *result, void *arg)
{
    struct beat *beat = arg;
    beat->backfill->beating = false;
    if (status == DB_OK)
        keep_or_lose(beat, result);
    free(beat);
}

static void send_beat(struct backfill *backfill)
{
    const struct gateway *gateway = backfill->gateway;
    if (backfill->beating || backfill->count == 0)
        return;
    struct beat *beat = mem_alloc(sizeof *beat);
    *beat = (struct beat){backfill, clock_mono_us()};
    struct db_params *params = db_params_new();
    db_add_text(params, service_instance(gateway->service));
    db_add_int(params, lease_ms(backfill));
    backfill->beating = true;
    backfill->beat_ms = clock_mono_ms();
    db_query(store_db(gateway->store), DB_WRITER, sql_backfill_beat, params, on_beat, beat);
}

static void on_tick(void *arg)
{
    struct backfill *backfill = arg;
    int64_t now_ms = clock_mono_ms();
    if (backfill->draining || !store_up(backfill->gateway->store))
        return;
    if (now_ms - backfill->beat_ms >= lease_ms(backfill) / BEATS_PER_LEASE)
        send_beat(backfill);
    if (now_ms - backfill->claim_ms >= CLAIM_EVERY_MS)
        claim(backfill);
}

/* ---- the module ---- */

struct backfill *backfill_new(struct gateway *gateway)
{
    struct backfill *backfill = mem_alloc(sizeof *backfill);
    backfill->gateway = gateway;
    TAILQ_INIT(&backfill->jobs);
#define X(name, kind, metric, labels, help) backfill->name = stats_register(kind, metric, labels, help);
    BACKFILL_STATS(X)
#undef X
    service_every(gateway->service, TICK_MS, on_tick, backfill);
    return backfill;
}

static void on_left(enum db_status status, const struct db_result *result, void *arg)
{
    (void)status, (void)result, (void)arg; /* unsaid, the leases lapse by themselves */
}

void backfill_drain(struct backfill *backfill)
{
    const struct gateway *gateway = backfill->gateway;
    if (backfill->draining)
        return;
    backfill->draining = true;
    for (struct backfill_job *job = TAILQ_FIRST(&backfill->jobs), *next; job; job = next) {
        next = TAILQ_NEXT(job, link);
        backfill_job_lose(job);
    }
    if (!store_up(gateway->store))
        return;
    struct db_params *params = db_params_new();
    db_add_text(params, service_instance(gateway->service));
    db_query(store_db(gateway->store), DB_WRITER, sql_backfill_leave, params, on_left, NULL);
}

/* After the store and the accept path are gone: nothing is under way for a job any more but a transfer or a timer. */
void backfill_free(struct backfill **backfill)
{
    for (struct backfill_job *job = TAILQ_FIRST(&(*backfill)->jobs), *next; job; job = next) {
        next = TAILQ_NEXT(job, link);
        if (job->transfer)
            transfer_abort((*backfill)->gateway->transfers, job->transfer);
        backfill_job_end(job);
    }
    free(*backfill);
    *backfill = NULL;
}
