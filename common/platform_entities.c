/*
 * platform_entities.c: the group entities of a platform file: what the platform calls the fields of each entity, which of them
 * it requires, can hold and can change, and what it is given where a record has nothing.
 *
 * A table that speaks of a field must give its common name: under the platform's own one it would be read, and do nothing.
 */
#include "platform_setting.h"

#define OWN_NAMES_MAX 12 /* mapping_in.c looks at as many, beside the common ones */

static bool is_member_name(const struct reader *reader, const struct setting *setting,
                           const struct setting *element)
{
    const char *why = "must be a text in quotes or a list of texts";
    if (setting_type(element) == SETTING_TEXT)
        why = platform_check_member(setting_text(element));
    if (why != NULL)
        reader_complain(reader, setting, "%s", why);
    return why == NULL;
}

size_t setting_read_texts(const struct reader *reader, const struct setting *setting, const char ***texts)
{
    bool list = setting_type(setting) == SETTING_LIST && setting_count(setting) > 0;
    size_t count = list ? setting_count(setting) : 1;
    *texts = arena_alloc(reader->source->arena, count * sizeof **texts);
    for (size_t i = 0; i < count; i++) {
        const struct setting *element = list ? setting_at(setting, i) : setting;
        if (!is_member_name(reader, setting, element))
            return 0;
        (*texts)[i] = setting_copy_text(reader, setting_text(element));
    }
    return count;
}

const char *setting_read_member(const struct reader *reader, const struct setting *setting)
{
    return is_member_name(reader, setting, setting) ? setting_copy_text(reader, setting_text(setting)) : NULL;
}

bool setting_read_entity(const struct reader *reader, const struct setting *setting, const char *name,
                         enum entity *entity)
{
    if (name != NULL && msg_entity(name, entity) == 0 && *entity < ENTITY_NONE)
        return true;
    reader_complain(reader, setting, "is no entity; the choice is user, lead, order, campaign, product");
    return false;
}

void *setting_new_rows(const struct reader *reader, const struct setting *group, size_t size)
{
    return arena_alloc(reader->source->arena, (setting_count(group) + 1) * size);
}

/* ---- names ---- */

static void read_name(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_entity *rules = target;
    struct platform_name name = {setting_copy_text(reader, setting_name(setting)), NULL, 0,
                                 setting_line(setting)};
    const char *why = platform_check_member(name.field);
    name.own_count = setting_read_texts(reader, setting, &name.own);
    if (why != NULL)
        reader_complain(reader, setting, "%s", why);
    if (name.own_count > OWN_NAMES_MAX)
        reader_complain(reader, setting, "has more than %d names", OWN_NAMES_MAX);
    if (name.own_count > 0)
        rules->names[rules->name_count++] = name;
}

static void read_names(const struct reader *reader, const struct setting *group, void *target)
{
    struct platform_entity *rules = target;
    rules->names = setting_new_rows(reader, group, sizeof *rules->names);
    setting_read_each(reader, group, read_name, rules);
}

static void read_addition(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_entity *rules = target;
    struct platform_also also = {setting_copy_text(reader, setting_name(setting)),
                                 setting_read_member(reader, setting), setting_line(setting)};
    if (also.own != NULL)
        rules->also[rules->also_count++] = also;
}

static void read_also(const struct reader *reader, const struct setting *group, void *target)
{
    struct platform_entity *rules = target;
    rules->also = setting_new_rows(reader, group, sizeof *rules->also);
    setting_read_each(reader, group, read_addition, rules);
}

static bool is_own_name(const struct platform_name *name, const char *own)
{
    for (size_t i = 0; i < name->own_count; i++) {
        if (strcmp(name->own[i], own) == 0)
            return true;
    }
    return false;
}

/* One name must stand for one field, or reading would not undo writing. `place` is the field's own in the table, or behind. */
static void check_name(const struct reader *reader, const struct setting *group,
                       const struct platform_entity *rules, size_t place, const char *own)
{
    const char *field = place < rules->name_count ? rules->names[place].field : "an addition";
    for (size_t i = 0; i < rules->name_count; i++) {
        const struct platform_name *other = &rules->names[i];
        if ((i != place && strcmp(other->field, own) == 0) || (i < place && is_own_name(other, own)))
            reader_complain(reader, group, "gives the name %s to both %s and %s", own, other->field, field);
    }
}

