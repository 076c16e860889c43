/* document.c: see document.h. */
#include "document.h"

#include "clock.h"
#include "dispatch.h"
#include "log.h"
#include "mem.h"
#include "place.h"
#include "plan.h"
#include "shipment.h"
#include "verdict.h"

#define GOOD_BEFORE_ONE_MORE 100

/* ── one outcome for all ── */

/* What other tenants' parts of the request brought about stays out of a work's trail. */
static void carry_out_all(struct shipment *shipment, const struct answer *answer,
                          const struct outcome *outcome)
{
    struct verdict *verdicts = mem_array(shipment->count, sizeof *verdicts);
    size_t count = 0;

    for (size_t i = 0; i < shipment->count; i++)
        if (shipment->works[i]) {
            verdicts[count].answer = *answer;
            verdicts[count].answer.body_len = shipment->count > 1 ? 0 : answer->body_len;
            verdicts[count].outcome = *outcome;
            verdicts[count++].work = shipment->works[i];
        }
    verdict_tell(shipment->worker, DOCUMENT_PATH, answer, verdicts, count);
    for (size_t i = 0; i < count; i++)
        verdict_carry_out(&verdicts[i], DOCUMENT_PATH);
    free(verdicts);
}

static struct outcome outcome_of(enum outcome_class class, const char *error)
{
    struct outcome outcome = {.class = class};

    snprintf(outcome.error, sizeof outcome.error, "%s", error);
    return outcome;
}

static void throttled(struct shipment *shipment, const struct answer *answer,
                      const struct graphql_answer *graphql)
{
    struct answer slow = *answer;
    struct outcome outcome = outcome_of(OUTCOME_RETRY, graphql_answer_why(graphql));

    slow.status = 429; /* what it is, whatever HTTP says */
    if (graphql_answer_retry_after_ms(graphql) >= 0)
        slow.retry_after_ms = graphql_answer_retry_after_ms(graphql);
    carry_out_all(shipment, &slow, &outcome);
}

/* ── parts ── */

struct part {
    struct verdict verdict;
    enum saleor_verdict saleor;
    struct buf excerpt;
};

/* This part's own data and errors, for the trail. */
static void write_excerpt(const struct graphql_answer *graphql, size_t index, struct buf *out)
{
    buf_add_str(out, "{\"data\":");
    json_write(out, graphql_answer_data(graphql, index));
    buf_add_str(out, ",\"errors\":[");
    for (size_t i = 0; i < graphql_answer_error_count(graphql, index); i++) {
        const struct graphql_error *error = graphql_answer_error(graphql, index, i);
        buf_add_str(out, i ? ",{\"code\":" : "{\"code\":");
        buf_add_json(out, error->code, strlen(error->code));
        buf_add_str(out, ",\"message\":");
        buf_add_json(out, error->message, strlen(error->message));
        buf_add_ch(out, '}');
    }
    buf_add_str(out, "]}");
}

static void judge_part(struct part *part)
{
    struct verdict *verdict = &part->verdict;
    struct outcome *outcome = &verdict->outcome;

    *outcome = outcome_of(OUTCOME_DELIVERED, "");
    outcome->platform_ok = true;
    switch (part->saleor) {
    case SALEOR_GO_ON:
    case SALEOR_DONE:
    case SALEOR_SKIPPED:
        return;
    case SALEOR_DEAD:
        outcome->class = OUTCOME_DEAD;
        break;
    case SALEOR_RETRY:
        outcome->class = OUTCOME_RETRY;
        outcome->costs = outcome->platform_failed = true;
        outcome->platform_ok = false;
        break;
    case SALEOR_SLOW_DOWN:
        outcome->class = OUTCOME_RETRY;
        outcome->platform_ok = false;
        verdict->answer.status = 429;
        break;
    case SALEOR_HOLD:
        outcome->class = OUTCOME_ROUTE;
        outcome->platform_ok = false;
        break;
    }
    snprintf(outcome->error, sizeof outcome->error, "%s", plan_why(verdict->work));
}

static void settle_part(struct part *part)
{
    struct work *work = part->verdict.work;

    if (part->saleor == SALEOR_GO_ON) {
        dispatch_again(work);
    } else if (part->saleor == SALEOR_SKIPPED) {
        verdict_note(&part->verdict);
        verdict_conclude(work, DELIVERY_SKIPPED, plan_why(work));
    } else {
        verdict_carry_out(&part->verdict, DOCUMENT_PATH);
    }
}

