/* inspect.c: what tests and people see of a fake platform, and how they tell it to misbehave. */
#include <inttypes.h>

#include "list.h"
#include "mem.h"

#define LIMIT_MAX 10000

static int64_t limit_of(const struct http_request *request, int64_t absent)
{
    int64_t limit = http_query_int(request, "limit", absent);

    return limit < 1 ? 1 : limit > LIMIT_MAX ? LIMIT_MAX : limit;
}

static void show_received(struct platform *platform, struct http_conn *conn,
                          const struct http_request *request)
{
    buf_reset(&platform->out);
    if (strcmp(request->method, "DELETE") == 0) {
        received_clear(platform->received);
        buf_add_str(&platform->out, "{}");
    } else if (http_query_int(request, "summary", 0)) {
        received_write_summary(platform->received, &platform->out);
    } else {
        received_write(platform->received, http_query_int(request, "after", 0), limit_of(request, 1000),
                       &platform->out);
    }
    platform_answer(platform, conn, 200);
}

/* Splits "user/u1" into entity and id ("" when there is none); the id percent-decoded. */
static void split(const char *path, char *entity, size_t entity_size, char *id, size_t id_size)
{
    const char *slash = strchr(path, '/');

    snprintf(entity, entity_size, "%.*s", (int)strcspn(path, "/"), path);
    snprintf(id, id_size, "%s", slash ? slash + 1 : "");
    http_percent_decode(id);
}

/* A page of the entity's records from position `cursor`; counts all. `next` gets the cursor of the next page, 0 at the end. */
static size_t write_page(struct platform *platform, const char *entity, const char *tenant, size_t cursor,
                         int64_t limit, size_t *next)
{
    const struct records *records = &platform->records;
    size_t count = 0, written = 0;

    *next = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct record *record = records->all[i];

        if (record->deleted || strcmp(record->entity, entity) != 0 ||
            (*tenant && strcmp(record->tenant, tenant) != 0))
            continue;
        count++;
        if (i < cursor || *next)
            continue;
        if ((int64_t)written == limit) {
            *next = i;
            continue;
        }
        if (written++)
            buf_add_ch(&platform->out, ',');
        records_write(record, &platform->out);
    }
    return count;
}

static void show_list(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                      const char *entity, const char *tenant)
{
    size_t next, count;

    buf_reset(&platform->out);
    buf_add_str(&platform->out, "{\"records\":[");
    count = write_page(platform, entity, tenant, (size_t)http_query_int(request, "cursor", 0),
                       limit_of(request, 100), &next);
    buf_addf(&platform->out, "],\"count\":%zu,\"next_cursor\":", count);
    if (next)
        buf_addf(&platform->out, "\"%zu\"}", next);
    else
        buf_add_str(&platform->out, "null}");
    platform_answer(platform, conn, 200);
}

/* path: entity or entity/id. A deleted record is shown with 404, so that its version can still be read. */
static void show_records(struct platform *platform, struct http_conn *conn,
                         const struct http_request *request, const char *path)
{
    char entity[32], id[512], tenant[256] = "";
    const struct record *record;

    split(path, entity, sizeof entity, id, sizeof id);
    http_query(request, "tenant", tenant, sizeof tenant);
    if (!records_id_names(entity)) {
        platform_answer_error(platform, conn, 404, "no such entity: user, lead, order, campaign or product");
        return;
    }
    if (!*id) {
        show_list(platform, conn, request, entity, tenant);
        return;
    }
    if (!(record = records_find(&platform->records, entity, tenant, id))) {
        platform_answer_error(platform, conn, 404, "no such record");
        return;
    }
    buf_reset(&platform->out);
    records_write(record, &platform->out);
    platform_answer(platform, conn, record->deleted ? 404 : 200);
}

/* ── control ── */

static void show_control(struct platform *platform, struct http_conn *conn)
{
    buf_reset(&platform->out);
    buf_addf(&platform->out, "{\"strict\":%s,\"ignore_lower_versions\":%s,\"rules\":",
             platform->records.strict ? "true" : "false", platform->records.ignore_lower ? "true" : "false");
    faults_write(platform->faults, &platform->out);
    buf_add_ch(&platform->out, '}');
    platform_answer(platform, conn, 200);
}

