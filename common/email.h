/* email.h: the one judge of what is an e-mail address. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define EMAIL_BYTES_MAX 254 /* RFC 5321 §4.5.3.1 with the brackets taken off */

/* The shape that real addresses have: one @ with something on both sides, no blanks, quotes or double points. */
bool email_is_valid(const char *text, size_t len);
