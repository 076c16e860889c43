/*
 * monitor: watches the pipeline and keeps the tables in order.
 *
 * SYNOPSIS  monitor [--check] [--help] [--version]
 *
 * Follows the activity stream and exports what it sees as metrics; makes the days of the time-ordered tables ahead of time and
 * drops idempotency keys and metrics past their time. Alerts and the dashboard's data come later.
 */
#include "log.h"
#include "monitor.h"
#include "proto.h"
#include "service.h"
#include "store.h"

int main(int argc, char **argv)
{
    static const struct service_spec spec = {.name = "monitor",
                                             .program = CONF_MONITOR,
                                             .summary = "watches the pipeline and keeps the tables in order"};
    struct service *service = service_new(&spec, argc, argv);
    struct store *store = store_new(service);
    struct follow *follow = follow_new(service);
    struct keep *keep = keep_new(service, store);
    int code;

    log_info("consuming", LOG_STR("streams", PROTO_ACTIVITY));

    code = service_run(service);

    store_free(&store); /* first: what is in a statement is answered while the rest still stands */
    keep_free(&keep);
    follow_free(&follow);
    service_free(&service);
    return code;
}
