/*
 * route.c: decides one event: is it valid, what does it make of its record, who gets it. Several events of one record in a
 * batch are folded here: each has its own version, the record is written once.
 */
#include "clock.h"
#include "log.h"
#include "mapping.h"
#include "mem.h"
#include "proto.h"
#include "router.h"
#include "timefmt.h"

/* A record touched by this batch. Owner: routing->records. */
struct folded {
    struct uuid id;
    unsigned partition;
    enum entity entity;
    char *tenant, *entity_id;
    struct record record;
    struct uuid event; /* made the newest version */
    bool changed;
};

struct routing {
    const struct platform_set *platforms;
    struct map *records;
    size_t events;
    struct db_params *params;
    struct {
        struct db_array *id, *partition, *status, *version, *entity_id, *open, *dead, *error;
    } event;
    struct {
        struct db_array *id, *partition, *tenant, *type, *entity_id, *version, *vector, *deleted, *data,
            *notes, *event;
    } record;
    struct {
        struct db_array *record, *partition, *event, *version, *seq, *deleted, *tenant, *source, *changed,
            *data;
    } version;
    struct {
        struct db_array *event, *target, *record, *partition, *seq, *version, *priority, *state, *tenant,
            *error, *named;
    } delivery;
    struct {
        struct db_array *id, *record, *partition, *event, *tenant, *type, *entity_id, *kind, *fields, *detail;
    } conflict;
};

static void add_arrays(struct routing *r)
{
    struct db_params *p = r->params;

    r->event.id = db_add_array(p, DB_UUID), r->event.partition = db_add_array(p, DB_INT2);
    r->event.status = db_add_array(p, DB_INT2), r->event.version = db_add_array(p, DB_INT8);
    r->event.entity_id = db_add_array(p, DB_TEXT), r->event.open = db_add_array(p, DB_INT2);
    r->event.dead = db_add_array(p, DB_INT2), r->event.error = db_add_array(p, DB_TEXT);
    r->record.id = db_add_array(p, DB_UUID), r->record.partition = db_add_array(p, DB_INT2);
    r->record.tenant = db_add_array(p, DB_TEXT), r->record.type = db_add_array(p, DB_TEXT);
    r->record.entity_id = db_add_array(p, DB_TEXT), r->record.version = db_add_array(p, DB_INT8);
    r->record.vector = db_add_array(p, DB_TEXT), r->record.deleted = db_add_array(p, DB_BOOL);
    r->record.data = db_add_array(p, DB_BYTEA), r->record.notes = db_add_array(p, DB_BYTEA);
    r->version.record = db_add_array(p, DB_UUID), r->version.partition = db_add_array(p, DB_INT2);
    r->version.event = db_add_array(p, DB_UUID), r->version.version = db_add_array(p, DB_INT8);
    r->version.seq = db_add_array(p, DB_INT8), r->version.deleted = db_add_array(p, DB_BOOL);
    r->version.tenant = db_add_array(p, DB_TEXT), r->version.source = db_add_array(p, DB_TEXT);
    r->version.changed = db_add_array(p, DB_TEXT), r->version.data = db_add_array(p, DB_BYTEA);
    r->delivery.event = db_add_array(p, DB_UUID), r->delivery.target = db_add_array(p, DB_TEXT);
    r->delivery.record = db_add_array(p, DB_UUID), r->delivery.partition = db_add_array(p, DB_INT2);
    r->delivery.seq = db_add_array(p, DB_INT8), r->delivery.version = db_add_array(p, DB_INT8);
    r->delivery.priority = db_add_array(p, DB_INT2), r->delivery.state = db_add_array(p, DB_INT2);
    r->delivery.tenant = db_add_array(p, DB_TEXT), r->delivery.error = db_add_array(p, DB_TEXT);
    r->delivery.named = db_add_array(p, DB_BOOL);
    r->conflict.id = db_add_array(p, DB_UUID), r->conflict.record = db_add_array(p, DB_UUID);
    r->conflict.partition = db_add_array(p, DB_INT2), r->conflict.event = db_add_array(p, DB_UUID);
    r->conflict.tenant = db_add_array(p, DB_TEXT), r->conflict.type = db_add_array(p, DB_TEXT);
    r->conflict.entity_id = db_add_array(p, DB_TEXT), r->conflict.kind = db_add_array(p, DB_TEXT);
    r->conflict.fields = db_add_array(p, DB_TEXT), r->conflict.detail = db_add_array(p, DB_BYTEA);
    r->record.event = db_add_array(p, DB_UUID);
}

