/*
 * conflict_simulate.c: POST /sync/conflicts/simulate: what would have become of the conflicts of the last days under other policies.
 * Nothing is written. Page after page, newest first, so that other requests have their turn in between; at most so many conflicts,
 * and so many simulations at once.
 */
#include "conflict_inside.h"
#include "log.h"
#include "msg.h"
#include "sql.h"

#define EXAMINED_MAX 10000
#define PAGE_ROWS 100
#define DAYS_DEFAULT 7
#define DAYS_MAX 366
#define AT_ONCE_MAX 2
#define MISTAKES_MAX 50

/* Owner: the query's callback. */
struct simulation {
    struct gateway *gateway;
    struct http_request *request;
    const char *tenant; /* the request's */
    const char *type;   /* the body's; NULL: all */
    int64_t days;
    struct uuid last;
    bool begun;
    struct policy_set *policies;
    struct conflict_whatif whatif;
};

static void end(struct simulation *simulation)
{
    simulation->gateway->simulations--;
    policy_set_free(&simulation->policies);
    json_free(simulation->whatif.examples);
    free(simulation);
}

/* ---- the answer ---- */

static void set_int(struct json *json, const char *name, int64_t value)
{
    json_set(json, name, json_new_int(value));
}

static void answer(const struct simulation *simulation, bool complete)
{
    const struct conflict_whatif *whatif = &simulation->whatif;
    struct json *json = json_new_object();

    json_set(json, "policies_version", json_new_text(policy_version(simulation->policies)));
    set_int(json, "days", simulation->days);
    json_set(json, "entity_type", json_new_text(simulation->type));
    set_int(json, "examined", whatif->examined);
    set_int(json, "examined_max", EXAMINED_MAX);
    json_set(json, "complete", json_new_bool(complete));
    set_int(json, "different", whatif->different);
    set_int(json, "fields_different", whatif->fields_different);
    set_int(json, "waited", whatif->waited);
    set_int(json, "would_wait", whatif->would_wait);
    json_set(json, "examples", json_copy(whatif->examples));
    http_reply_json(simulation->request, 200, json);
    json_free(json);
}

/* ---- pages ---- */

static void add_row(struct simulation *simulation, const struct db_result *result, size_t row)
{
    struct conflict_past past = {.tenant = db_get_text(result, row, db_column(result, "tenant_id"), NULL),
                                 .entity_id = db_get_text(result, row, db_column(result, "entity_id"), NULL),
                                 .side_events =
                                     db_get_text(result, row, db_column(result, "side_events"), NULL),
                                 .detail = conflict_body(result, row, "detail"),
                                 .record = conflict_body(result, row, "record_data"),
                                 .rules = conflict_body(result, row, "rules")};

    db_get_uuid(result, row, db_column(result, "id"), &past.id);
    simulation->last = past.id;
    simulation->begun = true;
    msg_entity(db_get_text(result, row, db_column(result, "entity_type"), NULL), &past.entity);
    conflict_whatif_add(&simulation->whatif, simulation->gateway->platforms, &past);
    json_free(past.detail);
    json_free(past.record);
    json_free(past.rules);
}

static void ask(struct simulation *simulation);

static void on_page(enum db_status status, const struct db_result *result, void *arg)
{
    struct simulation *simulation = arg;

    if (status != DB_OK) {
        gateway_refuse_database(simulation->request, status, result);
        end(simulation);
        return;
    }
    for (size_t row = 0; row < db_rows(result) && simulation->whatif.examined < EXAMINED_MAX; row++)
        add_row(simulation, result, row);
    if (db_rows(result) > 0 && simulation->whatif.examined < EXAMINED_MAX) {
        ask(simulation);
        return;
    }
    answer(simulation, db_rows(result) == 0);
    end(simulation);
}

static void ask(struct simulation *simulation)
{
    struct db_params *params = db_params_new();

    db_add_int(params, simulation->days);
    db_add_text(params, simulation->type);
    db_add_uuid(params, simulation->begun ? &simulation->last : NULL);
    db_add_int(params, PAGE_ROWS);
    db_query_tenant(store_db(simulation->gateway->store), simulation->tenant, sql_simulate_conflicts, params,
                    on_page, simulation);
}

/* ---- the request ---- */

