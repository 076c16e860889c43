/*
 * accept_inside.h: what the accept files share.
 *
 * Life of an item (one event on its way into the database), entered only through the functions named at the arrows:
 *
 *   parsed ─accept_enter─▶ queued ────flush────▶ in a batch ─commit─▶ finished
 *              │                                     ├── its key is taken ─accept_find_owners─▶ finished
 *              │                                     └── never sent, or refused with others: tried again
 *              └─ equal key ahead ─▶ follows that item, and finishes with it
 *
 * accept_answer gives an item its outcome (the client's answer), once; accept_finish answers and lets go of it. An item may be
 * answered (outcome unknown, after OVERDUE_MS) and still be in a batch whose end nobody knows.
 */
#pragma once
#include <sys/queue.h>

#include "gateway.h"
#include "map.h"
#include "stats.h"

struct event;

#define ACCEPT_BATCH_MAX 500
#define ACCEPT_BATCH_BYTES_MAX (4u << 20)
#define ACCEPT_WAIT_MS 800 /* for the database to be there; with one tick the answer is out within a second */
#define ACCEPT_SLOW_MS 5000    /* for a commit's answer while the database is there */
#define ACCEPT_OVERDUE_MS 5000 /* a commit without an answer: its clients are told that nobody knows */
#define ACCEPT_TICK_MS 100
#define ACCEPT_TRIES_MAX 3
#define ACCEPT_UNWRITABLE_MS 5000 /* after a refusal: not ready, then the next event tries */

enum accept_outcome {
    ACCEPT_WAITING,
    ACCEPT_CREATED,
    ACCEPT_INVALID,  /* its body does not validate; never entered */
    ACCEPT_MISMATCH, /* its key belongs to another body */
    ACCEPT_AHEAD,    /* its base_version is above its record's */
    ACCEPT_REFUSED,  /* the database takes no such event */
    ACCEPT_AWAY,     /* certainly not stored: the database is not there */
    ACCEPT_SLOW,     /* certainly not stored: the database is there and answers no commit in time */
    ACCEPT_UNKNOWN   /* sent, and the answer was lost */
};

enum accept_key_kind { ACCEPT_KEY_HEADER, ACCEPT_KEY_OWN_ID, ACCEPT_KEY_KINDS }; /* idempotency_keys.kind */

TAILQ_HEAD(accept_list, accept_item);

/* Owner: its request. */
struct accept_item {
    TAILQ_ENTRY(accept_item) link; /* of the queue, or of its leader's followers */
    struct accept_request *request;
    struct accept_event event;
    const char *key; /* Idempotency-Key; NULL: none */
    uint8_t fingerprint[32];
    int64_t queued_ms;
    unsigned tries;
    bool claims; /* its keys stand in accept->claims */
    struct accept_list followers;
    bool ahead; /* the database said so: ACCEPT_AHEAD */
    enum accept_outcome outcome;
    const char *event_id; /* of the answer; NULL: not stored */
    struct json *problem; /* of a bulk's item: ACCEPT_INVALID */
};

/* Every item has its outcome; they are still there during this call. Once; inside accept_enter_all when none of them waits. */
typedef void (*accept_done)(const struct accept_request *request, void *arg);

/* Owner: itself, until every item is answered and let go of. */
struct accept_request {
    struct accept *accept;
    struct http_request *http; /* NULL once answered, or when nobody asked over HTTP */
    accept_done done;          /* instead of an answer over HTTP; NULL once called */
    void *done_arg;
    struct arena *arena;
    bool bulk;
    size_t count, unanswered, held;
    struct accept_item *items;
};

/* One statement's worth of items. Owner: accept, from cutting to the end of its commit. */
struct accept_batch {
    TAILQ_ENTRY(accept_batch) link;
    struct accept *accept;
    size_t count;
    unsigned tries;
    bool asked; /* whether one of two keys is taken: once for a batch */
    int64_t sent_ms, sent_us;
    struct accept_item *items[];
};

#define ACCEPT_STATS(X)                                                                                     \
    X(accepted, STATS_COUNTER, "sync_events_accepted_total", "Events that were stored")                     \
    X(repeated, STATS_COUNTER, "sync_events_repeated_total",                                                \
      "Events answered again by their idempotency key")                                                     \
    X(invalid, STATS_COUNTER, "sync_events_invalid_total", "Events refused because they do not validate")   \
    X(mismatched, STATS_COUNTER, "sync_events_mismatched_total",                                            \
      "Events whose idempotency key had another body")                                                      \
    X(away, STATS_COUNTER, "sync_events_unavailable_total", "Events refused because the database was away") \
    X(slow, STATS_COUNTER, "sync_events_overloaded_total",                                                  \
      "Events refused because the database was slow to commit")                                             \
    X(unknown, STATS_COUNTER, "sync_events_unknown_total", "Events whose commit ended without an answer")   \
    X(commits, STATS_COUNTER, "sync_accept_commits_total", "Commits of accepted events")                    \
    X(halved, STATS_COUNTER, "sync_accept_halved_total", "Batches that were refused and split in halves")   \
    X(commit_seconds, STATS_HISTOGRAM, "sync_accept_commit_seconds", "Time of a commit of accepted events") \
    X(unwritable, STATS_GAUGE, "sync_storage_refuses",                                                      \
      "1 while PostgreSQL answers and stores nothing, because its disk is full or it may not write")        \
    X(queued_now, STATS_GAUGE, "sync_accept_queued", "Events that wait for the next commit")

