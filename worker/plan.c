/* plan.c: see plan.h. */
#include "plan.h"

#include "assertion.h"
#include "clock.h"
#include "mem.h"
#include "send.h"
#include "verdict.h"

struct plan {
    struct saleor_plan *saleor;
    char record_id[UUID_TEXT_LEN + 1];
    struct saleor_parent *parents;
    char (*parent_ids)[UUID_TEXT_LEN + 1];
};

bool plan_takes(const struct work *work)
{
    return platform_graphql(work->worker->platform, msg_event_entity(work_lead(work)->type)) != NULL;
}

/* The customer and the products that an order names, by their record ids. */
static void list_parents(struct plan *plan, const struct work *work)
{
    size_t count = work->parents.count;

    plan->parents = mem_array(count + 1, sizeof *plan->parents);
    plan->parent_ids = mem_array(count + 1, sizeof *plan->parent_ids);
    for (size_t i = 0; i < count; i++) {
        const struct parent *parent = &work->parents.list[i];
        uuid_format(&parent->record, plan->parent_ids[i]);
        plan->parents[i] = (struct saleor_parent){
            .entity = parent->entity, .path = parent->path, .record_id = plan->parent_ids[i]};
    }
}

static struct saleor_request request_of(const struct work *work, const struct plan *plan)
{
    struct delivery_source source = send_source(work);
    bool gone =
        assertion_recreates(work) || (work->platform_state && strcmp(work->platform_state, "deleted") == 0);

    return (struct saleor_request){.target = source.target,
                                   .platforms = source.platforms,
                                   .entity = msg_event_entity(source.type),
                                   .type = source.type,
                                   .verb = source.verb,
                                   .record_id = plan->record_id,
                                   .platform_id = gone ? NULL : work->platform_id,
                                   .version = source.version,
                                   .record = source.data,
                                   .notes = source.notes,
                                   .base = source.base,
                                   .base_seq = source.base_seq,
                                   .parents = plan->parents,
                                   .parent_count = work->parents.count,
                                   .place = &work->worker->place,
                                   .steps = gone ? NULL : work->steps,
                                   .now_ms = source.created_ms};
}

static bool begin(struct work *work)
{
    struct plan *plan = mem_alloc(sizeof *plan);
    struct buf error = BUF_INIT;
    struct delivery_source source = send_source(work);
    struct saleor_request request;

    work->plan = plan;
    work->worker->plans++;
    uuid_format(&work->record, plan->record_id);
    list_parents(plan, work);
    request = request_of(work, plan);
    switch (delivery_wanted(&source, &error)) {
    case DELIVERY_BUILT:
        plan->saleor = saleor_plan_new(&request, &error);
        if (!plan->saleor)
            verdict_conclude(work, DELIVERY_DEAD, error.data);
        break;
    case DELIVERY_NOTHING:
        verdict_conclude(work, DELIVERY_SKIPPED, error.data);
        break;
    case DELIVERY_IMPOSSIBLE:
        verdict_conclude(work, DELIVERY_DEAD, error.data);
        break;
    }
    buf_release(&error);
    return work->plan != NULL;
}

/* Over before its first operation: nothing was to be sent, or it can never be. */
static void end_at_once(struct work *work)
{
    const struct saleor_plan *plan = work->plan->saleor;
    const char *why = saleor_plan_why(plan);

    switch (saleor_plan_verdict(plan)) {
    case SALEOR_DEAD:
        verdict_conclude(work, DELIVERY_DEAD, why);
        break;
    case SALEOR_DONE: /* an earlier sending did it all, and its answer was lost */
        work->sent = 1;
        verdict_conclude(work, DELIVERY_DELIVERED, NULL);
        break;
    default:
        verdict_conclude(work, DELIVERY_SKIPPED, *why ? why : "the platform has this already");
        break;
    }
}

const struct saleor_operation *plan_next(struct work *work)
{
    const struct saleor_operation *operation;

    if (!work->plan && !begin(work))
        return NULL;
    operation = saleor_plan_next(work->plan->saleor);
    if (!operation) {
        end_at_once(work);
    } else if (work->sent == 0) {
        work->sent = 1; /* the whole plan is one sending */
        work->began_ms = clock_db_ms();
    }
    return operation;
}

enum saleor_verdict plan_answer(struct work *work, const struct graphql_answer *answer, size_t part)
{
    struct saleor_plan *plan = work->plan->saleor;
    enum saleor_verdict verdict = saleor_plan_answer(plan, answer, part);

    if (saleor_plan_lost_place(plan))
        work->worker->place_known = false;
    if (verdict == SALEOR_GO_ON && !saleor_plan_next(plan))
        verdict = saleor_plan_verdict(plan);
    return verdict;
}

enum saleor_verdict plan_refused(struct work *work, const char *why)
{
    return saleor_plan_refused(work->plan->saleor, why);
}

const char *plan_why(const struct work *work)
{
    return saleor_plan_why(work->plan->saleor);
}

bool plan_mutates(const struct work *work)
{
    const struct saleor_operation *operation = work->plan ? saleor_plan_next(work->plan->saleor) : NULL;

    return operation && graphql_is_mutation(operation->part.document);
}

void plan_keep_steps(struct work *work)
{
    struct buf text = BUF_INIT;
    struct json *steps;

    if (!work->plan || !work->plan->saleor)
        return;
    steps = saleor_plan_steps(work->plan->saleor);
    json_write(&text, steps);
    json_free(steps);
    free(work->steps_done);
    work->steps_done = buf_detach(&text, NULL);
    if (saleor_plan_id(work->plan->saleor))
        verdict_learn(work, saleor_plan_id(work->plan->saleor));
}

/* ── sets ── */

static void free_retired(struct worker *worker)
{
    while (worker->plans == 0 && worker->retired_count > 0)
        platform_set_free(&worker->retired[--worker->retired_count]);
}

void plan_retire_set(struct worker *worker, struct platform_set *set)
{
    worker->retired = mem_realloc(worker->retired, (worker->retired_count + 1) * sizeof *worker->retired);
    worker->retired[worker->retired_count++] = set;
    free_retired(worker);
}

void plan_free(struct work *work)
{
    struct plan *plan = work->plan;

    if (!plan)
        return;
    saleor_plan_free(&plan->saleor);
    free(plan->parents);
    free(plan->parent_ids);
    free(plan);
    work->plan = NULL;
    work->worker->plans--;
    free_retired(work->worker);
}
