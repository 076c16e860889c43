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
