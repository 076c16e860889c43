/* bulk.c: see bulk.h. */
#include "bulk.h"

#include "clock.h"
#include "dispatch.h"
#include "log.h"
#include "mem.h"
#include "send.h"
#include "shipment.h"
#include "verdict.h"

#define BODY_MAX (1024 * 1024)

/* The next name of "bizosaas, coreldove" from *at on; its length, 0 at the end. */
static size_t next_name(const char **at)
{
    *at += strspn(*at, ", ");
    return strcspn(*at, ", ");
}

static bool is_named(const char *list, const char *name)
{
    size_t len;

    for (; (len = next_name(&list)) > 0; list += len)
        if (strlen(name) == len && strncmp(list, name, len) == 0)
            return true;
    return false;
}

int bulk_check(const struct conf *conf, const struct platform_set *platforms, struct buf *errors)
{
    const char *at = conf->bulk_platforms;
    char name[MSG_PLATFORM_MAX + 1];
    size_t len;
    int result = 0;

    for (; (len = next_name(&at)) > 0; at += len) {
        snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), at);
        if (len < sizeof name && platform_find(platforms, name))
            continue;
        buf_addf(errors, "SYNC_BULK_PLATFORMS names %s, and there is no file of that name in %s\n", name,
                 conf->platform_dir);
        result = -1;
    }
    return result;
}

void bulk_configure(struct worker *worker)
{
    worker->takes_bulk =
        platform_takes_bulk(worker->platform) || is_named(worker->conf->bulk_platforms, worker->name);
}

bool bulk_is_open(const struct worker *worker)
{
    return worker->takes_bulk && bulk_rest_is_over(&worker->bulk_rest, clock_mono_ms()) &&
           platform_base_url(worker->platform);
}

/* ── the answer ── */

/* Ready again, alone. */
static void go_singly(struct work *work)
{
    work->single = true;
    send_again(work);
}

static void note(struct work *work, const struct answer *answer, enum outcome_class class, const char *error)
{
    struct verdict verdict = {.work = work, .answer = *answer, .outcome = {.class = class}};

    verdict.answer.body_len = 0; /* it may speak of other tenants' items */
    snprintf(verdict.outcome.error, sizeof verdict.outcome.error, "%s", error);
    verdict_note(&verdict);
}

/* The request as a whole did not get through to the items: the platform's health is told by its answer alone. */
static void tell_whole(struct shipment *shipment, const struct answer *answer, bool platform_ok)
{
    struct verdict verdict = {.answer = *answer, .outcome = {.platform_ok = platform_ok}};

    for (size_t i = 0; i < shipment->count && !verdict.work; i++)
        verdict.work = shipment->works[i];
    verdict_tell(shipment->worker, shipment->path, answer, &verdict, 1);
}

static void on_absent(struct shipment *shipment, const struct answer *answer)
{
    struct worker *worker = shipment->worker;
    char error[128];

    snprintf(error, sizeof error, "%d: the platform has no bulk route: sent singly", answer->status);
    log_warn("no bulk", LOG_STR("platform", worker->name), LOG_STR("route", shipment->path),
             LOG_INT("status", answer->status), LOG_INT("asked_again_in_ms", BULK_REST_MS));
    bulk_rest_absent(&worker->bulk_rest, clock_mono_ms());
    tell_whole(shipment, answer, false);
    for (size_t i = shipment->count; i-- > 0;)
        if (shipment->works[i]) {
            note(shipment->works[i], answer, OUTCOME_RETRY, error);
            go_singly(shipment->works[i]);
        }
}

/* One of them is not to the platform's taste: which one shows when they go in ever smaller company. */
static void on_split(struct shipment *shipment, const struct answer *answer)
{
    char error[128];

    snprintf(error, sizeof error, "%d to the bulk of %zu that carried it: sent again in halves",
             answer->status, shipment->count);
    tell_whole(shipment, answer, true);
    for (size_t i = shipment->count; i-- > 0;) { /* each goes to the head: the first is first again */
        struct work *work = shipment->works[i];
        if (!work)
            continue;
        note(work, answer, OUTCOME_RETRY, error);
        work->company = (unsigned)(shipment->count + 1) / 2;
        if (shipment->count <= 2)
            go_singly(work);
        else
            send_again(work);
    }
}

