/*
 * platform_read.c: the settings of a platform file but its entities and routes: which there are, what they must look like and
 * which member of struct platform they fill. What each setting means to people: config/platforms/bizoholic.conf.
 */
#include "platform_setting.h"

/* ---- status words ---- */

static void read_status_word(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform *platform = target;
    struct platform_word word = {setting_copy_text(reader, setting_name(setting)),
                                 setting_read_member(reader, setting), setting_line(setting)};
    const char *taken = word.own != NULL ? platform_common_word(platform, word.own) : NULL;
    if (word.own == NULL)
        return;
    if (taken != word.own)
        reader_complain(reader, setting, "is \"%s\", which stands for %s already", word.own, taken);
    platform->words[platform->word_count++] = word;
}

static void read_words(const struct reader *reader, const struct setting *group, void *target)
{
    struct platform *platform = target;
    platform->words = setting_new_rows(reader, group, sizeof *platform->words);
    setting_read_each(reader, group, read_status_word, platform);
}

static void read_words_in(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform *platform = target;
    const char **names = NULL;
    size_t count = setting_read_texts(reader, setting, &names);
    for (size_t i = 0; i < count; i++) {
        enum entity entity;
        if (setting_read_entity(reader, setting, names[i], &entity))
            platform->entities[entity].words = true;
    }
}

/* ---- the platform itself ---- */

static void read_protocol(const struct reader *reader, const struct setting *setting, void *target)
{
    static const char *const words[] = {"rest", NULL};
    (void)target;
    setting_read_word(reader, setting, words);
}

static void read_echo(const struct reader *reader, const struct setting *setting, void *target)
{
    static const char *const words[] = {"none", "content", "metadata",
                                        NULL}; /* in the order of enum platform_echo */
    struct platform *platform = target;
    int word = setting_read_word(reader, setting, words);
    platform->echo = word < 0 ? PLATFORM_ECHO_METADATA : (enum platform_echo)word;
}

char *setting_read_variable(const struct reader *reader, const struct setting *setting,
                            const char *(*check)(const char *))
{
    const char *variable = setting_text(setting);
    const char *why = platform_check_variable(variable);
    const char *value = NULL;
    if (why != NULL)
        reader_complain(reader, setting, "%s", why);
    else
        value = reader->source->lookup(reader->source->lookup_arg, variable);
    if (value == NULL || value[0] == '\0')
        return NULL;
    why = check(value);
    if (why != NULL)
        reader_complain(reader, setting, "takes the value of %s, which %s", variable, why);
    return arena_strdup(reader->source->arena, value);
}

static void read_base_url(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform *platform = target;
    char *url = setting_read_variable(reader, setting, platform_check_url);
    for (size_t len = url != NULL ? strlen(url) : 0; len > 0 && url[len - 1] == '/'; len--)
        url[len - 1] = '\0';
    platform->base_url = url;
}

static void read_credential(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform *platform = target;
    platform->credential = setting_read_variable(reader, setting, platform_check_secret);
}

static void read_per_usd(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform *platform = target;
    if (money_parse_rate(setting_text(setting), &platform->per_usd) != 0)
        reader_complain(reader, setting,
                        "must be a positive number with at most 9 decimals, such as \"83.125\"");
}

static void read_decimals(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform *platform = target;
    int64_t decimals = setting_int(setting);
    if (decimals < 0 || decimals > 9)
        reader_complain(reader, setting, "must lie between 0 and 9");
    platform->decimals = (uint8_t)decimals;
}

static void read_path(const struct reader *reader, const struct setting *setting, void *target)
{
    struct platform *platform = target;
    const char *why = platform_check_route(setting_text(setting), true);
    if (why != NULL)
        reader_complain(reader, setting, "%s", why);
    platform->path = setting_copy_text(reader, setting_text(setting));
}

/* The dollar is what rates are measured by. */
static void check_dollar(const struct reader *reader, const struct setting *root)
{
    const struct platform *platform = reader->platform;
    struct money rate = {platform->per_usd.value, platform->per_usd.exponent};
    struct money dollar = {1, 0};
    if (money_convert(dollar, (struct money_rate){1, 0}, platform->per_usd, platform->decimals, &dollar) ==
            0 &&
        dollar.minor == 0)
        reader_complain(reader, setting_member(root, "per_usd"),
                        "makes less than the smallest unit of one dollar: give the currency more decimals");
    if (strcmp(platform->currency, "USD") == 0 && money_compare(rate, (struct money){1, 0}) != 0)
        reader_complain(reader, setting_member(root, "per_usd"), "must be \"1\" where the currency is USD");
}

#define MEMBER(member) offsetof(struct platform, member)

void platform_read(const struct reader *reader, const struct setting *root)
{
    static const struct setting_row rows[] = {
        {"protocol", SETTING_TEXT, false, 0, NULL, read_protocol},
        {"base_url", SETTING_TEXT, true, 0, NULL, read_base_url},
        {"credential", SETTING_TEXT, false, 0, NULL, read_credential},
        {"credential_header", SETTING_TEXT, false, MEMBER(credential_header), platform_check_header, NULL},
        {"allow_private", SETTING_BOOL, false, MEMBER(allow_private), NULL, NULL},
        {"bulk", SETTING_BOOL, false, MEMBER(bulk), NULL, NULL},
        {"echo", SETTING_TEXT, false, 0, NULL, read_echo},
        {"currency", SETTING_TEXT, true, MEMBER(currency), platform_check_currency, NULL},
        {"per_usd", SETTING_TEXT, true, 0, NULL, read_per_usd},
        {"rate_date", SETTING_TEXT, true, MEMBER(rate_date), platform_check_date, NULL},
        {"decimals", SETTING_INT, false, 0, NULL, read_decimals},
        {"locale", SETTING_TEXT, true, MEMBER(locale), platform_check_locale, NULL},
        {"timezone", SETTING_TEXT, true, MEMBER(timezone), platform_check_timezone, NULL},
        {"status_words", SETTING_GROUP, false, 0, NULL, read_words},
        {"status_words_in", SETTING_ANY, false, 0, NULL, read_words_in},
        {"entities", SETTING_GROUP, true, 0, NULL, platform_read_entities},
        {"path", SETTING_TEXT, true, 0, NULL, read_path},
        {"routes", SETTING_GROUP, true, 0, NULL, platform_read_routes},
        {"graphql", SETTING_GROUP, false, 0, NULL, platform_read_graphql},
        {"inbound", SETTING_GROUP, false, 0, NULL, platform_read_inbound},
        {"lists", SETTING_GROUP, false, 0, NULL, platform_read_lists},
        {NULL, SETTING_ANY, false, 0, NULL, NULL},
    };
    struct platform *platform = reader->platform;
    size_t before = reader->source->errors->len;
    platform->credential_header = "Authorization";
    platform->echo = PLATFORM_ECHO_METADATA;
    platform->decimals = 2;
    for (int type = 0; type < EVENT_TYPES; type++) {
        platform->routes[type].takes = true;
        platform->every_version[type] = msg_event_entity(type) == ENTITY_NONE;
    }
    setting_read_group(reader, root, rows, platform);
    if (reader->source->errors->len > before)
        return;
    platform_finish_routes(reader, root);
    check_dollar(reader, root);
}
