/*
 * verify_page.c: the rows of a page: which records they are, and whether they agree. Content is read of those alone whose hash does
 * not say it.
 */
#include "clock.h"
#include "digest.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "merge.h"
#include "sql.h"
#include "verify_inside.h"

void verify_page_reset(struct verify *verify)
{
    for (size_t i = 0; i < verify->count; i++) {
        json_free(verify->rows[i].shown);
        free(verify->rows[i].platform_id);
        free(verify->rows[i].entity_id);
        free(verify->rows[i].fields);
    }
    free(verify->next);
    verify->next = NULL;
    verify->count = verify->unreadable = verify->compared = 0;
    verify->last = false;
    verify->buckets_off = -1;
}

static struct verify_row *add_row(struct verify *verify)
{
    if (verify->count == verify->room) {
        verify->room = verify->room > 0 ? verify->room * 2 : 128;
        verify->rows = mem_realloc(verify->rows, verify->room * sizeof *verify->rows);
    }
    struct verify_row *row = &verify->rows[verify->count++];
    *row = (struct verify_row){.finding = FOUND_NOTHING};
    return row;
}

/* ── what is shown ── */

static void take_row(struct json *data, const char *id, const char *reason, void *arg)
{
    struct verify *verify = arg;
    struct worker *worker = verify->worker;
    struct verify_row *row;
    const char *named;

    if (!data) {
        verify->unreadable += !id; /* with an id it is another tenant's, and none of this one's business */
        (void)reason;
        return;
    }
    row = add_row(verify);
    named = json_get_text(json_get(data, "_sync_metadata"), "record_id");
    row->has_named = named && uuid_parse(&row->named, named, strlen(named)) == 0;
    row->platform_id = mem_strdup(id);
    digest_record_id(&row->hashed, verify->tenant, msg_entity_name(verify->entity), id);
    row->shown = mapping_in(worker->platform, verify->entity, data);
    row->content = drift_content(store_fingerprint_key(worker->store), row->shown);
    json_free(data);
}

enum listing_verdict verify_page_read(struct verify *verify, const struct answer *answer, struct buf *why)
{
    struct listing_page listing = {verify->worker->platform, verify->entity, verify->tenant, verify->cursor,
                                   verify->rows_max};
    enum listing_verdict verdict = listing_read(&listing, answer, take_row, verify, &verify->next, why);

    verify->last = !verify->next;
    return verdict;
}

/* ── content ── */

static bool is_contested(const struct verify *verify, const struct json *notes, int64_t version)
{
    struct json_iter iter = {0};
    const struct json *value;
    const char *field;
    bool present;

    return merge_next_withheld(notes, &iter, verify->worker->name, version, &field, &value, &present);
}

static struct json *body_column(const struct db_result *result, size_t row, const char *name)
{
    size_t len;
    const char *bytes = db_get_bytes(result, row, db_column(result, name), &len);
    struct json_error error;
    bool ok = false;
    struct json *json = NULL;

    if (bytes && len > 1 && bytes[0] == BODY_PLAIN)
        json = json_parse(bytes + 1, len - 1, JSON_DEPTH_MAX, &error, &ok);
    return ok ? json : NULL;
}

static void compare(struct verify *verify, struct verify_row *row, const struct json *data,
                    const struct json *notes)
{
    struct worker *worker = verify->worker;
    struct drift_record record = {worker->platform, worker->platforms, verify->entity, data, notes,
                                  row->shown};
    struct buf fields = BUF_INIT;

    verify->compared++;
    switch (drift_compare(&record, &fields)) {
    case DRIFT_AGREES:
        row->finding = FOUND_AGREED;
        row->learnt = true;
        break;
    case DRIFT_DIFFERS:
        row->finding = FOUND_DIFFERING;
        row->fields = mem_strdup(fields.data);
        break;
    case DRIFT_IMPOSSIBLE:
        row->finding = FOUND_DEAD;
        break;
    }
    buf_release(&fields);
}

static void read_content(struct verify *verify, struct verify_row *row, const struct db_result *result,
                         size_t at)
{
    struct json *data = body_column(result, at, "data"), *notes = body_column(result, at, "notes");

    if (!data || !notes)
        row->finding = FOUND_DEAD; /* of a newer release */
    else if (db_get_int(result, at, db_column(result, "version")) != row->version)
        row->finding = FOUND_MOVING;
    else if (is_contested(verify, notes, row->version))
        row->finding = FOUND_CONTESTED;
    else
        compare(verify, row, data, notes);
    json_free(data);
    json_free(notes);
}

static void on_content(struct verify *verify, const struct db_result *result)
{
    struct map *by_record = map_new();

    for (size_t i = 0; i < verify->count; i++)
        if (verify->rows[i].finding == FOUND_COMPARE) {
            verify->rows[i].finding = FOUND_MOVING; /* unless it is still there */
            map_put(by_record, verify->rows[i].record.bytes, sizeof verify->rows[i].record.bytes,
                    &verify->rows[i]);
        }
    for (size_t at = 0; at < db_rows(result); at++) {
        struct uuid id;
        struct verify_row *row;
        db_get_uuid(result, at, db_column(result, "record_id"), &id);
        if ((row = map_get(by_record, id.bytes, sizeof id.bytes)))
            read_content(verify, row, result, at);
    }
    map_free(&by_record);
    verify_step(verify);
}

