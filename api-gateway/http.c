/*
 * http.c: the server: from a complete request to its handler, and what handlers ask of it.
 *
 * A request exists from the end of its head (http_on_head), is given to its handler when evhttp has the body (on_request),
 * and ends with its answer. What would break: freeing one that a handler holds; so a client's going only cuts the tie.
 */
#include "clock.h"
#include "http_inside.h"
#include "log.h"

#define ARENA_CHUNK 1024
#define SPARES_MAX 64

/* ---- a request's life ---- */

void *http_request_memory(struct http_request *request, size_t size)
{
    if (request->arena == NULL)
        request->arena = arena_new(ARENA_CHUNK);
    return arena_alloc(request->arena, size);
}

char *http_request_text(struct http_request *request, size_t size)
{
    return http_request_memory(request, size);
}

static struct http_request *request_memory(struct http *http)
{
    struct http_request *request = http->spare;
    if (request == NULL)
        return mem_alloc(sizeof *request);
    http->spare = request->next;
    http->spares--;
    memset(request, 0, sizeof *request);
    return request;
}

static struct http_request *request_new(struct http_conn *conn)
{
    struct http *http = conn->http;
    struct http_request *request = request_memory(http);
    request->http = http;
    request->conn = conn;
    request->started_us = clock_mono_us();
    request->head = http_scan_take_head(&conn->scan);
    buf_init(&request->headers);
    request->next = http->requests;
    if (http->requests != NULL)
        http->requests->previous = request;
    http->requests = request;
    conn->request = request;
    return request;
}

static void keep_memory(struct http_request *request)
{
    struct http *http = request->http;
    if (http->spares == SPARES_MAX) {
        free(request);
        return;
    }
    request->next = http->spare;
    http->spare = request;
    http->spares++;
}

void http_request_free(struct http_request *request)
{
    if (request == NULL)
        return;
    *(request->previous != NULL ? &request->previous->next : &request->http->requests) = request->next;
    if (request->next != NULL)
        request->next->previous = request->previous;
    http_head_free(request->head);
    if (request->arena != NULL)
        arena_free(&request->arena);
    buf_release(&request->headers);
    json_free(request->json);
    keep_memory(request);
}

int http_on_head(struct http_conn *conn)
{
    struct http_request *request = request_new(conn);
    http_judge(request);
    if (!http_judged_early(request))
        return 0;
    http_refuse(conn, &request->verdict);
    return -1;
}

void http_on_gone(struct http_conn *conn)
{
    struct http_request *request = conn->request;
    if (request == NULL)
        return;
    if (!request->given) {
        http_request_free(request);
        return;
    }
    request->conn = NULL;
    if (evhttp_request_get_connection(request->ev) != NULL)
        request->ev = NULL; /* evhttp frees it with the connection; otherwise it left it to us */
}

/* ---- to the handler ---- */

void http_count_pending(struct http *http, int change)
{
    http->pending += (size_t)change;
    stats_set(http->pending_now, (int64_t)http->pending);
}

static bool is_overloaded(const struct http_request *request)
{
    const struct http *http = request->http;
    const struct http_route *route = request->match.route;
    return http->pending > http->config.limits.requests_max &&
           (route->role != AUTH_NONE || route->method != HTTP_GET);
}

static void give(struct http_request *request)
{
    struct http *http = request->http;
    if (request->verdict.status == 204)
        http_reply(request, 204, NULL, NULL);
    else if (request->verdict.status != 0)
        http_problem(request, &request->verdict);
    else if (is_overloaded(request)) {
        stats_add(http->refused[HTTP_REFUSED_OVERLOAD], 1);
        http_problem(request, &(struct problem){
                                  .status = 503,
                                  .type = "overloaded",
                                  .detail = "Too many requests wait for an answer; send this again shortly.",
                                  .retry_after_s = 1});
    } else
        request->match.route->handler(request, request->match.arg);
}

/* evhttp and the scanner disagree on where a request ends: close rather than guess. */
static void answer_mismatch(struct evhttp_request *ev)
{
    log_error("request boundaries disagree",
              LOG_STR("reason", "a request was refused that was not scanned whole"));
    evhttp_add_header(evhttp_request_get_output_headers(ev), "Connection", "close");
    evhttp_send_reply(ev, 400, http_phrase(400), NULL);
}

