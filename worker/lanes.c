/* lanes.c: see lanes.h. */
#include "lanes.h"

#include "worker.h"

void lanes_init(struct lanes *lanes)
{
    for (unsigned p = 0; p < PRIORITIES; p++) {
        TAILQ_INIT(&lanes->lists[p][0]);
        TAILQ_INIT(&lanes->lists[p][1]);
        lanes->side[p] = false;
    }
    lanes->count = 0;
    lanes->turn = 0;
}

static struct work_list *list_of(struct lanes *lanes, const struct work *work)
{
    return &lanes->lists[work->priority][work->fresh];
}

void lanes_add(struct lanes *lanes, struct work *work)
{
    TAILQ_INSERT_TAIL(list_of(lanes, work), work, link);
    work->lanes = lanes;
    lanes->count++;
}

void lanes_put_back(struct lanes *lanes, struct work *work)
{
    TAILQ_INSERT_HEAD(list_of(lanes, work), work, link);
    work->lanes = lanes;
    lanes->count++;
}

void lanes_remove(struct lanes *lanes, struct work *work)
{
    TAILQ_REMOVE(list_of(lanes, work), work, link);
    work->lanes = NULL;
    lanes->count--;
}

void lanes_leave(struct work *work)
{
    if (work->lanes)
        lanes_remove(work->lanes, work);
}

static struct work *first_of(struct lanes *lanes, unsigned priority)
{
    struct work_list *lists = lanes->lists[priority];
    bool side = lanes->side[priority] = !lanes->side[priority];
    struct work *work = TAILQ_FIRST(&lists[side]);

    return work ? work : TAILQ_FIRST(&lists[!side]);
}

struct work *lanes_next(struct lanes *lanes)
{
    /* Of fifteen turns: eight critical, four high, two normal, one low; an empty lane's turn goes to the first that is not. */
    static const uint8_t turns[] = {0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0};
    struct work *work;

    work = first_of(lanes, turns[lanes->turn++ % sizeof turns]);
    for (unsigned p = 0; !work && p < PRIORITIES; p++)
        work = first_of(lanes, p);
    if (work)
        lanes_leave(work);
    return work;
}
