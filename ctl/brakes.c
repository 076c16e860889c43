/*
 * brakes.c: syncctl brakes list|release|drop: flows that are paused because too much was changed at once, and what a person decides,
 * through the API.
 */
#include "api.h"
#include "mem.h"
#include "text.h"

struct arguments {
    const char *id;
    const char *tenant, *status, *note, *url;
    bool as_json;
};

static struct json *ask(struct api *api, const char *word, const struct arguments *given)
{
    struct buf path = BUF_INIT, text = BUF_INIT;
    struct json *answer, *body = NULL;

    buf_add_str(&path, "/sync/brakes");
    if (given->id) {
        buf_add_ch(&path, '/');
        api_add_escaped(&path, given->id);
        buf_addf(&path, "/%s", word);
        body = json_new_object();
        if (given->note)
            json_set(body, "note", json_new_text(given->note));
        json_write(&text, body);
    } else {
        api_add_parameter(&path, "status", given->status);
    }
    answer = api_send(api, &(struct api_request){.method = body ? PLATFORM_POST : PLATFORM_GET,
                                                 .path = path.data,
                                                 .body = body ? text.data : NULL,
                                                 .body_len = text.len,
                                                 .again = !body});
    json_free(body);
    buf_release(&path);
    buf_release(&text);
    return answer;
}

static void show(const struct json *brakes, struct buf *out)
{
    static const char *const headers[] = {"ID",  "TENANT", "WHAT",  "TYPE", ">COUNTED",
                                          ">OF", "STATUS", "SINCE", NULL};
    static const char *const members[] = {"id",      "tenant_id", "kind",  "entity_type",
                                          "counted", "records",   "status"};
    struct table *table = table_new(headers);
    struct buf since = BUF_INIT;

    for (size_t i = 0; i < json_count(brakes); i++) {
        const char *at = json_get_text(json_at(brakes, i), "created_at");
        for (size_t m = 0; m < sizeof members / sizeof *members; m++)
            table_json(table, json_at(brakes, i), members[m]);
        buf_reset(&since);
        text_time(&since, at ? at : "");
        table_text(table, since.data);
    }
    buf_release(&since);
    table_end(&table, out);
}

static int run(const char *word, const struct arguments *given)
{
    struct conf conf;
    struct api *api;
    struct json *answer = NULL, *one;
    struct buf out = BUF_INIT;

    if (ctl_load(&conf))
        return 1;
    if ((api = api_new(&conf, given->url, given->tenant))) {
        answer = ask(api, word, given);
        api_free(&api);
    }
    conf_release(&conf);
    if (!answer)
        return 1;
    if (given->as_json) {
        json_write(&out, answer);
        buf_add_ch(&out, '\n');
    } else if (given->id) {
        one = json_new_array();
        json_append(one, json_ref(answer));
        show(one, &out);
        json_free(one);
    } else {
        show(json_get(answer, "brakes"), &out);
    }
    json_free(answer);
    return ctl_print(&out);
}

int ctl_brakes(int argc, char **argv)
{
    struct arguments given = {.as_json = false};
    const struct ctl_option options[] = {{"tenant", &given.tenant, true},
                                         {"status", &given.status, false},
                                         {"note", &given.note, false},
                                         {"url", &given.url, false},
                                         {NULL, NULL, false}};
    const char *word = argc > 1 ? argv[1] : "";
    bool decides = strcmp(word, "release") == 0 || strcmp(word, "drop") == 0;

    if (!decides && strcmp(word, "list") != 0) {
        ctl_fail("brakes: say list, release or drop; see syncctl --help");
        return CTL_USAGE;
    }
    argc--, argv++;
    argc = ctl_take_flag(argc, argv, "--json", &given.as_json);
    given.id = decides ? ctl_take_word(&argc, &argv) : NULL;
    if (decides && !given.id) {
        ctl_fail("brakes %s needs the id, as brakes list shows it, and --tenant", word);
        return CTL_USAGE;
    }
    if (ctl_read_options(options, argc, argv))
        return CTL_USAGE;
    return run(word, &given);
}
