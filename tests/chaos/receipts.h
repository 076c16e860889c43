/*
 * receipts.h: what each platform received, in its order, item by item; and what the workers' logs say of each sending.
 *
 * Of a sending's content a hash is kept: of the body without what belongs to the sending itself (operation, webhook_id of an item;
 * _sync_metadata.started_at, where deliveries carry it).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map.h"

#define PLATFORMS 3
extern const char *const platform_names[PLATFORMS];

struct receipt {
    unsigned platform;
    int64_t seq, time_us, version, started_ms; /* started_ms 0: not told */
    int status; /* of the single call, or of the bulk as a whole; 0: the answer did not end well */
    bool bulk;
    char operation[8], fault[20];
    char event[40], webhook_id[64], record[40];
    uint64_t content;
    struct receipt *again; /* the next under this webhook-id */
};

/* An attempt that ended: a line of a worker's log, or a row of sync_results (process ""). */
struct attempt {
    struct attempt *next; /* of the same delivery, in no order */
    int64_t ended_us;     /* to the millisecond */
    char process[32], outcome[12];
    int status;
};

struct receipts {
    struct receipt **all; /* per platform in its order */
    size_t count, folded; /* folded: log lines that were left out */
    struct map *by_webhook; /* → the first */
    struct map *attempts;   /* webhook-id of generation 1 → struct attempt */
};

struct receipts *receipts_read(void);
/* The request as the platform kept it, as text; "" when it did not. Stays until the next call. */
const char *receipts_text(const struct receipt *receipt);
void receipts_free(struct receipts **receipts);
