/*
 * expr_tree.h: what the parts of the expression language share: the parsed tree, the values, the functions. Nobody else
 * includes this.
 *
 *   text ──expr_lex──▶ tokens ──expr_parse──▶ nodes ──expr_eval──▶ a value ──expr_value──▶ JSON
 *
 * Nodes live in the expression's arena and never change after parsing; values live until the evaluation ends.
 */
#pragma once
#include "expr.h"
#include "expr_decimal.h"
#include "mem.h"

#define EXPR_ARGS_MAX 8   /* of a function; a list literal may be longer */
#define EXPR_BOUND_MAX 16 /* names bound at one place: any(a, x, any(x, y, …)) binds two */

/* Types are json.h's. A set of them has the bit 1 << type. */
#define EXPR_BIT(type) (1u << (type))
#define EXPR_NULL EXPR_BIT(JSON_NULL)
#define EXPR_BOOL EXPR_BIT(JSON_BOOL)
#define EXPR_NUMBER EXPR_BIT(JSON_NUMBER)
#define EXPR_TEXT EXPR_BIT(JSON_STRING)
#define EXPR_LIST EXPR_BIT(JSON_ARRAY)
#define EXPR_OBJECT EXPR_BIT(JSON_OBJECT)
#define EXPR_ANY 0x3fu
const char *expr_type_words(enum json_type type);      /* "a number", "true or false" */
void expr_add_types(struct buf *text, unsigned types); /* "a number or a text" */

/* ---- values ---- */

struct expr_value {
    enum json_type type;
    const struct json *json; /* what it was read from, and then nothing below is set; NULL: made here */
    union {
        bool yes;
        struct expr_decimal number;
        struct {
            const char *at; /* UTF-8; no NUL ends it */
            size_t len;
        } text;
        struct {
            const struct expr_value *at;
            size_t count;
        } list;
    };
};

struct expr_run {
    const struct json *const *values; /* of the expression's names; NULL: they are members of record */
    const struct json *record;
    struct arena *arena; /* NULL until something is made */
    struct expr_value bound[EXPR_BOUND_MAX];
    size_t steps;
    size_t bytes;
    unsigned column; /* of what is being evaluated: for sentences */
    struct buf *why;
};

/* ---- the tree ---- */

enum expr_kind {
    EXPR_LITERAL,
    EXPR_NAME,  /* one of the names given to expr_parse */
    EXPR_LOCAL, /* one that any, all, filter or map bound */
    EXPR_MAKE_LIST,
    EXPR_MEMBER,
    EXPR_INDEX,
    EXPR_NOT,
    EXPR_AND,
    EXPR_OR,
    EXPR_CHOICE,
    EXPR_EQUAL,
    EXPR_UNEQUAL,
    EXPR_LESS,
    EXPR_LESS_EQUAL,
    EXPR_MORE,
    EXPR_MORE_EQUAL,
    EXPR_IN,
    EXPR_ADD,
    EXPR_SUBTRACT,
    EXPR_MULTIPLY,
    EXPR_NEGATE,
    EXPR_CALL,
    EXPR_COALESCE,
    EXPR_EACH
};

enum expr_each { EXPR_EACH_ANY, EXPR_EACH_ALL, EXPR_EACH_FILTER, EXPR_EACH_MAP };

struct expr_function;
struct expr_node {
    enum expr_kind kind;
    unsigned column;
    unsigned types;  /* that it may give */
    unsigned height; /* of the tree below */
    struct expr_value literal;
    const char *name; /* EXPR_NAME, EXPR_MEMBER */
    unsigned index;   /* EXPR_NAME: which; EXPR_LOCAL, EXPR_EACH: its place in bound */
    const struct expr_function *function;
    struct expr_node **parts;
    unsigned count;
};

struct expr {
    struct arena *arena;
    const char *text;
    const struct expr_node *root;
    const char **names; /* that it uses, NULL ends them */
};

/* A function whose arguments are evaluated before it is called; the others have a kind of their own. */
struct expr_function {
    const char *name;
    enum expr_kind kind; /* EXPR_CALL, EXPR_COALESCE, EXPR_EACH */
    enum expr_each each;
    unsigned min_args, max_args;
    unsigned takes[3];   /* types of the arguments; further ones are as the third */
    unsigned gives;
    bool null_is_null;   /* its first argument may also be null: then it is null */
    int (*call)(struct expr_run *run, const struct expr_value *args, unsigned count, struct expr_value *out);
};
const struct expr_function *expr_function_find(const char *name, size_t len);         /* NULL: there is none */
const char *expr_function_name(size_t index);                                         /* NULL behind the last one */

/* ---- expr_value.c ---- */

struct expr_value expr_of_json(const struct json *json);
struct expr_value expr_of_bool(bool yes);
struct expr_value expr_of_number(struct expr_decimal number);
struct expr_value expr_of_text(const char *at, size_t len);
extern const struct expr_value expr_null;
bool expr_is_true(const struct expr_value *value);                     /* of a boolean */
const char *expr_text_of(const struct expr_value *value, size_t *len); /* of a text */
size_t expr_list_count(const struct expr_value *value);                /* of a list; null has none */
struct expr_value expr_list_at(const struct expr_value *value, size_t index);

/* These answer 0, or -1 and a sentence in run->why. */
int expr_fail(struct expr_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
int expr_charge(struct expr_run *run, size_t steps);
int expr_charge_text(struct expr_run *run, size_t bytes); /* looked at */
int expr_make(struct expr_run *run, size_t bytes, void **memory);
int expr_number_of(struct expr_run *run, const struct expr_value *value, struct expr_decimal *number);
int expr_equal(struct expr_run *run, const struct expr_value *a, const struct expr_value *b, bool *equal);
/* Two numbers or two texts: <0, 0, >0 in *order. */
int expr_order(struct expr_run *run, const struct expr_value *a, const struct expr_value *b, int *order);
int expr_to_json(struct expr_run *run, const struct expr_value *value, struct json **out);

/* ---- expr_eval.c ---- */

int expr_run(struct expr_run *run, const struct expr_node *node, struct expr_value *out);
