/*
 * records.c: syncctl records show|versions|find: a record as the API tells it: its fields with their origins, what each platform
 * has of it, and the versions it had.
 *
 * What a record holds is personal, and is what somebody asks for who names it: values are shown.
 */
#include "api.h"
#include "clock.h"
#include "mem.h"
#include "row.h"
#include "text.h"

#define LIMIT_MAX 10000
#define PAGE_MAX 200

struct arguments {
    const char *type, *id; /* id: not of find */
    const char *tenant, *email, *platform, *platform_id, *limit, *url;
    int64_t most; /* versions */
    bool as_json;
};

/* ---- requests ---- */

/* Takes the path. */
static struct json *get(struct api *api, struct buf *path)
{
    struct json *answer =
        api_send(api, &(struct api_request){.method = PLATFORM_GET, .path = path->data, .again = true});

    buf_release(path);
    return answer;
}

static void start_path(struct buf *path, const struct arguments *given)
{
    buf_add_str(path, "/sync/records/");
    api_add_escaped(path, given->type);
    if (given->id) {
        buf_add_ch(path, '/');
        api_add_escaped(path, given->id);
    }
}

static struct json *get_record(struct api *api, const struct arguments *given)
{
    struct buf path = BUF_INIT;

    start_path(&path, given);
    api_add_parameter(&path, "email", given->email);
    api_add_parameter(&path, "platform", given->platform);
    api_add_parameter(&path, "platform_id", given->platform_id);
    return get(api, &path);
}

static struct json *get_page(struct api *api, const struct arguments *given, int64_t limit,
                             const char *cursor)
{
    struct buf path = BUF_INIT;

    start_path(&path, given);
    buf_addf(&path, "/versions?limit=%lld", (long long)limit);
    api_add_parameter(&path, "cursor", cursor);
    return get(api, &path);
}

/* Page after page into the first one. */
static struct json *get_versions(struct api *api, const struct arguments *given)
{
    struct json *all = NULL, *page;
    int64_t left = given->most;
    const char *cursor = NULL;

    do {
        page = get_page(api, given, left < PAGE_MAX ? left : PAGE_MAX, cursor);
        if (!page) {
            json_free(all);
            return NULL;
        }
        struct json *versions = json_get(page, "versions");
        left -= (int64_t)json_count(versions);
        if (!all) {
            all = page;
        } else {
            for (size_t i = 0; i < json_count(versions); i++)
                json_append(json_get(all, "versions"), json_ref(json_at(versions, i)));
            json_set(all, "next_cursor", json_ref(json_get(page, "next_cursor")));
            json_free(page);
        }
        cursor = json_get_text(all, "next_cursor");
    } while (cursor && left > 0);
    return all;
}

/* ---- for people ---- */

static void add_line(struct buf *out, const char *label, const char *text)
{
    buf_addf(out, "  %-10s ", label);
    text_clean(out, text, strlen(text));
    buf_add_ch(out, '\n');
}

static void add_time(struct table *table, const struct json *row, const char *member)
{
    struct buf text = BUF_INIT;

    text_time(&text, json_get_text(row, member));
    table_text(table, text.data);
    buf_release(&text);
}

static void add_head(struct buf *out, const struct json *record)
{
    text_clean(out, row_text(record, "entity_type"), strlen(row_text(record, "entity_type")));
    buf_add_ch(out, ' ');
    text_clean(out, row_text(record, "entity_id"), strlen(row_text(record, "entity_id")));
    buf_add_str(out, row_bool(record, "deleted") ? ", deleted\n" : "\n");
    add_line(out, "tenant", row_text(record, "tenant_id"));
    add_line(out, "record", row_text(record, "record_id"));
}

/* "2, of bizoholic 1, coreldove 1" */
static void add_version(struct buf *out, const struct json *record)
{
    struct json_iter iter = {NULL};
    const char *name;
    struct json *count;
    struct buf text = BUF_INIT;

    buf_addf(&text, "%lld", (long long)row_int(record, "version"));
    for (bool first = true; json_next(json_get(record, "vector"), &iter, &name, &count);) {
        if (strcmp(json_text(count, NULL), "0") == 0)
            continue;
        buf_addf(&text, "%s%s %s", first ? ", of " : ", ", name, json_text(count, NULL));
        first = false;
    }
    add_line(out, "version", text.data);
    buf_release(&text);
}

