/*
 * route.c: decides one event: is it valid, what does it make of its record, who gets it. Several events of one record in a
 * batch are folded here: each has its own version, the record is written once.
 */
#include "clock.h"
#include "digest.h"
#include "log.h"
#include "mapping.h"
#include "mem.h"
#include "proto.h"
#include "rows.h"
#include "timefmt.h"

static struct json *body_json(const void *bytes, size_t len)
{
    const char *text = bytes;
    bool ok = false;
    struct json *json = NULL;

    if (len > 1 && text[0] == BODY_PLAIN)
        json = json_parse(text + 1, len - 1, JSON_DEPTH_MAX, NULL, &ok);
    return ok ? json : NULL;
}

static struct json *column_json(const struct db_result *result, size_t row, const char *name)
{
    size_t len;
    const void *bytes = db_get_bytes(result, row, db_column(result, name), &len);
    struct json *json = bytes ? body_json(bytes, len) : NULL;

    return json ? json : json_new_object();
}

static void load_record(struct record *record, const struct db_result *result, size_t row)
{
    const char *vector;
    size_t len;
    bool ok;

    record->exists = true;
    record->version = db_get_int(result, row, db_column(result, "record_version"));
    record->deleted = db_get_bool(result, row, db_column(result, "record_deleted"));
    vector = db_get_text(result, row, db_column(result, "record_vector"), &len);
    record->vector = json_parse(vector, len, JSON_DEPTH_MAX, NULL, &ok);
    record->data = column_json(result, row, "record_data");
    record->notes = column_json(result, row, "record_notes");
}

/* The record as this batch has it so far. */
static struct folded *fold(struct routing *routing, const struct db_result *result,
                           const struct event_row *event)
{
    struct folded *folded = map_get(routing->records, event->record_id.bytes, sizeof event->record_id.bytes);

    if (folded)
        return folded;
    folded = mem_alloc(sizeof *folded);
    folded->id = event->record_id;
    folded->partition = event->partition;
    folded->entity = msg_event_entity(event->type);
    folded->tenant = mem_strdup(event->tenant);
    if (db_is_null(result, event->row, db_column(result, "record_version"))) {
        record_init(&folded->record);
        folded->entity_id = mem_strdup(event->entity_id);
    } else {
        load_record(&folded->record, result, event->row);
        db_get_uuid(result, event->row, db_column(result, "record_event"), &folded->event);
        folded->entity_id =
            mem_strdup(db_get_text(result, event->row, db_column(result, "record_entity_id"), NULL));
    }
    map_put(routing->records, folded->id.bytes, sizeof folded->id.bytes, folded);
    return folded;
}

/* Calls visit for every platform named in a list with commas; unknown names are skipped (their file is gone). */
typedef void (*target_visit)(const struct platform *platform, size_t index, void *arg);
static void each_target(const struct platform_set *platforms, const char *list, target_visit visit, void *arg)
{
    for (const char *at = list; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t len = strcspn(at, ",");
        for (size_t i = 0; i < platform_count(platforms); i++) {
            const char *name = platform_name(platform_at(platforms, i));
            if (strlen(name) == len && memcmp(name, at, len) == 0)
                visit(platform_at(platforms, i), i, arg);
        }
    }
}

static void mark_target(const struct platform *platform, size_t index, void *arg)
{
    (void)platform;
    *(uint32_t *)arg |= UINT32_C(1) << index;
}

struct addressing {
    struct routing *routing;
    const struct event_row *event;
    int64_t version;
    const char *error;
    const char *skipped; /* why all of them have this already; NULL: they may not */
    uint32_t seen;       /* or not to be addressed */
    uint32_t open;
    int dead;
};

