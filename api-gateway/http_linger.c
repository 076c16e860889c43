/*
 * http_linger.c: connections that were refused. The answer is on its way and nothing follows it; what the client still sends is
 * discarded for a while, so that it gets to read the answer instead of finding the connection reset.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "http_inside.h"
#include "log.h"

#define LINGER_MS 2000
#define LINGER_BYTES (32u << 20)
#define PIECE (256 * 1024)

/* Owner: the list of http. */
struct http_linger {
    TAILQ_ENTRY(http_linger) link;
    struct http *http;
    struct event *readable;
    int fd;
    int64_t since_ms;
    size_t discarded;
};

static void end(struct http_linger *linger)
{
    struct http *http = linger->http;
    TAILQ_REMOVE(&http->lingers, linger, link);
    http->lingering--;
    http_guard_count_connections(http);
    event_free(linger->readable);
    close(linger->fd);
    free(linger);
    if (http->draining)
        http_guard_schedule(http);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct http_linger *linger = arg;
    ssize_t len = recv(fd, NULL, PIECE, MSG_TRUNC | MSG_DONTWAIT); /* without copying it */
    if (len > 0)
        linger->discarded += (size_t)len;
    else if (len == 0 || (errno != EAGAIN && errno != EINTR))
        linger->discarded = LINGER_BYTES;
    if (linger->discarded >= LINGER_BYTES)
        end(linger);
}

void http_linger_start(struct http *http, int fd)
{
    struct http_linger *linger = mem_alloc(sizeof *linger);
    *linger = (struct http_linger){.http = http, .fd = fd, .since_ms = clock_mono_ms()};
    linger->readable = event_new(http->base, fd, EV_READ | EV_PERSIST, on_readable, linger);
    if (linger->readable == NULL || event_add(linger->readable, NULL) < 0)
        fatal("http: out of memory for a connection");
    TAILQ_INSERT_TAIL(&http->lingers, linger, link);
    http->lingering++;
    http_guard_count_connections(http);
    shutdown(fd, SHUT_WR);
}

bool http_linger_end_oldest(struct http *http)
{
    if (TAILQ_EMPTY(&http->lingers))
        return false;
    end(TAILQ_FIRST(&http->lingers));
    return true;
}

void http_linger_sweep(struct http *http)
{
    int64_t before = clock_mono_ms() - LINGER_MS;
    while (!TAILQ_EMPTY(&http->lingers) && TAILQ_FIRST(&http->lingers)->since_ms <= before)
        end(TAILQ_FIRST(&http->lingers));
}
