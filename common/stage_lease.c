/*
 * stage_lease.c: the heartbeat of a replica: renews its leases, takes its fair share, gives back the surplus, and tells the
 * consumer at once when a lease was not renewed in time.
 *
 * Within LEASE_SECONDS others have taken over: PostgreSQL lets them in after nine tenths of it (lease_beat.sql), and a beat of
 * theirs goes out at that moment. We stop after eight tenths, counted from when our beat was sent, not from when it was
 * answered. Beats come at least once a second: they also carry what other replicas changed.
 */
#include "belt_repair.h"
#include "lua.h"
#include "sql.h"
#include "stage_internal.h"

#define BEAT_MS_MAX 1000
#define LAPSE_SLACK_MS 5 /* what a clock's step may be */

static void arm(struct event *timer, int64_t ms)
{
    struct timeval after = {ms / 1000, (ms % 1000) * 1000};

    evtimer_add(timer, &after);
}

static int64_t beat_every_ms(const struct stage *stage)
{
    return stage->lease_ms / 4 < BEAT_MS_MAX ? stage->lease_ms / 4 : BEAT_MS_MAX;
}

static void on_copied(const struct stream_reply *reply, void *arg)
{
    struct partition *partition = arg;

    if (partition->state != PARTITION_COPYING)
        return;
    if (reply_is_error(reply, "WRONGTYPE"))
        stage_heal(partition);
    if (reply_type(reply) != REPLY_INT && reply_type(reply) != REPLY_TEXT)
        return; /* Redis is away: on_belt_state comes again; an error: the next beat tries again */
    if (reply_int(reply) == partition->fence)
        stage_enter(partition, PARTITION_ACTIVE);
    /* Higher: somebody newer owns it; the next beat says so. */
}

void stage_copy_lease(struct partition *partition)
{
    struct stage *stage = partition->stage;
    struct stream_command *command = stream_script(lua_lease, 1);
    char key[MSG_KEY_MAX];

    msg_key_owner(key, stage->spec.name, partition->number);
    stream_add(command, key);
    stream_add_int(command, partition->fence);
    stream_add(command, stage->mark);
    stream_send(stage->belt, command, on_copied, partition);
}

/* More than our share: the surplus finishes what it has in hand and goes. */
static void release_surplus(struct stage *stage, int64_t share)
{
    int64_t held = 0;

    for (unsigned n = 0; n < stage->count; n++) {
        struct partition *partition = &stage->partitions[n];
        if (partition->state != PARTITION_ACTIVE && partition->state != PARTITION_COPYING)
            continue;
        if (++held > share)
            stage_enter(partition, PARTITION_RELEASING);
    }
}

static void granted(struct partition *partition, int64_t fence)
{
    if (partition->fence == fence && partition->state != PARTITION_EXPIRED &&
        partition->state != PARTITION_NONE) {
        if (partition->state == PARTITION_COPYING)
            stage_copy_lease(partition);
        return;
    }
    if (partition->state != PARTITION_NONE && partition->fence != fence)
        stage_enter(partition, PARTITION_NONE); /* what is in hand belongs to an older fence */
    if (partition->fence !=
        fence) { /* else renewed too late, but nobody else had it: what is pending was ours */
        partition->taken_over = true;
        partition->handed_out = false;
    }
    partition->fence = fence;
    log_info("lease", LOG_STR("stage", partition->stage->spec.name), LOG_INT("partition", partition->number),
             LOG_INT("fence", fence));
    stage_enter(partition, partition->stage->draining ? PARTITION_RELEASING : PARTITION_COPYING);
}

static void finish_drain(struct stage *stage)
{
    void (*drained)(void *arg) = stage->drained;

    for (unsigned n = 0; n < stage->count; n++)
        if (stage->partitions[n].state != PARTITION_NONE)
            return;
    if (stage->telling)
        return; /* the next owner waits for it */
    stage->drained = NULL;
    if (drained)
        drained(stage->drained_arg);
}

void stage_told(struct stage *stage)
{
    if (stage->draining)
        finish_drain(stage);
}

/* In our own partitions nothing new starts once this has passed; false when it has already. */
static bool prolong(struct stage *stage)
{
    int64_t valid_ms;

    stage->valid_until_ms = stage->beat_sent_ms + stage->lease_ms * 8 / 10;
    valid_ms = stage->valid_until_ms - clock_mono_ms();
    arm(stage->expiry_timer, valid_ms > 0 ? valid_ms : 0);
    return valid_ms > 0;
}

static void beat_result(struct stage *stage, const struct db_result *result)
{
    bool *mine = mem_array(stage->count, sizeof *mine);
    int share_column = db_column(result, "share"), partition_column = db_column(result, "partition");
    int fence_column = db_column(result, "fence"), lapse_column = db_column(result, "lapse_ms");
    int64_t share = 0;
    bool valid = prolong(stage);

    if (!db_is_null(result, 0, lapse_column) && db_get_int(result, 0, lapse_column) < beat_every_ms(stage))
        arm(stage->beat_timer, db_get_int(result, 0, lapse_column) + LAPSE_SLACK_MS);
    for (size_t row = 0; row < db_rows(result); row++) {
        share = db_get_int(result, row, share_column);
        if (db_is_null(result, row, partition_column))
            continue;
        unsigned number = (unsigned)db_get_int(result, row, partition_column);
        if (number >= stage->count)
            continue;
        mine[number] = true;
        if (valid) /* else the answer was too long under way */
            granted(&stage->partitions[number], db_get_int(result, row, fence_column));
    }
    for (unsigned n = 0; n < stage->count; n++)
        if (!mine[n] && stage->partitions[n].state != PARTITION_NONE)
            stage_enter(&stage->partitions[n], PARTITION_NONE);
    free(mine);
    release_surplus(stage, share);
    if (stage->draining)
        finish_drain(stage);
}

