/*
 * mapping_out.c: from a record to what a platform is sent.
 *
 * Walks the record once and takes what differs from the base, what the platform always wants, and what is required. Values go
 * by reference: a body is written and forgotten.
 */
#include "mapping_fields.h"
#include "timefmt.h"

struct mapper {
    const struct mapping_request *request;
    const struct platform_entity *rules;
    const char *currency; /* the record's own currency member, or NULL */
    bool full;
    struct json *out;
    struct json *changed; /* or NULL */
    struct buf *error;
};

static bool is_required(const struct mapper *m, const char *field)
{
    for (size_t i = 0; i < m->rules->required_count; i++) {
        if (strcmp(m->rules->required[i], field) == 0)
            return true;
    }
    return strcmp(field, "id") == 0;
}

/* A member that no table of the target names, under a name that would be taken there for a field which the record also has, or
 * for an addition of ours. Sending it would overwrite that field when it comes back. */
static bool is_shadowed(const struct mapper *m, const char *field)
{
    const struct mapping_request *request = m->request;
    const char *means = platform_common_name(request->target, request->entity, field);
    struct json *value;
    if (strcmp(field, MAPPING_METADATA) == 0 || strcmp(field, MAPPING_CONTEXT) == 0 ||
        platform_adds(request->target, request->entity, field))
        return true;
    return means != NULL && strcmp(means, field) != 0 && json_find(request->record, means, &value);
}

static const struct json *note_of(const struct mapper *m, const char *field)
{
    return json_get(m->request->notes, field);
}

static bool noted_after_base(const struct mapper *m, const char *field)
{
    int64_t seq;
    const struct json *noted = json_get(note_of(m, field), "s");
    return m->request->base_seq > 0 && json_type(noted) == JSON_NUMBER && json_int64(noted, &seq) == 0 &&
           seq > m->request->base_seq;
}

/* Not sent, and no change: the target has no place for the field, or only while it creates the record. */
static bool is_withheld(const struct mapper *m, const char *field)
{
    const struct mapping_request *request = m->request;
    if (!platform_holds(request->target, request->entity, field))
        return true;
    return request->verb == VERB_UPDATE && !m->full &&
           !platform_changes(request->target, request->entity, field);
}

static bool differs(const struct mapper *m, const char *field, const struct json *value)
{
    struct json *base;
    if (m->request->verb == VERB_DELETE) /* says which record, and no more of it than is required */
        return false;
    if (m->request->base == NULL || !json_find(m->request->base, field, &base))
        return true;
    if (strcmp(field, "currency") == 0) /* the target always hears its own */
        return false;
    if ((mapping_is_money(field) || mapping_is_money_list(field)) && noted_after_base(m, field))
        return true;
    return !json_equal(base, value);
}

static int blame(const struct mapper *m, const char *field)
{
    if (m->request->field != NULL)
        buf_add_str(m->request->field, field);
    return -1;
}

static int put(struct mapper *m, const char *field, const struct json *value)
{
    const struct mapping_request *request = m->request;
    struct mapping_value one = {
        request->target,
        request->platforms,
        request->entity,
        field,
        mapping_noted_currency(request->platforms, note_of(m, field), m->currency),
        value,
    };
    struct json *mapped = NULL;
    if (mapping_value_out(&one, &mapped, m->error) != 0)
        return blame(m, field);
    json_set(m->out, platform_own_name(request->target, request->entity, field), mapped);
    return 0;
}

static void note_change(struct mapper *m, const char *field)
{
    if (m->changed != NULL)
        json_append(m->changed,
                    json_new_text(platform_own_name(m->request->target, m->request->entity, field)));
}

/* A required field that cannot change any more goes with the value that the target has. */
static int put_withheld(struct mapper *m, const char *field, const struct json *value)
{
    struct json *certain = NULL;
    if (!is_required(m, field) || !platform_holds(m->request->target, m->request->entity, field))
        return 0;
    if (json_find(m->request->base, field, &certain))
        value = certain;
    return value != NULL ? put(m, field, value) : 0;
}

static int put_record(struct mapper *m)
{
    struct json_iter iter = {NULL};
    const char *field;
    struct json *value;
    while (json_next(m->request->record, &iter, &field, &value)) {
        if (is_shadowed(m, field))
            continue;
        if (is_withheld(m, field)) {
            if (put_withheld(m, field, value) != 0)
                return -1;
            continue;
        }
        bool change = differs(m, field, value);
        if (change)
            note_change(m, field);
        if ((change || m->full || (value != NULL && is_required(m, field))) && put(m, field, value) != 0)
            return -1;
    }
    return 0;
}

/* What the target has and the record no longer: cleared there too. */
static void put_removed(struct mapper *m)
{
    struct json_iter iter = {NULL};
    const char *field;
    struct json *value;
    while (m->request->base != NULL && m->request->verb != VERB_DELETE &&
           json_next(m->request->base, &iter, &field, &value)) {
        if (value == NULL || json_find(m->request->record, field, &value) || is_shadowed(m, field) ||
            is_withheld(m, field))
            continue;
        note_change(m, field);
        json_set(m->out, platform_own_name(m->request->target, m->request->entity, field), NULL);
    }
}

