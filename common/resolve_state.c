/*
 * resolve_state.c: states and the transitions that are allowed between them.
 *
 * A platform may have taken several steps, so what counts is whether a state can be reached, in one step or more. A word that no
 * transition speaks of is free: nobody said what it may follow.
 */
#include "resolve_parts.h"

static const struct policy_state *find(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->state_count; i++) {
        if (strcmp(policy->states[i].name, name) == 0)
            return &policy->states[i];
    }
    return NULL;
}

/* The states that can be reached are marked, from this one on. */
static void mark(const struct policy *policy, const struct policy_state *from, bool *marked)
{
    for (size_t i = 0; i < from->next_count; i++) {
        const struct policy_state *next = find(policy, from->next[i]);
        size_t place = (size_t)(next - policy->states);
        if (marked[place])
            continue;
        marked[place] = true;
        mark(policy, next, marked);
    }
}

static const struct policy_state *state_of(const struct policy *policy, const struct json *value)
{
    return json_type(value) == JSON_STRING ? find(policy, json_text(value, NULL)) : NULL;
}

#define STATES_MAX 64 /* POLICY_STATES_MAX */

static bool is_after(const struct policy *policy, const struct policy_state *from,
                     const struct policy_state *to)
{
    bool marked[STATES_MAX] = {false};
    mark(policy, from, marked);
    return marked[to - policy->states];
}

/* May the value come after `from`? Both known, else nobody forbade it. */
static bool may_follow(const struct policy *policy, const struct json *from, const struct json *value)
{
    const struct policy_state *a = state_of(policy, from), *b = state_of(policy, value);
    return a == NULL || b == NULL || a == b || is_after(policy, a, b);
}

/* ---- latest_wins with transitions ---- */

/* The sides one after the other by time: each that may follow what is there takes its place. The sorted set decides, not the
 * order of arrival. A cleared state is none. */
void strategy_guarded(struct contest *contest)
{
    const struct resolve_input *input = contest->input;
    const struct json *now = input->base_known ? input->base : NULL;
    const struct resolve_side *taken = NULL;
    struct buf name = BUF_INIT;
    for (size_t i = 0; i < contest->count; i++) {
        const struct resolve_side *side = contest->sides[i];
        if (side_cleared(side) || !may_follow(input->policy, now, side->value))
            continue;
        taken = side;
        now = side->value;
    }
    if (taken == NULL) {
        contest_wait(contest, "no side's state may follow the one before");
        return;
    }
    contest_take(contest, taken);
    contest_name(&name, taken);
    contest_say(contest, "The latest change that the states allow wins: %s", name.data);
    buf_release(&name);
}

/* ---- state_machine ---- */

/* May it stand, and has it come at least as far as every other that may? */
static bool is_furthest(const struct contest *contest, const bool *stands, size_t place)
{
    const struct policy *policy = contest->input->policy;
    const struct policy_state *state = state_of(policy, contest->sides[place]->value);
    for (size_t i = 0; i < contest->count; i++) {
        const struct policy_state *other = state_of(policy, contest->sides[i]->value);
        if (stands[i] && other != state && !is_after(policy, other, state))
            return false;
    }
    return true;
}

/* The state that can follow every other one that may stand, whatever the clocks say; of several (in a circle) the latest. */
void strategy_states(struct contest *contest)
{
    const struct resolve_input *input = contest->input;
    const struct resolve_side *furthest = NULL;
    bool *stands = mem_array(contest->count, sizeof *stands);
    bool known = true;
    for (size_t i = 0; i < contest->count; i++) {
        const struct json *value = contest->sides[i]->value;
        known &= state_of(input->policy, value) != NULL;
        stands[i] = !input->base_known || may_follow(input->policy, input->base, value);
    }
    for (size_t i = 0; known && i < contest->count; i++) {
        if (stands[i] && is_furthest(contest, stands, i))
            furthest = contest->sides[i];
    }
    free(stands);
    if (furthest == NULL) {
        contest_wait(contest, known ? "the states contradict each other: none can follow all others"
                                    : "a side's state is none that the transitions speak of");
        return;
    }
    contest_take(contest, furthest);
    contest_say(contest, "The state that can follow the others wins: %s's", furthest->platform);
}
