/*
 * saleor_customer.c: a user of ours as a customer of Saleor.
 *
 *   create ── UNIQUE externalReference ──▶ update        created before, and the answer was lost
 *          └─ UNIQUE email ──▶ find ──▶ update by id      the shop's own customer; it becomes ours if nobody else's
 *   update ── NOT_FOUND ──▶ create
 *   delete ── NOT_FOUND ──▶ done
 */
#include "graphql_documents.h"
#include "mem.h"
#include "saleor_parts.h"

static void start(struct saleor_plan *plan)
{
    plan->look = false;
}

static enum saleor_step next(struct saleor_plan *plan)
{
    if (saleor_is_done(plan, STEP_UPDATE) || saleor_is_done(plan, STEP_CREATE) ||
        saleor_is_done(plan, STEP_DELETE))
        return STEP_NONE;
    if (plan->verb == VERB_DELETE)
        return STEP_DELETE;
    if (plan->look)
        return STEP_FIND;
    if (plan->verb == VERB_CREATE)
        return STEP_CREATE;
    return plan->changed != NULL && json_count(plan->changed) == 0 ? STEP_NONE : STEP_UPDATE;
}

/* A customer is active or not; what else a status may say is kept in the metadata, and leaves that as it is. */
static bool is_activity(const struct json *value)
{
    const char *text = json_type(value) == JSON_STRING ? json_text(value, NULL) : "";
    return strcmp(text, "active") == 0 || strcmp(text, "inactive") == 0;
}

static bool holds(const struct saleor_plan *plan, const char *field, const struct json *value)
{
    (void)plan;
    if (strcmp(field, "status") == 0)
        return is_activity(value);
    return strcmp(field, "name") == 0 || strcmp(field, "email") == 0 || strcmp(field, "note") == 0;
}

/* Names and addresses are texts; a record may hold something else there, which is no name. */
static struct json *input_of(const struct saleor_plan *plan)
{
    struct json *input = json_new_object();
    const struct json *record = plan->record;
    const char *name = json_get_text(record, "name");
    if (saleor_changed(plan, "name") && name != NULL)
        saleor_put_name(input, name);
    if (saleor_changed(plan, "email"))
        saleor_put_text(input, "email", json_get(record, "email"));
    if (saleor_changed(plan, "note"))
        saleor_put_text(input, "note", json_get(record, "note"));
    if (saleor_changed(plan, "status") && is_activity(json_get(record, "status")))
        json_set(input, "isActive", json_new_bool(strcmp(json_get_text(record, "status"), "active") == 0));
    if (plan->verb == VERB_CREATE || plan->claims)
        json_set(input, "externalReference", json_new_text(plan->request.record_id));
    saleor_put_metadata(plan, input);
    return input;
}

static void ask(struct saleor_plan *plan, enum saleor_step step)
{
    struct json *variables;
    switch (step) {
    case STEP_CREATE:
        saleor_ask(plan, "customerCreate", graphql_customer_create, saleor_wrap("input", input_of(plan)));
        break;
    case STEP_UPDATE:
        variables = saleor_reference(plan);
        json_set(variables, "input", input_of(plan));
        saleor_ask(plan, "customerUpdate", graphql_customer_update, variables);
        break;
    case STEP_FIND:
        variables = saleor_wrap("email", json_ref(json_get(plan->record, "email")));
        saleor_ask(plan, "user", graphql_customer_by_email, variables);
        break;
    default:
        saleor_ask(plan, "customerDelete", graphql_customer_delete, saleor_reference(plan));
    }
}

/* Whose is the customer that has the e-mail address? */
static void found(struct saleor_plan *plan, const struct json *user)
{
    const char *reference = json_get_text(user, "externalReference");
    const struct json *staff = json_get(user, "isStaff");
    bool free_for_us = reference == NULL || *reference == '\0';
    plan->look = false;
    if (user == NULL) {
        saleor_end(
            plan, SALEOR_DEAD,
            "email: Saleor says that the address is taken, by an account that the app's token does not see");
    } else if (json_type(staff) == JSON_BOOL && json_bool(staff)) {
        saleor_end(plan, SALEOR_DEAD, "email: the address belongs to one of the shop's staff");
    } else if (!free_for_us && strcmp(reference, plan->request.record_id) != 0) {
        saleor_end(plan, SALEOR_DEAD, "email: another customer of the shop has this address");
    } else {
        saleor_learn(plan->id, user);
        saleor_turn(plan, VERB_UPDATE);
        plan->claims = free_for_us;
    }
}

static void answered(struct saleor_plan *plan, enum saleor_step step, const struct json *data)
{
    if (step == STEP_FIND) {
        found(plan, data);
        return;
    }
    if (step == STEP_DELETE)
        plan->id[0] = '\0'; /* nobody's any more */
    else
        saleor_learn(plan->id, json_get(data, "user"));
    saleor_step_done(plan, step);
}

static bool is(const struct saleor_error *error, const char *code, const char *field)
{
    return strcmp(error->code, code) == 0 && (field == NULL || strcmp(error->field, field) == 0);
}

static bool turned(struct saleor_plan *plan, enum saleor_step step, const struct saleor_error *error)
{
    if (step == STEP_CREATE && is(error, "UNIQUE", "externalReference")) {
        plan->id[0] = '\0';
        saleor_turn(plan, VERB_UPDATE);
    } else if (step == STEP_CREATE && is(error, "UNIQUE", "email")) {
        plan->look = true;
    } else if (step == STEP_UPDATE && is(error, "UNIQUE", "email")) {
        saleor_end(plan, SALEOR_DEAD, "email: another customer of the shop has this address");
    } else if (step == STEP_UPDATE && is(error, "NOT_FOUND", NULL)) {
        plan->id[0] = '\0';
        plan->claims = false;
        saleor_turn(plan, VERB_CREATE);
    } else if (step == STEP_DELETE && is(error, "NOT_FOUND", NULL)) {
        plan->id[0] = '\0';
        saleor_step_done(plan, step); /* gone is what was asked for */
    } else {
        return false;
    }
    return true;
}

const struct saleor_kind saleor_customer = {"customer", start, next, ask, answered, turned, holds};
