/*
 * mapping.h: between a platform's words and the common ones; pure.
 *
 * In: aliases become common names, status words common words, text amounts numbers, times with an offset times in UTC (fields
 * that end in _at); our own additions (_sync_metadata,
 * _platform_context, price_inr …) are taken off. Out: the reverse, in the target's own names, with required fields, defaults,
 * currency and the additions. What no table names is copied through both ways.
 *
 * Field notes ("fields" of a record): one member per common field, {"o": origin platform, "t": ms, "s": seq, "c": currency of
 * a money field}. Money stays in the currency it came in; conversion happens on the way out.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "json.h"
#include "platform.h"

/* "entity id" = first present of id, <entity>_id, the platform's own name for it, customer_id for users; integers count as
 * their text. 0 and the id; 1 when none is there (a create gets one from us); -1 when it is not text or a whole number, or is
 * empty or longer than 256 bytes, with the member's name in *member. */
int mapping_entity_id(const struct platform *source, enum entity entity, const struct json *data,
                      struct buf *id, const char **member);

/* What came from a platform, in common names, times in UTC; a new object. Operational data is copied as it is. When two names of one field
 * are present the common name wins, then the platform's own. */
struct json *mapping_in(const struct platform *source, enum entity entity, const struct json *data);

/* The entity's schema over common names: types, lengths, shape of an e-mail address, known currency codes' form. Absent and
 * null are fine here. Adds one {pointer, detail} per mistake to `errors` (array; pointers name the member as the platform
 * sent it: "/data/email"). Returns their number. `raw` is what came in, to name the member. */
unsigned mapping_check(const struct platform *source, enum entity entity, const struct json *common,
                       const struct json *raw, struct json *errors);

/* Is `incoming` (from this platform) what this platform would have been sent for the value that the record holds? Then it is
 * not a change: 1.00 INR went out as 0.01 USD and comes back as 0.01 USD. note: the field's note, or NULL. What a platform
 * with echo = "none" says of a field that the record never had is its own word, also when it equals the default. */
bool mapping_unchanged(const struct platform *source, enum entity entity, const char *field,
                       const struct json *held, const struct json *note, const struct json *incoming);

/* The currency to note ("c") for a field that came from this platform in `common` (mapping_in's object): data's own `currency`
 * member, else the platform's. NULL: the field holds no money. Money stands in price, amount, total and budget, and in price
 * and total inside the lists items and variants: those lists have a note with "c" too. When it is not the platform's currency,
 * mapping_unchanged does not apply: the field is unchanged when the note says the same currency and the values are equal. */
const char *mapping_currency(const struct platform *source, const char *field, const struct json *common);

/* Does reading undo writing, for every platform of the set, and is what is written the same from the second time on? Adds
 * "file:line: reason" to errors where it does not. */
void mapping_check_stable(const struct platform_set *set, struct buf *errors);

struct mapping_request {
    const struct platform *target;
    const struct platform_set *platforms; /* for rates between currencies */
    enum entity entity;
    enum event_type type;
    enum verb verb;            /* what will be called: a create that became an update is an update */
    const struct json *record; /* the canonical record now, common names (operational: the event's data) */
    const struct json *notes;  /* its field notes; may be NULL */
    const struct json *base;   /* what the target certainly has, common names; NULL: everything goes */
    /* Seq of base, 0 when not known: money noted later goes out even if its digits are the same, for its currency may not be. */
    int64_t base_seq;
    struct buf *field; /* gets the common name of the field at fault when it cannot be sent; may be NULL */
};
/* The target's `data` without the additions of mapping_decorate: difference to base plus required fields (all of it where the
 * route says full). NULL and a sentence that names the field when a create lacks a required one, an update clears one, or a
 * value cannot be mapped (currency unknown …). An update whose record never had a required field goes without it: the platform
 * has the rest. Values are shared with the record: copy before changing nested ones. `changed` (may be
 * NULL) gets the target's names of the fields that differ from base. A difference without any field is an object with the
 * required fields only, and *changed stays empty. What the target's file says it cannot hold, or not change in an update, is
 * left out, and is no change. A delete carries what is required alone. */
struct json *mapping_out(const struct mapping_request *request, struct json *changed, struct buf *error);

/* Then: the members that the target's file computes from the record, where they differ from what base gives; -1 and a sentence
 * when one cannot be computed. mapping_in takes them off again. */
int mapping_compute(const struct mapping_request *request, struct json *data, struct json *changed,
                    struct buf *error);

/* Adds the fields, with commas, that differ from base and are not sent, because the target cannot hold or no longer change them. */
void mapping_withheld(const struct mapping_request *request, struct buf *names);

struct mapping_context {
    const char *source_platform;
    const char *target_platform;
    const char *event_id;
    const char *record_id; /* NULL for operational data */
    int64_t version;       /* 0 for operational data */
    int64_t now_ms;        /* transformed_at, sync_timestamp */
    int64_t started_ms;    /* started_at; 0: nothing is sent, it is left out */
    const struct json *changed;
};
/* Adds _sync_metadata and _platform_context (PLATFORMS.md §3) to data. */
void mapping_decorate(const struct mapping_request *request, const struct mapping_context *context,
                      struct json *data);
