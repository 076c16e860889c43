/*
 * proof_again.c: why something was sent again under its webhook-id.
 *
 * Each sending tells its start, under which the worker logged or recorded how it ended: so each cause is looked for with the very
 * sending that came before, in the process that made it, in the time that it took.
 */
#include <string.h>

#include "log.h"
#include "proof_impl.h"

#define SLACK_US 20000       /* clocks are one machine's, but a line is written a little later */
#define TIMEOUT_MS 2000      /* REQUEST_TIMEOUT of the stack */
#define IN_FLIGHT_US 6000000 /* no request is under way for longer, however busy the machine */
#define RECORD_US 2000000    /* an outcome that is known is stored within, when nothing holds PostgreSQL up */
#define LEASE_US 3000000
#define POSTGRES_KINDS (BIT(POSTGRES_KILL) | BIT(POSTGRES_RESTART) | BIT(POSTGRES_CLIENTS) | BROKEN_KINDS)

bool proof_struck(const struct proof *proof, const char *object, unsigned kinds, int64_t from_us,
                  int64_t to_us)
{
    return strikes_find(proof->strikes, object, true, kinds, from_us, to_us) != NULL;
}

/* What made it necessary was over then; it may arrive later still. */
static int64_t began_us(const struct receipt *receipt)
{
    return receipt->started_ms * 1000 + SLACK_US;
}

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The process that made the attempt, where that is known; else any that could have. */
static bool worker_struck(const struct proof *proof, const struct receipt *receipt,
                          const struct attempt *attempt, unsigned kinds, int64_t from_us, int64_t to_us)
{
    char worker[32];

    if (attempt && *attempt->process)
        return strikes_find(proof->strikes, attempt->process, false, kinds, from_us, to_us) != NULL;
    snprintf(worker, sizeof worker, "worker-%s", chaos_platforms[receipt->platform]);
    return proof_struck(proof, worker, kinds, from_us, to_us);
}

/* Nobody ever said how it ended: its worker died with it. One that was only stopped says so when it wakes up. */
static int never_ended(const struct proof *proof, const struct receipt *first, const struct receipt *again)
{
    int64_t from_us = first->started_ms * 1000 - SLACK_US, to_us = first->started_ms * 1000 + IN_FLIGHT_US;

    if (worker_struck(proof, first, NULL, BIT(STOP), from_us, to_us))
        to_us = began_us(again); /* and was killed before it woke up */
    return worker_struck(proof, first, NULL, BIT(KILL), from_us, min(to_us, began_us(again))) ? REASON_KILLED
                                                                                              : -1;
}

/* Its worker knew that it was delivered, and had no time to have that stored. */
static int was_known(const struct proof *proof, const struct receipt *first, const struct receipt *again,
                     const struct attempt *attempt)
{
    int64_t from_us = attempt->ended_us - SLACK_US, to_us = attempt->ended_us + RECORD_US;

    if (proof_struck(proof, "postgres", POSTGRES_KINDS, from_us - LEASE_US, to_us))
        to_us = began_us(again);
    to_us = min(to_us, began_us(again));
    if (worker_struck(proof, first, attempt, BIT(KILL), from_us, to_us))
        return REASON_KILLED;
    return worker_struck(proof, first, attempt, BIT(STOP), from_us, to_us) ? REASON_STOPPED : -1;
}

/* Its worker got no answer that says something, though the platform gave a good one. */
static int was_unknown(const struct proof *proof, const struct receipt *first, const struct attempt *attempt)
{
    int64_t from_us = attempt->started_ms * 1000 - SLACK_US, to_us = attempt->ended_us + SLACK_US;

    if (proof_struck(proof, chaos_platforms[first->platform], BROKEN_KINDS, from_us, to_us))
        return REASON_ROUTE;
    if (worker_struck(proof, first, attempt, BIT(STOP), from_us, to_us))
        return REASON_STOPPED;
    if (strstr(attempt->error, "went to another worker"))
        return proof_struck(proof, "postgres", POSTGRES_KINDS, from_us - LEASE_US, to_us) ? REASON_LEASE : -1;
    return attempt->ended_us - attempt->started_ms * 1000 >= TIMEOUT_MS * 1000 - SLACK_US ? REASON_TIMEOUT
                                                                                          : -1;
}

/* DESIGN §5: again later, or in another way. */
static bool asks_for_another(int status)
{
    return status == 404 || status == 409 || status == 408 || status == 425 || status == 429 || status >= 500;
}

int proof_again(const struct proof *proof, const struct receipt *first, const struct receipt *again,
                enum check *check, char *why, size_t why_size)
{
    const struct attempt *attempt = attempts_find(proof->attempts, first->webhook_id, first->started_ms);
    const char *platform = chaos_platforms[first->platform];

    *check = CHECK_NO_CAUSE;
    snprintf(why, why_size, "after such an answer");
    if (first->status && first->status / 100 != 2)
        return asks_for_another(first->status) ? REASON_REFUSED : -1;
    if (!first->status)
        return *first->fault ? REASON_BROKEN : -1;
    if (first->started_ms ==
        again->started_ms) { /* one attempt: libcurl sends again what got no byte of an answer */
        snprintf(why, why_size, "one attempt, twice");
        return proof_struck(proof, platform, BROKEN_KINDS, first->time_us - SLACK_US, again->time_us)
                   ? REASON_ROUTE
                   : -1;
    }
    if (!attempt) {
        snprintf(why, why_size, "no outcome was told");
        return never_ended(proof, first, again);
    }
    snprintf(why, why_size, "%s knew at %.3f s: %s (%d) %s",
             *attempt->process ? attempt->process : "a worker", proof_second(proof, attempt->ended_us),
             attempt->outcome, attempt->status, attempt->error);
    if (strcmp(attempt->outcome, "delivered") != 0)
        return was_unknown(proof, first, attempt);
    *check = CHECK_OUTCOME_KNOWN;
    return was_known(proof, first, again, attempt);
}
