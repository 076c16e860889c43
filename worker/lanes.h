/*
 * lanes.h: works by priority (critical first, low never starved), tenants in turn within each, and of one tenant what is fresh
 * and what has waited in turn: nobody waits for another's backlog, nor what happens now for what happened yesterday. A work
 * stands in one lane at most, and knows in which.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "proto.h"

struct work;
struct lane; /* of one priority and tenant */
TAILQ_HEAD(work_list, work);
TAILQ_HEAD(lane_list, lane);

struct lanes {
    struct lane_list turns[PRIORITIES]; /* whose turn it is first */
    size_t count;
    unsigned turn;
    bool
        mixed; /* of one lane any is next: while the platform is in doubt, what stands together may fail together */
};

void lanes_init(struct lanes *lanes);
void lanes_add(struct lanes *lanes, struct work *work);
void lanes_put_back(struct lanes *lanes, struct work *work); /* before those that wait */
void lanes_remove(struct lanes *lanes, struct work *work);
void lanes_leave(struct work *work);          /* wherever it stands, or nowhere */
struct work *lanes_next(struct lanes *lanes); /* removed; NULL when empty */
