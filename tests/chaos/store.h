/* store.h: the stack's Redis and PostgreSQL, past our own code and past the fault proxy. */
#pragma once
#include <stdint.h>

#include "buf.h"

/* One command, split at blanks; true when it was answered well. */
bool store_redis(const char *line);
/* A command on every key that matches; `rest` (may be NULL) goes behind the key. */
void store_redis_each(const char *pattern, const char *command, const char *rest);
/* Of a command on every key that matches (XPENDING: entries of the group "sync"); -1: no answer. */
int64_t store_redis_sum(const char *command, const char *pattern);
void store_drop_clients(void); /* ends every connection of our programs */

/* A statement as a superuser; rows of text, "" for null. NULL when PostgreSQL does not answer. */
struct rows;
struct rows *store_query(const char *sql);
void store_rows_free(struct rows **rows);
unsigned store_count(const struct rows *rows);
const char *store_text(const struct rows *rows, unsigned row, unsigned column);
int64_t store_int(const struct rows *rows, unsigned row, unsigned column);
int64_t store_number(const char *sql); /* the first value; -1: no answer */
