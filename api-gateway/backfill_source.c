/*
 * backfill_source.c: where rows come from: a page of the platform's list over HTTP, by REST or GraphQL, or the next lines of a
 * file. At most one page of a job is in flight.
 */
#include "backfill_inside.h"
#include "log.h"
#include "sql.h"

static size_t rows_now(const struct backfill_job *job)
{
    return backfill_pace_rows(&job->pace,
                              job->rows_max < job->page.room_left ? job->rows_max : job->page.room_left);
}

/* ---- a platform's list ---- */

/* A page that is one row already cannot be smaller. */
static void shrink(struct backfill_job *job, const char *why)
{
    if (job->page.asked <= 1) {
        backfill_pause(job, why);
        return;
    }
    job->rows_max = job->page.asked / 2;
    backfill_again(job);
}

static void on_answer(const struct answer *answer, void *arg)
{
    struct backfill_job *job = arg;
    struct gateway *gateway = job->backfill->gateway;
    struct buf why = BUF_INIT;
    enum listing_verdict verdict = LISTING_LATER;
    job->transfer = NULL;
    if (platform_find(gateway->platforms, job->platform))
        verdict = backfill_read_list(job, answer, &why);
    else
        buf_add_str(&why, "the platform's file is gone");
    if (verdict == LISTING_PAGE)
        backfill_on_page(job);
    else if (verdict == LISTING_SMALLER)
        shrink(job, why.data);
    else if (verdict == LISTING_PAUSE)
        backfill_pause(job, why.data);
    else
        backfill_wait(job, answer->retry_after_ms, why.data);
    buf_release(&why);
}

static void send_request(struct backfill_job *job)
{
    struct gateway *gateway = job->backfill->gateway;
    struct listing_page listing = backfill_listing(job);
    struct buf url = BUF_INIT, body = BUF_INIT, credential = BUF_INIT;
    bool graphql = listing_by_graphql(listing.platform, listing.entity);
    listing_url(&listing, &url);
    listing_body(&listing, &body);
    credential_add(&job->credential, gateway->conf, listing.platform, &credential);
    struct transfer_request request = {.method = graphql ? PLATFORM_POST : PLATFORM_GET,
                                       .url = url.data,
                                       .headers = {credential.data, "Accept: application/json",
                                                   graphql ? "Content-Type: application/json" : NULL},
                                       .body = body.data,
                                       .body_len = body.len,
                                       .timeout_ms = gateway->conf->request_timeout,
                                       .allow_private = platform_allows_private(listing.platform),
                                       .keep_max = TRANSFER_MAX};
    job->transfer = transfer_start(gateway->transfers, &request, on_answer, job);
    buf_release(&url);
    buf_release(&body);
    buf_release(&credential);
}

static void ask_platform(struct backfill_job *job)
{
    const struct gateway *gateway = job->backfill->gateway;
    const struct platform *platform = platform_find(gateway->platforms, job->platform);
    const char *why = platform ? NULL : "the platform is not configured any more";
    if (why || job->place.entity_at >= job->entity_count) {
        backfill_fail(job, why ? why : "it names no entity");
        return;
    }
    enum entity entity = job->entities[job->place.entity_at];
    if ((why = listing_obstacle(platform, entity))) {
        backfill_pause(job, why);
        return;
    }
    if (job->rows_max > listing_rows_max(platform, entity))
        job->rows_max = listing_rows_max(platform, entity);
    job->page.asked = rows_now(job);
    send_request(job);
}

/* ---- a file ---- */

static void on_chunk(enum db_status status, const struct db_result *result, void *arg)
{
    struct backfill_job *job = arg;
    size_t len;
    if (status == DB_REFUSED)
        log_error("file of a first sync cannot be read", LOG_STR("job", job->id_text),
                  LOG_STR("error", db_message(result)));
    if (job->lost) {
        backfill_job_end(job);
        return;
    }
    if (status != DB_OK) {
        backfill_again(job);
        return;
    }
    if (db_rows(result) == 0) { /* it ended with the chunk before */
        job->page.last = true;
        backfill_place_copy(&job->page.next, &job->place);
        backfill_on_page(job);
        return;
    }
    const char *data = db_get_bytes(result, 0, db_column(result, "data"), &len);
    if (len < 1 || data[0] != BODY_PLAIN) {
        backfill_fail(job, "the stored file has a format of a newer release");
        return;
    }
    backfill_read_lines(job, data + 1, len - 1, db_get_int(result, 0, db_column(result, "part")),
                        db_get_int(result, 0, db_column(result, "chunk")));
    /* On to the next chunk, and there is none. */
    job->page.last = job->page.next.chunk_line == 0 && db_get_bool(result, 0, db_column(result, "last"));
    backfill_on_page(job);
}

static void ask_file(struct backfill_job *job)
{
    struct db_params *params = db_params_new();
    db_add_uuid(params, &job->id);
    db_add_int(params, job->place.part);
    db_add_int(params, job->place.chunk);
    job->page.asked = rows_now(job);
    db_query(store_db(job->backfill->gateway->store), DB_WRITER, sql_backfill_chunk, params, on_chunk, job);
}

void backfill_ask(struct backfill_job *job)
{
    if (job->file && !platform_find(job->backfill->gateway->platforms, job->platform))
        backfill_fail(job, "the platform is not configured any more");
    else if (job->file)
        ask_file(job);
    else
        ask_platform(job);
}