static void check_names(const struct reader *reader, const struct setting *group,
                        const struct platform_entity *rules)
{
    for (size_t i = 0; i < rules->name_count; i++) {
        for (size_t j = 0; j < rules->names[i].own_count; j++)
            check_name(reader, group, rules, i, rules->names[i].own[j]);
    }
    for (size_t i = 0; i < rules->also_count; i++)
        check_name(reader, group, rules, rules->name_count, rules->also[i].own);
    for (size_t i = 0; i < rules->computed_count; i++)
        check_name(reader, group, rules, rules->name_count, rules->computed[i].own);
}

/* ---- what is required, held, changed, and given ---- */

static void read_required(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_entity *rules = target;
    rules->required_count = setting_read_texts(reader, setting, &rules->required);
}

static void read_holds(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_limits *limits = target;
    limits->holds_count = setting_read_texts(reader, setting, &limits->holds);
}

static void read_fixed(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_limits *limits = target;
    limits->fixed_count = setting_read_texts(reader, setting, &limits->fixed);
}

static void read_entity_holds(const struct reader *reader, const struct setting *setting, void *target)
{
    read_holds(reader, setting, &((struct platform_entity *)target)->rest);
}

static void read_entity_fixed(const struct reader *reader, const struct setting *setting, void *target)
{
    read_fixed(reader, setting, &((struct platform_entity *)target)->rest);
}

static void read_over_graphql(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {"holds", SETTING_ANY, false, 0, NULL, read_holds},
        {"fixed", SETTING_ANY, false, 0, NULL, read_fixed},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    setting_read_group(reader, group, rows, &((struct platform_entity *)target)->graphql);
}

static struct json *to_json(const struct reader *reader, const struct setting *setting)
{
    bool group = setting_type(setting) == SETTING_GROUP;
    switch (setting_type(setting)) {
    case SETTING_TEXT:
        return json_new_text(setting_text(setting));
    case SETTING_BOOL:
        return json_new_bool(setting_bool(setting));
    case SETTING_INT:
        return json_new_int(setting_int(setting));
    case SETTING_FRACTION:
        reader_complain(reader, setting, "has a fraction; only whole numbers are kept exactly");
        return NULL;
    default:
        break;
    }
    struct json *json = group ? json_new_object() : json_new_array();
    for (size_t i = 0; i < setting_count(setting); i++) {
        const struct setting *element = setting_at(setting, i);
        if (group)
            json_set(json, setting_name(element), to_json(reader, element));
        else
            json_append(json, to_json(reader, element));
    }
    return json;
}

static void read_default(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_entity *rules = target;
    struct platform_default row = {setting_copy_text(reader, setting_name(setting)), to_json(reader, setting),
                                   setting_line(setting)};
    rules->defaults[rules->default_count++] = row;
    if (strcmp(row.field, "id") == 0)
        reader_complain(reader, setting, "cannot have a default: every record would get the same");
}

static void read_defaults(const struct reader *reader, const struct setting *group, void *target)
{
    struct platform_entity *rules = target;
    rules->defaults = setting_new_rows(reader, group, sizeof *rules->defaults);
    setting_read_each(reader, group, read_default, rules);
}

/* `field` stands in the setting, a table of common names. */
static void check_common(const struct reader *reader, const struct setting *setting,
                         const struct platform_entity *rules, const char *field)
{
    for (size_t i = 0; i < rules->name_count; i++) {
        const struct platform_name *name = &rules->names[i];
        if (strcmp(name->field, field) != 0 && is_own_name(name, field))
            reader_complain(reader, setting,
                            "speaks of %s, which is what this platform calls %s: give the common name", field,
                            name->field);
    }
}

static void check_list(const struct reader *reader, const struct setting *setting,
                       const struct platform_entity *rules, const char *const *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_common(reader, setting, rules, fields[i]);
}

