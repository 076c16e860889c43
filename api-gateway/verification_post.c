/* verification_post.c: POST /sync/verifications: a new one, which the platform's worker takes up. */
#include "changes.h"
#include "clock.h"
#include "listing.h"
#include "log.h"
#include "mem.h"
#include "sql.h"
#include "verification.h"

struct wish {
    struct gateway *gateway;
    const struct json *body;
    struct json *errors;
    const struct platform *platform;
    const char *tenant;
    struct buf entities; /* with commas */
    bool dry_run;
};

/* ---- what is wanted ---- */

static void read_known(struct wish *wish)
{
    static const char *const known[] = {"platform", "tenant_id", "entities", "dry_run"};
    struct json_iter iter = {NULL};
    const char *key;
    struct json *value;
    while (json_next(wish->body, &iter, &key, &value)) {
        bool found = false;
        char pointer[128];
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found |= strcmp(known[i], key) == 0;
        snprintf(pointer, sizeof pointer, "/%.100s", key);
        if (!found)
            accept_mistake(
                wish->errors, pointer,
                "there is no such member: a verification takes platform, tenant_id, entities and dry_run");
    }
}

static void read_platform(struct wish *wish)
{
    const char *name = json_get_text(wish->body, "platform");
    struct buf names = BUF_INIT;
    wish->platform = name ? platform_find(wish->gateway->platforms, name) : NULL;
    gateway_platform_names(&names, wish->gateway->platforms);
    if (!wish->platform)
        accept_mistake(wish->errors, "/platform", "platform must be a configured platform: %s", names.data);
    buf_release(&names);
}

static void read_tenant(struct wish *wish, struct http_request *request)
{
    const char *named = json_get_text(wish->body, "tenant_id");
    wish->tenant = http_tenant(request, named ? named : http_query(request, "tenant_id"));
    if (json_get(wish->body, "tenant_id") && !named)
        accept_mistake(wish->errors, "/tenant_id", "tenant_id must be text");
    else if (wish->tenant && strlen(wish->tenant) > MSG_TENANT_MAX)
        accept_mistake(wish->errors, "/tenant_id", "tenant_id must have 1 to %d bytes", MSG_TENANT_MAX);
}

static void read_dry_run(struct wish *wish)
{
    const struct json *value = json_get(wish->body, "dry_run");
    wish->dry_run = !value || json_type(value) != JSON_BOOL || json_bool(value);
    if (value && json_type(value) != JSON_BOOL)
        accept_mistake(wish->errors, "/dry_run", "dry_run must be true or false");
}

static bool names_entity(const struct json *list, enum entity entity)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const char *text = json_text(json_at(list, i), NULL);
        if (text && strcmp(text, msg_entity_name(entity)) == 0)
            return true;
    }
    return false;
}

static void check_entities(struct wish *wish, const struct json *list)
{
    enum entity entity;
    if (list && json_type(list) != JSON_ARRAY)
        accept_mistake(wish->errors, "/entities", "entities must be an array of names");
    for (size_t i = 0; json_type(list) == JSON_ARRAY && i < json_count(list); i++) {
        const struct json *item = json_at(list, i);
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/entities/%zu", i);
        if (json_type(item) != JSON_STRING || msg_entity(json_text(item, NULL), &entity) != 0 ||
            entity == ENTITY_NONE)
            accept_mistake(wish->errors, pointer, "it must be user, lead, order, campaign or product");
    }
}

/* Those that are asked for, or all that the platform lists. */
static void read_entities(struct wish *wish)
{
    static const enum entity order[] = {ENTITY_USER, ENTITY_LEAD, ENTITY_CAMPAIGN, ENTITY_PRODUCT,
                                        ENTITY_ORDER};
    const struct json *list = json_get(wish->body, "entities");
    bool all = json_count(list) == 0;
    check_entities(wish, list);
    for (size_t i = 0; wish->platform && i < sizeof order / sizeof *order; i++) {
        const char *name = msg_entity_name(order[i]);
        const char *why = listing_obstacle(wish->platform, order[i]);
        bool named = names_entity(list, order[i]);
        if (all ? !why : named)
            buf_addf(&wish->entities, "%s%s", wish->entities.len > 0 ? "," : "", name);
        if (named && why)
            accept_mistake(wish->errors, "/entities", "%s of %s: %s", name, platform_name(wish->platform),
                           why);
    }
    if (wish->platform && all && wish->entities.len == 0)
        accept_mistake(wish->errors, "/platform",
                       "%s has no list that could be read: look at its file and "
                       "at the variable of its address",
                       platform_name(wish->platform));
}

