/*
 * accept_slice.c: where the items of a bulk begin and end in its text. Items are parsed one by one, so that a thousand of
 * them never stand in memory together, and each one's idempotency fingerprint is over its own bytes.
 */
#include "gateway.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

/* at the opening quote; the place behind the closing one */
static const char *skip_text(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : end;
}

/* The place behind the value that begins at `at`. */
static const char *skip_value(const char *at, const char *end)
{
    unsigned depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = skip_text(at, end);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0)
                return at; /* of a number or word, the bracket behind it */
            depth--;
            at++;
        } else if (depth == 0 && (*at == ',' || is_space(*at))) {
            return at;
        } else {
            at++;
            continue;
        }
        if (depth == 0)
            return at;
    }
    return end;
}

static bool value_at(const char **at, const char *end, struct slice *value)
{
    const char *start = skip_space(*at, end);
    *at = skip_value(start, end);
    *value = (struct slice){start, (size_t)(*at - start)};
    return value->len > 0;
}

bool slice_next_element(const char **at, const char *end, struct slice *element)
{
    *at = skip_space(*at, end);
    if (*at < end && **at == ',')
        ++*at;
    return value_at(at, end, element);
}

bool slice_member(const char *text, size_t len, const char *name, struct slice *value)
{
    const char *end = text + len, *at = skip_space(text, end) + 1;
    size_t name_len = strlen(name);
    for (;;) {
        at = skip_space(at, end);
        if (at < end && *at == ',')
            at = skip_space(at + 1, end);
        if (at >= end || *at != '"')
            return false;
        const char *key = at;
        at = skip_text(at, end);
        bool found = (size_t)(at - key) == name_len + 2 && memcmp(key + 1, name, name_len) == 0;
        at = skip_space(at, end) + 1; /* the colon */
        if (!value_at(&at, end, value))
            return false;
        if (found)
            return true;
    }
}

size_t slice_trim(const char **text, size_t len)
{
    while (len > 0 && is_space(**text)) {
        ++*text;
        len--;
    }
    while (len > 0 && is_space((*text)[len - 1]))
        len--;
    return len;
}

bool slice_next_line(const char **at, const char *end, struct slice *line)
{
    while (*at < end) {
        const char *start = *at;
        const char *stop = memchr(start, '\n', (size_t)(end - start));
        *at = stop ? stop + 1 : end;
        size_t len = slice_trim(&start, (size_t)((stop ? stop : end) - start));
        if (len > 0) {
            *line = (struct slice){start, len};
            return true;
        }
    }
    return false;
}
