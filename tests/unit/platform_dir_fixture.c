/* platform_dir_fixture.c: see platform_dir_fixture.h. */
#include "platform_dir_fixture.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mem.h"

static char dir[256];

const char *platform_dir(void)
{
    return dir;
}

void platform_dir_make(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/platforms.XXXXXX", base != NULL ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

void platform_dir_remove(void)
{
    DIR *folder = opendir(dir);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct buf path = BUF_INIT;
        buf_addf(&path, "%s/%s", dir, entry->d_name);
        unlink(path.data);
        buf_release(&path);
    }
    closedir(folder);
    rmdir(dir);
}

void platform_dir_write(const char *name, const char *text)
{
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/%s", dir, name);
    FILE *file = fopen(path.data, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    buf_release(&path);
}

void platform_dir_describe(const char *name, const char *money, const char *words, const char *entities)
{
    struct buf text = BUF_INIT;
    buf_addf(&text,
             "base_url = \"X_URL\"; rate_date = \"2024-01-01\";\n%s\nlocale = \"en\"; timezone = \"UTC\";\n"
             "path = \"/{entity}/{verb}\";\n%s\nentities: {\n%s\n};\n"
             "routes: { analytics_updated: { path = \"/a\"; }; system_health: { path = \"/b\"; };"
             "performance_metrics: { path = \"/c\"; }; config_changed: { path = \"/d\"; }; };\n",
             money, words, entities);
    platform_dir_write(name, text.data);
    buf_release(&text);
}

static const char *nothing(void *arg, const char *name)
{
    (void)arg, (void)name;
    return NULL;
}

struct platform_set *platform_dir_load(struct buf *errors)
{
    return platform_set_load(dir, nothing, NULL, errors);
}
