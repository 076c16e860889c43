/*
 * expr_parse.c: from words and signs to a tree. By rising precedence:
 *
 *   a ? b : c    or    and    not    == != < <= > >= in    + -    *    - (of one number)    .name [index] function(…)
 *
 * Types that can never fit are refused here, so that a slip is told when a file is loaded and not at the first record.
 */
#include "expr_parser.h"

/* What the operators in front of one operand have in common: each adds a level. */
static struct expr_node *parse_prefix(struct parser *parser, enum expr_kind kind, unsigned type,
                                      const char *sign, struct expr_node *parse(struct parser *))
{
    struct expr_node *node = expr_node_new(parser, kind, parser->token.column, type), *part;
    if (expr_enter(parser) != 0)
        return NULL;
    part = expr_next(parser) == 0 ? parse(parser) : NULL;
    parser->depth--;
    return expr_node_add(parser, node, expr_check(parser, part, type, sign));
}

static struct expr_node *parse_unary(struct parser *parser)
{
    return expr_is(parser, "-") ? parse_prefix(parser, EXPR_NEGATE, EXPR_NUMBER, "-", parse_unary)
                                : expr_parse_operand(parser);
}

struct operation {
    const char *sign;
    enum expr_kind kind;
    unsigned takes, gives;
};

static const struct operation *find_operation(const struct parser *parser, const struct operation *row)
{
    for (; row->sign != NULL; row++) {
        if (expr_is(parser, row->sign))
            return row;
    }
    return NULL;
}

/* What is never true or never works, whatever the data, is a slip. */
static struct expr_node *check_both(struct parser *parser, struct expr_node *node, const char *sign)
{
    if (node == NULL || node->kind == EXPR_AND || node->kind == EXPR_OR)
        return node;
    unsigned left = node->parts[0]->types, right = node->parts[1]->types;
    if (node->kind == EXPR_IN)
        return expr_check(parser, node->parts[1], EXPR_LIST | EXPR_NULL, sign) != NULL ? node : NULL;
    if (node->kind == EXPR_ADD)
        node->types &= left & right;
    if ((left & right) != 0)
        return node;
    buf_addf(parser->why, "column %u: %s takes two of one type, and here are ", node->column, sign);
    expr_add_types(parser->why, left);
    buf_add_str(parser->why, " and ");
    expr_add_types(parser->why, right);
    return NULL;
}

static struct expr_node *parse_operand(struct parser *parser, struct expr_node *left,
                                       const struct operation *row, struct expr_node *parse(struct parser *))
{
    struct expr_node *node = expr_node_new(parser, row->kind, parser->token.column, row->gives);
    node = expr_node_add(parser, node, expr_check(parser, left, row->takes, row->sign));
    if (node == NULL || expr_next(parser) != 0)
        return NULL;
    node = expr_node_add(parser, node, expr_check(parser, parse(parser), row->takes, row->sign));
    return check_both(parser, node, row->sign);
}

/* a + b + c is (a + b) + c. */
static struct expr_node *parse_row(struct parser *parser, const struct operation *rows,
                                   struct expr_node *parse(struct parser *))
{
    struct expr_node *left = parse(parser);
    const struct operation *row;
    while (left != NULL && (row = find_operation(parser, rows)) != NULL)
        left = parse_operand(parser, left, row, parse);
    return left;
}

static struct expr_node *parse_product(struct parser *parser)
{
    static const struct operation rows[] = {{"*", EXPR_MULTIPLY, EXPR_NUMBER, EXPR_NUMBER}, {NULL, 0, 0, 0}};
    return parse_row(parser, rows, parse_unary);
}

static struct expr_node *parse_sum(struct parser *parser)
{
    static const struct operation rows[] = {
        {"+", EXPR_ADD, EXPR_NUMBER | EXPR_TEXT, EXPR_NUMBER | EXPR_TEXT},
        {"-", EXPR_SUBTRACT, EXPR_NUMBER, EXPR_NUMBER},
        {NULL, 0, 0, 0},
    };
    return parse_row(parser, rows, parse_product);
}

static struct expr_node *parse_comparison(struct parser *parser)
{
    static const struct operation rows[] = {
        {"==", EXPR_EQUAL, EXPR_ANY, EXPR_BOOL},
        {"!=", EXPR_UNEQUAL, EXPR_ANY, EXPR_BOOL},
        {"<", EXPR_LESS, EXPR_NUMBER | EXPR_TEXT, EXPR_BOOL},
        {"<=", EXPR_LESS_EQUAL, EXPR_NUMBER | EXPR_TEXT, EXPR_BOOL},
        {">", EXPR_MORE, EXPR_NUMBER | EXPR_TEXT, EXPR_BOOL},
        {">=", EXPR_MORE_EQUAL, EXPR_NUMBER | EXPR_TEXT, EXPR_BOOL},
        {"in", EXPR_IN, EXPR_ANY, EXPR_BOOL},
        {NULL, 0, 0, 0},
    };
    struct expr_node *left = parse_sum(parser), *not = NULL;
    if (left != NULL && expr_is(parser, "not")) { /* a not in b */
        not = expr_node_new(parser, EXPR_NOT, parser->token.column, EXPR_BOOL);
        if (expr_next(parser) != 0)
            return NULL;
        if (!expr_is(parser, "in"))
            return expr_refuse_token(parser, "in");
    }
    const struct operation *row = find_operation(parser, rows);
    if (left == NULL || row == NULL)
        return left;
    struct expr_node *node = parse_operand(parser, left, row, parse_sum);
    if (node != NULL && find_operation(parser, rows) != NULL)
        return expr_refuse(parser, parser->token.column, "comparisons form no chain: write a < b and b < c");
    return not != NULL ? expr_node_add(parser, not, node) : node;
}

