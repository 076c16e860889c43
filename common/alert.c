/* alert.c: see alert.h. Without it an outage is seen by whoever looks, and by nobody else. */
#include "alert.h"

#include <event2/event.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "proto.h"
#include "sql.h"
#include "store.h"
#include "stream.h"

#define SAME_MS 60000 /* raised again within it, with the same words: nothing to write */
#define ORPHAN_MS \
    180000 /* who raised it would have done so again: SAME_MS, and the longest time between two probes */
#define RETRY_MS 500

/* One key. Owner: the map. */
struct cause {
    char *key, *title, *message, *platform, *tenant, *note;
    enum alert_level level;
    bool shared;
    bool active; /* the last word about it */
    bool due;    /* the last word is still to be written */
    bool others; /* another process raised it, and may do so again */
    int64_t changed_ms;
};

struct alerts {
    struct store *store;
    struct stream *belt;
    char *scope;
    struct map *causes;
    struct event *timer;
    struct cause *writing; /* one statement at a time, so that words about a key arrive in order */
    bool raising;          /* what is being written */
    bool asking;
    int64_t asked_ms;
    bool closed; /* freed by its owner: the last answer takes the rest away */
};

static void take_away(struct alerts *alerts)
{
    if (alerts->writing || alerts->asking)
        return;
    map_free(&alerts->causes);
    free(alerts->scope);
    free(alerts);
}

static const char *level_name(enum alert_level level)
{
    static const char *const names[] = {"warning", "error", "critical"};

    return names[level];
}

static struct cause *find(const struct alerts *alerts, const char *key)
{
    return map_get(alerts->causes, key, strlen(key));
}

static struct cause *add(struct alerts *alerts, const char *key)
{
    struct cause *cause;

    if (map_count(alerts->causes) >= ALERTS_MAX)
        return NULL;
    cause = mem_alloc(sizeof *cause);
    cause->key = mem_strdup(key);
    map_put(alerts->causes, key, strlen(key), cause);
    return cause;
}

static void cause_free(struct cause *cause)
{
    free(cause->key);
    free(cause->title);
    free(cause->message);
    free(cause->platform);
    free(cause->tenant);
    free(cause->note);
    free(cause);
}

static void forget(struct alerts *alerts, struct cause *cause)
{
    map_remove(alerts->causes, cause->key, strlen(cause->key));
    cause_free(cause);
}

static void write_in(struct alerts *alerts, int64_t ms)
{
    struct timeval after = {ms / 1000, (ms % 1000) * 1000};

    if (!evtimer_pending(alerts->timer, NULL))
        evtimer_add(alerts->timer, &after);
}

/* Best effort: who listens on a channel and misses one reads GET /sync/alerts. */
static void tell(struct alerts *alerts, const char *channel, const char *notice)
{
    struct stream_command *command;

    if (!alerts->belt || !stream_up(alerts->belt))
        return;
    command = stream_command("PUBLISH");
    stream_add(command, channel);
    stream_add(command, notice);
    stream_send(alerts->belt, command, NULL, NULL);
}

static void written(struct alerts *alerts, const struct cause *cause, const struct db_result *result)
{
    const char *notice =
        db_rows(result) > 0 ? db_get_text(result, 0, db_column(result, "notice"), NULL) : NULL;

    if (!notice)
        return;
    if (alerts->raising)
        log_error("alert", LOG_STR("severity", level_name(cause->level)), LOG_STR("key", cause->key),
                  LOG_STR("title", cause->title), LOG_STR("message", cause->message));
    else
        log_info("alert resolved", LOG_STR("key", cause->key), LOG_STR("note", cause->note));
    tell(alerts, alerts->raising ? PROTO_CHANNEL_ALERTS_NEW : PROTO_CHANNEL_ALERTS_RESOLVED, notice);
}

