/*
 * platform_graphql.c: the group graphql of a platform file: which entities go by GraphQL, where to, and what their documents
 * need that no record has. What each setting means to people: config/platforms/coreldove.conf.
 */
#include "platform_setting.h"

#define MEMBER(member) offsetof(struct platform_graphql, member)
#define PLACE(member) offsetof(struct platform_address, member)
#define BATCH_DEFAULT 4 /* what Saleor takes unless told otherwise */
#define API_PATH "/graphql"

static bool is_made_of(const char *text, const char *characters, size_t len_max)
{
    size_t len = strlen(text);
    return len > 0 && len <= len_max && strspn(text, characters) == len;
}

static const char *check_slug(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= 255 && strpbrk(text, " /\t\r\n") == NULL
               ? NULL
               : "must be a slug, as the shop shows it: default-channel";
}

static const char *check_text(const char *text)
{
    return text[0] != '\0' && strlen(text) <= 256 ? NULL : "must be a text of 1 to 256 bytes";
}

static const char *check_country(const char *text)
{
    return strlen(text) == 2 && is_made_of(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 2)
               ? NULL
               : "must be a country's code of two capital letters, such as IN";
}

static const char *check_language(const char *text)
{
    return strlen(text) > 1 && is_made_of(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_", 16)
               ? NULL
               : "must be a language code in GraphQL's spelling, such as EN_IN";
}

static void read_dialect(const struct reader *reader, const struct setting *setting, void *target)
{
    static const char *const words[] = {"saleor", NULL};
    (void)target;
    setting_read_word(reader, setting, words);
}

/* The API's path has a slash at its end: without it the shop redirects, and a redirect is never followed. */
static void read_url(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_graphql *graphql = target;
    struct buf url = BUF_INIT;
    const char *value = setting_read_variable(reader, setting, platform_check_url);
    size_t len = value != NULL ? strlen(value) : 0;
    if (value == NULL)
        return;
    while (len > 0 && value[len - 1] == '/')
        len--;
    if (len > strlen(API_PATH) && strncmp(value + len - strlen(API_PATH), API_PATH, strlen(API_PATH)) == 0)
        len -= strlen(API_PATH);
    buf_add(&url, value, len);
    buf_add_str(&url, API_PATH "/");
    graphql->url = setting_copy_text(reader, url.data);
    buf_release(&url);
}

static void read_graphql_entities(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_graphql *graphql = target;
    const char **names = NULL;
    size_t count = setting_read_texts(reader, setting, &names);
    for (size_t i = 0; i < count; i++) {
        enum entity entity;
        if (!setting_read_entity(reader, setting, names[i], &entity))
            continue;
        if (entity == ENTITY_USER || entity == ENTITY_PRODUCT || entity == ENTITY_ORDER)
            graphql->entities[entity] = true;
        else
            reader_complain(reader, setting,
                            "names %s, which Saleor does not have; it has user, product, order", names[i]);
    }
}

static void read_tax_rate(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_graphql *graphql = target;
    const char *text = setting_text(setting);
    if (money_parse(text, strlen(text), &graphql->tax_rate) != 0 || graphql->tax_rate.minor < 0 ||
        graphql->tax_rate.exponent > 4 || money_compare(graphql->tax_rate, (struct money){1, 0}) > 0)
        reader_complain(reader, setting,
                        "must be a rate between \"0\" and \"1\" with at most 4 decimals, such as \"0.18\"");
}

static void read_batch(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform_graphql *graphql = target;
    graphql->batch = setting_int(setting);
    if (graphql->batch < 1 || graphql->batch > PLATFORM_MUTATIONS_MAX)
        reader_complain(reader, setting, "must lie between 1 and %d", PLATFORM_MUTATIONS_MAX);
}

static void read_address(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {"first_name", SETTING_TEXT, false, PLACE(first_name), check_text, NULL},
        {"last_name", SETTING_TEXT, false, PLACE(last_name), check_text, NULL},
        {"company", SETTING_TEXT, false, PLACE(company), check_text, NULL},
        {"street", SETTING_TEXT, false, PLACE(street), check_text, NULL},
        {"city", SETTING_TEXT, false, PLACE(city), check_text, NULL},
        {"postal_code", SETTING_TEXT, false, PLACE(postal_code), check_text, NULL},
        {"country", SETTING_TEXT, true, PLACE(country), check_country, NULL},
        {"country_area", SETTING_TEXT, false, PLACE(country_area), check_text, NULL},
        {"phone", SETTING_TEXT, false, PLACE(phone), check_text, NULL},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    setting_read_group(reader, group, rows, &((struct platform_graphql *)target)->address);
}

/* ---- status words of orders ---- */

enum platform_order_step platform_order_step(const struct platform_graphql *graphql, const char *status)
{
    for (int step = PLATFORM_ORDER_CONFIRM; status != NULL && step <= PLATFORM_ORDER_CANCEL; step++) {
        for (size_t i = 0; i < graphql->order_word_count[step]; i++) {
            if (strcmp(graphql->order_words[step][i], status) == 0)
                return (enum platform_order_step)step;
        }
    }
    return PLATFORM_ORDER_NONE;
}

static void read_order_words(const struct reader *reader, const struct setting *setting,
                             struct platform_graphql *graphql, enum platform_order_step step)
{
    const char **words = NULL;
    size_t count = setting_read_texts(reader, setting, &words);
    for (size_t i = 0; i < count; i++) {
        if (platform_order_step(graphql, words[i]) != PLATFORM_ORDER_NONE)
            reader_complain(reader, setting, "has \"%s\", which stands in another list already", words[i]);
    }
    graphql->order_words[step] = words;
    graphql->order_word_count[step] = count;
}

static void read_confirm(const struct reader *reader, const struct setting *setting, void *target)
{
    read_order_words(reader, setting, target, PLATFORM_ORDER_CONFIRM);
}

static void read_fulfil(const struct reader *reader, const struct setting *setting, void *target)
{
    read_order_words(reader, setting, target, PLATFORM_ORDER_FULFIL);
}

static void read_cancel(const struct reader *reader, const struct setting *setting, void *target)
{
    read_order_words(reader, setting, target, PLATFORM_ORDER_CANCEL);
}

static void read_order_status(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {"confirm", SETTING_ANY, false, 0, NULL, read_confirm},
        {"fulfil", SETTING_ANY, false, 0, NULL, read_fulfil},
        {"cancel", SETTING_ANY, false, 0, NULL, read_cancel},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    setting_read_group(reader, group, rows, target);
}

/* ---- the group ---- */

void platform_read_graphql(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {"dialect", SETTING_TEXT, true, 0, NULL, read_dialect},
        {"base_url", SETTING_TEXT, true, 0, NULL, read_url},
        {"entities", SETTING_ANY, true, 0, NULL, read_graphql_entities},
        {"channel", SETTING_TEXT, true, MEMBER(channel), check_slug, NULL},
        {"warehouse", SETTING_TEXT, true, MEMBER(warehouse), check_slug, NULL},
        {"product_type", SETTING_TEXT, true, MEMBER(product_type), check_slug, NULL},
        {"category", SETTING_TEXT, false, MEMBER(category), check_slug, NULL},
        {"tax_class", SETTING_TEXT, false, MEMBER(tax_class), check_text, NULL},
        {"variant", SETTING_TEXT, false, MEMBER(variant), check_text, NULL},
        {"language", SETTING_TEXT, true, MEMBER(language), check_language, NULL},
        {"tax_rate", SETTING_TEXT, true, 0, NULL, read_tax_rate},
        {"batch", SETTING_INT, false, 0, NULL, read_batch},
        {"address", SETTING_GROUP, true, 0, NULL, read_address},
        {"order_status", SETTING_GROUP, true, 0, NULL, read_order_status},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct platform *platform = target;

    platform->graphql = arena_alloc(reader->source->arena, sizeof *platform->graphql);
    platform->graphql->batch = BATCH_DEFAULT;
    setting_read_group(reader, group, rows, platform->graphql);
}

const struct platform_graphql *platform_graphql_api(const struct platform *platform)
{
    return platform->graphql && platform->graphql->url ? platform->graphql : NULL;
}

const struct platform_graphql *platform_graphql(const struct platform *platform, enum entity entity)
{
    const struct platform_graphql *graphql = platform->graphql;

    if (!graphql || !graphql->url || entity >= ENTITY_NONE || !graphql->entities[entity])
        return NULL;
    return graphql;
}
