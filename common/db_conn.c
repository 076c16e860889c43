/*
 * db_conn.c: one connection to PostgreSQL in pipeline mode: it connects, sends, receives, is lost and comes back.
 *
 *             back-off over            libpq ready              clock known
 *   WAITING ───────────────▶ CONNECTING ─────────▶ PROBING ─────────────────▶ UP
 *      ▲                         │ refused, 3 s        │ lost, 3 s             │ lost, or no answer in time
 *      └─────────────────────────┴─────────────────────┴──────────────────────┘
 *
 * Nothing here runs inside db_query but db_conn_add, which only queues. A statement is handed to libpq when everything before
 * it has left, so at most one is half sent, and what waits is known never to have left. Reading goes on while writing is
 * blocked: a server that cannot write does not read, and both would wait for ever. One of the files of db that include libpq-fe.h
 * (db_internal.h lists them).
 */
#include <event2/event.h>
#include <libpq-fe.h>
#include <string.h>

#include "clock.h"
#include "db_internal.h"
#include "log.h"
#include "mem.h"
#include "sql.h"

#define CONNECT_MS 3000
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 2000
#define LOAD_STATEMENT_MS 10 /* waited for, as much as one more statement in the way */
#define REASON_MAX 200
#define OPTIONS "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=30000"

enum conn_state { WAITING, CONNECTING, PROBING, UP };
static const char *const state_names[] = {"waiting", "connecting", "probing", "up"};

struct db_conn {
    struct db_pool *pool;
    enum conn_state state;
    PGconn *pg;
    struct event *read_event;  /* while connecting: whatever libpq waits for */
    struct event *write_event; /* one-shot: activated to send, added while blocked */
    struct event
        *timer; /* WAITING: reconnect; CONNECTING, PROBING: give up; UP: look for answers that are late */
    struct db_queue waiting; /* not seen by libpq yet */
    struct db_queue pending; /* handed to libpq, the answers come in this order */
    bool blocked;            /* libpq holds bytes that the socket did not take */
    bool spare;              /* to ask with, not to work with */
    bool plain;              /* a pooler in front refuses the start-up options: connect without */
    int64_t backoff_ms;
    int64_t probe_us;
};

static void conn_enter(struct db_conn *conn, enum conn_state state)
{
    log_debug("database connection", LOG_STR("role", conn->pool->name),
              LOG_STR("from", state_names[conn->state]), LOG_STR("to", state_names[state]));
    conn->state = state;
}

static void conn_arm(struct db_conn *conn, int64_t ms)
{
    struct timeval span = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    evtimer_add(conn->timer, &span);
}

static void event_drop(struct event **event)
{
    if (*event)
        event_free(*event);
    *event = NULL;
}

/* Between half of the back-off and all of it, so that processes do not come back in step. */
static int64_t backoff_next(struct db_conn *conn)
{
    uint32_t random;
    evutil_secure_rng_get_bytes(&random, sizeof(random));
    int64_t half = conn->backoff_ms / 2;
    conn->backoff_ms = conn->backoff_ms * 2 < BACKOFF_MAX_MS ? conn->backoff_ms * 2 : BACKOFF_MAX_MS;
    return half + random % (half + 1);
}

static void conn_disconnect(struct db_conn *conn)
{
    event_drop(&conn->read_event); /* before the descriptor is closed */
    event_drop(&conn->write_event);
    PQfinish(conn->pg);
    conn->pg = NULL;
    conn->blocked = false;
}

static void conn_finish_all(struct db_conn *conn)
{
    struct db_queue pending = conn->pending, waiting = conn->waiting;
    conn->pending = conn->waiting = (struct db_queue){0};
    struct db_statement *statement;
    while ((statement = db_queue_pop(&pending)))
        db_statement_finish(conn->pool->db, statement, DB_UNKNOWN);
    while ((statement = db_queue_pop(&waiting)))
        db_statement_finish(conn->pool->db, statement, DB_AWAY);
}

