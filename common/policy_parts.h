/*
 * policy_parts.h: what the files policy*.c share. Nobody else includes this.
 *
 * Everything but expressions lives in the set's arena. A scope is what holds for everybody, or for one tenant; a tenant's tables
 * are copies of everybody's with its own rows over them, so that a question is one look-up.
 */
#pragma once
#include "policy.h"
#include "setting.h"

#define POLICY_TENANTS_MAX 1000
#define POLICY_FIELDS_MAX 250 /* declared, of one entity */
#define POLICY_STATES_MAX 64
#define POLICY_DATA "data"
#define POLICY_CURRENCIES "currencies"

extern const char config_policies[]; /* config/policies.conf, embedded */

struct policy_field {
    const char *name;
    enum policy_type type;
};

struct policy_fields {
    struct policy_field rows[POLICY_FIELDS_MAX];
    size_t count;
};

struct policy_table {
    struct policy *rows; /* the one of POLICY_REST first */
    size_t count;
};

struct rule_table {
    struct policy_rule *rows;
    size_t count;
};

struct policy_scope {
    const char *tenant; /* NULL: everybody */
    const char *authorities[ENTITY_NONE];
    struct policy_table tables[ENTITY_NONE];
    struct rule_table rules[ENTITY_NONE];
};

struct policy_expression {
    struct expr *expr;
    struct policy_expression *next;
};

struct policy_set {
    unsigned refs;           /* its owner, and the overlays */
    struct policy_set *base; /* of an overlay; NULL: it is none */
    struct arena *arena;
    const char *file;
    const char *version;
    struct policy_fields *fields; /* by entity; an overlay's are its base's */
    struct policy_scope everybody;
    struct policy_scope *tenants;
    size_t tenant_count;
    struct policy_expression *expressions; /* to be freed */
    struct json *currencies;               /* array of texts; NULL: no platforms were given */
};

/* A text while it is read. */
struct policy_reading {
    struct policy_set *set;
    const struct platform_set *platforms; /* NULL: names of platforms and their fields are not checked */
    struct policy_scope *scope;
    enum entity entity;
    const struct setting *groups[5]; /* by order of reading; policy_read.c */
};

/* policy_read.c: one text over what the set has already. */
void policy_read_root(const struct reader *reader, const struct setting *root, void *reading);
/* The text of one tenant: the same groups but fields and tenants. */
void policy_read_overlay(const struct reader *reader, const struct setting *root, void *reading);
bool policy_read_entity(const struct reader *reader, const struct setting *setting, enum entity *entity);
/* One of our texts in quotes, kept by the set; NULL after a complaint. */
const char *policy_read_text(const struct reader *reader, const struct setting *setting);
/* Keeps the expression for policy_set_free; NULL stays NULL. */
struct expr *policy_keep(struct policy_set *set, struct expr *expr);
/* Is there such a platform? Complains when not. */
bool policy_read_platform(const struct reader *reader, const struct setting *setting,
                          const struct policy_reading *reading, const char *name);

/* policy_fields.c */
void policy_read_fields(const struct reader *reader, const struct setting *group, void *reading);
/* Complains of a field that neither a declaration nor a platform knows. */
bool policy_knows(const struct reader *reader, const struct setting *setting,
                  const struct policy_reading *reading, const char *field);
/* Names for expressions of business rules, in the arena: the declared fields, `data` and `currencies`; NULL ends. */
const char *const *policy_rule_names(struct policy_set *set, enum entity entity);

/* policy_row.c: the policies of one entity; and its rows copied, for the scope alone, with room for `more`. */
void policy_own_rows(const struct policy_reading *reading, enum entity entity, size_t more);
void policy_read_rows(const struct reader *reader, const struct setting *group, void *reading);

/* policy_rules.c: the business rules of one entity. */
void policy_read_rules(const struct reader *reader, const struct setting *group, void *reading);

/* policy.c */
struct policy *policy_table_find(const struct policy_table *table,
                                 const char *field); /* NULL: no row of its own */
const struct policy_scope *policy_scope_find(const struct policy_set *set, const char *tenant);
