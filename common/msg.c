/*
 * msg.c: names, keys and references of the belt.
 *
 * What comes from the belt may have been written by anybody who reaches Redis: a reference is taken only in
 * the one form in which msg_format_ref writes it. An id in another spelling would name an event that its set
 * does not know.
 */
#include "msg.h"

#include "log.h"
#include "mem.h"
#include "utf8.h"

#define ENTRY_VERSION_MAX 65535 /* above it is no version of a newer process, but nonsense */

struct event_type_row {
    const char *name;
    enum entity entity;
    enum verb verb;
};
static const struct event_type_row event_types[EVENT_TYPES] = {
#define X(name, text, entity, verb) {text, ENTITY_##entity, VERB_##verb},
    PROTO_EVENT_TYPES(X)
#undef X
};

static const char *const entities[] = {
#define X(name, text) text,
    PROTO_ENTITIES(X)
#undef X
        "",
};

static const char *const priorities[PRIORITIES] = {
#define X(name, text) text,
    PROTO_PRIORITIES(X)
#undef X
};

static const char *const verbs[] = {"create", "update", "delete", "report"};

int msg_event_type(const char *name, enum event_type *type)
{
    for (int i = 0; i < EVENT_TYPES; i++) {
        if (strcmp(event_types[i].name, name) == 0) {
            *type = (enum event_type)i;
            return 0;
        }
    }
    return -1;
}

static const struct event_type_row *event_type_row(enum event_type type)
{
    if ((unsigned)type >= EVENT_TYPES)
        bug("there is no event type %d", (int)type);
    return &event_types[type];
}

const char *msg_event_type_name(enum event_type type)
{
    return event_type_row(type)->name;
}

enum entity msg_event_entity(enum event_type type)
{
    return event_type_row(type)->entity;
}

enum verb msg_event_verb(enum event_type type)
{
    return event_type_row(type)->verb;
}

const char *msg_entity_name(enum entity entity)
{
    if ((unsigned)entity > ENTITY_NONE)
        bug("there is no entity %d", (int)entity);
    return entities[entity];
}

int msg_entity(const char *name, enum entity *entity)
{
    for (int i = 0; i < ENTITY_NONE; i++) {
        if (strcmp(entities[i], name) == 0) {
            *entity = (enum entity)i;
            return 0;
        }
    }
    return -1;
}

const char *msg_verb_name(enum verb verb)
{
    if ((unsigned)verb > VERB_REPORT)
        bug("there is no verb %d", (int)verb);
    return verbs[verb];
}

const char *msg_event_status_name(enum event_status status)
{
    switch (status) {
#define X(name, number, text) \
    case EVENT_STATUS_##name: \
        return text;
        PROTO_EVENT_STATUSES(X)
#undef X
    }
    return "unknown"; /* a newer process wrote it */
}

const char *msg_delivery_state_name(enum delivery_state state)
{
    switch (state) {
#define X(name, number, text, shown) \
    case DELIVERY_##name:            \
        return text;
        PROTO_DELIVERY_STATES(X)
#undef X
    }
    return "unknown";
}

const char *msg_delivery_state_shown(enum delivery_state state)
{
    switch (state) {
#define X(name, number, text, shown) \
    case DELIVERY_##name:            \
        return shown;
        PROTO_DELIVERY_STATES(X)
#undef X
    }
    return "unknown";
}

enum priority msg_priority(int64_t number)
{
    return number <= 1   ? PRIORITY_CRITICAL
           : number <= 3 ? PRIORITY_HIGH
           : number <= 5 ? PRIORITY_NORMAL
                         : PRIORITY_LOW;
}

const char *msg_priority_name(enum priority priority)
{
    if ((unsigned)priority >= PRIORITIES)
        bug("there is no priority %d", (int)priority);
    return priorities[priority];
}

unsigned msg_partition(const struct uuid *record, unsigned partitions)
{
    const uint8_t *b = record->bytes;
    return (unsigned)((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]) % partitions;
}

/* A key that was cut would be another key: two streams would become one. */
static void whole(int len)
{
    if (len < 0 || len >= MSG_KEY_MAX)
        bug("a key of %d bytes is longer than %d", len, MSG_KEY_MAX - 1);
}

void msg_key_events(char key[MSG_KEY_MAX], enum priority priority, unsigned partition)
{
    whole(snprintf(key, MSG_KEY_MAX, PROTO_EVENTS ":%s:{p%02u}", msg_priority_name(priority), partition));
}

void msg_key_deliver(char key[MSG_KEY_MAX], const char *platform, enum priority priority, unsigned partition)
{
    whole(snprintf(key, MSG_KEY_MAX, PROTO_DELIVER ":%s:%s:{p%02u}", platform, msg_priority_name(priority),
                   partition));
}

void msg_key_conflicts(char key[MSG_KEY_MAX], unsigned partition)
{
    whole(snprintf(key, MSG_KEY_MAX, PROTO_CONFLICTS ":{p%02u}", partition));
}

void msg_key_set(char key[MSG_KEY_MAX], const char *stream)
{
    whole(snprintf(key, MSG_KEY_MAX, PROTO_SET_PREFIX "%s", stream));
}

void msg_key_owner(char key[MSG_KEY_MAX], const char *stage, unsigned partition)
{
    whole(snprintf(key, MSG_KEY_MAX, PROTO_OWNER ":%s:{p%02u}", stage, partition));
}

static bool lower_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

/* traceparent of version 00 (W3C Trace Context §3.2): 00-<trace id>-<parent id>-<flags>. */
static bool trace_valid(const char *text, size_t len)
{
    return len == MSG_TRACE_MAX && strncmp(text, "00-", 3) == 0 && lower_hex(text + 3, 32) &&
           text[35] == '-' && lower_hex(text + 36, 16) && text[52] == '-' && lower_hex(text + 53, 2);
}

