/* gate.c: see gate.h. */
#include "gate.h"

#include <string.h>

#define OPEN_WAIT_MIN_MS 1000
#define OPEN_WAIT_MAX_MS 30000
#define SHRINK_PAUSE_MS 1000
#define SLOW_START_MS 8000

const char *gate_state_name(enum gate_state state)
{
    static const char *const names[] = {"closed", "open", "half_open"};

    return names[state];
}

void gate_init(struct gate *gate, unsigned window_start, unsigned window_max)
{
    memset(gate, 0, sizeof *gate);
    gate->window_max = window_max;
    gate->window = window_start < window_max ? window_start : window_max;
    gate->steep = true;
    gate->open_wait_ms = OPEN_WAIT_MIN_MS;
}

static void note(struct gate *gate, int64_t now_ms, bool ok)
{
    int64_t second = now_ms / 1000;
    unsigned slot = (unsigned)(second % GATE_SLOTS);

    if (gate->slots[slot].second != second) {
        gate->slots[slot].second = second;
        gate->slots[slot].ok = gate->slots[slot].failed = 0;
    }
    gate->slots[slot].ok += ok;
    gate->slots[slot].failed += !ok;
}

/* Fewer than 1 in 20 succeed, and enough were seen to say so. */
static bool is_failing(const struct gate *gate, int64_t now_ms)
{
    unsigned ok = 0, failed = 0;

    for (unsigned i = 0; i < GATE_SLOTS; i++)
        if (now_ms / 1000 - gate->slots[i].second < GATE_SLOTS) {
            ok += gate->slots[i].ok;
            failed += gate->slots[i].failed;
        }
    return ok + failed >= GATE_MIN_RECORDS && ok * 20 < ok + failed;
}

static void open_gate(struct gate *gate, int64_t now_ms)
{
    if (gate->state == GATE_HALF_OPEN && gate->open_wait_ms < OPEN_WAIT_MAX_MS)
        gate->open_wait_ms = gate->open_wait_ms * 2 < OPEN_WAIT_MAX_MS ? gate->open_wait_ms * 2 : OPEN_WAIT_MAX_MS;
    gate->state = GATE_OPEN;
    gate->open_until_ms = now_ms + gate->open_wait_ms;
}

static void close_gate(struct gate *gate, int64_t now_ms)
{
    gate->state = GATE_CLOSED;
    gate->open_wait_ms = OPEN_WAIT_MIN_MS;
    gate->slow_cap = gate->window_max / 10 > 1 ? gate->window_max / 10 : 1;
    gate->slow_next_ms = now_ms + 1000;
    gate->slow_until_ms = now_ms + SLOW_START_MS;
    gate->window = gate->slow_cap;
    memset(gate->slots, 0, sizeof gate->slots);
}

unsigned gate_permits(struct gate *gate, int64_t now_ms)
{
    double window = gate->window;

    if (now_ms < gate->hold_until_ms)
        return 0;
    if (gate->state == GATE_OPEN) {
        if (now_ms < gate->open_until_ms)
            return 0;
        gate->state = GATE_HALF_OPEN;
    }
    if (gate->state == GATE_HALF_OPEN)
        return gate->in_flight == 0 ? 1 : 0;
    while (now_ms < gate->slow_until_ms && now_ms >= gate->slow_next_ms) {
        gate->slow_cap *= 2;
        gate->slow_next_ms += 1000;
    }
    if (now_ms < gate->slow_until_ms && window > gate->slow_cap)
        window = gate->slow_cap;
    return window >= gate->in_flight + 1 ? (unsigned)window - gate->in_flight : 0;
}

void gate_started(struct gate *gate)
{
    gate->in_flight++;
}

void gate_neutral(struct gate *gate)
{
    gate->in_flight--;
}

void gate_ok(struct gate *gate, int64_t now_ms)
{
    bool full = gate->in_flight + 1 >= (unsigned)gate->window;

    gate->in_flight--;
    note(gate, now_ms, true);
    if (gate->state == GATE_HALF_OPEN)
        close_gate(gate, now_ms);
    if (full && gate->window < gate->window_max)
        gate->window += gate->steep ? 1 : 1 / gate->window;
    if (gate->window > gate->window_max)
        gate->window = gate->window_max;
}

static void shrink(struct gate *gate, int64_t now_ms)
{
    gate->steep = false;
    if (now_ms - gate->shrunk_ms < SHRINK_PAUSE_MS && gate->shrunk_ms > 0)
        return;
    gate->shrunk_ms = now_ms;
    gate->window = gate->window / 2 > 1 ? gate->window / 2 : 1;
}

bool gate_failed(struct gate *gate, int64_t now_ms)
{
    bool was_open = gate->state != GATE_CLOSED;

    gate->in_flight--;
    note(gate, now_ms, false);
    shrink(gate, now_ms);
    if (gate->state == GATE_HALF_OPEN || (gate->state == GATE_CLOSED && is_failing(gate, now_ms)))
        open_gate(gate, now_ms);
    return was_open || gate->state == GATE_OPEN;
}

void gate_slow_down(struct gate *gate, int64_t now_ms)
{
    gate->in_flight--;
    shrink(gate, now_ms);
}

void gate_hold(struct gate *gate, int64_t until_ms)
{
    if (until_ms > gate->hold_until_ms)
        gate->hold_until_ms = until_ms;
}

int64_t gate_wait_ms(const struct gate *gate, int64_t now_ms)
{
    int64_t until = gate->hold_until_ms;

    if (gate->state == GATE_OPEN && gate->open_until_ms > until)
        until = gate->open_until_ms;
    if (until <= now_ms && gate->state == GATE_CLOSED && now_ms < gate->slow_until_ms)
        until = gate->slow_next_ms;
    return until > now_ms ? until - now_ms : 0;
}

bool gate_is_shut(const struct gate *gate, int64_t now_ms)
{
    return now_ms < gate->hold_until_ms || (gate->state == GATE_OPEN && now_ms < gate->open_until_ms);
}
