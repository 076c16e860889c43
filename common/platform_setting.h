/*
 * platform_setting.h: the settings of a platform file while it is read, and tables of rows that read them. Between
 * platform_file.c, which knows the file's syntax, and platform_read.c, which knows what a platform is.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform_format.h"

struct setting; /* one "name = value;", a group or an element of a list */
enum setting_type {
    SETTING_ANY,
    SETTING_TEXT,
    SETTING_BOOL,
    SETTING_INT,
    SETTING_FRACTION,
    SETTING_GROUP,
    SETTING_LIST
};

enum setting_type setting_type(const struct setting *setting);
const char *setting_name(const struct setting *setting); /* NULL: an element of a list, or the whole file */
const char *setting_text(const struct setting *setting); /* these three: of that type only */
bool setting_bool(const struct setting *setting);
int64_t setting_int(const struct setting *setting);
unsigned setting_line(const struct setting *setting);
size_t setting_count(const struct setting *setting); /* of a group's or list's elements */
const struct setting *setting_at(const struct setting *setting, size_t index);
const struct setting *setting_member(const struct setting *group, const char *name); /* NULL: absent */

struct reader {
    const struct platform_source *source;
    struct platform *platform;
};
/* Adds "file:line: name …" to the errors. */
void reader_complain(const struct reader *reader, const struct setting *setting, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

typedef void (*setting_cb)(const struct reader *reader, const struct setting *setting, void *target);

/* One setting that a group may have. Without `read` the value goes to the member of the target at `offset`: const char * for
 * text, bool for bool. A table ends with a row without a name. */
struct setting_row {
    const char *name;
    enum setting_type type;
    bool required;
    size_t offset;
    const char *(*check)(const char *text);
    setting_cb read;
};
void setting_read_group(const struct reader *reader, const struct setting *group,
                        const struct setting_row *rows, void *target);
/* Every element of a group or list, whatever its name. */
void setting_read_each(const struct reader *reader, const struct setting *group, setting_cb read,
                       void *target);

const char *setting_copy_text(const struct reader *reader, const char *text); /* lives as long as the set */
/* A text that must be one of `words` (a NULL ends them), in any case: its index, or -1 and a complaint. */
int setting_read_word(const struct reader *reader, const struct setting *setting, const char *const *words);

/* platform_entities.c: the group entities; and what other groups read as it does. A text, or a list of texts: "stock" or
 * ["product_inventory", "stock"], each a name in a JSON object: their number, 0 after a complaint. */
void platform_read_entities(const struct reader *reader, const struct setting *group, void *target);
size_t setting_read_texts(const struct reader *reader, const struct setting *setting, const char ***texts);
const char *setting_read_member(const struct reader *reader, const struct setting *setting); /* one; or NULL */
bool setting_read_entity(const struct reader *reader, const struct setting *setting, const char *name,
                         enum entity *entity);
void setting_read_rate(const struct reader *reader, const struct setting *setting, void *target); /* int64_t */
void *setting_new_rows(const struct reader *reader, const struct setting *group, size_t size); /* one per element */

/* The value of the environment variable that the setting names, checked; NULL when it is not set. platform_read.c */
char *setting_read_variable(const struct reader *reader, const struct setting *setting,
                            const char *(*check)(const char *));

/* platform_read.c: the whole file, and what follows from it. */
void platform_read(const struct reader *reader, const struct setting *root);

/* platform_routes.c: the group routes; then the paths of all event types, when everything else is read. */
void platform_read_routes(const struct reader *reader, const struct setting *group, void *target);
void platform_finish_routes(const struct reader *reader, const struct setting *root);

/* platform_parents.c: the group parents of an entity; target: its struct platform_entity. */
void platform_read_parents(const struct reader *reader, const struct setting *group, void *target);

/* platform_graphql.c, platform_inbound.c, platform_lists.c: the groups of these names. */
void platform_read_graphql(const struct reader *reader, const struct setting *group, void *target);
void platform_read_inbound(const struct reader *reader, const struct setting *group, void *target);
void platform_read_lists(const struct reader *reader, const struct setting *group, void *target);
