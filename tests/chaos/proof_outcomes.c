/* proof_outcomes.c: each accepted event is delivered, superseded by what was delivered, skipped with a reason, or dead (I2, I3). */
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "proof_impl.h"

#define PARKED_AFTER 3 /* owners that ended with it in hand */

enum { STATE_OPEN, STATE_BACKOFF, STATE_DELIVERED, STATE_SUPERSEDED, STATE_SKIPPED, STATE_DEAD };

struct outcome *proof_outcome(const struct proof *proof, const char *event, const char *target)
{
    char id[96];

    snprintf(id, sizeof id, "%s.%s", event, target);
    return map_get(proof->by_delivery, id, strlen(id));
}

static void read_outcomes(struct proof *proof)
{
    struct rows *rows = store_query(
        "SELECT event_id, target, state, COALESCE(covered_by::text, ''), generation, sendings, version, "
        "seq, COALESCE(error, '') FROM deliveries ORDER BY event_id");

    if (!rows)
        fatal("PostgreSQL does not answer at the end");
    proof->outcome_count = store_count(rows);
    proof->outcomes = mem_array(proof->outcome_count + 1, sizeof *proof->outcomes);
    for (unsigned i = 0; i < proof->outcome_count; i++) {
        struct outcome *outcome = &proof->outcomes[i];
        char id[96];
        snprintf(outcome->event, sizeof outcome->event, "%s", store_text(rows, i, 0));
        snprintf(outcome->target, sizeof outcome->target, "%s", store_text(rows, i, 1));
        snprintf(outcome->covered_by, sizeof outcome->covered_by, "%s", store_text(rows, i, 3));
        outcome->state = (int)store_int(rows, i, 2);
        outcome->generation = (int)store_int(rows, i, 4);
        outcome->sendings = (int)store_int(rows, i, 5);
        outcome->version = store_int(rows, i, 6);
        outcome->seq = store_int(rows, i, 7);
        snprintf(outcome->error, sizeof outcome->error, "%s", store_text(rows, i, 8));
        snprintf(id, sizeof id, "%s.%s", outcome->event, outcome->target);
        map_put(proof->by_delivery, id, strlen(id), outcome);
    }
    store_rows_free(&rows);
}

/* Did the platform answer one of its sendings well? A delete of what is not there (404) is done, too. */
static bool arrived(const struct proof *proof, const struct outcome *outcome)
{
    char id[96];
    const struct receipt *receipt;

    snprintf(id, sizeof id, "%s.%s", outcome->event, outcome->target);
    for (receipt = map_get(proof->receipts->by_webhook, id, strlen(id)); receipt; receipt = receipt->again)
        if (receipt->status / 100 == 2 ||
            (receipt->status == 404 && strcmp(receipt->operation, "delete") == 0))
            return true;
    return false;
}

/* Where the chain of covers ends: a delivery that was delivered, skipped or dead; NULL: nowhere. */
static const struct outcome *cover_of(const struct proof *proof, const struct outcome *outcome)
{
    for (int steps = 0; outcome && outcome->state == STATE_SUPERSEDED && steps < 1000; steps++) {
        const struct outcome *next = proof_outcome(proof, outcome->covered_by, outcome->target);
        if (next && next->seq < outcome->seq && next->version < outcome->version)
            return NULL;
        outcome = next;
    }
    return outcome && outcome->state != STATE_SUPERSEDED ? outcome : NULL;
}

static bool is_parked(const struct outcome *outcome)
{
    return strstr(outcome->error, "handed out several times") != NULL;
}

/* What three owners died with is taken for poison, though ours died of something else. */
static void check_parked(struct proof *proof, const struct entry *entry, const struct outcome *outcome)
{
    char stage[40];
    unsigned deaths = 0;

    snprintf(stage, sizeof stage, outcome->version ? "worker-%s" : "router%.0s", outcome->target);
    for (size_t i = 0; i < strikes_count(proof->strikes); i++) {
        const struct fault *fault = strikes_at(proof->strikes, i)->fault;
        deaths += (fault->kind == FAULT_KILL || fault->kind == FAULT_STOP) &&
                  strncmp(fault->object, stage, strlen(stage)) == 0;
    }
    if (deaths >= PARKED_AFTER)
        proof->parked++;
    else
        proof_add(proof, "taken for poison, though hardly anybody died",
                  "event %u, %s to %s: %u deaths of %s", entry->number, entry->id, outcome->target, deaths,
                  stage);
}

