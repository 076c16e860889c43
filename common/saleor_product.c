/*
 * saleor_product.c: a product of ours as a product of Saleor with one variant, which carries price and stock.
 *
 *   create    productCreate ─▶ productVariantCreate (with its stock) ─▶ channel listing ─▶ price
 *   update    what changed: productUpdate · sku · channel listing (published) · price · stock; first, where their ids are not
 *             known, productFind
 *   delete    productDelete, with the variants
 *
 * The variant has our externalReference as well. A product that the shop made itself keeps its own: then the default one is ours.
 */
#include "graphql_documents.h"
#include "mem.h"
#include "saleor_parts.h"

#define BIT(step) (1u << (step))
#define WHOLE (BIT(STEP_VARIANT) | BIT(STEP_LISTING) | BIT(STEP_PRICE))

static bool is_text(const struct json *value, const char *word)
{
    return json_type(value) == JSON_STRING && strcmp(json_text(value, NULL), word) == 0;
}

/* A product is published or not; what else a status may say is kept in the metadata, and is not published. */
static bool holds(const struct saleor_plan *plan, const char *field, const struct json *value)
{
    static const char *const fields[] = {"name", "price", "inventory", "description", "sku", NULL};
    (void)plan;
    if (strcmp(field, "status") == 0)
        return is_text(value, "active") || is_text(value, "inactive");
    if (strcmp(field, "variants") == 0) /* the file's default; what it may contain has no place of its own */
        return json_type(value) == JSON_ARRAY && json_count(value) == 0;
    for (size_t i = 0; fields[i] != NULL; i++) {
        if (strcmp(fields[i], field) == 0)
            return true;
    }
    return false;
}

static unsigned changed_steps(const struct saleor_plan *plan)
{
    unsigned needed = 0;
    if (saleor_changed(plan, "name") || saleor_changed(plan, "description") || saleor_metadata_changed(plan))
        needed |= BIT(STEP_UPDATE);
    if (saleor_changed(plan, "sku"))
        needed |= BIT(STEP_SKU);
    if (saleor_changed(plan, "status"))
        needed |= BIT(STEP_LISTING);
    if (saleor_changed(plan, "price"))
        needed |= BIT(STEP_PRICE);
    if (saleor_changed(plan, "inventory"))
        needed |= BIT(STEP_STOCK);
    return needed;
}

/* What cannot be said in Saleor's words is known before anything is sent. */
static void check(struct saleor_plan *plan)
{
    const struct json *inventory = json_get(plan->record, "inventory");
    struct money price;
    int64_t quantity;
    if (saleor_changed(plan, "price") && saleor_amount(plan, json_get(plan->record, "price"), &price) != 0)
        saleor_end(plan, SALEOR_DEAD, "price: Saleor takes an amount of 0 or more, with at most 15 digits");
    else if (inventory != NULL && saleor_changed(plan, "inventory") &&
             (json_type(inventory) != JSON_NUMBER || json_int64(inventory, &quantity) != 0 || quantity < 0 ||
              quantity > INT32_MAX))
        saleor_end(plan, SALEOR_DEAD, "inventory: Saleor takes a whole number from 0 to %d", INT32_MAX);
}

static void start(struct saleor_plan *plan)
{
    plan->look = false;
    plan->needed = 0;
    if (plan->verb == VERB_DELETE)
        return;
    check(plan);
    if (plan->verb == VERB_CREATE)
        plan->needed = BIT(STEP_CREATE) | WHOLE;
    else if (plan->changed == NULL)
        plan->needed = changed_steps(plan) | WHOLE;
    else
        plan->needed = changed_steps(plan);
    if (json_get(plan->record, "price") == NULL) /* of a record that never had one */
        plan->needed &= ~BIT(STEP_PRICE);
}

/* In this order; the product comes before what belongs to it, the listing before the price. */
static enum saleor_step next(struct saleor_plan *plan)
{
    static const enum saleor_step order[] = {STEP_CREATE,  STEP_UPDATE, STEP_VARIANT, STEP_SKU,
                                             STEP_LISTING, STEP_PRICE,  STEP_STOCK};
    const unsigned of_variant = BIT(STEP_SKU) | BIT(STEP_PRICE) | BIT(STEP_STOCK);
    if (plan->verb == VERB_DELETE)
        return saleor_is_done(plan, STEP_DELETE) ? STEP_NONE : STEP_DELETE;
    if (plan->look)
        return STEP_FIND;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        enum saleor_step step = order[i];
        if ((plan->needed & ~plan->done & BIT(step)) == 0 ||
            (step == STEP_UPDATE && saleor_is_done(plan, STEP_CREATE)))
            continue;
        if (step != STEP_CREATE && step != STEP_UPDATE && plan->id[0] == '\0')
            return STEP_FIND;
        if (step == STEP_VARIANT && plan->variant[0] != '\0')
            continue;
        /* A product of the shop's own may have a variant already: made here, one would be made twice. */
        if (step == STEP_VARIANT && plan->verb != VERB_CREATE && !saleor_is_done(plan, STEP_FIND))
            return STEP_FIND;
        if ((BIT(step) & of_variant) != 0 && plan->variant[0] == '\0')
            return saleor_is_done(plan, STEP_FIND) ? STEP_VARIANT : STEP_FIND;
        return step;
    }
    return STEP_NONE;
}

