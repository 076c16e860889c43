/*
 * inbound.h: what the inbound files share: POST /sync/inbound/{platform}.
 *
 *   request ─▶ the platform's file ─▶ signature (inbound_keys: the shop's keys, fetched when needed) ─▶ objects become events
 *           ─▶ accept_inside ─▶ answer
 *
 * The signature is the only credential; nothing of a body is looked at before it fits.
 */
#pragma once
#include "accept_inside.h"
#include "platform_inbound.h"
#include "webhook.h"

#define INBOUND_KEYS_FRESH_MS 3600000 /* fetched keys are asked for again after this */
#define INBOUND_KEYS_KEPT_MS 86400000 /* and still used for so long when the shop does not answer */
#define INBOUND_KEYS_AGAIN_MS 60000   /* between fetches because of a signature that no key fits */
#define INBOUND_KEYS_RETRY_MS 5000    /* between fetches that fail */
#define INBOUND_KEYS_TIMEOUT_MS 5000
#define INBOUND_KEYS_BYTES_MAX 65536

struct inbound_keys;

#define INBOUND_OUTCOMES(X)                                                  \
    X(ACCEPTED, "accepted") /* became an event, now or when it first came */ \
    X(IGNORED, "ignored")   /* an event that nothing becomes of */           \
    X(REFUSED, "refused")   /* not signed well, or does not validate */      \
    X(LATER, "later")       /* the sender shall try again */
enum inbound_outcome {
#define X(name, text) INBOUND_##name,
    INBOUND_OUTCOMES(X)
#undef X
        INBOUND_OUTCOMES_COUNT
};

/* Of one platform, from its first webhook on. Owner: struct inbound. */
struct inbound_door {
    struct gateway *gateway;
    char name[MSG_PLATFORM_MAX + 1];
    struct inbound_keys *keys;
    struct stat *outcomes[INBOUND_OUTCOMES_COUNT];
};

struct inbound {
    struct gateway *gateway;
    struct map *doors; /* by the platform's name */
};

/* inbound.c: goes on with a request whose keys are here, or could not be had. */
void inbound_verify(struct inbound_door *door, struct http_request *http, bool fetched);

/* inbound_event.c: a verified body becomes events. */
struct inbound_delivery {
    struct inbound_door *door;
    const struct platform *platform;
    struct http_request *http;
};
/* Answers, now or when the events are stored. */
void inbound_deliver(const struct inbound_delivery *delivery);

/* One webhook on its way to the events. Owner: the accept request, through its done_arg, once that has begun. */
struct arrival {
    struct inbound_door *door;
    struct http_request *http;
    const struct platform *platform; /* these three until inbound_deliver returns */
    const struct platform_inbound *inbound;
    const struct json *body;
    const struct inbound_event *event; /* the file's; own when it has none */
    struct inbound_event own;          /* in our own words already */
    const char *name;                  /* of the event; on the heap */
    const char *tenant;                /* NULL: none given */
    char *key;                         /* of idempotency, without the object's place */
    struct json *objects;              /* array: what they are about */
    struct json *pointers;             /* array of texts: where they stand in the body */
    size_t count;
};

void inbound_arrival_free(struct arrival *arrival);
const char *inbound_time(
    const struct arrival *arrival); /* of the event, as the platform says; NULL: it does not */
/* inbound_accept.c: its events; takes the arrival. */
void inbound_enter(struct arrival *arrival);

void inbound_count(const struct inbound_door *door, enum inbound_outcome outcome);
/* Counts, logs the type and the first pointer, and answers. */
void inbound_refuse(const struct inbound_door *door, struct http_request *http,
                    const struct problem *problem);

/* 422 with one mistake; -1. inbound_event.c */
int inbound_refuse_member(const struct arrival *arrival, const char *pointer, const char *detail);

/* inbound_keys.c */
struct inbound_keys *inbound_keys_new(struct inbound_door *door);
void inbound_keys_free(struct inbound_keys **keys);
/* The keys as they are now, lent; NULL: there are none. */
const struct json *inbound_keys_now(const struct inbound_keys *keys, const char *url);
/* May, and so must, they be fetched before this signature is judged? fits: false when no key that is here fits it. */
bool inbound_keys_due(const struct inbound_keys *keys, const char *url, bool fits);
bool inbound_keys_failed(const struct inbound_keys *keys); /* the last fetch */
/* Fetches, or waits for a fetch under way; then inbound_verify(…, true) for every request that waits. */
void inbound_keys_fetch(struct inbound_keys *keys, const char *url, bool allow_private,
                        struct http_request *http);
