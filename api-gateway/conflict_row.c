/* conflict_row.c: one conflict with its steps, out of the rows of get_conflict.sql: see conflict_inside.h. */
#include "conflict_inside.h"
#include "msg.h"

static const char *text_of(const struct db_result *result, size_t row, const char *column)
{
    return db_get_text(result, row, db_column(result, column), NULL);
}

struct json *conflict_body(const struct db_result *result, size_t row, const char *column)
{
    size_t len;
    const char *bytes = db_get_bytes(result, row, db_column(result, column), &len);
    bool ok = false;
    struct json *json = NULL;

    if (bytes && len > 1 && bytes[0] == BODY_PLAIN)
        json = json_parse(bytes + 1, len - 1, JSON_DEPTH_MAX, NULL, &ok);
    return ok ? json : NULL;
}

static int64_t number_of(const struct db_result *result, size_t row, const char *column, int64_t absent)
{
    int at = db_column(result, column);

    return db_is_null(result, row, at) ? absent : db_get_int(result, row, at);
}

static void read_step(struct conflict_step *step, const struct db_result *result, size_t row)
{
    step->kind = text_of(result, row, "kind");
    step->by = text_of(result, row, "step_by");
    step->note = text_of(result, row, "step_note");
    step->policies = text_of(result, row, "step_policies");
    step->at_ms = db_get_time_ms(result, row, db_column(result, "step_at"));
    step->has_event = db_get_uuid(result, row, db_column(result, "step_event"), &step->event) == 0;
    step->applied = number_of(result, row, "step_status", EVENT_STATUS_ROUTED) != EVENT_STATUS_PENDING;
    step->made_version = number_of(result, row, "made_version", 0);
    step->rules = conflict_body(result, row, "rules");
    step->before = conflict_body(result, row, "before_data");
}

void conflict_row_read(struct conflict_row *row, const struct db_result *result)
{
    *row = (struct conflict_row){.result = result,
                                 .status = text_of(result, 0, "status"),
                                 .entity = ENTITY_NONE,
                                 .open_fields = text_of(result, 0, "open_fields"),
                                 .side_events = text_of(result, 0, "side_events"),
                                 .detail = conflict_body(result, 0, "detail")};
    msg_entity(text_of(result, 0, "entity_type"), &row->entity);
    conflict_read(&row->conflict, row->detail, NULL, row->side_events);
    row->steps = mem_array(db_rows(result), sizeof *row->steps);
    for (size_t i = 0; i < db_rows(result); i++)
        if (text_of(result, i, "kind"))
            read_step(&row->steps[row->step_count++], result, i);
}

void conflict_row_release(struct conflict_row *row)
{
    conflict_release(&row->conflict);
    json_free(row->detail);
    for (size_t i = 0; i < row->step_count; i++) {
        json_free(row->steps[i].rules);
        json_free(row->steps[i].before);
    }
    free(row->steps);
    *row = (struct conflict_row){0};
}

static const struct json *rule_in(const struct conflict_step *step, const char *field)
{
    for (size_t i = 0; i < json_count(step->rules); i++) {
        const struct json *rule = json_at(step->rules, i);
        const char *name = json_get_text(rule, "field");
        if (name && strcmp(name, field) == 0)
            return rule;
    }
    return NULL;
}

const struct json *conflict_row_rule(const struct conflict_row *row, const char *field,
                                     const struct conflict_step **step)
{
    for (size_t i = row->step_count; i-- > 0;) {
        const struct json *rule = rule_in(&row->steps[i], field);
        if (!rule || strcmp(row->steps[i].kind, "undo") == 0)
            continue;
        if (step)
            *step = &row->steps[i];
        return rule;
    }
    return NULL;
}

static bool rule_waits(const struct json *rule)
{
    const struct json *waits = json_get(rule, "waits");

    return waits && json_bool(waits);
}

bool conflict_row_waits(const struct conflict_row *row, const char *field)
{
    const struct json *rule = conflict_row_rule(row, field, NULL);
    bool undecided = strcmp(row->status, "open") == 0 || strcmp(row->status, "waiting") == 0;

    return undecided && conflict_names(row->open_fields, field) && (!rule || rule_waits(rule));
}

bool conflict_row_applied(const struct conflict_row *row)
{
    for (size_t i = 0; i < row->step_count; i++)
        if (row->steps[i].has_event && !row->steps[i].applied)
            return false;
    return true;
}
