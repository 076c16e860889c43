/* share.c: see share.h. */
#include "share.h"

#include <stdio.h>
#include <string.h>

#define CLOCKS_MS 50 /* by so much a replica's idea of the database's time may be ahead */

/* ── replicas ── */

static void forget_the_silent(struct share *share, int64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < share->replica_count; i++)
        if (share->replicas[i].until_ms > now_ms)
            share->replicas[kept++] = share->replicas[i];
    share->replica_count = kept;
}

static struct share_replica *find_replica(struct share *share, const char *owner)
{
    for (size_t i = 0; i < share->replica_count; i++)
        if (strcmp(share->replicas[i].owner, owner) == 0)
            return &share->replicas[i];
    return NULL;
}

/* In the order of their names, so that all agree who is which. NULL: there are too many, it gets nothing. */
static struct share_replica *add_replica(struct share *share, const char *owner)
{
    size_t at = 0;

    if (share->replica_count == SHARE_REPLICAS_MAX)
        return NULL;
    while (at < share->replica_count && strcmp(share->replicas[at].owner, owner) < 0)
        at++;
    memmove(&share->replicas[at + 1], &share->replicas[at],
            (share->replica_count - at) * sizeof *share->replicas);
    share->replica_count++;
    share->replicas[at] = (struct share_replica){0};
    snprintf(share->replicas[at].owner, sizeof share->replicas[at].owner, "%s", owner);
    return &share->replicas[at];
}

static void leave(struct share *share, const char *owner)
{
    struct share_replica *replica = find_replica(share, owner);
    size_t at = replica ? (size_t)(replica - share->replicas) : 0;

    if (!replica)
        return;
    share->replica_count--;
    memmove(replica, replica + 1, (share->replica_count - at) * sizeof *replica);
    if (strcmp(share->prober, owner) == 0)
        share->prober[0] = '\0';
}

/* ── the breaker ── */

static bool is_prober(const struct share *share, const char *owner)
{
    return strcmp(share->prober, owner) == 0;
}

static void open_breaker(struct share *share, int64_t wait_ms, int64_t now_ms)
{
    share->breaker = GATE_OPEN;
    share->open_wait_ms = wait_ms;
    share->open_until_ms = now_ms + wait_ms;
    share->prober[0] = '\0';
}

static void close_breaker(struct share *share, int64_t now_ms)
{
    share->breaker = GATE_CLOSED;
    share->prober[0] = '\0';
    share->closed_ms = now_ms;
    share->window = gate_slow_base(share->proven);
    share->steep = true;
    for (size_t i = 0; i < share->replica_count; i++)
        share->replicas[i].seen = share->replicas[i].ok = 0;
}

static void take_breaker_news(struct share *share, const struct share_report *report, int64_t now_ms)
{
    const struct gate_news *news = &report->news;

    if (news->opened && share->breaker == GATE_CLOSED)
        open_breaker(share, GATE_OPEN_WAIT_MIN_MS, now_ms);
    else if (news->probe_failed && share->breaker != GATE_CLOSED && is_prober(share, report->owner))
        open_breaker(share, gate_next_wait_ms(share->open_wait_ms), now_ms);
    else if (news->closed && share->breaker != GATE_CLOSED && is_prober(share, report->owner))
        close_breaker(share, now_ms);
}

/* Who may probe: the one that does, while it is there and has something to send; else the first that asks. */
static bool choose_prober(struct share *share, const struct share_report *report, int64_t now_ms)
{
    bool own = is_prober(share, report->owner);

    if (own && !report->probes)
        share->prober[0] = '\0';
    if (!own && share->prober[0] && (now_ms >= share->probe_until_ms || !find_replica(share, share->prober)))
        share->prober[0] = '\0';
    if (share->breaker == GATE_CLOSED || !report->probes || now_ms < share->open_until_ms ||
        (share->prober[0] && !own))
        return false;
    share->breaker = GATE_HALF_OPEN;
    share->probe_until_ms = now_ms + report->life_ms;
    snprintf(share->prober, sizeof share->prober, "%s", report->owner);
    return true;
}

