/*
 * expr_decimal.h: the numbers that expressions compute with: exact decimals of at most EXPR_DIGITS_MAX digits. Only a division and
 * round() round, half away from zero, once. What would need more digits fails: a digit is never lost silently.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "expr.h"

#define EXPR_DECIMAL_TEXT (EXPR_DIGITS_MAX + 5) /* with a sign, "0." and the NUL */
#define EXPR_ROUND_DIGITS_MAX 18

struct expr_decimal {
    __int128 units; /* of 10^-scale; fewer than EXPR_DIGITS_MAX + 1 digits */
    unsigned scale; /* digits behind the point, at most EXPR_DIGITS_MAX */
};

/* All answer 0, or -1 for what does not fit. `text` is one that json_number_scan accepted; it keeps its zeros: 12.50. */
int expr_decimal_parse(const char *text, size_t len, struct expr_decimal *out);
int expr_decimal_add(struct expr_decimal a, struct expr_decimal b, struct expr_decimal *out);
int expr_decimal_multiply(struct expr_decimal a, struct expr_decimal b, struct expr_decimal *out);
/* With exactly so many digits behind the point, at most EXPR_ROUND_DIGITS_MAX. b is not 0. */
int expr_decimal_divide(struct expr_decimal a, struct expr_decimal b, unsigned digits,
                        struct expr_decimal *out);
struct expr_decimal expr_decimal_round(struct expr_decimal a, unsigned digits); /* at most so many */
struct expr_decimal expr_decimal_strip(struct expr_decimal a); /* without zeros at the end behind the point */
/* "-0.05": no exponent. Its length. */
size_t expr_decimal_format(struct expr_decimal a, char text[EXPR_DECIMAL_TEXT]);