static void ask_content(struct verify *verify)
{
    struct db_params *params = db_params_new();
    struct db_array *ids;

    db_add_text(params, verify->tenant);
    ids = db_add_array(params, DB_UUID);
    for (size_t i = 0; i < verify->count; i++)
        if (verify->rows[i].finding == FOUND_COMPARE)
            db_array_uuid(ids, &verify->rows[i].record);
    if (db_array_count(ids) > 0) {
        verify_query(verify, sql_verify_content, params, on_content);
    } else {
        db_params_free(&params);
        verify_step(verify);
    }
}

/* ── what is known ── */

static bool flag(const struct db_result *result, size_t row, const char *name)
{
    return db_get_bool(result, row, db_column(result, name));
}

static bool is_hashed(const struct verify_row *row, const struct db_result *result, size_t at)
{
    int version = db_column(result, "hashed_version");

    return !db_is_null(result, at, version) && db_get_int(result, at, version) == row->version &&
           (uint64_t)db_get_int(result, at, db_column(result, "hashed_content")) == row->content;
}

static void find(struct verify_row *row, const struct db_result *result, size_t at)
{
    bool foreign = flag(result, at, "foreign");

    if (foreign || db_get_uuid(result, at, db_column(result, "record_id"), &row->record) != 0 ||
        !flag(result, at, "known")) {
        row->finding = foreign ? FOUND_NOTHING : FOUND_UNKNOWN;
        return;
    }
    row->known = true;
    row->version = db_get_int(result, at, db_column(result, "version"));
    row->deleted = flag(result, at, "deleted");
    row->entity_id = mem_strdup(db_get_text(result, at, db_column(result, "entity_id"), NULL));
    if (flag(result, at, "moving"))
        row->finding = FOUND_MOVING;
    else if (flag(result, at, "dead"))
        row->finding = FOUND_DEAD;
    else if (row->deleted)
        row->finding = FOUND_UNDELETED;
    else
        row->finding = is_hashed(row, result, at) ? FOUND_AGREED : FOUND_COMPARE;
}

static void on_rows(struct verify *verify, const struct db_result *result)
{
    for (size_t at = 0; at < db_rows(result) && at < verify->count; at++)
        find(&verify->rows[at], result, at);
    if (verify->phase == VERIFY_LOOK)
        ask_content(verify);
    else
        verify_step(verify);
}

/* Does the list say whose a row is, or is it asked for one tenant's? */
static bool tells_tenants(const struct verify *verify)
{
    const struct platform_lists *lists = platform_lists(verify->worker->platform);

    return !listing_by_graphql(verify->worker->platform, verify->entity) && lists &&
           (lists->tenant_parameter || lists->tenant_member);
}

void verify_page_judge(struct verify *verify)
{
    struct db_params *params;
    struct db_array *named, *hashed, *ids;

    if (verify->count == 0) {
        verify_step(verify);
        return;
    }
    params = db_params_new();
    db_add_text(params, verify->tenant);
    db_add_text(params, msg_entity_name(verify->entity));
    db_add_text(params, verify->worker->name);
    db_add_time(params, verify->asked_ms);
    db_add_bool(params, tells_tenants(verify));
    named = db_add_array(params, DB_UUID);
    hashed = db_add_array(params, DB_UUID);
    ids = db_add_array(params, DB_TEXT);
    for (size_t i = 0; i < verify->count; i++) {
        const struct verify_row *row = &verify->rows[i];
        if (row->has_named)
            db_array_uuid(named, &row->named);
        else
            db_array_null(named);
        db_array_uuid(hashed, &row->hashed);
        db_array_text(ids, row->platform_id);
    }
    verify_query(verify, sql_verify_rows, params, on_rows);
}

/* ── what is not shown ── */

static void miss(struct verify *verify, const struct db_result *result, size_t at)
{
    struct json *notes = body_column(result, at, "notes");
    struct verify_row *row = add_row(verify);
    const char *platform_id = db_get_text(result, at, db_column(result, "platform_id"), NULL);

    db_get_uuid(result, at, db_column(result, "record_id"), &row->record);
    row->version = db_get_int(result, at, db_column(result, "version"));
    row->entity_id = mem_strdup(db_get_text(result, at, db_column(result, "entity_id"), NULL));
    row->platform_id = mem_strdup(platform_id);
    row->known = true;
    row->finding = flag(result, at, "moving")                  ? FOUND_MOVING
                   : flag(result, at, "dead") || !notes        ? FOUND_DEAD
                   : is_contested(verify, notes, row->version) ? FOUND_CONTESTED
                                                               : FOUND_MISSING_THERE;
    json_free(notes);
}

static void on_missing(struct verify *verify, const struct db_result *result)
{
    for (size_t at = 0; at < db_rows(result); at++)
        miss(verify, result, at);
    verify->last = db_rows(result) < VERIFY_MISSING_AT_ONCE;
    if (verify->count > 0) {
        verify->record = verify->rows[verify->count - 1].record;
        verify->has_record = true;
    }
    verify_step(verify);
}

void verify_page_miss(struct verify *verify)
{
    struct db_params *params = db_params_new();
    struct db_array *buckets;

    db_add_text(params, verify->tenant);
    db_add_text(params, msg_entity_name(verify->entity));
    db_add_text(params, verify->worker->name);
    db_add_uuid(params, &verify->job);
    buckets = db_add_array(params, DB_INT2);
    for (unsigned i = 0; i < DRIFT_BUCKETS; i++)
        if (verify->searched[i])
            db_array_int(buckets, i);
    db_add_uuid(params, verify->has_record ? &verify->record : NULL);
    db_add_int(params, VERIFY_MISSING_AT_ONCE);
    db_add_time(params, verify->began_ms);
    verify_query(verify, sql_verify_missing, params, on_missing);
}
