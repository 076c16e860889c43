/* verdict.c: see resolver.h. A conflict's detail is merge.h's `contested`. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "merge.h"
#include "msg.h"
#include "resolve.h"
#include "resolver.h"

static struct json *body(const struct db_result *result, size_t row, const char *column)
{
    size_t len;
    const char *bytes = db_get_bytes(result, row, db_column(result, column), &len);
    bool ok = false;
    struct json *json = NULL;

    if (bytes && len > 1 && bytes[0] == BODY_PLAIN)
        json = json_parse(bytes + 1, len - 1, JSON_DEPTH_MAX, NULL, &ok);
    return ok ? json : NULL;
}

static int64_t number(const struct json *object, const char *name)
{
    const struct json *value = json_get(object, name);
    int64_t number = 0;

    return value && json_int64(value, &number) == 0 ? number : 0;
}

/* "seq=id,seq=id": the event behind a side; of one that is not kept any more an id made from its place. */
static struct uuid event_of(const char *side_events, int64_t seq)
{
    struct uuid event = {{0}};
    char wanted[24];
    size_t len = (size_t)snprintf(wanted, sizeof wanted, "%lld=", (long long)seq);

    for (const char *at = side_events; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : "")
        if (strncmp(at, wanted, len) == 0 && uuid_parse(&event, at + len, UUID_TEXT_LEN) == 0)
            return event;
    for (unsigned i = 0; i < 8; i++)
        event.bytes[15 - i] = (uint8_t)((uint64_t)seq >> (8 * i));
    return event;
}

static void read_side(struct resolve_side *side, const struct json *json, const char *side_events)
{
    struct json *value = NULL;

    side->platform = json_get_text(json, "o");
    side->event = event_of(side_events, number(json, "s"));
    side->time_ms = number(json, "t");
    side->version = number(json, "v");
    side->present = json_find(json, "x", &value);
    side->value = value;
    side->currency = json_get_text(json, "c");
}

static bool is_open(const char *open_fields, const char *field)
{
    size_t len = strlen(field);

    for (const char *at = open_fields; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, field, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

static void read_field(struct resolve_input *input, const struct json *entry, const char *side_events)
{
    const struct json *sides = json_get(entry, "sides");
    struct resolve_side *read = mem_array(json_count(sides), sizeof *read);
    const struct json *known = json_get(entry, "base_known");

    for (size_t i = 0; i < json_count(sides); i++)
        read_side(&read[i], json_at(sides, i), side_events);
    input->field = json_get_text(entry, "field");
    input->base = json_get(entry, "base");
    input->base_known = known && json_bool(known);
    input->sides = read;
    input->count = json_count(sides);
}

static void tell_field(struct verdict *verdict, const struct resolve_input *input,
                       const struct resolution *resolution, bool waits)
{
    struct json *told = json_new_object();

    json_set(told, "field", json_new_text(input->field));
    json_set(told, "policy", json_new_text(resolution->strategy));
    if (resolution->side != RESOLVE_MERGED && resolution->side < input->count)
        json_set(told, "chosen", json_new_text(input->sides[resolution->side].platform));
    json_set(told, "value", json_copy(resolution->present ? resolution->value : NULL));
    json_set(told, "waits", json_new_bool(waits));
    json_set(told, "why", json_new_text(resolution->why.len ? resolution->why.data : ""));
    json_append(verdict->result, told);
    if (waits) {
        verdict->waits = true;
        verdict->confidence = 0;
        return;
    }
    json_set(verdict->decided, input->field, json_copy(resolution->present ? resolution->value : NULL));
    if (resolution->confidence < verdict->confidence)
        verdict->confidence = resolution->confidence;
}

static void tell(struct verdict *verdict, const struct resolve_record_input *input,
                 const struct record_resolution *resolution)
{
    const char *names[5];
    size_t count = resolve_type_names(resolution->types, names);

    for (size_t i = 0; i < count; i++)
        buf_addf(&verdict->types, "%s%s", i ? "," : "", names[i]);
    for (size_t i = 0; i < resolution->count; i++)
        tell_field(verdict, &input->fields[i], &resolution->fields[i],
                   resolution->waits || resolution->fields[i].waits);
    if (resolution->why.len > 0)
        buf_add(&verdict->note, resolution->why.data, resolution->why.len);
}

void verdict_find(const struct resolver *resolver, const struct db_result *result, size_t row,
                  struct verdict *verdict)
{
    struct json *detail = body(result, row, "detail"), *data = body(result, row, "record_data");
    const char *open = db_get_text(result, row, db_column(result, "open_fields"), NULL),
               *side_events = db_get_text(result, row, db_column(result, "side_events"), NULL);
    struct resolve_input *fields = mem_array(json_count(detail) + 1, sizeof *fields);
    struct resolve_record_input input = {
        .policies = resolver->policies,
        .platforms = resolver->platforms,
        .tenant = db_get_text(result, row, db_column(result, "tenant_id"), NULL),
        .data = data,
        .fields = fields};
    struct record_resolution resolution;

    *verdict = (struct verdict){
        .decided = json_new_object(), .result = json_new_array(), .confidence = 100};
    buf_init(&verdict->types);
    buf_init(&verdict->note);
    msg_entity(db_get_text(result, row, db_column(result, "entity_type"), NULL), &input.entity);
    for (size_t i = 0; i < json_count(detail); i++)
        if (is_open(open, json_get_text(json_at(detail, i), "field")))
            read_field(&fields[input.count++], json_at(detail, i), side_events);
    resolve_record(&input, &resolution);
    tell(verdict, &input, &resolution);
    record_resolution_release(&resolution);
    for (size_t i = 0; i < input.count; i++)
        free((void *)fields[i].sides);
    free(fields);
    json_free(detail);
    json_free(data);
}

void verdict_release(struct verdict *verdict)
{
    json_free(verdict->decided);
    json_free(verdict->result);
    buf_release(&verdict->types);
    buf_release(&verdict->note);
}