/* Some versions of pgbouncer refuse start-up options: then it is asked again at once, without. */
static bool conn_simplify(struct db_conn *conn, const char *why)
{
    if (conn->plain || conn->state != CONNECTING || !strstr(why, "unsupported startup parameter"))
        return false;
    conn->plain = true;
    conn_disconnect(conn);
    conn_enter(conn, WAITING);
    conn_arm(conn, 0);
    return true;
}

/* Ends in WAITING with everything answered. `why` may be libpq's text: only its first line is kept. */
static void conn_lose(struct db_conn *conn, const char *why)
{
    char reason[REASON_MAX];
    snprintf(reason, sizeof(reason), "%.*s", (int)strcspn(why, "\n"), why);
    if (conn_simplify(conn, reason))
        return;
    bool was_up = conn->state == UP;
    conn_disconnect(conn);
    conn_enter(conn, WAITING);
    int64_t delay_ms = backoff_next(conn);
    conn_arm(conn, delay_ms);
    log_debug("database connection lost", LOG_STR("reason", reason), LOG_INT("again_in_ms", delay_ms));
    if (!conn->spare)
        db_pool_conn_down(conn->pool, was_up, reason);
    else if (strstr(reason, "FATAL")) /* refused by a server that is there */
        db_pulse_heard(conn->pool);
    conn_finish_all(conn);
}

static int send_scope(PGconn *pg, const struct db_statement *statement)
{
    const char *values[] = {statement->scope_role, statement->tenant};
    const char *sql = statement->tenant ? sql_db_tenant : sql_db_role;
    return PQsendQueryParams(pg, sql, statement->tenant ? 2 : 1, NULL, values, NULL, NULL, 1);
}

static int send_statement(PGconn *pg, struct db_statement *statement)
{
    static const struct db_wire none;
    const struct db_wire *wire = statement->params ? db_params_wire(statement->params) : &none;
    if (statement->scope_role && !send_scope(pg, statement))
        return 0;
    return PQsendQueryParams(pg, statement->sql, wire->count, wire->types, wire->values, wire->lengths,
                             wire->formats, 1) &&
           PQpipelineSync(pg);
}

/* An error after which nobody knows what became of the statement: the server or a pooler is going away. */
static bool leaves_unknown(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return !state || !strncmp(state, "08", 2) || !strncmp(state, "57P", 3) ||
           (severity && (!strcmp(severity, "FATAL") || !strcmp(severity, "PANIC")));
}

/* One result of the oldest statement: the first error counts, else the answer to the statement itself. */
static void take_result(struct db_statement *statement, PGresult *result)
{
    statement->answered = true;
    ExecStatusType status = PQresultStatus(result);
    bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
    bool is_statement = statement->step == (statement->scope_role ? 1 : 0);
    if (status == PGRES_PIPELINE_ABORTED || statement->failed || (good && !is_statement)) {
        PQclear(result);
        return;
    }
    if (!good) {
        statement->failed = true;
        statement->unknown = leaves_unknown(result);
    }
    PQclear(statement->result);
    statement->result = result;
}

/* The Sync is answered: the transaction has ended, and only now the outcome holds. */
static void finish_oldest(struct db_conn *conn)
{
    struct db_statement *statement = db_queue_pop(&conn->pending);
    enum db_status status = statement->failed ? DB_REFUSED : DB_OK;
    if (statement->unknown || !statement->result)
        status = DB_UNKNOWN;
    db_statement_finish(conn->pool->db, statement, status);
}

/* Takes every answer that is complete. libpq gives NULL at the end of each command, and for ever when it has nothing. */
static void conn_take(struct db_conn *conn)
{
    unsigned empty = 0;
    while (!PQisBusy(conn->pg) && conn->pending.head && empty < 2) {
        struct db_statement *oldest = conn->pending.head;
        PGresult *result = PQgetResult(conn->pg);
        if (!result) {
            empty++;
            oldest->step += oldest->answered;
            oldest->answered = false;
            continue;
        }
        empty = 0;
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            finish_oldest(conn);
        } else {
            take_result(oldest, result);
        }
    }
}

