/*
 * expr_eval.c: what an expression gives for values. A walk over the tree: every part is looked at once for each time that it is
 * needed, and each such look is a step.
 */
#include "expr_tree.h"

/* The part's value, when it has one of the types; `taker` is who wants it so. */
static int run_part(struct expr_run *run, const struct expr_node *node, unsigned part, unsigned types,
                    const char *taker, struct expr_value *out)
{
    if (expr_run(run, node->parts[part], out) != 0)
        return -1;
    run->column = node->parts[part]->column;
    if ((EXPR_BIT(out->type) & types) != 0)
        return 0;
    struct buf wanted = BUF_INIT;
    expr_add_types(&wanted, types);
    expr_fail(run, "%s takes %s, and here is %s", taker, wanted.data, expr_type_words(out->type));
    buf_release(&wanted);
    return -1;
}

static int run_condition(struct expr_run *run, const struct expr_node *node, unsigned part, const char *taker,
                         bool *yes)
{
    struct expr_value value;
    if (run_part(run, node, part, EXPR_BOOL, taker, &value) != 0)
        return -1;
    *yes = expr_is_true(&value);
    return 0;
}

/* ---- names and paths ---- */

static int run_name(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    if (run->values != NULL)
        *out = expr_of_json(run->values[node->index]);
    else if (strcmp(node->name, EXPR_RECORD) == 0)
        *out = expr_of_json(run->record);
    else
        *out = expr_of_json(json_get(run->record, node->name));
    return 0;
}

static int run_member(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    struct expr_value object;
    if (expr_run(run, node->parts[0], &object) != 0)
        return -1;
    *out = expr_of_json(object.type == JSON_OBJECT ? json_get(object.json, node->name) : NULL);
    return 0;
}

/* From the front; from the end when negative. */
static int run_place(struct expr_run *run, const struct expr_value *list, const struct expr_value *index,
                     struct expr_value *out)
{
    struct expr_decimal number;
    __int128 count = (__int128)expr_list_count(list);
    if (expr_number_of(run, index, &number) != 0)
        return -1;
    number = expr_decimal_strip(number);
    if (number.scale > 0)
        return expr_fail(run, "the place in a list is a whole number");
    if (number.units < 0)
        number.units += count;
    *out = expr_null;
    if (number.units >= 0 && number.units < count)
        *out = expr_list_at(list, (size_t)number.units);
    return 0;
}

/* json_get wants a text that ends in NUL. */
static int run_key(struct expr_run *run, const struct expr_value *object, const struct expr_value *key,
                   struct expr_value *out)
{
    size_t len;
    void *name;
    const char *text = expr_text_of(key, &len);
    if (expr_charge_text(run, len) != 0 || expr_make(run, len + 1, &name) != 0)
        return -1;
    memcpy(name, text, len);
    *out = expr_of_json(json_get(object->json, name));
    return 0;
}

/* A path that leads nowhere is null: what has no elements has none of this name. */
static int run_index(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    struct expr_value whole, index;
    if (expr_run(run, node->parts[0], &whole) != 0 ||
        run_part(run, node, 1, EXPR_NUMBER | EXPR_TEXT, "[ ]", &index) != 0)
        return -1;
    if (whole.type == JSON_ARRAY && index.type == JSON_NUMBER)
        return run_place(run, &whole, &index, out);
    if (whole.type == JSON_OBJECT && index.type == JSON_STRING)
        return run_key(run, &whole, &index, out);
    *out = expr_null;
    return 0;
}

static int run_list(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    void *memory;
    if (expr_make(run, node->count * sizeof *out, &memory) != 0)
        return -1;
    struct expr_value *elements = memory;
    for (unsigned i = 0; i < node->count; i++) {
        if (expr_run(run, node->parts[i], &elements[i]) != 0)
            return -1;
    }
    *out = (struct expr_value){.type = JSON_ARRAY};
    out->list.at = elements;
    out->list.count = node->count;
    return 0;
}

/* ---- true or false ---- */

static int run_logic(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    bool is_and = node->kind == EXPR_AND, yes;
    const char *sign = is_and ? "and" : "or";
    if (run_condition(run, node, 0, sign, &yes) != 0)
        return -1;
    if (yes == is_and && run_condition(run, node, 1, sign, &yes) != 0)
        return -1;
    *out = expr_of_bool(yes);
    return 0;
}

static int run_not(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    bool yes;
    if (run_condition(run, node, 0, "not", &yes) != 0)
        return -1;
    *out = expr_of_bool(!yes);
    return 0;
}

