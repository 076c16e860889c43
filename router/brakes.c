/*
 * brakes.c: the router's part of what people decide about a brake. The statement that routes sets it (router_write.sql); here people
 * are told, what they drop is cancelled a few hundred events at a time, and what they let go is ready at once.
 */
#include <stdio.h>
#include <string.h>

#include "alert.h"
#include "log.h"
#include "router.h"
#include "service.h"
#include "sql.h"
#include "store.h"

#define CANCEL_MAX 2000

static void raise(struct router *router, const struct db_result *result, size_t row)
{
    const char *tenant = db_get_text(result, row, db_column(result, "tenant_id"), NULL),
               *type = db_get_text(result, row, db_column(result, "entity_type"), NULL),
               *kind = db_get_text(result, row, db_column(result, "kind"), NULL);
    bool deletes = strcmp(kind, "deletes") == 0;
    char key[256], title[256], message[512];
    struct alert alert = {
        .key = key, .level = ALERT_ERROR, .title = title, .message = message, .tenant = tenant};

    snprintf(key, sizeof key, "brake %s", tenant);
    snprintf(title, sizeof title, "flow of %s paused: many records were %s", tenant,
             deletes ? "deleted" : "changed");
    snprintf(message, sizeof message,
             "%lld records%s%s were %s within ten minutes. Events are accepted and wait. Let them go or drop "
             "them: "
             "syncctl brakes release or drop, or POST /sync/brakes/{id}/release or /drop.",
             (long long)db_get_int(result, row, db_column(result, "counted")), deletes ? "" : " of the type ",
             deletes ? "" : type, deletes ? "deleted" : "changed");
    alerts_raise(router->alerts, &alert);
}

static void end_alert(struct router *router, const struct db_result *result, size_t row)
{
    char key[256];

    snprintf(key, sizeof key, "brake %s", db_get_text(result, row, db_column(result, "tenant_id"), NULL));
    alerts_resolve(router->alerts, key, "a person has decided");
}

static void on_looked(enum db_status status, const struct db_result *result, void *arg)
{
    struct router *router = arg;
    size_t braked = 0;

    router->brake_running = false;
    if (status == DB_REFUSED)
        log_error("looking at brakes refused", LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
    if (status != DB_OK)
        return;
    for (size_t row = 0; row < db_rows(result); row++) {
        const char *is = db_get_text(result, row, db_column(result, "status"), NULL);
        bool on = strcmp(is, "on") == 0;
        braked += on || strcmp(is, "dropping") == 0;
        if (on)
            raise(router, result, row);
        else
            end_alert(router, result, row);
    }
    if (braked < router->braked)
        stage_ready_in(router->stage, 0);
    router->braked = braked;
}

void brakes_look(void *arg)
{
    struct router *router = arg;
    struct db_params *params;

    if (router->brake_running || !store_up(router->store) || stage_partitions_held(router->stage) == 0)
        return;
    router->brake_running = true;
    params = db_params_new();
    db_add_text(params, PROTO_STAGE_ROUTER);
    db_add_text(params, service_instance(router->service));
    stage_add_fences(router->stage, params);
    db_add_int(params, CANCEL_MAX);
    db_add_text(params, service_instance(router->service));
    db_query(store_db(router->store), DB_WRITER, sql_brake_turn, params, on_looked, router);
}
