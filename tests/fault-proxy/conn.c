/*
 * conn.c: one forwarded connection: two flows of chunks, each chunk with the time when it may go on.
 *
 * An end in one direction is passed on as such, behind what came before it; an error resets both sides at once and drops what was
 * under way, as a lost host would.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "proxy_impl.h"

#define QUEUE_MAX (256 * 1024)
#define CHUNK_MAX 16384

/* ── life ── */

static void flow_release(struct flow *flow)
{
    struct chunk *chunk;

    while ((chunk = TAILQ_FIRST(&flow->chunks))) {
        TAILQ_REMOVE(&flow->chunks, chunk, link);
        free(chunk);
    }
    event_free(flow->readable);
    event_free(flow->writable);
    event_free(flow->timer);
}

static void close_socket(int fd, bool reset)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

void conn_close(struct conn *conn, bool reset)
{
    TAILQ_REMOVE(&conn->route->conns, conn, link);
    conn->route->proxy->conns--;
    for (int way = 0; way < WAYS; way++)
        flow_release(&conn->flows[way]);
    close_socket(conn->client, reset);
    close_socket(conn->server, reset);
    free(conn);
}

/* ── forwarding ── */

static void wait_for_due(struct flow *flow, int64_t ms)
{
    struct timeval after = {ms / 1000, (ms % 1000) * 1000};

    evtimer_add(flow->timer, &after);
}

static void drop_first(struct flow *flow)
{
    struct chunk *chunk = TAILQ_FIRST(&flow->chunks);

    TAILQ_REMOVE(&flow->chunks, chunk, link);
    flow->queued -= chunk->len;
    free(chunk);
}

/* Passes the end on; true when that was the connection's end and it is gone. */
static bool pass_end(struct flow *flow)
{
    struct conn *conn = flow->conn;

    drop_first(flow);
    flow->ended = true;
    if (conn->flows[WAY_UP].ended && conn->flows[WAY_DOWN].ended) {
        conn_close(conn, false);
        return true;
    }
    shutdown(flow->to, SHUT_WR);
    return false;
}

/* Writes what is left of the first chunk. -1: the connection is gone; 0: later; 1: go on with the next. */
static int write_first(struct flow *flow)
{
    struct conn *conn = flow->conn;
    struct chunk *chunk = TAILQ_FIRST(&flow->chunks);
    size_t len = chunk->len - chunk->written;
    ssize_t n;

    if (conn->mode.cut_after >= 0 && (int64_t)len > conn->mode.cut_after)
        len = (size_t)conn->mode.cut_after;
    n = len > 0 ? send(flow->to, chunk->data + chunk->written, len, MSG_NOSIGNAL) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        event_add(flow->writable, NULL);
        return 0;
    }
    if (n < 0) {
        conn_close(conn, true);
        return -1;
    }
    chunk->written += (size_t)n;
    conn->route->bytes[flow->way] += (uint64_t)n;
    if (conn->mode.cut_after >= 0 && (conn->mode.cut_after -= n) == 0) {
        conn->route->cut++;
        conn_close(conn, false);
        return -1;
    }
    if (chunk->written == chunk->len)
        drop_first(flow);
    return 1;
}

/* false: the connection is gone. */
static bool forward(struct flow *flow)
{
    struct conn *conn = flow->conn;
    struct chunk *chunk;

    while (conn->connected && !conn->mode.stall && (chunk = TAILQ_FIRST(&flow->chunks))) {
        int64_t wait_ms = chunk->due_ms - clock_mono_ms();
        int result;

        if (wait_ms > 0) {
            wait_for_due(flow, wait_ms);
            break;
        }
        if (chunk->len == 0)
            return !pass_end(flow);
        if ((result = write_first(flow)) <= 0)
            return result == 0;
    }
    if (flow->queued < QUEUE_MAX && !flow->at_end)
        event_add(flow->readable, NULL);
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct flow *flow = arg;
    struct conn *conn = flow->conn;
    struct chunk *chunk = mem_alloc(sizeof *chunk + CHUNK_MAX);
    ssize_t n = recv(fd, chunk->data, CHUNK_MAX, 0);

    (void)what;
    if (n < 0) {
        free(chunk);
        if (errno == EAGAIN || errno == EINTR)
            event_add(flow->readable, NULL);
        else
            conn_close(conn, true);
        return;
    }
    chunk->len = (size_t)n;
    chunk->due_ms = clock_mono_ms() + conn->mode.delay_ms[flow->way];
    TAILQ_INSERT_TAIL(&flow->chunks, chunk, link);
    flow->queued += chunk->len;
    flow->at_end = n == 0;
    if (n > 0 && flow->queued < QUEUE_MAX)
        event_add(flow->readable, NULL);
    if (chunk == TAILQ_FIRST(&flow->chunks))
        forward(flow);
}

/* Also the end of connecting to the target. */
static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct flow *flow = arg;
    struct conn *conn = flow->conn;
    int error = 0;
    socklen_t len = sizeof error;

    (void)what;
    if (!conn->connected) {
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
            conn_close(conn, true);
            return;
        }
        conn->connected = true;
        event_add(conn->flows[WAY_DOWN].readable, NULL);
    }
    forward(flow);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    forward(arg);
}

void conn_set_mode(struct conn *conn, const struct fault_mode *mode)
{
    struct flow *down = &conn->flows[WAY_DOWN];

    conn->mode = *mode;
    if (forward(&conn->flows[WAY_UP]))
        forward(down);
}

/* ── beginning ── */

static void flow_init(struct conn *conn, enum way way, int from, int to)
{
    struct event_base *base = conn->route->proxy->base;
    struct flow *flow = &conn->flows[way];

    *flow = (struct flow){.conn = conn, .way = way, .from = from, .to = to};
    TAILQ_INIT(&flow->chunks);
    flow->readable = event_new(base, from, EV_READ, on_readable, flow);
    flow->writable = event_new(base, to, EV_WRITE, on_writable, flow);
    flow->timer = evtimer_new(base, on_due, flow);
}

void conn_new(struct route *route, int client)
{
    int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct conn *conn;

    if (server < 0 || (connect(server, (struct sockaddr *)&route->target, sizeof route->target) != 0 &&
                       errno != EINPROGRESS)) {
        close_socket(client, true);
        if (server >= 0)
            close(server);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    conn = mem_alloc(sizeof *conn);
    conn->route = route;
    conn->id = ++route->proxy->next_id;
    conn->client = client;
    conn->server = server;
    conn->mode = route->mode;
    flow_init(conn, WAY_UP, client, server);
    flow_init(conn, WAY_DOWN, server, client);
    event_add(conn->flows[WAY_UP].readable, NULL);
    event_add(conn->flows[WAY_UP].writable, NULL);
    TAILQ_INSERT_TAIL(&route->conns, conn, link);
    route->proxy->conns++;
}
