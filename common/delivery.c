/* delivery.c: see delivery.h. */
#include "delivery.h"

#include "expr.h"

#include <stdio.h>
#include <string.h>

void delivery_webhook_id(const struct delivery_source *source, char id[MSG_KEY_MAX])
{
    const char *platform = platform_name(source->target);
    char event[UUID_TEXT_LEN + 1];

    uuid_format(&source->event, event);
    if (source->generation > 1)
        snprintf(id, MSG_KEY_MAX, "%s.%s.%d", event, platform, source->generation);
    else
        snprintf(id, MSG_KEY_MAX, "%s.%s", event, platform);
}

/* RFC 3986 §2.3: what stands for itself. */
static void add_encoded(struct buf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (const char *at = text; *at; at++) {
        if (strchr(plain, *at))
            buf_add_ch(out, *at);
        else
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)*at);
    }
}

static const char *id_in_path(const struct delivery_source *source)
{
    return source->platform_id ? source->platform_id : json_text(json_get(source->data, "id"), NULL);
}

/* Without an id, or with one that leads up, the path would be another route's: a deletion of everything, perhaps. */
static bool has_path(const struct delivery_source *source)
{
    const char *path = platform_route(source->target, source->type, source->verb)->path;
    const char *id = id_in_path(source);

    return !strstr(path, "{id}") || (id && *id && strcmp(id, ".") != 0 && strcmp(id, "..") != 0);
}

void delivery_path(const struct delivery_source *source, struct buf *path)
{
    const char *id = id_in_path(source);
    const char *at = platform_route(source->target, source->type, source->verb)->path, *place;

    while ((place = strstr(at, "{id}"))) {
        buf_add(path, at, (size_t)(place - at));
        add_encoded(path, id ? id : "");
        at = place + strlen("{id}");
    }
    buf_add_str(path, at);
}

enum verb delivery_verb(enum event_type type, bool record_deleted, int64_t certain_version,
                        bool deleted_there, bool created)
{
    if (msg_event_entity(type) == ENTITY_NONE)
        return VERB_REPORT;
    if (record_deleted)
        return VERB_DELETE;
    if (certain_version > 0)
        return deleted_there ? VERB_CREATE : VERB_UPDATE;
    return created
               ? VERB_CREATE
               : VERB_UPDATE; /* of what we never sent: the target may well have it; 404 makes it a create */
}

enum delivery_built delivery_wanted(const struct delivery_source *source, struct buf *error)
{
    const struct platform_route *route = platform_route(source->target, source->type, source->verb);
    struct buf why = BUF_INIT;
    bool yes = true;
    enum delivery_built wanted = DELIVERY_BUILT;

    if (route->when && expr_test_record(route->when, source->data, &yes, &why) != 0) {
        wanted = DELIVERY_IMPOSSIBLE;
        buf_addf(error, "the condition of %s for this route, %s, cannot be tested: %s",
                 platform_name(source->target), expr_text(route->when), why.data);
    } else if (!yes) {
        wanted = DELIVERY_NOTHING;
        buf_addf(error, "this platform takes this only when %s", expr_text(route->when));
    }
    buf_release(&why);
    return wanted;
}

static void say_nothing(const struct mapping_request *request, struct buf *error)
{
    struct buf withheld = BUF_INIT;

    mapping_withheld(request, &withheld);
    if (withheld.len > 0)
        buf_addf(error, "the platform cannot change %s", withheld.data);
    else
        buf_add_str(error, "the platform has this already");
    buf_release(&withheld);
}

enum delivery_built delivery_data(const struct delivery_source *source, struct json **data, struct buf *error)
{
    struct mapping_request request = {.target = source->target,
                                      .platforms = source->platforms,
                                      .entity = msg_event_entity(source->type),
                                      .type = source->type,
                                      .verb = source->verb,
                                      .record = source->data,
                                      .notes = source->notes,
                                      .base = source->base,
                                      .base_seq = source->base ? source->base_seq : 0,
                                      .field = source->field};
    char event[UUID_TEXT_LEN + 1], record[UUID_TEXT_LEN + 1];
    struct json *changed = json_new_array();
    struct mapping_context context = {.source_platform = source->source_platform,
                                      .target_platform = platform_name(source->target),
                                      .event_id = event,
                                      .record_id = source->has_record ? record : NULL,
                                      .version = source->version,
                                      .now_ms = source->created_ms,
                                      .started_ms = source->started_ms,
                                      .changed = changed};
    enum delivery_built built = DELIVERY_BUILT;

    *data = mapping_out(&request, changed, error);
    if (!*data || mapping_compute(&request, *data, changed, error) != 0) {
        built = DELIVERY_IMPOSSIBLE;
        json_free(*data);
        *data = NULL;
    } else if (source->base && json_count(changed) == 0) {
        built = DELIVERY_NOTHING;
        say_nothing(&request, error);
        json_free(*data);
        *data = NULL;
    } else {
        uuid_format(&source->event, event);
        uuid_format(&source->record, record);
        mapping_decorate(&request, &context, *data);
    }
    json_free(changed);
    return built;
}

enum delivery_built delivery_body(const struct delivery_source *source, struct buf *body, struct buf *error)
{
    char event[UUID_TEXT_LEN + 1];
    struct json *data;
    enum delivery_built built;

    if (!has_path(source)) {
        buf_addf(error,
                 "%s is called by the id of the record, and this one has none that can stand in a path",
                 platform_name(source->target));
        if (source->field)
            buf_add_str(source->field, "id");
        return DELIVERY_IMPOSSIBLE;
    }
    built = delivery_wanted(source, error);
    if (built == DELIVERY_BUILT)
        built = delivery_data(source, &data, error);
    if (built != DELIVERY_BUILT)
        return built;
    uuid_format(&source->event, event);
    buf_addf(body,
             "{\"event_id\":\"%s\",\"event_type\":\"%s\",\"source_platform\":\"%s\",\"tenant_id\":", event,
             msg_event_type_name(source->type), source->source_platform);
    buf_add_json(body, source->tenant, strlen(source->tenant));
    buf_add_str(body, ",\"user_id\":");
    if (source->user_id)
        buf_add_json(body, source->user_id, strlen(source->user_id));
    else
        buf_add_str(body, "null");
    buf_add_str(body, ",\"data\":");
    json_write(body, data);
    buf_add_ch(body, '}');
    json_free(data);
    return built;
}

void delivery_bulk_item(const struct delivery_source *source, const struct buf *body, struct buf *item)
{
    char id[MSG_KEY_MAX];

    delivery_webhook_id(source, id);
    buf_add(item, body->data, body->len - 1); /* its last brace comes behind ours */
    buf_addf(item, ",\"operation\":\"%s\",\"webhook_id\":\"%s\"}", msg_verb_name(source->verb), id);
}
