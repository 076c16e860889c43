/*
 * conflict_whatif.c: what another set of policies would have made of a conflict, beside what was made of it. Pure: counts, and keeps
 * the first examples.
 */
#include "conflict_inside.h"
#include "msg.h"

static bool is_true(const struct json *value)
{
    return json_type(value) == JSON_BOOL && json_bool(value);
}

/* What is told of one outcome; of a rule both have the same members. */
static struct json *outcome(const struct json *rule)
{
    static const char *const members[] = {"policy", "chosen", "value", "waits", "why"};
    struct json *told = json_new_object();

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_set(told, members[i], json_copy(json_get(rule, members[i])));
    return told;
}

/* Waiting is one end, whatever would be proposed. */
static bool ends_alike(const struct json *was, const struct json *would)
{
    bool waited = is_true(json_get(was, "waits"));

    if (waited != is_true(json_get(would, "waits")))
        return false;
    return waited || json_equal(json_get(was, "value"), json_get(would, "value"));
}

static void keep_example(struct conflict_whatif *whatif, const struct conflict_past *past,
                         const struct json *was, const struct json *would)
{
    struct json *example;
    char id[UUID_TEXT_LEN + 1];

    if (json_count(whatif->examples) >= CONFLICT_EXAMPLES_MAX)
        return;
    uuid_format(&past->id, id);
    example = json_new_object();
    json_set(example, "id", json_new_text(id));
    json_set(example, "tenant_id", json_new_text(past->tenant));
    json_set(example, "entity_type", json_new_text(msg_entity_name(past->entity)));
    json_set(example, "entity_id", json_new_text(past->entity_id));
    json_set(example, "field", json_ref(json_get(was, "field")));
    json_set(example, "was", outcome(was));
    json_set(example, "would_be", outcome(would));
    json_append(whatif->examples, example);
}

static const struct json *rule_of(const struct json *rules, const char *field)
{
    for (size_t i = 0; i < json_count(rules); i++) {
        const char *name = json_get_text(json_at(rules, i), "field");
        if (name && strcmp(name, field) == 0)
            return json_at(rules, i);
    }
    return NULL;
}

static void compare(struct conflict_whatif *whatif, const struct conflict_past *past,
                    const struct json *rules)
{
    bool differs = false, waited = false, would_wait = false;

    for (size_t i = 0; i < json_count(rules); i++) {
        const struct json *would = json_at(rules, i),
                          *was = rule_of(past->rules, json_get_text(would, "field"));
        waited |= is_true(json_get(was, "waits"));
        would_wait |= is_true(json_get(would, "waits"));
        if (ends_alike(was, would))
            continue;
        whatif->fields_different++;
        differs = true;
        keep_example(whatif, past, was, would);
    }
    whatif->different += differs;
    whatif->waited += waited;
    whatif->would_wait += would_wait;
}

/* The fields that policies were asked about then, with commas. */
static void list_fields(const struct json *rules, struct buf *names)
{
    for (size_t i = 0; i < json_count(rules); i++) {
        const char *field = json_get_text(json_at(rules, i), "field");
        if (field)
            buf_addf(names, "%s%s", names->len ? "," : "", field);
    }
}

void conflict_whatif_add(struct conflict_whatif *whatif, const struct platform_set *platforms,
                         const struct conflict_past *past)
{
    struct conflict conflict;
    struct record_resolution resolution;
    struct json *rules = json_new_array();
    struct buf asked = BUF_INIT;

    list_fields(past->rules, &asked);
    conflict_read(&conflict, past->detail, asked.data, past->side_events);
    resolve_record(&(struct resolve_record_input){.policies = whatif->policies,
                                                  .platforms = platforms,
                                                  .tenant = past->tenant,
                                                  .entity = past->entity,
                                                  .data = past->record,
                                                  .fields = conflict.fields,
                                                  .count = conflict.count},
                   &resolution);
    for (size_t i = 0; i < conflict.count; i++)
        conflict_tell(rules, &conflict.fields[i], &resolution.fields[i],
                      resolution.waits || resolution.fields[i].waits);
    compare(whatif, past, rules);
    whatif->examined++;
    record_resolution_release(&resolution);
    conflict_release(&conflict);
    json_free(rules);
    buf_release(&asked);
}
