/*
 * inbound_map.c: see inbound_map.h. Paths are read as text each time: they are short, and a webhook has few of them.
 *
 *   path := step { "." step }       step := member [ "[" place | member { "." member } "=" value "]" ]
 */
#include "inbound_map.h"

#include "inbound_text.h"
#include "mem.h"

#define PLACE_DIGITS_MAX 4

/* One step of a path: a member, and which element of the list in it. */
struct step {
    const char *name, *selector; /* selector: behind the bracket; NULL: the member itself */
    size_t name_len, selector_len;
};

/* ---- paths ---- */

/* The step at *at; false: it is none. Leaves *at behind it and its dot. */
static bool next_step(const char **at, struct step *step)
{
    const char *text = *at;
    size_t len = strcspn(text, ".[]=");

    *step = (struct step){.name = text, .name_len = len};
    text += len;
    if (*text == '[') {
        step->selector = text + 1;
        step->selector_len = strcspn(text + 1, "]");
        text += 1 + step->selector_len;
        if (*text != ']')
            return false;
        text++;
    }
    if (*text == '.')
        text++;
    else if (*text != '\0')
        return false;
    *at = text;
    return len > 0;
}

static bool is_place(const struct step *step)
{
    return strspn(step->selector, "0123456789") >= step->selector_len;
}

static const char *check_selector(const struct step *step)
{
    size_t member_len = strcspn(step->selector, "=]");

    if (step->selector_len > 0 && is_place(step))
        return step->selector_len <= PLACE_DIGITS_MAX ? NULL : "names a place in a list that is too far back";
    if (member_len == 0 || member_len >= step->selector_len)
        return "must have a place or member=value in its brackets";
    return step->selector[0] == '.' || step->selector[member_len - 1] == '.' ? "has an empty member name"
                                                                             : NULL;
}

const char *inbound_path_check(const char *path)
{
    size_t len = strlen(path);
    struct step step;

    if (len == 0 || len > INBOUND_PATH_LENGTH_MAX || path[len - 1] == '.')
        return "must be a path of 1 to 256 bytes: names with dots between them";
    while (*path) {
        if (!next_step(&path, &step))
            return "is no path: names with dots between them, [0] or [member=value] behind the name of a "
                   "list";
        const char *why = step.selector ? check_selector(&step) : NULL;
        if (why)
            return why;
    }
    return NULL;
}

static struct json *member(const struct json *object, const char *name, size_t len)
{
    char key[INBOUND_PATH_LENGTH_MAX + 1];

    if (len >= sizeof key)
        return NULL;
    memcpy(key, name, len);
    key[len] = '\0';
    return json_get(object, key);
}

/* The value of a.b.c in an element of a list. */
static struct json *deep_member(const struct json *from, const char *names, size_t len)
{
    const struct json *at = from;

    while (len > 0) {
        const char *dot = memchr(names, '.', len);
        size_t name_len = dot ? (size_t)(dot - names) : len;
        at = member(at, names, name_len);
        names += dot ? name_len + 1 : name_len;
        len -= dot ? name_len + 1 : name_len;
    }
    return (struct json *)at;
}

static bool is_text(const struct json *value, const char *text, size_t len)
{
    size_t value_len;
    const char *own = json_text(value, &value_len);

    return own && value_len == len && memcmp(own, text, len) == 0;
}

static size_t place_of(const struct step *step)
{
    size_t place = 0;

    for (size_t i = 0; i < step->selector_len; i++)
        place = place * 10 + (size_t)(step->selector[i] - '0');
    return place;
}

/* The number of the element that a selector means; the list's length when there is none. */
static size_t select_element(const struct json *list, const struct step *step)
{
    size_t count = json_type(list) == JSON_ARRAY ? json_count(list) : 0;
    size_t name_len = strcspn(step->selector, "=");
    const char *value = step->selector + name_len + 1;

    if (is_place(step))
        return place_of(step) < count ? place_of(step) : count;
    for (size_t i = 0; i < count; i++)
        if (is_text(deep_member(json_at(list, i), step->selector, name_len), value,
                    step->selector_len - name_len - 1))
            return i;
    return count;
}

