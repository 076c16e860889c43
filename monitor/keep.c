/* keep.c: see monitor.h. */
#include <event2/event.h>

#include "conf.h"
#include "log.h"
#include "mem.h"
#include "monitor.h"
#include "service.h"
#include "sql.h"
#include "store.h"

#define KEEP_EVERY_MS (10 * 60 * 1000)
#define KEYS_AT_ONCE 10000 /* LIMIT of maintain.sql */
#define AGAIN_MS 500

struct keep {
    struct service *service;
    struct store *store;
    struct event *again; /* more keys were past their time than go at once */
    bool running;
};

static void on_folded(enum db_status status, const struct db_result *result, void *arg)
{
    struct keep *keep = arg;

    keep->running = false;
    if (status == DB_REFUSED)
        log_error("counts cannot be folded", LOG_STR("error", db_message(result)));
}

static void on_kept(enum db_status status, const struct db_result *result, void *arg)
{
    static const struct timeval soon = {0, AGAIN_MS * 1000};
    struct keep *keep = arg;

    keep->running = false;
    if (status == DB_REFUSED)
        log_error("housekeeping refused", LOG_STR("error", db_message(result)));
    if (status != DB_OK)
        return;
    int64_t keys = db_get_int(result, 0, db_column(result, "keys"));
    log_info("housekeeping", LOG_INT("days_made", db_get_int(result, 0, db_column(result, "days"))),
             LOG_INT("days_dropped", db_get_int(result, 0, db_column(result, "dropped"))),
             LOG_INT("keys_dropped", keys),
             LOG_INT("metrics_dropped", db_get_int(result, 0, db_column(result, "metrics"))),
             LOG_INT("parked_dropped", db_get_int(result, 0, db_column(result, "parked"))));
    if (keys >= KEYS_AT_ONCE) {
        evtimer_add(keep->again, &soon);
        return;
    }
    keep->running = true;
    db_query(store_db(keep->store), DB_WRITER, sql_fold_counts, NULL, on_folded, keep);
}

static void keep_house(void *arg)
{
    struct keep *keep = arg;
    const struct conf *conf = service_conf(keep->service);
    struct db_params *params;

    if (!store_up(keep->store) || keep->running)
        return;
    keep->running = true;
    params = db_params_new();
    db_add_int(params, conf->metrics_retention_days);
    db_add_int(params, conf->event_retention_days);
    db_add_int(params, conf->alert_retention_days);
    db_add_int(params, conf->parked_max);
    db_query(store_db(keep->store), DB_WRITER, sql_maintain, params, on_kept, keep);
}

static void again_cb(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    keep_house(arg);
}

static void on_store_state(bool up, void *arg)
{
    if (up)
        keep_house(arg);
}

struct keep *keep_new(struct service *service, struct store *store)
{
    struct keep *keep = mem_alloc(sizeof *keep);

    keep->service = service;
    keep->store = store;
    keep->again = evtimer_new(service_base(service), again_cb, keep);
    store_on_state(store, on_store_state, keep);
    service_every(service, KEEP_EVERY_MS, keep_house, keep);
    return keep;
}

void keep_free(struct keep **keep)
{
    event_free((*keep)->again);
    free(*keep);
    *keep = NULL;
}