static struct expr_node *parse_not(struct parser *parser)
{
    return expr_is(parser, "not") ? parse_prefix(parser, EXPR_NOT, EXPR_BOOL, "not", parse_not)
                                  : parse_comparison(parser);
}

static struct expr_node *parse_and(struct parser *parser)
{
    static const struct operation rows[] = {{"and", EXPR_AND, EXPR_BOOL, EXPR_BOOL}, {NULL, 0, 0, 0}};
    return parse_row(parser, rows, parse_not);
}

static struct expr_node *parse_or(struct parser *parser)
{
    static const struct operation rows[] = {{"or", EXPR_OR, EXPR_BOOL, EXPR_BOOL}, {NULL, 0, 0, 0}};
    return parse_row(parser, rows, parse_and);
}

static struct expr_node *parse_branches(struct parser *parser, struct expr_node *condition)
{
    struct expr_node *node = expr_node_new(parser, EXPR_CHOICE, parser->token.column, 0);
    node = expr_node_add(parser, node, expr_check(parser, condition, EXPR_BOOL, "?"));
    if (node == NULL || expr_next(parser) != 0)
        return NULL;
    node = expr_node_add(parser, node, expr_parse_choice(parser));
    if (node == NULL || expr_want(parser, ":") != 0)
        return NULL;
    node = expr_node_add(parser, node, expr_parse_choice(parser));
    if (node != NULL)
        node->types = node->parts[1]->types | node->parts[2]->types;
    return node;
}

struct expr_node *expr_parse_choice(struct parser *parser)
{
    if (expr_enter(parser) != 0)
        return NULL;
    struct expr_node *node = parse_or(parser);
    if (node != NULL && expr_is(parser, "?"))
        node = parse_branches(parser, node);
    parser->depth--;
    return node;
}

/* ---- the whole ---- */

static struct expr_node *parse_whole(struct parser *parser)
{
    struct expr_node *root = expr_next(parser) == 0 ? expr_parse_choice(parser) : NULL;
    if (root == NULL || parser->token.kind == EXPR_TOKEN_END)
        return root;
    return expr_refuse_token(parser, "an operator");
}

static void collect_names(const struct expr_node *node, const char **names)
{
    if (node->kind == EXPR_NAME) {
        while (*names != NULL && strcmp(*names, node->name) != 0)
            names++;
        *names = node->name;
    }
    for (unsigned i = 0; i < node->count; i++)
        collect_names(node->parts[i], names);
}

static struct expr *parse(const char *text, const char *const *names, unsigned types, struct buf *why)
{
    struct parser parser = {.names = names, .arena = arena_new(1024), .why = why};
    size_t count = 0;
    parser.lexer = (struct expr_lexer){text, text, 1, parser.arena, why};
    struct expr_node *root = expr_lex_check(text, why) == 0 ? parse_whole(&parser) : NULL;
    if (root != NULL && types == EXPR_BOOL)
        root = expr_check(&parser, root, types, "what is asked here");
    if (root == NULL) {
        arena_free(&parser.arena);
        return NULL;
    }
    while (names[count] != NULL)
        count++;
    struct expr *expr = mem_alloc(sizeof *expr);
    expr->arena = parser.arena;
    expr->text = arena_strdup(expr->arena, text);
    expr->root = root;
    expr->names = arena_alloc(expr->arena, (count + 1) * sizeof *expr->names);
    collect_names(root, expr->names);
    return expr;
}

struct expr *expr_parse(const char *text, const char *const *names, struct buf *why)
{
    return parse(text, names, EXPR_ANY, why);
}

struct expr *expr_parse_test(const char *text, const char *const *names, struct buf *why)
{
    return parse(text, names, EXPR_BOOL, why);
}

void expr_free(struct expr **expr)
{
    if (*expr == NULL)
        return;
    arena_free(&(*expr)->arena);
    free(*expr);
    *expr = NULL;
}

const char *expr_text(const struct expr *expr)
{
    return expr->text;
}

bool expr_uses(const struct expr *expr, const char *name)
{
    const char **used = expr->names;
    while (*used != NULL && strcmp(*used, name) != 0)
        used++;
    return *used != NULL;
}
