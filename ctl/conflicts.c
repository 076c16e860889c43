/*
 * conflicts.c: syncctl conflicts list|show|resolve|undo|simulate: what platforms changed at once, and what people decide about it,
 * through the API.
 */
#include "conflicts.h"

#include "api.h"
#include "mem.h"
#include "setting.h"

#define LIMIT_MAX 10000
#define PAGE_MAX 200

struct arguments {
    const char *id; /* of show, resolve and undo */
    const char *tenant, *status, *type, *limit, *choose, *fields, *data, *note, *policies, *days, *url;
    int64_t most; /* list */
    bool as_json;
};

/* ---- requests ---- */

/* Takes the path, and the body unless that is NULL. */
static struct json *ask(struct api *api, struct buf *path, struct json *body)
{
    struct buf text = BUF_INIT;
    struct json *answer;

    if (body)
        json_write(&text, body);
    answer = api_send(api, &(struct api_request){.method = body ? PLATFORM_POST : PLATFORM_GET,
                                                 .path = path->data,
                                                 .body = body ? text.data : NULL,
                                                 .body_len = text.len,
                                                 .again = !body});
    json_free(body);
    buf_release(&text);
    buf_release(path);
    return answer;
}

static struct json *get_page(struct api *api, const struct arguments *given, int64_t limit,
                             const char *cursor)
{
    const char *status = given->status ? given->status : "waiting";
    struct buf path = BUF_INIT;

    buf_addf(&path, "/sync/conflicts?limit=%lld", (long long)limit);
    api_add_parameter(&path, "status", strcmp(status, "all") == 0 ? NULL : status);
    api_add_parameter(&path, "entity_type", given->type);
    api_add_parameter(&path, "cursor", cursor);
    return ask(api, &path, NULL);
}

/* Page after page into the first one. */
static struct json *get_list(struct api *api, const struct arguments *given)
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
        struct json *conflicts = json_get(page, "conflicts");
        left -= (int64_t)json_count(conflicts);
        if (!all) {
            all = page;
        } else {
            for (size_t i = 0; i < json_count(conflicts); i++)
                json_append(json_get(all, "conflicts"), json_ref(json_at(conflicts, i)));
            json_set(all, "next_cursor", json_ref(json_get(page, "next_cursor")));
            json_free(page);
        }
        cursor = json_get_text(all, "next_cursor");
    } while (cursor && left > 0);
    return all;
}

static void start_path(struct buf *path, const struct arguments *given, const char *action)
{
    buf_add_str(path, "/sync/conflicts/");
    api_add_escaped(path, given->id);
    buf_add_str(path, action);
}

static struct json *get_one(struct api *api, const struct arguments *given)
{
    struct buf path = BUF_INIT;

    start_path(&path, given, "");
    return ask(api, &path, NULL);
}

/* "email=coreldove,name=bizoholic"; NULL after a sentence. */
static struct json *read_fields(const char *text)
{
    struct json *fields = json_new_object();

    for (const char *at = text; *at; at += strcspn(at, ","), at += *at == ',') {
        size_t len = strcspn(at, ","), name_len = strcspn(at, "=");
        char *name;
        if (name_len == 0 || name_len + 1 >= len) {
            ctl_fail("--fields is \"%s\": give FIELD=PLATFORM, several with commas", text);
            json_free(fields);
            return NULL;
        }
        name = mem_strndup(at, name_len);
        json_set(fields, name, json_new_text_len(at + name_len + 1, len - name_len - 1));
        free(name);
    }
    return fields;
}

static struct json *read_data(const char *text)
{
    struct json_error error;
    bool ok;
    struct json *data = json_parse(text, strlen(text), JSON_DEPTH_MAX, &error, &ok);

    if (!ok)
        ctl_fail("--data is not JSON, at byte %zu: %s", error.offset, error.detail);
    return ok ? data : NULL;
}

static struct json *resolve(struct api *api, const struct arguments *given)
{
    struct buf path = BUF_INIT;
    struct json *body = json_new_object(), *chosen;
    const char *member = given->choose ? "choose" : given->fields ? "fields" : "data";

    chosen = given->choose   ? json_new_text(given->choose)
             : given->fields ? read_fields(given->fields)
                             : read_data(given->data);
    json_set(body, member, chosen);
    if (given->note)
        json_set(body, "note", json_new_text(given->note));
    if (!chosen) {
        json_free(body);
        return NULL;
    }
    start_path(&path, given, "/resolve");
    return ask(api, &path, body);
}

static struct json *undo(struct api *api, const struct arguments *given)
{
    struct buf path = BUF_INIT;
    struct json *body = json_new_object();

