/*
 * platform_names.c: a platform's own names and words, looked up. Tables hold a handful of rows: a walk with strcmp is the
 * fastest thing here.
 */
#include "platform_format.h"

const struct platform_name *platform_names(const struct platform *platform, enum entity entity,
                                           const char *field)
{
    const struct platform_entity *rules = &platform->entities[entity];
    for (size_t i = 0; i < rules->name_count; i++) {
        if (strcmp(rules->names[i].field, field) == 0)
            return &rules->names[i];
    }
    return NULL;
}

const char *platform_own_name(const struct platform *platform, enum entity entity, const char *field)
{
    const struct platform_name *name = platform_names(platform, entity, field);
    return name != NULL ? name->own[0] : field;
}

const char *platform_common_name(const struct platform *platform, enum entity entity, const char *own)
{
    const struct platform_entity *rules = &platform->entities[entity];
    for (size_t i = 0; i < rules->name_count; i++) {
        for (size_t j = 0; j < rules->names[i].own_count; j++) {
            if (strcmp(rules->names[i].own[j], own) == 0)
                return rules->names[i].field;
        }
    }
    return NULL;
}

const char *platform_own_word(const struct platform *platform, const char *common)
{
    for (size_t i = 0; i < platform->word_count; i++) {
        if (strcmp(platform->words[i].common, common) == 0)
            return platform->words[i].own;
    }
    return common;
}

const char *platform_common_word(const struct platform *platform, const char *own)
{
    for (size_t i = 0; i < platform->word_count; i++) {
        if (strcmp(platform->words[i].own, own) == 0)
            return platform->words[i].common;
    }
    return own;
}

const struct json *platform_default_value(const struct platform *platform, enum entity entity,
                                          const char *field)
{
    const struct platform_entity *rules = &platform->entities[entity];
    for (size_t i = 0; i < rules->default_count; i++) {
        if (strcmp(rules->defaults[i].field, field) == 0)
            return rules->defaults[i].value;
    }
    return NULL;
}

bool platform_adds(const struct platform *platform, enum entity entity, const char *own)
{
    const struct platform_entity *rules = &platform->entities[entity];
    for (size_t i = 0; i < rules->also_count; i++) {
        if (strcmp(rules->also[i].own, own) == 0)
            return true;
    }
    for (size_t i = 0; i < rules->computed_count; i++) {
        if (strcmp(rules->computed[i].own, own) == 0)
            return true;
    }
    return false;
}

static const struct platform_limits *limits_of(const struct platform *platform, enum entity entity)
{
    const struct platform_entity *rules = &platform->entities[entity];
    return platform_graphql(platform, entity) != NULL ? &rules->graphql : &rules->rest;
}

static bool is_listed(const char *const *fields, size_t count, const char *field)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i], field) == 0)
            return true;
    }
    return false;
}

bool platform_holds(const struct platform *platform, enum entity entity, const char *field)
{
    if (entity >= ENTITY_NONE || strcmp(field, "id") == 0)
        return true;
    const struct platform_limits *limits = limits_of(platform, entity);
    return limits->holds_count == 0 || is_listed(limits->holds, limits->holds_count, field);
}

bool platform_changes(const struct platform *platform, enum entity entity, const char *field)
{
    if (entity >= ENTITY_NONE)
        return true;
    const struct platform_limits *limits = limits_of(platform, entity);
    return platform_holds(platform, entity, field) && !is_listed(limits->fixed, limits->fixed_count, field);
}

const char *platform_common_field(const struct platform *platform, enum entity entity, const char *own)
{
    return platform_common_name(platform, entity, own);
}

static bool is_given(const struct platform_entity *rules, const char *field)
{
    for (size_t i = 0; i < rules->default_count; i++) {
        if (strcmp(rules->defaults[i].field, field) == 0)
            return true;
    }
    return false;
}

bool platform_knows(const struct platform *platform, enum entity entity, const char *field)
{
    const struct platform_entity *rules = &platform->entities[entity];
    const struct platform_limits *rest = &rules->rest, *graphql = &rules->graphql;
    return platform_names(platform, entity, field) != NULL || is_given(rules, field) ||
           is_listed(rules->required, rules->required_count, field) ||
           is_listed(rest->holds, rest->holds_count, field) ||
           is_listed(rest->fixed, rest->fixed_count, field) ||
           is_listed(graphql->holds, graphql->holds_count, field) ||
           is_listed(graphql->fixed, graphql->fixed_count, field);
}
