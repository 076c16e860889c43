/*
 * fuzz_expr.c: an expression, and behind its first line end the data: it is refused with a column, or it gives the same each time,
 * soon, and what it gives is JSON; a failure says where.
 */
#include "clock.h"
#include "expr.h"
#include "log.h"
#include "mem.h"
#include "utf8.h"

#define MS_MAX 2000 /* with sanitizers, on a busy machine; the steps that are allowed take some 10 ms */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char usual[] =
    "{\"values\":[1,2.50,null],\"latest\":1,\"a\":\"x y\",\"b\":[{\"x\":1,\"y\":[]},{\"x\":\"2\"}],"
    "\"c\":{\"d\":{\"e\":true}},\"email\":\"a@b.c\",\"amount\":-0.05,\"n\":1e30}";
static const char *const names[] = {"values", "latest", "a", "b", "c", "email", "amount", "n", "data", NULL};

static void check_sentence(const struct buf *why)
{
    if (strncmp(why->data, "column ", 7) != 0 && strncmp(why->data, "an expression has at most", 25) != 0)
        bug("a sentence without a column: %s", why->data);
    for (size_t i = 0; i < why->len;) {
        size_t step = utf8_sequence(why->data + i, why->len - i);
        if (step == 0)
            bug("a sentence that is no UTF-8: %s", why->data);
        i += step;
    }
}

/* What it gives, or the sentence. */
static void evaluate(const struct expr *expr, const struct json *record, struct buf *out)
{
    struct buf why = BUF_INIT;
    struct json *result;
    int64_t start = clock_mono_ms();
    if (expr_eval_record(expr, record, &result, &why) == 0) {
        json_write(out, result);
        if (why.len > 0)
            bug("a sentence without a failure: %s", why.data);
    } else {
        if (result != NULL)
            bug("a failure with a result");
        check_sentence(&why);
        buf_add(out, why.data, why.len);
    }
    if (clock_mono_ms() - start > MS_MAX)
        bug("it takes %lld ms", (long long)(clock_mono_ms() - start));
    json_free(result);
    buf_release(&why);
}

static void check_test(const char *text, const struct json *record, const struct buf *given)
{
    struct buf why = BUF_INIT;
    bool yes;
    struct expr *expr = expr_parse_test(text, names, &why);
    if (expr == NULL) {
        check_sentence(&why);
        if (strcmp(given->data, "true") == 0 || strcmp(given->data, "false") == 0)
            bug("it gives %s and is refused as a test: %s", given->data, why.data);
    } else if (expr_test_record(expr, record, &yes, &why) == 0) {
        if (strcmp(given->data, yes ? "true" : "false") != 0)
            bug("as a test it is %d, and it gives %s", yes, given->data);
    }
    expr_free(&expr);
    buf_release(&why);
}

static void try_expression(const char *text, const struct json *record)
{
    struct buf why = BUF_INIT, first = BUF_INIT, second = BUF_INIT;
    struct expr *expr = expr_parse(text, names, &why);
    if (expr == NULL) {
        check_sentence(&why);
    } else {
        evaluate(expr, record, &first);
        evaluate(expr, record, &second);
        if (strcmp(first.data, second.data) != 0)
            bug("first %s, then %s", first.data, second.data);
        check_test(text, record, &first);
    }
    expr_free(&expr);
    buf_release(&why), buf_release(&first), buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = size > 0 ? memchr(text, '\n', size) : NULL;
    bool ok = false;
    struct json *record = NULL;
    if (end != NULL)
        record = json_parse(end + 1, size - (size_t)(end + 1 - text), JSON_DEPTH_MAX, NULL, &ok);
    if (json_type(record) != JSON_OBJECT) {
        json_free(record);
        record = json_parse(usual, sizeof usual - 1, JSON_DEPTH_MAX, NULL, &ok);
    }
    char *line = mem_strndup(text, end != NULL ? (size_t)(end - text) : size);
    try_expression(line, record);
    free(line);
    json_free(record);
    return 0;
}