static void on_request(struct evhttp_request *ev, void *arg)
{
    struct http *http = arg;
    struct http_conn *conn = http_guard_conn(http, ev);
    if (conn == NULL || conn->request == NULL || conn->scan.state != SCAN_DONE) {
        answer_mismatch(ev);
        return;
    }
    struct http_request *request = conn->request;
    request->ev = ev;
    request->given = true;
    request->held = conn->held;
    conn->held = 0;
    http_count_pending(http, +1);
    http_guard_enter(conn, HTTP_ANSWERING);
    give(request);
    if (conn->request == request && conn->phase == HTTP_ANSWERING)
        http_guard_watch(conn);
}

/* ---- what handlers ask ---- */

const char *http_param(const struct http_request *request, const char *name)
{
    size_t len = strlen(name);
    for (unsigned i = 0; i < request->match.count; i++) {
        const struct http_param *param = &request->match.params[i];
        if (param->name_len == len && memcmp(param->name, name, len) == 0)
            return param->value;
    }
    return NULL;
}

const char *http_query(const struct http_request *request, const char *name)
{
    for (const struct http_query *query = request->query; query != NULL; query = query->next) {
        if (strcmp(query->name, name) == 0)
            return query->value;
    }
    return NULL;
}

const char *http_header(const struct http_request *request, const char *name)
{
    return http_head_field(request->head, name);
}

const char *http_body(const struct http_request *request, size_t *len)
{
    struct evbuffer *input = request->ev != NULL ? evhttp_request_get_input_buffer(request->ev) : NULL;
    *len = input != NULL ? evbuffer_get_length(input) : 0;
    return *len > 0 ? (const char *)evbuffer_pullup(input, -1) : "";
}

void http_release_body(struct http_request *request)
{
    struct evbuffer *input = request->ev != NULL ? evhttp_request_get_input_buffer(request->ev) : NULL;
    if (input != NULL)
        evbuffer_drain(input, evbuffer_get_length(input));
    json_free(request->json);
    request->json = NULL;
}

const char *http_request_id(const struct http_request *request)
{
    return request->id;
}

const char *http_traceparent(const struct http_request *request)
{
    return request->traceparent[0] != '\0' ? request->traceparent : NULL;
}

const char *http_peer(const struct http_request *request)
{
    return request->ev != NULL && request->ev->remote_host != NULL ? request->ev->remote_host : "";
}

const struct identity *http_identity(const struct http_request *request)
{
    return &request->identity;
}

static void refuse_json(struct http_request *request, const struct json_error *error)
{
    struct json *errors = json_new_array(), *item = json_new_object();
    json_set(item, "pointer", json_new_text(error->pointer));
    json_set(item, "detail", json_new_text(error->detail));
    json_append(errors, item);
    snprintf(request->why, sizeof request->why, "The body is not JSON at byte %zu: %s", error->offset,
             error->detail);
    http_problem(request, &(struct problem){
                              .status = 400, .type = "not-json", .detail = request->why, .errors = errors});
    json_free(errors);
}

struct json *http_json(struct http_request *request)
{
    struct json_error error;
    bool ok;
    size_t len;
    if (request->json != NULL)
        return request->json;
    const char *type = http_header(request, "Content-Type");
    const char *body = http_body(request, &len);
    if (len > 0 && type != NULL && http_media_is(type, "application/x-ndjson")) {
        http_problem(request,
                     &(struct problem){.status = 415,
                                       .type = "content-type",
                                       .detail = "The Content-Type has to be application/json here."});
        return NULL;
    }
    request->json = json_parse(body, len, request->http->config.limits.json_depth_max, &error, &ok);
    if (!ok)
        refuse_json(request, &error);
    else if (request->json == NULL)
        http_problem(request, &(struct problem){.status = 400,
                                                .type = "not-json",
                                                .detail = "The body is null; an object is due."});
    return ok ? request->json : NULL;
}

/* ---- the server ---- */

