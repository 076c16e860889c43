/*
 * proof.h: what must hold when all is healed and quiet; each check looks at the ledger, the tables, what the platforms received and
 * what was struck, and writes a line for each thing that does not hold.
 */
#pragma once
#include <stdio.h>

#include "ledger.h"
#include "receipts.h"
#include "strike.h"

#define FINDING_LINES_MAX 8 /* of one kind */

struct proof;
struct proof *proof_new(struct ledger *ledger, const struct strikes *strikes, int64_t began_us);
void proof_free(struct proof **proof);
bool proof_is_quiet(void);                  /* nothing waits in the tables any more */
void proof_write_waiting(FILE *out);        /* what does */
void proof_check(struct proof *proof);      /* all of it */
void proof_add(struct proof *proof, const char *kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
size_t proof_findings(const struct proof *proof);
void proof_write(const struct proof *proof, FILE *out); /* counts, duplicates with reasons, longest stall, findings */
