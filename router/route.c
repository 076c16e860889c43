/*
 * route.c: decides one event: is it valid, what does it make of its record, who gets it. Several events of one record in a
 * batch are folded here: each has its own version, the record is written once.
 */
#include "audience.h"
#include "clock.h"
#include "contests.h"
#include "history.h"
#include "hops.h"
#include "link.h"
#include "links.h"
#include "log.h"
#include "mapping.h"
#include "mem.h"
#include "objections.h"
#include "proto.h"
#include "rows.h"
#include "timefmt.h"

struct folded *route_fold(struct routing *routing, const struct db_result *result,
                          const struct event_row *event)
{
    struct folded *folded = map_get(routing->records, event->record_id.bytes, sizeof event->record_id.bytes);

    if (folded)
        return folded;
    folded = mem_alloc(sizeof *folded);
    folded->id = event->record_id;
    folded->partition = event->partition;
    folded->entity = msg_event_entity(event->type);
    folded->tenant = mem_strdup(event->tenant);
    folded->audience = mem_strdup(event->audience ? event->audience : "");
    if (db_is_null(result, event->row, db_column(result, "record_version"))) {
        record_init(&folded->record);
        folded->entity_id = mem_strdup(event->entity_id);
    } else {
        event_row_record(result, event->row, &folded->record);
        folded->was_there = !folded->record.deleted;
        folded->rested = event->rested;
        db_get_uuid(result, event->row, db_column(result, "record_event"), &folded->event);
        folded->entity_id =
            mem_strdup(db_get_text(result, event->row, db_column(result, "record_entity_id"), NULL));
    }
    if (routing_meets_again(routing, &folded->id)) {
        struct json *none = json_new_array();
        folded->made = history_read(NULL);
        history_add(folded->made, &folded->record, "", none, false);
        json_free(none);
    }
    map_put(routing->records, folded->id.bytes, sizeof folded->id.bytes, folded);
    return folded;
}

static void mark_target(const struct platform *platform, size_t index, void *arg)
{
    (void)platform;
    *(uint32_t *)arg |= UINT32_C(1) << index;
}

struct addressing {
    struct routing *routing;
    const struct event_row *event;
    int64_t version;
    const char *error;
    const char *skipped; /* why all of them have this already; NULL: they may not */
    bool also;           /* of the audience, but not named */
    bool source_too;     /* it has not seen what its change was merged with */
    bool source_alone;   /* nothing is new to the others */
    const char *asserts; /* and gets these fields although it is thought to have them; NULL: none */
    uint32_t seen;       /* or not to be addressed */
    uint32_t open, open_named;
    int dead;
};

#define NOTHING_NEW "the webhook told nothing new"

static void address(const struct platform *target, size_t index, void *arg)
{
    struct addressing *a = arg;
    struct delivery_row row = {
        .target = platform_name(target), .version = a->version, .state = DELIVERY_OPEN, .named = !a->also};
    bool source = strcmp(row.target, a->event->source) == 0;

    if ((a->seen & UINT32_C(1) << index) || (source && !(a->source_too && a->also)))
        return;
    if (a->source_alone && a->also && !source)
        return;
    a->seen |= UINT32_C(1) << index;
    if (a->error) {
        row.version = 0;
        row.state = DELIVERY_DEAD;
        row.error = a->error;
        a->dead++;
    } else if (!platform_route(target, a->event->type, msg_event_verb(a->event->type))->takes) {
        row.state = DELIVERY_SKIPPED;
        row.error = "this platform does not take this type of event";
    } else if (a->skipped || (a->source_alone && row.named)) {
        row.state = DELIVERY_SKIPPED;
        row.error = a->skipped ? a->skipped : NOTHING_NEW;
    } else {
        row.asserts = source ? a->asserts : NULL;
        a->open |= UINT32_C(1) << index;
        if (row.named)
            a->open_named |= UINT32_C(1) << index;
    }
    routing_add_delivery(a->routing, a->event, &row);
}

/* Deliveries to the named targets, and to those whom the record was sent before; and the event's own row. */
static void finish_to(struct addressing *a, const char *entity_id, const char *audience,
                      struct decision *decision)
{
    enum event_status status = EVENT_STATUS_ROUTED;

