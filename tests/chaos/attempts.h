/*
 * attempts.h: what our programs say of each sending that ended: a line of a worker's log, a row of sync_results.
 *
 * An attempt and what the platform received of it meet in webhook-id and started_at.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct attempt {
    struct attempt *next; /* of the same webhook-id, in no order */
    int64_t started_ms, ended_us;
    char process[32]; /* "": only its row is known */
    char outcome[12], error[120];
    int status;
};

struct attempts;
struct attempts *attempts_read(void);
void attempts_free(struct attempts **attempts);
/* The one that the platform was told this start of; NULL: nobody ever said how it ended. */
const struct attempt *attempts_find(const struct attempts *attempts, const char *webhook_id, int64_t started_ms);
size_t attempts_folded(const struct attempts *attempts); /* log lines that were left out: nothing can be proved then */