/* false after having refused. */
static bool is_allowed(const struct wish *wish, struct http_request *request)
{
    const char *only = http_identity(request)->platform;
    struct problem problem = {.status = 0};
    if (!wish->tenant)
        problem =
            (struct problem){403,  "foreign-tenant",
                             NULL, "The token speaks for another tenant than tenant_id names; leave it out.",
                             NULL, 0};
    else if (*only && wish->platform && strcmp(only, platform_name(wish->platform)) != 0)
        problem = (struct problem){403,  "foreign-platform",
                                   NULL, "The token speaks for another platform than platform names.",
                                   NULL, 0};
    else if (json_count(wish->errors) > 0)
        problem = (struct problem){
            422,          "invalid-verification",
            NULL,         "The verification does not validate: errors names each member and what is wrong.",
            wish->errors, 0};
    if (problem.status > 0)
        http_problem(request, &problem);
    return problem.status == 0;
}

/* ---- making it ---- */

/* Owner: the query's callback. */
struct making {
    struct gateway *gateway;
    struct http_request *request;
    struct uuid id;
    char *tenant;
};

static void refuse_making(const struct making *making, const struct db_result *result)
{
    const char *same = db_get_text(result, 0, db_column(result, "same"), NULL);
    char detail[200];
    snprintf(detail, sizeof detail,
             "Verification %s of this platform is not finished: wait for its end, or cancel it.",
             same ? same : "");
    http_problem(making->request,
                 &(struct problem){.status = 409, .type = "verification-running", .detail = detail});
}

static void on_made(enum db_status status, const struct db_result *result, void *arg)
{
    struct making *making = arg;
    char id[UUID_TEXT_LEN + 1], location[80];
    if (status != DB_OK) {
        changes_refuse(making->request, status, result,
                       "The database went away meanwhile: look at the list of verifications before you send "
                       "this again.");
    } else if (!db_get_bool(result, 0, db_column(result, "made"))) {
        refuse_making(making, result);
    } else {
        uuid_format(&making->id, id);
        snprintf(location, sizeof location, "/sync/verifications/%s", id);
        http_add_header(making->request, "Location", location);
        log_info("verification asked for", LOG_STR("job", id),
                 LOG_STR("subject", http_identity(making->request)->subject),
                 LOG_STR("request", http_request_id(making->request)));
        verification_reply(making->gateway, making->request, making->tenant, &making->id, 202);
    }
    free(making->tenant);
    free(making);
}

static void make(struct wish *wish, struct http_request *request)
{
    struct gateway *gateway = wish->gateway;
    struct db_params *params = db_params_new();
    struct making *making = mem_alloc(sizeof *making);
    *making = (struct making){gateway, request, {{0}}, mem_strdup(wish->tenant)};
    uuid_v7(&making->id, clock_db_ms());
    db_add_uuid(params, &making->id);
    db_add_text(params, wish->tenant);
    db_add_text(params, platform_name(wish->platform));
    db_add_text(params, wish->entities.data);
    db_add_bool(params, !wish->dry_run);
    db_add_text(params, http_identity(request)->subject);
    db_add_null(params, DB_INT8);
    changes_query(gateway->changes, sql_verify_create, params, on_made, making);
}

void verification_post(struct http_request *request, void *arg)
{
    struct json *body = http_json(request);
    struct wish wish = {.gateway = arg, .body = body, .errors = json_new_array(), .entities = BUF_INIT};
    if (body && json_type(body) != JSON_OBJECT) {
        accept_mistake(wish.errors, "", "a verification must be an object, not %s",
                       json_type_name(json_type(body)));
        wish.tenant = "";
    } else if (body) {
        read_known(&wish);
        read_platform(&wish);
        read_tenant(&wish, request);
        read_dry_run(&wish);
        read_entities(&wish);
    }
    if (body && is_allowed(&wish, request))
        make(&wish, request);
    json_free(wish.errors);
    buf_release(&wish.entities);
}
