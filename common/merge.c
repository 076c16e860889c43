/* merge.c: see merge.h. */
#include "merge.h"

#include "mapping.h"
#include "mem.h"
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
    *merge = (struct merge){.changed = json_new_array(), .contested = json_new_array()};
}

void merge_release(struct merge *merge)
{
    json_free(merge->changed);
    json_free(merge->contested);
    *merge = (struct merge){0};
}

static int64_t note_int(const struct json *note, const char *name)
{
    int64_t value = 0;

    if (!note || json_int64(json_get(note, name), &value) != 0)
        return 0;
    return value;
}

static const char *note_origin(const struct json *note)
{
    const char *origin = note ? json_get_text(note, "o") : NULL;

    return origin ? origin : "";
}

static bool is_by(const struct json *note, const struct change *change)
{
    return strcmp(note_origin(note), platform_name(change->source)) == 0;
}

static bool is_page(const struct json *note)
{
    return note && json_get(note, "p");
}

/* The last live change that a note tells of; NULL: a page alone. */
static const struct json *live_of(const struct json *note)
{
    return is_page(note) ? json_get(note, "l") : note;
}

/* Between live changes: by seq of one platform, of its webhooks by its own clock, else by time. */
static bool follows(const struct change *change, const struct json *live)
{
    int64_t time_ms = note_int(live, "t"), issued_ms = note_int(live, "i");

    if (is_by(live, change) && issued_ms > 0 && change->webhook && change->issued_ms > 0 &&
        issued_ms != change->issued_ms)
        return change->issued_ms > issued_ms;

    if (is_by(live, change) || time_ms == change->time_ms)
        return change->seq > note_int(live, "s");
    return change->time_ms > time_ms;
}

/* A page's own order decides among pages; of live changes it must have seen the last one. */
static bool page_follows(const struct change *change, const struct json *note)
{
    const struct json *live = live_of(note);
    int64_t page_seq = note_int(note, "p");

    if (is_page(note) && change->snapshot_seq <= page_seq &&
        !(change->snapshot_seq == page_seq && is_by(note, change))) /* a later line of the same file */
        return false;
    if (!live)
        return true;
    return change->snapshot_seq > note_int(live, "s") &&
           (is_by(live, change) || note_int(live, "v") <= change->seen_version);
}

/* Had the platform that the page is from this change of its own already? */
static bool is_in_page(const struct change *change, const struct json *note)
{
    return is_page(note) && is_by(note, change) && change->seq <= note_int(note, "p");
}

/* Does the change come after what the note tells of? */
static bool comes_after(const struct change *change, const struct json *note)
{
    if (!note)
        return true;
    if (change->snapshot)
        return page_follows(change, note);
    return !is_in_page(change, note) && (!live_of(note) || follows(change, live_of(note)));
}

/* Did the source make its change without having seen what the record holds? */
static bool is_concurrent(const struct change *change, const struct json *note)
{
    const struct json *live = live_of(note);
    int64_t apart_ms = change->time_ms - note_int(live, "t");

    if (change->snapshot || !live || is_by(live, change))
        return false;
    if (change->base_version > 0)
        return note_int(live, "v") > change->base_version;
    return apart_ms < MERGE_CONCURRENT_MS && apart_ms > -MERGE_CONCURRENT_MS;
}

static void contest(struct merge *merge, const struct change *change, const char *field,
                    const struct json *held, const struct json *note, const struct json *sent, bool wins)
{
    struct json *entry = json_new_object();

    json_set(entry, "field", json_new_text(field));
    json_set(entry, "held", json_copy(held));
    json_set(entry, "held_by", json_new_text(note_origin(note)));
    json_set(entry, "held_at", json_new_int(note_int(note, "t")));
    json_set(entry, "sent", json_copy(sent));
    json_set(entry, "sent_by", json_new_text(platform_name(change->source)));
    json_set(entry, "sent_at", json_new_int(change->time_ms));
    json_set(entry, "chosen", json_new_text(wins ? "sent" : "held"));
    json_append(merge->contested, entry);
}

/* Copies of the members that tell of a live change. */
static struct json *copy_live(const struct json *live)
{
    static const char *const members[] = {"o", "t", "s", "v", "i"};
    struct json *copy = json_new_object();

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_set(copy, members[i], json_copy(json_get(live, members[i])));
    return copy;
}

static struct json *new_note(const struct record *record, const struct change *change, const char *field,
                             const char *currency)
{
    const struct json *live = live_of(json_get(record->notes, field));
    struct json *note = json_new_object();

    json_set(note, "o", json_new_text(platform_name(change->source)));
    json_set(note, "t", json_new_int(change->time_ms));
    json_set(note, "s", json_new_int(change->seq));
    json_set(note, "v", json_new_int(record->version + 1));
    if (change->webhook && change->issued_ms > 0)
        json_set(note, "i", json_new_int(change->issued_ms));
    if (currency)
        json_set(note, "c", json_new_text(currency));
    if (change->snapshot)
        json_set(note, "p", json_new_int(change->snapshot_seq));
    if (change->snapshot && live)
        json_set(note, "l", copy_live(live));
    return note;
}

/* A live change that leaves a page's value as it is still counts among the live ones: the next is settled against it. */
static void count_live(struct record *record, const struct change *change, struct merge *merge,
                       const char *field)
{
    struct json *note = json_get(record->notes, field), *own;
    const struct json *live = live_of(note);

    if (change->snapshot || !is_page(note) || (live && !follows(change, live)))
        return;
    own = new_note(record, change, field, NULL);
    json_set(own, "v", json_copy(json_get(note, "v")));
    json_set(note, "l", own);
    merge->noted = true;
}

