/*
 * policy_fields.c: which fields there are, and what they hold: the group `fields` of a policy file, and the tables of the
 * platform files. A policy for a field that nobody knows would never be used: most likely its name is misspelt.
 */
#include "policy_parts.h"

static const char *const type_names[] = {
#define X(name, text) text,
    POLICY_TYPES(X)
#undef X
        NULL};

const char *policy_type_name(enum policy_type type)
{
    return type_names[type];
}

static struct policy_field *find(struct policy_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (strcmp(fields->rows[i].name, name) == 0)
            return &fields->rows[i];
    }
    return NULL;
}

enum policy_type policy_field_type(const struct policy_set *set, enum entity entity, const char *field)
{
    const struct policy_field *row = find((struct policy_fields *)&set->fields[entity], field);
    return row != NULL ? row->type : POLICY_ANY;
}

bool policy_holds_any(const struct policy_set *set, enum entity entity, const char *field)
{
    const struct policy_field *row = find((struct policy_fields *)&set->fields[entity], field);
    return row != NULL && row->type == POLICY_ANY;
}

static void read_field(const struct reader *reader, const struct setting *setting, void *target)
{
    struct policy_reading *reading = target;
    struct policy_fields *fields = &reading->set->fields[reading->entity];
    const char *name = setting_name(setting);
    struct policy_field *known = find(fields, name);
    int type;
    if (setting_type(setting) != SETTING_TEXT) {
        reader_complain(reader, setting, "must be a type in quotes, such as \"number\"");
        return;
    }
    type = setting_read_word(reader, setting, type_names);
    if (type < 0)
        return;
    if (known != NULL && known->type != (enum policy_type)type)
        reader_complain(reader, setting, "is of the type %s already", type_names[known->type]);
    else if (known == NULL && fields->count == POLICY_FIELDS_MAX)
        reader_complain(reader, setting, "is one field too many: %d can be declared", POLICY_FIELDS_MAX);
    else if (known == NULL)
        fields->rows[fields->count++] =
            (struct policy_field){setting_copy_text(reader, name), (enum policy_type)type};
}

static void read_entity(const struct reader *reader, const struct setting *group, void *target)
{
    struct policy_reading *reading = target;
    if (policy_read_entity(reader, group, &reading->entity))
        setting_read_each(reader, group, read_field, reading);
}

void policy_read_fields(const struct reader *reader, const struct setting *group, void *reading)
{
    setting_read_each(reader, group, read_entity, reading);
}

bool policy_knows(const struct reader *reader, const struct setting *setting,
                  const struct policy_reading *reading, const char *field)
{
    size_t platforms = reading->platforms != NULL ? platform_count(reading->platforms) : 0;
    if (find(&reading->set->fields[reading->entity], field) != NULL)
        return true;
    for (size_t i = 0; i < platforms; i++) {
        if (platform_knows(platform_at(reading->platforms, i), reading->entity, field))
            return true;
    }
    for (size_t i = 0; i < platforms; i++) {
        const struct platform *platform = platform_at(reading->platforms, i);
        const char *common = platform_common_field(platform, reading->entity, field);
        if (common == NULL)
            continue;
        reader_complain(reader, setting, "is what %s calls %s: give the common name", platform_name(platform),
                        common);
        return false;
    }
    reader_complain(
        reader, setting,
        "is no field of %s that a platform knows: look at its spelling, or declare it under fields",
        msg_entity_name(reading->entity));
    return false;
}

const char *const *policy_rule_names(struct policy_set *set, enum entity entity)
{
    const struct policy_fields *fields = &set->fields[entity];
    const char **names = arena_alloc(set->arena, (fields->count + 3) * sizeof *names);
    for (size_t i = 0; i < fields->count; i++)
        names[i] = fields->rows[i].name;
    names[fields->count] = POLICY_DATA;
    names[fields->count + 1] = POLICY_CURRENCIES;
    return names;
}
