/*
 * proof_receipts.c: nothing arrived that was not accepted; a repetition has a reason, the same webhook-id and the same content; and
 * no version of a record started after a higher one (I3, I4).
 */
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "proof_impl.h"

#define BIT(kind) (1u << FAULT_##kind)
#define BROKEN_KINDS (BIT(CUT) | BIT(STALL) | BIT(DELAY) | BIT(CUT_AFTER) | BIT(REFUSE))
#define POSTGRES_KINDS (BIT(POSTGRES_KILL) | BIT(POSTGRES_CLIENTS) | BROKEN_KINDS)
#define SLACK_US 20000 /* clocks are one machine's, but a line is written a little later */
#define LEASE_US 3000000
#define LONG_US 10000000 /* what was on its way may have been held up for so long */

static void check_accepted(struct proof *proof, const struct receipt *receipt)
{
    const struct entry *entry = ledger_find(proof->ledger, receipt->event);
    char expected[64];

    snprintf(expected, sizeof expected, "%s.%s", receipt->event, platform_names[receipt->platform]);
    if (!entry || !entry->seq)
        proof_add(proof, "delivered, but never accepted", "%s to %s", receipt->event,
                  platform_names[receipt->platform]);
    if (strcmp(receipt->webhook_id, expected) != 0)
        proof_add(proof, "another webhook-id than the event's and target's", "%s to %s", receipt->webhook_id,
                  platform_names[receipt->platform]);
}

/* ── repetitions ── */

static const struct attempt *attempt_between(const struct proof *proof, const char *webhook_id,
                                             int64_t from_us, int64_t to_us)
{
    const struct attempt *attempt = map_get(proof->receipts->attempts, webhook_id, strlen(webhook_id));
    const struct attempt *found = NULL;

    for (; attempt; attempt = attempt->next)
        if (attempt->ended_us >= from_us && attempt->ended_us <= to_us &&
            (!found || attempt->ended_us < found->ended_us))
            found = attempt;
    return found;
}

static bool struck(const struct proof *proof, const char *object, unsigned kinds, int64_t from_us,
                   int64_t to_us)
{
    return strikes_find(proof->strikes, object, true, kinds, from_us, to_us) != NULL;
}

/* One of the two was under way for long: its sender had given it up, and did not know, before it arrived. */
static bool was_held_up(const struct proof *proof, const struct receipt *first, const struct receipt *again)
{
    const struct attempt *before =
        attempt_between(proof, first->webhook_id, first->time_us - LONG_US, first->time_us);

    return before && strcmp(before->outcome, "delivered") != 0 &&
           struck(proof, platform_names[first->platform], BIT(STALL) | BIT(DELAY), first->time_us - LONG_US,
                  again->time_us);
}

/* Why it was sent again between the two: a reason, or -1. `why` gets what is known. */
static int reason_of(const struct proof *proof, const struct receipt *first, const struct receipt *again,
                     char *why, size_t why_size)
{
    int64_t from_us = first->time_us, to_us = again->time_us;
    const struct attempt *known = attempt_between(proof, first->webhook_id, from_us - SLACK_US, to_us - 1000);
    const char *platform = platform_names[first->platform];
    char worker[32];

    if (first->status / 100 != 2)
        return DUPLICATE_ANSWER;
    snprintf(worker, sizeof worker, "worker-%s", platform);
    snprintf(why, why_size, "no outcome was logged");
    if (known && strcmp(known->outcome, "delivered") != 0)
        return DUPLICATE_ANSWER;
    if (known) {
        snprintf(why, why_size, "%s knew at %.3f s that it was delivered (%d)", known->process,
                 proof_second(proof, known->ended_us), known->status);
        if (strikes_find(proof->strikes, known->process, false, BIT(KILL), known->ended_us - SLACK_US, to_us))
            return DUPLICATE_CRASH;
        if (strikes_find(proof->strikes, known->process, false, BIT(STOP), known->ended_us - SLACK_US, to_us))
            return DUPLICATE_PAUSE;
        return -1;
    }
    if (struck(proof, worker, BIT(KILL), from_us - SLACK_US, to_us))
        return DUPLICATE_CRASH;
    if (struck(proof, worker, BIT(STOP), from_us - SLACK_US, to_us))
        return DUPLICATE_PAUSE;
    if (struck(proof, platform, BROKEN_KINDS, from_us - SLACK_US, to_us) || was_held_up(proof, first, again))
        return DUPLICATE_CUT;
    if (struck(proof, "postgres", POSTGRES_KINDS, from_us - LEASE_US, to_us))
        snprintf(why, why_size, "PostgreSQL was away, but the answer was whole and its worker alive");
    return -1;
}

