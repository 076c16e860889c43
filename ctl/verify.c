/*
 * verify.c: syncctl verify: does a platform have what it should have? Asks the API for a verification, waits for its end, and tells
 * how much agrees per tenant and type, and what does not.
 */
#include <unistd.h>

#include "api.h"
#include "mem.h"

#define LOOK_EVERY_US 200000
#define PATH_BYTES 96

struct arguments {
    const char *platform, *tenant, *entity, *id, *state, *url;
    bool repair, as_json, now;
};

/* ---- requests ---- */

static struct json *send_json(struct api *api, enum platform_method method, const char *path,
                              const struct json *body)
{
    struct buf text = BUF_INIT;
    struct json *answer;

    if (body)
        json_write(&text, body);
    answer = api_send(api, &(struct api_request){.method = method,
                                                 .path = path,
                                                 .body = body ? text.data : NULL,
                                                 .body_len = text.len,
                                                 .again = method != PLATFORM_POST});
    buf_release(&text);
    return answer;
}

static const char *path_of(const char *id, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "/sync/verifications/%s", id);
    return path;
}

static struct json *create(struct api *api, const struct arguments *given)
{
    struct json *body = json_new_object(), *list = json_new_array(), *job;

    json_set(body, "platform", json_new_text(given->platform));
    if (strcmp(given->tenant, "*") != 0)
        json_set(body, "tenant_id", json_new_text(given->tenant));
    for (const char *at = given->entity; at && *at; at += strcspn(at, ","), at += *at == ',')
        json_append(list, json_new_text_len(at, strcspn(at, ",")));
    json_set(body, "entities", list);
    json_set(body, "dry_run", json_new_bool(!given->repair));
    job = send_json(api, PLATFORM_POST, "/sync/verifications", body);
    json_free(body);
    return job;
}

static struct json *change(struct api *api, const struct arguments *given)
{
    char path[PATH_BYTES];
    struct json *body, *job;

    path_of(given->id, path);
    if (!given->state)
        return send_json(api, PLATFORM_GET, path, NULL);
    if (strcmp(given->state, "cancelled") == 0)
        return send_json(api, PLATFORM_DELETE, path, NULL);
    body = json_new_object();
    json_set(body, "state", json_new_text(given->state));
    job = send_json(api, PLATFORM_PATCH, path, body);
    json_free(body);
    return job;
}

/* ---- what is told ---- */

static int64_t number(const struct json *object, const char *name)
{
    int64_t value = 0;

    return json_int64(json_get(object, name), &value) == 0 ? value : 0;
}

static const char *word(const struct json *object, const char *name)
{
    const char *text = json_get_text(object, name);

    return text ? text : "";
}

static void show_part(const struct json *part, struct buf *out)
{
    const char *percent = json_text(json_get(part, "agreement_percent"), NULL);
    const struct json *left_out = json_get(part, "left_out");
    int64_t left = number(left_out, "moving") + number(left_out, "dead") + number(left_out, "contested");

    buf_addf(out, "%s %s: ", word(part, "tenant_id"), word(part, "entity_type"));
    if (percent)
        buf_addf(out, "%s %% agree; %lld agree, %lld differ, %lld are missing, %lld are deleted here",
                 percent, (long long)number(part, "agreed"), (long long)number(part, "differing"),
                 (long long)number(part, "missing"), (long long)number(part, "undeleted"));
    else
        buf_add_str(out, "nothing to compare");
    if (left > 0)
        buf_addf(out, "; left out: %lld on their way, %lld given up, %lld wait for a decision",
                 (long long)number(left_out, "moving"), (long long)number(left_out, "dead"),
                 (long long)number(left_out, "contested"));
    if (number(part, "unknown") > 0)
        buf_addf(out, "; %lld there are not known here", (long long)number(part, "unknown"));
    if (number(part, "unreadable") > 0)
        buf_addf(out, "; %lld rows could not be read", (long long)number(part, "unreadable"));
    if (number(part, "repaired") > 0)
        buf_addf(out, "; %lld are sent again", (long long)number(part, "repaired"));
    buf_add_ch(out, '\n');
}

static void show_example(const struct json *example, struct buf *out)
{
    const struct json *fields = json_get(example, "fields");
    const char *id = word(example, "entity_id");

    buf_addf(out, "  %s %s %s", word(example, "kind"), word(example, "entity_type"),
             *id ? id : word(example, "platform_id"));
    for (size_t i = 0; i < json_count(fields); i++)
        buf_addf(out, "%s%s", i > 0 ? ", " : ": ", json_text(json_at(fields, i), NULL));
    if (*word(example, "event_id"))
        buf_addf(out, " (event %s)", word(example, "event_id"));
    buf_add_ch(out, '\n');
}

