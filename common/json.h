/*
 * json.h: strict JSON (RFC 8259) in front of json-c, and the only door to json-c.
 *
 * json_parse is a one-pass scanner of ours that builds json-c values itself. It refuses what json-c lets through: duplicate
 * keys, NaN, single quotes, raw control characters, leading zeros, lone surrogates, \u0000 (PostgreSQL and C strings cannot
 * hold it), trailing text, invalid UTF-8, a BOM, and anything deeper or larger than the limits. Numbers keep their source
 * text, so 2^64, 1e400 and 0.10 leave as they came; nothing of ours turns one into a double.
 *
 * JSON null is the NULL pointer, as in json-c: json_type(NULL) is JSON_NULL. Ask json_find whether a member is there.
 * Ownership: json_parse, json_new_* and json_copy return a reference that json_free gives up; json_get and friends lend.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct json;
enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_error {
    size_t offset;       /* byte where it went wrong */
    char pointer[256];   /* RFC 6901 pointer of the value being read, cut when longer */
    char detail[160];    /* a sentence: what is wrong and what would be right */
};
#define JSON_DEPTH_MAX 64

struct json *json_parse(const char *text, size_t len, unsigned depth_max, struct json_error *error, bool *ok);
/* Only checks, builds nothing; 0 or -1. */
int json_check(const char *text, size_t len, unsigned depth_max, struct json_error *error);
void json_free(struct json *json);
struct json *json_ref(struct json *json);
struct json *json_copy(const struct json *json); /* deep */

enum json_type json_type(const struct json *json);
const char *json_type_name(enum json_type type); /* "null", "boolean", "number", "string", "array", "object" */

/* Objects. Keys keep their order. */
bool json_find(const struct json *object, const char *key, struct json **value); /* false: absent, or not an object */
struct json *json_get(const struct json *object, const char *key);               /* NULL: absent or null */
void json_set(struct json *object, const char *key, struct json *value);         /* takes value; replaces */
void json_remove(struct json *object, const char *key);
struct json_iter {
    void *state; /* starts as NULL */
};
bool json_next(const struct json *object, struct json_iter *iter, const char **key, struct json **value);
/* Arrays; json_count also counts members of objects (0 for the rest). */
size_t json_count(const struct json *json);
struct json *json_at(const struct json *array, size_t index);
void json_append(struct json *array, struct json *value); /* takes value */

/* Values; asking the wrong type is a bug() except where said. Nothing is coerced. */
const char *json_text(const struct json *string_or_number, size_t *len); /* NULL for every other type; len may be NULL */
bool json_bool(const struct json *json);
int json_int64(const struct json *json, int64_t *value); /* -1: not a number, not whole, or beyond 64 bits; 1e2 is 100 */
/* A member that must be text: its text, or NULL when absent, null or of another type. */
const char *json_get_text(const struct json *object, const char *key);

struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_text(const char *text);                 /* NULL text makes null */
struct json *json_new_text_len(const char *text, size_t len);
struct json *json_new_int(int64_t value);
struct json *json_new_number(const char *source_text);        /* must be a JSON number: bug() otherwise */
struct json *json_new_bool(bool value);

void json_write(struct buf *buf, const struct json *json);    /* compact, keys in order, slashes unescaped */
bool json_equal(const struct json *a, const struct json *b);  /* by value: 1.0 equals 1, members in any order */
