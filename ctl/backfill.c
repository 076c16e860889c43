/*
 * backfill.c: syncctl backfill: a first sync of a platform, or of a file of lines, through the API.
 *
 * A file goes in parts of whole lines, each of which may be sent again; the backfill starts when all are there. What was cut short
 * while sending goes on with --id and the same --file.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api.h"
#include "mem.h"
#include "timefmt.h"

#define PART_BYTES (4u << 20)
#define LINE_BYTES (8u << 20)
#define LOOK_EVERY_US 1000000
#define PATH_BYTES 96

struct arguments {
    const char *platform, *tenant, *entity, *target, *rate, *file, *as_of, *url, *id, *state;
    bool wait;
};

/* ---- the command line ---- */

static int check(const struct arguments *given)
{
    if (given->id && (given->platform || given->entity || given->target || given->as_of))
        return ctl_fail(
            "--id speaks of a backfill that there is: leave --platform, --entity, --target and --as-of out");
    if (!given->id && !given->platform)
        return ctl_fail("backfill needs --platform, or --id of one that there is; see syncctl --help");
    if (!given->id && given->state)
        return ctl_fail("--state needs --id: of which backfill?");
    if (given->as_of && !given->file)
        return ctl_fail("--as-of says when a file was made: give --file too");
    if (given->state && strcmp(given->state, "paused") != 0 && strcmp(given->state, "running") != 0 &&
        strcmp(given->state, "cancelled") != 0)
        return ctl_fail("--state is \"%s\": say paused, running or cancelled", given->state);
    if (given->rate && (strspn(given->rate, "0123456789") != strlen(given->rate) || strlen(given->rate) > 9))
        return ctl_fail("--rate is \"%s\": give a whole number of rows a second", given->rate);
    return 0;
}

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
    snprintf(path, PATH_BYTES, "/sync/backfill/%s", id);
    return path;
}

static void set_list(struct json *body, const char *name, const char *words)
{
    struct json *list = json_new_array();

    for (; words && *words; words += strcspn(words, ","), words += *words == ',')
        json_append(list, json_new_text_len(words, strcspn(words, ",")));
    if (json_count(list) > 0)
        json_set(body, name, list);
    else
        json_free(list);
}

