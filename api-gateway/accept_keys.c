/*
 * accept_keys.c: idempotency. Equal keys of one tenant share one answer: inside the queue and the running batch the later
 * ones follow the first; what is lost to an earlier commit is asked of its owner. The same key with another body is refused.
 *
 * Kind 0 is the header's key, kind 1 the body's own id; both are bound to the fingerprint, a keyed hash of the bytes sent.
 */
#include "accept_inside.h"
#include "clock.h"
#include "digest.h"
#include "log.h"
#include "sql.h"

enum key_kind { KEY_HEADER, KEY_OWN_ID, KEY_KINDS };

static const char *key_of(const struct accept_item *item, enum key_kind kind)
{
    return kind == KEY_HEADER ? item->key : item->event.client_id;
}

static bool same_body(const struct accept_item *a, const struct accept_item *b)
{
    return digest_equal(a->fingerprint, b->fingerprint, sizeof a->fingerprint);
}

void accept_fingerprint(struct accept_item *item, const char *body, size_t len)
{
    const struct store *store = item->request->accept->gateway->store;
    if (item->key || item->event.client_id)
        digest_hmac_sha256(store_fingerprint_key(store), 32, body, len, item->fingerprint);
}

/* ---- claims: who is ahead with a key ---- */

static void claim_name(struct buf *name, enum key_kind kind, const char *tenant, const char *key)
{
    buf_add_ch(name, kind == KEY_HEADER ? 'k' : 'i');
    buf_add(name, tenant, strlen(tenant) + 1);
    buf_add_str(name, key);
}

static struct accept_item *find_leader(const struct accept *accept, const struct accept_item *item)
{
    struct accept_item *leader = NULL;
    for (enum key_kind kind = 0; kind < KEY_KINDS && !leader; kind++) {
        struct buf name = BUF_INIT;
        if (!key_of(item, kind))
            continue;
        claim_name(&name, kind, item->event.tenant, key_of(item, kind));
        leader = map_get(accept->claims, name.data, name.len);
        buf_release(&name);
    }
    return leader;
}

static void claim(struct accept *accept, struct accept_item *item)
{
    for (enum key_kind kind = 0; kind < KEY_KINDS; kind++) {
        struct buf name = BUF_INIT;
        if (!key_of(item, kind))
            continue;
        claim_name(&name, kind, item->event.tenant, key_of(item, kind));
        map_put(accept->claims, name.data, name.len, item);
        item->claims = true;
        buf_release(&name);
    }
}

void accept_unclaim(struct accept_item *item)
{
    for (enum key_kind kind = 0; item->claims && kind < KEY_KINDS; kind++) {
        struct buf name = BUF_INIT;
        if (!key_of(item, kind))
            continue;
        claim_name(&name, kind, item->event.tenant, key_of(item, kind));
        map_remove(item->request->accept->claims, name.data, name.len);
        buf_release(&name);
    }
    item->claims = false;
}

void accept_enter(struct accept_item *item)
{
    struct accept *accept = item->request->accept;
    struct accept_item *leader = find_leader(accept, item);
    item->queued_ms = clock_mono_ms();
    if (leader) {
        TAILQ_INSERT_TAIL(&leader->followers, item, link);
        return;
    }
    claim(accept, item);
    TAILQ_INSERT_TAIL(&accept->queue, item, link);
    accept->queued++;
}

void accept_settle_followers(struct accept_item *leader, enum accept_outcome outcome)
{
    struct accept_item *item;
    while ((item = TAILQ_FIRST(&leader->followers))) {
        TAILQ_REMOVE(&leader->followers, item, link);
        bool same = same_body(item, leader);
        if (outcome == ACCEPT_CREATED && same) {
            accept_set_event_id(item, leader->event_id);
            stats_add(leader->request->accept->repeated, 1);
            accept_finish(item, ACCEPT_CREATED);
        } else if (outcome == ACCEPT_CREATED) {
            accept_finish(item, ACCEPT_MISMATCH);
        } else if (outcome == ACCEPT_AWAY || (outcome == ACCEPT_UNKNOWN && !same)) {
            accept_finish(item, ACCEPT_AWAY);
        } else if (same) {
            accept_finish(item, outcome);
        } else { /* the leader took no key: the next one tries */
            accept_enter(item);
            accept_schedule(item->request->accept);
        }
    }
}

/* ---- owners ---- */

/* Items whose keys were taken before. Owner: the query's callback. */
struct question {
    struct accept *accept;
    size_t count;
    struct accept_item *items[];
};

static struct db_params *owner_params(const struct question *question)
{
    struct db_params *params = db_params_new();
    struct db_array *tenants = db_add_array(params, DB_TEXT);
    struct db_array *kinds = db_add_array(params, DB_INT2);
    struct db_array *keys = db_add_array(params, DB_TEXT);
    for (size_t i = 0; i < question->count; i++) {
        for (enum key_kind kind = 0; kind < KEY_KINDS; kind++) {
            const char *key = key_of(question->items[i], kind);
            if (!key)
                continue;
            db_array_text(tenants, question->items[i]->event.tenant);
            db_array_int(kinds, kind);
            db_array_text(keys, key);
        }
    }
    return params;
}

