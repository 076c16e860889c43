/*
 * load_client.c: connections that post and measure.
 *
 *   CLOSED ──connect──▶ IDLE ──request──▶ BUSY ──answer──▶ IDLE
 *      ▲                  └── broken ──┬────┘ (its events failed)
 *      └───────────────────────────────┘
 *
 * With a rate, requests are due at fixed times whatever the answers do, and an event that had to wait for a free connection
 * is stamped with the time it was due: otherwise a stalled service would look fast.
 */
#include "load_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "load_body.h"
#include "log.h"
#include "mem.h"

#define PATIENCE_US (30 * 1000000)
#define BROKEN_MAX 10000

enum conn_state { CLOSED, IDLE, BUSY };

struct conn {
    struct load_client *client;
    struct conn *next_idle;
    int fd;
    enum conn_state state;
    int64_t number, due_us; /* of the request under way */
    unsigned count;
    struct buf out, in;
    size_t written;
    struct event readable, writable;
};

struct load_client {
    struct event_base *base;
    struct load_options options;
    struct load_totals totals;
    load_failed_cb on_failed;
    void *arg;
    struct conn *conns, *idle;
    unsigned busy;
    int64_t next; /* number of the next event */
    bool finished;
    struct event timer;
};

static void send_more(struct load_client *client);

/* ── one connection ── */

static void conn_idle(struct conn *conn)
{
    conn->state = IDLE;
    conn->next_idle = conn->client->idle;
    conn->client->idle = conn;
}

static void conn_close(struct conn *conn)
{
    if (conn->state == CLOSED)
        return;
    event_del(&conn->readable);
    event_del(&conn->writable);
    close(conn->fd);
    conn->state = CLOSED;
}

static void settle(struct conn *conn, unsigned accepted)
{
    struct load_client *client = conn->client;

    client->totals.accepted += accepted;
    client->totals.failed += conn->count - accepted;
    client->busy--;
}

/* All events of the request under way failed. */
static void fail_all(struct conn *conn)
{
    for (unsigned i = 0; i < conn->count; i++)
        conn->client->on_failed(conn->number + i, conn->client->arg);
    settle(conn, 0);
}

static void conn_broken(struct conn *conn)
{
    struct load_client *client = conn->client;
    bool busy = conn->state == BUSY;

    conn_close(conn);
    if (busy)
        fail_all(conn);
    if (++client->totals.broken > BROKEN_MAX)
        fatal("%d connections broke: is the service there?", BROKEN_MAX);
    if (busy) {
        conn_idle(conn); /* connects again when used */
        conn->fd = -1;
        send_more(client);
    }
}

static int conn_connect(struct conn *conn)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(conn->client->options.port)};
    int one = 1;

    inet_pton(AF_INET, conn->client->options.host, &address.sin_addr);
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    evutil_make_socket_nonblocking(conn->fd);
    return 0;
}

static void conn_write(struct conn *conn)
{
    while (conn->written < conn->out.len) {
        ssize_t n =
            send(conn->fd, conn->out.data + conn->written, conn->out.len - conn->written, MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            event_add(&conn->writable, NULL);
            return;
        }
        if (n < 0) {
            conn_broken(conn);
            return;
        }
        conn->written += (size_t)n;
    }
}

/* ── answers ── */

/* The body of a whole answer in `in`, its status; NULL: more must come, or -1 in *status: no answer of ours. */
static const char *read_answer(const struct buf *in, int *status)
{
    const char *end = memmem(in->data, in->len, "\r\n\r\n", 4), *length;

    *status = 0;
    if (!end)
        return NULL;
    length = strcasestr(in->data, "\r\nContent-Length:");
    if (!length || length > end || sscanf(in->data, "HTTP/1.1 %3d", status) != 1 || *status > 599) {
        *status = -1;
        return NULL;
    }
    if ((size_t)(in->data + in->len - (end + 4)) < strtoul(length + 17, NULL, 10))
        return NULL;
    return end + 4;
}

