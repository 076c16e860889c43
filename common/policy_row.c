/*
 * policy_row.c: one policy of a policy file: `field = "strategy";` or `field: { strategy = "..."; ... };`, and whether its parts
 * fit each other and what the field holds.
 */
#include "policy_parts.h"

#define BIT(type) (1u << POLICY_##type)
#define ALL ((1u << POLICY_TYPE_COUNT) - 1)
#define PARTS (BIT(ANY) | BIT(TEXT) | BIT(LIST) | BIT(OBJECT))
#define ORDERED (BIT(NUMBER) | BIT(MONEY) | BIT(TIME))

/* What a strategy can work with. */
static const unsigned fitting[] = {
    [STRATEGY_LATEST_WINS] = ALL,
    [STRATEGY_SOURCE_WINS] = ALL,
    [STRATEGY_MERGE_SMART] = PARTS,
    [STRATEGY_CUSTOM_LOGIC] = ALL,
    [STRATEGY_MANUAL_REVIEW] = ALL,
    [STRATEGY_MAX] = ORDERED,
    [STRATEGY_MIN] = ORDERED,
    [STRATEGY_ADDITIVE] = BIT(NUMBER) | BIT(MONEY),
    [STRATEGY_STATE_MACHINE] = BIT(TEXT),
    [STRATEGY_PREFER_UNLESS_BLANK] = ALL,
    [STRATEGY_DO_NOT_SYNC] = ALL,
};

static const char *const strategy_names[] = {
#define X(name, text, confidence) text,
    POLICY_STRATEGIES(X)
#undef X
        NULL};

/* A policy's group as it stands in the file. */
struct raw_policy {
    const struct setting *strategy, *authority, *expression, *transitions, *limit, *same_element;
    bool person_when_differ, person_same_element;
};

struct row {
    const struct reader *reader;
    const struct policy_reading *reading;
    const struct setting *setting; /* the whole policy */
    struct raw_policy raw;
    struct policy policy;
};

/* ---- what the strategy needs ---- */

/* A part that the strategy would not look at was meant for another one. */
static void refuse_part(const struct row *row, const struct setting *part, bool fits, const char *where)
{
    if (part != NULL && !fits)
        reader_complain(row->reader, part, "belongs to %s, not to %s", where,
                        strategy_name(row->policy.strategy));
}

static void check_parts(const struct row *row)
{
    enum strategy strategy = row->policy.strategy;
    bool believes = strategy == STRATEGY_SOURCE_WINS || strategy == STRATEGY_PREFER_UNLESS_BLANK;
    bool states = strategy == STRATEGY_STATE_MACHINE || strategy == STRATEGY_LATEST_WINS;
    refuse_part(row, row->raw.authority, believes, "source_wins and prefer_unless_blank");
    refuse_part(row, row->raw.expression, strategy == STRATEGY_CUSTOM_LOGIC, "custom_logic");
    refuse_part(row, row->raw.transitions, states, "state_machine and latest_wins");
    refuse_part(row, row->raw.same_element, strategy == STRATEGY_MERGE_SMART, "merge_smart");
    if (believes && row->policy.authority == NULL)
        reader_complain(row->reader, row->setting,
                        "needs an authority: name a platform here, or for the entity under authorities");
    if (strategy == STRATEGY_CUSTOM_LOGIC && row->raw.expression == NULL)
        reader_complain(row->reader, row->setting, "needs an expression");
    if (strategy == STRATEGY_STATE_MACHINE && row->raw.transitions == NULL)
        reader_complain(row->reader, row->setting, "needs transitions: which state may follow which");
}

static void list_types(unsigned types, struct buf *choice)
{
    for (int type = 0; type < POLICY_TYPE_COUNT; type++) {
        if (types & 1u << type)
            buf_addf(choice, "%s%s", choice->len > 0 ? ", " : "", policy_type_name((enum policy_type)type));
    }
}

