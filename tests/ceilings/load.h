/* load.h: what the parts of ceilings-load share. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum attack_kind {
    ATTACK_SILENT,   /* connects and says nothing */
    ATTACK_KEPT,     /* asks once, then keeps the connection */
    ATTACK_SLOWHEAD, /* a header line a second, without end */
    ATTACK_FATHEAD,  /* twelve kilobytes of headers at once, then a line a second */
    ATTACK_SLOWBODY, /* most of a large body at once, then a byte a second */
    ATTACK_PIPELINE, /* asks for large answers without end and reads none */
    ATTACK_BIG,      /* sends a body of 100 MB, announced */
    ATTACK_CHUNKS,   /* the same in chunks, to the route that takes most */
    ATTACK_KINDS
};

struct target {
    int port;
    const char *token;
};

/* In memory that the processes share. */
struct attack_state {
    volatile bool all_open; /* each connection was opened once */
    volatile unsigned open[ATTACK_KINDS], opened[ATTACK_KINDS],
        ended[ATTACK_KINDS];   /* ended: by the server */
    volatile unsigned refused; /* with an answer of 4xx or 5xx */
};

const char *attack_name(enum attack_kind kind);
/* Opens and keeps open what `counts` says, until it is ended by a signal. */
void attack_run(const struct target *target, const unsigned counts[ATTACK_KINDS], struct attack_state *state);

#define HONEST_MAX 100000
struct honest_state {
    volatile unsigned served, refused, failed;
    volatile unsigned last_status;        /* of one that was refused */
    volatile int64_t took_us[HONEST_MAX]; /* of those that were served, from when they were due */
};

/* So many events a second for so long, half of them on a connection of their own; returns when the last one is answered. */
void honest_run(const struct target *target, unsigned rate, unsigned seconds, struct honest_state *state);

struct gauge {
    pid_t pid;
    long pss_max_kib;
    int64_t cpu_us, since_us;
};

void gauge_start(struct gauge *gauge, pid_t pid); /* forgets the peak of before, where the system lets it */
void gauge_look(struct gauge *gauge);
long gauge_peak_kib(const struct gauge *gauge); /* as the kernel saw it; of libraries, its share */
void gauge_cpu_start(struct gauge *gauge);
double gauge_cpu_percent(const struct gauge *gauge); /* of a core, since then */

int target_connect(const struct target *target, unsigned source, bool wait); /* -1: errno says why */