/* libpq keeps its errors for the reader: a connection that is gone is found there, with the server's last words. */
static void conn_send(struct db_conn *conn)
{
    int left = conn->blocked ? PQflush(conn->pg) : 0;
    while (left == 0 && conn->waiting.head) {
        struct db_statement *statement = db_queue_pop(&conn->waiting);
        db_queue_push(&conn->pending, statement);
        left = send_statement(conn->pg, statement) ? PQflush(conn->pg) : -1;
        db_params_free(&statement->params);
    }
    if (left < 0) {
        conn_take(conn); /* what was answered before still counts */
        conn_lose(conn, PQerrorMessage(conn->pg));
        return;
    }
    conn->blocked = left == 1;
    if (conn->blocked)
        event_add(conn->write_event, NULL);
    if (conn->state == UP && conn->pending.head && !evtimer_pending(conn->timer, NULL))
        conn_arm(conn, conn->pool->db->timeout_ms);
    db_pulse_watch(conn->pool->db);
}

static void conn_receive(struct db_conn *conn)
{
    bool open = PQconsumeInput(conn->pg);
    conn_take(conn); /* what came before the end still counts */
    if (!open || PQstatus(conn->pg) == CONNECTION_BAD)
        conn_lose(conn, PQerrorMessage(conn->pg));
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct db_conn *conn = arg;
    (void)fd, (void)what;
    conn_receive(conn);
    if (conn->pg) /* else that was its end */
        db_pulse_heard(conn->pool);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    conn_send(arg);
}

static void on_notice(void *arg, const PGresult *result)
{
    (void)arg;
    log_debug("database notice", LOG_STR("sqlstate", PQresultErrorField(result, PG_DIAG_SQLSTATE)));
}

static void on_clock(enum db_status status, const struct db_result *result, void *arg)
{
    struct db_conn *conn = arg;
    if (status != DB_OK && status != DB_REFUSED)
        return; /* conn_lose is at work */
    int64_t round_trip_us = clock_mono_us() - conn->probe_us;
    if (status == DB_OK)
        db_clock_sample(conn->pool->db, round_trip_us > 0 ? round_trip_us : 1,
                        db_get_int(result, 0, 0) - (clock_wall_us() - round_trip_us / 2) / 1000);
    else
        log_warn("database clock unknown", LOG_STR("reason", db_message(result)));
    evtimer_del(conn->timer);
    conn->backoff_ms = BACKOFF_MIN_MS;
    conn_enter(conn, UP);
    if (!conn->spare)
        db_pool_conn_up(conn->pool);
}

static void conn_connected(struct db_conn *conn)
{
    struct event_base *base = conn->pool->db->base;
    if (PQsetnonblocking(conn->pg, 1) != 0 || !PQenterPipelineMode(conn->pg)) {
        conn_lose(conn, PQerrorMessage(conn->pg));
        return;
    }
    conn_enter(conn, PROBING);
    conn->read_event = event_new(base, PQsocket(conn->pg), EV_READ | EV_PERSIST, on_readable, conn);
    conn->write_event = event_new(base, PQsocket(conn->pg), EV_WRITE, on_writable, conn);
    event_add(conn->read_event, NULL);
    conn->probe_us = clock_mono_us();
    db_queue_push(&conn->waiting, db_statement_new(sql_db_clock, NULL, on_clock, conn));
    conn_send(conn);
}

static void on_connecting(evutil_socket_t fd, short what, void *arg);

/* libpq may go on to another address, and so to another descriptor, at every step. */
static void conn_watch(struct db_conn *conn, short what)
{
    conn->read_event = event_new(conn->pool->db->base, PQsocket(conn->pg), what, on_connecting, conn);
    event_add(conn->read_event, NULL);
}

static void on_connecting(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct db_conn *conn = arg;
    event_drop(&conn->read_event);
    switch (PQconnectPoll(conn->pg)) {
    case PGRES_POLLING_READING:
        conn_watch(conn, EV_READ);
        break;
    case PGRES_POLLING_WRITING:
        conn_watch(conn, EV_WRITE);
        break;
    case PGRES_POLLING_OK:
        conn_connected(conn);
        break;
    default:
        conn_lose(conn, PQerrorMessage(conn->pg));
    }
}

