/*
 * backfill_feed.c: the rows of a page go in as events of low priority through the accept path: <entity>_created by the platform
 * to all the others, or to those that the job names. Of a record that is known already it is a change like any other, and who has
 * the record gets an update; who does not is sent a create at once, without being asked for an update of what it cannot have.
 *
 * An event's key is made of the job and the row, so that a page that comes again after a crash makes no second events.
 */
#include "accept_inside.h"
#include "backfill_inside.h"
#include "clock.h"

#define PRIORITY_LOWEST 10

/* Those that the job names, else all; the source among them is passed over. */
static struct json *targets_of(const struct backfill_job *job, const struct platform_set *platforms)
{
    struct json *targets = json_new_array();
    for (const char *at = job->targets; *at; at += strcspn(at, ","), at += *at == ',')
        json_append(targets, json_new_text_len(at, strcspn(at, ",")));
    for (size_t i = 0; !*job->targets && i < platform_count(platforms); i++)
        json_append(targets, json_new_text(platform_name(platform_at(platforms, i))));
    return targets;
}

static struct json *body_of(const struct backfill_job *job, const struct backfill_row *row,
                            const struct json *targets)
{
    struct json *body = json_new_object();
    char type[64];
    snprintf(type, sizeof type, "%s_created", msg_entity_name(row->entity));
    json_set(body, "event_type", json_new_text(type));
    json_set(body, "source_platform", json_new_text(job->platform));
    json_set(body, "target_platforms", json_copy(targets));
    json_set(body, "tenant_id", json_new_text(job->tenant));
    json_set(body, "priority", json_new_int(PRIORITY_LOWEST));
    json_set(body, "data", json_ref(row->data));
    return body;
}

/* With line breaks, as no client can send one. A platform's id names a row of a list wherever it stands; a file's line is itself. */
static void key_of(const struct backfill_job *job, const struct backfill_row *row, struct buf *key)
{
    buf_addf(key, "backfill\n%s\n", job->id_text);
    if (job->file || !row->id)
        buf_addf(key, "%lld", (long long)row->place);
    else
        buf_addf(key, "%s\n%s", msg_entity_name(row->entity), row->id);
}

static void reason_of(const struct accept_item *item, struct buf *reason)
{
    const struct json *errors = json_get(item->problem, "errors");
    const char *detail = json_get_text(item->problem, "detail");
    for (size_t i = 0; i < json_count(errors); i++) {
        const char *pointer = json_get_text(json_at(errors, i), "pointer");
        const char *mistake = json_get_text(json_at(errors, i), "detail");
        buf_addf(reason, "%s%s: %s", i > 0 ? "; " : "", pointer ? pointer : "", mistake ? mistake : "");
    }
    if (reason->len == 0 && item->problem)
        buf_add_str(reason, detail ? detail : "it does not validate");
    if (reason->len == 0)
        buf_add_str(reason, accept_problem(item).detail);
}

/* false: nobody knows yet, or it was not stored. A row whose key has another body was taken in before: it comes by its own event. */
static bool settle(struct backfill_job *job, struct backfill_row *row, const struct accept_item *item)
{
    struct buf reason = BUF_INIT;
    bool settled =
        item->outcome != ACCEPT_AWAY && item->outcome != ACCEPT_SLOW && item->outcome != ACCEPT_UNKNOWN;
    if (item->outcome == ACCEPT_INVALID || item->outcome == ACCEPT_AHEAD || item->outcome == ACCEPT_REFUSED) {
        reason_of(item, &reason);
        backfill_refuse_row(job, row, reason.data);
    }
    buf_release(&reason);
    return settled;
}

static void on_accepted(const struct accept_request *request, void *arg)
{
    struct backfill_job *job = arg;
    bool stored = true;
    size_t at = 0;
    for (size_t i = 0; i < job->page.count; i++)
        if (job->page.rows[i].data)
            stored &= settle(job, &job->page.rows[i], &request->items[at++]);
    backfill_on_fed(job, stored);
}

static void add_row(const struct backfill_job *job, struct accept_request *request, size_t index,
                    const struct accept_context *context, const struct backfill_row *row,
                    const struct json *targets)
{
    struct json *body = body_of(job, row, targets);
    struct buf key = BUF_INIT;
    key_of(job, row, &key);
    struct accept_source source = {.body = body, .key = key.data, .bytes = key.data, .len = key.len};
    if (accept_add(request, index, context, &source) == 0) {
        struct accept_event *event = &request->items[index].event;
        event->backfill = job->id;
        event->snapshot_seq = job->page.seq;
        event->occurred_ms = job->page.asked_ms;
    }
    json_free(body);
    buf_release(&key);
}

static void fill_identity(const struct backfill_job *job, struct identity *identity)
{
    *identity = (struct identity){.role = AUTH_SERVICE};
    snprintf(identity->tenant, sizeof identity->tenant, "%s", job->tenant);
    snprintf(identity->subject, sizeof identity->subject, "%s", job->subject ? job->subject : "");
}

void backfill_feed(struct backfill_job *job)
{
    struct gateway *gateway = job->backfill->gateway;
    struct backfill_page *page = &job->page;
    size_t count = page->count - page->refused, at = 0;
    struct identity identity;
    if (count == 0) {
        backfill_on_fed(job, true);
        return;
    }
    if (!accept_is_known(gateway, NULL)) {
        backfill_on_fed(job, false);
        return;
    }
    fill_identity(job, &identity);
    struct json *targets = targets_of(job, gateway->platforms);
    struct accept_context context = {.platforms = gateway->platforms,
                                     .identity = &identity,
                                     .now_ms = clock_db_ms(),
                                     .max_retries = gateway->conf->retry_attempts};
    struct accept_request *request = accept_request_inside(gateway, count, on_accepted, job);
    for (size_t i = 0; i < page->count; i++)
        if (page->rows[i].data)
            add_row(job, request, at++, &context, &page->rows[i], targets);
    json_free(targets);
    accept_enter_all(request);
}
