/*
 * expr_names.c: which names mean something, and what somebody meant who wrote one that does not.
 */
#include "expr_parser.h"

static const char *const reserved[] = {"and", "or", "not", "in", "true", "false", "null", NULL};

bool expr_is_reserved(const struct expr_token *token)
{
    for (const char *const *word = reserved; *word != NULL; word++) {
        if (token->kind == EXPR_TOKEN_WORD && strlen(*word) == token->len &&
            memcmp(*word, token->at, token->len) == 0)
            return true;
    }
    return false;
}

static bool same_letter(char a, char b)
{
    return a == b || ((a | 0x20) == (b | 0x20) && (a | 0x20) >= 'a' && (a | 0x20) <= 'z');
}

#define WORD_MAX 64

/* How many letters must be put in, taken out or replaced; capitals cost nothing. */
static size_t distance(const char *a, size_t a_len, const char *b)
{
    size_t b_len = strlen(b), row[WORD_MAX + 1];
    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 0; i < a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_len; j++) {
            size_t replaced = diagonal + !same_letter(a[i], b[j]);
            diagonal = row[j + 1];
            size_t least = row[j] < diagonal ? row[j] + 1 : diagonal + 1;
            row[j + 1] = replaced < least ? replaced : least;
        }
    }
    return row[b_len];
}

struct nearest {
    const struct expr_token *word;
    const char *name;
    size_t distance;
};

static void consider(struct nearest *nearest, const char *name)
{
    size_t d = distance(nearest->word->at, nearest->word->len, name);
    if (nearest->name == NULL || d < nearest->distance) {
        nearest->name = name;
        nearest->distance = d;
    }
}

/* All names while they are few: somebody who guessed wrong wants to see them. */
static void say_names(struct parser *parser)
{
    for (unsigned i = 0; parser->names[i] != NULL; i++) {
        buf_addf(parser->why, "%s%s", i == 0 ? "; there is " : ", ", parser->names[i]);
        if (i >= 20) {
            buf_add_str(parser->why, " and more");
            return;
        }
    }
}

static void say_nearest(struct parser *parser, const struct nearest *nearest)
{
    if (nearest->name != NULL && nearest->distance <= 1 + nearest->word->len / 3)
        buf_addf(parser->why, "; the nearest is %s", nearest->name);
}

static struct expr_node *refuse_name(struct parser *parser, const struct expr_token *word)
{
    struct nearest nearest = {.word = word};
    size_t said;
    for (unsigned i = 0; parser->names[i] != NULL; i++)
        consider(&nearest, parser->names[i]);
    for (unsigned i = 0; i < parser->bound_count; i++)
        consider(&nearest, parser->bound[i]);
    for (const char *const *name = reserved; *name != NULL; name++)
        consider(&nearest, *name);
    expr_refuse(parser, word->column, "there is no name %.*s here", word->len < 64 ? (int)word->len : 64,
                word->at);
    said = parser->why->len;
    say_nearest(parser, &nearest);
    if (parser->why->len == said)
        say_names(parser);
    return NULL;
}

struct expr_node *expr_refuse_function(struct parser *parser, const struct expr_token *word)
{
    struct nearest nearest = {.word = word};
    const char *name;
    for (size_t i = 0; (name = expr_function_name(i)) != NULL; i++)
        consider(&nearest, name);
    expr_refuse(parser, word->column, "there is no function %.*s", word->len < 64 ? (int)word->len : 64,
                word->at);
    say_nearest(parser, &nearest);
    return NULL;
}

static int find_bound(const struct parser *parser, const struct expr_token *word)
{
    for (unsigned i = parser->bound_count; i-- > 0;) {
        if (strlen(parser->bound[i]) == word->len && memcmp(parser->bound[i], word->at, word->len) == 0)
            return (int)i;
    }
    return -1;
}

static int find_name(const struct parser *parser, const struct expr_token *word)
{
    for (unsigned i = 0; parser->names[i] != NULL; i++) {
        if (strlen(parser->names[i]) == word->len && memcmp(parser->names[i], word->at, word->len) == 0)
            return (int)i;
    }
    return -1;
}

bool expr_is_known(const struct parser *parser, const struct expr_token *word)
{
    return find_bound(parser, word) >= 0 || find_name(parser, word) >= 0;
}

struct expr_node *expr_name_node(struct parser *parser, const struct expr_token *word)
{
    int bound = find_bound(parser, word), name = find_name(parser, word);
    if (bound < 0 && name < 0)
        return refuse_name(parser, word);
    struct expr_node *node =
        expr_node_new(parser, bound >= 0 ? EXPR_LOCAL : EXPR_NAME, word->column, EXPR_ANY);
    node->index = (unsigned)(bound >= 0 ? bound : name);
    node->name = arena_strndup(parser->arena, word->at, word->len);
    return node;
}
