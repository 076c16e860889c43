/*
 * resolver.h: the modules of the resolver: turn (reads conflicts, writes verdicts, hands decisions over) and verdict (what becomes
 * of one conflict, by resolve.h; pure).
 */
#pragma once
#include "db.h"
#include "policies.h"
#include "stage.h"

struct service;
struct store;
struct stream;
struct stat;
struct persons;

struct resolver {
    struct service *service;
    struct store *store;
    struct stream *belt;
    struct stage *stage;
    struct persons *persons;
    struct platform_set *platforms;
    struct policies *policies;
    int64_t window;
    struct stage_item **queue; /* waiting for the next turn */
    size_t queued;
    struct stage_item **turn; /* under way */
    size_t turn_count;
    size_t limit;  /* of a turn */
    bool helpless; /* the next turn is one conflict whose verdict cannot be stored */
    struct event *start_timer;
    struct stat *stat_decided, *stat_waiting;
};

/* turn.c */
void turn_init(struct resolver *resolver);
void turn_add(struct resolver *resolver, struct stage_item **items, size_t count);
void turn_lose(struct resolver *resolver, unsigned partition); /* its items are dropped */
void turn_start_in(struct resolver *resolver, int64_t ms);
void turn_start(struct resolver *resolver);

/* One conflict, decided as far as it can be. */
struct verdict {
    struct json *decided; /* field → value, null clears; empty: all wait */
    struct json *result;  /* array of {"field","policy","chosen"?,"value","waits","why"} */
    bool waits;           /* some fields do */
    int confidence;       /* percent: the lowest of the fields' */
    struct buf types;     /* with commas */
    struct buf note;      /* sentences */
    const char *policies; /* version of those that decided; lives as long as they do */
};
/* The row of resolver_read.sql. */
void verdict_find(const struct resolver *resolver, const struct db_result *result, size_t row,
                  struct verdict *verdict);
/* Nothing is decided by itself, whatever the policies say. */
void verdict_for_person(const struct resolver *resolver, const struct db_result *result, size_t row,
                        struct verdict *verdict);
void verdict_release(struct verdict *verdict);
