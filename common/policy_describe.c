/* policy_describe.c: a policy as JSON: everything that is set, in the words of the file. */
#include "policy.h"

#include "json.h"
#include "mem.h"

static struct json *describe_states(const struct policy *policy)
{
    struct json *states = json_new_object();
    for (size_t i = 0; i < policy->state_count; i++) {
        struct json *next = json_new_array();
        for (size_t j = 0; j < policy->states[i].next_count; j++)
            json_append(next, json_new_text(policy->states[i].next[j]));
        json_set(states, policy->states[i].name, next);
    }
    return states;
}

static void set_text(struct json *object, const char *name, const char *text)
{
    if (text != NULL)
        json_set(object, name, json_new_text(text));
}

struct json *policy_describe(const struct policy *policy)
{
    struct json *json = json_new_object();
    bool believes =
        policy->strategy == STRATEGY_SOURCE_WINS || policy->strategy == STRATEGY_PREFER_UNLESS_BLANK;
    json_set(json, "field", json_new_text(policy->field));
    json_set(json, "strategy", json_new_text(strategy_name(policy->strategy)));
    set_text(json, "authority", believes ? policy->authority : NULL);
    set_text(json, "expression", policy->expression != NULL ? expr_text(policy->expression) : NULL);
    if (policy->states != NULL)
        json_set(json, "transitions", describe_states(policy));
    if (policy->has_limit) {
        struct buf limit = BUF_INIT;
        money_format(&limit, policy->limit);
        json_set(json, "person_above_usd", json_new_text(limit.data));
        buf_release(&limit);
    }
    if (policy->person_when_differ)
        json_set(json, "person_on_difference", json_new_bool(true));
    if (policy->person_same_element)
        json_set(json, "person_on_same_element", json_new_bool(true));
    set_text(json, "tenant", policy->tenant);
    set_text(json, "file", policy->file);
    json_set(json, "line", json_new_int(policy->line));
    return json;
}

static struct json *describe_rule(const struct policy_rule *rule)
{
    struct json *json = json_new_object();
    json_set(json, "name", json_new_text(rule->name));
    json_set(json, "test", json_new_text(expr_text(rule->test)));
    json_set(json, "message", json_new_text(rule->message));
    return json;
}

static struct json *describe_entity(const struct policy_set *set, const char *tenant, enum entity entity)
{
    struct json *json = json_new_object(), *policies = json_new_array(), *rules = json_new_array();
    for (size_t i = 0; i < policy_count(set, tenant, entity); i++)
        json_append(policies, policy_describe(policy_at(set, tenant, entity, i)));
    for (size_t i = 0; i < policy_rule_count(set, tenant, entity); i++)
        json_append(rules, describe_rule(policy_rule_at(set, tenant, entity, i)));
    json_set(json, "authority", json_new_text(policy_authority(set, tenant, entity)));
    json_set(json, "policies", policies);
    json_set(json, "rules", rules);
    return json;
}

struct json *policy_describe_all(const struct policy_set *set, const char *tenant)
{
    struct json *entities = json_new_object();
    for (int entity = 0; entity < ENTITY_NONE; entity++)
        json_set(entities, msg_entity_name((enum entity)entity),
                 describe_entity(set, tenant, (enum entity)entity));
    return entities;
}
