/*
 * migrate.h: creates and migrates the tables; blocking, at start-up only, in a helper process's place: before the loop runs.
 *
 * Numbered migrations, each in a transaction under one transaction-scoped advisory lock, so replicas that start together are
 * safe. schema_migrations(number, name, applied_at, min_reader): a process refuses only a database whose newest min_reader is
 * above its own newest number. `partitions` is stored once (settings) and must match ever after.
 */
#pragma once
#include <stdint.h>

#include "buf.h"

struct migration {
    int number;
    const char *name;
    const char *sql;
};
extern const struct migration migrations[];
/* Hot statements as functions, made from common/sql at build time; the name carries the text's hash. A release adds its own and
 * leaves those of the one before alone: its processes may still run. */
extern const struct migration functions[];

/* 0: the tables are there and ours. 1: PostgreSQL cannot be reached now: call again later. -1: refused, for good; both with a
 * sentence in `error`. */
int migrate_run(const char *url, int64_t partitions, struct buf *error);