struct routing *routing_new(const struct platform_set *platforms, const struct stage *stage,
                            const char *writer)
{
    struct routing *routing = mem_alloc(sizeof *routing);

    routing->platforms = platforms;
    routing->records = map_new();
    routing->params = db_params_new();
    db_add_text(routing->params, PROTO_STAGE_ROUTER);
    db_add_text(routing->params, writer);
    stage_add_fences(stage, routing->params);
    db_add_text(routing->params, writer);
    add_arrays(routing);
    return routing;
}

void routing_free(struct routing **routingp)
{
    struct routing *routing = *routingp;
    struct map_iter iter = {0};
    void *value;

    if (!routing)
        return;
    while (map_next(routing->records, &iter, NULL, NULL, &value)) {
        struct folded *folded = value;
        record_release(&folded->record);
        free(folded->tenant);
        free(folded->entity_id);
        free(folded);
    }
    map_free(&routing->records);
    db_params_free(&routing->params);
    free(routing);
    *routingp = NULL;
}

size_t routing_count(const struct routing *routing)
{
    return routing->events;
}

static void add_body(struct db_array *array, const struct json *json)
{
    struct buf body = BUF_INIT;

    buf_add_ch(&body, BODY_PLAIN);
    json_write(&body, json);
    db_array_bytes(array, body.data, body.len);
    buf_release(&body);
}

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
        folded->entity_id =
            mem_strdup(db_get_text(result, event->row, db_column(result, "record_entity_id"), NULL));
    }
    map_put(routing->records, folded->id.bytes, sizeof folded->id.bytes, folded);
    return folded;
}

static void add_event(struct routing *routing, const struct event_row *event, enum event_status status,
                      int64_t version, const char *entity_id, int open, int dead, const char *error)
{
    db_array_uuid(routing->event.id, &event->id);
    db_array_int(routing->event.partition, event->partition);
    db_array_int(routing->event.status, status);
    if (version > 0)
        db_array_int(routing->event.version, version);
    else
        db_array_null(routing->event.version);
    db_array_text(routing->event.entity_id, entity_id);
    db_array_int(routing->event.open, open);
    db_array_int(routing->event.dead, dead);
    db_array_text(routing->event.error, error);
    routing->events++;
}

static void add_version(struct routing *routing, const struct event_row *event, const struct folded *folded,
                        const struct merge *merge)
{
    struct buf changed = BUF_INIT;

    for (size_t i = 0; i < json_count(merge->changed); i++) {
        if (i > 0)
            buf_add_ch(&changed, ',');
        buf_add_str(&changed, json_text(json_at(merge->changed, i), NULL));
    }
    db_array_uuid(routing->version.record, &folded->id);
    db_array_int(routing->version.partition, event->partition);
    db_array_uuid(routing->version.event, &event->id);
    db_array_int(routing->version.version, folded->record.version);
    db_array_int(routing->version.seq, event->seq);
    db_array_bool(routing->version.deleted, folded->record.deleted);
    db_array_text(routing->version.tenant, event->tenant);
    db_array_text(routing->version.source, event->source);
    db_array_text_len(routing->version.changed, changed.data, changed.len);
    add_body(routing->version.data, folded->record.data);
    buf_release(&changed);
}

static void add_delivery(struct routing *routing, const struct event_row *event, const char *target,
                         int64_t version, enum delivery_state state, const char *error)
{
    db_array_uuid(routing->delivery.event, &event->id);
    db_array_text(routing->delivery.target, target);
    db_array_uuid(routing->delivery.record, &event->record_id);
    db_array_int(routing->delivery.partition, event->partition);
    db_array_int(routing->delivery.seq, event->seq);
    db_array_int(routing->delivery.version, version);
    db_array_int(routing->delivery.priority, event->priority);
    db_array_int(routing->delivery.state, state);
    db_array_text(routing->delivery.tenant, event->tenant);
    db_array_text(routing->delivery.error, error);
    db_array_bool(routing->delivery.named, true);
}

