/*
 * mapping_fields.h: what the parts of the mapping share. Nobody else includes this.
 */
#pragma once
#include "mapping.h"
#include "platform_format.h"

#define MAPPING_METADATA "_sync_metadata"
#define MAPPING_CONTEXT "_platform_context"

/* price, amount, total, budget; and the lists whose elements have a price or total. */
bool mapping_is_money(const char *field);
bool mapping_is_money_list(const char *field);

/* The member of `data` that the field is read from: the best of its names that is there; NULL when none is. */
const char *mapping_member(const struct platform *source, enum entity entity, const struct json *data,
                           const char *field);

/* The amount in a JSON number's text; decimals beyond what 64 bits hold are cut (0.30000000000000004 is 0.3). -1: no amount. */
int mapping_amount(const char *text, size_t len, struct money *money);
/* The value with numeric text made a number ("12.50" → 12.50), also in the elements of money lists; a new reference. */
struct json *mapping_as_number(const struct json *value);
struct json *mapping_list_as_numbers(const struct json *list);

/* A time by its name (created_at, shipped_at) that says how far from UTC it is: the same one in UTC, with the digits of its
 * fraction; a new reference. What does not say so, or is no time, stays as it is. */
bool mapping_is_time(const char *field);
struct json *mapping_as_time(const struct json *value);

/* One value on its way to a platform. */
struct mapping_value {
    const struct platform *target;
    const struct platform_set *platforms;
    enum entity entity;
    const char *field;    /* common name */
    const char *currency; /* of money in it; NULL: not known */
    const struct json *value;
};
/* A new reference in *out (NULL is null); -1 and a sentence that names the field. */
int mapping_value_out(const struct mapping_value *value, struct json **out, struct buf *error);
/* A note's currency, else `own` (data's currency member), else that of the platform it came from; NULL: none of them. */
const char *mapping_noted_currency(const struct platform_set *platforms, const struct json *note,
                                   const char *own);
