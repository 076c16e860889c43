/* proof_outcomes.c: each accepted event is delivered, superseded by what was delivered, skipped with a reason, or dead (I2, I3). */
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "proof_impl.h"
#include "stack.h"

struct outcome *proof_outcome(const struct proof *proof, const char *event, const char *target)
{
    char id[96];

    snprintf(id, sizeof id, "%s.%s", event, target);
    return map_get(proof->by_delivery, id, strlen(id));
}

void proof_read_outcomes(struct proof *proof)
{
    struct rows *rows = store_query(
        "SELECT event_id, target, state, COALESCE(covered_by::text, ''), attempts, sendings, version, "
        "seq, COALESCE(error, ''), generation FROM deliveries ORDER BY event_id");

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
        outcome->attempts = (int)store_int(rows, i, 4);
        outcome->sendings = (int)store_int(rows, i, 5);
        outcome->version = store_int(rows, i, 6);
        outcome->seq = store_int(rows, i, 7);
        outcome->generation = (int)store_int(rows, i, 9);
        snprintf(outcome->error, sizeof outcome->error, "%s", store_text(rows, i, 8));
        snprintf(id, sizeof id, "%s.%s", outcome->event, outcome->target);
        map_put(proof->by_delivery, id, strlen(id), outcome);
    }
    store_rows_free(&rows);
}

/* Did the platform answer one of its sendings well? A delete of what is not there (404) is done, too. */
bool proof_arrived(const struct proof *proof, const struct outcome *outcome)
{
    char id[64];
    const struct receipt *receipt;

    receipt_webhook_id(id, outcome->event, outcome->target, outcome->generation);
    for (receipt = map_get(proof->receipts->by_webhook, id, strlen(id)); receipt; receipt = receipt->again)
        if (receipt->status / 100 == 2 ||
            (receipt->status == 404 && strcmp(receipt->operation, "delete") == 0))
            return true;
    return false;
}

/* Versions are drawn when an event is routed; what changed nothing has that of the event before. */
static bool is_newer(const struct outcome *outcome, const struct outcome *before)
{
    return outcome->version > before->version ||
           (outcome->version == before->version && outcome->seq > before->seq);
}

const struct outcome *proof_cover(const struct proof *proof, const struct outcome *outcome)
{
    for (int steps = 0; outcome && outcome->state == OUTCOME_SUPERSEDED && steps < 1000; steps++) {
        const struct outcome *next = proof_outcome(proof, outcome->covered_by, outcome->target);
        if (next && !is_newer(next, outcome))
            return NULL;
        outcome = next;
    }
    return outcome && outcome->state != OUTCOME_SUPERSEDED ? outcome : NULL;
}

/* Its own repeats are used up, or those of the newer one that was to bring it along. */
static bool was_tried(const struct proof *proof, const struct entry *entry, const struct outcome *outcome)
{
    for (int steps = 0; outcome && outcome->state == OUTCOME_DEAD && steps < 1000; steps++) {
        if (outcome->attempts > entry_retries(entry))
            return true;
        outcome = *outcome->covered_by ? proof_outcome(proof, outcome->covered_by, outcome->target) : NULL;
    }
    return false;
}

/* Poison is what nobody can handle; here there is none, whoever died with it in hand. */
static void check_dead(struct proof *proof, const struct entry *entry, const struct outcome *outcome)
{
    proof->dead++;
    if (!*outcome->error)
        proof_add(proof, CHECK_NO_REASON, "dead: event %u, %s to %s", entry->number, entry->id,
                  outcome->target);
    else if (strstr(outcome->error, "handed out"))
        proof_add(proof, CHECK_POISON, "event %u, %s to %s: %s", entry->number, entry->id, outcome->target,
                  outcome->error);
    else if (!was_tried(proof, entry, outcome))
        proof_add(proof, CHECK_GIVEN_UP, "event %u, %s to %s, %d of %d attempts: %s", entry->number,
                  entry->id, outcome->target, outcome->attempts, entry_retries(entry) + 1, outcome->error);
}

/* The record's events that were accepted after this one set the fields; bit LEDGER_FIELDS: the name. A deletion sets all. */
static unsigned set_later(const struct ledger *ledger, const struct entry *entry)
{
    unsigned fields = 0;

    for (size_t i = 0; i < ledger->count; i++) {
        const struct entry *other = ledger->entries[i];
        if (other->record == entry->record && other->seq > entry->seq)
            fields |= other->verb == ENTRY_DELETE ? ~0u : other->fields | 1u << LEDGER_FIELDS;
    }
    return fields;
}

