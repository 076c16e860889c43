/* tables_worker.c: worker_read.sql, worker_bases.sql and worker_outcome.sql. See tables.c. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "log.h"
#include "mem.h"
#include "simulation.h"

enum {
    EVENT_ID,
    RECORD_ID,
    SEQ,
    VERSION,
    PARTITION,
    PRIORITY,
    STATE,
    GENERATION,
    ATTEMPTS,
    SENDINGS,
    NAMED,
    WAITS,
    NEXT,
    TENANT_ID,
    EVENT_TYPE,
    ENTITY_ID,
    SOURCE,
    USER_ID,
    TRACE,
    MAX_RETRIES,
    CREATED,
    EVENT_DATA,
    RECORD_VERSION,
    RECORD_EVENT,
    DELETED,
    RECORD_ENTITY_ID,
    RECORD_DATA,
    NOTES,
    CERTAIN_VERSION,
    CERTAIN_EVENT,
    STARTED,
    PLATFORM_ID,
    PLATFORM_STATE,
    STEPS,
    RECORD_STEPS,
    LOST,
    OVERTOOK,
    ASSERTS,
    RECORD_LOST,
    RECORD_LOST_FIELDS,
    ENDED,
    COLUMNS
};
static const char *const names[COLUMNS] = {"event_id",
                                           "record_id",
                                           "seq",
                                           "version",
                                           "partition",
                                           "priority",
                                           "state",
                                           "generation",
                                           "attempts",
                                           "sendings",
                                           "named",
                                           "waits",
                                           "next_attempt_at",
                                           "tenant_id",
                                           "event_type",
                                           "entity_id",
                                           "source_platform",
                                           "user_id",
                                           "trace",
                                           "max_retries",
                                           "created_at",
                                           "event_data",
                                           "record_version",
                                           "record_event",
                                           "record_deleted",
                                           "record_entity_id",
                                           "record_data",
                                           "record_notes",
                                           "certain_version",
                                           "certain_event",
                                           "started_version",
                                           "platform_id",
                                           "platform_state",
                                           "steps",
                                           "record_steps",
                                           "lost_at",
                                           "overtook_at",
                                           "asserts",
                                           "record_lost_at",
                                           "record_lost_fields",
                                           "ended"};

static void time_cell(struct cell *cell, int64_t ms)
{
    if (ms > 0)
        cell_int(cell, ms);
}

static void read_place(struct cell *row, const struct place_model *place)
{
    cell_int(&row[CERTAIN_VERSION], place->certain_version);
    if (place->certain_event >= 0)
        cell_uuid(&row[CERTAIN_EVENT], &world.events[place->certain_event].id);
    cell_int(&row[STARTED], place->started_version);
    cell_text(&row[PLATFORM_STATE], place->state);
    time_cell(&row[RECORD_LOST], place->lost_ms);
    cell_text(&row[RECORD_LOST_FIELDS], place->lost_fields);
}

static void read_delivery(struct cell *row, const struct record_model *record,
                          const struct delivery_model *delivery, bool first)
{
    const struct event_row_model *event = &world.events[delivery->event];

    cell_uuid(&row[EVENT_ID], &event->id);
    cell_uuid(&row[RECORD_ID], &record->id);
    cell_int(&row[SEQ], delivery->seq);
    cell_int(&row[VERSION], delivery->version);
    cell_int(&row[PARTITION], 0);
    cell_int(&row[PRIORITY], delivery->priority);
    cell_int(&row[STATE], delivery->state);
    cell_int(&row[GENERATION], delivery->generation);
    cell_int(&row[ATTEMPTS], delivery->attempts);
    cell_int(&row[SENDINGS], delivery->sendings);
    if (delivery->next_attempt_ms > 0) {
        cell_int(&row[WAITS], delivery->next_attempt_ms > world.now_ms);
        cell_int(&row[NEXT], delivery->next_attempt_ms);
    }
    cell_text(&row[TENANT_ID], TENANT);
    cell_text(&row[EVENT_TYPE], msg_event_type_name(event->type));
    cell_text(&row[ENTITY_ID], record->entity_id);
    cell_text(&row[SOURCE], side_name(event->source));
    cell_int(&row[MAX_RETRIES], 3);
    cell_int(&row[CREATED], event->created_ms);
    cell_int(&row[RECORD_VERSION], record->version);
    cell_uuid(&row[RECORD_EVENT], &world.events[record->event].id);
    cell_int(&row[DELETED], record->deleted);
    cell_text(&row[RECORD_ENTITY_ID], record->entity_id);
    if (first) {
        cell_bytes(&row[RECORD_DATA], record->data, record->data_len);
        cell_bytes(&row[NOTES], record->notes, record->notes_len);
    }
    if (record->places[delivery->target].there)
        read_place(row, &record->places[delivery->target]);
    time_cell(&row[LOST], delivery->lost_ms);
    time_cell(&row[OVERTOOK], delivery->overtook_ms);
    cell_text(&row[ASSERTS], delivery->asserts);
    cell_int(&row[ENDED], delivery->ended);
}

static int by_version(const void *a, const void *b)
{
    const struct delivery_model *x = *(struct delivery_model *const *)a,
                                *y = *(struct delivery_model *const *)b;

    if (x->version != y->version)
        return x->version > y->version ? 1 : -1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static void read_deliveries(struct db_result *result, struct record_model *record, int target)
{
    struct delivery_model *rows = record->deliveries[target], *found[64];
    size_t count = 0, *first = &record->delivery_first[target];

    while (*first < record->delivery_count[target] && rows[*first].state > DELIVERY_BACKOFF)
        (*first)++;
    for (size_t i = *first; i < record->delivery_count[target] && count < 64; i++)
        if (delivery_is_open(&rows[i]) && !delivery_is_early_assertion(&rows[i]))
            found[count++] = &rows[i];
    qsort(found, count, sizeof *found, by_version);
    for (size_t i = 0; i < count; i++)
        read_delivery(result_row(result), record, found[i], i == 0);
}

struct db_result *worker_read(const struct db_params *params)
{
    const struct db_array *ids = &params->arrays[1];
    const struct cell *target = params->arrays[0].cells;
    struct db_result *result = result_new(names, COLUMNS);

    for (size_t i = 0; i < ids->count; i++)
        read_deliveries(result, tables_record((const struct uuid *)ids->cells[i].text),
                        side_index(target->text, target->len));
    return result;
}

/* ── versions ── */

