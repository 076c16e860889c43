/*
 * resolve.c: one field: what is no conflict at all, which strategy decides, and what goes to a person.
 *
 * The sides are sorted before anything looks at them, by all that they hold, so that nothing can depend on the order of arrival.
 */
#include "resolve.h"

#include <stdarg.h>

#include "log.h"
#include "resolve_parts.h"
#include "timefmt.h"

static const strategy_cb strategies[] = {
    [STRATEGY_LATEST_WINS] = strategy_latest,
    [STRATEGY_SOURCE_WINS] = strategy_source,
    [STRATEGY_MERGE_SMART] = strategy_merge,
    [STRATEGY_CUSTOM_LOGIC] = strategy_custom,
    [STRATEGY_MANUAL_REVIEW] = strategy_manual,
    [STRATEGY_MAX] = strategy_max,
    [STRATEGY_MIN] = strategy_min,
    [STRATEGY_ADDITIVE] = strategy_additive,
    [STRATEGY_STATE_MACHINE] = strategy_states,
    [STRATEGY_PREFER_UNLESS_BLANK] = strategy_prefer,
    [STRATEGY_DO_NOT_SYNC] = strategy_unsent,
};

static const struct {
    unsigned bit;
    const char *name;
} types[] = {
#define X(name, bit, text) {bit, text},
    RESOLVE_TYPES(X)
#undef X
};

size_t resolve_type_names(unsigned bits, const char *names[RESOLVE_TYPE_COUNT])
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (bits & types[i].bit)
            names[count++] = types[i].name;
    }
    return count;
}

/* ---- what the strategies use ---- */

bool side_cleared(const struct resolve_side *side)
{
    return !side->present || json_type(side->value) == JSON_NULL;
}

const struct resolve_side *contest_latest(const struct contest *contest)
{
    return contest->sides[contest->count - 1];
}

const struct resolve_side *contest_of(const struct contest *contest, const char *platform)
{
    for (size_t i = 0; platform != NULL && i < contest->count; i++) {
        if (strcmp(contest->sides[i]->platform, platform) == 0)
            return contest->sides[i];
    }
    return NULL;
}

void contest_name(struct buf *text, const struct resolve_side *side)
{
    char time[TIMEFMT_LEN + 1];
    timefmt_rfc3339(side->time_ms, time);
    buf_addf(text, "%s's of %s", side->platform, time);
}

void contest_say(struct contest *contest, const char *format, ...)
{
    struct buf *why = &contest->out->why;
    va_list args;
    if (why->len > 0)
        buf_add_ch(why, ' ');
    va_start(args, format);
    buf_vaddf(why, format, args);
    va_end(args);
    buf_add_ch(why, '.');
}

void contest_take(struct contest *contest, const struct resolve_side *side)
{
    contest_make(contest, side->present, json_copy(side->value), money_currency(contest->input, side));
    contest->out->side = (size_t)(side - contest->input->sides);
}

void contest_make(struct contest *contest, bool present, struct json *value, const char *currency)
{
    struct resolution *out = contest->out;
    json_free(out->value);
    out->value = value;
    out->present = present;
    out->currency = value != NULL ? currency : NULL;
    out->side = RESOLVE_MERGED;
}

void contest_wait(struct contest *contest, const char *format, ...)
{
    struct buf text = BUF_INIT;
    va_list args;
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    contest->out->waits = true;
    contest_say(contest, "Waits for a person: %s", text.data);
    buf_release(&text);
}

/* ---- the set of sides ---- */

static int by_number(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_content(const struct resolve_side *a, const struct resolve_side *b)
{
    struct buf x = BUF_INIT, y = BUF_INIT;
    canonical_text(&x, a->value);
    canonical_text(&y, b->value);
    int order = strcmp(x.data, y.data);
    buf_release(&x);
    buf_release(&y);
    if (order == 0)
        order = strcmp(a->currency != NULL ? a->currency : "", b->currency != NULL ? b->currency : "");
    return order != 0 ? order : a->present - b->present;
}

static int by_time(const void *left, const void *right)
{
    const struct resolve_side *a = *(const struct resolve_side *const *)left;
    const struct resolve_side *b = *(const struct resolve_side *const *)right;
    int order = by_number(a->time_ms, b->time_ms);
    if (order == 0)
        order = strcmp(a->platform, b->platform);
    if (order == 0)
        order = uuid_compare(&a->event, &b->event);
    if (order == 0)
        order = by_number(a->version, b->version);
    return order != 0 ? order : by_content(a, b);
}

/* Is there a later one of its platform among those kept? */
static bool is_replaced(const struct resolve_side *const *kept, size_t count, const struct resolve_side *side)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(kept[i]->platform, side->platform) == 0)
            return true;
    }
    return false;
}

