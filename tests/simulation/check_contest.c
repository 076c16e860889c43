/* check_contest.c: contests keep their sides, and decisions are thought of once more. See check.c. */
#include <string.h>

#include "buf.h"
#include "conflict.h"
#include "simulation.h"

/* ── contests ── */

static int64_t number(const struct json *side, const char *name)
{
    return conflict_number(side, name);
}

static const struct json *side_at(const struct json *sides, const char *origin, int64_t seq)
{
    for (size_t i = 0; i < json_count(sides); i++)
        if (strcmp(json_get_text(json_at(sides, i), "o"), origin) == 0 &&
            (seq == 0 || number(json_at(sides, i), "s") == seq))
            return json_at(sides, i);
    return NULL;
}

/* A clock that is wrong by hours decides nothing. */
static void check_time(const struct event_row_model *event, const struct json *side)
{
    int64_t is = number(side, "t"), should = event->created_ms;

    if (event->occurred_ms <= event->created_ms && event->occurred_ms > event->created_ms - 60000)
        should = event->occurred_ms;
    if (is != should)
        fail("time", "#%lld counts as made %lld ms after its acceptance", (long long)event->seq,
             (long long)(is - event->created_ms));
}

/* Who stood there stays, unless this change had seen it or is its platform's. */
static void check_kept(const struct record_model *record, const struct event_row_model *event,
                       const char *field, const struct json *before, const struct json *after,
                       const struct json *own)
{
    int64_t base = json_get(own, "b") ? number(own, "b") : number(own, "v") - 1;

    for (size_t i = 0; i < json_count(before); i++) {
        const struct json *side = json_at(before, i);
        const char *origin = json_get_text(side, "o");
        if (!side_at(after, origin, 0) && strcmp(origin, side_name(event->source)) != 0 &&
            number(side, "v") > base)
            fail("side", "%s's side of r%d.%s is gone when #%lld comes", origin,
                 (int)(record - world.records), field, (long long)event->seq);
    }
}

const struct json *check_field(const struct json *detail, const char *field)
{
    for (size_t i = 0; i < json_count(detail); i++)
        if (strcmp(json_get_text(json_at(detail, i), "field"), field) == 0)
            return json_at(detail, i);
    return NULL;
}

static bool was_set_since(const struct record_model *record, const char *field, int64_t version)
{
    for (size_t i = record->version_count; i-- > 0 && record->versions[i].version > version;)
        if (conflict_names(record->versions[i].changed, field))
            return true;
    return false;
}

/* With the contest that the field was in until now. */
static void check_before(const struct record_model *record, const struct event_row_model *event,
                         const char *field, const struct json *sides, const struct json *own)
{
    bool met = false;

    for (size_t k = world.conflict_count - 1; k-- > 0 && !met;) {
        const struct conflict_model *last = &world.conflicts[k];
        struct json *before;
        if (&world.records[last->record] != record)
            continue;
        before = check_parse(last->detail, last->detail_len);
        met = check_field(before, field) != NULL;
        if (met && conflict_names(last->open_fields, field) && !was_set_since(record, field, last->version))
            check_kept(record, event, field, json_get(check_field(before, field), "sides"), sides, own);
        json_free(before);
    }
}

void check_contest(const struct record_model *record, const struct event_row_model *event, const char *bytes,
                   size_t len)
{
    struct json *detail = check_parse(bytes, len);

    for (size_t i = 0; i < json_count(detail); i++) {
        const char *field = json_get_text(json_at(detail, i), "field");
        const struct json *sides = json_get(json_at(detail, i), "sides");
        const struct json *own = side_at(sides, side_name(event->source), event->seq);
        if (!own) {
            fail("side", "#%lld contests r%d.%s and is no side of it", (long long)event->seq,
                 (int)(record - world.records), field);
            continue;
        }
        check_time(event, own);
        check_before(record, event, field, sides, own);
    }
    json_free(detail);
}

/* ── decisions, thought of once more ── */

static const struct json *latest_of(const struct json *entry)
{
    const struct json *sides = json_get(entry, "sides"), *base = json_get(entry, "base"), *best = NULL;

    for (size_t i = 0; i < json_count(sides); i++) {
        const struct json *side = json_at(sides, i);
        int64_t later = best ? number(side, "t") - number(best, "t") : 1;
        if (json_bool(json_get(entry, "base_known")) && json_equal(json_get(side, "x"), base))
            continue;
        if (later == 0)
            later = strcmp(json_get_text(side, "o"), json_get_text(best, "o"));
        if (later > 0)
            best = side;
    }
    return best;
}

static bool holds(const struct json *list, const struct json *element)
{
    for (size_t i = 0; i < json_count(list); i++)
        if (json_equal(json_at(list, i), element))
            return true;
    return false;
}

/* What a side added is there; what nobody had is not. */
static bool is_union(const struct json *entry, const struct json *decided)
{
    const struct json *sides = json_get(entry, "sides"), *base = json_get(entry, "base");
    bool good = true;

    for (size_t i = 0; i < json_count(sides); i++) {
        const struct json *list = json_get(json_at(sides, i), "x");
        for (size_t k = 0; k < json_count(list); k++)
            good &= holds(base, json_at(list, k)) || holds(decided, json_at(list, k));
    }
    for (size_t k = 0; k < json_count(decided); k++) {
        bool known = holds(base, json_at(decided, k));
        for (size_t i = 0; i < json_count(sides); i++)
            known |= holds(json_get(json_at(sides, i), "x"), json_at(decided, k));
        good &= known;
    }
    return good;
}

static bool is_sum(const struct json *entry, const struct json *decided)
{
    const struct json *sides = json_get(entry, "sides");
    int64_t base = 0, sum = 0, is = 0, value;

    if (!json_get(entry, "base"))
        return true; /* not known, or there was none: the largest, or a person's */
    json_int64(json_get(entry, "base"), &base);
    sum = base;
    for (size_t i = 0; i < json_count(sides); i++)
        if (json_get(json_at(sides, i), "x") && json_int64(json_get(json_at(sides, i), "x"), &value) == 0)
            sum += value - base;
    return decided && json_int64(decided, &is) == 0 && is == sum;
}

static bool is_right(const struct json *entry, const struct json *decided)
{
    const char *field = json_get_text(entry, "field");
    const struct json *latest = latest_of(entry);

    if (strcmp(field, "images") == 0)
        return is_union(entry, decided);
    if (strcmp(field, "inventory") == 0)
        return is_sum(entry, decided);
    return !latest || json_equal(json_get(latest, "x"), decided);
}

void check_decision(const struct conflict_model *conflict, const char *bytes, size_t len)
{
    struct json *detail = check_parse(conflict->detail, conflict->detail_len),
                *decided = check_parse(bytes, len), *value;

    for (size_t i = 0; i < json_count(detail); i++) {
        const char *field = json_get_text(json_at(detail, i), "field");
        if (!conflict_names(conflict->open_fields, field) || !json_find(decided, field, &value) ||
            is_right(json_at(detail, i), value))
            continue;
        struct buf text = BUF_INIT, is = BUF_INIT;
        json_write(&text, json_at(detail, i));
        json_write(&is, value);
        fail("decision", "r%d.%s becomes %s of %s", conflict->record, field, is.data, text.data);
        buf_release(&text);
        buf_release(&is);
    }
    json_free(detail);
    json_free(decided);
}