static void on_whole(struct shipment *shipment, const struct answer *answer)
{
    static const struct platform_route any = {.takes = true};
    struct verdict *verdicts = mem_array(shipment->count, sizeof *verdicts);
    size_t count = 0;

    for (size_t i = 0; i < shipment->count; i++) {
        if (!shipment->works[i])
            continue;
        verdicts[count].work = shipment->works[i];
        verdicts[count].answer = *answer;
        if (shipment->count > 1)
            verdicts[count].answer.body_len = 0; /* it may speak of other tenants' items */
        outcome_judge(answer, VERB_REPORT, &any, &verdicts[count++].outcome);
    }
    verdict_tell(shipment->worker, shipment->path, answer, verdicts, count);
    for (size_t i = 0; i < count; i++)
        verdict_carry_out(&verdicts[i], shipment->path);
    free(verdicts);
}

/* The file's success test speaks of a single call's answer; of an item's only when the item has that member. */
static struct platform_route item_route(const struct work *work, const struct json *item)
{
    struct platform_route route = *send_route(work);
    struct json *member;

    if (route.success_field && !json_find(item, route.success_field, &member))
        route.success_field = NULL;
    return route;
}

static void judge_item(struct verdict *verdict, const struct bulk_item *item, const char *why,
                       struct buf *text)
{
    struct platform_route route = item_route(verdict->work, item->json);
    struct outcome *outcome = &verdict->outcome;

    if (item->json)
        json_write(text, item->json);
    verdict->answer.failure = ANSWER_OK;
    verdict->answer.body = text->data;
    verdict->answer.body_len = text->len;
    verdict->answer.html = false;
    if (item->status == 0) {
        *outcome = (struct outcome){.class = OUTCOME_UNKNOWN};
        snprintf(outcome->error, sizeof outcome->error,
                 "the answer to the bulk leaves this out (%s): sent singly", why ? why : "");
        verdict->singly = true;
        return;
    }
    verdict->answer.status = item->status;
    outcome_judge(&verdict->answer, verdict->work->verb, &route, outcome);
    if (outcome->class == OUTCOME_ROUTE) { /* in a bulk that got through: by itself it shows what it is */
        outcome->class = OUTCOME_RETRY;
        verdict->singly = true;
    }
}

static void settle_item(struct verdict *verdict, const char *path)
{
    if (verdict->singly) {
        verdict_note(verdict);
        go_singly(verdict->work);
    } else {
        verdict_carry_out(verdict, path);
    }
}

/* Was that the answer of a bulk? If not, people must know: their platform gets everything twice. */
static void judge_bulk(struct shipment *shipment, const char *why, size_t unknown)
{
    struct worker *worker = shipment->worker;
    char title[128], message[512];

    bulk_rest_answered(&worker->bulk_rest, unknown == 0, clock_mono_ms());
    if (!why) {
        alert_resolve(worker, "bulk", "the platform answers bulks as it should");
        return;
    }
    log_error("bulk not understood", LOG_STR("platform", worker->name), LOG_STR("route", shipment->path),
              LOG_STR("reason", why), LOG_INT("items", shipment->count), LOG_INT("unknown", unknown));
    snprintf(title, sizeof title, "The bulk route of %s is not one", worker->name);
    snprintf(
        message, sizeof message,
        "The answer of %s to a bulk at %s is not what the contract says: %s. What it leaves open is sent "
        "again singly, under the same ids. Mend the route, or switch bulks off in the platform's file and "
        "in SYNC_BULK_PLATFORMS.",
        worker->name, shipment->path, why);
    alert_raise(worker, "bulk", ALERT_ERROR, title, message);
}

