/* link.c: see link.h. */
#include "link.h"

#include <string.h>

#include "merge_side.h"

static bool is_field(const char *name)
{
    return strcmp(name, MERGE_DELETED) != 0 && strcmp(name, MERGE_CURRENCIES) != 0 &&
           strcmp(name, LINK_ORIGINS) != 0 && strcmp(name, "id") != 0;
}

/* note: of the value; NULL: nobody said it. link: whose ids it came under; NULL: its own. */
static void give(struct json *data, const char *field, const struct json *value, const struct json *note,
                 const char *link)
{
    static const char *const members[] = {"o", "t", "s", "i"};
    const char *currency = note ? json_get_text(note, "c") : NULL;
    struct json *origin, *member;

    json_set(data, field, json_copy(value));
    if (value && currency)
        merge_set_currency(data, field, currency);
    if (!note)
        return;
    if (!json_get(data, LINK_ORIGINS))
        json_set(data, LINK_ORIGINS, json_new_object());
    origin = json_new_object();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (json_find(note, members[i], &member))
            json_set(origin, members[i], json_copy(member));
    if (link)
        json_set(origin, "a", json_new_text(link));
    json_set(json_get(data, LINK_ORIGINS), field, origin);
}

void link_keep_origins(struct record *record, const struct json *origins)
{
    struct json *origin, *member;
    struct json_iter iter = {0}, members;
    const char *field, *name;

    while (json_next(origins, &iter, &field, &origin)) {
        struct json *note = json_get(record->notes, field);
        if (!note || side_int(note, "v") != record->version)
            continue; /* the change left it as it was */
        members = (struct json_iter){0};
        while (json_next(origin, &members, &name, &member))
            json_set(note, name, json_copy(member));
    }
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

struct json *link_entering(const struct record *older, const struct record *younger, const char *link)
{
    struct json *entering = json_new_object(), *value;
    struct json_iter iter = {0};
    const char *field;

    while (json_next(younger->data, &iter, &field, &value)) {
        const struct json *note = json_get(younger->notes, field);
        if (is_field(field) && value && enters(older, note, field))
            give(entering, field, value, note, link);
    }
    return entering;
}

/* ── split ── */

static bool is_theirs(const struct json *side, const struct link_made *made)
{
    const char *link = json_get_text(side, "a");

    return link && strcmp(link, made->id) == 0;
}

/* The latest side that came under the older's own ids; NULL: none. */
static const struct json *own_side(const struct json *sides, const struct link_made *made)
{
    const struct json *own = NULL;

    for (size_t i = 0; i < json_count(sides); i++)
        if (!is_theirs(json_at(sides, i), made) && (!own || side_is_later(json_at(sides, i), own)))
            own = json_at(sides, i);
    return own;
}

static void part_field(const struct record *older, const struct link_made *made, const char *field,
                       struct json *given, struct json *returned)
{
    struct json *sides = sides_of(older, field), *value;
    const struct json *own = own_side(sides, made);
    bool theirs = false;

    for (size_t i = 0; i < json_count(sides); i++) {
        const struct json *side = json_at(sides, i);
        if (!is_theirs(side, made))
            continue;
        theirs = true;
        if (side_int(side, "v") > made->version)
            give(returned, field, json_find(side, "x", &value) ? value : NULL, side, NULL);
    }
    if (theirs && own)
        give(given, field, json_find(own, "x", &value) ? value : NULL, own, NULL);
    else if (theirs)
        give(given, field, json_find(made->before, field, &value) ? value : NULL,
             json_get(made->before_notes, field), NULL);
    json_free(sides);
}

struct json *link_parting(const struct record *older, const struct link_made *made, struct json **returned)
{
    struct json *given = json_new_object(), *note;
    struct json_iter iter = {0};
    const char *field;

    *returned = json_new_object();
    while (json_next(older->notes, &iter, &field, &note))
        if (is_field(field))
            part_field(older, made, field, given, *returned);
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