/* Each part by itself; `refused` is the only one, and was refused as a document. */
static void settle_parts(struct shipment *shipment, const struct answer *answer,
                         const struct graphql_answer *graphql, bool refused)
{
    struct part *parts = mem_array(shipment->count, sizeof *parts);
    struct verdict *verdicts = mem_array(shipment->count, sizeof *verdicts);
    size_t count = 0;

    for (size_t i = 0; i < shipment->count; i++) {
        struct part *part = &parts[count];
        if (!shipment->works[i])
            continue;
        part->verdict.work = shipment->works[i];
        part->verdict.answer = *answer;
        part->saleor = refused ? plan_refused(shipment->works[i], graphql_answer_why(graphql))
                               : plan_answer(shipment->works[i], graphql, i);
        judge_part(part);
        buf_init(&part->excerpt);
        if (part->verdict.outcome.class != OUTCOME_DELIVERED)
            write_excerpt(graphql, i, &part->excerpt);
        part->verdict.answer.body = part->excerpt.data;
        part->verdict.answer.body_len = part->excerpt.len;
        verdicts[count++] = part->verdict;
    }
    verdict_tell(shipment->worker, DOCUMENT_PATH, answer, verdicts, count);
    for (size_t i = count; i-- > 0;) { /* what goes on goes to the head: the first is first again */
        parts[i].verdict.outcome.costs = verdicts[i].outcome.costs;
        settle_part(&parts[i]);
        buf_release(&parts[i].excerpt);
    }
    free(verdicts);
    free(parts);
}

/* ── the document ── */

static void tell_alive(struct shipment *shipment, const struct answer *answer)
{
    struct verdict verdict = {.answer = *answer, .outcome = {.platform_ok = true}};

    for (size_t i = 0; i < shipment->count && !verdict.work; i++)
        verdict.work = shipment->works[i];
    verdict_tell(shipment->worker, DOCUMENT_PATH, answer, &verdict, 1);
}

/* Nothing was done: all of them again, at most `company` together; the culprit, where it is known, alone. */
static void split(struct shipment *shipment, const struct answer *answer, unsigned company, int culprit)
{
    tell_alive(shipment, answer);
    for (size_t i = shipment->count; i-- > 0;) {
        struct work *work = shipment->works[i];
        if (!work)
            continue;
        if (culprit < 0)
            work->company = company;
        else if ((size_t)culprit == i)
            work->company = 1;
        dispatch_again(work);
    }
}

static void refused(struct shipment *shipment, const struct answer *answer,
                    const struct graphql_answer *graphql, bool too_much)
{
    struct worker *worker = shipment->worker;
    unsigned half = (unsigned)(shipment->count + 1) / 2;

    log_info("document refused", LOG_STR("platform", worker->name), LOG_INT("operations", shipment->count),
             LOG_BOOL("too_costly", too_much), LOG_STR("error", graphql_answer_why(graphql)));
    if (too_much) {
        worker->document_good[shipment->mutations] = 0;
        if (half < worker->document_max[shipment->mutations])
            worker->document_max[shipment->mutations] = half;
    }
    if (shipment->count == 1)
        settle_parts(shipment, answer, graphql, true);
    else
        split(shipment, answer, too_much ? 0 : half, too_much ? -1 : graphql_answer_culprit(graphql));
}

/* After what it cost, may one more go next time? What was refused once is tried again after many that were not. */
static void adapt(struct shipment *shipment, const struct graphql_answer *graphql)
{
    struct worker *worker = shipment->worker;
    unsigned *max = &worker->document_max[shipment->mutations];
    int64_t cost = graphql_answer_cost(graphql), cost_max = graphql_answer_cost_max(graphql);
    const struct platform_graphql *settings = platform_graphql_api(worker->platform);
    int64_t next = (int64_t)shipment->count + 1;

    if (!settings || shipment->count < *max || *max >= (unsigned)settings->batch)
        return;
    if (++worker->document_good[shipment->mutations] < GOOD_BEFORE_ONE_MORE)
        return;
    worker->document_good[shipment->mutations] = 0;
    if (cost <= 0 || cost_max <= 0 || cost * next / (next - 1) < cost_max)
        ++*max;
}

