/*
 * expr_numbers.c: the functions that compute.
 */
#include "expr_functions.h"
#include "json_number.h"
#include "timefmt.h"

static int too_large(struct expr_run *run)
{
    return expr_fail(run, "the result has more than %d digits", EXPR_DIGITS_MAX);
}

EXPR_FUNCTION(abs)
{
    struct expr_decimal number;
    (void)count;
    if (expr_number_of(run, args, &number) != 0)
        return -1;
    *out = *args;
    if (number.units < 0) {
        number.units = -number.units;
        *out = expr_of_number(number);
    }
    return 0;
}

/* Digits behind the point: a whole number that the expression states. */
static int digits_of(struct expr_run *run, const struct expr_value *value, unsigned *digits)
{
    struct expr_decimal number;
    if (expr_number_of(run, value, &number) != 0)
        return -1;
    number = expr_decimal_strip(number);
    if (number.scale > 0 || number.units < 0 || number.units > EXPR_ROUND_DIGITS_MAX)
        return expr_fail(run, "digits behind the point are a whole number from 0 to %d",
                         EXPR_ROUND_DIGITS_MAX);
    *digits = (unsigned)number.units;
    return 0;
}

EXPR_FUNCTION(round)
{
    struct expr_decimal number;
    unsigned digits = 0;
    if (expr_number_of(run, args, &number) != 0 || (count > 1 && digits_of(run, &args[1], &digits) != 0))
        return -1;
    *out = expr_of_number(expr_decimal_round(number, digits));
    return 0;
}

EXPR_FUNCTION(divide)
{
    struct expr_decimal a, b, quotient;
    unsigned digits = 0;
    (void)count;
    if (expr_number_of(run, &args[0], &a) != 0 || expr_number_of(run, &args[1], &b) != 0 ||
        digits_of(run, &args[2], &digits) != 0)
        return -1;
    if (b.units == 0)
        return expr_fail(run, "this divides by zero");
    if (expr_decimal_divide(a, b, digits, &quotient) != 0)
        return too_large(run);
    *out = expr_of_number(quotient);
    return 0;
}

/* `max(values)` of a list, `max(a, b)` of arguments. */
static int extreme(struct expr_run *run, const struct expr_value *args, unsigned count, int direction,
                   struct expr_value *out)
{
    bool list = count == 1 && args->type == JSON_ARRAY;
    size_t elements = list ? expr_list_count(args) : count;
    *out = expr_null;
    for (size_t i = 0; i < elements; i++) {
        struct expr_value value = list ? expr_list_at(args, i) : args[i];
        int order = direction;
        if (expr_charge(run, 1) != 0)
            return -1;
        if (value.type == JSON_NULL)
            continue;
        if (value.type != JSON_NUMBER && value.type != JSON_STRING)
            return expr_fail(run, "numbers and texts have an order, and here is %s",
                             expr_type_words(value.type));
        if (out->type != JSON_NULL && out->type != value.type)
            return expr_fail(run, "numbers and texts are compared with their like alone, and here are both");
        if (out->type != JSON_NULL && expr_order(run, &value, out, &order) != 0)
            return -1;
        if (order * direction > 0)
            *out = value;
    }
    return 0;
}

EXPR_FUNCTION(max)
{
    return extreme(run, args, count, 1, out);
}

EXPR_FUNCTION(min)
{
    return extreme(run, args, count, -1, out);
}

EXPR_FUNCTION(sum)
{
    struct expr_decimal total = {0, 0}, number;
    (void)count;
    for (size_t i = 0; i < expr_list_count(args); i++) {
        struct expr_value value = expr_list_at(args, i);
        if (expr_charge(run, 1) != 0)
            return -1;
        if (value.type == JSON_NULL)
            continue;
        if (value.type != JSON_NUMBER)
            return expr_fail(run, "sum adds numbers, and here is %s", expr_type_words(value.type));
        if (expr_number_of(run, &value, &number) != 0)
            return -1;
        if (expr_decimal_add(total, number, &total) != 0)
            return too_large(run);
    }
    *out = expr_of_number(total);
    return 0;
}

/* Of a text: null when it is no number, so that an expression can ask. */
EXPR_FUNCTION(number)
{
    struct expr_decimal number;
    const char *why;
    size_t len;
    (void)count;
    *out = *args;
    if (args->type == JSON_NUMBER)
        return 0;
    const char *text = expr_text_of(args, &len);
    if (expr_charge_text(run, len) != 0)
        return -1;
    bool good = len > 0 && json_number_scan(text, len, &why) == len && why == NULL &&
                expr_decimal_parse(text, len, &number) == 0;
    *out = good ? expr_of_number(number) : expr_null;
    return 0;
}

/* Seconds since 1970, so that a difference is in seconds too. */
EXPR_FUNCTION(time)
{
    int64_t unix_ms;
    size_t len;
    (void)count;
    const char *text = expr_text_of(args, &len);
    if (expr_charge_text(run, len) != 0)
        return -1;
    *out = expr_null;
    if (timefmt_parse(text, len, &unix_ms) == 0)
        *out = expr_of_number(expr_decimal_strip((struct expr_decimal){unix_ms, 3}));
    return 0;
}
