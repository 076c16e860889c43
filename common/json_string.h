/* json_string.h: one string of a JSON text, checked and without its escapes. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

struct json_span {
    const char *text; /* not NUL-terminated when it lies in the source */
    size_t len;
    bool decoded; /* it had escapes: text lies in `decoded` */
};

struct json_string_fault {
    const char *at;
    char detail[160]; /* a sentence: what would be right */
};

/* `at` is on the opening quote. The place behind the closing one, or NULL and *fault. The span lives as long as the source,
 * or until `decoded` changes. */
const char *json_string_scan(const char *at, const char *end, struct buf *decoded, struct json_span *span,
                             struct json_string_fault *fault);
