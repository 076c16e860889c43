/*
 * saleor_order.c: an order of ours in Saleor: placed as it is, then confirmed, fulfilled or cancelled as its status asks.
 *
 *   create    (skus) ─▶ orderBulkCreate, in the state that the status asks for
 *             └─ UNIQUE ─▶ update, all of it          └─ the customer or a variant is not known ─▶ named another way
 *   update    orderUpdate for what can change ─▶ (find) ─▶ confirm ─▶ fulfil, or cancel
 *             └─ NOT_FOUND ─▶ create
 *   delete    find ─▶ cancel: a placed order cannot be deleted
 *
 * Saleor's states: UNCONFIRMED ─confirm─▶ UNFULFILLED ─fulfil─▶ (PARTIALLY_)FULFILLED; CANCELED, from those before fulfilment.
 */
#include "graphql_documents.h"
#include "mem.h"
#include "saleor_parts.h"

static bool is_state(const struct saleor_plan *plan, const char *state)
{
    return strcmp(plan->state, state) == 0;
}

static bool is_before_fulfilment(const struct saleor_plan *plan)
{
    return is_state(plan, "UNCONFIRMED") || is_state(plan, "UNFULFILLED") ||
           is_state(plan, "PARTIALLY_FULFILLED");
}

static enum platform_order_step wanted(const struct saleor_plan *plan)
{
    return plan->verb == VERB_DELETE
               ? PLATFORM_ORDER_CANCEL
               : platform_order_step(plan->graphql, json_get_text(plan->record, "status"));
}

static bool holds(const struct saleor_plan *plan, const char *field, const struct json *value)
{
    static const char *const fields[] = {
        "amount",           "items", "customer_id",    "user_id", "created_at", "billing_address",
        "shipping_address", "email", "customer_email", NULL};
    if (strcmp(field, "status") == 0)
        return json_type(value) == JSON_STRING &&
               platform_order_step(plan->graphql, json_text(value, NULL)) != PLATFORM_ORDER_NONE;
    for (size_t i = 0; fields[i] != NULL; i++) {
        if (strcmp(fields[i], field) == 0)
            return true;
    }
    return false;
}

/* What orderUpdate says; an empty object: nothing. */
static struct json *update_input(const struct saleor_plan *plan)
{
    static const char *const addresses[][2] = {{"billing_address", "billingAddress"},
                                               {"shipping_address", "shippingAddress"}};
    static const char *const emails[] = {"customer_email", "email"};
    struct json *input = json_new_object();
    for (size_t i = 0; i < 2; i++) {
        const struct json *address = json_get(plan->record, addresses[i][0]);
        if (plan->changed != NULL && saleor_changed(plan, addresses[i][0]) &&
            json_type(address) == JSON_OBJECT)
            json_set(input, addresses[i][1], saleor_address(plan, address, json_get_text(address, "name")));
        if (plan->changed != NULL && saleor_changed(plan, emails[i]) &&
            json_get_text(plan->record, emails[i]) != NULL)
            saleor_put_text(input, "userEmail", json_get(plan->record, emails[i]));
    }
    saleor_put_metadata(plan, input);
    return input;
}

static bool is_status_due(const struct saleor_plan *plan)
{
    return wanted(plan) != PLATFORM_ORDER_NONE &&
           (plan->verb == VERB_DELETE || saleor_changed(plan, "status"));
}

static void start(struct saleor_plan *plan)
{
    plan->look = false;
    plan->state[0] = '\0';
    plan->needed = 0;
    saleor_free_lines(plan);
    if (plan->verb == VERB_CREATE) {
        plan->needed = 1u << STEP_CREATE;
        saleor_read_lines(plan);
        return;
    }
    struct json *input = plan->verb == VERB_UPDATE ? update_input(plan) : NULL;
    if (json_count(input) > 0)
        plan->needed |= 1u << STEP_UPDATE;
    if (is_status_due(plan))
        plan->needed |= 1u << STEP_CONFIRM; /* whatever the status asks for */
    json_free(input);
}

/* ---- the status ---- */

/* Confirming and cancelling are tried without a look where the id is known: their refusal says that a look is due. */
static enum saleor_step status_step(struct saleor_plan *plan)
{
    enum platform_order_step goal = wanted(plan);
    bool known = plan->state[0] != '\0';
    if (plan->id[0] == '\0' || (!known && (plan->look || goal == PLATFORM_ORDER_FULFIL)))
        return STEP_FIND;
    if (!known)
        return goal == PLATFORM_ORDER_CANCEL ? STEP_CANCEL : STEP_CONFIRM;
    if (goal == PLATFORM_ORDER_CANCEL) {
        if (is_state(plan, "CANCELED") || is_state(plan, "EXPIRED"))
            return STEP_NONE;
        if (is_state(plan, "UNCONFIRMED") || is_state(plan, "UNFULFILLED"))
            return STEP_CANCEL;
        saleor_end(plan, SALEOR_DEAD, "status: Saleor cancels no order that is %s", plan->state);
        return STEP_NONE;
    }
    if (is_state(plan, "UNCONFIRMED"))
        return STEP_CONFIRM;
    if (is_state(plan, "CANCELED") || is_state(plan, "EXPIRED") || is_state(plan, "DRAFT"))
        saleor_end(plan, SALEOR_DEAD, "status: Saleor cannot bring back an order that is %s", plan->state);
    else if (goal == PLATFORM_ORDER_FULFIL && is_before_fulfilment(plan) && json_count(plan->open) > 0)
        return STEP_FULFIL;
    return STEP_NONE;
}

