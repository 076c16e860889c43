/*
 * merge.h: one change applied to one record; pure.
 *
 * Per field the latest change wins: between changes of one platform by seq, between platforms by (time, seq). A field equal to
 * what the record holds, seen through the platform's mapping, is untouched; an absent one too; an explicit null clears. What
 * two platforms changed at once (within CONCURRENT_MS, or against the change's base_version) is settled the same way and
 * reported, so that it can be recorded.
 *
 * A row of a page (of a backfill) is what a platform had at some moment after `snapshot_seq` was drawn. It yields to every live
 * change that the platform may not have had then: to what was accepted later, and to another platform's change that was not
 * certainly delivered there before. It is never reported, nor is a live change against it: the live one wins.
 *
 * Field notes: {"o": origin, "t": ms, "s": seq, "v": record version, "c": currency?} per common field; "_deleted" notes the
 * last deletion, or what brought the record back after it. A page's note has "p", its snapshot_seq, and "l", the live change
 * {"o", "t", "s", "v"} that it came after, if any: what is live is always settled among the live ones, whenever pages come.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "platform.h"

#define MERGE_CONCURRENT_MS 30000
#define MERGE_DELETED "_deleted"

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

struct change {
    const struct platform *source;
    enum entity entity;
    enum verb verb;
    const char *entity_id;
    int64_t seq;
    int64_t time_ms;         /* merge_time_ms */
    int64_t base_version;    /* 0: not given */
    const struct json *data; /* common names */
    bool snapshot;           /* a row of a page; then: */
    int64_t snapshot_seq;
    int64_t seen_version; /* that the source certainly had before the page was asked for; 0: none */
    /* A webhook, which tells the whole object and comes in any order; then: */
    bool webhook;
    int64_t issued_ms;         /* by the platform's own clock; INT64_MIN: not told */
    const struct json *recent; /* array: earlier data of the record that the platform may still have */
};

struct merge {
    struct json *changed; /* array: names of fields that this change set or cleared */
    struct json
        *contested; /* array of {"field","held","held_by","held_at","sent","sent_by","sent_at","chosen"} */
    bool advanced;  /* the record has a new version */
    bool noted;     /* without a new version, a note changed: the record is to be stored */
};
void merge_init(struct merge *merge);
void merge_release(struct merge *merge);

/* Changes record in place: a new version when anything differs. */
void merge_apply(struct record *record, const struct change *change, struct merge *merge);

/* When a change was made: occurred_at or data.updated_at when it lies within 60 s before acceptance, else acceptance: a
 * platform's clock may be wrong by hours and decides only near ties (DESIGN §4). INT64_MIN: not given. */
int64_t merge_time_ms(int64_t accepted_ms, int64_t occurred_ms, const struct json *data);
