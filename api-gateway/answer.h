/*
 * answer.h: JSON text written straight into a buffer: answers are put together from rows, and stored data goes in as it is,
 * without being parsed again. Commas come by themselves.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "uuid.h"

/* key is NULL for an element of an array, and for the outermost value. */
void answer_open(struct buf *out, const char *key, char bracket);     /* '{' or '[' */
void answer_close(struct buf *out, char bracket);                     /* '}' or ']' */
void answer_text(struct buf *out, const char *key, const char *text); /* NULL is null */
void answer_text_len(struct buf *out, const char *key, const char *text, size_t len);
void answer_int(struct buf *out, const char *key, int64_t value);
void answer_bool(struct buf *out, const char *key, bool value);
void answer_null(struct buf *out, const char *key);
void answer_time(struct buf *out, const char *key, int64_t unix_ms); /* INT64_MIN is null */
void answer_uuid(struct buf *out, const char *key, const struct uuid *uuid);
void answer_json(struct buf *out, const char *key, const char *json, size_t len); /* JSON text as it stands */
