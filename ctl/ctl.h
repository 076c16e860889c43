/* ctl.h: what the commands of syncctl share. A command gets its own name as argv[0] and returns the exit code. */
#pragma once
#include "conf.h"

struct ctl_option {
    const char *name; /* "tenant" for --tenant VALUE; NULL ends the list */
    const char **value;
    bool required;
};
/* --name VALUE and --name=VALUE. -1 after a sentence on standard error: unknown, without value, or required and missing. */
int ctl_read_options(const struct ctl_option *options, int argc, char **argv);
/* Takes an option without value out of the arguments, before the others are read; how many are left. */
int ctl_take_flag(int argc, char **argv, const char *flag, bool *given);
/* Takes a word that stands before the options; NULL: there is none. */
const char *ctl_take_word(int *argc, char ***argv);
/* The configuration for syncctl; -1 after a sentence per mistake on standard error. */
int ctl_load(struct conf *conf);
int ctl_fail(const char *format, ...) __attribute__((format(printf, 1, 2))); /* says it; returns 1 */
int ctl_print(struct buf *out); /* to standard output; releases it; returns the exit code */

#define CTL_USAGE 2 /* exit code of a wrong command line */

int ctl_backfill(int argc, char **argv);
int ctl_verify(int argc, char **argv);
int ctl_brakes(int argc, char **argv);
int ctl_token(int argc, char **argv);
int ctl_config(int argc, char **argv);
int ctl_conflicts(int argc, char **argv);
int ctl_links(int argc, char **argv);
int ctl_dead(int argc, char **argv);
int ctl_leases(int argc, char **argv);
int ctl_map(int argc, char **argv);
int ctl_migrate(int argc, char **argv);
int ctl_policies(int argc, char **argv);
int ctl_tenant_policies(int argc, char **argv); /* those of its words that ask the API */
int ctl_queues(int argc, char **argv);
int ctl_records(int argc, char **argv);
