/*
 * json.c: our JSON values are json-c's, built from the strict scanner and never by json-c's own parser.
 *
 * Every number is a json-c double that carries its source text as user data; the double itself is 0 and nobody reads it. A
 * getter of json-c that coerces ("12" to 12, true to 1) must not be called before the type was looked at.
 */
#define json_type json_c_type /* json-c has types of these names, json.h functions */
#define json_bool json_c_bool
#include <json-c/json_object.h>
#include <json-c/linkhash.h>
#undef json_type
#undef json_bool

#include "json.h"
#include "json_number.h"
#include "json_scan.h"
#include "log.h"
#include "mem.h"

struct builder {
    struct json_object *root;
    struct json_object *open[JSON_DEPTH_MAX]; /* borrowed: each is in the one before */
    unsigned depth;
    struct buf key; /* of the member whose value comes next */
};

static struct json_object *inner(const struct json *json)
{
    return (struct json_object *)json;
}

static struct json *outer(struct json_object *object)
{
    return (struct json *)object;
}

/* json-c answers NULL when memory is out. */
static struct json_object *made(struct json_object *object)
{
    if (object == NULL)
        fatal("out of memory: no room for a JSON value");
    return object;
}

static struct json_object *make_number(const char *text, size_t len)
{
    struct json_object *number = made(json_object_new_double(0));
    json_object_set_serializer(number, json_object_userdata_to_json_string, mem_strndup(text, len),
                               json_object_free_userdata);
    return number;
}

static struct json_object *make_text(const char *text, size_t len)
{
    if (len > JSON_SIZE_MAX)
        bug("a JSON text of %zu bytes", len);
    return made(json_object_new_string_len(text, (int)len));
}

static void build(struct builder *b, struct json_object *value)
{
    struct json_object *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
    int failed = 0;
    if (parent == NULL)
        b->root = value;
    else if (json_object_is_type(parent, json_type_array))
        failed = json_object_array_add(parent, value);
    else
        failed = json_object_object_add_ex(parent, b->key.data, value, JSON_C_OBJECT_ADD_KEY_IS_NEW);
    if (failed)
        fatal("out of memory: no room for a JSON value");
}

static void open_value(struct builder *b, struct json_object *value)
{
    build(b, value);
    b->open[b->depth++] = value;
}

static void build_object(void *arg)
{
    open_value(arg, made(json_object_new_object()));
}

static void build_array(void *arg)
{
    open_value(arg, made(json_object_new_array_ext(4)));
}

static void build_end(void *arg)
{
    ((struct builder *)arg)->depth--;
}

static void build_key(void *arg, const char *key, size_t len)
{
    struct builder *b = arg;
    buf_reset(&b->key);
    buf_add(&b->key, key, len);
}

static void build_text(void *arg, const char *text, size_t len)
{
    build(arg, make_text(text, len));
}

static void build_number(void *arg, const char *text, size_t len)
{
    build(arg, make_number(text, len));
}

static void build_word(void *arg, char first)
{
    build(arg, first == 'n' ? NULL : made(json_object_new_boolean(first == 't')));
}

struct json *json_parse(const char *text, size_t len, unsigned depth_max, struct json_error *error, bool *ok)
{
    static const struct json_sink sink = {build_object, build_array,  build_end, build_key,
                                          build_text,   build_number, build_word};
    struct builder b = {.key = BUF_INIT};
    *ok = json_scan(text, len, depth_max, &sink, &b, error) == 0;
    buf_release(&b.key);
    if (*ok)
        return outer(b.root);
    json_object_put(b.root);
    return NULL;
}

int json_check(const char *text, size_t len, unsigned depth_max, struct json_error *error)
{
    return json_scan(text, len, depth_max, NULL, NULL, error);
}

void json_free(struct json *json)
{
    json_object_put(inner(json));
}

struct json *json_ref(struct json *json)
{
    return outer(json_object_get(inner(json)));
}

