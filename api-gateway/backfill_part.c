/*
 * backfill_part.c: lines of JSON on their way into the tables: cut at line breaks into chunks, which are read one by one later; and
 * PUT /sync/backfill/{id}/parts/{n}, a part of a larger file.
 */
#include <strings.h>

#include "backfill_inside.h"
#include "changes.h"
#include "sql.h"

#define PARTS_MAX 100000

bool backfill_is_lines(const struct http_request *request)
{
    const char *type = http_header(request, "Content-Type");
    return type && strncasecmp(type, "application/x-ndjson", 20) == 0;
}

void backfill_cut(struct db_array *chunks, const char *text, size_t len)
{
    const char *at = text, *end = text + len;
    struct buf chunk = BUF_INIT;
    while (at < end) {
        const char *from = at;
        size_t left = (size_t)(end - at);
        at = left > BACKFILL_CHUNK_BYTES
                 ? memchr(at + BACKFILL_CHUNK_BYTES, '\n', left - BACKFILL_CHUNK_BYTES)
                 : NULL;
        at = at ? at + 1 : end;
        buf_reset(&chunk);
        buf_add_ch(&chunk, BODY_PLAIN);
        buf_add(&chunk, from, (size_t)(at - from));
        db_array_bytes(chunks, chunk.data, chunk.len);
    }
    buf_release(&chunk);
}

/* Owner: the query's callback. */
struct sending {
    struct gateway *gateway;
    struct http_request *request;
    struct uuid id;
    char *tenant;
};

static void on_part(enum db_status status, const struct db_result *result, void *arg)
{
    struct sending *sending = arg;
    struct http_request *request = sending->request;
    int64_t most = sending->gateway->conf->backfill_file_max;
    if (status != DB_OK) {
        changes_refuse(request, status, result,
                       "The database went away meanwhile: the part may be there or not; send it again.");
    } else if (db_rows(result) == 0) {
        backfill_not_found(request);
    } else if (strcmp(db_get_text(result, 0, db_column(result, "state"), NULL), "uploading") != 0) {
        http_problem(request, &(struct problem){
                                  .status = 409,
                                  .type = "not-uploading",
                                  .detail = "The backfill takes no parts any more: it was started, or has "
                                            "no file."});
    } else if (db_get_int(result, 0, db_column(result, "bytes")) > most) {
        char detail[160];
        snprintf(
            detail, sizeof detail,
            "All parts together may have %lld bytes (BACKFILL_FILE_MAX_BYTES): make a backfill of each half.",
            (long long)most);
        http_problem(request, &(struct problem){.status = 413, .type = "file-too-large", .detail = detail});
    } else {
        backfill_reply(sending->gateway, request, sending->tenant, &sending->id, 200);
    }
    free(sending->tenant);
    free(sending);
}

void backfill_put_part(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    const char *number = http_param(request, "n");
    struct uuid id;
    size_t len;
    int64_t part =
        strspn(number, "0123456789") == strlen(number) && strlen(number) <= 6 ? strtoll(number, NULL, 10) : 0;
    const char *tenant = backfill_named(request, &id), *text = http_body(request, &len);
    if (!tenant)
        return;
    if (part < 1 || part > PARTS_MAX) {
        gateway_refuse_parameter(request, "n", "the part must be a whole number from 1 to 100000");
        return;
    }
    if (!backfill_is_lines(request)) {
        http_problem(request, &(struct problem){.status = 415,
                                                .type = "content-type",
                                                .detail = "A part is lines of JSON: application/x-ndjson."});
        return;
    }
    struct sending *sending = mem_alloc(sizeof *sending);
    *sending = (struct sending){gateway, request, id, mem_strdup(tenant)};
    struct db_params *params = db_params_new();
    db_add_uuid(params, &id);
    db_add_text(params, strcmp(tenant, AUTH_ALL_TENANTS) == 0 ? NULL : tenant);
    db_add_int(params, part);
    backfill_cut(db_add_array(params, DB_BYTEA), text, len);
    db_add_int(params, gateway->conf->backfill_file_max);
    changes_query(gateway->changes, sql_backfill_part, params, on_part, sending);
}
