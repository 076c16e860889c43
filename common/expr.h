/*
 * expr.h: expressions: the small language of policies, business rules, mappings and filters; pure. docs/expressions.md
 *
 *   max(values) - min(values) > 10 ? max(values) : latest
 *   amount == null or amount >= 0
 *
 * Parsed once, evaluated often, by several threads at once if need be. An expression always ends: it loops over given lists
 * alone, and steps, depth, digits and texts have ceilings. Numbers are exact decimals, never doubles. What it meets in the data
 * can make it fail, with a sentence, and can do no other harm. Sentences name the column (of characters, from 1) and types, and
 * never hold a value: they may be logged.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "json.h"

#define EXPR_TEXT_MAX 4096           /* bytes of an expression */
#define EXPR_DEPTH_MAX 100           /* operators, calls and parentheses inside of each other */
#define EXPR_STEPS_MAX 100000        /* parts and elements looked at in one evaluation */
#define EXPR_BYTES_MAX (1024 * 1024) /* of texts and lists made in one evaluation */
#define EXPR_DIGITS_MAX 38 /* of a number that is computed with, on both sides of the point together */

struct expr;

/* names: the names that it may use, NULL ends them; it copies what it needs. Anything else that it speaks of is refused, with
 * the nearest name that there is. NULL, and a sentence in `why`, when the text is no expression. */
struct expr *expr_parse(const char *text, const char *const *names, struct buf *why);
/* The same for what must be true or false: also refuses what never can be. */
struct expr *expr_parse_test(const char *text, const char *const *names, struct buf *why);
void expr_free(struct expr **expr);
const char *expr_text(const struct expr *expr);            /* as it was given */
bool expr_uses(const struct expr *expr, const char *name); /* does it speak of this name? */

/* values[i] belongs to names[i] of expr_parse; NULL is null. 0 and the value in *result (NULL: null; a reference of the caller's,
 * which may share parts with the values: copy before changing), or -1 and a sentence in `why`. */
int expr_eval(const struct expr *expr, const struct json *const *values, struct json **result,
              struct buf *why);
/* 0, or -1 and a sentence: it failed, or what came out is neither true nor false (null is neither). */
int expr_test(const struct expr *expr, const struct json *const *values, bool *result, struct buf *why);

/* The same over one object, a record's data: the value of a name is the member of that name, null where there is none; the name
 * `data` is the object itself. */
#define EXPR_RECORD "data"
int expr_eval_record(const struct expr *expr, const struct json *record, struct json **result,
                     struct buf *why);
int expr_test_record(const struct expr *expr, const struct json *record, bool *result, struct buf *why);