/* Was the record gone, or not there yet, when this one was accepted? */
static bool was_gone(const struct ledger *ledger, const struct entry *entry)
{
    const struct entry *before = NULL;

    for (size_t i = 0; i < ledger->count; i++) {
        const struct entry *other = ledger->entries[i];
        if (other->record == entry->record && other->seq && other->seq < entry->seq &&
            (!before || other->seq > before->seq))
            before = other;
    }
    return !before || before->verb == ENTRY_DELETE;
}

/* Nothing is to be delivered of a change that later ones had overtaken when it was routed, and of deleting what is deleted. */
static bool may_change_nothing(const struct proof *proof, const struct entry *entry)
{
    unsigned later = set_later(proof->ledger, entry), fields = entry->fields | 1u << LEDGER_FIELDS;

    if (entry->verb == ENTRY_DELETE)
        return later != 0 || was_gone(proof->ledger, entry);
    return (fields & ~later) == 0;
}

static void check_outcome(struct proof *proof, const struct entry *entry, const struct outcome *outcome)
{
    const struct outcome *cover;

    switch (outcome->state) {
    case OUTCOME_DELIVERED:
        proof->delivered++;
        if (!proof_arrived(proof, outcome))
            proof_add(proof, CHECK_NOT_RECEIVED, "event %u, %s to %s, %d sendings", entry->number, entry->id,
                      outcome->target, outcome->sendings);
        break;
    case OUTCOME_SUPERSEDED:
        proof->superseded++;
        cover = proof_cover(proof, outcome);
        if (!cover || (cover->state != OUTCOME_DELIVERED && cover->state != OUTCOME_SKIPPED))
            proof_add(proof, CHECK_NOT_COVERED, "event %u, %s to %s, by %s", entry->number, entry->id,
                      outcome->target, outcome->covered_by);
        break;
    case OUTCOME_SKIPPED:
        proof->skipped++;
        if (!*outcome->error)
            proof_add(proof, CHECK_NO_REASON, "skipped: event %u, %s to %s", entry->number, entry->id,
                      outcome->target);
        if (!may_change_nothing(proof, entry))
            proof_add(proof, CHECK_NOT_OVERTAKEN, "event %u, %s to %s: %s", entry->number, entry->id,
                      outcome->target, outcome->error);
        break;
    case OUTCOME_DEAD:
        check_dead(proof, entry, outcome);
        break;
    default:
        proof_add(proof, CHECK_UNFINISHED, "event %u, %s to %s, state %d", entry->number, entry->id,
                  outcome->target, outcome->state);
    }
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
        proof_add(proof, CHECK_NO_DELIVERY, "event %u, %s, seq %" PRId64 ", of record %u", entry->number,
                  entry->id, entry->seq, entry->record);
}

/* Operators find what was given up by the command alone. */
static void check_listed(struct proof *proof)
{
    struct json *list = stack_syncctl("dead list --limit 10000 --json");
    const struct json *rows = json_get(list, "deliveries");
    struct map *listed = map_new();
    char id[96];

    for (size_t i = 0; i < json_count(rows); i++) {
        const struct json *row = json_at(rows, i);
        snprintf(id, sizeof id, "%s.%s", json_get_text(row, "event_id"), json_get_text(row, "target"));
        map_put(listed, id, strlen(id), proof);
    }
    for (size_t i = 0; i < proof->outcome_count; i++) {
        const struct outcome *outcome = &proof->outcomes[i];
        snprintf(id, sizeof id, "%s.%s", outcome->event, outcome->target);
        if ((outcome->state == OUTCOME_DEAD) != (map_get(listed, id, strlen(id)) != NULL))
            proof_add(proof, CHECK_NOT_LISTED, "%s, state %d", id, outcome->state);
    }
    map_free(&listed);
    json_free(list);
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
        proof_add(proof, CHECK_STATUS, "%s: status %s, open %s, dead %s; dead deliveries %s of %s",
                  store_text(rows, i, 0), store_text(rows, i, 1), store_text(rows, i, 2),
                  store_text(rows, i, 3), store_text(rows, i, 4), store_text(rows, i, 5));
    store_rows_free(&rows);
}

void proof_statuses(struct proof *proof)
{
    check_listed(proof);
    check_statuses(proof);
}

void proof_outcomes(struct proof *proof)
{
    proof_read_outcomes(proof);
    for (size_t i = 0; i < proof->ledger->count; i++)
        if (proof->ledger->entries[i]->seq)
            check_entry(proof, proof->ledger->entries[i]);
    proof_statuses(proof);
}
