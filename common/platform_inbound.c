/*
 * platform_inbound.c: the group inbound of a platform file: how its own webhooks are verified and become events.
 *
 * Objects are read before events, wherever they stand: an event names the object that it is about.
 */
#include "platform_inbound_fields.h"

#define KEYS_PATH "/.well-known/jwks.json"

#define MEMBER(member) offsetof(struct platform_inbound, member)

/* ---- secrets, keys, tenant ---- */

static const char *check_secrets(const char *text)
{
    return strspn(text, ", \t\r\n") == strlen(text) ? "has no secret in it" : NULL;
}

/* Several stand in one variable with commas or blanks between them: the old one and the new. */
static void add_secrets(const struct reader *reader, const struct setting *setting, const char *text,
                        struct platform_inbound *inbound)
{
    size_t count = 0;

    while (inbound->secrets[count])
        count++;
    for (text += strspn(text, ", \t\r\n"); *text; text += strspn(text, ", \t\r\n")) {
        size_t len = strcspn(text, ", \t\r\n");
        if (count == PLATFORM_SECRETS_MAX) {
            reader_complain(reader, setting, "names more than %d secrets", PLATFORM_SECRETS_MAX);
            return;
        }
        inbound->secrets[count++] = arena_strndup(reader->source->arena, text, len);
        text += len;
    }
}

static void read_secret(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_inbound *inbound = target;
    bool list = setting_type(setting) == SETTING_LIST;

    for (size_t i = 0; i < (list ? setting_count(setting) : 1); i++) {
        const struct setting *one = list ? setting_at(setting, i) : setting;
        if (setting_type(one) != SETTING_TEXT) {
            reader_complain(reader, setting,
                            "must be the name of an environment variable, or a list of such");
            return;
        }
        const char *value = setting_read_variable(reader, one, check_secrets);
        if (!inbound->secret_variable)
            inbound->secret_variable = setting_copy_text(reader, setting_text(one));
        if (value)
            add_secrets(reader, setting, value, inbound);
    }
}

static const char *check_keys(const char *text)
{
    struct json_error error;
    bool ok;
    struct json *json = json_parse(text, strlen(text), JSON_DEPTH_MAX, &error, &ok);
    bool good = ok && json_type(json_get(json, "keys")) == JSON_ARRAY;

    if (ok)
        json_free(json);
    return good ? NULL : "must be the JSON text of the shop's keys: {\"keys\": [...]}";
}

static void read_keys(const struct reader *reader, const struct setting *setting, void *target)
{
    ((struct platform_inbound *)target)->keys = setting_read_variable(reader, setting, check_keys);
}

/* The shop's keys lie beside its API, whatever the API's path is. */
static void read_shop(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_inbound *inbound = target;
    const char *url = setting_read_variable(reader, setting, platform_check_url);
    struct buf keys_url = BUF_INIT;

    if (!url)
        return;
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    buf_add(&keys_url, url, (size_t)(host - url) + strcspn(host, "/"));
    buf_add_str(&keys_url, KEYS_PATH);
    inbound->keys_url = setting_copy_text(reader, keys_url.data);
    buf_release(&keys_url);
}

static const char *check_tenant(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return "must be printable";
    return len <= MSG_TENANT_MAX && strcmp(text, "*") != 0
               ? NULL
               : "must be the name of one tenant, at most 128 bytes";
}

static void read_tenant(const struct reader *reader, const struct setting *setting, void *target)
{
    ((struct platform_inbound *)target)->tenant = setting_read_variable(reader, setting, check_tenant);
}

static void read_targets(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_inbound *inbound = target;

    inbound->target_count = setting_read_texts(reader, setting, &inbound->targets);
    for (size_t i = 0; i < inbound->target_count; i++) {
        const char *why = platform_check_name(inbound->targets[i]);
        if (why)
            reader_complain(reader, setting, "%s", why);
    }
}

static void read_dialect(const struct reader *reader, const struct setting *setting, void *target)
{
    static const char *const words[] = {"standard", "saleor",
                                        NULL}; /* in the order of enum platform_dialect */
    int word = setting_read_word(reader, setting, words);

    ((struct platform_inbound *)target)->dialect = word < 0 ? PLATFORM_STANDARD : (enum platform_dialect)word;
}

/* ---- events ---- */

struct event_draft {
    struct inbound_event event;
    const struct platform_inbound *inbound;
    bool typed;
};
#define DRAFT(member) offsetof(struct event_draft, member)

static void read_type(const struct reader *reader, const struct setting *setting, void *target)
{
    struct event_draft *draft = target;

    draft->typed = msg_event_type(setting_text(setting), &draft->event.type) == 0;
    if (!draft->typed)
        reader_complain(reader, setting, "is \"%s\", which is no event type", setting_text(setting));
}

