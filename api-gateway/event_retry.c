/* event_retry.c: POST /sync/events/{id}/retry: only failed and waiting targets are sent again (DESIGN: attempts). */
#include "answer.h"
#include "changes.h"
#include "clock.h"
#include "gateway.h"
#include "log.h"
#include "msg.h"
#include "sql.h"

/* Owner: the query's callback. */
struct retry {
    struct gateway *gateway;
    struct http_request *request;
};

/* Hints, as after accepting: the owners find the rows without them too. */
static void publish(const struct gateway *gateway, const struct db_result *result)
{
    struct belt_call *call = NULL;
    bool rerouted = db_get_bool(result, 0, db_column(result, "rerouted"));
    unsigned partition = (unsigned)db_get_int(result, 0, db_column(result, "partition"));
    enum priority priority = (enum priority)db_get_int(result, 0, db_column(result, "priority"));
    for (size_t row = 0; row < db_rows(result); row++) {
        struct ref ref = {.seq = 0};
        char key[MSG_KEY_MAX];
        const char *target = db_get_text(result, row, db_column(result, "target"), NULL);
        store_read_ref(result, row, &ref);
        if (rerouted)
            msg_key_events(key, priority, partition);
        else
            msg_key_deliver(key, target, priority, partition);
        if (!call)
            call = belt_call_new(partition);
        belt_publish(call, key, gateway->conf->stream_window, &ref);
    }
    if (call)
        belt_send(gateway->belt, call, "", 0, NULL, NULL);
}

static void answer_queued(struct http_request *request, const struct db_result *result)
{
    struct buf out = BUF_INIT, id = BUF_INIT;
    event_json_id(result, 0, &id);
    answer_open(&out, NULL, '{');
    answer_text(&out, "message", "Event queued for retry");
    answer_text(&out, "event_id", id.data);
    answer_close(&out, '}');
    http_reply(request, 200, "application/json", &out);
    buf_release(&out);
    buf_release(&id);
}

static void on_retried(enum db_status status, const struct db_result *result, void *arg)
{
    struct retry retry = *(struct retry *)arg;
    free(arg);
    if (status != DB_OK) {
        changes_refuse(retry.request, status, result,
                       "The database went away meanwhile: look at the event before you send this again.");
    } else if (db_rows(result) == 0) {
        gateway_not_found(retry.request);
    } else if (db_is_null(result, 0, db_column(result, "target")) &&
               !db_get_bool(result, 0, db_column(result, "rerouted"))) {
        http_problem(retry.request,
                     &(struct problem){.status = 400,
                                       .type = "not-retryable",
                                       .title = "Event cannot be retried",
                                       .detail = "Event cannot be retried: none of its targets has failed "
                                                 "or waits for a repeat."});
    } else {
        publish(retry.gateway, result);
        log_info("event retried", LOG_STR("subject", http_identity(retry.request)->subject),
                 LOG_STR("request", http_request_id(retry.request)));
        answer_queued(retry.request, result);
    }
}

void event_retry(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    const char *id = http_param(request, "id");
    const char *tenant = http_tenant(request, http_query(request, "tenant_id"));
    struct uuid uuid;
    if (!tenant) {
        gateway_not_found(request);
        return;
    }
    struct retry *retry = mem_alloc(sizeof *retry);
    *retry = (struct retry){gateway, request};
    struct db_params *params = db_params_new();
    struct db_array *ours = db_add_array(params, DB_UUID);
    if (uuid_parse(&uuid, id, strlen(id)) == 0)
        db_array_uuid(ours, &uuid);
    db_add_text(params, id);
    db_add_text(params, strcmp(tenant, AUTH_ALL_TENANTS) == 0 ? NULL : tenant);
    db_add_text(params, service_instance(gateway->service));
    db_add_null(params, DB_TEXT);
    changes_query(gateway->changes, sql_retry_event, params, on_retried, retry);
}
