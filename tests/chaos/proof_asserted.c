/*
 * proof_asserted.c: why a version was sent once more under an id of its own: something that it had overtaken could still arrive (I4).
 *
 * An assertion is the delivery of a later generation than the first, as no run asks for retries. What it overtook is a sending that
 * stands as unknown in the tables, or one in the hands of a worker that ended, or lost its partition, shortly before.
 */
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "proof_impl.h"

#define SLACK_MS 20
#define WINDOW_MS 12000 /* REQUEST_TIMEOUT and LATE_ARRIVAL of the stack */
#define LEASE_MS 3000
#define OWNER_KINDS                                                                   \
    (BIT(KILL) | BIT(STOP) | BIT(TERM) | BIT(POSTGRES_KILL) | BIT(POSTGRES_RESTART) | \
     BIT(POSTGRES_CLIENTS) | BROKEN_KINDS)

/* Of this record and target, but under another webhook-id; not later than `until_ms`. The start of the last one, 0: none. */
static int64_t last_lost(const struct receipt *overtaking, int64_t until_ms)
{
    struct buf sql = BUF_INIT;
    int64_t at_ms;

    buf_addf(&sql,
             "SELECT COALESCE(max((extract(epoch FROM r.at) * 1000)::bigint), 0) FROM sync_results r JOIN "
             "deliveries d ON d.event_id = r.event_id AND d.target = r.target_platform WHERE d.record_id = "
             "'%s' AND d.target = '%s' AND (r.outcome = 'unknown' OR r.http_status = 504) AND r.at <= "
             "to_timestamp(%" PRId64 " / 1000.0) AND (r.event_id <> '%s' OR r.generation <> %d)",
             overtaking->record, chaos_platforms[overtaking->platform], until_ms, overtaking->event,
             receipt_generation(overtaking));
    at_ms = store_number(sql.data);
    buf_release(&sql);
    return at_ms;
}

/* An owner of its partition ended, or had to let go of it: what it had in hand counts as sent, and what it did send it may tell only
 * after the next owner has gone on. */
static bool changed_hands(const struct proof *proof, const struct receipt *overtaking)
{
    char worker[32];
    int64_t from_us = (overtaking->started_ms - WINDOW_MS - LEASE_MS) * 1000,
            to_us = (overtaking->started_ms + SLACK_MS) * 1000;

    snprintf(worker, sizeof worker, "worker-%s", chaos_platforms[overtaking->platform]);
    return proof_struck(proof, worker, OWNER_KINDS, from_us, to_us) ||
           proof_struck(proof, "postgres", OWNER_KINDS, from_us, to_us) ||
           proof_struck(proof, "redis", OWNER_KINDS, from_us, to_us);
}

/* The delivery that became the assertion, as it was sent last. */
static const struct receipt *overtaking_of(const struct proof *proof, const struct receipt *assertion)
{
    const struct receipt *receipt;
    char id[64];

    receipt_webhook_id(id, assertion->event, chaos_platforms[assertion->platform],
                       receipt_generation(assertion) - 1);
    receipt = map_get(proof->receipts->by_webhook, id, strlen(id));
    while (receipt && receipt->again)
        receipt = receipt->again;
    return receipt;
}

void proof_asserted(struct proof *proof, const struct receipt *assertion)
{
    const struct receipt *overtaking = overtaking_of(proof, assertion);
    int64_t lost_ms;

    if (!overtaking) {
        proof_add(proof, CHECK_ASSERTED, "%s: nothing went before it", assertion->webhook_id);
        return;
    }
    lost_ms = last_lost(overtaking, overtaking->started_ms + SLACK_MS);
    if (lost_ms > 0 && lost_ms + WINDOW_MS + SLACK_MS >= overtaking->started_ms) {
        proof->asserted[ASSERTED_UNKNOWN]++;
        if (assertion->started_ms + SLACK_MS < lost_ms + WINDOW_MS && !changed_hands(proof, overtaking))
            proof_add(proof, CHECK_ASSERTED_SOON, "%s at %.3f s, behind what was sent at %.3f s",
                      assertion->webhook_id, proof_second(proof, assertion->started_ms * 1000),
                      proof_second(proof, lost_ms * 1000));
    } else if (changed_hands(proof, overtaking)) {
        proof->asserted[ASSERTED_HANDS]++;
    } else {
        proof_add(proof, CHECK_ASSERTED, "%s version %" PRId64 " at %.3f s, behind %.3f s",
                  assertion->webhook_id, assertion->version,
                  proof_second(proof, assertion->started_ms * 1000),
                  proof_second(proof, overtaking->started_ms * 1000));
    }
}
