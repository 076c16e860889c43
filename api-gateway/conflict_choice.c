/*
 * conflict_choice.c: what a person chose, as the body of POST …/resolve says it: a side for all that waits and that it has a say in
 * (`choose`), a side per field (`fields`), or values (`data`). Pure.
 *
 * Values keep the type that they have on some side or had before: a person decides what a field is, not what sort of thing.
 */
#include "conflict_inside.h"
#include "mapping.h"
#include "merge.h"

#define NOTE_MAX 2000

struct choosing {
    const struct conflict_row *row;
    struct conflict_decision *decision;
    struct json *errors;
};

/* "/fields/a~1b" (RFC 6901) */
static void add_pointer(struct buf *pointer, const char *member, const char *field)
{
    buf_addf(pointer, "/%s/", member);
    for (const char *at = field; *at; at++)
        if (*at == '~' || *at == '/')
            buf_addf(pointer, "~%d", *at == '/');
        else
            buf_add_ch(pointer, *at);
}

static void mistake(struct choosing *c, const char *member, const char *field, const char *detail)
{
    struct buf pointer = BUF_INIT;

    add_pointer(&pointer, member, field);
    accept_mistake(c->errors, pointer.data, "%s", detail);
    buf_release(&pointer);
}

static const struct resolve_input *input_of(const struct conflict_row *row, const char *field)
{
    for (size_t i = 0; i < row->conflict.count; i++)
        if (strcmp(row->conflict.fields[i].field, field) == 0)
            return &row->conflict.fields[i];
    return NULL;
}

/* ---- one field ---- */

static void decide(struct choosing *c, const struct resolve_input *input, const char *chosen,
                   const struct json *value, const char *currency)
{
    struct json *rule = json_new_object();
    struct buf why = BUF_INIT;

    if (chosen)
        buf_addf(&why, "A person chose what %s says.", chosen);
    else
        buf_add_str(&why, "A person said what it is.");
    json_set(rule, "field", json_new_text(input->field));
    json_set(rule, "policy", json_new_text(strategy_name(STRATEGY_MANUAL_REVIEW)));
    json_set(rule, "chosen", json_new_text(chosen));
    json_set(rule, "value", json_copy(value));
    json_set(rule, "waits", json_new_bool(false));
    json_set(rule, "why", json_new_text(why.data));
    json_append(c->decision->rules, rule);
    json_set(c->decision->data, input->field, json_copy(value));
    if (currency)
        merge_set_currency(c->decision->data, input->field, currency);
    buf_release(&why);
}

/* The field that is named, if it waits; NULL after a mistake, or when it is too late. */
static const struct resolve_input *named(struct choosing *c, const char *member, const char *field)
{
    const struct resolve_input *input = input_of(c->row, field);

    if (!input) {
        mistake(c, member, field,
                "this field is not in conflict: `fields` of the conflict lists those that are");
        return NULL;
    }
    if (conflict_row_waits(c->row, field))
        return input;
    c->decision->late = true;
    return NULL;
}

/* false: the platform holds no side. */
static bool decide_for(struct choosing *c, const struct resolve_input *input, const char *platform)
{
    size_t side;

    if (resolve_side_of(input, platform, &side) < 0)
        return false;
    decide(c, input, platform, input->sides[side].present ? input->sides[side].value : NULL,
           input->sides[side].currency);
    return true;
}

/* ---- the three ways ---- */

static void choose_platform(struct choosing *c, const struct json *choose)
{
    const char *platform = json_type(choose) == JSON_STRING ? json_text(choose, NULL) : NULL;
    bool waits = false, decided = false;

    if (!platform) {
        accept_mistake(c->errors, "/choose", "choose must be the name of a platform, as text");
        return;
    }
    for (size_t i = 0; i < c->row->conflict.count; i++) {
        const struct resolve_input *input = &c->row->conflict.fields[i];
        if (!conflict_row_waits(c->row, input->field))
            continue;
        waits = true;
        decided |= decide_for(c, input, platform);
    }
    c->decision->late = !waits;
    if (waits && !decided)
        accept_mistake(c->errors, "/choose",
                       "choose must be one of the platforms in `sides`: this one has no say in what waits");
}