static void check_repetition(struct proof *proof, const struct receipt *first, const struct receipt *again)
{
    char why[160];
    int reason = reason_of(proof, first, again, why, sizeof why);

    if (reason >= 0)
        proof->duplicates[reason]++;
    else
        proof_add(proof,
                  strncmp(why, "no ", 3) == 0 ? "sent again without a reason"
                                              : "sent again though its outcome was known",
                  "%s version %" PRId64 " at %.3f s (%d) and %.3f s (%d): %s", first->webhook_id,
                  first->version, proof_second(proof, first->time_us), first->status,
                  proof_second(proof, again->time_us), again->status, why);
    if (strcmp(first->operation, again->operation) != 0 || first->content == again->content)
        return;
    proof_add(proof, "another content under the same webhook-id",
              "%s: %s of version %" PRId64 " at %.3f s and %" PRId64 " at %.3f s", first->webhook_id,
              first->operation, first->version, proof_second(proof, first->time_us), again->version,
              proof_second(proof, again->time_us));
    fprintf(stderr, "another content under %s:\n%s\n", first->webhook_id, receipts_text(first));
    fprintf(stderr, "%s\n", receipts_text(again));
}

/* ── order ── */

/* Something of this sending may have been under way for long: it was tried before, or its way was held up. */
static bool may_be_late(const struct proof *proof, const struct receipt *receipt)
{
    const char *platform = platform_names[receipt->platform];

    return struck(proof, platform, BIT(STALL) | BIT(DELAY), receipt->time_us - LONG_US, receipt->time_us);
}

static int64_t start_of(const struct receipt *receipt)
{
    return receipt->started_ms ? receipt->started_ms * 1000 : receipt->time_us;
}

static void check_order(struct proof *proof, unsigned platform)
{
    struct map *highest = map_new(); /* record → the receipt with the highest version */

    for (size_t i = 0; i < proof->receipts->count; i++) {
        struct receipt *receipt = proof->receipts->all[i], *high;
        size_t len = strlen(receipt->record);
        if (receipt->platform != platform || len == 0)
            continue;
        high = map_get(highest, receipt->record, len);
        if (!high || receipt->version >= high->version) {
            map_put(highest, receipt->record, len, receipt);
            continue;
        }
        if (start_of(receipt) <= start_of(high) && receipt->started_ms)
            continue;
        if (may_be_late(proof, receipt))
            proof->late++;
        else
            proof_add(proof, "a version came after a higher one",
                      "record %s at %s: %" PRId64 " (%s) at %.3f s after %" PRId64 " (%s) at %.3f s",
                      receipt->record, platform_names[platform], receipt->version, receipt->webhook_id,
                      proof_second(proof, receipt->time_us), high->version, high->webhook_id,
                      proof_second(proof, high->time_us));
    }
    map_free(&highest);
}

void proof_receipts(struct proof *proof)
{
    const struct receipts *receipts = proof->receipts;

    for (size_t i = 0; i < receipts->count; i++) {
        check_accepted(proof, receipts->all[i]);
        if (receipts->all[i]->again)
            check_repetition(proof, receipts->all[i], receipts->all[i]->again);
    }
    for (unsigned platform = 0; platform < PLATFORMS; platform++)
        check_order(proof, platform);
}
