/* event_get.c: GET /sync/events/{id}, by our id or by the client's own. What is another tenant's is not there (I7). */
#include "answer.h"
#include "gateway.h"
#include "log.h"
#include "sql.h"

void gateway_refuse_database(struct http_request *request, enum db_status status,
                             const struct db_result *result)
{
    if (status == DB_REFUSED)
        log_error("statement refused", LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
    http_problem(request, &(struct problem){.status = 503,
                                            .type = "unavailable",
                                            .retry_after_s = 1,
                                            .detail = "The database is away. Send this again shortly."});
}

void gateway_not_found(struct http_request *request)
{
    http_problem(request, &(struct problem){.status = 404,
                                            .type = "no-such-event",
                                            .detail = "There is no such event, or it is not yours."});
}

void gateway_refuse_tenant(struct http_request *request)
{
    http_problem(request, &(struct problem){.status = 404,
                                            .type = "no-such-tenant",
                                            .detail = "This token cannot look at the tenant that tenant_id "
                                                      "names, if there is one: leave tenant_id out, or "
                                                      "name the token's own tenant."});
}

static void on_event(enum db_status status, const struct db_result *result, void *arg)
{
    struct http_request *request = arg;
    struct buf out = BUF_INIT;
    if (status != DB_OK) {
        gateway_refuse_database(request, status, result);
        return;
    }
    if (db_rows(result) == 0) {
        gateway_not_found(request);
        return;
    }
    answer_open(&out, NULL, '{');
    answer_open(&out, "event", '{');
    event_json_members(&out, result, 0);
    answer_close(&out, '}');
    event_json_results(&out, result);
    answer_close(&out, '}');
    http_reply(request, 200, "application/json", &out);
    buf_release(&out);
}

void event_get(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    const char *id = http_param(request, "id");
    const char *tenant = http_tenant(request, http_query(request, "tenant_id"));
    struct uuid uuid;
    if (!tenant) {
        gateway_not_found(request);
        return;
    }
    struct db_params *params = db_params_new();
    db_add_uuid(params, uuid_parse(&uuid, id, strlen(id)) == 0 ? &uuid : NULL);
    db_add_text(params, id);
    db_add_text(params, strcmp(tenant, AUTH_ALL_TENANTS) == 0 ? NULL : tenant);
    db_query_tenant(store_db(gateway->store), tenant, sql_get_event, params, on_event, request);
}