static void choose_fields(struct choosing *c, const struct json *fields)
{
    struct json_iter iter = {NULL};
    const char *field;
    struct json *value;

    if (json_type(fields) != JSON_OBJECT || json_count(fields) == 0) {
        accept_mistake(c->errors, "/fields", "fields must be an object: the name of a platform per field");
        return;
    }
    while (json_next(fields, &iter, &field, &value)) {
        const struct resolve_input *input = named(c, "fields", field);
        const char *platform = json_type(value) == JSON_STRING ? json_text(value, NULL) : NULL;
        if (input && (!platform || !decide_for(c, input, platform)))
            mistake(c, "fields", field,
                    "this must be a platform that says something of the field: see `sides`");
    }
}

static bool fits(const struct resolve_input *input, const struct json *value)
{
    bool typed = input->base_known && input->base;

    if (!value || (typed && json_type(input->base) == json_type(value)))
        return true;
    for (size_t i = 0; i < input->count; i++) {
        const struct json *side = input->sides[i].present ? input->sides[i].value : NULL;
        if (side && json_type(side) == json_type(value))
            return true;
        typed |= side != NULL;
    }
    return !typed;
}

/* Of money: that of a side with this very amount, else that of the first. */
static const char *currency_for(const struct resolve_input *input, const struct json *value)
{
    const char *currency = NULL;

    for (size_t i = 0; i < input->count; i++) {
        const struct resolve_side *side = &input->sides[i];
        if (side->currency && side->present && json_equal(side->value, value))
            return side->currency;
        currency = currency ? currency : side->currency;
    }
    return currency;
}

static void choose_data(struct choosing *c, const struct platform_set *platforms, const struct json *data)
{
    struct json_iter iter = {NULL};
    const char *field;
    struct json *value;

    if (json_type(data) != JSON_OBJECT || json_count(data) == 0) {
        accept_mistake(c->errors, "/data", "data must be an object: the value of each field that is decided");
        return;
    }
    while (json_next(data, &iter, &field, &value)) {
        const struct resolve_input *input = named(c, "data", field);
        if (input && !fits(input, value))
            mistake(c, "data", field, "this must be of the type that the field has on the sides, or null");
        else if (input)
            decide(c, input, NULL, value, currency_for(input, value));
    }
    if (json_count(c->errors) == 0 && platform_count(platforms) > 0)
        mapping_check(platform_at(platforms, 0), c->row->entity, data, data, c->errors);
}

/* ---- the body ---- */

int conflict_read_note(const struct json *body, char **note, struct json *errors)
{
    struct json *value;
    size_t len;
    const char *text;

    *note = NULL;
    if (!json_find(body, "note", &value) || !value)
        return 0;
    text = json_type(value) == JSON_STRING ? json_text(value, &len) : NULL;
    if (!text || len > NOTE_MAX) {
        accept_mistake(errors, "/note", "note must be text of at most %d bytes", NOTE_MAX);
        return -1;
    }
    *note = *text ? mem_strdup(text) : NULL;
    return 0;
}

/* How many ways of choosing the body names; other members are mistakes. */
static int count_ways(const struct json *body, struct json *errors)
{
    struct json_iter iter = {NULL};
    const char *name;
    struct json *value;
    int ways = 0;

    while (json_next(body, &iter, &name, &value)) {
        struct buf pointer = BUF_INIT;
        buf_addf(&pointer, "/%s", name);
        if (strcmp(name, "choose") == 0 || strcmp(name, "fields") == 0 || strcmp(name, "data") == 0)
            ways++;
        else if (strcmp(name, "note") != 0)
            accept_mistake(errors, pointer.data, "there is no such member: choose, fields, data or note");
        buf_release(&pointer);
    }
    return ways;
}

int conflict_choose(const struct conflict_row *row, const struct platform_set *platforms,
                    const struct json *body, struct conflict_decision *decision, struct json *errors)
{
    struct choosing c = {row, decision, errors};
    struct json *value;

    *decision = (struct conflict_decision){.data = json_new_object(), .rules = json_new_array()};
    conflict_read_note(body, &decision->note, errors);
    if (json_type(body) != JSON_OBJECT)
        accept_mistake(errors, "", "the body must be an object, not %s", json_type_name(json_type(body)));
    else if (count_ways(body, errors) != 1)
        accept_mistake(errors, "", "say it in exactly one way: choose, fields or data");
    else if (json_find(body, "choose", &value))
        choose_platform(&c, value);
    else if (json_find(body, "fields", &value))
        choose_fields(&c, value);
    else if (json_find(body, "data", &value))
        choose_data(&c, platforms, value);
    return json_count(errors) > 0 || decision->late ? -1 : 0;
}

void conflict_decision_release(struct conflict_decision *decision)
{
    json_free(decision->data);
    json_free(decision->rules);
    free(decision->note);
    *decision = (struct conflict_decision){0};
}
