/*
 * accept_parse.c: the body of a new event becomes a struct accept_event, or a list of mistakes with pointers (RFC 6901).
 *
 * All mistakes are gathered, so that a client mends them in one go; what the token forbids ends the reading at once. What
 * passes here must never be refused by the database: a bad event would cost its batch a division.
 */
#include <stdarg.h>

#include "digest.h"
#include "gateway.h"
#include "mapping.h"
#include "timefmt.h"
#include "utf8.h"

#define USER_ID_MAX 256 /* bytes */
#define PRIORITY_DEFAULT 5
#define MAX_RETRIES_MAX 100

struct reading {
    const struct accept_context *context;
    const struct json *body;
    struct arena *arena;
    struct accept_event *event;
    struct problem *problem;
    struct json *errors;
    const struct platform *source;
};

void accept_mistake(struct json *errors, const char *pointer, const char *format, ...)
{
    struct buf detail = BUF_INIT;
    struct json *item = json_new_object();
    va_list args;
    va_start(args, format);
    buf_vaddf(&detail, format, args);
    va_end(args);
    json_set(item, "pointer", json_new_text(pointer));
    json_set(item, "detail", json_new_text(detail.data));
    json_append(errors, item);
    buf_release(&detail);
}

static int forbid(struct reading *reading, const char *type, const char *detail)
{
    *reading->problem = (struct problem){.status = 403, .type = type, .detail = detail};
    return -1;
}

static bool is_printable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)) /* U+0080–U+009F */
            return false;
    }
    return true;
}

static size_t count_characters(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; count++)
        i += utf8_sequence(text + i, len - i);
    return count;
}

/* A member that is text; NULL when it is absent or null, and after a mistake. */
static const char *read_text(struct reading *reading, const char *name, size_t *len)
{
    char pointer[64];
    const struct json *value = json_get(reading->body, name);
    *len = 0;
    if (!value)
        return NULL;
    if (json_type(value) == JSON_STRING)
        return json_text(value, len);
    snprintf(pointer, sizeof pointer, "/%s", name);
    accept_mistake(reading->errors, pointer, "%s must be text, not %s", name,
                   json_type_name(json_type(value)));
    return NULL;
}

/* A whole number from lowest to highest; `fallback` when it is absent or null. */
static int64_t read_int(struct reading *reading, const char *name, int64_t lowest, int64_t highest,
                        int64_t fallback)
{
    char pointer[64];
    int64_t number;
    const struct json *value = json_get(reading->body, name);
    if (!value)
        return fallback;
    snprintf(pointer, sizeof pointer, "/%s", name);
    if (json_type(value) != JSON_NUMBER)
        accept_mistake(reading->errors, pointer, "%s must be a whole number, not %s", name,
                       json_type_name(json_type(value)));
    else if (json_int64(value, &number) == 0 && number >= lowest && number <= highest)
        return number;
    else if (highest == INT64_MAX)
        accept_mistake(reading->errors, pointer, "%s must be a whole number of at least %lld", name,
                       (long long)lowest);
    else
        accept_mistake(reading->errors, pointer, "%s must be a whole number from %lld to %lld", name,
                       (long long)lowest, (long long)highest);
    return fallback;
}

static int64_t read_time(struct reading *reading, const char *name)
{
    char pointer[64];
    size_t len;
    int64_t time_ms;
    const char *text = read_text(reading, name, &len);
    if (!text)
        return ACCEPT_NO_TIME;
    if (timefmt_parse(text, len, &time_ms) == 0)
        return time_ms;
    snprintf(pointer, sizeof pointer, "/%s", name);
    accept_mistake(reading->errors, pointer, "%s must be a time as in RFC 3339, such as 2026-01-31T12:00:00Z",
                   name);
    return ACCEPT_NO_TIME;
}

