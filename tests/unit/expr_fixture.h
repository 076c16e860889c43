/* expr_fixture.h: rows of expression, data and result, for the tests of the expression language. */
#pragma once
#include "buf.h"
#include "expr.h"

/* Every expression may use these names; their values are members of the row's data. */
extern const char *const expr_row_names[];

struct expr_row {
    const char *expression;
    const char *data;
    const char *result; /* JSON; "!sentence": it fails, and this stands in the sentence; "!!sentence": it is not even parsed */
};
void expr_row_check(const struct expr_row *row);
struct json *expr_row_json(const char *text);
