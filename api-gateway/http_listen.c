/*
 * http_listen.c: the listener, the cap on connections, and the sweep of those that take too long.
 *
 * evhttp's listener spins when descriptors run out: accept fails, the socket stays readable, and the log fills. Its error callback
 * here closes the longest idle connections until some descriptors are left over; where there is none to close, it switches the
 * listener off, and a timer switches it on again.
 */
#include <errno.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "clock.h"
#include "http_inside.h"
#include "log.h"

#define REOPEN_MS 100
#define BACKLOG 4096
#define UNSENT_IN_KERNEL \
    (128 * 1024) /* of one connection; else who does not read gets four megabytes of answers made */
#define DESCRIPTORS_KEPT 64 /* for the database, Redis, platforms, files */
#define ROOM_MIN 8
#define TOLD_EVERY_MS 10000
#define NOT_READING_MS 1000

/* ---- new connections ---- */

void http_guard_count_connections(struct http *http)
{
    stats_set(http->connections_now, (int64_t)(http->connections + http->lingering));
}

/* The cap: room is made by the connection that has been idle, else unfinished, else unread by its client, for longest. */
static bool make_place(struct http *http)
{
    static const enum http_phase first[] = {HTTP_IDLE, HTTP_RECEIVING, HTTP_LOADING, HTTP_SENDING};
    if (http_linger_end_oldest(http))
        return true;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        struct http_conn *oldest = http->lists[first[i]].first;
        if (oldest == NULL)
            continue;
        if (first[i] == HTTP_SENDING && oldest->since_ms > clock_mono_ms() - NOT_READING_MS)
            continue;
        stats_add(http->refused[HTTP_REFUSED_CONNECTIONS], 1);
        http_guard_close(oldest);
        return true;
    }
    return false;
}

static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
    struct http *http = arg;
    bool room = http->connections + http->lingering < http->room || make_place(http);
    struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);
    if (bev == NULL)
        fatal("http: out of memory for a connection");
    struct http_conn *conn = mem_alloc(sizeof *conn);
    conn->http = http;
    conn->bev = bev;
    conn->fd = -1;
    conn->surplus = !room;
    buf_init(&conn->farewell);
    http_scan_init(&conn->scan, http->config.limits.header_max);
    bufferevent_incref(bev);
    conn->read_high = http_guard_read_high(http);
    bufferevent_setwatermark(bev, EV_READ, 0, conn->read_high);
    conn->watch = evbuffer_add_cb(bufferevent_get_input(bev), http_guard_on_input, conn);
    http->connections++;
    http_guard_count_connections(http);
    http_guard_append(conn, HTTP_FRESH);
    http_guard_schedule(http);
    return bev;
}

static void on_gone(struct evhttp_connection *evcon, void *arg)
{
    (void)evcon;
    http_guard_forget(arg);
}

/* Every other connection waits for an answer of ours. */
static void refuse_surplus(struct http_conn *conn)
{
    stats_add(conn->http->refused[HTTP_REFUSED_CONNECTIONS], 1);
    http_refuse(conn, &(struct problem){
                          .status = 503,
                          .type = "overloaded",
                          .detail = "There are as many connections as may be (CONNECTIONS_MAX), and all of "
                                    "them wait for an answer; come again shortly.",
                          .retry_after_s = 1});
}

