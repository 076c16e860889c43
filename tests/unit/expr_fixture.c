/* expr_fixture.c: see expr_fixture.h. */
#include "expr_fixture.h"

#include <check.h>

#include "mem.h"

const char *const expr_row_names[] = {"values", "latest", "earliest", "base",     "times", "amount",
                                      "score",  "status", "email",    "name",     "items", "a",
                                      "b",      "c",      "currency", "customer", "data",  NULL};

struct json *expr_row_json(const char *text)
{
    struct json_error error;
    bool ok;
    struct json *json = json_parse(text, strlen(text), JSON_DEPTH_MAX, &error, &ok);
    ck_assert_msg(ok, "%s: %s", text, error.detail);
    return json;
}

static void evaluate(const struct expr_row *row, struct buf *out)
{
    struct buf why = BUF_INIT;
    struct json *record = expr_row_json(row->data), *result = NULL;
    struct expr *expr = expr_parse(row->expression, expr_row_names, &why);
    if (expr == NULL) {
        buf_addf(out, "!!%s", why.data);
    } else if (expr_eval_record(expr, record, &result, &why) != 0) {
        ck_assert_msg(why.len > 0, "%s fails without a sentence", row->expression);
        ck_assert_ptr_null(result);
        buf_addf(out, "!%s", why.data);
    } else {
        ck_assert_msg(why.len == 0, "%s: a sentence without a failure: %s", row->expression, why.data);
        json_write(out, result);
    }
    json_free(result);
    json_free(record);
    expr_free(&expr);
    buf_release(&why);
}

void expr_row_check(const struct expr_row *row)
{
    struct buf out = BUF_INIT;
    size_t marks = strspn(row->result, "!");
    evaluate(row, &out);
    bool good = marks > 0 ? strspn(out.data, "!") == marks && strstr(out.data, row->result + marks) != NULL
                          : strcmp(out.data, row->result) == 0;
    ck_assert_msg(good, "%s over %s is %s, not %s", row->expression, row->data, out.data, row->result);
    buf_release(&out);
}
