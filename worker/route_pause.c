/*
 * route_pause.c: routes at fault rest. A refused credential, a missing path, HTML, a bad certificate are not the event's
 * fault: the route is paused, its deliveries wait without losing an attempt, and one at a time probes it. The pauses stand in
 * platform_status, so that neither a restart nor an empty Redis forgets them, and all replicas know them within a beat.
 */
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "sql.h"
#include "worker.h"

#define PAUSE_MIN_MS 5000
#define PAUSE_MAX_MS 60000
#define DOUBT_RECORDS 3
#define PROBE_LOOK_MS 1000 /* the probe's answer is awaited */

static struct paused_route *find(struct worker *worker, const char *path)
{
    return map_get(worker->routes, path, strlen(path));
}

int64_t route_pause_wait_ms(struct worker *worker, const char *path)
{
    struct paused_route *route = find(worker, path);
    int64_t now = clock_mono_ms();

    if (!route)
        return 0;
    if (route->until_ms > now)
        return route->until_ms - now;
    return route->probing ? PROBE_LOOK_MS : 0;
}

const char *route_pause_reason(struct worker *worker, const char *path)
{
    struct paused_route *route = find(worker, path);

    return route && route->reason[0] ? route->reason : NULL;
}

void route_pause_probe(struct worker *worker, const char *path)
{
    struct paused_route *route = find(worker, path);

    if (route)
        route->probing = true;
}

void route_pause_go_on(struct worker *worker, const char *path)
{
    struct paused_route *route = find(worker, path);

    if (!route || !route->probing)
        return;
    route->probing = false;
    route->until_ms = clock_mono_ms() + route->wait_ms;
}

static struct paused_route *add(struct worker *worker, const char *path, int64_t wait_ms)
{
    struct paused_route *route = mem_alloc(sizeof *route);

    route->path = mem_strdup(path);
    route->wait_ms = wait_ms;
    map_put(worker->routes, path, strlen(path), route);
    return route;
}

/* ── what people are told ── */

#define ACCESS "access"
#define ALERT_CAUSE_MAX 300

static void cause_of(const char *path, char cause[ALERT_CAUSE_MAX])
{
    snprintf(cause, ALERT_CAUSE_MAX, "route %s", path);
}

/* A credential or certificate that is refused is one cause, however many routes it stops. */
static void tell_paused(struct worker *worker, const char *path, const struct outcome *outcome)
{
    static const char waits[] =
        "waits, loses no attempt and goes out by itself once a probe gets through; one is sent at least "
        "once a minute.";
    char cause[ALERT_CAUSE_MAX], title[ALERT_CAUSE_MAX], message[700];

    cause_of(path, cause);
    if (outcome->everywhere) {
        snprintf(title, sizeof title, "%s cannot be reached with what we have", worker->name);
        snprintf(message, sizeof message, "%s. What is due to %s %s", outcome->error, worker->name, waits);
    } else {
        snprintf(title, sizeof title, "%s: %s is paused", worker->name, path);
        snprintf(message, sizeof message, "%s. What goes to %s %s", outcome->error, path, waits);
    }
    alert_raise(worker, outcome->everywhere ? ACCESS : cause, ALERT_ERROR, title, message);
}

/* A platform may take our credential for some of its routes. */
static bool any_refused(const struct worker *worker)
{
    struct map_iter iter = {0};
    void *value;

    while (map_next(worker->routes, &iter, NULL, NULL, &value))
        if (((struct paused_route *)value)->everywhere)
            return true;
    return false;
}

static void tell_resumed(struct worker *worker, const char *path)
{
    char cause[ALERT_CAUSE_MAX];

    if (!alerts_any(worker->alerts))
        return;
    cause_of(path, cause);
    alert_resolve(worker, cause, "a delivery got through");
    if (!any_refused(worker))
        alert_resolve_own(worker, ACCESS, "a delivery got through");
}

/* ── pausing ── */

void route_pause(struct worker *worker, const char *path, const struct outcome *outcome)
{
    struct paused_route *route = find(worker, path);
    int64_t now = clock_mono_ms();

    if (route && !route->probing && route->until_ms > now && route->reason[0])
        return; /* one of those that were in flight when it was paused */
    if (!route)
        route = add(worker, path, PAUSE_MIN_MS);
    else if (route->probing)
        route->wait_ms = route->wait_ms * 2 < PAUSE_MAX_MS ? route->wait_ms * 2 : PAUSE_MAX_MS;
    snprintf(route->reason, sizeof route->reason, "%s", outcome->error);
    route->everywhere = outcome->everywhere;
    route->probing = false;
    route->until_ms = now + route->wait_ms;
    log_error("route paused", LOG_STR("platform", worker->name), LOG_STR("route", path),
              LOG_STR("reason", route->reason), LOG_INT("probe_in_ms", route->wait_ms));
    platform_status_write(worker, path, "paused", route->reason, route->wait_ms);
    tell_paused(worker, path, outcome);
}

