/* saleor_preview.c: a plan that is shown instead of sent: each operation gets the answer that lets the plan go on. */
#include "mem.h"
#include "saleor_parts.h"

/* A customer of that name, a product, a variant, an order: whatever the operation returns is among them. */
static void put_ids(struct json *data)
{
    static const char *const rows[][2] = {{"user", "<id of the customer>"},
                                          {"product", "<id of the product>"},
                                          {"productVariant", "<id of the variant>"},
                                          {"variant", "<id of the variant>"},
                                          {"order", "<id of the order>"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        json_set(data, rows[i][0], saleor_wrap("id", json_new_text(rows[i][1])));
}

static struct json *found_product(const char *record_id)
{
    struct json *product = saleor_wrap("id", json_new_text("<id of the product>"));
    struct json *variant = saleor_wrap("id", json_new_text("<id of the variant>"));
    json_set(variant, "externalReference", json_new_text(record_id));
    json_set(product, "defaultVariant", json_ref(variant));
    json_set(product, "variants", saleor_list(variant));
    return product;
}

/* In the state from which most is left to do. */
static struct json *found_order(void)
{
    struct json *order = saleor_wrap("id", json_new_text("<id of the order>"));
    struct json *line = saleor_wrap("id", json_new_text("<id of a line>"));
    json_set(line, "quantityToFulfill", json_new_int(1));
    json_set(order, "status", json_new_text("UNCONFIRMED"));
    json_set(order, "lines", saleor_list(line));
    return order;
}

static struct json *found_skus(const struct json *skus)
{
    struct json *edges = json_new_array();
    for (size_t i = 0; i < json_count(skus); i++) {
        struct buf id = BUF_INIT;
        const char *sku = json_text(json_at(skus, i), NULL);
        buf_addf(&id, "<id of the variant %.64s>", sku);
        struct json *node = saleor_wrap("id", json_new_text(id.data));
        json_set(node, "sku", json_new_text(sku));
        json_append(edges, saleor_wrap("node", node));
        buf_release(&id);
    }
    return saleor_wrap("edges", edges);
}

static struct json *made_up(const struct saleor_plan *plan)
{
    const char *name = plan->operation.name;
    struct json *data, *result;
    if (strcmp(name, "product") == 0)
        return found_product(plan->request.record_id);
    if (strcmp(name, "order") == 0)
        return found_order();
    if (strcmp(name, "productVariants") == 0)
        return found_skus(json_get(plan->variables, "skus"));
    data = saleor_wrap("errors", json_new_array());
    put_ids(data);
    result = saleor_wrap("order", saleor_wrap("id", json_new_text("<id of the order>")));
    json_set(data, "results", saleor_list(result));
    return data;
}

struct json *saleor_preview(const struct saleor_request *request, struct buf *remark, struct buf *error)
{
    struct saleor_request fresh = *request;
    const struct saleor_operation *operation;
    struct json *operations;
    fresh.steps = NULL;
    struct saleor_plan *plan = saleor_plan_new(&fresh, error);
    if (plan == NULL)
        return NULL;
    operations = json_new_array();
    while ((operation = saleor_plan_next(plan)) != NULL) {
        struct json *shown = saleor_wrap("operation", json_new_text(operation->name));
        struct json *data = made_up(plan);
        json_set(shown, "document", json_new_text(operation->part.document));
        json_set(shown, "variables", json_copy(operation->part.variables));
        json_append(operations, shown);
        saleor_take(plan, data);
        json_free(data);
    }
    if (saleor_plan_verdict(plan) == SALEOR_DEAD) {
        buf_add_str(error, saleor_plan_why(plan));
        json_free(operations);
        operations = NULL;
    } else if (remark != NULL) {
        buf_add_str(remark, saleor_plan_why(plan));
    }
    saleor_plan_free(&plan);
    return operations;
}
