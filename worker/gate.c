/* gate.c: see gate.h. */
#include "gate.h"

#include <string.h>

#include "share.h"

#define SHRINK_PAUSE_MS 1000
#define TROUBLE_MS 10000 /* setbacks so far apart are different troubles */
#define SLOW_START_MS 10000
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
    gate->open_wait_ms = GATE_OPEN_WAIT_MIN_MS;
    gate->seen_max = GATE_SEEN;
    gate->slots = window_max;
    gate->alone = true;
    gate->proven = gate->window;
}

/* ── arithmetic ── */

double gate_slow_base(double proven)
{
    return proven / 10 > 1 ? proven / 10 : 1;
}

double gate_slow_cap(double proven, int64_t closed_age_ms)
{
    if (closed_age_ms >= SLOW_START_MS)
        return UINT32_MAX;
    return gate_slow_base(proven) * (double)(1u << (closed_age_ms > 0 ? closed_age_ms / 1000 : 0));
}

int64_t gate_next_wait_ms(int64_t open_wait_ms)
{
    return open_wait_ms * 2 < GATE_OPEN_WAIT_MAX_MS ? open_wait_ms * 2 : GATE_OPEN_WAIT_MAX_MS;
}

void gate_shrink(double *window, double *proven, int64_t *shrunk_ms, int64_t now_ms)
{
    if (now_ms - *shrunk_ms<SHRINK_PAUSE_MS && * shrunk_ms> 0)
        return;
    if (now_ms - *shrunk_ms > TROUBLE_MS || *shrunk_ms == 0)
        *proven = *window;
    *shrunk_ms = now_ms;
    *window = *window / 2 > 1 ? *window / 2 : 1;
}

void gate_set_window_max(struct gate *gate, unsigned window_max)
{
    gate->window_max = window_max;
    if (gate->window > window_max)
        gate->window = window_max;
    if (gate->slots > window_max || !gate->shared)
        gate->slots = window_max;
}

/* ── outcomes of records ── */

