/*
 * record_get.c: GET /sync/records/{type}/{id}, its /versions, /sync/records/{type}?platform=&platform_id= and ?email=, and GET
 * /sync/users/{id}. What is another tenant's is not there (I7). An id is the entity's, which all platforms share unless they have
 * ids of their own, or our record_id, which deliveries carry.
 */
#include "digest.h"
#include "log.h"
#include "lookup.h"
#include "msg.h"
#include "record.h"
#include "sql.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200

/* Owner: the query's callback. */
struct looking {
    struct gateway *gateway;
    struct http_request *request;
    bool user;   /* as a user, not as a record */
    bool others; /* of the same e-mail address */
    int64_t limit;
};

static void refuse_unknown(struct http_request *request, bool user)
{
    http_problem(request, &(struct problem){.status = 404,
                                            .type = user ? "no-such-user" : "no-such-record",
                                            .detail = user ? "There is no such user, or it is not yours."
                                                           : "There is no such record, or it is not yours."});
}

/* The one tenant whose records are asked for, and their type; -1 after having refused. */
static int read_place(struct http_request *request, const char *type, bool user, const char **tenant)
{
    enum entity entity;
    *tenant = http_tenant(request, http_query(request, "tenant_id"));
    if (*tenant && strcmp(*tenant, AUTH_ALL_TENANTS) == 0) {
        gateway_refuse_parameter(request, "tenant_id",
                                 "tenant_id is required: the token does not say whose records are meant");
        return -1;
    }
    if (*tenant && msg_entity(type, &entity) == 0 && entity != ENTITY_NONE)
        return 0;
    refuse_unknown(request, user);
    return -1;
}

/* Parameters $1 to $5, alike in both statements; entity_id may be NULL. */
static struct db_params *place_params(const char *tenant, const char *type, const char *entity_id)
{
    struct db_params *params = db_params_new();
    struct uuid hashed, own;
    bool is_own = entity_id && uuid_parse(&own, entity_id, strlen(entity_id)) == 0;
    db_add_text(params, tenant);
    db_add_text(params, type);
    if (entity_id)
        digest_record_id(&hashed, tenant, type, entity_id);
    db_add_uuid(params, entity_id ? &hashed : NULL);
    db_add_text(params, entity_id);
    db_add_uuid(params, is_own ? &own : NULL);
    return params;
}

static struct looking *looking_new(struct gateway *gateway, struct http_request *request)
{
    struct looking *looking = mem_alloc(sizeof *looking);
    looking->gateway = gateway;
    looking->request = request;
    return looking;
}

/* ---- one record ---- */

static void answer_record(const struct looking *looking, const struct db_result *result)
{
    struct buf out = BUF_INIT;
    bool gone =
        db_rows(result) == 0 || (looking->user && db_get_bool(result, 0, db_column(result, "deleted")));
    if (gone) {
        refuse_unknown(looking->request, looking->user);
        return;
    }
    if (looking->user)
        record_user_json(&out, result);
    else
        record_json(&out, looking->gateway->platforms, result, looking->others);
    http_reply(looking->request, 200, "application/json", &out);
    buf_release(&out);
}

static void on_record(enum db_status status, const struct db_result *result, void *arg)
{
    struct looking *looking = arg;
    if (status == DB_OK)
        answer_record(looking, result);
    else
        gateway_refuse_database(looking->request, status, result);
    free(looking);
}

static void ask(struct looking *looking, const char *tenant, struct db_params *params)
{
    db_query_tenant(store_db(looking->gateway->store), tenant, sql_get_record, params, on_record, looking);
}

/* By record_ids, which hold the exceptions; else a platform's id is the entity's. platform NULL: it is the entity's. */
static void ask_by_id(struct looking *looking, const char *tenant, const char *type, const char *platform,
                      const char *id)
{
    struct db_params *params = place_params(tenant, type, id);
    db_add_text(params, platform);
    db_add_text(params, platform ? id : NULL);
    db_add_null(params, DB_BYTEA);
    db_add_int(params, 1);
    ask(looking, tenant, params);
}

void record_get(struct http_request *request, void *arg)
{
    const char *type = http_param(request, "type"), *tenant;
    if (read_place(request, type, false, &tenant) == 0)
        ask_by_id(looking_new(arg, request), tenant, type, NULL, http_param(request, "id"));
}

