/*
 * expr_functions.h: the functions of the language, as expr_functions.c lists them. Arguments have the types that the list says;
 * 0 and the value in *out, or -1 and a sentence.
 */
#pragma once
#include "expr_tree.h"

#define EXPR_FUNCTION(name) \
    int expr_do_##name(struct expr_run *run, const struct expr_value *args, unsigned count, struct expr_value *out)

/* expr_numbers.c */
EXPR_FUNCTION(abs);
EXPR_FUNCTION(divide);
EXPR_FUNCTION(max);
EXPR_FUNCTION(min);
EXPR_FUNCTION(number);
EXPR_FUNCTION(round);
EXPR_FUNCTION(sum);
EXPR_FUNCTION(time);

/* expr_texts.c */
EXPR_FUNCTION(contains);
EXPR_FUNCTION(ends_with);
EXPR_FUNCTION(is_blank);
EXPR_FUNCTION(is_email);
EXPR_FUNCTION(join);
EXPR_FUNCTION(length);
EXPR_FUNCTION(lower);
EXPR_FUNCTION(split);
EXPR_FUNCTION(starts_with);
EXPR_FUNCTION(text);
EXPR_FUNCTION(trim);
EXPR_FUNCTION(upper);

/* Of anything; expr_functions.c */
EXPR_FUNCTION(count);
EXPR_FUNCTION(type);
