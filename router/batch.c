/*
 * batch.c: the router's turn: references in hand → one reading → decisions → one statement → one hand-over per partition.
 *
 * One batch is under way at a time; what arrives meanwhile makes the next, so batches grow by themselves under load and an
 * idle event leaves at once. A batch that is refused is split in halves until the culprit is alone (I9); one that was
 * overtaken is read again. Nothing is acknowledged before the statement has committed.
 */
#include <event2/event.h>

#include "clock.h"
#include "conf.h"
#include "hints.h"
#include "links.h"
#include "log.h"
#include "mem.h"
#include "router.h"
#include "service.h"
#include "sql.h"
#include "stats.h"
#include "store.h"

#define RETRY_MS 200

void batch_start_in(struct router *router, int64_t ms)
{
    struct timeval after = {ms / 1000, (ms % 1000) * 1000};

    if (!evtimer_pending(router->start_timer, NULL))
        evtimer_add(router->start_timer, &after);
}

static void end_batch(struct router *router, int64_t pause_ms)
{
    routing_free(&router->routing);
    router->count = 0;
    router->busy = false;
    if (router->next_platforms) {
        platform_set_free(&router->platforms);
        router->platforms = router->next_platforms;
        router->next_platforms = NULL;
    }
    stage_flush(router->stage);
    if (router->queued > 0)
        batch_start_in(router, pause_ms);
}

/* Everything still undecided goes back in front of the queue. */
static void put_back(struct router *router)
{
    size_t kept = 0;

    for (size_t i = 0; i < router->count; i++)
        kept += router->decisions[i].item != NULL;
    memmove(router->queue + kept, router->queue, router->queued * sizeof *router->queue);
    router->queued += kept;
    for (size_t i = 0, at = 0; i < router->count; i++)
        if (router->decisions[i].item)
            router->queue[at++] = (struct queued){.item = router->decisions[i].item};
}

void batch_again(struct router *router, int64_t pause_ms)
{
    put_back(router);
    end_batch(router, pause_ms);
}

static void publish(struct router *router, const struct decision *decision)
{
    const struct stage_item *item = decision->item;
    struct belt_call *call = stage_call(router->stage, item->partition);
    char key[MSG_KEY_MAX];
    int64_t limit = hints_limit(router->hints, item->ref.tenant, clock_mono_ms());

    for (size_t i = 0; i < platform_count(router->platforms); i++)
        if (decision->targets & UINT32_C(1) << i) {
            msg_key_deliver(key, platform_name(platform_at(router->platforms, i)), item->priority,
                            item->partition);
            belt_publish(call, key, limit, &item->ref);
        }
    if (decision->contests) {
        msg_key_conflicts(key, item->partition);
        belt_publish(call, key, limit, &item->ref);
    }
}

/* Hand-over: publish to the targets and acknowledge here, one script per partition. */
static void hand_over(struct router *router, struct decision *decision)
{
    if (!decision->item)
        return;
    if (decision->verdict != ROUTE_HOLD) {
        publish(router, decision);
        belt_activity_add(router->activity, &decision->item->ref, "routed", NULL);
    }
    stage_done(router->stage, decision->item);
    decision->item = NULL;
}

void batch_drop(struct router *router, struct decision *decision)
{
    if (decision->item)
        stage_drop(router->stage, decision->item);
    decision->item = NULL;
}

static void after_write(struct router *router, const struct db_result *result)
{
    int column = db_column(result, "partition");
    uint8_t written[256] = {0};

    for (size_t row = 0; row < db_rows(result); row++)
        written[db_get_int(result, row, column) & 255] = 1;
    for (size_t i = 0; i < router->count; i++) {
        struct decision *decision = &router->decisions[i];
        if (!decision->item || decision->verdict == ROUTE_MOVE)
            continue;
        if (decision->verdict == ROUTE_WRITE && !written[decision->item->partition])
            batch_drop(router, decision); /* our fence is no longer the partition's: its owner routes it */
        else
            hand_over(router, decision);
    }
    routing_raise(router->routing, router->alerts);
    stats_add(router->stat_routed, (int64_t)router->count);
    links_written(router);
    router->limit = router->limit * 2 < ROUTER_BATCH_MAX ? router->limit * 2 : ROUTER_BATCH_MAX;
    free(router->condemned);
    router->condemned = NULL;
}

/* The batch cannot be written as it is: halves find the culprit, which is then refused with its reason. */
static void refused(struct router *router, const struct db_result *result)
{
    bool about_data = db_refused_data(db_sqlstate(result));

    log_warn("batch refused", LOG_INT("events", router->count), LOG_STR("sqlstate", db_sqlstate(result)),
             LOG_STR("error", db_message(result)));
    if (about_data && router->count > 1) {
        router->limit = router->count / 2;
    } else if (about_data && !router->condemned) {
        struct buf why = BUF_INIT;
        buf_addf(&why, "it could not be stored (%s): change the data and send it again", db_sqlstate(result));
        router->condemned = buf_detach(&why, NULL);
        router->limit = 1;
    } else if (about_data && router->decisions[0].item) {
        stage_done(router->stage,
                   router->decisions[0].item); /* not even the refusal: it stays ready, and holds up nobody */
        router->decisions[0].item = NULL;
        free(router->condemned);
        router->condemned = NULL;
    }
    put_back(router);
    end_batch(router, about_data || strcmp(db_sqlstate(result), "SY001") == 0 ? 0 : RETRY_MS);
}

