/*
 * platform.c: the set of platforms and the answers to questions about one.
 *
 * A set is loaded as a whole or not at all, so a file with a mistake can never replace one that worked.
 */
#include "platform.h"

#include <dirent.h>
#include <errno.h>

#include "log.h"
#include "mapping.h"
#include "platform_format.h"
#include "setting.h"

struct platform_set {
    struct arena *arena;
    struct platform **platforms; /* sorted by name */
    size_t count;
};

#define PLATFORMS_MAX 64 /* each costs a worker and its streams */
#define ARENA_CHUNK 16384
#define EXTENSION ".conf"

static bool is_platform_file(const char *name)
{
    size_t len = strlen(name);
    return name[0] != '.' && len > strlen(EXTENSION) &&
           strcmp(name + len - strlen(EXTENSION), EXTENSION) == 0;
}

static void load_file(struct platform_set *set, const struct platform_source *source, const char *dir,
                      const char *file)
{
    struct platform *platform = arena_alloc(set->arena, sizeof *platform);
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/%s", dir, file);
    platform->set = set;
    platform->file = arena_strdup(set->arena, path.data);
    platform->name = arena_strndup(set->arena, file, strlen(file) - strlen(EXTENSION));
    set->platforms[set->count++] = platform; /* also when it fails: its values are freed with the set */
    const char *why = platform_check_name(platform->name);
    char *text = setting_read_file(path.data, source->errors);
    if (why != NULL)
        buf_addf(source->errors, "%s: the file's name is the platform's, and %s\n", path.data, why);
    if (text != NULL)
        platform_file_read(source, text, platform);
    free(text);
    buf_release(&path);
}

static int by_name(const void *a, const void *b)
{
    const struct platform *const *left = a;
    const struct platform *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static void load_dir(struct platform_set *set, const struct platform_source *source, const char *dir)
{
    DIR *folder = opendir(dir);
    if (folder == NULL) {
        buf_addf(source->errors, "%s: the folder of platform files cannot be opened: %s\n", dir,
                 strerror(errno));
        return;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (!is_platform_file(entry->d_name))
            continue;
        if (set->count == PLATFORMS_MAX) {
            buf_addf(source->errors, "%s: holds more than %d platform files\n", dir, PLATFORMS_MAX);
            break;
        }
        load_file(set, source, dir, entry->d_name);
    }
    closedir(folder);
    if (set->count == 0)
        buf_addf(source->errors, "%s: holds no platform file (<name>" EXTENSION ")\n", dir);
    qsort(set->platforms, set->count, sizeof *set->platforms, by_name);
}

/* An amount in a currency must be worth the same whoever's file is asked. */
static void check_rates(const struct platform_set *set, struct buf *errors)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct platform *platform = set->platforms[i];
        const struct platform *first =
            platform->currency ? platform_of_currency(set, platform->currency) : platform;
        struct money a = {platform->per_usd.value, platform->per_usd.exponent};
        struct money b = {first->per_usd.value, first->per_usd.exponent};
        if (money_compare(a, b) != 0 || platform->decimals != first->decimals)
            buf_addf(errors, "%s: per_usd and decimals of %s differ from those in %s: make them the same\n",
                     platform->file, platform->currency, first->file);
    }
}

struct platform_set *platform_set_load(const char *dir, platform_lookup lookup, void *arg, struct buf *errors)
{
    struct platform_set *set = mem_alloc(sizeof *set);
    size_t before = errors->len;
    set->arena = arena_new(ARENA_CHUNK);
    set->platforms = arena_alloc(set->arena, PLATFORMS_MAX * sizeof *set->platforms);
    struct platform_source source = {set->arena, lookup, arg, errors};
    load_dir(set, &source, dir);
    if (errors->len == before)
        check_rates(set, errors);
    if (errors->len == before)
        mapping_check_stable(set, errors);
    if (errors->len > before)
        platform_set_free(&set);
    return set;
}

static void free_defaults(struct platform *platform)
{
    for (int entity = 0; entity < ENTITY_NONE; entity++) {
        struct platform_entity *rules = &platform->entities[entity];
        for (size_t i = 0; i < rules->default_count; i++)
            json_free(rules->defaults[i].value);
    }
}

void platform_set_free(struct platform_set **set)
{
    if (*set == NULL)
        return;
    for (size_t i = 0; i < (*set)->count; i++) {
        free_defaults((*set)->platforms[i]);
        platform_free_expressions((*set)->platforms[i]);
    }
    arena_free(&(*set)->arena);
    free(*set);
    *set = NULL;
}

size_t platform_count(const struct platform_set *set)
{
    return set->count;
}

const struct platform *platform_at(const struct platform_set *set, size_t index)
{
    if (index >= set->count)
        bug("platform %zu of %zu", index, set->count);
    return set->platforms[index];
}

const struct platform *platform_find(const struct platform_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->platforms[i]->name, name) == 0)
            return set->platforms[i];
    }
    return NULL;
}

const struct platform *platform_of_currency(const struct platform_set *set, const char *currency)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->platforms[i]->currency != NULL && strcmp(set->platforms[i]->currency, currency) == 0)
            return set->platforms[i];
    }
    return NULL;
}

const char *platform_name(const struct platform *platform)
{
    return platform->name;
}

const char *platform_base_url(const struct platform *platform)
{
    return platform->base_url;
}

const char *platform_credential(const struct platform *platform)
{
    return platform->credential;
}

const char *platform_credential_header(const struct platform *platform)
{
    return platform->credential_header;
}

const char *platform_currency(const struct platform *platform)
{
    return platform->currency;
}

unsigned platform_decimals(const struct platform *platform)
{
    return platform->decimals;
}

struct money_rate platform_per_usd(const struct platform *platform)
{
    return platform->per_usd;
}

const char *platform_rate_date(const struct platform *platform)
{
    return platform->rate_date;
}

const char *platform_locale(const struct platform *platform)
{
    return platform->locale;
}

const char *platform_timezone(const struct platform *platform)
{
    return platform->timezone;
}

bool platform_allows_private(const struct platform *platform)
{
    return platform->allow_private;
}

bool platform_takes_bulk(const struct platform *platform)
{
    return platform->bulk;
}

const char *platform_bulk_path(const struct platform *platform)
{
    return platform->bulk_path ? platform->bulk_path : "/api/sync/bulk";
}

int64_t platform_rate_per_minute(const struct platform *platform, enum event_type type)
{
    enum entity entity = msg_event_entity(type);
    return entity < ENTITY_NONE ? platform->entities[entity].rate_per_minute : platform->rates[type];
}

bool platform_returns_metadata(const struct platform *platform)
{
    return platform->echo == PLATFORM_ECHO_METADATA;
}

bool platform_echoes(const struct platform *platform)
{
    return platform->echo != PLATFORM_ECHO_NONE;
}

bool platform_every_version(const struct platform *platform, enum event_type type)
{
    return platform->every_version[type];
}

/* The type that does `verb` to the entity of `type`. */
static enum event_type with_verb(enum event_type type, enum verb verb)
{
    enum entity entity = msg_event_entity(type);
    if (entity == ENTITY_NONE || verb == VERB_REPORT || msg_event_verb(type) == verb)
        return type;
    for (int other = 0; other < EVENT_TYPES; other++) {
        if (msg_event_entity(other) == entity && msg_event_verb(other) == verb)
            return other;
    }
    bug("no event type does verb %d to entity %d", verb, entity);
}

const struct platform_route *platform_route(const struct platform *platform, enum event_type type,
                                            enum verb verb)
{
    return &platform->routes[with_verb(type, verb)];
}
