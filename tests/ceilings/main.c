/*
 * ceilings-load: opens bad connections by the thousand to a gateway, sends an honest load beside them, and says how it fared.
 *
 * SYNOPSIS  ceilings-load --port PORT --token TOKEN --pid PID [--rate 50] [--seconds 10] [KIND=COUNT ...]
 *
 * KIND: silent, kept, slowhead, fathead, slowbody, pipeline, big, chunks (load.h says what they do). The honest load begins when
 * each bad connection was opened once. PID is the gateway's: its memory is looked at from the beginning, its processor time during
 * the honest load. Prints lines "name number"; with --rate 0 it only waits.
 *
 *     served 500 · refused 0 · failed 0 · p50_ms · p99_ms · max_ms · pss_kib (largest seen) · peak_kib (by the kernel; of libraries its share) ·
 *     cpu_percent · for each kind: KIND_open, KIND_opened, KIND_ended (by the server)
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define LOOK_US 20000
#define OPENING_S 60

struct options {
    struct target target;
    long pid, rate, seconds;
    unsigned counts[ATTACK_KINDS];
};

static int usage(void)
{
    fprintf(stderr, "usage: ceilings-load --port PORT --token TOKEN --pid PID [--rate N] [--seconds N] "
                    "[KIND=COUNT ...]\n");
    return 2;
}

static int read_count(struct options *options, const char *word)
{
    for (unsigned kind = 0; kind < ATTACK_KINDS; kind++) {
        size_t len = strlen(attack_name((enum attack_kind)kind));
        if (strncmp(word, attack_name((enum attack_kind)kind), len) != 0 || word[len] != '=')
            continue;
        options->counts[kind] = (unsigned)strtoul(word + len + 1, NULL, 10);
        return 0;
    }
    return -1;
}

static int read_options(struct options *options, int argc, char **argv)
{
    *options = (struct options){.rate = 50, .seconds = 10};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strncmp(argv[i], "--", 2) != 0) {
            if (read_count(options, argv[i]) < 0)
                return -1;
            continue;
        }
        if (value == NULL)
            return -1;
        if (strcmp(argv[i], "--port") == 0)
            options->target.port = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--token") == 0)
            options->target.token = value;
        else if (strcmp(argv[i], "--pid") == 0)
            options->pid = strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--rate") == 0)
            options->rate = strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            options->seconds = strtol(value, NULL, 10);
        else
            return -1;
        i++;
    }
    bool fits = options->rate >= 0 && options->rate * options->seconds <= HONEST_MAX;
    return options->target.port > 0 && options->target.token != NULL && options->pid > 0 && fits ? 0 : -1;
}

static void *shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

static pid_t fork_child(void)
{
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        exit(1);
    }
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return child;
}

static pid_t start_attack(const struct options *options, struct attack_state *state)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    pid_t child = fork_child();
    if (child == 0) {
        if (nice(15) < 0) /* who attacks is on another machine, as a rule, and takes no time from this one */
            perror("nice");
        attack_run(&options->target, options->counts, state);
    }
    return child;
}

static void await_opened(const struct attack_state *state, struct gauge *gauge)
{
    for (int left = OPENING_S * 1000000 / LOOK_US; left > 0 && !state->all_open; left--) {
        usleep(LOOK_US);
        gauge_look(gauge);
    }
    if (!state->all_open)
        fprintf(stderr, "not all connections could be opened\n");
}

/* The honest load in a process of its own; this one looks on. */
static void serve_honest(const struct options *options, struct honest_state *state, struct gauge *gauge)
{
    pid_t child = fork_child();
    if (child == 0) {
        if (options->rate == 0)
            sleep((unsigned)options->seconds);
        else
            honest_run(&options->target, (unsigned)options->rate, (unsigned)options->seconds, state);
        _exit(0);
    }
    while (waitpid(child, NULL, WNOHANG) == 0) {
        gauge_look(gauge);
        usleep(LOOK_US);
    }
}

static int by_value(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void tell(const struct honest_state *honest, const struct attack_state *attack,
                 const struct gauge *gauge)
{
    unsigned served = honest->served;
    int64_t *sorted = calloc(served + 1, sizeof *sorted);
    for (unsigned i = 0; i < served; i++)
        sorted[i] = honest->took_us[i];
    qsort(sorted, served, sizeof *sorted, by_value);
    printf("served %u\nrefused %u\nfailed %u\nlast_refusal %u\n", served, honest->refused, honest->failed,
           honest->last_status);
    printf("p50_ms %.1f\np99_ms %.1f\nmax_ms %.1f\n", (double)sorted[served / 2] / 1000,
           (double)sorted[(size_t)served * 99 / 100] / 1000,
           (double)sorted[served > 0 ? served - 1 : 0] / 1000);
    printf("pss_kib %ld\npeak_kib %ld\nattack_refused %u\n", gauge->pss_max_kib, gauge_peak_kib(gauge),
           attack->refused);
    for (unsigned kind = 0; kind < ATTACK_KINDS; kind++) {
        const char *name = attack_name((enum attack_kind)kind);
        if (attack->opened[kind] > 0)
            printf("%s_open %u\n%s_opened %u\n%s_ended %u\n", name, attack->open[kind], name,
                   attack->opened[kind], name, attack->ended[kind]);
    }
    free(sorted);
}

int main(int argc, char **argv)
{
    struct options options;
    struct gauge gauge;
    if (read_options(&options, argc, argv) < 0)
        return usage();
    struct attack_state *attack = shared(sizeof *attack);
    struct honest_state *honest = shared(sizeof *honest);
    gauge_start(&gauge, (pid_t)options.pid);
    pid_t attackers = start_attack(&options, attack);
    await_opened(attack, &gauge);
    gauge_cpu_start(&gauge);
    serve_honest(&options, honest, &gauge);
    printf("cpu_percent %.1f\n", gauge_cpu_percent(&gauge));
    tell(honest, attack, &gauge);
    kill(attackers, SIGKILL);
    waitpid(attackers, NULL, 0);
    return 0;
}