/* ---- what is asked ---- */

static struct json *product_input(const struct saleor_plan *plan)
{
    struct json *input = json_new_object();
    if (saleor_changed(plan, "name"))
        saleor_put_text(input, "name", json_get(plan->record, "name"));
    if (saleor_changed(plan, "description"))
        json_set(input, "description", saleor_rich_text(json_get(plan->record, "description")));
    if (plan->verb == VERB_CREATE) {
        json_set(input, "productType", json_new_text(plan->place.product_type_id));
        json_set(input, "externalReference", json_new_text(plan->request.record_id));
        if (plan->place.category_id[0] != '\0')
            json_set(input, "category", json_new_text(plan->place.category_id));
    }
    saleor_put_metadata(plan, input);
    return input;
}

/* What the record has none of, Saleor has none of either: cleared is 0. */
static struct json *stocks(const struct saleor_plan *plan)
{
    const struct json *inventory = json_get(plan->record, "inventory");
    int64_t quantity = 0;
    if (json_type(inventory) == JSON_NUMBER)
        json_int64(inventory, &quantity);
    struct json *stock = saleor_wrap("warehouse", json_new_text(plan->place.warehouse_id));
    json_set(stock, "quantity", json_new_int(quantity));
    return saleor_list(stock);
}

static struct json *variant_input(const struct saleor_plan *plan)
{
    struct json *input = saleor_wrap("product", json_new_text(plan->id));
    json_set(input, "externalReference", json_new_text(plan->request.record_id));
    json_set(input, "attributes", json_new_array());
    json_set(input, "trackInventory", json_new_bool(true));
    if (json_get(plan->record, "sku") != NULL)
        saleor_put_text(input, "sku", json_get(plan->record, "sku"));
    if (json_get(plan->record, "inventory") != NULL)
        json_set(input, "stocks", stocks(plan));
    return input;
}

/* Visible and for sale are one thing to us. Without a status a new product is neither, and one that is there stays as it is. */
static struct json *listing_input(const struct saleor_plan *plan)
{
    const struct json *status = json_get(plan->record, "status");
    bool published = !plan->unpublished && is_text(status, "active");
    struct json *channel = saleor_wrap("channelId", json_new_text(plan->place.channel_id));
    if (status != NULL || saleor_changed(plan, "status")) {
        json_set(channel, "isPublished", json_new_bool(published));
        json_set(channel, "isAvailableForPurchase", json_new_bool(published));
    }
    return saleor_wrap("updateChannels", saleor_list(channel));
}

static struct json *price_input(const struct saleor_plan *plan)
{
    struct json *channel = saleor_wrap("channelId", json_new_text(plan->place.channel_id));
    struct money price = {0, 0};
    saleor_amount(plan, json_get(plan->record, "price"), &price);
    json_set(channel, "price", saleor_decimal(price));
    return saleor_list(channel);
}

static struct json *with_id(const char *id, const char *name, struct json *value)
{
    struct json *variables = saleor_wrap("id", json_new_text(id));
    json_set(variables, name, value);
    return variables;
}

static void ask_of_variant(struct saleor_plan *plan, enum saleor_step step)
{
    struct json *variables;
    switch (step) {
    case STEP_VARIANT:
        saleor_ask(plan, "productVariantCreate", graphql_product_variant_create,
                   saleor_wrap("input", variant_input(plan)));
        break;
    case STEP_SKU:
        variables = json_new_object();
        saleor_put_text(variables, "sku", json_get(plan->record, "sku"));
        saleor_ask(plan, "productVariantUpdate", graphql_product_variant_update,
                   with_id(plan->variant, "input", variables));
        break;
    case STEP_PRICE:
        saleor_ask(plan, "productVariantChannelListingUpdate", graphql_product_variant_listing,
                   with_id(plan->variant, "input", price_input(plan)));
        break;
    default:
        variables = saleor_wrap("variantId", json_new_text(plan->variant));
        json_set(variables, "stocks", stocks(plan));
        saleor_ask(plan, "productVariantStocksUpdate", graphql_product_variant_stocks, variables);
    }
}

