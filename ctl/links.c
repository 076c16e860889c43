/*
 * links.c: syncctl links list|show|confirm|refuse|link|split: who is one person under several ids, and who may be, through the API. Ids
 * alone are shown; syncctl records show tells what is behind one.
 */
#include "api.h"
#include "mem.h"
#include "row.h"
#include "text.h"

#define LIMIT_MAX 10000
#define PAGE_MAX 200

struct arguments {
    const char *id, *other; /* other: of link */
    const char *tenant, *status, *limit, *note, *url;
    int64_t most; /* list */
    bool as_json;
};

/* ---- requests ---- */

/* Takes the path, and the body unless that is NULL. */
static struct json *ask(struct api *api, enum platform_method method, struct buf *path, struct json *body)
{
    struct buf text = BUF_INIT;
    struct json *answer;

    if (body)
        json_write(&text, body);
    answer = api_send(api, &(struct api_request){.method = method,
                                                 .path = path->data,
                                                 .body = body ? text.data : NULL,
                                                 .body_len = text.len,
                                                 .again = method == PLATFORM_GET});
    json_free(body);
    buf_release(&text);
    buf_release(path);
    return answer;
}

static struct json *get_page(struct api *api, const struct arguments *given, int64_t limit,
                             const char *cursor)
{
    const char *status = given->status ? given->status : "suggested";
    struct buf path = BUF_INIT;

    buf_addf(&path, "/sync/links?limit=%lld", (long long)limit);
    api_add_parameter(&path, "status", strcmp(status, "all") == 0 ? NULL : status);
    api_add_parameter(&path, "cursor", cursor);
    return ask(api, PLATFORM_GET, &path, NULL);
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
        struct json *links = json_get(page, "links");
        left -= (int64_t)json_count(links);
        if (!all) {
            all = page;
        } else {
            for (size_t i = 0; i < json_count(links); i++)
                json_append(json_get(all, "links"), json_ref(json_at(links, i)));
            json_set(all, "next_cursor", json_ref(json_get(page, "next_cursor")));
            json_free(page);
        }
        cursor = json_get_text(all, "next_cursor");
    } while (cursor && left > 0);
    return all;
}

static void start_path(struct buf *path, const struct arguments *given, const char *action)
{
    buf_add_str(path, "/sync/links/");
    api_add_escaped(path, given->id);
    buf_add_str(path, action);
}

static struct json *note_of(const struct arguments *given)
{
    struct json *body = json_new_object();

    if (given->note)
        json_set(body, "note", json_new_text(given->note));
    return body;
}

static struct json *get_one(struct api *api, const struct arguments *given)
{
    struct buf path = BUF_INIT;

    start_path(&path, given, "");
    return ask(api, PLATFORM_GET, &path, NULL);
}

static struct json *confirm(struct api *api, const struct arguments *given)
{
    struct buf path = BUF_INIT;

    start_path(&path, given, "/confirm");
    return ask(api, PLATFORM_POST, &path, note_of(given));
}

static struct json *refuse(struct api *api, const struct arguments *given)
{
    struct buf path = BUF_INIT;

    start_path(&path, given, "/refuse");
    return ask(api, PLATFORM_POST, &path, note_of(given));
}

static struct json *split(struct api *api, const struct arguments *given)
{
    struct buf path = BUF_INIT;

    start_path(&path, given, "");
    return ask(api, PLATFORM_DELETE, &path, given->note ? note_of(given) : NULL);
}

static struct json *link_two(struct api *api, const struct arguments *given)
{
    struct buf path = BUF_INIT;
    struct json *body = note_of(given), *users = json_new_array();

    json_append(users, json_new_text(given->id));
    json_append(users, json_new_text(given->other));
    json_set(body, "users", users);
    buf_add_str(&path, "/sync/links");
    return ask(api, PLATFORM_POST, &path, body);
}

/* ---- for people ---- */

static void join(struct buf *text, const struct json *words)
{
    for (size_t i = 0; i < json_count(words); i++)
        buf_addf(text, "%s%s", i ? ", " : "", json_text(json_at(words, i), NULL));
}

