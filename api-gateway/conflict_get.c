/*
 * conflict_get.c: GET /sync/conflicts/{id}; and what deciding and taking back share: they read the conflict, make an event of the
 * service, and answer with the conflict.
 *
 *   reading ─▶ refused, or the statement ─▶ 409, or the event's reference to the router ─▶ reading until it is applied ─▶ 200
 *
 * The event is committed before anything is answered; that the router is away only delays it, and `applied` says so.
 */
#include <event2/event.h>

#include "clock.h"
#include "conflict_inside.h"
#include "log.h"
#include "msg.h"
#include "sql.h"

#define APPLY_WAIT_MS 1000
#define APPLY_PAUSE_MS 20

/* Owner: the query's callback, or the timer. */
struct showing {
    struct gateway *gateway;
    struct http_request *request;
    const char *tenant; /* the request's */
    struct uuid id;
    bool changed;     /* by this request; then: */
    int64_t until_ms; /* waits so long for the router */
};

static void not_found(struct http_request *request)
{
    http_problem(request, &(struct problem){.status = 404,
                                            .type = "no-such-conflict",
                                            .detail = "There is no such conflict, or it is not yours."});
}

/* ---- showing ---- */

static void show(struct showing *showing);

static void show_cb(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    show(arg);
}

static void answer(const struct showing *showing, const struct conflict_row *row)
{
    struct json *json = conflict_json(row);

    http_reply_json(showing->request, 200, json);
    json_free(json);
}

static void on_shown(enum db_status status, const struct db_result *result, void *arg)
{
    struct showing *showing = arg;
    struct conflict_row row;
    bool waits = false;

    if (status != DB_OK && showing->changed) {
        changes_refuse(showing->request, DB_UNKNOWN, NULL,
                       "It is stored, and the database went away before it could be shown: look at the "
                       "conflict.");
    } else if (status != DB_OK) {
        gateway_refuse_database(showing->request, status, result);
    } else if (db_rows(result) == 0) {
        not_found(showing->request);
    } else {
        conflict_row_read(&row, result);
        waits = showing->changed && !conflict_row_applied(&row) && clock_mono_ms() < showing->until_ms;
        if (!waits)
            answer(showing, &row);
        conflict_row_release(&row);
    }
    if (waits)
        event_base_once(service_base(showing->gateway->service), -1, EV_TIMEOUT, show_cb, showing,
                        &(struct timeval){0, APPLY_PAUSE_MS * 1000});
    else
        free(showing);
}

static void show(struct showing *showing)
{
    struct db_params *params = db_params_new();

    db_add_uuid(params, &showing->id);
    db_query_tenant(store_db(showing->gateway->store), showing->tenant, sql_get_conflict, params, on_shown,
                    showing);
}

static void start(struct gateway *gateway, struct http_request *request, const char *tenant,
                  const struct uuid *id, bool changed)
{
    struct showing *showing = mem_alloc(sizeof *showing);

    *showing = (struct showing){gateway, request, tenant, *id, changed, clock_mono_ms() + APPLY_WAIT_MS};
    show(showing);
}

/* The conflict that the path names, and whose it may be; NULL: refused. */
static const char *read_place(struct http_request *request, struct uuid *id)
{
    const char *text = http_param(request, "id");
    const char *tenant = http_tenant(request, http_query(request, "tenant_id"));

    if (tenant && uuid_parse(id, text, strlen(text)) == 0)
        return tenant;
    not_found(request);
    return NULL;
}

void conflict_get(struct http_request *request, void *arg)
{
    struct uuid id;
    const char *tenant = read_place(request, &id);

    if (tenant)
        start(arg, request, tenant, &id, false);
}

/* ---- changes ---- */

void conflict_change_start(struct gateway *gateway, struct http_request *request, const char *verb,
                           db_cb on_read)
{
    struct uuid id;
    const char *tenant = read_place(request, &id);
    struct conflict_change *change;
    struct db_params *params;

    if (!tenant)
        return;
    change = mem_alloc(sizeof *change);
    *change = (struct conflict_change){gateway, request, tenant, id, verb};
    params = db_params_new();
    db_add_uuid(params, &id);
    db_query_tenant(store_db(gateway->store), tenant, sql_get_conflict, params, on_read, change);
}

bool conflict_change_read(struct conflict_change *change, enum db_status status,
                          const struct db_result *result)
{
    if (status == DB_OK && db_rows(result) > 0)
        return true;
    if (status == DB_OK)
        not_found(change->request);
    else
        gateway_refuse_database(change->request, status, result);
    free(change);
    return false;
}

static void refuse_late(struct http_request *request, const char *detail)
{
    http_problem(request, &(struct problem){
                              .status = 409,
                              .type = "conflict-decided",
                              .detail = detail ? detail
                                               : "Somebody was faster: the conflict, or a field of it, is "
                                                 "decided already. Look at it again."});
}

void conflict_change_refuse(struct conflict_change *change, const struct json *errors, const char *detail)
{
    if (json_count(errors) > 0)
        http_problem(change->request, &(struct problem){.status = 422,
                                                        .type = "invalid-decision",
                                                        .detail = "The body does not validate: errors names "
                                                                  "each member and what is wrong.",
                                                        .errors = errors});
    else
        refuse_late(change->request, detail);
    free(change);
}

struct db_params *conflict_change_params(const struct conflict_change *change)
{
    struct db_params *params = db_params_new();

    db_add_uuid(params, &change->id);
    db_add_text(params, strcmp(change->tenant, AUTH_ALL_TENANTS) == 0 ? NULL : change->tenant);
    return params;
}

void conflict_add_body(struct db_params *params, const struct json *json)
{
    struct buf text = BUF_INIT;

    buf_add_ch(&text, BODY_PLAIN);
    json_write(&text, json);
    db_add_bytes(params, text.data, text.len);
    buf_release(&text);
}

/* A hint, as after accepting: the router finds the event without it too. */
static void publish(const struct gateway *gateway, const struct db_result *result)
{
    unsigned partition = (unsigned)db_get_int(result, 0, db_column(result, "partition"));
    struct belt_call *call = belt_call_new(partition);
    struct ref ref = {.seq = 0};
    char key[MSG_KEY_MAX];

    store_read_ref(result, 0, &ref);
    msg_key_events(key, PRIORITY_HIGH, partition);
    belt_publish(call, key, gateway->conf->stream_window, &ref);
    belt_send(gateway->belt, call, "", 0, NULL, NULL);
}

static void on_changed(enum db_status status, const struct db_result *result, void *arg)
{
    struct conflict_change *change = arg;

    if (status != DB_OK) {
        changes_refuse(change->request, status, result,
                       "The database went away meanwhile: look at the conflict before you send this again.");
    } else if (db_rows(result) == 0) {
        refuse_late(change->request, NULL);
    } else {
        publish(change->gateway, result);
        log_info(change->verb, LOG_STR("subject", http_identity(change->request)->subject),
                 LOG_STR("request", http_request_id(change->request)));
        start(change->gateway, change->request, change->tenant, &change->id, true);
    }
    free(change);
}

void conflict_change_send(struct conflict_change *change, const char *sql, struct db_params *params)
{
    changes_query(change->gateway->changes, sql, params, on_changed, change);
}