static const struct version_model *find_version(const struct record_model *record, int64_t version, int event)
{
    for (size_t i = record->version_count; i-- > 0;)
        if ((version == 0 || record->versions[i].version == version) &&
            (event < 0 || record->versions[i].event == event))
            return &record->versions[i];
    return NULL;
}

enum { B_RECORD, B_KIND, B_VERSION, B_SEQ, B_EVENT, B_DELETED, B_CHANGED, B_DATA, B_COLUMNS };
static const char *const base_names[B_COLUMNS] = {"record_id", "kind",    "version", "seq",
                                                  "event_id",  "deleted", "changed", "data"};

static void add_version(struct db_result *result, const struct uuid *id, int kind, int64_t number, int event)
{
    const struct record_model *record = tables_record(id);
    const struct version_model *version = find_version(record, number, event);
    struct cell *row;

    if (!version)
        return;
    row = result_row(result);
    cell_uuid(&row[B_RECORD], &record->id);
    cell_int(&row[B_KIND], kind);
    cell_int(&row[B_VERSION], version->version);
    cell_int(&row[B_SEQ], version->seq);
    cell_uuid(&row[B_EVENT], &world.events[version->event].id);
    cell_int(&row[B_DELETED], version->deleted);
    if (kind == 1)
        cell_text(&row[B_CHANGED], version->changed);
    else
        cell_bytes(&row[B_DATA], version->data, version->data_len);
}

#define AT(nth) (&params->arrays[(nth)-1])
#define INT(nth, i) (AT(nth)->cells[i].number)
#define UUID(nth, i) ((const struct uuid *)AT(nth)->cells[i].text)
#define IS_NULL(nth, i) (AT(nth)->cells[i].null)

struct db_result *worker_bases(const struct db_params *params)
{
    struct db_result *result = result_new(base_names, B_COLUMNS);

    for (size_t i = 0; i < AT(1)->count; i++)
        add_version(result, UUID(1, i), 0, INT(2, i), tables_event(UUID(3, i)));
    for (size_t i = 0; i < AT(4)->count; i++)
        add_version(result, UUID(4, i), 1, 0, tables_event(UUID(5, i)));
    for (size_t i = 0; i < AT(6)->count; i++)
        add_version(result, UUID(6, i), 2, INT(7, i), -1);
    return result;
}

