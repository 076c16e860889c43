/* gate.c: see gate.h. */
#include "gate.h"

#include <string.h>

#define OPEN_WAIT_MIN_MS 1000
#define OPEN_WAIT_MAX_MS 30000
#define SHRINK_PAUSE_MS 1000
#define SLOW_START_MS 8000
#define RECENT_MS 10000
#define LOOK_BACK_MS 60000

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

void gate_set_window_max(struct gate *gate, unsigned window_max)
{
    gate->window_max = window_max;
    if (gate->window > window_max)
        gate->window = window_max;
}

/* The record's last outcome; the oldest record makes room. */
void gate_note(struct gate *gate, uint64_t record, bool ok, int64_t now_ms)
{
    unsigned at = 0;

    while (at < gate->seen_count && gate->seen[at].record != record)
        at++;
    if (at == gate->seen_count && gate->seen_count < GATE_SEEN) {
        gate->seen_count++;
    } else if (at == gate->seen_count) {
        at = gate->seen_next;
        gate->seen_next = (gate->seen_next + 1) % GATE_SEEN;
    }
    gate->seen[at].record = record;
    gate->seen[at].at_ms = now_ms;
    gate->seen[at].ok = ok;
}

/* Distinct records since then, and how many of them succeeded at last. */
static unsigned seen_since(const struct gate *gate, int64_t since_ms, unsigned *ok)
{
    unsigned seen = 0;

    *ok = 0;
    for (unsigned i = 0; i < gate->seen_count; i++)
        if (gate->seen[i].at_ms > since_ms) {
            seen++;
            *ok += gate->seen[i].ok;
        }
    return seen;
}

/* Fewer than 1 in 20 succeed, and enough were seen to say so. */
static bool is_failing(const struct gate *gate, int64_t now_ms)
{
    unsigned ok, seen = seen_since(gate, now_ms - RECENT_MS, &ok);

    if (seen < GATE_MIN_RECORDS)
        seen = seen_since(gate, now_ms - LOOK_BACK_MS, &ok);
    return seen >= GATE_MIN_RECORDS && ok * 20 < seen;
}

static void open_gate(struct gate *gate, int64_t now_ms)
{
    if (gate->state == GATE_HALF_OPEN && gate->open_wait_ms < OPEN_WAIT_MAX_MS)
        gate->open_wait_ms =
            gate->open_wait_ms * 2 < OPEN_WAIT_MAX_MS ? gate->open_wait_ms * 2 : OPEN_WAIT_MAX_MS;
    gate->state = GATE_OPEN;
    gate->open_until_ms = now_ms + gate->open_wait_ms;
}

static void close_gate(struct gate *gate, int64_t now_ms)
{
    gate->state = GATE_CLOSED;
    gate->closed_ms = now_ms;
    gate->open_wait_ms = OPEN_WAIT_MIN_MS;
    gate->slow_cap = gate->window_max / 10 > 1 ? gate->window_max / 10 : 1;
    gate->slow_next_ms = now_ms + 1000;
    gate->slow_until_ms = now_ms + SLOW_START_MS;
    gate->window = gate->slow_cap;
    gate->seen_count = gate->seen_next = 0;
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
    if (gate->in_flight >= (unsigned)gate->window)
        gate->full_left =
            gate->in_flight; /* however the answers come, each of these tells of a full window */
}

void gate_neutral(struct gate *gate)
{
    gate->in_flight--;
}

void gate_ok(struct gate *gate, uint64_t record, int64_t now_ms)
{
    bool full = gate->full_left > 0;

    gate->in_flight--;
    gate->full_left -= full;
    gate_note(gate, record, true, now_ms);
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
    gate->full_left = 0;
    if (now_ms - gate->shrunk_ms < SHRINK_PAUSE_MS && gate->shrunk_ms > 0)
        return;
    gate->shrunk_ms = now_ms;
    gate->window = gate->window / 2 > 1 ? gate->window / 2 : 1;
}

bool gate_failed(struct gate *gate, uint64_t record, int64_t now_ms)
{
    gate->in_flight--;
    gate_note(gate, record, false, now_ms);
    shrink(gate, now_ms);
    if (gate->state == GATE_HALF_OPEN || (gate->state == GATE_CLOSED && is_failing(gate, now_ms)))
        open_gate(gate, now_ms);
    return gate->state == GATE_OPEN;
}

bool gate_record_failed(struct gate *gate, uint64_t record, int64_t now_ms)
{
    gate_note(gate, record, false, now_ms);
    if (gate->state == GATE_CLOSED && !is_failing(gate, now_ms)) {
        gate->in_flight--;
        return false;
    }
    return gate_failed(gate, record, now_ms);
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
