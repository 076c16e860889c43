/*
 * stage_check.c: the owner's look at whether its part of the belt is whole: sets that agree with their streams, keys of the right type,
 * and a Redis that is still the same one.
 *
 * What reading meets by itself (a missing group, an absent copy of the lease) is put right by read.lua. Here stands what it would
 * never meet: ids whose entries were cut off keep their rows from being published for ever.
 */
#include "belt_repair.h"
#include "lua.h"
#include "stage_internal.h"

#define LOOK_MS 1000

/* ---- sets and streams ---- */

static void on_checked(const struct stream_reply *reply, void *arg)
{
    struct partition *partition = arg;
    struct stage *stage = partition->stage;

    if (reply_is_error(reply, "WRONGTYPE")) {
        stage_heal(partition);
        return;
    }
    int64_t wrong = reply_int(reply_at(reply, 0)) + reply_int(reply_at(reply, 1));
    int64_t claimed = reply_int(reply_at(reply, 2)), pending = reply_int(reply_at(reply, 3));
    if (claimed > 0)
        belt_repaired(BELT_REPAIR_ENTRY, stage->spec.name, partition->number, claimed);
    /* Handed out, and in nobody's hand: read by others, or an acknowledgement was refused while what is pending was read. */
    if (claimed > 0 || (pending > 0 && partition->in_hand == 0)) {
        partition->pending = true;
        stage_read(partition);
    }
    if (wrong == 0)
        return;
    belt_repaired(BELT_REPAIR_SET, stage->spec.name, partition->number, wrong);
    stage_ready_in(stage, 0);
}

static void check(struct partition *partition)
{
    struct stage *stage = partition->stage;
    struct stream_command *command = stream_script(lua_check, 2 * stage->spec.priorities);

    for (unsigned p = 0; p < stage->spec.priorities; p++)
        stream_add(command, partition->stream[p]);
    for (unsigned p = 0; p < stage->spec.priorities; p++)
        stream_add(command, partition->set[p]);
    stream_send(stage->belt, command, on_checked, partition);
}

static void check_all(void *arg)
{
    struct stage *stage = arg;

    for (unsigned n = 0; n < stage->count && stream_up(stage->belt); n++)
        if (stage->partitions[n].state == PARTITION_ACTIVE)
            check(&stage->partitions[n]);
}

/* ---- keys of another type ---- */

static void on_healed(int64_t found, void *arg)
{
    struct partition *partition = arg;

    partition->healing = false;
    if (found <= 0)
        return;
    if (partition->state == PARTITION_COPYING)
        stage_copy_lease(partition);
    else if (partition->state == PARTITION_ACTIVE)
        stage_read(partition);
    stage_ready_in(partition->stage, 0);
}

void stage_heal(struct partition *partition)
{
    struct stage *stage = partition->stage;
    struct belt_name names[1 + 2 * PRIORITIES];
    char owner[MSG_KEY_MAX];
    size_t count = 0;

    if (partition->healing)
        return;
    partition->healing = true;
    msg_key_owner(owner, stage->spec.name, partition->number);
    names[count++] = (struct belt_name){owner, "hash"};
    for (unsigned p = 0; p < stage->spec.priorities; p++) {
        names[count++] = (struct belt_name){partition->stream[p], "stream"};
        names[count++] = (struct belt_name){partition->set[p], "set"};
    }
    belt_set_aside(stage->belt, names, count, on_healed, partition);
}

/* ---- is it still the same Redis? ---- */

static bool read_field(const char *text, const char *name, char *value, size_t size)
{
    const char *at = strstr(text, name);
    size_t len;

    if (!at)
        return false;
    at += strlen(name);
    len = strcspn(at, "\r\n");
    snprintf(value, size, "%.*s", (int)len, at);
    return true;
}

/* A Redis behind the same address and connection may be another one: its replication id tells, or an offset that went back. */
static void on_looked(const struct stream_reply *reply, void *arg)
{
    struct stage *stage = arg;
    const char *text = reply_type(reply) == REPLY_TEXT ? reply_text(reply, NULL) : NULL;
    char id[sizeof stage->replication_id], offset_text[24];

    if (!text || !read_field(text, "master_replid:", id, sizeof id) ||
        !read_field(text, "master_repl_offset:", offset_text, sizeof offset_text))
        return;
    int64_t offset = strtoll(offset_text, NULL, 10);
    bool known = *stage->replication_id != '\0';
    bool same = strcmp(stage->replication_id, id) == 0 && offset >= stage->replication_offset;
    snprintf(stage->replication_id, sizeof stage->replication_id, "%s", id);
    stage->replication_offset = offset;
    if (!known || same)
        return;
    belt_repaired(BELT_REPAIR_REPLACED, stage->spec.name, 0, 1);
    for (unsigned n = 0; n < stage->count; n++)
        if (stage->partitions[n].state == PARTITION_ACTIVE)
            stage_enter(&stage->partitions[n], PARTITION_COPYING);
}

static void look(void *arg)
{
    struct stage *stage = arg;

    if (stream_up(stage->belt))
        stage_check_look(stage);
}

void stage_check_look(struct stage *stage)
{
    struct stream_command *command = stream_command("INFO");

    stream_add(command, "replication");
    stream_send(stage->belt, command, on_looked, stage);
}

void stage_check_start(struct stage *stage)
{
    belt_repair_register();
    service_every(stage->service, stage->sync_interval_ms, check_all, stage);
    service_every(stage->service, LOOK_MS, look, stage);
}
