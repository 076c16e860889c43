/* inbound_text.h: texts as a shop keeps them, for inbound_map.c: pure. */
#pragma once
#include <stdbool.h>

#include "json.h"

/* The plain text of an editor's blocks ({"blocks": [{"data": {"text": "…"}}]}, as an object or as JSON in a text), a line for each;
 * their inline HTML loses its tags. A new reference; NULL: it is none of that, or empty. */
struct json *inbound_plain_text(const struct json *value);
/* Equal but for how much white space there is, at the ends none, and, when caseless, for capitals (ASCII). */
bool inbound_is_loosely(const char *a, const char *b, bool caseless);
