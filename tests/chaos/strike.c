/*
 * strike.c: see strike.h.
 *
 * Life of a fault: due ── begin ──▶ struck ── its time is over ──▶ mending (a process starts) ──▶ ended
 */
#include "strike.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "rules.h"
#include "stack.h"
#include "store.h"

#define WATCH_MS 500
#define ALWAYS_DELAY_MS 8

enum strike_state { STRIKE_DUE, STRIKE_ON, STRIKE_MENDING, STRIKE_ENDED };

struct strike {
    struct struck struck;
    enum strike_state state;
    pid_t command; /* of tools/stack, or 0 */
};

struct strikes {
    struct strike *all;
    size_t count, next;
    int64_t watched_ms;
    struct buf complaints;
};

struct strikes *strikes_new(const struct schedule *schedule)
{
    struct strikes *strikes = mem_alloc(sizeof *strikes);

    strikes->count = schedule->count;
    strikes->all = mem_array(schedule->count + 1, sizeof *strikes->all);
    for (size_t i = 0; i < schedule->count; i++)
        strikes->all[i].struck.fault = &schedule->faults[i];
    buf_init(&strikes->complaints);
    return strikes;
}

void strikes_free(struct strikes **strikes)
{
    if (!*strikes)
        return;
    buf_release(&(*strikes)->complaints);
    free((*strikes)->all);
    free(*strikes);
    *strikes = NULL;
}

static void say(const char *what, const struct fault *fault)
{
    char text[128];

    fault_write(fault, text, sizeof text);
    log_info(what, LOG_STR("fault", text));
}

static void command_route(const struct fault *fault, const char *command)
{
    char line[96];

    snprintf(line, sizeof line, "%s %s", fault->object, command);
    stack_proxy(line);
}

/* Platforms always take some ms: otherwise hardly anything would be in flight when something dies. */
static void heal_route(const char *route)
{
    char line[64];

    snprintf(line, sizeof line, "%s heal", route);
    stack_proxy(line);
    if (strcmp(route, "redis") == 0 || strcmp(route, "postgres") == 0)
        return;
    snprintf(line, sizeof line, "%s delay %d", route, ALWAYS_DELAY_MS);
    stack_proxy(line);
}

static void command_route_number(const struct fault *fault, const char *command)
{
    char line[64];

    snprintf(line, sizeof line, "%s %lld", command, (long long)fault->number);
    command_route(fault, line);
}

/* ── beginning ── */

static void begin(struct strike *strike)
{
    const struct fault *fault = strike->struck.fault;

    say("strikes", fault);
    strike->struck.began_us = clock_wall_us();
    strike->state = STRIKE_ON;
    switch (fault->kind) {
    case FAULT_KILL:
    case FAULT_REDIS_KILL:
    case FAULT_REDIS_EMPTY:
    case FAULT_REDIS_TAIL:
        stack_signal(fault->object, SIGKILL);
        break;
    case FAULT_STOP:
    case FAULT_REDIS_STOP:
        stack_signal(fault->object, SIGSTOP);
        break;
    case FAULT_TERM:
    case FAULT_REDIS_RESTART:
        stack_signal(fault->object, SIGTERM);
        break;
    case FAULT_POSTGRES_RESTART:
        stack_signal(fault->object, SIGINT); /* fast shutdown */
        break;
    case FAULT_POSTGRES_KILL:
        stack_signal(fault->object, SIGQUIT); /* immediate shutdown */
        break;
    case FAULT_FLUSH:
        store_redis("FLUSHALL");
        break;
    case FAULT_REDIS_GROUPS:
        store_redis_each("events:*", "XGROUP DESTROY", "sync");
        store_redis_each("deliver:*", "XGROUP DESTROY", "sync");
        break;
    case FAULT_REDIS_STREAMS:
        store_redis_each("events:*", "DEL", NULL);
        store_redis_each("deliver:*", "DEL", NULL);
        break;
    case FAULT_REDIS_CLIENTS:
        store_redis("CLIENT KILL TYPE normal");
        break;
    case FAULT_POSTGRES_CLIENTS:
        store_drop_clients();
        break;
    case FAULT_CUT:
        command_route(fault, "cut");
        break;
    case FAULT_STALL:
        command_route(fault, "stall");
        break;
    case FAULT_HOLD:
        command_route(fault, "hold");
        break;
    case FAULT_DELAY:
        command_route_number(fault, "delay");
        break;
    case FAULT_CUT_AFTER:
        command_route_number(fault, "cut-after");
        break;
    case FAULT_REFUSE:
        command_route(fault, "refuse");
        command_route(fault, "cut");
        break;
    default:
        rules_set(fault->object, fault);
    }
}

/* ── ending ── */

static bool restarts(enum fault_kind kind)
{
    return kind == FAULT_KILL || kind == FAULT_TERM || kind == FAULT_REDIS_KILL ||
           kind == FAULT_REDIS_EMPTY || kind == FAULT_REDIS_TAIL || kind == FAULT_REDIS_RESTART ||
           kind == FAULT_POSTGRES_KILL || kind == FAULT_POSTGRES_RESTART;
}

static void over(struct strike *strike)
{
    strike->state = STRIKE_ENDED;
    strike->struck.ended_us = clock_wall_us();
}

static void start_again(struct strike *strike)
{
    const struct fault *fault = strike->struck.fault;

    if (stack_runs(fault->object))
        return; /* TERM: it still drains */
    if (fault->kind == FAULT_REDIS_EMPTY)
        stack_wipe_redis();
    if (fault->kind == FAULT_REDIS_TAIL)
        stack_cut_redis(fault->number);
    strike->command = stack_command("start", fault->object);
    strike->state = STRIKE_MENDING;
}

