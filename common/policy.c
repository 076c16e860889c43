/* policy.c: sets of policies: reading them as a whole, and the answers to questions about one. */
#include "policy.h"

#include <inttypes.h>

#include "log.h"
#include "policy_parts.h"

#define ARENA_CHUNK 16384
#define OVERLAY_CHUNK 2048
#define OVERLAY "policies"  /* what a tenant's own text is called in mistakes */
#define DEFAULTS "defaults" /* the name of the text that was built in */

static const struct {
    const char *name;
    int confidence;
} strategies[] = {
#define X(name, text, confidence) {text, confidence},
    POLICY_STRATEGIES(X)
#undef X
};

const char *strategy_name(enum strategy strategy)
{
    return strategies[strategy].name;
}

int strategy_confidence(enum strategy strategy)
{
    return strategies[strategy].confidence;
}

/* ---- a set's life ---- */

struct expr *policy_keep(struct policy_set *set, struct expr *expr)
{
    struct policy_expression *kept;
    if (expr == NULL)
        return NULL;
    kept = arena_alloc(set->arena, sizeof *kept);
    *kept = (struct policy_expression){expr, set->expressions};
    set->expressions = kept;
    return expr;
}

static bool is_among(const struct json *texts, const char *text)
{
    for (size_t i = 0; i < json_count(texts); i++) {
        if (strcmp(json_text(json_at(texts, i), NULL), text) == 0)
            return true;
    }
    return false;
}

static struct json *currencies_of(const struct platform_set *platforms)
{
    struct json *currencies = platforms != NULL ? json_new_array() : NULL;
    for (size_t i = 0; platforms != NULL && i < platform_count(platforms); i++) {
        const char *currency = platform_currency(platform_at(platforms, i));
        if (!is_among(currencies, currency))
            json_append(currencies, json_new_text(currency));
    }
    return currencies;
}

/* Everybody begins with the rule for what no rule names. */
static void begin_tables(struct policy_set *set)
{
    for (int entity = 0; entity < ENTITY_NONE; entity++) {
        struct policy_table *table = &set->everybody.tables[entity];
        table->rows = arena_alloc(set->arena, sizeof *table->rows);
        table->rows[0] =
            (struct policy){.field = POLICY_REST, .strategy = STRATEGY_LATEST_WINS, .file = DEFAULTS};
        table->count = 1;
    }
}

static int read_text(struct policy_set *set, const char *name, const char *text,
                     const struct platform_set *platforms, setting_cb read_root, struct buf *errors)
{
    struct policy_reading reading = {.set = set, .platforms = platforms, .scope = &set->everybody};
    const struct reader reader = {
        .file = arena_strdup(set->arena, name), .arena = set->arena, .errors = errors};
    set->file = reader.file;
    return setting_parse(&reader, text, read_root, &reading);
}

static struct policy_set *new_set(const struct platform_set *platforms)
{
    struct policy_set *set = mem_alloc(sizeof *set);
    struct buf errors = BUF_INIT;
    set->refs = 1;
    set->arena = arena_new(ARENA_CHUNK);
    set->fields = arena_alloc(set->arena, ENTITY_NONE * sizeof *set->fields);
    set->currencies = currencies_of(platforms);
    begin_tables(set);
    /* Without the platforms: where others are configured, the defaults must still hold for those they speak of. */
    if (read_text(set, DEFAULTS, config_policies, NULL, policy_read_root, &errors) != 0)
        bug("config/policies.conf, as it was built in: %s", errors.data);
    buf_release(&errors);
    return set;
}

/* libconfig reads up to a NUL, and passes on whatever bytes stand in quotes. */
static bool is_text(const char *name, const char *text, size_t len, struct buf *errors)
{
    const char *why = NULL;
    if (len > SETTING_FILE_BYTES_MAX)
        why = "is larger than 1 MiB, which no such file needs";
    else if (strlen(text) != len)
        why = "holds a NUL byte and so is no text";
    if (why != NULL)
        buf_addf(errors, "%s: %s\n", name, why);
    return why == NULL;
}

struct policy_set *policy_set_read(const char *name, const char *text, size_t len,
                                   const struct platform_set *platforms, struct buf *errors)
{
    if (text != NULL && !is_text(name, text, len, errors))
        return NULL;
    struct policy_set *set = new_set(platforms);
    if (text != NULL && read_text(set, name, text, platforms, policy_read_root, errors) != 0)
        policy_set_free(&set);
    return set;
}

