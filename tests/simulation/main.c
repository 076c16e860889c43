/*
 * main.c: simulation [--seed N] [--steps N] [--world N] [--trace]: worlds one after the other until so many steps are made; the first
 * that breaks a promise is shrunk and its schedule printed. docs/simulation.md
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf.h"
#include "log.h"
#include "mem.h"
#include "simulation.h"

#define WORLD_STEPS 1500

struct platform_set *the_platforms;
struct policy_set *the_policies;
struct conf the_conf;

static const char *variable(void *arg, const char *name)
{
    (void)arg;
    return strstr(name, "_URL") && strcmp(name, "SALEOR_API_URL") != 0 ? "http://platform" : NULL;
}

static void load(void)
{
    struct buf errors = BUF_INIT;

    log_set_level(LOG_LEVEL_ERROR);
    the_platforms = platform_set_load("config/platforms", variable, NULL, &errors);
    if (the_platforms)
        the_policies = policy_set_load("", the_platforms, &errors);
    if (!the_policies || platform_count(the_platforms) != SIDES)
        fatal("%s", errors.len ? errors.data : "three platforms are needed");
    clearenv(); /* the defaults, wherever this runs */
    setenv("JWT_SECRET", "0123456789abcdef0123456789abcdef", 1);
    if (conf_load(&the_conf, CONF_WORKER, &errors) != 0)
        fatal("%s", errors.data);
}

static unsigned faults_off = FAULT_DELETES | FAULT_WEBHOOKS;

static uint64_t mix(uint64_t seed, uint64_t number)
{
    chance_word = seed * 0x9e3779b97f4a7c15u + number;
    chance_next();
    return chance_next();
}

static struct options options_of(uint64_t seed)
{
    struct options options = {.seed = seed};

