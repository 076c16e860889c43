/* platform_parents.c: entities.<entity>.parents of a platform file: which members name the records that must be there first. */
#include <string.h>

#include "platform_setting.h"

/* "customer_id", "items.product_id": members of JSON objects with dots between; lists on the way need no mark. */
static const char *check_path(const char *text)
{
    size_t len;

    if (*text == '\0' || strlen(text) > PLATFORM_PARENT_PATH_MAX)
        return "must be the name of a member, or several with dots between, 200 characters at most";
    for (const char *at = text;; at += len + 1) {
        len = strcspn(at, ".");
        if (len == 0)
            return "must not have an empty name between dots, as in \"items.product_id\"";
        if (at[len] == '\0')
            return NULL;
    }
}

static void read_path(const struct reader *reader, const struct setting *setting,
                      const struct setting *element, struct platform_parent *parent)
{
    const char *why = setting_type(element) == SETTING_TEXT ? check_path(setting_text(element))
                                                            : "must be a text in quotes or a list of texts";

    if (why)
        reader_complain(reader, setting, "%s", why);
    else
        parent->paths[parent->path_count++] = setting_copy_text(reader, setting_text(element));
}

static void read_parent(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_entity *rules = target;
    struct platform_parent *parent = &rules->parents[rules->parent_count];
    bool list = setting_type(setting) == SETTING_LIST && setting_count(setting) > 0;
    size_t count = list ? setting_count(setting) : 1;

    *parent = (struct platform_parent){0};
    if (msg_entity(setting_name(setting), &parent->entity) != 0 || parent->entity >= ENTITY_NONE) {
        reader_complain(reader, setting, "is no entity; the choice is user, lead, order, campaign, product");
        return;
    }
    parent->paths = arena_alloc(reader->source->arena, count * sizeof *parent->paths);
    for (size_t i = 0; i < count; i++)
        read_path(reader, setting, list ? setting_at(setting, i) : setting, parent);
    rules->parent_count++;
}

void platform_read_parents(const struct reader *reader, const struct setting *group, void *target)
{
    struct platform_entity *rules = target;

    rules->parents = arena_alloc(reader->source->arena, (setting_count(group) + 1) * sizeof *rules->parents);
    setting_read_each(reader, group, read_parent, rules);
}

const struct platform_parent *platform_parents(const struct platform *platform, enum entity entity,
                                               size_t *count)
{
    *count = entity < ENTITY_NONE ? platform->entities[entity].parent_count : 0;
    return *count > 0 ? platform->entities[entity].parents : NULL;
}
