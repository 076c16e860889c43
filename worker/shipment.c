/* shipment.c: see shipment.h. */
#include "shipment.h"

#include "clock.h"
#include "mem.h"
#include "stats.h"

#define HEADERS_MAX 6

struct shipment *shipment_new(struct worker *worker, const struct shipment_kind *kind, const char *path,
                              size_t works_max)
{
    struct shipment *shipment = mem_alloc(sizeof *shipment + works_max * sizeof *shipment->works);

    shipment->worker = worker;
    shipment->kind = kind;
    shipment->path = mem_strdup(path); /* a reload may free the platform's */
    return shipment;
}

void shipment_free(struct shipment *shipment)
{
    free(shipment->path);
    free(shipment);
}

void shipment_add(struct shipment *shipment, struct work *work)
{
    if (shipment->count == 0)
        shipment->repeat = work_lead(work)->sendings > 0;
    shipment->works[shipment->count++] = work;
}

static void on_answer(const struct answer *answer, void *arg)
{
    struct shipment *shipment = arg;
    struct worker *worker = shipment->worker;

    shipment->transfer = NULL;
    stats_observe_us(worker->stat_duration, answer->duration_us);
    if (shipment->repeat)
        worker->repeats_in_flight--;
    for (size_t i = 0; i < shipment->count; i++)
        if (shipment->works[i])
            shipment->works[i]->shipment = NULL;
    shipment->kind->answered(shipment, answer);
    shipment_free(shipment);
    worker_pump_in(worker, 0);
}

void shipment_start(struct shipment *shipment, const struct transfer_request *request)
{
    struct worker *worker = shipment->worker;

    for (size_t i = 0; i < shipment->count; i++) {
        struct work *work = shipment->works[i];
        work->state = WORK_SENDING;
        work->shipment = shipment;
    }
    route_pause_probe(worker, shipment->path);
    gate_started(&worker->gate);
    if (shipment->repeat)
        worker->repeats_in_flight++;
    shipment->transfer = transfer_start(worker->transfers, request, on_answer, shipment);
}

void shipment_post(struct shipment *shipment, const struct shipment_request *post)
{
    struct worker *worker = shipment->worker;
    struct buf url = BUF_INIT, headers[HEADERS_MAX];
    struct transfer_request request = {.method = post->method,
                                       .body = post->body->data,
                                       .body_len = post->body->len,
                                       .keep_max = post->keep_max,
                                       .timeout_ms = worker->conf->request_timeout,
                                       .allow_private = platform_allows_private(worker->platform)};
    int64_t timestamp_s = clock_db_ms() / 1000;
    unsigned count = 0;

    for (unsigned i = 0; i < HEADERS_MAX; i++)
        buf_init(&headers[i]);
    buf_addf(&url, "%s%s", platform_base_url(worker->platform), post->path ? post->path : shipment->path);
    buf_add_str(&headers[count++], "Content-Type: application/json");
    buf_addf(&headers[count++], "webhook-id: %s", post->webhook_id);
    buf_addf(&headers[count++], "webhook-timestamp: %lld", (long long)timestamp_s);
    credential_add(&worker->credential, worker->conf, worker->platform, &headers[count++]);
    if (*worker->conf->webhook_secret)
        credential_sign(worker->conf->webhook_secret, post->webhook_id, timestamp_s, post->body,
                        &headers[count++]);
    if (post->trace)
        buf_addf(&headers[count++], "traceparent: %s", post->trace);
    for (unsigned i = 0; i < count; i++)
        request.headers[i] = headers[i].data;
    request.url = url.data;
    for (size_t i = 0; i < shipment->count; i++)
        shipment->works[i]->sent++;
    shipment_start(shipment, &request);
    for (unsigned i = 0; i < HEADERS_MAX; i++)
        buf_release(&headers[i]);
    buf_release(&url);
}

void shipment_query(struct shipment *shipment, const char *url, const struct buf *body)
{
    struct worker *worker = shipment->worker;
    const char *trace = shipment->count == 1 ? work_lead(shipment->works[0])->trace : NULL;
    struct buf credential = BUF_INIT, parent = BUF_INIT;
    struct transfer_request request = {.method = PLATFORM_POST,
                                       .url = url,
                                       .body = body->data,
                                       .body_len = body->len,
                                       .keep_max = TRANSFER_MAX,
                                       .timeout_ms = worker->conf->request_timeout,
                                       .allow_private = platform_allows_private(worker->platform)};

    credential_add(&worker->credential, worker->conf, worker->platform, &credential);
    request.headers[0] = "Content-Type: application/json";
    request.headers[1] = credential.data;
    if (trace) {
        buf_addf(&parent, "traceparent: %s", trace);
        request.headers[2] = parent.data;
    }
    shipment_start(shipment, &request);
    buf_release(&credential);
    buf_release(&parent);
}

bool shipment_leave(struct work *work)
{
    struct shipment *shipment = work->shipment;
    struct worker *worker = shipment->worker;
    bool last = true, reached;

    for (size_t i = 0; i < shipment->count; i++)
        if (shipment->works[i] == work)
            shipment->works[i] = NULL;
        else if (shipment->works[i])
            last = false;
    work->shipment = NULL;
    if (!last)
        return true;
    if (shipment->repeat)
        worker->repeats_in_flight--;
    gate_neutral(&worker->gate);
    route_pause_go_on(worker, shipment->path);
    reached = transfer_abort(worker->transfers, shipment->transfer);
    shipment_free(shipment);
    return reached;
}
