/*
 * db_internal.h: what the files of db share; nobody else includes it.
 *
 *   db.c          pools per role, dispatch, ceiling, the database's clock        no libpq
 *   db_conn.c     one connection: connect, send, receive, lose, come back        libpq-fe.h
 *   db_pulse.c    a server that is there and does not answer                     no libpq
 *   db_params.c   parameters and arrays in the wire's binary form                no libpq
 *   db_result.c   values out of an answer                                        libpq-fe.h
 *   db_session.c  a blocking connection, for migrations                          libpq-fe.h
 *
 * A statement moves  asked → (early) → waiting → pending → finished.  Until it is pending libpq has not seen it, so when its
 * connection goes it certainly never left (DB_AWAY); from then on a byte may have left (DB_UNKNOWN).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db.h"

struct event;
struct event_base;
struct pg_result; /* libpq's PGresult */

enum { DB_ROLES = 3, DB_CLOCK_SAMPLES = 8 };

struct db_result {
    struct pg_result *pg;
};
void db_result_clear(struct pg_result **pg);

struct db_wire { /* arguments of PQsendQueryParams; everything is binary */
    int count;
    unsigned *types;
    const char **values;
    int *lengths;
    int *formats;
};
const struct db_wire *db_params_wire(struct db_params *params); /* valid until the next change of params */

struct db_statement {
    struct db_statement *next;
    char *sql;
    struct db_params *params; /* owned; may be NULL */
    const char *scope_role;   /* NULL: sent alone; else db_role.sql or db_tenant.sql goes before it, in the same transaction */
    char *tenant;             /* readers only */
    db_cb callback;
    void *arg;
    int64_t asked_ms;
    bool counted; /* in db->in_flight */
    /* the answer so far */
    unsigned step; /* commands whose answers are complete */
    bool answered; /* the current command has given a result */
    bool failed;   /* result is the first error */
    bool unknown;  /* the error is of a kind that leaves the outcome open */
    struct pg_result *result;
};

struct db_queue { /* first in, first out */
    struct db_statement *head;
    struct db_statement *tail;
    unsigned count;
};
void db_queue_push(struct db_queue *queue, struct db_statement *statement);
struct db_statement *db_queue_pop(struct db_queue *queue); /* NULL when empty */

struct db_conn;
struct db_pool {
    struct db *db;
    enum db_role role;
    const char *name;       /* owner, writer, reader: for the log */
    char *url;
    const char *scope_role; /* of every statement, for its transaction; NULL: statements go alone */
    struct db_conn **conns;
    unsigned established;
    bool opened;            /* connections exist: at db_new for the writer, else at the first statement */
    bool settled;           /* the first attempt to connect has ended, well or not */
    bool said;              /* the log knows the state below */
    bool said_up;
    struct db_queue early;  /* statements that wait for `settled` */
    unsigned quiet;         /* ticks without a byte while something waits: db_pulse.c */
    bool mute;              /* connected, and silent */
    struct db_conn *spare;  /* to ask with where all others are busy; takes no statements. NULL: none */
    unsigned unneeded;      /* ticks that it was not needed */
};

struct db_clock_sample {
    int64_t at_ms;
    int64_t round_trip_us;
    int64_t offset_ms;
};

struct db_hook {
    struct db_hook *next;
    void (*hook)(bool up, void *arg);
    void *arg;
};

struct db {
    struct event_base *base;
    char *name;
    unsigned connections;
    unsigned waiting_max;
    int64_t timeout_ms;
    struct db_pool pools[DB_ROLES];
    unsigned in_flight;
    struct db_queue refused; /* DB_AWAY on the next turn of the loop */
    struct event *refuse_timer;
    struct event *pulse_timer;
    struct db_hook *hooks;
    bool up;
    unsigned in_callback; /* depth */
    bool closing;
    struct db_clock_sample samples[DB_CLOCK_SAMPLES];
    unsigned sample_next;
};

/* db.c, called by connections */
struct db_statement *db_statement_new(const char *sql, struct db_params *params, db_cb callback, void *arg);
void db_statement_finish(struct db *db, struct db_statement *statement, enum db_status status); /* calls back and frees */
void db_pool_conn_up(struct db_pool *pool);
void db_pool_conn_down(struct db_pool *pool, bool was_up, const char *why); /* also after an attempt that failed */
void db_pool_changed(struct db_pool *pool, const char *why); /* mute, or not any more */
void db_clock_sample(struct db *db, int64_t round_trip_us, int64_t offset_ms);

/* db_conn.c */
struct db_conn *db_conn_new(struct db_pool *pool, bool spare); /* a spare one says what it hears, and counts for nothing */
void db_conn_free(struct db_conn **conn); /* its statements are finished first */
bool db_conn_up(const struct db_conn *conn);
unsigned db_conn_load(const struct db_conn *conn);
bool db_conn_idle(const struct db_conn *conn); /* up, and nothing waits for an answer */
void db_conn_add(struct db_conn *conn, struct db_statement *statement); /* conn is up; sent in this turn of the loop */
void db_conn_abandon(struct db_conn *conn); /* DB_AWAY to all who wait; answers that still come are for nobody */

/* db_pulse.c */
void db_pulse_start(struct db *db);
void db_pulse_stop(struct db *db); /* before the pools are released */
void db_pulse_watch(struct db *db); /* something was sent */
void db_pulse_heard(struct db_pool *pool); /* something came */
