/*
 * accept_commit.c: group commit. One statement at a time: what waits when none runs leaves together, and what arrives
 * meanwhile shares the next, so batches grow with the load by themselves and a lonely event waits for nobody.
 *
 * A batch that is refused is split in halves until the culprit is alone (I9); refusals that say nothing about an event (disk
 * full, shutting down) are the database's absence. Nothing is answered with 2xx before DB_OK (I1).
 */
#include <event2/event.h>

#include "accept_inside.h"
#include "clock.h"
#include "log.h"
#include "sql.h"

#define HOURS_PER_DAY 24
#define TOLD_EVERY_MS 1000

/* ---- the statement ---- */

/* Parameters $1 to $22 of accept_events.sql, in its order; then $27 to $29. */
struct columns {
    struct db_array *id, *record, *tenant, *client_id, *event_type, *entity_type, *entity_id, *source,
        *targets, *priority, *priority_given, *max_retries, *base_version, *occurred, *deliver, *expires,
        *user_id, *subject, *trace, *data, *key, *fingerprint, *named, *snapshot_seq, *backfill;
};

static void columns_init(struct columns *c, struct db_params *params)
{
    c->id = db_add_array(params, DB_UUID);
    c->record = db_add_array(params, DB_UUID);
    c->tenant = db_add_array(params, DB_TEXT);
    c->client_id = db_add_array(params, DB_TEXT);
    c->event_type = db_add_array(params, DB_TEXT);
    c->entity_type = db_add_array(params, DB_TEXT);
    c->entity_id = db_add_array(params, DB_TEXT);
    c->source = db_add_array(params, DB_TEXT);
    c->targets = db_add_array(params, DB_TEXT);
    c->priority = db_add_array(params, DB_INT2);
    c->priority_given = db_add_array(params, DB_INT2);
    c->max_retries = db_add_array(params, DB_INT2);
    c->base_version = db_add_array(params, DB_INT8);
    c->occurred = db_add_array(params, DB_TIME);
    c->deliver = db_add_array(params, DB_TIME);
    c->expires = db_add_array(params, DB_TIME);
    c->user_id = db_add_array(params, DB_TEXT);
    c->subject = db_add_array(params, DB_TEXT);
    c->trace = db_add_array(params, DB_TEXT);
    c->data = db_add_array(params, DB_BYTEA);
    c->key = db_add_array(params, DB_TEXT);
    c->fingerprint = db_add_array(params, DB_BYTEA);
}

static void columns_add(struct columns *c, const struct accept_item *item)
{
    const struct accept_event *event = &item->event;
    db_array_uuid(c->id, &event->id);
    db_array_uuid(c->record, &event->record_id);
    db_array_text(c->tenant, event->tenant);
    db_array_text(c->client_id, event->client_id);
    db_array_text(c->event_type, msg_event_type_name(event->type));
    db_array_text(c->entity_type, msg_entity_name(msg_event_entity(event->type)));
    db_array_text(c->entity_id, event->entity_id);
    db_array_text(c->source, event->source);
    db_array_text(c->targets, event->targets);
    db_array_int(c->priority, event->priority);
    db_array_int(c->priority_given, event->priority_given);
    db_array_int(c->max_retries, event->max_retries);
    if (event->base_version > 0)
        db_array_int(c->base_version, event->base_version);
    else
        db_array_null(c->base_version);
    db_array_time(c->occurred, event->occurred_ms);
    db_array_time(c->deliver, event->deliver_ms);
    db_array_time(c->expires, event->expires_ms);
    db_array_text(c->user_id, event->user_id);
    db_array_text(c->subject, event->subject);
    db_array_text(c->trace, event->trace);
    db_array_bytes(c->data, event->data, event->data_len);
    db_array_text(c->key, item->key);
    if (item->key || event->client_id)
        db_array_bytes(c->fingerprint, item->fingerprint, sizeof item->fingerprint);
    else
        db_array_null(c->fingerprint);
}

/* Which record the data names, and which page the event is a row of. */
static void columns_add_marks(struct columns *c, const struct accept_event *event)
{
    bool live = uuid_is_nil(&event->backfill);
    db_array_uuid(c->named, uuid_is_nil(&event->named_id) ? NULL : &event->named_id);
    db_array_uuid(c->backfill, live ? NULL : &event->backfill);
    if (live)
        db_array_null(c->snapshot_seq);
    else
        db_array_int(c->snapshot_seq, event->snapshot_seq);
}