/* HTTP has said it all; what is no 2xx may still be a GraphQL answer, with errors. */
static bool is_told_by_http(const struct answer *answer, struct outcome *outcome)
{
    static const struct platform_route any = {.takes = true};

    outcome_judge(answer, VERB_REPORT, &any, outcome);
    outcome->everywhere = false; /* REST has routes of its own */
    return outcome->class != OUTCOME_DELIVERED && outcome->class != OUTCOME_DEAD;
}

static void on_answer(struct shipment *shipment, const struct answer *answer)
{
    struct outcome outcome;
    struct graphql_answer *graphql;

    if (is_told_by_http(answer, &outcome)) {
        carry_out_all(shipment, answer, &outcome);
        return;
    }
    graphql = graphql_answer_read(answer->body, answer->body_len, answer->status, shipment->count);
    switch (graphql_answer_verdict(graphql)) {
    case GRAPHQL_ANSWERED:
        adapt(shipment, graphql);
        settle_parts(shipment, answer, graphql, false);
        break;
    case GRAPHQL_THROTTLED:
        throttled(shipment, answer, graphql);
        break;
    case GRAPHQL_TOO_MUCH:
        refused(shipment, answer, graphql, true);
        break;
    case GRAPHQL_REFUSED:
        refused(shipment, answer, graphql, false);
        break;
    case GRAPHQL_FORBIDDEN:
        outcome = outcome_of(OUTCOME_ROUTE, graphql_answer_why(graphql));
        carry_out_all(shipment, answer, &outcome);
        break;
    case GRAPHQL_BROKEN:
        outcome = outcome_of(OUTCOME_UNKNOWN, graphql_answer_why(graphql));
        outcome.costs = outcome.platform_failed = true;
        carry_out_all(shipment, answer, &outcome);
        break;
    }
    graphql_answer_free(&graphql);
}

/* ── the request ── */

/* The next operations of one kind. */
static struct shipment *gather(struct worker *worker, bool mutations, struct graphql_part *parts)
{
    static const struct shipment_kind document = {.answered = on_answer};
    struct lanes *lanes = mutations ? &worker->mutations : &worker->queries;
    size_t limit = worker->document_max[mutations];
    struct shipment *shipment = shipment_new(worker, &document, DOCUMENT_PATH, limit);
    struct work *work;

    shipment->mutations = mutations;
    while (shipment->count < limit && (work = dispatch_take(lanes))) {
        const struct saleor_operation *operation;
        if (work->company > 0 && work->company < limit)
            limit = work->company;
        if (shipment->count >= limit || !plan_takes(work)) {
            dispatch_again(work);
            if (shipment->count >= limit)
                break;
            continue;
        }
        operation = plan_next(work);
        if (!operation)
            continue;
        if (graphql_is_mutation(operation->part.document) != mutations) {
            dispatch_again(work);
            continue;
        }
        parts[shipment->count] = operation->part;
        shipment_add(shipment, work);
    }
    return shipment;
}

/* Its works come back when the route may be tried again. */
static void wait_for_route(struct worker *worker, int64_t wait_ms)
{
    struct lanes *both[] = {&worker->queries, &worker->mutations};
    struct work *work;

    for (size_t i = 0; i < 2; i++)
        while ((work = dispatch_take(both[i])))
            verdict_wait_for_route(work, DOCUMENT_PATH, wait_ms);
}

void document_configure(struct worker *worker)
{
    const struct platform_graphql *settings = platform_graphql_api(worker->platform);

    worker->place_known = false;
    for (size_t i = 0; i < 2; i++)
        worker->document_max[i] =
            settings && settings->batch < GRAPHQL_PARTS_MAX ? (unsigned)settings->batch : GRAPHQL_PARTS_MAX;
}

bool document_start(struct worker *worker)
{
    struct graphql_part parts[GRAPHQL_PARTS_MAX];
    int64_t wait_ms = route_pause_wait_ms(worker, DOCUMENT_PATH);
    bool mutations = worker->mutations.count > 0;
    struct shipment *shipment;
    struct buf body = BUF_INIT;

    if (worker->queries.count + worker->mutations.count == 0)
        return false;
    if (wait_ms > 0) {
        wait_for_route(worker, wait_ms);
        return true;
    }
    if (!worker->place_known)
        return place_ask(worker);
    shipment = gather(worker, mutations, parts);
    if (shipment->count > 0) {
        graphql_compose(&body, parts, shipment->count);
        shipment_query(shipment, platform_graphql_api(worker->platform)->url, &body);
    } else {
        shipment_free(shipment);
    }
    buf_release(&body);
    return true;
}
