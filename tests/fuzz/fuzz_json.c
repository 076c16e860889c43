/*
 * fuzz_json.c: what json_parse takes comes back from json_write and parses to an equal value; json_check agrees with it.
 */
#include "json.h"
#include "log.h"
#include "mem.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct json_error *error, size_t size)
{
    if (error->offset > size || error->detail[0] == '\0')
        bug("a refusal at %zu of %zu without a place or a sentence", error->offset, size);
    const char *at = error->pointer;
    for (size_t left = strnlen(at, sizeof error->pointer); left > 0;) {
        size_t sequence = utf8_sequence(at, left);
        if (sequence == 0)
            bug("the pointer is not UTF-8");
        at += sequence;
        left -= sequence;
    }
}

static struct json *parse_again(const struct json *json, struct buf *text)
{
    struct json_error error;
    bool ok;
    json_write(text, json);
    struct json *again = json_parse(text->data, text->len, JSON_DEPTH_MAX, &error, &ok);
    if (!ok)
        bug("json_write made a text that json_parse refuses: %s", error.detail);
    return again;
}

static void check_value(struct json *json)
{
    struct buf first = BUF_INIT, second = BUF_INIT;
    struct json *again = parse_again(json, &first);
    if (!json_equal(json, again))
        bug("a value is not equal to itself written and parsed");
    json_write(&second, again);
    if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
        bug("the same value is written in two ways");
    struct json *copy = json_copy(json);
    if (!json_equal(copy, again))
        bug("a copy differs");
    json_free(copy);
    json_free(again);
    buf_release(&first);
    buf_release(&second);
}

/* Some sizes allow less depth than others, so that this limit is met too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_error error = {.detail = ""};
    bool ok;
    unsigned depth_max = size % 16 == 0 ? size / 16 % 8 : JSON_DEPTH_MAX;
    const char *text = (const char *)data;
    struct json *json = json_parse(text, size, depth_max, &error, &ok);
    if (ok != (json_check(text, size, depth_max, NULL) == 0))
        bug("json_parse and json_check disagree");
    if (ok)
        check_value(json);
    else
        check_error(&error, size);
    json_free(json);
    return 0;
}
