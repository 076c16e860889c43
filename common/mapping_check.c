/*
 * mapping_check.c: the schema of each entity over the common names. It refuses what no platform could hold and nothing else: a
 * field that is not named here may be anything.
 */
#include "email.h"
#include "mapping_fields.h"

#define TEXT_BYTES_MAX 1000

/* NULL, or why the value (never null) is not one. */
typedef const char *(*check_cb)(const struct json *value);

static const char *check_text(const struct json *value)
{
    size_t len;
    if (json_type(value) != JSON_STRING)
        return "must be text";
    json_text(value, &len);
    return len <= TEXT_BYTES_MAX ? NULL : "is longer than 1000 bytes";
}

static const char *check_id(const struct json *value)
{
    int64_t number;
    size_t len = 0;
    const char *text = json_text(value, &len);
    if (text == NULL)
        return "must be text or a whole number";
    if (len == 0 || len > 256)
        return "must have 1 to 256 bytes";
    if (json_type(value) == JSON_NUMBER && text[strspn(text, "-0123456789")] != '\0' &&
        json_int64(value, &number) != 0)
        return "must be text or a whole number";
    return NULL;
}

static const char *check_email(const struct json *value)
{
    size_t len;
    const char *text = json_text(value, &len);
    if (json_type(value) != JSON_STRING)
        return "must be text";
    if (len > EMAIL_BYTES_MAX)
        return "is longer than 254 bytes";
    return email_is_valid(text, len) ? NULL : "must be an e-mail address such as name@example.com";
}

static const char *check_phone(const struct json *value)
{
    size_t len;
    if (json_text(value, &len) == NULL)
        return "must be text, such as +91 98765 43210";
    return len <= 64 ? NULL : "is longer than 64 bytes";
}

static const char *check_status(const struct json *value)
{
    size_t len;
    json_text(value, &len);
    if (json_type(value) != JSON_STRING || len == 0)
        return "must be a word";
    return len <= 64 ? NULL : "is longer than 64 bytes";
}

static const char *check_number(const struct json *value)
{
    return json_type(value) == JSON_NUMBER ? NULL : "must be a number";
}

static const char *check_amount(const struct json *value)
{
    struct money money;
    size_t len;
    const char *text = json_text(value, &len);
    if (json_type(value) != JSON_NUMBER)
        return "must be an amount: a number such as 12.50";
    return mapping_amount(text, len, &money) == 0
               ? NULL
               : "must be an amount of at most 18 digits, with 9 decimals of them at most";
}

static const char *check_list(const struct json *value)
{
    return json_type(value) == JSON_ARRAY ? NULL : "must be a list";
}

static const char *check_currency(const struct json *value)
{
    const char *text = json_type(value) == JSON_STRING ? json_text(value, NULL) : "";
    return platform_check_currency(text);
}

#define OF(entity) (1u << ENTITY_##entity)
#define OF_ALL (~0u)

static const struct {
    unsigned entities;
    const char *field;
    check_cb check;
} schema[] = {
    {OF_ALL, "id", check_id},
    {OF_ALL, "currency", check_currency},
    {OF_ALL, "price", check_amount},
    {OF_ALL, "amount", check_amount},
    {OF_ALL, "total", check_amount},
    {OF_ALL, "budget", check_amount},
    {OF(USER) | OF(LEAD) | OF(CAMPAIGN) | OF(PRODUCT), "name", check_text},
    {OF(USER) | OF(LEAD), "email", check_email},
    {OF(USER) | OF(LEAD), "phone", check_phone},
    {OF(USER) | OF(LEAD) | OF(CAMPAIGN) | OF(PRODUCT) | OF(ORDER), "status", check_status},
    {OF(LEAD), "score", check_number},
    {OF(PRODUCT), "inventory", check_number},
    {OF(PRODUCT), "variants", check_list},
    {OF(ORDER), "items", check_list},
};

static void add_mistake(struct json *errors, const char *member, const char *field, const char *why)
{
    struct json *mistake = json_new_object();
    struct buf pointer = BUF_INIT;
    struct buf detail = BUF_INIT;
    buf_add_str(&pointer, "/data/");
    for (const char *at = member; *at != '\0'; at++) { /* RFC 6901 §3 */
        if (*at == '~' || *at == '/')
            buf_add_str(&pointer, *at == '~' ? "~0" : "~1");
        else
            buf_add_ch(&pointer, *at);
    }
    buf_addf(&detail, "%s %s", field, why);
    json_set(mistake, "pointer", json_new_text(pointer.data));
    json_set(mistake, "detail", json_new_text(detail.data));
    json_append(errors, mistake);
    buf_release(&pointer);
    buf_release(&detail);
}

unsigned mapping_check(const struct platform *source, enum entity entity, const struct json *common,
                       const struct json *raw, struct json *errors)
{
    unsigned count = 0;
    for (size_t i = 0; entity < ENTITY_NONE && i < sizeof schema / sizeof schema[0]; i++) {
        const struct json *value = json_get(common, schema[i].field);
        const char *why =
            value != NULL && (schema[i].entities & 1u << entity) ? schema[i].check(value) : NULL;
        if (why == NULL)
            continue;
        const char *member = mapping_member(source, entity, raw, schema[i].field);
        add_mistake(errors, member != NULL ? member : schema[i].field, schema[i].field, why);
        count++;
    }
    return count;
}
