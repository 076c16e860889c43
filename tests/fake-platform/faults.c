/* faults.c: rules that make a fake platform fail on purpose. A rule that strikes too often or too seldom makes a test of
 * retries mean something else than it says. */
#include "faults.h"

#include <inttypes.h>

#include "bomb.h"
#include "mem.h"

#define RULES_MAX 256
#define HUGE_BYTES (10u << 20)
#define CHUNK_BYTES 16384 /* of an endless body */

static const struct action {
    const char *name;
    enum http_ending ending;
    bool apply, replaces_answer;
    int status;
    const char *content_type, *body;
} actions[] = {
    {"status", HTTP_WHOLE, false, true, 500, NULL, "{\"success\":false,\"error\":\"told to fail\"}"},
    {"delay", HTTP_WHOLE, true, false, 0, NULL, NULL},
    {"hang", HTTP_HANG, false, false, 0, NULL, NULL},
    {"late", HTTP_HANG, false, false, 0, NULL, NULL}, /* late.c */
    {"reset", HTTP_RESET, false, false, 0, NULL, NULL},
    {"close", HTTP_CLOSE, false, false, 0, NULL, NULL},
    {"reset_mid_answer", HTTP_RESET_HALFWAY, true, false, 0, NULL, NULL},
    {"truncate", HTTP_TRUNCATE, true, false, 0, NULL, NULL},
    {"empty", HTTP_WHOLE, true, true, 200, NULL, ""},
    {"huge", HTTP_WHOLE, true, true, 200, NULL, NULL},
    {"endless", HTTP_ENDLESS, true, true, 200, NULL, NULL},
    {"gzip", HTTP_WHOLE, true, true, 200, NULL, NULL},
    {"drip", HTTP_DRIP, true, false, 0, NULL, NULL},
    {"html", HTTP_WHOLE, false, true, 200, "text/html; charset=utf-8",
     "<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works</h1></body></html>"},
    {"redirect", HTTP_WHOLE, false, true, 302, NULL, "{}"},
    {"too_few", HTTP_WHOLE, true, false, 0, NULL, NULL}, /* these four: bulk.c */
    {"foreign_ids", HTTP_WHOLE, true, false, 0, NULL, NULL},
    {"no_results", HTTP_WHOLE, true, false, 0, NULL, NULL},
    {"no_statuses", HTTP_WHOLE, true, false, 0, NULL, NULL},
};

struct rule {
    struct json *source;                                 /* owns every text below */
    const char *entity, *operation, *id, *tenant, *path; /* NULL: any */
    int64_t every, matched, hits;
    int64_t times; /* left; -1: for ever */
    int64_t status, delay_ms;
    const char *body;
    const struct action *action;
    bool apply;
    struct buf headers;
};

struct faults {
    struct rule *rules;
    size_t count;
    char *huge;
    struct buf bomb;
};

struct faults *faults_new(void)
{
    struct faults *faults = mem_alloc(sizeof *faults);

    buf_init(&faults->bomb);
    return faults;
}

static void rules_free(struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_free(rules[i].source);
        buf_release(&rules[i].headers);
    }
    free(rules);
}

void faults_free(struct faults **faults)
{
    if (!*faults)
        return;
    rules_free((*faults)->rules, (*faults)->count);
    free((*faults)->huge);
    buf_release(&(*faults)->bomb);
    free(*faults);
    *faults = NULL;
}

/* ── reading rules ── */

