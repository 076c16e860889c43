/*
 * http.c: a small HTTP/1.1 server that can also misbehave on purpose.
 *
 *   READING ──request──▶ DELAYED ──timer──▶ WRITING ──all sent──▶ READING
 *       └────────────────────no delay──────────▲           └─ not kept alive, or cut on purpose ─▶ freed
 *       └──hang──▶ HUNG ──client leaves──▶ freed
 *
 * While a connection is not READING it takes no further requests, so one client cannot queue more than its socket buffer.
 */
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

enum conn_state { READING, DELAYED, WRITING, HUNG };

struct http_conn {
    struct http_server *server;
    struct http_conn *next, **link; /* in the server's list */
    int fd;
    enum conn_state state;
    enum http_ending ending;
    bool keep_alive;
    bool answered; /* the callback called http_answer */
    bool continue_sent;
    struct buf in, out, chunks;
    size_t sent;       /* of out */
    size_t send_limit; /* where to stop: out.len, or half of it */
    size_t head_len;   /* of out */
    struct event readable, writable, timer;
};

struct http_server {
    struct event_base *base;
    int fd;
    int port;
    struct event acceptable;
    struct http_conn *conns;
    size_t conn_count;
    http_request_cb on_request;
    void *arg;
};

static void conn_free(struct http_conn *conn, bool reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    event_del(&conn->readable);
    event_del(&conn->writable);
    event_del(&conn->timer);
    if (reset)
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(conn->fd);
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    conn->server->conn_count--;
    buf_release(&conn->in);
    buf_release(&conn->out);
    buf_release(&conn->chunks);
    free(conn);
}

/* ── answering ── */

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {302, "Found"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {409, "Conflict"},
                   {410, "Gone"},
                   {413, "Content Too Large"},
                   {422, "Unprocessable Content"},
                   {429, "Too Many Requests"},
                   {500, "Internal Server Error"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"},
                   {507, "Insufficient Storage"}};

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Status";
}

static void write_answer(struct buf *out, const struct http_conn *conn, const struct http_answer *answer)
{
    bool endless = answer->ending == HTTP_ENDLESS;

    buf_reset(out);
    buf_addf(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n", answer->status, reason(answer->status),
             answer->content_type ? answer->content_type : "application/json");
    if (endless)
        buf_add_str(out, "Transfer-Encoding: chunked\r\n");
    else
        buf_addf(out, "Content-Length: %zu\r\n", answer->body_len);
    buf_addf(out, "%s%s\r\n", answer->headers ? answer->headers : "",
             conn->keep_alive ? "" : "Connection: close\r\n");
}

void http_answer(struct http_conn *conn, const struct http_answer *answer)
{
    if (conn->answered)
        bug("a request was answered twice");
    conn->answered = true;
    conn->ending = answer->ending;
    write_answer(&conn->out, conn, answer);
    conn->head_len = conn->out.len;
    if (answer->ending == HTTP_ENDLESS)
        buf_addf(&conn->out, "%zx\r\n", answer->body_len);
    buf_add(&conn->out, answer->body, answer->body_len);
    if (answer->ending == HTTP_ENDLESS)
        buf_add_str(&conn->out, "\r\n");
    conn->sent = 0;
    conn->send_limit = conn->out.len;
    if (answer->ending == HTTP_RESET_HALFWAY || answer->ending == HTTP_TRUNCATE)
        conn->send_limit = conn->head_len + answer->body_len / 2;
    if (answer->ending == HTTP_DRIP)
        conn->send_limit = conn->head_len;
    conn->state = answer->ending == HTTP_HANG ? HUNG : answer->delay_ms > 0 ? DELAYED : WRITING;
    if (conn->state == DELAYED) {
        struct timeval delay = {answer->delay_ms / 1000, (answer->delay_ms % 1000) * 1000};

        event_add(&conn->timer, &delay);
    }
}

/* One more byte in a while. */
static int drip(struct http_conn *conn)
{
    struct timeval gap = {0, HTTP_DRIP_MS * 1000};

    conn->send_limit = conn->sent + 1;
    conn->state = DELAYED;
    event_add(&conn->timer, &gap);
    return 0;
}

