/*
 * accept_storage.c: PostgreSQL answers, and cannot write: its disk is full, or it is a replica that nobody has promoted yet. Events
 * are refused (503) until it can, /readyz and /health say so, and so do the log and a metric; an alert in a table could not
 * be stored. Not ready for some seconds, then ready again: the next event is the test, nothing is written to try.
 */
#include "accept_inside.h"
#include "clock.h"
#include "log.h"

#define TOLD_EVERY_MS 10000

bool accept_writable(const struct accept *accept)
{
    return accept->refused_ms == 0 || clock_mono_ms() - accept->refused_ms >= ACCEPT_UNWRITABLE_MS;
}

static bool is_ready(void *arg)
{
    return accept_writable(arg);
}

/* Classes of SQLSTATE: read-only transaction, no rights, no resources, input and output, corrupted. */
static bool cannot_write(const char *sqlstate)
{
    static const char *const classes[] = {"25", "42", "53", "58", "XX"};

    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (memcmp(sqlstate, classes[i], 2) == 0)
            return true;
    return false;
}

void accept_storage_refused(struct accept *accept, const char *sqlstate, const char *message, size_t events)
{
    int64_t now_ms = clock_mono_ms();

    if (!cannot_write(sqlstate))
        return;
    accept->refused_ms = now_ms;
    stats_set(accept->unwritable, 1);
    if (accept->said_ms > 0 && now_ms - accept->said_ms < TOLD_EVERY_MS)
        return;
    accept->said_ms = now_ms;
    log_error("PostgreSQL stores nothing", LOG_STR("sqlstate", sqlstate), LOG_STR("error", message),
              LOG_INT("events", events));
}

void accept_storage_took(struct accept *accept)
{
    if (accept->refused_ms == 0)
        return;
    log_info("PostgreSQL stores again", LOG_INT("last_refusal_ms", clock_mono_ms() - accept->refused_ms));
    accept->refused_ms = accept->said_ms = 0;
    stats_set(accept->unwritable, 0);
}

void accept_storage_start(struct accept *accept)
{
    service_add_check(accept->gateway->service, "storage", is_ready, accept);
}
