/*
 * http_budget.c: how many bytes all connections together may hold, on the way in and on the way out.
 *
 * At the ceiling, room is made by who has been sending, or not reading, for longest: a body that trickles in would else keep
 * everybody out until its time is up. What is small may displace any that came before; what is large only those that have had
 * their time, or two large ones would displace each other for ever.
 */
#include <malloc.h>

#include "clock.h"
#include "http_inside.h"

/* What a head costs: evhttp keeps each field in three pieces, and we the text and where each field is. */
#define HEAD_WEIGHT 3
#define HEAD_COST 1024
#define FIELD_COST 128
#define AHEAD_COST 1024 /* the smallest piece in which libevent keeps what was read */
#define LIGHT_MAX 2048  /* who holds more is loading, and makes room first */
#define SMALL 16384
#define PATIENCE_MS 1000 /* for a large body or answer, before another may take its room */
#define SURGE_MIN (8u << 20)
#define TRIM_EVERY_MS 2000
#define CONNECTION_COST 2560 /* of an idle one, with what evhttp has of it */

static void note_surge(struct http *http)
{
    size_t sum = http->held + http->unsent + http->connections * CONNECTION_COST;
    if (sum > http->surge)
        http->surge = sum;
}

static void add(struct http_conn *conn, size_t cost)
{
    struct http *http = conn->http;
    conn->held += cost;
    http->held += cost;
    stats_set(http->held_now, (int64_t)http->held);
    note_surge(http);
}

void http_budget_hold(struct http_conn *conn, size_t len)
{
    add(conn, len);
    if (conn->phase == HTTP_RECEIVING && conn->held > LIGHT_MAX)
        http_guard_enter(conn, HTTP_LOADING);
}

void http_budget_hold_head(struct http_conn *conn, size_t len, size_t fields)
{
    http_budget_hold(conn, (conn->held == 0 ? HEAD_COST : 0) + len * HEAD_WEIGHT + fields * FIELD_COST);
}

void http_budget_hold_ahead(struct http_conn *conn, size_t len)
{
    struct http *http = conn->http;
    size_t cost = len > AHEAD_COST ? len : len > 0 ? AHEAD_COST : 0;
    http->held += cost - conn->ahead; /* may be less than before */
    conn->ahead = cost;
    stats_set(http->held_now, (int64_t)http->held);
    note_surge(http);
}

void http_budget_release(struct http *http, size_t *held)
{
    http->held -= *held;
    *held = 0;
    stats_set(http->held_now, (int64_t)http->held);
}

/* The one but conn that has been in the phase for longest; NULL when it may not be disturbed. */
static struct http_conn *find_victim(struct http_conn *conn, enum http_phase phase, bool small)
{
    struct http_conn *victim = conn->http->lists[phase].first;
    if (victim == conn)
        victim = victim->next;
    if (victim == NULL || small || victim->since_ms <= clock_mono_ms() - PATIENCE_MS)
        return victim;
    return NULL;
}

static struct http_conn *find_holder(struct http_conn *conn, bool small)
{
    static const enum http_phase first[] = {HTTP_LOADING, HTTP_RECEIVING, HTTP_SENDING};
    struct http_conn *victim = NULL;
    for (size_t i = 0; i < sizeof first / sizeof *first && victim == NULL; i++)
        victim = find_victim(conn, first[i], small);
    return victim;
}

static void put_out(struct http_conn *conn)
{
    char why[256];
    stats_add(conn->http->refused[HTTP_REFUSED_OVERLOAD], 1);
    if (conn->phase == HTTP_SENDING) { /* what it has sent ahead is what it holds */
        http_guard_close(conn);
        return;
    }
    snprintf(why, sizeof why,
             "The request was still coming in when all requests being read together had %zu bytes "
             "(UNREAD_BODIES_MAX_BYTES), and made room for others; send it again, faster.",
             conn->http->config.limits.unread_bodies_max);
    http_refuse(conn,
                &(struct problem){.status = 503, .type = "overloaded", .detail = why, .retry_after_s = 1});
}

bool http_budget_fits(struct http_conn *conn, size_t more)
{
    struct http *http = conn->http;
    bool small = conn->held + more <= SMALL;
    while (http->held + more > http->config.limits.unread_bodies_max) {
        struct http_conn *victim = find_holder(conn, small);
        if (victim == NULL)
            return false;
        put_out(victim);
    }
    return true;
}

bool http_budget_sends(struct http_conn *conn, size_t len, bool certain)
{
    struct http *http = conn->http;
    while (http->unsent > 0 && http->unsent + len > http->config.limits.unsent_answers_max) {
        struct http_conn *victim = find_victim(conn, HTTP_SENDING, certain || len <= SMALL);
        if (victim == NULL)
            return certain;
        stats_add(http->refused[HTTP_REFUSED_OVERLOAD], 1);
        http_guard_close(victim);
    }
    return true;
}

void http_budget_send(struct http_conn *conn, size_t len)
{
    struct http *http = conn->http;
    conn->unsent = len;
    http->unsent += len;
    stats_set(http->unsent_now, (int64_t)http->unsent);
    note_surge(http);
}

void http_budget_sent(struct http_conn *conn)
{
    struct http *http = conn->http;
    http->unsent -= conn->unsent;
    conn->unsent = 0;
    stats_set(http->unsent_now, (int64_t)http->unsent);
}

/* Between what is still in use the allocator keeps pages that were needed at the height of a surge. */
void http_budget_trim(struct http *http)
{
    int64_t now = clock_mono_ms();
    size_t surge = http->surge;
    http->surge = 0;
    note_surge(http);
    if (surge < http->surge + SURGE_MIN || now - http->trimmed_ms < TRIM_EVERY_MS) {
        http->surge = surge;
        return;
    }
    http->trimmed_ms = now;
    malloc_trim(0);
}
