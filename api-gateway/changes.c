/* changes.c: see changes.h. */
#include "changes.h"

#include <event2/event.h>
#include <sys/queue.h>

#include "gateway.h"

/* Owner: the query's callback. */
struct change {
    TAILQ_ENTRY(change) link;
    struct changes *changes;
    db_cb callback; /* NULL: its client was answered, it is on no list any more */
    void *arg;
};

struct changes {
    struct store *store;
    TAILQ_HEAD(, change) waiting;
    struct event *silent;
};

/* Once; whatever the callback asks for next. */
static void tell(struct change *change, enum db_status status, const struct db_result *result)
{
    db_cb callback = change->callback;

    TAILQ_REMOVE(&change->changes->waiting, change, link);
    change->callback = NULL;
    if (callback)
        callback(status, result, change->arg);
}

static void on_ended(enum db_status status, const struct db_result *result, void *arg)
{
    struct change *change = arg;

    if (change->callback)
        tell(change, status, result);
    free(change);
}

static void on_silent(evutil_socket_t fd, short what, void *arg)
{
    struct changes *changes = arg;

    (void)fd, (void)what;
    while (!store_up(changes->store) && !TAILQ_EMPTY(&changes->waiting))
        tell(TAILQ_FIRST(&changes->waiting), DB_UNKNOWN, NULL);
}

/* With the next turn of the loop: of a connection that was lost, each statement is told what became of it first. */
static void on_store(bool up, void *arg)
{
    struct changes *changes = arg;

    if (!up)
        event_active(changes->silent, EV_TIMEOUT, 0);
}

struct changes *changes_new(struct event_base *base, struct store *store)
{
    struct changes *changes = mem_alloc(sizeof *changes);

    changes->store = store;
    TAILQ_INIT(&changes->waiting);
    changes->silent = event_new(base, -1, 0, on_silent, changes);
    store_on_state(store, on_store, changes);
    return changes;
}

void changes_free(struct changes **changes)
{
    event_free((*changes)->silent);
    free(*changes);
    *changes = NULL;
}

void changes_query(struct changes *changes, const char *sql, struct db_params *params, db_cb callback,
                   void *arg)
{
    struct change *change = mem_alloc(sizeof *change);

    *change = (struct change){.changes = changes, .callback = callback, .arg = arg};
    TAILQ_INSERT_TAIL(&changes->waiting, change, link);
    db_query(store_db(changes->store), DB_WRITER, sql, params, on_ended, change);
}

void changes_refuse(struct http_request *request, enum db_status status, const struct db_result *result,
                    const char *advice)
{
    if (status == DB_UNKNOWN)
        http_problem(request,
                     &(struct problem){
                         .status = 503, .type = "outcome-unknown", .retry_after_s = 1, .detail = advice});
    else
        gateway_refuse_database(request, status, result);
}
