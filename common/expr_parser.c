/*
 * expr_parser.c: the tokens that a parser looks at and the nodes that it makes, with the types that they may have.
 */
#include "expr_parser.h"

struct expr_node *expr_refuse(struct parser *parser, unsigned column, const char *format, ...)
{
    va_list args;
    buf_addf(parser->why, "column %u: ", column);
    va_start(args, format);
    buf_vaddf(parser->why, format, args);
    va_end(args);
    return NULL;
}

/* ---- tokens ---- */

int expr_next(struct parser *parser)
{
    return expr_lex(&parser->lexer, &parser->token);
}

bool expr_is(const struct parser *parser, const char *text)
{
    const struct expr_token *token = &parser->token;
    return (token->kind == EXPR_TOKEN_SIGN || token->kind == EXPR_TOKEN_WORD) && token->len == strlen(text) &&
           memcmp(token->at, text, token->len) == 0;
}

struct expr_node *expr_refuse_token(struct parser *parser, const char *wanted)
{
    const struct expr_token *token = &parser->token;
    if (token->kind == EXPR_TOKEN_END)
        return expr_refuse(parser, token->column, "%s is missing at the end", wanted);
    if (token->kind == EXPR_TOKEN_TEXT)
        return expr_refuse(parser, token->column, "%s is missing in front of this text", wanted);
    return expr_refuse(parser, token->column, "%s is missing in front of %.*s", wanted,
                       token->len < 40 ? (int)token->len : 40, token->at);
}

int expr_want(struct parser *parser, const char *sign)
{
    if (expr_is(parser, sign))
        return expr_next(parser);
    expr_refuse_token(parser, sign);
    return -1;
}

/* ---- nodes ---- */

struct expr_node *expr_node_new(struct parser *parser, enum expr_kind kind, unsigned column, unsigned types)
{
    struct expr_node *node = arena_alloc(parser->arena, sizeof *node);
    node->kind = kind;
    node->column = column;
    node->types = types;
    node->height = 1;
    return node;
}

/* NULL when the part is none (its sentence is there already), or the tree would become too high. */
struct expr_node *expr_node_add(struct parser *parser, struct expr_node *node, struct expr_node *part)
{
    if (node == NULL || part == NULL)
        return NULL;
    if ((node->count & (node->count - 1)) == 0) { /* 0 and the powers of two: full */
        struct expr_node **parts = arena_alloc(parser->arena, (node->count * 2 + 1) * sizeof *parts);
        if (node->count > 0)
            memcpy(parts, node->parts, node->count * sizeof *parts);
        node->parts = parts;
    }
    node->parts[node->count++] = part;
    if (part->height >= node->height)
        node->height = part->height + 1;
    if (node->height > EXPR_DEPTH_MAX)
        return expr_refuse(parser, node->column,
                           "more than %d parts lie inside of each other; `in [...]` says many `or` at once",
                           EXPR_DEPTH_MAX);
    return node;
}

struct expr_node *expr_check(struct parser *parser, struct expr_node *part, unsigned types, const char *taker)
{
    if (part == NULL || (part->types & types) != 0)
        return part;
    buf_addf(parser->why, "column %u: %s takes ", part->column, taker);
    expr_add_types(parser->why, types);
    buf_add_str(parser->why, ", and this is ");
    expr_add_types(parser->why, part->types);
    return NULL;
}

int expr_enter(struct parser *parser)
{
    if (++parser->depth <= EXPR_DEPTH_MAX)
        return 0;
    expr_refuse(parser, parser->token.column, "more than %d parts lie inside of each other", EXPR_DEPTH_MAX);
    return -1;
}
