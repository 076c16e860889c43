/*
 * resolve_money.c: money of different currencies beside each other: worth, sameness, and lists with money in their elements.
 *
 * Rates are those of the platform files, dated there. Everything is integers; what does not fit is said, never rounded away.
 */
#include "map.h"
#include "resolve_parts.h"

#define WORTH_DECIMALS 6 /* of a US dollar; nine million million dollars fit */

/* ---- currencies ---- */

bool money_is_meant(const struct resolve_input *input)
{
    bool meant = input->policy->has_limit || input->base_currency != NULL;
    for (size_t i = 0; !meant && i < input->count; i++)
        meant = input->sides[i].currency != NULL;
    return meant;
}

const char *money_currency(const struct resolve_input *input, const struct resolve_side *side)
{
    const struct platform *platform;
    if (side->currency != NULL || !money_is_meant(input) || input->platforms == NULL)
        return side->currency;
    platform = platform_find(input->platforms, side->platform);
    return platform != NULL ? platform_currency(platform) : NULL;
}

static const struct platform *platform_with(const struct platform_set *platforms, const char *currency)
{
    for (size_t i = 0; platforms != NULL && currency != NULL && i < platform_count(platforms); i++) {
        if (strcmp(platform_currency(platform_at(platforms, i)), currency) == 0)
            return platform_at(platforms, i);
    }
    return NULL;
}

