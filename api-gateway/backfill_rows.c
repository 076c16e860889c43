/*
 * backfill_rows.c: what a list's answer and a file's lines say: rows, and where the next page begins; pure.
 *
 * A bad row is refused alone, with its reason. What is no page at all is the route's fault, or passes by itself.
 */
#include "backfill_inside.h"
#include "inbound_map.h"
#include "mapping.h"

#define NO_ID "the record has no id, or one that is neither text of 1 to 256 bytes nor a whole number"

/* ---- pages and places ---- */

void backfill_page_reset(struct backfill_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        json_free(page->rows[i].data);
        free(page->rows[i].id);
        free(page->rows[i].reason);
    }
    free(page->next.cursor);
    page->count = page->refused = page->asked = 0;
    page->next = (struct backfill_place){0};
    page->last = false;
}

void backfill_place_copy(struct backfill_place *to, const struct backfill_place *from)
{
    char *cursor = mem_strdup(from->cursor);
    free(to->cursor);
    *to = *from;
    to->cursor = cursor;
}

struct backfill_row *backfill_add_row(struct backfill_job *job, enum entity entity, struct json *data,
                                      const char *reason)
{
    struct backfill_page *page = &job->page;
    if (page->count == page->room) {
        page->room = page->room > 0 ? page->room * 2 : 128;
        page->rows = mem_realloc(page->rows, page->room * sizeof *page->rows);
    }
    struct backfill_row *row = &page->rows[page->count++];
    *row = (struct backfill_row){.entity = entity, .data = data, .place = job->read + (int64_t)page->count};
    if (reason)
        backfill_refuse_row(job, row, reason);
    return row;
}

void backfill_refuse_row(struct backfill_job *job, struct backfill_row *row, const char *reason)
{
    json_free(row->data);
    row->data = NULL;
    row->reason = mem_strdup(reason);
    job->page.refused++;
}

/* ---- verdicts ---- */

static const char *failure_text(const struct answer *answer)
{
    return answer->error ? answer->error : "no answer";
}

static enum backfill_verdict judge_status(const struct answer *answer, struct buf *why)
{
    int status = answer->status;
    if (status == 408 || status == 425 || status == 429 || status >= 500) {
        buf_addf(why, "the platform's list answered %d", status);
        return BACKFILL_LATER;
    }
    if (status == 413) {
        buf_add_str(why, "the platform's list answered 413: a page is too large, even with one row");
        return BACKFILL_SMALLER;
    }
    buf_addf(why, "the platform's list answered %d: %s", status,
             status == 401 || status == 403   ? "look at the credential"
             : status == 404 || status == 405 ? "look at the path in the platform's file"
             : status < 400                   ? "it leads elsewhere; look at the address and the path"
                                              : "look at what the platform's file says of its lists");
    return BACKFILL_PAUSE;
}

enum backfill_verdict backfill_judge(const struct answer *answer, struct buf *why)
{
    switch (answer->failure) {
    case ANSWER_OK:
        break;
    case ANSWER_TOO_LARGE:
        buf_addf(why, "a page of the platform's list is larger than %d bytes, even with one row",
                 TRANSFER_MAX);
        return BACKFILL_SMALLER;
    case ANSWER_TLS:
    case ANSWER_FORBIDDEN_ADDRESS:
        buf_addf(why, "the platform's list: %s", failure_text(answer));
        return BACKFILL_PAUSE;
    case ANSWER_TRANSPORT:
    case ANSWER_TIMEOUT_SENT:
        buf_addf(why, "the platform's list cannot be reached: %s", failure_text(answer));
        return BACKFILL_LATER;
    }
    if (answer->status < 200 || answer->status > 299)
        return judge_status(answer, why);
    if (answer->html) {
        buf_add_str(why,
                    "the platform's list answered HTML where JSON is due; look at the address and the path");
        return BACKFILL_PAUSE;
    }
    return BACKFILL_PAGE;
}

/* ---- a list ---- */