/* ── the window ── */

static void take_window_news(struct share *share, const struct share_report *report, int64_t now_ms)
{
    const struct gate_news *news = &report->news;

    if (share->window < 1) {
        share->window = report->window_start;
        share->steep = true;
    }
    if (report->alone) {
        share->window = news->window;
        share->proven = news->proven;
        share->steep = news->steep;
    } else if (news->shrank) {
        gate_shrink(&share->window, &share->proven, &share->shrunk_ms, now_ms);
        share->steep = false;
    } else {
        share->window += news->earned < share->window ? news->earned : share->window;
    }
    if (share->window > report->window_max)
        share->window = report->window_max;
}

/* Of the window, in the seconds after an outage. */
static unsigned open_slots(const struct share *share, int64_t now_ms)
{
    double cap =
        share->closed_ms > 0 ? gate_slow_cap(share->proven, now_ms - share->closed_ms) : share->window;

    return (unsigned)(cap < share->window ? cap : share->window);
}

unsigned share_part(unsigned total, unsigned rank, unsigned count, int64_t now_ms)
{
    unsigned turn = (unsigned)(now_ms / 1000 % count);

    return total / count + ((rank + turn) % count < total % count ? 1 : 0);
}

/* The largest level such that all needs cut off at it fit. */
static unsigned level_of(unsigned total, const unsigned *needs, unsigned count)
{
    unsigned low = 0, high = total;

    while (low < high) {
        unsigned middle = low + (high - low + 1) / 2;
        uint64_t sum = 0;
        for (unsigned i = 0; i < count; i++)
            sum += needs[i] < middle ? needs[i] : middle;
        if (sum <= total)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

void share_divide(unsigned total, const unsigned *needs, unsigned *slots, unsigned count, int64_t now_ms)
{
    unsigned least[SHARE_REPLICAS_MAX], hungry = 0, rank = 0, spare = total, level;

    for (unsigned i = 0; i < count; i++)
        hungry += needs[i] > 0;
    for (unsigned i = 0; i < count; i++) /* one without need keeps a slot only where each can have one */
        least[i] = needs[i] > 0 ? needs[i] : total >= count;
    if (hungry > total) {
        for (unsigned i = 0; i < count; i++)
            slots[i] = needs[i] > 0 ? share_part(total, rank++, hungry, now_ms) : 0;
        return;
    }
    level = level_of(total, least, count);
    for (unsigned i = 0; i < count; i++) {
        slots[i] = least[i] < level ? least[i] : level;
        spare -= slots[i];
        rank += least[i] > level;
    }
    if (rank > 0) { /* fewer are left than there are needs above the level */
        for (unsigned i = 0, at = 0; i < count; i++)
            if (least[i] > level)
                slots[i] += share_part(spare, at++, rank, now_ms);
    } else {
        for (unsigned i = 0; i < count; i++)
            slots[i] += share_part(spare, i, count, now_ms);
    }
}

/* As much as fits beside what the others were lent before. */
static unsigned what_is_left(unsigned target, unsigned total, unsigned others)
{
    unsigned left = total > others ? total - others : 0;

    return target < left ? target : left;
}

static void lend_slots(const struct share *share, struct share_replica *self,
                       const struct share_report *report, int64_t now_ms, struct share_slice *slice)
{
    unsigned needs[SHARE_REPLICAS_MAX] = {0}, slots[SHARE_REPLICAS_MAX], others = 0, others_repeats = 0;
    unsigned count = (unsigned)share->replica_count, rank = (unsigned)(self - share->replicas);
    unsigned total = open_slots(share, now_ms), repeats = total / 10 > 1 ? total / 10 : 1;

    for (unsigned i = 0; i < count; i++) {
        const struct share_replica *replica = &share->replicas[i];
        needs[i] = replica->need;
        others += i == rank ? 0 : replica->lent;
        others_repeats += i == rank ? 0 : replica->repeats;
    }
    if (count == 1) { /* between two beats its window may grow to the ceiling */
        slice->slots = report->window_max;
        slice->repeats = report->window_max / 10 > 1 ? report->window_max / 10 : 1;
    } else {
        share_divide(total, needs, slots, count, now_ms);
        slice->slots = what_is_left(slots[rank], total, others);
        slice->repeats = what_is_left(share_part(repeats, rank, count, now_ms), repeats, others_repeats);
    }
    self->lent = slice->slots > report->in_flight ? slice->slots : report->in_flight;
    self->repeats = slice->repeats > report->repeats_in_flight ? slice->repeats : report->repeats_in_flight;
}

/* ── rates ── */

static struct share_rate *rate_of(struct share *share, const char *name)
{
    struct share_rate *rate;

    for (size_t i = 0; i < share->rate_count; i++)
        if (strcmp(share->rates[i].name, name) == 0)
            return &share->rates[i];
    if (share->rate_count == SHARE_RATES_MAX)
        return NULL;
    rate = &share->rates[share->rate_count++];
    *rate = (struct share_rate){0};
    snprintf(rate->name, sizeof rate->name, "%s", name);
    return rate;
}

static void lend_tokens(struct share *share, struct share_demand *demand, int64_t now_ms)
{
    struct share_rate *rate = rate_of(share, demand->name);
    int64_t there;

    demand->granted = 0;
    if (!rate)
        return;
    rate_set(&rate->rate, demand->per_minute, now_ms);
    rate_return(&rate->rate, demand->unused);
    there = rate_tokens(&rate->rate, now_ms);
    demand->granted = demand->want < there ? demand->want : there;
    rate_take(&rate->rate, demand->granted, now_ms);
}

/* ── the step ── */

static void tell_of_others(const struct share *share, const char *owner, struct share_slice *slice)
{
    for (size_t i = 0; i < share->replica_count; i++)
        if (strcmp(share->replicas[i].owner, owner) != 0) {
            slice->others_seen += share->replicas[i].seen;
            slice->others_ok += share->replicas[i].ok;
        }
}

static void fill_slice(const struct share *share, int64_t now_ms, struct share_slice *slice)
{
    slice->live = (unsigned)share->replica_count;
    slice->window = share->window;
    slice->proven = share->proven;
    slice->steep = share->steep;
    slice->breaker = share->breaker;
    slice->open_left_ms = share->open_until_ms > now_ms ? share->open_until_ms - now_ms : 0;
    slice->open_wait_ms = share->open_wait_ms;
    slice->held_left_ms = share->held_until_ms > now_ms ? share->held_until_ms - now_ms : 0;
    slice->closed_age_ms = share->closed_ms > 0 ? now_ms - share->closed_ms : -1;
}

void share_step(struct share *share, struct share_report *report, int64_t now_ms, struct share_slice *slice)
{
    struct share_replica *self;

    memset(slice, 0, sizeof *slice);
    forget_the_silent(share, now_ms);
    report->alone =
        report->alone && find_replica(share, report->owner); /* else others may have ruled meanwhile */
    if (report->leaving)
        leave(share, report->owner);
    else if (!find_replica(share, report->owner))
        add_replica(share, report->owner);
    take_breaker_news(share, report, now_ms);
    take_window_news(share, report, now_ms);
    if (report->held_until_ms > share->held_until_ms)
        share->held_until_ms = report->held_until_ms;
    if (share->held_until_ms <= now_ms)
        share->held_until_ms = 0;
    slice->probe = !report->leaving && choose_prober(share, report, now_ms);
    if ((self = find_replica(share, report->owner))) {
        self->until_ms = now_ms + report->life_ms;
        self->need = report->need;
        /* What it saw before it knew that the breaker had closed says nothing of now. */
        self->seen = report->news.state == share->breaker ? report->seen : 0;
        self->ok = report->news.state == share->breaker ? report->ok : 0;
        slice->alone = share->replica_count == 1;
        lend_slots(share, self, report, now_ms, slice);
    }
    for (size_t i = 0; i < report->demand_count; i++)
        lend_tokens(share, &report->demands[i], now_ms);
    tell_of_others(share, report->owner, slice);
    fill_slice(share, now_ms, slice);
}