/* Records that speak against a route, one after the other, none for it between them. */
struct doubt {
    struct uuid records[DOUBT_RECORDS];
    unsigned count;
};

bool route_doubt(struct worker *worker, const char *path, const struct uuid *record)
{
    struct doubt *doubt = map_get(worker->doubts, path, strlen(path));

    if (!doubt) {
        doubt = mem_alloc(sizeof *doubt);
        map_put(worker->doubts, path, strlen(path), doubt);
    }
    for (unsigned i = 0; i < doubt->count; i++)
        if (uuid_equal(&doubt->records[i], record))
            return doubt->count == DOUBT_RECORDS;
    if (doubt->count < DOUBT_RECORDS)
        doubt->records[doubt->count++] = *record;
    return doubt->count == DOUBT_RECORDS;
}

void route_resume(struct worker *worker, const char *path)
{
    struct paused_route *route = find(worker, path);

    if (map_count(worker->doubts) > 0)
        free(map_remove(worker->doubts, path, strlen(path)));
    if (route) {
        map_remove(worker->routes, path, strlen(path));
        free(route->path);
        free(route);
        log_info("route resumed", LOG_STR("platform", worker->name), LOG_STR("route", path));
        platform_status_write(worker, path, "closed", NULL, 0);
    }
    tell_resumed(worker, path);
}

void route_pauses_free(struct worker *worker)
{
    struct map_iter iter = {0};
    void *value;

    while (map_next(worker->routes, &iter, NULL, NULL, &value)) {
        free(((struct paused_route *)value)->path);
        free(value);
    }
    iter = (struct map_iter){0};
    while (map_next(worker->doubts, &iter, NULL, NULL, &value))
        free(value);
    map_free(&worker->routes);
    map_free(&worker->doubts);
}

static void on_written(enum db_status status, const struct db_result *result, void *arg)
{
    (void)arg;
    if (status == DB_REFUSED)
        log_error("platform status refused", LOG_STR("error", db_message(result)));
}

void platform_status_write(struct worker *worker, const char *route, const char *state, const char *reason,
                           int64_t wait_ms)
{
    struct db_params *params = db_params_new();

    db_add_text(params, worker->name);
    db_add_text(params, route);
    db_add_text(params, state);
    db_add_text(params, reason);
    db_add_int(params, wait_ms);
    db_query(store_db(worker->store), DB_WRITER, sql_platform_status_write, params, on_written, worker);
}

/* ── other replicas ── */

/* Another replica's, or one of a process before this one: nobody has said since that all is well. */
static void pause_too(struct worker *worker, const char *path, const char *reason, int64_t wait_ms)
{
    struct paused_route *route = find(worker, path);
    int64_t until_ms = clock_mono_ms() + wait_ms;

    if (!route) {
        route = add(worker, path, PAUSE_MIN_MS);
        route->until_ms = until_ms;
        if (reason)
            snprintf(route->reason, sizeof route->reason, "%s", reason);
    }
    if (until_ms > route->until_ms && !route->probing)
        route->until_ms = until_ms;
    route->told = route->seen = true;
}

static void forget(struct worker *worker, struct paused_route *route)
{
    map_remove(worker->routes, route->path, strlen(route->path));
    log_info("route resumed", LOG_STR("platform", worker->name), LOG_STR("route", route->path),
             LOG_STR("reason", "another replica got through"));
    tell_resumed(worker, route->path);
    free(route->path);
    free(route);
}

void route_pauses_seen(struct worker *worker, const struct db_result *result)
{
    struct map_iter iter = {0};
    void *value;

    if (db_is_null(result, 0, db_column(result, "route")) && map_count(worker->routes) == 0)
        return;
    for (size_t row = 0; row < db_rows(result); row++) {
        const char *route = db_get_text(result, row, db_column(result, "route"), NULL);
        if (route)
            pause_too(worker, route, db_get_text(result, row, db_column(result, "reason"), NULL),
                      db_get_int(result, row, db_column(result, "wait_ms")));
    }
    while (map_next(worker->routes, &iter, NULL, NULL, &value)) {
        struct paused_route *route = value;
        if (route->told && !route->seen && !route->probing)
            forget(worker, route);
        else
            route->seen = false;
    }
}
