/* pick_fixture.c: see pick_fixture.h. */
#include "pick_fixture.h"

#include <check.h>

#include "mem.h"

static struct json *step(const struct json *json, const char *name)
{
    if (json_type(json) == JSON_ARRAY) {
        char *end;
        unsigned long index = strtoul(name, &end, 10);

        return *name && !*end && index < json_count(json) ? json_at(json, index) : NULL;
    }
    return json_type(json) == JSON_OBJECT ? json_get(json, name) : NULL;
}

/* The reference token at *pointer, unescaped; false at the end. */
static bool next_token(const char **pointer, char *name, size_t size)
{
    size_t n = 0;

    if (**pointer != '/')
        return false;
    for (++*pointer; **pointer && **pointer != '/'; ++*pointer) {
        char c = **pointer;

        if (c == '~')
            c = *++*pointer == '0' ? '~' : '/';
        if (n + 1 < size)
            name[n++] = c;
    }
    name[n] = '\0';
    return true;
}

struct json *pick(const struct json *json, const char *pointer)
{
    const struct json *at = json;
    char name[256];

    while (at && next_token(&pointer, name, sizeof name))
        at = step(at, name);
    return (struct json *)at;
}

bool pick_there(const struct json *json, const char *pointer)
{
    const char *last = strrchr(pointer, '/');
    char parent[512];
    struct json *value;

    snprintf(parent, sizeof parent, "%.*s", (int)(last - pointer), pointer);
    return pick(json, pointer) || json_find(pick(json, parent), last + 1, &value);
}

const char *pick_text(const struct json *json, const char *pointer)
{
    const struct json *value = pick(json, pointer);

    return value ? json_text(value, NULL) : NULL;
}

int64_t pick_int(const struct json *json, const char *pointer)
{
    const struct json *value = pick(json, pointer);
    int64_t number;

    ck_assert_msg(json_type(value) == JSON_NUMBER && json_int64(value, &number) == 0,
                  "%s is no whole number in %s", pointer, pick_print(json));
    return number;
}

void pick_check_at(const struct json *json, const char *pointer, const char *text, const char *file, int line)
{
    const char *is = pick_text(json, pointer);

    if (!is || strcmp(is, text) != 0)
        ck_abort_msg("%s:%d: %s is %s, not %s, in %s", file, line, pointer, pick_print(pick(json, pointer)),
                     text, pick_print(json));
}

void pick_equal_at(const struct json *json, const char *pointer, const char *expected, const char *file,
                   int line)
{
    bool absent = strcmp(expected, "absent") == 0;
    struct json *wanted = absent ? NULL : pick_parse(expected, strlen(expected));

    if (pick_there(json, pointer) == absent || (!absent && !json_equal(pick(json, pointer), wanted)))
        ck_abort_msg("%s:%d: %s is %s, not %s, in %s", file, line, pointer, pick_print(pick(json, pointer)),
                     expected, pick_print(json));
}

/* Everything kept hangs on these two, so that nothing counts as leaked. */
static struct {
    void **all;
    size_t count, size;
} kept;

void *pick_keep(void *memory)
{
    if (kept.count == kept.size)
        kept.all = mem_realloc(kept.all, (kept.size = kept.size ? kept.size * 2 : 64) * sizeof *kept.all);
    return kept.all[kept.count++] = memory;
}

struct json *pick_keep_json(struct json *json)
{
    return json ? pick_keep(json) : NULL;
}

const char *pick_print(const struct json *json)
{
    struct buf out = BUF_INIT;

    json_write(&out, json);
    return pick_keep(buf_detach(&out, NULL));
}

struct json *pick_parse(const char *text, size_t len)
{
    struct json_error error;
    bool ok;
    struct json *json = json_parse(text, len, JSON_DEPTH_MAX, &error, &ok);

    return ok ? pick_keep_json(json) : NULL;
}