/* evhttp has its own pointers set by now, one of which is the connection. */
static void attach(struct http_conn *conn)
{
    struct http *http = conn->http;
    bufferevent_event_cb event;
    void *evcon;
    bufferevent_getcb(conn->bev, NULL, NULL, &event, &evcon);
    if (event == NULL) { /* evhttp could not set it up and has freed it */
        http_guard_forget(conn);
        return;
    }
    conn->evcon = evcon;
    conn->fd = bufferevent_getfd(conn->bev);
    if (conn->fd < 0)
        bug("http: a connection without a descriptor");
    if ((size_t)conn->fd >= http->fds) {
        size_t fds = (size_t)conn->fd * 2 + 64;
        http->by_fd = mem_realloc(http->by_fd, fds * sizeof *http->by_fd);
        memset(http->by_fd + http->fds, 0, (fds - http->fds) * sizeof *http->by_fd);
        http->fds = fds;
    }
    http->by_fd[conn->fd] = conn;
    int one = 1;
    (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    evhttp_connection_set_closecb(conn->evcon, on_gone, conn);
    http_guard_enter(conn, HTTP_IDLE);
    if (http->draining)
        http_guard_close(conn);
    else if (conn->surplus)
        refuse_surplus(conn);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct http *http = arg;
    while (http->lists[HTTP_FRESH].first != NULL)
        attach(http->lists[HTTP_FRESH].first);
    while (http->lists[HTTP_PARTING].first != NULL)
        http_guard_begin_closing(http->lists[HTTP_PARTING].first);
    http_on_turn(http);
}

/* ---- the sweep ---- */

static void refuse_slow(struct http_conn *conn)
{
    stats_add(conn->http->refused[HTTP_REFUSED_SLOW], 1);
    http_refuse(conn, &(struct problem){
                          .status = 408,
                          .type = "too-slow",
                          .detail = "The request did not arrive whole in time; send it again, faster."});
}

static void sweep_list(struct http *http, enum http_phase phase, int64_t limit_ms,
                       void (*end)(struct http_conn *conn))
{
    int64_t before = clock_mono_ms() - limit_ms;
    struct http_list *list = &http->lists[phase];
    while (list->first != NULL && list->first->since_ms <= before)
        end(list->first);
}

/* Not in the order in which their requests began. */
static void sweep_loading(struct http *http, int64_t limit_ms)
{
    int64_t before = clock_mono_ms() - limit_ms;
    for (struct http_conn *conn = http->lists[HTTP_LOADING].first, *next; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->began_ms <= before)
            refuse_slow(conn);
    }
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct http *http = arg;
    const struct http_limits *limits = &http->config.limits;
    sweep_list(http, HTTP_RECEIVING, limits->client_timeout_ms, refuse_slow);
    sweep_loading(http, limits->client_timeout_ms);
    sweep_list(http, HTTP_SENDING, limits->client_timeout_ms, http_guard_close);
    sweep_list(http, HTTP_IDLE, limits->idle_timeout_ms, http_guard_close);
    http_linger_sweep(http);
    http_budget_trim(http);
    if (http->room < limits->connections_max) /* what took the descriptors may be gone */
        http->room++;
}

static struct timeval sweep_interval(const struct http_limits *limits)
{
    int64_t least = limits->client_timeout_ms < limits->idle_timeout_ms ? limits->client_timeout_ms
                                                                        : limits->idle_timeout_ms;
    int64_t ms = least / 4 < 20 ? 20 : least / 4 > 1000 ? 1000 : least / 4;
    return (struct timeval){ms / 1000, ms % 1000 * 1000};
}

void http_guard_close_idle(struct http *http)
{
    while (http->lists[HTTP_IDLE].first != NULL)
        http_guard_close(http->lists[HTTP_IDLE].first);
}

/* ---- the listener ---- */

static struct evconnlistener *listener_of(const struct http *http)
{
    return evhttp_bound_socket_get_listener(http->bound);
}

static void on_reopen(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct http *http = arg;
    if (http->bound != NULL)
        evconnlistener_enable(listener_of(http));
}

/* The callbacks of a listener share one argument, and that is evhttp's. */
static struct http *listening;

/* Fewer connections fit than was thought: with some descriptors left over, the rest of the process goes on working. */
static void lower_room(struct http *http, int error)
{
    int64_t now = clock_mono_ms();
    size_t open = http->connections + http->lingering;
    http->room = open > DESCRIPTORS_KEPT + ROOM_MIN ? open - DESCRIPTORS_KEPT : ROOM_MIN;
    if (http->told_ms != 0 && now - http->told_ms < TOLD_EVERY_MS)
        return;
    http->told_ms = now;
    log_warn("cannot accept connections", LOG_STR("error", evutil_socket_error_to_string(error)),
             LOG_INT("connections", open), LOG_INT("room", http->room));
}

