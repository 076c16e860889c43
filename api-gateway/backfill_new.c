/*
 * backfill_new.c: POST /sync/backfill: a new first sync, told by a JSON body, or by the query when the body is the file itself
 * (application/x-ndjson).
 */
#include "backfill_inside.h"
#include "changes.h"
#include "clock.h"
#include "mapping.h"
#include "sql.h"
#include "timefmt.h"

#define RATE_MAX 100000

/* ---- what is wanted ---- */

struct wish {
    struct gateway *gateway;
    const struct identity *identity;
    const struct json *body;
    struct json *errors;
    const struct platform *platform;
    const char *tenant;
    struct buf entities, targets; /* with commas */
    int64_t rate, as_of_ms;
    bool file;
};

static void read_known(struct wish *wish)
{
    static const char *const known[] = {"platform", "tenant_id", "entities", "targets",
                                        "rate",     "source",    "as_of"};
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
            accept_mistake(wish->errors, pointer,
                           "there is no such member: a backfill takes platform, tenant_id, entities, "
                           "targets, rate, source and as_of");
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

static void read_source(struct wish *wish)
{
    const struct json *value = json_get(wish->body, "source");
    const char *source = json_get_text(wish->body, "source");
    if (!value)
        return;
    if (!source || (strcmp(source, "list") != 0 && strcmp(source, "file") != 0))
        accept_mistake(wish->errors, "/source", "source must be list or file");
    else
        wish->file = strcmp(source, "file") == 0;
}

static void add_word(struct buf *list, const char *word)
{
    buf_addf(list, "%s%s", list->len > 0 ? "," : "", word);
}

static bool has_word(const struct buf *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list->data; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == len && memcmp(at, word, len) == 0)
            return true;
    return false;
}

/* The texts of an array; false after a mistake. */
static bool each_text(struct wish *wish, const char *name,
                      void (*take)(struct wish *wish, const char *text, const char *pointer))
{
    const struct json *list = json_get(wish->body, name);
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/%s", name);
    if (list && json_type(list) != JSON_ARRAY) {
        accept_mistake(wish->errors, pointer, "%s must be an array of names", name);
        return false;
    }
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *item = json_at(list, i);
        snprintf(pointer, sizeof pointer, "/%s/%zu", name, i);
        if (json_type(item) == JSON_STRING)
            take(wish, json_text(item, NULL), pointer);
        else
            accept_mistake(wish->errors, pointer, "it must be a name, not %s",
                           json_type_name(json_type(item)));
    }
    return true;
}

static void take_entity(struct wish *wish, const char *text, const char *pointer)
{
    enum entity entity;
    if (msg_entity(text, &entity) != 0 || entity == ENTITY_NONE)
        accept_mistake(wish->errors, pointer, "it must be user, lead, order, campaign or product");
    else if (!has_word(&wish->entities, text))
        add_word(&wish->entities, text);
}

static void take_target(struct wish *wish, const char *text, const char *pointer)
{
    struct buf names = BUF_INIT;
    gateway_platform_names(&names, wish->gateway->platforms);
    if (!platform_find(wish->gateway->platforms, text))
        accept_mistake(wish->errors, pointer, "it must be a configured platform: %s", names.data);
    else if (wish->platform && strcmp(text, platform_name(wish->platform)) == 0)
        accept_mistake(wish->errors, pointer, "it is the platform itself that is read");
    else if (!has_word(&wish->targets, text))
        add_word(&wish->targets, text);
    buf_release(&names);
}

/* Of a list: those that are asked for, or all that the platform lists, parents before those that name them. */
static void order_entities(struct wish *wish)
{
    static const enum entity order[] = {ENTITY_USER, ENTITY_LEAD, ENTITY_CAMPAIGN, ENTITY_PRODUCT,
                                        ENTITY_ORDER};
    struct buf ordered = BUF_INIT;
    bool all = wish->entities.len == 0;
    for (size_t i = 0; i < ENTITY_NONE; i++) {
        const char *name = msg_entity_name(order[i]);
        bool listed = listing_is_there(wish->platform, order[i]);
        if (all ? listed : has_word(&wish->entities, name))
            add_word(&ordered, name);
        if (!all && !listed && has_word(&wish->entities, name))
            accept_mistake(wish->errors, "/entities", "%s names no list of this entity in its file: %s",
                           platform_name(wish->platform), name);
    }
    if (ordered.len == 0)
        accept_mistake(wish->errors, "/platform", "%s names no list in its file: send a file instead",
                       platform_name(wish->platform));
    buf_release(&wish->entities);
    wish->entities = ordered;
}

