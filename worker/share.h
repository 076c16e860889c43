/*
 * share.h: what the replicas of one platform's worker have in common: breaker, Retry-After, window, rates, and the slices of
 * them that each was lent; pure: times are arguments, in the database's milliseconds.
 *
 * One document in platform_status; a beat is one share_step(): what happened here goes in, this replica's slice for the next
 * moments comes out, and the document is written back unless another replica was faster (then the step is taken again on
 * what that one wrote). So a step sees all that was lent before it, and lends only what is left:
 *
 *   alone      the whole window; it grows and shrinks with each answer (gate.h)
 *   several    the window is divided by what each one has to send, one slot for each at least while there are as many; where
 *              there are fewer slots than replicas they go round, second by second. Lent slots count until their replica gives
 *              them back or is silent for SHARE_LIFE_MS, so that all together never start more than the window has.
 *
 * Tokens of a rate are lent for RATE_LENT_MS and counted as used from then on; what was not used comes back with the next
 * step. One replica alone probes an open breaker: `prober`, for as long as it has something to send and is not silent.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate.h"
#include "rate.h"

#define SHARE_REPLICAS_MAX 64
#define SHARE_RATES_MAX 64
#define SHARE_OWNER_MAX 80
#define SHARE_NAME_MAX 48

struct share_replica {
    char owner[SHARE_OWNER_MAX];
    int64_t until_ms;
    unsigned need; /* requests that it has to send or in flight */
    unsigned lent; /* slots of the window that it may use, or uses still */
    unsigned repeats; /* of these, for repeats */
    unsigned seen, ok; /* distinct records of the last seconds, and those that succeeded */
};

struct share_rate {
    char name[SHARE_NAME_MAX];
    struct rate rate;
};

struct share {
    enum gate_state breaker;
    int64_t open_until_ms, open_wait_ms;
    char prober[SHARE_OWNER_MAX]; /* "": nobody */
    int64_t probe_until_ms;
    int64_t closed_ms; /* when an outage ended; 0: there was none */
    int64_t held_until_ms; /* Retry-After */
    double window; /* 0: nobody has said */
    double proven; /* before the last trouble */
    bool steep;
    int64_t shrunk_ms;
    struct share_replica replicas[SHARE_REPLICAS_MAX];
    size_t replica_count;
    struct share_rate rates[SHARE_RATES_MAX];
    size_t rate_count;
};

/* Of one rate: what is given back and asked for. */
struct share_demand {
    const char *name;
    int64_t per_minute;
    int64_t unused, want;
    int64_t granted; /* set by the step */
};

/* What happened here since the last step that was written. */
struct share_report {
    const char *owner;
    bool leaving; /* nothing more will be sent */
    bool alone;   /* as it was told last: its window is then the window */
    int64_t life_ms; /* it has ended when it says nothing for so long: what it was lent comes back */
    unsigned need, in_flight, repeats_in_flight;
    unsigned window_max, window_start;
    unsigned seen, ok;
    struct gate_news news;
    int64_t held_until_ms;
    bool probes; /* its breaker is half open and there is something to send, or under way */
    struct share_demand *demands;
    size_t demand_count;
};

struct share_slice {
    bool alone;
    unsigned live;
    double window, proven;
    bool steep;
    unsigned slots, repeats;
    enum gate_state breaker;
    int64_t open_left_ms, open_wait_ms, held_left_ms;
    int64_t closed_age_ms; /* -1: it never opened */
    bool probe;
    unsigned others_seen, others_ok;
};

/* Where one's own slice is too small for its part to be a whole: part `rank` of `count` in this second. */
unsigned share_part(unsigned total, unsigned rank, unsigned count, int64_t now_ms);
/* Divides `total` slots: by need, at least one for each while there are enough. slots gets one number per need. */
void share_divide(unsigned total, const unsigned *needs, unsigned *slots, unsigned count, int64_t now_ms);

void share_step(struct share *share, struct share_report *report, int64_t now_ms, struct share_slice *slice);

/* share_text.c: the document as it stands in platform_status. */
struct buf;
void share_write(struct buf *out, const struct share *share);
int share_read(struct share *share, const char *text, size_t len); /* -1: it is none; share is then empty */
