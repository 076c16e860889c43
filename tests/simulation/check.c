/* check.c: what must hold, after each step and at rest. See simulation.h. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "conflict.h"
#include "delivery.h"
#include "map.h"
#include "mapping.h"
#include "mem.h"
#include "simulation.h"

struct json *check_parse(const char *bytes, size_t len)
{
    bool ok = false;

    return bytes ? json_parse(bytes + 1, len - 1, JSON_DEPTH_MAX, NULL, &ok) : NULL;
}

/* ── what people said ── */

/* Every value that was ever set on a platform, as (platform, record, own name of the field, value). */
static struct map *edits;
/* What went out under a webhook-id, by verb; and the ids whose delivery was recorded. */
static struct map *contents, *recorded;
static int64_t started[SIDES][RECORDS_MAX];

void check_reset(void)
{
    edits = map_new();
    contents = map_new();
    recorded = map_new();
    memset(started, 0, sizeof started);
}

static void edit_key(struct buf *key, int side, int record, const char *field, const struct json *value)
{
    buf_addf(key, "%d %d %s ", side, record, field);
    json_write(key, value);
}

void check_edit(int side, int record, const char *field, const struct json *value)
{
    struct buf key = BUF_INIT;

    edit_key(&key, side, record, field, value);
    map_put(edits, key.data, key.len, &edits);
    buf_release(&key);
}

bool check_was_edited(int side, int record, const char *field, const struct json *value)
{
    struct buf key = BUF_INIT;
    bool was;

    edit_key(&key, side, record, field, value);
    was = map_get(edits, key.data, key.len) != NULL;
    buf_release(&key);
    return was;
}

/* ── sending: I3, I4 ── */

void check_started(int side, int record, const char *verb, const char *webhook_id, int64_t version,
                   const struct json *data)
{
    struct json *bare = json_copy(data);
    struct buf key = BUF_INIT, content = BUF_INIT;
    const char *before;

    if (version < started[side][record])
        fail("order", "%s is sent v%lld of r%d after v%lld was", side_name(side), (long long)version, record,
             (long long)started[side][record]);
    started[side][record] = version;
    if (map_get(recorded, webhook_id, strlen(webhook_id)))
        fail("once", "%s is sent %s again, which was recorded as delivered", side_name(side), webhook_id);
    json_remove(bare, "_sync_metadata");
    json_write(&content, bare);
    json_free(bare);
    buf_addf(&key, "%s %s", webhook_id, verb);
    before = map_get(contents, key.data, key.len);
    if (before && strcmp(before, content.data) != 0)
        fail("content", "%s of %s goes to %s with %s, and went with %s", verb, webhook_id, side_name(side),
             content.data, before);
    if (!before)
        map_put(contents, key.data, key.len, mem_strdup(content.data));
    buf_release(&key);
    buf_release(&content);
}

void check_outcome(int target, const struct delivery_model *delivery, enum delivery_state state,
                   int generation)
{
    char id[MSG_KEY_MAX];
    struct delivery_source source = {.target = world.sides[target].platform,
                                     .event = world.events[delivery->event].id,
                                     .generation = generation};

    if (state != DELIVERY_DELIVERED)
        return;
    delivery_webhook_id(&source, id);
    map_put(recorded, id, strlen(id), &recorded);
}

/* ── versions: nothing is lost, nothing invented, no echo ── */

static bool is_named(const struct version_model *version, const char *field)
{
    return conflict_names(version->changed, field);
}

static void check_unchanged(const struct record_model *record, const struct version_model *before,
                            const struct version_model *after, const struct json *was, const struct json *is)
{
    struct json_iter iter = {0};
    const char *field;
    struct json *value;

    while (json_next(was, &iter, &field, &value))
        if (!json_equal(value, json_get(is, field)) && !is_named(after, field))
            fail("lost", "r%d.%s is another one in v%lld than in v%lld, and no change says so",
                 (int)(record - world.records), field, (long long)after->version, (long long)before->version);
}

