/*
 * main.c: syncctl, the operator's command.
 *
 *   syncctl COMMAND [OPTIONS]     one file per command; exit code 0, 1 after a sentence, 2 for a wrong command line
 */
#include "ctl.h"
#include "mem.h"
#include "version.h"

static const struct command {
    const char *name;
    const char *options;
    const char *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"token", "--tenant T --role R [--platform P] [--ttl 1h] [--subject S]",
     "prints a token signed with JWT_SECRET; tenant * is the operator of the whole service;\n"
     "      roles are viewer, service, operator and admin",
     ctl_token},
    {"config", "[--format=help|env|markdown|mdoc] [--program P]",
     "prints every variable, as text, as a .env file, as a table or for a manual page; of one program\n"
     "      with --program (help and mdoc)",
     ctl_config},
    {"map", "[--platform P] [FILE|-]",
     "shows what each platform would get for an event (a body of POST /sync/events, from FILE or standard\n"
     "      input) by the files in PLATFORM_DIR, as if it had nothing yet; --platform: that one alone",
     ctl_map},
    {"policies",
     "[--tenant T] [--file FILE] [--json]\n"
     "  policies explain [--tenant T] [--file FILE] [--json] ENTITY FIELD\n"
     "  policies --check FILE\n"
     "  policies check FILE --tenant T\n"
     "  policies show --tenant T [--version N] [--json]\n"
     "  policies set FILE --tenant T [--over N] [--note N] [--json]\n"
     "  policies versions --tenant T [--json]\n"
     "  policies restore N --tenant T [--over N] [--note N] [--json]",
     "what becomes of a field that several platforms changed at once, by POLICIES_FILE or FILE: of every\n"
     "      field, or explained for one; for a tenant, or everybody; --check: every mistake of a file, with "
     "its line.\n"
     "      Over the file lies what a tenant has of its own: check tells the mistakes of such a text; show,\n"
     "      set, versions and restore go through the API; --over: only if N is the newest version",
     ctl_policies},
    {"brakes",
     "list --tenant T [--status on|dropping|released|dropped] [--json]\n"
     "  brakes release|drop ID --tenant T [--note N] [--json]",
     "flows that are paused because too many records were deleted or changed at once: lists them; lets go\n"
     "      what waits, or cancels what of it is of the kind; --url URL instead of API_URL",
     ctl_brakes},
    {"backfill",
     "--tenant T --platform P [--entity E,…] [--target P,…] [--rate N] [--file F.ndjson|-] [--as-of TIME] "
     "[--wait]\n"
     "  backfill --tenant T --id ID [--state paused|running|cancelled] [--rate N] [--file F.ndjson] [--wait]",
     "first sync: reads the platform's lists, or a file of lines, and feeds the records in at low priority;\n"
     "      --rate: rows a second; --as-of: when the file was made (default: when it was written); --wait\n"
     "      shows how it goes until all is delivered; --url URL instead of API_URL",
     ctl_backfill},
    {"verify",
     "--platform P [--tenant T] [--entity E,…] [--repair] [--no-wait] [--json]\n"
     "  verify --id ID [--tenant T] [--state paused|running|cancelled] [--json]",
     "does the platform have what it should have? Reads its lists, waits for the end and tells how much\n"
     "      agrees and what does not; --repair: sends what differs again; of all tenants unless one is "
     "named;\n"
     "      ends with 0 when everything agrees or is sent again; --url URL instead of API_URL",
     ctl_verify},
    {"queues", "[--json]",
     "shows what waits, backs off and is dead per stage, what is on the belt, and what is paused",
     ctl_queues},
    {"leases", "[--stage S] [--json]",
     "shows who owns which partition, and whether the copy in Redis agrees; stages are router, resolver and\n"
     "      worker-PLATFORM",
     ctl_leases},
    {"dead",
     "list [--tenant T] [--platform P] [--since 24h] [--limit N] [--json]\n"
     "  dead show ID [--data] [--json]\n"
     "  dead replay ID [--platform P] | --tenant T --platform P [--since 24h] [--rate N] [--dry-run]",
     "what was given up: deliveries, and entries of the belt that nobody could read: lists them; shows one\n"
     "      with all its attempts (--data: and what the event carried); sends them again, each the current\n"
     "      record under a new id; --since: events accepted no longer ago; tenant * is all; --rate: a "
     "second, 200",
     ctl_dead},
    {"records",
     "show TYPE ID --tenant T [--json]\n"
     "  records versions TYPE ID --tenant T [--limit N] [--json]\n"
     "  records find TYPE --tenant T --email E | --platform P --platform-id ID [--json]",
     "a record: its fields, where each comes from and since when, and what each platform has of it; the\n"
     "      versions it had, newest first; one found by its e-mail or by what a platform calls it; through "
     "the\n"
     "      API, --url URL instead of API_URL; types are user, lead, order, campaign and product",
     ctl_records},
    {"conflicts",
     "list --tenant T [--status S] [--type E] [--limit N] [--json]\n"
     "  conflicts show ID --tenant T [--json]\n"
     "  conflicts resolve ID --tenant T --choose P | --fields FIELD=P,… | --data JSON [--note N] [--json]\n"
     "  conflicts undo ID --tenant T [--note N] [--json]\n"
     "  conflicts simulate --tenant T --policies FILE [--days N] [--type E] [--json]",
     "what platforms changed at once: lists those that wait for a person (--status all: all of them); shows\n"
     "      what each side says, what became of it and why; decides, by the platform whose say counts or by\n"
     "      values; takes a decision back; tells what other policies would have decided in the last 7 days;\n"
     "      through the API, --url URL instead of API_URL; tenant * is all",
     ctl_conflicts},
    {"links",
     "list --tenant T [--status S] [--limit N] [--json]\n"
     "  links show ID --tenant T [--json]\n"
     "  links confirm|refuse|split ID --tenant T [--note N] [--json]\n"
     "  links link USER USER --tenant T [--note N] [--json]",
     "one person under several ids: lists who may be one (--status all: every link); links what was "
     "suggested,\n"
     "      or refuses it for good; links two users by hand; splits a link, each with its own history; "
     "through\n"
     "      the API, --url URL instead of API_URL; tenant * is all",
     ctl_links},
    {"migrate", "", "creates the tables in DATABASE_URL, or brings them up to this release", ctl_migrate},
};

