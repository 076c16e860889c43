/*
 * backfill_saleor.c: lists of what a platform has behind GraphQL (Saleor): the query of a page, and the rows of its answer, which
 * become data by the objects of the platform file's group inbound, as its webhooks do; pure.
 */
#include "backfill_inside.h"
#include "graphql.h"
#include "graphql_documents.h"
#include "inbound_map.h"
#include "mapping.h"
#include "platform_inbound.h"

static const char *document_of(enum entity entity)
{
    switch (entity) {
    case ENTITY_USER:
        return graphql_customer_list;
    case ENTITY_PRODUCT:
        return graphql_product_list;
    case ENTITY_ORDER:
        return graphql_order_list;
    default:
        return NULL;
    }
}

static enum entity entity_of(const struct backfill_job *job)
{
    return job->entities[job->place.entity_at];
}

bool backfill_by_graphql(const struct backfill_job *job, const struct platform *platform)
{
    return platform_graphql(platform, entity_of(job)) && document_of(entity_of(job)) &&
           platform_inbound_object(platform, entity_of(job));
}

void backfill_graphql_body(const struct backfill_job *job, struct buf *body)
{
    struct json *variables = json_new_object();
    struct graphql_part part = {document_of(entity_of(job)), variables};
    json_set(variables, "first", json_new_int((int64_t)job->page.asked));
    json_set(variables, "after", json_new_text(job->place.cursor));
    graphql_compose(body, &part, 1);
    json_free(variables);
}

static void read_node(struct backfill_job *job, const struct platform *platform, const struct json *node)
{
    const struct inbound_object *object = platform_inbound_object(platform, entity_of(job));
    struct buf id = BUF_INIT;
    const char *member;
    if (json_type(node) != JSON_OBJECT) {
        backfill_add_row(job, entity_of(job), NULL, "the row is no object");
        return;
    }
    struct json *data = inbound_map(object, node, VERB_UPDATE);
    struct backfill_row *row = backfill_add_row(job, entity_of(job), data, NULL);
    if (mapping_entity_id(platform, entity_of(job), data, &id, &member) == 0)
        row->id = mem_strdup(id.data);
    else
        backfill_refuse_row(job, row, "the row has no id");
    buf_release(&id);
}

static enum backfill_verdict read_connection(struct backfill_job *job, const struct platform *platform,
                                             const struct json *connection, struct buf *why)
{
    const struct json *edges = json_get(connection, "edges"), *page = json_get(connection, "pageInfo");
    const struct json *more = json_get(page, "hasNextPage");
    bool has_more = json_type(more) == JSON_BOOL && json_bool(more);
    for (size_t i = 0; i < json_count(edges); i++)
        read_node(job, platform, json_get(json_at(edges, i), "node"));
    return backfill_turn_page(job, has_more ? json_get_text(page, "endCursor") : NULL, why) < 0
               ? BACKFILL_PAUSE
               : BACKFILL_PAGE;
}

static enum backfill_verdict verdict_of(const struct graphql_answer *answer, struct buf *why)
{
    static const enum backfill_verdict verdicts[] = {
        [GRAPHQL_ANSWERED] = BACKFILL_PAGE,    [GRAPHQL_THROTTLED] = BACKFILL_LATER,
        [GRAPHQL_TOO_MUCH] = BACKFILL_SMALLER, [GRAPHQL_REFUSED] = BACKFILL_PAUSE,
        [GRAPHQL_FORBIDDEN] = BACKFILL_PAUSE,  [GRAPHQL_BROKEN] = BACKFILL_LATER};
    enum graphql_verdict verdict = graphql_answer_verdict(answer);
    if (verdict != GRAPHQL_ANSWERED)
        buf_addf(why, "the shop: %s", graphql_answer_why(answer));
    return verdicts[verdict];
}

/* An error of the list's own: a missing permission needs a person, the server's own failures pass. */
static enum backfill_verdict judge_errors(const struct graphql_answer *answer, struct buf *why)
{
    if (graphql_answer_error_count(answer, 0) == 0) {
        buf_add_str(why, "the shop answered no list");
        return BACKFILL_PAUSE;
    }
    const struct graphql_error *error = graphql_answer_error(answer, 0, 0);
    buf_addf(why, "the shop: %s", error->message);
    return error->internal || error->throttled ? BACKFILL_LATER : BACKFILL_PAUSE;
}

enum backfill_verdict backfill_read_graphql(struct backfill_job *job, const struct platform *platform,
                                            const struct answer *http, struct buf *why)
{
    /* Errors of GraphQL come with 400 and the like: the body tells more than the status. */
    bool body = http->failure == ANSWER_OK && !http->html && http->body_len > 0;
    enum backfill_verdict verdict = body ? BACKFILL_PAGE : backfill_judge(http, why);
    if (verdict != BACKFILL_PAGE)
        return verdict;
    struct graphql_answer *answer = graphql_answer_read(http->body, http->body_len, http->status, 1);
    verdict = verdict_of(answer, why);
    if (verdict == BACKFILL_PAGE && json_type(graphql_answer_data(answer, 0)) == JSON_OBJECT)
        verdict = read_connection(job, platform, graphql_answer_data(answer, 0), why);
    else if (verdict == BACKFILL_PAGE)
        verdict = judge_errors(answer, why);
    else if (verdict == BACKFILL_LATER && http->status != 429 && http->status < 500 && http->status >= 400)
        verdict = BACKFILL_PAUSE; /* no GraphQL there: 404 and its like */
    graphql_answer_free(&answer);
    return verdict;
}
