/*
 * tenant_policies.c: syncctl policies show|set|versions|restore: what a tenant has of its own over the policy file, version by version,
 * through the API.
 */
#include "api.h"
#include "mem.h"
#include "setting.h"
#include "text.h"

struct arguments {
    const char *what; /* the file of set, the version of restore */
    const char *tenant, *version, *over, *note, *url;
    bool as_json;
};

struct command {
    const char *name, *what; /* what: that it needs behind its name; NULL: nothing */
    struct json *(*ask)(struct api *api, const struct arguments *given);
    void (*show)(const struct json *answer, struct buf *out);
};

static void start_path(struct buf *path, const struct arguments *given)
{
    buf_add_str(path, "/sync/tenants/");
    api_add_escaped(path, given->tenant);
    buf_add_str(path, "/policies");
}

static struct json *get(struct api *api, const struct arguments *given, const char *below, const char *last)
{
    struct buf path = BUF_INIT;
    struct json *answer;

    start_path(&path, given);
    buf_add_str(&path, below);
    if (last)
        api_add_escaped(&path, last);
    answer = api_send(api, &(struct api_request){.method = PLATFORM_GET, .path = path.data, .again = true});
    buf_release(&path);
    return answer;
}

static struct json *ask_show(struct api *api, const struct arguments *given)
{
    return get(api, given, given->version ? "/versions/" : "", given->version);
}

static struct json *ask_versions(struct api *api, const struct arguments *given)
{
    return get(api, given, "/versions?limit=200", NULL);
}

/* Takes the value. */
static struct json *put(struct api *api, const struct arguments *given, const char *name, struct json *value)
{
    struct buf path = BUF_INIT, text = BUF_INIT, match = BUF_INIT;
    struct json *body = json_new_object(), *answer;

    json_set(body, name, value);
    if (given->note)
        json_set(body, "note", json_new_text(given->note));
    json_write(&text, body);
    json_free(body);
    start_path(&path, given);
    if (given->over)
        buf_addf(&match, "\"%s\"", given->over);
    api_be_admin(api);
    answer = api_send(api, &(struct api_request){.method = PLATFORM_PUT,
                                                 .path = path.data,
                                                 .body = text.data,
                                                 .body_len = text.len,
                                                 .if_match = given->over ? match.data : NULL});
    buf_release(&path);
    buf_release(&text);
    buf_release(&match);
    return answer;
}

static struct json *ask_set(struct api *api, const struct arguments *given)
{
    struct buf errors = BUF_INIT;
    char *text = setting_read_file(given->what, &errors);
    struct json *answer = NULL;

    if (text)
        answer = put(api, given, "text", json_new_text(text));
    else
        ctl_fail("%.*s", (int)strcspn(errors.data, "\n"), errors.data);
    free(text);
    buf_release(&errors);
    return answer;
}

static struct json *ask_restore(struct api *api, const struct arguments *given)
{
    if (strspn(given->what, "0123456789") != strlen(given->what) || strlen(given->what) > 9) {
        ctl_fail("policies restore needs the number of a version, as policies versions shows it");
        return NULL;
    }
    return put(api, given, "restore", json_new_int(strtoll(given->what, NULL, 10)));
}

/* ---- what they print ---- */

static void add_clean(struct buf *out, const struct json *json, const char *name)
{
    const char *text = json_get_text(json, name);

    if (text)
        text_clean(out, text, strlen(text));
}

static void show_version(const struct json *answer, struct buf *out)
{
    int64_t version = 0;
    const char *text = json_get_text(answer, "text"), *at = json_get_text(answer, "created_at");

    json_int64(json_get(answer, "version"), &version);
    if (version == 0) {
        buf_add_str(out, "nothing of its own: the policy file holds\n");
        return;
    }
    buf_addf(out, "# version %lld, by ", (long long)version);
    add_clean(out, answer, "author");
    buf_add_str(out, ", ");
    text_time(out, at ? at : "");
    if (json_get_text(answer, "note")) {
        buf_add_str(out, ": ");
        add_clean(out, answer, "note");
    }
    buf_addf(out, "\n%s%s", text, *text && text[strlen(text) - 1] != '\n' ? "\n" : "");
    for (size_t i = 0; i < json_count(json_get(answer, "errors")); i++) {
        buf_add_str(out, "# not in force: ");
        add_clean(out, json_at(json_get(answer, "errors"), i), "detail");
        buf_add_ch(out, '\n');
    }
}

static void show_versions(const struct json *answer, struct buf *out)
{
    static const char *const headers[] = {">VERSION", "WHEN", "WHO", "RESTORES", "NOTE", NULL};
    const struct json *versions = json_get(answer, "versions");
    struct table *table = table_new(headers);
    struct buf cell = BUF_INIT;

    for (size_t i = 0; i < json_count(versions); i++) {
        const struct json *version = json_at(versions, i);
        const char *at = json_get_text(version, "created_at");
        table_json(table, version, "version");
        buf_reset(&cell);
        text_time(&cell, at ? at : "");
        table_text(table, cell.data);
        table_json(table, version, "author");
        table_json(table, version, "restores");
        table_json(table, version, "note");
    }
    buf_release(&cell);
    table_end(&table, out);
}

/* ---- the command ---- */

static const struct command commands[] = {
    {"show", NULL, ask_show, show_version},
    {"versions", NULL, ask_versions, show_versions},
    {"set", "a file", ask_set, show_version},
    {"restore", "the number of a version", ask_restore, show_version},
};

static int run(const struct command *command, const struct arguments *given)
{
    struct conf conf;
    struct api *api;
    struct json *answer = NULL;
    struct buf out = BUF_INIT;

    if (ctl_load(&conf))
        return 1;
    if ((api = api_new(&conf, given->url, given->tenant))) {
        answer = command->ask(api, given);
        api_free(&api);
    }
    conf_release(&conf);
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

int ctl_tenant_policies(int argc, char **argv)
{
    struct arguments given = {.as_json = false};
    const struct ctl_option options[] = {{"tenant", &given.tenant, true}, {"version", &given.version, false},
                                         {"over", &given.over, false},    {"note", &given.note, false},
                                         {"url", &given.url, false},      {NULL, NULL, false}};
    const struct command *command = commands;

    while (strcmp(command->name, argv[0]) != 0)
        command++;
    argc = ctl_take_flag(argc, argv, "--json", &given.as_json);
    given.what = command->what ? ctl_take_word(&argc, &argv) : NULL;
    if (command->what && !given.what) {
        ctl_fail("policies %s needs %s, and --tenant", command->name, command->what);
        return CTL_USAGE;
    }
    if (ctl_read_options(options, argc, argv))
        return CTL_USAGE;
    return run(command, &given);
}
