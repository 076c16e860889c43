/*
 * dead.c: syncctl dead list|show|replay: what was given up; here what the three share.
 *
 * Deliveries die when a platform refuses them for good or their attempts are used up; an entry of the belt is parked when nobody
 * can read it. Both are kept with the reason until they are replayed, or their day is dropped (EVENT_RETENTION_DAYS).
 */
#include "dead.h"

#include "auth.h"
#include "clock.h"
#include "mem.h"
#include "timefmt.h"

#define PARKED "parked-"

int ctl_dead(int argc, char **argv)
{
    static const struct {
        const char *name, *whole;
        int (*run)(int argc, char **argv);
    } commands[] = {{"list", "dead list", dead_list},
                    {"show", "dead show", dead_show},
                    {"replay", "dead replay", dead_replay}};

    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            char *whole = mem_strdup(commands[i].whole);
            int code;
            argv[1] = whole; /* what sentences call it */
            code = commands[i].run(argc - 1, argv + 1);
            free(whole);
            return code;
        }
    ctl_fail("dead: say list, show or replay; see syncctl --help");
    return CTL_USAGE;
}

int dead_read_number(const char *option, const char *text, int64_t highest, int64_t *number)
{
    bool digits = strspn(text, "0123456789") == strlen(text) && strlen(text) <= 9;

    *number = digits ? strtoll(text, NULL, 10) : 0;
    if (*number >= 1 && *number <= highest)
        return 0;
    ctl_fail("--%s is \"%s\": give a whole number from 1 to %lld", option, text, (long long)highest);
    return -1;
}

int dead_read_since(const char *text, int64_t *since_ms)
{
    int64_t span_ms;

    *since_ms = 0;
    if (!text)
        return 0;
    if (timefmt_parse_span(text, &span_ms) || span_ms <= 0) {
        ctl_fail("--since is \"%s\": give a span such as 30m, 24h or 7d", text);
        return -1;
    }
    *since_ms = clock_wall_ms() > span_ms ? clock_wall_ms() - span_ms : 0;
    return 0;
}

const char *dead_tenant(const char *tenant)
{
    return tenant && strcmp(tenant, AUTH_ALL_TENANTS) == 0 ? NULL : tenant;
}

const char *dead_take_id(int *argc, char ***argv)
{
    char *command = (*argv)[0];
    const char *id = *argc > 1 ? (*argv)[1] : "-";

    if (*id == '-')
        return NULL;
    (*argc)--;
    (*argv)++;
    (*argv)[0] = command;
    return id;
}

int64_t dead_parked_number(const char *id)
{
    const char *digits = id + strlen(PARKED);

    if (strncmp(id, PARKED, strlen(PARKED)) != 0 || strlen(digits) > 18 || !*digits ||
        strspn(digits, "0123456789") != strlen(digits))
        return 0;
    return strtoll(digits, NULL, 10);
}