static void address(const struct platform *target, size_t index, void *arg)
{
    struct addressing *a = arg;
    const char *name = platform_name(target);

    if (strcmp(name, a->event->source) == 0 || (a->seen & UINT32_C(1) << index))
        return;
    a->seen |= UINT32_C(1) << index;
    if (a->error) {
        routing_add_delivery(a->routing, a->event, name, 0, DELIVERY_DEAD, a->error);
        a->dead++;
    } else if (!platform_route(target, a->event->type, msg_event_verb(a->event->type))->takes) {
        routing_add_delivery(a->routing, a->event, name, a->version, DELIVERY_SKIPPED,
                             "this platform does not take this type of event");
    } else if (a->skipped) {
        routing_add_delivery(a->routing, a->event, name, a->version, DELIVERY_SKIPPED, a->skipped);
    } else {
        routing_add_delivery(a->routing, a->event, name, a->version, DELIVERY_OPEN, NULL);
        a->open |= UINT32_C(1) << index;
    }
}

/* Deliveries to the named targets and the event's own row. */
static void finish_to(struct addressing *a, const char *entity_id, struct decision *decision)
{
    enum event_status status = EVENT_STATUS_ROUTED;

    each_target(a->routing->platforms, a->event->targets, address, a);
    if (a->error)
        status = EVENT_STATUS_FAILED;
    else if (a->open == 0)
        status = EVENT_STATUS_COMPLETED;
    routing_add_event(a->routing, a->event, status, a->version, entity_id, __builtin_popcount(a->open),
                      a->dead, a->error);
    decision->verdict = ROUTE_WRITE;
    decision->targets = a->open;
}

/* To all named targets. error: the event is refused, and every target with it. */
static void finish(struct routing *routing, const struct event_row *event, int64_t version,
                   const char *entity_id, const char *error, struct decision *decision)
{
    struct addressing a = {.routing = routing, .event = event, .version = version, .error = error};

    finish_to(&a, entity_id, decision);
}

/* A row of a page that changed nothing goes only to those who lack the record. */
static void finish_unchanged(struct routing *routing, const struct event_row *event,
                             const struct folded *folded, struct decision *decision)
{
    struct addressing a = {.routing = routing, .event = event, .version = folded->record.version};

    if (folded->record.deleted)
        a.seen = UINT32_MAX;
    else
        each_target(routing->platforms, event->held_by, mark_target, &a.seen);
    finish_to(&a, folded->entity_id, decision);
    if (a.open == 0)
        routing_add_unchanged(routing, event);
}

/* A webhook tells of every change, ours included: what changed nothing is what the platform was sent, and goes nowhere, also not to
 * those who were never named for the record. */
static void finish_echo(struct routing *routing, const struct event_row *event, const struct folded *folded,
                        struct decision *decision)
{
    struct addressing a = {.routing = routing,
                           .event = event,
                           .version = folded->record.version,
                           .skipped = "the webhook told nothing new"};

    finish_to(&a, folded->entity_id, decision);
}

void route_refuse(struct routing *routing, const struct event_row *event, const char *why,
                  struct decision *decision)
{
    finish(routing, event, 0, event->entity_id, why, decision);
}

static void join_errors(const struct json *errors, struct buf *text)
{
    for (size_t i = 0; i < json_count(errors); i++) {
        const struct json *error = json_at(errors, i);
        buf_addf(text, "%s%s: %s", i ? "; " : "", json_get_text(error, "pointer"),
                 json_get_text(error, "detail"));
    }
}

/* Data of earlier versions as router_read.sql gives it; an array, empty when there is none. */
static struct json *recent_data(const char *text)
{
    struct json *array = json_new_array();

    while (text && *text) {
        size_t len = strcspn(text, ",");
        struct buf bytes = BUF_INIT;
        struct json *data = NULL;
        if (digest_base64_decode(&bytes, text, len) == 0)
            data = body_json(bytes.data, bytes.len);
        if (data)
            json_append(array, data);
        buf_release(&bytes);
        text += len + (text[len] == ',');
    }
    return array;
}

