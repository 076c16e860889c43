/* platform_lists.c: the group lists of a platform file: where its records are read, page by page. */
#include "platform_setting.h"

#define MEMBER(member) offsetof(struct platform_lists, member)

void platform_read_lists(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct platform *platform = target;

    platform->lists = arena_alloc(reader->source->arena, sizeof *platform->lists);
    setting_read_group(reader, group, rows, platform->lists);
}

const struct platform_lists *platform_lists(const struct platform *platform)
{
    return platform->lists;
}
