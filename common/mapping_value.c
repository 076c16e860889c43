/*
 * mapping_value.c: one value on its way to a platform: its currency, its status words. Also the question whether a value that
 * comes back is the one that went out, which is answered by sending it once more.
 */
#include "mapping_fields.h"
#include "platform_inbound.h"
#include "timefmt.h"

static bool is_one_of(const char *field, const char *const *fields)
{
    while (*fields != NULL && strcmp(*fields, field) != 0)
        fields++;
    return *fields != NULL;
}

bool mapping_is_money(const char *field)
{
    static const char *const fields[] = {"price", "amount", "total", "budget", NULL};
    return is_one_of(field, fields);
}

bool mapping_is_money_list(const char *field)
{
    static const char *const lists[] = {"items", "variants", NULL};
    return is_one_of(field, lists);
}

/* In an element of such a list. `amount` is not among them: there it may well count pieces. */
static bool is_element_money(const char *member)
{
    static const char *const members[] = {"price", "total", NULL};
    return is_one_of(member, members);
}

/* Length of the number without its decimals beyond `keep`; the whole where it has an exponent. */
static size_t cut_decimals(const char *text, size_t len, size_t keep)
{
    const char *point = memchr(text, '.', len);
    size_t whole = point != NULL ? (size_t)(point - text) : len;
    if (memchr(text, 'e', len) != NULL || memchr(text, 'E', len) != NULL || whole + 1 + keep >= len)
        return len;
    return keep > 0 ? whole + 1 + keep : whole;
}

int mapping_amount(const char *text, size_t len, struct money *money)
{
    if (money_parse(text, len, money) == 0)
        return 0;
    for (const char *at = text; at < text + len; at++) {
        if (strchr("0123456789+-.eE", *at) == NULL) /* no number: cutting must not make it one */
            return -1;
    }
    for (int keep = 9; keep >= 0; keep--) {
        if (money_parse(text, cut_decimals(text, len, (size_t)keep), money) == 0)
            return 0;
    }
    return -1;
}

struct json *mapping_as_number(const struct json *value)
{
    struct money money;
    size_t len;
    const char *text = json_type(value) == JSON_STRING ? json_text(value, &len) : NULL;
    if (text == NULL || money_parse(text, len, &money) != 0)
        return json_ref((struct json *)value);
    return json_new_number(text);
}

bool mapping_is_time(const char *field)
{
    size_t len = strlen(field);
    return len > 3 && strcmp(field + len - 3, "_at") == 0;
}

#define SECONDS_LEN 19 /* 2026-01-31T12:34:56 */

struct json *mapping_as_time(const struct json *value)
{
    char utc[TIMEFMT_LEN + 1];
    int64_t ms;
    size_t len = 0;
    const char *text = json_type(value) == JSON_STRING ? json_text(value, &len) : NULL;
    if (text == NULL || timefmt_parse(text, len, &ms) != 0 || (text[len - 1] == 'Z' && text[10] == 'T'))
        return json_copy(value);
    struct buf time = BUF_INIT;
    timefmt_rfc3339(ms, utc);
    buf_add(&time, utc, SECONDS_LEN);
    if (text[SECONDS_LEN] == '.')
        buf_add(&time, text + SECONDS_LEN, 1 + strspn(text + SECONDS_LEN + 1, "0123456789"));
    buf_add_ch(&time, 'Z');
    struct json *json = json_new_text(time.data);
    buf_release(&time);
    return json;
}

static struct json *element_as_numbers(const struct json *element)
{
    struct json *copy = json_copy(element);
    struct json_iter iter = {NULL};
    const char *key;
    struct json *value;
    if (json_type(element) != JSON_OBJECT)
        return copy;
    while (json_next(element, &iter, &key, &value)) {
        if (is_element_money(key))
            json_set(copy, key, mapping_as_number(value));
    }
    return copy;
}

struct json *mapping_list_as_numbers(const struct json *list)
{
    struct json *copy = json_new_array();
    for (size_t i = 0; i < json_count(list); i++)
        json_append(copy, element_as_numbers(json_at(list, i)));
    return copy;
}

const char *mapping_noted_currency(const struct platform_set *platforms, const struct json *note,
                                   const char *own)
{
    const char *currency = json_get_text(note, "c");
    const char *origin = json_get_text(note, "o");
    if (currency == NULL)
        currency = own;
    const struct platform *platform =
        currency == NULL && origin != NULL ? platform_find(platforms, origin) : NULL;
    return platform != NULL ? platform->currency : currency;
}

static int convert(const struct mapping_value *value, const struct platform *from, struct json **out)
{
    struct money money;
    struct buf number = BUF_INIT;
    size_t len;
    const char *text = json_text(value->value, &len);
    if (mapping_amount(text, len, &money) != 0 ||
        money_convert(money, from->per_usd, value->target->per_usd, value->target->decimals, &money) != 0)
        return -1;
    money_format(&number, money);
    *out = json_new_number(number.data);
    buf_release(&number);
    return 0;
}

