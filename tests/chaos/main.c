/*
 * chaos: proves that nothing is lost and nothing is out of order, whatever dies.
 *
 *   chaos --dir DIR [--seed N] [--minutes M] [--replicas N] [--rate R] [--only KIND,...] [--patience S]
 *   chaos --dir DIR --edits ...: in place of the events, users of the three platforms change the same records at once (edits.h)
 *   chaos --schedule [--seed N] [--minutes M] [--replicas N] [--only KIND,...]
 *
 * Starts a stack in DIR with a fault proxy between our programs and everything else, posts events at a rate, strikes with what
 * the seed draws (schedule.h), heals, waits until nothing is under way, and checks what must hold (proof_*.c) against a ledger of its
 * own. Prints a summary, whose last line counts the checks ("N passed, N failed"); exit status 0 when all held, 1 when not, 2 for
 * bad options. --schedule prints what would strike and when.
 * DIR keeps logs and data. BIN_DIR and STACK name other programs and another tools/stack than this checkout's.
 */
#include <event2/event.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "proof.h"
#include "schedule.h"
#include "stack.h"
#include "strike.h"

#define TICK_US 2000
#define RATE 60
#define EDITS_RATE 8
#define PATIENCE_S 150
#define ANSWERS_WAIT_MS 60000

struct options {
    uint64_t seed;
    double minutes, rate;
    unsigned replicas, patience_s;
    const char *dir, *only;
    bool schedule, edits;
};

static int usage(void)
{
    fprintf(stderr,
            "usage: chaos --dir DIR [--seed N] [--minutes M] [--replicas N] [--rate EVENTS_A_SECOND]\n"
            "             [--only KIND,...] [--patience SECONDS] [--edits] [--schedule]\n");
    return 2;
}

static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option longs[] = {
        {"dir", required_argument, NULL, 'd'},      {"seed", required_argument, NULL, 's'},
        {"minutes", required_argument, NULL, 'm'},  {"replicas", required_argument, NULL, 'r'},
        {"rate", required_argument, NULL, 'e'},     {"only", required_argument, NULL, 'o'},
        {"patience", required_argument, NULL, 'w'}, {"edits", no_argument, NULL, 't'},
        {"schedule", no_argument, NULL, 'p'},       {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == 'd')
            options->dir = optarg;
        else if (option == 's')
            options->seed = strtoull(optarg, NULL, 10);
        else if (option == 'm')
            options->minutes = strtod(optarg, NULL);
        else if (option == 'r')
            options->replicas = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 'e')
            options->rate = strtod(optarg, NULL);
        else if (option == 'o')
            options->only = optarg;
        else if (option == 'w')
            options->patience_s = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 't')
            options->edits = true;
        else if (option == 'p')
            options->schedule = true;
        else
            return -1;
    }
    if (options->rate == 0)
        options->rate = options->edits ? EDITS_RATE : RATE;
    return optind == argc && (options->dir || options->schedule) && options->minutes > 0 &&
                   options->minutes <= 60 && options->rate > 0 && options->rate <= 1000 &&
                   options->replicas >= 1 && options->replicas <= 2
               ? 0
               : -1;
}

static volatile sig_atomic_t interrupted;

