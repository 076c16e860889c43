/*
 * http.h: the HTTP server under the API: evhttp with every guard it lacks, credentials, routing and RFC 9457 errors.
 *
 * A request is owned by http from arrival to answer; a handler that answers later keeps the pointer and answers exactly once
 * (http_reply or http_problem), also when the client has gone meanwhile: then the answer is dropped quietly.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth.h"
#include "buf.h"
#include "json.h"

struct event_base;
struct http;
struct http_request;

enum http_method { HTTP_GET = 1, HTTP_POST = 2, HTTP_DELETE = 4, HTTP_PATCH = 8, HTTP_PUT = 16 };

struct http_limits {
    size_t body_max, bulk_body_max, header_max, unread_bodies_max, unsent_answers_max;
    unsigned connections_max, requests_max, json_depth_max;
    int64_t client_timeout_ms, idle_timeout_ms;
};

typedef void (*http_handler)(struct http_request *request, void *arg);

/* One row per route; the table is also what the OpenAPI check walks. */
struct http_route {
    enum http_method method;
    const char *path;        /* "/sync/events/{id}": a segment in braces matches one non-empty segment */
    enum auth_role role;     /* AUTH_NONE: public; else the least role that may */
    bool bulk;               /* the larger body limit applies */
    http_handler handler;
};

struct http_config {
    const char *listen_addr; /* host:port; port 0 picks a free one */
    struct http_limits limits;
    bool auth_required;
    const char *environment;
};

struct http *http_new(struct event_base *base, const struct http_config *config);
void http_free(struct http **http);
void http_set_keys(struct http *http, const struct auth_keys *keys); /* copied; may be called again at reload */
void http_add_routes(struct http *http, const struct http_route *routes, size_t count, void *arg);
int http_port(const struct http *http);
void http_drain(struct http *http, void (*drained)(void *arg), void *arg); /* accepts no more; idle connections close; calls
                                                                              back when the last answer has left */
/* The request. Texts live until it is answered. */
const char *http_param(const struct http_request *request, const char *name);  /* {id} of the path, percent-decoded */
const char *http_query(const struct http_request *request, const char *name);  /* ?name=, decoded; NULL when absent */
const char *http_header(const struct http_request *request, const char *name); /* NULL when absent */
const char *http_body(const struct http_request *request, size_t *len);
/* The handler has taken what it needs of the body: it goes, and what http_body and http_json gave with it. */
void http_release_body(struct http_request *request);
const char *http_request_id(const struct http_request *request);
const char *http_traceparent(const struct http_request *request); /* valid W3C traceparent, or NULL */
const char *http_peer(const struct http_request *request);        /* the client's address as text */
const struct identity *http_identity(const struct http_request *request);
/* The body as JSON, parsed once; NULL after having answered 400 or 415 itself. The request owns it. */
struct json *http_json(struct http_request *request);
/* The tenant that the request may act for: `named` (from body or query; NULL when not given) checked against the token. NULL
 * when they do not fit: the caller answers as if the thing did not exist (404) on reads, 403 on writes. With
 * AUTH_REQUIRED=false `named` decides; an operator of all tenants gets `named`, or "*" when none is named. */
const char *http_tenant(const struct http_request *request, const char *named);

/* Answers. body may be NULL. */
void http_add_header(struct http_request *request, const char *name, const char *value);
void http_reply(struct http_request *request, int status, const char *content_type, const struct buf *body);
void http_reply_json(struct http_request *request, int status, const struct json *body); /* writes, does not take */

struct problem {
    int status;
    const char *type;     /* last part of the URN "urn:data-sync:problem:<type>"; NULL: about:blank */
    const char *title;    /* NULL: the status's phrase */
    const char *detail;   /* a sentence that says what to change */
    const struct json *errors; /* array of {pointer, detail}, or NULL */
    int retry_after_s;    /* 0: none */
};
void http_problem(struct http_request *request, const struct problem *problem);
/* The same as a JSON object (for one item of a bulk answer); the caller frees. */
struct json *http_problem_json(const struct http_request *request, const struct problem *problem);
