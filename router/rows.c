/* rows.c: see rows.h. Arrays are made in the order of the statement's parameters and filled side by side. */
#include "rows.h"

#include "clock.h"
#include "contests.h"
#include "history.h"
#include "lookup.h"
#include "mem.h"

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
    r->unchanged.job = db_add_array(p, DB_UUID), r->unchanged.partition = db_add_array(p, DB_INT2);
    r->record.email_hash = db_add_array(p, DB_BYTEA);
    r->version.page = db_add_array(p, DB_BOOL), r->conflict.version = db_add_array(p, DB_INT8);
    r->record.audience = db_add_array(p, DB_TEXT), r->settled.event = db_add_array(p, DB_UUID);
    r->settled.partition = db_add_array(p, DB_INT2), r->settled.fields = db_add_array(p, DB_TEXT);
    r->conflict.open = db_add_array(p, DB_TEXT), r->settled.status = db_add_array(p, DB_TEXT);
    r->step_row.link = db_add_array(p, DB_UUID), r->step_row.partition = db_add_array(p, DB_INT2);
    r->step_row.kind = db_add_array(p, DB_INT2), r->step_row.next = db_add_array(p, DB_UUID);
    r->step_row.version = db_add_array(p, DB_INT8), r->step_row.body = db_add_array(p, DB_BYTEA);
    db_add_int(p, r->spec.partitions);
    r->record.external_hash = db_add_array(p, DB_BYTEA), r->step_row.notes = db_add_array(p, DB_BYTEA);
    r->delivery.asserts = db_add_array(p, DB_TEXT);
    r->brake.delta = db_add_array(p, DB_INT2), r->brake.kind = db_add_array(p, DB_INT2);
    db_add_int(p, r->spec.brake_deletes);
    db_add_int(p, r->spec.brake_percent);
    db_add_int(p, r->spec.brake_changes);
}

struct routing *routing_new(const struct routing_spec *spec)
{
    struct routing *routing = mem_alloc(sizeof *routing);

    routing->spec = *spec;
    routing->records = map_new();
    routing->expected = map_new();
    routing->contests = contests_new();
    routing->hops = json_new_array();
    routing->params = db_params_new();
    db_add_text(routing->params, PROTO_STAGE_ROUTER);
    db_add_text(routing->params, spec->writer);
    stage_add_fences(spec->stage, routing->params);
    db_add_text(routing->params, spec->writer);
    add_arrays(routing);
    return routing;
}

void routing_expect(struct routing *routing, const struct uuid *record)
{
    size_t before = (size_t)map_get(routing->expected, record->bytes, sizeof record->bytes);

    map_put(routing->expected, record->bytes, sizeof record->bytes,
            (void *)(before + 1)); // NOLINT(performance-no-int-to-ptr)
}

bool routing_meets_again(const struct routing *routing, const struct uuid *record)
{
    return (size_t)map_get(routing->expected, record->bytes, sizeof record->bytes) > 1;
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
        free(folded->audience);
        history_free(&folded->made);
        free(folded);
    }
    map_free(&routing->records);
    map_free(&routing->expected);
    contests_free(&routing->contests);
    json_free(routing->hops);
    db_params_free(&routing->params);
    db_params_free(&routing->fresh.params);
    free(routing);
    *routingp = NULL;
}

size_t routing_count(const struct routing *routing)
{
    return routing->events;
}

void rows_add_body(struct db_array *array, const struct json *json)
{
    struct buf body = BUF_INIT;

    buf_add_ch(&body, BODY_PLAIN);
    json_write(&body, json);
    db_array_bytes(array, body.data, body.len);
    buf_release(&body);
}