static int read_tenant(struct reading *reading)
{
    size_t len;
    size_t before = json_count(reading->errors);
    const char *own = reading->context->identity->tenant;
    const char *named = read_text(reading, "tenant_id", &len);
    bool bound = own[0] != '\0' && strcmp(own, AUTH_ALL_TENANTS) != 0;
    if (bound && named && strcmp(named, own) != 0)
        return forbid(reading, "foreign-tenant",
                      "The token speaks for another tenant than tenant_id names; leave tenant_id out.");
    if (bound)
        reading->event->tenant = own;
    else if (named && (len == 0 || len > MSG_TENANT_MAX || !is_printable(named, len)))
        accept_mistake(reading->errors, "/tenant_id",
                       "tenant_id must have 1 to %d bytes, all of them printable", MSG_TENANT_MAX);
    else if (named && strcmp(named, AUTH_ALL_TENANTS) == 0)
        accept_mistake(reading->errors, "/tenant_id",
                       "tenant_id must name one tenant: * stands for all of them");
    else if (named)
        reading->event->tenant = named;
    else if (json_count(reading->errors) == before)
        accept_mistake(reading->errors, "/tenant_id",
                       "tenant_id is required: nothing else says which tenant this is for");
    return 0;
}

void gateway_platform_names(struct buf *names, const struct platform_set *platforms)
{
    for (size_t i = 0; i < platform_count(platforms); i++)
        buf_addf(names, "%s%s", i > 0 ? ", " : "", platform_name(platform_at(platforms, i)));
}

static void mistake_unknown(struct reading *reading, const char *pointer, const char *what)
{
    struct buf names = BUF_INIT;
    gateway_platform_names(&names, reading->context->platforms);
    accept_mistake(reading->errors, pointer, "%s must be a configured platform: %s", what, names.data);
    buf_release(&names);
}

static int read_source(struct reading *reading)
{
    size_t len;
    size_t before = json_count(reading->errors);
    const char *only = reading->context->identity->platform;
    const char *name = read_text(reading, "source_platform", &len);
    if (!name) {
        if (json_count(reading->errors) == before)
            accept_mistake(reading->errors, "/source_platform", "source_platform is required");
        return 0;
    }
    if (only[0] != '\0' && strcmp(only, name) != 0)
        return forbid(reading, "foreign-platform",
                      "The token speaks for another platform than source_platform names.");
    reading->source = platform_find(reading->context->platforms, name);
    if (reading->source)
        reading->event->source = name;
    else
        mistake_unknown(reading, "/source_platform", "source_platform");
    return 0;
}

static bool listed(const struct buf *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list->data; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == len && memcmp(at, name, len) == 0)
            return true;
    return false;
}

static void read_target(struct reading *reading, size_t index, struct buf *list)
{
    char pointer[64];
    const struct json *value = json_at(json_get(reading->body, "target_platforms"), index);
    snprintf(pointer, sizeof pointer, "/target_platforms/%zu", index);
    if (json_type(value) != JSON_STRING) {
        accept_mistake(reading->errors, pointer, "a target must be the name of a platform, not %s",
                       json_type_name(json_type(value)));
        return;
    }
    const struct platform *target = platform_find(reading->context->platforms, json_text(value, NULL));
    if (!target)
        mistake_unknown(reading, pointer, "a target");
    else if (!listed(list, platform_name(target)))
        buf_addf(list, "%s%s", list->len > 0 ? "," : "", platform_name(target));
}

static void read_targets(struct reading *reading)
{
    struct json *value;
    struct buf list = BUF_INIT;
    if (!json_find(reading->body, "target_platforms", &value))
        accept_mistake(reading->errors, "/target_platforms", "target_platforms is required");
    else if (json_type(value) != JSON_ARRAY)
        accept_mistake(reading->errors, "/target_platforms",
                       "target_platforms must be an array of names, not %s",
                       json_type_name(json_type(value)));
    else if (json_count(value) == 0)
        accept_mistake(reading->errors, "/target_platforms",
                       "target_platforms must name at least one platform");
    for (size_t i = 0; i < json_count(value = json_get(reading->body, "target_platforms")); i++)
        if (json_type(value) == JSON_ARRAY)
            read_target(reading, i, &list);
    reading->event->targets = arena_strndup(reading->arena, list.data, list.len);
    buf_release(&list);
}

