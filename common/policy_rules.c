/*
 * policy_rules.c: business rules: the group `rules` of a policy file, and whether a record keeps to them.
 */
#include "log.h"
#include "policy_parts.h"

#define NAMES_MAX (POLICY_FIELDS_MAX + 3)

/* ---- reading ---- */

struct raw_rule {
    const char *test, *message;
};

static struct policy_rule *find(const struct rule_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    }
    return NULL;
}

/* `name = false;` takes a rule away that stands in the defaults, or holds for everybody. */
static void drop(const struct reader *reader, const struct setting *setting, struct rule_table *table)
{
    struct policy_rule *rule = find(table, setting_name(setting));
    if (rule == NULL)
        reader_complain(reader, setting, "is no rule that could be taken away: there is none of that name");
    else
        *rule = table->rows[--table->count];
}

static void put(struct rule_table *table, const struct policy_rule *rule)
{
    struct policy_rule *old = find(table, rule->name);
    if (old == NULL)
        old = &table->rows[table->count++]; /* room for all was made when the group began */
    *old = *rule;
}

static bool reads_one(const struct expr *test, const char *const *names)
{
    size_t count = 0;
    for (size_t i = 0; test != NULL && names[i] != NULL; i++) {
        if (strcmp(names[i], POLICY_CURRENCIES) != 0 && expr_uses(test, names[i]))
            count += strcmp(names[i], POLICY_DATA) == 0 ? 2 : 1;
    }
    return count < 2;
}

static void read_rule(const struct reader *reader, const struct setting *setting, void *target)
{
    static const struct setting_row rows[] = {
        {"test", SETTING_TEXT, true, offsetof(struct raw_rule, test), NULL, NULL},
        {"message", SETTING_TEXT, true, offsetof(struct raw_rule, message), NULL, NULL},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct policy_reading *reading = target;
    struct rule_table *table = &reading->scope->rules[reading->entity];
    struct raw_rule raw = {NULL, NULL};
    struct buf why = BUF_INIT;
    if (setting_type(setting) == SETTING_BOOL && !setting_bool(setting)) {
        drop(reader, setting, table);
        return;
    }
    if (setting_type(setting) != SETTING_GROUP) {
        reader_complain(reader, setting, "must be { test = \"...\"; message = \"...\"; }, or false");
        return;
    }
    setting_read_group(reader, setting, rows, &raw);
    if (raw.test == NULL || raw.message == NULL)
        return;
    const char *const *names = policy_rule_names(reading->set, reading->entity);
    struct expr *test = policy_keep(reading->set, expr_parse_test(raw.test, names, &why));
    const struct policy_rule rule = {setting_copy_text(reader, setting_name(setting)),
                                     raw.message,
                                     test,
                                     names,
                                     reads_one(test, names),
                                     reader->file,
                                     setting_line(setting),
                                     reading->scope->tenant};
    if (test == NULL)
        reader_complain(reader, setting_member(setting, "test"), "cannot be understood: %s", why.data);
    else
        put(table, &rule);
    buf_release(&why);
}

void policy_read_rules(const struct reader *reader, const struct setting *group, void *target)
{
    struct policy_reading *reading = target;
    struct rule_table *table = &reading->scope->rules[reading->entity];
    size_t room = table->count + setting_count(group);
    struct policy_rule *rows = arena_alloc(reader->arena, (room + 1) * sizeof *rows);
    if (table->count > 0)
        memcpy(rows, table->rows, table->count * sizeof *rows);
    table->rows = rows;
    setting_read_each(reader, group, read_rule, reading);
}

/* ---- asking ---- */

size_t policy_rule_count(const struct policy_set *set, const char *tenant, enum entity entity)
{
    return policy_scope_find(set, tenant)->rules[entity].count;
}

const struct policy_rule *policy_rule_at(const struct policy_set *set, const char *tenant, enum entity entity,
                                         size_t index)
{
    const struct rule_table *table = &policy_scope_find(set, tenant)->rules[entity];
    if (index >= table->count)
        bug("rule %zu of %zu", index, table->count);
    return &table->rows[index];
}

bool policy_rule_reads(const struct policy_rule *rule, const char *field)
{
    return expr_uses(rule->test, field) || expr_uses(rule->test, POLICY_DATA);
}

bool policy_rule_holds(const struct policy_set *set, const struct policy_rule *rule, const struct json *data,
                       struct buf *why)
{
    const struct json *values[NAMES_MAX] = {NULL};
    struct buf failure = BUF_INIT;
    bool holds = false;
    for (size_t i = 0; rule->names[i] != NULL; i++) {
        if (strcmp(rule->names[i], POLICY_DATA) == 0)
            values[i] = data;
        else if (strcmp(rule->names[i], POLICY_CURRENCIES) == 0)
            values[i] = set->currencies;
        else
            values[i] = json_get(data, rule->names[i]);
    }
    if (expr_test(rule->test, values, &holds, &failure) != 0) {
        holds = false;
        if (why != NULL)
            buf_addf(why, "the rule %s cannot be tested: %s", rule->name, failure.data);
    } else if (!holds && why != NULL) {
        buf_addf(why, "the rule %s is broken: %s", rule->name, rule->message);
    }
    buf_release(&failure);
    return holds;
}

static bool reads_any(const struct policy_rule *rule, const struct json *fields)
{
    for (size_t i = 0; i < json_count(fields); i++) {
        if (policy_rule_reads(rule, json_text(json_at(fields, i), NULL)))
            return true;
    }
    return fields == NULL;
}

const struct policy_rule *policy_check(const struct policy_set *set, const char *tenant, enum entity entity,
                                       const struct json *data, const struct json *fields, struct buf *why)
{
    for (size_t i = 0; i < policy_rule_count(set, tenant, entity); i++) {
        const struct policy_rule *rule = policy_rule_at(set, tenant, entity, i);
        if (reads_any(rule, fields) && !policy_rule_holds(set, rule, data, why))
            return rule;
    }
    return NULL;
}
