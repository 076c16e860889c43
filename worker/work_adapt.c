/*
 * work_adapt.c: what a target is told of a record, where that is not what the record says: of what waits for a person it holds its own
 * side, of what is never sent it has nothing, and it may know the record under an id of its own.
 */
#include <string.h>

#include "log.h"
#include "merge.h"
#include "worker.h"

static void set_in(struct json *data, const char *field, bool present, const struct json *value)
{
    if (data && present)
        json_set(data, field, json_copy(value));
    else if (data)
        json_remove(data, field);
}

/* Money that is a side's is in the side's currency. */
static void note_currency(struct json *note, const char *platform)
{
    const struct json *sides = json_get(note, "q");

    for (size_t i = 0; i < json_count(sides); i++) {
        const char *origin = json_get_text(json_at(sides, i), "o");
        const char *currency = json_get_text(json_at(sides, i), "c");
        if (currency && origin && strcmp(origin, platform) == 0)
            json_set(note, "c", json_new_text(currency));
    }
}

/* What is contested with a side that the platform holds is what it has there: no difference. */
static void withhold(struct work *work)
{
    struct json_iter iter = {0};
    const struct json *value;
    const char *field;
    bool present;

    if (!work->notes || !work->has_record)
        return;
    while (merge_next_withheld(work->notes, &iter, work->worker->name, work->record_version, &field, &value,
                               &present)) {
        set_in(work->data, field, present, value);
        set_in(work->base, field, present, value);
        note_currency(json_get(work->notes, field), work->worker->name);
    }
}

/* To a platform that knows the record under a linked id. */
static void name_as_there(struct work *work)
{
    json_set(work->data, "id", json_new_text(work->named_id));
    if (work->base)
        json_set(work->base, "id", json_new_text(work->named_id));
}

bool work_awaits(const struct work *work, const char *field)
{
    const struct json *note = work->notes ? json_get(work->notes, field) : NULL;

    return note && json_get(note, "w") && !json_get(work->data, field);
}

/* What a policy says is never sent is neither there nor was it. */
static void leave_out(struct work *work)
{
    const struct policy_set *policies = policies_find(work->worker->policies, work->tenant);
    struct json *names = json_new_array();
    struct json_iter iter = {0};
    enum entity entity = msg_event_entity(work->type);
    const char *field;

    while (entity < ENTITY_NONE && json_next(work->data, &iter, &field, NULL))
        if (!policy_syncs(policy_find(policies, work->tenant, entity, field)))
            json_append(names, json_new_text(field));
    for (size_t i = 0; i < json_count(names); i++) {
        json_remove(work->data, json_text(json_at(names, i), NULL));
        if (work->base)
            json_remove(work->base, json_text(json_at(names, i), NULL));
    }
    json_free(names);
}

void work_adapt(struct work *work)
{
    withhold(work);
    if (work->has_record)
        leave_out(work);
    if (work->named_id && work->has_record)
        name_as_there(work);
}
