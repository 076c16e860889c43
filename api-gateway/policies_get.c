/*
 * policies_get.c: GET /sync/tenants/{id}/policies, …/versions and …/versions/{version}: what a tenant has written over the policy
 * file, who wrote it, and what holds with it.
 */
#include "answer.h"
#include "policies_inside.h"
#include "policy.h"
#include "sql.h"
#include "timefmt.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200
#define MISTAKES_MAX 50

/* Owner: the query's callback. */
struct reading {
    struct gateway *gateway;
    struct http_request *request;
    const char *tenant; /* the request's */
    bool by_version;
    int64_t limit;
};

const char *policies_tenant(struct http_request *request, bool writes)
{
    const char *named = http_param(request, "id"), *tenant = http_tenant(request, named);

    if (tenant && strlen(named) <= AUTH_TENANT_MAX && strcmp(tenant, AUTH_ALL_TENANTS) != 0)
        return tenant;
    http_problem(request,
                 &(struct problem){.status = writes ? 403 : 404,
                                   .type = "no-such-tenant",
                                   .detail = "There is no such tenant, or this token is not for it."});
    return NULL;
}

struct policy_set *policies_check(const struct gateway *gateway, const char *tenant, int64_t version,
                                  const char *text, const char *pointer, struct json *errors)
{
    struct buf mistakes = BUF_INIT;
    struct policy_set *set = NULL;

    if (strstr(text, "@include")) {
        accept_mistake(errors, pointer, "policies must be whole: @include cannot be followed here");
        return NULL;
    }
    set = policy_set_overlay(gateway->policies, tenant, version, text, strlen(text), gateway->platforms,
                             &mistakes);
    for (const char *at = mistakes.data; *at && json_count(errors) < MISTAKES_MAX;
         at += strcspn(at, "\n"), at += *at == '\n')
        accept_mistake(errors, pointer, "%.*s", (int)strcspn(at, "\n"), at);
    buf_release(&mistakes);
    return set;
}

/* ---- one version ---- */

static void set_text(struct json *json, const struct db_result *result, const char *column)
{
    json_set(json, column, json_new_text(db_get_text(result, 0, db_column(result, column), NULL)));
}

static void set_version(struct json *json, const struct db_result *result)
{
    char time[TIMEFMT_LEN + 1];
    int restores = db_column(result, "restores");

    set_text(json, result, "text");
    set_text(json, result, "author");
    set_text(json, result, "note");
    json_set(json, "restores",
             db_is_null(result, 0, restores) ? NULL : json_new_int(db_get_int(result, 0, restores)));
    timefmt_rfc3339(db_get_time_ms(result, 0, db_column(result, "created_at")), time);
    json_set(json, "created_at", json_new_text(time));
}

/* What holds; a text that does not go with the files of now is told as such, and they hold alone. */
static void set_effect(const struct gateway *gateway, struct json *json, const char *tenant, int64_t version,
                       const char *text)
{
    struct json *errors = json_new_array();
    struct policy_set *set = policies_check(gateway, tenant, version, text, "/text", errors);
    const struct policy_set *holds = set ? set : gateway->policies;

    json_set(json, "policies_version", json_new_text(policy_version(holds)));
    json_set(json, "effective", policy_describe_all(holds, tenant));
    json_set(json, "errors", errors);
    policy_set_free(&set);
}

void policies_answer(const struct gateway *gateway, struct http_request *request, const char *tenant,
                     const struct db_result *result)
{
    bool any = db_rows(result) > 0;
    int64_t version = any ? db_get_int(result, 0, db_column(result, "version")) : 0;
    const char *text = any ? db_get_text(result, 0, db_column(result, "text"), NULL) : "";
    struct json *json = json_new_object();
    char tag[32];

    json_set(json, "tenant_id", json_new_text(tenant));
    json_set(json, "version", json_new_int(version));
    if (any)
        set_version(json, result);
    else
        json_set(json, "text", json_new_text(""));
    set_effect(gateway, json, tenant, version, text);
    snprintf(tag, sizeof tag, "\"%lld\"", (long long)version);
    http_add_header(request, "ETag", tag);
    http_reply_json(request, 200, json);
    json_free(json);
}

