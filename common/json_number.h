/* json_number.h: JSON number texts: their grammar, and their values without a double. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_EXPONENT_DIGITS_MAX 9 /* leading zeros not counted; what is compared by value must fit */

/* Bytes of the number that text starts with. When it is no number, *why becomes a sentence (NULL otherwise) and the answer is
 * the offset of the offending byte. */
size_t json_number_scan(const char *text, size_t len, const char **why);
/* These take texts that json_number_scan accepted. */
int json_number_int64(const char *text, size_t len,
                      int64_t *value); /* -1: not whole, or beyond 64 bits; 1.50e1 is 15 */
bool json_number_equal(const char *a, size_t a_len, const char *b, size_t b_len);
int json_number_compare(const char *a, size_t a_len, const char *b, size_t b_len); /* <0, 0, >0 */
