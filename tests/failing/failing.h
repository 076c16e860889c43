/*
 * failing.h: calls that fail on purpose. calls.c stands between a program and the C library: of the kind that is armed, the n-th
 * call fails, counted from there on. It is linked into the program itself, where its definitions go before those of every library,
 * so what libpq, hiredis, libevent, json-c, curl and OpenSSL ask for fails as well as what we ask for.
 *
 *   memory     malloc, calloc, realloc give NULL, below common/mem_guard.c
 *   sending    send, write, writev, sendmsg on a socket of the network      as enum failing_way says
 *   receiving  recv, read, readv, recvmsg                                   the same
 *   libraries  calls of libpq and hiredis (libpq.c, hiredis.c)              they say what they say when they fail
 */
#pragma once
#include <stdbool.h>

enum failing_kind {
    FAILING_NOTHING,
    FAILING_MEMORY,
    FAILING_SENDING,
    FAILING_RECEIVING,
    FAILING_LIBPQ,
    FAILING_HIREDIS
};

/* How sending and receiving fail. */
enum failing_way {
    FAILING_RESET,       /* ECONNRESET, and so for ever on this socket */
    FAILING_PIPE,        /* EPIPE, or the end of the file */
    FAILING_INTERRUPTED, /* EINTR */
    FAILING_AGAIN,       /* EAGAIN */
    FAILING_SHORT,       /* one byte alone */
    FAILING_WAYS
};

struct failing {
    enum failing_kind kind;
    enum failing_way way;
    bool stays;      /* not the n-th alone: all from there on */
    long n;          /* 0: none */
    long count;      /* of the kind, since it was armed */
    bool hit;        /* the n-th came */
    bool finished;   /* what ran came to its end: then nothing may have leaked */
    char where[160]; /* the call that failed */
};
/* Shared with the processes that are forked, or, in a program started with FAILING_DIR, the file of its name there. */
extern struct failing *failing;

/* For the files beside calls.c. */
bool failing_due(enum failing_kind kind, const char *call);

/* ---- sweep.c ---- */

/* Runs with n = 1, 2, 3 … failing, each time in a process of its own, some at a time, until none is left to fail; that last run must end well, and
 * every other one well or by fatal() because memory is out. `life` has a whole life in it and frees what it made. A failed test
 * otherwise. Prints how many places failed. */
struct sweep {
    const char *name;
    void (*life)(void);
    enum failing_kind kind;
    enum failing_way way;
    bool stays;
    void (*check)(void); /* after each run, in the process that started it; may be NULL */
};
#define SWEEP_STRANDS 4  /* lives at a time, each strand of them in a process of its own */
extern int sweep_strand; /* in check and in a life: which, from 0 */
void sweep_run(const struct sweep *sweep);
/* In a life: what must hold, whatever failed. */
#define sweep_expect(condition) ((condition) ? (void)0 : sweep_disappoint(#condition, __FILE__, __LINE__))
void sweep_disappoint(const char *condition, const char *file, int line) __attribute__((noreturn));
void sweep_arm(void); /* in a life: what comes before it does not count. Without it all of the life does. */
