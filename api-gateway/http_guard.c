/*
 * http_guard.c: the connections: what evhttp 2.1 leaves to its callers.
 *
 * evhttp reads without bound what a client pipelines, has time-outs per read only, knows no cap on connections and spins when
 * descriptors run out. So every byte passes http_guard_on_input before evhttp sees it. A connection that is refused is taken from
 * evhttp by the turn event, right after: within evhttp's own callbacks it must not go.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "clock.h"
#include "http_inside.h"
#include "log.h"

#define READ_SLACK 4096 /* above the header limit: what a client may send ahead */
#define AHEAD_HIGH 1    /* while an answer is pending: enough to see that the client goes */

/* ---- lists ---- */

static void list_remove(struct http_list *list, struct http_conn *conn)
{
    *(conn->previous != NULL ? &conn->previous->next : &list->first) = conn->next;
    *(conn->next != NULL ? &conn->next->previous : &list->last) = conn->previous;
    conn->next = conn->previous = NULL;
    list->count--;
}

void http_guard_append(struct http_conn *conn, enum http_phase phase)
{
    struct http_list *list = &conn->http->lists[phase];
    conn->phase = phase;
    conn->since_ms = clock_mono_ms();
    conn->previous = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = conn;
    list->last = conn;
    list->count++;
}

void http_guard_enter(struct http_conn *conn, enum http_phase phase)
{
    list_remove(&conn->http->lists[conn->phase], conn);
    http_guard_append(conn, phase);
}

bool http_guard_receives(const struct http_conn *conn)
{
    return conn->phase == HTTP_RECEIVING || conn->phase == HTTP_LOADING;
}

void http_guard_schedule(struct http *http)
{
    event_active(http->turn, EV_TIMEOUT, 0);
}

/* ---- the end of a connection ---- */

/* Reading the end of a stream leaves eight kilobytes of room in the input, which libevent frees later: when ten thousand
 * connections end at once, after the last of them. An emptied buffer keeps no room. */
static void drop_room(struct evbuffer *input)
{
    evbuffer_unfreeze(input, 0);
    evbuffer_add(input, "", 1);
    evbuffer_drain(input, evbuffer_get_length(input));
}

/* evhttp has let go of the connection, for whatever reason. */
void http_guard_forget(struct http_conn *conn)
{
    struct http *http = conn->http;
    http_on_gone(conn);
    http_budget_release(http, &conn->held);
    http_budget_hold_ahead(conn, 0);
    http_budget_sent(conn);
    list_remove(&http->lists[conn->phase], conn);
    http->connections--;
    http_guard_count_connections(http);
    if (conn->fd >= 0 && http->by_fd[conn->fd] == conn)
        http->by_fd[conn->fd] = NULL;
    evbuffer_remove_cb_entry(bufferevent_get_input(conn->bev), conn->watch);
    drop_room(bufferevent_get_input(conn->bev));
    bufferevent_decref(conn->bev);
    http_scan_release(&conn->scan);
    buf_release(&conn->farewell);
    free(conn);
    if (http->draining)
        http_guard_schedule(http);
}

void http_guard_close(struct http_conn *conn)
{
    evhttp_connection_free(conn->evcon); /* its close callback forgets conn */
}

