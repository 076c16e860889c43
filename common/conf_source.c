/*
 * conf_source.c: where the text of a variable comes from.
 *
 * In this order: the environment, the file named by ENV_FILE (lines NAME=value), and for secrets the file named by NAME_FILE.
 * A process cannot see changes of its own environment, so the two kinds of file are what SIGHUP can find changed.
 *
 * Every text handed out is kept, each distinct one once, until conf_release: a module may hold a pointer over a reload.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "conf_row.h"
#include "mem.h"

#define SOURCE_FILE_MAX 65536 /* bytes of an ENV_FILE or of a secret's file */

struct conf_text {
    struct conf_text *next;
    size_t len;
    char text[];
};

struct conf_env {
    struct conf_env *next;
    const char *name;
    const char *value;
};

struct conf_memory {
    struct conf_text *texts;
    struct conf_env *env; /* the lines of ENV_FILE */
};

static struct conf_memory *memory_of(struct conf *conf)
{
    if (!conf->memory)
        conf->memory = mem_alloc(sizeof *conf->memory);
    return conf->memory;
}

const char *conf_source_keep(struct conf *conf, const char *text, size_t len)
{
    struct conf_memory *memory = memory_of(conf);
    struct conf_text *kept;

    for (kept = memory->texts; kept; kept = kept->next)
        if (kept->len == len && memcmp(kept->text, text, len) == 0)
            return kept->text;
    kept = mem_alloc(sizeof *kept + len + 1);
    memcpy(kept->text, text, len);
    kept->len = len;
    kept->next = memory->texts;
    memory->texts = kept;
    return kept->text;
}

static int read_all(int fd, struct buf *out)
{
    char block[4096];
    ssize_t got;

    while ((got = read(fd, block, sizeof block)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        buf_add(out, block, (size_t)got);
        explicit_bzero(block, (size_t)got);
        if (out->len > SOURCE_FILE_MAX) {
            errno = EFBIG;
            return -1;
        }
    }
    return 0;
}

/* The content of a file; variable is what names it, for the sentence. */
static int read_file(const char *variable, const char *path, struct buf *out, struct buf *errors)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int failed = fd < 0 ? -1 : read_all(fd, out);
    int why = errno;

    if (fd >= 0)
        close(fd);
    if (failed) {
        buf_addf(errors, "%s names \"%s\", which cannot be read: %s\n", variable, path, strerror(why));
        return -1;
    }
    if (memchr(out->data, 0, out->len)) {
        buf_addf(errors, "%s names \"%s\", which holds a NUL byte: give a text file\n", variable, path);
        return -1;
    }
    return 0;
}

/* Content of a secret's file less one line end; a file without a secret in it is a mistake, not "not set". */
static int read_secret(struct conf *conf, const char *variable, const char *path, const char **value,
                       struct buf *errors)
{
    struct buf content;
    int result;

    buf_init(&content);
    result = read_file(variable, path, &content, errors);
    if (!result) {
        size_t len = content.len;

        if (len > 0 && content.data[len - 1] == '\n')
            len--;
        if (len > 0 && len < content.len && content.data[len - 1] == '\r')
            len--;
        if (len == 0) {
            buf_addf(errors, "%s names \"%s\", which is empty: write the secret into it\n", variable, path);
            result = -1;
        } else {
            *value = conf_source_keep(conf, content.data, len);
        }
    }
    explicit_bzero(content.data, content.len);
    buf_release(&content);
    return result;
}

static const char *plain_value(struct conf *conf, const char *variable)
{
    const char *value = getenv(variable);
    struct conf_env *env;

    if (value && *value)
        return conf_source_keep(conf, value, strlen(value));
    for (env = memory_of(conf)->env; env; env = env->next)
        if (strcmp(env->name, variable) == 0)
            return *env->value ? env->value : NULL;
    return NULL;
}

