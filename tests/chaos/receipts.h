/*
 * receipts.h: what each platform received, in its order, item by item.
 *
 * Of a sending's content a hash is kept: of the body without what belongs to the sending itself (operation and webhook_id of an item,
 * _sync_metadata.started_at).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map.h"

#define PLATFORMS 3
extern const char *const chaos_platforms[PLATFORMS];

struct receipt {
    unsigned platform;
    int64_t seq, time_us, version, started_ms; /* started_ms 0: not told */
    int status; /* that this delivery, or item, was given; 0: none, or none that says anything: the answer was broken on purpose */
    bool bulk;
    char operation[8], fault[20];
    char event[40], webhook_id[64], record[40];
    uint64_t content;
    struct receipt *again; /* the next under this webhook-id, by their starts: one that was held up arrives behind later ones */
};

struct receipts {
    struct receipt **all; /* per platform in its order */
    size_t count;
    struct map *by_webhook; /* → the first to start */
};

struct receipts *receipts_read(void);
/* The request as the platform kept it, as text; "" when it did not. Stays until the next call. */
const char *receipts_text(const struct receipt *receipt);
/* "<event>.<platform>", from generation 2 on with ".<generation>"; and back: 1 where there is none. */
void receipt_webhook_id(char id[64], const char *event, const char *platform, int generation);
int receipt_generation(const struct receipt *receipt);
void receipts_free(struct receipts **receipts);
