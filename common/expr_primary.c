/*
 * expr_primary.c: operands: literals, names, paths, lists and calls.
 */
#include "expr_parser.h"

/* ---- calls ---- */

/* `any(items, item, item.quantity > 0)`: from behind the first comma. */
static struct expr_node *parse_each(struct parser *parser, struct expr_node *node)
{
    struct expr_token word = parser->token;
    const char *name = node->function->name;
    if (word.kind != EXPR_TOKEN_WORD || expr_is_reserved(&word))
        return expr_refuse_token(parser, "a name for the element");
    if (expr_is_known(parser, &word))
        return expr_refuse(parser, word.column,
                           "this name means something already: give the element another");
    if (parser->bound_count == EXPR_BOUND_MAX)
        return expr_refuse(parser, word.column, "more than %d names are bound at one place", EXPR_BOUND_MAX);
    node->index = parser->bound_count;
    parser->bound[parser->bound_count++] = arena_strndup(parser->arena, word.at, word.len);
    if (expr_next(parser) != 0 || expr_want(parser, ",") != 0)
        return NULL;
    struct expr_node *body = expr_parse_choice(parser);
    if (node->function->each != EXPR_EACH_MAP)
        body = expr_check(parser, body, EXPR_BOOL, name);
    parser->bound_count--;
    return expr_node_add(parser, node, body);
}

static struct expr_node *parse_argument(struct parser *parser, struct expr_node *node)
{
    const struct expr_function *function = node->function;
    unsigned place = node->count < 2 ? node->count : 2;
    unsigned takes = function->takes[place] | (place == 0 && function->null_is_null ? EXPR_NULL : 0);
    if (node->count >= function->max_args)
        return expr_refuse(parser, parser->token.column, "%s takes no more than %u argument%s",
                           function->name, function->max_args + (function->kind == EXPR_EACH),
                           function->max_args == 1 ? "" : "s");
    if (function->kind == EXPR_EACH && node->count == 1)
        return parse_each(parser, node);
    return expr_node_add(parser, node, expr_check(parser, expr_parse_choice(parser), takes, function->name));
}

static struct expr_node *finish_call(struct parser *parser, struct expr_node *node)
{
    const struct expr_function *function = node->function;
    unsigned least = function->min_args + (function->kind == EXPR_EACH);
    if (node->count >= function->min_args)
        return expr_next(parser) == 0 ? node : NULL;
    return expr_refuse(
        parser, node->column, "%s takes %s %u argument%s%s", function->name,
        function->min_args == function->max_args ? "exactly" : "at least", least, least == 1 ? "" : "s",
        function->kind == EXPR_EACH ? ": a list, a name for the element, and what is to be said of it" : "");
}

static struct expr_node *parse_call(struct parser *parser, const struct expr_token *word)
{
    const struct expr_function *function = expr_function_find(word->at, word->len);
    if (function == NULL)
        return expr_refuse_function(parser, word);
    struct expr_node *node = expr_node_new(parser, function->kind, word->column, function->gives);
    node->function = function;
    if (expr_next(parser) != 0) /* the parenthesis */
        return NULL;
    while (!expr_is(parser, ")")) {
        if ((node->count > 0 && expr_want(parser, ",") != 0) || (node = parse_argument(parser, node)) == NULL)
            return NULL;
    }
    return finish_call(parser, node);
}

/* ---- the smallest parts ---- */

/* `status in ["new", "open"]`: a list of literals is made once, here. */
static struct expr_node *made_list(struct parser *parser, struct expr_node *node)
{
    for (unsigned i = 0; i < node->count; i++) {
        if (node->parts[i]->kind != EXPR_LITERAL)
            return node;
    }
    struct expr_value *elements = arena_alloc(parser->arena, (node->count + 1) * sizeof *elements);
    for (unsigned i = 0; i < node->count; i++)
        elements[i] = node->parts[i]->literal;
    node->kind = EXPR_LITERAL;
    node->literal = (struct expr_value){.type = JSON_ARRAY};
    node->literal.list.at = elements;
    node->literal.list.count = node->count;
    node->count = 0;
    return node;
}