static void check_fit(const struct row *row, const struct setting *part, const char *what, unsigned types)
{
    const struct policy *policy = &row->policy;
    enum policy_type type = policy_field_type(row->reading->set, row->reading->entity, policy->field);
    struct buf choice = BUF_INIT;
    if (types & 1u << type)
        return;
    list_types(types, &choice);
    reader_complain(row->reader, part, "is of the type %s, and %s works with %s alone",
                    policy_type_name(type), what, choice.data);
    buf_release(&choice);
}

static void check_types(const struct row *row)
{
    const struct policy *policy = &row->policy;
    check_fit(row, row->setting, strategy_name(policy->strategy), fitting[policy->strategy]);
    if (row->raw.limit != NULL)
        check_fit(row, row->setting, "person_above_usd", BIT(MONEY));
    if (row->raw.same_element != NULL)
        check_fit(row, row->setting, "person_on_same_element", BIT(LIST));
    if (row->raw.transitions != NULL && policy->strategy != STRATEGY_STATE_MACHINE)
        check_fit(row, row->setting, "transitions", BIT(TEXT));
}

/* ---- the parts ---- */

static void read_authority(struct row *row)
{
    const struct setting *setting = row->raw.authority;
    const char *name = setting != NULL ? policy_read_text(row->reader, setting) : NULL;
    row->policy.authority = row->reading->scope->authorities[row->reading->entity];
    if (name == NULL || !policy_read_platform(row->reader, setting, row->reading, name))
        return;
    row->policy.authority = name;
    row->policy.own_authority = true;
}

static void read_expression(struct row *row)
{
    const struct setting *setting = row->raw.expression;
    struct buf why = BUF_INIT;
    if (setting == NULL)
        return;
    row->policy.expression =
        policy_keep(row->reading->set, expr_parse(setting_text(setting), policy_names, &why));
    if (row->policy.expression == NULL)
        reader_complain(row->reader, setting, "cannot be understood: %s", why.data);
    buf_release(&why);
}

static void read_limit(struct row *row)
{
    const struct setting *setting = row->raw.limit;
    struct money *limit = &row->policy.limit;
    if (setting == NULL)
        return;
    row->policy.has_limit = true;
    if (money_parse(setting_text(setting), strlen(setting_text(setting)), limit) != 0 || limit->minor < 0)
        reader_complain(row->reader, setting, "must be an amount of US dollars in quotes, such as \"100\"");
}

static void read_next(const struct row *row, const struct setting *setting, struct policy_state *state)
{
    state->next = arena_alloc(row->reader->arena, (setting_count(setting) + 1) * sizeof *state->next);
    for (size_t i = 0; i < setting_count(setting); i++) {
        const struct setting *word = setting_at(setting, i);
        const char *name = setting_type(word) == SETTING_TEXT ? setting_text(word) : NULL;
        if (name == NULL)
            reader_complain(row->reader, setting, "must be a list of texts");
        else if (setting_member(row->raw.transitions, name) == NULL)
            reader_complain(
                row->reader, setting,
                "leads to \"%s\", which is no state here: add it, with [] when nothing follows it", name);
        else
            state->next[state->next_count++] = setting_copy_text(row->reader, name);
    }
}

static void read_transitions(struct row *row)
{
    const struct setting *group = row->raw.transitions;
    size_t count = group != NULL ? setting_count(group) : 0;
    struct policy_state *states;
    if (group == NULL)
        return;
    if (count == 0 || count > POLICY_STATES_MAX) {
        reader_complain(row->reader, group, "must have 1 to %d states", POLICY_STATES_MAX);
        return;
    }
    states = arena_alloc(row->reader->arena, count * sizeof *states);
    for (size_t i = 0; i < count; i++) {
        const struct setting *setting = setting_at(group, i);
        states[i].name = setting_copy_text(row->reader, setting_name(setting));
        if (setting_type(setting) == SETTING_LIST)
            read_next(row, setting, &states[i]);
        else
            reader_complain(row->reader, setting, "must be a list of the states that may follow");
    }
    row->policy.states = states;
    row->policy.state_count = count;
}

