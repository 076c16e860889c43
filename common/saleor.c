/*
 * saleor.c: plans of all kinds: what is asked next, what an answer means, what is kept for the next attempt.
 *
 *   GO_ON ── next: a step, asked ── answer ──▶ done, turned (create ⇄ update), or looked up ──▶ GO_ON
 *     │                                └──▶ DEAD, RETRY, SLOW_DOWN, HOLD
 *     └── nothing left ──▶ DONE, or SKIPPED when nothing was sent
 */
#include "saleor.h"

#include "log.h"
#include "mapping.h"
#include "mem.h"
#include "saleor_parts.h"

static const char *const step_names[STEPS] = {
    [STEP_NONE] = "",           [STEP_CREATE] = "create",   [STEP_UPDATE] = "update",
    [STEP_DELETE] = "delete",   [STEP_FIND] = "find",       [STEP_VARIANT] = "variant",
    [STEP_SKU] = "sku",         [STEP_LISTING] = "listing", [STEP_PRICE] = "price",
    [STEP_STOCK] = "stock",     [STEP_SKUS] = "skus",       [STEP_PRODUCT] = "product",
    [STEP_CONFIRM] = "confirm", [STEP_FULFIL] = "fulfil",   [STEP_CANCEL] = "cancel",
};

const char *saleor_verdict_name(enum saleor_verdict verdict)
{
    static const char *const names[] = {"go_on", "done", "skipped", "dead", "retry", "slow_down", "hold"};
    return names[verdict];
}

/* ---- for the kinds ---- */

void saleor_ask(struct saleor_plan *plan, const char *name, const char *document, struct json *variables)
{
    json_free(plan->variables);
    plan->variables = variables;
    plan->operation = (struct saleor_operation){name, {document, variables}};
    plan->sent = plan->sent || graphql_is_mutation(document);
}

void saleor_end(struct saleor_plan *plan, enum saleor_verdict verdict, const char *format, ...)
{
    va_list args;
    plan->verdict = verdict;
    buf_reset(&plan->why);
    va_start(args, format);
    buf_vaddf(&plan->why, format, args);
    va_end(args);
}

void saleor_step_done(struct saleor_plan *plan, enum saleor_step step)
{
    plan->done |= 1u << step;
}

bool saleor_is_done(const struct saleor_plan *plan, enum saleor_step step)
{
    return (plan->done & 1u << step) != 0;
}

void saleor_learn(char id[SALEOR_ID_BYTES], const struct json *object)
{
    const char *text = json_get_text(object, "id");
    if (text != NULL && strlen(text) < SALEOR_ID_BYTES)
        snprintf(id, SALEOR_ID_BYTES, "%s", text);
}

bool saleor_changed(const struct saleor_plan *plan, const char *field)
{
    return json_find(plan->changed != NULL ? plan->changed : plan->record, field, NULL);
}

/* ---- the record in the target's currency ---- */

static struct mapping_request mapping_of(const struct saleor_plan *plan, enum verb verb,
                                         const struct json *base)
{
    const struct saleor_request *request = &plan->request;
    return (struct mapping_request){.target = request->target,
                                    .platforms = request->platforms,
                                    .entity = request->entity,
                                    .type = request->type,
                                    .verb = verb,
                                    .record = request->record,
                                    .notes = request->notes,
                                    .base = base,
                                    .base_seq = base != NULL ? request->base_seq : 0};
}

/* In the target's words, and back in ours: money is in its currency then, and what it cannot hold is gone. */
static struct json *map_all(const struct saleor_plan *plan, enum verb verb, struct buf *error)
{
    struct mapping_request mapping = mapping_of(plan, verb, NULL);
    struct json *own = mapping_out(&mapping, NULL, error);
    struct json *common = own != NULL ? mapping_in(plan->request.target, plan->request.entity, own) : NULL;
    json_free(own);
    return common;
}

/* The fields that differ from the base, in common names. */
static struct json *map_changed(const struct saleor_plan *plan, struct buf *error)
{
    struct mapping_request mapping = mapping_of(plan, VERB_UPDATE, plan->request.base);
    struct json *names = json_new_array(), *own = json_new_object(), *common = NULL;
    struct json *out = mapping_out(&mapping, names, error);
    for (size_t i = 0; out != NULL && i < json_count(names); i++) {
        const char *name = json_text(json_at(names, i), NULL);
        json_set(own, name, json_ref(json_get(out, name)));
    }
    if (out != NULL)
        common = mapping_in(plan->request.target, plan->request.entity, own);
    json_free(names);
    json_free(own);
    json_free(out);
    return common;
}

static int map_record(struct saleor_plan *plan, bool difference, struct buf *error)
{
    json_free(plan->record);
    json_free(plan->changed);
    plan->changed = NULL;
    plan->record = plan->verb == VERB_DELETE ? json_new_object() : map_all(plan, plan->verb, error);
    if (plan->record == NULL)
        return -1;
    if (plan->verb == VERB_UPDATE && difference)
        plan->changed = map_changed(plan, error);
    return plan->verb == VERB_UPDATE && difference && plan->changed == NULL ? -1 : 0;
}

