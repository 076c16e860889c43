/*
 * shipment.h: one request to the platform, and the works that it carries: one work (a single REST call), many (a bulk, a
 * GraphQL document).
 *
 *   gathered ── shipment_start ──▶ in flight ── answer ──▶ its kind gives each work its part of the answer ──▶ gone
 *                                      │
 *                                      └── the partition of a work was lost: its place is empty, the others go on;
 *                                          the last one left: aborted ──▶ gone
 *
 * A shipment may carry nobody: a look-up that serves all works. A work belongs to at most one shipment (work->shipment), and only while that is in flight. The gate counts shipments, the
 * platform's health is told record by record (verdict.h).
 */
#pragma once
#include "worker.h"

struct shipment_kind {
    /* The works are the shipment's no longer; each must be concluded or go on. */
    void (*answered)(struct shipment *shipment, const struct answer *answer);
};

/* Owner: worker->transfers' callback from shipment_start on. */
struct shipment {
    struct worker *worker;
    const struct shipment_kind *kind;
    struct transfer *transfer;
    char *path;     /* whose pause counts: the route's, behind the base URL */
    bool repeat;    /* counts among the repeats in flight */
    bool mutations; /* of a GraphQL document */
    size_t count;
    struct work *works[]; /* NULL: its partition was lost meanwhile */
};

struct shipment *shipment_new(struct worker *worker, const struct shipment_kind *kind, const char *path,
                              size_t works_max);
void shipment_free(struct shipment *shipment); /* one that was not started */
void shipment_add(struct shipment *shipment, struct work *work);

/* A REST request: Standard Webhooks headers for the whole, credential, trace (may be NULL). */
struct shipment_request {
    enum platform_method method;
    const char *path; /* NULL: the shipment's */
    const char *webhook_id;
    const char *trace;
    const struct buf *body;
    size_t keep_max; /* bytes of the answer that are needed; 0: the usual beginning */
};
void shipment_post(struct shipment *shipment, const struct shipment_request *request);
/* A GraphQL document: credential, and the trace of the only work. */
void shipment_query(struct shipment *shipment, const char *url, const struct buf *body);
/* Any request; its route's probe, gate and the works' states are the shipment's business. */
void shipment_start(struct shipment *shipment, const struct transfer_request *request);

/* The work's partition was lost: the shipment goes on without it, or ends with its last one. True when the work's part may have
 * reached the platform. */
bool shipment_leave(struct work *work);