static char *row_id(const struct platform *platform, enum entity entity, const struct json *data)
{
    const char *member;
    struct buf id = BUF_INIT;
    if (mapping_entity_id(platform, entity, data, &id, &member) == 0)
        return buf_detach(&id, NULL);
    buf_release(&id);
    return NULL;
}

/* A platform that shows another tenant's rows must not hand them to this one. */
static bool is_foreign(const struct backfill_job *job, const struct platform_lists *lists,
                       const struct json *data)
{
    const struct json *value = lists->tenant_member ? json_get(data, lists->tenant_member) : NULL;
    const char *text = json_text(value, NULL);
    return value && (!text || strcmp(text, job->tenant) != 0);
}

static void read_row(struct backfill_job *job, const struct platform *platform, const struct json *item)
{
    const struct platform_lists *lists = platform_lists(platform);
    enum entity entity = job->entities[job->place.entity_at];
    const struct json *record = lists->record ? inbound_find(item, lists->record) : item;
    struct backfill_row *row;
    if (json_type(record) != JSON_OBJECT) {
        backfill_add_row(job, entity, NULL, "the row is no object");
        return;
    }
    struct json *data = json_copy(record);
    row = backfill_add_row(job, entity, data, NULL);
    row->id = row_id(platform, entity, data);
    if (is_foreign(job, lists, data))
        backfill_refuse_row(job, row, "the row belongs to another tenant");
    else if (!row->id)
        backfill_refuse_row(job, row, NO_ID);
    else if (lists->tenant_member)
        json_remove(data, lists->tenant_member);
}

/* The next page's cursor as text, which may stand there as a number; NULL: there is none. */
static char *next_cursor(const struct backfill_job *job, const struct platform_lists *lists,
                         const struct json *body, size_t rows)
{
    char text[32];
    int64_t at = job->place.cursor ? strtoll(job->place.cursor, NULL, 10) : 0;
    if (lists->paging == PLATFORM_CURSOR) {
        const char *next = json_text(inbound_find(body, lists->next), NULL);
        return next && *next ? mem_strdup(next) : NULL;
    }
    if (rows < job->page.asked)
        return NULL;
    snprintf(text, sizeof text, "%lld",
             (long long)(lists->paging == PLATFORM_OFFSET ? at + (int64_t)rows : (at > 0 ? at : 1) + 1));
    return mem_strdup(text);
}

int backfill_turn_page(struct backfill_job *job, const char *cursor, struct buf *why)
{
    struct backfill_page *page = &job->page;
    if (cursor && job->place.cursor && strcmp(cursor, job->place.cursor) == 0) {
        buf_add_str(why,
                    "the platform's list names the same page as the next one for ever: look at the settings "
                    "next and cursor_parameter of its file");
        return -1;
    }
    page->next = (struct backfill_place){
        .entity_at = job->place.entity_at + !cursor, .cursor = mem_strdup(cursor), .part = job->place.part};
    page->last = page->next.entity_at >= job->entity_count;
    return 0;
}

enum backfill_verdict backfill_read_list(struct backfill_job *job, const struct answer *answer,
                                         struct buf *why)
{
    const struct platform *platform = platform_find(job->backfill->gateway->platforms, job->platform);
    const struct platform_lists *lists = platform_lists(platform);
    enum backfill_verdict verdict = backfill_judge(answer, why);
    struct json_error error;
    bool ok;
    if (verdict != BACKFILL_PAGE)
        return verdict;
    struct json *body = json_parse(answer->body, answer->body_len, JSON_DEPTH_MAX, &error, &ok);
    const struct json *rows = !ok ? NULL : lists->rows ? inbound_find(body, lists->rows) : body;
    if (!ok || json_type(rows) != JSON_ARRAY) {
        if (ok)
            buf_addf(why, "the platform's list answered no rows: there is no list at %s",
                     lists->rows ? lists->rows : "the top");
        else
            buf_addf(why, "the platform's list answered what is no JSON: %s", error.detail);
        verdict = BACKFILL_PAUSE;
    } else {
        for (size_t i = 0; i < json_count(rows); i++)
            read_row(job, platform, json_at(rows, i));
        char *cursor = next_cursor(job, lists, body, json_count(rows));
        if (backfill_turn_page(job, cursor, why) < 0)
            verdict = BACKFILL_PAUSE;
        free(cursor);
    }
    if (ok)
        json_free(body);
    return verdict;
}

