/*
 * map.c: syncctl map [--platform P] [FILE|-]: what each platform would get for an event, by the platform files in PLATFORM_DIR.
 *
 * Needs no running service: files can be tried before they are reloaded. Every platform is taken to have nothing yet; the API's
 * POST /sync/mappings/preview shows the difference to what it has. Exit code 1 when the event, or one of its targets, fails.
 */
#include "clock.h"
#include "ctl.h"
#include "digest.h"
#include "mapping.h"
#include "mem.h"
#include "platform_conf.h"
#include "preview.h"

#define EVENT_BYTES_MAX (16 * 1024 * 1024)

struct trial {
    struct platform_set *platforms;
    const char *only; /* the one platform to show; NULL: all targets */
    struct json *body;
    struct preview_event event;
    struct buf entity_id;
};

/* ---- the event ---- */

static char *read_all(const char *file, size_t *len)
{
    bool standard = strcmp(file, "-") == 0;
    FILE *in = standard ? stdin : fopen(file, "re");
    struct buf text = BUF_INIT;
    char block[65536];
    size_t n;
    bool bad;

    if (!in) {
        ctl_fail("%s cannot be opened: %m", file);
        return NULL;
    }
    while (text.len <= EVENT_BYTES_MAX && (n = fread(block, 1, sizeof block, in)) > 0)
        buf_add(&text, block, n);
    bad = ferror(in) || text.len > EVENT_BYTES_MAX;
    if (!standard)
        fclose(in);
    if (bad) {
        ctl_fail("%s cannot be read, or is larger than 16 MiB", standard ? "the input" : file);
        buf_release(&text);
        return NULL;
    }
    return buf_detach(&text, len);
}

static struct json *read_body(const char *file)
{
    struct json_error error = {0};
    struct json *body;
    size_t len = 0;
    bool ok;
    char *text = read_all(file, &len);

    if (!text)
        return NULL;
    body = json_parse(text, len, JSON_DEPTH_MAX, &error, &ok);
    free(text);
    if (ok && json_type(body) == JSON_OBJECT)
        return body;
    if (ok)
        ctl_fail("the event must be an object, as the body of POST /sync/events is");
    else
        ctl_fail("the event is not JSON: byte %zu%s%s: %s", error.offset, *error.pointer ? ", " : "",
                 error.pointer, error.detail);
    json_free(body);
    return NULL;
}

static int read_source(struct trial *trial)
{
    const char *type = json_get_text(trial->body, "event_type"),
               *source = json_get_text(trial->body, "source_platform");

    if (!type || msg_event_type(type, &trial->event.type) != 0)
        return ctl_fail("event_type must be one of the event types, such as user_created");
    trial->event.source = source ? platform_find(trial->platforms, source) : NULL;
    if (!trial->event.source)
        return ctl_fail("source_platform must be one of the platforms that have a file");
    trial->event.data = json_get(trial->body, "data");
    if (json_type(trial->event.data) != JSON_OBJECT)
        return ctl_fail("data must be an object");
    return 0;
}

/* As the gateway finds it: the id in the data, else for a create one of ours. */
static int read_id(struct trial *trial)
{
    struct preview_event *event = &trial->event;
    enum entity entity = msg_event_entity(event->type);
    const char *member = "id";
    char text[UUID_TEXT_LEN + 1];
    int found = mapping_entity_id(event->source, entity, event->data, &trial->entity_id, &member);

    if (found < 0)
        return ctl_fail("/data/%s: the id must be a whole number, or text of 1 to 256 bytes", member);
    if (found > 0 && msg_event_verb(event->type) != VERB_CREATE)
        return ctl_fail("data must hold the id of what is updated or deleted");
    if (found > 0) {
        uuid_format(&event->id, text);
        buf_add_str(&trial->entity_id, text);
    }
    event->entity_id = trial->entity_id.data;
    digest_record_id(&event->record_id, event->tenant, msg_entity_name(entity), event->entity_id);
    return 0;
}

static int check_data(const struct preview_event *event)
{
    enum entity entity = msg_event_entity(event->type);
    struct json *errors = json_new_array(), *common = mapping_in(event->source, entity, event->data);
    unsigned count = mapping_check(event->source, entity, common, event->data, errors);

    for (size_t i = 0; i < json_count(errors); i++)
        ctl_fail("%s: %s", json_get_text(json_at(errors, i), "pointer"),
                 json_get_text(json_at(errors, i), "detail"));
    json_free(common);
    json_free(errors);
    return count > 0;
}

static int read_event(struct trial *trial)
{
    struct preview_event *event = &trial->event;
    const char *tenant = json_get_text(trial->body, "tenant_id");

    event->platforms = trial->platforms;
    event->now_ms = clock_wall_us() / 1000;
    event->occurred_ms = INT64_MIN;
    uuid_v7(&event->id, event->now_ms);
    event->tenant = tenant ? tenant : "";
    event->user_id = json_get_text(trial->body, "user_id");
    event->entity_id = "";
    if (read_source(trial))
        return 1;
    if (msg_event_entity(event->type) == ENTITY_NONE)
        return 0;
    return read_id(trial) || check_data(event);
}

