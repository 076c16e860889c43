/*
 * preview.c: POST /sync/mappings/preview: what each target would get for an event. The event is validated as by POST
 * /sync/events; nothing is stored, nothing is sent.
 *
 * What would break: the platform files may be read again while the database is asked, so nothing points into them meanwhile.
 */
#include "preview.h"

#include "accept_inside.h"
#include "clock.h"
#include "log.h"
#include "sql.h"

/* Owner: the query's callback. */
struct preview {
    struct gateway *gateway;
    struct http_request *http;
    struct arena *arena; /* the event's texts */
    struct accept_event event;
    struct json *data;
};

static void preview_free(struct preview *preview)
{
    json_free(preview->data);
    arena_free(&preview->arena);
    free(preview);
}

/* ---- what the tables hold ---- */

static struct json *body_column(const struct db_result *result, size_t row, const char *name)
{
    size_t len;
    bool ok = false;
    struct json *json = NULL;
    const char *bytes = db_get_bytes(result, row, db_column(result, name), &len);
    if (bytes && len > 1 && bytes[0] == BODY_PLAIN)
        json = json_parse(bytes + 1, len - 1, JSON_DEPTH_MAX, NULL, &ok);
    return json;
}

static void read_record(const struct db_result *result, struct record *record)
{
    size_t len;
    bool ok;
    record_init(record);
    if (db_rows(result) == 0 || db_is_null(result, 0, db_column(result, "record_version")))
        return;
    const char *vector = db_get_text(result, 0, db_column(result, "record_vector"), &len);
    struct json *data = body_column(result, 0, "record_data"),
                *notes = body_column(result, 0, "record_notes");
    record_release(record);
    record->exists = true;
    record->version = db_get_int(result, 0, db_column(result, "record_version"));
    record->deleted = db_get_bool(result, 0, db_column(result, "record_deleted"));
    record->vector = json_parse(vector, len, JSON_DEPTH_MAX, NULL, &ok);
    record->data = data ? data : json_new_object();
    record->notes = notes ? notes : json_new_object();
}

/* holding->base is the caller's to free. */
static void read_holding(const struct db_result *result, const char *platform,
                         struct preview_holding *holding)
{
    *holding = (struct preview_holding){.version = 0};
    for (size_t row = 0; row < db_rows(result); row++) {
        const char *name = db_get_text(result, row, db_column(result, "platform"), NULL);
        if (!name || strcmp(name, platform) != 0)
            continue;
        holding->version = db_get_int(result, row, db_column(result, "certain_version"));
        holding->deleted = db_get_bool(result, row, db_column(result, "deleted_there"));
        holding->platform_id = db_get_text(result, row, db_column(result, "platform_id"), NULL);
        if (db_is_null(result, row, db_column(result, "base_seq")))
            continue;
        holding->base = body_column(result, row, "base_data");
        holding->base_seq = db_get_int(result, row, db_column(result, "base_seq"));
    }
}

/* ---- the answer ---- */

static struct json *show_event(const struct preview *preview, const struct preview_event *event)
{
    struct json *json = json_new_object();
    enum entity entity = msg_event_entity(event->type);
    char id[UUID_TEXT_LEN + 1];
    json_set(json, "event_type", json_new_text(msg_event_type_name(event->type)));
    json_set(json, "source_platform", json_new_text(preview->event.source));
    json_set(json, "tenant_id", json_new_text(event->tenant));
    if (entity == ENTITY_NONE)
        return json;
    uuid_format(&event->record_id, id);
    json_set(json, "entity_type", json_new_text(msg_entity_name(entity)));
    json_set(json, "entity_id", json_new_text(event->entity_id));
    json_set(json, "record_id", json_new_text(id));
    return json;
}

static struct json *show_record(const struct record *record)
{
    struct json *json = record->exists ? json_new_object() : NULL;
    if (!json)
        return NULL;
    json_set(json, "version", json_new_int(record->version));
    json_set(json, "deleted", json_new_bool(record->deleted));
    return json;
}