struct policy_set *policy_set_load(const char *path, const struct platform_set *platforms, struct buf *errors)
{
    struct policy_set *set = NULL;
    char *text = NULL;
    if (path[0] == '\0')
        return policy_set_read(DEFAULTS, NULL, 0, platforms, errors);
    text = setting_read_file(path, errors);
    if (text != NULL)
        set = policy_set_read(path, text, strlen(text), platforms, errors);
    free(text);
    return set;
}

struct policy_set *policy_set_overlay(struct policy_set *base, const char *tenant, int64_t number,
                                      const char *text, size_t len, const struct platform_set *platforms,
                                      struct buf *errors)
{
    struct buf version = BUF_INIT;
    struct policy_set *set;
    if (!is_text(OVERLAY, text, len, errors))
        return NULL;
    set = mem_alloc(sizeof *set);
    *set = (struct policy_set){.refs = 1,
                               .base = base,
                               .arena = arena_new(OVERLAY_CHUNK),
                               .fields = base->fields,
                               .everybody = *policy_scope_find(base, tenant),
                               .currencies = base->currencies};
    base->refs++;
    buf_addf(&version, "%s, tenant %" PRId64, policy_version(base), number);
    set->version = arena_strdup(set->arena, version.data);
    buf_release(&version);
    set->everybody.tenant = arena_strdup(set->arena, tenant);
    if (read_text(set, OVERLAY, text, platforms, policy_read_overlay, errors) != 0)
        policy_set_free(&set);
    return set;
}

void policy_set_free(struct policy_set **setp)
{
    struct policy_set *set = *setp;
    *setp = NULL;
    if (set == NULL || --set->refs > 0)
        return;
    for (struct policy_expression *kept = set->expressions; kept != NULL; kept = kept->next)
        expr_free(&kept->expr);
    if (set->base == NULL)
        json_free(set->currencies);
    policy_set_free(&set->base);
    arena_free(&set->arena);
    free(set);
}

const char *policy_version(const struct policy_set *set)
{
    return set->version;
}

const char *policy_file(const struct policy_set *set)
{
    return set->file;
}

/* ---- questions ---- */

const struct policy_scope *policy_scope_find(const struct policy_set *set, const char *tenant)
{
    for (size_t i = 0; tenant != NULL && i < set->tenant_count; i++) {
        if (strcmp(set->tenants[i].tenant, tenant) == 0)
            return &set->tenants[i];
    }
    return &set->everybody;
}

struct policy *policy_table_find(const struct policy_table *table, const char *field)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].field, field) == 0)
            return &table->rows[i];
    }
    return NULL;
}

const struct policy *policy_find(const struct policy_set *set, const char *tenant, enum entity entity,
                                 const char *field)
{
    if (entity >= ENTITY_NONE)
        bug("a field of what has no record");
    const struct policy_table *table = &policy_scope_find(set, tenant)->tables[entity];
    const struct policy *policy = policy_table_find(table, field);
    return policy != NULL ? policy : &table->rows[0];
}

bool policy_syncs(const struct policy *policy)
{
    return policy->strategy != STRATEGY_DO_NOT_SYNC;
}

const char *policy_authority(const struct policy_set *set, const char *tenant, enum entity entity)
{
    return policy_scope_find(set, tenant)->authorities[entity];
}

size_t policy_count(const struct policy_set *set, const char *tenant, enum entity entity)
{
    return policy_scope_find(set, tenant)->tables[entity].count;
}

const struct policy *policy_at(const struct policy_set *set, const char *tenant, enum entity entity,
                               size_t index)
{
    const struct policy_table *table = &policy_scope_find(set, tenant)->tables[entity];
    if (index >= table->count)
        bug("policy %zu of %zu", index, table->count);
    return &table->rows[(index + 1) % table->count];
}

size_t policy_tenant_count(const struct policy_set *set)
{
    return set->tenant_count;
}

const char *policy_tenant_at(const struct policy_set *set, size_t index)
{
    if (index >= set->tenant_count)
        bug("tenant %zu of %zu", index, set->tenant_count);
    return set->tenants[index].tenant;
}
