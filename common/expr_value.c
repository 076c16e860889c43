/*
 * expr_value.c: the values of an evaluation: from JSON and back, compared, and what looking at them costs.
 *
 * What was read from JSON stays there until somebody needs its number or text, and goes out as it came: 1.10 remains 1.10.
 * Everything that walks over data charges for it, or a list in a list in a list would cost time without end.
 */
#include "expr_tree.h"
#include "json_number.h"

#define BYTES_PER_STEP 64

const struct expr_value expr_null = {.type = JSON_NULL};

const char *expr_type_words(enum json_type type)
{
    static const char *const words[] = {"null", "true or false", "a number", "a text", "a list", "an object"};
    return words[type];
}

void expr_add_types(struct buf *text, unsigned types)
{
    const char *separator = "";
    if (types != EXPR_NULL)
        types &= ~EXPR_NULL; /* it goes without saying: docs/expressions.md has the rule */
    for (int type = JSON_NULL; type <= JSON_OBJECT; type++) {
        if ((types & EXPR_BIT(type)) == 0)
            continue;
        types &= ~EXPR_BIT(type);
        buf_addf(text, "%s%s", separator, expr_type_words((enum json_type)type));
        separator = (types & (types - 1)) == 0 ? " or " : ", ";
    }
}

struct expr_value expr_of_json(const struct json *json)
{
    return (struct expr_value){.type = json_type(json), .json = json};
}

struct expr_value expr_of_bool(bool yes)
{
    return (struct expr_value){.type = JSON_BOOL, .yes = yes};
}

struct expr_value expr_of_number(struct expr_decimal number)
{
    return (struct expr_value){.type = JSON_NUMBER, .number = number};
}

struct expr_value expr_of_text(const char *at, size_t len)
{
    struct expr_value value = {.type = JSON_STRING};
    value.text.at = at;
    value.text.len = len;
    return value;
}

bool expr_is_true(const struct expr_value *value)
{
    return value->json != NULL ? json_bool(value->json) : value->yes;
}

const char *expr_text_of(const struct expr_value *value, size_t *len)
{
    if (value->json != NULL)
        return json_text(value->json, len);
    *len = value->text.len;
    return value->text.at;
}

size_t expr_list_count(const struct expr_value *value)
{
    if (value->type == JSON_NULL)
        return 0;
    return value->json != NULL ? json_count(value->json) : value->list.count;
}

struct expr_value expr_list_at(const struct expr_value *value, size_t index)
{
    return value->json != NULL ? expr_of_json(json_at(value->json, index)) : value->list.at[index];
}

/* ---- what it costs ---- */

int expr_fail(struct expr_run *run, const char *format, ...)
{
    va_list args;
    buf_addf(run->why, "column %u: ", run->column);
    va_start(args, format);
    buf_vaddf(run->why, format, args);
    va_end(args);
    return -1;
}

int expr_charge(struct expr_run *run, size_t steps)
{
    if (steps > EXPR_STEPS_MAX - run->steps)
        return expr_fail(run, "this takes more than %d steps: the data is too large for it", EXPR_STEPS_MAX);
    run->steps += steps;
    return 0;
}

int expr_charge_text(struct expr_run *run, size_t bytes)
{
    return expr_charge(run, bytes / BYTES_PER_STEP);
}

int expr_make(struct expr_run *run, size_t bytes, void **memory)
{
    if (bytes > EXPR_BYTES_MAX - run->bytes)
        return expr_fail(run, "this makes texts and lists of more than %d bytes", EXPR_BYTES_MAX);
    run->bytes += bytes;
    if (run->arena == NULL)
        run->arena = arena_new(4096);
    *memory = arena_alloc(run->arena, bytes + 1);
    return 0;
}

/* ---- numbers ---- */

int expr_number_of(struct expr_run *run, const struct expr_value *value, struct expr_decimal *number)
{
    size_t len;
    if (value->json == NULL) {
        *number = value->number;
        return 0;
    }
    const char *text = json_text(value->json, &len);
    if (expr_charge_text(run, len) != 0)
        return -1;
    if (expr_decimal_parse(text, len, number) != 0)
        return expr_fail(run, "this computes with a number of more than %d digits", EXPR_DIGITS_MAX);
    return 0;
}

/* Its digits: where they stand in JSON, else in `made`. */
static const char *number_text(const struct expr_value *value, char made[EXPR_DECIMAL_TEXT], size_t *len)
{
    if (value->json != NULL)
        return json_text(value->json, len);
    *len = expr_decimal_format(value->number, made);
    return made;
}

/* ---- comparing ---- */

static int equal_numbers(struct expr_run *run, const struct expr_value *a, const struct expr_value *b,
                         bool *equal)
{
    char a_made[EXPR_DECIMAL_TEXT], b_made[EXPR_DECIMAL_TEXT];
    size_t a_len, b_len;
    const char *a_text = number_text(a, a_made, &a_len), *b_text = number_text(b, b_made, &b_len);
    *equal = json_number_equal(a_text, a_len, b_text, b_len);
    return expr_charge_text(run, a_len + b_len);
}

