/* lanes.c: see lanes.h. */
#include "lanes.h"

#include "mem.h"
#include "worker.h"

enum { BACK, FRESH, OLD, KINDS }; /* put back: first; the two others in turn */

/* Owner: its lanes, while a work stands in it. */
struct lane {
    TAILQ_ENTRY(lane) link;
    struct work_list lists[KINDS];
    bool old_next;
    char tenant[MSG_TENANT_MAX + 1];
};

void lanes_init(struct lanes *lanes)
{
    for (unsigned p = 0; p < PRIORITIES; p++)
        TAILQ_INIT(&lanes->turns[p]);
    lanes->count = 0;
    lanes->turn = 0;
    lanes->mixed = false;
}

static struct lane *lane_new(struct lanes *lanes, const struct work *work)
{
    struct lane *lane = mem_alloc(sizeof *lane);

    for (unsigned kind = 0; kind < KINDS; kind++)
        TAILQ_INIT(&lane->lists[kind]);
    snprintf(lane->tenant, sizeof lane->tenant, "%s", work->tenant);
    TAILQ_INSERT_TAIL(&lanes->turns[work->priority], lane, link);
    return lane;
}

/* Tenants that wait in one process are few, or have few works each. */
static struct lane *lane_of(struct lanes *lanes, const struct work *work)
{
    struct lane *lane;

    TAILQ_FOREACH(lane, &lanes->turns[work->priority], link)
    if (strcmp(lane->tenant, work->tenant) == 0)
        return lane;
    return lane_new(lanes, work);
}

static void enter(struct lanes *lanes, struct work *work, struct lane *lane, struct work_list *list)
{
    work->lanes = lanes;
    work->lane = lane;
    work->list = list;
    lanes->count++;
}

void lanes_add(struct lanes *lanes, struct work *work)
{
    struct lane *lane = lane_of(lanes, work);
    struct work_list *list = &lane->lists[work->fresh ? FRESH : OLD];

    TAILQ_INSERT_TAIL(list, work, link);
    enter(lanes, work, lane, list);
}

void lanes_put_back(struct lanes *lanes, struct work *work)
{
    struct lane *lane = lane_of(lanes, work);

    TAILQ_REMOVE(&lanes->turns[work->priority], lane, link);
    TAILQ_INSERT_HEAD(&lanes->turns[work->priority], lane, link);
    TAILQ_INSERT_HEAD(&lane->lists[BACK], work, link);
    enter(lanes, work, lane, &lane->lists[BACK]);
}

static bool is_empty(const struct lane *lane)
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (!TAILQ_EMPTY(&lane->lists[kind]))
            return false;
    return true;
}

void lanes_remove(struct lanes *lanes, struct work *work)
{
    struct lane *lane = work->lane;

    TAILQ_REMOVE(work->list, work, link);
    work->lanes = NULL;
    work->lane = NULL;
    lanes->count--;
    if (!is_empty(lane))
        return;
    TAILQ_REMOVE(&lanes->turns[work->priority], lane, link);
    free(lane);
}

void lanes_leave(struct work *work)
{
    if (work->lanes)
        lanes_remove(work->lanes, work);
}

/* The next turn leads to quite another one. Walks: only for a while, and as far as the hand reaches. */
static struct work *any_of(const struct lanes *lanes, struct work_list *list)
{
    struct work *work;
    unsigned count = 0, place;

    TAILQ_FOREACH(work, list, link)
    count++;
    place = count > 0 ? (uint32_t)(lanes->turn * UINT32_C(2654435761)) % count : 0;
    for (work = TAILQ_FIRST(list); place > 0; place--)
        work = TAILQ_NEXT(work, link);
    return work;
}

static struct work *pick_of(const struct lanes *lanes, struct work_list *list)
{
    return lanes->mixed ? any_of(lanes, list) : TAILQ_FIRST(list);
}

static struct work *first_of(const struct lanes *lanes, struct lane *lane)
{
    struct work *work = TAILQ_FIRST(&lane->lists[BACK]);

    if (work)
        return work;
    lane->old_next = !lane->old_next;
    work = pick_of(lanes, &lane->lists[lane->old_next ? FRESH : OLD]);
    return work ? work : pick_of(lanes, &lane->lists[lane->old_next ? OLD : FRESH]);
}

struct work *lanes_next(struct lanes *lanes)
{
    /* Of fifteen turns: eight critical, four high, two normal, one low; an empty lane's turn goes to the first that is not. */
    static const uint8_t turns[] = {0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0};
    unsigned priority = turns[lanes->turn++ % sizeof turns];
    struct lane *lane = TAILQ_FIRST(&lanes->turns[priority]);
    struct work *work;

    for (unsigned p = 0; !lane && p < PRIORITIES; p++)
        lane = TAILQ_FIRST(&lanes->turns[priority = p]);
    if (!lane)
        return NULL;
    work = first_of(lanes, lane);
    TAILQ_REMOVE(&lanes->turns[priority], lane, link); /* its next turn comes after everybody's */
    TAILQ_INSERT_TAIL(&lanes->turns[priority], lane, link);
    lanes_remove(lanes, work);
    return work;
}
