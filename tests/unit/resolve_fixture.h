/* resolve_fixture.h: sides of a conflict in short, under a policy as it stands in a file; the platforms are the shipped ones. */
#pragma once
#include "mapping_fixture.h"
#include "resolve.h"

#define T0 INT64_C(1700000000000)
#define SIDES_MAX 8
#define NO_BASE "no base is known"

/* value: JSON text, behind it a blank and the currency where there is one; NULL: the side cleared the field. */
struct short_side {
    const char *platform;
    int64_t at_ms; /* after T0 */
    const char *value;
};

struct dispute {
    struct policy_set *policies;
    struct resolve_side sides[SIDES_MAX];
    char texts[SIDES_MAX][4096]; /* values without their currencies */
    struct resolve_input input;
    struct resolution out;
};

/* A set with `policy` ("\"max\"", "{ strategy = ...; }") for order.field, which is of the given type; and tenants, rules … behind
 * it. */
struct policy_set *resolve_policies(const char *field, const char *type, const char *policy, const char *more);
/* Sides until one without a platform. The input points into the dispute; resolve_end frees all. */
void resolve_begin(struct dispute *dispute, struct policy_set *policies, enum entity entity, const char *field,
                   const char *base, const struct short_side *sides);
void resolve_end(struct dispute *dispute);
/* The record's field that way, in order of the sides given. */
void resolve_run(struct dispute *dispute);
const char *resolve_text(struct buf *text, const struct resolution *out); /* "WAITS …", "cleared", or the value */
