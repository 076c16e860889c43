/*
 * merge_world_fixture.h: one record with its versions, changes to it in short, and a resolver that lets the latest side win.
 * Include merge.h before it.
 */
#pragma once
#include "mapping_fixture.h"
#include "mem.h"

#define T0 INT64_C(1700000000000)
#define VERSIONS_MAX 64

/* A change in short: platform (NULL: the service), verb, seq, time after T0, data in common names, version it had seen. */
struct step {
    const char *platform;
    enum verb verb;
    int64_t seq, at_ms;
    const char *data;
    int64_t base;
};

struct world {
    struct record record;
    struct version versions[VERSIONS_MAX];
    size_t count;
    struct json *open; /* contests that wait: entries of merge.contested, with "event" */
    int64_t seq;       /* of decisions */
};

void world_init(struct world *world);
void world_release(struct world *world);
/* Fills in the change's history; the result is to be released. */
void world_change(struct world *world, struct change *change, struct merge *merge);
void world_apply(struct world *world, const struct step *step, struct merge *merge);
void world_step(struct world *world, struct step step); /* and nothing more */
/* The step, and what is to be decided after it; has the record a new version by the step? */
bool world_advance(struct world *world, struct step step);
/* Every contest that waits is decided, by itself, for the latest side. */
void world_decide(struct world *world);
void world_write(const struct world *world,
                 struct buf *text); /* deleted or not, and data with sorted names */

/* What had seen nothing of others. */
#define CREATE(platform, seq, at, data)         \
    (struct step)                               \
    {                                           \
        platform, VERB_CREATE, seq, at, data, 0 \
    }
#define UPDATE(platform, seq, at, data)         \
    (struct step)                               \
    {                                           \
        platform, VERB_UPDATE, seq, at, data, 0 \
    }
#define DELETE(platform, seq, at)               \
    (struct step)                               \
    {                                           \
        platform, VERB_DELETE, seq, at, "{}", 0 \
    }
