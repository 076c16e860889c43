/*
 * conflict.h: a stored conflict as resolve.h wants it; pure. What is stored (sync_conflicts.detail) is merge.h's `contested`: per
 * field its base and its sides {"o": platform, "t": ms, "s": place in the order of acceptance, "v": version, "c": currency?, "x":
 * value?}.
 */
#pragma once
#include "json.h"
#include "resolve.h"

/* Contested fields with what resolve_field needs of each; entity, policy, platforms and record are the caller's to fill in. */
struct conflict {
    struct resolve_input *fields; /* values point into the detail */
    size_t count;
};
/* only: the fields that are wanted, with commas; NULL: all. side_events: "seq=id", with commas: which event is behind which side. */
void conflict_read(struct conflict *conflict, const struct json *detail, const char *only,
                   const char *side_events);
void conflict_release(struct conflict *conflict);

/* Is the name in the list with commas? NULL is an empty list. */
bool conflict_names(const char *list, const char *name);
/* The event behind a side; -1: it is not kept any more. */
int conflict_event(const char *side_events, int64_t seq, struct uuid *event);
/* A side's number; 0 when absent. */
int64_t conflict_number(const struct json *side, const char *name);
/* Adds {"field","policy","chosen"?,"value","waits","why"} of a field to the array: how it was decided, or would be. */
void conflict_tell(struct json *rules, const struct resolve_input *input, const struct resolution *resolution,
                   bool waits);
