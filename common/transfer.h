/*
 * transfer.h: HTTP to the platforms: libcurl's multi interface on our loop; the only door to libcurl.
 *
 * TLS is verified, redirects are not followed, no proxy is taken from the environment. The address really connected to is
 * judged, after name resolution: private, loopback and link-local ones only where the platform's file allows them. Of an answer's
 * body the beginning is kept, TRANSFER_KEEP bytes unless asked for more; past TRANSFER_MAX it is refused. All that is kept of
 * all answers together has a ceiling, too: past TRANSFERS_HELD_MAX one answer is read on and the others wait, until their time is
 * up. Packed answers are not unpacked.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform.h"

#define TRANSFER_KEEP 16384
#define TRANSFER_MAX (1024 * 1024)
#define TRANSFERS_HELD_MAX ((size_t)8 * 1024 * 1024)
#define TRANSFER_HEADERS_MAX 12

enum answer_failure {
    ANSWER_OK,
    ANSWER_TRANSPORT,
    ANSWER_TIMEOUT_SENT,
    ANSWER_TLS,
    ANSWER_TOO_LARGE,
    ANSWER_FORBIDDEN_ADDRESS
};

struct answer {
    enum answer_failure failure; /* ANSWER_OK: an HTTP answer is there */
    const char *error;           /* of a failure: one sentence */
    int status;
    bool html;              /* Content-Type or the body's first byte say so */
    int64_t retry_after_ms; /* -1: none */
    const char *body;       /* the beginning of it */
    size_t body_len;
    int64_t duration_us;
};

struct event_base;
struct transfers;
struct transfer;

struct transfer_request {
    enum platform_method method;
    const char *url;
    const char *headers[TRANSFER_HEADERS_MAX]; /* "Name: value", NULL ends */
    const char *body;                          /* copied */
    size_t body_len;
    int64_t timeout_ms;
    bool allow_private;
    size_t keep_max; /* bytes of the answer's body; 0: TRANSFER_KEEP; at most TRANSFER_MAX */
};

typedef void (*transfer_cb)(const struct answer *answer, void *arg);

struct transfers *transfers_new(struct event_base *base, unsigned connections_max);
void transfers_free(struct transfers **transfers); /* running ones are aborted without a callback */
/* callback runs once from the loop, never inside this call. */
struct transfer *transfer_start(struct transfers *transfers, const struct transfer_request *request,
                                transfer_cb callback, void *arg);
size_t transfers_held(const struct transfers *transfers); /* bytes kept of answers that are still coming */
/* Ends it without a callback; true when its request may have reached the platform. */
bool transfer_abort(struct transfers *transfers, struct transfer *transfer);