static void read_type(struct reading *reading)
{
    size_t len;
    size_t before = json_count(reading->errors);
    const char *name = read_text(reading, "event_type", &len);
    if (name && msg_event_type(name, &reading->event->type) != 0)
        accept_mistake(reading->errors, "/event_type", "event_type must be %s", GATEWAY_EVENT_TYPES_TEXT);
    else if (!name && json_count(reading->errors) == before)
        accept_mistake(reading->errors, "/event_type", "event_type is required");
}

static void read_client_id(struct reading *reading)
{
    size_t len;
    const char *text = read_text(reading, "id", &len);
    if (!text)
        return;
    if (len == 0 || count_characters(text, len) > ACCEPT_CLIENT_ID_MAX)
        accept_mistake(reading->errors, "/id", "id must have 1 to %d characters", ACCEPT_CLIENT_ID_MAX);
    reading->event->client_id = arena_strndup(reading->arena, text, len);
}

/* Text, or a whole number as its text. */
static void read_user(struct reading *reading)
{
    int64_t number;
    size_t len = 0;
    const struct json *value = json_get(reading->body, "user_id");
    const char *text = json_text(value, &len);
    if (!value)
        return;
    if (!text || (json_type(value) == JSON_NUMBER && json_int64(value, &number) != 0))
        accept_mistake(reading->errors, "/user_id", "user_id must be text or a whole number");
    else if (len > USER_ID_MAX)
        accept_mistake(reading->errors, "/user_id", "user_id must not have more than %d bytes", USER_ID_MAX);
    else
        reading->event->user_id = arena_strndup(reading->arena, text, len);
}

static void read_times(struct reading *reading)
{
    struct accept_event *event = reading->event;
    int64_t now_ms = reading->context->now_ms;
    event->occurred_ms = read_time(reading, "occurred_at");
    event->deliver_ms = read_time(reading, "deliver_at");
    event->expires_ms = read_time(reading, "expires_at");
    if (event->deliver_ms <= now_ms)
        event->deliver_ms = ACCEPT_NO_TIME;
    if (event->expires_ms == ACCEPT_NO_TIME)
        return;
    if (event->expires_ms <= now_ms)
        accept_mistake(reading->errors, "/expires_at", "expires_at has passed already");
    else if (event->expires_ms <= event->deliver_ms)
        accept_mistake(reading->errors, "/expires_at", "expires_at must lie behind deliver_at");
}

/* Which record the event is about: PLATFORMS' aliases are read by the mapping. */
static void read_entity(struct reading *reading, const struct json *data)
{
    struct accept_event *event = reading->event;
    enum verb verb = msg_event_verb(event->type);
    struct buf id = BUF_INIT;
    const char *member = "";
    int found = mapping_entity_id(reading->source, msg_event_entity(event->type), data, &id, &member);
    if (found < 0) {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/data/%s", member);
        accept_mistake(reading->errors, pointer, "the id must be a whole number, or text of 1 to 256 bytes");
    } else if (found == 0) {
        event->entity_id = arena_strndup(reading->arena, id.data, id.len);
    } else if (verb == VERB_CREATE) {
        char text[UUID_TEXT_LEN + 1];
        uuid_format(&event->id, text);
        event->entity_id = arena_strdup(reading->arena, text);
    } else {
        accept_mistake(reading->errors, "/data", "data must hold the id of what is %s",
                       verb == VERB_DELETE ? "deleted" : "updated");
    }
    buf_release(&id);
}

/* What we sent out names our own record; what comes back with it is about that record, whatever else it is called. From a
 * platform that does not return it, it is somebody else's. */
