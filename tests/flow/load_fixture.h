/*
 * load_fixture.h: many events for coreldove and bizosaas, and what must have become of them: each delivered to each exactly once,
 * nothing left on the belt, its sets and streams of one mind.
 */
#pragma once
#include <stdint.h>

#define LOAD_TARGETS 2
extern const char *const load_targets[LOAD_TARGETS];

/* Ids of what follows begin with the name; counts what the platforms get from now on. */
void load_begin(const char *name);
/* Posts so many events of new records, a hundred to a request; what was refused for now is posted again. All are accepted then. */
void load_post(unsigned count);
unsigned load_posted(void);
int64_t load_completed(void); /* of those, by now */
/* Waits for all; each platform got each once, under an id of its own. */
void load_check_delivered_once(void);

/* Of the streams of partitions. */
struct belt_state {
    int64_t ids;       /* in sets */
    int64_t entries;   /* in streams */
    int64_t orphans;   /* ids in sets whose entry is in no stream */
    int64_t unmarked;  /* ids in entries that the set lacks */
    int64_t doubles;   /* ids in more than one entry of a stream */
};
struct belt_state belt_look(const char *pattern); /* streams whose names match: "*", "deliver:coreldove:*" */
void belt_check_empty(void);
int64_t belt_repairs(const char *process, const char *what); /* sync_belt_repairs_total{what=…} */