static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    (void)arg;
    int error = EVUTIL_SOCKET_ERROR();
    struct http *http = listening;
    while (http != NULL && listener_of(http) != listener)
        http = http->next_listening;
    if (http == NULL)
        bug("http: a listener that nobody owns");
    lower_room(http, error);
    size_t places = 0;
    while (http->connections + http->lingering > http->room && make_place(http))
        places++;
    if (places > 0) /* the listener is asked again at once, and each time it has cost a connection */
        return;
    evconnlistener_disable(listener);
    struct timeval wait = {0, REOPEN_MS * 1000};
    event_add(http->reopen, &wait);
}

/* host:port, [v6]:port; an empty host is every address. */
static struct evconnlistener *listen_on(struct event_base *base, const char *addr)
{
    char host[256];
    const char *colon = strrchr(addr, ':');
    size_t len = colon != NULL ? (size_t)(colon - addr) : 0;
    if (colon == NULL || len >= sizeof host)
        return NULL;
    bool brackets = len >= 2 && addr[0] == '[' && colon[-1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(brackets ? len - 2 : len), brackets ? addr + 1 : addr);
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host[0] != '\0' ? host : NULL, colon + 1, &hints, &found) != 0)
        return NULL;
    unsigned flags = LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
    struct evconnlistener *listener = NULL;
    for (const struct addrinfo *at = found; at != NULL && listener == NULL; at = at->ai_next)
        listener =
            evconnlistener_new_bind(base, NULL, NULL, flags, BACKLOG, at->ai_addr, (int)at->ai_addrlen);
    freeaddrinfo(found);
    return listener;
}

static int port_of(evutil_socket_t fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {0}};
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) < 0)
        return -1;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* No more than the descriptors suffice for, or the process would come to the point where it can open nothing at all. */
static size_t room_at_start(size_t connections_max)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY ||
        files.rlim_cur >= connections_max + DESCRIPTORS_KEPT)
        return connections_max;
    size_t kept = files.rlim_cur > 4 * DESCRIPTORS_KEPT ? DESCRIPTORS_KEPT : files.rlim_cur / 4;
    log_warn("fewer connections than CONNECTIONS_MAX: descriptors are limited (ulimit -n, LimitNOFILE)",
             LOG_INT("connections_max", connections_max), LOG_INT("descriptors", files.rlim_cur),
             LOG_INT("room", files.rlim_cur - kept));
    return files.rlim_cur - kept;
}

int http_guard_start(struct http *http)
{
    struct evconnlistener *listener = listen_on(http->base, http->config.listen_addr);
    if (listener == NULL)
        return -1;
    http->room = room_at_start(http->config.limits.connections_max);
    int unsent = UNSENT_IN_KERNEL; /* connections inherit it */
    (void)setsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    http->port = port_of(evconnlistener_get_fd(listener));
    http->bound = evhttp_bind_listener(http->evhttp, listener);
    evconnlistener_set_error_cb(listener, on_accept_error);
    evhttp_set_bevcb(http->evhttp, on_accept, http);
    http->turn = event_new(http->base, -1, 0, on_turn, http);
    http->reopen = evtimer_new(http->base, on_reopen, http);
    http->sweep = event_new(http->base, -1, EV_PERSIST, on_sweep, http);
    struct timeval interval = sweep_interval(&http->config.limits);
    event_add(http->sweep, &interval);
    http->next_listening = listening;
    listening = http;
    return 0;
}

void http_guard_stop_listening(struct http *http)
{
    if (http->bound == NULL)
        return;
    struct http **at = &listening;
    while (*at != http)
        at = &(*at)->next_listening;
    *at = http->next_listening;
    event_del(http->reopen);
    evhttp_del_accept_socket(http->evhttp, http->bound);
    http->bound = NULL;
}

void http_guard_stop(struct http *http)
{
    http_guard_stop_listening(http);
    while (http->lists[HTTP_FRESH].first != NULL)
        attach(http->lists[HTTP_FRESH].first);
    while (http->lists[HTTP_PARTING].first != NULL)
        http_guard_begin_closing(http->lists[HTTP_PARTING].first);
    while (http_linger_end_oldest(http))
        continue;
    event_free(http->turn);
    event_free(http->reopen);
    event_free(http->sweep);
}