static int show(const struct json *job, const struct arguments *given)
{
    const struct json *parts = json_get(job, "parts"), *examples = json_get(job, "examples");
    struct buf out = BUF_INIT;

    if (given->as_json) {
        json_write(&out, job);
        buf_add_ch(&out, '\n');
        return ctl_print(&out);
    }
    buf_addf(&out, "%s %s: %s%s%s\n", word(job, "id"), word(job, "platform"), word(job, "state"),
             *word(job, "reason") ? "; " : "", word(job, "reason"));
    for (size_t i = 0; i < json_count(parts); i++)
        show_part(json_at(parts, i), &out);
    for (size_t i = 0; i < json_count(examples); i++)
        show_example(json_at(examples, i), &out);
    return ctl_print(&out);
}

/* ---- waiting ---- */

static bool is_over(const struct json *job)
{
    const char *state = word(job, "state");

    return strcmp(state, "waiting") != 0 && strcmp(state, "running") != 0;
}

/* Looks until it is over; tells on standard error why it waits. Takes the job; NULL after a sentence. */
static struct json *wait_for(struct api *api, struct json *job)
{
    char path[PATH_BYTES], told[512] = "";

    while (job && !is_over(job)) {
        struct json *next;
        if (*word(job, "reason") && strncmp(word(job, "reason"), told, sizeof told - 1) != 0)
            fprintf(stderr, "syncctl: it waits: %s\n", word(job, "reason"));
        snprintf(told, sizeof told, "%s", word(job, "reason"));
        usleep(LOOK_EVERY_US);
        next = send_json(api, PLATFORM_GET, path_of(word(job, "id"), path), NULL);
        json_free(job);
        job = next;
    }
    return job;
}

/* Done, and whatever differed is sent again. */
static bool is_right(const struct json *job)
{
    const struct json *parts = json_get(job, "parts");
    bool right = strcmp(word(job, "state"), "done") == 0;

    for (size_t i = 0; i < json_count(parts); i++) {
        const struct json *part = json_at(parts, i);
        right &= number(part, "differing") + number(part, "missing") + number(part, "undeleted") ==
                 number(part, "repaired");
    }
    return right;
}

static int run(struct api *api, const struct arguments *given)
{
    struct json *job = given->id ? change(api, given) : create(api, given);
    int code = 1;

    if (job && !given->id && !given->now)
        job = wait_for(api, job);
    if (job && show(job, given) == 0)
        code = given->now || given->id || is_right(job) ? 0 : 1;
    json_free(job);
    return code;
}

/* ---- the command line ---- */

static int check(const struct arguments *given)
{
    if (given->id && (given->platform || given->entity || given->repair))
        return ctl_fail(
            "--id speaks of a verification that there is: leave --platform, --entity and --repair out");
    if (!given->id && !given->platform)
        return ctl_fail("verify needs --platform, or --id of one that there is; see syncctl --help");
    if (!given->id && given->state)
        return ctl_fail("--state needs --id: of which verification?");
    if (given->state && strcmp(given->state, "paused") != 0 && strcmp(given->state, "running") != 0 &&
        strcmp(given->state, "cancelled") != 0)
        return ctl_fail("--state is \"%s\": say paused, running or cancelled", given->state);
    return 0;
}

int ctl_verify(int argc, char **argv)
{
    struct arguments given = {.tenant = "*"};
    const struct ctl_option options[] = {{"platform", &given.platform, false},
                                         {"tenant", &given.tenant, false},
                                         {"entity", &given.entity, false},
                                         {"id", &given.id, false},
                                         {"state", &given.state, false},
                                         {"url", &given.url, false},
                                         {NULL, NULL, false}};
    struct conf conf;
    struct api *api;
    int result = 1;

    argc = ctl_take_flag(argc, argv, "--repair", &given.repair);
    argc = ctl_take_flag(argc, argv, "--json", &given.as_json);
    argc = ctl_take_flag(argc, argv, "--no-wait", &given.now);
    if (ctl_read_options(options, argc, argv) || check(&given))
        return CTL_USAGE;
    if (ctl_load(&conf))
        return 1;
    if ((api = api_new(&conf, given.url, given.tenant))) {
        result = run(api, &given);
        api_free(&api);
    }
    conf_release(&conf);
    return result;
}
