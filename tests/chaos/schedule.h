/*
 * schedule.h: which faults strike when, drawn from the seed alone; pure.
 *
 * At most two at a time, never two on the same object. Numbers: ms of a delay, bytes until a cut, bytes of the log's tail, each n-th
 * request.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* X(name, text, weight, struck, shortest ms, longest ms); weight 0: strikes only where `only` names it */
#define FAULT_KINDS(X)                                        \
    X(KILL, "kill", 6, PROGRAM, 100, 3000)                    \
    X(STOP, "stop", 5, PROGRAM, 300, 8000)                    \
    X(TERM, "term", 3, PROGRAM, 100, 4000)                    \
    X(FLUSH, "flushall", 3, REDIS, 0, 0)                      \
    X(REDIS_KILL, "redis-kill", 2, REDIS, 100, 3000)          \
    X(REDIS_EMPTY, "redis-empty", 2, REDIS, 100, 2000)        \
    X(REDIS_RESTART, "redis-restart", 2, REDIS, 100, 2000)    \
    X(REDIS_TAIL, "redis-tail-cut", 2, REDIS, 100, 2000)      \
    X(REDIS_GROUPS, "redis-groups", 1, REDIS, 0, 0)           \
    X(REDIS_STREAMS, "redis-streams", 1, REDIS, 0, 0)         \
    X(REDIS_STOP, "redis-stop", 1, REDIS, 300, 5000)          \
    X(REDIS_CLIENTS, "redis-clients", 2, REDIS, 0, 0)         \
    X(POSTGRES_KILL, "postgres-immediate", 3, POSTGRES, 100, 4000) \
    X(POSTGRES_RESTART, "postgres-restart", 2, POSTGRES, 100, 3000) \
    X(POSTGRES_CLIENTS, "postgres-clients", 2, POSTGRES, 0, 0) \
    X(CUT, "cut", 4, ROUTE, 0, 0)                             \
    X(STALL, "stall", 4, ROUTE, 300, 6000)                    \
    X(HOLD, "hold", 4, ROUTE, 2300, 5500)                     \
    X(DELAY, "delay", 3, ROUTE, 500, 5000)                    \
    X(CUT_AFTER, "cut-after", 3, ROUTE, 300, 3000)            \
    X(REFUSE, "refuse", 3, ROUTE, 300, 4000)                  \
    X(AWAY_503, "503", 2, PLATFORM, 500, 4000)                \
    X(SLOW_429, "429", 2, PLATFORM, 500, 3000)                \
    X(SLOW, "slow", 2, PLATFORM, 500, 4000)                   \
    X(HANG, "hang", 2, PLATFORM, 500, 3000)                   \
    X(RESET, "reset", 2, PLATFORM, 500, 3000)                 \
    X(RESET_LATE, "reset-mid-answer", 2, PLATFORM, 500, 3000) \
    X(TRUNCATE, "truncate", 1, PLATFORM, 500, 3000)           \
    X(HTML, "html", 1, PLATFORM, 300, 1500)                   \
    X(TOO_FEW, "too-few", 1, PLATFORM, 500, 2000)
enum fault_kind {
#define X(name, text, weight, struck, shortest, longest) FAULT_##name,
    FAULT_KINDS(X)
#undef X
    FAULT_KIND_COUNT
};

enum fault_struck { STRUCK_PROGRAM, STRUCK_REDIS, STRUCK_POSTGRES, STRUCK_ROUTE, STRUCK_PLATFORM };

struct fault {
    int64_t at_ms, for_ms; /* after the load began; 0: at once over */
    enum fault_kind kind;
    char object[32]; /* process, route or platform */
    int64_t number;
};

struct schedule {
    struct fault *faults;
    size_t count;
};

/* only: kinds by their texts with commas between (none: no faults); NULL: all. replicas: of gateway, router and workers. */
void schedule_draw(struct schedule *schedule, uint64_t seed, int64_t length_ms, unsigned replicas, const char *only);
void schedule_free(struct schedule *schedule);
void schedule_write(const struct schedule *schedule, FILE *out);
void fault_write(const struct fault *fault, char *text, size_t size);
const char *fault_kind_name(enum fault_kind kind);
enum fault_struck fault_struck_by(enum fault_kind kind);
