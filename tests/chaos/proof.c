/* proof.c: see proof.h. */
#include "proof_impl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "log.h"
#include "mem.h"

struct proof *proof_new(struct ledger *ledger, const struct strikes *strikes, int64_t began_us)
{
    struct proof *proof = mem_alloc(sizeof *proof);

    proof->ledger = ledger;
    proof->strikes = strikes;
    proof->began_us = began_us;
    proof->by_delivery = map_new();
    return proof;
}

void proof_free(struct proof **proof)
{
    struct finding *finding;

    if (!*proof)
        return;
    while ((finding = (*proof)->findings)) {
        (*proof)->findings = finding->next;
        buf_release(&finding->lines);
        free(finding);
    }
    receipts_free(&(*proof)->receipts);
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

static struct finding *find_finding(struct proof *proof, const char *kind)
{
    struct finding **at = &proof->findings;

    while (*at && strcmp((*at)->kind, kind) != 0)
        at = &(*at)->next;
    if (!*at) {
        *at = mem_alloc(sizeof **at);
        snprintf((*at)->kind, sizeof(*at)->kind, "%s", kind);
        buf_init(&(*at)->lines);
    }
    return *at;
}

void proof_add(struct proof *proof, const char *kind, const char *format, ...)
{
    struct finding *finding = find_finding(proof, kind);
    va_list args;

    if (finding->count++ >= FINDING_LINES_MAX)
        return;
    buf_add_str(&finding->lines, "    ");
    va_start(args, format);
    buf_vaddf(&finding->lines, format, args);
    va_end(args);
    buf_add_ch(&finding->lines, '\n');
}

size_t proof_findings(const struct proof *proof)
{
    size_t count = 0;

    for (const struct finding *finding = proof->findings; finding; finding = finding->next)
        count += finding->count;
    return count;
}

/* ── rest ── */

static const char waiting[] = "SELECT (SELECT count(*) FROM sync_events WHERE status IN (0, 1)) + "
                              "(SELECT count(*) FROM deliveries WHERE state IN (0, 1))";

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
    static const char *const keys[][2] = {
        {"SCARD", "on:*"}, {"XLEN", "events:*"}, {"XLEN", "deliver:*"}, {"XLEN", "conflicts:*"}};
    struct rows *rows = store_query(counts);

    for (unsigned i = 0; rows && i < store_count(rows); i++)
        for (unsigned n = 1; n <= 3; n++)
            if (store_int(rows, i, n) != store_int(rows, i, n + 3))
                proof_add(proof, "a counter is not what the tables hold", "%s %s: counted %s, there are %s",
                          store_text(rows, i, 0),
                          n == 1   ? "waiting"
                          : n == 2 ? "backoff"
                                   : "dead",
                          store_text(rows, i, n), store_text(rows, i, n + 3));
    store_rows_free(&rows);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        int64_t left = store_redis_sum(keys[i][0], keys[i][1]);
        if (left != 0)
            proof_add(proof, "something is left on the belt", "%s of %s: %" PRId64, keys[i][0], keys[i][1],
                      left);
    }
    int64_t parked = store_number("SELECT count(*) FROM sync_errors");
    if (parked != 0)
        proof_add(proof, "entries were parked as poison", "%" PRId64, parked);
}

static void find_stall(struct proof *proof)
{
    int64_t before[1] = {proof->began_us};
    const struct receipts *receipts = proof->receipts;
    size_t at[PLATFORMS] = {0}, end[PLATFORMS] = {0};

    /* Platforms follow each other in `all`: merged by time. */
    for (size_t i = 0; i < receipts->count; i++)
        end[receipts->all[i]->platform] = i + 1;
    for (unsigned p = 0; p < PLATFORMS; p++)
        at[p] = p == 0 ? 0 : end[p - 1] > at[p - 1] ? end[p - 1] : at[p - 1];
    for (;;) {
        const struct receipt *next = NULL;
        unsigned from = 0;
        for (unsigned p = 0; p < PLATFORMS; p++)
            if (at[p] < end[p] && (!next || receipts->all[at[p]]->time_us < next->time_us)) {
                next = receipts->all[at[p]];
                from = p;
            }
        if (!next)
            return;
        at[from]++;
        if (next->time_us - before[0] > proof->stall_us) {
            proof->stall_us = next->time_us - before[0];
            proof->stall_at_us = before[0];
        }
        before[0] = next->time_us;
    }
}

void proof_check(struct proof *proof)
{
    proof->receipts = receipts_read();
    proof_accepted(proof);
    proof_outcomes(proof);
    proof_receipts(proof);
    proof_records(proof);
    proof_belt(proof);
    find_stall(proof);
}

/* ── telling ── */

static void write_stall(const struct proof *proof, FILE *out)
{
    char text[128];

    fprintf(out, "longest stall          %.1f s without a delivery anywhere, from %.1f s on",
            (double)proof->stall_us / 1e6, proof_second(proof, proof->stall_at_us));
    for (size_t i = 0; i < strikes_count(proof->strikes); i++) {
        const struct struck *struck = strikes_at(proof->strikes, i);
        if (struck->began_us > proof->stall_at_us + proof->stall_us || struck->ended_us < proof->stall_at_us)
            continue;
        fault_write(struck->fault, text, sizeof text);
        fprintf(out, "; %s", text);
    }
    fputc('\n', out);
}

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

void proof_write(const struct proof *proof, FILE *out)
{
    static const char *const reasons[DUPLICATE_REASONS] = {
        [DUPLICATE_ANSWER] = "the answer was no success, or did not arrive",
        [DUPLICATE_CRASH] = "the worker was killed",
        [DUPLICATE_PAUSE] = "the worker was stopped for longer than its lease",
        [DUPLICATE_CUT] = "the connection was broken"};

    fprintf(out,
            "deliveries             %zu delivered, %zu superseded, %zu skipped, %zu dead; %zu events changed "
            "nothing\n",
            proof->delivered, proof->superseded, proof->skipped, proof->dead, proof->changed_nothing);
    if (proof->parked)
        fprintf(out, "taken for poison       %zu, after three deaths of their owners\n", proof->parked);
    write_reasons(out);
    fprintf(out, "received               %zu; %zu arrived late after an unknown outcome\n",
            proof->receipts ? proof->receipts->count : 0, proof->late);
    fprintf(out,
            "records                %zu compared at their targets, %zu left out because of dead deliveries\n",
            proof->records_compared, proof->records_left_out);
    fprintf(out, "unknown outcomes       %zu of events without a key turned out to be accepted\n",
            proof->unknown_taken);
    fprintf(out, "received again under the same webhook-id, because\n");
    for (int reason = 0; reason < DUPLICATE_REASONS; reason++)
        fprintf(out, "  %-50s %zu\n", reasons[reason], proof->duplicates[reason]);
    if (proof->receipts && proof->receipts->folded)
        fprintf(out, "  (%zu lines of the workers' logs were folded)\n", proof->receipts->folded);
    write_stall(proof, out);
    for (const struct finding *finding = proof->findings; finding; finding = finding->next)
        fprintf(out, "NOT SO: %s (%zu)\n%s", finding->kind, finding->count, finding->lines.data);
}
