/* place.c: see place.h. */
#include "place.h"

#include <stdio.h>

#include "document.h"
#include "log.h"
#include "shipment.h"
#include "verdict.h"

static void hold(struct worker *worker, const char *why)
{
    struct outcome outcome = {.class = OUTCOME_ROUTE};

    snprintf(outcome.error, sizeof outcome.error, "%.255s", *why ? why : "the shop does not answer");
    route_pause(worker, DOCUMENT_PATH, &outcome);
}

static void read_place(struct worker *worker, const struct graphql_answer *graphql)
{
    struct buf error = BUF_INIT;

    if (graphql_answer_verdict(graphql) != GRAPHQL_ANSWERED) {
        hold(worker, graphql_answer_why(graphql));
    } else if (saleor_place_read(worker->platform, graphql, &worker->place, &error) != 0) {
        hold(worker, error.data);
    } else {
        worker->place_known = true;
        route_resume(worker, DOCUMENT_PATH);
        log_info("place known", LOG_STR("platform", worker->name),
                 LOG_STR("channel", worker->place.channel_id),
                 LOG_STR("warehouse", worker->place.warehouse_id));
    }
    buf_release(&error);
}

static void on_answer(struct shipment *shipment, const struct answer *answer)
{
    static const struct platform_route any = {.takes = true};
    struct worker *worker = shipment->worker;
    struct outcome outcome;
    struct graphql_answer *graphql;

    worker->place_asked = false;
    verdict_tell(worker, DOCUMENT_PATH, answer, NULL, 0);
    outcome_judge(answer, VERB_REPORT, &any, &outcome);
    if (outcome.class != OUTCOME_DELIVERED && outcome.class != OUTCOME_DEAD) {
        hold(worker, outcome.error);
        return;
    }
    graphql = graphql_answer_read(answer->body, answer->body_len, answer->status, SALEOR_PLACE_PARTS);
    read_place(worker, graphql);
    graphql_answer_free(&graphql);
}

bool place_ask(struct worker *worker)
{
    static const struct shipment_kind look_up = {.answered = on_answer};
    struct graphql_part parts[SALEOR_PLACE_PARTS];
    struct buf body = BUF_INIT;
    size_t count;

    if (worker->place_asked)
        return false;
    worker->place_asked = true;
    count = saleor_place_parts(worker->platform, parts);
    graphql_compose(&body, parts, count);
    for (size_t i = 0; i < count; i++)
        json_free((struct json *)parts[i].variables);
    shipment_query(shipment_new(worker, &look_up, DOCUMENT_PATH, 0),
                   platform_graphql_api(worker->platform)->url, &body);
    buf_release(&body);
    return true;
}
