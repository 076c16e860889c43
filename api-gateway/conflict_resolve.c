/*
 * conflict_resolve.c: POST /sync/conflicts/{id}/resolve: a person decides what waits. The decision is an event of the service, which
 * the router applies as the only writer of records; of two persons one is told that the other was faster.
 */
#include "clock.h"
#include "conflict_inside.h"
#include "sql.h"
#include "uuid.h"

static void add_fields(struct db_params *params, const struct json *rules)
{
    struct db_array *fields = db_add_array(params, DB_TEXT);

    for (size_t i = 0; i < json_count(rules); i++)
        db_array_text(fields, json_get_text(json_at(rules, i), "field"));
}

static void decide(struct conflict_change *change, const struct conflict_decision *decision)
{
    struct db_params *params = conflict_change_params(change);
    struct uuid event;

    uuid_v7(&event, clock_db_ms());
    add_fields(params, decision->rules);
    db_add_uuid(params, &event);
    conflict_add_body(params, decision->data);
    db_add_text(params, http_identity(change->request)->subject);
    db_add_text(params, decision->note);
    db_add_text(params, service_instance(change->gateway->service));
    conflict_add_body(params, decision->rules);
    db_add_text(params, http_traceparent(change->request));
    conflict_change_send(change, sql_conflict_resolve, params);
}

static void on_read(enum db_status status, const struct db_result *result, void *arg)
{
    struct conflict_change *change = arg;
    struct json *errors;
    struct conflict_decision decision;
    struct conflict_row row;

    if (!conflict_change_read(change, status, result))
        return;
    errors = json_new_array();
    conflict_row_read(&row, result);
    if (conflict_choose(&row, change->gateway->platforms, http_json(change->request), &decision, errors) == 0)
        decide(change, &decision);
    else
        conflict_change_refuse(change, errors, NULL);
    conflict_decision_release(&decision);
    conflict_row_release(&row);
    json_free(errors);
}

void conflict_resolve(struct http_request *request, void *arg)
{
    if (http_json(request))
        conflict_change_start(arg, request, "conflict decided", on_read);
}