static bool url_has_options(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool found = false;
    for (PQconninfoOption *option = options; option && option->keyword; option++)
        found = found || (!strcmp(option->keyword, "options") && option->val);
    PQconninfoFree(options);
    return found;
}

static void conn_start(struct db_conn *conn)
{
    const char *url = conn->pool->url;
    bool options = !conn->plain && !url_has_options(url);
    /* What stands before dbname the URL may say otherwise; an empty value counts as not given. */
    const char *const names[] = {
        "application_name", "options",          "keepalives", "keepalives_idle", "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "dbname",     "client_encoding", NULL};
    const char *const values[] = {
        conn->pool->db->name, options ? OPTIONS : "", "1", "10", "5", "3", "10000", url, "UTF8", NULL};
    conn_enter(conn, CONNECTING);
    conn_arm(conn, CONNECT_MS);
    conn->pg = PQconnectStartParams(names, values, 1);
    if (!conn->pg)
        fatal("out of memory for a connection to PostgreSQL");
    PQsetNoticeReceiver(conn->pg, on_notice, NULL);
    if (PQstatus(conn->pg) == CONNECTION_BAD)
        conn_lose(conn, PQerrorMessage(conn->pg));
    else
        conn_watch(conn, EV_WRITE);
}

/* The answers are taken before the clock is looked at: a process that was stopped for a while has them in its socket. */
static void conn_check_late(struct db_conn *conn)
{
    conn_receive(conn);
    if (conn->state != UP || !conn->pending.head)
        return;
    int64_t left_ms = conn->pending.head->asked_ms + conn->pool->db->timeout_ms - clock_mono_ms();
    if (left_ms > 0)
        conn_arm(conn, left_ms);
    else
        conn_lose(conn, "no answer in time");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct db_conn *conn = arg;
    if (conn->state == WAITING)
        conn_start(conn);
    else if (conn->state == UP)
        conn_check_late(conn);
    else
        conn_lose(conn, "no connection in time");
}

struct db_conn *db_conn_new(struct db_pool *pool, bool spare)
{
    struct db_conn *conn = mem_alloc(sizeof(*conn));
    conn->pool = pool;
    conn->spare = spare;
    conn->backoff_ms = BACKOFF_MIN_MS;
    conn->timer = evtimer_new(pool->db->base, on_timer, conn);
    conn_arm(conn, 0); /* never from inside db_query */
    return conn;
}

void db_conn_free(struct db_conn **conn)
{
    conn_disconnect(*conn);
    conn_finish_all(*conn);
    event_free((*conn)->timer);
    free(*conn);
    *conn = NULL;
}

bool db_conn_up(const struct db_conn *conn)
{
    return conn->state == UP;
}

bool db_conn_idle(const struct db_conn *conn)
{
    return conn->state == UP && !conn->waiting.head && !conn->pending.head;
}

/* What was sent keeps its place in the pipeline, so that its answer is not taken for another's. */
void db_conn_abandon(struct db_conn *conn)
{
    struct db *db = conn->pool->db;
    struct db_statement *statement;
    while ((statement = db_queue_pop(&conn->waiting)))
        db_statement_finish(db, statement, DB_AWAY);
    for (statement = conn->pending.head; statement; statement = statement->next) {
        db_cb callback = statement->callback;
        statement->callback = NULL;
        db->in_callback++;
        if (callback)
            callback(DB_AWAY, NULL, statement->arg);
        db->in_callback--;
    }
}

unsigned db_conn_load(const struct db_conn *conn)
{
    unsigned load = conn->waiting.count + conn->pending.count;

    /* What takes long already will hold up the next, and a heartbeat must not wait behind a long statement. */
    if (conn->pending.head)
        load += (unsigned)((clock_mono_ms() - conn->pending.head->asked_ms) / LOAD_STATEMENT_MS);
    return load;
}

void db_conn_add(struct db_conn *conn, struct db_statement *statement)
{
    db_queue_push(&conn->waiting, statement);
    if (!conn->blocked)
        event_active(conn->write_event, EV_WRITE, 0);
}
