/*
 * test_resolve_order.c: thousands of random conflicts under every strategy: whatever the order of arrival the outcome is the same,
 * nothing is invented, and what is not taken is named. The seed of a failing case is told.
 */
#include <stdlib.h>

#include "mem.h"
#include "resolve_fixture.h"

#define CASES 1000 /* of each kind */
#define ORDERS 5

static uint64_t random_state;

static unsigned below(unsigned limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % limit;
}

/* ---- random values ---- */

static void add_number(struct buf *text)
{
    static const char *const ends[] = {"", ".5", "e1", ".0"};
    buf_addf(text, "%s%u%s", below(4) ? "" : "-", below(5) + 1, ends[below(4)]);
}

static void add_word(struct buf *text)
{
    static const char *const words[] = {"\"new\"", "\"paid\"",  "\"sent\"", "\"off\"",
                                        "\"\"",    "\"x\\ny\"", "\"x\"",    "\"x\\nz\""};
    buf_add_str(text, words[below(8)]);
}

static void add_value(struct buf *text, int depth);

static void add_object(struct buf *text, int depth)
{
    const char *comma = "";
    buf_add_ch(text, '{');
    for (unsigned i = 0; i < 4; i++) {
        if (below(3) == 0)
            continue;
        buf_addf(text, "%s\"%s\":", comma, i == 0 ? "sku" : i == 1 ? "id" : i == 2 ? "n" : "m");
        if (i < 2)
            buf_addf(text, "\"k%u\"", below(3));
        else
            add_value(text, depth + 1);
        comma = ",";
    }
    buf_add_ch(text, '}');
}

static void add_list(struct buf *text, int depth)
{
    unsigned count = below(5);
    buf_add_ch(text, '[');
    for (unsigned i = 0; i < count; i++) {
        buf_add_str(text, i > 0 ? "," : "");
        if (below(2))
            add_object(text, depth + 1);
        else
            add_value(text, depth + 1);
    }
    buf_add_ch(text, ']');
}

static void add_value(struct buf *text, int depth)
{
    unsigned kind = below(depth > 2 ? 4 : 8);
    if (kind == 0)
        buf_add_str(text, "null");
    else if (kind == 1)
        add_word(text);
    else if (kind < 4)
        add_number(text);
    else if (kind < 6)
        add_object(text, depth);
    else
        add_list(text, depth);
}

/* ---- random conflicts ---- */

enum shape { SHAPE_NUMBER, SHAPE_MONEY, SHAPE_WORD, SHAPE_ANY, SHAPE_OBJECT, SHAPE_LIST };

static const struct kind {
    const char *type, *policy;
    enum shape shape;
} kinds[] = {
    {"any", "\"latest_wins\"", SHAPE_ANY},
    {"any", "\"source_wins\"", SHAPE_ANY},
    {"any", "\"manual_review\"", SHAPE_ANY},
    {"any", "\"prefer_unless_blank\"", SHAPE_ANY},
    {"any", "\"do_not_sync\"", SHAPE_ANY},
    {"any", "{ strategy = \"custom_logic\"; expression = \"count(values) > 2 ? earliest : latest\"; }",
     SHAPE_ANY},
    {"number",
     "{ strategy = \"custom_logic\"; expression = \"max(values) - min(values) > 3 ? max(values) : latest\"; "
     "}",
     SHAPE_NUMBER},
    {"number", "\"max\"", SHAPE_NUMBER},
    {"number", "\"min\"", SHAPE_NUMBER},
    {"money", "\"max\"", SHAPE_MONEY},
    {"money", "{ strategy = \"source_wins\"; person_above_usd = \"1\"; }", SHAPE_MONEY},
    {"number", "\"additive\"", SHAPE_NUMBER},
    {"text",
     "{ strategy = \"latest_wins\"; transitions: { new = [\"paid\", \"off\"]; paid = [\"sent\"]; sent = []; "
     "off = []; }; }",
     SHAPE_WORD},
    {"text",
     "{ strategy = \"state_machine\"; transitions: { new = [\"paid\", \"off\"]; paid = [\"sent\"]; sent = "
     "[]; off = []; }; }",
     SHAPE_WORD},
    {"any", "\"merge_smart\"", SHAPE_ANY},
    {"any", "\"merge_smart\"", SHAPE_OBJECT},
    {"any", "\"merge_smart\"", SHAPE_WORD},
    {"list", "{ strategy = \"merge_smart\"; person_on_same_element = true; }", SHAPE_LIST},
};