static void register_stats(struct http *http)
{
    static const char *const classes[] = {"class=\"1xx\"", "class=\"2xx\"", "class=\"3xx\"", "class=\"4xx\"",
                                          "class=\"5xx\""};
    static const char *const reasons[] = {"reason=\"malformed\"", "reason=\"too_large\"", "reason=\"slow\"",
                                          "reason=\"overload\"", "reason=\"connections\""};
    for (size_t i = 0; i < 5; i++)
        http->by_class[i] = stats_register(STATS_COUNTER, "sync_http_requests_total", classes[i],
                                           "Requests that were answered, by class of status");
    for (size_t i = 0; i < HTTP_REFUSALS; i++)
        http->refused[i] =
            stats_register(STATS_COUNTER, "sync_http_refused_total", reasons[i],
                           "Requests and connections refused by the guards of the HTTP server");
    http->seconds = stats_register(STATS_HISTOGRAM, "sync_http_request_seconds", NULL,
                                   "From the end of a request's head to its answer");
    http->connections_now =
        stats_register(STATS_GAUGE, "sync_http_connections", NULL, "Client connections that are open");
    http->pending_now = stats_register(STATS_GAUGE, "sync_http_requests_pending", NULL,
                                       "Requests that wait for their answer");
    http->held_now = stats_register(STATS_GAUGE, "sync_http_unread_bytes", NULL,
                                    "Memory of requests being read or answered, in bytes");
    http->unsent_now = stats_register(STATS_GAUGE, "sync_http_unsent_bytes", NULL,
                                      "Bytes of answers that have not left yet");
}

struct http *http_new(struct event_base *base, const struct http_config *config)
{
    struct http *http = mem_alloc(sizeof *http);
    http->base = base;
    http->config = *config;
    http->config.listen_addr = mem_strdup(config->listen_addr);
    http->config.environment = mem_strdup(config->environment);
    TAILQ_INIT(&http->lingers);
    http->keys = http_keys_new();
    http->evhttp = evhttp_new(base);
    if (http->evhttp == NULL)
        fatal("http: out of memory");
    /* A second line only: the scanner refuses earlier, and in words. */
    evhttp_set_max_headers_size(http->evhttp, (ev_ssize_t)config->limits.header_max * 2);
    evhttp_set_max_body_size(http->evhttp,
                             (ev_ssize_t)(config->limits.bulk_body_max + config->limits.body_max));
    evhttp_set_allowed_methods(http->evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                                 EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
                                                 EVHTTP_REQ_PATCH);
    evhttp_set_gencb(http->evhttp, on_request, http);
    evhttp_set_default_content_type(http->evhttp, NULL);
    register_stats(http);
    if (http_guard_start(http) < 0)
        fatal("cannot listen on LISTEN_ADDR=%s; it has to be host:port with a port that is free",
              config->listen_addr);
    return http;
}

void http_free(struct http **http_pointer)
{
    struct http *http = *http_pointer;
    *http_pointer = NULL;
    http->draining = false;
    http_guard_stop(http);
    evhttp_free(http->evhttp);
    for (struct http_request *request = http->requests, *next; request != NULL; request = next) {
        next = request->next; /* their handlers are gone by now */
        if (request->ev != NULL)
            evhttp_request_free(request->ev);
        http_request_free(request);
    }
    while (http->spare != NULL) {
        struct http_request *spare = http->spare;
        http->spare = spare->next;
        free(spare);
    }
    http_heads_release();
    http_keys_free(&http->keys);
    free(http->by_fd);
    free((char *)http->config.listen_addr);
    free((char *)http->config.environment);
    free(http);
}

void http_set_keys(struct http *http, const struct auth_keys *keys)
{
    http_keys_set(http->keys, keys);
}

void http_add_routes(struct http *http, const struct http_route *routes, size_t count, void *arg)
{
    http_routes_add(&http->routes, routes, count, arg);
}

int http_port(const struct http *http)
{
    return http->port;
}

/* ---- the end ---- */

void http_on_turn(struct http *http)
{
    if (!http->draining)
        return;
    http_guard_close_idle(http);
    if (http->connections + http->lingering > 0 || http->pending > 0 || http->drained == NULL)
        return;
    void (*drained)(void *arg) = http->drained;
    http->drained = NULL;
    drained(http->drained_arg);
}

void http_drain(struct http *http, void (*drained)(void *arg), void *arg)
{
    http->draining = true;
    http->drained = drained;
    http->drained_arg = arg;
    http_guard_stop_listening(http);
    http_guard_schedule(http);
}
