/*
 * changes.h: statements of requests that change something, other than new events.
 *
 *   sent ──answered─▶ callback ─▶ forgotten
 *     └──PostgreSQL falls silent─▶ callback with DB_UNKNOWN ─▶ orphan ──answered at last─▶ forgotten
 *
 * A connection that is lost says so itself. A server that hangs does not, and what was sent to it stays sent: the client hears within
 * a second that nobody knows, and the late answer finds nobody.
 */
#pragma once
#include "db.h"
#include "http.h"

struct changes;
struct store;
struct event_base;

struct changes *changes_new(struct event_base *base, struct store *store);
void changes_free(struct changes **changes); /* after the store: every statement has ended */
/* As db_query of a writer; the callback runs once, and may be told DB_UNKNOWN before the statement has ended. */
void changes_query(struct changes *changes, const char *sql, struct db_params *params, db_cb callback,
                   void *arg);
/* Answers 503; `advice` says what to look at where the outcome is unknown. */
void changes_refuse(struct http_request *request, enum db_status status, const struct db_result *result,
                    const char *advice);