static void check_outcome(struct proof *proof, const struct entry *entry, const struct outcome *outcome)
{
    const struct outcome *cover;

    switch (outcome->state) {
    case STATE_DELIVERED:
        proof->delivered++;
        if (!arrived(proof, outcome))
            proof_add(proof, "lost: marked delivered, never received", "event %u, %s to %s, %d sendings",
                      entry->number, entry->id, outcome->target, outcome->sendings);
        break;
    case STATE_SUPERSEDED:
        proof->superseded++;
        cover = cover_of(proof, outcome);
        if (!cover || (cover->state != STATE_DELIVERED && cover->state != STATE_SKIPPED))
            proof_add(proof, "lost: superseded by nothing that was delivered", "event %u, %s to %s, by %s",
                      entry->number, entry->id, outcome->target, outcome->covered_by);
        break;
    case STATE_SKIPPED:
        proof->skipped++;
        if (!*outcome->error)
            proof_add(proof, "skipped without a reason", "event %u, %s to %s", entry->number, entry->id,
                      outcome->target);
        break;
    case STATE_DEAD:
        proof->dead++;
        if (!*outcome->error)
            proof_add(proof, "dead without a reason", "event %u, %s to %s", entry->number, entry->id,
                      outcome->target);
        else if (is_parked(outcome))
            check_parked(proof, entry, outcome);
        else if (entry_retries(entry) > 1)
            proof_add(proof, "given up, though it had repeats left", "event %u, %s to %s: %s", entry->number,
                      entry->id, outcome->target, outcome->error);
        break;
    default:
        proof_add(proof, "unfinished", "event %u, %s to %s, state %d", entry->number, entry->id,
                  outcome->target, outcome->state);
    }
}

/* Nothing is to be delivered of a change that a later one had overtaken when it was routed, and of deleting what is deleted. */
static bool may_change_nothing(const struct proof *proof, const struct entry *entry)
{
    const struct ledger *ledger = proof->ledger;

    for (size_t i = entry->number; i < ledger->count; i++)
        if (ledger->entries[i]->record == entry->record && ledger->entries[i]->seq > entry->seq)
            return true;
    return entry->verb == ENTRY_DELETE;
}

static void check_entry(struct proof *proof, const struct entry *entry)
{
    unsigned missing = 0;

    for (unsigned which = 0; which < 2; which++) {
        const struct outcome *outcome = proof_outcome(proof, entry->id, record_target(entry->record, which));
        if (outcome)
            check_outcome(proof, entry, outcome);
        else
            missing++;
    }
    if (missing == 0)
        return;
    if (missing == 2 && may_change_nothing(proof, entry))
        proof->changed_nothing++;
    else
        proof_add(proof, "lost: no delivery was made", "event %u, %s, seq %" PRId64 ", of record %u",
                  entry->number, entry->id, entry->seq, entry->record);
}

static void check_statuses(struct proof *proof)
{
    struct rows *rows = store_query(
        "SELECT e.id, e.status, e.open_count, e.dead_count, count(*) FILTER (WHERE d.state = 5 AND d.named), "
        "count(d.event_id) "
        "FROM sync_events e LEFT JOIN deliveries d ON d.event_id = e.id GROUP BY e.id, e.status, "
        "e.open_count, e.dead_count "
        "HAVING e.open_count <> 0 OR e.dead_count <> count(*) FILTER (WHERE d.state = 5 AND d.named) "
        "OR (e.status = 3) <> (e.dead_count > 0)");

    for (unsigned i = 0; rows && i < store_count(rows); i++)
        proof_add(proof, "an event's status is not what its deliveries say",
                  "%s: status %s, open %s, dead %s; dead deliveries %s of %s", store_text(rows, i, 0),
                  store_text(rows, i, 1), store_text(rows, i, 2), store_text(rows, i, 3),
                  store_text(rows, i, 4), store_text(rows, i, 5));
    store_rows_free(&rows);
}

void proof_outcomes(struct proof *proof)
{
    read_outcomes(proof);
    for (size_t i = 0; i < proof->ledger->count; i++)
        if (proof->ledger->entries[i]->seq)
            check_entry(proof, proof->ledger->entries[i]);
    check_statuses(proof);
}
