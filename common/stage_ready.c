/*
 * stage_ready.c: the owner's half of the one rule (protocol.txt §4): publishes rows that PostgreSQL calls ready and the set
 * lacks. Three occasions, each with its time:
 *
 *   all      every SYNC_INTERVAL_SECONDS, when a partition was taken, when Redis was replaced: every stream
 *   refill   a stream is under half and more of it may wait: that stream
 *   due      a back-off has ended: only what was in backoff
 *
 * A run asks for as much as may be on the belt, never for the backlog, and takes tenants in turn: those of a stream in the order
 * of their names, TENANTS_MAX at a time, the next run goes on behind the last. What is in our own hands is left out.
 */
#include "hints.h"
#include "sql.h"
#include "stage_internal.h"

#define READY_PAUSE_MS \
    20 /* between two publishings: the belt must move in between; longer when the last one found little */
#define READY_PAUSE_MAX_MS 500
#define DUE_PAUSE_MS 100 /* a back-off is never that exact */
#define TENANTS_MAX 16   /* of a stream in a turn: each costs a look-up in the index */
#define REPEATS_MAX 128  /* published at a time: they get a tenth of the window */

static void arm(struct stage *stage)
{
    int64_t first = INT64_MAX, now = clock_mono_ms();
    struct timeval after;

    for (unsigned why = 0; why < READY_WHYS; why++)
        if (stage->ready_at_ms[why] > 0 && stage->ready_at_ms[why] < first)
            first = stage->ready_at_ms[why];
    if (first == INT64_MAX || stage->ready_running)
        return;
    first = first > now ? first - now : 0;
    after = (struct timeval){first / 1000, (first % 1000) * 1000};
    evtimer_add(stage->ready_timer, &after);
}

/* Then at the latest. */
static void ask(struct stage *stage, enum ready_why why, int64_t ms)
{
    int64_t at = clock_mono_ms() + (ms > 0 ? ms : 0);

    if (stage->ready_at_ms[why] > 0 && stage->ready_at_ms[why] <= at)
        return;
    stage->ready_at_ms[why] = at;
    arm(stage);
}

void stage_ready_in(struct stage *stage, int64_t ms)
{
    ask(stage, READY_ALL, ms);
}

void stage_due_in(struct stage *stage, int64_t ms)
{
    ask(stage, READY_DUE, ms > DUE_PAUSE_MS ? ms : DUE_PAUSE_MS);
}

/* What the owner lets onto a stream: what all the streams it holds have room for in its hand, so that nothing on the belt waits
 * behind a backlog; less of a priority while a higher one has a backlog too. */
static int64_t limit_of(const struct partition *partition, unsigned priority)
{
    const struct stage *stage = partition->stage;
    unsigned held = stage_partitions_held(stage);
    int64_t limit = (int64_t)stage->spec.hand_max / 2 / (held > 0 ? held : 1);

    for (unsigned p = 0; p < priority; p++)
        if (partition->more[p]) {
            limit >>= priority - p;
            break;
        }
    if (limit > stage->window * 9 / 10)
        limit = stage->window * 9 / 10;
    return limit > 4 ? limit : 4;
}

static bool is_low(const struct partition *partition, unsigned priority)
{
    return partition->more[priority] &&
           2 * (int64_t)partition->on_belt[priority] <= limit_of(partition, priority);
}

void stage_ready_check(struct partition *partition)
{
    struct stage *stage = partition->stage;

    for (unsigned p = 0; p < stage->spec.priorities; p++) {
        /* Hints were, or soon will be, refused: rows wait in PostgreSQL. */
        if (2 * (int64_t)partition->on_belt[p] >= hints_share(stage->window))
            partition->more[p] = true;
        if (is_low(partition, p))
            ask(stage, READY_REFILL, stage->refill_pause_ms);
    }
}

static void on_published(enum belt_result result, int64_t added, void *arg)
{
    struct stage *stage = arg;

    if (result == BELT_OK && added > 0)
        stats_add(stage->stat_published, added);
}

/* The columns of a run's answer. */
struct ready_columns {
    int id, partition, priority, more, turn_end, due;
};

/* False: it is in our own hands. */
static bool publish_row(struct stage *stage, const struct db_result *result, size_t row,
                        const struct ready_columns *columns, struct belt_call **calls)
{
    unsigned number = (unsigned)db_get_int(result, row, columns->partition);
    unsigned priority = stage->spec.priorities > 1 ? (unsigned)db_get_int(result, row, columns->priority) : 0;
    struct partition *partition = &stage->partitions[number];
    bool due = columns->due >= 0 && db_get_bool(result, row, columns->due);
    struct ref ref;

    if (db_get_bool(result, row, columns->more)) {
        partition->more[priority] |= !due;
        stage->due_more |= due;
    }
    if (!due && !partition->turn_end[priority] && !db_is_null(result, row, columns->turn_end)) {
        partition->turn_end[priority] = mem_strdup(db_get_text(result, row, columns->turn_end, NULL));
        partition->more[priority] = true;
    }
    store_read_ref(result, row, &ref);
    if (map_get(stage->hand, ref.event.bytes, sizeof ref.event.bytes))
        return false;
    if (stage->spec.busy && stage->spec.busy(&ref, stage->spec.arg))
        return false;
    if (!calls[number])
        calls[number] = belt_call_new(number);
    belt_publish(calls[number], partition->stream[priority],
                 due ? stage->window * 9 / 10 : limit_of(partition, priority), &ref);
    return true;
}

/* The streams that were asked for begin their turn anew, unless an answer says where it ended. Where it had not begun with the
 * first tenant, there may be more. */
