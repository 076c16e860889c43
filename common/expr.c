/*
 * expr.c: an expression evaluated by its users: values in, JSON out. See expr.h.
 */
#include "expr_tree.h"

static int evaluate(const struct expr *expr, struct expr_run *run, struct json **result)
{
    struct expr_value value;
    int failed = expr_run(run, expr->root, &value);
    run->column = expr->root->column;
    if (failed == 0)
        failed = expr_to_json(run, &value, result);
    if (run->arena != NULL)
        arena_free(&run->arena);
    return failed;
}

static int test(const struct expr *expr, struct expr_run *run, bool *result)
{
    struct expr_value value;
    int failed = expr_run(run, expr->root, &value);
    run->column = expr->root->column;
    if (failed == 0 && value.type != JSON_BOOL)
        failed =
            expr_fail(run, "this gives %s, and true or false is asked for here", expr_type_words(value.type));
    if (failed == 0)
        *result = expr_is_true(&value);
    if (run->arena != NULL)
        arena_free(&run->arena);
    return failed;
}

int expr_eval(const struct expr *expr, const struct json *const *values, struct json **result,
              struct buf *why)
{
    struct expr_run run = {.values = values, .why = why};
    *result = NULL;
    return evaluate(expr, &run, result);
}

int expr_test(const struct expr *expr, const struct json *const *values, bool *result, struct buf *why)
{
    struct expr_run run = {.values = values, .why = why};
    *result = false;
    return test(expr, &run, result);
}

int expr_eval_record(const struct expr *expr, const struct json *record, struct json **result,
                     struct buf *why)
{
    struct expr_run run = {.record = record, .why = why};
    *result = NULL;
    return evaluate(expr, &run, result);
}

int expr_test_record(const struct expr *expr, const struct json *record, bool *result, struct buf *why)
{
    struct expr_run run = {.record = record, .why = why};
    *result = false;
    return test(expr, &run, result);
}
