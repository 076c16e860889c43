/*
 * json_number.c: scans JSON numbers and compares them digit by digit.
 *
 * Through a double, 9007199254740993 would equal ...992 and an amount could lose its last digit.
 */
#include "json_number.h"

#include "mem.h"

/* 0.d1 d2 d3 ... times 10^exponent, where d1 is not 0. */
struct decimal {
    const char *at;  /* d1; a point between the digits is skipped */
    const char *end; /* of the digits */
    bool negative;
    bool zero;
    int64_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

static const char *scan_exponent(const char *at, const char *end, const char **why)
{
    if (at < end && (*at == '+' || *at == '-'))
        at++;
    const char *digits = at;
    at = skip_digits(at, end);
    if (at == digits)
        *why = "An exponent needs a digit after e: write 1e5";
    while (digits < at && *digits == '0')
        digits++;
    if (at - digits > JSON_EXPONENT_DIGITS_MAX) {
        *why = "This exponent is too long: use at most nine digits after e";
        return digits;
    }
    return at;
}

size_t json_number_scan(const char *text, size_t len, const char **why)
{
    const char *at = text, *end = text + len;
    *why = NULL;
    if (at < end && *at == '-')
        at++;
    if (at == end || !is_digit(*at)) {
        *why = "A minus sign needs a digit after it: write -1";
        return (size_t)(at - text);
    }
    const char *whole = at;
    at = skip_digits(at, end);
    if (*whole == '0' && at - whole > 1) {
        *why = "A number has no leading zeros: write 1 instead of 01, or put it in quotes";
        return (size_t)(whole - text);
    }
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = skip_digits(at, end);
        if (at == fraction) {
            *why = "A number needs a digit after its point: write 1.0 or 1";
            return (size_t)(at - text);
        }
    }
    if (at < end && (*at == 'e' || *at == 'E'))
        at = scan_exponent(at + 1, end, why);
    return (size_t)(at - text);
}

static int64_t read_exponent(const char *at, const char *end)
{
    bool negative = *at == '-';
    int64_t value = 0;
    if (*at == '-' || *at == '+')
        at++;
    for (; at < end; at++)
        value = value * 10 + (*at - '0');
    return negative ? -value : value;
}

static struct decimal decimal_of(const char *text, size_t len)
{
    struct decimal d = {.negative = *text == '-'};
    const char *end = text + len, *at = text + d.negative;
    const char *point = skip_digits(at, end);
    d.end = point < end && *point == '.' ? skip_digits(point + 1, end) : point;
    if (d.end < end)
        d.exponent = read_exponent(d.end + 1, end);
    while (at < d.end && (*at == '0' || *at == '.'))
        at++;
    d.at = at;
    d.zero = at == d.end;
    d.exponent += at < point ? point - at : -(at - point - 1);
    return d;
}

static bool has_digits(const struct decimal *d)
{
    return d->at < d->end;
}

/* The digits go on as zeros for ever. */
static char next_digit(struct decimal *d)
{
    if (has_digits(d) && *d->at == '.')
        d->at++;
    return has_digits(d) ? *d->at++ : '0';
}

bool json_number_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
    struct decimal x = decimal_of(a, a_len), y = decimal_of(b, b_len);
    if (x.zero || y.zero)
        return x.zero && y.zero;
    if (x.negative != y.negative || x.exponent != y.exponent)
        return false;
    while (has_digits(&x) || has_digits(&y)) {
        if (next_digit(&x) != next_digit(&y))
            return false;
    }
    return true;
}

/* As if both were positive; neither is 0. */
static int compare_sizes(struct decimal *x, struct decimal *y)
{
    if (x->exponent != y->exponent)
        return x->exponent < y->exponent ? -1 : 1;
    while (has_digits(x) || has_digits(y)) {
        char a = next_digit(x), b = next_digit(y);
        if (a != b)
            return a < b ? -1 : 1;
    }
    return 0;
}

int json_number_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    struct decimal x = decimal_of(a, a_len), y = decimal_of(b, b_len);
    int x_sign = x.zero ? 0 : x.negative ? -1 : 1, y_sign = y.zero ? 0 : y.negative ? -1 : 1;
    if (x_sign != y_sign || x_sign == 0)
        return x_sign - y_sign;
    return x_sign * compare_sizes(&x, &y);
}

int json_number_int64(const char *text, size_t len, int64_t *value)
{
    struct decimal d = decimal_of(text, len);
    uint64_t whole = 0;
    if (d.zero) {
        *value = 0;
        return 0;
    }
    if (d.exponent < 1 || d.exponent > 19) /* 19 digits always fit an uint64_t */
        return -1;
    for (int64_t i = 0; i < d.exponent; i++)
        whole = whole * 10 + (uint64_t)(next_digit(&d) - '0');
    while (has_digits(&d)) {
        if (next_digit(&d) != '0')
            return -1;
    }
    if (whole > (uint64_t)INT64_MAX + d.negative)
        return -1;
    *value = d.negative ? (int64_t)(0 - whole) : (int64_t)whole;
    return 0;
}
