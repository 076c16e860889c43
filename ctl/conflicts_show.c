/* conflicts_show.c: conflicts as people read them. What a record holds is what they decide about: values are shown. */
#include "conflicts.h"

#include <string.h>

#include "clock.h"
#include "row.h"
#include "text.h"

static void add_line(struct buf *out, const char *label, const char *text)
{
    buf_addf(out, "  %-10s ", label);
    text_clean(out, text, strlen(text));
    buf_add_ch(out, '\n');
}

static void add_time(struct table *table, const struct json *row, const char *member)
{
    struct buf text = BUF_INIT;

    if (json_get_text(row, member))
        text_time(&text, json_get_text(row, member));
    table_text(table, text.data);
    buf_release(&text);
}

static void add_value(struct table *table, const struct json *value)
{
    struct buf text = BUF_INIT;

    if (value)
        json_write(&text, value);
    else
        buf_add_str(&text, "null");
    table_text(table, text.data);
    buf_release(&text);
}

static void join(struct buf *text, const struct json *names)
{
    for (size_t i = 0; i < json_count(names); i++)
        buf_addf(text, "%s%s", i ? ", " : "", json_text(json_at(names, i), NULL));
}

static void add_names(struct table *table, const struct json *names)
{
    struct buf text = BUF_INIT;

    join(&text, names);
    table_text(table, text.data);
    buf_release(&text);
}

void conflicts_show_list(const struct json *page, struct buf *out)
{
    static const char *const headers[] = {"CONFLICT", "SINCE", "STATUS", "TYPE",
                                          "ID",       "OPEN",  "FIELDS", NULL};
    const struct json *conflicts = json_get(page, "conflicts");
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(conflicts); i++) {
        const struct json *conflict = json_at(conflicts, i);
        table_json(table, conflict, "id");
        add_time(table, conflict, "created_at");
        table_json(table, conflict, "status");
        table_json(table, conflict, "entity_type");
        table_json(table, conflict, "entity_id");
        add_names(table, json_get(conflict, "open_fields"));
        add_names(table, json_get(conflict, "fields"));
    }
    table_end(&table, out);
    if (json_count(conflicts) == 0)
        buf_add_str(out, "no conflicts\n");
    if (json_get_text(page, "next_cursor"))
        buf_addf(out, "\nthe newest %zu; there are more: --limit\n", json_count(conflicts));
}

/* ---- one ---- */

static void add_head(const struct json *conflict, struct buf *out)
{
    struct buf text = BUF_INIT;

    buf_addf(&text, "%s %s, %s%s", row_text(conflict, "entity_type"), row_text(conflict, "entity_id"),
             row_text(conflict, "status"),
             row_bool(conflict, "applied") ? "" : ", a decision is still on its way");
    text_clean(out, text.data, text.len);
    buf_add_ch(out, '\n');
    buf_reset(&text);
    add_line(out, "tenant", row_text(conflict, "tenant_id"));
    add_line(out, "conflict", row_text(conflict, "id"));
    add_line(out, "record", row_text(conflict, "record_id"));
    join(&text, json_get(conflict, "types"));
    add_line(out, "types", text.data);
    buf_reset(&text);
    text_time(&text, row_text(conflict, "created_at"));
    buf_add_str(&text, ", ");
    text_span(&text, text_age_ms(row_text(conflict, "created_at"), clock_db_ms()));
    buf_add_str(&text, " ago");
    add_line(out, "since", text.data);
    if (json_get_text(conflict, "decided_by"))
        add_line(out, "decided by", row_text(conflict, "decided_by"));
    if (json_get_text(conflict, "resolution_notes"))
        add_line(out, "notes", row_text(conflict, "resolution_notes"));
    buf_release(&text);
}

