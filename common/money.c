/*
 * money.c: decimal arithmetic on integers.
 *
 * Everything goes through one step, round_to(): a fraction of two 128-bit integers, rounded once, half away from zero.
 * Rounding twice (or a double anywhere) would make an amount that comes back from a platform look like a change.
 */
#include "money.h"

#include <stdbool.h>

#include "mem.h"

#define DECIMALS_MAX 9

typedef __int128 wide; /* products of two 64-bit numbers */

/* value × 10^power; -1 beyond 128 bits. */
static int scale(wide *value, int power)
{
    for (; power > 0; power--) {
        if (__builtin_mul_overflow(*value, 10, value))
            return -1;
    }
    return 0;
}

static int round_to(wide numerator, wide denominator, int64_t *result)
{
    wide quotient = numerator / denominator;
    wide rest = numerator % denominator;
    if (rest < 0)
        rest = -rest;
    if (rest >= denominator - rest)
        quotient += numerator < 0 ? -1 : 1;
    if (quotient > INT64_MAX || quotient < INT64_MIN)
        return -1;
    *result = (int64_t)quotient;
    return 0;
}

/* amount × to / from, rounded once to `exponent` decimals. */
int money_convert(struct money amount, struct money_rate from, struct money_rate to, uint8_t exponent,
                  struct money *out)
{
    wide numerator = (wide)amount.minor * to.value;
    wide denominator = from.value;
    int power = exponent + from.exponent - amount.exponent - to.exponent;
    int64_t minor;
    if (scale(power > 0 ? &numerator : &denominator, power > 0 ? power : -power) != 0)
        return -1;
    if (round_to(numerator, denominator, &minor) != 0)
        return -1;
    *out = (struct money){minor, exponent};
    return 0;
}

static const struct money_rate one = {1, 0};

int money_multiply(struct money amount, struct money_rate rate, uint8_t exponent, struct money *out)
{
    return money_convert(amount, one, rate, exponent, out);
}

int money_divide(struct money amount, struct money_rate rate, uint8_t exponent, struct money *out)
{
    return money_convert(amount, rate, one, exponent, out);
}

int money_rescale(struct money *money, uint8_t exponent)
{
    return money_convert(*money, one, one, exponent, money);
}

int money_compare(struct money a, struct money b)
{
    wide left = a.minor;
    wide right = b.minor;
    scale(&left, b.exponent > a.exponent ? b.exponent - a.exponent : 0); /* 64 bits × 10^9 always fit */
    scale(&right, a.exponent > b.exponent ? a.exponent - b.exponent : 0);
    return (left > right) - (left < right);
}

struct scanner {
    const char *at;
    const char *end;
};

static bool is_digit(const struct scanner *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static bool take(struct scanner *scan, const char *any_of)
{
    if (scan->at == scan->end || *scan->at == '\0' || strchr(any_of, *scan->at) == NULL)
        return false;
    scan->at++;
    return true;
}

/* Significant digits of a number: value without its trailing zeros, which count in `zeros` until a digit follows them. */
struct digits {
    wide value;
    int zeros;
    int seen;
};

static int take_digits(struct scanner *scan, struct digits *digits)
{
    const char *start = scan->at;
    for (; is_digit(scan); scan->at++) {
        digits->seen++;
        if (*scan->at == '0') {
            digits->zeros++;
            continue;
        }
        if (digits->value == 0)
            digits->zeros = 0;
        if (digits->zeros > 18 || scale(&digits->value, digits->zeros + 1) != 0)
            return -1;
        digits->value += *scan->at - '0';
        digits->zeros = 0;
        if (digits->value > INT64_MAX)
            return -1;
    }
    return scan->at > start ? 0 : -1;
}

#define EXPONENT_CLAMP 100000 /* beyond any amount; keeps the sum of exponents far from overflow */

static int take_exponent(struct scanner *scan, int *exponent)
{
    bool negative = scan->at < scan->end && *scan->at == '-';
    int value = 0;
    take(scan, "+-");
    if (!is_digit(scan))
        return -1;
    for (; is_digit(scan); scan->at++) {
        if (value < EXPONENT_CLAMP)
            value = value * 10 + (*scan->at - '0');
    }
    *exponent = negative ? -value : value;
    return 0;
}

/* The grammar of RFC 8259 §6: value × 10^power without trailing zeros in value. */
static int scan_number(struct scanner *scan, bool *negative, wide *value, int *power)
{
    struct digits digits = {0, 0, 0};
    int decimals = 0;
    int exponent = 0;
    *negative = take(scan, "-");
    bool leading_zero = scan->at < scan->end && *scan->at == '0';
    if (take_digits(scan, &digits) != 0 || (leading_zero && digits.seen > 1))
        return -1;
    if (take(scan, ".")) {
        int before = digits.seen;
        if (take_digits(scan, &digits) != 0)
            return -1;
        decimals = digits.seen - before;
    }
    if (take(scan, "eE") && take_exponent(scan, &exponent) != 0)
        return -1;
    *value = digits.value;
    *power = digits.zeros - decimals + exponent;
    return scan->at == scan->end ? 0 : -1;
}

int money_parse(const char *text, size_t len, struct money *money)
{
    struct scanner scan = {text, text + len};
    bool negative;
    wide value;
    int power;
    if (len > EXPONENT_CLAMP || scan_number(&scan, &negative, &value, &power) != 0)
        return -1;
    if (value == 0)
        power = 0;
    if (power < -DECIMALS_MAX || power > 18 || scale(&value, power) != 0 || value > INT64_MAX)
        return -1;
    money->minor = (int64_t)(negative ? -value : value);
    money->exponent = (uint8_t)(power < 0 ? -power : 0);
    return 0;
}

int money_parse_rate(const char *text, struct money_rate *rate)
{
    struct money money;
    if (money_parse(text, strlen(text), &money) != 0 || money.minor <= 0)
        return -1;
    *rate = (struct money_rate){money.minor, money.exponent};
    return 0;
}

void money_format(struct buf *buf, struct money money)
{
    uint64_t magnitude = money.minor < 0 ? 0 - (uint64_t)money.minor : (uint64_t)money.minor;
    char digits[32]; /* at most 20, or 1 + DECIMALS_MAX with zeros in front */
    int len = snprintf(digits, sizeof digits, "%0*llu", money.exponent + 1, (unsigned long long)magnitude);
    if (money.minor < 0)
        buf_add_ch(buf, '-');
    buf_add(buf, digits, (size_t)(len - money.exponent));
    if (money.exponent > 0) {
        buf_add_ch(buf, '.');
        buf_add(buf, digits + len - money.exponent, money.exponent);
    }
}
