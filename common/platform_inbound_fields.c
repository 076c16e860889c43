/* platform_inbound_fields.c: inbound.objects of a platform file: which members of the platform's objects are which common fields. */
#include "platform_inbound_fields.h"

/* ---- paths ---- */

/* "=$channel" and "=$warehouse" are those that deliveries go to, so that what comes in is read from the same place. */
static const char *add_place(const struct reader *reader, const struct setting *setting, const char *at,
                             struct buf *path)
{
    const struct platform_graphql *graphql = reader->platform->graphql;
    size_t len = strcspn(at, "]");
    const char *value = NULL;

    if (graphql && len == 7 && memcmp(at, "channel", len) == 0)
        value = graphql->channel;
    else if (graphql && len == 9 && memcmp(at, "warehouse", len) == 0)
        value = graphql->warehouse;
    else
        reader_complain(
            reader, setting,
            "has $%.*s in its brackets: only $channel and $warehouse are known, of the group graphql "
            "before this one",
            (int)(len < 64 ? len : 64), at);
    buf_add_str(path, value ? value : "?");
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
            at = add_place(reader, setting, at + 1, &path);
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

/* The first is what it is translated to. */
static void read_word(const struct reader *reader, const struct setting *setting, const char *own,
                      struct inbound_word *word)
{
    bool list = setting_type(setting) == SETTING_LIST && setting_count(setting) > 0;
    size_t count = list ? setting_count(setting) : 1;
    const char **texts = arena_alloc(reader->source->arena, count * sizeof *texts);

    for (size_t i = 0; i < count; i++) {
        const struct setting *one = list ? setting_at(setting, i) : setting;
        if (setting_type(one) != SETTING_TEXT) {
            reader_complain(reader, setting, "must be a text in quotes or a list of texts");
            return;
        }
        texts[i] = setting_copy_text(reader, setting_text(one));
    }
    if (!*texts[0] || strcmp(texts[0], "*") == 0)
        reader_complain(reader, setting, "must begin with the word that it is translated to");
    *word = (struct inbound_word){own, texts[0], texts + 1, count - 1};
}

/* words, and yes and no beside it: room for all of them was made when the field began. */
static struct inbound_word *next_word(struct inbound_field *field)
{
    return (struct inbound_word *)&field->words[field->word_count++];
}

static void read_words(const struct reader *reader, const struct setting *group, void *target)
{
    for (size_t i = 0; i < setting_count(group); i++) {
        const struct setting *word = setting_at(group, i);
        read_word(reader, word, setting_copy_text(reader, setting_name(word)), next_word(target));
    }
}

static void read_yes(const struct reader *reader, const struct setting *setting, void *target)
{
    read_word(reader, setting, "true", next_word(target));
}

static void read_no(const struct reader *reader, const struct setting *setting, void *target)
{
    read_word(reader, setting, "false", next_word(target));
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
        {"yes", SETTING_ANY, false, 0, NULL, read_yes},
        {"no", SETTING_ANY, false, 0, NULL, read_no},
        {"rich", SETTING_BOOL, false, FIELD(rich), NULL, NULL},
        {"caseless", SETTING_BOOL, false, FIELD(caseless), NULL, NULL},
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
    const struct setting *words = setting_member(setting, "words");
    size_t room = 2 + (words ? setting_count(words) : 0);
    field->words = arena_alloc(reader->source->arena, room * sizeof *field->words);
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

static void read_needs(const struct reader *reader, const struct setting *setting, void *target)
{
    read_paths(reader, setting, ((struct inbound_object *)target)->needs);
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
        {"needs", SETTING_ANY, false, 0, NULL, read_needs},
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