static void on_signal(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static int64_t longest_wait_us; /* for the processor, beyond what was asked for: a slow machine shows here */

/* One of the two. */
struct load {
    struct client *client;
    struct edits *edits;
};

static void turn(struct event_base *base, const struct load *load)
{
    int64_t began_us, waited_us;

    if (load->edits)
        edits_tick(load->edits);
    else
        client_tick(load->client);
    event_base_loop(base, EVLOOP_NONBLOCK);
    began_us = clock_mono_us();
    usleep(TICK_US);
    waited_us = clock_mono_us() - began_us - TICK_US;
    longest_wait_us = waited_us > longest_wait_us ? waited_us : longest_wait_us;
}

/* Posts at the rate while the schedule strikes. */
static void run_load(const struct options *options, struct event_base *base, const struct load *load,
                     struct strikes *strikes)
{
    int64_t began_us = clock_mono_us(), length_us = (int64_t)(options->minutes * 60e6), posted = 0, now_us;

    while ((now_us = clock_mono_us() - began_us) < length_us && !interrupted) {
        while (posted < (int64_t)((double)now_us * options->rate / 1e6)) {
            if (load->edits)
                edits_make(load->edits);
            else
                client_post(load->client);
            posted++;
        }
        strikes_tick(strikes, now_us / 1000);
        turn(base, load);
    }
}

static size_t open_requests(const struct load *load)
{
    return load->edits ? edits_open(load->edits) : client_open(load->client);
}

static void await_answers(struct event_base *base, const struct load *load)
{
    int64_t end = clock_mono_ms() + ANSWERS_WAIT_MS;

    while (open_requests(load) > 0 && clock_mono_ms() < end && !interrupted)
        turn(base, load);
}

static bool await_quiet(unsigned patience_s, int64_t healed_ms, int64_t *took_ms)
{
    int64_t began = clock_mono_ms();

    while (clock_mono_ms() - began < (int64_t)patience_s * 1000 && !interrupted) {
        *took_ms = clock_mono_ms() - healed_ms;
        if (proof_is_quiet())
            return true;
        usleep(200000);
    }
    return false;
}

static void write_faults(const struct strikes *strikes)
{
    printf("faults                 %zu\n", strikes_count(strikes));
    strikes_write_kinds(strikes, stdout);
}

static void write_load(const struct ledger *ledger, const struct client *client)
{
    struct client_counts counts = client_counts(client);
    size_t states[4] = {0};

    for (size_t i = 0; i < ledger->count; i++)
        states[ledger->entries[i]->state]++;
    printf("events                 %zu posted, %zu accepted, %zu refused, %zu unknown\n", ledger->count,
           states[ENTRY_ACCEPTED], states[ENTRY_REFUSED], states[ENTRY_UNKNOWN]);
    printf("requests               %zu, of them %zu bulks; %zu hung up on, %zu of what was accepted before; "
           "%zu without an answer, "
           "%zu answered with outcome-unknown, %zu with another 503 or 429\n",
           counts.requests, counts.bulks, counts.hung_up, counts.repeated, counts.failed, counts.unknown,
           counts.unavailable);
}

static void write_machine(FILE *out)
{
    double load[1] = {0};

    getloadavg(load, 1);
    fprintf(out,
            "machine                load %.1f on %ld processors; this driver waited %.2f s for one at most\n",
            load[0], sysconf(_SC_NPROCESSORS_ONLN), (double)longest_wait_us / 1e6);
}

/* What people decide, when all is quiet, sets it going once more. */
static void decide_some(unsigned patience_s, struct event_base *base, const struct load *load)
{
    int64_t took_ms;

    edits_decide_some(load->edits);
    await_answers(base, load);
    await_quiet(patience_s, clock_mono_ms(), &took_ms);
}

static unsigned prove(unsigned patience_s, struct ledger *ledger, struct event_base *base,
                      const struct load *load, struct strikes *strikes, int64_t began_us, int64_t healed_ms)
{
    struct proof *proof = proof_new(ledger, load->edits, strikes, began_us);
    const char *complaints = load->edits ? edits_complaints(load->edits) : client_complaints(load->client);
    int64_t took_ms = 0;
    unsigned failed;

    if (!await_quiet(patience_s, healed_ms, &took_ms)) {
        proof_add(proof, CHECK_REST, "after %lld s", (long long)took_ms / 1000);
        proof_write_waiting(stdout);
    } else if (load->edits) {
        decide_some(patience_s, base, load);
    }
    if (*strikes_complaints(strikes))
        proof_add(proof, CHECK_PROCESSES, "%s", strikes_complaints(strikes));
    if (*complaints)
        proof_add(proof, CHECK_ANSWERS, "%s", complaints);
    proof_check(proof);
    if (load->client)
        write_load(ledger, load->client);
    write_faults(strikes);
    printf("at rest                %.1f s after the last fault was healed\n", (double)took_ms / 1000);
    write_machine(stdout);
    proof_write(proof, stdout);
    failed = proof_failed(proof);
    proof_free(&proof);
    return failed;
}

/* How many checks did not hold, of CHECK_COUNT and one more: the stack ends well. */
static unsigned run(const struct options *options, const struct schedule *schedule)
{
    struct event_base *base = event_base_new();
    struct ledger *ledger = ledger_new(options->seed);
    struct strikes *strikes = strikes_new(schedule);
    struct load load = {0};
    int64_t began_us, healed_ms;
    unsigned failed = proof_checks(options->edits) + 1;

    if (stack_up(options->dir, options->replicas) == 0) {
        if (options->edits)
            load.edits = edits_new(base, options->seed);
        else
            load.client = client_new(base, ledger);
        strikes_heal(strikes); /* tells the platforms to forget their filters */
        strikes_free(&strikes);
        strikes = strikes_new(schedule);
        began_us = clock_wall_us();
        run_load(options, base, &load, strikes);
        strikes_heal(strikes);
        healed_ms = clock_mono_ms();
        await_answers(base, &load);
        failed = prove(options->patience_s, ledger, base, &load, strikes, began_us, healed_ms);
        client_free(&load.client);
        edits_free(&load.edits);
        if (stack_down() != 0)
            printf("NOT SO: the stack ends well\n"), failed++;
    }
    strikes_free(&strikes);
    ledger_free(&ledger);
    event_base_free(base);
    return failed;
}

static int run_and_tell(const struct options *options, const struct schedule *schedule)
{
    int64_t began_ms = clock_mono_ms();
    unsigned failed;

    printf("chaos                  seed %" PRIu64 ", %.1f min, %.0f %s a second, %u of each program\n",
           options->seed, options->minutes, options->rate, options->edits ? "times edits" : "requests",
           options->replicas);
    failed = run(options, schedule);
    printf("%s: seed %" PRIu64 ", %.1f min, %u of each; %.0f s in all\n", failed ? "FAILED" : "held",
           options->seed, options->minutes, options->replicas, (double)(clock_mono_ms() - began_ms) / 1000);
    printf("%u passed, %u failed\n", proof_checks(options->edits) + 1 - failed, failed);
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct options options = {.seed = 1, .minutes = 2, .replicas = 1, .patience_s = PATIENCE_S};
    struct schedule schedule;
    int status = 0;

    if (read_options(argc, argv, &options) != 0)
        return usage();
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    log_open("chaos", LOG_LEVEL_INFO, LOG_FORMAT_AUTO);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    schedule_draw(&schedule, options.seed, (int64_t)(options.minutes * 60000), options.replicas,
                  options.only);
    if (options.schedule)
        schedule_write(&schedule, stdout);
    else
        status = run_and_tell(&options, &schedule);
    schedule_free(&schedule);
    return status;
}