void routing_add_event(struct routing *routing, const struct event_row *event, enum event_status status,
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

void routing_add_version(struct routing *routing, const struct event_row *event, const struct folded *folded,
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
    rows_add_body(routing->version.data, folded->record.data);
    db_array_bool(routing->version.page, event->snapshot);
    buf_release(&changed);
}

void routing_add_delivery(struct routing *routing, const struct event_row *event,
                          const struct delivery_row *delivery)
{
    db_array_uuid(routing->delivery.event, &event->id);
    db_array_text(routing->delivery.target, delivery->target);
    db_array_uuid(routing->delivery.record, &event->record_id);
    db_array_int(routing->delivery.partition, event->partition);
    db_array_int(routing->delivery.seq, event->seq);
    db_array_int(routing->delivery.version, delivery->version);
    db_array_int(routing->delivery.priority, event->priority);
    db_array_int(routing->delivery.state, delivery->state);
    db_array_text(routing->delivery.tenant, event->tenant);
    db_array_text(routing->delivery.error, delivery->error);
    db_array_bool(routing->delivery.named, delivery->named);
    db_array_text(routing->delivery.asserts, delivery->asserts                  ? delivery->asserts
                                             : delivery->state == DELIVERY_OPEN ? event->repairs
                                                                                : NULL);
}

void routing_add_unchanged(struct routing *routing, const struct event_row *event)
{
    db_array_uuid(routing->unchanged.job, &event->backfill);
    db_array_int(routing->unchanged.partition, event->partition);
}

int rows_email_hash(const struct routing *routing, const char *tenant, const struct json *data,
                    uint8_t hash[LOOKUP_HASH_LEN])
{
    const struct json *email = json_get(data, "email");
    size_t len = 0;
    const char *text = json_type(email) == JSON_STRING ? json_text(email, &len) : "";

    return lookup_email_hash(routing->spec.lookup_key, tenant, text, len, hash);
}

/* A number counts as its text. */
int rows_external_hash(const struct routing *routing, const char *tenant, const struct json *data,
                       uint8_t hash[LOOKUP_HASH_LEN])
{
    const struct json *id = *routing->spec.external_id ? json_get(data, routing->spec.external_id) : NULL;
    size_t len = 0;
    const char *text =
        json_type(id) == JSON_STRING || json_type(id) == JSON_NUMBER ? json_text(id, &len) : "";

    return lookup_external_hash(routing->spec.lookup_key, tenant, text, len, hash);
}

/* What look-ups by e-mail go through. */
static void add_email(struct routing *routing, const struct folded *folded)
{
    uint8_t hash[LOOKUP_HASH_LEN];

    if (rows_email_hash(routing, folded->tenant, folded->record.data, hash) == 0)
        db_array_bytes(routing->record.email_hash, hash, sizeof hash);
    else
        db_array_null(routing->record.email_hash);
}

static void add_external(struct routing *routing, const struct folded *folded)
{
    uint8_t hash[LOOKUP_HASH_LEN];

    if (folded->entity == ENTITY_USER &&
        rows_external_hash(routing, folded->tenant, folded->record.data, hash) == 0)
        db_array_bytes(routing->record.external_hash, hash, sizeof hash);
    else
        db_array_null(routing->record.external_hash);
}

enum brake_kind { BRAKE_NOTHING, BRAKE_CHANGED, BRAKE_DELETED };

static void add_brake(struct routing *routing, const struct folded *folded)
{
    bool is_there = !folded->record.deleted;
    enum brake_kind kind = BRAKE_NOTHING;

    if (folded->counts && folded->was_there && !is_there)
        kind = BRAKE_DELETED;
    else if (folded->counts && folded->was_there && folded->rested)
        kind = BRAKE_CHANGED;
    db_array_int(routing->brake.delta, is_there - folded->was_there);
    db_array_int(routing->brake.kind, kind);
}

static void add_record(struct routing *routing, const struct folded *folded)
{
    struct buf vector = BUF_INIT;

    json_write(&vector, folded->record.vector);
    add_brake(routing, folded);
    db_array_uuid(routing->record.id, &folded->id);
    db_array_uuid(routing->record.event, &folded->event);
    db_array_int(routing->record.partition, folded->partition);
    db_array_text(routing->record.tenant, folded->tenant);
    db_array_text(routing->record.type, msg_entity_name(folded->entity));
    db_array_text(routing->record.entity_id, folded->entity_id);
    db_array_int(routing->record.version, folded->record.version);
    db_array_text_len(routing->record.vector, vector.data, vector.len);
    db_array_bool(routing->record.deleted, folded->record.deleted);
    rows_add_body(routing->record.data, folded->record.data);
    rows_add_body(routing->record.notes, folded->record.notes);
    add_email(routing, folded);
    add_external(routing, folded);
    db_array_text(routing->record.audience, folded->audience);
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
    contests_write(routing->contests, routing);
    routing->params = NULL;
    return params;
}
