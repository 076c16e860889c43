/* expr_lex.h: the words and signs of an expression. Between expr_lex.c and expr_parse.c. */
#pragma once
#include "expr_tree.h"

enum expr_token_kind { EXPR_TOKEN_END, EXPR_TOKEN_NUMBER, EXPR_TOKEN_TEXT, EXPR_TOKEN_WORD, EXPR_TOKEN_SIGN };

struct expr_token {
    enum expr_token_kind kind;
    const char *at; /* in the source */
    size_t len;
    unsigned column;
    struct expr_value value; /* of a number or text */
};

struct expr_lexer {
    const char *text; /* the whole */
    const char *at;
    unsigned column;
    struct arena *arena; /* of decoded texts */
    struct buf *why;
};

/* 0, or -1 and a sentence. */
int expr_lex(struct expr_lexer *lexer, struct expr_token *token);
/* Is it all UTF-8 without control characters, and not too long? 0, or -1 and a sentence. */
int expr_lex_check(const char *text, struct buf *why);
