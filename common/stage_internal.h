/* stage_internal.h: what stage.c, stage_lease.c, stage_read.c and stage_ready.c share; nobody else includes it. */
#pragma once
#include <event2/event.h>

#include "clock.h"
#include "conf.h"
#include "db.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "service.h"
#include "stage.h"
#include "stats.h"
#include "store.h"

#define STAGE_ID_MAX 48 /* a stream entry's id, with its NUL */

enum partition_state {
    PARTITION_NONE,
    PARTITION_COPYING,
    PARTITION_ACTIVE,
    PARTITION_RELEASING,
    PARTITION_EXPIRED
};

enum ready_why { READY_ALL, READY_REFILL, READY_DUE, READY_WHYS }; /* stage_ready.c */

struct partition {
    struct stage *stage;
    unsigned number;
    enum partition_state state;
    int64_t fence;
    size_t in_hand;
    char stream[PRIORITIES][MSG_KEY_MAX];
    char set[PRIORITIES][MSG_KEY_MAX];
    /* reading */
    struct stream *bell;
    struct event *rest; /* Redis refused: read again when it ends */
    int64_t page_ms;    /* when what is pending was last read */
    bool rung;          /* XREAD BLOCK is out */
    bool reading;       /* read.lua is out */
    bool read_again;
    bool taken_over; /* what is pending was another owner's: it counts as handed out once more */
    bool
        handed_out; /* some of that already, under our fence: read from the start again it does not count twice */
    /* handed out often: one after the other, and nothing else meanwhile (stage_alone.c) */
    struct stage_item **alone; /* in hand, not lent yet */
    size_t alone_count;
    struct stage_item *alone_lent;
    bool alone_noting; /* alone.lua is out */
    bool pending;      /* first what was handed out before, after pending_after */
    bool settled;      /* all that was pending has been read once: what is missing from now on was there */
    bool healing;      /* keys of another type are being put aside */
    char pending_after[PRIORITIES][STAGE_ID_MAX];
    char last[PRIORITIES][STAGE_ID_MAX]; /* last entry seen: the doorbell listens after it */
    /* publishing */
    size_t on_belt[PRIORITIES];
    bool more[PRIORITIES]; /* ready rows may wait in PostgreSQL */
    bool asked[PRIORITIES];     /* by the run under way */
    char *turn_end[PRIORITIES]; /* the tenants' turn goes on behind this one; NULL: with the first */
    struct belt_call *call;
};

/* An entry of a stream of which references are in hand. Owner: stage->entries. */
struct stage_entry {
    char id[STAGE_ID_MAX];
    struct partition *partition;
    enum priority priority;
    unsigned open; /* references not done */
    bool dropped;  /* one was dropped: never acknowledged by us, read again as pending */
};

struct stage {
    struct stage_spec spec;
    struct service *service;
    struct store *store;
    struct stream *belt;
    struct event_base *base;
    struct partition *partitions;
    unsigned count;
    char mark[40];
    struct map *hand;    /* event id → stage_item */
    struct map *entries; /* "partition/priority/id" → stage_entry */
    int64_t lease_ms;
    int64_t window;
    int64_t sync_interval_ms;
    /* leases */
    struct event *beat_timer;
    bool beating;
    bool beat_again;
    bool rows_made;       /* lease_init has run */
    int64_t beat_sent_ms; /* monotonic */
    int64_t valid_until_ms;
    bool interrupted;        /* PostgreSQL did not answer once */
    int64_t steady_since_ms; /* and has answered again since then; 0: not yet */
    struct event *expiry_timer;
    size_t given_back; /* with the beat under way */
    bool announced;    /* the others of this stage were told that we are here */
    /* news between replicas */
    struct stream *news;
    char news_key[MSG_KEY_MAX];
    char news_last[STAGE_ID_MAX];
    struct event *news_rest;
    bool telling;
    /* publishing what is ready */
    struct event *ready_timer;
    bool ready_running;
    int64_t ready_at_ms[READY_WHYS]; /* 0: not asked for */
    int64_t refill_pause_ms;
    bool due_more;                   /* more has ended its back-off than was read */
    struct event *flush_timer;
    char replication_id
        [48]; /* of Redis, "" until it is known: another one, or an offset that went back, is another Redis */
    int64_t replication_offset;
    struct event *alone_timer;
    unsigned alone_turns;   /* references noted or lent, of all partitions */
    int64_t alone_since_ms; /* the last of them */
    bool starved;           /* reading paused because the hands were full */
    bool paused;
    bool draining;
    void (*drained)(void *arg);
    void *drained_arg;
    struct stat *stat_handled, *stat_poison, *stat_published, *stat_held;
};

void stage_enter(struct partition *partition, enum partition_state state);
/* stage_lease.c */
void stage_lease_start(struct stage *stage);
void stage_lease_stop(struct stage *stage);
void stage_beat(struct stage *stage);
void stage_copy_lease(struct partition *partition);
void stage_told(struct stage *stage); /* what stage_handover_tell said has left, or was lost */
/* stage_handover.c */
void stage_handover_start(struct stage *stage);
void stage_handover_stop(struct stage *stage);
void stage_handover_tell(struct stage *stage);
/* stage_read.c */
void stage_read(struct partition *partition);
void stage_rest_over(evutil_socket_t fd, short what, void *arg);
void stage_bell_open(struct partition *partition);
void stage_bell_close(struct partition *partition);
void stage_listen_from_start(struct partition *partition);
void stage_entry_release(struct stage *stage, struct stage_entry *entry);
/* stage_alone.c */
void stage_alone_start(struct stage *stage);
void stage_alone_stop(struct stage *stage);
bool stage_alone_waits(const struct partition *partition); /* nothing else is read meanwhile */
void stage_alone_add(struct partition *partition, struct stage_item **items, size_t count);
void stage_alone_go(struct stage *stage); /* whose turn it is begins */
void stage_alone_ended(struct partition *partition,
                       const struct stage_item *item); /* left our hands; gone already */
void stage_alone_drop(struct partition *partition);    /* those that have not begun */
/* stage_ready.c */
void stage_ready_start(struct stage *stage);
void stage_ready_stop(struct stage *stage);
void stage_ready_check(struct partition *partition); /* after sizes were learnt */
/* stage_check.c */
void stage_check_start(struct stage *stage);
void stage_check_look(struct stage *stage);   /* is it still the same Redis? */
void stage_heal(struct partition *partition); /* a key of another type is in the way */
