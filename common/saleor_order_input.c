/*
 * saleor_order_input.c: what orderBulkCreate demands of an order, and where each value comes from.
 *
 *   channel, currency       the platform file                lines' variant   the item's product (its variant has our record id as
 *   warehouse               the platform file                                 externalReference), else its sku, else the file's variant
 *   createdAt               the record's created_at, or now  lines' totals    the item's total, or price × quantity; gross
 *   user                    the customer's record, or e-mail                  net = gross ÷ (1 + the file's tax_rate)
 *   billingAddress          the record's, or the file's      isShippingRequired  false: true demands a shipping method
 *   taxClassId              the file's tax_class, or the shop's first
 *   status                  the file's order_status          languageCode     the platform file
 */
#include "log.h"
#include "mem.h"
#include "saleor_parts.h"
#include "timefmt.h"

#define FUTURE_MS 60000 /* Saleor refuses dates of the future; clocks differ a little */

static struct json *taxed(const struct saleor_plan *plan, struct money gross)
{
    struct money tax = plan->graphql->tax_rate;
    struct money_rate factor = {tax.minor, tax.exponent};
    struct money net = gross;
    int64_t one = 1;
    for (int i = 0; i < tax.exponent; i++)
        one *= 10;
    factor.value += one;
    if (money_divide(gross, factor, gross.exponent, &net) != 0)
        bug("an amount of at most 15 digits became more by taking the tax off");
    struct json *object = saleor_wrap("gross", saleor_decimal(gross));
    json_set(object, "net", saleor_decimal(net));
    return object;
}

static void put_variant(const struct saleor_line *line, struct json *input)
{
    if (line->by == BY_ID)
        json_set(input, "variantId", json_new_text(line->variant_id));
    else
        json_set(input, "variantExternalReference", json_new_text(line->reference));
}

static struct json *line_input(const struct saleor_plan *plan, const struct saleor_line *line,
                               const char *created_at)
{
    struct json *input = json_new_object();
    const char *name = json_get_text(line->item, "name");
    put_variant(line, input);
    if (name != NULL && *name != '\0' &&
        strlen(name) <= 386) /* Saleor's column; else the product's own name stands there */
        json_set(input, "productName", json_new_text(name));
    json_set(input, "createdAt", json_new_text(created_at));
    json_set(input, "isShippingRequired", json_new_bool(false));
    json_set(input, "isGiftCard", json_new_bool(false));
    json_set(input, "quantity", json_new_int(line->quantity));
    json_set(input, "totalPrice", taxed(plan, line->total));
    json_set(input, "undiscountedTotalPrice", taxed(plan, line->listed));
    json_set(input, "taxRate", saleor_decimal(plan->graphql->tax_rate));
    json_set(input, "taxClassId", json_new_text(plan->place.tax_class_id));
    json_set(input, "warehouse", json_new_text(plan->place.warehouse_id));
    return input;
}

static struct json *fulfilment_input(const struct saleor_plan *plan)
{
    struct json *lines = json_new_array();
    for (size_t i = 0; i < plan->line_count; i++) {
        struct json *line = saleor_wrap("orderLineIndex", json_new_int((int64_t)i));
        put_variant(&plan->lines[i], line);
        json_set(line, "quantity", json_new_int(plan->lines[i].quantity));
        json_set(line, "warehouse", json_new_text(plan->place.warehouse_id));
        json_append(lines, line);
    }
    return saleor_list(saleor_wrap("lines", lines));
}

static const char *email_of(const struct saleor_plan *plan)
{
    static const char *const names[] = {"email", "customer_email", "user_email"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = json_get_text(plan->record, names[i]);
        if (text != NULL && *text != '\0')
            return text;
    }
    return json_get_text(json_get(plan->record, "customer"), "email");
}

/* The ways to name the customer that there are, the surest first; `tried` of them Saleor did not know. An e-mail address is
 * taken as it is. */
