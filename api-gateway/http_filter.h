/*
 * http_filter.h: what the bytes of a request must look like before evhttp may see them; pure.
 *
 * evhttp takes what a proxy in front of it might read in another way: two lengths, a blank before a colon, folded lines, bare
 * line feeds. The scanner reads along, byte for byte and line by line, refuses all that, and knows where each request ends.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "http.h"

#define HTTP_FIELDS_MAX 100
enum { HTTP_HEAD = 32, HTTP_OPTIONS = 64 }; /* methods that no route names */

struct http_fault {
    int status;
    const char *type;   /* of the problem */
    const char *detail; /* a sentence; lives as long as the scanner */
};

struct http_field {
    uint32_t name, value; /* where they start in the head's text */
};

/* The request line and the header fields. */
struct http_head {
    struct buf text; /* as received, with NUL bytes where names and values end */
    unsigned method; /* a bit of enum http_method, HTTP_HEAD or HTTP_OPTIONS */
    uint32_t path;   /* still percent-encoded */
    uint32_t query;  /* after the '?'; 0: none */
    unsigned minor;  /* of HTTP/1.x */
    unsigned seen;   /* fields that may come only once */
    unsigned count;
    struct http_field fields[HTTP_FIELDS_MAX];
    int64_t content_length; /* -1: none */
    bool chunked, expects_continue;
};

const char *http_head_text(const struct http_head *head, uint32_t at);
const char *http_head_field(const struct http_head *head,
                            const char *name); /* the first of that name, or NULL */
void http_head_free(struct http_head *head);
void http_heads_release(void); /* frees those kept for later */

enum http_scan_state {
    SCAN_HEAD,
    SCAN_DECIDE,
    SCAN_BODY,
    SCAN_CHUNK_SIZE,
    SCAN_CHUNK_DATA,
    SCAN_CHUNK_END,
    SCAN_TRAILER,
    SCAN_DONE
};
enum http_scan_event {
    HTTP_SCAN_MORE,  /* everything given was read: feed on */
    HTTP_SCAN_HEADS, /* the head is complete: take it, then call http_scan_body */
    HTTP_SCAN_ENDS,  /* the request ended; what follows belongs to the next */
    HTTP_SCAN_FAULT
};

struct http_scan {
    enum http_scan_state state;
    size_t head_max;
    struct http_head *head; /* NULL between requests, and after it was taken */
    struct buf line;        /* of the chunked framing */
    size_t line_start;      /* of the head's line being read */
    size_t trailer_len;
    uint64_t left; /* of the body or the chunk */
    uint64_t body_len, body_max;
    char why[128]; /* of a fault that names a limit */
};

void http_scan_init(struct http_scan *scan, size_t head_max);
void http_scan_release(struct http_scan *scan);
void http_scan_next(struct http_scan *scan); /* ready for the next request */
/* Reads up to the next event; *used says how much of data. After HTTP_SCAN_FAULT the connection has to end. */
enum http_scan_event http_scan_feed(struct http_scan *scan, const char *data, size_t len, size_t *used,
                                    struct http_fault *fault);
/* After HTTP_SCAN_HEADS: hands the head over and goes on with the body: MORE, ENDS (there is none) or FAULT (too long). */
struct http_head *http_scan_take_head(struct http_scan *scan);
enum http_scan_event http_scan_body(struct http_scan *scan, const struct http_head *head, uint64_t body_max,
                                    struct http_fault *fault);

/* For both files of the filter. */
static inline int http_fault_set(struct http_fault *fault, int status, const char *type, const char *detail)
{
    *fault = (struct http_fault){status, type, detail};
    return -1;
}
static inline int http_malformed(struct http_fault *fault, const char *detail)
{
    return http_fault_set(fault, 400, "malformed-request", detail);
}
int http_hex(char c);       /* the digit's value, or -1 */
bool http_is_token(char c); /* RFC 9110 §5.6.2 */
int http_request_line(struct http_head *head, char *line, size_t len, struct http_fault *fault);

/* Percent-decoding into out (room for len + 1 bytes): -1 for an invalid or incomplete escape, for what decodes to a control
 * character, and for what is not UTF-8 afterwards. plus: '+' is a blank, as in queries. */
int http_decode(const char *text, size_t len, bool plus, char *out);
bool http_traceparent_valid(const char *text, size_t len); /* W3C Trace Context §3.2 */
