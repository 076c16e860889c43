/* platforms.c: three platforms that take what comes, each in its way. See simulation.h. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "simulation.h"

#define HOUR_MS 3600000

void platforms_reset(void)
{
    for (int i = 0; i < SIDES; i++) {
        struct side_model *side = &world.sides[i];
        *side = (struct side_model){.platform = platform_at(the_platforms, (size_t)i)};
        side->dedupes = chance_in(3);
        side->newest_only = chance_in(4);
        side->tells_base = chance_in(2);
        side->upserts = chance_in(2);
        if (world.options.faults & FAULT_WEBHOOKS)
            side->webhooks = chance_in(2);
        if (world.options.faults & FAULT_CLOCKS)
            side->clock_wrong_ms = (int64_t)chance_below(10) * HOUR_MS - 5 * HOUR_MS;
    }
}

struct copy_model *platform_copy(int side, int record)
{
    return &world.sides[side].copies[record];
}

static bool was_taken(const struct side_model *side, const char *webhook_id)
{
    for (size_t i = 0; i < side->seen_count; i++)
        if (strcmp(side->seen[i], webhook_id) == 0)
            return true;
    return false;
}

static void note_taken(struct side_model *side, const char *webhook_id)
{
    if (side->seen_count == side->seen_cap) {
        side->seen_cap = side->seen_cap ? 2 * side->seen_cap : 32;
        side->seen = mem_realloc(side->seen, side->seen_cap * sizeof *side->seen);
    }
    side->seen[side->seen_count++] = mem_strdup(webhook_id);
}

static void put(int side, int record, struct copy_model *copy, const struct json *data)
{
    struct json_iter iter = {0};
    const char *name;
    struct json *value;

    if (!copy->data)
        copy->data = json_new_object();
    while (json_next(data, &iter, &name, &value)) {
        if (*name == '_')
            continue;
        copy->overwritten |= !json_equal(json_get(copy->data, name), value) &&
                             check_was_edited(side, record, name, json_get(copy->data, name));
        if (value)
            json_set(copy->data, name, json_copy(value));
        else
            json_remove(copy->data, name);
    }
    copy->there = true;
}

static int refusal(const struct side_model *side)
{
    static const int refusals[] = {500, 500, 503, 429, 504};

    if (world.healing || !(world.options.faults & FAULT_REFUSALS))
        return 0;
    if (side->closed)
        return 503;
    return chance_in(20) ? refusals[chance_below(5)] : 0;
}

/* The verb is the end of the path. */
void platform_take(int index, const char *url, const char *webhook_id, const struct json *data, int *status)
{
    struct side_model *side = &world.sides[index];
    const struct json *metadata = json_get(data, "_sync_metadata");
    const char *id = json_get_text(metadata, "record_id"), *verb = strrchr(url, '/') + 1;
    struct uuid record_id;
    int64_t version = 0;
    int record;
    struct copy_model *copy;

    uuid_parse(&record_id, id, strlen(id));
    record = (int)(tables_record(&record_id) - world.records);
    copy = &side->copies[record];
    json_int64(json_get(metadata, "version"), &version);
    *status = refusal(side);
    if (*status == 0)
        *status = 200;
    else if (*status != 504) /* 504: it was done, and who stands before it did not wait for that */
        return;
    if (side->dedupes && was_taken(side, webhook_id))
        return;
    if (side->newest_only && version < copy->version)
        return;
    if (strcmp(verb, "delete") == 0) {
        *status = copy->there ? *status : 404;
        copy->there = false;
        json_free(copy->data);
        copy->data = NULL;
    } else if (strcmp(verb, "create") == 0 && copy->there && !side->upserts) {
        *status = 409;
        return;
    } else if (strcmp(verb, "update") == 0 && !copy->there) {
        *status = 404;
        return;
    } else {
        put(index, record, copy, data);
    }
    copy->version = version;
    if (side->dedupes)
        note_taken(side, webhook_id);
    tell("%s takes %s r%d v%lld: %d", side_name(index), verb, record, (long long)version, *status);
    if (side->webhooks)
        post_webhook(index, record, !copy->there);
}
