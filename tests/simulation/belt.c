/* belt.c: the streams with their sets, and stage.h over them: who owns what, hands out, acknowledges. See simulation.h. */
#include <stdlib.h>
#include <string.h>

#include "belt.h"
#include "log.h"
#include "mem.h"
#include "simulation.h"
#include "stage.h"

#define WINDOW 12

struct stage_entry {
    struct ref ref;
    enum priority priority;
    unsigned handouts;
    bool pending;
    uint32_t generation; /* of the belt: an entry of before FLUSHALL is nobody's */
    struct stage_entry *next;
};
struct stream_model {
    struct stage_entry *first;
    size_t count, waiting;
};
static struct stream_model streams[STAGES];
static uint32_t generation;

struct stage {
    struct process *process;
    struct stage_spec spec;
    bool held, paused;
    int64_t fence;
    struct stage_item **hand; /* lent to the consumer */
    size_t in_hand, cap;
};

void belt_reset(void)
{
    memset(streams, 0, sizeof streams);
    generation = 1;
}

void belt_flush(void)
{
    memset(streams, 0, sizeof streams);
    generation++;
}

static struct stage_entry *find(const struct stream_model *stream, const struct uuid *event)
{
    for (struct stage_entry *entry = stream->first; entry; entry = entry->next)
        if (uuid_equal(&entry->ref.event, event))
            return entry;
    return NULL;
}

void belt_add(int stage, const struct ref *ref, enum priority priority)
{
    struct stream_model *stream = &streams[stage];
    struct stage_entry **at = &stream->first, *entry;

    if (stream->count >= WINDOW || find(stream, &ref->event))
        return;
    entry = mem_alloc(sizeof *entry);
    *entry = (struct stage_entry){.ref = *ref, .priority = priority, .generation = generation};
    while (*at && (*at)->priority <= priority)
        at = &(*at)->next;
    entry->next = *at;
    *at = entry;
    stream->count++;
    stream->waiting++;
}

static void remove_entry(struct stream_model *stream, const struct stage_entry *entry)
{
    struct stage_entry **at = &stream->first;

    while (*at && *at != entry)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = entry->next;
    stream->count--;
    stream->waiting -= !entry->pending;
}

/* ── publishing ── */

struct belt_call *belt_call_new(unsigned partition)
{
    (void)partition;
    return NULL;
}

void belt_publish(struct belt_call *call, const char *stream, int64_t limit, const struct ref *ref)
{
    const char *colon = strchr(stream, ':'), *rest = colon + 1;
    int stage = STAGE_RESOLVER;
    enum priority priority = PRIORITY_CRITICAL;

    (void)call;
    (void)limit;
    if (strncmp(stream, PROTO_DELIVER ":", strlen(PROTO_DELIVER) + 1) == 0) {
        stage = side_index(rest, strcspn(rest, ":"));
        rest = strchr(rest, ':') + 1;
    } else if (strncmp(stream, PROTO_EVENTS ":", strlen(PROTO_EVENTS) + 1) == 0) {
        stage = STAGE_ROUTER;
    }
    for (int i = 0; i < PRIORITIES; i++)
        if (strncmp(rest, msg_priority_name((enum priority)i), strcspn(rest, ":")) == 0)
            priority = (enum priority)i;
    belt_add(stage, ref, priority);
}

void belt_send(struct stream *stream, struct belt_call *call, const char *stage, int64_t fence,
               belt_cb callback, void *arg)
{
    (void)stream;
    (void)call;
    (void)stage;
    (void)fence;
    (void)callback;
    (void)arg;
}

/* ── stage.h ── */

struct stage *stage_new(struct service *service, struct store *store, struct stream *belt,
                        const struct stage_spec *spec)
{
    struct stage *stage = mem_alloc(sizeof *stage);

    (void)store;
    (void)belt;
    stage->process = (struct process *)service;
    stage->spec = *spec;
    stage->process->own = stage;
    return stage;
}

void stage_free(struct stage **stage)
{
    *stage = NULL;
}

static void let_go(struct stage *stage, struct stage_item *item)
{
    for (size_t i = 0; i < stage->in_hand; i++)
        if (stage->hand[i] == item)
            stage->hand[i] = stage->hand[--stage->in_hand];
    free(item);
}

static bool is_owner(const struct stage *stage)
{
    int kind = stage->process->stage;

    return stage->held && world.processes[world.owner[kind]] == stage->process &&
           stage->fence == world.fence[kind];
}

void stage_done(struct stage *stage, struct stage_item *item)
{
    if (is_owner(stage) && item->entry->generation == generation)
        remove_entry(&streams[stage->process->stage], item->entry);
    let_go(stage, item);
}

/* It stays pending: handed out again by the next owner, or by this one when it looks for what is pending. */
void stage_drop(struct stage *stage, struct stage_item *item)
{
    let_go(stage, item);
}

struct belt_call *stage_call(struct stage *stage, unsigned partition)
{
    (void)stage;
    (void)partition;
    return NULL;
}

void stage_flush(struct stage *stage)
{
    (void)stage;
}

bool stage_holds(const struct stage *stage, unsigned partition)
{
    (void)partition;
    return stage->held;
}

bool stage_releasing(const struct stage *stage, unsigned partition)
{
    (void)stage;
    (void)partition;
    return false;
}

int64_t stage_fence(const struct stage *stage, unsigned partition)
{
    (void)partition;
    return stage->fence;
}

void stage_add_fences(const struct stage *stage, struct db_params *params)
{
    struct db_array *partitions = db_add_array(params, DB_INT2), *fences = db_add_array(params, DB_INT8);

    db_array_int(partitions, stage->process->stage); /* the model's key of a lease */
    db_array_int(fences, stage->fence);
}