static enum saleor_step create_step(struct saleor_plan *plan)
{
    struct json *skus = saleor_unknown_skus(plan);
    bool unknown = skus != NULL;
    json_free(skus);
    return unknown ? STEP_SKUS : saleor_line_product(plan) != NULL ? STEP_PRODUCT : STEP_CREATE;
}

static enum saleor_step next(struct saleor_plan *plan)
{
    unsigned due = plan->needed & ~plan->done;
    if (saleor_is_done(plan, STEP_CREATE) && plan->verb == VERB_CREATE)
        return STEP_NONE;
    if ((due & 1u << STEP_CREATE) != 0)
        return create_step(plan);
    if ((due & 1u << STEP_UPDATE) != 0)
        return STEP_UPDATE;
    if ((due & 1u << STEP_CONFIRM) == 0)
        return STEP_NONE;
    enum saleor_step step = status_step(plan);
    if (step == STEP_NONE)
        saleor_step_done(plan, STEP_CONFIRM); /* it is as the status asks */
    return step;
}

/* ---- what is asked ---- */

static const char *tracking_number(const struct saleor_plan *plan)
{
    const char *number = json_get_text(plan->record, "tracking_number");
    return number != NULL ? number
                          : json_get_text(json_get(plan->record, "shipping_info"), "tracking_number");
}

/* What is left of each line. The customer hears of it from the shop that has shipped it. */
static struct json *fulfil_variables(const struct saleor_plan *plan)
{
    struct json *lines = json_new_array();
    for (size_t i = 0; i < json_count(plan->open); i++) {
        const struct json *open = json_at(plan->open, i);
        struct json *stock = saleor_wrap("quantity", json_ref(json_get(open, "quantityToFulfill")));
        struct json *line = saleor_wrap("orderLineId", json_ref(json_get(open, "id")));
        json_set(stock, "warehouse", json_new_text(plan->place.warehouse_id));
        json_set(line, "stocks", saleor_list(stock));
        json_append(lines, line);
    }
    struct json *input = saleor_wrap("lines", lines);
    json_set(input, "notifyCustomer", json_new_bool(false));
    json_set(input, "allowStockToBeExceeded", json_new_bool(true));
    if (tracking_number(plan) != NULL)
        json_set(input, "trackingNumber", json_new_text(tracking_number(plan)));
    struct json *variables = saleor_wrap("order", json_new_text(plan->id));
    json_set(variables, "input", input);
    return variables;
}

static void ask_create(struct saleor_plan *plan)
{
    struct json *order = saleor_order_input(plan);
    if (order != NULL)
        saleor_ask(plan, "orderBulkCreate", graphql_order_create, saleor_wrap("orders", saleor_list(order)));
}

static void ask(struct saleor_plan *plan, enum saleor_step step)
{
    struct json *variables;
    switch (step) {
    case STEP_CREATE:
        ask_create(plan);
        break;
    case STEP_SKUS:
        saleor_ask(plan, "productVariants", graphql_variants_by_sku,
                   saleor_wrap("skus", saleor_unknown_skus(plan)));
        break;
    case STEP_PRODUCT:
        variables = saleor_wrap("id", json_new_text(saleor_line_product(plan)));
        saleor_ask(plan, "product", graphql_product_find, variables);
        break;
    case STEP_UPDATE:
        variables = saleor_reference(plan);
        json_set(variables, "input", update_input(plan));
        saleor_ask(plan, "orderUpdate", graphql_order_update, variables);
        break;
    case STEP_FIND:
        saleor_ask(plan, "order", graphql_order_find, saleor_reference(plan));
        break;
    case STEP_CONFIRM:
        saleor_ask(plan, "orderConfirm", graphql_order_confirm, saleor_wrap("id", json_new_text(plan->id)));
        break;
    case STEP_FULFIL:
        saleor_ask(plan, "orderFulfill", graphql_order_fulfill, fulfil_variables(plan));
        break;
    default:
        saleor_ask(plan, "orderCancel", graphql_order_cancel, saleor_wrap("id", json_new_text(plan->id)));
    }
}

/* ---- what is answered ---- */

static void learn_state(struct saleor_plan *plan, const struct json *order)
{
    const char *state = json_get_text(order, "status");
    const struct json *lines = json_get(order, "lines");
    json_free(plan->open);
    plan->open = json_new_array();
    snprintf(plan->state, sizeof plan->state, "%s", state != NULL ? state : "UNKNOWN");
    for (size_t i = 0; json_type(lines) == JSON_ARRAY && i < json_count(lines); i++) {
        const struct json *left = json_get(json_at(lines, i), "quantityToFulfill");
        int64_t quantity;
        if (json_type(left) == JSON_NUMBER && json_int64(left, &quantity) == 0 && quantity > 0 &&
            json_get_text(json_at(lines, i), "id") != NULL)
            json_append(plan->open, json_copy(json_at(lines, i)));
    }
}