static void set_flag(const struct json *object, const char *name, bool *flag)
{
    const struct json *value = json_get(object, name);

    if (json_type(value) == JSON_BOOL)
        *flag = json_bool(value);
}

static void set_control(struct platform *platform, struct http_conn *conn, const struct http_request *request)
{
    struct json_error where;
    bool ok, late = false;
    struct json *control = json_parse(request->body, request->body_len, JSON_DEPTH_MAX, &where, &ok),
                *rules = NULL;
    char error[200];

    if (!ok || json_type(control) != JSON_OBJECT) {
        platform_answer_error(platform, conn, 400, ok ? "an object is needed" : where.detail);
    } else if (json_find(control, "rules", &rules) &&
               faults_load(platform->faults, rules, error, sizeof error) != 0) {
        platform_answer_error(platform, conn, 422, error);
    } else {
        set_flag(control, "strict", &platform->records.strict);
        set_flag(control, "ignore_lower_versions", &platform->records.ignore_lower);
        set_flag(control, "late_arrive", &late);
        if (late)
            late_arrive(platform);
        show_control(platform, conn);
    }
    json_free(control);
}

static void control(struct platform *platform, struct http_conn *conn, const struct http_request *request)
{
    char error[200];

    if (strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0) {
        set_control(platform, conn, request);
        return;
    }
    if (strcmp(request->method, "DELETE") == 0) {
        faults_load(platform->faults, NULL, error, sizeof error);
        late_forget(platform);
        platform->records.strict = platform->records.ignore_lower = true;
    }
    show_control(platform, conn);
}

static void clear_records(struct platform *platform, struct http_conn *conn)
{
    bool strict = platform->records.strict, ignore_lower = platform->records.ignore_lower;

    records_release(&platform->records);
    records_init(&platform->records, platform->name, platform->records_max);
    platform->records.strict = strict;
    platform->records.ignore_lower = ignore_lower;
    buf_reset(&platform->out);
    buf_add_str(&platform->out, "{}");
    platform_answer(platform, conn, 200);
}

void inspect_request(struct platform *platform, struct http_conn *conn, const struct http_request *request)
{
    const char *path = request->path;
    const char *list = strstr(path, "/api/sync/"); /* a base address may have a path of its own */

    if (strcmp(path, "/received") == 0) {
        show_received(platform, conn, request);
    } else if (strcmp(path, "/control") == 0) {
        control(platform, conn, request);
    } else if (strcmp(path, "/records") == 0 && strcmp(request->method, "DELETE") == 0) {
        clear_records(platform, conn);
    } else if (strcmp(path, "/lists") == 0) {
        list_counts(platform, conn);
    } else if (strncmp(path, "/drift/", 7) == 0 && strcmp(request->method, "POST") == 0) {
        drift_request(platform, conn, request, path + 7);
    } else if (strncmp(path, "/edit/", 6) == 0 && strcmp(request->method, "POST") == 0) {
        edit_request(platform, conn, request, path + 6);
    } else if (strncmp(path, "/records/", 9) == 0 && strcmp(request->method, "POST") == 0) {
        list_preload(platform, conn, request, path + 9);
    } else if (strncmp(path, "/records/", 9) == 0) {
        show_records(platform, conn, request, path + 9);
    } else if (list && records_id_names(list + 10)) {
        list_request(platform, conn, request, list + 10);
    } else if (strncmp(path, "/api/sync/", 10) == 0) {
        show_records(platform, conn, request, path + 10);
    } else if (strcmp(path, "/") == 0 || strcmp(path, "/health") == 0) {
        buf_reset(&platform->out);
        buf_addf(&platform->out, "{\"status\":\"healthy\",\"platform\":\"%s\"}", platform->name);
        platform_answer(platform, conn, 200);
    } else {
        platform_answer_error(platform, conn, 404, "no such route");
    }
}