/* Sends what it can. 1: all out, ready for the next request; 0: waits for the socket; -1: the connection is gone. */
static int conn_write(struct http_conn *conn)
{
    if (conn->ending == HTTP_RESET || conn->ending == HTTP_CLOSE) {
        conn_free(conn, conn->ending == HTTP_RESET);
        return -1;
    }
    while (conn->sent < conn->send_limit) {
        ssize_t n = send(conn->fd, conn->out.data + conn->sent, conn->send_limit - conn->sent, MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            event_add(&conn->writable, NULL);
            return 0;
        }
        if (n < 0) {
            conn_free(conn, false);
            return -1;
        }
        conn->sent += (size_t)n;
        if (conn->ending == HTTP_ENDLESS && conn->sent == conn->send_limit)
            conn->sent = conn->head_len;
    }
    if (conn->ending == HTTP_DRIP && conn->sent < conn->out.len)
        return drip(conn);
    if (!conn->keep_alive || (conn->ending != HTTP_WHOLE && conn->ending != HTTP_DRIP)) {
        conn_free(conn, conn->ending == HTTP_RESET_HALFWAY);
        return -1;
    }
    if (conn->out.cap > 65536)
        buf_release(&conn->out);
    conn->state = READING;
    event_add(&conn->readable, NULL);
    return 1;
}

/* ── reading ── */

static void answer_error(struct http_conn *conn, int status, const char *sentence)
{
    char body[200];
    int len = snprintf(body, sizeof body, "{\"success\":false,\"error\":\"%s\"}", sentence);

    conn->keep_alive = false;
    http_answer(conn, &(struct http_answer){.status = status, .body = body, .body_len = (size_t)len});
}

static enum http_progress conn_refuse(struct http_conn *conn, enum http_progress why)
{
    conn->answered = false;
    if (why == HTTP_TOO_LARGE)
        answer_error(conn, 413, "the request is larger than this server takes");
    else
        answer_error(conn, 400, "the bytes are no HTTP/1.1 request");
    return HTTP_DONE;
}

static void send_continue(struct http_conn *conn)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (!conn->continue_sent && send(conn->fd, line, sizeof line - 1, MSG_NOSIGNAL) > 0)
        conn->continue_sent = true;
}

/* Takes one request out of the input and has it answered; HTTP_MORE: it is not all there yet. */
static enum http_progress conn_take(struct http_conn *conn)
{
    struct http_request request;
    struct http_frame frame = {0};
    size_t used = 0;
    enum http_progress progress = http_frame_head(conn->in.data, conn->in.len, &frame);

    if (progress == HTTP_DONE && frame.chunked)
        progress = http_decode_chunks(conn->in.data + frame.head_len, conn->in.len - frame.head_len,
                                      &conn->chunks, &used);
    else if (progress == HTTP_DONE && conn->in.len - frame.head_len < frame.body_len)
        progress = HTTP_MORE, used = frame.body_len;
    if (progress == HTTP_MORE && used)
        buf_reserve(&conn->in, frame.head_len + used - conn->in.len);
    if (progress == HTTP_MORE && frame.expects_continue)
        send_continue(conn);
    if (progress == HTTP_MORE && conn->in.len > HTTP_HEAD_MAX + 2 * HTTP_BODY_MAX)
        progress = HTTP_TOO_LARGE; /* chunks that are mostly framing */
    if (progress == HTTP_MORE)
        return HTTP_MORE;
    if (progress != HTTP_DONE || http_split_head(conn->in.data, &frame, &request) != 0)
        return conn_refuse(conn, progress == HTTP_TOO_LARGE ? HTTP_TOO_LARGE : HTTP_BAD);
    if (!frame.chunked)
        used = frame.body_len;
    request.body = frame.chunked ? conn->chunks.data : conn->in.data + frame.head_len;
    request.body_len = frame.chunked ? conn->chunks.len : frame.body_len;
    request.received_us = clock_wall_us();
    conn->keep_alive = request.keep_alive;
    conn->continue_sent = conn->answered = false;
    conn->server->on_request(conn, &request, conn->server->arg);
    if (!conn->answered)
        bug("a request was not answered");
    used += frame.head_len;
    memmove(conn->in.data, conn->in.data + used, conn->in.len - used);
    conn->in.len -= used;
    return HTTP_DONE;
}

/* Serves requests until the input is used up or an answer has to wait. */
static void conn_serve(struct http_conn *conn)
{
    while (conn->state == READING && conn->in.len && conn_take(conn) == HTTP_DONE)
        if (conn->state == WRITING && conn_write(conn) < 0)
            return;
    if (conn->state == READING && conn->in.len == 0 && conn->in.cap > 262144)
        buf_release(&conn->in);
}

