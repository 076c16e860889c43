/*
 * event_list.c: GET /sync/events: filters, newest first, by cursor or by limit and offset. The cursor is the last id shown, so
 * that pages neither skip nor repeat while events come in.
 */
#include "answer.h"
#include "gateway.h"
#include "log.h"
#include "sql.h"
#include "timefmt.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200
#define OFFSET_MAX 100000
#define TOTAL_EXACT 10000

/* Owner: the query's callback. */
struct listing {
    struct http_request *request;
    int64_t limit, offset;
};

void gateway_refuse_parameter(struct http_request *request, const char *name, const char *detail)
{
    struct json *errors = json_new_array(), *error = json_new_object();
    json_set(error, "parameter", json_new_text(name));
    json_set(error, "detail", json_new_text(detail));
    json_append(errors, error);
    http_problem(
        request,
        &(struct problem){.status = 422, .type = "invalid-parameter", .detail = detail, .errors = errors});
    json_free(errors);
}

int gateway_query_int(struct http_request *request, const char *name, int64_t lowest, int64_t highest,
                      int64_t fallback, int64_t *value)
{
    const char *text = http_query(request, name);
    char detail[128];
    *value = fallback;
    if (!text || !*text)
        return 0;
    size_t digits = strspn(text, "0123456789");
    *value = digits <= 18 ? strtoll(text, NULL, 10) : INT64_MAX;
    if (digits > 0 && text[digits] == '\0' && *value >= lowest && *value <= highest)
        return 0;
    if (highest == INT64_MAX)
        snprintf(detail, sizeof detail, "%s must be a whole number of at least %lld", name,
                 (long long)lowest);
    else
        snprintf(detail, sizeof detail, "%s must be a whole number from %lld to %lld", name,
                 (long long)lowest, (long long)highest);
    gateway_refuse_parameter(request, name, detail);
    return -1;
}

/* ---- the answer ---- */

static void write_page(struct buf *out, const struct db_result *result, const struct listing *listing)
{
    size_t count = db_is_null(result, 0, db_column(result, "id")) ? 0 : db_rows(result);
    int64_t total = db_get_int(result, 0, db_column(result, "total"));
    answer_open(out, NULL, '{');
    answer_open(out, "events", '[');
    for (size_t row = 0; row < count; row++) {
        answer_open(out, NULL, '{');
        event_json_members(out, result, row);
        answer_close(out, '}');
    }
    answer_close(out, ']');
    answer_int(out, "total", total > TOTAL_EXACT ? TOTAL_EXACT : total);
    answer_bool(out, "total_is_estimate", total > TOTAL_EXACT);
    answer_int(out, "limit", listing->limit);
    answer_int(out, "offset", listing->offset);
    cursor_answer(out, result, count, db_get_bool(result, 0, db_column(result, "more")));
    answer_close(out, '}');
}

static void on_page(enum db_status status, const struct db_result *result, void *arg)
{
    struct listing *listing = arg;
    struct buf out = BUF_INIT;
    if (status == DB_OK) {
        write_page(&out, result, listing);
        http_reply(listing->request, 200, "application/json", &out);
    } else {
        gateway_refuse_database(listing->request, status, result);
    }
    buf_release(&out);
    free(listing);
}

/* ---- the question ---- */

static const char *query_text(const struct http_request *request, const char *name)
{
    const char *text = http_query(request, name);
    return text && *text ? text : NULL;
}

/* A time as the lowest id of its millisecond, `later_ms` on; 1: not given, -1: refused. */
static int query_time(struct http_request *request, const char *name, int64_t later_ms, struct uuid *id)
{
    const char *text = query_text(request, name);
    int64_t time_ms;
    if (!text)
        return 1;
    if (timefmt_parse(text, strlen(text), &time_ms) == 0 && time_ms >= 0) {
        uuid_v7_floor(id, time_ms + later_ms);
        return 0;
    }
    gateway_refuse_parameter(request, name,
                             "a time must be written as in RFC 3339, such as 2026-01-31T12:00:00Z");
    return -1;
}

