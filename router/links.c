/* links.c: see links.h. */
#include "links.h"

#include "clock.h"
#include "conf.h"
#include "link.h"
#include "log.h"
#include "mapping.h"
#include "mem.h"
#include "service.h"
#include "sql.h"
#include "store.h"

#define RETRY_MS 200

enum kind { LEAVE = 1, ENTER, PART, RETURN, NOTHING }; /* the first three as sync_link_step has them */

/* Owner: the router, until the batch after next. */
struct link_step {
    enum kind kind;
    struct uuid event, link, about; /* about: the record of the next step */
    struct uuid next;               /* the next step's event; nil: there is none */
    int64_t version, base_version;
    bool by_itself;
    char tenant[MSG_TENANT_MAX + 1];
    enum event_type type;
    struct json *before, *before_notes, *told;
    char *told_by;
    struct record other;
    bool taken; /* its batch has been decided */
};

void link_step_free(struct link_step **stepp)
{
    struct link_step *step = *stepp;

    if (!step)
        return;
    json_free(step->before);
    json_free(step->before_notes);
    json_free(step->told);
    free(step->told_by);
    record_release(&step->other);
    free(step);
    *stepp = NULL;
}

/* ---- reading ---- */

static struct json *body(const struct db_result *result, const char *column)
{
    size_t len;
    const char *bytes = db_get_bytes(result, 0, db_column(result, column), &len);
    bool ok = false;
    struct json *json = NULL;

    if (bytes && len > 1 && bytes[0] == BODY_PLAIN)
        json = json_parse(bytes + 1, len - 1, JSON_DEPTH_MAX, NULL, &ok);
    if (ok)
        return json;
    json_free(json);
    return json_new_object();
}

static enum kind kind_of(const struct db_result *result, bool about_other)
{
    const char *status = db_get_text(result, 0, db_column(result, "status"), NULL);
    bool latest = db_get_bool(result, 0, db_column(result, "latest"));

    if (about_other)
        return latest && strcmp(status, "linking") == 0 ? LEAVE : RETURN;
    if (latest && strcmp(status, "linking") == 0)
        return ENTER;
    return latest && strcmp(status, "splitting") == 0 ? PART : NOTHING;
}

static struct link_step *read_step(const struct db_result *result, const struct ref *ref)
{
    struct link_step *step = mem_alloc(sizeof *step);
    struct uuid about, other, record;
    const char *told_by = db_get_text(result, 0, db_column(result, "told_by"), NULL);

    db_get_uuid(result, 0, db_column(result, "about"), &about);
    db_get_uuid(result, 0, db_column(result, "other_id"), &other);
    db_get_uuid(result, 0, db_column(result, "record_id"), &record);
    db_get_uuid(result, 0, db_column(result, "id"), &step->link);
    step->event = ref->event;
    step->type = ref->type;
    snprintf(step->tenant, sizeof step->tenant, "%s", ref->tenant);
    step->kind = kind_of(result, uuid_equal(&about, &other));
    if (step->kind == LEAVE || step->kind == PART)
        uuid_v7(&step->next, clock_db_ms());
    step->about = step->kind == LEAVE ? record : other;
    step->version = db_get_int(result, 0, db_column(result, "version"));
    step->base_version = db_get_int(result, 0, db_column(result, "base_version"));
    step->by_itself = db_get_bool(result, 0, db_column(result, "by_itself"));
    step->before = body(result, "before");
    step->before_notes = body(result, "before_notes");
    step->told = body(result, "told");
    step->told_by = mem_strdup(told_by ? told_by : "");
    step->other.vector = json_new_object();
    step->other.data = body(result, "other_data");
    step->other.notes = body(result, "other_notes");
    return step;
}

