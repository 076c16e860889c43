/*
 * http.h: a small HTTP/1.1 server that can also misbehave on purpose.
 *
 * Cheaper than a general server (a request costs about one read and one write), because it shares two cores with what it
 * measures. A connection handles one request at a time; pipelined ones wait in its buffer.
 */
#pragma once
#include "http_parse.h"

#define HTTP_CONNECTIONS_MAX 4096
#define HTTP_DRIP_MS 50

struct event_base;
struct http_server;
struct http_conn;

enum http_ending {
    HTTP_WHOLE,         /* as it should be */
    HTTP_HANG,          /* no answer, the connection stays open until the client leaves */
    HTTP_RESET,         /* TCP reset instead of an answer */
    HTTP_RESET_HALFWAY, /* head and half of the body, then a reset */
    HTTP_TRUNCATE,      /* head and half of the body, then an orderly end */
    HTTP_CLOSE,         /* an orderly end without an answer */
    HTTP_DRIP,          /* a byte of the body every HTTP_DRIP_MS */
    HTTP_ENDLESS,       /* chunks of the body, again and again, until the client leaves */
};

struct http_answer {
    int status;
    const char *content_type; /* NULL: application/json */
    const char *headers;      /* more header lines, each with CRLF; may be NULL */
    const char *body;
    size_t body_len;
    int64_t delay_ms;
    enum http_ending ending;
};

/* Must call http_answer exactly once before it returns; a delay is kept by the server. */
typedef void (*http_request_cb)(struct http_conn *conn, const struct http_request *request, void *arg);

/* address is HOST:PORT, numeric; port 0 takes a free one. NULL with a sentence in error. */
struct http_server *http_server_new(struct event_base *base, const char *address, http_request_cb on_request, void *arg,
                                    char *error, size_t error_size);
void http_server_free(struct http_server **server); /* ends all connections */
int http_server_port(const struct http_server *server);

void http_answer(struct http_conn *conn, const struct http_answer *answer); /* copies the body */
