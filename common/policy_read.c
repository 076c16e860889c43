/*
 * policy_read.c: the groups of a policy file. They are read in an order of our own, not in the file's: fields before the policies
 * that speak of them, everybody's before the tenants' that lie over them.
 */
#include "policy_parts.h"

enum group { GROUP_FIELDS, GROUP_AUTHORITIES, GROUP_POLICIES, GROUP_RULES, GROUP_TENANTS };
#define TENANT_BYTES_MAX 128

/* ---- what all groups share ---- */

bool policy_read_entity(const struct reader *reader, const struct setting *setting, enum entity *entity)
{
    if (msg_entity(setting_name(setting), entity) != 0 || *entity >= ENTITY_NONE) {
        reader_complain(reader, setting, "is no entity; the choice is user, lead, order, campaign, product");
        return false;
    }
    return true;
}

static bool is_group(const struct reader *reader, const struct setting *setting)
{
    if (setting_type(setting) == SETTING_GROUP)
        return true;
    reader_complain(reader, setting, "must be a group: { ... }");
    return false;
}

const char *policy_read_text(const struct reader *reader, const struct setting *setting)
{
    if (setting_type(setting) == SETTING_TEXT && setting_text(setting)[0] != '\0')
        return setting_copy_text(reader, setting_text(setting));
    reader_complain(reader, setting, "must be a text in quotes");
    return NULL;
}

bool policy_read_platform(const struct reader *reader, const struct setting *setting,
                          const struct policy_reading *reading, const char *name)
{
    if (reading->platforms == NULL || platform_find(reading->platforms, name) != NULL)
        return true;
    struct buf choice = BUF_INIT;
    for (size_t i = 0; i < platform_count(reading->platforms); i++)
        buf_addf(&choice, "%s%s", i > 0 ? ", " : "", platform_name(platform_at(reading->platforms, i)));
    reader_complain(reader, setting, "is \"%s\", which has no platform file; the choice is %s", name,
                    choice.data);
    buf_release(&choice);
    return false;
}

/* ---- authorities ---- */

static void read_authority(const struct reader *reader, const struct setting *setting, void *target)
{
    struct policy_reading *reading = target;
    struct policy_scope *scope = reading->scope;
    enum entity entity;
    const char *name;
    if (!policy_read_entity(reader, setting, &entity))
        return;
    name = policy_read_text(reader, setting);
    if (name == NULL || !policy_read_platform(reader, setting, reading, name))
        return;
    scope->authorities[entity] = name;
    policy_own_rows(reading, entity, 0);
    /* What was set before, by the defaults or for everybody, and named none of its own, follows. */
    for (size_t i = 0; i < scope->tables[entity].count; i++) {
        struct policy *policy = &scope->tables[entity].rows[i];
        if (!policy->own_authority)
            policy->authority = name;
    }
}

static void read_authorities(const struct reader *reader, const struct setting *group, void *reading)
{
    setting_read_each(reader, group, read_authority, reading);
}

/* ---- groups with a group per entity ---- */

static void read_policies_of(const struct reader *reader, const struct setting *group, void *target)
{
    struct policy_reading *reading = target;
    if (policy_read_entity(reader, group, &reading->entity) && is_group(reader, group))
        policy_read_rows(reader, group, reading);
}

static void read_rules_of(const struct reader *reader, const struct setting *group, void *target)
{
    struct policy_reading *reading = target;
    if (policy_read_entity(reader, group, &reading->entity) && is_group(reader, group))
        policy_read_rules(reader, group, reading);
}

/* ---- tenants ---- */

static void keep_group(const struct setting *setting, void *target, enum group group)
{
    ((struct policy_reading *)target)->groups[group] = setting;
}

static void keep_fields(const struct reader *reader, const struct setting *setting, void *target)
{
    (void)reader;
    keep_group(setting, target, GROUP_FIELDS);
}

static void keep_authorities(const struct reader *reader, const struct setting *setting, void *target)
{
    (void)reader;
    keep_group(setting, target, GROUP_AUTHORITIES);
}

static void keep_policies(const struct reader *reader, const struct setting *setting, void *target)
{
    (void)reader;
    keep_group(setting, target, GROUP_POLICIES);
}

static void keep_rules(const struct reader *reader, const struct setting *setting, void *target)
{
    (void)reader;
    keep_group(setting, target, GROUP_RULES);
}

static void keep_tenants(const struct reader *reader, const struct setting *setting, void *target)
{
    if (setting_type(setting) != SETTING_LIST)
        reader_complain(reader, setting, "must be a list of groups: ( { tenant = \"acme\"; ... }, ... )");
    else
        keep_group(setting, target, GROUP_TENANTS);
}