static void on_step(enum db_status status, const struct db_result *result, void *arg)
{
    struct router *router = arg;

    if (status == DB_REFUSED)
        log_error("reading a link refused", LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
    if (status != DB_OK || !router->decisions[0].item || db_rows(result) == 0) {
        batch_again(router, RETRY_MS);
        return;
    }
    router->step = read_step(result, &router->decisions[0].item->ref);
    batch_read(router);
}

static void ask_step(struct router *router)
{
    struct db_params *params = db_params_new();

    db_add_uuid(params, &router->decisions[0].item->ref.event);
    db_query(store_db(router->store), DB_WRITER, sql_router_link, params, on_step, router);
}

/* The place in the batch of the first event that is a step, or the batch's size. */
static size_t place_of_step(const struct router *router, const struct db_result *result)
{
    size_t place = router->count;
    struct uuid id, link;

    for (size_t row = 0; row < db_rows(result); row++) {
        if (db_get_uuid(result, row, db_column(result, "link_id"), &link) != 0 ||
            db_get_int(result, row, db_column(result, "status")) != EVENT_STATUS_PENDING)
            continue;
        db_get_uuid(result, row, db_column(result, "id"), &id);
        for (size_t i = 0; i < place; i++)
            if (router->decisions[i].item && uuid_equal(&router->decisions[i].item->ref.event, &id))
                place = i;
    }
    return place;
}

bool links_alone(struct router *router, const struct db_result *result)
{
    size_t place = place_of_step(router, result);

    if (place == router->count) {
        link_step_free(&router->step);
        return false;
    }
    if (router->count > 1) { /* what stands before it first; then it alone */
        router->limit = place > 0 ? place : 1;
        batch_again(router, 0);
        return true;
    }
    if (router->step && uuid_equal(&router->step->event, &router->decisions[0].item->ref.event) &&
        !router->step->taken) {
        router->step->taken = true;
        return false;
    }
    link_step_free(&router->step);
    ask_step(router);
    return true;
}

/* ---- deciding ---- */

static void add_row(struct routing *routing, const struct event_row *event, int64_t version,
                    const struct json *data, const struct json *notes)
{
    const struct link_step *step = routing->spec.step;

    db_array_uuid(routing->step_row.link, &step->link);
    db_array_int(routing->step_row.partition, event->partition);
    db_array_int(routing->step_row.kind, step->kind);
    db_array_uuid(routing->step_row.next, &step->next);
    db_array_int(routing->step_row.version, version);
    rows_add_body(routing->step_row.body, data);
    rows_add_body(routing->step_row.notes, notes);
}

/* One version, on what the record is now, whatever it changes. */
static void change(struct routing *routing, const struct db_result *result, const struct event_row *event,
                   struct json *data, struct decision *decision)
{
    struct event_row now = *event;
    struct json *origins = json_copy(json_get(data, LINK_ORIGINS));

    json_remove(data, LINK_ORIGINS);
    now.base_version = route_fold(routing, result, event)->record.version;
    now.asserts = true;
    now.origins = origins;
    route_merge(routing, result, &now, NULL, data, decision);
    json_free(origins);
}

static void leave(struct routing *routing, const struct event_row *event, struct decision *decision)
{
    struct json *none = json_new_object();

    routing_add_event(routing, event, EVENT_STATUS_COMPLETED, 0, event->entity_id, 0, 0, NULL);
    add_row(routing, event, 0, none, none);
    decision->verdict = ROUTE_WRITE;
    json_free(none);
}

static void enter(struct routing *routing, const struct db_result *result, const struct event_row *event,
                  struct decision *decision)
{
    const struct folded *folded = route_fold(routing, result, event);
    struct json *before = json_copy(folded->record.data), *notes = json_copy(folded->record.notes), *entering;
    char id[UUID_TEXT_LEN + 1];

    uuid_format(&routing->spec.step->link, id);
    entering = folded->record.deleted ? json_new_object()
                                      : link_entering(&folded->record, &routing->spec.step->other, id);
    change(routing, result, event, entering, decision);
    add_row(routing, event, folded->record.version, before, notes);
    json_free(entering);
    json_free(before);
    json_free(notes);
}

/* What the younger would be, had it never been bound: what was told of it first, and then what came under its id. */
static struct json *whole(const struct link_step *step, const struct platform_set *platforms,
                          const struct json *returned)
{
    const struct platform *teller = platform_find(platforms, step->told_by);
    struct json *data = teller ? mapping_in(teller, ENTITY_USER, step->told) : json_new_object(), *value;
    struct json_iter iter = {0};
    const char *field;

    json_remove(data, "_sync_metadata");
    while (json_next(returned, &iter, &field, &value))
        json_set(data, field, json_copy(value));
    return data;
}

static void part(struct routing *routing, const struct db_result *result, const struct event_row *event,
                 struct decision *decision)
{
    const struct link_step *step = routing->spec.step;
    const struct folded *folded = route_fold(routing, result, event);
    char id[UUID_TEXT_LEN + 1];
    struct link_made made = {
        .id = id, .version = step->version, .before = step->before, .before_notes = step->before_notes};
    struct json *returned, *given, *all;

    uuid_format(&step->link, id);
    given = link_parting(&folded->record, &made, &returned);
    all = step->by_itself ? whole(step, routing->spec.platforms, returned) : json_ref(returned);
    change(routing, result, event, given, decision);
    add_row(routing, event, folded->record.version, all, returned);
    json_free(all);
    json_free(returned);
    json_free(given);
}

static void come_back(struct routing *routing, const struct db_result *result, const struct event_row *event,
                      const struct json *raw, struct decision *decision)
{
    const struct folded *folded = route_fold(routing, result, event);
    struct json *data = link_returning(&folded->record, raw, routing->spec.step->base_version);

    change(routing, result, event, data, decision);
    json_free(data);
}

void links_route(struct routing *routing, const struct db_result *result, const struct event_row *event,
                 const struct json *raw, struct decision *decision)
{
    const struct link_step *step = routing->spec.step;

    switch (step ? step->kind : NOTHING) {
    case LEAVE:
        leave(routing, event, decision);
        break;
    case ENTER:
        enter(routing, result, event, decision);
        break;
    case PART:
        part(routing, result, event, decision);
        break;
    case RETURN:
        come_back(routing, result, event, raw, decision);
        break;
    case NOTHING:
        route_skip(routing, event, route_fold(routing, result, event), "this link was changed meanwhile",
                   decision);
        break;
    }
}

void links_written(struct router *router)
{
    const struct link_step *step = router->step;
    unsigned partition = step ? msg_partition(&step->about, (unsigned)store_partitions(router->store)) : 0;
    struct belt_call *call;
    struct ref ref;
    char key[MSG_KEY_MAX];

    if (step && step->taken && (step->kind == LEAVE || step->kind == PART)) { /* a hint, as after accepting */
        ref = (struct ref){.event = step->next, .record = step->about, .type = step->type};
        snprintf(ref.tenant, sizeof ref.tenant, "%s", step->tenant);
        call = belt_call_new(partition);
        msg_key_events(key, PRIORITY_HIGH, partition);
        belt_publish(call, key, router->window, &ref);
        belt_send(router->belt, call, "", 0, NULL, NULL);
    }
    link_step_free(&router->step);
}

/* ---- new ids ---- */

static void open_fresh(struct routing *routing)
{
    struct db_params *params = db_params_new();

    db_add_text(params, PROTO_STAGE_ROUTER);
    db_add_text(params, routing->spec.writer);
    stage_add_fences(routing->spec.stage, params);
    routing->fresh.params = params;
    routing->fresh.event = db_add_array(params, DB_UUID);
    routing->fresh.partition = db_add_array(params, DB_INT2);
    routing->fresh.tenant = db_add_array(params, DB_TEXT);
    routing->fresh.platform = db_add_array(params, DB_TEXT);
    routing->fresh.entity_id = db_add_array(params, DB_TEXT);
    routing->fresh.record = db_add_array(params, DB_UUID);
    routing->fresh.email = db_add_array(params, DB_BYTEA);
    routing->fresh.external = db_add_array(params, DB_BYTEA);
    routing->fresh.link = db_add_array(params, DB_UUID);
}

static void add_hash(struct db_array *array, const uint8_t *hash, bool there)
{
    if (there)
        db_array_bytes(array, hash, LOOKUP_HASH_LEN);
    else
        db_array_null(array);
}

void links_fresh(struct routing *routing, const struct event_row *event, const struct json *common)
{
    uint8_t email[LOOKUP_HASH_LEN], external[LOOKUP_HASH_LEN];
    bool has_email, has_external;
    struct uuid link;

    if (!common || msg_event_entity(event->type) != ENTITY_USER ||
        msg_event_verb(event->type) == VERB_DELETE || event->linked)
        return;
    has_email = routing->spec.by_email && rows_email_hash(routing, event->tenant, common, email) == 0;
    has_external = rows_external_hash(routing, event->tenant, common, external) == 0;
    if (!has_email && !has_external)
        return;
    if (!routing->fresh.params)
        open_fresh(routing);
    uuid_v7(&link, clock_db_ms());
    db_array_uuid(routing->fresh.event, &event->id);
    db_array_int(routing->fresh.partition, event->partition);
    db_array_text(routing->fresh.tenant, event->tenant);
    db_array_text(routing->fresh.platform, event->source);
    db_array_text(routing->fresh.entity_id, event->entity_id);
    db_array_uuid(routing->fresh.record, &event->record_id);
    add_hash(routing->fresh.email, email, has_email);
    add_hash(routing->fresh.external, external, has_external);
    db_array_uuid(routing->fresh.link, &link);
}

static void on_bound(enum db_status status, const struct db_result *result, void *arg)
{
    struct router *router = arg;

    if (status == DB_REFUSED)
        log_warn("new ids were not bound", LOG_STR("sqlstate", db_sqlstate(result)),
                 LOG_STR("error", db_message(result)));
    if (status != DB_OK)
        batch_again(router, RETRY_MS); /* another router was faster, or is away: as it is then */
    else if (db_rows(result) > 0)
        batch_again(router, 0); /* record_ids leads there now */
    else
        batch_write(router);
}

bool links_bind(struct router *router)
{
    struct db_params *params = router->routing->fresh.params;

    if (!params)
        return false;
    router->routing->fresh.params = NULL;
    db_query(store_db(router->store), DB_WRITER, sql_router_bind, params, on_bound, router);
    return true;
}
