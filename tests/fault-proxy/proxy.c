/* proxy.c: routes, and the commands that break them; see proxy.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy_impl.h"

#define CONNS_MAX 2000
#define BACKLOG 128

int proxy_address(struct sockaddr_in *address, const char *text)
{
    char host[64];
    unsigned port;
    int end = 0;

    *address = (struct sockaddr_in){.sin_family = AF_INET};
    if (sscanf(text, "%63[0-9.]:%5u%n", host, &port, &end) != 2 || text[end] || port > 65535 ||
        inet_pton(AF_INET, host, &address->sin_addr) != 1 || strncmp(host, "127.", 4) != 0)
        return -1;
    address->sin_port = htons((uint16_t)port);
    return 0;
}

int proxy_listen(struct sockaddr_in *address, char *error, size_t error_size)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    socklen_t len = sizeof *address;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd >= 0 && bind(fd, (struct sockaddr *)address, len) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &len) == 0)
        return fd;
    snprintf(error, error_size, "cannot listen on port %u: %s", ntohs(address->sin_port), strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* ── routes ── */

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    struct route *route = arg;
    int client;

    (void)what;
    while ((client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (route->proxy->conns >= CONNS_MAX) {
            close(client);
            continue;
        }
        route->accepted++;
        conn_new(route, client);
    }
}

static int open_route(struct route *route, char *error, size_t error_size)
{
    if (route->fd >= 0)
        return 0;
    if ((route->fd = proxy_listen(&route->listen, error, error_size)) < 0)
        return -1;
    route->acceptable = event_new(route->proxy->base, route->fd, EV_READ | EV_PERSIST, on_acceptable, route);
    event_add(route->acceptable, NULL);
    return 0;
}

static void close_route(struct route *route)
{
    if (route->fd < 0)
        return;
    event_free(route->acceptable);
    close(route->fd);
    route->fd = -1;
}

static void cut_route(struct route *route)
{
    struct conn *conn;

    while ((conn = TAILQ_FIRST(&route->conns))) {
        route->cut++;
        conn_close(conn, true);
    }
}

static void set_route(struct route *route)
{
    struct conn *conn, *next;

    for (conn = TAILQ_FIRST(&route->conns); conn; conn = next) {
        next = TAILQ_NEXT(conn, link);
        conn_set_mode(conn, &route->mode);
    }
}

static void hold_route(struct route *route)
{
    struct conn *conn, *next;

    for (conn = TAILQ_FIRST(&route->conns); conn; conn = next) {
        struct fault_mode mode = conn->mode;
        next = TAILQ_NEXT(conn, link);
        mode.stall = true;
        conn_set_mode(conn, &mode);
    }
}

static struct route *find_route(const struct proxy *proxy, const char *name)
{
    struct route *route;

    TAILQ_FOREACH(route, &proxy->routes, link)
    if (strcmp(route->name, name) == 0)
        return route;
    return NULL;
}

int proxy_add(struct proxy *proxy, const char *name, const char *listen, const char *target, char *error,
              size_t error_size)
{
    struct route *route = mem_alloc(sizeof *route);

    route->proxy = proxy;
    route->fd = -1;
    route->mode = FAULT_NONE;
    TAILQ_INIT(&route->conns);
    snprintf(route->name, sizeof route->name, "%s", name);
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name) || !*name ||
        strlen(name) >= sizeof route->name || find_route(proxy, name)) {
        snprintf(error, error_size, "'%s' is no name for another route: small letters, digits and dashes",
                 name);
    } else if (proxy_address(&route->listen, listen) != 0 || proxy_address(&route->target, target) != 0) {
        snprintf(error, error_size, "addresses are 127.0.0.1:PORT, not '%s' and '%s'", listen, target);
    } else if (open_route(route, error, error_size) == 0) {
        TAILQ_INSERT_TAIL(&proxy->routes, route, link);
        return 0;
    }
    free(route);
    return -1;
}

int proxy_port(const struct proxy *proxy, const char *name)
{
    const struct route *route = find_route(proxy, name);

    return route ? ntohs(route->listen.sin_port) : -1;
}

/* ── commands ── */

/* The mode that a command makes of another one; false: no such command. */
static bool read_mode(struct fault_mode *mode, const char *verb, const char *first, const char *second)
{
    char *end = NULL;
    int64_t number = strtoll(first, &end, 10), back;
    bool is_number = *first && !*end && number >= 0;

    if (strcmp(verb, "stall") == 0 && !*first) {
        mode->stall = true;
    } else if (strcmp(verb, "heal") == 0 && !*first) {
        *mode = FAULT_NONE;
    } else if (strcmp(verb, "cut-after") == 0 && is_number && !*second) {
        mode->cut_after = number;
    } else if (strcmp(verb, "delay") == 0 && is_number && number <= 3600000) {
        back = *second ? strtoll(second, &end, 10) : number;
        if (*end || back < 0 || back > 3600000)
            return false;
        mode->delay_ms[WAY_UP] = number;
        mode->delay_ms[WAY_DOWN] = back;
    } else {
        return false;
    }
    return true;
}

