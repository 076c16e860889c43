/* hops.c: see hops.h. The record's note "_hops": {field: [times of its last hops]}. */
#include "hops.h"

#include <string.h>

bool hops_named(const char *names, const char *field)
{
    size_t len = strlen(field);

    for (const char *at = names; *at; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, field, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

/* What the change would touch if it were taken; NULL: something that was not delivered, or nothing. */
static struct json *touched(const struct record *record, const struct change *change, const char *handed)
{
    struct record trial;
    struct merge merge;
    struct json *fields;
    bool all;

    record_copy(&trial, record);
    merge_init(&merge);
    merge_apply(&trial, change, &merge);
    fields = json_copy(merge.changed);
    for (size_t i = 0; i < json_count(merge.contested); i++)
        json_append(fields, json_copy(json_get(json_at(merge.contested, i), "field")));
    merge_release(&merge);
    record_release(&trial);
    all = json_count(fields) > 0;
    for (size_t i = 0; i < json_count(fields); i++)
        all = all && hops_named(handed, json_text(json_at(fields, i), NULL));
    if (!all) {
        json_free(fields);
        return NULL;
    }
    return fields;
}

/* The field's hops within the last minute, this one included; older ones are forgotten. */
static size_t note_hop(struct json *hops, const char *field, int64_t now_ms)
{
    const struct json *before = json_get(hops, field);
    struct json *times = json_new_array();
    size_t count = json_count(before), kept;
    int64_t at;

    for (size_t i = count > HOPS_MAX - 1 ? count - (HOPS_MAX - 1) : 0; i < count; i++)
        if (json_int64(json_at(before, i), &at) == 0 && now_ms - at < HOPS_MS)
            json_append(times, json_new_int(at));
    json_append(times, json_new_int(now_ms));
    kept = json_count(times);
    json_set(hops, field, times);
    return kept;
}

struct json *hops_stop(struct record *record, const struct change *change, const char *handed,
                       int64_t accepted_ms, bool *noted)
{
    struct json *fields = NULL, *stopped = NULL, *hops;

    *noted = false;
    if (handed && *handed && record->exists && change->verb != VERB_DELETE)
        fields = touched(record, change, handed);
    if (!fields)
        return NULL;
    hops = json_copy(json_get(record->notes, MERGE_HOPS));
    if (json_type(hops) != JSON_OBJECT) {
        json_free(hops);
        hops = json_new_object();
    }
    for (size_t i = 0; i < json_count(fields); i++) {
        const char *field = json_text(json_at(fields, i), NULL);
        if (note_hop(hops, field, accepted_ms) < HOPS_MAX)
            continue;
        if (!stopped)
            stopped = json_new_array();
        json_append(stopped, json_new_text(field));
    }
    json_set(record->notes, MERGE_HOPS, hops);
    json_free(fields);
    *noted = true;
    return stopped;
}
