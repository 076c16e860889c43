/* http_parse.h: HTTP/1.1 requests out of a byte buffer; pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define HTTP_HEADERS_MAX 64
#define HTTP_HEAD_MAX 65536            /* bytes of request line and headers together */
#define HTTP_BODY_MAX (16 * 1024 * 1024)

struct http_header {
    const char *name;
    const char *value;
};

/* Everything points into the connection's buffer and is valid until the request callback returns. */
struct http_request {
    const char *method;
    const char *path;
    const char *query; /* "" when there is none */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    const char *body;
    size_t body_len;
    bool keep_alive;
    int64_t received_us; /* wall clock, when the last byte was read */
};

/* What the head says about the bytes that follow. */
struct http_frame {
    size_t head_len; /* with the empty line */
    size_t body_len; /* 0 when chunked */
    bool chunked;
    bool expects_continue;
};

enum http_progress { HTTP_MORE, HTTP_DONE, HTTP_BAD, HTTP_TOO_LARGE };

/* Reads no further than the head; HTTP_DONE fills the frame. Leaves the data as it is. */
enum http_progress http_frame_head(const char *data, size_t len, struct http_frame *frame);
/* Decodes a chunked body into `body`; *used is what it took from data. */
enum http_progress http_decode_chunks(const char *data, size_t len, struct buf *body, size_t *used);
/* Cuts the head into strings in place; -1 when it is none. The body is left to the caller. */
int http_split_head(char *data, const struct http_frame *frame, struct http_request *request);

const char *http_header(const struct http_request *request, const char *name); /* NULL: absent */
/* Value of a query parameter, percent-decoded into `value`; false: absent. */
bool http_query(const struct http_request *request, const char *name, char *value, size_t size);
int64_t http_query_int(const struct http_request *request, const char *name, int64_t absent);
void http_percent_decode(char *text); /* in place */