struct json *json_copy(const struct json *json)
{
    struct json_object *copy = NULL;
    if (json != NULL && json_object_deep_copy(inner(json), &copy, NULL) != 0)
        fatal("out of memory: no room for a copy of a JSON value");
    return outer(copy);
}

enum json_type json_type(const struct json *json)
{
    switch (json_object_get_type(inner(json))) {
    case json_type_null:
        return JSON_NULL;
    case json_type_boolean:
        return JSON_BOOL;
    case json_type_string:
        return JSON_STRING;
    case json_type_array:
        return JSON_ARRAY;
    case json_type_object:
        return JSON_OBJECT;
    case json_type_double:
    case json_type_int:
        return JSON_NUMBER;
    }
    bug("a JSON value of a type that json-c does not have");
}

const char *json_type_name(enum json_type type)
{
    static const char *const names[] = {"null", "boolean", "number", "string", "array", "object"};
    return names[type];
}

static void expect(const struct json *json, enum json_type type)
{
    if (json_type(json) != type)
        bug("a JSON %s was taken for %s", json_type_name(json_type(json)), json_type_name(type));
}

bool json_find(const struct json *object, const char *key, struct json **value)
{
    struct json_object *found = NULL;
    bool there = json_type(object) == JSON_OBJECT && json_object_object_get_ex(inner(object), key, &found);
    if (value != NULL)
        *value = outer(found);
    return there;
}

struct json *json_get(const struct json *object, const char *key)
{
    struct json *value;
    json_find(object, key, &value);
    return value;
}

const char *json_get_text(const struct json *object, const char *key)
{
    struct json *value = json_get(object, key);
    return json_type(value) == JSON_STRING ? json_text(value, NULL) : NULL;
}

void json_set(struct json *object, const char *key, struct json *value)
{
    expect(object, JSON_OBJECT);
    if (json_object_object_add(inner(object), key, inner(value)) != 0)
        fatal("out of memory: no room for a JSON member");
}

void json_remove(struct json *object, const char *key)
{
    expect(object, JSON_OBJECT);
    json_object_object_del(inner(object), key);
}

/* The state is the entry given last: setting or removing members while walking would pull it away. */
bool json_next(const struct json *object, struct json_iter *iter, const char **key, struct json **value)
{
    expect(object, JSON_OBJECT);
    struct lh_entry *last = iter->state;
    struct lh_entry *entry =
        last != NULL ? lh_entry_next(last) : lh_table_head(json_object_get_object(inner(object)));
    if (entry == NULL)
        return false;
    iter->state = entry;
    if (key != NULL)
        *key = lh_entry_k(entry);
    if (value != NULL)
        *value = lh_entry_v(entry);
    return true;
}

size_t json_count(const struct json *json)
{
    switch (json_type(json)) {
    case JSON_ARRAY:
        return json_object_array_length(inner(json));
    case JSON_OBJECT:
        return (size_t)json_object_object_length(inner(json));
    default:
        return 0;
    }
}

struct json *json_at(const struct json *array, size_t index)
{
    expect(array, JSON_ARRAY);
    return outer(json_object_array_get_idx(inner(array), index));
}

void json_append(struct json *array, struct json *value)
{
    expect(array, JSON_ARRAY);
    if (json_object_array_add(inner(array), inner(value)) != 0)
        fatal("out of memory: no room for a JSON value");
}

const char *json_text(const struct json *string_or_number, size_t *len)
{
    struct json_object *object = inner(string_or_number);
    const char *text = NULL;
    size_t text_len = 0;
    if (json_type(string_or_number) == JSON_STRING) {
        text = json_object_get_string(object);
        text_len = (size_t)json_object_get_string_len(object);
    } else if (json_type(string_or_number) == JSON_NUMBER) {
        text = json_object_get_userdata(object);
        text_len = strlen(text);
    }
    if (len != NULL)
        *len = text_len;
    return text;
}

