/* merge_world_fixture.c: see merge_world_fixture.h. */
#include "merge.h"

#include <stdlib.h>

#include "merge_world_fixture.h"

void world_init(struct world *world)
{
    *world = (struct world){.open = json_new_array(), .seq = 1000000};
    record_init(&world->record);
}

void world_release(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        json_free((struct json *)world->versions[i].changed);
        json_free((struct json *)world->versions[i].data);
        free((char *)world->versions[i].source);
    }
    record_release(&world->record);
    json_free(world->open);
}

static void keep_version(struct world *world, const struct change *change, const struct merge *merge)
{
    if (!merge->advanced)
        return;
    ck_assert_uint_lt(world->count, VERSIONS_MAX);
    world->versions[world->count++] =
        (struct version){.version = world->record.version,
                         .source = mem_strdup(change->source ? platform_name(change->source) : MERGE_SERVICE),
                         .page = change->snapshot,
                         .changed = json_copy(merge->changed),
                         .data = json_copy(world->record.data)};
}

static bool is_settled(const struct json *entry, const struct merge *merge)
{
    for (size_t i = 0; i < json_count(merge->settled); i++)
        if (strcmp(json_get_text(json_at(merge->settled, i), "event"), json_get_text(entry, "event")) == 0 &&
            strcmp(json_get_text(json_at(merge->settled, i), "field"), json_get_text(entry, "field")) == 0)
            return true;
    return false;
}

static void keep_contests(struct world *world, const char *event, const struct merge *merge)
{
    struct json *open = json_new_array();

    for (size_t i = 0; i < json_count(world->open); i++)
        if (!is_settled(json_at(world->open, i), merge))
            json_append(open, json_copy(json_at(world->open, i)));
    for (size_t i = 0; i < json_count(merge->contested); i++) {
        struct json *entry = json_copy(json_at(merge->contested, i));
        json_set(entry, "event", json_new_text(event));
        json_append(open, entry);
    }
    json_free(world->open);
    world->open = open;
}

void world_change(struct world *world, struct change *change, struct merge *merge)
{
    size_t first = 0;

    while (first < world->count && world->versions[first].version < change->base_version)
        first++;
    change->history = world->versions + first;
    change->history_count = world->count - first;
    merge_init(merge);
    merge_apply(&world->record, change, merge);
    keep_version(world, change, merge);
    keep_contests(world, change->event_id, merge);
}

void world_apply(struct world *world, const struct step *step, struct merge *merge)
{
    struct json *data = mapping_parse(step->data);
    char event[32];

    snprintf(event, sizeof event, "e%lld", (long long)step->seq);
    struct change change = {.source = step->platform ? mapping_platform(step->platform) : NULL,
                            .entity = ENTITY_USER,
                            .verb = step->verb,
                            .entity_id = "u1",
                            .event_id = event,
                            .seq = step->seq,
                            .time_ms = T0 + step->at_ms,
                            .base_version = step->base,
                            .data = data};
    world_change(world, &change, merge);
    json_free(data);
}

void world_step(struct world *world, struct step step)
{
    struct merge merge;

    world_apply(world, &step, &merge);
    merge_release(&merge);
}

static const struct json *latest(const struct json *sides)
{
    const struct json *best = json_at(sides, 0);

    for (size_t i = 1; i < json_count(sides); i++) {
        const struct json *side = json_at(sides, i);
        int64_t t, u;
        json_int64(json_get(side, "t"), &t);
        json_int64(json_get(best, "t"), &u);
        if (t > u || (t == u && strcmp(json_get_text(side, "o"), json_get_text(best, "o")) > 0))
            best = side;
    }
    return best;
}

static void decide_one(struct world *world, const struct json *entry)
{
    struct json *data = json_new_object(), *value = NULL;
    struct merge merge;
    struct change change = {.entity = ENTITY_USER,
                            .verb = VERB_UPDATE,
                            .entity_id = "u1",
                            .event_id = "decision",
                            .seq = ++world->seq,
                            .time_ms = T0,
                            .base_version = world->record.version,
                            .data = data,
                            .decides = json_get_text(entry, "event")};

    json_find(latest(json_get(entry, "sides")), "x", &value);
    json_set(data, json_get_text(entry, "field"), json_copy(value));
    world_change(world, &change, &merge);
    merge_release(&merge);
    json_free(data);
}

void world_decide(struct world *world)
{
    while (json_count(world->open) > 0) {
        struct json *entry = json_copy(json_at(world->open, 0));
        size_t before = json_count(world->open);
        decide_one(world, entry);
        ck_assert_uint_lt(json_count(world->open), before);
        json_free(entry);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void world_write(const struct world *world, struct buf *text)
{
    const char *names[64];
    size_t count = 0;
    struct json_iter iter = {0};
    const char *name;

    while (json_next(world->record.data, &iter, &name, NULL) && count < 64)
        names[count++] = name;
    qsort(names, count, sizeof *names, compare_names);
    buf_addf(text, "deleted=%d", world->record.deleted);
    for (size_t i = 0; i < count; i++) {
        struct json *value = json_get(world->record.data, names[i]);
        if (!value)
            continue; /* cleared is absent */
        buf_addf(text, " %s=", names[i]);
        json_write(text, value);
    }
}

bool world_advance(struct world *world, struct step step)
{
    struct merge merge;
    bool advanced;

    world_apply(world, &step, &merge);
    advanced = merge.advanced;
    merge_release(&merge);
    world_decide(world);
    return advanced;
}
