/*
 * backfill_inside.h: what the backfill files share.
 *
 *   backfill         jobs that this gateway runs: claimed, kept by a lease, let go of
 *   backfill_job     one job: draw a place in the order, ask for a page, feed its rows, note the step; again
 *   backfill_flow    how fast, and how long until the next try (pure)
 *   backfill_source  a page of a list over HTTP, or of a file;  backfill_rows  what an answer means (pure)
 *   backfill_feed    rows go in through the accept path
 *   backfill_api     what people ask for;  backfill_new  new jobs;  backfill_part  files;  backfill_show  a job as JSON
 *
 * A running job is always in one phase, and exactly one thing is under way for it:
 *
 *   RESTING (timer) ─▶ DRAWING (statement) ─▶ ASKING (transfer or statement) ─▶ FEEDING (accept) ─▶ STEPPING (statement) ─┐
 *      ▲  ▲                 │ window full                │                          │ not stored                         │
 *      │  └─────────────────┴────────────────────────────│──────────────────────────┘                                    │
 *      └─────────────────────────────────────────────────│───────────────────────────────── not the last page ───────────┤
 *                                                        ▼                                                               ▼
 *                                        WAITING (statement) ─▶ let go of                                           let go of
 *
 * What is durable is the job's row: its place moves in the statement of the step alone. A page that was fed and not noted is
 * asked for again, by whoever has the job then; its rows have their keys, and make no second events.
 */
#pragma once
#include <sys/queue.h>

#include "backfill_flow.h"
#include "credential.h"
#include "gateway.h"
#include "listing.h"
#include "stats.h"

struct event;
struct backfill;

#define BACKFILL_REFUSED_MAX 100 /* kept per job, with their reasons */
#define BACKFILL_FILE_PAGE 500   /* rows of a file at once */
#define BACKFILL_CHUNK_BYTES 65536

enum backfill_phase {
    BACKFILL_RESTING,
    BACKFILL_DRAWING,
    BACKFILL_ASKING,
    BACKFILL_FEEDING,
    BACKFILL_STEPPING,
    BACKFILL_WAITING,
    BACKFILL_PHASES
};

/* Where the next page begins. */
struct backfill_place {
    size_t entity_at; /* of a list */
    char *cursor;     /* of a list; NULL: its beginning */
    int64_t part, chunk, chunk_line, line; /* of a file */
};

struct backfill_row {
    enum entity entity;
    struct json *data;  /* NULL: refused */
    char *id;           /* as the platform calls it, for people; NULL: none */
    char *reason;       /* of a refusal */
    int64_t place;      /* from 1: of the row in the job, or of the line in the file */
};

/* Owner: its job. */
struct backfill_page {
    struct backfill_row *rows;
    size_t count, room;
    size_t room_left; /* of the window */
    size_t asked;     /* rows at most */
    size_t refused;
    struct backfill_place next;
    bool last; /* of the whole job */
    int64_t seq, asked_ms; /* drawn, and database time then */
};

struct backfill_job {
    TAILQ_ENTRY(backfill_job) link;
    struct backfill *backfill;
    enum backfill_phase phase;
    bool lost; /* not ours any more: ends when what is under way has ended */
    int64_t claimed_us;
    struct uuid id;
    char id_text[UUID_TEXT_LEN + 1];
    char *tenant, *platform, *subject, *targets; /* targets with commas; "": all others */
    bool file;
    enum entity entities[ENTITY_NONE];
    size_t entity_count; /* 0: a file whose lines say it */
    struct backfill_place place;
    int64_t read, refused, failures; /* as in its row */
    int64_t as_of_ms, snapshot_seq;  /* of a file */
    struct backfill_pace pace;
    size_t rows_max; /* of a page: less after one that was too large */
    struct backfill_page page;
    struct event *timer;
    struct transfer *transfer;
    struct credential credential;
};