/* An id means what it means in POST /sync/users. */
void user_get(struct http_request *request, void *arg)
{
    const char *type = msg_entity_name(ENTITY_USER), *platform = http_identity(request)->platform, *tenant;
    if (read_place(request, type, true, &tenant) < 0)
        return;
    struct looking *looking = looking_new(arg, request);
    looking->user = true;
    ask_by_id(looking, tenant, type, *platform ? platform : RECORD_USERS_PLATFORM, http_param(request, "id"));
}

/* ---- by what else is known of it ---- */

static const char *query_text(const struct http_request *request, const char *name)
{
    const char *text = http_query(request, name);
    return text && *text ? text : NULL;
}

static void find_by_email(struct looking *looking, const char *tenant, const char *type, const char *email)
{
    uint8_t hash[LOOKUP_HASH_LEN];
    if (!store_up(looking->gateway->store)) { /* the key may not be known yet */
        gateway_refuse_database(looking->request, DB_AWAY, NULL);
        free(looking);
        return;
    }
    if (lookup_email_hash(store_fingerprint_key(looking->gateway->store), tenant, email, strlen(email),
                          hash) < 0) {
        gateway_refuse_parameter(looking->request, "email",
                                 "email must be an address such as name@example.com");
        free(looking);
        return;
    }
    struct db_params *params = place_params(tenant, type, NULL);
    db_add_text(params, NULL);
    db_add_text(params, NULL);
    db_add_bytes(params, hash, sizeof hash);
    db_add_int(params, RECORD_ALSO_MAX + 2); /* the one that is shown, the others, and one more to know of */
    looking->others = true;
    ask(looking, tenant, params);
}

static int check_question(const struct gateway *gateway, struct http_request *request, const char *platform,
                          const char *id, const char *email)
{
    if (!email == !platform || !platform != !id) {
        gateway_refuse_parameter(request, email || !platform ? "email" : "platform_id",
                                 "name either email, or platform and platform_id, to say which record");
        return -1;
    }
    if (platform && !platform_find(gateway->platforms, platform)) {
        struct buf detail = BUF_INIT;
        buf_add_str(&detail, "platform must be a configured platform: ");
        gateway_platform_names(&detail, gateway->platforms);
        gateway_refuse_parameter(request, "platform", detail.data);
        buf_release(&detail);
        return -1;
    }
    return 0;
}

void record_find(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    const char *type = http_param(request, "type"), *tenant;
    const char *platform = query_text(request, "platform"), *id = query_text(request, "platform_id"),
               *email = query_text(request, "email");
    if (read_place(request, type, false, &tenant) < 0 ||
        check_question(gateway, request, platform, id, email) < 0)
        return;
    struct looking *looking = looking_new(gateway, request);
    if (email)
        find_by_email(looking, tenant, type, email);
    else
        ask_by_id(looking, tenant, type, platform, id);
}

/* ---- versions ---- */

static void on_versions(enum db_status status, const struct db_result *result, void *arg)
{
    struct looking *looking = arg;
    struct buf out = BUF_INIT;
    if (status != DB_OK) {
        gateway_refuse_database(looking->request, status, result);
    } else if (db_rows(result) == 0) {
        refuse_unknown(looking->request, false);
    } else {
        record_versions_json(&out, result, looking->limit);
        http_reply(looking->request, 200, "application/json", &out);
    }
    buf_release(&out);
    free(looking);
}

void record_versions(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    const char *type = http_param(request, "type"), *cursor = query_text(request, "cursor"), *tenant;
    int64_t limit, below = CURSOR_NO_NUMBER;
    if (read_place(request, type, false, &tenant) < 0 ||
        gateway_query_int(request, "limit", 1, INT64_MAX, LIMIT_DEFAULT, &limit) < 0)
        return;
    if (cursor && cursor_read_number(cursor, &below) < 0) {
        gateway_refuse_parameter(request, "cursor", "cursor must be the next_cursor of an earlier answer");
        return;
    }
    struct looking *looking = looking_new(gateway, request);
    looking->limit = limit < LIMIT_MAX ? limit : LIMIT_MAX;
    struct db_params *params = place_params(tenant, type, http_param(request, "id"));
    if (cursor)
        db_add_int(params, below);
    else
        db_add_null(params, DB_INT8);
    db_add_int(params, looking->limit);
    db_query_tenant(store_db(gateway->store), tenant, sql_list_versions, params, on_versions, looking);
}
