/*
 * saleor.h: what a delivery to Saleor is: a plan, a short list of resumable steps; pure. Between the mapping, which knows our
 * records, and whoever sends (the worker) or shows (preview) the operations.
 *
 *   saleor_plan_new ──▶ saleor_plan_next ── operation ──▶ (sent, alone or beside others in one document)
 *                             ▲                                   │ data and errors of this operation
 *                             └── GO_ON ── saleor_plan_answer ◀───┘── DONE, SKIPPED, DEAD, RETRY, SLOW_DOWN, HOLD: over for now
 *
 * Every operation can be sent again after a crash with the same result. Records are found there by externalReference, which is
 * our record id, on customers, products and their variants, and orders. What Saleor has no place for goes into privateMetadata,
 * as JSON text under the key SALEOR_METADATA_KEY. When a sending started is not told (REST does, in _sync_metadata.started_at): that
 * would be a write of metadata with each attempt.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "graphql.h"
#include "json.h"
#include "msg.h"
#include "platform.h"

#define SALEOR_METADATA_KEY "data_sync"

/* What the slugs in the platform file stand for in this Saleor: looked up once per process, then shared by all plans. */
struct saleor_place {
    char channel_id[128];
    char warehouse_id[128];
    char product_type_id[128];
    char tax_class_id[128]; /* "" where the shop has none: then it takes no orders */
    char category_id[128];  /* "" where the file names none */
    char country[3];        /* the channel's own, for addresses without one; "" when not told */
};
#define SALEOR_PLACE_PARTS 5
/* The queries that look it up, one document; `variables` are the caller's to json_free after composing. Their count. */
size_t saleor_place_parts(const struct platform *platform, struct graphql_part parts[SALEOR_PLACE_PARTS]);
/* Reads the answer (ANSWERED). -1 and a sentence that names the setting: the platform is to be held, not the delivery blamed. */
int saleor_place_read(const struct platform *platform, const struct graphql_answer *answer,
                      struct saleor_place *place, struct buf *error);

/* A record that the one to be sent names: the customer of an order, the products of its items (struct parent of parents.h). */
struct saleor_parent {
    enum entity entity;
    const char *path;        /* where the record names it: "customer_id", "items[1].product_id" */
    const char *record_id;   /* ours: its externalReference there */
    const char *platform_id; /* Saleor's own id of it, when known; else NULL */
};

/* Everything is lent until saleor_plan_free. */
struct saleor_request {
    const struct platform *target;
    const struct platform_set *platforms;
    enum entity entity;    /* user, product, order */
    enum event_type type;  /* of the delivery's event */
    enum verb verb;        /* create, update, delete */
    const char *record_id; /* UUID text */
    const char *
        platform_id; /* Saleor's own id, as learnt before (its own webhook, an earlier delivery); NULL: not known */
    int64_t version;           /* of the record: steps done for another version are done again */
    const struct json *record; /* the canonical record, common names; NULL is fine for a delete */
    const struct json *notes;  /* field notes; may be NULL */
    const struct json *base;   /* what the target certainly has, common names; NULL: everything goes */
    int64_t base_seq;          /* as in mapping_request */
    const struct saleor_parent *parents;
    size_t parent_count;
    const struct saleor_place *place; /* NULL only in a preview */
    /* saleor_plan_steps of an earlier attempt of this delivery, or of this record's last delivery: ids stay known. May be NULL. */
    const struct json *steps;
    int64_t now_ms; /* database time: the date of an order that has none */
};

enum saleor_verdict {
    SALEOR_GO_ON,     /* ask saleor_plan_next */
    SALEOR_DONE,      /* delivered; saleor_plan_why may carry a remark */
    SALEOR_SKIPPED,   /* nothing was to be sent, or only what cannot be changed there; why says which */
    SALEOR_DEAD,      /* will never work as it is; why names the field */
    SALEOR_RETRY,     /* again later, counts as an attempt (as a 5xx would) */
    SALEOR_SLOW_DOWN, /* throttled: again later at no cost (as a 429) */
    SALEOR_HOLD       /* the credential may not do this: pause the route, no attempt is counted (as a 403) */
};
const char *saleor_verdict_name(enum saleor_verdict verdict);

struct saleor_operation {
    const char *name; /* of the document's root field: "customerCreate" */
    struct graphql_part part;
};

struct saleor_plan;
/* NULL and a sentence that names the field: this record can never be sent there (dead). */
struct saleor_plan *saleor_plan_new(const struct saleor_request *request, struct buf *error);
void saleor_plan_free(struct saleor_plan **plan);
/* The next operation, lent until the next call on the plan; the same one again until it is answered. NULL: the plan has ended, see
 * saleor_plan_verdict (a plan may end before its first operation: SKIPPED). */
const struct saleor_operation *saleor_plan_next(struct saleor_plan *plan);
enum saleor_verdict saleor_plan_verdict(const struct saleor_plan *plan);
/* The answer to the operation that saleor_plan_next gave: part `part` of an answer whose verdict is ANSWERED. Other verdicts are
 * the caller's (halves, pauses); a part that is REFUSED or TOO_MUCH alone ends with saleor_plan_refused. */
enum saleor_verdict saleor_plan_answer(struct saleor_plan *plan, const struct graphql_answer *answer,
                                       size_t part);
enum saleor_verdict saleor_plan_refused(struct saleor_plan *plan, const char *why);
const char *saleor_plan_why(const struct saleor_plan *plan); /* a sentence, "" when there is nothing to say */
/* True after a RETRY or HOLD because the channel, warehouse, product type, category or tax class is not there (any more): look the
 * place up again before the next attempt. */
bool saleor_plan_lost_place(const struct saleor_plan *plan);
/* To be stored with the delivery after each answer, and with the record at the end: ids learnt and steps completed. A new
 * reference, never NULL; small (under 2 kB). */
struct json *saleor_plan_steps(const struct saleor_plan *plan);
const char *saleor_plan_id(
    const struct saleor_plan *plan); /* Saleor's own id of the record; NULL: not learnt */

/* What a delivery would send: an array of {"operation","document","variables"}, or NULL and a sentence. Ids that only Saleor can
 * tell are placeholders: "<id of the product>"; every operation is taken to succeed, and steps is NULL. `remark` (may be NULL) gets
 * the plan's closing sentence, if any. */
struct json *saleor_preview(const struct saleor_request *request, struct buf *remark, struct buf *error);