static void on_version(enum db_status status, const struct db_result *result, void *arg)
{
    struct reading *reading = arg;

    if (status != DB_OK)
        gateway_refuse_database(reading->request, status, result);
    else if (reading->by_version && db_rows(result) == 0)
        http_problem(reading->request,
                     &(struct problem){.status = 404,
                                       .type = "no-such-version",
                                       .detail = "The policies of this tenant have no such version."});
    else
        policies_answer(reading->gateway, reading->request, reading->tenant, result);
    free(reading);
}

static struct reading *reading_new(struct gateway *gateway, struct http_request *request, const char *tenant)
{
    struct reading *reading = mem_alloc(sizeof *reading);

    *reading = (struct reading){.gateway = gateway, .request = request, .tenant = tenant};
    return reading;
}

/* 0 for what is no version. */
static int64_t read_number(const char *text)
{
    int64_t number = 0;

    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9' || number > INT32_MAX / 10)
            return 0;
        number = number * 10 + (*at - '0');
    }
    return number;
}

void policies_get(struct http_request *request, void *arg)
{
    const char *tenant = policies_tenant(request, false), *version = http_param(request, "version");
    struct reading *reading;
    struct db_params *params;

    if (!tenant)
        return;
    reading = reading_new(arg, request, tenant);
    reading->by_version = version;
    params = db_params_new();
    db_add_text(params, tenant);
    if (version)
        db_add_int(params, read_number(version));
    else
        db_add_null(params, DB_INT8);
    db_query_tenant(store_db(reading->gateway->store), tenant, sql_policy_get, params, on_version, reading);
}

/* ---- all versions ---- */

static void add_row(struct buf *out, const struct db_result *result, size_t row)
{
    int restores = db_column(result, "restores");

    answer_open(out, NULL, '{');
    answer_int(out, "version", db_get_int(result, row, db_column(result, "version")));
    answer_text(out, "author", db_get_text(result, row, db_column(result, "author"), NULL));
    answer_text(out, "note", db_get_text(result, row, db_column(result, "note"), NULL));
    if (db_is_null(result, row, restores))
        answer_null(out, "restores");
    else
        answer_int(out, "restores", db_get_int(result, row, restores));
    answer_int(out, "bytes", db_get_int(result, row, db_column(result, "bytes")));
    answer_time(out, "created_at", db_get_time_ms(result, row, db_column(result, "created_at")));
    answer_close(out, '}');
}

static void on_list(enum db_status status, const struct db_result *result, void *arg)
{
    struct reading *reading = arg;
    size_t rows = status == DB_OK ? db_rows(result) : 0, limit = (size_t)reading->limit;
    size_t shown = rows > limit ? limit : rows;
    struct buf out = BUF_INIT;

    if (status != DB_OK) {
        gateway_refuse_database(reading->request, status, result);
        free(reading);
        return;
    }
    answer_open(&out, NULL, '{');
    answer_text(&out, "tenant_id", reading->tenant);
    answer_open(&out, "versions", '[');
    for (size_t row = 0; row < shown; row++)
        add_row(&out, result, row);
    answer_close(&out, ']');
    answer_int(&out, "limit", reading->limit);
    cursor_answer_number(&out, rows > shown ? db_get_int(result, shown - 1, db_column(result, "version"))
                                            : CURSOR_NO_NUMBER);
    answer_close(&out, '}');
    http_reply(reading->request, 200, "application/json", &out);
    buf_release(&out);
    free(reading);
}

void policies_list(struct http_request *request, void *arg)
{
    const char *tenant = policies_tenant(request, false), *cursor = http_query(request, "cursor");
    int64_t limit, below = CURSOR_NO_NUMBER;
    struct reading *reading;
    struct db_params *params;

    if (!tenant || gateway_query_int(request, "limit", 1, INT64_MAX, LIMIT_DEFAULT, &limit) < 0)
        return;
    if (cursor && *cursor && cursor_read_number(cursor, &below) < 0) {
        gateway_refuse_parameter(request, "cursor", "cursor must be the next_cursor of an earlier answer");
        return;
    }
    reading = reading_new(arg, request, tenant);
    reading->limit = limit < LIMIT_MAX ? limit : LIMIT_MAX;
    params = db_params_new();
    db_add_text(params, tenant);
    if (below != CURSOR_NO_NUMBER)
        db_add_int(params, below);
    else
        db_add_null(params, DB_INT8);
    db_add_int(params, reading->limit);
    db_query_tenant(store_db(reading->gateway->store), tenant, sql_policy_list, params, on_list, reading);
}
