/*
 * edits.h: users of three platforms who change the same few records at once, each on their own platform, and platforms that tell the
 * service of it; kept outside of the service, as the ledger is.
 *
 *   changed at the fake platform ── POST /sync/events, again and again under its key ──▶ told (its event is known)
 *
 * Of one record a platform tells one change at a time, as platforms do that keep their own order. Most say which version of ours
 * they had (base_version); their clocks are wrong by hours. Every change also sets edited_<platform> to its number: a field of the
 * platform's own, which nobody else changes.
 */
#pragma once
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "json.h"
#include "receipts.h"

#define EDITS_ENTITIES 4
#define EDITS_RECORDS 32 /* of all entities together */

enum edit_kind {
    EDIT_TEXT,   /* each value is another one */
    EDIT_EMAIL,  /* two that differ are for a person */
    EDIT_WORD,   /* a state of an order */
    EDIT_NUMBER, /* 0 to 100, and seldom more than may be */
    EDIT_MONEY,
    EDIT_ADD, /* more or less of it */
    EDIT_PUT, /* a member of an object */
    EDIT_OBJECT
};

struct edit_field {
    const char *common, *own[PLATFORMS];
    enum edit_kind kind;
};

struct edit_entity {
    const char *name, *id[PLATFORMS];
    const struct edit_field *fields;
    size_t field_count;
};
extern const struct edit_entity edit_entities[EDITS_ENTITIES];

struct edit {
    unsigned number, record, platform;
    const struct edit_field *field; /* NULL: it makes the record */
    char member[8];                 /* of EDIT_PUT */
    struct json *value;             /* of the field, or of its member; NULL: EDIT_ADD, and what makes the record */
    int64_t base;                   /* the version that was told; 0: none was */
    int64_t held;                   /* and the one that the platform had */
    int64_t edited_us;
    char *body;
    unsigned tries;
    char event[40]; /* "": it is not known yet */
    /* Learnt from the tables at the end. */
    int64_t seq, version, accepted_us;
};

struct edits;
struct edits *edits_new(struct event_base *base, uint64_t seed);
void edits_free(struct edits **edits);
void edits_make(struct edits *edits); /* one, or the same record's on several platforms at once */
void edits_tick(struct edits *edits); /* repeats what is due; now and then a person decides a conflict */
void edits_decide_some(struct edits *edits); /* of what waits now a person decides about half, and never the rest */
size_t edits_open(const struct edits *edits); /* edits and decisions whose fate is not known */

size_t edits_count(const struct edits *edits);
struct edit *edits_at(const struct edits *edits, size_t index);
const struct edit_entity *edits_entity(unsigned record);
const char *edits_tenant(unsigned record);
void edits_record_id(const struct edits *edits, unsigned record, char id[32]);
const char *edits_complaints(const struct edits *edits);

struct edits_counts {
    size_t requests, failed, unavailable, decided, faster;
};
struct edits_counts edits_counts(const struct edits *edits);

/* edits_draw.c: what is changed. The request of a change at the fake platform, and what the edit is to remember of it. */
struct draw;
void edit_draw(struct draw *draw, struct edit *edit, const char *id, struct buf *request);
void edit_draw_create(struct edit *edit, const char *id, struct buf *request);