static void ask(struct saleor_plan *plan, enum saleor_step step)
{
    struct json *variables;
    switch (step) {
    case STEP_CREATE:
        saleor_ask(plan, "productCreate", graphql_product_create, saleor_wrap("input", product_input(plan)));
        break;
    case STEP_UPDATE:
        variables = saleor_reference(plan);
        json_set(variables, "input", product_input(plan));
        saleor_ask(plan, "productUpdate", graphql_product_update, variables);
        break;
    case STEP_FIND:
        saleor_ask(plan, "product", graphql_product_find, saleor_reference(plan));
        break;
    case STEP_LISTING:
        saleor_ask(plan, "productChannelListingUpdate", graphql_product_listing,
                   with_id(plan->id, "input", listing_input(plan)));
        break;
    case STEP_DELETE:
        saleor_ask(plan, "productDelete", graphql_product_delete, saleor_reference(plan));
        break;
    default:
        ask_of_variant(plan, step);
    }
}

/* ---- what is answered ---- */

/* Ours by its reference; else the default one, which is the only one of a simple product. */
static void learn_variant(struct saleor_plan *plan, const struct json *product)
{
    const struct json *variants = json_get(product, "variants");
    for (size_t i = 0; json_type(variants) == JSON_ARRAY && i < json_count(variants); i++) {
        const char *reference = json_get_text(json_at(variants, i), "externalReference");
        if (reference != NULL && strcmp(reference, plan->request.record_id) == 0) {
            saleor_learn(plan->variant, json_at(variants, i));
            return;
        }
    }
    saleor_learn(plan->variant, json_get(product, "defaultVariant"));
}

static void forget(struct saleor_plan *plan)
{
    plan->id[0] = plan->variant[0] = '\0';
}

static void found(struct saleor_plan *plan, const struct json *product)
{
    plan->look = false;
    if (product != NULL) {
        saleor_learn(plan->id, product);
        learn_variant(plan, product);
        saleor_step_done(plan, STEP_FIND);
    } else if (plan->id[0] != '\0') {
        forget(plan); /* the id was an old one: by our reference */
        plan->look = true;
    } else {
        saleor_turn(plan, VERB_CREATE);
    }
}

static void answered(struct saleor_plan *plan, enum saleor_step step, const struct json *data)
{
    if (step == STEP_FIND) {
        found(plan, data);
        return;
    }
    if (step == STEP_CREATE || step == STEP_UPDATE)
        saleor_learn(plan->id, json_get(data, "product"));
    if (step == STEP_VARIANT) {
        saleor_learn(plan->variant, json_get(data, "productVariant"));
        plan->done |= BIT(STEP_SKU) | BIT(STEP_STOCK); /* they went along */
    }
    if (step == STEP_DELETE)
        forget(plan);
    saleor_step_done(plan, step);
}

static bool is(const struct saleor_error *error, const char *code, const char *field)
{
    return strcmp(error->code, code) == 0 && (field == NULL || strcmp(error->field, field) == 0);
}

/* An id that was known is no id any more: everything is looked up by our reference, and created where it is not there. */
static bool is_gone(const struct saleor_error *error)
{
    return is(error, "NOT_FOUND", "id") || is(error, "NOT_FOUND", "variantId") ||
           is(error, "NOT_FOUND", "product") || is(error, "NOT_FOUND", "externalReference");
}

static bool turned(struct saleor_plan *plan, enum saleor_step step, const struct saleor_error *error)
{
    if (step == STEP_CREATE && is(error, "UNIQUE", "externalReference")) {
        forget(plan);
        saleor_turn(plan, VERB_UPDATE);
    } else if (step == STEP_CREATE && is(error, "UNIQUE", "slug")) {
        saleor_end(plan, SALEOR_RETRY, "name: another product took the same slug at the same time");
    } else if (step == STEP_VARIANT && is(error, "UNIQUE", "externalReference")) {
        plan->look = true; /* created before, and the answer was lost */
    } else if (step == STEP_LISTING && strcmp(error->code, "PRODUCT_WITHOUT_CATEGORY") == 0 &&
               !plan->unpublished) {
        plan->unpublished = true;
    } else if (step == STEP_PRICE && strcmp(error->code, "PRODUCT_NOT_ASSIGNED_TO_CHANNEL") == 0 &&
               !saleor_is_done(plan, STEP_LISTING)) {
        plan->needed |= BIT(STEP_LISTING);
    } else if (step == STEP_DELETE && is(error, "NOT_FOUND", NULL)) {
        forget(plan);
        saleor_step_done(plan, step);
    } else if (step == STEP_UPDATE && is_gone(error) && plan->id[0] == '\0') {
        saleor_turn(plan, VERB_CREATE);
    } else if (step != STEP_CREATE && is_gone(error)) {
        forget(plan);
        plan->look = true;
    } else {
        return false;
    }
    return true;
}

const struct saleor_kind saleor_product = {"product", start, next, ask, answered, turned, holds};
