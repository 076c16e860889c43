/*
 * service_options.c: the command line of every program, written once.
 *
 * A wrong command line ends with 2 and names the option; a wrong configuration with 1 and every mistake on its line, so that
 * one look suffices to mend all of them.
 */
#include <strings.h>

#include "db_session.h"
#include "mem.h"
#include "service_parts.h"
#include "stream.h"
#include "version.h"

static void print_option(struct buf *out, const char *name, const char *value, const char *help)
{
    char left[64];

    snprintf(left, sizeof left, "--%s%s", name, value);
    buf_addf(out, "  %-18s %s\n", left, help);
}

static void print_help(const struct service_spec *spec, struct buf *out)
{
    const struct service_option *option;

    buf_addf(out, "Usage: %s", spec->name);
    for (option = spec->options; option && option->name; option++)
        buf_addf(out, option->required ? " --%s VALUE" : " [--%s VALUE]", option->name);
    buf_addf(out, " [--check]\n\n%s\n\nOptions:\n", spec->summary);
    for (option = spec->options; option && option->name; option++)
        print_option(out, option->name, " VALUE", option->help);
    print_option(out, "check", "",
                 "test the configuration and exit: 0 when it is right, 1 with every mistake");
    print_option(out, "help", "", "this text");
    print_option(out, "version", "", "name and version");
    buf_add_str(
        out,
        "\nSignals:\n"
        "  TERM, INT          finish what is in hand, for DRAIN_TIMEOUT at most; the second ends at once\n"
        "  HUP                read again what can change while running\n"
        "\nConfiguration, from the environment or the file named by ENV_FILE:\n");
    conf_print_help(out, spec->program);
}

static void usage_error(const struct service_spec *spec, const char *what, const char *option)
{
    fprintf(stderr, "%s: %s %s; see %s --help\n", spec->name, option, what, spec->name);
    exit(2);
}

/* --name VALUE or --name=VALUE; the number of arguments taken, 0 when it is another option. */
static int take_option(const struct service_spec *spec, const struct service_option *option, int left,
                       char **argv)
{
    size_t len = strlen(option->name);
    const char *rest;

    if (strncmp(argv[0], "--", 2) != 0 || strncmp(argv[0] + 2, option->name, len) != 0)
        return 0;
    rest = argv[0] + 2 + len;
    if (*rest == '=')
        *option->value = rest + 1;
    else if (*rest)
        return 0;
    else if (left < 2 || strncmp(argv[1], "--", 2) == 0)
        usage_error(spec, "needs a value", argv[0]);
    else
        *option->value = argv[1];
    if (!**option->value)
        usage_error(spec, "needs a value", argv[0]);
    return *rest == '=' ? 1 : 2;
}

static void print_and_exit(struct buf *out)
{
    int failed = fwrite(out->data, 1, out->len, stdout) != out->len || fflush(stdout);

    buf_release(out);
    exit(failed ? 1 : 0);
}

static void standard_option(const struct service_spec *spec, const char *argument, bool *check)
{
    struct buf out;

    buf_init(&out);
    if (strcmp(argument, "--check") == 0) {
        *check = true;
    } else if (strcmp(argument, "--help") == 0) {
        print_help(spec, &out);
        print_and_exit(&out);
    } else if (strcmp(argument, "--version") == 0) {
        buf_addf(&out, "%s %s\n", spec->name, VERSION);
        print_and_exit(&out);
    } else {
        usage_error(spec, "is no option", argument);
    }
    buf_release(&out);
}

static void read_arguments(const struct service_spec *spec, int argc, char **argv, bool *check)
{
    const struct service_option *option;
    char name[64];

    for (int i = 1; i < argc;) {
        int taken = 0;

        for (option = spec->options; option && option->name && !taken; option++)
            taken = take_option(spec, option, argc - i, argv + i);
        if (!taken)
            standard_option(spec, argv[i], check);
        i += taken ? taken : 1;
    }
    for (option = spec->options; option && option->name; option++)
        if (option->required && !*option->value) {
            snprintf(name, sizeof name, "--%s", option->name);
            usage_error(spec, "must be given", name);
        }
}

static void print_mistakes(const char *program, const struct buf *errors)
{
    const char *line = errors->data;

    while (*line) {
        int len = (int)strcspn(line, "\n");

        fprintf(stderr, "%s: %.*s\n", program, len, line);
        line += len + (line[len] == '\n');
    }
}

enum log_format service_log_format(const struct conf *conf)
{
    return strcasecmp(conf->log_format, "json") == 0     ? LOG_FORMAT_JSON
           : strcasecmp(conf->log_format, "logfmt") == 0 ? LOG_FORMAT_LOGFMT
                                                         : LOG_FORMAT_AUTO;
}

enum log_level service_log_level(const struct conf *conf)
{
    enum log_level level = LOG_LEVEL_INFO;

    if (log_level_parse(conf->log_level, &level))
        bug("LOG_LEVEL was checked and is \"%s\"", conf->log_level);
    return level;
}

static void check_database(const char *variable, const char *url, struct buf *errors)
{
    if (*url && !db_url_valid(url))
        buf_addf(errors, "%s cannot be read: write it as postgresql://user:password@host:5432/database\n",
                 variable);
}

/* What has a form that only its library knows. The values may hold passwords: they are not repeated. */
static void check_forms(const struct conf *conf, unsigned program, struct buf *errors)
{
    const char *why = "";

    check_database("DATABASE_URL", conf->database_url, errors);
    check_database("DATABASE_WRITER_URL", conf->database_writer_url, errors);
    check_database("DATABASE_READER_URL", conf->database_reader_url, errors);
    if (stream_check_url(conf->redis_url, &why) != 0)
        buf_addf(errors, "REDIS_URL: %s\n", why);
    if ((program & CONF_GATEWAY) && *conf->jwt_public_key && !strstr(conf->jwt_public_key, "-----BEGIN "))
        buf_add_str(errors, "JWT_PUBLIC_KEY is no PEM text: it begins with -----BEGIN PUBLIC KEY-----\n");
}

void service_options_read(const struct service_spec *spec, int argc, char **argv, struct conf *conf)
{
    bool check = false;
    struct buf errors;

    read_arguments(spec, argc, argv, &check);
    buf_init(&errors);
    if (conf_load(conf, spec->program, &errors) == 0) {
        log_open(spec->name, service_log_level(conf), service_log_format(conf));
        log_set_lines_per_second((unsigned)conf->log_lines);
        check_forms(conf, spec->program, &errors);
        if (spec->check && spec->check(conf, &errors) && errors.len == 0)
            buf_add_str(&errors, "the program's own check of the configuration fails\n");
    }
    if (errors.len) {
        print_mistakes(spec->name, &errors);
        buf_release(&errors);
        exit(1);
    }
    buf_release(&errors);
    if (check) {
        puts("configuration ok");
        exit(fflush(stdout) ? 1 : 0);
    }
}
