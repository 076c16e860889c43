/*
 * resolve.h: what becomes of a field that several platforms changed at once; pure. docs/conflicts.md
 *
 * Everything is a function of the SET of sides: they are sorted inside by (time, platform, event id), so that every order of
 * arrival ends the same. Of several sides of one platform the last one counts: it replaced the others itself. A side that equals
 * the base is no change. Sides that all say the same are no conflict.
 *
 * What is decided is a side's value, or made of parts of the sides and the base, or their sum of deltas; nothing is invented, and
 * `why` says what was not taken. Values never stand in `why`: it names platforms, fields, times and elements' places. Numbers are
 * decimals, never doubles; what cannot be computed exactly waits for a person.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"
#include "uuid.h"

#define RESOLVE_CONCURRENT_MS 30000

/* Why a field is in conflict; bits. X(name, bit, text) */
#define RESOLVE_TYPES(X)                                                                             \
    X(VERSION_CONFLICT, 1, "version_conflict")   /* sides of one base that did not see each other */ \
    X(DATA_MISMATCH, 2, "data_mismatch")         /* copies differ, and no base is known */           \
    X(CONCURRENT_UPDATE, 4, "concurrent_update") /* all sides within RESOLVE_CONCURRENT_MS */        \
    X(SCHEMA_CHANGE, 8, "schema_change")         /* the type of the value changed */                 \
    X(BUSINESS_RULE_VIOLATION, 16,                                                                   \
      "business_rule_violation") /* the result breaks a rule that reads the field */
enum resolve_type {
#define X(name, bit, text) RESOLVE_##name = bit,
    RESOLVE_TYPES(X)
#undef X
};
#define RESOLVE_TYPES_MAX 2 /* more at once go to a person */
/* The texts of the bits in the order above; their number. */
#define RESOLVE_TYPE_COUNT 5
size_t resolve_type_names(unsigned types, const char *names[RESOLVE_TYPE_COUNT]);

struct resolve_side {
    const char *platform; /* "service": a decision that was made before */
    struct uuid event;
    int64_t time_ms;
    int64_t version;          /* that the side made of the record; 0: none */
    const struct json *value; /* NULL is null */
    bool present;             /* false: the side has no such field; as null, it cleared it */
    const char *currency;     /* of money in the value; NULL: that of the platform's file */
    unsigned
        objections; /* RESOLVE_ bits: why it is for a person although nobody contradicts it; rules are asked again */
};

/* One field and its sides. */
struct resolve_input {
    enum entity entity;
    const char *field;
    const struct json *base; /* NULL: null, or it was not there */
    bool base_known;
    const char *base_currency; /* of money in the base; NULL: none, or not known */
    const struct resolve_side *sides;
    size_t count; /* at least one */
    const struct policy *policy;
    const struct platform_set *platforms; /* rates between currencies; NULL: none are known */
    const struct json *record;            /* the record's other data, for custom_logic; NULL: none */
};

#define RESOLVE_MERGED SIZE_MAX /* no side as it is */

struct resolution {
    struct json *value; /* what the field becomes; where it waits: what the strategy proposes */
    bool present;       /* false: the field is cleared */
    const char
        *currency; /* of money in the value, for the field's note; NULL: none. Lives as long as the input. */
    bool waits;    /* for a person; the field keeps its current value until then */
    bool lone;     /* nobody contradicts it, and there are objections: it waits for itself alone */
    bool agreed;   /* there was nothing to decide: the sides say the same, or one alone changed the field */
    size_t side;   /* which of input->sides it is, or RESOLVE_MERGED */
    const char *
        strategy; /* that decided; "manual_review" where it waits, "agreed" where there was nothing to decide */
    int confidence; /* percent; 0 where it waits */
    unsigned types; /* RESOLVE_ bits; 0 where agreed */
    struct buf why; /* sentences: the rule, what it took and what it did not */
};

void resolve_field(const struct resolve_input *input, struct resolution *resolution);
void resolution_release(struct resolution *resolution);

/* A record's contested fields, each with its sides and base; the rest of struct resolve_input is filled in from here. */
struct resolve_record_input {
    const struct policy_set *policies;
    const struct platform_set *platforms;
    const char *tenant;
    enum entity entity;
    const struct json *data; /* the record as it is now */
    const struct resolve_input *fields;
    size_t count;
};

struct record_resolution {
    struct resolution *fields; /* in the order of the input */
    size_t count;
    unsigned types; /* of all fields together */
    bool
        waits; /* all fields that were contested wait for a person: a rule is broken, or too many types at once */
    const char *rule; /* name of the broken rule; NULL: none. Lives as long as the policy set. */
    struct buf why;   /* why all of them wait; "" otherwise */
};

/* Each field by its policy; then the rules that read a contested field over the record with what was decided in it. */
void resolve_record(const struct resolve_record_input *input, struct record_resolution *resolution);
void record_resolution_release(struct record_resolution *resolution);

/* What waits is decided by a person who chose a side: "bizoholic" → its index in sides after the rules above; -1: no such side. */
int resolve_side_of(const struct resolve_input *input, const char *platform, size_t *side);
