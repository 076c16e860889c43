/* policies.c: see policies.h. */
#include "policies.h"

#include <sys/queue.h>

#include "clock.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "service.h"
#include "sql.h"
#include "store.h"

#define POLL_MS 1000
#define CHANGES_MAX 1000 /* more at once: all is forgotten */
#define IN_USE_MS 120000 /* longer than any statement takes */

/* One tenant. Owner: the store. */
struct kept {
    TAILQ_ENTRY(kept) link; /* used longest ago first */
    int64_t used_ms;
    struct policy_set *set; /* NULL: nothing of its own */
    bool stale;             /* to be read again before it is asked for the next time */
    char tenant[MSG_TENANT_MAX + 1];
};

struct policies {
    struct store *store;
    struct policy_set *base;
    const struct platform_set *platforms;
    size_t tenants_max;
    struct map *tenants;
    TAILQ_HEAD(kept_list, kept) used;
    int64_t number;     /* of the last change that is known */
    uint64_t distrusts; /* how often something went stale: what was asked for before may be old */
    bool asking;
};

/* A reading of several tenants. Owner: the query's callback. */
struct policy_need {
    struct policies *policies;
    policies_cb callback;
    void *arg;
    uint64_t distrusts;
    size_t count;
    char (*tenants)[MSG_TENANT_MAX + 1];
};

/* ---- what is kept ---- */

static void forget(struct policies *policies, struct kept *kept)
{
    map_remove(policies->tenants, kept->tenant, strlen(kept->tenant));
    TAILQ_REMOVE(&policies->used, kept, link);
    policy_set_free(&kept->set);
    free(kept);
}

static void distrust_all(struct policies *policies)
{
    struct kept *kept;

    TAILQ_FOREACH(kept, &policies->used, link)
    kept->stale = true;
    policies->distrusts++;
}

static struct kept *find(struct policies *policies, const char *tenant)
{
    struct kept *kept = map_get(policies->tenants, tenant, strlen(tenant));

    if (!kept)
        return NULL;
    kept->used_ms = clock_mono_ms();
    TAILQ_REMOVE(&policies->used, kept, link);
    TAILQ_INSERT_TAIL(&policies->used, kept, link);
    return kept;
}

/* Who was asked for a moment ago stays: the work that asked may be under way. */
static void make_room(struct policies *policies)
{
    struct kept *kept;

    while (map_count(policies->tenants) > policies->tenants_max) {
        kept = TAILQ_FIRST(&policies->used);
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was forgotten has left the list
        if (kept->used_ms > clock_mono_ms() - IN_USE_MS)
            return;
        forget(policies, kept);
    }
}

static void keep(struct policies *policies, const char *tenant, struct policy_set *set)
{
    struct kept *kept = find(policies, tenant);

    if (!kept) {
        kept = mem_alloc(sizeof *kept);
        snprintf(kept->tenant, sizeof kept->tenant, "%s", tenant);
        kept->used_ms = clock_mono_ms();
        TAILQ_INSERT_TAIL(&policies->used, kept, link);
        map_put(policies->tenants, tenant, strlen(tenant), kept);
    }
    policy_set_free(&kept->set);
    kept->set = set;
    kept->stale = false;
}

/* ---- reading ---- */

/* A text that was taken once, and does not go with the files of now: what the files say holds until it is put right. */
static struct policy_set *read_row(struct policies *policies, const struct db_result *result, size_t row)
{
    size_t len;
    const char *tenant = db_get_text(result, row, db_column(result, "tenant_id"), NULL);
    const char *text = db_get_text(result, row, db_column(result, "text"), &len);
    int64_t version = db_get_int(result, row, db_column(result, "version"));
    struct buf errors = BUF_INIT;
    struct policy_set *set =
        policy_set_overlay(policies->base, tenant, version, text, len, policies->platforms, &errors);

    if (!set)
        log_error("a tenant's policies do not go with the policy and platform files: those hold alone",
                  LOG_STR("tenant", tenant), LOG_INT("version", version), LOG_STR("errors", errors.data));
    buf_release(&errors);
    return set;
}

static void ask(struct policy_need *need);

static void end_need(struct policy_need *need, bool ready)
{
    need->callback(ready, need->arg);
    free(need->tenants);
    free(need);
}

