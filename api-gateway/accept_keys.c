/*
 * accept_keys.c: idempotency. Equal keys of one tenant share one answer: inside the queue and the running batch the later
 * ones follow the first. The same key with another body is refused.
 *
 * Kind 0 is the header's key, kind 1 the body's own id; both are bound to the fingerprint, a keyed hash of the bytes sent.
 */
#include "accept_inside.h"
#include "clock.h"
#include "digest.h"

const char *accept_key_of(const struct accept_item *item, enum accept_key_kind kind)
{
    return kind == ACCEPT_KEY_HEADER ? item->key : item->event.client_id;
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

void accept_key_name(struct buf *name, enum accept_key_kind kind, const char *tenant, const char *key)
{
    buf_add_ch(name, kind == ACCEPT_KEY_HEADER ? 'k' : 'i');
    buf_add(name, tenant, strlen(tenant) + 1);
    buf_add_str(name, key);
}

static struct accept_item *find_leader(const struct accept *accept, const struct accept_item *item)
{
    struct accept_item *leader = NULL;
    for (enum accept_key_kind kind = 0; kind < ACCEPT_KEY_KINDS && !leader; kind++) {
        struct buf name = BUF_INIT;
        if (!accept_key_of(item, kind))
            continue;
        accept_key_name(&name, kind, item->event.tenant, accept_key_of(item, kind));
        leader = map_get(accept->claims, name.data, name.len);
        buf_release(&name);
    }
    return leader;
}

static void claim(struct accept *accept, struct accept_item *item)
{
    for (enum accept_key_kind kind = 0; kind < ACCEPT_KEY_KINDS; kind++) {
        struct buf name = BUF_INIT;
        if (!accept_key_of(item, kind))
            continue;
        accept_key_name(&name, kind, item->event.tenant, accept_key_of(item, kind));
        map_put(accept->claims, name.data, name.len, item);
        item->claims = true;
        buf_release(&name);
    }
}

void accept_unclaim(struct accept_item *item)
{
    for (enum accept_key_kind kind = 0; item->claims && kind < ACCEPT_KEY_KINDS; kind++) {
        struct buf name = BUF_INIT;
        if (!accept_key_of(item, kind))
            continue;
        accept_key_name(&name, kind, item->event.tenant, accept_key_of(item, kind));
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
        } else if (outcome == ACCEPT_SLOW) {
            accept_finish(item, ACCEPT_SLOW);
        } else if (same) {
            accept_finish(item, outcome);
        } else { /* the leader took no key: the next one tries */
            accept_enter(item);
            accept_schedule(item->request->accept);
        }
    }
}
