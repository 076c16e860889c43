/*
 * saleor_order_lines.c: the items of an order as lines of Saleor: how many, what each costs, and which variant it is.
 *
 * The lines add up to the record's amount, whatever the items say: it is what was paid. Where they differ (shipping, a discount)
 * the difference is spread over the lines by their share; a discount shows in undiscountedTotalPrice.
 *
 *   BY_REFERENCE ─ not found ─▶ the default variant of its product's id (asked) ─ none ─▶ BY_SKU ─ asked ─▶ BY_ID
 */
#include "log.h"
#include "mem.h"
#include "saleor_parts.h"

/* ---- reading the items ---- */

static const struct json *items_of(const struct saleor_plan *plan)
{
    const struct json *items = json_get(plan->record, "items");
    return json_type(items) == JSON_ARRAY ? items : NULL;
}

/* The product that stands in this element of items: its path begins with "items[3]". */
static const struct saleor_parent *parent_of(const struct saleor_plan *plan, size_t index)
{
    char place[40];
    int len = snprintf(place, sizeof place, "items[%zu]", index);
    for (size_t i = 0; i < plan->request.parent_count; i++) {
        const struct saleor_parent *parent = &plan->request.parents[i];
        if (parent->entity == ENTITY_PRODUCT && strncmp(parent->path, place, (size_t)len) == 0)
            return parent;
    }
    return NULL;
}

static int read_quantity(const struct json *item, int64_t *quantity)
{
    const struct json *value = json_get(item, "quantity");
    *quantity = 1;
    if (value == NULL)
        value = json_get(item, "qty");
    if (value == NULL)
        return 0;
    return json_type(value) == JSON_NUMBER && json_int64(value, quantity) == 0 && *quantity > 0 &&
                   *quantity <= INT32_MAX
               ? 0
               : -1;
}

static int read_price(const struct saleor_plan *plan, struct saleor_line *line)
{
    const struct json *total = json_get(line->item, "total"), *price = json_get(line->item, "price");
    struct money_rate quantity = {line->quantity, 0};
    line->priced = total != NULL || price != NULL;
    if (total != NULL)
        return saleor_amount(plan, total, &line->listed);
    if (price == NULL)
        return 0;
    if (saleor_amount(plan, price, &line->listed) != 0)
        return -1;
    if (money_multiply(line->listed, quantity, line->listed.exponent, &line->listed) != 0)
        return -1;
    return saleor_amount_fits(line->listed) ? 0 : -1;
}

static void name_variant(struct saleor_plan *plan, struct saleor_line *line, size_t index)
{
    const struct saleor_parent *parent = line->item != NULL ? parent_of(plan, index) : NULL;
    const char *sku = json_get_text(line->item, "sku");
    line->reference = parent != NULL ? parent->record_id : NULL;
    if (parent != NULL && saleor_is_id(ENTITY_PRODUCT, parent->platform_id))
        line->product_id = parent->platform_id;
    line->sku = sku != NULL && *sku != '\0' ? sku : parent == NULL ? plan->graphql->variant : NULL;
    line->by = line->reference != NULL ? BY_REFERENCE : BY_SKU;
    if (line->by == BY_SKU && line->sku == NULL)
        saleor_end(plan, SALEOR_DEAD,
                   line->item != NULL
                       ? "items[%zu].product_id: the item names no product, and the platform file no variant "
                         "to stand for it"
                       : "items: Saleor takes no order without items, and the platform file names no "
                         "variant to stand for them",
                   index);
}

static void read_line(struct saleor_plan *plan, size_t index)
{
    struct saleor_line *line = &plan->lines[index];
    if (line->item != NULL && json_type(line->item) != JSON_OBJECT)
        saleor_end(plan, SALEOR_DEAD, "items[%zu]: is no object", index);
    else if (read_quantity(line->item, &line->quantity) != 0)
        saleor_end(plan, SALEOR_DEAD, "items[%zu].quantity: Saleor takes a whole number from 1 to %d", index,
                   INT32_MAX);
    else if (read_price(plan, line) != 0)
        saleor_end(plan, SALEOR_DEAD,
                   "items[%zu].price: Saleor takes an amount of 0 or more, with at most 15 digits", index);
    else
        name_variant(plan, line, index);
}

/* ---- spreading the amount ---- */

/* part of whole × amount, rounded down; the rest stays with the last line. */
static int64_t share(int64_t amount, int64_t part, int64_t whole)
{
    return (int64_t)((__int128)amount * part / whole);
}

/* The weight of a line: what it costs where the items say so, else how many there are. */
static int64_t weight_of(const struct saleor_line *line, bool priced)
{
    return priced ? line->listed.minor : line->quantity;
}

static void spread(struct saleor_plan *plan, struct money amount)
{
    int64_t whole = 0, left = amount.minor;
    bool priced = plan->lines[0].priced;
    for (size_t i = 0; i < plan->line_count; i++)
        whole += weight_of(&plan->lines[i], priced);
    for (size_t i = 0; i < plan->line_count; i++) {
        struct saleor_line *line = &plan->lines[i];
        int64_t weight = whole > 0 ? weight_of(line, priced) : line->quantity;
        line->total = amount;
        line->total.minor = i + 1 == plan->line_count ? left
                            : whole > 0               ? share(amount.minor, weight, whole)
                                                      : 0;
        left -= line->total.minor;
        if (!priced || line->listed.minor < line->total.minor)
            line->listed = line->total; /* a charge on top; a discount stays visible */
    }
}

