/* conf_row.h: what the files conf*.c share: the table as data, single values, and where texts come from. For nobody else. */
#pragma once
#include "conf.h"

struct conf_row {
    const char *variable;
    enum conf_kind kind;
    const char *fallback;
    int64_t min, max; /* of numbers; spans in ms */
    unsigned programs;
    bool reloads;
    const char *help;
    size_t offset; /* of the member in struct conf */
};
extern const struct conf_row conf_rows[];
extern const size_t conf_row_count;

/* conf_value.c: text into the row's member, or -1 and the sentence (with newline) in errors. */
int conf_value_set(struct conf *conf, const struct conf_row *row, const char *text, struct buf *errors);
void conf_value_limit(struct buf *out, const struct conf_row *row, int64_t value); /* "5s", "256KiB", "20" */
void conf_value_complain(struct buf *errors, const char *variable, const char *value, const char *advice);

/* conf_source.c: the environment, the file named by ENV_FILE, secrets in files, and the memory of all texts. */
const char *conf_source_keep(struct conf *conf, const char *text, size_t len);
/* *value is NULL when the variable is not set. -1: a mistake; its sentence is in errors. */
int conf_source_get(struct conf *conf, const char *variable, bool secret, const char **value,
                    struct buf *errors);
/* Reads ENV_FILE if set; *before is what was there, for exactly one of the next two. */
struct conf_env;
int conf_source_read(struct conf *conf, struct conf_env **before, struct buf *errors);
void conf_source_forget(struct conf_env **before);
void conf_source_restore(struct conf *conf, struct conf_env **before);
void conf_source_release(struct conf *conf);