static void reverse(const struct resolve_side **sides, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        const struct resolve_side *side = sides[i];
        sides[i] = sides[count - 1 - i];
        sides[count - 1 - i] = side;
    }
}

/* All sides sorted, then the last of each platform alone. */
static void sort_sides(struct contest *contest)
{
    const struct resolve_input *input = contest->input;
    const struct resolve_side **sides = contest->sides;
    for (size_t i = 0; i < input->count; i++)
        sides[i] = &input->sides[i];
    qsort(sides, input->count, sizeof *sides, by_time);
    reverse(sides, input->count);
    for (size_t i = 0; i < input->count; i++) {
        if (!is_replaced(sides, contest->count, sides[i]))
            sides[contest->count++] = sides[i];
    }
    reverse(sides, contest->count);
}

/* Takes off the sides that say what the base says; false when none is left. */
static bool take_off_unchanged(struct contest *contest)
{
    size_t kept = 0;
    for (size_t i = 0; i < contest->count; i++)
        kept += !side_is_base(contest->input, contest->sides[i]);
    if (kept == 0 || !contest->input->base_known)
        return kept > 0;
    kept = 0;
    for (size_t i = 0; i < contest->count; i++) {
        if (!side_is_base(contest->input, contest->sides[i]))
            contest->sides[kept++] = contest->sides[i];
    }
    contest->count = kept;
    return true;
}

static bool all_same(const struct contest *contest)
{
    for (size_t i = 0; i + 1 < contest->count; i++) {
        if (!side_same(contest->input, contest->sides[i], contest_latest(contest)))
            return false;
    }
    return true;
}

/* ---- types ---- */

static bool is_retyped(const struct contest *contest)
{
    enum json_type type = json_type(contest->input->base_known ? contest->input->base : NULL);
    for (size_t i = 0; i < contest->count; i++) {
        enum json_type is = json_type(contest->sides[i]->value);
        if (type == JSON_NULL)
            type = is;
        if (is != JSON_NULL && is != type)
            return true;
    }
    return false;
}

static unsigned types_of(const struct contest *contest)
{
    unsigned found = contest->input->base_known ? RESOLVE_VERSION_CONFLICT : RESOLVE_DATA_MISMATCH;
    int64_t apart_ms = contest_latest(contest)->time_ms - contest->sides[0]->time_ms;
    if (apart_ms < RESOLVE_CONCURRENT_MS)
        found |= RESOLVE_CONCURRENT_UPDATE;
    return found | (is_retyped(contest) ? RESOLVE_SCHEMA_CHANGE : 0);
}

bool resolve_too_many(unsigned bits)
{
    return __builtin_popcount(bits) > RESOLVE_TYPES_MAX;
}

/* ---- deciding ---- */

static void check_limit(struct contest *contest)
{
    const struct policy *policy = contest->input->policy;
    struct money lowest = {0, 0}, highest = {0, 0}, worth, apart;
    struct buf limit = BUF_INIT;
    bool known = true;
    for (size_t i = 0; known && i < contest->count; i++) {
        known = money_worth(contest->input, contest->sides[i], &worth) == 0;
        if (known && (i == 0 || money_compare(worth, lowest) < 0))
            lowest = worth;
        if (known && (i == 0 || money_compare(worth, highest) > 0))
            highest = worth;
    }
    money_format(&limit, policy->limit);
    if (!known || money_add(highest, lowest, true, &apart) != 0)
        contest_wait(contest, "what a side says cannot be compared in US dollars");
    else if (money_compare(apart, policy->limit) > 0)
        contest_wait(contest, "the sides are more than %s US dollars' worth apart", limit.data);
    buf_release(&limit);
}

static bool is_taken(const struct contest *contest, const struct resolve_side *side)
{
    const struct resolution *out = contest->out;
    if (out->side != RESOLVE_MERGED)
        return side_same(contest->input, side, &contest->input->sides[out->side]);
    return json_equal(out->value, side->value);
}

/* A merge says itself which parts it did not take. */
static void say_untaken(struct contest *contest)
{
    struct buf names = BUF_INIT;
    for (size_t i = 0; i < contest->count; i++) {
        if (is_taken(contest, contest->sides[i]))
            continue;
        buf_add_str(&names, names.len > 0 ? ", " : "");
        contest_name(&names, contest->sides[i]);
    }
    if (names.len > 0 && contest->out->side != RESOLVE_MERGED)
        contest_say(contest, "Not taken: %s", names.data);
    buf_release(&names);
}

