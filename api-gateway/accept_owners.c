/*
 * accept_owners.c: items that lost a key to an earlier commit ask whose it is: the same body gets that event's answer, another
 * body is refused.
 */
#include "accept_inside.h"
#include "digest.h"
#include "log.h"
#include "sql.h"

/* Items whose keys were taken before. Owner: the query's callback. */
struct question {
    struct accept *accept;
    struct accept_batch
        *batch; /* that the items belong to, and that waits for the answer; NULL: they are alone */
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
        for (enum accept_key_kind kind = 0; kind < ACCEPT_KEY_KINDS; kind++) {
            const char *key = accept_key_of(question->items[i], kind);
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
        accept_key_name(&name, (enum accept_key_kind)db_get_int(result, row, kind),
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
    for (enum accept_key_kind kind = 0; kind < ACCEPT_KEY_KINDS && !row; kind++) {
        struct buf name = BUF_INIT;
        if (!accept_key_of(item, kind))
            continue;
        accept_key_name(&name, kind, item->event.tenant, accept_key_of(item, kind));
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
    if (!own && db_get_int(result, row, db_column(result, "kind")) == ACCEPT_KEY_OWN_ID)
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

/* Finishes an item whose key is held by a row; false: by none. */
static bool judge_item(struct accept *accept, struct accept_item *item, const struct owners *owners)
{
    const size_t *row = find_row(owners, item);
    size_t len;
    if (!row)
        return false;
    const void *fingerprint =
        db_get_bytes(owners->result, *row, db_column(owners->result, "fingerprint"), &len);
    if (len != sizeof item->fingerprint || !digest_equal(fingerprint, item->fingerprint, len)) {
        accept_finish(item, ACCEPT_MISMATCH);
        return true;
    }
    owner_id(owners->result, *row, item);
    stats_add(accept->repeated, 1);
    accept_finish(item, ACCEPT_CREATED);
    return true;
}

static bool has_both_keys(const struct accept_item *item)
{
    return item->key && item->event.client_id;
}

/* What nobody owns stays in the batch, in its order; the batch is tried again. */
static void judge_batch(struct accept_batch *batch, const struct owners *owners)
{
    size_t left = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (!has_both_keys(batch->items[i]) || !judge_item(batch->accept, batch->items[i], owners))
            batch->items[left++] = batch->items[i];
    batch->count = left;
}

static void judge_all(struct question *question, const struct db_result *result)
{
    struct owners owners;
    owners_init(&owners, result);
    if (question->batch)
        judge_batch(question->batch, &owners);
    for (size_t i = 0; !question->batch && i < question->count; i++)
        if (!judge_item(question->accept, question->items[i], &owners))
            enter_again(question->accept, question->items[i]);
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
    for (size_t i = 0; status != DB_OK && !question->batch && i < question->count; i++)
        accept_finish(question->items[i], ACCEPT_AWAY); /* not stored by this request; asking again tells */
    if (question->batch)
        accept_commit_again(question->batch);
    free(question);
    accept_schedule(accept);
}

static struct question *question_new(struct accept *accept, size_t room)
{
    struct question *question = mem_alloc(sizeof *question + room * sizeof(struct accept_item *));
    question->accept = accept;
    accept->asking++;
    return question;
}

static void ask(struct question *question)
{
    db_query(store_db(question->accept->gateway->store), DB_WRITER, sql_key_owners, owner_params(question),
             on_owners, question);
}

void accept_find_owners(struct accept *accept, struct accept_item **items, size_t count)
{
    struct question *question = question_new(accept, count);
    question->count = count;
    memcpy(question->items, items, count * sizeof *items);
    ask(question);
}

void accept_find_halves(struct accept_batch *batch)
{
    struct question *question = question_new(batch->accept, batch->count);
    question->batch = batch;
    for (size_t i = 0; i < batch->count; i++)
        if (has_both_keys(batch->items[i]))
            question->items[question->count++] = batch->items[i];
    ask(question);
}
