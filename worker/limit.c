/*
 * limit.c: rate_per_minute of the platform's file. A record takes its place in the minute before it is read; one for which
 * there is none is parked, as a reference and without its data, until there is. Other entities go on meanwhile.
 *
 * The limit is this worker's: replicas have one each.
 */
#include "clock.h"
#include "mem.h"
#include "rate.h"
#include "worker.h"

#define PARKED_MAX 1000 /* of one limit: more leave the belt, their rows stay open and come back */
#define LIMITS (ENTITY_NONE + EVENT_TYPES)

struct limit {
    struct rate all, repeats; /* repeats: a tenth of all */
    struct lanes parked;
};
struct limits {
    struct limit each[LIMITS]; /* by entity; behind those, by event type without a record */
    size_t parked;
};

static struct limit *limit_for(struct limits *limits, enum event_type type)
{
    enum entity entity = msg_event_entity(type);

    return &limits->each[entity < ENTITY_NONE ? (int)entity : ENTITY_NONE + (int)type];
}

static struct limit *limit_of(const struct work *work)
{
    return limit_for(work->worker->limits, work->type);
}

struct limits *limits_new(void)
{
    struct limits *limits = mem_alloc(sizeof *limits);

    for (size_t i = 0; i < LIMITS; i++)
        lanes_init(&limits->each[i].parked);
    return limits;
}

static void set_limit(struct limit *limit, int64_t per_minute, int64_t now_ms)
{
    int64_t repeats = per_minute > 0 && per_minute < 10 ? 1 : per_minute / 10;

    rate_set(&limit->all, per_minute, now_ms);
    rate_set(&limit->repeats, repeats, now_ms);
}

void limits_set(struct worker *worker)
{
    int64_t now = clock_mono_ms();

    for (int type = 0; type < EVENT_TYPES; type++)
        set_limit(limit_for(worker->limits, type), platform_rate_per_minute(worker->platform, type), now);
}

bool limit_lets(struct work *work)
{
    struct limits *limits = work->worker->limits;
    struct limit *limit = limit_of(work);
    int64_t now = clock_mono_ms();

    if (limit->all.per_minute == 0)
        return true;
    if (rate_tokens(&limit->all, now) > 0 && (work->woken || limit->parked.count == 0)) {
        rate_take(&limit->all, now);
        work->woken = false;
        return true;
    }
    if (limit->parked.count >= PARKED_MAX) {
        work->again = false;
        work_finish(work);
        return false;
    }
    work->parked = &limit->parked;
    lanes_add(work->parked, work);
    limits->parked++;
    return false;
}

bool limit_lets_repeat(struct work *work)
{
    struct limit *limit = limit_of(work);
    int64_t now = clock_mono_ms();

    if (rate_tokens(&limit->repeats, now) == 0)
        return false;
    rate_take(&limit->repeats, now);
    return true;
}

void limit_return(struct work *work)
{
    rate_return(&limit_of(work)->all);
}

void limit_leave(struct work *work)
{
    lanes_remove(work->parked, work);
    work->parked = NULL;
    work->worker->limits->parked--;
}

/* As many as have a place now go back into the queue. */
static void wake(struct worker *worker, struct limit *limit, int64_t now)
{
    struct work *work;

    for (int64_t places = rate_tokens(&limit->all, now); places > 0; places--) {
        if (!(work = lanes_next(&limit->parked)))
            return;
        work->parked = NULL;
        work->woken = true;
        worker->limits->parked--;
        lanes_add(&worker->queued, work);
    }
}

void limits_wake(struct worker *worker)
{
    int64_t now = clock_mono_ms();

    for (size_t i = 0; i < LIMITS && worker->limits->parked > 0; i++)
        wake(worker, &worker->limits->each[i], now);
}

int64_t limits_wait_ms(const struct worker *worker)
{
    int64_t now = clock_mono_ms(), least = 0;

    for (size_t i = 0; i < LIMITS && worker->limits->parked > 0; i++) {
        const struct limit *limit = &worker->limits->each[i];
        int64_t wait = limit->parked.count > 0 ? rate_wait_ms(&limit->all, now) : 0;
        if (wait > 0 && (least == 0 || wait < least))
            least = wait;
    }
    return least;
}

void limits_release(struct worker *worker)
{
    for (size_t i = 0; i < LIMITS; i++) {
        struct work *work;
        while ((work = lanes_next(&worker->limits->each[i].parked))) {
            work->parked = NULL;
            worker->limits->parked--;
            work->again = false;
            work_finish(work);
        }
    }
}
