/* platform_inbound_fields.c: inbound.objects of a platform file: which members of the platform's objects are which common fields. */
#include "platform_inbound_fields.h"

#define VARIABLE_BYTES_MAX 64

/* ---- paths ---- */

/* The value of the variable behind "=$", up to its bracket, goes into the path. A variable that is not set: any element will do. */
static const char *add_variable(const struct reader *reader, const struct setting *setting, const char *at,
                                struct buf *path)
{
    char name[VARIABLE_BYTES_MAX + 1];
    size_t len = strcspn(at, "]"), selector = path->len;
    const char *value = NULL, *why;

    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), at);
    why = platform_check_variable(name);
    if (why)
        reader_complain(reader, setting, "has a $ in its brackets, behind which %s", why);
    else
        value = reader->source->lookup(reader->source->lookup_arg, name);
    if (value && strchr(value, ']'))
        reader_complain(reader, setting, "takes the value of %s, which must not have a ] in it", name);
    while (path->data[selector - 1] != '[') /* "member=" goes */
        selector--;
    if (value && value[0]) {
        buf_add_str(path, value);
    } else {
        path->len = selector;
        buf_add_ch(path, '0');
    }
    return at + len;
}

/* NULL after a complaint. */
static const char *read_path(const struct reader *reader, const struct setting *setting,
                             const struct setting *element)
{
    struct buf path = BUF_INIT;
    const char *kept = NULL, *why = "must be a path in quotes, or a list of paths";

    if (setting_type(element) == SETTING_TEXT)
        why = inbound_path_check(setting_text(element));
    for (const char *at = why ? "" : setting_text(element); *at;) {
        buf_add_ch(&path, *at++);
        if (at[-1] == '=' && *at == '$')
            at = add_variable(reader, setting, at + 1, &path);
    }
    if (!why)
        why = inbound_path_check(path.data);
    if (why)
        reader_complain(reader, setting, "%s", why);
    else
        kept = setting_copy_text(reader, path.data);
    buf_release(&path);
    return kept;
}