static bool is_in(const char *const *fields, size_t count, const char *field)
{
    while (count > 0 && strcmp(fields[count - 1], field) != 0)
        count--;
    return count > 0;
}

/* What is required must be held; `setting` is the list holds, where there is one. */
static void check_limits(const struct reader *reader, const struct setting *group,
                         const struct platform_entity *rules, const struct platform_limits *limits)
{
    const struct setting *holds = setting_member(group, "holds");
    check_list(reader, holds, rules, limits->holds, limits->holds_count);
    check_list(reader, setting_member(group, "fixed"), rules, limits->fixed, limits->fixed_count);
    for (size_t i = 0; limits->holds_count > 0 && i < rules->required_count; i++) {
        const char *field = rules->required[i];
        if (strcmp(field, "id") != 0 && !is_in(limits->holds, limits->holds_count, field))
            reader_complain(reader, holds, "lacks %s, which is required", field);
    }
    if (is_in(limits->fixed, limits->fixed_count, "id"))
        reader_complain(reader, setting_member(group, "fixed"), "need not name id: it never changes");
}

static void check_fields(const struct reader *reader, const struct setting *group,
                         const struct platform_entity *rules)
{
    const struct setting *over_graphql = setting_member(group, "graphql");
    check_list(reader, setting_member(group, "required"), rules, rules->required, rules->required_count);
    for (size_t i = 0; i < rules->default_count; i++)
        check_common(reader, setting_member(group, "defaults"), rules, rules->defaults[i].field);
    for (size_t i = 0; i < rules->also_count; i++)
        check_common(reader, setting_member(group, "also"), rules, rules->also[i].field);
    check_limits(reader, group, rules, &rules->rest);
    if (over_graphql != NULL)
        check_limits(reader, over_graphql, rules, &rules->graphql);
}

/* ---- the entity ---- */

static void read_rate(const struct reader *reader, const struct setting *setting, void *target)
{
    setting_read_rate(reader, setting, &((struct platform_entity *)target)->rate_per_minute);
}

void setting_read_rate(const struct reader *reader, const struct setting *setting, void *target)
{
    int64_t *rate = target;
    *rate = setting_int(setting);
    if (*rate <= 0 || *rate > PLATFORM_RATE_MAX)
        reader_complain(reader, setting, "must lie between 1 and %d; leave it out for no limit",
                        PLATFORM_RATE_MAX);
}

static void read_entity(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {"names", SETTING_GROUP, false, 0, NULL, read_names},
        {"required", SETTING_ANY, false, 0, NULL, read_required},
        {"holds", SETTING_ANY, false, 0, NULL, read_entity_holds},
        {"fixed", SETTING_ANY, false, 0, NULL, read_entity_fixed},
        {"defaults", SETTING_GROUP, false, 0, NULL, read_defaults},
        {"also", SETTING_GROUP, false, 0, NULL, read_also},
        {"computed", SETTING_GROUP, false, 0, NULL, platform_read_computed},
        {"graphql", SETTING_GROUP, false, 0, NULL, read_over_graphql},
        {"parents", SETTING_GROUP, false, 0, NULL, platform_read_parents},
        {"rate_per_minute", SETTING_INT, false, 0, NULL, read_rate},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct platform *platform = target;
    enum entity entity;
    size_t before = reader->source->errors->len;
    if (!setting_read_entity(reader, group, setting_name(group), &entity))
        return;
    if (setting_type(group) != SETTING_GROUP) {
        reader_complain(reader, group, "must be a group: { ... }");
        return;
    }
    platform->entities[entity].line = setting_line(group);
    setting_read_group(reader, group, rows, &platform->entities[entity]);
    if (reader->source->errors->len > before)
        return;
    check_names(reader, group, &platform->entities[entity]);
    check_fields(reader, group, &platform->entities[entity]);
    platform_parse_computed(reader, group, entity);
}

void platform_read_entities(const struct reader *reader, const struct setting *group, void *target)
{
    setting_read_each(reader, group, read_entity, target);
}
