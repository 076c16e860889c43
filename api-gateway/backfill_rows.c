/*
 * backfill_rows.c: the rows of a list's answer and of a file's lines, and where the next page begins; pure.
 *
 * A bad row is refused alone, with its reason.
 */
#include "backfill_inside.h"
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

/* ---- a list ---- */

struct listing_page backfill_listing(const struct backfill_job *job)
{
    return (struct listing_page){.platform = platform_find(job->backfill->gateway->platforms, job->platform),
                                 .entity = job->entities[job->place.entity_at],
                                 .tenant = job->tenant,
                                 .cursor = job->place.cursor,
                                 .rows = job->page.asked};
}

static void take_row(struct json *data, const char *id, const char *reason, void *arg)
{
    struct backfill_job *job = arg;
    struct backfill_row *row = backfill_add_row(job, job->entities[job->place.entity_at], data, reason);
    row->id = mem_strdup(id);
}

/* On to the page at this cursor, or (NULL) to the next entity or the end. */
static void turn_page(struct backfill_job *job, char *cursor)
{
    struct backfill_page *page = &job->page;
    page->next = (struct backfill_place){
        .entity_at = job->place.entity_at + !cursor, .cursor = cursor, .part = job->place.part};
    page->last = page->next.entity_at >= job->entity_count;
}

enum listing_verdict backfill_read_list(struct backfill_job *job, const struct answer *answer,
                                        struct buf *why)
{
    struct listing_page listing = backfill_listing(job);
    char *next;
    enum listing_verdict verdict = listing_read(&listing, answer, take_row, job, &next, why);
    if (verdict == LISTING_PAGE)
        turn_page(job, next);
    return verdict;
}

/* ---- a file ---- */

static char *row_id(const struct platform *platform, enum entity entity, const struct json *data)
{
    const char *member;
    struct buf id = BUF_INIT;
    if (mapping_entity_id(platform, entity, data, &id, &member) == 0)
        return buf_detach(&id, NULL);
    buf_release(&id);
    return NULL;
}

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