/* ---- the targets ---- */

static bool is_target(const struct trial *trial, const struct platform *platform)
{
    const struct json *named = json_get(trial->body, "target_platforms");

    if (trial->only)
        return strcmp(trial->only, platform_name(platform)) == 0;
    if (!named)
        return platform != trial->event.source;
    for (size_t i = 0; json_type(named) == JSON_ARRAY && i < json_count(named); i++) {
        const struct json *name = json_at(named, i);
        if (json_type(name) == JSON_STRING && strcmp(json_text(name, NULL), platform_name(platform)) == 0)
            return true;
    }
    return false;
}

static int check_targets(const struct trial *trial)
{
    const struct json *named = json_get(trial->body, "target_platforms");

    if (trial->only && !platform_find(trial->platforms, trial->only))
        return ctl_fail("--platform is \"%s\", which has no file", trial->only);
    if (named && json_type(named) != JSON_ARRAY)
        return ctl_fail("target_platforms must be an array of names");
    for (size_t i = 0; i < json_count(named); i++) {
        const struct json *name = json_at(named, i);
        if (json_type(name) != JSON_STRING || !platform_find(trial->platforms, json_text(name, NULL)))
            return ctl_fail("/target_platforms/%zu: a target must be a platform that has a file", i);
    }
    return 0;
}

/* Compact JSON with a line per member, for people. */
static void print_json(struct buf *out, const struct json *json, int depth)
{
    bool object = json_type(json) == JSON_OBJECT;
    struct json_iter iter = {NULL};
    const char *key = NULL;
    struct json *value;

    if ((!object && json_type(json) != JSON_ARRAY) || json_count(json) == 0) {
        json_write(out, json);
        return;
    }
    buf_add_ch(out, object ? '{' : '[');
    for (size_t i = 0; i < json_count(json); i++) {
        if (object && !json_next(json, &iter, &key, &value))
            break;
        buf_addf(out, "%s\n%*s", i > 0 ? "," : "", 2 * depth + 2, "");
        if (object) {
            buf_add_json(out, key, strlen(key));
            buf_add_str(out, ": ");
        }
        print_json(out, object ? value : json_at(json, i), depth + 1);
    }
    buf_addf(out, "\n%*s%c", 2 * depth, "", object ? '}' : ']');
}

static int show(struct trial *trial)
{
    struct json *answer = json_new_object(), *targets = json_new_array();
    const struct preview_holding nothing = {.version = 0};
    struct record record;
    struct buf out = BUF_INIT;
    bool failed = false;

    record_init(&record);
    preview_change(&trial->event, &record);
    for (size_t i = 0; i < platform_count(trial->platforms); i++) {
        const struct platform *target = platform_at(trial->platforms, i);
        if (!is_target(trial, target))
            continue;
        struct json *shown = preview_target(&trial->event, &record, target, &nothing);
        failed |= json_get(shown, "failed") != NULL;
        json_append(targets, shown);
    }
    json_set(answer, "targets", targets);
    print_json(&out, answer, 0);
    buf_add_ch(&out, '\n');
    record_release(&record);
    json_free(answer);
    return ctl_print(&out) || failed;
}

static int map(struct conf *conf, const char *file, const char *only)
{
    struct trial trial = {.only = only, .entity_id = BUF_INIT};
    struct buf errors = BUF_INIT;
    int result = 1;

    trial.platforms = platform_conf_load(conf, &errors);
    if (!trial.platforms)
        ctl_fail("the platform files are refused:\n%.*s", (int)(errors.len - 1), errors.data);
    else if ((trial.body = read_body(file)))
        result = read_event(&trial) || check_targets(&trial) || show(&trial);
    json_free(trial.body);
    platform_set_free(&trial.platforms);
    buf_release(&trial.entity_id);
    buf_release(&errors);
    return result;
}

int ctl_map(int argc, char **argv)
{
    const char *only = NULL, *file = "-";
    const struct ctl_option options[] = {{"platform", &only, false}, {NULL, NULL, false}};
    struct conf conf;
    int result;

    /* The last word is the file unless it is an option or an option's value. */
    if (argc > 1 && (strcmp(argv[argc - 1], "-") == 0 ||
                     (strncmp(argv[argc - 1], "--", 2) != 0 && strcmp(argv[argc - 2], "--platform") != 0)))
        file = argv[--argc];
    if (ctl_read_options(options, argc, argv))
        return CTL_USAGE;
    if (ctl_load(&conf))
        return 1;
    result = map(&conf, file, only);
    conf_release(&conf);
    return result ? 1 : 0;
}
