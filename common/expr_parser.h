/*
 * expr_parser.h: the state of a parser, and what its parts share: expr_parse.c (operators), expr_primary.c (operands),
 * expr_parser.c (tokens and nodes) and expr_names.c (what is known by which name).
 *
 * Whatever answers a node answers NULL once a sentence is in `why`; all take NULL for a part and hand it on.
 */
#pragma once
#include "expr_lex.h"

struct parser {
    struct expr_lexer lexer;
    struct expr_token token; /* the next one */
    const char *const *names;
    const char *bound[EXPR_BOUND_MAX];
    unsigned bound_count;
    unsigned depth;
    struct arena *arena;
    struct buf *why;
};

struct expr_node *expr_parse_choice(struct parser *parser);  /* a whole expression; expr_parse.c */
struct expr_node *expr_parse_operand(struct parser *parser); /* what operators stand between; expr_primary.c */

/* expr_parser.c */
struct expr_node *expr_refuse(struct parser *parser, unsigned column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
struct expr_node *expr_refuse_token(struct parser *parser, const char *wanted); /* it is missing here */
int expr_next(struct parser *parser);
bool expr_is(const struct parser *parser, const char *text); /* a word or sign */
int expr_want(struct parser *parser, const char *sign);
struct expr_node *expr_node_new(struct parser *parser, enum expr_kind kind, unsigned column, unsigned types);
struct expr_node *expr_node_add(struct parser *parser, struct expr_node *node, struct expr_node *part);
/* The part, when it may have one of the types; `taker` is who wants it so. */
struct expr_node *expr_check(struct parser *parser, struct expr_node *part, unsigned types,
                             const char *taker);
int expr_enter(struct parser *parser); /* one level deeper; the caller goes up by parser->depth-- */

/* expr_names.c */
bool expr_is_reserved(const struct expr_token *token);
bool expr_is_known(const struct parser *parser, const struct expr_token *word);
struct expr_node *expr_name_node(struct parser *parser, const struct expr_token *word);
struct expr_node *expr_refuse_function(struct parser *parser, const struct expr_token *word);
