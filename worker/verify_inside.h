/*
 * verify_inside.h: what the verify files share.
 *
 *   verify        taking up, the lease, the schedule; the module
 *   verify_job    which step is next: parts, pages, waits
 *   verify_page   what the rows of a page are, and whether they agree
 *   verify_step   what was found goes into the tables with the repairs, in one statement
 *
 * One thing is under way at a time, then the next; each phase of a part ends in a step:
 *
 *   look ── last page ──▶ turn ── buckets that lack records ──▶ search ── last page ──▶ missing ──▶ done
 *                          └── none ───────────────────────────────────────────────────────────────▶ done
 *
 * What is durable is the part's row: it moves in the statement of the step alone. Who takes a verification up after a death reads a
 * page again at most.
 */
#pragma once
#include "drift.h"
#include "listing.h"
#include "verify.h"
#include "worker.h"

#define VERIFY_MISSING_AT_ONCE 100
#define VERIFY_EXAMPLES_MAX 100 /* kept of a part */
#define VERIFY_AGAIN_MS 500

enum verify_phase { VERIFY_LOOK, VERIFY_TURN, VERIFY_SEARCH, VERIFY_MISSING, VERIFY_DONE, VERIFY_PHASES };

/* X(name, column): what was found of a record, in the order of verify_step.sql. */
#define VERIFY_FINDINGS(X)  \
    X(AGREED, "agreed")     \
    X(DIFFERING, "differing") \
    X(MISSING_THERE, "missing") \
    X(UNDELETED, "undeleted") \
    X(UNKNOWN, "unknown")   \
    X(MOVING, "moving")     \
    X(DEAD, "dead")         \
    X(CONTESTED, "contested") \
    X(UNREADABLE, "unreadable")
enum verify_finding {
#define X(name, text) FOUND_##name,
    VERIFY_FINDINGS(X)
#undef X
    FOUND_NOTHING, /* it does not count */
    FOUND_COMPARE  /* its content has to be read first */
};

/* A row of a page, or a record that is missed. */
struct verify_row {
    struct json *shown; /* common names; NULL: missed */
    char *platform_id, *entity_id;
    struct uuid named, hashed; /* by what it brings, by what it is called */
    bool has_named;
    uint64_t content;
    struct uuid record;
    int64_t version;
    enum verify_finding finding;
    bool known, deleted; /* here */
    bool learnt;         /* agrees, and its hash is new */
    char *fields;        /* that differ, with commas */
};

struct verify {
    struct worker *worker;
    struct event *timer;
    int64_t claim_ms, beat_ms, schedule_ms;
    bool busy;  /* a statement of its own is under way: claiming, beating, scheduling */
    bool draining, wants;
    bool has_job;
    bool lost; /* it ends when what is under way has ended */
    bool resting;
    struct shipment *shipment;
    void (*after)(struct verify *verify); /* the rest */
    /* the job */
    struct uuid job;
    char job_text[UUID_TEXT_LEN + 1];
    bool repair, resumed;
    int64_t failures;
    size_t rows_max;
    /* its part */
    enum verify_phase phase;
    int64_t place, steps, began_ms, asked_ms;
    char *tenant, *cursor;
    enum entity entity;
    struct uuid record; /* of phase missing: the last one that is done */
    bool has_record;
    struct drift_sums sums;
    bool searched[DRIFT_BUCKETS];
    /* the page */
    struct verify_row *rows;
    size_t count, room, unreadable, compared;
    char *next;
    bool last;
    int64_t buckets_off; /* -1: not known */
    struct stat *stat_ppm[ENTITY_NONE], *stat_found[FOUND_NOTHING], *stat_repaired;
};

/* verify.c */
void verify_end(struct verify *verify); /* has no job any more */
bool verify_end_if_lost(struct verify *verify);

/* verify_job.c */
void verify_next(struct verify *verify);                  /* reads where it is, and goes on from there */
void verify_rest(struct verify *verify, int64_t ms, void (*after)(struct verify *verify));
void verify_wait(struct verify *verify, int64_t ms, const char *reason);  /* left to whoever looks then */
void verify_pause(struct verify *verify, const char *reason); /* a person should look; tried again from time to time */
void verify_hold(struct verify *verify, const char *reason);  /* until a person lets it go on */
const char *verify_phase_name(enum verify_phase phase);
enum verify_phase verify_phase_after(const struct verify *verify); /* the page that is in hand */
/* Any statement: its callback, which ends the job if it is lost, gets only DB_OK. Refused, the job waits; else the step starts again. */
void verify_query(struct verify *verify, const char *sql, struct db_params *params,
                  void (*done)(struct verify *verify, const struct db_result *result));

/* verify_page.c */
void verify_page_reset(struct verify *verify);
enum listing_verdict verify_page_read(struct verify *verify, const struct answer *answer, struct buf *why);
void verify_page_judge(struct verify *verify); /* verify_step follows */
void verify_page_miss(struct verify *verify);  /* the next records that are missed; verify_step follows */

/* verify_step.c */
void verify_step(struct verify *verify);
void verify_step_turn(struct verify *verify); /* of phase turn: what should be there, and what is to be searched */
