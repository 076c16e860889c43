/*
 * alert.h: what people must know, once per cause, in sync_alerts and on the channels alerts:new and alerts:resolved.
 *
 *   nothing ── raised ──▶ active ── (a person) ──▶ acknowledged
 *                           │  ▲                        │
 *                           │  └─ raised again within an hour: the same row
 *                           └──────── resolved ◀────────┘
 *
 * The cause is a key: whatever number of replicas raise it, one row that is not resolved has it. People are told (log line,
 * channel) when it becomes active, and of the same cause at most once an hour. While PostgreSQL is away the last word about
 * each key is kept, up to a ceiling, and written on its return.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct store;
struct stream;
struct alerts;

enum alert_level { ALERT_WARNING, ALERT_ERROR, ALERT_CRITICAL };

struct alert {
    const char *key; /* names the cause: "coreldove route /api/sync/user/create" */
    enum alert_level level;
    const char *title;    /* one line */
    const char *message;  /* sentences: what is wrong, what the service does, what a person can do */
    const char *platform; /* NULL: none */
    const char *tenant;   /* NULL: the service's own */
    bool shared;          /* the service's own, and tells nothing of any tenant: every tenant may read it */
};

#define ALERTS_MAX 200 /* causes remembered in one process; past it new ones are only logged */

/* scope: the platform whose active alerts this process may resolve although another raised them; NULL: none. */
struct alerts *alerts_new(struct event_base *base, struct store *store, struct stream *belt, const char *scope);
void alerts_free(struct alerts **alerts);
/* Cheap when it was raised a moment ago with the same message. Everything is copied. */
void alerts_raise(struct alerts *alerts, const struct alert *alert);
/* Nothing happens when it is not active, as far as this process knows. */
void alerts_resolve(struct alerts *alerts, const char *key, const char *note);
/* The same, but what another process raised stays its own while that one speaks of it: for causes that one process can have
 * and another not. */
void alerts_resolve_own(struct alerts *alerts, const char *key, const char *note);
bool alerts_is_active(const struct alerts *alerts, const char *key);
bool alerts_any(const struct alerts *alerts); /* false: there is nothing to resolve */
/* What other processes raised and resolved (of the scope): asked for every few seconds. */
void alerts_refresh(struct alerts *alerts);