/* Data on a connection that is not reading: the client either left, or pipelines and has to wait. */
static void conn_watch(struct http_conn *conn)
{
    char byte;
    ssize_t n = recv(conn->fd, &byte, 1, MSG_PEEK);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        conn_free(conn, false);
    else
        event_del(&conn->readable);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct http_conn *conn = arg;
    ssize_t n;

    (void)what;
    if (conn->state != READING) {
        conn_watch(conn);
        return;
    }
    if (conn->in.cap - conn->in.len < 4096)
        buf_reserve(&conn->in, conn->in.len < 16384 ? 16384 : conn->in.len);
    n = recv(fd, conn->in.data + conn->in.len, conn->in.cap - conn->in.len - 1, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        conn_free(conn, false);
        return;
    }
    conn->in.len += (size_t)n;
    conn->in.data[conn->in.len] = '\0';
    conn_serve(conn);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct http_conn *conn = arg;

    (void)fd, (void)what;
    if (conn_write(conn) == 1)
        conn_serve(conn);
}

static void on_delay_over(evutil_socket_t fd, short what, void *arg)
{
    struct http_conn *conn = arg;

    conn->state = WRITING;
    on_writable(fd, what, conn);
}

/* ── listening ── */

static void on_acceptable(evutil_socket_t listener, short what, void *arg)
{
    struct http_server *server = arg;
    struct http_conn *conn;
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)what;
    if (fd < 0)
        return;
    if (server->conn_count == HTTP_CONNECTIONS_MAX) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    conn = mem_alloc(sizeof *conn);
    conn->server = server;
    conn->fd = fd;
    buf_init(&conn->in), buf_init(&conn->out), buf_init(&conn->chunks);
    conn->next = server->conns;
    conn->link = &server->conns;
    if (conn->next)
        conn->next->link = &conn->next;
    server->conns = conn;
    server->conn_count++;
    event_assign(&conn->readable, server->base, fd, EV_READ | EV_PERSIST, on_readable, conn);
    event_assign(&conn->writable, server->base, fd, EV_WRITE, on_writable, conn);
    evtimer_assign(&conn->timer, server->base, on_delay_over, conn);
    event_add(&conn->readable, NULL);
}

/* "127.0.0.1:3012" or "[::1]:3012"; names are not looked up. */
static int parse_address(const char *address, struct sockaddr_storage *name, socklen_t *len)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    const char *colon = strrchr(address, ':');
    struct addrinfo *found;
    char host[64];

    if (!colon || colon - address >= (ptrdiff_t)sizeof host)
        return -1;
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    if (host[0] == '[' && host[strlen(host) - 1] == ']')
        snprintf(host, sizeof host, "%.*s", (int)(colon - address) - 2, address + 1);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return -1;
    memcpy(name, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int listen_on(const char *address, int *port)
{
    struct sockaddr_storage name;
    socklen_t len;
    int one = 1, fd;

    if (parse_address(address, &name, &len) != 0) {
        errno = EINVAL;
        return -1;
    }
    fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&name, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&name, &len) != 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    *port = ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                             : ((struct sockaddr_in *)&name)->sin_port);
    return fd;
}

struct http_server *http_server_new(struct event_base *base, const char *address, http_request_cb on_request,
                                    void *arg, char *error, size_t error_size)
{
    struct http_server *server;
    int port = 0, fd = listen_on(address, &port);

    if (fd < 0) {
        snprintf(error, error_size, "cannot listen on %s (%s): give a free HOST:PORT of this machine",
                 address, strerror(errno));
        return NULL;
    }
    server = mem_alloc(sizeof *server);
    *server =
        (struct http_server){.base = base, .fd = fd, .port = port, .on_request = on_request, .arg = arg};
    event_assign(&server->acceptable, base, fd, EV_READ | EV_PERSIST, on_acceptable, server);
    event_add(&server->acceptable, NULL);
    return server;
}

void http_server_free(struct http_server **server)
{
    if (!*server)
        return;
    for (struct http_conn *conn = (*server)->conns, *next; conn; conn = next) {
        next = conn->next;
        conn_free(conn, false);
    }
    event_del(&(*server)->acceptable);
    close((*server)->fd);
    free(*server);
    *server = NULL;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}