/* ---- a file ---- */

static bool takes(const struct backfill_job *job, enum entity entity)
{
    bool found = job->entity_count == 0;
    for (size_t i = 0; i < job->entity_count; i++)
        found |= job->entities[i] == entity;
    return found;
}

/* {"entity_type": …, "data": {…}}, or the record alone when the job says what its records are. */
static void read_line(struct backfill_job *job, const struct slice *line)
{
    const struct gateway *gateway = job->backfill->gateway;
    enum entity entity = job->entity_count == 1 ? job->entities[0] : ENTITY_NONE;
    struct json_error error;
    bool ok, wrapped;
    struct json *json = NULL, *data;
    char reason[256];
    if (line->len > (size_t)gateway->conf->body_max) {
        snprintf(reason, sizeof reason, "the line is longer than %lld bytes (BODY_MAX_BYTES)",
                 (long long)gateway->conf->body_max);
        backfill_add_row(job, entity, NULL, reason)->place = job->page.next.line;
        return;
    }
    json = json_parse(line->text, line->len, (unsigned)gateway->conf->json_depth_max, &error, &ok);
    wrapped = ok && json_get(json, "entity_type") && json_type(json_get(json, "data")) == JSON_OBJECT;
    data = wrapped ? json_get(json, "data") : json;
    if (!ok)
        snprintf(reason, sizeof reason, "the line is no JSON: %s", error.detail);
    else if (json_type(json) != JSON_OBJECT)
        snprintf(reason, sizeof reason, "the line must be an object, not %s",
                 json_type_name(json_type(json)));
    else if (wrapped &&
             (!json_get_text(json, "entity_type") ||
              msg_entity(json_get_text(json, "entity_type"), &entity) != 0 || entity == ENTITY_NONE))
        snprintf(reason, sizeof reason, "entity_type must be user, lead, order, campaign or product");
    else if (entity != ENTITY_NONE && !takes(job, entity))
        snprintf(reason, sizeof reason, "the job was not asked for records of the type %s",
                 msg_entity_name(entity));
    else if (entity == ENTITY_NONE)
        snprintf(reason, sizeof reason,
                 "the line must be {\"entity_type\": …, \"data\": {…}}, or the job must name one entity");
    else
        reason[0] = '\0';
    struct backfill_row *row =
        backfill_add_row(job, entity, reason[0] ? NULL : json_copy(data), reason[0] ? reason : NULL);
    row->place = job->page.next.line;
    if (!reason[0] &&
        !(row->id = row_id(platform_find(gateway->platforms, job->platform), entity, row->data)))
        backfill_refuse_row(job, row, NO_ID);
    if (ok)
        json_free(json);
}

void backfill_read_lines(struct backfill_job *job, const char *text, size_t len, int64_t part, int64_t chunk)
{
    struct backfill_page *page = &job->page;
    const char *at = text, *end = text + len;
    int64_t passed = 0, skip;
    bool same = part == job->place.part && chunk == job->place.chunk;
    backfill_place_copy(&page->next, &job->place);
    page->next.part = part;
    page->next.chunk = chunk;
    page->next.chunk_line = skip = same ? job->place.chunk_line : 0;
    while (at < end && page->count < page->asked) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        struct slice line = {at, (size_t)(stop - at)};
        at = newline ? newline + 1 : end;
        if (passed++ < skip)
            continue;
        page->next.line++;
        page->next.chunk_line++;
        line.len = slice_trim(&line.text, line.len);
        if (line.len > 0)
            read_line(job, &line);
    }
    if (at >= end) {
        page->next.chunk = chunk + 1;
        page->next.chunk_line = 0;
    }
}
