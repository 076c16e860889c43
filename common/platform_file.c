/* platform_file.c: one platform file, from its text to a struct platform. */
#include "platform_setting.h"

static void read_root(const struct reader *reader, const struct setting *root, void *target)
{
    (void)target;
    platform_read(reader, root);
}

int platform_file_read(const struct platform_source *source, const char *text, struct platform *platform)
{
    const struct reader reader = {platform->file, source->arena, source->errors, source, platform};
    return setting_parse(&reader, text, read_root, platform);
}
