/*
 * turn.c: the resolver's turn: references in hand → one reading → verdicts → one statement → the decisions' references to the
 * router's streams, one hand-over per partition. One turn is under way at a time; what is in no answer is no longer open.
 *
 * Verdicts that are refused are tried in halves until the culprit is alone; that one goes to a person, as does what every resolver
 * ended on (I9).
 */
#include <event2/event.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "resolver.h"
#include "service.h"
#include "sql.h"
#include "stats.h"
#include "store.h"
#include "stream.h"

#define RETRY_MS 200
#define TURN_MAX 1000 /* conflicts */

void turn_start_in(struct resolver *resolver, int64_t ms)
{
    struct timeval after = {ms / 1000, (ms % 1000) * 1000};

    if (!evtimer_pending(resolver->start_timer, NULL))
        evtimer_add(resolver->start_timer, &after);
}

void turn_init(struct resolver *resolver)
{
    resolver->limit = TURN_MAX;
}

void turn_add(struct resolver *resolver, struct stage_item **items, size_t count)
{
    resolver->queue = mem_realloc(resolver->queue, (resolver->queued + count + 1) * sizeof *resolver->queue);
    for (size_t i = 0; i < count; i++)
        resolver->queue[resolver->queued++] = items[i];
    turn_start_in(resolver, 0);
}

void turn_lose(struct resolver *resolver, unsigned partition)
{
    size_t kept = 0;

    for (size_t i = 0; i < resolver->queued; i++)
        if (resolver->queue[i]->partition == partition)
            stage_drop(resolver->stage, resolver->queue[i]);
        else
            resolver->queue[kept++] = resolver->queue[i];
    resolver->queued = kept;
    for (size_t i = 0; i < resolver->turn_count; i++)
        if (resolver->turn[i] && resolver->turn[i]->partition == partition) {
            stage_drop(resolver->stage, resolver->turn[i]);
            resolver->turn[i] = NULL;
        }
}

static void end_turn(struct resolver *resolver, int64_t pause_ms)
{
    free(resolver->turn);
    resolver->turn = NULL;
    resolver->turn_count = 0;
    stage_flush(resolver->stage);
    if (resolver->queued > 0)
        turn_start_in(resolver, pause_ms);
}

/* PostgreSQL did not do it, or nobody knows: again, and first. */
static void put_back(struct resolver *resolver, int64_t pause_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < resolver->turn_count; i++)
        if (resolver->turn[i])
            resolver->turn[kept++] = resolver->turn[i];
    resolver->queue = mem_realloc(resolver->queue, (resolver->queued + kept + 1) * sizeof *resolver->queue);
    memmove(resolver->queue + kept, resolver->queue, resolver->queued * sizeof *resolver->queue);
    memcpy(resolver->queue, resolver->turn, kept * sizeof *resolver->queue);
    resolver->queued += kept;
    end_turn(resolver, pause_ms);
}

static void refused(struct resolver *resolver, const struct db_result *result)
{
    bool about_data = db_refused_data(db_sqlstate(result));

    log_error("verdicts refused", LOG_INT("conflicts", resolver->turn_count),
              LOG_STR("sqlstate", db_sqlstate(result)), LOG_STR("error", db_message(result)));
    if (about_data)
        resolver->limit = resolver->turn_count > 1 ? resolver->turn_count / 2 : 1;
    if (about_data && resolver->turn_count == 1) {
        if (resolver->helpless && resolver->turn[0]) { /* not even that: it stays open, and holds up nobody */
            stage_done(resolver->stage, resolver->turn[0]);
            resolver->turn[0] = NULL;
        }
        resolver->helpless = !resolver->helpless;
    }
    put_back(resolver, about_data ? 0 : RETRY_MS);
}

static void finish(struct resolver *resolver)
{
    for (size_t i = 0; i < resolver->turn_count; i++)
        if (resolver->turn[i])
            stage_done(resolver->stage, resolver->turn[i]);
    end_turn(resolver, 0);
}

