/*
 * stage.c: life of a stage: its partitions' states, items, acknowledging, draining. The lease is in stage_lease.c, reading in
 * stage_read.c, publishing what is ready in stage_ready.c, what was handed out often in stage_alone.c, news of hand-overs in stage_handover.c.
 */
#include "stage.h"

#include "digest.h"
#include "stage_internal.h"

static const char *const state_names[] = {"none", "copying", "active", "releasing", "expired"};

static void let_go(struct partition *partition)
{
    struct stage *stage = partition->stage;

    stage_bell_close(partition);
    belt_call_free(&partition->call);
    stage_alone_drop(partition);
    stage->spec.on_lost(partition->number, stage->spec.arg);
    if (partition->in_hand > 0)
        bug("%s: partition %u is lost with %zu items in hand", stage->spec.name, partition->number,
            partition->in_hand);
}

void stage_enter(struct partition *partition, enum partition_state state)
{
    struct stage *stage = partition->stage;
    enum partition_state before = partition->state;

    if (before == state)
        return;
    partition->state = state;
    log_debug("partition", LOG_STR("stage", stage->spec.name), LOG_INT("partition", partition->number),
              LOG_STR("from", state_names[before]), LOG_STR("to", state_names[state]),
              LOG_INT("fence", partition->fence));
    switch (state) {
    case PARTITION_COPYING:
        stage_listen_from_start(partition);
        stage_copy_lease(partition);
        break;
    case PARTITION_ACTIVE:
        stage_bell_open(partition);
        stage_read(partition);
        stage_ready_in(stage, 0);
        break;
    case PARTITION_RELEASING:
        stage_alone_drop(partition);
        if (stage->spec.on_releasing)
            stage->spec.on_releasing(partition->number, stage->spec.arg);
        if (partition->in_hand == 0)
            stage_beat(stage);
        break;
    case PARTITION_NONE:
        partition->fence = 0;
        let_go(partition);
        break;
    case PARTITION_EXPIRED:
        let_go(partition);
        break;
    }
    stats_set(stage->stat_held, stage_partitions_held(stage));
}

/* Redis came back, perhaps as another one: our copy of the lease, the marks and what is pending are looked at anew. */
static void on_belt_state(bool up, void *arg)
{
    struct stage *stage = arg;

    if (up)
        stage_check_look(stage);
    for (unsigned n = 0; up && n < stage->count; n++)
        if (stage->partitions[n].state == PARTITION_ACTIVE)
            stage_enter(&stage->partitions[n], PARTITION_COPYING);
        else if (stage->partitions[n].state == PARTITION_COPYING)
            stage_copy_lease(&stage->partitions[n]);
}

static bool belt_ready(void *arg)
{
    struct stage *stage = arg;

    return stream_up(stage->belt);
}

static void flush_cb(evutil_socket_t fd, short what, void *arg)
{
    struct stage *stage = arg;

    (void)fd;
    (void)what;
    stage_flush(stage);
    if (stage->starved &&
        map_count(stage->hand) < stage->spec.hand_max / 2) { /* also when those that were alone are done */
        stage->starved = false;
        stage_kick(stage);
    }
}

static void register_stats(struct stage *stage)
{
    stage->stat_handled =
        stats_register(STATS_COUNTER, "sync_refs_handled_total", "", "References handled by this stage");
    stage->stat_poison = stats_register(STATS_COUNTER, "sync_poison_total", "",
                                        "Entries that could not be read and were parked");
    stage->stat_published = stats_register(STATS_COUNTER, "sync_ready_published_total", "",
                                           "Ready rows published again by their owner");
    stage->stat_held =
        stats_register(STATS_GAUGE, "sync_partitions_held", "", "Partitions owned by this process");
}

struct stage *stage_new(struct service *service, struct store *store, struct stream *belt,
                        const struct stage_spec *spec)
{
    struct stage *stage = mem_alloc(sizeof *stage);
    struct conf *conf = service_conf(service);
    uint8_t mark[16];

    stage->spec = *spec;
    stage->service = service;
    stage->store = store;
    stage->belt = belt;
    stage->base = service_base(service);
    stage->count = (unsigned)conf->partitions;
    stage->partitions = mem_array(stage->count, sizeof *stage->partitions);
    stage->lease_ms = conf->lease_seconds;
    stage->window = conf->stream_window;
    stage->sync_interval_ms = conf->sync_interval;
    stage->hand = map_new();
    stage->entries = map_new();
    digest_random(mark, sizeof mark);
    for (size_t i = 0; i < sizeof mark; i++)
        snprintf(stage->mark + 2 * i, 3, "%02x", mark[i]);
    for (unsigned n = 0; n < stage->count; n++) {
        struct partition *partition = &stage->partitions[n];
        partition->stage = stage;
        partition->number = n;
        for (unsigned p = 0; p < spec->priorities; p++) {
            spec->key(partition->stream[p], (enum priority)p, n, spec->arg);
            msg_key_set(partition->set[p], partition->stream[p]);
        }
        partition->rest = evtimer_new(stage->base, stage_rest_over, partition);
        stage_listen_from_start(partition);
    }
    register_stats(stage);
    stage->flush_timer = evtimer_new(stage->base, flush_cb, stage);
    stream_on_state(belt, on_belt_state, stage);
    service_add_check(service, "redis", belt_ready, stage);
    stage_alone_start(stage);
    stage_handover_start(stage);
    stage_lease_start(stage);
    stage_ready_start(stage);
    stage_check_start(stage);
    return stage;
}