static void on_written(enum db_status status, const struct db_result *result, void *arg)
{
    struct router *router = arg;

    if (status == DB_OK) {
        after_write(router, result);
        end_batch(router, 0);
    } else if (status == DB_REFUSED) {
        refused(router, result);
    } else { /* done or not: the next reading tells, routed events hand over again only what is open */
        put_back(router);
        end_batch(router, RETRY_MS);
    }
}

static void on_moved(enum db_status status, const struct db_result *result, void *arg)
{
    struct router *router = arg;

    for (size_t row = 0; status == DB_OK && row < db_rows(result); row++) {
        struct uuid id;
        db_get_uuid(result, row, db_column(result, "id"), &id);
        for (size_t i = 0; i < router->count; i++) {
            struct decision *decision = &router->decisions[i];
            if (!decision->item || decision->verdict != ROUTE_MOVE ||
                !uuid_equal(&decision->item->ref.event, &id))
                continue;
            unsigned partition = (unsigned)db_get_int(result, row, db_column(result, "partition"));
            struct ref ref = decision->item->ref;
            struct belt_call *call = belt_call_new(partition);
            char key[MSG_KEY_MAX];
            ref.record = decision->moved_to;
            msg_key_events(key, decision->item->priority, partition);
            /* Published there, acknowledged here; should the same id be on both for a moment, the second finds it routed. */
            stage_done(router->stage, decision->item);
            decision->item = NULL;
            stage_flush(router->stage);
            belt_publish(call, key, router->window, &ref);
            belt_send(router->belt, call, "", 0, NULL, NULL);
        }
    }
    for (size_t i = 0; i < router->count; i++)
        if (router->decisions[i].verdict == ROUTE_MOVE)
            batch_drop(router, &router->decisions[i]);
    if (routing_count(router->routing) > 0) {
        struct db_params *params = routing_params(router->routing);
        db_query(store_db(router->store), DB_WRITER, sql_router_write, params, on_written, router);
        return;
    }
    for (size_t i = 0; i < router->count; i++)
        hand_over(router, &router->decisions[i]);
    end_batch(router, 0);
}

static void move(struct router *router)
{
    struct db_params *params = db_params_new();
    struct db_array *ids, *partitions, *records, *links;

    db_add_text(params, PROTO_STAGE_ROUTER);
    db_add_text(params, service_instance(router->service));
    stage_add_fences(router->stage, params);
    ids = db_add_array(params, DB_UUID);
    partitions = db_add_array(params, DB_INT2);
    records = db_add_array(params, DB_UUID);
    db_add_int(params, store_partitions(router->store));
    links = db_add_array(params, DB_UUID);
    for (size_t i = 0; i < router->count; i++)
        if (router->decisions[i].item && router->decisions[i].verdict == ROUTE_MOVE) {
            db_array_uuid(ids, &router->decisions[i].item->ref.event);
            db_array_int(partitions, router->decisions[i].item->partition);
            db_array_uuid(records, &router->decisions[i].moved_to);
            if (router->decisions[i].binds)
                db_array_uuid(links, &router->decisions[i].link);
            else
                db_array_null(links);
        }
    db_query(store_db(router->store), DB_WRITER, sql_router_move, params, on_moved, router);
}

/* Why this event is refused although it may be fine: it was the culprit of a batch, or nobody survived handling it. */
static const char *refusal(const struct router *router, const struct decision *decision)
{
    if (router->condemned && router->count == 1)
        return router->condemned;
    if (decision->item->handouts >= STAGE_HANDOUTS_PARK)
        return "it was handed out several times and never finished: routers may have ended on it";
    return NULL;
}

static void decide(struct router *router, const struct db_result *result, size_t row,
                   const struct map *by_event)
{
    struct event_row event;
    struct decision *decision;
    const char *why;

    event_row_read(result, row, &event);
    decision = map_get(by_event, event.id.bytes, sizeof event.id.bytes);
    if (!decision || event.partition != decision->item->partition)
        return; /* moved meanwhile: its own partition has it */
    why = refusal(router, decision);
    if (why && event.status == EVENT_STATUS_PENDING)
        route_refuse(router->routing, &event, why, decision);
    else
        route_event(router->routing, result, &event, decision);
}

static void expect_all(struct router *router, const struct db_result *result)
{
    struct uuid record;

    for (size_t row = 0; row < db_rows(result); row++)
        if (db_get_uuid(result, row, db_column(result, "record_id"), &record) == 0)
            routing_expect(router->routing, &record);
}

