/*
 * db.c: pools of connections, one per role; who gets a statement, and what happens when nobody can take it.
 *
 * The writer's pool connects at once, the others at their first statement, so a process keeps no connection that it never
 * uses. Statements that come before the first attempt to connect has ended wait for its end; after that a pool without a
 * connection answers DB_AWAY at once. Pools are apart even where their URLs are the same: a reader's slow statement holds up
 * only readers. A pool that is connected to a server that does not answer (db_pulse.c) counts as one without a connection.
 */
#include <event2/event.h>

#include "clock.h"
#include "db_internal.h"
#include "db_session.h"
#include "log.h"
#include "mem.h"

#define CLOCK_RECENT_MS 60000 /* older samples may describe a clock that was set since */

void db_queue_push(struct db_queue *queue, struct db_statement *statement)
{
    statement->next = NULL;
    if (queue->tail)
        queue->tail->next = statement;
    else
        queue->head = statement;
    queue->tail = statement;
    queue->count++;
}

struct db_statement *db_queue_pop(struct db_queue *queue)
{
    struct db_statement *statement = queue->head;
    if (!statement)
        return NULL;
    queue->head = statement->next;
    if (!queue->head)
        queue->tail = NULL;
    queue->count--;
    return statement;
}

struct db_statement *db_statement_new(const char *sql, struct db_params *params, db_cb callback, void *arg)
{
    struct db_statement *statement = mem_alloc(sizeof(*statement));
    statement->sql = mem_strdup(sql);
    statement->params = params;
    statement->callback = callback;
    statement->arg = arg;
    statement->asked_ms = clock_mono_ms();
    return statement;
}

static void statement_free(struct db_statement *statement)
{
    if (statement->result)
        db_result_clear(&statement->result);
    db_params_free(&statement->params);
    free(statement->sql);
    free(statement->tenant);
    free(statement);
}

void db_statement_finish(struct db *db, struct db_statement *statement, enum db_status status)
{
    if (statement->counted)
        db->in_flight--;
    struct db_result result = {statement->result};
    bool answered = status == DB_OK || status == DB_REFUSED;
    db->in_callback++;
    if (statement->callback)
        statement->callback(status, answered ? &result : NULL, statement->arg);
    db->in_callback--;
    statement_free(statement);
}

static void finish_all_away(struct db *db, struct db_queue *queue)
{
    struct db_queue now = *queue; /* callbacks may ask again: that is for the next turn */
    *queue = (struct db_queue){0};
    struct db_statement *statement;
    while ((statement = db_queue_pop(&now)))
        db_statement_finish(db, statement, DB_AWAY);
}

static void on_refuse_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct db *db = arg;
    finish_all_away(db, &db->refused);
}

/* The answer comes with the next turn of the loop, after its input and output: a caller that asks again from its callback
 * cannot keep the loop from them. */
static void refuse_later(struct db *db, struct db_statement *statement)
{
    static const struct timeval at_once;
    db_queue_push(&db->refused, statement);
    if (!evtimer_pending(db->refuse_timer, NULL))
        evtimer_add(db->refuse_timer, &at_once);
}

static void pool_open(struct db_pool *pool)
{
    pool->opened = true;
    pool->conns = mem_array(pool->db->connections, sizeof(*pool->conns));
    for (unsigned i = 0; i < pool->db->connections; i++)
        pool->conns[i] = db_conn_new(pool, false);
}

static struct db_conn *pool_choose(const struct db_pool *pool)
{
    struct db_conn *best = NULL;
    for (unsigned i = 0; pool->opened && i < pool->db->connections; i++)
        if (db_conn_up(pool->conns[i]) && (!best || db_conn_load(pool->conns[i]) < db_conn_load(best)))
            best = pool->conns[i];
    return best;
}

static void dispatch(struct db_pool *pool, struct db_statement *statement)
{
    struct db *db = pool->db;
    if (db->closing || db->in_flight >= db->waiting_max) {
        refuse_later(db, statement);
        return;
    }
    if (!pool->opened)
        pool_open(pool);
    struct db_conn *conn = pool->mute ? NULL : pool_choose(pool);
    if (!conn && pool->settled) {
        refuse_later(db, statement);
        return;
    }
    statement->counted = true;
    db->in_flight++;
    if (conn)
        db_conn_add(conn, statement);
    else
        db_queue_push(&pool->early, statement);
}

static void query(struct db *db, enum db_role role, const char *tenant, const char *sql,
                  struct db_params *params, db_cb callback, void *arg)
{
    struct db_pool *pool = &db->pools[role];
    struct db_statement *statement = db_statement_new(sql, params, callback, arg);
    statement->scope_role = pool->scope_role;
    statement->tenant = mem_strdup(tenant);
    dispatch(pool, statement);
}

void db_query(struct db *db, enum db_role role, const char *sql, struct db_params *params, db_cb callback,
              void *arg)
{
    query(db, role, role == DB_READER ? "" : NULL, sql, params, callback, arg);
}

void db_query_tenant(struct db *db, const char *tenant, const char *sql, struct db_params *params,
                     db_cb callback, void *arg)
{
    query(db, DB_READER, tenant, sql, params, callback, arg);
}

static bool pool_up(const struct db_pool *pool)
{
    return pool->established > 0 && !pool->mute;
}