/* ---- the row ---- */

#define KEEP(member)                                                                                 \
    static void keep_##member(const struct reader *reader, const struct setting *setting, void *raw) \
    {                                                                                                \
        (void)reader;                                                                                \
        ((struct raw_policy *)raw)->member = setting;                                                \
    }
KEEP(strategy)
KEEP(authority)
KEEP(expression)
KEEP(transitions)
KEEP(limit)

static void keep_same_element(const struct reader *reader, const struct setting *setting, void *raw)
{
    (void)reader;
    ((struct raw_policy *)raw)->same_element = setting;
    ((struct raw_policy *)raw)->person_same_element = setting_bool(setting);
}

/* The short form is the strategy's name alone. False after a complaint that leaves nothing to look at. */
static bool read_raw(struct row *row)
{
    static const struct setting_row rows[] = {
        {"strategy", SETTING_TEXT, true, 0, NULL, keep_strategy},
        {"authority", SETTING_TEXT, false, 0, NULL, keep_authority},
        {"expression", SETTING_TEXT, false, 0, NULL, keep_expression},
        {"transitions", SETTING_GROUP, false, 0, NULL, keep_transitions},
        {"person_above_usd", SETTING_TEXT, false, 0, NULL, keep_limit},
        {"person_on_same_element", SETTING_BOOL, false, 0, NULL, keep_same_element},
        {"person_on_difference", SETTING_BOOL, false, offsetof(struct raw_policy, person_when_differ), NULL,
         NULL},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    int strategy = -1;
    if (setting_type(row->setting) == SETTING_TEXT)
        row->raw.strategy = row->setting;
    else if (setting_type(row->setting) == SETTING_GROUP)
        setting_read_group(row->reader, row->setting, rows, &row->raw);
    else
        reader_complain(row->reader, row->setting,
                        "must be a strategy in quotes, or { strategy = \"...\"; ... }");
    if (row->raw.strategy != NULL)
        strategy = setting_read_word(row->reader, row->raw.strategy, strategy_names);
    row->policy.strategy = (enum strategy)(strategy < 0 ? 0 : strategy);
    return strategy >= 0;
}

static void put(struct policy_table *table, const struct policy *policy)
{
    struct policy *old = policy_table_find(table, policy->field);
    if (old == NULL)
        old = &table->rows[table->count++]; /* policy_own_rows made room */
    *old = *policy;
}

static void read_row(const struct reader *reader, const struct setting *setting, void *target)
{
    struct policy_reading *reading = target;
    struct row row = {.reader = reader, .reading = reading, .setting = setting};
    const char *field = setting_name(setting);
    row.policy = (struct policy){.field = setting_copy_text(reader, field),
                                 .file = reader->file,
                                 .line = setting_line(setting),
                                 .tenant = reading->scope->tenant};
    bool known = strcmp(field, POLICY_REST) == 0 || policy_knows(reader, setting, reading, field);
    if (!read_raw(&row))
        return;
    row.policy.person_when_differ = row.raw.person_when_differ;
    row.policy.person_same_element = row.raw.person_same_element;
    read_authority(&row);
    read_expression(&row);
    read_limit(&row);
    read_transitions(&row);
    check_parts(&row);
    if (known)
        check_types(&row);
    put(&reading->scope->tables[reading->entity], &row.policy);
}

void policy_own_rows(const struct policy_reading *reading, enum entity entity, size_t more)
{
    struct policy_table *table = &reading->scope->tables[entity];
    struct policy *rows = arena_alloc(reading->set->arena, (table->count + more) * sizeof *rows);
    memcpy(rows, table->rows, table->count * sizeof *rows);
    table->rows = rows;
}

void policy_read_rows(const struct reader *reader, const struct setting *group, void *target)
{
    struct policy_reading *reading = target;
    policy_own_rows(reading, reading->entity, setting_count(group));
    setting_read_each(reader, group, read_row, reading);
}
