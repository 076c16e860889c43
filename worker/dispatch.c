/* dispatch.c: see dispatch.h. */
#include "dispatch.h"

#include "bulk.h"
#include "clock.h"
#include "document.h"
#include "plan.h"
#include "send.h"
#include "verdict.h"

#define RETRY_MS 200

void dispatch_init(struct worker *worker)
{
    lanes_init(&worker->ready);
    lanes_init(&worker->singles);
    lanes_init(&worker->repeats);
    lanes_init(&worker->queries);
    lanes_init(&worker->mutations);
}

static struct lanes *lanes_of(const struct work *work)
{
    struct worker *worker = work->worker;

    if (plan_takes(work))
        return plan_mutates(work) ? &worker->mutations : &worker->queries;
    if (work_lead(work)->sendings > 0)
        return &worker->repeats;
    return work->single || work->alone ? &worker->singles : &worker->ready;
}

void dispatch_add(struct work *work)
{
    work->state = WORK_READY;
    lanes_add(lanes_of(work), work);
}

void dispatch_again(struct work *work)
{
    work->state = WORK_READY;
    lanes_put_back(lanes_of(work), work);
}

size_t dispatch_waiting(const struct worker *worker)
{
    return worker->ready.count + worker->singles.count + worker->repeats.count + worker->queries.count +
           worker->mutations.count;
}

/* The next one whose partition is still ours. */
struct work *dispatch_take(struct lanes *lanes)
{
    struct work *work;

    while ((work = lanes_next(lanes))) {
        if (stage_holds(work->worker->stage, work->partition))
            return work;
        worker_lose(work);
    }
    return NULL;
}

struct work *dispatch_next(struct worker *worker)
{
    return dispatch_take(&worker->ready);
}

/* Repeats get at most a tenth of the window, and at least one. */
static bool repeat_may_start(const struct worker *worker)
{
    return worker->repeats.count > 0 && worker->repeats_in_flight < gate_repeats_max(&worker->gate);
}

/* Starts one REST request, or concludes works that need none; false when nothing may start. */
static bool start_rest(struct worker *worker)
{
    struct work *work = repeat_may_start(worker) ? dispatch_take(&worker->repeats) : NULL;
    bool alone;

    if (!work)
        work = dispatch_take(&worker->singles);
    alone = work != NULL;
    if (!work)
        work = dispatch_take(&worker->ready);
    if (!work)
        return false;
    if (!alone && bulk_is_open(worker))
        bulk_start(work);
    else
        send_start(work);
    return true;
}

/* In turns, where both wait. */
static bool start_one(struct worker *worker)
{
    worker->documents_last = !worker->documents_last && document_start(worker);
    return worker->documents_last || start_rest(worker) || document_start(worker);
}

void dispatch_start(struct worker *worker)
{
    if (dispatch_waiting(worker) == 0)
        return;
    if (!store_up(worker->store)) { /* nothing new starts whose outcome could not be recorded */
        worker_pump_in(worker, RETRY_MS);
        return;
    }
    while (gate_permits(&worker->gate, clock_mono_ms()) > 0 && start_one(worker))
        ;
}

void dispatch_release(struct worker *worker)
{
    struct lanes *all[] = {&worker->queued,  &worker->ready,   &worker->singles,
                           &worker->repeats, &worker->queries, &worker->mutations};

    limits_release(worker);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct work *work;
        while ((work = lanes_next(all[i]))) {
            work->again = false;
            if (work->sent > 0)
                verdict_put_off(work);
            else
                work_finish(work);
        }
    }
}