int conf_source_get(struct conf *conf, const char *variable, bool secret, const char **value,
                    struct buf *errors)
{
    char file_variable[128];
    const char *path = NULL;

    *value = plain_value(conf, variable);
    if (secret) {
        snprintf(file_variable, sizeof file_variable, "%s_FILE", variable);
        path = plain_value(conf, file_variable);
    }
    if (!path)
        return 0;
    if (*value) {
        *value = NULL;
        buf_addf(errors, "%s and %s are both set: keep one of them\n", variable, file_variable);
        return -1;
    }
    return read_secret(conf, file_variable, path, value, errors);
}

static bool is_name(const char *text, size_t len)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char digits[] = "0123456789";

    for (size_t i = 0; i < len; i++)
        if (!strchr(first, text[i]) && (i == 0 || !strchr(digits, text[i])))
            return false;
    return len > 0;
}

/* One line: NAME=value, `export` allowed before it, the value plain or wholly in single or double quotes. */
static int add_line(struct conf *conf, const char *line, size_t len)
{
    struct conf_env *env;
    const char *equals, *value;
    size_t value_len;

    while (len > 0 && strchr(" \t\r", line[len - 1]))
        len--;
    while (len > 0 && strchr(" \t", *line))
        line++, len--;
    if (len == 0 || *line == '#')
        return 0;
    if (len > 7 && memcmp(line, "export ", 7) == 0)
        line += 7, len -= 7;
    equals = memchr(line, '=', len);
    if (!equals || !is_name(line, (size_t)(equals - line)))
        return -1;
    value = equals + 1;
    value_len = len - (size_t)(value - line);
    if (value_len >= 2 && (*value == '"' || *value == '\'') && value[value_len - 1] == *value)
        value++, value_len -= 2;
    env = mem_alloc(sizeof *env);
    env->name = conf_source_keep(conf, line, (size_t)(equals - line));
    env->value = conf_source_keep(conf, value, value_len);
    env->next = conf->memory->env; /* the last line of a name wins, as in a shell */
    conf->memory->env = env;
    return 0;
}

static int add_lines(struct conf *conf, const char *path, const struct buf *content, struct buf *errors)
{
    const char *line = content->data, *end = content->data + content->len;
    int number = 1, result = 0;

    for (; line < end; number++) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));

        if (!stop)
            stop = end;
        if (add_line(conf, line, (size_t)(stop - line))) {
            buf_addf(errors, "ENV_FILE, line %d of \"%s\": write NAME=value\n", number, path);
            result = -1;
        }
        line = stop + 1;
    }
    return result;
}

int conf_source_read(struct conf *conf, struct conf_env **before, struct buf *errors)
{
    struct conf_memory *memory = memory_of(conf);
    const char *path = getenv("ENV_FILE");
    struct buf content;
    int result;

    *before = memory->env;
    memory->env = NULL;
    if (!path || !*path)
        return 0;
    buf_init(&content);
    result = read_file("ENV_FILE", path, &content, errors);
    if (!result)
        result = add_lines(conf, path, &content, errors);
    explicit_bzero(content.data, content.len);
    buf_release(&content);
    return result;
}

void conf_source_forget(struct conf_env **before)
{
    while (*before) {
        struct conf_env *next = (*before)->next;

        free(*before);
        *before = next;
    }
}

void conf_source_restore(struct conf *conf, struct conf_env **before)
{
    conf_source_forget(&memory_of(conf)->env);
    conf->memory->env = *before;
    *before = NULL;
}

void conf_source_release(struct conf *conf)
{
    struct conf_memory *memory = conf->memory;

    if (!memory)
        return;
    conf_source_forget(&memory->env);
    while (memory->texts) {
        struct conf_text *next = memory->texts->next;

        explicit_bzero(memory->texts->text, memory->texts->len);
        free(memory->texts);
        memory->texts = next;
    }
    free(memory);
    conf->memory = NULL;
}
