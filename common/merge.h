/*
 * merge.h: one change applied to one record; pure.
 *
 * Each field has its sides: the changes that no other change had seen. One side is the ordinary case, and the field's value is its
 * value. A change takes the place of the sides that it had seen, and stands beside those that it had not. Which sides there are
 * follows from which change had seen which, never from the order in which they are handled. Sides that differ contest the field:
 * it keeps its value until a decision comes as a change of its own (resolve.h makes it, from the set of sides).
 *
 * A change had seen: what its platform changed before; what versions up to `base_version` brought, where the platform was sent
 * it; of a contested field its own side, and the value if it holds none. A field is touched when it differs from what the
 * platform knew: its own last word, else its value in that version. A field that says what the platform was handed since is an echo,
 * and no change; explicit null clears.
 *
 * A row of a page (of a backfill) is what a platform had at some moment after `snapshot_seq` was drawn. It yields to every live
 * change that the platform may not have had then: to what was accepted later, and to another platform's change that was not
 * certainly delivered there before. It contests nothing, nor is it a side: what is live is settled among the live ones, whenever
 * pages come.
 *
 * What a change would make of a field may be for a person although nobody contradicts it (`objections`: a broken business rule, another
 * type): then the field keeps its value and waits, and the change's side says why ("h"). It had seen what stood there: so has its
 * platform's next change of the field, which takes its place.
 *
 * Deleted or not: a deletion yields to a later change that it had not seen, and outlasts an earlier one (time, platform, seq).
 *
 * Field notes: {"o": origin, "t": ms, "s": seq, "v": record version, "c": currency?, "h": [{"v": until that version, "c": it was this}]?,
 *   "i": ms by a webhook's own clock?, "b": base version where it is not v - 1?, "a": the link whose id it came under?,
 *   "n": {platform: highest seq that the sides had seen}?,
 *   "p": snapshot_seq of a page's value?,
 *   "q": [sides, likewise, with their values "x"]? where they are not just the value itself; then
 *   "k": version that the set was made at, "l": version that all sides had seen last, "y": the field's value in it (absent:
 *   none), "u": true when that is not known; while contested "w": true, "x": the event that contested it last; contested once
 *   "m": seq of the side whose value stood there meanwhile, "d": version of the last automatic decision}
 * "_deleted" notes the last deletion, or what brought the record back after it; "_hops" is hops.h's.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "platform.h"

#define MERGE_DELETED "_deleted"
#define MERGE_HOPS "_hops" /* hops.h: no field */
#define MERGE_SERVICE "service" /* origin of decisions, links, repairs */
/* In the data of a change of the service: the currencies of the money in it, by field. No field itself. */
#define MERGE_CURRENCIES "_currencies"
void merge_set_currency(struct json *data, const char *field, const char *currency);

struct record {
    bool exists;
    int64_t version;
    bool deleted;
    struct json *vector; /* {"bizoholic": 2, …} */
    struct json *data;
    struct json *notes;
};
void record_init(struct record *record);
void record_release(struct record *record);
void record_copy(struct record *to, const struct record *from); /* to: initialised or released before */

/* The record as an earlier version had it. */
struct version {
    int64_t version;
    const char *source;
    const struct json *changed; /* array of field names */
    const struct json *data;
    bool page;   /* made by a row of a page */
    bool echoes; /* the change's platform may have been handed it, and says so again */
};

struct change {
    const struct platform *source; /* NULL: the service itself */
    enum entity entity;
    enum verb verb;
    const char *entity_id, *event_id;
    int64_t seq;
    int64_t time_ms;         /* merge_time_ms */
    int64_t base_version;    /* the newest one that the platform had seen; 0: none */
    int64_t handed_version;  /* the newest one that it may have been handed, since or soon; 0: none */
    const struct json *data; /* common names */
    /* Versions from base_version to the newest, oldest first. Where they begin later, the base is pruned, and what was touched
     * follows from the value now. Not needed where base_version is the newest. */
    const struct version *history;
    size_t history_count;
    const char *decides; /* a decision: of fields that this event contested; the others are left alone */
    bool
        knows_all; /* by a person, who was shown all sides: it is the only side then. Automatic decisions keep the sides */
    bool snapshot; /* a row of a page; then: */
    int64_t snapshot_seq;
    const char *link; /* the link that led an id of another record here (protocol.txt §9); NULL: its own id */
    bool asserts;     /* makes a version whatever it changes */
    bool webhook;      /* tells the whole object and comes in any order; then: */
    int64_t issued_ms; /* by the platform's own clock; INT64_MIN: not told */
    const struct json *
        objections; /* object: field → why it is for a person, a number that is told with the side; NULL: none */
};

struct merge {
    struct json *changed; /* array: names of fields whose value this change set or cleared, or decided */
    /* Array of {"field","base"?,"sides":[{"o","t","s","v","c"?,"h"?,"x"?}]}: fields that it contested, with all their sides. */
    struct json *contested;
    struct json *
        settled; /* array of {"field","event"}: contests, by their events, that it ended or took into its own */
    struct json *stale; /* array: names of fields that say an older value than the record's */
    bool advanced;      /* the record has a new version */
    bool noted;         /* without a new version, a note changed: the record is to be stored */
    unsigned held;      /* objections, or'ed, of what it would have changed and waits now */
    bool undeleted;     /* a deletion that yielded: the platform lacks what the record has */
};
void merge_init(struct merge *merge);
void merge_release(struct merge *merge);

/* Changes record in place: a new version when anything differs. */
void merge_apply(struct record *record, const struct change *change, struct merge *merge);

/* The record as it is, as a new version of the service's: for a platform that lost or altered what it had (a repair of drift), and
 * takes nothing that is not newer. No field is touched. */
void merge_repeat(struct record *record, struct merge *merge);

/* When a change was made: occurred_at or data.updated_at when it lies within 60 s before acceptance, else acceptance: a
 * platform's clock may be wrong by hours and decides only near ties (DESIGN §4). INT64_MIN: not given. */
int64_t merge_time_ms(int64_t accepted_ms, int64_t occurred_ms, const struct json *data);

/* The fields that are contested and of which this platform holds a side, with its value of them (present: it has one): nothing of
 * them is sent there until they are decided. `version` is what is sent: of what was contested later, it tells as it was then. */
bool merge_next_withheld(const struct json *notes, struct json_iter *iter, const char *platform,
                         int64_t version, const char **field, const struct json **value, bool *present);