/* A trace that is not one is left out: it must not cost the event. */
void msg_format_ref(struct buf *out, const struct ref *ref)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(&ref->event, text);
    buf_add(out, text, UUID_TEXT_LEN);
    buf_add_ch(out, ' ');
    uuid_format(&ref->record, text);
    buf_add(out, text, UUID_TEXT_LEN);
    buf_add_ch(out, ' ');
    buf_add_int(out, ref->seq);
    buf_add_ch(out, ' ');
    buf_add_str(out, msg_event_type_name(ref->type));
    buf_add_ch(out, ' ');
    buf_add_str(out, trace_valid(ref->trace, strnlen(ref->trace, sizeof(ref->trace))) ? ref->trace : "-");
    buf_add_ch(out, ' ');
    buf_add_str(out, ref->tenant);
}

/* The next word; its end moves past the blank after it. NULL when there is no blank. */
static const char *next_word(const char **text, const char *end, size_t *len)
{
    const char *word = *text, *blank = memchr(word, ' ', (size_t)(end - word));
    if (!blank)
        return NULL;
    *len = (size_t)(blank - word);
    *text = blank + 1;
    return word;
}

static int parse_uuid(struct uuid *uuid, const char *text, size_t len)
{
    char canonical[UUID_TEXT_LEN + 1];
    if (len != UUID_TEXT_LEN || uuid_parse(uuid, text, len))
        return -1;
    uuid_format(uuid, canonical);
    return memcmp(canonical, text, UUID_TEXT_LEN) ? -1 : 0;
}

/* Decimal, no sign, no leading zero. */
static int parse_decimal(const char *text, size_t len, int64_t max, int64_t *value)
{
    *value = 0;
    if (len == 0 || (len > 1 && text[0] == '0'))
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || *value > (max - (text[i] - '0')) / 10)
            return -1;
        *value = *value * 10 + (text[i] - '0');
    }
    return 0;
}

static int parse_type(const char *text, size_t len, enum event_type *type)
{
    for (int i = 0; i < EVENT_TYPES; i++) {
        if (strlen(event_types[i].name) == len && memcmp(event_types[i].name, text, len) == 0) {
            *type = (enum event_type)i;
            return 0;
        }
    }
    return -1;
}

static int parse_trace(const char *text, size_t len, char trace[MSG_TRACE_MAX + 1])
{
    bool none = len == 1 && *text == '-';
    if (!none && !trace_valid(text, len))
        return -1;
    memcpy(trace, text, none ? 0 : len);
    trace[none ? 0 : len] = '\0';
    return 0;
}

static int parse_tenant(const char *text, size_t len, char tenant[MSG_TENANT_MAX + 1])
{
    if (len == 0 || len > MSG_TENANT_MAX || memchr(text, '\0', len))
        return -1;
    for (size_t i = 0, step; i < len; i += step) {
        step = utf8_sequence(text + i, len - i);
        if (step == 0)
            return -1;
    }
    memcpy(tenant, text, len);
    tenant[len] = '\0';
    return 0;
}

int msg_parse_ref(const char *text, size_t len, struct ref *ref, const char **why)
{
    const char *end = text + len, *word[5];
    size_t size[5];
    for (int i = 0; i < 5; i++) {
        word[i] = next_word(&text, end, &size[i]);
        if (!word[i]) {
            *why = "a reference has fewer than six parts";
            return -1;
        }
    }
    if (parse_uuid(&ref->event, word[0], size[0]))
        *why = "a reference's event is not a UUID in lower case";
    else if (parse_uuid(&ref->record, word[1], size[1]))
        *why = "a reference's record is not a UUID in lower case";
    else if (parse_decimal(word[2], size[2], INT64_MAX, &ref->seq))
        *why = "a reference's seq is not a decimal number";
    else if (parse_type(word[3], size[3], &ref->type))
        *why = "a reference's event type is unknown";
    else if (parse_trace(word[4], size[4], ref->trace))
        *why = "a reference's trace is neither a traceparent nor -";
    else if (parse_tenant(text, (size_t)(end - text), ref->tenant))
        *why = "a reference's tenant is empty, longer than 128 bytes, or not UTF-8";
    else
        return 0;
    return -1;
}

static bool is(const struct msg_field *field, const char *text)
{
    return field->len == strlen(text) && memcmp(field->text, text, field->len) == 0;
}

enum msg_verdict msg_parse_entry(const struct msg_field *fields, size_t count, struct ref *refs,
                                 size_t *ref_count, const char **why)
{
    int64_t version = 0;
    *ref_count = 0;
    if (count < 2 || count % 2 || !is(&fields[0], PROTO_FIELD_VERSION) ||
        parse_decimal(fields[1].text, fields[1].len, ENTRY_VERSION_MAX, &version) || version == 0) {
        *why = "the entry does not begin with its version";
        return MSG_POISON;
    }
    if (version > PROTO_ENTRY_VERSION)
        return MSG_NEWER;
    if (count == 2 || count / 2 - 1 > PROTO_REFS_MAX) {
        *why = count == 2 ? "the entry has no references" : "the entry has more than 64 references";
        return MSG_POISON;
    }
    for (size_t i = 2; i < count; i += 2) {
        if (!is(&fields[i], PROTO_FIELD_REF)) {
            *why = "the entry has a field that is not a reference";
            return MSG_POISON;
        }
        if (msg_parse_ref(fields[i + 1].text, fields[i + 1].len, &refs[i / 2 - 1], why))
            return MSG_POISON;
    }
    *ref_count = count / 2 - 1;
    return MSG_OK;
}