void saleor_turn(struct saleor_plan *plan, enum verb verb)
{
    struct buf error = BUF_INIT;
    plan->verb = verb;
    plan->done = 0;
    if (plan->request.record == NULL)
        saleor_end(plan, SALEOR_DEAD, "the %s is not there, and its record is gone", plan->kind->noun);
    else if (map_record(plan, false, &error) != 0)
        saleor_end(plan, SALEOR_DEAD, "%s", error.data);
    else
        plan->kind->start(plan);
    buf_release(&error);
}

/* ---- a plan's life ---- */

static const struct saleor_kind *kind_of(enum entity entity)
{
    switch (entity) {
    case ENTITY_USER:
        return &saleor_customer;
    case ENTITY_PRODUCT:
        return &saleor_product;
    case ENTITY_ORDER:
        return &saleor_order;
    default:
        bug("Saleor has no %s", msg_entity_name(entity));
    }
}

static struct saleor_place placeholders(const struct platform_graphql *graphql)
{
    struct saleor_place place = {.country = ""};
    snprintf(place.channel_id, sizeof place.channel_id, "<id of the channel %.64s>", graphql->channel);
    snprintf(place.warehouse_id, sizeof place.warehouse_id, "<id of the warehouse %.64s>",
             graphql->warehouse);
    snprintf(place.product_type_id, sizeof place.product_type_id, "<id of the product type %.64s>",
             graphql->product_type);
    snprintf(place.tax_class_id, sizeof place.tax_class_id, "<id of the tax class %.64s>",
             graphql->tax_class != NULL ? graphql->tax_class : "that the shop has first");
    if (graphql->category != NULL)
        snprintf(place.category_id, sizeof place.category_id, "<id of the category %.64s>",
                 graphql->category);
    return place;
}

static void take_steps(struct saleor_plan *plan, const struct json *steps)
{
    const struct json *done = json_get(steps, "done");
    const struct json *version = json_get(steps, "version");
    int64_t number = -1;
    const char *variant = json_get_text(steps, "variant");
    saleor_learn(plan->id, steps);
    if (variant != NULL && strlen(variant) < SALEOR_ID_BYTES)
        snprintf(plan->variant, sizeof plan->variant, "%s", variant);
    if (json_type(version) != JSON_NUMBER || json_int64(version, &number) != 0 ||
        number != plan->request.version || json_type(done) != JSON_ARRAY)
        return;
    for (size_t i = 0; i < json_count(done); i++) {
        const struct json *name = json_at(done, i);
        for (int step = STEP_NONE + 1; step < STEPS; step++) {
            if (json_type(name) == JSON_STRING && strcmp(json_text(name, NULL), step_names[step]) == 0)
                plan->done |= 1u << step;
        }
    }
}

struct saleor_plan *saleor_plan_new(const struct saleor_request *request, struct buf *error)
{
    const struct platform_graphql *graphql = platform_graphql(request->target, request->entity);
    if (graphql == NULL)
        bug("%s takes no %s by GraphQL", platform_name(request->target), msg_entity_name(request->entity));
    struct saleor_plan *plan = mem_alloc(sizeof *plan);
    plan->request = *request;
    plan->graphql = graphql;
    plan->kind = kind_of(request->entity);
    plan->verb = request->verb;
    plan->place = request->place != NULL ? *request->place : placeholders(graphql);
    buf_init(&plan->why);
    if (saleor_is_id(request->entity, request->platform_id))
        snprintf(plan->id, sizeof plan->id, "%s", request->platform_id);
    take_steps(plan, request->steps);
    /* What has an id there, or is certainly there, is changed; a create tried before may have happened, Saleor will say. */
    if (plan->verb == VERB_CREATE && plan->id[0] != '\0')
        plan->verb = VERB_UPDATE;
    if (map_record(plan, request->base != NULL, error) != 0) {
        saleor_plan_free(&plan);
        return NULL;
    }
    plan->kind->start(plan);
    return plan;
}

void saleor_plan_free(struct saleor_plan **plan)
{
    if (*plan == NULL)
        return;
    json_free((*plan)->record);
    json_free((*plan)->changed);
    json_free((*plan)->variables);
    json_free((*plan)->open);
    saleor_free_lines(*plan);
    buf_release(&(*plan)->why);
    free(*plan);
    *plan = NULL;
}

/* The fields that changed and that Saleor keeps as they are. */
static void end_skipped(struct saleor_plan *plan)
{
    struct mapping_request mapping = mapping_of(plan, VERB_UPDATE, plan->request.base);
    struct buf names = BUF_INIT;
    if (plan->request.record != NULL)
        mapping_withheld(&mapping, &names);
    if (names.len > 0)
        saleor_end(plan, SALEOR_SKIPPED, "Saleor cannot change %s of this %s", names.data, plan->kind->noun);
    else
        saleor_end(plan, SALEOR_SKIPPED, "the platform has this already");
    buf_release(&names);
}

