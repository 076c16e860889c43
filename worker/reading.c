/*
 * reading.c: what is to be done for the next records: one statement for their unfinished deliveries, one more for the versions
 * that their bodies are made from, and for orders one for their parents.
 */
#include "clock.h"
#include "dispatch.h"
#include "log.h"
#include "mem.h"
#include "parents_first.h"
#include "sql.h"
#include "worker.h"

#define READ_MAX 200 /* records in one reading */
#define RETRY_MS 200

static void became_ready(struct work *work)
{
    bool repeat = work_lead(work)->sendings > 0;

    if (stage_releasing(work->worker->stage, work->partition) ||
        (repeat && !limit_lets_repeat(work))) { /* its row stays open, and comes back, there or here */
        limit_return(work);
        work->again = false;
        work_finish(work);
        return;
    }
    dispatch_add(work);
}

/* Handed out again and again without an outcome: workers may have ended on it. */
static void give_up(struct work *work)
{
    snprintf(work->error, sizeof work->error,
             "handed out several times and never finished: workers may have ended on it");
    work->result = DELIVERY_DEAD;
    ledger_add(work);
}

struct reading {
    struct worker *worker;
    size_t count;
    struct work *works[READ_MAX];
};

static void read_rows(struct worker *worker, const struct db_result *result)
{
    struct uuid id;

    for (size_t row = 0; row < db_rows(result);) {
        struct work *work;
        db_get_uuid(result, row, db_column(result, "record_id"), &id);
        work = map_get(worker->works, id.bytes, sizeof id.bytes);
        if (work && work->state == WORK_READING)
            row = work_read_rows(work, result, row);
        else
            row++;
    }
}

/* True: it goes on when its parents were looked at. */
static bool sort_out(struct work *work)
{
    bool parked = work->item_count > 0 && work->items[0]->handouts >= STAGE_HANDOUTS_PARK;

    if (!work->chosen) {
        limit_return(work);
        work_finish(work);
        return false;
    }
    work_settle(work);
    if (parked)
        give_up(work);
    else if (parents_first_find(work))
        return true;
    else
        became_ready(work);
    return false;
}

static void read_again(struct work *work)
{
    limit_return(work);
    work_forget_rows(work);
    work->state = WORK_QUEUED;
    lanes_add(&work->worker->queued, work);
}

static void read_parents(struct worker *worker, struct work *const *works, size_t count)
{
    static const struct parents_first_ways ways = {.go_on = became_ready, .go_back = read_again};

    if (count > 0)
        parents_first_read(worker, works, count, &ways);
}

/* Everything was read: each work goes on, or back to the queue when PostgreSQL did not answer. */
static void end_reading(struct reading *reading, bool ok)
{
    struct worker *worker = reading->worker;
    size_t children = 0;

    worker->reading = false;
    for (size_t i = 0; i < reading->count; i++) {
        struct work *work = reading->works[i];
        if (work->lost) {
            work_finish(work);
        } else if (!ok) {
            read_again(work);
        } else if (sort_out(work)) {
            reading->works[children++] = work;
        }
    }
    read_parents(worker, reading->works, children);
    free(reading);
    worker_pump_in(worker, ok ? 0 : RETRY_MS);
}

static void on_versions(enum db_status status, const struct db_result *result, void *arg)
{
    struct reading *reading = arg;
    struct uuid id;

    for (size_t row = 0; status == DB_OK && row < db_rows(result); row++) {
        struct work *work;
        db_get_uuid(result, row, db_column(result, "record_id"), &id);
        work = map_get(reading->worker->works, id.bytes, sizeof id.bytes);
        if (work && work->state == WORK_READING)
            work_read_version(work, result, row);
    }
    if (status == DB_REFUSED)
        log_error("versions refused", LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
    end_reading(reading, status == DB_OK);
}

/* Updates go out as the difference from what the platform certainly has; and what each delivery carries is bound to its id. */
static void read_versions(struct reading *reading)
{
    struct db_params *params = db_params_new();
    struct version_params arrays;
    size_t asked;

    arrays.base_record = db_add_array(params, DB_UUID), arrays.base_version = db_add_array(params, DB_INT8);
    arrays.base_event = db_add_array(params, DB_UUID);
    arrays.touched_record = db_add_array(params, DB_UUID),
    arrays.touched_event = db_add_array(params, DB_UUID);
    arrays.content_record = db_add_array(params, DB_UUID),
    arrays.content_version = db_add_array(params, DB_INT8);
    for (size_t i = 0; i < reading->count; i++)
        if (reading->works[i]->chosen)
            work_ask_versions(reading->works[i], &arrays);
    asked = db_array_count(arrays.base_record) + db_array_count(arrays.content_record);
    if (asked == 0) {
        db_params_free(&params);
        end_reading(reading, true);
        return;
    }
    db_query(store_db(reading->worker->store), DB_WRITER, sql_worker_bases, params, on_versions, reading);
}

static void on_read(enum db_status status, const struct db_result *result, void *arg)
{
    struct reading *reading = arg;

    if (status != DB_OK) {
        if (status == DB_REFUSED)
            log_error("read refused", LOG_STR("sqlstate", db_sqlstate(result)),
                      LOG_STR("error", db_message(result)));
        end_reading(reading, false);
        return;
    }
    read_rows(reading->worker, result);
    for (size_t i = 0; i < reading->count; i++)
        reading->works[i]->chosen = !reading->works[i]->lost && work_choose(reading->works[i]);
    read_versions(reading);
}

static void on_policies(bool ready, void *arg)
{
    struct reading *reading = arg;
    struct db_params *params;
    struct db_array *records;

    if (!ready) {
        end_reading(reading, false);
        return;
    }
    params = db_params_new();
    db_add_text(params, reading->worker->name);
    records = db_add_array(params, DB_UUID);
    for (size_t i = 0; i < reading->count; i++)
        db_array_uuid(records, &reading->works[i]->record);
    db_query(store_db(reading->worker->store), DB_WRITER, sql_worker_read, params, on_read, reading);
}

/* First the policies of their tenants: they are at hand as a rule. */
static void read_rows_of(struct reading *reading)
{
    const char *tenants[READ_MAX];

    for (size_t i = 0; i < reading->count; i++)
        tenants[i] = reading->works[i]->tenant;
    policies_need(reading->worker->policies, tenants, reading->count, on_policies, reading);
}

/* Reads what is to be done for the next records; one that must be alone is read alone. */
void worker_read_next(struct worker *worker)
{
    struct reading *reading = mem_alloc(sizeof *reading);
    size_t ahead = worker_ahead(worker), most = ahead < READ_MAX ? ahead : READ_MAX;

    reading->worker = worker;
    worker->queued.mixed = gate_is_in_doubt(&worker->gate, clock_mono_ms());
    while (reading->count < most) {
        struct work *work = lanes_next(&worker->queued);
        if (!work)
            break;
        if (work->alone && reading->count > 0) {
            lanes_add(&worker->queued, work);
            break;
        }
        if (!limit_lets(work))
            continue;
        work->state = WORK_READING;
        reading->works[reading->count++] = work;
        if (work->alone)
            break;
    }
    if (reading->count == 0) {
        free(reading);
        return;
    }
    worker->reading = true;
    read_rows_of(reading);
}
