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

static void add_escaped(struct buf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_add_ch(out, *text);
        else
            buf_addf(out, "%%%02X", (unsigned char)*text);
    }
}

static void add_parameter(struct buf *url, const char *name, const char *value)
{
    buf_add_ch(url, strchr(url->data, '?') ? '&' : '?');
    add_escaped(url, name);
    buf_add_ch(url, '=');
    add_escaped(url, value);
}

static void list_url(const struct backfill_job *job, const struct platform *platform, struct buf *url)
{
    const struct platform_lists *lists = platform_lists(platform);
    char number[24];
    buf_addf(url, "%s%s", platform_base_url(platform), lists->paths[job->entities[job->place.entity_at]]);
    snprintf(number, sizeof number, "%zu", job->page.asked);
    add_parameter(url, lists->limit_parameter, number);
    if (lists->tenant_parameter)
        add_parameter(url, lists->tenant_parameter, job->tenant);
    if (job->place.cursor)
        add_parameter(url, lists->cursor_parameter, job->place.cursor);
}

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
    const struct platform *platform = platform_find(gateway->platforms, job->platform);
    struct buf why = BUF_INIT;
    enum backfill_verdict verdict = BACKFILL_LATER;
    job->transfer = NULL;
    if (!platform)
        buf_add_str(&why, "the platform's file is gone");
    else if (backfill_by_graphql(job, platform))
        verdict = backfill_read_graphql(job, platform, answer, &why);
    else
        verdict = backfill_read_list(job, answer, &why);
    if (verdict == BACKFILL_PAGE)
        backfill_on_page(job);
    else if (verdict == BACKFILL_SMALLER)
        shrink(job, why.data);
    else if (verdict == BACKFILL_PAUSE)
        backfill_pause(job, why.data);
    else
        backfill_wait(job, answer->retry_after_ms, why.data);
    buf_release(&why);
}

static void send_request(struct backfill_job *job, const struct platform *platform)
{
    struct gateway *gateway = job->backfill->gateway;
    struct buf url = BUF_INIT, body = BUF_INIT, credential = BUF_INIT;
    bool graphql = backfill_by_graphql(job, platform);
    if (graphql) {
        buf_add_str(&url, platform_graphql(platform, job->entities[job->place.entity_at])->url);
        backfill_graphql_body(job, &body);
    } else {
        list_url(job, platform, &url);
    }
    credential_add(&job->credential, gateway->conf, platform, &credential);
    struct transfer_request request = {.method = graphql ? PLATFORM_POST : PLATFORM_GET,
                                       .url = url.data,
                                       .headers = {credential.data, "Accept: application/json",
                                                   graphql ? "Content-Type: application/json" : NULL},
                                       .body = body.data,
                                       .body_len = body.len,
                                       .timeout_ms = gateway->conf->request_timeout,
                                       .allow_private = platform_allows_private(platform),
                                       .keep_max = TRANSFER_MAX};
    job->transfer = transfer_start(gateway->transfers, &request, on_answer, job);
    buf_release(&url);
    buf_release(&body);
    buf_release(&credential);
}

/* Why the list cannot be asked for as things stand; NULL: it can. */
static const char *obstacle(const struct backfill_job *job, const struct platform *platform)
{
    const struct platform_lists *lists = platform_lists(platform);
    enum entity entity = job->entities[job->place.entity_at];
    if (backfill_by_graphql(job, platform))
        return NULL;
    if (!lists || !lists->paths[entity])
        return "the platform's file names no list for this entity";
    return platform_base_url(platform) ? NULL : "the platform's address is not set: its variable is empty";
}

static void ask_platform(struct backfill_job *job)
{
    const struct gateway *gateway = job->backfill->gateway;
    const struct platform *platform = platform_find(gateway->platforms, job->platform);
    const struct platform_lists *lists = platform ? platform_lists(platform) : NULL;
    size_t most = lists ? (size_t)lists->page_rows : BACKFILL_GRAPHQL_ROWS;
    const char *why = platform ? NULL : "the platform is not configured any more";
    if (why || job->place.entity_at >= job->entity_count) {
        backfill_fail(job, why ? why : "it names no entity");
        return;
    }
    if ((why = obstacle(job, platform))) {
        backfill_pause(job, why);
        return;
    }
    if (backfill_by_graphql(job, platform) && most > BACKFILL_GRAPHQL_ROWS)
        most = BACKFILL_GRAPHQL_ROWS;
    if (job->rows_max > most)
        job->rows_max = most;
    job->page.asked = rows_now(job);
    send_request(job, platform);
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