static void read_groups(const struct reader *reader, struct policy_reading *reading)
{
    static const setting_cb reads[] = {
        [GROUP_FIELDS] = policy_read_fields, [GROUP_AUTHORITIES] = read_authorities};
    for (enum group group = GROUP_FIELDS; group <= GROUP_AUTHORITIES; group++) {
        if (reading->groups[group] != NULL)
            reads[group](reader, reading->groups[group], reading);
    }
    if (reading->groups[GROUP_POLICIES] != NULL)
        setting_read_each(reader, reading->groups[GROUP_POLICIES], read_policies_of, reading);
    if (reading->groups[GROUP_RULES] != NULL)
        setting_read_each(reader, reading->groups[GROUP_RULES], read_rules_of, reading);
}

static void read_tenant_name(const struct reader *reader, const struct setting *setting, void *target)
{
    struct policy_reading *reading = target;
    const char *name = policy_read_text(reader, setting);
    if (name == NULL)
        return;
    if (strlen(name) > TENANT_BYTES_MAX)
        reader_complain(reader, setting, "is longer than %d bytes", TENANT_BYTES_MAX);
    if (policy_scope_find(reading->set, name)->tenant != NULL)
        reader_complain(reader, setting, "is \"%s\", which stands in this list already", name);
    reading->scope->tenant = name;
}

/* Everybody's rows are shared until the tenant says something of the entity: policy_own_rows. */
static void begin_tenant(struct policy_reading *reading)
{
    const struct policy_scope *everybody = &reading->set->everybody;
    struct policy_scope *scope = reading->scope;
    memcpy(scope->authorities, everybody->authorities, sizeof scope->authorities);
    memcpy(scope->tables, everybody->tables, sizeof scope->tables);
    memcpy(scope->rules, everybody->rules, sizeof scope->rules);
}

static void read_tenant(const struct reader *reader, const struct setting *group, void *target)
{
    static const struct setting_row rows[] = {
        {"tenant", SETTING_TEXT, true, 0, NULL, read_tenant_name},
        {"authorities", SETTING_GROUP, false, 0, NULL, keep_authorities},
        {"policies", SETTING_GROUP, false, 0, NULL, keep_policies},
        {"rules", SETTING_GROUP, false, 0, NULL, keep_rules},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    const struct policy_reading *all = target;
    struct policy_reading reading = {.set = all->set, .platforms = all->platforms};
    if (!is_group(reader, group))
        return;
    reading.scope = &reading.set->tenants[reading.set->tenant_count];
    setting_read_group(reader, group, rows, &reading);
    if (reading.scope->tenant == NULL)
        return;
    begin_tenant(&reading);
    reading.set->tenant_count++;
    read_groups(reader, &reading);
}

static void read_tenants(const struct reader *reader, struct policy_reading *reading)
{
    const struct setting *list = reading->groups[GROUP_TENANTS];
    struct policy_set *set = reading->set;
    if (list == NULL)
        return;
    if (setting_count(list) > POLICY_TENANTS_MAX) {
        reader_complain(reader, list, "has more than %d tenants", POLICY_TENANTS_MAX);
        return;
    }
    set->tenants = arena_alloc(set->arena, (setting_count(list) + 1) * sizeof *set->tenants);
    setting_read_each(reader, list, read_tenant, reading);
}

/* ---- the whole ---- */

static void read_version(const struct reader *reader, const struct setting *setting, void *target)
{
    ((struct policy_reading *)target)->set->version = policy_read_text(reader, setting);
}

void policy_read_root(const struct reader *reader, const struct setting *root, void *target)
{
    static const struct setting_row rows[] = {
        {"version", SETTING_TEXT, true, 0, NULL, read_version},
        {"fields", SETTING_GROUP, false, 0, NULL, keep_fields},
        {"authorities", SETTING_GROUP, false, 0, NULL, keep_authorities},
        {"policies", SETTING_GROUP, false, 0, NULL, keep_policies},
        {"rules", SETTING_GROUP, false, 0, NULL, keep_rules},
        {"tenants", SETTING_ANY, false, 0, NULL, keep_tenants},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct policy_reading *reading = target;
    setting_read_group(reader, root, rows, reading);
    read_groups(reader, reading);
    read_tenants(reader, reading);
}

void policy_read_overlay(const struct reader *reader, const struct setting *root, void *target)
{
    static const struct setting_row rows[] = {
        {"authorities", SETTING_GROUP, false, 0, NULL, keep_authorities},
        {"policies", SETTING_GROUP, false, 0, NULL, keep_policies},
        {"rules", SETTING_GROUP, false, 0, NULL, keep_rules},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    setting_read_group(reader, root, rows, target);
    read_groups(reader, target);
}
