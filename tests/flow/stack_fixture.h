/*
 * stack_fixture.h: a stack of the real programs (tools/stack) in a private directory.
 *
 * One at a time. It belongs to the process that started it: children that check forks use it and cannot end it by accident.
 * STACK names tools/stack and BIN_DIR the programs, as tests/run sets them; without, they are found beside this program.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

struct stack_options {
    const char *replicas;      /* "router=2,worker=2,api-gateway=0": as tools/stack takes it; NULL: one of each */
    const char *const *env;    /* "NAME=value", ends in NULL; NULL: none */
    bool services_only;        /* Redis and PostgreSQL alone */
    bool saleor;               /* a fake Saleor shop too: FAKE_SALEOR_URL, SALEOR_API_URL */
};

/* 0, or -1 after telling why on standard output. */
int stack_up(const struct stack_options *options);
/* Ends and wipes it; nothing when none runs or it is another process's. -1 after telling why: a process had to be killed, or a
 * sanitizer found something. */
int stack_down(void);
void stack_tell_logs(void); /* prints the last warnings and errors of every log */

const char *stack_dir(void);
const char *stack_bin(const char *program);  /* path of a program */
const char *stack_setting(const char *name); /* from DIR/env: API_URL, JWT_SECRET, ...; a failed test when it is not there */
/* Ports of a URL in DIR/env. */
int stack_port(const char *name);

/* By name in DIR/pids: "router", "worker-coreldove", "api-gateway-2", "redis", "postgres". A failed test when it cannot be done. */
void stack_start(const char *name); /* until it listens */
void stack_stop(const char *name);  /* TERM, waits for its end */
void stack_kill(const char *name);  /* KILL */
void stack_signal(const char *name, int signal);
pid_t stack_pid(const char *name);
bool stack_running(const char *name);
long stack_rss_kib(const char *name);
int64_t stack_cpu_ns(const char *name); /* processor time of all its threads */
/* The number of a series in the process's /metrics, by its beginning as printed ("sync_x{platform=\"y\"}"); -1 when absent. */
double stack_metric(const char *name, const char *series);
/* How often a log holds the text. */
int stack_log_count(const char *name, const char *text);
