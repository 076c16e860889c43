/* merge_settle.c: what one change makes of one field: see merge.h. */
#include <string.h>

#include "mapping.h"
#include "mem.h"
#include "merge_side.h"

#define NOBODYS (-1) /* as the seq of what stands in a field: nothing does */

/* ── what is written ── */

static void set_value(struct settling *s, bool present, const struct json *value)
{
    if (present)
        json_set(s->record->data, s->field, json_copy(value));
    else
        json_remove(s->record->data, s->field);
}

/* The contest that the field was in, if any, is over or goes on in another. */
static void settle_contest(struct settling *s)
{
    const char *event = s->note ? json_get_text(s->note, "x") : NULL;
    struct json *entry;

    if (!event)
        return;
    entry = json_new_object();
    json_set(entry, "field", json_new_text(s->field));
    json_set(entry, "event", json_new_text(event));
    json_append(s->merge->settled, entry);
}

#define CURRENCIES_MAX 8 /* that a field had, are remembered */

/* What an older version says is money of the currency that it was in then. */
static void keep_currency(struct json *note, const struct json *before, int64_t version)
{
    const struct json *known = before ? json_get(before, "h") : NULL;
    const char *was = before ? json_get_text(before, "c") : NULL, *is = json_get_text(note, "c");
    bool other = was && (!is || strcmp(was, is) != 0);
    struct json *kept, *entry;

    if (!known && !other)
        return;
    kept = json_new_array();
    for (size_t i = json_count(known) < CURRENCIES_MAX ? 0 : 1; i < json_count(known); i++)
        json_append(kept, json_copy(json_at(known, i)));
    if (other) {
        entry = json_new_object();
        json_set(entry, "v", json_new_int(version));
        json_set(entry, "c", json_new_text(was));
        json_append(kept, entry);
    }
    json_set(note, "h", kept);
}

static struct json *new_note(const struct settling *s)
{
    struct json *note = side_new(s->change, s->record->version + 1, false, NULL, s->currency);
    struct json *past = side_past(s->change, s->note, s->sides);

    if (past)
        json_set(note, "n", past);
    if (s->change->snapshot)
        json_set(note, "p", json_new_int(s->change->snapshot_seq));
    if (s->note)
        keep_currency(note, s->note, s->record->version + 1);
    return note;
}

/* The change had seen all sides, and is the only one now; a page comes over what is live, and leaves it there. */
static void take_place(struct settling *s)
{
    struct json *note = new_note(s);

    settle_contest(s);
    if (s->change->snapshot && json_count(s->sides) > 0) {
        json_set(note, "q", json_copy(s->sides));
        json_set(note, "k", json_new_int(s->record->version + 1));
    }
    set_value(s, s->present, s->value);
    json_set(s->record->notes, s->field, note);
    json_append(s->merge->changed, json_new_text(s->field));
}

/* Puts the set of sides, made at that version, into the note of the field's value. */
static void note_set(const struct settling *s, struct json *note, struct json *sides, int64_t version)
{
    struct value common = {.known = false};
    int64_t last = s->note ? value_common(s->record, s->change, s->field, &common) : 0;
    struct json *past = side_past(s->change, s->note, s->sides);

    json_set(note, "q", sides);
    json_set(note, "k", json_new_int(version));
    json_set(note, "l", json_new_int(last));
    json_remove(note, "y");
    json_remove(note, "u");
    if (!common.known)
        json_set(note, "u", json_new_bool(true));
    else if (common.present)
        json_set(note, "y", json_copy(common.json));
    json_remove(note, "w");
    json_remove(note, "x");
    json_remove(note, "n");
    if (past)
        json_set(note, "n", past);
}

static void tell_contested(const struct settling *s, const struct json *note)
{
    struct json *entry = json_new_object(), *base;

    json_set(entry, "field", json_new_text(s->field));
    if (!json_get(note, "u") && json_find(note, "y", &base))
        json_set(entry, "base", json_copy(base));
    json_set(entry, "base_known", json_new_bool(!json_get(note, "u")));
    json_set(entry, "sides", json_copy(json_get(note, "q")));
    json_append(s->merge->contested, entry);
}

static int64_t objections_of(const struct settling *s)
{
    return side_int(s->change->objections, s->field);
}