/* All items with a price, or none: what one of them costs cannot be guessed from the others. */
static void check_prices(struct saleor_plan *plan)
{
    for (size_t i = 1; plan->verdict == SALEOR_GO_ON && i < plan->line_count; i++) {
        if (plan->lines[i].priced != plan->lines[0].priced)
            saleor_end(plan, SALEOR_DEAD, "items[%zu].price: is missing, while other items have one",
                       plan->lines[i].priced ? 0 : i);
    }
}

void saleor_read_lines(struct saleor_plan *plan)
{
    const struct json *items = items_of(plan);
    struct money amount;
    plan->line_count = json_count(items) > 0 ? json_count(items) : 1;
    if (plan->line_count > SALEOR_LINES_MAX) {
        plan->line_count = 0;
        saleor_end(plan, SALEOR_DEAD, "items: more than %d in one order", SALEOR_LINES_MAX);
        return;
    }
    plan->lines = mem_array(plan->line_count, sizeof plan->lines[0]);
    for (size_t i = 0; plan->verdict == SALEOR_GO_ON && i < plan->line_count; i++) {
        plan->lines[i].item = json_count(items) > 0 ? json_at(items, i) : NULL;
        if (json_count(items) > 0 && plan->lines[i].item == NULL)
            saleor_end(plan, SALEOR_DEAD, "items[%zu]: is null", i);
        else
            read_line(plan, i);
    }
    check_prices(plan);
    if (plan->verdict != SALEOR_GO_ON)
        return;
    if (saleor_amount(plan, json_get(plan->record, "amount"), &amount) != 0)
        saleor_end(plan, SALEOR_DEAD, "amount: Saleor takes an amount of 0 or more, with at most 15 digits");
    else
        spread(plan, amount);
}

void saleor_free_lines(struct saleor_plan *plan)
{
    free(plan->lines);
    plan->lines = NULL;
    plan->line_count = 0;
}

/* ---- naming variants another way ---- */

static bool contains(const struct json *list, const char *text)
{
    for (size_t i = 0; i < json_count(list); i++) {
        if (strcmp(json_text(json_at(list, i), NULL), text) == 0)
            return true;
    }
    return false;
}

struct json *saleor_unknown_skus(const struct saleor_plan *plan)
{
    struct json *skus = json_new_array();
    for (size_t i = 0; i < plan->line_count && json_count(skus) < SALEOR_SKUS_MAX; i++) {
        const struct saleor_line *line = &plan->lines[i];
        if (line->by == BY_SKU && !contains(skus, line->sku))
            json_append(skus, json_new_text(line->sku));
    }
    if (json_count(skus) > 0)
        return skus;
    json_free(skus);
    return NULL;
}

static void take_variant(struct saleor_plan *plan, const char *sku, const struct json *node)
{
    for (size_t i = 0; i < plan->line_count; i++) {
        struct saleor_line *line = &plan->lines[i];
        if (line->by != BY_SKU || strcmp(line->sku, sku) != 0)
            continue;
        saleor_learn(line->variant_id, node);
        if (line->variant_id[0] != '\0')
            line->by = BY_ID;
    }
}

void saleor_take_skus(struct saleor_plan *plan, const struct json *edges)
{
    struct json *asked = saleor_unknown_skus(plan);
    for (size_t i = 0; json_type(edges) == JSON_ARRAY && i < json_count(edges); i++) {
        const struct json *node = json_get(json_at(edges, i), "node");
        const char *sku = json_get_text(node, "sku");
        if (sku != NULL)
            take_variant(plan, sku, node);
    }
    for (size_t i = 0; plan->verdict == SALEOR_GO_ON && i < plan->line_count; i++) {
        const struct saleor_line *line = &plan->lines[i];
        if (line->by == BY_SKU && contains(asked, line->sku))
            saleor_end(plan, SALEOR_DEAD, "items[%zu].sku: the shop has no variant with this sku", i);
    }
    json_free(asked);
}

bool saleor_line_missing(struct saleor_plan *plan, size_t index)
{
    struct saleor_line *line = index < plan->line_count ? &plan->lines[index] : NULL;
    if (line == NULL || line->by != BY_REFERENCE)
        return false;
    if (line->product_id != NULL && !line->asks_product)
        line->asks_product = true;
    else if (line->sku != NULL)
        line->by = BY_SKU;
    else
        return false;
    return true;
}

static struct saleor_line *line_asking(const struct saleor_plan *plan)
{
    for (size_t i = 0; i < plan->line_count; i++) {
        if (plan->lines[i].by == BY_REFERENCE && plan->lines[i].asks_product)
            return &plan->lines[i];
    }
    return NULL;
}

const char *saleor_line_product(const struct saleor_plan *plan)
{
    const struct saleor_line *line = line_asking(plan);
    return line != NULL ? line->product_id : NULL;
}

void saleor_take_product(struct saleor_plan *plan, const struct json *product)
{
    struct saleor_line *line = line_asking(plan);
    if (line == NULL)
        bug("a product that no line asked for");
    saleor_learn(line->variant_id, json_get(product, "defaultVariant"));
    line->product_id = NULL;
    line->asks_product = false;
    if (line->variant_id[0] != '\0')
        line->by = BY_ID;
    else if (line->sku != NULL)
        line->by = BY_SKU;
    else
        saleor_end(plan, SALEOR_DEAD, "items[%zu]: the product has no variant in the shop",
                   (size_t)(line - plan->lines));
}