static void add_changed(struct buf *out, const struct json *record)
{
    int64_t age_ms = text_age_ms(json_get_text(record, "updated_at"), clock_db_ms());
    struct buf text = BUF_INIT;

    text_time(&text, json_get_text(record, "updated_at"));
    buf_add_str(&text, ", ");
    text_span(&text, age_ms);
    buf_add_str(&text, " ago");
    add_line(out, "changed", text.data);
    buf_release(&text);
}

static void add_value(struct table *table, const struct json *value)
{
    struct buf text = BUF_INIT;

    if (value)
        json_write(&text, value);
    else
        buf_add_str(&text, "null");
    table_text(table, text.data);
    buf_release(&text);
}

/* In the data's order; behind it what was cleared. */
static void show_fields(const struct json *record, struct buf *out)
{
    static const char *const headers[] = {"FIELD", "ORIGIN", "SINCE", "VALUE", NULL};
    const struct json *data = json_get(record, "data"), *fields = json_get(record, "fields");
    const struct json *const lists[] = {data, fields};
    struct table *table = table_new(headers);

    for (size_t list = 0; list < 2; list++) {
        struct json_iter iter = {NULL};
        const char *name;
        struct json *value;
        while (json_type(lists[list]) == JSON_OBJECT && json_next(lists[list], &iter, &name, &value)) {
            const struct json *field = json_get(fields, name);
            if (list == 1 && json_find(data, name, &value))
                continue;
            table_text(table, name);
            table_json(table, field, "origin");
            add_time(table, field, "time");
            add_value(table, list == 0 ? value : NULL);
        }
    }
    buf_add_ch(out, '\n');
    table_end(&table, out);
}

static void show_platforms(const struct json *record, struct buf *out)
{
    static const char *const headers[] = {"PLATFORM", ">VERSION", "STATE", "DELIVERED", "ITS ID", NULL};
    struct table *table = table_new(headers);
    struct json_iter iter = {NULL};
    const char *name;
    struct json *platform;

    while (json_next(json_get(record, "platforms"), &iter, &name, &platform)) {
        table_text(table, name);
        table_json(table, platform, "version");
        table_json(table, platform, "state");
        add_time(table, platform, "delivered_at");
        table_json(table, platform, "platform_id");
    }
    buf_add_str(out, json_count(json_get(record, "platforms")) > 0 ? "\n" : "");
    table_end(&table, out);
}

static void show_also(const struct json *record, struct buf *out)
{
    static const char *const headers[] = {"ALSO", "RECORD", ">VERSION", "STATE", NULL};
    const struct json *also = json_get(record, "also");
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(also); i++) {
        table_json(table, json_at(also, i), "entity_id");
        table_json(table, json_at(also, i), "record_id");
        table_json(table, json_at(also, i), "version");
        table_text(table, row_bool(json_at(also, i), "deleted") ? "deleted" : NULL);
    }
    buf_add_str(out, json_count(also) > 0 ? "\n" : "");
    table_end(&table, out);
    buf_add_str(out, row_bool(record, "more") ? "and more\n" : "");
}

static void show_record(const struct json *record, struct buf *out)
{
    add_head(out, record);
    add_version(out, record);
    add_changed(out, record);
    show_fields(record, out);
    show_platforms(record, out);
    show_also(record, out);
}