/* The sides that stay, and this one, of that version. */
static struct json *with_this(const struct settling *s, int64_t version)
{
    struct json *sides = json_copy(s->others),
                *own = side_new(s->change, version, s->present, s->value, s->currency);

    if (objections_of(s) != 0)
        json_set(own, "h", json_new_int(objections_of(s)));
    json_append(sides, own);
    return sides;
}

static bool agrees(const struct settling *s)
{
    for (size_t i = 0; i < json_count(s->others); i++) {
        const struct json *side = json_at(s->others, i);
        struct json *value;
        if (json_find(side, "x", &value) != s->present ||
            !value_same(s->change, s->field, value, side, s->value))
            return false;
    }
    return true;
}

/* All sides say the same: no conflict, but each is one. */
static void stand_with(struct settling *s)
{
    struct json *value, *note = json_copy(s->note);
    bool present = json_find(json_at(s->others, 0), "x", &value),
         changes = json_get(note, "w") || !settling_is_held(s);
    int64_t version = s->record->version + changes;

    note_set(s, note, with_this(s, version), version);
    json_remove(note, "m");
    if (changes) {
        settle_contest(s);
        json_set(note, "v", json_new_int(version));
        set_value(s, present, value);
        json_append(s->merge->changed, json_new_text(s->field));
    }
    json_set(s->record->notes, s->field, note);
    s->merge->noted = true;
}

/* The field keeps its value, and waits for a decision. */
static void stand_against(struct settling *s)
{
    struct json *note = json_copy(s->note);
    int64_t version = s->record->version + 1;

    settle_contest(s);
    note_set(s, note, with_this(s, version), version);
    if (!json_get(note, "m"))
        json_set(note, "m", json_new_int(side_int(note, "s")));
    json_set(note, "w", json_new_bool(true));
    json_set(note, "x", json_new_text(s->change->event_id));
    tell_contested(s, note);
    json_set(s->record->notes, s->field, note);
    s->merge->advanced = true;
}

/* ── what is for a person although nobody contradicts it ── */

/* Beside what others made of the field and this change had seen: a person may choose that, too. */
static struct json *held_sides(const struct settling *s, int64_t version)
{
    struct json *before = sides_of(s->record, s->field), *sides = json_new_array(),
                *own = side_new(s->change, version, s->present, s->value, s->currency);

    for (size_t i = 0; i < json_count(before); i++)
        if (!side_is_own(json_at(before, i), s->change))
            json_append(sides, json_copy(json_at(before, i)));
    json_set(own, "h", json_new_int(objections_of(s)));
    json_set(own, "e", json_new_bool(true));
    json_append(sides, own);
    json_free(before);
    return sides;
}

static void hold(struct settling *s)
{
    struct json *note = s->note ? json_copy(s->note) : new_note(s), *standing,
                *past = side_past(s->change, s->note, s->sides);
    int64_t version = s->record->version + 1;

    settle_contest(s);
    json_set(note, "q", held_sides(s, version));
    json_set(note, "k", json_new_int(version));
    json_set(note, "l", json_new_int(s->record->version));
    json_remove(note, "u");
    json_remove(note, "y");
    json_remove(note, "n");
    if (json_find(s->record->data, s->field, &standing))
        json_set(note, "y", json_copy(standing));
    if (past)
        json_set(note, "n", past);
    if (!json_get(note, "m"))
        json_set(note, "m", json_new_int(s->note ? side_int(note, "s") : NOBODYS));
    json_set(note, "w", json_new_bool(true));
    json_set(note, "x", json_new_text(s->change->event_id));
    tell_contested(s, note);
    json_set(s->record->notes, s->field, note);
    s->merge->advanced = true;
    s->merge->held |= (unsigned)objections_of(s);
}

static void take_place_or_hold(struct settling *s)
{
    if (objections_of(s) != 0)
        hold(s);
    else
        take_place(s);
}

/* ── what a change means ── */

static void find_others(struct settling *s)
{
    s->others = json_new_array();
    for (size_t i = 0; i < json_count(s->sides); i++)
        if (!side_seen(s->change, s->note, s->sides, json_at(s->sides, i)))
            json_append(s->others, json_copy(json_at(s->sides, i)));
}

