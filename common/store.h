/*
 * store.h: the database as a service meets it: migrated, its settings read, reachable or not.
 *
 * Start-up does not wait for PostgreSQL (I11): store_new returns at once, migrations run as soon as it answers (tried again
 * with back-off), and store_up is false until then. Registers the readiness check "postgresql" with the service.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db.h"
#include "msg.h"

struct service;
struct store;
struct store *store_new(struct service *service); /* DATABASE_URL and friends from service_conf */
void store_free(struct store **store);
struct db *store_db(struct store *store);
bool store_up(const struct store *store); /* migrated, settings known, a connection is there */
/* Called at every change of store_up. More than one hook may be added. */
void store_on_state(struct store *store, void (*hook)(bool up, void *arg), void *arg);
/* 32 random bytes made when the database was initialised: key of idempotency fingerprints. Only while store_up has been true. */
const uint8_t *store_fingerprint_key(const struct store *store);
int64_t store_partitions(const struct store *store);

/* A row of (id, record_id, seq, event_type, trace, tenant_id) as a reference for the belt. */
void store_read_ref(const struct db_result *result, size_t row, struct ref *ref);
