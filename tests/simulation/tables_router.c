/* tables_router.c: router_read.sql and router_write.sql. See tables.c. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "digest.h"
#include "log.h"
#include "mem.h"
#include "simulation.h"

#define BASE_GUARD_MS 2000
#define TEN_MINUTES_MS 600000

enum {
    ID,
    RECORD_ID,
    SEQ,
    PARTITION,
    PRIORITY,
    STATUS,
    EVENT_TYPE,
    ENTITY_ID,
    SOURCE,
    TARGETS,
    TENANT_ID,
    DATA,
    CREATED,
    OCCURRED,
    EXPIRED,
    LINKED,
    VERSION,
    VECTOR,
    DELETED,
    RECORD_DATA,
    NOTES,
    RECORD_ENTITY_ID,
    RECORD_EVENT,
    AUDIENCE,
    OPEN_TARGETS,
    SNAPSHOT_SEQ,
    BACKFILL,
    SEEN,
    STARTED,
    HELD_BY,
    WEBHOOK,
    HISTORY,
    DECIDES,
    BY_PERSON,
    LINK_ID,
    MERGED_INTO,
    MERGING,
    UNDER,
    OWED,
    COLUMNS
};
static const char *const names[COLUMNS] = {"id",
                                           "record_id",
                                           "seq",
                                           "partition",
                                           "priority",
                                           "status",
                                           "event_type",
                                           "entity_id",
                                           "source_platform",
                                           "targets",
                                           "tenant_id",
                                           "data",
                                           "created_at",
                                           "occurred_at",
                                           "expired",
                                           "linked_id",
                                           "record_version",
                                           "record_vector",
                                           "record_deleted",
                                           "record_data",
                                           "record_notes",
                                           "record_entity_id",
                                           "record_event",
                                           "record_audience",
                                           "open_targets",
                                           "snapshot_seq",
                                           "backfill",
                                           "seen_version",
                                           "started_version",
                                           "held_by",
                                           "webhook",
                                           "history",
                                           "decides",
                                           "by_person",
                                           "link_id",
                                           "merged_into",
                                           "merging",
                                           "under",
                                           "owed"};

/* What its source had seen when it was made. */
static int64_t seen_version(const struct event_row_model *event, const struct place_model *place)
{
    int64_t seen = 0;

    if (event->base_version > 0)
        return event->base_version;
    for (unsigned i = 0; place && i < place->acked; i++)
        if (place->acked_ms[i] <= event->created_ms - BASE_GUARD_MS && place->acked_version[i] > seen)
            seen = place->acked_version[i];
    return seen;
}

/* The highest version that is not finished towards it; 0: none. */
static int64_t owed_version(const struct record_model *record, int side)
{
    int64_t version = 0;

    for (size_t i = side < SIDES ? record->delivery_first[side] : 0;
         side < SIDES && i < record->delivery_count[side]; i++)
        if (delivery_is_open(&record->deliveries[side][i]) && record->deliveries[side][i].version > version)
            version = record->deliveries[side][i].version;
    return version;
}

static bool was_addressed(const struct record_model *record, int side, int event)
{
    for (size_t i = 0; side < SIDES && i < record->delivery_count[side]; i++)
        if (record->deliveries[side][i].event == event)
            return true;
    return false;
}

static const char *history_of(const struct record_model *record, const struct event_row_model *event,
                              int64_t seen)
{
    struct buf lines = BUF_INIT;
    size_t first = record->version_count;

    while (first > 0 && record->version_count - first < 32) {
        const struct version_model *version = &record->versions[first - 1];
        if (version->version < seen && !(event->webhook && version->version >= record->version - 8 &&
                                         version->created_ms > world.now_ms - TEN_MINUTES_MS))
            break;
        first--;
    }
    for (size_t i = first; i < record->version_count; i++) {
        struct version_model *version = &record->versions[i];
        bool echoes = version->source != event->source &&
                      was_addressed(record, event->source, version->event) &&
                      version->created_ms > world.now_ms - TEN_MINUTES_MS;
        if (!version->base64) {
            struct buf text = BUF_INIT;
            digest_base64(&text, version->data, version->data_len);
            version->base64 = buf_detach(&text, NULL);
        }
        buf_addf(&lines, "%s%lld|%s|0|%d|%s|", i > first ? "\n" : "", (long long)version->version,
                 side_name(version->source), echoes, version->changed);
        buf_add_str(&lines, version->base64);
    }
    return buf_detach(&lines, NULL);
}