static const struct action *find_action(const struct json *source)
{
    const char *name = json_get_text(source, "action");

    if (!name)
        name = json_get(source, "status") || json_get(source, "body") ? "status" : "delay";
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

static int64_t get_int(const struct json *object, const char *name, int64_t absent)
{
    struct json *value = object ? json_get(object, name) : NULL;
    int64_t number;

    return value && json_int64(value, &number) == 0 ? number : absent;
}

static void read_match(struct rule *rule, const struct json *match)
{
    if (!match)
        return;
    rule->entity = json_get_text(match, "entity");
    rule->operation = json_get_text(match, "operation");
    rule->id = json_get_text(match, "id");
    rule->tenant = json_get_text(match, "tenant");
    rule->path = json_get_text(match, "path");
    rule->every = get_int(match, "every", 1);
}

static void read_headers(struct rule *rule)
{
    const struct json *headers = json_get(rule->source, "headers");
    struct json *retry_after = json_get(rule->source, "retry_after"), *value;
    struct json_iter iter = {0};
    const char *name;

    buf_init(&rule->headers);
    if (retry_after && json_text(retry_after, NULL))
        buf_addf(&rule->headers, "Retry-After: %s\r\n", json_text(retry_after, NULL));
    if (strcmp(rule->action->name, "redirect") == 0 && !json_get(headers, "Location"))
        buf_add_str(&rule->headers, "Location: /elsewhere\r\n");
    if (strcmp(rule->action->name, "gzip") == 0)
        buf_add_str(&rule->headers, "Content-Encoding: gzip\r\n");
    while (headers && json_next(headers, &iter, &name, &value))
        if (json_text(value, NULL))
            buf_addf(&rule->headers, "%s: %s\r\n", name, json_text(value, NULL));
}

static int read_rule(struct rule *rule, const struct json *source, char *error, size_t error_size)
{
    const struct json *apply;

    if (json_type(source) != JSON_OBJECT) {
        snprintf(error, error_size, "each rule must be an object");
        return -1;
    }
    *rule = (struct rule){.every = 1, .action = find_action(source)};
    if (!rule->action) {
        snprintf(
            error, error_size,
            "unknown action: one of status, delay, hang, late, reset, close, reset_mid_answer, truncate, "
            "empty, huge, endless, gzip, drip, html, redirect, too_few, foreign_ids, no_results, "
            "no_statuses");
        return -1;
    }
    rule->source = json_copy(source);
    read_match(rule, json_get(rule->source, "match"));
    rule->times = get_int(source, "times", -1);
    rule->status = get_int(source, "status", 0);
    rule->delay_ms = get_int(source, "delay_ms", 0);
    rule->body = json_get_text(rule->source, "body");
    apply = json_get(source, "apply");
    rule->apply = json_type(apply) == JSON_BOOL ? json_bool(apply) : rule->action->apply;
    read_headers(rule);
    return 0;
}

int faults_load(struct faults *faults, const struct json *rules, char *error, size_t error_size)
{
    size_t count = rules ? json_count(rules) : 0;
    struct rule *fresh;

    if (rules && (json_type(rules) != JSON_ARRAY || count > RULES_MAX)) {
        snprintf(error, error_size, "rules must be a list of at most %d", RULES_MAX);
        return -1;
    }
    fresh = mem_array(count + 1, sizeof *fresh);
    for (size_t i = 0; i < count; i++) {
        if (read_rule(&fresh[i], json_at(rules, i), error, error_size) != 0) {
            rules_free(fresh, i);
            return -1;
        }
    }
    rules_free(faults->rules, faults->count);
    faults->rules = fresh;
    faults->count = count;
    return 0;
}

/* ── striking ── */

static bool names(const char *const *ids, const char *id)
{
    for (; *ids; ids++)
        if (strcmp(*ids, id) == 0)
            return true;
    return false;
}

/* Is the rule about such requests? */
static bool concerns(const struct rule *rule, enum fault_part part)
{
    bool names_items = rule->entity || rule->operation || rule->tenant || rule->id;

    return part == FAULT_SINGLE ||
           (part == FAULT_BULK ? rule->path || !names_items : !rule->path && names_items);
}

static bool matches(const struct rule *rule, const struct fault_subject *subject)
{
    return concerns(rule, subject->part) && rule->times != 0 &&
           (!rule->entity || strcmp(rule->entity, subject->entity) == 0) &&
           (!rule->operation || strcmp(rule->operation, subject->operation) == 0) &&
           (!rule->tenant || strcmp(rule->tenant, subject->tenant) == 0) &&
           (!rule->path || strncmp(rule->path, subject->path, strlen(rule->path)) == 0) &&
           (!rule->id || names(subject->ids, rule->id));
}

/* Valid JSON of HUGE_BYTES, so that only a cap on the size can refuse it. */
static const char *huge_body(struct faults *faults)
{
    static const char head[] = "{\"success\":true,\"id\":\"1\",\"padding\":\"", tail[] = "\"}";

    if (!faults->huge) {
        faults->huge = mem_alloc(HUGE_BYTES + 1);
        memset(faults->huge, 'x', HUGE_BYTES);
        memcpy(faults->huge, head, sizeof head - 1);
        memcpy(faults->huge + HUGE_BYTES - (sizeof tail - 1), tail, sizeof tail - 1);
    }
    return faults->huge;
}

/* The body of the action where it is too large for the table; NULL: the table has it. */
static const char *made_body(struct faults *faults, const char *action, size_t *len)
{
    *len = strcmp(action, "endless") == 0 ? CHUNK_BYTES : HUGE_BYTES;
    if (strcmp(action, "huge") == 0 || strcmp(action, "endless") == 0)
        return huge_body(faults);
    if (strcmp(action, "gzip") != 0)
        return NULL;
    if (faults->bomb.len == 0)
        bomb_gzip(&faults->bomb, HUGE_BYTES);
    *len = faults->bomb.len;
    return faults->bomb.data;
}

static void fill_answer(struct faults *faults, const struct rule *rule, struct http_answer *answer)
{
    size_t made_len;
    const char *made = rule->body ? NULL : made_body(faults, rule->action->name, &made_len);

    *answer = (struct http_answer){.status = rule->status ? (int)rule->status : rule->action->status,
                                   .content_type = rule->action->content_type,
                                   .headers = rule->headers.data,
                                   .delay_ms = rule->delay_ms,
                                   .ending = rule->action->ending};
    answer->body = made ? made : rule->body ? rule->body : rule->action->body;
    answer->body_len = made ? made_len : answer->body ? strlen(answer->body) : 0;
}

bool faults_strike(struct faults *faults, const struct fault_subject *subject, struct fault *fault,
                   struct http_answer *answer)
{
    for (size_t i = 0; i < faults->count; i++) {
        struct rule *rule = &faults->rules[i];

        if (!matches(rule, subject))
            continue;
        if (rule->every > 1 && ++rule->matched % rule->every != 0)
            continue;
        rule->hits++;
        if (rule->times > 0)
            rule->times--;
        *fault = (struct fault){rule->action->name, rule->apply,
                                rule->action->replaces_answer || rule->status || rule->body};
        fill_answer(faults, rule, answer);
        return true;
    }
    return false;
}

void faults_write(const struct faults *faults, struct buf *out)
{
    buf_add_ch(out, '[');
    for (size_t i = 0; i < faults->count; i++) {
        if (i)
            buf_add_ch(out, ',');
        buf_addf(out, "{\"hits\":%" PRId64 ",\"times_left\":", faults->rules[i].hits);
        if (faults->rules[i].times < 0)
            buf_add_str(out, "null");
        else
            buf_add_int(out, faults->rules[i].times);
        buf_add_str(out, ",\"rule\":");
        json_write(out, faults->rules[i].source);
        buf_add_ch(out, '}');
    }
    buf_add_ch(out, ']');
}
