/*
 * load_client.h: HTTP/1.1 clients that post numbered events and say what became of each.
 *
 * One request at a time on each connection. Nothing is repeated: an event whose connection broke counts as failed, its fate
 * is unknown, and the check afterwards allows it to have arrived or not.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "../fake-platform/histogram.h"
#include "buf.h"

struct event_base;
struct load_client;

struct load_options {
    char host[64];      /* numeric */
    uint16_t port;
    char path[128];
    const char *token;  /* NULL: no Authorization */
    const char *run;    /* prefix of ids and idempotency keys: letters, digits, dashes */
    const char *tenant;
    unsigned connections;
    unsigned batch;     /* events of a request; 1: one as the whole body, more: NDJSON */
    int64_t first;      /* number of the first event */
    int64_t count;      /* events at the most */
    int64_t records;    /* distinct records; 0: each event has its own */
    double seconds;     /* time at the most */
    double rate;        /* events a second; 0: as fast as answers come */
};

struct load_totals {
    int64_t sent, accepted, failed; /* events */
    int64_t late;                   /* requests that had to wait for a free connection */
    int64_t broken;                 /* connections that ended early */
    uint64_t statuses[600];         /* requests by HTTP status */
    struct histogram answer_us;     /* from a request's due time to its answer */
    int64_t started_us, ended_us;
};

/* on_failed is told every event's number that was not accepted. */
typedef void (*load_failed_cb)(int64_t number, void *arg);
struct load_client *load_client_new(struct event_base *base, const struct load_options *options, load_failed_cb on_failed,
                                    void *arg);
void load_client_free(struct load_client **client);
void load_client_run(struct load_client *client); /* returns when all is answered, or 30 s after the last was sent */
const struct load_totals *load_client_totals(const struct load_client *client);