static struct json *show_targets(const struct preview *preview, const struct preview_event *event,
                                 const struct record *record, const struct db_result *result)
{
    struct json *targets = json_new_array();
    struct buf name = BUF_INIT;
    for (const char *at = preview->event.targets; *at != '\0'; at += *at == ',') {
        struct preview_holding holding = {.version = 0};
        size_t len = strcspn(at, ",");
        buf_reset(&name);
        buf_add(&name, at, len);
        at += len;
        const struct platform *target = platform_find(event->platforms, name.data);
        if (!target) /* its file is gone since the event was read */
            continue;
        if (result)
            read_holding(result, name.data, &holding);
        json_append(targets, preview_target(event, record, target, &holding));
        json_free((struct json *)holding.base);
    }
    buf_release(&name);
    return targets;
}

static struct preview_event event_of(const struct preview *preview, const struct db_result *result)
{
    const struct accept_event *event = &preview->event;
    const char *entity_id = NULL;
    struct preview_event shown = {.platforms = preview->gateway->platforms,
                                  .source = platform_find(preview->gateway->platforms, event->source),
                                  .type = event->type,
                                  .id = event->id,
                                  .record_id = event->record_id,
                                  .tenant = event->tenant,
                                  .entity_id = event->entity_id,
                                  .user_id = event->user_id,
                                  .base_version = event->base_version,
                                  .now_ms = clock_db_ms(),
                                  .occurred_ms = event->occurred_ms,
                                  .data = preview->data};
    if (result && db_rows(result) > 0) {
        db_get_uuid(result, 0, db_column(result, "record_id"), &shown.record_id);
        entity_id = db_get_text(result, 0, db_column(result, "record_entity_id"), NULL);
    }
    if (entity_id)
        shown.entity_id = entity_id;
    return shown;
}

/* result: NULL for operational data, which has no record. */
static void answer(struct preview *preview, const struct db_result *result)
{
    struct preview_event event = event_of(preview, result);
    struct json *json = json_new_object();
    struct record record;
    if (!event.source) {
        json_free(json);
        http_problem(preview->http,
                     &(struct problem){.status = 503,
                                       .type = "unavailable",
                                       .retry_after_s = 1,
                                       .detail = "The platform files were read again: send this again."});
        return;
    }
    if (result)
        read_record(result, &record);
    else
        record_init(&record);
    json_set(json, "event", show_event(preview, &event));
    json_set(json, "record", show_record(&record));
    preview_change(&event, &record);
    json_set(json, "targets", show_targets(preview, &event, &record, result));
    http_reply_json(preview->http, 200, json);
    record_release(&record);
    json_free(json);
}

static void on_record(enum db_status status, const struct db_result *result, void *arg)
{
    struct preview *preview = arg;
    if (status == DB_OK)
        answer(preview, result);
    else
        gateway_refuse_database(preview->http, status, result);
    preview_free(preview);
}

static void ask(struct preview *preview)
{
    const struct accept_event *event = &preview->event;
    static const struct uuid nil = {{0}};
    struct db_params *params = db_params_new();
    db_add_text(params, event->tenant);
    db_add_text(params, msg_entity_name(msg_event_entity(event->type)));
    db_add_text(params, event->source);
    db_add_text(params, event->entity_id);
    db_add_uuid(params, &event->record_id);
    db_add_uuid(params, uuid_equal(&event->named_id, &nil) ? NULL : &event->named_id);
    db_query_tenant(store_db(preview->gateway->store), event->tenant, sql_preview, params, on_record,
                    preview);
}

void preview_post(struct http_request *http, void *arg)
{
    struct gateway *gateway = arg;
    struct json *body = http_json(http);
    if (!body)
        return;
    struct preview *preview = mem_alloc(sizeof *preview);
    struct accept_context context = accept_context_of(gateway, http);
    struct json *errors = json_new_array();
    struct problem problem;
    preview->gateway = gateway;
    preview->http = http;
    preview->arena = arena_new(1024);
    if (accept_parse(&context, body, preview->arena, &preview->event, &problem, errors) < 0) {
        http_problem(http, &problem);
        preview_free(preview);
    } else {
        preview->data = json_copy(json_get(body, "data"));
        if (msg_event_entity(preview->event.type) != ENTITY_NONE) {
            ask(preview);
        } else {
            answer(preview, NULL);
            preview_free(preview);
        }
    }
    json_free(errors);
}