static void pool_say(struct db_pool *pool, const char *why)
{
    bool up = pool_up(pool);
    if (pool->said && pool->said_up == up)
        return;
    pool->said = true;
    pool->said_up = up;
    log_info("database", LOG_STR("role", pool->name), LOG_STR("state", up ? "up" : "down"),
             LOG_STR("reason", why));
}

static void tell_hooks(struct db *db)
{
    bool up = db_up(db);
    if (up == db->up || db->closing)
        return;
    db->up = up;
    db->in_callback++;
    for (struct db_hook *hook = db->hooks; hook; hook = hook->next)
        hook->hook(up, hook->arg);
    db->in_callback--;
}

void db_pool_changed(struct db_pool *pool, const char *why)
{
    pool_say(pool, why);
    tell_hooks(pool->db);
}

void db_pool_conn_up(struct db_pool *pool)
{
    pool->established++;
    pool->settled = true;
    pool_say(pool, "connected");
    struct db_statement *statement;
    while ((statement = db_queue_pop(&pool->early)))
        db_conn_add(pool_choose(pool), statement);
    tell_hooks(pool->db);
}

void db_pool_conn_down(struct db_pool *pool, bool was_up, const char *why)
{
    if (was_up)
        pool->established--;
    if (pool->established == 0)
        pool->mute = false; /* there is nobody left to listen to */
    pool->settled = true;
    pool_say(pool, why);
    tell_hooks(pool->db);
    finish_all_away(pool->db, &pool->early);
}

/* The sample with the shortest round trip among the recent ones errs least: half the round trip bounds its error. */
void db_clock_sample(struct db *db, int64_t round_trip_us, int64_t offset_ms)
{
    int64_t now = clock_mono_ms();
    db->samples[db->sample_next] = (struct db_clock_sample){now, round_trip_us, offset_ms};
    const struct db_clock_sample *best = &db->samples[db->sample_next];
    db->sample_next = (db->sample_next + 1) % DB_CLOCK_SAMPLES;
    for (unsigned i = 0; i < DB_CLOCK_SAMPLES; i++) {
        const struct db_clock_sample *sample = &db->samples[i];
        if (sample->round_trip_us > 0 && sample->at_ms >= now - CLOCK_RECENT_MS &&
            sample->round_trip_us < best->round_trip_us)
            best = sample;
    }
    clock_set_db_offset_ms(best->offset_ms);
    log_debug("database clock", LOG_INT("offset_ms", best->offset_ms),
              LOG_INT("round_trip_us", best->round_trip_us));
}

static void pool_init(struct db *db, enum db_role role, const char *name, const char *url,
                      const char *scope_role)
{
    if (!db_url_valid(url)) /* libpq's own message may quote the password */
        fatal(
            "the %s's database URL cannot be read: write it as postgresql://user:password@host:5432/database",
            name);
    db->pools[role] = (struct db_pool){
        .db = db, .role = role, .name = name, .url = mem_strdup(url), .scope_role = scope_role};
}

struct db *db_new(struct event_base *base, const struct db_config *config)
{
    struct db *db = mem_alloc(sizeof(*db));
    db->base = base;
    db->name = mem_strdup(config->name);
    db->connections = config->connections ? config->connections : 1;
    db->waiting_max = config->waiting_max;
    db->timeout_ms = config->timeout_ms;
    db->refuse_timer = evtimer_new(base, on_refuse_timer, db);
    db_pulse_start(db);
    bool writer_own = config->writer_url && *config->writer_url;
    bool reader_own = config->reader_url && *config->reader_url;
    pool_init(db, DB_OWNER, "owner", config->url, NULL);
    pool_init(db, DB_WRITER, "writer", writer_own ? config->writer_url : config->url,
              writer_own ? NULL : "sync_writer");
    pool_init(db, DB_READER, "reader", reader_own ? config->reader_url : config->url,
              reader_own ? "none" : "sync_reader");
    pool_open(&db->pools[DB_WRITER]);
    return db;
}

static void pool_release(struct db_pool *pool)
{
    for (unsigned i = 0; pool->opened && i < pool->db->connections; i++)
        db_conn_free(&pool->conns[i]);
    finish_all_away(pool->db, &pool->early);
    free(pool->conns);
    free(pool->url);
}

void db_free(struct db **db)
{
    if (!*db)
        return;
    if ((*db)->in_callback)
        bug("db_free inside a callback of the database");
    (*db)->closing = true;
    db_pulse_stop(*db);
    for (unsigned i = 0; i < DB_ROLES; i++)
        pool_release(&(*db)->pools[i]);
    while ((*db)->refused.head)
        finish_all_away(*db, &(*db)->refused);
    event_free((*db)->refuse_timer);
    struct db_hook *hook;
    while ((hook = (*db)->hooks)) {
        (*db)->hooks = hook->next;
        free(hook);
    }
    free((*db)->name);
    free(*db);
    *db = NULL;
}

bool db_up(const struct db *db)
{
    return pool_up(&db->pools[DB_WRITER]);
}

void db_on_state(struct db *db, void (*hook)(bool up, void *arg), void *arg)
{
    struct db_hook *entry = mem_alloc(sizeof(*entry));
    entry->hook = hook;
    entry->arg = arg;
    struct db_hook **end = &db->hooks;
    while (*end)
        end = &(*end)->next;
    *end = entry;
}
