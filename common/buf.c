/*
 * buf.c: the growing byte buffer.
 *
 * The empty buffer points at one shared NUL byte that nobody may write: every write goes through buf_reserve first.
 */
#include "buf.h"

#include <inttypes.h>

#include "log.h"
#include "mem.h"
#include "utf8.h"

#define BUF_LEN_MAX ((size_t)1 << 31) /* far above every ceiling of ours: a runaway ends here, not in swap */

char buf_empty[1] = "";

void buf_init(struct buf *buf)
{
    *buf = (struct buf)BUF_INIT;
}

void buf_release(struct buf *buf)
{
    if (buf->cap > 0)
        free(buf->data);
    buf_init(buf);
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    if (buf->cap > 0)
        buf->data[0] = '\0';
}

static void grow(struct buf *buf, size_t more)
{
    if (more > BUF_LEN_MAX - buf->len)
        fatal("a buffer of %zu bytes was asked for %zu more", buf->len, more);
    size_t cap = buf->cap > 0 ? buf->cap * 2 : 64;
    while (cap < buf->len + more + 1)
        cap *= 2;
    buf->data = mem_realloc(buf->cap > 0 ? buf->data : NULL, cap);
    buf->cap = cap;
    buf->data[buf->len] = '\0';
}

void buf_reserve(struct buf *buf, size_t more)
{
    if (buf->cap == 0 || more >= buf->cap - buf->len)
        grow(buf, more);
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
    if (len == 0)
        return;
    buf_reserve(buf, len);
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_add_str(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_ch(struct buf *buf, char c)
{
    buf_reserve(buf, 1);
    buf->data[buf->len++] = c;
    buf->data[buf->len] = '\0';
}

void buf_add_int(struct buf *buf, int64_t value)
{
    char digits[20];
    char *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--at = '-';
    buf_add(buf, at, (size_t)(digits + sizeof digits - at));
}

void buf_vaddf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    buf_reserve(buf, 64);
    size_t room = buf->cap - buf->len;
    int len = vsnprintf(buf->data + buf->len, room, format, args);
    if (len < 0)
        bug("buf_addf cannot format \"%s\"", format);
    if ((size_t)len >= room) {
        buf_reserve(buf, (size_t)len);
        vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
    }
    buf->len += (size_t)len;
    va_end(again);
}

void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vaddf(buf, format, args);
    va_end(args);
}

static void add_escape(struct buf *buf, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *found = c != '\0' ? strchr(from, c) : NULL;
    if (found != NULL) {
        char two[2] = {'\\', to[found - from]};
        buf_add(buf, two, 2);
        return;
    }
    char six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    buf_add(buf, six, 6);
}

/* Bytes from text on that go out as they are. */
static size_t plain_run(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80) {
            size_t sequence = utf8_sequence(text + i, len - i);
            if (sequence == 0)
                break;
            i += sequence;
        } else if (c < 0x20 || c == '"' || c == '\\') {
            break;
        } else {
            i++;
        }
    }
    return i;
}

/* A byte that is not UTF-8 becomes U+FFFD: one bad byte must not make the whole document unreadable. */
void buf_add_json(struct buf *buf, const char *text, size_t len)
{
    buf_reserve(buf, len + 2);
    buf_add_ch(buf, '"');
    while (len > 0) {
        size_t run = plain_run(text, len);
        buf_add(buf, text, run);
        text += run;
        len -= run;
        if (len == 0)
            break;
        if ((unsigned char)*text >= 0x80)
            buf_add_str(buf, "\xef\xbf\xbd");
        else
            add_escape(buf, (unsigned char)*text);
        text++;
        len--;
    }
    buf_add_ch(buf, '"');
}

void buf_add_hex(struct buf *buf, const void *data, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    buf_reserve(buf, len * 2);
    for (size_t i = 0; i < len; i++) {
        buf->data[buf->len++] = hex[bytes[i] >> 4];
        buf->data[buf->len++] = hex[bytes[i] & 15];
    }
    if (len > 0)
        buf->data[buf->len] = '\0';
}

char *buf_detach(struct buf *buf, size_t *len)
{
    buf_reserve(buf, 0);
    char *data = buf->data;
    if (len != NULL)
        *len = buf->len;
    buf_init(buf);
    return data;
}