static void route_record(struct routing *routing, const struct db_result *result,
                         const struct event_row *event, const struct platform *source, const struct json *raw,
                         struct decision *decision)
{
    enum entity entity = msg_event_entity(event->type);
    struct json *common = mapping_in(source, entity, raw), *errors = json_new_array();
    struct json *recent = recent_data(event->recent);
    struct buf why = BUF_INIT;

    if (mapping_check(source, entity, common, raw, errors) > 0) {
        join_errors(errors, &why);
        finish(routing, event, 0, event->entity_id, why.data, decision);
    } else {
        struct folded *folded = fold(routing, result, event);
        struct change change = {.source = source,
                                .entity = entity,
                                .verb = msg_event_verb(event->type),
                                .entity_id = folded->entity_id,
                                .seq = event->seq,
                                .base_version = event->base_version,
                                .time_ms = merge_time_ms(event->created_ms, event->occurred_ms, common),
                                .data = common,
                                .snapshot = event->snapshot,
                                .snapshot_seq = event->snapshot_seq,
                                .seen_version = event->seen_version,
                                .webhook = event->recent != NULL,
                                /* A clock that was ahead and is set right must not be behind for ever. */
                                .issued_ms = event->occurred_ms < event->created_ms ? event->occurred_ms
                                                                                    : event->created_ms,
                                .recent = recent};
        struct merge merge;
        merge_init(&merge);
        merge_apply(&folded->record, &change, &merge);
        folded->changed |= merge.advanced || merge.noted;
        if (merge.advanced)
            folded->event = event->id;
        if (merge.advanced)
            routing_add_version(routing, event, folded, &merge);
        if (json_count(merge.contested) > 0)
            routing_add_conflict(routing, event, folded, &merge);
        if (event->snapshot && !merge.advanced)
            finish_unchanged(routing, event, folded, decision);
        else if (!merge.advanced && change.webhook)
            finish_echo(routing, event, folded, decision);
        else
            finish(routing, event, folded->record.version, folded->entity_id, NULL, decision);
        merge_release(&merge);
    }
    buf_release(&why);
    json_free(recent);
    json_free(errors);
    json_free(common);
}

static void route_pending(struct routing *routing, const struct db_result *result,
                          const struct event_row *event, struct decision *decision)
{
    const struct platform *source = platform_find(routing->platforms, event->source);
    bool ok = false;
    struct json *raw =
        event->data ? json_parse(event->data, event->data_len, JSON_DEPTH_MAX, NULL, &ok) : NULL;

    if (!source)
        finish(routing, event, 0, event->entity_id, "the source platform is not configured any more",
               decision);
    else if (!ok || json_type(raw) != JSON_OBJECT)
        finish(routing, event, 0, event->entity_id, "the stored data cannot be read", decision);
    else if (msg_event_entity(event->type) == ENTITY_NONE)
        finish(routing, event, 0, "", NULL, decision);
    else
        route_record(routing, result, event, source, raw, decision);
    json_free(raw);
}

void route_event(struct routing *routing, const struct db_result *result, const struct event_row *event,
                 struct decision *decision)
{
    decision->targets = 0;
    if (event->status == EVENT_STATUS_ROUTED) {
        decision->verdict = ROUTE_AGAIN;
        each_target(routing->platforms, event->open_targets, mark_target, &decision->targets);
    } else if (event->status != EVENT_STATUS_PENDING) {
        decision->verdict = ROUTE_NOTHING;
    } else if (event->linked && !uuid_equal(&event->linked_id, &event->record_id)) {
        decision->verdict = ROUTE_MOVE;
        decision->moved_to = event->linked_id;
    } else if (event->expired) {
        routing_add_event(routing, event, EVENT_STATUS_EXPIRED, 0, event->entity_id, 0, 0,
                          "expires_at had passed before it was routed");
        decision->verdict = ROUTE_WRITE;
    } else {
        route_pending(routing, result, event, decision);
    }
}
