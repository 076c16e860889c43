/* proof_accepted.c: accepted means stored, once, in the order of acceptance; what was refused is not there (I1). */
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "proof_impl.h"

static const char *state_name(const struct entry *entry)
{
    static const char *const names[] = {"never answered", "accepted", "refused", "unknown"};

    return names[entry->state];
}

/* What a client is answered: its own id of the event, where it has one. */
static const char *own_id(const struct ledger *ledger, const struct entry *entry, const char *id)
{
    static char key[48];

    entry_key_text(ledger, entry, key);
    return entry->key == KEY_OWN_ID ? key : id;
}

static void take_row(struct proof *proof, const char *id, int64_t seq, int64_t number)
{
    struct ledger *ledger = proof->ledger;
    struct entry *entry = number > 0 && number <= (int64_t)ledger->count ? ledger->entries[number - 1] : NULL;

    if (!entry) {
        proof_add(proof, CHECK_NOT_POSTED, "%s with number %" PRId64, id, number);
        return;
    }
    if (entry->seq) {
        proof_add(proof, CHECK_ACCEPTED_TWICE, "event %u: %s and %s", entry->number, entry->id, id);
        return;
    }
    entry->seq = seq;
    if (entry->state == ENTRY_UNKNOWN)
        proof->unknown_taken++;
    else if (entry->state != ENTRY_ACCEPTED)
        proof_add(proof, CHECK_TOLD_OTHERWISE, "event %u (%s) is %s, %u tries", entry->number,
                  state_name(entry), id, entry->tries);
    else if (strcmp(entry->answer, own_id(ledger, entry, id)) != 0)
        proof_add(proof, CHECK_OTHER_ID, "event %u: %s, answered %s", entry->number, id, entry->answer);
    snprintf(entry->id, sizeof entry->id, "%s", id);
    map_put(ledger->by_id, entry->id, strlen(entry->id), entry);
}

static void read_events(struct proof *proof)
{
    struct rows *rows = store_query("SELECT id, seq, COALESCE((convert_from(substr(data, 2), 'UTF8')::json "
                                    "->> 'chaos_n')::bigint, 0) FROM sync_events "
                                    "ORDER BY seq");

    if (!rows)
        fatal("PostgreSQL does not answer at the end");
    for (unsigned i = 0; i < store_count(rows); i++)
        take_row(proof, store_text(rows, i, 0), store_int(rows, i, 1), store_int(rows, i, 2));
    store_rows_free(&rows);
}

/* Of one record each event was posted after the one before was answered. */
static void check_order(struct proof *proof)
{
    const struct entry *last[LEDGER_RECORDS] = {0};

    for (size_t i = 0; i < proof->ledger->count; i++) {
        const struct entry *entry = proof->ledger->entries[i], *before = last[entry->record];
        if (entry->state != ENTRY_ACCEPTED || !entry->seq)
            continue;
        if (before && before->seq > entry->seq)
            proof_add(proof, CHECK_ACCEPT_ORDER, "record %u: event %u has %" PRId64 ", event %u %" PRId64,
                      entry->record, before->number, before->seq, entry->number, entry->seq);
        last[entry->record] = entry;
    }
}

void proof_accepted(struct proof *proof)
{
    read_events(proof);
    for (size_t i = 0; i < proof->ledger->count; i++) {
        const struct entry *entry = proof->ledger->entries[i];
        if (entry->state == ENTRY_ACCEPTED && !entry->seq)
            proof_add(proof, CHECK_NOT_STORED, "event %u, %s, answered at %.3f s", entry->number, entry->id,
                      proof_second(proof, entry->answered_us));
        if (entry->state == ENTRY_POSTED)
            proof_add(proof, CHECK_NEVER_ANSWERED, "event %u, %u tries", entry->number, entry->tries);
    }
    if (proof->ledger->contradictions)
        proof_add(proof, CHECK_TWO_ANSWERS, "%s", proof->ledger->contradiction.data);
    check_order(proof);
}
