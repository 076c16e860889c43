/* proof_records.c: what the ledger says a record must be, what the service holds, and what each target has, are the same (I5). */
#include <inttypes.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "mem.h"
#include "proof_impl.h"
#include "rules.h"
#include "stack.h"

/* Numbers of the events that set each field last: chaos_a ..., then chaos_n and name together. */
struct expected {
    bool there, deleted;
    unsigned last; /* number of the last event */
    int64_t seq[LEDGER_FIELDS + 1];
    unsigned number[LEDGER_FIELDS + 1];
};

static void set_field(struct expected *expected, int field, const struct entry *entry)
{
    if (entry->seq < expected->seq[field])
        return;
    expected->seq[field] = entry->seq;
    expected->number[field] = entry->number;
}

static void expect(const struct ledger *ledger, unsigned record, struct expected *expected)
{
    int64_t last = 0;

    *expected = (struct expected){0};
    for (size_t i = 0; i < ledger->count; i++) {
        const struct entry *entry = ledger->entries[i];
        if (entry->record != record || !entry->seq)
            continue;
        expected->there = true;
        if (entry->seq > last) {
            last = entry->seq;
            expected->last = entry->number;
            expected->deleted = entry->verb == ENTRY_DELETE;
        }
        if (entry->verb == ENTRY_DELETE)
            continue;
        for (int field = 0; field < LEDGER_FIELDS; field++)
            if (entry->fields >> field & 1)
                set_field(expected, field, entry);
        set_field(expected, LEDGER_FIELDS, entry);
    }
}

static int64_t number_of(const struct json *data, const char *name)
{
    int64_t number = 0;

    if (json_get(data, name))
        json_int64(json_get(data, name), &number);
    return number;
}

/* Where data differs from what is expected, as text; "" nowhere. But for these fields (bits; LEDGER_FIELDS: number and name). */
static const char *difference(const struct expected *expected, const struct json *data,
                              const char *name_field, unsigned but)
{
    static char text[160];
    char name[16];

    for (int field = 0; field <= LEDGER_FIELDS; field++) {
        if (but >> field & 1)
            continue;
        snprintf(name, sizeof name, "chaos_%c", field < LEDGER_FIELDS ? 'a' + field : 'n');
        if (number_of(data, name) != expected->number[field]) {
            snprintf(text, sizeof text, "%s is %" PRId64 ", should be %u", name, number_of(data, name),
                     expected->number[field]);
            return text;
        }
    }
    if (but >> LEDGER_FIELDS & 1)
        return "";
    snprintf(name, sizeof name, "n%u", expected->number[LEDGER_FIELDS]);
    if (!json_get_text(data, name_field) || strcmp(json_get_text(data, name_field), name) != 0) {
        snprintf(text, sizeof text, "%s is %.40s, should be %s", name_field,
                 json_get_text(data, name_field) ? json_get_text(data, name_field) : "absent", name);
        return text;
    }
    return "";
}

/* ── the service's own ── */

static void check_canonical(struct proof *proof, unsigned record, const struct expected *expected)
{
    struct buf sql = BUF_INIT;
    struct json_error where;
    struct json *data = NULL;
    const char *wrong = "";
    bool ok = false;
    char id[32];

    record_id(proof->ledger, record, id);
    buf_addf(&sql,
             "SELECT deleted, convert_from(substr(data, 2), 'UTF8'), version FROM records WHERE tenant_id = "
             "'%s' AND entity_id = '%s'",
             record_tenant(record), id);
    struct rows *rows = store_query(sql.data);
    if (!rows || store_count(rows) != 1) {
        proof_add(proof, CHECK_CANONICAL, "record %u, %s: it is not there", record, id);
    } else {
        bool deleted = *store_text(rows, 0, 0) == 't';
        data =
            json_parse(store_text(rows, 0, 1), strlen(store_text(rows, 0, 1)), JSON_DEPTH_MAX, &where, &ok);
        if (deleted != expected->deleted)
            wrong = deleted ? "it is deleted" : "it is not deleted";
        else if (!deleted)
            wrong = difference(expected, ok ? data : NULL, "name", 0);
        if (*wrong)
            proof_add(proof, CHECK_CANONICAL, "record %u, %s, version %s: %s", record, id,
                      store_text(rows, 0, 2), wrong);
    }
    if (ok)
        json_free(data);
    store_rows_free(&rows);
    buf_release(&sql);
}

/* ── at the targets ── */

/* The event's change never got there: its delivery, or the one that was to bring it along, is dead. */
static bool died(const struct proof *proof, unsigned number, const char *target)
{
    const struct outcome *outcome =
        number ? proof_outcome(proof, proof->ledger->entries[number - 1]->id, target) : NULL;

    outcome = outcome ? proof_cover(proof, outcome) : NULL;
    return outcome && outcome->state == OUTCOME_DEAD;
}

static unsigned died_fields(struct proof *proof, const struct expected *expected, const char *target)
{
    unsigned fields = 0;

    for (int field = 0; field <= LEDGER_FIELDS; field++)
        if (died(proof, expected->number[field], target)) {
            fields |= 1u << field;
            proof->fields_left_out++;
        }
    return fields;
}

static void check_target(struct proof *proof, unsigned record, const struct expected *expected,
                         const char *target)
{
    static const char *const names[PLATFORMS] = {"full_name", "customer_name", "user_name"};
    struct buf url = BUF_INIT;
    const char *wrong = "", *name = NULL;
    char id[32];

    for (unsigned i = 0; i < PLATFORMS; i++)
        if (strcmp(chaos_platforms[i], target) == 0)
            name = names[i];
    record_id(proof->ledger, record, id);
    buf_addf(&url, "%s/records/user/%s?tenant=%s", rules_url(target), id, record_tenant(record));
    struct json *there = stack_ask("GET", url.data, NULL);
    bool gone = !there || !json_get(there, "own_id") || json_bool(json_get(there, "deleted"));
    if (gone != expected->deleted && died(proof, expected->last, target))
        proof->fields_left_out++;
    else if (gone != expected->deleted)
        wrong = gone ? "it is not there" : "it is there";
    else if (!gone)
        wrong = difference(expected, json_get(there, "data"), name, died_fields(proof, expected, target));
    if (*wrong)
        proof_add(proof, CHECK_TARGET, "record %u, %s at %s, version %" PRId64 ": %s", record, id, target,
                  number_of(there, "version"), wrong);
    proof->records_compared++;
    json_free(there);
    buf_release(&url);
}

void proof_records(struct proof *proof)
{
    struct expected expected;

    for (unsigned record = 0; record < LEDGER_RECORDS; record++) {
        expect(proof->ledger, record, &expected);
        if (!expected.there)
            continue;
        check_canonical(proof, record, &expected);
        for (unsigned which = 0; which < 2; which++)
            check_target(proof, record, &expected, record_target(record, which));
    }
}
