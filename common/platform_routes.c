/*
 * platform_routes.c: the routes of a platform file: where each event type goes, how, and what counts as success there.
 */
#include "platform_setting.h"

static void read_method(const struct reader *reader, const struct setting *setting, void *target)
{
    static const char *const words[] = {"POST", "PUT", "PATCH", "DELETE",
                                        NULL}; /* in the order of enum platform_method */
    struct platform_route *route = target;
    int word = setting_read_word(reader, setting, words);
    route->method = word < 0 ? PLATFORM_POST : (enum platform_method)word;
}

struct route_draft {
    struct platform_route route; /* first: read_method fills a route */
    bool every_version;
    int64_t rate;
};
#define DRAFT(member) offsetof(struct route_draft, member)

static void check_route(const struct reader *reader, const struct setting *group,
                        const struct platform_route *route, enum event_type type)
{
    bool entity = msg_event_entity(type) != ENTITY_NONE;
    const char *why = route->path != NULL ? platform_check_route(route->path, entity) : NULL;
    if (why != NULL)
        reader_complain(reader, setting_member(group, "path"), "%s", why);
    if (entity && setting_member(group, "rate_per_minute") != NULL)
        reader_complain(reader, setting_member(group, "rate_per_minute"),
                        "belongs into the group of the entity: its event types share one limit");
    if (route->success_value != NULL && route->success_field == NULL)
        reader_complain(reader, group, "has a success_value but no success_field to compare with it");
}

static void read_route_rate(const struct reader *reader, const struct setting *setting, void *target)
{
    setting_read_rate(reader, setting, &((struct route_draft *)target)->rate);
}

static void leave(const struct reader *reader, const struct setting *setting, void *target)
{
    (void)reader, (void)setting, (void)target;
}

/* The route of bulks is none of an event type: all types go there together. */
static void read_bulk(const struct reader *reader, const struct setting *group, struct platform *platform)
{
    static const struct setting_row rows[] = {
        {"path", SETTING_TEXT, true, offsetof(struct platform, bulk_path), NULL, NULL},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    const char *why;
    setting_read_group(reader, group, rows, platform);
    why = platform->bulk_path != NULL ? platform_check_path(platform->bulk_path, false) : NULL;
    if (why != NULL)
        reader_complain(reader, setting_member(group, "path"), "%s", why);
}

static void read_route(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {"method", SETTING_TEXT, false, 0, NULL, read_method},
        {"path", SETTING_TEXT, false, DRAFT(route.path), NULL, NULL},
        {"success_field", SETTING_TEXT, false, DRAFT(route.success_field), platform_check_member, NULL},
        {"success_value", SETTING_TEXT, false, DRAFT(route.success_value), NULL, NULL},
        {"full", SETTING_BOOL, false, DRAFT(route.full), NULL, NULL},
        {"takes", SETTING_BOOL, false, DRAFT(route.takes), NULL, NULL},
        {"when", SETTING_TEXT, false, 0, NULL, leave}, /* platform_expr.c, when the entities are read */
        {"every_version", SETTING_BOOL, false, DRAFT(every_version), NULL, NULL},
        {"rate_per_minute", SETTING_INT, false, 0, NULL, read_route_rate},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct platform *platform = target;
    enum event_type type;
    if (setting_type(group) != SETTING_GROUP) {
        reader_complain(reader, group, "must be a group: { ... }");
        return;
    }
    if (strcmp(setting_name(group), "bulk") == 0) {
        read_bulk(reader, group, platform);
        return;
    }
    if (msg_event_type(setting_name(group), &type) != 0) {
        reader_complain(reader, group, "is no event type");
        return;
    }
    struct route_draft draft = {platform->routes[type], platform->every_version[type], 0};
    setting_read_group(reader, group, rows, &draft);
    check_route(reader, group, &draft.route, type);
    platform->routes[type] = draft.route;
    platform->every_version[type] = draft.every_version;
    platform->rates[type] = draft.rate;
}

void platform_read_routes(const struct reader *reader, const struct setting *group, void *target)
{
    setting_read_each(reader, group, read_route, target);
}

void platform_finish_routes(const struct reader *reader, const struct setting *root)
{
    struct platform *platform = reader->platform;
    struct buf path = BUF_INIT;
    for (int type = 0; type < EVENT_TYPES; type++) {
        struct platform_route *route = &platform->routes[type];
        const char *template = route->path;
        if (template == NULL && msg_event_entity(type) != ENTITY_NONE)
            template = platform->path;
        if (template == NULL && route->takes)
            reader_complain(reader, root, "%s has no path: give it one in routes, or say takes = false there",
                            msg_event_type_name(type));
        buf_reset(&path);
        platform_expand_path(&path, template != NULL ? template : "", type);
        route->path = setting_copy_text(reader, path.data);
    }
    buf_release(&path);
    platform_parse_when(reader, setting_member(root, "routes"));
}
