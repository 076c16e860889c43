/* stores_fixture.h: what stands in the stack's PostgreSQL and Redis, past all of our own code. Texts stay until the program ends. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* As a superuser on the service's database. The first value of the first row; NULL when there is no row or it is null. */
const char *sql_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
int64_t sql_int(const char *format, ...) __attribute__((format(printf, 1, 2))); /* a failed test when it is no whole number */
void sql_do(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool sql_try(const char *format, ...) __attribute__((format(printf, 1, 2))); /* false: it fails, or PostgreSQL is away */
/* A body column (format byte, then text) as text, for use in statements: sql_text("SELECT " SQL_BODY("data") " FROM …"). */
#define SQL_BODY(column) "convert_from(substr(" column ", 2), 'UTF8')"

/* One command, split at blanks; its answer: 12, word, nil, (ERR what), [a b [c d]]. */
const char *redis_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
int64_t redis_number(const char *format, ...) __attribute__((format(printf, 1, 2)));
