/*
 * listing_graphql.c: lists of what a platform has behind GraphQL (Saleor): the query of a page, and the rows of its answer, which
 * become data by the objects of the platform file's group inbound, as its webhooks do; pure.
 */
#include <string.h>

#include "graphql.h"
#include "graphql_documents.h"
#include "inbound_map.h"
#include "listing.h"
#include "mapping.h"
#include "mem.h"
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

bool listing_has_query(enum entity entity)
{
    return document_of(entity) != NULL;
}

void listing_graphql_body(const struct listing_page *listing, struct buf *body)
{
    struct json *variables = json_new_object();
    struct graphql_part part = {document_of(listing->entity), variables};
    json_set(variables, "first", json_new_int((int64_t)listing->rows));
    json_set(variables, "after", json_new_text(listing->cursor));
    graphql_compose(body, &part, 1);
    json_free(variables);
}

static void read_node(const struct listing_page *listing, const struct json *node, listing_cb row, void *arg)
{
    const struct inbound_object *object = platform_inbound_object(listing->platform, listing->entity);
    struct buf id = BUF_INIT;
    const char *member;
    if (json_type(node) != JSON_OBJECT) {
        row(NULL, NULL, "the row is no object", arg);
        return;
    }
    struct json *data = inbound_map(object, node, VERB_UPDATE);
    if (mapping_entity_id(listing->platform, listing->entity, data, &id, &member) == 0) {
        row(data, id.data, NULL, arg);
    } else {
        json_free(data);
        row(NULL, NULL, "the row has no id", arg);
    }
    buf_release(&id);
}

static void read_connection(const struct listing_page *listing, const struct json *connection, listing_cb row,
                            void *arg, char **next)
{
    const struct json *edges = json_get(connection, "edges"), *page = json_get(connection, "pageInfo");
    const struct json *more = json_get(page, "hasNextPage");
    bool has_more = json_type(more) == JSON_BOOL && json_bool(more);
    for (size_t i = 0; i < json_count(edges); i++)
        read_node(listing, json_get(json_at(edges, i), "node"), row, arg);
    *next = has_more ? mem_strdup(json_get_text(page, "endCursor")) : NULL;
}

static enum listing_verdict verdict_of(const struct graphql_answer *answer, struct buf *why)
{
    static const enum listing_verdict verdicts[] = {
        [GRAPHQL_ANSWERED] = LISTING_PAGE,    [GRAPHQL_THROTTLED] = LISTING_LATER,
        [GRAPHQL_TOO_MUCH] = LISTING_SMALLER, [GRAPHQL_REFUSED] = LISTING_PAUSE,
        [GRAPHQL_FORBIDDEN] = LISTING_PAUSE,  [GRAPHQL_BROKEN] = LISTING_LATER};
    enum graphql_verdict verdict = graphql_answer_verdict(answer);
    if (verdict != GRAPHQL_ANSWERED)
        buf_addf(why, "the shop: %s", graphql_answer_why(answer));
    return verdicts[verdict];
}

/* An error of the list's own: a missing permission needs a person, the server's own failures pass. */
static enum listing_verdict judge_errors(const struct graphql_answer *answer, struct buf *why)
{
    if (graphql_answer_error_count(answer, 0) == 0) {
        buf_add_str(why, "the shop answered no list");
        return LISTING_PAUSE;
    }
    const struct graphql_error *error = graphql_answer_error(answer, 0, 0);
    buf_addf(why, "the shop: %s", error->message);
    return error->internal || error->throttled ? LISTING_LATER : LISTING_PAUSE;
}

enum listing_verdict listing_read_graphql(const struct listing_page *listing, const struct answer *http,
                                          listing_cb row, void *arg, char **next, struct buf *why)
{
    /* Errors of GraphQL come with 400 and the like: the body tells more than the status. */
    bool body = http->failure == ANSWER_OK && !http->html && http->body_len > 0;
    enum listing_verdict verdict = body ? LISTING_PAGE : listing_judge(http, why);
    if (verdict != LISTING_PAGE)
        return verdict;
    struct graphql_answer *answer = graphql_answer_read(http->body, http->body_len, http->status, 1);
    verdict = verdict_of(answer, why);
    if (verdict == LISTING_PAGE && json_type(graphql_answer_data(answer, 0)) == JSON_OBJECT)
        read_connection(listing, graphql_answer_data(answer, 0), row, arg, next);
    else if (verdict == LISTING_PAGE)
        verdict = judge_errors(answer, why);
    else if (verdict == LISTING_LATER && http->status != 429 && http->status < 500 && http->status >= 400)
        verdict = LISTING_PAUSE; /* no GraphQL there: 404 and its like */
    graphql_answer_free(&answer);
    return verdict;
}
