/*
 * sweep.c: a life, again and again, of which each time a later call fails; see failing.h.
 */
#include "failing.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_SECONDS 20 /* of one life: what hangs has failed */
#define FAILURES_TOLD 5
#define STRANDS SWEEP_STRANDS
#define EACH_UP_TO 8 /* behind so many places only some fail, fewer and fewer, unless SWEEP=all */

static const struct sweep *sweep;
static long wanted;

/* Asked by the leak sanitizer at the end: what a process that gives up has in its hands is no leak. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return failing->n != 0 && !failing->finished;
}

void sweep_arm(void)
{
    failing->count = 0;
    failing->n = wanted;
    failing->kind = sweep->kind;
}

void sweep_disappoint(const char *condition, const char *file, int line)
{
    dprintf(STDERR_FILENO, "%s:%d: this does not hold: %s\n", file, line, condition);
    _exit(9);
}

static void live(int log)
{
    dup2(log, STDERR_FILENO);
    signal(SIGPIPE, SIG_IGN);
    alarm(RUN_SECONDS);
    sweep_arm();
    sweep->life();
    failing->finished = true;
    failing->kind = FAILING_NOTHING;
    exit(0);
}

static const char *log_of(int log)
{
    static char text[16384];
    ssize_t len = pread(log, text, sizeof text - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

/* NULL: as it must be. */
static const char *verdict(int status, const char *log)
{
    static char words[64];
    bool memory = sweep->kind == FAILING_MEMORY;
    if (WIFSIGNALED(status)) {
        snprintf(words, sizeof words, "it ends by signal %d", WTERMSIG(status));
        return words;
    }
    if (WEXITSTATUS(status) == 0)
        return NULL;
    if (memory && failing->hit && WEXITSTATUS(status) == 1 && strstr(log, "fatal"))
        return NULL;
    snprintf(words, sizeof words, "it ends with status %d", WEXITSTATUS(status));
    return words;
}

static int run_once(int log)
{
    int status = 0;
    ck_assert_int_eq(ftruncate(log, 0), 0);
    lseek(log, 0, SEEK_SET);
    (void)fflush(NULL);
    *failing = (struct failing){.way = sweep->way, .stays = sweep->stays};
    pid_t pid = fork();
    if (pid == 0)
        live(log);
    pid_t ended = waitpid(pid, &status, 0);
    failing->kind = FAILING_NOTHING; /* here nothing fails */
    ck_assert(pid > 0 && ended == pid);
    return status;
}

static long next_place(long n)
{
    const char *all = getenv("SWEEP");
    bool each = n < EACH_UP_TO || (all && strcmp(all, "all") == 0);
    return n + 1 + (each ? 0 : n / 4);
}

/* ---- strands: a life waits more than it works, so several are lived at a time ---- */

struct strand {
    struct failing failing;
    long ended, handled, failed;
};
static struct strand *strands; /* shared with them */
int sweep_strand;

/* Every STRANDS-th place, until nothing is left to fail: that last run had to end well, whatever came before it. */
static void run_strand(struct strand *strand)
{
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    failing = &strand->failing;
    wanted = 1;
    for (int skip = sweep_strand;; skip = STRANDS) {
        while (skip-- > 0)
            wanted = next_place(wanted);
        int status = run_once(fileno(file));
        bool hit = failing->hit;
        const char *wrong = verdict(status, log_of(fileno(file)));
        if (wrong && ++strand->failed <= FAILURES_TOLD)
            printf("%s: when call %ld (%s) fails: %s: %s\n", sweep->name, wanted, failing->where, wrong,
                   log_of(fileno(file)));
        if (!hit)
            break;
        *(WEXITSTATUS(status) == 0 ? &strand->handled : &strand->ended) += 1;
        if (sweep->check)
            sweep->check();
        if (strand->failed > FAILURES_TOLD)
            break;
    }
    (void)fclose(file);
}

static pid_t start_strand(int number)
{
    pid_t pid = fork();
    ck_assert(pid >= 0);
    if (pid > 0)
        return pid;
    sweep_strand = number;
    run_strand(&strands[number]);
    (void)fflush(NULL);
    _exit(0);
}

void sweep_run(const struct sweep *wanted_sweep)
{
    pid_t pids[STRANDS];
    struct strand sum = {.ended = 0};
    int broken = 0;
    sweep = wanted_sweep;
    strands =
        mmap(NULL, STRANDS * sizeof *strands, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(strands != MAP_FAILED);
    (void)fflush(NULL);
    for (int i = 0; i < STRANDS; i++)
        pids[i] = start_strand(i);
    for (int i = 0; i < STRANDS; i++) {
        int status = -1;
        broken += waitpid(pids[i], &status, 0) != pids[i] || status != 0;
        sum.ended += strands[i].ended;
        sum.handled += strands[i].handled;
        sum.failed += strands[i].failed;
    }
    munmap(strands, STRANDS * sizeof *strands);
    printf("%s: %ld places failed, %ld were dealt with, %ld ended the process\n", sweep->name,
           sum.handled + sum.ended, sum.handled, sum.ended);
    ck_assert_msg(sum.ended + sum.handled > 0, "%s: nothing failed at all", sweep->name);
    ck_assert_msg(sum.failed == 0, "%s: %ld runs end as they must not", sweep->name, sum.failed);
    ck_assert_msg(broken == 0, "%s: %d strands broke off", sweep->name, broken);
}
