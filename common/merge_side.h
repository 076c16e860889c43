/*
 * merge_side.h: the sides of one field, as its note keeps them: which of them a change had seen, and what they all had seen.
 * Belongs to merge.c. A side is a JSON object {"o","t","s","v","b"?,"i"?,"c"?,"h"?,"e"?,"a"?,"x"?}; "x" absent: the field is
 * absent there; "h": objections to it; "e": it waits because of them alone, and had seen all other sides.
 */
#pragma once
#include "merge.h"

int64_t side_int(const struct json *side, const char *name); /* 0 when absent */
const char *side_origin(const struct json *side);            /* "" for none */
const char *change_origin(const struct change *change);
bool side_is_own(const struct json *side, const struct change *change);

bool side_is_plain(const struct json *note); /* the only side is the value itself */
/* The sides of a field: a new array; empty where nothing live set it. */
struct json *sides_of(const struct record *record, const char *field);
/* The change as a side; value: NULL when the field is absent there, JSON null included. */
struct json *side_new(const struct change *change, int64_t version, bool present, const struct json *value,
                      const char *currency);

bool side_seen(const struct change *change, const struct json *note, const struct json *sides,
               const struct json *side);
/* Has the change's own platform said something about the field later, or had a side seen that it did? */
bool side_overtakes(const struct change *change, const struct json *note, const struct json *sides);
/* A platform's own last word among the sides; NULL: none. */
const struct json *side_of(const struct json *sides, const char *origin);
/* A copy of n: what the sides had seen, with those that the change had seen besides; NULL: nothing. sides NULL: the note is plain, and
 * seen. */
struct json *side_past(const struct change *change, const struct json *note, const struct json *sides);
/* Between changes that had not seen each other. */
bool side_is_later(const struct json *a, const struct json *b);

/* The value of a field in a version; known: the version is at hand. */
struct value {
    bool known, present;
    struct json *json;
};
struct value value_at(const struct record *record, const struct change *change, int64_t version,
                      const char *field);
/* What the change's platform knew the field to be when it made the change. */
struct value value_known(const struct record *record, const struct change *change, const char *field,
                         const struct json *sides);
/* Is it what the platform was handed since? *latest: and is it what the record holds. */
bool value_echoes(const struct record *record, const struct change *change, const char *field,
                  const struct json *sent, bool *latest);
/* What all sides, and the change, had seen last: its version, and the field's value in it. */
int64_t value_common(const struct record *record, const struct change *change, const char *field,
                     struct value *value);
/* Is what was sent what this value looks like at the platform? */
bool value_same(const struct change *change, const char *field, const struct json *held,
                const struct json *note, const struct json *sent);

/* One field of one change, as it is being settled. */
struct settling {
    struct record *record;
    const struct change *change;
    struct merge *merge;
    const char *field;
    const struct json *note;  /* before; NULL: none */
    struct json *sides;       /* before */
    struct json *others;      /* of them: those that the change had not seen */
    bool present;             /* the change's value: */
    const struct json *value; /* JSON null where it clears */
    const char *currency;
};

/* merge_touch.c. */
bool settling_is_held(const struct settling *s);       /* the record says what the change says */
bool settling_is_older_page(const struct settling *s); /* than the one whose value stands there */
bool settling_is_in_page(const struct settling *s);
bool settling_is_touched(const struct settling *s);
bool settling_is_default(const struct settling *s);

/* merge_settle.c: settles one field; of a decision, one that its contest is about. */
void merge_field(struct record *record, const struct change *change, struct merge *merge, const char *field,
                 const struct json *value);
void merge_decide(struct record *record, const struct change *change, struct merge *merge, const char *field,
                  const struct json *value);
