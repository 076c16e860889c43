/* received.h: what a fake platform received, in order: the newest requests whole, counts of all. */
#pragma once
#include <stdint.h>

#include "http.h"

#define RECEIVED_BYTES_MAX (256u << 20) /* of kept bodies and paths together */

struct received;

/* What was understood of a delivery, and what was done about it. */
struct received_facts {
    const char *record; /* any text that is the same for the same record; NULL: no record */
    int64_t version;    /* 0: none */
    int status;         /* as given; 0: no answer, or not all of it, was given */
    const char *fault;  /* the action of the rule that struck, or NULL */
    const int *items;   /* statuses of a bulk's items, 0: not taken; NULL: no bulk */
    size_t item_count;
};

struct received *received_new(size_t keep);
void received_free(struct received **received);
void received_clear(struct received *received);
void received_add(struct received *received, const struct http_request *request, const struct received_facts *facts);
/* One of a bulk's deliveries, after the bulk itself was added. */
void received_add_item(struct received *received, const char *webhook_id, const struct received_facts *facts);
/* {"received":[…],"next_after":N,"total":T}: entries with a sequence number above `after`, the oldest first: seq, time_us, method,
 * path, status, fault, of a bulk `items` (the status that each was given), headers, body. */
void received_write(const struct received *received, int64_t after, int64_t limit, struct buf *out);
/*
 * {"total","webhook_ids","duplicates","repeats","out_of_order","unsigned","items","first_us","last_us","kept","by_path":{…}}
 * total: requests; items: deliveries inside bulks, whose webhook-ids count as well. duplicates: a webhook-id that came again after a 2xx was given; repeats: that came again at all. out_of_order: a version
 * lower than one received before of the same record.
 */
void received_write_summary(const struct received *received, struct buf *out);
