/*
 * belt_fixture.h: one partition's belt on the test Redis, with references that are numbers.
 *
 * belt_redis is opened, and emptied, by belt_open: both are meant as a checked fixture of check.
 */
#pragma once
#include "belt.h"
#include "redis_fixture.h"

#define BELT_STREAM "events:normal:{p00}"
#define BELT_SET "on:" BELT_STREAM
#define BELT_OTHER "deliver:coreldove:normal:{p00}"
#define BELT_OWNER "owner:router:{p00}"
#define BELT_WINDOW 1000

extern struct redis belt_redis;
void belt_open(void);
void belt_close(void);

struct ref belt_numbered_ref(int number);
struct belt_outcome {
    int calls;
    enum belt_result result;
    int64_t added;
};
void belt_on_sent(enum belt_result result, int64_t added, void *arg); /* arg: struct belt_outcome */
struct belt_outcome belt_send_wait(struct belt_call *call, const char *stage, int64_t fence);
/* Publishes references from .. to - 1; how many were added. */
int64_t belt_publish_numbers(const char *stream, int64_t limit, int from, int to);
/* Acknowledges them in BELT_STREAM as the router's owner, and the entry when it is not NULL. */
struct belt_outcome belt_acknowledge_numbers(int from, int to, const char *entry, int64_t fence);
const char *belt_lease(const char *fence, const char *mark);

/* read.lua over BELT_STREAM and BELT_OTHER. */
struct stream_command *belt_read_command(const char *fence, const char *mark, const char *from, int count,
                                         int count_other);
/* What a read with fence 7 and mark m says of BELT_STREAM. */
struct belt_reading {
    bool done;
    int64_t verdict, repaired, size;
    size_t entries, refs;
    int64_t counts[8]; /* of the first eight entries */
    char ids[8][48];
    enum msg_verdict verdicts[8];
};
struct belt_reading belt_read_from(const char *from, int count);
