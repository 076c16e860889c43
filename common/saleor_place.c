/* saleor_place.c: what the slugs in the platform file stand for in this Saleor. */
#include "graphql_documents.h"
#include "log.h"
#include "mem.h"
#include "saleor_parts.h"

enum part { CHANNEL, WAREHOUSE, PRODUCT_TYPE, TAX_CLASSES, CATEGORY };

/* The group is the same for all entities that go by GraphQL; one of them does, or nobody asks. */
static const struct platform_graphql *graphql_of(const struct platform *platform)
{
    for (int entity = 0; entity < ENTITY_NONE; entity++) {
        const struct platform_graphql *graphql = platform_graphql(platform, (enum entity)entity);
        if (graphql != NULL)
            return graphql;
    }
    bug("%s has no GraphQL API", platform_name(platform));
}

size_t saleor_place_parts(const struct platform *platform, struct graphql_part parts[SALEOR_PLACE_PARTS])
{
    const struct platform_graphql *graphql = graphql_of(platform);
    struct json *warehouse = saleor_list(json_new_text(graphql->warehouse));
    struct json *product_type = saleor_list(json_new_text(graphql->product_type));
    parts[CHANNEL].document = graphql_place_channel;
    parts[CHANNEL].variables = saleor_wrap("slug", json_new_text(graphql->channel));
    parts[WAREHOUSE].document = graphql_place_warehouse;
    parts[WAREHOUSE].variables = saleor_wrap("slugs", warehouse);
    parts[PRODUCT_TYPE].document = graphql_place_product_type;
    parts[PRODUCT_TYPE].variables = saleor_wrap("slugs", product_type);
    parts[TAX_CLASSES] = (struct graphql_part){graphql_place_tax_classes, NULL};
    if (graphql->category == NULL)
        return CATEGORY;
    parts[CATEGORY].document = graphql_place_category;
    parts[CATEGORY].variables = saleor_wrap("slug", json_new_text(graphql->category));
    return CATEGORY + 1;
}

/* The first node of a connection. */
static const struct json *node_of(const struct json *connection)
{
    const struct json *edges = json_get(connection, "edges");
    return json_type(edges) == JSON_ARRAY && json_count(edges) > 0 ? json_get(json_at(edges, 0), "node")
                                                                   : NULL;
}

static int take(const struct graphql_answer *answer, enum part part, const char *setting, const char *slug,
                char id[SALEOR_ID_BYTES], struct buf *error)
{
    const struct json *data = graphql_answer_data(answer, part);
    bool connection = part == WAREHOUSE || part == PRODUCT_TYPE;
    if (graphql_answer_error_count(answer, part) > 0 && data == NULL) {
        buf_addf(error, "Saleor does not tell what graphql.%s of the platform file is: %s", setting,
                 graphql_answer_error(answer, part, 0)->message);
        return -1;
    }
    id[0] = '\0';
    saleor_learn(id, connection ? node_of(data) : data);
    if (id[0] != '\0')
        return 0;
    buf_addf(error, "Saleor has no %s \"%s\", which graphql.%s of the platform file names", setting, slug,
             setting);
    return -1;
}

/* By its name, or the first. A shop without any takes no orders, but all the rest. */
static int take_tax_class(const struct platform_graphql *graphql, const struct json *classes,
                          char id[SALEOR_ID_BYTES], struct buf *error)
{
    const struct json *edges = json_get(classes, "edges");
    for (size_t i = 0; json_type(edges) == JSON_ARRAY && i < json_count(edges); i++) {
        const struct json *node = json_get(json_at(edges, i), "node");
        const char *name = json_get_text(node, "name");
        if (graphql->tax_class != NULL && (name == NULL || strcmp(name, graphql->tax_class) != 0))
            continue;
        saleor_learn(id, node);
        return 0;
    }
    if (graphql->tax_class == NULL)
        return 0;
    buf_addf(error, "Saleor has no tax class \"%s\", which graphql.tax_class of the platform file names",
             graphql->tax_class);
    return -1;
}

static int take_currency(const struct platform *platform, const struct json *channel, struct buf *error)
{
    const char *currency = json_get_text(channel, "currencyCode");
    if (currency != NULL && strcmp(currency, platform_currency(platform)) == 0)
        return 0;
    buf_addf(error, "the channel \"%s\" is in %s, and the platform file says that its currency is %s",
             graphql_of(platform)->channel, currency != NULL ? currency : "no currency",
             platform_currency(platform));
    return -1;
}

int saleor_place_read(const struct platform *platform, const struct graphql_answer *answer,
                      struct saleor_place *place, struct buf *error)
{
    const struct platform_graphql *graphql = graphql_of(platform);
    const struct json *channel = graphql_answer_data(answer, CHANNEL);
    const char *country = json_get_text(json_get(channel, "defaultCountry"), "code");
    memset(place, 0, sizeof *place);
    if (take(answer, CHANNEL, "channel", graphql->channel, place->channel_id, error) != 0 ||
        take_currency(platform, channel, error) != 0 ||
        take(answer, WAREHOUSE, "warehouse", graphql->warehouse, place->warehouse_id, error) != 0 ||
        take(answer, PRODUCT_TYPE, "product_type", graphql->product_type, place->product_type_id, error) !=
            0 ||
        take_tax_class(graphql, graphql_answer_data(answer, TAX_CLASSES), place->tax_class_id, error) != 0)
        return -1;
    if (country != NULL && strlen(country) == 2)
        snprintf(place->country, sizeof place->country, "%s", country);
    if (graphql->category == NULL)
        return 0;
    return take(answer, CATEGORY, "category", graphql->category, place->category_id, error);
}
