/* lanes.c: see lanes.h. */
#include "lanes.h"

#include "worker.h"

void lanes_init(struct lanes *lanes)
{
    for (unsigned p = 0; p < PRIORITIES; p++)
        TAILQ_INIT(&lanes->lists[p]);
    lanes->count = 0;
    lanes->turn = 0;
}

void lanes_add(struct lanes *lanes, struct work *work)
{
    TAILQ_INSERT_TAIL(&lanes->lists[work->priority], work, link);
    work->lanes = lanes;
    lanes->count++;
}

void lanes_put_back(struct lanes *lanes, struct work *work)
{
    TAILQ_INSERT_HEAD(&lanes->lists[work->priority], work, link);
    work->lanes = lanes;
    lanes->count++;
}

void lanes_remove(struct lanes *lanes, struct work *work)
{
    TAILQ_REMOVE(&lanes->lists[work->priority], work, link);
    work->lanes = NULL;
    lanes->count--;
}

void lanes_leave(struct work *work)
{
    if (work->lanes)
        lanes_remove(work->lanes, work);
}

struct work *lanes_next(struct lanes *lanes)
{
    /* Of fifteen turns: eight critical, four high, two normal, one low; an empty lane's turn goes to the first that is not. */
    static const uint8_t turns[] = {0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0};
    struct work *work = TAILQ_FIRST(&lanes->lists[turns[lanes->turn++ % sizeof turns]]);

    for (unsigned p = 0; !work && p < PRIORITIES; p++)
        work = TAILQ_FIRST(&lanes->lists[p]);
    if (work)
        lanes_leave(work);
    return work;
}
