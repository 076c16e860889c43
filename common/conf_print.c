/*
 * conf_print.c: the configuration table as people read it: --help, .env.example, the README's table and the manual pages.
 *
 * All come from the rows alone, so none of them can say what the code does not do.
 */
#include "conf_row.h"
#include "mem.h"

static const struct {
    unsigned bit;
    const char *name;
} readers[] = {{CONF_GATEWAY, "api-gateway"}, {CONF_ROUTER, "router"},   {CONF_WORKER, "worker"},
               {CONF_RESOLVER, "resolver"},   {CONF_MONITOR, "monitor"}, {CONF_CTL, "syncctl"}};

static void add_readers(struct buf *out, unsigned programs)
{
    const char *gap = "";

    if (programs == CONF_ALL || programs == CONF_SERVICES) {
        buf_add_str(out, programs == CONF_ALL ? "all" : "all services");
        return;
    }
    if (!programs)
        buf_add_str(out, "none");
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (programs & readers[i].bit) {
            buf_addf(out, "%s%s", gap, readers[i].name);
            gap = ", ";
        }
}

/* What values are right: "20 to 100000", "1s to 1m", "true or false"; nothing for text. */
static void add_range(struct buf *out, const struct conf_row *row)
{
    if (row->kind == CONF_BOOL)
        buf_add_str(out, "true or false");
    if (row->kind != CONF_INT && row->kind != CONF_SPAN_MS && row->kind != CONF_BYTES)
        return;
    conf_value_limit(out, row, row->min);
    buf_add_str(out, " to ");
    conf_value_limit(out, row, row->max);
}

/* " (20 to 100000; HUP reloads)", or nothing when there is nothing to say. */
static void add_remark(struct buf *out, const char *lead, const struct conf_row *row)
{
    size_t before = out->len, start;

    buf_addf(out, "%s(", lead);
    start = out->len;
    add_range(out, row);
    if (row->kind == CONF_SECRET)
        buf_addf(out, "or %s_FILE", row->variable);
    if (row->reloads)
        buf_addf(out, "%sHUP reloads", out->len > start ? "; " : "");
    if (out->len > start) {
        buf_add_ch(out, ')');
        return;
    }
    out->len = before;
    out->data[before] = '\0';
}

/* Words of `text` in lines of at most `width` characters, each line after `lead`. */
static void add_wrapped(struct buf *out, const char *lead, const char *text, size_t width)
{
    size_t column = 0;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (column > 0 && column + 1 + len > width) {
            buf_add_ch(out, '\n');
            column = 0;
        }
        buf_add_str(out, column ? " " : lead);
        buf_add(out, text, len);
        column += len + (column ? 1 : 0);
        text += len + (text[len] == ' ');
    }
    buf_add_ch(out, '\n');
}

void conf_print_help(struct buf *out, unsigned program)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];

        if (!(row->programs & program))
            continue;
        buf_addf(out, "  %s=%s", row->variable, row->fallback);
        add_remark(out, "  ", row);
        buf_add_ch(out, '\n');
        add_wrapped(out, "      ", row->help, 90);
    }
}

void conf_print_env(struct buf *out)
{
    buf_add_str(out, "# Every variable with its default: made by `syncctl config --format=env`. Copy it to "
                     ".env, take away the\n"
                     "# # before what you change, and start the programs with ENV_FILE=.env, or from "
                     "docker-compose or systemd.\n");
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];

        buf_add_ch(out, '\n');
        add_wrapped(out, "# ", row->help, 110);
        buf_add_str(out, "# Read by ");
        add_readers(out, row->programs);
        add_remark(out, " ", row);
        buf_addf(out, "\n#%s=%s\n", row->variable, row->fallback);
    }
}

static void add_cell(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_add_ch(out, '\\');
        buf_add_ch(out, *text);
    }
}

void conf_print_markdown(struct buf *out)
{
    buf_add_str(out,
                "| variable | default | values | read by | HUP | meaning |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];

        buf_addf(out, "| `%s`%s | ", row->variable, row->kind == CONF_SECRET ? " or `…_FILE`" : "");
        if (*row->fallback) {
            buf_add_ch(out, '`');
            add_cell(out, row->fallback);
            buf_add_ch(out, '`');
        }
        buf_add_str(out, " | ");
        add_range(out, row);
        buf_add_str(out, " | ");
        add_readers(out, row->programs);
        buf_addf(out, " | %s | ", row->reloads ? "reloads" : "");
        add_cell(out, row->help);
        buf_add_str(out, " |\n");
    }
}

/* A text of ours as a line of a manual page: a dot or quote at its start would be a macro. */
static void add_roff(struct buf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        buf_add_str(out, "\\&");
    for (; *text; text++)
        if (*text == '\\')
            buf_add_str(out, "\\e");
        else
            buf_add_ch(out, *text);
}

void conf_print_mdoc(struct buf *out, unsigned program)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];

        if (!(row->programs & program))
            continue;
        buf_addf(out, ".It Ev %s\n", row->variable);
        add_roff(out, row->help);
        buf_add_ch(out, '.');
        if (*row->fallback) {
            buf_add_str(out, "\nDefault: ");
            add_roff(out, row->fallback);
        }
        add_remark(out, " ", row);
        buf_add_ch(out, '\n');
    }
}

unsigned conf_program(const char *name)
{
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (strcmp(readers[i].name, name) == 0)
            return readers[i].bit;
    return 0;
}
