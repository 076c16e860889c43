/* send.c: see send.h. */
#include "send.h"

#include "clock.h"
#include "dispatch.h"
#include "mem.h"
#include "shipment.h"
#include "verdict.h"

const struct platform_route *send_route(const struct work *work)
{
    return platform_route(work->worker->platform, work_lead(work)->type, work->verb);
}

struct delivery_source send_source(const struct work *work)
{
    const struct delivery *lead = work_lead(work);
    bool update =
        work->verb == VERB_UPDATE && work->certain_version > 0 && !work->turned && !send_route(work)->full;

    return (struct delivery_source){.target = work->worker->platform,
                                    .platforms = work->worker->platforms,
                                    .event = lead->event,
                                    .type = lead->type,
                                    .verb = work->verb,
                                    .generation = lead->generation,
                                    .source_platform = lead->source,
                                    .tenant = lead->tenant,
                                    .user_id = lead->user_id,
                                    .created_ms = lead->created_ms,
                                    .has_record = work->has_record,
                                    .record = work->record,
                                    .version = work->record_version,
                                    .data = work->data,
                                    .notes = work->notes,
                                    .base = update ? work->base : NULL,
                                    .base_seq = work->base_seq,
                                    .platform_id = work->platform_id};
}

bool send_build(struct work *work, const struct delivery_source *source, struct buf *body)
{
    struct buf error = BUF_INIT, field = BUF_INIT;
    enum delivery_built built = DELIVERY_NOTHING;
    struct delivery_source attempt = *source;

    if (!send_route(work)->takes) {
        verdict_conclude(work, DELIVERY_SKIPPED, "this platform does not take this type of event");
    } else if (!platform_base_url(work->worker->platform)) {
        verdict_conclude(work, DELIVERY_SKIPPED,
                         "the platform's base URL is not set: nothing goes there by REST");
    } else {
        attempt.field = &field;
        attempt.started_ms = work->began_ms = clock_db_ms();
        built = delivery_body(&attempt, body, &error);
        if (built == DELIVERY_NOTHING)
            verdict_conclude(work, DELIVERY_SKIPPED, error.data);
        else if (built == DELIVERY_IMPOSSIBLE && work_awaits(work, field.data))
            verdict_conclude(work, DELIVERY_SKIPPED,
                             "it waits for a person, and cannot be made without that");
        else if (built == DELIVERY_IMPOSSIBLE)
            verdict_conclude(work, DELIVERY_DEAD, error.data);
        buf_release(&error);
        buf_release(&field);
    }
    return built == DELIVERY_BUILT;
}

static void on_answer(struct shipment *shipment, const struct answer *answer)
{
    struct verdict verdict = {.work = shipment->works[0], .answer = *answer};

    outcome_judge(answer, verdict.work->verb, send_route(verdict.work), &verdict.outcome);
    verdict_tell(shipment->worker, shipment->path, answer, &verdict, 1);
    verdict_carry_out(&verdict, shipment->path);
}

static void post(struct work *work, const struct delivery_source *source, const struct buf *body)
{
    static const struct shipment_kind single = {.answered = on_answer};
    const struct platform_route *route = send_route(work);
    struct shipment *shipment = shipment_new(work->worker, &single, route->path, 1);
    char id[MSG_KEY_MAX];
    struct buf path = BUF_INIT;
    struct shipment_request request = {
        .method = route->method, .webhook_id = id, .trace = work_lead(work)->trace, .body = body};

    delivery_path(source, &path);
    delivery_webhook_id(source, id);
    request.path = path.data;
    shipment_add(shipment, work);
    shipment_post(shipment, &request);
    buf_release(&path);
}

void send_start(struct work *work)
{
    const char *path = send_route(work)->path;
    int64_t wait_ms = route_pause_wait_ms(work->worker, path);
    struct delivery_source source;
    struct buf body = BUF_INIT;

    if (wait_ms > 0 && send_route(work)->takes && platform_base_url(work->worker->platform)) {
        verdict_wait_for_route(work, path, wait_ms);
        return;
    }
    source = send_source(work);
    if (send_build(work, &source, &body))
        post(work, &source, &body);
    buf_release(&body);
}

void send_again(struct work *work)
{
    if (!stage_holds(work->worker->stage, work->partition))
        verdict_conclude(work, DELIVERY_OPEN, NULL); /* the partition may be another's by now */
    else if (work->worker->takes_bulk || gate_is_shut(&work->worker->gate, clock_mono_ms()))
        dispatch_again(work); /* many may come at once, or the platform asked for a pause: the gate decides */
    else
        send_start(work);
}
