/* gate_fixture.h: a gate of one platform with time as a variable, for the tests of the gate alone. */
#pragma once
#include <check.h>
#include <stdlib.h>

#include "../../worker/share.h"

#define WINDOW_MAX 100
#define START_MS INT64_C(1000000)

static struct gate gate;
static int64_t now;
static uint64_t fresh_record;

static inline void begin(void)
{
    gate_init(&gate, 10, WINDOW_MAX);
    now = START_MS;
    fresh_record = 0;
}

/* As many as may start do, and succeed. */
static inline void full_window(void)
{
    unsigned started = 0;

    for (unsigned permits = gate_permits(&gate, now); started < permits; started++)
        gate_started(&gate);
    while (started-- > 0)
        gate_ok(&gate, ++fresh_record, now);
}

static inline bool fail_one(uint64_t record)
{
    gate_started(&gate);
    return gate_failed(&gate, record, now);
}

static inline void succeed_one(uint64_t record)
{
    gate_started(&gate);
    gate_ok(&gate, record, now);
}

static inline void open_it(void)
{
    for (unsigned i = 0; i < GATE_SEEN && gate.state == GATE_CLOSED; i++)
        fail_one(++fresh_record);
    ck_assert_int_eq(gate.state, GATE_OPEN);
}