static void read_record(struct cell *row, const struct record_model *record)
{
    cell_int(&row[VERSION], record->version);
    cell_text(&row[VECTOR], record->vector);
    cell_int(&row[DELETED], record->deleted);
    cell_bytes(&row[RECORD_DATA], record->data, record->data_len);
    cell_bytes(&row[NOTES], record->notes, record->notes_len);
    cell_text(&row[RECORD_ENTITY_ID], record->entity_id);
    cell_uuid(&row[RECORD_EVENT], &world.events[record->event].id);
    cell_text(&row[AUDIENCE], record->audience);
}

static const char *open_targets(const struct record_model *record, int event)
{
    struct buf list = BUF_INIT;

    for (int side = 0; side < SIDES; side++)
        for (size_t i = record->delivery_first[side]; i < record->delivery_count[side]; i++)
            if (record->deliveries[side][i].event == event &&
                record->deliveries[side][i].state == DELIVERY_OPEN)
                buf_addf(&list, "%s%s", list.len ? "," : "", side_name(side));
    return list.data ? buf_detach(&list, NULL) : "";
}

static void read_event(struct db_result *result, int index)
{
    const struct event_row_model *event = &world.events[index];
    const struct record_model *record = &world.records[event->record];
    const struct place_model *place =
        event->source < SIDES && record->places[event->source].there ? &record->places[event->source] : NULL;
    int64_t seen = seen_version(event, place);
    struct cell *row = result_row(result);

    cell_uuid(&row[ID], &event->id);
    cell_uuid(&row[RECORD_ID], &record->id);
    cell_int(&row[SEQ], event->seq);
    cell_int(&row[PARTITION], 0);
    cell_int(&row[PRIORITY], event->priority);
    cell_int(&row[STATUS], event->status);
    cell_text(&row[EVENT_TYPE], msg_event_type_name(event->type));
    cell_text(&row[ENTITY_ID], record->entity_id);
    cell_text(&row[SOURCE], side_name(event->source));
    cell_text(&row[TARGETS], event->targets);
    cell_text(&row[TENANT_ID], TENANT);
    cell_bytes(&row[DATA], event->data, event->data_len);
    cell_int(&row[CREATED], event->created_ms);
    cell_int(&row[OCCURRED], event->occurred_ms);
    row[OCCURRED].null = event->occurred_ms == INT64_MIN;
    if (record->there)
        read_record(row, record);
    if (event->status == EVENT_STATUS_ROUTED)
        cell_text(&row[OPEN_TARGETS], open_targets(record, index));
    cell_int(&row[SEEN], seen);
    if (place)
        cell_int(&row[STARTED], place->started_version);
    cell_int(&row[OWED], owed_version(record, event->source) > 0 ||
                             (place && place->acked > 0 && place->acked_ms[0] >= event->created_ms));
    cell_int(&row[WEBHOOK], event->webhook);
    if (record->there && (record->version > seen || event->webhook))
        cell_text(&row[HISTORY], history_of(record, event, seen));
    if (event->decides)
        cell_uuid(&row[DECIDES], &event->contest);
    cell_int(&row[BY_PERSON], event->by_person);
}

static int by_seq(const void *a, const void *b)
{
    int64_t x = world.events[*(const int *)a].seq, y = world.events[*(const int *)b].seq;

    return (x > y) - (x < y);
}

struct db_result *router_read(const struct db_params *params)
{
    const struct db_array *ids = &params->arrays[0];
    struct db_result *result = result_new(names, COLUMNS);
    int *events = mem_array(ids->count + 1, sizeof *events);

