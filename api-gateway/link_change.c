/*
 * link_change.c: POST /sync/links links two users by hand; POST /sync/links/{id}/confirm and …/refuse decide about a suggestion; DELETE
 * /sync/links/{id} splits. Linking and splitting are events of the service, which the router carries out; of two persons one is told
 * that the other was faster.
 */
#include "clock.h"
#include "digest.h"
#include "link_inside.h"
#include "log.h"
#include "msg.h"
#include "sql.h"

#define NOTE_MAX 2000
#define ID_MAX 255

/* Owner: the callback of the statement under way. */
struct link_change {
    struct gateway *gateway;
    struct http_request *request;
    const char *tenant; /* the request's */
};

static const char *tenant_param(const char *tenant)
{
    return strcmp(tenant, AUTH_ALL_TENANTS) == 0 ? NULL : tenant;
}

/* ---- answers ---- */

static void refuse(struct http_request *request, const char *came)
{
    static const struct {
        const char *came, *detail;
    } rows[] = {
        {"same", "Both are the same user already."},
        {"deleted", "One of the two is deleted: what is gone is not linked."},
        {"merged",
         "One of the two is linked to another user already: split that link first, or link the user "
         "that it was linked to."},
        {"late",
         "Somebody was faster, or what was decided before is still on its way: look at the link again."}};

    if (strcmp(came, "missing") == 0) {
        link_refuse_unknown(request);
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].came, came) == 0)
            http_problem(request,
                         &(struct problem){.status = 409, .type = "link-state", .detail = rows[i].detail});
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
    struct link_change *change = arg;
    const char *came = status == DB_OK ? db_get_text(result, 0, db_column(result, "came"), NULL) : NULL;
    struct uuid id;

    if (status == DB_REFUSED && strcmp(db_sqlstate(result), "23505") == 0) {
        refuse(change->request, "late");
    } else if (!came) {
        changes_refuse(change->request, status, result,
                       "The database went away meanwhile: look at the links before you send this again.");
    } else if (strcmp(came, "linking") != 0 && strcmp(came, "splitting") != 0 &&
               strcmp(came, "refused") != 0) {
        refuse(change->request, came);
    } else {
        if (strcmp(came, "refused") != 0)
            publish(change->gateway, result);
        db_get_uuid(result, 0, db_column(result, "link"), &id);
        log_info("link changed", LOG_STR("state", came),
                 LOG_STR("subject", http_identity(change->request)->subject),
                 LOG_STR("request", http_request_id(change->request)));
        link_show(change->gateway, change->request, change->tenant, &id, true);
    }
    free(change);
}

static void send_change(struct gateway *gateway, struct http_request *request, const char *tenant,
                        const char *sql, struct db_params *params)
{
    struct link_change *change = mem_alloc(sizeof *change);

    *change = (struct link_change){gateway, request, tenant};
    changes_query(gateway->changes, sql, params, on_changed, change);
}

/* ---- questions ---- */

static void refuse_body(struct http_request *request, const struct json *errors)
{
    http_problem(request, &(struct problem){.status = 422,
                                            .type = "invalid-link",
                                            .detail = "The body does not validate: errors names each member "
                                                      "and what is wrong.",
                                            .errors = errors});
}

static void check_note(const struct json *value, const char **note, struct json *errors)
{
    size_t len = 0;

    *note = value ? json_text(value, &len) : NULL;
    if (value && (json_type(value) != JSON_STRING || len > NOTE_MAX))
        accept_mistake(errors, "/note", "note must be text of at most %d bytes", NOTE_MAX);
}

/* Members of the body; users: NULL where it may not have them. */
static void read_body(const struct json *body, const char **note, const struct json **users,
                      struct json *errors)
{
    struct json_iter iter = {0};
    const char *name;
    struct json *value;
    struct buf pointer = BUF_INIT;

    while (json_type(body) == JSON_OBJECT && json_next(body, &iter, &name, &value))
        if (strcmp(name, "note") == 0) {
            check_note(value, note, errors);
        } else if (users && strcmp(name, "users") == 0) {
            *users = value;
        } else {
            buf_reset(&pointer);
            buf_addf(&pointer, "/%s", name);
            accept_mistake(errors, pointer.data, "%s is no member of this body", name);
        }
    if (json_type(body) != JSON_OBJECT)
        accept_mistake(errors, "", "the body must be an object");
    buf_release(&pointer);
}

