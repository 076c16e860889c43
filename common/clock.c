/*
 * clock.c: reads the clocks; keeps the offset to the database's and the frozen values of tests.
 *
 * If clock_db_ms stepped back, an event could get an id below one that was already listed.
 */
#include "clock.h"

#include <stdbool.h>
#include <time.h>

static int64_t db_offset_ms;
static int64_t db_latest_ms = INT64_MIN;
static bool frozen;
static int64_t frozen_mono_ms;
static int64_t frozen_wall_ms;

static int64_t read_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return frozen ? frozen_mono_ms * 1000 : read_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
    return frozen ? frozen_mono_ms : read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_wall_us(void)
{
    return frozen ? frozen_wall_ms * 1000 : read_us(CLOCK_REALTIME);
}

int64_t clock_wall_ms(void)
{
    return frozen ? frozen_wall_ms : read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_db_ms(void)
{
    int64_t now_ms = clock_wall_ms() + db_offset_ms;
    if (now_ms > db_latest_ms)
        db_latest_ms = now_ms;
    return db_latest_ms;
}

void clock_set_db_offset_ms(int64_t offset_ms)
{
    db_offset_ms = offset_ms;
}

int64_t clock_db_offset_ms(void)
{
    return db_offset_ms;
}

/* Changing between frozen and running starts database time afresh; moving a frozen clock back does not. */
void clock_freeze(int64_t mono_ms, int64_t wall_ms)
{
    bool freeze = mono_ms >= 0;
    if (freeze != frozen)
        db_latest_ms = INT64_MIN;
    frozen = freeze;
    frozen_mono_ms = mono_ms;
    frozen_wall_ms = wall_ms;
}
