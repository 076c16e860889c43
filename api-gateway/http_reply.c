/* http_reply.c: answers: through evhttp for a complete request, as plain text for one that is refused before. */
#include <time.h>

#include "clock.h"
#include "http_inside.h"
#include "log.h"

void http_add_header(struct http_request *request, const char *name, const char *value)
{
    if (strpbrk(name, "\r\n") != NULL || strpbrk(value, "\r\n") != NULL)
        bug("http: a line break in the header %s of an answer", name);
    buf_add(&request->headers, name, strlen(name) + 1);
    buf_add(&request->headers, value, strlen(value) + 1);
}

typedef void (*header_sink)(void *arg, const char *name, const char *value);

static bool has_header(const struct http_request *request, const char *name)
{
    const char *at = request->headers.data, *end = at + request->headers.len;
    while (at < end) {
        if (evutil_ascii_strcasecmp(at, name) == 0)
            return true;
        at += strlen(at) + 1;
        at += strlen(at) + 1;
    }
    return false;
}

static void each_header(const struct http_request *request, const char *id, const char *content_type,
                        header_sink sink, void *arg)
{
    if (content_type != NULL)
        sink(arg, "Content-Type", content_type);
    sink(arg, "X-Content-Type-Options", "nosniff");
    if (request == NULL || !has_header(request, "Cache-Control"))
        sink(arg, "Cache-Control", "no-store");
    sink(arg, "X-Request-Id", id);
    if (request == NULL)
        return;
    const char *at = request->headers.data, *end = at + request->headers.len;
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        sink(arg, at, value);
        at = value + strlen(value) + 1;
    }
}

static void to_text(void *arg, const char *name, const char *value)
{
    buf_addf(arg, "%s: %s\r\n", name, value);
}

static void to_evhttp(void *arg, const char *name, const char *value)
{
    evhttp_add_header(arg, name, value);
}

static void add_date(struct buf *out)
{
    char text[64];
    struct tm tm;
    time_t now = time(NULL);
    gmtime_r(&now, &tm);
    if (strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
        buf_addf(out, "Date: %s\r\n", text);
}

void http_reply_farewell(const struct http_request *request, const char *id, struct buf *out,
                         const struct problem *problem, const struct buf *body)
{
    buf_addf(out, "HTTP/1.1 %d %s\r\n", problem->status, http_phrase(problem->status));
    add_date(out);
    each_header(request, id, "application/problem+json", to_text, out);
    if (request == NULL && problem->retry_after_s > 0)
        buf_addf(out, "Retry-After: %d\r\n", problem->retry_after_s);
    buf_addf(out, "Content-Length: %zu\r\nConnection: close\r\n\r\n", body->len);
    if (request == NULL || request->head->method != HTTP_HEAD)
        buf_add(out, body->data, body->len);
}

void http_count(struct http *http, int status, int64_t started_us)
{
    int class = status / 100;
    if (class >= 1 && class <= 5)
        stats_add(http->by_class[class - 1], 1);
    if (started_us >= 0)
        stats_observe_us(http->seconds, clock_mono_us() - started_us);
}

static void on_sent(struct evhttp_request *ev, void *arg)
{
    (void)ev;
    http_guard_sent(arg);
}

static void send_answer(struct http_request *request, int status, const char *content_type,
                        const struct buf *body)
{
    struct evhttp_request *ev = request->ev;
    struct http_conn *conn = request->conn;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(ev);
    struct evbuffer *output = evhttp_request_get_output_buffer(ev);
    size_t len = body != NULL ? body->len : 0;
    each_header(request, request->id, len > 0 ? content_type : NULL, to_evhttp, headers);
    if (request->http->draining)
        evhttp_add_header(headers, "Connection", "close");
    if (request->head->method == HTTP_HEAD && status != 204 && status != 304) {
        char length[32];
        snprintf(length, sizeof length, "%zu", len);
        evhttp_add_header(headers, "Content-Length", length);
    } else if (len > 0) {
        evbuffer_add(output, body->data, len);
    }
    http_release_body(request); /* the budget is about to be given back */
    conn->request = NULL;
    http_guard_enter(conn, HTTP_SENDING);
    http_budget_send(conn, request->head->method != HTTP_HEAD ? len : 0);
    evhttp_request_set_on_complete_cb(ev, on_sent, conn);
    evhttp_send_reply(ev, status, http_phrase(status), NULL);
}

/* What only reads can be asked for again; what was stored has to be told. */
static bool is_told_whatever(const struct http_request *request, int status)
{
    return request->head->method != HTTP_GET || status >= 400;
}

static void refuse_answer(struct http_request *request)
{
    stats_add(request->http->refused[HTTP_REFUSED_OVERLOAD], 1);
    snprintf(request->why, sizeof request->why,
             "All answers that clients have not read yet may have %zu bytes (UNSENT_ANSWERS_MAX_BYTES), and "
             "with this one they would have more; send it again shortly.",
             request->http->config.limits.unsent_answers_max);
    http_problem(
        request,
        &(struct problem){.status = 503, .type = "overloaded", .detail = request->why, .retry_after_s = 1});
}

void http_reply(struct http_request *request, int status, const char *content_type, const struct buf *body)
{
    struct http *http = request->http;
    if (!request->given)
        bug("http: a request was answered that no handler has");
    if (request->conn != NULL && body != NULL && request->head->method != HTTP_HEAD &&
        !http_budget_sends(request->conn, body->len, is_told_whatever(request, status))) {
        refuse_answer(request);
        return;
    }
    http_count(http, status, request->started_us);
    if (request->conn != NULL)
        send_answer(request, status, content_type, body);
    else if (request->ev != NULL)
        evhttp_request_free(request->ev); /* the client is gone, and evhttp left it to us */
    request->ev = NULL;
    http_count_pending(http, -1);
    http_budget_release(http, &request->held);
    http_request_free(request);
    if (http->draining)
        http_guard_schedule(http);
}

void http_reply_json(struct http_request *request, int status, const struct json *body)
{
    struct buf text = BUF_INIT;
    json_write(&text, body);
    http_reply(request, status, "application/json", &text);
    buf_release(&text);
}
