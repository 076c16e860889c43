/* work.c: one record's work for one target: its references, the rows read for it, and which delivery goes next. */
#include "assertion.h"
#include "clock.h"
#include "delivery.h"
#include "log.h"
#include "mem.h"
#include "merge.h"
#include "plan.h"
#include "worker.h"

#define FRESH_MS 1000 /* younger references do not wait behind a backlog */

struct work *work_new(struct worker *worker, const struct stage_item *item)
{
    struct work *work = mem_alloc(sizeof *work);

    work->worker = worker;
    work->record = item->ref.record;
    work->partition = item->partition;
    work->priority = item->priority;
    work->type = item->ref.type;
    work->fresh = clock_db_ms() - uuid_v7_ms(&item->ref.event) < FRESH_MS;
    snprintf(work->tenant, sizeof work->tenant, "%s", item->ref.tenant);
    buf_init(&work->touched);
    work->alone = item->handouts >= STAGE_HANDOUTS_ALONE;
    map_put(worker->works, work->record.bytes, sizeof work->record.bytes, work);
    return work;
}

void work_add_item(struct work *work, struct stage_item *item)
{
    if ((work->item_count & (work->item_count - 1)) == 0) /* 0, 1, 2, 4, 8 …: full */
        work->items =
            mem_realloc(work->items, (work->item_count ? 2 * work->item_count : 1) * sizeof *work->items);
    work->items[work->item_count++] = item;
}

void work_drop_items(struct work *work)
{
    for (size_t i = 0; i < work->item_count; i++)
        stage_drop(work->worker->stage, work->items[i]);
    if (work->next)
        stage_drop(work->worker->stage, work->next);
    work->item_count = 0;
    work->next = NULL;
}

void work_done_items(struct work *work)
{
    for (size_t i = 0; i < work->item_count; i++)
        stage_done(work->worker->stage, work->items[i]);
    work->item_count = 0;
}

void work_forget_content(struct work *work)
{
    plan_free(work);
    json_free(work->steps);
    work->steps = NULL;
    json_free(work->data);
    json_free(work->notes);
    json_free(work->base);
    work->data = work->notes = work->base = NULL;
    parents_release(&work->parents);
    buf_release(&work->touched);
}

static void forget_delivery(struct delivery *delivery)
{
    free(delivery->source);
    free(delivery->user_id);
    free(delivery->trace);
    free(delivery->tenant);
    free(delivery->entity_id);
    free(delivery->asserts);
}

void work_forget_rows(struct work *work)
{
    work_forget_content(work);
    for (size_t i = 0; i < work->delivery_count; i++)
        forget_delivery(&work->deliveries[i]);
    free(work->deliveries);
    work->deliveries = NULL;
    work->delivery_count = 0;
    free(work->record_entity_id);
    free(work->platform_id);
    free(work->named_id);
    free(work->platform_state);
    free(work->learnt_id);
    free(work->steps_done);
    free(work->record_lost_fields);
    free(work->asserts);
    free(work->noted_fields);
    work->steps_done = work->record_lost_fields = work->asserts = work->noted_fields = NULL;
    work->record_lost_ms = work->lost_ms = work->noted_lost_ms = work->noted_overtook_ms = 0;
    work->record_entity_id = work->platform_id = work->named_id = work->platform_state = work->learnt_id =
        NULL;
    work->has_record = work->record_deleted = work->turned = work->stripped = false;
    work->record_version = work->certain_version = work->started_version = work->base_seq = 0;
    work->error[0] = '\0';
    work->single = false;
    work->company = 0;
    work->http_status = work->sent = 0;
    work->duration_ms = work->wait_ms = work->began_ms = 0;
    while (work->attempts) {
        struct attempt *attempt = work->attempts;
        work->attempts = attempt->next;
        free(attempt->excerpt);
        free(attempt);
    }
}

void work_free(struct work *work)
{
    if (map_get(work->worker->works, work->record.bytes, sizeof work->record.bytes) == work)
        map_remove(work->worker->works, work->record.bytes, sizeof work->record.bytes);
    lanes_leave(work);
    work_forget_rows(work);
    free(work->items);
    free(work);
}