static void add_shaped(struct buf *text, enum shape shape)
{
    static const char *const currencies[] = {"", " USD", " INR"};
    switch (shape) {
    case SHAPE_NUMBER:
        add_number(text);
        break;
    case SHAPE_MONEY:
        add_number(text);
        buf_add_str(text, currencies[below(3)]);
        break;
    case SHAPE_WORD:
        add_word(text);
        break;
    case SHAPE_OBJECT:
        add_object(text, 0);
        break;
    case SHAPE_LIST:
        add_list(text, 0);
        break;
    case SHAPE_ANY:
        add_value(text, 0);
        break;
    }
}

/* Times are few, so that ties are many; a platform may have several sides, and sides may say what the base says. */
static void make_conflict(struct dispute *dispute, struct policy_set *policies, const struct kind *kind)
{
    static const char *const platforms[] = {"bizoholic", "bizosaas", "coreldove", "service"};
    struct short_side sides[SIDES_MAX + 1] = {{NULL, 0, NULL}};
    struct buf texts[SIDES_MAX], base = BUF_INIT;
    unsigned count = 1 + below(6);
    for (unsigned i = 0; i < count; i++) {
        texts[i] = (struct buf)BUF_INIT;
        add_shaped(&texts[i], kind->shape);
        sides[i] = (struct short_side){platforms[below(4)], below(4) * (below(8) ? 1 : 40000),
                                       below(8) ? texts[i].data : NULL};
    }
    if (below(4) > 0)
        add_shaped(&base, kind->shape == SHAPE_MONEY ? SHAPE_NUMBER : kind->shape);
    resolve_begin(dispute, policies, ENTITY_ORDER, "x",
                  base.len > 0 ? base.data
                  : below(2)   ? NO_BASE
                               : NULL,
                  sides);
    for (unsigned i = 0; i < count; i++)
        buf_release(&texts[i]);
    buf_release(&base);
}

static void shuffle(struct resolve_side *sides, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = below((unsigned)i);
        struct resolve_side side = sides[i - 1];
        sides[i - 1] = sides[j];
        sides[j] = side;
    }
}

/* All that an outcome says, with the side it names by its event. */
static void describe(struct buf *text, const struct dispute *dispute)
{
    const struct resolution *out = &dispute->out;
    struct buf value = BUF_INIT;
    buf_reset(text);
    buf_addf(text, "%s | %s %d types %u agreed %d side %d | %s", resolve_text(&value, out), out->strategy,
             out->confidence, out->types, out->agreed,
             out->side == RESOLVE_MERGED ? -1 : dispute->input.sides[out->side].event.bytes[15],
             out->why.data);
    buf_release(&value);
}

/* ---- what must hold of every outcome ---- */

/* Every number, text and truth value in it stands in the source. */
static bool has_leaf(const struct json *source, const struct json *leaf)
{
    struct json_iter iter = {NULL};
    const char *name;
    struct json *value;
    if (json_type(source) == JSON_OBJECT) {
        while (json_next(source, &iter, &name, &value)) {
            if (has_leaf(value, leaf))
                return true;
        }
        return false;
    }
    for (size_t i = 0; json_type(source) == JSON_ARRAY && i < json_count(source); i++) {
        if (has_leaf(json_at(source, i), leaf))
            return true;
    }
    return json_equal(source, leaf);
}