static void mend(struct strike *strike)
{
    const struct fault *fault = strike->struck.fault;

    if (restarts(fault->kind)) {
        start_again(strike);
        return;
    }
    if (fault->kind == FAULT_STOP || fault->kind == FAULT_REDIS_STOP)
        stack_signal(fault->object, SIGCONT);
    else if (fault->for_ms > 0 && fault_struck_by(fault->kind) == STRUCK_ROUTE)
        heal_route(fault->object);
    else if (fault_struck_by(fault->kind) == STRUCK_PLATFORM)
        rules_set(fault->object, NULL);
    over(strike);
}

static void watch_mending(struct strikes *strikes, struct strike *strike)
{
    int status;

    if (!stack_poll(strike->command, &status))
        return;
    if (status != 0)
        buf_addf(&strikes->complaints, "%s did not start again after %s\n", strike->struck.fault->object,
                 fault_kind_name(strike->struck.fault->kind));
    over(strike);
}

/* ── the clock ── */

static bool busy(const struct strikes *strikes, const char *object)
{
    for (size_t i = 0; i < strikes->next; i++) {
        const struct strike *strike = &strikes->all[i];
        if (strike->state != STRIKE_ENDED && strcmp(strike->struck.fault->object, object) == 0)
            return true;
    }
    return false;
}

static void watch_one(const char *name, void *arg)
{
    struct strikes *strikes = arg;
    char complaint[128];

    snprintf(complaint, sizeof complaint, "%s ended by itself, see log/%s.log\n", name, name);
    if (stack_runs(name) || busy(strikes, name) || strstr(strikes->complaints.data, complaint))
        return;
    buf_add_str(&strikes->complaints, complaint);
    log_warn("ended by itself", LOG_STR("process", name));
    stack_command("start", name);
}

static void go_on(struct strikes *strikes, int64_t at_ms, bool heal)
{
    for (size_t i = 0; i < strikes->next; i++) {
        struct strike *strike = &strikes->all[i];
        const struct fault *fault = strike->struck.fault;
        int64_t lasted_ms = (clock_wall_us() - strike->struck.began_us) / 1000;
        if (strike->state == STRIKE_ON && (heal || lasted_ms >= fault->for_ms))
            mend(strike);
        else if (strike->state == STRIKE_MENDING)
            watch_mending(strikes, strike);
    }
    if (at_ms - strikes->watched_ms < WATCH_MS)
        return;
    strikes->watched_ms = at_ms;
    stack_each_program(watch_one, strikes);
}

void strikes_tick(struct strikes *strikes, int64_t at_ms)
{
    while (strikes->next < strikes->count) {
        struct strike *strike = &strikes->all[strikes->next];
        if (strike->struck.fault->at_ms > at_ms || busy(strikes, strike->struck.fault->object))
            break; /* a restart that takes longer puts the rest off; the order stays */
        strikes->next++;
        begin(strike);
    }
    go_on(strikes, at_ms, false);
}

static bool all_ended(const struct strikes *strikes)
{
    for (size_t i = 0; i < strikes->next; i++)
        if (strikes->all[i].state != STRIKE_ENDED)
            return false;
    return true;
}

void strikes_heal(struct strikes *strikes)
{
    static const char *const routes[] = {"redis", "postgres", "bizoholic", "coreldove", "bizosaas"};
    int64_t end = clock_mono_ms() + 90000;

    strikes->count = strikes->next; /* what did not begin does not any more */
    do {
        go_on(strikes, clock_mono_ms(), true);
        usleep(20000);
    } while (!all_ended(strikes) && clock_mono_ms() < end);
    if (!all_ended(strikes))
        buf_add_str(&strikes->complaints, "what was struck is not back 90 s after the last fault\n");
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        heal_route(routes[i]);
    for (size_t i = 2; i < sizeof routes / sizeof *routes; i++)
        rules_set(routes[i], NULL);
}

/* ── telling ── */

size_t strikes_count(const struct strikes *strikes)
{
    return strikes->next;
}

const struct struck *strikes_at(const struct strikes *strikes, size_t index)
{
    return &strikes->all[index].struck;
}

/* "router-2" is a replica of "router". */
static bool is_of(const char *struck, const char *object, bool replicas)
{
    size_t len = strlen(object);

    return strcmp(struck, object) == 0 ||
           (replicas && strncmp(struck, object, len) == 0 && struck[len] == '-');
}

const struct struck *strikes_find(const struct strikes *strikes, const char *object, bool replicas,
                                  unsigned wanted, int64_t from_us, int64_t to_us)
{
    for (size_t i = 0; i < strikes->next; i++) {
        const struct struck *struck = &strikes->all[i].struck;
        if (struck->began_us <= to_us && (!struck->ended_us || struck->ended_us >= from_us) &&
            (wanted >> struck->fault->kind & 1) && is_of(struck->fault->object, object, replicas))
            return struck;
    }
    return NULL;
}

const char *strikes_complaints(const struct strikes *strikes)
{
    return strikes->complaints.data;
}

void strikes_write_kinds(const struct strikes *strikes, FILE *out)
{
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        unsigned count = 0;
        for (size_t i = 0; i < strikes->next; i++)
            count += strikes->all[i].struck.fault->kind == (enum fault_kind)kind;
        if (count)
            fprintf(out, "  %-20s %u\n", fault_kind_name((enum fault_kind)kind), count);
    }
}
