/*
 * conflict_json.c: one conflict as JSON, from its rows. Numbers of the service's own are written as text: no doubles, and what the
 * original told (confidence_score, resolution_notes …) under its names.
 */
#include "conflict_inside.h"
#include "timefmt.h"

static void set_text(struct json *json, const char *name, const char *text)
{
    json_set(json, name, json_new_text(text));
}

static void set_column(struct json *json, const struct conflict_row *row, const char *column)
{
    set_text(json, column, db_get_text(row->result, 0, db_column(row->result, column), NULL));
}

static void set_uuid(struct json *json, const char *name, const struct uuid *uuid)
{
    char text[UUID_TEXT_LEN + 1];

    uuid_format(uuid, text);
    set_text(json, name, text);
}

static void set_id(struct json *json, const struct conflict_row *row, const char *column, const char *name)
{
    struct uuid uuid;

    if (db_get_uuid(row->result, 0, db_column(row->result, column), &uuid) == 0)
        set_uuid(json, name, &uuid);
}

static void set_time(struct json *json, const char *name, int64_t unix_ms)
{
    char text[TIMEFMT_LEN + 1];

    if (unix_ms != INT64_MIN)
        timefmt_rfc3339(unix_ms, text);
    set_text(json, name, unix_ms != INT64_MIN ? text : NULL);
}

static void set_time_column(struct json *json, const struct conflict_row *row, const char *column)
{
    set_time(json, column, db_get_time_ms(row->result, 0, db_column(row->result, column)));
}

/* A list with commas. */
static struct json *names(const char *list)
{
    struct json *array = json_new_array();

    for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
        json_append(array, json_new_text_len(at, strcspn(at, ",")));
    return array;
}

/* ---- base and sides ---- */

/* Field → value before; what is not known is not there. */
static struct json *base_of(const struct conflict_row *row)
{
    struct json *base = json_new_object();

    for (size_t i = 0; i < row->conflict.count; i++)
        if (row->conflict.fields[i].base_known)
            json_set(base, row->conflict.fields[i].field, json_copy(row->conflict.fields[i].base));
    return base;
}

/* One change that contends, with what it says of all the fields: they are one side by their place in the order of acceptance. */
static struct json *side_for(struct json *sides, struct json *seqs, const struct conflict_row *row,
                             const struct json *side)
{
    char seq[24];
    struct json *told;
    struct uuid event;

    snprintf(seq, sizeof seq, "%lld", (long long)conflict_number(side, "s"));
    told = json_get(seqs, seq);
    if (told)
        return told;
    told = json_new_object();
    set_text(told, "platform", json_get_text(side, "o"));
    json_set(told, "event_id", NULL);
    if (conflict_event(row->side_events, conflict_number(side, "s"), &event) == 0)
        set_uuid(told, "event_id", &event);
    json_set(told, "version", json_new_int(conflict_number(side, "v")));
    set_time(told, "time", conflict_number(side, "t"));
    json_set(told, "data", json_new_object());
    json_set(seqs, seq, json_ref(told));
    json_append(sides, told);
    return told;
}

static void add_side(struct json *told, const char *field, const struct json *side)
{
    const char *currency = json_get_text(side, "c");

    json_set(json_get(told, "data"), field, json_copy(json_get(side, "x")));
    if (!currency)
        return;
    if (!json_get(told, "currencies"))
        json_set(told, "currencies", json_new_object());
    set_text(json_get(told, "currencies"), field, currency);
}

static struct json *sides_of(const struct conflict_row *row)
{
    struct json *sides = json_new_array(), *seqs = json_new_object();

    for (size_t i = 0; json_type(row->detail) == JSON_ARRAY && i < json_count(row->detail); i++) {
        const struct json *entry = json_at(row->detail, i), *of_field = json_get(entry, "sides");
        const char *field = json_get_text(entry, "field");
        for (size_t s = 0; field && s < json_count(of_field); s++) {
            const struct json *side = json_at(of_field, s);
            add_side(side_for(sides, seqs, row, side), field, side);
        }
    }
    json_free(seqs);
    return sides;
}

/* ---- what became of the fields ---- */

static struct json *field_json(const struct conflict_row *row, const char *field)
{
    static const char *const members[] = {"policy", "chosen", "value", "why"};
    const struct conflict_step *step = NULL;
    const struct json *rule = conflict_row_rule(row, field, &step);
    struct json *json = json_new_object();

    set_text(json, "field", field);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_set(json, members[i], json_copy(json_get(rule, members[i])));
    json_set(json, "waits", json_new_bool(conflict_row_waits(row, field)));
    set_text(json, "decided_by", step && !conflict_row_waits(row, field) ? step->by : NULL);
    return json;
}

/* Field → value, of what is decided; NULL: nothing is. */
static struct json *result_of(const struct json *fields)
{
    struct json *result = json_new_object();

