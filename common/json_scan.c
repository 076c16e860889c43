/*
 * json_scan.c: recursive descent over the text, once; depth is bounded, so the stack is.
 *
 * Everything that other parsers let through stops here: what passes must mean the same to every later reader, PostgreSQL and
 * C strings included. Texts without escapes are handed on where they lie; the others are decoded into `decoded`.
 */
#include "json_scan.h"

#include <stdarg.h>

#include "json_keys.h"
#include "json_number.h"
#include "json_string.h"
#include "mem.h"
#include "utf8.h"

struct frame {
    bool is_object;
    bool inside; /* one of its values is being read */
    size_t index;
};

struct scan {
    const char *start;
    const char *at;
    const char *end;
    const struct json_sink *sink;
    void *arg;
    struct json_error *error;
    unsigned depth;
    unsigned depth_max;
    struct frame frames[JSON_DEPTH_MAX];
    struct json_keys keys;
    struct buf decoded;
};

static int scan_value(struct scan *s);

/* One token of an RFC 6901 pointer; false when it had to be cut, which happens between characters. */
static bool add_token(struct json_error *error, size_t *used, const char *token, size_t len)
{
    const size_t room = sizeof error->pointer - 1;
    if (*used + 1 > room)
        return false;
    error->pointer[(*used)++] = '/';
    while (len > 0) {
        size_t sequence = utf8_sequence(token, len);
        bool escaped = *token == '~' || *token == '/';
        if (*used + sequence + escaped > room)
            return false;
        if (escaped) {
            error->pointer[(*used)++] = '~';
            error->pointer[(*used)++] = *token == '~' ? '0' : '1';
        } else {
            memcpy(error->pointer + *used, token, sequence);
            *used += sequence;
        }
        token += sequence;
        len -= sequence;
    }
    return true;
}

static void write_pointer(const struct scan *s)
{
    size_t used = 0;
    unsigned level = 0; /* of objects, for json_keys_latest */
    bool whole = true;
    for (unsigned i = 0; i < s->depth && whole && s->frames[i].inside; i++) {
        char index[24];
        size_t len;
        const char *token = index;
        if (s->frames[i].is_object)
            token = json_keys_latest(&s->keys, level++, &len);
        else
            len = (size_t)snprintf(index, sizeof index, "%zu", s->frames[i].index);
        whole = add_token(s->error, &used, token, len);
    }
    s->error->pointer[used] = '\0';
}

