/* keep.c: see monitor.h. */
#include "conf.h"
#include "log.h"
#include "mem.h"
#include "monitor.h"
#include "service.h"
#include "sql.h"
#include "store.h"

#define KEEP_EVERY_MS (10 * 60 * 1000)
#define METRICS_DAYS 7

struct keep {
    struct service *service;
    struct store *store;
};

static void on_kept(enum db_status status, const struct db_result *result, void *arg)
{
    (void)arg;
    if (status == DB_REFUSED)
        log_error("housekeeping refused", LOG_STR("error", db_message(result)));
    else if (status == DB_OK)
        log_info("housekeeping", LOG_INT("days_made", db_get_int(result, 0, db_column(result, "days"))),
                 LOG_INT("days_dropped", db_get_int(result, 0, db_column(result, "dropped"))),
                 LOG_INT("keys_dropped", db_get_int(result, 0, db_column(result, "keys"))),
                 LOG_INT("metrics_dropped", db_get_int(result, 0, db_column(result, "metrics"))));
}

static void keep_house(void *arg)
{
    struct keep *keep = arg;
    struct db_params *params;

    if (!store_up(keep->store))
        return;
    params = db_params_new();
    db_add_int(params, METRICS_DAYS);
    db_add_int(params, service_conf(keep->service)->event_retention_days);
    db_query(store_db(keep->store), DB_WRITER, sql_maintain, params, on_kept, keep);
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
    store_on_state(store, on_store_state, keep);
    service_every(service, KEEP_EVERY_MS, keep_house, keep);
    return keep;
}

void keep_free(struct keep **keep)
{
    free(*keep);
    *keep = NULL;
}
