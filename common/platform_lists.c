/*
 * platform_lists.c: the group lists of a platform file: where its records are read, page by page.
 *
 * A row that is read as another tenant's would hand one client the data of another: a platform that serves several must either
 * be asked for one, by tenant_parameter, or say in each row whose it is, by tenant_member. The default is both.
 */
#include "inbound_map.h"
#include "platform_setting.h"

#define PAGE_ROWS_DEFAULT 100
#define PARAMETER_MAX_BYTES 64

#define MEMBER(member) offsetof(struct platform_lists, member)

static const char *check_parameter(const char *text)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.[]";

    if (!*text || strlen(text) > PARAMETER_MAX_BYTES || text[strspn(text, characters)])
        return "must be the name of a query parameter: letters, digits and any of _ - . [ ]";
    return NULL;
}

/* "" says that there is none. */
static const char *check_optional_parameter(const char *text)
{
    return *text ? check_parameter(text) : NULL;
}

static const char *check_optional_member(const char *text)
{
    return *text ? platform_check_member(text) : NULL;
}

static const char *check_optional_path(const char *text)
{
    return *text ? inbound_path_check(text) : NULL;
}

static void read_page_rows(const struct reader *reader, const struct setting *setting, void *target)
{
    int64_t rows = setting_int(setting);

    if (rows < 1 || rows > PLATFORM_PAGE_ROWS_MAX)
        reader_complain(reader, setting, "must be a whole number from 1 to %d", PLATFORM_PAGE_ROWS_MAX);
    ((struct platform_lists *)target)->page_rows = rows;
}

static void read_paging(const struct reader *reader, const struct setting *setting, void *target)
{
    static const char *const words[] = {"cursor", "page", "offset", NULL};
    int word = setting_read_word(reader, setting, words);

    if (word >= 0)
        ((struct platform_lists *)target)->paging = (enum platform_paging)word;
}

static const char *check_path(const char *text)
{
    const char *why = platform_check_path(text, true);

    return why ? why : strstr(text, "{verb}") ? "may hold {entity}, but not {verb}" : NULL;
}

static void set_path(const struct reader *reader, const struct setting *setting, struct platform_lists *lists,
                     enum entity entity, const char *path)
{
    const char *at = strstr(path, "{entity}"), *why = check_path(path);
    struct buf text = BUF_INIT;

    if (why) {
        reader_complain(reader, setting, "%s", why);
        return;
    }
    buf_add(&text, path, at ? (size_t)(at - path) : strlen(path));
    if (at)
        buf_addf(&text, "%s%s", msg_entity_name(entity), at + strlen("{entity}"));
    lists->paths[entity] = setting_copy_text(reader, text.data);
    buf_release(&text);
}

/* The group paths: entities whose list lies elsewhere, or nowhere ("") */
static void read_path(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_lists *lists = target;
    enum entity entity;

    if (msg_entity(setting_name(setting), &entity) != 0 || entity == ENTITY_NONE)
        reader_complain(reader, setting, "is no entity: the choice is user, lead, order, campaign, product");
    else if (setting_type(setting) != SETTING_TEXT)
        reader_complain(reader, setting, "must be a text in quotes");
    else if (!*setting_text(setting))
        lists->paths[entity] = NULL;
    else
        set_path(reader, setting, lists, entity, setting_text(setting));
}

static void read_paths(const struct reader *reader, const struct setting *group, void *target)
{
    setting_read_each(reader, group, read_path, target);
}

static void read_path_of_all(const struct reader *reader, const struct setting *setting,
                             struct platform_lists *lists)
{
    const char *why = check_path(setting_text(setting));

    if (why) { /* once, not for each entity */
        reader_complain(reader, setting, "%s", why);
        return;
    }
    for (enum entity entity = 0; entity < ENTITY_NONE; entity++)
        set_path(reader, setting, lists, entity, setting_text(setting));
}

static void forget_empty(const char **text)
{
    if (*text && !**text)
        *text = NULL;
}

static void ignore(const struct reader *reader, const struct setting *setting, void *target)
{
    (void)reader, (void)setting, (void)target; /* read before the others */
}

void platform_read_lists(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {"path", SETTING_TEXT, false, 0, NULL, ignore},
        {"paths", SETTING_GROUP, false, 0, NULL, read_paths},
        {"rows", SETTING_TEXT, false, MEMBER(rows), check_optional_path, NULL},
        {"next", SETTING_TEXT, false, MEMBER(next), inbound_path_check, NULL},
        {"record", SETTING_TEXT, false, MEMBER(record), check_optional_path, NULL},
        {"cursor_parameter", SETTING_TEXT, false, MEMBER(cursor_parameter), check_parameter, NULL},
        {"limit_parameter", SETTING_TEXT, false, MEMBER(limit_parameter), check_parameter, NULL},
        {"tenant_parameter", SETTING_TEXT, false, MEMBER(tenant_parameter), check_optional_parameter, NULL},
        {"tenant_member", SETTING_TEXT, false, MEMBER(tenant_member), check_optional_member, NULL},
        {"paging", SETTING_TEXT, false, 0, NULL, read_paging},
        {"page_rows", SETTING_INT, false, 0, NULL, read_page_rows},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct platform *platform = target;
    struct platform_lists *lists = arena_alloc(reader->source->arena, sizeof *lists);
    const struct setting *path = setting_member(group, "path");

    *lists = (struct platform_lists){.rows = "data",
                                     .next = "next_cursor",
                                     .cursor_parameter = "cursor",
                                     .limit_parameter = "limit",
                                     .tenant_parameter = "tenant_id",
                                     .tenant_member = "tenant_id",
                                     .page_rows = PAGE_ROWS_DEFAULT};
    if (path && setting_type(path) == SETTING_TEXT)
        read_path_of_all(reader, path, lists);
    setting_read_group(reader, group, rows, lists);
    forget_empty(&lists->rows);
    forget_empty(&lists->record);
    forget_empty(&lists->tenant_parameter);
    forget_empty(&lists->tenant_member);
    platform->lists = lists;
}

const struct platform_lists *platform_lists(const struct platform *platform)
{
    return platform->lists;
}
