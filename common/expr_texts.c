/*
 * expr_texts.c: the functions about texts. Capitals are those of ASCII: what other letters do depends on the language.
 */
#include "email.h"
#include "expr_functions.h"

static bool is_blank_char(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *trimmed(const struct expr_value *value, size_t *len)
{
    const char *text = expr_text_of(value, len);
    for (; *len > 0 && is_blank_char(*text); text++)
        --*len;
    while (*len > 0 && is_blank_char(text[*len - 1]))
        --*len;
    return text;
}

EXPR_FUNCTION(trim)
{
    size_t len;
    (void)count;
    const char *text = trimmed(args, &len);
    *out = expr_of_text(text, len);
    return expr_charge_text(run, len);
}

EXPR_FUNCTION(is_blank)
{
    size_t len = 0;
    (void)count;
    switch (args->type) {
    case JSON_STRING:
        trimmed(args, &len);
        break;
    case JSON_ARRAY:
        len = expr_list_count(args);
        break;
    case JSON_OBJECT:
        len = json_count(args->json);
        break;
    case JSON_NULL:
        break;
    default:
        len = 1;
    }
    *out = expr_of_bool(len == 0);
    return args->type == JSON_STRING ? expr_charge_text(run, len) : 0;
}

EXPR_FUNCTION(is_email)
{
    size_t len;
    (void)run, (void)count;
    *out = expr_of_bool(false);
    if (args->type == JSON_STRING) {
        const char *text = expr_text_of(args, &len);
        *out = expr_of_bool(email_is_valid(text, len));
    }
    return 0;
}

EXPR_FUNCTION(length)
{
    size_t len = 0;
    __int128 characters = 0;
    (void)count;
    const char *text = args->type == JSON_NULL ? "" : expr_text_of(args, &len);
    for (size_t i = 0; i < len; i++)
        characters += ((unsigned char)text[i] & 0xc0) != 0x80;
    *out = expr_of_number((struct expr_decimal){characters, 0});
    return expr_charge_text(run, len);
}

static int change_case(struct expr_run *run, const struct expr_value *value, char first,
                       struct expr_value *out)
{
    size_t len;
    void *memory;
    const char *text = expr_text_of(value, &len);
    if (expr_charge_text(run, len) != 0 || expr_make(run, len, &memory) != 0)
        return -1;
    char *changed = memory;
    for (size_t i = 0; i < len; i++)
        changed[i] = text[i] >= first && text[i] < first + 26 ? (char)(text[i] ^ 0x20) : text[i];
    *out = expr_of_text(changed, len);
    return 0;
}

EXPR_FUNCTION(lower)
{
    (void)count;
    return change_case(run, args, 'A', out);
}

EXPR_FUNCTION(upper)
{
    (void)count;
    return change_case(run, args, 'a', out);
}

/* ---- parts ---- */

static int contains_element(struct expr_run *run, const struct expr_value *args, struct expr_value *out)
{
    bool found = false;
    for (size_t i = 0; i < expr_list_count(args) && !found; i++) {
        struct expr_value element = expr_list_at(args, i);
        if (expr_equal(run, &element, &args[1], &found) != 0)
            return -1;
    }
    *out = expr_of_bool(found);
    return 0;
}

EXPR_FUNCTION(contains)
{
    size_t len, part_len;
    (void)count;
    *out = expr_of_bool(false);
    if (args[0].type == JSON_NULL)
        return 0;
    if (args[0].type == JSON_ARRAY)
        return contains_element(run, args, out);
    if (args[1].type != JSON_STRING)
        return expr_fail(run, "contains looks for a text in a text, and here it is to look for %s",
                         expr_type_words(args[1].type));
    const char *text = expr_text_of(&args[0], &len), *part = expr_text_of(&args[1], &part_len);
    *out = expr_of_bool(memmem(text, len, part, part_len) != NULL);
    return expr_charge_text(run, len + part_len);
}

static int compare_edge(struct expr_run *run, const struct expr_value *args, bool end, struct expr_value *out)
{
    size_t len, part_len;
    *out = expr_of_bool(false);
    if (args[0].type == JSON_NULL)
        return 0;
    const char *text = expr_text_of(&args[0], &len), *part = expr_text_of(&args[1], &part_len);
    if (part_len <= len)
        *out = expr_of_bool(memcmp(end ? text + len - part_len : text, part, part_len) == 0);
    return expr_charge_text(run, part_len);
}

EXPR_FUNCTION(starts_with)
{
    (void)count;
    return compare_edge(run, args, false, out);
}

EXPR_FUNCTION(ends_with)
{
    (void)count;
    return compare_edge(run, args, true, out);
}

/* A separator between any two parts; twice the same position, so that the parts are counted before they are made. */
static size_t next_part(const char **at, const char *end, const struct expr_value *separator,
                        const char **part)
{
    size_t len;
    const char *text = expr_text_of(separator, &len);
    const char *found = *at != NULL ? memmem(*at, (size_t)(end - *at), text, len) : NULL;
    *part = *at;
    *at = found != NULL ? found + len : NULL;
    return (size_t)((found != NULL ? found : end) - *part);
}

EXPR_FUNCTION(split)
{
    size_t len, parts = 0, separator_len;
    void *memory;
    const char *text = expr_text_of(args, &len), *at = text, *part;
    expr_text_of(&args[1], &separator_len);
    (void)count;
    if (separator_len == 0)
        return expr_fail(run, "split needs to know what stands between the parts: this text is empty");
    if (expr_charge_text(run, 2 * (len + separator_len)) != 0)
        return -1;
    for (; at != NULL; parts++)
        next_part(&at, text + len, &args[1], &part);
    if (expr_charge(run, parts) != 0 || expr_make(run, parts * sizeof *out, &memory) != 0)
        return -1;
    struct expr_value *list = memory;
    at = text;
    for (size_t i = 0; i < parts; i++) {
        size_t part_len = next_part(&at, text + len, &args[1], &part);
        list[i] = expr_of_text(part, part_len);
    }
    *out = (struct expr_value){.type = JSON_ARRAY};
    out->list.at = list;
    out->list.count = parts;
    return 0;
}

static int join_length(struct expr_run *run, const struct expr_value *list, size_t separator_len,
                       size_t *total)
{
    size_t len;
    *total = 0;
    for (size_t i = 0; i < expr_list_count(list); i++) {
        struct expr_value element = expr_list_at(list, i);
        if (element.type != JSON_STRING)
            return expr_fail(run, "join puts texts together, and here is %s: text(…) makes one of a number",
                             expr_type_words(element.type));
        expr_text_of(&element, &len);
        *total += len + separator_len;
        if (expr_charge(run, 1) != 0 || expr_charge_text(run, len + separator_len) != 0)
            return -1;
    }
    return 0;
}

EXPR_FUNCTION(join)
{
    size_t total, separator_len, len;
    void *memory;
    const char *separator = expr_text_of(&args[1], &separator_len);
    (void)count;
    if (join_length(run, args, separator_len, &total) != 0 || expr_make(run, total, &memory) != 0)
        return -1;
    char *start = memory, *end = start;
    for (size_t i = 0; i < expr_list_count(args); i++) {
        struct expr_value element = expr_list_at(args, i);
        const char *text = expr_text_of(&element, &len);
        if (i > 0)
            end = mempcpy(end, separator, separator_len);
        end = mempcpy(end, text, len);
    }
    *out = expr_of_text(start, (size_t)(end - start));
    return 0;
}

/* ---- out of other types ---- */

static int text_of_number(struct expr_run *run, const struct expr_value *value, struct expr_value *out)
{
    struct expr_decimal number;
    void *memory;
    if (expr_number_of(run, value, &number) != 0 || expr_make(run, EXPR_DECIMAL_TEXT, &memory) != 0)
        return -1;
    *out = expr_of_text(memory, expr_decimal_format(number, memory));
    return 0;
}

EXPR_FUNCTION(text)
{
    (void)count;
    if (args->type == JSON_NUMBER)
        return text_of_number(run, args, out);
    *out = *args;
    if (args->type == JSON_BOOL)
        *out = expr_is_true(args) ? expr_of_text("true", 4) : expr_of_text("false", 5);
    return 0;
}