static void say_proposal(struct contest *contest)
{
    struct buf name = BUF_INIT;
    size_t side = contest->out->side;
    if (side == RESOLVE_MERGED)
        buf_add_str(&name, "what was put together");
    else
        contest_name(&name, &contest->input->sides[side]);
    contest_say(contest, "Proposed: %s", name.data);
    buf_release(&name);
}

static void decide(struct contest *contest)
{
    const struct policy *policy = contest->input->policy;
    struct resolution *out = contest->out;
    out->types = types_of(contest);
    out->strategy = strategy_name(policy->strategy);
    contest_take(contest, contest_latest(contest)); /* the proposal of what cannot decide */
    if (policy->strategy == STRATEGY_LATEST_WINS && policy->states != NULL)
        strategy_guarded(contest);
    else
        strategies[policy->strategy](contest);
    if (policy->has_limit)
        check_limit(contest);
    if (policy->person_when_differ)
        contest_wait(contest, "the sides differ");
    if (resolve_too_many(out->types))
        contest_wait(contest, "more than %d types of conflict at once", RESOLVE_TYPES_MAX);
    if (out->waits) {
        say_proposal(contest);
        resolve_leave(out);
        return;
    }
    say_untaken(contest);
    out->confidence = strategy_confidence(policy->strategy);
}

void resolve_leave(struct resolution *resolution)
{
    resolution->waits = true;
    resolution->strategy = strategy_name(STRATEGY_MANUAL_REVIEW);
    resolution->confidence = strategy_confidence(STRATEGY_MANUAL_REVIEW);
}

static void agree(struct contest *contest, const char *why)
{
    contest->out->agreed = true;
    contest->out->strategy = "agreed";
    contest->out->confidence = 100;
    contest_take(contest, contest_latest(contest));
    contest_say(contest, "%s", why);
}

static unsigned objections_to(const struct contest *contest)
{
    unsigned objections = 0;
    for (size_t i = 0; i < contest->count; i++)
        objections |= contest->sides[i]->objections;
    return objections;
}

/* Nobody contradicts it. Whether a rule is broken still, resolve_record asks. */
static void question(struct contest *contest)
{
    struct resolution *out = contest->out;
    out->lone = true;
    out->strategy = strategy_name(contest->input->policy->strategy);
    out->confidence = strategy_confidence(contest->input->policy->strategy);
    contest_take(contest, contest_latest(contest));
    contest_say(contest, "One side alone changed the field");
    if (!(objections_to(contest) & RESOLVE_SCHEMA_CHANGE))
        return;
    out->types = RESOLVE_SCHEMA_CHANGE;
    contest_wait(contest, "the value is of another type than before");
    say_proposal(contest);
    resolve_leave(out);
}

void resolve_field(const struct resolve_input *input, struct resolution *resolution)
{
    struct contest contest = {.input = input, .out = resolution};
    if (input->count == 0 || input->policy == NULL)
        bug("a conflict of %s without sides or policy", input->field);
    *resolution = (struct resolution){.side = RESOLVE_MERGED, .why = BUF_INIT};
    contest.sides = mem_array(input->count, sizeof *contest.sides);
    sort_sides(&contest);
    if (!take_off_unchanged(&contest))
        agree(&contest, "No side changed the field");
    else if (objections_to(&contest) != 0 && (contest.count == 1 || all_same(&contest)))
        question(&contest);
    else if (contest.count == 1)
        agree(&contest, "One side alone changed the field");
    else if (all_same(&contest))
        agree(&contest, "The sides say the same");
    else
        decide(&contest);
    free(contest.sides);
}

void resolution_release(struct resolution *resolution)
{
    json_free(resolution->value);
    buf_release(&resolution->why);
    *resolution = (struct resolution){.why = BUF_INIT};
}

int resolve_side_of(const struct resolve_input *input, const char *platform, size_t *side)
{
    const struct resolve_side *latest = NULL;
    for (size_t i = 0; i < input->count; i++) {
        const struct resolve_side *one = &input->sides[i];
        if (strcmp(one->platform, platform) == 0 && (latest == NULL || by_time(&one, &latest) > 0))
            latest = one;
    }
    if (latest == NULL)
        return -1;
    *side = (size_t)(latest - input->sides);
    return 0;
}