static int equal_texts(struct expr_run *run, const struct expr_value *a, const struct expr_value *b,
                       bool *equal)
{
    size_t a_len, b_len;
    const char *a_text = expr_text_of(a, &a_len), *b_text = expr_text_of(b, &b_len);
    *equal = a_len == b_len && memcmp(a_text, b_text, a_len) == 0;
    return *equal ? expr_charge_text(run, a_len) : 0;
}

static int equal_lists(struct expr_run *run, const struct expr_value *a, const struct expr_value *b,
                       bool *equal)
{
    size_t count = expr_list_count(a);
    *equal = count == expr_list_count(b);
    for (size_t i = 0; i < count && *equal; i++) {
        struct expr_value left = expr_list_at(a, i), right = expr_list_at(b, i);
        if (expr_equal(run, &left, &right, equal) != 0)
            return -1;
    }
    return 0;
}

static int equal_objects(struct expr_run *run, const struct expr_value *a, const struct expr_value *b,
                         bool *equal)
{
    struct json_iter iter = {NULL};
    const char *key;
    struct json *value, *other;
    *equal = json_count(a->json) == json_count(b->json);
    while (*equal && json_next(a->json, &iter, &key, &value)) {
        if ((*equal = json_find(b->json, key, &other)) == false)
            break;
        struct expr_value left = expr_of_json(value), right = expr_of_json(other);
        if (expr_charge_text(run, strlen(key)) != 0 || expr_equal(run, &left, &right, equal) != 0)
            return -1;
    }
    return 0;
}

int expr_equal(struct expr_run *run, const struct expr_value *a, const struct expr_value *b, bool *equal)
{
    *equal = a->type == b->type;
    if (expr_charge(run, 1) != 0)
        return -1;
    if (!*equal || a->type == JSON_NULL)
        return 0;
    switch (a->type) {
    case JSON_BOOL:
        *equal = expr_is_true(a) == expr_is_true(b);
        return 0;
    case JSON_NUMBER:
        return equal_numbers(run, a, b, equal);
    case JSON_STRING:
        return equal_texts(run, a, b, equal);
    case JSON_ARRAY:
        return equal_lists(run, a, b, equal);
    default:
        return equal_objects(run, a, b, equal);
    }
}

/* Texts by their bytes, which is the order of Unicode's numbers and the same everywhere. */
int expr_order(struct expr_run *run, const struct expr_value *a, const struct expr_value *b, int *order)
{
    char a_made[EXPR_DECIMAL_TEXT], b_made[EXPR_DECIMAL_TEXT];
    size_t a_len, b_len;
    bool numbers = a->type == JSON_NUMBER;
    const char *a_text = numbers ? number_text(a, a_made, &a_len) : expr_text_of(a, &a_len);
    const char *b_text = numbers ? number_text(b, b_made, &b_len) : expr_text_of(b, &b_len);
    if (expr_charge_text(run, a_len + b_len) != 0)
        return -1;
    *order = numbers ? json_number_compare(a_text, a_len, b_text, b_len)
                     : memcmp(a_text, b_text, a_len < b_len ? a_len : b_len);
    if (!numbers && *order == 0)
        *order = (a_len > b_len) - (a_len < b_len);
    return 0;
}

/* ---- out ---- */

/* What a made list shares with the data is written as often as it stands there. */
static int charge_shared(struct expr_run *run, const struct json *json)
{
    struct json_iter iter = {NULL};
    struct json *value;
    const char *key;
    size_t len;
    if (expr_charge(run, 1) != 0 || (json_text(json, &len) != NULL && expr_charge_text(run, len) != 0))
        return -1;
    for (size_t i = 0; json_type(json) == JSON_ARRAY && i < json_count(json); i++) {
        if (charge_shared(run, json_at(json, i)) != 0)
            return -1;
    }
    while (json_type(json) == JSON_OBJECT && json_next(json, &iter, &key, &value)) {
        if (expr_charge_text(run, strlen(key)) != 0 || charge_shared(run, value) != 0)
            return -1;
    }
    return 0;
}

static int list_to_json(struct expr_run *run, const struct expr_value *list, struct json **out)
{
    struct json *array = json_new_array(), *element;
    for (size_t i = 0; i < list->list.count; i++) {
        const struct expr_value *value = &list->list.at[i];
        if (expr_charge(run, 1) != 0 || (value->json != NULL && charge_shared(run, value->json) != 0) ||
            expr_to_json(run, value, &element) != 0) {
            json_free(array);
            return -1;
        }
        json_append(array, element);
    }
    *out = array;
    return 0;
}

static int text_to_json(struct expr_run *run, const struct expr_value *text, struct json **out)
{
    if (expr_charge_text(run, text->text.len) != 0)
        return -1;
    *out = json_new_text_len(text->text.at, text->text.len);
    return 0;
}

int expr_to_json(struct expr_run *run, const struct expr_value *value, struct json **out)
{
    char number[EXPR_DECIMAL_TEXT];
    *out = NULL;
    if (value->json != NULL) {
        *out = json_ref((struct json *)value->json);
        return 0;
    }
    switch (value->type) {
    case JSON_BOOL:
        *out = json_new_bool(value->yes);
        return 0;
    case JSON_NUMBER:
        expr_decimal_format(value->number, number);
        *out = json_new_number(number);
        return 0;
    case JSON_STRING:
        return text_to_json(run, value, out);
    case JSON_ARRAY:
        return list_to_json(run, value, out);
    default:
        return 0;
    }
}
