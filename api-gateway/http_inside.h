/*
 * http_inside.h: what the http files share.
 *
 *   http_guard    connections: what comes in, how long it may take
 *   http_budget   how many bytes all of them may hold together, and who makes room
 *   http_linger   connections that were refused, until their clients have read why
 *   http_filter   the strict reading of a request's bytes (pure)
 *   http_route    which handler a path and method belong to (pure)
 *   http_auth     who asks
 *   http_reply    answers; http_problem: those that say no
 *
 * A connection is always on the list of its phase:
 *
 *   fresh ─▶ idle ─first byte▶ receiving ─whole request▶ answering ─http_reply▶ sending ─all sent▶ idle
 *                                  │  └─ holds much ─▶ loading ─▶ …
 *                                  └── refused or too slow ──▶ parting (one turn of the loop), then it lingers without evhttp
 *
 * Lists are in order of entry: their heads are who has been in the phase for longest.
 */
#pragma once
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include <event2/http_struct.h>

#include "http.h"
#include "http_filter.h"
#include "map.h"
#include "mem.h"
#include "stats.h"
#include "uuid.h"

struct http_conn;

enum http_phase {
    HTTP_FRESH,
    HTTP_IDLE,
    HTTP_RECEIVING,
    HTTP_LOADING,
    HTTP_ANSWERING,
    HTTP_SENDING,
    HTTP_PARTING,
    HTTP_PHASES
};

struct http_list {
    struct http_conn *first, *last;
    size_t count;
};

/* Owner: the guard, until evhttp lets go of the connection. */
struct http_conn {
    struct http *http;
    struct bufferevent *bev;         /* a reference of our own */
    struct evhttp_connection *evcon; /* NULL while fresh */
    struct evbuffer_cb_entry *watch;
    int fd;
    enum http_phase phase;
    int64_t since_ms; /* in the phase */
    int64_t began_ms; /* the first byte of the request being received */
    struct http_conn *next, *previous;
    struct http_scan scan;
    struct http_request *request; /* from the end of its head to its answer */
    size_t held;                  /* memory of the request being received, as http_budget counts it */
    size_t ahead;                 /* memory of what came behind the request being answered */
    size_t unsent;                /* bytes of the answer being sent */
    size_t read_high;             /* the watermark of its input while a request is received */
    bool held_back;               /* evhttp waits for the end of a chunk */
    bool surplus;                 /* above the cap: to be closed at once */
    struct buf farewell;          /* the last answer, when parting */
};

#define HTTP_ROUTES_MAX 128
#define HTTP_PARAMS_MAX 4
#define HTTP_SEGMENTS_MAX 8

struct http_routes {
    size_t count;
    struct http_entry {
        const struct http_route *route;
        void *arg;
    } entries[HTTP_ROUTES_MAX];
};
struct http_param {
    const char *name;
    size_t name_len;
    char *value; /* decoded; in the request's arena */
};
struct http_match {
    const struct http_route *route; /* NULL: none for this method */
    void *arg;
    unsigned allowed; /* methods that the path has; 0: no such path */
    unsigned count;
    struct http_param params[HTTP_PARAMS_MAX];
};

struct http_query {
    const char *name, *value;
    struct http_query *next;
};

/* Owner: http, from the end of the head until the answer. */
struct http_request {
    struct http *http;
    struct http_conn *conn;    /* NULL once the client is gone */
    struct evhttp_request *ev; /* NULL before the body is complete, and when nobody is left to answer */
    struct http_request *next, *previous;
    struct http_head *head;
    struct http_match match;
    struct arena *arena; /* made when first needed */
    struct http_query *query;
    struct identity identity;
    char id[129], traceparent[56];
    bool given; /* to a handler, which owes an answer */
    struct json *json;
    size_t held; /* bytes counted against the budget */
    int64_t started_us;
    struct buf headers;     /* of the answer: name NUL value NUL … */
    struct problem verdict; /* status 0: the handler decides; else what the head alone has earned */
    char why[320];          /* the verdict's detail, where it is not constant */
};

enum http_refusal {
    HTTP_REFUSED_MALFORMED,
    HTTP_REFUSED_TOO_LARGE,
    HTTP_REFUSED_SLOW,
    HTTP_REFUSED_OVERLOAD,
    HTTP_REFUSED_CONNECTIONS,
    HTTP_REFUSALS
};

struct http {
    struct event_base *base;
    struct http_config config;
    struct evhttp *evhttp;
    struct evhttp_bound_socket *bound; /* NULL while draining */
    int port;
    struct http_routes routes;

    struct http_list lists[HTTP_PHASES];
    size_t connections;
    struct http_conn **by_fd;
    size_t fds;
    struct http *next_listening;
    struct event *turn; /* what evhttp's own callbacks must not do: attach, part */
    struct event *sweep;
    struct event *reopen; /* descriptors were exhausted */
    size_t room;          /* connections that descriptors allow at present */
    int64_t told_ms;      /* when the log last heard that they were exhausted */
    TAILQ_HEAD(http_lingers, http_linger) lingers;
    size_t lingering;

