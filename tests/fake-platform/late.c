/*
 * late.c: deliveries that are still on their way: read, never answered, and taken when told, as if a slow way had let them through behind
 * what was sent after them. One that were forgotten would make a test of late arrivals pass for nothing.
 */
#include "mem.h"
#include "platform_impl.h"

void late_keep(struct platform *platform, const struct delivery *delivery)
{
    struct delivery *kept;

    if (platform->late_count == LATE_MAX)
        return;
    kept = &platform->late[platform->late_count++];
    *kept = *delivery;
    json_ref(kept->body);
}

size_t late_arrive(struct platform *platform)
{
    size_t count = platform->late_count;

    for (size_t i = 0; i < count; i++)
        delivery_apply(platform, &platform->late[i]);
    late_forget(platform);
    return count;
}

void late_forget(struct platform *platform)
{
    for (size_t i = 0; i < platform->late_count; i++)
        json_free(platform->late[i].body);
    platform->late_count = 0;
}
