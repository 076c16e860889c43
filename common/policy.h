/*
 * policy.h: what becomes of a field that several platforms changed at once, and what a record must be like: the policy file
 * (POLICIES_FILE, libconfig syntax; data-sync-policies(5)) over the defaults, which are config/policies.conf as it was built in.
 *
 * A set is read as a whole or not at all: a file with a mistake is refused with every mistake as "file:line: reason", and the
 * old set stays. A set never changes after reading; several threads may ask it. Nothing here does I/O after loading.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expr.h"
#include "platform.h"

/* X(name, text, confidence in percent of what it decides). docs/conflicts.md says what each does with two and with more sides. */
#define POLICY_STRATEGIES(X)                          \
    X(LATEST_WINS, "latest_wins", 90)                 \
    X(SOURCE_WINS, "source_wins", 80)                 \
    X(MERGE_SMART, "merge_smart", 85)                 \
    X(CUSTOM_LOGIC, "custom_logic", 95)               \
    X(MANUAL_REVIEW, "manual_review", 0)              \
    X(MAX, "max", 85)                                 \
    X(MIN, "min", 85)                                 \
    X(ADDITIVE, "additive", 85)                       \
    X(STATE_MACHINE, "state_machine", 85)             \
    X(PREFER_UNLESS_BLANK, "prefer_unless_blank", 80) \
    X(DO_NOT_SYNC, "do_not_sync", 100)
enum strategy {
#define X(name, text, confidence) STRATEGY_##name,
    POLICY_STRATEGIES(X)
#undef X
        STRATEGIES
};
const char *strategy_name(enum strategy strategy);
int strategy_confidence(enum strategy strategy);

/* What a field holds; a strategy that cannot work with it is refused. X(name, text of the file) */
#define POLICY_TYPES(X)                                                                         \
    X(ANY, "any")                                                                               \
    X(TEXT, "text")                                                                             \
    X(NUMBER, "number") X(MONEY, "money") X(BOOLEAN, "boolean") X(TIME, "time") X(LIST, "list") \
        X(OBJECT, "object")
enum policy_type {
#define X(name, text) POLICY_##name,
    POLICY_TYPES(X)
#undef X
        POLICY_TYPE_COUNT
};
const char *policy_type_name(enum policy_type type);

/* One state of a state machine, and those that may come after it directly. */
struct policy_state {
    const char *name;
    const char **next;
    size_t next_count;
};

#define POLICY_REST "*" /* as a field: every field without a policy of its own */

struct policy {
    const char *field; /* common name, or POLICY_REST */
    enum strategy strategy;
    const char *authority; /* platform that source_wins and prefer_unless_blank believe; NULL: none is set */
    bool own_authority;    /* it is this policy's, not the entity's */
    const struct expr *expression;     /* of custom_logic; its names: policy_names */
    const struct policy_state *states; /* of state_machine, and the guard of latest_wins; NULL: none */
    size_t state_count;
    bool person_when_differ;  /* two different values are for a person, whatever the strategy proposes */
    bool person_same_element; /* of merge_smart: an element changed on two sides is for a person */
    bool has_limit; /* of money: sides further apart than `limit` US dollars' worth are for a person */
    struct money limit;
    const char *file; /* where it was set, for people */
    unsigned line;
    const char *tenant; /* whose override it is; NULL: everybody's */
};

/* The names that an expression of custom_logic may use, NULL ends them; resolve_custom.c gives them their values. */
extern const char *const policy_names[];

struct policy_set;

/* platforms: whose names of fields and of authorities count; NULL: none are known, and names of platforms are not checked. The
 * set keeps nothing of them. path "": the defaults alone. NULL and sentences in errors. */
struct policy_set *policy_set_load(const char *path, const struct platform_set *platforms,
                                   struct buf *errors);
/* The same from a text; `name` is what mistakes are told under. text NULL: the defaults alone. */
struct policy_set *policy_set_read(const char *name, const char *text, size_t len,
                                   const struct platform_set *platforms, struct buf *errors);
/* A tenant's own text (the groups authorities, policies and rules) over what `base` says of the tenant; its version is the base's
 * with ", tenant <number>" behind. A set for that tenant alone, which keeps the base alive. NULL and sentences in errors. */
struct policy_set *policy_set_overlay(struct policy_set *base, const char *tenant, int64_t number,
                                      const char *text, size_t len, const struct platform_set *platforms,
                                      struct buf *errors);
void policy_set_free(struct policy_set **set);
const char *policy_version(const struct policy_set *set); /* the text `version` of the file */
const char *policy_file(const struct policy_set *set);    /* "defaults" where there is none */

/* Never NULL. tenant NULL: what holds for everybody. */
const struct policy *policy_find(const struct policy_set *set, const char *tenant, enum entity entity,
                                 const char *field);
/* Is the field ever sent to a platform? (not do_not_sync) */
bool policy_syncs(const struct policy *policy);
/* Authority of the entity for this tenant; NULL: none. */
const char *policy_authority(const struct policy_set *set, const char *tenant, enum entity entity);
/* Policies of the entity with a row of their own, the one of POLICY_REST last. */
size_t policy_count(const struct policy_set *set, const char *tenant, enum entity entity);
const struct policy *policy_at(const struct policy_set *set, const char *tenant, enum entity entity,
                               size_t index);
/* Fields that are declared; what a platform's file knows besides is POLICY_ANY. */
enum policy_type policy_field_type(const struct policy_set *set, enum entity entity, const char *field);
/* Is the field declared to hold anything at all? */
bool policy_holds_any(const struct policy_set *set, enum entity entity, const char *field);
/* Tenants with overrides. */
size_t policy_tenant_count(const struct policy_set *set);
const char *policy_tenant_at(const struct policy_set *set, size_t index);
/* {"field","strategy","authority", …}: all that is set; for the API and syncctl. */
struct json *policy_describe(const struct policy *policy);
/* Entity → {"authority","policies":[…],"rules":[{"name","test","message"}]}: all that holds for a tenant. */
struct json *policy_describe_all(const struct policy_set *set, const char *tenant);

/* Business rules: what a record must be like, an expression over its fields (their common names), `data` (all of them) and
 * `currencies` (those that some platform has). */
struct policy_rule {
    const char *name;
    const char *message; /* a sentence for people */
    const struct expr *test;
    const char *const *names; /* that it may use */
    bool alone;               /* it reads one field */
    const char *file;
    unsigned line;
    const char *tenant;
};
size_t policy_rule_count(const struct policy_set *set, const char *tenant, enum entity entity);
const struct policy_rule *policy_rule_at(const struct policy_set *set, const char *tenant, enum entity entity,
                                         size_t index);
/* Does the rule speak of the field (or of `data` as a whole)? */
bool policy_rule_reads(const struct policy_rule *rule, const char *field);
/* True when the record keeps to the rule. When not, `why` (may be NULL) gets a sentence without a value of the record; a rule that
 * cannot be tested (text where a number was due) is not kept. */
bool policy_rule_holds(const struct policy_set *set, const struct policy_rule *rule, const struct json *data,
                       struct buf *why);
/* The first rule that the record breaks; NULL: none. fields: names of those that changed, rules that read none of them are not
 * asked; NULL: all rules. */
const struct policy_rule *policy_check(const struct policy_set *set, const char *tenant, enum entity entity,
                                       const struct json *data, const struct json *fields, struct buf *why);
