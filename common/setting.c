/*
 * setting.c: the syntax of platform and policy files, and the only door to libconfig.
 *
 * Every group of a file is read by a table of rows. A setting that no table names is a mistake, so that a misspelt one is not
 * silently ignored. All mistakes of a file are told at once, each with its line.
 */
#include <libconfig.h>
#include <strings.h>

#include "log.h"
#include "setting.h"

static config_setting_t *raw(const struct setting *setting)
{
    return (config_setting_t *)setting;
}

enum setting_type setting_type(const struct setting *setting)
{
    switch (config_setting_type(raw(setting))) {
    case CONFIG_TYPE_STRING:
        return SETTING_TEXT;
    case CONFIG_TYPE_BOOL:
        return SETTING_BOOL;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return SETTING_INT;
    case CONFIG_TYPE_FLOAT:
        return SETTING_FRACTION;
    case CONFIG_TYPE_GROUP:
        return SETTING_GROUP;
    default:
        return SETTING_LIST;
    }
}

const char *setting_name(const struct setting *setting)
{
    return config_setting_name(raw(setting));
}

const char *setting_text(const struct setting *setting)
{
    return config_setting_get_string(raw(setting));
}

bool setting_bool(const struct setting *setting)
{
    return config_setting_get_bool(raw(setting));
}

int64_t setting_int(const struct setting *setting)
{
    return config_setting_get_int64(raw(setting));
}

unsigned setting_line(const struct setting *setting)
{
    unsigned line = config_setting_source_line(raw(setting));
    return line > 0 ? line : 1;
}

size_t setting_count(const struct setting *setting)
{
    return (size_t)config_setting_length(raw(setting));
}

const struct setting *setting_at(const struct setting *setting, size_t index)
{
    return (const struct setting *)config_setting_get_elem(raw(setting), (unsigned)index);
}

const struct setting *setting_member(const struct setting *group, const char *name)
{
    return (const struct setting *)config_setting_get_member(raw(group), name);
}

void reader_complain(const struct reader *reader, const struct setting *setting, const char *format, ...)
{
    struct buf *errors = reader->errors;
    va_list args;
    buf_addf(errors, "%s:%u: ", reader->file, setting_line(setting));
    if (setting_name(setting) != NULL)
        buf_addf(errors, "%s ", setting_name(setting));
    va_start(args, format);
    buf_vaddf(errors, format, args);
    va_end(args);
    buf_add_ch(errors, '\n');
}

static const char *type_wanted(enum setting_type type)
{
    switch (type) {
    case SETTING_TEXT:
        return "must be a text in quotes";
    case SETTING_BOOL:
        return "must be true or false";
    case SETTING_INT:
        return "must be a whole number";
    case SETTING_GROUP:
        return "must be a group: { ... }";
    default:
        bug("no file has a setting of type %d", type);
    }
}

static void store(const struct reader *reader, const struct setting *setting, const struct setting_row *row,
                  void *target)
{
    void *member = (char *)target + row->offset;
    if (row->type == SETTING_BOOL) {
        *(bool *)member = setting_bool(setting);
        return;
    }
    const char *why = row->check != NULL ? row->check(setting_text(setting)) : NULL;
    if (why != NULL)
        reader_complain(reader, setting, "%s", why);
    *(const char **)member = setting_copy_text(reader, setting_text(setting));
}

static void read_setting(const struct reader *reader, const struct setting *setting,
                         const struct setting_row *rows, void *target)
{
    const struct setting_row *row = rows;
    while (row->name != NULL && strcmp(row->name, setting_name(setting)) != 0)
        row++;
    if (row->name == NULL)
        reader_complain(reader, setting,
                        "is no setting that is known here: look at its spelling and its place");
    else if (row->type != SETTING_ANY && row->type != setting_type(setting))
        reader_complain(reader, setting, "%s", type_wanted(row->type));
    else if (row->read != NULL)
        row->read(reader, setting, target);
    else
        store(reader, setting, row, target);
}

void setting_read_group(const struct reader *reader, const struct setting *group,
                        const struct setting_row *rows, void *target)
{
    for (size_t i = 0; i < setting_count(group); i++)
        read_setting(reader, setting_at(group, i), rows, target);
    for (const struct setting_row *row = rows; row->name != NULL; row++) {
        if (row->required && setting_member(group, row->name) == NULL)
            reader_complain(reader, group, "lacks the setting %s", row->name);
    }
}

void setting_read_each(const struct reader *reader, const struct setting *group, setting_cb read,
                       void *target)
{
    for (size_t i = 0; i < setting_count(group); i++)
        read(reader, setting_at(group, i), target);
}

const char *setting_copy_text(const struct reader *reader, const char *text)
{
    return arena_strdup(reader->arena, text);
}

int setting_read_word(const struct reader *reader, const struct setting *setting, const char *const *words)
{
    struct buf choice = BUF_INIT;
    int found = -1;
    for (int i = 0; words[i] != NULL && found < 0; i++) {
        if (strcasecmp(words[i], setting_text(setting)) == 0)
            found = i;
        buf_addf(&choice, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    if (found < 0)
        reader_complain(reader, setting, "is \"%s\"; the choice is %s", setting_text(setting), choice.data);
    buf_release(&choice);
    return found;
}

int setting_parse(const struct reader *reader, const char *text, setting_cb read, void *target)
{
    size_t before = reader->errors->len;
    config_t config;
    config_init(&config);
    if (config_read_string(&config, text) == CONFIG_TRUE)
        read(reader, (const struct setting *)config_root_setting(&config), target);
    else
        buf_addf(reader->errors, "%s:%d: cannot be understood: %s\n", reader->file,
                 config_error_line(&config), config_error_text(&config));
    config_destroy(&config);
    return reader->errors->len == before ? 0 : -1;
}
