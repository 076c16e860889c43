/*
 * outcome.h: what a platform's answer means; pure. DESIGN §5, "Outcomes".
 *
 *   2xx                            delivered (or failed the section's success test: dead)
 *   408 425 429 5xx, transport     again later
 *   409 412 on a create            it is there: update instead; otherwise dead
 *   404 on an update               it is not there: create instead; on a delete: delivered (it is gone)
 *   410                            gone for good: dead, this target of the record is stopped
 *   3xx 401 403 TLS, HTML, 405, 404 on a create  the route's fault: pause it, count nothing against the event
 *   any other 4xx                  dead
 *   time-out after sending         unknown: again later under the same id
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform.h"
#include "transfer.h"

enum outcome_class {
    OUTCOME_DELIVERED,
    OUTCOME_RETRY,     /* again later */
    OUTCOME_UNKNOWN,   /* again later; it may have arrived */
    OUTCOME_AS_UPDATE, /* the same at once as an update */
    OUTCOME_AS_CREATE, /* the same at once as a create */
    OUTCOME_ROUTE,     /* the route is paused */
    OUTCOME_DEAD
};

struct outcome {
    enum outcome_class class;
    bool costs;           /* counts as one of the attempts */
    bool platform_ok;     /* speaks for the platform's health: it answered as it should */
    bool platform_failed; /* speaks against it: 5xx, time-out, transport */
    bool everywhere;      /* of OUTCOME_ROUTE: what is at fault (credential, certificate) serves all routes */
    char error[256];      /* why, for people; "" when delivered */
};
const char *outcome_name(
    enum outcome_class class); /* delivered, retry, unknown, dead … as in sync_results.outcome */
void outcome_judge(const struct answer *answer, enum verb verb, const struct platform_route *route,
                   struct outcome *outcome);
