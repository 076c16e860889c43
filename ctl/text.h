/* text.h: foreign text, times and tables as people read them on a terminal. */
#pragma once
#include "buf.h"
#include "json.h"

/* What might change the terminal (control characters, direction marks) and what is no UTF-8 becomes \xNN; a line break too. */
void text_clean(struct buf *out, const char *text, size_t len);
/* The same with invalid bytes alone replaced: fit for JSON. */
void text_valid(struct buf *out, const char *bytes, size_t len);
void text_span(struct buf *out, int64_t ms);       /* "12s", "4m", "3h", "2d" */
void text_time(struct buf *out, const char *rfc3339); /* "2026-01-31 12:34:56Z" of an RFC 3339 text of ours */
int64_t text_age_ms(const char *rfc3339, int64_t now_ms); /* -1: it is none */

/* Columns as wide as what is in them, but the last one. A header that begins with '>' aligns to the right. */
struct table;
struct table *table_new(const char *const *headers); /* NULL ends; they must live as long */
void table_text(struct table *table, const char *text); /* the next cell; NULL and "" show as "-" */
void table_int(struct table *table, int64_t value);
void table_json(struct table *table, const struct json *object, const char *member); /* text or number; absent: "-" */
void table_end(struct table **table, struct buf *out);   /* prints and frees; nothing when it has no row */