static void queue_again(struct work *work)
{
    work->again = false;
    if (work->next)
        work_add_item(work, work->next);
    work->next = NULL;
    work->state = WORK_QUEUED;
    lanes_add(&work->worker->queued, work);
    worker_pump_in(work->worker, 0);
}

void work_finish(struct work *work)
{
    struct worker *worker = work->worker;

    work_forget_rows(work);
    if (work->lost) {
        work_free(work);
        return;
    }
    work_done_items(work);
    if (work->again && !worker->drained) {
        queue_again(work);
        return;
    }
    if (work->next)
        stage_done(worker->stage, work->next);
    work_free(work);
}

static bool is_closed(const struct work *work, const struct stage_item *item)
{
    for (size_t i = 0; i <= work->lead; i++)
        if (uuid_equal(&work->deliveries[i].event, &item->ref.event))
            return true;
    return false;
}

void work_go_on(struct work *work)
{
    size_t kept = 0;

    if (work->worker->drained) {
        work_finish(work);
        return;
    }
    for (size_t i = 0; i < work->item_count; i++)
        if (is_closed(work, work->items[i]))
            stage_done(work->worker->stage, work->items[i]);
        else
            work->items[kept++] = work->items[i];
    work->item_count = kept;
    work_forget_rows(work);
    queue_again(work);
}

static char *text_column(const struct db_result *result, size_t row, const char *name)
{
    return mem_strdup(db_get_text(result, row, db_column(result, name), NULL));
}

static int64_t int_column(const struct db_result *result, size_t row, const char *name)
{
    int column = db_column(result, name);

    return db_is_null(result, row, column) ? 0 : db_get_int(result, row, column);
}

/* 0: null */
static int64_t time_column(const struct db_result *result, size_t row, const char *name)
{
    int column = db_column(result, name);

    return db_is_null(result, row, column) ? 0 : db_get_time_ms(result, row, column);
}

static struct json *json_column(const struct db_result *result, size_t row, const char *name)
{
    size_t len;
    const char *bytes = db_get_bytes(result, row, db_column(result, name), &len);
    struct json_error error;
    bool ok;

    if (!bytes || len < 2 || bytes[0] != BODY_PLAIN)
        return NULL;
    return json_parse(bytes + 1, len - 1, JSON_DEPTH_MAX, &error, &ok);
}

static void read_delivery(struct delivery *delivery, const struct db_result *result, size_t row)
{
    int waits = db_column(result, "waits");

    memset(delivery, 0, sizeof *delivery);
    db_get_uuid(result, row, db_column(result, "event_id"), &delivery->event);
    delivery->seq = int_column(result, row, "seq");
    delivery->version = int_column(result, row, "version");
    delivery->generation = (int)int_column(result, row, "generation");
    delivery->attempts = (int)int_column(result, row, "attempts");
    delivery->sendings = (int)int_column(result, row, "sendings");
    delivery->max_retries = (int)int_column(result, row, "max_retries");
    delivery->priority = (enum priority)int_column(result, row, "priority");
    delivery->created_ms = db_get_time_ms(result, row, db_column(result, "created_at"));
    delivery->due = int_column(result, row, "state") == DELIVERY_OPEN || db_is_null(result, row, waits) ||
                    !db_get_bool(result, row, waits);
    if (msg_event_type(db_get_text(result, row, db_column(result, "event_type"), NULL), &delivery->type) != 0)
        bug("an event type in the tables is none of ours");
    delivery->source = text_column(result, row, "source_platform");
    delivery->user_id = text_column(result, row, "user_id");
    delivery->trace = text_column(result, row, "trace");
    delivery->tenant = text_column(result, row, "tenant_id");
    delivery->entity_id = text_column(result, row, "entity_id");
    delivery->lost_ms = time_column(result, row, "lost_at");
    delivery->overtook_ms = time_column(result, row, "overtook_at");
    delivery->asserts = text_column(result, row, "asserts");
    if (db_get_bool(result, row, db_column(result, "ended")) && delivery->sendings == 0)
        delivery->asserts_from_ms = time_column(result, row, "next_attempt_at");
}

