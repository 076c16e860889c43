/* proof.c: see proof.h. */
#include "proof_impl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "log.h"
#include "mem.h"

struct proof *proof_new(struct ledger *ledger, struct edits *edits, const struct strikes *strikes,
                        int64_t began_us)
{
    struct proof *proof = mem_alloc(sizeof *proof);

    proof->ledger = ledger;
    proof->edits = edits;
    proof->strikes = strikes;
    proof->began_us = began_us;
    proof->by_delivery = map_new();
    for (int check = 0; check < CHECK_COUNT; check++)
        buf_init(&proof->findings[check].lines);
    return proof;
}

void proof_free(struct proof **proof)
{
    if (!*proof)
        return;
    for (int check = 0; check < CHECK_COUNT; check++)
        buf_release(&(*proof)->findings[check].lines);
    receipts_free(&(*proof)->receipts);
    attempts_free(&(*proof)->attempts);
    map_free(&(*proof)->by_delivery);
    free((*proof)->outcomes);
    free(*proof);
    *proof = NULL;
}

double proof_second(const struct proof *proof, int64_t time_us)
{
    return (double)(time_us - proof->began_us) / 1e6;
}

/* ── findings ── */

void proof_add(struct proof *proof, enum check check, const char *format, ...)
{
    struct finding *finding = &proof->findings[check];
    va_list args;

    if (finding->count++ >= FINDING_LINES_MAX)
        return;
    buf_add_str(&finding->lines, "    ");
    va_start(args, format);
    buf_vaddf(&finding->lines, format, args);
    va_end(args);
    buf_add_ch(&finding->lines, '\n');
}

unsigned proof_failed(const struct proof *proof)
{
    unsigned failed = 0;

    for (int check = 0; check < CHECK_COUNT; check++)
        failed += proof->findings[check].count > 0;
    return failed;
}

/* ── rest ── */

static const char waiting[] = "SELECT (SELECT count(*) FROM sync_events WHERE status IN (0, 1)) + "
                              "(SELECT count(*) FROM deliveries WHERE state IN (0, 1)) + "
                              "(SELECT count(*) FROM sync_conflicts WHERE status IN ('open', 'deciding'))";

bool proof_is_quiet(void)
{
    return store_number(waiting) == 0 && store_redis_sum("SCARD", "on:*") == 0;
}

void proof_write_waiting(FILE *out)
{
    static const char what[] =
        "SELECT 'events to be routed', count(*) FROM sync_events WHERE status = 0 HAVING count(*) > 0 UNION "
        "ALL "
        "SELECT 'events routed', count(*) FROM sync_events WHERE status = 1 HAVING count(*) > 0 UNION ALL "
        "SELECT target || CASE state WHEN 0 THEN ' open' ELSE ' in back-off' END || COALESCE(': ' || "
        "min(error), ''), count(*) "
        "FROM deliveries WHERE state IN (0, 1) GROUP BY target, state";
    struct rows *rows = store_query(what);

    for (unsigned i = 0; rows && i < store_count(rows); i++)
        fprintf(out, "  %s: %s\n", store_text(rows, i, 0), store_text(rows, i, 1));
    fprintf(out, "  on the belt: %" PRId64 "\n", store_redis_sum("SCARD", "on:*"));
    store_rows_free(&rows);
}

void proof_belt(struct proof *proof)
{
    static const char counts[] =
        "SELECT stage, sum(waiting), sum(backoff), sum(dead), CASE WHEN stage = 'router' THEN "
        "(SELECT count(*) FROM sync_events WHERE status = 0) ELSE "
        "(SELECT count(*) FROM deliveries WHERE state = 0 AND 'worker-' || target = stage) END, "
        "(SELECT count(*) FROM deliveries WHERE state = 1 AND 'worker-' || target = stage), "
        "(SELECT count(*) FROM deliveries WHERE state = 5 AND 'worker-' || target = stage) "
        "FROM stage_counts WHERE stage = 'router' OR stage LIKE 'worker-%' GROUP BY stage";
    static const char *const keys[][2] = {{"SCARD", "on:*"},           {"XLEN", "events:*"},
                                          {"XLEN", "deliver:*"},       {"XLEN", "conflicts:*"},
                                          {"XPENDING", "events:*"},    {"XPENDING", "deliver:*"},
                                          {"XPENDING", "conflicts:*"}, {"EXISTS", "aside:*"}};
    struct rows *rows = store_query(counts);

    for (unsigned i = 0; rows && i < store_count(rows); i++)
        for (unsigned n = 1; n <= 3; n++)
            if (store_int(rows, i, n) != store_int(rows, i, n + 3))
                proof_add(proof, CHECK_COUNTER, "%s %s: counted %s, there are %s", store_text(rows, i, 0),
                          n == 1   ? "waiting"
                          : n == 2 ? "backoff"
                                   : "dead",
                          store_text(rows, i, n), store_text(rows, i, n + 3));
    store_rows_free(&rows);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        int64_t left = store_redis_sum(keys[i][0], keys[i][1]);
        if (left != 0)
            proof_add(proof, CHECK_BELT, "%s of %s: %" PRId64, keys[i][0], keys[i][1], left);
    }
    rows = store_query("SELECT stage, reason, count(*) FROM sync_errors GROUP BY 1, 2");
    for (unsigned i = 0; rows && i < store_count(rows); i++)
        proof_add(proof, CHECK_POISON, "%s entries of %s: %s", store_text(rows, i, 2), store_text(rows, i, 0),
                  store_text(rows, i, 1));
    store_rows_free(&rows);
}

