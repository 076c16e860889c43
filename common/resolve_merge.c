/*
 * resolve_merge.c: merge_smart: the members and elements that each side changed, put together.
 *
 * All sides are merged at once against the base, member by member, so that with three and more it ends the same whoever came
 * first; a fold by pairs would not. Objects: each member by itself. Lists are sets: elements are the same one by sku, else id, else
 * value; the base's order first, then what was added, side by side in the order of time. Texts that were continued by whole lines
 * keep all lines. Where two sides changed one and the same thing differently the latest wins, and `why` names the place.
 *
 * What a side does not have was removed only if the base had it. Against a change a removal does not count: nothing is lost.
 */
#include "resolve_merge.h"

#include "map.h"

/* ---- what was not taken ---- */

static void note(struct merger *merger, const struct part *part, const char *what)
{
    struct buf name = BUF_INIT;
    if (merger->notes++ < RESOLVE_NOTES_MAX) {
        contest_name(&name, part->side);
        contest_say(merger->contest, "%s: %s %s", merger->path.len > 0 ? merger->path.data : "the whole",
                    what, name.data);
    }
    buf_release(&name);
}

static void push_member(struct buf *path, const char *member)
{
    buf_addf(path, "%s%.64s", path->len > 0 ? "." : "", member);
}

void merge_pop(struct buf *path, size_t len)
{
    if (path->len > len) {
        path->data[len] = '\0';
        path->len = len;
    }
}

/* ---- which parts count ---- */

static bool is_changed(const struct place *place, const struct part *part)
{
    if (!place->base_known)
        return part->present;
    return part->present != place->in_base || !json_equal(part->value, place->base);
}

static bool same_part(const struct part *a, const struct part *b)
{
    return a->present == b->present && json_equal(a->value, b->value);
}

/* The changed parts, a new array. */
size_t merge_changed_parts(const struct place *place, struct part **changed)
{
    size_t count = 0;
    *changed = mem_array(place->count, sizeof **changed);
    for (size_t i = 0; i < place->count; i++) {
        if (is_changed(place, &place->parts[i]))
            (*changed)[count++] = place->parts[i];
    }
    return count;
}

bool merge_all_equal(const struct part *parts, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (!same_part(&parts[0], &parts[i]))
            return false;
    }
    return true;
}

static bool all_of_type(const struct part *parts, size_t count, enum json_type type)
{
    for (size_t i = 0; i < count; i++) {
        if (json_type(parts[i].value) != type)
            return false;
    }
    return true;
}

static struct merged take(const struct part *part)
{
    return (struct merged){part->present, json_copy(part->value)};
}

/* Takes removals off where somebody else changed what was removed. */
static size_t drop_removals(struct merger *merger, struct part *parts, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        kept += parts[i].present;
    if (kept == 0 || kept == count)
        return count;
    kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].present)
            parts[kept++] = parts[i];
        else
            note(merger, &parts[i], "was changed elsewhere, so it stays; not taken: the removal,");
    }
    return kept;
}

/* ---- objects ---- */

static void merge_member(struct merger *merger, const struct place *place, const char *name,
                         struct json *result)
{
    struct place member = {.base_known = place->base_known, .count = place->count};
    struct json *value = NULL;
    size_t len = merger->path.len;
    member.in_base = place->base_known && json_find(place->base, name, &value);
    member.base = value;
    member.parts = mem_array(place->count, sizeof *member.parts);
    for (size_t i = 0; i < place->count; i++) {
        struct part *part = &member.parts[i];
        value = NULL;
        part->side = place->parts[i].side;
        part->present = json_find(place->parts[i].value, name, &value);
        part->value = value;
    }
    push_member(&merger->path, name);
    struct merged merged = merge_place(merger, &member);
    merge_pop(&merger->path, len);
    if (merged.present)
        json_set(result, name, merged.value);
    free(member.parts);
}

/* Members that were not merged yet, in the object's order. */
static void merge_members(struct merger *merger, const struct place *place, const struct json *object,
                          struct map *done, struct json *result)
{
    struct json_iter iter = {NULL};
    const char *name;
    struct json *value;
    while (json_next(object, &iter, &name, &value)) {
        if (map_put(done, name, strlen(name), done) == NULL)
            merge_member(merger, place, name, result);
    }
}

static struct merged merge_objects(struct merger *merger, const struct place *place)
{
    struct json *result = json_new_object();
    struct map *done = map_new();
    if (place->base_known && json_type(place->base) == JSON_OBJECT)
        merge_members(merger, place, place->base, done, result);
    for (size_t i = 0; i < place->count; i++)
        merge_members(merger, place, place->parts[i].value, done, result);
    map_free(&done);
    return (struct merged){true, result};
}

/* ---- texts ---- */

/* Does the text continue the base with whole lines? Where the new lines begin, or NULL. */
static const char *new_lines(const struct json *base, const struct json *value)
{
    size_t base_len, len;
    const char *before = json_text(base, &base_len), *text = json_text(value, &len);
    if (base_len == 0 || len <= base_len || memcmp(text, before, base_len) != 0)
        return NULL;
    return text[base_len] == '\n' || before[base_len - 1] == '\n' ? text + base_len : NULL;
}

static bool was_added(const struct json *base, const struct part *parts, size_t count, const char *lines)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(new_lines(base, parts[i].value), lines) == 0)
            return true;
    }
    return false;
}