static struct json *user_input(struct saleor_plan *plan)
{
    const char *values[3], *members[3];
    unsigned count = 0;
    for (size_t i = 0; i < plan->request.parent_count && count == 0; i++) {
        const struct saleor_parent *parent = &plan->request.parents[i];
        if (parent->entity != ENTITY_USER)
            continue;
        if (saleor_is_id(ENTITY_USER, parent->platform_id)) {
            members[count] = "id";
            values[count++] = parent->platform_id;
        }
        members[count] = "externalReference";
        values[count++] = parent->record_id;
    }
    if (email_of(plan) != NULL) {
        members[count] = "email";
        values[count++] = email_of(plan);
    }
    if (plan->user_tried < count)
        return saleor_wrap(members[plan->user_tried], json_new_text(values[plan->user_tried]));
    saleor_end(plan, SALEOR_DEAD,
               "customer_id: %s, and the order has no e-mail address that could stand for it",
               count > 0 ? "the shop has no such customer" : "the order names no customer");
    return NULL;
}

static const char *first_state(const struct saleor_plan *plan)
{
    static const char *const states[] = {[PLATFORM_ORDER_NONE] = "UNCONFIRMED",
                                         [PLATFORM_ORDER_CONFIRM] = "UNFULFILLED",
                                         [PLATFORM_ORDER_FULFIL] = "FULFILLED",
                                         [PLATFORM_ORDER_CANCEL] = "CANCELED"};
    return states[platform_order_step(plan->graphql, json_get_text(plan->record, "status"))];
}

static void write_created_at(const struct saleor_plan *plan, char text[TIMEFMT_LEN + 1])
{
    const char *given = json_get_text(plan->record, "created_at");
    int64_t created_ms = plan->request.now_ms;
    if (given == NULL || timefmt_parse(given, strlen(given), &created_ms) != 0 || created_ms < 0 ||
        created_ms > plan->request.now_ms + FUTURE_MS)
        created_ms = plan->request.now_ms;
    timefmt_rfc3339(created_ms, text);
}

static void put_addresses(const struct saleor_plan *plan, struct json *input)
{
    const struct json *billing = json_get(plan->record, "billing_address");
    const struct json *shipping = json_get(plan->record, "shipping_address");
    const char *name = json_get_text(plan->record, "customer_name");
    if (json_type(billing) != JSON_OBJECT)
        billing = json_type(shipping) == JSON_OBJECT ? shipping : NULL;
    if (json_get_text(billing, "name") != NULL)
        name = json_get_text(billing, "name");
    json_set(input, "billingAddress", saleor_address(plan, billing, name));
    if (json_type(shipping) == JSON_OBJECT)
        json_set(input, "shippingAddress", saleor_address(plan, shipping, json_get_text(shipping, "name")));
}

struct json *saleor_order_input(struct saleor_plan *plan)
{
    char created_at[TIMEFMT_LEN + 1];
    struct json *lines, *input, *user = user_input(plan);
    if (user == NULL)
        return NULL;
    if (plan->place.tax_class_id[0] == '\0') {
        plan->lost_place = true;
        saleor_end(plan, SALEOR_HOLD,
                   "the shop has no tax class, and Saleor demands one of an order's lines: make one");
        json_free(user);
        return NULL;
    }
    write_created_at(plan, created_at);
    input = saleor_wrap("externalReference", json_new_text(plan->request.record_id));
    json_set(input, "channel", json_new_text(plan->graphql->channel));
    json_set(input, "createdAt", json_new_text(created_at));
    json_set(input, "status", json_new_text(first_state(plan)));
    json_set(input, "user", user);
    put_addresses(plan, input);
    json_set(input, "currency", json_new_text(platform_currency(plan->request.target)));
    json_set(input, "languageCode", json_new_text(plan->graphql->language));
    lines = json_new_array();
    for (size_t i = 0; i < plan->line_count; i++)
        json_append(lines, line_input(plan, &plan->lines[i], created_at));
    json_set(input, "lines", lines);
    if (strcmp(first_state(plan), "FULFILLED") == 0)
        json_set(input, "fulfillments", fulfilment_input(plan));
    saleor_put_metadata(plan, input);
    return input;
}