static struct expr_node *parse_list(struct parser *parser)
{
    struct expr_node *node = expr_node_new(parser, EXPR_MAKE_LIST, parser->token.column, EXPR_LIST);
    if (expr_next(parser) != 0)
        return NULL;
    while (!expr_is(parser, "]")) {
        if ((node->count > 0 && expr_want(parser, ",") != 0) ||
            (node = expr_node_add(parser, node, expr_parse_choice(parser))) == NULL)
            return NULL;
    }
    return expr_next(parser) == 0 ? made_list(parser, node) : NULL;
}

static struct expr_node *parse_group(struct parser *parser)
{
    if (expr_next(parser) != 0)
        return NULL;
    struct expr_node *node = expr_parse_choice(parser);
    return node != NULL && expr_want(parser, ")") == 0 ? node : NULL;
}

static struct expr_node *make_literal(struct parser *parser, struct expr_value value)
{
    struct expr_node *node = expr_node_new(parser, EXPR_LITERAL, parser->token.column, EXPR_BIT(value.type));
    node->literal = value;
    return expr_next(parser) == 0 ? node : NULL;
}

static struct expr_node *parse_word(struct parser *parser)
{
    struct expr_token word = parser->token;
    if (expr_is(parser, "true") || expr_is(parser, "false"))
        return make_literal(parser, expr_of_bool(expr_is(parser, "true")));
    if (expr_is(parser, "null"))
        return make_literal(parser, expr_null);
    if (expr_is_reserved(&word))
        return expr_refuse_token(parser, "a value");
    if (expr_next(parser) != 0)
        return NULL;
    return expr_is(parser, "(") ? parse_call(parser, &word) : expr_name_node(parser, &word);
}

static struct expr_node *parse_primary(struct parser *parser)
{
    switch (parser->token.kind) {
    case EXPR_TOKEN_NUMBER:
    case EXPR_TOKEN_TEXT:
        return make_literal(parser, parser->token.value);
    case EXPR_TOKEN_WORD:
        return parse_word(parser);
    default:
        break;
    }
    if (expr_is(parser, "("))
        return parse_group(parser);
    return expr_is(parser, "[") ? parse_list(parser) : expr_refuse_token(parser, "a value");
}

static struct expr_node *parse_member(struct parser *parser, struct expr_node *object)
{
    struct expr_node *node = expr_node_new(parser, EXPR_MEMBER, object->column, EXPR_ANY);
    if (expr_next(parser) != 0)
        return NULL;
    struct expr_token word = parser->token;
    if (word.kind != EXPR_TOKEN_WORD)
        return expr_refuse_token(parser, "a name behind the point");
    if (expr_next(parser) != 0)
        return NULL;
    if (expr_is(parser, "("))
        return expr_refuse(parser, word.column, "a function stands in front of what it takes: write %.*s(…)",
                           word.len < 64 ? (int)word.len : 64, word.at);
    node->name = arena_strndup(parser->arena, word.at, word.len);
    return expr_node_add(parser, node, expr_check(parser, object, EXPR_OBJECT | EXPR_NULL, "a point"));
}

static struct expr_node *parse_index(struct parser *parser, struct expr_node *list)
{
    struct expr_node *node = expr_node_new(parser, EXPR_INDEX, list->column, EXPR_ANY);
    node = expr_node_add(parser, node, expr_check(parser, list, EXPR_LIST | EXPR_OBJECT | EXPR_NULL, "[ ]"));
    if (node == NULL || expr_next(parser) != 0)
        return NULL;
    node = expr_node_add(parser, node,
                         expr_check(parser, expr_parse_choice(parser), EXPR_NUMBER | EXPR_TEXT, "[ ]"));
    return node != NULL && expr_want(parser, "]") == 0 ? node : NULL;
}

struct expr_node *expr_parse_operand(struct parser *parser)
{
    struct expr_node *node = parse_primary(parser);
    while (node != NULL && (expr_is(parser, ".") || expr_is(parser, "[")))
        node = expr_is(parser, ".") ? parse_member(parser, node) : parse_index(parser, node);
    return node;
}