    for (size_t i = 0; i < ids->count; i++)
        events[i] = tables_event((const struct uuid *)ids->cells[i].text);
    qsort(events, ids->count, sizeof *events, by_seq);
    for (size_t i = 0; i < ids->count; i++)
        read_event(result, events[i]);
    free(events);
    return result;
}

/* ── writing ── */

#define AT(nth) (&params->arrays[(nth)-1])
#define INT(nth, i) (AT(nth)->cells[i].number)
#define TEXT(nth, i) (AT(nth)->cells[i].text)
#define UUID(nth, i) ((const struct uuid *)AT(nth)->cells[i].text)

static void write_event(const struct db_params *params, size_t i)
{
    struct event_row_model *event = &world.events[tables_event(UUID(6, i))];

    event->status = (int)INT(8, i);
    tell("routed #%lld: v%lld", (long long)event->seq, AT(9)->cells[i].null ? 0LL : (long long)INT(9, i));
    event->version = AT(9)->cells[i].null ? 0 : INT(9, i);
}

static char *replace(char **place, const struct cell *cell, size_t *len)
{
    if (len)
        *len = cell->len;
    return *place = bytes_copy(cell->text, cell->len);
}

static void write_record(const struct db_params *params, size_t i)
{
    struct record_model *record = tables_record(UUID(14, i));

    record->there = true;
    record->version = INT(19, i);
    record->deleted = INT(21, i);
    replace(&record->vector, &AT(20)->cells[i], NULL);
    replace(&record->data, &AT(22)->cells[i], &record->data_len);
    replace(&record->notes, &AT(23)->cells[i], &record->notes_len);
    replace(&record->audience, &AT(61)->cells[i], NULL);
    record->event = tables_event(UUID(55, i));
}

static void write_version(const struct db_params *params, size_t i)
{
    struct record_model *record = tables_record(UUID(24, i));
    struct version_model *version;

    if (record->version_count == record->version_cap) {
        record->version_cap = record->version_cap ? 2 * record->version_cap : 16;
        record->versions = mem_realloc(record->versions, record->version_cap * sizeof *record->versions);
    }
    version = &record->versions[record->version_count++];
    *version = (struct version_model){.version = INT(27, i),
                                      .seq = INT(28, i),
                                      .created_ms = world.now_ms,
                                      .event = tables_event(UUID(26, i)),
                                      .source = side_index(TEXT(31, i), strlen(TEXT(31, i))),
                                      .deleted = INT(29, i),
                                      .changed = bytes_copy(AT(32)->cells[i].text, AT(32)->cells[i].len),
                                      .data = bytes_copy(AT(33)->cells[i].text, AT(33)->cells[i].len),
                                      .data_len = AT(33)->cells[i].len};
    tell("r%d v%lld by #%lld of %s: %s", (int)(record - world.records), (long long)version->version,
         (long long)version->seq, side_name(version->source), version->changed);
    check_version(record, &world.events[version->event]);
}

static void write_delivery(const struct db_params *params, size_t i)
{
    struct record_model *record = tables_record(UUID(36, i));
    int target = side_index(TEXT(35, i), strlen(TEXT(35, i)));
    struct delivery_model *delivery;

    if (record->delivery_count[target] == record->delivery_cap[target]) {
        record->delivery_cap[target] = record->delivery_cap[target] ? 2 * record->delivery_cap[target] : 16;
        record->deliveries[target] = mem_realloc(
            record->deliveries[target], record->delivery_cap[target] * sizeof *record->deliveries[target]);
    }
    delivery = &record->deliveries[target][record->delivery_count[target]++];
    *delivery = (struct delivery_model){
        .event = tables_event(UUID(34, i)),
        .target = target,
        .seq = INT(38, i),
        .version = INT(39, i),
        .priority = (int)INT(40, i),
        .state = (enum delivery_state)INT(41, i),
        .generation = 1,
        .covered_by = -1,
        .named = INT(44, i),
        .asserts = AT(76)->cells[i].null ? NULL : bytes_copy(TEXT(76, i), AT(76)->cells[i].len),
        .ended = INT(41, i) > DELIVERY_BACKOFF};
}