/* What stands in the first row of a record. */
static void read_record(struct work *work, const struct db_result *result, size_t row)
{
    int deleted = db_column(result, "record_deleted");

    work->has_record = !db_is_null(result, row, db_column(result, "record_version"));
    work->record_version = int_column(result, row, "record_version");
    work->record_deleted = !db_is_null(result, row, deleted) && db_get_bool(result, row, deleted);
    db_get_uuid(result, row, db_column(result, "record_event"), &work->record_event);
    work->record_entity_id = text_column(result, row, "record_entity_id");
    work->certain_version = int_column(result, row, "certain_version");
    work->started_version = int_column(result, row, "started_version");
    db_get_uuid(result, row, db_column(result, "certain_event"), &work->certain_event);
    work->platform_id = text_column(result, row, "platform_id");
    work->named_id = text_column(result, row, "named_id");
    work->platform_state = text_column(result, row, "platform_state");
    work->data = json_column(result, row, work->has_record ? "record_data" : "event_data");
    work->notes = json_column(result, row, "record_notes");
    work->steps = json_column(result, row, "record_steps");
    work->record_lost_ms = time_column(result, row, "record_lost_at");
    work->record_lost_fields = text_column(result, row, "record_lost_fields");
}

/* A delivery under its first id carries the version it was made for, whatever others changed since for other platforms: its
 * webhook-id is bound to one content. One that was retried carries the record as it is. */
static bool wants_content(const struct work *work)
{
    const struct delivery *lead = work_lead(work);

    return lead->generation == 1 && lead->version > 0 && lead->version < work->record_version &&
           lead->version >= work->certain_version;
}

/* Is the base of the lead what the platform has? Nothing else was started towards it, nor did it change the record itself since: what
 * it set and another one set back is no difference. A decision goes out whatever it had: it may hold a side. */
static bool knows_target(const struct work *work)
{
    const struct delivery *lead = work_lead(work);
    int64_t sent = lead->generation == 1 && lead->version > 0 ? lead->version : work->record_version;

    return work->started_version <= work->certain_version && sent <= work->certain_version + 1 &&
           strcmp(lead->source, MERGE_SERVICE) != 0;
}

void work_ask_versions(const struct work *work, struct version_params *params)
{
    if (!work->has_record)
        return;
    if (wants_content(work)) {
        db_array_uuid(params->content_record, &work->record);
        db_array_int(params->content_version, work_lead(work)->version);
    }
    if (work->certain_version == 0)
        return;
    db_array_uuid(params->base_record, &work->record);
    db_array_int(params->base_version, work->certain_version);
    db_array_uuid(params->base_event, &work->certain_event);
    /* What is covered may have been sent, its outcome unknown; so may what was given up before. */
    for (size_t i = 0; i <= work->lead; i++) {
        if (i == work->lead && knows_target(work))
            break;
        db_array_uuid(params->touched_record, &work->record);
        db_array_uuid(params->touched_event, &work->deliveries[i].event);
    }
}

/* Money of an older version is in the currency that it was in then (merge.h). */
static void date_currencies(struct json *notes, int64_t version)
{
    struct json_iter iter = {0};
    const char *field;
    struct json *note;

    while (json_next(notes, &iter, &field, &note)) {
        const struct json *were = json_get(note, "h");
        for (size_t i = json_count(were); i-- > 0;) {
            int64_t until = 0;
            if (json_int64(json_get(json_at(were, i), "v"), &until) != 0 || until <= version)
                break;
            json_set(note, "c", json_new_text(json_get_text(json_at(were, i), "c")));
        }
    }
}

static void read_content(struct work *work, const struct db_result *result, size_t row)
{
    json_free(work->data);
    work->data = json_column(result, row, "data");
    work->record_version = int_column(result, row, "version");
    if (work->notes)
        date_currencies(work->notes, work->record_version);
    work->record_deleted = db_get_bool(result, row, db_column(result, "deleted"));
    db_get_uuid(result, row, db_column(result, "event_id"), &work->record_event);
}