__attribute__((format(printf, 3, 4))) static int refuse(struct scan *s, const char *at, const char *format,
                                                        ...)
{
    if (s->error == NULL)
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(s->error->detail, sizeof s->error->detail, format, args);
    va_end(args);
    s->error->offset = (size_t)(at - s->start);
    write_pointer(s);
    return -1;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static char peek(const struct scan *s)
{
    return s->at < s->end ? *s->at : '\0';
}

/* What would be right where a value should begin. */
static int refuse_value(struct scan *s)
{
    unsigned char c = (unsigned char)peek(s);
    bool first = s->at == s->start;
    if (s->at == s->end && s->depth == 0)
        return refuse(s, s->at, "The text is empty: send one JSON value");
    if (s->at == s->end)
        return refuse(s, s->at, "The text ends where a value should be: send the whole document");
    if (first && s->end - s->at >= 3 && memcmp(s->at, "\xef\xbb\xbf", 3) == 0)
        return refuse(s, s->at, "The text starts with a byte order mark: send it without one");
    if (first && (c == '\0' || c >= 0xfe))
        return refuse(s, s->at, "The text is not UTF-8: send it encoded in UTF-8");
    if (c == '\'' || c == '`')
        return refuse(s, s->at, "Text goes in double quotes: write \"text\"");
    if (c == '+')
        return refuse(s, s->at, "A number has no plus sign: leave it out");
    if (c == '.')
        return refuse(s, s->at, "A number starts with a digit: write 0.5 instead of .5");
    if (c == '/' || c == '#')
        return refuse(s, s->at, "JSON has no comments: remove them");
    if (c == ',')
        return refuse(s, s->at, "A value is missing before this comma: add it or remove the comma");
    if (c == 'N' || c == 'I' || c == 'n' || c == 'i')
        return refuse(s, s->at,
                      "This is no JSON value: write null for no value; NaN and Infinity cannot be sent");
    if (c != '\0' && strchr("tfTF", c) != NULL)
        return refuse(s, s->at, "This is no JSON value: write true or false, in small letters");
    return refuse(
        s, s->at,
        "A value should be here: an object, an array, text in double quotes, a number, true, false or null");
}

/* s->at is on the opening quote. The span lives until the next string. */
static int scan_string(struct scan *s, struct json_span *span)
{
    struct json_string_fault fault;
    const char *behind = json_string_scan(s->at, s->end, &s->decoded, span, &fault);
    if (behind == NULL)
        return refuse(s, fault.at, "%s", fault.detail);
    s->at = behind;
    return 0;
}

static int enter(struct scan *s, bool is_object)
{
    if (s->depth >= s->depth_max)
        return refuse(s, s->at, "This is nested too deep: use at most %u levels of objects and arrays",
                      s->depth_max);
    s->frames[s->depth++] = (struct frame){.is_object = is_object};
    if (is_object)
        json_keys_enter(&s->keys);
    if (s->sink != NULL)
        (is_object ? s->sink->object : s->sink->array)(s->arg);
    s->at++;
    skip_space(s);
    return 0;
}

static int leave(struct scan *s)
{
    if (s->frames[--s->depth].is_object)
        json_keys_leave(&s->keys);
    if (s->sink != NULL)
        s->sink->end(s->arg);
    s->at++;
    return 0;
}

static int refuse_key(struct scan *s, const char *comma)
{
    char c = peek(s);
    if (s->at == s->end)
        return refuse(s, s->at, "The text ends inside an object: send the whole document");
    if (c == '}' && comma != NULL)
        return refuse(s, comma, "A member is missing after this comma: remove the comma before }");
    if (c == ',')
        return refuse(s, s->at, "A member is missing before this comma: remove the comma");
    return refuse(s, s->at, "A key in double quotes should be here: write {\"key\": value}");
}

static int scan_key(struct scan *s, const char *comma)
{
    struct json_span key;
    if (peek(s) != '"')
        return refuse_key(s, comma);
    const char *start = s->at;
    if (scan_string(s, &key) < 0)
        return -1;
    bool is_new = json_keys_add(&s->keys, key.text, key.len, key.decoded);
    s->frames[s->depth - 1].inside = true;
    if (!is_new)
        return refuse(s, start, "This key is in the object already: keep one of the two");
    if (s->sink != NULL)
        s->sink->key(s->arg, key.text, key.len);
    skip_space(s);
    if (peek(s) != ':')
        return refuse(s, s->at,
                      s->at == s->end ? "The text ends after a key: send the whole document"
                                      : "A colon should be here, between the key and its value");
    s->at++;
    skip_space(s);
    return 0;
}

/* Behind a value: passes a comma (then *comma is where it was) or stays on `close`. */
static int scan_comma(struct scan *s, char close, const char **comma)
{
    skip_space(s);
    if (peek(s) == close)
        return 0;
    if (peek(s) != ',')
        return s->at == s->end ? refuse(s, s->at, "The text ends inside an %s: close it with %c",
                                        close == '}' ? "object" : "array", close)
                               : refuse(s, s->at, "A comma or %c should be here", close);
    *comma = s->at++;
    skip_space(s);
    return 0;
}

static int scan_object(struct scan *s)
{
    if (enter(s, true) < 0)
        return -1;
    if (peek(s) == '}')
        return leave(s);
    const char *comma = NULL;
    do {
        if (scan_key(s, comma) < 0 || scan_value(s) < 0)
            return -1;
        s->frames[s->depth - 1].inside = false;
        comma = NULL;
        if (scan_comma(s, '}', &comma) < 0)
            return -1;
    } while (comma != NULL);
    return leave(s);
}

static int scan_array(struct scan *s)
{
    if (enter(s, false) < 0)
        return -1;
    if (peek(s) == ']')
        return leave(s);
    struct frame *frame = &s->frames[s->depth - 1];
    const char *comma = NULL;
    do {
        if (comma != NULL && peek(s) == ']')
            return refuse(s, comma, "A value is missing after this comma: remove the comma before ]");
        frame->inside = true;
        if (scan_value(s) < 0)
            return -1;
        frame->inside = false;
        frame->index++;
        comma = NULL;
        if (scan_comma(s, ']', &comma) < 0)
            return -1;
    } while (comma != NULL);
    return leave(s);
}

static int scan_text(struct scan *s)
{
    struct json_span text;
    if (scan_string(s, &text) < 0)
        return -1;
    if (s->sink != NULL)
        s->sink->text(s->arg, text.text, text.len);
    return 0;
}

static int scan_number(struct scan *s)
{
    const char *why;
    size_t len = json_number_scan(s->at, (size_t)(s->end - s->at), &why);
    if (why != NULL)
        return refuse(s, s->at + len, "%s", why);
    if (s->sink != NULL)
        s->sink->number(s->arg, s->at, len);
    s->at += len;
    return 0;
}

static int scan_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return refuse_value(s);
    if (s->sink != NULL)
        s->sink->word(s->arg, *word);
    s->at += len;
    return 0;
}

static int scan_value(struct scan *s)
{
    switch (peek(s)) {
    case '{':
        return scan_object(s);
    case '[':
        return scan_array(s);
    case '"':
        return scan_text(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return scan_number(s);
    default:
        return refuse_value(s);
    }
}

static int scan_document(struct scan *s)
{
    if ((size_t)(s->end - s->start) > JSON_SIZE_MAX)
        return refuse(s, s->start, "The text is too large: send at most %zu bytes", JSON_SIZE_MAX);
    skip_space(s);
    if (scan_value(s) < 0)
        return -1;
    skip_space(s);
    if (s->at < s->end)
        return refuse(s, s->at, "Something follows the value: send one JSON value and nothing else");
    return 0;
}

int json_scan(const char *text, size_t len, unsigned depth_max, const struct json_sink *sink, void *arg,
              struct json_error *error)
{
    struct scan s; /* not cleared: the frames are set when they are entered */
    s.start = s.at = text;
    s.end = text + len;
    s.sink = sink;
    s.arg = arg;
    s.error = error;
    s.depth = 0;
    s.depth_max = depth_max < JSON_DEPTH_MAX ? depth_max : JSON_DEPTH_MAX;
    json_keys_init(&s.keys, text);
    buf_init(&s.decoded);
    int result = scan_document(&s);
    json_keys_release(&s.keys);
    buf_release(&s.decoded);
    return result;
}
