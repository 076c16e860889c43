/* config.c: syncctl config --format=help|env|markdown: every variable of every program, as text, .env file or table. */
#include "ctl.h"
#include "mem.h"

static void print_help(struct buf *out)
{
    conf_print_help(out, CONF_ALL);
}

static const struct {
    const char *name;
    void (*print)(struct buf *out);
} formats[] = {{"help", print_help}, {"env", conf_print_env}, {"markdown", conf_print_markdown}};

int ctl_config(int argc, char **argv)
{
    const char *format = "help";
    const struct ctl_option options[] = {{"format", &format, false}, {NULL, NULL, false}};
    struct buf out;

    if (ctl_read_options(options, argc, argv))
        return CTL_USAGE;
    buf_init(&out);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(format, formats[i].name) == 0) {
            formats[i].print(&out);
            return ctl_print(&out);
        }
    ctl_fail("--format is \"%s\": say help, env or markdown", format);
    return CTL_USAGE;
}