    audience_each(a->routing->spec.platforms, a->event->targets, address, a);
    a->also = true;
    if (!a->error && !a->skipped)
        audience_each(a->routing->spec.platforms, audience, address, a);
    if (a->error)
        status = EVENT_STATUS_FAILED;
    else if (a->open_named == 0)
        status = EVENT_STATUS_COMPLETED;
    routing_add_event(a->routing, a->event, status, a->version, entity_id, __builtin_popcount(a->open_named),
                      a->dead, a->error);
    decision->verdict = ROUTE_WRITE;
    decision->targets = a->open;
}

/* error: the event is refused, and every target with it. */
static void finish(struct routing *routing, const struct event_row *event, int64_t version,
                   const char *entity_id, const char *error, struct decision *decision)
{
    struct addressing a = {.routing = routing, .event = event, .version = version, .error = error};

    finish_to(&a, entity_id, NULL, decision);
}

/* Did others make a version that the source had not seen? It is on its way there, or will be: with what is required it brings the
 * value of before, over the source's own. */
static bool has_unseen(const struct event_row *event, const struct change *change)
{
    for (size_t i = 0; i < change->history_count; i++)
        /* Without a source: where this batch found the record. Its versions before are told with theirs. */
        if (change->history[i].version > event->base_version && *change->history[i].source &&
            strcmp(change->history[i].source, event->source) != 0)
            return true;
    return event->started_version > event->base_version;
}

/* Is something of this batch on its way to the source? */
static bool was_addressed(const struct routing *routing, const struct event_row *event,
                          const struct folded *folded)
{
    for (size_t i = 0; i < platform_count(routing->spec.platforms); i++)
        if (strcmp(platform_name(platform_at(routing->spec.platforms, i)), event->source) == 0)
            return (folded->addressed & UINT32_C(1) << i) != 0;
    return false;
}

/* Must the source be told, too, what became of its change? It had not seen all that was sent to it or will be, says what it was
 * sent before the latest, or deleted what stays. What is not finished towards it may come there over its change. */
static bool is_behind(const struct event_row *event, bool addressed, const struct change *change,
                      const struct merge *merge)
{
    return merge->undeleted || json_count(merge->stale) > 0 ||
           (merge->advanced && (event->owed || addressed || has_unseen(event, change)));
}

/* What the source says otherwise than it was sent: it goes there again. All of a record that it deleted, and that stays. */
static void list_asserted(const struct merge *merge, struct buf *fields)
{
    for (size_t i = 0; i < json_count(merge->stale) && !merge->undeleted; i++)
        buf_addf(fields, "%s%s", i ? "," : "", json_text(json_at(merge->stale, i), NULL));
    if (merge->undeleted)
        buf_add_str(fields, "*");
}

/* To those named, and where something is new to the whole audience. */
static void finish_merged(struct routing *routing, const struct event_row *event, struct folded *folded,
                          const struct change *change, const struct merge *merge, struct decision *decision)
{
    struct buf asserted = BUF_INIT;
    struct addressing a = {.routing = routing,
                           .event = event,
                           .version = folded->record.version,
                           .source_too =
                               is_behind(event, was_addressed(routing, event, folded), change, merge),
                           .source_alone = event->webhook && !merge->advanced};

    list_asserted(merge, &asserted);
    a.asserts = asserted.len > 0 ? asserted.data : NULL;
    finish_to(&a, folded->entity_id, merge->advanced || a.source_too ? folded->audience : NULL, decision);
    folded->addressed |= a.open;
    buf_release(&asserted);
}

/* A row of a page that changed nothing goes only to those who lack the record. */
static void finish_unchanged(struct routing *routing, const struct event_row *event,
                             const struct folded *folded, struct decision *decision)
{
    struct addressing a = {.routing = routing, .event = event, .version = folded->record.version};

    if (folded->record.deleted)
        a.seen = UINT32_MAX;
    else
        audience_each(routing->spec.platforms, event->held_by, mark_target, &a.seen);
    finish_to(&a, folded->entity_id, NULL, decision);
    if (a.open == 0)
        routing_add_unchanged(routing, event);
}

/* What changed nothing goes nowhere, also not to those who were never named for the record. */
void route_skip(struct routing *routing, const struct event_row *event, const struct folded *folded,
                const char *why, struct decision *decision)
{
    struct addressing a = {
        .routing = routing, .event = event, .version = folded->record.version, .skipped = why};

    finish_to(&a, folded->entity_id, NULL, decision);
}

void route_refuse(struct routing *routing, const struct event_row *event, const char *why,
                  struct decision *decision)
{
    finish(routing, event, 0, event->entity_id, why, decision);
}

