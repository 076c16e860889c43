/* merge.c: see merge.h. */
#include "merge.h"

#include "mem.h"
#include "merge_side.h"
#include "timefmt.h"

#define PLAUSIBLE_MS 60000

void record_init(struct record *record)
{
    *record =
        (struct record){.vector = json_new_object(), .data = json_new_object(), .notes = json_new_object()};
}

void record_release(struct record *record)
{
    json_free(record->vector);
    json_free(record->data);
    json_free(record->notes);
    *record = (struct record){0};
}

void record_copy(struct record *to, const struct record *from)
{
    *to = *from;
    to->vector = json_copy(from->vector);
    to->data = json_copy(from->data);
    to->notes = json_copy(from->notes);
}

void merge_init(struct merge *merge)
{
    *merge = (struct merge){.changed = json_new_array(),
                            .contested = json_new_array(),
                            .settled = json_new_array(),
                            .stale = json_new_array()};
}

void merge_release(struct merge *merge)
{
    json_free(merge->changed);
    json_free(merge->contested);
    json_free(merge->settled);
    json_free(merge->stale);
    *merge = (struct merge){0};
}

/* ── deleted or not ── */

static bool had_seen(const struct change *change, const struct json *note)
{
    struct json *alone = json_new_array();
    bool seen = side_seen(change, note, alone, note);

    json_free(alone);
    return seen;
}

/* Was a field changed later than this deletion, by somebody who had not been told? */
static bool is_outlived_by(const struct record *record, const struct change *change, const struct json *own,
                           const char *field)
{
    struct json *sides = sides_of(record, field);
    const struct json *note = json_get(record->notes, field);
    bool outlived = false;

    for (size_t i = 0; i < json_count(sides) && !outlived; i++) {
        const struct json *side = json_at(sides, i);
        outlived =
            !side_seen(change, note, sides, side) && (side_is_own(side, change) || side_is_later(side, own));
    }
    json_free(sides);
    return outlived;
}

static bool is_outlived(const struct record *record, const struct change *change)
{
    struct json *own = side_new(change, record->version + 1, false, NULL, NULL), *note;
    struct json_iter iter = {0};
    const char *field;
    bool outlived = false;

    while (!outlived && json_next(record->notes, &iter, &field, &note))
        if (strcmp(field, MERGE_DELETED) != 0 && strcmp(field, MERGE_HOPS) != 0)
            outlived = is_outlived_by(record, change, own, field);
    note = json_get(record->notes, MERGE_DELETED);
    if (!outlived && note)
        outlived = !had_seen(change, note) && side_is_later(note, own);
    json_free(own);
    return outlived;
}

static void note_existence(struct record *record, const struct change *change)
{
    json_set(record->notes, MERGE_DELETED, side_new(change, record->version + 1, false, NULL, NULL));
}

/* Deleting what is deleted is no new version, but an update between the two does not bring it back. */
static void apply_delete(struct record *record, const struct change *change, struct merge *merge)
{
    bool again = record->exists && record->deleted;

    if (is_outlived(record, change)) {
        merge->undeleted = !record->deleted;
        return;
    }
    record->deleted = true;
    note_existence(record, change);
    merge->advanced = !again;
    merge->noted |= again;
}

/* A create or an update brings back what it had seen deleted, or what was deleted before it was made. */
static bool revives(const struct record *record, const struct change *change)
{
    const struct json *note = json_get(record->notes, MERGE_DELETED);
    struct json *own;
    bool later;

    if (!record->deleted || !note)
        return false;
    if (side_is_own(note, change) || had_seen(change, note))
        return had_seen(change, note);
    if (change->snapshot)
        return false;
    own = side_new(change, record->version + 1, false, NULL, NULL);
    later = side_is_later(own, note);
    json_free(own);
    return later;
}

/* ── the whole ── */

void merge_set_currency(struct json *data, const char *field, const char *currency)
{
    if (!json_get(data, MERGE_CURRENCIES))
        json_set(data, MERGE_CURRENCIES, json_new_object());
    json_set(json_get(data, MERGE_CURRENCIES), field, json_new_text(currency));
}

static void count_version(struct record *record, const struct change *change)
{
    int64_t counter = side_int(record->vector, change_origin(change));

    record->version++;
    record->exists = true;
    json_set(record->vector, change_origin(change), json_new_int(counter + 1));
}

static void apply_fields(struct record *record, const struct change *change, struct merge *merge)
{
    struct json_iter iter = {0};
    const char *field;
    struct json *value;

    while (json_next(change->data, &iter, &field, &value))
        if (!change->source && strcmp(field, MERGE_CURRENCIES) == 0)
            continue;
        else if (change->decides)
            merge_decide(record, change, merge, field, value);
        else if (strcmp(field, "id") != 0)
            merge_field(record, change, merge, field, value);
}

void merge_apply(struct record *record, const struct change *change, struct merge *merge)
{
    if (change->verb == VERB_DELETE) {
        apply_delete(record, change, merge);
    } else {
        /* A webhook tells of our own deletion too, as of any change: an order that was deleted is still there, cancelled. */
        if (change->webhook && change->verb == VERB_UPDATE && record->deleted)
            return;
        if (!change->decides && revives(record, change)) {
            record->deleted = false;
            note_existence(record, change);
            merge->advanced = true;
        }
        if (change->snapshot && record->deleted)
            return; /* still gone: a page brings nothing to it */
        apply_fields(record, change, merge);
    }
    if (!json_get(record->data, "id")) /* the record's own id never changes, whatever a platform calls it */
        json_set(record->data, "id", json_new_text(change->entity_id));
    if (!record->exists || json_count(merge->changed) > 0 || change->asserts)
        merge->advanced = true;
    if (merge->advanced)
        count_version(record, change);
}

void merge_repeat(struct record *record, struct merge *merge)
{
    static const struct change repeat = {.source = NULL};

    merge->advanced = true;
    count_version(record, &repeat);
}

static bool is_withheld_in(const struct json *note, int64_t version)
{
    return side_int(note, "k") <= version && (json_get(note, "w") || side_int(note, "d") > version);
}

bool merge_next_withheld(const struct json *notes, struct json_iter *iter, const char *platform,
                         int64_t version, const char **field, const struct json **value, bool *present)
{
    struct json *note, *own;

    while (json_next(notes, iter, field, &note)) {
        const struct json *side = json_get(note, "m") ? side_of(json_get(note, "q"), platform) : NULL;
        if (!side || strcmp(*field, MERGE_HOPS) == 0 || !is_withheld_in(note, version))
            continue;
        *present = json_find(side, "x", &own);
        *value = own;
        return true;
    }
    return false;
}

int64_t merge_time_ms(int64_t accepted_ms, int64_t occurred_ms, const struct json *data)
{
    const char *updated = data ? json_get_text(data, "updated_at") : NULL;
    int64_t time_ms = occurred_ms;

    if (time_ms == INT64_MIN && (!updated || timefmt_parse(updated, strlen(updated), &time_ms) != 0))
        return accepted_ms;
    return time_ms <= accepted_ms && time_ms > accepted_ms - PLAUSIBLE_MS ? time_ms : accepted_ms;
}
