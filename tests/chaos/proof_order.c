/*
 * proof_order.c: of one record and target no version starts after a higher one, and none before the outcome of the one before is known
 * (I4). By the start that each delivery tells: when it arrives says nothing, for the way may hold one up and not the next.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "proof_impl.h"

#define SLACK_US \
    20000 /* the log's clock is this machine's, the start's the database's as each process knows it */

static int by_record_and_start(const void *a, const void *b)
{
    const struct receipt *x = *(const struct receipt *const *)a, *y = *(const struct receipt *const *)b;
    int order =
        x->platform != y->platform ? (x->platform < y->platform ? -1 : 1) : strcmp(x->record, y->record);

    if (order == 0 && x->started_ms != y->started_ms)
        order = x->started_ms < y->started_ms ? -1 : 1;
    return order ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void tell(struct proof *proof, enum check check, const struct receipt *before,
                 const struct receipt *receipt)
{
    proof_add(proof, check, "record %s at %s: %" PRId64 " (%s) started at %.3f s, %" PRId64 " (%s) at %.3f s",
              receipt->record, chaos_platforms[receipt->platform], before->version, before->webhook_id,
              proof_second(proof, before->started_ms * 1000), receipt->version, receipt->webhook_id,
              proof_second(proof, receipt->started_ms * 1000));
}

/* A worker that was stopped learns late how its sending ended, and another one may have gone on: it is not known then. */
static bool was_away(const struct proof *proof, const struct receipt *before, const struct attempt *attempt)
{
    char worker[32];

    snprintf(worker, sizeof worker, "worker-%s", chaos_platforms[before->platform]);
    return strstr(attempt->error, "went to another worker") ||
           strikes_find(proof->strikes, *attempt->process ? attempt->process : worker, !*attempt->process,
                        BIT(STOP), attempt->started_ms * 1000 - SLACK_US, attempt->ended_us);
}

static void check_after(struct proof *proof, const struct receipt *before, const struct receipt *receipt)
{
    const struct attempt *attempt;

    if (before->started_ms == receipt->started_ms && strcmp(before->webhook_id, receipt->webhook_id) == 0)
        return; /* one attempt, which libcurl sent twice */
    attempt = attempts_find(proof->attempts, before->webhook_id, before->started_ms);
    if (attempt && receipt->started_ms * 1000 < attempt->ended_us - SLACK_US &&
        !was_away(proof, before, attempt))
        tell(proof, CHECK_OVERLAP, before, receipt);
}

/* Receipts of one record and target, by their start. */
static void check_record(struct proof *proof, struct receipt *const *receipts, size_t count)
{
    const struct receipt *high = receipts[0];
    int64_t arrived_us = 0;

    for (size_t i = 0; i < count; i++) {
        const struct receipt *receipt = receipts[i];
        proof->starts++;
        proof->late += receipt->time_us < arrived_us;
        arrived_us = receipt->time_us > arrived_us ? receipt->time_us : arrived_us;
        if (receipt->version < high->version)
            tell(proof, CHECK_ORDER, high, receipt);
        else
            high = receipt;
        if (i > 0)
            check_after(proof, receipts[i - 1], receipt);
    }
}

void proof_order(struct proof *proof)
{
    size_t count = proof->receipts->count, from = 0;
    struct receipt **all = mem_array(count + 1, sizeof(struct receipt *));

    memcpy(all, proof->receipts->all, count * sizeof(struct receipt *));
    qsort(all, count, sizeof(struct receipt *), by_record_and_start);
    for (size_t i = 1; i <= count; i++) {
        if (i < count && all[i]->platform == all[from]->platform &&
            strcmp(all[i]->record, all[from]->record) == 0)
            continue;
        check_record(proof, all + from, i - from);
        from = i;
    }
    free(all);
}
