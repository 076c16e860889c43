/*
 * hiredis.c: the calls of hiredis that common/stream.c works with, of which the n-th fails (failing.h): a command that cannot be
 * sent, or a reply in whose place an error comes, after the command was done. Which error is what the way says.
 */
#include <dlfcn.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "failing.h"

static redisCallbackFn *expected;

static redisReply *error_reply(void)
{
    static const char *const texts[FAILING_WAYS] = {
        "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        "-MISCONF Redis is configured to save RDB snapshots, but is unable to persist to disk.\r\n",
        "-NOSCRIPT No matching script. Please use EVAL.\r\n",
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-READONLY You can't write against a read only replica.\r\n",
    };
    void *reply = NULL;
    redisReader *reader = redisReaderCreate();
    redisReaderFeed(reader, texts[failing->way], strlen(texts[failing->way]));
    redisReaderGetReply(reader, &reply);
    redisReaderFree(reader);
    return reply;
}

static void on_reply(redisAsyncContext *context, void *reply, void *arg)
{
    if (!reply || !failing_due(FAILING_HIREDIS, "reply")) {
        expected(context, reply, arg);
        return;
    }
    redisReply *instead = error_reply();
    expected(context, instead, arg);
    freeReplyObject(instead);
}

int redisAsyncFormattedCommand(redisAsyncContext *context, redisCallbackFn *callback, void *arg,
                               const char *command, size_t len)
{
    int (*send)(redisAsyncContext *, redisCallbackFn *, void *, const char *, size_t) =
        (int (*)(redisAsyncContext *, redisCallbackFn *, void *, const char *, size_t))(uintptr_t)dlsym(
            RTLD_NEXT, "redisAsyncFormattedCommand");
    if (failing_due(FAILING_HIREDIS, "redisAsyncFormattedCommand"))
        return REDIS_ERR;
    expected = callback;
    return send(context, on_reply, arg, command, len);
}
