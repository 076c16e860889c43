/*
 * belt.c: gathers one partition's acknowledgements and publications and sends them as one call of belt.lua.
 *
 * A call is written down as it is gathered and turned into words only when it is sent, because the script wants
 * its keys first and a count in front of each list. Owner of a call: its caller until belt_send.
 */
#include "belt.h"

#include "belt_repair.h"
#include "log.h"
#include "lua.h"
#include "mem.h"

#define STAGE_MAX 64

/* Acknowledgements in one stream. */
struct ack {
    struct ack *next;
    char stream[MSG_KEY_MAX];
    struct buf ids; /* of events, 16 bytes each */
    int64_t id_count;
    struct buf entries; /* their ids, each with its NUL */
    int64_t entry_count;
};

/* Publications to one stream under one limit. */
struct publication {
    struct publication *next;
    char stream[MSG_KEY_MAX];
    int64_t limit;
    struct buf refs; /* as text, each with its NUL; the event's id is in front */
    int64_t count;
};

struct belt_call {
    unsigned partition;
    struct ack *acks;
    struct publication *publications;
    int64_t ack_count, publication_count;
};

/* What waits for the answer. */
struct waiting {
    belt_cb callback;
    void *arg;
};

struct belt_call *belt_call_new(unsigned partition)
{
    struct belt_call *call = mem_alloc(sizeof(*call));
    call->partition = partition;
    return call;
}

void belt_call_free(struct belt_call **call)
{
    if (!*call)
        return;
    for (struct ack *ack; (ack = (*call)->acks);) {
        (*call)->acks = ack->next;
        buf_release(&ack->ids);
        buf_release(&ack->entries);
        free(ack);
    }
    for (struct publication *publication; (publication = (*call)->publications);) {
        (*call)->publications = publication->next;
        buf_release(&publication->refs);
        free(publication);
    }
    free(*call);
    *call = NULL;
}

bool belt_call_empty(const struct belt_call *call)
{
    return !call->acks && !call->publications;
}

static void set_stream(char stream[MSG_KEY_MAX], const char *name)
{
    if (snprintf(stream, MSG_KEY_MAX, "%s", name) >= MSG_KEY_MAX)
        bug("the stream's name %s is too long", name);
}

static struct ack *find_ack(struct belt_call *call, const char *stream)
{
    struct ack *ack = call->acks;
    while (ack && strcmp(ack->stream, stream) != 0)
        ack = ack->next;
    if (!ack) {
        ack = mem_alloc(sizeof(*ack));
        set_stream(ack->stream, stream);
        buf_init(&ack->ids);
        buf_init(&ack->entries);
        ack->next = call->acks;
        call->acks = ack;
        call->ack_count++;
    }
    return ack;
}

void belt_ack_ref(struct belt_call *call, const char *stream, const struct uuid *event)
{
    struct ack *ack = find_ack(call, stream);
    buf_add(&ack->ids, event->bytes, sizeof(event->bytes));
    ack->id_count++;
}

void belt_ack_entry(struct belt_call *call, const char *stream, const char *entry_id)
{
    struct ack *ack = find_ack(call, stream);
    buf_add(&ack->entries, entry_id, strlen(entry_id) + 1);
    ack->entry_count++;
}

void belt_publish(struct belt_call *call, const char *stream, int64_t limit, const struct ref *ref)
{
    struct publication *publication = call->publications;
    while (publication && (publication->limit != limit || strcmp(publication->stream, stream) != 0))
        publication = publication->next;
    if (!publication) {
        publication = mem_alloc(sizeof(*publication));
        set_stream(publication->stream, stream);
        publication->limit = limit;
        buf_init(&publication->refs);
        publication->next = call->publications;
        call->publications = publication;
        call->publication_count++;
    }
    msg_format_ref(&publication->refs, ref);
    buf_add(&publication->refs, "", 1);
    publication->count++;
}

static void add_keys(struct stream_command *command, const char *stream)
{
    char set[MSG_KEY_MAX];
    msg_key_set(set, stream);
    stream_add(command, stream);
    stream_add(command, set);
}

static void add_ack(struct stream_command *command, const struct ack *ack)
{
    stream_add_int(command, ack->id_count);
    stream_add_int(command, ack->entry_count);
    for (int64_t i = 0; i < ack->id_count; i++) {
        struct uuid event;
        memcpy(event.bytes, ack->ids.data + i * (int64_t)sizeof(event.bytes), sizeof(event.bytes));
        stream_add_uuid(command, &event);
    }
    const char *entry = ack->entries.data;
    for (int64_t i = 0; i < ack->entry_count; i++, entry += strlen(entry) + 1)
        stream_add(command, entry);
}

static void add_publication(struct stream_command *command, const struct publication *publication)
{
    stream_add_int(command, publication->limit);
    stream_add_int(command, publication->count);
    const char *ref = publication->refs.data;
    for (int64_t i = 0; i < publication->count; i++) {
        size_t len = strlen(ref);
        stream_add_len(command, ref, UUID_TEXT_LEN);
        stream_add_len(command, ref, len);
        ref += len + 1;
    }
}

static struct stream_command *write_call(const struct belt_call *call, const char *stage, int64_t fence)
{
    char owner[MSG_KEY_MAX];
    msg_key_owner(owner, stage, call->partition);
    unsigned keys = 1 + 2 * (unsigned)(call->ack_count + call->publication_count);
    struct stream_command *command = stream_script(lua_belt, keys);
    stream_add(command, owner);
    for (const struct ack *ack = call->acks; ack; ack = ack->next)
        add_keys(command, ack->stream);
    for (const struct publication *p = call->publications; p; p = p->next)
        add_keys(command, p->stream);
    if (*stage)
        stream_add_int(command, fence);
    else
        stream_add(command, "");
    stream_add_int(command, call->ack_count);
    stream_add_int(command, call->publication_count);
    for (const struct ack *ack = call->acks; ack; ack = ack->next)
        add_ack(command, ack);
    for (const struct publication *p = call->publications; p; p = p->next)
        add_publication(command, p);
    return command;
}

static void on_answer(const struct stream_reply *reply, void *arg)
{
    struct waiting waiting = *(struct waiting *)arg;
    free(arg);
    enum belt_result result = BELT_AWAY;
    int64_t added = 0;
    if (reply_type(reply) == REPLY_ARRAY) {
        result = reply_int(reply_at(reply, 0)) == 1 ? BELT_OK : BELT_FENCED;
        for (size_t i = 1; result == BELT_OK && i < reply_count(reply); i++)
            added += reply_int(reply_at(reply, i));
    } else if (reply) { /* out of memory, a read-only replica, a key of another type */
        const char *text = reply_text(reply, NULL);
        belt_refused("", text ? text : "an answer of another shape");
    }
    if (waiting.callback)
        waiting.callback(result, added, waiting.arg);
}

void belt_send(struct stream *stream, struct belt_call *call, const char *stage, int64_t fence,
               belt_cb callback, void *arg)
{
    if (call->acks && !*stage)
        bug("only an owner acknowledges, and names its stage");
    if (strlen(stage) > STAGE_MAX)
        bug("the stage's name %s is too long", stage);
    struct waiting *waiting = mem_alloc(sizeof(*waiting));
    waiting->callback = callback;
    waiting->arg = arg;
    stream_send(stream, write_call(call, stage, fence), on_answer, waiting);
    belt_call_free(&call);
}
