/*
 * stack.h: the stack under test: tools/stack as a child process, its settings and its processes.
 *
 * Everything here is on this machine and past the fault proxy; a call that cannot be carried out ends the run (fatal).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "json.h"

/* Starts a stack with fault proxies in the directory; -1 after telling why. */
int stack_up(const char *dir, unsigned replicas);
int stack_down(void); /* ends what runs, keeps data and logs; -1: something had to be killed, or a sanitizer spoke */
const char *stack_dir(void);
const char *stack_setting(const char *name); /* of DIR/env; stays */

/* `tools/stack WHAT NAME` in the background; stack_poll tells when it is over. */
pid_t stack_command(const char *what, const char *name);
bool stack_poll(pid_t command, int *status); /* true: it ended */
pid_t stack_pid(const char *name);           /* 0: none */
bool stack_runs(const char *name);
void stack_signal(const char *name, int signal_number);
void stack_wipe_redis(void); /* an empty directory; Redis must not run */
void stack_cut_redis(int64_t bytes); /* the newest of its log is lost; the same */
/* Calls `each` with every process of our own programs. */
void stack_each_program(void (*each)(const char *name, void *arg), void *arg);

/* One HTTP request to a numeric URL, waits for the answer; NULL when there is none or it is not JSON. */
struct json *stack_ask(const char *method, const char *url, const char *body);
void stack_proxy(const char *line); /* one line to the fault proxy's control port */
struct json *stack_syncctl(const char *arguments); /* what it prints, which must be JSON */
char *stack_token(const char *tenant); /* to be freed */
