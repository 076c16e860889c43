/*
 * policies.c: syncctl policies [--tenant T] [--file FILE] [--json]: what becomes of each field that several platforms changed;
 * policies explain ENTITY FIELD: of one; policies --check FILE, policies check FILE --tenant T: the mistakes of a file, or of a text
 * of that tenant's own. What a tenant has of its own is shown and set by tenant_policies.c.
 *
 * Needs no running service: a file can be looked at before it is put in force. Exit code 1 when the file is refused.
 */
#include "ctl.h"
#include "json.h"
#include "mem.h"
#include "platform_conf.h"
#include "policy.h"
#include "setting.h"

struct view {
    const struct policy_set *set;
    const char *tenant; /* NULL: everybody */
    bool json;
};

/* ---- one policy as text ---- */

static void add_place(struct buf *out, const char *tenant, const char *file, unsigned line)
{
    buf_addf(out, "%s%s%s%s", tenant ? "tenant " : "", tenant ? tenant : "", tenant ? ", " : "", file);
    if (line > 0)
        buf_addf(out, ":%u", line);
}

/* What there is beside the strategy, in the words of the file. */
static void add_parts(struct buf *out, const struct policy *policy)
{
    struct json *shown = policy_describe(policy);
    const char *authority = json_get_text(shown, "authority"),
               *expression = json_get_text(shown, "expression");

    if (authority)
        buf_addf(out, ", authority %s", authority);
    if (expression)
        buf_addf(out, ": %s", expression);
    if (policy->states)
        buf_addf(out, ", %zu states", policy->state_count);
    if (policy->has_limit)
        buf_addf(out, "; a person where sides are more than %s US dollars' worth apart",
                 json_get_text(shown, "person_above_usd"));
    if (policy->person_when_differ)
        buf_add_str(out, "; a person where sides differ");
    if (policy->person_same_element)
        buf_add_str(out, "; a person where two sides changed one element");
    json_free(shown);
}

static void add_row(struct buf *out, const struct policy *policy, enum entity entity)
{
    bool rest = strcmp(policy->field, POLICY_REST) == 0;

    buf_addf(out, "%-9s %-16s %s", msg_entity_name(entity), rest ? "(others)" : policy->field,
             strategy_name(policy->strategy));
    add_parts(out, policy);
    if (policy->tenant)
        buf_addf(out, " [tenant %s]", policy->tenant);
    buf_add_ch(out, '\n');
}

/* ---- all policies ---- */

static void list_text(const struct view *view, struct buf *out)
{
    buf_addf(out, "%s, version %s\n", policy_file(view->set), policy_version(view->set));
    for (int entity = 0; entity < ENTITY_NONE; entity++) {
        for (size_t i = 0; i < policy_count(view->set, view->tenant, (enum entity)entity); i++)
            add_row(out, policy_at(view->set, view->tenant, (enum entity)entity, i), (enum entity)entity);
    }
}

static void list_json(const struct view *view, struct buf *out)
{
    struct json *json = json_new_object();

    json_set(json, "file", json_new_text(policy_file(view->set)));
    json_set(json, "version", json_new_text(policy_version(view->set)));
    json_set(json, "tenant", json_new_text(view->tenant));
    json_set(json, "entities", policy_describe_all(view->set, view->tenant));
    json_write(out, json);
    buf_add_ch(out, '\n');
    json_free(json);
}

/* ---- one field ---- */

static void explain_states(const struct policy *policy, struct buf *out)
{
    for (size_t i = 0; i < policy->state_count; i++) {
        const struct policy_state *state = &policy->states[i];

        buf_addf(out, "  %s may become", state->name);
        for (size_t j = 0; j < state->next_count; j++)
            buf_addf(out, "%s %s", j > 0 ? "," : "", state->next[j]);
        buf_add_str(out, state->next_count > 0 ? "\n" : " nothing else\n");
    }
}

static void explain_rules(const struct view *view, enum entity entity, const char *field, struct buf *out)
{
    for (size_t i = 0; i < policy_rule_count(view->set, view->tenant, entity); i++) {
        const struct policy_rule *rule = policy_rule_at(view->set, view->tenant, entity, i);

        if (!policy_rule_reads(rule, field))
            continue;
        buf_addf(out, "rule %s: %s\n  %s\n  set in ", rule->name, rule->message, expr_text(rule->test));
        add_place(out, rule->tenant, rule->file, rule->line);
        buf_add_ch(out, '\n');
    }
}

