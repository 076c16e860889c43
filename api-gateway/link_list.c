/* link_list.c: GET /sync/links and GET /sync/links/{id}: who is said to be one person, and who may be. Ids alone, nothing personal. */
#include <event2/event.h>

#include "answer.h"
#include "clock.h"
#include "link_inside.h"
#include "sql.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200
#define WHY_MAX 16
#define PAUSE_MS 20

/* Owner: the query's callback, or the timer. */
struct looking {
    struct gateway *gateway;
    struct http_request *request;
    const char *tenant; /* the request's */
    int64_t limit;      /* of a page; 0: one link */
    struct uuid id;
    bool changed;
    int64_t until_ms;
};

static const char *text_of(const struct db_result *result, size_t row, const char *column)
{
    return db_get_text(result, row, db_column(result, column), NULL);
}

static void add_record(struct buf *out, const char *key, const struct db_result *result, size_t row,
                       const char *record, const char *entity)
{
    struct uuid id;

    db_get_uuid(result, row, db_column(result, record), &id);
    answer_open(out, key, '{');
    answer_uuid(out, "record_id", &id);
    answer_text(out, "entity_id", text_of(result, row, entity));
    answer_close(out, '}');
}

static void add_number(struct buf *out, const char *key, const struct db_result *result, size_t row)
{
    int at = db_column(result, key);

    if (db_is_null(result, row, at))
        answer_null(out, key);
    else
        answer_int(out, key, db_get_int(result, row, at));
}

/* Percent as a fraction. */
static void add_score(struct buf *out, const struct db_result *result, size_t row)
{
    int at = db_column(result, "score");
    char text[8];

    if (db_is_null(result, row, at)) {
        answer_null(out, "score");
        return;
    }
    snprintf(text, sizeof text, "%.2f", (double)db_get_int(result, row, at) / 100);
    answer_json(out, "score", text, strlen(text));
}

static void add_why(struct buf *out, const struct db_result *result, size_t row)
{
    const char *why[WHY_MAX];
    size_t lens[WHY_MAX];
    size_t count = db_get_texts(result, row, db_column(result, "why"), why, lens, WHY_MAX);

    answer_open(out, "why", '[');
    for (size_t i = 0; i < count && i < WHY_MAX; i++)
        if (why[i])
            answer_text_len(out, NULL, why[i], lens[i]);
    answer_close(out, ']');
}

static void add_link(struct buf *out, const struct db_result *result, size_t row)
{
    static const char *const before[] = {"tenant_id", "entity_type", "status", "kind"}, *const after[] = {
                                                                                            "decided_by",
                                                                                            "note"};
    struct uuid id;

    db_get_uuid(result, row, db_column(result, "id"), &id);
    answer_open(out, NULL, '{');
    answer_uuid(out, "id", &id);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        answer_text(out, before[i], text_of(result, row, before[i]));
    add_score(out, result, row);
    add_why(out, result, row);
    add_record(out, "record", result, row, "record_id", "entity_id");
    add_record(out, "other", result, row, "other_id", "other_entity_id");
    add_number(out, "version", result, row);
    answer_time(out, "created_at", db_get_time_ms(result, row, db_column(result, "created_at")));
    answer_time(out, "decided_at", db_get_time_ms(result, row, db_column(result, "decided_at")));
    for (size_t i = 0; i < sizeof after / sizeof *after; i++)
        answer_text(out, after[i], text_of(result, row, after[i]));
    answer_bool(out, "applied", !db_get_bool(result, row, db_column(result, "pending")));
    answer_close(out, '}');
}

static void write_page(struct buf *out, const struct db_result *result, int64_t limit)
{
    size_t rows = db_rows(result), shown = rows > (size_t)limit ? (size_t)limit : rows;

    answer_open(out, NULL, '{');
    answer_open(out, "links", '[');
    for (size_t row = 0; row < shown; row++)
        add_link(out, result, row);
    answer_close(out, ']');
    answer_int(out, "limit", limit);
    cursor_answer(out, result, shown, rows > shown);
    answer_close(out, '}');
}

/* ---- one ---- */

void link_refuse_unknown(struct http_request *request)
{
    http_problem(request, &(struct problem){.status = 404,
                                            .type = "no-such-link",
                                            .detail = "There is no such link, or it is not yours."});
}

