/*
 * limit.c: rate_per_minute of the platform's file. A record takes its place in the minute before it is read; one for which
 * there is none is parked, as a reference and without its data, until there is. Other entities go on meanwhile.
 *
 * The minute is that of all replicas: tokens are lent by share.h, a moment's worth ahead where the rate has as many, else when
 * something waits for one. What is lent must be used within RATE_LENT_MS; the rest is given back with the next beat.
 */
#include "clock.h"
#include "mem.h"
#include "rate.h"
#include "sharing.h"
#include "worker.h"

#define PARKED_MAX 1000 /* of one limit: more leave the belt, their rows stay open and come back */
#define LIMITS (ENTITY_NONE + EVENT_TYPES)
#define ASK_GAP_MS 50         /* between two beats that only ask for tokens */
#define REPEATS_LOOK_MS 15000 /* a repeat that found no token is back by then */

struct bucket {
    char name[SHARE_NAME_MAX];
    int64_t per_minute;
    int64_t tokens;   /* lent; until lent_until_ms */
    int64_t returned; /* were taken and not used */
    int64_t asked;    /* of repeats: how many found none */
    int64_t ask_until_ms;
};
struct limit {
    struct bucket all, repeats; /* repeats: a tenth of all */
    struct lanes parked;
};
struct limits {
    struct limit each[LIMITS]; /* by entity; behind those, by event type without a record */
    size_t parked;
    int64_t lent_until_ms;
    unsigned live;                          /* replicas */
    struct bucket *asking[SHARE_RATES_MAX]; /* as in the demands of the beat under way */
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

    limits->live = 1;
    for (size_t i = 0; i < LIMITS; i++)
        lanes_init(&limits->each[i].parked);
    for (int type = 0; type < EVENT_TYPES; type++) {
        enum entity entity = msg_event_entity(type);
        const char *name = entity < ENTITY_NONE ? msg_entity_name(entity) : msg_event_type_name(type);
        struct limit *limit = limit_for(limits, type);
        snprintf(limit->all.name, sizeof limit->all.name, "%s", name);
        snprintf(limit->repeats.name, sizeof limit->repeats.name, "%.36s repeats", name);
    }
    return limits;
}

/* ── tokens ── */

static int64_t usable(const struct worker *worker, const struct bucket *bucket)
{
    if (bucket->per_minute == 0)
        return INT64_MAX;
    return clock_mono_ms() < worker->limits->lent_until_ms ? bucket->tokens : 0;
}

/* A second's worth of what each replica may use, where that is something whole. */
static int64_t ahead(const struct limits *limits, const struct bucket *bucket)
{
    return bucket->per_minute / 60 / limits->live;
}

static void ask(struct limits *limits, struct bucket *bucket, int64_t want, struct share_demand *demands,
                size_t *count)
{
    int64_t unused = bucket->tokens + bucket->returned;

    if (bucket->per_minute == 0 || want + unused == 0 || *count == SHARE_RATES_MAX)
        return;
    limits->asking[*count] = bucket;
    demands[(*count)++] = (struct share_demand){
        .name = bucket->name, .per_minute = bucket->per_minute, .unused = unused, .want = want};
    bucket->tokens = bucket->returned = bucket->asked = 0;
}

size_t limits_ask(struct worker *worker, struct share_demand *demands)
{
    struct limits *limits = worker->limits;
    int64_t now = clock_mono_ms();
    size_t count = 0;

    for (size_t i = 0; i < LIMITS; i++) {
        struct limit *limit = &limits->each[i];
        int64_t repeats = now < limit->repeats.ask_until_ms ? limit->repeats.asked + 1 : 0;
        ask(limits, &limit->all, (int64_t)limit->parked.count + ahead(limits, &limit->all), demands, &count);
        ask(limits, &limit->repeats, repeats, demands, &count);
    }
    return count;
}

void limits_lent(struct worker *worker, const struct share_demand *demands, size_t count, int64_t until_ms,
                 unsigned live)
{
    struct limits *limits = worker->limits;

    for (size_t i = 0; i < count; i++)
        limits->asking[i]->tokens = demands[i].granted;
    limits->lent_until_ms = until_ms;
    limits->live = live > 0 ? live : 1;
}

static void set_limit(struct limit *limit, int64_t per_minute)
{
    limit->all.per_minute = per_minute;
    limit->repeats.per_minute = per_minute > 0 && per_minute < 10 ? 1 : per_minute / 10;
}

void limits_set(struct worker *worker)
{
    for (int type = 0; type < EVENT_TYPES; type++)
        set_limit(limit_for(worker->limits, type), platform_rate_per_minute(worker->platform, type));
}

/* ── works ── */

bool limit_lets(struct work *work)
{
    struct worker *worker = work->worker;
    struct limit *limit = limit_of(work);

    if (limit->all.per_minute == 0)
        return true;
    if (usable(worker, &limit->all) > 0 && (work->woken || limit->parked.count == 0)) {
        limit->all.tokens--;
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
    if (worker->limits->parked++ == 0)
        sharing_beat_in(worker, ASK_GAP_MS);
    return false;
}

bool limit_lets_repeat(struct work *work)
{
    struct bucket *repeats = &limit_of(work)->repeats;

    if (repeats->per_minute == 0)
        return true;
    if (usable(work->worker, repeats) == 0) {
        repeats->asked++;
        repeats->ask_until_ms = clock_mono_ms() + REPEATS_LOOK_MS;
        return false;
    }
    repeats->tokens--;
    return true;
}

void limit_return(struct work *work)
{
    if (limit_of(work)->all.per_minute > 0)
        limit_of(work)->all.returned++;
}

void limit_leave(struct work *work)
{
    lanes_remove(work->parked, work);
    work->parked = NULL;
    work->worker->limits->parked--;
}

/* As many as have a place now go back into the queue. */
static void wake(struct worker *worker, struct limit *limit)
{
    struct work *work;

    for (int64_t places = usable(worker, &limit->all); places > 0; places--) {
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
    for (size_t i = 0; i < LIMITS && worker->limits->parked > 0; i++)
        wake(worker, &worker->limits->each[i]);
}

bool limits_wait(const struct worker *worker)
{
    return worker->limits->parked > 0;
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
