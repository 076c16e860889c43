/*
 * bulk_answer.h: what the answer to a REST bulk means; pure. DESIGN §5, "Bulk".
 *
 *   2xx with JSON {"results":[{"event_id","status"} …]}   each item by its status, an HTTP status; what has none is unknown
 *   2xx with anything else                                all items unknown
 *   404 405 501                                           there is no bulk here
 *   other 4xx, apart from 401 403 408 425 429             this bulk is not taken: in halves
 *   anything else                                         means the same for each item as for a single call
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "transfer.h"
#include "uuid.h"

enum bulk_meaning { BULK_ITEMS, BULK_SPLIT, BULK_ABSENT, BULK_WHOLE };
enum bulk_meaning bulk_answer_meaning(const struct answer *answer);

struct bulk_item {
    int status;              /* 0: unknown */
    const struct json *json; /* the item's answer: of `root` */
};
/* Fills `items`, one for each event; how many have no answer. *root is the caller's to free; *why tells what is wrong with the
 * answer when there is something wrong with it, else NULL. */
size_t bulk_answer_read(const struct answer *answer, const struct uuid *events, size_t count,
                        struct bulk_item *items, struct json **root, const char **why);

/* Whether bulks are tried: not for BULK_REST_MS after the platform said that it has none, or BULK_STRIKES times in a row gave
 * answers that are none. */
#define BULK_REST_MS (10 * 60 * 1000)
#define BULK_STRIKES 3
struct bulk_rest {
    int64_t until_ms;
    unsigned strikes;
};
bool bulk_rest_is_over(const struct bulk_rest *rest, int64_t now_ms);
void bulk_rest_absent(struct bulk_rest *rest, int64_t now_ms);
void bulk_rest_answered(struct bulk_rest *rest, bool well, int64_t now_ms);