static struct db_params *batch_params(const struct accept_batch *batch)
{
    const struct gateway *gateway = batch->accept->gateway;
    const struct conf *conf = gateway->conf;
    struct db_params *params = db_params_new();
    struct columns columns;
    columns_init(&columns, params);
    for (size_t i = 0; i < batch->count; i++)
        columns_add(&columns, batch->items[i]);
    db_add_int(params, store_partitions(gateway->store));
    db_add_text(params, service_instance(gateway->service));
    db_add_int(params, conf->idempotency_hours);
    /* Own ids are keys while the event is kept; a day more, because events go by whole days. */
    db_add_int(params, conf->event_retention_days + 1);
    columns.named = db_add_array(params, DB_UUID);
    columns.snapshot_seq = db_add_array(params, DB_INT8);
    columns.backfill = db_add_array(params, DB_UUID);
    for (size_t i = 0; i < batch->count; i++)
        columns_add_marks(&columns, &batch->items[i]->event);
    return params;
}

/* ---- batches ---- */

static struct accept_batch *batch_new(struct accept *accept, size_t room)
{
    struct accept_batch *batch = mem_alloc(sizeof *batch + room * sizeof(struct accept_item *));
    batch->accept = accept;
    return batch;
}

/* What waits, in order of arrival, up to the ceilings. */
static struct accept_batch *cut_batch(struct accept *accept)
{
    size_t room = accept->queued < ACCEPT_BATCH_MAX ? accept->queued : ACCEPT_BATCH_MAX, bytes = 0;
    struct accept_batch *batch = batch_new(accept, room);
    struct accept_item *item;
    while (batch->count < room && (item = TAILQ_FIRST(&accept->queue))) {
        bytes += item->event.data_len;
        if (batch->count > 0 && bytes > ACCEPT_BATCH_BYTES_MAX)
            break;
        TAILQ_REMOVE(&accept->queue, item, link);
        accept->queued--;
        batch->items[batch->count++] = item;
    }
    return batch;
}

static void finish_batch(struct accept_batch *batch, enum accept_outcome outcome)
{
    for (size_t i = 0; i < batch->count; i++)
        accept_finish(batch->items[i], outcome);
    free(batch);
}

/* Goes next, before the queue: the order of arrival stays. Whose client has been answered meanwhile is left out. */
void accept_commit_again(struct accept_batch *batch)
{
    struct accept *accept = batch->accept;
    size_t left = 0;
    if (accept->running == batch)
        accept->running = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i]->outcome == ACCEPT_WAITING)
            batch->items[left++] = batch->items[i];
        else
            accept_finish(batch->items[i], ACCEPT_AWAY);
    }
    batch->count = left;
    if (left > 0)
        TAILQ_INSERT_HEAD(&accept->ahead, batch, link);
    else
        free(batch);
}

static void halve(struct accept_batch *batch)
{
    struct accept *accept = batch->accept;
    size_t first = batch->count / 2;
    struct accept_batch *halves[2] = {batch_new(accept, first), batch_new(accept, batch->count - first)};
    for (size_t i = 0; i < batch->count; i++) {
        struct accept_batch *half = halves[i >= first];
        half->items[half->count++] = batch->items[i];
        half->asked = batch->asked;
    }
    TAILQ_INSERT_HEAD(&accept->ahead, halves[1], link);
    TAILQ_INSERT_HEAD(&accept->ahead, halves[0], link);
    stats_add(accept->halved, 1);
    free(batch);
}

/* ---- answers of the database ---- */

static int by_id(const void *a, const void *b)
{
    const struct accept_item *const *left = a, *const *right = b;
    return uuid_compare(&(*left)->event.id, &(*right)->event.id);
}

struct accept_item *accept_batch_find(const struct accept_batch *batch, const struct uuid *id)
{
    struct accept_item wanted = {.event.id = *id}, *key = &wanted;
    struct accept_item **found = bsearch(&key, batch->items, batch->count, sizeof *batch->items, by_id);
    if (!found)
        bug("accept: the database answered an event that was not sent");
    return *found;
}

/* What each row says of its item; how many were stored. */
static int64_t take_rows(struct accept_batch *batch, const struct db_result *result)
{
    int id_column = db_column(result, "id"), seq_column = db_column(result, "seq");
    int64_t stored = 0;
    for (size_t row = 0; row < db_rows(result); row++) {
        struct uuid id;
        char text[UUID_TEXT_LEN + 1];
        db_get_uuid(result, row, id_column, &id);
        uuid_format(&id, text);
        struct accept_item *item = accept_batch_find(batch, &id);
        item->ahead = db_is_null(result, row, seq_column);
        if (!item->ahead)
            accept_set_event_id(item, item->event.client_id ? item->event.client_id : text);
        stored += !item->ahead;
    }
    return stored;
}

