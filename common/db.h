/*
 * db.h: asynchronous PostgreSQL over libpq's pipeline mode; the only door to libpq.
 *
 * A pool of connections per role that connect, and reconnect with back-off, by themselves; every statement is unnamed and
 * parameterised, sent whole with its own Sync, so statements of one connection succeed or fail each alone, and pgbouncer can
 * stand in front. Nothing is kept in a session: with DATABASE_URL alone a writer's or reader's statement, and a reader's
 * always, travels behind one that sets role and tenant for this transaction only (set_config(…, true)). Both share one
 * Sync, and what is between two Syncs is one transaction: an explicit BEGIN … COMMIT would stay open after an error, because
 * the COMMIT is skipped with the rest, and would fail the statements behind it. Parameters and results are in binary. A statement without an answer after `timeout_ms` costs its connection, which is then replaced; a server that says
 * nothing at all counts as away within a second (db_pulse.c), until it is heard again.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uuid.h"

struct event_base;
struct db;
struct db_result;
struct db_params;
struct db_array;

enum db_role { DB_OWNER, DB_WRITER, DB_READER };
enum db_status {
    DB_OK,
    DB_REFUSED, /* the server answered with an error: db_sqlstate, db_message; nothing of the statement was done */
    DB_AWAY,    /* never sent: no connection, or the ceiling of waiting statements is reached; a reader's: perhaps sent, and the
                   server is silent */
    DB_UNKNOWN  /* sent, and the connection was lost before the answer: it may have been committed */
};

struct db_config {
    const char *url;        /* owner */
    const char *writer_url; /* "" : url with SET LOCAL ROLE sync_writer */
    const char *reader_url; /* "" : url with SET LOCAL ROLE sync_reader */
    unsigned connections;   /* per role that is used */
    unsigned waiting_max;   /* statements in flight together, the ceiling; past it DB_AWAY */
    int64_t timeout_ms;     /* an answer's time */
    const char *name;       /* application_name */
};

/* Connects in the background. Learns the database clock's offset at every connect (clock_set_db_offset_ms). */
struct db *db_new(struct event_base *base, const struct db_config *config);
void db_free(struct db **db); /* statements in flight get DB_UNKNOWN first */
bool db_up(const struct db *db); /* at least one connection of the writer role is established, and the server answers */
/* Called on the loop whenever db_up changes. */
void db_on_state(struct db *db, void (*hook)(bool up, void *arg), void *arg);

/* The callback runs once, from the loop, never inside db_query; result is NULL unless status is DB_OK or DB_REFUSED and is
 * freed after the callback. Takes params (NULL: none). */
typedef void (*db_cb)(enum db_status status, const struct db_result *result, void *arg);
void db_query(struct db *db, enum db_role role, const char *sql, struct db_params *params, db_cb callback, void *arg);
/* As a reader of one tenant ("*": all): row-level security does the rest. */
void db_query_tenant(struct db *db, const char *tenant, const char *sql, struct db_params *params, db_cb callback, void *arg);

/* Parameters $1, $2 … in order of adding. Arrays become uuid[], int8[], int4[], int2[], text[], bytea[], bool[]. */
enum db_type { DB_UUID, DB_INT8, DB_INT4, DB_INT2, DB_TEXT, DB_BYTEA, DB_BOOL, DB_TIME /* timestamptz from unix ms */ };
struct db_params *db_params_new(void);
void db_params_free(struct db_params **params); /* only when never handed to db_query */
void db_add_null(struct db_params *params, enum db_type type);
void db_add_int(struct db_params *params, int64_t value);                  /* int8 */
void db_add_bool(struct db_params *params, bool value);
void db_add_text(struct db_params *params, const char *text);              /* NULL is null */
void db_add_text_len(struct db_params *params, const char *text, size_t len);
void db_add_uuid(struct db_params *params, const struct uuid *uuid);       /* NULL is null */
void db_add_bytes(struct db_params *params, const void *data, size_t len); /* bytea */
void db_add_time(struct db_params *params, int64_t unix_ms);               /* timestamptz */
struct db_array *db_add_array(struct db_params *params, enum db_type element); /* owned by params */
void db_array_null(struct db_array *array);
void db_array_int(struct db_array *array, int64_t value); /* int8, int4, int2: bug() when out of range */
void db_array_bool(struct db_array *array, bool value);
void db_array_text(struct db_array *array, const char *text); /* NULL is null */
void db_array_text_len(struct db_array *array, const char *text, size_t len);
void db_array_uuid(struct db_array *array, const struct uuid *uuid);
void db_array_bytes(struct db_array *array, const void *data, size_t len);
void db_array_time(struct db_array *array, int64_t unix_ms);
size_t db_array_count(const struct db_array *array);

/* Results: rows of binary columns; the getter must fit the column's type (bug() otherwise). */
size_t db_rows(const struct db_result *result);
int db_column(const struct db_result *result, const char *name); /* bug() when there is none */
bool db_is_null(const struct db_result *result, size_t row, int column);
int64_t db_get_int(const struct db_result *result, size_t row, int column);   /* int2, int4, int8 */
bool db_get_bool(const struct db_result *result, size_t row, int column);
const char *db_get_text(const struct db_result *result, size_t row, int column, size_t *len); /* NUL-terminated; NULL if null */
const void *db_get_bytes(const struct db_result *result, size_t row, int column, size_t *len); /* NULL if null */
int db_get_uuid(const struct db_result *result, size_t row, int column, struct uuid *uuid);   /* -1 if null */
int64_t db_get_time_ms(const struct db_result *result, size_t row, int column); /* timestamptz → unix ms; INT64_MIN if null */
double db_get_real(const struct db_result *result, size_t row, int column);     /* float8 */
/* int8[] / int4[] / int2[] → values (at most max), the count. text[]: see db_get_texts. */
size_t db_get_ints(const struct db_result *result, size_t row, int column, int64_t *values, size_t max);
/* text[] → texts (not NUL-terminated; NULL for null) and their lengths (at most max), the count. */
size_t db_get_texts(const struct db_result *result, size_t row, int column, const char **texts, size_t *lens, size_t max);
/* Is the refusal about what the statement carries (data, constraints, limits), rather than about the state of the server? */
bool db_refused_data(const char *sqlstate);
const char *db_sqlstate(const struct db_result *result); /* of DB_REFUSED: five characters */
const char *db_message(const struct db_result *result);
