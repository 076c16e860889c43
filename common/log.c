/*
 * log.c: puts a line together on the stack and writes it with one write(2).
 *
 * No allocation and no stdio, so that it also works when memory is out; lines of several processes on one pipe stay whole
 * because none is longer than LINE_BYTES, the kernel's atomic size for pipes.
 */
#include "log.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <strings.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "timefmt.h"
#include "utf8.h"

#define LINE_BYTES 4096
#define TAIL_BYTES 32  /* kept for the end of the line */
#define FIELD_BYTES 80 /* kept for each field that follows a long text */
#define FOLDS 64       /* different `what` watched at a time */

struct line {
    char text[LINE_BYTES];
    size_t len;
    bool json;
    bool cut; /* a field did not fit */
};

struct fold {
    char what[48]; /* longer ones are told apart by this much */
    int64_t second;
    unsigned lines;
    int64_t folded;
    enum log_level level;
};

static const char *program_name;
static enum log_level least = LOG_LEVEL_INFO;
static enum log_format format_wanted = LOG_FORMAT_AUTO;
static struct fold folds[FOLDS];
static unsigned lines_per_second = LOG_LINES_PER_SECOND;
static unsigned folding; /* entries of folds with lines to be reported */

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static bool use_json(void)
{
    static int terminal = -1;
    if (terminal < 0)
        terminal = isatty(STDERR_FILENO);
    return format_wanted == LOG_FORMAT_JSON || (format_wanted == LOG_FORMAT_AUTO && !terminal);
}

static bool put(struct line *line, const char *data, size_t len, size_t end)
{
    if (len > end - line->len)
        return false;
    memcpy(line->text + line->len, data, len);
    line->len += len;
    return true;
}

/* How the first character of text goes out, in `piece`; returns how many bytes of text that takes. */
static size_t escape(const char *text, size_t len, char piece[8])
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    unsigned char c = (unsigned char)*text;
    size_t sequence = utf8_sequence(text, len);
    const char *special = strchr(from, c);
    if (sequence == 0)
        snprintf(piece, 8, "\xef\xbf\xbd");
    else if (special != NULL)
        snprintf(piece, 8, "\\%c", to[special - from]);
    else if (c < 0x20 || c == 0x7f)
        snprintf(piece, 8, "\\u%04x", c);
    else if (sequence == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0)
        snprintf(piece, 8, "\\u%04x", (unsigned char)text[1]); /* C1: terminals obey these too */
    else
        snprintf(piece, 8, "%.*s", (int)sequence, text);
    return sequence == 0 ? 1 : sequence;
}

/* The text in quotes, up to `end` of the line; a cut text ends in an ellipsis. */
static bool put_quoted(struct line *line, const char *text, size_t end)
{
    static const char ellipsis[] = "\xe2\x80\xa6\"";
    size_t len = strlen(text), room = sizeof ellipsis - 1;
    if (end < line->len + 1 + room)
        return false;
    put(line, "\"", 1, end);
    while (len > 0) {
        char piece[8];
        size_t taken = escape(text, len, piece);
        if (!put(line, piece, strlen(piece), end - room))
            return put(line, ellipsis, room, end);
        text += taken;
        len -= taken;
    }
    return put(line, "\"", 1, end);
}

static bool is_bare_word(const char *text)
{
    if (*text == '\0' || strlen(text) > 64)
        return false;
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~' || *text == '"' || *text == '=' || *text == '\\')
            return false;
    }
    return true;
}

static bool put_value(struct line *line, const struct log_field *field, size_t end)
{
    char number[40] = "null";
    if (field->kind == 's' && field->text != NULL) {
        if (!line->json && is_bare_word(field->text))
            return put(line, field->text, strlen(field->text), end);
        return put_quoted(line, field->text, end);
    }
    if (field->kind == 'i')
        snprintf(number, sizeof number, "%lld", (long long)field->number);
    else if (field->kind == 'b')
        snprintf(number, sizeof number, "%s", field->number ? "true" : "false");
    else if (field->kind == 'd' && isfinite(field->real))
        snprintf(number, sizeof number, "%.6g", field->real);
    return put(line, number, strlen(number), end);
}

static void put_field(struct line *line, const struct log_field *field, size_t end)
{
    size_t start = line->len;
    bool fits = true;
    if (line->json)
        fits = put(line, start > 0 ? ",\"" : "{\"", 2, end) &&
               put(line, field->key, strlen(field->key), end) && put(line, "\":", 2, end);
    else
        fits = put(line, " ", start > 0, end) && put(line, field->key, strlen(field->key), end) &&
               put(line, "=", 1, end);
    if (fits && put_value(line, field, end))
        return;
    line->len = start;
    line->cut = true;
}

