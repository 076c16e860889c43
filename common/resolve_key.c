/*
 * resolve_key.c: texts by which values are told apart: canonical JSON, and the identity of a list's elements.
 *
 * Two values have the same text exactly when json_equal calls them equal, so that elements can be looked up in a map: comparing
 * each with each would let a long list keep a processor busy for minutes.
 */
#include "resolve_parts.h"

/* ---- numbers: 1.50 and 15e-1 are 15e-1 ---- */

static int64_t exponent_of(const char *text, const char *end)
{
    const char *e = text;
    int64_t value = 0;
    bool negative;
    while (e < end && *e != 'e' && *e != 'E')
        e++;
    if (e == end)
        return 0;
    negative = e[1] == '-';
    for (e += 1 + (e[1] == '-' || e[1] == '+'); e < end; e++)
        value = value * 10 + (*e - '0');
    return negative ? -value : value;
}

static void canonical_number(struct buf *text, const char *at, size_t len)
{
    const char *end = at + len;
    int64_t exponent = exponent_of(at, end);
    struct buf digits = BUF_INIT;
    bool negative = *at == '-', behind_point = false;
    for (at += negative; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.')
            behind_point = true;
        else if (*at != '0' || digits.len > 0)
            buf_add_ch(&digits, *at);
        exponent -= behind_point && *at != '.';
    }
    while (digits.len > 0 && digits.data[digits.len - 1] == '0') {
        digits.data[--digits.len] = '\0';
        exponent++;
    }
    if (digits.len == 0)
        buf_add_ch(text, '0');
    else
        buf_addf(text, "%s%se%lld", negative ? "-" : "", digits.data, (long long)exponent);
    buf_release(&digits);
}

/* ---- values ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void canonical_object(struct buf *text, const struct json *object)
{
    size_t count = json_count(object), i = 0;
    const char **names = mem_array(count + 1, sizeof *names);
    struct json_iter iter = {NULL};
    struct json *value;
    while (i < count && json_next(object, &iter, &names[i], &value))
        i++;
    qsort(names, count, sizeof *names, by_name);
    buf_add_ch(text, '{');
    for (i = 0; i < count; i++) {
        buf_add_json(text, names[i], strlen(names[i]));
        buf_add_ch(text, ':');
        canonical_text(text, json_get(object, names[i]));
        buf_add_ch(text, ',');
    }
    buf_add_ch(text, '}');
    free(names);
}

void canonical_text(struct buf *text, const struct json *json)
{
    size_t len;
    const char *own = json_text(json, &len);
    switch (json_type(json)) {
    case JSON_NUMBER:
        canonical_number(text, own, len);
        break;
    case JSON_OBJECT:
        canonical_object(text, json);
        break;
    case JSON_ARRAY:
        buf_add_ch(text, '[');
        for (size_t i = 0; i < json_count(json); i++) {
            canonical_text(text, json_at(json, i));
            buf_add_ch(text, ',');
        }
        buf_add_ch(text, ']');
        break;
    default:
        json_write(text, json);
    }
}

/* ---- elements ---- */

static bool add_id(struct buf *key, const struct json *element, const char *member)
{
    size_t len = 0;
    const char *text = json_text(json_get(element, member), &len);
    if (text == NULL || len == 0)
        return false;
    buf_addf(key, "%s=", member);
    buf_add(key, text, len);
    return true;
}

void element_key(struct buf *key, const struct json *element)
{
    if (json_type(element) == JSON_OBJECT && (add_id(key, element, "sku") || add_id(key, element, "id")))
        return;
    canonical_text(key, element);
}
