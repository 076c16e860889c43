/* pick_fixture.h: values of JSON documents by RFC 6901 pointer; NULL or absent values are no error. */
#pragma once
#include <stdint.h>

#include "json.h"

struct json *pick(const struct json *json, const char *pointer);     /* NULL: absent or null */
const char *pick_text(const struct json *json, const char *pointer); /* of a string or number; NULL for all else */
int64_t pick_int(const struct json *json, const char *pointer);      /* a failed test when it is no whole number */
bool pick_there(const struct json *json, const char *pointer);       /* true for null, too */
const char *pick_print(const struct json *json);                     /* compact text that stays */

/* Fails with the whole document when the value is not this text (or number). */
#define pick_check(json, pointer, text) pick_check_at(json, pointer, text, __FILE__, __LINE__)
void pick_check_at(const struct json *json, const char *pointer, const char *text, const char *file, int line);
/* Fails with both when the value at the pointer does not equal this JSON ("absent" when it must not be there). */
#define pick_equal(json, pointer, expected) pick_equal_at(json, pointer, expected, __FILE__, __LINE__)
void pick_equal_at(const struct json *json, const char *pointer, const char *expected, const char *file, int line);

/* Keeps what must live until the program ends, so that leak checks see it. */
void *pick_keep(void *memory);
struct json *pick_keep_json(struct json *json);
struct json *pick_parse(const char *text, size_t len); /* NULL when it is no JSON */