static void add_conflict(struct routing *routing, const struct event_row *event, const struct folded *folded,
                         const struct merge *merge)
{
    struct buf fields = BUF_INIT;
    struct uuid id;

    for (size_t i = 0; i < json_count(merge->contested); i++) {
        if (i > 0)
            buf_add_ch(&fields, ',');
        buf_add_str(&fields, json_get_text(json_at(merge->contested, i), "field"));
    }
    uuid_v7(&id, clock_db_ms());
    db_array_uuid(routing->conflict.id, &id);
    db_array_uuid(routing->conflict.record, &folded->id);
    db_array_int(routing->conflict.partition, event->partition);
    db_array_uuid(routing->conflict.event, &event->id);
    db_array_text(routing->conflict.tenant, event->tenant);
    db_array_text(routing->conflict.type, msg_entity_name(folded->entity));
    db_array_text(routing->conflict.entity_id, folded->entity_id);
    db_array_text(routing->conflict.kind, event->base_version > 0 ? "version_conflict" : "concurrent_update");
    db_array_text_len(routing->conflict.fields, fields.data, fields.len);
    add_body(routing->conflict.detail, merge->contested);
    buf_release(&fields);
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
    uint32_t seen;
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
        add_delivery(a->routing, a->event, name, 0, DELIVERY_DEAD, a->error);
        a->dead++;
    } else if (!platform_route(target, a->event->type, msg_event_verb(a->event->type))->takes) {
        add_delivery(a->routing, a->event, name, a->version, DELIVERY_SKIPPED,
                     "this platform does not take this type of event");
    } else {
        add_delivery(a->routing, a->event, name, a->version, DELIVERY_OPEN, NULL);
        a->open |= UINT32_C(1) << index;
    }
}

/* Deliveries to the named targets and the event's own row. error: the event is refused, and every target with it. */
static void finish(struct routing *routing, const struct event_row *event, int64_t version,
                   const char *entity_id, const char *error, struct decision *decision)
{
    struct addressing a = {.routing = routing, .event = event, .version = version, .error = error};
    enum event_status status = EVENT_STATUS_ROUTED;

    each_target(routing->platforms, event->targets, address, &a);
    if (error)
        status = EVENT_STATUS_FAILED;
    else if (a.open == 0)
        status = EVENT_STATUS_COMPLETED;
    add_event(routing, event, status, version, entity_id, __builtin_popcount(a.open), a.dead, error);
    decision->verdict = ROUTE_WRITE;
    decision->targets = a.open;
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

static void route_record(struct routing *routing, const struct db_result *result,
                         const struct event_row *event, const struct platform *source, const struct json *raw,
                         struct decision *decision)
{
    enum entity entity = msg_event_entity(event->type);
    struct json *common = mapping_in(source, entity, raw), *errors = json_new_array();
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
                                .data = common};
        struct merge merge;
        merge_init(&merge);
        merge_apply(&folded->record, &change, &merge);
        folded->changed |= merge.advanced;
        if (merge.advanced)
            folded->event = event->id;
        if (merge.advanced)
            add_version(routing, event, folded, &merge);
        if (json_count(merge.contested) > 0)
            add_conflict(routing, event, folded, &merge);
        finish(routing, event, folded->record.version, folded->entity_id, NULL, decision);
        merge_release(&merge);
    }
    buf_release(&why);
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
        add_event(routing, event, EVENT_STATUS_EXPIRED, 0, event->entity_id, 0, 0,
                  "expires_at had passed before it was routed");
        decision->verdict = ROUTE_WRITE;
    } else {
        route_pending(routing, result, event, decision);
    }
}

static void add_record(struct routing *routing, const struct folded *folded)
{
    struct buf vector = BUF_INIT;

    json_write(&vector, folded->record.vector);
    db_array_uuid(routing->record.id, &folded->id);
    db_array_uuid(routing->record.event, &folded->event);
    db_array_int(routing->record.partition, folded->partition);
    db_array_text(routing->record.tenant, folded->tenant);
    db_array_text(routing->record.type, msg_entity_name(folded->entity));
    db_array_text(routing->record.entity_id, folded->entity_id);
    db_array_int(routing->record.version, folded->record.version);
    db_array_text_len(routing->record.vector, vector.data, vector.len);
    db_array_bool(routing->record.deleted, folded->record.deleted);
    add_body(routing->record.data, folded->record.data);
    add_body(routing->record.notes, folded->record.notes);
    buf_release(&vector);
}

struct db_params *routing_params(struct routing *routing)
{
    struct db_params *params = routing->params;
    struct map_iter iter = {0};
    void *value;

    while (map_next(routing->records, &iter, NULL, NULL, &value))
        if (((struct folded *)value)->changed)
            add_record(routing, value);
    routing->params = NULL;
    return params;
}
