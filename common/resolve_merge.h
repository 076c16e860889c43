/* resolve_merge.h: what the files of merge_smart share: one place of a value, what each side says of it, what becomes of it. */
#pragma once
#include "resolve_parts.h"

/* What one side says of the place that is being merged. */
struct part {
    const struct resolve_side *side;
    bool present;
    const struct json *value;
};

struct place {
    bool base_known, in_base;
    const struct json *base;
    struct part *parts; /* in the order of the sides */
    size_t count;
};

struct merged {
    bool present;
    struct json *value;
};

struct merger {
    struct contest *contest;
    struct buf path;   /* of the place: address.city, items[2].price */
    size_t notes;      /* places with something that was not taken */
    bool same_element; /* two sides changed one element differently */
};

struct merged merge_place(struct merger *merger, const struct place *place);
struct merged merge_lists(struct merger *merger, const struct place *place); /* resolve_list.c */
size_t merge_changed_parts(const struct place *place, struct part **changed); /* a new array */
bool merge_all_equal(const struct part *parts, size_t count);
void merge_pop(struct buf *path, size_t len); /* back to that length */