/* A row per field and side, behind what it was before. */
static void show_sides(const struct json *conflict, struct buf *out)
{
    static const char *const headers[] = {"FIELD", "SIDE", "WHEN", "CURRENCY", "VALUE", NULL};
    const struct json *fields = json_get(conflict, "fields"), *sides = json_get(conflict, "sides");
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(fields); i++) {
        const char *field = row_text(json_at(fields, i), "field");
        struct json *value;
        if (json_find(json_get(conflict, "base"), field, &value)) {
            table_text(table, field);
            table_text(table, "(before)");
            table_text(table, NULL);
            table_text(table, NULL);
            add_value(table, value);
        }
        for (size_t s = 0; s < json_count(sides); s++) {
            const struct json *side = json_at(sides, s);
            if (!json_find(json_get(side, "data"), field, &value))
                continue;
            table_text(table, field);
            table_json(table, side, "platform");
            add_time(table, side, "time");
            table_json(table, json_get(side, "currencies"), field);
            add_value(table, value);
        }
    }
    buf_add_ch(out, '\n');
    table_end(&table, out);
}

static void show_fields(const struct json *conflict, struct buf *out)
{
    static const char *const headers[] = {"FIELD", "POLICY", "CHOSEN", "BY", "VALUE", "WHY", NULL};
    const struct json *fields = json_get(conflict, "fields");
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(fields); i++) {
        const struct json *field = json_at(fields, i);
        bool waits = row_bool(field, "waits");
        table_json(table, field, "field");
        table_json(table, field, "policy");
        table_json(table, field, "chosen");
        table_text(table, waits ? "(waits)" : row_text(field, "decided_by"));
        add_value(table, json_get(field, "value"));
        table_json(table, field, "why");
    }
    buf_add_ch(out, '\n');
    table_end(&table, out);
}

static void show_steps(const struct json *conflict, struct buf *out)
{
    static const char *const headers[] = {"STEP", "WHEN", "BY", "NOTE", NULL};
    const struct json *steps = json_get(conflict, "resolutions");
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(steps); i++) {
        table_json(table, json_at(steps, i), "kind");
        add_time(table, json_at(steps, i), "decided_at");
        table_json(table, json_at(steps, i), "decided_by");
        table_json(table, json_at(steps, i), "resolution_notes");
    }
    buf_add_str(out, json_count(steps) > 0 ? "\n" : "");
    table_end(&table, out);
}

void conflicts_show_one(const struct json *conflict, struct buf *out)
{
    add_head(conflict, out);
    show_sides(conflict, out);
    show_fields(conflict, out);
    show_steps(conflict, out);
}

/* ---- what if ---- */

static void add_outcome(struct table *table, const struct json *outcome)
{
    if (row_bool(outcome, "waits"))
        table_text(table, "(waits)");
    else
        add_value(table, json_get(outcome, "value"));
}

void conflicts_show_simulation(const struct json *simulation, struct buf *out)
{
    static const char *const headers[] = {"CONFLICT", "TYPE", "ID", "FIELD", "WAS", "WOULD BE", "BY", NULL};
    const struct json *examples = json_get(simulation, "examples");
    struct table *table = table_new(headers);

    buf_addf(out, "of %lld conflicts %lld would have ended differently; for a person: %lld, before %lld\n",
             (long long)row_int(simulation, "examined"), (long long)row_int(simulation, "different"),
             (long long)row_int(simulation, "would_wait"), (long long)row_int(simulation, "waited"));
    if (!row_bool(simulation, "complete"))
        buf_addf(out, "only the newest %lld were looked at\n",
                 (long long)row_int(simulation, "examined_max"));
    for (size_t i = 0; i < json_count(examples); i++) {
        const struct json *example = json_at(examples, i);
        table_json(table, example, "id");
        table_json(table, example, "entity_type");
        table_json(table, example, "entity_id");
        table_json(table, example, "field");
        add_outcome(table, json_get(example, "was"));
        add_outcome(table, json_get(example, "would_be"));
        table_json(table, json_get(example, "would_be"), "policy");
    }
    buf_add_str(out, json_count(examples) > 0 ? "\n" : "");
    table_end(&table, out);
}