static void decide_all(struct router *router, const struct db_result *result)
{
    const struct conf *conf = service_conf(router->service);
    const struct routing_spec spec = {.platforms = router->platforms,
                                      .policies = router->policies,
                                      .stage = router->stage,
                                      .writer = service_instance(router->service),
                                      .lookup_key = store_fingerprint_key(router->store),
                                      .partitions = store_partitions(router->store),
                                      .external_id = conf->link_external_id,
                                      .by_email = conf->link_by_email,
                                      .brake_deletes = conf->brake_deletes,
                                      .brake_percent = conf->brake_percent,
                                      .brake_changes = conf->brake_changes,
                                      .step = router->step};
    struct map *by_event = map_new();

    for (size_t i = 0; i < router->count; i++) {
        struct decision *decision = &router->decisions[i];
        decision->verdict = ROUTE_NOTHING; /* unless its row says otherwise */
        if (decision->item)
            map_put(by_event, decision->item->ref.event.bytes, sizeof decision->item->ref.event.bytes,
                    decision);
    }
    router->routing = routing_new(&spec);
    expect_all(router, result);
    for (size_t row = 0; row < db_rows(result); row++)
        decide(router, result, row, by_event);
    map_free(&by_event);
}

void batch_write(struct router *router)
{
    bool moves = false;

    for (size_t i = 0; i < router->count; i++)
        moves |= router->decisions[i].verdict == ROUTE_MOVE;
    if (moves) {
        move(router);
    } else if (routing_count(router->routing) > 0) {
        db_query(store_db(router->store), DB_WRITER, sql_router_write, routing_params(router->routing),
                 on_written, router);
    } else {
        for (size_t i = 0; i < router->count; i++)
            hand_over(router, &router->decisions[i]);
        end_batch(router, 0);
    }
}

static void on_read(enum db_status status, const struct db_result *result, void *arg)
{
    struct router *router = arg;

    if (status != DB_OK) {
        if (status == DB_REFUSED)
            log_error("read refused", LOG_STR("sqlstate", db_sqlstate(result)),
                      LOG_STR("error", db_message(result)));
        batch_again(router, RETRY_MS);
        return;
    }
    /* Partitions may have been lost while this was read. */
    for (size_t i = 0; i < router->count; i++)
        if (router->decisions[i].item && !stage_holds(router->stage, router->decisions[i].item->partition)) {
            batch_again(router, RETRY_MS);
            return;
        }
    if (links_alone(router, result))
        return;
    decide_all(router, result);
    if (!links_bind(router))
        batch_write(router);
}

/* Takes the next batch from the queue: up to the limit; what was handed out often goes alone. Of low priority there are few in
 * it: a fresh event that comes meanwhile waits for the end of this batch. */
static void take_batch(struct router *router)
{
    size_t count = 0, low = 0;

    while (count < router->queued && count < router->limit && low < ROUTER_BATCH_LOW_MAX) {
        const struct stage_item *item = router->queue[count].item;
        low += item->priority == PRIORITY_LOW;
        if (item->handouts >= STAGE_HANDOUTS_ALONE) {
            if (count == 0)
                count = 1;
            break;
        }
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        router->decisions[i] = (struct decision){.item = router->queue[i].item};
        if (router->queue[i].turn > router->turn[router->queue[i].item->priority])
            router->turn[router->queue[i].item->priority] = router->queue[i].turn;
    }
    router->count = count;
    router->queued -= count;
    memmove(router->queue, router->queue + count, router->queued * sizeof *router->queue);
}

static void on_policies(bool ready, void *arg)
{
    struct router *router = arg;
    struct db_params *params;
    struct db_array *ids;

    if (!ready) {
        put_back(router);
        end_batch(router, RETRY_MS);
        return;
    }
    params = db_params_new();
    ids = db_add_array(params, DB_UUID);
    for (size_t i = 0; i < router->count; i++)
        if (router->decisions[i].item)
            db_array_uuid(ids, &router->decisions[i].item->ref.event);
    db_query(store_db(router->store), DB_WRITER, sql_router_read, params, on_read, router);
}

/* First the policies of the batch's tenants: they are at hand as a rule. */
void batch_read(struct router *router)
{
    const char *tenants[ROUTER_BATCH_MAX];
    size_t count = 0;

    for (size_t i = 0; i < router->count; i++)
        if (router->decisions[i].item)
            tenants[count++] = router->decisions[i].item->ref.tenant;
    policies_need(router->policies, tenants, count, on_policies, router);
}

void batch_start(struct router *router)
{
    if (router->busy || router->queued == 0)
        return;
    if (!store_up(router->store)) {
        batch_start_in(router, RETRY_MS);
        return;
    }
    router->busy = true;
    take_batch(router);
    stats_observe_us(router->stat_batch, (int64_t)router->count);
    batch_read(router);
}
