/*
 * proxy.h: forwards TCP connections, and breaks them when told to. For tests: it stands between our programs and what they talk to.
 *
 * A route has a name, a listening address and a target. What can be done to a route (its connections now and all later ones) or to
 * one connection ("redis/7"; "all" for every route), as a line of text:
 *
 *   ROUTE cut                 resets all connections that there are
 *   ROUTE stall               goes on accepting, forwards nothing; what was taken in is forwarded after heal
 *   ROUTE hold                stalls the connections that there are; others come and go: what was taken in arrives late, after heal
 *   ROUTE delay UP [DOWN]     ms that each byte waits on its way to the target, and back
 *   ROUTE cut-after N         each connection ends after N more bytes, in both directions together
 *   ROUTE refuse              nobody can connect any more; connections that there are stay
 *   ROUTE heal                as it was at the beginning
 *   list                      a JSON object: per route its state, connections, bytes, how many were accepted and cut
 *
 * The answer is one line, "ok", or "error: " and a sentence. Memory: at most QUEUE_MAX (conn.c) per direction of a connection, and
 * CONNS_MAX (proxy.c) connections.
 */
#pragma once
#include <stddef.h>

#include "buf.h"

struct event_base;
struct proxy;

struct proxy *proxy_new(struct event_base *base);
void proxy_free(struct proxy **proxy);
/* Both ADDRESS:PORT, on loopback; port 0 takes a free one. -1 with a sentence in error. */
int proxy_add(struct proxy *proxy, const char *name, const char *listen, const char *target, char *error, size_t error_size);
int proxy_port(const struct proxy *proxy, const char *name); /* where it listens; -1: no such route */
void proxy_command(struct proxy *proxy, const char *line, struct buf *answer); /* the answer without a line's end */
/* Takes such lines on a port of its own; the port, or -1 with a sentence. */
int proxy_control(struct proxy *proxy, const char *listen, char *error, size_t error_size);
