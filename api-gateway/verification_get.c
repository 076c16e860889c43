/* verification_get.c: verifications asked after and told: GET, PATCH, DELETE /sync/verifications. */
#include "answer.h"
#include "changes.h"
#include "log.h"
#include "mem.h"
#include "sql.h"
#include "verification.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200

static void not_found(struct http_request *request)
{
    http_problem(request, &(struct problem){.status = 404,
                                            .type = "no-such-verification",
                                            .detail = "There is no such verification, or it is not yours."});
}

/* The verification that the path names, and the tenant to look as; NULL after having refused. */
static const char *named(struct http_request *request, struct uuid *id)
{
    const char *text = http_param(request, "id");
    const char *tenant = http_tenant(request, http_query(request, "tenant_id"));
    if (tenant && uuid_parse(id, text, strlen(text)) == 0)
        return tenant;
    not_found(request);
    return NULL;
}

/* ---- as JSON ---- */

static const char *text_of(const struct db_result *result, size_t row, const char *name)
{
    return db_get_text(result, row, db_column(result, name), NULL);
}

static void show_entities(struct buf *out, const char *list)
{
    answer_open(out, "entities", '[');
    while (list && *list) {
        size_t len = strcspn(list, ",");
        answer_text_len(out, NULL, list, len);
        list += len + (list[len] == ',');
    }
    answer_close(out, ']');
}

static void show(struct buf *out, const struct db_result *result, size_t row)
{
    static const char *const times[] = {"created_at", "started_at", "updated_at", "ended_at", "retry_at"};
    const char *parts = text_of(result, row, "parts"), *examples = text_of(result, row, "examples");
    struct uuid id;
    db_get_uuid(result, row, db_column(result, "id"), &id);
    answer_uuid(out, "id", &id);
    answer_text(out, "tenant_id", text_of(result, row, "tenant_id"));
    answer_text(out, "platform", text_of(result, row, "platform"));
    answer_bool(out, "dry_run", !db_get_bool(result, row, db_column(result, "repair")));
    answer_bool(out, "scheduled", db_get_bool(result, row, db_column(result, "scheduled")));
    answer_text(out, "state", text_of(result, row, "state"));
    answer_text(out, "reason", text_of(result, row, "reason"));
    show_entities(out, text_of(result, row, "entities"));
    answer_json(out, "parts", parts, strlen(parts));
    if (examples)
        answer_json(out, "examples", examples, strlen(examples));
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        answer_time(out, times[i], db_get_time_ms(result, row, db_column(result, times[i])));
    answer_text(out, "created_by", text_of(result, row, "subject"));
}

/* Owner: the query's callback. */
struct reply {
    struct http_request *request;
    int status;
};

static void on_read(enum db_status status, const struct db_result *result, void *arg)
{
    struct reply reply = *(struct reply *)arg;
    struct buf out = BUF_INIT;
    free(arg);
    if (status != DB_OK && reply.status == 202) {
        changes_refuse(reply.request, DB_UNKNOWN, NULL,
                       "The verification was made, and the database went away before it could be shown: look "
                       "at the list of verifications.");
    } else if (status != DB_OK) {
        gateway_refuse_database(reply.request, status, result);
    } else if (db_rows(result) == 0) {
        not_found(reply.request);
    } else {
        answer_open(&out, NULL, '{');
        show(&out, result, 0);
        answer_close(&out, '}');
        http_reply(reply.request, reply.status, "application/json", &out);
    }
    buf_release(&out);
}

void verification_reply(struct gateway *gateway, struct http_request *request, const char *tenant,
                        const struct uuid *id, int status)
{
    struct db_params *params = db_params_new();
    struct reply *reply = mem_alloc(sizeof *reply);
    *reply = (struct reply){request, status};
    db_add_uuid(params, id);
    db_add_text(params, NULL);
    db_add_text(params, NULL);
    db_add_uuid(params, NULL);
    db_add_int(params, 1);
    db_query_tenant(store_db(gateway->store), tenant, sql_verify_read, params, on_read, reply);
}

void verification_get(struct http_request *request, void *arg)
{
    struct uuid id;
    const char *tenant = named(request, &id);
    if (tenant)
        verification_reply(arg, request, tenant, &id, 200);
}

/* ---- the list ---- */

/* Owner: the query's callback. */
struct listing {
    struct http_request *request;
    size_t limit;
};

static void on_listed(enum db_status status, const struct db_result *result, void *arg)
{
    struct listing listing = *(struct listing *)arg;
    struct buf out = BUF_INIT;
    free(arg);
    if (status != DB_OK) {
        gateway_refuse_database(listing.request, status, result);
        return;
    }
    size_t count = db_rows(result) < listing.limit ? db_rows(result) : listing.limit;
    answer_open(&out, NULL, '{');
    answer_open(&out, "jobs", '[');
    for (size_t row = 0; row < count; row++) {
        answer_open(&out, NULL, '{');
        show(&out, result, row);
        answer_close(&out, '}');
    }
    answer_close(&out, ']');
    cursor_answer(&out, result, count, db_rows(result) > listing.limit);
    answer_close(&out, '}');
    http_reply(listing.request, 200, "application/json", &out);
    buf_release(&out);
}