static int explain(const struct view *view, const char *entity_text, const char *field)
{
    enum entity entity;
    struct buf out = BUF_INIT;

    if (msg_entity(entity_text, &entity) != 0 || entity >= ENTITY_NONE)
        return ctl_fail("%s is no entity; the choice is user, lead, order, campaign, product", entity_text);
    const struct policy *policy = policy_find(view->set, view->tenant, entity, field);
    if (view->json) {
        struct json *shown = policy_describe(policy);

        json_write(&out, shown);
        json_free(shown);
        buf_add_ch(&out, '\n');
        return ctl_print(&out);
    }
    buf_addf(&out, "%s.%s: %s", entity_text, field, strategy_name(policy->strategy));
    add_parts(&out, policy);
    buf_addf(&out, "\nset in ");
    add_place(&out, policy->tenant, policy->file, policy->line);
    buf_addf(&out, "%s\n",
             strcmp(policy->field, POLICY_REST) == 0 ? ", for every field without a line of its own" : "");
    explain_states(policy, &out);
    explain_rules(view, entity, field, &out);
    return ctl_print(&out);
}

/* ---- the command ---- */

struct arguments {
    const char *check, *tenant, *file;
    const char *own;            /* of check: a tenant's own text, over the file */
    const char *entity, *field; /* of explain; NULL: the list */
    bool json;
};

static int show(const struct policy_set *set, const struct arguments *arguments)
{
    const struct view view = {set, *arguments->tenant ? arguments->tenant : NULL, arguments->json};
    struct buf out = BUF_INIT;

    if (arguments->entity)
        return explain(&view, arguments->entity, arguments->field);
    if (arguments->own)
        buf_addf(&out, "%s: no mistakes\n", arguments->own);
    else if (*arguments->check)
        buf_addf(&out, "%s: version %s, no mistakes\n", arguments->check, policy_version(set));
    else if (view.json)
        list_json(&view, &out);
    else
        list_text(&view, &out);
    return ctl_print(&out);
}

/* The file, and where a tenant's own text is asked about, that over it. */
static struct policy_set *load(const struct conf *conf, const struct arguments *arguments,
                               const struct platform_set *platforms, struct buf *errors)
{
    const char *file = *arguments->check  ? arguments->check
                       : *arguments->file ? arguments->file
                                          : conf->policies_file;
    struct policy_set *base = policy_set_load(file, platforms, errors), *set = NULL;
    char *text;

    if (!base || !arguments->own)
        return base;
    text = setting_read_file(arguments->own, errors);
    if (text)
        set = policy_set_overlay(base, arguments->tenant, 0, text, strlen(text), platforms, errors);
    free(text);
    policy_set_free(&base);
    return set;
}

static int run(struct conf *conf, const struct arguments *arguments)
{
    struct buf errors = BUF_INIT;
    struct platform_set *platforms = platform_conf_load(conf, &errors);
    struct policy_set *set = platforms ? load(conf, arguments, platforms, &errors) : NULL;
    int result;

    if (set)
        result = show(set, arguments);
    else
        result =
            ctl_fail("%s:\n%.*s", platforms ? "the policy file is refused" : "the platform files are refused",
                     (int)(errors.len - 1), errors.data);
    policy_set_free(&set);
    platform_set_free(&platforms);
    buf_release(&errors);
    return result;
}

/* The two words behind the options of explain. */
static int take_words(int *argc, char **argv, struct arguments *arguments)
{
    if (*argc < 2 || strcmp(argv[1], "explain") != 0)
        return 0;
    if (*argc < 4 || argv[*argc - 2][0] == '-' || argv[*argc - 1][0] == '-') {
        ctl_fail("policies explain needs an entity and a field, such as: policies explain --tenant T order "
                 "amount");
        return -1;
    }
    arguments->field = argv[--*argc];
    arguments->entity = argv[--*argc];
    memmove(argv + 1, argv + 2, (size_t)(*argc - 2) * sizeof *argv);
    --*argc;
    return 0;
}

int ctl_policies(int argc, char **argv)
{
    struct arguments arguments = {.check = "", .tenant = "", .file = ""};
    const struct ctl_option options[] = {{"check", &arguments.check, false},
                                         {"tenant", &arguments.tenant, false},
                                         {"file", &arguments.file, false},
                                         {NULL, NULL, false}};
    struct conf conf;
    int result;

    if (argc > 1 && (strcmp(argv[1], "show") == 0 || strcmp(argv[1], "set") == 0 ||
                     strcmp(argv[1], "versions") == 0 || strcmp(argv[1], "restore") == 0))
        return ctl_tenant_policies(argc - 1, argv + 1);
    argc = ctl_take_flag(argc, argv, "--json", &arguments.json);
    if (argc > 1 && strcmp(argv[1], "check") == 0) {
        argc--, argv++;
        arguments.own = ctl_take_word(&argc, &argv);
        if (!arguments.own)
            return ctl_fail("policies check needs a file, and --tenant"), CTL_USAGE;
    }
    if (take_words(&argc, argv, &arguments) || ctl_read_options(options, argc, argv))
        return CTL_USAGE;
    if (arguments.own && !*arguments.tenant)
        return ctl_fail("policies check needs --tenant: whose policies these are to be"), CTL_USAGE;
    if (ctl_load(&conf))
        return 1;
    result = run(&conf, &arguments);
    conf_release(&conf);
    return result;
}