/* What a platform's event changed is its own word: it says so, and somebody had set it there. */
static void check_changed(const struct record_model *record, const struct version_model *version,
                          const struct event_row_model *event, const struct json *is)
{
    struct json *raw = check_parse(event->data, event->data_len), *common;
    struct json_iter iter = {0};
    const char *name, *field;
    struct json *value;

    common = event->source < SIDES ? mapping_in(world.sides[event->source].platform, ENTITY_PRODUCT, raw)
                                   : json_copy(raw);
    for (const char *at = version->changed; *at; at += strcspn(at, ","), at += *at == ',') {
        char changed[64];
        snprintf(changed, sizeof changed, "%.*s", (int)strcspn(at, ","), at);
        /* Money may be another's word for the same: 2.96 USD for 245.68 INR. */
        if (!json_equal(json_get(is, changed), json_get(common, changed)) &&
            (event->source == SIDES || strcmp(changed, "price") != 0))
            fail("invented", "r%d.%s in v%lld is nothing that its event said", (int)(record - world.records),
                 changed, (long long)version->version);
    }
    while (event->source < SIDES && json_next(raw, &iter, &name, &value)) {
        field = platform_common_field(world.sides[event->source].platform, ENTITY_PRODUCT, name);
        /* Its own change was overwritten by a delivery on its way: what it then tells is nobody's word (docs/simulation.md). */
        if (is_named(version, field ? field : name) && strcmp(field ? field : name, "price") != 0 &&
            !platform_copy(event->source, event->record)->overwritten &&
            !check_was_edited(event->source, event->record, name, value))
            fail("echo", "v%lld of r%d is a change of %s.%s that nobody made there",
                 (long long)version->version, event->record, side_name(event->source), name);
    }
    json_free(common);
    json_free(raw);
}

void check_version(const struct record_model *record, const struct event_row_model *event)
{
    const struct version_model *after = &record->versions[record->version_count - 1], *before = after - 1;
    struct json *is = check_parse(after->data, after->data_len), *was;

    if (record->version_count > 1) {
        if (after->version != before->version + 1)
            fail("lost", "v%lld of r%d follows v%lld", (long long)after->version,
                 (int)(record - world.records), (long long)before->version);
        was = check_parse(before->data, before->data_len);
        check_unchanged(record, before, after, was, is);
        json_free(was);
    }
    check_changed(record, after, event, is);
    json_free(is);
}

/* ── routed: each value that somebody set is somewhere ── */

static bool was_overtaken(const struct event_row_model *event)
{
    for (size_t i = 0; i < world.event_count; i++) {
        const struct event_row_model *other = &world.events[i];
        if (other->source == event->source && other->record == event->record && other->seq > event->seq &&
            other->status != EVENT_STATUS_PENDING)
            return true;
    }
    return false;
}

/* Where nobody else ever says the same; a word or a number may be said by two. */
static bool is_unique(const char *field)
{
    return strcmp(field, "name") == 0 || strcmp(field, "description") == 0 || strcmp(field, "price") == 0;
}

static bool is_kept(const struct record_model *record, const char *field, const struct json *value)
{
    bool kept = false;

    for (size_t i = record->version_count; i-- > 0 && !kept;) {
        struct json *data = check_parse(record->versions[i].data, record->versions[i].data_len);
        kept = json_equal(json_get(data, field), value);
        json_free(data);
    }
    for (size_t i = world.conflict_count; i-- > 0 && !kept;) {
        const struct conflict_model *conflict = &world.conflicts[i];
        struct json *detail = check_parse(conflict->detail, conflict->detail_len);
        const struct json *sides = json_get(check_field(detail, field), "sides");
        for (size_t k = 0; k < json_count(sides) && &world.records[conflict->record] == record; k++)
            kept |= json_equal(json_get(json_at(sides, k), "x"), value);
        json_free(detail);
    }
    return kept;
}