#define BACKFILL_STATS(X)                                                                                  \
    X(pages, STATS_COUNTER, "sync_backfill_pages_total", NULL, "Pages of first syncs that were taken in")  \
    X(accepted, STATS_COUNTER, "sync_backfill_rows_total", "outcome=\"accepted\"",                         \
      "Rows of first syncs")                                                                               \
    X(refused, STATS_COUNTER, "sync_backfill_rows_total", "outcome=\"refused\"", "Rows of first syncs")    \
    X(done, STATS_COUNTER, "sync_backfill_jobs_total", "outcome=\"done\"",                                 \
      "First syncs by what became of them; waits and pauses may repeat")                                   \
    X(failed, STATS_COUNTER, "sync_backfill_jobs_total", "outcome=\"failed\"",                             \
      "First syncs by what became of them; waits and pauses may repeat")                                   \
    X(paused, STATS_COUNTER, "sync_backfill_jobs_total", "outcome=\"paused\"",                             \
      "First syncs by what became of them; waits and pauses may repeat")                                   \
    X(waited, STATS_COUNTER, "sync_backfill_jobs_total", "outcome=\"waited\"",                             \
      "First syncs by what became of them; waits and pauses may repeat")                                   \
    X(cancelled, STATS_COUNTER, "sync_backfill_jobs_total", "outcome=\"cancelled\"",                       \
      "First syncs by what became of them; waits and pauses may repeat")                                   \
    X(running_now, STATS_GAUGE, "sync_backfill_running", NULL, "First syncs that this gateway runs")

struct backfill {
    struct gateway *gateway;
    TAILQ_HEAD(backfill_jobs, backfill_job) jobs;
    size_t count;
    bool claiming, beating, draining;
    int64_t beat_ms, claim_ms; /* of the last ones */
#define X(name, kind, metric, labels, help) struct stat *name;
    BACKFILL_STATS(X)
#undef X
};

/* backfill.c */
void backfill_claim_soon(struct backfill *backfill); /* there is something new */
void backfill_job_end(struct backfill_job *job);     /* frees it: nothing may be under way */
/* backfill_job.c */
void backfill_job_start(struct backfill_job *job);
void backfill_job_lose(struct backfill_job *job); /* frees it now or as soon as possible */
/* A page is there (job->page), or: */
void backfill_on_page(struct backfill_job *job);
void backfill_wait(struct backfill_job *job, int64_t wait_ms, const char *reason); /* 0: its back-off */
void backfill_pause(struct backfill_job *job, const char *reason);
void backfill_fail(struct backfill_job *job, const char *reason);
void backfill_again(struct backfill_job *job); /* the page, in a moment: nothing was stored */
/* backfill_source.c: asks for the page at job->place; one of the above follows, from the loop or at once */
void backfill_ask(struct backfill_job *job);
/* backfill_rows.c */
void backfill_page_reset(struct backfill_page *page);
void backfill_place_copy(struct backfill_place *to, const struct backfill_place *from); /* frees what was in it */
/* Takes data; NULL when it is refused for the reason (copied). */
struct backfill_row *backfill_add_row(struct backfill_job *job, enum entity entity, struct json *data,
                                      const char *reason);
void backfill_refuse_row(struct backfill_job *job, struct backfill_row *row, const char *reason);
struct listing_page backfill_listing(const struct backfill_job *job); /* the page that is asked for */
/* What an answer to a list request means; why: a sentence where it is no page. */
enum listing_verdict backfill_read_list(struct backfill_job *job, const struct answer *answer,
                                        struct buf *why);
/* The lines of a chunk from job->place on. More: another chunk follows, or there are parts behind. */
void backfill_read_lines(struct backfill_job *job, const char *text, size_t len, int64_t part, int64_t chunk);
/* backfill_feed.c: the rows of job->page as events; backfill_on_fed follows */
void backfill_feed(struct backfill_job *job);
void backfill_on_fed(struct backfill_job *job, bool stored); /* backfill_job.c */
/* backfill_api.c */
void backfill_not_found(struct http_request *request);
/* The job that the path names, and the tenant to look as; NULL after having refused. */
const char *backfill_named(struct http_request *request, struct uuid *id);
/* backfill_show.c */
void backfill_show(struct buf *out, const struct db_result *result, size_t row);
/* Answers with the job as it is now; status 200 or 202 with Location. */
void backfill_reply(struct gateway *gateway, struct http_request *request, const char *tenant,
                    const struct uuid *id, int status);
/* backfill_part.c */
bool backfill_is_lines(const struct http_request *request); /* the body is application/x-ndjson */
/* Cuts at line breaks into chunks, each behind a format byte. */
void backfill_cut(struct db_array *chunks, const char *text, size_t len);
