/* history.c: see history.h. */
#include "history.h"

#include <stdlib.h>

#include "digest.h"
#include "mem.h"
#include "proto.h"

struct history {
    struct version *versions; /* source, changed and data are its own */
    size_t count;
};

static struct version *append(struct history *history)
{
    history->versions = mem_realloc(history->versions, (history->count + 1) * sizeof *history->versions);
    history->versions[history->count] = (struct version){0};
    return &history->versions[history->count++];
}

void history_free(struct history **historyp)
{
    struct history *history = *historyp;

    for (size_t i = 0; history && i < history->count; i++) {
        free((char *)history->versions[i].source);
        json_free((struct json *)history->versions[i].changed);
        json_free((struct json *)history->versions[i].data);
    }
    if (history)
        free(history->versions);
    free(history);
    *historyp = NULL;
}

static struct json *names(const char *text, size_t len)
{
    struct json *array = json_new_array();

    for (size_t at = 0; at < len;) {
        const char *comma = memchr(text + at, ',', len - at);
        size_t end = comma ? (size_t)(comma - text) : len;
        json_append(array, json_new_text_len(text + at, end - at));
        at = end + 1;
    }
    return array;
}

static struct json *body(const char *base64, size_t len)
{
    struct buf bytes = BUF_INIT;
    struct json *json = NULL;
    bool ok = false;

    if (digest_base64_decode(&bytes, base64, len) == 0 && bytes.len > 1 && bytes.data[0] == BODY_PLAIN)
        json = json_parse(bytes.data + 1, bytes.len - 1, JSON_DEPTH_MAX, NULL, &ok);
    buf_release(&bytes);
    return ok ? json : NULL;
}

enum { VERSION, SOURCE, PAGE, ECHOES, CHANGED, DATA, PARTS };

/* false: not readable. */
static bool read_line(struct version *version, const char *line, size_t len)
{
    const char *part[PARTS];
    size_t part_len[PARTS], count = 0;

    for (size_t at = 0; count < PARTS; count++) {
        const char *bar = count + 1 < PARTS ? memchr(line + at, '|', len - at) : NULL;
        size_t end = bar ? (size_t)(bar - line) : len;
        part[count] = line + at;
        part_len[count] = end - at;
        at = end + 1;
        if (!bar && count + 1 < PARTS)
            return false;
    }
    version->version = strtoll(part[VERSION], NULL, 10);
    version->source = mem_strndup(part[SOURCE], part_len[SOURCE]);
    version->page = part[PAGE][0] == '1';
    version->echoes = part[ECHOES][0] == '1';
    version->changed = names(part[CHANGED], part_len[CHANGED]);
    version->data = body(part[DATA], part_len[DATA]);
    return version->data != NULL;
}

/* Gaps would be taken for nothing having happened. */
static void forget_older(struct history *history)
{
    struct history older = {.versions = history->versions, .count = history->count};
    struct history *all = mem_alloc(sizeof *all);

    *all = older;
    history->versions = NULL;
    history->count = 0;
    history_free(&all);
}

struct history *history_read(const char *lines)
{
    struct history *history = mem_alloc(sizeof *history);

    for (const char *at = lines; at && *at;) {
        size_t len = strcspn(at, "\n");
        if (!read_line(append(history), at, len))
            forget_older(history);
        at += len + (at[len] == '\n');
    }
    return history;
}

void history_add(struct history *history, const struct record *record, const char *source,
                 const struct json *changed, bool page)
{
    struct version *version = append(history);

    version->version = record->version;
    version->source = mem_strdup(source);
    version->page = page;
    version->changed = json_copy(changed);
    version->data = json_copy(record->data);
}

void history_join(struct history *history, const struct history *more)
{
    for (size_t i = 0; more && i < more->count; i++) {
        const struct version *from = &more->versions[i];
        struct version *to = append(history);
        *to = *from;
        to->source = mem_strdup(from->source);
        to->changed = json_copy(from->changed);
        to->data = json_copy(from->data);
    }
}

void history_deny_echoes(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        history->versions[i].echoes = false;
}

const struct version *history_versions(const struct history *history, size_t *count)
{
    *count = history->count;
    return history->versions;
}
