/*
 * accept_hint.c: what was just stored is published at once, as a hint: best effort, because the router finds ready events in
 * PostgreSQL by itself (protocol.txt §4). Scheduled events wait there until they are due.
 */
#include "accept_inside.h"
#include "clock.h"
#include "hints.h"
#include "log.h"

#define PARTITIONS_MAX 256

static void set_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

void accept_hint(struct accept *accept, const struct accept_batch *batch, const struct db_result *result)
{
    const struct gateway *gateway = accept->gateway;
    struct belt_call *calls[PARTITIONS_MAX] = {NULL};
    int64_t now = clock_mono_ms();
    int id = db_column(result, "id"), seq = db_column(result, "seq"), record = db_column(result, "record_id"),
        partition_column = db_column(result, "partition");
    if (!stream_up(gateway->belt))
        return;
    for (size_t row = 0; row < db_rows(result); row++) {
        char key[MSG_KEY_MAX];
        if (db_is_null(result, row, seq))
            continue; /* not stored */
        struct ref ref = {.seq = db_get_int(result, row, seq)};
        unsigned partition = (unsigned)db_get_int(result, row, partition_column) % PARTITIONS_MAX;
        db_get_uuid(result, row, id, &ref.event);
        db_get_uuid(result, row, record, &ref.record);
        const struct accept_event *event = &accept_batch_find(batch, &ref.event)->event;
        ref.type = event->type;
        set_text(ref.trace, sizeof ref.trace, event->trace);
        set_text(ref.tenant, sizeof ref.tenant, event->tenant);
        belt_activity_add(gateway->activity, &ref, "accepted", NULL);
        if (event->deliver_ms != ACCEPT_NO_TIME)
            continue;
        if (!calls[partition])
            calls[partition] = belt_call_new(partition);
        msg_key_events(key, event->priority, partition);
        belt_publish(calls[partition], key, hints_limit(accept->hints, ref.tenant, now), &ref);
    }
    for (size_t i = 0; i < PARTITIONS_MAX; i++)
        if (calls[i])
            belt_send(gateway->belt, calls[i], "", 0, NULL, NULL);
}