static int run_choice(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    bool yes;
    if (run_condition(run, node, 0, "?", &yes) != 0)
        return -1;
    return expr_run(run, node->parts[yes ? 1 : 2], out);
}

static int run_equal(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    struct expr_value left, right;
    bool equal;
    if (expr_run(run, node->parts[0], &left) != 0 || expr_run(run, node->parts[1], &right) != 0)
        return -1;
    run->column = node->column;
    if (expr_equal(run, &left, &right, &equal) != 0)
        return -1;
    *out = expr_of_bool(equal == (node->kind == EXPR_EQUAL));
    return 0;
}

static int run_in(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    struct expr_value value, list;
    bool found = false;
    if (expr_run(run, node->parts[0], &value) != 0 ||
        run_part(run, node, 1, EXPR_LIST | EXPR_NULL, "in", &list) != 0)
        return -1;
    for (size_t i = 0; i < expr_list_count(&list) && !found; i++) {
        struct expr_value element = expr_list_at(&list, i);
        if (expr_equal(run, &value, &element, &found) != 0)
            return -1;
    }
    *out = expr_of_bool(found);
    return 0;
}

/* Both of one of the types, and of the same. */
static int run_both(struct expr_run *run, const struct expr_node *node, unsigned types, const char *sign,
                    struct expr_value *left, struct expr_value *right)
{
    if (run_part(run, node, 0, types, sign, left) != 0 || run_part(run, node, 1, types, sign, right) != 0)
        return -1;
    run->column = node->column;
    if (left->type == right->type)
        return 0;
    return expr_fail(run, "%s takes two of one type, and here are %s and %s", sign,
                     expr_type_words(left->type), expr_type_words(right->type));
}

static int run_order(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    static const char *const signs[] = {"<", "<=", ">", ">="};
    struct expr_value left, right;
    int order;
    if (run_both(run, node, EXPR_NUMBER | EXPR_TEXT, signs[node->kind - EXPR_LESS], &left, &right) != 0 ||
        expr_order(run, &left, &right, &order) != 0)
        return -1;
    bool less = node->kind == EXPR_LESS || node->kind == EXPR_LESS_EQUAL;
    bool equal = node->kind == EXPR_LESS_EQUAL || node->kind == EXPR_MORE_EQUAL;
    *out = expr_of_bool(order == 0 ? equal : less == (order < 0));
    return 0;
}

/* ---- sums ---- */

static int join_texts(struct expr_run *run, const struct expr_value *left, const struct expr_value *right,
                      struct expr_value *out)
{
    size_t left_len, right_len;
    const char *left_text = expr_text_of(left, &left_len), *right_text = expr_text_of(right, &right_len);
    void *memory;
    if (expr_charge_text(run, left_len + right_len) != 0 ||
        expr_make(run, left_len + right_len, &memory) != 0)
        return -1;
    memcpy(mempcpy(memory, left_text, left_len), right_text, right_len);
    *out = expr_of_text(memory, left_len + right_len);
    return 0;
}

static int run_sum(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    static const char *const signs[] = {"+", "-", "*"};
    struct expr_value left, right;
    struct expr_decimal a, b, result;
    unsigned types = node->kind == EXPR_ADD ? EXPR_NUMBER | EXPR_TEXT : EXPR_NUMBER;
    if (run_both(run, node, types, signs[node->kind - EXPR_ADD], &left, &right) != 0)
        return -1;
    if (left.type == JSON_STRING)
        return join_texts(run, &left, &right, out);
    if (expr_number_of(run, &left, &a) != 0 || expr_number_of(run, &right, &b) != 0)
        return -1;
    if (node->kind == EXPR_SUBTRACT)
        b.units = -b.units;
    if ((node->kind == EXPR_MULTIPLY ? expr_decimal_multiply : expr_decimal_add)(a, b, &result) != 0)
        return expr_fail(run, "the result has more than %d digits", EXPR_DIGITS_MAX);
    *out = expr_of_number(result);
    return 0;
}

static int run_negate(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    struct expr_value value;
    struct expr_decimal number;
    if (run_part(run, node, 0, EXPR_NUMBER, "-", &value) != 0 || expr_number_of(run, &value, &number) != 0)
        return -1;
    number.units = -number.units;
    *out = expr_of_number(number);
    return 0;
}

/* ---- calls ---- */