/* Rows of the answer by the name of their key. */
struct owners {
    const struct db_result *result;
    struct map *by_key;
    size_t *numbers; /* what the map points into */
};

static void owners_init(struct owners *owners, const struct db_result *result)
{
    int tenant = db_column(result, "tenant_id"), kind = db_column(result, "kind"),
        key = db_column(result, "key");
    *owners = (struct owners){result, map_new(), mem_array(db_rows(result) + 1, sizeof *owners->numbers)};
    for (size_t row = 0; row < db_rows(result); row++) {
        struct buf name = BUF_INIT;
        claim_name(&name, (enum key_kind)db_get_int(result, row, kind),
                   db_get_text(result, row, tenant, NULL), db_get_text(result, row, key, NULL));
        owners->numbers[row] = row;
        map_put(owners->by_key, name.data, name.len, &owners->numbers[row]);
        buf_release(&name);
    }
}

static void owners_release(struct owners *owners)
{
    map_free(&owners->by_key);
    free(owners->numbers);
}

/* The row that holds one of the item's keys: the header's key decides before the own id. NULL: none. */
static const size_t *find_row(const struct owners *owners, const struct accept_item *item)
{
    const size_t *row = NULL;
    for (enum key_kind kind = 0; kind < KEY_KINDS && !row; kind++) {
        struct buf name = BUF_INIT;
        if (!key_of(item, kind))
            continue;
        claim_name(&name, kind, item->event.tenant, key_of(item, kind));
        row = map_get(owners->by_key, name.data, name.len);
        buf_release(&name);
    }
    return row;
}

/* The id that the owner's client was given. */
static void owner_id(const struct db_result *result, size_t row, struct accept_item *item)
{
    struct uuid uuid;
    char text[UUID_TEXT_LEN + 1];
    const char *own = db_get_text(result, row, db_column(result, "client_id"), NULL);
    if (!own && db_get_int(result, row, db_column(result, "kind")) == KEY_OWN_ID)
        own = db_get_text(result, row, db_column(result, "key"), NULL);
    if (own) {
        accept_set_event_id(item, own);
        return;
    }
    db_get_uuid(result, row, db_column(result, "event_id"), &uuid);
    uuid_format(&uuid, text);
    accept_set_event_id(item, text);
}

/* The owner is gone meanwhile, because its key has expired: the item tries again. */
static void enter_again(struct accept *accept, struct accept_item *item)
{
    if (++item->tries >= ACCEPT_TRIES_MAX) {
        accept_finish(item, ACCEPT_AWAY);
        return;
    }
    TAILQ_INSERT_TAIL(&accept->queue, item, link);
    accept->queued++;
}

static void judge_item(struct accept *accept, struct accept_item *item, const struct owners *owners)
{
    const size_t *row = find_row(owners, item);
    size_t len;
    if (!row) {
        enter_again(accept, item);
        return;
    }
    const void *fingerprint =
        db_get_bytes(owners->result, *row, db_column(owners->result, "fingerprint"), &len);
    if (len != sizeof item->fingerprint || !digest_equal(fingerprint, item->fingerprint, len)) {
        accept_finish(item, ACCEPT_MISMATCH);
        return;
    }
    owner_id(owners->result, *row, item);
    stats_add(accept->repeated, 1);
    accept_finish(item, ACCEPT_CREATED);
}

static void judge_all(struct question *question, const struct db_result *result)
{
    struct owners owners;
    owners_init(&owners, result);
    for (size_t i = 0; i < question->count; i++)
        judge_item(question->accept, question->items[i], &owners);
    owners_release(&owners);
}

static void on_owners(enum db_status status, const struct db_result *result, void *arg)
{
    struct question *question = arg;
    struct accept *accept = question->accept;
    accept->asking--;
    if (status == DB_REFUSED)
        log_error("owners of keys cannot be read", LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
    if (status == DB_OK)
        judge_all(question, result);
    for (size_t i = 0; status != DB_OK && i < question->count; i++)
        accept_finish(question->items[i], ACCEPT_AWAY); /* not stored by this request; asking again tells */
    free(question);
    accept_schedule(accept);
}

void accept_find_owners(struct accept *accept, struct accept_item **items, size_t count)
{
    struct question *question = mem_alloc(sizeof *question + count * sizeof *items);
    question->accept = accept;
    question->count = count;
    memcpy(question->items, items, count * sizeof *items);
    accept->asking++;
    db_query(store_db(accept->gateway->store), DB_WRITER, sql_key_owners, owner_params(question), on_owners,
             question);
}