static bool is_state(const char *text)
{
    static const char *const words[] = {"waiting", "running", "paused", "done", "failed", "cancelled"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static const char *parameter(struct http_request *request, const char *name)
{
    const char *text = http_query(request, name);
    return text && *text ? text : NULL;
}

void verification_list(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    struct uuid cursor;
    int64_t limit;
    const char *state = parameter(request, "state"), *after = parameter(request, "cursor");
    const char *tenant = http_tenant(request, http_query(request, "tenant_id"));
    if (!tenant) {
        gateway_refuse_tenant(request);
        return;
    }
    if (gateway_query_int(request, "limit", 1, INT64_MAX, LIMIT_DEFAULT, &limit) < 0)
        return;
    if (state && !is_state(state)) {
        gateway_refuse_parameter(request, "state",
                                 "state must be one of waiting, running, paused, done, failed and cancelled");
        return;
    }
    if (after && cursor_read(after, &cursor) < 0) {
        gateway_refuse_parameter(request, "cursor", "cursor must be the next_cursor of an earlier answer");
        return;
    }
    struct listing *listing = mem_alloc(sizeof *listing);
    *listing = (struct listing){request, (size_t)(limit < LIMIT_MAX ? limit : LIMIT_MAX)};
    struct db_params *params = db_params_new();
    db_add_uuid(params, NULL);
    db_add_text(params, parameter(request, "platform"));
    db_add_text(params, state);
    db_add_uuid(params, after ? &cursor : NULL);
    db_add_int(params, (int64_t)listing->limit + 1);
    db_query_tenant(store_db(gateway->store), tenant, sql_verify_read, params, on_listed, listing);
}

/* ---- changes ---- */

/* Owner: the query's callback. */
struct change {
    struct gateway *gateway;
    struct http_request *request;
    struct uuid id;
    char *tenant;
    const char *state;
};

static void on_changed(enum db_status status, const struct db_result *result, void *arg)
{
    struct change *change = arg;
    struct http_request *request = change->request;
    const char *before = status == DB_OK && db_rows(result) > 0 ? text_of(result, 0, "state") : NULL;
    char detail[120];
    if (status != DB_OK) {
        changes_refuse(request, status, result,
                       "The database went away meanwhile: look at the verification, or send this again.");
    } else if (!before) {
        not_found(request);
    } else if (db_get_bool(result, 0, db_column(result, "changed")) ||
               (strcmp(change->state, "cancelled") == 0 && strcmp(before, "cancelled") == 0)) {
        log_info("verification changed", LOG_STR("subject", http_identity(request)->subject),
                 LOG_STR("state", change->state), LOG_STR("request", http_request_id(request)));
        verification_reply(change->gateway, request, change->tenant, &change->id, 200);
    } else {
        snprintf(detail, sizeof detail, "The verification has ended: it is %s.", before);
        http_problem(request, &(struct problem){.status = 409, .type = "wrong-state", .detail = detail});
    }
    free(change->tenant);
    free(change);
}

static void send_change(struct gateway *gateway, struct http_request *request, const char *tenant,
                        const struct uuid *id, const char *state)
{
    struct change *change = mem_alloc(sizeof *change);
    struct db_params *params = db_params_new();
    *change = (struct change){gateway, request, *id, mem_strdup(tenant), state};
    db_add_uuid(params, id);
    db_add_text(params, strcmp(tenant, AUTH_ALL_TENANTS) == 0 ? NULL : tenant);
    db_add_text(params, state);
    changes_query(gateway->changes, sql_verify_change, params, on_changed, change);
}

void verification_delete(struct http_request *request, void *arg)
{
    struct uuid id;
    const char *tenant = named(request, &id);
    if (tenant)
        send_change(arg, request, tenant, &id, "cancelled");
}

void verification_patch(struct http_request *request, void *arg)
{
    struct uuid id;
    const char *tenant = named(request, &id);
    const struct json *body = tenant ? http_json(request) : NULL;
    const char *state = json_get_text(body, "state");
    if (!body)
        return;
    bool running = state && strcmp(state, "running") == 0, paused = state && strcmp(state, "paused") == 0;
    if (json_type(body) != JSON_OBJECT || json_count(body) != 1 || (!running && !paused)) {
        struct json *errors = json_new_array();
        accept_mistake(errors, "/state",
                       "state must be paused or running, and nothing else can be changed; "
                       "DELETE cancels");
        http_problem(request, &(struct problem){.status = 422,
                                                .type = "invalid-change",
                                                .detail = "The change does not validate.",
                                                .errors = errors});
        json_free(errors);
        return;
    }
    send_change(arg, request, tenant, &id, running ? "running" : "paused");
}