void check_routed(const struct event_row_model *event)
{
    const struct record_model *record = &world.records[event->record];
    struct json *raw, *common;
    struct json_iter iter = {0};
    const char *name, *field;
    struct json *value;

    if (event->source >= SIDES || event->webhook || event->status == EVENT_STATUS_PENDING ||
        was_overtaken(event))
        return;
    raw = check_parse(event->data, event->data_len);
    common = mapping_in(world.sides[event->source].platform, ENTITY_PRODUCT, raw);
    while (json_next(raw, &iter, &name, &value)) {
        field = platform_common_field(world.sides[event->source].platform, ENTITY_PRODUCT, name);
        field = field ? field : name;
        if (is_unique(field) && check_was_edited(event->source, event->record, name, value) &&
            !is_kept(record, field, json_get(common, field)))
            fail("lost", "#%lld's %s of r%d is in no version and no conflict", (long long)event->seq, field,
                 event->record);
    }
    json_free(common);
    json_free(raw);
}

/* ── at rest: I5 ── */

/* The record as this platform would be sent the whole of it. */
static struct json *expected(const struct record_model *record, int side, struct json *data,
                             struct json *notes)
{
    struct delivery_source source = {.target = world.sides[side].platform,
                                     .platforms = the_platforms,
                                     .event = world.events[record->event].id,
                                     .type = EVENT_PRODUCT_UPDATED,
                                     .verb = VERB_UPDATE,
                                     .generation = 1,
                                     .source_platform = "service",
                                     .tenant = TENANT,
                                     .has_record = true,
                                     .record = record->id,
                                     .version = record->version,
                                     .data = data,
                                     .notes = notes};
    struct json *out = NULL;
    struct buf error = BUF_INIT;

    if (delivery_data(&source, &out, &error) != DELIVERY_BUILT)
        fail("agree", "r%d cannot be sent to %s: %s", (int)(record - world.records), side_name(side),
             error.data);
    buf_release(&error);
    return out;
}

static void check_fields(int index, int side, const struct json *whole, const struct copy_model *copy)
{
    struct json_iter iter = {0};
    const char *name;
    struct json *value;

    while (json_next(whole, &iter, &name, &value)) {
        struct buf is = BUF_INIT, should = BUF_INIT;
        const struct json *held = json_get(copy->data, name);
        if (*name == '_' || json_equal(value, held))
            continue;
        json_write(&is, held);
        json_write(&should, value);
        fail("agree", "at rest %s has r%d.%s %s, and the record says %s", side_name(side), index, name,
             is.data, should.data);
        buf_release(&is);
        buf_release(&should);
    }
}

static void check_copy(const struct record_model *record, int side, struct json *data, struct json *notes)
{
    int index = (int)(record - world.records);
    const struct copy_model *copy = platform_copy(side, index);
    struct json *whole;

    if (record->deleted != !copy->there) {
        fail("agree", "at rest r%d is %s on %s, and %s in the record", index, copy->there ? "there" : "gone",
             side_name(side), record->deleted ? "gone" : "there");
        return;
    }
    if (record->deleted)
        return;
    whole = expected(record, side, data, notes);
    if (whole)
        check_fields(index, side, whole, copy);
    json_free(whole);
}

/* What was covered went with something that ended well. */
static void check_covered(const struct record_model *record, int side)
{
    for (size_t i = 0; i < record->delivery_count[side]; i++) {
        const struct delivery_model *covered = &record->deliveries[side][i];
        bool good = covered->state != DELIVERY_SUPERSEDED;
        for (size_t k = 0; k < record->delivery_count[side] && !good; k++) {
            const struct delivery_model *cover = &record->deliveries[side][k];
            good = cover->event == covered->covered_by && cover->version >= covered->version &&
                   cover->state >= DELIVERY_DELIVERED && cover->state <= DELIVERY_SKIPPED;
        }
        if (!good)
            fail("cover", "v%lld of r%d to %s was superseded by what never went", (long long)covered->version,
                 (int)(record - world.records), side_name(side));
    }
}

void check_at_rest(void)
{
    for (unsigned r = 0; r < world.options.records; r++)
        for (int side = 0; side < SIDES; side++)
            check_covered(&world.records[r], side);
    for (unsigned r = 0; r < world.options.records; r++) {
        const struct record_model *record = &world.records[r];
        struct json *data = check_parse(record->data, record->data_len),
                    *notes = check_parse(record->notes, record->notes_len);
        for (int side = 0; side < SIDES && record->there; side++)
            if (strstr(record->audience, side_name(side)))
                check_copy(record, side, data, notes);
        json_free(data);
        json_free(notes);
    }
}
