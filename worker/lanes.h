/*
 * lanes.h: works by priority: critical first, low never starved; of one priority by turns what was accepted a moment ago and what has
 * waited, so that a backlog does not delay what is new. A work stands in one lane at most, and knows in which.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "proto.h"

struct work;
TAILQ_HEAD(work_list, work);

struct lanes {
    struct work_list lists[PRIORITIES][2]; /* [1]: fresh */
    size_t count;
    unsigned turn;
    bool side[PRIORITIES]; /* whose turn it was last */
};

void lanes_init(struct lanes *lanes);
void lanes_add(struct lanes *lanes, struct work *work);
void lanes_put_back(struct lanes *lanes, struct work *work); /* before those that wait */
void lanes_remove(struct lanes *lanes, struct work *work);
void lanes_leave(struct work *work);          /* wherever it stands, or nowhere */
struct work *lanes_next(struct lanes *lanes); /* removed; NULL when empty */
