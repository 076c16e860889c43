/* mapping_fixture.h: what the tests of the mapping share: the shipped platforms, and records on their way to them. */
#pragma once
#include <check.h>

#include "mapping.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

/* Around each test. */
extern struct platform_set *mapping_set;
void mapping_load(void);
void mapping_unload(void);
const struct platform *mapping_platform(const char *name);

struct json *mapping_parse(const char *text); /* NULL makes null */
void mapping_check_equal(const struct json *is, const char *expected, const char *what);
void mapping_check_text(const struct json *is,
                        const char *expected); /* to the letter: digits and order too */
/* Notes as the router writes them: every field came from `source`. */
struct json *mapping_notes(const struct platform *source, const struct json *common);

struct mapping_trip {
    const char *source, *target;
    enum entity entity;
    enum verb verb;
};
/* The record as it came from the source, on its way to the target; NULL is a refusal, told in error. */
struct json *mapping_send(const struct mapping_trip *trip, const struct json *record, const struct json *base,
                          struct json *changed, struct buf *error);
void mapping_check_send(const struct mapping_trip *trip, const char *record_text, const char *base_text,
                        const char *expected, const char *expected_changed); /* the last may be NULL */
