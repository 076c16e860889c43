/*
 * hints.h: how far hints of one tenant may fill a stream (protocol.txt §4). Who publishes a few has the whole window; who
 * publishes more than is delivered at once has an eighth of it together with the others like him, and the rest of his comes as
 * ready rows do, tenants in turn. So a stream is never full of one tenant's backlog when another tenant's hint comes.
 */
#pragma once
#include <stdint.h>

struct hints;
struct hints *hints_new(int64_t window);
void hints_free(struct hints **hints);
/* One reference of the tenant is to be published now: the limit of the stream for it. */
int64_t hints_limit(struct hints *hints, const char *tenant, int64_t now_ms);
/* What a backlog, or a tenant that builds one up, may fill of a window of that size. */
int64_t hints_share(int64_t window);
