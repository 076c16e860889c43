/* inbound_text.c: see inbound_text.h. */
#include "inbound_text.h"

#include <strings.h>

#include "inbound_map.h"
#include "mem.h"

#define BLANKS " \t\r\n"

static const struct {
    const char *name;
    size_t len;
    const char *text;
} entities[] = {
    {"&lt;", 4, "<"},    {"&gt;", 4, ">"},  {"&amp;", 5, "&"},
    {"&quot;", 6, "\""}, {"&#39;", 5, "'"}, {"&nbsp;", 6, " "},
};

/* The text of an entity at `at`, and its length there; NULL: it is a plain &. */
static const char *entity_at(const char *at, size_t *len)
{
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (strncmp(at, entities[i].name, entities[i].len) == 0) {
            *len = entities[i].len;
            return entities[i].text;
        }
    }
    return NULL;
}

static void add_line(struct buf *out, const char *at)
{
    while (*at) {
        size_t len = strcspn(at, "<&");
        buf_add(out, at, len);
        at += len;
        const char *end = *at == '<' ? strchr(at, '>') : NULL,
                   *text = *at == '&' ? entity_at(at, &len) : NULL;
        if (text)
            buf_add_str(out, text);
        else if (end && strncmp(at, "<br", 3) == 0)
            buf_add_ch(out, '\n');
        else if (*at && !end)
            buf_add_ch(out, *at);
        at += text ? len : end ? (size_t)(end - at) + 1 : *at ? 1 : 0;
    }
}

static struct json *text_of(const struct json *blocks)
{
    struct buf text = BUF_INIT;
    struct json *result = NULL;

    for (size_t i = 0; json_type(blocks) == JSON_ARRAY && i < json_count(blocks); i++) {
        const struct json *line = inbound_find(json_at(blocks, i), "data.text");
        if (i > 0)
            buf_add_ch(&text, '\n');
        if (json_type(line) == JSON_STRING)
            add_line(&text, json_text(line, NULL));
    }
    if (text.len > 0)
        result = json_new_text_len(text.data, text.len);
    buf_release(&text);
    return result;
}

struct json *inbound_plain_text(const struct json *value)
{
    struct json_error error;
    bool ok = false;
    size_t len;
    const char *source = json_type(value) == JSON_STRING ? json_text(value, &len) : NULL;
    struct json *document = source ? json_parse(source, len, JSON_DEPTH_MAX, &error, &ok) : NULL, *result;

    result = text_of(json_get(ok ? document : value, "blocks"));
    if (ok)
        json_free(document);
    return result;
}

bool inbound_is_loosely(const char *a, const char *b, bool caseless)
{
    for (;;) {
        a += strspn(a, BLANKS);
        b += strspn(b, BLANKS);
        size_t len = strcspn(a, BLANKS);
        if (strcspn(b, BLANKS) != len || (caseless ? strncasecmp(a, b, len) : memcmp(a, b, len)) != 0)
            return false;
        if (len == 0)
            return true;
        a += len;
        b += len;
    }
}