void work_read_version(struct work *work, const struct db_result *result, size_t row)
{
    enum { BASE, TOUCHED, CONTENT } kind = int_column(result, row, "kind");
    const char *changed = db_get_text(result, row, db_column(result, "changed"), NULL);

    if (kind == BASE) {
        work->base = json_column(result, row, "data");
        work->base_seq = int_column(result, row, "seq");
    } else if (kind == CONTENT) {
        read_content(work, result, row);
    } else if (changed && *changed) {
        buf_addf(&work->touched, "%s%s", work->touched.len ? "," : "", changed);
    }
}

/* What an earlier sending did knows more than the record's last delivery. */
static bool read_steps(struct work *work, const struct db_result *result, size_t row)
{
    struct json *steps = json_column(result, row, "steps");

    if (!steps)
        return false;
    json_free(work->steps);
    work->steps = steps;
    return true;
}

size_t work_read_rows(struct work *work, const struct db_result *result, size_t row)
{
    int record = db_column(result, "record_id");
    size_t first = row;
    struct uuid id;

    while (row < db_rows(result) && db_get_uuid(result, row, record, &id) == 0 &&
           uuid_equal(&id, &work->record))
        row++;
    work->delivery_count = row - first;
    work->deliveries = mem_array(work->delivery_count, sizeof *work->deliveries);
    for (size_t i = 0; i < work->delivery_count; i++)
        read_delivery(&work->deliveries[i], result, first + i);
    if (work->delivery_count > 0)
        read_record(work, result, first);
    assertion_find_lost(work);
    for (size_t i = row; i-- > first && !read_steps(work, result, i);)
        ;
    return row;
}

const struct delivery *work_lead(const struct work *work)
{
    return &work->deliveries[work->lead];
}

static enum verb choose_verb(const struct work *work)
{
    bool lost = assertion_recreates(work), created = lost;
    bool deleted_there = lost || (work->platform_state && strcmp(work->platform_state, "deleted") == 0);

    for (size_t i = 0; i <= work->lead; i++)
        created |= msg_event_verb(work->deliveries[i].type) == VERB_CREATE;
    return delivery_verb(work_lead(work)->type, work->record_deleted, work->certain_version, deleted_there,
                         created);
}

/* An assertion goes with a newer version that was accepted when it was due, and with no other one, which may have been sent before
 * without it: a webhook-id is bound to one content. It has its own turn afterwards. */
static void leave_out_assertions(struct work *work)
{
    int64_t newest_ms = work->deliveries[work->delivery_count - 1].created_ms;
    size_t kept = 0;

    for (size_t i = 0; i < work->delivery_count; i++)
        if (i + 1 < work->delivery_count && work->deliveries[i].asserts_from_ms > newest_ms)
            forget_delivery(&work->deliveries[i]);
        else
            work->deliveries[kept++] = work->deliveries[i];
    work->delivery_count = kept;
}

bool work_choose(struct work *work)
{
    const struct platform *platform = work->worker->platform;

    if (work->delivery_count == 0)
        return false;
    leave_out_assertions(work);
    for (size_t i = 0; i < work->delivery_count; i++)
        if (!work->deliveries[i].due)
            return false; /* order: nothing of this record starts before that one was tried again */
    work->lead = platform_every_version(platform, work->deliveries[0].type) ? 0 : work->delivery_count - 1;
    return true;
}

void work_settle(struct work *work)
{
    char *at, *name;

    if (work->has_record && !work->data)
        bug("record %s cannot be read", work->record_entity_id);
    if (assertion_touch(work)) {
        json_free(work->base);
        work->base = NULL;
    }
    at = work->touched.data;
    while (work->base && work->touched.len > 0 && (name = strsep(&at, ",")))
        json_remove(work->base, name);
    work_adapt(work);
    work->verb = choose_verb(work);
}
