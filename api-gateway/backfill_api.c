/* backfill_api.c: first syncs asked after and told: GET, PATCH, DELETE. */
#include "answer.h"
#include "backfill_inside.h"
#include "changes.h"
#include "log.h"
#include "sql.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200
#define RATE_MAX 100000

void backfill_not_found(struct http_request *request)
{
    http_problem(request, &(struct problem){.status = 404,
                                            .type = "no-such-backfill",
                                            .detail = "There is no such backfill, or it is not yours."});
}

const char *backfill_named(struct http_request *request, struct uuid *id)
{
    const char *text = http_param(request, "id");
    const char *tenant = http_tenant(request, http_query(request, "tenant_id"));
    if (tenant && uuid_parse(id, text, strlen(text)) == 0)
        return tenant;
    backfill_not_found(request);
    return NULL;
}

void backfill_get(struct http_request *request, void *arg)
{
    struct uuid id;
    const char *tenant = backfill_named(request, &id);
    if (tenant)
        backfill_reply(arg, request, tenant, &id, 200);
}

/* ---- the list ---- */

/* Owner: the query's callback. */
struct listing {
    struct http_request *request;
    size_t limit;
};

static void write_page(struct buf *out, const struct db_result *result, size_t limit)
{
    size_t count = db_rows(result) < limit ? db_rows(result) : limit;
    answer_open(out, NULL, '{');
    answer_open(out, "jobs", '[');
    for (size_t row = 0; row < count; row++) {
        answer_open(out, NULL, '{');
        backfill_show(out, result, row);
        answer_close(out, '}');
    }
    answer_close(out, ']');
    cursor_answer(out, result, count, db_rows(result) > limit);
    answer_close(out, '}');
}

static void on_listed(enum db_status status, const struct db_result *result, void *arg)
{
    struct listing *listing = arg;
    struct buf out = BUF_INIT;
    if (status == DB_OK) {
        write_page(&out, result, listing->limit);
        http_reply(listing->request, 200, "application/json", &out);
    } else {
        gateway_refuse_database(listing->request, status, result);
    }
    buf_release(&out);
    free(listing);
}

