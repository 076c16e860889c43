/* proxy_impl.h: what proxy.c, conn.c and control.c share. */
#pragma once
#include <event2/event.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "mem.h"
#include "proxy.h"

enum way { WAY_UP, WAY_DOWN, WAYS }; /* to the target, and back */

struct fault_mode {
    bool stall;
    int64_t delay_ms[WAYS];
    int64_t cut_after; /* bytes; -1: never */
};
#define FAULT_NONE (struct fault_mode){.cut_after = -1}

struct chunk {
    TAILQ_ENTRY(chunk) link;
    int64_t due_ms;
    size_t len, written; /* len 0: the end of what comes this way */
    char data[];
};
TAILQ_HEAD(chunk_list, chunk);

/* What flows from one socket of a connection to the other. */
struct flow {
    struct conn *conn;
    enum way way;
    int from, to;
    struct event *readable, *writable, *timer;
    struct chunk_list chunks;
    size_t queued;
    bool at_end; /* the end was read */
    bool ended;  /* and passed on */
};

struct conn {
    TAILQ_ENTRY(conn) link;
    struct route *route;
    uint64_t id;
    int client, server;
    bool connected; /* to the target */
    struct fault_mode mode;
    struct flow flows[WAYS];
};
TAILQ_HEAD(conn_list, conn);

struct route {
    TAILQ_ENTRY(route) link;
    struct proxy *proxy;
    char name[32];
    struct sockaddr_in listen, target;
    int fd; /* -1: refusing */
    struct event *acceptable;
    struct fault_mode mode;
    struct conn_list conns;
    uint64_t accepted, cut, bytes[WAYS];
};
TAILQ_HEAD(route_list, route);

struct proxy {
    struct event_base *base;
    struct route_list routes;
    uint64_t next_id;
    size_t conns;
    struct control *control;
};

/* conn.c */
void conn_new(struct route *route, int client); /* takes the socket */
void conn_close(struct conn *conn, bool reset);
void conn_set_mode(struct conn *conn, const struct fault_mode *mode); /* goes on where that ends a stall */

/* proxy.c */
int proxy_listen(struct sockaddr_in *address, char *error, size_t error_size); /* a socket, or -1 */
int proxy_address(struct sockaddr_in *address, const char *text);              /* -1: not ADDRESS:PORT of loopback */

/* control.c */
void control_free(struct control **control);