    for (size_t i = 0; i < json_count(fields); i++)
        if (json_get_text(json_at(fields, i), "decided_by"))
            json_set(result, json_get_text(json_at(fields, i), "field"),
                     json_copy(json_get(json_at(fields, i), "value")));
    if (json_count(result) > 0)
        return result;
    json_free(result);
    return NULL;
}

static struct json *step_json(const struct conflict_step *step)
{
    struct json *json = json_new_object();

    set_text(json, "kind", step->kind);
    set_text(json, "decided_by", step->by);
    set_time(json, "decided_at", step->at_ms);
    json_set(json, "event_id", NULL);
    if (step->has_event)
        set_uuid(json, "event_id", &step->event);
    json_set(json, "applied", json_new_bool(!step->has_event || step->applied));
    set_text(json, "resolution_notes", step->note && *step->note ? step->note : NULL);
    set_text(json, "policies_version", step->policies);
    json_set(json, "fields", json_copy(step->rules));
    return json;
}

static struct json *steps_json(const struct conflict_row *row)
{
    struct json *steps = json_new_array();

    for (size_t i = 0; i < row->step_count; i++)
        json_append(steps, step_json(&row->steps[i]));
    return steps;
}

/* ---- as the original told it ---- */

/* 90 percent is 0.9. */
static struct json *score(int64_t percent)
{
    char text[24];

    snprintf(text, sizeof text, percent % 10 == 0 ? "%lld.%lld" : "%lld.%02lld", (long long)(percent / 100),
             (long long)(percent % 10 == 0 ? percent % 100 / 10 : percent % 100));
    return json_new_number(text);
}

/* One strategy, or that there were several; and which field went by which. */
static void set_strategies(struct json *json, const struct json *fields)
{
    struct json *rules = json_new_array();
    const char *strategy = NULL;

    for (size_t i = 0; i < json_count(fields); i++) {
        const char *policy = json_get_text(json_at(fields, i), "policy");
        struct buf rule = BUF_INIT;
        if (!policy)
            continue;
        strategy = !strategy || strcmp(strategy, policy) == 0 ? policy : "several";
        buf_addf(&rule, "%s: %s", json_get_text(json_at(fields, i), "field"), policy);
        json_append(rules, json_new_text(rule.data));
        buf_release(&rule);
    }
    set_text(json, "strategy_used", strategy);
    json_set(json, "applied_rules", rules);
}

/* What was noted; without a note the reasons of the fields. */
static struct json *notes(const struct conflict_row *row, const struct json *fields)
{
    const char *note = db_get_text(row->result, 0, db_column(row->result, "note"), NULL);
    struct buf text = BUF_INIT;
    struct json *json;

    if (note && *note)
        return json_new_text(note);
    for (size_t i = 0; i < json_count(fields); i++) {
        const char *why = json_get_text(json_at(fields, i), "why");
        if (why && *why)
            buf_addf(&text, "%s%s: %s", text.len ? " " : "", json_get_text(json_at(fields, i), "field"), why);
    }
    json = text.len > 0 ? json_new_text(text.data) : NULL;
    buf_release(&text);
    return json;
}

static void set_originals(struct json *json, const struct conflict_row *row, const struct json *fields)
{
    int confidence = db_column(row->result, "confidence");

    set_strategies(json, fields);
    json_set(json, "confidence_score",
             db_is_null(row->result, 0, confidence) ? NULL : score(db_get_int(row->result, 0, confidence)));
    json_set(json, "requires_manual_review", json_new_bool(strcmp(row->status, "waiting") == 0));
    json_set(json, "resolution_notes", notes(row, fields));
}

struct json *conflict_json(const struct conflict_row *row)
{
    struct json *json = json_new_object(), *fields = json_new_array();

    for (size_t i = 0; i < row->conflict.count; i++)
        json_append(fields, field_json(row, row->conflict.fields[i].field));
    set_id(json, row, "id", "id");
    set_column(json, row, "tenant_id");
    set_column(json, row, "entity_type");
    set_column(json, row, "entity_id");
    set_id(json, row, "record_id", "record_id");
    set_id(json, row, "event_id", "event_id");
    json_set(json, "version", json_new_int(db_get_int(row->result, 0, db_column(row->result, "version"))));
    set_column(json, row, "type");
    json_set(json, "types", names(db_get_text(row->result, 0, db_column(row->result, "types"), NULL)));
    set_column(json, row, "status");
    set_time_column(json, row, "created_at");
    json_set(json, "base", base_of(row));
    json_set(json, "sides", sides_of(row));
    json_set(json, "fields", fields);
    json_set(json, "result", result_of(fields));
    set_column(json, row, "decided_by");
    set_time_column(json, row, "decided_at");
    set_originals(json, row, fields);
    json_set(json, "applied", json_new_bool(conflict_row_applied(row)));
    json_set(json, "resolutions", steps_json(row));
    return json;
}