struct accept {
    struct gateway *gateway;
    struct accept_list queue;
    size_t queued;
    TAILQ_HEAD(, accept_batch) ahead; /* of the queue: halves, and what is tried again */
    struct accept_batch *running;
    unsigned asking; /* queries for owners under way */
    struct map *claims;
    struct hints *hints;
    struct event *flush; /* at the end of this turn of the loop: all its requests share the commit */
    struct event *tick;
    int64_t progress_ms; /* the last commit that was answered */
    int64_t told_ms;     /* when the log last heard of events that waited in vain */
    size_t untold;       /* such events since */
    int64_t refused_ms;  /* when PostgreSQL last said that it cannot write at all; 0: it can */
    int64_t said_ms;     /* when the log last heard of that */
    bool known;          /* the store has been up: its fingerprint key is there */
    void (*drained)(void *arg);
    void *drained_arg;
#define X(name, kind, metric, help) struct stat *name;
    ACCEPT_STATS(X)
#undef X
};

/* accept.c */
struct accept_request *accept_request_new(struct gateway *gateway, struct http_request *http, bool bulk,
                                          size_t count);
/*
 * Events that no body of POST /sync/events brought (a webhook, a row of a list):
 *
 *   if (accept_is_known(gateway, NULL)) {                        else: the database was never seen yet, try again later
 *       request = accept_request_inside(gateway, count, done, arg);
 *       for each i: accept_add(request, i, &context, &source);   what does not validate has its outcome at once
 *       accept_enter_all(request);                               done() follows, exactly once
 *   }
 */
struct accept_source {
    const struct json *body; /* as POST /sync/events takes it; not kept */
    const char *key;         /* of idempotency, copied; NULL: none. One with a line break is no client's */
    const void *bytes;       /* two with the same key are the same when these are; not kept */
    size_t len;
};
struct accept_request *accept_request_inside(struct gateway *gateway, size_t count, accept_done done,
                                             void *arg);
/* 0; -1: it does not validate: the item's outcome is ACCEPT_INVALID, and its problem says why. */
int accept_add(struct accept_request *request, size_t index, const struct accept_context *context,
               const struct accept_source *source);
/* Instead of accept_enter_all: nothing was entered, and nobody is called. */
void accept_request_drop(struct accept_request *request);
/* What the client of an item that was not created is told. */
struct problem accept_problem(const struct accept_item *item);
struct accept_context accept_context_of(const struct gateway *gateway, const struct http_request *http);
int accept_read_key(struct http_request *http,
                    const char **key); /* NULL when there is none; -1 after having refused */
/* false after having answered 503; http may be NULL: then nobody is answered. */
bool accept_is_known(struct gateway *gateway, struct http_request *http);
void accept_enter_all(struct accept_request *request);
void accept_set_event_id(struct accept_item *item, const char *text);
void accept_answer(struct accept_item *item, enum accept_outcome outcome);
void accept_finish(struct accept_item *item, enum accept_outcome outcome);
/* accept_keys.c */
void accept_fingerprint(struct accept_item *item, const char *body, size_t len);
void accept_enter(struct accept_item *item); /* into the queue, or behind an item with an equal key */
void accept_unclaim(struct accept_item *item);
/* What the leader's outcome means for those behind it. */
void accept_settle_followers(struct accept_item *leader, enum accept_outcome outcome);
const char *accept_key_of(const struct accept_item *item, enum accept_key_kind kind); /* NULL: none */
void accept_key_name(struct buf *name, enum accept_key_kind kind, const char *tenant, const char *key);
/* accept_owners.c */
/* Of items that lost a key: each finishes as its key's owner says. Copies the array. */
void accept_find_owners(struct accept *accept, struct accept_item **items, size_t count);
/* Finishes the items of which one of two keys is taken; the batch is then tried again. */
void accept_find_halves(struct accept_batch *batch);
/* accept_commit.c */
/* A flush at the end of this turn of the loop, and ticks until all is done. */
void accept_schedule(struct accept *accept);
void accept_commit_again(struct accept_batch *batch);
void accept_commit_start(struct accept *accept);
void accept_commit_stop(struct accept *accept);
/* The item of a row; the batch is sorted by id then. */
struct accept_item *accept_batch_find(const struct accept_batch *batch, const struct uuid *id);
void accept_check_drained(struct accept *accept);
/* accept_storage.c: a database that answers and cannot write */
void accept_storage_start(struct accept *accept);
void accept_storage_refused(struct accept *accept, const char *sqlstate, const char *message, size_t events);
void accept_storage_took(struct accept *accept);
/* accept_hint.c: what was stored goes onto the belt at once; best effort (protocol.txt §4) */
void accept_hint(struct accept *accept, const struct accept_batch *batch, const struct db_result *result);
