/*
 * stage_alone.c: entries that were handed out for the third time without an outcome. Whoever had them may have ended on one of
 * their references, so these are handled one after the other, and which one is noted in Redis before it begins:
 *
 *   waiting ── nothing else of the partition in hand, and its turn ──▶ noted (alone.lua) ──▶ lent to the consumer ──▶ the next one
 *
 * An owner that finds such a note of an earlier one knows the culprit: that one is parked, the others of its entry were not begun.
 * Several partitions may have such entries, because a whole process ended: they take turns, so that one note speaks of the
 * culprit, but whoever is slow does not hold up the others for long.
 */
#include "lua.h"
#include "stage_internal.h"

#define TURN_MS 100

/* A note under way. */
struct note {
    struct partition *partition;
    struct stage_entry *entry;
    struct uuid event;
};

bool stage_alone_waits(const struct partition *partition)
{
    return partition->alone_count > 0 || partition->alone_lent;
}

void stage_alone_add(struct partition *partition, struct stage_item **items, size_t count)
{
    partition->alone =
        mem_realloc(partition->alone, (partition->alone_count + count) * sizeof *partition->alone);
    for (size_t i = 0; i < count; i++)
        partition->alone[partition->alone_count++] = items[i];
}

static struct stage_item *take_first(struct partition *partition)
{
    struct stage_item *item = partition->alone[0];

    partition->alone_count--;
    memmove(partition->alone, partition->alone + 1, partition->alone_count * sizeof *partition->alone);
    return item;
}

static void end_turn(struct stage *stage)
{
    stage->alone_turns--;
    stage_alone_go(stage);
}

/* Is it still the first one that waits? The partition may have been let go and taken again meanwhile. */
static bool is_first(const struct note *note)
{
    const struct partition *partition = note->partition;

    return partition->alone_count > 0 && partition->alone[0]->entry == note->entry &&
           uuid_equal(&partition->alone[0]->ref.event, &note->event);
}

static void lend(struct partition *partition, unsigned handouts)
{
    struct stage *stage = partition->stage;
    struct stage_item *item = take_first(partition);

    item->handouts = handouts;
    partition->alone_lent = item;
    stage->spec.on_items(&item, 1, stage->spec.arg);
}

static void on_noted(const struct stream_reply *reply, void *arg)
{
    struct note note = *(struct note *)arg;
    struct partition *partition = note.partition;
    int64_t answer = reply_int(reply_at(reply, 0));

    free(arg);
    partition->alone_noting = false;
    if (partition->state == PARTITION_ACTIVE && is_first(&note)) {
        if (reply && (answer > 0 ||
                      reply_is_error(reply, NULL))) { /* no room for a note: it is handled all the same */
            lend(partition, answer == 2 ? STAGE_HANDOUTS_PARK : STAGE_HANDOUTS_ALONE);
            return;
        }
        if (reply) { /* absent or another's: PostgreSQL knows whose the partition is */
            stage_enter(partition, PARTITION_COPYING);
            stage_beat(partition->stage);
        }
    }
    end_turn(partition->stage);
}

static void note(struct partition *partition)
{
    struct stage *stage = partition->stage;
    const struct stage_item *first = partition->alone[0];
    struct stream_command *command = stream_script(lua_alone, 1);
    struct note *arg = mem_alloc(sizeof *arg);
    char key[MSG_KEY_MAX];

    *arg = (struct note){partition, first->entry, first->ref.event};
    partition->alone_noting = true;
    stage->alone_turns++;
    stage->alone_since_ms = clock_mono_ms();
    msg_key_owner(key, stage->spec.name, partition->number);
    stream_add(command, key);
    stream_add_int(command, partition->fence);
    stream_add(command, first->entry->id);
    stream_add_uuid(command, &first->ref.event);
    stream_send(stage->belt, command, on_noted, arg);
}

void stage_alone_go(struct stage *stage)
{
    for (unsigned n = 0; n < stage->count; n++) {
        struct partition *partition = &stage->partitions[n];
        int64_t turn_ms = clock_mono_ms() - stage->alone_since_ms;
        if (partition->alone_count == 0 || partition->alone_lent || partition->alone_noting ||
            partition->in_hand > partition->alone_count || partition->state != PARTITION_ACTIVE ||
            stage->paused || !stream_up(stage->belt))
            continue;
        if (stage->alone_turns > 0 && turn_ms < TURN_MS) {
            struct timeval rest = {0, (TURN_MS - turn_ms) * 1000};
            evtimer_add(stage->alone_timer, &rest);
            return;
        }
        note(partition);
    }
}

static void turn_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    stage_alone_go(arg);
}

void stage_alone_ended(struct partition *partition, const struct stage_item *item)
{
    if (partition->alone_lent == item) {
        partition->alone_lent = NULL;
        end_turn(partition->stage);
    } else if (partition->alone_count > 0 && partition->in_hand == partition->alone_count) {
        stage_alone_go(partition->stage);
    }
}

void stage_alone_drop(struct partition *partition)
{
    while (partition->alone_count > 0)
        stage_drop(partition->stage, take_first(partition));
}

void stage_alone_start(struct stage *stage)
{
    stage->alone_timer = evtimer_new(stage->base, turn_over, stage);
}

void stage_alone_stop(struct stage *stage)
{
    event_free(stage->alone_timer);
    for (unsigned n = 0; n < stage->count; n++)
        free(stage->partitions[n].alone);
}