    chance_word = seed;
    options.records = 1 + chance_below(RECORDS_MAX);
    options.faults = (unsigned)(chance_next() & chance_next()) & ((1u << FAULT_KINDS) - 1);
    options.faults &= ~(unsigned)faults_off;
    if (chance_in(4))
        options.faults = 0;
    if (chance_below(4) > 0)
        options.faults |= FAULT_CONTENTION;
    return options;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* others may share the core */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ── shrinking ── */

struct schedule {
    struct options options;
    uint64_t words[WORLD_STEPS];
    size_t count;
};

static void play(const struct schedule *schedule, FILE *trace)
{
    heap_reset();
    world.trace = trace;
    world_run(&schedule->options, schedule->words, schedule->count);
}

/* Which promise: the word before the colon. */
static void promise(char text[32])
{
    snprintf(text, 32, "%.*s", world.failure ? (int)strcspn(world.failure, ":") : 0,
             world.failure ? world.failure : "");
}

static bool breaks(const struct schedule *schedule, const char *wanted)
{
    char is[32];

    play(schedule, NULL);
    promise(is);
    return strcmp(is, wanted) == 0;
}

static bool try_without(struct schedule *schedule, size_t from, size_t count, const char *wanted)
{
    static struct schedule shorter;

    shorter.options = schedule->options;
    shorter.count = schedule->count - count;
    memcpy(shorter.words, schedule->words, from * sizeof *shorter.words);
    memcpy(shorter.words + from, schedule->words + from + count,
           (schedule->count - from - count) * sizeof *shorter.words);
    if (!breaks(&shorter, wanted))
        return false;
    *schedule = shorter;
    return true;
}

/* Zeller, Hildebrandt: "Simplifying and isolating failure-inducing input", in its plain form: halves, quarters, … single steps. */
static void drop_steps(struct schedule *schedule, const char *wanted)
{
    for (size_t size = schedule->count / 2; size > 0; size = size > 1 ? (size + 1) / 2 : 0)
        for (size_t from = 0; from + size <= schedule->count;)
            if (!try_without(schedule, from, size, wanted))
                from += size;
}

static void drop_faults(struct schedule *schedule, const char *wanted)
{
    static struct schedule without;

    for (unsigned bit = 0; bit < FAULT_KINDS; bit++) {
        without = *schedule;
        without.options.faults &= ~(1u << bit);
        if (without.options.faults != schedule->options.faults && breaks(&without, wanted))
            *schedule = without;
    }
    for (unsigned records = 1; records < schedule->options.records; records++) {
        without = *schedule;
        without.options.records = records;
        if (breaks(&without, wanted))
            *schedule = without;
    }
}

static void shrink(struct schedule *schedule, const char *wanted)
{
    size_t before;

    do {
        before = schedule->count;
        drop_faults(schedule, wanted);
        drop_steps(schedule, wanted);
    } while (schedule->count < before);
}

static void say(const struct schedule *schedule)
{
    printf("faults:");
    for (unsigned bit = 0; bit < FAULT_KINDS; bit++)
        if (schedule->options.faults & 1u << bit)
            printf(" %s;", fault_names[bit]);
    printf("\n%u record%s, %zu steps before healing\n", schedule->options.records,
           schedule->options.records > 1 ? "s" : "", schedule->count);
    for (int side = 0; side < SIDES; side++)
        printf("%s: clock %+lld h%s%s%s%s%s\n", side_name(side),
               (long long)world.sides[side].clock_wrong_ms / 3600000,
               world.sides[side].dedupes ? ", knows webhook-ids again" : "",
               world.sides[side].newest_only ? ", takes no older version" : "",
               world.sides[side].tells_base ? ", says what it had seen" : "",
               world.sides[side].upserts ? ", a create overwrites" : "",
               world.sides[side].webhooks ? ", webhooks" : "");
}

static void report(struct schedule *schedule, uint64_t seed, uint64_t number)
{
    char wanted[32];

    printf("seed %llu, world %llu: NOT SO: %s\n", (unsigned long long)seed, (unsigned long long)number,
           world.failure);
    promise(wanted);
    shrink(schedule, wanted);
    play(schedule, NULL);
    say(schedule);
    play(schedule, stdout);
    printf("again: make simulate SEED=%llu SIMULATE_OPTIONS='--world %llu'\n", (unsigned long long)seed,
           (unsigned long long)number);
}

/* ── worlds ── */

static struct tally {
    uint64_t steps, edits, events, conflicts, worlds;
} tally;

static bool run_world(uint64_t seed, uint64_t number, bool trace)
{
    static struct schedule schedule;
    uint64_t world_seed = mix(seed, number);

    schedule.options = options_of(world_seed);
    schedule.count = WORLD_STEPS;
    for (size_t i = 0; i < WORLD_STEPS; i++)
        schedule.words[i] = mix(world_seed, i);
    play(&schedule, trace ? stdout : NULL);
    tally.worlds++;
    tally.steps += world.steps;
    tally.edits += world.edits;
    tally.events += world.event_count;
    tally.conflicts += world.conflict_count;
    if (!world.failure)
        return true;
    if (!trace)
        report(&schedule, seed, number);
    return false;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, steps = 1000000, number = 0;
    bool trace = false, one = false, good = true;
    double began;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            trace = true;
        else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[++i], NULL, 10);
        else if (i + 1 < argc && strcmp(argv[i], "--steps") == 0)
            steps = strtoull(argv[++i], NULL, 10);
        else if (i + 1 < argc && strcmp(argv[i], "--without") == 0)
            faults_off = (unsigned)strtoul(argv[++i], NULL, 16);
        else if (i + 1 < argc && strcmp(argv[i], "--world") == 0)
            number = strtoull(argv[++i], NULL, 10), one = true;
    }
    load();
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    heap_mark();
    began = seconds();
    do
        good = run_world(seed, number++, trace);
    while (good && !one && tally.steps < steps);
    if (good)
        printf(
            "%llu steps in %llu worlds, %.0f a second of one core: %llu edits, %llu events, %llu conflicts\n",
            (unsigned long long)tally.steps, (unsigned long long)tally.worlds,
            (double)tally.steps / (seconds() - began), (unsigned long long)tally.edits,
            (unsigned long long)tally.events, (unsigned long long)tally.conflicts);
    printf("%d passed, %d failed\n", good, !good);
    return good ? 0 : 1;
}