static void read_rate(struct wish *wish)
{
    const struct json *value = json_get(wish->body, "rate");
    wish->rate = wish->gateway->conf->backfill_rate;
    if (value && (json_type(value) != JSON_NUMBER || json_int64(value, &wish->rate) != 0 || wish->rate < 1 ||
                  wish->rate > RATE_MAX))
        accept_mistake(wish->errors, "/rate", "rate must be a whole number from 1 to %d: rows a second",
                       RATE_MAX);
}

static void read_as_of(struct wish *wish)
{
    const struct json *value = json_get(wish->body, "as_of");
    size_t len = 0;
    const char *text = json_type(value) == JSON_STRING ? json_text(value, &len) : NULL;
    wish->as_of_ms = INT64_MIN;
    if (!value)
        return;
    if (!wish->file)
        accept_mistake(wish->errors, "/as_of",
                       "as_of says when a file was made; a list is read as it is now");
    else if (!text || timefmt_parse(text, len, &wish->as_of_ms) != 0 || wish->as_of_ms < 0)
        accept_mistake(wish->errors, "/as_of",
                       "as_of must be a time as in RFC 3339, such as 2026-01-31T12:00:00Z");
    else if (wish->as_of_ms > clock_db_ms())
        wish->as_of_ms = INT64_MIN; /* another clock than ours: now */
}

static void read_tenant(struct wish *wish, struct http_request *request)
{
    const char *named = json_get_text(wish->body, "tenant_id");
    const char *tenant = http_tenant(request, named);
    if (json_get(wish->body, "tenant_id") && !named)
        accept_mistake(wish->errors, "/tenant_id", "tenant_id must be text");
    else if (tenant && strcmp(tenant, AUTH_ALL_TENANTS) == 0)
        accept_mistake(wish->errors, "/tenant_id",
                       "tenant_id is required: nothing else says which tenant this is for");
    else if (tenant && (strlen(tenant) > MSG_TENANT_MAX || strpbrk(tenant, "\n\r\t")))
        accept_mistake(wish->errors, "/tenant_id", "tenant_id must have 1 to %d bytes, all of them printable",
                       MSG_TENANT_MAX);
    wish->tenant = tenant;
}

static void read_wish(struct wish *wish, struct http_request *request)
{
    read_known(wish);
    read_tenant(wish, request);
    read_platform(wish);
    read_source(wish);
    each_text(wish, "entities", take_entity);
    each_text(wish, "targets", take_target);
    read_rate(wish);
    read_as_of(wish);
    if (wish->platform && !wish->file)
        order_entities(wish);
}

/* false after having refused. */
static bool is_allowed(const struct wish *wish, struct http_request *request)
{
    const char *only = wish->identity->platform;
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
            422,          "invalid-backfill",
            NULL,         "The backfill does not validate: errors names each member and what is wrong.",
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
    char detail[256];
    if (same)
        snprintf(
            detail, sizeof detail,
            "Backfill %s of this platform reads one of these lists already: wait for its end, or cancel it.",
            same);
    else
        snprintf(detail, sizeof detail,
                 "The tenant has %lld unfinished backfills, and that is as many as may be "
                 "(BACKFILL_TENANT_JOBS): wait "
                 "for one, or cancel one.",
                 (long long)db_get_int(result, 0, db_column(result, "jobs")));
    http_problem(making->request, &(struct problem){.status = 409,
                                                    .type = same ? "backfill-running" : "too-many-backfills",
                                                    .detail = detail});
}

