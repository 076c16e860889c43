/* stream_internal.h: what stream.c, stream_command.c and stream_url.c share; nobody else includes it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "stream.h"

/* Where Redis is, from its URL. Owner: struct stream. */
struct stream_url {
    char *host; /* or NULL and path */
    char *path; /* of a Unix socket */
    uint16_t port;
    char *user; /* NULL: the default user */
    char *password; /* NULL: none; never logged */
    int64_t database;
};
int stream_url_parse(struct stream_url *url, const char *text, const char **why);
void stream_url_release(struct stream_url *url);

#define STREAM_COMMAND_MAX (16u << 20) /* bytes of one command */

/* A command on its way. Owner: its caller until stream_send, then the stream, until it was answered. */
struct stream_command {
    struct stream_command *next;
    struct buf words;   /* in RESP; of a script: what follows its SHA, from the number of keys on */
    unsigned count;     /* of words */
    const char *script; /* NULL: not one */
    bool too_big;
    int64_t sent_ms;
    stream_cb callback;
    void *arg;
};
/* The command as bytes for Redis. sha: of a script that Redis knows, "" to send its text. */
void stream_command_write(const struct stream_command *command, const char *sha, struct buf *out);
struct stream_command *stream_command_setname(const char *name); /* CLIENT SETNAME, with what Redis refuses as _ */

/* Commands in the order they were sent. */
struct stream_queue {
    struct stream_command *head, **tail;
    unsigned count;
};
void stream_queue_init(struct stream_queue *queue);
void stream_queue_push(struct stream_queue *queue, struct stream_command *command);
struct stream_command *stream_queue_pop(struct stream_queue *queue); /* NULL when empty */