/* Is what was sent what the record holds already, seen through the platform's mapping? currency: of money, else NULL. */
static bool is_unchanged(const struct change *change, const char *field, const char *currency,
                         const struct json *held, const struct json *note, const struct json *sent)
{
    const char *noted = note ? json_get_text(note, "c") : NULL;

    if (currency && strcmp(currency, platform_currency(change->source)) != 0)
        return noted && strcmp(noted, currency) == 0 &&
               json_equal(held, sent); /* not in the platform's own: no mapping */
    return mapping_unchanged(change->source, change->entity, field, held, note, sent);
}

/* A webhook repeats what its platform had before somebody else changed it: that is no change back. */
static bool is_stale(const struct change *change, const char *field, const struct json *note,
                     const struct json *sent)
{
    const struct json *live = live_of(note);

    if (!change->webhook || !live || is_by(live, change))
        return false;
    for (size_t i = 0; i < json_count(change->recent); i++) {
        struct json *then;
        if (json_find(json_at(change->recent, i), field, &then) && then &&
            mapping_unchanged(change->source, change->entity, field, then, note, sent))
            return true;
    }
    return false;
}

static void apply_field(struct record *record, const struct change *change, struct merge *merge,
                        const char *field, struct json *sent)
{
    struct json *held = NULL;
    bool present = json_find(record->data, field, &held);
    const struct json *note = json_get(record->notes, field);
    const char *currency = mapping_currency(change->source, field, change->data);
    bool wins;

    if (record->exists && is_unchanged(change, field, currency, held, note, sent)) {
        count_live(record, change, merge, field);
        return;
    }
    if (is_stale(change, field, note, sent))
        return;
    if (!present && json_type(sent) == JSON_NULL)
        return; /* clears what is not there */
    wins = comes_after(change, note);
    if (is_concurrent(change, note))
        contest(merge, change, field, held, note, sent, wins);
    if (!wins) {
        if (is_in_page(change, note))
            count_live(record, change, merge, field);
        return;
    }
    json_set(record->data, field, json_copy(sent));
    json_set(record->notes, field, new_note(record, change, field, currency));
    json_append(merge->changed, json_new_text(field));
}

/* Did a field change after this deletion was made? Events are handled by priority: that change may have been handled first. */
static bool is_outlived(const struct record *record, const struct change *change)
{
    struct json_iter iter = {0};
    const char *field;
    struct json *note;

    while (json_next(record->notes, &iter, &field, &note))
        if (!comes_after(change, note))
            return true;
    return false;
}

/* Deleting what is deleted is no new version, but an update between the two does not bring it back. */
static void apply_delete(struct record *record, const struct change *change, struct merge *merge)
{
    bool again = record->exists && record->deleted;

    if (is_outlived(record, change))
        return;
    record->deleted = true;
    json_set(record->notes, MERGE_DELETED, new_note(record, change, MERGE_DELETED, NULL));
    merge->advanced = !again;
    merge->noted |= again;
}

/* A create or an update that comes after the deletion brings the record back. */
static void revive(struct record *record, const struct change *change, struct merge *merge)
{
    if (!record->deleted || !comes_after(change, json_get(record->notes, MERGE_DELETED)))
        return;
    record->deleted = false;
    json_set(record->notes, MERGE_DELETED, new_note(record, change, MERGE_DELETED, NULL));
    merge->advanced = true;
}

static void count_version(struct record *record, const struct change *change)
{
    int64_t counter = note_int(record->vector, platform_name(change->source));

    record->version++;
    record->exists = true;
    json_set(record->vector, platform_name(change->source), json_new_int(counter + 1));
}

void merge_apply(struct record *record, const struct change *change, struct merge *merge)
{
    struct json_iter iter = {0};
    const char *field;
    struct json *sent;

    if (change->verb == VERB_DELETE) {
        apply_delete(record, change, merge);
    } else {
        /* A webhook tells of our own deletion too, as of any change: an order that was deleted is still there, cancelled. */
        if (change->webhook && change->verb == VERB_UPDATE && record->deleted)
            return;
        revive(record, change, merge);
        if (change->snapshot && record->deleted)
            return; /* still gone: a page brings nothing to it */
        while (json_next(change->data, &iter, &field, &sent))
            if (strcmp(field, "id") != 0)
                apply_field(record, change, merge, field, sent);
    }
    if (!json_get(record->data, "id")) /* the record's own id never changes, whatever a platform calls it */
        json_set(record->data, "id", json_new_text(change->entity_id));
    if (!record->exists || json_count(merge->changed) > 0)
        merge->advanced = true;
    if (merge->advanced)
        count_version(record, change);
}

int64_t merge_time_ms(int64_t accepted_ms, int64_t occurred_ms, const struct json *data)
{
    const char *updated = data ? json_get_text(data, "updated_at") : NULL;
    int64_t time_ms = occurred_ms;

    if (time_ms == INT64_MIN && (!updated || timefmt_parse(updated, strlen(updated), &time_ms) != 0))
        return accepted_ms;
    return time_ms <= accepted_ms && time_ms > accepted_ms - PLAUSIBLE_MS ? time_ms : accepted_ms;
}