static void on_made(enum db_status status, const struct db_result *result, void *arg)
{
    struct making *making = arg;
    char id[UUID_TEXT_LEN + 1], location[80];
    if (status != DB_OK) {
        changes_refuse(making->request, status, result,
                       "The database went away meanwhile: look at the list of backfills before you send this "
                       "again.");
    } else if (!db_get_bool(result, 0, db_column(result, "made"))) {
        refuse_making(making, result);
    } else {
        uuid_format(&making->id, id);
        snprintf(location, sizeof location, "/sync/backfill/%s", id);
        http_add_header(making->request, "Location", location);
        backfill_claim_soon(making->gateway->backfill);
        backfill_reply(making->gateway, making->request, making->tenant, &making->id, 202);
    }
    free(making->tenant);
    free(making);
}

static void make(struct wish *wish, struct http_request *request, const char *file, size_t len)
{
    struct gateway *gateway = wish->gateway;
    struct db_params *params = db_params_new();
    struct making *making = mem_alloc(sizeof *making);
    *making = (struct making){gateway, request, {{0}}, mem_strdup(wish->tenant)};
    uuid_v7(&making->id, clock_db_ms());
    db_add_uuid(params, &making->id);
    db_add_text(params, wish->tenant);
    db_add_text(params, platform_name(wish->platform));
    db_add_text(params, wish->file ? "file" : "list");
    db_add_text(params, wish->file && !file ? "uploading" : "waiting");
    db_add_text(params, wish->entities.data);
    db_add_text(params, wish->targets.data);
    db_add_int(params, wish->rate);
    if (wish->as_of_ms == INT64_MIN)
        db_add_null(params, DB_TIME);
    else
        db_add_time(params, wish->as_of_ms);
    db_add_text(params, wish->identity->subject);
    db_add_int(params, gateway->conf->backfill_tenant_jobs);
    db_add_int(params, file ? 1 : 0);
    struct db_array *chunks = db_add_array(params, DB_BYTEA);
    if (file)
        backfill_cut(chunks, file, len);
    changes_query(gateway->changes, sql_backfill_create, params, on_made, making);
}

/* The query's parameters as the members of a body. */
static struct json *query_body(struct http_request *request)
{
    static const char *const texts[] = {"platform", "tenant_id", "as_of"};
    static const char *const lists[][2] = {
        {"entity", "entities"}, {"entities", "entities"}, {"targets", "targets"}};
    struct json *body = json_new_object();
    const char *text, *rate = http_query(request, "rate");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if ((text = http_query(request, texts[i])) && *text)
            json_set(body, texts[i], json_new_text(text));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!(text = http_query(request, lists[i][0])) || !*text)
            continue;
        struct json *list = json_new_array();
        for (; *text; text += strcspn(text, ","), text += *text == ',')
            json_append(list, json_new_text_len(text, strcspn(text, ",")));
        json_set(body, lists[i][1], list);
    }
    if (rate && *rate)
        json_set(body, "rate",
                 strspn(rate, "0123456789") == strlen(rate) && strlen(rate) <= 9
                     ? json_new_int(strtoll(rate, NULL, 10))
                     : json_new_text(rate));
    return body;
}

void backfill_post(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    bool file = backfill_is_lines(request);
    size_t len = 0;
    struct json *body = file ? query_body(request) : http_json(request);
    struct wish wish = {
        gateway, http_identity(request), body, json_new_array(), NULL, NULL, BUF_INIT, BUF_INIT, 0, 0, file};
    if (body && json_type(body) != JSON_OBJECT)
        accept_mistake(wish.errors, "", "a backfill must be an object, not %s",
                       json_type_name(json_type(body)));
    else if (body)
        read_wish(&wish, request);
    const char *text = file ? http_body(request, &len) : NULL;
    if (file && len == 0)
        accept_mistake(wish.errors, "", "there is no line in it");
    if (body && json_type(body) != JSON_OBJECT)
        wish.tenant = "";
    if (body && is_allowed(&wish, request))
        make(&wish, request, text, len);
    if (file)
        json_free(body);
    json_free(wish.errors);
    buf_release(&wish.entities);
    buf_release(&wish.targets);
}
