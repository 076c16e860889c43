/*
 * expr_lex.c: the words and signs of an expression.
 *
 * What other languages write differently is refused by name with what to write here: an operator that reads `=` should not have
 * to guess.
 */
#include "expr_lex.h"

#include "json_number.h"
#include "utf8.h"

int expr_lex_check(const char *text, struct buf *why)
{
    size_t len = strlen(text);
    unsigned column = 1;
    if (len > EXPR_TEXT_MAX) {
        buf_addf(why, "an expression has at most %d bytes, and this one has %zu", EXPR_TEXT_MAX, len);
        return -1;
    }
    for (size_t step; len > 0; text += step, len -= step, column++) {
        step = utf8_sequence(text, len);
        bool blank = *text == ' ' || *text == '\t' || *text == '\n' || *text == '\r';
        if (step > 0 && (blank || ((unsigned char)*text >= ' ' && *text != 0x7f)))
            continue;
        buf_addf(why, "column %u: here stands a byte that belongs to no text in UTF-8", column);
        return -1;
    }
    return 0;
}

static int refuse(struct expr_lexer *lexer, const char *sentence)
{
    buf_addf(lexer->why, "column %u: %s", lexer->column, sentence);
    return -1;
}

static void step(struct expr_lexer *lexer, size_t bytes)
{
    for (; bytes > 0; bytes--, lexer->at++)
        lexer->column += ((unsigned char)*lexer->at & 0xc0) != 0x80; /* a sequence counts once */
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks(struct expr_lexer *lexer)
{
    step(lexer, strspn(lexer->at, " \t\r\n"));
}

static int lex_number(struct expr_lexer *lexer, struct expr_token *token)
{
    const char *why;
    struct expr_decimal number;
    token->kind = EXPR_TOKEN_NUMBER;
    token->len = json_number_scan(lexer->at, strlen(lexer->at), &why);
    if (why != NULL)
        return refuse(lexer, why);
    if (expr_decimal_parse(lexer->at, token->len, &number) != 0)
        return refuse(lexer, "this number has more than 38 digits");
    if (is_letter(lexer->at[token->len]))
        return refuse(lexer, "a name does not begin with a digit, and a number does not end with a letter");
    token->value = expr_of_number(number);
    step(lexer, token->len);
    return 0;
}

static void lex_word(struct expr_lexer *lexer, struct expr_token *token)
{
    token->kind = EXPR_TOKEN_WORD;
    while (is_letter(token->at[token->len]) || is_digit(token->at[token->len]))
        token->len++;
    step(lexer, token->len);
}

static int lex_escape(struct expr_lexer *lexer, char *out)
{
    static const char letters[] = "nrt\\'\"", meant[] = "\n\r\t\\'\"";
    const char *letter = lexer->at[1] != '\0' ? strchr(letters, lexer->at[1]) : NULL;
    if (letter == NULL)
        return refuse(lexer, "behind a backslash in a text stands n, r, t, a quote or another backslash");
    *out = meant[letter - letters];
    step(lexer, 2);
    return 0;
}

static int lex_text(struct expr_lexer *lexer, struct expr_token *token)
{
    char quote = *lexer->at;
    char *out = arena_alloc(lexer->arena, strlen(lexer->at)); /* not longer than the source */
    size_t len = 0;
    step(lexer, 1);
    while (*lexer->at != quote) {
        if (*lexer->at == '\0') {
            lexer->column = token->column;
            return refuse(lexer, "this text has no quote at its end");
        }
        if (*lexer->at == '\\') {
            if (lex_escape(lexer, &out[len]) != 0)
                return -1;
            len++;
            continue;
        }
        out[len++] = *lexer->at;
        step(lexer, 1);
    }
    step(lexer, 1);
    token->kind = EXPR_TOKEN_TEXT;
    token->len = (size_t)(lexer->at - token->at);
    token->value = expr_of_text(out, len);
    return 0;
}

/* The longer first. Without a sentence: it is a sign of the language. */
static const struct {
    const char *sign;
    const char *sentence;
} signs[] = {
    {"===", "write == to compare"},
    {"!==", "write != to compare"},
    {"=~", "there are no patterns here: is_email, starts_with, ends_with and contains look into a text"},
    {"==", NULL},
    {"!=", NULL},
    {"<=", NULL},
    {">=", NULL},
    {"=>", "write >= to compare"},
    {"<>", "write != to compare"},
    {"&&", "write and"},
    {"||", "write or"},
    {"??", "write coalesce(a, b) for a, or b where a is null"},
    {"?.", "write a plain point: a path that leads nowhere is null"},
    {"**", "there are no powers here"},
    {"=", "write == to compare; nothing is assigned here"},
    {"!", "write not"},
    {"&", "write and; texts are joined by +"},
    {"|", "write or"},
    {"/", "write divide(a, b, 2): a quotient needs to know to how many digits it is rounded"},
    {"%", "there is no remainder here"},
    {"{", "there are no objects here, only lists: [1, 2]"},
    {"<", NULL},
    {">", NULL},
    {"(", NULL},
    {")", NULL},
    {"[", NULL},
    {"]", NULL},
    {",", NULL},
    {".", NULL},
    {"?", NULL},
    {":", NULL},
    {"+", NULL},
    {"-", NULL},
    {"*", NULL},
};

static int lex_sign(struct expr_lexer *lexer, struct expr_token *token)
{
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t len = strlen(signs[i].sign);
        if (strncmp(lexer->at, signs[i].sign, len) != 0)
            continue;
        if (signs[i].sentence != NULL)
            return refuse(lexer, signs[i].sentence);
        token->kind = EXPR_TOKEN_SIGN;
        token->len = len;
        step(lexer, len);
        return 0;
    }
    return refuse(lexer, "this sign means nothing here; texts stand in quotes");
}

int expr_lex(struct expr_lexer *lexer, struct expr_token *token)
{
    skip_blanks(lexer);
    *token = (struct expr_token){.at = lexer->at, .column = lexer->column};
    if (*lexer->at == '\0')
        return 0;
    if (is_digit(*lexer->at))
        return lex_number(lexer, token);
    if (*lexer->at == '"' || *lexer->at == '\'')
        return lex_text(lexer, token);
    if (!is_letter(*lexer->at))
        return lex_sign(lexer, token);
    lex_word(lexer, token);
    return 0;
}