static bool is_somebodys(const struct dispute *dispute, const struct json *leaf)
{
    for (size_t i = 0; i < dispute->input.count; i++) {
        if (has_leaf(dispute->input.sides[i].value, leaf))
            return true;
    }
    return has_leaf(dispute->input.base, leaf);
}

static bool is_made_of(const struct dispute *dispute, const struct json *value)
{
    struct json_iter iter = {NULL};
    const char *name;
    struct json *member;
    bool made = true;
    if (json_type(value) == JSON_OBJECT) {
        while (made && json_next(value, &iter, &name, &member))
            made = is_made_of(dispute, member);
        return made;
    }
    for (size_t i = 0; made && json_type(value) == JSON_ARRAY && i < json_count(value); i++)
        made = is_made_of(dispute, json_at(value, i));
    if (json_type(value) == JSON_ARRAY)
        return made;
    /* Lines of several sides after each other are a text of parts. */
    return json_type(value) == JSON_NULL || is_somebodys(dispute, value) ||
           (json_type(value) == JSON_STRING && strchr(json_text(value, NULL), '\n') != NULL);
}

static void check_outcome(const struct dispute *dispute, const struct kind *kind, const char *told)
{
    const struct resolution *out = &dispute->out;
    if (out->side != RESOLVE_MERGED)
        ck_assert_msg(json_equal(out->value, dispute->input.sides[out->side].value), "not the side's: %s",
                      told);
    if (strstr(kind->policy, "additive") == NULL)
        ck_assert_msg(is_made_of(dispute, out->value), "invented: %s", told);
    ck_assert_msg(out->why.len > 0, "no why: %s", told);
    /* Whoever has the last word of its platform, changed something and was not taken is named. */
    for (size_t i = 0; !out->agreed && !out->waits && out->side != RESOLVE_MERGED && i < dispute->input.count;
         i++) {
        const struct resolve_side *side = &dispute->input.sides[i];
        size_t last = 0;
        resolve_side_of(&dispute->input, side->platform, &last);
        if (last != i || json_equal(side->value, out->value) || strstr(kind->policy, "merge_smart") != NULL ||
            (dispute->input.base_known && json_equal(side->value, dispute->input.base)))
            continue;
        if (kind->shape != SHAPE_MONEY) /* the same amount may have other digits */
            ck_assert_msg(strstr(out->why.data, side->platform) != NULL, "%s is not named: %s",
                          side->platform, told);
    }
}

START_TEST(every_order_of_arrival_has_the_same_outcome)
{
    const struct kind *kind = &kinds[_i];
    struct policy_set *policies = resolve_policies("x", kind->type, kind->policy, "");
    struct buf first = BUF_INIT, is = BUF_INIT;
    unsigned decided = 0;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        struct dispute dispute;
        random_state = seed * 1000003u + (uint64_t)_i;
        make_conflict(&dispute, policies, kind);
        resolve_run(&dispute);
        describe(&first, &dispute);
        check_outcome(&dispute, kind, first.data);
        decided += !dispute.out.agreed;
        for (int i = 0; i < ORDERS; i++) {
            shuffle(dispute.sides, dispute.input.count);
            resolve_run(&dispute);
            describe(&is, &dispute);
            ck_assert_msg(strcmp(first.data, is.data) == 0, "%s, seed %llu:\n  %s\n  %s", kind->policy,
                          (unsigned long long)seed, first.data, is.data);
        }
        resolve_end(&dispute);
    }
    ck_assert_msg(decided > CASES / 4, "%s: only %u conflicts", kind->policy, decided);
    buf_release(&first);
    buf_release(&is);
    policy_set_free(&policies);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolve_order");
    TCase *cases = tcase_create("orders");
    tcase_set_timeout(cases, 60);
    tcase_add_unchecked_fixture(cases, mapping_load, mapping_unload);
    tcase_add_loop_test(cases, every_order_of_arrival_has_the_same_outcome, 0, COUNT(kinds));
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
