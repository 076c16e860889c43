/*
 * text.c: see text.h. Tenants, ids and the answers of platforms are what others chose: printed as they are, they could write
 * over the lines above, or more.
 */
#include "text.h"

#include <inttypes.h>
#include <string.h>

#include "mem.h"
#include "timefmt.h"
#include "utf8.h"

#define COLUMNS_MAX 16
#define GAP 2

/* ---- foreign text ---- */

/* Of a valid sequence: C0, DEL, C1, line and paragraph separators, marks of direction (U+200E, U+200F, U+202A-E, U+2066-9). */
static bool is_harmful(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;

    if (len == 1)
        return s[0] < ' ' || s[0] == 0x7f;
    if (len == 2)
        return s[0] == 0xc2 && s[1] < 0xa0;
    if (len == 3 && s[0] == 0xe2 && s[1] == 0x80)
        return s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xa8 && s[2] <= 0xae);
    return len == 3 && s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9;
}

static void add_escaped(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_addf(out, "\\x%02x", (unsigned char)text[i]);
}

void text_clean(struct buf *out, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t size = utf8_sequence(text + at, len - at);
        if (size == 0 || is_harmful(text + at, size))
            add_escaped(out, text + at, size ? size : 1);
        else
            buf_add(out, text + at, size);
        at += size ? size : 1;
    }
}

void text_valid(struct buf *out, const char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t size = utf8_sequence(bytes + at, len - at);
        if (size == 0 || bytes[at] == '\0')
            add_escaped(out, bytes + at, 1);
        else
            buf_add(out, bytes + at, size);
        at += size ? size : 1;
    }
}

/* ---- times ---- */

void text_span(struct buf *out, int64_t ms)
{
    static const struct {
        int64_t ms;
        char unit;
    } units[] = {{86400000, 'd'}, {3600000, 'h'}, {60000, 'm'}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (ms >= 2 * units[i].ms) {
            buf_addf(out, "%" PRId64 "%c", ms / units[i].ms, units[i].unit);
            return;
        }
    buf_addf(out, "%" PRId64 "s", ms > 0 ? ms / 1000 : 0);
}

void text_time(struct buf *out, const char *rfc3339)
{
    if (!rfc3339 || strlen(rfc3339) < 20) {
        buf_add_ch(out, '-');
        return;
    }
    buf_addf(out, "%.10s %.8sZ", rfc3339, rfc3339 + 11);
}

int64_t text_age_ms(const char *rfc3339, int64_t now_ms)
{
    int64_t at_ms;

    if (!rfc3339 || timefmt_parse(rfc3339, strlen(rfc3339), &at_ms) != 0)
        return -1;
    return at_ms < now_ms ? now_ms - at_ms : 0;
}

/* ---- tables ---- */

struct table {
    const char *const *headers;
    size_t columns, cells; /* cells: of all rows */
    size_t width[COLUMNS_MAX];
    struct buf text; /* the cells, each with its NUL */
};

/* Characters, not bytes; wide ones are not told apart. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static const char *header_of(const struct table *table, size_t column)
{
    return table->headers[column] + (table->headers[column][0] == '>');
}

struct table *table_new(const char *const *headers)
{
    struct table *table = mem_alloc(sizeof *table);

    table->headers = headers;
    buf_init(&table->text);
    while (headers[table->columns]) {
        table->width[table->columns] = width_of(header_of(table, table->columns));
        table->columns++;
    }
    return table;
}

void table_text(struct table *table, const char *text)
{
    size_t start = table->text.len, width, column = table->cells % table->columns;

    text = text && *text ? text : "-";
    text_clean(&table->text, text, strlen(text));
    width = width_of(table->text.data + start);
    if (width > table->width[column])
        table->width[column] = width;
    buf_add_ch(&table->text, '\0');
    table->cells++;
}

void table_int(struct table *table, int64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    table_text(table, text);
}

void table_json(struct table *table, const struct json *object, const char *member)
{
    table_text(table, json_text(json_get(object, member), NULL));
}

static void add_cell(const struct table *table, size_t column, const char *text, struct buf *out)
{
    int pad = (int)(table->width[column] - width_of(text));
    bool right = table->headers[column][0] == '>', last = column + 1 == table->columns;

    buf_addf(out, "%*s%s%*s", right ? pad : 0, "", text, right || last ? 0 : pad, "");
    buf_addf(out, "%*s", last ? 0 : GAP, "");
    if (last)
        buf_add_ch(out, '\n');
}

void table_end(struct table **tablep, struct buf *out)
{
    struct table *table = *tablep;
    const char *cell = table->text.data;

    for (size_t i = 0; table->cells > 0 && i < table->columns; i++)
        add_cell(table, i, header_of(table, i), out);
    for (size_t i = 0, column = 0; i < table->cells; i++, cell += strlen(cell) + 1) {
        add_cell(table, column, cell, out);
        column = column + 1 < table->columns ? column + 1 : 0;
    }
    buf_release(&table->text);
    free(table);
    *tablep = NULL;
}