static void free_hand(struct stage *stage)
{
    struct map_iter iter = {0};
    void *value;

    while (map_next(stage->hand, &iter, NULL, NULL, &value))
        free(value);
    iter = (struct map_iter){0};
    while (map_next(stage->entries, &iter, NULL, NULL, &value))
        free(value);
    map_free(&stage->hand);
    map_free(&stage->entries);
}

void stage_free(struct stage **stagep)
{
    struct stage *stage = *stagep;

    if (!stage)
        return;
    stage_lease_stop(stage);
    stage_handover_stop(stage);
    stage_ready_stop(stage);
    for (unsigned n = 0; n < stage->count; n++) {
        stage_bell_close(&stage->partitions[n]);
        event_free(stage->partitions[n].rest);
        belt_call_free(&stage->partitions[n].call);
    }
    event_free(stage->flush_timer);
    stage_alone_stop(stage);
    free_hand(stage);
    free(stage->partitions);
    free(stage);
    *stagep = NULL;
}

static void flush_soon(struct stage *stage)
{
    const struct timeval now = {0, 0};

    if (!evtimer_pending(stage->flush_timer, NULL))
        evtimer_add(stage->flush_timer, &now);
}

struct belt_call *stage_call(struct stage *stage, unsigned number)
{
    struct partition *partition = &stage->partitions[number];

    if (!partition->call)
        partition->call = belt_call_new(number);
    flush_soon(stage);
    return partition->call;
}

/* Takes the item out of hand; the entry with its last reference. True when that was the last one. */
static void forget(struct stage *stage, struct stage_item *item)
{
    struct partition *partition = &stage->partitions[item->partition];

    map_remove(stage->hand, item->ref.event.bytes, sizeof item->ref.event.bytes);
    partition->in_hand--;
    item->entry->open--;
    stage_alone_ended(partition, item);
}

void stage_done(struct stage *stage, struct stage_item *item)
{
    struct stage_entry *entry = item->entry;
    struct partition *partition = entry->partition;
    struct belt_call *call = stage_call(stage, item->partition);

    forget(stage, item);
    stats_add(stage->stat_handled, 1);
    belt_ack_ref(call, partition->stream[entry->priority], &item->ref.event);
    if (entry->open == 0) {
        if (!entry->dropped)
            belt_ack_entry(call, partition->stream[entry->priority], entry->id);
        stage_entry_release(stage, entry);
    }
    free(item);
    if (partition->in_hand == 0 && partition->state == PARTITION_RELEASING)
        stage_beat(stage);
}

void stage_drop(struct stage *stage, struct stage_item *item)
{
    struct stage_entry *entry = item->entry;

    forget(stage, item);
    entry->dropped = true;
    entry->partition->pending = true;
    if (entry->open == 0)
        stage_entry_release(stage, entry);
    free(item);
}

/* A script of ours was refused: the copy of the lease is gone or another's. PostgreSQL knows which. */
static void on_call(enum belt_result result, int64_t added, void *arg)
{
    struct partition *partition = arg;

    (void)added;
    if (result == BELT_FENCED && partition->state == PARTITION_ACTIVE)
        stage_enter(partition, PARTITION_COPYING);
    else if (result == BELT_AWAY)
        partition->pending = true;
}

void stage_flush(struct stage *stage)
{
    for (unsigned n = 0; n < stage->count; n++) {
        struct partition *partition = &stage->partitions[n];
        struct belt_call *call = partition->call;
        if (!call)
            continue;
        partition->call = NULL;
        belt_send(stage->belt, call, stage->spec.name, partition->fence, on_call, partition);
    }
}

bool stage_holds(const struct stage *stage, unsigned number)
{
    enum partition_state state = stage->partitions[number].state;

    return (state == PARTITION_ACTIVE || state == PARTITION_RELEASING || state == PARTITION_COPYING) &&
           clock_mono_ms() < stage->valid_until_ms;
}

bool stage_releasing(const struct stage *stage, unsigned number)
{
    return stage->partitions[number].state == PARTITION_RELEASING;
}

int64_t stage_fence(const struct stage *stage, unsigned number)
{
    return stage->partitions[number].fence;
}

void stage_add_fences(const struct stage *stage, struct db_params *params)
{
    struct db_array *numbers = db_add_array(params, DB_INT2);
    struct db_array *fences = db_add_array(params, DB_INT8);

    for (unsigned n = 0; n < stage->count; n++)
        if (stage->partitions[n].fence > 0) {
            db_array_int(numbers, n);
            db_array_int(fences, stage->partitions[n].fence);
        }
}

void stage_kick(struct stage *stage)
{
    for (unsigned n = 0; n < stage->count; n++)
        if (stage->partitions[n].state == PARTITION_ACTIVE)
            stage_read(&stage->partitions[n]);
}

void stage_pause(struct stage *stage, bool paused)
{
    if (stage->paused == paused)
        return;
    stage->paused = paused;
    if (paused)
        return;
    stage_ready_in(stage, 0);
    stage_kick(stage);
}

size_t stage_in_hand(const struct stage *stage)
{
    return map_count(stage->hand);
}

unsigned stage_partitions_held(const struct stage *stage)
{
    unsigned held = 0;

    for (unsigned n = 0; n < stage->count; n++)
        held +=
            stage->partitions[n].state != PARTITION_NONE && stage->partitions[n].state != PARTITION_EXPIRED;
    return held;
}

void stage_drain(struct stage *stage, void (*drained)(void *arg), void *arg)
{
    stage->draining = true;
    stage->drained = drained;
    stage->drained_arg = arg;
    for (unsigned n = 0; n < stage->count; n++)
        if (stage->partitions[n].state == PARTITION_ACTIVE || stage->partitions[n].state == PARTITION_COPYING)
            stage_enter(&stage->partitions[n], PARTITION_RELEASING);
    stage_beat(stage);
}
