/*
 * expr_decimal.c: exact decimals on 128-bit integers: see expr_decimal.h.
 *
 * 38 digits are what such an integer holds whole. Where an operation does not fit, zeros at the end are taken off and it is tried
 * once more; only then it fails.
 */
#include "expr_decimal.h"

#include <stdbool.h>

#include "mem.h"

typedef __int128 wide;
typedef unsigned __int128 natural;

static wide power_of_ten(unsigned exponent)
{
    wide power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

static const wide limit = (wide)10000000000000000000ULL * 10000000000000000000ULL; /* 10^EXPR_DIGITS_MAX */

static bool fits(wide units)
{
    return units < limit && units > -limit;
}

struct expr_decimal expr_decimal_strip(struct expr_decimal a)
{
    while (a.scale > 0 && a.units % 10 == 0) {
        a.units /= 10;
        a.scale--;
    }
    return a;
}

/* ---- text ---- */

/* The digits of a text, without zeros in front; the text's value is them times 10^exponent. */
struct digits {
    const char *at;
    const char *end;
    int64_t exponent;
    size_t count;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int64_t read_exponent(const char *at, const char *end)
{
    bool negative = *at == '-';
    int64_t value = 0;
    for (at += *at == '-' || *at == '+'; at < end; at++)
        value = value * 10 + (*at - '0');
    return negative ? -value : value;
}

static struct digits digits_of(const char *at, const char *end)
{
    struct digits d = {at, at, 0, 0};
    bool fraction = false;
    for (; d.end < end && (is_digit(*d.end) || *d.end == '.'); d.end++) {
        fraction |= *d.end == '.';
        if (!is_digit(*d.end))
            continue;
        d.exponent -= fraction;
        d.count++;
    }
    if (d.end < end) /* at its e */
        d.exponent += read_exponent(d.end + 1, end);
    while (d.at < d.end && (*d.at == '0' || *d.at == '.'))
        d.count -= *d.at++ == '0';
    return d;
}

static void drop_zeros_at_end(struct digits *d)
{
    while (d->count > 0 && (d->end[-1] == '0' || d->end[-1] == '.')) {
        if (*--d->end == '0') {
            d->count--;
            d->exponent++;
        }
    }
}

int expr_decimal_parse(const char *text, size_t len, struct expr_decimal *out)
{
    bool negative = *text == '-';
    struct digits d = digits_of(text + negative, text + len);
    if (d.count > EXPR_DIGITS_MAX || d.exponent < -EXPR_DIGITS_MAX)
        drop_zeros_at_end(&d);
    if (d.count == 0)
        d.exponent = d.exponent >= -EXPR_DIGITS_MAX && d.exponent < 0 ? d.exponent : 0;
    if (d.count > EXPR_DIGITS_MAX || d.exponent < -EXPR_DIGITS_MAX ||
        d.exponent > EXPR_DIGITS_MAX - (int64_t)d.count)
        return -1;
    wide units = 0;
    for (const char *at = d.at; at < d.end; at++) {
        if (is_digit(*at))
            units = units * 10 + (*at - '0');
    }
    if (d.exponent > 0)
        units *= power_of_ten((unsigned)d.exponent);
    out->units = negative ? -units : units;
    out->scale = d.exponent < 0 ? (unsigned)-d.exponent : 0;
    return 0;
}

size_t expr_decimal_format(struct expr_decimal a, char text[EXPR_DECIMAL_TEXT])
{
    char digits[EXPR_DIGITS_MAX + 2]; /* from the last on */
    size_t count = 0, len = 0;
    natural rest = (natural)(a.units < 0 ? -a.units : a.units);
    for (; rest > 0 || count <= a.scale; rest /= 10)
        digits[count++] = (char)('0' + (int)(rest % 10));
    if (a.units < 0)
        text[len++] = '-';
    while (count > 0) {
        text[len++] = digits[--count];
        if (count == a.scale && count > 0)
            text[len++] = '.';
    }
    text[len] = '\0';
    return len;
}

/* ---- sums and products ---- */

static int align(struct expr_decimal *a, unsigned scale)
{
    while (a->scale < scale) {
        if (a->units >= limit / 10 || a->units <= -limit / 10)
            return -1;
        a->units *= 10;
        a->scale++;
    }
    return 0;
}

static int add(struct expr_decimal a, struct expr_decimal b, struct expr_decimal *out)
{
    if (align(&a, b.scale) != 0 || align(&b, a.scale) != 0)
        return -1;
    wide units;
    if (__builtin_add_overflow(a.units, b.units, &units) || !fits(units))
        return -1;
    *out = (struct expr_decimal){units, a.scale};
    return 0;
}

int expr_decimal_add(struct expr_decimal a, struct expr_decimal b, struct expr_decimal *out)
{
    return add(a, b, out) == 0 ? 0 : add(expr_decimal_strip(a), expr_decimal_strip(b), out);
}

static int multiply(struct expr_decimal a, struct expr_decimal b, struct expr_decimal *out)
{
    wide units;
    if (__builtin_mul_overflow(a.units, b.units, &units) || !fits(units))
        return -1;
    *out = (struct expr_decimal){units, a.scale + b.scale};
    if (out->scale > EXPR_DIGITS_MAX)
        *out = expr_decimal_strip(*out);
    return out->scale <= EXPR_DIGITS_MAX ? 0 : -1;
}

int expr_decimal_multiply(struct expr_decimal a, struct expr_decimal b, struct expr_decimal *out)
{
    return multiply(a, b, out) == 0 ? 0 : multiply(expr_decimal_strip(a), expr_decimal_strip(b), out);
}

/* ---- what rounds ---- */

/* 10 × *rest over the divisor by additions alone, for ten times the rest need not fit: the digit, and the new rest. */
static unsigned next_digit(natural *rest, natural divisor)
{
    unsigned digit = 0;
    natural sum = 0;
    for (int i = 0; i < 10; i++) {
        sum += *rest;
        if (sum >= divisor) {
            sum -= divisor;
            digit++;
        }
    }
    *rest = sum;
    return digit;
}

/* numerator / divisor × 10^power, half rounded up. */
static int quotient(natural numerator, natural divisor, int power, wide *out)
{
    natural result = numerator / divisor, rest = numerator % divisor;
    if (power < 0) { /* a rest of the first division cannot make less than a half a half */
        divisor = (natural)power_of_ten((unsigned)-power);
        rest = result % divisor;
        result /= divisor;
    }
    for (; power > 0; power--) {
        if (result >= (natural)limit / 10)
            return -1;
        result = result * 10 + next_digit(&rest, divisor);
    }
    if (rest >= divisor - rest)
        result++;
    *out = (wide)result;
    return fits(*out) ? 0 : -1;
}

int expr_decimal_divide(struct expr_decimal a, struct expr_decimal b, unsigned digits,
                        struct expr_decimal *out)
{
    bool negative = (a.units < 0) != (b.units < 0);
    a = expr_decimal_strip(a);
    b = expr_decimal_strip(b);
    natural numerator = (natural)(a.units < 0 ? -a.units : a.units);
    natural divisor = (natural)(b.units < 0 ? -b.units : b.units);
    int power = (int)digits + (int)b.scale - (int)a.scale;
    if (quotient(numerator, divisor, power, &out->units) != 0)
        return -1;
    if (negative)
        out->units = -out->units;
    out->scale = digits;
    return 0;
}

struct expr_decimal expr_decimal_round(struct expr_decimal a, unsigned digits)
{
    struct expr_decimal padded = a;
    if (a.scale <= digits)
        return align(&padded, digits) == 0 ? padded : a;
    const wide step = power_of_ten(a.scale - digits);
    wide rest = a.units % step, whole = a.units / step;
    if (rest >= step - rest)
        whole++;
    else if (-rest >= step + rest)
        whole--;
    return (struct expr_decimal){whole, digits};
}
