/* merge_side.c: see merge_side.h. What a change had seen is decided here, and nowhere else. */
#include "merge_side.h"

#include <string.h>

int64_t side_int(const struct json *side, const char *name)
{
    const struct json *number = side ? json_get(side, name) : NULL;
    int64_t value = 0;

    if (!number || json_int64(number, &value) != 0)
        return 0;
    return value;
}

const char *side_origin(const struct json *side)
{
    const char *origin = side ? json_get_text(side, "o") : NULL;

    return origin ? origin : "";
}

const char *change_origin(const struct change *change)
{
    return change->source ? platform_name(change->source) : MERGE_SERVICE;
}

bool side_is_own(const struct json *side, const struct change *change)
{
    return strcmp(side_origin(side), change_origin(change)) == 0;
}

/* The members that tell of a change. */
static struct json *copy_told(const struct json *note)
{
    static const char *const members[] = {"o", "t", "s", "v", "b", "i", "c", "a"};
    struct json *side = json_new_object(), *value;

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (json_find(note, members[i], &value))
            json_set(side, members[i], json_copy(value));
    return side;
}

bool side_is_plain(const struct json *note)
{
    return !json_get(note, "q") && !json_get(note, "p");
}

struct json *sides_of(const struct record *record, const char *field)
{
    const struct json *note = json_get(record->notes, field), *listed = note ? json_get(note, "q") : NULL;
    struct json *value, *sides = json_new_array();

    for (size_t i = 0; i < json_count(listed); i++)
        json_append(sides, json_copy(json_at(listed, i)));
    if (!note || listed || json_get(note, "p"))
        return sides;
    struct json *side = copy_told(note);
    if (json_find(record->data, field, &value))
        json_set(side, "x", json_copy(value));
    json_append(sides, side);
    return sides;
}

struct json *side_new(const struct change *change, int64_t version, bool present, const struct json *value,
                      const char *currency)
{
    struct json *side = json_new_object();

    json_set(side, "o", json_new_text(change_origin(change)));
    json_set(side, "t", json_new_int(change->time_ms));
    json_set(side, "s", json_new_int(change->seq));
    json_set(side, "v", json_new_int(version));
    if (change->base_version != version - 1)
        json_set(side, "b", json_new_int(change->base_version));
    if (change->webhook && change->issued_ms > 0)
        json_set(side, "i", json_new_int(change->issued_ms));
    if (currency)
        json_set(side, "c", json_new_text(currency));
    if (change->link)
        json_set(side, "a", json_new_text(change->link));
    if (present)
        json_set(side, "x", json_copy(value));
    return side;
}

const struct json *side_of(const struct json *sides, const char *origin)
{
    for (size_t i = 0; i < json_count(sides); i++)
        if (strcmp(side_origin(json_at(sides, i)), origin) == 0)
            return json_at(sides, i);
    return NULL;
}

/* Of one platform: its webhooks by its own clock, everything else in the order of acceptance. */
static bool is_before_own(const struct json *side, const struct change *change)
{
    int64_t issued_ms = side_int(side, "i");

    if (issued_ms > 0 && change->webhook && change->issued_ms > 0 && issued_ms != change->issued_ms)
        return issued_ms < change->issued_ms;
    return side_int(side, "s") < change->seq;
}

/* While a field is contested it is sent to those without a side only, and what is sent is the value that stands there. */
static bool is_withheld(const struct change *change, const struct json *note, const struct json *sides,
                        const struct json *side)
{
    int64_t decided = side_int(note, "d"), main = side_int(note, "m");

    if (main == 0 || change->base_version < side_int(note, "k"))
        return false;
    if (decided > 0 && change->base_version >= decided && side_int(side, "v") <= decided)
        return false;
    return side_of(sides, change_origin(change)) || side_int(side, "s") != main;
}

/* Its platform's last word waits for a person, and had seen everything before it. */
static bool is_before_held(const struct change *change, const struct json *sides, const struct json *side)
{
    const struct json *own = side_of(sides, change_origin(change));

    return own && json_get(own, "e") && is_before_own(own, change) &&
           side_int(side, "v") < side_int(own, "v");
}

bool side_seen(const struct change *change, const struct json *note, const struct json *sides,
               const struct json *side)
{
    if (change->knows_all)
        return true;
    if (change->snapshot && change->snapshot_seq <= side_int(side, "s"))
        return false;
    if (side_is_own(side, change))
        return is_before_own(side, change);
    if (is_before_held(change, sides, side))
        return true;
    return side_int(side, "v") <= change->base_version && !is_withheld(change, note, sides, side);
}

bool side_overtakes(const struct change *change, const struct json *note, const struct json *sides)
{
    const struct json *own = side_of(sides, change_origin(change)), *past = note ? json_get(note, "n") : NULL;

    if (own)
        return !is_before_own(own, change);
    return side_int(past, change_origin(change)) > change->seq;
}

static void note_past(struct json **past, const char *origin, int64_t seq)
{
    if (!*past)
        *past = json_new_object();
    if (side_int(*past, origin) < seq)
        json_set(*past, origin, json_new_int(seq));
}

struct json *side_past(const struct change *change, const struct json *note, const struct json *sides)
{
    const struct json *known = note ? json_get(note, "n") : NULL;
    struct json *past = known ? json_copy(known) : NULL;

    if (!sides && note) /* plain */
        note_past(&past, side_origin(note), side_int(note, "s"));
    for (size_t i = 0; i < json_count(sides); i++) {
        const struct json *side = json_at(sides, i);
        if (side_seen(change, note, sides, side))
            note_past(&past, side_origin(side), side_int(side, "s"));
    }
    if (past && !change->knows_all)
        json_remove(past, change_origin(change)); /* its own side tells */
    if (past && json_count(past) == 0) {
        json_free(past);
        past = NULL;
    }
    return past;
}

bool side_is_later(const struct json *a, const struct json *b)
{
    int64_t apart_ms = side_int(a, "t") - side_int(b, "t");
    int order = strcmp(side_origin(a), side_origin(b));

    if (apart_ms != 0)
        return apart_ms > 0;
    return order != 0 ? order > 0 : side_int(a, "s") > side_int(b, "s");
}
