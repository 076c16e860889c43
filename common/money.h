/*
 * money.h: decimal amounts: integer minor units and scaled rates, never a double.
 *
 * An amount is read from the JSON number's own text. Conversion multiplies or divides by a dated rate and rounds half away
 * from zero to the target currency's minor units (ISO 4217 exponents: 2 for USD and INR).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct money {
    int64_t minor;    /* units of 10^-exponent */
    uint8_t exponent; /* digits after the point, 0-9 */
};
struct money_rate {
    int64_t value; /* units of 10^-exponent: 83 is {83, 0}, 83.125 is {83125, 3} */
    uint8_t exponent;
};

/* JSON number text ("12", "-0.10", "1.5e2") → amount with exactly the digits it needs (12.50 is {125, 1}); -1: not a number,
 * more than 9 decimals, or beyond 64 bits. */
int money_parse(const char *text, size_t len, struct money *money);
int money_parse_rate(const char *text, struct money_rate *rate); /* positive; -1 otherwise */
void money_format(struct buf *buf,
                  struct money money); /* "12.50", "-0.10", "3": exactly `exponent` decimals */
int money_rescale(struct money *money, uint8_t exponent); /* rounds half away from zero; -1 beyond 64 bits */
int money_multiply(struct money amount, struct money_rate rate, uint8_t exponent,
                   struct money *out); /* -1 beyond 64 bits */
int money_divide(struct money amount, struct money_rate rate, uint8_t exponent, struct money *out);
/* amount × to / from, rounded once: from one currency to another over two rates per US dollar. */
int money_convert(struct money amount, struct money_rate from, struct money_rate to, uint8_t exponent,
                  struct money *out);
int money_compare(struct money a, struct money b); /* by value, whatever the exponents: <0, 0, >0 */