static void join_errors(const struct json *errors, struct buf *text)
{
    for (size_t i = 0; i < json_count(errors); i++) {
        const struct json *error = json_at(errors, i);
        buf_addf(text, "%s%s: %s", i ? "; " : "", json_get_text(error, "pointer"),
                 json_get_text(error, "detail"));
    }
}

/* ── the merge ── */

/* What the batch keeps of it. */
static void keep(struct routing *routing, const struct event_row *event, struct folded *folded,
                 const struct merge *merge)
{
    folded->changed |= merge->advanced || merge->noted;
    folded->counts |=
        merge->advanced && !event->snapshot && !event->released && strcmp(event->source, MERGE_SERVICE) != 0;
    contests_settle(routing->contests, event->partition, merge, event->decides);
    if (json_count(merge->contested) > 0)
        contests_begin(routing->contests, event, folded, merge);
    if (!merge->advanced)
        return;
    folded->event = event->id;
    routing_add_version(routing, event, folded, merge);
    if (folded->made)
        history_add(folded->made, &folded->record, event->source, merge->changed, event->snapshot);
}

/* Leaves out of the change what goes to and fro; true when something was. *data: the change's, then its own. */
static bool stop_hops(struct routing *routing, const struct event_row *event, struct folded *folded,
                      struct change *change, struct json **data)
{
    bool noted;
    struct json *stopped;

    if (!event->handed || !change->source || event->snapshot)
        return false;
    stopped = hops_stop(&folded->record, change, event->handed, event->created_ms, &noted);
    folded->changed |= noted;
    if (!stopped)
        return false;
    *data = json_copy(change->data);
    change->data = *data;
    for (size_t i = 0; i < json_count(stopped); i++) {
        const char *field = json_text(json_at(stopped, i), NULL);
        json_remove(*data, field);
        routing_tell_hop(routing, event, folded->entity, field);
    }
    json_free(stopped);
    return true;
}

void route_merge(struct routing *routing, const struct db_result *result, const struct event_row *event,
                 const struct platform *source, const struct json *common, struct decision *decision)
{
    struct folded *folded = route_fold(routing, result, event);
    struct history *history = history_read(event->history);
    char id[UUID_TEXT_LEN + 1], contest[UUID_TEXT_LEN + 1], link[UUID_TEXT_LEN + 1];
    struct json *own = NULL;
    bool stopped;
    struct merge merge;
    struct json *objections;
    struct change change = {.source = source,
                            .entity = msg_event_entity(event->type),
                            .verb = msg_event_verb(event->type),
                            .entity_id = folded->entity_id,
                            .event_id = id,
                            .seq = event->seq,
                            .base_version = event->base_version,
                            .handed_version = event->owed ? folded->record.version : event->started_version,
                            .time_ms = merge_time_ms(event->created_ms, event->occurred_ms, common),
                            .data = common,
                            .decides = event->decides ? contest : NULL,
                            .knows_all = event->by_person,
                            .snapshot = event->snapshot,
                            .snapshot_seq = event->snapshot_seq,
                            .link = event->under_link ? link : NULL,
                            .asserts = event->asserts,
                            .webhook = event->webhook,
                            /* A clock that was ahead and is set right must not be behind for ever. */
                            .issued_ms = event->occurred_ms < event->created_ms ? event->occurred_ms
                                                                                : event->created_ms};

    uuid_format(&event->id, id);
    uuid_format(&event->contest, contest);
    uuid_format(&event->under, link);
    links_fresh(routing, event, source && !folded->record.exists ? common : NULL);
    history_join(history, folded->made);
    if (source && !platform_echoes(source))
        history_deny_echoes(history);
    change.history = history_versions(history, &change.history_count);
    audience_widen(routing, event, folded);
    stopped = stop_hops(routing, event, folded, &change, &own);
    objections = objections_find(policies_find(routing->spec.policies, event->tenant), event->tenant,
                                 &folded->record, &change);
    change.objections = objections;
    merge_init(&merge);
    merge_apply(&folded->record, &change, &merge);
    if (event->origins)
        link_keep_origins(&folded->record, event->origins);
    decision->contests = json_count(merge.contested) > 0;
    keep(routing, event, folded, &merge);
    if (event->snapshot && !merge.advanced)
        finish_unchanged(routing, event, folded, decision);
    else if (!merge.advanced && event->webhook &&
             !is_behind(event, was_addressed(routing, event, folded), &change, &merge))
        route_skip(routing, event, folded, NOTHING_NEW, decision);
    else if (!merge.advanced && stopped)
        route_skip(routing, event, folded, "it went to and fro between platforms and was stopped", decision);
    else if (!merge.advanced && event->decides)
        route_skip(routing, event, folded, "another change has taken its place", decision);
    else
        finish_merged(routing, event, folded, &change, &merge, decision);
    merge_release(&merge);
    history_free(&history);
    json_free(objections);
    json_free(own);
}

