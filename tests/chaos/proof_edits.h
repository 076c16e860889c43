/* proof_edits.h: what must hold of edits (edits.h), beside what holds of every delivery. */
#pragma once
#include <stdio.h>

#include "json.h"

struct proof;
struct proof_edits {
    size_t in_record, decided, overwritten, not_told_apart;
    size_t compared, waiting, died, told_late;
};

void proof_edits(struct proof *proof);
void proof_edits_write(const struct proof *proof, FILE *out);

/* proof_agree.c: the three platforms' records are the canonical one. `data` gets the canonical records, to be freed. */
void proof_agree(struct proof *proof, const void *waiting, struct json **data);
bool proof_edits_wait(const void *waiting, unsigned record, const char *field);
