/*
 * brakes.c: GET /sync/brakes: whose flow is paused because too much was changed at once; POST /sync/brakes/{id}/release and /drop: a
 * person lets go what waits, or cancels it. The routers do it within a second.
 */
#include "answer.h"
#include "changes.h"
#include "gateway.h"
#include "log.h"
#include "sql.h"
#include "uuid.h"

#define LIMIT_MAX 200
#define NOTE_MAX 2000

/* Owner: the query's callback. */
struct deciding {
    struct gateway *gateway;
    struct http_request *request;
    const char *status;
};

static void add_text(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    answer_text(out, column, db_get_text(result, row, db_column(result, column), NULL));
}

static void add_brake(struct buf *out, const struct db_result *result, size_t row)
{
    static const char *const texts[] = {"tenant_id", "entity_type", "kind", "status", "ended_by", "note"};
    static const char *const numbers[] = {"counted", "records", "cancelled"};
    struct uuid id;

    answer_open(out, NULL, '{');
    db_get_uuid(result, row, db_column(result, "id"), &id);
    answer_uuid(out, "id", &id);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add_text(out, result, row, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        answer_int(out, numbers[i], db_get_int(result, row, db_column(result, numbers[i])));
    answer_time(out, "created_at", db_get_time_ms(result, row, db_column(result, "created_at")));
    answer_time(out, "ended_at", db_get_time_ms(result, row, db_column(result, "ended_at")));
    answer_close(out, '}');
}

static void on_list(enum db_status status, const struct db_result *result, void *arg)
{
    struct http_request *request = arg;
    struct buf out = BUF_INIT;

    if (status != DB_OK) {
        gateway_refuse_database(request, status, result);
        return;
    }
    answer_open(&out, NULL, '{');
    answer_open(&out, "brakes", '[');
    for (size_t row = 0; row < db_rows(result); row++)
        add_brake(&out, result, row);
    answer_close(&out, ']');
    answer_close(&out, '}');
    http_reply(request, 200, "application/json", &out);
    buf_release(&out);
}

void brake_list(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    const char *tenant = http_tenant(request, http_query(request, "tenant_id")),
               *status = http_query(request, "status");
    struct db_params *params;

    if (!tenant) {
        gateway_refuse_tenant(request);
        return;
    }
    params = db_params_new();
    db_add_text(params, status && *status ? status : NULL);
    db_add_uuid(params, NULL);
    db_add_int(params, LIMIT_MAX);
    db_query_tenant(store_db(gateway->store), tenant, sql_brake_list, params, on_list, request);
}

/* ---- decisions ---- */

static void on_decided(enum db_status status, const struct db_result *result, void *arg)
{
    struct deciding *deciding = arg;
    struct buf out = BUF_INIT;

    if (status != DB_OK) {
        changes_refuse(deciding->request, status, result,
                       "The database went away meanwhile: look at the brake before you send this again.");
    } else if (db_rows(result) == 0) {
        http_problem(deciding->request,
                     &(struct problem){.status = 409,
                                       .type = "no-such-brake",
                                       .detail = "There is no such brake, it is not yours, or somebody was "
                                                 "faster and has decided: look at the list again."});
    } else {
        add_brake(&out, result, 0);
        http_reply(deciding->request, 200, "application/json", &out);
        log_info("brake decided", LOG_STR("status", deciding->status),
                 LOG_STR("tenant", db_get_text(result, 0, db_column(result, "tenant_id"), NULL)),
                 LOG_STR("subject", http_identity(deciding->request)->subject),
                 LOG_STR("request", http_request_id(deciding->request)));
    }
    buf_release(&out);
    free(deciding);
}

/* The note of the body, which may be empty; -1 after having refused it. */
static int read_note(struct http_request *request, const char **note)
{
    const struct json *body, *value;
    size_t len = 0;

    *note = NULL;
    http_body(request, &len);
    if (len == 0)
        return 0;
    if (!(body = http_json(request)))
        return -1;
    value = json_get(body, "note");
    *note = json_type(value) == JSON_STRING ? json_text(value, &len) : NULL;
    if (json_type(body) == JSON_OBJECT && (!value || (*note && len <= NOTE_MAX)))
        return 0;
    http_problem(request,
                 &(struct problem){.status = 422,
                                   .type = "invalid-decision",
                                   .detail = "The body must be an object with a text `note`, or empty."});
    return -1;
}

static void decide(struct gateway *gateway, struct http_request *request, const char *status)
{
    const char *text = http_param(request, "id"), *note;
    const char *tenant = http_tenant(request, http_query(request, "tenant_id"));
    struct deciding *deciding;
    struct db_params *params;
    struct uuid id;

    if (!tenant || uuid_parse(&id, text, strlen(text)) != 0) {
        gateway_not_found(request);
        return;
    }
    if (read_note(request, &note) < 0)
        return;
    deciding = mem_alloc(sizeof *deciding);
    *deciding = (struct deciding){gateway, request, status};
    params = db_params_new();
    db_add_uuid(params, &id);
    db_add_text(params, strcmp(tenant, AUTH_ALL_TENANTS) == 0 ? NULL : tenant);
    db_add_text(params, status);
    db_add_text(params, http_identity(request)->subject);
    db_add_text(params, note);
    changes_query(gateway->changes, sql_brake_decide, params, on_decided, deciding);
}

void brake_release(struct http_request *request, void *arg)
{
    decide(arg, request, "released");
}

void brake_drop(struct http_request *request, void *arg)
{
    decide(arg, request, "dropping");
}