static void on_loaded(enum db_status status, const struct db_result *result, void *arg)
{
    struct policy_need *need = arg;

    if (status == DB_REFUSED)
        log_error("reading policies refused", LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
    if (status != DB_OK) {
        end_need(need, false);
        return;
    }
    if (need->distrusts != need->policies->distrusts) {
        ask(need);
        return;
    }
    for (size_t i = 0; i < need->count; i++)
        keep(need->policies, need->tenants[i], NULL);
    for (size_t row = 0; row < db_rows(result); row++)
        keep(need->policies, db_get_text(result, row, db_column(result, "tenant_id"), NULL),
             read_row(need->policies, result, row));
    end_need(need, true);
}

static void ask(struct policy_need *need)
{
    struct db_params *params = db_params_new();
    struct db_array *tenants = db_add_array(params, DB_TEXT);

    for (size_t i = 0; i < need->count; i++)
        db_array_text(tenants, need->tenants[i]);
    need->distrusts = need->policies->distrusts;
    db_query(store_db(need->policies->store), DB_WRITER, sql_policy_current, params, on_loaded, need);
}

static bool is_listed(const struct policy_need *need, const char *tenant)
{
    for (size_t i = 0; i < need->count; i++)
        if (strcmp(need->tenants[i], tenant) == 0)
            return true;
    return false;
}

void policies_need(struct policies *policies, const char *const *tenants, size_t count, policies_cb callback,
                   void *arg)
{
    struct policy_need *need = NULL;

    make_room(policies);
    for (size_t i = 0; i < count; i++) {
        const struct kept *kept = find(policies, tenants[i]);
        if ((kept && !kept->stale) || (need && is_listed(need, tenants[i])))
            continue;
        if (!need) {
            need = mem_alloc(sizeof *need);
            *need = (struct policy_need){.policies = policies, .callback = callback, .arg = arg};
            need->tenants = mem_array(count - i, sizeof *need->tenants);
        }
        snprintf(need->tenants[need->count++], sizeof *need->tenants, "%s", tenants[i]);
    }
    if (need)
        ask(need);
    else
        callback(true, arg);
}

const struct policy_set *policies_find(struct policies *policies, const char *tenant)
{
    const struct kept *kept = find(policies, tenant);

    if (!kept)
        log_error("policies of a tenant were asked for and are not at hand", LOG_STR("tenant", tenant));
    return kept && kept->set ? kept->set : policies->base;
}

struct policy_set *policies_base(const struct policies *policies)
{
    return policies->base;
}

/* ---- changes ---- */

static void on_changes(enum db_status status, const struct db_result *result, void *arg)
{
    struct policies *policies = arg;
    struct kept *kept;

    policies->asking = false;
    if (status != DB_OK || db_rows(result) == 0)
        return;
    policies->number = db_get_int(result, 0, db_column(result, "change"));
    if (db_rows(result) >= CHANGES_MAX)
        distrust_all(policies);
    for (size_t row = 0; row < db_rows(result); row++) {
        kept = find(policies, db_get_text(result, row, db_column(result, "tenant_id"), NULL));
        if (kept)
            kept->stale = true;
    }
    policies->distrusts++;
}

static void poll_changes(void *arg)
{
    struct policies *policies = arg;
    struct db_params *params;

    if (policies->asking || !store_up(policies->store))
        return;
    policies->asking = true;
    params = db_params_new();
    db_add_int(params, policies->number);
    db_add_int(params, CHANGES_MAX);
    db_query(store_db(policies->store), DB_WRITER, sql_policy_changes, params, on_changes, policies);
}

/* ---- life ---- */

struct policies *policies_new(struct service *service, struct store *store, struct policy_set *base,
                              const struct platform_set *platforms, size_t tenants_max)
{
    struct policies *policies = mem_alloc(sizeof *policies);

    policies->store = store;
    policies->base = base;
    policies->platforms = platforms;
    policies->tenants_max = tenants_max;
    policies->tenants = map_new();
    TAILQ_INIT(&policies->used);
    service_every(service, POLL_MS, poll_changes, policies);
    return policies;
}

void policies_reload(struct policies *policies, struct policy_set *base, const struct platform_set *platforms)
{
    distrust_all(policies);
    policy_set_free(&policies->base);
    policies->base = base;
    policies->platforms = platforms;
}

void policies_free(struct policies **policiesp)
{
    struct policies *policies = *policiesp;

    if (!policies)
        return;
    while (!TAILQ_EMPTY(&policies->used))
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was forgotten has left the list
        forget(policies, TAILQ_FIRST(&policies->used));
    policy_set_free(&policies->base);
    map_free(&policies->tenants);
    free(policies);
    *policiesp = NULL;
}