/* A sentence per mistake in the text. A file of its own choice must not be read here, whatever the syntax has for that. */
static struct policy_set *read_policies(const struct platform_set *platforms, const struct json *body,
                                        struct json *errors)
{
    const struct json *value = json_get(body, "policies");
    size_t len = 0;
    const char *text = json_type(value) == JSON_STRING ? json_text(value, &len) : NULL;
    struct policy_set *set;
    struct buf mistakes = BUF_INIT;

    if (!text || strstr(text, "@include")) {
        accept_mistake(errors, "/policies",
                       text ? "policies must be whole: @include cannot be followed here"
                            : "policies must be the text of a policy file");
        return NULL;
    }
    set = policy_set_read("policies", text, len, platforms, &mistakes);
    for (const char *at = mistakes.data; *at && json_count(errors) < MISTAKES_MAX;
         at += strcspn(at, "\n"), at += *at == '\n')
        accept_mistake(errors, "/policies", "%.*s", (int)strcspn(at, "\n"), at);
    buf_release(&mistakes);
    return set;
}

static void check_members(const struct json *body, struct json *errors)
{
    static const char *const names[] = {"policies", "days", "entity_type"};
    struct json_iter iter = {NULL};
    const char *name;

    while (json_next(body, &iter, &name, NULL)) {
        bool known = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known |= strcmp(names[i], name) == 0;
        if (!known)
            accept_mistake(errors, "", "there is no member %s: policies, days and entity_type are", name);
    }
}

static void read_bounds(const struct json *body, struct simulation *simulation, struct json *errors)
{
    const struct json *days = json_get(body, "days"), *type = json_get(body, "entity_type");
    enum entity entity;

    simulation->days = DAYS_DEFAULT;
    if (days && (json_type(days) != JSON_NUMBER || json_int64(days, &simulation->days) != 0 ||
                 simulation->days < 1 || simulation->days > DAYS_MAX))
        accept_mistake(errors, "/days", "days must be a whole number from 1 to %d", DAYS_MAX);
    simulation->type = json_type(type) == JSON_STRING ? json_text(type, NULL) : NULL;
    if (type && (!simulation->type || msg_entity(simulation->type, &entity) != 0 || entity == ENTITY_NONE))
        accept_mistake(errors, "/entity_type",
                       "entity_type must be one of user, lead, order, campaign and product");
}

static void refuse(struct http_request *request, const struct json *errors)
{
    http_problem(request,
                 &(struct problem){.status = 422,
                                   .type = "invalid-simulation",
                                   .detail = "The body does not validate: errors names what is wrong.",
                                   .errors = errors});
}

/* NULL after having refused it. */
static struct policy_set *read_body(const struct gateway *gateway, struct simulation *simulation,
                                    const struct json *body)
{
    struct json *errors = json_new_array();
    struct policy_set *policies = NULL;

    if (json_type(body) == JSON_OBJECT) {
        check_members(body, errors);
        read_bounds(body, simulation, errors);
        policies = read_policies(gateway->platforms, body, errors);
    } else {
        accept_mistake(errors, "", "the body must be an object, not %s", json_type_name(json_type(body)));
    }
    if (json_count(errors) > 0) {
        refuse(simulation->request, errors);
        policy_set_free(&policies);
    }
    json_free(errors);
    return policies;
}

void conflict_simulate(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    struct simulation *simulation, asked = {.gateway = gateway, .request = request};
    const struct json *body = http_json(request);

    if (!body)
        return;
    asked.tenant = http_tenant(request, http_query(request, "tenant_id"));
    if (!asked.tenant) {
        gateway_refuse_tenant(request);
        return;
    }
    if (gateway->simulations >= AT_ONCE_MAX) {
        http_problem(request, &(struct problem){.status = 503,
                                                .type = "overloaded",
                                                .retry_after_s = 5,
                                                .detail = "Other simulations are running: send this again."});
        return;
    }
    asked.policies = read_body(gateway, &asked, body);
    if (!asked.policies)
        return;
    simulation = mem_alloc(sizeof *simulation);
    *simulation = asked;
    simulation->whatif = (struct conflict_whatif){.policies = asked.policies, .examples = json_new_array()};
    gateway->simulations++;
    ask(simulation);
}
