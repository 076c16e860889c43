/*
 * proof_pace.c: how long nothing moved, and how soon it moved again once a fault was over. Told, not judged: it depends on the machine.
 *
 * A fault's recovery lasts from its end until there was an answer of 2xx wherever it had struck: at the platform, for its route and
 * its workers; at each platform, for the stores and the router; to a client, for a gateway.
 */
#include <string.h>

#include "log.h"
#include "mem.h"
#include "proof_impl.h"

#define GATEWAY "api-gateway"

static void longer(struct pause *pause, int64_t from_us, int64_t to_us)
{
    if (to_us - from_us <= pause->lasted_us)
        return;
    pause->lasted_us = to_us - from_us;
    pause->from_us = from_us;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* When the load ended: behind it pauses are nobody's fault. */
static int64_t last_post_us(const struct ledger *ledger)
{
    int64_t last_us = 0;

    for (size_t i = 0; i < ledger->count; i++)
        if (ledger->entries[i]->posted_us > last_us)
            last_us = ledger->entries[i]->posted_us;
    return last_us;
}

static void find_pause(const struct proof *proof, int64_t *times, size_t count, struct pause *pause)
{
    int64_t before = proof->began_us, last_us = last_post_us(proof->ledger);

    qsort(times, count, sizeof *times, by_time);
    for (size_t i = 0; i < count && before <= last_us; i++) {
        longer(pause, before, times[i]);
        before = times[i];
    }
}

static void find_pauses(struct proof *proof)
{
    const struct receipts *receipts = proof->receipts;
    const struct ledger *ledger = proof->ledger;
    int64_t *times = mem_array(receipts->count + ledger->count + 1, sizeof *times);
    size_t count = 0;

    for (unsigned platform = 0; platform < PLATFORMS; platform++, count = 0) {
        for (size_t i = 0; i < receipts->count; i++)
            if (receipts->all[i]->platform == platform)
                times[count++] = receipts->all[i]->time_us;
        find_pause(proof, times, count, &proof->platform_stalls[platform]);
    }
    for (; count < receipts->count; count++)
        times[count] = receipts->all[count]->time_us;
    find_pause(proof, times, count, &proof->stall);
    count = 0;
    for (size_t i = 0; i < ledger->count; i++)
        if (ledger->entries[i]->state == ENTRY_ACCEPTED)
            times[count++] = ledger->entries[i]->answered_us;
    find_pause(proof, times, count, &proof->refusal);
    free(times);
}

/* ── recovery ── */

/* When a sending that was answered well arrived at the platform, the first after; 0: none did. */
static int64_t next_delivery(const struct proof *proof, unsigned platform, int64_t after_us)
{
    int64_t next_us = 0;

    for (size_t i = 0; i < proof->receipts->count; i++) {
        const struct receipt *receipt = proof->receipts->all[i];
        if (receipt->platform == platform && receipt->status / 100 == 2 && receipt->time_us >= after_us &&
            (!next_us || receipt->time_us < next_us))
            next_us = receipt->time_us;
    }
    return next_us;
}

static int64_t next_acceptance(const struct proof *proof, int64_t after_us)
{
    int64_t next_us = 0;

    for (size_t i = 0; i < proof->ledger->count; i++) {
        const struct entry *entry = proof->ledger->entries[i];
        if (entry->state == ENTRY_ACCEPTED && entry->answered_us >= after_us &&
            (!next_us || entry->answered_us < next_us))
            next_us = entry->answered_us;
    }
    return next_us;
}

/* -1: nothing was to be done any more, or it needed no recovery. */
static int64_t recovery_us(const struct proof *proof, const struct struck *struck)
{
    const char *object = struck->fault->object;
    int64_t latest_us = 0;
    bool one = false;

    if (strncmp(object, GATEWAY, strlen(GATEWAY)) == 0)
        return (latest_us = next_acceptance(proof, struck->ended_us)) ? latest_us - struck->ended_us : -1;
    if (strcmp(object, "resolver") == 0 || strcmp(object, "monitor") == 0)
        return -1;
    for (unsigned platform = 0; platform < PLATFORMS; platform++)
        one |= strstr(object, chaos_platforms[platform]) != NULL;
    for (unsigned platform = 0; platform < PLATFORMS; platform++) {
        int64_t next_us;
        if (one && !strstr(object, chaos_platforms[platform]))
            continue;
        if ((next_us = next_delivery(proof, platform, struck->ended_us)) == 0)
            return -1;
        latest_us = next_us > latest_us ? next_us : latest_us;
    }
    return latest_us - struck->ended_us;
}

static void find_recoveries(struct proof *proof)
{
    int64_t last_us = last_post_us(proof->ledger);

    for (size_t i = 0; i < strikes_count(proof->strikes); i++) {
        const struct struck *struck = strikes_at(proof->strikes, i);
        if (struck->ended_us && struck->ended_us < last_us)
            longer(&proof->recoveries[struck->fault->kind], struck->ended_us,
                   struck->ended_us + recovery_us(proof, struck));
    }
}

void proof_pace(struct proof *proof)
{
    find_pauses(proof);
    find_recoveries(proof);
}

/* ── telling ── */

static void write_pause(const struct proof *proof, const struct pause *pause, const char *what,
                        const char *of, FILE *out)
{
    char text[128];

    fprintf(out, "%-22s %.1f s without %s, from %.1f s on", what, (double)pause->lasted_us / 1e6, of,
            proof_second(proof, pause->from_us));
    for (size_t i = 0; i < strikes_count(proof->strikes); i++) {
        const struct struck *struck = strikes_at(proof->strikes, i);
        if (struck->began_us > pause->from_us + pause->lasted_us ||
            (struck->ended_us && struck->ended_us < pause->from_us))
            continue;
        fault_write(struck->fault, text, sizeof text);
        fprintf(out, "; %s", text);
    }
    fputc('\n', out);
}

static void write_recoveries(const struct proof *proof, FILE *out)
{
    unsigned written = 0;

    fprintf(out, "recovery               seconds until it went on after the end of a fault, the longest of "
                 "each kind\n");
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        if (proof->recoveries[kind].lasted_us == 0)
            continue;
        fprintf(out, "%s%s %.2f",
                written % 6 ? ", "
                : written   ? "\n  "
                            : "  ",
                fault_kind_name((enum fault_kind)kind), (double)proof->recoveries[kind].lasted_us / 1e6);
        written++;
    }
    fputs(written ? "\n" : "", out);
}

void proof_pace_write(const struct proof *proof, FILE *out)
{
    write_pause(proof, &proof->stall, "longest stall", "a delivery anywhere", out);
    for (unsigned platform = 0; platform < PLATFORMS; platform++)
        fprintf(out, "  at %-19s %.1f s, from %.1f s on\n", chaos_platforms[platform],
                (double)proof->platform_stalls[platform].lasted_us / 1e6,
                proof_second(proof, proof->platform_stalls[platform].from_us));
    write_pause(proof, &proof->refusal, "longest outage", "an event accepted", out);
    write_recoveries(proof, out);
}