static struct stage_item *item_of(const struct resolver *resolver, const struct uuid *event)
{
    for (size_t i = 0; i < resolver->turn_count; i++)
        if (resolver->turn[i] && uuid_equal(&resolver->turn[i]->ref.event, event))
            return resolver->turn[i];
    return NULL;
}

/* The decision goes to the router; a hint: without it the router finds the event ready. */
static void publish(struct resolver *resolver, const struct db_result *result, size_t row)
{
    struct uuid contest;
    struct ref ref = {.seq = db_get_int(result, row, db_column(result, "seq"))};
    const char *trace = db_get_text(result, row, db_column(result, "trace"), NULL);
    char key[MSG_KEY_MAX];
    struct stage_item *item;

    db_get_uuid(result, row, db_column(result, "contest"), &contest);
    item = item_of(resolver, &contest);
    if (!item)
        return;
    db_get_uuid(result, row, db_column(result, "id"), &ref.event);
    db_get_uuid(result, row, db_column(result, "record_id"), &ref.record);
    if (msg_event_type(db_get_text(result, row, db_column(result, "event_type"), NULL), &ref.type) != 0)
        return;
    snprintf(ref.trace, sizeof ref.trace, "%s", trace ? trace : "");
    snprintf(ref.tenant, sizeof ref.tenant, "%s", item->ref.tenant);
    msg_key_events(key, PRIORITY_HIGH, item->partition);
    belt_publish(stage_call(resolver->stage, item->partition), key, resolver->window, &ref);
}

static void on_written(enum db_status status, const struct db_result *result, void *arg)
{
    struct resolver *resolver = arg;

    if (status == DB_REFUSED) {
        refused(resolver, result);
        return;
    }
    if (status != DB_OK) {
        put_back(resolver, RETRY_MS);
        return;
    }
    resolver->helpless = false;
    resolver->limit = resolver->limit * 2 < TURN_MAX ? resolver->limit * 2 : TURN_MAX;
    for (size_t row = 0; row < db_rows(result); row++)
        publish(resolver, result, row);
    stats_add(resolver->stat_decided, (int64_t)db_rows(result));
    finish(resolver);
}

struct verdict_arrays {
    struct db_array *id, *partition, *status, *types, *result, *confidence, *note, *event, *data, *policies;
};

static void add_arrays(struct verdict_arrays *a, struct db_params *params)
{
    a->id = db_add_array(params, DB_UUID), a->partition = db_add_array(params, DB_INT2);
    a->status = db_add_array(params, DB_TEXT), a->types = db_add_array(params, DB_TEXT);
    a->result = db_add_array(params, DB_BYTEA), a->confidence = db_add_array(params, DB_INT2);
    a->note = db_add_array(params, DB_TEXT), a->event = db_add_array(params, DB_UUID);
    a->data = db_add_array(params, DB_BYTEA), a->policies = db_add_array(params, DB_TEXT);
}

static void add_body(struct db_array *array, const struct json *json)
{
    struct buf text = BUF_INIT;

    buf_add_ch(&text, BODY_PLAIN);
    json_write(&text, json);
    db_array_bytes(array, text.data, text.len);
    buf_release(&text);
}

/* Every resolver that had it in hand ended, the last one with nothing else in hand. */
static bool is_poison(const struct resolver *resolver)
{
    return resolver->turn_count == 1 && resolver->turn[0] &&
           resolver->turn[0]->handouts >= STAGE_HANDOUTS_PARK;
}

static void add_verdict(struct resolver *resolver, const struct db_result *result, size_t row,
                        struct verdict_arrays *a)
{
    struct verdict verdict;
    struct uuid id, event;

