/* link.c: see link.h. */
#include "link.h"

#include <string.h>

#include "merge_side.h"

static bool is_field(const char *name)
{
    return strcmp(name, MERGE_DELETED) != 0 && strcmp(name, MERGE_CURRENCIES) != 0 && strcmp(name, "id") != 0;
}

static void give(struct json *data, const char *field, const struct json *value, const struct json *note)
{
    const char *currency = note ? json_get_text(note, "c") : NULL;

    json_set(data, field, json_copy(value));
    if (value && currency)
        merge_set_currency(data, field, currency);
}

/* ── linked ── */

static bool enters(const struct record *older, const struct json *note, const char *field)
{
    const struct json *held = json_get(older->notes, field);
    struct json *value;

    if (held && json_get(held, "w"))
        return false;
    return !json_find(older->data, field, &value) || side_int(note, "t") > side_int(held, "t");
}

struct json *link_entering(const struct record *older, const struct record *younger)
{
    struct json *entering = json_new_object(), *value;
    struct json_iter iter = {0};
    const char *field;

    while (json_next(younger->data, &iter, &field, &value)) {
        const struct json *note = json_get(younger->notes, field);
        if (is_field(field) && enters(older, note, field))
            give(entering, field, value, note);
    }
    return entering;
}

/* ── split ── */

static bool is_under(const struct json *side, const struct link_made *made)
{
    const char *link = json_get_text(side, "a");

    return link && strcmp(link, made->id) == 0;
}

/* The link itself set it, or somebody under its ids did since. */
static bool is_theirs(const struct json *note, const struct link_made *made)
{
    return is_under(note, made) || (!made->by_itself && side_int(note, "v") == made->version);
}

static void part_field(const struct record *older, const struct link_made *made, const char *field,
                       const struct json *note, struct json *given, struct json *returned)
{
    struct json *sides = sides_of(older, field), *value;

    for (size_t i = 0; i < json_count(sides); i++) {
        const struct json *side = json_at(sides, i);
        if (is_under(side, made))
            give(returned, field, json_find(side, "x", &value) ? value : NULL, side);
    }
    json_free(sides);
    if (is_theirs(note, made))
        give(given, field, json_find(made->before, field, &value) ? value : NULL, NULL);
}

struct json *link_parting(const struct record *older, const struct link_made *made, struct json **returned)
{
    struct json *given = json_new_object(), *note;
    struct json_iter iter = {0};
    const char *field;

    *returned = json_new_object();
    while (json_next(older->notes, &iter, &field, &note))
        if (is_field(field))
            part_field(older, made, field, note, given, *returned);
    return given;
}

struct json *link_returning(const struct record *younger, const struct json *returned, int64_t version)
{
    struct json *data = json_new_object(), *value;
    struct json_iter iter = {0};
    const char *field;

    while (json_next(returned, &iter, &field, &value))
        if (strcmp(field, "id") != 0 && side_int(json_get(younger->notes, field), "v") <= version)
            json_set(data, field, json_copy(value));
    return data;
}
