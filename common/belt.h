/*
 * belt.h: publishing and acknowledging on the belt: builds calls of belt.lua. protocol.txt §4 and §5.
 *
 * A belt_call gathers, for one partition, what to acknowledge and what to publish, and sends it as one script: the hand-over
 * of a partition is atomic.
 */
#pragma once
#include <stdint.h>

#include "msg.h"
#include "stream.h"

struct belt_call;
struct belt_call *belt_call_new(unsigned partition);
void belt_call_free(struct belt_call **call);
/* Owner only, for the stage named at send. `stream` as from msg_key_*; an entry id is given when its last reference is done. */
void belt_ack_ref(struct belt_call *call, const char *stream, const struct uuid *event);
void belt_ack_entry(struct belt_call *call, const char *stream, const char *entry_id);
void belt_publish(struct belt_call *call, const char *stream, int64_t limit, const struct ref *ref);
bool belt_call_empty(const struct belt_call *call);

enum belt_result {
    BELT_OK,
    BELT_FENCED /* absent or another fence: nothing changed, look in PostgreSQL */,
    BELT_AWAY
};
typedef void (*belt_cb)(enum belt_result result, int64_t added, void *arg);
/* stage and fence: for calls that acknowledge; "" and 0 otherwise. Consumes the call. callback may be NULL. */
void belt_send(struct stream *stream, struct belt_call *call, const char *stage, int64_t fence,
               belt_cb callback, void *arg);

/* The activity stream: lines are gathered and leave packed, at most every few milliseconds, best effort. About
 * max_lines of them are kept. */
struct belt_activity;
struct event_base;
struct belt_activity *belt_activity_new(struct event_base *base, struct stream *stream, int64_t max_lines);
void belt_activity_free(struct belt_activity **activity);
/* state: "accepted", "routed" …; platform NULL where none. */
void belt_activity_add(struct belt_activity *activity, const struct ref *ref, const char *state,
                       const char *platform);
