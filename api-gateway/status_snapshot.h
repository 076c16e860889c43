/*
 * status_snapshot.h: how the whole service is, as of a moment ago: replicas, waiting work and leases from PostgreSQL, what is
 * on the belt from Redis. Asked at most once a second however many watch, and nobody waits longer than SNAPSHOT_WAIT_MS:
 * then the last one is shown.
 */
#pragma once
#include "gateway.h"

#define SNAPSHOT_FRESH_MS 1000
#define SNAPSHOT_WAIT_MS 400

struct snapshot_stream {
    char name[MSG_KEY_MAX]; /* without the partition: "deliver:coreldove:high" */
    int64_t depth;          /* references on it, of all partitions; -1: not known */
};

/* Owner: snapshots. JSON texts are "" until they are known. */
struct snapshot {
    bool database_answers, belt_answers; /* to the last question */
    char belt_refusal[96];               /* why Redis takes no writes: out of memory, a failing disk, a replica; "": it does */
    int64_t waiting, backoff, pending, processing;
    bool active;
    struct buf replicas, stages, leases, platforms;
    struct snapshot_stream *streams;
    size_t stream_count;
};

struct snapshots;
struct snapshots *snapshots_new(struct gateway *gateway);
void snapshots_free(struct snapshots **snapshots);
typedef void (*snapshot_cb)(const struct snapshot *snapshot, void *arg);
/* Calls back once: now when the last one is fresh, else soon; with NULL when the program ends before. */
void snapshots_ask(struct snapshots *snapshots, snapshot_cb callback, void *arg);
