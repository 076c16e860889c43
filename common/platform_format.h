/*
 * platform_format.h: what a platform file says, as platform_file.c reads it and platform.c and the mapping use it. Nobody else
 * includes this: the rest of the program asks platform.h.
 *
 * Everything but the JSON values lives in the set's arena and never changes after loading.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expr.h"
#include "json.h"
#include "mem.h"
#include "platform.h"

#define PLATFORM_PATH_MAX 1024
#define PLATFORM_RATE_MAX 1000000
#define PLATFORM_PARENT_PATH_MAX 200

/* A common field and what the platform calls it: the first own name is written, all are read, the earlier first. */
struct platform_name {
    const char *field;
    const char **own;
    size_t own_count;
    unsigned line; /* of the file, here and below */
};

struct platform_default {
    const char *field; /* common name */
    struct json *value; /* in common words */
    unsigned line;
};

/* A member of ours beside a field of theirs: price_inr carries the value of price. */
struct platform_also {
    const char *field; /* common name */
    const char *own;
    unsigned line;
};

/* A member of ours that an expression over the record gives: beside its fields, and taken off what comes back, like `also`. */
struct platform_computed {
    const char *own;
    struct expr *value; /* over common names: platform_expr.c */
    unsigned line;
};

/* Which fields it can hold and change; common names. Nothing in `holds`: all of them. */
struct platform_limits {
    const char **holds;
    size_t holds_count;
    const char **fixed; /* given when a record is created, never changed afterwards */
    size_t fixed_count;
};

struct platform_entity {
    unsigned line;
    struct platform_name *names;
    size_t name_count;
    const char **required; /* common names */
    size_t required_count;
    struct platform_default *defaults;
    size_t default_count;
    struct platform_also *also;
    size_t also_count;
    struct platform_computed *computed;
    size_t computed_count;
    struct platform_parent *parents;
    size_t parent_count;
    struct platform_limits rest, graphql; /* by how the entity goes there */
    bool words; /* status words are translated */
    int64_t rate_per_minute; /* 0: none */
};

struct platform_word {
    const char *common;
    const char *own;
    unsigned line;
};

enum platform_echo { PLATFORM_ECHO_NONE, PLATFORM_ECHO_CONTENT, PLATFORM_ECHO_METADATA };

struct platform {
    const char *name;
    const char *file; /* for messages */
    const struct platform_set *set;
    const char *base_url;
    const char *credential;
    const char *credential_header;
    const char *currency;
    struct money_rate per_usd;
    uint8_t decimals; /* of the currency's minor unit */
    const char *rate_date;
    const char *locale;
    const char *timezone;
    bool allow_private;
    bool bulk;
    const char *bulk_path; /* NULL: the usual one */
    enum platform_echo echo;
    struct platform_word *words;
    size_t word_count;
    struct platform_entity entities[ENTITY_NONE];
    const char *path; /* template of the routes that name none */
    struct platform_route routes[EVENT_TYPES];
    bool every_version[EVENT_TYPES];
    int64_t rates[EVENT_TYPES]; /* per minute, of types without a record; 0: none */
    struct platform_graphql *graphql; /* these three: NULL when the file has no such group */
    struct platform_inbound *inbound;
    struct platform_lists *lists;
};

/* Reads one file into `platform` (name and file are set). -1 and "file:line: reason" lines in errors. */
struct platform_source {
    struct arena *arena;
    platform_lookup lookup;
    void *lookup_arg;
    struct buf *errors;
};
int platform_file_read(const struct platform_source *source, const char *text, struct platform *platform);

void platform_free_expressions(struct platform *platform); /* platform_expr.c */

/* What a text in a file must look like; NULL, or why it is not that. platform_check.c */
const char *platform_check_name(const char *text); /* of a platform */
const char *platform_check_currency(const char *text);
const char *platform_check_date(const char *text);
const char *platform_check_variable(const char *text); /* of the environment */
const char *platform_check_header(const char *text);
const char *platform_check_locale(const char *text);
const char *platform_check_timezone(const char *text);
const char *platform_check_url(const char *text);
const char *platform_check_member(const char *text); /* a name in a JSON object */
const char *platform_check_secret(const char *text); /* goes into a header */
const char *platform_check_path(const char *text,
                                bool entity); /* {entity} and {verb} only where there is an entity */
const char *platform_check_route(const char *text, bool entity); /* and {id} */
/* The path with its placeholders but {id} filled in; the buffer is the caller's. */
void platform_expand_path(struct buf *out, const char *path, enum event_type type);

/* The names of a field, for the mapping. */
const struct platform_name *platform_names(const struct platform *platform, enum entity entity,
                                           const char *field); /* or NULL */
const char *platform_own_name(const struct platform *platform, enum entity entity, const char *field);
/* The field that the platform calls `own`; NULL when no table has it. */
const char *platform_common_name(const struct platform *platform, enum entity entity, const char *own);
const char *platform_own_word(const struct platform *platform,
                              const char *common); /* the word itself when no table has it */
const char *platform_common_word(const struct platform *platform, const char *own);
const struct json *platform_default_value(const struct platform *platform, enum entity entity,
                                          const char *field); /* or NULL */
bool platform_adds(const struct platform *platform, enum entity entity,
                   const char *own); /* one of the `also` or `computed` members */
/* The platform whose currency this is, for its rate; NULL when no file has it. */
const struct platform *platform_of_currency(const struct platform_set *set, const char *currency);
