/* options.c: arguments, configuration and output, the same way in every command. */
#include <stdarg.h>

#include "ctl.h"
#include "mem.h"

int ctl_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("syncctl: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return 1;
}

int ctl_print(struct buf *out)
{
    int failed = fwrite(out->data, 1, out->len, stdout) != out->len || fflush(stdout);

    buf_release(out);
    return failed ? ctl_fail("the output cannot be written") : 0;
}

int ctl_load(struct conf *conf)
{
    struct buf errors;
    int result;

    buf_init(&errors);
    result = conf_load(conf, CONF_CTL, &errors);
    for (const char *line = errors.data; *line;) {
        int len = (int)strcspn(line, "\n");

        ctl_fail("%.*s", len, line);
        line += len + (line[len] == '\n');
    }
    buf_release(&errors);
    if (result)
        conf_release(conf);
    return result;
}

static const struct ctl_option *find(const struct ctl_option *options, const char *name, size_t len)
{
    for (; options->name; options++)
        if (strlen(options->name) == len && memcmp(options->name, name, len) == 0)
            return options;
    return NULL;
}

int ctl_take_flag(int argc, char **argv, const char *flag, bool *given)
{
    int kept = 0;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], flag) == 0)
            *given = true;
        else
            argv[kept++] = argv[i];
    }
    return kept;
}

const char *ctl_take_word(int *argc, char ***argv)
{
    const char *word = *argc > 1 && (*argv)[1][0] != '-' ? (*argv)[1] : NULL;

    if (word) {
        (*argv)[1] = (*argv)[0];
        (*argc)--;
        (*argv)++;
    }
    return word;
}

int ctl_read_options(const struct ctl_option *options, int argc, char **argv)
{
    const struct ctl_option *option;

    for (int i = 1; i < argc; i++) {
        size_t len = strcspn(argv[i], "=");

        option = strncmp(argv[i], "--", 2) == 0 ? find(options, argv[i] + 2, len - 2) : NULL;
        if (!option) {
            ctl_fail("%s is no option of %s; see syncctl --help", argv[i], argv[0]);
            return -1;
        }
        *option->value = argv[i][len] ? argv[i] + len + 1 : i + 1 < argc ? argv[++i] : "";
        if (!**option->value) {
            ctl_fail("--%s needs a value; see syncctl --help", option->name);
            return -1;
        }
    }
    for (option = options; option->name; option++)
        if (option->required && !*option->value) {
            ctl_fail("%s needs --%s; see syncctl --help", argv[0], option->name);
            return -1;
        }
    return 0;
}
