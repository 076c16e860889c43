/* config.c: syncctl config --format=help|env|markdown|mdoc: every variable, as text, .env file, table or manual page. */
#include "ctl.h"
#include "mem.h"

static void print_env(struct buf *out, unsigned program)
{
    (void)program;
    conf_print_env(out);
}

static void print_markdown(struct buf *out, unsigned program)
{
    (void)program;
    conf_print_markdown(out);
}

static const struct {
    const char *name;
    void (*print)(struct buf *out, unsigned program);
} formats[] = {
    {"help", conf_print_help}, {"env", print_env}, {"markdown", print_markdown}, {"mdoc", conf_print_mdoc}};

int ctl_config(int argc, char **argv)
{
    const char *format = "help", *program = "";
    const struct ctl_option options[] = {
        {"format", &format, false}, {"program", &program, false}, {NULL, NULL, false}};
    unsigned programs = CONF_ALL;
    struct buf out;

    if (ctl_read_options(options, argc, argv))
        return CTL_USAGE;
    if (*program && (programs = conf_program(program)) == 0) {
        ctl_fail("--program is \"%s\": say api-gateway, router, worker, resolver, monitor or syncctl",
                 program);
        return CTL_USAGE;
    }
    buf_init(&out);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(format, formats[i].name) == 0) {
            formats[i].print(&out, programs);
            return ctl_print(&out);
        }
    ctl_fail("--format is \"%s\": say help, env, markdown or mdoc", format);
    return CTL_USAGE;
}
