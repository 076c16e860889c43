/* follow.c: see monitor.h. The stream is capped: what was trimmed before it was read is not counted, and nothing depends on it. */
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "mem.h"
#include "monitor.h"
#include "proto.h"
#include "service.h"
#include "stats.h"
#include "stream.h"

#define BLOCK_MS 1000
#define ENTRIES_PER_READ 100
#define ID_MAX 48

/* X(word): states that activity lines carry. */
#define STATES(X) \
    X(accepted)   \
    X(routed) X(delivered) X(backoff) X(dead) X(superseded) X(skipped) X(completed) X(failed) X(expired)
enum {
#define X(word) STATE_##word,
    STATES(X)
#undef X
        STATE_COUNT
};
static const char *const words[] = {
#define X(word) #word,
    STATES(X)
#undef X
};

struct follow {
    struct stream *stream;
    char last[ID_MAX];
    struct stat *counts[STATE_COUNT];
};

static void read_on(struct follow *follow);

static void count_line(struct follow *follow, const char *line, size_t len)
{
    static const char name[] = "\"state\":\"";
    const char *at = memmem(line, len, name, sizeof name - 1);

    if (!at)
        return;
    at += sizeof name - 1;
    for (unsigned i = 0; i < STATE_COUNT; i++) {
        size_t word = strlen(words[i]);
        if ((size_t)(line + len - at) > word && memcmp(at, words[i], word) == 0 && at[word] == '"')
            stats_add(follow->counts[i], 1);
    }
}

static void count_entry(struct follow *follow, const struct stream_reply *entry)
{
    const char *id = reply_text(reply_at(entry, 0), NULL);
    const struct stream_reply *fields = reply_at(entry, 1);

    if (id)
        snprintf(follow->last, sizeof follow->last, "%s", id);
    for (size_t i = 0; i + 1 < reply_count(fields); i += 2) {
        size_t len;
        const char *name = reply_text(reply_at(fields, i), NULL),
                   *line = reply_text(reply_at(fields, i + 1), &len);
        if (name && line && strcmp(name, PROTO_FIELD_ACTIVITY) == 0)
            count_line(follow, line, len);
    }
}

static void on_read(const struct stream_reply *reply, void *arg)
{
    struct follow *follow = arg;
    const struct stream_reply *entries =
        reply_at(reply_at(reply_at(reply, 0), 0), 0) ? reply_at(reply_at(reply, 0), 1) : NULL;

    for (size_t i = 0; i < reply_count(entries); i++)
        count_entry(follow, reply_at(entries, i));
    if (reply && !reply_is_error(reply, NULL))
        read_on(follow);
}

static void read_on(struct follow *follow)
{
    struct stream_command *command = stream_command("XREAD");

    stream_add(command, "COUNT");
    stream_add_int(command, ENTRIES_PER_READ);
    stream_add(command, "BLOCK");
    stream_add_int(command, BLOCK_MS);
    stream_add(command, "STREAMS");
    stream_add(command, PROTO_ACTIVITY);
    stream_add(command, follow->last);
    stream_send(follow->stream, command, on_read, follow);
}

static void on_state(bool up, void *arg)
{
    struct follow *follow = arg;

    if (!up)
        return;
    snprintf(follow->last, sizeof follow->last,
             "$"); /* perhaps another Redis: its ids are not comparable with the last one's */
    read_on(follow);
}

static bool redis_ready(void *arg)
{
    struct follow *follow = arg;

    return stream_up(follow->stream);
}

struct follow *follow_new(struct service *service)
{
    struct follow *follow = mem_alloc(sizeof *follow);
    struct stream_config config = {.url = service_conf(service)->redis_url,
                                   .name = "monitor",
                                   .timeout_ms = 5 * BLOCK_MS,
                                   .waiting_max = 4};
    char labels[48];

    for (unsigned i = 0; i < STATE_COUNT; i++) {
        snprintf(labels, sizeof labels, "state=\"%s\"", words[i]);
        follow->counts[i] = stats_register(STATS_COUNTER, "sync_activity_total", labels,
                                           "Changes of state seen on the activity stream");
    }
    follow->stream = stream_new(service_base(service), &config);
    stream_on_state(follow->stream, on_state, follow);
    service_add_check(service, "redis", redis_ready, follow);
    return follow;
}

void follow_free(struct follow **followp)
{
    if (!*followp)
        return;
    stream_free(&(*followp)->stream);
    free(*followp);
    *followp = NULL;
}
