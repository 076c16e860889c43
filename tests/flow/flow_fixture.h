/*
 * flow_fixture.h: everything that a flow test needs, and its main.
 *
 * A test program starts one stack of the real programs, runs its claims against it and ends it, also when one of them fails:
 *
 *     int main(void) { return flow_run("name", NULL, (const TTest *[]){claim, other_claim, NULL}); }
 *
 * flow_run may be called again with other options; the last lines add up. Starting costs seconds, so claims share the stack and
 * keep apart by ids of their own. What answers point to stays until the test program ends.
 */
#pragma once
#include <check.h>
#include <unistd.h>

#include "api_fixture.h"
#include "clock.h"
#include "fake_fixture.h"
#include "pick_fixture.h"
#include "stack_fixture.h"
#include "stores_fixture.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* Looks every 10 to 40 ms until the condition holds; a failed test when it does not within `seconds` (more under sanitizers). */
#define flow_wait(condition, seconds)                                                                       \
    do {                                                                                                    \
        int64_t flow_end_ = clock_mono_ms() + (int64_t)((seconds)*1000 * flow_patience());                  \
        for (unsigned flow_pause_us_ = 10000; !(condition); flow_pause_us_ += flow_pause_us_ < 40000 ? 2000 : 0) { \
            ck_assert_msg(clock_mono_ms() < flow_end_, "waited %g s in vain for: %s", (double)(seconds),    \
                          #condition);                                                                      \
            usleep(flow_pause_us_);                                                                         \
        }                                                                                                   \
    } while (0)
double flow_patience(void); /* CK_TIMEOUT_MULTIPLIER, 1 when unset */

/* How much of something a claim works with: few in `make test`, the promised number in `make soak`. */
long flow_size(long few, long promised);

/* Runs the claims (each at most 60 s, half an hour in `make soak`) on a stack with these options; exit status for main. On
 * failure the reason and the ends of the logs are printed. */
int flow_run(const char *name, const struct stack_options *options, const TTest *const *claims);