/* When the file was made, unless it is said: when it was last written. */
static void set_as_of(struct json *body, const struct arguments *given)
{
    char text[TIMEFMT_LEN + 1];
    struct stat info;

    if (given->as_of)
        json_set(body, "as_of", json_new_text(given->as_of));
    else if (strcmp(given->file, "-") != 0 && stat(given->file, &info) == 0) {
        timefmt_rfc3339((int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000, text);
        json_set(body, "as_of", json_new_text(text));
    }
}

static struct json *create(struct api *api, const struct arguments *given)
{
    struct json *body = json_new_object(), *job;

    json_set(body, "platform", json_new_text(given->platform));
    json_set(body, "tenant_id", json_new_text(given->tenant));
    set_list(body, "entities", given->entity);
    set_list(body, "targets", given->target);
    if (given->rate)
        json_set(body, "rate", json_new_int(strtoll(given->rate, NULL, 10)));
    if (given->file) {
        json_set(body, "source", json_new_text("file"));
        set_as_of(body, given);
    }
    job = send_json(api, PLATFORM_POST, "/sync/backfill", body);
    json_free(body);
    return job;
}

/* ---- the file ---- */

static int send_part(struct api *api, const char *id, int64_t part, const char *data, size_t len)
{
    char path[PATH_BYTES + 32];
    struct json *answer;

    snprintf(path, sizeof path, "/sync/backfill/%s/parts/%lld", id, (long long)part);
    answer = api_send(api, &(struct api_request){.method = PLATFORM_PUT,
                                                 .path = path,
                                                 .type = "application/x-ndjson",
                                                 .body = data,
                                                 .body_len = len,
                                                 .again = true});
    if (!answer)
        return -1;
    json_free(answer);
    return 0;
}

/* Whole lines: up to the last line break of what was read, or all of it at the file's end. */
static size_t whole_lines(const struct buf *read, bool ended)
{
    const char *last = ended ? NULL : memrchr(read->data, '\n', read->len);

    return ended ? read->len : last ? (size_t)(last - read->data) + 1 : 0;
}

/* The number of parts sent; -1 after a sentence. */
static int64_t send_parts(struct api *api, const char *id, FILE *file, const char *name)
{
    struct buf read = BUF_INIT;
    int64_t parts = 0;
    bool ended = false, failed = false;

    while (!ended && !failed) {
        size_t have = read.len, len, got;
        buf_reserve(&read, PART_BYTES);
        got = fread(read.data + have, 1, PART_BYTES, file);
        read.len += got;
        read.data[read.len] = '\0';
        ended = got < PART_BYTES;
        if (ferror(file)) {
            ctl_fail("%s cannot be read: %s", name, strerror(errno));
            failed = true;
        } else if ((len = whole_lines(&read, ended)) > 0) {
            failed = send_part(api, id, ++parts, read.data, len) != 0;
            memmove(read.data, read.data + len, read.len - len);
            read.len -= len;
        } else if (read.len > LINE_BYTES) {
            ctl_fail("%s has a line of more than %u MiB: is it lines of JSON?", name, LINE_BYTES >> 20);
            failed = true;
        }
    }
    buf_release(&read);
    return failed ? -1 : parts;
}

/* Sends it whole and starts it; the job as it is then, or NULL after a sentence. */
static struct json *send_file(struct api *api, const char *id, const char *name)
{
    bool standard = strcmp(name, "-") == 0;
    FILE *file = standard ? stdin : fopen(name, "r");
    int64_t parts = -1;
    char path[PATH_BYTES];
    struct json *change, *job;

    if (!file)
        ctl_fail("%s cannot be read: %s", name, strerror(errno));
    else
        parts = send_parts(api, id, file, name);
    if (file && !standard)
        fclose(file);
    if (parts <= 0) {
        ctl_fail(parts == 0 ? "%s has no line in it; the backfill is %s"
                            : "%s was not sent whole: try again with --id %s --file and its name",
                 name, id);
        return NULL;
    }
    change = json_new_object();
    json_set(change, "state", json_new_text("running"));
    json_set(change, "parts", json_new_int(parts));
    job = send_json(api, PLATFORM_PATCH, path_of(id, path), change);
    json_free(change);
    return job;
}

/* ---- how it goes ---- */

static int64_t number(const struct json *job, const char *name)
{
    int64_t value = 0;

    return json_int64(json_get(job, name), &value) == 0 ? value : 0;
}

static const char *word(const struct json *job, const char *name)
{
    const char *text = json_get_text(job, name);

    return text ? text : "";
}

static void tell(const struct json *job)
{
    const char *reason = word(job, "reason");

    printf("%s %s: read %lld, accepted %lld, refused %lld, unchanged %lld, on their way %lld%s%s\n",
           word(job, "id"), word(job, "state"), (long long)number(job, "read"),
           (long long)number(job, "accepted"), (long long)number(job, "refused"),
           (long long)number(job, "unchanged"), (long long)number(job, "waiting"), *reason ? "; " : "",
           reason);
    fflush(stdout);
}

static void tell_refusals(const struct json *job)
{
    const struct json *refusals = json_get(job, "refusals");

    for (size_t i = 0; i < json_count(refusals); i++) {
        const struct json *row = json_at(refusals, i);
        bool line = json_get(row, "line") != NULL;
        printf("  %s %lld %s %s: %s\n", line ? "line" : "row", (long long)number(row, line ? "line" : "row"),
               word(row, "entity_type"), word(row, "entity_id"), word(row, "reason"));
    }
    if (number(job, "refused") > (int64_t)json_count(refusals))
        printf("  and %lld more\n", (long long)(number(job, "refused") - (int64_t)json_count(refusals)));
}

static bool is_over(const struct json *job)
{
    const char *state = word(job, "state");

    return strcmp(state, "cancelled") == 0 || strcmp(state, "failed") == 0 ||
           (strcmp(state, "done") == 0 && number(job, "waiting") == 0);
}

/* Looks once a second until it is over, and tells what is new; takes the job. The exit code. */
static int wait_for(struct api *api, struct json *job)
{
    char path[PATH_BYTES];
    int code = 1;

    while (job && !is_over(job)) {
        struct json *next;
        usleep(LOOK_EVERY_US);
        next = send_json(api, PLATFORM_GET, path_of(word(job, "id"), path), NULL);
        if (next && (number(next, "waiting") != number(job, "waiting") ||
                     number(next, "read") != number(job, "read") ||
                     strcmp(word(next, "state"), word(job, "state")) != 0))
            tell(next);
        json_free(job);
        job = next;
    }
    if (job) {
        tell_refusals(job);
        code = strcmp(word(job, "state"), "done") == 0 ? 0 : 1;
    }
    json_free(job);
    return code;
}

/* ---- the command ---- */

/* Of one that there is: what is to change; without a change, as it is. */
static struct json *change(struct api *api, const struct arguments *given)
{
    char path[PATH_BYTES];
    struct json *body, *job;

    if (given->state && strcmp(given->state, "cancelled") == 0)
        return send_json(api, PLATFORM_DELETE, path_of(given->id, path), NULL);
    if (!given->state && !given->rate)
        return send_json(api, PLATFORM_GET, path_of(given->id, path), NULL);
    body = json_new_object();
    if (given->state)
        json_set(body, "state", json_new_text(given->state));
    if (given->rate)
        json_set(body, "rate", json_new_int(strtoll(given->rate, NULL, 10)));
    job = send_json(api, PLATFORM_PATCH, path_of(given->id, path), body);
    json_free(body);
    return job;
}

static int run(struct api *api, const struct arguments *given)
{
    struct json *job = given->id ? change(api, given) : create(api, given), *sent;

    if (job && given->file) {
        sent = send_file(api, word(job, "id"), given->file);
        json_free(job);
        job = sent;
    }
    if (!job)
        return 1;
    tell(job);
    if (given->wait)
        return wait_for(api, job);
    if (given->id)
        tell_refusals(job);
    json_free(job);
    return 0;
}

int ctl_backfill(int argc, char **argv)
{
    struct arguments given = {.wait = false};
    const struct ctl_option options[] = {{"platform", &given.platform, false},
                                         {"tenant", &given.tenant, true},
                                         {"entity", &given.entity, false},
                                         {"target", &given.target, false},
                                         {"rate", &given.rate, false},
                                         {"file", &given.file, false},
                                         {"as-of", &given.as_of, false},
                                         {"url", &given.url, false},
                                         {"id", &given.id, false},
                                         {"state", &given.state, false},
                                         {NULL, NULL, false}};
    struct conf conf;
    struct api *api;
    int result = 1;

    argc = ctl_take_flag(argc, argv, "--wait", &given.wait);
    if (ctl_read_options(options, argc, argv) || check(&given))
        return CTL_USAGE;
    if (given.file && strcmp(given.file, "-") != 0 && access(given.file, R_OK) != 0)
        return ctl_fail("%s cannot be read: %s", given.file, strerror(errno));
    if (ctl_load(&conf))
        return 1;
    if ((api = api_new(&conf, given.url, given.tenant))) {
        result = run(api, &given);
        api_free(&api);
    }
    conf_release(&conf);
    return result;
}
