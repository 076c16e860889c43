/*
 * resolve_record.c: all contested fields of a record together: each by its policy, then the business rules over what comes out.
 *
 * A field that waits for a person by its own policy holds up itself alone. A broken rule, or too many types of conflict at once,
 * says that the decisions do not go together: then all that was contested waits.
 */
#include "resolve_parts.h"

static bool is_contested(const struct resolution *field)
{
    return !field->agreed;
}

static void resolve_one(const struct resolve_record_input *input, size_t place, struct resolution *out)
{
    struct resolve_input field = input->fields[place];
    field.entity = input->entity;
    field.platforms = input->platforms;
    field.record = input->data;
    if (field.policy == NULL)
        field.policy = policy_find(input->policies, input->tenant, input->entity, field.field);
    resolve_field(&field, out);
}

/* The record as it would be; what waits keeps its value. */
static struct json *apply(const struct resolve_record_input *input, const struct resolution *fields)
{
    struct json *data = input->data != NULL ? json_copy(input->data) : json_new_object();
    for (size_t i = 0; i < input->count; i++) {
        if (fields[i].waits)
            continue;
        if (fields[i].present)
            json_set(data, input->fields[i].field, json_copy(fields[i].value));
        else
            json_remove(data, input->fields[i].field);
    }
    return data;
}

/* Does the rule read a field that was decided? Those have the violation. */
static bool reads_decided(const struct resolve_record_input *input, const struct resolution *fields,
                          const struct policy_rule *rule)
{
    bool reads = false;
    for (size_t i = 0; i < input->count; i++)
        reads |=
            is_contested(&fields[i]) && !fields[i].waits && policy_rule_reads(rule, input->fields[i].field);
    return reads;
}

static void mark_violation(const struct resolve_record_input *input, struct resolution *fields,
                           const struct policy_rule *rule)
{
    for (size_t i = 0; i < input->count; i++) {
        if (is_contested(&fields[i]) && !fields[i].waits && policy_rule_reads(rule, input->fields[i].field))
            fields[i].types |= RESOLVE_BUSINESS_RULE_VIOLATION;
    }
}

/* Does the rule speak of nothing that was decided but of what one side alone changed? Then that waits, and nothing else. */
static bool is_of_lone(const struct resolve_record_input *input, const struct resolution *fields,
                       const struct policy_rule *rule)
{
    for (size_t i = 0; i < input->count; i++) {
        if (is_contested(&fields[i]) && !fields[i].lone && !fields[i].waits &&
            policy_rule_reads(rule, input->fields[i].field))
            return false;
    }
    return true;
}

static void leave_lone(const struct resolve_record_input *input, struct resolution *fields,
                       const struct policy_rule *rule, const char *why)
{
    for (size_t i = 0; i < input->count; i++) {
        if (!fields[i].lone || fields[i].waits || !policy_rule_reads(rule, input->fields[i].field))
            continue;
        fields[i].types |= RESOLVE_BUSINESS_RULE_VIOLATION;
        buf_addf(&fields[i].why, " Waits for a person: %s.", why);
        resolve_leave(&fields[i]);
    }
}

static void check_rules(const struct resolve_record_input *input, struct record_resolution *out)
{
    struct json *data = apply(input, out->fields);
    size_t count = policy_rule_count(input->policies, input->tenant, input->entity);
    for (size_t i = 0; i < count; i++) {
        const struct policy_rule *rule = policy_rule_at(input->policies, input->tenant, input->entity, i);
        struct buf why = BUF_INIT;
        if (reads_decided(input, out->fields, rule) &&
            !policy_rule_holds(input->policies, rule, data, &why)) {
            out->rule = out->rule != NULL ? out->rule : rule->name;
            if (is_of_lone(input, out->fields, rule)) {
                leave_lone(input, out->fields, rule, why.data);
                buf_release(&why);
                continue;
            }
            mark_violation(input, out->fields, rule);
            out->waits = true;
            buf_addf(&out->why, "%sWaits for a person: %s.", out->why.len > 0 ? " " : "", why.data);
        }
        buf_release(&why);
    }
    json_free(data);
}

static void check_types(struct record_resolution *out)
{
    for (size_t i = 0; i < out->count; i++)
        out->types |= out->fields[i].types;
    if (!resolve_too_many(out->types))
        return;
    out->waits = true;
    buf_addf(&out->why, "%sWaits for a person: more than %d types of conflict at once.",
             out->why.len > 0 ? " " : "", RESOLVE_TYPES_MAX);
}

void resolve_record(const struct resolve_record_input *input, struct record_resolution *resolution)
{
    *resolution = (struct record_resolution){.count = input->count, .why = BUF_INIT};
    resolution->fields = mem_array(input->count + 1, sizeof *resolution->fields);
    for (size_t i = 0; i < input->count; i++)
        resolve_one(input, i, &resolution->fields[i]);
    check_rules(input, resolution);
    check_types(resolution);
    for (size_t i = 0; resolution->waits && i < input->count; i++) {
        if (is_contested(&resolution->fields[i]))
            resolve_leave(&resolution->fields[i]);
    }
}

void record_resolution_release(struct record_resolution *resolution)
{
    for (size_t i = 0; i < resolution->count; i++)
        resolution_release(&resolution->fields[i]);
    free(resolution->fields);
    buf_release(&resolution->why);
    *resolution = (struct record_resolution){.why = BUF_INIT};
}
