/*
 * log.h: one line, one happening, one JSON object (logfmt when standard error is a terminal).
 *
 *   log_info("delivery", LOG_STR("event", id), LOG_INT("attempt", 2));
 *   {"ts":"2026-01-31T12:00:00.000Z","level":"info","program":"worker","what":"delivery","event":"…","attempt":2}
 *
 * Never a body, a token or a personal datum. `what` is a stable word or short phrase to grep for; fields keep their order.
 * More than LOG_LINES_PER_SECOND lines of the same `what` in a second are folded into one line with a count (I8).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_JSON, LOG_FORMAT_LOGFMT };

struct log_field {
    const char *key; /* NULL ends the list */
    char kind;       /* 's' text, 'i' integer, 'd' double, 'b' bool */
    const char *text;
    int64_t number;
    double real;
};
#define LOG_STR(key, value) { key, 's', value, 0, 0 }
#define LOG_INT(key, value) { key, 'i', NULL, (int64_t)(value), 0 }
#define LOG_REAL(key, value) { key, 'd', NULL, 0, (value) }
#define LOG_BOOL(key, value) { key, 'b', NULL, (value), 0 }
#define LOG_NONE { NULL, 0, NULL, 0, 0 } /* the only field of a line without fields */

#define LOG_LINES_PER_SECOND 200 /* unless set */

void log_open(const char *program, enum log_level level, enum log_format format); /* writes to standard error */
void log_set_level(enum log_level level);
void log_set_lines_per_second(unsigned lines); /* of the same `what` */
bool log_enabled(enum log_level level);
int log_level_parse(const char *name, enum log_level *level); /* debug info warn[ing] error, any case; -1 unknown */
void log_write(enum log_level level, const char *what, const struct log_field *fields);

#define log_at(level, what, ...)                                                                                   \
    do {                                                                                                           \
        if (log_enabled(level))                                                                                    \
            log_write(level, what, (const struct log_field[]){__VA_ARGS__, LOG_NONE});                             \
    } while (0)
#define log_debug(what, ...) log_at(LOG_LEVEL_DEBUG, what, __VA_ARGS__)
#define log_info(what, ...) log_at(LOG_LEVEL_INFO, what, __VA_ARGS__)
#define log_warn(what, ...) log_at(LOG_LEVEL_WARN, what, __VA_ARGS__)
#define log_error(what, ...) log_at(LOG_LEVEL_ERROR, what, __VA_ARGS__)

/* A broken invariant of ours: logs and aborts. */
void bug(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Only at start-up and when memory is out: logs and exits with 1. */
void fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* The same where a library may be in the middle of something: nothing runs any more that exit() would run. */
void fatal_at_once(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
