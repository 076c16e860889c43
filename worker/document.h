/*
 * document.h: GraphQL documents: the next operations of several plans (plan.h) in one request, queries with queries, mutations with
 * mutations, at most as many as the platform's file says and the platform has borne.
 *
 *   the whole    time-out, 5xx, throttled …     as for a single REST call, for each of them
 *                too costly                     again at once, fewer together
 *                refused                        again at once in halves; alone: dead
 *                credential, HTML, no route     "/graphql/" is paused, nothing counted
 *   each part    goes on, or ends its delivery; one part's failure is no other's
 *
 * What the slugs in the file stand for (channel, warehouse …) is looked up before the first plan begins: plans wait for it.
 */
#pragma once
#include "worker.h"

#define DOCUMENT_PATH "/graphql/" /* whose pause counts */

void document_configure(struct worker *worker); /* the platform's file was read */
/* Starts a request for what waits in `queries` and `mutations`, or concludes works of them; false: nothing can be done now. */
bool document_start(struct worker *worker);
