/*
 * json_string.c: JSON strings: escapes, surrogate pairs, UTF-8.
 *
 * Most bytes of most documents pass skip_plain: it decides how fast the scanner is.
 */
#include "json_string.h"

#include <stdarg.h>
#include <stdint.h>

#include "mem.h"
#include "utf8.h"

struct reader {
    const char *at;
    const char *end;
    struct buf *decoded;
    struct json_string_fault *fault;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct reader *r, const char *at, const char *format,
                                                        ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->fault->detail, sizeof r->fault->detail, format, args);
    va_end(args);
    r->fault->at = at;
    return -1;
}

static int hex4(const char *at, const char *end, unsigned *unit)
{
    *unit = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i], lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            *unit = *unit << 4 | (unsigned)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            *unit = *unit << 4 | (unsigned)(lower - 'a' + 10);
        else
            return -1;
    }
    return 0;
}

static void add_utf8(struct buf *buf, unsigned code)
{
    char bytes[4];
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    bytes[0] = (char)(lead[len] | code);
    buf_add(buf, bytes, len);
}

/* r->at is behind the u of the first half or of a whole character. */
static int decode_unicode(struct reader *r)
{
    const char *escape = r->at - 2;
    unsigned code, low;
    if (hex4(r->at, r->end, &code) < 0)
        return refuse(r, escape, "\\u needs four hexadecimal digits: write \\u00e9 for instance");
    r->at += 4;
    if (code == 0)
        return refuse(r, escape, "\\u0000 cannot be stored: remove it");
    if (code >= 0xd800 && code <= 0xdfff) {
        if (code >= 0xdc00 || r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u' ||
            hex4(r->at + 2, r->end, &low) < 0 || low < 0xdc00 || low > 0xdfff)
            return refuse(
                r, escape,
                "\\u%04x is half of a surrogate pair: write \\ud800-\\udbff and then \\udc00-\\udfff", code);
        r->at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    add_utf8(r->decoded, code);
    return 0;
}

/* r->at is on a backslash. */
static int decode_escape(struct reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *escape = r->at;
    if (r->end - r->at < 2)
        return refuse(r, r->end, "The text ends inside a string: close it with a double quote");
    char c = r->at[1];
    r->at += 2;
    if (c == 'u')
        return decode_unicode(r);
    const char *found = c != '\0' ? strchr(from, c) : NULL;
    if (found == NULL)
        return refuse(r, escape,
                      "This escape is unknown: write \\\\ for a backslash, or one of \\\" \\/ \\b \\f \\n "
                      "\\r \\t \\uXXXX");
    buf_add_ch(r->decoded, to[found - from]);
    return 0;
}

/* Plain ASCII in a string: not a control character, quote or backslash; eight bytes at a time while there are eight. */
static const char *skip_plain(const char *at, const char *end)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
        if (((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops) != 0)
            break;
    }
    while (at < end && (signed char)*at >= 0x20 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* r->at is on something that is not plain; when it belongs into a string as it is, passes it. */
static int pass_special(struct reader *r)
{
    if (r->at == r->end)
        return refuse(r, r->at, "The text ends inside a string: close it with a double quote");
    unsigned char c = (unsigned char)*r->at;
    size_t sequence = utf8_sequence(r->at, (size_t)(r->end - r->at));
    if (sequence == 0)
        return refuse(r, r->at, "Byte 0x%02x is not UTF-8 here: send the text encoded in UTF-8", c);
    if (c == 0)
        return refuse(r, r->at, "A NUL byte is in a string, and none can be stored: remove it");
    if (c < 0x20)
        return refuse(r, r->at,
                      "A raw control character is in a string: write it as \\u%04x, or \\n for a new line",
                      c);
    r->at += sequence;
    return 0;
}

/* Until the closing quote; what comes from `from` on is not yet decoded. */
static int read_span(struct reader *r, struct json_span *span)
{
    const char *from = r->at;
    for (;;) {
        r->at = skip_plain(r->at, r->end);
        if (r->at < r->end && *r->at == '"')
            break;
        if (r->at < r->end && *r->at == '\\') {
            if (!span->decoded)
                buf_reset(r->decoded);
            span->decoded = true;
            buf_add(r->decoded, from, (size_t)(r->at - from));
            if (decode_escape(r) < 0)
                return -1;
            from = r->at;
        } else if (pass_special(r) < 0) {
            return -1;
        }
    }
    if (span->decoded)
        buf_add(r->decoded, from, (size_t)(r->at - from));
    span->text = span->decoded ? r->decoded->data : from;
    span->len = span->decoded ? r->decoded->len : (size_t)(r->at - from);
    return 0;
}

const char *json_string_scan(const char *at, const char *end, struct buf *decoded, struct json_span *span,
                             struct json_string_fault *fault)
{
    struct reader r = {at + 1, end, decoded, fault};
    span->decoded = false;
    return read_span(&r, span) < 0 ? NULL : r.at + 1;
}