static void read_named_record(struct reading *reading, const struct json *data)
{
    bool believed = reading->context->names_record || platform_returns_metadata(reading->source);
    const struct json *metadata = believed ? json_get(data, "_sync_metadata") : NULL;
    const char *text = json_type(metadata) == JSON_OBJECT ? json_get_text(metadata, "record_id") : NULL;
    if (text && uuid_parse(&reading->event->named_id, text, strlen(text)) != 0)
        reading->event->named_id = (struct uuid){0};
}

static void read_record(struct reading *reading, const struct json *data)
{
    enum entity entity = msg_event_entity(reading->event->type);
    size_t before = json_count(reading->errors);
    if (entity == ENTITY_NONE) {
        reading->event->entity_id = "";
        return;
    }
    read_entity(reading, data);
    read_named_record(reading, data);
    if (json_count(reading->errors) > before)
        return;
    struct json *common = mapping_in(reading->source, entity, data);
    mapping_check(reading->source, entity, common, data, reading->errors);
    json_free(common);
}

static void read_data(struct reading *reading)
{
    struct json *data;
    struct buf text = BUF_INIT;
    if (!json_find(reading->body, "data", &data)) {
        accept_mistake(reading->errors, "/data", "data is required");
        return;
    }
    if (json_type(data) != JSON_OBJECT) {
        accept_mistake(reading->errors, "/data", "data must be an object, not %s",
                       json_type_name(json_type(data)));
        return;
    }
    if (json_count(reading->errors) == 0) /* else type or source may be unknown */
        read_record(reading, data);
    buf_add_ch(&text, BODY_PLAIN);
    json_write(&text, data);
    char *copy = arena_alloc(reading->arena, text.len + 1);
    memcpy(copy, text.data, text.len);
    reading->event->data = copy;
    reading->event->data_len = text.len;
    buf_release(&text);
}

/* Texts lent by the body or the token move into the arena. */
static void keep_texts(struct reading *reading)
{
    struct accept_event *event = reading->event;
    const struct accept_context *context = reading->context;
    enum entity entity = msg_event_entity(event->type);
    event->tenant = arena_strdup(reading->arena, event->tenant);
    event->source = arena_strdup(reading->arena, event->source);
    event->subject =
        context->identity->subject[0] ? arena_strdup(reading->arena, context->identity->subject) : NULL;
    event->trace = context->trace ? arena_strdup(reading->arena, context->trace) : NULL;
    digest_record_id(&event->record_id, event->tenant, msg_entity_name(entity),
                     entity == ENTITY_NONE ? msg_event_type_name(event->type) : event->entity_id);
}

int accept_parse(const struct accept_context *context, const struct json *body, struct arena *arena,
                 struct accept_event *event, struct problem *problem, struct json *errors)
{
    struct reading reading = {context, body, arena, event, problem, errors, NULL};
    *event = (struct accept_event){.max_retries = 0};
    uuid_v7(&event->id, context->now_ms);
    if (json_type(body) != JSON_OBJECT) {
        accept_mistake(reading.errors, "", "an event must be an object, not %s",
                       json_type_name(json_type(body)));
    } else {
        if (read_tenant(&reading) < 0 || read_source(&reading) < 0)
            return -1;
        read_type(&reading);
        read_targets(&reading);
        read_client_id(&reading);
        read_user(&reading);
        event->priority_given = (int)read_int(&reading, "priority", 1, 10, PRIORITY_DEFAULT);
        event->priority = msg_priority(event->priority_given);
        event->max_retries = (int)read_int(&reading, "max_retries", 0, MAX_RETRIES_MAX, context->max_retries);
        event->base_version = read_int(&reading, "base_version", 1, INT64_MAX, 0);
        read_times(&reading);
        read_data(&reading);
    }
    if (json_count(errors) > 0) {
        *problem = (struct problem){
            .status = 422,
            .type = "invalid-event",
            .errors = errors,
            .detail = "The event does not validate: errors names each member and what is wrong."};
        return -1;
    }
    keep_texts(&reading);
    return 0;
}