/* The record as it is goes once more to the platform that lost or altered it, as a new version: what the platform takes for older
 * than what it has, it would leave alone. Nobody else hears of it. What has changed meanwhile goes out by itself. */
static void repair(struct routing *routing, const struct db_result *result, const struct event_row *event,
                   struct decision *decision)
{
    struct folded *folded = route_fold(routing, result, event);
    struct merge merge;

    if (!folded->record.exists || folded->record.version != event->base_version) {
        route_skip(routing, event, folded, "the record has changed since the platform was looked at",
                   decision);
        return;
    }
    merge_init(&merge);
    merge_repeat(&folded->record, &merge);
    keep(routing, event, folded, &merge);
    merge_release(&merge);
    finish(routing, event, folded->record.version, folded->entity_id, NULL, decision);
}

static void route_record(struct routing *routing, const struct db_result *result,
                         const struct event_row *event, const struct platform *source, const struct json *raw,
                         struct decision *decision)
{
    enum entity entity = msg_event_entity(event->type);
    struct json *common = mapping_in(source, entity, raw), *errors = json_new_array();
    struct buf why = BUF_INIT;

    if (mapping_check(source, entity, common, raw, errors) > 0) {
        join_errors(errors, &why);
        finish(routing, event, 0, event->entity_id, why.data, decision);
    } else {
        route_merge(routing, result, event, source, common, decision);
    }
    buf_release(&why);
    json_free(errors);
    json_free(common);
}

static void route_pending(struct routing *routing, const struct db_result *result,
                          const struct event_row *event, struct decision *decision)
{
    const struct platform *source = platform_find(routing->spec.platforms, event->source);
    bool ok = false;
    struct json *raw =
        event->data ? json_parse(event->data, event->data_len, JSON_DEPTH_MAX, NULL, &ok) : NULL;

    if (event->repairs)
        repair(routing, result, event, decision);
    else if (ok && json_type(raw) == JSON_OBJECT && event->links)
        links_route(routing, result, event, raw, decision);
    else if (ok && json_type(raw) == JSON_OBJECT && strcmp(event->source, MERGE_SERVICE) == 0)
        route_merge(routing, result, event, NULL, raw, decision);
    else if (!source)
        finish(routing, event, 0, event->entity_id, "the source platform is not configured any more",
               decision);
    else if (!ok || json_type(raw) != JSON_OBJECT)
        finish(routing, event, 0, event->entity_id, "the stored data cannot be read", decision);
    else if (msg_event_entity(event->type) == ENTITY_NONE)
        finish(routing, event, 0, "", NULL, decision);
    else
        route_record(routing, result, event, source, raw, decision);
    json_free(raw);
}

void route_event(struct routing *routing, const struct db_result *result, const struct event_row *event,
                 struct decision *decision)
{
    decision->targets = 0;
    decision->contests = false;
    if (event->status == EVENT_STATUS_ROUTED) {
        decision->verdict = ROUTE_AGAIN;
        audience_each(routing->spec.platforms, event->open_targets, mark_target, &decision->targets);
    } else if (event->status != EVENT_STATUS_PENDING) {
        decision->verdict = ROUTE_NOTHING;
    } else if (event->braked) {
        decision->verdict = ROUTE_HOLD;
    } else if (event->linked && !uuid_equal(&event->linked_id, &event->record_id)) {
        decision->verdict = ROUTE_MOVE;
        decision->moved_to = event->linked_id;
    } else if (event->merged) {
        decision->verdict = ROUTE_MOVE;
        decision->moved_to = event->merged_into;
        decision->binds = true;
        decision->link = event->merging;
    } else if (event->expired) {
        routing_add_event(routing, event, EVENT_STATUS_EXPIRED, 0, event->entity_id, 0, 0,
                          "expires_at had passed before it was routed");
        decision->verdict = ROUTE_WRITE;
    } else {
        route_pending(routing, result, event, decision);
    }
}
