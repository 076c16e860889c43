/*
 * proof.h: what must hold when all is healed and quiet; each check looks at the ledger, the tables, what the platforms received and
 * what was struck, and writes a line for each thing that does not hold.
 */
#pragma once
#include <stdio.h>

#include "edits.h"
#include "ledger.h"
#include "receipts.h"
#include "strike.h"

#define FINDING_LINES_MAX 8 /* of one check */

/* X(name, what is so when it does not hold) */
#define CHECKS(X)                                                           \
    X(REST, "it does not come to rest")                                     \
    X(PROCESSES, "a process ended by itself or does not start again")       \
    X(ANSWERS, "answers that nobody could expect")                          \
    X(NOT_STORED, "accepted, but not stored")                               \
    X(NOT_POSTED, "stored, but never posted")                               \
    X(ACCEPTED_TWICE, "accepted twice")                                     \
    X(TOLD_OTHERWISE, "stored, but its client was told otherwise")          \
    X(OTHER_ID, "stored under another id than answered")                    \
    X(NEVER_ANSWERED, "never answered, though everything is healed")        \
    X(TWO_ANSWERS, "one key, two answers")                                  \
    X(ACCEPT_ORDER, "accepted in another order than answered")              \
    X(NO_DELIVERY, "lost: no delivery was made")                            \
    X(NOT_RECEIVED, "lost: marked delivered, never received")               \
    X(NOT_COVERED, "lost: superseded by nothing that was delivered")        \
    X(UNFINISHED, "unfinished")                                             \
    X(NO_REASON, "skipped or dead without a reason")                        \
    X(NOT_OVERTAKEN, "skipped, though nothing had overtaken it")            \
    X(NOT_LISTED, "dead, but `syncctl dead list` does not say so")          \
    X(GIVEN_UP, "given up, though it had repeats left")                     \
    X(STATUS, "an event's status is not what its deliveries say")           \
    X(NOT_ACCEPTED, "delivered, but never accepted")                        \
    X(WEBHOOK_ID, "another webhook-id than the event's and target's")       \
    X(CONTENT, "another content under the same webhook-id")                 \
    X(NO_CAUSE, "sent again without a crash or an unknown outcome")         \
    X(OUTCOME_KNOWN, "sent again though its outcome was known")             \
    X(ASSERTED, "asserted again though nothing could arrive late")          \
    X(ASSERTED_SOON, "asserted again before what was lost could arrive")    \
    X(NO_START, "a delivery does not tell when it started")                 \
    X(ORDER, "a version started after a higher one")                        \
    X(OVERLAP, "started before the outcome of the one before was known")    \
    X(CANONICAL, "a record is not what its events make of it")              \
    X(TARGET, "a target's record is not the canonical one")                 \
    X(EDIT_LOST, "an edit is neither in the record, nor overwritten, nor a side of a conflict") \
    X(EDIT_UNSEEN, "an edit that had not seen another one overwrote it")    \
    X(UNDECIDED, "a conflict is neither decided nor a person's")            \
    X(APART, "a platform's record is not the canonical one")                \
    X(BELT, "something is left on the belt")                                \
    X(COUNTER, "a counter is not what the tables hold")                     \
    X(POISON, "something of ours was taken for poison")                     \
    X(LINES, "lines of the workers' logs were folded: nothing can be proved")
enum check {
#define X(name, text) CHECK_##name,
    CHECKS(X)
#undef X
    CHECK_COUNT
};

struct proof;
/* edits: what the load was made of, in place of what is in the ledger; NULL: the ledger. */
struct proof *proof_new(struct ledger *ledger, struct edits *edits, const struct strikes *strikes, int64_t began_us);
void proof_free(struct proof **proof);
bool proof_is_quiet(void);           /* nothing waits in the tables any more */
void proof_write_waiting(FILE *out); /* what does */
void proof_check(struct proof *proof); /* all of it */
void proof_add(struct proof *proof, enum check check, const char *format, ...) __attribute__((format(printf, 3, 4)));
unsigned proof_checks(bool of_edits); /* how many of CHECK_COUNT are made of such a load */
unsigned proof_failed(const struct proof *proof); /* checks that did not hold, of these */
void proof_write(const struct proof *proof, FILE *out); /* counts, duplicates with reasons, stalls and recoveries, findings */
