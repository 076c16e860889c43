/* answer.c: JSON text written straight into a buffer; see answer.h. */
#include "answer.h"

#include "mem.h"
#include "timefmt.h"

static void add_key(struct buf *out, const char *key)
{
    char last = out->len > 0 ? out->data[out->len - 1] : '{';
    if (last != '{' && last != '[')
        buf_add_ch(out, ',');
    if (key) {
        buf_add_json(out, key, strlen(key));
        buf_add_ch(out, ':');
    }
}

void answer_open(struct buf *out, const char *key, char bracket)
{
    add_key(out, key);
    buf_add_ch(out, bracket);
}

void answer_close(struct buf *out, char bracket)
{
    buf_add_ch(out, bracket);
}

void answer_text(struct buf *out, const char *key, const char *text)
{
    if (text)
        answer_text_len(out, key, text, strlen(text));
    else
        answer_null(out, key);
}

void answer_text_len(struct buf *out, const char *key, const char *text, size_t len)
{
    add_key(out, key);
    buf_add_json(out, text, len);
}

void answer_int(struct buf *out, const char *key, int64_t value)
{
    add_key(out, key);
    buf_add_int(out, value);
}

void answer_bool(struct buf *out, const char *key, bool value)
{
    add_key(out, key);
    buf_add_str(out, value ? "true" : "false");
}

void answer_null(struct buf *out, const char *key)
{
    add_key(out, key);
    buf_add_str(out, "null");
}

void answer_time(struct buf *out, const char *key, int64_t unix_ms)
{
    char text[TIMEFMT_LEN + 1];
    if (unix_ms == INT64_MIN) {
        answer_null(out, key);
        return;
    }
    timefmt_rfc3339(unix_ms, text);
    answer_text(out, key, text);
}

void answer_uuid(struct buf *out, const char *key, const struct uuid *uuid)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(uuid, text);
    answer_text(out, key, text);
}

void answer_json(struct buf *out, const char *key, const char *json, size_t len)
{
    add_key(out, key);
    buf_add(out, json, len);
}
