/* merge_touch.c: does a change touch a field, and what of it had been taken before: see merge_side.h. */
#include <string.h>

#include "mapping.h"
#include "merge_side.h"

bool settling_is_held(const struct settling *s)
{
    struct json *held;
    bool holds = json_find(s->record->data, s->field, &held);

    return holds == s->present && value_same(s->change, s->field, held, s->note, s->value);
}

/* Is the page older than one whose value stands there? A later line of the same file is not. */
bool settling_is_older_page(const struct settling *s)
{
    int64_t page_seq = side_int(s->note, "p");

    if (!s->change->snapshot || !s->note || !json_get(s->note, "p") || s->change->snapshot_seq > page_seq)
        return false;
    return s->change->snapshot_seq < page_seq || !side_is_own(s->note, s->change);
}

/* Had the page that set the value this change of its own platform already? */
bool settling_is_in_page(const struct settling *s)
{
    return s->note && json_get(s->note, "p") && side_is_own(s->note, s->change) && !s->change->snapshot &&
           s->change->seq <= side_int(s->note, "p");
}

bool settling_is_touched(const struct settling *s)
{
    const struct json *own = side_of(s->sides, change_origin(s->change));
    struct value known = value_known(s->record, s->change, s->field, s->sides);
    bool latest = true;

    if (s->change->snapshot || !known.known)
        known = value_at(s->record, s->change, s->record->version, s->field);
    if (own && json_get(own, "e")) /* nobody was sent what waits: it comes back as it was said */
        return !json_equal(known.json, s->value);
    if (known.present ? value_same(s->change, s->field, known.json, own ? own : s->note, s->value)
                      : json_type(s->value) == JSON_NULL) {
        if (s->change->handed_version > s->change->base_version && !settling_is_held(s))
            json_append(s->merge->stale, json_new_text(s->field)); /* not yet, or no more? */
        return false;
    }
    if (!value_echoes(s->record, s->change, s->field, s->value, &latest))
        return true;
    if (!latest)
        json_append(s->merge->stale, json_new_text(s->field));
    return false;
}

/* Is a field that the record never had what the platform makes of being sent nothing of it? */
bool settling_is_default(const struct settling *s)
{
    const struct change *change = s->change;
    bool handed = change->base_version > 0;

    for (size_t i = 0; i < change->history_count; i++)
        handed |= change->history[i].echoes;
    return change->source && s->record->exists && handed &&
           value_same(change, s->field, NULL, NULL, s->value);
}