    if (resolver->helpless || is_poison(resolver))
        verdict_for_person(resolver, result, row, &verdict);
    else
        verdict_find(resolver, result, row, &verdict);
    db_get_uuid(result, row, db_column(result, "id"), &id);
    db_array_uuid(a->id, &id);
    db_array_int(a->partition, db_get_int(result, row, db_column(result, "partition")));
    db_array_text(a->status, verdict.waits ? "waiting" : "deciding");
    db_array_text_len(a->types, verdict.types.len ? verdict.types.data : "", verdict.types.len);
    add_body(a->result, verdict.result);
    db_array_int(a->confidence, verdict.confidence);
    db_array_text_len(a->note, verdict.note.len ? verdict.note.data : "", verdict.note.len);
    if (json_count(verdict.decided) > 0) {
        uuid_v7(&event, clock_db_ms());
        db_array_uuid(a->event, &event);
        add_body(a->data, verdict.decided);
    } else {
        db_array_null(a->event);
        db_array_null(a->data);
    }
    db_array_text(a->policies, verdict.policies);
    stats_add(resolver->stat_waiting, verdict.waits);
    verdict_release(&verdict);
}

static void on_read(enum db_status status, const struct db_result *result, void *arg)
{
    struct resolver *resolver = arg;
    struct verdict_arrays arrays;
    struct db_params *params;

    if (status == DB_REFUSED)
        log_error("reading conflicts refused", LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
    if (status != DB_OK) {
        put_back(resolver, RETRY_MS);
        return;
    }
    if (db_rows(result) == 0) {
        finish(resolver);
        return;
    }
    params = db_params_new();
    db_add_text(params, PROTO_STAGE_RESOLVER);
    db_add_text(params, service_instance(resolver->service));
    stage_add_fences(resolver->stage, params);
    db_add_text(params, service_instance(resolver->service));
    add_arrays(&arrays, params);
    for (size_t row = 0; row < db_rows(result); row++)
        add_verdict(resolver, result, row, &arrays);
    db_query(store_db(resolver->store), DB_WRITER, sql_resolver_write, params, on_written, resolver);
}

static void on_policies(bool ready, void *arg)
{
    struct resolver *resolver = arg;
    struct db_params *params;
    struct db_array *events;

    if (!ready) {
        put_back(resolver, RETRY_MS);
        return;
    }
    params = db_params_new();
    events = db_add_array(params, DB_UUID);
    for (size_t i = 0; i < resolver->turn_count; i++)
        if (resolver->turn[i])
            db_array_uuid(events, &resolver->turn[i]->ref.event);
    db_query(store_db(resolver->store), DB_WRITER, sql_resolver_read, params, on_read, resolver);
}

/* Up to the limit; what was handed out often goes alone. */
static void take_turn(struct resolver *resolver)
{
    size_t count = 1;

    if (resolver->queue[0]->handouts < STAGE_HANDOUTS_ALONE)
        while (count < resolver->queued && count < resolver->limit &&
               resolver->queue[count]->handouts < STAGE_HANDOUTS_ALONE)
            count++;
    resolver->turn = mem_array(count, sizeof *resolver->turn);
    memcpy(resolver->turn, resolver->queue, count * sizeof *resolver->turn);
    resolver->turn_count = count;
    resolver->queued -= count;
    memmove(resolver->queue, resolver->queue + count, resolver->queued * sizeof *resolver->queue);
}

void turn_start(struct resolver *resolver)
{
    const char **tenants;

    if (resolver->turn_count > 0 || resolver->queued == 0)
        return;
    if (!store_up(resolver->store)) {
        turn_start_in(resolver, RETRY_MS);
        return;
    }
    take_turn(resolver);
    tenants = mem_array(resolver->turn_count, sizeof *tenants);
    for (size_t i = 0; i < resolver->turn_count; i++)
        tenants[i] = resolver->turn[i]->ref.tenant;
    policies_need(resolver->policies, tenants, resolver->turn_count, on_policies, resolver);
    free(tenants);
}
