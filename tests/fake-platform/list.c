/* list.c: see list.h. A page is made from the records in order of creation; the cursor is a place in that order. */
#include "list.h"

#include <inttypes.h>

#include "mem.h"

#define ROWS_MAX 1000
#define MADE_UP_MAX 200000

/* As the platform's own API would show it: its data, whose it is, and our metadata as a platform that echoes it. */
static void write_row(struct buf *out, const struct record *record)
{
    struct json *row = json_copy(record->data);

    json_set(row, "tenant_id", json_new_text(record->tenant));
    if (*record->record_id) {
        struct json *metadata = json_new_object();
        json_set(metadata, "record_id", json_new_text(record->record_id));
        json_set(row, "_sync_metadata", metadata);
    }
    json_write(out, row);
    json_free(row);
}

static void write_list(struct platform *platform, const char *entity, const char *tenant, size_t cursor,
                       int64_t limit)
{
    struct records *records = &platform->records;
    struct buf *out = &platform->out;
    int64_t written = 0;
    size_t i = cursor;

    buf_add_str(out, "{\"data\":[");
    for (; i < records->count && written < limit; i++) {
        const struct record *record = records->all[i];
        if (record->deleted || strcmp(record->entity, entity) != 0 ||
            (*tenant && strcmp(record->tenant, tenant) != 0))
            continue;
        if (written++ > 0)
            buf_add_ch(out, ',');
        write_row(out, record);
    }
    records->listed += (uint64_t)written;
    if (i < records->count)
        buf_addf(out, "],\"next_cursor\":\"%zu\"}", i);
    else
        buf_add_str(out, "],\"next_cursor\":null}");
}

void list_request(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                  const char *entity)
{
    char tenant[256] = "";
    static const char *const no_ids[] = {NULL};
    struct fault fault = {NULL, true, false};
    struct http_answer answer = {0};
    int64_t limit = http_query_int(request, "limit", 100);

    http_query(request, "tenant_id", tenant, sizeof tenant);
    struct fault_subject subject = {
        .path = request->path, .entity = entity, .operation = "list", .tenant = tenant, .ids = no_ids};
    bool struck = faults_strike(platform->faults, &subject, &fault, &answer);
    platform->records.list_requests++;
    if (!struck || !fault.replaces_answer) {
        buf_reset(&platform->out);
        write_list(platform, entity, tenant, (size_t)http_query_int(request, "cursor", 0),
                   limit < 1          ? 1
                   : limit > ROWS_MAX ? ROWS_MAX
                                      : limit);
        answer.status = 200;
        answer.body = platform->out.data;
        answer.body_len = platform->out.len;
    }
    http_answer(conn, &answer);
}

static bool keep(struct platform *platform, const char *entity, const char *tenant, const struct json *data)
{
    struct record *record;
    struct record_change change = {
        .operation = RECORD_UPDATE, .entity = entity, .tenant = tenant, .data = data};
    bool strict = platform->records.strict, kept;

    platform->records.strict = false;
    kept =
        json_type(data) == JSON_OBJECT && records_apply(&platform->records, &change, &record) == RECORD_DONE;
    platform->records.strict = strict;
    if (kept)
        record->deliveries--;
    return kept;
}

static struct json *made_up(int64_t number)
{
    struct json *data = json_new_object();
    char text[64];

    snprintf(text, sizeof text, "seed-%" PRId64, number);
    json_set(data, "id", json_new_text(text));
    snprintf(text, sizeof text, "seed-%" PRId64 "@example.com", number);
    json_set(data, "email", json_new_text(text));
    snprintf(text, sizeof text, "Seed %" PRId64, number);
    json_set(data, "name", json_new_text(text));
    json_set(data, "status", json_new_text("active"));
    json_set(data, "price", json_new_int(number));
    json_set(data, "amount", json_new_int(number));
    return data;
}

static int64_t keep_made_up(struct platform *platform, const char *entity, const char *tenant, int64_t count)
{
    int64_t kept = 0;

    for (int64_t i = 1; i <= count && i <= MADE_UP_MAX; i++) {
        struct json *data = made_up(i);
        kept += keep(platform, entity, tenant, data);
        json_free(data);
    }
    return kept;
}

void list_preload(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                  const char *entity)
{
    struct json_error where;
    bool ok = true;
    struct json *body =
        request->body_len ? json_parse(request->body, request->body_len, JSON_DEPTH_MAX, &where, &ok) : NULL;
    const struct json *records = json_get(body, "records");
    char tenant[256] = "";
    int64_t kept;

    http_query(request, "tenant", tenant, sizeof tenant);
    if (!ok || !records_id_names(entity)) {
        platform_answer_error(platform, conn, 400, ok ? "no such entity" : where.detail);
        json_free(body);
        return;
    }
    kept = keep_made_up(platform, entity, tenant, http_query_int(request, "count", 0));
    for (size_t i = 0; i < json_count(records); i++)
        kept += keep(platform, entity, tenant, json_at(records, i));
    buf_reset(&platform->out);
    buf_addf(&platform->out, "{\"kept\":%" PRId64 "}", kept);
    platform_answer(platform, conn, 200);
    json_free(body);
}

void list_counts(struct platform *platform, struct http_conn *conn)
{
    buf_reset(&platform->out);
    buf_addf(&platform->out, "{\"asked\":%" PRIu64 ",\"rows\":%" PRIu64 "}", platform->records.list_requests,
             platform->records.listed);
    platform_answer(platform, conn, 200);
}
