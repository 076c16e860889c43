/*
 * belt_repair.h: what was wrong with the belt and is right again, or is refused for now: counted, said, and what stands under a name
 * of ours without being ours is put aside.
 *
 * sync_belt_repairs_total{what=…} of each process tells what was repaired, sync_belt_refused_total what Redis refused.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "stream.h"

/* X(name, what, help) */
#define BELT_REPAIRS(X)                                                                                     \
    X(REPLACED, "replaced", "Redis was another one, or one with an older state: all was looked at anew")    \
    X(LEASE, "lease", "Copies of leases that were gone from Redis, and copied again")                       \
    X(STREAM, "stream", "Streams whose group was gone, or that were gone themselves")                       \
    X(SET, "set", "Ids that a set held without their entry, or lacked")                                     \
    X(ENTRY, "entry", "Entries that somebody else had read in our group")                                    \
    X(KEY, "key", "Keys of another type under a name of ours, put aside")
enum belt_repair {
#define X(name, what, help) BELT_REPAIR_##name,
    BELT_REPAIRS(X)
#undef X
    BELT_REPAIR_KINDS
};

void belt_repair_register(void); /* the counters, so that they show 0 from the start; again: nothing */
void belt_repaired(enum belt_repair what, const char *who, unsigned partition, int64_t count);
/* All that this process has repaired, by kind: {"stream":16}; {} for nothing. */
void belt_repairs_json(struct buf *out);
/* Redis answers, and refuses: said once in ten seconds for each reason, with how often. */
void belt_refused(const char *who, const char *why);

/* A name and the type that it must have: "stream", "set", "hash". */
struct belt_name {
    const char *name, *type;
};
/* Renames what has another type to aside:<name>, where it stays for a week. done may be NULL; found: how many, -1 when Redis refused. */
typedef void (*belt_aside_cb)(int64_t found, void *arg);
void belt_set_aside(struct stream *stream, const struct belt_name *names, size_t count, belt_aside_cb done,
                    void *arg);