const char *link_read_place(struct http_request *request, struct uuid *id)
{
    const char *text = http_param(request, "id"),
               *tenant = http_tenant(request, http_query(request, "tenant_id"));

    if (tenant && uuid_parse(id, text, strlen(text)) == 0)
        return tenant;
    link_refuse_unknown(request);
    return NULL;
}

static void ask_one(struct looking *looking);

static void again_cb(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    ask_one(arg);
}

static void reply(struct looking *looking, const struct db_result *result)
{
    struct buf out = BUF_INIT;

    if (looking->limit > 0)
        write_page(&out, result, looking->limit);
    else
        add_link(&out, result, 0);
    http_reply(looking->request, 200, "application/json", &out);
    buf_release(&out);
}

static void on_links(enum db_status status, const struct db_result *result, void *arg)
{
    struct looking *looking = arg;

    if (status != DB_OK && looking->changed) {
        changes_refuse(
            looking->request, DB_UNKNOWN, NULL,
            "It is stored, and the database went away before it could be shown: look at the link.");
    } else if (status != DB_OK) {
        gateway_refuse_database(looking->request, status, result);
    } else if (looking->limit == 0 && db_rows(result) == 0) {
        link_refuse_unknown(looking->request);
    } else if (looking->changed && db_get_bool(result, 0, db_column(result, "pending")) &&
               clock_mono_ms() < looking->until_ms) {
        event_base_once(service_base(looking->gateway->service), -1, EV_TIMEOUT, again_cb, looking,
                        &(struct timeval){0, PAUSE_MS * 1000});
        return;
    } else {
        reply(looking, result);
    }
    free(looking);
}

static void ask(struct looking *looking, const char *status, const struct uuid *cursor, const struct uuid *id)
{
    struct db_params *params = db_params_new();

    db_add_text(params, status);
    db_add_uuid(params, cursor);
    db_add_uuid(params, id);
    db_add_int(params, looking->limit);
    db_query_tenant(store_db(looking->gateway->store), looking->tenant, sql_list_links, params, on_links,
                    looking);
}

static void ask_one(struct looking *looking)
{
    ask(looking, NULL, NULL, &looking->id);
}

void link_show(struct gateway *gateway, struct http_request *request, const char *tenant,
               const struct uuid *id, bool changed)
{
    struct looking *looking = mem_alloc(sizeof *looking);

    *looking = (struct looking){gateway, request, tenant, 0, *id, changed, clock_mono_ms() + LINK_WAIT_MS};
    ask_one(looking);
}

void link_get(struct http_request *request, void *arg)
{
    struct uuid id;
    const char *tenant = link_read_place(request, &id);

    if (tenant)
        link_show(arg, request, tenant, &id, false);
}

/* ---- pages ---- */

static bool is_status(const char *text)
{
    static const char *const words[] = {"suggested", "refused", "linking", "linked", "splitting", "split"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

void link_list(struct http_request *request, void *arg)
{
    const char *tenant = http_tenant(request, http_query(request, "tenant_id")),
               *status = http_query(request, "status"), *cursor = http_query(request, "cursor");
    struct looking *looking;
    struct uuid below;
    int64_t limit;

    if (!tenant) {
        gateway_refuse_tenant(request);
        return;
    }
    status = status && *status ? status : NULL;
    cursor = cursor && *cursor ? cursor : NULL;
    if (status && !is_status(status)) {
        gateway_refuse_parameter(
            request, "status",
            "status must be one of suggested, refused, linking, linked, splitting and split");
        return;
    }
    if (cursor && cursor_read(cursor, &below) < 0) {
        gateway_refuse_parameter(request, "cursor", "cursor must be the next_cursor of an earlier answer");
        return;
    }
    if (gateway_query_int(request, "limit", 1, INT64_MAX, LIMIT_DEFAULT, &limit) < 0)
        return;
    looking = mem_alloc(sizeof *looking);
    *looking = (struct looking){
        .gateway = arg, .request = request, .tenant = tenant, .limit = limit < LIMIT_MAX ? limit : LIMIT_MAX};
    ask(looking, status, cursor ? &below : NULL, NULL);
}