/* Follows a path; pointer, when not NULL, gets the way as it is there. */
static struct json *follow(const struct json *from, const char *path, struct buf *pointer)
{
    const struct json *at = from;
    struct step step;

    while (*path && next_step(&path, &step)) {
        at = member(at, step.name, step.name_len);
        if (pointer)
            buf_addf(pointer, "/%.*s", (int)step.name_len, step.name);
        if (!step.selector)
            continue;
        size_t place = select_element(at, &step);
        if (json_type(at) != JSON_ARRAY || place >= json_count(at))
            return NULL;
        if (pointer)
            buf_addf(pointer, "/%zu", place);
        at = json_at(at, place);
    }
    return (struct json *)at;
}

struct json *inbound_find(const struct json *from, const char *path)
{
    return follow(from, path, NULL);
}

/* ---- fields ---- */

/* There, and neither null nor an empty text. */
static bool says_something(const struct json *value)
{
    size_t len = 1;

    if (json_type(value) == JSON_STRING)
        json_text(value, &len);
    return value && len > 0;
}

static const char *first_path(const struct json *from, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count && paths[i]; i++)
        if (says_something(inbound_find(from, paths[i])))
            return paths[i];
    return NULL;
}

static struct json *joined(const struct inbound_field *field, const struct json *from)
{
    struct buf text = BUF_INIT;
    struct json *value = NULL;

    for (size_t i = 0; i < INBOUND_PATHS_MAX && field->join[i]; i++) {
        const struct json *part = inbound_find(from, field->join[i]);
        size_t len;
        if (json_type(part) != JSON_STRING || !says_something(part))
            continue;
        if (text.len > 0)
            buf_add_ch(&text, ' ');
        const char *own = json_text(part, &len);
        buf_add(&text, own, len);
    }
    if (text.len > 0)
        value = json_new_text_len(text.data, text.len);
    buf_release(&text);
    return value;
}

/* true and false are words too. */
static const char *word_of(const struct json *value)
{
    if (json_type(value) == JSON_BOOL)
        return json_bool(value) ? "true" : "false";
    return json_type(value) == JSON_STRING ? json_text(value, NULL) : NULL;
}

static struct json *translated(const struct inbound_field *field, const struct json *value)
{
    const char *word = word_of(value);

    for (size_t i = 0; word && i < field->word_count; i++)
        if (strcmp(word, field->words[i].own) == 0)
            return json_new_text(field->words[i].common);
    return json_copy(value);
}

static struct json *list_of(const struct inbound_object *each, const struct json *from, enum verb verb)
{
    struct json *list = json_new_array();

    for (size_t i = 0; i < json_count(from); i++)
        json_append(list, inbound_map(each, json_at(from, i), verb));
    return list;
}

/* A new reference; NULL: the object says nothing of this field. */
static struct json *field_value(const struct inbound_field *field, const struct json *from, enum verb verb)
{
    const char *path = first_path(from, field->paths, INBOUND_PATHS_MAX);
    struct json *value = path ? NULL : joined(field, from);

    if (!path && !value && verb == VERB_CREATE && field->on_create)
        path = first_path(from, &field->on_create, 1);
    if (!path)
        return value;
    value = inbound_find(from, path);
    if (field->rich)
        return inbound_plain_text(value);
    if (field->each)
        return json_type(value) == JSON_ARRAY ? list_of(field->each, value, verb) : NULL;
    return translated(field, value);
}

/* ---- objects ---- */

static bool is_same(const struct inbound_object *object, const struct json *from)
{
    size_t len;
    const char *text = json_text(inbound_find(from, object->same[1]), &len);

    return text && is_text(inbound_find(from, object->same[0]), text, len);
}

bool inbound_concerns(const struct inbound_object *object, const struct json *from, enum verb verb)
{
    if (verb == VERB_DELETE)
        return true;
    for (size_t i = 0; i < INBOUND_PATHS_MAX && object->needs[i]; i++)
        if (!says_something(inbound_find(from, object->needs[i])))
            return false;
    return !object->same[0] || is_same(object, from);
}