static void show_versions(const struct json *all, struct buf *out)
{
    static const char *const headers[] = {">VERSION", "WHEN", "SOURCE", "EVENT", "CHANGED", NULL};
    const struct json *versions = json_get(all, "versions");
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(versions); i++) {
        const struct json *version = json_at(versions, i), *changed = json_get(version, "changed");
        struct buf names = BUF_INIT;
        buf_add_str(&names, row_bool(version, "deleted") ? "(deleted)" : "");
        for (size_t n = 0; n < json_count(changed); n++)
            buf_addf(&names, "%s%s", names.len > 0 ? ", " : "", json_text(json_at(changed, n), NULL));
        table_json(table, version, "version");
        add_time(table, version, "created_at");
        table_json(table, version, "source");
        table_json(table, version, "event_id");
        table_text(table, names.data);
        buf_release(&names);
    }
    add_head(out, all);
    buf_add_ch(out, '\n');
    table_end(&table, out);
    if (json_count(versions) == 0)
        buf_add_str(out, "its versions are older than EVENT_RETENTION_DAYS\n");
    if (json_get_text(all, "next_cursor"))
        buf_addf(out, "\nthe newest %zu; there are more: --limit\n", json_count(versions));
}

/* ---- the commands ---- */

struct command {
    const char *name, *whole;
    bool by_id;
    struct json *(*read)(struct api *api, const struct arguments *given);
    void (*show)(const struct json *answer, struct buf *out);
};
static const struct command commands[] = {{"show", "records show", true, get_record, show_record},
                                          {"versions", "records versions", true, get_versions, show_versions},
                                          {"find", "records find", false, get_record, show_record}};

static int check(const struct command *command, struct arguments *given)
{
    const char *digits = given->limit ? given->limit : "50";
    bool number = *digits && strlen(digits) < 9 && strspn(digits, "0123456789") == strlen(digits);

    if (!given->type || (command->by_id && !given->id))
        return ctl_fail(command->by_id ? "%s needs a type and an id, such as user user123"
                                       : "%s needs a type, such as user",
                        command->whole);
    if (command->by_id && (given->email || given->platform || given->platform_id))
        return ctl_fail("%s takes an id; --email, --platform and --platform-id are for records find",
                        command->whole);
    if (!command->by_id && (!given->email == !given->platform || !given->platform != !given->platform_id))
        return ctl_fail("records find needs either --email, or --platform and --platform-id");
    if (given->limit && command->show != show_versions)
        return ctl_fail("--limit is for records versions");
    given->most = number ? strtoll(digits, NULL, 10) : 0;
    if (given->most < 1 || given->most > LIMIT_MAX)
        return ctl_fail("--limit is \"%s\": give a whole number from 1 to %d", digits, LIMIT_MAX);
    return 0;
}

static int run(struct api *api, const struct command *command, const struct arguments *given)
{
    struct json *answer = command->read(api, given);
    struct buf out = BUF_INIT;

    if (!answer)
        return 1;
    if (given->as_json)
        json_write(&out, answer);
    else
        command->show(answer, &out);
    buf_add_str(&out, given->as_json ? "\n" : "");
    json_free(answer);
    return ctl_print(&out);
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct arguments given = {.as_json = false};
    const struct ctl_option options[] = {{"tenant", &given.tenant, true},
                                         {"email", &given.email, false},
                                         {"platform", &given.platform, false},
                                         {"platform-id", &given.platform_id, false},
                                         {"limit", &given.limit, false},
                                         {"url", &given.url, false},
                                         {NULL, NULL, false}};
    struct conf conf;
    struct api *api;
    int code = 1;

    argc = ctl_take_flag(argc, argv, "--json", &given.as_json);
    given.type = ctl_take_word(&argc, &argv);
    given.id = command->by_id ? ctl_take_word(&argc, &argv) : NULL;
    if (ctl_read_options(options, argc, argv) || check(command, &given))
        return CTL_USAGE;
    if (ctl_load(&conf))
        return 1;
    if ((api = api_new(&conf, given.url, given.tenant))) {
        code = run(api, command, &given);
        api_free(&api);
    }
    conf_release(&conf);
    return code;
}

int ctl_records(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            char *whole = mem_strdup(commands[i].whole);
            int code;
            argv[1] = whole; /* what sentences call it */
            code = run_command(&commands[i], argc - 1, argv + 1);
            free(whole);
            return code;
        }
    ctl_fail("records: say show, versions or find; see syncctl --help");
    return CTL_USAGE;
}
