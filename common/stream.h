/*
 * stream.h: one connection to Redis (hiredis, asynchronous); the only door to hiredis.
 *
 * Connects, and reconnects with back-off, by itself; AUTH and SELECT from the URL (redis://[user][:password@]host[:port][/db]);
 * time-outs by a timer of its own, because hiredis 0.14 has none. Commands while it is down are answered at once with NULL.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uuid.h"

struct event_base;
struct stream;
struct stream_reply;

struct stream_config {
    const char *url;
    const char *name; /* CLIENT SETNAME, for `redis-cli client list` */
    int64_t
        timeout_ms; /* a command's time to answer (a doorbell: longer than its BLOCK); then the connection is replaced */
    unsigned waiting_max; /* commands in flight, the ceiling; past it NULL at once */
};
int stream_check_url(const char *url, const char **why); /* -1: a sentence */
struct stream *stream_new(struct event_base *base, const struct stream_config *config);
/* Answers commands in flight with NULL, now, while those who wait for them still stand; what is sent after it is answered so by
 * stream_free. */
void stream_end(struct stream *stream);
void stream_free(struct stream **stream); /* ends it first, unless it has ended */
bool stream_up(const struct stream *stream);
/* Called on the loop at every change; `up` comes after AUTH, SELECT and SETNAME were answered. */
void stream_on_state(struct stream *stream, void (*hook)(bool up, void *arg), void *arg);

/* A command: words added one by one. Released by stream_send, which copies what it needs. */
struct stream_command;
struct stream_command *stream_command(const char *verb);
void stream_add(struct stream_command *command, const char *word);
void stream_add_len(struct stream_command *command, const void *word, size_t len);
void stream_add_int(struct stream_command *command, int64_t value);
void stream_add_uuid(struct stream_command *command, const struct uuid *uuid); /* as text */
void stream_command_free(struct stream_command **command);                     /* only when never sent */
/* A script: EVALSHA with its keys and arguments added after it (keys first); sent again with EVAL where the server does not
 * know it (NOSCRIPT). `lua` is the embedded text and must live for ever. */
struct stream_command *stream_script(const char *lua, unsigned keys);

/* reply: NULL when Redis is away or did not answer in time (it may have been done); otherwise also an error reply. Runs once,
 * from the loop, never inside stream_send. */
typedef void (*stream_cb)(const struct stream_reply *reply, void *arg);
void stream_send(struct stream *stream, struct stream_command *command, stream_cb callback,
                 void *arg); /* callback may be NULL */

enum reply_type { REPLY_NIL, REPLY_INT, REPLY_TEXT, REPLY_STATUS, REPLY_ERROR, REPLY_ARRAY };
enum reply_type reply_type(const struct stream_reply *reply); /* NULL reply: REPLY_NIL */
int64_t reply_int(const struct stream_reply *reply); /* of REPLY_INT, or of TEXT that is an integer; else 0 */
const char *reply_text(const struct stream_reply *reply,
                       size_t *len);                  /* TEXT, STATUS, ERROR; NULL otherwise */
size_t reply_count(const struct stream_reply *reply); /* elements; 0 unless ARRAY */
const struct stream_reply *reply_at(const struct stream_reply *reply, size_t index); /* NULL past the end */
bool reply_is_error(const struct stream_reply *reply,
                    const char *code); /* "NOGROUP", "OOM" …; NULL: any error */
