/*
 * client.h: the clients of the service: they post what the ledger draws, one by one and in bulk, to any gateway, hang up on some
 * requests, and repeat what has a key until they know.
 */
#pragma once
#include "ledger.h"

struct event_base;
struct client;
struct client *client_new(struct event_base *base, struct ledger *ledger);
void client_free(struct client **client);
void client_post(struct client *client);    /* the next request, unless too many wait for their answers */
void client_tick(struct client *client);    /* repeats what is due, hangs up where that was drawn */
size_t client_open(const struct client *client); /* requests under way, and such that must be repeated */

struct client_counts {
    size_t requests, bulks, hung_up, repeated, unavailable, unknown, failed;
};
struct client_counts client_counts(const struct client *client);
const char *client_complaints(const struct client *client); /* answers that nobody could expect; one line each */
