/*
 * policies_put.c: PUT /sync/tenants/{id}/policies: a new version of a tenant's own policies, or an earlier one again. It is held
 * against the files in force first; of two who write at once one is told that the other was faster.
 */
#include "changes.h"
#include "log.h"
#include "policies_inside.h"
#include "policy.h"
#include "sql.h"

#define NOTE_MAX 2000
#define ANY_VERSION (-1)

/* Owner: the callback of the statement under way. */
struct writing {
    struct gateway *gateway;
    struct http_request *request;
    const char *tenant, *note; /* the request's */
    int64_t expected;          /* the version that must be the newest; 0: none yet; or ANY_VERSION */
    int64_t restores;          /* 0: a text of its own */
};

static void refuse(struct http_request *request, const struct json *errors)
{
    http_problem(request,
                 &(struct problem){.status = 422,
                                   .type = "invalid-policies",
                                   .detail = "The policies in force stay: errors names each mistake.",
                                   .errors = errors});
}

static void on_written(enum db_status status, const struct db_result *result, void *arg)
{
    struct writing *writing = arg;
    bool beaten = status == DB_REFUSED && strcmp(db_sqlstate(result), "23505") == 0;

    if (beaten || (status == DB_OK && db_rows(result) == 0)) {
        http_problem(writing->request,
                     &(struct problem){.status = 409,
                                       .type = "policies-changed",
                                       .detail =
                                           "Somebody was faster: the policies have another version now. "
                                           "Look at it before you send yours again."});
    } else if (status != DB_OK) {
        changes_refuse(writing->request, status, result,
                       "The database went away meanwhile: look at the policies before you send this again.");
    } else {
        log_info("policies changed", LOG_STR("tenant", writing->tenant),
                 LOG_INT("version", db_get_int(result, 0, db_column(result, "version"))),
                 LOG_STR("subject", http_identity(writing->request)->subject),
                 LOG_STR("request", http_request_id(writing->request)));
        policies_answer(writing->gateway, writing->request, writing->tenant, result);
    }
    free(writing);
}

static void add_number(struct db_params *params, int64_t number, bool known)
{
    if (known)
        db_add_int(params, number);
    else
        db_add_null(params, DB_INT8);
}

static void write_text(struct writing *writing, const char *text, const char *pointer)
{
    struct json *errors = json_new_array();
    struct policy_set *set = policies_check(writing->gateway, writing->tenant, 0, text, pointer, errors);
    struct db_params *params;

    if (set) {
        params = db_params_new();
        db_add_text(params, writing->tenant);
        db_add_text(params, text);
        add_number(params, writing->restores, writing->restores > 0);
        add_number(params, writing->expected, writing->expected != ANY_VERSION);
        db_add_text(params, http_identity(writing->request)->subject);
        db_add_text(params, writing->note);
        changes_query(writing->gateway->changes, sql_policy_put, params, on_written, writing);
    } else {
        refuse(writing->request, errors);
        free(writing);
    }
    policy_set_free(&set);
    json_free(errors);
}

static void on_old(enum db_status status, const struct db_result *result, void *arg)
{
    struct writing *writing = arg;
    struct json *errors;

    if (status == DB_OK && db_rows(result) > 0) {
        write_text(writing, db_get_text(result, 0, db_column(result, "text"), NULL), "/restore");
        return;
    }
    errors = json_new_array();
    accept_mistake(errors, "/restore", "restore must be a version that the tenant's policies have");
    if (status != DB_OK)
        gateway_refuse_database(writing->request, status, result);
    else
        refuse(writing->request, errors);
    json_free(errors);
    free(writing);
}

/* ---- the request ---- */

static const char *read_text(const struct json *body, const char *name, size_t len_max, struct json *errors)
{
    const struct json *value = json_get(body, name);
    const char *text = json_type(value) == JSON_STRING ? json_text(value, NULL) : NULL;
    char pointer[16];

    snprintf(pointer, sizeof pointer, "/%s", name);
    if (value && (!text || strlen(text) > len_max))
        accept_mistake(errors, pointer, "%s must be text of at most %zu bytes", name, len_max);
    return text;
}

static void read_body(struct writing *writing, const struct json *body, struct json *errors)
{
    struct json_iter iter = {NULL};
    const struct json *restore = json_get(body, "restore");
    const char *name;

    if (json_type(body) != JSON_OBJECT) {
        accept_mistake(errors, "", "the body must be an object, not %s", json_type_name(json_type(body)));
        return;
    }
    while (json_next(body, &iter, &name, NULL))
        if (strcmp(name, "text") != 0 && strcmp(name, "restore") != 0 && strcmp(name, "note") != 0)
            accept_mistake(errors, "", "there is no member %s: text or restore, and note are", name);
    writing->note = read_text(body, "note", NOTE_MAX, errors);
    if (!read_text(body, "text", SIZE_MAX, errors) == !restore)
        accept_mistake(errors, "", "give one of text and restore");
    if (restore && (json_type(restore) != JSON_NUMBER || json_int64(restore, &writing->restores) != 0 ||
                    writing->restores < 1 || writing->restores > INT32_MAX))
        accept_mistake(errors, "/restore", "restore must be the number of a version");
}

/* If-Match: "3", as ETag gave it; * asks for nothing. */
static int read_expected(struct http_request *request, int64_t *expected)
{
    const char *tag = http_header(request, "If-Match");
    size_t len = tag ? strlen(tag) : 0;

    *expected = ANY_VERSION;
    if (!tag || strcmp(tag, "*") == 0)
        return 0;
    *expected = 0;
    if (len < 3 || len > 11 || tag[0] != '"' || tag[len - 1] != '"' ||
        strspn(tag + 1, "0123456789") != len - 2) {
        gateway_refuse_parameter(request, "If-Match",
                                 "If-Match must be an ETag of these policies, such as \"3\"");
        return -1;
    }
    for (const char *at = tag + 1; *at != '"'; at++)
        *expected = *expected * 10 + (*at - '0');
    return 0;
}

static bool may_write(struct http_request *request)
{
    const struct identity *identity = http_identity(request);

    if (identity->role >= AUTH_ADMIN || strcmp(identity->tenant, AUTH_ALL_TENANTS) == 0)
        return true;
    http_problem(request,
                 &(struct problem){.status = 403,
                                   .type = "forbidden",
                                   .detail = "Policies are an admin's to change, or an operator's of "
                                             "the whole service."});
    return false;
}

static void start(const struct writing *asked, const struct json *body)
{
    struct writing *writing = mem_alloc(sizeof *writing);
    struct db_params *params;

    *writing = *asked;
    if (writing->restores == 0) {
        write_text(writing, json_get_text(body, "text"), "/text");
        return;
    }
    params = db_params_new();
    db_add_text(params, writing->tenant);
    db_add_int(params, writing->restores);
    db_query_tenant(store_db(writing->gateway->store), writing->tenant, sql_policy_get, params, on_old,
                    writing);
}

void policies_put(struct http_request *request, void *arg)
{
    struct writing asked = {.gateway = arg, .request = request};
    const struct json *body;
    struct json *errors;

    if (!may_write(request))
        return;
    asked.tenant = policies_tenant(request, true);
    if (!asked.tenant || read_expected(request, &asked.expected) < 0)
        return;
    body = http_json(request);
    if (!body)
        return;
    errors = json_new_array();
    read_body(&asked, body, errors);
    if (json_count(errors) > 0)
        refuse(request, errors);
    else
        start(&asked, body);
    json_free(errors);
}