/* The note of a body that may be absent: false after having refused. */
static bool read_note(struct http_request *request, const char **note)
{
    struct json *errors, *body;
    size_t len;
    bool ok;

    *note = NULL;
    http_body(request, &len);
    if (len == 0)
        return true;
    if (!(body = http_json(request)))
        return false;
    errors = json_new_array();
    read_body(body, note, NULL, errors);
    ok = json_count(errors) == 0;
    if (!ok)
        refuse_body(request, errors);
    json_free(errors);
    return ok;
}

/* What a user's id may be: our record id, else the id that all platforms share. */
static void add_user(struct db_params *params, const char *tenant, const char *id)
{
    struct db_array *candidates = db_add_array(params, DB_UUID);
    struct uuid record;

    if (!id)
        return;
    if (uuid_parse(&record, id, strlen(id)) == 0)
        db_array_uuid(candidates, &record);
    digest_record_id(&record, tenant, msg_entity_name(ENTITY_USER), id);
    db_array_uuid(candidates, &record);
}

static void open_link(struct gateway *gateway, struct http_request *request, const char *tenant,
                      const struct uuid *link, const char *const users[2], const char *note)
{
    struct db_params *params = db_params_new();
    struct uuid event, fresh;

    uuid_v7(&event, clock_db_ms());
    uuid_v7(&fresh, clock_db_ms());
    db_add_uuid(params, link);
    db_add_text(params, tenant_param(tenant));
    add_user(params, tenant, users ? users[0] : NULL);
    add_user(params, tenant, users ? users[1] : NULL);
    db_add_uuid(params, &event);
    db_add_text(params, http_identity(request)->subject);
    db_add_text(params, note);
    db_add_text(params, service_instance(gateway->service));
    db_add_text(params, http_traceparent(request));
    db_add_int(params, store_partitions(gateway->store));
    db_add_uuid(params, &fresh);
    send_change(gateway, request, tenant, sql_link_open, params);
}

static int read_users(const struct json *list, const char *users[2], struct json *errors)
{
    for (size_t i = 0; i < 2; i++) {
        const struct json *user =
            json_type(list) == JSON_ARRAY && json_count(list) == 2 ? json_at(list, i) : NULL;
        size_t len = 0;
        users[i] = json_type(user) == JSON_STRING ? json_text(user, &len) : NULL;
        if (!users[i] || len == 0 || len > ID_MAX) {
            accept_mistake(errors, "/users", "users must be two ids of users, or record ids");
            return -1;
        }
    }
    return 0;
}

void link_post(struct http_request *request, void *arg)
{
    struct json *body = http_json(request), *errors;
    const struct json *list = NULL;
    const char *tenant = http_tenant(request, http_query(request, "tenant_id")), *note = NULL, *users[2];

    if (!body)
        return;
    if (!tenant) {
        gateway_refuse_tenant(request);
        return;
    }
    if (strcmp(tenant, AUTH_ALL_TENANTS) == 0) {
        gateway_refuse_parameter(request, "tenant_id",
                                 "tenant_id is required: the token does not say whose users are meant");
        return;
    }
    errors = json_new_array();
    read_body(body, &note, &list, errors);
    if (read_users(list, users, errors) == 0 && json_count(errors) == 0)
        open_link(arg, request, tenant, NULL, users, note);
    else
        refuse_body(request, errors);
    json_free(errors);
}

void link_confirm(struct http_request *request, void *arg)
{
    struct uuid id;
    const char *note, *tenant = link_read_place(request, &id);

    if (tenant && read_note(request, &note))
        open_link(arg, request, tenant, &id, NULL, note);
}

void link_refuse(struct http_request *request, void *arg)
{
    struct uuid id;
    const char *note, *tenant = link_read_place(request, &id);
    struct db_params *params;

    if (!tenant || !read_note(request, &note))
        return;
    params = db_params_new();
    db_add_uuid(params, &id);
    db_add_text(params, tenant_param(tenant));
    db_add_text(params, http_identity(request)->subject);
    db_add_text(params, note);
    send_change(arg, request, tenant, sql_link_refuse, params);
}

void link_delete(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    struct uuid id, event;
    const char *note, *tenant = link_read_place(request, &id);
    struct db_params *params;

    if (!tenant || !read_note(request, &note))
        return;
    uuid_v7(&event, clock_db_ms());
    params = db_params_new();
    db_add_uuid(params, &id);
    db_add_text(params, tenant_param(tenant));
    db_add_uuid(params, &event);
    db_add_text(params, http_identity(request)->subject);
    db_add_text(params, note);
    db_add_text(params, service_instance(gateway->service));
    db_add_text(params, http_traceparent(request));
    db_add_int(params, store_partitions(gateway->store));
    send_change(gateway, request, tenant, sql_link_split, params);
}