/* Money that needs no conversion goes out with the digits it came with. */
static int money_out(const struct mapping_value *value, struct json **out, struct buf *error)
{
    const char *own = value->target->currency;
    const struct platform *from =
        value->currency != NULL ? platform_of_currency(value->platforms, value->currency) : NULL;
    *out = mapping_as_number(value->value);
    if (json_type(*out) == JSON_NUMBER && value->currency != NULL && strcmp(value->currency, own) == 0)
        return 0;
    struct mapping_value number = *value;
    number.value = *out;
    *out = NULL;
    int result = -1;
    if (json_type(number.value) != JSON_NUMBER)
        buf_addf(error, "%s is not a number, so it is no amount", value->field);
    else if (value->currency == NULL)
        buf_addf(error, "%s cannot be given in %s: its currency is not known; send a currency with it",
                 value->field, own);
    else if (from == NULL)
        buf_addf(error, "%s cannot be given in %s: it is in %.16s, and no platform file has a rate for that",
                 value->field, own, value->currency);
    else if (convert(&number, from, out) != 0)
        buf_addf(error, "%s cannot be given in %s: it is too large", value->field, own);
    else
        result = 0;
    json_free((struct json *)number.value);
    return result;
}

/* An element's own currency stands above that of the list. */
static int element_out(const struct mapping_value *list, const struct json *element, struct json **out,
                       struct buf *error)
{
    const char *own = json_get_text(element, "currency");
    struct json_iter iter = {NULL};
    const char *key;
    struct json *member;
    *out = json_copy(element);
    while (json_type(element) == JSON_OBJECT && json_next(element, &iter, &key, &member)) {
        struct mapping_value value = *list;
        struct json *mapped;
        char name[32]; /* items.price */
        if (!is_element_money(key) || member == NULL)
            continue;
        snprintf(name, sizeof name, "%s.%s", list->field, key);
        value.field = name;
        value.currency = own != NULL ? own : list->currency;
        value.value = member;
        if (money_out(&value, &mapped, error) != 0) {
            json_free(*out);
            return -1;
        }
        json_set(*out, key, mapped);
    }
    if (own != NULL)
        json_set(*out, "currency", json_new_text(list->target->currency));
    return 0;
}

static int list_out(const struct mapping_value *list, struct json **out, struct buf *error)
{
    struct json *mapped;
    *out = json_new_array();
    for (size_t i = 0; i < json_count(list->value); i++) {
        if (element_out(list, json_at(list->value, i), &mapped, error) != 0) {
            json_free(*out);
            *out = NULL;
            return -1;
        }
        json_append(*out, mapped);
    }
    return 0;
}

int mapping_value_out(const struct mapping_value *value, struct json **out, struct buf *error)
{
    enum json_type type = json_type(value->value);
    if (type != JSON_NULL && mapping_is_money(value->field))
        return money_out(value, out, error);
    if (type == JSON_ARRAY && mapping_is_money_list(value->field))
        return list_out(value, out, error);
    if (type == JSON_STRING && strcmp(value->field, "currency") == 0)
        *out = json_new_text(value->target->currency);
    else if (type == JSON_STRING && strcmp(value->field, "status") == 0 &&
             value->target->entities[value->entity].words)
        *out = json_new_text(platform_own_word(value->target, json_text(value->value, NULL)));
    else
        *out = json_ref((struct json *)value->value);
    return 0;
}

const char *mapping_currency(const struct platform *source, const char *field, const struct json *common)
{
    const char *own = json_get_text(common, "currency");
    if (!mapping_is_money(field) && !mapping_is_money_list(field))
        return NULL;
    return own != NULL ? own : source->currency;
}

static bool same_text(const struct json *a, const struct json *b)
{
    const char *left = json_text(a, NULL);
    const char *right = json_text(b, NULL);
    return left != NULL && right != NULL && strcmp(left, right) == 0;
}

/* Both through the way out: what they would be there is what counts. */
static bool same_out(const struct mapping_value *held, const struct json *incoming)
{
    struct mapping_value other = *held;
    struct json *was = NULL, *is = NULL;
    struct buf error = BUF_INIT;
    other.currency = held->target->currency;
    other.value = incoming;
    bool same = mapping_value_out(held, &was, &error) == 0 && mapping_value_out(&other, &is, &error) == 0 &&
                json_equal(was, is);
    json_free(was);
    json_free(is);
    buf_release(&error);
    return same;
}

bool mapping_unchanged(const struct platform *source, enum entity entity, const char *field,
                       const struct json *held, const struct json *note, const struct json *incoming)
{
    if (entity == ENTITY_NONE)
        return json_equal(held, incoming);
    if (incoming != NULL && (held != NULL || note == NULL) &&
        platform_inbound_same(source, entity, field, held, incoming))
        return true;
    if (held == NULL && incoming != NULL) /* a field never set went out as the default, if there is one */
        return note == NULL && platform_echoes(source) &&
               json_equal(platform_default_value(source, entity, field), incoming);
    if (held == NULL || incoming == NULL)
        return held == incoming;
    if (strcmp(field, "id") == 0 && same_text(held, incoming))
        return true;
    struct mapping_value value = {
        source, source->set, entity, field, mapping_noted_currency(source->set, note, NULL), held};
    return same_out(&value, incoming);
}
