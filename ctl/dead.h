/* dead.h: what the sub-commands of syncctl dead share. */
#pragma once
#include "json.h"
#include "stores.h"

int dead_list(int argc, char **argv);
int dead_show(int argc, char **argv);
int dead_replay(int argc, char **argv);

/* A whole number from 1 to highest; -1 after a sentence. */
int dead_read_number(const char *option, const char *text, int64_t highest, int64_t *number);
/* "24h": that long ago, in unix ms; NULL: 0. -1 after a sentence. */
int dead_read_since(const char *text, int64_t *since_ms);
/* "*" is all tenants, which is NULL to the statements. */
const char *dead_tenant(const char *tenant);
/* The ID of show and replay, which stands before the options; NULL: there is none. */
const char *dead_take_id(int *argc, char ***argv);
/* "parked-17"; 0: it is not of that form. */
int64_t dead_parked_number(const char *id);

/* The event as dead_show shows it; NULL after a sentence: there is none, several have this id, or PostgreSQL does not answer. */
struct json *dead_find_event(struct stores *stores, const char *id);

/* Parked entries, newest first, as rows with an `id` of that form. number: that one; 0: any. -1 after a sentence. */
int dead_parked_read(struct stores *stores, int64_t number, const char *platform, int64_t since_ms, int64_t limit,
                     struct json *rows);
/* Publishes again what of its event waits, and removes it; the exit code. */
int dead_parked_replay(struct stores *stores, const struct conf *conf, const char *id, bool dry_run);
/* Publishes the reference of a row (id, record_id, seq, partition, priority, event_type, trace, tenant_id, target), to the router
 * where target is null: as owners do, so that fresh events keep their part of the window. Redis away: nothing is done, and the
 * owners find the row without it. */
void dead_publish(struct stores *stores, const struct conf *conf, const struct db_result *result, size_t row);