static void on_answer(struct conn *conn, int status, const char *body)
{
    struct load_client *client = conn->client;
    struct load_totals *totals = &client->totals;

    totals->statuses[status]++;
    totals->ended_us = clock_wall_us();
    histogram_add(&totals->answer_us, totals->ended_us - conn->due_us);
    if (status / 100 == 2)
        settle(conn, load_body_accepted(body, conn->number, conn->count, client->on_failed, client->arg));
    else
        fail_all(conn);
    conn_idle(conn);
    if (strcasestr(conn->in.data, "\r\nConnection: close")) {
        event_del(&conn->readable);
        close(conn->fd);
        conn->fd = -1;
    }
    send_more(client);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    const char *body;
    int status;
    ssize_t n;

    (void)what;
    buf_reserve(&conn->in, 4096);
    n = recv(fd, conn->in.data + conn->in.len, conn->in.cap - conn->in.len - 1, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        conn->in.len += (size_t)n;
    conn->in.data[conn->in.len] = '\0';
    if (conn->state == IDLE) { /* the service closed it, or sent what nobody asked for */
        event_del(&conn->readable);
        close(fd);
        conn->fd = -1;
        return;
    }
    body = n > 0 ? read_answer(&conn->in, &status) : NULL;
    if (n <= 0 || status < 0 || conn->in.len > (64u << 20))
        conn_broken(conn);
    else if (body)
        on_answer(conn, status, body);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    conn_write(arg);
}

/* ── the schedule ── */

static void post(struct load_client *client, struct conn *conn, int64_t due_us, int64_t now_us)
{
    const struct load_options *options = &client->options;
    int64_t left = options->first + options->count - client->next;

    client->idle = conn->next_idle;
    conn->state = BUSY;
    conn->number = client->next;
    conn->count = left < options->batch ? (unsigned)left : options->batch;
    conn->due_us = due_us;
    conn->written = 0;
    buf_reset(&conn->in);
    client->next += conn->count;
    client->totals.sent += conn->count;
    client->busy++;
    load_body_request(&conn->out, options, conn->number, conn->count,
                      due_us < now_us - 1000 ? due_us : now_us);
    if (conn->fd < 0) {
        if (conn_connect(conn) != 0)
            fatal("cannot connect to %s:%u: %s", options->host, options->port, strerror(errno));
        event_assign(&conn->readable, client->base, conn->fd, EV_READ | EV_PERSIST, on_readable, conn);
        event_assign(&conn->writable, client->base, conn->fd, EV_WRITE, on_writable, conn);
        event_add(&conn->readable, NULL);
    }
    conn_write(conn);
}

static bool all_sent(const struct load_client *client, int64_t now_us)
{
    const struct load_options *options = &client->options;

    return client->next >= options->first + options->count ||
           (double)(now_us - client->totals.started_us) >= options->seconds * 1e6;
}

static int64_t due_of(const struct load_client *client, int64_t number)
{
    return client->totals.started_us +
           (int64_t)((double)(number - client->options.first) * 1e6 / client->options.rate);
}

static void finish_if_done(struct load_client *client)
{
    struct timeval patience = {PATIENCE_US / 1000000, 0};

    if (client->busy == 0)
        event_base_loopbreak(client->base);
    else if (!client->finished)
        event_add(&client->timer, &patience);
    client->finished = true;
}

static void wait_until(struct load_client *client, int64_t due_us, int64_t now_us)
{
    struct timeval wait = {(due_us - now_us) / 1000000, (due_us - now_us) % 1000000};

    event_add(&client->timer, &wait);
}

static void send_more(struct load_client *client)
{
    while (!client->finished || client->busy == 0) {
        int64_t now_us = clock_wall_us(),
                due_us = client->options.rate > 0 ? due_of(client, client->next) : now_us;

        if (all_sent(client, now_us)) {
            finish_if_done(client);
            return;
        }
        if (due_us > now_us) {
            wait_until(client, due_us, now_us);
            return;
        }
        if (!client->idle) {
            client->totals.late += client->options.rate > 0;
            return; /* an answer calls again */
        }
        post(client, client->idle, due_us, now_us);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct load_client *client = arg;

    (void)fd, (void)what;
    if (client->finished)
        event_base_loopbreak(client->base);
    else
        send_more(client);
}

/* ── life ── */

struct load_client *load_client_new(struct event_base *base, const struct load_options *options,
                                    load_failed_cb on_failed, void *arg)
{
    struct load_client *client = mem_alloc(sizeof *client);

    *client = (struct load_client){
        .base = base, .options = *options, .on_failed = on_failed, .arg = arg, .next = options->first};
    client->conns = mem_array(options->connections, sizeof *client->conns);
    for (unsigned i = 0; i < options->connections; i++) {
        client->conns[i].client = client;
        client->conns[i].fd = -1;
        buf_init(&client->conns[i].out);
        buf_init(&client->conns[i].in);
        conn_idle(&client->conns[i]);
    }
    evtimer_assign(&client->timer, base, on_timer, client);
    return client;
}

void load_client_free(struct load_client **client)
{
    if (!*client)
        return;
    event_del(&(*client)->timer);
    for (unsigned i = 0; i < (*client)->options.connections; i++) {
        struct conn *conn = &(*client)->conns[i];

        if (conn->fd >= 0)
            conn_close(conn);
        buf_release(&conn->in);
        buf_release(&conn->out);
    }
    free((*client)->conns);
    free(*client);
    *client = NULL;
}

void load_client_run(struct load_client *client)
{
    client->totals.started_us = client->totals.ended_us = clock_wall_us();
    send_more(client);
    if (!client->finished || client->busy)
        event_base_dispatch(client->base);
    for (unsigned i = 0; i < client->options.connections; i++)
        if (client->conns[i].state == BUSY)
            fail_all(&client->conns[i]);
}

const struct load_totals *load_client_totals(const struct load_client *client)
{
    return &client->totals;
}