/* How long PostgreSQL has answered without a gap: since the first answer after the last one that failed. */
static int64_t steady_ms(const struct stage *stage)
{
    if (!stage->interrupted)
        return INT32_MAX;
    return stage->steady_since_ms > 0 ? clock_mono_ms() - stage->steady_since_ms : 0;
}

static void interrupted(struct stage *stage)
{
    stage->interrupted = true;
    stage->steady_since_ms = 0;
}

static void on_beat(enum db_status status, const struct db_result *result, void *arg)
{
    struct stage *stage = arg;

    stage->beating = false;
    if (status != DB_OK)
        interrupted(stage);
    else if (stage->interrupted && stage->steady_since_ms == 0)
        stage->steady_since_ms = clock_mono_ms();
    if (status == DB_OK && (stage->given_back > 0 || !stage->announced)) {
        stage->announced = true;
        stage_handover_tell(stage);
    }
    if (status == DB_OK)
        beat_result(stage, result);
    else if (status == DB_REFUSED)
        log_error("beat refused", LOG_STR("stage", stage->spec.name), LOG_STR("error", db_message(result)));
    if (stage->draining && !store_up(stage->store))
        finish_drain(stage);
    if (stage->beat_again) {
        stage->beat_again = false;
        stage_beat(stage);
    }
}

static void on_rows_made(enum db_status status, const struct db_result *result, void *arg)
{
    struct stage *stage = arg;

    (void)result;
    stage->beating = false;
    stage->rows_made = status == DB_OK;
    if (stage->rows_made)
        stage_beat(stage);
}

static void make_rows(struct stage *stage)
{
    struct db_params *params = db_params_new();

    db_add_text(params, stage->spec.name);
    db_add_int(params, stage->count);
    db_query(store_db(stage->store), DB_WRITER, sql_lease_init, params, on_rows_made, stage);
}

/* A partition is given back once nothing of it is in hand or to be recorded; until then it is kept like the others. */
static bool gives_back(const struct partition *partition)
{
    const struct stage_spec *spec = &partition->stage->spec;

    return partition->state == PARTITION_RELEASING && partition->in_hand == 0 &&
           !(spec->unrecorded && spec->unrecorded(partition->number, spec->arg));
}

void stage_beat(struct stage *stage)
{
    struct db_params *params;
    struct db_array *kept, *released;
    struct buf repairs = BUF_INIT;

    if (stage->beating) {
        stage->beat_again = true;
        return;
    }
    if (!store_up(stage->store))
        return;
    stage->beating = true;
    if (!stage->rows_made) {
        make_rows(stage);
        return;
    }
    stage_flush(stage); /* acknowledgements under the fence that may now be given back */
    params = db_params_new();
    db_add_text(params, stage->spec.name);
    db_add_text(params, service_instance(stage->service));
    db_add_int(params, stage->count);
    db_add_int(params, stage->lease_ms);
    kept = db_add_array(params, DB_INT2);
    released = db_add_array(params, DB_INT2);
    for (unsigned n = 0; n < stage->count; n++)
        if (stage->partitions[n].fence > 0)
            db_array_int(gives_back(&stage->partitions[n]) ? released : kept, n);
    stage->given_back = db_array_count(released);
    db_add_bool(params, stage->draining);
    db_add_int(params, steady_ms(stage));
    belt_repairs_json(&repairs);
    db_add_text(params, repairs.data);
    buf_release(&repairs);
    stage->beat_sent_ms = clock_mono_ms();
    db_query(store_db(stage->store), DB_WRITER, sql_lease_beat, params, on_beat, stage);
}

static void beat_cb(evutil_socket_t fd, short what, void *arg)
{
    struct stage *stage = arg;

    (void)fd;
    (void)what;
    stage_beat(stage);
    arm(stage->beat_timer, beat_every_ms(stage));
}

/* Not renewed in time: whoever else may own the partitions by now, we start nothing in them. */
static void expiry_cb(evutil_socket_t fd, short what, void *arg)
{
    struct stage *stage = arg;

    (void)fd;
    (void)what;
    if (clock_mono_ms() < stage->valid_until_ms)
        return;
    for (unsigned n = 0; n < stage->count; n++)
        if (stage->partitions[n].state != PARTITION_NONE && stage->partitions[n].state != PARTITION_EXPIRED) {
            log_warn("lease ran out", LOG_STR("stage", stage->spec.name), LOG_INT("partition", n),
                     LOG_INT("fence", stage->partitions[n].fence));
            stage_enter(&stage->partitions[n], PARTITION_EXPIRED);
        }
}

static void on_store_state(bool up, void *arg)
{
    if (up)
        stage_beat(arg);
    else
        interrupted(arg);
}

void stage_lease_start(struct stage *stage)
{
    stage->beat_timer = evtimer_new(stage->base, beat_cb, stage);
    stage->expiry_timer = evtimer_new(stage->base, expiry_cb, stage);
    /* What came over the network while this process was stopped is not looked at before. */
    if (event_priority_set(stage->expiry_timer, SERVICE_FIRST) != 0)
        bug("the loop knows no priorities");
    store_on_state(stage->store, on_store_state, stage);
    arm(stage->beat_timer, 0);
}

void stage_lease_stop(struct stage *stage)
{
    event_free(stage->beat_timer);
    event_free(stage->expiry_timer);
}
