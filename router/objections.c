/*
 * objections.c: see objections.h. What a change makes of a record is known only when it was merged, so where it may break something it
 * is merged with a copy first; and again with what is objected to left out, for what remains must keep to the rules, too.
 */
#include "objections.h"

#include "mem.h"
#include "resolve.h"

#define TRIALS_MAX 8

struct trial {
    const struct policy_set *policies;
    const char *tenant;
    enum entity entity;
    const struct json *before, *after; /* the record's data */
};

/* ---- types ---- */

static bool is_decimal(const char *text)
{
    size_t digits;

    text += *text == '-';
    digits = strspn(text, "0123456789");
    text += digits;
    if (digits > 0 && *text == '.')
        text += 1 + strspn(text + 1, "0123456789");
    return digits > 0 && *text == '\0';
}

/* An amount in quotes is a number: some platforms write them so. */
static enum json_type sort_of(const struct json *value)
{
    enum json_type type = json_type(value);

    return type == JSON_STRING && is_decimal(json_text(value, NULL)) ? JSON_NUMBER : type;
}

static bool is_retyped(const struct trial *trial, const char *field, const struct json *value)
{
    enum json_type was = sort_of(json_get(trial->before, field)), is = sort_of(value);

    return was != JSON_NULL && is != JSON_NULL && was != is &&
           !policy_holds_any(trial->policies, trial->entity, field);
}

/* ---- may there be any? ---- */

/* The record with the change laid over it, by reference. */
static struct json *overlay(const struct json *data, const struct json *change)
{
    struct json *over = json_new_object(), *value;
    struct json_iter old = {0}, new = {0};
    const char *field;

    while (json_next(data, &old, &field, &value))
        json_set(over, field, json_ref(value));
    while (json_next(change, &new, &field, &value))
        json_set(over, field, json_ref(value));
    return over;
}

static bool reads_any(const struct policy_rule *rule, const struct json *data)
{
    struct json_iter iter = {0};
    const char *field;

    while (json_next(data, &iter, &field, NULL))
        if (policy_rule_reads(rule, field))
            return true;
    return false;
}

/* A rule of several fields is asked about what comes out alone: perhaps not all of the change is taken. */
static bool may_break_rules(const struct trial *trial, const struct json *change)
{
    size_t count = policy_rule_count(trial->policies, trial->tenant, trial->entity);
    struct json *over = NULL;
    bool may = false;

    for (size_t i = 0; i < count && !may; i++) {
        const struct policy_rule *rule = policy_rule_at(trial->policies, trial->tenant, trial->entity, i);
        if (!reads_any(rule, change))
            continue;
        over = over ? over : overlay(trial->before, change);
        may = !rule->alone || !policy_rule_holds(trial->policies, rule, over, NULL);
    }
    json_free(over);
    return may;
}

static bool may_object(const struct trial *trial, const struct json *change)
{
    struct json_iter iter = {0};
    const char *field;
    struct json *value;

    while (json_next(change, &iter, &field, &value))
        if (is_retyped(trial, field, value))
            return true;
    return may_break_rules(trial, change);
}

/* ---- are there? ---- */

static void object(struct json *objections, const char *field, int64_t type)
{
    const struct json *old = json_get(objections, field);
    int64_t types = 0;

    if (old)
        json_int64(old, &types);
    json_set(objections, field, json_new_int(types | type));
}

static void object_to_rule(const struct trial *trial, const struct policy_rule *rule,
                           const struct json *changed, struct json *objections)
{
    bool reads = false;

    for (size_t i = 0; i < json_count(changed); i++)
        reads |= policy_rule_reads(rule, json_text(json_at(changed, i), NULL));
    if (!reads || policy_rule_holds(trial->policies, rule, trial->after, NULL))
        return;
    for (size_t i = 0; i < json_count(changed); i++)
        if (policy_rule_reads(rule, json_text(json_at(changed, i), NULL)))
            object(objections, json_text(json_at(changed, i), NULL), RESOLVE_BUSINESS_RULE_VIOLATION);
}

static void object_to_changed(const struct trial *trial, const struct json *changed, struct json *objections)
{
    size_t count = policy_rule_count(trial->policies, trial->tenant, trial->entity);

    for (size_t i = 0; i < count; i++)
        object_to_rule(trial, policy_rule_at(trial->policies, trial->tenant, trial->entity, i), changed,
                       objections);
    for (size_t i = 0; i < json_count(changed); i++) {
        const char *field = json_text(json_at(changed, i), NULL);
        if (is_retyped(trial, field, json_get(trial->after, field)))
            object(objections, field, RESOLVE_SCHEMA_CHANGE);
    }
}

/* True: there were some more. */
static bool try(struct trial *trial, const struct record *record, struct change *change,
                struct json *objections)
{
    struct record copy;
    struct merge merge;
    size_t before = json_count(objections);

    record_copy(&copy, record);
    merge_init(&merge);
    change->objections = objections;
    merge_apply(&copy, change, &merge);
    trial->after = copy.data;
    object_to_changed(trial, merge.changed, objections);
    merge_release(&merge);
    record_release(&copy);
    return json_count(objections) > before;
}

struct json *objections_find(const struct policy_set *policies, const char *tenant,
                             const struct record *record, const struct change *change)
{
    struct trial trial = {
        .policies = policies, .tenant = tenant, .entity = change->entity, .before = record->data};
    struct change tried = *change;
    struct json *objections;

    if (!change->source || change->snapshot || change->verb == VERB_DELETE ||
        !may_object(&trial, change->data))
        return NULL;
    objections = json_new_object();
    for (int i = 0; i < TRIALS_MAX && try(&trial, record, &tried, objections); i++)
        ;
    if (json_count(objections) > 0)
        return objections;
    json_free(objections);
    return NULL;
}