static const char usage[] = "error: cut, stall, hold, delay UP [DOWN], cut-after N, refuse or heal, not '%s'";

static void command_conn(struct route *route, uint64_t id, const char *verb, const char *first,
                         const char *second, struct buf *answer)
{
    struct conn *conn;

    TAILQ_FOREACH(conn, &route->conns, link)
    if (conn->id == id)
        break;
    if (!conn) {
        buf_addf(answer, "error: %s has no connection %" PRIu64, route->name, id);
        return;
    }
    if (strcmp(verb, "cut") == 0) {
        route->cut++;
        conn_close(conn, true);
    } else {
        struct fault_mode mode = conn->mode;
        if (!read_mode(&mode, verb, first, second)) {
            buf_addf(answer, usage, verb);
            return;
        }
        conn_set_mode(conn, &mode);
    }
}

static void command_route(struct route *route, const char *verb, const char *first, const char *second,
                          struct buf *answer)
{
    char error[128];

    if (strcmp(verb, "cut") == 0 && !*first) {
        cut_route(route);
    } else if (strcmp(verb, "refuse") == 0 && !*first) {
        close_route(route);
    } else if (strcmp(verb, "hold") == 0 && !*first) {
        hold_route(route);
    } else if (!read_mode(&route->mode, verb, first, second)) {
        buf_addf(answer, usage, verb);
    } else {
        set_route(route);
        if (strcmp(verb, "heal") == 0 && open_route(route, error, sizeof error) != 0)
            buf_addf(answer, "error: %s", error);
    }
}

static void list(const struct proxy *proxy, struct buf *answer)
{
    const struct route *route;
    const struct conn *conn;

    buf_add_ch(answer, '{');
    TAILQ_FOREACH(route, &proxy->routes, link)
    {
        buf_addf(answer,
                 "%s\"%s\":{\"port\":%u,\"target\":%u,\"refuse\":%s,\"stall\":%s,\"delay_up_ms\":%" PRId64
                 ",\"delay_down_ms\":%" PRId64 ",\"cut_after\":%" PRId64 ",\"accepted\":%" PRIu64
                 ",\"cut\":%" PRIu64 ",\"bytes_up\":%" PRIu64 ",\"bytes_down\":%" PRIu64 ",\"connections\":[",
                 route == TAILQ_FIRST(&proxy->routes) ? "" : ",", route->name, ntohs(route->listen.sin_port),
                 ntohs(route->target.sin_port), route->fd < 0 ? "true" : "false",
                 route->mode.stall ? "true" : "false", route->mode.delay_ms[WAY_UP],
                 route->mode.delay_ms[WAY_DOWN], route->mode.cut_after, route->accepted, route->cut,
                 route->bytes[WAY_UP], route->bytes[WAY_DOWN]);
        TAILQ_FOREACH(conn, &route->conns, link)
        buf_addf(answer, "%s%" PRIu64, conn == TAILQ_FIRST(&route->conns) ? "" : ",", conn->id);
        buf_add_str(answer, "]}");
    }
    buf_add_ch(answer, '}');
}

void proxy_command(struct proxy *proxy, const char *line, struct buf *answer)
{
    char name[64] = "", verb[32] = "", first[32] = "", second[32] = "", more[2] = "", *slash;
    int words = sscanf(line, "%63s %31s %31s %31s %1s", name, verb, first, second, more);
    struct route *route, *next;

    buf_reset(answer);
    if (words == 1 && strcmp(name, "list") == 0) {
        list(proxy, answer);
        return;
    }
    if ((slash = strchr(name, '/')))
        *slash++ = '\0';
    if (words < 2 || words > 4) {
        buf_add_str(answer, "error: a line is ROUTE COMMAND [NUMBER [NUMBER]], or list");
    } else if (!slash && strcmp(name, "all") == 0) {
        for (route = TAILQ_FIRST(&proxy->routes); route && answer->len == 0; route = next) {
            next = TAILQ_NEXT(route, link);
            command_route(route, verb, first, second, answer);
        }
    } else if (!(route = find_route(proxy, name))) {
        buf_addf(answer, "error: there is no route '%s'", name);
    } else if (slash) {
        command_conn(route, strtoull(slash, NULL, 10), verb, first, second, answer);
    } else {
        command_route(route, verb, first, second, answer);
    }
    if (answer->len == 0)
        buf_add_str(answer, "ok");
}

/* ── life ── */

struct proxy *proxy_new(struct event_base *base)
{
    struct proxy *proxy = mem_alloc(sizeof *proxy);

    proxy->base = base;
    TAILQ_INIT(&proxy->routes);
    return proxy;
}

void proxy_free(struct proxy **proxy)
{
    struct route *route;

    if (!*proxy)
        return;
    control_free(&(*proxy)->control);
    while ((route = TAILQ_FIRST(&(*proxy)->routes))) {
        TAILQ_REMOVE(&(*proxy)->routes, route, link);
        cut_route(route);
        close_route(route);
        free(route);
    }
    free(*proxy);
    *proxy = NULL;
}
