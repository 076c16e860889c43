/*
 * resolve_number.c: strategies that compare or add: exact decimals, money by its worth, times.
 *
 * All of them take any number of sides at once: the largest of all, the sum of all deltas. What cannot be compared or computed
 * exactly goes to a person. A side that cleared the field says no number, and is told as not taken.
 */
#include "resolve_parts.h"
#include "timefmt.h"

enum scale { SCALE_NONE, SCALE_NUMBER, SCALE_WORTH, SCALE_TIME };

struct measure {
    enum scale scale;
    struct money number;
    int64_t time_ms;
};

/* ---- max, min ---- */

static int measure(const struct contest *contest, const struct resolve_side *side, bool by_worth,
                   struct measure *out)
{
    size_t len = 0;
    const char *text = json_type(side->value) == JSON_STRING ? json_text(side->value, &len) : NULL;
    *out = (struct measure){.scale = by_worth ? SCALE_WORTH : SCALE_NUMBER};
    if (text != NULL) {
        out->scale = SCALE_TIME;
        return timefmt_parse(text, len, &out->time_ms);
    }
    return by_worth ? money_worth(contest->input, side, &out->number) : money_of(side->value, &out->number);
}

static int compare(const struct measure *a, const struct measure *b)
{
    if (a->scale == SCALE_TIME)
        return (a->time_ms > b->time_ms) - (a->time_ms < b->time_ms);
    return money_compare(a->number, b->number);
}

/* The one furthest in the direction; of equals the latest. NULL: some cannot be compared. */
static const struct resolve_side *extreme(const struct contest *contest, int direction)
{
    const struct resolve_side *best = NULL;
    struct measure best_measure = {.scale = SCALE_NONE}, one;
    bool by_worth = money_is_meant(contest->input) && !money_one_currency(contest);
    for (size_t i = 0; i < contest->count; i++) {
        const struct resolve_side *side = contest->sides[i];
        if (side_cleared(side))
            continue;
        if (measure(contest, side, by_worth, &one) != 0 || (best != NULL && one.scale != best_measure.scale))
            return NULL;
        if (best == NULL || direction * compare(&one, &best_measure) >= 0) {
            best = side;
            best_measure = one;
        }
    }
    return best;
}

static void take_extreme(struct contest *contest, int direction, const char *word)
{
    const struct resolve_side *side = extreme(contest, direction);
    if (side == NULL) {
        contest_wait(contest, "the sides cannot be compared exactly");
        return;
    }
    contest_take(contest, side);
    contest_say(contest, "The %s wins: %s's", word, side->platform);
}

void strategy_max(struct contest *contest)
{
    take_extreme(contest, 1, "largest");
}

void strategy_min(struct contest *contest)
{
    take_extreme(contest, -1, "smallest");
}

/* ---- additive ---- */

static bool is_of_one_currency(const struct contest *contest)
{
    const struct resolve_input *input = contest->input;
    const char *currency = money_currency(input, contest->sides[0]);
    if (!money_is_meant(input))
        return true;
    return money_one_currency(contest) && currency != NULL && input->base_currency != NULL &&
           strcmp(currency, input->base_currency) == 0;
}

/* base + the sum of (value - base). 0, or -1: it cannot be computed exactly. */
static int add_deltas(const struct contest *contest, struct money base, struct money *sum)
{
    struct money value, delta;
    *sum = base;
    for (size_t i = 0; i < contest->count; i++) {
        if (side_cleared(contest->sides[i]))
            continue;
        if (money_of(contest->sides[i]->value, &value) != 0 || money_add(value, base, true, &delta) != 0 ||
            money_add(*sum, delta, false, sum) != 0)
            return -1;
    }
    return 0;
}

static void say_cleared(struct contest *contest)
{
    for (size_t i = 0; i < contest->count; i++) {
        if (side_cleared(contest->sides[i]))
            contest_say(contest, "%s cleared the field, which is no number: not taken",
                        contest->sides[i]->platform);
    }
}

void strategy_additive(struct contest *contest)
{
    const struct resolve_input *input = contest->input;
    struct money base, sum;
    struct buf text = BUF_INIT;
    if (!input->base_known || json_type(input->base) == JSON_NULL) {
        contest_say(contest, "No base is known to add to");
        take_extreme(contest, 1, "largest");
        return;
    }
    if (!is_of_one_currency(contest)) {
        contest_wait(contest, "amounts in different currencies are not added");
        return;
    }
    if (money_of(input->base, &base) != 0 || add_deltas(contest, base, &sum) != 0) {
        contest_wait(contest, "the sum cannot be computed exactly");
        return;
    }
    money_format(&text, sum);
    contest_make(contest, true, json_new_number(text.data), money_currency(input, contest->sides[0]));
    contest_say(contest, "The base with what each of %zu sides added or took away", contest->count);
    say_cleared(contest);
    buf_release(&text);
}