static void put_fields(struct line *line, const struct log_field *fields)
{
    size_t left = 0;
    while (fields[left].key != NULL)
        left++;
    for (; left > 0; left--, fields++) {
        size_t end = LINE_BYTES - TAIL_BYTES, kept = (left - 1) * FIELD_BYTES;
        if (kept < end && end - kept > line->len + FIELD_BYTES)
            end -= kept;
        put_field(line, fields, end);
    }
}

static void write_line(enum log_level level, const char *what, const struct log_field *fields)
{
    int saved = errno; /* callers log and then look at it */
    struct line line;
    line.len = 0;
    line.json = use_json();
    line.cut = false;
    char ts[TIMEFMT_LEN + 1];
    timefmt_rfc3339(clock_wall_ms(), ts);
    const char *program = program_name != NULL ? program_name : program_invocation_short_name;
    put_fields(&line, (struct log_field[]){LOG_STR("ts", ts), LOG_STR("level", level_names[level]),
                                           LOG_STR("program", program), LOG_STR("what", what), LOG_NONE});
    put_fields(&line, fields);
    if (line.cut)
        put_field(&line, &(struct log_field)LOG_BOOL("cut", true), LINE_BYTES - 2);
    put(&line, line.json ? "}\n" : "\n", line.json ? 2 : 1, LINE_BYTES);
    while (write(STDERR_FILENO, line.text, line.len) < 0 && errno == EINTR)
        continue;
    errno = saved;
}

static void report_fold(struct fold *fold)
{
    if (fold->folded == 0)
        return;
    write_line(fold->level, fold->what, (struct log_field[]){LOG_INT("folded", fold->folded), LOG_NONE});
    fold->folded = 0;
    folding--;
}

static void report_folds(int64_t second)
{
    for (size_t i = 0; folding > 0 && i < FOLDS; i++) {
        if (folds[i].second != second)
            report_fold(&folds[i]);
    }
}

static void report_all_folds(void)
{
    report_folds(-1);
}

/* The entry of `what`; when all are taken, the one that was quiet for longest makes room. */
static struct fold *find_fold(const char *what)
{
    struct fold *oldest = &folds[0];
    for (size_t i = 0; i < FOLDS; i++) {
        if (strncmp(folds[i].what, what, sizeof folds[i].what - 1) == 0)
            return &folds[i];
        if (oldest->what[0] != '\0' && (folds[i].what[0] == '\0' || folds[i].second < oldest->second))
            oldest = &folds[i];
    }
    report_fold(oldest);
    *oldest = (struct fold){.second = -1};
    snprintf(oldest->what, sizeof oldest->what, "%s", what);
    return oldest;
}

static bool admit(enum log_level level, const char *what)
{
    int64_t second = clock_mono_ms() / 1000;
    report_folds(second);
    struct fold *fold = find_fold(what);
    if (fold->second != second) {
        fold->second = second;
        fold->lines = 0;
    }
    if (fold->lines < lines_per_second) {
        fold->lines++;
        return true;
    }
    folding += fold->folded++ == 0;
    fold->level = level;
    return false;
}

void log_open(const char *program, enum log_level level, enum log_format format)
{
    static bool opened;
    program_name = program;
    least = level;
    format_wanted = format;
    if (!opened)
        atexit(report_all_folds);
    opened = true;
}

void log_set_level(enum log_level level)
{
    least = level;
}

void log_set_lines_per_second(unsigned lines)
{
    lines_per_second = lines;
}

bool log_enabled(enum log_level level)
{
    return level >= least;
}

int log_level_parse(const char *name, enum log_level *level)
{
    static const char *const names[] = {"debug", "info", "warning", "error", "warn"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(name, names[i]) == 0) {
            *level = i == 4 ? LOG_LEVEL_WARN : (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

void log_write(enum log_level level, const char *what, const struct log_field *fields)
{
    if (log_enabled(level) && admit(level, what))
        write_line(level, what, fields);
}

__attribute__((format(printf, 2, 0))) static void last_words(const char *what, const char *format,
                                                             va_list args)
{
    char detail[1024];
    vsnprintf(detail, sizeof detail, format, args);
    write_line(LOG_LEVEL_ERROR, what, (struct log_field[]){LOG_STR("detail", detail), LOG_NONE});
}

void bug(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    last_words("bug", format, args);
    va_end(args);
    report_all_folds();
    abort();
}

void fatal_at_once(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    last_words("fatal", format, args);
    va_end(args);
    report_all_folds();
    _exit(1);
}

void fatal(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    last_words("fatal", format, args);
    va_end(args);
    exit(1);
}