/* A live change beside a page's value counts among the live ones, whatever stands there now. */
static void count_live(struct settling *s)
{
    struct json *note = json_copy(s->note);

    note_set(s, note, with_this(s, s->record->version), s->record->version);
    json_set(s->record->notes, s->field, note);
    s->merge->noted = true;
}

/* Beside those that the change had not seen. */
static void settle_beside(struct settling *s)
{
    if (json_count(s->others) > 0 && s->change->snapshot)
        return;
    if (json_count(s->others) > 0 && agrees(s) && objections_of(s) == 0)
        stand_with(s);
    else if (json_count(s->others) > 0)
        stand_against(s);
    else if (!settling_is_held(s) || json_get(s->note, "w"))
        take_place_or_hold(s);
    else if (!s->change->snapshot && json_get(s->note, "p"))
        count_live(s);
}

static void settle(struct settling *s)
{
    if (settling_is_older_page(s) || side_overtakes(s->change, s->note, s->sides))
        return;
    if (settling_is_in_page(s)) {
        find_others(s);
        count_live(s);
    } else if (settling_is_touched(s)) {
        find_others(s);
        settle_beside(s);
    }
}

/* Its platform's last word: what it said in between may be handled later. */
static void say_again(struct settling *s)
{
    struct json *note = json_copy(s->note);

    json_set(note, "s", json_new_int(s->change->seq));
    json_set(s->record->notes, s->field, note);
    s->merge->noted = true;
}

/* The ordinary case: the field is new, or its value was seen. True: settled. */
static bool settle_plainly(struct settling *s)
{
    if (!s->note) {
        if (settling_is_default(s))
            return true;
        bool holds = json_find(s->record->data, s->field, NULL);
        /* clears what is not there; or says what it was given with the record, its default */
        if (holds || (json_type(s->value) != JSON_NULL && !settling_is_default(s)))
            take_place_or_hold(s);
        return true;
    }
    if (!side_is_plain(s->note) || !side_seen(s->change, s->note, NULL, s->note))
        return false;
    if (!settling_is_held(s))
        take_place_or_hold(s);
    else if (side_is_own(s->note, s->change) && !s->change->snapshot)
        say_again(s);
    return true;
}

static const char *currency_of(const struct change *change, const char *field)
{
    if (change->source)
        return mapping_currency(change->source, field, change->data);
    return json_get_text(json_get(change->data, MERGE_CURRENCIES), field);
}

void merge_field(struct record *record, const struct change *change, struct merge *merge, const char *field,
                 const struct json *value)
{
    struct settling s = {.record = record,
                         .change = change,
                         .merge = merge,
                         .field = field,
                         .note = json_get(record->notes, field),
                         .present = true,
                         .value = value,
                         .currency = currency_of(change, field)};

    if (settle_plainly(&s))
        return;
    s.sides = sides_of(record, field);
    settle(&s);
    json_free(s.sides);
    json_free(s.others);
}

/* ── decisions ── */

/* Taken from the sides that there are now: what another contest has replaced is left alone. */
void merge_decide(struct record *record, const struct change *change, struct merge *merge, const char *field,
                  const struct json *value)
{
    const struct json *note = json_get(record->notes, field);
    const char *contest = note ? json_get_text(note, "x") : NULL;
    struct json *decided;

    if (!contest || strcmp(contest, change->decides) != 0)
        return;
    struct settling s = {.record = record,
                         .change = change,
                         .merge = merge,
                         .field = field,
                         .note = note,
                         .currency = currency_of(change, field)};
    if (change->knows_all) {
        s.present = true;
        s.value = value;
        s.sides = sides_of(record, field);
        take_place(&s);
        json_free(s.sides);
        return;
    }
    settle_contest(&s);
    decided = json_copy(note);
    json_set(decided, "o", json_new_text(MERGE_SERVICE));
    json_set(decided, "t", json_new_int(change->time_ms));
    json_set(decided, "s", json_new_int(change->seq));
    json_set(decided, "v", json_new_int(record->version + 1));
    json_set(decided, "d", json_new_int(record->version + 1));
    for (const char *gone = "biwx"; *gone; gone++)
        json_remove(decided, (char[2]){*gone});
    if (s.currency)
        json_set(decided, "c", json_new_text(s.currency));
    keep_currency(decided, note, record->version + 1);
    set_value(&s, true, value);
    json_set(record->notes, field, decided);
    json_append(merge->changed, json_new_text(field));
}
