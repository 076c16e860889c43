/*
 * stage.h: what router, worker and resolver have in common: they own partitions by lease, are woken by a doorbell, read
 * references under their fence, acknowledge them, and publish again whatever PostgreSQL says is ready (protocol.txt §4, §6).
 *
 * Life of a partition here, entered only through stage_enter():
 *
 *   none ── lease granted ──▶ copying ── Redis has our fence ──▶ active ── share shrank / drain ──▶ releasing ──▶ none
 *                               ▲  ▲                              │ │                                  │
 *                               │  └──── Redis replaced ──────────┘ └── lease not renewed in time ──▶ expired
 *                               └────────────────── renewed with the same fence ─────────────────────── ┘ (else none)
 *
 * In copying, releasing and expired nothing new is read; in expired and none the consumer has been told to let go.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "belt.h"
#include "msg.h"

struct service;
struct store;
struct stage;
struct stage_entry;
struct json;

/* One reference in hand. Owner: stage; lent to the consumer from on_items until stage_done or stage_drop. */
struct stage_item {
    struct ref ref;
    unsigned partition;
    enum priority priority;
    unsigned handouts; /* without an outcome; 3: handle alone; 4: alone already, and its owner ended: park */
    struct stage_entry *entry; /* of stage */
};
#define STAGE_HANDOUTS_ALONE 3
#define STAGE_HANDOUTS_PARK 4

struct stage_spec {
    const char *name;    /* "router", "worker-coreldove": of leases, owner keys, counters */
    unsigned priorities; /* streams per partition, in the order of reading */
    void (*key)(char key[MSG_KEY_MAX], enum priority priority, unsigned partition, void *arg);
    const char *ready_sql; /* as ready_events.sql; as ready_deliveries.sql when ready_argument is set */
    const char *ready_argument;
    size_t hand_max; /* references in hand at most; reading pauses there */
    /* References to handle; the consumer keeps the pointers, not the array. */
    void (*on_items)(struct stage_item **items, size_t count, void *arg);
    /* The partition is no longer ours to act in: abort what runs, drop every item of it (stage_drop), start nothing. */
    void (*on_lost)(unsigned partition, void *arg);
    /* The partition goes to another replica: what has not begun is finished, so that it is published there; the rest ends. May be
     * NULL: all of it ends. */
    void (*on_releasing)(unsigned partition, void *arg);
    /* Is this record in the consumer's hands apart from items? Its ready rows are then not published. May be NULL. */
    bool (*busy)(const struct ref *ref, void *arg);
    /* Is something of the partition known that is not in the tables yet? Then it is not given back, or its next owner would do it
     * again: what a lease that ran out let go of is in nobody's hand. May be NULL. */
    bool (*unrecorded)(unsigned partition, void *arg);
    void *arg;
};

struct stage *stage_new(struct service *service, struct store *store, struct stream *belt,
                        const struct stage_spec *spec);
void stage_free(struct stage **stage);

/* The item is finished: its id leaves the set, its entry the stream when it was the last. Frees the item. Goes out with what
 * else stage_call gathers for the partition, at stage_flush or at the end of the loop turn. */
void stage_done(struct stage *stage, struct stage_item *item);
/* Forgets the item without acknowledging it: the next owner, or the next reading of what is pending, gets it again. */
void stage_drop(struct stage *stage, struct stage_item *item);
/* The call under way for a partition: the router adds what it publishes, so that the hand-over is one script. */
struct belt_call *stage_call(struct stage *stage, unsigned partition);
void stage_flush(struct stage *stage);

bool stage_holds(const struct stage *stage,
                 unsigned partition); /* active or releasing, and the lease has not run out */
bool stage_releasing(const struct stage *stage, unsigned partition); /* on_releasing was called */
int64_t stage_fence(const struct stage *stage,
                    unsigned partition); /* of the lease held or just expired; 0: none */
/* Adds two array parameters: partitions held (or expired, not yet refused) and their fences. */
struct db_params;
void stage_add_fences(const struct stage *stage, struct db_params *params);
void stage_ready_in(struct stage *stage, int64_t ms); /* publish ready rows then at the latest */
void stage_due_in(struct stage *stage, int64_t ms);   /* those of them that were in backoff until then */
void stage_kick(struct stage *stage); /* there is room again, or something may be waiting: read */
/* While paused nothing is read and nothing ready is published; leases and what is in hand stay. */
void stage_pause(struct stage *stage, bool paused);
size_t stage_in_hand(const struct stage *stage);
unsigned stage_partitions_held(const struct stage *stage);

/* Stops reading, waits until nothing is in hand, gives the leases back, then calls drained once. */
void stage_drain(struct stage *stage, void (*drained)(void *arg), void *arg);
