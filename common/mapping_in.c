/*
 * mapping_in.c: from a platform's words to the common ones.
 *
 * A field has one best name per message: the common name, then for ids <entity>_id, then the platform's own names in the order
 * of its file, then for users customer_id. mapping_entity_id and mapping_in must agree on that order, or a record would be
 * found under one id and carry another.
 */
#include "mapping_fields.h"

#include "log.h"

#define ID_BYTES_MAX 256
#define NAMES_MAX 16

static const char *const entity_ids[] = {
#define X(name, text) text "_id",
    PROTO_ENTITIES(X)
#undef X
};

struct names {
    const char *at[NAMES_MAX]; /* best first */
    size_t count;
};

static void add_name(struct names *names, const char *name)
{
    if (names->count < NAMES_MAX)
        names->at[names->count++] = name;
}

static void list_names(const struct platform *source, enum entity entity, const char *field,
                       struct names *names)
{
    const struct platform_name *own = platform_names(source, entity, field);
    bool id = strcmp(field, "id") == 0;
    names->count = 0;
    add_name(names, field);
    if (id)
        add_name(names, entity_ids[entity]);
    for (size_t i = 0; own != NULL && i < own->own_count; i++)
        add_name(names, own->own[i]);
    if (id && entity == ENTITY_USER)
        add_name(names, "customer_id");
}

const char *mapping_member(const struct platform *source, enum entity entity, const struct json *data,
                           const char *field)
{
    struct names names;
    bool id = strcmp(field, "id") == 0; /* an id that is null may stand under another name */
    list_names(source, entity, field, &names);
    for (size_t i = 0; i < names.count; i++) {
        struct json *value;
        if (json_find(data, names.at[i], &value) && (value != NULL || !id))
            return names.at[i];
    }
    return NULL;
}

/* "12" and "-7" as they stand; 1e2 and 1.0 as the whole number they are. */
static int number_id(const struct json *value, struct buf *id)
{
    size_t len;
    const char *text = json_text(value, &len);
    int64_t number;
    if (strspn(text, "-0123456789") == len && strcmp(text, "-0") != 0) {
        buf_add(id, text, len);
        return 0;
    }
    if (json_int64(value, &number) != 0)
        return -1;
    buf_add_int(id, number);
    return 0;
}

int mapping_entity_id(const struct platform *source, enum entity entity, const struct json *data,
                      struct buf *id, const char **member)
{
    const char *name = entity < ENTITY_NONE ? mapping_member(source, entity, data, "id") : NULL;
    if (name == NULL)
        return 1;
    const struct json *value = json_get(data, name);
    enum json_type type = json_type(value);
    size_t len = 0;
    const char *text = json_text(value, &len);
    *member = name;
    if ((type != JSON_STRING && type != JSON_NUMBER) || len == 0 || len > ID_BYTES_MAX)
        return -1;
    if (type == JSON_NUMBER)
        return number_id(value, id);
    buf_add(id, text, len);
    return 0;
}

/* The common field that a member is one of the names of; the member itself when it is none. */
static const char *common_field(const struct platform *source, enum entity entity, const char *key)
{
    const char *field = platform_common_name(source, entity, key);
    if (field != NULL)
        return field;
    if (strcmp(key, entity_ids[entity]) == 0 || (entity == ENTITY_USER && strcmp(key, "customer_id") == 0))
        return "id";
    return key;
}

static bool is_addition(const struct platform *source, enum entity entity, const char *key)
{
    return strcmp(key, MAPPING_METADATA) == 0 || strcmp(key, MAPPING_CONTEXT) == 0 ||
           platform_adds(source, entity, key);
}

static struct json *value_in(const struct platform *source, enum entity entity, const char *field,
                             const struct json *value)
{
    enum json_type type = json_type(value);
    if (mapping_is_money(field) || strcmp(field, "inventory") == 0 || strcmp(field, "score") == 0)
        return mapping_as_number(value);
    if (mapping_is_money_list(field) && type == JSON_ARRAY)
        return mapping_list_as_numbers(value);
    if (mapping_is_time(field))
        return mapping_as_time(value);
    if (strcmp(field, "status") == 0 && type == JSON_STRING && source->entities[entity].words)
        return json_new_text(platform_common_word(source, json_text(value, NULL)));
    return json_copy(value);
}

struct json *mapping_in(const struct platform *source, enum entity entity, const struct json *data)
{
    struct json_iter iter = {NULL};
    const char *key;
    struct json *value;
    if (entity == ENTITY_NONE)
        return json_copy(data);
    if (json_type(data) != JSON_OBJECT)
        bug("the data of an event is no object");
    struct json *common = json_new_object();
    while (json_next(data, &iter, &key, &value)) {
        const char *field = common_field(source, entity, key);
        const char *best = mapping_member(source, entity, data, field);
        if (best != NULL && strcmp(best, key) == 0 && !is_addition(source, entity, key))
            json_set(common, field, value_in(source, entity, field, value));
    }
    return common;
}
