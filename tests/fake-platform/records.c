/* records.c: one table of records, found under every id they are known by. An id that found a wrong record would make the
 * tests of ordering and of learnt ids lie. */
#include "records.h"

#include "map.h"
#include "mem.h"

void records_init(struct records *records, const char *platform, size_t max)
{
    *records = (struct records){.platform = platform, .strict = true, .ignore_lower = true, .max = max};
    records->by_id = map_new();
}

void records_release(struct records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        json_free(records->all[i]->data);
        free(records->all[i]->tenant);
        free(records->all[i]->record_id);
        free(records->all[i]);
    }
    free(records->all);
    map_free(&records->by_id);
    *records = (struct records){0};
}

const char *const *records_id_names(const char *entity)
{
    static const char *const user[] = {"id", "user_id", "customer_id", NULL};
    static const char *const lead[] = {"id", "lead_id", NULL};
    static const char *const campaign[] = {"id", "campaign_id", NULL};
    static const char *const order[] = {"id", "order_id", NULL};
    static const char *const product[] = {"id", "product_id", NULL};
    static const struct {
        const char *entity;
        const char *const *names;
    } table[] = {
        {"user", user}, {"lead", lead}, {"campaign", campaign}, {"order", order}, {"product", product}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].entity, entity) == 0)
            return table[i].names;
    return NULL;
}

/* ── ids ── */

static void make_key(struct buf *key, const char *entity, const char *tenant, const char *id)
{
    buf_reset(key);
    buf_add(key, entity, strlen(entity) + 1);
    buf_add(key, tenant, strlen(tenant) + 1);
    buf_add_str(key, id);
}

struct record *records_find(const struct records *records, const char *entity, const char *tenant,
                            const char *id)
{
    struct buf key = BUF_INIT;
    struct record *record;

    make_key(&key, entity, tenant, id);
    record = map_get(records->by_id, key.data, key.len);
    buf_release(&key);
    return record;
}

/* Known from now on under this id, to its tenant and to a look-up that names no tenant. */
static void know_as(struct records *records, struct record *record, const char *id)
{
    struct buf key = BUF_INIT;

    if (!id || !*id)
        return;
    make_key(&key, record->entity, record->tenant, id);
    map_put(records->by_id, key.data, key.len, record);
    make_key(&key, record->entity, "", id);
    map_put(records->by_id, key.data, key.len, record);
    buf_release(&key);
}

static const char *record_id_of(const struct json *data)
{
    const char *id = data ? json_get_text(json_get(data, "_sync_metadata"), "record_id") : NULL;

    return id ? id : "";
}

/* The n-th name that the change gives the record: record_id, the path's, the ids inside data; NULL when there are no more. */
static const char *name_at(const struct record_change *change, size_t n)
{
    const char *const *names = records_id_names(change->entity);

    if (n == 0)
        return record_id_of(change->data);
    if (n == 1)
        return change->path_id ? change->path_id : "";
    for (size_t i = 0; names[i]; i++) {
        if (i == n - 2) {
            const char *id = change->data ? json_text(json_get(change->data, names[i]), NULL) : NULL;

            return id ? id : "";
        }
    }
    return NULL;
}

static struct record *find_changed(const struct records *records, const struct record_change *change)
{
    struct record *record = NULL;
    const char *id;

    for (size_t n = 0; !record && (id = name_at(change, n)); n++)
        if (*id)
            record = records_find(records, change->entity, change->tenant, id);
    return record;
}

/* ── changes ── */

static struct record *record_new(struct records *records, const struct record_change *change)
{
    struct record *record;

    if (records->count == records->max)
        return NULL;
    if ((records->count & (records->count - 1)) == 0)
        records->all =
            mem_realloc(records->all, (records->count ? records->count * 2 : 1) * sizeof(struct record *));
    record = mem_alloc(sizeof *record);
    snprintf(record->entity, sizeof record->entity, "%s", change->entity);
    snprintf(record->own_id, sizeof record->own_id, "%.60s-%s-%zu", records->platform, change->entity,
             records->count + 1);
    record->tenant = mem_strdup(change->tenant);
    record->record_id = mem_strdup(record_id_of(change->data));
    record->data = json_new_object();
    records->all[records->count++] = record;
    know_as(records, record, record->own_id);
    return record;
}

static void merge(struct record *record, const struct json *data)
{
    struct json_iter iter = {0};
    struct json *value;
    const char *name;

    while (json_next(data, &iter, &name, &value))
        if (strcmp(name, "_sync_metadata") != 0 && strcmp(name, "_platform_context") != 0)
            json_set(record->data, name, json_copy(value));
}

static void know_all(struct records *records, struct record *record, const struct record_change *change)
{
    const char *id;

    for (size_t n = 0; (id = name_at(change, n)); n++)
        know_as(records, record, id);
}

enum record_verdict records_apply(struct records *records, const struct record_change *change,
                                  struct record **record)
{
    struct record *found = find_changed(records, change);
    bool there = found && !found->deleted;

    *record = found;
    if (records->strict && change->operation == RECORD_CREATE && there)
        return RECORD_EXISTS;
    if (found && records->ignore_lower && change->version && change->version <= found->version)
        return RECORD_IGNORED;
    if ((records->strict && change->operation == RECORD_UPDATE && !there) ||
        (change->operation == RECORD_DELETE && !there)) {
        *record = NULL;
        return RECORD_UNKNOWN;
    }
    if (!found && !(found = *record = record_new(records, change)))
        return RECORD_FULL;
    if (found->deleted) {
        json_free(found->data);
        found->data = json_new_object();
    }
    found->deleted = change->operation == RECORD_DELETE;
    if (!found->deleted && change->data)
        merge(found, change->data);
    if (change->version)
        found->version = change->version;
    found->deliveries++;
    know_all(records, found, change);
    return RECORD_DONE;
}

void records_write(const struct record *record, struct buf *out)
{
    buf_addf(out, "{\"entity\":\"%s\",\"own_id\":", record->entity);
    buf_add_json(out, record->own_id, strlen(record->own_id));
    buf_add_str(out, ",\"record_id\":");
    buf_add_json(out, record->record_id, strlen(record->record_id));
    buf_add_str(out, ",\"tenant_id\":");
    buf_add_json(out, record->tenant, strlen(record->tenant));
    buf_addf(out,
             ",\"version\":%lld,\"deleted\":%s,\"deliveries\":%llu,\"data\":", (long long)record->version,
             record->deleted ? "true" : "false", (unsigned long long)record->deliveries);
    json_write(out, record->data);
    buf_add_ch(out, '}');
}