static void finish(struct saleor_plan *plan)
{
    if (plan->unpublished)
        saleor_end(
            plan, SALEOR_DEAD,
            "status: Saleor publishes no product without a category, everything else was delivered; give the "
            "product one, or name one in the platform file");
    else if (plan->sent || plan->done != 0)
        plan->verdict = SALEOR_DONE;
    else
        end_skipped(plan);
}

const struct saleor_operation *saleor_plan_next(struct saleor_plan *plan)
{
    while (plan->verdict == SALEOR_GO_ON && plan->asked == STEP_NONE) {
        enum saleor_step step = plan->kind->next(plan);
        if (plan->verdict != SALEOR_GO_ON)
            break;
        if (step == STEP_NONE) {
            finish(plan);
            break;
        }
        if (++plan->count > SALEOR_ASKED_MAX) {
            saleor_end(plan, SALEOR_RETRY, "Saleor's answers about this %s contradict each other",
                       plan->kind->noun);
            break;
        }
        plan->kind->ask(plan, step);
        if (plan->verdict == SALEOR_GO_ON)
            plan->asked = step;
    }
    return plan->verdict == SALEOR_GO_ON ? &plan->operation : NULL;
}

/* ---- answers ---- */

/* Of orderBulkCreate, whose errors stand beside each order. */
static const struct json *errors_in(const struct json *data)
{
    const struct json *results = json_get(data, "results");
    const struct json *errors = json_get(data, "errors");
    if (json_type(results) == JSON_ARRAY && json_count(results) > 0)
        errors = json_get(json_at(results, 0), "errors");
    return json_type(errors) == JSON_ARRAY && json_count(errors) > 0 ? errors : NULL;
}

void saleor_take(struct saleor_plan *plan, const struct json *data)
{
    enum saleor_step step = plan->asked;
    const struct json *errors = errors_in(data);
    bool mutation = graphql_is_mutation(plan->operation.part.document);
    plan->asked = STEP_NONE;
    if (mutation && json_type(data) != JSON_OBJECT)
        saleor_end(plan, SALEOR_RETRY, "%s: Saleor answered with neither a result nor errors",
                   plan->operation.name);
    else if (errors != NULL)
        saleor_take_errors(plan, step, errors);
    else
        plan->kind->answered(plan, step, data);
}

enum saleor_verdict saleor_plan_answer(struct saleor_plan *plan, const struct graphql_answer *answer,
                                       size_t part)
{
    if (plan->asked == STEP_NONE)
        bug("an answer to a plan that asked nothing");
    if (graphql_answer_data(answer, part) == NULL && graphql_answer_error_count(answer, part) > 0) {
        plan->asked = STEP_NONE;
        saleor_take_document_error(plan, graphql_answer_error(answer, part, 0));
    } else {
        saleor_take(plan, graphql_answer_data(answer, part));
    }
    return plan->verdict == SALEOR_GO_ON && saleor_plan_next(plan) != NULL ? SALEOR_GO_ON : plan->verdict;
}

enum saleor_verdict saleor_plan_refused(struct saleor_plan *plan, const char *why)
{
    plan->asked = STEP_NONE;
    saleor_end(plan, SALEOR_DEAD, "%s: %s", plan->operation.name, why);
    return plan->verdict;
}

/* ---- what others read ---- */

enum saleor_verdict saleor_plan_verdict(const struct saleor_plan *plan)
{
    return plan->verdict;
}

const char *saleor_plan_why(const struct saleor_plan *plan)
{
    return plan->why.data;
}

bool saleor_plan_lost_place(const struct saleor_plan *plan)
{
    return plan->lost_place;
}

const char *saleor_plan_id(const struct saleor_plan *plan)
{
    return plan->id[0] != '\0' ? plan->id : NULL;
}

/* Steps count only while the plan may go on: the next delivery of the same version is there to do all of them again. A product
 * that could not be published is to be tried again. */
static unsigned steps_to_keep(const struct saleor_plan *plan)
{
    bool goes_on = plan->verdict == SALEOR_GO_ON || plan->verdict == SALEOR_RETRY ||
                   plan->verdict == SALEOR_SLOW_DOWN || plan->verdict == SALEOR_HOLD;
    return !goes_on ? 0 : plan->unpublished ? plan->done & ~(1u << STEP_LISTING) : plan->done;
}

struct json *saleor_plan_steps(const struct saleor_plan *plan)
{
    struct json *steps = json_new_object();
    struct json *done = json_new_array();
    json_set(steps, "version", json_new_int(plan->request.version));
    if (plan->id[0] != '\0')
        json_set(steps, "id", json_new_text(plan->id));
    if (plan->variant[0] != '\0')
        json_set(steps, "variant", json_new_text(plan->variant));
    for (int step = STEP_NONE + 1; step < STEPS; step++) {
        if ((steps_to_keep(plan) & 1u << step) != 0)
            json_append(done, json_new_text(step_names[step]));
    }
    json_set(steps, "done", done);
    return steps;
}