static void on_items(struct shipment *shipment, const struct answer *answer)
{
    struct worker *worker = shipment->worker;
    struct uuid *events = mem_array(shipment->count, sizeof *events);
    struct bulk_item *items = mem_array(shipment->count, sizeof *items);
    struct verdict *verdicts = mem_array(shipment->count, sizeof *verdicts);
    struct buf *texts = mem_array(shipment->count, sizeof *texts);
    struct json *root;
    const char *why;
    size_t unknown, count = 0;

    for (size_t i = 0; i < shipment->count; i++)
        if (shipment->works[i])
            events[i] = work_lead(shipment->works[i])->event;
    unknown = bulk_answer_read(answer, events, shipment->count, items, &root, &why);
    for (size_t i = 0; i < shipment->count; i++) {
        buf_init(&texts[i]);
        if (!shipment->works[i])
            continue;
        verdicts[count].work = shipment->works[i];
        verdicts[count].answer = *answer;
        judge_item(&verdicts[count], &items[i], why, &texts[i]);
        count++;
    }
    judge_bulk(shipment, why, unknown);
    verdict_tell(worker, shipment->path, answer, verdicts, count);
    for (size_t i = count; i-- > 0;)
        settle_item(&verdicts[i], shipment->path);
    for (size_t i = 0; i < shipment->count; i++)
        buf_release(&texts[i]);
    json_free(root);
    free(texts);
    free(verdicts);
    free(items);
    free(events);
}

/* ── the request ── */

/* Adds the work's item to the bulk; false when it has no room there any more: the work waits for the next one. */
static bool add(struct shipment *shipment, struct work *work, struct buf *bulk)
{
    struct delivery_source source = send_source(work);
    struct buf body = BUF_INIT, item = BUF_INIT;
    bool room = true;

    if (send_build(work, &source, &body)) {
        delivery_bulk_item(&source, &body, &item);
        room = bulk->len + item.len + 3 <= BODY_MAX;
        if (room) {
            if (shipment->count > 0)
                buf_add_ch(bulk, ',');
            buf_add(bulk, item.data, item.len);
            shipment_add(shipment, work);
        } else {
            work->single = shipment->count == 0; /* larger than any bulk by itself */
            dispatch_again(work);
        }
    }
    buf_release(&item);
    buf_release(&body);
    return room;
}

static void post(struct shipment *shipment, const struct buf *body)
{
    const struct work *first = shipment->works[0];
    struct uuid uuid;
    char text[UUID_TEXT_LEN + 1], id[MSG_KEY_MAX];
    struct shipment_request request = {.method = PLATFORM_POST,
                                       .webhook_id = id,
                                       .trace = shipment->count == 1 ? work_lead(first)->trace : NULL,
                                       .body = body,
                                       .keep_max = TRANSFER_MAX};

    uuid_v7(&uuid, clock_db_ms());
    uuid_format(&uuid, text);
    snprintf(id, sizeof id, "%s.%s.bulk", text, shipment->worker->name);
    shipment_post(shipment, &request);
}

static void on_answer(struct shipment *shipment, const struct answer *answer)
{
    switch (bulk_answer_meaning(answer)) {
    case BULK_ITEMS:
        on_items(shipment, answer);
        break;
    case BULK_SPLIT:
        on_split(shipment, answer);
        break;
    case BULK_ABSENT:
        on_absent(shipment, answer);
        break;
    case BULK_WHOLE:
        on_whole(shipment, answer);
        break;
    }
}

void bulk_start(struct work *first)
{
    static const struct shipment_kind bulk = {.answered = on_answer};
    struct worker *worker = first->worker;
    const char *path = platform_bulk_path(worker->platform);
    size_t limit = (size_t)worker->conf->sync_batch_size;
    int64_t wait_ms = route_pause_wait_ms(worker, path);
    struct shipment *shipment;
    struct buf body = BUF_INIT;

    if (wait_ms > 0) {
        verdict_wait_for_route(first, path, wait_ms);
        return;
    }
    shipment = shipment_new(worker, &bulk, path, limit);
    buf_add_str(&body, "{\"events\":[");
    for (struct work *work = first; work; work = shipment->count < limit ? dispatch_next(worker) : NULL) {
        if (work->company > 0 && work->company < limit)
            limit = work->company;
        if (shipment->count >= limit) {
            dispatch_again(work);
            break;
        }
        if (!add(shipment, work, &body))
            break;
    }
    buf_add_str(&body, "]}");
    if (shipment->count > 0)
        post(shipment, &body);
    else
        shipment_free(shipment);
    buf_release(&body);
}
