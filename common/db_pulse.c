/*
 * db_pulse.c: tells within a second that PostgreSQL hangs: stopped, or behind a network that swallows packets. A connection that is
 * lost says so itself; one that is silent does not, and the time allowed for an answer is far longer than a client waits.
 *
 * While statements wait, silence is counted in ticks. After two of them something cheap is asked, over a connection that has
 * nothing else to do, or over a spare one opened for it: a slow statement is no silence while this is answered. Without an
 * answer the pool is mute: new statements are DB_AWAY and readers are told so at once; what a writer has sent stays where it
 * is, because its answer may still come. The first byte of any connection ends it. Ticks are counted, not time: a process or a
 * machine that stood still has heard nothing either.
 *
 * What would break: a pool that counts as mute because of its own slow statements refuses events that it could have stored.
 */
#include <event2/event.h>

#include "db_internal.h"
#include "sql.h"

#define TICK_MS 100
#define ASK_TICKS 2
#define MUTE_TICKS 6
#define MUTE_CONNECT_TICKS 8 /* where the question needs a new connection first */
#define AGAIN_TICKS 5        /* between two questions */
#define SPARE_TICKS 100      /* a spare connection that nobody needed for so long is closed */

static bool pool_waits(const struct db_pool *pool)
{
    for (unsigned i = 0; pool->opened && i < pool->db->connections; i++)
        if (db_conn_up(pool->conns[i]) && !db_conn_idle(pool->conns[i]))
            return true;
    return false;
}

static struct db_conn *find_idle(const struct db_pool *pool)
{
    for (unsigned i = 0; i < pool->db->connections; i++)
        if (db_conn_idle(pool->conns[i]))
            return pool->conns[i];
    return pool->spare && db_conn_idle(pool->spare) ? pool->spare : NULL;
}

static void ask(struct db_pool *pool)
{
    struct db_conn *idle = find_idle(pool);

    if (idle)
        db_conn_add(idle, db_statement_new(sql_db_clock, NULL, NULL, NULL));
    else if (!pool->spare) /* connecting asks, too */
        pool->spare = db_conn_new(pool, true);
}

static void become_mute(struct db_pool *pool)
{
    pool->mute = true;
    for (unsigned i = 0; pool->role == DB_READER && i < pool->db->connections; i++)
        db_conn_abandon(pool->conns[i]);
    db_pool_changed(pool, "it does not answer");
}

static void close_spare(struct db_pool *pool)
{
    pool->unneeded = 0;
    db_conn_free(&pool->spare);
}

/* True when the pool is to be looked at again. */
static bool look(struct db_pool *pool)
{
    if (!pool->mute && !pool_waits(pool)) {
        pool->quiet = 0;
        if (pool->spare && ++pool->unneeded >= SPARE_TICKS)
            close_spare(pool);
        return pool->spare != NULL;
    }
    pool->quiet++;
    if (pool->quiet >= ASK_TICKS && (pool->quiet - ASK_TICKS) % AGAIN_TICKS == 0) {
        pool->unneeded = 0;
        ask(pool);
    }
    if (!pool->mute && pool->quiet >= (pool->spare ? MUTE_CONNECT_TICKS : MUTE_TICKS))
        become_mute(pool);
    return true;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct db *db = arg;
    bool again = false;

    (void)fd, (void)what;
    for (unsigned role = 0; role < DB_ROLES; role++)
        if (db->pools[role].opened)
            again |= look(&db->pools[role]);
    if (again)
        db_pulse_watch(db);
}

void db_pulse_watch(struct db *db)
{
    static const struct timeval tick = {0, TICK_MS * 1000};

    if (!evtimer_pending(db->pulse_timer, NULL))
        evtimer_add(db->pulse_timer, &tick);
}

void db_pulse_heard(struct db_pool *pool)
{
    pool->quiet = 0;
    if (!pool->mute)
        return;
    pool->mute = false;
    db_pool_changed(pool, "it answers again");
}

void db_pulse_start(struct db *db)
{
    db->pulse_timer = evtimer_new(db->base, on_tick, db);
}

void db_pulse_stop(struct db *db)
{
    for (unsigned role = 0; role < DB_ROLES; role++)
        if (db->pools[role].spare)
            close_spare(&db->pools[role]);
    event_free(db->pulse_timer);
}
