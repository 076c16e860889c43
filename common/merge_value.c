/* merge_value.c: what a field was, for whom: see merge_side.h. */
#include <string.h>

#include "mapping.h"
#include "merge_side.h"

static struct value value_in(const struct json *data, const char *field)
{
    struct value value = {.known = true};

    value.present = json_find(data, field, &value.json);
    return value;
}

static bool is_named(const struct json *names, const char *field)
{
    for (size_t i = 0; i < json_count(names); i++)
        if (strcmp(json_text(json_at(names, i), NULL), field) == 0)
            return true;
    return false;
}

static bool is_own(const struct version *version, const struct change *change)
{
    return strcmp(version->source, change_origin(change)) == 0;
}

struct value value_at(const struct record *record, const struct change *change, int64_t version,
                      const char *field)
{
    if (version == record->version)
        return value_in(record->data, field);
    for (size_t i = 0; i < change->history_count; i++)
        if (change->history[i].version == version)
            return value_in(change->history[i].data, field);
    return (struct value){.known = version == 0};
}

/* Its platform's last word on the field that is at hand, if that is later than its base; NULL: none. */
static const struct version *last_word(const struct change *change, const char *field)
{
    for (size_t i = change->history_count; i-- > 0;) {
        const struct version *version = &change->history[i];
        if (version->version <= change->base_version)
            break;
        if (is_own(version, change) && !version->page && is_named(version->changed, field))
            return version;
    }
    return NULL;
}

struct value value_known(const struct record *record, const struct change *change, const char *field,
                         const struct json *sides)
{
    const struct json *own = side_of(sides, change_origin(change)), *note = json_get(record->notes, field);
    const struct version *word = last_word(change, field);

    /* Of a contested field it was sent nothing since. */
    if (own && (json_get(note, "w") || change->base_version < side_int(note, "v")))
        return value_in(own, "x");
    if (word)
        return value_in(word->data, field);
    return value_at(record, change, change->base_version, field);
}

bool value_same(const struct change *change, const char *field, const struct json *held,
                const struct json *note, const struct json *sent)
{
    const char *currency, *noted = note ? json_get_text(note, "c") : NULL;

    if (!change->source)
        return json_equal(held, sent);
    currency = mapping_currency(change->source, field, change->data);
    if (currency && strcmp(currency, platform_currency(change->source)) != 0)
        return noted && strcmp(noted, currency) == 0 &&
               json_equal(held, sent); /* not in the platform's own: no mapping */
    return mapping_unchanged(change->source, change->entity, field, held, note, sent);
}

bool value_echoes(const struct record *record, const struct change *change, const char *field,
                  const struct json *sent, bool *latest)
{
    const struct json *note = json_get(record->notes, field);

    for (size_t i = change->history_count; i-- > 0;) {
        const struct version *version = &change->history[i];
        struct json *then;
        if (is_own(version, change) && is_named(version->changed, field))
            return false; /* it has had its own word since */
        if (!version->echoes || !json_find(version->data, field, &then) || !then ||
            !value_same(change, field, then, note, sent))
            continue;
        *latest = json_equal(then, json_get(record->data, field));
        return true;
    }
    return false;
}

/* The first version after `after`, up to `last`, in which somebody else changed the field; 0: none. */
static int64_t first_foreign(const struct change *change, const char *field, int64_t after, int64_t last)
{
    for (size_t i = 0; i < change->history_count; i++) {
        const struct version *version = &change->history[i];
        if (version->version > after && version->version <= last && !is_own(version, change) &&
            is_named(version->changed, field))
            return version->version;
    }
    return 0;
}

/* Up to which version had the sides seen everything? With one side: what it was made on. */
static int64_t common_before(const struct json *note)
{
    int64_t base = side_int(note, "b");

    if (json_get(note, "q"))
        return side_int(note, "l");
    return json_get(note, "b") ? base : side_int(note, "v") - 1;
}

int64_t value_common(const struct record *record, const struct change *change, const char *field,
                     struct value *value)
{
    const struct json *note = json_get(record->notes, field);
    int64_t before = common_before(note), foreign;
    bool listed = json_get(note, "q");

    if (change->base_version >= before) {
        if (listed) {
            *value = value_in(note, "y");
            value->known = !json_get(note, "u");
            return before;
        }
        *value = value_at(record, change, change->base_version, field);
        return change->base_version;
    }
    /* It had seen less: what its own platform did meanwhile counts, the first change of another ends what is common. */
    foreign = first_foreign(change, field, change->base_version, before);
    if (foreign > 0)
        before = foreign - 1;
    *value = value_at(record, change, before, field);
    return before;
}
