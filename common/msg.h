/*
 * msg.h: references and keys of the belt in C: names of event types, keys of streams, packing and reading of references.
 * common/protocol.txt §2 and §3 are the source.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "proto.h"
#include "uuid.h"

#define MSG_TENANT_MAX 128
#define MSG_TRACE_MAX 55 /* traceparent version 00 */
#define MSG_KEY_MAX 128
#define MSG_PLATFORM_MAX 32

struct ref {
    struct uuid event;
    struct uuid record; /* orders the event: of its record, or of (tenant, event type) */
    int64_t seq;
    enum event_type type;
    char trace[MSG_TRACE_MAX + 1]; /* "" when there is none */
    char tenant[MSG_TENANT_MAX + 1];
};

int msg_event_type(const char *name, enum event_type *type); /* -1: there is no such type */
const char *msg_event_type_name(enum event_type type);
enum entity msg_event_entity(enum event_type type);
enum verb msg_event_verb(enum event_type type);
const char *msg_entity_name(enum entity entity); /* "user" …; "" for ENTITY_NONE */
int msg_entity(const char *name, enum entity *entity);
const char *msg_verb_name(enum verb verb); /* "create" "update" "delete" "report" */
const char *msg_event_status_name(enum event_status status);
const char *msg_delivery_state_name(enum delivery_state state);
const char *msg_delivery_state_shown(enum delivery_state state);
enum priority msg_priority(int64_t number); /* 1-10 of the API: 1 critical, 2-3 high, 4-5 normal, 6-10 low */
const char *msg_priority_name(enum priority priority);

unsigned msg_partition(const struct uuid *record, unsigned partitions);
/* Keys; the buffer holds MSG_KEY_MAX bytes. */
void msg_key_events(char key[MSG_KEY_MAX], enum priority priority, unsigned partition);
void msg_key_deliver(char key[MSG_KEY_MAX], const char *platform, enum priority priority, unsigned partition);
void msg_key_conflicts(char key[MSG_KEY_MAX], unsigned partition);
void msg_key_set(char key[MSG_KEY_MAX], const char *stream);
void msg_key_owner(char key[MSG_KEY_MAX], const char *stage, unsigned partition);

void msg_format_ref(struct buf *out, const struct ref *ref);
int msg_parse_ref(const char *text, size_t len, struct ref *ref, const char **why); /* -1: poison, and why */

/* An entry's fields, alternating name and value, as Redis gives them. */
struct msg_field {
    const char *text;
    size_t len;
};
enum msg_verdict { MSG_OK, MSG_NEWER, MSG_POISON };
/* Reads an entry into at most PROTO_REFS_MAX references. MSG_NEWER: leave it pending; MSG_POISON: `why` says what is wrong. */
enum msg_verdict msg_parse_entry(const struct msg_field *fields, size_t count, struct ref *refs,
                                 size_t *ref_count, const char **why);
