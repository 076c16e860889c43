/* platform_graphql.c: the group graphql of a platform file: which entities go by GraphQL, where to, and what their documents need. */
#include "platform_setting.h"

#define MEMBER(member) offsetof(struct platform_graphql, member)

void platform_read_graphql(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct platform *platform = target;

    platform->graphql = arena_alloc(reader->source->arena, sizeof *platform->graphql);
    setting_read_group(reader, group, rows, platform->graphql);
}

const struct platform_graphql *platform_graphql(const struct platform *platform, enum entity entity)
{
    const struct platform_graphql *graphql = platform->graphql;

    if (!graphql || !graphql->url || entity >= ENTITY_NONE || !graphql->entities[entity])
        return NULL;
    return graphql;
}
