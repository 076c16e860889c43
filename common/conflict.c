/* conflict.c: see conflict.h. */
#include "conflict.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

bool conflict_names(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, name, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

int64_t conflict_number(const struct json *side, const char *name)
{
    const struct json *value = json_get(side, name);
    int64_t number = 0;

    return value && json_int64(value, &number) == 0 ? number : 0;
}

int conflict_event(const char *side_events, int64_t seq, struct uuid *event)
{
    char wanted[24];
    size_t len = (size_t)snprintf(wanted, sizeof wanted, "%lld=", (long long)seq);

    for (const char *at = side_events; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : "")
        if (strncmp(at, wanted, len) == 0)
            return uuid_parse(event, at + len, strcspn(at + len, ","));
    return -1;
}

/* Of one that is not kept any more an id made from its place: sides are sorted by it. */
static struct uuid event_of(const char *side_events, int64_t seq)
{
    struct uuid event = {{0}};

    if (conflict_event(side_events, seq, &event) == 0)
        return event;
    for (unsigned i = 0; i < 8; i++)
        event.bytes[15 - i] = (uint8_t)((uint64_t)seq >> (8 * i));
    return event;
}

static void read_side(struct resolve_side *side, const struct json *json, const char *side_events)
{
    struct json *value = NULL;

    side->platform = json_get_text(json, "o");
    side->event = event_of(side_events, conflict_number(json, "s"));
    side->time_ms = conflict_number(json, "t");
    side->version = conflict_number(json, "v");
    side->present = json_find(json, "x", &value);
    side->value = value;
    side->currency = json_get_text(json, "c");
    side->objections = (unsigned)conflict_number(json, "h");
}

static void read_field(struct resolve_input *input, const struct json *entry, const char *side_events)
{
    const struct json *sides = json_get(entry, "sides");
    struct resolve_side *read = mem_array(json_count(sides) + 1, sizeof *read);
    const struct json *known = json_get(entry, "base_known");

    for (size_t i = 0; i < json_count(sides); i++)
        read_side(&read[i], json_at(sides, i), side_events);
    input->field = json_get_text(entry, "field");
    input->base = json_get(entry, "base");
    input->base_known = json_type(known) == JSON_BOOL && json_bool(known);
    input->sides = read;
    input->count = json_count(sides);
}

void conflict_read(struct conflict *conflict, const struct json *detail, const char *only,
                   const char *side_events)
{
    *conflict = (struct conflict){.fields = mem_array(json_count(detail) + 1, sizeof *conflict->fields)};
    for (size_t i = 0; json_type(detail) == JSON_ARRAY && i < json_count(detail); i++) {
        const char *field = json_get_text(json_at(detail, i), "field");
        if (field && (!only || conflict_names(only, field)))
            read_field(&conflict->fields[conflict->count++], json_at(detail, i), side_events);
    }
}

void conflict_release(struct conflict *conflict)
{
    for (size_t i = 0; i < conflict->count; i++)
        free((void *)conflict->fields[i].sides);
    free(conflict->fields);
    *conflict = (struct conflict){0};
}

void conflict_tell(struct json *rules, const struct resolve_input *input, const struct resolution *resolution,
                   bool waits)
{
    struct json *told = json_new_object();

    json_set(told, "field", json_new_text(input->field));
    json_set(told, "policy", json_new_text(resolution->strategy));
    if (resolution->side != RESOLVE_MERGED && resolution->side < input->count)
        json_set(told, "chosen", json_new_text(input->sides[resolution->side].platform));
    json_set(told, "value", json_copy(resolution->present ? resolution->value : NULL));
    json_set(told, "waits", json_new_bool(waits));
    json_set(told, "why", json_new_text(resolution->why.len ? resolution->why.data : ""));
    json_append(rules, told);
}
