/* platform_inbound.c: the group inbound of a platform file: how its own webhooks are verified and become events. */
#include "platform_inbound.h"
#include "platform_setting.h"

#define MEMBER(member) offsetof(struct platform_inbound, member)

void platform_read_inbound(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct platform *platform = target;

    platform->inbound = arena_alloc(reader->source->arena, sizeof *platform->inbound);
    setting_read_group(reader, group, rows, platform->inbound);
}

const struct platform_inbound *platform_inbound(const struct platform *platform)
{
    return platform->inbound;
}
