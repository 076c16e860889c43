/*
 * resolve_custom.c: custom_logic: an expression of the policy file decides, over what the sides say.
 *
 * It may choose, and put parts together; what it makes of its own is refused: a merge never invents a value. null means that it
 * cannot decide. Both, and an expression that fails on what it met, leave the field to a person.
 */
#include "resolve_parts.h"
#include "timefmt.h"

enum { NAME_VALUES, NAME_EARLIEST, NAME_LATEST, NAME_BASE, NAME_SIDES, NAME_BY, NAME_DATA, NAME_COUNT };
const char *const policy_names[] = {"values", "earliest", "latest", "base", "sides", "by", "data", NULL};

static struct json *describe_side(const struct contest *contest, const struct resolve_side *side)
{
    struct json *object = json_new_object();
    const char *currency = money_currency(contest->input, side);
    char time[TIMEFMT_LEN + 1];
    timefmt_rfc3339(side->time_ms, time);
    json_set(object, "platform", json_new_text(side->platform));
    json_set(object, "value", json_copy(side->value));
    json_set(object, "time", json_new_text(time));
    json_set(object, "version", json_new_int(side->version));
    json_set(object, "currency", json_new_text(currency));
    return object;
}

/* values, earliest and latest know nothing of sides that cleared the field: not every expression should have to look for null. */
static void bind(const struct contest *contest, struct json *values[NAME_COUNT])
{
    values[NAME_VALUES] = json_new_array();
    values[NAME_SIDES] = json_new_array();
    values[NAME_BY] = json_new_object();
    for (size_t i = 0; i < contest->count; i++) {
        const struct resolve_side *side = contest->sides[i];
        json_append(values[NAME_SIDES], describe_side(contest, side));
        json_set(values[NAME_BY], side->platform, json_copy(side->value));
        if (side_cleared(side))
            continue;
        if (values[NAME_EARLIEST] == NULL)
            values[NAME_EARLIEST] = json_copy(side->value);
        json_free(values[NAME_LATEST]);
        values[NAME_LATEST] = json_copy(side->value);
        json_append(values[NAME_VALUES], json_copy(side->value));
    }
    values[NAME_BASE] = contest->input->base_known ? json_copy(contest->input->base) : NULL;
    values[NAME_DATA] = json_copy(contest->input->record);
}

/* ---- is it anything that somebody said? ---- */

static bool is_made_of(const struct json *value, const struct json *const *sources, size_t count);

static bool is_said(const struct json *value, const struct json *const *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (json_equal(value, sources[i]))
            return true;
    }
    return false;
}

static bool is_object_of(const struct json *object, const struct json *const *sources, size_t count)
{
    const struct json **members = mem_array(count + 1, sizeof *members);
    struct json_iter iter = {NULL};
    const char *name;
    struct json *value;
    bool made = true;
    while (made && json_next(object, &iter, &name, &value)) {
        size_t having = 0;
        for (size_t i = 0; i < count; i++) {
            struct json *member;
            if (json_find(sources[i], name, &member))
                members[having++] = member;
        }
        made = is_made_of(value, members, having);
    }
    free(members);
    return made;
}

static bool is_list_of(const struct json *list, const struct json *const *sources, size_t count)
{
    size_t having = 0, room = 0;
    bool made = true;
    for (size_t i = 0; i < count; i++)
        room += json_type(sources[i]) == JSON_ARRAY ? json_count(sources[i]) : 0;
    const struct json **elements = mem_array(room + 1, sizeof *elements);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; json_type(sources[i]) == JSON_ARRAY && j < json_count(sources[i]); j++)
            elements[having++] = json_at(sources[i], j);
    }
    for (size_t i = 0; made && i < json_count(list); i++)
        made = is_made_of(json_at(list, i), elements, having);
    free(elements);
    return made;
}

/* One of the sources, or of parts that stand at the same place in them. */
static bool is_made_of(const struct json *value, const struct json *const *sources, size_t count)
{
    if (is_said(value, sources, count))
        return true;
    if (json_type(value) == JSON_OBJECT)
        return is_object_of(value, sources, count);
    return json_type(value) == JSON_ARRAY && is_list_of(value, sources, count);
}

/* ---- deciding ---- */

/* The latest side that says just this. */
static const struct resolve_side *side_with(const struct contest *contest, const struct json *value)
{
    for (size_t i = contest->count; i > 0; i--) {
        if (!side_cleared(contest->sides[i - 1]) && json_equal(contest->sides[i - 1]->value, value))
            return contest->sides[i - 1];
    }
    return NULL;
}

static bool is_anybodys(const struct contest *contest, const struct json *value)
{
    const struct json **sources = mem_array(contest->count + 1, sizeof *sources);
    for (size_t i = 0; i < contest->count; i++)
        sources[i] = contest->sides[i]->value;
    sources[contest->count] = contest->input->base_known ? contest->input->base : NULL;
    bool made = is_made_of(value, sources, contest->count + 1);
    free(sources);
    return made;
}

static void settle(struct contest *contest, struct json *value)
{
    const struct resolve_side *side = side_with(contest, value);
    if (value == NULL)
        contest_wait(contest, "the expression of the policy leaves it to one");
    else if (side != NULL)
        contest_take(contest, side);
    else if (!is_anybodys(contest, value))
        contest_wait(contest, "the expression of the policy made a value that no side has");
    else if (money_is_meant(contest->input) && !money_one_currency(contest))
        contest_wait(contest, "the expression of the policy put amounts of different currencies together");
    else
        contest_make(contest, true, json_copy(value), money_currency(contest->input, contest->sides[0]));
    if (!contest->out->waits)
        contest_say(contest, "The expression of the policy decided: %s",
                    side != NULL ? side->platform : "put together of parts");
}

void strategy_custom(struct contest *contest)
{
    struct json *values[NAME_COUNT] = {NULL}, *value = NULL;
    struct buf why = BUF_INIT;
    bind(contest, values);
    if (expr_eval(contest->input->policy->expression, (const struct json *const *)values, &value, &why) == 0)
        settle(contest, value);
    else
        contest_wait(contest, "the expression of the policy failed: %s", why.data);
    json_free(value);
    for (size_t i = 0; i < NAME_COUNT; i++)
        json_free(values[i]);
    buf_release(&why);
}