static bool is_currency(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool money_one_currency(const struct contest *contest)
{
    const char *first = money_currency(contest->input, contest->sides[0]);
    for (size_t i = 1; i < contest->count; i++) {
        if (!is_currency(first, money_currency(contest->input, contest->sides[i])))
            return false;
    }
    return true;
}

/* ---- amounts ---- */

int money_of(const struct json *value, struct money *money)
{
    size_t len;
    const char *text = json_type(value) == JSON_NUMBER ? json_text(value, &len) : NULL;
    return text != NULL ? money_parse(text, len, money) : -1;
}

int money_add(struct money a, struct money b, bool subtract, struct money *sum)
{
    uint8_t exponent = a.exponent > b.exponent ? a.exponent : b.exponent;
    if (money_rescale(&a, exponent) != 0 || money_rescale(&b, exponent) != 0)
        return -1;
    sum->exponent = exponent;
    if (subtract)
        return __builtin_sub_overflow(a.minor, b.minor, &sum->minor) ? -1 : 0;
    return __builtin_add_overflow(a.minor, b.minor, &sum->minor) ? -1 : 0;
}

int money_worth(const struct resolve_input *input, const struct resolve_side *side, struct money *worth)
{
    static const struct money_rate dollar = {1, 0};
    const char *currency = money_currency(input, side);
    const struct platform *platform = platform_with(input->platforms, currency);
    struct money amount;
    if (money_of(side->value, &amount) != 0)
        return -1;
    if (platform != NULL)
        return money_convert(amount, platform_per_usd(platform), dollar, WORTH_DECIMALS, worth);
    *worth = amount;
    return currency != NULL && strcmp(currency, "USD") == 0 ? 0 : -1;
}

/* What goes out for the value to a platform of the other currency; NULL: no amount, or no rate. */
static struct json *convert(const struct resolve_input *input, const struct json *value, const char *from,
                            const char *to)
{
    const struct platform *a = platform_with(input->platforms, from),
                          *b = platform_with(input->platforms, to);
    struct json *converted = NULL;
    struct buf text = BUF_INIT;
    struct money amount;
    if (a != NULL && b != NULL && money_of(value, &amount) == 0 &&
        money_convert(amount, platform_per_usd(a), platform_per_usd(b), (uint8_t)platform_decimals(b),
                      &amount) == 0) {
        money_format(&text, amount);
        converted = json_new_number(text.data);
    }
    buf_release(&text);
    return converted;
}

static bool goes_out_as(const struct resolve_input *input, const struct json *value, const char *from,
                        const struct json *other, const char *to)
{
    struct json *sent = convert(input, value, from, to);
    bool same = sent != NULL && json_equal(sent, other);
    json_free(sent);
    return same;
}

/* ---- sameness ---- */

static bool same_value(const struct resolve_input *input, const struct json *a, const char *a_currency,
                       const struct json *b, const char *b_currency)
{
    if (a_currency == NULL || b_currency == NULL || is_currency(a_currency, b_currency) ||
        json_type(a) != JSON_NUMBER || json_type(b) != JSON_NUMBER)
        return json_equal(a, b);
    return goes_out_as(input, a, a_currency, b, b_currency) ||
           goes_out_as(input, b, b_currency, a, a_currency);
}

static const struct json *value_of(const struct resolve_side *side)
{
    return side->present ? side->value : NULL;
}

bool side_same(const struct resolve_input *input, const struct resolve_side *a, const struct resolve_side *b)
{
    return same_value(input, value_of(a), money_currency(input, a), value_of(b), money_currency(input, b));
}

/* Of the base alone what went out counts: a side that says it in its own currency did not change it. */
bool side_is_base(const struct resolve_input *input, const struct resolve_side *side)
{
    const char *currency = money_currency(input, side);
    if (!input->base_known)
        return false;
    if (input->base_currency == NULL || currency == NULL || is_currency(currency, input->base_currency) ||
        json_type(input->base) != JSON_NUMBER)
        return json_equal(value_of(side), input->base);
    return goes_out_as(input, input->base, input->base_currency, value_of(side), currency);
}

/* ---- lists ---- */

static const char *const element_members[] = {"price", "total", NULL};

static bool has_money(const struct json *list)
{
    for (size_t i = 0; json_type(list) == JSON_ARRAY && i < json_count(list); i++) {
        for (const char *const *member = element_members; *member != NULL; member++) {
            if (json_type(json_get(json_at(list, i), *member)) == JSON_NUMBER)
                return true;
        }
    }
    return false;
}

/* The base's elements by their keys. */
static struct map *map_elements(const struct json *list)
{
    struct map *elements = map_new();
    struct buf key = BUF_INIT;
    for (size_t i = 0; json_type(list) == JSON_ARRAY && i < json_count(list); i++) {
        struct json *element = json_at(list, i);
        buf_reset(&key);
        element_key(&key, element);
        if (element != NULL && map_get(elements, key.data, key.len) == NULL)
            map_put(elements, key.data, key.len, element);
    }
    buf_release(&key);
    return elements;
}

static const struct json *find_element(const struct map *elements, const struct json *element)
{
    struct buf key = BUF_INIT;
    element_key(&key, element);
    const struct json *found = map_get(elements, key.data, key.len);
    buf_release(&key);
    return found;
}

static int convert_element(const struct resolve_input *input, struct json *element, const struct json *base,
                           const char *from, const char *to)
{
    for (const char *const *member = element_members; *member != NULL; member++) {
        const struct json *value = json_get(element, *member), *before = json_get(base, *member);
        struct json *converted;
        if (json_type(value) != JSON_NUMBER)
            continue;
        if (before != NULL && goes_out_as(input, before, to, value, from))
            converted = json_copy(before);
        else
            converted = convert(input, value, from, to);
        if (converted == NULL)
            return -1;
        json_set(element, *member, converted);
    }
    return 0;
}

static struct json *convert_list(const struct resolve_input *input, const struct json *list, const char *from,
                                 const char *to)
{
    struct map *before = map_elements(input->base_known ? input->base : NULL);
    struct json *converted = json_copy(list);
    for (size_t i = 0; converted != NULL && i < json_count(converted); i++) {
        struct json *element = json_at(converted, i);
        const struct json *base = find_element(before, element);
        if (json_type(element) == JSON_OBJECT && convert_element(input, element, base, from, to) != 0) {
            json_free(converted);
            converted = NULL;
        }
    }
    map_free(&before);
    return converted;
}

/* The base's currency, which is the record's; where there is no base the latest side's. */
static const char *common_currency(const struct contest *contest)
{
    const struct resolve_input *input = contest->input;
    if (input->base_known && has_money(input->base))
        return input->base_currency;
    return money_currency(input, contest_latest(contest));
}

int money_lists(const struct contest *contest, struct json **lists, const char **currency)
{
    const struct resolve_input *input = contest->input;
    int result = 0;
    *currency = common_currency(contest);
    for (size_t i = 0; i < contest->count; i++) {
        const struct resolve_side *side = contest->sides[i];
        const char *own = money_currency(input, side);
        if (!has_money(side->value) || is_currency(own, *currency))
            lists[i] = json_copy(side->value);
        else if ((lists[i] = convert_list(input, side->value, own, *currency)) == NULL)
            result = -1;
    }
    return result;
}
