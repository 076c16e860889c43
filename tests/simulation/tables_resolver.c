/* tables_resolver.c: resolver_read.sql and resolver_write.sql. See tables.c. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "simulation.h"

enum {
    ID,
    EVENT_ID,
    RECORD_ID,
    PARTITION,
    TENANT_ID,
    ENTITY_TYPE,
    ENTITY_ID,
    OPEN,
    DETAIL,
    DATA,
    SIDE_EVENTS,
    TARGETS,
    TRACE,
    COLUMNS
};
static const char *const names[COLUMNS] = {
    "id",          "event_id", "record_id",   "partition",   "tenant_id", "entity_type", "entity_id",
    "open_fields", "detail",   "record_data", "side_events", "targets",   "trace"};

static const char *side_events(const struct record_model *record, int64_t version)
{
    struct buf list = BUF_INIT;
    char id[UUID_TEXT_LEN + 1];

    for (size_t i = 0; i < record->version_count; i++) {
        const struct version_model *made = &record->versions[i];
        if (made->version <= version - 64 || made->version > version)
            continue;
        uuid_format(&world.events[made->event].id, id);
        buf_addf(&list, "%s%lld=%s", list.len ? "," : "", (long long)made->seq, id);
    }
    return list.data ? buf_detach(&list, NULL) : "";
}

static struct conflict_model *find(const struct uuid *event)
{
    int index = tables_event(event);

    for (size_t i = world.conflict_count; i-- > 0;)
        if (world.conflicts[i].event == index)
            return &world.conflicts[i];
    return NULL;
}

struct db_result *resolver_read(const struct db_params *params)
{
    const struct db_array *events = &params->arrays[0];
    struct db_result *result = result_new(names, COLUMNS);

    for (size_t i = 0; i < events->count; i++) {
        const struct conflict_model *conflict = find((const struct uuid *)events->cells[i].text);
        const struct record_model *record;
        struct cell *row;
        if (!conflict || conflict->status != CONFLICT_OPEN)
            continue;
        record = &world.records[conflict->record];
        row = result_row(result);
        cell_bytes(&row[ID], (const char *)conflict->id.bytes, 16);
        cell_uuid(&row[EVENT_ID], &world.events[conflict->event].id);
        cell_uuid(&row[RECORD_ID], &record->id);
        cell_int(&row[PARTITION], 0);
        cell_text(&row[TENANT_ID], TENANT);
        cell_text(&row[ENTITY_TYPE], msg_entity_name(ENTITY_PRODUCT));
        cell_text(&row[ENTITY_ID], record->entity_id);
        cell_text(&row[OPEN], conflict->open_fields);
        cell_bytes(&row[DETAIL], conflict->detail, conflict->detail_len);
        cell_bytes(&row[DATA], record->data, record->data_len);
        cell_text(&row[SIDE_EVENTS], side_events(record, conflict->version));
        cell_text(&row[TARGETS], record->audience);
    }
    return result;
}

/* ── verdicts ── */

#define AT(nth) (&params->arrays[(nth)-1])

enum { W_ID, W_RECORD, W_SEQ, W_PARTITION, W_TYPE, W_TRACE, W_TENANT, W_CONTEST, W_COLUMNS };
static const char *const written[W_COLUMNS] = {"id",         "record_id", "seq",       "partition",
                                               "event_type", "trace",     "tenant_id", "contest"};

static void decide(struct db_result *result, struct conflict_model *conflict, const struct cell *data)
{
    struct event_row_model event = {.record = conflict->record,
                                    .priority = PRIORITY_HIGH,
                                    .source = SIDES,
                                    .occurred_ms = INT64_MIN,
                                    .type = EVENT_PRODUCT_UPDATED,
                                    .targets = world.records[conflict->record].audience,
                                    .data = bytes_copy(data->text, data->len),
                                    .data_len = data->len,
                                    .decides = true,
                                    .contest = world.events[conflict->event].id,
                                    .subject = "the resolver decides"};
    int index = tables_add_event(&event);
    struct cell *row = result_row(result);

    check_decision(conflict, event.data, event.data_len);
    tell("decided: %.*s", (int)data->len - 1, data->text + 1);
    cell_bytes(&row[W_ID], bytes_copy(world.events[index].id.bytes, 16), 16);
    cell_uuid(&row[W_RECORD], &world.records[conflict->record].id);
    cell_int(&row[W_SEQ], world.events[index].seq);
    cell_int(&row[W_PARTITION], 0);
    cell_text(&row[W_TYPE], msg_event_type_name(event.type));
    cell_text(&row[W_TENANT], TENANT);
    cell_bytes(&row[W_CONTEST], bytes_copy(event.contest.bytes, 16), 16);
}

struct db_result *resolver_write(const struct db_params *params)
{
    struct db_result *result = result_new(written, W_COLUMNS);

    if (!tables_hold(params, 2))
        return result;
    for (size_t i = 0; i < AT(6)->count; i++)
        for (size_t k = 0; k < world.conflict_count; k++) {
            struct conflict_model *conflict = &world.conflicts[k];
            if (memcmp(conflict->id.bytes, AT(6)->cells[i].text, 16) != 0 ||
                conflict->status != CONFLICT_OPEN)
                continue;
            conflict->status =
                strcmp(AT(8)->cells[i].text, "waiting") == 0 ? CONFLICT_WAITING : CONFLICT_DECIDING;
            if (!AT(13)->cells[i].null)
                decide(result, conflict, &AT(14)->cells[i]);
        }
    return result;
}
