/*
 * redis_fixture.h: a connection to Redis that tests use as if it were synchronous, and Redis servers of a test's own.
 *
 * Answers are rendered as text: 12, word, nil, (ERR what), [a b [c d]]. Every wait ends after WAIT_MS with a failed test.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "stream.h"

#define WAIT_MS 10000

struct event_base;
struct redis {
    struct event_base *base;
    struct stream *stream;
    struct buf answer;
};

const char *redis_url(void); /* TEST_REDIS_URL; a failed test when it is not set */
void redis_open(struct redis *redis, const char *url, int64_t timeout_ms, unsigned waiting_max); /* does not wait */
void redis_open_test(struct redis *redis); /* at redis_url(): waits until it is up, and empties the database */
void redis_close(struct redis *redis);

void redis_turn(struct redis *redis); /* runs the loop for at most 20 ms */
#define redis_until(redis, condition)                                                                         \
    do {                                                                                                      \
        int64_t redis_end_ = clock_mono_ms() + WAIT_MS;                                                       \
        while (!(condition)) {                                                                                \
            ck_assert_msg(clock_mono_ms() < redis_end_, "waited in vain for " #condition);                    \
            redis_turn(redis);                                                                                \
        }                                                                                                     \
    } while (0)

/* Sends and waits; the answer holds until the next one. redis_do splits its line at blanks. */
const char *redis_call(struct redis *redis, struct stream_command *command);
const char *redis_do(struct redis *redis, const char *line);
void redis_render(struct buf *out, const struct stream_reply *reply);

/* A redis-server on a free loopback port; it ends with the test's process at the latest. */
struct redis_server {
    pid_t pid;
    int port;
    char url[128];
};
void redis_server_start(struct redis_server *server, int port, const char *password); /* port 0: a free one */
void redis_server_stop(struct redis_server *server);
int redis_free_port(void);

/* How often callbacks came, and how many of them without a reply. */
struct redis_tally {
    int answers, nulls;
};
void redis_on_tally(const struct stream_reply *reply, void *arg); /* arg: struct redis_tally */
struct stream_command *redis_words(const char *first, const char *second, const char *third);
void redis_on_state(bool up, void *arg); /* arg: int[2], counts changes by `up` */
