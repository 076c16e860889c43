/* buf.h: a growing byte buffer that always ends in NUL. Owner: whoever holds the struct; release with buf_release(). */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; /* never NULL after buf_init: "" until something is added */
    size_t len; /* bytes, without the NUL */
    size_t cap;
};
#define BUF_INIT { buf_empty, 0, 0 }
extern char buf_empty[];

void buf_init(struct buf *buf);
void buf_release(struct buf *buf);                  /* frees; usable again as if new */
void buf_reset(struct buf *buf);                    /* length 0, memory kept */
void buf_reserve(struct buf *buf, size_t more);     /* room for `more` bytes without another allocation */
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_add_str(struct buf *buf, const char *text);
void buf_add_ch(struct buf *buf, char c);
void buf_add_int(struct buf *buf, int64_t value);
void buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *buf, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
void buf_add_json(struct buf *buf, const char *text, size_t len); /* as a JSON string with its quotes; text is UTF-8 */
void buf_add_hex(struct buf *buf, const void *data, size_t len);
char *buf_detach(struct buf *buf, size_t *len);     /* hands the memory to the caller (free()) and empties the buffer */