bool json_bool(const struct json *json)
{
    expect(json, JSON_BOOL);
    return json_object_get_boolean(inner(json));
}

int json_int64(const struct json *json, int64_t *value)
{
    size_t len;
    if (json_type(json) != JSON_NUMBER)
        return -1;
    const char *text = json_text(json, &len);
    return json_number_int64(text, len, value);
}

struct json *json_new_object(void)
{
    return outer(made(json_object_new_object()));
}

struct json *json_new_array(void)
{
    return outer(made(json_object_new_array()));
}

struct json *json_new_text_len(const char *text, size_t len)
{
    return outer(make_text(text, len));
}

struct json *json_new_text(const char *text)
{
    return text == NULL ? NULL : json_new_text_len(text, strlen(text));
}

struct json *json_new_int(int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)value);
    return outer(make_number(text, (size_t)len));
}

struct json *json_new_number(const char *source_text)
{
    const char *why;
    size_t len = strlen(source_text);
    if (json_number_scan(source_text, len, &why) != len || why != NULL)
        bug("\"%s\" was taken for a JSON number", source_text);
    return outer(make_number(source_text, len));
}

struct json *json_new_bool(bool value)
{
    return outer(made(json_object_new_boolean(value)));
}

static void write_object(struct buf *buf, const struct json *object)
{
    struct json_iter iter = {NULL};
    const char *key, *separator = "{";
    struct json *value;
    while (json_next(object, &iter, &key, &value)) {
        buf_add_str(buf, separator);
        buf_add_json(buf, key, strlen(key));
        buf_add_ch(buf, ':');
        json_write(buf, value);
        separator = ",";
    }
    buf_add_str(buf, *separator == '{' ? "{}" : "}");
}

static void write_array(struct buf *buf, const struct json *array)
{
    size_t count = json_count(array);
    buf_add_ch(buf, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_ch(buf, ',');
        json_write(buf, json_at(array, i));
    }
    buf_add_ch(buf, ']');
}

void json_write(struct buf *buf, const struct json *json)
{
    size_t len;
    const char *text = json_text(json, &len);
    switch (json_type(json)) {
    case JSON_NULL:
        buf_add(buf, "null", 4);
        return;
    case JSON_BOOL:
        buf_add_str(buf, json_bool(json) ? "true" : "false");
        return;
    case JSON_NUMBER:
        buf_add(buf, text, len);
        return;
    case JSON_STRING:
        buf_add_json(buf, text, len);
        return;
    case JSON_ARRAY:
        write_array(buf, json);
        return;
    case JSON_OBJECT:
        write_object(buf, json);
        return;
    }
}

static bool objects_equal(const struct json *a, const struct json *b)
{
    struct json_iter iter = {NULL};
    const char *key;
    struct json *value, *other;
    if (json_count(a) != json_count(b))
        return false;
    while (json_next(a, &iter, &key, &value)) {
        if (!json_find(b, key, &other) || !json_equal(value, other))
            return false;
    }
    return true;
}

static bool arrays_equal(const struct json *a, const struct json *b)
{
    size_t count = json_count(a);
    if (count != json_count(b))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!json_equal(json_at(a, i), json_at(b, i)))
            return false;
    }
    return true;
}

bool json_equal(const struct json *a, const struct json *b)
{
    if (a == b)
        return true;
    if (json_type(a) != json_type(b))
        return false;
    size_t a_len, b_len;
    const char *a_text = json_text(a, &a_len), *b_text = json_text(b, &b_len);
    switch (json_type(a)) {
    case JSON_BOOL:
        return json_bool(a) == json_bool(b);
    case JSON_NUMBER:
        return json_number_equal(a_text, a_len, b_text, b_len);
    case JSON_STRING:
        return a_len == b_len && memcmp(a_text, b_text, a_len) == 0;
    case JSON_ARRAY:
        return arrays_equal(a, b);
    case JSON_OBJECT:
        return objects_equal(a, b);
    default:
        return true;
    }
}