static void write_conflict(const struct db_params *params, size_t i)
{
    struct conflict_model *conflict;

    if (world.conflict_count == world.conflict_cap) {
        world.conflict_cap = world.conflict_cap ? 2 * world.conflict_cap : 16;
        world.conflicts = mem_realloc(world.conflicts, world.conflict_cap * sizeof *world.conflicts);
    }
    conflict = &world.conflicts[world.conflict_count++];
    *conflict =
        (struct conflict_model){.id = *UUID(45, i),
                                .event = tables_event(UUID(48, i)),
                                .record = (int)(tables_record(UUID(46, i)) - world.records),
                                .version = INT(60, i),
                                .status = AT(65)->cells[i].len ? CONFLICT_OPEN : CONFLICT_REPLACED,
                                .open_fields = bytes_copy(AT(65)->cells[i].text, AT(65)->cells[i].len),
                                .detail = bytes_copy(AT(54)->cells[i].text, AT(54)->cells[i].len),
                                .detail_len = AT(54)->cells[i].len};
    tell("r%d contest by #%lld: %.*s", conflict->record, (long long)world.events[conflict->event].seq,
         (int)conflict->detail_len - 1, conflict->detail + 1);
    check_contest(&world.records[conflict->record], &world.events[conflict->event], conflict->detail,
                  conflict->detail_len);
}

static bool is_in(const char *list, const char *name, size_t len)
{
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == len && memcmp(at, name, len) == 0)
            return true;
    return false;
}

static void write_settled(const struct db_params *params, size_t i)
{
    int event = tables_event(UUID(62, i));

    for (size_t k = 0; k < world.conflict_count; k++) {
        struct conflict_model *conflict = &world.conflicts[k];
        struct buf rest = BUF_INIT;
        if (conflict->event != event)
            continue;
        for (const char *at = conflict->open_fields; *at; at += strcspn(at, ","), at += *at == ',')
            if (!is_in(TEXT(64, i), at, strcspn(at, ",")))
                buf_addf(&rest, "%s%.*s", rest.len ? "," : "", (int)strcspn(at, ","), at);
        conflict->open_fields = mem_strdup(rest.data ? rest.data : "");
        if (!*conflict->open_fields)
            conflict->status = strcmp(TEXT(66, i), "resolved") == 0 ? CONFLICT_RESOLVED : CONFLICT_REPLACED;
        buf_release(&rest);
    }
}

static bool is_overtaken(const struct db_params *params)
{
    for (size_t i = 0; i < AT(6)->count; i++)
        if (world.events[tables_event(UUID(6, i))].status != EVENT_STATUS_PENDING)
            return true;
    return false;
}

struct db_result *router_write(const struct db_params *params)
{
    static const char *const partition[] = {"partition"};
    struct db_result *result = result_new(partition, 1);

    if (!tables_hold(params, 2))
        return result;
    if (is_overtaken(params)) {
        result->sqlstate = "SY001";
        return result;
    }
    for (size_t i = 0; i < AT(6)->count; i++)
        write_event(params, i);
    for (size_t i = 0; i < AT(14)->count; i++)
        write_record(params, i);
    for (size_t i = 0; i < AT(24)->count; i++)
        write_version(params, i);
    for (size_t i = 0; i < AT(34)->count; i++)
        write_delivery(params, i);
    for (size_t i = 0; i < AT(45)->count; i++)
        write_conflict(params, i);
    for (size_t i = 0; i < AT(62)->count; i++)
        write_settled(params, i);
    for (size_t i = 0; i < AT(6)->count; i++)
        check_routed(&world.events[tables_event(UUID(6, i))]);
    cell_int(result_row(result), 0);
    return result;
}
