/*
 * conf_value.c: one variable's text into one member of struct conf, with the range that the table states.
 *
 * A mistake is a sentence that says what would be right. The value of a secret is never part of it.
 */
#include <errno.h>
#include <strings.h>

#include "conf_row.h"
#include "mem.h"
#include "timefmt.h"

#define SHOWN_MAX 60 /* bytes of a wrong value that a sentence repeats */

void conf_value_complain(struct buf *errors, const char *variable, const char *value, const char *advice)
{
    size_t len = strlen(value), shown = len > SHOWN_MAX ? SHOWN_MAX : len;

    buf_addf(errors, "%s is \"", variable);
    for (size_t i = 0; i < shown; i++)
        buf_add_ch(errors, (unsigned char)value[i] < ' ' || value[i] == 0x7f ? '?' : value[i]);
    buf_addf(errors, "%s\": %s\n", shown < len ? "…" : "", advice);
}

static int parse_int(const char *text, const char **end, int64_t *value)
{
    long long number;
    char *stop;

    if (*text != '-' && (*text < '0' || *text > '9'))
        return -1; /* strtoll would skip blanks and take a plus sign */
    errno = 0;
    number = strtoll(text, &stop, 10);
    if (errno || stop == text)
        return -1;
    *value = number;
    *end = stop;
    return 0;
}

static int parse_whole(const char *text, int64_t *value)
{
    const char *end;

    return parse_int(text, &end, value) || *end ? -1 : 0;
}

/* "262144", "256KiB", "64k", "10M": k, M and G are powers of 1024 however they are written. */
static int parse_bytes(const char *text, int64_t *value)
{
    static const struct {
        const char *suffix;
        int shift;
    } units[] = {{"", 0},    {"b", 0},    {"k", 10}, {"kb", 10}, {"kib", 10}, {"m", 20},
                 {"mb", 20}, {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30}};
    const char *end;

    if (parse_int(text, &end, value) || *value < 0)
        return -1;
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcasecmp(end, units[i].suffix) != 0)
            continue;
        if (*value > INT64_MAX >> units[i].shift)
            return -1;
        *value <<= units[i].shift;
        return 0;
    }
    return -1;
}

static int parse_bool(const char *text, bool *value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"1", true},  {"yes", true}, {"on", true},
                 {"false", false}, {"0", false}, {"no", false}, {"off", false}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i].word) == 0) {
            *value = words[i].value;
            return 0;
        }
    return -1;
}

static bool is_url(const char *text)
{
    const char *host = strncasecmp(text, "http://", 7) == 0    ? text + 7
                       : strncasecmp(text, "https://", 8) == 0 ? text + 8
                                                               : NULL;

    if (!host || !*host || strchr("/:?#", *host))
        return false;
    for (; *host; host++)
        if ((unsigned char)*host <= ' ' || *host == 0x7f)
            return false;
    return true;
}

/* The largest unit that says it exactly; table bounds are round, so this reads as people would write them. */
static void add_unit(struct buf *out, int64_t value, const int64_t *sizes, const char *const *names,
                     size_t count)
{
    size_t i = 0;

    while (i + 1 < count && (value < sizes[i] || value % sizes[i] != 0))
        i++;
    buf_addf(out, "%lld%s", (long long)(value / sizes[i]), names[i]);
}

void conf_value_limit(struct buf *out, const struct conf_row *row, int64_t value)
{
    static const int64_t spans[] = {86400000, 3600000, 60000, 1000, 1};
    static const char *const span_names[] = {"d", "h", "m", "s", "ms"};
    static const int64_t sizes[] = {1 << 30, 1 << 20, 1 << 10, 1};
    static const char *const size_names[] = {"GiB", "MiB", "KiB", " bytes"};

    if (row->kind == CONF_SPAN_MS)
        add_unit(out, value, spans, span_names, 5);
    else if (row->kind == CONF_BYTES)
        add_unit(out, value, sizes, size_names, 4);
    else
        buf_add_int(out, value);
}

static int complain_range(const struct conf_row *row, const char *text, struct buf *errors)
{
    const char *what = row->kind == CONF_SPAN_MS ? "a span"
                       : row->kind == CONF_BYTES ? "a size"
                                                 : "a whole number";
    const char *hint = row->kind == CONF_SPAN_MS ? " (250ms, 2s, 1m, 1h, 3d; a plain number is seconds)"
                       : row->kind == CONF_BYTES ? " (64k, 256KiB, 10MiB; a plain number is bytes)"
                                                 : "";
    struct buf advice;

    buf_init(&advice);
    buf_addf(&advice, "give %s from ", what);
    conf_value_limit(&advice, row, row->min);
    buf_add_str(&advice, " to ");
    conf_value_limit(&advice, row, row->max);
    buf_add_str(&advice, hint);
    conf_value_complain(errors, row->variable, text, advice.data);
    buf_release(&advice);
    return -1;
}

static int set_number(struct conf *conf, const struct conf_row *row, const char *text, struct buf *errors)
{
    int64_t value;
    int failed = row->kind == CONF_SPAN_MS ? timefmt_parse_span(text, &value)
                 : row->kind == CONF_BYTES ? parse_bytes(text, &value)
                                           : parse_whole(text, &value);

    if (failed || value < row->min || value > row->max)
        return complain_range(row, text, errors);
    memcpy((char *)conf + row->offset, &value, sizeof value);
    return 0;
}

static int set_bool(struct conf *conf, const struct conf_row *row, const char *text, struct buf *errors)
{
    bool value;

    if (parse_bool(text, &value)) {
        conf_value_complain(errors, row->variable, text, "say true or false");
        return -1;
    }
    memcpy((char *)conf + row->offset, &value, sizeof value);
    return 0;
}

int conf_value_set(struct conf *conf, const struct conf_row *row, const char *text, struct buf *errors)
{
    switch (row->kind) {
    case CONF_INT:
    case CONF_SPAN_MS:
    case CONF_BYTES:
        return set_number(conf, row, text, errors);
    case CONF_BOOL:
        return set_bool(conf, row, text, errors);
    case CONF_URL:
        if (*text && !is_url(text)) {
            conf_value_complain(errors, row->variable, text, "give a base URL such as http://host:8001");
            return -1;
        }
        break;
    case CONF_TEXT:
    case CONF_SECRET:
        break;
    }
    text = conf_source_keep(conf, text, strlen(text));
    memcpy((char *)conf + row->offset, &text, sizeof text);
    return 0;
}