void stage_ready_in(struct stage *stage, int64_t ms)
{
    (void)stage;
    (void)ms;
}

void stage_due_in(struct stage *stage, int64_t ms)
{
    (void)stage;
    (void)ms;
}

void stage_pause(struct stage *stage, bool paused)
{
    stage->paused = paused;
}

size_t stage_in_hand(const struct stage *stage)
{
    return stage->in_hand;
}

unsigned stage_partitions_held(const struct stage *stage)
{
    return stage->held;
}

void stage_drain(struct stage *stage, void (*drained)(void *arg), void *arg)
{
    (void)stage;
    drained(arg);
}

/* ── leases ── */

static struct stage *owner_of(int kind)
{
    struct process *process = world.processes[world.owner[kind]];

    return process && !process->dead && process->own && process->own->held ? process->own : NULL;
}

void stage_take(int kind)
{
    struct stage *stage = owner_of(kind);

    if (!stage)
        return;
    stage->held = false;
    stage->spec.on_lost(0, stage->spec.arg);
    if (stage->in_hand > 0)
        fail("kept", "%s keeps references of a partition that it lost", stage->process->instance);
}

void stage_give(int kind, struct process *process)
{
    world.owner[kind] = process->index;
    process->own->held = true;
    process->own->paused = false;
    process->own->fence = ++world.fence[kind];
    for (struct stage_entry *entry = streams[kind].first; entry; entry = entry->next) {
        streams[kind].waiting += entry->pending;
        entry->pending = false; /* a new owner first reads what the old one left pending */
    }
}

/* ── handing out ── */

static bool has(const struct stage *stage, const struct stage_entry *entry)
{
    for (size_t i = 0; i < stage->in_hand; i++)
        if (stage->hand[i]->entry == entry)
            return true;
    return false;
}

static struct stage_item *item_of(struct stage *stage, struct stage_entry *entry)
{
    struct stage_item *item = mem_alloc(sizeof *item);

    entry->pending = true;
    entry->handouts++;
    *item = (struct stage_item){
        .ref = entry->ref, .priority = entry->priority, .handouts = entry->handouts, .entry = entry};
    if (stage->in_hand == stage->cap) {
        stage->cap = stage->cap ? 2 * stage->cap : 16;
        stage->hand = mem_realloc(stage->hand, stage->cap * sizeof *stage->hand);
    }
    return stage->hand[stage->in_hand++] = item;
}

bool belt_hand_out(int kind)
{
    struct stage *stage = owner_of(kind);
    struct stage_item *items[8];
    size_t count = 0, most = 1 + chance_below(8);

    if (!stage || stage->paused || streams[kind].waiting == 0)
        return false;
    for (struct stage_entry *entry = streams[kind].first; entry && count < most; entry = entry->next)
        if (!entry->pending && !has(stage, entry)) {
            items[count++] = item_of(stage, entry);
            streams[kind].waiting--;
        }
    if (count > 0)
        stage->spec.on_items(items, count, stage->spec.arg);
    return count > 0;
}

/* ── what is ready ── */

static struct ref ref_of(int index)
{
    const struct event_row_model *event = &world.events[index];
    struct ref ref = {.event = event->id,
                      .record = world.records[event->record].id,
                      .seq = event->seq,
                      .type = event->type,
                      .tenant = TENANT};

    return ref;
}

static bool is_free(const struct stage *stage, const struct ref *ref)
{
    for (size_t i = 0; i < stage->in_hand; i++)
        if (uuid_equal(&stage->hand[i]->ref.event, &ref->event))
            return false;
    return !stage->spec.busy || !stage->spec.busy(ref, stage->spec.arg);
}

static void publish(struct stage *stage, int event, int priority)
{
    struct ref ref = ref_of(event);

    if (is_free(stage, &ref))
        belt_add(stage->process->stage, &ref, (enum priority)priority);
}

/* As ready_deliveries.sql: open ones where none of the record backs off; those in backoff that are due, where none waits. */
static void publish_deliveries(struct stage *stage, int target)
{
    for (unsigned r = 0; r < world.options.records; r++) {
        struct record_model *record = &world.records[r];
        const struct delivery_model *rows = record->deliveries[target];
        bool backs_off = false, waits = false;
        for (size_t i = record->delivery_first[target]; i < record->delivery_count[target]; i++)
            if (rows[i].state == DELIVERY_BACKOFF && !(rows[i].ended && rows[i].sendings == 0)) {
                backs_off = true;
                waits |= delivery_waits(&rows[i]);
            }
        for (size_t i = record->delivery_first[target]; i < record->delivery_count[target]; i++)
            if ((rows[i].state == DELIVERY_OPEN && !backs_off) ||
                (rows[i].state == DELIVERY_BACKOFF && !waits && !delivery_waits(&rows[i])))
                publish(stage, rows[i].event, rows[i].priority);
    }
}

bool belt_repair(int kind)
{
    struct stage *stage = owner_of(kind);
    size_t before = streams[kind].count;

    if (!stage || stage->paused)
        return false;
    if (kind < SIDES)
        publish_deliveries(stage, kind);
    else if (kind == STAGE_ROUTER)
        for (size_t i = 0; i < world.event_count; i++) {
            if (world.events[i].status == EVENT_STATUS_PENDING)
                publish(stage, (int)i, world.events[i].priority);
        }
    else
        for (size_t i = 0; i < world.conflict_count; i++)
            if (world.conflicts[i].status == CONFLICT_OPEN)
                publish(stage, world.conflicts[i].event, 0);
    return streams[kind].count > before;
}

bool belt_is_quiet(void)
{
    for (int kind = 0; kind < STAGES; kind++) {
        struct stage *stage = owner_of(kind);
        if (!stage || streams[kind].waiting > 0 || stage->in_hand > 0)
            return false;
    }
    return true;
}