static void read_object(const struct reader *reader, const struct setting *setting, void *target)
{
    struct event_draft *draft = target;

    for (size_t i = 0; i < draft->inbound->object_count; i++)
        if (strcmp(draft->inbound->objects[i].name, setting_text(setting)) == 0)
            draft->event.object = &draft->inbound->objects[i];
    if (!draft->event.object)
        reader_complain(reader, setting, "is \"%s\", which is none of inbound.objects",
                        setting_text(setting));
}

static const char *check_place(const char *text)
{
    return *text ? inbound_path_check(text) : NULL;
}

static void read_event(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {"name", SETTING_TEXT, false, DRAFT(event.name), NULL, NULL},
        {"type", SETTING_TEXT, true, 0, NULL, read_type},
        {"object", SETTING_TEXT, false, 0, NULL, read_object},
        {"path", SETTING_TEXT, false, DRAFT(event.path), check_place, NULL},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct platform_inbound *inbound = target;
    struct event_draft draft = {.event = {.path = "data"}, .inbound = inbound};

    if (setting_type(group) != SETTING_GROUP) {
        reader_complain(reader, group, "must be a group: { ... }");
        return;
    }
    if (setting_name(group))
        draft.event.name = setting_copy_text(reader, setting_name(group));
    setting_read_group(reader, group, rows, &draft);
    if (!draft.event.name)
        reader_complain(reader, group, "events lacks the setting name: what the platform calls the event");
    else if (platform_inbound_event(inbound, draft.event.name))
        reader_complain(reader, group, "events has %s twice", draft.event.name);
    else if (draft.typed && draft.event.object &&
             draft.event.object->entity != msg_event_entity(draft.event.type))
        reader_complain(reader, group, "has the object %s, which is another entity than that of its type",
                        draft.event.object->name);
    else
        inbound->events[inbound->event_count++] = draft.event;
}

static void read_events(const struct reader *reader, const struct setting *group, void *target)
{
    struct platform_inbound *inbound = target;

    if (setting_type(group) != SETTING_GROUP && setting_type(group) != SETTING_LIST) {
        reader_complain(reader, group, "must be a group or a list of groups");
        return;
    }
    inbound->events = setting_new_rows(reader, group, sizeof *inbound->events);
    setting_read_each(reader, group, read_event, inbound);
}

/* ---- the group ---- */

static void read_before(const struct reader *reader, const struct setting *group, void *target)
{
    (void)reader, (void)group, (void)target;
}

void platform_read_inbound(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {"dialect", SETTING_TEXT, true, 0, NULL, read_dialect},
        {"secret", SETTING_ANY, false, 0, NULL, read_secret},
        {"keys", SETTING_TEXT, false, 0, NULL, read_keys},
        {"shop", SETTING_TEXT, false, 0, NULL, read_shop},
        {"tenant", SETTING_TEXT, false, 0, NULL, read_tenant},
        {"targets", SETTING_ANY, false, 0, NULL, read_targets},
        {"objects", SETTING_GROUP, false, 0, NULL, read_before},
        {"events", SETTING_ANY, false, 0, NULL, read_events},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct platform *platform = target;
    const struct setting *objects = setting_member(group, "objects");
    struct platform_inbound *inbound = arena_alloc(reader->source->arena, sizeof *inbound);

    platform->inbound = inbound;
    if (objects && setting_type(objects) == SETTING_GROUP)
        platform_read_inbound_objects(reader, objects, inbound);
    setting_read_group(reader, group, rows, inbound);
    if (inbound->dialect == PLATFORM_STANDARD &&
        (setting_member(group, "keys") || setting_member(group, "shop")))
        reader_complain(reader, group, "has keys or a shop, which are of the dialect saleor");
}

const struct platform_inbound *platform_inbound(const struct platform *platform)
{
    return platform->inbound;
}

bool platform_inbound_is_open(const struct platform_inbound *inbound)
{
    return inbound->secrets[0] || inbound->keys || inbound->keys_url;
}

const struct inbound_event *platform_inbound_event(const struct platform_inbound *inbound, const char *name)
{
    for (size_t i = 0; i < inbound->event_count; i++)
        if (strcmp(inbound->events[i].name, name) == 0)
            return &inbound->events[i];
    return NULL;
}

const struct inbound_object *platform_inbound_object(const struct platform *platform, enum entity entity)
{
    const struct platform_inbound *inbound = platform->inbound;

    for (size_t i = 0; inbound && i < inbound->object_count; i++)
        if (inbound->objects[i].entity == entity)
            return &inbound->objects[i];
    return NULL;
}

/* By REST it has the words of the group entities. */
bool platform_inbound_same(const struct platform *platform, enum entity entity, const char *field,
                           const struct json *held, const struct json *incoming)
{
    const struct inbound_object *object =
        platform_graphql(platform, entity) ? platform_inbound_object(platform, entity) : NULL;

    return object && inbound_same(object, field, held, incoming);
}