static bool merge_lines(const struct place *place, struct merged *merged)
{
    struct buf text = BUF_INIT;
    if (!place->base_known || json_type(place->base) != JSON_STRING ||
        !all_of_type(place->parts, place->count, JSON_STRING))
        return false;
    for (size_t i = 0; i < place->count; i++) {
        if (new_lines(place->base, place->parts[i].value) == NULL)
            return false;
    }
    buf_add_str(&text, json_text(place->base, NULL));
    for (size_t i = 0; i < place->count; i++) {
        const char *lines = new_lines(place->base, place->parts[i].value);
        if (was_added(place->base, place->parts, i, lines))
            continue;
        if (text.data[text.len - 1] != '\n' && lines[0] != '\n')
            buf_add_ch(&text, '\n');
        buf_add_str(&text, lines);
    }
    *merged = (struct merged){true, json_new_text_len(text.data, text.len)};
    buf_release(&text);
    return true;
}

/* ---- a place ---- */

static struct merged take_latest(struct merger *merger, const struct place *place)
{
    const struct part *latest = &place->parts[place->count - 1];
    for (size_t i = 0; i + 1 < place->count; i++) {
        if (!same_part(&place->parts[i], latest))
            note(merger, &place->parts[i], "the latest wins; not taken:");
    }
    return take(latest);
}

/* place holds the changed parts alone, two at least that differ. */
static struct merged merge_changed(struct merger *merger, const struct place *place)
{
    struct merged merged;
    if (all_of_type(place->parts, place->count, JSON_OBJECT))
        return merge_objects(merger, place);
    if (all_of_type(place->parts, place->count, JSON_ARRAY))
        return merge_lists(merger, place);
    if (merge_lines(place, &merged))
        return merged;
    return take_latest(merger, place);
}

struct merged merge_place(struct merger *merger, const struct place *place)
{
    struct place changed = *place;
    struct merged merged;
    changed.count = merge_changed_parts(place, &changed.parts);
    changed.count = drop_removals(merger, changed.parts, changed.count);
    if (changed.count == 0)
        merged = (struct merged){place->in_base, json_copy(place->in_base ? place->base : NULL)};
    else if (merge_all_equal(changed.parts, changed.count))
        merged = take(&changed.parts[0]);
    else
        merged = merge_changed(merger, &changed);
    free(changed.parts);
    return merged;
}

/* ---- the field ---- */

/* Is there nothing that could be put together: numbers, types that differ? Then the latest that did not clear it. */
static const struct resolve_side *plain_side(const struct contest *contest)
{
    const struct resolve_side *latest = NULL;
    bool plain = false;
    for (size_t i = 0; i < contest->count; i++) {
        const struct resolve_side *side = contest->sides[i];
        enum json_type type = json_type(side->value);
        if (side_cleared(side))
            continue;
        plain |= type == JSON_NUMBER || type == JSON_BOOL || (latest && json_type(latest->value) != type);
        latest = side;
    }
    return plain ? latest : NULL;
}

/* The merged value may be one side's as it is. */
static void find_side(struct contest *contest)
{
    struct resolution *out = contest->out;
    for (size_t i = contest->count; i > 0 && out->side == RESOLVE_MERGED; i--) {
        const struct resolve_side *side = contest->sides[i - 1];
        const char *currency = money_currency(contest->input, side);
        if (side_cleared(side) == !out->present && json_equal(side->value, out->value) &&
            (out->currency == currency || (out->currency && currency && !strcmp(out->currency, currency))))
            out->side = (size_t)(side - contest->input->sides);
    }
}

static void merge_sides(struct contest *contest, struct json **lists, const char *currency)
{
    const struct resolve_input *input = contest->input;
    struct merger merger = {.contest = contest, .path = BUF_INIT};
    struct place place = {.base_known = input->base_known, .base = input->base, .count = contest->count};
    place.in_base = input->base_known && json_type(input->base) != JSON_NULL;
    place.parts = mem_array(contest->count, sizeof *place.parts);
    for (size_t i = 0; i < contest->count; i++)
        place.parts[i] = (struct part){contest->sides[i], !side_cleared(contest->sides[i]), lists[i]};
    contest_say(contest, "Merged what %zu sides changed", contest->count);
    struct merged merged = merge_place(&merger, &place);
    if (merger.notes > RESOLVE_NOTES_MAX)
        contest_say(contest, "So in %zu more places", merger.notes - RESOLVE_NOTES_MAX);
    contest_make(contest, merged.present, merged.value, currency);
    find_side(contest);
    if (merger.same_element && input->policy->person_same_element)
        contest_wait(contest, "two sides changed the same element");
    free(place.parts);
    buf_release(&merger.path);
}

void strategy_merge(struct contest *contest)
{
    const struct resolve_side *plain = plain_side(contest);
    struct json **lists;
    const char *currency;
    if (plain != NULL) {
        contest_take(contest, plain);
        contest_say(contest, "Nothing that could be put together: the latest wins, %s's", plain->platform);
        return;
    }
    lists = mem_array(contest->count, sizeof *lists);
    if (money_lists(contest, lists, &currency) == 0)
        merge_sides(contest, lists, currency);
    else
        contest_wait(contest, "there is no rate between the currencies of the sides");
    for (size_t i = 0; i < contest->count; i++)
        json_free(lists[i]);
    free(lists);
}
