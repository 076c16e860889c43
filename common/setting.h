/*
 * setting.h: the settings of a file in libconfig's syntax while it is read, and tables of rows that read them. What a file may say
 * is known to others: platform_setting.h, policy_parts.h.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "mem.h"

#define SETTING_FILE_BYTES_MAX (1024 * 1024)

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

struct platform;
struct platform_source;
struct reader {
    const char *file; /* for messages */
    struct arena *arena;
    struct buf *errors;
    const struct platform_source *source; /* these two: of platform files alone */
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

const char *setting_copy_text(const struct reader *reader, const char *text); /* lives as long as the arena */
/* A text that must be one of `words` (a NULL ends them), in any case: its index, or -1 and a complaint. */
int setting_read_word(const struct reader *reader, const struct setting *setting, const char *const *words);

/* Reads the text and hands its settings to `read`. -1 and sentences in reader->errors when anything was complained of. */
int setting_parse(const struct reader *reader, const char *text, setting_cb read, void *target);

/* setting_file.c: the file's text, NUL-terminated (free()); NULL and a sentence when it cannot be read or is no UTF-8 text. */
char *setting_read_file(const char *path, struct buf *errors);
