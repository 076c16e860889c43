/*
 * service.h: the skeleton of a service, written once: options, configuration, log, loop, signals, drain, health, metrics.
 *
 * main() is: service_new → create modules → service_run → free. Options of every program: --help, --version, --check (tests
 * the configuration and exits 0 or 1), and what the program adds (worker: --platform NAME). TERM and INT drain: the drain
 * hook stops taking in, and the loop ends when the hook's module calls service_drained() or after DRAIN_TIMEOUT. HUP calls
 * the reload hook after conf_reload. Readiness is what /readyz says: every registered check must pass; sd_notify READY=1 goes
 * out when all first do, STOPPING=1 at drain, WATCHDOG=1 when systemd asks. No peer's absence ends a process (I11).
 */
#pragma once
#include <stdbool.h>

#include "conf.h"

struct event_base;
struct service;

struct service_option {
    const char *name; /* "platform" for --platform VALUE; NULL ends the list */
    const char *help;
    const char **value;
    bool required;
};

struct service_spec {
    const char *name;    /* program name in logs and --help */
    const char *summary; /* one line for --help */
    unsigned program;    /* CONF_ bit */
    const struct service_option *options;
    /* Further checks of --check and of start-up (platform files …): -1 and sentences in errors. May be NULL. */
    int (*check)(struct conf *conf, struct buf *errors);
};

/* Parses arguments, loads the configuration, opens the log, makes the loop and the metrics listener; exits for --help,
 * --version, --check and on a bad configuration. */
struct service *service_new(const struct service_spec *spec, int argc, char **argv);
void service_free(struct service **service);
struct event_base *service_base(struct service *service);
/* Events of this priority run before all others of a loop turn, also when the turn had begun before they came due. */
#define SERVICE_FIRST 0
struct conf *service_conf(struct service *service);
/* Unique per process start and stable while it runs: host:pid:start, ≤ 64 bytes; the owner in leases and counters. */
const char *service_instance(struct service *service);

typedef void (*service_hook)(void *arg);
typedef bool (*service_ready_hook)(void *arg);
void service_on_drain(struct service *service, service_hook hook, void *arg);
void service_on_reload(struct service *service, service_hook hook, void *arg);
void service_add_check(struct service *service, const char *name, service_ready_hook hook, void *arg); /* shown by name */
/* What /readyz says: true when every check passes and nothing drains; out gets {"ready":…,"checks":{"postgresql":true,…}}. */
bool service_readiness(struct service *service, struct buf *out);
/* Calls hook every interval_ms until the service ends (drain included). */
void service_every(struct service *service, int64_t interval_ms, service_hook hook, void *arg);
/* Publishes `service_hook` output before each scrape (gauges that are read, not kept). */
void service_on_scrape(struct service *service, service_hook hook, void *arg);
bool service_draining(const struct service *service);
void service_drained(struct service *service); /* the drain hook's module has finished: the loop ends */
int service_run(struct service *service);      /* until TERM and drained; the exit code */