static void on_written(enum db_status status, const struct db_result *result, void *arg)
{
    struct alerts *alerts = arg;
    struct cause *cause = alerts->writing;

    alerts->writing = NULL;
    if (alerts->closed) {
        take_away(alerts);
        return;
    }
    if (status == DB_OK)
        written(alerts, cause, result);
    else if (status == DB_REFUSED)
        log_error("alert refused", LOG_STR("key", cause->key), LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
    else
        cause->due = true;
    if (!cause->due && !cause->active)
        forget(alerts, cause);
    write_in(alerts, status == DB_OK || status == DB_REFUSED ? 0 : RETRY_MS);
}

static struct cause *next_due(struct alerts *alerts)
{
    struct map_iter iter = {0};
    void *value;

    while (map_next(alerts->causes, &iter, NULL, NULL, &value))
        if (((struct cause *)value)->due)
            return value;
    return NULL;
}

static void write_raise(struct alerts *alerts, const struct cause *cause)
{
    struct db_params *params = db_params_new();
    struct uuid id;

    uuid_v7(&id, clock_db_ms());
    db_add_uuid(params, &id);
    db_add_text(params, cause->key);
    db_add_text(params, level_name(cause->level));
    db_add_text(params, cause->title);
    db_add_text(params, cause->message);
    db_add_text(params, cause->platform);
    db_add_text(params, cause->tenant);
    db_add_bool(params, cause->shared);
    db_query(store_db(alerts->store), DB_WRITER, sql_alert_raise, params, on_written, alerts);
}

static void write_resolve(struct alerts *alerts, const struct cause *cause)
{
    struct db_params *params = db_params_new();

    db_add_text(params, cause->key);
    db_add_text(params, cause->note);
    db_query(store_db(alerts->store), DB_WRITER, sql_alert_resolve, params, on_written, alerts);
}

static void write_cb(evutil_socket_t fd, short what, void *arg)
{
    struct alerts *alerts = arg;
    struct cause *cause;

    (void)fd, (void)what;
    if (alerts->writing || !(cause = next_due(alerts)))
        return;
    if (!store_up(alerts->store)) {
        write_in(alerts, RETRY_MS);
        return;
    }
    alerts->writing = cause;
    alerts->raising = cause->active;
    cause->due = false;
    if (cause->active)
        write_raise(alerts, cause);
    else
        write_resolve(alerts, cause);
}

static void replace(char **text, const char *with)
{
    char *old = *text;

    *text = mem_strdup(with);
    free(old);
}

void alerts_raise(struct alerts *alerts, const struct alert *alert)
{
    struct cause *cause = find(alerts, alert->key);
    int64_t now = clock_mono_ms();

    if (cause && cause->active && cause->message && strcmp(cause->message, alert->message) == 0 &&
        now - cause->changed_ms < SAME_MS)
        return;
    if (!cause && !(cause = add(alerts, alert->key))) {
        log_error("alert", LOG_STR("key", alert->key), LOG_STR("title", alert->title),
                  LOG_STR("message", alert->message));
        return;
    }
    replace(&cause->title, alert->title);
    replace(&cause->message, alert->message);
    replace(&cause->platform, alert->platform);
    replace(&cause->tenant, alert->tenant);
    cause->level = alert->level;
    cause->shared = alert->shared;
    cause->active = cause->due = true;
    cause->others = false;
    cause->changed_ms = now;
    write_in(alerts, 0);
}

void alerts_resolve(struct alerts *alerts, const char *key, const char *note)
{
    struct cause *cause = find(alerts, key);

    if (!cause || !cause->active)
        return;
    replace(&cause->note, note);
    cause->active = false;
    cause->due = true;
    cause->changed_ms = clock_mono_ms();
    write_in(alerts, 0);
}

void alerts_resolve_own(struct alerts *alerts, const char *key, const char *note)
{
    const struct cause *cause = find(alerts, key);

    if (cause && !cause->others)
        alerts_resolve(alerts, key, note);
}

bool alerts_any(const struct alerts *alerts)
{
    return map_count(alerts->causes) > 0;
}

bool alerts_is_active(const struct alerts *alerts, const char *key)
{
    const struct cause *cause = find(alerts, key);

    return cause && cause->active;
}

/* ---- what other processes say ---- */

static bool lists(const struct db_result *result, const char *key)
{
    for (size_t row = 0; row < db_rows(result); row++)
        if (strcmp(db_get_text(result, row, 0, NULL), key) == 0)
            return true;
    return false;
}

/* Active here, and resolved elsewhere before we asked. */
static void drop_resolved(struct alerts *alerts, const struct db_result *result)
{
    struct map_iter iter = {0};
    void *value;

    while (map_next(alerts->causes, &iter, NULL, NULL, &value)) {
        struct cause *cause = value;
        if (cause->active && !cause->due && cause != alerts->writing &&
            cause->changed_ms < alerts->asked_ms && !lists(result, cause->key))
            forget(alerts, cause);
    }
}

static void on_open(enum db_status status, const struct db_result *result, void *arg)
{
    struct alerts *alerts = arg;

    alerts->asking = false;
    if (alerts->closed) {
        take_away(alerts);
        return;
    }
    if (status != DB_OK)
        return;
    drop_resolved(alerts, result);
    for (size_t row = 0; row < db_rows(result); row++) {
        const char *key = db_get_text(result, row, 0, NULL);
        bool spoken_of = db_get_int(result, row, db_column(result, "silent_ms")) < ORPHAN_MS;
        struct cause *cause = find(alerts, key);
        if (cause && cause->others)
            cause->others = spoken_of;
        else if (!cause && (cause = add(alerts, key)))
            cause->active = true, cause->others = spoken_of;
    }
}

void alerts_refresh(struct alerts *alerts)
{
    struct db_params *params;

    if (alerts->asking || !alerts->scope || !store_up(alerts->store))
        return;
    alerts->asking = true;
    alerts->asked_ms = clock_mono_ms();
    params = db_params_new();
    db_add_text(params, alerts->scope);
    db_query(store_db(alerts->store), DB_WRITER, sql_alert_open, params, on_open, alerts);
}

struct alerts *alerts_new(struct event_base *base, struct store *store, struct stream *belt,
                          const char *scope)
{
    struct alerts *alerts = mem_alloc(sizeof *alerts);

    alerts->store = store;
    alerts->belt = belt;
    alerts->scope = mem_strdup(scope);
    alerts->causes = map_new();
    alerts->timer = evtimer_new(base, write_cb, alerts);
    return alerts;
}

void alerts_free(struct alerts **alertsp)
{
    struct alerts *alerts = *alertsp;
    struct map_iter iter = {0};
    void *value;

    if (!alerts)
        return;
    while (map_next(alerts->causes, &iter, NULL, NULL, &value))
        cause_free(value);
    event_free(alerts->timer);
    alerts->closed = true;
    take_away(alerts);
    *alertsp = NULL;
}