/* The answer goes out past evhttp, which lets go of all that it has of the request; the rest is for http_linger. */
void http_guard_begin_closing(struct http_conn *conn)
{
    struct http *http = conn->http;
    int fd = fcntl(conn->fd, F_DUPFD_CLOEXEC, 0);
    (void)send(conn->fd, conn->farewell.data, conn->farewell.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    http_guard_close(conn);
    if (fd >= 0) /* else the client may find the connection reset before it has read why */
        http_linger_start(http, fd);
}

void http_guard_part(struct http_conn *conn, struct buf *farewell)
{
    struct evbuffer *input = bufferevent_get_input(conn->bev);
    conn->farewell = *farewell;
    buf_init(farewell);
    http_budget_release(conn->http, &conn->held);
    evbuffer_drain(input, evbuffer_get_length(input)); /* so that evhttp finds nothing to read meanwhile */
    http_guard_enter(conn, HTTP_PARTING);
    http_guard_schedule(conn->http);
}

/* ---- what comes in ---- */

size_t http_guard_read_high(const struct http *http)
{
    return http->config.limits.header_max + READ_SLACK;
}

/* evhttp takes a body out of the buffer only when it (or its chunk) is complete. */
static void make_room(struct http_conn *conn)
{
    const struct http_scan *scan = &conn->scan;
    uint64_t need = scan->state == SCAN_CHUNK_SIZE ? scan->body_max : scan->left;
    if (need < READ_SLACK)
        return;
    conn->read_high = http_guard_read_high(conn->http) + (size_t)need;
    bufferevent_setwatermark(conn->bev, EV_READ, 0, conn->read_high);
}

static enum http_scan_event head_done(struct http_conn *conn, struct http_fault *fault)
{
    if (http_on_head(conn) < 0)
        return HTTP_SCAN_MORE;
    const struct http_request *request = conn->request;
    enum http_scan_event event = http_scan_body(&conn->scan, request->head, http_body_max(request), fault);
    if (event == HTTP_SCAN_MORE)
        make_room(conn);
    return event;
}

static void refuse_budget(struct http_conn *conn)
{
    char why[256];
    stats_add(conn->http->refused[HTTP_REFUSED_OVERLOAD], 1);
    http_refuse(conn, &(struct problem){.status = 503,
                                        .type = "overloaded",
                                        .detail = http_budget_text(conn->http, why, sizeof why),
                                        .retry_after_s = 1});
}

/* One piece of contiguous input. false: nothing more is to be read for now. */
static bool scan_piece(struct http_conn *conn, const char *data, size_t len)
{
    while (len > 0) {
        struct http_fault fault;
        size_t used;
        bool head = conn->scan.state == SCAN_HEAD;
        size_t fields = conn->scan.head != NULL ? conn->scan.head->count : 0;
        enum http_scan_event event = http_scan_feed(&conn->scan, data, len, &used, &fault);
        data += used;
        len -= used;
        if (head)
            http_budget_hold_head(conn, used, conn->scan.head->count - fields);
        else
            http_budget_hold(conn, used);
        if (event == HTTP_SCAN_HEADS)
            event = head_done(conn, &fault);
        if (!http_guard_receives(conn))
            return false;
        if (event == HTTP_SCAN_FAULT) {
            http_refuse_fault(conn, &fault);
            return false;
        }
        if (!http_budget_fits(conn, 0)) {
            refuse_budget(conn);
            return false;
        }
        if (event == HTTP_SCAN_ENDS)
            return false;
    }
    return true;
}

/* Reads what stands in the input from `offset` on. */
static void scan_input(struct http_conn *conn, struct evbuffer *input, size_t offset)
{
    size_t len = evbuffer_get_length(input);
    if (conn->phase == HTTP_IDLE) {
        http_guard_enter(conn, HTTP_RECEIVING);
        conn->began_ms = conn->since_ms;
    }
    while (offset < len && conn->scan.state != SCAN_DONE) {
        struct evbuffer_ptr at;
        struct evbuffer_iovec piece;
        evbuffer_ptr_set(input, &at, offset, EVBUFFER_PTR_SET);
        if (evbuffer_peek(input, -1, &at, &piece, 1) < 1)
            return;
        if (!scan_piece(conn, piece.iov_base, piece.iov_len))
            return;
        offset += piece.iov_len;
    }
}

/* evhttp moves the piece of memory in which a chunk ends, if nothing follows there, and a chunk of one byte would cost a
 * thousand: it hears of a chunk when the line behind it has come too. */
static void hold_back(struct http_conn *conn, struct evbuffer *input)
{
    const struct http_scan *scan = &conn->scan;
    bool inside =
        http_guard_receives(conn) && (scan->state == SCAN_CHUNK_DATA || scan->state == SCAN_CHUNK_END);
    if (!inside && !conn->held_back)
        return;
    size_t low = inside ? evbuffer_get_length(input) + (size_t)scan->left + 1 : 0;
    bufferevent_setwatermark(conn->bev, EV_READ, low, conn->read_high);
    conn->held_back = inside;
}

void http_guard_on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    struct http_conn *conn = arg;
    if (info->n_added == 0)
        return;
    if (conn->phase == HTTP_PARTING)
        evbuffer_drain(input, evbuffer_get_length(input));
    else if (conn->phase == HTTP_IDLE || http_guard_receives(conn)) {
        scan_input(conn, input, evbuffer_get_length(input) - info->n_added);
        hold_back(conn, input);
    } else {
        http_budget_hold_ahead(conn, evbuffer_get_length(input));
    }
}

void http_guard_watch(struct http_conn *conn)
{
    bufferevent_event_cb event;
    bufferevent_data_cb write;
    void *arg;
    /* Without a read callback: evhttp ends the process when it is called while an answer is pending. */
    bufferevent_getcb(conn->bev, NULL, &write, &event, &arg);
    bufferevent_setcb(conn->bev, NULL, write, event, arg);
    bufferevent_setwatermark(conn->bev, EV_READ, 0, AHEAD_HIGH);
    bufferevent_enable(conn->bev, EV_READ);
}

void http_guard_sent(struct http_conn *conn)
{
    struct evbuffer *input = bufferevent_get_input(conn->bev);
    http_budget_sent(conn);
    http_budget_hold_ahead(conn, 0);
    conn->read_high = http_guard_read_high(conn->http);
    bufferevent_setwatermark(conn->bev, EV_READ, 0, conn->read_high);
    http_scan_next(&conn->scan);
    http_guard_enter(conn, HTTP_IDLE);
    if (evbuffer_get_length(input) == 0)
        return;
    scan_input(conn, input, 0);
    hold_back(conn, input);
}

struct http_conn *http_guard_conn(struct http *http, struct evhttp_request *ev)
{
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evhttp_request_get_connection(ev)));
    return fd >= 0 && (size_t)fd < http->fds ? http->by_fd[fd] : NULL;
}