static bool is_state(const char *text)
{
    static const char *const words[] = {"uploading", "waiting", "running",  "paused",
                                        "done",      "failed",  "cancelled"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

void backfill_list(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    struct uuid cursor;
    int64_t limit;
    const char *state = http_query(request, "state"), *after = http_query(request, "cursor");
    const char *tenant = http_tenant(request, http_query(request, "tenant_id"));
    state = state && *state ? state : NULL;
    after = after && *after ? after : NULL;
    if (!tenant) {
        gateway_refuse_tenant(request);
        return;
    }
    if (gateway_query_int(request, "limit", 1, INT64_MAX, LIMIT_DEFAULT, &limit) < 0)
        return;
    if (state && !is_state(state)) {
        gateway_refuse_parameter(
            request, "state",
            "state must be one of uploading, waiting, running, paused, done, failed and cancelled");
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
    db_add_text(params, state);
    db_add_uuid(params, after ? &cursor : NULL);
    db_add_int(params, (int64_t)listing->limit + 1);
    db_query_tenant(store_db(gateway->store), tenant, sql_backfill_read, params, on_listed, listing);
}

/* ---- changes ---- */

/* Owner: the query's callback. */
struct change {
    struct gateway *gateway;
    struct http_request *request;
    struct uuid id;
    char *tenant;
    char state[16]; /* "" : as it is */
};

static void refuse_change(const struct change *change, const struct db_result *result)
{
    const char *state = db_get_text(result, 0, db_column(result, "state"), NULL);
    bool uploading = strcmp(state, "uploading") == 0;
    char detail[256];
    if (uploading && strcmp(change->state, "running") == 0)
        snprintf(detail, sizeof detail,
                 "The file is not whole: there are %lld parts, and the last one is part %lld. Send what is "
                 "missing, and "
                 "say how many there are in `parts`.",
                 (long long)db_get_int(result, 0, db_column(result, "have")),
                 (long long)db_get_int(result, 0, db_column(result, "last")));
    else if (uploading)
        snprintf(detail, sizeof detail, "The backfill waits for its file: there is nothing to pause.");
    else
        snprintf(detail, sizeof detail, "The backfill has ended: it is %s.", state);
    http_problem(change->request, &(struct problem){.status = 409, .type = "wrong-state", .detail = detail});
}

static void on_changed(enum db_status status, const struct db_result *result, void *arg)
{
    struct change *change = arg;
    struct http_request *request = change->request;
    if (status != DB_OK) {
        changes_refuse(request, status, result,
                       "The database went away meanwhile: look at the backfill, or send this again.");
    } else if (db_rows(result) == 0) {
        backfill_not_found(request);
    } else {
        bool changed = db_get_bool(result, 0, db_column(result, "changed"));
        bool cancelled = strcmp(change->state, "cancelled") == 0;
        if (changed) {
            log_info("first sync changed", LOG_STR("subject", http_identity(request)->subject),
                     LOG_STR("state", change->state), LOG_STR("request", http_request_id(request)));
            backfill_claim_soon(change->gateway->backfill);
        }
        if (changed && cancelled)
            stats_add(change->gateway->backfill->cancelled, 1);
        if (changed ||
            (cancelled && strcmp(db_get_text(result, 0, db_column(result, "state"), NULL), "cancelled") == 0))
            backfill_reply(change->gateway, request, change->tenant, &change->id, 200);
        else
            refuse_change(change, result);
    }
    free(change->tenant);
    free(change);
}

static void send_change(struct gateway *gateway, struct http_request *request, const char *tenant,
                        const struct uuid *id, const char *state, int64_t rate, int64_t parts)
{
    struct change *change = mem_alloc(sizeof *change);
    struct db_params *params = db_params_new();
    *change = (struct change){gateway, request, *id, mem_strdup(tenant), ""};
    snprintf(change->state, sizeof change->state, "%s", state ? state : "");
    db_add_uuid(params, id);
    db_add_text(params, strcmp(tenant, AUTH_ALL_TENANTS) == 0 ? NULL : tenant);
    db_add_text(params, state);
    if (rate > 0)
        db_add_int(params, rate);
    else
        db_add_null(params, DB_INT8);
    if (parts > 0)
        db_add_int(params, parts);
    else
        db_add_null(params, DB_INT8);
    changes_query(gateway->changes, sql_backfill_change, params, on_changed, change);
}

void backfill_delete(struct http_request *request, void *arg)
{
    struct uuid id;
    const char *tenant = backfill_named(request, &id);
    if (tenant)
        send_change(arg, request, tenant, &id, "cancelled", 0, 0);
}

/* A whole number of the body from 1 on, 0 when it is absent; -1: it is none. */
static int64_t number_of(const struct json *body, const char *name, int64_t highest)
{
    const struct json *value = json_get(body, name);
    int64_t number;
    if (!value)
        return 0;
    if (json_type(value) != JSON_NUMBER || json_int64(value, &number) != 0 || number < 1 || number > highest)
        return -1;
    return number;
}

/* NULL, or what is wrong with it. */
static const char *check_change(const struct json *body, const char **pointer)
{
    struct json_iter iter = {NULL};
    const char *key, *state = json_get_text(body, "state");
    struct json *value;
    *pointer = "";
    if (json_type(body) != JSON_OBJECT || json_count(body) == 0)
        return "say in an object what is to change: state, rate";
    while (json_next(body, &iter, &key, &value))
        if (strcmp(key, "state") != 0 && strcmp(key, "rate") != 0 && strcmp(key, "parts") != 0)
            return "there is no such member: a change takes state, rate and parts";
    *pointer = "/state";
    if (json_get(body, "state") &&
        (!state || (strcmp(state, "paused") != 0 && strcmp(state, "running") != 0)))
        return "state must be paused or running; DELETE cancels";
    *pointer = "/rate";
    if (number_of(body, "rate", RATE_MAX) < 0)
        return "rate must be a whole number from 1 to 100000: rows a second";
    *pointer = "/parts";
    return number_of(body, "parts", RATE_MAX) < 0 ? "parts must be a whole number from 1 to 100000" : NULL;
}

void backfill_patch(struct http_request *request, void *arg)
{
    struct uuid id;
    const char *pointer, *tenant = backfill_named(request, &id);
    struct json *body = tenant ? http_json(request) : NULL;
    const char *why = body ? check_change(body, &pointer) : NULL;
    if (!body)
        return;
    if (why) {
        struct json *errors = json_new_array(), *error = json_new_object();
        json_set(error, "pointer", json_new_text(pointer));
        json_set(error, "detail", json_new_text(why));
        json_append(errors, error);
        http_problem(request, &(struct problem){
                                  .status = 422, .type = "invalid-change", .detail = why, .errors = errors});
        json_free(errors);
        return;
    }
    send_change(arg, request, tenant, &id, json_get_text(body, "state"), number_of(body, "rate", RATE_MAX),
                number_of(body, "parts", RATE_MAX));
}