static void show_list(const struct json *page, struct buf *out)
{
    static const char *const headers[] = {"LINK", "STATUS", ">SCORE", "OLDER", "YOUNGER", "WHY", NULL};
    const struct json *links = json_get(page, "links");
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(links); i++) {
        const struct json *link = json_at(links, i);
        struct buf why = BUF_INIT;
        join(&why, json_get(link, "why"));
        table_json(table, link, "id");
        table_json(table, link, "status");
        table_json(table, link, "score");
        table_json(table, json_get(link, "record"), "entity_id");
        table_json(table, json_get(link, "other"), "entity_id");
        table_text(table, why.len ? why.data : NULL);
        buf_release(&why);
    }
    table_end(&table, out);
    if (json_count(links) == 0)
        buf_add_str(out, "no links\n");
    if (json_get_text(page, "next_cursor"))
        buf_addf(out, "\nthe newest %zu; there are more: --limit\n", json_count(links));
}

static void add_line(struct buf *out, const char *label, const char *text)
{
    if (!*text)
        return;
    buf_addf(out, "  %-9s ", label);
    text_clean(out, text, strlen(text));
    buf_add_ch(out, '\n');
}

static void add_user(struct buf *out, const char *label, const struct json *user)
{
    struct buf text = BUF_INIT;

    buf_addf(&text, "%s, record %s", row_text(user, "entity_id"), row_text(user, "record_id"));
    add_line(out, label, text.data);
    buf_release(&text);
}

static void show_one(const struct json *link, struct buf *out)
{
    struct buf why = BUF_INIT, score = BUF_INIT;
    const struct json *number = json_get(link, "score");

    join(&why, json_get(link, "why"));
    if (number)
        json_write(&score, number);
    buf_addf(out, "link %s\n", row_text(link, "id"));
    add_line(out, "tenant", row_text(link, "tenant_id"));
    add_line(out, "status", row_text(link, "status"));
    add_line(out, "kind", row_text(link, "kind"));
    add_line(out, "score", score.len ? score.data : "");
    add_line(out, "why", why.len ? why.data : "");
    add_user(out, "older", json_get(link, "record"));
    add_user(out, "younger", json_get(link, "other"));
    add_line(out, "by", row_text(link, "decided_by"));
    add_line(out, "note", row_text(link, "note"));
    if (!row_bool(link, "applied"))
        buf_add_str(out, "  stored; the router has not done it yet\n");
    buf_release(&why);
    buf_release(&score);
}

/* ---- the commands ---- */

struct command {
    const char *name, *whole;
    int ids;
    bool notes;
    struct json *(*ask)(struct api *api, const struct arguments *given);
    void (*show)(const struct json *answer, struct buf *out);
};
static const struct command commands[] = {{"list", "links list", 0, false, get_list, show_list},
                                          {"show", "links show", 1, false, get_one, show_one},
                                          {"confirm", "links confirm", 1, true, confirm, show_one},
                                          {"refuse", "links refuse", 1, true, refuse, show_one},
                                          {"link", "links link", 2, true, link_two, show_one},
                                          {"split", "links split", 1, true, split, show_one}};

static int check(const struct command *command, struct arguments *given)
{
    const char *digits = given->limit ? given->limit : "50";
    bool number = *digits && strlen(digits) < 9 && strspn(digits, "0123456789") == strlen(digits);

    if (command->ids == 1 && !given->id)
        return ctl_fail("%s needs the link's id, as links list shows it", command->whole);
    if (command->ids == 2 && !given->other)
        return ctl_fail("%s needs the ids of two users", command->whole);
    if (command->ids > 0 && (given->status || given->limit))
        return ctl_fail("--status and --limit are for links list");
    if (!command->notes && given->note)
        return ctl_fail("--note is no option of %s; see syncctl --help", command->whole);
    given->most = number ? strtoll(digits, NULL, 10) : 0;
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
    const struct ctl_option options[] = {{"tenant", &given.tenant, true}, {"status", &given.status, false},
                                         {"limit", &given.limit, false},  {"note", &given.note, false},
                                         {"url", &given.url, false},      {NULL, NULL, false}};
    struct conf conf;
    struct api *api;
    int code = 1;

    argc = ctl_take_flag(argc, argv, "--json", &given.as_json);
    given.id = command->ids > 0 ? ctl_take_word(&argc, &argv) : NULL;
    given.other = command->ids > 1 ? ctl_take_word(&argc, &argv) : NULL;
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

int ctl_links(int argc, char **argv)
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
    ctl_fail("links: say list, show, confirm, refuse, link or split; see syncctl --help");
    return CTL_USAGE;
}