/* Committed. Whoever is missing from the answer lost a key to an earlier event. */
static void on_stored(struct accept_batch *batch, const struct db_result *result)
{
    struct accept *accept = batch->accept;
    size_t lost = 0;
    qsort(batch->items, batch->count, sizeof *batch->items, by_id);
    accept_hint(accept, batch, result);
    stats_add(accept->accepted, take_rows(batch, result));
    accept_storage_took(accept);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i]->event_id)
            accept_finish(batch->items[i], ACCEPT_CREATED);
        else if (batch->items[i]->ahead)
            accept_finish(batch->items[i], ACCEPT_AHEAD);
        else
            batch->items[lost++] = batch->items[i];
    }
    if (lost > 0)
        accept_find_owners(accept, batch->items, lost);
    free(batch);
}

/* Classes of SQLSTATE that say nothing about the events: the connection, rights, resources, an operator, the system. */
static bool is_absence(const char *sqlstate)
{
    static const char *const classes[] = {"08", "25", "28", "3D", "42", "53", "55", "57", "58", "F0", "XX"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (memcmp(sqlstate, classes[i], 2) == 0)
            return true;
    return strcmp(sqlstate, "23514") == 0; /* no table for that day: its maintenance is late */
}

static void on_refused(struct accept_batch *batch, const struct db_result *result)
{
    struct accept *accept = batch->accept;
    const char *sqlstate = db_sqlstate(result);
    bool half_taken = strcmp(sqlstate, "SY001") == 0; /* an event has two keys, and one of them is taken */
    bool collided = memcmp(sqlstate, "40", 2) == 0;   /* deadlock, serialization: nobody's fault */
    if (!half_taken && accept->refused_ms == 0)
        log_warn("commit refused", LOG_STR("sqlstate", sqlstate), LOG_STR("error", db_message(result)),
                 LOG_INT("events", batch->count));
    accept_storage_refused(accept, sqlstate, db_message(result), batch->count);
    if (is_absence(sqlstate) || (collided && batch->tries + 1 >= ACCEPT_TRIES_MAX)) {
        finish_batch(batch, ACCEPT_AWAY);
    } else if (collided) {
        batch->tries++;
        accept_commit_again(batch);
    } else if (half_taken && batch->count > 1 && !batch->asked) {
        batch->asked = true;
        accept->running = batch; /* nothing overtakes it */
        accept_find_halves(batch);
    } else if (batch->count > 1) {
        halve(batch);
    } else if (half_taken) {
        accept_find_owners(accept, batch->items, 1);
        free(batch);
    } else {
        finish_batch(batch, ACCEPT_REFUSED);
    }
}

static void on_commit(enum db_status status, const struct db_result *result, void *arg)
{
    struct accept_batch *batch = arg;
    struct accept *accept = batch->accept;
    accept->running = NULL;
    stats_add(accept->commits, 1);
    stats_observe_us(accept->commit_seconds, clock_mono_us() - batch->sent_us);
    if (status == DB_OK || status == DB_REFUSED)
        accept->progress_ms = clock_mono_ms();
    switch (status) {
    case DB_OK:
        on_stored(batch, result);
        break;
    case DB_REFUSED:
        on_refused(batch, result);
        break;
    case DB_AWAY: /* never sent; the tick tries it, whose time runs on */
        accept_commit_again(batch);
        return;
    case DB_UNKNOWN:
        finish_batch(batch, ACCEPT_UNKNOWN);
        break;
    }
    accept_schedule(accept);
}

/* ---- when ---- */

static void flush(struct accept *accept)
{
    struct accept_batch *batch = TAILQ_FIRST(&accept->ahead);
    if (accept->running || !store_up(accept->gateway->store))
        return;
    if (batch)
        TAILQ_REMOVE(&accept->ahead, batch, link);
    else if (accept->queued > 0)
        batch = cut_batch(accept);
    else
        return;
    accept->running = batch;
    batch->sent_ms = clock_mono_ms();
    batch->sent_us = clock_mono_us();
    db_query(store_db(accept->gateway->store), DB_WRITER, sql_accept_events, batch_params(batch), on_commit,
             batch);
}

void accept_check_drained(struct accept *accept)
{
    bool idle = !accept->running && accept->queued == 0 && TAILQ_EMPTY(&accept->ahead) && accept->asking == 0;
    if (!idle || !accept->drained)
        return;
    void (*drained)(void *arg) = accept->drained;
    accept->drained = NULL;
    drained(accept->drained_arg);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    flush(arg);
    accept_check_drained(arg);
}

/* One line a second at most. */
static void tell_expired(struct accept *accept, size_t events, bool up, int64_t now_ms)
{
    accept->untold += events;
    if (accept->untold == 0 || now_ms - accept->told_ms < TOLD_EVERY_MS)
        return;
    log_warn("events refused after waiting",
             LOG_STR("why", up ? "the database is up and answers no commit" : "the database is away"),
             LOG_INT("events", accept->untold), LOG_INT("waiting", accept->queued),
             LOG_INT("commit_ms", accept->running ? now_ms - accept->running->sent_ms : 0));
    accept->told_ms = now_ms;
    accept->untold = 0;
}

/* No commit was answered for so long: nobody can say when the next one will be. */
static void expire_waiting(struct accept *accept, int64_t now_ms)
{
    struct accept_item *item;
    struct accept_batch *batch;
    bool up = store_up(accept->gateway->store);
    int64_t wait_ms = up ? ACCEPT_SLOW_MS : ACCEPT_WAIT_MS;
    enum accept_outcome outcome = up ? ACCEPT_SLOW : ACCEPT_AWAY;
    size_t expired = 0;
    if (now_ms - accept->progress_ms >= wait_ms) {
        for (; (item = TAILQ_FIRST(&accept->queue)) && now_ms - item->queued_ms >= wait_ms; expired++) {
            TAILQ_REMOVE(&accept->queue, item, link);
            accept->queued--;
            accept_finish(item, outcome);
        }
        while ((batch = TAILQ_FIRST(&accept->ahead)) && now_ms - batch->items[0]->queued_ms >= wait_ms) {
            TAILQ_REMOVE(&accept->ahead, batch, link);
            expired += batch->count;
            finish_batch(batch, outcome);
        }
    }
    tell_expired(accept, expired, up, now_ms);
}

/* Clients of a commit that hangs, and those behind them with the same keys, are told so: at once where the whole database is
 * silent. The items stay in the batch. */
static void answer_overdue(struct accept *accept, int64_t now_ms)
{
    struct accept_batch *batch = accept->running;
    bool up = store_up(accept->gateway->store);
    if (!batch || (up && now_ms - batch->sent_ms < ACCEPT_OVERDUE_MS))
        return;
    for (size_t i = 0; i < batch->count; i++) {
        accept_answer(batch->items[i], ACCEPT_UNKNOWN);
        accept_settle_followers(batch->items[i], ACCEPT_UNKNOWN);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct accept *accept = arg;
    int64_t now_ms = clock_mono_ms();
    stats_set(accept->queued_now, (int64_t)accept->queued);
    expire_waiting(accept, now_ms);
    answer_overdue(accept, now_ms);
    flush(accept);
    accept_check_drained(accept);
    if (!accept->running && accept->queued == 0 && TAILQ_EMPTY(&accept->ahead) && accept->untold == 0)
        event_del(accept->tick);
}

void accept_schedule(struct accept *accept)
{
    static const struct timeval tick = {0, ACCEPT_TICK_MS * 1000};
    event_active(accept->flush, EV_TIMEOUT, 0);
    if (!event_pending(accept->tick, EV_TIMEOUT, NULL))
        event_add(accept->tick, &tick);
}

static void on_store(bool up, void *arg)
{
    struct accept *accept = arg;
    if (up)
        accept_schedule(accept);
    else if (accept->running) /* whose answer may not come for long */
        event_active(accept->tick, EV_TIMEOUT, 0);
}

void accept_commit_start(struct accept *accept)
{
    struct event_base *base = service_base(accept->gateway->service);
    accept->flush = event_new(base, -1, 0, on_flush, accept);
    accept->tick = event_new(base, -1, EV_PERSIST, on_tick, accept);
    store_on_state(accept->gateway->store, on_store, accept);
    accept_storage_start(accept);
}

void accept_commit_stop(struct accept *accept)
{
    struct accept_batch *batch;
    while ((batch = TAILQ_FIRST(&accept->ahead))) {
        TAILQ_REMOVE(&accept->ahead, batch, link);
        finish_batch(batch, ACCEPT_AWAY);
    }
    event_free(accept->flush);
    event_free(accept->tick);
}
