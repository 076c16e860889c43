/*
 * expr_functions.c: the list of functions: their names, what they take and what they give. docs/expressions.md says what they do;
 * a function that is not in this list does not exist.
 */
#include "expr_functions.h"

#define LISTS (EXPR_LIST | EXPR_NULL) /* where a list is asked for, null is one without elements */
#define TEXTS (EXPR_TEXT | EXPR_NULL) /* where something is asked of a text, null answers no */
#define ORDERED (EXPR_NUMBER | EXPR_TEXT | EXPR_NULL)
#define BASIC (EXPR_BOOL | EXPR_NUMBER | EXPR_TEXT)

#define CALL EXPR_CALL, (enum expr_each)0
#define EACH(what) EXPR_EACH, EXPR_EACH_##what

/* By name. */
static const struct expr_function functions[] = {
    {"abs", CALL, 1, 1, {EXPR_NUMBER}, EXPR_NUMBER | EXPR_NULL, true, expr_do_abs},
    {"all", EACH(ALL), 2, 2, {LISTS, EXPR_ANY}, EXPR_BOOL, false, NULL},
    {"any", EACH(ANY), 2, 2, {LISTS, EXPR_ANY}, EXPR_BOOL, false, NULL},
    {"coalesce",
     EXPR_COALESCE,
     EXPR_EACH_ANY,
     1,
     EXPR_ARGS_MAX,
     {EXPR_ANY, EXPR_ANY, EXPR_ANY},
     EXPR_ANY,
     false,
     NULL},
    {"contains", CALL, 2, 2, {EXPR_LIST | TEXTS, EXPR_ANY}, EXPR_BOOL, false, expr_do_contains},
    {"count", CALL, 1, 1, {LISTS | EXPR_OBJECT}, EXPR_NUMBER, false, expr_do_count},
    {"divide", CALL, 3, 3, {EXPR_NUMBER, EXPR_NUMBER, EXPR_NUMBER}, EXPR_NUMBER, false, expr_do_divide},
    {"ends_with", CALL, 2, 2, {TEXTS, EXPR_TEXT}, EXPR_BOOL, false, expr_do_ends_with},
    {"filter", EACH(FILTER), 2, 2, {LISTS, EXPR_ANY}, EXPR_LIST, false, NULL},
    {"is_blank", CALL, 1, 1, {EXPR_ANY}, EXPR_BOOL, false, expr_do_is_blank},
    {"is_email", CALL, 1, 1, {EXPR_ANY}, EXPR_BOOL, false, expr_do_is_email},
    {"join", CALL, 2, 2, {LISTS, EXPR_TEXT}, EXPR_TEXT, false, expr_do_join},
    {"length", CALL, 1, 1, {TEXTS}, EXPR_NUMBER, false, expr_do_length},
    {"lower", CALL, 1, 1, {EXPR_TEXT}, TEXTS, true, expr_do_lower},
    {"map", EACH(MAP), 2, 2, {LISTS, EXPR_ANY}, EXPR_LIST, false, NULL},
    {"max", CALL, 1, EXPR_ARGS_MAX, {EXPR_LIST | ORDERED, ORDERED, ORDERED}, ORDERED, false, expr_do_max},
    {"min", CALL, 1, EXPR_ARGS_MAX, {EXPR_LIST | ORDERED, ORDERED, ORDERED}, ORDERED, false, expr_do_min},
    {"number", CALL, 1, 1, {EXPR_NUMBER | EXPR_TEXT}, EXPR_NUMBER | EXPR_NULL, true, expr_do_number},
    {"round", CALL, 1, 2, {EXPR_NUMBER, EXPR_NUMBER}, EXPR_NUMBER | EXPR_NULL, true, expr_do_round},
    {"split", CALL, 2, 2, {EXPR_TEXT, EXPR_TEXT}, LISTS, true, expr_do_split},
    {"starts_with", CALL, 2, 2, {TEXTS, EXPR_TEXT}, EXPR_BOOL, false, expr_do_starts_with},
    {"sum", CALL, 1, 1, {LISTS}, EXPR_NUMBER, false, expr_do_sum},
    {"text", CALL, 1, 1, {BASIC}, TEXTS, true, expr_do_text},
    {"time", CALL, 1, 1, {EXPR_TEXT}, EXPR_NUMBER | EXPR_NULL, true, expr_do_time},
    {"trim", CALL, 1, 1, {EXPR_TEXT}, TEXTS, true, expr_do_trim},
    {"type", CALL, 1, 1, {EXPR_ANY}, EXPR_TEXT, false, expr_do_type},
    {"upper", CALL, 1, 1, {EXPR_TEXT}, TEXTS, true, expr_do_upper},
};
#define FUNCTIONS (sizeof functions / sizeof *functions)

const struct expr_function *expr_function_find(const char *name, size_t len)
{
    for (size_t i = 0; i < FUNCTIONS; i++) {
        if (strlen(functions[i].name) == len && memcmp(functions[i].name, name, len) == 0)
            return &functions[i];
    }
    return NULL;
}

const char *expr_function_name(size_t index)
{
    return index < FUNCTIONS ? functions[index].name : NULL;
}

EXPR_FUNCTION(count)
{
    (void)run, (void)count;
    size_t elements = args->type == JSON_OBJECT ? json_count(args->json) : expr_list_count(args);
    *out = expr_of_number((struct expr_decimal){(__int128)elements, 0});
    return 0;
}

EXPR_FUNCTION(type)
{
    static const char *const names[] = {"null", "boolean", "number", "text", "list", "object"};
    (void)run, (void)count;
    *out = expr_of_text(names[args->type], strlen(names[args->type]));
    return 0;
}