static void add_command(struct buf *out, const struct command *command)
{
    buf_addf(out, "  %s%s%s\n      %s\n", command->name, *command->options ? " " : "", command->options,
             command->summary);
}

static int print_help_of(const struct command *command)
{
    struct buf out;

    buf_init(&out);
    buf_add_str(&out, "Usage: syncctl COMMAND [OPTIONS]\n\n");
    add_command(&out, command);
    return ctl_print(&out);
}

static int print_help(void)
{
    struct buf out;

    buf_init(&out);
    buf_add_str(
        &out,
        "Usage: syncctl COMMAND [OPTIONS]\n\nThe operator's command of the data synchronization service.\n"
        "\nCommands:\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        add_command(&out, &commands[i]);
    buf_add_str(&out, "\nOptions:\n  --help             this text; after a command: what it takes\n  "
                      "--version          name and version\n"
                      "\nConfiguration, from the environment or the file named by ENV_FILE:\n");
    conf_print_help(&out, CONF_CTL);
    return ctl_print(&out);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (strcmp(name, "--help") == 0 || strcmp(name, "help") == 0)
        return print_help();
    if (strcmp(name, "--version") == 0) {
        puts("syncctl " VERSION);
        return 0;
    }
    log_open("syncctl", LOG_LEVEL_INFO, LOG_FORMAT_AUTO);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0)
            return argc > 2 && strcmp(argv[2], "--help") == 0 ? print_help_of(&commands[i])
                                                              : commands[i].run(argc - 1, argv + 1);
    ctl_fail(*name ? "%s is no command; see syncctl --help" : "%sgive a command; see syncctl --help", name);
    return CTL_USAGE;
}
