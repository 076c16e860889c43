/*
 * db_session.h: one blocking connection to PostgreSQL, for what has nothing else to do until the answer is there: migrations
 * at start-up. Everything that runs on the loop uses db.h.
 */
#pragma once
#include <stdbool.h>

#include "buf.h"

struct db_session;

bool db_url_valid(const char *url); /* libpq's own words for a bad URL may quote the password, so they are not offered */

/* Connects within 2 s. NULL: PostgreSQL cannot be reached, `error` says why. */
struct db_session *db_session_open(const char *url, const char *name, struct buf *error);
void db_session_close(struct db_session **session); /* a transaction that is open is rolled back */
/* Several statements in one text. -1: failed; a transaction that was open stays so until db_session_rollback. */
int db_session_run(struct db_session *session, const char *sql);
/* One statement with text values (NULL is null); the last one is binary when its length is given. */
int db_session_ask(struct db_session *session, const char *sql, int count, const char *const *values, int binary_len);
/* Of the last answer's first row, as text; NULL: no row, or null. Valid until the next call. */
const char *db_session_value(const struct db_session *session, int column);
void db_session_rollback(struct db_session *session);
/* Of the statement that failed last; both stay until the next statement. */
const char *db_session_sqlstate(const struct db_session *session); /* "" when the connection was lost */
const char *db_session_message(const struct db_session *session);
bool db_session_lost(const struct db_session *session);
