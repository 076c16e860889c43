/*
 * proof_receipts.c: nothing arrived that was not accepted; what arrived again has a cause, the same webhook-id and the same content
 * (I3).
 */
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "proof_impl.h"

static void check_accepted(struct proof *proof, const struct receipt *receipt)
{
    const struct entry *entry = ledger_find(proof->ledger, receipt->event);
    const struct outcome *outcome = proof_outcome(proof, receipt->event, chaos_platforms[receipt->platform]);
    int generation = receipt_generation(receipt);
    char expected[64];

    receipt_webhook_id(expected, receipt->event, chaos_platforms[receipt->platform], generation);
    if (!proof->edits &&
        (!entry || !entry->seq)) /* of edits: those that are stored are looked at by themselves */
        proof_add(proof, CHECK_NOT_ACCEPTED, "%s to %s", receipt->event, chaos_platforms[receipt->platform]);
    if (strcmp(receipt->webhook_id, expected) != 0 || !outcome || generation < 1 ||
        generation > outcome->generation)
        proof_add(proof, CHECK_WEBHOOK_ID, "%s to %s", receipt->webhook_id,
                  chaos_platforms[receipt->platform]);
    if (receipt->started_ms <= 0)
        proof_add(proof, CHECK_NO_START, "%s to %s at %.3f s", receipt->webhook_id,
                  chaos_platforms[receipt->platform], proof_second(proof, receipt->time_us));
}

static void check_again(struct proof *proof, const struct receipt *first, const struct receipt *again)
{
    char why[300] = "";
    enum check check;
    int reason = proof_again(proof, first, again, &check, why, sizeof why);

    if (reason >= 0)
        proof->again[reason]++;
    else
        proof_add(proof, check, "%s version %" PRId64 " at %.3f s (%d) and %.3f s (%d): %s",
                  first->webhook_id, first->version, proof_second(proof, first->time_us), first->status,
                  proof_second(proof, again->time_us), again->status, why);
}

/* What was there already, or was not there, is an update, or a create, instead: an answer before must have said so. A repetition
 * begins as the first sending did. */
static bool may_turn(const struct receipt *first, const struct receipt *again)
{
    for (; first != again; first = first->again)
        if (first->status == 409 || first->status == 404)
            return true;
    return false;
}

static void tell_content(struct proof *proof, const struct receipt *first, const struct receipt *again)
{
    proof_add(proof, CHECK_CONTENT, "%s: %s of version %" PRId64 " at %.3f s and %s of %" PRId64 " at %.3f s",
              first->webhook_id, first->operation, first->version, proof_second(proof, first->time_us),
              again->operation, again->version, proof_second(proof, again->time_us));
    fprintf(stderr, "another content under %s:\n%s\n", first->webhook_id, receipts_text(first));
    fprintf(stderr, "%s\n", receipts_text(again));
}

/* All that arrived under one webhook-id: `first` and what follows. */
static void check_content(struct proof *proof, const struct receipt *first)
{
    const struct receipt *same = first, *before = first, *again;

    for (again = first->again; again; before = again, again = again->again) {
        if (strcmp(again->operation, before->operation) != 0 && !may_turn(first, again))
            tell_content(proof, before, again);
        for (same = first; same != again && strcmp(same->operation, again->operation) != 0;)
            same = same->again;
        if (same->content != again->content)
            tell_content(proof, same, again);
    }
}

void proof_receipts(struct proof *proof)
{
    const struct receipts *receipts = proof->receipts;

    for (size_t i = 0; i < receipts->count; i++) {
        const struct receipt *receipt = receipts->all[i];
        check_accepted(proof, receipt);
        if (receipt->again)
            check_again(proof, receipt, receipt->again);
        if (map_get(receipts->by_webhook, receipt->webhook_id, strlen(receipt->webhook_id)) != receipt)
            continue;
        check_content(proof, receipt);
        if (receipt_generation(receipt) > 1)
            proof_asserted(proof, receipt);
    }
}
