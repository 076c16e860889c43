/*
 * resolve_choice.c: strategies that take one side as it is.
 *
 * With three and more sides they do as with two: the latest of all, the authority's, the preferred one's.
 */
#include "resolve_parts.h"

void strategy_latest(struct contest *contest)
{
    struct buf name = BUF_INIT;
    contest_take(contest, contest_latest(contest));
    contest_name(&name, contest_latest(contest));
    contest_say(contest, "The latest change wins: %s", name.data);
    buf_release(&name);
}

/* Has the authority not touched the field, the others contend: the latest of them. */
void strategy_source(struct contest *contest)
{
    const char *authority = contest->input->policy->authority;
    const struct resolve_side *side = contest_of(contest, authority);
    if (side != NULL) {
        contest_take(contest, side);
        contest_say(contest, "%s is the authority", authority);
        return;
    }
    contest_say(contest, "The authority, %s, did not change the field", authority);
    strategy_latest(contest);
}

/* ---- prefer unless blank ---- */

static bool is_blank(const struct resolve_side *side)
{
    size_t len = 0;
    const char *text;
    if (side_cleared(side))
        return true;
    if (json_type(side->value) == JSON_ARRAY || json_type(side->value) == JSON_OBJECT)
        return json_count(side->value) == 0;
    text = json_type(side->value) == JSON_STRING ? json_text(side->value, &len) : NULL;
    return text != NULL && strspn(text, " \t\r\n") == len;
}

void strategy_prefer(struct contest *contest)
{
    const char *preferred = contest->input->policy->authority;
    const struct resolve_side *side = contest_of(contest, preferred), *latest = NULL;
    if (side != NULL && !is_blank(side)) {
        contest_take(contest, side);
        contest_say(contest, "%s is preferred, and its value is not blank", preferred);
        return;
    }
    contest_say(contest,
                side != NULL ? "%s is preferred, but its value is blank" : "%s did not change the field",
                preferred);
    for (size_t i = 0; i < contest->count; i++) {
        if (!is_blank(contest->sides[i]))
            latest = contest->sides[i];
    }
    if (latest == NULL) {
        strategy_latest(contest);
        return;
    }
    contest_take(contest, latest);
    contest_say(contest, "The latest that is not blank is %s's", latest->platform);
}

/* ---- no decision, and none needed ---- */

void strategy_manual(struct contest *contest)
{
    contest_wait(contest, "so the policy says");
}

void strategy_unsent(struct contest *contest)
{
    contest_take(contest, contest_latest(contest));
    contest_say(contest,
                "The field is never sent: each platform keeps its own, and the record shows the latest");
}
