/*
 * stream_reply.c: looks into replies. A stream_reply is the library's redisReply under a name of ours, so that nobody else
 * needs the library's header; it is gone when the callback returns.
 */
#include <errno.h>
#include <hiredis/hiredis.h>

#include "stream.h"

#include "mem.h"

static const redisReply *raw(const struct stream_reply *reply)
{
    return (const redisReply *)reply;
}

enum reply_type reply_type(const struct stream_reply *reply)
{
    switch (reply ? raw(reply)->type : REDIS_REPLY_NIL) {
    case REDIS_REPLY_INTEGER:
        return REPLY_INT;
    case REDIS_REPLY_STRING:
        return REPLY_TEXT;
    case REDIS_REPLY_STATUS:
        return REPLY_STATUS;
    case REDIS_REPLY_ERROR:
        return REPLY_ERROR;
    case REDIS_REPLY_ARRAY:
        return REPLY_ARRAY;
    default:
        return REPLY_NIL;
    }
}

int64_t reply_int(const struct stream_reply *reply)
{
    if (reply_type(reply) == REPLY_INT)
        return raw(reply)->integer;
    if (reply_type(reply) != REPLY_TEXT)
        return 0;
    const char *text = raw(reply)->str;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool whole = *text == '-' || (*text >= '0' && *text <= '9');
    return whole && !errno && end != text && end == text + raw(reply)->len ? value : 0;
}

const char *reply_text(const struct stream_reply *reply, size_t *len)
{
    enum reply_type type = reply_type(reply);
    bool text = type == REPLY_TEXT || type == REPLY_STATUS || type == REPLY_ERROR;
    if (len)
        *len = text ? (size_t)raw(reply)->len : 0;
    return text ? raw(reply)->str : NULL;
}

size_t reply_count(const struct stream_reply *reply)
{
    return reply_type(reply) == REPLY_ARRAY ? raw(reply)->elements : 0;
}

const struct stream_reply *reply_at(const struct stream_reply *reply, size_t index)
{
    return index < reply_count(reply) ? (const struct stream_reply *)raw(reply)->element[index] : NULL;
}

bool reply_is_error(const struct stream_reply *reply, const char *code)
{
    if (reply_type(reply) != REPLY_ERROR)
        return false;
    if (!code)
        return true;
    size_t len = strlen(code);
    const char *text = raw(reply)->str;
    return strncmp(text, code, len) == 0 && (text[len] == ' ' || text[len] == '\0');
}
