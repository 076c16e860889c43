/*
 * service_http.c: a process's own small listener: /metrics, /livez, /readyz. Never the public port.
 *
 * It must not harm the service it watches: one request per connection, headers of 8 KiB, no body, a dozen connections, each
 * ended after CLIENT_TIMEOUT whatever it does, and at the limit of descriptors the listener rests for a second instead of
 * spinning. evhttp neither counts its connections nor ends one that sends a byte a second, so a reference to each is kept
 * here and a sweep shuts them down.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include "clock.h"
#include "mem.h"
#include "service_parts.h"
#include "stats.h"

#define HEADERS_MAX 8192
#define CONNECTIONS_MAX 16
#define METHODS (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE)

struct connection {
    struct bufferevent *bev; /* our reference; NULL: the place is free */
    int64_t deadline_ms;
};

struct service_http {
    struct service *service;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct connection connections[CONNECTIONS_MAX];
};

static struct service_http *the_http; /* evconnlistener's error callback has no argument of ours */

static void reply(struct evhttp_request *request, int status, const char *reason, const char *type,
                  const struct buf *body)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *out = evbuffer_new();

    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "Connection", "close");
    if (!out || evbuffer_add(out, body->data, body->len))
        fatal("out of memory");
    evhttp_send_reply(request, status, reason, out);
    evbuffer_free(out);
}

static void reply_text(struct evhttp_request *request, int status, const char *reason)
{
    struct buf body;

    buf_init(&body);
    buf_addf(&body, "%s\n", reason);
    reply(request, status, reason, "text/plain; charset=utf-8", &body);
    buf_release(&body);
}

static void reply_metrics(struct service *service, struct evhttp_request *request)
{
    struct buf body;

    buf_init(&body);
    service_scrape(service);
    stats_write(&body);
    reply(request, 200, "OK", "text/plain; version=0.0.4; charset=utf-8", &body);
    buf_release(&body);
}

static void reply_ready(struct service *service, struct evhttp_request *request)
{
    struct buf body;
    bool ready;

    buf_init(&body);
    ready = service_readiness(service, &body);
    buf_add_ch(&body, '\n');
    reply(request, ready ? 200 : 503, ready ? "OK" : "Service Unavailable", "application/json", &body);
    buf_release(&body);
}

static void request_cb(struct evhttp_request *request, void *arg)
{
    struct service_http *http = arg;
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));

    path = path ? path : "";
    if (evhttp_request_get_command(request) != EVHTTP_REQ_GET) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET");
        reply_text(request, 405, "Method Not Allowed");
    } else if (strcmp(path, "/metrics") == 0) {
        reply_metrics(http->service, request);
    } else if (strcmp(path, "/livez") == 0) {
        reply_text(request, 200, "OK");
    } else if (strcmp(path, "/readyz") == 0) {
        reply_ready(http->service, request);
    } else {
        reply_text(request, 404, "Not Found");
    }
}

/* evhttp gives a bufferevent up by bufferevent_free, which takes its callbacks away; ours is then the last reference. */
static bool given_up(struct bufferevent *bev)
{
    bufferevent_event_cb event_cb;

    bufferevent_getcb(bev, NULL, NULL, &event_cb, NULL);
    return !event_cb;
}

/* Ends what is left of a connection: evhttp sees the end of the stream and frees its part. */
static void let_go(struct connection *connection)
{
    evutil_socket_t fd = bufferevent_getfd(connection->bev);

    if (!given_up(connection->bev) && fd >= 0)
        shutdown(fd, SHUT_RDWR);
    bufferevent_decref(connection->bev);
    connection->bev = NULL;
}

static void sweep_cb(void *arg)
{
    struct service_http *http = arg;

    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &http->connections[i];

        if (connection->bev && (given_up(connection->bev) || clock_mono_ms() >= connection->deadline_ms))
            let_go(connection);
    }
    evconnlistener_enable(http->listener);
}

/* A free place, made by ending the oldest connection when there is none. */
static struct connection *take_place(struct service_http *http)
{
    struct connection *oldest = &http->connections[0];

    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &http->connections[i];

        if (connection->bev && given_up(connection->bev))
            let_go(connection);
        if (!connection->bev)
            return connection;
        if (connection->deadline_ms < oldest->deadline_ms)
            oldest = connection;
    }
    let_go(oldest);
    return oldest;
}

static struct bufferevent *connect_cb(struct event_base *base, void *arg)
{
    struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    struct service_http *http = arg;
    struct connection *connection = take_place(http);

    if (!bev)
        fatal("out of memory");
    bufferevent_setwatermark(bev, EV_READ, 0, 2 * HEADERS_MAX); /* reads no further ahead than this */
    bufferevent_incref(bev);
    connection->bev = bev;
    connection->deadline_ms = clock_mono_ms() + service_conf(http->service)->client_timeout;
    return bev;
}

static void accept_error_cb(struct evconnlistener *listener, void *arg)
{
    (void)arg;
    log_warn("metrics", LOG_STR("mistake", strerror(errno)));
    if (the_http)
        evconnlistener_disable(listener); /* until the next sweep */
}

static uint16_t bound_port(evutil_socket_t fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t len = sizeof address;

    memset(&address, 0, sizeof address);
    if (getsockname(fd, &address.any, &len))
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static void bind_to(struct service_http *http, const char *addr)
{
    struct evhttp_bound_socket *bound;
    char host[256], shown[280];
    uint16_t port;

    if (conf_parse_addr(addr, host, sizeof host, &port))
        bug("METRICS_ADDR was checked and is \"%s\"", addr);
    bound = evhttp_bind_socket_with_handle(http->http, host, port);
    if (!bound)
        fatal("METRICS_ADDR is \"%s\", where nothing can listen (%s): name a free port, or port 0 for any",
              addr, strerror(errno));
    http->listener = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(http->listener, accept_error_cb);
    port = bound_port(evhttp_bound_socket_get_fd(bound));
    snprintf(shown, sizeof shown, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
    log_info("metrics", LOG_STR("addr", shown));
}

struct service_http *service_http_new(struct service *service)
{
    const char *addr = service_conf(service)->metrics_addr;
    struct service_http *http;

    if (strcasecmp(addr, "off") == 0)
        return NULL;
    http = mem_alloc(sizeof *http);
    http->service = service;
    http->http = evhttp_new(service_base(service));
    if (!http->http)
        fatal("out of memory");
    evhttp_set_max_headers_size(http->http, HEADERS_MAX);
    evhttp_set_max_body_size(http->http, 0);
    evhttp_set_allowed_methods(http->http, METHODS);
    evhttp_set_timeout(http->http, (int)(service_conf(service)->client_timeout + 999) / 1000);
    evhttp_set_bevcb(http->http, connect_cb, http);
    evhttp_set_gencb(http->http, request_cb, http);
    bind_to(http, addr);
    service_every(service, 1000, sweep_cb, http);
    the_http = http;
    return http;
}

void service_http_free(struct service_http **http)
{
    if (!*http)
        return;
    evhttp_free((*http)->http);
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if ((*http)->connections[i].bev)
            bufferevent_decref((*http)->connections[i].bev);
    the_http = NULL;
    free(*http);
    *http = NULL;
}
