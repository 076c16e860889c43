/*
 * stage_ready.c: the owner's half of the one rule (protocol.txt §4): publishes rows that PostgreSQL calls ready and the set
 * lacks: every SYNC_INTERVAL_SECONDS, when a set is under half and more may wait, when a back-off ends, and when Redis was
 * replaced. What is in our own hands is left out.
 */
#include "sql.h"
#include "stage_internal.h"

#define READY_PAUSE_MS 20 /* between two publishings: the belt must move in between */

static void run_ready(struct stage *stage);

static void arm(struct stage *stage, int64_t ms)
{
    struct timeval after = {ms / 1000, (ms % 1000) * 1000};

    evtimer_add(stage->ready_timer, &after);
}

void stage_ready_in(struct stage *stage, int64_t ms)
{
    int64_t at = clock_mono_ms() + (ms > 0 ? ms : 0);

    if (stage->ready_at_ms <= at && stage->ready_at_ms > 0)
        return;
    stage->ready_at_ms = at;
    if (!stage->ready_running)
        arm(stage, ms > 0 ? ms : 0);
}

void stage_ready_check(struct partition *partition)
{
    struct stage *stage = partition->stage;

    for (unsigned p = 0; p < stage->spec.priorities; p++)
        if (partition->more[p] && (int64_t)partition->on_belt[p] < stage->window / 2)
            stage_ready_in(stage, READY_PAUSE_MS);
}

static void on_published(enum belt_result result, int64_t added, void *arg)
{
    struct stage *stage = arg;

    if (result == BELT_OK && added > 0)
        stats_add(stage->stat_published, added);
}

/* Rows into one open call per partition: publishing needs no fence. */
static void publish_rows(struct stage *stage, const struct db_result *result)
{
    struct belt_call **calls = mem_array(stage->count, sizeof *calls);
    unsigned *rows_of = mem_array((size_t)stage->count * PRIORITIES, sizeof *rows_of);
    int id_column = db_column(result, "id"), partition_column = db_column(result, "partition");
    int priority_column = db_column(result, "priority");

    for (size_t row = 0; row < db_rows(result); row++) {
        struct ref ref;
        if (db_is_null(result, row, id_column))
            continue;
        unsigned number = (unsigned)db_get_int(result, row, partition_column);
        unsigned priority =
            stage->spec.priorities > 1 ? (unsigned)db_get_int(result, row, priority_column) : 0;
        rows_of[number * PRIORITIES + priority]++;
        store_read_ref(result, row, &ref);
        if (map_get(stage->hand, ref.event.bytes, sizeof ref.event.bytes))
            continue;
        if (stage->spec.busy && stage->spec.busy(&ref, stage->spec.arg))
            continue;
        if (!calls[number])
            calls[number] = belt_call_new(number);
        belt_publish(calls[number], stage->partitions[number].stream[priority], stage->window * 9 / 10, &ref);
    }
    for (unsigned n = 0; n < stage->count; n++) {
        for (unsigned p = 0; p < stage->spec.priorities; p++)
            stage->partitions[n].more[p] = rows_of[n * PRIORITIES + p] >= (unsigned)stage->window;
        if (calls[n])
            belt_send(stage->belt, calls[n], "", 0, on_published, stage);
    }
    free(rows_of);
    free(calls);
}

/* Rows in backoff are not ready yet: the statement says when the next one will be. */
static int64_t next_due_ms(struct stage *stage, const struct db_result *result)
{
    if (!stage->spec.ready_argument || db_rows(result) == 0)
        return INT64_MAX;
    int column = db_column(result, "due_ms");
    return db_is_null(result, 0, column) ? INT64_MAX : db_get_int(result, 0, column) + 1;
}

static void on_ready(enum db_status status, const struct db_result *result, void *arg)
{
    struct stage *stage = arg;
    int64_t wait_ms = stage->sync_interval_ms;

    stage->ready_running = false;
    if (status == DB_OK) {
        int64_t due_ms = next_due_ms(stage, result);
        publish_rows(stage, result);
        if (due_ms < wait_ms)
            wait_ms = due_ms < READY_PAUSE_MS ? READY_PAUSE_MS : due_ms;
    } else if (status == DB_REFUSED) {
        log_error("ready rows refused", LOG_STR("stage", stage->spec.name),
                  LOG_STR("error", db_message(result)));
    }
    /* Somebody may have asked for an earlier run while this one was under way. */
    int64_t now = clock_mono_ms();
    int64_t asked_ms =
        stage->ready_at_ms > 0 ? (stage->ready_at_ms > now ? stage->ready_at_ms - now : 0) : INT64_MAX;
    stage->ready_at_ms = 0;
    stage_ready_in(stage, asked_ms < wait_ms ? asked_ms : wait_ms);
}

static void run_ready(struct stage *stage)
{
    struct db_params *params;
    struct db_array *partitions;

    if (stage->ready_running || stage->draining)
        return;
    stage->ready_at_ms = 0;
    if (stage->paused || !store_up(stage->store) || !stream_up(stage->belt)) {
        stage_ready_in(stage, stage->sync_interval_ms);
        return;
    }
    params = db_params_new();
    partitions = db_add_array(params, DB_INT2);
    for (unsigned n = 0; n < stage->count; n++)
        if (stage->partitions[n].state == PARTITION_ACTIVE)
            db_array_int(partitions, n);
    db_add_int(params, stage->window);
    if (stage->spec.ready_argument)
        db_add_text(params, stage->spec.ready_argument);
    stage->ready_running = true;
    db_query(store_db(stage->store), DB_WRITER, stage->spec.ready_sql, params, on_ready, stage);
}

static void ready_cb(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    run_ready(arg);
}

void stage_ready_start(struct stage *stage)
{
    stage->ready_timer = evtimer_new(stage->base, ready_cb, stage);
    stage_ready_in(stage, stage->sync_interval_ms);
}

void stage_ready_stop(struct stage *stage)
{
    event_free(stage->ready_timer);
}