static int run_call(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    const struct expr_function *function = node->function;
    struct expr_value args[EXPR_ARGS_MAX];
    for (unsigned i = 0; i < node->count; i++) {
        unsigned types = function->takes[i < 2 ? i : 2];
        if (i == 0 && function->null_is_null)
            types |= EXPR_NULL;
        if (run_part(run, node, i, types, function->name, &args[i]) != 0)
            return -1;
    }
    run->column = node->column;
    *out = expr_null;
    if (function->null_is_null && node->count > 0 && args[0].type == JSON_NULL)
        return 0;
    return function->call(run, args, node->count, out);
}

static int run_coalesce(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    *out = expr_null;
    for (unsigned i = 0; i < node->count && out->type == JSON_NULL; i++) {
        if (expr_run(run, node->parts[i], out) != 0)
            return -1;
    }
    return 0;
}

static int keep_element(struct expr_run *run, const struct expr_value *element, struct expr_value *list)
{
    size_t count = list->list.count;
    void *memory;
    if ((count & (count - 1)) == 0) { /* 0 and the powers of two: full */
        if (expr_make(run, (count * 2 + 1) * sizeof *element, &memory) != 0)
            return -1;
        if (count > 0)
            memcpy(memory, list->list.at, count * sizeof *element);
        list->list.at = memory;
    }
    ((struct expr_value *)list->list.at)[list->list.count++] = *element;
    return 0;
}

/* One element: the answer of any and all may be known with it, a list may grow by it. */
static int run_element(struct expr_run *run, const struct expr_node *node, const struct expr_value *element,
                       struct expr_value *out, bool *known)
{
    enum expr_each each = node->function->each;
    struct expr_value mapped;
    bool yes;
    run->bound[node->index] = *element;
    if (each == EXPR_EACH_MAP)
        return expr_run(run, node->parts[1], &mapped) == 0 ? keep_element(run, &mapped, out) : -1;
    if (run_condition(run, node, 1, node->function->name, &yes) != 0)
        return -1;
    if (each == EXPR_EACH_FILTER)
        return yes ? keep_element(run, element, out) : 0;
    *known = yes == (each == EXPR_EACH_ANY);
    if (*known)
        *out = expr_of_bool(yes);
    return 0;
}

static int run_each(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    enum expr_each each = node->function->each;
    struct expr_value list;
    bool known = false;
    if (run_part(run, node, 0, node->function->takes[0], node->function->name, &list) != 0)
        return -1;
    if (each == EXPR_EACH_ANY || each == EXPR_EACH_ALL)
        *out = expr_of_bool(each == EXPR_EACH_ALL);
    else
        *out = (struct expr_value){.type = JSON_ARRAY};
    for (size_t i = 0; i < expr_list_count(&list) && !known; i++) {
        struct expr_value element = expr_list_at(&list, i);
        if (run_element(run, node, &element, out, &known) != 0)
            return -1;
    }
    return 0;
}

/* ---- the whole ---- */

typedef int (*run_cb)(struct expr_run *run, const struct expr_node *node, struct expr_value *out);

static int run_literal(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    (void)run;
    *out = node->literal;
    return 0;
}

static int run_local(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    *out = run->bound[node->index];
    return 0;
}

int expr_run(struct expr_run *run, const struct expr_node *node, struct expr_value *out)
{
    static const run_cb runs[] = {
        [EXPR_LITERAL] = run_literal,
        [EXPR_NAME] = run_name,
        [EXPR_LOCAL] = run_local,
        [EXPR_MAKE_LIST] = run_list,
        [EXPR_MEMBER] = run_member,
        [EXPR_INDEX] = run_index,
        [EXPR_NOT] = run_not,
        [EXPR_AND] = run_logic,
        [EXPR_OR] = run_logic,
        [EXPR_CHOICE] = run_choice,
        [EXPR_EQUAL] = run_equal,
        [EXPR_UNEQUAL] = run_equal,
        [EXPR_LESS] = run_order,
        [EXPR_LESS_EQUAL] = run_order,
        [EXPR_MORE] = run_order,
        [EXPR_MORE_EQUAL] = run_order,
        [EXPR_IN] = run_in,
        [EXPR_ADD] = run_sum,
        [EXPR_SUBTRACT] = run_sum,
        [EXPR_MULTIPLY] = run_sum,
        [EXPR_NEGATE] = run_negate,
        [EXPR_CALL] = run_call,
        [EXPR_COALESCE] = run_coalesce,
        [EXPR_EACH] = run_each,
    };
    run->column = node->column;
    if (expr_charge(run, 1) != 0)
        return -1;
    return runs[node->kind](run, node, out);
}