void proof_check(struct proof *proof)
{
    proof->receipts = receipts_read();
    proof->attempts = attempts_read();
    if (attempts_folded(proof->attempts))
        proof_add(proof, CHECK_LINES, "%zu lines", attempts_folded(proof->attempts));
    if (proof->edits) {
        proof_read_outcomes(proof);
        proof_edits(proof);
        proof_statuses(proof);
    } else {
        proof_accepted(proof);
        proof_outcomes(proof);
        proof_records(proof);
        proof_pace(proof);
    }
    proof_receipts(proof);
    proof_order(proof);
    proof_belt(proof);
}

unsigned proof_checks(bool of_edits)
{
    static const enum check ledgers[] = {CHECK_ACCEPTED_TWICE, CHECK_TOLD_OTHERWISE, CHECK_OTHER_ID,
                                         CHECK_TWO_ANSWERS,    CHECK_ACCEPT_ORDER,   CHECK_NO_DELIVERY,
                                         CHECK_NOT_OVERTAKEN,  CHECK_GIVEN_UP,       CHECK_NOT_ACCEPTED,
                                         CHECK_CANONICAL,      CHECK_TARGET},
                            edits[] = {CHECK_EDIT_LOST, CHECK_EDIT_UNSEEN, CHECK_UNDECIDED, CHECK_APART};

    return CHECK_COUNT -
           (unsigned)(of_edits ? sizeof ledgers / sizeof *ledgers : sizeof edits / sizeof *edits);
}

/* ── telling ── */

static void write_reasons(FILE *out)
{
    struct rows *rows = store_query(
        "SELECT CASE state WHEN 4 THEN 'skipped' ELSE 'dead' END, target, COALESCE(error, ''), count(*) "
        "FROM deliveries WHERE state IN (4, 5) GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 10");

    for (unsigned i = 0; rows && i < store_count(rows); i++)
        fprintf(out, "  %s at %s: %s (%s)\n", store_text(rows, i, 0), store_text(rows, i, 1),
                store_text(rows, i, 2), store_text(rows, i, 3));
    store_rows_free(&rows);
}

static void write_again(const struct proof *proof, FILE *out)
{
    static const char *const reasons[] = {
#define X(name, text) text,
        REASONS(X)
#undef X
    };
    size_t sum = 0;

    for (int reason = REASON_REFUSED + 1; reason < REASON_COUNT; reason++)
        sum += proof->again[reason];
    fprintf(out, "sent again             %zu after an answer that was no success; %zu duplicates, because\n",
            proof->again[REASON_REFUSED], sum);
    for (int reason = REASON_REFUSED + 1; reason < REASON_COUNT; reason++)
        fprintf(out, "  %-52s %zu\n", reasons[reason], proof->again[reason]);
}

static void write_findings(const struct proof *proof, FILE *out)
{
    static const char *const checks[] = {
#define X(name, text) text,
        CHECKS(X)
#undef X
    };

    for (int check = 0; check < CHECK_COUNT; check++)
        if (proof->findings[check].count > 0)
            fprintf(out, "NOT SO: %s (%zu)\n%s", checks[check], proof->findings[check].count,
                    proof->findings[check].lines.data);
}

void proof_write(const struct proof *proof, FILE *out)
{
    fprintf(
        out,
        "deliveries             %zu delivered, %zu superseded by what was, %zu skipped, %zu dead; %zu events "
        "changed nothing\n",
        proof->delivered, proof->superseded, proof->skipped, proof->dead, proof->changed_nothing);
    write_reasons(out);
    if (proof->edits)
        proof_edits_write(proof, out);
    fprintf(out, "received               %zu; %zu starts in order, %zu of them arrived behind a later one\n",
            proof->receipts ? proof->receipts->count : 0, proof->starts, proof->late);
    if (!proof->edits) {
        fprintf(
            out,
            "records                %zu compared at their targets, but for %zu fields that died on the way\n",
            proof->records_compared, proof->fields_left_out);
        fprintf(out, "unknown outcomes       %zu of events without a key turned out to be accepted\n",
                proof->unknown_taken);
    }
    write_again(proof, out);
    fprintf(out,
            "asserted again         %zu behind a sending without an answer, %zu behind an owner that ended "
            "or let go\n",
            proof->asserted[ASSERTED_UNKNOWN], proof->asserted[ASSERTED_HANDS]);
    if (!proof->edits)
        proof_pace_write(proof, out);
    write_findings(proof, out);
}
