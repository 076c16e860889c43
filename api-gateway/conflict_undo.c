/*
 * conflict_undo.c: POST /sync/conflicts/{id}/undo: the fields that were decided become what they were before, and nothing else does.
 * It is a change of the service made on the decision's version: what somebody changes at the same time contests it.
 */
#include "clock.h"
#include "conflict_inside.h"
#include "merge.h"
#include "sql.h"
#include "uuid.h"

/* What is to be taken back. */
struct undoing {
    const struct conflict_row *row;
    struct json *notes; /* of the record now */
    struct json *data, *rules;
    int64_t base_version; /* the newest of the decisions */
    const char *why_not;  /* a sentence; NULL: it can be done */
};

static const char *why_not_now(const struct conflict_row *row)
{
    if (strcmp(row->status, "undone") == 0)
        return "The conflict's decision was taken back already.";
    if (strcmp(row->status, "replaced") == 0)
        return "Another change took the place of this conflict's fields: there is nothing to take back.";
    if (strcmp(row->status, "resolved") != 0)
        return "The conflict is not decided, or its decision is still on its way: there is nothing to take "
               "back yet.";
    if (db_is_null(row->result, 0, db_column(row->result, "record_deleted")) ||
        db_get_bool(row->result, 0, db_column(row->result, "record_deleted")))
        return "The record has been deleted since: there is nothing to take back.";
    return conflict_row_applied(row) ? NULL : "The decision is still on its way to the record.";
}

/* Of money, where the value before stands on a side: that side's. */
static const char *currency_before(const struct resolve_input *input, const struct json *value)
{
    for (size_t i = 0; i < input->count; i++)
        if (input->sides[i].currency && input->sides[i].present && json_equal(input->sides[i].value, value))
            return input->sides[i].currency;
    return input->base_known && json_equal(input->base, value) ? input->base_currency : NULL;
}

static void restore(struct undoing *u, const struct resolve_input *input, const struct json *note,
                    const struct json *value)
{
    const char *currency = currency_before(input, value);
    struct json *rule = json_new_object();

    currency = currency ? currency : json_get_text(note, "c");
    json_set(u->data, input->field, json_copy(value));
    if (currency)
        merge_set_currency(u->data, input->field, currency);
    json_set(rule, "field", json_new_text(input->field));
    json_set(rule, "policy", json_new_text("undo"));
    json_set(rule, "chosen", NULL);
    json_set(rule, "value", json_copy(value));
    json_set(rule, "waits", json_new_bool(false));
    json_set(rule, "why", json_new_text("What it was before the decision."));
    json_append(u->rules, rule);
}

static void undo_field(struct undoing *u, const struct resolve_input *input)
{
    const struct conflict_step *step = NULL;
    const struct json *note = json_get(u->notes, input->field);

    if (!conflict_row_rule(u->row, input->field, &step) || !step->has_event)
        return;
    if (step->made_version == 0)
        return; /* another change had taken the field when the decision came */
    if (conflict_number(note, "v") != step->made_version) {
        u->why_not =
            "A field has changed since it was decided: taking the decision back would lose that change.";
        return;
    }
    if (!step->before) {
        u->why_not = "What the record was before the decision is not kept any more (EVENT_RETENTION_DAYS).";
        return;
    }
    if (step->made_version > u->base_version)
        u->base_version = step->made_version;
    restore(u, input, note, json_get(step->before, input->field));
}

static void find_values(struct undoing *u)
{
    u->why_not = why_not_now(u->row);
    for (size_t i = 0; i < u->row->conflict.count && !u->why_not; i++)
        undo_field(u, &u->row->conflict.fields[i]);
    if (!u->why_not && json_count(u->rules) == 0)
        u->why_not = "Nothing of this conflict's decision is kept that could be taken back.";
}

static void take_back(struct conflict_change *change, const struct undoing *u, const char *note)
{
    struct db_params *params = conflict_change_params(change);
    struct uuid event;

    uuid_v7(&event, clock_db_ms());
    db_add_uuid(params, &event);
    conflict_add_body(params, u->data);
    db_add_text(params, http_identity(change->request)->subject);
    db_add_text(params, note);
    db_add_text(params, service_instance(change->gateway->service));
    conflict_add_body(params, u->rules);
    db_add_text(params, http_traceparent(change->request));
    db_add_int(params, u->base_version);
    conflict_change_send(change, sql_conflict_undo, params);
}

static bool has_body(struct http_request *request)
{
    size_t len;

    http_body(request, &len);
    return len > 0;
}

/* The note, if any; mistakes otherwise. */
static void read_body(struct http_request *request, char **note, struct json *errors)
{
    const struct json *body = has_body(request) ? http_json(request) : NULL;
    struct json_iter iter = {NULL};
    const char *name;

    *note = NULL;
    if (body && json_type(body) != JSON_OBJECT)
        accept_mistake(errors, "", "the body must be an object, not %s", json_type_name(json_type(body)));
    else if (body)
        conflict_read_note(body, note, errors);
    while (json_type(body) == JSON_OBJECT && json_next(body, &iter, &name, NULL))
        if (strcmp(name, "note") != 0)
            accept_mistake(errors, "", "there is no member %s: note alone may be given", name);
}

static void on_read(enum db_status status, const struct db_result *result, void *arg)
{
    struct conflict_change *change = arg;
    struct json *errors;
    struct conflict_row row;
    char *note;

    if (!conflict_change_read(change, status, result))
        return;
    errors = json_new_array();
    conflict_row_read(&row, result);
    struct undoing u = {.row = &row,
                        .notes = conflict_body(result, 0, "record_notes"),
                        .data = json_new_object(),
                        .rules = json_new_array()};
    read_body(change->request, &note, errors);
    find_values(&u);
    if (json_count(errors) == 0 && !u.why_not)
        take_back(change, &u, note);
    else
        conflict_change_refuse(change, errors, u.why_not);
    free(note);
    json_free(u.notes);
    json_free(u.data);
    json_free(u.rules);
    conflict_row_release(&row);
    json_free(errors);
}

void conflict_undo(struct http_request *request, void *arg)
{
    if (!has_body(request) || http_json(request))
        conflict_change_start(arg, request, "decision taken back", on_read);
}
