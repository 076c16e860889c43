/*
 * ledger.h: what was posted and what was answered, kept outside of the service.
 *
 *   posted ── 2xx ──▶ accepted (its id is known)
 *      │ └── 4xx, 503 that says "not taken" ──▶ refused; with a key it is posted again until accepted
 *      └── no answer, or 503 outcome-unknown ──▶ unknown; with a key posted again until the truth is known
 *
 * Of one record only one event is on its way at a time, so that the order of acceptance is known: except after an unknown outcome
 * without a key, which may have been accepted at any time since.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "draw.h"
#include "map.h"

#define LEDGER_TENANTS 3
#define LEDGER_FIELDS 4 /* chaos_a ... */
#define LEDGER_RECORDS 150

enum entry_state { ENTRY_POSTED, ENTRY_ACCEPTED, ENTRY_REFUSED, ENTRY_UNKNOWN };
enum entry_verb { ENTRY_CREATE, ENTRY_UPDATE, ENTRY_DELETE };
enum entry_key { KEY_NONE, KEY_HEADER, KEY_OWN_ID };

struct entry {
    unsigned number, record;
    enum entry_verb verb;
    enum entry_key key;
    enum entry_state state;
    unsigned fields; /* bit i: chaos_<a+i> is set to the number */
    int priority;
    unsigned tries;
    bool in_flight, asked_again; /* asked_again: a client that repeats what was accepted */
    int64_t posted_us, answered_us;
    char answer[48]; /* the id that was answered: ours, or the client's own */
    char id[40];     /* ours, and */
    int64_t seq;     /* its place in the order of acceptance: learnt from the tables at the end; 0: it is not there */
};

struct ledger {
    uint64_t seed;
    struct draw draw;
    struct entry **entries;
    size_t count;
    struct map *by_id;
    struct record_state {
        unsigned open;      /* entries whose fate is being found out */
        bool deleted, made; /* as far as known */
    } records[LEDGER_RECORDS];
    size_t contradictions; /* the same key answered with two ids */
    struct buf contradiction;
};

struct ledger *ledger_new(uint64_t seed);
void ledger_free(struct ledger **ledger);
/* The next event, on a record with nothing on its way; NULL: all are busy. */
struct entry *ledger_draw(struct ledger *ledger);
/* A client that repeats an event which was accepted before; NULL: none. */
struct entry *ledger_draw_repeat(struct ledger *ledger);
struct entry *ledger_find(const struct ledger *ledger, const char *event_id);
void ledger_accepted(struct ledger *ledger, struct entry *entry, const char *event_id);
void ledger_refused(struct ledger *ledger, struct entry *entry);
void ledger_unknown(struct ledger *ledger, struct entry *entry);
/* Must it be posted again to find out? */
bool entry_wants_retry(const struct entry *entry);

const char *record_tenant(unsigned record);
const char *record_source(unsigned record);
/* The two platforms that hear of it. */
const char *record_target(unsigned record, unsigned which);
void record_id(const struct ledger *ledger, unsigned record, char id[32]);
void entry_body(const struct ledger *ledger, const struct entry *entry, struct buf *body);
int entry_retries(const struct entry *entry); /* repeats that it asks for; more than any run can use up, or 1 */
void entry_key_text(const struct ledger *ledger, const struct entry *entry, char key[48]);