static bool is_status(const char *text)
{
    static const char *const words[] = {"pending",   "scheduled", "processing", "retry",   "failed",
                                        "completed", "cancelled", "expired",    "conflict"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static int check_platform(const struct gateway *gateway, struct http_request *request, const char *name)
{
    struct buf detail = BUF_INIT;
    const char *text = query_text(request, name);
    if (!text || platform_find(gateway->platforms, text))
        return 0;
    buf_addf(&detail, "%s must be a configured platform: ", name);
    gateway_platform_names(&detail, gateway->platforms);
    gateway_refuse_parameter(request, name, detail.data);
    buf_release(&detail);
    return -1;
}

/* Names that no event can have are mistakes, not filters that find nothing. */
static int check_names(const struct gateway *gateway, struct http_request *request)
{
    enum event_type type;
    const char *text = query_text(request, "event_type");
    if (text && msg_event_type(text, &type) != 0) {
        gateway_refuse_parameter(request, "event_type", "event_type must be " GATEWAY_EVENT_TYPES_TEXT);
        return -1;
    }
    return check_platform(gateway, request, "source_platform") < 0
               ? -1
               : check_platform(gateway, request, "target_platform");
}

struct bounds {
    struct uuid from, to, cursor;
    bool has_from, has_to, has_cursor;
};

static int read_bounds(struct http_request *request, struct bounds *bounds)
{
    const char *status = query_text(request, "status"), *cursor = query_text(request, "cursor");
    int from = query_time(request, "from", 0, &bounds->from);
    int to = from < 0 ? -1 : query_time(request, "to", 1, &bounds->to);
    if (from < 0 || to < 0)
        return -1;
    bounds->has_from = from == 0;
    bounds->has_to = to == 0;
    bounds->has_cursor = cursor != NULL;
    if (status && !is_status(status))
        gateway_refuse_parameter(request, "status",
                                 "status must be one of pending, scheduled, processing, retry, failed, "
                                 "completed, conflict, cancelled and expired");
    else if (cursor && cursor_read(cursor, &bounds->cursor) < 0)
        gateway_refuse_parameter(request, "cursor", "cursor must be the next_cursor of an earlier answer");
    else
        return 0;
    return -1;
}

void event_list(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    struct bounds bounds;
    int64_t limit, offset;
    const char *tenant = http_tenant(request, http_query(request, "tenant_id"));
    if (!tenant) {
        gateway_refuse_tenant(request);
        return;
    }
    if (read_bounds(request, &bounds) < 0 || check_names(gateway, request) < 0 ||
        gateway_query_int(request, "limit", 1, INT64_MAX, LIMIT_DEFAULT, &limit) < 0 ||
        gateway_query_int(request, "offset", 0, OFFSET_MAX, 0, &offset) < 0)
        return;
    struct listing *listing = mem_alloc(sizeof *listing);
    *listing = (struct listing){request, limit < LIMIT_MAX ? limit : LIMIT_MAX, offset};
    struct db_params *params = db_params_new();
    db_add_text(params, strcmp(tenant, AUTH_ALL_TENANTS) == 0 ? NULL : tenant);
    db_add_text(params, query_text(request, "status"));
    db_add_text(params, query_text(request, "event_type"));
    db_add_text(params, query_text(request, "source_platform"));
    db_add_text(params, query_text(request, "target_platform"));
    db_add_text(params, query_text(request, "entity_id"));
    db_add_uuid(params, bounds.has_from ? &bounds.from : NULL);
    db_add_uuid(params, bounds.has_to ? &bounds.to : NULL);
    db_add_uuid(params, bounds.has_cursor ? &bounds.cursor : NULL);
    db_add_int(params, listing->limit);
    db_add_int(params, listing->offset);
    db_query_tenant(store_db(gateway->store), tenant, sql_list_events, params, on_page, listing);
}
