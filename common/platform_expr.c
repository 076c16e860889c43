/*
 * platform_expr.c: the expressions of a platform file: values computed for the platform, and conditions of its routes.
 *
 * They may speak of the common fields that the entity is known to have, here or in the file's tables, and by `data` of all the
 * others. A computed value stands beside the fields and never in the place of one: taken back in, it would be a change.
 */
#include "log.h"
#include "platform_setting.h"

#define NAMES_MAX 200
#define COMMON_MAX 16

/* PLATFORMS.md §2, and what policies speak of. */
static const char *const common_fields[ENTITY_NONE][COMMON_MAX] = {
    [ENTITY_USER] = {"name", "email", "phone", "status", "profile_data", "preferences"},
    [ENTITY_LEAD] = {"name", "email", "phone", "score", "status", "source", "contact_info", "notes"},
    [ENTITY_ORDER] = {"amount", "status", "items", "shipping_info", "customer_id"},
    [ENTITY_CAMPAIGN] = {"name", "budget", "status"},
    [ENTITY_PRODUCT] = {"name", "price", "inventory", "status", "description", "images", "variants"},
};
static const char *const every_record[] = {"id", "currency", "created_at", "updated_at", EXPR_RECORD};

struct names {
    const char *at[NAMES_MAX + 1]; /* a NULL ends them */
    size_t count;
};

static bool has_name(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->at[i], name) == 0)
            return true;
    }
    return false;
}

static void add_name(struct names *names, const char *name)
{
    if (names->count < NAMES_MAX && !has_name(names, name))
        names->at[names->count++] = name;
}

static void add_names(struct names *names, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_name(names, list[i]);
}

static void add_limits(struct names *names, const struct platform_limits *limits)
{
    add_names(names, limits->holds, limits->holds_count);
    add_names(names, limits->fixed, limits->fixed_count);
}

/* Operational data has no common fields: `data` alone. */
static void list_names(struct names *names, const struct platform *platform, enum entity entity)
{
    memset(names, 0, sizeof *names);
    if (entity >= ENTITY_NONE) {
        add_name(names, EXPR_RECORD);
        return;
    }
    const struct platform_entity *rules = &platform->entities[entity];
    for (size_t i = 0; common_fields[entity][i] != NULL; i++)
        add_name(names, common_fields[entity][i]);
    add_names(names, every_record, sizeof every_record / sizeof *every_record);
    for (size_t i = 0; i < rules->name_count; i++)
        add_name(names, rules->names[i].field);
    for (size_t i = 0; i < rules->default_count; i++)
        add_name(names, rules->defaults[i].field);
    add_names(names, rules->required, rules->required_count);
    add_limits(names, &rules->rest);
    add_limits(names, &rules->graphql);
}

/* ---- computed ---- */

static void read_computed(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_entity *rules = target;
    struct platform_computed computed = {setting_copy_text(reader, setting_name(setting)), NULL,
                                         setting_line(setting)};
    const char *why = platform_check_member(computed.own);
    if (why != NULL)
        reader_complain(reader, setting, "%s", why);
    else if (setting_type(setting) != SETTING_TEXT)
        reader_complain(reader, setting, "must be an expression in quotes");
    else
        rules->computed[rules->computed_count++] = computed;
}

void platform_read_computed(const struct reader *reader, const struct setting *group, void *target)
{
    struct platform_entity *rules = target;
    rules->computed = setting_new_rows(reader, group, sizeof *rules->computed);
    setting_read_each(reader, group, read_computed, rules);
}

void platform_parse_computed(const struct reader *reader, const struct setting *group, enum entity entity)
{
    struct platform_entity *rules = &reader->platform->entities[entity];
    struct names names;
    struct buf why = BUF_INIT;
    list_names(&names, reader->platform, entity);
    for (size_t i = 0; i < rules->computed_count; i++) {
        struct platform_computed *computed = &rules->computed[i];
        const struct setting *setting = setting_member(setting_member(group, "computed"), computed->own);
        buf_reset(&why);
        if (has_name(&names, computed->own))
            reader_complain(reader, setting, "is a field of the record: a computed value needs another name");
        computed->value = expr_parse(setting_text(setting), names.at, &why);
        if (computed->value == NULL)
            reader_complain(reader, setting, "is no expression: %s", why.data);
    }
    buf_release(&why);
}

/* ---- when ---- */

static void parse_when(const struct reader *reader, const struct setting *setting, enum event_type type)
{
    struct names names;
    struct buf why = BUF_INIT;
    list_names(&names, reader->platform, msg_event_entity(type));
    reader->platform->routes[type].when = expr_parse_test(setting_text(setting), names.at, &why);
    if (reader->platform->routes[type].when == NULL)
        reader_complain(reader, setting, "is no condition: %s", why.data);
    buf_release(&why);
}

void platform_parse_when(const struct reader *reader, const struct setting *routes)
{
    for (size_t i = 0; i < setting_count(routes); i++) {
        const struct setting *route = setting_at(routes, i), *when = setting_member(route, "when");
        enum event_type type;
        if (when != NULL && msg_event_type(setting_name(route), &type) == 0)
            parse_when(reader, when, type);
    }
}

/* ---- the end ---- */

void platform_free_expressions(struct platform *platform)
{
    for (int entity = 0; entity < ENTITY_NONE; entity++) {
        struct platform_entity *rules = &platform->entities[entity];
        for (size_t i = 0; i < rules->computed_count; i++)
            expr_free(&rules->computed[i].value);
    }
    for (int type = 0; type < EVENT_TYPES; type++) {
        struct expr *when = (struct expr *)platform->routes[type].when;
        expr_free(&when);
    }
}