/* In common words, money in the target's own currency. */
static int put_defaults(struct mapper *m)
{
    const struct mapping_request *request = m->request;
    for (size_t i = 0; i < m->rules->default_count; i++) {
        const struct platform_default *row = &m->rules->defaults[i];
        struct mapping_value one = {request->target, request->platforms,        request->entity,
                                    row->field,      request->target->currency, row->value};
        struct json *mapped = NULL;
        if (json_get(request->record, row->field) != NULL)
            continue;
        if (mapping_value_out(&one, &mapped, m->error) != 0)
            return blame(m, row->field);
        json_set(m->out, platform_own_name(request->target, request->entity, row->field), mapped);
    }
    return 0;
}

static int check_required(const struct mapper *m)
{
    const struct mapping_request *request = m->request;
    for (size_t i = 0; i < m->rules->required_count; i++) {
        const char *field = m->rules->required[i];
        const char *own = platform_own_name(request->target, request->entity, field);
        struct json *value;
        bool there = json_find(m->out, own, &value);
        if (value != NULL && there)
            continue;
        if (request->verb == VERB_CREATE)
            buf_addf(m->error, "%s requires %s for a create, and this %s has none", request->target->name,
                     field, msg_entity_name(request->entity));
        else if (request->verb == VERB_UPDATE && there)
            buf_addf(m->error, "%s requires %s, and this %s had it cleared", request->target->name, field,
                     msg_entity_name(request->entity));
        else
            continue;
        return blame(m, field);
    }
    return 0;
}

static void put_additions(struct mapper *m)
{
    for (size_t i = 0; i < m->rules->also_count; i++) {
        const struct platform_also *also = &m->rules->also[i];
        struct json *value;
        if (json_find(m->out, platform_own_name(m->request->target, m->request->entity, also->field), &value))
            json_set(m->out, also->own, json_ref(value));
    }
}

struct json *mapping_out(const struct mapping_request *request, struct json *changed, struct buf *error)
{
    if (request->entity == ENTITY_NONE)
        return json_copy(request->record);
    struct mapper m = {
        .request = request,
        .rules = &request->target->entities[request->entity],
        .currency = json_get_text(request->record, "currency"),
        .full = platform_route(request->target, request->type, request->verb)->full,
        .out = json_new_object(),
        .changed = changed,
        .error = error,
    };
    int failed = put_record(&m);
    if (failed == 0) {
        put_removed(&m);
        if (request->verb == VERB_CREATE)
            failed = put_defaults(&m);
    }
    if (failed == 0)
        failed = check_required(&m);
    if (failed != 0) {
        json_free(m.out);
        return NULL;
    }
    put_additions(&m);
    return m.out;
}

void mapping_withheld(const struct mapping_request *request, struct buf *names)
{
    struct json_iter iter = {NULL};
    const char *field;
    struct json *value;
    struct mapper m = {.request = request, .rules = &request->target->entities[request->entity]};
    if (request->entity == ENTITY_NONE)
        return;
    while (json_next(request->record, &iter, &field, &value)) {
        if (!is_shadowed(&m, field) && is_withheld(&m, field) && differs(&m, field, value))
            buf_addf(names, "%s%s", names->len > 0 ? ", " : "", field);
    }
}

static struct json *metadata(const struct mapping_context *context)
{
    char now[TIMEFMT_LEN + 1];
    struct json *json = json_new_object();
    timefmt_rfc3339(context->now_ms, now);
    json_set(json, "source_platform", json_new_text(context->source_platform));
    json_set(json, "target_platform", json_new_text(context->target_platform));
    json_set(json, "synced_from", json_new_text(context->source_platform));
    json_set(json, "transformed_at", json_new_text(now));
    json_set(json, "sync_timestamp", json_new_text(now));
    json_set(json, "event_id", json_new_text(context->event_id));
    if (context->record_id != NULL)
        json_set(json, "record_id", json_new_text(context->record_id));
    if (context->version > 0)
        json_set(json, "version", json_new_int(context->version));
    if (context->started_ms > 0)
        json_set(json, "started_at", json_new_int(context->started_ms));
    if (context->changed != NULL)
        json_set(json, "changed_fields", json_copy(context->changed));
    return json;
}

void mapping_decorate(const struct mapping_request *request, const struct mapping_context *context,
                      struct json *data)
{
    const struct platform *target = request->target;
    struct json *place = json_new_object();
    json_set(place, "currency", json_new_text(target->currency));
    json_set(place, "locale", json_new_text(target->locale));
    json_set(place, "timezone", json_new_text(target->timezone));
    json_set(data, MAPPING_METADATA, metadata(context));
    json_set(data, MAPPING_CONTEXT, place);
}