static void read_paths(const struct reader *reader, const struct setting *setting,
                       const char *paths[INBOUND_PATHS_MAX])
{
    bool list = setting_type(setting) == SETTING_LIST;
    size_t count = list ? setting_count(setting) : 1;

    if (count == 0 || count > INBOUND_PATHS_MAX) {
        reader_complain(reader, setting, "must have 1 to %d paths", INBOUND_PATHS_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++)
        paths[i] = read_path(reader, setting, list ? setting_at(setting, i) : setting);
}

/* ---- fields ---- */

static void read_field_path(const struct reader *reader, const struct setting *setting, void *target)
{
    read_paths(reader, setting, ((struct inbound_field *)target)->paths);
}

static void read_join(const struct reader *reader, const struct setting *setting, void *target)
{
    read_paths(reader, setting, ((struct inbound_field *)target)->join);
}

static void read_on_create(const struct reader *reader, const struct setting *setting, void *target)
{
    ((struct inbound_field *)target)->on_create = read_path(reader, setting, setting);
}

static void read_words(const struct reader *reader, const struct setting *group, void *target)
{
    struct inbound_field *field = target;
    struct inbound_word *words = setting_new_rows(reader, group, sizeof *words);

    for (size_t i = 0; i < setting_count(group); i++) {
        const struct setting *word = setting_at(group, i);
        if (setting_type(word) == SETTING_TEXT)
            words[i] = (struct inbound_word){setting_copy_text(reader, setting_name(word)),
                                             setting_copy_text(reader, setting_text(word))};
        else
            reader_complain(reader, word, "must be a text in quotes");
    }
    field->words = words;
    field->word_count = setting_count(group);
}

static void read_fields(const struct reader *reader, const struct setting *group, void *target);

static void read_each(const struct reader *reader, const struct setting *group, void *target)
{
    struct inbound_object *each = arena_alloc(reader->source->arena, sizeof *each);

    each->entity = ENTITY_NONE;
    each->currency = &reader->platform->currency;
    read_fields(reader, group, each);
    ((struct inbound_field *)target)->each = each;
}

#define FIELD(member) offsetof(struct inbound_field, member)

static void read_field(const struct reader *reader, const struct setting *setting, void *target)
{
    static const struct setting_row rows[] = {
        {"path", SETTING_ANY, false, 0, NULL, read_field_path},
        {"join", SETTING_ANY, false, 0, NULL, read_join},
        {"on_create", SETTING_TEXT, false, 0, NULL, read_on_create},
        {"words", SETTING_GROUP, false, 0, NULL, read_words},
        {"yes", SETTING_TEXT, false, FIELD(yes), NULL, NULL},
        {"no", SETTING_TEXT, false, FIELD(no), NULL, NULL},
        {"each", SETTING_GROUP, false, 0, NULL, read_each},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct inbound_field *field = target;
    const char *why = platform_check_member(setting_name(setting));

    field->name = setting_copy_text(reader, setting_name(setting));
    if (why)
        reader_complain(reader, setting, "%s", why);
    if (setting_type(setting) != SETTING_GROUP) {
        read_field_path(reader, setting, field);
        return;
    }
    setting_read_group(reader, setting, rows, field);
    if (!field->paths[0] && !field->join[0] && !field->on_create)
        reader_complain(reader, setting, "lacks a path, or a join of several");
    else if (field->paths[0] && field->join[0])
        reader_complain(reader, setting, "has both a path and a join; it takes one of them");
}

static void read_fields(const struct reader *reader, const struct setting *group, void *target)
{
    struct inbound_object *object = target;
    struct inbound_field *fields = setting_new_rows(reader, group, sizeof *fields);

    for (size_t i = 0; i < setting_count(group); i++)
        read_field(reader, setting_at(group, i), &fields[i]);
    object->fields = fields;
    object->field_count = setting_count(group);
}

/* ---- objects ---- */

static void read_entity(const struct reader *reader, const struct setting *setting, void *target)
{
    setting_read_entity(reader, setting, setting_text(setting), &((struct inbound_object *)target)->entity);
}

static void read_record(const struct reader *reader, const struct setting *setting, void *target)
{
    read_paths(reader, setting, ((struct inbound_object *)target)->record);
}

static void read_same(const struct reader *reader, const struct setting *setting, void *target)
{
    struct inbound_object *object = target;

    if (setting_type(setting) != SETTING_LIST || setting_count(setting) != 2) {
        reader_complain(reader, setting, "must be a list of two paths");
        return;
    }
    for (size_t i = 0; i < 2; i++)
        object->same[i] = read_path(reader, setting, setting_at(setting, i));
    if (!object->same[1])
        object->same[0] = NULL;
}

static void read_ours(const struct reader *reader, const struct setting *setting, void *target)
{
    struct inbound_object *object = target;
    const char **names = NULL;

    object->our_count = setting_read_texts(reader, setting, &names);
    object->ours = names;
}

static const struct inbound_field *find_field(const struct inbound_object *object, const char *name)
{
    for (size_t i = 0; i < object->field_count; i++)
        if (strcmp(object->fields[i].name, name) == 0)
            return &object->fields[i];
    return NULL;
}

static void read_object(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {"entity", SETTING_TEXT, true, 0, NULL, read_entity},
        {"record", SETTING_ANY, false, 0, NULL, read_record},
        {"same", SETTING_ANY, false, 0, NULL, read_same},
        {"ours", SETTING_ANY, false, 0, NULL, read_ours},
        {"fields", SETTING_GROUP, true, 0, NULL, read_fields},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct platform_inbound *inbound = target;
    struct inbound_object *object = &inbound->objects[inbound->object_count++];

    object->name = setting_copy_text(reader, setting_name(group));
    object->currency = &reader->platform->currency;
    if (setting_type(group) != SETTING_GROUP) {
        reader_complain(reader, group, "must be a group: { ... }");
        return;
    }
    setting_read_group(reader, group, rows, object);
    if (!find_field(object, "id"))
        reader_complain(reader, group, "lacks fields.id: where the platform's own id of the record stands");
    for (size_t i = 0; i < object->our_count; i++)
        if (!find_field(object, object->ours[i]))
            reader_complain(reader, group, "has %s in ours, which is none of its fields", object->ours[i]);
}

void platform_read_inbound_objects(const struct reader *reader, const struct setting *group,
                                   struct platform_inbound *inbound)
{
    inbound->objects = setting_new_rows(reader, group, sizeof *inbound->objects);
    setting_read_each(reader, group, read_object, inbound);
}