/* The record's last outcome; the oldest record makes room. */
void gate_note(struct gate *gate, uint64_t record, bool ok, int64_t now_ms)
{
    unsigned at = 0;

    while (at < gate->seen_count && gate->seen[at].record != record)
        at++;
    if (at == gate->seen_count && gate->seen_count < gate->seen_max) {
        gate->seen_count++;
    } else if (at == gate->seen_count) {
        at = gate->seen_next;
        gate->seen_next = at + 1 < gate->seen_max ? at + 1 : 0;
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

unsigned gate_seen_lately(const struct gate *gate, int64_t now_ms, unsigned *ok)
{
    return seen_since(gate, now_ms - RECENT_MS, ok);
}

/* Fewer than 1 in 20 succeed, and enough were seen to say so; what the other replicas see counts as well. */
static bool is_failing(struct gate *gate, int64_t now_ms)
{
    unsigned ok, seen = seen_since(gate, now_ms - RECENT_MS, &ok);

    if (seen + gate->others_seen < GATE_MIN_RECORDS)
        seen = seen_since(gate, now_ms - LOOK_BACK_MS, &ok);
    gate->doubts = seen >= GATE_MIN_RECORDS && ok * 20 < seen;
    seen += gate->others_seen;
    ok += gate->others_ok;
    return seen >= GATE_MIN_RECORDS && ok * 20 < seen;
}

bool gate_is_suspect(const struct gate *gate, int64_t now_ms)
{
    int64_t since_ms = now_ms - LOOK_BACK_MS;
    unsigned failed = 0;

    for (unsigned i = 0; i < gate->seen_count; i++)
        if (gate->seen[i].ok && gate->seen[i].at_ms > since_ms)
            since_ms = gate->seen[i].at_ms;
    for (unsigned i = 0; i < gate->seen_count; i++)
        failed += !gate->seen[i].ok && gate->seen[i].at_ms > since_ms;
    return failed >= GATE_MIN_RECORDS;
}

/* ── the breaker ── */

static void open_gate(struct gate *gate, int64_t now_ms)
{
    if (gate->state == GATE_HALF_OPEN) {
        gate->open_wait_ms = gate_next_wait_ms(gate->open_wait_ms);
        gate->news.probe_failed = true;
    } else {
        gate->news.opened = true;
    }
    gate->news.closed = false;
    gate->probe = false;
    gate->state = GATE_OPEN;
    gate->open_until_ms = now_ms + gate->open_wait_ms;
}

/* As it is after an outage that ended then. */
static void enter_closed(struct gate *gate, int64_t closed_ms)
{
    gate->doubts = false;
    gate->state = GATE_CLOSED;
    gate->probe = false;
    gate->closed_ms = closed_ms;
    gate->open_wait_ms = GATE_OPEN_WAIT_MIN_MS;
    gate->seen_count = gate->seen_next = 0;
    gate->others_seen = gate->others_ok = 0;
}

static void close_gate(struct gate *gate, int64_t now_ms)
{
    enter_closed(gate, now_ms);
    gate->window = gate_slow_base(gate->proven);
    gate->steep = true;
    gate->slots = gate->alone ? gate->slots : 0; /* the others have slots, too: what is lent next counts */
    gate->news.closed = true;
    gate->news.opened = gate->news.probe_failed = false;
}

/* ── the window ── */

unsigned gate_limit(const struct gate *gate, int64_t now_ms)
{
    double window = gate->window, cap;

    if (!gate->alone)
        return gate->slots;
    cap = gate->closed_ms > 0 ? gate_slow_cap(gate->proven, now_ms - gate->closed_ms) : window;
    window = cap < window ? cap : window;
    return window < gate->slots ? (unsigned)window : gate->slots;
}

unsigned gate_permits(struct gate *gate, int64_t now_ms)
{
    unsigned most;

    if (now_ms < gate->hold_until_ms || (gate->shared && now_ms >= gate->lent_until_ms))
        return 0;
    if (gate->state == GATE_OPEN) {
        if (now_ms < gate->open_until_ms)
            return 0;
        gate->state = GATE_HALF_OPEN;
    }
    if (gate->state == GATE_HALF_OPEN)
        return gate->in_flight == 0 && (gate->probe || !gate->shared) ? 1 : 0;
    most = gate_limit(gate, now_ms);
    return most > gate->in_flight ? most - gate->in_flight : 0;
}

unsigned gate_repeats_max(const struct gate *gate)
{
    if (gate->state == GATE_HALF_OPEN) /* the probe may be one */
        return 1;
    if (!gate->alone)
        return gate->repeats;
    return gate->window >= 20 ? (unsigned)gate->window / 10 : 1;
}

void gate_started(struct gate *gate)
{
    unsigned full = gate->alone ? (unsigned)gate->window : gate->slots;

    gate->in_flight++;
    if (gate->in_flight >= full)
        gate->full_left =
            gate->in_flight; /* however the answers come, each of these tells of a full window */
}

void gate_neutral(struct gate *gate)
{
    gate->in_flight--;
}

/* Others have parts of it: they are told, and the window grows for all. */
static void grow(struct gate *gate)
{
    double by = gate->steep ? 1 : 1 / gate->window;

    if (!gate->alone) {
        gate->news.earned += by;
        return;
    }
    if (gate->window < gate->window_max)
        gate->window += by;
    if (gate->window > gate->window_max)
        gate->window = gate->window_max;
}

void gate_ok(struct gate *gate, uint64_t record, int64_t now_ms)
{
    bool full = gate->full_left > 0;

    gate->in_flight--;
    gate->full_left -= full;
    gate_note(gate, record, true, now_ms);
    if (gate->state == GATE_HALF_OPEN && (gate->probe || !gate->shared))
        close_gate(gate, now_ms);
    if (full)
        grow(gate);
}

static void shrink(struct gate *gate, int64_t now_ms)
{
    double slots = gate->slots, ignored = 0;

    gate->steep = false;
    gate->full_left = 0;
    if (gate->alone) {
        gate_shrink(&gate->window, &gate->proven, &gate->shrunk_ms, now_ms);
        return;
    }
    gate_shrink(&slots, &ignored, &gate->shrunk_ms, now_ms);
    gate->slots = gate->slots > 0 ? (unsigned)slots : 0;
    gate->news.shrank = true;
    gate->news.earned = 0;
}

bool gate_failed(struct gate *gate, uint64_t record, int64_t now_ms)
{
    bool probe = gate->state == GATE_HALF_OPEN && (gate->probe || !gate->shared);

    gate->in_flight--;
    gate_note(gate, record, false, now_ms);
    shrink(gate, now_ms);
    if (probe || (gate->state == GATE_CLOSED && is_failing(gate, now_ms)))
        open_gate(gate, now_ms);
    return gate->state != GATE_CLOSED;
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
    int64_t until = gate->hold_until_ms, age = now_ms - gate->closed_ms;

    if (gate->state == GATE_OPEN && gate->open_until_ms > until)
        until = gate->open_until_ms;
    if (until <= now_ms && gate->state == GATE_CLOSED && gate->closed_ms > 0 && age < SLOW_START_MS)
        until = gate->closed_ms + (age / 1000 + 1) * 1000;
    return until > now_ms ? until - now_ms : 0;
}

bool gate_is_in_doubt(const struct gate *gate, int64_t now_ms)
{
    return gate->state != GATE_CLOSED || (gate->closed_ms > 0 && now_ms - gate->closed_ms < SLOW_START_MS);
}

bool gate_is_shut(const struct gate *gate, int64_t now_ms)
{
    return now_ms < gate->hold_until_ms || (gate->state == GATE_OPEN && now_ms < gate->open_until_ms);
}

/* ── with other replicas ── */

void gate_share(struct gate *gate)
{
    gate->shared = true;
    gate->alone = false;
    gate->slots = gate->repeats = 0;
    gate->lent_until_ms = 0;
}

struct gate_news gate_tell(struct gate *gate)
{
    struct gate_news news = gate->news;

    news.state = gate->state;
    news.window = gate->window;
    news.proven = gate->proven;
    news.steep = gate->steep;
    gate->news = (struct gate_news){0};
    return news;
}

void gate_tell_again(struct gate *gate, const struct gate_news *news)
{
    bool newer = gate->news.opened || gate->news.probe_failed || gate->news.closed;

    gate->news.opened |= news->opened && !newer;
    gate->news.probe_failed |= news->probe_failed && !newer;
    gate->news.closed |= news->closed && !newer;
    gate->news.shrank |= news->shrank;
    gate->news.earned = gate->news.shrank ? 0 : gate->news.earned + news->earned;
}

void gate_yield(struct gate *gate, const struct share_slice *slice)
{
    gate->alone = gate->alone && slice->alone;
    gate->probe = gate->probe && slice->probe;
    if (slice->slots < gate->slots)
        gate->slots = slice->slots;
    if (slice->repeats < gate->repeats)
        gate->repeats = slice->repeats;
}

static void follow_breaker(struct gate *gate, const struct share_slice *slice, int64_t now_ms)
{
    switch (slice->breaker) {
    case GATE_CLOSED:
        if (gate->state != GATE_CLOSED)
            enter_closed(gate, now_ms - (slice->closed_age_ms >= 0 ? slice->closed_age_ms : 0));
        break;
    case GATE_OPEN:
        gate->state = GATE_OPEN;
        gate->probe = false;
        gate->open_until_ms = now_ms + slice->open_left_ms;
        gate->open_wait_ms = slice->open_wait_ms;
        break;
    case GATE_HALF_OPEN:
        gate->state = GATE_HALF_OPEN;
        gate->probe = slice->probe;
        gate->open_wait_ms = slice->open_wait_ms;
        break;
    }
}

static void keep_part(struct gate *gate, unsigned live)
{
    gate->seen_max = GATE_SEEN / (live > 0 ? live : 1);
    if (gate->seen_max < GATE_MIN_RECORDS)
        gate->seen_max = GATE_MIN_RECORDS;
    if (gate->seen_count > gate->seen_max)
        gate->seen_count = gate->seen_max;
    gate->seen_next %= gate->seen_max;
}

void gate_follow(struct gate *gate, const struct share_slice *slice, int64_t now_ms, int64_t lent_until_ms)
{
    const struct gate_news *news = &gate->news;
    bool was_alone = gate->alone, closed_here = news->closed;

    if (!news->opened && !news->probe_failed && !news->closed) /* else what is known here is newer */
        follow_breaker(gate, slice, now_ms);
    if (slice->held_left_ms > 0)
        gate_hold(gate, now_ms + slice->held_left_ms);
    keep_part(gate, slice->live);
    gate->alone = slice->alone;
    if (!(was_alone && slice->alone) && !closed_here) { /* alone it is this one's own, and has gone on */
        gate->window = slice->window;
        gate->proven = slice->proven;
        gate->steep = slice->steep && !news->shrank;
        if (slice->closed_age_ms >= 0)
            gate->closed_ms = now_ms - slice->closed_age_ms;
    }
    gate->slots = news->shrank && slice->slots > gate->slots ? gate->slots : slice->slots;
    gate->repeats = slice->repeats;
    gate->others_seen = slice->others_seen;
    gate->others_ok = slice->others_ok;
    gate->lent_until_ms = lent_until_ms;
}
