/*
 * graphql_message.c: see graphql_message.h. Two servers' habits are known:
 *
 *   graphql-core 2 (Saleor)   Variable "$input" got invalid value {…}.\nIn field "x": Expected type "Int", found "secret".
 *   graphql-js                Variable "$input" got invalid value {…}; Field "x" of required type "Int!" was not provided.
 *
 * The value goes, with anything else that may be one.
 */
#include "graphql_message.h"

#include <ctype.h>

#include "mem.h"

#define GONE "…"
#define LONG_NUMBER 5 /* digits: a telephone number has more */

static bool is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr("_$![].", text[i]) == NULL)
            return false;
    }
    return len <= 64;
}

/* Behind the value: where the explanation starts; NULL when there is none. */
static const char *behind_value(const char *value)
{
    const char *line = strchr(value, '\n');
    const char *last = NULL;
    for (const char *at = value; (at = strstr(at, "; ")) != NULL; at += 2)
        last = at;
    return line != NULL ? line + 1 : last != NULL ? last + 2 : NULL;
}

/* A quoted text: kept when it is a name in double quotes. Returns where it ends; NULL: the quote is not closed. */
static const char *add_quoted(struct buf *out, const char *at)
{
    const char *end = strchr(at + 1, *at);
    if (end == NULL)
        return NULL;
    if (*at == '"' && is_name(at + 1, (size_t)(end - at - 1)))
        buf_add(out, at, (size_t)(end - at) + 1);
    else
        buf_add_str(out, GONE);
    return end + 1;
}

static bool is_private(const char *word, size_t len)
{
    size_t digits = 0;
    for (size_t i = 0; i < len; i++) {
        digits += isdigit((unsigned char)word[i]) != 0;
        if (word[i] == '@')
            return true;
    }
    return digits >= LONG_NUMBER;
}

static void add_words(struct buf *out, const char *at, const char *end)
{
    while (at < end) {
        size_t len = strcspn(at, " \t\r\n\"'");
        if (len > (size_t)(end - at))
            len = (size_t)(end - at);
        if (len > 0 && is_private(at, len))
            buf_add_str(out, GONE);
        else
            buf_add(out, at, len);
        at += len;
        if (at == end)
            break;
        /* An apostrophe inside a word ("can't") quotes nothing. */
        bool quotes = *at == '"' || (*at == '\'' && (len == 0 || strchr("=(:", at[-1]) != NULL));
        const char *behind = quotes ? add_quoted(out, at) : NULL;
        if (behind == NULL) {
            buf_add_ch(out, isspace((unsigned char)*at) ? ' ' : *at);
            behind = at + 1;
        }
        at = behind < end ? behind : end;
    }
}

/* Cut without leaving half a character. */
static void cut_to(struct buf *out, size_t max)
{
    if (out->len <= max)
        return;
    while (max > 0 && ((unsigned char)out->data[max] & 0xc0) == 0x80)
        max--;
    out->len = max;
    out->data[max] = '\0';
}

void graphql_clean_message(struct buf *out, const char *message)
{
    struct buf clean = BUF_INIT;
    const char *value = strstr(message, "got invalid value");
    const char *rest = value != NULL ? behind_value(value) : message;
    if (value != NULL) {
        add_words(&clean, message, value + strlen("got invalid value"));
        buf_add_str(&clean, rest != NULL ? ": " : "");
    }
    if (rest != NULL) {
        const char *found = strstr(rest, ", found ");
        add_words(&clean, rest, found != NULL ? found : rest + strlen(rest));
    }
    cut_to(&clean, GRAPHQL_MESSAGE_MAX);
    buf_add(out, clean.data, clean.len);
    buf_release(&clean);
}