static void begin_turns(struct stage *stage)
{
    for (unsigned n = 0; n < stage->count; n++)
        for (unsigned p = 0; p < stage->spec.priorities; p++) {
            struct partition *partition = &stage->partitions[n];
            if (!partition->asked[p])
                continue;
            partition->asked[p] = false;
            partition->more[p] = partition->turn_end[p] != NULL;
            free(partition->turn_end[p]);
            partition->turn_end[p] = NULL;
        }
}

/* Rows into one open call per partition: publishing needs no fence. */
static void publish_rows(struct stage *stage, const struct db_result *result)
{
    struct belt_call **calls = mem_array(stage->count, sizeof *calls);
    struct ready_columns columns = {.id = db_column(result, "id"),
                                    .partition = db_column(result, "partition"),
                                    .priority = db_column(result, "priority"),
                                    .more = db_column(result, "more"),
                                    .turn_end = db_column(result, "turn_end"),
                                    .due = stage->spec.ready_argument ? db_column(result, "due") : -1};

    size_t found = 0;

    begin_turns(stage);
    stage->due_more = false;
    for (size_t row = 0; row < db_rows(result); row++)
        if (!db_is_null(result, row, columns.id))
            found += publish_row(stage, result, row, &columns, calls);
    stage->refill_pause_ms = 4 * found >= db_rows(result) ? READY_PAUSE_MS : 2 * stage->refill_pause_ms;
    if (stage->refill_pause_ms > READY_PAUSE_MAX_MS)
        stage->refill_pause_ms = READY_PAUSE_MAX_MS;
    for (unsigned n = 0; n < stage->count; n++)
        if (calls[n])
            belt_send(stage->belt, calls[n], "", 0, on_published, stage);
    free(calls);
}

/* Rows in backoff are not ready yet: the statement says when the next one will be. */
static void ask_for_due(struct stage *stage, const struct db_result *result)
{
    int column;

    if (!stage->spec.ready_argument || db_rows(result) == 0)
        return;
    column = db_column(result, "due_ms");
    if (stage->due_more)
        stage_due_in(stage, DUE_PAUSE_MS);
    else if (!db_is_null(result, 0, column) && db_get_int(result, 0, column) < stage->sync_interval_ms)
        stage_due_in(stage, db_get_int(result, 0, column) + 1);
}

static void on_ready(enum db_status status, const struct db_result *result, void *arg)
{
    struct stage *stage = arg;

    stage->ready_running = false;
    if (status == DB_OK) {
        publish_rows(stage, result);
        ask_for_due(stage, result);
    } else if (status == DB_REFUSED) {
        log_error("ready rows refused", LOG_STR("stage", stage->spec.name),
                  LOG_STR("error", db_message(result)));
    }
    ask(stage, READY_ALL, stage->sync_interval_ms);
    arm(stage);
}

/* Which streams, how many rows of each, and behind which tenant. */
static void add_streams(struct stage *stage, bool all, bool refill, struct db_params *params)
{
    struct db_array *partitions = db_add_array(params, DB_INT2), *priorities = db_add_array(params, DB_INT2);
    struct db_array *wanted = db_add_array(params, DB_INT4), *after = db_add_array(params, DB_TEXT);

    for (unsigned n = 0; n < stage->count; n++)
        for (unsigned p = 0; p < stage->spec.priorities; p++) {
            struct partition *partition = &stage->partitions[n];
            partition->asked[p] =
                partition->state == PARTITION_ACTIVE && (all || (refill && is_low(partition, p)));
            if (!partition->asked[p])
                continue;
            db_array_int(partitions, n);
            db_array_int(priorities, p);
            db_array_int(wanted, limit_of(partition, p));
            db_array_text(after, partition->turn_end[p] ? partition->turn_end[p] : "");
        }
    db_add_int(params, TENANTS_MAX);
}

static void add_due(struct stage *stage, struct db_params *params)
{
    struct db_array *partitions = db_add_array(params, DB_INT2);
    unsigned held = stage_partitions_held(stage);

    for (unsigned n = 0; n < stage->count; n++)
        if (stage->partitions[n].state == PARTITION_ACTIVE)
            db_array_int(partitions, n);
    db_add_int(params, (int64_t)stage->spec.hand_max / 4 / (held > 0 ? held : 1));
    db_add_int(params, REPEATS_MAX);
    db_add_text(params, stage->spec.ready_argument);
}

static bool take(struct stage *stage, enum ready_why why)
{
    if (stage->ready_at_ms[why] == 0 || stage->ready_at_ms[why] > clock_mono_ms())
        return false;
    stage->ready_at_ms[why] = 0;
    return true;
}

static void run_ready(struct stage *stage)
{
    struct db_params *params;
    bool all, refill;

    if (stage->ready_running || stage->draining)
        return;
    all = take(stage, READY_ALL);
    refill = take(stage, READY_REFILL);
    take(stage, READY_DUE);
    if (stage->paused || !store_up(stage->store) || !stream_up(stage->belt)) {
        ask(stage, READY_ALL, stage->sync_interval_ms);
        arm(stage);
        return;
    }
    params = db_params_new();
    add_streams(stage, all, refill, params);
    if (stage->spec.ready_argument)
        add_due(stage, params);
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
    stage->refill_pause_ms = READY_PAUSE_MS;
    ask(stage, READY_ALL, stage->sync_interval_ms);
}

void stage_ready_stop(struct stage *stage)
{
    event_free(stage->ready_timer);
    for (unsigned n = 0; n < stage->count; n++)
        for (unsigned p = 0; p < PRIORITIES; p++)
            free(stage->partitions[n].turn_end[p]);
}