    struct http_request *requests;
    struct http_request *spare; /* linked by next; a few, so that the path allocates little */
    size_t spares;
    size_t pending; /* requests given to a handler and not answered */
    size_t held;    /* memory of all requests being read or answered */
    size_t unsent;  /* bytes of all answers being sent */
    size_t surge;   /* the most of both, and of connections, since memory was last given back */
    int64_t trimmed_ms;

    struct http_keys *keys; /* of tokens, and those already checked */
    bool draining;
    void (*drained)(void *arg);
    void *drained_arg;

    struct stat *by_class[5], *seconds, *connections_now, *pending_now, *held_now, *unsent_now,
        *refused[HTTP_REFUSALS];
};

/* http_listen.c; -1: cannot listen there. */
int http_guard_start(struct http *http);
void http_guard_stop(struct http *http);
void http_guard_stop_listening(struct http *http);
void http_guard_close_idle(struct http *http);
void http_guard_count_connections(struct http *http); /* after a change */
/* http_guard.c */
void http_guard_append(struct http_conn *conn, enum http_phase phase);
void http_guard_forget(struct http_conn *conn);
void http_guard_close(struct http_conn *conn);
void http_guard_begin_closing(struct http_conn *conn);
size_t http_guard_read_high(const struct http *http);
void http_guard_on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg);
void http_guard_enter(struct http_conn *conn, enum http_phase phase);
struct http_conn *http_guard_conn(struct http *http, struct evhttp_request *ev);
void http_guard_watch(struct http_conn *conn); /* the answer will take a while: notice when the client goes */
void http_guard_sent(struct http_conn *conn);  /* an answer has left: on to the next request */
void http_guard_part(struct http_conn *conn, struct buf *farewell); /* takes what is in farewell */
void http_guard_schedule(struct http *http);
bool http_guard_receives(const struct http_conn *conn);
/* http_budget.c */
void http_budget_hold(struct http_conn *conn, size_t len);
void http_budget_hold_head(struct http_conn *conn, size_t len, size_t fields);
void http_budget_hold_ahead(struct http_conn *conn,
                            size_t len); /* all that it has sent ahead; 0: nothing any more */
void http_budget_release(struct http *http, size_t *held);
/* Whether `more` bytes fit beside what all requests hold; others may be put out for it. */
bool http_budget_fits(struct http_conn *conn, size_t more);
/* Whether an answer of this size may wait to be read; others may be closed for it. certain: it has to be told, whatever it takes. */
bool http_budget_sends(struct http_conn *conn, size_t len, bool certain);
void http_budget_send(struct http_conn *conn, size_t len);
void http_budget_sent(struct http_conn *conn);
void http_budget_trim(struct http *http); /* gives memory back to the system after a surge */
/* http_linger.c */
void http_linger_start(struct http *http, int fd); /* fd is its own then */
bool http_linger_end_oldest(struct http *http);    /* false: there is none */
void http_linger_sweep(struct http *http);
/* http.c; -1: the request was refused, and the connection is parting. */
int http_on_head(struct http_conn *conn);
void http_on_gone(struct http_conn *conn);
void http_on_turn(struct http *http);
void http_request_free(struct http_request *request);
void *http_request_memory(struct http_request *request, size_t size); /* zeroed, until it is answered */
char *http_request_text(struct http_request *request, size_t size);
void http_count_pending(struct http *http, int change);
/* http_judge.c */
void http_make_id(char text[UUID_TEXT_LEN + 1]);
void http_judge(struct http_request *request); /* sets the id, the match, the identity, or the verdict */
bool http_judged_early(const struct http_request *request); /* the verdict does not wait for the body */
uint64_t http_body_max(const struct http_request *request); /* of its route */
/* Why a body does not fit beside the others that are being read. */
const char *http_budget_text(const struct http *http, char *text, size_t size);
bool http_media_is(const char *content_type, const char *media);
/* http_route.c */
void http_routes_add(struct http_routes *routes, const struct http_route *rows, size_t count, void *arg);
void http_routes_match(const struct http_routes *routes, unsigned method, const char *path,
                       struct http_match *match);
/* Values are decoded into text (room for the path and a NUL). -1: an escape that decodes to what no value may hold. */
int http_routes_params(struct http_match *match, const char *path, char *text);
void http_methods_text(unsigned methods, char *text, size_t size); /* "GET, HEAD, OPTIONS" */
/* http_auth.c */
struct http_keys *http_keys_new(void);
void http_keys_free(struct http_keys **keys);
void http_keys_set(struct http_keys *keys,
                   const struct auth_keys *given); /* copied; forgets who was checked */
void http_auth(struct http_request *request);      /* sets the identity, or the verdict */
/* http_reply.c */
/* The whole response as text; request may be NULL. */
void http_reply_farewell(const struct http_request *request, const char *id, struct buf *out,
                         const struct problem *problem, const struct buf *body);
void http_count(struct http *http, int status, int64_t started_us);
/* http_problem.c */
const char *http_phrase(int status);
/* Answers past evhttp and parts, whatever has arrived of the request; ends conn->request. */
void http_refuse(struct http_conn *conn, const struct problem *problem);
void http_refuse_fault(struct http_conn *conn, const struct http_fault *fault);
