/* platform_dir_fixture.h: a folder of platform files that a test writes. One at a time. */
#pragma once
#include "platform.h"

void platform_dir_make(void);
void platform_dir_remove(void);
const char *platform_dir(void);
void platform_dir_write(const char *name, const char *text); /* x.conf */
/* x.conf of a platform with what every file needs. Its second line is `money` (currency and per_usd), the fifth `words` (more
 * settings of the platform), from the seventh on stand the entities. */
void platform_dir_describe(const char *name, const char *money, const char *words, const char *entities);
struct platform_set *platform_dir_load(struct buf *errors); /* no variable is set */
