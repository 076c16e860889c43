/* saleor_fields.c: our words in Saleor's: references, names, texts, amounts, and what goes into the metadata. */
#include <ctype.h>

#include "mem.h"
#include "saleor_parts.h"

bool saleor_is_id(enum entity entity, const char *text)
{
    /* Base64 of "User:", "Product:", "Order:", as far as it does not depend on what follows. */
    const char *prefix = entity == ENTITY_USER      ? "VXNlcj"
                         : entity == ENTITY_PRODUCT ? "UHJvZHVjdD"
                                                    : "T3JkZXI6";
    return text != NULL && strlen(text) < SALEOR_ID_BYTES && strncmp(text, prefix, strlen(prefix)) == 0;
}

struct json *saleor_wrap(const char *name, struct json *value)
{
    struct json *object = json_new_object();
    json_set(object, name, value);
    return object;
}

struct json *saleor_list(struct json *value)
{
    struct json *list = json_new_array();
    json_append(list, value);
    return list;
}

struct json *saleor_reference(const struct saleor_plan *plan)
{
    if (plan->id[0] != '\0')
        return saleor_wrap("id", json_new_text(plan->id));
    return saleor_wrap("externalReference", json_new_text(plan->request.record_id));
}

void saleor_put_text(struct json *input, const char *name, const struct json *value)
{
    size_t len;
    const char *text = json_text(value, &len);
    json_set(input, name, text != NULL ? json_new_text_len(text, len) : NULL);
}

/* ---- metadata ---- */

/* The channel has a currency of its own, and amounts are in it. */
static bool is_metadata(const struct saleor_plan *plan, const char *field, const struct json *value)
{
    return strcmp(field, "currency") != 0 && !plan->kind->holds(plan, field, value);
}

/* A status is Saleor's to hold in one word and the metadata's in another: it concerns them where one of its two words is. */
static bool concerns_metadata(const struct saleor_plan *plan, const char *field, const struct json *value)
{
    const struct json *before = json_get(plan->request.base, field);
    return is_metadata(plan, field, value) ||
           (strcmp(field, "status") == 0 && (before == NULL || is_metadata(plan, field, before)));
}

bool saleor_metadata_changed(const struct saleor_plan *plan)
{
    struct json_iter iter = {NULL};
    const char *field;
    struct json *value;
    if (plan->changed == NULL)
        return true;
    while (json_next(plan->changed, &iter, &field, &value)) {
        if (concerns_metadata(plan, field, value))
            return true;
    }
    return false;
}

void saleor_put_metadata(const struct saleor_plan *plan, struct json *input)
{
    struct json *fields = json_new_object(), *item = json_new_object();
    struct json_iter iter = {NULL};
    struct buf text = BUF_INIT;
    const char *field;
    struct json *value;
    while (json_next(plan->record, &iter, &field, &value)) {
        if (value != NULL && is_metadata(plan, field, value))
            json_set(fields, field, json_ref(value));
    }
    json_write(&text, fields);
    json_set(item, "key", json_new_text(SALEOR_METADATA_KEY));
    json_set(item, "value", json_new_text_len(text.data, text.len));
    if (saleor_metadata_changed(plan))
        json_set(input, "privateMetadata", saleor_list(item));
    else
        json_free(item);
    json_free(fields);
    buf_release(&text);
}

/* ---- texts ---- */

void saleor_put_name(struct json *input, const char *name)
{
    name += strspn(name, " \t\r\n");
    size_t first = strcspn(name, " \t\r\n");
    const char *rest = name + first + strspn(name + first, " \t\r\n");
    size_t len = strlen(rest);
    while (len > 0 && isspace((unsigned char)rest[len - 1]))
        len--;
    json_set(input, "firstName", json_new_text_len(name, first));
    json_set(input, "lastName", json_new_text_len(rest, len));
}

/* EditorJS's text is HTML. */
static void add_escaped(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '<')
            buf_add_str(out, "&lt;");
        else if (text[i] == '>')
            buf_add_str(out, "&gt;");
        else if (text[i] == '&')
            buf_add_str(out, "&amp;");
        else
            buf_add_ch(out, text[i]);
    }
}

/* A paragraph for each line. */
static struct json *blocks_of(const char *text)
{
    struct json *blocks = json_new_array();
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        size_t shown = len > 0 && text[len - 1] == '\r' ? len - 1 : len;
        struct buf line = BUF_INIT;
        struct json *block = saleor_wrap("type", json_new_text("paragraph"));
        add_escaped(&line, text, shown);
        json_set(block, "data", saleor_wrap("text", json_new_text_len(line.data, line.len)));
        json_append(blocks, block);
        buf_release(&line);
        text += len + (text[len] == '\n');
    }
    return blocks;
}

struct json *saleor_rich_text(const struct json *value)
{
    struct buf text = BUF_INIT;
    struct json *document = NULL, *result;
    if (json_type(value) == JSON_OBJECT) /* it came from an editor of that kind */
        document = json_copy(value);
    else if (json_type(value) == JSON_STRING)
        document = saleor_wrap("blocks", blocks_of(json_text(value, NULL)));
    if (document == NULL)
        return NULL;
    json_write(&text, document);
    result = json_new_text_len(text.data, text.len);
    json_free(document);
    buf_release(&text);
    return result;
}

/* ---- amounts ---- */

#define DECIMALS_READ 9
#define DIGITS_MAX 15 /* Saleor reads amounts through a double: that many survive it */

bool saleor_amount_fits(struct money amount)
{
    int64_t limit = 1;
    for (int i = 0; i < DIGITS_MAX; i++)
        limit *= 10;
    return amount.minor >= 0 && amount.minor < limit;
}

/* Sums of doubles come with a tail: 0.30000000000000004. */
static size_t without_tail(const char *text, size_t len)
{
    const char *point = memchr(text, '.', len);
    size_t most = point != NULL ? (size_t)(point - text) + 1 + DECIMALS_READ : len;
    return len > most && strcspn(text, "eE") == len ? most : len;
}

int saleor_amount(const struct saleor_plan *plan, const struct json *value, struct money *amount)
{
    size_t len;
    const char *text = json_type(value) == JSON_NUMBER ? json_text(value, &len) : NULL;
    if (text == NULL || money_parse(text, without_tail(text, len), amount) != 0 ||
        money_rescale(amount, (uint8_t)platform_decimals(plan->request.target)) != 0)
        return -1;
    return saleor_amount_fits(*amount) ? 0 : -1;
}

struct json *saleor_decimal(struct money amount)
{
    struct buf text = BUF_INIT;
    money_format(&text, amount);
    struct json *number = json_new_number(text.data);
    buf_release(&text);
    return number;
}

/* ---- names in sentences ---- */

const char *saleor_our_field(const char *field)
{
    static const char *const rows[][2] = {
        {"firstName", "name"},
        {"lastName", "name"},
        {"isActive", "status"},
        {"isPublished", "status"},
        {"stocks", "inventory"},
        {"quantity", "inventory"},
        {"slug", "name"},
        {"attributes", "attributes of the product type"},
        {"privateMetadata", "metadata"},
        {"billing_address", "billing_address"},
        {"externalReference", "record id"},
        {"external_reference", "record id"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i][0], field) == 0)
            return rows[i][1];
    }
    return field;
}