static void found(struct saleor_plan *plan, const struct json *order)
{
    plan->look = false;
    if (order != NULL) {
        saleor_learn(plan->id, order);
        learn_state(plan, order);
    } else if (plan->id[0] != '\0') {
        plan->id[0] = '\0'; /* the id was an old one: by our reference */
    } else if (plan->verb == VERB_DELETE) {
        saleor_step_done(plan, STEP_CONFIRM); /* gone is what was asked for */
    } else {
        saleor_turn(plan, VERB_CREATE);
    }
}

static void placed(struct saleor_plan *plan, const struct json *data)
{
    const struct json *results = json_get(data, "results");
    const struct json *order = json_type(results) == JSON_ARRAY && json_count(results) > 0
                                   ? json_get(json_at(results, 0), "order")
                                   : NULL;
    if (order == NULL) {
        saleor_end(plan, SALEOR_RETRY, "orderBulkCreate: Saleor placed no order and gave no reason");
        return;
    }
    saleor_learn(plan->id, order);
    saleor_step_done(plan, STEP_CREATE);
}

static void answered(struct saleor_plan *plan, enum saleor_step step, const struct json *data)
{
    switch (step) {
    case STEP_CREATE:
        placed(plan, data);
        break;
    case STEP_SKUS:
        saleor_take_skus(plan, json_get(data, "edges"));
        break;
    case STEP_PRODUCT:
        saleor_take_product(plan, data);
        break;
    case STEP_FIND:
        found(plan, data);
        break;
    case STEP_CONFIRM: /* the step's own bit says that the whole status is done */
        if (wanted(plan) == PLATFORM_ORDER_FULFIL)
            snprintf(plan->state, sizeof plan->state, "UNFULFILLED");
        else
            saleor_step_done(plan, STEP_CONFIRM);
        break;
    case STEP_FULFIL:
    case STEP_CANCEL:
        saleor_step_done(plan, STEP_CONFIRM);
        break;
    default:
        saleor_learn(plan->id, json_get(data, "order"));
        saleor_step_done(plan, step);
    }
}

static bool is(const struct saleor_error *error, const char *code)
{
    return strcmp(error->code, code) == 0;
}

/* "lines.3.variant_external_reference" → 3; -1: no line. */
static int line_of(const char *path)
{
    char *end = NULL;
    long line = strncmp(path, "lines.", 6) == 0 ? strtol(path + 6, &end, 10) : -1;
    return end != NULL && end != path + 6 && line >= 0 && line < SALEOR_LINES_MAX ? (int)line : -1;
}

static bool create_turned(struct saleor_plan *plan, const struct saleor_error *error)
{
    int line = line_of(error->field);
    if (is(error, "UNIQUE") && strcmp(error->field, "external_reference") == 0) {
        plan->id[0] = '\0';
        saleor_turn(plan, VERB_UPDATE);
        return true;
    }
    if (is(error, "NOT_FOUND") && strncmp(error->field, "user", 4) == 0) {
        plan->user_tried++;
        return true;
    }
    if (is(error, "NOT_FOUND") && line >= 0 && strstr(error->field, "warehouse") == NULL) {
        if (!saleor_line_missing(plan, (size_t)line))
            saleor_end(plan, SALEOR_DEAD, "items[%d]: the shop has no such product", line);
        return true;
    }
    return false;
}

/* Refused as it stands there: looked at, once. */
static bool status_turned(struct saleor_plan *plan, const struct saleor_error *error)
{
    if (is(error, "NOT_FOUND")) {
        plan->id[0] = plan->state[0] = '\0';
        return true;
    }
    if (plan->state[0] != '\0' || (!is(error, "INVALID") && !is(error, "CANNOT_CANCEL_ORDER")))
        return false;
    plan->look = true;
    return true;
}

static bool turned(struct saleor_plan *plan, enum saleor_step step, const struct saleor_error *error)
{
    if (step == STEP_CREATE)
        return create_turned(plan, error);
    if (step == STEP_UPDATE && is(error, "NOT_FOUND")) {
        if (plan->id[0] == '\0')
            saleor_turn(plan, VERB_CREATE);
        plan->id[0] = '\0';
        return true;
    }
    if (step == STEP_FULFIL && is(error, "FULFILL_ORDER_LINE")) {
        plan->state[0] = '\0'; /* somebody else fulfilled some of it meanwhile */
        plan->look = true;
        return true;
    }
    if (step == STEP_CONFIRM || step == STEP_CANCEL || step == STEP_FULFIL)
        return status_turned(plan, error);
    return false;
}

const struct saleor_kind saleor_order = {"order", start, next, ask, answered, turned, holds};