/* ── outcomes ── */

static struct delivery_model *find_delivery(int event, int target)
{
    struct record_model *record = &world.records[world.events[event].record];

    for (size_t i = record->delivery_first[target]; i < record->delivery_count[target]; i++)
        if (record->deliveries[target][i].event == event)
            return &record->deliveries[target][i];
    return NULL;
}

static void end_delivery(const struct db_params *params, size_t i, int target)
{
    struct delivery_model *d = find_delivery(tables_event(UUID(7, i)), target);
    enum delivery_state state = (enum delivery_state)INT(10, i);
    const char *asserts = IS_NULL(46, i) ? NULL : AT(46)->cells[i].text;

    if (!d || !delivery_is_open(d) || d->generation != INT(9, i))
        return;
    d->state = asserts ? DELIVERY_BACKOFF : state;
    d->generation += asserts != NULL;
    d->attempts = asserts ? 0 : (int)INT(11, i);
    d->sendings = asserts ? 0 : (int)INT(12, i);
    d->covered_by = IS_NULL(17, i) ? -1 : tables_event(UUID(17, i));
    d->next_attempt_ms = state == DELIVERY_BACKOFF || asserts ? world.now_ms + INT(13, i) : 0;
    d->ended |= state > DELIVERY_BACKOFF;
    d->lost_ms = IS_NULL(44, i) ? 0 : INT(44, i);
    d->overtook_ms = IS_NULL(45, i) ? 0 : INT(45, i);
    if (asserts)
        d->asserts = mem_strdup(asserts);
    d->error = IS_NULL(16, i) ? NULL : mem_strdup(AT(16)->cells[i].text);
    tell("%s r%d v%lld #%lld: %s%s%s", side_name(target), world.events[d->event].record,
         (long long)d->version, (long long)d->seq, msg_delivery_state_name(state),
         asserts ? ", asserted later: " : "", asserts ? asserts : "");
    check_outcome(target, d, state, (int)INT(9, i));
}

static void note_acked(struct place_model *place, int64_t version)
{
    unsigned kept = place->acked < ACKED_MAX ? place->acked : ACKED_MAX - 1;

    memmove(place->acked_version + 1, place->acked_version, kept * sizeof *place->acked_version);
    memmove(place->acked_ms + 1, place->acked_ms, kept * sizeof *place->acked_ms);
    place->acked_version[0] = version;
    place->acked_ms[0] = world.now_ms;
    place->acked = kept + 1;
}

static void end_place(const struct db_params *params, size_t i, int target)
{
    struct record_model *record = tables_record(UUID(29, i));
    struct place_model *place = &record->places[target];

    if (!IS_NULL(33, i)) {
        place->certain_version = INT(32, i);
        place->certain_event = tables_event(UUID(33, i));
        note_acked(place, INT(32, i));
    }
    if (!place->there || place->started_version < INT(34, i))
        place->started_version = INT(34, i);
    place->there = true;
    place->state = strcmp(AT(36)->cells[i].text, "present") == 0   ? "present"
                   : strcmp(AT(36)->cells[i].text, "deleted") == 0 ? "deleted"
                                                                   : "failed";
    place->lost_ms = IS_NULL(47, i) ? 0 : INT(47, i);
    place->lost_fields = IS_NULL(48, i) ? NULL : mem_strdup(AT(48)->cells[i].text);
}

struct db_result *worker_outcome(const struct db_params *params)
{
    enum { O_PARTITION, O_EVENT, O_STATUS, O_TENANT, O_TYPE, O_RECORD, OUT };
    static const char *const out[OUT] = {"partition", "event_id",   "status",
                                         "tenant_id", "event_type", "record_id"};
    struct db_result *result = result_new(out, OUT);
    int target = side_index(AT(6)->cells[0].text, AT(6)->cells[0].len);

    if (!tables_hold(params, 2))
        return result;
    for (size_t i = 0; i < AT(7)->count; i++)
        end_delivery(params, i, target);
    for (size_t i = 0; i < AT(29)->count; i++)
        end_place(params, i, target);
    cell_int(&result_row(result)[O_PARTITION], 0);
    return result;
}