    if (given->note)
        json_set(body, "note", json_new_text(given->note));
    start_path(&path, given, "/undo");
    return ask(api, &path, body);
}

static struct json *simulate(struct api *api, const struct arguments *given)
{
    struct buf path = BUF_INIT, errors = BUF_INIT;
    char *text = setting_read_file(given->policies, &errors);
    struct json *body;

    if (!text) {
        ctl_fail("%.*s", (int)strcspn(errors.data, "\n"), errors.data);
        buf_release(&errors);
        return NULL;
    }
    body = json_new_object();
    json_set(body, "policies", json_new_text(text));
    if (given->days)
        json_set(body, "days", json_new_int(strtoll(given->days, NULL, 10)));
    if (given->type)
        json_set(body, "entity_type", json_new_text(given->type));
    free(text);
    buf_add_str(&path, "/sync/conflicts/simulate");
    return ask(api, &path, body);
}

/* ---- the commands ---- */

enum { OF_LIST = 1, OF_SHOW = 2, OF_RESOLVE = 4, OF_UNDO = 8, OF_SIMULATE = 16 };
struct command {
    const char *name, *whole;
    int bit;
    bool by_id;
    struct json *(*ask)(struct api *api, const struct arguments *given);
    void (*show)(const struct json *answer, struct buf *out);
};
static const struct command commands[] = {
    {"list", "conflicts list", OF_LIST, false, get_list, conflicts_show_list},
    {"show", "conflicts show", OF_SHOW, true, get_one, conflicts_show_one},
    {"resolve", "conflicts resolve", OF_RESOLVE, true, resolve, conflicts_show_one},
    {"undo", "conflicts undo", OF_UNDO, true, undo, conflicts_show_one},
    {"simulate", "conflicts simulate", OF_SIMULATE, false, simulate, conflicts_show_simulation}};

static bool is_number(const char *text)
{
    return *text && strlen(text) < 9 && strspn(text, "0123456789") == strlen(text);
}

static int check_places(const struct command *command, const struct arguments *given)
{
    const struct {
        const char *name, *value;
        int of;
    } rows[] = {{"status", given->status, OF_LIST},
                {"type", given->type, OF_LIST | OF_SIMULATE},
                {"limit", given->limit, OF_LIST},
                {"choose", given->choose, OF_RESOLVE},
                {"fields", given->fields, OF_RESOLVE},
                {"data", given->data, OF_RESOLVE},
                {"note", given->note, OF_RESOLVE | OF_UNDO},
                {"policies", given->policies, OF_SIMULATE},
                {"days", given->days, OF_SIMULATE}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].value && !(rows[i].of & command->bit))
            return ctl_fail("--%s is no option of %s; see syncctl --help", rows[i].name, command->whole);
    return 0;
}

static int check(const struct command *command, struct arguments *given)
{
    const char *digits = given->limit ? given->limit : "50";

    if (command->by_id && !given->id)
        return ctl_fail("%s needs the conflict's id, as conflicts list shows it", command->whole);
    if (check_places(command, given))
        return 1;
    if (command->bit == OF_RESOLVE && !!given->choose + !!given->fields + !!given->data != 1)
        return ctl_fail("conflicts resolve needs one of --choose, --fields and --data");
    if (command->bit == OF_SIMULATE && !given->policies)
        return ctl_fail("conflicts simulate needs --policies, a file of policies");
    if (given->days && !is_number(given->days))
        return ctl_fail("--days is \"%s\": give a whole number", given->days);
    given->most = is_number(digits) ? strtoll(digits, NULL, 10) : 0;
    if (given->most < 1 || given->most > LIMIT_MAX)
        return ctl_fail("--limit is \"%s\": give a whole number from 1 to %d", digits, LIMIT_MAX);
    return 0;
}

static int run(struct api *api, const struct command *command, const struct arguments *given)
{
    struct json *answer = command->ask(api, given);
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
    const struct ctl_option options[] = {
        {"tenant", &given.tenant, true},      {"status", &given.status, false},
        {"type", &given.type, false},         {"limit", &given.limit, false},
        {"choose", &given.choose, false},     {"fields", &given.fields, false},
        {"data", &given.data, false},         {"note", &given.note, false},
        {"policies", &given.policies, false}, {"days", &given.days, false},
        {"url", &given.url, false},           {NULL, NULL, false}};
    struct conf conf;
    struct api *api;
    int code = 1;

    argc = ctl_take_flag(argc, argv, "--json", &given.as_json);
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

int ctl_conflicts(int argc, char **argv)
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
    ctl_fail("conflicts: say list, show, resolve, undo or simulate; see syncctl --help");
    return CTL_USAGE;
}
