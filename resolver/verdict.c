/* verdict.c: see resolver.h. A conflict's detail is merge.h's `contested`. */
#include "conflict.h"
#include "merge.h"
#include "msg.h"
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

static void tell_field(struct verdict *verdict, const struct resolve_input *input,
                       const struct resolution *resolution, bool waits)
{
    conflict_tell(verdict->result, input, resolution, waits);
    if (waits) {
        verdict->waits = true;
        verdict->confidence = 0;
        return;
    }
    json_set(verdict->decided, input->field, json_copy(resolution->present ? resolution->value : NULL));
    if (resolution->currency)
        merge_set_currency(verdict->decided, input->field, resolution->currency);
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
    struct conflict conflict;
    const char *tenant = db_get_text(result, row, db_column(result, "tenant_id"), NULL);
    struct resolve_record_input input = {.policies = policies_find(resolver->policies, tenant),
                                         .platforms = resolver->platforms,
                                         .tenant = tenant,
                                         .data = data};
    struct record_resolution resolution;

    *verdict = (struct verdict){.decided = json_new_object(), .result = json_new_array(), .confidence = 100};
    buf_init(&verdict->types);
    buf_init(&verdict->note);
    verdict->policies = policy_version(input.policies);
    msg_entity(db_get_text(result, row, db_column(result, "entity_type"), NULL), &input.entity);
    conflict_read(&conflict, detail, open, side_events);
    input.fields = conflict.fields;
    input.count = conflict.count;
    resolve_record(&input, &resolution);
    tell(verdict, &input, &resolution);
    record_resolution_release(&resolution);
    conflict_release(&conflict);
    json_free(detail);
    json_free(data);
}

void verdict_for_person(const struct resolver *resolver, const struct db_result *result, size_t row,
                        struct verdict *verdict)
{
    const char *tenant = db_get_text(result, row, db_column(result, "tenant_id"), NULL);

    *verdict = (struct verdict){.decided = json_new_object(), .result = json_new_array(), .waits = true};
    buf_init(&verdict->types);
    buf_init(&verdict->note);
    buf_add_str(&verdict->note,
                "what the policies say of it could not be carried out: a person is to decide it");
    verdict->policies = policy_version(policies_find(resolver->policies, tenant));
}

void verdict_release(struct verdict *verdict)
{
    json_free(verdict->decided);
    json_free(verdict->result);
    buf_release(&verdict->types);
    buf_release(&verdict->note);
}