static bool is_taken(const struct inbound_object *object, const char *name, bool ours)
{
    bool taken = !ours || object->our_count == 0 || strcmp(name, "id") == 0;

    for (size_t i = 0; i < object->our_count && !taken; i++)
        taken = strcmp(object->ours[i], name) == 0;
    return taken;
}

static bool is_own_currency(const struct inbound_object *object, const char *name, const struct json *value)
{
    return strcmp(name, "currency") == 0 && object->currency &&
           is_text(value, *object->currency, strlen(*object->currency));
}

static void add_record(const struct json *record, struct json *data)
{
    struct json *metadata = json_new_object();

    json_set(metadata, "record_id", json_copy(record));
    json_set(data, "_sync_metadata", metadata);
}

struct json *inbound_map(const struct inbound_object *object, const struct json *from, enum verb verb)
{
    const char *path = first_path(from, object->record, INBOUND_PATHS_MAX);
    const struct json *record = path ? inbound_find(from, path) : NULL;
    struct json *data = json_new_object();

    for (size_t i = 0; i < object->field_count; i++) {
        const struct inbound_field *field = &object->fields[i];
        struct json *value =
            is_taken(object, field->name, record != NULL) ? field_value(field, from, verb) : NULL;
        if (value && !is_own_currency(object, field->name, value))
            json_set(data, field->name, value);
        else
            json_free(value);
    }
    if (json_type(record) == JSON_STRING)
        add_record(record, data);
    return data;
}

/* ---- what comes back ---- */

static bool is_among(const struct inbound_word *word, const char *text)
{
    bool found = strcmp(word->common, text) == 0;

    for (size_t i = 0; i < word->same_count && !found; i++)
        found = strcmp(word->same[i], text) == 0;
    return found;
}

/* One row's own word may stand for both. */
static bool is_same_word(const struct inbound_field *field, const char *held, const char *incoming)
{
    bool named = false;

    for (size_t i = 0; i < field->word_count && !named; i++)
        named = is_among(&field->words[i], held);
    for (size_t i = 0; i < field->word_count; i++) {
        const struct inbound_word *word = &field->words[i];
        if (strcmp(word->common, incoming) == 0 && (is_among(word, held) || (!named && is_among(word, "*"))))
            return true;
    }
    return false;
}

/* Joining loses how many blanks there were, the way to an editor's blocks and back the blanks around the lines. */
static bool is_same_text(const struct inbound_field *field, const struct json *held, const char *incoming)
{
    struct json *text = field->rich && json_type(held) == JSON_OBJECT ? inbound_plain_text(held) : NULL;
    const char *old = word_of(text ? text : held);
    bool same = old && (field->join[0] || field->rich || field->caseless) &&
                inbound_is_loosely(old, incoming, field->caseless);

    json_free(text);
    return same;
}

bool inbound_same(const struct inbound_object *object, const char *name, const struct json *held,
                  const struct json *incoming)
{
    const char *old = held ? word_of(held) : "", *new = word_of(incoming);

    for (size_t i = 0; new &&i < object->field_count; i++) {
        const struct inbound_field *field = &object->fields[i];
        if (strcmp(field->name, name) == 0)
            return (old && is_same_word(field, old, new)) || is_same_text(field, held, new);
    }
    return false;
}

void inbound_pointer(struct buf *out, const struct inbound_object *object, const struct json *from,
                     const char *name)
{
    for (size_t i = 0; i < object->field_count; i++) {
        const struct inbound_field *field = &object->fields[i];
        const char *path = first_path(from, field->paths, INBOUND_PATHS_MAX);
        if (strcmp(field->name, name) != 0)
            continue;
        if (!path)
            path = field->paths[0] ? field->paths[0] : field->join[0];
        follow(from, path, out);
        return;
    }
    buf_addf(out, "/%s", name);
}
