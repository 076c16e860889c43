/*
 * gate.h: may another request start now? Window, breaker and Retry-After of one platform; pure: time is an argument.
 *
 *   closed ── platform failing ──▶ open ── wait over ──▶ half_open ── probe succeeds ──▶ closed (slow start)
 *                                   ▲                        │
 *                                   └──── probe fails: wait doubles, 1 s to 30 s
 *
 * Failing: of at least GATE_MIN_RECORDS distinct records fewer than 1 in 20 succeeded at last: of those in the last ten
 * seconds, or where these are too few, in the last minute (DESIGN §5), and of GATE_SEEN at most, so that at thousands a second
 * an outage shows at once. One record that fails again and again is one record. The window grows by one per full window of successes (doubling until the first setback), and halves at most once a second on a
 * setback (429, 5xx, time-out). After the breaker closed the window starts at a tenth of what it was before the trouble and at most
 * doubles each second.
 *
 * Where several replicas deliver to the platform the window is theirs together: this one starts what it was lent (`slots`), tells
 * what it learnt (gate_tell), and is told what holds for all (gate_follow); share.h does the sums.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define GATE_MIN_RECORDS 5
#define GATE_SEEN 128
#define GATE_OPEN_WAIT_MIN_MS 1000
#define GATE_OPEN_WAIT_MAX_MS 30000

enum gate_state { GATE_CLOSED, GATE_OPEN, GATE_HALF_OPEN };

/* What the other replicas have not been told yet. */
struct gate_news {
    enum gate_state state;
    bool opened, probe_failed, closed; /* the breaker did, here */
    bool shrank;
    double earned; /* by full windows of successes */
    double window, proven;
    bool steep;
};

struct gate {
    enum gate_state state;
    unsigned in_flight;
    double window; /* of all replicas together */
    unsigned window_max;
    bool steep;         /* doubling until the first setback */
    unsigned full_left; /* successes to come of a window that was full: these let it grow */
    int64_t shrunk_ms;  /* last halving */
    double proven;      /* the window before the last trouble */
    int64_t open_until_ms;
    int64_t open_wait_ms;
    int64_t hold_until_ms; /* Retry-After */
    int64_t closed_ms;     /* last time that the breaker closed; 0: it never opened */
    struct {
        uint64_t record;
        int64_t at_ms;
        bool ok;
    } seen[GATE_SEEN]; /* the last outcome of each record */
    unsigned seen_count, seen_next;
    unsigned seen_max; /* so many: GATE_SEEN are kept by all replicas together, so that an outage shows as soon to many as to one */
    /* of what is shared with other replicas */
    bool shared;            /* what follows counts */
    bool alone;             /* there are none just now: the window is this one's, up to `slots` */
    unsigned slots;         /* may be in flight here; of these for repeats: */
    unsigned repeats;
    int64_t lent_until_ms;  /* nothing starts later */
    bool probe;             /* this one may probe */
    unsigned others_seen, others_ok;
    bool doubts; /* what was seen here alone would open the breaker: the others should say what they see */
    struct gate_news news;
};

void gate_init(struct gate *gate, unsigned window_start, unsigned window_max);
void gate_set_window_max(struct gate *gate, unsigned window_max);
/* Requests that may start now (0: none); moves from open to half-open when the wait is over. */
unsigned gate_permits(struct gate *gate, int64_t now_ms);
unsigned gate_limit(const struct gate *gate, int64_t now_ms); /* so many together, if nothing is in flight and it is closed */
unsigned gate_repeats_max(const struct gate *gate); /* in flight together: a tenth of the window; 0: not this one's turn */
void gate_started(struct gate *gate);
/* record: any number that tells records apart. */
void gate_ok(struct gate *gate, uint64_t record, int64_t now_ms);
/* A setback that speaks against the platform; true when the platform counts as failing, so that it costs no attempt. */
bool gate_failed(struct gate *gate, uint64_t record, int64_t now_ms);
/* One that is the record's own while others succeed (a 500): the window stays; else as gate_failed. */
bool gate_record_failed(struct gate *gate, uint64_t record, int64_t now_ms);
/* Enough distinct records failed one after the other for an outage to be beginning: nothing should die of it yet. */
bool gate_is_suspect(const struct gate *gate, int64_t now_ms);
/* How another record fared in a request that carries several: before the one of these that tells how the request ended. */
void gate_note(struct gate *gate, uint64_t record, bool ok, int64_t now_ms);
/* An answer that says nothing about the platform's health (a rejection of the content). */
void gate_neutral(struct gate *gate);
void gate_slow_down(struct gate *gate, int64_t now_ms); /* 429 */
void gate_hold(struct gate *gate, int64_t until_ms);    /* Retry-After: the later one counts */
/* Milliseconds until gate_permits may say more than now: 0 when only answers can change it. */
int64_t gate_wait_ms(const struct gate *gate, int64_t now_ms);
bool gate_is_in_doubt(const struct gate *gate, int64_t now_ms); /* not closed, or not for long */
bool gate_is_shut(const struct gate *gate, int64_t now_ms); /* open or held: nothing may start for a while */
const char *gate_state_name(enum gate_state state);

/* Window arithmetic that replicas have in common. */
double gate_slow_base(double proven);                   /* a tenth of the window before the trouble, at least one */
double gate_slow_cap(double proven, int64_t closed_age_ms); /* so much at most, so long after an outage */
int64_t gate_next_wait_ms(int64_t open_wait_ms);        /* after a probe that failed */
void gate_shrink(double *window, double *proven, int64_t *shrunk_ms, int64_t now_ms);

/* With other replicas (share.h). From gate_share on nothing starts that was not lent. */
struct share_slice;
void gate_share(struct gate *gate);
struct gate_news gate_tell(struct gate *gate);                            /* and forgets */
void gate_tell_again(struct gate *gate, const struct gate_news *news); /* they were not heard */
unsigned gate_seen_lately(const struct gate *gate, int64_t now_ms, unsigned *ok);
void gate_yield(struct gate *gate, const struct share_slice *slice); /* what is about to be given back is not used any more */
void gate_follow(struct gate *gate, const struct share_slice *slice, int64_t now_ms, int64_t lent_until_ms);
